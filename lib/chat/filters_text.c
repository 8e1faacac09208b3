/* Filters of strings. */
#include <string.h>
#include <utf8proc.h>

#include "base/utf8.h"
#include "chat/builtins.h"
#include "chat/lexer.h"

/* ---- case, trim, replace */

static llmcs_status change_case(ll_machine *m, const char *name, ll_value v, const ll_args *args, ll_case how,
                                ll_value *out) {
    const ll_string *s;
    LL_TRY(ll_bind_none(m, name, args));
    LL_TRY(ll_to_string(m, v, true, &s));
    return ll_change_case(m, s, how, out);
}

static llmcs_status filter_upper(ll_machine *m, ll_value v, const ll_args *args, ll_value *out) {
    return change_case(m, "do_upper", v, args, LL_UPPER, out);
}
static llmcs_status filter_lower(ll_machine *m, ll_value v, const ll_args *args, ll_value *out) {
    return change_case(m, "do_lower", v, args, LL_LOWER, out);
}
static llmcs_status filter_capitalize(ll_machine *m, ll_value v, const ll_args *args, ll_value *out) {
    return change_case(m, "do_capitalize", v, args, LL_CAPITALIZE, out);
}

/* Bytes of the character at `at` if it separates words for `title`: -, (, {, [, < and white space. */
static size_t word_separator(const ll_string *s, size_t at) {
    if (strchr("-({[<", s->text[at]) && s->text[at]) return 1;
    return ll_space_at(s->text, s->n, at);
}

/* The first character of each word in upper case, the others in lower case. */
static llmcs_status filter_title(ll_machine *m, ll_value v, const ll_args *args, ll_value *out) {
    const size_t begin = m->scratch.n;
    const ll_string *s;
    LL_TRY(ll_bind_none(m, "do_title", args));
    LL_TRY(ll_to_string(m, v, true, &s));
    LL_TRY(ll_step(m, s->n));
    for (size_t at = 0; at < s->n;) {
        size_t end = at, len;
        uint32_t cp;
        ll_value part;
        while (end < s->n && (len = word_separator(s, end))) end += len;
        LL_TRY(ll_put_part(m, &m->scratch, s, at, end));
        if (end == s->n) break;
        len = ll_utf8_decode(s->text + end, s->n - end, &cp);
        LL_TRY(ll_substring(m, s, end, end + len, &part));
        LL_TRY(ll_change_case(m, part.string, LL_UPPER, &part));
        LL_TRY(ll_put_string(m, &m->scratch, part.string));
        for (at = end + len; at < s->n && !word_separator(s, at);) at += ll_utf8_decode(s->text + at, s->n - at, &cp);
        LL_TRY(ll_substring(m, s, end + len, at, &part));
        LL_TRY(ll_change_case(m, part.string, LL_LOWER, &part));
        LL_TRY(ll_put_string(m, &m->scratch, part.string));
    }
    return ll_take(m, begin, out);
}

static llmcs_status filter_trim(ll_machine *m, ll_value v, const ll_args *args, ll_value *out) {
    static const char *const names[] = {"chars"};
    const ll_string *s;
    ll_value chars;
    LL_TRY(ll_bind(m, "do_trim", args, names, 0, 1, &chars));
    LL_TRY(ll_to_string(m, v, true, &s));
    if (ll_is_absent(chars) || chars.type == LL_V_NONE) return ll_strip(m, s, NULL, 3, out);
    if (chars.type != LL_V_STRING) return ll_raise(m, "TypeError", "strip arg must be None or str");
    return ll_strip(m, s, chars.string, 3, out);
}

static llmcs_status filter_replace(ll_machine *m, ll_value v, const ll_args *args, ll_value *out) {
    static const char *const names[] = {"old", "new", "count"};
    const ll_string *s, *old, *by;
    ll_value a[3];
    int64_t count = -1;
    LL_TRY(ll_bind(m, "do_replace", args, names, 2, 3, a));
    if (a[2].type != LL_V_NONE) LL_TRY(ll_optional_int(m, a[2], &count));
    LL_TRY(ll_to_string(m, v, false, &s));
    LL_TRY(ll_to_string(m, a[0], false, &old));
    LL_TRY(ll_to_string(m, a[1], false, &by));
    return ll_replace(m, s, old, by, count, out);
}

/* ---- Markup */

static llmcs_status filter_string(ll_machine *m, ll_value v, const ll_args *args, ll_value *out) {
    const ll_string *s;
    LL_TRY(ll_bind_none(m, "soft_str", args));
    LL_TRY(ll_to_string(m, v, true, &s));
    *out = ll_text_value(s);
    return LLMCS_OK;
}

static llmcs_status filter_safe(ll_machine *m, ll_value v, const ll_args *args, ll_value *out) {
    LL_TRY(filter_string(m, v, args, out));
    return ll_with_markup(m, *out, true, out);
}

static llmcs_status filter_escape(ll_machine *m, ll_value v, const ll_args *args, ll_value *out) {
    const size_t begin = m->scratch.n;
    LL_TRY(ll_bind_none(m, "escape", args));
    LL_TRY(ll_put_escaped(m, &m->scratch, v));
    LL_TRY(ll_take(m, begin, out));
    return ll_with_markup(m, *out, true, out);
}

static llmcs_status filter_forceescape(ll_machine *m, ll_value v, const ll_args *args, ll_value *out) {
    const ll_string *s;
    LL_TRY(ll_to_string(m, v, false, &s));
    return filter_escape(m, ll_text_value(s), args, out);
}

/* ---- layout */

/* " " width times, or a string as it is. */
static llmcs_status indent_text(ll_machine *m, ll_value width, ll_value *out) {
    int64_t n = 4;
    const ll_value space = ll_text_value(&(const ll_string){.text = " ", .n = 1});
    if (width.type == LL_V_STRING) return *out = width, LLMCS_OK;
    LL_TRY(ll_optional_int(m, width, &n));
    return ll_apply_binary(m, LL_MUL, space, ll_int(n), out);
}

static llmcs_status filter_indent(ll_machine *m, ll_value v, const ll_args *args, ll_value *out) {
    static const char *const names[] = {"width", "first", "blank"};
    const size_t begin = m->scratch.n;
    const ll_value feed = ll_text_value(&(const ll_string){.text = "\n", .n = 1});
    ll_value a[3], indent, text, lines;
    LL_TRY(ll_bind(m, "do_indent", args, names, 0, 3, a));
    LL_TRY(indent_text(m, a[0], &indent));
    if (v.type == LL_V_UNDEFINED) return ll_fail_undefined(m, v);
    if (v.type == LL_V_LIST) return ll_raise(m, "AttributeError", "'list' object has no attribute 'splitlines'");
    if (v.type != LL_V_STRING && v.type != LL_V_TUPLE)
        return ll_raise(m, "TypeError", "unsupported operand type(s) for +=: '%s' and 'str'", ll_type_name(v));
    LL_TRY(ll_apply_binary(m, LL_ADD, v, feed, &text));
    LL_TRY(ll_split_lines(m, text.string, false, &lines));
    if (ll_truth(a[1])) LL_TRY(ll_put_string(m, &m->scratch, indent.string));
    for (size_t i = 0; i < lines.list->n; i++) {
        const ll_string *line = lines.list->items[i].string;
        if (i) LL_TRY(ll_put_c(m, &m->scratch, '\n'));
        if (i && (line->n || ll_truth(a[2]))) LL_TRY(ll_put_string(m, &m->scratch, indent.string));
        LL_TRY(ll_put_string(m, &m->scratch, line));
    }
    LL_TRY(ll_take(m, begin, out));
    return ll_with_markup(m, *out, text.string->markup, out);
}

static llmcs_status filter_center(ll_machine *m, ll_value v, const ll_args *args, ll_value *out) {
    static const char *const names[] = {"width"};
    const ll_string *s;
    bool known, unsafe;
    ll_value width;
    LL_TRY(ll_bind(m, "do_center", args, names, 0, 1, &width));
    if (ll_is_absent(width)) width = ll_int(80);
    LL_TRY(ll_to_string(m, v, true, &s));
    const ll_method method = {ll_text_value(s), ll_find_method(ll_text_value(s), "center", 6, &known, &unsafe)};
    const ll_args own = {.values = &width, .n = 1};
    return ll_call_method(m, &method, &own, out);
}

/* The first n bytes up to the last space in them, or all of them. */
static size_t cut_at_space(const char *text, size_t n) {
    for (size_t i = n; i-- > 0;)
        if (text[i] == ' ') return i;
    return n;
}

static llmcs_status filter_truncate(ll_machine *m, ll_value v, const ll_args *args, ll_value *out) {
    static const char *const names[] = {"length", "killwords", "end", "leeway"};
    static const ll_string dots = {.text = "...", .n = 3, .origin = LL_ORIGIN_DATA};
    const size_t begin = m->scratch.n;
    ll_value a[4];
    int64_t length = 255, leeway = 5;
    size_t n;
    LL_TRY(ll_bind(m, "do_truncate", args, names, 0, 4, a));
    LL_TRY(ll_optional_int(m, a[0], &length));
    if (a[3].type != LL_V_NONE) LL_TRY(ll_optional_int(m, a[3], &leeway));
    if (!ll_is_absent(a[2]) && a[2].type != LL_V_STRING)
        return ll_raise(m, "TypeError", "end must be str, not %s", ll_type_name(a[2]));
    const ll_string *end = ll_is_absent(a[2]) ? &dots : a[2].string;
    const int64_t n_end = (int64_t)ll_count_chars(end->text, end->n);
    if (length < n_end)
        return ll_raise(m, "AssertionError", "expected length >= %lld, got %lld", (long long)n_end, (long long)length);
    if (leeway < 0) return ll_raise(m, "AssertionError", "expected leeway >= 0, got %lld", (long long)leeway);
    if (v.type == LL_V_STRING) LL_TRY(ll_step_bytes(m, v.string->n));
    if (!ll_length(v, &n)) return ll_raise(m, "TypeError", "object of type '%s' has no len()", ll_type_name(v));
    *out = v;
    if ((int64_t)n - leeway <= length) return LLMCS_OK;
    if (v.type != LL_V_STRING)
        return ll_unsupported(m, "the filter 'truncate' of %s is not supported", ll_type_name(v));
    size_t cut = ll_char_offset(v.string->text, v.string->n, (size_t)(length - n_end));
    if (!ll_truth(a[1])) cut = cut_at_space(v.string->text, cut);
    LL_TRY(ll_put_part(m, &m->scratch, v.string, 0, cut));
    const ll_value rest = ll_text_value(end);
    LL_TRY(v.string->markup ? ll_put_escaped(m, &m->scratch, rest) : ll_put_string(m, &m->scratch, end));
    LL_TRY(ll_take(m, begin, out));
    return ll_with_markup(m, *out, v.string->markup, out);
}

/* Letters, numbers and "_". */
static bool is_word(uint32_t cp) {
    const utf8proc_category_t c = utf8proc_category((utf8proc_int32_t)cp);
    return cp == '_' || (c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_LO) ||
           (c >= UTF8PROC_CATEGORY_ND && c <= UTF8PROC_CATEGORY_NO);
}

static llmcs_status filter_wordcount(ll_machine *m, ll_value v, const ll_args *args, ll_value *out) {
    const ll_string *s;
    int64_t n = 0;
    bool inside = false;
    LL_TRY(ll_bind_none(m, "do_wordcount", args));
    LL_TRY(ll_to_string(m, v, true, &s));
    LL_TRY(ll_step(m, s->n));
    for (size_t i = 0; i < s->n;) {
        uint32_t cp;
        i += ll_utf8_decode(s->text + i, s->n - i, &cp);
        const bool word = is_word(cp);
        n += word && !inside;
        inside = word;
    }
    *out = ll_int(n);
    return LLMCS_OK;
}

/* "%s"|format(value): the % operator. */
static llmcs_status filter_format(ll_machine *m, ll_value v, const ll_args *args, ll_value *out) {
    const ll_string *s;
    ll_value values, key;
    if (args->n && args->n_named)
        return ll_raise(m, "FilterArgumentError", "can't handle positional and keyword arguments at the same time");
    LL_TRY(ll_to_string(m, v, true, &s));
    if (args->n_named) {
        LL_TRY(ll_new_dict(m, args->n_named, LL_V_DICT, &values));
        for (size_t i = 0; i < args->n_named; i++) {
            const ll_jinja_name *name = &m->p->names[args->names[i]];
            LL_TRY(ll_literal(m, name->text, name->n, &key));
            LL_TRY(ll_dict_set(m, values.dict, key, args->named[i]));
        }
        return ll_format_percent(m, s, values, out);
    }
    LL_TRY(ll_new_list(m, LL_V_TUPLE, args->n, &values));
    if (args->n) memcpy(values.list->items, args->values, args->n * sizeof *args->values);
    LL_TRY(ll_finish_list(m, values));
    return ll_format_percent(m, s, values, out);
}

const ll_filter_row ll_text_filters[] = {{"upper", filter_upper},
                                         {"lower", filter_lower},
                                         {"capitalize", filter_capitalize},
                                         {"title", filter_title},
                                         {"trim", filter_trim},
                                         {"replace", filter_replace},
                                         {"string", filter_string},
                                         {"safe", filter_safe},
                                         {"escape", filter_escape},
                                         {"e", filter_escape},
                                         {"forceescape", filter_forceescape},
                                         {"indent", filter_indent},
                                         {"center", filter_center},
                                         {"truncate", filter_truncate},
                                         {"wordcount", filter_wordcount},
                                         {"format", filter_format},
                                         {NULL, NULL}};
