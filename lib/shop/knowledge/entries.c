/* Adds, retires and reads knowledge entries. All versions of a text are kept; only the words and vectors of the current
 * one are searched. */
#include <string.h>

#include "shop/base/options.h"
#include "shop/knowledge/words.h"
#include "shop/store/rows.h"
#include "shop/store/vectors.h"

enum { MAX_QUESTIONS = 64 };

/* ---- check */

static llmcs_status check_entry(const llmcs_shop_entry *e) {
    SHOP_TRY(shop_check_id("id", e->id));
    SHOP_TRY(shop_check_lang(e->lang));
    if (!e->n_questions || e->n_questions > MAX_QUESTIONS || !e->questions)
        return shop_fail(LLMCS_ARG, "n_questions: %lld is not valid (1 to %d)", (long long)e->n_questions,
                         MAX_QUESTIONS);
    for (size_t i = 0; i < e->n_questions; i++)
        SHOP_TRY(shop_check_text("question", e->questions[i], 1, SHOP_WORD_BYTES));
    SHOP_TRY(shop_check_text("answer", e->answer, 1, SHOP_TEXT_BYTES));
    if (e->valid_from && e->valid_until && e->valid_from >= e->valid_until)
        return shop_fail(LLMCS_ARG, "valid_until: %lld is not after valid_from, %lld", (long long)e->valid_until,
                         (long long)e->valid_from);
    return LLMCS_OK;
}

/* ---- words of a text */

static llmcs_status count_words(shop_connection *c, const shop_words *words, int64_t delta) {
    static const char sql[] = "INSERT INTO word_counts VALUES(?1, ?2) ON CONFLICT(word) DO UPDATE SET n = n + ?2";
    for (size_t i = 0; i < words->n; i++)
        if (!words->items[i].repeated)
            SHOP_TRY(shop_change(c, sql, "ti", words->joined + words->items[i].begin, words->items[i].len, delta));
    return shop_change(c, sql, "ti", "", (size_t)0, delta);
}

static llmcs_status add_words(llmcs_shop *shop, shop_connection *c, int64_t row, const char *text) {
    shop_words words;
    SHOP_TRY(shop_words_make(&shop->allocator, text, strlen(text), &words));
    llmcs_status status = shop_change(c, "INSERT INTO text_words(rowid, words) VALUES(?1, ?2)", "it", row, words.joined,
                                      words.joined_bytes);
    if (!status) status = count_words(c, &words, 1);
    shop_words_free(&words);
    return status;
}

static llmcs_status uncount_words(llmcs_shop *shop, shop_connection *c, const char *text, size_t text_bytes) {
    shop_words words;
    SHOP_TRY(shop_words_make(&shop->allocator, text, text_bytes, &words));
    const llmcs_status status = count_words(c, &words, -1);
    shop_words_free(&words);
    return status;
}

/* Removes the live texts of an entry from the search. */
static llmcs_status remove_texts(llmcs_shop *shop, shop_connection *c, int64_t entry, int64_t change) {
    shop_query q;
    SHOP_TRY(shop_query_begin(c, &q, "SELECT row, text FROM texts WHERE entry = ?1 AND live", "i", entry));
    for (;;) {
        size_t n;
        SHOP_TRY(shop_query_next(&q));
        if (!q.has_row) break;
        const int64_t row = shop_query_int(&q, 0);
        const char *text = shop_query_text(&q, 1, &n);
        llmcs_status status = uncount_words(shop, c, text, n);
        if (!status) status = shop_change(c, "DELETE FROM text_words WHERE rowid = ?1", "i", row);
        if (!status) status = shop_change(c, "DELETE FROM vectors WHERE source = 'texts' AND row = ?1", "i", row);
        if (status) {
            shop_query_end(&q);
            return status;
        }
    }
    shop_query_end(&q);
    return shop_change(c, "UPDATE texts SET live = 0, changed = ?2 WHERE entry = ?1 AND live", "ii", entry, change);
}

/* ---- put */

/* A checked entry of a put, with its tags as JSON and the vectors of its texts. */
typedef struct checked_entry {
    size_t row; /* index in the caller's array */
    llmcs_shop_entry entry;
    char *tags;
    size_t first_text; /* index in `texts`: its answer, then its questions */
} checked_entry;

typedef struct entry_batch {
    llmcs_shop *shop;
    checked_entry *entries;
    size_t n;
    llmcs_text *texts;
    size_t n_texts, texts_capacity;
    float *vectors; /* [n_texts, n_embedding], or NULL */
} entry_batch;

static void free_batch(entry_batch *b) {
    const llmcs_allocator *a = &b->shop->allocator;
    for (size_t i = 0; i < b->n; i++) shop_free(a, b->entries[i].tags);
    shop_free(a, b->entries);
    shop_free(a, b->texts);
    shop_free(a, b->vectors);
}

static llmcs_status add_text(entry_batch *b, const char *text) {
    SHOP_TRY(shop_grow(&b->shop->allocator, &b->texts, b->n_texts, &b->texts_capacity, b->n_texts + 1, sizeof *b->texts,
                       "texts"));
    b->texts[b->n_texts++] = (llmcs_text){text, LLMCS_NUL, NULL, 0};
    return LLMCS_OK;
}

static llmcs_status add_entry(entry_batch *b, size_t row, const llmcs_shop_entry *given) {
    checked_entry *e = &b->entries[b->n];
    *e = (checked_entry){.row = row, .entry = {.struct_size = sizeof e->entry}, .first_text = b->n_texts};
    if (!given) return shop_fail(LLMCS_ARG, "entry is NULL");
    SHOP_TRY(shop_options_in(&e->entry, sizeof e->entry, SHOP_SIZE_UP_TO(llmcs_shop_entry, valid_until), given,
                             "llmcs_shop_entry"));
    SHOP_TRY(check_entry(&e->entry));
    SHOP_TRY(shop_tags_json(&b->shop->allocator, e->entry.tags, e->entry.n_tags, &e->tags));
    b->n++;
    SHOP_TRY(add_text(b, e->entry.answer));
    for (size_t i = 0; i < e->entry.n_questions; i++) SHOP_TRY(add_text(b, e->entry.questions[i]));
    return LLMCS_OK;
}

static llmcs_status add_entries(entry_batch *b, const llmcs_shop_entry *const *entries, size_t n,
                                shop_refusals *refusals) {
    SHOP_TRY(shop_alloc(&b->shop->allocator, n, sizeof *b->entries, "entries", &b->entries));
    for (size_t i = 0; i < n; i++) {
        const llmcs_status status = add_entry(b, i, entries[i]);
        if (status && !shop_is_refusal(status)) return status;
        if (status) SHOP_TRY(shop_refuse(refusals, i, status));
    }
    return shop_embed(b->shop, b->texts, b->n_texts, &b->vectors);
}

/* True if the current version has exactly these texts, tags and dates. */
static llmcs_status is_unchanged(shop_connection *c, const checked_entry *e, const llmcs_text *texts, int64_t entry,
                                 bool *unchanged) {
    int64_t same;
    shop_query q;
    *unchanged = false;
    SHOP_TRY(shop_lookup_int(
        c, 0, &same,
        "SELECT NOT retired AND tags = ?2 AND ifnull(valid_from, 0) = ?3 AND ifnull(valid_until, 0) = ?4"
        " AND ?5 = (SELECT count(*) FROM texts WHERE entry = ?1 AND live) FROM entries WHERE row = ?1",
        "isiii", entry, e->tags, e->entry.valid_from, e->entry.valid_until, (int64_t)e->entry.n_questions + 1));
    if (!same) return LLMCS_OK;
    SHOP_TRY(shop_query_begin(c, &q, "SELECT text FROM texts WHERE entry = ?1 AND live ORDER BY position", "i", entry));
    for (size_t i = 0; same; i++) {
        size_t n;
        SHOP_TRY(shop_query_next(&q));
        if (!q.has_row) break;
        same = i <= e->entry.n_questions && !strcmp(shop_query_text(&q, 0, &n), texts[e->first_text + i].text);
    }
    shop_query_end(&q);
    *unchanged = same;
    return LLMCS_OK;
}

static llmcs_status store_text(entry_batch *b, shop_connection *c, int64_t entry, int64_t version, size_t position,
                               size_t text, int64_t change) {
    int64_t row;
    SHOP_TRY(shop_lookup_int(c, 0, &row,
                             "INSERT INTO texts(entry, version, position, live, text, changed)"
                             " VALUES(?1, ?2, ?3, 1, ?4, ?5) RETURNING row",
                             "iiisi", entry, version, (int64_t)position, b->texts[text].text, change));
    SHOP_TRY(add_words(b->shop, c, row, b->texts[text].text));
    const float *vector = b->vectors ? b->vectors + text * (size_t)b->shop->n_embedding : NULL;
    return shop_vector_put(b->shop, c, "texts", row, vector);
}

static llmcs_status store_entry(entry_batch *b, shop_connection *c, const checked_entry *e, int64_t change) {
    int64_t entry, version;
    bool unchanged;
    SHOP_TRY(shop_lookup_int(c, -1, &entry, "SELECT row FROM entries WHERE id = ?1 AND lang = ?2", "ss", e->entry.id,
                             e->entry.lang));
    if (entry >= 0) {
        SHOP_TRY(is_unchanged(c, e, b->texts, entry, &unchanged));
        if (unchanged) return LLMCS_OK;
        SHOP_TRY(remove_texts(b->shop, c, entry, change));
    }
    SHOP_TRY(shop_lookup_int(c, 0, &entry,
                             "INSERT INTO entries(id, lang, version, retired, valid_from, valid_until, tags)"
                             " VALUES(?1, ?2, 1, 0, nullif(?3, 0), nullif(?4, 0), ?5)"
                             " ON CONFLICT(id, lang) DO UPDATE SET version = version + 1, retired = 0,"
                             " valid_from = nullif(?3, 0), valid_until = nullif(?4, 0), tags = ?5 RETURNING row",
                             "ssiis", e->entry.id, e->entry.lang, e->entry.valid_from, e->entry.valid_until, e->tags));
    SHOP_TRY(shop_lookup_int(c, 0, &version, "SELECT version FROM entries WHERE row = ?1", "i", entry));
    for (size_t i = 0; i <= e->entry.n_questions; i++)
        SHOP_TRY(store_text(b, c, entry, version, i, e->first_text + i, change));
    return LLMCS_OK;
}

static llmcs_status store_entries(entry_batch *b, shop_connection *c) {
    int64_t change;
    SHOP_TRY(shop_next_change(c, &change));
    for (size_t i = 0; i < b->n; i++) SHOP_TRY(store_entry(b, c, &b->entries[i], change));
    return LLMCS_OK;
}

llmcs_status llmcs_shop_put_entries(llmcs_shop *shop, const llmcs_shop_entry *const *entries, size_t n,
                                    llmcs_shop_refused_fn refused, void *user, size_t *n_stored) {
    SHOP_PUBLIC_CALL;
    shop_connection *c;
    if (n_stored) *n_stored = 0;
    SHOP_TRY(shop_check(shop));
    if (n && !entries) return shop_fail(LLMCS_ARG, "entries: the array is NULL");
    shop_refusals refusals = {.allocator = &shop->allocator};
    entry_batch batch = {.shop = shop};
    llmcs_status status = add_entries(&batch, entries, n, &refusals);
    if (!status) status = shop_write_begin(shop, &c);
    if (!status) status = shop_write_end(shop, c, store_entries(&batch, c));
    if (!status && n_stored) *n_stored = batch.n;
    free_batch(&batch);
    shop_refusals_report(&refusals, status ? NULL : refused, user);
    return status;
}

/* ---- retire */

static llmcs_status retire(llmcs_shop *shop, shop_connection *c, const char *id, const char *lang, size_t *n) {
    int64_t change, entry;
    SHOP_TRY(shop_next_change(c, &change));
    for (*n = 0;; ++*n) {
        SHOP_TRY(shop_lookup_int(c, -1, &entry,
                                 "SELECT row FROM entries WHERE id = ?1 AND NOT retired AND (?2 IS NULL OR lang = ?2)",
                                 "ss", id, lang));
        if (entry < 0) return LLMCS_OK;
        SHOP_TRY(remove_texts(shop, c, entry, change));
        SHOP_TRY(shop_change(c, "UPDATE entries SET retired = 1 WHERE row = ?1", "i", entry));
    }
}

llmcs_status llmcs_shop_retire_entry(llmcs_shop *shop, const char *id, const char *lang, size_t *n_retired) {
    SHOP_PUBLIC_CALL;
    shop_connection *c;
    size_t n = 0;
    SHOP_TRY(shop_check(shop));
    SHOP_TRY(shop_check_id("id", id));
    if (lang) SHOP_TRY(shop_check_lang(lang));
    SHOP_TRY(shop_write_begin(shop, &c));
    SHOP_TRY(shop_write_end(shop, c, retire(shop, c, id, lang, &n)));
    if (n_retired) *n_retired = n;
    return LLMCS_OK;
}

/* ---- read */

static llmcs_status copy_text(shop_connection *c, const char *id, const char *lang, int32_t version, size_t text_index,
                              char *text, size_t capacity, size_t *n) {
    shop_query q;
    SHOP_TRY(
        shop_query_begin(c, &q,
                         "SELECT t.text FROM entries e JOIN texts t ON t.entry = e.row WHERE e.id = ?1 AND e.lang = ?2"
                         " AND t.version = CASE WHEN ?3 = 0 THEN e.version ELSE ?3 END AND t.position = ?4",
                         "ssii", id, lang, (int64_t)version, (int64_t)text_index));
    SHOP_TRY(shop_query_next(&q));
    *n = 0;
    llmcs_status status = LLMCS_OK;
    const char *found = q.has_row ? shop_query_text(&q, 0, n) : NULL;
    if (!found)
        status = shop_fail(LLMCS_ARG, "entry %s (%s), version %d has no text %lld", id, lang, version,
                           (long long)text_index);
    else if (!text || capacity <= *n)
        status = shop_fail(LLMCS_BUFFER, "the text has %lld bytes and a NUL, the buffer %lld", (long long)*n,
                           (long long)(text ? capacity : 0));
    else
        memcpy(text, found, *n), text[*n] = 0;
    shop_query_end(&q);
    return status;
}

llmcs_status llmcs_shop_entry_text(llmcs_shop *shop, const char *id, const char *lang, int32_t version,
                                   size_t text_index, char *text, size_t capacity, size_t *text_bytes) {
    SHOP_PUBLIC_CALL;
    shop_connection *c;
    size_t n = 0;
    SHOP_TRY(shop_check(shop));
    SHOP_TRY(shop_check_id("id", id));
    SHOP_TRY(shop_check_lang(lang));
    SHOP_TRY(shop_read_begin(shop, &c));
    const llmcs_status status = copy_text(c, id, lang, version, text_index, text, capacity, &n);
    shop_read_end(shop, c);
    if (text_bytes && (!status || status == LLMCS_BUFFER)) *text_bytes = n;
    return status;
}
