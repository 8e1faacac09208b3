/* Normalises a text and splits it into words. */
#include "shop/knowledge/words.h"

#include <libstemmer.h>
#include <string.h>
#include <utf8proc.h>

#include "shop/base/han.h"
#include "shop/base/hash.h"
#include "shop/base/utf8.h"

/* ---- normalisation */

/* Replaces invalid UTF-8 by U+FFFD: at most three bytes per byte. */
static llmcs_status make_valid(const llmcs_allocator *a, const char *text, size_t n, char **out, size_t *out_bytes) {
    size_t bytes;
    if (!shop_mul(n, 3, &bytes)) return shop_fail(LLMCS_NOMEM, "text: too long");
    SHOP_TRY(shop_alloc(a, bytes, 1, "text", out));
    *out_bytes = 0;
    for (size_t i = 0; i < n;) {
        uint32_t c;
        i += shop_utf8_decode((const unsigned char *)text + i, n - i, &c);
        *out_bytes += shop_utf8_encode(c, *out + *out_bytes);
    }
    return LLMCS_OK;
}

static llmcs_status decompose(const llmcs_allocator *a, const char *text, size_t n, utf8proc_option_t how,
                              int32_t **code_points, size_t *n_code_points) {
    const utf8proc_uint8_t *bytes = (const utf8proc_uint8_t *)text;
    const utf8proc_ssize_t need = utf8proc_decompose(bytes, (utf8proc_ssize_t)n, NULL, 0, how);
    *n_code_points = 0;
    if (need < 0) return shop_fail(LLMCS_LIMIT, "text: too long to normalise");
    SHOP_TRY(shop_alloc(a, (size_t)need + 1, sizeof **code_points, "text", code_points));
    utf8proc_ssize_t got = utf8proc_decompose(bytes, (utf8proc_ssize_t)n, *code_points, need, how);
    if (got >= 0) got = utf8proc_normalize_utf32(*code_points, got, how);
    *n_code_points = got > 0 ? (size_t)got : 0;
    return LLMCS_OK;
}

static llmcs_status normalise(const llmcs_allocator *a, const char *text, size_t text_bytes, utf8proc_option_t how,
                              int32_t **code_points, size_t *n) {
    char *valid;
    size_t valid_bytes;
    *code_points = NULL;
    SHOP_TRY(make_valid(a, text, text_bytes, &valid, &valid_bytes));
    const llmcs_status status = decompose(a, valid, valid_bytes, how, code_points, n);
    shop_free(a, valid);
    return status;
}

llmcs_status shop_normalise(const llmcs_allocator *a, const char *text, size_t text_bytes, int32_t **code_points,
                            size_t *n) {
    const utf8proc_option_t how = UTF8PROC_COMPAT | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD | UTF8PROC_STABLE;
    return normalise(a, text, text_bytes, how, code_points, n);
}

llmcs_status shop_normalise_cased(const llmcs_allocator *a, const char *text, size_t text_bytes, int32_t **code_points,
                                  size_t *n) {
    const utf8proc_option_t how = UTF8PROC_COMPAT | UTF8PROC_COMPOSE | UTF8PROC_STABLE | UTF8PROC_IGNORE;
    return normalise(a, text, text_bytes, how, code_points, n);
}

/* ---- classes of characters */

static bool is_han(int32_t c) { return shop_is_east_asian((uint32_t)c); }

static bool is_digit(int32_t c) { return c >= '0' && c <= '9'; }

static bool is_letter(int32_t c) {
    if (c < 0x80) return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const utf8proc_category_t category = utf8proc_category(c);
    return !is_han(c) &&
           ((category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO) ||
            (category >= UTF8PROC_CATEGORY_MN && category <= UTF8PROC_CATEGORY_ME) || category == UTF8PROC_CATEGORY_ND);
}

static bool is_apostrophe(int32_t c) { return c == '\'' || c == 0x2019 || c == 0x2bc; }

/* ---- words */

/* Sorted. */
static const char *const function_words[] = {
    "a",     "about", "all",   "am",    "an",     "and",   "any",    "are",   "as",    "at",    "be",    "been", "but",
    "by",    "can",   "could", "did",   "do",     "does",  "done",   "for",   "from",  "get",   "got",   "had",  "has",
    "have",  "hello", "help",  "hey",   "hi",     "how",   "i",      "if",    "im",    "in",    "into",  "is",   "it",
    "its",   "ive",   "just",  "know",  "let",    "like",  "may",    "me",    "might", "mine",  "my",    "need", "of",
    "on",    "one",   "or",    "our",   "please", "shall", "should", "so",    "some",  "tell",  "thank", "that", "the",
    "their", "them",  "then",  "there", "these",  "they",  "this",   "those", "to",    "us",    "want",  "was",  "we",
    "were",  "what",  "when",  "where", "which",  "who",   "why",    "will",  "with",  "would", "you",   "your",
};

static bool is_function_word(const char *word, size_t len) {
    size_t low = 0, high = sizeof function_words / sizeof *function_words;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        const int order = strncmp(function_words[middle], word, len);
        const int by_length = order ? order : (int)(strlen(function_words[middle]) > len);
        if (!by_length) return true;
        if (by_length < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

/* 的了吗呢吧啊我你您是 请问 怎么 什么 ... as single characters. */
static bool is_function_character(int32_t c) {
    static const int32_t characters[] = {0x7684, 0x4e86, 0x5417, 0x5462, 0x5427, 0x554a, 0x6211, 0x4f60, 0x60a8,
                                         0x662f, 0x8bf7, 0x95ee, 0x600e, 0x4e48, 0x4ec0, 0x6709, 0x4e2a, 0x5728,
                                         0x548c, 0x4e5f, 0x5c31, 0x8fd9, 0x90a3, 0x5440, 0x54e6, 0x4eec, 0x80fd};
    for (size_t i = 0; i < sizeof characters / sizeof *characters; i++)
        if (characters[i] == c) return true;
    return false;
}

static llmcs_status add_word(shop_words *w, const char *bytes, size_t len, shop_word_kind kind, bool function_word) {
    SHOP_TRY(shop_grow(w->allocator, &w->items, w->n, &w->capacity, w->n + 1, sizeof *w->items, "words"));
    SHOP_TRY(shop_grow(w->allocator, &w->joined, w->joined_bytes, &w->joined_capacity, w->joined_bytes + len + 2, 1,
                       "words"));
    w->items[w->n++] = (shop_text_word){w->joined_bytes, len, kind, false, function_word};
    memcpy(w->joined + w->joined_bytes, bytes, len);
    w->joined[w->joined_bytes + len] = ' ';
    w->joined_bytes += len + 1;
    w->joined[w->joined_bytes] = 0;
    return LLMCS_OK;
}

static size_t encode(int32_t c, char *out) { return (size_t)utf8proc_encode_char(c, (utf8proc_uint8_t *)out); }

static llmcs_status add_han(shop_words *w, const int32_t *c, size_t n) {
    char bytes[8];
    w->n_han += n;
    for (size_t i = 0; i < n; i++) {
        size_t len = encode(c[i], bytes);
        const bool function_character = is_function_character(c[i]);
        SHOP_TRY(add_word(w, bytes, len, SHOP_WORD_HAN, function_character));
        if (i + 1 == n) break;
        len += encode(c[i + 1], bytes + len);
        SHOP_TRY(add_word(w, bytes, len, SHOP_WORD_HAN_PAIR, function_character && is_function_character(c[i + 1])));
    }
    return LLMCS_OK;
}

/* Adds a word of letters without apostrophes and "'s". Longer words are cut; that does not affect search. */
static llmcs_status add_letters(shop_words *w, struct sb_stemmer *stemmer, const int32_t *c, size_t n) {
    enum { MAX_WORD_BYTES = 120 };
    char bytes[MAX_WORD_BYTES + 8];
    size_t len = 0;
    bool ascii = true, function_word;
    w->n_letters += n;
    if (n > 2 && is_apostrophe(c[n - 2]) && c[n - 1] == 's') n -= 2;
    for (size_t i = 0; i < n && len < MAX_WORD_BYTES; i++) {
        if (is_apostrophe(c[i])) continue;
        ascii = ascii && c[i] < 0x80;
        len += encode(c[i], bytes + len);
    }
    if (!len) return LLMCS_OK;
    function_word = is_function_word(bytes, len);
    if (!ascii) return add_word(w, bytes, len, SHOP_WORD_LETTERS, false);
    const sb_symbol *stem = sb_stemmer_stem(stemmer, (const sb_symbol *)bytes, (int)len);
    if (!stem) return shop_fail(LLMCS_NOMEM, "words: no memory to stem");
    return add_word(w, (const char *)stem, (size_t)sb_stemmer_length(stemmer), SHOP_WORD_LETTERS, function_word);
}

/* Adds a number: "12.50" and "1,299" are one each, without the comma. FTS5 splits at a point, so the point becomes
 * "p". */
static llmcs_status add_number(shop_words *w, const int32_t *c, size_t n) {
    char bytes[64];
    size_t len = 0;
    for (size_t i = 0; i < n && len < sizeof bytes - 1; i++)
        if (c[i] != ',') bytes[len++] = c[i] == '.' ? 'p' : (char)c[i];
    return add_word(w, bytes, len, SHOP_WORD_NUMBER, false);
}

static size_t run_of(bool (*is)(int32_t), const int32_t *c, size_t n) {
    size_t i = 0;
    while (i < n && is(c[i])) i++;
    return i;
}

static size_t number_length(const int32_t *c, size_t n) {
    size_t i = run_of(is_digit, c, n);
    while (i + 1 < n && (c[i] == '.' || c[i] == ',') && is_digit(c[i + 1]))
        i += 1 + run_of(is_digit, c + i + 1, n - i - 1);
    return i;
}

static size_t letters_length(const int32_t *c, size_t n) {
    size_t i = run_of(is_letter, c, n);
    while (i + 1 < n && is_apostrophe(c[i]) && is_letter(c[i + 1])) i += 1 + run_of(is_letter, c + i + 1, n - i - 1);
    return i;
}

static llmcs_status cut(shop_words *w, struct sb_stemmer *stemmer, const int32_t *c, size_t n) {
    for (size_t i = 0, len; i < n; i += len) {
        if (is_han(c[i])) {
            len = run_of(is_han, c + i, n - i);
            SHOP_TRY(add_han(w, c + i, len));
        } else if (is_digit(c[i])) {
            len = number_length(c + i, n - i);
            SHOP_TRY(add_number(w, c + i, len));
        } else if (is_letter(c[i])) {
            len = letters_length(c + i, n - i);
            SHOP_TRY(add_letters(w, stemmer, c + i, len));
        } else {
            len = 1;
        }
    }
    return LLMCS_OK;
}

/* Builds the hash table of words, open addressing. Crafted words can collide, so each is compared with at most 64
 * others and then counts as new. */
static llmcs_status mark_repeated(shop_words *w) {
    enum { MOST_COMPARED = 64 };
    size_t capacity = 64;
    uint32_t *table;
    while (capacity < 2 * w->n) capacity *= 2;
    SHOP_TRY(shop_alloc_zero(w->allocator, capacity, sizeof *table, "words", &table));
    for (size_t i = 0; i < w->n; i++) {
        shop_text_word *word = &w->items[i];
        size_t at = shop_xxh64(w->joined + word->begin, word->len) & (capacity - 1);
        for (int compared = 0; table[at] && compared < MOST_COMPARED && !word->repeated; compared++) {
            const shop_text_word *other = &w->items[table[at] - 1];
            word->repeated =
                other->len == word->len && !memcmp(w->joined + other->begin, w->joined + word->begin, word->len);
            at = (at + 1) & (capacity - 1);
        }
        while (!word->repeated && table[at]) at = (at + 1) & (capacity - 1);
        if (!word->repeated) table[at] = (uint32_t)i + 1;
    }
    shop_free(w->allocator, table);
    return LLMCS_OK;
}

llmcs_status shop_words_make(const llmcs_allocator *a, const char *text, size_t text_bytes, shop_words *words) {
    int32_t *code_points;
    size_t n;
    *words = (shop_words){.allocator = a};
    SHOP_TRY(shop_normalise(a, text, text_bytes, &code_points, &n));
    for (size_t i = 0; i < n; i++) code_points[i] = (int32_t)shop_simplified((uint32_t)code_points[i]);
    struct sb_stemmer *stemmer = sb_stemmer_new("english", "UTF_8");
    llmcs_status status = stemmer ? LLMCS_OK : shop_fail(LLMCS_NOMEM, "words: no memory for a stemmer");
    if (!status) status = shop_grow(a, &words->joined, 0, &words->joined_capacity, 1, 1, "words");
    if (!status) words->joined[0] = 0;
    if (!status) status = cut(words, stemmer, code_points, n);
    if (!status) status = mark_repeated(words);
    sb_stemmer_delete(stemmer);
    shop_free(a, code_points);
    if (status) shop_words_free(words);
    return status;
}

void shop_words_free(shop_words *words) {
    if (!words->allocator) return;
    shop_free(words->allocator, words->joined);
    shop_free(words->allocator, words->items);
    *words = (shop_words){0};
}
