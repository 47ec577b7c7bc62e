// Read a case with the standard library alone: eight bytes, a header in JSON, little-endian numbers.
#pragma once
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <stdexcept>
#include <string>
#include <vector>

using Numbers = std::vector<long>;

inline Numbers numbers_in(const std::string &list) {  // "2 1" or "[2,1]"; none in a word
    static const std::regex number("-?[0-9]+");
    Numbers found;
    std::sregex_iterator at(list.begin(), list.end(), number), end;
    for (; at != end; ++at) found.push_back(std::stol(at->str()));
    return found;
}

struct Tensor {
    std::string dtype, bytes;
    Numbers shape;
    template <typename T> std::vector<T> values() const {  // this machine is little-endian, like the file
        std::vector<T> found(bytes.size() / sizeof(T));
        std::memcpy(found.data(), bytes.data(), found.size() * sizeof(T));
        return found;
    }
};

struct File {
    std::map<std::string, Tensor> tensors;
    std::map<std::string, std::string> text;
    explicit File(const std::string &path) {
        std::ifstream stream(path, std::ios::binary);
        const std::string data{std::istreambuf_iterator<char>(stream), {}};
        std::uint64_t length = -1;
        if (data.size() >= 8) std::memcpy(&length, data.data(), 8);
        if (length > data.size()) throw std::runtime_error(path + " is no safetensors file");
        const std::string header = data.substr(8, length), numbers = data.substr(8 + length);
        const std::regex entry(
            R"re("(\w+)":(?:"([^"]*)"|\{"dtype":"(\w+)","shape":(\[[^\]]*\]),"data_offsets":\[(\d+),(\d+)))re");
        for (std::sregex_iterator at(header.begin(), header.end(), entry), end; at != end; ++at) {
            const auto &found = *at;  // a name, then a text, or the type, shape and offsets of a tensor
            if (!found[3].matched) text[found[1]] = found[2];
            else {
                const long first = std::stol(found[5]), last = std::stol(found[6]);
                tensors[found[1]] = {found[3], numbers.substr(first, last - first), numbers_in(found[4])};
            }
        }
    }
};
