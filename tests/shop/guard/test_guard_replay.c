/* Replays the inputs of the guard's fuzz targets: mask and check. */
#include "fuzz/replay.h"
#include "fuzz/targets_shop_check.h"
#include "fuzz/targets_shop_guard.h"

START_TEST(masked_texts) { replay_inputs(fuzz_shop_guard, "shop_guard", 8, 200 / (int)suite_step(10)); }
END_TEST

START_TEST(checked_texts) {
    replay_inputs(fuzz_shop_check, "shop_check", 8, (int)(400 / suite_step(5)));
    if (fuzz_folder[0]) remove_fuzz_folder();
}
END_TEST

static void add(TCase *t) {
    tcase_set_timeout(t, 120);
    tcase_add_test(t, masked_texts);
    tcase_add_test(t, checked_texts);
}

SUITE_MAIN("shop/guard/guard_replay", add)
