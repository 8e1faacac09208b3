/*
 * Part of a vector kernel set (see kernels_template.h): what a tile of a product reads and writes, for every weight
 * type. x86/amx.c, which has its own tiles, includes only this part.
 */
#ifndef LL_KERNELS_VECTOR_TILE_H
#define LL_KERNELS_VECTOR_TILE_H

#include "kernels/vector/base.h"

#define PANEL_VECTORS (NR / VL)
#define LINE_BYTES 64
/* The next panel is prefetched as this many streams: memory is fastest when a few pages are read concurrently, each
 * from its start. */
#define STREAMS 4

/* What a tile reads and writes. */
typedef struct tile_work {
    const char *x; /* its rows */
    size_t x_stride;
    const char *w;      /* its first panel */
    size_t panel_bytes; /* from one panel to the next */
    size_t n_in;
    float *y;
    size_t ldy;
    const float *acc, *bias, *residual; /* or NULL */
    const char *ahead;                  /* the first stream to prefetch, or NULL */
    size_t stream_bytes;                /* from one stream to the next */
    size_t ahead_steps;                 /* steps of the loop between two lines of each stream */
} tile_work;

/* Progress of a tile's prefetching. */
typedef struct prefetching {
    const char *at; /* the next line of the first stream */
    size_t wait;    /* steps until it is prefetched */
} prefetching;

static ALWAYS_INLINE prefetching start_prefetching(const tile_work *t) {
    return (prefetching){t->ahead, t->ahead_steps};
}

/* Called at each step of a tile's loop: prefetches one line of every stream each ahead_steps steps. */
static ALWAYS_INLINE void prefetch_line(const tile_work *t, prefetching *f) {
    if (--f->wait) return;
    f->wait = t->ahead_steps;
    UNROLL for (size_t i = 0; i < STREAMS; i++) v_prefetch_to_level_2(f->at + i * t->stream_bytes);
    f->at += LINE_BYTES;
}

/* y = result + bias + residual */
static ALWAYS_INLINE void finish(const tile_work *t, size_t r, size_t v, vf result) {
    if (t->bias) result = v_add(result, v_load(t->bias + v * VL));
    if (t->residual) result = v_add(result, v_load(t->residual + r * t->ldy + v * VL));
    v_store(t->y + r * t->ldy + v * VL, result);
}

/* The tile r rows further. */
static inline tile_work tile_at_row(const tile_work *t, size_t r) {
    tile_work moved = *t;
    moved.x += r * t->x_stride;
    moved.y += r * t->ldy;
    if (t->acc) moved.acc += r * t->ldy;
    if (t->residual) moved.residual += r * t->ldy;
    return moved;
}

/* Moves to the next panel. */
static inline void advance_panel(tile_work *t) {
    t->w += t->panel_bytes;
    t->y += NR;
    if (t->acc) t->acc += NR;
    if (t->bias) t->bias += NR;
    if (t->residual) t->residual += NR;
}

static inline tile_work tile_of(const ll_product *p) {
    return (tile_work){.x = p->x,
                       .x_stride = p->x_stride,
                       .w = p->w,
                       .panel_bytes = p->panel_bytes,
                       .n_in = p->n_in,
                       .y = p->y,
                       .ldy = p->ldy,
                       .acc = p->acc,
                       .bias = p->bias,
                       .residual = p->residual};
}

/* ---- sums of integers */

static ALWAYS_INLINE const ll_q_row *q_head(const tile_work *t, size_t r) {
    return (const ll_q_row *)(const void *)(t->x + r * t->x_stride);
}

/* Converts the integer sum of Q8 to the result. Shared by all kernel sets, so that the bits are the same on every
 * processor. */
static ALWAYS_INLINE void q8_finish(const tile_work *t, size_t r, size_t v, vi total, ll_q_row head) {
    const float *scale = (const float *)(const void *)t->w + v * VL;
    const vf whole = v_from_int(vi_add(total, vi_set1(Q_UNSIGNED ? head.offset : 0)));
    finish(t, r, v, v_mul(v_mul(whole, v_set1(head.scale)), v_load(scale)));
}

#endif
