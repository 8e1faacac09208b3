/* Metrics of numbers, such as response times: the largest and the percentiles. */
#include "shop/metrics/measure.h"

/* Nearest rank: the smallest value such that N percent of the weight is at or below it. */
llmcs_status shop_percentile(const llmcs_shop_measure *view, const uint32_t *weights, double *score) {
    const shop_label_score *sorted = view->labels.scores;
    uint64_t total = 0, below = 0;
    for (size_t i = 0; i < view->n_rows; i++) total += shop_weight(weights, i);
    size_t i = 0;
    for (; i + 1 < view->n_rows; i++) {
        below += shop_weight(weights, sorted[i].row);
        if (below * 100 >= total * (uint64_t)view->order) break;
    }
    *score = sorted[i].score;
    return LLMCS_OK;
}

llmcs_status shop_maximum(const llmcs_shop_measure *view, const uint32_t *weights, double *score) {
    const shop_label_score *sorted = view->labels.scores;
    size_t i = view->n_rows - 1;
    while (i && !shop_weight(weights, sorted[i].row)) i--;
    *score = sorted[i].score;
    return LLMCS_OK;
}
