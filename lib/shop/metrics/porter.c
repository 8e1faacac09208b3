/* Porter's stemmer (Program 14(3), 1980) with the changes that NLTK made and rouge-score inherits: a table of irregular
 * words, short words in -ies and -ied, -y after a consonant, -alli twice, -fulli, -logi. Words may hold any characters;
 * those that are not a, e, i, o, u or y are consonants. */
#include <string.h>

#include "shop/metrics/words.h"

typedef struct word {
    uint32_t *at;
    size_t n;
} word;

/* Conditions on the stem before a rule's suffix. */
typedef enum condition {
    ALWAYS,
    MEASURE_0,         /* more than 0 vowel-consonant groups */
    MEASURE_1,         /* more than 1 */
    MEASURE_1_AND_S_T, /* and ends with s or t */
    MEASURE_0_WITH_L   /* -logi: its l belongs to the stem */
} condition;

typedef struct rule {
    const char *suffix, *replacement;
    condition condition;
} rule;

static bool is_vowel_letter(uint32_t c) { return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u'; }

/* A y is a consonant at the start and after a vowel, else a vowel. */
static bool is_consonant(const uint32_t *w, size_t i) {
    if (w[i] != 'y') return !is_vowel_letter(w[i]);
    bool flips = false;
    for (; i > 0 && w[i] == 'y'; i--) flips = !flips;
    return is_vowel_letter(w[i]) == flips;
}

static size_t measure(const uint32_t *w, size_t n) {
    size_t m = 0;
    bool before = true;
    for (size_t i = 0; i < n; i++) {
        const bool consonant = w[i] == 'y' ? !i || !before : !is_vowel_letter(w[i]);
        m += i && consonant && !before;
        before = consonant;
    }
    return m;
}

static bool contains_vowel(const uint32_t *w, size_t n) {
    bool before = true;
    for (size_t i = 0; i < n; i++) {
        before = w[i] == 'y' ? !i || !before : !is_vowel_letter(w[i]);
        if (!before) return true;
    }
    return false;
}

/* True if the stem ends with consonant, vowel, consonant, the last not w, x or y; or is vowel, consonant. */
static bool ends_cvc(const uint32_t *w, size_t n) {
    if (n == 2) return !is_consonant(w, 0) && is_consonant(w, 1);
    return n >= 3 && is_consonant(w, n - 3) && !is_consonant(w, n - 2) && is_consonant(w, n - 1) && w[n - 1] != 'w' &&
           w[n - 1] != 'x' && w[n - 1] != 'y';
}

static bool ends_with(const word *w, const char *suffix) {
    const size_t n = strlen(suffix);
    if (n > w->n) return false;
    for (size_t i = 0; i < n; i++)
        if (w->at[w->n - n + i] != (uint32_t)(unsigned char)suffix[i]) return false;
    return true;
}

static void replace_suffix(word *w, size_t suffix, const char *replacement) {
    w->n -= suffix;
    for (; *replacement; replacement++) w->at[w->n++] = (uint32_t)(unsigned char)*replacement;
}

static bool holds(condition c, const word *w, size_t n) {
    switch (c) {
        case MEASURE_0:
            return measure(w->at, n) > 0;
        case MEASURE_1:
            return measure(w->at, n) > 1;
        case MEASURE_1_AND_S_T:
            return n && (w->at[n - 1] == 's' || w->at[n - 1] == 't') && measure(w->at, n) > 1;
        case MEASURE_0_WITH_L:
            return measure(w->at, n + 1) > 0;
        default:
            return true;
    }
}

/* Only the first rule whose suffix matches is tried. */
static void apply(word *w, const rule *rules, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (ends_with(w, rules[i].suffix)) {
            const size_t suffix = strlen(rules[i].suffix);
            if (holds(rules[i].condition, w, w->n - suffix)) replace_suffix(w, suffix, rules[i].replacement);
            return;
        }
}

#define APPLY(w, rules) apply((w), (rules), sizeof(rules) / sizeof *(rules))

/* Plurals. */
static void step_1a(word *w) {
    static const rule rules[] = {{"sses", "ss", ALWAYS}, {"ies", "i", ALWAYS}, {"ss", "ss", ALWAYS}, {"s", "", ALWAYS}};
    if (w->n == 4 && ends_with(w, "ies"))
        replace_suffix(w, 3, "ie");
    else
        APPLY(w, rules);
}

/* Fixes the stem after -ed or -ing was removed. */
static void restore_ending(word *w) {
    const uint32_t last = w->at[w->n - 1];
    if (ends_with(w, "at") || ends_with(w, "bl") || ends_with(w, "iz")) {
        replace_suffix(w, 0, "e");
    } else if (w->n >= 2 && last == w->at[w->n - 2] && is_consonant(w->at, w->n - 1)) {
        if (last != 'l' && last != 's' && last != 'z') w->n--;
    } else if (measure(w->at, w->n) == 1 && ends_cvc(w->at, w->n)) {
        replace_suffix(w, 0, "e");
    }
}

/* -ed and -ing. */
static void step_1b(word *w) {
    if (ends_with(w, "ied")) {
        replace_suffix(w, 3, w->n == 4 ? "ie" : "i");
    } else if (ends_with(w, "eed")) {
        if (measure(w->at, w->n - 3) > 0) w->n--;
    } else {
        const size_t suffix = ends_with(w, "ed") ? 2 : ends_with(w, "ing") ? 3 : 0;
        if (!suffix || !contains_vowel(w->at, w->n - suffix)) return;
        w->n -= suffix;
        restore_ending(w);
    }
}

static void step_1c(word *w) {
    if (w->n > 2 && w->at[w->n - 1] == 'y' && is_consonant(w->at, w->n - 2)) w->at[w->n - 1] = 'i';
}

static void step_2(word *w) {
    static const rule rules[] = {
        {"ational", "ate", MEASURE_0},    {"tional", "tion", MEASURE_0}, {"enci", "ence", MEASURE_0},
        {"anci", "ance", MEASURE_0},      {"izer", "ize", MEASURE_0},    {"bli", "ble", MEASURE_0},
        {"alli", "al", MEASURE_0},        {"entli", "ent", MEASURE_0},   {"eli", "e", MEASURE_0},
        {"ousli", "ous", MEASURE_0},      {"ization", "ize", MEASURE_0}, {"ation", "ate", MEASURE_0},
        {"ator", "ate", MEASURE_0},       {"alism", "al", MEASURE_0},    {"iveness", "ive", MEASURE_0},
        {"fulness", "ful", MEASURE_0},    {"ousness", "ous", MEASURE_0}, {"aliti", "al", MEASURE_0},
        {"iviti", "ive", MEASURE_0},      {"biliti", "ble", MEASURE_0},  {"fulli", "ful", MEASURE_0},
        {"logi", "log", MEASURE_0_WITH_L}};
    while (ends_with(w, "alli") && measure(w->at, w->n - 4) > 0) replace_suffix(w, 4, "al");
    APPLY(w, rules);
}

static void step_3(word *w) {
    static const rule rules[] = {{"icate", "ic", MEASURE_0}, {"ative", "", MEASURE_0},  {"alize", "al", MEASURE_0},
                                 {"iciti", "ic", MEASURE_0}, {"ical", "ic", MEASURE_0}, {"ful", "", MEASURE_0},
                                 {"ness", "", MEASURE_0}};
    APPLY(w, rules);
}

static void step_4(word *w) {
    static const rule rules[] = {
        {"al", "", MEASURE_1},    {"ance", "", MEASURE_1}, {"ence", "", MEASURE_1}, {"er", "", MEASURE_1},
        {"ic", "", MEASURE_1},    {"able", "", MEASURE_1}, {"ible", "", MEASURE_1}, {"ant", "", MEASURE_1},
        {"ement", "", MEASURE_1}, {"ment", "", MEASURE_1}, {"ent", "", MEASURE_1},  {"ion", "", MEASURE_1_AND_S_T},
        {"ou", "", MEASURE_1},    {"ism", "", MEASURE_1},  {"ate", "", MEASURE_1},  {"iti", "", MEASURE_1},
        {"ous", "", MEASURE_1},   {"ive", "", MEASURE_1},  {"ize", "", MEASURE_1}};
    APPLY(w, rules);
}

static void step_5(word *w) {
    if (ends_with(w, "e")) {
        const size_t m = measure(w->at, w->n - 1);
        if (m > 1 || (m == 1 && !ends_cvc(w->at, w->n - 1))) w->n--;
    }
    if (ends_with(w, "ll") && measure(w->at, w->n - 1) > 1) w->n--;
}

static bool is_irregular(word *w) {
    static const char *const forms[][2] = {
        {"sky", "sky"},        {"skies", "sky"},       {"dying", "die"},        {"lying", "lie"},
        {"tying", "tie"},      {"news", "news"},       {"innings", "inning"},   {"inning", "inning"},
        {"outings", "outing"}, {"outing", "outing"},   {"cannings", "canning"}, {"canning", "canning"},
        {"howe", "howe"},      {"proceed", "proceed"}, {"exceed", "exceed"},    {"succeed", "succeed"}};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (strlen(forms[i][0]) == w->n && ends_with(w, forms[i][0])) {
            replace_suffix(w, w->n, forms[i][1]);
            return true;
        }
    return false;
}

size_t shop_porter_stem(uint32_t *letters, size_t n) {
    word w = {letters, n};
    if (is_irregular(&w) || n <= 2) return w.n;
    step_1a(&w);
    step_1b(&w);
    step_1c(&w);
    step_2(&w);
    step_3(&w);
    step_4(&w);
    step_5(&w);
    return w.n;
}
