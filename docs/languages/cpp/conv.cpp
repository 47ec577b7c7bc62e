// conv CASE RESULT: the target exec:./conv.
#include <iostream>

#include "run_case.hpp"

int main(int count, char **words) try {
    if (count != 3) throw std::invalid_argument("usage: conv CASE RESULT");
    run_case(words[1], words[2]);
} catch (const Unsupported &reason) {
    std::cerr << reason.what() << '\n';
    return 77;
} catch (const std::exception &error) {
    std::cerr << error.what() << '\n';
    return 1;
}
