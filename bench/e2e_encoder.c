/* Encoders: one text by length, several at once, and texts to embeddings with their tokenizer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "e2e.h"

#define N_TOGETHER 16
#define N_EMBEDDED 32
static const char product[] =
    "Waterproof hiking jacket for women, light and packable, with a hood that fits over a helmet, sealed seams and "
    "two zipped pockets; machine washable, in navy, red and sage green.";

typedef struct job {
    subject *s;
    int32_t *ids;
    size_t *lengths, n_texts;
    float *outputs;
} job;

static double encode_pass(const bench *b, void *arg) {
    const job *j = arg;
    (void)b;
    const llmcs_encoder_outputs out = {sizeof out, j->outputs, NULL, NULL};
    const uint64_t start = ll_now_ns();
    if (llmcs_encoder_eval(j->s->model, j->ids, NULL, j->lengths, j->n_texts, &out)) return -1;
    return (double)(ll_now_ns() - start) * 1e-9;
}

static double embed_pass(const bench *b, void *arg) {
    const job *j = arg;
    (void)b;
    llmcs_text texts[N_EMBEDDED];
    for (size_t i = 0; i < N_EMBEDDED; i++) texts[i] = (llmcs_text){.text = product, .text_bytes = LLMCS_NUL};
    const uint64_t start = ll_now_ns();
    if (llmcs_embed(j->s->model, texts, N_EMBEDDED, NULL, j->outputs, NULL)) return -1;
    return (double)(ll_now_ns() - start) * 1e-9;
}

/* The layers' matrices are read once, and multiplied with every token. */
static bench_cost cost_of(const subject *s, double n_tokens) {
    const double operations = e2e_layer_operations(s);
    return (bench_cost){1, 0.5 * operations * e2e_bytes_of_weight(&s->info), n_tokens * operations,
                        e2e_arithmetic(&s->info)};
}

static int measure_texts(subject *s, size_t n_tokens, size_t n_texts) {
    char label[64];
    const size_t n_rows = n_tokens * n_texts;
    job j = {s, bench_memory(n_rows * sizeof(int32_t)), bench_memory(n_texts * sizeof(size_t)), n_texts,
             bench_memory(n_rows * (size_t)s->info.n_embd * sizeof(float))};
    for (size_t i = 0; i < n_rows; i++) j.ids[i] = s->ids[i % (size_t)s->info.n_ctx];
    for (size_t i = 0; i < n_texts; i++) j.lengths[i] = n_tokens;
    if (n_texts == 1)
        snprintf(label, sizeof label, "one text of %zu", n_tokens);
    else
        snprintf(label, sizeof label, "%zu texts of %zu together", n_texts, n_tokens);
    const bench_cost cost = cost_of(s, (double)n_rows);
    const bench_row row = e2e_row(s, label, "encode", n_tokens, n_texts, (double)n_rows, "tokens/s");
    const int code = bench_measure(s->b, &row, encode_pass, &j, &cost);
    free(j.ids);
    free(j.lengths);
    free(j.outputs);
    return code;
}

static int measure_embedding(subject *s) {
    char label[64];
    size_t n_tokens = 0;
    const llmcs_tokenizer *t = llmcs_model_tokenizer(s->model);
    if (!t) return 0;
    if (llmcs_encode(t, product, LLMCS_NUL, NULL, 0, NULL, NULL, NULL, NULL, 0, &n_tokens))
        return bench_failed("embed");
    job j = {.s = s, .outputs = bench_memory((size_t)N_EMBEDDED * (size_t)s->info.n_embedding * sizeof(float))};
    snprintf(label, sizeof label, "embeddings, %d texts of %zu", N_EMBEDDED, n_tokens);
    const bench_cost cost = cost_of(s, (double)n_tokens * N_EMBEDDED);
    const bench_row row = e2e_row(s, label, "embed", n_tokens, N_EMBEDDED, N_EMBEDDED, "texts/s");
    const int code = bench_measure(s->b, &row, embed_pass, &j, &cost);
    free(j.outputs);
    return code;
}

int e2e_encoder(subject *s) {
    const bench_options *o = s->b->options;
    const bench_list lengths = e2e_list(&o->lengths, (bench_list){3, {16, 128, 512}});
    const bench_list batches = e2e_list(&o->batches, (bench_list){1, {N_TOGETHER}});
    int code = 0;
    for (int i = 0; i < lengths.n && !code; i++)
        if (lengths.values[i] <= s->info.n_ctx) code = measure_texts(s, (size_t)lengths.values[i], 1);
    for (int i = 0; i < batches.n && !code; i++)
        if (s->info.n_ctx >= 128) code = measure_texts(s, 128, (size_t)batches.values[i]);
    return code ? code : measure_embedding(s);
}
