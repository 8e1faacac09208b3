/* Replays the inputs of the store's and the knowledge base's fuzz targets. */
#include "fuzz/replay.h"
#include "fuzz/targets_shop.h"

START_TEST(damaged_stores) { replay_inputs(fuzz_shop_store, "shop_store", 5, (int)(16 / suite_step(4))); }
END_TEST
START_TEST(questions) { replay_inputs(fuzz_shop_question, "shop_question", 5, (int)(40 / suite_step(4))); }
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
    printf("five_hundred_damaged_stores: seed 20261129\n");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, damaged_stores);
    tcase_add_test(t, questions);
    tcase_add_test(t, five_hundred_damaged_stores);
}

SUITE_MAIN("shop/knowledge/shop_replay", add)
