/* The fingerprint of a network, by XXH64. See fingerprint.h. */
#include "weights/fingerprint.h"

#include "base/half.h"
#include "base/xxh64.h"
#include "families/family.h"

/* Outputs that are sampled at the same inputs: neighbours in a panel, in one or two cache lines. */
#define GROUP 16

uint64_t ll_fingerprint_config(uint64_t hash, const ll_config *c) {
    const uint32_t numbers[] = {
        c->family->number,
        (uint32_t)c->vocab_size,
        (uint32_t)c->n_positions,
        (uint32_t)c->n_embd,
        (uint32_t)c->n_layer,
        (uint32_t)c->n_head,
        (uint32_t)c->n_inner,
        ll_float_bits(c->layer_norm_eps),
        (uint32_t)c->activation,
        (uint32_t)c->tie_word_embeddings,
        (uint32_t)c->scale_attn_weights,
    };
    return ll_xxh64(numbers, sizeof numbers, hash);
}

uint64_t ll_fingerprint_floats(uint64_t hash, const float *x, size_t n) { return ll_xxh64(x, n * sizeof *x, hash); }

uint64_t ll_fingerprint_norm(uint64_t hash, const ll_norm *norm) {
    if (!norm->weight) return hash;
    hash = ll_fingerprint_floats(hash, norm->weight, norm->n);
    return norm->bias ? ll_fingerprint_floats(hash, norm->bias, norm->n) : hash;
}

/* The i-th sampled input of a group of outputs: evenly spaced, and shifted by one from group to group. */
static size_t input_of(size_t group, size_t i, size_t n_in) {
    return (group + i * n_in / LL_FINGERPRINT_INPUTS) % n_in;
}

uint64_t ll_fingerprint_linear(uint64_t hash, const ll_linear *linear) {
    const uint64_t shape[3] = {linear->n_in, linear->n_out, (uint64_t)linear->type};
    hash = ll_xxh64(shape, sizeof shape, hash);
    for (size_t first = 0; first < linear->n_out; first += GROUP) {
        uint64_t codes[GROUP * LL_FINGERPRINT_INPUTS];
        const size_t end = ll_min(first + GROUP, linear->n_out);
        size_t n = 0;
        for (size_t i = 0; i < LL_FINGERPRINT_INPUTS; i++) {
            const size_t k = input_of(first / GROUP, i, linear->n_in);
            for (size_t out = first; out < end; out++) codes[n++] = ll_linear_code(linear, out, k);
        }
        hash = ll_xxh64(codes, n * sizeof *codes, hash);
    }
    return linear->bias ? ll_fingerprint_floats(hash, linear->bias, linear->n_out) : hash;
}

uint64_t ll_fingerprint_table(uint64_t hash, const ll_table *table, size_t n_rows) {
    const size_t n = table->n;
    for (size_t row = 0; row < n_rows; row++) {
        float sample[LL_FINGERPRINT_INPUTS];
        for (size_t i = 0; i < LL_FINGERPRINT_INPUTS; i++) {
            const size_t at = row * n + input_of(row / GROUP, i, n);
            ll_table_row(&(ll_table){table->type, 1, table->rows}, at, &sample[i]);
        }
        hash = ll_fingerprint_floats(hash, sample, LL_FINGERPRINT_INPUTS);
    }
    return hash;
}
