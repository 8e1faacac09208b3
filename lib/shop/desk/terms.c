/* Finds the words and numbers of a message in the texts of products. */
#include "shop/desk/terms.h"

#include <string.h>

#include "shop/base/numeral.h"

enum {
    LEAST_WORD = 3, /* letters of a Latin word */
    LEAST_STEM = 4, /* letters that a word keeps without its ending */
    LEAST_BARE = 3, /* a smaller number in words needs a unit: "one of the two" */
    MOST_BARE = 10, /* so does a larger one, and a Chinese one below LEAST_LARGE: 十分, 五谷 */
    LEAST_LARGE = 100,
    MOST_HAN = 6 /* characters of a Chinese term */
};

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_latin(char c) { return (c >= 'a' && c <= 'z') || c == '\''; }

/* True if the character before byte i is a letter or digit that is not Han. */
static bool is_inside_word(const desk_words *w, size_t i) {
    size_t len;
    if (!i) return false;
    size_t begin = i - 1;
    while (begin && ((unsigned char)w->folded[begin] & 0xc0) == 0x80) begin--;
    const int32_t c = desk_char_at(w->folded, w->folded_bytes, begin, &len);
    return c == '\'' || (desk_is_letter(c) && !desk_is_han(c));
}

/* Returns the length of the Latin word at byte i. */
static size_t word_at(const desk_words *w, size_t i) {
    size_t n = 0;
    while (i + n < w->folded_bytes && is_latin(w->folded[i + n])) n++;
    return n;
}

/* ---- numbers */

/* Reads 400, 1.5 or 10,000 at byte i. Returns the bytes read; 0 if there is no number. */
static size_t number_at(const desk_words *w, size_t i, double *value) {
    const char *p = w->folded;
    size_t at = i;
    double unit = 1;
    *value = 0;
    while (at < w->folded_bytes) {
        const bool digit_next = at + 1 < w->folded_bytes && is_digit(p[at + 1]);
        if (is_digit(p[at])) {
            if (unit < 1)
                *value += unit * (p[at] - '0'), unit /= 10;
            else
                *value = *value * 10 + (p[at] - '0');
        } else if (at == i || !digit_next || (p[at] != ',' && !(p[at] == '.' && unit == 1))) {
            break;
        } else if (p[at] == '.') {
            unit = 0.1;
        }
        at++;
    }
    return at - i;
}

/* Returns the length of what follows a number at byte i: a Latin word or one Chinese character, after at most one
 * space; after 个, what it counts. */
static size_t unit_at(const desk_words *w, size_t i, const char **unit) {
    size_t len = 0;
    if (i < w->folded_bytes && w->folded[i] == ' ') i++;
    if (i + 3 < w->folded_bytes && !memcmp(w->folded + i, "个", 3)) i += 3;
    *unit = w->folded + i;
    const size_t n = word_at(w, i);
    if (n || i >= w->folded_bytes) return n;
    return desk_is_han(desk_char_at(w->folded, w->folded_bytes, i, &len)) ? len : 0;
}

/* Reads "three", 三 or 一米八 (180) at byte i. Returns the bytes read; 0 if there is none. */
static size_t spelled_at(const desk_words *w, size_t i, double *value) {
    static const char *const words[] = {"two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", NULL};
    int32_t c[SHOP_NUMERAL_CHARS];
    size_t ends[SHOP_NUMERAL_CHARS], n = 0;
    unsigned int number, tens;
    for (size_t k = 0; words[k]; k++) {
        const char *const one[] = {words[k], NULL};
        const size_t m = desk_phrase_at(w, i, one);
        if (m) return *value = (double)k + 2, m;
    }
    for (size_t at = i, len; n < SHOP_NUMERAL_CHARS && at < w->folded_bytes; at += len) {
        c[n] = desk_char_at(w->folded, w->folded_bytes, at, &len);
        ends[n++] = at + len;
    }
    const size_t taken = n && shop_is_numeral(c[0]) ? shop_read_numeral(c, n, &number) : 0;
    if (!taken) return 0;
    *value = number;
    const bool metres = taken == 1 && n >= 3 && c[1] == 0x7c73 /* 米 */ && shop_is_numeral(c[2]);
    if (!metres || !shop_read_numeral(c + 2, 1, &tens) || tens > 9) return ends[taken - 1] - i;
    *value = number * 100.0 + tens * 10.0;
    return ends[2] - i;
}

/* True for a character that does not begin or end a Chinese term. */
static bool is_function_word(const desk_words *w, size_t i) {
    static const char *const words[] = {
        "的", "了", "吗", "呢", "吧", "啊", "呀", "哦", "嘛", "有", "没", "是", "不", "能", "可", "以", "要", "想",
        "我", "你", "您", "们", "哪", "个", "款", "种", "些", "这", "那", "什", "么", "啥", "多", "少", "就", "都",
        "也", "还", "再", "和", "跟", "给", "会", "在", "很", "太", "说", "看", "来", "去", "咧", "捏", "呗", NULL};
    return desk_phrase_at(w, i, words) > 0;
}

/* True for words after a number that are no unit: "the two of them". */
static bool is_no_unit(const char *unit, size_t n) {
    static const char *const words[] = {"of",  "are",  "is",   "in",   "for", "to",   "that",   "and", "or",
                                        "the", "ones", "one",  "them", "pls", "then", "please", "if",  "it",
                                        "on",  "at",   "with", "but",  "did", "was",  "were",   NULL};
    for (size_t i = 0; words[i]; i++)
        if (strlen(words[i]) == n && !memcmp(words[i], unit, n)) return true;
    return false;
}

static void set_unit(const desk_words *w, size_t i, desk_term *m) {
    m->unit_bytes = unit_at(w, i, &m->unit);
    if (is_no_unit(m->unit, m->unit_bytes)) m->unit_bytes = 0;
    if (m->unit_bytes && is_function_word(w, (size_t)(m->unit - w->folded))) m->unit_bytes = 0;
}

/* True for the number of a size or price, which are filters. */
static bool is_filter(const desk_search *filters, double value) {
    double size = 0;
    for (size_t i = 0; filters->size && is_digit(filters->size[i]); i++) size = size * 10 + (filters->size[i] - '0');
    if (size > 0 && size == value) return true;
    return filters->most > 0 && value >= 1 && (value == filters->most || value * DESK_ROUGH_SHARE == filters->most);
}

/* Returns 2 if the text has the number with the unit, 1 if it has the number alone, else 0. */
static int match_number(const desk_words *text, const desk_term *m) {
    int best = 0;
    double value;
    for (size_t i = 0, n; i < text->folded_bytes && best < 2; i += n) {
        const char *unit;
        n = is_digit(text->folded[i]) ? number_at(text, i, &value) : 0;
        if (!n && (n = 1)) continue;
        if (value != m->value) continue;
        const size_t bytes = unit_at(text, i + n, &unit), same = shop_min(bytes, m->unit_bytes);
        const bool plural = bytes + m->unit_bytes == 2 * same + 1 &&
                            (bytes > same ? unit : m->unit)[same] == 's'; /* "20 inches", "a 20 inch one" */
        const bool equal = same && !memcmp(unit, m->unit, same) && (bytes == m->unit_bytes || plural);
        if (equal || !m->needs_unit) best = equal ? 2 : 1;
    }
    return best;
}

/* ---- words */

/* Returns the length of the word's stem: without a plural, "-ed", "-ing", "-y". */
static size_t stem_of(const char *word, size_t n) {
    static const char *const endings[] = {"ing", "ed", "es", "s", "y", NULL};
    for (size_t i = 0; endings[i]; i++) {
        const size_t m = strlen(endings[i]);
        if (n >= m + LEAST_STEM && !memcmp(word + n - m, endings[i], m)) return n - m;
    }
    return n;
}

/* Returns where the text has the word, apart from its ending, or NULL. */
static const char *find_word(const desk_words *text, const desk_term *m) {
    static const char *const endings[] = {"s", "es", "ed", "ing", "y", "ies", "ied", "er", "proof", NULL};
    const size_t n = stem_of(m->text, m->n);
    for (size_t i = 0; i + n <= text->folded_bytes; i++) {
        if (memcmp(text->folded + i, m->text, n) != 0 || is_inside_word(text, i)) continue;
        const size_t rest = word_at(text, i + n);
        bool fits = !rest;
        for (size_t k = 0; endings[k] && !fits; k++)
            fits = strlen(endings[k]) == rest && !memcmp(text->folded + i + n, endings[k], rest);
        if (fits) return text->folded + i;
    }
    return NULL;
}

/* Returns the length of the longest Chinese term at byte i that a text has, or 0. */
static size_t han_term_at(const desk_words *w, size_t i, const desk_product_texts *texts, size_t n_texts) {
    size_t ends[MOST_HAN], n = 0;
    for (size_t at = i, len; at < w->folded_bytes && n < MOST_HAN; at += len) {
        if (!desk_is_han(desk_char_at(w->folded, w->folded_bytes, at, &len))) break;
        ends[n++] = at + len;
    }
    for (size_t k = n; k >= 2; k--) {
        if (is_function_word(w, ends[k - 2])) continue;
        const desk_term m = {.kind = DESK_TERM_HAN, .text = w->folded + i, .n = ends[k - 1] - i};
        for (size_t g = 0; g < n_texts; g++)
            if (desk_find_term(&texts[g].facts, &m) || desk_find_term(&texts[g].description, &m)) return m.n;
    }
    return 0;
}

const char *desk_find_term(const desk_words *text, const desk_term *m) {
    char copy[MOST_HAN * 4 + 1];
    if (m->kind == DESK_TERM_WORD) return find_word(text, m);
    if (m->kind == DESK_TERM_NUMBER || m->n >= sizeof copy) return NULL;
    memcpy(copy, m->text, m->n);
    copy[m->n] = 0;
    return strstr(text->folded, copy);
}

double desk_match_term(const desk_product_texts *p, const desk_term *m) {
    if (m->kind == DESK_TERM_NUMBER) {
        const int best = match_number(&p->facts, m);
        return best ? best : match_number(&p->description, m) > 1 ? 1 : 0;
    }
    return desk_find_term(&p->facts, m) ? DESK_SURE_MATCH : desk_find_term(&p->description, m) ? 1 : 0;
}

/* ---- terms of a message */

/* Reads the number at byte i into *m. Returns the bytes read; 0 if there is none. m->kind NUMBER: it is a term. */
static size_t read_number(const desk_words *w, size_t i, const desk_search *filters, desk_term *m) {
    *m = (desk_term){.kind = DESK_TERM_WORD};
    const bool digits = is_digit(w->folded[i]);
    const size_t n = digits ? number_at(w, i, &m->value) : spelled_at(w, i, &m->value);
    if (!n) return 0;
    set_unit(w, i + n, m);
    const bool small = is_latin(w->folded[i]) && m->value >= LEAST_BARE && m->value <= MOST_BARE;
    m->needs_unit = !digits && !small && m->value < LEAST_LARGE;
    if (!is_filter(filters, m->value) && (m->unit_bytes || !m->needs_unit)) m->kind = DESK_TERM_NUMBER;
    return n;
}

size_t desk_find_terms(const desk_turn *t, const desk_signals *s, const desk_search *filters,
                       const desk_product_texts *texts, size_t n_texts, desk_term terms[DESK_MOST_TERMS]) {
    const desk_words *w = &t->read;
    size_t n_terms = 0;
    desk_denied denied;
    desk_find_denied(w, &denied);
    for (size_t i = 0, len; i < w->folded_bytes && n_terms < DESK_MOST_TERMS; i += len) {
        desk_term m;
        size_t n;
        const int32_t c = desk_char_at(w->folded, w->folded_bytes, i, &len);
        const bool begins = !is_inside_word(w, i);
        if (i >= s->kind_begin && i < s->kind_end) {
            len = s->kind_end - i;
        } else if (filters->without && desk_denies_at(&denied, i)) {
            continue;
        } else if ((begins || is_digit(w->folded[i])) && (n = read_number(w, i, filters, &m))) {
            len = n;
            if (m.kind == DESK_TERM_NUMBER) terms[n_terms++] = m;
        } else if (begins && (n = desk_known_at(t, s, i))) {
            len = n;
        } else if (begins && (n = word_at(w, i))) {
            len = n;
            if (n >= LEAST_WORD) terms[n_terms++] = (desk_term){.kind = DESK_TERM_WORD, .text = w->folded + i, .n = n};
        } else if (desk_is_han(c) && !is_function_word(w, i) && (n = han_term_at(w, i, texts, n_texts))) {
            len = n;
            terms[n_terms++] = (desk_term){.kind = DESK_TERM_HAN, .text = w->folded + i, .n = n};
        }
    }
    return n_terms;
}
