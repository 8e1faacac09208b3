/* The feature that averages the cosines of an entry's five nearest questions, next to the cosines of the encoder. */
#include <math.h>
#include <stdlib.h>

#include "shop/knowledge/follow.h"
#include "shop/knowledge/match.h"
#include "shop/store/shop_case.h"
#include "shop/store/vectors.h"
#include "support/model_fixture.h"

static char folder[TEMP_PATH_BYTES], encoder_folder[TEMP_PATH_BYTES], path[TEMP_PATH_BYTES + 16];
static llmcs_model *encoder;
static llmcs_shop *shop;

static void setup(void) {
    llmcs_shop_options o;
    temp_folder(folder);
    snprintf(path, sizeof path, "%s/shop.db", folder);
    text_bert_folder("bert-embed", encoder_folder);
    encoder = open_model(encoder_folder, 1);
    llmcs_shop_options_init(&o);
    o.flags = LLMCS_SHOP_CREATE;
    o.encoder = encoder;
    SHOP_OK(llmcs_shop_open(path, &o, &shop));
}

static void teardown(void) {
    llmcs_shop_free(&shop);
    llmcs_model_free(&encoder);
    temp_remove(encoder_folder);
    temp_remove(folder);
}

static const char asked[] = "can i send the hat back";
static const char *const many[] = {
    "can i send the hat back", "may i return a hat", "how do returns work", "send back a parcel",
    "is a return free",        "hat does not fit",   "give the hat back",   "back"};
static const char *const few[] = {"what does the hat cost", "price of a hat"};

static void put(const char *id, const char *const *questions, size_t n) {
    const llmcs_shop_entry e = {
        .struct_size = sizeof e, .id = id, .lang = "en", .questions = questions, .n_questions = n, .answer = "Yes."};
    const llmcs_shop_entry *list[] = {&e};
    SHOP_OK(llmcs_shop_put_entries(shop, list, 1, NULL, NULL, NULL));
}

static int descending(const void *x, const void *y) {
    const double a = *(const double *)x, b = *(const double *)y;
    return (a < b) - (a > b);
}

/* The mean of the k largest cosines of the questions, by the encoder itself. */
static double expected_mean(const char *const *questions, size_t n, size_t k) {
    llmcs_text texts[9] = {{asked, sizeof asked - 1, NULL, 0}};
    double cosines[8], sum = 0;
    float *vectors = NULL;
    ck_assert_uint_le(n, 8);
    for (size_t i = 0; i < n; i++) texts[i + 1] = (llmcs_text){questions[i], strlen(questions[i]), NULL, 0};
    SHOP_OK(shop_embed(shop, texts, n + 1, &vectors));
    const size_t width = (size_t)shop->n_embedding;
    for (size_t i = 0; i < n; i++) {
        cosines[i] = 0;
        for (size_t d = 0; d < width; d++) cosines[i] += (double)vectors[d] * (double)vectors[(i + 1) * width + d];
    }
    shop_free(&shop->allocator, vectors);
    qsort(cosines, n, sizeof *cosines, descending);
    for (size_t i = 0; i < k; i++) sum += cosines[i];
    return sum / (double)k;
}

START_TEST(support_is_the_mean_of_the_five_nearest) {
    const llmcs_text text = {asked, sizeof asked - 1, NULL, 0};
    shop_question q = {.text = asked, .text_bytes = sizeof asked - 1};
    shop_match match = {.shop = shop};
    shop_connection *c;
    size_t n_checked = 0;
    put("return", many, sizeof many / sizeof *many);
    put("price", few, sizeof few / sizeof *few);
    SHOP_OK(shop_embed(shop, &text, 1, &q.vector));
    SHOP_OK(shop_read_begin(shop, &c));
    SHOP_OK(shop_follow(shop, c));
    SHOP_OK(shop_question_init(shop, c, &q));
    SHOP_OK(shop_match_find(shop, c, &q, &match));
    SHOP_OK(shop_match_compare(c, &q, &match));
    for (size_t i = 0; i < match.n; i++) {
        const shop_candidate *e = &match.candidates[i];
        const bool is_many = !strcmp(e->id, "return");
        const double expected = is_many ? expected_mean(many, 8, 5) : expected_mean(few, 2, 2);
        ck_assert_uint_eq(e->n_nearest, is_many ? 5 : 2);
        for (size_t k = 1; k < e->n_nearest; k++) ck_assert_double_ge(e->nearest[k - 1], e->nearest[k]);
        ck_assert_double_eq_tol(e->features[SHOP_F_SUPPORT], expected, 2e-3); /* vectors are stored as float16 */
        ck_assert_double_le(e->features[SHOP_F_SUPPORT], e->features[SHOP_F_COSINE]);
        n_checked++;
    }
    ck_assert_uint_eq(n_checked, 2);
    /* All eight would be another mean, so the test tells five from eight. */
    ck_assert_double_gt(fabs(expected_mean(many, 8, 5) - expected_mean(many, 8, 8)), 4e-3);
    shop_read_end(shop, c);
    shop_question_free(shop, &q);
    shop_match_free(&match);
}
END_TEST

static void add_tests(TCase *tests) {
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, support_is_the_mean_of_the_five_nearest);
}

SUITE_MAIN("shop/knowledge/nearest", add_tests)
