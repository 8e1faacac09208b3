/* What must hold for every text: random bytes never hurt, byte-level round trips, offsets cover the text, streaming
 * equals the whole, time is linear. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/utf8.h"
#include "llmcs.h"
#include "support/random.h"
#include "support/suite.h"

#define DATA "tests/data/tokenizers/"

static const char *const NAMES[] = {"tiny-gpt2", "tiny-roberta", "tiny-bert-uncased", "tiny-bert-cased"};

static llmcs_tokenizer *open_tiny(const char *name) {
    char folder[200];
    llmcs_tokenizer *t;
    snprintf(folder, sizeof folder, DATA "%s", name);
    ck_assert_msg(llmcs_tokenizer_open(folder, NULL, &t) == LLMCS_OK, "%s", llmcs_error_message());
    return t;
}

/* Pieces that meet the edges of the rules, put together at random; with `bad` also bytes that are no UTF-8. */
static size_t random_text(uint64_t *seed, char *out, size_t capacity, bool bad) {
    static const char *const parts[] = {" ",
                                        "  ",
                                        "\n",
                                        "\t",
                                        "a",
                                        "the",
                                        "'s",
                                        "'",
                                        "'ll",
                                        "12",
                                        "!",
                                        "...",
                                        "\u00a0",
                                        "\u3000",
                                        "\u4e2d",
                                        "\u60a8\u597d",
                                        "\u00e9",
                                        "e\u0301",
                                        "\u0323\u0301",
                                        "\U0001F600",
                                        "\u200d",
                                        "\u00df",
                                        "\u0130",
                                        "SKU",
                                        "<mask>",
                                        "<|endoftext|>",
                                        "[MASK]",
                                        "##",
                                        "order",
                                        "\uac00",
                                        "\ufb01",
                                        "\x01x",
                                        "\x7f",
                                        "\ufffd"};
    static const char *const broken[] = {"\xff", "\xe4\xbd", "\xf0\x9f", "\xc0\x80", "\xed\xa0\x80", "\x80"};
    size_t n = 0;
    for (size_t k = random_below(seed, 30); k > 0; k--) {
        bool use_broken = bad && random_below(seed, 6) == 0;
        const char *part =
            use_broken ? broken[random_below(seed, 6)] : parts[random_below(seed, sizeof parts / sizeof *parts)];
        char utf8[5] = {0};
        if (!use_broken && random_below(seed, 8) == 0) {
            uint32_t cp = (uint32_t)random_below(seed, 0x110000);
            if (cp >= 0xd800 && cp < 0xe000) cp = 0x61;
            ll_utf8_encode(cp, utf8);
            part = utf8;
        }
        size_t len = strlen(part);
        if (n + len > capacity) break;
        memcpy(out + n, part, len);
        n += len;
    }
    return n;
}

#define CAPACITY 1024

typedef struct encoded {
    int32_t ids[CAPACITY];
    llmcs_span spans[CAPACITY];
    size_t n;
} encoded;

static void encode(const llmcs_tokenizer *t, const char *text, size_t n, uint32_t flags, encoded *e) {
    llmcs_encode_params p;
    llmcs_encode_params_init(&p);
    p.flags = flags;
    ck_assert_msg(llmcs_encode(t, text, n, NULL, 0, &p, e->ids, NULL, e->spans, CAPACITY, &e->n) == LLMCS_OK, "%s",
                  llmcs_error_message());
}

static bool is_utf8(const char *text, size_t n) {
    for (size_t i = 0; i < n;) {
        uint32_t cp;
        i += ll_utf8_decode(text + i, n - i, &cp);
        if (cp == LL_UTF8_BAD) return false;
    }
    return true;
}

START_TEST(any_text_gives_known_ids_and_spans_within_it) {
    llmcs_tokenizer *t = open_tiny(NAMES[_i]);
    uint64_t seed = (uint64_t)time(NULL), start = seed;
    printf("seed %llu\n", (unsigned long long)start);
    for (int round = 0; round < 3000 / (int)suite_step(3); round++) {
        char text[256];
        static encoded e;
        size_t n = random_text(&seed, text, sizeof text, true);
        encode(t, text, n, round % 2 ? LLMCS_PARSE_SPECIAL : 0, &e);
        size_t end = 0;
        for (size_t i = 0; i < e.n; i++) {
            size_t len;
            ck_assert_ptr_nonnull(llmcs_id_to_token(t, e.ids[i], &len));
            ck_assert_msg(e.spans[i].begin <= e.spans[i].end && e.spans[i].end <= n, "seed %llu, round %d",
                          (unsigned long long)start, round);
            ck_assert_msg(e.spans[i].end >= end, "seed %llu, round %d: spans go back", (unsigned long long)start,
                          round);
            end = e.spans[i].end;
        }
    }
    llmcs_tokenizer_free(&t);
}
END_TEST

START_TEST(byte_level_text_comes_back_and_its_spans_cover_it) {
    llmcs_tokenizer *t = open_tiny("tiny-gpt2");
    uint64_t seed = (uint64_t)time(NULL), start = seed;
    printf("seed %llu\n", (unsigned long long)start);
    for (int round = 0; round < 5000; round++) {
        char text[256], back[1024];
        static encoded e;
        size_t n_back, n = random_text(&seed, text, sizeof text, false), covered = 0;
        encode(t, text, n, round % 2 ? LLMCS_PARSE_SPECIAL : 0, &e);
        ck_assert_int_eq(llmcs_decode(t, e.ids, e.n, 0, back, sizeof back, &n_back), LLMCS_OK);
        ck_assert_msg(n_back == n && !memcmp(back, text, n), "seed %llu, round %d", (unsigned long long)start, round);
        for (size_t i = 0; i < e.n; i++) {
            ck_assert_uint_le(e.spans[i].begin, covered);
            covered = e.spans[i].end;
        }
        ck_assert_uint_eq(covered, n);
    }
    llmcs_tokenizer_free(&t);
}
END_TEST

/* Random ids, among them padding rows and special tokens. */
START_TEST(streamed_pieces_are_utf8_and_make_up_the_whole) {
    llmcs_tokenizer *t = open_tiny(NAMES[_i]);
    uint64_t seed = (uint64_t)time(NULL), start = seed;
    printf("seed %llu\n", (unsigned long long)start);
    llmcs_decoder *d[4];
    for (uint32_t flags = 0; flags < 4; flags++) ck_assert_int_eq(llmcs_decoder_create(t, flags, &d[flags]), LLMCS_OK);
    for (int round = 0; round < 4000 / (int)suite_step(3); round++) {
        int32_t ids[40];
        uint32_t flags = (uint32_t)round % 4;
        size_t n_ids = random_below(&seed, 40), n = 0, n_whole, n_piece;
        char whole[4096], streamed[4096];
        const char *piece;
        for (size_t i = 0; i < n_ids; i++)
            ids[i] = (int32_t)random_below(&seed, random_below(&seed, 3) ? llmcs_tokenizer_n_vocab(t) + 20 : 150);
        ck_assert_int_eq(llmcs_decode(t, ids, n_ids, flags, whole, sizeof whole, &n_whole), LLMCS_OK);
        ck_assert(is_utf8(whole, n_whole));
        for (size_t i = 0; i <= n_ids; i++) {
            llmcs_status st = i < n_ids ? llmcs_decoder_push(d[flags], ids[i], &piece, &n_piece)
                                        : llmcs_decoder_finish(d[flags], &piece, &n_piece);
            ck_assert_int_eq(st, LLMCS_OK);
            ck_assert_msg(is_utf8(piece, n_piece), "seed %llu, round %d", (unsigned long long)start, round);
            memcpy(streamed + n, piece, n_piece);
            n += n_piece;
        }
        ck_assert_msg(n == n_whole && !memcmp(streamed, whole, n), "seed %llu, round %d", (unsigned long long)start,
                      round);
    }
    for (uint32_t flags = 0; flags < 4; flags++) llmcs_decoder_free(&d[flags]);
    llmcs_tokenizer_free(&t);
}
END_TEST

/* Transformers' clean_up_tokenization written down plainly, against the streaming steps. */
static size_t plain_clean_up(char *text) {
    static const char *const from[] = {" .", " ?", " !", " ,", " ' ", " n't", " 'm", " 's", " 've", " 're"};
    static const char *const to[] = {".", "?", "!", ",", "'", "n't", "'m", "'s", "'ve", "'re"};
    for (size_t i = 0; i < 10; i++) {
        char *at = text;
        while ((at = strstr(at, from[i]))) {
            memmove(at + strlen(to[i]), at + strlen(from[i]), strlen(at + strlen(from[i])) + 1);
            memcpy(at, to[i], strlen(to[i]));
            at += strlen(to[i]);
        }
    }
    return strlen(text);
}

START_TEST(clean_up_equals_replacing_one_after_the_other) {
    static const char *const parts[] = {" ",  "'",  ".", " '",  "s", "n't", " n", "'t",
                                        "re", "ve", "m", " ' ", ",", "?",   "!",  "x"};
    llmcs_tokenizer *t = open_tiny("tiny-gpt2");
    uint64_t seed = (uint64_t)time(NULL), start = seed;
    printf("seed %llu\n", (unsigned long long)start);
    for (int round = 0; round < 5000; round++) {
        char text[256] = "", cleaned[512];
        static encoded e;
        size_t n_cleaned;
        for (size_t k = random_below(&seed, 25); k > 0; k--) strcat(text, parts[random_below(&seed, 16)]);
        encode(t, text, strlen(text), 0, &e);
        ck_assert_int_eq(llmcs_decode(t, e.ids, e.n, LLMCS_CLEAN_UP_SPACES, cleaned, sizeof cleaned, &n_cleaned),
                         LLMCS_OK);
        size_t n = plain_clean_up(text);
        ck_assert_msg(n == n_cleaned && !memcmp(text, cleaned, n), "seed %llu, round %d: \"%.*s\", expected \"%s\"",
                      (unsigned long long)start, round, (int)n_cleaned, cleaned, text);
    }
    llmcs_tokenizer_free(&t);
}
END_TEST

/* ---------------------------------------------------------------------------------------------------- time */

static double best_time(const llmcs_tokenizer *t, const char *text, size_t n) {
    double best = 1e9;
    for (int i = 0; i < 7; i++) { /* the least of them: caches and page faults are shared with other processes */
        size_t n_ids;
        double begin = suite_cpu_seconds();
        ck_assert_int_eq(llmcs_encode(t, text, n, NULL, 0, NULL, NULL, NULL, NULL, 0, &n_ids), LLMCS_OK);
        double took = suite_cpu_seconds() - begin;
        if (took < best) best = took;
    }
    return best;
}

/* Eight times the text may take twenty-four times as long at most, since short texts fit the caches: quadratic would be
 * sixty-four. */
START_TEST(time_is_linear_in_the_text) {
    static const char *const families[] = {"a",
                                           "_",
                                           "aaaa ",
                                           "0",
                                           " ",
                                           "\n",
                                           "\t",
                                           "\u00a0",
                                           "\u3000",
                                           "\u6c49",
                                           "\U0001F600",
                                           "e\u0301",
                                           "\u0301\u0323",
                                           "qz",
                                           "<|endoftext|",
                                           "[MAS",
                                           "\xff",
                                           "'s"};
    const size_t small = 40000 / suite_step(4), large = 8 * small;
    llmcs_tokenizer *t = open_tiny(_i ? "tiny-bert-uncased" : "tiny-gpt2");
    char *text = malloc(large);
    for (size_t f = 0; f < sizeof families / sizeof *families; f++) {
        size_t len = strlen(families[f]);
        for (size_t i = 0; i < large; i++) text[i] = families[f][i % len];
        double short_time = best_time(t, text, small), long_time = best_time(t, text, large);
        ck_assert_msg(long_time < 24 * short_time + 1e-3, "\"%s\": %.2f ms for %zu bytes, %.2f ms for %zu", families[f],
                      1e3 * short_time, small, 1e3 * long_time, large);
    }
    free(text);
    llmcs_tokenizer_free(&t);
}
END_TEST

static void add(TCase *t) {
    tcase_add_loop_test(t, any_text_gives_known_ids_and_spans_within_it, 0, 4);
    tcase_add_test(t, byte_level_text_comes_back_and_its_spans_cover_it);
    tcase_add_loop_test(t, streamed_pieces_are_utf8_and_make_up_the_whole, 0, 4);
    tcase_add_test(t, clean_up_equals_replacing_one_after_the_other);
    tcase_add_loop_test(t, time_is_linear_in_the_text, 0, 2);
}

SUITE_MAIN("text/property", add)
