/* Loads a tensor of a checkpoint into a linear through a staging buffer of fixed size. */
#include <math.h>
#include <string.h>

#include "base/half.h"
#include "formats/convert.h"
#include "weights/pack.h"

/* Columns of an LL_IN_OUT tensor that are staged at a time, so that LL_Q_BLOCK rows fit. */
#define MAX_COLUMNS (LL_STAGE_FLOATS / LL_Q_BLOCK)
/* Outputs of one load: enough to keep a thread busy, few enough that threads finish together. */
#define OUTPUTS_AT_ONCE 4096

size_t ll_linear_load_step(const ll_linear *linear, ll_weight_layout layout) {
    return layout == LL_OUT_IN ? ll_round_up(OUTPUTS_AT_ONCE, linear->nr) : 0;
}

/* ------------------------------------------------------------------------------------------------- checking */

/* Exponent bits all set: infinity or NaN, whatever the floating-point environment. */
static bool is_finite_bits(float x) { return (ll_float_bits(x) & 0x7f800000u) != 0x7f800000u; }

llmcs_status ll_weights_check_finite(const ll_tensors *tensors, const ll_tensor *tensor, const float *values,
                                     uint64_t first, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!is_finite_bits(values[i]))
            return ll_fail(LLMCS_FORMAT, "%s: tensor \"%s\": element %llu is %s; expected a finite number",
                           ll_tensors_path(tensors, tensor), tensor->name, (unsigned long long)(first + i),
                           values[i] != values[i] ? "NaN" : "infinite");
    return LLMCS_OK;
}

/* Magnitudes from here on become infinite as binary16, or in the binary16 scale of a Q4 block, which is an eighth of
 * the block's maximum. */
static float first_infinite_as(ll_weight_type type) { return type == LL_F16 ? 65520.0f : 8 * 65520.0f; }

static llmcs_status check_size(const ll_weight_source *s, ll_weight_type type, const float *values, size_t n,
                               uint64_t first) {
    for (size_t i = 0; i < n; i++)
        if (is_finite_bits(values[i]) && fabsf(values[i]) >= first_infinite_as(type))
            return ll_fail(LLMCS_UNSUPPORTED,
                           "%s: tensor \"%s\": element %llu is %g, too large for %s; use another weight type",
                           ll_tensors_path(s->tensors, s->tensor), s->tensor->name, (unsigned long long)(first + i),
                           (double)values[i], type == LL_F16 ? "float16" : "int4");
    return LLMCS_OK;
}

/* Elements are checked one by one only if the maximum is out of range. */
static llmcs_status check_values(const ll_weight_source *s, ll_weight_type type, const float *values, size_t n,
                                 uint64_t first) {
    const bool finite = s->check_finite || ll_is_integer_type(type);
    const bool halves = s->tensor->dtype == LL_DTYPE_F16 && !s->tensor->change;
    const bool bounded = (type == LL_F16 || type == LL_Q4) && !halves;
    if (!finite && !bounded) return LLMCS_OK;
    const uint32_t most = ll_largest_bits(values, n);
    if (most < ll_float_bits(bounded ? first_infinite_as(type) : INFINITY)) return LLMCS_OK;
    if (finite) LL_TRY(ll_weights_check_finite(s->tensors, s->tensor, values, first, n));
    return bounded ? check_size(s, type, values, n, first) : LLMCS_OK;
}

/* -------------------------------------------------------------------------------------------------- reading */

/* The two walks over an LL_IN_OUT tensor: Q8 needs the maximum over all inputs of an output before it can pack any. */
typedef enum load_step { MEASURE, PUT } load_step;

typedef struct tensor_load {
    ll_linear *linear;
    const ll_weight_source *source;
    float *stage;
    bool stored; /* the tensor is packed without conversion to float32 */
} tensor_load;

/* Index of the tensor's element at `row` and `column` of a rectangle. */
static uint64_t first_element(const ll_weight_source *s, uint64_t row, uint64_t column) {
    const uint64_t width = s->tensor->shape[1];
    if (s->layout == LL_IN_OUT) return row * width + s->skipped + column;
    if (s->paired) row = ll_paired_output(s->paired, row);
    return (s->skipped + row) * width + column;
}

static bool reads_whole(const ll_weight_source *s, const ll_rectangle *part) {
    return part->n_columns == s->tensor->shape[1] && !s->paired;
}

/* Reads a rectangle into the stage, in one read if its rows are contiguous. */
static llmcs_status read_rectangle(const tensor_load *l, const ll_rectangle *part) {
    const ll_weight_source *s = l->source;
    const bool whole = reads_whole(s, part);
    const size_t n_reads = whole ? 1 : part->n_rows, n = whole ? part->n_rows * part->n_columns : part->n_columns;
    for (size_t i = 0; i < n_reads; i++) {
        const uint64_t first = first_element(s, part->row + i, part->column);
        float *values = l->stage + i * n;
        LL_TRY(ll_tensors_read_f32(s->tensors, s->tensor, first, n, values));
        LL_TRY(check_values(s, l->linear->type, values, n, first));
    }
    return LLMCS_OK;
}

/* Packs a rectangle in its stored type. *done is false if it contains a value that is not finite: the caller then
 * converts it to float32, which reports the element. */
static llmcs_status pack_stored_rectangle(const tensor_load *l, const ll_rectangle *part, bool *done) {
    const ll_weight_source *s = l->source;
    const ll_dtype_block block = ll_dtype_block_of(s->tensor->dtype);
    const bool whole = reads_whole(s, part);
    const size_t n_reads = whole ? 1 : part->n_rows;
    const size_t n_bytes = (whole ? part->n_rows : 1) * part->n_columns / block.elements * block.bytes;
    unsigned char *raw = (unsigned char *)l->stage;
    for (size_t i = 0; i < n_reads; i++) {
        const uint64_t first = first_element(s, part->row + i, part->column) / block.elements * block.bytes;
        LL_TRY(ll_tensors_read_raw(s->tensors, s->tensor, first, n_bytes, raw + i * n_bytes));
    }
    *done = ll_linear_put_stored(l->linear, s->kernels, s->layout, part, s->first_out, s->check_finite, raw);
    return LLMCS_OK;
}

static llmcs_status load_rectangle(const tensor_load *l, const ll_rectangle *part, bool measure, bool put) {
    if (l->stored) {
        bool done;
        LL_TRY(pack_stored_rectangle(l, part, &done));
        if (done) return LLMCS_OK;
    }
    LL_TRY(read_rectangle(l, part));
    if (measure) ll_linear_measure(l->linear, l->source->layout, part, l->source->first_out, l->stage);
    if (put) ll_linear_put(l->linear, l->source->layout, part, l->source->first_out, l->stage);
    return LLMCS_OK;
}

/* Rows of the tensor are outputs: a few whole rows at a time, or a range of a single row if it is longer than the
 * stage. (A Q8 row always fits.) */
static llmcs_status load_out_in(const tensor_load *l, size_t begin, size_t end) {
    const size_t n_columns = (size_t)l->source->tensor->shape[1];
    const size_t columns_step = ll_min(n_columns, LL_STAGE_FLOATS), nr = ll_max(l->linear->nr, 1);
    const size_t fitting = LL_STAGE_FLOATS / columns_step, rows_step = fitting > nr ? fitting / nr * nr : fitting;
    ll_rectangle part;
    for (part.row = begin; part.row < end; part.row += rows_step) {
        part.n_rows = ll_min(rows_step, end - part.row);
        for (part.column = 0; part.column < n_columns; part.column += columns_step) {
            part.n_columns = ll_min(columns_step, n_columns - part.column);
            LL_TRY(load_rectangle(l, &part, l->linear->type == LL_Q8, true));
        }
    }
    return LLMCS_OK;
}

/* Rows of the tensor are inputs: blocks of rows times some columns at a time. */
static llmcs_status walk_in_out(const tensor_load *l, load_step what) {
    const size_t n_rows = (size_t)l->source->tensor->shape[0];
    const size_t n_columns =
        l->source->n_out ? l->source->n_out : (size_t)l->source->tensor->shape[1] - l->source->skipped;
    const size_t n_reads = (n_columns + MAX_COLUMNS - 1) / MAX_COLUMNS;
    const size_t columns_step = ll_min(n_columns, ll_round_up(n_columns / n_reads, 16));
    const size_t rows_step = LL_STAGE_FLOATS / columns_step / LL_Q_BLOCK * LL_Q_BLOCK;
    ll_rectangle part;
    for (part.row = 0; part.row < n_rows; part.row += rows_step) {
        part.n_rows = ll_min(rows_step, n_rows - part.row);
        for (part.column = 0; part.column < n_columns; part.column += columns_step) {
            part.n_columns = ll_min(columns_step, n_columns - part.column);
            LL_TRY(load_rectangle(l, &part, what == MEASURE, what == PUT));
        }
    }
    return LLMCS_OK;
}

/* Every second panel of a gated linear (gate or up), as a linear of its own. */
static ll_linear panels_of(const ll_linear *linear, ll_panels panels) {
    ll_linear view = *linear;
    if (panels == LL_PANELS_ALL) return view;
    if (panels == LL_PANELS_UP) view.packed = (char *)linear->packed + linear->panel_bytes;
    view.panel_bytes *= 2;
    view.n_out = linear->n_gated;
    return view;
}

llmcs_status ll_linear_load(ll_linear *whole, const ll_weight_source *source, size_t begin, size_t end, float *stage) {
    ll_linear view = panels_of(whole, source->panels), *linear = &view;
    const bool stored =
        !source->tensor->change && ll_linear_takes_stored(linear, source->tensor->dtype, source->layout);
    const tensor_load l = {linear, source, stage, stored};
    if (source->tensor->n_elements == 0) return LLMCS_OK;
    if (source->layout == LL_OUT_IN) return load_out_in(&l, begin, end);
    if (linear->type == LL_Q8) LL_TRY(walk_in_out(&l, MEASURE));
    return walk_in_out(&l, PUT);
}
