/* Targets of the readers in lib/formats and of saved sessions: a status that the reader's header names, no memory left,
 * no more memory than a small multiple of the input, and an object whose parts fit together if it was accepted. */
#ifndef TESTS_FUZZ_TARGETS_H
#define TESTS_FUZZ_TARGETS_H

#include <math.h>

#include "base/xxh64.h"
#include "formats/config.h"
#include "formats/json.h"
#include "formats/tensors.h"
#include "formats/tokenizer_files.h"
#include "fuzz/fuzz.h"

/* ------------------------------------------------------------------------------------------------- json */

static void check_number(ll_json v) {
    char text[400];
    size_t len;
    const char *source = ll_json_source(v, &len);
    double found = 0;
    bool finite = ll_json_double(v, &found);
    int64_t i;
    uint64_t u;
    if (ll_json_int64(v, &i) && ll_json_uint64(v, &u)) MUST((uint64_t)i == u);
    if (len >= sizeof text) return;
    memcpy(text, source, len);
    text[len] = 0;
    double expected = strtod(text, NULL);
    MUST(finite == !isinf(expected));
    MUST(!finite || memcmp(&found, &expected, sizeof found) == 0);
}

/* Visits everything; returns how many values there are. */
static size_t visit(ll_json v) {
    ll_json stack[LL_JSON_MAX_DEPTH + 2];
    size_t depth = 0, seen = 0, len;
    stack[0] = v;
    for (;;) {
        ll_json at = stack[depth];
        uint32_t sum = 0;
        seen++;
        const char *s = ll_json_string(at, &len);
        for (size_t i = 0; i < len; i++) sum += (unsigned char)s[i];
        s = ll_json_key(at, &len);
        for (size_t i = 0; i < len; i++) sum += (unsigned char)s[i];
        MUST(sum < UINT32_MAX && ll_json_source(at, &len) && len);
        if (ll_json_get_type(at) == LL_JSON_NUMBER) check_number(at);
        if (ll_json_count(at)) {
            MUST(depth + 1 < LL_JSON_MAX_DEPTH + 2);
            stack[++depth] = ll_json_first(at);
            continue;
        }
        while (depth && !ll_json_get_type(ll_json_next(stack[depth]))) depth--;
        if (!depth) return seen;
        stack[depth] = ll_json_next(stack[depth]);
    }
}

static UNUSED int fuzz_json(const uint8_t *data, size_t size) {
    counter c = {0};
    llmcs_allocator a = counting(&c);
    ll_json_doc *doc;
    llmcs_status st = ll_json_parse(&a, "fuzz", (const char *)data, size, 0, &doc);
    MUST(st == LLMCS_OK || st == LLMCS_JSON || st == LLMCS_LIMIT);
    MUST((st == LLMCS_OK) == (doc != NULL) && (st == LLMCS_OK || c.bytes == 0));
    if (doc) {
        ll_json first;
        MUST(visit(ll_json_root(doc)) <= size / 2 + 1 && c.bytes <= 7 * size + 128);
        if (!ll_json_get_unique(ll_json_root(doc), "a", &first)) MUST(first.doc == NULL || first.doc == doc);
    }
    ll_json_free(&doc);
    MUST(c.live == 0);
    return 0;
}

/* ----------------------------------------------------------------------------------------------- folders */

static void check_tensors(const ll_tensors *t) {
    for (size_t i = 0; i < ll_tensors_count(t); i++) {
        float out[256];
        const ll_tensor *x = ll_tensors_at(t, i);
        MUST(ll_tensors_find(t, x->name) == x && strlen(x->name) == x->name_bytes);
        MUST(x->rank >= 0 && x->rank <= LL_MAX_RANK && ll_tensors_path(t, x));
        size_t n = x->n_elements < 256 ? (size_t)x->n_elements : 256;
        llmcs_status st = ll_tensors_read_f32(t, x, x->n_elements - n, n, out);
        MUST(st == (x->dtype == LL_DTYPE_OTHER ? LLMCS_UNSUPPORTED : LLMCS_OK));
    }
}

static int open_tensors(size_t size) {
    for (int mode = 0; mode < 2; mode++) {
        counter c = {0};
        llmcs_allocator a = counting(&c);
        ll_log log = {NULL, NULL};
        ll_tensors *t;
        llmcs_status st = ll_tensors_open(&a, &(ll_source){.path = fuzz_folder}, (llmcs_load_mode)mode, &log, &t);
        MUST(st == LLMCS_OK || st == LLMCS_FORMAT || st == LLMCS_JSON || st == LLMCS_LIMIT || st == LLMCS_IO);
        MUST(st == LLMCS_OK || llmcs_error_message()[0]);
        MUST(c.bytes < 8 * size + (16 << 10));
        if (!st) check_tensors(t);
        ll_tensors_close(&t);
        MUST(c.live == 0);
    }
    return 0;
}

static UNUSED int fuzz_safetensors(const uint8_t *data, size_t size) {
    make_fuzz_folder();
    fuzz_write("model.safetensors", data, size);
    return open_tensors(size);
}

/* The same with the header's length right, so that mutations get behind it: input, then 64 bytes of data. */
static UNUSED int fuzz_header(const uint8_t *data, size_t size) {
    static uint8_t file[8 + (1 << 16) + 64];
    if (size > 1 << 16) return 0;
    for (int i = 0; i < 8; i++) file[i] = (uint8_t)(size >> (8 * i));
    memcpy(file + 8, data, size);
    memset(file + 8 + size, 0x3c, 64);
    return fuzz_safetensors(file, 8 + size + 64);
}

/* An index over two good shards. */
static UNUSED int fuzz_index(const uint8_t *data, size_t size) {
    static const char *const headers[] = {"{\"a\":{\"dtype\":\"F16\",\"shape\":[],\"data_offsets\":[0,2]}} ",
                                          "{\"b\":{\"dtype\":\"F16\",\"shape\":[],\"data_offsets\":[0,2]}} "};
    if (make_fuzz_folder())
        for (int i = 0; i < 2; i++) {
            char file[100] = {(char)strlen(headers[i])};
            memcpy(file + 8, headers[i], strlen(headers[i]));
            fuzz_write(i ? "2.safetensors" : "1.safetensors", file, 8 + strlen(headers[i]) + 2);
        }
    fuzz_write("model.safetensors.index.json", data, size);
    return open_tensors(size + 200);
}

/* ------------------------------------------------------------------------------------------------ config */

static void check_id(const ll_config *c, int32_t id) { MUST(id >= -1 && id < c->vocab_size); }

static void check_config(const ll_config *c) {
    MUST(c->vocab_size > 0 && c->n_positions > c->position_offset && c->n_embd > 0 && c->n_layer > 0);
    MUST(c->n_head > 0 && c->n_embd % c->n_head == 0 && c->n_inner > 0 && c->layer_norm_eps > 0);
    check_id(c, c->bos_token_id);
    check_id(c, c->pad_token_id);
    check_id(c, c->sep_token_id);
    for (size_t i = 0; i < c->n_eos_token_id; i++) MUST(c->eos_token_id[i] >= 0 && c->eos_token_id[i] < c->vocab_size);
    MUST((c->n_labels > 0) == (c->head == LL_HEAD_CLASSIFICATION || c->head == LL_HEAD_TOKENS));
    for (int32_t i = 0; i < c->n_labels; i++) MUST(!c->id2label[i] || strlen(c->id2label[i]) < (4u << 20));
    MUST(c->generation.top_p >= 0 && c->generation.top_p <= 1 && c->generation.num_beams >= 1);
    MUST(!c->sentence.present || (c->sentence.pooling > 0 && c->sentence.pooling < 1 << LL_N_POOL_MODES));
}

/* The first byte chooses the file that the rest becomes: '0' config.json ... '4'; the others are good. */
static UNUSED int fuzz_config(const uint8_t *data, size_t size) {
    static const char *const names[] = {"config.json", "generation_config.json", "modules.json",
                                        "1_Pooling/config.json", "sentence_bert_config.json"};
    static const char *const good[] = {
        "{\"model_type\":\"gpt2\",\"vocab_size\":9,\"n_positions\":8,\"n_embd\":4,\"n_layer\":1,\"n_head\":2}",
        "{}",
        ("[{\"type\":\"sentence_transformers.models.Transformer\",\"path\":\"\"},{\"type\":\"sentence_transformers."
         "models.Pooling\",\"path\":\"1_Pooling\"}]"),
        "{\"pooling_mode\":\"mean\"}",
        "{}",
    };
    if (size == 0) return 0;
    size_t which = (data[0] + 2u) % 5; /* '0' is 48 */
    if (make_fuzz_folder()) {
        char pooling[100];
        snprintf(pooling, sizeof pooling, "%s/1_Pooling", fuzz_folder);
        MUST(mkdir(pooling, 0700) == 0);
    }
    for (size_t i = 0; i < 5; i++) fuzz_write_text(names[i], good[i]);
    fuzz_write(names[which], data + 1, size - 1);
    counter c = {0};
    llmcs_allocator a = counting(&c);
    ll_log log = {NULL, NULL};
    ll_config config;
    llmcs_status st = ll_config_read(&config, &a, &(ll_source){.path = fuzz_folder}, &log);
    MUST(st == LLMCS_OK || st == LLMCS_FORMAT || st == LLMCS_JSON || st == LLMCS_CONFIG || st == LLMCS_UNSUPPORTED ||
         st == LLMCS_LIMIT);
    MUST(c.bytes < 64 * size + (64 << 10));
    if (!st) {
        check_config(&config);
        ll_config_free(&config);
    }
    MUST(c.live == 0);
    return 0;
}

/* ------------------------------------------------------------------------------------------------ gguf */

/* A whole file: container, then network, tokenizer and tensors, as far as each gets. */
static UNUSED int fuzz_gguf(const uint8_t *data, size_t size) {
    make_fuzz_folder();
    fuzz_write("model.gguf", data, size);
    char path[160];
    snprintf(path, sizeof path, "%s/model.gguf", fuzz_folder);
    for (int mode = 0; mode < 2; mode++) {
        counter c = {0};
        llmcs_allocator a = counting(&c);
        ll_log log = {NULL, NULL};
        ll_source source;
        ll_config config;
        ll_tokenizer_spec spec;
        ll_tensors *t = NULL;
        llmcs_status st = ll_source_open(&source, &a, path, (llmcs_load_mode)mode);
        MUST(st == LLMCS_OK || st == LLMCS_FORMAT || st == LLMCS_LIMIT || st == LLMCS_UNSUPPORTED || st == LLMCS_IO);
        MUST(c.bytes < 16 * size + (64 << 10));
        if (!st && !ll_config_read(&config, &a, &source, &log)) {
            check_config(&config);
            ll_config_free(&config);
        }
        if (!st && !ll_tokenizer_files_read(&spec, &a, &source, NULL, false, NULL)) {
            for (size_t i = 0; i < spec.n_vocab; i++) MUST(spec.vocab[i].id >= 0 && spec.vocab[i].id <= 1 << 24);
            ll_tokenizer_spec_free(&spec);
        }
        if (!st && !ll_tensors_open(&a, &source, (llmcs_load_mode)mode, &log, &t)) check_tensors(t);
        ll_tensors_close(&t);
        ll_source_close(&source);
        MUST(c.bytes < 200 * size + (256 << 10));
        MUST(c.live == 0);
    }
    return 0;
}

/* --------------------------------------------------------------------------------------------- sessions */

/* A session of tests/data/golden/gpt2-tiny that lives as long as the process: it goes from input to input with what
 * the last one left. */
typedef struct fuzz_state {
    counter counter;
    llmcs_session *session;
    unsigned char *before, *after; /* [capacity] what it was, and what it has become */
    size_t capacity;
} fuzz_state;

#define FUZZ_N_CTX 64

static void open_fuzz_session(fuzz_state *f, llmcs_kv_type kv_type) {
    llmcs_model_options o;
    llmcs_model *m = NULL;
    int32_t ids[FUZZ_N_CTX] = {0};
    llmcs_allocator a = counting(&f->counter);
    llmcs_model_options_init(&o);
    o.allocator = &a;
    o.n_threads = 1;
    o.kv_type = kv_type;
    MUST(!llmcs_model_open("tests/data/golden/gpt2-tiny", &o, &m));
    MUST(!llmcs_session_create(m, NULL, &f->session));
    llmcs_model_free(&m);
    MUST(!llmcs_session_eval(f->session, ids, FUZZ_N_CTX, LLMCS_LOGITS_LAST));
    MUST(!llmcs_session_save(f->session, NULL, 0, &f->capacity));
    MUST((f->before = malloc(f->capacity)) && (f->after = malloc(f->capacity)));
    MUST(!llmcs_session_rewind(f->session, 0));
}

static void fuzz_put64(uint8_t *at, uint64_t value) {
    for (int i = 0; i < 8; i++) at[i] = (uint8_t)(value >> (8 * i));
}

/* By the bits of `how`, what a mutation can hardly hit: 2: the length, 4: the model's fingerprint, 8: the checksum. */
static void repair(fuzz_state *f, int how, uint8_t *bytes, size_t size) {
    size_t n;
    if (size < 72) return;
    if (how & 2) fuzz_put64(bytes + 16, size);
    if (how & 4) {
        MUST(!llmcs_session_save(f->session, f->after, f->capacity, &n));
        memcpy(bytes + 24, f->after + 24, 8);
    }
    if (how & 8) fuzz_put64(bytes + size - 8, ll_xxh64(bytes, size - 8, 0));
}

/* Takes the bytes over as they are, or not at all; goes on from there. */
static void restore_and_go_on(fuzz_state *f, const uint8_t *bytes, size_t size) {
    size_t n_before, n_after, n_tokens;
    long long taken = (long long)f->counter.bytes;
    const float *logits;
    MUST(!llmcs_session_save(f->session, f->before, f->capacity, &n_before));
    llmcs_status st = llmcs_session_restore(f->session, bytes, size);
    MUST(st == LLMCS_OK || st == LLMCS_FORMAT || st == LLMCS_STATE || st == LLMCS_CONTEXT_FULL);
    MUST(!llmcs_session_save(f->session, f->after, f->capacity, &n_after));
    MUST(n_after == (st ? n_before : size) && memcmp(f->after, st ? f->before : bytes, n_after) == 0);
    MUST(!llmcs_session_tokens(f->session, NULL, 0, &n_tokens) && n_tokens <= FUZZ_N_CTX);
    if (!llmcs_session_logits(f->session, &logits, &n_after)) MUST(n_tokens && n_after == 1);
    st = llmcs_session_eval(f->session, &(int32_t){7}, 1, LLMCS_LOGITS_LAST);
    MUST(st == LLMCS_OK || st == LLMCS_NUMERIC || st == LLMCS_CONTEXT_FULL);
    MUST((long long)f->counter.bytes == taken);
    if (n_tokens > 40) MUST(!llmcs_session_rewind(f->session, n_tokens / 2));
}

/* The first byte: 1: keys and values in float16; its other bits are repair's. The rest is what is restored. */
static UNUSED int fuzz_session(const uint8_t *data, size_t size) {
    static fuzz_state states[2];
    if (size == 0) return 0;
    fuzz_state *f = &states[data[0] & 1];
    if (!f->session) open_fuzz_session(f, data[0] & 1 ? LLMCS_KV_F16 : LLMCS_KV_F32);
    uint8_t *exact = malloc(size); /* what is read behind it is seen */
    MUST(exact != NULL);
    memcpy(exact, data + 1, size - 1);
    repair(f, data[0], exact, size - 1);
    uint8_t *ending = exact + 1; /* at an odd address, and up to the end of the allocation */
    memmove(ending, exact, size - 1);
    restore_and_go_on(f, ending, size - 1);
    free(exact);
    return 0;
}

#endif
