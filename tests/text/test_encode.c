/* llmcs_encode and llmcs_decode as their header says: buffers, offsets, truncation, bad UTF-8, misuse, failing memory.
 */
#include <stdio.h>
#include <string.h>

#include "llmcs.h"
#include "support/fail_alloc.h"
#include "support/suite.h"
#include "text/tokenizer.h"

#define DATA "tests/data/tokenizers/"
#define CAPACITY 512

static llmcs_tokenizer *open_tiny(const char *name) {
    char folder[200];
    llmcs_tokenizer *t;
    snprintf(folder, sizeof folder, DATA "%s", name);
    ck_assert_msg(llmcs_tokenizer_open(folder, NULL, &t) == LLMCS_OK, "%s", llmcs_error_message());
    return t;
}

typedef struct encoded {
    int32_t ids[CAPACITY], types[CAPACITY];
    llmcs_span spans[CAPACITY];
    size_t n;
} encoded;

static llmcs_status encode(const llmcs_tokenizer *t, const char *text, const char *pair, uint32_t flags,
                           llmcs_truncation truncation, size_t max_length, encoded *e) {
    llmcs_encode_params p;
    llmcs_encode_params_init(&p);
    p.flags = flags;
    p.truncation = truncation;
    p.max_length = max_length;
    return llmcs_encode(t, text, LLMCS_NUL, pair, LLMCS_NUL, &p, e->ids, e->types, e->spans, CAPACITY, &e->n);
}

/* ------------------------------------------------------------------------------------------------- buffers */

START_TEST(a_buffer_that_is_too_small_says_what_it_needs_and_is_not_overrun) {
    llmcs_tokenizer *t = open_tiny("tiny-bert-uncased");
    const char *text = "Where is my order?";
    size_t need, n;
    ck_assert_int_eq(llmcs_encode(t, text, LLMCS_NUL, NULL, 0, NULL, NULL, NULL, NULL, 0, &need), LLMCS_OK);
    ck_assert_uint_gt(need, 4);
    for (size_t capacity = 0; capacity <= need + 1; capacity++) {
        int32_t ids[64], types[64];
        llmcs_span spans[64];
        memset(ids, 0x5a, sizeof ids);
        memset(types, 0x5a, sizeof types);
        memset(spans, 0x5a, sizeof spans);
        llmcs_status st = llmcs_encode(t, text, LLMCS_NUL, NULL, 0, NULL, ids, types, spans, capacity, &n);
        ck_assert_int_eq(st, capacity < need ? LLMCS_BUFFER : LLMCS_OK);
        ck_assert_uint_eq(n, need);
        for (size_t i = capacity < need ? 0 : need; i < 64; i++) {
            ck_assert_int_eq(ids[i], 0x5a5a5a5a);
            ck_assert_int_eq(types[i], 0x5a5a5a5a);
            ck_assert_uint_eq(spans[i].end, (size_t)0x5a5a5a5a5a5a5a5a);
        }
    }
    llmcs_tokenizer_free(&t);
}
END_TEST

START_TEST(decoding_into_a_small_buffer_says_what_it_needs) {
    llmcs_tokenizer *t = open_tiny("tiny-gpt2");
    encoded e;
    ck_assert_int_eq(encode(t, "您好, where is it?", NULL, 0, 0, 0, &e), LLMCS_OK);
    size_t need, n;
    ck_assert_int_eq(llmcs_decode(t, e.ids, e.n, 0, NULL, 0, &need), LLMCS_OK);
    ck_assert_uint_eq(need, strlen("您好, where is it?"));
    for (size_t capacity = 0; capacity <= need; capacity++) {
        char text[64];
        memset(text, 0x5a, sizeof text);
        ck_assert_int_eq(llmcs_decode(t, e.ids, e.n, 0, text, capacity, &n), capacity < need ? LLMCS_BUFFER : LLMCS_OK);
        ck_assert_uint_eq(n, need);
        for (size_t i = capacity; i < sizeof text; i++) ck_assert_int_eq(text[i], 0x5a);
    }
    llmcs_tokenizer_free(&t);
}
END_TEST

/* ------------------------------------------------------------------------------------------------- offsets */

/* spans: "begin-end begin-end ..." */
static void check_spans(const llmcs_tokenizer *t, const char *text, const char *pair, uint32_t flags,
                        const char *expected) {
    encoded e;
    char got[2000] = "";
    size_t len = 0;
    ck_assert_int_eq(encode(t, text, pair, flags, 0, 0, &e), LLMCS_OK);
    for (size_t i = 0; i < e.n; i++)
        len +=
            (size_t)snprintf(got + len, sizeof got - len, "%s%zu-%zu", i ? " " : "", e.spans[i].begin, e.spans[i].end);
    ck_assert_msg(!strcmp(got, expected), "\"%s\": %s, expected %s", text, got, expected);
}

START_TEST(offsets_are_bytes_of_the_original_text) {
    llmcs_tokenizer *bert = open_tiny("tiny-bert-uncased"), *gpt2 = open_tiny("tiny-gpt2"),
                    *roberta = open_tiny("tiny-roberta");
    uint32_t special = LLMCS_ADD_SPECIAL_TOKENS;
    /* Words, punctuation, [CLS] and [SEP]; the second text's offsets are its own. */
    check_spans(bert, "order, order", NULL, special, "0-0 0-5 5-6 7-12 0-0");
    check_spans(bert, "order", "the order", special, "0-0 0-5 0-0 0-3 4-9 0-0");
    /* A precomposed accent is part of its letter; a combining one that was dropped belongs to no token. */
    check_spans(bert, "\u00dcber", NULL, 0, "0-5");
    check_spans(bert, "U\u0308ber", NULL, 0, "0-6");
    check_spans(bert, "the\u0301 the", NULL, 0, "0-3 6-9");
    /* Dropped control characters, Chinese characters one by one, an unknown word as a whole. */
    check_spans(bert, "or\u200bder", NULL, 0, "0-8");
    check_spans(bert, "\u60a8\u597d", NULL, 0, "0-3 3-6");
    check_spans(bert, " \U0001F680x ", NULL, 0, "1-6");
    /* Byte level: the space belongs to the word behind it; a token that is part of a character has all of it. */
    check_spans(gpt2, "a the order", NULL, 0, "0-1 1-5 5-11");
    check_spans(gpt2, "\xf0\x9f\x9a\x80", NULL, 0, "0-4 0-4 0-4");
    /* RoBERTa's post-processor trims that space; one that add_prefix_space put in front has no bytes. */
    check_spans(roberta, "the order", NULL, special, "0-0 0-3 4-9 0-0");
    check_spans(roberta, " the order", NULL, special, "0-0 0-4 5-10 0-0");
    check_spans(roberta, "the <mask> x", NULL, LLMCS_PARSE_SPECIAL, "0-3 4-10 11-11 11-12");
    llmcs_tokenizer_free(&bert);
    llmcs_tokenizer_free(&gpt2);
    llmcs_tokenizer_free(&roberta);
}
END_TEST

START_TEST(bytes_that_are_not_utf8_become_replacement_characters) {
    static const struct {
        const char *bad, *good;
        size_t offset; /* of the first bad byte */
    } cases[] = {{"a\x80z", "a\uFFFDz", 1},
                 {"\xc0\x80", "\uFFFD\uFFFD", 0},
                 {"\xe0\x80\x80", "\uFFFD\uFFFD\uFFFD", 0},
                 {"x\xed\xa0\x80", "x\uFFFD\uFFFD\uFFFD", 1},
                 {"\xf4\x90\x80\x80", "\uFFFD\uFFFD\uFFFD\uFFFD", 0},
                 {"ab\xe6\x82", "ab\uFFFD", 2},
                 {"\xf0\x9f\x98", "\uFFFD", 0},
                 {"\xfe\xff", "\uFFFD\uFFFD", 0},
                 {"\xe6\x82q", "\uFFFDq", 0},
                 {"12345678\xff", "12345678\uFFFD", 8}};
    llmcs_tokenizer *t = open_tiny("tiny-gpt2");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        encoded bad, good;
        ck_assert_int_eq(encode(t, cases[i].bad, NULL, 0, 0, 0, &bad), LLMCS_OK);
        ck_assert_int_eq(encode(t, cases[i].good, NULL, 0, 0, 0, &good), LLMCS_OK);
        ck_assert_uint_eq(bad.n, good.n);
        ck_assert_mem_eq(bad.ids, good.ids, bad.n * sizeof *bad.ids);
        ck_assert_uint_eq(bad.spans[bad.n - 1].end, strlen(cases[i].bad));
        ck_assert_int_eq(encode(t, cases[i].bad, NULL, LLMCS_STRICT_UTF8, 0, 0, &bad), LLMCS_UTF8);
        char says[40];
        snprintf(says, sizeof says, "byte %zu", cases[i].offset);
        ck_assert_msg(strstr(llmcs_error_message(), says) != NULL, "%s", llmcs_error_message());
        ck_assert_int_eq(encode(t, cases[i].good, NULL, LLMCS_STRICT_UTF8, 0, 0, &good), LLMCS_OK);
    }
    llmcs_tokenizer_free(&t);
}
END_TEST

/* ---------------------------------------------------------------------------------------------- truncation */

/* Lengths of two texts that are cut to max_length: computed by hand from Transformers' rule. */
START_TEST(pairs_are_cut_as_transformers_cuts_them) {
    static const struct {
        size_t first, second, max_length, want_first, want_second;
    } cases[] = {{2, 8, 10, 2, 5}, {8, 2, 10, 5, 2}, {4, 4, 10, 3, 4}, {8, 8, 10, 3, 4},
                 {8, 8, 9, 3, 3},  {1, 9, 6, 1, 2},  {9, 0, 7, 4, 0},  {3, 4, 10, 3, 4},
                 {4, 8, 10, 3, 4}, {8, 4, 10, 4, 3}, {9, 9, 3, 0, 0},  {9, 9, 4, 0, 1}};
    llmcs_tokenizer *t = open_tiny("tiny-bert-uncased");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char first[64] = "", second[64] = "";
        encoded e;
        for (size_t k = 0; k < cases[i].first; k++) strcat(first, "a ");
        for (size_t k = 0; k < cases[i].second; k++) strcat(second, ". ");
        ck_assert_int_eq(
            encode(t, first, second, LLMCS_ADD_SPECIAL_TOKENS, LLMCS_TRUNCATE_LONGEST_FIRST, cases[i].max_length, &e),
            LLMCS_OK);
        int32_t a = llmcs_token_to_id(t, "a", 1), dot = llmcs_token_to_id(t, ".", 1);
        size_t n_first = 0, n_second = 0;
        for (size_t k = 0; k < e.n; k++) {
            n_first += e.ids[k] == a;
            n_second += e.ids[k] == dot;
        }
        ck_assert_msg(
            n_first == cases[i].want_first && n_second == cases[i].want_second && e.n == n_first + n_second + 3,
            "case %zu: %zu and %zu of %zu", i, n_first, n_second, e.n);
    }
    llmcs_tokenizer_free(&t);
}
END_TEST

START_TEST(truncation_that_cannot_be_is_refused) {
    llmcs_tokenizer *t = open_tiny("tiny-bert-uncased");
    uint32_t special = LLMCS_ADD_SPECIAL_TOKENS;
    encoded e;
    ck_assert_int_eq(encode(t, "a a a a", NULL, special, LLMCS_TRUNCATE_LONGEST_FIRST, 4, &e), LLMCS_OK);
    ck_assert_uint_eq(e.n, 4);
    ck_assert_int_eq(encode(t, "a a a a", NULL, special, LLMCS_TRUNCATE_ONLY_FIRST, 5, &e), LLMCS_OK);
    ck_assert_uint_eq(e.n, 5);
    ck_assert_int_eq(encode(t, "a a", ". . .", special, LLMCS_TRUNCATE_ONLY_SECOND, 6, &e), LLMCS_OK);
    ck_assert_uint_eq(e.n, 6);
    ck_assert_int_eq(encode(t, "a a", ". . .", special, LLMCS_TRUNCATE_ONLY_FIRST, 6, &e), LLMCS_ARG);
    ck_assert_int_eq(encode(t, "a a a", NULL, special, LLMCS_TRUNCATE_ONLY_SECOND, 3, &e), LLMCS_ARG);
    ck_assert_int_eq(encode(t, "a", NULL, special, LLMCS_TRUNCATE_LONGEST_FIRST, 1, &e), LLMCS_ARG);
    ck_assert_int_eq(encode(t, "a", NULL, special, LLMCS_TRUNCATE_LONGEST_FIRST, 2, &e), LLMCS_OK);
    ck_assert_uint_eq(e.n, 2);
    ck_assert_int_eq(encode(t, "a", NULL, special, (llmcs_truncation)4, 9, &e), LLMCS_ARG);
    llmcs_tokenizer_free(&t);
}
END_TEST

/* -------------------------------------------------------------------------------------------------- misuse */

START_TEST(wrong_arguments_are_refused) {
    llmcs_tokenizer *t = open_tiny("tiny-gpt2"), *none = NULL;
    llmcs_encode_params p;
    int32_t id = 0, bad_id = -1;
    size_t n;
    char buffer[16];
    llmcs_encode_params_init(&p);
    llmcs_encode_params_init_sized(NULL, sizeof(llmcs_encode_params));
    ck_assert_int_eq(llmcs_encode(NULL, "a", 1, NULL, 0, NULL, NULL, NULL, NULL, 0, &n), LLMCS_ARG);
    ck_assert_int_eq(llmcs_encode(t, NULL, 1, NULL, 0, NULL, NULL, NULL, NULL, 0, &n), LLMCS_ARG);
    ck_assert_int_eq(llmcs_encode(t, "a", 1, NULL, 0, NULL, NULL, NULL, NULL, 0, NULL), LLMCS_ARG);
    ck_assert_int_eq(llmcs_encode(t, NULL, LLMCS_NUL, NULL, 0, NULL, NULL, NULL, NULL, 0, &n), LLMCS_ARG);
    ck_assert_int_eq(llmcs_encode(t, NULL, 0, NULL, 0, NULL, NULL, NULL, NULL, 0, &n), LLMCS_OK);
    ck_assert_uint_eq(n, 0);
    ck_assert_int_eq(llmcs_encode(t, "a", (size_t)INT32_MAX + 1, NULL, 0, NULL, NULL, NULL, NULL, 0, &n), LLMCS_LIMIT);
    ck_assert_int_eq(llmcs_encode(t, "a", SIZE_MAX - 1, NULL, 0, NULL, NULL, NULL, NULL, 0, &n), LLMCS_LIMIT);
    p.flags = 0x80;
    ck_assert_int_eq(llmcs_encode(t, "a", 1, NULL, 0, &p, NULL, NULL, NULL, 0, &n), LLMCS_ARG);
    llmcs_encode_params_init(&p);
    p.struct_size = 4;
    ck_assert_int_eq(llmcs_encode(t, "a", 1, NULL, 0, &p, NULL, NULL, NULL, 0, &n), LLMCS_ARG);
    struct {
        llmcs_encode_params known;
        uint64_t unknown[2];
    } newer = {.known = {.struct_size = sizeof newer}};
    ck_assert_int_eq(llmcs_encode(t, "a", 1, NULL, 0, &newer.known, NULL, NULL, NULL, 0, &n), LLMCS_OK);
    newer.unknown[1] = 1;
    ck_assert_int_eq(llmcs_encode(t, "a", 1, NULL, 0, &newer.known, NULL, NULL, NULL, 0, &n), LLMCS_ARG);
    ck_assert_int_eq(llmcs_decode(t, NULL, 1, 0, NULL, 0, &n), LLMCS_ARG);
    ck_assert_int_eq(llmcs_decode(t, &id, 1, 0, NULL, 0, NULL), LLMCS_ARG);
    ck_assert_int_eq(llmcs_decode(NULL, &id, 1, 0, NULL, 0, &n), LLMCS_ARG);
    ck_assert_int_eq(llmcs_decode(t, &id, 1, 0x40, NULL, 0, &n), LLMCS_ARG);
    ck_assert_int_eq(llmcs_decode(t, &bad_id, 1, 0, buffer, 16, &n), LLMCS_TOKEN_RANGE);
    ck_assert_int_eq(llmcs_decode(t, NULL, 0, 0, NULL, 0, &n), LLMCS_OK);
    ck_assert_int_eq(llmcs_token_to_id(NULL, "a", 1), -1);
    ck_assert_int_eq(llmcs_token_to_id(t, NULL, 1), -1);
    ck_assert_ptr_null(llmcs_id_to_token(t, -1, &n));
    ck_assert_ptr_null(llmcs_id_to_token(t, INT32_MAX, NULL));
    ck_assert_ptr_null(llmcs_id_to_token(NULL, 0, &n));
    ck_assert_int_eq(llmcs_special_token(t, (llmcs_special)99), -1);
    ck_assert_uint_eq(llmcs_tokenizer_n_vocab(NULL), 0);
    llmcs_tokenizer_free(NULL);
    llmcs_tokenizer_free(&none);
    llmcs_tokenizer_free(&t);
    ck_assert_ptr_null(t);
}
END_TEST

START_TEST(the_decoder_checks_its_arguments) {
    llmcs_tokenizer *t = open_tiny("tiny-gpt2");
    llmcs_decoder *d = NULL;
    const char *piece;
    size_t n;
    ck_assert_int_eq(llmcs_decoder_create(NULL, 0, &d), LLMCS_ARG);
    ck_assert_int_eq(llmcs_decoder_create(t, 0, NULL), LLMCS_ARG);
    ck_assert_int_eq(llmcs_decoder_create(t, 4, &d), LLMCS_ARG);
    ck_assert_int_eq(llmcs_decoder_create(t, 0, &d), LLMCS_OK);
    ck_assert_int_eq(llmcs_decoder_push(NULL, 0, &piece, &n), LLMCS_ARG);
    ck_assert_int_eq(llmcs_decoder_push(d, 0, NULL, &n), LLMCS_ARG);
    ck_assert_int_eq(llmcs_decoder_push(d, -1, &piece, &n), LLMCS_TOKEN_RANGE);
    ck_assert_int_eq(llmcs_decoder_push(d, INT32_MAX, &piece, &n), LLMCS_OK);
    ck_assert_uint_eq(n, 0);
    ck_assert_int_eq(llmcs_decoder_finish(d, &piece, NULL), LLMCS_ARG);
    llmcs_decoder_free(NULL);
    llmcs_decoder_free(&d);
    llmcs_decoder_free(&d);
    llmcs_tokenizer_free(&t);
}
END_TEST

START_TEST(tokens_and_roles) {
    llmcs_tokenizer *gpt2 = open_tiny("tiny-gpt2"), *bert = open_tiny("tiny-bert-uncased"),
                    *roberta = open_tiny("tiny-roberta");
    size_t len;
    int32_t end = llmcs_token_to_id(gpt2, "<|endoftext|>", LLMCS_NUL);
    ck_assert_int_eq(llmcs_special_token(gpt2, LLMCS_SPECIAL_BOS), end);
    ck_assert_int_eq(llmcs_special_token(gpt2, LLMCS_SPECIAL_EOS), end);
    ck_assert_int_eq(llmcs_special_token(gpt2, LLMCS_SPECIAL_PAD), -1);
    ck_assert_str_eq(llmcs_id_to_token(bert, llmcs_special_token(bert, LLMCS_SPECIAL_MASK), &len) ? "found" : "",
                     "found");
    ck_assert_uint_eq(len, strlen("[MASK]"));
    ck_assert_int_eq(llmcs_special_token(bert, LLMCS_SPECIAL_EOS), -1);
    ck_assert_int_eq(llmcs_special_token(roberta, LLMCS_SPECIAL_EOS), llmcs_token_to_id(roberta, "</s>", 4));
    ck_assert_int_eq(llmcs_special_token(roberta, LLMCS_SPECIAL_MASK), llmcs_token_to_id(roberta, "<mask>", 6));
    for (size_t id = 0; id < llmcs_tokenizer_n_vocab(bert); id++) {
        const char *token = llmcs_id_to_token(bert, (int32_t)id, &len);
        ck_assert_int_eq(llmcs_token_to_id(bert, token, len), (int32_t)id);
    }
    llmcs_tokenizer_free(&gpt2);
    llmcs_tokenizer_free(&bert);
    llmcs_tokenizer_free(&roberta);
}
END_TEST

/* A text has at least as many tokens as its bound says, and one of the longest token alone has exactly one. */
START_TEST(a_text_has_at_least_as_many_tokens_as_its_bytes_demand) {
    static const char *const texts[] = {"", "a", "Where is my order? I want it back. 您好", "\xff\xfe\xff", "   "};
    const struct {
        const char *name;
        uint32_t flags;
        bool bounded;
    } cases[] = {{"tiny-gpt2", 0, true},
                 {"tiny-gpt2", LLMCS_PARSE_SPECIAL, true},
                 {"tiny-roberta", 0, true},
                 {"tiny-roberta", LLMCS_PARSE_SPECIAL, false}, /* <mask> includes the white space before it */
                 {"tiny-bert-uncased", 0, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        llmcs_tokenizer *t = open_tiny(cases[i].name);
        for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
            size_t n, least = ll_tokenizer_min_tokens(t, strlen(texts[k]), cases[i].flags);
            llmcs_encode_params p;
            llmcs_encode_params_init(&p);
            p.flags = cases[i].flags;
            ck_assert_int_eq(llmcs_encode(t, texts[k], LLMCS_NUL, NULL, 0, &p, NULL, NULL, NULL, 0, &n), LLMCS_OK);
            ck_assert_uint_le(least, n);
            ck_assert_uint_eq(least > 0, cases[i].bounded && texts[k][0]);
        }
        ck_assert_uint_eq(ll_tokenizer_min_tokens(t, (size_t)1 << 30, cases[i].flags) > 1000000, cases[i].bounded);
        llmcs_tokenizer_free(&t);
    }
}
END_TEST

/* ------------------------------------------------------------------------------------------ failing memory */

/* Opens, encodes, decodes; everything that can want memory. */
static llmcs_status scenario(const char *folder, const llmcs_allocator *a, int32_t *ids, size_t *n_ids) {
    static char text[3000];
    llmcs_span spans[4000];
    char decoded[8000];
    size_t n;
    llmcs_tokenizer *t;
    if (!text[0]) {
        for (int i = 0; i < 40; i++) strcat(text, "Where is SKU my \xc3\xa9t\xcc\x81\xcc\xa3 \xff order? ");
        memset(text + strlen(text), 'a', 300); /* a long piece */
        strcat(text, "您好!");
    }
    llmcs_encode_params p;
    llmcs_encode_params_init(&p);
    p.flags = LLMCS_PARSE_SPECIAL | LLMCS_ADD_SPECIAL_TOKENS;
    llmcs_status st = llmcs_tokenizer_open(folder, a, &t);
    if (st) return st;
    st = llmcs_encode(t, text, LLMCS_NUL, "a pair", LLMCS_NUL, &p, ids, NULL, spans, 4000, n_ids);
    if (!st) st = llmcs_decode(t, ids, *n_ids, LLMCS_CLEAN_UP_SPACES, decoded, sizeof decoded, &n);
    llmcs_tokenizer_free(&t);
    return st;
}

START_TEST(every_allocation_may_fail) {
    static const char *const names[] = {"tiny-gpt2", "tiny-roberta", "tiny-bert-uncased"};
    static int32_t want[4000], got[4000];
    char folder[200];
    size_t n_want, n_got;
    snprintf(folder, sizeof folder, DATA "%s", names[_i]);
    fail_alloc f;
    fail_alloc_init(&f);
    llmcs_allocator a = fail_alloc_get(&f);
    ck_assert_int_eq(scenario(folder, &a, want, &n_want), LLMCS_OK);
    ck_assert_int_eq(f.live, 0);
    long n_calls = f.calls;
    ck_assert_int_gt(n_calls, 20);
    for (long k = 0; k < 2 * n_calls; k++) {
        fail_alloc_init(&f);
        f.fail_at = k / 2;
        f.fail_after = k % 2;
        ck_assert_int_eq(scenario(folder, &a, got, &n_got), LLMCS_NOMEM);
        ck_assert_int_eq(f.live, 0);
    }
    fail_alloc_init(&f);
    ck_assert_int_eq(scenario(folder, &a, got, &n_got), LLMCS_OK);
    ck_assert_uint_eq(n_got, n_want);
    ck_assert_mem_eq(got, want, n_want * sizeof *want);
}
END_TEST

START_TEST(pushing_a_token_takes_no_memory) {
    fail_alloc f;
    fail_alloc_init(&f);
    llmcs_allocator a = fail_alloc_get(&f);
    llmcs_tokenizer *t;
    llmcs_decoder *d;
    const char *piece;
    size_t n;
    ck_assert_int_eq(llmcs_tokenizer_open(DATA "tiny-gpt2", &a, &t), LLMCS_OK);
    ck_assert_int_eq(llmcs_decoder_create(t, LLMCS_CLEAN_UP_SPACES, &d), LLMCS_OK);
    long before = f.calls;
    for (int32_t id = 0; id < 600; id++) ck_assert_int_eq(llmcs_decoder_push(d, id, &piece, &n), LLMCS_OK);
    ck_assert_int_eq(llmcs_decoder_finish(d, &piece, &n), LLMCS_OK);
    ck_assert_int_eq(f.calls, before);
    llmcs_decoder_free(&d);
    llmcs_tokenizer_free(&t);
    ck_assert_int_eq(f.live, 0);
}
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, a_buffer_that_is_too_small_says_what_it_needs_and_is_not_overrun);
    tcase_add_test(t, decoding_into_a_small_buffer_says_what_it_needs);
    tcase_add_test(t, offsets_are_bytes_of_the_original_text);
    tcase_add_test(t, bytes_that_are_not_utf8_become_replacement_characters);
    tcase_add_test(t, pairs_are_cut_as_transformers_cuts_them);
    tcase_add_test(t, truncation_that_cannot_be_is_refused);
    tcase_add_test(t, wrong_arguments_are_refused);
    tcase_add_test(t, the_decoder_checks_its_arguments);
    tcase_add_test(t, tokens_and_roles);
    tcase_add_test(t, a_text_has_at_least_as_many_tokens_as_its_bytes_demand);
    tcase_add_loop_test(t, every_allocation_may_fail, 0, 3);
    tcase_add_test(t, pushing_a_token_takes_no_memory);
}

SUITE_MAIN("text/encode", add)
