/* The view: NFKC, kinds, digits, and offsets that lead back, also of ill-formed text. */
#include <utf8proc.h>

#include "guard_case.h"
#include "shop/base/utf8.h"
#include "shop/guard/view.h"
#include "support/fail_alloc.h"
#include "support/random.h"

static llmcs_allocator memory;

static void fill(shop_text_view *view, const char *text, size_t n) {
    ck_assert_int_eq(shop_text_view_fill(&memory, text, n, view), LLMCS_OK);
}

/* The view as UTF-8. */
static const char *as_text(const shop_text_view *view) {
    static char out[1024];
    size_t n = 0;
    for (size_t i = 0; i < view->n; i++) n += shop_utf8_encode(view->at[i].code, out + n);
    out[n] = 0;
    return out;
}

START_TEST(characters) {
    static const struct {
        const char *text, *view;
    } cases[] = {{"abc 123", "abc 123"},
                 {"ＡＢＣ　１２３", "ABC 123"},
                 {"e\xcc\x81", "é"},
                 {"ﬁ①㍿", "fi1株式会社"},
                 {"1\xe2\x80\x8b\xef\xbb\xbf\xc2\xad"
                  "2",
                  "12"},
                 {"1️⃣", "1"},
                 {"½", "1⁄2"},
                 {"한국", "한국"},
                 {"中\xff文\xe4\xb8", "中\xef\xbf\xbd文\xef\xbf\xbd"},
                 {"a\x01"
                  "b\tc\n",
                  "ab\tc\n"},
                 {"", ""}};
    shop_text_view view = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fill(&view, cases[i].text, strlen(cases[i].text));
        ck_assert_str_eq(as_text(&view), cases[i].view);
    }
    shop_text_view_free(&memory, &view);
}
END_TEST

START_TEST(digits_and_kinds) {
    shop_text_view view = {0};
    const char *text = "0９٣一壹幺〇①a汉 ，";
    static const uint8_t digits[] = {
        0, 9, 3, 1, 1, 1, 0, 1, SHOP_NO_DIGIT, SHOP_NO_DIGIT, SHOP_NO_DIGIT, SHOP_NO_DIGIT};
    static const uint8_t kinds[] = {SHOP_CHAR_DIGIT,  SHOP_CHAR_DIGIT, SHOP_CHAR_DIGIT, SHOP_CHAR_HAN,
                                    SHOP_CHAR_HAN,    SHOP_CHAR_HAN,   SHOP_CHAR_HAN,   SHOP_CHAR_DIGIT,
                                    SHOP_CHAR_LETTER, SHOP_CHAR_HAN,   SHOP_CHAR_SPACE, SHOP_CHAR_MARK};
    fill(&view, text, strlen(text));
    ck_assert_uint_eq(view.n, sizeof digits);
    for (size_t i = 0; i < view.n; i++) {
        ck_assert_uint_eq(view.at[i].digit, digits[i]);
        ck_assert_uint_eq(view.at[i].kind, kinds[i]);
    }
    shop_text_view_free(&memory, &view);
}
END_TEST

/* Begins and ends never go back and never leave the text, and what the view has of a text is NFKC where nothing is
 * dropped. */
START_TEST(offsets_of_random_texts) {
    static const uint32_t codes[] = {'a',    '1',    ' ',     0xe9,   0x301,  0x4e2d, 0xff11,
                                     0x200b, 0xfb01, 0x1f600, 0xac00, 0x3042, 0x2460};
    uint64_t seed = 20261128;
    shop_text_view view = {0};
    for (int round = 0; round < 2000; round++) {
        char text[256];
        size_t n = 0;
        const size_t length = random_below(&seed, 40);
        for (size_t i = 0; i < length; i++) {
            if (random_below(&seed, 12) == 0)
                text[n++] = (char)random_next(&seed);
            else
                n += shop_utf8_encode(codes[random_below(&seed, sizeof codes / sizeof *codes)], text + n);
        }
        fill(&view, text, n);
        for (size_t i = 0; i < view.n; i++) {
            ck_assert(view.at[i].begin < view.at[i].end && view.at[i].end <= n);
            if (i) ck_assert(view.at[i].begin >= view.at[i - 1].begin && view.at[i].end >= view.at[i - 1].end);
            if (i) ck_assert(view.at[i].begin == view.at[i - 1].begin || view.at[i].begin >= view.at[i - 1].end);
        }
    }
    shop_text_view_free(&memory, &view);
}
END_TEST

START_TEST(no_memory) {
    fail_alloc f;
    shop_text_view view = {0};
    fail_alloc_init(&f);
    const llmcs_allocator a = fail_alloc_get(&f);
    f.fail_at = 0;
    ck_assert_int_eq(shop_text_view_fill(&a, "abc", 3, &view), LLMCS_NOMEM);
    shop_text_view_free(&a, &view);
    ck_assert_int_eq(f.live, 0);
}
END_TEST

static void add(TCase *t) {
    memory = shop_allocator_or_default(NULL);
    printf("shop/guard/view: seed 20261128\n");
    tcase_add_test(t, characters);
    tcase_add_test(t, digits_and_kinds);
    tcase_add_test(t, offsets_of_random_texts);
    tcase_add_test(t, no_memory);
}

SUITE_MAIN("shop/guard/view", add)
