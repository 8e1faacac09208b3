#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "kernels/kernel_case.h"
#include "support/attention.h"

#define MAX_BLOCKS 8

/* One head of one sequence: queries, keys, values, and blocks that hold them behind a gap. */
typedef struct scene {
    size_t head_dim, n_positions, ld;
    ll_kv_type type;
    float *rows; /* [n_positions, query | key | value | 3 more] of ld */
    void *blocks[MAX_BLOCKS];
} scene;

#define GAP_BYTES 128 /* other heads */

static float *aligned_floats(size_t n) {
    void *p = NULL;
    ck_assert_int_eq(posix_memalign(&p, 64, n * sizeof(float)), 0);
    return p;
}

static scene scene_new(uint64_t *seed, ll_kv_type type, size_t head_dim, size_t n_positions) {
    scene s = {.head_dim = head_dim, .n_positions = n_positions, .ld = 3 * head_dim + 3, .type = type};
    s.rows = random_floats(seed, 2.0f, n_positions * s.ld);
    const size_t bytes = GAP_BYTES + ll_kv_head_bytes(type, head_dim);
    for (size_t b = 0; b * LL_KV_BLOCK < n_positions; b++) {
        s.blocks[b] = aligned_floats(bytes / sizeof(float));
        memset(s.blocks[b], 0xff, bytes); /* NaN until stored */
    }
    return s;
}

static void scene_free(scene *s) {
    free(s->rows);
    for (size_t b = 0; b < MAX_BLOCKS; b++) free(s->blocks[b]);
}

/* Stores positions [begin, end) in pieces of up to `piece`. */
static void scene_store(const scene *s, const ll_kernels *k, size_t begin, size_t end, size_t piece) {
    for (size_t at = begin, n; at < end; at += n) {
        const size_t slot = at % LL_KV_BLOCK;
        n = end - at < piece ? end - at : piece;
        if (n > LL_KV_BLOCK - slot) n = LL_KV_BLOCK - slot;
        const ll_kv_rows part = {.key = s->rows + at * s->ld + s->head_dim,
                                 .value = s->rows + at * s->ld + 2 * s->head_dim,
                                 .ld_key = s->ld,
                                 .ld_value = s->ld,
                                 .n_tokens = n,
                                 .slot = slot,
                                 .head_dim = s->head_dim,
                                 .type = s->type,
                                 .head = (char *)s->blocks[at / LL_KV_BLOCK] + GAP_BYTES};
        k->kv_store(&part);
    }
}

/* Rows [first, first + n_rows) into out [n_rows, head_dim + 1]. */
static void scene_attend(const scene *s, const ll_kernels *k, size_t first, size_t n_rows, bool causal, float *out) {
    const size_t n_positions = causal ? first + 1 : s->n_positions;
    const size_t n_last = causal ? first + n_rows : s->n_positions;
    float *scratch = aligned_floats(ll_attend_scratch_floats(s->head_dim, n_last));
    memset(scratch, 0xff, ll_attend_scratch_floats(s->head_dim, n_last) * sizeof *scratch);
    const ll_attend a = {.q = s->rows + first * s->ld,
                         .out = out,
                         .ldq = s->ld,
                         .ldo = s->head_dim + 1,
                         .kv_blocks = s->blocks,
                         .head_bytes = GAP_BYTES,
                         .next_blocks = s->blocks,
                         .next_head_bytes = GAP_BYTES,
                         .n_next_blocks = first % 2 * ((n_positions - 1) / LL_KV_BLOCK + 1),
                         .type = s->type,
                         .head_dim = s->head_dim,
                         .n_rows = n_rows,
                         .n_positions = n_positions,
                         .causal_step = causal,
                         .scale = 0.3f,
                         .scratch = scratch};
    k->attend(&a);
    free(scratch);
}

static double stored(const scene *s, float x) { return stored_number(s->type, (double)x); }

/* The formula in double over the first n positions. */
static void attend_exactly(const scene *s, size_t row, size_t n, double *out) {
    const float *q = s->rows + row * s->ld;
    double scores[MAX_BLOCKS * LL_KV_BLOCK];
    for (size_t t = 0; t < n; t++) {
        const float *key = s->rows + t * s->ld + s->head_dim;
        double product = 0;
        for (size_t d = 0; d < s->head_dim; d++) product += (double)q[d] * stored(s, key[d]);
        scores[t] = (double)0.3f * product;
    }
    average_exactly(scores, n, s->rows + 2 * s->head_dim, s->ld, s->head_dim, s->type, out);
}

static void check_exactly(const scene *s, const char *name, size_t first, size_t n_rows, bool causal,
                          const float *out) {
    double want[128];
    for (size_t r = 0; r < n_rows; r++) {
        attend_exactly(s, first + r, causal ? first + r + 1 : s->n_positions, want);
        for (size_t d = 0; d < s->head_dim; d++) {
            const float got = out[r * (s->head_dim + 1) + d];
            ck_assert_msg(fabs(got - want[d]) <= 1e-5, "%s: type %d, %zu wide, row %zu of %zu: %g, not %g", name,
                          (int)s->type, s->head_dim, first + r, s->n_positions, (double)got, want[d]);
        }
        ck_assert(isnan(out[r * (s->head_dim + 1) + s->head_dim])); /* nothing past the row */
    }
}

static const size_t head_dims[] = {1, 3, 8, 12, 16, 25, 32, 40, 64, 80, 100, 128};
#define N_HEAD_DIMS (sizeof head_dims / sizeof *head_dims)

/* Any number of rows from any slot of a block on, both kinds of mask, both types, all kernel sets. */
START_TEST(equals_the_formula) {
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_kernels = all_kernels(sets);
    uint64_t seed = 41;
    for (size_t c = 0; c < n_kernels * N_HEAD_DIMS * 48; c += suite_step(7)) {
        const ll_kernels *k = sets[c / (N_HEAD_DIMS * 48)];
        const size_t head_dim = head_dims[c / 48 % N_HEAD_DIMS];
        scene s = scene_new(&seed, c % 2 ? LL_KV_F16 : LL_KV_F32, head_dim, 1 + random_below(&seed, 200));
        const size_t block = random_below(&seed, (s.n_positions + LL_KV_BLOCK - 1) / LL_KV_BLOCK) * LL_KV_BLOCK;
        const size_t in_block = s.n_positions - block < LL_KV_BLOCK ? s.n_positions - block : LL_KV_BLOCK;
        const size_t slot = c % 3 ? random_below(&seed, in_block) : 0;
        const size_t n_rows = c % 5 ? 1 + random_below(&seed, in_block - slot) : in_block - slot;
        const bool causal = c / 2 % 2;
        float *out = floats(n_rows * (head_dim + 1));
        memset(out, 0xff, n_rows * (head_dim + 1) * sizeof *out);
        scene_store(&s, k, 0, causal ? block + slot + n_rows : s.n_positions, 1 + random_below(&seed, 40));
        scene_attend(&s, k, block + slot, n_rows, causal, out);
        check_exactly(&s, k->name, block + slot, n_rows, causal, out);
        free(out);
        scene_free(&s);
    }
}
END_TEST

/* A row's bits do not depend on the rows of the same call, nor on later tokens. */
START_TEST(a_row_stands_alone) {
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_kernels = all_kernels(sets);
    uint64_t seed = 42;
    for (size_t c = 0; c < n_kernels * N_HEAD_DIMS * 4; c += suite_step(3)) {
        const ll_kernels *k = sets[c / (N_HEAD_DIMS * 4)];
        const size_t head_dim = head_dims[c / 4 % N_HEAD_DIMS], n = 5 * LL_KV_BLOCK - 7, ldo = head_dim + 1;
        scene s = scene_new(&seed, c % 2 ? LL_KV_F16 : LL_KV_F32, head_dim, n);
        const bool causal = c / 2 % 2;
        float *alone = floats(n * ldo), *together = floats(LL_ATTEND_ROWS * ldo);
        memset(alone, 0xff, n * ldo * sizeof *alone);
        if (!causal) scene_store(&s, k, 0, n, n);
        for (size_t r = 0; r < n; r++) {
            if (causal) scene_store(&s, k, r, r + 1, 1);
            scene_attend(&s, k, r, 1, causal, alone + r * ldo);
        }
        for (size_t first = 0, n_rows; first < n; first += random_below(&seed, n_rows) + 1) {
            const size_t free_slots = LL_KV_BLOCK - first % LL_KV_BLOCK;
            n_rows = 1 + random_below(&seed, free_slots < n - first ? free_slots : n - first);
            memset(together, 0xff, n_rows * ldo * sizeof *together);
            scene_attend(&s, k, first, n_rows, causal, together);
            ck_assert_mem_eq(together, alone + first * ldo, n_rows * ldo * sizeof *together);
        }
        free(alone);
        free(together);
        scene_free(&s);
    }
}
END_TEST

/* Storing: the same memory however the tokens came, on every kernel set. */
START_TEST(stores_what_the_plain_row_stores) {
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_kernels = all_kernels(sets);
    uint64_t seed = 43;
    for (size_t c = 0; c < n_kernels * N_HEAD_DIMS * 8; c++) {
        const ll_kernels *k = sets[c / (N_HEAD_DIMS * 8)];
        scene s = scene_new(&seed, c % 2 ? LL_KV_F16 : LL_KV_F32, head_dims[c / 8 % N_HEAD_DIMS], 2 * LL_KV_BLOCK);
        const size_t begin = random_below(&seed, LL_KV_BLOCK), end = begin + 1 + random_below(&seed, LL_KV_BLOCK);
        const size_t bytes = GAP_BYTES + ll_kv_head_bytes(s.type, s.head_dim);
        void *want[2], *const got[2] = {s.blocks[0], s.blocks[1]};
        for (size_t b = 0; b < 2; b++) {
            want[b] = s.blocks[b] = aligned_floats(bytes / sizeof(float));
            memset(want[b], 0xff, bytes);
        }
        scene_store(&s, &ll_kernels_scalar, begin, end, LL_KV_BLOCK);
        memcpy(s.blocks, got, sizeof got);
        scene_store(&s, k, begin, end, c % 3 ? LL_KV_BLOCK : 1 + random_below(&seed, 20));
        for (size_t b = 0; b < 2; b++) {
            ck_assert_mem_eq(want[b], got[b], bytes);
            free(want[b]);
        }
        scene_free(&s);
    }
}
END_TEST

/* ---- numbers that are none */

static void attend_all(const scene *s, const ll_kernels *k, bool causal, float *out) {
    scene_store(s, k, 0, s->n_positions, LL_KV_BLOCK);
    for (size_t r = 0; r < s->n_positions; r += LL_KV_BLOCK) {
        const size_t left = s->n_positions - r;
        scene_attend(s, k, r, left < LL_KV_BLOCK ? left : LL_KV_BLOCK, causal, out + r * (s->head_dim + 1));
    }
}

static const float bad_numbers[] = {NAN, INFINITY, -INFINITY};

/* A later token's key or value that is no number: earlier rows keep their bits, zeros' signs included; later rows
 * show it. */
START_TEST(a_later_token_touches_no_earlier_row) {
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_kernels = all_kernels(sets), n = 70, bad = 40;
    uint64_t seed = 44;
    for (size_t c = 0; c < n_kernels * 12; c++) {
        const ll_kernels *k = sets[c / 12];
        scene s = scene_new(&seed, c % 2 ? LL_KV_F16 : LL_KV_F32, 20, n);
        const size_t ldo = s.head_dim + 1, bytes = n * ldo * sizeof(float);
        float *good = floats(n * ldo), *out = floats(n * ldo);
        memset(good, 0xff, bytes);
        memset(out, 0xff, bytes);
        attend_all(&s, k, true, good);
        const bool in_value = c / 2 % 2;
        s.rows[bad * s.ld + (in_value ? 2 : 1) * s.head_dim + 7] = bad_numbers[c / 4 % 3];
        attend_all(&s, k, true, out);
        ck_assert_mem_eq(good, out, bad * ldo * sizeof *out);
        for (size_t r = bad; in_value && r < n; r++) {
            ck_assert(!isfinite(out[r * ldo + 7]));
            out[r * ldo + 7] = good[r * ldo + 7]; /* the other columns do not see it */
        }
        if (in_value) ck_assert_mem_eq(good, out, bytes);
        for (size_t r = bad; !in_value && isnan(bad_numbers[c / 4 % 3]) && r < n; r++)
            for (size_t d = 0; d < s.head_dim; d++) ck_assert(isnan(out[r * ldo + d]));
        free(good);
        free(out);
        scene_free(&s);
    }
}
END_TEST

/* A query that is no number makes its row NaN; a score of minus infinity is no weight; all of them so: NaN. */
START_TEST(a_row_without_a_finite_score_is_nan) {
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_kernels = all_kernels(sets), n = 33;
    uint64_t seed = 45;
    for (size_t c = 0; c < n_kernels * 6; c++) {
        const ll_kernels *k = sets[c / 6];
        scene s = scene_new(&seed, c % 2 ? LL_KV_F16 : LL_KV_F32, 24, n);
        const size_t ldo = s.head_dim + 1;
        float *out = floats(n * ldo), *good = floats(n * ldo);
        memset(out, 0xff, n * ldo * sizeof *out);
        memset(good, 0xff, n * ldo * sizeof *out);
        for (size_t t = 0; t < n; t++) { /* column 5 of the queries is 0 but for one row; of the keys it is 1 */
            s.rows[t * s.ld + 5] = 0.0f;
            s.rows[t * s.ld + s.head_dim + 5] = 1.0f;
        }
        attend_all(&s, k, false, good);
        s.rows[9 * s.ld + 5] = bad_numbers[c / 2 % 3];
        attend_all(&s, k, false, out);
        for (size_t r = 0; r < n; r++) {
            if (r != 9) ck_assert_mem_eq(good + r * ldo, out + r * ldo, ldo * sizeof *out);
            for (size_t d = 0; r == 9 && d < s.head_dim; d++) ck_assert(isnan(out[r * ldo + d]));
        }
        /* All keys but two are infinitely far from that row. */
        s.rows[9 * s.ld + 5] = 1.0f;
        for (size_t t = 0; t < n; t++) s.rows[t * s.ld + s.head_dim + 5] = t == 3 || t == 32 ? 1.0f : -INFINITY;
        scene_store(&s, k, 0, n, n);
        scene_attend(&s, k, 9, 1, false, out);
        double scores[2] = {0}, weight;
        for (size_t d = 0; d < s.head_dim; d++) {
            scores[0] += (double)s.rows[9 * s.ld + d] * stored(&s, s.rows[3 * s.ld + s.head_dim + d]);
            scores[1] += (double)s.rows[9 * s.ld + d] * stored(&s, s.rows[32 * s.ld + s.head_dim + d]);
        }
        weight = 1 / (1 + exp((double)0.3f * (scores[1] - scores[0])));
        for (size_t d = 0; d < s.head_dim; d++)
            ck_assert_double_eq_tol(out[d],
                                    weight * stored(&s, s.rows[3 * s.ld + 2 * s.head_dim + d]) +
                                        (1 - weight) * stored(&s, s.rows[32 * s.ld + 2 * s.head_dim + d]),
                                    2e-6);
        free(out);
        free(good);
        scene_free(&s);
    }
}
END_TEST

/* ---- weights, seen through scores that are chosen: one number wide, key t is 1, value t says which weight shows */

/* p[1] / p[0] for scores (0, x), in units of the last place of 1. */
START_TEST(weights_are_as_exact_as_they_say) {
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_kernels = all_kernels(sets);
    uint64_t seed = 46;
    for (size_t i = 0; i < n_kernels; i++) {
        scene s = scene_new(&seed, LL_KV_F32, 1, 2);
        double worst = 0, worst_absolute = 0;
        float out[2];
        s.rows[0] = 1.0f / 0.3f;
        s.rows[1] = 0.0f;
        s.rows[2] = 0.0f;
        s.rows[s.ld + 2] = 1.0f;
        for (float x = -120.0f; x <= 0.0f; x += 0.0113f) {
            s.rows[s.ld + 1] = x;
            scene_store(&s, sets[i], 0, 2, 2);
            scene_attend(&s, sets[i], 0, 1, false, out);
            const double e = exp((double)(s.rows[0] * 0.3f) * x), want = e / (1 + e);
            if (x > -80) worst = fmax(worst, fabs(out[0] - want) / want / (1 - (double)x));
            worst_absolute = fmax(worst_absolute, fabs(out[0] - want));
        }
        /* The score's own rounding, 2^-24 of its size, is all that grows with it. */
        ck_assert_msg(worst < 2.5e-7, "%s: %g", sets[i]->name, worst);
        ck_assert_msg(worst_absolute < 2e-7, "%s: %g", sets[i]->name, worst_absolute);
        scene_free(&s);
    }
}
END_TEST

/* Keys are stored as the rules say on every kernel set, and come back as what they are. */
START_TEST(kernels_round_halves_so_too) {
    static const float x[] = {0.0f,        -0.0f,     1.0f,     0x1p-24f,     0x1p-25f,       0x1.8p-25f,
                              0x1.8p-24f,  5.96e-8f,  6.1e-5f,  0x1.ffcp-15f, 0x1.ffep-15f,   0.1f,
                              65504.0f,    65519.0f,  65520.0f, 1e9f,         FLT_MAX,        1e-30f,
                              FLT_MIN / 4, -3.14159f, INFINITY, -INFINITY,    1.00048828125f, 2049.0f};
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_kernels = all_kernels(sets), n = sizeof x / sizeof *x;
    uint64_t seed = 47;
    for (size_t i = 0; i < n_kernels; i++) {
        for (size_t n_tokens = 1; n_tokens <= 2; n_tokens++) {
            scene s = scene_new(&seed, LL_KV_F16, n, n_tokens);
            for (size_t t = 0; t < n_tokens; t++) {
                memcpy(s.rows + t * s.ld + n, x, sizeof x);
                memcpy(s.rows + t * s.ld + 2 * n, x, sizeof x);
            }
            scene_store(&s, sets[i], 0, n_tokens, 2);
            const uint16_t *keys = (const uint16_t *)(const void *)((char *)s.blocks[0] + GAP_BYTES);
            const uint16_t *values = keys + n * LL_KV_BLOCK;
            for (size_t d = 0; d < n; d++) {
                ck_assert_uint_eq(keys[d * LL_KV_BLOCK + n_tokens - 1], ll_float_to_half(x[d]));
                ck_assert_uint_eq(values[(n_tokens - 1) * ll_kv_value_stride(n) + d], ll_float_to_half(x[d]));
            }
            scene_free(&s);
        }
    }
}
END_TEST

START_TEST(every_kernel_set_of_this_build_runs_here) { name_kernel_sets_that_cannot_run(); }
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, every_kernel_set_of_this_build_runs_here);
    tcase_add_test(t, equals_the_formula);
    tcase_add_test(t, a_row_stands_alone);
    tcase_add_test(t, stores_what_the_plain_row_stores);
    tcase_add_test(t, a_later_token_touches_no_earlier_row);
    tcase_add_test(t, a_row_without_a_finite_score_is_nan);
    tcase_add_test(t, weights_are_as_exact_as_they_say);
    tcase_add_test(t, kernels_round_halves_so_too);
}

SUITE_MAIN("kernels/attend", add)
