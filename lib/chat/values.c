/* Values: memory, strings, lists, dicts, undefined values, truth, iteration. */
#include <string.h>

#include "base/utf8.h"
#include "chat/builtins.h"
#include "text/hash.h"

#define LINEAR_DICT 8 /* most keys that are searched linearly */

llmcs_status ll_value_alloc(ll_machine *m, size_t count, size_t size, void *out) {
    size_t bytes;
    if (!ll_mul(count, size, &bytes) || bytes > m->bytes_left) return ll_too_much(m, "memory");
    m->bytes_left -= ll_min(m->bytes_left, bytes + 16);
    return ll_arena_alloc(&m->arena, count, size, "chat template's values", out);
}

/* ---- strings */

llmcs_status ll_new_string(ll_machine *m, const char *text, size_t n, uint8_t origin, ll_value *out) {
    ll_string *s;
    char *copy;
    if (n > LL_JINJA_MAX_OUTPUT) return ll_too_much(m, "bytes in one string");
    LL_TRY(ll_step_bytes(m, n));
    LL_TRY(ll_value_alloc(m, 1, sizeof *s, &s));
    LL_TRY(ll_value_alloc(m, n, 1, &copy));
    if (n) memcpy(copy, text, n);
    *s = (ll_string){.text = copy, .n = n, .origin = origin};
    *out = ll_text_value(s);
    return LLMCS_OK;
}

llmcs_status ll_substring(ll_machine *m, const ll_string *s, size_t begin, size_t end, ll_value *out) {
    ll_string *part;
    if (begin == 0 && end == s->n) {
        *out = ll_text_value(s);
        return LLMCS_OK;
    }
    LL_TRY(ll_step(m, 1));
    LL_TRY(ll_value_alloc(m, 1, sizeof *part, &part));
    *part = *s;
    part->text = s->text + begin;
    part->origins = s->origins ? s->origins + begin : NULL;
    part->n = end - begin;
    *out = ll_text_value(part);
    return LLMCS_OK;
}

llmcs_status ll_with_markup(ll_machine *m, ll_value s, bool markup, ll_value *out) {
    ll_string *copy;
    *out = s;
    if (s.string->markup == markup) return LLMCS_OK;
    LL_TRY(ll_value_alloc(m, 1, sizeof *copy, &copy));
    *copy = *s.string;
    copy->markup = markup;
    *out = ll_text_value(copy);
    return LLMCS_OK;
}

bool ll_string_is(const ll_string *s, const char *text) {
    return s->n == strlen(text) && memcmp(s->text, text, s->n) == 0;
}

/* ---- lists */

llmcs_status ll_new_list(ll_machine *m, ll_value_type type, size_t n, ll_value *out) {
    ll_list *l;
    LL_TRY(ll_step(m, n + 1));
    LL_TRY(ll_value_alloc(m, 1, sizeof *l, &l));
    *l = (ll_list){.n = n, .depth = 1};
    LL_TRY(ll_value_alloc(m, n, sizeof *l->items, &l->items));
    *out = ll_list_value(type, l);
    return LLMCS_OK;
}

static uint32_t depth_of(ll_value v) {
    if (ll_is_listlike(v)) return v.list->depth;
    return v.type == LL_V_DICT ? v.dict->depth : 0;
}

llmcs_status ll_finish_list(ll_machine *m, ll_value list) {
    for (size_t i = 0; i < list.list->n; i++) {
        const uint32_t depth = depth_of(list.list->items[i]) + 1;
        if (depth > list.list->depth) list.list->depth = depth;
    }
    return list.list->depth > LL_VALUE_MAX_DEPTH ? ll_too_much(m, "lists and dicts inside each other") : LLMCS_OK;
}

/* ---- dicts */

llmcs_status ll_new_dict(ll_machine *m, size_t capacity, ll_value_type type, ll_value *out) {
    ll_dict *d;
    LL_TRY(ll_step(m, capacity + 1));
    LL_TRY(ll_value_alloc(m, 1, sizeof *d, &d));
    *d = (ll_dict){.capacity = capacity, .depth = 1};
    LL_TRY(ll_value_alloc(m, capacity, sizeof *d->keys, &d->keys));
    LL_TRY(ll_value_alloc(m, capacity, sizeof *d->values, &d->values));
    *out = (ll_value){.type = type, .dict = d};
    return LLMCS_OK;
}

bool ll_is_hashable(ll_value v) {
    return v.type != LL_V_LIST && v.type != LL_V_DICT && v.type != LL_V_KEYS && v.type != LL_V_ITEMS;
}

/* Keys that are equal in Python (1, 1.0, True) have the same hash. */
static uint64_t hash_key(const ll_machine *m, ll_value v) {
    double d;
    if (v.type == LL_V_STRING) return ll_hash_bytes(m->seed, v.string->text, v.string->n);
    if (ll_as_real(v, &d)) {
        uint64_t bits;
        d += 0.0; /* -0 is 0 */
        memcpy(&bits, &d, sizeof bits);
        return ll_hash_u64(m->seed, bits);
    }
    if (v.type == LL_V_NONE || v.type == LL_V_UNDEFINED) return ll_hash_u64(m->seed, (uint64_t)v.type);
    if (v.type == LL_V_FUNCTION) return ll_hash_u64(m->seed, (uint64_t)v.function);
    return ll_hash_u64(m->seed, (uint64_t)(uintptr_t)v.list);
}

static bool same_key(ll_value a, ll_value b) {
    double x, y;
    int64_t i, j;
    if (a.type == LL_V_STRING || b.type == LL_V_STRING)
        return a.type == b.type && a.string->n == b.string->n &&
               memcmp(a.string->text, b.string->text, a.string->n) == 0;
    if (ll_as_int(a, &i) && ll_as_int(b, &j)) return i == j;
    if (ll_as_real(a, &x) && ll_as_real(b, &y)) return x == y || (x != x && y != y); /* all NaNs are one key */
    if (a.type != b.type) return false;
    if (a.type == LL_V_FUNCTION) return a.function == b.function;
    return a.type == LL_V_NONE || a.type == LL_V_UNDEFINED || a.list == b.list;
}

/* Position of the key, or SIZE_MAX. */
static size_t find_key(const ll_machine *m, const ll_dict *d, ll_value key) {
    if (!d->slots) {
        for (size_t i = 0; i < d->n; i++)
            if (same_key(d->keys[i], key)) return i;
        return SIZE_MAX;
    }
    for (size_t i = (size_t)hash_key(m, key) & (d->n_slots - 1);; i = (i + 1) & (d->n_slots - 1)) {
        if (!d->slots[i]) return SIZE_MAX;
        if (same_key(d->keys[d->slots[i] - 1], key)) return d->slots[i] - 1;
    }
}

static void add_slot(const ll_machine *m, ll_dict *d, size_t position) {
    size_t i = (size_t)hash_key(m, d->keys[position]) & (d->n_slots - 1);
    while (d->slots[i]) i = (i + 1) & (d->n_slots - 1);
    d->slots[i] = (uint32_t)position + 1;
}

static llmcs_status grow_dict(ll_machine *m, ll_dict *d) {
    if (d->n == d->capacity) {
        const size_t capacity = 2 * d->capacity + 4;
        ll_value *keys, *values;
        LL_TRY(ll_value_alloc(m, capacity, sizeof *keys, &keys));
        LL_TRY(ll_value_alloc(m, capacity, sizeof *values, &values));
        if (d->n) memcpy(keys, d->keys, d->n * sizeof *keys);
        if (d->n) memcpy(values, d->values, d->n * sizeof *values);
        d->keys = keys;
        d->values = values;
        d->capacity = capacity;
    }
    if (d->n + 1 <= LINEAR_DICT || 2 * (d->n + 1) <= d->n_slots) return LLMCS_OK;
    d->n_slots = d->n_slots ? 4 * d->n_slots : 64;
    LL_TRY(ll_value_alloc(m, d->n_slots, sizeof *d->slots, &d->slots));
    memset(d->slots, 0, d->n_slots * sizeof *d->slots);
    for (size_t i = 0; i < d->n; i++) add_slot(m, d, i);
    return LLMCS_OK;
}

static llmcs_status check_key(ll_machine *m, ll_value key) {
    LL_TRY(ll_step_bytes(m, key.type == LL_V_STRING ? key.string->n : 0)); /* it is hashed and compared */
    if (key.type == LL_V_TUPLE) return ll_unsupported(m, "tuples as keys are not supported");
    return ll_is_hashable(key) ? LLMCS_OK : ll_raise(m, "TypeError", "unhashable type: '%s'", ll_type_name(key));
}

llmcs_status ll_dict_set(ll_machine *m, ll_dict *d, ll_value key, ll_value value) {
    LL_TRY(check_key(m, key));
    size_t at = find_key(m, d, key);
    if (at == SIZE_MAX) {
        LL_TRY(grow_dict(m, d));
        at = d->n++;
        d->keys[at] = key;
        if (d->slots) add_slot(m, d, at);
    }
    d->values[at] = value;
    if (depth_of(value) + 1 > d->depth) d->depth = depth_of(value) + 1;
    return d->depth > LL_VALUE_MAX_DEPTH ? ll_too_much(m, "lists and dicts inside each other") : LLMCS_OK;
}

llmcs_status ll_dict_get(ll_machine *m, const ll_dict *d, ll_value key, const ll_value **value) {
    *value = NULL;
    LL_TRY(check_key(m, key));
    const size_t at = find_key(m, d, key);
    if (at != SIZE_MAX) *value = &d->values[at];
    return LLMCS_OK;
}

const ll_value *ll_dict_get_text(const ll_machine *m, const ll_dict *d, const char *text, size_t n) {
    const ll_string s = {.text = text, .n = n};
    const size_t at = find_key(m, d, ll_text_value(&s));
    return at == SIZE_MAX ? NULL : &d->values[at];
}

llmcs_status ll_dict_items(ll_machine *m, const ll_dict *d, ll_value_type type, ll_value *out) {
    LL_TRY(ll_new_list(m, type, d->n, out));
    for (size_t i = 0; i < d->n; i++) {
        ll_value *pair = &out->list->items[i];
        LL_TRY(ll_new_list(m, LL_V_TUPLE, 2, pair));
        pair->list->items[0] = d->keys[i];
        pair->list->items[1] = d->values[i];
        LL_TRY(ll_finish_list(m, *pair));
    }
    return ll_finish_list(m, *out);
}

/* ---- undefined values */

static llmcs_status new_undefined(ll_machine *m, ll_undefined u, ll_value *out) {
    ll_undefined *copy;
    LL_TRY(ll_value_alloc(m, 1, sizeof *copy, &copy));
    *copy = u;
    *out = (ll_value){.type = LL_V_UNDEFINED, .undefined = copy};
    return LLMCS_OK;
}

static llmcs_status undefined_with_hint(ll_machine *m, const char *hint, bool unsafe, ll_value *out) {
    const size_t size = strlen(hint) + 1;
    char *copy;
    LL_TRY(ll_value_alloc(m, size, 1, &copy));
    memcpy(copy, hint, size);
    return new_undefined(m, (ll_undefined){.hint = copy, .unsafe = unsafe}, out);
}

llmcs_status ll_new_undefined(ll_machine *m, const char *hint, ll_value *out) {
    return undefined_with_hint(m, hint, false, out);
}

llmcs_status ll_undefined_else(ll_machine *m, size_t at, ll_value *out) {
    return new_undefined(m, (ll_undefined){.no_else = at + 1}, out);
}

llmcs_status ll_undefined_name(ll_machine *m, const char *name, size_t n, ll_value *out) {
    ll_value text;
    LL_TRY(ll_literal(m, name, n, &text));
    return new_undefined(m, (ll_undefined){.name = text}, out);
}

/* jinja2's object_type_repr. */
static const char *object_name(ll_value v) {
    switch (v.type) {
        case LL_V_NONE:
            return "None";
        case LL_V_BOOL:
            return "bool object";
        case LL_V_INT:
            return "int object";
        case LL_V_FLOAT:
            return "float object";
        case LL_V_STRING:
            return v.string->markup ? "markupsafe.Markup object" : "str object";
        case LL_V_LIST:
            return "list object";
        case LL_V_TUPLE:
            return "tuple object";
        case LL_V_RANGE:
            return "range object";
        case LL_V_GENERATOR:
            return "generator object";
        case LL_V_KEYS:
            return "dict_keys object";
        case LL_V_VALUES:
            return "dict_values object";
        case LL_V_ITEMS:
            return "dict_items object";
        case LL_V_DICT:
            return "dict object";
        case LL_V_NAMESPACE:
            return "jinja2.utils.Namespace object";
        case LL_V_LOOP:
            return "jinja2.runtime.LoopContext object";
        case LL_V_MACRO:
            return "jinja2.runtime.Macro object";
        case LL_V_METHOD:
            return "builtin_function_or_method object";
        default:
            return "function object";
    }
}

llmcs_status ll_undefined_member(ll_machine *m, ll_value object, ll_value name, ll_value *out) {
    return new_undefined(m, (ll_undefined){.object = object_name(object), .name = name}, out);
}

llmcs_status ll_unsafe_member(ll_machine *m, ll_value object, const char *name, size_t n, ll_value *out) {
    char hint[200];
    ll_format(hint, sizeof hint, "access to attribute '%.*s' of '%s' object is unsafe.", (int)ll_min(n, 80), name,
              ll_type_name(object));
    return undefined_with_hint(m, hint, true, out);
}

llmcs_status ll_fail_undefined(ll_machine *m, ll_value v) {
    char name[120];
    size_t line, column;
    const ll_undefined *u = v.undefined;
    if (!u) return ll_raise(m, "UndefinedError", "undefined");
    if (u->no_else) {
        ll_program_position(m->p, u->no_else - 1, &line, &column);
        return ll_raise(m, "UndefinedError",
                        "the inline if-expression on line %zu evaluated to false and no else section was defined.",
                        line);
    }
    if (u->hint) return ll_raise(m, u->unsafe ? "SecurityError" : "UndefinedError", "%s", u->hint);
    ll_show(m, u->name, name, sizeof name);
    if (!u->object) return ll_raise(m, "UndefinedError", "%s is undefined", name);
    if (u->name.type != LL_V_STRING) return ll_raise(m, "UndefinedError", "%s has no element %s", u->object, name);
    return ll_raise(m, "UndefinedError", "'%s' has no attribute %s", u->object, name);
}

/* ---- what values are */

const char *ll_type_name(ll_value v) {
    static const char *const names[] = {[LL_V_UNDEFINED] = "Undefined",
                                        [LL_V_NONE] = "NoneType",
                                        [LL_V_BOOL] = "bool",
                                        [LL_V_INT] = "int",
                                        [LL_V_FLOAT] = "float",
                                        [LL_V_STRING] = "str",
                                        [LL_V_LIST] = "list",
                                        [LL_V_TUPLE] = "tuple",
                                        [LL_V_RANGE] = "range",
                                        [LL_V_GENERATOR] = "generator",
                                        [LL_V_KEYS] = "dict_keys",
                                        [LL_V_VALUES] = "dict_values",
                                        [LL_V_ITEMS] = "dict_items",
                                        [LL_V_DICT] = "dict",
                                        [LL_V_NAMESPACE] = "Namespace",
                                        [LL_V_LOOP] = "LoopContext",
                                        [LL_V_MACRO] = "Macro",
                                        [LL_V_FUNCTION] = "function",
                                        [LL_V_METHOD] = "builtin_function_or_method"};
    return v.type == LL_V_STRING && v.string->markup ? "Markup" : names[v.type];
}

bool ll_as_int(ll_value v, int64_t *i) {
    if (v.type == LL_V_INT) *i = v.integer;
    if (v.type == LL_V_BOOL) *i = v.boolean;
    return v.type == LL_V_INT || v.type == LL_V_BOOL;
}

bool ll_as_real(ll_value v, double *d) {
    int64_t i;
    if (v.type == LL_V_FLOAT) *d = v.real;
    if (ll_as_int(v, &i)) *d = (double)i;
    return v.type == LL_V_FLOAT || v.type == LL_V_INT || v.type == LL_V_BOOL;
}

bool ll_length(ll_value v, size_t *n) {
    switch (v.type) {
        case LL_V_UNDEFINED:
            *n = 0;
            return true;
        case LL_V_STRING:
            *n = ll_count_chars(v.string->text, v.string->n);
            return true;
        case LL_V_DICT:
            *n = v.dict->n;
            return true;
        case LL_V_LOOP:
            *n = v.loop->n;
            return true;
        case LL_V_GENERATOR:
            return false;
        default:
            if (!ll_is_listlike(v)) return false;
            *n = v.list->n;
            return true;
    }
}

bool ll_truth(ll_value v) {
    size_t n;
    switch (v.type) {
        case LL_V_UNDEFINED:
        case LL_V_NONE:
            return false;
        case LL_V_BOOL:
            return v.boolean;
        case LL_V_INT:
            return v.integer != 0;
        case LL_V_FLOAT:
            return v.real != 0;
        case LL_V_STRING:
            return v.string->n > 0;
        default:
            return !ll_length(v, &n) || n > 0;
    }
}

bool ll_is_iterable(ll_value v) {
    return v.type == LL_V_UNDEFINED || v.type == LL_V_STRING || v.type == LL_V_DICT || v.type == LL_V_LOOP ||
           ll_is_listlike(v);
}

static llmcs_status iterate_string(ll_machine *m, const ll_string *s, const ll_value **items, size_t *n) {
    ll_value list, plain; /* the characters of Markup are plain strings */
    LL_TRY(ll_step_bytes(m, s->n));
    LL_TRY(ll_with_markup(m, ll_text_value(s), false, &plain));
    s = plain.string;
    LL_TRY(ll_new_list(m, LL_V_LIST, ll_count_chars(s->text, s->n), &list));
    for (size_t i = 0, at = 0; i < list.list->n; i++) {
        uint32_t cp;
        const size_t len = ll_utf8_decode(s->text + at, s->n - at, &cp);
        LL_TRY(ll_substring(m, s, at, at + len, &list.list->items[i]));
        at += len;
    }
    *items = list.list->items;
    *n = list.list->n;
    return LLMCS_OK;
}

llmcs_status ll_iterate(ll_machine *m, ll_value v, const ll_value **items, size_t *n) {
    *items = NULL;
    *n = 0;
    if (v.type == LL_V_UNDEFINED) return LLMCS_OK;
    if (v.type == LL_V_STRING) return iterate_string(m, v.string, items, n);
    if (v.type == LL_V_DICT) {
        *items = v.dict->keys;
        *n = v.dict->n;
    } else if (v.type == LL_V_GENERATOR) {
        *items = v.list->items + v.list->taken;
        *n = v.list->n - v.list->taken;
        v.list->taken = v.list->n;
    } else if (ll_is_listlike(v)) {
        *items = v.list->items;
        *n = v.list->n;
    } else if (v.type == LL_V_LOOP) {
        return ll_unsupported(m, "iterating over loop is not supported");
    } else {
        return ll_raise(m, "TypeError", "'%s' object is not iterable", ll_type_name(v));
    }
    return ll_step(m, *n + 1);
}
