/*
 * Part of a vector row (see row.h): the one loop all products are made of, and matmul over it. A tile is
 * n_r rows times n_v vectors of columns; its sums stay in registers, and every sum runs over k in order with fused
 * multiply-adds whatever the tile, so an element's bits do not depend on the tile it was worked in.
 */
#ifndef LL_KERNELS_VECTOR_TILE_H
#define LL_KERNELS_VECTOR_TILE_H

/* How many k steps ahead of its use a panel is asked for when it is read once, for few rows. */
#define PREFETCH_STEPS 16

#define PANEL_VECTORS (NR / VL)
#define LINE_VECTORS (16 / VL) /* of a cache line */

/* Where a tile reads and writes. Vector v of step k is at w + k * ldw + v / PANEL_VECTORS * panel
 * + v % PANEL_VECTORS * VL: panels of the packed layout, or with panel = NR plain rows. */
typedef struct operands {
    const float *x; /* [n_r][n_k] of ldx */
    size_t ldx;
    const float *w;
    size_t ldw, panel, n_k;
    float *y;              /* [n_r][n_v * VL] of ldy */
    const float *start;    /* as y: the sums go on from here; NULL: from 0 */
    const float *bias;     /* [n_v * VL], or NULL */
    const float *residual; /* as y, or NULL */
    size_t ldy;
    const char *ahead;       /* weights to ask the memory for meanwhile, */
    size_t ahead_step_bytes; /* so much further on at each step of k */
} operands;

/* What a tile asks the memory for ahead of time. */
typedef enum prefetch { NOTHING, OWN_PANELS, WHAT_COMES_NEXT } prefetch;

typedef vf sums[MAX_TILE_ROWS][MAX_TILE_VECTORS];

static ALWAYS_INLINE const float *column_at(const float *w, size_t panel, size_t v) {
    return w + v / PANEL_VECTORS * panel + v % PANEL_VECTORS * VL;
}

/* One k for tiles wider than high: registers for n_r numbers of x and one column. */
static ALWAYS_INLINE void one_step_by_columns(const size_t n_r, const size_t n_v, const bool fetch, const float *x,
                                              size_t ldx, const float *w, size_t panel, sums sum) {
    vf row[MAX_TILE_ROWS];
    UNROLL for (size_t r = 0; r < n_r; r++) row[r] = v_set1(x[r * ldx]);
    UNROLL for (size_t v = 0; v < n_v; v++) {
        const float *at = column_at(w, panel, v);
        if (fetch && v % PANEL_VECTORS % LINE_VECTORS == 0) v_fetch(at + PREFETCH_STEPS * NR);
        const vf column = v_load(at);
        UNROLL for (size_t r = 0; r < n_r; r++) sum[r][v] = v_fma(row[r], column, sum[r][v]);
    }
}

/* One k for the others: registers for n_v columns and one number of x. */
static ALWAYS_INLINE void one_step_by_rows(const size_t n_r, const size_t n_v, const float *x, size_t ldx,
                                           const float *w, size_t panel, sums sum) {
    vf column[MAX_TILE_VECTORS];
    UNROLL for (size_t v = 0; v < n_v; v++) column[v] = v_load(column_at(w, panel, v));
    UNROLL for (size_t r = 0; r < n_r; r++) {
        const vf row = v_set1(x[r * ldx]);
        UNROLL for (size_t v = 0; v < n_v; v++) sum[r][v] = v_fma(row, column[v], sum[r][v]);
    }
}

/* y = start + x w + bias + residual. Called with constant n_r, n_v and fetch only. */
static ALWAYS_INLINE void tile(const size_t n_r, const size_t n_v, const prefetch fetch, const operands *o) {
    const float *x = o->x, *w = o->w, *start = o->start, *bias = o->bias, *residual = o->residual;
    const char *ahead = o->ahead;
    const size_t ldx = o->ldx, ldw = o->ldw, panel = o->panel, n_k = o->n_k, ldy = o->ldy;
    const size_t ahead_step_bytes = o->ahead_step_bytes;
    float *y = o->y;
    sums sum;
    UNROLL for (size_t r = 0; r < n_r; r++) {
        UNROLL for (size_t v = 0; v < n_v; v++) sum[r][v] = start ? v_load(start + r * ldy + v * VL) : v_zero();
    }
    for (size_t k = 0; k < n_k; k++, w += ldw) {
        if (fetch == WHAT_COMES_NEXT) {
            v_fetch_to_level_2(ahead);
            ahead += ahead_step_bytes;
        }
        if (n_r < n_v) {
            one_step_by_columns(n_r, n_v, fetch == OWN_PANELS, x + k, ldx, w, panel, sum);
        } else {
            one_step_by_rows(n_r, n_v, x + k, ldx, w, panel, sum);
        }
    }
    UNROLL for (size_t r = 0; r < n_r; r++) {
        UNROLL for (size_t v = 0; v < n_v; v++) {
            vf result = sum[r][v];
            if (bias) result = v_add(result, v_load(bias + v * VL));
            if (residual) result = v_add(result, v_load(residual + r * ldy + v * VL));
            v_store(y + r * ldy + v * VL, result);
        }
    }
}

/* ---- matmul */

static void panel_tile(size_t n_r, const operands *o) {
    switch (n_r) {
        case 1:
            tile(1, PANEL_VECTORS, WHAT_COMES_NEXT, o);
            break;
        case 2:
            tile(2, PANEL_VECTORS, WHAT_COMES_NEXT, o);
            break;
        case 3:
            tile(3, PANEL_VECTORS, WHAT_COMES_NEXT, o);
            break;
        case 4:
            tile(4, PANEL_VECTORS, WHAT_COMES_NEXT, o);
            break;
        case 5:
            tile(5, PANEL_VECTORS, WHAT_COMES_NEXT, o);
            break;
        default:
            tile(6, PANEL_VECTORS, WHAT_COMES_NEXT, o);
            break;
    }
}

/* Moves a tile's rows. */
static operands rows_from(const operands *o, size_t r) {
    operands moved = *o;
    moved.x += r * o->ldx;
    moved.y += r * o->ldy;
    if (o->residual) moved.residual += r * o->ldy;
    return moved;
}

/* One whole panel for all rows, in tiles of nearly equal height: 7 rows are 4 + 3, not 6 + 1. Meanwhile the panel
 * after it, which follows in memory, comes into the second-level cache: each tile asks for its part of it. */
static void panel_rows(const operands *o, size_t n_rows) {
    const size_t n_tiles = (n_rows + MATMUL_ROWS - 1) / MATMUL_ROWS, panel_bytes = o->panel * sizeof(float);
    for (size_t t = 0, r = 0, end; t < n_tiles; t++, r = end) {
        end = n_rows * (t + 1) / n_tiles;
        operands part = rows_from(o, r);
        part.ahead = (const char *)(o->w + o->panel) + panel_bytes / n_tiles * t;
        part.ahead_step_bytes = NR * sizeof(float) / n_tiles;
        panel_tile(end - r, &part);
    }
}

/* The last panel where n_out cuts it: worked beside y, and what exists of it brought over. */
static void cut_panel(const operands *o, size_t n_rows, size_t columns) {
    float whole[MATMUL_ROWS * NR];
    for (size_t r = 0, rows; r < n_rows; r += rows) {
        rows = n_rows - r < MATMUL_ROWS ? n_rows - r : MATMUL_ROWS;
        const operands part = rows_from(o, r);
        operands beside = part;
        beside.y = whole;
        beside.ldy = NR;
        beside.bias = beside.residual = NULL;
        panel_rows(&beside, rows);
        for (size_t i = 0; i < rows * columns; i++) {
            const size_t row = i / columns, j = i % columns;
            float result = whole[row * NR + j];
            if (part.bias) result += part.bias[j];
            if (part.residual) result += part.residual[row * part.ldy + j];
            part.y[row * part.ldy + j] = result;
        }
    }
}

/* Moves the columns, by whole panels. */
static void columns_on(operands *o, size_t columns) {
    o->w += columns / NR * o->panel;
    o->y += columns;
    if (o->bias) o->bias += columns;
    if (o->residual) o->residual += columns;
}

/* Few rows: as many panels at once as give enough independent sums to hide the latency of an addition, and enough
 * streams to use the whole bandwidth of the memory. Returns how many columns were done. */
static size_t few_rows(operands *o, size_t n_rows, size_t n_out) {
    const size_t step = NR * (n_rows == 1 ? FEW_PANELS_1 : n_rows == 2 ? FEW_PANELS_2 : FEW_PANELS_3);
    size_t done = 0;
    for (; done + step <= n_out; done += step, columns_on(o, step)) {
        switch (n_rows) {
            case 1:
                tile(1, FEW_PANELS_1 * PANEL_VECTORS, OWN_PANELS, o);
                break;
            case 2:
                tile(2, FEW_PANELS_2 * PANEL_VECTORS, OWN_PANELS, o);
                break;
            default:
                tile(3, FEW_PANELS_3 * PANEL_VECTORS, OWN_PANELS, o);
                break;
        }
    }
    return done;
}

static void matmul_f32(const float *x, size_t ldx, size_t n_rows, const float *w, size_t n_in, size_t n_out,
                       const float *bias, const float *residual, float *y, size_t ldy) {
    operands o = {.x = x,
                  .ldx = ldx,
                  .w = w,
                  .ldw = NR,
                  .panel = n_in * NR,
                  .n_k = n_in,
                  .bias = bias,
                  .residual = residual,
                  .y = y,
                  .ldy = ldy};
    size_t j = n_rows <= 3 ? few_rows(&o, n_rows, n_out) : 0;
    for (; j + NR <= n_out; j += NR, columns_on(&o, NR)) panel_rows(&o, n_rows);
    if (j < n_out) cut_panel(&o, n_rows, n_out - j);
}

#endif
