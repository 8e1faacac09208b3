/* Compares two classifiers on the same rows: difference, interval, p. */
#include <string.h>
#include <time.h>

#include "shop/base/options.h"
#include "shop/learn/models.h"

static const llmcs_shop_contest_params default_params = {
    .struct_size = sizeof(llmcs_shop_contest_params), .metric = "accuracy", .seed = 12345, .n_samples = 1000};

void llmcs_shop_contest_params_init_sized(llmcs_shop_contest_params *params, size_t struct_size) {
    shop_options_init(params, struct_size, &default_params, sizeof default_params);
}

enum { AT_ONCE = 64 };

/* Adds n rows with the classifier's predictions to the measure. */
static llmcs_status add_predictions(const llmcs_shop_classifier *classifier, const llmcs_shop_example *tests, size_t n,
                                    const char *oos_label, llmcs_shop_measure *measure) {
    llmcs_shop_predictions *found = NULL;
    llmcs_shop_predict_params params;
    llmcs_text texts[AT_ONCE];
    for (size_t i = 0; i < n; i++) texts[i] = (llmcs_text){tests[i].text, tests[i].text_bytes, NULL, 0};
    llmcs_shop_predict_params_init(&params);
    params.n_scores = 1;
    SHOP_TRY(llmcs_shop_classifier_predict(classifier, texts, n, &params, &found));
    llmcs_status status = LLMCS_OK;
    for (size_t i = 0; i < n && !status; i++) {
        const llmcs_shop_prediction *p = found->items[i];
        const char *label = oos_label && !p->accepted ? oos_label : p->label;
        status = llmcs_shop_measure_add_label(measure, tests[i].label, label, NULL, NULL, 0);
    }
    llmcs_shop_predictions_free(&found);
    return status;
}

static llmcs_status measure_all(const llmcs_shop_classifier *classifier, const llmcs_shop_example *tests, size_t n,
                                const llmcs_shop_contest_params *p, llmcs_shop_measure **measure) {
    llmcs_shop_measure_params params;
    llmcs_shop_measure_params_init(&params);
    params.allocator = &classifier->a;
    SHOP_TRY(llmcs_shop_measure_create(p->metric, &params, measure));
    if (llmcs_shop_measure_row_kind(*measure) != LLMCS_SHOP_ROW_LABEL || !strcmp(p->metric, "ece") ||
        !strcmp(p->metric, "auroc"))
        return shop_fail(LLMCS_ARG, "metric: %s is not valid (accuracy, f1_macro, f1_micro, mcc)", p->metric);
    for (size_t i = 0; i < n; i += AT_ONCE)
        SHOP_TRY(add_predictions(classifier, tests + i, shop_min(n - i, AT_ONCE), p->oos_label, *measure));
    return LLMCS_OK;
}

llmcs_status llmcs_shop_classifier_compare(const llmcs_shop_classifier *a, const llmcs_shop_classifier *b,
                                           const llmcs_shop_example *tests, size_t n,
                                           const llmcs_shop_contest_params *params, llmcs_shop_comparison *comparison) {
    SHOP_PUBLIC_CALL;
    llmcs_shop_contest_params p = default_params;
    llmcs_shop_measure *of_a = NULL, *of_b = NULL;
    if (!a || !b || !comparison) return shop_fail(LLMCS_ARG, "a, b, comparison: NULL is not valid");
    if (!tests || !n) return shop_fail(LLMCS_ARG, "tests: expected at least one row");
    if (params)
        SHOP_TRY(shop_options_in(&p, sizeof p, SHOP_SIZE_UP_TO(llmcs_shop_contest_params, n_samples), params,
                                 "llmcs_shop_contest_params"));
    if (!p.metric) p.metric = "accuracy";
    for (size_t i = 0; i < n; i++)
        if (!tests[i].text || !tests[i].label || !tests[i].label[0])
            return shop_fail(LLMCS_ARG, "tests[%lld]: text or label is missing", (long long)i);
    llmcs_shop_bootstrap bootstrap;
    llmcs_shop_bootstrap_init(&bootstrap);
    bootstrap.seed = p.seed;
    bootstrap.n_samples = p.n_samples;
    llmcs_status status = measure_all(a, tests, n, &p, &of_a);
    if (!status) status = measure_all(b, tests, n, &p, &of_b);
    if (!status) status = llmcs_shop_measure_compare(of_a, of_b, &bootstrap, comparison);
    llmcs_shop_measure_free(&of_a);
    llmcs_shop_measure_free(&of_b);
    return status;
}

llmcs_status shop_comparison_insert(shop_connection *c, const char *model, int32_t a, int32_t b, const char *metric,
                                    size_t n, const llmcs_shop_comparison *x) {
    return shop_change(c,
                       "INSERT INTO comparisons(model, a, b, metric, n, score_a, score_b, low, high, p, time)"
                       " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
                       "siisidddddi", model, (int64_t)a, (int64_t)b, metric, (int64_t)n, x->score_a, x->score_b, x->low,
                       x->high, x->p, (int64_t)time(NULL));
}
