// A convolution of images of any type, as somebody writes one.
#pragma once
#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>
#include <vector>

struct Unsupported : std::runtime_error { using std::runtime_error::runtime_error; };

struct Axis {
    long size, taps, stride, dilation, before, after;

    long reach() const { return dilation * (taps - 1) + 1; }
    long outputs() const { return (size + before + after - reach()) / stride + 1; }
    // As many outputs as strides in the input: ONNX's two dialects, and PyTorch's "same", which takes no stride.
    void pad(const std::string &word) {
        const bool is_same = word == "same_upper" || word == "same_lower" || word == "same";
        if ((!is_same && word != "valid") || (word == "same" && stride > 1))
            throw std::invalid_argument("padding " + word);
        const long total = is_same ? std::max(0L, ((size + stride - 1) / stride - 1) * stride + reach() - size) : 0;
        before = word == "same_lower" ? total - total / 2 : total / 2;
        after = total - before;
    }
};

template <typename T, typename Sum>
std::vector<Sum> conv2d(const std::vector<T> &x, const std::vector<T> &w, const std::vector<T> &bias, long batch,
                        long channels, long out_channels, const Axis &rows, const Axis &columns, long groups) {
    const long each = channels / groups, out_each = out_channels / groups;
    const long P = rows.outputs(), Q = columns.outputs();
    std::vector<Sum> y;
    y.reserve(batch * out_channels * P * Q);
    for (long n = 0; n < batch; n++)
        for (long o = 0; o < out_channels; o++)
            for (long p = 0; p < P; p++)
                for (long q = 0; q < Q; q++) {
                    Sum sum = bias.empty() ? 0 : static_cast<Sum>(bias[o]);
                    for (long c = 0; c < each; c++)
                        for (long i = 0; i < rows.taps; i++)
                            for (long j = 0; j < columns.taps; j++) {
                                const long h = rows.stride * p + rows.dilation * i - rows.before;
                                const long v = columns.stride * q + columns.dilation * j - columns.before;
                                if (h < 0 || h >= rows.size || v < 0 || v >= columns.size) continue;
                                const long plane = n * channels + o / out_each * each + c;
                                sum += static_cast<Sum>(x[(plane * rows.size + h) * columns.size + v]) *
                                       static_cast<Sum>(w[((o * each + c) * rows.taps + i) * columns.taps + j]);
                            }
                    y.push_back(sum);
                }
    return y;
}
