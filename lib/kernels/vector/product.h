/*
 * Part of a vector row (see row.h): how a product goes over its rows and panels, for every type of weights. A tile is
 * some rows times some vectors of columns whose sums stay in registers. What a tile does with its type's bytes is
 * floats.h's and integers.h's; here is which tiles there are and in which order they run.
 */
#ifndef LL_KERNELS_VECTOR_PRODUCT_H
#define LL_KERNELS_VECTOR_PRODUCT_H

#include "kernels/vector/base.h"

#define PANEL_VECTORS (NR / VL)
#define LINE_BYTES 64
/* How far ahead of its use a panel is asked for when it is read once, for few rows. */
#define AHEAD_BYTES 4096

/* Where a tile reads and writes. */
typedef struct tile_work {
    const char *x; /* its rows */
    size_t x_stride;
    const char *w;      /* its first panel */
    size_t panel_bytes; /* from one panel to the next */
    size_t n_in;
    float *y;
    size_t ldy;
    const float *bias, *residual; /* or NULL */
    const char *ahead;            /* weights to ask the memory for meanwhile, */
    size_t ahead_step_bytes;      /* so much further on at each step */
    size_t ahead_lines;           /* and so many lines of a cache */
} tile_work;

/* What a tile asks the memory for ahead of time: its own panels, or (they are in the cache) its part of the next. */
typedef enum fetching { FETCH_OWN, FETCH_NEXT } fetching;

typedef void (*tile_fn)(const tile_work *t);

/* The tiles of a type of weights. */
typedef struct tiles {
    size_t max_rows;
    tile_fn panel[MAX_TILE_ROWS];     /* [n_rows - 1] one panel, which other rows follow to */
    tile_fn last_rows[MAX_TILE_ROWS]; /* the same where no other rows follow; NULL: as many panels as `few` */
    size_t n_few[MAX_TILE_ROWS];      /* panels that `few` works at once */
    tile_fn few[MAX_TILE_ROWS];       /* few rows: as many panels as give enough independent sums, and streams */
} tiles;

/* All tiles of a type: TILE(n_r, n_v, fetching, work) is an inline function of constants. Heights beyond `rows`, and
 * few rows where there are 0 panels for them, are left out. */
#define MAYBE_UNUSED __attribute__((unused))
#define UP_TO(limit, n, function) ((limit) >= (n) ? (function) : NULL)
#define TILE_OF_HEIGHT(name, TILE, n)                                                                       \
    MAYBE_UNUSED static void name##_next_##n(const tile_work *t) { TILE(n, PANEL_VECTORS, FETCH_NEXT, t); } \
    MAYBE_UNUSED static void name##_own_##n(const tile_work *t) { TILE(n, PANEL_VECTORS, FETCH_OWN, t); }
#define TILES(name, TILE, rows, few_1, few_2, few_3)                                                             \
    TILE_OF_HEIGHT(name, TILE, 1)                                                                                \
    TILE_OF_HEIGHT(name, TILE, 2)                                                                                \
    TILE_OF_HEIGHT(name, TILE, 3)                                                                                \
    TILE_OF_HEIGHT(name, TILE, 4)                                                                                \
    TILE_OF_HEIGHT(name, TILE, 5)                                                                                \
    TILE_OF_HEIGHT(name, TILE, 6)                                                                                \
    MAYBE_UNUSED static void name##_few_1(const tile_work *t) { TILE(1, (few_1)*PANEL_VECTORS, FETCH_OWN, t); }  \
    MAYBE_UNUSED static void name##_few_2(const tile_work *t) { TILE(2, (few_2)*PANEL_VECTORS, FETCH_OWN, t); }  \
    MAYBE_UNUSED static void name##_few_3(const tile_work *t) { TILE(3, (few_3)*PANEL_VECTORS, FETCH_OWN, t); }  \
    static const tiles name = {                                                                                  \
        .max_rows = rows,                                                                                        \
        .panel = {name##_next_1, UP_TO(rows, 2, name##_next_2), UP_TO(rows, 3, name##_next_3),                   \
                  UP_TO(rows, 4, name##_next_4), UP_TO(rows, 5, name##_next_5), UP_TO(rows, 6, name##_next_6)},  \
        .last_rows = {name##_own_1, UP_TO(rows, 2, name##_own_2), UP_TO(rows, 3, name##_own_3),                  \
                      UP_TO(rows, 4, name##_own_4), UP_TO(rows, 5, name##_own_5), UP_TO(rows, 6, name##_own_6)}, \
        .n_few = {few_1, few_2, few_3},                                                                          \
        .few = {UP_TO(few_1, 1, name##_few_1), UP_TO(few_2, 1, name##_few_2), UP_TO(few_3, 1, name##_few_3)},    \
    }

/* Vector v of the columns of a step that begins at w. */
static ALWAYS_INLINE const char *vector_at(const char *w, size_t panel_bytes, size_t v, size_t vector_bytes) {
    return w + v / PANEL_VECTORS * panel_bytes + v % PANEL_VECTORS * vector_bytes;
}

static ALWAYS_INLINE void fetch_own(const char *at) { v_fetch(at + AHEAD_BYTES); }

static ALWAYS_INLINE void fetch_next(const tile_work *t, const char **ahead) {
    v_fetch_to_level_2(*ahead);
    if (t->ahead_lines > 1) v_fetch_to_level_2(*ahead + LINE_BYTES);
    *ahead += t->ahead_step_bytes;
}

/* y = result + bias + residual */
static ALWAYS_INLINE void finish(const tile_work *t, size_t r, size_t v, vf result) {
    if (t->bias) result = v_add(result, v_load(t->bias + v * VL));
    if (t->residual) result = v_add(result, v_load(t->residual + r * t->ldy + v * VL));
    v_store(t->y + r * t->ldy + v * VL, result);
}

/* Moves to other rows. */
static tile_work rows_on(const tile_work *t, size_t r) {
    tile_work moved = *t;
    moved.x += r * t->x_stride;
    moved.y += r * t->ldy;
    if (t->residual) moved.residual += r * t->ldy;
    return moved;
}

/* Moves to the next panels. */
static void panels_on(tile_work *t, size_t n_panels) {
    t->w += n_panels * t->panel_bytes;
    t->y += n_panels * NR;
    if (t->bias) t->bias += n_panels * NR;
    if (t->residual) t->residual += n_panels * NR;
}

/* One whole panel for all rows, in tiles of nearly equal height: 7 rows are 4 + 3, not 6 + 1. Meanwhile the panel
 * after it, which follows in memory, comes into the second-level cache: each tile asks for its part of it. A step of
 * the loops in a tile reads at most step_bytes. */
static void panel_rows(const tiles *kinds, const tile_work *t, size_t n_rows, size_t step_bytes) {
    const size_t n_tiles = (n_rows + kinds->max_rows - 1) / kinds->max_rows;
    const size_t part_bytes = step_bytes / n_tiles;
    for (size_t i = 0, r = 0, end; i < n_tiles; i++, r = end) {
        end = n_rows * (i + 1) / n_tiles;
        tile_work part = rows_on(t, r);
        part.ahead = t->w + t->panel_bytes + t->panel_bytes / n_tiles * i;
        part.ahead_step_bytes = part_bytes;
        part.ahead_lines = part_bytes > LINE_BYTES ? 2 : 1;
        (n_tiles == 1 ? kinds->last_rows : kinds->panel)[end - r - 1](&part);
    }
}

/* The last panel where n_out cuts it: worked beside y, and what exists of it brought over. */
static void cut_panel(const tiles *kinds, const tile_work *t, size_t n_rows, size_t columns, size_t step_bytes) {
    float whole[MAX_TILE_ROWS * NR];
    for (size_t r = 0, rows; r < n_rows; r += rows) {
        rows = n_rows - r < kinds->max_rows ? n_rows - r : kinds->max_rows;
        const tile_work part = rows_on(t, r);
        tile_work beside = part;
        beside.y = whole;
        beside.ldy = NR;
        beside.bias = beside.residual = NULL;
        panel_rows(kinds, &beside, rows, step_bytes);
        for (size_t i = 0; i < rows * columns; i++) {
            const size_t row = i / columns, j = i % columns;
            float result = whole[row * NR + j];
            if (part.bias) result += part.bias[j];
            if (part.residual) result += part.residual[row * part.ldy + j];
            part.y[row * part.ldy + j] = result;
        }
    }
}

/* Few rows: returns how many columns were done. */
static size_t few_rows(const tiles *kinds, tile_work *t, size_t n_rows, size_t n_out) {
    const size_t n_panels = n_rows <= kinds->max_rows ? kinds->n_few[n_rows - 1] : 0;
    size_t done = 0;
    if (n_panels == 0) return 0;
    for (; done + n_panels * NR <= n_out; done += n_panels * NR, panels_on(t, n_panels)) kinds->few[n_rows - 1](t);
    return done;
}

static void product(const tiles *kinds, ll_weight_type type, size_t step_bytes, const ll_product *p) {
    tile_work t = {.x = p->x,
                   .x_stride = p->x_stride,
                   .w = p->w,
                   .panel_bytes = NR * ll_output_bytes(type, p->n_in),
                   .n_in = p->n_in,
                   .y = p->y,
                   .ldy = p->ldy,
                   .bias = p->bias,
                   .residual = p->residual};
    if (p->n_rows == 0) return;
    size_t j = few_rows(kinds, &t, p->n_rows, p->n_out);
    for (; j + NR <= p->n_out; j += NR, panels_on(&t, 1)) panel_rows(kinds, &t, p->n_rows, step_bytes);
    if (j < p->n_out) cut_panel(kinds, &t, p->n_rows, p->n_out - j, step_bytes);
}

#endif
