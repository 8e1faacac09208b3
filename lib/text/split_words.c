/* Words of the decoders' byte-level BPE: the regular expressions of OpenAI's cl100k and o200k and Qwen's variants of
 * the first, as code. The alternatives are tried in the order of the expression; comments quote them. */
#include "text/byte_level.h"
#include "text/split.h"
#include "text/split_char.h"

#define KIND (LL_UC_LETTER | LL_UC_NUMBER | LL_UC_SPACE)

/* The differences between patterns of the cl100k kind. */
typedef struct word_rules {
    size_t max_numbers; /* characters of category N* in one word */
    bool marks;         /* [\p{L}\p{M}] where the others have \p{L} */
    bool slashes;       /* [\r\n/]* where the others have [\r\n]* */
} word_rules;

/* LL_UC_LETTER, LL_UC_NUMBER, LL_UC_SPACE or 0 of the character at text, and its length. */
static inline unsigned kind_at(const ll_unicode *u, bool marks, const char *text, size_t *len) {
    uint32_t cp;
    *len = ll_char_at(text, &cp);
    const unsigned kind = ll_unicode_flags(u, cp) & KIND;
    if (marks && !kind && ll_unicode_case(cp)) return LL_UC_LETTER;
    return kind;
}

static inline bool is_line_end(char c) { return c == '\r' || c == '\n'; }

/* Where the run of characters of one kind that includes text[i] ends. */
static inline size_t run_end(const ll_unicode *u, bool marks, const char *text, size_t n, size_t i, unsigned kind) {
    size_t len;
    while (i < n && kind_at(u, marks, text + i, &len) == kind) i += len;
    return i;
}

/* (?i:'s|'t|'re|'ve|'m|'ll|'d) : its length at text, or 0. Of all characters beyond ASCII only U+017F, the long s,
 * folds to one of these letters. */
static size_t contraction_length(const char *text, size_t n) {
    if (n < 2 || text[0] != '\'') return 0;
    const char a = (char)(text[1] | 0x20), b = n > 2 ? (char)(text[2] | 0x20) : 0;
    if (a == 's' || a == 't' || a == 'm' || a == 'd') return 2;
    if ((a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l')) return 3;
    return n > 2 && (unsigned char)text[1] == 0xc5 && (unsigned char)text[2] == 0xbf ? 3 : 0;
}

/* \s*[\r\n]+|\s+(?!\S)|\s+ : a run of white space up to its last line end; without a line end, the run without its last
 * character, which belongs to the next word, if there is one. text begins with white space. */
static size_t space_length(const ll_unicode *u, const char *text, size_t n) {
    size_t i = 0, last = 0, line_end = 0, len;
    while (i < n && kind_at(u, false, text + i, &len) == LL_UC_SPACE) {
        last = i;
        i += len;
        if (is_line_end(text[last])) line_end = i;
    }
    if (line_end) return line_end;
    return i == n || last == 0 ? i : last;
}

/* \p{N}{1,max} : text begins with such a character of `len` bytes. */
static size_t number_length(const ll_unicode *u, const char *text, size_t n, size_t len, size_t max) {
    size_t i = len;
    for (size_t k = 1; k < max && i < n && kind_at(u, false, text + i, &len) == LL_UC_NUMBER; k++) i += len;
    return i;
}

/* [^\s\p{L}\p{N}]+[\r\n]* : from text[i] on, which is such a character. */
static size_t rest_end(const ll_unicode *u, const word_rules *r, const char *text, size_t n, size_t i) {
    i = run_end(u, r->marks, text, n, i, 0);
    while (i < n && (is_line_end(text[i]) || (r->slashes && text[i] == '/'))) i++;
    return i;
}

static inline size_t cl100k_word(const word_rules *r, const ll_unicode *u, const char *text, size_t n) {
    size_t len, next;
    const size_t contraction = contraction_length(text, n);
    if (contraction) return contraction;
    const unsigned kind = kind_at(u, r->marks, text, &len);
    if (kind == LL_UC_LETTER) return run_end(u, r->marks, text, n, len, kind);
    if (kind == LL_UC_NUMBER) return number_length(u, text, n, len, r->max_numbers);
    /* [^\r\n\p{L}\p{N}]?\p{L}+ with a first character that is no letter */
    const unsigned after = len < n ? kind_at(u, r->marks, text + len, &next) : LL_UC_SPACE;
    if (after == LL_UC_LETTER && !is_line_end(text[0])) return run_end(u, r->marks, text, n, len + next, after);
    if (kind == 0) return rest_end(u, r, text, n, len);
    if (text[0] == ' ' && after == 0) return rest_end(u, r, text, n, len + next);
    return space_length(u, text, n);
}

/* --------------------------------------------------------------------------------------------------- o200k */

/* The end of Upper*Lower+ from text[i], or if that does not match of Upper+Lower*, with the contraction after it; i:
 * neither matches. Upper letters are matched greedily; if no lower letter follows, the match backs up to the last of
 * them that is also lower (a mark, a letter without case). *second: there is none, so the second alternative matches.
 */
static size_t cased_end(const char *text, size_t n, size_t i, bool *second) {
    size_t lower_end = 0, len;
    uint32_t cp;
    unsigned letter_case = 0;
    const size_t begin = i;
    for (; i < n; i += len) {
        len = ll_char_at(text + i, &cp);
        letter_case = ll_unicode_case(cp);
        if (!(letter_case & LL_UC_UPPER)) break;
        if (letter_case & LL_UC_LOWER) lower_end = i + len;
    }
    *second = false;
    if (i < n && letter_case == LL_UC_LOWER) {
        for (; i < n; i += len) {
            len = ll_char_at(text + i, &cp);
            if (!(ll_unicode_case(cp) & LL_UC_LOWER)) break;
        }
    } else if (lower_end) {
        i = lower_end;
    } else {
        *second = true;
    }
    return i == begin ? begin : i + contraction_length(text + i, n - i);
}

/* [^\r\n\p{L}\p{N}]? and a cased word; 0: there is none. The first alternative is tried before the second, and each
 * with the leading character before without it: a mark can match either. */
static size_t cased_word(const char *text, size_t n, size_t len, bool may_lead) {
    bool second_with, second_without;
    const size_t with = may_lead && len < n ? cased_end(text, n, len, &second_with) : len;
    if (with > len && !second_with) return with;
    const size_t without = cased_end(text, n, 0, &second_without);
    if (without && !second_without) return without;
    return with > len ? with : without;
}

static size_t o200k_word(const ll_unicode *u, const char *text, size_t n) {
    static const word_rules rules = {3, false, true};
    size_t len, next = 0;
    const unsigned kind = kind_at(u, false, text, &len);
    if (kind == LL_UC_NUMBER) return number_length(u, text, n, len, 3);
    const size_t word = cased_word(text, n, len, kind != LL_UC_LETTER && !is_line_end(text[0]));
    if (word) return word;
    if (kind == 0) return rest_end(u, &rules, text, n, len);
    const unsigned after = len < n ? kind_at(u, false, text + len, &next) : LL_UC_SPACE;
    if (text[0] == ' ' && after == 0) return rest_end(u, &rules, text, n, len + next);
    return space_length(u, text, n);
}

static size_t qwen2_word(const ll_unicode *u, const char *text, size_t n) {
    return cl100k_word(&(const word_rules){1, false, false}, u, text, n);
}

static size_t qwen35_word(const ll_unicode *u, const char *text, size_t n) {
    return cl100k_word(&(const word_rules){1, true, false}, u, text, n);
}

static size_t llama3_word(const ll_unicode *u, const char *text, size_t n) {
    return cl100k_word(&(const word_rules){3, false, false}, u, text, n);
}

ll_word_fn ll_word_scanner(ll_pattern pattern) {
    switch (pattern) {
        case LL_PATTERN_QWEN2:
            return qwen2_word;
        case LL_PATTERN_QWEN35:
            return qwen35_word;
        case LL_PATTERN_LLAMA3:
            return llama3_word;
        case LL_PATTERN_O200K:
            return o200k_word;
        default:
            return ll_byte_level_word;
    }
}
