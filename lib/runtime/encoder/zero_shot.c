/* Zero-shot classification: how strongly a text entails the hypothesis formed with each label. */
#include <math.h>
#include <string.h>

#include "base/call.h"
#include "runtime/check.h"
#include "runtime/encoder/texts.h"
#include "runtime/numbers.h"

#define DEFAULT_HYPOTHESIS "This example is {}."

/* Receives the logits of the pairs. */
typedef struct zero_shot {
    ll_window_pool pool; /* of the model's labels */
    size_t entailment, contradiction;
    bool multi_label;
    float *scores; /* [n_texts, n_labels] */
} zero_shot;

/* Compares case-insensitively, independent of the locale. */
static bool begins_with_entail(const char *label) {
    for (const char *letter = "entail"; *letter; letter++, label++)
        if ((*label | 0x20) != *letter) return false;
    return true;
}

/* ZeroShotClassificationPipeline.entailment_id and postprocess. */
static llmcs_status find_labels(const llmcs_model *m, zero_shot *z) {
    const ll_config *c = &m->config;
    const size_t n = (size_t)c->n_labels;
    if (n < 2)
        return ll_fail(LLMCS_NO_HEAD,
                       "llmcs_zero_shot: config.json: %zu label; expected a classifier with the labels "
                       "entailment and contradiction",
                       n);
    z->entailment = n;
    for (size_t i = 0; i < n && z->entailment == n; i++)
        if (begins_with_entail(c->id2label[i])) z->entailment = i;
    if (z->entailment == n) {
        z->entailment = n - 1;
        ll_log_say(&m->log, LLMCS_LOG_WARN, "no label begins with \"entail\": the last one, \"%.80s\", is used for it",
                   c->id2label[n - 1]);
    }
    z->contradiction = z->entailment == 0 ? n - 1 : 0;
    return LLMCS_OK;
}

/* Writes a score; with several labels that exclude each other a logit, since the softmax over labels follows. */
static void zero_shot_sink(void *user, const ll_encoder_output *w) {
    zero_shot *z = user;
    const float *logits = ll_window_pool_add(&z->pool, w, w->logits);
    if (!logits) return;
    const double against = (double)logits[z->contradiction] - (double)logits[z->entailment];
    z->scores[w->text] = z->multi_label ? (float)(1.0 / (1.0 + exp(against))) : logits[z->entailment];
}

/* ------------------------------------------------------------------------------------------- hypotheses */

/* The concatenated hypotheses, and the pairs that point to them. */
typedef struct hypotheses {
    const char *before, *after; /* the parts of the hypothesis around "{}" */
    size_t n_before, n_after;
    size_t n_bytes; /* of all of them */
    char *text;
    llmcs_text *pairs; /* [n_texts, n_labels] */
} hypotheses;

static llmcs_status split_hypothesis(const char *hypothesis, hypotheses *h) {
    h->before = hypothesis ? hypothesis : DEFAULT_HYPOTHESIS;
    const char *mark = strstr(h->before, "{}");
    if (!mark || strstr(mark + 2, "{}"))
        return ll_fail(LLMCS_ARG, "hypothesis: \"%.80s\" must contain \"{}\" once, for the label", h->before);
    h->n_before = (size_t)(mark - h->before);
    h->after = mark + 2;
    h->n_after = strlen(h->after);
    return LLMCS_OK;
}

static llmcs_status measure_labels(const char *const *labels, size_t n_labels, hypotheses *h) {
    for (size_t i = 0; i < n_labels; i++) {
        if (!labels[i]) return ll_fail(LLMCS_ARG, "labels[%zu] is NULL", i);
        if (!ll_add(h->n_bytes, h->n_before + h->n_after, &h->n_bytes) ||
            !ll_add(h->n_bytes, strlen(labels[i]), &h->n_bytes))
            return ll_fail(LLMCS_ARG, "labels: they are more than memory can hold");
    }
    return LLMCS_OK;
}

/* Writes the pairs of one text. All texts share the hypotheses. */
static void write_pairs(const llmcs_text *text, const char *const *labels, size_t n_labels, const hypotheses *h,
                        llmcs_text *pairs) {
    char *at = h->text;
    for (size_t i = 0; i < n_labels; i++) {
        const size_t n_label = strlen(labels[i]);
        pairs[i] = (llmcs_text){text->text, text->text_bytes, at, h->n_before + n_label + h->n_after};
        memcpy(at, h->before, h->n_before);
        memcpy(at + h->n_before, labels[i], n_label);
        memcpy(at + h->n_before + n_label, h->after, h->n_after);
        at += pairs[i].pair_bytes;
    }
}

static llmcs_status make_pairs(const llmcs_allocator *a, const llmcs_text *texts, size_t n_texts,
                               const char *const *labels, size_t n_labels, hypotheses *h) {
    size_t n_pairs;
    if (!ll_mul(n_texts, n_labels, &n_pairs))
        return ll_fail(LLMCS_ARG, "%zu texts and %zu labels are more pairs than memory can hold", n_texts, n_labels);
    LL_TRY(ll_check_array("pairs of text and hypothesis", n_pairs, sizeof *h->pairs));
    for (size_t i = 0; i < n_texts; i++)
        if (texts[i].pair || !texts[i].text) return ll_fail(LLMCS_ARG, "text %zu must have a text and no pair", i);
    LL_TRY(ll_alloc(a, h->n_bytes, 1, "hypotheses", &h->text));
    LL_TRY(ll_alloc(a, n_pairs, sizeof *h->pairs, "pairs of text and hypothesis", &h->pairs));
    for (size_t i = 0; i < n_texts; i++) write_pairs(&texts[i], labels, n_labels, h, h->pairs + i * n_labels);
    return LLMCS_OK;
}

/* ------------------------------------------------------------------------------------------------- the call */

static llmcs_status score_pairs(zero_shot *z, llmcs_model *m, const llmcs_text *pairs, size_t n_pairs,
                                const ll_text_rules *rules, llmcs_text_info *infos) {
    const ll_text_call call = {m, pairs, n_pairs, rules, LL_WANT_LOGITS, zero_shot_sink, z, infos, NULL};
    LL_TRY(ll_window_pool_create(&m->allocator, (size_t)m->config.n_labels, rules->max_of_windows, &z->pool));
    llmcs_status st = ll_encoder_texts(&call);
    ll_window_pool_free(&m->allocator, &z->pool);
    return st;
}

llmcs_status llmcs_zero_shot(llmcs_model *model, const llmcs_text *texts, size_t n_texts, const char *const *labels,
                             size_t n_labels, const llmcs_text_params *params, float *scores, llmcs_text_info *infos) {
    LL_PUBLIC_CALL;
    ll_text_rules rules;
    hypotheses h = {0};
    LL_TRY(ll_model_check_head(model, LLMCS_HEAD_CLASSIFICATION, "llmcs_zero_shot"));
    LL_TRY(ll_model_check_tokenizer(model));
    if (!labels || !n_labels || (n_texts && (!texts || !scores)))
        return ll_fail(LLMCS_ARG, "llmcs_zero_shot: texts, labels or scores is NULL, or there are no labels");
    LL_TRY(ll_text_rules_read(model, params, ll_text_default_length(model), LLMCS_WINDOW_MEAN, &rules));
    zero_shot z = {.multi_label = rules.multi_label || n_labels == 1, .scores = scores};
    LL_TRY(find_labels(model, &z));
    LL_TRY(ll_check_array("labels", n_labels, sizeof *labels));
    LL_TRY(split_hypothesis(rules.hypothesis, &h));
    LL_TRY(measure_labels(labels, n_labels, &h));
    llmcs_status st = make_pairs(&model->allocator, texts, n_texts, labels, n_labels, &h);
    if (!st) st = score_pairs(&z, model, h.pairs, n_texts * n_labels, &rules, infos);
    for (size_t i = 0; !st && !z.multi_label && i < n_texts; i++)
        ll_probabilities(scores + i * n_labels, n_labels, scores + i * n_labels);
    ll_free(&model->allocator, h.pairs);
    ll_free(&model->allocator, h.text);
    return st;
}
