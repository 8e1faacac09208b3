/* ROUGE (Lin 2004) as rouge-score computes it: F1 of n-grams, of the longest common subsequence, and of the union of
 * the longest common subsequences of sentences (lines). */
#include <sqlite3.h>
#include <string.h>

#include "shop/metrics/measure.h"

#define MAX_CELLS ((size_t)1 << 30) /* pairs of words of one common subsequence */

static double f1(size_t n_matches, size_t n_hypothesis, size_t n_reference) {
    const double precision = (double)n_matches / (double)(n_hypothesis ? n_hypothesis : 1);
    const double recall = (double)n_matches / (double)(n_reference ? n_reference : 1);
    return precision + recall > 0 ? 2 * precision * recall / (precision + recall) : 0;
}

/* Appends the ids of the words of text [begin, end) to an array of n_before ids. */
static llmcs_status append_words(llmcs_shop_measure *m, const shop_chars *text, size_t begin, size_t end,
                                 uint32_t **ids, size_t *capacity, size_t n_before, size_t *n) {
    SHOP_TRY(shop_metric_words_rouge(&m->words, text->at + begin, end - begin, m->params.stem != 0));
    *n = n_before + m->words.n;
    SHOP_TRY(shop_grow(&m->allocator, ids, n_before, capacity, *n, sizeof **ids, "words"));
    return shop_grams_of_words(&m->grams, SHOP_ROOT_WORDS, &m->words, *ids + n_before);
}

static llmcs_status hypothesis_words(llmcs_shop_measure *m, const shop_text_row *row, size_t *n) {
    return append_words(m, row->hypothesis, 0, row->hypothesis->n, &m->ids, &m->ids_capacity, 0, n);
}

static llmcs_status reference_words(llmcs_shop_measure *m, const shop_chars *reference, size_t *n) {
    return append_words(m, reference, 0, reference->n, &m->more_ids, &m->more_ids_capacity, 0, n);
}

/* Replaces the ids of words by those of the n-grams that start there. Returns the number of n-grams. */
static size_t make_grams(llmcs_shop_measure *m, uint32_t *ids, size_t n, size_t order) {
    if (n < order) return 0;
    const size_t n_grams = n - order + 1;
    for (size_t i = 0; i < n_grams; i++) {
        uint32_t gram = ids[i];
        for (size_t j = 1; j < order; j++) gram = shop_gram(&m->grams, gram, ids[i + j]);
        ids[i] = gram;
    }
    return n_grams;
}

llmcs_status shop_rouge_n_row(llmcs_shop_measure *m, const shop_text_row *row, double *columns) {
    const size_t order = (size_t)m->order;
    size_t n, n_reference;
    shop_grams_clear(&m->grams);
    SHOP_TRY(hypothesis_words(m, row, &n));
    SHOP_TRY(shop_grams_reserve(&m->grams, n * order));
    n = make_grams(m, m->ids, n, order);
    for (size_t i = 0; i < n; i++) m->grams.counts[m->ids[i]].hypothesis++;
    columns[0] = 0;
    for (size_t r = 0; r < row->n_references; r++) {
        SHOP_TRY(reference_words(m, &row->references[r], &n_reference));
        SHOP_TRY(shop_grams_reserve(&m->grams, n_reference * order));
        n_reference = make_grams(m, m->more_ids, n_reference, order);
        size_t n_matches = 0;
        for (size_t i = 0; i < n_reference; i++) {
            shop_gram_counts *c = &m->grams.counts[m->more_ids[i]];
            n_matches += ++c->reference <= c->hypothesis;
        }
        for (size_t i = 0; i < n_reference; i++) m->grams.counts[m->more_ids[i]].reference = 0;
        const double score = f1(n_matches, n, n_reference);
        if (score > columns[0]) columns[0] = score;
    }
    return LLMCS_OK;
}

/* ---- longest common subsequence */

/* Reserves m->bits for a row of lengths and, with `bits`, one bit for each pair of words after it. */
static llmcs_status reserve_table(llmcs_shop_measure *m, size_t n_reference, size_t n_hypothesis, bool bits) {
    size_t cells;
    if (!shop_mul(n_reference, n_hypothesis, &cells) || cells > MAX_CELLS)
        return shop_fail(LLMCS_LIMIT, "%s: texts of %lld and %lld words, at most 2^30 pairs of words can be compared",
                         m->name, (long long)n_reference, (long long)n_hypothesis);
    const size_t need = n_hypothesis / 2 + 1 + (bits ? cells / 64 + 1 : 0);
    return shop_grow(&m->allocator, &m->bits, 0, &m->bits_capacity, need, sizeof *m->bits, "subsequences");
}

/* Length of the longest common subsequence. goes_left: NULL, or bit i * n_b + j is set if backtracking goes from
 * (i + 1, j + 1) to (i + 1, j) rather than to (i, j + 1). */
static size_t common_subsequence(llmcs_shop_measure *m, const uint32_t *a, size_t n_a, const uint32_t *b, size_t n_b,
                                 uint64_t *goes_left) {
    uint32_t *lengths = (uint32_t *)(void *)m->bits; /* [n_b] of the row above, then of this one */
    memset(lengths, 0, n_b * sizeof *lengths);
    if (goes_left) memset(goes_left, 0, (n_a * n_b / 64 + 1) * sizeof *goes_left);
    for (size_t i = 0; i < n_a; i++) {
        uint32_t left = 0, diagonal = 0;
        for (size_t j = 0; j < n_b; j++) {
            const uint32_t up = lengths[j];
            if (goes_left && left > up) goes_left[(i * n_b + j) / 64] |= (uint64_t)1 << ((i * n_b + j) % 64);
            const uint32_t length = a[i] == b[j] ? diagonal + 1 : left > up ? left : up;
            diagonal = up;
            lengths[j] = left = length;
        }
    }
    return n_b ? lengths[n_b - 1] : 0;
}

llmcs_status shop_rouge_l_row(llmcs_shop_measure *m, const shop_text_row *row, double *columns) {
    size_t n, n_reference;
    shop_grams_clear(&m->grams);
    SHOP_TRY(hypothesis_words(m, row, &n));
    columns[0] = 0;
    for (size_t r = 0; r < row->n_references; r++) {
        SHOP_TRY(reference_words(m, &row->references[r], &n_reference));
        SHOP_TRY(reserve_table(m, n_reference, n, false));
        const double score = f1(common_subsequence(m, m->more_ids, n_reference, m->ids, n, NULL), n, n_reference);
        if (score > columns[0]) columns[0] = score;
    }
    return LLMCS_OK;
}

/* ---- sentences */

/* Sets the bit of every word of sentence a that is in the subsequence. */
static void mark_subsequence(const uint32_t *a, size_t n_a, const uint32_t *b, size_t n_b, const uint64_t *goes_left,
                             bool *marked) {
    for (size_t i = n_a, j = n_b; i > 0 && j > 0;) {
        const size_t cell = (i - 1) * n_b + j - 1;
        if (a[i - 1] == b[j - 1]) {
            marked[i - 1] = true;
            i--, j--;
        } else if (goes_left[cell / 64] >> (cell % 64) & 1) {
            j--;
        } else {
            i--;
        }
    }
}

/* The next line of the text from *begin on; false at the end. */
static bool next_line(const shop_chars *text, size_t *begin, size_t *end) {
    if (*begin > text->n) return false;
    for (*end = *begin; *end < text->n && text->at[*end] != '\n';) ++*end;
    return true;
}

/* Stores the ids of all words of a text, counts them, and sets `sizes` to the end of each line's words. */
typedef struct sentences {
    uint32_t *ends;
    size_t n, capacity;
} sentences;

static llmcs_status load_sentences(llmcs_shop_measure *m, const shop_chars *text, uint32_t **ids, size_t *capacity,
                                   sentences *s, size_t *n_words) {
    s->n = *n_words = 0;
    for (size_t begin = 0, end; next_line(text, &begin, &end); begin = end + 1) {
        SHOP_TRY(append_words(m, text, begin, end, ids, capacity, *n_words, n_words));
        SHOP_TRY(shop_grow(&m->allocator, &s->ends, s->n, &s->capacity, s->n + 1, sizeof *s->ends, "sentences"));
        s->ends[s->n++] = (uint32_t)*n_words;
    }
    return LLMCS_OK;
}

/* Matches of one sentence of the reference: its words that are in a longest common subsequence with any sentence of the
 * hypothesis. A word counts at most as often as it occurs in both texts. */
static llmcs_status count_union(llmcs_shop_measure *m, const uint32_t *reference, size_t n_reference,
                                const sentences *hypothesis, bool *marked, size_t *n_matches) {
    memset(marked, 0, n_reference);
    for (size_t s = 0, begin = 0; s < hypothesis->n; begin = hypothesis->ends[s++]) {
        const size_t n = hypothesis->ends[s] - begin;
        SHOP_TRY(reserve_table(m, n_reference, n, true));
        uint64_t *goes_left = m->bits + n / 2 + 1;
        common_subsequence(m, reference, n_reference, m->ids + begin, n, goes_left);
        mark_subsequence(reference, n_reference, m->ids + begin, n, goes_left, marked);
    }
    for (size_t i = 0; i < n_reference; i++) {
        shop_gram_counts *c = &m->grams.counts[reference[i]];
        if (!marked[i] || !c->hypothesis || !c->reference) continue;
        c->hypothesis--;
        c->reference--;
        ++*n_matches;
    }
    return LLMCS_OK;
}

static llmcs_status score_sentences(llmcs_shop_measure *m, const sentences *hypothesis, size_t n,
                                    const shop_chars *reference, sentences *lines, double *score) {
    size_t n_reference, n_matches = 0;
    bool *marked = NULL;
    SHOP_TRY(load_sentences(m, reference, &m->more_ids, &m->more_ids_capacity, lines, &n_reference));
    for (uint32_t i = 0; i < m->grams.n_ids; i++) m->grams.counts[i] = (shop_gram_counts){0};
    for (size_t i = 0; i < n; i++) m->grams.counts[m->ids[i]].hypothesis++;
    for (size_t i = 0; i < n_reference; i++) m->grams.counts[m->more_ids[i]].reference++;
    SHOP_TRY(shop_alloc(&m->allocator, n_reference, sizeof *marked, "sentences", &marked));
    llmcs_status status = LLMCS_OK;
    for (size_t s = 0, begin = 0; s < lines->n && !status; begin = lines->ends[s++])
        status = count_union(m, m->more_ids + begin, lines->ends[s] - begin, hypothesis, marked, &n_matches);
    shop_free(&m->allocator, marked);
    *score = f1(n_matches, n, n_reference);
    return status;
}

llmcs_status shop_rouge_lsum_row(llmcs_shop_measure *m, const shop_text_row *row, double *columns) {
    sentences hypothesis = {0}, reference = {0};
    size_t n;
    shop_grams_clear(&m->grams);
    llmcs_status status = load_sentences(m, row->hypothesis, &m->ids, &m->ids_capacity, &hypothesis, &n);
    columns[0] = 0;
    for (size_t r = 0; r < row->n_references && !status; r++) {
        double score = 0;
        status = score_sentences(m, &hypothesis, n, &row->references[r], &reference, &score);
        if (score > columns[0]) columns[0] = score;
    }
    shop_free(&m->allocator, hypothesis.ends);
    shop_free(&m->allocator, reference.ends);
    return status;
}

void shop_rouge_describe(const llmcs_shop_measure *m, char *out, size_t capacity) {
    sqlite3_snprintf((int)capacity, out, "case:lc|stem:%s|tok:rouge+cjk|of:f1", m->params.stem ? "porter" : "no");
}
