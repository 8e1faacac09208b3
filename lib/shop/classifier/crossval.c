/* Assigns folds, chooses the penalty, and predicts held-out rows. */
#include "shop/classifier/crossval.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shop/classifier/calibrate.h"

/* ---------------------------------------------------------------------------------------------------- a model */

/* The mean vector of each class over the rows, normalised to length 1; zeros for a class without rows. */
static llmcs_status class_means(const shop_plan *plan, const uint32_t *rows, size_t n, float **means) {
    const shop_corpus *c = plan->corpus;
    const size_t n_dense = c->n_dense;
    *means = NULL;
    if (!n_dense) return LLMCS_OK;
    SHOP_TRY(shop_alloc_zero(plan->a, plan->n_labels * n_dense, sizeof **means, "class means", means));
    for (size_t i = 0; i < n; i++) {
        if (c->label[rows[i]] >= plan->n_labels) continue;
        float *mean = *means + c->label[rows[i]] * n_dense;
        for (size_t x = 0; x < n_dense; x++) mean[x] += c->dense[rows[i] * n_dense + x];
    }
    for (size_t label = 0; label < plan->n_labels; label++) {
        float *mean = *means + label * n_dense;
        double squares = 0;
        for (size_t x = 0; x < n_dense; x++) squares += (double)mean[x] * (double)mean[x];
        const float scale = squares > 0 ? (float)(1 / sqrt(squares)) : 0;
        for (size_t x = 0; x < n_dense; x++) mean[x] *= scale;
    }
    return LLMCS_OK;
}

static llmcs_status prepare_fit(const shop_plan *plan, const uint32_t *rows, size_t n, shop_fitted *f, shop_matrix *m) {
    SHOP_TRY(
        shop_dictionary_build(plan->a, plan->corpus, rows, n, plan->min_rows, plan->most_features, &f->dictionary));
    SHOP_TRY(shop_matrix_build(plan->a, plan->corpus, &f->dictionary, rows, n, true, m));
    SHOP_TRY(class_means(plan, rows, n, &f->means));
    return shop_weights_create(plan->a, m, plan->n_classes, &f->weights);
}

static llmcs_status fit_again(const shop_plan *plan, const shop_matrix *m, double l2, float from, float to,
                              shop_fitted *f) {
    const shop_fit_settings settings = {.l2 = l2,
                                        .max_iterations = plan->max_iterations,
                                        .progress = plan->progress,
                                        .progress_user = plan->progress_user,
                                        .done_from = from,
                                        .done_to = to};
    return shop_fit(plan->a, plan->team, m, &settings, &f->weights);
}

llmcs_status shop_plan_fit(const shop_plan *plan, const uint32_t *rows, size_t n, shop_fitted *f) {
    shop_matrix m = {0};
    *f = (shop_fitted){0};
    llmcs_status status = prepare_fit(plan, rows, n, f, &m);
    if (!status) status = fit_again(plan, &m, plan->l2, plan->done_from, plan->done_to, f);
    shop_matrix_free(plan->a, &m);
    if (status) shop_fitted_free(plan->a, f);
    return status;
}

void shop_fitted_free(const llmcs_allocator *a, shop_fitted *f) {
    shop_dictionary_free(a, &f->dictionary);
    shop_weights_free(a, &f->weights);
    shop_free(a, f->means);
    *f = (shop_fitted){0};
}

/* ------------------------------------------------------------------------------------------------ predictions */

llmcs_status shop_held_out_create(const shop_plan *plan, shop_held_out *h) {
    *h = (shop_held_out){0};
    const size_t n = plan->corpus->n_rows;
    llmcs_status status = shop_alloc_zero(plan->a, n * plan->n_classes, sizeof *h->logits, "predictions", &h->logits);
    if (!status) status = shop_alloc_zero(plan->a, n, sizeof *h->features, "predictions", &h->features);
    if (status) shop_held_out_free(plan->a, h);
    return status;
}

void shop_held_out_free(const llmcs_allocator *a, shop_held_out *h) {
    shop_free(a, h->logits);
    shop_free(a, h->features);
    *h = (shop_held_out){0};
}

/* Largest cosine of a row's vector and a class mean. */
static float nearest_mean(const shop_plan *plan, const shop_fitted *f, size_t row) {
    const size_t n_dense = plan->corpus->n_dense;
    const float *vector = plan->corpus->dense + row * n_dense;
    float squares = 0, nearest = -1;
    for (size_t x = 0; x < n_dense; x++) squares += vector[x] * vector[x];
    for (size_t label = 0; label < plan->n_labels; label++) {
        float sum = 0;
        for (size_t x = 0; x < n_dense; x++) sum += vector[x] * f->means[label * n_dense + x];
        nearest = sum > nearest ? sum : nearest;
    }
    return squares > 0 ? nearest / sqrtf(squares) : 0;
}

llmcs_status shop_plan_predict(const shop_plan *plan, const shop_fitted *f, const uint32_t *rows, size_t n,
                               shop_held_out *h) {
    const size_t stride = f->weights.stride;
    shop_matrix m;
    float *logits = NULL;
    SHOP_TRY(shop_matrix_build(plan->a, plan->corpus, &f->dictionary, rows, n, false, &m));
    const llmcs_status status = shop_alloc(plan->a, n * stride, sizeof *logits, "predictions", &logits);
    if (!status) shop_logits(plan->team, &m, &f->weights, logits);
    for (size_t i = 0; !status && i < n; i++) {
        float *features = h->features[rows[i]];
        memcpy(h->logits + rows[i] * plan->n_classes, logits + i * stride, plan->n_classes * sizeof *logits);
        features[SHOP_OOS_KNOWN_WORDS] = m.coverage[i].words;
        features[SHOP_OOS_KNOWN_GRAMS] = m.coverage[i].grams;
        features[SHOP_OOS_MEAN_DISTANCE] = f->means ? nearest_mean(plan, f, rows[i]) : 0;
    }
    shop_free(plan->a, logits);
    shop_matrix_free(plan->a, &m);
    return status;
}

/* ------------------------------------------------------------------------------------------------------ folds */

typedef struct fold_key {
    uint64_t hash;
    uint32_t label, row;
} fold_key;

static int compare_keys(const void *left, const void *right) {
    const fold_key *l = left, *r = right;
    if (l->label != r->label) return l->label < r->label ? -1 : 1;
    if (l->hash != r->hash) return l->hash < r->hash ? -1 : 1;
    return l->row < r->row ? -1 : l->row > r->row;
}

llmcs_status shop_folds_assign(const shop_plan *plan, uint32_t n_folds, uint64_t seed, uint8_t *fold) {
    const shop_corpus *c = plan->corpus;
    fold_key *keys;
    uint32_t next = 0;
    SHOP_TRY(shop_alloc(plan->a, c->n_rows, sizeof *keys, "folds", &keys));
    for (size_t i = 0; i < c->n_rows; i++) {
        uint64_t h = (c->text_hash[i] ^ seed * 0x9e3779b97f4a7c15u) * 0xbf58476d1ce4e5b9u;
        keys[i] = (fold_key){h ^ h >> 31, c->label[i], (uint32_t)i};
    }
    qsort(keys, c->n_rows, sizeof *keys, compare_keys);
    for (size_t i = 0; i < c->n_rows; i++) {
        if (i && compare_keys(&keys[i - 1], &(fold_key){keys[i].hash, keys[i].label, keys[i - 1].row}) != 0) next++;
        fold[keys[i].row] = (uint8_t)(next % n_folds);
    }
    shop_free(plan->a, keys);
    return LLMCS_OK;
}

/* Lists the rows of the fold, or all others; returns how many. */
static size_t rows_of(const shop_plan *plan, const uint8_t *fold, uint32_t which, bool inside, uint32_t *rows) {
    size_t n = 0;
    for (size_t i = 0; i < plan->corpus->n_rows; i++)
        if ((fold[i] == which) == inside) rows[n++] = (uint32_t)i;
    return n;
}

/* --------------------------------------------------------------------------------------------------- penalty */

static const double penalties[] = {3, 1, 0.3, 0.1, 0.03};
enum { N_PENALTIES = sizeof penalties / sizeof *penalties };

enum { FEW_ROWS = 1000 }; /* below this, one fold's loss is too noisy, and trying all folds is cheap */

/* Log loss of a fold's rows at the temperature that is best for the fold. */
static double fold_loss(const shop_plan *plan, const shop_held_out *h, const uint32_t *rows, size_t n) {
    const double temperature = shop_find_temperature(plan, h, rows, n);
    return shop_log_loss(plan, h, rows, n, temperature);
}

/* Tries each penalty on a fold, from strong to weak. */
typedef struct penalty_search {
    const shop_plan *plan;
    uint32_t *rows, *held_out; /* training rows, and rows of the fold */
    size_t n, n_held_out;
    shop_matrix m;
    shop_fitted f;
    float *best_weights;
    double losses[N_PENALTIES]; /* summed over folds; infinite if not tried */
    size_t best;                /* for the current fold */
    float from, to;             /* progress */
} penalty_search;

static size_t n_weights(const shop_weights *w) { return (w->n_features + w->n_dense + 1) * w->stride; }

/* Each fit starts from the previous weights. If only one fold is tried, the search ends when the loss rises. The fold's
 * predictions are those of the best model. */
static llmcs_status try_penalties(penalty_search *s, bool one_fold, shop_held_out *h) {
    const size_t bytes = n_weights(&s->f.weights) * sizeof(float);
    const float step = (s->to - s->from) / N_PENALTIES;
    double least = INFINITY;
    SHOP_TRY(shop_alloc(s->plan->a, bytes, 1, "weights", &s->best_weights));
    for (size_t k = 0; k < N_PENALTIES; k++) {
        const float from = s->from + (float)k * step;
        SHOP_TRY(fit_again(s->plan, &s->m, penalties[k], from, from + step, &s->f));
        SHOP_TRY(shop_plan_predict(s->plan, &s->f, s->held_out, s->n_held_out, h));
        const double loss = fold_loss(s->plan, h, s->held_out, s->n_held_out);
        s->losses[k] = s->losses[k] + loss;
        if (loss < least) {
            least = loss;
            s->best = k;
            memcpy(s->best_weights, s->f.weights.values, bytes);
        } else if (one_fold) {
            for (size_t rest = k + 1; rest < N_PENALTIES; rest++) s->losses[rest] = INFINITY;
            break;
        }
    }
    memcpy(s->f.weights.values, s->best_weights, bytes);
    return shop_plan_predict(s->plan, &s->f, s->held_out, s->n_held_out, h);
}

static llmcs_status search_fold(penalty_search *s, const uint8_t *fold, uint32_t which, bool one_fold,
                                shop_held_out *h) {
    s->n = rows_of(s->plan, fold, which, false, s->rows);
    s->n_held_out = rows_of(s->plan, fold, which, true, s->held_out);
    if (!s->n || !s->n_held_out) return LLMCS_OK;
    llmcs_status status = prepare_fit(s->plan, s->rows, s->n, &s->f, &s->m);
    if (!status) status = try_penalties(s, one_fold, h);
    shop_matrix_free(s->plan->a, &s->m);
    shop_fitted_free(s->plan->a, &s->f);
    shop_free(s->plan->a, s->best_weights);
    s->best_weights = NULL;
    return status;
}

/* Chooses the penalty on fold 0, or on all folds if there are few rows. The folds that were tried are predicted. */
static llmcs_status choose_penalty(shop_plan *plan, const uint8_t *fold, uint32_t n_folds, uint32_t *rows,
                                   shop_held_out *h) {
    penalty_search s = {.plan = plan, .rows = rows, .held_out = rows + plan->corpus->n_rows};
    const uint32_t n_tried = plan->corpus->n_rows < FEW_ROWS ? n_folds : 1;
    const float step = (plan->done_to - plan->done_from) / (float)n_tried;
    size_t best = 0;
    for (uint32_t k = 0; k < n_tried; k++) {
        s.from = plan->done_from + (float)k * step;
        s.to = s.from + step;
        SHOP_TRY(search_fold(&s, fold, k, n_tried == 1, h));
    }
    for (size_t k = 1; k < N_PENALTIES; k++)
        if (s.losses[k] < s.losses[best]) best = k;
    plan->l2 = penalties[best];
    return LLMCS_OK;
}

static llmcs_status predict_fold(shop_plan *plan, const uint8_t *fold, uint32_t which, uint32_t *rows,
                                 shop_held_out *h) {
    shop_fitted f;
    uint32_t *held_out = rows + plan->corpus->n_rows;
    const size_t n = rows_of(plan, fold, which, false, rows), n_held_out = rows_of(plan, fold, which, true, held_out);
    if (!n || !n_held_out) return LLMCS_OK;
    SHOP_TRY(shop_plan_fit(plan, rows, n, &f));
    const llmcs_status status = shop_plan_predict(plan, &f, held_out, n_held_out, h);
    shop_fitted_free(plan->a, &f);
    return status;
}

llmcs_status shop_cross_validate(shop_plan *plan, const uint8_t *fold, uint32_t n_folds, shop_held_out *h) {
    const float from = plan->done_from, to = plan->done_to, chosen = from + (to - from) * 0.4f;
    uint32_t *rows, first = 0;
    llmcs_status status = LLMCS_OK;
    SHOP_TRY(shop_alloc(plan->a, 2 * plan->corpus->n_rows, sizeof *rows, "folds", &rows));
    if (!(plan->l2 > 0)) {
        plan->done_to = chosen;
        status = choose_penalty(plan, fold, n_folds, rows, h);
        first = plan->corpus->n_rows < FEW_ROWS ? 0 : 1;
    }
    for (uint32_t k = first; k < n_folds && !status; k++) {
        plan->done_from = chosen + (to - chosen) * (float)k / (float)n_folds;
        plan->done_to = chosen + (to - chosen) * (float)(k + 1) / (float)n_folds;
        status = predict_fold(plan, fold, k, rows, h);
    }
    plan->done_from = from;
    plan->done_to = to;
    shop_free(plan->a, rows);
    return status;
}

/* ------------------------------------------------------------------------------------------- unknown classes */

llmcs_status shop_predict_unknown_classes(const shop_plan *plan, shop_held_out *h) {
    const shop_corpus *c = plan->corpus;
    uint32_t *rows;
    llmcs_status status = LLMCS_OK;
    SHOP_TRY(shop_alloc(plan->a, 2 * c->n_rows, sizeof *rows, "classes", &rows));
    uint32_t *unknown = rows + c->n_rows;
    for (size_t group = 0; group < plan->n_hidden_groups && !status; group++) {
        size_t n = 0, n_unknown = 0;
        shop_fitted f;
        for (size_t i = 0; i < c->n_rows; i++)
            if (c->label[i] % SHOP_CLASS_GROUPS == group)
                unknown[n_unknown++] = (uint32_t)i;
            else
                rows[n++] = (uint32_t)i;
        shop_plan part = *plan;
        part.done_from =
            plan->done_from + (plan->done_to - plan->done_from) * (float)group / (float)plan->n_hidden_groups;
        part.done_to =
            plan->done_from + (plan->done_to - plan->done_from) * (float)(group + 1) / (float)plan->n_hidden_groups;
        status = shop_plan_fit(&part, rows, n, &f);
        if (status) break;
        status = shop_plan_predict(plan, &f, unknown, n_unknown, h);
        /* Classes that were left out of training must never be predicted. */
        for (size_t i = 0; i < n_unknown && !status; i++)
            for (size_t label = group; label < plan->n_labels; label += SHOP_CLASS_GROUPS)
                h->logits[unknown[i] * plan->n_classes + label] = -1e4f;
        shop_fitted_free(plan->a, &f);
    }
    shop_free(plan->a, rows);
    return status;
}
