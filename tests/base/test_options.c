/* Structs with struct_size: programs built with older and newer headers than the library's. */
#include <stdlib.h>
#include <string.h>

#include "base/options.h"
#include "support/suite.h"

typedef struct ours {
    size_t struct_size;
    int32_t first, second;
    double third;
} ours;

#define OLDEST LL_SIZE_UP_TO(ours, first)

static const ours defaults = {.struct_size = sizeof defaults, .first = 1, .second = 2, .third = 3.0};

/* Exactly `size` bytes of heap: a sanitizer or valgrind sees a write past them. */
START_TEST(init_writes_no_more_than_the_callers_size) {
    for (size_t size = 0; size <= sizeof(ours) + 40; size++) {
        unsigned char *caller = malloc(size + 1);
        memset(caller, 0xa5, size + 1);
        ll_options_init(caller, size, &defaults, sizeof defaults);
        ck_assert_uint_eq(caller[size], 0xa5);
        if (size < sizeof(size_t)) {
            for (size_t i = 0; i < size; i++) ck_assert_uint_eq(caller[i], 0xa5);
        } else {
            const size_t common = size < sizeof(ours) ? size : sizeof(ours);
            ck_assert_int_eq(memcmp(caller, &size, sizeof size), 0);
            ck_assert_int_eq(
                memcmp(caller + sizeof size, (const unsigned char *)&defaults + sizeof size, common - sizeof size), 0);
            for (size_t i = sizeof(ours); i < size; i++) ck_assert_uint_eq(caller[i], 0);
        }
        free(caller);
    }
    ll_options_init(NULL, sizeof(ours), &defaults, sizeof defaults);
}
END_TEST

START_TEST(an_older_callers_struct_leaves_the_rest_at_its_defaults) {
    ours caller = {.struct_size = OLDEST, .first = 7, .second = 70, .third = 700.0}, out = defaults;
    ck_assert_int_eq(ll_options_in(&out, sizeof out, OLDEST, &caller, "ours"), LLMCS_OK);
    ck_assert_int_eq(out.first, 7);
    ck_assert_int_eq(out.second, 2);
    ck_assert(out.third == 3.0);
    ck_assert_uint_eq(out.struct_size, sizeof out);
}
END_TEST

START_TEST(an_older_callers_output_is_filled_as_far_as_it_goes) {
    ours caller = {.struct_size = OLDEST, .second = 70};
    ck_assert_int_eq(ll_options_out(&caller, OLDEST, &defaults, sizeof defaults, "ours"), LLMCS_OK);
    ck_assert_int_eq(caller.first, 1);
    ck_assert_int_eq(caller.second, 70);
    ck_assert_uint_eq(caller.struct_size, OLDEST);
}
END_TEST

START_TEST(a_newer_callers_unknown_fields_must_be_zero) {
    struct {
        ours known;
        int64_t unknown;
    } caller = {.known = defaults};
    ours out = defaults;
    caller.known.struct_size = sizeof caller;
    ck_assert_int_eq(ll_options_in(&out, sizeof out, OLDEST, &caller, "ours"), LLMCS_OK);
    caller.unknown = 1;
    ck_assert_int_eq(ll_options_in(&out, sizeof out, OLDEST, &caller, "ours"), LLMCS_ARG);
    ck_assert_int_eq(ll_options_out(&caller, OLDEST, &defaults, sizeof defaults, "ours"), LLMCS_OK);
    ck_assert_int_eq(caller.unknown, 0);
    ck_assert_uint_eq(caller.known.struct_size, sizeof caller);
}
END_TEST

START_TEST(sizes_that_cannot_be_are_refused) {
    for (size_t size = 0; size < OLDEST; size++) ck_assert_int_eq(ll_options_check(&size, OLDEST, "ours"), LLMCS_ARG);
    const size_t huge = SIZE_MAX;
    ck_assert_int_eq(ll_options_check(&huge, OLDEST, "ours"), LLMCS_ARG);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "ours.struct_size"));
}
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, init_writes_no_more_than_the_callers_size);
    tcase_add_test(t, an_older_callers_struct_leaves_the_rest_at_its_defaults);
    tcase_add_test(t, an_older_callers_output_is_filled_as_far_as_it_goes);
    tcase_add_test(t, a_newer_callers_unknown_fields_must_be_zero);
    tcase_add_test(t, sizes_that_cannot_be_are_refused);
}

SUITE_MAIN("base/options", add)
