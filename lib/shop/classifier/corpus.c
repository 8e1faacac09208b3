/* Extracts the n-grams of all training texts once; every fold of the cross-validation uses them. */
#include "shop/classifier/corpus.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shop/base/hash.h"

enum { ROWS_PER_ITEM = 64 };

/* ------------------------------------------------------------------------------------------ rows of n-grams */

typedef struct hashed_term {
    uint32_t hash;
    uint16_t count, block;
} hashed_term;

typedef struct row_terms {
    hashed_term *items;
    size_t n;
} row_terms;

typedef struct read_job {
    const llmcs_allocator *a;
    const llmcs_shop_example *examples;
    size_t n_rows;
    row_terms *rows;
    uint64_t *text_hash;
    shop_text_grams *grams; /* [threads] */
    llmcs_status *statuses; /* [threads] */
    bool with_grams;
} read_job;

static int compare_hashes(const void *left, const void *right) {
    const hashed_term *l = left, *r = right;
    if (l->hash != r->hash) return l->hash < r->hash ? -1 : 1;
    return (int)l->block - (int)r->block;
}

/* Sorts a text's n-grams by hash and counts equal ones. */
static llmcs_status count_terms(const llmcs_allocator *a, const shop_text_grams *g, row_terms *row) {
    const size_t n_items = g->block_end[SHOP_N_BLOCKS - 1];
    hashed_term *terms;
    size_t n = 0;
    SHOP_TRY(shop_alloc(a, n_items, sizeof *terms, "n-grams of a text", &terms));
    for (size_t block = 0, i = 0; block < SHOP_N_BLOCKS; block++)
        for (; i < g->block_end[block]; i++) terms[i] = (hashed_term){g->items[i].hash, 1, (uint16_t)block};
    qsort(terms, n_items, sizeof *terms, compare_hashes);
    for (size_t i = 0; i < n_items; i++) {
        if (!n || terms[n - 1].hash != terms[i].hash)
            terms[n++] = terms[i];
        else if (terms[n - 1].count < UINT16_MAX)
            terms[n - 1].count++;
    }
    row->items = terms;
    row->n = n;
    return LLMCS_OK;
}

static void read_rows(void *argument, size_t item, int32_t thread) {
    read_job *j = argument;
    shop_text_grams *g = &j->grams[thread];
    const size_t end = shop_min(j->n_rows, (item + 1) * ROWS_PER_ITEM);
    for (size_t i = item * ROWS_PER_ITEM; i < end && !j->statuses[thread]; i++) {
        const llmcs_shop_example *e = &j->examples[i];
        const size_t bytes = shop_text_bytes(e->text, e->text_bytes);
        j->text_hash[i] = shop_xxh64(e->text, bytes);
        if (!j->with_grams) continue;
        j->statuses[thread] = shop_text_extract(j->a, e->text, bytes, g);
        if (!j->statuses[thread]) j->statuses[thread] = count_terms(j->a, g, &j->rows[i]);
    }
}

static int compare_numbers(const void *left, const void *right) {
    const uint32_t l = *(const uint32_t *)left, r = *(const uint32_t *)right;
    return l < r ? -1 : l > r;
}

static size_t unique(uint32_t *values, size_t n) {
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (!kept || values[kept - 1] != values[i]) values[kept++] = values[i];
    return kept;
}

/* Collects all distinct hashes, ascending. Removes duplicates whenever the array is full. */
static llmcs_status collect_hashes(const llmcs_allocator *a, const row_terms *rows, size_t n_rows, shop_corpus *c) {
    size_t n = 0, capacity = 0;
    for (size_t i = 0; i < n_rows; i++) {
        if (n + rows[i].n > capacity) {
            if (n) qsort(c->hashes, n, sizeof *c->hashes, compare_numbers);
            n = unique(c->hashes, n);
            const size_t need = shop_max(2 * n, 1 << 16) + rows[i].n;
            SHOP_TRY(shop_grow(a, &c->hashes, n, &capacity, need, sizeof *c->hashes, "n-grams"));
        }
        for (size_t k = 0; k < rows[i].n; k++) c->hashes[n++] = rows[i].items[k].hash;
    }
    if (n) qsort(c->hashes, n, sizeof *c->hashes, compare_numbers);
    c->n_grams = unique(c->hashes, n);
    return LLMCS_OK;
}

/* Index of a hash that is known to be in c->hashes, searched from index `from` on: a row's hashes ascend. */
static size_t position_of(const shop_corpus *c, size_t from, uint32_t hash) {
    size_t low = from, high = c->n_grams;
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (c->hashes[middle] <= hash)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static llmcs_status number_terms(const llmcs_allocator *a, const row_terms *rows, shop_corpus *c) {
    size_t n = 0;
    for (size_t i = 0; i < c->n_rows; i++) n += rows[i].n;
    SHOP_TRY(shop_alloc(a, n, sizeof *c->terms, "n-grams", &c->terms));
    n = 0;
    for (size_t i = 0; i < c->n_rows; i++) {
        size_t at = 0;
        c->row_start[i] = n;
        for (size_t k = 0; k < rows[i].n; k++) {
            const hashed_term *t = &rows[i].items[k];
            at = position_of(c, at, t->hash);
            c->terms[n++] = (shop_term){(uint32_t)at, t->count, t->block};
        }
    }
    c->row_start[c->n_rows] = n;
    return LLMCS_OK;
}

static llmcs_status read_on_team(const llmcs_allocator *a, shop_team *team, read_job *j, shop_corpus *c) {
    shop_team_each(team, read_rows, j, (j->n_rows + ROWS_PER_ITEM - 1) / ROWS_PER_ITEM);
    for (int32_t t = 0; t < shop_team_threads(team); t++)
        if (j->statuses[t])
            return shop_fail(j->statuses[t], "no memory for the n-grams of %lld texts", (long long)j->n_rows);
    SHOP_TRY(collect_hashes(a, j->rows, j->n_rows, c));
    return number_terms(a, j->rows, c);
}

llmcs_status shop_corpus_read(const llmcs_allocator *a, shop_team *team, const llmcs_shop_example *examples, size_t n,
                              bool with_grams, shop_corpus *c) {
    const size_t n_threads = (size_t)shop_team_threads(team);
    read_job j = {.a = a, .examples = examples, .n_rows = n, .with_grams = with_grams};
    llmcs_status status;
    *c = (shop_corpus){.n_rows = n};
    SHOP_TRY_GOTO(status, shop_alloc_zero(a, n, sizeof *j.rows, "rows", &j.rows), done);
    SHOP_TRY_GOTO(status, shop_alloc_zero(a, n_threads, sizeof *j.grams, "threads", &j.grams), done);
    SHOP_TRY_GOTO(status, shop_alloc_zero(a, n_threads, sizeof *j.statuses, "threads", &j.statuses), done);
    SHOP_TRY_GOTO(status, shop_alloc(a, n, sizeof *c->text_hash, "rows", &c->text_hash), done);
    SHOP_TRY_GOTO(status, shop_alloc(a, n, sizeof *c->label, "rows", &c->label), done);
    SHOP_TRY_GOTO(status, shop_alloc(a, n, sizeof *c->weight, "rows", &c->weight), done);
    SHOP_TRY_GOTO(status, shop_alloc(a, n + 1, sizeof *c->row_start, "rows", &c->row_start), done);
    j.text_hash = c->text_hash;
    status = read_on_team(a, team, &j, c);
done:
    for (size_t i = 0; j.rows && i < n; i++) shop_free(a, j.rows[i].items);
    for (size_t i = 0; j.grams && i < n_threads; i++) shop_text_grams_free(a, &j.grams[i]);
    shop_free(a, j.rows);
    shop_free(a, j.grams);
    shop_free(a, j.statuses);
    if (status) shop_corpus_free(a, c);
    return status;
}

void shop_corpus_free(const llmcs_allocator *a, shop_corpus *c) {
    shop_free(a, c->terms);
    shop_free(a, c->row_start);
    shop_free(a, c->hashes);
    shop_free(a, c->dense);
    shop_free(a, c->dense_mean);
    shop_free(a, c->label);
    shop_free(a, c->weight);
    shop_free(a, c->text_hash);
    *c = (shop_corpus){0};
}

/* ---------------------------------------------------------------------------------------------- dictionary */

static float idf_of(size_t n_rows, size_t in_rows) {
    return logf((1.0f + (float)n_rows) / (1.0f + (float)in_rows)) + 1.0f;
}

/* The smallest row count such that at most `most` n-grams occur in that many rows. */
static size_t frequency_limit(const uint32_t *in_rows, size_t n_grams, size_t min_rows, size_t most, size_t n_rows) {
    size_t low = min_rows, high = n_rows + 1;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        size_t n = 0;
        for (size_t g = 0; g < n_grams; g++) n += in_rows[g] >= middle;
        if (n <= most)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static llmcs_status fill_dictionary(const llmcs_allocator *a, const shop_corpus *c, const uint32_t *in_rows,
                                    size_t n_rows, size_t min_rows, size_t most, shop_dictionary *d) {
    const size_t limit = frequency_limit(in_rows, c->n_grams, min_rows, most, n_rows);
    size_t above = 0, n = 0;
    for (size_t g = 0; g < c->n_grams; g++) above += in_rows[g] >= limit;
    /* N-grams that are one row short of the limit fill the remaining slots, in the order of their hashes. */
    size_t spare = limit > min_rows ? most - above : 0;
    SHOP_TRY(shop_alloc(a, shop_min(most, c->n_grams), sizeof *d->hashes, "dictionary", &d->hashes));
    SHOP_TRY(shop_alloc(a, shop_min(most, c->n_grams), sizeof *d->idf, "dictionary", &d->idf));
    SHOP_TRY(shop_alloc(a, c->n_grams, sizeof *d->index, "dictionary", &d->index));
    for (size_t g = 0; g < c->n_grams; g++) {
        d->index[g] = UINT32_MAX;
        if (in_rows[g] < limit) {
            if (!spare || in_rows[g] + 1 != limit) continue;
            spare--;
        }
        d->index[g] = (uint32_t)n;
        d->hashes[n] = c->hashes[g];
        d->idf[n++] = idf_of(n_rows, in_rows[g]);
    }
    d->n = n;
    d->unseen_idf = idf_of(n_rows, 0);
    return LLMCS_OK;
}

llmcs_status shop_dictionary_build(const llmcs_allocator *a, const shop_corpus *c, const uint32_t *rows, size_t n,
                                   size_t min_rows, size_t most, shop_dictionary *d) {
    uint32_t *in_rows;
    *d = (shop_dictionary){0};
    SHOP_TRY(shop_alloc_zero(a, c->n_grams, sizeof *in_rows, "dictionary", &in_rows));
    for (size_t i = 0; i < n; i++)
        for (size_t k = c->row_start[rows[i]]; k < c->row_start[rows[i] + 1]; k++) in_rows[c->terms[k].gram]++;
    const llmcs_status status = fill_dictionary(a, c, in_rows, n, min_rows, most, d);
    shop_free(a, in_rows);
    if (status) shop_dictionary_free(a, d);
    return status;
}

void shop_dictionary_free(const llmcs_allocator *a, shop_dictionary *d) {
    shop_free(a, d->hashes);
    shop_free(a, d->idf);
    shop_free(a, d->index);
    *d = (shop_dictionary){0};
}

/* -------------------------------------------------------------------------------------------------- matrix */

float shop_term_weight(uint32_t count, float idf) { return (count > 1 ? 1.0f + logf((float)count) : 1.0f) * idf; }

float shop_block_scale(float squares) { return squares > 0 ? 1.0f / sqrtf(squares) : 0; }

typedef struct shares {
    float known, all;
} shares;

static float share(shares s) { return s.all > 0 ? s.known / s.all : 0; }

/* Computes the features of one row and returns their number. */
static size_t fill_row(const shop_corpus *c, const shop_dictionary *d, size_t row, uint32_t *feature, float *value,
                       shop_coverage *coverage) {
    const shop_term *terms = c->terms + c->row_start[row];
    const size_t n_terms = c->row_start[row + 1] - c->row_start[row];
    float squares[SHOP_N_BLOCKS] = {0}, scales[SHOP_N_BLOCKS];
    shares words = {0}, grams = {0};
    size_t n = 0;
    for (size_t k = 0; k < n_terms; k++) {
        const uint32_t f = d->index[terms[k].gram];
        const float weight =
            f == UINT32_MAX ? (float)terms[k].count * d->unseen_idf : shop_term_weight(terms[k].count, d->idf[f]);
        grams.all += weight;
        if (terms[k].block == SHOP_WORDS) words.all += weight;
        if (f == UINT32_MAX) continue;
        grams.known += weight;
        if (terms[k].block == SHOP_WORDS) words.known += weight;
        squares[terms[k].block] += weight * weight;
        feature[n] = f;
        value[n++] = weight;
    }
    for (size_t b = 0; b < SHOP_N_BLOCKS; b++) scales[b] = shop_block_scale(squares[b]);
    n = 0;
    for (size_t k = 0; k < n_terms; k++)
        if (d->index[terms[k].gram] != UINT32_MAX) value[n++] *= scales[terms[k].block];
    if (coverage) *coverage = (shop_coverage){share(words), share(grams)};
    return n;
}

static llmcs_status fill_columns(const llmcs_allocator *a, shop_matrix *m) {
    const size_t n = m->row_start[m->n_rows];
    SHOP_TRY(shop_alloc_zero(a, m->n_features + 2, sizeof *m->column_start, "matrix", &m->column_start));
    SHOP_TRY(shop_alloc(a, n, sizeof *m->column_row, "matrix", &m->column_row));
    SHOP_TRY(shop_alloc(a, n, sizeof *m->column_value, "matrix", &m->column_value));
    size_t *next = m->column_start + 1; /* shifted by one while filling */
    for (size_t k = 0; k < n; k++) next[m->feature[k] + 1]++;
    for (size_t f = 0; f < m->n_features; f++) next[f + 1] += next[f];
    for (size_t i = 0; i < m->n_rows; i++)
        for (size_t k = m->row_start[i]; k < m->row_start[i + 1]; k++) {
            const size_t at = next[m->feature[k]]++;
            m->column_row[at] = (uint32_t)i;
            m->column_value[at] = m->value[k];
        }
    SHOP_TRY(shop_alloc(a, m->n_rows * m->n_dense, sizeof(float), "matrix", &m->dense_transposed));
    for (size_t i = 0; i < m->n_rows; i++)
        for (size_t x = 0; x < m->n_dense; x++) m->dense_transposed[x * m->n_rows + i] = m->dense[i * m->n_dense + x];
    return LLMCS_OK;
}

static llmcs_status fill_matrix(const llmcs_allocator *a, const shop_corpus *c, const shop_dictionary *d,
                                const uint32_t *rows, bool with_columns, shop_matrix *m) {
    size_t most = 0, n = 0;
    for (size_t i = 0; i < m->n_rows; i++) most += c->row_start[rows[i] + 1] - c->row_start[rows[i]];
    SHOP_TRY(shop_alloc(a, m->n_rows + 1, sizeof *m->row_start, "matrix", &m->row_start));
    SHOP_TRY(shop_alloc(a, most, sizeof *m->feature, "matrix", &m->feature));
    SHOP_TRY(shop_alloc(a, most, sizeof *m->value, "matrix", &m->value));
    SHOP_TRY(shop_alloc(a, m->n_rows * m->n_dense, sizeof(float), "matrix", &m->dense));
    SHOP_TRY(shop_alloc(a, m->n_rows, sizeof *m->label, "matrix", &m->label));
    SHOP_TRY(shop_alloc(a, m->n_rows, sizeof *m->weight, "matrix", &m->weight));
    if (!with_columns) SHOP_TRY(shop_alloc(a, m->n_rows, sizeof *m->coverage, "matrix", &m->coverage));
    for (size_t i = 0; i < m->n_rows; i++) {
        m->row_start[i] = n;
        n += fill_row(c, d, rows[i], m->feature + n, m->value + n, m->coverage ? &m->coverage[i] : NULL);
        m->label[i] = c->label[rows[i]];
        m->weight[i] = c->weight[rows[i]];
        if (m->n_dense) memcpy(m->dense + i * m->n_dense, c->dense + rows[i] * m->n_dense, m->n_dense * sizeof(float));
    }
    m->row_start[m->n_rows] = n;
    return with_columns ? fill_columns(a, m) : LLMCS_OK;
}

llmcs_status shop_matrix_build(const llmcs_allocator *a, const shop_corpus *c, const shop_dictionary *d,
                               const uint32_t *rows, size_t n, bool with_columns, shop_matrix *m) {
    *m = (shop_matrix){.n_rows = n, .n_features = d->n, .n_dense = c->n_dense};
    const llmcs_status status = fill_matrix(a, c, d, rows, with_columns, m);
    if (status) shop_matrix_free(a, m);
    return status;
}

void shop_matrix_free(const llmcs_allocator *a, shop_matrix *m) {
    shop_free(a, m->row_start);
    shop_free(a, m->feature);
    shop_free(a, m->value);
    shop_free(a, m->column_start);
    shop_free(a, m->column_row);
    shop_free(a, m->column_value);
    shop_free(a, m->dense);
    shop_free(a, m->dense_transposed);
    shop_free(a, m->label);
    shop_free(a, m->weight);
    shop_free(a, m->coverage);
    *m = (shop_matrix){0};
}
