/* Targets of tokenizers: files of any content, texts and ids on good tokenizers, and the matcher of added tokens. */
#ifndef TESTS_FUZZ_TARGETS_TEXT_H
#define TESTS_FUZZ_TARGETS_TEXT_H

#include "fuzz/fuzz.h"
#include "text/matcher.h"

/* ---------------------------------------------------------------------------------------- using a tokenizer */

/* Decoding gives UTF-8, writes within its buffer, and is what a streaming decoder gives piece by piece. */
static UNUSED void check_decoding(const llmcs_tokenizer *t, const int32_t *ids, size_t n_ids, uint32_t flags) {
    llmcs_decoder *decoder = NULL;
    const char *piece;
    size_t n_bytes, n_again, n_piece, at = 0;
    MUST(!llmcs_decode(t, ids, n_ids, flags, NULL, 0, &n_bytes));
    char *text = exact_alloc(n_bytes);
    MUST(!llmcs_decode(t, ids, n_ids, flags, text, n_bytes, &n_again) && n_again == n_bytes);
    MUST(is_utf8(text, n_bytes));
    if (n_bytes) MUST(llmcs_decode(t, ids, n_ids, flags, text, n_bytes - 1, &n_again) == LLMCS_BUFFER);
    MUST(!llmcs_decode(t, ids, n_ids, flags, text, n_bytes, &n_again));
    MUST(!llmcs_decoder_create(t, flags, &decoder));
    for (size_t i = 0; i <= n_ids; i++) {
        if (i < n_ids)
            MUST(!llmcs_decoder_push(decoder, ids[i], &piece, &n_piece));
        else
            MUST(!llmcs_decoder_finish(decoder, &piece, &n_piece));
        MUST(is_utf8(piece, n_piece) && at + n_piece <= n_bytes && memcmp(text + at, piece, n_piece) == 0);
        at += n_piece;
    }
    MUST(at == n_bytes);
    llmcs_decoder_free(&decoder);
    free(text);
}

/* Each set of flags tries one of the three ways to cut, and long texts one length: encoding is what an execution's time
 * goes to. */
static UNUSED void check_truncation(const llmcs_tokenizer *t, const char *text, size_t n_bytes,
                                    llmcs_encode_params params) {
    params.truncation = (llmcs_truncation)(LLMCS_TRUNCATE_LONGEST_FIRST + params.flags % 3);
    for (params.max_length = n_bytes > 64 ? 5 : 0; params.max_length < 6; params.max_length++) {
        size_t n;
        llmcs_status st = llmcs_encode(t, text, n_bytes, text, n_bytes, &params, NULL, NULL, NULL, 0, &n);
        MUST(st == LLMCS_OK || st == LLMCS_ARG || st == LLMCS_LIMIT);
        MUST(st || n <= params.max_length);
    }
}

/* Encodes with one set of flags: the size reported is the size needed, ids are the vocabulary's, spans the text's. */
static UNUSED void check_encoding(const llmcs_tokenizer *t, const char *text, size_t n_bytes, uint32_t flags) {
    llmcs_encode_params params;
    llmcs_encode_params_init(&params);
    params.flags = flags;
    size_t n, n_again;
    llmcs_status st = llmcs_encode(t, text, n_bytes, NULL, 0, &params, NULL, NULL, NULL, 0, &n);
    MUST(st == LLMCS_OK || (st == LLMCS_UTF8 && flags & LLMCS_STRICT_UTF8 && !is_utf8(text, n_bytes)));
    if (st) return;
    int32_t *ids = exact_alloc(n * sizeof *ids), *type_ids = exact_alloc(n * sizeof *type_ids);
    llmcs_span *spans = exact_alloc(n * sizeof *spans);
    if (n)
        MUST(llmcs_encode(t, text, n_bytes, NULL, 0, &params, ids, NULL, NULL, n - 1, &n_again) == LLMCS_BUFFER &&
             n_again == n);
    MUST(!llmcs_encode(t, text, n_bytes, NULL, 0, &params, ids, type_ids, spans, n, &n_again) && n_again == n);
    for (size_t i = 0; i < n; i++) {
        MUST(ids[i] >= 0 && (size_t)ids[i] < llmcs_tokenizer_n_vocab(t));
        MUST(spans[i].begin <= spans[i].end && spans[i].end <= n_bytes && type_ids[i] >= 0);
    }
    check_decoding(t, ids, n, flags & 3);
    check_truncation(t, text, n_bytes, params);
    free(ids);
    free(type_ids);
    free(spans);
}

static UNUSED void use_tokenizer(const llmcs_tokenizer *t, const char *text, size_t n_bytes) {
    char *exact = exact_copy(text, n_bytes);
    for (uint32_t flags = 0; flags < 8; flags++) check_encoding(t, exact, n_bytes, flags);
    free(exact);
}

/* Up to 200 ids lead to their tokens and back, as far as tokens are told apart. */
static UNUSED void check_vocabulary(const llmcs_tokenizer *t) {
    const size_t n_vocab = llmcs_tokenizer_n_vocab(t);
    for (int role = -1; role < 9; role++) {
        int32_t id = llmcs_special_token(t, (llmcs_special)role);
        MUST(id >= -1 && (id < 0 || (size_t)id < n_vocab));
    }
    for (size_t i = 0; i < n_vocab; i += n_vocab / 200 + 1) {
        size_t n;
        const int32_t id = (int32_t)i;
        const char *token = llmcs_id_to_token(t, id, &n);
        if (!token)
            MUST(n == 0);
        else
            MUST(llmcs_token_to_id(t, token, n) >= 0);
        check_decoding(t, &id, 1, (uint32_t)i % 4);
    }
}

/* ------------------------------------------------------------------------------------------------ tokenizer */

/* The files that a first byte of an input stands for: the rest of the input is the content of `fuzzed`, the others are
 * good. */
typedef struct tokenizer_layout {
    const char *fuzzed, *config, *good[2]; /* config: the content of tokenizer_config.json, or NULL */
} tokenizer_layout;

static const tokenizer_layout tokenizer_layouts[] = {
    {"tokenizer.json", NULL, {NULL, NULL}},
    {"vocab.json", NULL, {"tiny-gpt2/merges.txt", NULL}},
    {"merges.txt", NULL, {"tiny-gpt2/vocab.json", NULL}},
    {"vocab.txt", NULL, {NULL, NULL}},
    {"tokenizer_config.json", NULL, {"tiny-gpt2/vocab.json", "tiny-gpt2/merges.txt"}},
    {"tokenizer_config.json", NULL, {"tiny-bert-uncased/vocab.txt", NULL}},
    {"special_tokens_map.json", NULL, {"tiny-bert-cased/vocab.txt", NULL}},
    {"added_tokens.json", NULL, {"tiny-gpt2/vocab.json", "tiny-gpt2/merges.txt"}},
    {"added_tokens.json", NULL, {"tiny-bert-cased/vocab.txt", NULL}},
    {"tokenizer_config.json", NULL, {"tiny-roberta/tokenizer.json", NULL}},
};
#define N_TOKENIZER_LAYOUTS (sizeof tokenizer_layouts / sizeof *tokenizer_layouts)

/* Good files are copied from the folder `data_folder`. */
static UNUSED void write_tokenizer_layout(const tokenizer_layout *layout, const char *data_folder, const uint8_t *data,
                                          size_t size) {
    for (size_t i = 0; i < 2; i++) {
        const char *good = layout->good[i];
        char from[100];
        if (!good) continue;
        snprintf(from, sizeof from, "%s/%s", data_folder, good);
        fuzz_copy(from, strchr(good, '/') + 1);
    }
    if (layout->config) fuzz_write_text("tokenizer_config.json", layout->config);
    fuzz_write(layout->fuzzed, data, size);
}

static UNUSED void write_tokenizer_files(const uint8_t *data, size_t size) {
    const size_t layout = (size > 0 ? data[0] : 0) % N_TOKENIZER_LAYOUTS;
    clear_fuzz_folder();
    write_tokenizer_layout(&tokenizer_layouts[layout], "tests/data/tokenizers", data + (size > 0), size - (size > 0));
}

/* Opens the tokenizer of the fuzz folder: a status of a bad file, or one that encodes text and data and decodes every
 * id; in at most peak_bytes. */
static UNUSED void check_tokenizer_folder(const char *text, size_t n_bytes, const uint8_t *data, size_t size,
                                          size_t peak_bytes) {
    counter c = {0};
    llmcs_allocator a = counting(&c);
    llmcs_tokenizer *t = NULL;
    const llmcs_status st = llmcs_tokenizer_open(fuzz_folder, &a, &t);
    MUST(st == LLMCS_OK || st == LLMCS_FORMAT || st == LLMCS_JSON || st == LLMCS_TOKENIZER || st == LLMCS_UNSUPPORTED ||
         st == LLMCS_LIMIT);
    MUST(st == LLMCS_OK || (!t && llmcs_error_message()[0]));
    MUST(c.peak <= peak_bytes);
    if (!st) {
        use_tokenizer(t, text, n_bytes);
        use_tokenizer(t, (const char *)data, ll_min(size, 300));
        check_vocabulary(t);
    }
    llmcs_tokenizer_free(&t);
    MUST(c.live == 0);
}

static UNUSED int fuzz_tokenizer(const uint8_t *data, size_t size) {
    static const char text[] =
        "Hello  wor\xe4\xbd\xa0ld [MASK]<|endoftext|> a\xcc\x81 \xf0\x9f\x91\x8d 123's \xff\r\n\t x";
    write_tokenizer_files(data, size);
    check_tokenizer_folder(text, sizeof text - 1, data, size, 100 * size + ((size_t)4 << 20));
    return 0;
}

/* ------------------------------------------------------------------------------------- texts and ids on good ones */

static const char *const good_tokenizers[] = {
    "tests/data/tokenizers/tiny-gpt2",
    "tests/data/tokenizers/tiny-roberta",
    "tests/data/tokenizers/tiny-bert-cased",
    "tests/data/tokenizers/tiny-bert-uncased",
    "examples/models/shop-gpt2",
    "examples/models/review-bert",
};
#define N_GOOD_TOKENIZERS (sizeof good_tokenizers / sizeof *good_tokenizers)

/* Without PARSE_SPECIAL and add_prefix_space a byte-level tokenizer reproduces every text that is UTF-8. */
static UNUSED void check_round_trip(const llmcs_tokenizer *t, const char *text, size_t n_bytes) {
    llmcs_encode_params params;
    llmcs_encode_params_init(&params);
    params.flags = 0;
    size_t n, n_back;
    MUST(!llmcs_encode(t, text, n_bytes, NULL, 0, &params, NULL, NULL, NULL, 0, &n));
    int32_t *ids = exact_alloc(n * sizeof *ids);
    MUST(!llmcs_encode(t, text, n_bytes, NULL, 0, &params, ids, NULL, NULL, n, &n));
    MUST(!llmcs_decode(t, ids, n, 0, NULL, 0, &n_back) && n_back == n_bytes);
    char *back = exact_alloc(n_back);
    MUST(!llmcs_decode(t, ids, n, 0, back, n_back, &n_back) && memcmp(back, text, n_bytes) == 0);
    free(back);
    free(ids);
}

/* The first byte selects the tokenizer; the rest is a text, and every four bytes of it an id. */
static UNUSED int fuzz_text(const uint8_t *data, size_t size) {
    static llmcs_tokenizer *tokenizers[N_GOOD_TOKENIZERS];
    if (size == 0) return 0;
    const size_t which = data[0] % N_GOOD_TOKENIZERS;
    llmcs_tokenizer **t = &tokenizers[which];
    if (!*t) MUST(!llmcs_tokenizer_open(good_tokenizers[which], NULL, t));
    const char *text = (const char *)data + 1;
    use_tokenizer(*t, text, size - 1);
    if ((which == 0 || which == 4) && is_utf8(text, size - 1)) check_round_trip(*t, text, size - 1);
    const size_t n_ids = (size - 1) / 4;
    const uint32_t bound = (uint32_t)llmcs_tokenizer_n_vocab(*t) + 5;
    int32_t *ids = exact_alloc(n_ids * sizeof *ids);
    reader in = {data + 1, size - 1};
    for (size_t i = 0; i < n_ids; i++) ids[i] = (int32_t)(read_u32(&in) % bound);
    for (uint32_t flags = 0; flags < 4; flags++) check_decoding(*t, ids, n_ids, flags);
    free(ids);
    return 0;
}

/* -------------------------------------------------------------------------------------------------- matcher */

#define MAX_PATTERNS 32

/* The longest pattern that the text has at `at`, the first one of equal ones; -1: none. */
static UNUSED int32_t longest_pattern(const char *const *patterns, const uint32_t *lengths, size_t n, const char *text,
                                      size_t len, size_t at) {
    int32_t best = -1;
    for (size_t i = 0; i < n; i++) {
        if (lengths[i] > len - at || memcmp(text + at, patterns[i], lengths[i])) continue;
        if (best < 0 || lengths[i] > lengths[best]) best = (int32_t)i;
    }
    return best;
}

static UNUSED void check_matches(const ll_matches *found, const char *const *patterns, const uint32_t *lengths,
                                 size_t n_patterns, const char *text, size_t len) {
    size_t n = 0;
    for (size_t at = 0; at < len;) {
        const int32_t pattern = longest_pattern(patterns, lengths, n_patterns, text, len, at);
        if (pattern < 0) {
            at++;
            continue;
        }
        MUST(n < found->n && found->at[n].begin == at && found->at[n].pattern == pattern);
        MUST(found->at[n].length == lengths[pattern]);
        at += lengths[pattern];
        n++;
    }
    MUST(n == found->n);
}

/* Bytes: number of patterns; each one's length and bytes; the text. With the first byte's high bit all bytes become one
 * of four letters, so that patterns overlap. Against a search of every pattern at every position. */
static UNUSED int fuzz_matcher(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    char *bytes = exact_copy(data + 1, size - 1);
    for (size_t i = 0; data[0] & 128 && i < size - 1; i++) bytes[i] = (char)('a' + (unsigned char)bytes[i] % 4);
    reader in = {(const uint8_t *)bytes, size - 1};
    const char *patterns[MAX_PATTERNS];
    uint32_t lengths[MAX_PATTERNS];
    size_t n_patterns = 0, n, len;
    for (size_t i = 0; i < data[0] % (MAX_PATTERNS + 1); i++) {
        patterns[n_patterns] = (const char *)read_bytes(&in, 1u + read_u8(&in) % 24, &n);
        lengths[n_patterns] = (uint32_t)n;
        n_patterns += n > 0;
    }
    const char *text = (const char *)read_bytes(&in, (size_t)1 << 14, &len);
    counter c = {0};
    llmcs_allocator a = counting(&c);
    ll_matcher m = {0};
    ll_matches found = {0};
    MUST(!ll_matcher_init(&m, &a, patterns, lengths, n_patterns, 42));
    MUST(!ll_matcher_find(&m, &a, text, len, &found));
    check_matches(&found, patterns, lengths, n_patterns, text, len);
    a.free(a.user, found.at);
    ll_matcher_free(&m, &a);
    MUST(c.live == 0);
    free(bytes);
    return 0;
}

#endif
