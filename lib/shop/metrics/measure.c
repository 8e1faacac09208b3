/* Creates measures by the name of a metric, adds rows, and computes scores. */
#include "shop/metrics/measure.h"

#include <math.h>
#include <sqlite3.h>
#include <string.h>

#include "shop/base/call.h"
#include "shop/base/options.h"

static double mean_finish(const llmcs_shop_measure *m, const double *sums, double total, bool alone) {
    (void)m, (void)alone;
    return sums[0] / total;
}

/* Name, kind of rows, and range of the number in the name. */
static const shop_metric metrics[] = {
    {"bleu", LLMCS_SHOP_ROW_TEXT, 0, 0, 0, false, 20, shop_bleu_row, shop_bleu_finish, NULL, shop_bleu_describe},
    {"chrf", LLMCS_SHOP_ROW_TEXT, 0, 0, 0, false, 18, shop_chrf_row, shop_chrf_finish, NULL, shop_chrf_describe},
    {"chrf++", LLMCS_SHOP_ROW_TEXT, 0, 0, 0, false, 24, shop_chrf_row, shop_chrf_finish, NULL, shop_chrf_describe},
    {"rougeLsum", LLMCS_SHOP_ROW_TEXT, 0, 0, 0, false, 1, shop_rouge_lsum_row, mean_finish, NULL, shop_rouge_describe},
    {"rougeL", LLMCS_SHOP_ROW_TEXT, 0, 0, 0, false, 1, shop_rouge_l_row, mean_finish, NULL, shop_rouge_describe},
    {"rouge", LLMCS_SHOP_ROW_TEXT, 1, 9, 0, true, 1, shop_rouge_n_row, mean_finish, NULL, shop_rouge_describe},
    {"meteor", LLMCS_SHOP_ROW_TEXT, 0, 0, 0, false, 1, shop_meteor_row, mean_finish, NULL, shop_meteor_describe},
    {"accuracy", LLMCS_SHOP_ROW_LABEL, 0, 0, 0, false, 0, NULL, NULL, shop_accuracy, NULL},
    {"f1_micro", LLMCS_SHOP_ROW_LABEL, 0, 0, 0, false, 0, NULL, NULL, shop_f1_micro, NULL},
    {"f1_macro", LLMCS_SHOP_ROW_LABEL, 0, 0, 0, false, 0, NULL, NULL, shop_f1_macro, NULL},
    {"mcc", LLMCS_SHOP_ROW_LABEL, 0, 0, 0, false, 0, NULL, NULL, shop_mcc, NULL},
    {"ece", LLMCS_SHOP_ROW_LABEL, 0, 0, 0, false, 0, NULL, NULL, shop_ece, shop_ece_describe},
    {"auroc", LLMCS_SHOP_ROW_LABEL, 0, 0, 0, false, 0, NULL, NULL, shop_auroc, shop_auroc_describe},
    {"recall", LLMCS_SHOP_ROW_RANKING, 1, 1000000, '@', true, 1, NULL, mean_finish, NULL, NULL},
    {"mrr", LLMCS_SHOP_ROW_RANKING, 1, 1000000, '@', false, 1, NULL, mean_finish, NULL, NULL},
    {"ndcg", LLMCS_SHOP_ROW_RANKING, 1, 1000000, '@', false, 1, NULL, mean_finish, NULL, NULL},
    {"completion", LLMCS_SHOP_ROW_VALUE, 0, 0, 0, false, 1, NULL, mean_finish, NULL, NULL},
    {"mean", LLMCS_SHOP_ROW_VALUE, 0, 0, 0, false, 1, NULL, mean_finish, NULL, NULL},
    {"max", LLMCS_SHOP_ROW_VALUE, 0, 0, 0, false, 1, NULL, NULL, shop_maximum, NULL},
    {"p", LLMCS_SHOP_ROW_VALUE, 1, 99, 0, true, 1, NULL, NULL, shop_percentile, NULL},
};

static const char *const kind_names[] = {"text", "label", "ranking", "value"};
static const char *const add_names[] = {"llmcs_shop_measure_add_text", "llmcs_shop_measure_add_label",
                                        "llmcs_shop_measure_add_ranking", "llmcs_shop_measure_add_value"};

static const llmcs_shop_measure_params default_params = {.struct_size = sizeof default_params, .n_bins = 15};

void llmcs_shop_measure_params_init_sized(llmcs_shop_measure_params *params, size_t struct_size) {
    shop_options_init(params, struct_size, &default_params, sizeof default_params);
}

/* ---- create */

/* The number after a name, "@10" or "95"; 0 if there is none, -1 if it is not valid. */
static int32_t number_behind(const shop_metric *metric, const char *rest) {
    int32_t number = 0;
    if (!*rest) return metric->number_needed ? -1 : 0;
    if (!metric->high || (metric->number_sign && *rest++ != metric->number_sign)) return -1;
    if (*rest < '1' || *rest > '9') return -1;
    for (; *rest >= '0' && *rest <= '9' && number <= metric->high; rest++) number = 10 * number + (*rest - '0');
    return *rest || number < metric->low || number > metric->high ? -1 : number;
}

static llmcs_status find_metric(const char *name, const shop_metric **metric, int32_t *order) {
    for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++) {
        const size_t n = strlen(metrics[i].name);
        if (strncmp(name, metrics[i].name, n) != 0) continue;
        *order = number_behind(&metrics[i], name + n);
        *metric = &metrics[i];
        if (*order >= 0) return LLMCS_OK;
    }
    return shop_fail(LLMCS_ARG,
                     "metric: \"%.40s\" is not one of bleu, chrf, chrf++, rouge1 to rouge9, rougeL, rougeLsum, meteor, "
                     "accuracy, f1_micro, f1_macro, mcc, ece, auroc, recall@K, mrr, mrr@K, ndcg, ndcg@K, completion, "
                     "mean, max, p1 to p99",
                     name);
}

static llmcs_status check_params(const llmcs_shop_measure_params *params) {
    if ((unsigned)params->tokenizer > LLMCS_SHOP_TOKENIZER_CHAR)
        return shop_fail(LLMCS_ARG, "tokenizer: %d is not valid (0 to 3)", (int)params->tokenizer);
    if (params->n_bins < 1 || params->n_bins > 1000)
        return shop_fail(LLMCS_ARG, "n_bins: %d is not valid (1 to 1000)", params->n_bins);
    if (params->stem < 0 || params->stem > 1 || params->lowercase < 0 || params->lowercase > 1)
        return shop_fail(LLMCS_ARG, "stem, lowercase: %d, %d are not valid (0 or 1)", params->stem, params->lowercase);
    return LLMCS_OK;
}

llmcs_status llmcs_shop_measure_create(const char *metric, const llmcs_shop_measure_params *params,
                                       llmcs_shop_measure **measure) {
    SHOP_PUBLIC_CALL;
    llmcs_shop_measure_params p = default_params;
    const shop_metric *found = NULL;
    int32_t order = 0;
    if (!metric || !measure) return shop_fail(LLMCS_ARG, "metric, measure: NULL is not valid");
    *measure = NULL;
    if (params)
        SHOP_TRY(shop_options_in(&p, sizeof p, SHOP_SIZE_UP_TO_POINTER(llmcs_shop_measure_params, allocator), params,
                                 "llmcs_shop_measure_params"));
    SHOP_TRY(check_params(&p));
    SHOP_TRY(find_metric(metric, &found, &order));
    const llmcs_allocator a = shop_allocator_or_default(p.allocator);
    llmcs_shop_measure *m;
    SHOP_TRY(shop_alloc_zero(&a, 1, sizeof *m, "measure", &m));
    m->metric = found;
    m->allocator = a;
    m->params = p;
    m->order = !strcmp(found->name, "chrf++") ? 2 : order;
    m->labels.positive = UINT32_MAX;
    sqlite3_snprintf(sizeof m->name, m->name, "%s", metric);
    m->hypothesis.allocator = &m->allocator;
    shop_metric_words_init(&m->words, &m->allocator);
    shop_grams_init(&m->grams, &m->allocator);
    llmcs_status status = LLMCS_OK;
    if (p.wordnet && found->text_row == shop_meteor_row) status = shop_wordnet_open(&a, p.wordnet, &m->wordnet);
    if (status)
        llmcs_shop_measure_free(&m);
    else
        *measure = m;
    return status;
}

void llmcs_shop_measure_free(llmcs_shop_measure **measure) {
    if (!measure || !*measure) return;
    SHOP_PUBLIC_CALL;
    llmcs_shop_measure *m = *measure;
    const llmcs_allocator a = m->allocator;
    for (size_t i = 0; i < m->n_reference_texts; i++) shop_chars_free(&m->references[i]);
    shop_free(&a, m->references);
    shop_chars_free(&m->hypothesis);
    shop_metric_words_free(&m->words);
    shop_grams_free(&m->grams);
    shop_free(&a, m->ids);
    shop_free(&a, m->more_ids);
    shop_free(&a, m->bits);
    shop_free(&a, m->columns);
    shop_labels_free(m);
    shop_wordnet_free(&a, &m->wordnet);
    shop_free(&a, m);
    *measure = NULL;
}

/* ---- rows */

/* Reserves zeroed memory for a row's statistics. The caller adds the row by incrementing n_rows. */
static llmcs_status begin_row(llmcs_shop_measure *m, llmcs_shop_row_kind kind, double **columns) {
    if (m->metric->kind != kind)
        return shop_fail(LLMCS_ARG, "%s needs rows of kind %s: use %s", m->name, kind_names[m->metric->kind],
                         add_names[m->metric->kind]);
    if (m->n_rows >= INT32_MAX) return shop_fail(LLMCS_LIMIT, "%s: at most 2^31 rows", m->name);
    const size_t n = m->metric->n_columns, used = m->n_rows * n;
    SHOP_TRY(shop_grow(&m->allocator, &m->columns, used, &m->columns_capacity, used + n, sizeof *m->columns, "rows"));
    *columns = m->columns + used;
    if (n) memset(*columns, 0, n * sizeof **columns);
    return LLMCS_OK;
}

static llmcs_status read_text(const llmcs_shop_measure *m, const char *text, size_t bytes, const char *what, size_t i,
                              shop_chars *out) {
    if (!text) return shop_fail(LLMCS_ARG, "%s[%lld]: NULL is not valid", what, (long long)i);
    const size_t n = bytes == LLMCS_NUL ? strlen(text) : bytes;
    if (n > SHOP_MAX_TEXT)
        return shop_fail(LLMCS_LIMIT, "%s[%lld]: %lld bytes, at most 16 MiB", what, (long long)i, (long long)n);
    SHOP_TRY(shop_chars_decode(out, text, n));
    const bool folds = m->metric->text_row != shop_bleu_row && m->metric->text_row != shop_chrf_row;
    return m->params.lowercase || folds ? shop_chars_lower(out) : LLMCS_OK;
}

static llmcs_status reserve_references(llmcs_shop_measure *m, size_t n) {
    size_t capacity = m->n_reference_texts;
    SHOP_TRY(shop_grow(&m->allocator, &m->references, m->n_reference_texts, &capacity, n, sizeof *m->references,
                       "references"));
    for (; m->n_reference_texts < capacity; m->n_reference_texts++)
        m->references[m->n_reference_texts] = (shop_chars){.allocator = &m->allocator};
    return LLMCS_OK;
}

static void count_chinese(llmcs_shop_measure *m, const shop_chars *text) {
    for (size_t i = 0; i < text->n; i++) {
        if (shop_is_space(text->at[i])) continue;
        m->n_letters++;
        m->n_chinese += shop_is_cjk(text->at[i]);
    }
}

llmcs_status llmcs_shop_measure_add_text(llmcs_shop_measure *m, const char *hypothesis, size_t hypothesis_bytes,
                                         const char *const *references, const size_t *reference_bytes,
                                         size_t n_references) {
    SHOP_PUBLIC_CALL;
    double *columns;
    if (!m || !references || !n_references)
        return shop_fail(LLMCS_ARG, "measure, references: NULL is not valid, and n_references must be at least 1");
    SHOP_TRY(begin_row(m, LLMCS_SHOP_ROW_TEXT, &columns));
    SHOP_TRY(read_text(m, hypothesis, hypothesis_bytes, "hypothesis", m->n_rows, &m->hypothesis));
    SHOP_TRY(reserve_references(m, n_references));
    for (size_t r = 0; r < n_references; r++)
        SHOP_TRY(read_text(m, references[r], reference_bytes ? reference_bytes[r] : LLMCS_NUL, "references", r,
                           &m->references[r]));
    const shop_text_row row = {&m->hypothesis, m->references, n_references};
    SHOP_TRY(m->metric->text_row(m, &row, columns));
    for (size_t r = 0; r < n_references; r++) count_chinese(m, &m->references[r]);
    m->n_references = !m->n_rows || m->n_references == n_references ? n_references : SIZE_MAX;
    m->n_rows++;
    return LLMCS_OK;
}

llmcs_status llmcs_shop_measure_add_label(llmcs_shop_measure *m, const char *label, const char *prediction,
                                          const char *const *names, const double *scores, size_t n_scores) {
    SHOP_PUBLIC_CALL;
    double *columns;
    if (!m || !label || !prediction || (n_scores && !scores))
        return shop_fail(LLMCS_ARG, "measure, label, prediction, scores: NULL is not valid");
    for (size_t i = 0; names && i < n_scores; i++)
        if (!names[i]) return shop_fail(LLMCS_ARG, "names[%lld]: NULL is not valid", (long long)i);
    SHOP_TRY(begin_row(m, LLMCS_SHOP_ROW_LABEL, &columns));
    SHOP_TRY(shop_labels_add(m, label, prediction, names, scores, n_scores));
    m->n_rows++;
    return LLMCS_OK;
}

llmcs_status llmcs_shop_measure_add_ranking(llmcs_shop_measure *m, const char *const *relevant, const double *gains,
                                            size_t n_relevant, const char *const *ranked, size_t n_ranked) {
    SHOP_PUBLIC_CALL;
    double *columns;
    if (!m || !relevant || !n_relevant || (n_ranked && !ranked))
        return shop_fail(LLMCS_ARG, "measure, relevant, ranked: NULL is not valid, and n_relevant must be at least 1");
    for (size_t i = 0; i < n_relevant; i++)
        if (!relevant[i]) return shop_fail(LLMCS_ARG, "relevant[%lld]: NULL is not valid", (long long)i);
    for (size_t i = 0; i < n_ranked; i++)
        if (!ranked[i]) return shop_fail(LLMCS_ARG, "ranked[%lld]: NULL is not valid", (long long)i);
    SHOP_TRY(begin_row(m, LLMCS_SHOP_ROW_RANKING, &columns));
    SHOP_TRY(shop_ranking_row(m, relevant, gains, n_relevant, ranked, n_ranked, columns));
    m->n_rows++;
    return LLMCS_OK;
}

llmcs_status llmcs_shop_measure_add_value(llmcs_shop_measure *m, double value) {
    SHOP_PUBLIC_CALL;
    double *columns;
    if (!m) return shop_fail(LLMCS_ARG, "measure: NULL is not valid");
    SHOP_TRY(begin_row(m, LLMCS_SHOP_ROW_VALUE, &columns));
    const bool yes_or_no = !strcmp(m->metric->name, "completion");
    if (!isfinite(value) || (yes_or_no && value < 1 && (value < 0 || value > 0)) || (yes_or_no && value > 1))
        return shop_fail(LLMCS_ARG, "%s: %g is not valid (%s)", m->name, value,
                         yes_or_no ? "0 or 1" : "a finite number");
    columns[0] = value;
    m->n_rows++;
    return LLMCS_OK;
}

llmcs_shop_row_kind llmcs_shop_measure_row_kind(const llmcs_shop_measure *m) {
    return m ? m->metric->kind : LLMCS_SHOP_ROW_TEXT;
}

size_t llmcs_shop_measure_rows(const llmcs_shop_measure *m) { return m ? m->n_rows : 0; }

/* ---- score */

static llmcs_status sort_values(llmcs_shop_measure *view) {
    const size_t n = view->n_rows;
    SHOP_TRY(shop_alloc(&view->allocator, n, sizeof *view->labels.scores, "rows", &view->labels.scores));
    for (size_t i = 0; i < n; i++) view->labels.scores[i] = (shop_label_score){(uint32_t)i, 0, view->columns[i]};
    return shop_sort_scores(&view->allocator, &view->labels.scores, n);
}

llmcs_status shop_view_make(llmcs_shop_measure *view, const llmcs_shop_measure *m) {
    *view = *m;
    view->labels.scores = NULL;
    if (!m->n_rows) return shop_fail(LLMCS_STATE, "%s: no rows were added", m->name);
    llmcs_status status = LLMCS_OK;
    if (m->metric->kind == LLMCS_SHOP_ROW_VALUE && m->metric->weighted) {
        status = sort_values(view);
    } else if (m->metric->weighted == shop_auroc) {
        status =
            shop_alloc(&m->allocator, m->labels.n_scores, sizeof *m->labels.scores, "scores", &view->labels.scores);
        if (!status) {
            memcpy(view->labels.scores, m->labels.scores, m->labels.n_scores * sizeof *m->labels.scores);
            status = shop_sort_scores(&view->allocator, &view->labels.scores, m->labels.n_scores);
        }
    }
    if (status) shop_view_free(view);
    return status;
}

void shop_view_free(llmcs_shop_measure *view) {
    shop_free(&view->allocator, view->labels.scores);
    view->labels.scores = NULL;
}

llmcs_status shop_view_score(const llmcs_shop_measure *view, const uint32_t *weights, double *score) {
    const size_t n = view->metric->n_columns;
    double sums[SHOP_MAX_COLUMNS] = {0}, total = 0;
    if (view->metric->weighted) return view->metric->weighted(view, weights, score);
    const double *row = view->columns;
    for (size_t i = 0; i < view->n_rows; i++, row += n) {
        const double w = shop_weight(weights, i);
        total += w;
        for (size_t c = 0; c < n; c++) sums[c] += w * row[c];
    }
    *score = view->metric->finish(view, sums, total, false);
    return LLMCS_OK;
}

llmcs_status llmcs_shop_measure_score(const llmcs_shop_measure *m, double *score) {
    SHOP_PUBLIC_CALL;
    llmcs_shop_measure view;
    if (!m || !score) return shop_fail(LLMCS_ARG, "measure, score: NULL is not valid");
    SHOP_TRY(shop_view_make(&view, m));
    double found = 0;
    llmcs_status status = shop_view_score(&view, NULL, &found);
    shop_view_free(&view);
    if (!status && !isfinite(found))
        status = shop_fail(LLMCS_NUMERIC, "%s: not defined for these rows (one class only?)", m->name);
    if (!status) *score = found;
    return status;
}

llmcs_status llmcs_shop_measure_row_score(const llmcs_shop_measure *m, size_t row, double *score) {
    SHOP_PUBLIC_CALL;
    if (!m || !score) return shop_fail(LLMCS_ARG, "measure, score: NULL is not valid");
    if (row >= m->n_rows)
        return shop_fail(LLMCS_ARG, "row: %lld is not valid (there are %lld)", (long long)row, (long long)m->n_rows);
    if (m->metric->finish)
        *score = m->metric->finish(m, m->columns + row * m->metric->n_columns, 1, true);
    else if (m->metric->weighted == shop_accuracy)
        *score = m->labels.truth[row] == m->labels.prediction[row];
    else
        return shop_fail(LLMCS_UNSUPPORTED, "%s: only many rows have a score", m->name);
    return LLMCS_OK;
}

llmcs_status llmcs_shop_measure_signature(const llmcs_shop_measure *m, char *buffer, size_t capacity, size_t *needed) {
    SHOP_PUBLIC_CALL;
    char text[SHOP_SIGNATURE_BYTES], middle[SHOP_SIGNATURE_BYTES / 2] = "", references[32] = "";
    if (!m || !needed) return shop_fail(LLMCS_ARG, "measure, needed: NULL is not valid");
    if (m->metric->describe) m->metric->describe(m, middle, sizeof middle);
    if (m->metric->kind == LLMCS_SHOP_ROW_TEXT && m->n_rows) {
        if (m->n_references == SIZE_MAX)
            sqlite3_snprintf(sizeof references, references, "nrefs:var|");
        else
            sqlite3_snprintf(sizeof references, references, "nrefs:%lld|", (long long)m->n_references);
    }
    sqlite3_snprintf(sizeof text, text, "%s%s%sversion:llmcs_shop-%s", references, middle, *middle ? "|" : "",
                     llmcs_shop_version());
    *needed = strlen(text) + 1;
    if (!buffer) return LLMCS_OK;
    if (capacity < *needed)
        return shop_fail(LLMCS_BUFFER, "signature: %lld bytes, needs %lld", (long long)capacity, (long long)*needed);
    memcpy(buffer, text, *needed);
    return LLMCS_OK;
}
