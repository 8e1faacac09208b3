/* Runs the fuzz target of learning on the inputs kept in tests/data/hostile, and on random damage to each. */
#include <dirent.h>

#include "fuzz/targets_shop_learn.h"
#include "support/random.h"
#include "support/suite.h"

START_TEST(hostile_inputs) {
    static uint8_t data[1 << 16];
    uint64_t seed = 20261130;
    int n = 0;
    DIR *d = opendir("tests/data/hostile/shop_learn");
    ck_assert_ptr_nonnull(d);
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        char path[400];
        snprintf(path, sizeof path, "tests/data/hostile/shop_learn/%s", e->d_name);
        FILE *f = e->d_name[0] == '.' ? NULL : fopen(path, "rb");
        if (!f) continue;
        const size_t size = fread(data, 1, sizeof data, f);
        fclose(f);
        fuzz_shop_learn(data, size);
        for (int i = 0; i < (int)(24 / suite_step(4)) && size; i++) {
            const size_t at = random_below(&seed, size);
            const uint8_t kept = data[at];
            data[at] = (uint8_t)random_next(&seed);
            fuzz_shop_learn(data, i % 4 ? size : at);
            data[at] = kept;
        }
        n++;
    }
    closedir(d);
    fuzz_shop_learn(data, 0);
    ck_assert_int_ge(n, 10);
}
END_TEST

static void add(TCase *t) {
    printf("shop/learn/learn_replay: seed 20261130\n");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, hostile_inputs);
}

SUITE_MAIN("shop/learn/learn_replay", add)
