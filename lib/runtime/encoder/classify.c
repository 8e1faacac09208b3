/* Sequence classification, and reranking with a cross-encoder, which is the same head over pairs. */
#include <math.h>

#include "base/call.h"
#include "runtime/check.h"
#include "runtime/encoder/rerank_lm.h"
#include "runtime/encoder/texts.h"
#include "runtime/numbers.h"

/* As Transformers' text-classification pipeline: sigmoid for multi-label models and for a single label, softmax among
 * several labels, the logits themselves for regression. x and scores are [n]. */
static void logits_to_scores(const ll_config *c, const float *x, float *scores) {
    size_t n = (size_t)c->n_labels;
    if (c->problem == LL_PROBLEM_REGRESSION) {
        for (size_t i = 0; i < n; i++) scores[i] = x[i];
    } else if (c->problem == LL_PROBLEM_MULTI_LABEL || n == 1) {
        for (size_t i = 0; i < n; i++) scores[i] = (float)(1.0 / (1.0 + exp(-(double)x[i])));
    } else {
        ll_probabilities(x, n, scores);
    }
}

static int32_t best_label(const float *logits, int32_t n) {
    int32_t best = 0;
    for (int32_t i = 1; i < n; i++)
        if (logits[i] > logits[best]) best = i;
    return best;
}

/* Receives the logits of windows. */
typedef struct classification {
    const ll_config *config;
    ll_window_pool pool;            /* of n_labels numbers */
    float *scores;                  /* classify: [n_texts, n_labels] or NULL; rerank: [n_docs] */
    int32_t *labels;                /* [n_texts] or NULL */
    ll_torch_activation activation; /* rerank */
    bool of_logits;                 /* rerank: apply `activation` to the last logit, without a softmax over labels */
} classification;

static llmcs_status classify_texts(classification *c, llmcs_model *m, const llmcs_text *texts, size_t n_texts,
                                   const ll_text_rules *rules, ll_encoder_sink sink, llmcs_text_info *infos) {
    const size_t n = (size_t)m->config.n_labels;
    const ll_text_call call = {m, texts, n_texts, rules, LL_WANT_LOGITS, sink, c, infos, NULL};
    c->config = &m->config;
    LL_TRY(ll_window_pool_create(&m->allocator, n, rules->max_of_windows, &c->pool));
    llmcs_status st = ll_encoder_texts(&call);
    ll_window_pool_free(&m->allocator, &c->pool);
    return st;
}

/* ------------------------------------------------------------------------------------------------- classify */

static void classify_sink(void *user, const ll_encoder_output *w) {
    classification *c = user;
    const float *logits = ll_window_pool_add(&c->pool, w, w->logits);
    if (!logits) return;
    if (c->scores) logits_to_scores(c->config, logits, c->scores + w->text * c->pool.n);
    if (c->labels) c->labels[w->text] = best_label(logits, c->config->n_labels);
}

llmcs_status llmcs_classify(llmcs_model *model, const llmcs_text *texts, size_t n_texts,
                            const llmcs_text_params *params, float *scores, int32_t *labels, llmcs_text_info *infos) {
    LL_PUBLIC_CALL;
    ll_text_rules rules;
    LL_TRY(ll_model_check_head(model, LLMCS_HEAD_CLASSIFICATION, "llmcs_classify"));
    LL_TRY(ll_model_check_tokenizer(model));
    if (!texts && n_texts) return ll_fail(LLMCS_ARG, "llmcs_classify: texts is NULL");
    LL_TRY(ll_text_rules_read(model, params, ll_text_default_length(model), LLMCS_WINDOW_MEAN, &rules));
    classification c = {.scores = scores, .labels = labels};
    return classify_texts(&c, model, texts, n_texts, &rules, classify_sink, infos);
}

/* --------------------------------------------------------------------------------------------------- rerank */

/* The document's score from one row of logits. */
static float score_of(const classification *c, const float *logits) {
    const size_t n_labels = (size_t)c->config->n_labels;
    const float last = logits[n_labels - 1];
    if (c->activation != LL_TORCH_IDENTITY) return ll_torch_activate(c->activation, last);
    if (c->of_logits || n_labels == 1) return last;
    return (float)exp((double)last - ll_log_sum_of_exps(logits, n_labels));
}

/* The best window's score (MaxP: Dai and Callan 2019, "Deeper Text Understanding for IR"), or that of the mean. */
static void rerank_sink(void *user, const ll_encoder_output *w) {
    classification *c = user;
    float *score = &c->scores[w->text];
    if (c->pool.max) {
        const float here = score_of(c, w->logits);
        if (w->first || here > *score) *score = here;
    } else {
        const float *logits = ll_window_pool_add(&c->pool, w, w->logits);
        if (logits) *score = score_of(c, logits);
    }
}

static llmcs_status choose_score(const llmcs_model *m, const ll_text_rules *rules, classification *c) {
    c->of_logits = rules->rerank_score == LLMCS_RERANK_LOGIT;
    c->activation = rules->rerank_score == LLMCS_RERANK_AUTO      ? m->config.rerank.activation
                    : rules->rerank_score == LLMCS_RERANK_SIGMOID ? LL_TORCH_SIGMOID
                                                                  : LL_TORCH_IDENTITY;
    if (c->activation != LL_TORCH_UNKNOWN) return LLMCS_OK;
    return ll_fail(LLMCS_UNSUPPORTED, "config.json: activation_fn: \"%.80s\" is not supported; use LLMCS_RERANK_LOGIT",
                   m->config.rerank.name);
}

static llmcs_status check_documents(const llmcs_text *docs, size_t n_docs) {
    for (size_t i = 0; i < n_docs; i++)
        if (docs[i].pair || !docs[i].text) return ll_fail(LLMCS_ARG, "document %zu must have a text and no pair", i);
    return LLMCS_OK;
}

/* Encodes each document as the second text of a pair. */
static llmcs_status make_pairs(llmcs_text *pairs, const char *query, size_t query_bytes, const llmcs_text *docs,
                               size_t n_docs) {
    LL_TRY(check_documents(docs, n_docs));
    for (size_t i = 0; i < n_docs; i++) pairs[i] = (llmcs_text){query, query_bytes, docs[i].text, docs[i].text_bytes};
    return LLMCS_OK;
}

llmcs_status llmcs_rerank(llmcs_model *model, const char *query, size_t query_bytes, const llmcs_text *docs,
                          size_t n_docs, const llmcs_text_params *params, float *scores, llmcs_text_info *infos) {
    LL_PUBLIC_CALL;
    ll_text_rules rules;
    llmcs_text *pairs;
    LL_TRY(ll_model_check(model));
    const bool of_lm = ll_rerank_lm_possible(model);
    if (!of_lm) LL_TRY(ll_model_check_head(model, LLMCS_HEAD_CLASSIFICATION, "llmcs_rerank"));
    LL_TRY(ll_model_check_tokenizer(model));
    if (!query || (n_docs && (!docs || !scores)))
        return ll_fail(LLMCS_ARG, "llmcs_rerank: query, docs or scores is NULL");
    LL_TRY(ll_check_array("docs", n_docs, sizeof *docs));
    LL_TRY(ll_text_rules_read(model, params, ll_text_default_length(model), LLMCS_WINDOW_MAX, &rules));
    if (of_lm) {
        LL_TRY(check_documents(docs, n_docs));
        const llmcs_text question = {query, query_bytes, NULL, 0};
        return ll_rerank_lm(model, &question, docs, n_docs, &rules, scores, infos);
    }
    classification c = {.scores = scores, .config = &model->config};
    LL_TRY(choose_score(model, &rules, &c));
    LL_TRY(ll_alloc(&model->allocator, n_docs, sizeof *pairs, "pairs of query and document", &pairs));
    llmcs_status st = make_pairs(pairs, query, query_bytes, docs, n_docs);
    if (!st) st = classify_texts(&c, model, pairs, n_docs, &rules, rerank_sink, infos);
    ll_free(&model->allocator, pairs);
    return st;
}
