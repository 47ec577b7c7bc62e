// test_vectors DIR: hold every case of the vectors to its bound, and leave the results for refconv judge.
#include <cmath>
#include <filesystem>
#include <iostream>

#include "run_case.hpp"

static std::vector<double> widened(const Tensor &tensor) {
    const auto widen = [](const auto &values) { return std::vector<double>(values.begin(), values.end()); };
    if (tensor.dtype == "F32") return widen(tensor.values<float>());
    if (tensor.dtype == "F64") return tensor.values<double>();
    return tensor.dtype == "I32" ? widen(tensor.values<std::int32_t>()) : widen(tensor.values<std::int64_t>());
}

// An element is right if it is within its bound of the result, or equal to it, or both are NaN.  An infinite bound
// allows anything.
static long count_wrong(const File &vector, const Tensor &result) {
    if (result.shape != vector.tensors.at("result").shape) return -1;
    const auto got = widened(result), want = widened(vector.tensors.at("result"));
    const auto bound = widened(vector.tensors.at("bound"));
    const auto is_right = [](double a, double b, double within) {
        return std::isinf(within) || std::abs(a - b) <= within || a == b || (std::isnan(a) && std::isnan(b));
    };
    long wrong = 0;
    for (std::size_t i = 0; i < got.size(); i++) wrong += !is_right(got[i], want[i], bound[i]);
    return wrong;
}

int main(int count, char **words) {
    const std::filesystem::path folder = count > 1 ? words[1] : "vectors";
    std::filesystem::create_directories(folder / "results");
    int passed = 0, failed = 0, skipped = 0;
    for (const auto &entry : std::filesystem::directory_iterator(folder / "cases")) {
        const std::string path = entry.path().string();
        const std::string result = (folder / "results" / entry.path().filename()).string();
        std::filesystem::remove(result);
        try {
            run_case(path, result);
            const long wrong = count_wrong(File(path), File(result).tensors.at("result"));
            if (wrong) std::cout << "FAILED " << path << ": " << wrong << " wrong elements\n";
            (wrong ? failed : passed)++;
        } catch (const Unsupported &) {
            skipped++;
        } catch (const std::exception &error) {
            std::cout << "FAILED " << path << ": " << error.what() << '\n';
            failed++;
        }
    }
    std::cout << passed << " passed, " << failed << " failed, " << skipped << " skipped\n";
    return failed > 0;
}
