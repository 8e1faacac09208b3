/* llmcs_shop_classifier_predict: embeds all texts in one call of the encoder, then classifies text by text. */
#include "shop/classifier/predict.h"

#include <string.h>

#include "shop/base/call.h"
#include "shop/base/options.h"

/* All predictions of a call and what they point to, in one allocation. */
typedef struct prediction_block {
    llmcs_shop_predictions all; /* first member, so that the caller's pointer is that of the block */
    llmcs_allocator a;
    llmcs_shop_prediction *predictions;  /* [n] */
    const llmcs_shop_prediction **items; /* [n] */
    llmcs_shop_score *scores;            /* [n, n_scores] */
    llmcs_shop_evidence *evidence;       /* [n, SHOP_MAX_EVIDENCE]; NULL without REASON */
} prediction_block;

typedef struct predictor {
    const llmcs_shop_classifier *c;
    const llmcs_text *texts;
    size_t n, n_scores;
    llmcs_shop_predict_params params;
    float *vectors; /* [n, n_dense] of length 1 */
    shop_scratch *scratch;
    prediction_block *block;
} predictor;

void llmcs_shop_predict_params_init_sized(llmcs_shop_predict_params *params, size_t struct_size) {
    const llmcs_shop_predict_params defaults = {
        .struct_size = sizeof defaults, .n_scores = 5, .near_tie = 0.10f, .accept_score = -1, .max_oos = 0.5};
    shop_options_init(params, struct_size, &defaults, sizeof defaults);
}

static llmcs_status read_params(predictor *p, const llmcs_shop_predict_params *params) {
    llmcs_shop_predict_params *own = &p->params;
    llmcs_shop_predict_params_init(own);
    if (params)
        SHOP_TRY(shop_options_in(own, sizeof *own, SHOP_SIZE_UP_TO(llmcs_shop_predict_params, cancel), params,
                                 "llmcs_shop_predict_params"));
    if (own->flags & ~LLMCS_SHOP_PREDICT_REASON)
        return shop_fail(LLMCS_ARG, "predict: flags: 0x%x is not valid", own->flags & ~LLMCS_SHOP_PREDICT_REASON);
    if (own->n_scores < 1) return shop_fail(LLMCS_ARG, "predict: n_scores is %d, expected at least 1", own->n_scores);
    if (!(own->near_tie >= 0 && own->near_tie <= 1))
        return shop_fail(LLMCS_ARG, "predict: near_tie is %g, expected 0 to 1", (double)own->near_tie);
    if (!(own->accept_score <= 1))
        return shop_fail(LLMCS_ARG, "predict: accept_score is %g, expected at most 1", own->accept_score);
    if (!(own->max_oos >= 0)) return shop_fail(LLMCS_ARG, "predict: max_oos is %g, expected at least 0", own->max_oos);
    if (own->accept_score < 0) own->accept_score = (double)p->c->accept_score;
    p->n_scores = shop_min((size_t)own->n_scores, p->c->n_labels);
    return LLMCS_OK;
}

static llmcs_status find_vectors(predictor *p) {
    const llmcs_shop_classifier *c = p->c;
    if (!c->n_dense || !p->n) return LLMCS_OK;
    if (!c->encoder && !p->params.vectors)
        return shop_fail(LLMCS_STATE, "predict: the classifier needs its encoder%s%s, or params.vectors",
                         c->encoder_path ? " " : "", c->encoder_path ? c->encoder_path : "");
    SHOP_TRY(shop_alloc(&c->a, p->n * c->n_dense, sizeof *p->vectors, "vectors", &p->vectors));
    if (p->params.vectors) return shop_vectors_copy(p->vectors, p->params.vectors, p->n, c->n_dense);
    return shop_encoder_embed(c->encoder, &c->a, p->texts, p->n, p->params.deadline_ms, p->params.cancel, p->vectors);
}

/* ------------------------------------------------------------------------------------------------ allocation */

/* Reserves the next part of a block, aligned to 16 bytes. base NULL: only counts. */
static void *next_part(size_t *at, size_t count, size_t size, unsigned char *base) {
    void *part = base ? base + *at : NULL;
    *at += (count * size + 15) & ~(size_t)15;
    return part;
}

static void lay_out(const predictor *p, unsigned char *base, size_t *bytes, prediction_block *b) {
    const bool reason = p->params.flags & LLMCS_SHOP_PREDICT_REASON;
    size_t at = 0;
    next_part(&at, 1, sizeof *b, base);
    b->predictions = next_part(&at, p->n, sizeof *b->predictions, base);
    b->items = next_part(&at, p->n, sizeof(void *), base);
    b->scores = next_part(&at, p->n * p->n_scores, sizeof *b->scores, base);
    b->evidence = reason ? next_part(&at, p->n * SHOP_MAX_EVIDENCE, sizeof *b->evidence, base) : NULL;
    *bytes = at;
}

/* n_scores is at most 65,535, so `largest` cannot overflow. */
static llmcs_status create_block(predictor *p) {
    prediction_block b = {.a = p->c->a};
    size_t bytes, each;
    unsigned char *memory;
    const size_t largest = sizeof *b.predictions + sizeof(void *) + p->n_scores * sizeof *b.scores +
                           SHOP_MAX_EVIDENCE * sizeof *b.evidence;
    if (!shop_mul(p->n, largest, &each) || each > PTRDIFF_MAX / 2)
        return shop_fail(LLMCS_NOMEM, "predict: the results of %lld texts exceed the address space", (long long)p->n);
    lay_out(p, NULL, &bytes, &b);
    SHOP_TRY(shop_alloc_zero(&p->c->a, 1, bytes, "predictions", &memory));
    lay_out(p, memory, &bytes, &b);
    b.all = (llmcs_shop_predictions){b.items, p->n};
    for (size_t i = 0; i < p->n; i++) b.items[i] = &b.predictions[i];
    memcpy(memory, &b, sizeof b);
    p->block = (prediction_block *)(void *)memory;
    return LLMCS_OK;
}

void llmcs_shop_predictions_free(llmcs_shop_predictions **predictions) {
    if (!predictions || !*predictions) return;
    prediction_block *b = (prediction_block *)(void *)*predictions;
    *predictions = NULL;
    const llmcs_allocator a = b->a;
    shop_free(&a, b);
}

/* ---------------------------------------------------------------------------------------------------- one text */

/* The n best labels by score; equal scores in the order of labels. */
static void best_scores(const llmcs_shop_classifier *c, const float *scores, size_t n, llmcs_shop_score *best) {
    size_t kept = 0;
    for (size_t label = 0; label < c->n_labels; label++) {
        size_t at = kept;
        if (kept == n && !(scores[label] > best[n - 1].score)) continue;
        if (kept == n) at--;
        for (; at > 0 && best[at - 1].score < scores[label]; at--) best[at] = best[at - 1];
        best[at] = (llmcs_shop_score){c->labels[label], (int32_t)label, scores[label]};
        if (kept < n) kept++;
    }
}

static float nearest_mean(const llmcs_shop_classifier *c, const shop_scratch *s) {
    int64_t nearest = -127 * 127;
    if (!c->n_dense) return 0;
    for (size_t label = 0; label < c->n_labels; label++) {
        const int64_t dot = shop_dot_int8(s->vector, c->means + label * c->n_dense, c->n_dense);
        nearest = dot > nearest ? dot : nearest;
    }
    return (float)nearest / (127.0f * 127.0f);
}

static llmcs_status explain(const predictor *p, size_t i, llmcs_shop_prediction *out) {
    const shop_kept_example *example;
    llmcs_shop_evidence *evidence = p->block->evidence + i * SHOP_MAX_EVIDENCE;
    out->n_evidence = shop_find_evidence(p->c, p->scratch, (size_t)out->index, evidence);
    out->evidence = evidence;
    SHOP_TRY(shop_find_example(p->c, p->scratch, (size_t)out->index, &example, &out->example_similarity));
    if (!example) return LLMCS_OK;
    out->example = example->text;
    out->example_bytes = example->bytes;
    return LLMCS_OK;
}

static llmcs_status predict_text(const predictor *p, size_t i) {
    const llmcs_shop_classifier *c = p->c;
    shop_scratch *s = p->scratch;
    llmcs_shop_prediction *out = &p->block->predictions[i];
    llmcs_shop_score *best = p->block->scores + i * p->n_scores;
    shop_evaluation e;
    SHOP_TRY(shop_find_features(c, &p->texts[i], s));
    if (c->n_dense) shop_set_vector(c, p->vectors + i * c->n_dense, s);
    shop_compute_logits(c, s);
    shop_evaluate(s->logits, c->n_labels, c->n_classes, c->temperature, s->scores, &e);
    e.features[SHOP_OOS_KNOWN_WORDS] = s->known_words;
    e.features[SHOP_OOS_KNOWN_GRAMS] = s->known_grams;
    e.features[SHOP_OOS_MEAN_DISTANCE] = nearest_mean(c, s);
    best_scores(c, s->scores, p->n_scores, best);
    *out = (llmcs_shop_prediction){
        .label = c->labels[e.best],
        .index = (int32_t)e.best,
        .score = s->scores[e.best],
        .out_of_scope = shop_oos_score(&c->oos, e.features),
        .near_tie = s->scores[e.best] - s->scores[e.second] <= p->params.near_tie,
        .scores = best,
        .n_scores = p->n_scores,
    };
    out->accepted = (double)out->score >= p->params.accept_score && (double)out->out_of_scope < p->params.max_oos;
    if (p->params.all_scores)
        memcpy(p->params.all_scores + i * c->n_labels, s->scores, c->n_labels * sizeof *s->scores);
    return p->params.flags & LLMCS_SHOP_PREDICT_REASON ? explain(p, i, out) : LLMCS_OK;
}

static llmcs_status predict_all(predictor *p) {
    SHOP_TRY(find_vectors(p));
    SHOP_TRY(create_block(p));
    SHOP_TRY(shop_scratch_take(p->c, &p->scratch));
    for (size_t i = 0; i < p->n; i++) SHOP_TRY(predict_text(p, i));
    return LLMCS_OK;
}

llmcs_status llmcs_shop_classifier_predict(const llmcs_shop_classifier *classifier, const llmcs_text *texts,
                                           size_t n_texts, const llmcs_shop_predict_params *params,
                                           llmcs_shop_predictions **predictions) {
    SHOP_PUBLIC_CALL;
    predictor p = {.c = classifier, .texts = texts, .n = n_texts};
    if (!classifier || !predictions || (!texts && n_texts))
        return shop_fail(LLMCS_ARG, "predict: classifier, texts or predictions is NULL");
    *predictions = NULL;
    for (size_t i = 0; i < n_texts; i++)
        if (!texts[i].text || texts[i].pair)
            return shop_fail(LLMCS_ARG, "predict: text %lld: %s", (long long)i,
                             texts[i].pair ? "pair must be NULL" : "text is NULL");
    SHOP_TRY(read_params(&p, params));
    const llmcs_status status = predict_all(&p);
    shop_scratch_return(classifier, p.scratch);
    shop_free(&classifier->a, p.vectors);
    if (status)
        shop_free(&classifier->a, p.block);
    else
        *predictions = &p.block->all;
    return status;
}
