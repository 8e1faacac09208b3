/* Replays the inputs of the metrics' fuzz target. */
#include "fuzz/replay.h"
#include "fuzz/targets_shop_metrics.h"

START_TEST(inputs_that_are_kept_and_damaged) {
    replay_inputs(fuzz_shop_metrics, "shop_metrics", 8, (int)(400 / suite_step(5)));
    if (fuzz_folder[0]) remove_fuzz_folder();
}
END_TEST

static void add_tests(TCase *tests) { tcase_add_test(tests, inputs_that_are_kept_and_damaged); }

SUITE_MAIN("shop/metrics/replay", add_tests)
