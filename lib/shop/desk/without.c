/*
 * What a message excludes besides a kind of product: a colour or words of a title ("not light grey", 除了欧姆里).
 * A kind ("not tea") is for the recommender (shop/recommend/kinds.h).
 */
#include <string.h>

#include "shop/desk/browse.h"

enum {
    MOST_TEXT = 600, /* bytes of a text that are read */
    MOST_TOKENS = 3, /* words of an excluded phrase */
    LEAST_WORD = 3,  /* letters of a Latin word of a title */
    LEAST_HAN = 6    /* bytes of a Chinese name */
};

static const char *const denials[] = {"not",         "except",  "other than", "instead of", "don't want",   "dont want",
                                      "rather than", "no more", "apart from", "besides",    "anything but", "不要",
                                      "不想要",      "不是",    "除了",       "除",         "别要",         "不喜欢",
                                      "不爱",        "不想看",  NULL};
/* Words before an excluded name that are not part of it. */
static const char *const skipped[] = {"a",  "an",   "the", "any", "that", "those", "these", "this",
                                      "in", "from", "by",  "of",  "by",   "to",    "be",    NULL};
/* Characters that end a Chinese name. */
static const char *const enders[] = {"的", "了", "那", "这", "款", "个", "件", "双", "只", "条",
                                     "还", "以", "之", "外", "我", "要", "有", "给", "换", "吗",
                                     "吧", "啊", "呢", "牌", "家", "就", "都", NULL};

static bool is_latin(char c) { return (c >= 'a' && c <= 'z') || c == '\''; }

/* Reads the Latin words of a name at byte i; returns where they end. */
static size_t latin_name_end(const desk_words *w, size_t i) {
    size_t end = i;
    for (size_t n = 0, m; n < MOST_TOKENS; n++) {
        for (m = 0; i + m < w->folded_bytes && is_latin(w->folded[i + m]);) m++;
        if (!m || desk_is_filler_at(w, i)) return end;
        end = i + m;
        i = end + (end < w->folded_bytes && w->folded[end] == ' ');
        if (i == end) return end;
    }
    return end;
}

static size_t han_name_end(const desk_words *w, size_t i) {
    for (size_t len; i < w->folded_bytes; i += len) {
        const int32_t c = desk_char_at(w->folded, w->folded_bytes, i, &len);
        if (!desk_is_han(c) || desk_phrase_at(w, i, enders)) break;
    }
    return i;
}

void desk_find_denied(const desk_words *w, desk_denied *d) {
    d->n = 0;
    for (size_t i = 0, n, len; i < w->folded_bytes && d->n < DESK_MOST_DENIED; i += n ? n : len) {
        (void)desk_char_at(w->folded, w->folded_bytes, i, &len);
        n = desk_phrase_at(w, i, denials);
        if (!n || (i >= 3 && !memcmp(w->folded + i, "不", 3) && !memcmp(w->folded + i - 3, w->folded + i + 3, 3)))
            continue; /* 要不要 and 是不是 ask */
        size_t begin = i + n;
        for (size_t k; begin < w->folded_bytes; begin += k) {
            while (begin < w->folded_bytes && w->folded[begin] == ' ') begin++;
            if (!(k = desk_phrase_at(w, begin, skipped))) break;
        }
        const size_t end =
            begin < w->folded_bytes && is_latin(w->folded[begin]) ? latin_name_end(w, begin) : han_name_end(w, begin);
        if (end <= begin) continue;
        d->begin[d->n] = begin;
        d->end[d->n++] = end;
        n = end - i;
    }
}

bool desk_denies_at(const desk_denied *d, size_t i) {
    for (size_t k = 0; k < d->n; k++)
        if (i >= d->begin[k] && i < d->end[k]) return true;
    return false;
}

bool desk_denies_colour(const desk_words *w, const desk_denied *d) {
    for (size_t k = 0; k < d->n; k++)
        for (size_t i = d->begin[k]; i < d->end[k]; i++)
            if (desk_colour_at(w, i)) return true;
    return false;
}

static size_t lower(const char *text, char *out) {
    size_t n = 0;
    for (; text[n] && n + 1 < MOST_TEXT; n++)
        out[n] = text[n] >= 'A' && text[n] <= 'Z' ? (char)(text[n] - 'A' + 'a') : text[n];
    out[n] = 0;
    return n;
}

/* True if all words of the range describe the product: colours that it has, words of its title. */
static bool describes(const desk_words *w, size_t begin, size_t end, const desk_words *title, const desk_goods *g) {
    char word[64];
    bool any = false;
    for (size_t i = begin, n; i < end; i += n) {
        if (w->folded[i] == ' ' && (n = 1)) continue;
        const size_t colour = desk_colour_at(w, i);
        n = colour;
        if (!n && is_latin(w->folded[i]))
            while (i + n < end && is_latin(w->folded[i + n])) n++;
        if (!n) n = end - i;
        if (i + n > end || n >= sizeof word) return false;
        memcpy(word, w->folded + i, n);
        word[n] = 0;
        const bool long_enough = n >= (is_latin(*word) ? (size_t)LEAST_WORD : (size_t)LEAST_HAN);
        const bool fits = colour ? desk_goods_have_colour(g, word)
                                 : long_enough && (is_latin(*word) ? desk_has_phrase(title, word)
                                                                   : strstr(title->folded, word) != NULL);
        if (!fits && !(colour && strstr(title->folded, word))) return false;
        any = true;
    }
    return any;
}

bool desk_is_excluded(const char *without, const desk_goods *g) {
    char text[MOST_TEXT], title[MOST_TEXT];
    const desk_words w = {.folded = text, .folded_bytes = lower(without, text)};
    const desk_words named = {.folded = title, .folded_bytes = lower(g->title, title)};
    desk_denied d;
    desk_find_denied(&w, &d);
    for (size_t k = 0; k < d.n; k++)
        if (describes(&w, d.begin[k], d.end[k], &named, g)) return true;
    return false;
}
