/* Packs tensors whose stored type is nearly the packed one (Q8_0, Q4_0, float16, bfloat16) without converting to
 * float32. */
#include <string.h>

#include "base/half.h"
#include "formats/bytes.h"
#include "formats/convert.h"
#include "formats/quantize_columns.h"
#include "nn/panel.h"
#include "weights/pack.h"

bool ll_linear_takes_stored(const ll_linear *linear, ll_dtype dtype, ll_weight_layout layout) {
    switch (linear->type) {
        case LL_F16:
            return dtype == LL_DTYPE_F16;
        case LL_BF16:
            return dtype == LL_DTYPE_BF16;
        case LL_Q8:
            return dtype == LL_DTYPE_Q8_0 && layout == LL_OUT_IN;
        case LL_Q4:
            return dtype == LL_DTYPE_Q4_0 && layout == LL_OUT_IN;
        case LL_F32:
            break;
    }
    return false;
}

/* -------------------------------------------------------------------------------------------------- blocks */

#define Q4_0_BYTES 18
#define HALF_INFINITY 0x7c00u

/* The bits of the magnitude of a block's scale; they are ordered like magnitudes. */
static unsigned scale_magnitude(const unsigned char *block) { return ll_load_u16(block) & 0x7fffu; }

static int largest_code(const unsigned char *q) {
    uint8_t most = 0;
    for (size_t i = 0; i < LL_Q_BLOCK; i++) {
        const uint8_t size = (uint8_t)(q[i] < 128 ? q[i] : 256 - q[i]);
        most = size > most ? size : most;
    }
    return most;
}

/* The largest magnitude in a block. Exact: a product of 11 by 8 bits. */
static float largest_of_block(const unsigned char *block) {
    return ll_half_to_float((uint16_t)scale_magnitude(block)) * (float)largest_code(block + 2);
}

/* The bits of the largest half <= x, for 0 <= x < the largest half. */
static unsigned half_below(float x) {
    const uint16_t half = ll_float_to_half(x);
    return ll_half_to_float(half) > x ? half - 1u : half;
}

/* The block with the largest scale. Scale and index are compared as one number, without branches. */
static size_t block_of_largest_scale(const unsigned char *row, size_t n_blocks) {
    uint64_t most = 0;
    for (size_t b = 0; b < n_blocks; b++) {
        const uint64_t size = (uint64_t)scale_magnitude(row + b * LL_Q8_0_BYTES) << 32 | b;
        most = size > most ? size : most;
    }
    return (size_t)(most & UINT32_MAX);
}

static size_t count_scales_above(const unsigned char *row, size_t n_blocks, unsigned bound) {
    size_t n = 0;
    for (size_t b = 0; b < n_blocks; b++) n += scale_magnitude(row + b * LL_Q8_0_BYTES) > bound;
    return n;
}

/* The largest magnitude in a row. False: a scale is not finite. Codes are at most 128, so only blocks whose scale is
 * large enough to exceed the maximum so far are read, usually one. */
static bool largest_of_row(const unsigned char *row, size_t n_blocks, float *largest) {
    const unsigned char *block = row + block_of_largest_scale(row, n_blocks) * LL_Q8_0_BYTES;
    if (scale_magnitude(block) >= HALF_INFINITY) return false;
    *largest = largest_of_block(block);
    const unsigned too_small = half_below(*largest / 128.0f);
    size_t n_left = count_scales_above(row, n_blocks, too_small);
    for (block = row; n_left > 0; block += LL_Q8_0_BYTES) {
        if (scale_magnitude(block) <= too_small) continue;
        const float size = largest_of_block(block);
        *largest = size > *largest ? size : *largest;
        n_left--;
    }
    return true;
}

/* Rows of one panel. */
static bool put_q8_rows(const ll_linear *linear, const ll_kernels *kernels, size_t out, size_t n,
                        const unsigned char *rows) {
    const size_t n_blocks = linear->n_in / LL_Q_BLOCK;
    float *scales = ll_scale_of(linear, out);
    float inverses[LL_QUANTIZE_COLUMNS];
    for (size_t r = 0; r < n; r++) {
        float largest;
        if (!largest_of_row(rows + r * n_blocks * LL_Q8_0_BYTES, n_blocks, &largest)) return false;
        scales[r] = ll_q8_scale(largest);
        inverses[r] = ll_q8_inverse(scales[r]);
    }
    kernels->pack_q8_0(rows, n, n_blocks, inverses, ll_unit_of(linear, out, 0));
    return true;
}

static bool scales_are_finite(const unsigned char *blocks, size_t n, size_t block_bytes) {
    size_t n_bad = 0;
    for (size_t i = 0; i < n; i++) n_bad += scale_magnitude(blocks + i * block_bytes) >= HALF_INFINITY;
    return n_bad == 0;
}

/* Stores GGUF's Q4_0 blocks unchanged. */
static bool put_q4_rows(const ll_linear *linear, size_t out, size_t n, const unsigned char *rows) {
    const size_t nr = linear->nr, n_blocks = linear->n_in / LL_Q_BLOCK, row_bytes = n_blocks * Q4_0_BYTES;
    if (!scales_are_finite(rows, n * n_blocks, Q4_0_BYTES)) return false;
    for (size_t b = 0; b < n_blocks; b++) {
        const ll_q4_block to = ll_q4_block_of(linear, out, b * LL_Q_BLOCK);
        for (size_t r = 0; r < n; r++) {
            const unsigned char *block = rows + r * row_bytes + b * Q4_0_BYTES;
            to.scale[r] = ll_load_u16(block);
            for (size_t g = 0; g < 4; g++) memcpy(to.bytes + (g * nr + r) * 4, block + 2 + 4 * g, 4);
        }
    }
    return true;
}

static bool put_blocks(const ll_linear *linear, const ll_kernels *kernels, const ll_rectangle *part, size_t first_out,
                       const unsigned char *raw) {
    const size_t block_bytes = linear->type == LL_Q8 ? LL_Q8_0_BYTES : Q4_0_BYTES;
    const size_t row_bytes = linear->n_in / LL_Q_BLOCK * block_bytes;
    for (size_t r = 0, n; r < part->n_rows; r += n) {
        const size_t out = first_out + part->row + r;
        const unsigned char *rows = raw + r * row_bytes;
        n = ll_min(linear->nr - out % linear->nr, part->n_rows - r);
        if (!(linear->type == LL_Q8 ? put_q8_rows(linear, kernels, out, n, rows) : put_q4_rows(linear, out, n, rows)))
            return false;
    }
    return true;
}

/* ------------------------------------------------------------------------------------------ float16, bfloat16 */

static bool halves_are_finite(ll_weight_type type, const unsigned char *halves, size_t n) {
    const unsigned infinity = type == LL_F16 ? 0x7c00u : 0x7f80u;
    size_t n_bad = 0;
    for (size_t i = 0; i < n; i++) n_bad += (ll_load_u16(halves + 2 * i) & infinity) == infinity;
    return n_bad == 0;
}

/* The address of a 16-bit weight; that of the next output is *step elements further. */
static uint16_t *half_of(const ll_linear *linear, size_t out, size_t k, size_t *step) {
    uint16_t *unit = (uint16_t *)(void *)ll_unit_of(linear, out, k);
    *step = ll_unit_inputs(linear->type);
    return unit + k % *step;
}

/* Rows are inputs, columns are outputs: n of one panel. */
static void put_half_columns(const ll_linear *linear, size_t out, size_t n, const unsigned char *halves,
                             const ll_rectangle *part) {
    for (size_t r = 0; r < part->n_rows; r++) {
        size_t step;
        uint16_t *to = half_of(linear, out, part->row + r, &step);
        const unsigned char *from = halves + r * part->n_columns * 2;
        for (size_t j = 0; j < n; j++) to[j * step] = ll_load_u16(from + 2 * j);
    }
}

#define INPUTS_AT_ONCE 64

/* Rows are outputs: n of one panel, some inputs at a time. */
static void put_half_rows(const ll_linear *linear, size_t out, size_t n, const unsigned char *halves,
                          const ll_rectangle *part) {
    for (size_t c = 0; c < part->n_columns; c += INPUTS_AT_ONCE) {
        const size_t end = ll_min(c + INPUTS_AT_ONCE, part->n_columns);
        for (size_t r = 0; r < n; r++) {
            const unsigned char *from = halves + r * part->n_columns * 2;
            for (size_t k = c; k < end; k++) {
                size_t step;
                *half_of(linear, out + r, part->column + k, &step) = ll_load_u16(from + 2 * k);
            }
        }
    }
}

static void put_halves(const ll_linear *linear, ll_weight_layout layout, const ll_rectangle *part, size_t first_out,
                       const unsigned char *raw) {
    const size_t n_out = layout == LL_OUT_IN ? part->n_rows : part->n_columns;
    const size_t first = first_out + (layout == LL_OUT_IN ? part->row : part->column);
    for (size_t o = 0, n; o < n_out; o += n) {
        n = ll_min(linear->nr - (first + o) % linear->nr, n_out - o);
        if (layout == LL_OUT_IN)
            put_half_rows(linear, first + o, n, raw + o * part->n_columns * 2, part);
        else
            put_half_columns(linear, first + o, n, raw + o * 2, part);
    }
}

bool ll_linear_put_stored(ll_linear *linear, const ll_kernels *kernels, ll_weight_layout layout,
                          const ll_rectangle *part, size_t first_out, bool check_finite, const unsigned char *raw) {
    if (ll_is_integer_type(linear->type)) return put_blocks(linear, kernels, part, first_out, raw);
    if (check_finite && !halves_are_finite(linear->type, raw, part->n_rows * part->n_columns)) return false;
    put_halves(linear, layout, part, first_out, raw);
    return true;
}
