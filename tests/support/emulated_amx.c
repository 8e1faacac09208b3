/*
 * lib/kernels/x86/amx.c with its tiles played by arrays: the product with AMX is tested on every processor with AVX-512
 * VNNI. Its name here is emulated_amx_matmul_q8.
 */
#include "support/emulated_amx.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct emulated_tile {
    size_t n_rows, row_bytes;
    uint8_t bytes[16][64];
} emulated_tile;

static emulated_tile tiles[8];
size_t emulated_amx_n_products;

/* Intel SDM vol. 2, LDTILECFG: bytes of a row from byte 16 on, rows from byte 48 on. */
static void load_config(const void *config) {
    memset(tiles, 0, sizeof tiles);
    for (size_t i = 0; i < 8; i++) {
        uint16_t row_bytes;
        memcpy(&row_bytes, (const char *)config + 16 + 2 * i, sizeof row_bytes);
        tiles[i].row_bytes = row_bytes;
        tiles[i].n_rows = ((const uint8_t *)config)[48 + i];
    }
}

static void zero(int t) { memset(tiles[t].bytes, 0, sizeof tiles[t].bytes); }

static void load(int t, const void *base, size_t stride) {
    for (size_t r = 0; r < tiles[t].n_rows; r++)
        memcpy(tiles[t].bytes[r], (const char *)base + r * stride, tiles[t].row_bytes);
}

static void store(int t, void *base, size_t stride) {
    for (size_t r = 0; r < tiles[t].n_rows; r++)
        memcpy((char *)base + r * stride, tiles[t].bytes[r], tiles[t].row_bytes);
}

/* TDPBSUD: signed bytes of a times unsigned bytes of b, four a lane. */
static void multiply(int sum, int a, int b) {
    emulated_amx_n_products++;
    for (size_t m = 0; m < tiles[a].n_rows; m++) {
        for (size_t n = 0; n < tiles[b].row_bytes / 4; n++) {
            int32_t lane;
            memcpy(&lane, &tiles[sum].bytes[m][n * 4], sizeof lane);
            for (size_t k = 0; k < tiles[a].row_bytes / 4; k++)
                for (size_t i = 0; i < 4; i++)
                    lane += (int8_t)tiles[a].bytes[m][k * 4 + i] * tiles[b].bytes[k][n * 4 + i];
            memcpy(&tiles[sum].bytes[m][n * 4], &lane, sizeof lane);
        }
    }
}

#undef _tile_loadconfig
#undef _tile_release
#undef _tile_zero
#undef _tile_loadd
#undef _tile_stored
#undef _tile_dpbsud
#define _tile_loadconfig load_config
#define _tile_release() memset(tiles, 0, sizeof tiles)
#define _tile_zero zero
#define _tile_loadd load
#define _tile_stored store
#define _tile_dpbsud multiply

#define ll_cpu_may_use_tiles() true
#define ll_amx_matmul_q8 emulated_amx_matmul_q8
#define ll_amx_prepare emulated_amx_prepare
#include "kernels/x86/amx.c"
#else
typedef int no_amx_here;
#endif
