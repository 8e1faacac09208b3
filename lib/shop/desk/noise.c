/* Detects letters that are no words: "asdfghjkl", "qqq", 啊啊啊啊. They mean nothing and belong to no language. */
#include <string.h>

#include "shop/desk/words.h"

enum { LEAST_REPEATED = 3, LEAST_ROW = 3, LEAST_RUN = 4, LEAST_WORD = 4, MOST_CONSONANTS = 6, MOST_LETTERS = 64 };

static bool is_small(char c) { return c >= 'a' && c <= 'z'; }

/* True if the keys of a and b are next to each other in one row. */
static bool are_neighbours(char a, char b) {
    static const char rows[] = "qwertyuiop asdfghjkl zxcvbnm";
    const char *at = strchr(rows, a);
    if (!at || a == ' ') return false;
    return at[1] == b || (at > rows && at[-1] == b);
}

/* Returns the longest run of neighbouring keys. */
static size_t longest_run(const char *word, size_t n) {
    size_t run = 1, best = 1;
    for (size_t i = 1; i < n; i++) {
        run = are_neighbours(word[i - 1], word[i]) ? run + 1 : 1;
        if (run > best) best = run;
    }
    return best;
}

/* True for a run of keys that is repeated: "asdasd", "qweqwe". */
static bool repeats_keys(const char *word, size_t n) {
    for (size_t unit = LEAST_ROW; unit * 2 <= n; unit++) {
        size_t i = unit;
        while (i < n && word[i] == word[i - unit]) i++;
        if (i == n && longest_run(word, unit) == unit) return true;
    }
    return false;
}

/* True if nobody can pronounce it: no vowel, or too many consonants in a row. A short form has few letters: "tmrw". */
static bool is_unspeakable(const char *word, size_t n) {
    size_t consonants = 0;
    bool vowel = false;
    for (size_t i = 0; i < n; i++) {
        consonants = strchr("aeiouy", word[i]) ? 0 : consonants + 1;
        vowel = vowel || !consonants;
        if (consonants > MOST_CONSONANTS) return true;
    }
    return !vowel && n > LEAST_WORD;
}

bool desk_is_mashed(const char *word, size_t n) {
    char letters[MOST_LETTERS]; /* without repetitions: "hmmmm" is "hm" */
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        if (!is_small(word[i])) return false;
        if (used < sizeof letters && (!used || letters[used - 1] != word[i])) letters[used++] = word[i];
    }
    if (used == 1) return n >= LEAST_REPEATED && *word != 'x'; /* "xxx" may be a size or kisses */
    const size_t run = longest_run(letters, used);
    return is_unspeakable(letters, used) || repeats_keys(letters, used) ||
           (run >= LEAST_RUN && (run == used || run > LEAST_RUN) && run * 2 > used);
}

/* True for sounds that Chinese customers laugh or hesitate with: "hhh", "mmm". */
static bool is_sound(const char *word, size_t n) { return n && (*word == 'h' || *word == 'm') && word[n - 1] == *word; }

bool desk_is_noise(const desk_words *w) {
    static const char *const cries[] = {"啊", "阿", "嗷", "嘎", "喵", "汪", "嘟", "噗",
                                        "叭", "呱", "哔", "嚓", "呃", "额", NULL};
    const char *t = w->folded;
    size_t n_cries = 0, n_mashed = 0;
    for (size_t i = 0, len, step; i < w->folded_bytes; i += len) {
        const int32_t c = desk_char_at(t, w->folded_bytes, i, &len);
        if (!desk_is_letter(c)) continue;
        if (desk_is_han(c)) {
            if (!desk_begins_with(t + i, cries)) return false;
            n_cries++;
            continue;
        }
        for (; i + len < w->folded_bytes; len += step) {
            const int32_t next = desk_char_at(t, w->folded_bytes, i + len, &step);
            if (!desk_is_letter(next) || desk_is_han(next)) break;
        }
        if (!desk_is_mashed(t + i, len) || is_sound(t + i, len)) return false;
        n_mashed++;
    }
    return n_mashed || n_cries >= LEAST_REPEATED;
}
