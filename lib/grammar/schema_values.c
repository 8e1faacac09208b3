/* Strings, numbers and fixed values of a JSON schema. */
#include <string.h>

#include "base/utf8.h"
#include "grammar/regex.h"
#include "grammar/schema_parts.h"

#define MAX_DIGITS 17 /* of a number that has no bounds */
#define MAX_BOUND 999999999999999999LL

static llmcs_status text_of(ll_nfa *n, const char *pattern, ll_fragment *out) {
    return ll_regex_compile(n, pattern, strlen(pattern), LL_REGEX_TEXT, out);
}

llmcs_status ll_schema_then(ll_nfa *n, ll_fragment *f, const char *bytes) {
    ll_fragment more;
    LL_TRY(ll_nfa_bytes(n, bytes, strlen(bytes), &more));
    ll_nfa_join(n, f, more);
    return LLMCS_OK;
}

/* ---- strings */

static llmcs_status call_shared(ll_schema *s, uint32_t *rule, llmcs_status (*body)(ll_schema *, ll_fragment *),
                                ll_fragment *out) {
    if (*rule == LL_NFA_NONE) {
        ll_fragment f;
        LL_TRY(ll_nfa_add_rule(s->nfa, rule)); /* first: the body may call it */
        LL_TRY(body(s, &f));
        ll_nfa_set_rule(s->nfa, *rule, f);
    }
    return ll_nfa_call(s->nfa, *rule, out);
}

static llmcs_status any_character(ll_schema *s, ll_fragment *out) {
    static const ll_code_range any = {0, 0x10ffff};
    return ll_nfa_chars(s->nfa, &any, 1, true, out);
}

/* Any string of min to max characters, with its quotes. A character is a rule, so that counting copies two states. */
static llmcs_status counted_string(ll_schema *s, size_t min, size_t max, ll_fragment *out) {
    ll_fragment f;
    LL_TRY(ll_nfa_bytes(s->nfa, "\"", 1, out));
    LL_TRY(call_shared(s, &s->shared.character, any_character, &f));
    f.first = f.start; /* the rule's own states are not part of it */
    LL_TRY(ll_nfa_repeat(s->nfa, &f, min, max));
    ll_nfa_join(s->nfa, out, f);
    return ll_schema_then(s->nfa, out, "\"");
}

static llmcs_status string_body(ll_schema *s, ll_fragment *out) {
    ll_fragment f;
    LL_TRY(ll_nfa_bytes(s->nfa, "\"", 1, out));
    LL_TRY(any_character(s, &f));
    LL_TRY(ll_nfa_repeat(s->nfa, &f, 0, SIZE_MAX));
    ll_nfa_join(s->nfa, out, f);
    return ll_schema_then(s->nfa, out, "\"");
}

llmcs_status ll_schema_any_string(ll_schema *s, ll_fragment *out) {
    return call_shared(s, &s->shared.string, string_body, out);
}

llmcs_status ll_schema_quoted(ll_schema *s, const char *text, size_t n_bytes, ll_fragment *out) {
    LL_TRY(ll_nfa_bytes(s->nfa, "\"", 1, out));
    for (size_t i = 0; i < n_bytes;) {
        ll_code_range r;
        ll_fragment f;
        i += ll_utf8_decode(text + i, n_bytes - i, &r.lo);
        r.hi = r.lo;
        LL_TRY(ll_nfa_chars(s->nfa, &r, 1, true, &f));
        ll_nfa_join(s->nfa, out, f);
    }
    return ll_schema_then(s->nfa, out, "\"");
}

#define MONTH_DAY \
    "((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))"
#define DATE "[12][0-9]{3}-" MONTH_DAY
#define TIME "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"

static const struct {
    const char *name, *pattern;
} formats[] = {
    {"date", DATE},
    {"time", TIME},
    {"date-time", DATE "T" TIME},
    {"email",
     "[A-Za-z0-9_+-]{1,24}(\\.[A-Za-z0-9_+-]{1,24}){0,2}@[A-Za-z0-9]{1,24}(-[A-Za-z0-9]{1,16})?"
     "(\\.[A-Za-z0-9]{1,24})?\\.[A-Za-z]{2,12}"},
    {"uuid", "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"},
};

static llmcs_status formatted_string(ll_schema *s, ll_json format, ll_fragment *out) {
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        ll_fragment f;
        if (!ll_json_equals(format, formats[i].name)) continue;
        LL_TRY(ll_nfa_bytes(s->nfa, "\"", 1, out));
        LL_TRY(text_of(s->nfa, formats[i].pattern, &f));
        ll_nfa_join(s->nfa, out, f);
        return ll_schema_then(s->nfa, out, "\"");
    }
    return ll_schema_bad(s, LLMCS_UNSUPPORTED, format, "only date, time, date-time, email and uuid are supported");
}

static llmcs_status pattern_string(ll_schema *s, ll_json pattern, ll_fragment *out) {
    size_t n;
    const char *text = ll_json_string(pattern, &n);
    ll_fragment f;
    if (!text) return ll_schema_bad(s, LLMCS_ARG, pattern, "expected a string");
    LL_TRY(ll_nfa_bytes(s->nfa, "\"", 1, out));
    LL_TRY(ll_regex_compile(s->nfa, text, n, LL_REGEX_STRING, &f));
    ll_nfa_join(s->nfa, out, f);
    return ll_schema_then(s->nfa, out, "\"");
}

llmcs_status ll_schema_string(ll_schema *s, const ll_schema_view *v, ll_fragment *out) {
    size_t min = 0, max = SIZE_MAX;
    ll_json pattern, format, longest;
    LL_TRY(ll_schema_get(s, v, "pattern", &pattern));
    LL_TRY(ll_schema_get(s, v, "format", &format));
    LL_TRY(ll_schema_get(s, v, "maxLength", &longest));
    LL_TRY(ll_schema_count(s, v, "minLength", &min));
    LL_TRY(ll_schema_count(s, v, "maxLength", &max));
    const bool counted = min || max != SIZE_MAX, has_pattern = ll_json_get_type(pattern) != LL_JSON_MISSING;
    const bool has_format = ll_json_get_type(format) != LL_JSON_MISSING;
    if (counted + has_pattern + has_format > 1)
        return ll_schema_bad(s, LLMCS_UNSUPPORTED, has_pattern ? pattern : format,
                             "not together with another of pattern, format, minLength and maxLength");
    if (has_pattern) return pattern_string(s, pattern, out);
    if (has_format) return formatted_string(s, format, out);
    if (min > max) return ll_schema_bad(s, LLMCS_ARG, longest, "less than minLength");
    return counted ? counted_string(s, min, max, out) : ll_schema_any_string(s, out);
}

/* ---- numbers */

/* The numbers prefix * 10^n_free and the next ones, up to the last with prefix `last`, which differs in its last digit
 * only. */
static llmcs_status add_block(ll_nfa *n, int64_t prefix, int64_t last, size_t n_free, ll_fragment *all, bool *any) {
    char digits[24], pattern[64];
    size_t length = 0, at = 0;
    ll_fragment f;
    for (int64_t x = prefix / 10; x > 0; x /= 10) digits[length++] = (char)('0' + x % 10);
    while (length) pattern[at++] = digits[--length];
    pattern[at++] = '[';
    pattern[at++] = (char)('0' + prefix % 10);
    pattern[at++] = '-';
    pattern[at++] = (char)('0' + last % 10);
    pattern[at++] = ']';
    LL_TRY(ll_regex_compile(n, pattern, at, LL_REGEX_TEXT, &f));
    if (n_free) {
        ll_fragment free_digits;
        LL_TRY(text_of(n, "[0-9]", &free_digits));
        LL_TRY(ll_nfa_repeat(n, &free_digits, n_free, n_free));
        ll_nfa_join(n, &f, free_digits);
    }
    return ll_schema_add(n, all, any, f);
}

/* The decimal numbers from lo to hi, 0 <= lo, in blocks whose last digits are free. */
static llmcs_status add_decimals(ll_nfa *n, int64_t lo, int64_t hi, ll_fragment *all, bool *any) {
    while (lo <= hi) {
        int64_t power = 1;
        size_t n_free = 0;
        while (lo >= power * 10 && lo % (power * 10) == 0 && power * 10 - 1 <= hi - lo) { /* as many as fit */
            power *= 10;
            n_free++;
        }
        int64_t prefix = lo / power, last = prefix;
        while (last % 10 != 9 && (last + 2) * power - 1 <= hi) last++;
        LL_TRY(add_block(n, prefix, last, n_free, all, any));
        lo = (last + 1) * power;
    }
    return LLMCS_OK;
}

/* Alternatives `sign` decimals `fraction`, unless lo > hi. */
static llmcs_status add_signed(ll_nfa *n, const char *sign, int64_t lo, int64_t hi, const char *fraction,
                               ll_fragment *all, bool *any) {
    ll_fragment f, decimals, rest;
    bool some = false;
    if (lo > hi) return LLMCS_OK;
    LL_TRY(ll_nfa_bytes(n, sign, strlen(sign), &f));
    LL_TRY(add_decimals(n, lo, hi, &decimals, &some));
    ll_nfa_join(n, &f, decimals);
    LL_TRY(text_of(n, fraction, &rest));
    ll_nfa_join(n, &f, rest);
    return ll_schema_add(n, all, any, f);
}

static const char any_fraction[] = "(\\.[0-9]{1,17})?", zero_fraction[] = "(\\.0)?";

/* lo..hi with fractions: a bound itself has none but .0; -0.5 begins with the sign of its own. */
static llmcs_status bounded_number(ll_nfa *n, int64_t lo, int64_t hi, bool integer, ll_fragment *out) {
    bool any = false;
    const char *inside = integer ? "" : any_fraction, *edge = integer ? "" : zero_fraction;
    if (hi >= 0) {
        const int64_t from = lo > 0 ? lo : 0;
        LL_TRY(add_signed(n, "", from, integer ? hi : hi - 1, inside, out, &any));
        if (!integer) LL_TRY(add_signed(n, "", hi, hi, edge, out, &any));
    }
    if (lo < 0) {
        const int64_t to = hi < 0 ? -hi : (integer ? 1 : 0);
        LL_TRY(add_signed(n, "-", to, integer ? -lo : -lo - 1, inside, out, &any));
        if (!integer) LL_TRY(add_signed(n, "-", -lo, -lo, edge, out, &any));
    }
    return LLMCS_OK;
}

/* A bound that is an integer of at most 18 digits; absent: *found is false. */
static llmcs_status read_bound(const ll_schema *s, const ll_schema_view *v, const char *key, bool integer, bool *found,
                               int64_t *out) {
    ll_json at;
    double x = 0;
    LL_TRY(ll_schema_get(s, v, key, &at));
    *found = ll_json_get_type(at) != LL_JSON_MISSING;
    if (!*found) return LLMCS_OK;
    if (!ll_json_double(at, &x)) return ll_schema_bad(s, LLMCS_ARG, at, "expected a number");
    if (x > (double)MAX_BOUND || x < -(double)MAX_BOUND)
        return ll_schema_bad(s, LLMCS_UNSUPPORTED, at, "more than 18 digits are not supported");
    if (!ll_json_int64(at, out)) *out = (int64_t)x;
    const bool whole = (double)*out == x;
    if (!whole && !integer) return ll_schema_bad(s, LLMCS_UNSUPPORTED, at, "only integers are supported");
    if (!whole && x > 0 && !strcmp(key, "minimum")) ++*out;
    if (!whole && x < 0 && !strcmp(key, "maximum")) --*out;
    if (!whole && x > 0 && !strcmp(key, "exclusiveMaximum")) ++*out;
    if (!whole && x < 0 && !strcmp(key, "exclusiveMinimum")) --*out;
    return LLMCS_OK;
}

/* The tighter of the two bounds of one side, of integers; numbers have no exclusive ones. */
static llmcs_status read_side(const ll_schema *s, const ll_schema_view *v, bool low, bool integer, bool *found,
                              int64_t *bound) {
    bool exclusive;
    int64_t other;
    const char *key = low ? "exclusiveMinimum" : "exclusiveMaximum";
    LL_TRY(read_bound(s, v, low ? "minimum" : "maximum", integer, found, bound));
    LL_TRY(read_bound(s, v, key, integer, &exclusive, &other));
    if (!exclusive) return LLMCS_OK;
    if (!integer) {
        ll_json at;
        LL_TRY(ll_schema_get(s, v, key, &at));
        return ll_schema_bad(s, LLMCS_UNSUPPORTED, at, "only with type integer");
    }
    other += low ? 1 : -1;
    if (!*found || (low ? other > *bound : other < *bound)) *bound = other;
    *found = true;
    return LLMCS_OK;
}

llmcs_status ll_schema_number(ll_schema *s, const ll_schema_view *v, bool integer, ll_fragment *out) {
    bool has_low, has_high;
    int64_t lo = -MAX_BOUND, hi = MAX_BOUND;
    LL_TRY(read_side(s, v, true, integer, &has_low, &lo));
    LL_TRY(read_side(s, v, false, integer, &has_high, &hi));
    if (!has_low && !has_high)
        return text_of(
            s->nfa,
            integer ? "-?(0|[1-9][0-9]{0,16})" : "-?(0|[1-9][0-9]{0,16})(\\.[0-9]{1,17})?([eE][+-]?[0-9]{1,2})?", out);
    if (!has_low) lo = -MAX_BOUND;
    if (!has_high) hi = MAX_BOUND;
    if (lo > hi) return ll_schema_bad(s, LLMCS_ARG, v->sources[0], "no number lies between its bounds");
    return bounded_number(s->nfa, lo, hi, integer, out);
}

/* ---- any value */

llmcs_status ll_schema_item(ll_schema *s, ll_json values, ll_fragment *out) {
    return ll_json_get_type(values) == LL_JSON_OBJECT ? ll_schema_call(s, values, out) : ll_schema_any(s, out);
}

llmcs_status ll_schema_member(ll_schema *s, ll_json values, ll_fragment *out) {
    ll_fragment f;
    LL_TRY(ll_schema_any_string(s, out));
    LL_TRY(text_of(s->nfa, ": ?", &f));
    ll_nfa_join(s->nfa, out, f);
    LL_TRY(ll_schema_item(s, values, &f));
    ll_nfa_join(s->nfa, out, f);
    return LLMCS_OK;
}

/* Rules that a part needs are made with the first one, which is not copied. */
llmcs_status ll_schema_list(ll_schema *s, const char *brackets, ll_schema_part_fn part, ll_json values, size_t min,
                            size_t max, ll_fragment *out) {
    ll_nfa *n = s->nfa;
    ll_fragment parts, rest, more;
    if (max == 0) return ll_nfa_bytes(n, brackets, 2, out);
    LL_TRY(part(s, values, &parts));
    LL_TRY(text_of(n, ", ?", &rest));
    LL_TRY(part(s, values, &more));
    ll_nfa_join(n, &rest, more);
    LL_TRY(ll_nfa_repeat(n, &rest, min ? min - 1 : 0, max == SIZE_MAX ? max : max - 1));
    ll_nfa_join(n, &parts, rest);
    if (!min) LL_TRY(ll_nfa_repeat(n, &parts, 0, 1));
    LL_TRY(ll_nfa_bytes(n, brackets, 1, out));
    ll_nfa_join(n, out, parts);
    out->first = parts.first;
    return ll_schema_then(n, out, brackets + 1);
}

static llmcs_status any_body(ll_schema *s, ll_fragment *out) {
    static const ll_schema_view no_keywords = {.n = 0};
    ll_fragment f;
    bool any = false;
    LL_TRY(text_of(s->nfa, "true|false|null", &f));
    LL_TRY(ll_schema_add(s->nfa, out, &any, f));
    LL_TRY(ll_schema_any_string(s, &f));
    LL_TRY(ll_schema_add(s->nfa, out, &any, f));
    LL_TRY(ll_schema_number(s, &no_keywords, false, &f));
    LL_TRY(ll_schema_add(s->nfa, out, &any, f));
    LL_TRY(ll_schema_list(s, "[]", ll_schema_item, (ll_json){0}, 0, SIZE_MAX, &f));
    LL_TRY(ll_schema_add(s->nfa, out, &any, f));
    LL_TRY(ll_schema_list(s, "{}", ll_schema_member, (ll_json){0}, 0, SIZE_MAX, &f));
    return ll_schema_add(s->nfa, out, &any, f);
}

llmcs_status ll_schema_any(ll_schema *s, ll_fragment *out) { return call_shared(s, &s->shared.any, any_body, out); }

/* ---- fixed values */

static llmcs_status join_scalar(ll_schema *s, ll_json v, ll_fragment *out) {
    size_t n;
    ll_fragment f;
    const char *text = ll_json_string(v, &n);
    if (text) {
        LL_TRY(ll_schema_quoted(s, text, n, &f));
    } else {
        const char *source = ll_json_source(v, &n);
        LL_TRY(ll_nfa_bytes(s->nfa, source, n, &f));
    }
    ll_nfa_join(s->nfa, out, f);
    return LLMCS_OK;
}

llmcs_status ll_schema_key(ll_schema *s, ll_json member, ll_fragment *out) {
    size_t n;
    const char *key = ll_json_key(member, &n);
    ll_fragment f;
    LL_TRY(ll_schema_quoted(s, key, n, out));
    LL_TRY(text_of(s->nfa, ": ?", &f));
    ll_nfa_join(s->nfa, out, f);
    return LLMCS_OK;
}

static bool is_container(ll_json v) {
    return ll_json_get_type(v) == LL_JSON_ARRAY || ll_json_get_type(v) == LL_JSON_OBJECT;
}

llmcs_status ll_schema_literal(ll_schema *s, ll_json value, ll_fragment *out) {
    ll_json open[LL_JSON_MAX_DEPTH + 1], at = value;
    size_t depth = 0;
    LL_TRY(ll_nfa_empty(s->nfa, out));
    while (true) {
        const bool in_object = depth && ll_json_get_type(open[depth - 1]) == LL_JSON_OBJECT;
        ll_fragment f;
        if (in_object) {
            LL_TRY(ll_schema_key(s, at, &f));
            ll_nfa_join(s->nfa, out, f);
        }
        if (is_container(at)) {
            LL_TRY(ll_schema_then(s->nfa, out, ll_json_get_type(at) == LL_JSON_ARRAY ? "[" : "{"));
            open[depth++] = at;
            if (ll_json_count(at)) {
                at = ll_json_first(at);
                continue;
            }
        } else {
            LL_TRY(join_scalar(s, at, out));
        }
        while (depth) { /* the next value, or ends of containers */
            const bool ended = is_container(at) && at.node == open[depth - 1].node;
            const ll_json next = ended ? (ll_json){0} : ll_json_next(at);
            if (ll_json_get_type(next)) {
                LL_TRY(text_of(s->nfa, ", ?", &f));
                ll_nfa_join(s->nfa, out, f);
                at = next;
                break;
            }
            at = open[--depth];
            LL_TRY(ll_schema_then(s->nfa, out, ll_json_get_type(at) == LL_JSON_ARRAY ? "]" : "}"));
        }
        if (!depth) return LLMCS_OK;
    }
}
