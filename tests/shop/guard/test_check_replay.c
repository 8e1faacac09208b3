/* Runs the fuzz target of check on the inputs kept in tests/data/hostile/shop_check, and on damage to them. */
#include <dirent.h>

#include "fuzz/targets_shop_check.h"
#include "support/random.h"
#include "support/suite.h"

#define FOLDER "tests/data/hostile/shop_check"

START_TEST(inputs_that_are_kept_and_damaged) {
    static uint8_t data[1 << 16];
    uint64_t seed = 20261128;
    int n = 0;
    printf("seed %llu\n", (unsigned long long)seed);
    DIR *d = opendir(FOLDER);
    ck_assert_ptr_nonnull(d);
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        char path[400];
        snprintf(path, sizeof path, FOLDER "/%s", e->d_name);
        FILE *f = e->d_name[0] == '.' ? NULL : fopen(path, "rb");
        if (!f) continue;
        const size_t size = fread(data, 1, sizeof data, f);
        fclose(f);
        fuzz_shop_check(data, size);
        for (size_t i = 0; i < 400 / suite_step(5); i++) {
            uint8_t *copy = exact_copy(data, size);
            copy[random_below(&seed, size)] = (uint8_t)random_next(&seed);
            fuzz_shop_check(copy, i % 3 ? size : random_below(&seed, size + 1));
            free(copy);
        }
        n++;
    }
    closedir(d);
    fuzz_shop_check(data, 0);
    ck_assert_int_ge(n, 8);
    if (fuzz_folder[0]) remove_fuzz_folder();
}
END_TEST

static void add_tests(TCase *tests) { tcase_add_test(tests, inputs_that_are_kept_and_damaged); }

SUITE_MAIN("shop/guard/check_replay", add_tests)
