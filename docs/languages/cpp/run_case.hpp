// From the file of a case to the file of its result: what stands between refconv and the kernel.
#pragma once
#include <cstdint>
#include <sstream>

#include "conv2d.hpp"
#include "safetensors.hpp"

template <typename T>
void write_result(const std::string &path, const char *dtype, const Numbers &shape, const std::vector<T> &values) {
    std::ostringstream header;
    header << "{\"result\":{\"dtype\":\"" << dtype << "\",\"shape\":[";
    for (std::size_t i = 0; i < shape.size(); i++) header << (i ? "," : "") << shape[i];
    header << "],\"data_offsets\":[0," << values.size() * sizeof(T) << "]}}";
    const std::uint64_t length = header.str().size();
    std::ofstream stream(path, std::ios::binary);
    stream.write(reinterpret_cast<const char *>(&length), 8) << header.str();
    stream.write(reinterpret_cast<const char *>(values.data()), values.size() * sizeof(T));
}

template <typename T, typename Sum> void run_typed(File &file, const std::string &result, const char *dtype) {
    const Tensor &x = file.tensors.at("input"), &w = file.tensors.at("weight");
    if (x.shape.size() != 4) throw Unsupported("an image without a batch");
    const auto bias = file.tensors.count("bias") ? file.tensors.at("bias").values<T>() : std::vector<T>{};
    const auto stride = numbers_in(file.text.at("stride")), dilation = numbers_in(file.text.at("dilation"));
    const auto padding = numbers_in(file.text.at("padding"));
    const long groups = std::stol(file.text.at("groups")), out_channels = w.shape.at(0);
    std::array<Axis, 2> axes{};
    for (int a = 0; a < 2; a++) {
        axes[a] = {x.shape[2 + a], w.shape.at(2 + a), stride.at(a), dilation.at(a), 0, 0};
        if (padding.empty()) axes[a].pad(file.text["padding"]);
        else axes[a].before = padding.at(2 * a), axes[a].after = padding.at(2 * a + 1);
        const auto &[size, taps, step, rate, before, after] = axes[a];
        if (taps < 1 || step < 1 || rate < 1 || before < 0 || after < 0 || size + before + after < axes[a].reach())
            throw std::invalid_argument("this kernel does not fit this image");
    }
    const bool fits = groups > 0 && w.shape[1] * groups == x.shape[1] && out_channels % groups == 0;
    if (!fits || padding.size() % 4 || (!bias.empty() && static_cast<long>(bias.size()) != out_channels))
        throw std::invalid_argument("these channels, groups and paddings do not go together");
    const auto y = conv2d<T, Sum>(x.values<T>(), w.values<T>(), bias, x.shape[0], x.shape[1], out_channels, axes[0],
                                  axes[1], groups);
    write_result<Sum>(result, dtype, {x.shape[0], out_channels, axes[0].outputs(), axes[1].outputs()}, y);
}

inline void run_case(const std::string &path, const std::string &result) {
    File file(path);
    const std::string dtype = file.tensors.at("input").dtype;
    for (const auto name : {"weight", "bias"})
        if (file.tensors.count(name) && file.tensors.at(name).dtype != dtype) throw Unsupported("types that differ");
    if (dtype == "F32") run_typed<float, float>(file, result, "F32");
    else if (dtype == "F64") run_typed<double, double>(file, result, "F64");
    else if (dtype == "I8") run_typed<std::int8_t, std::int32_t>(file, result, "I32");
    else if (dtype == "U8") run_typed<std::uint8_t, std::int32_t>(file, result, "I32");
    else throw Unsupported(dtype);
}
