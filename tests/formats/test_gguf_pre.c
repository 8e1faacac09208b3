/* tokenizer.ggml.pre: a GGUF file without the folder's files gives the ids of the tokenizer.json that it was made from
 * (tests/data/tokenizers/byte_level.jsonl); names we do not know are refused; each name is written for its words. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/tokenizer_read.h"
#include "llmcs.h"
#include "support/gguf_bytes.h"
#include "support/json_lines.h"
#include "support/temp.h"

#define CASES "tests/data/tokenizers/byte_level.jsonl"
#define MAX_TOKENS 1000

enum { U32 = 4, I32 = 5, STRING = 8 };

static gguf_bytes b;
static char folder[TEMP_PATH_BYTES];

typedef struct tokens {
    const char *text[MAX_TOKENS];
    size_t n_bytes[MAX_TOKENS], n;
    uint32_t type[MAX_TOKENS]; /* 1 normal, 3 control, 4 user-defined */
} tokens;

static void put_token(tokens *t, int64_t id, const char *text, size_t n_bytes, uint32_t type) {
    ck_assert(id >= 0 && id < MAX_TOKENS);
    t->text[id] = text;
    t->n_bytes[id] = n_bytes;
    t->type[id] = type;
    if ((size_t)id >= t->n) t->n = (size_t)id + 1;
}

static void read_tokens(ll_json root, tokens *t) {
    ll_json vocab = ll_json_get(ll_json_get(root, "model"), "vocab"), added = ll_json_get(root, "added_tokens");
    int64_t id = -1;
    size_t len;
    bool special = false;
    memset(t, 0, sizeof *t);
    for (ll_json m = ll_json_first(vocab); ll_json_get_type(m) != LL_JSON_MISSING; m = ll_json_next(m)) {
        const char *key = ll_json_key(m, &len);
        ll_json_int64(m, &id);
        put_token(t, id, key, len, 1);
    }
    for (ll_json m = ll_json_first(added); ll_json_get_type(m) != LL_JSON_MISSING; m = ll_json_next(m)) {
        const char *text = ll_json_string(ll_json_get(m, "content"), &len);
        ll_json_int64(ll_json_get(m, "id"), &id);
        ll_json_bool(ll_json_get(m, "special"), &special);
        put_token(t, id, text, len, special ? 3 : 4);
    }
}

static void put_bytes(const char *text, size_t n) {
    char copy[200];
    ck_assert_uint_lt(n, sizeof copy);
    memcpy(copy, text, n);
    copy[n] = 0;
    gguf_string(&b, copy);
}

static size_t put_merge(ll_json m, char *out, size_t size) {
    size_t len, second_len;
    const char *text = ll_json_string(m, &len);
    if (text) return (size_t)snprintf(out, size, "%.*s", (int)len, text);
    const char *left = ll_json_string(ll_json_first(m), &len);
    const char *right = ll_json_string(ll_json_next(ll_json_first(m)), &second_len);
    return (size_t)snprintf(out, size, "%.*s %.*s", (int)len, left, (int)second_len, right);
}

/* A file as llama.cpp's converter writes it. bos: its id; -1: none. */
static const char *write_gguf(ll_json root, const char *pre, int bos) {
    static tokens t;
    ll_json merges = ll_json_get(ll_json_get(root, "model"), "merges");
    read_tokens(root, &t);
    gguf_begin(&b, 3, 0, 6 + (uint64_t)(bos >= 0));
    gguf_text(&b, "general.architecture", "gpt2");
    gguf_text(&b, "tokenizer.ggml.model", "gpt2");
    gguf_text(&b, "tokenizer.ggml.pre", pre);
    gguf_array(&b, "tokenizer.ggml.tokens", STRING, t.n);
    for (size_t i = 0; i < t.n; i++) put_bytes(t.text[i], t.n_bytes[i]);
    gguf_array(&b, "tokenizer.ggml.token_type", I32, t.n);
    for (size_t i = 0; i < t.n; i++) gguf_int(&b, t.type[i], 4);
    gguf_array(&b, "tokenizer.ggml.merges", STRING, ll_json_count(merges));
    for (ll_json m = ll_json_first(merges); ll_json_get_type(m) != LL_JSON_MISSING; m = ll_json_next(m)) {
        char text[200];
        const size_t n = put_merge(m, text, sizeof text);
        put_bytes(text, n);
    }
    if (bos >= 0) gguf_value(&b, "tokenizer.ggml.bos_token_id", U32, (uint64_t)bos, 4);
    gguf_pad(&b, 32);
    temp_write(folder, "model.gguf", (const char *)b.at, b.n);
    return temp_path(folder, "model.gguf");
}

static size_t encode(const llmcs_tokenizer *t, const char *text, size_t n, uint32_t flags, int32_t *ids) {
    llmcs_encode_params p;
    size_t n_ids = 0;
    llmcs_encode_params_init(&p);
    p.flags = flags;
    ck_assert_msg(!llmcs_encode(t, text, n, NULL, 0, &p, ids, NULL, NULL, 1000, &n_ids), "%s", llmcs_error_message());
    return n_ids;
}

static void compare(const llmcs_tokenizer *json, const llmcs_tokenizer *gguf, ll_json texts, bool with_special) {
    for (ll_json m = ll_json_first(texts); ll_json_get_type(m) != LL_JSON_MISSING; m = ll_json_next(m)) {
        int32_t want[1000], got[1000];
        size_t n;
        const char *text = ll_json_string(ll_json_get(m, "text"), &n);
        for (uint32_t flags = 0; flags <= (LLMCS_ADD_SPECIAL_TOKENS | LLMCS_PARSE_SPECIAL); flags++) {
            if (flags & ~(LLMCS_ADD_SPECIAL_TOKENS | LLMCS_PARSE_SPECIAL)) continue;
            if (!with_special && (flags & LLMCS_ADD_SPECIAL_TOKENS)) continue;
            const size_t n_want = encode(json, text, n, flags, want), n_got = encode(gguf, text, n, flags, got);
            ck_assert_msg(n_want == n_got && !memcmp(want, got, n_want * sizeof *want), "\"%.*s\"", (int)n, text);
        }
    }
}

static const struct {
    const char *kind, *pre, *bos;
} KINDS[] = {{"qwen2", "qwen2", NULL},
             {"qwen35", "qwen35", NULL},
             {"llama3", "dbrx", NULL}, /* the same words, but merges count and no BOS */
             {"llama3 that ignores merges", "llama-bpe", "<|begin|>"},
             {"o200k", "gpt-4o", NULL},
             {"smollm", "smollm", NULL}};

static void check_kind(void *user, size_t line, ll_json object) {
    llmcs_allocator a = ll_allocator_default();
    ll_json_doc *doc;
    llmcs_tokenizer *json = NULL, *gguf = NULL;
    size_t len;
    (void)line;
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++) {
        if (!ll_json_equals(ll_json_get(object, "name"), KINDS[i].kind)) continue;
        const char *text = ll_json_string(ll_json_get(ll_json_get(object, "files"), "tokenizer.json"), &len);
        ck_assert_int_eq(ll_json_parse(&a, "tokenizer.json", text, len, 0, &doc), LLMCS_OK);
        temp_write(folder, "tokenizer.json", text, len);
        ck_assert_msg(!llmcs_tokenizer_open(folder, NULL, &json), "%s", llmcs_error_message());
        const int bos = KINDS[i].bos ? llmcs_token_to_id(json, KINDS[i].bos, LLMCS_NUL) : -1;
        const char *path = write_gguf(ll_json_root(doc), KINDS[i].pre, bos);
        ck_assert_msg(!llmcs_tokenizer_open(path, NULL, &gguf), "%s", llmcs_error_message());
        compare(json, gguf, ll_json_get(object, "texts"), strcmp(KINDS[i].pre, "dbrx") != 0);
        llmcs_tokenizer_free(&json);
        llmcs_tokenizer_free(&gguf);
        path = write_gguf(ll_json_root(doc), "tekken", bos);
        ck_assert_int_eq(llmcs_tokenizer_open(path, NULL, &gguf), LLMCS_UNSUPPORTED);
        ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "tokenizer.ggml.pre \"tekken\""));
        ll_json_free(&doc);
        ++*(size_t *)user;
    }
}

START_TEST(ids_are_those_of_tokenizer_json) {
    size_t n = 0;
    temp_folder(folder);
    golden_each(CASES, check_kind, &n);
    ck_assert_uint_eq(n, sizeof KINDS / sizeof *KINDS);
    temp_remove(folder);
}
END_TEST

/* What a name stands for leads back to a name of the same words. */
START_TEST(names_lead_to_their_words_and_back) {
    static const char *const names[] = {"gpt-2",   "llama-bpe", "qwen2",       "qwen35", "gpt-4o",    "smollm",
                                        "default", "dbrx",      "roberta-bpe", "llama3", "stablelm2", "refact"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        ll_normalizer_step normalizer[LL_MAX_NORMALIZER_STEPS];
        ll_split_step split[LL_MAX_SPLIT_STEPS] = {{.kind = LL_SPLIT_BYTE_LEVEL, .use_regex = true}};
        ll_tokenizer_spec spec = {.normalizer = normalizer, .split = split, .n_split = 1};
        ck_assert(ll_gguf_pre_known(names[i], strlen(names[i])));
        ll_gguf_pre_apply(names[i], strlen(names[i]), &spec);
        ck_assert_str_eq(ll_gguf_pre_name(&spec, names[i]), names[i]);
        const char *first = ll_gguf_pre_name(&spec, NULL);
        ll_tokenizer_spec again = {.normalizer = normalizer, .split = split, .n_split = 1};
        split[0] = (ll_split_step){.kind = LL_SPLIT_BYTE_LEVEL, .use_regex = true};
        ll_gguf_pre_apply(first, strlen(first), &again);
        ck_assert_str_eq(ll_gguf_pre_name(&again, names[i]), names[i]);
    }
    ck_assert(!ll_gguf_pre_known("tekken", 6) && !ll_gguf_pre_known("", 0));
    ck_assert(ll_gguf_pre_adds_bos("llama-bpe", 9) && !ll_gguf_pre_adds_bos("qwen2", 5));
}
END_TEST

/* Words that llama.cpp cannot cut have no name. */
START_TEST(other_words_have_no_name) {
    ll_split_step split[3] = {{.kind = LL_SPLIT_PATTERN, .pattern = LL_PATTERN_NUMBERS_3},
                              {.kind = LL_SPLIT_PATTERN, .pattern = LL_PATTERN_GPT2},
                              {.kind = LL_SPLIT_BYTE_LEVEL}};
    ll_tokenizer_spec spec = {.split = split, .n_split = 3};
    ck_assert_ptr_null(ll_gguf_pre_name(&spec, NULL));
    split[0] = (ll_split_step){.kind = LL_SPLIT_PATTERN, .pattern = LL_PATTERN_NUMBER};
    ck_assert_str_eq(ll_gguf_pre_name(&spec, NULL), "smollm");
    split[0].behavior = LL_BEHAVIOR_REMOVED;
    ck_assert_ptr_null(ll_gguf_pre_name(&spec, NULL));
}
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, ids_are_those_of_tokenizer_json);
    tcase_add_test(t, names_lead_to_their_words_and_back);
    tcase_add_test(t, other_words_have_no_name);
}

SUITE_MAIN("formats/gguf_pre", add)
