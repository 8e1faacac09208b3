/*
 * Finds phone numbers, bank cards and identity numbers.
 *
 * A segment is a run of digits of one script. Segments that are joined by separators or a change of script form a
 * chain. From each segment on, the longest part of the chain that is a number of a known kind is taken: 138-0013-8000,
 * (010) 6234 5678, 4111 1111 1111 1111.
 */
#include <string.h>

#include "shop/guard/find.h"

enum { MAX_DIGITS = 32, MAX_SEGMENTS = 24 };

/* What precedes a segment. */
typedef enum gap {
    GAP_START,  /* nothing that belongs to a number */
    GAP_SCRIPT, /* no character, but a change of script: 138一三八 */
    GAP_SPACE,
    GAP_DASH,
    GAP_DOT,
    GAP_SLASH,
    GAP_PAREN, /* parentheses, with or without spaces */
    GAP_MIXED
} gap;

typedef struct segment {
    uint32_t begin, end;
    gap before;
} segment;

/* Segments [0, n) of a chain, and their digits in sequence. */
typedef struct window {
    const shop_text_view *view;
    const shop_hits *hits;
    segment segments[MAX_SEGMENTS];
    size_t first_digit[MAX_SEGMENTS + 1];
    size_t n_segments;
    uint8_t digits[MAX_DIGITS];
    gap after;       /* what follows the last segment of the window; GAP_START if the chain ends */
    size_t next_len; /* number of digits in the segment after the window */
} window;

/* The candidate: the first n segments of a window. */
typedef struct number {
    const window *w;
    size_t n;        /* number of segments */
    size_t n_digits; /* in all segments */
    const uint8_t *d;
    size_t begin, end;
    bool plus; /* preceded by + */
} number;

static bool is_digit(const shop_view_char *c) { return c->digit != SHOP_NO_DIGIT; }

/* --------------------------------------------------------------------------------------------------- segments */

static bool is_dash(uint32_t c) { return c == '-' || (c >= 0x2010 && c <= 0x2015) || c == 0x2212 || c == '~'; }

/* Reads up to 3 separator characters at i. Returns their number; 0 if there are none or no digit follows. */
static size_t read_gap(const shop_text_view *view, size_t i, gap *kind) {
    size_t n = 0, n_dash = 0, n_dot = 0, n_slash = 0, n_paren = 0;
    for (; i + n < view->n && n < 3; n++) {
        const shop_view_char *c = &view->at[i + n];
        if (is_digit(c)) break;
        if (is_dash(c->code) || c->code == '_' || c->code == '*')
            n_dash++;
        else if (c->code == '.' || c->code == 0xb7 || c->code == 0x30fb)
            n_dot++;
        else if (c->code == '/')
            n_slash++;
        else if (c->code == '(' || c->code == ')')
            n_paren++;
        else if (c->kind != SHOP_CHAR_SPACE || c->code == '\n' || c->code == '\r')
            return 0;
    }
    if (!n || n_dot > 1 || i + n >= view->n || !is_digit(&view->at[i + n])) return 0;
    const int kinds = !!n_dash + !!n_dot + !!n_slash + !!n_paren;
    *kind = kinds > 1 && !n_paren ? GAP_MIXED
            : n_paren             ? GAP_PAREN
            : n_dash              ? GAP_DASH
            : n_dot               ? GAP_DOT
            : n_slash             ? GAP_SLASH
                                  : GAP_SPACE;
    return n;
}

static size_t segment_end(const shop_text_view *view, size_t i) {
    const uint8_t kind = view->at[i].kind;
    const size_t begin = i;
    while (i < view->n && is_digit(&view->at[i]) && view->at[i].kind == kind) i++;
    /* Characters that follow 一 in words: 一直, 一样, 一共, 一下, 一个, 一定, 一起, 一些, 一次. There 一 is not a
     * digit. */
    static const uint16_t after_one[] = {0x76f4, 0x6837, 0x5171, 0x4e0b, 0x4e2a, 0x5b9a, 0x8d77, 0x4e9b, 0x6b21, 0};
    if (i - begin > 1 && i < view->n && view->at[i - 1].code == 0x4e00)
        for (const uint16_t *c = after_one; *c; c++)
            if (view->at[i].code == *c) return i - 1;
    return i;
}

/* Fills the window with the chain that starts with the segment at `begin`. */
static void fill_window(window *w, size_t begin, gap before) {
    const shop_text_view *view = w->view;
    size_t n_digits = 0;
    w->n_segments = 0;
    w->after = GAP_START;
    w->next_len = 0;
    for (;;) {
        const size_t end = segment_end(view, begin);
        if (w->n_segments == MAX_SEGMENTS || n_digits + (end - begin) > MAX_DIGITS) {
            w->after = before;
            w->next_len = end - begin;
            return;
        }
        w->segments[w->n_segments] = (segment){(uint32_t)begin, (uint32_t)end, before};
        w->first_digit[w->n_segments++] = n_digits;
        for (size_t i = begin; i < end; i++) w->digits[n_digits++] = view->at[i].digit;
        w->first_digit[w->n_segments] = n_digits;
        if (end < view->n && is_digit(&view->at[end])) {
            before = GAP_SCRIPT;
            begin = end;
            continue;
        }
        const size_t gap_len = read_gap(view, end, &before);
        if (!gap_len) return;
        begin = end + gap_len;
    }
}

/* --------------------------------------------------------------------------------------------------- helpers */

static size_t segment_len(const number *x, size_t i) { return x->w->first_digit[i + 1] - x->w->first_digit[i]; }

/* True if all gaps have the same kind, one of `allowed` (bits of gap). A change of script matches every kind. */
static bool has_uniform_gaps(const number *x, unsigned allowed) {
    gap found = GAP_START;
    for (size_t i = 1; i < x->n; i++) {
        const gap g = x->w->segments[i].before;
        if (g == GAP_SCRIPT) continue;
        if (!(allowed >> g & 1) || (found != GAP_START && g != found)) return false;
        found = g;
    }
    return true;
}
#define ALLOW(g) (1u << (g))
enum { ANY_GAP = 0xff };

static bool only_scripts_change(const number *x) {
    for (size_t i = 1; i < x->n; i++)
        if (x->w->segments[i].before != GAP_SCRIPT) return false;
    return true;
}

/* True if the segments have the lengths in `shape` ("344"). A change of script does not separate segments here. */
static bool has_shape(const number *x, const char *shape) {
    size_t len = 0;
    for (size_t i = 0; i < x->n; i++) {
        if (i && x->w->segments[i].before != GAP_SCRIPT) {
            if (!*shape || len != (size_t)(*shape++ - '0')) return false;
            len = 0;
        }
        len += segment_len(x, i);
    }
    return *shape && len == (size_t)(*shape - '0') && !shape[1];
}

static bool is_one_of(const number *x, const char *const *shapes) {
    for (; *shapes; shapes++)
        if (has_shape(x, *shapes)) return true;
    return false;
}

static uint32_t value_of(const uint8_t *d, size_t n) {
    uint32_t value = 0;
    for (size_t i = 0; i < n; i++) value = 10 * value + d[i];
    return value;
}

static bool is_date(uint32_t year, uint32_t month, uint32_t day) {
    static const uint8_t days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (year < 1900 || year > 2099 || month < 1 || month > 12 || day < 1 || day > days[month - 1]) return false;
    return month != 2 || day < 29 || (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
}

/* 2024-05-12, 12.05.2024, 05/12/24 at the start; 192.168.0.1; 20240512. */
static bool looks_like_date(const number *x) {
    const uint8_t *d = x->d;
    if (x->n >= 3 && x->w->segments[1].before == x->w->segments[2].before) {
        const size_t a = segment_len(x, 0), b = segment_len(x, 1), c = segment_len(x, 2);
        const uint32_t first = value_of(d, shop_min(a, 4)), second = value_of(d + a, shop_min(b, 4)),
                       third = value_of(d + a + b, shop_min(c, 4));
        if (a == 4 && b <= 2 && c <= 2 && is_date(first, second, third)) return true;
        if (a <= 2 && b <= 2 && (c == 4 || c == 2) && x->n == 3) {
            const uint32_t year = c == 4 ? third : 2000;
            if (is_date(year, second, first) || is_date(year, first, second)) return true;
        }
    }
    return x->n_digits == 8 && x->n == 1 && is_date(value_of(d, 4), value_of(d + 4, 2), value_of(d + 6, 2));
}

static bool looks_like_ip(const number *x) {
    if (x->n != 4) return false;
    for (size_t i = 0; i < 4; i++)
        if (segment_len(x, i) > 3 || (i && x->w->segments[i].before != GAP_DOT)) return false;
    return true;
}

static bool is_currency(uint32_t c) {
    return c == '$' || c == 0xa3 || c == 0xa5 || c == 0x20ac || c == 0x20bd || c == 0x20a9 || c == 0x20b9;
}

/* True if 元, 块, 万, 亿, 円, 件, 个 or % follows, or a currency sign precedes. */
static bool looks_like_amount(const number *x) {
    const shop_text_view *view = x->w->view;
    size_t i = x->begin;
    while (i && view->at[i - 1].kind == SHOP_CHAR_SPACE) i--;
    if (i && is_currency(view->at[i - 1].code)) return true;
    for (i = x->end; i < view->n && view->at[i].kind == SHOP_CHAR_SPACE;) i++;
    if (i >= view->n) return false;
    const uint32_t c = view->at[i].code;
    return c == 0x5143 || c == 0x5757 || c == 0x4e07 || c == 0x4ebf || c == 0x5186 || c == '%' || is_currency(c);
}

/*
 * True if the number is joined to something else at `i`: to a letter or digit, by a decimal point or thousands
 * separator to more digits, or by a dash or slash to a short number or a code of letters.
 */
static bool is_tied(const shop_text_view *view, size_t i, size_t next, bool forward) {
    const uint32_t c = view->at[i].code;
    if (!(c == '.' || c == ',' || is_dash(c) || c == '/' || c == '_')) return false;
    if (!shop_is_word_char(&view->at[next])) return false;
    size_t n = 0, n_letters = 0;
    for (size_t k = next; n < 12 && shop_is_word_char(&view->at[k]); n++) {
        n_letters += view->at[k].kind == SHOP_CHAR_LETTER;
        if (forward ? k + 1 >= view->n : !k) {
            n++;
            break;
        }
        k = forward ? k + 1 : k - 1;
    }
    if (c == '.' || c == ',') return n_letters == 0 && n <= 3;
    if (n_letters) return !forward && n_letters <= 3 && (c == '-' || c == '_'); /* SKU-138..., but 138...-Office */
    return n < 7;
}

/* True if groups of digits with the same spacing precede or follow: the number is part of a longer one. */
static bool is_part_of_groups(const number *x) {
    const shop_text_view *view = x->w->view;
    gap behind;
    if (x->n < 2 || x->w->segments[1].before != GAP_SPACE) return false;
    if (read_gap(view, x->end, &behind) && behind == GAP_SPACE) return true;
    size_t i = x->begin;
    if (i < 2 || view->at[i - 1].kind != SHOP_CHAR_SPACE || view->at[i - 1].code == '\n') return false;
    if (view->at[i - 2].kind == SHOP_CHAR_DIGIT) return true;
    /* As in "NL06 ABNA 0650 5404 67": letters, and before them a group that ends with a digit. */
    enum { LONGEST_GROUP = 4 };
    size_t n = 0;
    for (i--; i && view->at[i - 1].kind == SHOP_CHAR_LETTER && n <= LONGEST_GROUP; n++) i--;
    return n && n <= LONGEST_GROUP && i > 1 && view->at[i - 1].code == ' ' && view->at[i - 2].kind == SHOP_CHAR_DIGIT;
}

/* A single Han digit after other digits is mostly part of a word: 一直 after 0310 4531131. */
static bool ends_in_word(const number *x) {
    const segment *last = &x->w->segments[x->n - 1];
    if (x->n < 2 || last->before != GAP_SCRIPT || last->end - last->begin > 1) return false;
    for (size_t i = 1; i + 1 < x->n; i++)
        if (x->w->segments[i].before == GAP_SCRIPT) return false;
    return x->w->view->at[last->begin].kind == SHOP_CHAR_HAN;
}

static bool is_free(const number *x) {
    const shop_text_view *view = x->w->view;
    const shop_view_char *at = view->at;
    if (is_part_of_groups(x) || ends_in_word(x)) return false;
    if (x->begin &&
        (shop_is_word_char(&at[x->begin - 1]) || (x->begin > 1 && is_tied(view, x->begin - 1, x->begin - 2, false))))
        return false;
    if (x->end >= view->n) return true;
    return !shop_is_word_char(&at[x->end]) && !(x->end + 1 < view->n && is_tied(view, x->end, x->end + 1, true));
}

static bool ends_sentence(const shop_text_view *view, size_t i) {
    const uint32_t c = view->at[i].code;
    return c == '\n' || c == '!' || c == '?' || c == ';' || c == 0x3002 ||
           (c == '.' && i + 1 < view->n && view->at[i + 1].kind == SHOP_CHAR_SPACE);
}

/* True if a word such as "call" or 电话 precedes the number in the same sentence, or follows closely. */
static bool has_phone_word(const number *x) {
    enum { BEFORE = 40, AFTER = 16 };
    const shop_text_view *view = x->w->view;
    size_t from = x->begin, to = x->end;
    if (from > 1 && view->at[from - 1].code == '\n' && view->at[from - 2].code == ':') from--; /* "Phone:" above it */
    while (from && x->begin - from < BEFORE && !ends_sentence(view, from - 1)) from--;
    while (to < view->n && to - x->end < AFTER && !ends_sentence(view, to)) to++;
    return shop_has_hit(x->w->hits, from, x->begin, SHOP_LEX_PHONE) ||
           shop_has_hit(x->w->hits, x->end, to, SHOP_LEX_PHONE);
}

/* ------------------------------------------------------------------------------------------- identity numbers */

/* First two digits of a Chinese region code (GB/T 2260). */
static bool is_region(uint32_t code) {
    static const char regions[] =
        "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 "
        "61 62 63 64 65 71 81 82 83";
    for (size_t i = 0; i + 1 < sizeof regions; i += 3)
        if (code == (uint32_t)(regions[i] - '0') * 10 + (uint32_t)(regions[i + 1] - '0')) return true;
    return false;
}

/* GB 11643: the sum of 17 digits weighted by 2^(17-i), plus the last digit (X is 10), is 1 mod 11. */
static bool is_chinese_id(const uint8_t *d, uint32_t last) {
    static const uint8_t weights[] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
    uint32_t sum = last;
    for (size_t i = 0; i < 17; i++) sum += weights[i] * (uint32_t)d[i];
    return sum % 11 == 1 && is_region(value_of(d, 2)) &&
           is_date(value_of(d + 6, 4), value_of(d + 10, 2), value_of(d + 12, 2));
}

/* True if the number begins with a region code and has a plausible date of birth. */
static bool looks_like_id(const uint8_t *d) {
    const uint32_t year = value_of(d + 6, 4), month = value_of(d + 10, 2), day = value_of(d + 12, 2);
    return is_region(value_of(d, 2)) && year >= 1900 && year < 2030 && month <= 13 && day <= 31;
}

/* 18 digits, or 17 followed by X. */
static const char *find_chinese_id(number *x) {
    const shop_text_view *view = x->w->view;
    if (!has_uniform_gaps(x, ALLOW(GAP_SPACE) | ALLOW(GAP_DASH))) return NULL;
    if (x->n_digits == 18 && is_free(x) && is_chinese_id(x->d, x->d[17])) return "gb11643";
    if (x->n_digits != 17 || x->end >= view->n || (view->at[x->end].code | 32) != 'x') return NULL;
    number longer = *x;
    longer.end++;
    if (!is_free(&longer) || !is_chinese_id(x->d, 10)) return NULL;
    *x = longer;
    return "gb11643";
}

/* US social security: 3-2-4 with dashes; area not 000, 666 or 9xx, group not 00, serial not 0000. */
static bool is_ssn(const number *x) {
    if (x->n_digits != 9 || !has_shape(x, "324") || !has_uniform_gaps(x, ALLOW(GAP_DASH))) return false;
    const uint32_t area = value_of(x->d, 3);
    return area && area != 666 && area < 900 && value_of(x->d + 3, 2) && value_of(x->d + 5, 4);
}

/* ------------------------------------------------------------------------------------------------------ cards */

/* ISO/IEC 7812-1 annex B. */
static bool is_luhn(const uint8_t *d, size_t n) {
    uint32_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        const uint32_t twice = 2u * d[n - 1 - i];
        sum += i % 2 ? twice / 10 + twice % 10 : d[n - 1 - i];
    }
    return sum % 10 == 0;
}

typedef struct issuer {
    uint32_t first, last; /* the first 6 digits */
    uint8_t shortest, longest;
} issuer;

/* Ranges of issuer numbers and the lengths in use. */
static const issuer issuers[] = {
    {180000, 180099, 15, 15}, {213100, 213199, 15, 15},                           /* JCB */
    {220000, 220499, 16, 19},                                                     /* Mir */
    {222100, 272099, 16, 16}, {510000, 559999, 16, 16},                           /* Mastercard */
    {300000, 305999, 14, 19}, {309500, 309599, 14, 19}, {360000, 369999, 14, 19}, /* Diners Club */
    {380000, 399999, 14, 19}, {340000, 349999, 15, 15}, {370000, 379999, 15, 15}, /* American Express */
    {350000, 359999, 16, 19},                                                     /* JCB */
    {400000, 499999, 13, 19},                                                     /* Visa */
    {500000, 509999, 12, 19}, {560000, 589999, 12, 19},                           /* Maestro, RuPay */
    {600000, 601099, 12, 19}, {601100, 601199, 16, 19}, {601200, 619999, 12, 19},
    {620000, 629999, 14, 19},                           /* UnionPay */
    {630000, 639999, 12, 19}, {640000, 659999, 16, 19}, /* Discover */
    {660000, 699999, 12, 19}, {810000, 829999, 16, 19}, /* UnionPay, RuPay */
    {955880, 955889, 16, 19},                           /* older Chinese debit cards */
};

static bool is_card(const number *x) {
    static const char *const shapes[] = {"4444", "44443", "44441", "44442", "465", "464", "446", "456", NULL};
    if (x->n_digits < 12 || x->n_digits > 19 || !is_luhn(x->d, x->n_digits)) return false;
    if (!only_scripts_change(x) &&
        !(has_uniform_gaps(x, ALLOW(GAP_SPACE) | ALLOW(GAP_DASH) | ALLOW(GAP_DOT)) && is_one_of(x, shapes)))
        return false;
    if (x->n_digits >= 18 && looks_like_id(x->d)) return false; /* an identity number with a typing error */
    const uint32_t prefix = value_of(x->d, 6);
    for (size_t i = 0; i < sizeof issuers / sizeof *issuers; i++)
        if (prefix >= issuers[i].first && prefix <= issuers[i].last && x->n_digits >= issuers[i].shortest &&
            x->n_digits <= issuers[i].longest)
            return true;
    return false;
}

/* ----------------------------------------------------------------------------------------------------- phones */

/* Chinese mobile prefixes 130 to 199 as assigned in 2024: third digits by second digit. */
static bool is_mobile(const uint8_t *d) {
    static const uint16_t third[10] = {
        [3] = 0x3ff, [4] = 0x3f3, [5] = 0x3ef, [6] = 0x0e4, [7] = 0x1ff, [8] = 0x3ff, [9] = 0x3ef};
    return d[0] == 1 && third[d[1]] >> d[2] & 1;
}

/* Digits of a Chinese area code: 010, 02x, or four; 0 if it is none. */
static size_t area_code_len(const uint8_t *d, size_t n) {
    /* Bit c of row b: area codes 0bc? are in use. */
    static const uint16_t in_use[10] = {
        [3] = 0x2ba, [4] = 0x1ee, [5] = 0x3fe, [6] = 0x248, [7] = 0x2ff, [8] = 0x3ae, [9] = 0x2bb};
    if (n < 4 || d[0] != 0) return 0;
    if (d[1] == 1) return d[2] == 0 ? 3 : 0;
    if (d[1] == 2) return d[2] != 6 ? 3 : 0;
    return in_use[d[1]] >> d[2] & 1 ? 4 : 0;
}

/* A landline number with its area code: 7 or 8 digits (8 with a three-digit code), the first 2 to 8. */
static bool is_landline(const uint8_t *d, size_t n) {
    const size_t area = area_code_len(d, n), rest = n - area;
    if (!area || rest < 7 || rest > 8 || (area == 3 && rest != 8)) return false;
    return d[area] >= 2 && d[area] <= 8;
}

/* North American plan: area and exchange start with 2 to 9, neither is N11. */
static bool is_north_american(const uint8_t *d) {
    return d[0] >= 2 && d[3] >= 2 && !(d[1] == 1 && d[2] == 1) && !(d[4] == 1 && d[5] == 1);
}

/* Length of the country calling code at d (ITU-T E.164), or 0. */
static size_t country_code_len(const uint8_t *d, size_t n) {
    static const char two[] =
        "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 "
        "64 65 66 81 82 84 86 90 91 92 93 94 95 98";
    if (!n || !d[0]) return 0;
    if (d[0] == 1 || d[0] == 7) return 1;
    if (n < 3) return 0;
    for (size_t i = 0; i + 1 < sizeof two; i += 3)
        if (d[0] == two[i] - '0' && d[1] == two[i + 1] - '0') return 2;
    const uint32_t code = value_of(d, 3);
    const bool in_use = (code >= 211 && code <= 299 && code != 214 && code != 215 && code != 217 && code != 219) ||
                        (code >= 350 && code <= 389 && code != 384) || (code >= 420 && code <= 423) ||
                        (code >= 500 && code <= 509) || (code >= 590 && code <= 599) || (code >= 670 && code <= 692) ||
                        code == 850 || code == 852 || code == 853 || code == 855 || code == 856 || code == 880 ||
                        code == 886 || (code >= 960 && code <= 968) || (code >= 970 && code <= 979) ||
                        (code >= 992 && code <= 998);
    return in_use && !(code >= 280 && code <= 289) ? 3 : 0;
}

static const char *find_mobile(const number *x) {
    static const char *const shapes[] = {"344", "38", "74", "434", "335", "443", "353", "2344", "23333", "2335", NULL};
    const uint8_t *d = x->d;
    size_t skip = 0;
    if (x->n_digits == 13 && d[0] == 8 && d[1] == 6) skip = 2;
    if (x->n_digits == 15 && value_of(d, 4) == 86) skip = 4;
    if (x->n_digits != 11 + skip || !is_mobile(d + skip)) return NULL;
    if (x->plus && !skip) return NULL;
    if (only_scripts_change(x) || x->n == x->n_digits) return "mobile";
    number rest = *x; /* what follows the country code, if that is a separate segment */
    if (skip && segment_len(x, 0) == skip) {
        if (x->n == 2) return "mobile";
        number behind = rest;
        window shifted;
        shifted.view = x->w->view;
        shifted.n_segments = x->n - 1;
        for (size_t i = 1; i < x->n; i++) {
            shifted.segments[i - 1] = x->w->segments[i];
            shifted.first_digit[i - 1] = x->w->first_digit[i] - skip;
        }
        shifted.first_digit[x->n - 1] = x->w->first_digit[x->n] - skip;
        behind.w = &shifted;
        behind.n = x->n - 1;
        return has_uniform_gaps(&behind, ANY_GAP) && is_one_of(&behind, shapes) ? "mobile" : NULL;
    }
    return has_uniform_gaps(&rest, ALLOW(GAP_SPACE) | ALLOW(GAP_DASH) | ALLOW(GAP_DOT)) && is_one_of(&rest, shapes)
               ? "mobile"
               : NULL;
}

/* The area code is a separate segment, or there is only one segment. */
static const char *find_landline(const number *x) {
    if (x->n_digits < 10 || x->n_digits > 12 || !is_landline(x->d, x->n_digits)) return NULL;
    if (only_scripts_change(x)) return "landline";
    const size_t area = area_code_len(x->d, x->n_digits);
    return segment_len(x, 0) == area && x->n <= 4 ? "landline" : NULL;
}

static const char *find_service(const number *x) {
    static const char *const shapes[] = {"334", "343", "433", "37", NULL};
    const uint32_t prefix = value_of(x->d, 3);
    if (x->n_digits != 10 || (prefix != 400 && prefix != 800)) return NULL;
    if (is_one_of(x, shapes) && has_uniform_gaps(x, ALLOW(GAP_DASH) | ALLOW(GAP_SPACE))) return "service number";
    return x->n == 1 && has_phone_word(x) ? "service number" : NULL;
}

/* +CC..., or 00CC with separators. */
static const char *find_international(const number *x) {
    const size_t skip = x->plus ? 0 : 2;
    if (!x->plus && (x->n < 2 || x->d[0] || x->d[1])) return NULL;
    if (x->n_digits < skip + 8 || x->n_digits > skip + 16) return NULL;
    const uint8_t *d = x->d + skip;
    const size_t n = x->n_digits - skip, code = country_code_len(d, n);
    if (!code || n < code + 6) return NULL;
    if (code == 1 && d[0] == 1) return n == 11 && d[1] >= 2 ? "international" : NULL;
    if (code == 2 && d[0] == 8 && d[1] == 6) {
        uint8_t national[MAX_DIGITS + 1] = {0}; /* with the trunk 0 that is dropped after +86 */
        memcpy(national + 1, d + 2, n - 2);
        const bool mobile = n == 13 && is_mobile(d + 2);
        return mobile || is_landline(national, n - 1) || (d[2] == 0 && is_landline(d + 2, n - 2)) ? "international"
                                                                                                  : NULL;
    }
    return "international";
}

/* (415) 555-2671, 415-555-2671, 1-415-555-2671. */
static const char *find_north_american(const number *x) {
    const bool long_distance = x->n_digits == 11 && x->d[0] == 1 && has_shape(x, "1334");
    if (!long_distance && !(x->n_digits == 10 && has_shape(x, "334"))) return NULL;
    return is_north_american(x->d + long_distance) ? "north american" : NULL;
}

/* 01.84.17.61.18, 079 0442 1744: a trunk 0 and at least three parts. */
static const char *find_trunk(const number *x) {
    if (x->n_digits < 9 || x->n_digits > 11 || x->d[0] != 0 || x->d[1] == 0 || x->n < 3) return NULL;
    if (!has_uniform_gaps(x, ALLOW(GAP_SPACE) | ALLOW(GAP_DASH) | ALLOW(GAP_DOT))) return NULL;
    return "national";
}

/* Any other number near a phone word. */
static const char *find_with_word(const number *x) {
    if (x->n_digits < 7 || x->n_digits > 12 || x->n > 5 || !has_phone_word(x)) return NULL;
    if (value_of(x->d + x->n_digits - 4, 4) == 0 && x->n == 1) return NULL; /* a round number counts something */
    for (size_t i = 1; i < x->n; i++)
        if (segment_len(x, i) < 2) return NULL;
    return "phone word";
}

static const char *find_phone(const number *x) {
    const char *rule = NULL;
    if (looks_like_ip(x) || (!x->plus && looks_like_amount(x))) return NULL;
    if (x->plus || (x->d[0] == 0 && x->n_digits > 1 && x->d[1] == 0)) rule = find_international(x);
    if (!rule) rule = find_mobile(x);
    if (rule || x->plus) return rule;
    if (looks_like_date(x)) return NULL;
    if ((rule = find_landline(x)) || (rule = find_service(x)) || (rule = find_north_american(x)) ||
        (rule = find_trunk(x)))
        return rule;
    return find_with_word(x);
}

/* ---------------------------------------------------------------------------------------------------- search */

/* The end of a phone number with its extension: " ext. 459", "x459", "转8001". */
static size_t extension_end(const shop_text_view *view, size_t end) {
    static const char *const words[] = {"extension", "ext.", "ext", "x", NULL};
    size_t i = end;
    while (i < view->n && (view->at[i].code == ' ' || view->at[i].code == ',')) i++;
    if (i < view->n && view->at[i].code == 0x8f6c) { /* 转 */
        i++;
    } else {
        size_t n = 0;
        for (const char *const *w = words; *w && !n; w++) {
            while ((*w)[n] && i + n < view->n && shop_ascii_lower(view->at[i + n].code) == (uint32_t)(*w)[n]) n++;
            if ((*w)[n]) n = 0;
        }
        if (!n) return end;
        i += n;
    }
    while (i < view->n && (view->at[i].code == ' ' || view->at[i].code == ':')) i++;
    const size_t digits = i;
    while (i < view->n && view->at[i].kind == SHOP_CHAR_DIGIT && i - digits < 7) i++;
    return i > digits && i - digits < 7 && (i >= view->n || !shop_is_word_char(&view->at[i])) ? i : end;
}

/* Extends the number to an opening parenthesis before it that closes inside. */
static void include_parenthesis(number *x) {
    const shop_text_view *view = x->w->view;
    size_t open = x->begin;
    if (open && view->at[open - 1].code == '(') open--;
    if (open == x->begin) return;
    for (size_t i = x->begin; i < x->end; i++)
        if (view->at[i].code == ')') {
            x->begin = open;
            return;
        }
}

/* True if + precedes the number, possibly with a space or parenthesis between. */
static bool take_plus(const shop_text_view *view, size_t begin, size_t *plus) {
    size_t i = begin;
    for (size_t n = 0; i && n < 2 && (view->at[i - 1].code == ' ' || view->at[i - 1].code == '('); n++) i--;
    if (!i || view->at[i - 1].code != '+' || (i > 1 && shop_is_word_char(&view->at[i - 2]))) return false;
    *plus = i - 1;
    return true;
}

static llmcs_status add_phone(number *x, size_t plus, const char *rule, shop_findings *f) {
    if (x->plus) x->begin = plus;
    include_parenthesis(x);
    return shop_find_add(f, x->begin, extension_end(x->w->view, x->end), LLMCS_PII_PHONE, SHOP_BY_SHAPE, rule);
}

/* Like is_free, but allows an extension that touches the digits: 555-2671x459. */
static bool is_free_phone(const number *x) {
    number with_extension = *x;
    with_extension.end = extension_end(x->w->view, x->end);
    return is_free(&with_extension);
}

/* Adds the longest number that starts with the window's first segment. *taken: its number of segments. */
static llmcs_status find_at(const window *w, shop_findings *f, size_t *taken) {
    number x = {.w = w, .d = w->digits};
    size_t plus = 0;
    *taken = 0;
    x.plus = take_plus(w->view, w->segments[0].begin, &plus);
    for (size_t n = w->n_segments; n > 0; n--) {
        x.n = n;
        x.n_digits = w->first_digit[n];
        x.begin = w->segments[0].begin;
        x.end = w->segments[n - 1].end;
        if (x.n_digits < 7) break;
        const char *rule = find_chinese_id(&x);
        *taken = n;
        if (rule) return shop_find_add(f, x.begin, x.end, LLMCS_PII_ID, SHOP_BY_ID, rule);
        if (is_free(&x) && is_ssn(&x)) return shop_find_add(f, x.begin, x.end, LLMCS_PII_ID, SHOP_BY_ID, "ssn");
        if (is_free(&x) && is_card(&x)) return shop_find_add(f, x.begin, x.end, LLMCS_PII_CARD, SHOP_BY_CHECK, "luhn");
        if ((rule = find_phone(&x)) && is_free_phone(&x)) return add_phone(&x, plus, rule, f);
        *taken = 0;
    }
    return LLMCS_OK;
}

llmcs_status shop_find_numbers(const shop_text_view *view, const shop_hits *hits, shop_findings *f) {
    window w = {.view = view, .hits = hits};
    for (size_t i = 0; i < view->n;) {
        if (!is_digit(&view->at[i])) {
            i++;
            continue;
        }
        size_t taken;
        const size_t end = segment_end(view, i);
        if (end - i > MAX_DIGITS) {
            i = end;
            continue;
        }
        fill_window(&w, i, GAP_START);
        SHOP_TRY(find_at(&w, f, &taken));
        i = w.segments[taken ? taken - 1 : 0].end;
    }
    return LLMCS_OK;
}
