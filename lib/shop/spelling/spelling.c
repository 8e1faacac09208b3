/* Keeps a list of the store's words and corrects texts with it. */
#include "shop/spelling/spelling.h"

#include <string.h>
#include <unistd.h>

#include "shop/base/text.h"
#include "shop/spelling/chinese.h"
#include "shop/spelling/correct.h"
#include "shop/spelling/emoji.h"
#include "shop/spelling/foreign.h"

/* Frequency, per million, added for a word in an entry or product. */
static const double entry_frequency = 20, product_frequency = 4;
enum { MAX_TEXT = 4096, MAX_CORRECTED = 24, MAX_STRANGE = 48 };

struct shop_spelling {
    pthread_rwlock_t lock;          /* write-locked to update the words, read-locked to correct a text */
    spell_words words;              /* created on first use */
    int64_t entry_row, product_row; /* last rows of texts and product_texts whose words were added */
};

llmcs_status shop_spelling_create(llmcs_shop *shop) {
    struct shop_spelling *s;
    SHOP_TRY(shop_alloc_zero(&shop->allocator, 1, sizeof *s, "spelling", &s));
    if (pthread_rwlock_init(&s->lock, NULL)) {
        shop_free(&shop->allocator, s);
        return shop_fail(LLMCS_THREAD, "a lock could not be created");
    }
    shop->spelling = s;
    return LLMCS_OK;
}

void shop_spelling_free(llmcs_shop *shop) {
    struct shop_spelling *s = shop->spelling;
    if (!s) return;
    spell_words_free(&s->words);
    if (shop->owner == getpid()) pthread_rwlock_destroy(&s->lock);
    shop_free(&shop->allocator, s);
    shop->spelling = NULL;
}

/* ---- the store's words */

/* Adds the words of rows after *row. A text that changes gets a new row, so no row is read twice. sql: selects row and
 * text, ordered by row. */
static llmcs_status add_rows(spell_words *w, shop_connection *c, const char *sql, int64_t *row, double frequency,
                             spell_trust trust) {
    shop_query q;
    llmcs_status status;
    SHOP_TRY(shop_query_begin(c, &q, sql, "i", *row));
    while (!(status = shop_query_next(&q)) && q.has_row) {
        size_t n;
        const char *text = shop_query_text(&q, 1, &n);
        if ((status = spell_words_add_text(w, text, n, frequency, trust))) break;
        *row = shop_query_int(&q, 0);
    }
    shop_query_end(&q);
    return status;
}

/* Adds the words of new rows. *news: there were any. */
static llmcs_status follow(llmcs_shop *shop, shop_connection *c, bool *news) {
    struct shop_spelling *s = shop->spelling;
    const int64_t before = s->entry_row + s->product_row;
    *news = !s->words.n;
    if (!s->words.n) SHOP_TRY(spell_words_init(&shop->allocator, &s->words));
    SHOP_TRY(add_rows(&s->words, c, "SELECT row, text FROM texts WHERE row > ?1 AND live ORDER BY row", &s->entry_row,
                      entry_frequency, SPELL_DOUBTED));
    SHOP_TRY(add_rows(&s->words, c,
                      "SELECT row, title || ' ' || coalesce(attributes, '') FROM product_texts WHERE row > ?1"
                      " ORDER BY row",
                      &s->product_row, product_frequency, SPELL_TRUSTED));
    *news = *news || s->entry_row + s->product_row > before;
    return LLMCS_OK;
}

static llmcs_status follow_store(llmcs_shop *shop, bool *news) {
    struct shop_spelling *s = shop->spelling;
    shop_connection *c;
    SHOP_TRY(shop_read_begin(shop, &c));
    pthread_rwlock_wrlock(&s->lock);
    const llmcs_status status = follow(shop, c, news);
    pthread_rwlock_unlock(&s->lock);
    shop_read_end(shop, c);
    return status;
}

/* ---- texts */

static bool is_small(char c) { return c >= 'a' && c <= 'z'; }
static bool is_capital(char c) { return c >= 'A' && c <= 'Z'; }

/* True for characters inside words, numbers, codes, addresses and links. */
static bool joins(unsigned char c) {
    return is_small((char)c) || is_capital((char)c) || (c >= '0' && c <= '9') || c == '_' || c == '@' || c == '/' ||
           c == '\'' || c == '<' || c == '>' || c >= 0x80;
}

/* Length of a Han character or emoji at text[0], which separates words; 0 for other characters. */
static size_t wide_length(const unsigned char *text, size_t n) {
    if (text[0] < 0xe0) return 0; /* accents and other alphabets are parts of words */
    size_t len = 1;
    while (len < n && (text[len] & 0xc0) == 0x80) len++;
    return len;
}

static bool is_shouted(const char *text, size_t n) {
    size_t capitals = 0, small = 0;
    for (size_t i = 0; i < n; i++) capitals += is_capital(text[i]), small += is_small(text[i]);
    return capitals > 3 * small;
}

/* A token of the text. */
typedef struct token {
    size_t begin, end;
    bool starts; /* starts a sentence */
} token;

/* Finds the next token; false at the end. */
static bool next_token(const char *text, size_t n, size_t at, token *t) {
    bool starts = at == 0;
    while (at < n) {
        const size_t wide = wide_length((const unsigned char *)text + at, n - at);
        if (!wide && joins((unsigned char)text[at])) break;
        starts = starts || wide || strchr(".!?;:\n,", text[at]);
        at += wide ? wide : 1;
    }
    *t = (token){at, at, starts};
    while (t->end < n && !wide_length((const unsigned char *)text + t->end, n - t->end) &&
           joins((unsigned char)text[t->end]))
        t->end++;
    /* "a@b.c" and "shop.example" are one token. */
    while (t->end + 1 < n && text[t->end] == '.' && joins((unsigned char)text[t->end + 1]) && t->end > at) {
        t->end++;
        while (t->end < n && joins((unsigned char)text[t->end])) t->end++;
    }
    return at < n;
}

/* Writes the token in lower case without apostrophes and returns its length; 0 if it is not a plain word. */
static size_t word_of(const char *text, const token *t, bool shouted, char word[SPELL_MAX_LETTERS]) {
    size_t n = 0;
    for (size_t i = t->begin; i < t->end; i++) {
        const char c = text[i];
        if (c == '\'' && n) continue;
        if (!is_small(c) && !(is_capital(c) && (shouted || (i == t->begin && t->starts)))) return 0;
        if (n == SPELL_MAX_LETTERS) return 0;
        word[n++] = (char)(c | 0x20);
    }
    return n;
}

/* Counts of a text's plain words. */
typedef struct tally {
    size_t plain, changed, strange; /* all; corrected; unknown */
} tally;

/* True for "don't", "shop's": the part before the apostrophe is known, or the whole without it is a known short form.
 */
static bool is_contracted(const spell_words *w, const char *text, const token *t) {
    char word[SPELL_MAX_LETTERS];
    const char *mark = memchr(text + t->begin, '\'', t->end - t->begin);
    if (!mark) return false;
    const token before = {t->begin, (size_t)(mark - text), t->starts};
    const size_t len = word_of(text, &before, true, word), all = word_of(text, t, true, word);
    const spell_word *form = spell_words_find(w, word, all);
    if (form && form->meaning) return true;
    return spell_words_find(w, word, len) != NULL;
}

static llmcs_status read_words(const spell_words *w, const char *text, size_t n, shop_text *out, tally *words) {
    const bool shouted = is_shouted(text, n);
    size_t copied = 0;
    token t;
    out->n = 0;
    *words = (tally){0};
    for (size_t at = 0; next_token(text, n, at, &t); at = t.end) {
        char word[SPELL_MAX_LETTERS];
        spell_correction c;
        const size_t len = word_of(text, &t, shouted, word);
        if (!len) continue;
        words->plain++;
        if (is_contracted(w, text, &t)) continue;
        if (!spell_correct_word(w, word, len, &c)) {
            words->strange += !c.known;
            if (words->strange > MAX_STRANGE) break; /* each of them costs a search over all words */
            continue;
        }
        if (++words->changed > MAX_CORRECTED) break;
        SHOP_TRY(shop_text_add(out, text + copied, t.begin - copied));
        SHOP_TRY(shop_text_add(out, c.text, c.n));
        copied = t.end;
    }
    return shop_text_add(out, text + copied, n - copied);
}

static llmcs_status read_locked(struct shop_spelling *s, const char *text, size_t n, shop_text *out, tally *words) {
    llmcs_status status = LLMCS_OK;
    pthread_rwlock_rdlock(&s->lock);
    *words = (tally){.strange = 1};
    if (s->words.n) status = read_words(&s->words, text, n, out, words);
    pthread_rwlock_unlock(&s->lock);
    return status;
}

/* Corrects with the words in memory; reads new rows of the store only if there are unknown words. */
static llmcs_status read_text(llmcs_shop *shop, const char *text, size_t n, shop_text *out, tally *words) {
    bool news;
    SHOP_TRY(read_locked(shop->spelling, text, n, out, words));
    if (!words->changed && !words->strange) return LLMCS_OK;
    SHOP_TRY(follow_store(shop, &news));
    return news ? read_locked(shop->spelling, text, n, out, words) : LLMCS_OK;
}

static bool has_letters(const char *text, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (is_small(text[i]) || is_capital(text[i])) return true;
    return false;
}

/* *out: NULL if no word is misspelt. */
static llmcs_status correct_words(llmcs_shop *shop, const char *text, size_t n, char **out, size_t *out_bytes) {
    shop_text c = {.allocator = &shop->allocator};
    tally words;
    *out = NULL;
    *out_bytes = 0;
    if (!has_letters(text, n) || shop_is_foreign(text, n)) return LLMCS_OK;
    const llmcs_status status = read_text(shop, text, n, &c, &words);
    /* A text of mostly unknown words is in another language, or not a language at all. */
    if (status || !words.changed || 2 * words.strange > words.plain) {
        shop_free(&shop->allocator, c.bytes);
        return status;
    }
    *out = c.bytes;
    *out_bytes = c.n;
    return LLMCS_OK;
}

/* Replaces *made by the result of the next step, unless that is NULL. */
static void replace(const llmcs_allocator *a, char **made, size_t *n_made, char *next, size_t n_next) {
    if (!next) return;
    shop_free(a, *made);
    *made = next;
    *n_made = n_next;
}

llmcs_status shop_spelling_correct(llmcs_shop *shop, const char *text, size_t n, char **out, size_t *out_bytes) {
    const llmcs_allocator *a = &shop->allocator;
    char *next = NULL;
    size_t n_next = 0;
    *out = NULL;
    *out_bytes = 0;
    if (n > MAX_TEXT) return LLMCS_OK;
    SHOP_TRY(shop_emoji_to_words(a, text, n, out, out_bytes));
    llmcs_status status = shop_chinese_correct(a, *out ? *out : text, *out ? *out_bytes : n, &next, &n_next);
    if (!status) {
        replace(a, out, out_bytes, next, n_next);
        status = correct_words(shop, *out ? *out : text, *out ? *out_bytes : n, &next, &n_next);
    }
    if (!status) {
        replace(a, out, out_bytes, next, n_next);
        return LLMCS_OK;
    }
    shop_free(a, *out);
    *out = NULL;
    *out_bytes = 0;
    return status;
}
