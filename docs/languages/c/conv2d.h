/* A convolution of float32 images, as somebody writes one. */
typedef struct {
    long batch, channels, height, width;               /* of the input */
    long out_channels, kernel_height, kernel_width;    /* of the weight */
    long stride[2], padding[4], dilation[2], groups;   /* padding: top, bottom, left, right */
    long out_height, out_width;
} Layer;

static void conv2d(const float *x, const float *w, const float *b, float *y, const Layer *l) {
    long per_group = l->channels / l->groups, outputs_per_group = l->out_channels / l->groups;
    for (long n = 0; n < l->batch; n++)
        for (long o = 0; o < l->out_channels; o++)
            for (long p = 0; p < l->out_height; p++)
                for (long q = 0; q < l->out_width; q++) {
                    float sum = b ? b[o] : 0;
                    for (long c = 0; c < per_group; c++)
                        for (long i = 0; i < l->kernel_height; i++)
                            for (long j = 0; j < l->kernel_width; j++) {
                                long row = l->stride[0] * p + l->dilation[0] * i - l->padding[0];
                                long column = l->stride[1] * q + l->dilation[1] * j - l->padding[2];
                                if (row < 0 || row >= l->height || column < 0 || column >= l->width) continue;
                                long channel = o / outputs_per_group * per_group + c;
                                sum += x[((n * l->channels + channel) * l->height + row) * l->width + column] *
                                       w[((o * per_group + c) * l->kernel_height + i) * l->kernel_width + j];
                            }
                    y[((n * l->out_channels + o) * l->out_height + p) * l->out_width + q] = sum;
                }
}
