/* An in-memory inverted index over the live texts of a store. */
#include "shop/knowledge/word_index.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "shop/base/hash.h"
#include "shop/knowledge/fts_tokens.h"

/* A text that contains a token, with the count. */
typedef struct posting {
    uint32_t slot, count;
} posting;

/* A string that is a word of shop_words_make in `n_texts` texts and an FTS5 token in the texts of `postings`; nearly
 * always both. */
typedef struct term {
    uint64_t hash;
    size_t begin, len; /* in `chars` */
    int64_t n_texts;
    posting *postings;
    size_t n, capacity;
} term;

typedef struct slot {
    shop_entry_texts *entry; /* NULL: free */
    size_t item;             /* index in it */
    uint32_t n_tokens;
    uint32_t next_free;
} slot;

/* Maps a live text's row, or an entry's, to a slot; 0: empty, -1: removed. */
typedef struct row_slot {
    int64_t row;
    uint32_t slot;
    bool used, removed;
} row_slot;

typedef struct row_table {
    row_slot *items;
    size_t capacity, n; /* n: slots used or removed */
} row_table;

struct shop_word_index {
    pthread_rwlock_t lock;
    size_t most_bytes, bytes;
    bool complete, too_large;
    int64_t seen;             /* value of the setting llmcs.changes that the index reflects */
    _Atomic int64_t followed; /* the same for readers; -1: not complete yet; INT64_MAX: too large, never built */
    shop_fts_tokens *tokens;

    term *terms;
    size_t n_terms, terms_capacity;
    uint32_t *table; /* hash table of terms: index + 1; open addressing */
    size_t table_capacity;
    char *chars;
    size_t n_chars, chars_capacity;

    slot *slots;
    size_t n_slots, slots_capacity;
    uint32_t first_free; /* + 1 */
    row_table rows;      /* of live texts */
    row_table entries;   /* each with the slot of one of its texts */
    int64_t n_texts, n_tokens;
};

#define NO_SLOT UINT32_MAX

llmcs_status shop_word_index_create(llmcs_shop *shop, size_t most_bytes, shop_word_index **index) {
    shop_word_index *x;
    *index = NULL;
    SHOP_TRY(shop_alloc_zero(&shop->allocator, 1, sizeof *x, "index of words", &x));
    if (pthread_rwlock_init(&x->lock, NULL)) {
        shop_free(&shop->allocator, x);
        return shop_fail(LLMCS_THREAD, "a lock could not be created");
    }
    x->most_bytes = most_bytes;
    x->seen = -1;
    atomic_init(&x->followed, -1);
    *index = x;
    return LLMCS_OK;
}

/* Clears everything except lock and tokenizer. */
static void empty_index(llmcs_shop *shop, shop_word_index *x) {
    const llmcs_allocator *a = &shop->allocator;
    for (size_t i = 0; i < x->n_terms; i++) shop_free(a, x->terms[i].postings);
    for (size_t i = 0; i < x->entries.capacity; i++)
        if (x->entries.items[i].used) shop_entry_texts_release(shop, x->slots[x->entries.items[i].slot].entry);
    shop_free(a, x->terms);
    shop_free(a, x->table);
    shop_free(a, x->chars);
    shop_free(a, x->slots);
    shop_free(a, x->rows.items);
    shop_free(a, x->entries.items);
    x->terms = NULL, x->table = NULL, x->chars = NULL, x->slots = NULL;
    x->n_terms = x->terms_capacity = x->table_capacity = x->n_chars = x->chars_capacity = 0;
    x->n_slots = x->slots_capacity = 0;
    x->rows = x->entries = (row_table){0};
    x->first_free = 0;
    x->n_texts = x->n_tokens = 0;
    x->bytes = 0;
    x->complete = false;
    x->seen = -1;
}

void shop_word_index_free(llmcs_shop *shop, shop_word_index **index) {
    shop_word_index *x = *index;
    *index = NULL;
    if (!x) return;
    empty_index(shop, x);
    if (shop->owner == getpid()) {
        if (x->tokens) shop_fts_tokens_free(&x->tokens);
        pthread_rwlock_destroy(&x->lock);
    }
    shop_free(&shop->allocator, x);
}

/* ---- rows */

static size_t row_at(const row_table *t, int64_t row) {
    size_t at = shop_xxh64(&row, sizeof row) & (t->capacity - 1);
    while ((t->items[at].used && t->items[at].row != row) || t->items[at].removed) at = (at + 1) & (t->capacity - 1);
    return at;
}

static uint32_t find_row(const row_table *t, int64_t row) {
    if (!t->capacity) return NO_SLOT;
    const size_t at = row_at(t, row);
    return t->items[at].used ? t->items[at].slot : NO_SLOT;
}

static void put_row(row_table *t, int64_t row, uint32_t s) {
    const size_t at = row_at(t, row);
    t->n += !t->items[at].used;
    t->items[at] = (row_slot){.row = row, .slot = s, .used = true};
}

static llmcs_status add_row(const llmcs_allocator *a, row_table *t, int64_t row, uint32_t s) {
    if (2 * (t->n + 1) > t->capacity) {
        size_t live = 0, capacity = 1024;
        for (size_t i = 0; i < t->capacity; i++) live += t->items[i].used;
        while (capacity < 4 * (live + 1)) capacity *= 2;
        row_table larger = {.capacity = capacity};
        SHOP_TRY(shop_alloc_zero(a, capacity, sizeof *larger.items, "index of words", &larger.items));
        for (size_t i = 0; i < t->capacity; i++)
            if (t->items[i].used) put_row(&larger, t->items[i].row, t->items[i].slot);
        shop_free(a, t->items);
        *t = larger;
    }
    put_row(t, row, s);
    return LLMCS_OK;
}

static void remove_row(row_table *t, int64_t row) {
    if (!t->capacity) return;
    const size_t at = row_at(t, row);
    if (t->items[at].used) t->items[at] = (row_slot){.removed = true};
}

/* ---- terms */

static term *find_term(const shop_word_index *x, const char *bytes, size_t len, uint64_t hash) {
    for (size_t at = hash & (x->table_capacity - 1); x->table_capacity && x->table[at];
         at = (at + 1) & (x->table_capacity - 1)) {
        term *t = &x->terms[x->table[at] - 1];
        if (t->hash == hash && t->len == len && !memcmp(x->chars + t->begin, bytes, len)) return t;
    }
    return NULL;
}

static void enter_term(shop_word_index *x, size_t i) {
    size_t at = x->terms[i].hash & (x->table_capacity - 1);
    while (x->table[at]) at = (at + 1) & (x->table_capacity - 1);
    x->table[at] = (uint32_t)i + 1;
}

static llmcs_status grow_table(const llmcs_allocator *a, shop_word_index *x) {
    const size_t capacity = x->table_capacity ? 2 * x->table_capacity : 4096;
    uint32_t *table;
    SHOP_TRY(shop_alloc_zero(a, capacity, sizeof *table, "index of words", &table));
    shop_free(a, x->table);
    x->table = table;
    x->table_capacity = capacity;
    for (size_t i = 0; i < x->n_terms; i++) enter_term(x, i);
    return LLMCS_OK;
}

static llmcs_status get_term(const llmcs_allocator *a, shop_word_index *x, const char *bytes, size_t len, uint64_t hash,
                             term **found) {
    *found = find_term(x, bytes, len, hash);
    if (*found) return LLMCS_OK;
    if (x->n_terms == UINT32_MAX - 1) return shop_fail(LLMCS_LIMIT, "index of words: too many words");
    SHOP_TRY(
        shop_grow(a, &x->terms, x->n_terms, &x->terms_capacity, x->n_terms + 1, sizeof *x->terms, "index of words"));
    SHOP_TRY(shop_grow(a, &x->chars, x->n_chars, &x->chars_capacity, x->n_chars + len, 1, "index of words"));
    if (2 * (x->n_terms + 1) > x->table_capacity) SHOP_TRY(grow_table(a, x));
    x->terms[x->n_terms] = (term){.hash = hash, .begin = x->n_chars, .len = len};
    memcpy(x->chars + x->n_chars, bytes, len);
    x->n_chars += len;
    x->bytes += sizeof(term) + len + 2 * sizeof *x->table;
    enter_term(x, x->n_terms);
    *found = &x->terms[x->n_terms++];
    return LLMCS_OK;
}

/* ---- one text */

/* A text being added or removed. */
typedef struct change {
    llmcs_shop *shop;
    shop_word_index *index;
    bool out;
    uint32_t slot;
    uint32_t n_tokens;
    uint32_t first; /* first slot of the entry's texts, chained by next_free */
} change;

static llmcs_status see_token(void *user, const char *token, size_t len) {
    change *c = user;
    const llmcs_allocator *a = &c->shop->allocator;
    const uint64_t hash = shop_xxh64(token, len);
    term *t;
    c->n_tokens++;
    if (c->out) {
        t = find_term(c->index, token, len, hash);
        for (size_t i = 0; t && i < t->n; i++)
            if (t->postings[i].slot == c->slot) {
                t->postings[i] = t->postings[--t->n];
                break;
            }
        return LLMCS_OK;
    }
    SHOP_TRY(get_term(a, c->index, token, len, hash, &t));
    if (t->n && t->postings[t->n - 1].slot == c->slot) {
        t->postings[t->n - 1].count++;
        return LLMCS_OK;
    }
    const size_t before = t->capacity;
    SHOP_TRY(shop_grow(a, &t->postings, t->n, &t->capacity, t->n + 1, sizeof *t->postings, "index of words"));
    c->index->bytes += (t->capacity - before) * sizeof *t->postings;
    t->postings[t->n++] = (posting){c->slot, 1};
    return LLMCS_OK;
}

static llmcs_status see_words(change *c, const shop_words *words) {
    bool plain = true;
    c->n_tokens = 0;
    for (size_t i = 0; i < words->n; i++) {
        const shop_text_word *w = &words->items[i];
        const char *bytes = words->joined + w->begin;
        plain = plain && shop_fts_is_token(bytes, w->len);
        if (w->repeated) continue;
        term *t;
        if (c->out) {
            t = find_term(c->index, bytes, w->len, shop_xxh64(bytes, w->len));
            if (t) t->n_texts--;
            continue;
        }
        SHOP_TRY(get_term(&c->shop->allocator, c->index, bytes, w->len, shop_xxh64(bytes, w->len), &t));
        t->n_texts++;
    }
    if (!plain) return shop_fts_tokens_of(c->index->tokens, words->joined, words->joined_bytes, see_token, c);
    for (size_t i = 0; i < words->n; i++)
        SHOP_TRY(see_token(c, words->joined + words->items[i].begin, words->items[i].len));
    return LLMCS_OK;
}

static llmcs_status take_slot(const llmcs_allocator *a, shop_word_index *x, uint32_t *s) {
    if (x->first_free) {
        *s = x->first_free - 1;
        x->first_free = x->slots[*s].next_free;
        return LLMCS_OK;
    }
    if (x->n_slots == UINT32_MAX - 1) return shop_fail(LLMCS_LIMIT, "index of words: too many texts");
    SHOP_TRY(
        shop_grow(a, &x->slots, x->n_slots, &x->slots_capacity, x->n_slots + 1, sizeof *x->slots, "index of words"));
    x->slots[x->n_slots] = (slot){0};
    *s = (uint32_t)x->n_slots++;
    x->bytes += sizeof *x->slots + 4 * sizeof(row_slot);
    return LLMCS_OK;
}

/* Called while an entry is read: gives its live texts slots. */
static llmcs_status see_text(void *user, const shop_entry_text *text, const shop_words *words) {
    change *c = user;
    shop_word_index *x = c->index;
    if (!text->live) return LLMCS_OK;
    SHOP_TRY(take_slot(&c->shop->allocator, x, &c->slot));
    x->slots[c->slot] = (slot){.next_free = c->first};
    c->first = c->slot + 1;
    SHOP_TRY(see_words(c, words));
    x->slots[c->slot].n_tokens = c->n_tokens;
    x->n_tokens += c->n_tokens;
    x->n_texts++;
    return LLMCS_OK;
}

/* ---- one entry */

static llmcs_status add_entry(llmcs_shop *shop, shop_word_index *x, shop_connection *c, int64_t entry,
                              int32_t version) {
    change in = {.shop = shop, .index = x};
    shop_entry_texts *e;
    llmcs_status status = LLMCS_OK;
    SHOP_TRY(shop_entry_texts_read(shop, c, entry, version, see_text, &in, &e));
    /* The last text's slot comes first. */
    for (size_t i = e->n; i-- > 0 && !status;) {
        if (!e->items[i].live) continue;
        const uint32_t s = in.first - 1;
        in.first = x->slots[s].next_free;
        x->slots[s].entry = e;
        x->slots[s].item = i;
        status = add_row(&shop->allocator, &x->rows, e->items[i].row, s);
        if (!status) status = add_row(&shop->allocator, &x->entries, entry, s);
    }
    if (find_row(&x->entries, entry) == NO_SLOT)
        shop_entry_texts_release(shop, e); /* none of its texts is live */
    else
        x->bytes += e->bytes;
    return status;
}

static llmcs_status remove_text(llmcs_shop *shop, shop_word_index *x, const shop_entry_texts *e,
                                const shop_entry_text *text) {
    change out = {.shop = shop, .index = x, .out = true, .slot = find_row(&x->rows, text->row)};
    shop_words words;
    SHOP_TRY(shop_words_make(&shop->allocator, e->chars + text->begin, text->n, &words));
    const llmcs_status status = see_words(&out, &words);
    shop_words_free(&words);
    remove_row(&x->rows, text->row);
    x->n_texts--;
    x->n_tokens -= x->slots[out.slot].n_tokens;
    x->slots[out.slot] = (slot){.next_free = x->first_free};
    x->first_free = out.slot + 1;
    return status;
}

/* After a failure the caller must empty the index. */
static llmcs_status remove_entry(llmcs_shop *shop, shop_word_index *x, int64_t entry) {
    const uint32_t first = find_row(&x->entries, entry);
    llmcs_status status = LLMCS_OK;
    if (first == NO_SLOT) return LLMCS_OK;
    shop_entry_texts *e = x->slots[first].entry;
    for (size_t i = 0; i < e->n && !status; i++)
        if (e->items[i].live) status = remove_text(shop, x, e, &e->items[i]);
    remove_row(&x->entries, entry);
    x->bytes -= e->bytes;
    shop_entry_texts_release(shop, e);
    return status;
}

/* ---- following */

static llmcs_status follow_entries(llmcs_shop *shop, shop_word_index *x, shop_connection *c) {
    shop_query q;
    llmcs_status status = LLMCS_OK;
    SHOP_TRY(shop_query_begin(c, &q,
                              "SELECT row, version, retired FROM entries WHERE row IN (SELECT entry FROM texts WHERE"
                              " changed > ?1)",
                              "i", x->seen));
    while (!(status = shop_query_next(&q)) && q.has_row) {
        const int64_t entry = shop_query_int(&q, 0);
        if ((status = remove_entry(shop, x, entry))) break;
        if (!shop_query_int(&q, 2)) status = add_entry(shop, x, c, entry, (int32_t)shop_query_int(&q, 1));
        if (status) break;
        if (x->bytes > x->most_bytes) {
            x->too_large = true;
            break;
        }
    }
    shop_query_end(&q);
    return status;
}

/* Reads nothing of a store whose vectors alone exceed the limit. */
static llmcs_status check_size(const llmcs_shop *shop, shop_word_index *x, shop_connection *c) {
    int64_t n;
    SHOP_TRY(shop_lookup_int(c, 0, &n, "SELECT n FROM word_counts WHERE word = ''", ""));
    x->too_large = n > (int64_t)(x->most_bytes / (sizeof(shop_entry_text) + (size_t)shop->n_embedding * sizeof(float)));
    return LLMCS_OK;
}

llmcs_status shop_word_index_follow(llmcs_shop *shop, shop_word_index *x, shop_connection *c, int64_t changes) {
    if (shop_word_index_is_current(x, changes)) return LLMCS_OK;
    if (!x->tokens) {
        const llmcs_status made = shop_fts_tokens_create(&shop->allocator, c, &x->tokens);
        x->too_large = made == LLMCS_UNSUPPORTED; /* FTS5 searches instead */
        if (x->too_large) atomic_store(&x->followed, INT64_MAX);
        if (made) return x->too_large ? LLMCS_OK : made;
    }
    pthread_rwlock_wrlock(&x->lock);
    if (!x->complete) empty_index(shop, x);
    llmcs_status status = x->complete ? LLMCS_OK : check_size(shop, x, c);
    if (!status && !x->too_large) status = follow_entries(shop, x, c);
    if (status || x->too_large) {
        empty_index(shop, x);
    } else {
        x->complete = true;
        x->seen = changes;
    }
    atomic_store(&x->followed, x->too_large ? INT64_MAX : x->seen);
    pthread_rwlock_unlock(&x->lock);
    return status;
}

bool shop_word_index_is_current(const shop_word_index *x, int64_t changes) {
    return atomic_load(&x->followed) >= changes;
}

bool shop_word_index_begin(shop_word_index *x) {
    pthread_rwlock_rdlock(&x->lock);
    if (x->complete) return true;
    pthread_rwlock_unlock(&x->lock);
    return false;
}

void shop_word_index_end(shop_word_index *x) { pthread_rwlock_unlock(&x->lock); }

/* ---- searching */

int64_t shop_word_index_texts(const shop_word_index *x) { return x->n_texts; }

int64_t shop_word_index_count(const shop_word_index *x, const char *word, size_t len, uint64_t hash) {
    const term *t = find_term(x, word, len, hash);
    return t ? t->n_texts : 0;
}

const shop_entry_texts *shop_word_index_slot(const shop_word_index *x, uint32_t s, const shop_entry_text **text) {
    *text = &x->slots[s].entry->items[x->slots[s].item];
    return x->slots[s].entry;
}

const shop_entry_texts *shop_word_index_row(const shop_word_index *x, int64_t row, const shop_entry_text **text) {
    const uint32_t s = find_row(&x->rows, row);
    return s == NO_SLOT ? NULL : shop_word_index_slot(x, s, text);
}

/* The tokens that FTS5 makes of a quoted word. */
typedef struct phrase {
    const shop_word_index *index;
    size_t n;
    const term *term;
} phrase;

static llmcs_status see_phrase_token(void *user, const char *token, size_t len) {
    phrase *p = user;
    p->n++;
    p->term = find_term(p->index, token, len, shop_xxh64(token, len));
    return LLMCS_OK;
}

static llmcs_status find_phrase(shop_word_index *x, const char *word, size_t len, uint64_t hash, phrase *p) {
    *p = (phrase){.index = x};
    if (!shop_fts_is_token(word, len)) return shop_fts_tokens_of(x->tokens, word, len, see_phrase_token, p);
    p->n = 1;
    p->term = find_term(x, word, len, hash);
    return LLMCS_OK;
}

/* FTS5's bm25(): k1 = 1.2, b = 0.75; even a very frequent word has a small positive weight. */
static void score_term(const shop_word_index *x, const term *t, uint32_t *at, shop_scored_text *found, size_t *n) {
    const double k1 = 1.2, b = 0.75, n_rows = (double)x->n_texts;
    const double average = (double)x->n_tokens / n_rows;
    double idf = log(((double)(x->n_texts - (int64_t)t->n) + 0.5) / ((double)t->n + 0.5));
    if (idf <= 0.0) idf = 1e-6;
    for (size_t i = 0; i < t->n; i++) {
        const uint32_t s = t->postings[i].slot;
        const double count = (double)t->postings[i].count, length = (double)x->slots[s].n_tokens;
        if (!at[s]) {
            const slot *own = &x->slots[s];
            found[*n] = (shop_scored_text){0, own->entry->items[own->item].row, s};
            at[s] = (uint32_t)++ * n;
        }
        found[at[s] - 1].score += idf * ((count * (k1 + 1.0)) / (count + k1 * (1 - b + b * length / average)));
    }
}

llmcs_status shop_word_index_score(llmcs_shop *shop, shop_word_index *x, const shop_words *words,
                                   const uint64_t *hashes, const size_t *order, size_t n_order,
                                   shop_scored_text **found, size_t *n, bool *exact) {
    const llmcs_allocator *a = &shop->allocator;
    const term *terms[SHOP_MAX_WORDS];
    size_t n_terms = 0, most = 0;
    uint32_t *at;
    *n = 0;
    *exact = true;
    *found = NULL;
    for (size_t i = 0; i < n_order; i++) {
        const shop_text_word *w = &words->items[order[i]];
        phrase p;
        SHOP_TRY(find_phrase(x, words->joined + w->begin, w->len, hashes[order[i]], &p));
        *exact = *exact && p.n <= 1;
        if (p.n != 1 || !p.term || !p.term->n) continue;
        terms[n_terms++] = p.term;
        most += p.term->n;
    }
    if (!*exact) return LLMCS_OK;
    SHOP_TRY(shop_alloc(a, shop_min(most, x->n_slots), sizeof **found, "hits", found));
    const llmcs_status status = shop_alloc_zero(a, x->n_slots, sizeof *at, "hits", &at);
    if (status) {
        shop_free(a, *found);
        *found = NULL;
        return status;
    }
    for (size_t i = 0; i < n_terms; i++) score_term(x, terms[i], at, *found, n);
    shop_free(a, at);
    return LLMCS_OK;
}
