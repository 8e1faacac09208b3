/* Finds candidates by full-text search and nearest vectors, and fuses the two rankings by reciprocal rank. */
#include <math.h>
#include <string.h>

#include "shop/base/clock.h"
#include "shop/base/han.h"
#include "shop/base/hash.h"
#include "shop/knowledge/follow.h"
#include "shop/knowledge/match.h"
#include "shop/knowledge/signature.h"
#include "shop/knowledge/word_index.h"

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

/* Adds a word to the hash table that find_word of compare.c searches. Of equal words the first is kept. */
static void enter_word(shop_question *q, size_t i) {
    enum { N = sizeof q->places / sizeof *q->places };
    size_t at = q->hashes[i] % N;
    while (q->places[at]) at = (at + 1) % N;
    q->places[at] = (uint16_t)(i + 1);
}

/* Counts the live texts with a word; "": all. */
static llmcs_status count_word(const shop_word_index *index, shop_connection *c, const char *word, size_t len,
                               uint64_t hash, int64_t *n) {
    *n = index ? (len ? shop_word_index_count(index, word, len, hash) : shop_word_index_texts(index)) : 0;
    return index ? LLMCS_OK : shop_lookup_int(c, 0, n, "SELECT n FROM word_counts WHERE word = ?1", "t", word, len);
}

static llmcs_status count_words(const shop_word_index *index, shop_connection *c, shop_question *q) {
    memset(q->places, 0, sizeof q->places);
    q->all_rarity = 0;
    SHOP_TRY(count_word(index, c, "", 0, 0, &q->n_texts));
    for (size_t i = 0; i < q->n_words; i++) {
        const shop_text_word *w = &q->words.items[i];
        const char *word = q->words.joined + w->begin;
        q->rarity[i] = 0;
        q->counts[i] = 0;
        q->hashes[i] = shop_xxh64(word, w->len);
        if (w->repeated) continue;
        SHOP_TRY(count_word(index, c, word, w->len, q->hashes[i], &q->counts[i]));
        /* A question left out for calibration must not count its own words. */
        if (q->counts[i] && (q->without_text || q->without_id)) q->counts[i]--;
        q->rarity[i] = rarity(q->n_texts, q->counts[i]) * (w->function_word ? 0.25 : 1);
        q->all_rarity += q->rarity[i];
        enter_word(q, i);
    }
    return LLMCS_OK;
}

llmcs_status shop_question_init(llmcs_shop *shop, shop_connection *c, shop_question *q) {
    shop_word_index *index = shop_words_in_memory(shop);
    SHOP_TRY(shop_words_make(&shop->allocator, q->text, q->text_bytes, &q->words));
    q->n_words = shop_min(q->words.n, SHOP_MAX_WORDS);
    llmcs_status status = shop_signature_make(&shop->allocator, q->text, q->text_bytes, &q->signature);
    q->n_trigrams = 0;
    for (int i = 0; i < SHOP_SIGNATURE_WORDS; i++) q->n_trigrams += __builtin_popcountll(q->signature.bits[i]);
    if (!status && shop_word_index_begin(index)) {
        status = count_words(index, c, q);
        shop_word_index_end(index);
    } else if (!status) {
        status = count_words(NULL, c, q);
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

/* A text that the search found. */
typedef struct hit {
    int64_t entry;
    double score;
    shop_entry_texts *texts; /* from the index in memory; NULL: found by FTS5 */
} hit;

/* The condition on entries, shared by both searches. ?2: now, ?3: tags, ?4: id of the excluded entry, ?5: row of the
 * excluded text. */
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

/* A match in an answer weighs less than one in a question. */
static double weighted(bool is_answer, double score, bool cosine) {
    return !is_answer ? score : cosine ? score - 0.1 : 0.7 * score;
}

/* Adds the text of a row, unless it is excluded or its entry cannot answer. */
static llmcs_status add_hit(shop_connection *c, const shop_question *q, uint64_t row, double score, bool cosine,
                            hit *hits, size_t *n) {
    shop_query s;
    SHOP_TRY(shop_query_begin(c, &s,
                              "SELECT t.entry, t.position FROM texts t JOIN entries e ON e.row = t.entry"
                              " WHERE t.row = ?1 AND t.live AND " IS_ANSWER,
                              "iissi", (int64_t)row, q->now, q->tags, q->without_id, q->without_text));
    SHOP_TRY(shop_query_next(&s));
    if (s.has_row) {
        hits[(*n)++] = (hit){shop_query_int(&s, 0), weighted(!shop_query_int(&s, 1), score, cosine), NULL};
    }
    shop_query_end(&s);
    return LLMCS_OK;
}

static bool has_tag(const shop_question *q, const shop_entry_texts *e) {
    for (size_t at = 0; at < e->tags_bytes; at += strlen(e->tags + at) + 1)
        for (size_t i = 0; i < q->n_tags; i++)
            if (!strcmp(e->tags + at, q->tag_list[i])) return true;
    return false;
}

/* Same for a text in memory. */
static void add_hit_in_memory(const shop_question *q, const shop_entry_texts *e, const shop_entry_text *text,
                              double score, bool cosine, hit *hits, size_t *n) {
    if (!e || e->retired || e->valid_from > q->now || e->valid_until <= q->now || text->row == q->without_text) return;
    if ((q->tags && !has_tag(q, e)) || (q->without_id && !strcmp(e->id, q->without_id))) return;
    hits[(*n)++] = (hit){e->entry, weighted(!text->position, score, cosine), (shop_entry_texts *)e};
}

/* ---- full-text search */

/* Limit of the summed counts of searched words. In a large store it drops frequent words: each occurs in thousands of
 * texts, all of which would be scored, for little weight. */
enum { MAX_POSTINGS = 1500 };

/* Returns the rarest word not marked in `used`; n_words: none left. */
static size_t rarest_word(const shop_question *q, const bool *used) {
    size_t best = q->n_words;
    for (size_t i = 0; i < q->n_words; i++)
        if (!used[i] && q->counts[i] && (best == q->n_words || q->counts[i] < q->counts[best])) best = i;
    return best;
}

/* Chooses the words to search, rarest first. */
static size_t choose_words(const shop_question *q, size_t order[SHOP_MAX_WORDS]) {
    bool used[SHOP_MAX_WORDS] = {false};
    int64_t postings = 0;
    size_t n = 0;
    for (size_t i; (i = rarest_word(q, used)) < q->n_words; used[i] = true) {
        postings += q->counts[i];
        if (n && postings > MAX_POSTINGS) break;
        order[n++] = i;
    }
    return n;
}

/* Builds "退货" OR "return" ... Words contain no quotes, so none are escaped. */
static llmcs_status make_query(const llmcs_shop *shop, const shop_question *q, const size_t *order, size_t n_order,
                               char **query) {
    size_t n = 0;
    SHOP_TRY(shop_alloc(&shop->allocator, q->words.joined_bytes + 8 * q->n_words + 8, 1, "query", query));
    for (size_t i = 0; i < n_order; i++) {
        const shop_text_word *w = &q->words.items[order[i]];
        memcpy(*query + n, n ? " OR \"" : "\"", n ? 5 : 1);
        n += n ? 5 : 1;
        memcpy(*query + n, q->words.joined + w->begin, w->len);
        n += w->len;
        (*query)[n++] = '"';
    }
    (*query)[n] = 0;
    return LLMCS_OK;
}

/* Finds the rows with the highest BM25. Until the best are known, only FTS5's own tables are read. */
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

/* A search by words (in memory or by FTS5) or by vector. */
typedef struct searching {
    llmcs_shop *shop;
    shop_connection *c;
    const shop_question *q;
    shop_word_index *index;   /* NULL: not in memory */
    shop_scored_text *scored; /* results of the index; the k best first */
    size_t n_scored;
    bool by_words;
    const char *query; /* for FTS5 */
    uint64_t *rows;    /* results of FTS5 or the vectors */
    float *scores;
} searching;

static bool is_better(const shop_scored_text *a, const shop_scored_text *b) {
    return a->score > b->score || (!(a->score < b->score) && a->row < b->row);
}

static void sift_down(shop_scored_text *heap, size_t n, size_t at) {
    const shop_scored_text moved = heap[at];
    for (size_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && is_better(&heap[child], &heap[child + 1])) child++;
        if (!is_better(&moved, &heap[child])) break;
        heap[at] = heap[child];
    }
    heap[at] = moved;
}

/* Moves the k best to the front, best first. Equal scores are ordered by row, as in FTS5. */
static void sort_best(shop_scored_text *texts, size_t n, size_t k) {
    k = shop_min(k, n);
    for (size_t i = k / 2; i-- > 0;) sift_down(texts, k, i); /* the worst is at the root */
    for (size_t i = k; i < n && k; i++) {
        if (!is_better(&texts[i], &texts[0])) continue;
        const shop_scored_text worst = texts[0];
        texts[0] = texts[i];
        texts[i] = worst;
        sift_down(texts, k, 0);
    }
    for (size_t i = k; i-- > 1;) {
        const shop_scored_text worst = texts[0];
        texts[0] = texts[i];
        texts[i] = worst;
        sift_down(texts, i, 0);
    }
}

/* Takes the hits among the k best texts. *found: number of texts, at most k. */
static llmcs_status take_best(searching *s, size_t k, size_t *found, hit *hits, size_t *n) {
    const bool cosine = !s->by_words;
    const shop_entry_text *text;
    llmcs_status status = LLMCS_OK;
    *n = 0;
    if (s->scored) {
        sort_best(s->scored, s->n_scored, k);
        *found = shop_min(s->n_scored, k);
        for (size_t i = 0; i < *found && *n < SHOP_MAX_HITS; i++) {
            const shop_entry_texts *e = shop_word_index_slot(s->index, s->scored[i].slot, &text);
            add_hit_in_memory(s->q, e, text, (double)(float)s->scored[i].score, false, hits, n);
        }
        return LLMCS_OK;
    }
    SHOP_TRY(cosine ? shop_nearest(s->shop, s->q->vector, k, s->rows, s->scores, found)
                    : search_rows(s->c, s->query, k, s->rows, s->scores, found));
    for (size_t i = 0; i < *found && *n < SHOP_MAX_HITS && !status; i++) {
        if (!s->index) {
            status = add_hit(s->c, s->q, s->rows[i], (double)s->scores[i], cosine, hits, n);
            continue;
        }
        const shop_entry_texts *e = shop_word_index_row(s->index, (int64_t)s->rows[i], &text);
        add_hit_in_memory(s->q, e, text, (double)s->scores[i], cosine, hits, n);
    }
    return status;
}

/* Fetches the best rows and keeps those whose entries can answer. If a filter leaves too few, fetches more until there
 * are enough or no more. */
static llmcs_status search(searching *s, hit *hits, size_t *n) {
    enum { MOST = 8192 };
    const llmcs_allocator *a = &s->shop->allocator;
    size_t k = SHOP_MAX_HITS / 2, found = 0;
    llmcs_status status = LLMCS_OK;
    for (bool more = true; more && !status; k *= 8) {
        if (!s->scored) status = shop_alloc(a, k, sizeof *s->rows, "hits", &s->rows);
        if (!s->scored && !status) status = shop_alloc(a, k, sizeof *s->scores, "hits", &s->scores);
        if (!status) status = take_best(s, k, &found, hits, n);
        shop_free(a, s->rows);
        shop_free(a, s->scores);
        s->rows = NULL;
        s->scores = NULL;
        more = found == k && *n < SHOP_MAX_CANDIDATES && k * 8 <= MOST;
    }
    sort_hits(hits, *n);
    *n = best_of_entries(hits, *n);
    return status;
}

static llmcs_status search_words(searching *s, hit *hits, size_t *n) {
    const llmcs_allocator *a = &s->shop->allocator;
    size_t order[SHOP_MAX_WORDS];
    const size_t n_order = choose_words(s->q, order);
    char *query = NULL;
    bool exact = false;
    llmcs_status status = LLMCS_OK;
    *n = 0;
    if (!n_order) return LLMCS_OK;
    s->by_words = true;
    if (s->index)
        status = shop_word_index_score(s->shop, s->index, &s->q->words, s->q->hashes, order, n_order, &s->scored,
                                       &s->n_scored, &exact);
    if (!status && !exact) status = make_query(s->shop, s->q, order, n_order, &query);
    s->query = query;
    if (!status) status = search(s, hits, n);
    shop_free(a, s->scored);
    shop_free(a, query);
    s->scored = NULL;
    s->by_words = false;
    return status;
}

static llmcs_status search_vectors(searching *s, hit *hits, size_t *n) {
    *n = 0;
    return s->q->vector ? search(s, hits, n) : LLMCS_OK;
}

/* ---- fusion */

enum { RANK_CONSTANT = 60 }; /* Cormack et al. 2009 */

/* An entry of one or both rankings. */
typedef struct fusing {
    int64_t entry;
    shop_entry_texts *texts;
    size_t words_rank, vectors_rank;
    double bm25, fused;
} fusing;

static double fused(const fusing *c) {
    return (c->words_rank ? 1.0 / (double)(RANK_CONSTANT + c->words_rank) : 0) +
           (c->vectors_rank ? 1.0 / (double)(RANK_CONSTANT + c->vectors_rank) : 0);
}

/* Adds a candidate with its own reference to the entry, so that it stays valid if the index changes. */
static void add_candidate(shop_match *m, const fusing *f) {
    m->candidates[m->n] = (shop_candidate){.entry = f->entry,
                                           .texts = f->texts,
                                           .words_rank = f->words_rank,
                                           .vectors_rank = f->vectors_rank,
                                           .bm25 = f->bm25};
    m->candidates[m->n].features[SHOP_F_FUSED] = f->fused * (RANK_CONSTANT + 1) / 2;
    if (f->texts) atomic_fetch_add(&f->texts->n_users, 1);
    m->n++;
}

/* Fuses all entries of both rankings; the best SHOP_MAX_CANDIDATES go into m. */
static llmcs_status fuse(shop_match *m, const hit *words, size_t n_words, const hit *vectors, size_t n_vectors) {
    fusing *all;
    size_t n = 0;
    if (!(n_words + n_vectors)) return LLMCS_OK;
    SHOP_TRY(shop_alloc(&m->shop->allocator, n_words + n_vectors, sizeof *all, "candidates", &all));
    for (size_t i = 0; i < n_words; i++)
        all[n++] =
            (fusing){.entry = words[i].entry, .texts = words[i].texts, .words_rank = i + 1, .bm25 = words[i].score};
    for (size_t i = 0; i < n_vectors; i++) {
        size_t j = 0;
        while (j < n_words && all[j].entry != vectors[i].entry) j++;
        if (j == n_words) all[j = n++] = (fusing){.entry = vectors[i].entry, .texts = vectors[i].texts};
        all[j].vectors_rank = i + 1;
    }
    for (size_t i = 0; i < n; i++) all[i].fused = fused(&all[i]);
    for (size_t i = 0; i < SHOP_MAX_CANDIDATES && i < n; i++) {
        size_t best = i;
        for (size_t j = i + 1; j < n; j++)
            if (all[j].fused > all[best].fused) best = j;
        const fusing first = all[best];
        all[best] = all[i];
        all[i] = first;
        add_candidate(m, &first);
    }
    shop_free(&m->shop->allocator, all);
    return LLMCS_OK;
}

llmcs_status shop_match_find(llmcs_shop *shop, shop_connection *c, const shop_question *q, shop_match *m) {
    shop_word_index *index = shop_words_in_memory(shop);
    hit *hits;
    size_t n_words = 0, n_vectors = 0;
    *m = (shop_match){.shop = shop};
    SHOP_TRY(shop_alloc(&shop->allocator, 2 * SHOP_MAX_HITS, sizeof *hits, "hits", &hits));
    const double begin = shop_now_ms();
    const bool in_memory = shop_word_index_begin(index);
    searching s = {.shop = shop, .c = c, .q = q, .index = in_memory ? index : NULL};
    llmcs_status status = LLMCS_OK;
    if (!(q->flags & LLMCS_ASK_VECTORS_ONLY)) status = search_words(&s, hits, &n_words);
    const double between = shop_now_ms();
    if (!status && !(q->flags & LLMCS_ASK_WORDS_ONLY)) status = search_vectors(&s, hits + SHOP_MAX_HITS, &n_vectors);
    m->words_ms = between - begin;
    m->vectors_ms = shop_now_ms() - between;
    if (!status) status = fuse(m, hits, n_words, hits + SHOP_MAX_HITS, n_vectors);
    if (in_memory) shop_word_index_end(index);
    shop_free(&shop->allocator, hits);
    return status;
}
