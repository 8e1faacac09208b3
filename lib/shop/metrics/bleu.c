/* BLEU (Papineni et al. 2002) as sacreBLEU 2 computes it: clipped n-gram precisions up to 4, the closest reference's
 * length, "exp" smoothing. */
#include <math.h>
#include <sqlite3.h>

#include "shop/metrics/measure.h"

/* Statistics: hypothesis length, reference length, 4 matches, 4 totals; with AUTO those of 13a and then those of zh. */
enum { MAX_ORDER = 4, COLUMNS = 2 + 2 * MAX_ORDER };

typedef llmcs_status (*tokenizer)(shop_metric_words *words, const uint32_t *text, size_t n);

/* Stores the ids of a text's words in m->more_ids. */
static llmcs_status number_words(llmcs_shop_measure *m, tokenizer split, const shop_chars *text, size_t *n_words) {
    size_t n = text->n;
    while (n && shop_is_space(text->at[n - 1])) n--;
    SHOP_TRY(split(&m->words, text->at, n));
    *n_words = m->words.n;
    SHOP_TRY(shop_grow(&m->allocator, &m->more_ids, 0, &m->more_ids_capacity, *n_words, sizeof *m->more_ids, "words"));
    SHOP_TRY(shop_grow(&m->allocator, &m->ids, 0, &m->ids_capacity, *n_words, sizeof *m->ids, "n-grams"));
    SHOP_TRY(shop_grams_of_words(&m->grams, SHOP_ROOT_WORDS, &m->words, m->more_ids));
    return shop_grams_reserve(&m->grams, MAX_ORDER * *n_words);
}

/* Extends ids[i] from the n-gram of order - 1 at word i to that of `order`. Call it for orders 1, 2, ... */
static void extend_grams(llmcs_shop_measure *m, size_t n_words, size_t order) {
    for (size_t i = 0; i + order <= n_words; i++)
        m->ids[i] = order == 1 ? m->more_ids[i] : shop_gram(&m->grams, m->ids[i], m->more_ids[i + order - 1]);
}

/* Keeps the largest count of each n-gram in any reference. */
static llmcs_status count_reference(llmcs_shop_measure *m, tokenizer split, const shop_chars *text, size_t *n_words) {
    SHOP_TRY(number_words(m, split, text, n_words));
    for (size_t order = 1; order <= MAX_ORDER; order++) {
        extend_grams(m, *n_words, order);
        for (size_t i = 0; i + order <= *n_words; i++) m->grams.counts[m->ids[i]].reference++;
        for (size_t i = 0; i + order <= *n_words; i++) {
            shop_gram_counts *c = &m->grams.counts[m->ids[i]];
            c->most = c->most > c->reference ? c->most : c->reference;
            c->reference = 0;
        }
    }
    return LLMCS_OK;
}

static llmcs_status count_matches(llmcs_shop_measure *m, tokenizer split, const shop_chars *text, double *columns) {
    size_t n_words;
    SHOP_TRY(number_words(m, split, text, &n_words));
    columns[0] = (double)n_words;
    for (size_t order = 1; order <= MAX_ORDER; order++) {
        size_t n_matches = 0;
        extend_grams(m, n_words, order);
        for (size_t i = 0; i + order <= n_words; i++) {
            shop_gram_counts *c = &m->grams.counts[m->ids[i]];
            n_matches += ++c->hypothesis <= c->most;
        }
        columns[1 + order] = (double)n_matches;
        columns[1 + MAX_ORDER + order] = n_words < order ? 0 : (double)(n_words - order + 1);
    }
    return LLMCS_OK;
}

static llmcs_status row_with(llmcs_shop_measure *m, tokenizer split, const shop_text_row *row, double *columns) {
    size_t n_hypothesis, closest = 0, least_difference = SIZE_MAX; /* closest: length of that reference */
    shop_grams_clear(&m->grams);
    SHOP_TRY(number_words(m, split, row->hypothesis, &n_hypothesis));
    for (size_t r = 0; r < row->n_references; r++) {
        size_t n;
        SHOP_TRY(count_reference(m, split, &row->references[r], &n));
        const size_t difference = n > n_hypothesis ? n - n_hypothesis : n_hypothesis - n;
        if (difference < least_difference || (difference == least_difference && n < closest)) closest = n;
        least_difference = shop_min(least_difference, difference);
    }
    SHOP_TRY(count_matches(m, split, row->hypothesis, columns));
    columns[1] = (double)closest;
    return LLMCS_OK;
}

static bool is_stop_at_an_end(const shop_chars *t, size_t i) {
    return (t->at[i] == '.' || t->at[i] == ',') && (i == 0 || i + 1 == t->n || shop_is_space(t->at[i + 1]));
}

/* False if 13a and zh split the text in the same way. */
static bool zh_may_differ(const shop_chars *t) {
    for (size_t i = 0; i < t->n; i++)
        if (t->at[i] == '&' || t->at[i] == '<' || t->at[i] == '\n' || shop_is_sacrebleu_zh(t->at[i]) ||
            is_stop_at_an_end(t, i))
            return true;
    return false;
}

llmcs_status shop_bleu_row(llmcs_shop_measure *m, const shop_text_row *row, double *columns) {
    static const tokenizer by_name[] = {shop_metric_words_13a, shop_metric_words_13a, shop_metric_words_zh,
                                        shop_metric_words_char};
    SHOP_TRY(row_with(m, by_name[m->params.tokenizer], row, columns));
    if (m->params.tokenizer != LLMCS_SHOP_TOKENIZER_AUTO) return LLMCS_OK;
    bool differs = zh_may_differ(row->hypothesis);
    for (size_t r = 0; r < row->n_references && !differs; r++) differs = zh_may_differ(&row->references[r]);
    if (differs) return row_with(m, shop_metric_words_zh, row, columns + COLUMNS);
    for (size_t i = 0; i < COLUMNS; i++) columns[COLUMNS + i] = columns[i];
    return LLMCS_OK;
}

static bool chose_zh(const llmcs_shop_measure *m) {
    return m->params.tokenizer == LLMCS_SHOP_TOKENIZER_AUTO && m->n_chinese && m->n_chinese * 10 >= m->n_letters;
}

double shop_bleu_finish(const llmcs_shop_measure *m, const double *sums, double total, bool alone) {
    (void)total;
    if (chose_zh(m)) sums += COLUMNS;
    const double n_hypothesis = sums[0], n_reference = sums[1];
    const double *matches = sums + 2, *totals = sums + 2 + MAX_ORDER;
    double penalty = 1, smooth = 1, sum = 0;
    int order = MAX_ORDER, n = 0;
    if (!(matches[0] > 0 || matches[1] > 0 || matches[2] > 0 || matches[3] > 0)) return 0;
    if (n_hypothesis < n_reference) penalty = n_hypothesis > 0 ? exp(1 - n_reference / n_hypothesis) : 0;
    for (; n < MAX_ORDER && totals[n] > 0; n++) {
        if (!(matches[n] > 0)) smooth *= 2;
        sum += log(matches[n] > 0 ? 100 * matches[n] / totals[n] : 100 / (smooth * totals[n]));
    }
    if (alone) order = n;
    if (n < order) return 0; /* sacreBLEU takes exp of a mean of logarithms, one of which is -9999999999 */
    return penalty * exp(sum / order);
}

void shop_bleu_describe(const llmcs_shop_measure *m, char *out, size_t capacity) {
    static const char *const names[] = {"13a", "13a", "zh", "char"};
    sqlite3_snprintf((int)capacity, out, "case:%s|eff:no|tok:%s|smooth:exp", m->params.lowercase ? "lc" : "mixed",
                     chose_zh(m) ? "zh" : names[m->params.tokenizer]);
}
