/* Trains the next version of a classifier from base rows and feedback, and compares it with the live one. */
#include <string.h>
#include <time.h>

#include "shop/base/options.h"
#include "shop/guard/audit.h"
#include "shop/learn/models.h"
#include "shop/learn/test_set.h"
#include "shop/store/rows.h"

static const llmcs_shop_retrain_params default_params = {
    .struct_size = sizeof(llmcs_shop_retrain_params), .weight = 1, .min_feedback = 1, .metric = "accuracy"};

void llmcs_shop_retrain_params_init_sized(llmcs_shop_retrain_params *params, size_t struct_size) {
    shop_options_init(params, struct_size, &default_params, sizeof default_params);
}

/* State of one retraining. */
typedef struct training {
    llmcs_shop *shop;
    const llmcs_shop_retrain_params *p;
    shop_test_keys tests;         /* texts that must not be trained on */
    llmcs_shop_example *examples; /* their texts and labels are the caller's or in `copies` */
    size_t n, capacity;
    char **copies;
    size_t n_copies, copies_capacity;
    llmcs_shop_classifier *fresh, *live;
    unsigned char *bytes;
    size_t n_bytes;
    llmcs_shop_retrained made;
} training;

static void free_training(training *t) {
    const llmcs_allocator *a = &t->shop->allocator;
    for (size_t i = 0; i < t->n_copies; i++) shop_free(a, t->copies[i]);
    shop_free(a, t->copies);
    shop_free(a, t->examples);
    if (t->fresh) shop_free(&t->fresh->a, t->bytes);
    llmcs_shop_classifier_free(&t->fresh);
    llmcs_shop_classifier_free(&t->live);
    shop_test_keys_free(&t->tests);
}

/* ---- rows */

static llmcs_status add_example(training *t, const char *text, size_t n, const char *label, int32_t times,
                                bool *added) {
    SHOP_TRY(shop_test_keys_find(&t->tests, text, n, added));
    *added = !*added;
    if (!*added) {
        t->made.n_left_out++;
        return LLMCS_OK;
    }
    SHOP_TRY(shop_grow(&t->shop->allocator, &t->examples, t->n, &t->capacity, t->n + (size_t)times, sizeof *t->examples,
                       "training rows"));
    for (int32_t i = 0; i < times; i++) t->examples[t->n++] = (llmcs_shop_example){text, n, label};
    return LLMCS_OK;
}

static llmcs_status add_base(training *t) {
    for (size_t i = 0; i < t->p->n_base; i++) {
        const llmcs_shop_example *e = &t->p->base[i];
        bool added;
        if (!e->text || !e->label) return shop_fail(LLMCS_ARG, "base[%lld]: text or label is NULL", (long long)i);
        const size_t n = e->text_bytes == LLMCS_NUL ? strlen(e->text) : e->text_bytes;
        SHOP_TRY(add_example(t, e->text, n, e->label, 1, &added));
        t->made.n_base += added;
    }
    return LLMCS_OK;
}

static llmcs_status copy_text(training *t, const char *text, size_t n, char **copy) {
    const llmcs_allocator *a = &t->shop->allocator;
    SHOP_TRY(shop_grow(a, &t->copies, t->n_copies, &t->copies_capacity, t->n_copies + 1, sizeof *t->copies, "rows"));
    SHOP_TRY(shop_copy_text(a, text, n, "row", copy));
    t->copies[t->n_copies++] = *copy;
    return LLMCS_OK;
}

/* Adds each text of the feedback with its last label. */
static llmcs_status add_feedback(training *t, shop_connection *c) {
    shop_query q;
    SHOP_TRY(shop_query_begin(c, &q,
                              "SELECT text, label, max(row) FROM feedback WHERE model = ?1 AND label IS NOT NULL AND"
                              " consent GROUP BY text ORDER BY 3",
                              "s", t->p->model));
    llmcs_status status;
    while (!(status = shop_query_next(&q)) && q.has_row) {
        size_t n, n_label;
        bool added;
        char *text, *label;
        const char *found = shop_query_text(&q, 0, &n);
        if ((status = copy_text(t, found, n, &text))) break;
        found = shop_query_text(&q, 1, &n_label);
        if ((status = copy_text(t, found, n_label, &label))) break;
        if ((status = add_example(t, text, n, label, t->p->weight, &added))) break;
        t->made.n_feedback += added;
    }
    shop_query_end(&q);
    return status;
}

/* ---- training */

static llmcs_status train(training *t) {
    const llmcs_shop_retrain_params *p = t->p;
    llmcs_shop_train_params params;
    llmcs_shop_train_params_init(&params);
    params.encoder = t->shop->encoder;
    params.oos_label = p->oos_label;
    /* A version must hold no training texts, because llmcs_shop_forget could not erase them there. */
    params.flags = p->train_flags | LLMCS_SHOP_TRAIN_NO_EXAMPLES;
    params.n_threads = p->n_threads;
    params.n_folds = p->n_folds;
    params.l2 = p->l2;
    params.allocator = &t->shop->allocator;
    params.progress = p->progress;
    params.progress_user = p->progress_user;
    SHOP_TRY(llmcs_shop_classifier_train(t->examples, t->n, &params, &t->fresh));
    return shop_classifier_to_bytes(t->fresh, p->model, &t->bytes, &t->n_bytes);
}

static llmcs_status compare(training *t) {
    llmcs_shop_contest_params params;
    t->made.comparison.struct_size = sizeof t->made.comparison;
    if (!t->live || !t->p->n_tests) return LLMCS_OK;
    llmcs_shop_contest_params_init(&params);
    params.oos_label = t->p->oos_label;
    params.metric = t->p->metric;
    return llmcs_shop_classifier_compare(t->live, t->fresh, t->p->tests, t->p->n_tests, &params, &t->made.comparison);
}

static llmcs_status read_rows(training *t, shop_connection *c) {
    shop_deployment d;
    SHOP_TRY(shop_test_set_check(c, t->p->model, &t->tests, t->p->new_tests));
    SHOP_TRY(add_feedback(t, c));
    SHOP_TRY(shop_deployment_read(c, t->p->model, &d));
    if (!d.live) return LLMCS_OK;
    t->made.compared_to = t->p->n_tests ? d.live : 0;
    return t->p->n_tests ? shop_model_open(t->shop, c, t->p->model, d.live, &t->live) : LLMCS_OK;
}

static llmcs_status keep(training *t, shop_connection *c) {
    char object[SHOP_ID_BYTES + 16], detail[160];
    SHOP_TRY(shop_test_set_keep(c, t->p->model, &t->tests, t->p->new_tests));
    SHOP_TRY(shop_model_insert(t->shop, c, t->p->model, t->bytes, t->n_bytes, t->fresh->encoder_fingerprint,
                               &t->made.version));
    if (t->made.compared_to)
        SHOP_TRY(shop_comparison_insert(c, t->p->model, t->made.compared_to, t->made.version, t->p->metric,
                                        t->p->n_tests, &t->made.comparison));
    sqlite3_snprintf(sizeof object, object, "model:%s", t->p->model);
    sqlite3_snprintf(sizeof detail, detail, "{\"version\":%d,\"base\":%llu,\"feedback\":%llu}", t->made.version,
                     (unsigned long long)t->made.n_base, (unsigned long long)t->made.n_feedback);
    return shop_audit_append(c, "trainer", t->p->actor ? t->p->actor : "llmcs", "retrain", object, detail);
}

static llmcs_status retrain(training *t) {
    shop_connection *c;
    SHOP_TRY(shop_test_keys_make(&t->shop->allocator, t->p->tests, t->p->n_tests, &t->tests));
    SHOP_TRY(add_base(t));
    SHOP_TRY(shop_read_begin(t->shop, &c));
    const llmcs_status status = read_rows(t, c);
    shop_read_end(t->shop, c);
    SHOP_TRY(status);
    if (t->made.n_feedback < (uint64_t)t->p->min_feedback)
        return shop_fail(LLMCS_STATE, "%s: %llu rows of feedback with a label and consent, expected at least %d",
                         t->p->model, (unsigned long long)t->made.n_feedback, t->p->min_feedback);
    SHOP_TRY(train(t));
    SHOP_TRY(compare(t));
    SHOP_TRY(shop_write_begin(t->shop, &c));
    return shop_write_end(t->shop, c, keep(t, c));
}

static llmcs_status check_params(const llmcs_shop_retrain_params *p) {
    SHOP_TRY(shop_check_id("model", p->model));
    if ((p->n_base && !p->base) || (p->n_tests && !p->tests))
        return shop_fail(LLMCS_ARG, "base, tests: NULL is not valid with rows");
    if (p->weight < 1 || p->weight > 100) return shop_fail(LLMCS_ARG, "weight: %d is not valid (1 to 100)", p->weight);
    if (p->min_feedback < 0) return shop_fail(LLMCS_ARG, "min_feedback: %d is not valid (0 or more)", p->min_feedback);
    SHOP_TRY(shop_check_text("metric", p->metric, 1, 40));
    return shop_check_name("actor", p->actor, 0);
}

llmcs_status llmcs_shop_retrain(llmcs_shop *shop, const llmcs_shop_retrain_params *params,
                                llmcs_shop_retrained *retrained) {
    SHOP_PUBLIC_CALL;
    llmcs_shop_retrain_params p = default_params;
    training *t;
    SHOP_TRY(shop_check(shop));
    if (!params || !retrained) return shop_fail(LLMCS_ARG, "params, retrained: NULL is not valid");
    SHOP_TRY(shop_options_in(&p, sizeof p, SHOP_SIZE_UP_TO_POINTER(llmcs_shop_retrain_params, progress_user), params,
                             "llmcs_shop_retrain_params"));
    SHOP_TRY(check_params(&p));
    if (shop->read_only)
        return shop_fail(LLMCS_STATE, "%s: the store was opened with LLMCS_SHOP_READ_ONLY", shop->path);
    SHOP_TRY(shop_alloc_zero(&shop->allocator, 1, sizeof *t, "training", &t));
    t->shop = shop;
    t->p = &p;
    t->made.struct_size = sizeof t->made;
    llmcs_status status = retrain(t);
    if (!status)
        status = shop_options_out(retrained, SHOP_SIZE_UP_TO(llmcs_shop_retrained, comparison), &t->made,
                                  sizeof t->made, "llmcs_shop_retrained");
    free_training(t);
    shop_free(&shop->allocator, t);
    return status;
}

/* ---- comparing stored versions */

static llmcs_status open_both(llmcs_shop *shop, const char *model, const shop_test_keys *keys, int32_t a, int32_t b,
                              llmcs_shop_classifier *opened[2]) {
    shop_connection *c;
    SHOP_TRY(shop_read_begin(shop, &c));
    llmcs_status status = shop_test_set_check(c, model, keys, false);
    if (!status) status = shop_model_open(shop, c, model, a, &opened[0]);
    if (!status) status = shop_model_open(shop, c, model, b, &opened[1]);
    shop_read_end(shop, c);
    return status;
}

static llmcs_status compare_versions(llmcs_shop *shop, const char *model, int32_t a, int32_t b,
                                     const shop_test_keys *keys, const llmcs_shop_example *tests, size_t n,
                                     const llmcs_shop_contest_params *params, llmcs_shop_comparison *found) {
    llmcs_shop_classifier *opened[2] = {NULL, NULL};
    shop_connection *c;
    llmcs_status status = open_both(shop, model, keys, a, b, opened);
    if (!status) status = llmcs_shop_classifier_compare(opened[0], opened[1], tests, n, params, found);
    llmcs_shop_classifier_free(&opened[0]);
    llmcs_shop_classifier_free(&opened[1]);
    if (!status) status = shop_write_begin(shop, &c);
    if (status) return status;
    status = shop_test_set_keep(c, model, keys, false);
    if (!status)
        status =
            shop_comparison_insert(c, model, a, b, params && params->metric ? params->metric : "accuracy", n, found);
    return shop_write_end(shop, c, status);
}

llmcs_status llmcs_shop_compare_models(llmcs_shop *shop, const char *model, int32_t a, int32_t b,
                                       const llmcs_shop_example *tests, size_t n,
                                       const llmcs_shop_contest_params *params, llmcs_shop_comparison *comparison) {
    SHOP_PUBLIC_CALL;
    shop_test_keys keys;
    llmcs_shop_comparison found = {.struct_size = sizeof found};
    SHOP_TRY(shop_check(shop));
    SHOP_TRY(shop_check_id("model", model));
    if (!comparison || !tests || !n) return shop_fail(LLMCS_ARG, "tests, comparison: NULL or no rows is not valid");
    SHOP_TRY(shop_test_keys_make(&shop->allocator, tests, n, &keys));
    llmcs_status status = compare_versions(shop, model, a, b, &keys, tests, n, params, &found);
    shop_test_keys_free(&keys);
    if (status) return status;
    return shop_options_out(comparison, SHOP_SIZE_UP_TO(llmcs_shop_comparison, p), &found, sizeof found,
                            "llmcs_shop_comparison");
}
