/*
 * Part of a vector kernel set (see kernels_template.h): the loops of a product over rows and panels, for every type of
 * weights. A tile is some rows times some vectors of columns whose sums stay in registers. floats_template.h and
 * integers_template.h define the tiles; this file selects tile heights and calls them in order.
 */
#ifndef LL_KERNELS_VECTOR_PRODUCT_H
#define LL_KERNELS_VECTOR_PRODUCT_H

#include "kernels/vector/tile_template.h"

typedef void (*tile_fn)(const tile_work *t);

/* The tiles of a type of weights, each one panel wide. */
typedef struct tiles {
    size_t max_rows;
    tile_fn of_rows[MAX_TILE_ROWS]; /* [n_rows - 1] */
} tiles;

/* All tiles of a type: TILE(n_rows, work) is an inline function of a constant. Heights beyond `rows` are left out. */
#define UP_TO(limit, n, function) ((limit) >= (n) ? (function) : NULL)
#define TILE_OF_HEIGHT(name, TILE, n) \
    __attribute__((unused)) static void name##_##n(const tile_work *t) { TILE(n, t); }
#define TILES(name, TILE, rows)                                                                             \
    TILE_OF_HEIGHT(name, TILE, 1)                                                                           \
    TILE_OF_HEIGHT(name, TILE, 2)                                                                           \
    TILE_OF_HEIGHT(name, TILE, 3)                                                                           \
    TILE_OF_HEIGHT(name, TILE, 4)                                                                           \
    TILE_OF_HEIGHT(name, TILE, 5)                                                                           \
    TILE_OF_HEIGHT(name, TILE, 6)                                                                           \
    static const tiles name = {                                                                             \
        .max_rows = rows,                                                                                   \
        .of_rows = {name##_1, UP_TO(rows, 2, name##_2), UP_TO(rows, 3, name##_3), UP_TO(rows, 4, name##_4), \
                    UP_TO(rows, 5, name##_5), UP_TO(rows, 6, name##_6)},                                    \
    }

/* The panel to prefetch while one is multiplied. */
typedef struct next_panel {
    const char *panel; /* or NULL */
    size_t n_bytes;
    size_t n_steps; /* of a tile's loop */
} next_panel;

/* One whole panel for all rows, in tiles of nearly equal height: 7 rows are 4 + 3, not 6 + 1. Meanwhile the next
 * panel is prefetched into the second-level cache, each tile its part of it. */
static void panel_rows(const tiles *kinds, const tile_work *t, size_t n_rows, const next_panel *next) {
    const size_t n_tiles = (n_rows + kinds->max_rows - 1) / kinds->max_rows;
    const size_t whole = next->n_bytes / (STREAMS * LINE_BYTES), n_lines = whole ? whole : 1; /* of a stream */
    const size_t steps = (next->n_steps * n_tiles + n_lines / 2) / n_lines;
    for (size_t i = 0, r = 0, end; i < n_tiles; i++, r = end) {
        end = n_rows * (i + 1) / n_tiles;
        tile_work part = tile_at_row(t, r);
        part.ahead = next->panel ? next->panel + n_lines * i / n_tiles * LINE_BYTES : NULL;
        part.stream_bytes = n_lines * LINE_BYTES;
        part.ahead_steps = !next->panel ? SIZE_MAX : steps ? steps : 1;
        kinds->of_rows[end - r - 1](&part);
    }
}

/* The last panel, if it has fewer than NR outputs: computed in a buffer, from which the existing columns are copied. */
static void cut_panel(const tiles *kinds, const tile_work *t, size_t n_rows, size_t columns, const next_panel *next) {
    float whole[MAX_TILE_ROWS * NR];
    for (size_t r = 0, rows; r < n_rows; r += rows) {
        rows = n_rows - r < kinds->max_rows ? n_rows - r : kinds->max_rows;
        const tile_work part = tile_at_row(t, r);
        tile_work apart = part;
        apart.y = whole;
        apart.ldy = NR;
        apart.bias = apart.residual = NULL;
        if (part.acc) apart.acc = whole;
        for (size_t i = 0; part.acc && i < rows * NR; i++)
            whole[i] = i % NR < columns ? part.acc[i / NR * part.ldy + i % NR] : 0.0f;
        panel_rows(kinds, &apart, rows, next);
        for (size_t i = 0; i < rows * columns; i++) {
            const size_t row = i / columns, j = i % columns;
            float result = whole[row * NR + j];
            if (part.bias) result += part.bias[j];
            if (part.residual) result += part.residual[row * part.ldy + j];
            part.y[row * part.ldy + j] = result;
        }
    }
}

/* n_steps: steps of a tile's loop over the inputs. */
static void product(const tiles *kinds, ll_weight_type type, size_t n_steps, const ll_product *p) {
    const size_t n_bytes = NR * ll_output_bytes(type, p->n_in);
    tile_work t = tile_of(p);
    if (p->n_rows == 0) return;
    for (size_t j = 0; j < p->n_out; j += NR, advance_panel(&t)) {
        const next_panel next = {j + NR < p->n_out ? t.w + t.panel_bytes : p->next, n_bytes, n_steps};
        if (j + NR <= p->n_out)
            panel_rows(kinds, &t, p->n_rows, &next);
        else
            cut_panel(kinds, &t, p->n_rows, p->n_out - j, &next);
    }
}

#endif
