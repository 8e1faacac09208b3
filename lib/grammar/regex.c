/* Parses regular expressions with a stack of open groups. */
#include "grammar/regex.h"

#include <string.h>

#include "base/utf8.h"
#include "formats/decimal.h"

#define MAX_GROUPS 32
#define MAX_RANGES 256
#define MAX_REPEAT 65536
#define LAST_CHAR 0x10ffff

/* A group that is not closed yet: alternatives | items so far, and the item before the next. */
typedef struct group {
    ll_fragment alternatives, items, item;
    bool any_alternative, any_items, any_item;
    uint32_t first;
} group;

typedef struct parser {
    ll_nfa *n;
    const char *text;
    size_t at, end;
    bool in_string;
    group groups[MAX_GROUPS];
    size_t n_groups;
} parser;

static llmcs_status bad(const parser *p, const char *what) {
    return ll_fail(LLMCS_ARG, "regular expression: byte %zu: %s", p->at, what);
}

static llmcs_status unsupported(const parser *p, const char *what) {
    return ll_fail(LLMCS_UNSUPPORTED, "regular expression: byte %zu: %s is not supported", p->at, what);
}

/* ---- groups */

static group *inner(parser *p) { return &p->groups[p->n_groups - 1]; }

static llmcs_status open_group(parser *p) {
    if (p->n_groups == MAX_GROUPS)
        return ll_fail(LLMCS_LIMIT, "regular expression: byte %zu: more than %d groups inside each other", p->at,
                       MAX_GROUPS);
    p->groups[p->n_groups++] = (group){.first = (uint32_t)p->n->n_states};
    return LLMCS_OK;
}

/* Appends the pending item to the others. */
static void end_item(parser *p) {
    group *g = inner(p);
    if (!g->any_item) return;
    if (g->any_items)
        ll_nfa_join(p->n, &g->items, g->item);
    else
        g->items = g->item;
    g->any_items = true;
    g->any_item = false;
}

static llmcs_status end_alternative(parser *p) {
    group *g = inner(p);
    end_item(p);
    if (!g->any_items) LL_TRY(ll_nfa_empty(p->n, &g->items));
    g->any_items = false;
    if (g->any_alternative) return ll_nfa_or(p->n, &g->alternatives, g->items);
    g->alternatives = g->items;
    g->any_alternative = true;
    return LLMCS_OK;
}

static void set_item(parser *p, ll_fragment item) {
    end_item(p);
    inner(p)->item = item;
    inner(p)->any_item = true;
}

static llmcs_status close_group(parser *p, ll_fragment *out) {
    LL_TRY(end_alternative(p));
    *out = inner(p)->alternatives;
    out->first = inner(p)->first;
    p->n_groups--;
    return LLMCS_OK;
}

/* ---- sets of characters */

typedef struct set {
    ll_code_range ranges[MAX_RANGES];
    size_t n;
} set;

static llmcs_status add_range(const parser *p, set *s, uint32_t lo, uint32_t hi) {
    if (s->n == MAX_RANGES)
        return ll_fail(LLMCS_LIMIT, "regular expression: byte %zu: more than %d ranges in a set", p->at, MAX_RANGES);
    s->ranges[s->n++] = (ll_code_range){lo, hi};
    return LLMCS_OK;
}

/* Sorts by lo, merges, and where `negated` takes the complement. */
static llmcs_status normalise(const parser *p, set *s, bool negated) {
    for (size_t i = 1; i < s->n; i++) {
        const ll_code_range r = s->ranges[i];
        size_t at = i;
        for (; at > 0 && s->ranges[at - 1].lo > r.lo; at--) s->ranges[at] = s->ranges[at - 1];
        s->ranges[at] = r;
    }
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++) {
        if (n && s->ranges[i].lo <= s->ranges[n - 1].hi + 1) {
            if (s->ranges[i].hi > s->ranges[n - 1].hi) s->ranges[n - 1].hi = s->ranges[i].hi;
        } else {
            s->ranges[n++] = s->ranges[i];
        }
    }
    s->n = n;
    if (!negated) return LLMCS_OK;
    uint32_t next = 0;
    n = 0;
    for (size_t i = 0; i < s->n; i++) { /* reads range i before a gap takes its place */
        const ll_code_range r = s->ranges[i];
        if (r.lo > next) s->ranges[n++] = (ll_code_range){next, r.lo - 1};
        next = r.hi + 1;
    }
    s->n = n;
    return next <= LAST_CHAR ? add_range(p, s, next, LAST_CHAR) : LLMCS_OK;
}

static const ll_code_range digits[] = {{'0', '9'}}, words[] = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}},
                           spaces[] = {{'\t', '\r'}, {' ', ' '}};

/* \d \w \s or a complement of them. False: another letter. */
static bool add_class(set *s, char letter, llmcs_status *status, const parser *p) {
    const char *const letters = "dwsDWS", *at = strchr(letters, letter);
    static const ll_code_range *const classes[] = {digits, words, spaces};
    static const size_t sizes[] = {1, 4, 2};
    if (!letter || !at) return false;
    const size_t i = (size_t)(at - letters) % 3;
    set own = {.n = 0};
    memcpy(own.ranges, classes[i], sizes[i] * sizeof *own.ranges);
    own.n = sizes[i];
    *status = normalise(p, &own, at - letters >= 3);
    for (size_t k = 0; !*status && k < own.n; k++) *status = add_range(p, s, own.ranges[k].lo, own.ranges[k].hi);
    return true;
}

static bool read_hex(parser *p, size_t n_digits, uint32_t *out) {
    *out = 0;
    for (size_t i = 0; i < n_digits; i++, p->at++) {
        const int digit = p->at < p->end ? ll_digit_value(p->text[p->at]) : 99;
        if (digit >= 16) return false;
        *out = *out << 4 | (uint32_t)digit;
    }
    return true;
}

static llmcs_status read_char(parser *p, uint32_t *cp) {
    const size_t n = ll_utf8_decode(p->text + p->at, p->end - p->at, cp);
    if (*cp == LL_UTF8_BAD) return bad(p, "not UTF-8");
    p->at += n;
    return LLMCS_OK;
}

/* After a backslash: one character. */
static llmcs_status read_escape(parser *p, uint32_t *cp) {
    static const char letters[] = "nrtfv0", values[] = "\n\r\t\f\v";
    if (p->at == p->end) return bad(p, "a backslash at the end");
    const char c = p->text[p->at];
    const char *at = c ? strchr(letters, c) : NULL;
    if (c == 'x' || c == 'u') {
        p->at++;
        return read_hex(p, c == 'x' ? 2 : 4, cp) ? LLMCS_OK : bad(p, "not hexadecimal digits");
    }
    if (at) {
        p->at++;
        *cp = (unsigned char)values[at - letters];
        return LLMCS_OK;
    }
    if ((c >= '1' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')) return unsupported(p, "this escape");
    return read_char(p, cp);
}

/* One character of a set, or a class, which *is_class says and which is added. */
static llmcs_status read_member(parser *p, set *s, uint32_t *cp, bool *is_class) {
    *is_class = false;
    if (p->text[p->at] != '\\') return read_char(p, cp);
    llmcs_status status = LLMCS_OK;
    p->at++;
    if (p->at < p->end && add_class(s, p->text[p->at], &status, p)) {
        *is_class = true;
        p->at++;
        return status;
    }
    if (p->at < p->end && p->text[p->at] == 'b') {
        *cp = '\b';
        p->at++;
        return LLMCS_OK;
    }
    return read_escape(p, cp);
}

/* After '['. */
static llmcs_status read_set(parser *p, ll_fragment *out) {
    set s = {.n = 0};
    const bool negated = p->at < p->end && p->text[p->at] == '^';
    p->at += negated;
    for (bool first = true; p->at < p->end && (first || p->text[p->at] != ']'); first = false) {
        uint32_t lo, hi;
        bool is_class;
        LL_TRY(read_member(p, &s, &lo, &is_class));
        if (is_class) continue;
        hi = lo;
        if (p->at + 1 < p->end && p->text[p->at] == '-' && p->text[p->at + 1] != ']') {
            p->at++;
            LL_TRY(read_member(p, &s, &hi, &is_class));
            if (is_class || hi < lo) return bad(p, "a range in a set that ends before it begins");
        }
        LL_TRY(add_range(p, &s, lo, hi));
    }
    if (p->at == p->end) return bad(p, "a set without ]");
    p->at++;
    LL_TRY(normalise(p, &s, negated));
    return ll_nfa_chars(p->n, s.ranges, s.n, p->in_string, out);
}

static llmcs_status add_char(parser *p, uint32_t cp) {
    const ll_code_range r = {cp, cp};
    ll_fragment f;
    LL_TRY(ll_nfa_chars(p->n, &r, 1, p->in_string, &f));
    set_item(p, f);
    return LLMCS_OK;
}

static llmcs_status add_escaped(parser *p) {
    set s = {.n = 0};
    llmcs_status status = LLMCS_OK;
    uint32_t cp;
    ll_fragment f;
    if (p->at < p->end && add_class(&s, p->text[p->at], &status, p)) {
        p->at++;
        LL_TRY(status);
        LL_TRY(ll_nfa_chars(p->n, s.ranges, s.n, p->in_string, &f));
        set_item(p, f);
        return LLMCS_OK;
    }
    LL_TRY(read_escape(p, &cp));
    return add_char(p, cp);
}

static llmcs_status add_dot(parser *p) {
    static const ll_code_range any_but_newline[] = {{0, '\n' - 1}, {'\n' + 1, LAST_CHAR}};
    ll_fragment f;
    LL_TRY(ll_nfa_chars(p->n, any_but_newline, 2, p->in_string, &f));
    set_item(p, f);
    return LLMCS_OK;
}

/* ---- repetition */

static bool read_number(parser *p, size_t *out) {
    const size_t begin = p->at;
    *out = 0;
    for (; p->at < p->end && p->text[p->at] >= '0' && p->text[p->at] <= '9'; p->at++) {
        if (*out <= MAX_REPEAT) *out = *out * 10 + (size_t)(p->text[p->at] - '0');
    }
    return p->at > begin;
}

/* After '{': m} or m,} or m,n}. */
static llmcs_status read_counts(parser *p, size_t *min, size_t *max) {
    if (!read_number(p, min)) return bad(p, "{ without a number: write \\{ for the character");
    *max = *min;
    if (p->at < p->end && p->text[p->at] == ',') {
        p->at++;
        if (!read_number(p, max)) *max = SIZE_MAX;
    }
    if (p->at == p->end || p->text[p->at] != '}') return bad(p, "{ without }");
    p->at++;
    if (*max < *min) return bad(p, "a repetition whose most is less than its least");
    if (*min > MAX_REPEAT || (*max > MAX_REPEAT && *max != SIZE_MAX))
        return ll_fail(LLMCS_LIMIT, "regular expression: byte %zu: more than %d repetitions", p->at, MAX_REPEAT);
    return LLMCS_OK;
}

static llmcs_status repeat_item(parser *p, char c) {
    size_t min = c == '+' ? 1 : 0, max = c == '?' ? 1 : SIZE_MAX;
    if (!inner(p)->any_item) return bad(p, "nothing to repeat");
    if (c == '{') LL_TRY(read_counts(p, &min, &max));
    if (p->at < p->end && p->text[p->at] == '?') p->at++; /* lazy: the same texts */
    if (p->at < p->end && p->text[p->at] && strchr("*+{", p->text[p->at]))
        return unsupported(p, "a repetition of a repetition");
    return ll_nfa_repeat(p->n, &inner(p)->item, min, max);
}

/* ---- compilation */

static llmcs_status begin_group(parser *p) {
    if (p->at < p->end && p->text[p->at] == '?') {
        if (p->at + 1 == p->end || p->text[p->at + 1] != ':') return unsupported(p, "(? that is not (?:");
        p->at += 2;
    }
    return open_group(p);
}

static llmcs_status end_group(parser *p) {
    ll_fragment whole;
    if (p->n_groups == 1) return bad(p, ") without (");
    LL_TRY(close_group(p, &whole));
    set_item(p, whole);
    return LLMCS_OK;
}

static llmcs_status parse_one(parser *p) {
    const char c = p->text[p->at];
    uint32_t cp;
    if (strchr("(){}[]|*+?.\\^$", c) && c) p->at++;
    switch (c) {
        case '(':
            return begin_group(p);
        case ')':
            return end_group(p);
        case '|':
            return end_alternative(p);
        case '*':
        case '+':
        case '?':
        case '{':
            return repeat_item(p, c);
        case '.':
            return add_dot(p);
        case '[': {
            ll_fragment f;
            LL_TRY(read_set(p, &f));
            set_item(p, f);
            return LLMCS_OK;
        }
        case '\\':
            return add_escaped(p);
        case '^':
        case '$':
            return unsupported(p, "^ or $ that is not at the end of the whole expression");
        case ']':
        case '}':
            return add_char(p, (unsigned char)c);
        default:
            LL_TRY(read_char(p, &cp));
            return add_char(p, cp);
    }
}

/* Any characters, of a JSON string. */
static llmcs_status add_anything(ll_nfa *n, ll_fragment *out) {
    static const ll_code_range any = {0, LAST_CHAR};
    LL_TRY(ll_nfa_chars(n, &any, 1, true, out));
    return ll_nfa_repeat(n, out, 0, SIZE_MAX);
}

/* True if the last character is a $ that is not escaped. */
static bool ends_anchored(const char *pattern, size_t n) {
    size_t slashes = 0;
    if (!n || pattern[n - 1] != '$') return false;
    while (slashes + 1 < n && pattern[n - 2 - slashes] == '\\') slashes++;
    return slashes % 2 == 0;
}

llmcs_status ll_regex_compile(ll_nfa *n, const char *pattern, size_t n_bytes, ll_regex_mode mode, ll_fragment *out) {
    parser p = {.n = n, .text = pattern, .end = n_bytes, .in_string = mode == LL_REGEX_STRING};
    const bool from_start = n_bytes && pattern[0] == '^', to_end = ends_anchored(pattern, n_bytes);
    const uint32_t first = (uint32_t)n->n_states;
    ll_fragment body, more;
    p.at = from_start;
    p.end -= to_end;
    LL_TRY(open_group(&p));
    while (p.at < p.end) {
        const bool outside = p.n_groups == 1 && p.text[p.at] == '|';
        if (outside && (from_start || to_end) && mode == LL_REGEX_STRING)
            return unsupported(&p, "^ or $ next to | without a group around the alternatives");
        LL_TRY(parse_one(&p));
    }
    if (p.n_groups > 1) return bad(&p, "( without )");
    LL_TRY(close_group(&p, &body));
    if (mode == LL_REGEX_STRING && !from_start) {
        LL_TRY(add_anything(n, &more));
        ll_nfa_join(n, &more, body);
        body = more;
    }
    if (mode == LL_REGEX_STRING && !to_end) {
        LL_TRY(add_anything(n, &more));
        ll_nfa_join(n, &body, more);
    }
    body.first = first;
    *out = body;
    return LLMCS_OK;
}
