/* Finds replies that agents sent to similar questions. */
#include <math.h>
#include <string.h>

#include "shop/assist/assistant.h"
#include "shop/knowledge/words.h"
#include "shop/store/vectors.h"

enum { MAX_WORDS = 32, MAX_FOUND = 32, MAX_SCANNED = 10000 };
static const double LEAST_LIKENESS = 0.4;

/* A row of feedback with a possibly similar question. */
typedef struct likely {
    int64_t row;
    double cosine; /* NaN: not known */
    double score;
} likely;

typedef struct search {
    llmcs_shop *shop;
    shop_connection *c;
    const float *vector; /* of the question, or NULL */
    double norm;
    shop_words words; /* of the question */
    likely found[MAX_FOUND];
    size_t n;
} search;

/* Keeps the candidates with the best scores. */
static void keep(search *s, likely l) {
    for (size_t i = 0; i < s->n; i++)
        if (s->found[i].row == l.row) {
            if (!isnan(l.cosine)) s->found[i].cosine = l.cosine;
            return;
        }
    if (s->n < MAX_FOUND) {
        s->found[s->n++] = l;
        return;
    }
    size_t worst = 0;
    for (size_t i = 1; i < s->n; i++)
        if (s->found[i].score < s->found[worst].score) worst = i;
    if (l.score > s->found[worst].score) s->found[worst] = l;
}

/* ---- by vector */

static double dot(const float *x, const float *y, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (double)x[i] * (double)y[i];
    return sum;
}

static llmcs_status cosine_of(search *s, const void *blob, size_t n_bytes, float *space, double *cosine) {
    const size_t n = (size_t)s->shop->n_embedding;
    SHOP_TRY(shop_vector_decode(s->shop, blob, n_bytes, space));
    const double norm = sqrt(dot(space, space, n));
    *cosine = norm > 0 && s->norm > 0 ? dot(space, s->vector, n) / (norm * s->norm) : 0;
    return LLMCS_OK;
}

/* Scans only the latest rows: old answers are poor suggestions. */
static llmcs_status scan_vectors(search *s, float *space) {
    shop_query q;
    llmcs_status status;
    SHOP_TRY(shop_query_begin(s->c, &q,
                              "SELECT row, vector FROM vectors WHERE source = 'feedback' AND fingerprint = ?1"
                              " ORDER BY row DESC LIMIT ?2",
                              "ii", (int64_t)s->shop->fingerprint, (int64_t)MAX_SCANNED));
    while (!(status = shop_query_next(&q)) && q.has_row) {
        size_t n;
        double cosine;
        const void *blob = shop_query_blob(&q, 1, &n);
        if ((status = cosine_of(s, blob, n, space, &cosine))) break;
        keep(s, (likely){shop_query_int(&q, 0), cosine, cosine});
    }
    shop_query_end(&q);
    return status;
}

static llmcs_status search_vectors(search *s) {
    float *space;
    if (!s->vector) return LLMCS_OK;
    s->norm = sqrt(dot(s->vector, s->vector, (size_t)s->shop->n_embedding));
    SHOP_TRY(shop_alloc(&s->shop->allocator, (size_t)s->shop->n_embedding, sizeof *space, "vector", &space));
    const llmcs_status status = scan_vectors(s, space);
    shop_free(&s->shop->allocator, space);
    return status;
}

/* ---- by words */

/* Makes a query of the form "parcel" OR "lost" (words hold no quotes). Uses function words only if there are no others.
 */
static llmcs_status make_query(const search *s, char **query) {
    size_t n_content = 0, n_words = 0;
    sqlite3_str *text = sqlite3_str_new(NULL);
    for (size_t i = 0; i < s->words.n; i++) n_content += !s->words.items[i].function_word;
    for (size_t i = 0; i < s->words.n && n_words < MAX_WORDS; i++) {
        const shop_text_word *w = &s->words.items[i];
        if (w->repeated || (n_content && w->function_word)) continue;
        sqlite3_str_appendf(text, "%s\"%.*s\"", n_words++ ? " OR " : "", (int)w->len, s->words.joined + w->begin);
    }
    *query = sqlite3_str_finish(text);
    return !n_words || *query ? LLMCS_OK : shop_fail(LLMCS_NOMEM, "words: no memory");
}

static llmcs_status search_words(search *s) {
    shop_query q;
    char *query;
    llmcs_status status;
    SHOP_TRY(make_query(s, &query));
    if (!query) return LLMCS_OK;
    status = shop_query_begin(
        s->c, &q, "SELECT rowid, rank FROM reply_words WHERE reply_words MATCH ?1 ORDER BY rank LIMIT 16", "s", query);
    while (!status && !(status = shop_query_next(&q)) && q.has_row)
        keep(s, (likely){shop_query_int(&q, 0), NAN, 2}); /* found by words: always kept */
    if (!status) shop_query_end(&q);
    sqlite3_free(query);
    return status;
}

/* ---- likeness */

static double weight(const shop_text_word *w) { return w->repeated ? 0 : w->function_word ? 0.2 : 1; }

static bool has_word(const shop_words *words, const char *word, size_t n) {
    for (size_t i = 0; i < words->n; i++)
        if (words->items[i].len == n && !memcmp(words->joined + words->items[i].begin, word, n)) return true;
    return false;
}

/* Dice coefficient of the texts' distinct words. Only the beginnings of long texts are compared. */
static double overlap(const shop_words *a, const shop_words *b) {
    enum { MOST = 256 };
    double common = 0, total = 0;
    for (size_t i = 0; i < shop_min(a->n, MOST); i++) {
        const shop_text_word *w = &a->items[i];
        total += weight(w);
        if (weight(w) > 0 && has_word(b, a->joined + w->begin, w->len)) common += weight(w);
    }
    for (size_t i = 0; i < shop_min(b->n, MOST); i++) total += weight(&b->items[i]);
    return total > 0 ? fmin(1, 2 * common / total) : 0;
}

static llmcs_status likeness_of(search *s, const likely *l, const char *text, size_t n, double *likeness) {
    shop_words words;
    SHOP_TRY(shop_words_make(&s->shop->allocator, text, shop_min(n, 4096), &words));
    const double shared = overlap(&s->words, &words);
    shop_words_free(&words);
    *likeness = isnan(l->cosine) ? shared : 0.7 * fmax(0, l->cosine) + 0.3 * shared;
    return LLMCS_OK;
}

/* Turns <NAME_1> into [NAME], so that a placeholder of another conversation is not replaced by a value of this one. */
static void disarm_placeholders(char *text) {
    char *out = text;
    for (const char *at = text; *at;) {
        const char *end = at + 1;
        while (*at == '<' && ((*end >= 'A' && *end <= 'Z') || *end == '_')) end++;
        const char *digits = end;
        while (*at == '<' && *digits >= '0' && *digits <= '9') digits++;
        if (*at != '<' || end - at < 3 || end[-1] != '_' || digits == end || *digits != '>') {
            *out++ = *at++;
            continue;
        }
        *out++ = '[';
        for (const char *c = at + 1; c < end - 1; c++) *out++ = *c;
        *out++ = ']';
        at = digits + 1;
    }
    *out = 0;
}

static void insert_sorted(shop_past *found, size_t *n, shop_past p) {
    size_t i = *n;
    for (; i > 0 && found[i - 1].likeness < p.likeness; i--)
        if (i < SHOP_MAX_PAST) found[i] = found[i - 1];
    if (i < SHOP_MAX_PAST) found[i] = p;
    if (*n < SHOP_MAX_PAST) ++*n;
}

static llmcs_status compare_row(search *s, const likely *l, shop_offer *offer, const char *lang, shop_past *found,
                                size_t *n) {
    shop_query q;
    shop_past p = {.likeness = 0};
    SHOP_TRY(shop_query_begin(s->c, &q,
                              "SELECT id, text, reply FROM feedback WHERE row = ?1 AND lang = ?2 AND reply IS NOT NULL"
                              " AND outcome IN ('accepted', 'edited')",
                              "is", l->row, lang));
    llmcs_status status = shop_query_next(&q);
    if (!status && q.has_row) {
        size_t len;
        char *reply;
        const char *text = shop_query_text(&q, 1, &len);
        status = likeness_of(s, l, text, len, &p.likeness);
        if (!status && p.likeness >= LEAST_LIKENESS) {
            text = shop_query_text(&q, 2, &len);
            status = shop_arena_copy(&offer->memory, text, len, &p.reply);
            memcpy(&reply, &p.reply, sizeof reply);
            if (!status) disarm_placeholders(reply);
            text = shop_query_text(&q, 0, &len);
            if (!status) status = shop_arena_copy(&offer->memory, text, len, &p.id);
            if (!status) insert_sorted(found, n, p);
        }
    }
    shop_query_end(&q);
    return status;
}

llmcs_status shop_past_find(llmcs_shop *shop, shop_connection *c, shop_offer *offer, const float *vector,
                            const char *lang, shop_past *found, size_t *n) {
    search *s;
    const char *text = offer->head.question;
    *n = 0;
    SHOP_TRY(shop_alloc_zero(&shop->allocator, 1, sizeof *s, "search", &s));
    s->shop = shop, s->c = c, s->vector = vector;
    llmcs_status status = shop_words_make(&shop->allocator, text, strlen(text), &s->words);
    if (!status) {
        status = search_words(s);
        if (!status) status = search_vectors(s);
        for (size_t i = 0; i < s->n && !status; i++) status = compare_row(s, &s->found[i], offer, lang, found, n);
        shop_words_free(&s->words);
    }
    shop_free(&shop->allocator, s);
    return status;
}
