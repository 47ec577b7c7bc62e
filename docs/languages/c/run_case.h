/* From the file of a case to the file of its result: what stands between refconv and the kernel. */
#include "conv2d.h"
#include "safetensors.h"

enum { OK = 0, FAILED = 1, UNSUPPORTED = 77 };

static int is_float_of_rank(const Tensor *tensor, int rank) {
    return strcmp(tensor->dtype, "F32") == 0 && tensor->rank == rank;
}

static int run_case(const File *file, const char *result) {
    Tensor x, w, b = {.data = NULL}, y = {.dtype = "F32", .rank = 4};
    Layer l;
    if (!get_tensor(file, "input", &x) || !get_tensor(file, "weight", &w)) return FAILED;
    if (!is_float_of_rank(&x, 4) || !is_float_of_rank(&w, 4)) return UNSUPPORTED;
    if (get_tensor(file, "bias", &b) && !is_float_of_rank(&b, 1)) return UNSUPPORTED; /* of another type */
    l.batch = x.shape[0], l.channels = x.shape[1], l.height = x.shape[2], l.width = x.shape[3];
    l.out_channels = w.shape[0], l.kernel_height = w.shape[2], l.kernel_width = w.shape[3];
    if (get_numbers(file, "padding", l.padding) != 4) return UNSUPPORTED; /* a word: "same_upper" */
    if (get_numbers(file, "stride", l.stride) != 2 || get_numbers(file, "dilation", l.dilation) != 2 ||
        get_numbers(file, "groups", &l.groups) != 1)
        return FAILED;
    for (int i = 0; i < 4; i++)
        if (l.stride[i / 2] < 1 || l.dilation[i / 2] < 1 || l.padding[i] < 0 || w.shape[2 + i / 2] < 1) return FAILED;
    if (l.groups < 1 || w.shape[1] * l.groups != l.channels || l.out_channels % l.groups) return FAILED;
    if (b.data && b.count != l.out_channels) return FAILED;
    long height = l.height + l.padding[0] + l.padding[1] - l.dilation[0] * (l.kernel_height - 1) - 1;
    long width = l.width + l.padding[2] + l.padding[3] - l.dilation[1] * (l.kernel_width - 1) - 1;
    if (height < 0 || width < 0) return FAILED;
    y.shape[0] = l.batch, y.shape[1] = l.out_channels;
    y.shape[2] = l.out_height = height / l.stride[0] + 1;
    y.shape[3] = l.out_width = width / l.stride[1] + 1;
    y.count = y.shape[0] * y.shape[1] * y.shape[2] * y.shape[3];
    y.data = malloc(y.count * sizeof(float) + 1);
    if (!y.data) return FAILED;
    conv2d(x.data, w.data, b.data, y.data, &l);
    int status = write_result(result, &y, sizeof(float)) ? OK : FAILED;
    free(y.data);
    return status;
}
