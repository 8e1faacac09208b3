/* Replays the inputs of the desk's fuzz targets. */
#include "fuzz/replay.h"
#include "fuzz/targets_shop_desk.h"

START_TEST(flows) { replay_inputs(fuzz_shop_flows, "shop_flows", 5, (int)(120 / suite_step(6))); }
END_TEST
START_TEST(turns) { replay_inputs(fuzz_shop_turns, "shop_turns", 5, (int)(24 / suite_step(4))); }
END_TEST

static void add(TCase *t) {
    tcase_set_timeout(t, 120);
    tcase_add_test(t, flows);
    tcase_add_test(t, turns);
}

SUITE_MAIN("shop/desk/desk_replay", add)
