/* The parts of recommendations over plain arrays: co-occurrence event by event, features, the choice of a diverse list.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shop/recommend/cooccur.h"
#include "shop/recommend/features.h"
#include "shop/recommend/labelled.h"
#include "shop/recommend/rank.h"
#include "support/fail_alloc.h"
#include "support/random.h"
#include "support/suite.h"

enum { N_CUSTOMERS = 30, N_ITEMS = 40 };

/* The definition: customers of both / (sqrt(customers of i * customers of j) + 2). */
static double cosine_of(bool has[N_CUSTOMERS][N_ITEMS], size_t i, size_t j) {
    double both = 0, of_i = 0, of_j = 0;
    for (size_t c = 0; c < N_CUSTOMERS; c++) {
        both += has[c][i] && has[c][j];
        of_i += has[c][i];
        of_j += has[c][j];
    }
    return i == j || both < 1 ? 0 : both / (sqrt(of_i) * sqrt(of_j) + 2);
}

START_TEST(cooccurrence_follows_each_event) {
    static bool has[N_CUSTOMERS][N_ITEMS];
    fail_alloc counter;
    fail_alloc_init(&counter);
    const llmcs_allocator a = fail_alloc_get(&counter);
    shop_cooccur c;
    shop_cooccur_init(&c, &a);
    uint64_t seed = 11;
    printf("seed %llu\n", (unsigned long long)seed);
    for (size_t event = 0; event < 400; event++) {
        const size_t customer = random_below(&seed, N_CUSTOMERS), item = random_below(&seed, N_ITEMS);
        has[customer][item] = true;
        ck_assert_int_eq(shop_cooccur_add(&c, (int64_t)customer * 1000 + 7, (uint32_t)item, 1), LLMCS_OK);
        if (event % 57) continue;
        for (uint32_t i = 0; i < N_ITEMS; i++)
            for (uint32_t j = 0; j < N_ITEMS; j++)
                ck_assert_double_eq_tol(shop_cooccur_cosine(&c, i, j), cosine_of(has, i, j), 1e-6);
    }
    for (uint32_t i = 0; i < N_ITEMS; i++) {
        size_t n, expected = 0;
        shop_cooccur_neighbours(&c, i, &n);
        for (uint32_t j = 0; j < N_ITEMS; j++) expected += cosine_of(has, i, j) > 0;
        ck_assert_uint_eq(n, expected);
    }
    ck_assert_double_eq(shop_cooccur_cosine(&c, 3, 1000000), 0);
    shop_cooccur_free(&c);
    ck_assert_int_eq(counter.live, 0);
}
END_TEST

/* A crawler that looks at everything costs a bounded amount and does not tie all items together for good. */
START_TEST(baskets_are_bounded) {
    const llmcs_allocator a = shop_allocator_or_default(NULL);
    shop_cooccur c;
    shop_cooccur_init(&c, &a);
    for (uint32_t i = 0; i < 3 * SHOP_MAX_BASKET; i++) ck_assert_int_eq(shop_cooccur_add(&c, 1, i, 1), LLMCS_OK);
    ck_assert_uint_eq(c.baskets[0].n, SHOP_MAX_BASKET);
    ck_assert_double_eq(shop_cooccur_cosine(&c, 0, 1), 0);
    ck_assert_double_gt(shop_cooccur_cosine(&c, 3 * SHOP_MAX_BASKET - 1, 3 * SHOP_MAX_BASKET - 2), 0.3);
    shop_cooccur_free(&c);
}
END_TEST

START_TEST(cooccurrence_survives_failing_allocations) {
    for (long fail_at = 0; fail_at < 60; fail_at++) {
        fail_alloc counter;
        fail_alloc_init(&counter);
        const llmcs_allocator a = fail_alloc_get(&counter);
        shop_cooccur c;
        shop_cooccur_init(&c, &a);
        counter.fail_at = fail_at;
        llmcs_status status = LLMCS_OK;
        for (uint32_t e = 0; e < 300; e++) {
            status = shop_cooccur_add(&c, e % 9, e % 31, 1);
            ck_assert(status == LLMCS_OK || status == LLMCS_NOMEM);
        }
        const double x = shop_cooccur_cosine(&c, 1, 2);
        ck_assert(x >= 0 && x <= 1);
        shop_cooccur_free(&c);
        ck_assert_int_eq(counter.live, 0);
    }
}
END_TEST

static void make_features(const char *text, double price, float *features) {
    const llmcs_allocator a = shop_allocator_or_default(NULL);
    shop_chars chars = {.allocator = &a};
    memset(features, 0, SHOP_FEATURE_DIM * sizeof *features);
    ck_assert_int_eq(shop_feature_add_text(features, &chars, text, strlen(text), 1), LLMCS_OK);
    shop_feature_add_price(features, "CNY", price, 1);
    ck_assert_double_gt(shop_normalise_vector(features, SHOP_FEATURE_DIM), 0);
    shop_chars_free(&chars);
}

static double likeness(const char *a, double price_a, const char *b, double price_b) {
    float x[SHOP_FEATURE_DIM], y[SHOP_FEATURE_DIM];
    make_features(a, price_a, x);
    make_features(b, price_b, y);
    return shop_dot(x, y, SHOP_FEATURE_DIM);
}

START_TEST(features_are_near_for_like_products) {
    ck_assert_double_eq_tol(likeness("Blue Mug", 50, "blue  MUGS!", 50), 1, 0.26); /* "mug" and "mugs" */
    ck_assert_double_gt(likeness("running shoes blue", 100, "trail running shoes", 110),
                        likeness("running shoes blue", 100, "porcelain teapot white", 110) + 0.3);
    ck_assert_double_gt(likeness("蓝色跑步鞋", 100, "男士跑步鞋", 100),
                        likeness("蓝色跑步鞋", 100, "陶瓷茶壶", 100) + 0.2);
    ck_assert_double_gt(likeness("mug", 100, "mug", 120), likeness("mug", 100, "mug", 1000) + 0.2);
    ck_assert_double_gt(likeness("mug", 100, "mug", 1000), 0.3);
    float zeros[4] = {0};
    ck_assert_double_eq(shop_normalise_vector(zeros, 4), 0);
}
END_TEST

START_TEST(diversity_moves_doubles_down) {
    const double scores[] = {0.9, 0.89, 0.5, 0.1};
    const float vectors[] = {1, 0, 1, 0, 0, 1, 0.6f, 0.8f};
    double workspace[4];
    uint32_t chosen[4];
    ck_assert_uint_eq(shop_choose_diverse(scores, vectors, 4, 2, 0, 3, workspace, chosen), 3);
    ck_assert(chosen[0] == 0 && chosen[1] == 1 && chosen[2] == 2);
    ck_assert_uint_eq(shop_choose_diverse(scores, vectors, 4, 2, 0.5, 9, workspace, chosen), 4);
    ck_assert(chosen[0] == 0 && chosen[1] == 2 && chosen[2] == 1 && chosen[3] == 3);
    ck_assert_uint_eq(shop_choose_diverse(scores, vectors, 0, 2, 0.5, 9, workspace, chosen), 0);
}
END_TEST

START_TEST(rows_are_found_again) {
    const llmcs_allocator a = shop_allocator_or_default(NULL);
    shop_row_map map = {.allocator = &a};
    ck_assert_uint_eq(shop_row_map_find(&map, 1), SHOP_NO_NUMBER);
    for (uint32_t i = 0; i < 5000; i++)
        ck_assert_int_eq(shop_row_map_put(&map, (int64_t)i * i * 4096 - 77, i), LLMCS_OK);
    for (uint32_t i = 0; i < 5000; i++) ck_assert_uint_eq(shop_row_map_find(&map, (int64_t)i * i * 4096 - 77), i);
    ck_assert_uint_eq(shop_row_map_find(&map, INT64_MIN), SHOP_NO_NUMBER);
    shop_row_map_free(&map);
}
END_TEST

/* Random changes of labels, against a plain array; every allocation may fail. */
START_TEST(labels_list_their_items) {
    enum { N_ENTRIES = 90, N_LABELS = 7, N_CHANGES = 4000 };
    uint32_t label_of[N_ENTRIES], items[N_ENTRIES];
    fail_alloc counter;
    fail_alloc_init(&counter);
    const llmcs_allocator a = fail_alloc_get(&counter);
    shop_labelled l = {.allocator = &a};
    uint64_t seed = 5;
    for (size_t i = 0; i < N_ENTRIES; i++) label_of[i] = SHOP_NO_NUMBER;
    for (size_t change = 0; change < N_CHANGES; change++) {
        const size_t at = random_below(&seed, N_ENTRIES);
        const uint32_t label = (uint32_t)random_below(&seed, N_LABELS + 1);
        const uint32_t wanted = label < N_LABELS ? label : SHOP_NO_NUMBER;
        counter.fail_at = change % 3 ? -1 : counter.calls; /* the next one */
        if (!shop_labelled_set(&l, at, (uint32_t)at + 500, wanted)) label_of[at] = wanted;
        if (change % 97) continue;
        for (uint32_t k = 0; k <= N_LABELS; k++) {
            bool listed[N_ENTRIES] = {false};
            const size_t n = shop_labelled_count(&l, k);
            shop_labelled_items(&l, k, items);
            for (size_t i = 0; i < n; i++) listed[items[i] - 500] = true;
            size_t expected = 0;
            for (size_t i = 0; i < N_ENTRIES; i++) {
                expected += label_of[i] == k;
                ck_assert_int_eq(listed[i], label_of[i] == k);
            }
            ck_assert_uint_eq(n, expected);
        }
    }
    shop_labelled_free(&l);
    ck_assert_int_eq(counter.live, 0);
}
END_TEST

static void add_tests(TCase *tests) {
    tcase_add_test(tests, labels_list_their_items);
    tcase_add_test(tests, cooccurrence_follows_each_event);
    tcase_add_test(tests, baskets_are_bounded);
    tcase_add_test(tests, cooccurrence_survives_failing_allocations);
    tcase_add_test(tests, features_are_near_for_like_products);
    tcase_add_test(tests, diversity_moves_doubles_down);
    tcase_add_test(tests, rows_are_found_again);
}

SUITE_MAIN("shop/recommend/parts", add_tests)
