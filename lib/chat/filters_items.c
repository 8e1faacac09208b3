/* Filters of sequences and dicts. Those that are generators in Python give a GENERATOR here, with all items computed.
 */
#include <string.h>

#include "chat/builtins.h"

#define MAX_PATH 8 /* parts of an attribute: "address.city" */

/* ---- attributes: "name", "a.b.0", 0 */

typedef struct path {
    ll_value parts[MAX_PATH];
    size_t n;
    bool lower;        /* strings that are found are made lower case */
    ll_value fallback; /* absent: none */
} path;

static llmcs_status parse_path(ll_machine *m, ll_value attribute, path *p) {
    *p = (path){.fallback = ll_absent()};
    if (ll_is_absent(attribute) || attribute.type == LL_V_NONE) return LLMCS_OK;
    if (attribute.type != LL_V_STRING) {
        p->parts[p->n++] = attribute;
        return LLMCS_OK;
    }
    const ll_string *s = attribute.string;
    LL_TRY(ll_step_bytes(m, s->n));
    for (size_t at = 0; at <= s->n;) {
        size_t end = at;
        int64_t number = 0;
        bool digits = true, large;
        for (; end < s->n && s->text[end] != '.'; end++) digits = digits && s->text[end] >= '0' && s->text[end] <= '9';
        if (p->n == MAX_PATH) return ll_too_much(m, "parts of an attribute");
        if (digits && end > at && ll_parse_int(s->text + at, end - at, 10, &number, &large) && !large)
            p->parts[p->n++] = ll_int(number);
        else
            LL_TRY(ll_substring(m, s, at, end, &p->parts[p->n++]));
        at = end + 1;
    }
    return LLMCS_OK;
}

static llmcs_status follow(ll_machine *m, const path *p, ll_value item, ll_value *out) {
    for (size_t i = 0; i < p->n; i++) {
        LL_TRY(ll_get_item(m, item, p->parts[i], &item));
        if (item.type == LL_V_UNDEFINED && !ll_is_absent(p->fallback) && p->fallback.type != LL_V_NONE)
            item = p->fallback;
    }
    if (p->lower && item.type == LL_V_STRING) LL_TRY(ll_change_case(m, item.string, LL_LOWER, &item));
    *out = item;
    return LLMCS_OK;
}

/* A list or generator of the first n of `items`. */
static llmcs_status give(ll_machine *m, ll_value_type type, const ll_value *items, size_t n, ll_value *out) {
    LL_TRY(ll_new_list(m, type, n, out));
    if (n) memcpy(out->list->items, items, n * sizeof *items);
    return ll_finish_list(m, *out);
}

/* ---- length, first, last, list, default */

static llmcs_status filter_length(ll_machine *m, ll_value v, const ll_args *args, ll_value *out) {
    size_t n;
    LL_TRY(ll_bind_none(m, "len", args));
    if (v.type == LL_V_STRING) LL_TRY(ll_step_bytes(m, v.string->n));
    if (!ll_length(v, &n)) return ll_raise(m, "TypeError", "object of type '%s' has no len()", ll_type_name(v));
    *out = ll_int((int64_t)n);
    return LLMCS_OK;
}

static llmcs_status filter_first(ll_machine *m, ll_value v, const ll_args *args, ll_value *out) {
    const ll_value *items;
    size_t n;
    LL_TRY(ll_bind_none(m, "do_first", args));
    if (v.type == LL_V_GENERATOR && v.list->taken < v.list->n) return *out = v.list->items[v.list->taken++], LLMCS_OK;
    LL_TRY(ll_iterate(m, v, &items, &n));
    if (!n) return ll_new_undefined(m, "No first item, sequence was empty.", out);
    *out = items[0];
    return LLMCS_OK;
}

static llmcs_status filter_last(ll_machine *m, ll_value v, const ll_args *args, ll_value *out) {
    const ll_value *items;
    size_t n;
    LL_TRY(ll_bind_none(m, "do_last", args));
    if (v.type == LL_V_GENERATOR || !ll_is_iterable(v))
        return ll_raise(m, "TypeError", "'%s' object is not reversible", ll_type_name(v));
    LL_TRY(ll_iterate(m, v, &items, &n));
    if (!n) return ll_new_undefined(m, "No last item, sequence was empty.", out);
    *out = items[n - 1];
    return LLMCS_OK;
}

static llmcs_status filter_list(ll_machine *m, ll_value v, const ll_args *args, ll_value *out) {
    const ll_value *items;
    size_t n;
    LL_TRY(ll_bind_none(m, "do_list", args));
    LL_TRY(ll_iterate(m, v, &items, &n));
    return give(m, LL_V_LIST, items, n, out);
}

static llmcs_status filter_default(ll_machine *m, ll_value v, const ll_args *args, ll_value *out) {
    static const char *const names[] = {"default_value", "boolean"};
    ll_value a[2];
    LL_TRY(ll_bind(m, "do_default", args, names, 0, 2, a));
    *out = v;
    if (v.type != LL_V_UNDEFINED && !(ll_truth(a[1]) && !ll_truth(v))) return LLMCS_OK;
    if (ll_is_absent(a[0])) return ll_literal(m, "", 0, out);
    *out = a[0];
    return LLMCS_OK;
}

static llmcs_status filter_items(ll_machine *m, ll_value v, const ll_args *args, ll_value *out) {
    LL_TRY(ll_bind_none(m, "do_items", args));
    if (v.type == LL_V_UNDEFINED) return ll_new_list(m, LL_V_GENERATOR, 0, out);
    if (v.type != LL_V_DICT) return ll_raise(m, "TypeError", "Can only get item pairs from a mapping.");
    return ll_dict_items(m, v.dict, LL_V_GENERATOR, out);
}

static llmcs_status filter_reverse(ll_machine *m, ll_value v, const ll_args *args, ll_value *out) {
    const ll_value *items, parts[3] = {ll_none(), ll_none(), ll_int(-1)};
    size_t n;
    LL_TRY(ll_bind_none(m, "do_reverse", args));
    if (v.type == LL_V_STRING) return ll_get_slice(m, v, parts, out);
    if (!ll_is_iterable(v)) return ll_raise(m, "FilterArgumentError", "argument must be iterable");
    const ll_value_type type = v.type == LL_V_GENERATOR ? LL_V_LIST : LL_V_GENERATOR;
    LL_TRY(ll_iterate(m, v, &items, &n));
    LL_TRY(ll_new_list(m, type, n, out));
    for (size_t i = 0; i < n; i++) out->list->items[i] = items[n - 1 - i];
    return ll_finish_list(m, *out);
}

static llmcs_status filter_attr(ll_machine *m, ll_value v, const ll_args *args, ll_value *out) {
    static const char *const names[] = {"name"};
    ll_value name;
    bool found;
    LL_TRY(ll_bind(m, "do_attr", args, names, 1, 1, &name));
    if (name.type != LL_V_STRING)
        return ll_raise(m, "TypeError", "attribute name must be string, not '%s'", ll_type_name(name));
    if (v.type == LL_V_UNDEFINED) return ll_fail_undefined(m, v);
    LL_TRY(ll_python_attribute(m, v, name.string->text, name.string->n, out, &found));
    return found ? LLMCS_OK : ll_undefined_member(m, v, name, out);
}

static llmcs_status filter_join(ll_machine *m, ll_value v, const ll_args *args, ll_value *out) {
    static const char *const names[] = {"d", "attribute"};
    const size_t begin = m->scratch.n;
    const ll_string *by = NULL;
    const ll_value *items;
    ll_value a[2], item;
    size_t n;
    path p;
    LL_TRY(ll_bind(m, "do_join", args, names, 0, 2, a));
    LL_TRY(parse_path(m, a[1], &p));
    if (!ll_is_absent(a[0])) LL_TRY(ll_to_string(m, a[0], false, &by));
    LL_TRY(ll_iterate(m, v, &items, &n));
    for (size_t i = 0; i < n; i++) {
        LL_TRY(follow(m, &p, items[i], &item));
        if (i && by) LL_TRY(ll_put_string(m, &m->scratch, by));
        LL_TRY(ll_put_str(m, &m->scratch, item));
    }
    return ll_take(m, begin, out);
}

/* ---- map, select, reject */

static llmcs_status map_attribute(ll_machine *m, const ll_value *items, size_t n, const ll_args *args, ll_value out) {
    static const char *const names[] = {"attribute", "default"};
    ll_value a[2];
    path p;
    LL_TRY(ll_bind(m, "map", args, names, 1, 2, a));
    LL_TRY(parse_path(m, a[0], &p));
    p.fallback = a[1];
    for (size_t i = 0; i < n; i++) LL_TRY(follow(m, &p, items[i], &out.list->items[i]));
    return LLMCS_OK;
}

/* The filter whose name is the first argument. */
static llmcs_status map_filter(ll_machine *m, const ll_value *items, size_t n, const ll_args *args, ll_value out) {
    bool known;
    if (!args->n) return ll_raise(m, "FilterArgumentError", "map requires a filter argument");
    const ll_value name = args->values[0];
    const ll_args rest = {args->values + 1, args->n - 1, args->names, args->named, args->n_named};
    if (name.type != LL_V_STRING) return ll_raise(m, "TemplateRuntimeError", "No filter named that.");
    const int filter = ll_find_filter(name.string->text, name.string->n, &known),
              n_name = (int)ll_min(name.string->n, 60);
    if (known || ll_string_is(name.string, "map"))
        return ll_unsupported(m, "map with the filter '%.*s' is not supported", n_name, name.string->text);
    if (filter < 0) return ll_raise(m, "TemplateRuntimeError", "No filter named '%.*s'.", n_name, name.string->text);
    for (size_t i = 0; i < n; i++) LL_TRY(ll_apply_filter(m, filter, items[i], &rest, &out.list->items[i]));
    return LLMCS_OK;
}

static llmcs_status filter_map(ll_machine *m, ll_value v, const ll_args *args, ll_value *out) {
    const ll_value *items = NULL;
    size_t n = 0;
    if (ll_truth(v)) LL_TRY(ll_iterate(m, v, &items, &n));
    LL_TRY(ll_new_list(m, LL_V_GENERATOR, n, out));
    if (!ll_truth(v)) return LLMCS_OK;
    LL_TRY(!args->n && args->n_named ? map_attribute(m, items, n, args, *out) : map_filter(m, items, n, args, *out));
    return ll_finish_list(m, *out);
}

/* Whether a test, or without one the value's truth, selects it. */
static llmcs_status selects(ll_machine *m, ll_value v, int test, const ll_args *rest, bool *yes) {
    if (test >= 0) return ll_apply_test(m, test, v, rest, yes);
    *yes = ll_truth(v);
    return LLMCS_OK;
}

static llmcs_status select_items(ll_machine *m, ll_value v, const ll_args *args, bool attribute, bool want,
                                 ll_value *out) {
    const ll_value *items = NULL;
    ll_value item;
    size_t n = 0, kept = 0;
    const size_t off = attribute ? 1 : 0;
    int test = -1;
    bool yes, known;
    path p = {.n = 0};
    LL_TRY(ll_new_list(m, LL_V_GENERATOR, 0, out));
    if (!ll_truth(v)) return LLMCS_OK;
    if (args->n < off) return ll_raise(m, "FilterArgumentError", "Missing parameter for attribute name");
    if (attribute) LL_TRY(parse_path(m, args->values[0], &p));
    ll_args rest = {args->values + off, args->n - off, args->names, args->named, args->n_named};
    if (rest.n) {
        const ll_value name = *rest.values++;
        rest.n--;
        if (name.type == LL_V_STRING) test = ll_find_test(name.string->text, name.string->n, &known);
        if (test < 0)
            return ll_raise(m, "TemplateRuntimeError", "No test named '%.*s'.",
                            name.type == LL_V_STRING ? (int)ll_min(name.string->n, 60) : 0,
                            name.type == LL_V_STRING ? name.string->text : "");
    }
    LL_TRY(ll_iterate(m, v, &items, &n));
    LL_TRY(ll_new_list(m, LL_V_GENERATOR, n, out));
    for (size_t i = 0; i < n; i++) {
        LL_TRY(follow(m, &p, items[i], &item));
        LL_TRY(selects(m, item, test, &rest, &yes));
        if (yes == want) out->list->items[kept++] = items[i];
    }
    out->list->n = kept;
    return ll_finish_list(m, *out);
}

#define SELECT_FILTER(name, attribute, want)                                                           \
    static llmcs_status filter_##name(ll_machine *m, ll_value v, const ll_args *args, ll_value *out) { \
        return select_items(m, v, args, attribute, want, out);                                         \
    }
SELECT_FILTER(select, false, true)
SELECT_FILTER(reject, false, false)
SELECT_FILTER(selectattr, true, true)
SELECT_FILTER(rejectattr, true, false)

/* ---- sort, unique, min, max, sum */

/* True if a sorts before b. do_sort compares one-element lists of keys, so equality is tested first. */
static llmcs_status sorts_before(ll_machine *m, ll_value a, ll_value b, bool as_lists, bool *before) {
    bool equal = false;
    if (as_lists) LL_TRY(ll_equal(m, a, b, &equal));
    *before = false;
    return equal ? LLMCS_OK : ll_less(m, a, b, "<", before);
}

/* Sorts order[0 .. n) by keys, stably: merging runs of doubling length. */
static llmcs_status merge_sort(ll_machine *m, const ll_value *keys, uint32_t *order, size_t n, bool reverse,
                               bool as_lists) {
    uint32_t *from = order, *to;
    LL_TRY(ll_value_alloc(m, n, sizeof *to, &to));
    for (size_t run = 1; run < n; run *= 2) {
        for (size_t begin = 0; begin < n; begin += 2 * run) {
            const size_t middle = ll_min(begin + run, n), end = ll_min(begin + 2 * run, n);
            for (size_t i = begin, j = middle, k = begin; k < end; k++) {
                bool second = i == middle;
                if (i < middle && j < end)
                    LL_TRY(reverse ? sorts_before(m, keys[from[i]], keys[from[j]], as_lists, &second)
                                   : sorts_before(m, keys[from[j]], keys[from[i]], as_lists, &second));
                to[k] = second ? from[j++] : from[i++];
            }
        }
        uint32_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != order && n) memcpy(order, from, n * sizeof *order);
    return LLMCS_OK;
}

/* The items in the order of their keys. */
static llmcs_status sort_items(ll_machine *m, const ll_value *items, const ll_value *keys, size_t n, bool reverse,
                               bool as_lists, ll_value *out) {
    uint32_t *order;
    LL_TRY(ll_value_alloc(m, n, sizeof *order, &order));
    for (size_t i = 0; i < n; i++) order[i] = (uint32_t)i;
    LL_TRY(merge_sort(m, keys, order, n, reverse, as_lists));
    LL_TRY(ll_new_list(m, LL_V_LIST, n, out));
    for (size_t i = 0; i < n; i++) out->list->items[i] = items[order[i]];
    return ll_finish_list(m, *out);
}

static llmcs_status find_keys(ll_machine *m, const ll_value *items, size_t n, ll_value attribute, bool case_sensitive,
                              ll_value **keys) {
    path p;
    LL_TRY(parse_path(m, attribute, &p));
    p.lower = !case_sensitive;
    LL_TRY(ll_value_alloc(m, n, sizeof **keys, keys));
    for (size_t i = 0; i < n; i++) LL_TRY(follow(m, &p, items[i], &(*keys)[i]));
    return LLMCS_OK;
}

static llmcs_status filter_sort(ll_machine *m, ll_value v, const ll_args *args, ll_value *out) {
    static const char *const names[] = {"reverse", "case_sensitive", "attribute"};
    const ll_value *items;
    ll_value a[3], *keys;
    size_t n;
    LL_TRY(ll_bind(m, "do_sort", args, names, 0, 3, a));
    if (a[2].type == LL_V_STRING && a[2].string->n && memchr(a[2].string->text, ',', a[2].string->n))
        return ll_unsupported(m, "sorting by several attributes is not supported");
    LL_TRY(ll_iterate(m, v, &items, &n));
    LL_TRY(find_keys(m, items, n, a[2], ll_truth(a[1]), &keys));
    return sort_items(m, items, keys, n, ll_truth(a[0]), true, out);
}

static llmcs_status filter_dictsort(ll_machine *m, ll_value v, const ll_args *args, ll_value *out) {
    static const char *const names[] = {"case_sensitive", "by", "reverse"};
    const ll_args none = {0};
    const ll_value *items;
    ll_value a[3], pairs, *keys;
    size_t n;
    LL_TRY(ll_bind(m, "do_dictsort", args, names, 0, 3, a));
    const bool by_value = a[1].type == LL_V_STRING && ll_string_is(a[1].string, "value");
    if (!ll_is_absent(a[1]) && !by_value && !(a[1].type == LL_V_STRING && ll_string_is(a[1].string, "key")))
        return ll_raise(m, "FilterArgumentError", "You can only sort by either \"key\" or \"value\"");
    if (v.type == LL_V_UNDEFINED) return ll_fail_undefined(m, v);
    if (v.type != LL_V_DICT)
        return ll_raise(m, "AttributeError", "'%s' object has no attribute 'items'", ll_type_name(v));
    LL_TRY(filter_items(m, v, &none, &pairs));
    LL_TRY(ll_iterate(m, pairs, &items, &n));
    LL_TRY(find_keys(m, items, n, ll_int(by_value), ll_truth(a[0]), &keys));
    return sort_items(m, items, keys, n, ll_truth(a[2]), false, out);
}

static llmcs_status filter_unique(ll_machine *m, ll_value v, const ll_args *args, ll_value *out) {
    static const char *const names[] = {"case_sensitive", "attribute"};
    const ll_value *items, *seen;
    ll_value a[2], *keys, set;
    size_t n, kept = 0;
    LL_TRY(ll_bind(m, "do_unique", args, names, 0, 2, a));
    LL_TRY(ll_iterate(m, v, &items, &n));
    LL_TRY(find_keys(m, items, n, a[1], ll_truth(a[0]), &keys));
    LL_TRY(ll_new_dict(m, 0, LL_V_DICT, &set));
    LL_TRY(ll_new_list(m, LL_V_GENERATOR, n, out));
    for (size_t i = 0; i < n; i++) {
        LL_TRY(ll_dict_get(m, set.dict, keys[i], &seen));
        if (seen) continue;
        LL_TRY(ll_dict_set(m, set.dict, keys[i], ll_none()));
        out->list->items[kept++] = items[i];
    }
    out->list->n = kept;
    return ll_finish_list(m, *out);
}

static llmcs_status extreme(ll_machine *m, ll_value v, const ll_args *args, bool largest, ll_value *out) {
    static const char *const names[] = {"case_sensitive", "attribute"};
    const ll_value *items;
    ll_value a[2], *keys;
    size_t n, best = 0;
    LL_TRY(ll_bind(m, largest ? "do_max" : "do_min", args, names, 0, 2, a));
    LL_TRY(ll_iterate(m, v, &items, &n));
    if (!n) return ll_new_undefined(m, "No aggregated item, sequence was empty.", out);
    LL_TRY(find_keys(m, items, n, a[1], ll_truth(a[0]), &keys));
    for (size_t i = 1; i < n; i++) {
        bool better;
        LL_TRY(ll_compare_values(m, largest ? LL_GT : LL_LT, keys[i], keys[best], &better));
        if (better) best = i;
    }
    *out = items[best];
    return LLMCS_OK;
}

static llmcs_status filter_min(ll_machine *m, ll_value v, const ll_args *args, ll_value *out) {
    return extreme(m, v, args, false, out);
}
static llmcs_status filter_max(ll_machine *m, ll_value v, const ll_args *args, ll_value *out) {
    return extreme(m, v, args, true, out);
}

static llmcs_status filter_sum(ll_machine *m, ll_value v, const ll_args *args, ll_value *out) {
    static const char *const names[] = {"attribute", "start"};
    const ll_value *items;
    ll_value a[2], item;
    size_t n;
    path p;
    LL_TRY(ll_bind(m, "do_sum", args, names, 0, 2, a));
    LL_TRY(parse_path(m, a[0], &p));
    *out = ll_is_absent(a[1]) ? ll_int(0) : a[1];
    if (out->type == LL_V_STRING) return ll_raise(m, "TypeError", "sum() can't sum strings [use ''.join(seq) instead]");
    LL_TRY(ll_iterate(m, v, &items, &n));
    for (size_t i = 0; i < n; i++) {
        LL_TRY(follow(m, &p, items[i], &item));
        LL_TRY(ll_apply_binary(m, LL_ADD, *out, item, out));
    }
    return LLMCS_OK;
}

/* ---- batch, slice */

/* A list of items[begin .. end), padded to `size` with `fill`. */
static llmcs_status part_of(ll_machine *m, const ll_value *items, size_t n, size_t size, ll_value fill, ll_value *out) {
    LL_TRY(ll_new_list(m, LL_V_LIST, ll_max(n, size), out));
    for (size_t i = 0; i < out->list->n; i++) out->list->items[i] = i < n ? items[i] : fill;
    return ll_finish_list(m, *out);
}

static llmcs_status size_argument(ll_machine *m, ll_value v, int64_t *size) {
    if (!ll_as_int(v, size) || *size <= 0 || *size > LL_JINJA_MAX_RANGE)
        return ll_unsupported(m, "a size that is not from 1 to %d is not supported", LL_JINJA_MAX_RANGE);
    return LLMCS_OK;
}

static llmcs_status filter_batch(ll_machine *m, ll_value v, const ll_args *args, ll_value *out) {
    static const char *const names[] = {"linecount", "fill_with"};
    const ll_value *items;
    ll_value a[2];
    int64_t size;
    size_t n;
    LL_TRY(ll_bind(m, "do_batch", args, names, 1, 2, a));
    LL_TRY(size_argument(m, a[0], &size));
    LL_TRY(ll_iterate(m, v, &items, &n));
    const size_t by = (size_t)size, n_parts = n / by + (n % by != 0);
    const bool fills = !ll_is_absent(a[1]) && a[1].type != LL_V_NONE;
    LL_TRY(ll_new_list(m, LL_V_GENERATOR, n_parts, out));
    for (size_t i = 0; i < n_parts; i++)
        LL_TRY(part_of(m, items + i * by, ll_min(by, n - i * by), fills ? by : 0, a[1], &out->list->items[i]));
    return ll_finish_list(m, *out);
}

static llmcs_status filter_slice(ll_machine *m, ll_value v, const ll_args *args, ll_value *out) {
    static const char *const names[] = {"slices", "fill_with"};
    const ll_value *items;
    ll_value a[2];
    int64_t slices;
    size_t n, at = 0;
    LL_TRY(ll_bind(m, "do_slice", args, names, 1, 2, a));
    LL_TRY(size_argument(m, a[0], &slices));
    LL_TRY(ll_iterate(m, v, &items, &n));
    const size_t by = (size_t)slices, each = n / by, longer = n % by;
    const bool fills = !ll_is_absent(a[1]) && a[1].type != LL_V_NONE;
    LL_TRY(ll_new_list(m, LL_V_GENERATOR, by, out));
    for (size_t i = 0; i < by; i++) {
        const size_t size = each + (i < longer);
        LL_TRY(part_of(m, items + at, size, fills && i >= longer ? size + 1 : 0, a[1], &out->list->items[i]));
        at += size;
    }
    return ll_finish_list(m, *out);
}

const ll_filter_row ll_item_filters[] = {{"length", filter_length},
                                         {"count", filter_length},
                                         {"first", filter_first},
                                         {"last", filter_last},
                                         {"list", filter_list},
                                         {"default", filter_default},
                                         {"d", filter_default},
                                         {"items", filter_items},
                                         {"reverse", filter_reverse},
                                         {"attr", filter_attr},
                                         {"join", filter_join},
                                         {"map", filter_map},
                                         {"select", filter_select},
                                         {"reject", filter_reject},
                                         {"selectattr", filter_selectattr},
                                         {"rejectattr", filter_rejectattr},
                                         {"sort", filter_sort},
                                         {"dictsort", filter_dictsort},
                                         {"unique", filter_unique},
                                         {"min", filter_min},
                                         {"max", filter_max},
                                         {"sum", filter_sum},
                                         {"batch", filter_batch},
                                         {"slice", filter_slice},
                                         {NULL, NULL}};
