/* Splits a text into the tokens and numbers that the gate compares. */
#include "shop/wording/lexer.h"

#include <string.h>
#include <utf8proc.h>

#include "shop/base/hash.h"
#include "shop/base/numeral.h"
#include "shop/base/utf8.h"
#include "shop/knowledge/words.h"
#include "shop/wording/gate_words.h"

enum {
    WORD_BYTES = GATE_WORD_BYTES,
    LOOK_AHEAD = 512
}; /* longest number or link, so that hostile texts take linear time */

/* ---- characters */

static bool is_east_asian(int32_t c) { return shop_is_east_asian((uint32_t)c); }

static bool is_digit(int32_t c) { return c >= '0' && c <= '9'; }

static bool is_letter(int32_t c) {
    if (c < 128) return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (is_east_asian(c)) return false;
    switch (utf8proc_category(c)) {
        case UTF8PROC_CATEGORY_LU:
        case UTF8PROC_CATEGORY_LL:
        case UTF8PROC_CATEGORY_LT:
        case UTF8PROC_CATEGORY_LM:
        case UTF8PROC_CATEGORY_LO:
        case UTF8PROC_CATEGORY_MN:
        case UTF8PROC_CATEGORY_MC:
            return true;
        default:
            return false;
    }
}

static bool is_apostrophe(int32_t c) { return c == '\'' || c == 0x2019 || c == 0x2018; }
static bool is_space(int32_t c) { return c == ' ' || c == '\t' || c == '\r' || c == 0xa0 || c == 0x3000; }

static bool ends_sentence(int32_t c) {
    return c == '.' || c == '!' || c == '?' || c == ';' || c == '\n' || c == 0x3002 || c == 0x2028 || c == 0x2029;
}

/* ---- the lexer's state */

typedef struct lexing {
    gate_lexed *out;
    const int32_t *c; /* code points */
    size_t n, at;
    uint32_t sentence;
    int64_t open_number; /* the last number has no unit yet, and only "to", "-" or the like came since; -1: none */
} lexing;

static int32_t peek(const lexing *x, size_t i) { return i < x->n ? x->c[i] : 0; }

/* Letters and digits [begin, end) in lower case without apostrophes, as UTF-8; cut at WORD_BYTES. */
static size_t lower(const int32_t *c, size_t begin, size_t end, char word[WORD_BYTES]) {
    size_t n = 0;
    for (size_t i = begin; i < end && n + 4 <= WORD_BYTES; i++)
        if (!is_apostrophe(c[i]))
            n += (size_t)utf8proc_encode_char(utf8proc_tolower(c[i]), (utf8proc_uint8_t *)word + n);
    return n;
}

static size_t lower_word(const lexing *x, size_t begin, size_t end, char word[WORD_BYTES]) {
    return lower(x->c, begin, end, word);
}

size_t gate_token_word(const gate_lexed *lexed, const gate_token *token, char word[GATE_WORD_BYTES]) {
    return lower(lexed->code_points, token->begin, token->end, word);
}

static llmcs_status add_token(lexing *x, gate_kind kind, size_t begin, size_t end) {
    gate_lexed *out = x->out;
    char word[WORD_BYTES];
    SHOP_TRY(shop_grow(out->allocator, &out->tokens, out->n_tokens, &out->tokens_capacity, out->n_tokens + 1,
                       sizeof *out->tokens, "tokens"));
    gate_token *t = &out->tokens[out->n_tokens++];
    *t = (gate_token){.begin = (uint32_t)begin,
                      .end = (uint32_t)end,
                      .sentence = x->sentence,
                      .kind = (uint8_t)kind,
                      .capital = utf8proc_tolower(x->c[begin]) != x->c[begin]};
    const size_t n = lower_word(x, begin, end, word);
    t->hash = shop_xxh64(word, n);
    if (end - begin > WORD_BYTES / 4) t->hash ^= end - begin;
    return LLMCS_OK;
}

static llmcs_status add_number(lexing *x, const char *value, size_t n, uint32_t unit, size_t begin, size_t end) {
    gate_lexed *out = x->out;
    SHOP_TRY(shop_grow(out->allocator, &out->numbers, out->n_numbers, &out->numbers_capacity, out->n_numbers + 1,
                       sizeof *out->numbers, "numbers"));
    out->numbers[out->n_numbers++] = (gate_number){.value = shop_xxh64(value, n),
                                                   .unit = unit,
                                                   .begin = (uint32_t)begin,
                                                   .end = (uint32_t)end,
                                                   .sentence = x->sentence};
    if (x->open_number >= 0 && unit) out->numbers[x->open_number].unit = unit;
    x->open_number = unit ? -1 : (int64_t)out->n_numbers - 1;
    return LLMCS_OK;
}

/* ---- numbers */

/* The end of the number at `begin`, which may contain . , : / and -: "1,299.50", "14:00", "2026-11-20", "400-000-0155".
 * "5-7" is two numbers, and so is "3,14", because a comma needs three digits after it. */
static size_t number_end(const lexing *x, size_t begin) {
    size_t end = begin, dashes = 0, shortest = 99, last_dash = 0;
    while (is_digit(peek(x, end))) end++;
    const size_t first = end - begin;
    shortest = first;
    for (;;) {
        const int32_t mark = peek(x, end);
        size_t next = end + 1;
        if ((mark != '.' && mark != ',' && mark != ':' && mark != '/' && mark != '-') || !is_digit(peek(x, next)))
            break;
        if (end - begin > LOOK_AHEAD) break;
        while (is_digit(peek(x, next))) next++;
        const size_t len = next - end - 1;
        if (mark == ',' && len != 3) break;
        if (mark == '-') {
            if (!dashes) last_dash = end;
            dashes++;
            shortest = len < shortest ? len : shortest;
        }
        end = next;
    }
    const bool date = dashes == 2 && first == 4, telephone = dashes >= 1 && shortest >= 3;
    return dashes && !date && !telephone ? last_dash : end;
}

/* "1,299.50" is "1299.5". */
static size_t canonical(const lexing *x, size_t begin, size_t end, char value[64]) {
    size_t n = 0;
    bool point = false, other = false;
    for (size_t i = begin; i < end && n < 63; i++) {
        if (x->c[i] == ',') continue;
        if (x->c[i] == '.' && !point)
            point = true;
        else if (!is_digit(x->c[i]))
            other = true;
        value[n++] = (char)x->c[i];
    }
    while (point && !other && n && value[n - 1] == '0') n--;
    if (point && n && value[n - 1] == '.') n--;
    size_t zeros = 0;
    while (!other && zeros + 1 < n && value[zeros] == '0' && value[zeros + 1] != '.' && n - zeros <= 2) zeros++;
    memmove(value, value + zeros, n - zeros);
    return n - zeros;
}

static size_t skip_one_space(const lexing *x, size_t i) { return is_space(peek(x, i)) ? i + 1 : i; }

static size_t letters_end(const lexing *x, size_t i) {
    while (is_letter(peek(x, i))) i++;
    return i;
}

/* The unit at `at`: "%", "days", "working days", 天. *end: the position after it. */
static uint32_t unit_at(const lexing *x, size_t at, size_t *end) {
    char word[WORD_BYTES];
    size_t used;
    *end = at;
    uint32_t unit = gate_unit_of_sign(peek(x, skip_one_space(x, at)));
    if (unit) return *end = skip_one_space(x, at) + 1, unit;
    size_t begin = skip_one_space(x, at);
    if (peek(x, begin) == '-') begin++; /* "30-day" */
    if (is_east_asian(peek(x, begin))) {
        unit = gate_unit_of_han(x->c + begin, x->n - begin, &used);
        if (unit) *end = begin + used;
        return unit;
    }
    size_t stop = letters_end(x, begin);
    size_t n = lower_word(x, begin, stop, word);
    const bool working = (n == 7 && !memcmp(word, "working", 7)) || (n == 8 && !memcmp(word, "business", 8));
    const bool per = n == 3 && !memcmp(word, "per", 3);
    if (working || per) {
        const size_t second = skip_one_space(x, stop);
        stop = letters_end(x, second);
        n = lower_word(x, second, stop, word);
        if (per) return n == 4 && !memcmp(word, "cent", 4) ? (*end = stop, gate_unit_of_sign('%')) : GATE_UNIT_NONE;
        if (n < 3 || memcmp(word, "day", 3) != 0) return GATE_UNIT_NONE;
        *end = stop;
        return gate_unit_of_word("workday", 7);
    }
    unit = n ? gate_unit_of_word(word, n) : GATE_UNIT_NONE;
    if (unit) *end = stop;
    return unit;
}

/* The currency before a number: "$ 5", "CNY 5". */
static uint32_t unit_before(const lexing *x) {
    const gate_lexed *out = x->out;
    char word[WORD_BYTES];
    if (!out->n_tokens) return GATE_UNIT_NONE;
    const gate_token *t = &out->tokens[out->n_tokens - 1];
    if (x->at - t->end > 1 || t->sentence != x->sentence) return GATE_UNIT_NONE;
    if (t->kind == GATE_MARK && x->c[t->begin] != '%') return gate_unit_of_sign(x->c[t->begin]);
    const size_t n = lower_word(x, t->begin, t->end, word);
    const bool currency = n == 3 && (!memcmp(word, "cny", 3) || !memcmp(word, "rmb", 3) || !memcmp(word, "usd", 3) ||
                                     !memcmp(word, "eur", 3) || !memcmp(word, "gbp", 3));
    return currency ? gate_unit_of_word(word, n) : GATE_UNIT_NONE;
}

static unsigned int two_digits(const lexing *x, size_t begin, size_t end) {
    unsigned int value = 0;
    for (size_t i = begin; i < end; i++) value = value * 10 + (unsigned int)(x->c[i] - '0');
    return value;
}

/* Adds a date, and its month separately for texts that name only the month. */
static llmcs_status add_date(lexing *x, unsigned int month, unsigned int day, size_t begin, size_t end) {
    char value[8] = {(char)('0' + month / 10 % 10), (char)('0' + month % 10), '-', (char)('0' + day / 10 % 10),
                     (char)('0' + day % 10)};
    SHOP_TRY(add_number(x, value, 5, GATE_UNIT_DATE, begin, end));
    return add_number(x, value, 2, GATE_UNIT_MONTH_OF_YEAR, begin, end);
}

/* Reads "2026-11-20" or 11月20日. *end: the position after it, or `begin` if there is no date. */
static llmcs_status lex_date(lexing *x, size_t begin, size_t stop, size_t *end) {
    *end = begin;
    if (stop - begin >= 8 && stop - begin <= 10 && (peek(x, begin + 4) == '-' || peek(x, begin + 4) == '/')) {
        const int32_t mark = peek(x, begin + 4);
        size_t second = begin + 5;
        while (second < stop && is_digit(x->c[second])) second++;
        if (second >= stop || x->c[second] != mark || second - begin - 5 > 2) return LLMCS_OK;
        size_t day_stop = second + 1;
        while (day_stop < stop && is_digit(x->c[day_stop])) day_stop++;
        if (day_stop != stop || day_stop - second > 3) return LLMCS_OK;
        char year[4];
        for (size_t i = 0; i < 4; i++) year[i] = (char)x->c[begin + i];
        SHOP_TRY(add_number(x, year, 4, gate_unit_of_word("year", 4), begin, begin + 4));
        *end = stop;
        return add_date(x, two_digits(x, begin + 5, second), two_digits(x, second + 1, stop), begin, stop);
    }
    if (stop - begin > 2 || peek(x, stop) != 0x6708 || !is_digit(peek(x, stop + 1))) return LLMCS_OK;
    size_t day_end = stop + 1;
    while (is_digit(peek(x, day_end))) day_end++;
    const int32_t last = peek(x, day_end);
    if (day_end - stop > 3 || (last != 0x65e5 && last != 0x53f7)) return LLMCS_OK;
    *end = day_end + 1;
    return add_date(x, two_digits(x, begin, stop), two_digits(x, stop + 1, day_end), begin, *end);
}

static bool is_ordinal(const char *word, size_t n) {
    return n == 2 &&
           (!memcmp(word, "st", 2) || !memcmp(word, "nd", 2) || !memcmp(word, "rd", 2) || !memcmp(word, "th", 2));
}

/* Reads a number at x->at. If letters follow that are not a unit, it is a code: "5G". */
static llmcs_status lex_number(lexing *x) {
    const size_t begin = x->at, stop = number_end(x, begin);
    size_t end, code_end = stop;
    char value[64], word[WORD_BYTES];
    SHOP_TRY(lex_date(x, begin, stop, &end));
    if (end > begin) {
        if (peek(x, end) == 'T' && is_digit(peek(x, end + 1))) end++; /* 2026-11-20T14:00 */
        x->at = end;
        return LLMCS_OK;
    }
    while (is_letter(peek(x, code_end)) || (code_end > stop && is_digit(peek(x, code_end)))) code_end++;
    uint32_t unit = unit_at(x, stop, &end);
    const size_t n_letters = lower_word(x, stop, code_end, word);
    if (n_letters && is_ordinal(word, n_letters))
        end = code_end;
    else if (n_letters && (!unit || end < code_end))
        return x->at = code_end, add_token(x, GATE_CODE, begin, code_end);
    if (peek(x, stop) == 0x6708) unit = GATE_UNIT_MONTH_OF_YEAR; /* 月 without 个 and without a day */
    if (!unit) unit = unit_before(x);
    const size_t n = canonical(x, begin, stop, value);
    if (!unit && memchr(value, ':', n)) unit = GATE_UNIT_TIME;
    SHOP_TRY(add_token(x, GATE_NUMBER, begin, stop));
    x->out->tokens[x->out->n_tokens - 1].number = (uint32_t)x->out->n_numbers;
    SHOP_TRY(add_number(x, value, n, unit, begin, stop));
    x->at = end > stop ? end : stop;
    return LLMCS_OK;
}

/* ---- numbers in words */

static llmcs_status add_value(lexing *x, unsigned int value, uint32_t unit, size_t begin, size_t end) {
    char digits[16];
    size_t n = 0, at = sizeof digits;
    do digits[--at] = (char)('0' + value % 10), n++;
    while (value /= 10);
    return add_number(x, digits + at, n, unit, begin, end);
}

/* 0 to 12, 20, ..., 90, 100, 1000; -1 for another word. */
static int word_value(const char *word, size_t n) {
    static const char *const names[] = {
        "zero", "one",    "two",    "three",    "four",     "five",    "six",     "seven",     "eight",    "nine",
        "ten",  "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
    static const char *const tens[] = {"twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"};
    for (int i = 0; i < 20; i++)
        if (strlen(names[i]) == n && !memcmp(word, names[i], n)) return i;
    for (int i = 0; i < 8; i++)
        if (strlen(tens[i]) == n && !memcmp(word, tens[i], n)) return 20 + 10 * i;
    if (n == 7 && !memcmp(word, "hundred", 7)) return 100;
    if (n == 8 && !memcmp(word, "thousand", 8)) return 1000;
    if (n == 5 && !memcmp(word, "dozen", 5)) return 12;
    return -1;
}

/* Reads a number written as a word, "two" or "twenty-four". "one" counts only before a unit. */
static llmcs_status lex_word_number(lexing *x, size_t begin, size_t end) {
    char word[WORD_BYTES];
    size_t dash = begin, behind;
    while (dash < end && x->c[dash] != '-') dash++;
    int value = word_value(word, lower_word(x, begin, dash, word));
    if (value < 0) return LLMCS_OK;
    if (dash < end) {
        const int more = word_value(word, lower_word(x, dash + 1, end, word));
        if (value < 20 || value > 90 || more < 1 || more > 9) {
            if (value < 1) return LLMCS_OK; /* "two-year": its unit is in the word */
            size_t n = lower_word(x, dash + 1, end, word);
            return add_value(x, (unsigned int)value, gate_unit_of_word(word, n), begin, end);
        }
        value += more;
    }
    const uint32_t unit = unit_at(x, end, &behind);
    if (value == 1 && !gate_unit_counts_one(unit)) return LLMCS_OK;
    return add_value(x, (unsigned int)value, unit, begin, end);
}

/* Reads Chinese numerals before a unit: 三天, 二十四小时, 百分之五, and 半 before a unit. Their characters become
 * tokens too. */
static llmcs_status lex_han_number(lexing *x) {
    size_t end = x->at, behind;
    unsigned int total;
    bool per_cent = false;
    if (peek(x, end) == 0x767e && peek(x, end + 1) == 0x5206 && peek(x, end + 2) == 0x4e4b) per_cent = true, end += 3;
    const size_t first = end;
    if (first && shop_is_numeral(peek(x, first - 1))) return LLMCS_OK; /* inside one */
    if (peek(x, end) == 0x534a) {                                      /* 半 */
        const uint32_t unit = unit_at(x, end + 1, &behind);
        return gate_unit_counts_one(unit) ? add_number(x, "0.5", 3, unit, end, end + 1) : LLMCS_OK;
    }
    end += shop_read_numeral(x->c + first, x->n - first, &total);
    if (end == first) return LLMCS_OK;
    const uint32_t unit = per_cent ? gate_unit_of_sign('%') : unit_at(x, end, &behind);
    if (!unit || (total == 1 && !gate_unit_counts_one(unit))) return LLMCS_OK;
    return add_value(x, total, unit, x->at, end);
}

/* ---- words and links */

static bool in_link(int32_t c) {
    return is_digit(c) || (c < 128 && is_letter(c)) || (c > 0 && c < 128 && strchr("-_.:/?#@&=+%~", c) != NULL);
}

static bool has_end(const lexing *x, size_t begin, size_t end) {
    static const char *const ends[] = {"com", "cn",   "net",  "org", "io", "co",  "uk",  "de",  "fr",
                                       "eu",  "info", "shop", "app", "me", "cc",  "tv",  "top", "xyz",
                                       "biz", "hk",   "jp",   "us",  "ru", "vip", "ltd", "link"};
    char word[WORD_BYTES];
    const size_t n = lower_word(x, begin, end, word);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (strlen(ends[i]) == n && !memcmp(word, ends[i], n)) return true;
    return false;
}

/* The end of the link or address at `begin`, or `begin`. It has a scheme, an @, or a known top-level domain. */
static size_t link_end(const lexing *x, size_t begin) {
    size_t end = begin;
    bool is_link = false;
    while (in_link(peek(x, end)) && end - begin < LOOK_AHEAD) end++;
    while (end > begin && strchr(".:?#&=-", x->c[end - 1])) end--;
    for (size_t i = begin; i < end && !is_link; i++) {
        if (x->c[i] == ':') is_link = peek(x, i + 1) == '/' && peek(x, i + 2) == '/';
        if (x->c[i] == '@') is_link = i > begin && i + 1 < end;
        if (x->c[i] == '.' && i > begin && is_letter(peek(x, i + 1))) {
            size_t stop = i + 1;
            while (stop < end && is_letter(x->c[stop])) stop++;
            is_link = (stop == end || strchr("/:?#.", (char)x->c[stop])) && has_end(x, i + 1, stop);
        }
    }
    return is_link ? end : begin;
}

/* Reads a word at x->at: letters and digits, with - and ' inside. */
static llmcs_status lex_word(lexing *x) {
    const size_t begin = x->at, link = link_end(x, begin);
    size_t end = begin;
    bool digits = false;
    x->at = link;
    if (link > begin) return add_token(x, GATE_LINK, begin, link);
    for (;; end++) {
        const int32_t c = peek(x, end), next = peek(x, end + 1);
        const bool inside = (c == '-' || is_apostrophe(c)) && (is_letter(next) || is_digit(next));
        if (!is_letter(c) && !is_digit(c) && !inside) break;
        digits = digits || is_digit(c);
        x->out->n_letters++;
    }
    x->at = end;
    SHOP_TRY(add_token(x, digits ? GATE_CODE : GATE_WORD, begin, end));
    return digits ? LLMCS_OK : lex_word_number(x, begin, end);
}

/* True if a token joins the numbers around it, so that they share a unit: "5 to 7 days", 5到7天. */
static bool joins_numbers(const lexing *x, size_t begin, size_t end) {
    char word[WORD_BYTES];
    const int32_t c = x->c[begin];
    if (end - begin == 1)
        return c == '-' || c == '~' || c == 0x2013 || c == 0x2014 || c == 0x5230 || c == 0x81f3 || c == 0x6216;
    const size_t n = lower_word(x, begin, end, word);
    return n == 2 && (!memcmp(word, "to", 2) || !memcmp(word, "or", 2));
}

/* ---- dates with the name of the month */

/* Joins "20 November" and "November 20" to dates. A month without a day is a date too and is compared. */
static llmcs_status join_months(lexing *x) {
    gate_lexed *out = x->out;
    const size_t n_tokens = out->n_tokens;
    for (size_t i = 0; i < n_tokens; i++) {
        char word[WORD_BYTES];
        const gate_token *t = &out->tokens[i];
        if (t->kind != GATE_WORD) continue;
        const uint32_t month = gate_month(word, lower_word(x, t->begin, t->end, word), t->capital);
        if (!month) continue;
        const gate_token *neighbours[2] = {i ? t - 1 : NULL, i + 1 < n_tokens ? t + 1 : NULL};
        x->sentence = t->sentence;
        x->open_number = -1;
        bool dated = false;
        for (size_t k = 0; k < 2 && !dated; k++) {
            const gate_token *d = neighbours[k];
            if (!d || d->kind != GATE_NUMBER || d->end - d->begin > 2 || d->sentence != t->sentence) continue;
            const unsigned int day = two_digits(x, d->begin, d->end);
            if (!day || day > 31) continue;
            const uint32_t number = d->number;
            const size_t begin = d->begin, end = d->end;
            SHOP_TRY(add_date(x, month, day, begin, end));
            out->numbers[number] = out->numbers[out->n_numbers - 2]; /* replaces the plain number */
            dated = true;
        }
        if (!dated) {
            const char value[2] = {(char)('0' + month / 10), (char)('0' + month % 10)};
            SHOP_TRY(add_number(x, value, 2, GATE_UNIT_MONTH_OF_YEAR, t->begin, t->end));
        }
    }
    return LLMCS_OK;
}

/* ---- the whole text */

static llmcs_status lex_one(lexing *x) {
    const int32_t c = x->c[x->at];
    if (is_digit(c)) {
        const size_t link = link_end(x, x->at);
        const size_t begin = x->at;
        if (link == begin) return lex_number(x);
        x->at = link;
        return add_token(x, GATE_LINK, begin, link);
    }
    if (is_letter(c)) return lex_word(x);
    if (is_east_asian(c)) {
        x->out->n_han++;
        SHOP_TRY(lex_han_number(x));
        return add_token(x, GATE_HAN, x->at, x->at + 1), x->at++, LLMCS_OK;
    }
    if (!is_space(c) && c != '\n') SHOP_TRY(add_token(x, GATE_MARK, x->at, x->at + 1));
    if (ends_sentence(c)) x->sentence++;
    x->at++;
    return LLMCS_OK;
}

static llmcs_status lex_all(lexing *x) {
    gate_lexed *out = x->out;
    for (size_t i = 0; i < x->n; i++) {
        const int32_t c = x->c[i];
        out->broken =
            out->broken || c == 0xfffd || (c < 0x20 && c != '\n' && c != '\t' && c != '\r') || (c >= 0x7f && c < 0xa0);
    }
    while (x->at < x->n) {
        const size_t n_tokens = out->n_tokens, n_numbers = out->n_numbers;
        SHOP_TRY(lex_one(x));
        if (out->n_tokens == n_tokens || out->n_numbers > n_numbers || x->open_number < 0) continue;
        const gate_token *t = &out->tokens[out->n_tokens - 1];
        if (!joins_numbers(x, t->begin, t->end)) x->open_number = -1;
    }
    return join_months(x);
}

llmcs_status gate_lex(const llmcs_allocator *a, const char *text, size_t text_bytes, gate_lexed *lexed) {
    *lexed = (gate_lexed){.allocator = a};
    if (text_bytes > UINT32_MAX / 4) return shop_fail(LLMCS_LIMIT, "text: too long to compare");
    llmcs_status status = shop_normalise_cased(a, text, text_bytes, &lexed->code_points, &lexed->n_code_points);
    if (!status) {
        lexing x = {.out = lexed, .c = lexed->code_points, .n = lexed->n_code_points, .open_number = -1};
        status = lex_all(&x);
    }
    if (status) gate_lexed_free(lexed);
    return status;
}

void gate_lexed_free(gate_lexed *lexed) {
    const llmcs_allocator *a = lexed->allocator;
    shop_free(a, lexed->code_points);
    shop_free(a, lexed->tokens);
    shop_free(a, lexed->numbers);
    *lexed = (gate_lexed){.allocator = a};
}
