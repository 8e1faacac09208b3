/* Runs the desk's fuzz targets on the inputs kept in tests/data/hostile, and on random damage to each. */
#include <dirent.h>

#include "fuzz/targets_shop_desk.h"
#include "support/random.h"
#include "support/suite.h"

static void replay(int (*target)(const uint8_t *, size_t), const char *name, int n_damaged) {
    static uint8_t data[1 << 16];
    uint64_t seed = 20261130;
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
            data[at] = i % 3 ? (uint8_t)random_next(&seed) : data[random_below(&seed, size)];
            target(data, i % 8 ? size : at);
            data[at] = kept;
        }
        n++;
    }
    closedir(d);
    target(data, 0);
    ck_assert_int_ge(n, 5);
}

START_TEST(flows) { replay(fuzz_shop_flows, "shop_flows", (int)(120 / suite_step(6))); }
END_TEST
START_TEST(turns) { replay(fuzz_shop_turns, "shop_turns", (int)(24 / suite_step(4))); }
END_TEST

static void add(TCase *t) {
    printf("shop/desk/desk_replay: seed 20261130\n");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, flows);
    tcase_add_test(t, turns);
}

SUITE_MAIN("shop/desk/desk_replay", add)
