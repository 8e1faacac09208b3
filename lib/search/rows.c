/* One vector: checked, rounded, packed into a column of its block's panels, and read again. */
#include <math.h>
#include <string.h>

#include "base/half.h"
#include "search/index.h"

/* x becomes x / |x|; a vector of zeros stays as it is. squares: |x|^2 */
static void normalize(float *x, size_t n, float squares) {
    const float inverse = squares > 0.0f ? 1.0f / sqrtf(squares) : 0.0f;
    for (size_t i = 0; i < n; i++) x[i] *= inverse;
}

llmcs_status ll_row_prepare(const llmcs_index *x, const char *what, size_t i, const float *from, float *row,
                            uint16_t *halves) {
    const ll_vector_format *f = &x->format;
    memcpy(row, from, f->dim * sizeof *row);
    for (size_t k = f->dim; k < f->row; k++) row[k] = 0.0f;
    const float squares = x->kernels->dot_f32(row, row, f->row);
    if (!(squares <= LL_INDEX_MAX_NORM))
        return ll_fail(LLMCS_NUMERIC, "%s: row %zu: NaN, infinity, or a norm above 1e15", what, i);
    if (f->metric == LLMCS_METRIC_COSINE) normalize(row, f->row, squares);
    if (!halves) return LLMCS_OK;
    for (size_t k = 0; k < f->row; k++) halves[k] = ll_float_to_half(row[k]);
    for (size_t k = 0; k < f->row; k++) row[k] = ll_half_to_float(halves[k]);
    return LLMCS_OK;
}

llmcs_status ll_row_check(const llmcs_index *x, const char *what, size_t i, const float *from, float *row) {
    const ll_vector_format *f = &x->format;
    LL_TRY(ll_row_prepare(x, what, i, from, row, NULL));
    if (f->type == LLMCS_VECTOR_F32 || f->metric == LLMCS_METRIC_COSINE) return LLMCS_OK;
    for (size_t k = 0; k < f->dim; k++) {
        if (isinf(ll_half_to_float(ll_float_to_half(row[k]))))
            return ll_fail(LLMCS_NUMERIC,
                           "%s: row %zu: element %zu is %g, beyond float16 (65504); use type F32 or scale the vectors",
                           what, i, k, (double)from[k]);
    }
    return LLMCS_OK;
}

/* Rounds to the nearest integer, ties to even, for |x| < 2^22: beyond 2^23 floats are integers. */
static inline float round_small(float x) { return (x + 12582912.0f) - 12582912.0f; }

void ll_panel_put_q8(char *panel, size_t nr, size_t j, size_t dim, const float *x) {
    uint8_t *to = (uint8_t *)panel + nr * sizeof(float) + j * 4;
    float largest = 0.0f;
    for (size_t k = 0; k < dim; k++) largest = fabsf(x[k]) > largest ? fabsf(x[k]) : largest;
    const float inverse = largest >= LL_Q_SMALLEST ? 127.0f / largest : 0.0f;
    ((float *)(void *)panel)[j] = largest / 127.0f;
    for (size_t first = 0; first < ll_q_round(dim); first += LL_Q_BLOCK) {
        uint8_t bytes[LL_Q_BLOCK];
        if (first + LL_Q_BLOCK <= dim) {
            for (size_t i = 0; i < LL_Q_BLOCK; i++)
                bytes[i] = (uint8_t)(int32_t)(round_small(x[first + i] * inverse) + (float)LL_Q8_ZERO);
        } else {
            for (size_t i = 0; i < LL_Q_BLOCK; i++) {
                const float value = first + i < dim ? round_small(x[first + i] * inverse) : 0.0f;
                bytes[i] = (uint8_t)(int32_t)(value + (float)LL_Q8_ZERO);
            }
        }
        for (size_t i = 0; i < LL_Q_BLOCK; i += 4, to += nr * 4) memcpy(to, bytes + i, 4);
    }
}

static char *panel_of(const ll_vector_format *f, const ll_block *block, size_t at) {
    return block->panels + at / f->nr * f->panel_bytes;
}

void ll_row_pack(const ll_vector_format *f, ll_block *block, size_t at, const float *x, const uint16_t *halves) {
    char *panel = panel_of(f, block, at);
    const size_t nr = f->nr, j = at % nr;
    if (f->panel_type == LL_Q8) {
        ll_panel_put_q8(panel, nr, j, f->dim, x);
    } else if (f->panel_type == LL_F16) {
        for (size_t k = 0; k < f->dim; k++) ((uint16_t *)(void *)panel)[k * nr + j] = halves[k];
    } else {
        for (size_t k = 0; k < f->dim; k++) ((float *)(void *)panel)[k * nr + j] = x[k];
    }
    if (block->halves) memcpy(block->halves + at * f->row, halves, f->row * sizeof *halves);
}

/* A half's bits in a float are the value times 2^-112, subnormal or not, and the product is exact. Infinities and NaN
 * are those of ll_half_to_float. */
static void unpack_halves(const uint16_t *restrict halves, size_t n, float *restrict x) {
    uint32_t largest = 0;
    for (size_t k = 0; k < n; k++) {
        const uint32_t size = halves[k] & 0x7fffu, sign = (uint32_t)(halves[k] & 0x8000u) << 16;
        largest = size > largest ? size : largest;
        x[k] = ll_float_from_bits(ll_float_bits(ll_float_from_bits(size << 13) * 0x1p112f) | sign);
    }
    for (size_t k = 0; k < n && largest >= 0x7c00u; k++) x[k] = ll_half_to_float(halves[k]);
}

void ll_row_unpack(const ll_vector_format *f, const ll_block *block, size_t at, float *x) {
    const char *panel = panel_of(f, block, at);
    const size_t nr = f->nr, j = at % nr;
    if (block->halves) {
        unpack_halves(block->halves + at * f->row, f->row, x);
        return;
    }
    if (f->panel_type == LL_Q8) {
        const float scale = ((const float *)(const void *)panel)[j];
        const uint8_t *bytes = (const uint8_t *)panel + nr * sizeof(float) + j * 4;
        for (size_t k = 0; k < f->dim; k++) x[k] = scale * (float)((int32_t)bytes[k / 4 * nr * 4 + k % 4] - LL_Q8_ZERO);
    } else if (f->panel_type == LL_F16) {
        for (size_t k = 0; k < f->dim; k++)
            x[k] = ll_half_to_float(((const uint16_t *)(const void *)panel)[k * nr + j]);
    } else {
        for (size_t k = 0; k < f->dim; k++) x[k] = ((const float *)(const void *)panel)[k * nr + j];
    }
    for (size_t k = f->dim; k < f->row; k++) x[k] = 0.0f;
}

void ll_row_get_q8(const ll_vector_format *f, ll_slot s, float *scale, int8_t *values) {
    const char *panel = panel_of(f, s.block, s.at);
    const size_t nr = f->nr, j = s.at % nr;
    const uint8_t *bytes = (const uint8_t *)panel + nr * sizeof(float) + j * 4;
    *scale = ((const float *)(const void *)panel)[j];
    for (size_t k = 0; k < f->dim; k++) values[k] = (int8_t)(bytes[k / 4 * nr * 4 + k % 4] - LL_Q8_ZERO);
}

void ll_row_set_q8(const ll_vector_format *f, ll_slot s, float scale, const int8_t *values) {
    char *panel = panel_of(f, s.block, s.at);
    const size_t nr = f->nr, j = s.at % nr;
    uint8_t *bytes = (uint8_t *)panel + nr * sizeof(float) + j * 4;
    ((float *)(void *)panel)[j] = scale;
    for (size_t k = 0; k < ll_q_round(f->dim); k++)
        bytes[k / 4 * nr * 4 + k % 4] = (uint8_t)((k < f->dim ? values[k] : 0) + LL_Q8_ZERO);
}

/* Copies elements of `size` bytes at a stride of nr elements. */
static void copy_column(char *to, const char *from, size_t size, size_t nr, size_t n) {
    for (size_t k = 0; k < n; k++, to += nr * size, from += nr * size) memcpy(to, from, size);
}

void ll_row_copy(const ll_vector_format *f, ll_slot from, ll_slot to) {
    const size_t nr = f->nr, j = to.at % nr, i = from.at % nr;
    char *panel = panel_of(f, to.block, to.at);
    const char *source = panel_of(f, from.block, from.at);
    if (f->panel_type == LL_Q8) {
        ((float *)(void *)panel)[j] = ((const float *)(const void *)source)[i];
        copy_column(panel + nr * 4 + j * 4, source + nr * 4 + i * 4, 4, nr, ll_q_round(f->dim) / 4);
    } else {
        const size_t size = f->panel_type == LL_F16 ? 2 : 4;
        copy_column(panel + j * size, source + i * size, size, nr, f->dim);
    }
    if (to.block->halves)
        memcpy(to.block->halves + to.at * f->row, from.block->halves + from.at * f->row, f->row * sizeof(uint16_t));
    if (to.block->bias) to.block->bias[to.at] = from.block->bias[from.at];
}
