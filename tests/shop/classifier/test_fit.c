/* The loss and its gradient against plain sums and finite differences, kernels against their definition, L-BFGS. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shop/classifier/fit.h"
#include "shop/classifier/kernels.h"
#include "support/random.h"
#include "support/suite.h"

enum { ROWS = 41, FEATURES = 23, DENSE = 5, CLASSES = 5 };

/* A matrix of random rows, with columns. */
static void random_matrix(uint64_t *seed, const llmcs_allocator *a, shop_matrix *m) {
    shop_corpus c = {.n_rows = ROWS, .n_grams = FEATURES, .n_dense = DENSE, .n_labels = CLASSES};
    shop_term terms[ROWS * FEATURES];
    size_t start[ROWS + 1], n = 0;
    uint32_t hashes[FEATURES], label[ROWS], rows[ROWS];
    float dense[ROWS * DENSE], weight[ROWS];
    for (uint32_t g = 0; g < FEATURES; g++) hashes[g] = g * 7;
    for (uint32_t i = 0; i < ROWS; i++) {
        start[i] = n;
        for (uint32_t g = 0; g < FEATURES; g++)
            if (random_below(seed, 3) == 0)
                terms[n++] = (shop_term){g, (uint16_t)(1 + random_below(seed, 3)), (uint16_t)(g % SHOP_N_BLOCKS)};
        label[i] = (uint32_t)random_below(seed, CLASSES);
        weight[i] = 0.5f + (float)random_below(seed, 3);
        rows[i] = i;
    }
    start[ROWS] = n;
    random_fill(seed, 1, dense, ROWS * DENSE);
    c.terms = terms;
    c.row_start = start;
    c.hashes = hashes;
    c.dense = dense;
    c.label = label;
    c.weight = weight;
    shop_dictionary d;
    ck_assert_int_eq(shop_dictionary_build(a, &c, rows, ROWS, 1, 1000, &d), LLMCS_OK);
    ck_assert_int_eq(shop_matrix_build(a, &c, &d, rows, ROWS, true, m), LLMCS_OK);
    shop_dictionary_free(a, &d);
}

/* The loss by its definition, in double. */
static double plain_loss(const shop_matrix *m, const shop_weights *w, double l2) {
    double loss = 0;
    for (size_t i = 0; i < m->n_rows; i++) {
        double z[CLASSES], sum = 0;
        for (size_t c = 0; c < CLASSES; c++) {
            z[c] = (double)w->values[(w->n_features + w->n_dense) * w->stride + c];
            for (size_t k = m->row_start[i]; k < m->row_start[i + 1]; k++)
                z[c] += (double)m->value[k] * (double)w->values[m->feature[k] * w->stride + c];
            for (size_t x = 0; x < w->n_dense; x++)
                z[c] += (double)m->dense[i * w->n_dense + x] * (double)w->values[(w->n_features + x) * w->stride + c];
            sum += exp(z[c]);
        }
        loss += (double)m->weight[i] * (log(sum) - z[m->label[i]]);
    }
    for (size_t i = 0; i < (w->n_features + w->n_dense) * w->stride; i++)
        loss += l2 / 2 * (double)w->values[i] * (double)w->values[i];
    return loss;
}

START_TEST(gradient_is_that_of_the_loss) {
    const llmcs_allocator a = shop_allocator_or_default(NULL);
    uint64_t seed = 7;
    shop_matrix m;
    shop_weights w;
    shop_team *team;
    const double l2 = 0.3, step = 1e-3;
    random_matrix(&seed, &a, &m);
    ck_assert_int_eq(shop_weights_create(&a, &m, CLASSES, &w), LLMCS_OK);
    ck_assert_int_eq(shop_team_create(&a, 2, &team), LLMCS_OK);
    const size_t n = (w.n_features + w.n_dense + 1) * w.stride;
    float *scores = calloc(ROWS * w.stride, sizeof *scores), *gradient = calloc(n, sizeof *gradient);
    double losses[ROWS];
    for (size_t i = 0; i < n; i++)
        if (i % w.stride < CLASSES) w.values[i] = random_float(&seed, 1);
    const double loss = shop_loss(team, &m, &w, l2, scores, losses, gradient);
    ck_assert_double_eq_tol(loss, plain_loss(&m, &w, l2), 1e-4);
    for (size_t i = 0; i < n; i++) {
        if (i % w.stride >= CLASSES) {
            ck_assert_float_eq(gradient[i], 0); /* padding stays zero */
            continue;
        }
        const float value = w.values[i];
        w.values[i] = value + (float)step;
        const double up = plain_loss(&m, &w, l2), high = (double)w.values[i];
        w.values[i] = value - (float)step;
        const double slope = (up - plain_loss(&m, &w, l2)) / (high - (double)w.values[i]);
        w.values[i] = value;
        ck_assert_double_eq_tol((double)gradient[i], slope, 2e-3);
    }
    free(scores);
    free(gradient);
    shop_weights_free(&a, &w);
    shop_matrix_free(&a, &m);
    shop_team_free(&a, &team);
}
END_TEST

/* At the minimum the gradient vanishes; any number of threads gives the same bits. */
START_TEST(fits_reach_the_minimum_with_the_same_bits) {
    const llmcs_allocator a = shop_allocator_or_default(NULL);
    uint64_t seed = 11;
    shop_matrix m;
    shop_weights first = {0};
    random_matrix(&seed, &a, &m);
    for (int32_t threads = 1; threads <= 4; threads++) {
        shop_weights w;
        shop_team *team;
        const shop_fit_settings settings = {.l2 = 1, .max_iterations = 200};
        ck_assert_int_eq(shop_weights_create(&a, &m, CLASSES, &w), LLMCS_OK);
        ck_assert_int_eq(shop_team_create(&a, threads, &team), LLMCS_OK);
        const size_t n = (w.n_features + w.n_dense + 1) * w.stride;
        const double before = plain_loss(&m, &w, 1);
        ck_assert_int_eq(shop_fit(&a, team, &m, &settings, &w), LLMCS_OK);
        ck_assert_double_lt(plain_loss(&m, &w, 1), 0.9 * before);
        float *scores = calloc(ROWS * w.stride, sizeof *scores), *gradient = calloc(n, sizeof *gradient);
        double losses[ROWS], squares = 0;
        shop_loss(team, &m, &w, 1, scores, losses, gradient);
        for (size_t i = 0; i < n; i++) squares += (double)gradient[i] * (double)gradient[i];
        ck_assert_double_lt(sqrt(squares), 0.5);
        if (first.values) ck_assert_mem_eq(first.values, w.values, n * sizeof *w.values);
        free(scores);
        free(gradient);
        shop_team_free(&a, &team);
        if (first.values)
            shop_weights_free(&a, &w);
        else
            first = w;
    }
    shop_weights_free(&a, &first);
    shop_matrix_free(&a, &m);
}
END_TEST

START_TEST(kernels_are_sums_in_order) {
    enum { MOST = 72, TERMS = 37 };
    static float matrix[64 * MOST], values[TERMS], out[8 * MOST], left[7 * TERMS];
    static int8_t bytes[64 * 80];
    static int16_t rounded[TERMS];
    uint32_t rows[TERMS];
    uint64_t seed = 3;
    random_fill(&seed, 1, matrix, 64 * MOST);
    random_fill(&seed, 1, values, TERMS);
    random_fill(&seed, 1, left, 7 * TERMS);
    for (size_t k = 0; k < TERMS; k++) rows[k] = (uint32_t)random_below(&seed, 64);
    for (size_t stride = SHOP_LANES; stride <= MOST; stride += SHOP_LANES) {
        memset(out, 0, sizeof out);
        shop_sum_rows(matrix, stride, rows, values, TERMS, out);
        for (size_t c = 0; c < stride; c++) {
            float sum = 0;
            for (size_t k = 0; k < TERMS; k++) sum += values[k] * matrix[rows[k] * stride + c];
            ck_assert_mem_eq(&sum, &out[c], sizeof sum);
        }
        memset(out, 0, sizeof out);
        shop_product(left, TERMS, 7, matrix, TERMS, stride, out);
        for (size_t i = 0; i < 7; i++)
            for (size_t c = 0; c < stride; c++) {
                float sum = 0;
                for (size_t k = 0; k < TERMS; k++) sum += left[i * TERMS + k] * matrix[k * stride + c];
                ck_assert_mem_eq(&sum, &out[i * stride + c], sizeof sum);
            }
    }
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (int8_t)random_next(&seed);
    for (size_t k = 0; k < TERMS; k++) rounded[k] = (int16_t)random_next(&seed);
    for (size_t stride = 16; stride <= 80; stride += 16) {
        int32_t sums[80] = {0};
        shop_sum_rows_int8(bytes, stride, rows, rounded, TERMS, sums);
        for (size_t c = 0; c < stride; c++) {
            int32_t sum = 0;
            for (size_t k = 0; k < TERMS; k++) sum += rounded[k] * bytes[rows[k] * stride + c];
            ck_assert_int_eq(sum, sums[c]);
        }
    }
}
END_TEST

static void add_tests(TCase *tests) {
    tcase_add_test(tests, gradient_is_that_of_the_loss);
    tcase_add_test(tests, fits_reach_the_minimum_with_the_same_bits);
    tcase_add_test(tests, kernels_are_sums_in_order);
}

SUITE_MAIN("shop/classifier/fit", add_tests)
