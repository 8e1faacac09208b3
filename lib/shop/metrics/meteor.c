/* METEOR (Lavie, Agarwal 2007) as NLTK computes it: words are matched exactly, then by stem, then as synonyms. Words of
 * the hypothesis are taken from the last to the first, each with the last unmatched word of the reference. */
#include <math.h>
#include <sqlite3.h>
#include <string.h>

#include "shop/metrics/measure.h"

static const double alpha = 0.9, beta = 3, gamma_ = 0.5;

enum { UNMATCHED = 0 }; /* a matched word has the position in the other text + 1 */

/* One text of a pair. The arrays are parts of one allocation. */
typedef struct side {
    shop_metric_words words;
    uint32_t *exact, *stems, *matches; /* [n] */
    size_t n;
} side;

typedef struct alignment {
    side hypothesis, reference;
    uint32_t *numbers; /* the arrays of both sides, and `next` */
    size_t capacity;
    uint32_t *next; /* [reference.n] the free word before with the same number + 1 */
} alignment;

static llmcs_status split(llmcs_shop_measure *m, side *s, const shop_chars *text) {
    SHOP_TRY(shop_chars_copy(&m->words.spare, text->at, text->n));
    SHOP_TRY(shop_chars_lower(&m->words.spare));
    /* The copy is in m->words; s->words splits it. */
    SHOP_TRY(shop_metric_words_13a_cjk(&s->words, m->words.spare.at, m->words.spare.n));
    s->n = s->words.n;
    return LLMCS_OK;
}

static llmcs_status number_words(llmcs_shop_measure *m, side *s, uint32_t *numbers) {
    s->exact = numbers;
    s->stems = numbers + s->n;
    s->matches = numbers + 2 * s->n;
    memset(s->matches, 0, s->n * sizeof *s->matches);
    SHOP_TRY(shop_grams_of_words(&m->grams, SHOP_ROOT_WORDS, &s->words, s->exact));
    shop_metric_words *stems = &m->words;
    SHOP_TRY(shop_chars_copy(&stems->text, s->words.text.at, s->words.text.n));
    SHOP_TRY(shop_grams_reserve(&m->grams, s->words.text.n));
    for (size_t i = 0; i < s->n; i++) {
        uint32_t *letters = stems->text.at + s->words.at[i].begin;
        const size_t n = shop_porter_stem(letters, s->words.at[i].n);
        s->stems[i] = shop_gram_of_chars(&m->grams, SHOP_ROOT_STEMS, letters, n);
    }
    return LLMCS_OK;
}

static void match(alignment *a, size_t i, size_t j) {
    a->hypothesis.matches[i] = (uint32_t)j + 1;
    a->reference.matches[j] = (uint32_t)i + 1;
}

static void match_equal(llmcs_shop_measure *m, alignment *a, const uint32_t *hypothesis, const uint32_t *reference) {
    for (size_t j = 0; j < a->reference.n; j++) {
        shop_gram_counts *c = &m->grams.counts[reference[j]];
        if (a->reference.matches[j] != UNMATCHED) continue;
        a->next[j] = c->most; /* the last free word with this number, + 1 */
        c->most = (uint32_t)j + 1;
    }
    for (size_t i = a->hypothesis.n; i-- > 0;) {
        shop_gram_counts *c = &m->grams.counts[hypothesis[i]];
        if (a->hypothesis.matches[i] != UNMATCHED || !c->most) continue;
        const size_t j = c->most - 1;
        c->most = a->next[j];
        match(a, i, j);
    }
    for (size_t j = 0; j < a->reference.n; j++) m->grams.counts[reference[j]].most = 0;
}

static void match_synonyms(const llmcs_shop_measure *m, alignment *a) {
    const shop_metric_words *h = &a->hypothesis.words, *r = &a->reference.words;
    for (size_t i = h->n; i-- > 0;) {
        if (a->hypothesis.matches[i] != UNMATCHED) continue;
        for (size_t j = r->n; j-- > 0;) {
            if (a->reference.matches[j] != UNMATCHED) continue;
            if (!shop_wordnet_synonyms(m->wordnet, h->text.at + h->at[i].begin, h->at[i].n, r->text.at + r->at[j].begin,
                                       r->at[j].n))
                continue;
            match(a, i, j);
            break;
        }
    }
}

static double score_of(const alignment *a) {
    const uint32_t *matches = a->hypothesis.matches;
    size_t n_matches = 0, n_chunks = 0, last = SIZE_MAX;
    for (size_t i = 0; i < a->hypothesis.n; i++) {
        if (matches[i] == UNMATCHED) continue;
        n_matches++;
        n_chunks += last == SIZE_MAX || last + 1 != i || matches[last] + 1 != matches[i];
        last = i;
    }
    if (!n_matches) return 0;
    const double precision = (double)n_matches / (double)a->hypothesis.n;
    const double recall = (double)n_matches / (double)a->reference.n;
    const double mean = precision * recall / (alpha * precision + (1 - alpha) * recall);
    return (1 - gamma_ * pow((double)n_chunks / (double)n_matches, beta)) * mean;
}

static llmcs_status score_pair(llmcs_shop_measure *m, alignment *a, const shop_chars *reference, double *score) {
    shop_grams_clear(&m->grams);
    SHOP_TRY(split(m, &a->reference, reference));
    const size_t n_h = a->hypothesis.n, n_r = a->reference.n;
    const size_t n_numbers = 3 * n_h + 4 * n_r;
    SHOP_TRY(shop_grow(&m->allocator, &a->numbers, 0, &a->capacity, n_numbers, sizeof *a->numbers, "words"));
    SHOP_TRY(number_words(m, &a->hypothesis, a->numbers));
    SHOP_TRY(number_words(m, &a->reference, a->numbers + 3 * n_h));
    a->next = a->numbers + 3 * n_h + 3 * n_r;
    match_equal(m, a, a->hypothesis.exact, a->reference.exact);
    match_equal(m, a, a->hypothesis.stems, a->reference.stems);
    if (m->wordnet) match_synonyms(m, a);
    *score = score_of(a);
    return LLMCS_OK;
}

llmcs_status shop_meteor_row(llmcs_shop_measure *m, const shop_text_row *row, double *columns) {
    alignment a = {0};
    shop_metric_words_init(&a.hypothesis.words, &m->allocator);
    shop_metric_words_init(&a.reference.words, &m->allocator);
    llmcs_status status = split(m, &a.hypothesis, row->hypothesis);
    columns[0] = 0;
    for (size_t r = 0; r < row->n_references && !status; r++) {
        double score = 0;
        status = score_pair(m, &a, &row->references[r], &score);
        if (score > columns[0]) columns[0] = score;
    }
    shop_free(&m->allocator, a.numbers);
    shop_metric_words_free(&a.hypothesis.words);
    shop_metric_words_free(&a.reference.words);
    return status;
}

void shop_meteor_describe(const llmcs_shop_measure *m, char *out, size_t capacity) {
    sqlite3_snprintf((int)capacity, out, "case:lc|tok:13a+cjk|match:exact,stem%s|a:0.9|b:3|g:0.5",
                     m->wordnet ? ",synonym" : "");
}
