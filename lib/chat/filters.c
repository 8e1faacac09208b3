/* The table of filters, and those of numbers and JSON. */
#include <math.h>
#include <string.h>

#include "chat/builtins.h"

#define MAX_JSON_INDENT 64

/* ---- numbers */

/* int(text, base), or int(float(text)); *found false: neither. */
static llmcs_status text_to_int(ll_machine *m, const ll_string *s, int base, int64_t *i, bool *found) {
    double d;
    bool too_large;
    *found = ll_parse_int(s->text, s->n, base, i, &too_large);
    if (*found && too_large) return ll_unsupported(m, "integers of more than 64 bits are not supported");
    if (*found || !ll_parse_float(s->text, s->n, &d) || !isfinite(d)) return LLMCS_OK;
    if (fabs(d) >= 9e18) return ll_unsupported(m, "integers of more than 64 bits are not supported");
    *i = (int64_t)d;
    *found = true;
    return LLMCS_OK;
}

static llmcs_status filter_int(ll_machine *m, ll_value v, const ll_args *args, ll_value *out) {
    static const char *const names[] = {"default", "base"};
    ll_value a[2];
    int64_t i, base = 10;
    bool found;
    LL_TRY(ll_bind(m, "do_int", args, names, 0, 2, a));
    *out = ll_is_absent(a[0]) ? ll_int(0) : a[0];
    if (!ll_is_absent(a[1]) && (!ll_as_int(a[1], &base) || base < 2 || base > 36))
        return ll_unsupported(m, "the filter 'int' with a base that is not 2 to 36 is not supported");
    if (v.type == LL_V_UNDEFINED) return ll_fail_undefined(m, v);
    if (v.type == LL_V_STRING) {
        LL_TRY(ll_step_bytes(m, v.string->n));
        LL_TRY(text_to_int(m, v.string, (int)base, &i, &found));
        if (found) *out = ll_int(i);
    } else if (v.type == LL_V_FLOAT && isinf(v.real)) {
        return ll_raise(m, "OverflowError", "cannot convert float infinity to integer");
    } else if (v.type == LL_V_FLOAT && !isnan(v.real)) {
        if (fabs(v.real) >= 9e18) return ll_unsupported(m, "integers of more than 64 bits are not supported");
        *out = ll_int((int64_t)v.real);
    } else if (ll_as_int(v, &i)) {
        *out = ll_int(i);
    }
    return LLMCS_OK;
}

static llmcs_status filter_float(ll_machine *m, ll_value v, const ll_args *args, ll_value *out) {
    static const char *const names[] = {"default"};
    ll_value fallback;
    double d;
    LL_TRY(ll_bind(m, "do_float", args, names, 0, 1, &fallback));
    *out = ll_is_absent(fallback) ? ll_real(0) : fallback;
    if (v.type == LL_V_UNDEFINED) return ll_fail_undefined(m, v);
    if (v.type == LL_V_STRING) LL_TRY(ll_step_bytes(m, v.string->n));
    if (ll_as_real(v, &d) || (v.type == LL_V_STRING && ll_parse_float(v.string->text, v.string->n, &d)))
        *out = ll_real(d);
    return LLMCS_OK;
}

static llmcs_status filter_abs(ll_machine *m, ll_value v, const ll_args *args, ll_value *out) {
    int64_t i;
    LL_TRY(ll_bind_none(m, "abs", args));
    if (v.type == LL_V_FLOAT) return *out = ll_real(fabs(v.real)), LLMCS_OK;
    if (!ll_as_int(v, &i)) return ll_raise(m, "TypeError", "bad operand type for abs(): '%s'", ll_type_name(v));
    return ll_apply_sign(m, i < 0, ll_int(i), out);
}

static llmcs_status round_common(ll_machine *m, ll_value v, int64_t precision, ll_value *out) {
    int64_t i;
    if (ll_as_int(v, &i)) {
        if (precision < 0) return ll_unsupported(m, "rounding integers to tens is not supported");
        *out = ll_int(i);
        return LLMCS_OK;
    }
    if (v.type != LL_V_FLOAT)
        return ll_raise(m, "TypeError", "type %s doesn't define __round__ method", ll_type_name(v));
    LL_TRY(ll_step_float(m));
    *out = ll_real(ll_float_round(v.real, (int)precision));
    return LLMCS_OK;
}

static llmcs_status filter_round(ll_machine *m, ll_value v, const ll_args *args, ll_value *out) {
    static const char *const names[] = {"precision", "method"};
    ll_value a[2];
    int64_t precision = 0;
    double d;
    LL_TRY(ll_bind(m, "do_round", args, names, 0, 2, a));
    if (!ll_is_absent(a[0]) && !ll_as_int(a[0], &precision))
        return ll_raise(m, "TypeError", "'%s' object cannot be interpreted as an integer", ll_type_name(a[0]));
    if (precision > 300 || precision < -300) return ll_too_much(m, "digits");
    if (ll_is_absent(a[1]) || (a[1].type == LL_V_STRING && ll_string_is(a[1].string, "common")))
        return round_common(m, v, precision, out);
    const bool up = a[1].type == LL_V_STRING && ll_string_is(a[1].string, "ceil");
    if (!up && (a[1].type != LL_V_STRING || !ll_string_is(a[1].string, "floor")))
        return ll_raise(m, "FilterArgumentError", "method must be common, ceil or floor");
    if (v.type == LL_V_UNDEFINED) return ll_fail_undefined(m, v);
    if (v.type == LL_V_NONE || v.type == LL_V_DICT)
        return ll_raise(m, "TypeError", "unsupported operand type(s) for *: '%s' and 'int'", ll_type_name(v));
    if (!ll_as_real(v, &d)) return ll_raise(m, "TypeError", "must be real number, not %s", ll_type_name(v));
    const double factor = pow(10, (double)precision);
    *out = ll_real((up ? ceil(d * factor) : floor(d * factor)) / factor);
    return LLMCS_OK;
}

/* ---- JSON */

static llmcs_status json_separators(ll_machine *m, ll_value v, ll_json_style *style) {
    if (ll_is_absent(v) || v.type == LL_V_NONE) return LLMCS_OK;
    const bool two = (v.type == LL_V_TUPLE || v.type == LL_V_LIST) && v.list->n == 2 &&
                     v.list->items[0].type == LL_V_STRING && v.list->items[1].type == LL_V_STRING;
    if (!two) return ll_raise(m, "TypeError", "separators must be two strings");
    style->item_separator = v.list->items[0].string;
    style->key_separator = v.list->items[1].string;
    return LLMCS_OK;
}

static llmcs_status json_indent(ll_machine *m, ll_value v, ll_json_style *style) {
    static const char spaces[MAX_JSON_INDENT + 1] = "                                                                ";
    ll_value text = v;
    int64_t n;
    if (ll_is_absent(v) || v.type == LL_V_NONE) return LLMCS_OK;
    if (v.type != LL_V_STRING) {
        if (!ll_as_int(v, &n))
            return ll_raise(m, "TypeError", "can't multiply sequence by non-int of type '%s'", ll_type_name(v));
        if (n > MAX_JSON_INDENT) return ll_too_much(m, "columns of JSON's indent");
        LL_TRY(ll_literal(m, spaces, n > 0 ? (size_t)n : 0, &text));
    }
    style->indent = text.string;
    return LLMCS_OK;
}

/* Transformers' own: json.dumps, not escaped for HTML. */
static llmcs_status filter_tojson(ll_machine *m, ll_value v, const ll_args *args, ll_value *out) {
    static const char *const names[] = {"ensure_ascii", "indent", "separators", "sort_keys"};
    const size_t begin = m->scratch.n;
    ll_value a[4];
    LL_TRY(ll_bind(m, "tojson", args, names, 0, 4, a));
    ll_json_style style = {.ascii = ll_truth(a[0]), .sort_keys = ll_truth(a[3])};
    LL_TRY(json_indent(m, a[1], &style));
    LL_TRY(json_separators(m, a[2], &style));
    LL_TRY(ll_put_json(m, &m->scratch, v, &style));
    return ll_take(m, begin, out);
}

/* ---- table */

static const ll_filter_row OWN[] = {{"int", filter_int},     {"float", filter_float},   {"abs", filter_abs},
                                    {"round", filter_round}, {"tojson", filter_tojson}, {NULL, NULL}};

/* jinja2's other filters. */
static const char *const UNSUPPORTED[] = {"filesizeformat", "groupby", "pprint",   "random",  "striptags",
                                          "urlencode",      "urlize",  "wordwrap", "xmlattr", "escapejs"};

#define TABLE_SIZE 1000 /* numbers of filters: table * TABLE_SIZE + row */

static const ll_filter_row *const TABLES[] = {OWN, ll_item_filters, ll_text_filters};

int ll_find_filter(const char *name, size_t n, bool *known) {
    *known = false;
    for (int t = 0; t < 3; t++)
        for (int i = 0; TABLES[t][i].name; i++)
            if (strlen(TABLES[t][i].name) == n && memcmp(TABLES[t][i].name, name, n) == 0) return t * TABLE_SIZE + i;
    for (size_t i = 0; i < sizeof UNSUPPORTED / sizeof *UNSUPPORTED; i++)
        *known |= strlen(UNSUPPORTED[i]) == n && memcmp(UNSUPPORTED[i], name, n) == 0;
    return -1;
}

llmcs_status ll_apply_filter(ll_machine *m, int filter, ll_value v, const ll_args *args, ll_value *out) {
    LL_TRY(ll_step(m, 1));
    return TABLES[filter / TABLE_SIZE][filter % TABLE_SIZE].apply(m, v, args, out);
}
