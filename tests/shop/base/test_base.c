/* What every part of the shop layer stands on: messages, allocation, sized structs, the caller's environment. */
#include <fenv.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shop/base/alloc.h"
#include "shop/base/call.h"
#include "shop/base/han.h"
#include "shop/base/noun.h"
#include "shop/base/numeral.h"
#include "shop/base/options.h"
#include "shop/base/utf8.h"
#include "support/fail_alloc.h"
#include "support/suite.h"

START_TEST(chinese_numerals_are_read) {
    static const struct {
        int32_t c[9];
        size_t n;
        unsigned int value;
    } cases[] = {
        {{0x4e09, 0x767e, 0x4ee5}, 2, 300},                                                      /* 三百以 */
        {{0x4e09, 0x767e, 0x4e94, 0x5341}, 4, 350},                                              /* 三百五十 */
        {{0x4e09, 0x767e, 0x4e94}, 3, 350},                                                      /* 三百五 */
        {{0x4e09, 0x767e, 0x96f6, 0x4e94}, 4, 305},                                              /* 三百零五 */
        {{0x4e00, 0x5343, 0x4e94, 0x767e}, 4, 1500},                                             /* 一千五百 */
        {{0x4e00, 0x4e07, 0x4e8c}, 3, 12000},                                                    /* 一万二 */
        {{0x4e24, 0x767e}, 2, 200},                                                              /* 两百 */
        {{0x4e8c, 0x5341, 0x56db}, 3, 24},                                                       /* 二十四 */
        {{0x5341}, 1, 10},                                                                       /* 十 */
        {{0x4e8c, 0x3007, 0x4e8c, 0x516d}, 4, 2026},                                             /* 二〇二六 */
        {{0x4ee5, 0x4e09}, 0, 0},                                                                /* 以三 */
        {{0x4e94, 0x4e94, 0x4e94, 0x4e94, 0x4e94, 0x4e94, 0x4e94, 0x4e94, 0x4e94}, 8, 55555555}, /* one too many */
        {{0x4e5d, 0x4e5d, 0x4e5d, 0x4e5d, 0x4e5d, 0x4e5d, 0x4e07}, 7, UINT_MAX}, /* 九九九九九九万 */
        {{0x4e00, 0x4e07, 0x4e07, 0x4e07, 0x4e07, 0x4e07, 0x4e07, 0x4e07}, 8, UINT_MAX},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned int value;
        ck_assert_uint_eq(shop_read_numeral(cases[i].c, 9, &value), cases[i].n);
        ck_assert_uint_eq(value, cases[i].value);
    }
}
END_TEST

START_TEST(numbers_in_texts_are_read) {
    static const struct {
        const char *text;
        size_t n;
        unsigned int value;
    } cases[] = {{"5岁", 1, 5},
                 {"五岁", 3, 5},
                 {"二十五岁", 9, 25},
                 {"十岁", 3, 10},
                 {"1234567 mm", 7, 1234567},
                 {"99999999999", 11, UINT_MAX},
                 {"4294967295", 10, UINT_MAX},
                 {"x5", 0, 0},
                 {"", 0, 0},
                 {"五\xe5", 3, 5},
                 {"3五", 1, 3}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned int value;
        ck_assert_uint_eq(shop_read_number(cases[i].text, strlen(cases[i].text), &value), cases[i].n);
        ck_assert_uint_eq(value, cases[i].value);
    }
}
END_TEST

START_TEST(nouns_are_the_same_in_singular_and_plural) {
    static const char *const same[][2] = {
        {"mug", "mugs"},       {"shelf", "shelves"},   {"knife", "knives"},  {"city", "cities"},
        {"toy", "toys"},       {"dress", "dresses"},   {"brush", "brushes"}, {"watch", "watches"},
        {"box", "boxes"},      {"potato", "potatoes"}, {"shoe", "shoes"},    {"glove", "gloves"},
        {"hoodie", "hoodies"}, {"scarf", "scarfs"},    {"tea", "tea"},       {"包", "包"}};
    static const char *const different[][2] = {{"bras", "brass"},   {"tea", "team"}, {"it", "its"},
                                               {"hoodie", "hoody"}, {"mug", "smug"}, {"carve", "car"},
                                               {"glass", "glas"},   {"", "s"}};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        for (int k = 0; k < 2; k++) {
            const char *a = same[i][k], *b = same[i][!k];
            ck_assert_msg(shop_same_noun(a, strlen(a), b, strlen(b)), "%s, %s", a, b);
        }
    for (size_t i = 0; i < sizeof different / sizeof *different; i++)
        for (int k = 0; k < 2; k++) {
            const char *a = different[i][k], *b = different[i][!k];
            ck_assert_msg(!shop_same_noun(a, strlen(a), b, strlen(b)), "%s, %s", a, b);
        }
}
END_TEST

START_TEST(han_characters_are_told_from_others) {
    ck_assert(shop_has_han("a 茶", strlen("a 茶")) && shop_has_han("〇", 3) && shop_has_han("\xf0\xa0\x80\x80", 4));
    ck_assert(!shop_has_han("tea, café。", strlen("tea, café。")) && !shop_has_han("\xe8\x8c", 2) &&
              !shop_has_han("", 0));
    ck_assert(shop_lower('Z') == 'z' && shop_lower('@') == '@' && shop_lower('[') == '[' &&
              shop_lower('\xc9') == '\xc9');
}
END_TEST

START_TEST(messages_are_read_from_the_core) {
    ck_assert_int_eq(shop_fail(LLMCS_CONFIG, "%s: row %lld: price is %g", "p.jsonl", 7LL, 1.5), LLMCS_CONFIG);
    ck_assert_str_eq(llmcs_error_message(), "p.jsonl: row 7: price is 1.5");
    shop_fail(LLMCS_ARG, "%s", "a\nb\xff");
    ck_assert_str_eq(llmcs_error_message(), "a\\x0ab\\xff");
    ck_assert_int_eq(llmcs_set_error(LLMCS_BUSY, NULL), LLMCS_BUSY);
    ck_assert_str_eq(llmcs_error_message(), "");
    ck_assert_str_eq(llmcs_shop_version(), "0.4.0");
}
END_TEST

START_TEST(allocations_fail_with_a_message_and_leave_arrays_alone) {
    fail_alloc counter;
    fail_alloc_init(&counter);
    const llmcs_allocator a = fail_alloc_get(&counter);
    int *numbers = NULL;
    size_t capacity = 0;
    ck_assert_int_eq(shop_grow(&a, &numbers, 0, &capacity, 0, sizeof *numbers, "n"), LLMCS_OK);
    ck_assert_ptr_nonnull(numbers);
    for (int i = 0; i < 1000; i++) {
        ck_assert_int_eq(shop_grow(&a, &numbers, (size_t)i, &capacity, (size_t)i + 1, sizeof *numbers, "n"), LLMCS_OK);
        numbers[i] = i;
    }
    for (int i = 0; i < 1000; i++) ck_assert_int_eq(numbers[i], i);
    counter.fail_at = counter.calls;
    int *const before = numbers;
    ck_assert_int_eq(shop_grow(&a, &numbers, 1000, &capacity, 100000, sizeof *numbers, "numbers"), LLMCS_NOMEM);
    ck_assert_ptr_eq(numbers, before);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "numbers"));
    char *text = (char *)1;
    ck_assert_int_eq(shop_alloc(&a, SIZE_MAX / 2, 3, "x", &text), LLMCS_NOMEM);
    ck_assert_ptr_null(text);
    counter.fail_at = -1;
    ck_assert_int_eq(shop_copy_text(&a, "退货abc", 6, "t", &text), LLMCS_OK);
    ck_assert_str_eq(text, "退货");
    shop_free(&a, text);
    shop_free(&a, numbers);
    shop_free(&a, NULL);
    ck_assert_int_eq(counter.live, 0);
}
END_TEST

typedef struct settings {
    size_t struct_size;
    int32_t first, second;
    double third;
} settings;

/* Exactly `size` bytes of heap: a sanitizer or valgrind sees a write past them. */
START_TEST(structs_of_older_and_newer_programs) {
    const settings defaults = {.struct_size = sizeof defaults, .first = 1, .second = 2, .third = 3};
    for (size_t size = 0; size <= sizeof(settings) + 24; size++) {
        unsigned char *caller = malloc(size + 1);
        caller[size] = 0xa5;
        shop_options_init(caller, size, &defaults, sizeof defaults);
        ck_assert_uint_eq(caller[size], 0xa5);
        settings out = defaults;
        if (size >= sizeof(size_t)) {
            const llmcs_status expected = size < SHOP_SIZE_UP_TO(settings, first) ? LLMCS_ARG : LLMCS_OK;
            ck_assert_int_eq(shop_options_in(&out, sizeof out, SHOP_SIZE_UP_TO(settings, first), caller, "settings"),
                             expected);
            if (!expected) ck_assert_int_eq(out.first, 1);
            if (size >= sizeof(settings)) ck_assert_double_eq(out.third, 3);
            ck_assert_int_eq(
                shop_options_out(caller, SHOP_SIZE_UP_TO(settings, first), &defaults, sizeof defaults, "settings"),
                expected);
        }
        free(caller);
    }
    struct {
        settings known;
        int64_t later;
    } newer = {.known = {.struct_size = sizeof newer}, .later = 1};
    settings out = defaults;
    ck_assert_int_eq(shop_options_in(&out, sizeof out, 16, &newer, "settings"), LLMCS_ARG);
    newer.later = 0;
    ck_assert_int_eq(shop_options_in(&out, sizeof out, 16, &newer, "settings"), LLMCS_OK);
}
END_TEST

static int rounding_inside(void) {
    SHOP_PUBLIC_CALL;
    return fegetround();
}

static int rounding_in_a_callback(void) {
    SHOP_PUBLIC_CALL;
    shop_call *const call = shop_callback_begin();
    const int found = fegetround();
    shop_callback_end(call);
    return fegetround() == FE_TONEAREST ? found : -1;
}

START_TEST(the_callers_rounding_mode_stays_outside) {
    fesetround(FE_UPWARD);
    ck_assert_int_eq(rounding_inside(), FE_TONEAREST);
    ck_assert_int_eq(rounding_in_a_callback(), FE_UPWARD);
    ck_assert_int_eq(fegetround(), FE_UPWARD);
    fesetround(FE_TONEAREST);
    ck_assert_ptr_null(shop_callback_begin());
}
END_TEST

START_TEST(traditional_characters_become_simplified) {
    static const struct {
        const char *text, *simplified;
        size_t changed;
    } cases[] = {{"我想退貨，請問運費誰出？", "我想退货，请问运费谁出？", 6},
                 {"買錯尺碼, 後來換了", "买错尺码, 后来换了", 6},
                 {"臺灣 裡面", "台湾 里面", 3},
                 {"退货运费谁出 著名", "退货运费谁出 著名", 0},
                 {"café \xf0\x9f\x98\x80", "café \xf0\x9f\x98\x80", 0},
                 {"\xe9\x80 \x80\x80 貨\xe8\xb2", "\xe9\x80 \x80\x80 货\xe8\xb2", 1}, /* ill-formed parts stay */
                 {"", "", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[100];
        snprintf(text, sizeof text, "%s", cases[i].text);
        ck_assert_uint_eq(shop_simplify(text, strlen(text)), cases[i].changed);
        ck_assert_str_eq(text, cases[i].simplified);
        ck_assert_uint_eq(shop_simplify(text, strlen(text)), 0);
    }
    for (uint32_t c = 0; c < 0x110000; c++) /* once is enough, and nothing but Han changes */
        ck_assert(shop_simplified(shop_simplified(c)) == shop_simplified(c) &&
                  (shop_simplified(c) == c || (c >= 0x4e00 && c <= 0x9fff && shop_simplified(c) >= 0x4e00)));
}
END_TEST

static void add_tests(TCase *tests) {
    tcase_add_test(tests, messages_are_read_from_the_core);
    tcase_add_test(tests, chinese_numerals_are_read);
    tcase_add_test(tests, numbers_in_texts_are_read);
    tcase_add_test(tests, nouns_are_the_same_in_singular_and_plural);
    tcase_add_test(tests, han_characters_are_told_from_others);
    tcase_add_test(tests, allocations_fail_with_a_message_and_leave_arrays_alone);
    tcase_add_test(tests, traditional_characters_become_simplified);
    tcase_add_test(tests, structs_of_older_and_newer_programs);
    if (!suite_emulated(NULL)) tcase_add_test(tests, the_callers_rounding_mode_stays_outside);
}

SUITE_MAIN("shop/base", add_tests)
