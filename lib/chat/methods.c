/* Methods of strings, dicts, lists and loop, as Python and jinja2 have them. What would change a value is refused, as
 * the immutable sandbox does. */
#include <string.h>
#include <utf8proc.h>

#include "base/utf8.h"
#include "chat/builtins.h"
#include "chat/lexer.h"

typedef llmcs_status (*method_fn)(ll_machine *m, ll_value self, const ll_args *args, ll_value *out);

static llmcs_status need_text(ll_machine *m, const char *what, ll_value v) {
    if (v.type == LL_V_STRING) return LLMCS_OK;
    return ll_raise(m, "TypeError", "%s must be str, not %s", what, ll_type_name(v));
}

/* ---- case */

#define CASE_METHOD(name, how)                                                                         \
    static llmcs_status str_##name(ll_machine *m, ll_value self, const ll_args *args, ll_value *out) { \
        LL_TRY(ll_bind_none(m, #name, args));                                                          \
        return ll_change_case(m, self.string, how, out);                                               \
    }
CASE_METHOD(upper, LL_UPPER)
CASE_METHOD(lower, LL_LOWER)
CASE_METHOD(title, LL_TITLE)
CASE_METHOD(capitalize, LL_CAPITALIZE)
CASE_METHOD(swapcase, LL_SWAP_CASE)

/* ---- strip */

static llmcs_status strip(ll_machine *m, const char *name, ll_value self, const ll_args *args, int sides,
                          ll_value *out) {
    static const char *const names[] = {"chars"};
    ll_value chars;
    LL_TRY(ll_bind(m, name, args, names, 0, 1, &chars));
    if (chars.type == LL_V_UNDEFINED && !ll_is_absent(chars)) LL_TRY(need_text(m, "strip arg", chars));
    if (ll_is_absent(chars) || chars.type == LL_V_NONE) return ll_strip(m, self.string, NULL, sides, out);
    if (chars.type != LL_V_STRING) return ll_raise(m, "TypeError", "%s arg must be None or str", name);
    return ll_strip(m, self.string, chars.string, sides, out);
}

static llmcs_status str_strip(ll_machine *m, ll_value self, const ll_args *args, ll_value *out) {
    return strip(m, "strip", self, args, 3, out);
}
static llmcs_status str_lstrip(ll_machine *m, ll_value self, const ll_args *args, ll_value *out) {
    return strip(m, "lstrip", self, args, 1, out);
}
static llmcs_status str_rstrip(ll_machine *m, ll_value self, const ll_args *args, ll_value *out) {
    return strip(m, "rstrip", self, args, 2, out);
}

static llmcs_status remove_affix(ll_machine *m, ll_value self, const ll_args *args, bool prefix, ll_value *out) {
    static const char *const names[] = {"affix"};
    ll_value what;
    LL_TRY(ll_bind(m, prefix ? "removeprefix" : "removesuffix", args, names, 1, 1, &what));
    LL_TRY(need_text(m, prefix ? "removeprefix() argument" : "removesuffix() argument", what));
    const ll_string *s = self.string, *w = what.string;
    LL_TRY(ll_step_bytes(m, w->n));
    *out = self;
    if (w->n > s->n || memcmp(prefix ? s->text : s->text + (s->n - w->n), w->text, w->n) != 0) return LLMCS_OK;
    return prefix ? ll_substring(m, s, w->n, s->n, out) : ll_substring(m, s, 0, s->n - w->n, out);
}

static llmcs_status str_removeprefix(ll_machine *m, ll_value self, const ll_args *args, ll_value *out) {
    return remove_affix(m, self, args, true, out);
}
static llmcs_status str_removesuffix(ll_machine *m, ll_value self, const ll_args *args, ll_value *out) {
    return remove_affix(m, self, args, false, out);
}

/* ---- split and join */

/* Parts are appended to a list that grows. */
typedef struct parts {
    ll_machine *m;
    const ll_string *s;
    ll_value *items;
    size_t n, capacity;
} parts;

static llmcs_status add_part(parts *p, size_t begin, size_t end) {
    if (p->n == p->capacity) {
        const size_t capacity = 2 * p->capacity + 4;
        ll_value *items;
        LL_TRY(ll_value_alloc(p->m, capacity, sizeof *items, &items));
        if (p->n) memcpy(items, p->items, p->n * sizeof *items);
        p->items = items;
        p->capacity = capacity;
    }
    return ll_substring(p->m, p->s, begin, end, &p->items[p->n++]);
}

static llmcs_status take_parts(parts *p, bool reversed, ll_value *out) {
    LL_TRY(ll_new_list(p->m, LL_V_LIST, p->n, out));
    for (size_t i = 0; i < p->n; i++) out->list->items[reversed ? p->n - 1 - i : i] = p->items[i];
    return LLMCS_OK;
}

/* The beginning of the character that ends at `end`. */
static size_t char_before(const ll_string *s, size_t end) {
    do end--;
    while (end > 0 && ((unsigned char)s->text[end] & 0xc0) == 0x80);
    return end;
}

static llmcs_status split_space(parts *p, int64_t max) {
    const ll_string *s = p->s;
    size_t at = 0, len;
    for (;; max--) {
        while (at < s->n && (len = ll_space_at(s->text, s->n, at))) at += len;
        if (at == s->n) return LLMCS_OK;
        size_t end = at;
        if (max == 0) return add_part(p, at, s->n);
        while (end < s->n && !ll_space_at(s->text, s->n, end)) end++;
        LL_TRY(add_part(p, at, end));
        at = end;
    }
}

static llmcs_status rsplit_space(parts *p, int64_t max) {
    const ll_string *s = p->s;
    size_t end = s->n;
    for (;; max--) {
        while (end > 0 && ll_space_at(s->text, s->n, char_before(s, end))) end = char_before(s, end);
        if (end == 0) return LLMCS_OK;
        size_t at = end;
        if (max == 0) return add_part(p, 0, end);
        while (at > 0 && !ll_space_at(s->text, s->n, char_before(s, at))) at = char_before(s, at);
        LL_TRY(add_part(p, at, end));
        end = at;
    }
}

static llmcs_status split_text(parts *p, const ll_string *by, int64_t max) {
    size_t at = 0;
    for (; max != 0; max--) {
        const size_t found = ll_find_text(p->s->text, at, p->s->n, by->text, by->n);
        if (found == SIZE_MAX) break;
        LL_TRY(add_part(p, at, found));
        at = found + by->n;
    }
    return add_part(p, at, p->s->n);
}

/* The last position of `what` in the first n bytes, or SIZE_MAX. */
static size_t find_last(const char *text, size_t n, const ll_string *what) {
    if (what->n > n) return SIZE_MAX;
    for (size_t i = n - what->n + 1; i-- > 0;)
        if (memcmp(text + i, what->text, what->n) == 0) return i;
    return SIZE_MAX;
}

static llmcs_status rsplit_text(parts *p, const ll_string *by, int64_t max) {
    size_t end = p->s->n;
    for (; max != 0; max--) {
        LL_TRY(ll_step(p->m, by->n));
        const size_t found = find_last(p->s->text, end, by);
        if (found == SIZE_MAX) break;
        LL_TRY(add_part(p, found + by->n, end));
        end = found;
    }
    return add_part(p, 0, end);
}

/* Comparing a text with itself shifted costs at most its length times that of what is looked for. */
static llmcs_status charge_backwards(ll_machine *m, const ll_string *s, const ll_string *what) {
    size_t product;
    return ll_step(m, ll_mul(s->n, what->n / 8 + 1, &product) ? product / 8 + 1 : SIZE_MAX);
}

static llmcs_status split(ll_machine *m, ll_value self, const ll_args *args, bool from_right, ll_value *out) {
    static const char *const names[] = {"sep", "maxsplit"};
    ll_value v[2];
    int64_t max = -1;
    parts p = {.m = m, .s = self.string};
    LL_TRY(ll_bind(m, from_right ? "rsplit" : "split", args, names, 0, 2, v));
    LL_TRY(ll_optional_int(m, v[1], &max));
    LL_TRY(ll_step_bytes(m, p.s->n));
    if (ll_is_absent(v[0]) || v[0].type == LL_V_NONE) {
        LL_TRY(from_right ? rsplit_space(&p, max) : split_space(&p, max));
        return take_parts(&p, from_right, out);
    }
    if (v[0].type != LL_V_STRING) return ll_raise(m, "TypeError", "must be str or None, not %s", ll_type_name(v[0]));
    if (!v[0].string->n) return ll_raise(m, "ValueError", "empty separator");
    if (from_right) LL_TRY(charge_backwards(m, p.s, v[0].string));
    LL_TRY(from_right ? rsplit_text(&p, v[0].string, max) : split_text(&p, v[0].string, max));
    return take_parts(&p, from_right, out);
}

static llmcs_status str_split(ll_machine *m, ll_value self, const ll_args *args, ll_value *out) {
    return split(m, self, args, false, out);
}
static llmcs_status str_rsplit(ll_machine *m, ll_value self, const ll_args *args, ll_value *out) {
    return split(m, self, args, true, out);
}

static llmcs_status str_splitlines(ll_machine *m, ll_value self, const ll_args *args, ll_value *out) {
    static const char *const names[] = {"keepends"};
    ll_value keep;
    LL_TRY(ll_bind(m, "splitlines", args, names, 0, 1, &keep));
    return ll_split_lines(m, self.string, ll_truth(keep), out);
}

static llmcs_status partition(ll_machine *m, ll_value self, const ll_args *args, bool from_right, ll_value *out) {
    static const char *const names[] = {"sep"};
    const ll_string *s = self.string;
    ll_value sep;
    LL_TRY(ll_bind(m, from_right ? "rpartition" : "partition", args, names, 1, 1, &sep));
    if (sep.type != LL_V_STRING) return ll_raise(m, "TypeError", "must be str, not %s", ll_type_name(sep));
    if (!sep.string->n) return ll_raise(m, "ValueError", "empty separator");
    LL_TRY(from_right ? charge_backwards(m, s, sep.string) : ll_step_bytes(m, s->n));
    size_t found = from_right ? find_last(s->text, s->n, sep.string)
                              : ll_find_text(s->text, 0, s->n, sep.string->text, sep.string->n);
    size_t end = found + sep.string->n;
    if (found == SIZE_MAX) found = end = from_right ? 0 : s->n;
    LL_TRY(ll_new_list(m, LL_V_TUPLE, 3, out));
    LL_TRY(ll_substring(m, s, 0, found, &out->list->items[0]));
    LL_TRY(ll_substring(m, s, found, end, &out->list->items[1]));
    return ll_substring(m, s, end, s->n, &out->list->items[2]);
}

static llmcs_status str_partition(ll_machine *m, ll_value self, const ll_args *args, ll_value *out) {
    return partition(m, self, args, false, out);
}
static llmcs_status str_rpartition(ll_machine *m, ll_value self, const ll_args *args, ll_value *out) {
    return partition(m, self, args, true, out);
}

static llmcs_status str_join(ll_machine *m, ll_value self, const ll_args *args, ll_value *out) {
    static const char *const names[] = {"iterable"};
    const size_t begin = m->scratch.n;
    const bool markup = self.string->markup;
    const ll_value *items;
    ll_value list;
    size_t n;
    LL_TRY(ll_bind(m, "join", args, names, 1, 1, &list));
    if (!ll_is_iterable(list)) return ll_raise(m, "TypeError", "can only join an iterable");
    LL_TRY(ll_iterate(m, list, &items, &n));
    for (size_t i = 0; i < n; i++) {
        if (items[i].type != LL_V_STRING && !markup)
            return ll_raise(m, "TypeError", "sequence item %zu: expected str instance, %s found", i,
                            ll_type_name(items[i]));
        if (i) LL_TRY(ll_put_string(m, &m->scratch, self.string));
        LL_TRY(markup ? ll_put_escaped(m, &m->scratch, items[i]) : ll_put_string(m, &m->scratch, items[i].string));
    }
    LL_TRY(ll_take(m, begin, out));
    return ll_with_markup(m, *out, markup, out);
}

static llmcs_status str_replace(ll_machine *m, ll_value self, const ll_args *args, ll_value *out) {
    static const char *const names[] = {"old", "new", "count"};
    ll_value v[3];
    int64_t count = -1;
    const size_t begin = m->scratch.n;
    LL_TRY(ll_bind(m, "replace", args, names, 2, 3, v));
    for (size_t i = 0; i < 2; i++)
        if (v[i].type != LL_V_STRING)
            return ll_raise(m, "TypeError", "replace() argument %zu must be str, not %s", i + 1, ll_type_name(v[i]));
    LL_TRY(ll_optional_int(m, v[2], &count));
    if (self.string->markup) {
        LL_TRY(ll_put_escaped(m, &m->scratch, v[1]));
        LL_TRY(ll_take(m, begin, &v[1]));
    }
    LL_TRY(ll_replace(m, self.string, v[0].string, v[1].string, count, out));
    return ll_with_markup(m, *out, self.string->markup, out);
}

/* ---- searching */

static llmcs_status only_text(ll_machine *m, const char *name, const ll_args *args, ll_value *what) {
    static const char *const names[] = {"sub", "start", "end"};
    ll_value v[3];
    LL_TRY(ll_bind(m, name, args, names, 1, 3, v));
    if (!ll_is_absent(v[1]) || !ll_is_absent(v[2]))
        return ll_unsupported(m, "start and end of %s are not supported", name);
    *what = v[0];
    return LLMCS_OK;
}

static llmcs_status affix(ll_machine *m, ll_value self, const ll_args *args, bool prefix, ll_value *out) {
    const char *name = prefix ? "startswith" : "endswith";
    const ll_string *s = self.string;
    ll_value what;
    LL_TRY(only_text(m, name, args, &what));
    const ll_value *all = what.type == LL_V_TUPLE ? what.list->items : &what;
    const size_t n = what.type == LL_V_TUPLE ? what.list->n : 1;
    *out = ll_bool(false);
    for (size_t i = 0; i < n && !out->boolean; i++) {
        if (all[i].type != LL_V_STRING)
            return ll_raise(m, "TypeError", "%s first arg must be str or a tuple of str, not %s", name,
                            ll_type_name(all[i]));
        const ll_string *w = all[i].string;
        LL_TRY(ll_step_bytes(m, w->n));
        *out = ll_bool(w->n <= s->n && memcmp(prefix ? s->text : s->text + (s->n - w->n), w->text, w->n) == 0);
    }
    return LLMCS_OK;
}

static llmcs_status str_startswith(ll_machine *m, ll_value self, const ll_args *args, ll_value *out) {
    return affix(m, self, args, true, out);
}
static llmcs_status str_endswith(ll_machine *m, ll_value self, const ll_args *args, ll_value *out) {
    return affix(m, self, args, false, out);
}

/* Position in characters; -1: not there. */
static llmcs_status find(ll_machine *m, const char *name, ll_value self, const ll_args *args, bool last, int64_t *at) {
    const ll_string *s = self.string;
    ll_value what;
    LL_TRY(only_text(m, name, args, &what));
    if (what.type != LL_V_STRING) return ll_raise(m, "TypeError", "must be str, not %s", ll_type_name(what));
    LL_TRY(last ? charge_backwards(m, s, what.string) : ll_step_bytes(m, s->n));
    const size_t found = last ? find_last(s->text, s->n, what.string)
                              : ll_find_text(s->text, 0, s->n, what.string->text, what.string->n);
    *at = found == SIZE_MAX ? -1 : (int64_t)ll_count_chars(s->text, found);
    return LLMCS_OK;
}

#define FIND_METHOD(name, last, fails)                                                                 \
    static llmcs_status str_##name(ll_machine *m, ll_value self, const ll_args *args, ll_value *out) { \
        int64_t at;                                                                                    \
        LL_TRY(find(m, #name, self, args, last, &at));                                                 \
        *out = ll_int(at);                                                                             \
        return (fails) && at < 0 ? ll_raise(m, "ValueError", "substring not found") : LLMCS_OK;        \
    }
FIND_METHOD(find, false, false)
FIND_METHOD(rfind, true, false)
FIND_METHOD(index, false, true)
FIND_METHOD(rindex, true, true)

static llmcs_status str_count(ll_machine *m, ll_value self, const ll_args *args, ll_value *out) {
    const ll_string *s = self.string;
    ll_value what;
    int64_t n = 0;
    LL_TRY(only_text(m, "count", args, &what));
    if (what.type != LL_V_STRING) return ll_raise(m, "TypeError", "must be str, not %s", ll_type_name(what));
    LL_TRY(ll_step_bytes(m, s->n));
    if (!what.string->n) {
        *out = ll_int((int64_t)ll_count_chars(s->text, s->n) + 1);
        return LLMCS_OK;
    }
    for (size_t at = 0; (at = ll_find_text(s->text, at, s->n, what.string->text, what.string->n)) != SIZE_MAX; n++)
        at += what.string->n;
    *out = ll_int(n);
    return LLMCS_OK;
}

/* ---- kinds of characters */

typedef enum kind { IS_ALPHA = 1, IS_DECIMAL = 2, IS_DIGIT = 4, IS_SPACE = 8, IS_NUMERIC = 16 } kind;

/* Numeric_Type=Digit beyond Nd, in the Basic Multilingual Plane (Unicode, DerivedNumericType.txt). */
static bool is_other_digit(uint32_t cp) {
    return cp == 0xb2 || cp == 0xb3 || cp == 0xb9 || (cp >= 0x1369 && cp <= 0x1371) || cp == 0x19da || cp == 0x2070 ||
           (cp >= 0x2074 && cp <= 0x2079) || (cp >= 0x2080 && cp <= 0x2089) || (cp >= 0x2460 && cp <= 0x2468) ||
           (cp >= 0x2474 && cp <= 0x247c) || (cp >= 0x2488 && cp <= 0x2490) || cp == 0x24ea ||
           (cp >= 0x24f5 && cp <= 0x24fd) || cp == 0x24ff || (cp >= 0x2776 && cp <= 0x277e) ||
           (cp >= 0x2780 && cp <= 0x2788) || (cp >= 0x278a && cp <= 0x2792);
}

static unsigned kinds_of(uint32_t cp) {
    char utf8[4];
    const size_t n = ll_utf8_encode(cp, utf8);
    unsigned kinds = ll_space_at(utf8, n, 0) ? IS_SPACE : 0;
    switch (utf8proc_category((utf8proc_int32_t)cp)) {
        case UTF8PROC_CATEGORY_LU:
        case UTF8PROC_CATEGORY_LL:
        case UTF8PROC_CATEGORY_LT:
        case UTF8PROC_CATEGORY_LM:
        case UTF8PROC_CATEGORY_LO:
            return kinds | IS_ALPHA;
        case UTF8PROC_CATEGORY_ND:
            return kinds | IS_DECIMAL | IS_DIGIT | IS_NUMERIC;
        case UTF8PROC_CATEGORY_NL:
        case UTF8PROC_CATEGORY_NO:
            return kinds | IS_NUMERIC | (is_other_digit(cp) ? IS_DIGIT : 0);
        default:
            return kinds;
    }
}

/* True if there is a character and all are of one of these kinds. */
static bool all_of(const ll_string *s, unsigned kinds) {
    for (size_t i = 0; i < s->n;) {
        uint32_t cp;
        i += ll_utf8_decode(s->text + i, s->n - i, &cp);
        if (!(kinds_of(cp) & kinds)) return false;
    }
    return s->n > 0;
}

#define KIND_METHOD(name, kinds)                                                                       \
    static llmcs_status str_##name(ll_machine *m, ll_value self, const ll_args *args, ll_value *out) { \
        LL_TRY(ll_bind_none(m, #name, args));                                                          \
        LL_TRY(ll_step(m, self.string->n));                                                            \
        *out = ll_bool(all_of(self.string, kinds));                                                    \
        return LLMCS_OK;                                                                               \
    }
KIND_METHOD(isalpha, IS_ALPHA)
KIND_METHOD(isdecimal, IS_DECIMAL)
KIND_METHOD(isdigit, IS_DIGIT)
KIND_METHOD(isspace, IS_SPACE)
KIND_METHOD(isalnum, IS_ALPHA | IS_DECIMAL | IS_DIGIT | IS_NUMERIC)

static llmcs_status str_isascii(ll_machine *m, ll_value self, const ll_args *args, ll_value *out) {
    LL_TRY(ll_bind_none(m, "isascii", args));
    LL_TRY(ll_step_bytes(m, self.string->n));
    *out = ll_bool(true);
    for (size_t i = 0; i < self.string->n; i++)
        if ((unsigned char)self.string->text[i] >= 0x80) *out = ll_bool(false);
    return LLMCS_OK;
}

/* True if there is a letter of this case and none of the other. */
static llmcs_status is_case(ll_machine *m, ll_value self, const ll_args *args, bool upper, ll_value *out) {
    const ll_string *s = self.string;
    bool some = false;
    LL_TRY(ll_bind_none(m, upper ? "isupper" : "islower", args));
    LL_TRY(ll_step(m, s->n));
    *out = ll_bool(false);
    for (size_t i = 0; i < s->n;) {
        uint32_t cp;
        i += ll_utf8_decode(s->text + i, s->n - i, &cp);
        const utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)cp);
        if (category == UTF8PROC_CATEGORY_LT || category == (upper ? UTF8PROC_CATEGORY_LL : UTF8PROC_CATEGORY_LU))
            return LLMCS_OK;
        some |= category == (upper ? UTF8PROC_CATEGORY_LU : UTF8PROC_CATEGORY_LL);
    }
    *out = ll_bool(some);
    return LLMCS_OK;
}

static llmcs_status str_isupper(ll_machine *m, ll_value self, const ll_args *args, ll_value *out) {
    return is_case(m, self, args, true, out);
}
static llmcs_status str_islower(ll_machine *m, ll_value self, const ll_args *args, ll_value *out) {
    return is_case(m, self, args, false, out);
}

/* ---- width */

static llmcs_status put_fill(ll_machine *m, const ll_string *fill, int64_t n) {
    for (int64_t i = 0; i < n; i++) LL_TRY(ll_put_string(m, &m->scratch, fill));
    return LLMCS_OK;
}

/* side -1: the text is on the left, 1: on the right, 0: in the middle. */
static llmcs_status justify(ll_machine *m, const char *name, ll_value self, const ll_args *args, int side,
                            ll_value *out) {
    static const char *const names[] = {"width", "fillchar"};
    static const ll_string space = {.text = " ", .n = 1, .origin = LL_ORIGIN_DATA};
    const size_t begin = m->scratch.n;
    ll_value v[2];
    int64_t width = 0;
    LL_TRY(ll_bind(m, name, args, names, 1, 2, v));
    LL_TRY(ll_optional_int(m, v[0], &width));
    if (!ll_is_absent(v[1]) && (v[1].type != LL_V_STRING || ll_count_chars(v[1].string->text, v[1].string->n) != 1))
        return ll_raise(m, "TypeError", "The fill character must be exactly one character long");
    const ll_string *fill = ll_is_absent(v[1]) ? &space : v[1].string;
    const int64_t n = (int64_t)ll_count_chars(self.string->text, self.string->n), pad = width > n ? width - n : 0;
    int64_t left = side < 0 ? 0 : side > 0 ? pad : pad / 2 + (pad & width & 1);
    if (pad > (int64_t)LL_JINJA_MAX_OUTPUT) return ll_too_much(m, "bytes in one string");
    LL_TRY(put_fill(m, fill, left));
    LL_TRY(ll_put_string(m, &m->scratch, self.string));
    LL_TRY(put_fill(m, fill, pad - left));
    LL_TRY(ll_take(m, begin, out));
    return ll_with_markup(m, *out, self.string->markup, out);
}

static llmcs_status str_ljust(ll_machine *m, ll_value self, const ll_args *args, ll_value *out) {
    return justify(m, "ljust", self, args, -1, out);
}
static llmcs_status str_rjust(ll_machine *m, ll_value self, const ll_args *args, ll_value *out) {
    return justify(m, "rjust", self, args, 1, out);
}
static llmcs_status str_center(ll_machine *m, ll_value self, const ll_args *args, ll_value *out) {
    return justify(m, "center", self, args, 0, out);
}

static llmcs_status str_zfill(ll_machine *m, ll_value self, const ll_args *args, ll_value *out) {
    static const char *const names[] = {"width"};
    const ll_string *s = self.string;
    const size_t begin = m->scratch.n;
    ll_value v;
    int64_t width = 0;
    LL_TRY(ll_bind(m, "zfill", args, names, 1, 1, &v));
    LL_TRY(ll_optional_int(m, v, &width));
    const int64_t n = (int64_t)ll_count_chars(s->text, s->n);
    const size_t sign = s->n && (s->text[0] == '-' || s->text[0] == '+');
    LL_TRY(ll_put_part(m, &m->scratch, s, 0, sign));
    for (int64_t i = n; i < width; i++) LL_TRY(ll_put_c(m, &m->scratch, '0'));
    LL_TRY(ll_put_part(m, &m->scratch, s, sign, s->n));
    return ll_take(m, begin, out);
}

static llmcs_status str_format(ll_machine *m, ll_value self, const ll_args *args, ll_value *out) {
    return ll_format_braces(m, self.string, args, out);
}

/* ---- dicts */

static llmcs_status dict_get(ll_machine *m, ll_value self, const ll_args *args, ll_value *out) {
    const ll_value *found;
    if (args->n_named) return ll_raise(m, "TypeError", "dict.get() takes no keyword arguments");
    if (args->n < 1 || args->n > 2)
        return ll_raise(m, "TypeError", "get expected at %s argument%s, got %zu", args->n ? "most 2" : "least 1",
                        args->n ? "s" : "", args->n);
    LL_TRY(ll_dict_get(m, self.dict, args->values[0], &found));
    *out = found ? *found : args->n == 2 ? args->values[1] : ll_none();
    return LLMCS_OK;
}

static llmcs_status dict_items(ll_machine *m, ll_value self, const ll_args *args, ll_value *out) {
    LL_TRY(ll_bind_none(m, "items", args));
    return ll_dict_items(m, self.dict, LL_V_ITEMS, out);
}

/* A view of one of the dict's two arrays. */
static llmcs_status view(ll_machine *m, const ll_value *items, size_t n, ll_value_type type, ll_value *out) {
    LL_TRY(ll_new_list(m, type, n, out));
    if (n) memcpy(out->list->items, items, n * sizeof *items);
    return ll_finish_list(m, *out);
}

static llmcs_status dict_keys(ll_machine *m, ll_value self, const ll_args *args, ll_value *out) {
    LL_TRY(ll_bind_none(m, "keys", args));
    return view(m, self.dict->keys, self.dict->n, LL_V_KEYS, out);
}
static llmcs_status dict_values(ll_machine *m, ll_value self, const ll_args *args, ll_value *out) {
    LL_TRY(ll_bind_none(m, "values", args));
    return view(m, self.dict->values, self.dict->n, LL_V_VALUES, out);
}
/* Values never change, so a copy is the same. */
static llmcs_status any_copy(ll_machine *m, ll_value self, const ll_args *args, ll_value *out) {
    LL_TRY(ll_bind_none(m, "copy", args));
    *out = self;
    return LLMCS_OK;
}

/* ---- lists */

static llmcs_status list_count(ll_machine *m, ll_value self, const ll_args *args, ll_value *out) {
    static const char *const names[] = {"value"};
    ll_value what;
    int64_t n = 0;
    LL_TRY(ll_bind(m, "count", args, names, 1, 1, &what));
    for (size_t i = 0; i < self.list->n; i++) {
        bool equal;
        LL_TRY(ll_equal(m, self.list->items[i], what, &equal));
        n += equal;
    }
    *out = ll_int(n);
    return LLMCS_OK;
}

static llmcs_status list_index(ll_machine *m, ll_value self, const ll_args *args, ll_value *out) {
    char show[100];
    ll_value what;
    LL_TRY(only_text(m, "index", args, &what));
    for (size_t i = 0; i < self.list->n; i++) {
        bool equal;
        LL_TRY(ll_equal(m, self.list->items[i], what, &equal));
        if (!equal) continue;
        *out = ll_int((int64_t)i);
        return LLMCS_OK;
    }
    ll_show(m, what, show, sizeof show);
    if (self.type == LL_V_TUPLE) return ll_raise(m, "ValueError", "tuple.index(x): x not in tuple");
    return ll_raise(m, "ValueError", "%s is not in %s", show, ll_type_name(self));
}

/* ---- loop */

static llmcs_status loop_cycle(ll_machine *m, ll_value self, const ll_args *args, ll_value *out) {
    if (!args->n) return ll_raise(m, "TypeError", "no items for cycling given");
    *out = args->values[self.loop->index % args->n];
    return LLMCS_OK;
}

static llmcs_status loop_changed(ll_machine *m, ll_value self, const ll_args *args, ll_value *out) {
    ll_value now;
    bool equal = false;
    LL_TRY(ll_new_list(m, LL_V_TUPLE, args->n, &now));
    if (args->n) memcpy(now.list->items, args->values, args->n * sizeof *args->values);
    LL_TRY(ll_finish_list(m, now));
    if (self.loop->has_changed) LL_TRY(ll_equal(m, self.loop->last_changed, now, &equal));
    if (!equal) self.loop->last_changed = now;
    self.loop->has_changed = true;
    *out = ll_bool(!equal);
    return LLMCS_OK;
}

/* ---- tables */

static const struct {
    ll_value_type type;
    const char *name;
    method_fn call;
} METHODS[] = {
    {LL_V_STRING, "upper", str_upper},
    {LL_V_STRING, "lower", str_lower},
    {LL_V_STRING, "title", str_title},
    {LL_V_STRING, "capitalize", str_capitalize},
    {LL_V_STRING, "swapcase", str_swapcase},
    {LL_V_STRING, "strip", str_strip},
    {LL_V_STRING, "lstrip", str_lstrip},
    {LL_V_STRING, "rstrip", str_rstrip},
    {LL_V_STRING, "removeprefix", str_removeprefix},
    {LL_V_STRING, "removesuffix", str_removesuffix},
    {LL_V_STRING, "split", str_split},
    {LL_V_STRING, "rsplit", str_rsplit},
    {LL_V_STRING, "splitlines", str_splitlines},
    {LL_V_STRING, "partition", str_partition},
    {LL_V_STRING, "rpartition", str_rpartition},
    {LL_V_STRING, "join", str_join},
    {LL_V_STRING, "replace", str_replace},
    {LL_V_STRING, "startswith", str_startswith},
    {LL_V_STRING, "endswith", str_endswith},
    {LL_V_STRING, "find", str_find},
    {LL_V_STRING, "rfind", str_rfind},
    {LL_V_STRING, "index", str_index},
    {LL_V_STRING, "rindex", str_rindex},
    {LL_V_STRING, "count", str_count},
    {LL_V_STRING, "isalpha", str_isalpha},
    {LL_V_STRING, "isdecimal", str_isdecimal},
    {LL_V_STRING, "isdigit", str_isdigit},
    {LL_V_STRING, "isspace", str_isspace},
    {LL_V_STRING, "isalnum", str_isalnum},
    {LL_V_STRING, "isascii", str_isascii},
    {LL_V_STRING, "isupper", str_isupper},
    {LL_V_STRING, "islower", str_islower},
    {LL_V_STRING, "ljust", str_ljust},
    {LL_V_STRING, "rjust", str_rjust},
    {LL_V_STRING, "center", str_center},
    {LL_V_STRING, "zfill", str_zfill},
    {LL_V_STRING, "format", str_format},
    {LL_V_DICT, "get", dict_get},
    {LL_V_DICT, "items", dict_items},
    {LL_V_DICT, "keys", dict_keys},
    {LL_V_DICT, "values", dict_values},
    {LL_V_DICT, "copy", any_copy},
    {LL_V_LIST, "copy", any_copy},
    {LL_V_LIST, "count", list_count},
    {LL_V_LIST, "index", list_index},
    {LL_V_TUPLE, "count", list_count},
    {LL_V_TUPLE, "index", list_index},
    {LL_V_RANGE, "count", list_count},
    {LL_V_RANGE, "index", list_index},
    {LL_V_LOOP, "cycle", loop_cycle},
    {LL_V_LOOP, "changed", loop_changed},
};

/* Attributes that Python's types have and templates do not get: unsafe ones change the value. */
static const struct {
    ll_value_type type;
    bool unsafe;
    const char *names; /* with a space around each */
} OTHERS[] = {
    {LL_V_STRING, false,
     " casefold encode expandtabs format_map isidentifier isnumeric isprintable istitle maketrans translate "},
    {LL_V_DICT, true, " clear pop popitem setdefault update "},
    {LL_V_DICT, false, " fromkeys "},
    {LL_V_LIST, true, " append clear extend insert pop remove reverse sort "},
    {LL_V_RANGE, false, " start step stop "},
    {LL_V_BOOL, false,
     " as_integer_ratio bit_count bit_length conjugate denominator from_bytes imag numerator real to_bytes "},
    {LL_V_INT, false,
     " as_integer_ratio bit_count bit_length conjugate denominator from_bytes imag numerator real to_bytes "},
    {LL_V_FLOAT, false, " as_integer_ratio conjugate fromhex hex imag is_integer real "},
    {LL_V_GENERATOR, false, " close send throw gi_code gi_frame gi_running gi_suspended gi_yieldfrom "},
    {LL_V_KEYS, false, " isdisjoint mapping "},
    {LL_V_VALUES, false, " mapping "},
    {LL_V_ITEMS, false, " isdisjoint mapping "},
    {LL_V_MACRO, false, " arguments caller catch_kwargs catch_varargs explicit_caller name "},
};

static bool has_word(const char *words, const char *name, size_t n) {
    for (const char *w = words + 1; *w; w = strchr(w, ' ') + 1)
        if (strncmp(w, name, n) == 0 && w[n] == ' ') return true;
    return false;
}

int ll_find_method(ll_value v, const char *name, size_t n, bool *known, bool *unsafe) {
    *known = *unsafe = false;
    for (size_t i = 0; i < sizeof METHODS / sizeof *METHODS; i++)
        if (METHODS[i].type == v.type && strlen(METHODS[i].name) == n && memcmp(METHODS[i].name, name, n) == 0)
            return (int)i;
    for (size_t i = 0; i < sizeof OTHERS / sizeof *OTHERS; i++) {
        if (OTHERS[i].type != v.type || !n || memchr(name, ' ', n) || !has_word(OTHERS[i].names, name, n)) continue;
        *(OTHERS[i].unsafe ? unsafe : known) = true;
    }
    return -1;
}

llmcs_status ll_call_method(ll_machine *m, const ll_method *method, const ll_args *args, ll_value *out) {
    return METHODS[method->method].call(m, method->self, args, out);
}
