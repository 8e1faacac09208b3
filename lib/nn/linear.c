/*
 * y = act(x W^T + b) + residual with packed weights (kernels/panels.h). Each thread computes its own outputs, so no two
 * threads add to one sum. multiply_share is the loop nest: rows, inputs and outputs in blocks that fit the caches.
 */
#include <math.h>

#include "kernels/openblas/openblas.h"
#include "nn/nn.h"

/* Rows times outputs of one kernel call; with fewer rows it has more outputs. The weights stay in the second-level
 * cache from one group of rows to the next, and so do the results until the activation reads them. */
#define TILE_ROWS 192
#define TILE_OUTPUTS 64
/* A block of x that stays in the second-level cache while the panels of all outputs pass through it. */
#define BLOCK_BYTES ((size_t)384 << 10)
#define BLOCK_MIN_FLOAT_ROWS 64
#define BLOCK_INPUTS 1024 /* a multiple of every kernel set's step over the inputs */
/* Threads that call OpenBLAS get multiples of this many outputs: its own tiles are up to 16 wide. */
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
        case LL_ACT_SILU:
            k->silu(x, x, n);
            break;
        case LL_ACT_QUICK_GELU:
            k->quick_gelu(x, x, n);
            break;
        default:
            break;
    }
}

/* Operations on results while they are in the cache. */
typedef struct epilogue {
    int activation;
    float *block_max; /* [n_rows, n_blocks] the maximum of each block of a row, or NULL */
    size_t n_blocks;  /* of a whole row */
} epilogue;

/* y: n results of a row from output j on; with block_max, j is the first output of a block. */
static void finish_results(const ll_kernels *k, const epilogue *e, size_t row, size_t j, float *y, size_t n) {
    activate(k, e->activation, y, n);
    if (!e->block_max) return;
    float *max = e->block_max + row * e->n_blocks + j / LL_ROW_BLOCK;
    if (!k->block_max(y, n, max)) *max = NAN;
}

/* Outputs are divided in multiples of this: whole panels, and whole blocks if block_max is wanted. */
static size_t output_unit(const ll_exec *exec, const ll_linear *linear, const epilogue *e) {
    const size_t panel = exec->openblas ? OPENBLAS_UNIT : linear->nr;
    return e->block_max && panel % LL_ROW_BLOCK ? LL_ROW_BLOCK : panel; /* smaller panels are divisors of a block */
}

/* The first weights this thread reads of the linear that is applied next, to prefetch them; NULL if not known. */
static const void *first_of_next(const ll_exec *exec, const ll_linear *linear) {
    const ll_linear *next = linear->next;
    if (!next || !next->packed || next->nr != linear->nr) return NULL;
    const size_t size = (size_t)exec->team->size, width = next->n_queries ? next->n_queries : next->n_out;
    const size_t unit = next->n_gated ? 2 * next->nr : next->nr;
    size_t begin, end;
    ll_team_share(exec->team, width % (size * unit) ? next->n_out : width, unit, &begin, &end);
    return (const char *)next->packed + begin / next->nr * next->panel_bytes;
}

/* One thread's share of a product: outputs [begin, end) of all rows. */
typedef struct share {
    const ll_linear *linear;
    const ll_input *in;
    size_t begin, end;
    float *y;
    const float *residual;
    const epilogue *epilogue;
    const void *next; /* weights to prefetch at the end, or NULL */
} share;

/* Sizes of the blocks that multiply_share loops over. */
typedef struct blocking {
    size_t rows, inputs;            /* a block of x */
    size_t tile_rows, tile_outputs; /* one call of the kernel */
    float *acc;                     /* as y: the sums of the input blocks before; NULL: all inputs are one block */
} blocking;

static blocking blocking_of(const ll_exec *exec, const share *s) {
    const size_t n_rows = s->in->n_rows, n_in = s->linear->n_in, stride = s->in->stride;
    blocking b = {.rows = n_rows, .inputs = n_in, .acc = s->residual == s->y ? exec->acc : s->y};
    if (n_rows * stride > BLOCK_BYTES && ll_is_integer_type(s->linear->type)) {
        b.rows = ll_max(BLOCK_BYTES / stride, TILE_ROWS);
    } else if (n_rows * stride > BLOCK_BYTES) {
        if (b.acc) b.inputs = ll_min(n_in, BLOCK_INPUTS);
        b.rows = ll_max(BLOCK_BYTES / (b.inputs * sizeof(float)), BLOCK_MIN_FLOAT_ROWS);
    }
    b.tile_rows = ll_min(ll_min(b.rows, n_rows), TILE_ROWS);
    b.tile_outputs = ll_round_up(TILE_OUTPUTS * TILE_ROWS / b.tile_rows, output_unit(exec, s->linear, s->epilogue));
    return b;
}

static const char *weights_at(const ll_linear *linear, size_t out, size_t k) {
    const size_t inside = k ? linear->nr * ll_output_bytes(linear->type, k) : 0;
    return (const char *)linear->packed + out / linear->nr * linear->panel_bytes + inside;
}

/* Rows [row, row + b->rows), inputs [k, k + b->inputs) and outputs [j, j + b->tile_outputs), clipped to the matrices.
 */
static void multiply_block(const ll_exec *exec, const share *s, const blocking *b, size_t row, size_t k, size_t j,
                           const void *next) {
    const ll_linear *linear = s->linear;
    const size_t n_out = linear->n_out, row_end = ll_min(row + b->rows, s->in->n_rows);
    const bool last = k + b->inputs >= linear->n_in;
    ll_product p = {.x_stride = s->in->stride,
                    .w = weights_at(linear, j, k),
                    .panel_bytes = linear->panel_bytes,
                    .n_in = ll_min(b->inputs, linear->n_in - k),
                    .n_out = ll_min(b->tile_outputs, s->end - j),
                    .bias = last && linear->bias ? linear->bias + j : NULL,
                    .ldy = n_out,
                    .next = next};
    for (size_t r = row; r < row_end; r += p.n_rows, p.next = NULL) {
        const size_t first = r * n_out + j;
        p.n_rows = ll_min(b->tile_rows, row_end - r);
        p.x = (const char *)s->in->rows + r * s->in->stride + k * sizeof(float);
        p.acc = k ? b->acc + first : NULL;
        p.residual = last && s->residual ? s->residual + first : NULL;
        p.y = (last ? s->y : b->acc) + first;
        exec->kernels->matmul[linear->type](&p);
        for (size_t i = 0; last && i < p.n_rows; i++)
            finish_results(exec->kernels, s->epilogue, r + i, j, p.y + i * n_out, p.n_out);
    }
}

static void multiply_share(const ll_exec *exec, const share *s) {
    const ll_linear *linear = s->linear;
    const blocking b = blocking_of(exec, s);
    for (size_t row = 0; row < s->in->n_rows; row += b.rows) {
        for (size_t k = 0; k < linear->n_in; k += b.inputs) {
            for (size_t j = s->begin; j < s->end; j += b.tile_outputs) {
                const void *next = s->next;
                if (j + b.tile_outputs < s->end)
                    next = weights_at(linear, j + b.tile_outputs, k);
                else if (k + b.inputs < linear->n_in)
                    next = weights_at(linear, s->begin, k + b.inputs);
                else if (row + b.rows < s->in->n_rows)
                    next = weights_at(linear, s->begin, 0);
                multiply_block(exec, s, &b, row, k, j, next);
            }
        }
    }
}

static void multiply_share_by_openblas(const ll_exec *exec, const share *s) {
    const size_t n_in = s->linear->n_in, n_out = s->linear->n_out, n = s->end - s->begin;
    const ll_product p = {.x = s->in->floats,
                          .x_stride = n_in * sizeof(float),
                          .n_rows = s->in->n_rows,
                          .w = (const float *)s->linear->packed + s->begin * n_in,
                          .n_in = n_in,
                          .n_out = n,
                          .bias = s->linear->bias ? s->linear->bias + s->begin : NULL,
                          .residual = s->residual ? s->residual + s->begin : NULL,
                          .y = s->y + s->begin,
                          .ldy = n_out};
    ll_openblas_matmul(exec->openblas, &p);
    for (size_t r = 0; r < p.n_rows; r++) finish_results(exec->kernels, s->epilogue, r, s->begin, p.y + r * n_out, n);
}

static void multiply(const ll_exec *exec, const share *s) {
    if (s->begin == s->end || s->in->n_rows == 0) return;
    if (exec->openblas)
        multiply_share_by_openblas(exec, s);
    else
        multiply_share(exec, s);
}

/* This thread's share of all outputs. */
static void multiply_all(const ll_exec *exec, const ll_linear *linear, const ll_input *in, const epilogue *e,
                         const float *residual, float *y) {
    share s = {.linear = linear, .in = in, .y = y, .residual = residual, .epilogue = e};
    ll_team_share(exec->team, linear->n_out, output_unit(exec, linear, e), &s.begin, &s.end);
    s.next = first_of_next(exec, linear);
    multiply(exec, &s);
}

void ll_linear_apply_to(const ll_exec *exec, const ll_linear *linear, const ll_input *in, int activation,
                        const float *residual, float *y) {
    multiply_all(exec, linear, in, &(epilogue){.activation = activation}, residual, y);
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
    const epilogue e = {LL_ACT_NONE, block_max, ll_row_blocks(linear->n_out)};
    multiply_all(exec, linear, &in, &e, NULL, y);
}

void ll_linear_apply_ranges(const ll_exec *exec, const ll_linear *linear, const ll_input *in, const ll_outputs *ranges,
                            size_t n_ranges, float *y) {
    const epilogue none = {.activation = LL_ACT_NONE};
    for (size_t i = 0; i < n_ranges; i++) {
        const share s = {
            .linear = linear,
            .in = in,
            .begin = ranges[i].begin,
            .end = ranges[i].end,
            .y = y,
            .epilogue = &none,
            .next = i + 1 < n_ranges ? weights_at(linear, ranges[i + 1].begin, 0) : first_of_next(exec, linear)};
        multiply(exec, &s);
    }
}

/* ---- gate and up: tiles of both are computed in exec->gated, and combined while they are in the cache */

/* y[0, n) = act(gate) * up. both: alternating panels of gate and up. */
static void combine(const ll_kernels *k, int activation, float *both, size_t nr, size_t n, float *y) {
    float gate[16], up[16];
    for (size_t j = 0, now; j < n; j += now) {
        float *g = both + 2 * j, *u = g + nr;
        now = ll_min(nr, n - j);
        if (nr == 1) { /* OpenBLAS: alternating outputs */
            now = ll_min(16, n - j);
            for (size_t i = 0; i < now; i++) {
                gate[i] = g[2 * i];
                up[i] = g[2 * i + 1];
            }
            g = gate;
            u = up;
        }
        activate(k, activation, g, now);
        k->multiply(g, u, y + j, now);
    }
}

/* Rows [r, r + n_rows) and outputs [j, end) of gate and up. */
static void multiply_gated(const ll_exec *exec, const ll_linear *linear, const ll_input *in, size_t r, size_t n_rows,
                           size_t j, size_t end, const void *next) {
    const ll_product p = {.x = (const char *)in->rows + r * in->stride,
                          .x_stride = in->stride,
                          .n_rows = n_rows,
                          .w = weights_at(linear, j, 0),
                          .panel_bytes = linear->panel_bytes,
                          .n_in = linear->n_in,
                          .n_out = end - j,
                          .bias = linear->bias ? linear->bias + j : NULL,
                          .y = exec->gated,
                          .ldy = end - j,
                          .next = next};
    if (exec->openblas)
        ll_openblas_matmul(exec->openblas, &p);
    else
        exec->kernels->matmul[linear->type](&p);
}

void ll_linear_apply_gated(const ll_exec *exec, const ll_linear *linear, const ll_input *in, int activation, float *y) {
    const size_t n_rows = in->n_rows, n = linear->n_gated, nr = linear->nr;
    const size_t unit = exec->openblas ? 2 * OPENBLAS_UNIT : 2 * nr, tile_rows = ll_min(n_rows, LL_GATED_FLOATS / 128);
    size_t begin, end;
    if (n_rows == 0) return;
    ll_team_share(exec->team, linear->n_out, unit, &begin, &end);
    const size_t tile_outputs = LL_GATED_FLOATS / tile_rows / unit * unit;
    const size_t block_rows = ll_max(BLOCK_BYTES / in->stride, tile_rows);
    for (size_t row = 0; row < n_rows; row += block_rows) {
        const size_t row_end = ll_min(row + block_rows, n_rows);
        for (size_t j = begin; j < end; j += tile_outputs) {
            const size_t j_end = ll_min(j + tile_outputs, end);
            const void *next = j_end < end        ? weights_at(linear, j_end, 0)
                               : row_end < n_rows ? weights_at(linear, begin, 0)
                                                  : first_of_next(exec, linear);
            for (size_t r = row, now; r < row_end; r += now, next = NULL) {
                now = ll_min(tile_rows, row_end - r);
                multiply_gated(exec, linear, in, r, now, j, j_end, next);
                const size_t first = j / 2, width = ll_min(j_end / 2, n) - first;
                for (size_t i = 0; i < now; i++)
                    combine(exec->kernels, activation, exec->gated + i * (j_end - j), nr, width,
                            y + (r + i) * n + first);
            }
        }
    }
}

/* ---- input: norm and quantisation of the rows that a linear reads */

/* Up to this many rows are prepared by every thread for itself, which is faster than waiting for the others. */
#define OWN_COPY_ROWS 2

size_t ll_quantized_bytes(const ll_kernels *kernels, size_t n_in, size_t n_rows, size_t n_threads) {
    return ll_q_row_bytes(kernels->q_bytes, n_in) * ll_max(n_rows, OWN_COPY_ROWS * n_threads);
}

size_t ll_normed_rows(size_t n_rows, size_t n_threads) { return ll_max(n_rows, OWN_COPY_ROWS * n_threads); }

/* The prepared rows: one copy for all threads, or one of this thread's own. */
typedef struct copies {
    size_t begin, end;   /* rows that this thread prepares */
    size_t first_of_own; /* first row of this thread's own copy; 0 for the shared one */
    size_t stride;       /* bytes of a row in 8 bits; 0 for floats */
    bool shared;
} copies;

static copies copies_of(const ll_exec *exec, const ll_linear *linear, size_t n_rows, bool shared) {
    copies c = {.end = n_rows, .shared = shared};
    if (ll_is_integer_type(linear->type)) c.stride = ll_q_row_bytes(exec->kernels->q_bytes, linear->n_in);
    if (shared)
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
    if (c.shared) ll_team_wait(exec->team);
    return (ll_input){x, quantized_row(exec, &c, 0), c.stride, n_rows};
}

ll_input ll_norm_input(const ll_exec *exec, const ll_norm *norm, const ll_linear *linear, const float *x, size_t n_rows,
                       float *normed) {
    if (!norm->weight) return ll_linear_input(exec, linear, x, n_rows);
    const copies c = copies_of(exec, linear, n_rows, n_rows > OWN_COPY_ROWS || normed == x);
    float *rows = normed + c.first_of_own * norm->n;
    for (size_t r = c.begin; r < c.end; r++) {
        float *row = rows + r * norm->n;
        ll_norm_row(exec->kernels, norm, x + r * norm->n, row);
        if (c.stride) exec->kernels->quantize(row, norm->n, linear->type == LL_Q4, quantized_row(exec, &c, r));
    }
    if (c.shared) ll_team_wait(exec->team);
    if (!c.stride) return (ll_input){rows, rows, norm->n * sizeof *rows, n_rows};
    return (ll_input){rows, quantized_row(exec, &c, 0), c.stride, n_rows};
}
