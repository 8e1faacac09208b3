/* Attributes, items and slices, as jinja2's sandbox finds them: x.name prefers Python's attributes, x["name"] the
 * items. */
#include <string.h>

#include "base/utf8.h"
#include "chat/builtins.h"

static llmcs_status neighbour(ll_machine *m, const ll_loop *l, int64_t i, const char *hint, ll_value *out) {
    if (i < 0 || i >= (int64_t)l->n) return ll_new_undefined(m, hint, out);
    *out = l->items[i];
    return LLMCS_OK;
}

static llmcs_status loop_attribute(ll_machine *m, ll_loop *l, const char *name, size_t n, ll_value *out, bool *found) {
    const ll_string key = {.text = name, .n = n};
    const int64_t index = (int64_t)l->index, length = (int64_t)l->n;
    *found = true;
    if (ll_string_is(&key, "index"))
        *out = ll_int(index + 1);
    else if (ll_string_is(&key, "index0"))
        *out = ll_int(index);
    else if (ll_string_is(&key, "revindex"))
        *out = ll_int(length - index);
    else if (ll_string_is(&key, "revindex0"))
        *out = ll_int(length - index - 1);
    else if (ll_string_is(&key, "first"))
        *out = ll_bool(index == 0);
    else if (ll_string_is(&key, "last"))
        *out = ll_bool(index + 1 >= length);
    else if (ll_string_is(&key, "length"))
        *out = ll_int(length);
    else if (ll_string_is(&key, "depth"))
        *out = ll_int(1);
    else if (ll_string_is(&key, "depth0"))
        *out = ll_int(0);
    else if (ll_string_is(&key, "previtem"))
        return neighbour(m, l, index - 1, "there is no previous item", out);
    else if (ll_string_is(&key, "nextitem"))
        return neighbour(m, l, index + 1, "there is no next item", out);
    else
        *found = false;
    return LLMCS_OK;
}

/* __class__ and its like, which every object of Python has and the sandbox refuses. */
static bool is_dunder(const char *name, size_t n) {
    static const char *const all[] = {
        "class",         "delattr",   "dir",         "doc", "eq",  "format", "ge",   "getattribute", "gt",  "hash",
        "init",          "le",        "lt",          "ne",  "new", "reduce", "repr", "setattr",      "str", "sizeof",
        "init_subclass", "reduce_ex", "subclasshook"};
    if (n < 5 || memcmp(name, "__", 2) != 0 || memcmp(name + n - 2, "__", 2) != 0) return false;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strlen(all[i]) == n - 4 && memcmp(all[i], name + 2, n - 4) == 0) return true;
    return false;
}

llmcs_status ll_python_attribute(ll_machine *m, ll_value object, const char *name, size_t n, ll_value *out,
                                 bool *found) {
    bool known, unsafe;
    *found = true;
    if (is_dunder(name, n)) return ll_unsafe_member(m, object, name, n, out);
    if (object.type == LL_V_NAMESPACE) {
        const ll_value *v = ll_dict_get_text(m, object.dict, name, n);
        *found = v != NULL;
        if (v) *out = *v;
        return ll_step_bytes(m, n);
    }
    if (object.type == LL_V_LOOP) {
        LL_TRY(loop_attribute(m, object.loop, name, n, out, found));
        if (*found) return LLMCS_OK;
        *found = true;
    }
    const int id = ll_find_method(object, name, n, &known, &unsafe);
    if (id >= 0) {
        ll_method *method;
        LL_TRY(ll_value_alloc(m, 1, sizeof *method, &method));
        *method = (ll_method){object, id};
        *out = (ll_value){.type = LL_V_METHOD, .method = method};
        return LLMCS_OK;
    }
    if (unsafe) return ll_unsafe_member(m, object, name, n, out);
    if (known)
        return ll_unsupported(m, "the attribute '%.*s' of '%s' is not supported", (int)ll_min(n, 60), name,
                              ll_type_name(object));
    *found = false;
    return LLMCS_OK;
}

/* Position of an index, which counts from the end if it is negative. */
static bool index_of(int64_t index, size_t n, size_t *at) {
    if (index < 0) index += (int64_t)n;
    *at = (size_t)index;
    return index >= 0 && (uint64_t)index < n;
}

static llmcs_status string_item(ll_machine *m, const ll_string *s, int64_t index, ll_value *out, bool *found) {
    uint32_t cp;
    size_t i, at;
    LL_TRY(ll_step_bytes(m, s->n));
    *found = index_of(index, ll_count_chars(s->text, s->n), &i);
    if (!*found) return LLMCS_OK;
    at = ll_char_offset(s->text, s->n, i);
    return ll_substring(m, s, at, at + ll_utf8_decode(s->text + at, s->n - at, &cp), out);
}

/* Python's object[key]; *found false: a TypeError or LookupError. */
static llmcs_status python_item(ll_machine *m, ll_value object, ll_value key, ll_value *out, bool *found) {
    const ll_value *v;
    int64_t index;
    size_t at;
    *found = false;
    if (object.type == LL_V_DICT) {
        if (!ll_is_hashable(key)) return LLMCS_OK;
        if (key.type == LL_V_TUPLE) return LLMCS_OK; /* tuples are not supported as keys */
        LL_TRY(ll_dict_get(m, object.dict, key, &v));
        *found = v != NULL;
        if (v) *out = *v;
        return LLMCS_OK;
    }
    if (!ll_as_int(key, &index)) return LLMCS_OK;
    if (object.type == LL_V_STRING) return string_item(m, object.string, index, out, found);
    if (object.type != LL_V_LIST && object.type != LL_V_TUPLE && object.type != LL_V_RANGE) return LLMCS_OK;
    *found = index_of(index, object.list->n, &at);
    if (*found) *out = object.list->items[at];
    return LLMCS_OK;
}

llmcs_status ll_get_attribute(ll_machine *m, ll_value object, const char *name, size_t n, ll_value *out) {
    ll_value key;
    bool found;
    LL_TRY(ll_step_bytes(m, n));
    if (object.type == LL_V_UNDEFINED)
        return is_dunder(name, n) ? ll_unsafe_member(m, object, name, n, out) : ll_fail_undefined(m, object);
    LL_TRY(ll_python_attribute(m, object, name, n, out, &found));
    if (found) return LLMCS_OK;
    if (object.type == LL_V_DICT) {
        const ll_value *v = ll_dict_get_text(m, object.dict, name, n);
        if (v) return *out = *v, LLMCS_OK;
    }
    LL_TRY(ll_literal(m, name, n, &key));
    return ll_undefined_member(m, object, key, out);
}

llmcs_status ll_get_item(ll_machine *m, ll_value object, ll_value key, ll_value *out) {
    bool found;
    if (object.type == LL_V_UNDEFINED) return ll_fail_undefined(m, object);
    LL_TRY(python_item(m, object, key, out, &found));
    if (!found && key.type == LL_V_STRING)
        LL_TRY(ll_python_attribute(m, object, key.string->text, key.string->n, out, &found));
    return found ? LLMCS_OK : ll_undefined_member(m, object, key, out);
}

/* ---- slices */

/* Python's slice.indices: the first position, the last one, and how many. */
static void slice_indices(const int64_t given[3], const bool has[3], int64_t n, int64_t *start, int64_t *stop,
                          int64_t *count) {
    const int64_t step = given[2], low = step < 0 ? -1 : 0, high = step < 0 ? n - 1 : n;
    int64_t bounds[2] = {step < 0 ? high : low, step < 0 ? low : high};
    for (int i = 0; i < 2; i++) {
        if (!has[i]) continue;
        int64_t x = given[i];
        if (x < 0) x = x < -n ? low : x + n;
        bounds[i] = x < low ? low : x > high ? high : x;
    }
    *start = bounds[0];
    *stop = bounds[1];
    if (step > 0)
        *count = bounds[1] > bounds[0] ? (bounds[1] - bounds[0] - 1) / step + 1 : 0;
    else
        *count = bounds[0] > bounds[1] ? (bounds[0] - bounds[1] - 1) / -step + 1 : 0;
}

static llmcs_status slice_string(ll_machine *m, const ll_string *s, int64_t start, int64_t count, int64_t step,
                                 ll_value *out) {
    const ll_value *chars;
    size_t n, begin = m->scratch.n;
    if (step == 1 || count == 0) {
        const size_t from = ll_char_offset(s->text, s->n, (size_t)start);
        const size_t len = count ? ll_char_offset(s->text + from, s->n - from, (size_t)count) : 0;
        return ll_substring(m, s, from, from + len, out);
    }
    LL_TRY(ll_iterate(m, ll_text_value(s), &chars, &n));
    for (int64_t i = 0; i < count; i++) LL_TRY(ll_put_string(m, &m->scratch, chars[start + i * step].string));
    LL_TRY(ll_take(m, begin, out));
    return ll_with_markup(m, *out, s->markup, out);
}

static llmcs_status slice_list(ll_machine *m, ll_value list, int64_t start, int64_t stop, int64_t count, int64_t step,
                               ll_value *out) {
    LL_TRY(ll_new_list(m, list.type, (size_t)count, out));
    for (int64_t i = 0; i < count; i++) out->list->items[i] = list.list->items[start + i * step];
    if (list.type == LL_V_RANGE) {
        const int64_t by = list.list->range[2], first = list.list->range[0] + start * by;
        out->list->range[0] = first;
        out->list->range[1] = list.list->range[0] + stop * by;
        out->list->range[2] = by * step;
    }
    return ll_finish_list(m, *out);
}

/* Slices are as in Python, without the sandbox's undefined values. */
static llmcs_status no_slice(ll_machine *m, ll_value object, bool sliced) {
    if (sliced) return ll_raise(m, "TypeError", "slice indices must be integers or None or have an __index__ method");
    if (object.type == LL_V_DICT) return ll_raise(m, "TypeError", "unhashable type: 'slice'");
    return ll_raise(m, "TypeError", "'%s' object is not subscriptable", ll_type_name(object));
}

llmcs_status ll_get_slice(ll_machine *m, ll_value object, const ll_value parts[3], ll_value *out) {
    int64_t given[3] = {0, 0, 1}, start, stop, count;
    bool has[3], valid = true;
    if (object.type == LL_V_UNDEFINED) return ll_fail_undefined(m, object);
    for (int i = 0; i < 3; i++) {
        has[i] = parts[i].type != LL_V_NONE;
        if (has[i] && !ll_as_int(parts[i], &given[i])) valid = false;
    }
    const bool sliced = object.type == LL_V_STRING || object.type == LL_V_LIST || object.type == LL_V_TUPLE ||
                        object.type == LL_V_RANGE;
    if (!sliced || !valid) return no_slice(m, object, sliced);
    if (given[2] == 0) return ll_raise(m, "ValueError", "slice step cannot be zero");
    if (given[2] < -INT32_MAX) given[2] = -INT32_MAX;
    if (given[2] > INT32_MAX) given[2] = INT32_MAX;
    size_t n = object.type == LL_V_STRING ? object.string->n : object.list->n;
    LL_TRY(ll_step_bytes(m, n));
    if (object.type == LL_V_STRING) n = ll_count_chars(object.string->text, n);
    slice_indices(given, has, (int64_t)n, &start, &stop, &count);
    if (object.type == LL_V_STRING) return slice_string(m, object.string, start, count, given[2], out);
    return slice_list(m, object, start, stop, count, given[2], out);
}
