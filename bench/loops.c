/*
 * Each loop has a dozen accumulators, enough to hide the latency of an instruction, and updates each of them once per
 * iteration. The factors stay in registers. HIDE hides a register's value from the compiler, so that it removes no
 * work.
 */
#include "loops.h"

#include <string.h>

#define N_SUMS 12

static bool always(const ll_cpu *cpu) {
    (void)cpu;
    return true;
}

/* Stores a result, so that the compiler keeps the loop that computes it. */
static void keep(const void *result) { __asm__ volatile("" : : "r"(result) : "memory"); }

/* In the compiler's vectors of four, whatever the processor has for them. */
typedef float float4 __attribute__((vector_size(16)));
static void plain_f32(size_t n_rounds) {
    float4 sums[N_SUMS] = {{0}};
    const float4 x = {0.9999f, 0.9999f, 0.9999f, 0.9999f}, y = {1e-4f, 1e-4f, 1e-4f, 1e-4f};
    for (size_t i = 0; i < n_rounds; i++) {
#pragma GCC unroll 12
        for (size_t s = 0; s < N_SUMS; s++) sums[s] = sums[s] * x + y;
    }
    keep(sums);
}

#if defined(__x86_64__)
#include <immintrin.h>

static bool has_avx2(const ll_cpu *cpu) { return cpu->avx2_fma_f16c; }
static bool has_avx512(const ll_cpu *cpu) { return cpu->avx512; }
static bool has_avx_vnni(const ll_cpu *cpu) { return cpu->avx_vnni; }
static bool has_avx512_vnni(const ll_cpu *cpu) { return cpu->avx512_vnni; }
static bool has_amx(const ll_cpu *cpu) {
    if (cpu->amx_int8) ll_cpu_request_tiles();
    return cpu->amx_int8 && ll_cpu_may_use_tiles();
}

#define HIDE(v) __asm__("" : "+v"(v))

__attribute__((target("avx2,fma"))) static void avx2_f32(size_t n_rounds) {
    __m256 sums[N_SUMS];
    const __m256 x = _mm256_set1_ps(0.9999f), y = _mm256_set1_ps(1e-4f);
    for (size_t s = 0; s < N_SUMS; s++) sums[s] = y;
    for (size_t i = 0; i < n_rounds; i++) {
#pragma GCC unroll 12
        for (size_t s = 0; s < N_SUMS; s++) sums[s] = _mm256_fmadd_ps(sums[s], x, y);
    }
    keep(sums);
}

__attribute__((target("avx512f"))) static void avx512_f32(size_t n_rounds) {
    __m512 sums[N_SUMS];
    const __m512 x = _mm512_set1_ps(0.9999f), y = _mm512_set1_ps(1e-4f);
    for (size_t s = 0; s < N_SUMS; s++) sums[s] = y;
    for (size_t i = 0; i < n_rounds; i++) {
#pragma GCC unroll 12
        for (size_t s = 0; s < N_SUMS; s++) sums[s] = _mm512_fmadd_ps(sums[s], x, y);
    }
    keep(sums);
}

/* Without VNNI: bytes widened to 16 bits, products added in pairs to 32 bits, those to the sum. (Products of bytes that
 * are added in pairs to 16 bits would saturate.) */
/* Few sums: only additions depend on each other, and with more gcc keeps some in memory. */
#define AVX2_SUMS 5
__attribute__((target("avx2"))) static void avx2_int8(size_t n_rounds) {
    __m256i sums[AVX2_SUMS];
    __m256i x = _mm256_set1_epi16(3), y = _mm256_set1_epi16(-5);
    for (size_t s = 0; s < AVX2_SUMS; s++) sums[s] = _mm256_setzero_si256();
    for (size_t i = 0; i < n_rounds; i++) {
#pragma GCC unroll 5
        for (size_t s = 0; s < AVX2_SUMS; s++) {
            HIDE(x);
            const __m256i even = _mm256_madd_epi16(x, y);
            HIDE(x);
            sums[s] = _mm256_add_epi32(sums[s], _mm256_add_epi32(even, _mm256_madd_epi16(x, y)));
        }
    }
    keep(sums);
}

/* Products of four-bit weights, which fit into 16 bits; widening each block's sum is not counted. */
__attribute__((target("avx2"))) static void avx2_int4(size_t n_rounds) {
    __m256i sums[AVX2_SUMS];
    __m256i x = _mm256_set1_epi8(3), y = _mm256_set1_epi8(-5);
    for (size_t s = 0; s < AVX2_SUMS; s++) sums[s] = _mm256_setzero_si256();
    for (size_t i = 0; i < n_rounds; i++) {
#pragma GCC unroll 5
        for (size_t s = 0; s < AVX2_SUMS; s++) {
            HIDE(x);
            sums[s] = _mm256_add_epi16(sums[s], _mm256_maddubs_epi16(x, y));
        }
    }
    keep(sums);
}

__attribute__((target("avx512f,avx512bw"))) static void avx512_int8(size_t n_rounds) {
    __m512i sums[N_SUMS];
    __m512i x = _mm512_set1_epi16(3), y = _mm512_set1_epi16(-5);
    for (size_t s = 0; s < N_SUMS; s++) sums[s] = _mm512_setzero_si512();
    for (size_t i = 0; i < n_rounds; i++) {
#pragma GCC unroll 12
        for (size_t s = 0; s < N_SUMS; s++) {
            HIDE(x);
            sums[s] = _mm512_add_epi32(sums[s], _mm512_madd_epi16(x, y));
        }
    }
    keep(sums);
}

__attribute__((target("avx2,avxvnni"))) static void avx_vnni_int8(size_t n_rounds) {
    __m256i sums[N_SUMS];
    __m256i x = _mm256_set1_epi8(3), y = _mm256_set1_epi8(-5);
    for (size_t s = 0; s < N_SUMS; s++) sums[s] = _mm256_setzero_si256();
    for (size_t i = 0; i < n_rounds; i++) {
        HIDE(x);
#pragma GCC unroll 12
        for (size_t s = 0; s < N_SUMS; s++) sums[s] = _mm256_dpbusd_avx_epi32(sums[s], x, y);
    }
    keep(sums);
}

__attribute__((target("avx512f,avx512vnni"))) static void avx512_vnni_int8(size_t n_rounds) {
    __m512i sums[N_SUMS];
    __m512i x = _mm512_set1_epi8(3), y = _mm512_set1_epi8(-5);
    for (size_t s = 0; s < N_SUMS; s++) sums[s] = _mm512_setzero_si512();
    for (size_t i = 0; i < n_rounds; i++) {
        HIDE(x);
#pragma GCC unroll 12
        for (size_t s = 0; s < N_SUMS; s++) sums[s] = _mm512_dpbusd_epi32(sums[s], x, y);
    }
    keep(sums);
}

/* Four sums, as many as there are tiles for with two of rows and two of weights: loading those is not counted. */
__attribute__((target("amx-tile,amx-int8"))) static void amx_int8(size_t n_rounds) {
    static const unsigned char config[64] = {1,         [16] = 64, [18] = 64, [20] = 64, [22] = 64, [24] = 64,
                                             [26] = 64, [28] = 64, [30] = 64, [48] = 16, 16,        16,
                                             16,        16,        16,        16,        16};
    static const unsigned char numbers[1024];
    _tile_loadconfig(config);
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    _tile_loadd(4, numbers, 64);
    _tile_loadd(5, numbers, 64);
    _tile_loadd(6, numbers, 64);
    _tile_loadd(7, numbers, 64);
    for (size_t i = 0; i < n_rounds; i++) {
        _tile_dpbsud(0, 4, 6);
        _tile_dpbsud(1, 4, 7);
        _tile_dpbsud(2, 5, 6);
        _tile_dpbsud(3, 5, 7);
    }
    _tile_release();
}

#elif defined(__aarch64__)
#include <arm_neon.h>

static bool has_neon(const ll_cpu *cpu) { return cpu->neon; }

#define HIDE(v) __asm__("" : "+w"(v))

static void neon_f32(size_t n_rounds) {
    float32x4_t sums[2 * N_SUMS];
    const float32x4_t x = vdupq_n_f32(0.9999f), y = vdupq_n_f32(1e-4f);
    for (size_t s = 0; s < 2 * N_SUMS; s++) sums[s] = y;
    for (size_t i = 0; i < n_rounds; i++) {
#pragma GCC unroll 24
        for (size_t s = 0; s < 2 * N_SUMS; s++) sums[s] = vfmaq_f32(y, sums[s], x);
    }
    keep(sums);
}

static void neon_int8(size_t n_rounds) {
    int32x4_t sums[N_SUMS];
    int8x16_t x = vdupq_n_s8(3), y = vdupq_n_s8(-5);
    for (size_t s = 0; s < N_SUMS; s++) sums[s] = vdupq_n_s32(0);
    for (size_t i = 0; i < n_rounds; i++) {
#pragma GCC unroll 12
        for (size_t s = 0; s < N_SUMS; s++) {
            HIDE(x);
            int16x8_t products = vmull_s8(vget_low_s8(x), vget_low_s8(y));
            products = vmlal_s8(products, vget_high_s8(x), vget_high_s8(y));
            sums[s] = vpadalq_s16(sums[s], products);
        }
    }
    keep(sums);
}

#if !defined(__clang__) /* which has these intrinsics only for the whole file */
static bool has_dotprod(const ll_cpu *cpu) { return cpu->dotprod; }
static bool has_i8mm(const ll_cpu *cpu) { return cpu->i8mm; }

__attribute__((target("arch=armv8.2-a+dotprod"))) static void dotprod_int8(size_t n_rounds) {
    int32x4_t sums[N_SUMS];
    int8x16_t x = vdupq_n_s8(3), y = vdupq_n_s8(-5);
    for (size_t s = 0; s < N_SUMS; s++) sums[s] = vdupq_n_s32(0);
    for (size_t i = 0; i < n_rounds; i++) {
        HIDE(x);
#pragma GCC unroll 12
        for (size_t s = 0; s < N_SUMS; s++) sums[s] = vdotq_s32(sums[s], x, y);
    }
    keep(sums);
}

__attribute__((target("arch=armv8.2-a+i8mm"))) static void i8mm_int8(size_t n_rounds) {
    int32x4_t sums[N_SUMS];
    int8x16_t x = vdupq_n_s8(3), y = vdupq_n_s8(-5);
    for (size_t s = 0; s < N_SUMS; s++) sums[s] = vdupq_n_s32(0);
    for (size_t i = 0; i < n_rounds; i++) {
        HIDE(x);
#pragma GCC unroll 12
        for (size_t s = 0; s < N_SUMS; s++) sums[s] = vmmlaq_s32(sums[s], x, y);
    }
    keep(sums);
}
#endif
#endif

#define BYTES (BENCH_INT8 | BENCH_INT4)
const bench_loop bench_loops[] = {
#if defined(__x86_64__)
    {"AVX-512 multiply-add", BENCH_F32, 2 * 16 * N_SUMS, avx512_f32, has_avx512, "avx512 avx512vnni amx"},
    {"AVX2 multiply-add", BENCH_F32, 2 * 8 * N_SUMS, avx2_f32, has_avx2, "avx2 avxvnni"},
    {"AMX int8", BENCH_INT8, 2 * 16 * 16 * 64 * 4, amx_int8, has_amx, "amx"},
    {"AVX-512 VNNI int8", BYTES, 2 * 64 * N_SUMS, avx512_vnni_int8, has_avx512_vnni, "avx512vnni amx"},
    {"AVX-VNNI int8", BYTES, 2 * 32 * N_SUMS, avx_vnni_int8, has_avx_vnni, "avxvnni"},
    {"AVX-512 int8 (madd)", BYTES, 2 * 32 * N_SUMS, avx512_int8, has_avx512, "avx512"},
    {"AVX2 int8 (madd)", BENCH_INT8, 2 * 32 * AVX2_SUMS, avx2_int8, has_avx2, "avx2"},
    {"AVX2 int4 (maddubs)", BENCH_INT4, 2 * 32 * AVX2_SUMS, avx2_int4, has_avx2, "avx2"},
#elif defined(__aarch64__)
    {"NEON multiply-add", BENCH_F32, 2 * 4 * 2 * N_SUMS, neon_f32, has_neon, "neon dotprod i8mm"},
#if !defined(__clang__)
    {"NEON int8 matrix product", BYTES, 2 * 32 * N_SUMS, i8mm_int8, has_i8mm, "i8mm"},
    {"NEON int8 dot product", BYTES, 2 * 16 * N_SUMS, dotprod_int8, has_dotprod, "dotprod"},
#endif
    {"NEON int8 (multiply long)", BYTES, 2 * 16 * N_SUMS, neon_int8, has_neon, "neon"},
#endif
    {"plain C multiply-add", BENCH_F32, 2 * 4 * N_SUMS, plain_f32, always, "scalar"},
};
const size_t bench_n_loops = sizeof bench_loops / sizeof *bench_loops;

static bool names(const char *list, const char *word) {
    const size_t n = strlen(word);
    for (const char *at = list; (at = strstr(at, word)); at += n)
        if ((at == list || at[-1] == ' ') && (at[n] == ' ' || !at[n])) return true;
    return false;
}

const bench_loop *bench_loop_of(const char *row, bench_arithmetic arithmetic) {
    const ll_cpu cpu = ll_cpu_detect();
    for (size_t i = 0; i < bench_n_loops; i++) {
        const bench_loop *l = &bench_loops[i];
        if ((l->arithmetic & arithmetic) && names(l->used_by, row) && l->runs_on(&cpu)) return l;
    }
    return NULL;
}
