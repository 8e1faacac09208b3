#include "support/model_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "support/random.h"
#include "support/suite.h"

llmcs_model *open_model(const char *folder, int32_t n_threads) {
    return open_model_with_kv(folder, n_threads, LLMCS_KV_AUTO);
}

llmcs_model *open_model_with_kv(const char *folder, int32_t n_threads, llmcs_kv_type kv_type) {
    return open_model_kept(folder, n_threads, LLMCS_WEIGHTS_AUTO, kv_type);
}

llmcs_model *open_model_kept(const char *folder, int32_t n_threads, llmcs_weights weights, llmcs_kv_type kv_type) {
    llmcs_model_options o;
    llmcs_model_options_init(&o);
    o.n_threads = n_threads;
    o.weights = weights;
    o.kv_type = kv_type;
    llmcs_model *m = NULL;
    ck_assert_msg(!llmcs_model_open(folder, &o, &m), "%s", llmcs_error_message());
    return m;
}

llmcs_model *open_golden(const char *name, int32_t n_threads) {
    char folder[128];
    snprintf(folder, sizeof folder, GOLDEN_FOLDER "%s", name);
    return open_model(folder, n_threads);
}

llmcs_session *open_session(llmcs_model *m) {
    llmcs_session *s = NULL;
    ck_assert_msg(!llmcs_session_create(m, NULL, &s), "%s", llmcs_error_message());
    return s;
}

/* A table of n_rows rows in place of `name`, small random numbers. */
static void replace_table(checkpoint *c, const char *name, size_t n_rows) {
    stored_tensor *old = checkpoint_find(c, name);
    ck_assert_ptr_nonnull(old);
    uint64_t shape[2] = {n_rows, old->shape[1]}, seed = 17;
    float *data = malloc(n_rows * shape[1] * sizeof *data);
    ck_assert_ptr_nonnull(data);
    random_fill(&seed, 0.5f, data, n_rows * shape[1]);
    checkpoint_remove(c, name);
    checkpoint_add_f32(c, name, 2, shape, data);
    free(data);
}

checkpoint *long_gpt2(size_t n_ctx) {
    char value[24];
    checkpoint *c = checkpoint_read(GOLDEN_FOLDER "gpt2-tiny");
    replace_table(c, "transformer.wpe.weight", n_ctx);
    snprintf(value, sizeof value, "%zu", n_ctx);
    checkpoint_set(c, "n_positions", value);
    checkpoint_set(c, "n_ctx", value);
    return c;
}

/* GPT-2's byte to character table: printable bytes stand for themselves, the others for U+0100 on. */
static uint32_t byte_character(int byte) {
    uint32_t next = 256;
    for (int b = 0; b <= byte; b++) {
        bool printable = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
        if (b == byte) return printable ? (uint32_t)b : next;
        if (!printable) next++;
    }
    return 0;
}

void write_gpt2_vocabulary(const char *folder) {
    char *text;
    size_t n;
    FILE *f = open_memstream(&text, &n);
    fputc('{', f);
    for (int b = 0; b < 256; b++) {
        char utf8[4];
        size_t len = ll_utf8_encode(byte_character(b), utf8);
        fprintf(f, "\"%s%.*s\":%d,", utf8[0] == '"' || utf8[0] == '\\' ? "\\" : "", (int)len, utf8, b);
    }
    fputs("\"he\":256,\"hel\":257,\"<|endoftext|>\":258}", f);
    fclose(f);
    temp_write_text(folder, "vocab.json", text);
    temp_write_text(folder, "merges.txt", "#version: 0.2\nh e\nhe l\n");
    free(text);
}

void write_bert_vocabulary(const char *folder) {
    char *text;
    size_t n;
    FILE *f = open_memstream(&text, &n);
    fputs("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n", f);
    for (char c = 'a'; c <= 'z'; c++) fprintf(f, "%c\n##%c\n", c, c);
    fputs("good\nbad\nthe\nshop\n##ping\n!\n.\n", f);
    fclose(f);
    temp_write_text(folder, "vocab.txt", text);
    free(text);
}

void text_gpt2_folder(char path[TEMP_PATH_BYTES]) {
    temp_folder(path);
    checkpoint *c = checkpoint_read(GOLDEN_FOLDER "gpt2-tiny");
    replace_table(c, "transformer.wte.weight", GPT2_VOCAB);
    checkpoint_set(c, "vocab_size", "259");
    checkpoint_set(c, "bos_token_id", "258");
    checkpoint_set(c, "eos_token_id", "258");
    checkpoint_write(c, path, 1);
    checkpoint_free(c);
    write_gpt2_vocabulary(path);
}

void text_bert_folder(const char *name, char path[TEMP_PATH_BYTES]) {
    char folder[128];
    snprintf(folder, sizeof folder, GOLDEN_FOLDER "%s", name);
    temp_folder(path);
    checkpoint *c = checkpoint_read(folder);
    checkpoint_write(c, path, 1);
    checkpoint_free(c);
    write_bert_vocabulary(path);
}

llmcs_status embed_pooled(llmcs_model *m, const llmcs_text *texts, size_t n_texts, llmcs_pooling pooling,
                          llmcs_normalize normalize, const llmcs_text_params *params, float *vectors,
                          llmcs_text_info *infos) {
    llmcs_text_params p;
    llmcs_text_params_init(&p);
    if (params) p = *params;
    p.pooling = pooling;
    p.normalize = normalize;
    return llmcs_embed(m, texts, n_texts, &p, vectors, infos);
}
