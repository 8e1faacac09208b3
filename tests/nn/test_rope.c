#include <math.h>
#include <string.h>

#include "base/half.h"
#include "data/rope/frequencies.h"
#include "nn/nn_case.h"

#define N_CASES (sizeof frequencies / sizeof *frequencies)

/* Against Transformers' float32: its power is not always rounded to nearest. */
START_TEST(frequencies_are_those_of_transformers) {
    float inverse[64];
    for (size_t c = 0; c < N_CASES; c++) {
        const float scale = ll_rope_frequencies(&frequencies[c].spec, inverse);
        ck_assert(fabsf(scale - frequencies[c].scale) <= 1.2e-7f);
        for (size_t i = 0; i < frequencies[c].spec.n_dims / 2; i++) {
            const float want = frequencies[c].inverse[i];
            ck_assert_msg(fabsf(inverse[i] - want) <= 1.2e-7f * want, "case %zu, %zu: %a, not %a", c, i,
                          (double)inverse[i], (double)want);
        }
    }
}
END_TEST

/* GTE (remote modeling.py: NTKScalingRotaryEmbedding): theta times the factor, all divided by factor^(2 / n_dims). */
START_TEST(ntk_stretches_long_wavelengths_by_the_factor) {
    const ll_rope_spec spec = {.n_dims = 64, .theta = 20000, .scaling = LL_ROPE_NTK, .factor = 8};
    float inverse[32];
    ck_assert(ll_rope_frequencies(&spec, inverse) == 1.0f);
    for (size_t i = 0; i < 32; i++) {
        const double want = 1 / pow(160000, 2 * (double)i / 64) / pow(8, 2.0 / 64);
        ck_assert(fabs(inverse[i] - want) <= 3e-7 * want);
    }
}
END_TEST

/* Rows of several segments at any positions, also far ones, whatever the team: cosines and sines of float32 angles. */
START_TEST(rows_are_cosines_and_sines_of_their_positions) {
    const ll_segment segments[] = {{.n_rows = 3, .first_position = 5},
                                   {.first_row = 3, .n_rows = 1, .first_position = 131071},
                                   {.first_row = 4, .n_rows = 4}};
    float inverse[64], rows[8 * 128];
    for (size_t c = 0; c < N_CASES; c++) {
        const size_t n = frequencies[c].spec.n_dims, half = n / 2;
        const ll_rope rope = {n, ll_rope_frequencies(&frequencies[c].spec, inverse), inverse};
        for (int size = 1; size <= 3; size++) {
            memset(rows, 0xff, sizeof rows);
            for (int index = 0; index < size; index++) {
                ll_team team = {NULL, index, size};
                ll_rope_rows(&(ll_exec){.team = &team}, &rope, segments, 3, rows);
            }
            for (size_t r = 0; r < 8; r++) {
                const size_t position = r < 3 ? 5 + r : r == 3 ? 131071 : r - 4;
                for (size_t i = 0; i < half; i++) {
                    const double angle = (double)((float)position * inverse[i]);
                    ck_assert(rows[r * n + i] == (float)cos(angle) * rope.scale);
                    ck_assert(rows[r * n + half + i] == (float)sin(angle) * rope.scale);
                }
            }
        }
    }
}
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, frequencies_are_those_of_transformers);
    tcase_add_test(t, ntk_stretches_long_wavelengths_by_the_factor);
    tcase_add_test(t, rows_are_cosines_and_sines_of_their_positions);
}

SUITE_MAIN("nn/rope", add)
