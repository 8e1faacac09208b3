/* A test program is one suite: SUITE_MAIN("base/alloc", add_tests) runs what add_tests put in, prints what failed
 * and, last, "base/alloc: N passed, N failed, N skipped", which tools/build/run-tests.sh adds up. */
#ifndef TESTS_SUPPORT_SUITE_H
#define TESTS_SUPPORT_SUITE_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>

/* Check writes to its parent process at each assertion that holds, which in loops is most of a test's time. Here it
 * does so when one holds for the first time: enough to say where a test that crashed had been. */
static inline void suite_mark_once(const char *file, int line) {
    enum { LINES = 1024 };
    static bool marked[LINES]; /* threads of a test assert, too */
    if (__atomic_load_n(&marked[line % LINES], __ATOMIC_RELAXED)) return;
    __atomic_store_n(&marked[line % LINES], true, __ATOMIC_RELAXED);
    _mark_point(file, line);
}
#define _mark_point(file, line) suite_mark_once(file, line)

int suite_main(const char *name, void (*add_tests)(TCase *tests));

/* A test that cannot run here says so, at most once, and returns: it counts as skipped and not as passed. */
void suite_skip(const char *what, const char *why);

/* Under an emulator (qemu, valgrind; the Makefile says so in LLMCS_EMULATED), which is slow and keeps its own idea of
 * threads after fork and of the floating-point environment. `which`: "valgrind", or NULL for any. */
bool suite_emulated(const char *which);

/* Built with the sanitizer of addresses or of threads. */
bool suite_sanitized(void);

/* Under an emulator or a sanitizer every `step`-th of many cases is enough: the plain run goes through all. A step that
 * has no factor in common with what the cases are made of meets every combination of few. */
size_t suite_step(size_t step);

/* Processor time of this process: other programs do not count. What blocks for ever runs into the suite's timeout. */
double suite_cpu_seconds(void);

#define SUITE_MAIN(name, add_tests) \
    int main(void) { return suite_main(name, add_tests); }

#endif
