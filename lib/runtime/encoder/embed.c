/* Texts to vectors: the encoder's hidden states, pooled, as in sentence-transformers (Reimers and Gurevych 2019,
 * "Sentence-BERT"). */
#include <string.h>

#include "base/call.h"
#include "runtime/check.h"
#include "runtime/encoder/pooling.h"
#include "runtime/encoder/sentence_text.h"
#include "runtime/encoder/texts.h"

typedef struct embedding {
    const llmcs_model *model;
    size_t n_embd, n_pooled, n_modules_out, n_out; /* floats of a state, of its pooling, before and after the cut */
    uint32_t modes;                                /* LL_POOL_*; 0: the pooler's output */
    bool normalize_before_cut, normalize;
    float *pooled;   /* [n_texts, n_pooled] */
    float *vectors;  /* [n_texts, n_out]; the same memory if nothing changes the width */
    size_t n_prompt; /* tokens at the start that the pooling excludes */
    ll_window_pool windows;
    float *of_window; /* [n_pooled] */
} embedding;

static void embed_sink(void *user, const ll_encoder_output *w) {
    embedding *out = user;
    const float *pooled = w->pooled;
    if (out->modes) {
        ll_pool_tokens(out->modes, w->hidden, w->n_tokens, w->first ? out->n_prompt : 0, out->n_embd, out->of_window);
        pooled = out->of_window;
    }
    pooled = ll_window_pool_add(&out->windows, w, pooled);
    if (pooled) memcpy(out->pooled + w->text * out->n_pooled, pooled, out->n_pooled * sizeof *pooled);
}

/* ---------------------------------------------------------------------------------------------- parameters */

static uint32_t modes_of(llmcs_pooling pooling) {
    static const uint32_t modes[] = {[LLMCS_POOL_MEAN] = LL_POOL_MEAN,
                                     [LLMCS_POOL_CLS] = LL_POOL_CLS,
                                     [LLMCS_POOL_MAX] = LL_POOL_MAX,
                                     [LLMCS_POOL_MEAN_SQRT_LEN] = LL_POOL_MEAN_SQRT_LEN,
                                     [LLMCS_POOL_WEIGHTED_MEAN] = LL_POOL_WEIGHTED_MEAN,
                                     [LLMCS_POOL_LAST_TOKEN] = LL_POOL_LAST_TOKEN};
    return modes[pooling];
}

/* AUTO selects the folder's pooling. Another one must give vectors of the same size, because the modules after it and
 * the caller's memory have that size. */
static llmcs_status choose_pooling(const llmcs_model *m, const ll_text_rules *rules, embedding *out) {
    const ll_sentence *folder = &m->config.sentence;
    const bool automatic = rules->pooling == LLMCS_POOL_AUTO;
    if (rules->pooling == LLMCS_POOL_POOLER && !m->net->has_pooler)
        return ll_fail(LLMCS_NO_HEAD, "pooling is POOLER, but the model has no pooler; use MEAN or CLS");
    out->n_embd = (size_t)m->config.n_embd;
    out->modes = automatic ? (folder->present ? folder->pooling : LL_POOL_MEAN) : modes_of(rules->pooling);
    out->n_pooled = automatic && folder->present ? (size_t)folder->n_pooled : out->n_embd;
    if (folder->present && out->n_pooled != (size_t)folder->n_pooled)
        return ll_fail(LLMCS_ARG, "pooling: %d gives %zu numbers, the folder's own gives %d; use LLMCS_POOL_AUTO",
                       (int)rules->pooling, out->n_pooled, (int)folder->n_pooled);
    out->n_modules_out = folder->present ? (size_t)folder->n_out : out->n_embd;
    out->n_out = rules->truncate_dim ? ll_min(rules->truncate_dim, out->n_modules_out) : out->n_modules_out;
    if (rules->normalize == LLMCS_NORMALIZE_AUTO) out->normalize_before_cut = folder->present && folder->normalize;
    out->normalize =
        rules->normalize == LLMCS_NORMALIZE_L2 || (rules->normalize == LLMCS_NORMALIZE_AUTO && !folder->present);
    return LLMCS_OK;
}

static llmcs_status choose_prompt(const llmcs_model *m, ll_text_rules *rules) {
    rules->as_sentence = rules->prompt ? rules->prompt : m->config.sentence.prompt;
    if (rules->prompt || !rules->prompt_name) return LLMCS_OK;
    rules->as_sentence = ll_config_prompt(&m->config, rules->prompt_name);
    if (rules->as_sentence) return LLMCS_OK;
    const ll_sentence *folder = &m->config.sentence;
    return ll_fail(LLMCS_ARG, "prompt_name: \"%.60s\" is not a prompt of this folder, which has %zu%s%.60s%s",
                   rules->prompt_name, folder->n_prompts, folder->n_prompts ? ", the first is \"" : "",
                   folder->n_prompts ? folder->prompts[0].name : "", folder->n_prompts ? "\"" : "");
}

/* ------------------------------------------------------------------------------------- pooled to vectors */

/* Computes the vectors of n_rows texts from their pooled states: applies the folder's modules, truncates, normalises.
 */
static void finish_rows(const embedding *e, size_t first, size_t n_rows, float *buffers[2]) {
    float *x = e->pooled + first * e->n_pooled, *other = buffers[1];
    if (buffers[0]) {
        memcpy(buffers[0], x, n_rows * e->n_pooled * sizeof *x);
        x = buffers[0];
        ll_sentence_net_apply(&e->model->sentence, &e->model->config, n_rows, &x, &other);
    }
    for (size_t i = 0; i < n_rows; i++) {
        float *vector = e->vectors + (first + i) * e->n_out, *row = x + i * e->n_modules_out;
        if (e->normalize_before_cut) ll_scale_to_length_one(row, e->n_modules_out);
        if (row != vector) memcpy(vector, row, e->n_out * sizeof *vector);
        if (e->normalize) ll_scale_to_length_one(vector, e->n_out);
    }
}

static llmcs_status finish(const embedding *e, size_t n_texts) {
    const llmcs_allocator *a = &e->model->allocator;
    const size_t n_floats = e->model->sentence.n_layers ? ll_sentence_net_floats(&e->model->config) : 0;
    float *memory;
    LL_TRY(ll_alloc(a, 2 * n_floats, sizeof *memory, "vectors", &memory));
    for (size_t first = 0; first < n_texts; first += LL_SENTENCE_ROWS) {
        float *buffers[2] = {n_floats ? memory : NULL, n_floats ? memory + n_floats : NULL};
        finish_rows(e, first, ll_min(LL_SENTENCE_ROWS, n_texts - first), buffers);
    }
    ll_free(a, memory);
    return LLMCS_OK;
}

/* ------------------------------------------------------------------------------------------------ the call */

static llmcs_status pool_texts(embedding *out, llmcs_model *m, const llmcs_text *texts, size_t n_texts,
                               const ll_text_rules *rules, llmcs_text_info *infos) {
    const unsigned want = out->modes ? LL_WANT_HIDDEN : LL_WANT_POOLED;
    const ll_text_call call = {m, texts, n_texts, rules, want, embed_sink, out, infos, NULL};
    LL_TRY(ll_window_pool_create(&m->allocator, out->n_pooled, false, &out->windows));
    llmcs_status st = ll_alloc(&m->allocator, out->n_pooled, sizeof(float), "vector of a window", &out->of_window);
    if (!st) st = ll_encoder_texts(&call);
    ll_free(&m->allocator, out->of_window);
    ll_window_pool_free(&m->allocator, &out->windows);
    return st;
}

static llmcs_status embed_texts(embedding *out, llmcs_model *m, const llmcs_text *texts, size_t n_texts,
                                const ll_text_rules *rules, llmcs_text_info *infos) {
    const bool in_place = out->n_out == out->n_pooled;
    if (m->config.sentence.exclude_prompt)
        LL_TRY(ll_sentence_prompt_tokens(m, rules->as_sentence, rules->max_length, &out->n_prompt));
    out->pooled = out->vectors;
    if (!in_place)
        LL_TRY(ll_alloc(&m->allocator, n_texts, out->n_pooled * sizeof(float), "pooled states", &out->pooled));
    llmcs_status st = pool_texts(out, m, texts, n_texts, rules, infos);
    if (!st) st = finish(out, n_texts);
    if (!in_place) ll_free(&m->allocator, out->pooled);
    return st;
}

llmcs_status llmcs_embed(llmcs_model *model, const llmcs_text *texts, size_t n_texts, const llmcs_text_params *params,
                         float *vectors, llmcs_text_info *infos) {
    LL_PUBLIC_CALL;
    ll_text_rules rules;
    LL_TRY(ll_model_check_head(model, LLMCS_HEAD_EMBEDDING, "llmcs_embed"));
    LL_TRY(ll_model_check_tokenizer(model));
    if (n_texts && (!texts || !vectors)) return ll_fail(LLMCS_ARG, "llmcs_embed: texts or vectors is NULL");
    LL_TRY(ll_check_array("texts", n_texts, sizeof *texts));
    const size_t longest = (size_t)model->config.sentence.max_seq_length;
    const size_t default_length = longest ? ll_min(longest, model->n_ctx) : ll_text_default_length(model);
    LL_TRY(ll_text_rules_read(model, params, default_length, LLMCS_WINDOW_MEAN, &rules));
    if (rules.max_of_windows)
        return ll_fail(LLMCS_ARG, "window_pooling: MAX is not valid for embeddings; use AUTO or MEAN");
    embedding out = {.model = model, .vectors = vectors};
    LL_TRY(choose_pooling(model, &rules, &out));
    LL_TRY(choose_prompt(model, &rules));
    return embed_texts(&out, model, texts, n_texts, &rules, infos);
}
