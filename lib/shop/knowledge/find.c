/* Finds candidates: full-text search and nearest vectors, fused by reciprocal ranks. */
#include <math.h>
#include <string.h>

#include "shop/base/clock.h"
#include "shop/base/han.h"
#include "shop/knowledge/follow.h"
#include "shop/knowledge/match.h"
#include "shop/knowledge/signature.h"

/* ---- question */

/* FNV-1a over three code points, folded to 12 bits. */
static unsigned trigram(const int32_t *c) {
    uint32_t h = 2166136261u;
    for (int i = 0; i < 3; i++) h = (h ^ (uint32_t)c[i]) * 16777619u;
    return (h ^ h >> 15) & (64 * SHOP_SIGNATURE_WORDS - 1);
}

llmcs_status shop_signature_make(const llmcs_allocator *a, const char *text, size_t n, shop_signature *s) {
    int32_t *c;
    size_t n_code_points, kept = 0;
    *s = (shop_signature){{0}};
    SHOP_TRY(shop_normalise(a, text, n, &c, &n_code_points));
    for (size_t i = 0; i < n_code_points; i++)
        if (c[i] > ' ') c[kept++] = (int32_t)shop_simplified((uint32_t)c[i]);
    for (size_t i = 0; i + 2 < kept; i++) {
        const unsigned bit = trigram(c + i);
        s->bits[bit / 64] |= (uint64_t)1 << bit % 64;
    }
    shop_free(a, c);
    return LLMCS_OK;
}

static double rarity(int64_t n_texts, int64_t count) {
    return log1p(fmax(0, (double)(n_texts - count) + 0.5) / ((double)count + 0.5));
}

llmcs_status shop_question_init(llmcs_shop *shop, shop_connection *c, shop_question *q) {
    static const char sql[] = "SELECT n FROM word_counts WHERE word = ?1";
    SHOP_TRY(shop_words_make(&shop->allocator, q->text, q->text_bytes, &q->words));
    q->n_words = shop_min(q->words.n, SHOP_MAX_WORDS);
    llmcs_status status = shop_signature_make(&shop->allocator, q->text, q->text_bytes, &q->signature);
    if (!status) status = shop_lookup_int(c, 0, &q->n_texts, sql, "t", "", (size_t)0);
    for (size_t i = 0; i < q->n_words && !status; i++) {
        const shop_text_word *w = &q->words.items[i];
        q->rarity[i] = 0;
        q->counts[i] = 0;
        if (w->repeated) continue;
        status = shop_lookup_int(c, 0, &q->counts[i], sql, "t", q->words.joined + w->begin, w->len);
        /* A question that is left out for calibration must not make its own words known. */
        if (q->counts[i] && (q->without_text || q->without_id)) q->counts[i]--;
        q->rarity[i] = rarity(q->n_texts, q->counts[i]) * (w->function_word ? 0.25 : 1);
    }
    if (status) shop_words_free(&q->words);
    return status;
}

void shop_question_free(llmcs_shop *shop, shop_question *q) {
    shop_words_free(&q->words);
    shop_free(&shop->allocator, q->vector);
    shop_free(&shop->allocator, q->tags);
}

/* ---- hits */

/* A text that was found. */
typedef struct hit {
    int64_t entry;
    double score;
} hit;

/* The condition on entries that both searches share. ?2: now, ?3: tags, ?4: an entry's id and ?5: a text's row that are
 * left out. */
#define IS_ANSWER                                                                                             \
    "NOT e.retired AND ifnull(e.valid_from <= ?2, 1) AND ifnull(e.valid_until > ?2, 1)"                       \
    " AND (?3 IS NULL OR EXISTS(SELECT 1 FROM json_each(e.tags) h, json_each(?3) w WHERE h.value = w.value))" \
    " AND (?4 IS NULL OR e.id <> ?4) AND t.row <> ?5"

static void sort_hits(hit *hits, size_t n) {
    for (size_t i = 1; i < n; i++) {
        const hit h = hits[i];
        size_t j = i;
        for (; j > 0 && hits[j - 1].score < h.score; j--) hits[j] = hits[j - 1];
        hits[j] = h;
    }
}

/* Keeps the first hit of each entry. */
static size_t best_of_entries(hit *hits, size_t n) {
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        size_t j = 0;
        while (j < kept && hits[j].entry != hits[i].entry) j++;
        if (j == kept) hits[kept++] = hits[i];
    }
    return kept;
}

/* The text of a row, unless it is left out or of an entry that cannot answer. What an answer says weighs less than what
 * a question says. */
static llmcs_status add_hit(shop_connection *c, const shop_question *q, uint64_t row, double score, bool cosine,
                            hit *hits, size_t *n) {
    shop_query s;
    SHOP_TRY(shop_query_begin(c, &s,
                              "SELECT t.entry, t.position FROM texts t JOIN entries e ON e.row = t.entry"
                              " WHERE t.row = ?1 AND t.live AND " IS_ANSWER,
                              "iissi", (int64_t)row, q->now, q->tags, q->without_id, q->without_text));
    SHOP_TRY(shop_query_next(&s));
    if (s.has_row) {
        const bool is_answer = !shop_query_int(&s, 1);
        hits[(*n)++] = (hit){shop_query_int(&s, 0), !is_answer ? score : cosine ? score - 0.1 : 0.7 * score};
    }
    shop_query_end(&s);
    return LLMCS_OK;
}

/* ---- full-text search */

/* Longest sum of counts of the words that are searched for. In a large store this leaves out frequent words, whose
 * thousands of texts would all be scored and whose weight is small. */
enum { MAX_POSTINGS = 1500 };

/* The next word after those marked in `used`, by rarity; n_words: none left. */
static size_t rarest_word(const shop_question *q, const bool *used) {
    size_t best = q->n_words;
    for (size_t i = 0; i < q->n_words; i++)
        if (!used[i] && q->counts[i] && (best == q->n_words || q->counts[i] < q->counts[best])) best = i;
    return best;
}

/* "退货" OR "return" ...; our words hold no quotes. NULL in *query if no word of the question is known. */
static llmcs_status make_query(const llmcs_shop *shop, const shop_question *q, char **query) {
    bool used[SHOP_MAX_WORDS] = {false};
    int64_t postings = 0;
    size_t n = 0;
    SHOP_TRY(shop_alloc(&shop->allocator, q->words.joined_bytes + 8 * q->n_words + 8, 1, "query", query));
    for (size_t i; (i = rarest_word(q, used)) < q->n_words; used[i] = true) {
        const shop_text_word *w = &q->words.items[i];
        postings += q->counts[i];
        if (n && postings > MAX_POSTINGS) break;
        memcpy(*query + n, n ? " OR \"" : "\"", n ? 5 : 1);
        n += n ? 5 : 1;
        memcpy(*query + n, q->words.joined + w->begin, w->len);
        n += w->len;
        (*query)[n++] = '"';
    }
    (*query)[n] = 0;
    if (n) return LLMCS_OK;
    shop_free(&shop->allocator, *query);
    *query = NULL;
    return LLMCS_OK;
}

/* The rows of texts with the highest BM25. Only FTS5's own tables are read until the best are known. */
static llmcs_status search_rows(shop_connection *c, const char *query, size_t k, uint64_t *rows, float *scores,
                                size_t *n) {
    shop_query s;
    *n = 0;
    SHOP_TRY(shop_query_begin(c, &s,
                              "SELECT rowid, rank FROM text_words WHERE text_words MATCH ?1 ORDER BY rank LIMIT ?2",
                              "si", query, (int64_t)k));
    for (;;) {
        SHOP_TRY(shop_query_next(&s));
        if (!s.has_row || *n == k) break;
        rows[*n] = (uint64_t)shop_query_int(&s, 0);
        scores[(*n)++] = (float)-shop_query_double(&s, 1);
    }
    shop_query_end(&s);
    return LLMCS_OK;
}

/* ---- both */

/* Fetches the best rows, by words if `query` is not NULL, else by vector, and keeps those of entries that can answer. A
 * filter may leave few of them: then more are fetched, until there are enough or no more. */
static llmcs_status search(llmcs_shop *shop, shop_connection *c, const shop_question *q, const char *query, hit *hits,
                           size_t *n) {
    enum { MOST = 8192 };
    const llmcs_allocator *a = &shop->allocator;
    size_t k = SHOP_MAX_HITS / 2, found = 0;
    llmcs_status status = LLMCS_OK;
    for (bool more = true; more && !status; k *= 8) {
        uint64_t *rows;
        float *scores = NULL;
        *n = 0;
        SHOP_TRY(shop_alloc(a, k, sizeof *rows, "hits", &rows));
        status = shop_alloc(a, k, sizeof *scores, "hits", &scores);
        if (!status)
            status = query ? search_rows(c, query, k, rows, scores, &found)
                           : shop_nearest(shop, q->vector, k, rows, scores, &found);
        for (size_t i = 0; i < found && *n < SHOP_MAX_HITS && !status; i++)
            status = add_hit(c, q, rows[i], (double)scores[i], !query, hits, n);
        shop_free(a, rows);
        shop_free(a, scores);
        more = found == k && *n < SHOP_MAX_CANDIDATES && k * 8 <= MOST;
    }
    sort_hits(hits, *n);
    *n = best_of_entries(hits, *n);
    return status;
}

static llmcs_status search_words(llmcs_shop *shop, shop_connection *c, const shop_question *q, hit *hits, size_t *n) {
    char *query;
    *n = 0;
    SHOP_TRY(make_query(shop, q, &query));
    if (!query) return LLMCS_OK;
    const llmcs_status status = search(shop, c, q, query, hits, n);
    shop_free(&shop->allocator, query);
    return status;
}

static llmcs_status search_vectors(llmcs_shop *shop, shop_connection *c, const shop_question *q, hit *hits, size_t *n) {
    *n = 0;
    return q->vector ? search(shop, c, q, NULL, hits, n) : LLMCS_OK;
}

/* ---- fusion */

enum { RANK_CONSTANT = 60 }; /* Cormack et al. 2009 */

static double fused(const shop_candidate *c) {
    return (c->words_rank ? 1.0 / (double)(RANK_CONSTANT + c->words_rank) : 0) +
           (c->vectors_rank ? 1.0 / (double)(RANK_CONSTANT + c->vectors_rank) : 0);
}

/* All entries of both rankings; the best SHOP_MAX_CANDIDATES go into m. */
static llmcs_status fuse(shop_match *m, const hit *words, size_t n_words, const hit *vectors, size_t n_vectors) {
    shop_candidate *all;
    size_t n = 0;
    if (!(n_words + n_vectors)) return LLMCS_OK;
    SHOP_TRY(shop_alloc_zero(&m->shop->allocator, n_words + n_vectors, sizeof *all, "candidates", &all));
    for (size_t i = 0; i < n_words; i++)
        all[n++] = (shop_candidate){.entry = words[i].entry, .words_rank = i + 1, .bm25 = words[i].score};
    for (size_t i = 0; i < n_vectors; i++) {
        size_t j = 0;
        while (j < n_words && all[j].entry != vectors[i].entry) j++;
        if (j == n_words) all[j = n++] = (shop_candidate){.entry = vectors[i].entry};
        all[j].vectors_rank = i + 1;
    }
    for (; m->n < SHOP_MAX_CANDIDATES && m->n < n; m->n++) {
        size_t best = m->n;
        for (size_t j = m->n + 1; j < n; j++)
            if (fused(&all[j]) > fused(&all[best])) best = j;
        const shop_candidate first = all[best];
        all[best] = all[m->n];
        m->candidates[m->n] = all[m->n] = first;
        m->candidates[m->n].features[SHOP_F_FUSED] = fused(&first) * (RANK_CONSTANT + 1) / 2;
    }
    shop_free(&m->shop->allocator, all);
    return LLMCS_OK;
}

llmcs_status shop_match_find(llmcs_shop *shop, shop_connection *c, const shop_question *q, shop_match *m) {
    hit *hits;
    size_t n_words = 0, n_vectors = 0;
    *m = (shop_match){.shop = shop};
    SHOP_TRY(shop_alloc(&shop->allocator, 2 * SHOP_MAX_HITS, sizeof *hits, "hits", &hits));
    const double begin = shop_now_ms();
    llmcs_status status = LLMCS_OK;
    if (!(q->flags & LLMCS_ASK_VECTORS_ONLY)) status = search_words(shop, c, q, hits, &n_words);
    const double between = shop_now_ms();
    if (!status && !(q->flags & LLMCS_ASK_WORDS_ONLY))
        status = search_vectors(shop, c, q, hits + SHOP_MAX_HITS, &n_vectors);
    m->words_ms = between - begin;
    m->vectors_ms = shop_now_ms() - between;
    if (!status) status = fuse(m, hits, n_words, hits + SHOP_MAX_HITS, n_vectors);
    shop_free(&shop->allocator, hits);
    return status;
}
