/* y = act(x W^T + b) + residual: applying a packed weight. How it is packed is pack.c's. */
#include <math.h>
#include <string.h>

#include "kernels/openblas/openblas.h"
#include "nn/nn.h"

/* What is worked before going on to the next columns: so many rows by so many columns, or the same area in another
 * shape. The columns' weights stay in the second-level cache from one group of rows to the next, and the results are
 * still there when the activation is applied. */
#define ROWS_AT_ONCE 192
#define COLUMNS_AT_ONCE 64
/* What all columns pass over before other rows, or of floats other inputs of these rows, are taken: a block of x that
 * stays in the second-level cache while panels pass through it. */
#define BLOCK_BYTES ((size_t)384 << 10)
#define BLOCK_LEAST_FLOATS 64 /* rows, however long; of bytes as many as are worked at once */
#define BLOCK_INPUTS 1024     /* a multiple of what any row of kernels takes at once */
/* Columns are dealt to threads that call OpenBLAS in multiples of this: its own tiles are up to 16 wide. */
#define OPENBLAS_UNIT 16

static void activate(const ll_kernels *k, int activation, float *x, size_t n) {
    switch (activation) {
        case LL_ACT_GELU:
            k->gelu_erf(x, x, n);
            break;
        case LL_ACT_GELU_NEW:
            k->gelu_tanh(x, x, n);
            break;
        case LL_ACT_RELU:
            k->relu(x, x, n);
            break;
        case LL_ACT_TANH:
            k->tanh(x, x, n);
            break;
        default:
            break;
    }
}

/* What becomes of results while they are in the cache. */
typedef struct after {
    int activation;
    float *block_max; /* [n_rows, n_blocks] the largest of each block of a row, or NULL; begins with the first column */
    size_t n_blocks;  /* of a whole row */
} after;

static const after nothing = {.activation = LL_ACT_NONE};

/* n results y of a row, from column j on, which begins a block if `a` wants them. */
static void finish_results(const ll_kernels *k, const after *a, size_t row, size_t j, float *y, size_t n) {
    activate(k, a->activation, y, n);
    if (!a->block_max) return;
    float *max = a->block_max + row * a->n_blocks + j / LL_ROW_BLOCK;
    if (!k->block_max(y, n, max)) *max = NAN;
}

/* Columns in which results are divided: whole panels, and whole blocks if `a` wants those. */
static size_t unit_of(const ll_exec *exec, const ll_linear *linear, const after *a) {
    const size_t panel = exec->openblas ? OPENBLAS_UNIT : linear->nr;
    return a->block_max && panel % LL_ROW_BLOCK ? LL_ROW_BLOCK : panel; /* smaller panels are divisors of a block */
}

/* What this thread reads first of the linear that is applied after this one, as far as can be told. */
static const void *first_of_next(const ll_exec *exec, const ll_linear *linear) {
    const ll_linear *next = linear->next;
    if (!next || !next->packed || next->nr != linear->nr) return NULL;
    const size_t size = (size_t)exec->team->size, width = next->n_parts ? next->n_out / next->n_parts : next->n_out;
    size_t begin, end;
    ll_team_share(exec->team, width % (size * next->nr) ? next->n_out : width, next->nr, &begin, &end);
    return (const char *)next->packed + begin / next->nr * next->panel_bytes;
}

/* One thread's part of a product in our own kernels, and how it is cut. */
typedef struct piece {
    const ll_linear *linear;
    const char *x; /* rows of floats, or quantised */
    size_t x_stride, n_rows;
    size_t begin, end;   /* columns */
    size_t rows, inputs; /* of a block of x */
    size_t columns_step, rows_step;
    float *y, *sums; /* sums: as y, those of the blocks before */
    const float *residual;
    const after *after;
} piece;

static void cut_into_blocks(const ll_exec *exec, piece *p) {
    const bool integers = ll_is_integer_type(p->linear->type);
    p->rows = p->n_rows;
    p->inputs = p->linear->n_in;
    p->sums = p->residual == p->y ? exec->sums : p->y;
    if (p->n_rows * p->x_stride > BLOCK_BYTES && integers) {
        p->rows = ll_max(BLOCK_BYTES / p->x_stride, ROWS_AT_ONCE);
    } else if (p->n_rows * p->x_stride > BLOCK_BYTES) {
        if (p->sums) p->inputs = ll_min(p->inputs, BLOCK_INPUTS);
        p->rows = ll_max(BLOCK_BYTES / (p->inputs * sizeof(float)), BLOCK_LEAST_FLOATS);
    }
    p->rows_step = ll_min(ll_min(p->rows, p->n_rows), ROWS_AT_ONCE);
    p->columns_step = ll_round_up(COLUMNS_AT_ONCE * ROWS_AT_ONCE / p->rows_step, unit_of(exec, p->linear, p->after));
}

/* What one panel after the other is read for. */
typedef struct place {
    size_t row, input, column;
} place;

/* Goes on: to the next columns, or the next inputs, or the next rows. False: that was all. */
static bool next_place(const piece *p, place *at) {
    at->column += p->columns_step;
    if (at->column < p->end) return true;
    at->column = p->begin;
    at->input += p->inputs;
    if (at->input < p->linear->n_in) return true;
    at->input = 0;
    at->row += p->rows;
    return at->row < p->n_rows;
}

static const char *weights_at(const ll_linear *linear, const place *at) {
    const size_t inside = at->input ? linear->nr * ll_output_bytes(linear->type, at->input) : 0;
    return (const char *)linear->packed + at->column / linear->nr * linear->panel_bytes + inside;
}

/* The columns and inputs of a place for its rows; next: what to ask the memory for meanwhile, or NULL. */
static void apply_at(const ll_exec *exec, const piece *p, const place *at, const void *next) {
    const ll_linear *linear = p->linear;
    const size_t n_out = linear->n_out, end = ll_min(at->row + p->rows, p->n_rows);
    const bool last = at->input + p->inputs >= linear->n_in;
    ll_product product = {.x_stride = p->x_stride,
                          .w = weights_at(linear, at),
                          .panel_bytes = linear->panel_bytes,
                          .n_in = ll_min(p->inputs, linear->n_in - at->input),
                          .n_out = ll_min(p->columns_step, p->end - at->column),
                          .bias = last && linear->bias ? linear->bias + at->column : NULL,
                          .ldy = n_out,
                          .next = next};
    for (size_t r = at->row; r < end; r += product.n_rows, product.next = NULL) {
        const size_t first = r * n_out + at->column;
        product.n_rows = ll_min(p->rows_step, end - r);
        product.x = p->x + r * p->x_stride + at->input * sizeof(float);
        product.sums = at->input ? p->sums + first : NULL;
        product.residual = last && p->residual ? p->residual + first : NULL;
        product.y = (last ? p->y : p->sums) + first;
        exec->kernels->matmul[linear->type](&product);
        for (size_t i = 0; last && i < product.n_rows; i++)
            finish_results(exec->kernels, p->after, r + i, at->column, product.y + i * n_out, product.n_out);
    }
}

static void apply_packed(const ll_exec *exec, piece *p, const void *next) {
    cut_into_blocks(exec, p);
    place at = {.column = p->begin}, then = at;
    for (bool more = true; more; at = then) {
        more = next_place(p, &then);
        apply_at(exec, p, &at, more ? weights_at(p->linear, &then) : next);
    }
}

/* Of so few rows every thread makes its own copy, which is quicker than to wait for the others. */
#define OWN_COPY_ROWS 2

size_t ll_quantized_bytes(const ll_kernels *kernels, size_t n_in, size_t n_rows, size_t n_threads) {
    return ll_q_row_bytes(kernels->q_bytes, n_in) * ll_max(n_rows, OWN_COPY_ROWS * n_threads);
}

size_t ll_normed_rows(size_t n_rows, size_t n_threads) { return ll_max(n_rows, OWN_COPY_ROWS * n_threads); }

/* Where the rows of this pass are, that all threads see or only this one does, and in 8 bits. */
typedef struct copies {
    size_t begin, end;   /* rows that this thread makes */
    size_t first_of_own; /* where its own copy begins, in rows; 0 for the common one */
    size_t stride;       /* of a row in 8 bits */
    bool common;
} copies;

static copies copies_of(const ll_exec *exec, const ll_linear *linear, size_t n_rows, bool common) {
    copies c = {.end = n_rows, .common = common};
    if (ll_is_integer_type(linear->type)) c.stride = ll_q_row_bytes(exec->kernels->q_bytes, linear->n_in);
    if (common)
        ll_team_share(exec->team, n_rows, 1, &c.begin, &c.end);
    else
        c.first_of_own = (size_t)exec->team->index * OWN_COPY_ROWS;
    return c;
}

static char *quantized_row(const ll_exec *exec, const copies *c, size_t r) {
    return (char *)exec->quantized + (c->first_of_own + r) * c->stride;
}

ll_input ll_linear_input(const ll_exec *exec, const ll_linear *linear, const float *x, size_t n_rows) {
    if (!ll_is_integer_type(linear->type)) return (ll_input){x, x, linear->n_in * sizeof *x, n_rows};
    const copies c = copies_of(exec, linear, n_rows, n_rows > OWN_COPY_ROWS);
    for (size_t r = c.begin; r < c.end; r++)
        exec->kernels->quantize(x + r * linear->n_in, linear->n_in, linear->type == LL_Q4, quantized_row(exec, &c, r));
    if (c.common) ll_team_wait(exec->team);
    return (ll_input){x, quantized_row(exec, &c, 0), c.stride, n_rows};
}

ll_input ll_norm_input(const ll_exec *exec, const ll_norm *norm, const ll_linear *linear, const float *x, size_t n_rows,
                       float *normed) {
    const copies c = copies_of(exec, linear, n_rows, n_rows > OWN_COPY_ROWS || normed == x);
    float *rows = normed + c.first_of_own * norm->n;
    for (size_t r = c.begin; r < c.end; r++) {
        float *row = rows + r * norm->n;
        exec->kernels->layer_norm(x + r * norm->n, norm->weight, norm->bias, norm->eps, row, norm->n);
        if (c.stride) exec->kernels->quantize(row, norm->n, linear->type == LL_Q4, quantized_row(exec, &c, r));
    }
    if (c.common) ll_team_wait(exec->team);
    if (!c.stride) return (ll_input){rows, rows, norm->n * sizeof *rows, n_rows};
    return (ll_input){rows, quantized_row(exec, &c, 0), c.stride, n_rows};
}

/* This thread's columns in OpenBLAS. */
static void apply_openblas(const ll_exec *exec, const ll_linear *linear, const float *x, size_t n_rows, const after *a,
                           const float *residual, float *y, size_t begin, size_t end) {
    const size_t n_in = linear->n_in, n_out = linear->n_out;
    const ll_product product = {.x = x,
                                .x_stride = n_in * sizeof *x,
                                .n_rows = n_rows,
                                .w = (const float *)linear->packed + begin * n_in,
                                .n_in = n_in,
                                .n_out = end - begin,
                                .bias = linear->bias ? linear->bias + begin : NULL,
                                .residual = residual ? residual + begin : NULL,
                                .y = y + begin,
                                .ldy = n_out};
    ll_openblas_matmul(exec->openblas, &product);
    for (size_t r = 0; r < n_rows; r++) finish_results(exec->kernels, a, r, begin, y + r * n_out + begin, end - begin);
}

/* The outputs [begin, end). */
static void apply(const ll_exec *exec, const ll_linear *linear, const ll_input *in, const after *a,
                  const float *residual, float *y, size_t begin, size_t end, const void *next) {
    if (begin == end || in->n_rows == 0) return;
    if (exec->openblas)
        apply_openblas(exec, linear, in->floats, in->n_rows, a, residual, y, begin, end);
    else
        apply_packed(exec,
                     &(piece){.linear = linear,
                              .x = in->rows,
                              .x_stride = in->stride,
                              .n_rows = in->n_rows,
                              .begin = begin,
                              .end = end,
                              .y = y,
                              .residual = residual,
                              .after = a},
                     next);
}

/* This thread's share of the outputs. */
static void apply_share(const ll_exec *exec, const ll_linear *linear, const ll_input *in, const after *a,
                        const float *residual, float *y) {
    size_t begin, end;
    ll_team_share(exec->team, linear->n_out, unit_of(exec, linear, a), &begin, &end);
    apply(exec, linear, in, a, residual, y, begin, end, first_of_next(exec, linear));
}

void ll_linear_apply_to(const ll_exec *exec, const ll_linear *linear, const ll_input *in, int activation,
                        const float *residual, float *y) {
    apply_share(exec, linear, in, &(after){.activation = activation}, residual, y);
}

void ll_linear_apply(const ll_exec *exec, const ll_linear *linear, const float *x, size_t n_rows, int activation,
                     const float *residual, float *y) {
    if (n_rows == 0) return;
    const ll_input in = ll_linear_input(exec, linear, x, n_rows);
    ll_linear_apply_to(exec, linear, &in, activation, residual, y);
}

void ll_linear_apply_with_max(const ll_exec *exec, const ll_linear *linear, const float *x, size_t n_rows, float *y,
                              float *block_max) {
    if (n_rows == 0) return;
    const ll_input in = ll_linear_input(exec, linear, x, n_rows);
    const after a = {LL_ACT_NONE, block_max, ll_row_blocks(linear->n_out)};
    apply_share(exec, linear, &in, &a, NULL, y);
}

void ll_linear_apply_parts(const ll_exec *exec, const ll_linear *linear, const ll_input *in, size_t n_parts,
                           size_t begin, size_t end, float *y) {
    const size_t width = linear->n_out / n_parts;
    for (size_t i = 0; i < n_parts; i++) {
        const char *part = (const char *)linear->packed + ((i + 1) * width + begin) / linear->nr * linear->panel_bytes;
        apply(exec, linear, in, &nothing, NULL, y, i * width + begin, i * width + end,
              i + 1 < n_parts ? part : first_of_next(exec, linear));
    }
}
