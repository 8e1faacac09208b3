/* Splits texts into words: sacreBLEU's 13a, zh and char, rouge-score's, chrF++'s.
 *
 * The rules of 13a are regular expressions, each applied to the result of the previous one. Each function here
 * implements one of them, to keep their order of matching. */
#include "shop/metrics/words.h"

#include <string.h>

void shop_metric_words_init(shop_metric_words *words, const llmcs_allocator *a) {
    *words = (shop_metric_words){.text = {.allocator = a}, .spare = {.allocator = a}};
}

void shop_metric_words_free(shop_metric_words *words) {
    shop_free(words->text.allocator, words->at);
    words->at = NULL;
    words->n = words->capacity = 0;
    shop_chars_free(&words->text);
    shop_chars_free(&words->spare);
}

static llmcs_status add_word(shop_metric_words *words, size_t begin, size_t n) {
    SHOP_TRY(shop_grow(words->text.allocator, &words->at, words->n, &words->capacity, words->n + 1, sizeof *words->at,
                       "words"));
    words->at[words->n++] = (shop_metric_word){begin, n};
    return LLMCS_OK;
}

static llmcs_status split_at_spaces(shop_metric_words *words) {
    const shop_chars *t = &words->text;
    words->n = 0;
    for (size_t i = 0; i < t->n;) {
        const size_t begin = i;
        while (i < t->n && !shop_is_space(t->at[i])) i++;
        if (i > begin) SHOP_TRY(add_word(words, begin, i - begin));
        while (i < t->n && shop_is_space(t->at[i])) i++;
    }
    return LLMCS_OK;
}

/* ---- sacreBLEU */

static bool is_digit(uint32_t c) { return c >= '0' && c <= '9'; }
static bool is_stop(uint32_t c) { return c == '.' || c == ','; }

/* [{-~[-` -&(-+:-@/] */
static bool is_mark(uint32_t c) {
    return (c >= '{' && c <= '~') || (c >= '[' && c <= '`') || (c >= ' ' && c <= '&') || (c >= '(' && c <= '+') ||
           (c >= ':' && c <= '@') || c == '/';
}

/* Replaces every occurrence of `from` by `to`, which is not longer. */
static void replace_all(shop_chars *t, const char *from, const char *to) {
    const size_t n = strlen(from), m = strlen(to);
    size_t kept = 0;
    for (size_t i = 0; i < t->n;) {
        size_t j = 0;
        while (j < n && i + j < t->n && t->at[i + j] == (uint32_t)(unsigned char)from[j]) j++;
        if (j < n) {
            t->at[kept++] = t->at[i++];
            continue;
        }
        for (j = 0; j < m; j++) t->at[kept++] = (uint32_t)(unsigned char)to[j];
        i += n;
    }
    t->n = kept;
}

/* A rewriting step: reads `in` at *i, writes at most 3 characters for each character read, and advances *i. */
typedef void (*rewrite)(const shop_chars *in, size_t *i, shop_chars *out);

static llmcs_status rewrite_text(shop_metric_words *words, rewrite step) {
    shop_chars *in = &words->text, *out = &words->spare;
    size_t most;
    out->n = 0;
    if (!shop_mul(in->n, 3, &most)) return shop_fail(LLMCS_NOMEM, "text: too long");
    SHOP_TRY(shop_chars_reserve(out, most));
    for (size_t i = 0; i < in->n;) step(in, &i, out);
    const shop_chars swapped = *in;
    *in = *out;
    *out = swapped;
    return LLMCS_OK;
}

static void put(shop_chars *out, uint32_t c) { out->at[out->n++] = c; }

static void put_apart(shop_chars *out, uint32_t c) {
    put(out, ' ');
    put(out, c);
    put(out, ' ');
}

static void set_marks_apart(const shop_chars *in, size_t *i, shop_chars *out) {
    const uint32_t c = in->at[(*i)++];
    is_mark(c) ? put_apart(out, c) : put(out, c);
}

/* ([^0-9])([.,]) */
static void set_stops_apart_unless_behind_digits(const shop_chars *in, size_t *i, shop_chars *out) {
    const uint32_t c = in->at[(*i)++];
    put(out, c);
    if (!is_digit(c) && *i < in->n && is_stop(in->at[*i])) put_apart(out, in->at[(*i)++]);
}

/* ([.,])([^0-9]) */
static void set_stops_apart_unless_before_digits(const shop_chars *in, size_t *i, shop_chars *out) {
    const uint32_t c = in->at[(*i)++];
    if (is_stop(c) && *i < in->n && !is_digit(in->at[*i])) {
        put_apart(out, c);
        put(out, in->at[(*i)++]);
    } else {
        put(out, c);
    }
}

/* ([0-9])(-) */
static void set_dashes_behind_digits_apart(const shop_chars *in, size_t *i, shop_chars *out) {
    const uint32_t c = in->at[(*i)++];
    put(out, c);
    if (is_digit(c) && *i < in->n && in->at[*i] == '-') put_apart(out, in->at[(*i)++]);
}

static llmcs_status split_western(shop_metric_words *words) {
    SHOP_TRY(rewrite_text(words, set_marks_apart));
    SHOP_TRY(rewrite_text(words, set_stops_apart_unless_behind_digits));
    SHOP_TRY(rewrite_text(words, set_stops_apart_unless_before_digits));
    SHOP_TRY(rewrite_text(words, set_dashes_behind_digits_apart));
    return split_at_spaces(words);
}

static bool has_char(const shop_chars *t, uint32_t c) {
    for (size_t i = 0; i < t->n; i++)
        if (t->at[i] == c) return true;
    return false;
}

/* Decodes entities and adds a space at each end of the text. */
static llmcs_status load_13a(shop_metric_words *words, const uint32_t *text, size_t n) {
    shop_chars *t = &words->text;
    SHOP_TRY(shop_chars_reserve(t, n + 2));
    SHOP_TRY(shop_chars_copy(t, text, n));
    if (has_char(t, '<')) replace_all(t, "<skipped>", "");
    replace_all(t, "-\n", "");
    replace_all(t, "\n", " ");
    if (has_char(t, '&')) {
        replace_all(t, "&quot;", "\"");
        replace_all(t, "&amp;", "&");
        replace_all(t, "&lt;", "<");
        replace_all(t, "&gt;", ">");
    }
    SHOP_TRY(shop_chars_reserve(t, t->n + 2));
    memmove(t->at + 1, t->at, t->n * sizeof *t->at);
    t->at[0] = t->at[t->n + 1] = ' ';
    t->n += 2;
    return LLMCS_OK;
}

llmcs_status shop_metric_words_13a(shop_metric_words *words, const uint32_t *text, size_t n) {
    SHOP_TRY(load_13a(words, text, n));
    return split_western(words);
}

static void set_zh_apart(const shop_chars *in, size_t *i, shop_chars *out) {
    const uint32_t c = in->at[(*i)++];
    shop_is_sacrebleu_zh(c) ? put_apart(out, c) : put(out, c);
}

llmcs_status shop_metric_words_zh(shop_metric_words *words, const uint32_t *text, size_t n) {
    while (n && shop_is_space(text[0])) text++, n--;
    while (n && shop_is_space(text[n - 1])) n--;
    SHOP_TRY(shop_chars_copy(&words->text, text, n));
    SHOP_TRY(rewrite_text(words, set_zh_apart));
    return split_western(words);
}

llmcs_status shop_metric_words_13a_cjk(shop_metric_words *words, const uint32_t *text, size_t n) {
    SHOP_TRY(load_13a(words, text, n));
    SHOP_TRY(rewrite_text(words, set_zh_apart));
    return split_western(words);
}

llmcs_status shop_metric_words_char(shop_metric_words *words, const uint32_t *text, size_t n) {
    SHOP_TRY(shop_chars_copy(&words->text, text, n));
    words->n = 0;
    for (size_t i = 0; i < n; i++)
        if (!shop_is_space(text[i])) SHOP_TRY(add_word(words, i, 1));
    return LLMCS_OK;
}

/* ---- rouge-score */

static bool is_alphanumeric(uint32_t c) { return (c >= 'a' && c <= 'z') || is_digit(c); }

llmcs_status shop_metric_words_rouge(shop_metric_words *words, const uint32_t *text, size_t n, bool stem) {
    SHOP_TRY(shop_chars_copy(&words->text, text, n));
    uint32_t *t = words->text.at;
    words->n = 0;
    for (size_t i = 0; i < n;) {
        const size_t begin = i;
        while (i < n && is_alphanumeric(t[i])) i++;
        size_t length = i - begin;
        if (stem && length > 3) length = shop_porter_stem(t + begin, length);
        if (length) SHOP_TRY(add_word(words, begin, length));
        if (i < n && shop_is_cjk(t[i])) SHOP_TRY(add_word(words, i, 1));
        if (i < n && !is_alphanumeric(t[i])) i++;
    }
    return LLMCS_OK;
}

/* ---- chrF++ */

static bool is_ascii_punctuation(uint32_t c) {
    return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
}

llmcs_status shop_metric_words_chrf(shop_metric_words *words, const uint32_t *text, size_t n) {
    SHOP_TRY(shop_chars_copy(&words->text, text, n));
    words->n = 0;
    for (size_t i = 0; i < n;) {
        const size_t begin = i;
        while (i < n && !shop_is_space(text[i])) i++;
        const size_t length = i - begin;
        if (length > 1 && is_ascii_punctuation(text[i - 1])) {
            SHOP_TRY(add_word(words, begin, length - 1));
            SHOP_TRY(add_word(words, i - 1, 1));
        } else if (length > 1 && is_ascii_punctuation(text[begin])) {
            SHOP_TRY(add_word(words, begin, 1));
            SHOP_TRY(add_word(words, begin + 1, length - 1));
        } else if (length) {
            SHOP_TRY(add_word(words, begin, length));
        }
        while (i < n && shop_is_space(text[i])) i++;
    }
    return LLMCS_OK;
}
