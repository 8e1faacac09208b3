/* Runs the guard's fuzz target on the inputs kept in tests/data/hostile, and on random damage to each. */
#include <dirent.h>

#include "fuzz/targets_shop_guard.h"
#include "support/random.h"
#include "support/suite.h"

START_TEST(hostile_inputs) {
    static uint8_t data[1 << 16];
    uint64_t seed = 20261134;
    int n = 0;
    DIR *d = opendir("tests/data/hostile/shop_guard");
    ck_assert_ptr_nonnull(d);
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        char path[400];
        snprintf(path, sizeof path, "tests/data/hostile/shop_guard/%s", e->d_name);
        FILE *f = e->d_name[0] == '.' ? NULL : fopen(path, "rb");
        if (!f) continue;
        const size_t size = fread(data, 1, sizeof data, f);
        fclose(f);
        fuzz_shop_guard(data, size);
        for (int i = 0; i < 200 / (int)suite_step(10) && size; i++) {
            const size_t at = random_below(&seed, size);
            const uint8_t kept = data[at];
            data[at] = (uint8_t)random_next(&seed);
            fuzz_shop_guard(data, i % 4 ? size : at);
            data[at] = kept;
        }
        n++;
    }
    closedir(d);
    fuzz_shop_guard(data, 0);
    ck_assert_int_ge(n, 8);
}
END_TEST

static void add(TCase *t) {
    printf("shop/guard/guard_replay: seed 20261134\n");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, hostile_inputs);
}

SUITE_MAIN("shop/guard/guard_replay", add)
