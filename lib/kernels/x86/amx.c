/*
 * Products of many rows of bytes with AMX (Intel SDM vol. 1, chapter 18; vol. 2, TDPBSUD; Sapphire Rapids 2023 and
 * later): tiles of sixteen rows of 64 bytes, and an instruction that multiplies two of them. Panels already have
 * its layout: a row of a tile of weights is four inputs of sixteen outputs. The AVX-512 VNNI kernel computes products
 * of few rows, and outputs that do not fill a panel: integer sums are exact, so the result does not depend on the
 * choice.
 *
 * This file alone is compiled for AMX. ll_kernels_amx (avx512vnni.c) calls it only where the processor has it.
 */
#include "kernels/x86/amx.h"

#include "kernels/x86/avx512.h"
#define Q_UNSIGNED 1
#include "kernels/vector/tile_template.h"

#define TILE_ROWS 16
#define TILE_INPUTS 64
/* A block of results: four tiles of accumulators, from two tiles of rows and two of weights. */
#define AMX_ROWS (2 * TILE_ROWS)
#define AMX_COLUMNS (2 * VL)
/* With fewer rows memory is the limit, and AVX-512 VNNI is as fast (measured: no difference from 8 to 12). */
#define AMX_LEAST_ROWS 13

/* The eight tiles, by numbers that the assembler can read. */
#define ACC_00 0
#define ACC_01 1
#define ACC_10 2
#define ACC_11 3
#define X_0 4
#define X_1 5
#define W_0 6
#define W_1 7
#define N_TILES 8

/* What LDTILECFG reads: for each tile the bytes of a row and how many rows. */
typedef struct tile_config {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t n_rows[16];
} tile_config;

/* Tiles for n_rows rows. The second ones get one row where there are none for them, and are not used. */
static void configure_tiles(size_t n_rows) {
    tile_config config = {.palette = 1};
    const uint8_t first = (uint8_t)(n_rows < TILE_ROWS ? n_rows : TILE_ROWS);
    const uint8_t second = (uint8_t)(n_rows > TILE_ROWS ? n_rows - TILE_ROWS : 1);
    for (size_t i = 0; i < N_TILES; i++) config.row_bytes[i] = 64;
    config.n_rows[ACC_00] = config.n_rows[ACC_01] = config.n_rows[X_0] = first;
    config.n_rows[ACC_10] = config.n_rows[ACC_11] = config.n_rows[X_1] = second;
    config.n_rows[W_0] = config.n_rows[W_1] = TILE_ROWS;
    __asm__ volatile("" : : "r"(&config) : "memory"); /* gcc 12 believes that only its first bytes are read */
    _tile_loadconfig(&config);
}

/* How often per step of 64 inputs the next panel is prefetched. With two tiles of rows, between all tile instructions:
 * prefetching all at once delays the tiles' own loads from the second-level cache (20 % slower). With one tile of rows
 * memory is the limit, and once is as good. */
#define PLACES_OF_ONE 1
#define PLACES_OF_TWO 8

static size_t places_of(size_t n_rows) { return n_rows > TILE_ROWS ? PLACES_OF_TWO : PLACES_OF_ONE; }

static ALWAYS_INLINE void prefetch_lines(const tile_work *t, prefetching *prefetch, size_t lines_per_place) {
    for (size_t i = 0; i < lines_per_place; i++) prefetch_line(t, prefetch);
}

/* Accumulates up to 16 rows, or 32 (two), by 32 columns over whole steps of 64 inputs, in the accumulator tiles. */
static ALWAYS_INLINE void accumulate_tiles(const bool two, const tile_work *t, const char *w, size_t lines,
                                           prefetching *prefetch) {
    const size_t x_stride = t->x_stride, n_steps = ll_q_round(t->n_in) / TILE_INPUTS;
    const char *x = t->x + LL_Q_HEAD_BYTES, *second = x + TILE_ROWS * x_stride;
    _tile_zero(ACC_00);
    _tile_zero(ACC_01);
    if (two) {
        _tile_zero(ACC_10);
        _tile_zero(ACC_11);
    }
    for (size_t i = 0; i < n_steps; i++, x += TILE_INPUTS, second += TILE_INPUTS, w += TILE_INPUTS * NR) {
        prefetch_lines(t, prefetch, lines);
        _tile_loadd(X_0, x, x_stride);
        if (two) prefetch_lines(t, prefetch, lines);
        _tile_loadd(W_0, w, NR * 4);
        if (two) prefetch_lines(t, prefetch, lines);
        _tile_dpbsud(ACC_00, X_0, W_0);
        if (two) prefetch_lines(t, prefetch, lines);
        _tile_loadd(W_1, w + VL * 4, NR * 4);
        if (two) prefetch_lines(t, prefetch, lines);
        _tile_dpbsud(ACC_01, X_0, W_1);
        if (!two) continue;
        prefetch_lines(t, prefetch, lines);
        _tile_loadd(X_1, second, x_stride);
        prefetch_lines(t, prefetch, lines);
        _tile_dpbsud(ACC_10, X_1, W_0);
        prefetch_lines(t, prefetch, lines);
        _tile_dpbsud(ACC_11, X_1, W_1);
    }
}

/* Adds the inputs past the last whole step, of which there are 32 or none. */
static ALWAYS_INLINE vi add_rest(vi sum, const char *x, const char *w, size_t n_in) {
    for (size_t k = 0; k < n_in; k += 4, w += NR * 4) {
        int32_t four;
        memcpy(&four, x + k, sizeof four);
        sum = _mm512_dpbusd_epi32(sum, vb_load(w), _mm512_set1_epi32(four));
    }
    return sum;
}

/* Adds the last inputs and stores the results of n_rows rows and the 32 columns from vector `first` on. */
static void finish_block(const tile_work *work, size_t n_rows, size_t first, int32_t acc[TILE_ROWS][AMX_COLUMNS]) {
    const tile_work t = *work; /* a copy that stores cannot change */
    const size_t n_in = ll_q_round(t.n_in), whole = n_in / TILE_INPUTS * TILE_INPUTS;
    const char *x = t.x + LL_Q_HEAD_BYTES + whole, *w = t.w + NR * sizeof(float) + whole * NR + first * (VL * 4);
    for (size_t r = 0; r < n_rows; r++, x += t.x_stride) {
        const ll_q_row head = *q_head(&t, r);
        UNROLL for (size_t v = 0; v < AMX_COLUMNS / VL; v++) {
            const vi sum = _mm512_load_si512(acc[r] + v * VL);
            q8_finish(&t, r, first + v, add_rest(sum, x, w + v * (VL * 4), n_in - whole), head);
        }
    }
}

/* Rows [0, n_rows) by the 32 columns from vector `first` on. */
static void amx_block(const tile_work *t, size_t n_rows, size_t first, size_t lines, prefetching *prefetch) {
    int32_t acc[TILE_ROWS][AMX_COLUMNS] __attribute__((aligned(64)));
    const char *w = t->w + NR * sizeof(float) + first * (VL * 4);
    if (n_rows <= TILE_ROWS)
        accumulate_tiles(false, t, w, lines, prefetch);
    else
        accumulate_tiles(true, t, w, lines, prefetch);
    _tile_stored(ACC_00, acc[0], sizeof acc[0]);
    _tile_stored(ACC_01, acc[0] + VL, sizeof acc[0]);
    finish_block(t, n_rows < TILE_ROWS ? n_rows : TILE_ROWS, first, acc);
    if (n_rows <= TILE_ROWS) return;
    const tile_work second = tile_at_row(t, TILE_ROWS);
    _tile_stored(ACC_10, acc[0], sizeof acc[0]);
    _tile_stored(ACC_11, acc[0] + VL, sizeof acc[0]);
    finish_block(&second, n_rows - TILE_ROWS, first, acc);
}

/* One whole panel for all rows. Meanwhile the next one is prefetched into the second-level cache. */
static void amx_panel(const tile_work *work, size_t n_rows, const char *next) {
    const size_t left = n_rows % AMX_ROWS, n_steps = NR / AMX_COLUMNS * (work->n_in / TILE_INPUTS);
    const size_t n_places = n_steps * (n_rows / AMX_ROWS * PLACES_OF_TWO + (left ? places_of(left) : 0)) + 1;
    const size_t n_lines = work->panel_bytes / (STREAMS * LINE_BYTES); /* of a stream */
    const size_t lines = next ? (n_lines + n_places - 1) / n_places : 0;
    tile_work t = *work;
    t.ahead = next;
    t.stream_bytes = n_lines * LINE_BYTES;
    t.ahead_steps = lines * n_places > n_lines ? lines * n_places / n_lines : 1;
    prefetching prefetch = start_prefetching(&t);
    size_t configured = 0;
    for (size_t r = 0, rows; r < n_rows; r += rows) {
        const tile_work part = tile_at_row(&t, r);
        rows = n_rows - r < AMX_ROWS ? n_rows - r : AMX_ROWS;
        if (rows != configured) configure_tiles(configured = rows);
        for (size_t v = 0; v < PANEL_VECTORS; v += AMX_COLUMNS / VL) amx_block(&part, rows, v, lines, &prefetch);
    }
}

/* As product() of product_template.h. The last panel, where n_out cuts it, is left to AVX-512 VNNI. */
void ll_amx_matmul_q8(const ll_product *p) {
    if (p->n_rows < AMX_LEAST_ROWS || !ll_cpu_may_use_tiles()) {
        ll_kernels_avx512vnni.matmul[LL_Q8](p);
        return;
    }
    const size_t whole = p->n_out / NR * NR;
    tile_work t = tile_of(p);
    for (size_t j = 0; j < whole; j += NR, advance_panel(&t))
        amx_panel(&t, p->n_rows, j + NR < p->n_out ? t.w + t.panel_bytes : p->next);
    if (whole) _tile_release();
    if (whole == p->n_out) return;
    ll_product rest = *p;
    rest.w = t.w;
    rest.n_out = p->n_out - whole;
    rest.y = t.y;
    rest.bias = t.bias;
    rest.residual = t.residual;
    ll_kernels_avx512vnni.matmul[LL_Q8](&rest);
}

void ll_amx_prepare(ll_weight_type type) {
    if (type == LL_Q8) ll_cpu_request_tiles();
}
