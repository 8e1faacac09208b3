/* What the C++ tests share: cases that count themselves, and what they say last for run-tests.sh. */
#ifndef LL_TESTS_CPP_CHECKS_HPP
#define LL_TESTS_CPP_CHECKS_HPP

#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>

namespace checks {

inline int n_passed = 0, n_failed = 0;

[[noreturn]] inline void fail(const char *file, int line, const std::string &what) {
    throw std::logic_error(std::string(file) + ":" + std::to_string(line) + ": " + what);
}

template <typename Case>
void run(const char *name, Case body) {
    try {
        body();
        n_passed++;
    } catch (const std::exception &e) {
        n_failed++;
        std::printf("FAIL %s: %s\n", name, e.what());
    }
}

inline int summary(const char *name) {
    std::printf("%s: %d passed, %d failed, 0 skipped\n", name, n_passed, n_failed);
    return n_failed != 0;
}

/* The exception of a host, which is no error of the library. */
struct host_error : std::exception {
    const char *what() const noexcept override { return "of the host"; }
};

}  // namespace checks

#define CHECK(condition)                                                \
    do {                                                                \
        if (!(condition)) checks::fail(__FILE__, __LINE__, #condition); \
    } while (0)

/* `expression` throws an Exception, of exactly that class. */
#define CHECK_THROWS(Exception, expression)                                                       \
    do {                                                                                          \
        bool thrown_ = false;                                                                     \
        try {                                                                                     \
            (void)(expression);                                                                   \
        } catch (const Exception &) {                                                             \
            thrown_ = true;                                                                       \
        }                                                                                         \
        if (!thrown_) checks::fail(__FILE__, __LINE__, #expression " did not throw " #Exception); \
    } while (0)

#endif
