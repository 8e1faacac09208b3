#include "support/golden.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "support/suite.h"

const char *const golden_names[] = {
    "bert-cls",     "bert-embed",     "bert-mlm",     "distilbert-cls",   "gpt2-bf16",
    "gpt2-f16",     "gpt2-odd-head",  "gpt2-tiny",    "gpt2-untied",      "roberta-cls",
    "llama-biases", "llama-yarn",     "llama-tags",   "llama-parameters", "qwen2-window",
    "qwen2-cls",    "mistral-window", "qwen3-shards", "gemma3-nested",    "qwen3-model",
    "smollm3-tiny", "lstm-torch",     "lstm-keras",   "lstm-onnx",        "lstm-window",
    "bart-uneven",  "mbart-uneven",   "marian-pair",  "t5-tied",          "mt5-gated",
    "bart-cls",     "mbart-cls",      "t5-cls",       "mt5-cls",          NULL};
const char *const golden_seq2seq_names[] = {"bart-uneven", "mbart-uneven", "marian-pair", "t5-tied", "mt5-gated", NULL};
const char *const golden_decoder_names[] = {"llama-biases",
                                            "llama-yarn",
                                            "llama-parameters",
                                            "qwen2-window",
                                            "mistral-window",
                                            "qwen3-shards",
                                            "gemma3-nested",
                                            "smollm3-tiny",
                                            "lstm-torch",
                                            "lstm-keras",
                                            "lstm-onnx",
                                            "lstm-window",
                                            NULL};

const char *const golden_shared_decoder_names[] = {"llama-gqa",     "llama3-rope", "qwen2",   "qwen3",
                                                   "gemma3-window", "bart",        "mbart25", "mbart50",
                                                   "marian",        "t5-v1_0",     "flan-t5", NULL};

struct golden {
    llmcs_allocator allocator;
    char folder[512];
    char *cases_text, *tensors; /* the files */
    size_t tensors_bytes, header_bytes;
    ll_json_doc *cases, *header;
};

static void read_file(golden *g, const char *name, char **data, size_t *len) {
    char path[600];
    snprintf(path, sizeof path, "%s/%s", g->folder, name);
    ck_assert_msg(!ll_file_read_all(&g->allocator, path, (size_t)1 << 30, data, len), "%s", llmcs_error_message());
}

golden *golden_open(const char *name) {
    char folder[128];
    snprintf(folder, sizeof folder, GOLDEN_FOLDER "%s", name);
    return golden_open_folder(folder);
}

golden *golden_open_folder(const char *folder) {
    golden *g = calloc(1, sizeof *g);
    ck_assert_ptr_nonnull(g);
    g->allocator = ll_allocator_default();
    snprintf(g->folder, sizeof g->folder, "%s", folder);
    size_t len;
    read_file(g, "cases.json", &g->cases_text, &len);
    ck_assert_int_eq(ll_json_parse(&g->allocator, "cases.json", g->cases_text, len, 0, &g->cases), LLMCS_OK);
    read_file(g, "expected.safetensors", &g->tensors, &g->tensors_bytes);
    for (int i = 7; i >= 0; i--) g->header_bytes = g->header_bytes << 8 | (unsigned char)g->tensors[i];
    ck_assert_uint_le(g->header_bytes, g->tensors_bytes - 8);
    ck_assert_int_eq(
        ll_json_parse(&g->allocator, "expected.safetensors", g->tensors + 8, g->header_bytes, 8, &g->header), LLMCS_OK);
    return g;
}

void golden_close(golden *g) {
    ll_json_free(&g->cases);
    ll_json_free(&g->header);
    ll_free(&g->allocator, g->cases_text);
    ll_free(&g->allocator, g->tensors);
    free(g);
}

const char *golden_folder(const golden *g) { return g->folder; }

ll_json golden_cases(const golden *g) { return ll_json_root(g->cases); }

bool golden_is(ll_json golden_case, const char *kind) { return ll_json_equals(ll_json_get(golden_case, "kind"), kind); }

size_t golden_ids(ll_json golden_case, const char *key, int32_t *ids) {
    size_t n = 0;
    for (ll_json v = ll_json_first(ll_json_get(golden_case, key)); ll_json_get_type(v); v = ll_json_next(v)) {
        int64_t id;
        ck_assert(ll_json_int64(v, &id));
        ck_assert_uint_lt(n, GOLDEN_MAX_IDS);
        ids[n++] = (int32_t)id;
    }
    return n;
}

const float *golden_tensor(const golden *g, ll_json golden_case, const char *key, size_t *n) {
    char name[64];
    size_t len;
    const char *text = ll_json_string(ll_json_get(golden_case, key), &len);
    *n = 0;
    if (!text) return NULL;
    ck_assert_uint_lt(len, sizeof name);
    memcpy(name, text, len);
    name[len] = 0;
    ll_json tensor = ll_json_get(ll_json_root(g->header), name);
    ck_assert(ll_json_equals(ll_json_get(tensor, "dtype"), "F32"));
    ll_json begin = ll_json_first(ll_json_get(tensor, "data_offsets"));
    uint64_t from, to;
    ck_assert(ll_json_uint64(begin, &from) && ll_json_uint64(ll_json_next(begin), &to));
    ck_assert_uint_le(8 + g->header_bytes + to, g->tensors_bytes);
    const char *at = g->tensors + 8 + g->header_bytes + from;
    ck_assert_uint_eq((uintptr_t)at % sizeof(float), 0);
    *n = (size_t)(to - from) / sizeof(float);
    return (const float *)(const void *)at;
}

void golden_assert_close(const float *found, const float *expected, size_t n, const char *what) {
    for (size_t i = 0; i < n; i++) {
        double difference = fabs((double)found[i] - (double)expected[i]);
        double allowed = 1e-4 + 1e-4 * fabs((double)expected[i]);
        ck_assert_msg(difference <= allowed, "%s[%zu] is %.7g, expected %.7g", what, i, (double)found[i],
                      (double)expected[i]);
    }
}
