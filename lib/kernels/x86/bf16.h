/* Products by bfloat16 weights with AVX-512 BF16 (Intel SDM vol. 2, VDPBF16PS; Cooper Lake 2020, Zen 4 2022, and
 * later): an instruction that adds two products to a lane. It wants both factors as bfloat16, so x is rounded, too, to
 * 8 bits of mantissa, ties to even; numbers too small for a normal float count as zero. Each sum still runs over the
 * inputs in order, two by two, whatever the tile. Part of avx512vnni.c. */
#ifndef LL_KERNELS_X86_BF16_H
#define LL_KERNELS_X86_BF16_H

#include "kernels/vector/kernels_template.h"

/* Inputs whose rounded x a tile has beside it, in the first-level cache: a multiple of what is rounded at once. Each
 * panel rounds them anew: one instruction for every sixteen of the products'. */
#define BF16_INPUTS 128
#define BF16_AT_ONCE (2 * VL)

/* Rounds n numbers of x, filled up with zeros to whole pairs, the earlier one in the lower half. */
static ALWAYS_INLINE void round_to_bf16(const float *x, size_t n, uint32_t *pairs) {
    size_t i = 0;
    for (; i + BF16_AT_ONCE <= n; i += BF16_AT_ONCE)
        _mm512_storeu_si512(pairs + i / 2, (__m512i)_mm512_cvtne2ps_pbh(v_load(x + i + VL), v_load(x + i)));
    if (i == n) return;
    const size_t left = n - i, first = left < VL ? left : VL;
    const vf second = left > VL ? v_load_part(x + i + VL, left - VL) : v_zero();
    _mm512_storeu_si512(pairs + i / 2, (__m512i)_mm512_cvtne2ps_pbh(second, v_load_part(x + i, first)));
}

/* Called with constant n_r only. */
static ALWAYS_INLINE void dot_bf16_tile(const size_t n_r, const tile_work *work) {
    const tile_work t = *work;
    const float *x = (const float *)(const void *)t.x;
    const char *w = t.w;
    const size_t ldx = t.x_stride / sizeof *x;
    uint32_t rounded[MATMUL_ROWS][BF16_INPUTS / 2];
    float_sums sum;
    fetching fetch = start_fetching(&t);
    start_or_go_on(n_r, PANEL_VECTORS, &t, sum);
    for (size_t k = 0; k < t.n_in; k += BF16_INPUTS) {
        const size_t n = t.n_in - k < BF16_INPUTS ? t.n_in - k : BF16_INPUTS;
        for (size_t r = 0; r < n_r; r++) round_to_bf16(x + r * ldx + k, n, rounded[r]);
        for (size_t i = 0; i < n; i += 2, w += NR * 4) {
            __m512i column[PANEL_VECTORS];
            fetch_ahead(&t, &fetch);
            UNROLL for (size_t v = 0; v < PANEL_VECTORS; v++) column[v] = _mm512_loadu_si512(w + v * (VL * 4));
            UNROLL for (size_t r = 0; r < n_r; r++) {
                const __m512i row = _mm512_set1_epi32((int)rounded[r][i / 2]);
                UNROLL for (size_t v = 0; v < PANEL_VECTORS; v++) sum[r * PANEL_VECTORS + v] =
                    _mm512_dpbf16_ps(sum[r * PANEL_VECTORS + v], (__m512bh)column[v], (__m512bh)row);
            }
        }
    }
    UNROLL for (size_t r = 0; r < n_r; r++) {
        UNROLL for (size_t v = 0; v < PANEL_VECTORS; v++) finish(&t, r, v, sum[r * PANEL_VECTORS + v]);
    }
}

#define DOT_BF16_TILE(n_r, t) dot_bf16_tile(n_r, t)
TILES(dot_bf16_tiles, DOT_BF16_TILE, MATMUL_ROWS);

static void matmul_bf16_dot(const ll_product *p) { product(&dot_bf16_tiles, LL_BF16, (p->n_in + 1) / 2, p); }

#endif
