/* Matches of a pattern in a text, and the pieces that a behaviour forms from them. */
#include "text/split.h"

#include <string.h>

#include "text/split_char.h"

/* ------------------------------------------------------------------------------------------------- matches */

static bool is_ascii_digit(uint32_t cp) { return cp >= '0' && cp <= '9'; }

static bool is_symbol(const ll_unicode *u, uint32_t cp) {
    if (cp < 0x80) return cp && strchr("!\"#%&'()*,-./:;?@[\\]_{}$+<=>^~|", (int)cp) != NULL;
    return ll_unicode_flags(u, cp) & LL_UC_PUNCT;
}

/* Characters of one class, which is not 0, may form a match together; 0: no match has this character. */
static unsigned class_of(const ll_split_step *step, const ll_unicode *u, uint32_t cp) {
    const unsigned flags = ll_unicode_flags(u, cp);
    switch (step->pattern) {
        case LL_PATTERN_NUMBER:
        case LL_PATTERN_NUMBERS:
        case LL_PATTERN_NUMBERS_3:
            return flags & LL_UC_NUMBER;
        case LL_PATTERN_ASCII_DIGIT:
        case LL_PATTERN_ASCII_DIGITS_3:
            return is_ascii_digit(cp);
        case LL_PATTERN_PUNCTUATION:
            return flags & LL_UC_PUNCT;
        case LL_PATTERN_SPACE:
        case LL_PATTERN_SPACES:
            return flags & LL_UC_SPACE;
        case LL_PATTERN_SYMBOLS:
            return is_symbol(u, cp);
        case LL_PATTERN_WORDS_OR_REST:
            return flags & LL_UC_WORD ? 1 : flags & LL_UC_SPACE ? 0 : 2;
        case LL_PATTERN_SET:
            return cp < 128 && (step->set[cp / 64] >> cp % 64 & 1);
        default:
            return 0;
    }
}

/* The least and the most characters of a match. */
static void run_limits(ll_pattern pattern, size_t *least, size_t *most) {
    *least = pattern == LL_PATTERN_ASCII_DIGITS_3 ? 3 : 1;
    *most = SIZE_MAX;
    if (pattern == LL_PATTERN_NUMBERS_3 || pattern == LL_PATTERN_ASCII_DIGITS_3) *most = 3;
    if (pattern >= LL_PATTERN_NUMBER && pattern <= LL_PATTERN_SPACE) *most = 1;
}

/* The first run at or after `at` with at least `least` characters. */
static bool find_run(const ll_split_cursor *c, size_t at, size_t *begin, size_t *end) {
    const ll_pattern pattern = c->step->pattern;
    size_t least, most, len;
    uint32_t cp;
    run_limits(pattern, &least, &most);
    while (at < c->n) {
        len = ll_char_at(c->text + at, &cp);
        const unsigned kind = class_of(c->step, c->u, cp);
        *begin = at;
        at += len;
        if (!kind) continue;
        size_t n = 1;
        for (; n < most && at < c->n; n++, at += len) {
            len = ll_char_at(c->text + at, &cp);
            if (class_of(c->step, c->u, cp) != kind) break;
        }
        *end = at;
        if (n >= least) return true;
    }
    return false;
}

/* The first match at or after `at`. */
static bool find_match(const ll_split_cursor *c, size_t at, size_t *begin, size_t *end) {
    const ll_split_step *s = c->step;
    if (ll_pattern_is_words(s->pattern)) {
        *begin = at;
        *end = at + ll_word_scanner(s->pattern)(c->u, c->text + at, c->n - at);
        return true;
    }
    if (s->pattern != LL_PATTERN_STRING) return find_run(c, at, begin, end);
    const char *found = memmem(c->text + at, c->n - at, s->text.at, s->text.n);
    if (!found) return false;
    *begin = (size_t)(found - c->text);
    *end = *begin + s->text.n;
    return true;
}

/* -------------------------------------------------------------------------------------------------- pieces */

/* The next part; false: the text ends. */
static bool next_part(ll_split_cursor *c, ll_split_part *part) {
    if (c->ahead.end > c->ahead.begin) {
        *part = c->ahead;
        c->ahead = (ll_split_part){0};
        return true;
    }
    if (c->at == c->n) return false;
    size_t begin = c->at, end = c->match_end;
    if (end <= begin && !find_match(c, c->at, &begin, &end)) begin = end = c->n;
    const bool is_match = begin == c->at;
    *part = (ll_split_part){c->at, is_match ? end : begin, is_match != c->step->invert};
    c->at = part->end;
    c->match_end = end;
    return true;
}

/* True if the next part is joined to this one. */
static bool joins_next(ll_behavior behavior, const ll_split_part *part, const ll_split_part *next) {
    switch (behavior) {
        case LL_BEHAVIOR_CONTIGUOUS:
            return part->is_match == next->is_match;
        case LL_BEHAVIOR_MERGED_WITH_PREVIOUS:
            return !part->is_match && next->is_match;
        case LL_BEHAVIOR_MERGED_WITH_NEXT:
            return part->is_match && !next->is_match;
        default:
            return false;
    }
}

bool ll_split_next(ll_split_cursor *c, size_t *begin, size_t *end) {
    const ll_behavior behavior = c->step->behavior;
    ll_split_part part, next;
    do
        if (!next_part(c, &part)) return false;
    while (behavior == LL_BEHAVIOR_REMOVED && part.is_match);
    *begin = part.begin;
    *end = part.end;
    if (behavior == LL_BEHAVIOR_ISOLATED || behavior == LL_BEHAVIOR_REMOVED) return true;
    while (next_part(c, &next)) {
        if (!joins_next(behavior, &part, &next)) {
            c->ahead = next;
            break;
        }
        *end = next.end;
        if (behavior != LL_BEHAVIOR_CONTIGUOUS) break;
    }
    return true;
}
