/* Quantises weights to 8 bits, with one scale per class and block (n-grams, vector). */
#include "shop/classifier/quantize.h"

#include <math.h>
#include <string.h>

enum { MOST_WEIGHTS = 1 << 28 };

llmcs_status shop_classifier_alloc_weights(llmcs_shop_classifier *c) {
    size_t n, n_means;
    c->stride = (c->n_classes + SHOP_WEIGHT_LANES - 1) / SHOP_WEIGHT_LANES * SHOP_WEIGHT_LANES;
    if (!shop_mul(c->n_features + c->n_dense + 1, c->stride, &n) || n > MOST_WEIGHTS ||
        !shop_mul(c->n_labels, c->n_dense, &n_means) || n_means > MOST_WEIGHTS)
        return shop_fail(LLMCS_LIMIT,
                         "%lld n-grams and vectors of %lld floats for %lld classes need more than 2^28 weights",
                         (long long)c->n_features, (long long)c->n_dense, (long long)c->n_classes);
    SHOP_TRY(shop_classifier_alloc(c, c->n_features, sizeof *c->hashes, "n-grams", &c->hashes));
    SHOP_TRY(shop_classifier_alloc(c, c->n_features, sizeof *c->idf, "n-grams", &c->idf));
    SHOP_TRY(shop_classifier_alloc(c, c->n_features * c->stride, 1, "weights", &c->weights));
    SHOP_TRY(shop_classifier_alloc(c, c->stride, sizeof *c->scales, "weights", &c->scales));
    SHOP_TRY(shop_classifier_alloc(c, c->n_dense * c->stride, 1, "weights", &c->dense));
    SHOP_TRY(shop_classifier_alloc(c, c->stride, sizeof *c->dense_scales, "weights", &c->dense_scales));
    SHOP_TRY(shop_classifier_alloc(c, c->stride, sizeof *c->bias, "weights", &c->bias));
    SHOP_TRY(shop_classifier_alloc(c, c->n_dense, sizeof *c->center, "class means", &c->center));
    return shop_classifier_alloc(c, n_means, 1, "class means", &c->means);
}

/* Quantises columns of floats [n, from_stride] to 8 bits [n, to_stride] with one scale per column. */
static void quantize_columns(const float *from, size_t n, size_t from_stride, size_t n_columns, int8_t *to,
                             size_t to_stride, float *scales) {
    for (size_t c = 0; c < n_columns; c++) {
        float largest = 0;
        for (size_t i = 0; i < n; i++) {
            const float magnitude = fabsf(from[i * from_stride + c]);
            largest = magnitude > largest ? magnitude : largest;
        }
        const float inverse = largest > 0 ? 127.0f / largest : 0;
        scales[c] = largest / 127.0f;
        for (size_t i = 0; i < n; i++) {
            const float value = from[i * from_stride + c] * inverse;
            to[i * to_stride + c] = (int8_t)(value < 0 ? value - 0.5f : value + 0.5f);
        }
    }
}

/* In training, vectors were centred and scaled. This folds both into the weights: w (x - mean) s + b = (w s) x + (b - w
 * s mean). */
static void quantize_dense(const shop_plan *plan, const shop_weights *w, float dense_scale, llmcs_shop_classifier *c) {
    const float *dense = w->values + w->n_features * w->stride, *bias = dense + w->n_dense * w->stride;
    quantize_columns(dense, w->n_dense, w->stride, w->n_classes, c->dense, c->stride, c->dense_scales);
    for (size_t k = 0; k < w->n_classes; k++) {
        double moved = (double)bias[k];
        c->dense_scales[k] *= dense_scale;
        for (size_t x = 0; x < w->n_dense; x++)
            moved -=
                (double)c->dense[x * c->stride + k] * (double)c->dense_scales[k] * (double)plan->corpus->dense_mean[x];
        c->bias[k] = (float)moved;
    }
}

llmcs_status shop_quantize(const shop_plan *plan, const shop_fitted *f, float dense_scale, llmcs_shop_classifier *c) {
    const shop_weights *w = &f->weights;
    c->n_classes = plan->n_classes;
    c->n_features = w->n_features;
    c->n_dense = w->n_dense;
    SHOP_TRY(shop_classifier_alloc_weights(c));
    if (w->n_features) {
        memcpy(c->hashes, f->dictionary.hashes, w->n_features * sizeof *c->hashes);
        memcpy(c->idf, f->dictionary.idf, w->n_features * sizeof *c->idf);
    }
    c->unseen_idf = f->dictionary.unseen_idf;
    quantize_columns(w->values, w->n_features, w->stride, w->n_classes, c->weights, c->stride, c->scales);
    quantize_dense(plan, w, dense_scale, c);
    if (c->n_dense) memcpy(c->center, plan->corpus->dense_mean, c->n_dense * sizeof *c->center);
    for (size_t label = 0; label < c->n_labels; label++)
        if (c->n_dense) shop_vector_to_int8(f->means + label * c->n_dense, c->n_dense, c->means + label * c->n_dense);
    return LLMCS_OK;
}
