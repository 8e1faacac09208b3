#include "runtime/encoder/pooling.h"

#include <math.h>
#include <string.h>

#include "formats/sentence.h"

/* The tokens [first, n_tokens) of a text. */
typedef struct pooled_tokens {
    const float *hidden; /* [n_tokens, n] */
    size_t first, n_tokens, n;
} pooled_tokens;

/* Each column is one sum in the order of the tokens. */
static void sum_tokens(const pooled_tokens *t, float *sum) {
    for (size_t d = 0; d < t->n; d++) sum[d] = t->first < t->n_tokens ? t->hidden[t->first * t->n + d] : 0.0f;
    for (size_t i = t->first + 1; i < t->n_tokens; i++)
        for (size_t d = 0; d < t->n; d++) sum[d] += t->hidden[i * t->n + d];
}

static void pool_mean(const pooled_tokens *t, bool by_root, float *mean) {
    const size_t count = t->n_tokens > t->first ? t->n_tokens - t->first : 1;
    const float by = by_root ? sqrtf((float)count) : (float)count;
    sum_tokens(t, mean);
    for (size_t d = 0; d < t->n; d++) mean[d] /= by;
}

/* A token's weight is its position in the whole text, from 1. */
static void pool_weighted_mean(const pooled_tokens *t, float *mean) {
    float weights = 0.0f;
    for (size_t d = 0; d < t->n; d++) mean[d] = 0.0f;
    for (size_t i = t->first; i < t->n_tokens; i++) {
        const float weight = (float)(i + 1);
        weights += weight;
        for (size_t d = 0; d < t->n; d++) mean[d] += weight * t->hidden[i * t->n + d];
    }
    for (size_t d = 0; weights > 0.0f && d < t->n; d++) mean[d] /= weights;
}

static void pool_max(const pooled_tokens *t, float *max) {
    for (size_t d = 0; d < t->n; d++) max[d] = -1e9f;
    for (size_t i = t->first; i < t->n_tokens; i++)
        for (size_t d = 0; d < t->n; d++)
            if (t->hidden[i * t->n + d] > max[d]) max[d] = t->hidden[i * t->n + d];
}

static void pool_last(const pooled_tokens *t, float *last) {
    if (t->first < t->n_tokens)
        memcpy(last, t->hidden + (t->n_tokens - 1) * t->n, t->n * sizeof *last);
    else
        memset(last, 0, t->n * sizeof *last);
}

void ll_pool_tokens(uint32_t modes, const float *hidden, size_t n_tokens, size_t n_prompt, size_t n, float *vector) {
    const pooled_tokens t = {hidden, n_prompt < n_tokens ? n_prompt : n_tokens, n_tokens, n};
    for (uint32_t mode = LL_POOL_CLS; mode <= LL_POOL_LAST_TOKEN; mode <<= 1) {
        switch (modes & mode) {
            case LL_POOL_CLS:
                memcpy(vector, hidden, n * sizeof *vector);
                break;
            case LL_POOL_MAX:
                pool_max(&t, vector);
                break;
            case LL_POOL_MEAN:
                pool_mean(&t, false, vector);
                break;
            case LL_POOL_MEAN_SQRT_LEN:
                pool_mean(&t, true, vector);
                break;
            case LL_POOL_WEIGHTED_MEAN:
                pool_weighted_mean(&t, vector);
                break;
            case LL_POOL_LAST_TOKEN:
                pool_last(&t, vector);
                break;
            default:
                continue; /* not requested */
        }
        vector += n;
    }
}
