/* Sequence classification, and reranking with a cross-encoder, which is the same head over pairs. */
#include <math.h>

#include "runtime/encoder/encoder.h"
#include "runtime/numbers.h"

/* As Transformers' text-classification pipeline chooses: sigmoid for several labels at once and for a single one,
 * softmax among several, the plain number for regression. x and scores are [n]. */
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

/* What both calls do with the windows' logits. */
typedef struct job {
    const ll_config *config;
    ll_window_pool pool; /* of n_labels */
    float *scores;       /* classify: [n_texts, n_labels] or NULL; rerank: [n_docs] */
    int32_t *labels;     /* [n_texts] or NULL */
} job;

static llmcs_status run(job *j, llmcs_model *m, const llmcs_text *texts, size_t n_texts, const ll_text_rules *rules,
                        ll_window_sink sink, llmcs_text_info *infos) {
    const size_t n = (size_t)m->config.n_labels;
    const ll_text_call call = {m, texts, n_texts, rules, LL_WANT_LOGITS, sink, j, infos};
    j->config = &m->config;
    LL_TRY(ll_window_pool_create(&m->allocator, n, rules->max_of_windows, &j->pool));
    llmcs_status st = ll_encoder_texts(&call);
    ll_window_pool_free(&m->allocator, &j->pool);
    return st;
}

/* ------------------------------------------------------------------------------------------------- classify */

static void classify_sink(void *user, const ll_window *w) {
    job *j = user;
    const float *logits = ll_window_pool_add(&j->pool, w, w->logits);
    if (!logits) return;
    if (j->scores) logits_to_scores(j->config, logits, j->scores + w->text * j->pool.n);
    if (j->labels) j->labels[w->text] = best_label(logits, j->config->n_labels);
}

static llmcs_status classify_check(const llmcs_model *m, const llmcs_text *texts, size_t n_texts, const char *what) {
    LL_TRY(ll_model_check_head(m, LLMCS_HEAD_CLASSIFICATION, what));
    LL_TRY(ll_model_check_tokenizer(m));
    return texts || !n_texts ? LLMCS_OK : ll_fail(LLMCS_ARG, "%s: texts is NULL", what);
}

llmcs_status llmcs_classify(llmcs_model *model, const llmcs_text *texts, size_t n_texts,
                            const llmcs_text_params *params, float *scores, int32_t *labels, llmcs_text_info *infos) {
    ll_text_rules rules;
    LL_TRY(classify_check(model, texts, n_texts, "llmcs_classify"));
    LL_TRY(ll_text_rules_read(model, params, ll_text_default_length(model), LLMCS_WINDOW_MEAN, &rules));
    job j = {.scores = scores, .labels = labels};
    return run(&j, model, texts, n_texts, &rules, classify_sink, infos);
}

/* --------------------------------------------------------------------------------------------------- rerank */

static float score_of(const float *logits, size_t n_labels) {
    double last = (double)logits[n_labels - 1];
    if (n_labels > 1) last = exp(last - ll_log_sum_of_exps(logits, n_labels));
    return (float)last;
}

/* The best window's score (MaxP: Dai and Callan 2019, "Deeper Text Understanding for IR"), or that of the mean. */
static void rerank_sink(void *user, const ll_window *w) {
    job *j = user;
    const size_t n_labels = (size_t)j->config->n_labels;
    float *score = &j->scores[w->text];
    if (j->pool.max) {
        const float here = score_of(w->logits, n_labels);
        if (w->first || here > *score) *score = here;
    } else {
        const float *logits = ll_window_pool_add(&j->pool, w, w->logits);
        if (logits) *score = score_of(logits, n_labels);
    }
}

/* Each document as the second text of a pair. */
static llmcs_status make_pairs(llmcs_text *pairs, const char *query, size_t query_bytes, const llmcs_text *docs,
                               size_t n_docs) {
    for (size_t i = 0; i < n_docs; i++) {
        if (docs[i].pair || !docs[i].text) return ll_fail(LLMCS_ARG, "document %zu must have a text and no pair", i);
        pairs[i] = (llmcs_text){query, query_bytes, docs[i].text, docs[i].text_bytes};
    }
    return LLMCS_OK;
}

static llmcs_status rerank_check(const llmcs_model *m, const char *query, const llmcs_text *docs, size_t n_docs,
                                 const float *scores, const char *what) {
    LL_TRY(ll_model_check_head(m, LLMCS_HEAD_CLASSIFICATION, what));
    LL_TRY(ll_model_check_tokenizer(m));
    if (query && (!n_docs || (docs && scores))) return LLMCS_OK;
    return ll_fail(LLMCS_ARG, "%s: query, docs or scores is NULL", what);
}

static llmcs_status rerank(llmcs_model *m, const char *query, size_t query_bytes, const llmcs_text *docs, size_t n_docs,
                           const ll_text_rules *rules, float *scores, llmcs_text_info *infos) {
    llmcs_text *pairs;
    job j = {.scores = scores};
    LL_TRY(ll_alloc(&m->allocator, n_docs, sizeof *pairs, "pairs of query and document", &pairs));
    llmcs_status st = make_pairs(pairs, query, query_bytes, docs, n_docs);
    if (!st) st = run(&j, m, pairs, n_docs, rules, rerank_sink, infos);
    ll_free(&m->allocator, pairs);
    return st;
}

llmcs_status llmcs_rerank(llmcs_model *model, const char *query, size_t query_bytes, const llmcs_text *docs,
                          size_t n_docs, const llmcs_text_params *params, float *scores, llmcs_text_info *infos) {
    ll_text_rules rules;
    LL_TRY(rerank_check(model, query, docs, n_docs, scores, "llmcs_rerank"));
    LL_TRY(ll_text_rules_read(model, params, ll_text_default_length(model), LLMCS_WINDOW_MAX, &rules));
    return rerank(model, query, query_bytes, docs, n_docs, &rules, scores, infos);
}
