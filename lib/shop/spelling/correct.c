/* Finds the word that an unknown word was meant to be. */
#include "shop/spelling/correct.h"

#include <math.h>
#include <string.h>

/* Costs of typing errors. A word may differ by most_cost of its length. A cost of 1 outweighs a factor of e^slip_weight
 * in frequency. */
static const float transposed = 0.5f, doubled = 0.45f, left_out = 0.75f, vowel = 0.7f, near_key = 0.9f, other = 1.0f,
                   first_letter = 1.0f, least_doubt = 0.75f, doubt_factor = 2;
static const double slip_weight = 6, space_weight = 14.5, least_space = -8;
enum { MIN_LETTERS = 3, MIN_SPLIT = 3, MAX_SPLIT_WORDS = 5 };

static float most_cost(size_t len) { return len < 4 ? 0.5f : len < 6 ? 1.0f : len < 7 ? 1.5f : 1.9f; }

static bool is_vowel(char c) { return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u' || c == 'y'; }

/* True for neighbours in the same row of the keyboard. */
static bool is_near(char a, char b) {
    static const char rows[] = "qwertyuiop asdfghjkl zxcvbnm";
    const char *at = strchr(rows, a);
    return at && (at[1] == b || (at > rows && at[-1] == b));
}

static float substitution(char a, char b) {
    if (a == b) return 0;
    if (is_vowel(a) && is_vowel(b)) return vowel;
    return is_near(a, b) ? near_key : other;
}

/*
 * The cost of typing `word` as `typed`: a weighted Damerau-Levenshtein distance with restricted transpositions. Stops
 * with any value above `most` once the result must exceed it.
 */
static float slip_cost(const char *typed, size_t n, const char *word, size_t m, float most) {
    float rows[3][SPELL_MAX_LETTERS + 1];
    float *two = rows[0], *one = rows[1], *row = rows[2], least_before = 0;
    for (size_t j = 0; j <= m; j++) one[j] = (float)j * left_out + (j ? first_letter : 0);
    for (size_t i = 1; i <= n; i++) {
        float least = row[0] = (float)i * other + first_letter;
        for (size_t j = 1; j <= m; j++) {
            const float begin = i == 1 || j == 1 ? first_letter : 0;
            const bool twice_typed = i > 1 && typed[i - 1] == typed[i - 2];
            const bool twice = j > 1 && word[j - 1] == word[j - 2];
            float cost =
                typed[i - 1] == word[j - 1] ? one[j - 1] : one[j - 1] + substitution(typed[i - 1], word[j - 1]) + begin;
            cost = fminf(cost, one[j] + (twice_typed ? doubled : other));
            cost = fminf(cost, row[j - 1] + (twice ? doubled : left_out));
            if (i > 1 && j > 1 && typed[i - 1] == word[j - 2] && typed[i - 2] == word[j - 1])
                cost = fminf(cost, two[j - 2] + transposed + (i == 2 ? first_letter / 4 : 0));
            row[j] = cost;
            least = fminf(least, cost);
        }
        /* A transposition refers to the row before the last. */
        if (fminf(least, least_before) > most) return least;
        least_before = least;
        float *const last = two;
        two = one;
        one = row;
        row = last;
    }
    return one[m];
}

/* The best known word except `not`, or NULL. */
static const spell_word *find_nearest(const spell_words *w, const char *typed, size_t n, float most,
                                      const spell_word * not, double *score) {
    const uint32_t mask = spell_mask(typed, n);
    const spell_word *best = NULL;
    const size_t apart = n < 4 ? 0 : n < 7 ? 1 : 2;
    if (!w->items) return NULL;
    for (size_t len = n - apart; len <= n + apart && len <= SPELL_MAX_LETTERS; len++)
        for (uint32_t at = w->first[len]; at; at = w->items[at - 1].next) {
            const spell_word *word = &w->items[at - 1];
            /* A typing error changes at most two letters of the set; two errors are considered. */
            if (word == not || __builtin_popcount(word->mask ^ mask) > 4) continue;
            const float cost = slip_cost(typed, n, w->letters + word->text, len, most);
            if (cost > most) continue;
            const double here = log((double)word->frequency) - slip_weight * (double)cost;
            if (best && here <= *score) continue;
            best = word;
            *score = here;
        }
    return best;
}

/* Splits the word into known words with the best score. Returns their number, 0 if impossible. ends[k]: end of word k.
 */
static size_t split(const spell_words *w, const char *typed, size_t n, size_t ends[MAX_SPLIT_WORDS], double *score) {
    double best[SPELL_MAX_LETTERS + 1] = {0};
    size_t from[SPELL_MAX_LETTERS + 1] = {0}, count[SPELL_MAX_LETTERS + 1] = {0};
    for (size_t end = 1; end <= n; end++) {
        best[end] = -1e9;
        for (size_t begin = 0; begin < end; begin++) {
            const size_t len = end - begin;
            const spell_word *word = spell_words_find(w, typed + begin, len);
            if (!word || (begin && !count[begin]) || count[begin] == MAX_SPLIT_WORDS) continue;
            if (len == 1 && typed[begin] != 'i' && typed[begin] != 'a') continue;
            /* A rare word of two letters is more often part of another word. */
            if (len < 4 && word->frequency < 300) continue;
            const double here = best[begin] + log((double)word->frequency) - space_weight;
            if (here <= best[end]) continue;
            best[end] = here;
            from[end] = begin;
            count[end] = count[begin] + 1;
        }
    }
    const size_t k = count[n];
    if (k < 2) return 0;
    *score = best[n] + space_weight;
    for (size_t i = k, at = n; i-- > 0; at = from[at]) ends[i] = at;
    return k;
}

static void put(spell_correction *c, const char *text, size_t n) {
    if (c->n + n >= sizeof c->text) return;
    memcpy(c->text + c->n, text, n);
    c->n += n;
    c->text[c->n] = 0;
}

static void put_word(const spell_words *w, spell_correction *c, const spell_word *word) {
    if (word->meaning)
        put(c, word->meaning, strlen(word->meaning));
    else
        put(c, w->letters + word->text, word->len);
}

/* A word that occurs only in the shop's entries and resembles a much more frequent word is itself a typing error. */
static const spell_word *find_meant(const spell_words *w, const spell_word *known) {
    double score;
    if (known->trusted || known->meaning || known->len < MIN_LETTERS) return NULL;
    const char *typed = w->letters + known->text;
    const spell_word *meant =
        find_nearest(w, typed, known->len, fminf(least_doubt, most_cost(known->len)), known, &score);
    return meant && meant->trusted && meant->frequency > doubt_factor * known->frequency ? meant : NULL;
}

static bool is_trusted(const spell_words *w, const char *word, size_t n) {
    const spell_word *known = spell_words_find(w, word, n);
    return known && known->trusted && !known->meaning;
}

/* True for forms of known words: "teas", "torches"; "engrave" if "engraved" is known. */
static bool is_form(const spell_words *w, const char *typed, size_t n) {
    char longer[SPELL_MAX_LETTERS + 1];
    if (n > 3 && typed[n - 1] == 's' && is_trusted(w, typed, n - 1)) return true;
    if (n > 5 && !memcmp(typed + n - 2, "es", 2) && strchr("hsxz", typed[n - 3]) && is_trusted(w, typed, n - 2))
        return true;
    if (n < 5 || n >= SPELL_MAX_LETTERS || typed[n - 1] != 'e') return false;
    memcpy(longer, typed, n);
    longer[n] = 'd';
    return is_trusted(w, longer, n + 1);
}

bool spell_correct_word(const spell_words *w, const char *typed, size_t n, spell_correction *c) {
    size_t ends[MAX_SPLIT_WORDS];
    double nearest_score = -1e9, split_score = -1e9;
    c->n = 0;
    c->known = false;
    if (!n || n > SPELL_MAX_LETTERS) return false;
    const spell_word *known = spell_words_find(w, typed, n);
    c->known = known != NULL || is_form(w, typed, n);
    if (known) {
        const spell_word *meant = known->meaning ? known : find_meant(w, known);
        if (meant) put_word(w, c, meant);
        return meant != NULL;
    }
    if (c->known) return false;
    const spell_word *nearest = n < MIN_LETTERS ? NULL : find_nearest(w, typed, n, most_cost(n), NULL, &nearest_score);
    const size_t k = n < MIN_SPLIT ? 0 : split(w, typed, n, ends, &split_score);
    if (k && split_score > least_space * (double)(k - 1) && (!nearest || split_score > nearest_score)) {
        for (size_t i = 0, begin = 0; i < k; begin = ends[i++]) {
            if (i) put(c, " ", 1);
            put_word(w, c, spell_words_find(w, typed + begin, ends[i] - begin));
        }
        return true;
    }
    if (!nearest) return false;
    const spell_word *meant = find_meant(w, nearest);
    put_word(w, c, meant ? meant : nearest);
    return true;
}
