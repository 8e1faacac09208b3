/* Tokenizers of SentencePiece's kind on models of our own: ids, texts and offsets as Transformers has them, properties
 * that hold for any text, files that lie, and time that grows with the text only. */
#include <math.h>

#include "base/utf8.h"
#include "formats/gguf_write.h"
#include "formats/sentencepiece.h"
#include "support/edit.h"
#include "support/random.h"
#include "support/suite.h"
#include "support/temp.h"
#include "text/charsmap.h"
#include "text/double_array.h"
#include "text/golden.h"
#include "text/normalize.h"
#include "text/unigram.h"

#define DATA "tests/data/sentencepiece/"

static char folder[TEMP_PATH_BYTES];

static const char *const FOLDERS[] = {"xlm-roberta", "mbart50", "mbart",       "camembert", "t5",     "t5-first",
                                      "albert",      "llama",   "llama-first", "gemma",     "marian", "unigram-bytes"};
#define N_FOLDERS (sizeof FOLDERS / sizeof *FOLDERS)

static llmcs_tokenizer *open_folder(const char *path) {
    llmcs_tokenizer *t = NULL;
    ck_assert_msg(!llmcs_tokenizer_open(path, NULL, &t), "%s: %s", path, llmcs_error_message());
    return t;
}

static llmcs_tokenizer *open_own(const char *name) {
    char path[200];
    snprintf(path, sizeof path, DATA "%s", name);
    return open_folder(path);
}

typedef struct tokens {
    int32_t *ids;
    llmcs_span *spans;
    size_t n;
} tokens;

static tokens encode(const llmcs_tokenizer *t, const char *text, size_t len, const llmcs_encode_params *params) {
    const size_t capacity = 4 * len + 64;
    tokens k = {malloc(capacity * sizeof *k.ids), malloc(capacity * sizeof *k.spans), 0};
    ck_assert_msg(!llmcs_encode(t, text, len, NULL, 0, params, k.ids, NULL, k.spans, capacity, &k.n), "%s",
                  llmcs_error_message());
    return k;
}

static void tokens_free(tokens *k) {
    free(k->ids);
    free(k->spans);
}

static char *decode(const llmcs_tokenizer *t, const tokens *k, uint32_t flags, size_t *len) {
    ck_assert(!llmcs_decode(t, k->ids, k->n, flags, NULL, 0, len));
    char *text = malloc(*len + 1);
    ck_assert(!llmcs_decode(t, k->ids, k->n, flags, text, *len, len));
    return text;
}

/* --------------------------------------------------------------------------------------------------- golden */

typedef struct column {
    const llmcs_tokenizer *tokenizer;
    const char *name;
    size_t n_compared;
} column;

static void compare_spans(const char *name, size_t line, const tokens *got, ll_json want) {
    size_t i = 0;
    for (ll_json m = ll_json_first(want); ll_json_get_type(m) != LL_JSON_MISSING; m = ll_json_next(m), i++) {
        size_t n;
        int32_t *span = golden_ids(m, &n);
        ck_assert_msg(got->spans[i].begin == (size_t)span[0] && got->spans[i].end == (size_t)span[1],
                      "%s, line %zu, token %zu: bytes %zu to %zu, expected %d to %d", name, line, i,
                      got->spans[i].begin, got->spans[i].end, (int)span[0], (int)span[1]);
        free(span);
    }
}

static void compare(void *user, size_t line, ll_json object) {
    column *c = user;
    const ll_json expected = ll_json_get(object, c->name);
    if (ll_json_get_type(expected) == LL_JSON_MISSING) return;
    size_t len, n_want, n_text, n_back;
    const char *text = ll_json_string(ll_json_get(object, "text"), &len);
    const char *decoded = ll_json_string(ll_json_get(expected, "decoded"), &n_text);
    int32_t *want = golden_ids(ll_json_get(expected, "ids"), &n_want);
    tokens got = encode(c->tokenizer, text, len, NULL);
    ck_assert_msg(got.n == n_want && !memcmp(got.ids, want, n_want * sizeof *want),
                  "%s, line %zu: other ids (%zu, expected %zu) for \"%.*s\"", c->name, line, got.n, n_want, (int)len,
                  text);
    compare_spans(c->name, line, &got, ll_json_get(expected, "offsets"));
    char *back = decode(c->tokenizer, &got, LLMCS_SKIP_SPECIAL, &n_back);
    ck_assert_msg(n_back == n_text && !memcmp(back, decoded, n_text), "%s, line %zu: \"%.*s\", expected \"%.*s\"",
                  c->name, line, (int)n_back, back, (int)n_text, decoded);
    c->n_compared++;
    free(back);
    free(want);
    tokens_free(&got);
}

START_TEST(folders_give_the_golden_ids_texts_and_offsets) {
    llmcs_tokenizer *t = open_own(FOLDERS[_i]);
    column c = {t, FOLDERS[_i], 0};
    golden_each(DATA "golden.jsonl", compare, &c);
    ck_assert_uint_gt(c.n_compared, 20);
    llmcs_tokenizer_free(&t);
}
END_TEST

/* ----------------------------------------------------------------------------------------------- properties */

/* Byte fallback reproduces every text, but for the space in front. */
START_TEST(byte_fallback_gives_back_every_text) {
    llmcs_tokenizer *t = open_own("llama");
    uint64_t seed = 20261129;
    for (int round = 0; round < 300; round++) {
        char text[200];
        size_t len = 0, n_back;
        for (size_t i = random_below(&seed, 40); i > 0; i--) {
            const uint32_t cp = (uint32_t)random_below(&seed, round % 2 ? 0x80 : 0x11000);
            if (cp < 0xd800 || cp > 0xdfff) len += ll_utf8_encode(cp, text + len);
        }
        tokens k = encode(t, text, len, NULL);
        char *back = decode(t, &k, LLMCS_SKIP_SPECIAL, &n_back);
        bool has_mark = memmem(text, len, "\xe2\x96\x81", 3) != NULL;
        ck_assert_msg(has_mark || (n_back == len && !memcmp(back, text, len)), "\"%.*s\" became \"%.*s\"", (int)len,
                      text, (int)n_back, back);
        free(back);
        tokens_free(&k);
    }
    llmcs_tokenizer_free(&t);
}
END_TEST

/* Special tokens that users write are text; with LLMCS_PARSE_SPECIAL they are tokens. */
START_TEST(special_text_is_text) {
    static const char text[] = "x<s>y</s>z";
    for (size_t i = 0; i < N_FOLDERS; i++) {
        llmcs_tokenizer *t = open_own(FOLDERS[i]);
        const int32_t bos = llmcs_token_to_id(t, "<s>", 3), eos = llmcs_token_to_id(t, "</s>", 4);
        llmcs_encode_params params;
        llmcs_encode_params_init(&params);
        params.flags = 0;
        tokens plain = encode(t, text, strlen(text), &params);
        for (size_t k = 0; k < plain.n; k++)
            ck_assert_msg(plain.ids[k] != eos && plain.ids[k] != bos, "%s: token %d", FOLDERS[i], plain.ids[k]);
        params.flags = LLMCS_PARSE_SPECIAL;
        tokens parsed = encode(t, text, strlen(text), &params);
        size_t n_eos = 0;
        for (size_t k = 0; k < parsed.n; k++) n_eos += parsed.ids[k] == eos;
        if (llmcs_special_token(t, LLMCS_SPECIAL_EOS) == eos && eos >= 0) ck_assert_msg(n_eos == 1, "%s", FOLDERS[i]);
        tokens_free(&plain);
        tokens_free(&parsed);
        llmcs_tokenizer_free(&t);
    }
}
END_TEST

/* A run of byte tokens that is not UTF-8 is one U+FFFD a byte, as in Hugging Face's tokenizers. */
START_TEST(broken_runs_of_bytes_become_replacement_characters) {
    llmcs_tokenizer *t = open_own("llama");
    const int32_t e4 = llmcs_token_to_id(t, "<0xE4>", 6), bd = llmcs_token_to_id(t, "<0xBD>", 6),
                  a0 = llmcs_token_to_id(t, "<0xA0>", 6), x = llmcs_token_to_id(t, "x", 1);
    const struct {
        int32_t ids[5];
        size_t n;
        const char *want;
    } cases[] = {{{e4, bd, a0}, 3, "\xe4\xbd\xa0"},
                 {{e4, bd}, 2, "\xef\xbf\xbd\xef\xbf\xbd"},
                 {{e4, bd, a0, e4, x}, 5, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdx"},
                 {{x, a0, x}, 3, "x\xef\xbf\xbdx"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[64];
        size_t n;
        ck_assert(!llmcs_decode(t, cases[i].ids, cases[i].n, 0, text, sizeof text, &n));
        ck_assert_msg(n == strlen(cases[i].want) && !memcmp(text, cases[i].want, n), "case %zu: \"%.*s\"", i, (int)n,
                      text);
    }
    llmcs_tokenizer_free(&t);
}
END_TEST

/* ------------------------------------------------------------------------------------------------ languages */

static int32_t id_of(const llmcs_tokenizer *t, const char *token) {
    const int32_t id = llmcs_token_to_id(t, token, LLMCS_NUL);
    ck_assert_msg(id >= 0, "%s", token);
    return id;
}

START_TEST(languages_go_to_their_place_in_the_template) {
    llmcs_tokenizer *t = open_own("mbart50"), *marian = open_own("marian"), *t5 = open_own("t5");
    llmcs_encode_params params;
    size_t n;
    llmcs_encode_params_init(&params);
    tokens k = encode(t, "a", 1, NULL);
    ck_assert_int_eq(k.ids[0], id_of(t, "de_DE")); /* the folder's src_lang */
    tokens_free(&k);
    params.source_lang = "zh_CN";
    params.target_lang = "ro_RO";
    k = encode(t, "a", 1, &params);
    ck_assert_int_eq(k.ids[0], id_of(t, "zh_CN"));
    tokens_free(&k);
    params.flags |= LLMCS_TARGET_TEXT;
    k = encode(t, "a", 1, &params);
    ck_assert_int_eq(k.ids[0], id_of(t, "ro_RO"));
    tokens_free(&k);
    params.target_lang = NULL;
    ck_assert_int_eq(llmcs_encode(t, "a", 1, NULL, 0, &params, NULL, NULL, NULL, 0, &n), LLMCS_ARG);
    llmcs_encode_params_init(&params);
    params.source_lang = "xx_XX";
    ck_assert_int_eq(llmcs_encode(t, "a", 1, NULL, 0, &params, NULL, NULL, NULL, 0, &n), LLMCS_ARG);
    ck_assert_ptr_nonnull(
        strstr(llmcs_error_message(), "xx_XX\" is not a language of this tokenizer: it knows ar_AR, cs_CZ"));
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), " and 46 more"));
    params.source_lang = "</s>"; /* another special token */
    ck_assert_int_eq(llmcs_encode(t, "a", 1, NULL, 0, &params, NULL, NULL, NULL, 0, &n), LLMCS_ARG);
    ck_assert_int_eq(llmcs_encode(t5, "a", 1, NULL, 0, &params, NULL, NULL, NULL, 0, &n), LLMCS_ARG);
    llmcs_encode_params_init(&params);
    tokens without = encode(marian, "a", 1, &params);
    params.target_lang = "fra";
    k = encode(marian, "a", 1, &params);
    ck_assert_uint_eq(k.n, without.n + 1);
    ck_assert_int_eq(k.ids[0], id_of(marian, ">>fra<<"));
    ck_assert_mem_eq(k.ids + 1, without.ids, without.n * sizeof *k.ids);
    tokens_free(&k);
    params.target_lang = "deu"; /* a piece of the vocabulary is spelled like this code */
    ck_assert_int_ge(llmcs_token_to_id(marian, "deu", 3), 0);
    k = encode(marian, "a", 1, &params);
    ck_assert_int_eq(k.ids[0], id_of(marian, ">>deu<<"));
    tokens_free(&k);
    tokens_free(&without);
    llmcs_tokenizer_free(&t);
    llmcs_tokenizer_free(&marian);
    llmcs_tokenizer_free(&t5);
}
END_TEST

static void check_languages(const char *name, size_t n_expected, const char *first) {
    llmcs_tokenizer *t = open_own(name);
    int32_t ids[60];
    size_t n, len;
    ck_assert_int_eq(llmcs_tokenizer_languages(t, NULL, 0, &n), LLMCS_OK);
    ck_assert_uint_eq(n, n_expected);
    ck_assert_int_eq(llmcs_tokenizer_languages(t, ids, 60, &n), LLMCS_OK);
    ck_assert_uint_eq(n, n_expected);
    for (size_t i = 1; i < n; i++) ck_assert_int_lt(ids[i - 1], ids[i]);
    if (n) {
        const char *token = llmcs_id_to_token(t, ids[0], &len);
        ck_assert(len == strlen(first) && !memcmp(token, first, len));
        ck_assert_int_eq(llmcs_tokenizer_languages(t, ids, n - 1, &n), LLMCS_BUFFER);
    }
    llmcs_tokenizer_free(&t);
}

START_TEST(languages_are_listed) {
    check_languages("mbart50", 52, "ar_AR");
    check_languages("mbart", 25, "ar_AR");
    check_languages("marian", 2, ">>fra<<");
    check_languages("t5", 0, "");
    check_languages("xlm-roberta", 0, "");
    ck_assert_int_eq(llmcs_tokenizer_languages(NULL, NULL, 0, NULL), LLMCS_ARG);
}
END_TEST

/* ------------------------------------------------------------------------------------------------- time */

/* Ten times the text takes at most thirty times as long: a square would take a hundred times. */
static double seconds_to_encode(const llmcs_tokenizer *t, const char *unit, size_t n_bytes) {
    const size_t len = strlen(unit), n = n_bytes / len * len;
    char *text = malloc(n + 1);
    size_t n_tokens;
    for (size_t i = 0; i < n; i++) text[i] = unit[i % len];
    const double begin = suite_cpu_seconds();
    ck_assert(!llmcs_encode(t, text, n, NULL, 0, NULL, NULL, NULL, NULL, 0, &n_tokens));
    const double seconds = suite_cpu_seconds() - begin;
    free(text);
    return seconds;
}

START_TEST(time_is_linear_in_hostile_texts) {
    static const char *const units[] = {"a", " ", "\xcc\x81", "\xe4\xbd\xa0", "\xe2\x96\x81", "e\xcc\x81", "<", "\r\n"};
    for (size_t f = 0; f < N_FOLDERS; f++) {
        llmcs_tokenizer *t = open_own(FOLDERS[f]);
        for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
            const double small = seconds_to_encode(t, units[i], 20000), large = seconds_to_encode(t, units[i], 200000);
            ck_assert_msg(large < 30 * small + 0.05, "%s, unit %zu: %.4f s, then %.4f s", FOLDERS[f], i, small, large);
        }
        llmcs_tokenizer_free(&t);
    }
}
END_TEST

/* --------------------------------------------------------------------------------------------------- GGUF */

/* A GGUF file with nothing but the vocabulary of one of our folders, as llama.cpp's converters write it. */
static void write_gguf(const char *path, const char *model, const char *architecture, const ll_sentencepiece *m) {
    const llmcs_allocator a = ll_allocator_default();
    ll_gguf_header h;
    ll_gguf_header_init(&h, &a);
    ll_gguf_put_text(&h, "general.architecture", architecture, strlen(architecture));
    ll_gguf_put_text(&h, "tokenizer.ggml.model", model, strlen(model));
    ll_gguf_begin_array(&h, "tokenizer.ggml.tokens", LL_GGUF_STRING, m->n);
    for (size_t i = 0; i < m->n; i++) ll_gguf_add_text(&h, m->pieces[i].token, m->pieces[i].token_bytes);
    ll_gguf_begin_array(&h, "tokenizer.ggml.scores", LL_GGUF_F32, m->n);
    for (size_t i = 0; i < m->n; i++) {
        const float score = (float)m->scores[i];
        ll_gguf_add_bytes(&h, &score, sizeof score);
    }
    ll_gguf_begin_array(&h, "tokenizer.ggml.token_type", LL_GGUF_I32, m->n);
    for (size_t i = 0; i < m->n; i++) ll_gguf_add_i32(&h, m->types[i]);
    if (m->charsmap.n) {
        ll_gguf_begin_array(&h, "tokenizer.ggml.precompiled_charsmap", LL_GGUF_U8, m->charsmap.n);
        ll_gguf_add_bytes(&h, m->charsmap.at, m->charsmap.n);
    }
    for (size_t i = 0; i < m->n; i++) {
        const ll_vocab_entry *e = &m->pieces[i];
        if (e->token_bytes == 3 && !memcmp(e->token, "<s>", 3))
            ll_gguf_put_u32(&h, "tokenizer.ggml.bos_token_id", (uint32_t)i);
        if (e->token_bytes == 4 && !memcmp(e->token, "</s>", 4))
            ll_gguf_put_u32(&h, "tokenizer.ggml.eos_token_id", (uint32_t)i);
    }
    ck_assert_int_eq(ll_gguf_header_finish(&h), LLMCS_OK);
    ck_assert(edit_write(path, (const char *)h.bytes, h.n_bytes, NULL, NULL, 0));
    ll_gguf_header_free(&h);
}

START_TEST(gguf_vocabularies_give_the_folders_ids) {
    static const struct {
        const char *own, *file, *model, *architecture;
    } cases[] = {{"llama", DATA "llama/tokenizer.model", "llama", "bert"},
                 {"t5", DATA "t5/spiece.model", "t5", "bert"}};
    static const char *const texts[] = {"",      "Hello, world!", "x", "\xe4\xbd\xa0\xe5\xa5\xbd, 42 caf\xc3\xa9",
                                        "a b c", "</s> is text"};
    const llmcs_allocator a = ll_allocator_default();
    temp_folder(folder);
    for (size_t i = 0; i < 2; i++) {
        ll_arena arena;
        ll_sentencepiece m;
        ll_spec_file file = {.path = (char *)(uintptr_t)cases[i].file};
        ll_arena_init(&arena, &a);
        file.data = edit_read(cases[i].file, &file.data_bytes);
        ck_assert_ptr_nonnull(file.data);
        ck_assert(!ll_sentencepiece_read(&m, &arena, &file));
        const char *path = temp_path(folder, "vocab.gguf");
        write_gguf(path, cases[i].model, cases[i].architecture, &m);
        llmcs_tokenizer *from_file = open_folder(path), *own = open_own(cases[i].own);
        for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
            tokens want = encode(own, texts[k], strlen(texts[k]), NULL),
                   got = encode(from_file, texts[k], strlen(texts[k]), NULL);
            ck_assert_msg(want.n == got.n && !memcmp(want.ids, got.ids, want.n * sizeof *want.ids),
                          "%s: other ids for \"%s\" (%zu, expected %zu)", cases[i].model, texts[k], got.n, want.n);
            tokens_free(&want);
            tokens_free(&got);
        }
        llmcs_tokenizer_free(&from_file);
        llmcs_tokenizer_free(&own);
        ll_arena_free(&arena);
        free(file.data);
    }
    temp_remove(folder);
}
END_TEST

/* A character map whose letter "a" leads back to the root: keys of any length, none of which ends. */
static size_t put_circle(char *map) {
    enum { N_UNITS = 128, FIRST = 1, A = FIRST ^ 'a' };
    unsigned char *b = (unsigned char *)map;
    memset(b, 0, 4 + 4 * N_UNITS + 1);
    const struct {
        size_t at;
        uint32_t value;
    } words[] = {{0, 4 * N_UNITS}, {4, FIRST << 10}, {4 + 4 * A, (uint32_t)(A ^ FIRST) << 10 | 'a'}};
    for (size_t i = 0; i < 3; i++)
        for (size_t k = 0; k < 4; k++) b[words[i].at + k] = (unsigned char)(words[i].value >> 8 * k);
    return 4 + 4 * N_UNITS + 1;
}

START_TEST(a_character_map_that_leads_in_circles_costs_no_square) {
    enum { N = 300000 };
    const llmcs_allocator a = ll_allocator_default();
    char map[1024];
    ll_charsmap m;
    ck_assert(!ll_charsmap_init(&m, &a, map, put_circle(map), "a circle"));
    const ll_normalizer_step step = {.kind = LL_NORMALIZE_SENTENCEPIECE, .charsmap = &m};
    ll_normalizer_scratch s = {0};
    ck_assert(!ll_normalizer_workspace(&s, &a, N));
    while (s.text.n < N) s.text.at[s.text.n++] = (ll_char){.cp = 'a'};
    const double begin = suite_cpu_seconds();
    ck_assert(!ll_normalize(NULL, &step, 1, &s, &a)); /* this step needs no properties of characters */
    const double seconds = suite_cpu_seconds() - begin;
    printf("%.3f s\n", seconds);
    ck_assert_msg(seconds < 10, "%.1f s", seconds);
    ck_assert_uint_eq(s.text.n, N);
    ll_normalizer_scratch_free(&s, &a);
    ll_charsmap_free(&m, &a);
}
END_TEST

/* ------------------------------------------------------------------------------------------- in words */

START_TEST(a_tokenizer_describes_itself) {
    char text[2000], short_text[10];
    size_t n;
    llmcs_tokenizer *t = open_own("mbart50");
    ck_assert(!llmcs_tokenizer_describe(t, NULL, 0, &n));
    ck_assert(n && n < sizeof text);
    ck_assert(!llmcs_tokenizer_describe(t, text, sizeof text, &n));
    text[n] = 0;
    ck_assert_ptr_nonnull(strstr(text, "Precompiled of "));
    ck_assert_ptr_nonnull(strstr(text, "pre-tokenizer: Metaspace"));
    ck_assert_ptr_nonnull(strstr(text, "model: Unigram"));
    ck_assert_ptr_nonnull(strstr(text, "text: de_DE (the text's language) A </s>"));
    ck_assert_int_eq(llmcs_tokenizer_describe(t, short_text, sizeof short_text, &n), LLMCS_BUFFER);
    ck_assert_int_eq(llmcs_tokenizer_describe(NULL, text, sizeof text, &n), LLMCS_ARG);
    ck_assert_int_eq(llmcs_tokenizer_describe(t, text, sizeof text, NULL), LLMCS_ARG);
    llmcs_tokenizer_free(&t);
}
END_TEST

/* ---------------------------------------------------------------------------------------------- damaged files */

static void put_file(const char *name, const char *data, size_t len) {
    ck_assert(edit_write(temp_path(folder, name), data, len, NULL, NULL, 0));
}

static void expect_refused(const char *what, const char *says) {
    llmcs_tokenizer *t = NULL;
    const llmcs_status st = llmcs_tokenizer_open(folder, NULL, &t);
    ck_assert_msg(st == LLMCS_TOKENIZER || st == LLMCS_LIMIT || st == LLMCS_UNSUPPORTED, "%s: %s (%s)", what,
                  llmcs_status_name(st), st ? llmcs_error_message() : "");
    ck_assert_msg(strstr(llmcs_error_message(), folder) != NULL, "%s: \"%s\" names no file", what,
                  llmcs_error_message());
    ck_assert_msg(strstr(llmcs_error_message(), says) != NULL, "%s: \"%s\" does not say \"%s\"", what,
                  llmcs_error_message(), says);
}

/* A piece of a .model: field 1 {1 text, 2 score, 3 type}. */
static size_t put_piece(char *out, const char *text, float score, int type) {
    const size_t n = strlen(text);
    size_t at = 0;
    out[at++] = 0x0a;
    out[at++] = (char)(2 + n + 5 + 2);
    out[at++] = 0x0a;
    out[at++] = (char)n;
    memcpy(out + at, text, n);
    at += n;
    out[at++] = 0x15;
    memcpy(out + at, &score, 4);
    at += 4;
    out[at++] = 0x18;
    out[at++] = (char)type;
    return at;
}

START_TEST(models_that_lie_are_refused) {
    char model[512];
    size_t n = 0;
    temp_folder(folder);
    put_file("tokenizer_config.json", "{\"tokenizer_class\": \"T5Tokenizer\", \"extra_ids\": 0}", 50);
    n += put_piece(model + n, "<unk>", 0, 2);
    n += put_piece(model + n, "<pad>", 0, 3);
    n += put_piece(model + n, "</s>", 0, 3);
    const size_t head = n;
    n += put_piece(model + n, "a", -1, 1);
    put_file("spiece.model", model, n);
    llmcs_tokenizer *t = open_folder(folder);
    llmcs_tokenizer_free(&t);
    for (size_t cut = 1; cut < n; cut++) { /* what is cut between two pieces is a model */
        put_file("spiece.model", model, cut);
        if (llmcs_tokenizer_open(folder, NULL, &t))
            ck_assert_msg(strstr(llmcs_error_message(), "spiece.model") != NULL, "%s", llmcs_error_message());
        llmcs_tokenizer_free(&t);
    }
    model[head + 1] = 120; /* a piece that is longer than the file */
    put_file("spiece.model", model, n);
    expect_refused("length", "beyond the end");
    n = head + put_piece(model + head, "a", NAN, 1);
    put_file("spiece.model", model, n);
    expect_refused("NaN", "not a finite number");
    n = head + put_piece(model + head, "a", -INFINITY, 1);
    put_file("spiece.model", model, n);
    expect_refused("infinity", "not a finite number");
    n = head + put_piece(model + head, "a", -1, 9);
    put_file("spiece.model", model, n);
    expect_refused("type", "unknown type");
    n = head + put_piece(model + head, "\xff", -1, 1);
    put_file("spiece.model", model, n);
    expect_refused("no UTF-8", "UTF-8");
    n = head + put_piece(model + head, "a", -1, 1);
    n += put_piece(model + n, "a", -2, 1);
    put_file("spiece.model", model, n);
    expect_refused("twice", "\"a\"");
    put_file("spiece.model", "", 0);
    expect_refused("empty", "no pieces");
    put_file("tokenizer_config.json", "{\"tokenizer_class\": \"XyzTokenizer\"}", 35);
    put_file("spiece.model", model, head);
    expect_refused("class", "XyzTokenizer");
    temp_remove(folder);
}
END_TEST

/* {"model": Unigram with this vocabulary} and a normalizer. */
static void put_json(const char *vocab, const char *normalizer) {
    char text[4096];
    const int n = snprintf(text, sizeof text,
                           "{\"normalizer\": %s, \"pre_tokenizer\": null, \"post_processor\": null, \"decoder\": null, "
                           "\"model\": {\"type\": \"Unigram\", \"unk_id\": 0, \"vocab\": [%s]}}",
                           normalizer, vocab);
    put_file("tokenizer.json", text, (size_t)n);
}

START_TEST(damaged_unigram_files_are_refused) {
    static const struct {
        const char *vocab, *normalizer, *says;
    } bad[] = {
        {"[\"<unk>\", 0], [\"a\"]", "null", "a token and its score"},
        {"[\"<unk>\", 0], [\"a\", \"b\"]", "null", "a token and its score"},
        {"[\"<unk>\", 0], [7, 1]", "null", "a token and its score"},
        {"[\"<unk>\", 0], [\"a\", 1], [\"a\", 2]", "null", "\"a\""},
        {"", "null", "unk_id"},
        {"[\"<unk>\", 0]", "{\"type\": \"Nmt\"}", "Nmt"},
        {"[\"<unk>\", 0]", "{\"type\": \"Precompiled\", \"precompiled_charsmap\": \"!\"}", "Base64"},
        {"[\"<unk>\", 0]", "{\"type\": \"Precompiled\", \"precompiled_charsmap\": \"AAAA\"}", "charsmap"},
        {"[\"<unk>\", 0]", "{\"type\": \"Precompiled\", \"precompiled_charsmap\": \"/////wAAAAA=\"}", "charsmap"},
        {"[\"<unk>\", 0]", "{\"type\": \"Replace\", \"pattern\": {\"Regex\": \"(a+)+\"}, \"content\": \"\"}", "(a+)+"},
        {"[\"<unk>\", 0]", "{\"type\": \"Replace\", \"pattern\": {\"String\": \"a\"}}", "content"},
        {"[\"<unk>\", 0]", "{\"type\": \"Prepend\"}", "prepend"},
    };
    temp_folder(folder);
    put_json("[\"<unk>\", 0], [\"a\", -1.5]", "null");
    llmcs_tokenizer *t = open_folder(folder);
    llmcs_tokenizer_free(&t);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        put_json(bad[i].vocab, bad[i].normalizer);
        expect_refused(bad[i].says, bad[i].says);
    }
    temp_remove(folder);
}
END_TEST

/* A vocabulary of one token of many megabytes. */
START_TEST(a_token_of_megabytes_is_refused) {
    const size_t n = (size_t)8 << 20;
    char *text = malloc(n + 200);
    temp_folder(folder);
    size_t at =
        (size_t)sprintf(text, "{\"model\": {\"type\": \"Unigram\", \"unk_id\": 0, \"vocab\": [[\"<unk>\", 0], [\"");
    memset(text + at, 'a', n);
    at += n;
    at += (size_t)sprintf(text + at, "\", 1]]}}");
    put_file("tokenizer.json", text, at);
    expect_refused("one token", "at most");
    free(text);
    temp_remove(folder);
}
END_TEST

/* A charsmap of random bytes opens or is refused, and never reads outside itself (the sanitizers look). */
START_TEST(charsmaps_of_rubbish_do_no_harm) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint64_t seed = 20261129;
    int n_opened = 0;
    printf("seed 20261129\n");
    temp_folder(folder);
    for (int round = 0; round < 60; round++) {
        char map[512] = "IAAA", step[700]; /* the trie has 32 bytes */
        for (size_t i = 4; i < 400; i++) map[i] = digits[random_below(&seed, 64)];
        map[4] = map[5] = 'A';
        map[400] = 0;
        snprintf(step, sizeof step, "{\"type\": \"Precompiled\", \"precompiled_charsmap\": \"%s\"}", map);
        put_json("[\"<unk>\", 0], [\"a\", -1.5]", step);
        llmcs_tokenizer *t = NULL;
        if (llmcs_tokenizer_open(folder, NULL, &t)) {
            expect_refused("a map of rubbish", "precompiled charsmap");
            continue;
        }
        n_opened++;
        tokens k = encode(t, "abc e\xcc\x81 \xe4\xbd\xa0 \r\n \xef\xac\x81", 19, NULL);
        for (size_t i = 0; i < k.n; i++) ck_assert(k.ids[i] >= 0 && (size_t)k.ids[i] < llmcs_tokenizer_n_vocab(t));
        tokens_free(&k);
        llmcs_tokenizer_free(&t);
    }
    printf("%d of 60 maps opened\n", n_opened);
    ck_assert_int_gt(n_opened, 0);
    temp_remove(folder);
}
END_TEST

/* ---------------------------------------------------------------------------------------------- double array */

START_TEST(the_double_array_finds_its_keys_and_no_others) {
    const llmcs_allocator a = ll_allocator_default();
    uint64_t seed = 20261129;
    for (int round = 0; round < 30; round++) {
        enum { N = 400, LONGEST = 12 };
        static char text[N][LONGEST];
        ll_double_array_key keys[N];
        const unsigned letters = round % 3 == 0 ? 2 : round % 3 == 1 ? 26 : 256;
        const size_t n = 1 + random_below(&seed, N);
        for (size_t i = 0; i < n; i++) {
            const size_t len = random_below(&seed, LONGEST);
            for (size_t k = 0; k < len; k++) text[i][k] = (char)random_below(&seed, letters);
            keys[i] = (ll_double_array_key){text[i], (uint32_t)len, (int32_t)i};
        }
        ll_double_array d;
        ll_double_array_key sorted[N];
        memcpy(sorted, keys, sizeof *keys * n);
        ck_assert(!ll_double_array_build(&d, &a, sorted, n));
        for (size_t i = 0; i < n; i++) {
            const int32_t found = ll_double_array_find(&d, keys[i].bytes, keys[i].n);
            ck_assert_int_ge(found, 0);
            ck_assert(keys[found].n == keys[i].n && !memcmp(keys[found].bytes, keys[i].bytes, keys[i].n));
            char other[LONGEST + 1];
            memcpy(other, keys[i].bytes, keys[i].n);
            other[keys[i].n] = (char)random_next(&seed);
            const int32_t longer = ll_double_array_find(&d, other, keys[i].n + 1);
            if (longer >= 0)
                ck_assert(keys[longer].n == keys[i].n + 1 && !memcmp(keys[longer].bytes, other, keys[i].n + 1));
        }
        ll_double_array_free(&d, &a);
    }
}
END_TEST

static void add(TCase *t) {
    tcase_add_loop_test(t, folders_give_the_golden_ids_texts_and_offsets, 0, (int)N_FOLDERS);
    tcase_add_test(t, byte_fallback_gives_back_every_text);
    tcase_add_test(t, special_text_is_text);
    tcase_add_test(t, broken_runs_of_bytes_become_replacement_characters);
    tcase_add_test(t, languages_go_to_their_place_in_the_template);
    tcase_add_test(t, languages_are_listed);
    tcase_add_test(t, gguf_vocabularies_give_the_folders_ids);
    tcase_add_test(t, a_character_map_that_leads_in_circles_costs_no_square);
    tcase_add_test(t, a_tokenizer_describes_itself);
    tcase_add_test(t, time_is_linear_in_hostile_texts);
    tcase_add_test(t, models_that_lie_are_refused);
    tcase_add_test(t, damaged_unigram_files_are_refused);
    tcase_add_test(t, a_token_of_megabytes_is_refused);
    tcase_add_test(t, charsmaps_of_rubbish_do_no_harm);
    tcase_add_test(t, the_double_array_finds_its_keys_and_no_others);
}

SUITE_MAIN("text/sentencepiece", add)
