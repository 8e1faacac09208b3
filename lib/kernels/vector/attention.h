/*
 * Part of a vector row (see row.h): scores of queries against a block of keys, and the mix of its values, both the tile
 * of tile.h with at most ATTENTION_ROWS rows beside the vectors of a block or of half a value.
 */
#ifndef LL_KERNELS_VECTOR_ATTENTION_H
#define LL_KERNELS_VECTOR_ATTENTION_H

#include "kernels/vector/tile.h"

#define BLOCK_VECTORS (LL_KV_BLOCK / VL)

static void block_tile(size_t n_r, const operands *o) {
    switch (n_r) {
        case 1:
            tile(1, BLOCK_VECTORS, NOTHING, o);
            break;
        case 2:
            tile(2, BLOCK_VECTORS, NOTHING, o);
            break;
        default:
            tile(3, BLOCK_VECTORS, NOTHING, o);
            break;
    }
}

static void scores(const float *q, size_t ldq, size_t n_rows, const float *k, size_t head_dim, float scale, float *out,
                   size_t ld) {
    operands o = {.ldx = ldq, .w = k, .ldw = LL_KV_BLOCK, .panel = NR, .n_k = head_dim, .ldy = ld};
    for (size_t r = 0, rows; r < n_rows; r += rows) {
        rows = n_rows - r < ATTENTION_ROWS ? n_rows - r : ATTENTION_ROWS;
        o.x = q + r * ldq;
        o.y = out + r * ld;
        block_tile(rows, &o);
        for (size_t i = 0; i < rows * BLOCK_VECTORS; i++) {
            float *at = o.y + i / BLOCK_VECTORS * ld + i % BLOCK_VECTORS * VL;
            v_store(at, v_mul(v_load(at), v_set1(scale)));
        }
    }
}

/* Columns that do not fill a vector, row by row. */
static void mix_cut(const operands *o, size_t n_rows, size_t columns) {
    for (size_t r = 0; r < n_rows; r++) {
        vf sum = v_load_part(o->y + r * o->ldy, columns);
        for (size_t t = 0; t < o->n_k; t++) {
            sum = v_fma(v_set1(o->x[r * o->ldx + t]), v_load_part(o->w + t * o->ldw, columns), sum);
        }
        v_store_part(o->y + r * o->ldy, sum, columns);
    }
}

static void mix_columns_on(operands *o, size_t columns) {
    o->w += columns;
    o->y += columns;
    o->start += columns;
}

static void mix_rows(operands o, size_t n_rows, size_t head_dim) {
    size_t d = 0;
    for (; d + MIX_VECTORS * VL <= head_dim; d += MIX_VECTORS * VL, mix_columns_on(&o, MIX_VECTORS * VL)) {
        switch (n_rows) {
            case 1:
                tile(1, MIX_VECTORS, NOTHING, &o);
                break;
            case 2:
                tile(2, MIX_VECTORS, NOTHING, &o);
                break;
            default:
                tile(3, MIX_VECTORS, NOTHING, &o);
                break;
        }
    }
    for (; d + VL <= head_dim; d += VL, mix_columns_on(&o, VL)) {
        switch (n_rows) {
            case 1:
                tile(1, 1, NOTHING, &o);
                break;
            case 2:
                tile(2, 1, NOTHING, &o);
                break;
            default:
                tile(3, 1, NOTHING, &o);
                break;
        }
    }
    if (d < head_dim) mix_cut(&o, n_rows, head_dim - d);
}

static void mix(const float *p, size_t ldp, size_t n_rows, const float *v, size_t head_dim, size_t n_tokens, float *out,
                size_t ldo) {
    operands o = {.ldx = ldp, .w = v, .ldw = head_dim, .panel = NR, .n_k = n_tokens, .ldy = ldo};
    for (size_t r = 0, rows; r < n_rows; r += rows) {
        rows = n_rows - r < ATTENTION_ROWS ? n_rows - r : ATTENTION_ROWS;
        o.x = p + r * ldp;
        o.y = out + r * ldo;
        o.start = o.y;
        mix_rows(o, rows, head_dim);
    }
}

#endif
