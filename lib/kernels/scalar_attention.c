/* The definition of attention in plain C: every sum in the order of its index, products and sums rounded one by one. */
#include "kernels/scalar_attention.h"

#include <math.h>
#include <stdbool.h>

#include "base/half.h"

static float load(ll_kv_type type, const void *p, size_t i) {
    return type == LL_KV_F16 ? ll_half_to_float(((const uint16_t *)p)[i]) : ((const float *)p)[i];
}

static void store(ll_kv_type type, void *p, size_t i, float value) {
    if (type == LL_KV_F16)
        ((uint16_t *)p)[i] = ll_float_to_half(value);
    else
        ((float *)p)[i] = value;
}

void ll_scalar_kv_store(const ll_kv_rows *k) {
    const size_t stride = ll_kv_value_stride(k->head_dim), values = k->head_dim * LL_KV_BLOCK;
    for (size_t r = 0; r < k->n_tokens; r++) {
        const size_t slot = k->slot + r;
        for (size_t d = 0; d < k->head_dim; d++)
            store(k->type, k->head, d * LL_KV_BLOCK + slot, k->key[r * k->ld_key + d]);
        for (size_t d = 0; d < stride; d++)
            store(k->type, k->head, values + slot * stride + d, d < k->head_dim ? k->value[r * k->ld_value + d] : 0.0f);
    }
}

static const void *head_of(const ll_attend *a, size_t position) {
    return (const char *)a->kv_blocks[position / LL_KV_BLOCK] + a->head_bytes;
}

static float score(const ll_attend *a, size_t r, size_t position) {
    const float *q = a->q + r * a->ldq;
    const void *keys = head_of(a, position);
    float sum = 0.0f;
    for (size_t d = 0; d < a->head_dim; d++)
        sum += q[d] * load(a->type, keys, d * LL_KV_BLOCK + position % LL_KV_BLOCK);
    const float scaled = a->scale * sum;
    return a->distance ? scaled + a->distance[(ptrdiff_t)r * a->distance_step + (ptrdiff_t)position] : scaled;
}

/* x = exp(x - max) in place; their sum, or NaN if there is no finite maximum. */
static float exponentials(float *x, size_t n) {
    float max = -INFINITY, sum = 0.0f;
    for (size_t i = 0; i < n; i++) {
        if (!(x[i] <= max)) max = x[i]; /* a NaN becomes the maximum */
        if (isnan(max)) return NAN;
    }
    if (!isfinite(max)) return NAN;
    for (size_t i = 0; i < n; i++) {
        x[i] = expf(x[i] - max);
        sum += x[i];
    }
    return sum;
}

void ll_scalar_attend(const ll_attend *a) {
    const size_t stride = ll_kv_value_stride(a->head_dim);
    float *probs = a->scratch;
    for (size_t r = 0; r < a->n_rows; r++) {
        const size_t begin = ll_attend_begin(a, r), end = ll_attend_end(a, r);
        float *out = a->out + r * a->ldo;
        for (size_t t = begin; t < end; t++) probs[t] = score(a, r, t);
        const float sum = exponentials(probs + begin, end - begin);
        for (size_t d = 0; d < a->head_dim; d++) out[d] = 0.0f;
        for (size_t t = begin; t < end; t++) {
            const size_t value = a->head_dim * LL_KV_BLOCK + t % LL_KV_BLOCK * stride;
            for (size_t d = 0; d < a->head_dim; d++) out[d] += probs[t] * load(a->type, head_of(a, t), value + d);
        }
        for (size_t d = 0; d < a->head_dim; d++) out[d] = isnan(sum) ? NAN : out[d] / sum;
    }
}
