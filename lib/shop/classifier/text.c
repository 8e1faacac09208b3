/*
 * Turns a text into hashed n-grams.
 *
 * Each character is decoded, normalised (NFKC, case folding, marks removed, traditional Han simplified) and classified
 * as letter or digit, Han, space, or punctuation. Every digit becomes 0, so that all order numbers share features. Runs
 * of letters and digits are words. Features are words, pairs of adjacent words, 3 to 5 characters of a word including
 * marks at its ends, and 1 to 3 adjacent Han characters. Hashes have 32 bits: among some 100,000 n-grams of a shop,
 * collisions are too rare to matter.
 */
#include "shop/classifier/text.h"

#include <string.h>
#include <utf8proc.h>

#include "shop/base/han.h"
#include "shop/base/utf8.h"

enum { KIND_SPACE = 0, KIND_WORD = 1, KIND_HAN = 2, KIND_MARK = 3 };
enum { MAX_DECOMPOSED = 32, MIN_CHARS = 3, MAX_CHARS = 5, MAX_HAN = 3, MAX_DIGITS = 3 };
enum { WORD_END = 0x110000 }; /* not a code point: marks the start and end of a word */

size_t shop_text_bytes(const char *text, size_t text_bytes) {
    if (text_bytes != LLMCS_NUL) return shop_min(text_bytes, SHOP_TEXT_MAX_BYTES);
    return strnlen(text, SHOP_TEXT_MAX_BYTES);
}

/* ---------------------------------------------------------------------------------------------- characters */

static uint32_t is_han(uint32_t c) {
    return (c >= 0x4e00 && c <= 0x9fff) || (c >= 0x3400 && c <= 0x4dbf) || (c >= 0x20000 && c <= 0x3ffff) ||
           (c >= 0x3040 && c <= 0x30ff) || (c >= 0xf900 && c <= 0xfaff);
}

static uint32_t kind_of(uint32_t c) {
    if (c < 0x80) {
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '\'') return KIND_WORD;
        return c <= ' ' || c == 0x7f ? KIND_SPACE : KIND_MARK;
    }
    if (is_han(c)) return KIND_HAN;
    switch (utf8proc_category((utf8proc_int32_t)c)) {
        case UTF8PROC_CATEGORY_LU:
        case UTF8PROC_CATEGORY_LL:
        case UTF8PROC_CATEGORY_LT:
        case UTF8PROC_CATEGORY_LM:
        case UTF8PROC_CATEGORY_LO:
        case UTF8PROC_CATEGORY_ND:
        case UTF8PROC_CATEGORY_NL:
        case UTF8PROC_CATEGORY_NO:
        case UTF8PROC_CATEGORY_MN:
        case UTF8PROC_CATEGORY_MC:
        case UTF8PROC_CATEGORY_ME:
            return KIND_WORD;
        case UTF8PROC_CATEGORY_ZS:
        case UTF8PROC_CATEGORY_ZL:
        case UTF8PROC_CATEGORY_ZP:
        case UTF8PROC_CATEGORY_CC:
        case UTF8PROC_CATEGORY_CF:
            return KIND_SPACE;
        default:
            return KIND_MARK;
    }
}

/* True if the last MAX_DIGITS symbols are digits. */
static bool after_digits(const shop_text_grams *g) {
    size_t n = 0;
    while (n < MAX_DIGITS && n < g->n_symbols && g->symbols[g->n_symbols - 1 - n].code == '0') n++;
    return n == MAX_DIGITS;
}

/* Digits after the MAX_DIGITS-th only extend the last symbol, so all long numbers are equal. */
static void add_symbol(shop_text_grams *g, uint32_t code, size_t begin, size_t end) {
    if (code >= '0' && code <= '9') code = '0';
    if (code == 0x2019) code = '\''; /* typographic apostrophe */
    if (code == '0' && after_digits(g))
        g->symbols[g->n_symbols - 1].end = (uint32_t)end;
    else
        g->symbols[g->n_symbols++] = (shop_symbol){code, (uint32_t)begin, (uint32_t)end, kind_of(code)};
}

/* Fills g->symbols. A character gives at most one symbol, a compatibility character up to MAX_DECOMPOSED. */
static llmcs_status normalise(const llmcs_allocator *a, const unsigned char *text, size_t n, shop_text_grams *g) {
    utf8proc_int32_t parts[MAX_DECOMPOSED];
    g->n_symbols = 0;
    for (size_t i = 0; i < n;) {
        uint32_t code;
        const size_t begin = i;
        SHOP_TRY(shop_grow(a, &g->symbols, g->n_symbols, &g->symbol_capacity, g->n_symbols + MAX_DECOMPOSED,
                           sizeof *g->symbols, "symbols of a text"));
        i += shop_utf8_decode(text + i, n - i, &code);
        if (code < 0x80) {
            add_symbol(g, code >= 'A' && code <= 'Z' ? code + ('a' - 'A') : code, begin, i);
            continue;
        }
        if (code >= 0x4e00 && code <= 0x9fff) {
            add_symbol(g, shop_simplified(code), begin, i);
            continue;
        }
        int last_class = 0;
        const utf8proc_ssize_t n_parts = utf8proc_decompose_char(
            (utf8proc_int32_t)code, parts, MAX_DECOMPOSED,
            UTF8PROC_COMPAT | UTF8PROC_DECOMPOSE | UTF8PROC_CASEFOLD | UTF8PROC_STRIPMARK | UTF8PROC_IGNORE,
            &last_class);
        if (n_parts < 0 || n_parts > MAX_DECOMPOSED) {
            add_symbol(g, code, begin, i);
            continue;
        }
        for (utf8proc_ssize_t k = 0; k < n_parts; k++) add_symbol(g, (uint32_t)parts[k], begin, i);
    }
    return LLMCS_OK;
}

/* ------------------------------------------------------------------------------------------------- n-grams */

/* One step of a multiplicative hash over code points (the constant is 2^64 divided by the golden ratio). */
static uint64_t hash_step(uint64_t h, uint64_t value) {
    h = (h ^ value) * 0x9e3779b97f4a7c15u;
    return h ^ h >> 29;
}

static uint32_t hash_end(uint64_t h) {
    h *= 0xbf58476d1ce4e5b9u;
    return (uint32_t)(h >> 32);
}

typedef struct gram_writer {
    shop_gram *items; /* the capacity was reserved by shop_text_extract */
    size_t n;
} gram_writer;

static void add_gram(gram_writer *out, uint64_t hash, uint32_t begin, uint32_t end) {
    out->items[out->n++] = (shop_gram){hash_end(hash), begin, end};
}

static uint64_t seed_of(shop_block block) { return hash_step(0x6c6c6d6373u, (uint64_t)block + 1); }

/* One past the last symbol of the word that starts at i. */
static size_t word_end(const shop_text_grams *g, size_t i) {
    size_t end = i + 1;
    if (g->symbols[i].kind == KIND_WORD)
        while (end < g->n_symbols && g->symbols[end].kind == KIND_WORD) end++;
    return end;
}

static uint64_t hash_word(const shop_text_grams *g, size_t begin, size_t end) {
    uint64_t h = seed_of(SHOP_WORDS);
    for (size_t i = begin; i < end; i++) h = hash_step(h, g->symbols[i].code);
    return h;
}

static void add_words(const shop_text_grams *g, gram_writer *out) {
    for (size_t i = 0, end; i < g->n_symbols; i = end) {
        end = word_end(g, i);
        if (g->symbols[i].kind != KIND_SPACE)
            add_gram(out, hash_word(g, i, end), g->symbols[i].begin, g->symbols[end - 1].end);
    }
}

/* Pairs of adjacent words. Han characters form no pairs; add_han groups them. */
static void add_pairs(const shop_text_grams *g, gram_writer *out) {
    const shop_symbol *previous = NULL;
    uint64_t previous_hash = 0;
    for (size_t i = 0, end; i < g->n_symbols; i = end) {
        const shop_symbol *s = &g->symbols[i];
        end = word_end(g, i);
        if (s->kind == KIND_SPACE) continue;
        const uint64_t h = hash_word(g, i, end);
        if (previous && s->kind != KIND_HAN)
            add_gram(out, hash_step(previous_hash, h), previous->begin, g->symbols[end - 1].end);
        previous = s->kind == KIND_HAN ? NULL : s;
        previous_hash = h;
    }
}

static void add_han(const shop_text_grams *g, gram_writer *out) {
    for (size_t i = 0; i < g->n_symbols; i++) {
        uint64_t h = seed_of(SHOP_GROUPS);
        for (size_t n = 0; n < MAX_HAN && i + n < g->n_symbols && g->symbols[i + n].kind == KIND_HAN; n++) {
            h = hash_step(h, g->symbols[i + n].code);
            if (n) add_gram(out, h, g->symbols[i].begin, g->symbols[i + n].end);
        }
    }
}

/* Character n-grams of one word, symbols [begin, end), with WORD_END before and after. */
static void add_chars(const shop_text_grams *g, size_t begin, size_t end, gram_writer *out) {
    const size_t n = end - begin + 2;
    for (size_t i = 0; i + MIN_CHARS <= n; i++) {
        uint64_t h = seed_of(SHOP_CHARS);
        const size_t last = shop_min(n, i + MAX_CHARS);
        const uint32_t from = g->symbols[begin + (i ? i - 1 : 0)].begin;
        for (size_t k = i; k < last; k++) {
            const bool outside = k == 0 || k == n - 1;
            h = hash_step(h, outside ? (uint64_t)WORD_END : g->symbols[begin + k - 1].code);
            if (k + 1 >= i + MIN_CHARS) add_gram(out, h, from, g->symbols[begin + (outside ? n - 3 : k - 1)].end);
        }
    }
}

llmcs_status shop_text_extract(const llmcs_allocator *a, const char *text, size_t text_bytes, shop_text_grams *g) {
    /* For each symbol at most a word, a pair and MAX_HAN - 1 Han groups, or the characters that start at it and, in a
     * word of one symbol, at the mark before it. */
    enum { MOST_PER_SYMBOL = 2 + (MAX_HAN - 1) + 2 * (MAX_CHARS - MIN_CHARS + 1) };
    SHOP_TRY(normalise(a, (const unsigned char *)text, shop_text_bytes(text, text_bytes), g));
    SHOP_TRY(shop_grow(a, &g->items, 0, &g->capacity, g->n_symbols * MOST_PER_SYMBOL, sizeof *g->items,
                       "n-grams of a text"));
    gram_writer out = {g->items, 0};
    add_words(g, &out);
    g->block_end[SHOP_WORDS] = out.n;
    add_pairs(g, &out);
    add_han(g, &out);
    g->block_end[SHOP_GROUPS] = out.n;
    for (size_t i = 0, end; i < g->n_symbols; i = end) {
        end = word_end(g, i);
        if (g->symbols[i].kind == KIND_WORD) add_chars(g, i, end, &out);
    }
    g->block_end[SHOP_CHARS] = out.n;
    return LLMCS_OK;
}

void shop_text_grams_free(const llmcs_allocator *a, shop_text_grams *g) {
    shop_free(a, g->symbols);
    shop_free(a, g->items);
    *g = (shop_text_grams){0};
}
