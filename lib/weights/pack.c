/* Allocates a linear and packs a matrix into its panels of nr outputs (kernels/panels.h). */
#include "weights/pack.h"

#include <string.h>

#include "base/half.h"
#include "formats/quantize_columns.h"
#include "nn/panel.h"

#define MAX_NR LL_QUANTIZE_COLUMNS   /* of any kernel set */
#define TRANSPOSED_INPUTS LL_Q_BLOCK /* put_out_in transposes this many inputs */
#define TRANSPOSED_OUTPUTS 16        /* of this many outputs at a time: a cache line */

/* -------------------------------------------------------------------------------------------------- memory */

static size_t packed_outputs(size_t n_out, size_t nr) { return n_out / nr * nr + (n_out % nr ? nr : 0); }

uint64_t ll_linear_bytes(const ll_kernels *kernels, ll_weight_type type, size_t n_in, size_t n_out, bool with_bias) {
    return (uint64_t)ll_output_bytes(type, n_in) * packed_outputs(n_out, kernels->nr) +
           (with_bias ? n_out * sizeof(float) : 0);
}

/* Writes zero weights to the last unit or block of inputs if n_in does not fill it. */
static void clear_tail(const ll_linear *linear, char *panel) {
    const size_t nr = linear->nr, n = linear->n_in;
    if (linear->type == LL_BF16 && n % 2) memset(panel + n / 2 * nr * 4, 0, nr * 4);
    if (linear->type != LL_Q8 || n % LL_Q_BLOCK == 0) return;
    const size_t from = (nr + n / 4 * nr) * 4;
    memset(panel + from, LL_Q8_ZERO, linear->panel_bytes - from);
}

static void clear_panel(const ll_linear *linear, size_t index) {
    const size_t scales_bytes = linear->nr * sizeof(float);
    char *panel = (char *)linear->packed + index * linear->panel_bytes;
    memset(panel, 0, linear->panel_bytes);
    if (linear->type == LL_Q8) memset(panel + scales_bytes, LL_Q8_ZERO, linear->panel_bytes - scales_bytes);
}

/* Fills everything that loading does not write with zero weights. */
static void clear_padding(const ll_linear *linear) {
    const size_t n_panels = packed_outputs(linear->n_out, linear->nr) / linear->nr;
    for (size_t p = 0; p < n_panels; p++) clear_tail(linear, (char *)linear->packed + p * linear->panel_bytes);
    if (linear->n_out % linear->nr) clear_panel(linear, n_panels - 1);
}

llmcs_status ll_linear_create(ll_linear *linear, const llmcs_allocator *a, const ll_kernels *kernels,
                              ll_weight_type type, size_t n_in, size_t n_out, bool with_bias, const char *name) {
    const size_t nr = kernels->nr;
    *linear = (ll_linear){.n_in = n_in, .n_out = n_out, .nr = nr, .type = type};
    size_t bytes;
    if (n_out > SIZE_MAX - nr || n_in > SIZE_MAX - LL_Q_BLOCK || !ll_mul(n_in, sizeof(float) * nr, &bytes))
        return ll_fail(LLMCS_NOMEM, "%s: %zu x %zu weights exceed the address space", name, n_out, n_in);
    if (ll_is_integer_type(type) && n_in > LL_Q_MAX_INPUTS)
        return ll_fail(LLMCS_LIMIT, "%s: %zu inputs; integer weights have at most %d", name, n_in, LL_Q_MAX_INPUTS);
    linear->panel_bytes = nr * ll_output_bytes(type, n_in);
    LL_TRY(ll_alloc(a, packed_outputs(n_out, nr) / nr, linear->panel_bytes, name, &linear->packed));
    clear_padding(linear);
    if (kernels->prepare) kernels->prepare(type);
    if (!with_bias) return LLMCS_OK;
    llmcs_status st = ll_alloc(a, n_out, sizeof(float), name, &linear->bias);
    if (st) ll_linear_free(linear, a);
    return st;
}

llmcs_status ll_linear_create_gated(ll_linear *linear, const llmcs_allocator *a, const ll_kernels *kernels,
                                    ll_weight_type type, size_t n_in, size_t n_gated, bool with_bias,
                                    const char *name) {
    const size_t n_out = ll_gated_outputs(kernels, n_gated);
    LL_TRY(ll_linear_create(linear, a, kernels, type, n_in, n_out, with_bias, name));
    linear->n_gated = n_gated;
    for (size_t i = 1; n_gated % linear->nr && i <= 2; i++) clear_panel(linear, n_out / linear->nr - i);
    if (with_bias) memset(linear->bias, 0, n_out * sizeof *linear->bias);
    return LLMCS_OK;
}

void ll_linear_free(ll_linear *linear, const llmcs_allocator *a) {
    ll_free(a, linear->packed);
    ll_free(a, linear->bias);
    *linear = (ll_linear){0};
}

/* ------------------------------------------------------------------------------------------------- putting */

/* Some inputs of neighbouring outputs of one panel: x is [n_rows inputs, n outputs]. */
typedef struct columns {
    size_t out, n;    /* the first output, and how many */
    size_t k, n_rows; /* the first input, and how many */
    const float *x;
    size_t ld;
} columns;

/* As float32, or as 16-bit floats. */
static void put_floats(const ll_linear *linear, const columns *c) {
    const size_t inputs = ll_unit_inputs(linear->type);
    for (size_t r = 0; r < c->n_rows; r++) {
        const size_t k = c->k + r, n = c->n;
        const float *from = c->x + r * c->ld;
        char *to = ll_unit_of(linear, c->out, k);
        uint16_t *halves = (uint16_t *)(void *)to;
        if (linear->type == LL_F32) memcpy(to, from, n * sizeof *from);
        if (linear->type == LL_F16)
            for (size_t j = 0; j < n; j++) halves[j] = ll_float_to_half(from[j]);
        if (linear->type == LL_BF16)
            for (size_t j = 0; j < n; j++) halves[j * inputs + k % inputs] = ll_float_to_bfloat(from[j]);
    }
}

static void put_q8(const ll_linear *linear, const columns *c) {
    const float *scales = ll_scale_of(linear, c->out);
    float inverses[MAX_NR];
    for (size_t j = 0; j < c->n; j++) inverses[j] = ll_q8_inverse(scales[j]);
    for (size_t r = 0; r < c->n_rows; r += 4)
        ll_quantize_q8_columns(c->x + r * c->ld, c->ld, ll_min(4, c->n_rows - r), c->n, inverses,
                               (uint32_t *)(void *)ll_unit_of(linear, c->out, c->k + r));
}

static void put_q4(const ll_linear *linear, const columns *c) {
    for (size_t r = 0; r < c->n_rows; r += LL_Q_BLOCK) {
        const ll_q4_block block = ll_q4_block_of(linear, c->out, c->k + r);
        ll_quantize_q4_columns(c->x + r * c->ld, c->ld, ll_min(LL_Q_BLOCK, c->n_rows - r), c->n, block.scale,
                               (uint32_t *)(void *)block.bytes, linear->nr);
    }
}

static void put_columns(const ll_linear *linear, const columns *c) {
    if (linear->type == LL_Q8)
        put_q8(linear, c);
    else if (linear->type == LL_Q4)
        put_q4(linear, c);
    else
        put_floats(linear, c);
}

/* Rows of values are outputs. */
static void put_out_in(const ll_linear *linear, const float *values, const ll_rectangle *part, size_t first_out) {
    float transposed[TRANSPOSED_INPUTS * TRANSPOSED_OUTPUTS];
    columns c = {.x = transposed, .ld = TRANSPOSED_OUTPUTS};
    for (size_t row = 0; row < part->n_rows; row += c.n) {
        c.out = first_out + part->row + row;
        c.n = ll_min(TRANSPOSED_OUTPUTS, ll_min(linear->nr - c.out % linear->nr, part->n_rows - row));
        for (size_t k = 0; k < part->n_columns; k += c.n_rows) {
            c.k = part->column + k;
            c.n_rows = ll_min(TRANSPOSED_INPUTS, part->n_columns - k);
            for (size_t j = 0; j < c.n; j++) {
                const float *from = values + (row + j) * part->n_columns + k;
                for (size_t i = 0; i < c.n_rows; i++) transposed[i * TRANSPOSED_OUTPUTS + j] = from[i];
            }
            put_columns(linear, &c);
        }
    }
}

/* Rows of values are inputs. */
static void put_in_out(const ll_linear *linear, const float *values, const ll_rectangle *part, size_t first_out) {
    columns c = {.k = part->row, .n_rows = part->n_rows, .ld = part->n_columns};
    for (size_t column = 0; column < part->n_columns; column += c.n) {
        c.out = first_out + part->column + column;
        c.n = ll_min(linear->nr - c.out % linear->nr, part->n_columns - column);
        c.x = values + column;
        put_columns(linear, &c);
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

/* Compared as integers, see ll_largest_bits. */
#define COLUMNS_AT_ONCE 256
static void largest_of_columns(const float *values, size_t n_rows, size_t ld, size_t n, int32_t *largest) {
    for (size_t j = 0; j < n; j++) largest[j] = 0;
    for (size_t r = 0; r < n_rows; r++)
        for (size_t j = 0; j < n; j++) {
            const int32_t size = (int32_t)(ll_float_bits(values[r * ld + j]) & 0x7fffffffu);
            largest[j] = size > largest[j] ? size : largest[j];
        }
}

static void measure_columns(ll_linear *linear, const ll_rectangle *part, size_t first_out, const float *values) {
    int32_t largest[COLUMNS_AT_ONCE];
    for (size_t c = 0, n; c < part->n_columns; c += n) {
        n = ll_min(COLUMNS_AT_ONCE, part->n_columns - c);
        largest_of_columns(values + c, part->n_rows, part->n_columns, n, largest);
        for (size_t j = 0; j < n; j++) {
            float *scale = ll_scale_of(linear, first_out + part->column + c + j);
            const float needed = ll_q8_scale(ll_float_from_bits((uint32_t)largest[j]));
            *scale = part->row == 0 || needed > *scale ? needed : *scale;
        }
    }
}

void ll_linear_measure(ll_linear *linear, ll_weight_layout layout, const ll_rectangle *part, size_t first_out,
                       const float *values) {
    if (layout == LL_IN_OUT) {
        measure_columns(linear, part, first_out, values);
        return;
    }
    for (size_t r = 0; r < part->n_rows; r++) { /* of whole rows */
        const uint32_t largest = ll_largest_bits(values + r * part->n_columns, part->n_columns);
        *ll_scale_of(linear, first_out + part->row + r) = ll_q8_scale(ll_float_from_bits(largest));
    }
}
