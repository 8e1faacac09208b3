#include "support/suite.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define TEST_LIMIT_S 600

/* Shared with the children that Check runs the tests in. */
static atomic_int *skips;

int suite_main(const char *name, void (*add_tests)(TCase *tests)) {
    Suite *suite = suite_create(name);
    TCase *tests = tcase_create(name);
    skips = mmap(NULL, sizeof *skips, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (skips == MAP_FAILED) return EXIT_FAILURE;
    tcase_set_timeout(tests, TEST_LIMIT_S);
    add_tests(tests);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner), skipped = atomic_load(skips);
    int passed = srunner_ntests_run(runner) - failed - skipped;
    printf("%s: %d passed, %d failed, %d skipped\n", name, passed, failed, skipped);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

void suite_skip(const char *what, const char *why) {
    printf("SKIPPED %s: %s\n", what, why);
    fflush(stdout);
    atomic_fetch_add(skips, 1);
}

bool suite_emulated(const char *which) {
    const char *emulator = getenv("LLMCS_EMULATED");
    return emulator && (!which || strcmp(emulator, which) == 0);
}

#if defined(__has_feature)
#define SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

bool suite_sanitized(void) { return SANITIZED; }

size_t suite_step(size_t step) { return suite_sanitized() || suite_emulated(NULL) ? step : 1; }

double suite_cpu_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
