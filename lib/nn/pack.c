/* Memory of a linear and its packing: a matrix of a checkpoint becomes panels of `nr` outputs, see kernels/panels.h. */
#include "nn/pack.h"

#include <math.h>
#include <string.h>

#include "base/half.h"
#include "formats/narrow.h"

/* Outputs in, inputs out: this many inputs at a time, so that the panel's lines are still in the first-level cache
 * when the next output of the panel is written. */
#define INPUTS_AT_ONCE 64
#define MAX_NR 64 /* of all rows of kernels */

/* -------------------------------------------------------------------------------------------------- memory */

static size_t packed_outputs(size_t n_out, size_t nr) { return n_out / nr * nr + (n_out % nr ? nr : 0); }

uint64_t ll_linear_bytes(const ll_kernels *kernels, ll_weight_type type, size_t n_in, size_t n_out, bool with_bias) {
    return (uint64_t)ll_output_bytes(type, n_in) * packed_outputs(n_out, kernels->nr) +
           (with_bias ? n_out * sizeof(float) : 0);
}

/* Weights that are zero: also what fills up the inputs of integers, and scales to begin measuring with. */
static void clear_panel(const ll_linear *linear, char *panel) {
    const size_t scales_bytes = linear->nr * sizeof(float);
    memset(panel, 0, linear->panel_bytes);
    if (linear->type == LL_Q8) memset(panel + scales_bytes, LL_Q8_ZERO, linear->panel_bytes - scales_bytes);
}

static void clear(const ll_linear *linear) {
    const size_t n_panels = packed_outputs(linear->n_out, linear->nr) / linear->nr;
    const bool all = ll_is_integer_type(linear->type) || linear->type == LL_BF16;
    const bool last_is_cut = linear->n_out % linear->nr != 0;
    for (size_t p = all ? 0 : n_panels - (last_is_cut ? 1 : 0); p < n_panels; p++)
        clear_panel(linear, (char *)linear->packed + p * linear->panel_bytes);
}

llmcs_status ll_linear_create(ll_linear *linear, const llmcs_allocator *a, const ll_kernels *kernels,
                              ll_weight_type type, size_t n_in, size_t n_out, bool with_bias, const char *name) {
    const size_t nr = kernels->nr;
    *linear = (ll_linear){.n_in = n_in, .n_out = n_out, .nr = nr, .type = type};
    size_t bytes;
    if (n_out > SIZE_MAX - nr || n_in > SIZE_MAX - LL_Q_BLOCK || !ll_mul(n_in, sizeof(float) * nr, &bytes))
        return ll_fail(LLMCS_NOMEM, "%s: %zu x %zu weights are more than can be addressed", name, n_out, n_in);
    if (ll_is_integer_type(type) && n_in > LL_Q_MAX_INPUTS)
        return ll_fail(LLMCS_LIMIT, "%s: %zu inputs; integer weights have at most %d", name, n_in, LL_Q_MAX_INPUTS);
    linear->panel_bytes = nr * ll_output_bytes(type, n_in);
    LL_TRY(ll_alloc(a, packed_outputs(n_out, nr) / nr, linear->panel_bytes, name, &linear->packed));
    clear(linear);
    if (!with_bias) return LLMCS_OK;
    llmcs_status st = ll_alloc(a, n_out, sizeof(float), name, &linear->bias);
    if (st) ll_linear_free(linear, a);
    return st;
}

void ll_linear_free(ll_linear *linear, const llmcs_allocator *a) {
    ll_free(a, linear->packed);
    ll_free(a, linear->bias);
    *linear = (ll_linear){0};
}

/* -------------------------------------------------------------------------------------------------- places */

static char *panel_of(const ll_linear *linear, size_t out) {
    return (char *)linear->packed + out / linear->nr * linear->panel_bytes;
}

/* Of Q8. */
static float *scale_of(const ll_linear *linear, size_t out) {
    return (float *)(void *)panel_of(linear, out) + out % linear->nr;
}

/* Where the numbers of a unit of inputs lie, of which each output has 4 bytes (F16: 2): one of F32 and F16, two of
 * BF16, four of Q8. The next unit is nr such places on. */
static char *unit_of(const ll_linear *linear, size_t out, size_t k) {
    const size_t nr = linear->nr, j = out % nr;
    char *panel = panel_of(linear, out);
    switch (linear->type) {
        case LL_F16:
            return panel + (k * nr + j) * 2;
        case LL_BF16:
            return panel + (k / 2 * nr + j) * 4;
        case LL_Q8:
            return panel + (nr + k / 4 * nr + j) * 4;
        default:
            return panel + (k * nr + j) * 4;
    }
}

static size_t unit_inputs(ll_weight_type type) { return type == LL_Q8 ? 4 : type == LL_BF16 ? 2 : 1; }

/* A block of Q4: the scale and the first of its four groups of bytes. */
typedef struct q4_place {
    uint16_t *scale;
    char *bytes; /* group g is 4 * nr * g bytes on */
} q4_place;

static q4_place q4_block_of(const ll_linear *linear, size_t out, size_t k) {
    const size_t nr = linear->nr, j = out % nr;
    char *block = panel_of(linear, out) + k / LL_Q_BLOCK * nr * (2 + LL_Q_BLOCK / 2);
    return (q4_place){(uint16_t *)(void *)block + j, block + nr * 2 + j * 4};
}

/* ------------------------------------------------------------------------------------------------- reading */

/* A weight of Q4 with the eight that is added to it. */
static int q4_value(const ll_linear *linear, q4_place block, size_t k) {
    const size_t i = k % LL_Q_BLOCK, byte = i % 16;
    const int both = (unsigned char)block.bytes[byte / 4 * linear->nr * 4 + byte % 4];
    return i < 16 ? both & 15 : both >> 4;
}

static void row_q4(const ll_linear *linear, size_t out, float *row) {
    for (size_t k = 0; k < linear->n_in; k++) {
        const q4_place block = q4_block_of(linear, out, k);
        row[k] = ll_half_to_float(*block.scale) * (float)(q4_value(linear, block, k) - LL_Q4_ZERO);
    }
}

uint64_t ll_linear_code(const ll_linear *linear, size_t out, size_t k) {
    const void *unit = linear->type == LL_Q4 ? NULL : unit_of(linear, out, k);
    switch (linear->type) {
        case LL_F32:
            return ll_float_bits(*(const float *)unit);
        case LL_F16:
            return *(const uint16_t *)unit;
        case LL_BF16:
            return ((const uint16_t *)unit)[k % 2];
        case LL_Q8:
            return (uint64_t)ll_float_bits(*scale_of(linear, out)) << 8 | ((const unsigned char *)unit)[k % 4];
        case LL_Q4:
            break;
    }
    const q4_place block = q4_block_of(linear, out, k);
    return (uint64_t)*block.scale << 8 | (uint64_t)q4_value(linear, block, k);
}

void ll_linear_row(const ll_linear *linear, size_t out, float *row) {
    const size_t n = linear->n_in, nr = linear->nr;
    const char *at = linear->type == LL_Q4 ? NULL : unit_of(linear, out, 0);
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
            const float scale = *scale_of(linear, out);
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

/* ----------------------------------------------------------------------------- rows of values are outputs */

/* n inputs of one output, of which the first is k: so many units, each nr places after the last. */
static void put_run(const ll_linear *linear, size_t out, size_t k, const float *values, size_t n, float inverse) {
    const size_t nr = linear->nr, n_units = (n + unit_inputs(linear->type) - 1) / unit_inputs(linear->type);
    union {
        uint16_t halves[INPUTS_AT_ONCE];
        uint8_t bytes[INPUTS_AT_ONCE];
        uint32_t units[INPUTS_AT_ONCE];
    } run;
    uint32_t *to = (uint32_t *)(void *)unit_of(linear, out, k);
    switch (linear->type) {
        case LL_F16: {
            uint16_t *halves = (uint16_t *)(void *)to;
            for (size_t i = 0; i < n; i++) run.halves[i] = ll_float_to_half(values[i]);
            for (size_t i = 0; i < n; i++) halves[i * nr] = run.halves[i];
            return;
        }
        case LL_BF16:
            run.halves[2 * n_units - 1] = 0;
            for (size_t i = 0; i < n; i++) run.halves[i] = ll_float_to_bfloat(values[i]);
            break;
        case LL_Q8:
            if (n % 4) memset(run.bytes + n / 4 * 4, LL_Q8_ZERO, 4);
            ll_narrow_q8(values, n, inverse, LL_Q8_ZERO, run.bytes);
            break;
        default:
            memcpy(run.units, values, n * sizeof *values);
            break;
    }
    for (size_t i = 0; i < n_units; i++) to[i * nr] = run.units[i];
}

/* One block of Q4, filled up with zeros. */
static void put_q4_block(const ll_linear *linear, size_t out, size_t k, const float *values, size_t n) {
    float whole[LL_Q_BLOCK] = {0};
    uint8_t packed[LL_Q_BLOCK / 2];
    const q4_place place = q4_block_of(linear, out, k);
    memcpy(whole, values, n * sizeof *values);
    *place.scale = ll_narrow_q4_block(whole, packed);
    for (size_t g = 0; g < 4; g++) memcpy(place.bytes + g * linear->nr * 4, packed + 4 * g, 4);
}

static float inverse_of(float scale) { return scale >= LL_Q_SMALLEST ? 1.0f / scale : 0.0f; }

/* A transposition, some inputs at a time. */
static void put_out_in(const ll_linear *linear, const float *values, const ll_rectangle *part, size_t first_out) {
    const size_t nr = linear->nr, step = linear->type == LL_Q4 ? LL_Q_BLOCK : INPUTS_AT_ONCE;
    for (size_t r0 = 0; r0 < part->n_rows; r0 += nr) {
        const size_t r1 = ll_min(r0 + nr, part->n_rows);
        for (size_t c = 0; c < part->n_columns; c += step) {
            const size_t n = ll_min(step, part->n_columns - c);
            for (size_t r = r0; r < r1; r++) {
                const size_t out = first_out + part->row + r, k = part->column + c;
                const float *from = values + r * part->n_columns + c;
                if (linear->type == LL_Q4)
                    put_q4_block(linear, out, k, from, n);
                else
                    put_run(linear, out, k, from, n, linear->type == LL_Q8 ? inverse_of(*scale_of(linear, out)) : 0);
            }
        }
    }
}

/* ------------------------------------------------------------------------------ rows of values are inputs */

/* n neighbouring outputs of one panel, beginning with `out`, of the unit of floats whose first input is row r of the
 * values: rows beyond the rectangle are zeros. */
static void put_unit(const ll_linear *linear, size_t out, size_t n, const float *values, const ll_rectangle *part,
                     size_t r) {
    const size_t inputs = unit_inputs(linear->type), ld = part->n_columns;
    char *to = unit_of(linear, out, part->row + r);
    for (size_t i = 0; i < inputs && r + i < part->n_rows; i++) {
        const float *from = values + (r + i) * ld;
        switch (linear->type) {
            case LL_F16:
                for (size_t j = 0; j < n; j++) ((uint16_t *)(void *)to)[j] = ll_float_to_half(from[j]);
                break;
            case LL_BF16:
                for (size_t j = 0; j < n; j++) ((uint16_t *)(void *)to)[j * 2 + i] = ll_float_to_bfloat(from[j]);
                break;
            default:
                for (size_t j = 0; j < n; j++) ((float *)(void *)to)[j] = from[j];
                break;
        }
    }
}

/* n neighbouring outputs of one panel of Q8, all inputs of the rectangle. */
static void put_q8_columns(const ll_linear *linear, size_t out, size_t n, const float *values,
                           const ll_rectangle *part) {
    const size_t ld = part->n_columns;
    const float *scales = scale_of(linear, out);
    float inverses[MAX_NR];
    uint8_t rows[4][MAX_NR];
    for (size_t j = 0; j < n; j++) inverses[j] = inverse_of(scales[j]);
    for (size_t r = 0; r < part->n_rows; r += 4) {
        uint32_t *to = (uint32_t *)(void *)unit_of(linear, out, part->row + r);
        for (size_t i = 0; i < 4; i++) {
            if (r + i < part->n_rows)
                ll_narrow_q8_each(values + (r + i) * ld, n, inverses, LL_Q8_ZERO, rows[i]);
            else
                memset(rows[i], LL_Q8_ZERO, n);
        }
        for (size_t j = 0; j < n; j++) {
            const uint8_t four[4] = {rows[0][j], rows[1][j], rows[2][j], rows[3][j]};
            memcpy(to + j, four, 4);
        }
    }
}

/* n neighbouring outputs of one block of Q4 whose first input is row r. */
static void put_q4_column(const ll_linear *linear, size_t out, size_t n, const float *values, const ll_rectangle *part,
                          size_t r) {
    const size_t n_rows = ll_min(LL_Q_BLOCK, part->n_rows - r);
    for (size_t j = 0; j < n; j++) {
        float block[LL_Q_BLOCK];
        for (size_t i = 0; i < n_rows; i++) block[i] = values[(r + i) * part->n_columns + j];
        put_q4_block(linear, out + j, part->row + r, block, n_rows);
    }
}

static void put_in_out(const ll_linear *linear, const float *values, const ll_rectangle *part, size_t first_out) {
    const size_t nr = linear->nr, step = linear->type == LL_Q4 ? LL_Q_BLOCK : unit_inputs(linear->type);
    for (size_t c = 0, n; c < part->n_columns; c += n) {
        const size_t out = first_out + part->column + c;
        n = ll_min(nr - out % nr, part->n_columns - c);
        if (linear->type == LL_Q8) {
            put_q8_columns(linear, out, n, values + c, part);
            continue;
        }
        for (size_t r = 0; r < part->n_rows; r += step) {
            if (linear->type == LL_Q4)
                put_q4_column(linear, out, n, values + c, part, r);
            else
                put_unit(linear, out, n, values + c, part, r);
        }
    }
}

void ll_linear_put(ll_linear *linear, ll_weight_layout layout, const ll_rectangle *part, size_t first_out,
                   const float *values) {
    if (layout == LL_IN_OUT)
        put_in_out(linear, values, part, first_out);
    else
        put_out_in(linear, values, part, first_out);
}

/* ------------------------------------------------------------------------------------------------ measuring */

/* The scale that holds a value of this size. */
static float scale_for(float size) { return size * (1.0f / 127.0f); }

/* Compared as integers, which the bits of positive floats are ordered as: so compilers make vector code of it. */
static float largest_of_row(const float *values, size_t n) {
    int32_t largest = 0;
    for (size_t i = 0; i < n; i++) {
        const int32_t size = (int32_t)(ll_float_bits(values[i]) & 0x7fffffffu);
        largest = size > largest ? size : largest;
    }
    return ll_float_from_bits((uint32_t)largest);
}

static void raise_to(float *scale, float size) {
    const float needed = scale_for(size);
    *scale = needed > *scale ? needed : *scale;
}

void ll_linear_measure(ll_linear *linear, ll_weight_layout layout, const ll_rectangle *part, size_t first_out,
                       const float *values) {
    for (size_t r = 0; r < part->n_rows; r++) {
        const float *row = values + r * part->n_columns;
        if (layout == LL_OUT_IN) {
            raise_to(scale_of(linear, first_out + part->row + r), largest_of_row(row, part->n_columns));
            continue;
        }
        for (size_t c = 0; c < part->n_columns; c++)
            raise_to(scale_of(linear, first_out + part->column + c), fabsf(row[c]));
    }
}
