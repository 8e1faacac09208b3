/* N-grams of texts: normalisation, words, Han characters, spans, bytes that are not UTF-8. */
#include <stdlib.h>
#include <string.h>

#include "shop/classifier/text.h"
#include "support/fail_alloc.h"
#include "support/random.h"
#include "support/suite.h"

/* The n-grams of a block as "text|text|...", by their spans. */
static const char *grams_of(const char *text, shop_block block) {
    static char out[4096];
    const llmcs_allocator a = shop_allocator_or_default(NULL);
    shop_text_grams g = {0};
    ck_assert_int_eq(shop_text_extract(&a, text, LLMCS_NUL, &g), LLMCS_OK);
    out[0] = 0;
    for (size_t i = block ? g.block_end[block - 1] : 0; i < g.block_end[block]; i++) {
        ck_assert_uint_lt(g.items[i].begin, g.items[i].end);
        ck_assert_uint_le(g.items[i].end, strlen(text));
        if (out[0]) strcat(out, "|");
        strncat(out, text + g.items[i].begin, g.items[i].end - g.items[i].begin);
    }
    shop_text_grams_free(&a, &g);
    return out;
}

START_TEST(words_pairs_and_characters) {
    ck_assert_str_eq(grams_of("Where's it, now?", SHOP_WORDS), "Where's|it|,|now|?");
    ck_assert_str_eq(grams_of("Where's it now", SHOP_GROUPS), "Where's it|it now");
    ck_assert_str_eq(grams_of("it", SHOP_CHARS), "it|it|it"); /* <it, <it>, it> */
    ck_assert_str_eq(grams_of("a", SHOP_CHARS), "a");
    ck_assert_str_eq(grams_of("", SHOP_WORDS), "");
    ck_assert_str_eq(grams_of(" \t\n", SHOP_WORDS), "");
}
END_TEST

START_TEST(han_characters_are_words_and_groups) {
    ck_assert_str_eq(grams_of("退货吗", SHOP_WORDS), "退|货|吗");
    ck_assert_str_eq(grams_of("退货吗", SHOP_GROUPS), "退货|退货吗|货吗");
    ck_assert_str_eq(grams_of("iPhone手机壳", SHOP_WORDS), "iPhone|手|机|壳");
    ck_assert_str_eq(grams_of("退，货", SHOP_GROUPS), "");
    ck_assert_str_eq(grams_of("退货", SHOP_CHARS), "");
}
END_TEST

/* Sorted hashes of all n-grams: the same for texts that read alike. */
static uint64_t signature(const char *text, size_t bytes) {
    const llmcs_allocator a = shop_allocator_or_default(NULL);
    shop_text_grams g = {0};
    uint64_t sum = 0;
    ck_assert_int_eq(shop_text_extract(&a, text, bytes, &g), LLMCS_OK);
    for (size_t i = 0; i < g.block_end[SHOP_N_BLOCKS - 1]; i++) sum += g.items[i].hash * (uint64_t)0x9e3779b97f4a7c15u;
    shop_text_grams_free(&a, &g);
    return sum;
}

static uint64_t of(const char *text) { return signature(text, LLMCS_NUL); }

START_TEST(texts_that_read_alike_have_the_same_ngrams) {
    ck_assert_uint_eq(of("ORDER No. 12345"), of("order no. 99999"));
    ck_assert_uint_eq(of("order 123456789"), of("order 5555555555555"));
    ck_assert_uint_eq(of("ＯＲＤＥＲ　１２３"), of("order 456"));
    ck_assert_uint_eq(of("Café"), of("cafe"));
    ck_assert_uint_eq(of("don’t"), of("don't"));
    ck_assert_uint_eq(of("re\u200bfund"), of("refund")); /* zero-width space */
    ck_assert_uint_eq(of("請問運費誰出"), of("请问运费谁出"));
    ck_assert_uint_ne(of("order"), of("orders"));
    ck_assert_uint_ne(of("退货"), of("货退"));
}
END_TEST

START_TEST(bytes_that_are_not_utf8_read_as_one_mark_for_each_part) {
    ck_assert_uint_eq(of("a \xff b"), of("a \uFFFD b"));
    ck_assert_uint_eq(of("a \xe9\x80 b"), of("a \uFFFD b"));                 /* cut off: one part */
    ck_assert_uint_eq(of("a \xed\xa0\x80 b"), of("a \uFFFD\uFFFD\uFFFD b")); /* a surrogate: three */
    ck_assert_uint_eq(of("a \xf4\x90\x80\x80 b"), of("a \uFFFD\uFFFD\uFFFD\uFFFD b"));
    ck_assert_uint_eq(signature("a\0b", 3), of("a b"));
}
END_TEST

START_TEST(any_bytes_and_any_length) {
    const llmcs_allocator a = shop_allocator_or_default(NULL);
    shop_text_grams g = {0};
    uint64_t seed = 20261128;
    char *text = malloc(200000);
    for (size_t round = 0; round < 2000; round++) {
        const size_t n = random_below(&seed, round % 100 ? 64 : 3000);
        char *exact = malloc(n ? n : 1);
        for (size_t i = 0; i < n; i++) exact[i] = (char)random_below(&seed, round % 3 ? 256 : 128);
        ck_assert_int_eq(shop_text_extract(&a, exact, n, &g), LLMCS_OK);
        for (size_t i = 0; i < g.block_end[SHOP_N_BLOCKS - 1]; i++) ck_assert_uint_le(g.items[i].end, n);
        free(exact);
    }
    memset(text, 'x', 200000); /* one word */
    ck_assert_int_eq(shop_text_extract(&a, text, 200000, &g), LLMCS_OK);
    ck_assert_uint_eq(g.items[0].end, SHOP_TEXT_MAX_BYTES);
    for (size_t i = 0; i + 3 <= 200000; i += 3) memcpy(text + i, "\xef\xb7\xba", 3); /* U+FDFA becomes 18 characters */
    ck_assert_int_eq(shop_text_extract(&a, text, 200000, &g), LLMCS_OK);
    shop_text_grams_free(&a, &g);
    free(text);
}
END_TEST

START_TEST(no_memory) {
    fail_alloc counter;
    fail_alloc_init(&counter);
    const llmcs_allocator a = fail_alloc_get(&counter);
    for (counter.fail_at = 0;; counter.fail_at++) {
        shop_text_grams g = {0};
        atomic_store(&counter.calls, 0);
        const llmcs_status status = shop_text_extract(&a, "where is my 包裹", LLMCS_NUL, &g);
        shop_text_grams_free(&a, &g);
        ck_assert_int_eq(counter.live, 0);
        if (!status) break;
        ck_assert_int_eq(status, LLMCS_NOMEM);
    }
    ck_assert_int_gt(counter.fail_at, 1);
}
END_TEST

static void add_tests(TCase *tests) {
    tcase_add_test(tests, words_pairs_and_characters);
    tcase_add_test(tests, han_characters_are_words_and_groups);
    tcase_add_test(tests, texts_that_read_alike_have_the_same_ngrams);
    tcase_add_test(tests, bytes_that_are_not_utf8_read_as_one_mark_for_each_part);
    tcase_add_test(tests, any_bytes_and_any_length);
    tcase_add_test(tests, no_memory);
}

SUITE_MAIN("shop/classifier/text", add_tests)
