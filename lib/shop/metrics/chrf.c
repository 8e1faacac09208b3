/* chrF and chrF++ (Popovic 2015, 2017) as sacreBLEU 2 computes them: F2 of character n-grams up to 6 without spaces,
 * and of word n-grams up to 2; orders that either text lacks do not count. */
#include <sqlite3.h>

#include "shop/metrics/measure.h"

enum { CHAR_ORDER = 6, BETA = 2 };

/* Reserves memory for a text's symbols (characters, or ids of words) in m->more_ids. */
static llmcs_status reserve_symbols(llmcs_shop_measure *m, size_t n, size_t n_orders) {
    SHOP_TRY(shop_grow(&m->allocator, &m->more_ids, 0, &m->more_ids_capacity, n, sizeof *m->more_ids, "symbols"));
    SHOP_TRY(shop_grow(&m->allocator, &m->ids, 0, &m->ids_capacity, n, sizeof *m->ids, "n-grams"));
    return shop_grams_reserve(&m->grams, n * n_orders);
}

static llmcs_status load_chars(llmcs_shop_measure *m, const shop_chars *text, size_t *n) {
    SHOP_TRY(reserve_symbols(m, text->n, CHAR_ORDER));
    *n = 0;
    for (size_t i = 0; i < text->n; i++)
        if (!shop_is_space(text->at[i])) m->more_ids[(*n)++] = SHOP_CHAR_SYMBOL | text->at[i];
    return LLMCS_OK;
}

static llmcs_status load_words(llmcs_shop_measure *m, const shop_chars *text, size_t *n) {
    SHOP_TRY(shop_metric_words_chrf(&m->words, text->at, text->n));
    *n = m->words.n;
    SHOP_TRY(reserve_symbols(m, *n, (size_t)m->order));
    SHOP_TRY(shop_grams_of_words(&m->grams, SHOP_ROOT_WORDS, &m->words, m->more_ids));
    return shop_grams_reserve(&m->grams, *n * (size_t)m->order);
}

/* Extends ids[i] from the n-gram of order - 1 at i to that of `order`. Call it for orders 1, 2, ... */
static void extend_grams(llmcs_shop_measure *m, size_t n, size_t order, bool of_words) {
    for (size_t i = 0; i + order <= n; i++) {
        if (order > 1)
            m->ids[i] = shop_gram(&m->grams, m->ids[i], m->more_ids[i + order - 1]);
        else
            m->ids[i] = of_words ? m->more_ids[i] : shop_gram(&m->grams, SHOP_ROOT_CHARS, m->more_ids[i]);
    }
}

static void count_hypothesis(llmcs_shop_measure *m, size_t n, size_t n_orders, bool of_words, double *counts) {
    for (size_t order = 1; order <= n_orders; order++) {
        extend_grams(m, n, order, of_words);
        for (size_t i = 0; i + order <= n; i++) m->grams.counts[m->ids[i]].hypothesis++;
        counts[order - 1] = n < order ? 0 : (double)(n - order + 1);
    }
}

/* Three statistics per order: n-grams of the hypothesis, n-grams of the reference, matches. */
static void count_matches(llmcs_shop_measure *m, size_t n, size_t n_orders, bool of_words, const double *hypothesis,
                          double *columns) {
    for (size_t order = 1; order <= n_orders; order++, columns += 3) {
        size_t n_matches = 0;
        extend_grams(m, n, order, of_words);
        for (size_t i = 0; i + order <= n; i++) {
            shop_gram_counts *c = &m->grams.counts[m->ids[i]];
            n_matches += ++c->reference <= c->hypothesis;
        }
        for (size_t i = 0; i + order <= n; i++) m->grams.counts[m->ids[i]].reference = 0;
        columns[0] = n < order ? 0 : hypothesis[order - 1];
        columns[1] = n < order ? 0 : (double)(n - order + 1);
        columns[2] = (double)n_matches;
    }
}

static double f_score(const double *columns, size_t n_orders) {
    double precision = 0, recall = 0;
    int n_effective = 0;
    for (size_t i = 0; i < n_orders; i++, columns += 3) {
        if (!(columns[0] > 0) || !(columns[1] > 0)) continue;
        precision += columns[2] / columns[0];
        recall += columns[2] / columns[1];
        n_effective++;
    }
    if (!n_effective) return 0;
    precision /= n_effective;
    recall /= n_effective;
    if (!(precision + recall > 0)) return 0;
    return 100 * ((1 + BETA * BETA) * precision * recall / (BETA * BETA * precision + recall));
}

llmcs_status shop_chrf_row(llmcs_shop_measure *m, const shop_text_row *row, double *columns) {
    const size_t n_words = (size_t)m->order, n_orders = CHAR_ORDER + n_words;
    double hypothesis[SHOP_MAX_COLUMNS / 3], found[SHOP_MAX_COLUMNS], best = -1;
    size_t n;
    shop_grams_clear(&m->grams);
    SHOP_TRY(load_chars(m, row->hypothesis, &n));
    count_hypothesis(m, n, CHAR_ORDER, false, hypothesis);
    if (n_words) {
        SHOP_TRY(load_words(m, row->hypothesis, &n));
        count_hypothesis(m, n, n_words, true, hypothesis + CHAR_ORDER);
    }
    for (size_t r = 0; r < row->n_references; r++) {
        SHOP_TRY(load_chars(m, &row->references[r], &n));
        count_matches(m, n, CHAR_ORDER, false, hypothesis, found);
        if (n_words) {
            SHOP_TRY(load_words(m, &row->references[r], &n));
            count_matches(m, n, n_words, true, hypothesis + CHAR_ORDER, found + 3 * CHAR_ORDER);
        }
        const double score = f_score(found, n_orders);
        if (!(score > best)) continue;
        best = score;
        for (size_t i = 0; i < 3 * n_orders; i++) columns[i] = found[i];
    }
    return LLMCS_OK;
}

double shop_chrf_finish(const llmcs_shop_measure *m, const double *sums, double total, bool alone) {
    (void)total, (void)alone;
    return f_score(sums, CHAR_ORDER + (size_t)m->order);
}

void shop_chrf_describe(const llmcs_shop_measure *m, char *out, size_t capacity) {
    sqlite3_snprintf((int)capacity, out, "case:%s|eff:yes|nc:6|nw:%d|space:no", m->params.lowercase ? "lc" : "mixed",
                     m->order);
}
