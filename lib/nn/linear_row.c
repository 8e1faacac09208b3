/* Reads weights back: rows of an embedding table, stored as a table or as a linear's panels, and codes for the
 * fingerprint. */
#include <string.h>

#include "base/half.h"
#include "nn/panel.h"

/* A weight of Q4 as it is stored: value + 8. */
static int q4_value(const ll_linear *linear, ll_q4_block block, size_t k) {
    const size_t i = k % LL_Q_BLOCK, byte = i % 16;
    const int both = (unsigned char)block.bytes[byte / 4 * linear->nr * 4 + byte % 4];
    return i < 16 ? both & 15 : both >> 4;
}

static void row_q4(const ll_linear *linear, size_t out, float *row) {
    for (size_t k = 0; k < linear->n_in; k++) {
        const ll_q4_block block = ll_q4_block_of(linear, out, k);
        row[k] = ll_half_to_float(*block.scale) * (float)(q4_value(linear, block, k) - LL_Q4_ZERO);
    }
}

uint64_t ll_linear_code(const ll_linear *linear, size_t out, size_t k) {
    const void *unit = linear->type == LL_Q4 ? NULL : ll_unit_of(linear, out, k);
    switch (linear->type) {
        case LL_F32:
            return ll_float_bits(*(const float *)unit);
        case LL_F16:
            return *(const uint16_t *)unit;
        case LL_BF16:
            return ((const uint16_t *)unit)[k % 2];
        case LL_Q8:
            return (uint64_t)ll_float_bits(*ll_scale_of(linear, out)) << 8 | ((const unsigned char *)unit)[k % 4];
        case LL_Q4:
            break;
    }
    const ll_q4_block block = ll_q4_block_of(linear, out, k);
    return (uint64_t)*block.scale << 8 | (uint64_t)q4_value(linear, block, k);
}

void ll_table_row(const ll_table *table, size_t row, float *out) {
    const size_t n = table->n;
    const uint16_t *halves = (const uint16_t *)table->rows + row * n;
    if (table->type == LL_F32) memcpy(out, (const float *)table->rows + row * n, n * sizeof *out);
    if (table->type == LL_F16)
        for (size_t i = 0; i < n; i++) out[i] = ll_half_to_float(halves[i]);
    if (table->type == LL_BF16)
        for (size_t i = 0; i < n; i++) out[i] = ll_bfloat_to_float(halves[i]);
}

void ll_linear_row(const ll_linear *linear, size_t out, float *row) {
    const size_t n = linear->n_in, nr = linear->nr;
    const char *at = linear->type == LL_Q4 ? NULL : ll_unit_of(linear, out, 0);
    switch (linear->type) {
        case LL_F32:
            for (size_t k = 0; k < n; k++) row[k] = ((const float *)(const void *)at)[k * nr];
            break;
        case LL_F16:
            for (size_t k = 0; k < n; k++) row[k] = ll_half_to_float(((const uint16_t *)(const void *)at)[k * nr]);
            break;
        case LL_BF16:
            for (size_t k = 0; k < n; k++)
                row[k] = ll_bfloat_to_float(((const uint16_t *)(const void *)at)[k / 2 * nr * 2 + k % 2]);
            break;
        case LL_Q8: {
            const float scale = *ll_scale_of(linear, out);
            for (size_t k = 0; k < n; k++) {
                const int byte = (unsigned char)at[k / 4 * nr * 4 + k % 4];
                row[k] = scale * (float)(byte - LL_Q8_ZERO);
            }
            break;
        }
        case LL_Q4:
            row_q4(linear, out, row);
            break;
    }
}
