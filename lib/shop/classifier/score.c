/* Turns logits into calibrated probabilities and the out-of-scope score. */
#include <math.h>

#include "shop/classifier/classifier.h"

void shop_evaluate(const float *logits, size_t n_labels, size_t n_classes, float temperature, float *scores,
                   shop_evaluation *e) {
    size_t best = 0, second = n_labels > 1 ? 1 : 0;
    float sum = 0, energy = 0;
    for (size_t c = 1; c < n_labels; c++) {
        if (logits[c] > logits[best]) {
            second = best;
            best = c;
        } else if (second == best || logits[c] > logits[second]) {
            second = c;
        }
    }
    const float top = logits[best], margin = top - logits[second];
    const float own_class = n_classes > n_labels ? logits[n_labels] - top : 0;
    for (size_t c = 0; c < n_labels; c++) {
        energy += expf(logits[c] - top);
        scores[c] = expf((logits[c] - top) / temperature);
        sum += scores[c];
    }
    for (size_t c = 0; c < n_labels; c++) scores[c] /= sum;
    const float rest = sum - 1.0f > 1e-9f ? sum - 1.0f : 1e-9f; /* scores[best] was 1 */
    *e = (shop_evaluation){.best = best, .second = second};
    e->features[SHOP_OOS_LOG_ODDS] = -logf(rest);
    e->features[SHOP_OOS_ENERGY] = top + logf(energy);
    e->features[SHOP_OOS_MARGIN] = margin;
    e->features[SHOP_OOS_OWN_CLASS] = own_class;
}

float shop_oos_score(const shop_oos *oos, const float features[SHOP_OOS_N]) {
    float z = oos->bias;
    for (size_t i = 0; i < SHOP_OOS_N; i++) z += oos->weight[i] * (features[i] - oos->mean[i]) / oos->deviation[i];
    return 1.0f / (1.0f + expf(-z));
}

llmcs_status shop_vectors_copy(float *out, const float *vectors, size_t n, size_t n_dense) {
    for (size_t i = 0; i < n; i++) {
        double squares = 0;
        for (size_t x = 0; x < n_dense; x++) squares += (double)vectors[x] * (double)vectors[x];
        if (!isfinite(squares)) return shop_fail(LLMCS_NUMERIC, "vector %lld is not finite", (long long)i);
        const double scale = squares > 0 ? 1 / sqrt(squares) : 0;
        for (size_t x = 0; x < n_dense; x++) out[x] = (float)((double)vectors[x] * scale);
        out += n_dense;
        vectors += n_dense;
    }
    return LLMCS_OK;
}

void shop_vector_to_int8(const float *vector, size_t n, int8_t *out) {
    double squares = 0;
    for (size_t i = 0; i < n; i++) squares += (double)vector[i] * (double)vector[i];
    const double scale = squares > 0 ? 127 / sqrt(squares) : 0;
    for (size_t i = 0; i < n; i++) {
        const double value = (double)vector[i] * scale;
        out[i] = (int8_t)(value < 0 ? value - 0.5 : value + 0.5);
    }
}

int64_t shop_dot_int8(const int8_t *x, const int8_t *y, size_t n) {
    int64_t sum = 0;
    for (size_t i = 0; i < n; i++) sum += (int32_t)x[i] * y[i];
    return sum;
}
