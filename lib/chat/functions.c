/* The global functions of a chat template: jinja2's range, dict and namespace, Transformers' raise_exception and
 * strftime_now. And how arguments are bound to parameters. */
#include <string.h>

#include "chat/builtins.h"

const char *const ll_function_names[LL_N_FUNCTIONS] = {"range", "dict", "namespace", "raise_exception", "strftime_now"};

static bool name_is(const ll_jinja_name *name, const char *text) {
    return name->n == strlen(text) && memcmp(name->text, text, name->n) == 0;
}

llmcs_status ll_bind(ll_machine *m, const char *function, const ll_args *args, const char *const *names,
                     size_t n_required, size_t n_names, ll_value *out) {
    if (args->n > n_names)
        return ll_raise(m, "TypeError", "%s() takes at most %zu argument(s) (%zu given)", function, n_names, args->n);
    for (size_t i = 0; i < n_names; i++) out[i] = i < args->n ? args->values[i] : ll_absent();
    for (size_t k = 0; k < args->n_named; k++) {
        const ll_jinja_name *name = &m->p->names[args->names[k]];
        size_t i = 0;
        while (i < n_names && !name_is(name, names[i])) i++;
        if (i == n_names)
            return ll_raise(m, "TypeError", "%s() got an unexpected keyword argument '%.*s'", function,
                            (int)ll_min(name->n, 60), name->text);
        if (i < args->n)
            return ll_raise(m, "TypeError", "%s() got multiple values for argument '%s'", function, names[i]);
        out[i] = args->named[k];
    }
    for (size_t i = 0; i < n_required; i++)
        if (ll_is_absent(out[i]))
            return ll_raise(m, "TypeError", "%s() missing required argument '%s'", function, names[i]);
    return LLMCS_OK;
}

llmcs_status ll_optional_int(ll_machine *m, ll_value v, int64_t *i) {
    if (ll_is_absent(v) || ll_as_int(v, i)) return LLMCS_OK;
    return ll_raise(m, "TypeError", "'%s' object cannot be interpreted as an integer", ll_type_name(v));
}

static llmcs_status make_range(ll_machine *m, const ll_args *args, ll_value *out) {
    int64_t bounds[3] = {0, 0, 1}, given[3];
    if (args->n_named) return ll_raise(m, "TypeError", "range() takes no keyword arguments");
    if (args->n < 1 || args->n > 3)
        return ll_raise(m, "TypeError", "range expected at %s %d argument%s, got %zu", args->n ? "most" : "least",
                        args->n ? 3 : 1, args->n ? "s" : "", args->n);
    for (size_t i = 0; i < args->n; i++) {
        if (args->values[i].type == LL_V_UNDEFINED) return ll_fail_undefined(m, args->values[i]);
        if (!ll_as_int(args->values[i], &given[i]))
            return ll_raise(m, "TypeError", "'%s' object cannot be interpreted as an integer",
                            ll_type_name(args->values[i]));
    }
    if (args->n == 1) bounds[1] = given[0];
    for (size_t i = 0; args->n > 1 && i < args->n; i++) bounds[i] = given[i];
    const int64_t start = bounds[0], stop = bounds[1], step = bounds[2];
    if (step == 0) return ll_raise(m, "ValueError", "range() arg 3 must not be zero");
    const uint64_t distance = step > 0 ? (stop > start ? (uint64_t)stop - (uint64_t)start : 0)
                                       : (start > stop ? (uint64_t)start - (uint64_t)stop : 0);
    const uint64_t by = step > 0 ? (uint64_t)step : 0 - (uint64_t)step;
    const uint64_t n = distance ? (distance - 1) / by + 1 : 0;
    if (n > LL_JINJA_MAX_RANGE)
        return ll_raise(m, "OverflowError", "Range too big. The sandbox blocks ranges larger than MAX_RANGE (%d).",
                        LL_JINJA_MAX_RANGE);
    LL_TRY(ll_new_list(m, LL_V_RANGE, (size_t)n, out));
    memcpy(out->list->range, bounds, sizeof bounds);
    for (size_t i = 0; i < n; i++) out->list->items[i] = ll_int(start + (int64_t)i * step);
    return LLMCS_OK;
}

/* Pairs of a list: [["a", 1], ["b", 2]]. */
static llmcs_status set_pairs(ll_machine *m, ll_dict *d, ll_value list) {
    const ll_value *items, *pair;
    size_t n, n_pair;
    LL_TRY(ll_iterate(m, list, &items, &n));
    for (size_t i = 0; i < n; i++) {
        if (!ll_is_iterable(items[i]))
            return ll_raise(m, "TypeError", "cannot convert dictionary update sequence element #%zu to a sequence", i);
        LL_TRY(ll_iterate(m, items[i], &pair, &n_pair));
        if (n_pair != 2)
            return ll_raise(m, "ValueError", "dictionary update sequence element #%zu has length %zu; 2 is required", i,
                            n_pair);
        LL_TRY(ll_dict_set(m, d, pair[0], pair[1]));
    }
    return LLMCS_OK;
}

/* dict(...) and namespace(...): another dict's members, or pairs, and keyword arguments. */
static llmcs_status make_dict(ll_machine *m, const ll_args *args, ll_value_type type, ll_value *out) {
    ll_value key;
    if (args->n > 1) return ll_raise(m, "TypeError", "dict expected at most 1 argument, got %zu", args->n);
    LL_TRY(ll_new_dict(m, args->n_named, type, out));
    if (args->n && args->values[0].type == LL_V_DICT) {
        const ll_dict *from = args->values[0].dict;
        for (size_t i = 0; i < from->n; i++) LL_TRY(ll_dict_set(m, out->dict, from->keys[i], from->values[i]));
    } else if (args->n) {
        LL_TRY(set_pairs(m, out->dict, args->values[0]));
    }
    for (size_t i = 0; i < args->n_named; i++) {
        const ll_jinja_name *name = &m->p->names[args->names[i]];
        LL_TRY(ll_new_string(m, name->text, name->n, LL_ORIGIN_TEMPLATE, &key));
        LL_TRY(ll_dict_set(m, out->dict, key, args->named[i]));
    }
    return LLMCS_OK;
}

static llmcs_status raise_exception(ll_machine *m, const ll_args *args) {
    static const char *const names[] = {"message"};
    ll_value message;
    const ll_string *s;
    LL_TRY(ll_bind(m, "raise_exception", args, names, 1, 1, &message));
    LL_TRY(ll_to_string(m, message, false, &s));
    return ll_raise(m, "TemplateError", "%.*s", (int)ll_min(s->n, 300), s->text);
}

llmcs_status ll_call_function(ll_machine *m, int function, const ll_args *args, ll_value *out) {
    static const char *const names[] = {"format"};
    ll_value format;
    switch (function) {
        case LL_F_RANGE:
            return make_range(m, args, out);
        case LL_F_DICT:
            return make_dict(m, args, LL_V_DICT, out);
        case LL_F_NAMESPACE:
            return make_dict(m, args, LL_V_NAMESPACE, out);
        case LL_F_RAISE:
            return raise_exception(m, args);
        default:
            LL_TRY(ll_bind(m, "strftime_now", args, names, 1, 1, &format));
            if (format.type == LL_V_UNDEFINED) return ll_fail_undefined(m, format);
            if (format.type != LL_V_STRING)
                return ll_raise(m, "TypeError", "strftime() argument 1 must be str, not %s", ll_type_name(format));
            return ll_strftime(m, format.string, out);
    }
}
