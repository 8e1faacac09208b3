/* The similarity kernels of every kernel set that runs here: the bits of the scalar definition. */
#include <math.h>

#include "base/half.h"
#include "kernels/kernel_case.h"

#define MAX_N 416

START_TEST(similarities_have_the_bits_of_the_definition) {
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_sets = all_kernels(sets);
    uint64_t seed = 17;
    for (size_t n = LL_LANES; n <= MAX_N; n += LL_LANES) {
        float *x = random_floats(&seed, 3.0f, n), *y = random_floats(&seed, 1.0f, n);
        uint16_t *halves = malloc(n * sizeof *halves);
        ck_assert_ptr_nonnull(halves);
        for (size_t i = 0; i < n; i++)
            halves[i] = ll_float_to_half(y[i] * (i % 5 ? 1.0f : 1e-5f)); /* subnormal ones too */
        for (size_t k = 0; k < n_sets; k++) {
            const ll_kernels *s = sets[k], *d = &ll_kernels_scalar;
            ck_assert_msg(s->dot_f32(x, y, n) == d->dot_f32(x, y, n), "%s dot_f32 %zu", s->name, n);
            ck_assert_msg(s->dot_f16(x, halves, n) == d->dot_f16(x, halves, n), "%s dot_f16 %zu", s->name, n);
            ck_assert_msg(s->distance_f32(x, y, n) == d->distance_f32(x, y, n), "%s distance_f32 %zu", s->name, n);
            ck_assert_msg(s->distance_f16(x, halves, n) == d->distance_f16(x, halves, n), "%s distance_f16 %zu",
                          s->name, n);
        }
        double right = 0;
        for (size_t i = 0; i < n; i++) right += (double)x[i] * (double)y[i];
        ck_assert(fabs((double)ll_kernels_scalar.dot_f32(x, y, n) - right) <= 1e-5 * (double)n);
        free(x);
        free(y);
        free(halves);
    }
}
END_TEST

START_TEST(not_finite_stays_so) {
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_sets = all_kernels(sets);
    float x[32] = {[3] = 1, [20] = NAN}, y[32] = {[3] = 1}, z[32] = {[5] = INFINITY};
    for (size_t k = 0; k < n_sets; k++) {
        ck_assert(isnan(sets[k]->dot_f32(x, y, 32)));
        ck_assert(isinf(sets[k]->dot_f32(z, z, 32)));
        ck_assert(isinf(sets[k]->distance_f32(z, y, 32)));
    }
}
END_TEST

START_TEST(at_least_compares_each_score) {
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_sets = all_kernels(sets);
    uint64_t seed = 18, bits[5];
    float *scores = random_floats(&seed, 1.0f, 5 * LL_SCORES), least[5] = {-INFINITY, 0.0f, INFINITY, 0.25f, -0.5f};
    scores[3 * LL_SCORES + 7] = 0.25f; /* equal counts */
    scores[1 * LL_SCORES + 9] = -0.0f;
    scores[2 * LL_SCORES + 63] = INFINITY;
    scores[4 * LL_SCORES + 1] = -INFINITY;
    scores[4 * LL_SCORES + 2] = NAN;
    for (size_t k = 0; k < n_sets; k++) {
        sets[k]->at_least(scores, 5, least, bits);
        for (size_t i = 0; i < 5 * LL_SCORES; i++)
            ck_assert_msg((bits[i / LL_SCORES] >> i % LL_SCORES & 1) == (scores[i] >= least[i / LL_SCORES]), "%s %zu",
                          sets[k]->name, i);
    }
    free(scores);
}
END_TEST

static void add(TCase *t) {
    printf("kernels/similarity: seeds 17 and 18\n");
    name_kernel_sets_that_cannot_run();
    tcase_add_test(t, similarities_have_the_bits_of_the_definition);
    tcase_add_test(t, not_finite_stays_so);
    tcase_add_test(t, at_least_compares_each_score);
}

SUITE_MAIN("kernels/similarity", add)
