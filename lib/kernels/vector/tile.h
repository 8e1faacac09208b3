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

typedef vf tile_sums[MAX_TILE_ROWS][MAX_TILE_VECTORS];

static ALWAYS_INLINE const float *column_at(const float *w, size_t panel, size_t v) {
    return w + v / PANEL_VECTORS * panel + v % PANEL_VECTORS * VL;
}

/* One k for tiles wider than high: registers for n_r numbers of x and one column. */
static ALWAYS_INLINE void one_step_by_columns(const size_t n_r, const size_t n_v, const bool fetch, const float *x,
                                              size_t ldx, const float *w, size_t panel, tile_sums sum) {
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
                                           const float *w, size_t panel, tile_sums sum) {
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
    tile_sums sum;
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

#endif
