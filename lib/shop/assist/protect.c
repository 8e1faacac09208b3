/* Finds the parts of a text that a rewrite must keep. */
#include "shop/assist/protect.h"

#include <string.h>

#include "shop/base/utf8.h"

static bool is_digit(unsigned char c) { return c >= '0' && c <= '9'; }
static bool is_upper(unsigned char c) { return c >= 'A' && c <= 'Z'; }
static bool is_letter(unsigned char c) { return is_upper(c) || (c >= 'a' && c <= 'z'); }

static bool starts_with(const char *text, size_t n, const char *prefix) {
    const size_t m = strlen(prefix);
    return n >= m && !memcmp(text, prefix, m);
}

static size_t character_bytes(const char *text, size_t n) {
    size_t len = 1;
    while (len < n && ((unsigned char)text[len] & 0xc0) == 0x80) len++;
    return len;
}

/* ---- kinds of parts: each function returns the length in bytes of a part at text[0], or 0 */

/* <PHONE_1> */
static size_t placeholder(const char *text, size_t n) {
    size_t i = 1;
    if (text[0] != '<') return 0;
    while (i < n && (is_upper((unsigned char)text[i]) || text[i] == '_')) i++;
    const size_t digits = i;
    while (i < n && is_digit((unsigned char)text[i])) i++;
    return digits > 1 && i > digits && i < n && text[i] == '>' ? i + 1 : 0;
}

/* A quotation of at most 200 bytes in one line, including its marks. */
static size_t quotation(const char *text, size_t n) {
    static const char *const marks[][2] = {{"\"", "\""}, {"“", "”"}, {"「", "」"}, {"『", "』"}, {"《", "》"}};
    if (text[0] != '"' && (unsigned char)text[0] != 0xe2 && (unsigned char)text[0] != 0xe3) return 0;
    for (size_t k = 0; k < sizeof marks / sizeof *marks; k++) {
        const size_t opening = strlen(marks[k][0]), closing = strlen(marks[k][1]);
        if (n < opening || memcmp(text, marks[k][0], opening) != 0) continue;
        for (size_t i = opening; i < n && i < 200 && text[i] != '\n'; i++)
            if (text[i] == marks[k][1][0] && n - i >= closing && !memcmp(text + i, marks[k][1], closing))
                return i + closing;
    }
    return 0;
}

static bool is_code_byte(unsigned char c) {
    return is_letter(c) || is_digit(c) || (c && strchr("._%+-@/:#$&=?~,'", c) != NULL);
}

/* A run of letters, digits and the marks of prices, dates, links and addresses that contains a digit, "@" or "://".
 * Punctuation at its end is not included. */
static size_t code(const char *text, size_t n) {
    size_t end = 0;
    bool found = false;
    while (end < n && is_code_byte((unsigned char)text[end])) end++;
    while (end && strchr(".,:?'", text[end - 1])) end--;
    for (size_t i = 0; i < end && !found; i++)
        found = is_digit((unsigned char)text[i]) || text[i] == '@' || starts_with(text + i, end - i, "://") ||
                (!i && starts_with(text, end, "www."));
    return found ? end : 0;
}

/* Fullwidth digits, and currency signs before digits. */
static size_t wide_number(const char *text, size_t n) {
    static const char *const money[] = {"¥", "￥", "€", "£"};
    size_t at = 0;
    for (size_t k = 0; k < sizeof money / sizeof *money; k++)
        if (starts_with(text, n, money[k])) at = strlen(money[k]);
    if (at) return at + (at < n ? code(text + at, n - at) : 0);
    while (at + 3 <= n && (unsigned char)text[at] == 0xef && (unsigned char)text[at + 1] == 0xbc &&
           (unsigned char)text[at + 2] >= 0x90 && (unsigned char)text[at + 2] <= 0x99)
        at += 3;
    return at;
}

bool shop_next_protected(const char *text, size_t n, size_t at, size_t *begin, size_t *end) {
    for (size_t i = at; i < n;) {
        size_t len = placeholder(text + i, n - i);
        if (!len) len = quotation(text + i, n - i);
        if (!len) len = code(text + i, n - i);
        if (!len) len = wide_number(text + i, n - i);
        if (len) {
            *begin = i;
            *end = i + len;
            return true;
        }
        /* A code starts at the start of a word. */
        if (is_code_byte((unsigned char)text[i]))
            while (i < n && is_code_byte((unsigned char)text[i])) i++;
        else
            i += character_bytes(text + i, n - i);
    }
    return false;
}

/* ---- numerals as words */

static const char *const han_numerals[] = {"〇", "零", "一", "二", "三", "四", "五", "六", "七",
                                           "八", "九", "十", "百", "千", "万", "亿", "两", "半"};
static const char *const words[] = {
    "one",    "two",    "three",    "four",     "five",    "six",     "seven",     "eight",    "nine",     "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
    "thirty", "forty",  "fifty",    "sixty",    "seventy", "eighty",  "ninety",    "hundred",  "thousand", "million",
    "half",   "third",  "quarter",  "dozen",    "twice",   "first",   "second"};

/* Length in bytes of a numeral at `at`, or 0. */
static size_t numeral(const char *text, size_t n, size_t at) {
    for (size_t k = 0; k < sizeof han_numerals / sizeof *han_numerals; k++)
        if (starts_with(text + at, n - at, han_numerals[k])) return strlen(han_numerals[k]);
    if (!is_letter((unsigned char)text[at]) || (at && is_letter((unsigned char)text[at - 1]))) return 0;
    for (size_t k = 0; k < sizeof words / sizeof *words; k++) {
        const size_t m = strlen(words[k]);
        size_t i = 0;
        while (i < m && at + i < n && shop_lower(text[at + i]) == words[k][i]) i++;
        if (i == m && (at + m == n || !is_letter((unsigned char)text[at + m]))) return m;
    }
    return 0;
}

/* ---- the sequence of parts */

typedef struct part_reader {
    const char *text;
    size_t n, at;
    size_t begin, end; /* next protected part at or after the current position; n: none */
} part_reader;

static part_reader read_parts(const char *text, size_t n) { return (part_reader){text, n, 0, 0, 0}; }

/* The next part or numeral: bytes [*begin, *end). */
static bool next_part(part_reader *r, size_t *begin, size_t *end) {
    if (r->begin < r->n && r->at >= r->end && !shop_next_protected(r->text, r->n, r->at, &r->begin, &r->end))
        r->begin = r->end = r->n;
    while (r->at < r->begin) {
        const size_t len = numeral(r->text, r->n, r->at);
        *begin = r->at;
        *end = r->at += len ? len : character_bytes(r->text + r->at, r->n - r->at);
        if (len) return true;
    }
    *begin = r->begin;
    *end = r->at = r->end;
    return *begin < r->n;
}

bool shop_keeps_protected(const char *a, size_t n_a, const char *b, size_t n_b) {
    part_reader of_a = read_parts(a, n_a), of_b = read_parts(b, n_b);
    for (;;) {
        size_t begin_a, end_a, begin_b, end_b;
        const bool more_a = next_part(&of_a, &begin_a, &end_a), more_b = next_part(&of_b, &begin_b, &end_b);
        if (more_a != more_b) return false;
        if (!more_a) return true;
        if (end_a - begin_a != end_b - begin_b) return false;
        for (size_t i = 0; i < end_a - begin_a; i++)
            if (shop_lower(a[begin_a + i]) != shop_lower(b[begin_b + i])) return false;
    }
}

bool shop_has_protected(const char *text, size_t n) {
    part_reader r = read_parts(text, n);
    size_t begin, end;
    return next_part(&r, &begin, &end);
}
