/* Metrics of labels: accuracy, F1, Matthews' correlation, calibration error, area under the ROC curve. */
#include <math.h>
#include <sqlite3.h>
#include <string.h>

#include "shop/metrics/measure.h"

/* The class of a name: classes are numbered in order of first appearance. A node's count `most` holds class + 1. */
static llmcs_status class_of(llmcs_shop_measure *m, const char *name, uint32_t *class) {
    const size_t bytes = strlen(name);
    if (bytes > SHOP_MAX_TEXT) return shop_fail(LLMCS_LIMIT, "label: %lld bytes, at most 16 MiB", (long long)bytes);
    SHOP_TRY(shop_chars_decode(&m->hypothesis, name, bytes));
    SHOP_TRY(shop_grams_reserve(&m->grams, m->hypothesis.n));
    const uint32_t node = shop_gram_of_chars(&m->grams, SHOP_ROOT_WORDS, m->hypothesis.at, m->hypothesis.n);
    shop_gram_counts *c = &m->grams.counts[node];
    if (!m->hypothesis.n) return shop_fail(LLMCS_ARG, "label: the empty string is not valid");
    if (!c->most) c->most = ++m->labels.n_classes;
    *class = c->most - 1;
    return LLMCS_OK;
}

static llmcs_status add_score(llmcs_shop_measure *m, uint32_t class, double score) {
    shop_labels *l = &m->labels;
    if (!isfinite(score)) return shop_fail(LLMCS_NUMERIC, "scores: a score is not finite");
    SHOP_TRY(shop_grow(&m->allocator, &l->scores, l->n_scores, &l->scores_capacity, l->n_scores + 1, sizeof *l->scores,
                       "scores"));
    l->scores[l->n_scores++] = (shop_label_score){(uint32_t)m->n_rows, class, score};
    return LLMCS_OK;
}

static bool is_yes(const char *label) { return !strcmp(label, "1") || !strcmp(label, "true"); }

/* In a yes-or-no task the score is that of the positive class. */
static llmcs_status add_scores(llmcs_shop_measure *m, uint32_t predicted, bool yes, const char *const *names,
                               const double *scores, size_t n_scores, double *confidence) {
    for (size_t i = 0; i < n_scores; i++) {
        uint32_t class = UINT32_MAX;
        if (names) SHOP_TRY(class_of(m, names[i], &class));
        if (class == predicted) *confidence = scores[i];
        SHOP_TRY(add_score(m, class, scores[i]));
    }
    if (!names && n_scores) *confidence = yes ? scores[0] : 1 - scores[0];
    return LLMCS_OK;
}

llmcs_status shop_labels_add(llmcs_shop_measure *m, const char *label, const char *prediction, const char *const *names,
                             const double *scores, size_t n_scores) {
    shop_labels *l = &m->labels;
    uint32_t truth, predicted;
    double confidence = -1;
    if (!names && n_scores > 1)
        return shop_fail(LLMCS_ARG, "scores: %lld without names, expected one", (long long)n_scores);
    SHOP_TRY(class_of(m, label, &truth));
    SHOP_TRY(class_of(m, prediction, &predicted));
    if (is_yes(label)) l->positive = truth;
    if (is_yes(prediction)) l->positive = predicted;
    SHOP_TRY(
        shop_grow(&m->allocator, &l->truth, m->n_rows, &l->truth_capacity, m->n_rows + 1, sizeof *l->truth, "rows"));
    SHOP_TRY(shop_grow(&m->allocator, &l->prediction, m->n_rows, &l->prediction_capacity, m->n_rows + 1,
                       sizeof *l->prediction, "rows"));
    SHOP_TRY(shop_grow(&m->allocator, &l->confidence, m->n_rows, &l->confidence_capacity, m->n_rows + 1,
                       sizeof *l->confidence, "rows"));
    const size_t n_before = l->n_scores;
    llmcs_status status = add_scores(m, predicted, is_yes(prediction), names, scores, n_scores, &confidence);
    const bool calibration = m->metric->weighted == shop_ece;
    if (!status && calibration && !(confidence >= 0 && confidence <= 1))
        status = shop_fail(LLMCS_ARG, "ece: the scores need the prediction's probability, 0 to 1");
    if (!status && m->metric->weighted == shop_auroc && !n_scores)
        status = shop_fail(LLMCS_ARG, "auroc: the row has no scores");
    if (status) {
        l->n_scores = n_before;
        return status;
    }
    l->truth[m->n_rows] = truth;
    l->prediction[m->n_rows] = predicted;
    l->confidence[m->n_rows] = confidence;
    return LLMCS_OK;
}

void shop_labels_free(llmcs_shop_measure *m) {
    shop_free(&m->allocator, m->labels.truth);
    shop_free(&m->allocator, m->labels.prediction);
    shop_free(&m->allocator, m->labels.confidence);
    shop_free(&m->allocator, m->labels.scores);
}

static bool comes_before(const shop_label_score *a, const shop_label_score *b) {
    if (a->class != b->class) return a->class < b->class;
    if (a->score > b->score || a->score < b->score) return a->score < b->score;
    return a->row < b->row;
}

/* Merge sort: O(n log n) in any case, without recursion. */
llmcs_status shop_sort_scores(const llmcs_allocator *a, shop_label_score **scores, size_t n) {
    shop_label_score *from = *scores, *to;
    SHOP_TRY(shop_alloc(a, n, sizeof *to, "scores", &to));
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t begin = 0; begin < n; begin += 2 * width) {
            const size_t middle = shop_min(begin + width, n), end = shop_min(begin + 2 * width, n);
            size_t i = begin, j = middle;
            for (size_t k = begin; k < end; k++)
                to[k] = j == end || (i < middle && !comes_before(&from[j], &from[i])) ? from[i++] : from[j++];
        }
        shop_label_score *swapped = from;
        from = to;
        to = swapped;
    }
    shop_free(a, to);
    *scores = from;
    return LLMCS_OK;
}

/* ---- scores */

llmcs_status shop_accuracy(const llmcs_shop_measure *m, const uint32_t *weights, double *score) {
    const shop_labels *l = &m->labels;
    uint64_t right = 0, total = 0;
    for (size_t i = 0; i < m->n_rows; i++) {
        const uint32_t w = shop_weight(weights, i);
        total += w;
        right += l->truth[i] == l->prediction[i] ? w : 0;
    }
    *score = (double)right / (double)total;
    return LLMCS_OK;
}

/* Each row has one label and one prediction, so micro-averaged precision, recall and F1 are the accuracy. */
llmcs_status shop_f1_micro(const llmcs_shop_measure *m, const uint32_t *weights, double *score) {
    return shop_accuracy(m, weights, score);
}

typedef struct class_counts {
    uint64_t right, truth, predicted;
} class_counts;

static llmcs_status count_classes(const llmcs_shop_measure *m, const uint32_t *weights, class_counts **counts) {
    const shop_labels *l = &m->labels;
    SHOP_TRY(shop_alloc_zero(&m->allocator, l->n_classes, sizeof **counts, "classes", counts));
    for (size_t i = 0; i < m->n_rows; i++) {
        const uint32_t w = shop_weight(weights, i);
        (*counts)[l->truth[i]].truth += w;
        (*counts)[l->prediction[i]].predicted += w;
        if (l->truth[i] == l->prediction[i]) (*counts)[l->truth[i]].right += w;
    }
    return LLMCS_OK;
}

/* The mean over the classes that occur as a label or a prediction. */
llmcs_status shop_f1_macro(const llmcs_shop_measure *m, const uint32_t *weights, double *score) {
    class_counts *c;
    double sum = 0, n = 0;
    SHOP_TRY(count_classes(m, weights, &c));
    for (uint32_t k = 0; k < m->labels.n_classes; k++) {
        if (!(c[k].truth + c[k].predicted)) continue;
        sum += 2 * (double)c[k].right / (double)(c[k].truth + c[k].predicted);
        n++;
    }
    shop_free(&m->allocator, c);
    *score = sum / n;
    return LLMCS_OK;
}

/* Gorodkin (2004); 0 if all labels or all predictions are of one class. */
llmcs_status shop_mcc(const llmcs_shop_measure *m, const uint32_t *weights, double *score) {
    class_counts *c;
    double right = 0, total = 0, products = 0, truths = 0, predictions = 0;
    SHOP_TRY(count_classes(m, weights, &c));
    for (uint32_t k = 0; k < m->labels.n_classes; k++) {
        const double t = (double)c[k].truth, p = (double)c[k].predicted;
        right += (double)c[k].right;
        total += t;
        products += t * p;
        truths += t * t;
        predictions += p * p;
    }
    shop_free(&m->allocator, c);
    const double spread = (total * total - predictions) * (total * total - truths);
    *score = spread > 0 ? (right * total - products) / sqrt(spread) : 0;
    return LLMCS_OK;
}

typedef struct bin {
    double weight, right, confidence;
} bin;

/* Bin b has confidences in (b / n, (b + 1) / n]; 0 is in the first bin. */
llmcs_status shop_ece(const llmcs_shop_measure *m, const uint32_t *weights, double *score) {
    const shop_labels *l = &m->labels;
    const int32_t n_bins = m->params.n_bins;
    double total = 0, error = 0;
    bin *bins;
    SHOP_TRY(shop_alloc_zero(&m->allocator, (size_t)n_bins, sizeof *bins, "bins", &bins));
    for (size_t i = 0; i < m->n_rows; i++) {
        const double w = shop_weight(weights, i), confidence = l->confidence[i];
        int32_t b = (int32_t)ceil(confidence * n_bins) - 1;
        b = b < 0 ? 0 : b;
        total += w;
        bins[b].weight += w;
        bins[b].confidence += w * confidence;
        bins[b].right += l->truth[i] == l->prediction[i] ? w : 0;
    }
    for (int32_t b = 0; b < n_bins; b++) error += fabs(bins[b].right - bins[b].confidence);
    shop_free(&m->allocator, bins);
    *score = error / total;
    return LLMCS_OK;
}

/* The share of pairs of a positive and a negative row that are ranked correctly; ties count half. Visits the rows
 * without a score, which count as 0, then the scores [n] in ascending order. NaN: no pairs. */
static double area(const shop_labels *l, const uint32_t *weights, uint32_t class, const shop_label_score *scores,
                   size_t n, double positives, double negatives) {
    double with_score[2] = {0, 0}, below = 0, pairs = 0;
    for (size_t i = 0; i < n; i++) with_score[l->truth[scores[i].row] == class] += shop_weight(weights, scores[i].row);
    double zeros[2] = {negatives - with_score[0], positives - with_score[1]};
    bool zeros_counted = false;
    for (size_t i = 0; i < n || !zeros_counted;) {
        double tied[2] = {0, 0};
        const bool now = !zeros_counted && (i == n || !(scores[i].score < 0));
        double value = i < n ? scores[i].score : 0;
        if (now) {
            tied[0] = zeros[0], tied[1] = zeros[1];
            value = 0;
            zeros_counted = true;
        }
        for (; i < n && !(scores[i].score > value); i++)
            tied[l->truth[scores[i].row] == class] += shop_weight(weights, scores[i].row);
        pairs += tied[1] * (below + 0.5 * tied[0]);
        below += tied[0];
    }
    return positives > 0 && negatives > 0 ? pairs / (positives * negatives) : (double)NAN;
}

/* Scores without names are stored under class UINT32_MAX, after all others. */
llmcs_status shop_auroc(const llmcs_shop_measure *m, const uint32_t *weights, double *score) {
    const shop_labels *l = &m->labels;
    class_counts *c;
    double sum = 0, n = 0, total = 0;
    SHOP_TRY(count_classes(m, weights, &c));
    for (uint32_t k = 0; k < l->n_classes; k++) total += (double)c[k].truth;
    for (size_t begin = 0, end; begin < l->n_scores; begin = end) {
        uint32_t class = l->scores[begin].class;
        for (end = begin; end < l->n_scores && l->scores[end].class == class;) end++;
        if (class == UINT32_MAX) class = l->positive;
        const double positives = class < l->n_classes ? (double)c[class].truth : 0;
        const double found = area(l, weights, class, l->scores + begin, end - begin, positives, total - positives);
        if (isnan(found)) continue;
        sum += found;
        n++;
    }
    shop_free(&m->allocator, c);
    *score = n > 0 ? sum / n : (double)NAN;
    return LLMCS_OK;
}

void shop_ece_describe(const llmcs_shop_measure *m, char *out, size_t capacity) {
    sqlite3_snprintf((int)capacity, out, "bins:%d|width:equal", m->params.n_bins);
}

void shop_auroc_describe(const llmcs_shop_measure *m, char *out, size_t capacity) {
    (void)m;
    sqlite3_snprintf((int)capacity, out, "classes:ovr-macro|missing:0");
}
