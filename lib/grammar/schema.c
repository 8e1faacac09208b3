/* Compiles the keywords of a JSON schema, one rule for each subschema. */
#include "grammar/schema.h"

#include <string.h>

#include "base/status.h"
#include "grammar/regex.h"
#include "grammar/schema_parts.h"

/* ---- messages: where in the document a value is */

/* Appends "/key" or "/3"; ~ and / of a key as RFC 6901 writes them. */
static void append_step(char *pointer, size_t size, const char *key, size_t n, size_t index) {
    size_t at = strlen(pointer);
    char number[24];
    if (!key) {
        ll_format(number, sizeof number, "%zu", index);
        key = number;
        n = strlen(number);
    }
    if (at + 2 < size) pointer[at++] = '/';
    for (size_t i = 0; i < n && at + 3 < size; i++) {
        const char c = key[i];
        pointer[at++] = c == '~' || c == '/' ? '~' : c;
        if (c == '~' || c == '/') pointer[at++] = c == '~' ? '0' : '1';
    }
    pointer[at] = 0;
}

static void find_pointer(const ll_schema *s, ll_json wanted, char *pointer, size_t size) {
    ll_json path[LL_JSON_MAX_DEPTH + 2];
    size_t depth = 0;
    path[0] = s->root;
    while (path[depth].node != wanted.node) {
        ll_json next = ll_json_first(path[depth]);
        if (ll_json_get_type(next)) {
            path[++depth] = next;
            continue;
        }
        while (depth && !ll_json_get_type(next = ll_json_next(path[depth]))) depth--;
        if (!depth) return;
        path[depth] = next;
    }
    for (size_t i = 1; i <= depth; i++) {
        size_t n = 0, index = 0;
        const bool member = ll_json_get_type(path[i - 1]) == LL_JSON_OBJECT;
        const char *key = member ? ll_json_key(path[i], &n) : NULL;
        for (ll_json e = ll_json_first(path[i - 1]); !member && e.node != path[i].node; e = ll_json_next(e)) index++;
        append_step(pointer, size, key, n, index);
    }
}

llmcs_status ll_schema_bad(const ll_schema *s, llmcs_status status, ll_json at, const char *what) {
    char pointer[128] = "#";
    find_pointer(s, at, pointer, sizeof pointer);
    return ll_fail(status, "JSON schema: %s: %s", pointer, what);
}

/* ---- keywords */

static const char *const handled[] = {
    "$ref",     "type",     "enum",      "const",     "properties",       "required",         "items",
    "minItems", "maxItems", "minLength", "maxLength", "pattern",          "format",           "minimum",
    "maximum",  "anyOf",    "oneOf",     "allOf",     "exclusiveMinimum", "exclusiveMaximum", "additionalProperties",
    NULL};
/* Keywords without effect on the text. */
static const char *const annotations[] = {"$schema",  "$id",         "$comment", "$defs",    "definitions",
                                          "title",    "description", "default",  "examples", "deprecated",
                                          "readOnly", "writeOnly",   NULL};

static bool is_in(const char *const *names, const char *key, size_t n) {
    for (; *names; names++)
        if (strlen(*names) == n && !memcmp(*names, key, n)) return true;
    return false;
}

static llmcs_status check_keywords(const ll_schema *s, ll_json schema) {
    for (ll_json m = ll_json_first(schema); ll_json_get_type(m); m = ll_json_next(m)) {
        size_t n;
        bool unique;
        const char *key = ll_json_key(m, &n);
        if (is_in(handled, key, n) || is_in(annotations, key, n)) continue;
        if (n == 11 && !memcmp(key, "uniqueItems", n) && ll_json_bool(m, &unique) && !unique) continue;
        return ll_schema_bad(s, LLMCS_UNSUPPORTED, m, "this keyword is not supported");
    }
    return LLMCS_OK;
}

static bool same_text(ll_json a, ll_json b) {
    size_t n, m;
    const char *x = ll_json_source(a, &n), *y = ll_json_source(b, &m);
    const bool scalar = ll_json_get_type(a) != LL_JSON_ARRAY && ll_json_get_type(a) != LL_JSON_OBJECT;
    return scalar && n == m && !memcmp(x, y, n);
}

llmcs_status ll_schema_get(const ll_schema *s, const ll_schema_view *v, const char *key, ll_json *out) {
    *out = (ll_json){0};
    for (size_t i = 0; i < v->n; i++) {
        ll_json found;
        LL_TRY(ll_json_get_unique(v->sources[i], key, &found));
        if (!ll_json_get_type(found)) continue;
        if (ll_json_get_type(*out) && !same_text(*out, found))
            return ll_schema_bad(s, LLMCS_UNSUPPORTED, found, "allOf or $ref gives this keyword twice");
        *out = found;
    }
    return LLMCS_OK;
}

llmcs_status ll_schema_count(const ll_schema *s, const ll_schema_view *v, const char *key, size_t *out) {
    ll_json at;
    int64_t n;
    LL_TRY(ll_schema_get(s, v, key, &at));
    if (!ll_json_get_type(at)) return LLMCS_OK;
    if (!ll_json_int64(at, &n) || n < 0) return ll_schema_bad(s, LLMCS_ARG, at, "expected an integer of 0 or more");
    if ((uint64_t)n > LL_NFA_MAX_STATES) return ll_schema_bad(s, LLMCS_LIMIT, at, "more than 524288 are not supported");
    *out = (size_t)n;
    return LLMCS_OK;
}

llmcs_status ll_schema_add(ll_nfa *n, ll_fragment *all, bool *any, ll_fragment more) {
    if (*any) return ll_nfa_or(n, all, more);
    *all = more;
    *any = true;
    return LLMCS_OK;
}

/* ---- rules of subschemas */

static size_t slot_of(const ll_schema_rule *rules, size_t n_slots, uint32_t node) {
    size_t at = (node * 2654435761u) & (n_slots - 1); /* Knuth's multiplicative hashing */
    while (rules[at].key && rules[at].key != node + 1) at = (at + 1) & (n_slots - 1);
    return at;
}

static llmcs_status grow_rules(ll_schema *s) {
    const size_t n = s->rule_slots ? 2 * s->rule_slots : 64;
    ll_schema_rule *fresh;
    LL_TRY(ll_alloc_zero(s->allocator, n, sizeof *fresh, "rules of a schema", &fresh));
    for (size_t i = 0; i < s->rule_slots; i++)
        if (s->rules[i].key) fresh[slot_of(fresh, n, s->rules[i].key - 1)] = s->rules[i];
    ll_free(s->allocator, s->rules);
    s->rules = fresh;
    s->rule_slots = n;
    return LLMCS_OK;
}

static llmcs_status rule_of(ll_schema *s, ll_json subschema, uint32_t *rule) {
    if (2 * s->n_rules >= s->rule_slots) LL_TRY(grow_rules(s));
    ll_schema_rule *at = &s->rules[slot_of(s->rules, s->rule_slots, subschema.node)];
    if (!at->key) {
        LL_TRY(ll_nfa_add_rule(s->nfa, &at->rule));
        LL_TRY(ll_grow(s->allocator, &s->todo, s->n_todo, &s->todo_capacity, s->n_todo + 1, sizeof *s->todo,
                       "rules of a schema"));
        s->todo[s->n_todo++] = subschema;
        at->key = subschema.node + 1;
        s->n_rules++;
    }
    *rule = at->rule;
    return LLMCS_OK;
}

llmcs_status ll_schema_call(ll_schema *s, ll_json subschema, ll_fragment *out) {
    uint32_t rule;
    LL_TRY(rule_of(s, subschema, &rule));
    return ll_nfa_call(s->nfa, rule, out);
}

/* ---- $ref and allOf */

/* True if a step of a JSON pointer is this key: ~0 is ~, ~1 is /. */
static bool names_key(const char *step, size_t n, const char *key, size_t n_key) {
    size_t length = 0;
    for (size_t i = 0; i < n; i++) {
        const bool escaped = step[i] == '~' && i + 1 < n && (step[i + 1] == '0' || step[i + 1] == '1');
        const char c = escaped ? (step[i + 1] == '0' ? '~' : '/') : step[i];
        if (length == n_key || key[length++] != c) return false;
        i += escaped;
    }
    return length == n_key;
}

/* One step of a JSON pointer, into an object or array. */
static ll_json step_into(ll_json at, const char *step, size_t n) {
    ll_json e = ll_json_first(at);
    size_t index = 0, n_key;
    if (ll_json_get_type(at) == LL_JSON_OBJECT) {
        for (; ll_json_get_type(e); e = ll_json_next(e)) {
            const char *key = ll_json_key(e, &n_key);
            if (names_key(step, n, key, n_key)) break;
        }
        return e;
    }
    for (size_t i = 0; i < n; i++) {
        if (step[i] < '0' || step[i] > '9' || index > (size_t)INT32_MAX) return (ll_json){0};
        index = index * 10 + (size_t)(step[i] - '0');
    }
    while (n && index-- && ll_json_get_type(e)) e = ll_json_next(e);
    return n ? e : (ll_json){0};
}

static llmcs_status resolve(const ll_schema *s, ll_json ref, ll_json *out) {
    size_t n;
    const char *text = ll_json_string(ref, &n);
    if (!text || !n || text[0] != '#' || (n > 1 && text[1] != '/'))
        return ll_schema_bad(s, LLMCS_UNSUPPORTED, ref, "only references into this document, \"#/...\", are supported");
    *out = s->root;
    for (size_t at = 2; n > 1 && ll_json_get_type(*out);) {
        const char *slash = at < n ? memchr(text + at, '/', n - at) : NULL;
        const size_t end = slash ? (size_t)(slash - text) : n;
        *out = step_into(*out, text + at, end - at);
        if (!slash) break;
        at = end + 1;
    }
    if (ll_json_get_type(*out)) return LLMCS_OK;
    return ll_schema_bad(s, LLMCS_ARG, ref, "there is nothing at this reference");
}

static llmcs_status add_source(const ll_schema *s, ll_schema_view *v, ll_json source) {
    bool allowed;
    if (ll_json_bool(source, &allowed)) {
        if (allowed) return LLMCS_OK;
        return ll_schema_bad(s, LLMCS_ARG, source, "false allows no value");
    }
    if (ll_json_get_type(source) != LL_JSON_OBJECT)
        return ll_schema_bad(s, LLMCS_ARG, source, "a schema must be an object, true or false");
    if (v->n == LL_SCHEMA_MAX_SOURCES)
        return ll_schema_bad(s, LLMCS_LIMIT, source,
                             "more than 32 schemas joined by allOf and $ref, or a $ref to itself");
    v->sources[v->n++] = source;
    return check_keywords(s, source);
}

/* Collects the schema and those joined to it by allOf and $ref. */
static llmcs_status collect(const ll_schema *s, ll_json schema, ll_schema_view *v) {
    v->n = 0;
    LL_TRY(add_source(s, v, schema));
    for (size_t i = 0; i < v->n; i++) {
        ll_json ref, all, target;
        LL_TRY(ll_json_get_unique(v->sources[i], "$ref", &ref));
        LL_TRY(ll_json_get_unique(v->sources[i], "allOf", &all));
        if (ll_json_get_type(ref)) {
            LL_TRY(resolve(s, ref, &target));
            LL_TRY(add_source(s, v, target));
        }
        for (ll_json e = ll_json_first(all); ll_json_get_type(e); e = ll_json_next(e)) LL_TRY(add_source(s, v, e));
    }
    return LLMCS_OK;
}

/* ---- objects */

static bool is_required(const ll_schema_view *v, ll_json property) {
    size_t n, m;
    const char *key = ll_json_key(property, &n);
    for (size_t i = 0; i < v->n; i++) {
        const ll_json list = ll_json_get(v->sources[i], "required");
        for (ll_json e = ll_json_first(list); ll_json_get_type(e); e = ll_json_next(e)) {
            const char *name = ll_json_string(e, &m);
            if (name && n == m && !memcmp(name, key, n)) return true;
        }
    }
    return false;
}

static bool find_property(const ll_schema_view *v, const char *name, size_t n) {
    for (size_t i = 0; i < v->n; i++) {
        const ll_json properties = ll_json_get(v->sources[i], "properties");
        for (ll_json m = ll_json_first(properties); ll_json_get_type(m); m = ll_json_next(m)) {
            size_t length;
            const char *key = ll_json_key(m, &length);
            if (length == n && !memcmp(key, name, n)) return true;
        }
    }
    return false;
}

/* LIMIT for too many members: their names are compared pairwise. */
static llmcs_status check_sizes(const ll_schema *s, const ll_schema_view *v) {
    enum { MOST = 4096 };
    static const char *const keys[] = {"properties", "required"};
    size_t n[2] = {0, 0};
    for (size_t i = 0; i < 2 * v->n; i++) {
        const ll_json at = ll_json_get(v->sources[i / 2], keys[i % 2]);
        n[i % 2] += ll_json_count(at);
        if (n[i % 2] > MOST)
            return ll_schema_bad(s, LLMCS_LIMIT, at, "more than 4096 names, those of allOf and $ref included");
        if (ll_json_get_type(at) && ll_json_get_type(at) != (i % 2 ? LL_JSON_ARRAY : LL_JSON_OBJECT))
            return ll_schema_bad(s, LLMCS_ARG, at, i % 2 ? "expected a list of names" : "expected an object");
    }
    return LLMCS_OK;
}

/* Checks that every required name has a schema and no name has two. */
static llmcs_status check_names(const ll_schema *s, const ll_schema_view *v) {
    for (size_t i = 0; i < v->n; i++) {
        const ll_json list = ll_json_get(v->sources[i], "required");
        for (ll_json e = ll_json_first(list); ll_json_get_type(e); e = ll_json_next(e)) {
            size_t n;
            const char *name = ll_json_string(e, &n);
            if (!name) return ll_schema_bad(s, LLMCS_ARG, e, "expected a name");
            if (!find_property(v, name, n))
                return ll_schema_bad(s, LLMCS_UNSUPPORTED, e, "it is required and not among the properties");
        }
        const ll_json properties = ll_json_get(v->sources[i], "properties");
        for (ll_json m = ll_json_first(properties); ll_json_get_type(m); m = ll_json_next(m)) {
            size_t n;
            const char *key = ll_json_key(m, &n);
            for (size_t k = 0; k < i; k++) {
                const ll_schema_view earlier = {.n = 1, .sources = {v->sources[k]}};
                if (find_property(&earlier, key, n))
                    return ll_schema_bad(s, LLMCS_UNSUPPORTED, m, "allOf or $ref gives this property twice");
            }
        }
    }
    return LLMCS_OK;
}

/* "key": value */
static llmcs_status member(ll_schema *s, ll_json property, ll_fragment *out) {
    ll_fragment f;
    LL_TRY(ll_schema_key(s, property, out));
    LL_TRY(ll_schema_call(s, property, &f));
    ll_nfa_join(s->nfa, out, f);
    return LLMCS_OK;
}

/* Two ways through the members: `none` has written nothing yet, `some` has, so that a comma comes first. Either is an
 * end of the automaton so far, or LL_NFA_NONE where it cannot be. */
typedef struct way {
    uint32_t none, some;
} way;

static llmcs_status add_member(ll_schema *s, ll_json property, bool required, way *w) {
    ll_nfa *n = s->nfa;
    ll_fragment text, comma, some;
    LL_TRY(member(s, property, &text)); /* shared by both ways */
    LL_TRY(ll_nfa_empty(n, &some));
    n->states[text.end].next = some.start;
    if (w->some != LL_NFA_NONE) {
        LL_TRY(ll_regex_compile(n, ", ?", 3, LL_REGEX_TEXT, &comma));
        n->states[w->some].next = comma.start;
        n->states[comma.end].next = text.start;
        if (!required) n->states[w->some].other = some.start;
    }
    if (w->none != LL_NFA_NONE) {
        ll_fragment none;
        n->states[w->none].next = text.start;
        if (!required) {
            LL_TRY(ll_nfa_empty(n, &none));
            n->states[w->none].other = none.start;
        }
        w->none = required ? LL_NFA_NONE : none.end;
    }
    w->some = some.end;
    return LLMCS_OK;
}

static llmcs_status object(ll_schema *s, const ll_schema_view *v, ll_fragment *out) {
    ll_json more;
    bool closed = false, none = true;
    LL_TRY(ll_schema_get(s, v, "additionalProperties", &more));
    if (ll_json_get_type(more) == LL_JSON_BOOL) closed = ll_json_bool(more, &closed) && !closed;
    LL_TRY(check_sizes(s, v));
    LL_TRY(check_names(s, v));
    for (size_t i = 0; i < v->n; i++) none = none && !ll_json_count(ll_json_get(v->sources[i], "properties"));
    if (none && !closed) return ll_schema_list(s, "{}", ll_schema_member, more, 0, SIZE_MAX, out);
    LL_TRY(ll_nfa_bytes(s->nfa, "{", 1, out));
    way w = {out->end, LL_NFA_NONE};
    for (size_t i = 0; i < v->n; i++) {
        const ll_json properties = ll_json_get(v->sources[i], "properties");
        for (ll_json m = ll_json_first(properties); ll_json_get_type(m); m = ll_json_next(m))
            LL_TRY(add_member(s, m, is_required(v, m), &w));
    }
    ll_fragment end;
    LL_TRY(ll_nfa_bytes(s->nfa, "}", 1, &end));
    if (w.none != LL_NFA_NONE) s->nfa->states[w.none].next = end.start;
    if (w.some != LL_NFA_NONE) s->nfa->states[w.some].next = end.start;
    out->end = end.end;
    return LLMCS_OK;
}

/* ---- arrays */

static llmcs_status array(ll_schema *s, const ll_schema_view *v, ll_fragment *out) {
    size_t min = 0, max = SIZE_MAX;
    ll_json items, most;
    bool allowed = true;
    LL_TRY(ll_schema_get(s, v, "items", &items));
    LL_TRY(ll_schema_get(s, v, "maxItems", &most));
    LL_TRY(ll_schema_count(s, v, "minItems", &min));
    LL_TRY(ll_schema_count(s, v, "maxItems", &max));
    if (min > max) return ll_schema_bad(s, LLMCS_ARG, most, "less than minItems");
    if (ll_json_get_type(items) == LL_JSON_ARRAY)
        return ll_schema_bad(s, LLMCS_UNSUPPORTED, items, "a list of schemas is not supported");
    if (max && ll_json_bool(items, &allowed) && !allowed)
        return ll_schema_bad(s, LLMCS_ARG, items, "false allows no value");
    return ll_schema_list(s, "[]", ll_schema_item, items, min, max, out);
}

/* ---- a value */

static const struct {
    const char *name;
    unsigned bit;
} types[] = {{"object", LL_TYPE_OBJECT}, {"array", LL_TYPE_ARRAY},     {"string", LL_TYPE_STRING},
             {"number", LL_TYPE_NUMBER}, {"integer", LL_TYPE_INTEGER}, {"boolean", LL_TYPE_BOOLEAN},
             {"null", LL_TYPE_NULL}};

static unsigned type_bit(ll_json v) {
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (ll_json_equals(v, types[i].name)) return types[i].bit;
    return 0;
}

/* A name, or a list of names. */
static llmcs_status read_types(const ll_schema *s, ll_json v, unsigned *bits) {
    const bool list = ll_json_get_type(v) == LL_JSON_ARRAY;
    unsigned found = 0;
    for (ll_json e = list ? ll_json_first(v) : v; ll_json_get_type(e); e = ll_json_next(e)) {
        const unsigned bit = type_bit(e);
        if (!bit) return ll_schema_bad(s, LLMCS_ARG, e, "not a type");
        found |= bit;
        if (!list) break;
    }
    if (found & LL_TYPE_NUMBER) found |= LL_TYPE_INTEGER;
    *bits &= found;
    if (!*bits) return ll_schema_bad(s, LLMCS_ARG, v, "no type is left");
    return LLMCS_OK;
}

/* Without `type`, keywords of one type restrict the value to it. */
static unsigned implied_types(const ll_schema_view *v) {
    static const struct {
        const char *key;
        unsigned bits;
    } implied[] = {{"properties", LL_TYPE_OBJECT},
                   {"required", LL_TYPE_OBJECT},
                   {"additionalProperties", LL_TYPE_OBJECT},
                   {"items", LL_TYPE_ARRAY},
                   {"minItems", LL_TYPE_ARRAY},
                   {"maxItems", LL_TYPE_ARRAY},
                   {"minLength", LL_TYPE_STRING},
                   {"maxLength", LL_TYPE_STRING},
                   {"pattern", LL_TYPE_STRING},
                   {"format", LL_TYPE_STRING},
                   {"minimum", LL_TYPE_NUMBER | LL_TYPE_INTEGER},
                   {"maximum", LL_TYPE_NUMBER | LL_TYPE_INTEGER},
                   {"exclusiveMinimum", LL_TYPE_NUMBER | LL_TYPE_INTEGER},
                   {"exclusiveMaximum", LL_TYPE_NUMBER | LL_TYPE_INTEGER}};
    for (size_t k = 0; k < sizeof implied / sizeof *implied; k++)
        for (size_t i = 0; i < v->n; i++)
            if (ll_json_get_type(ll_json_get(v->sources[i], implied[k].key))) return implied[k].bits;
    return LL_TYPE_ALL;
}

static unsigned type_of_value(ll_json v) {
    int64_t n;
    switch (ll_json_get_type(v)) {
        case LL_JSON_OBJECT:
            return LL_TYPE_OBJECT;
        case LL_JSON_ARRAY:
            return LL_TYPE_ARRAY;
        case LL_JSON_STRING:
            return LL_TYPE_STRING;
        case LL_JSON_NUMBER:
            return ll_json_int64(v, &n) ? LL_TYPE_INTEGER : LL_TYPE_NUMBER;
        case LL_JSON_BOOL:
            return LL_TYPE_BOOLEAN;
        case LL_JSON_NULL:
        case LL_JSON_MISSING:
            break;
    }
    return LL_TYPE_NULL;
}

/* Any of the values in `list`, or `list` itself, whose type is allowed. */
static llmcs_status fixed_values(ll_schema *s, ll_json list, bool is_const, unsigned bits, ll_fragment *out) {
    bool any = false;
    if (!is_const && ll_json_get_type(list) != LL_JSON_ARRAY)
        return ll_schema_bad(s, LLMCS_ARG, list, "expected a list of values");
    for (ll_json e = is_const ? list : ll_json_first(list); ll_json_get_type(e); e = ll_json_next(e)) {
        ll_fragment f;
        if (type_of_value(e) & bits) {
            LL_TRY(ll_schema_literal(s, e, &f));
            LL_TRY(ll_schema_add(s->nfa, out, &any, f));
        }
        if (is_const) break;
    }
    return any ? LLMCS_OK : ll_schema_bad(s, LLMCS_ARG, list, "no value is left");
}

/* anyOf and oneOf: the union of all branches. */
static llmcs_status branches(ll_schema *s, ll_json list, ll_fragment *out) {
    bool any = false;
    if (ll_json_get_type(list) != LL_JSON_ARRAY || !ll_json_count(list))
        return ll_schema_bad(s, LLMCS_ARG, list, "expected a list of schemas");
    for (ll_json e = ll_json_first(list); ll_json_get_type(e); e = ll_json_next(e)) {
        ll_fragment f;
        bool allowed = true;
        if (ll_json_bool(e, &allowed) && !allowed) continue;
        LL_TRY(ll_schema_call(s, e, &f));
        LL_TRY(ll_schema_add(s->nfa, out, &any, f));
    }
    return any ? LLMCS_OK : ll_schema_bad(s, LLMCS_ARG, list, "false allows no value");
}

/* The first of the keywords that is present; MISSING: none. */
static ll_json first_of(const ll_schema_view *v, const char *const *keys) {
    for (; *keys; keys++)
        for (size_t i = 0; i < v->n; i++) {
            const ll_json found = ll_json_get(v->sources[i], *keys);
            if (ll_json_get_type(found)) return found;
        }
    return (ll_json){0};
}

static llmcs_status typed_values(ll_schema *s, const ll_schema_view *v, unsigned bits, ll_fragment *out) {
    bool any = false;
    if (bits == LL_TYPE_ALL) return ll_schema_any(s, out);
    for (unsigned bit = 1; bit <= LL_TYPE_NULL; bit <<= 1) {
        ll_fragment f;
        if (!(bits & bit) || (bit == LL_TYPE_INTEGER && bits & LL_TYPE_NUMBER)) continue;
        if (bit == LL_TYPE_OBJECT)
            LL_TRY(object(s, v, &f));
        else if (bit == LL_TYPE_ARRAY)
            LL_TRY(array(s, v, &f));
        else if (bit == LL_TYPE_STRING)
            LL_TRY(ll_schema_string(s, v, &f));
        else if (bit == LL_TYPE_NUMBER || bit == LL_TYPE_INTEGER)
            LL_TRY(ll_schema_number(s, v, bit == LL_TYPE_INTEGER, &f));
        else if (bit == LL_TYPE_BOOLEAN)
            LL_TRY(ll_regex_compile(s->nfa, "true|false", 10, LL_REGEX_TEXT, &f));
        else
            LL_TRY(ll_nfa_bytes(s->nfa, "null", 4, &f));
        LL_TRY(ll_schema_add(s->nfa, out, &any, f));
    }
    return LLMCS_OK;
}

static llmcs_status compile_value(ll_schema *s, ll_json schema, ll_fragment *out) {
    static const char *const fixed[] = {"enum", "const", NULL}, *const unions[] = {"anyOf", "oneOf", NULL};
    static const char *const others[] = {
        "properties", "required", "items",   "minItems", "maxItems",         "minLength",        "maxLength",
        "pattern",    "format",   "minimum", "maximum",  "exclusiveMinimum", "exclusiveMaximum", "additionalProperties",
        NULL};
    ll_schema_view v;
    unsigned bits = LL_TYPE_ALL;
    LL_TRY(collect(s, schema, &v));
    for (size_t i = 0; i < v.n; i++) {
        const ll_json type = ll_json_get(v.sources[i], "type");
        if (ll_json_get_type(type)) LL_TRY(read_types(s, type, &bits));
    }
    const ll_json values = first_of(&v, fixed), either = first_of(&v, unions), more = first_of(&v, others);
    const bool has_values = ll_json_get_type(values), has_either = ll_json_get_type(either);
    if ((has_values || has_either) && ll_json_get_type(more))
        return ll_schema_bad(s, LLMCS_UNSUPPORTED, more, "not together with enum, const, anyOf or oneOf");
    if ((has_values && has_either) || (has_either && bits != LL_TYPE_ALL))
        return ll_schema_bad(s, LLMCS_UNSUPPORTED, either, "not together with type, enum or const");
    if (has_values) {
        ll_json found;
        LL_TRY(ll_schema_get(s, &v, "const", &found));
        const bool is_const = ll_json_get_type(found);
        if (is_const && ll_json_get_type(first_of(&v, (const char *const[]){"enum", NULL})))
            return ll_schema_bad(s, LLMCS_UNSUPPORTED, found, "not together with enum");
        if (!is_const) LL_TRY(ll_schema_get(s, &v, "enum", &found));
        return fixed_values(s, found, is_const, bits, out);
    }
    if (has_either) {
        ll_json any_of, one_of;
        LL_TRY(ll_schema_get(s, &v, "anyOf", &any_of));
        LL_TRY(ll_schema_get(s, &v, "oneOf", &one_of));
        if (ll_json_get_type(any_of) && ll_json_get_type(one_of))
            return ll_schema_bad(s, LLMCS_UNSUPPORTED, one_of, "not together with anyOf");
        return branches(s, either, out);
    }
    if (bits == LL_TYPE_ALL) bits = implied_types(&v);
    return typed_values(s, &v, bits, out);
}

static llmcs_status compile_rules(ll_schema *s) {
    uint32_t rule;
    LL_TRY(rule_of(s, s->root, &rule));
    while (s->n_todo) {
        const ll_json schema = s->todo[--s->n_todo];
        ll_fragment body;
        LL_TRY(rule_of(s, schema, &rule));
        LL_TRY(compile_value(s, schema, &body));
        ll_nfa_set_rule(s->nfa, rule, body);
    }
    return LLMCS_OK;
}

llmcs_status ll_schema_compile(ll_nfa *n, const char *schema, size_t n_bytes) {
    ll_json_doc *doc = NULL;
    LL_TRY(ll_json_parse(n->allocator, "JSON schema", schema, n_bytes, 0, &doc));
    ll_schema s = {.nfa = n,
                   .allocator = n->allocator,
                   .doc = doc,
                   .root = ll_json_root(doc),
                   .shared = {LL_NFA_NONE, LL_NFA_NONE, LL_NFA_NONE}};
    const llmcs_status status = compile_rules(&s);
    ll_free(s.allocator, s.rules);
    ll_free(s.allocator, s.todo);
    ll_json_free(&doc);
    return status;
}
