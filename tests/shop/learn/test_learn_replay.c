/* Replays the inputs of learning's fuzz target. */
#include "fuzz/replay.h"
#include "fuzz/targets_shop_learn.h"

START_TEST(hostile_inputs) { replay_inputs(fuzz_shop_learn, "shop_learn", 10, (int)(24 / suite_step(4))); }
END_TEST

static void add(TCase *t) {
    tcase_set_timeout(t, 120);
    tcase_add_test(t, hostile_inputs);
}

SUITE_MAIN("shop/learn/learn_replay", add)
