/* Runs the shop layer's fuzz targets on the inputs kept in tests/data/hostile, and on random damage to each. */
#include <dirent.h>

#include "fuzz/targets_shop.h"
#include "support/random.h"
#include "support/suite.h"

static void replay(int (*target)(const uint8_t *, size_t), const char *name, int n_damaged) {
    static uint8_t data[1 << 16];
    uint64_t seed = 20261128;
    int n = 0;
    char folder[100];
    snprintf(folder, sizeof folder, "tests/data/hostile/%s", name);
    DIR *d = opendir(folder);
    ck_assert_msg(d != NULL, "%s", folder);
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        char path[400];
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        FILE *f = e->d_name[0] == '.' ? NULL : fopen(path, "rb");
        if (!f) continue;
        const size_t size = fread(data, 1, sizeof data, f);
        fclose(f);
        target(data, size);
        for (int i = 0; i < n_damaged && size; i++) {
            const size_t at = random_below(&seed, size);
            const uint8_t kept = data[at];
            data[at] = (uint8_t)random_next(&seed);
            target(data, i % 4 ? size : at);
            data[at] = kept;
        }
        n++;
    }
    closedir(d);
    target(data, 0);
    ck_assert_int_ge(n, 5);
}

START_TEST(damaged_stores) { replay(fuzz_shop_store, "shop_store", (int)(16 / suite_step(4))); }
END_TEST
START_TEST(questions) { replay(fuzz_shop_question, "shop_question", (int)(40 / suite_step(4))); }
END_TEST

/* A byte of every kind of page at random places: opened, or refused with a reason. */
START_TEST(five_hundred_damaged_stores) {
    uint64_t seed = 20261129;
    for (int i = 0; i < 500 / (int)suite_step(10); i++) {
        uint8_t damage[40];
        for (size_t b = 0; b < sizeof damage; b++) damage[b] = (uint8_t)random_next(&seed);
        for (size_t b = 2; b < sizeof damage; b += 5) damage[b] &= 3, damage[b + 1] = 0; /* places below 256 KiB */
        if (damage[0] == 255) damage[0] = 0;
        fuzz_shop_store(damage, sizeof damage - (size_t)(i % 2) - 5 * random_below(&seed, 8));
    }
}
END_TEST

static void add(TCase *t) {
    printf("shop/knowledge/shop_replay: seeds 20261128, 20261129\n");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, damaged_stores);
    tcase_add_test(t, questions);
    tcase_add_test(t, five_hundred_damaged_stores);
}

SUITE_MAIN("shop/knowledge/shop_replay", add)
