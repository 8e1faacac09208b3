/* Texts to vectors: one pooled state of the encoder for each, as sentence-transformers does
 * (Reimers and Gurevych 2019, "Sentence-BERT"). */
#include <math.h>

#include "base/call.h"
#include "runtime/encoder/sentence_text.h"
#include "runtime/encoder/texts.h"

typedef struct embedding {
    size_t n; /* n_embd */
    llmcs_pooling pooling;
    bool normalize;
    float *vectors;  /* [n_texts, n] */
    size_t n_prompt; /* tokens at the start that the mean excludes */
    ll_window_pool windows;
    float *window_mean; /* [n] */
} embedding;

/* hidden: [n_tokens, n]. Each column is one sum in the order of the tokens; of no tokens it is 0. */
static void mean_pool(const float *hidden, size_t n_tokens, size_t n, float *vector) {
    for (size_t d = 0; d < n; d++) vector[d] = n_tokens ? hidden[d] : 0.0f;
    if (!n_tokens) return;
    for (size_t t = 1; t < n_tokens; t++)
        for (size_t d = 0; d < n; d++) vector[d] += hidden[t * n + d];
    for (size_t d = 0; d < n; d++) vector[d] /= (float)n_tokens;
}

/* Scales the vector to length 1; a zero vector stays zero. */
static void scale_to_length_one(float *vector, size_t n) {
    double sum = 0.0;
    for (size_t d = 0; d < n; d++) sum += (double)vector[d] * (double)vector[d];
    double length = sqrt(sum);
    if (length <= 0.0) return;
    for (size_t d = 0; d < n; d++) vector[d] = (float)((double)vector[d] / length);
}

static void embed_sink(void *user, const ll_encoder_output *w) {
    embedding *out = user;
    float *vector = out->vectors + w->text * out->n;
    const float *pooled = out->pooling == LLMCS_POOL_CLS ? w->hidden : w->pooled;
    if (out->pooling == LLMCS_POOL_MEAN) {
        const size_t n_prompt = w->first ? ll_min(out->n_prompt, w->n_tokens) : 0;
        mean_pool(w->hidden + n_prompt * out->n, w->n_tokens - n_prompt, out->n, out->window_mean);
        pooled = out->window_mean;
    }
    pooled = ll_window_pool_add(&out->windows, w, pooled);
    if (!pooled) return;
    for (size_t d = 0; d < out->n; d++) vector[d] = pooled[d];
    if (out->normalize) scale_to_length_one(vector, out->n);
}

/* AUTO selects the pooling that the folder states. */
static llmcs_status choose_pooling(const llmcs_model *m, const ll_text_rules *rules, embedding *out) {
    const bool in_folder = m->config.sentence.present;
    out->n = (size_t)m->config.n_embd;
    out->pooling = rules->pooling;
    if (out->pooling == LLMCS_POOL_AUTO) out->pooling = in_folder ? m->config.sentence.pooling : LLMCS_POOL_MEAN;
    if (out->pooling == LLMCS_POOL_POOLER && !m->net->has_pooler)
        return ll_fail(LLMCS_NO_HEAD, "pooling is POOLER, but the model has no pooler; use MEAN or CLS");
    out->normalize = rules->normalize == LLMCS_NORMALIZE_AUTO ? !in_folder || m->config.sentence.normalize
                                                              : rules->normalize == LLMCS_NORMALIZE_L2;
    return LLMCS_OK;
}

static llmcs_status embed_texts(embedding *out, llmcs_model *m, const llmcs_text *texts, size_t n_texts,
                                ll_text_rules *rules, llmcs_text_info *infos) {
    const unsigned want = out->pooling == LLMCS_POOL_POOLER ? LL_WANT_POOLED : LL_WANT_HIDDEN;
    const ll_text_call call = {m, texts, n_texts, rules, want, embed_sink, out, infos, NULL};
    rules->as_sentence = true;
    LL_TRY(ll_sentence_prompt_tokens(m, rules->max_length, &out->n_prompt));
    LL_TRY(ll_window_pool_create(&m->allocator, out->n, false, &out->windows));
    llmcs_status st = ll_alloc(&m->allocator, out->n, sizeof(float), "vector of a window", &out->window_mean);
    if (!st) st = ll_encoder_texts(&call);
    ll_free(&m->allocator, out->window_mean);
    ll_window_pool_free(&m->allocator, &out->windows);
    return st;
}

llmcs_status llmcs_embed(llmcs_model *model, const llmcs_text *texts, size_t n_texts, const llmcs_text_params *params,
                         float *vectors, llmcs_text_info *infos) {
    LL_PUBLIC_CALL;
    ll_text_rules rules;
    LL_TRY(ll_model_check_head(model, LLMCS_HEAD_EMBEDDING, "llmcs_embed"));
    LL_TRY(ll_model_check_tokenizer(model));
    if (n_texts && (!texts || !vectors)) return ll_fail(LLMCS_ARG, "llmcs_embed: texts or vectors is NULL");
    const size_t longest = (size_t)model->config.sentence.max_seq_length;
    const size_t default_length = longest ? ll_min(longest, model->n_ctx) : ll_text_default_length(model);
    LL_TRY(ll_text_rules_read(model, params, default_length, LLMCS_WINDOW_MEAN, &rules));
    if (rules.max_of_windows)
        return ll_fail(LLMCS_ARG, "window_pooling: MAX is not valid for embeddings; use AUTO or MEAN");
    embedding out = {.vectors = vectors};
    LL_TRY(choose_pooling(model, &rules, &out));
    return embed_texts(&out, model, texts, n_texts, &rules, infos);
}
