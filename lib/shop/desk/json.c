/* Builds a tree from the rows of json_tree, which come in document order. */
#include "shop/desk/json.h"

#include <string.h>

#include "shop/store/rows.h"

enum { MAX_DEPTH = 256, MAX_STRING = 65536, SORTED_CHECK = 64 };

/* json_tree returns ascending ids, so a parent is found by bisection. */
typedef struct tree {
    shop_arena *arena;
    const char *what;
    desk_json **nodes; /* [n] */
    int64_t *ids;
    size_t n, max;
} tree;

static desk_json *find_node(const tree *t, int64_t id) {
    size_t low = 0, high = t->n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (t->ids[middle] < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < t->n && t->ids[low] == id ? t->nodes[low] : NULL;
}

static desk_json_type type_of(const char *name) {
    switch (name[0]) {
        case 'n':
            return DESK_JSON_NULL;
        case 'i':
        case 'r':
            return DESK_JSON_NUMBER;
        case 'a':
            return DESK_JSON_ARRAY;
        case 'o':
            return DESK_JSON_OBJECT;
        case 't':
            return name[1] == 'e' ? DESK_JSON_STRING : DESK_JSON_BOOL;
        default:
            return DESK_JSON_BOOL;
    }
}

static llmcs_status copy_string(const tree *t, const desk_json *node, const char *text, size_t n, const char **out) {
    SHOP_TRY(shop_arena_copy(t->arena, text, n, out));
    if (strlen(*out) == n && !shop_check_text("string", *out, 0, MAX_STRING)) return LLMCS_OK;
    const desk_json_path path = desk_json_where(node);
    return shop_fail(LLMCS_JSON, "%s: %s: a string has a control character, invalid UTF-8, or more than %d bytes",
                     t->what, path.text, MAX_STRING);
}

static llmcs_status link_node(const tree *t, desk_json *node, desk_json *parent) {
    node->parent = parent;
    node->index = parent->n++;
    if (parent->last)
        parent->last->next = node;
    else
        parent->first = node;
    parent->last = node;
    if (!node->key) return LLMCS_OK;
    /* A duplicate key would be silently ignored, so it is an error. The check is quadratic; very large objects are
     * rejected instead. */
    if (parent->n > SORTED_CHECK * SORTED_CHECK)
        return shop_fail(LLMCS_LIMIT, "%s: an object with more than %d members", t->what, SORTED_CHECK * SORTED_CHECK);
    for (const desk_json *other = parent->first; other != node; other = other->next)
        if (!strcmp(other->key, node->key)) {
            const desk_json_path path = desk_json_where(node);
            return shop_fail(LLMCS_JSON, "%s: %s occurs twice", t->what, path.text);
        }
    return LLMCS_OK;
}

static llmcs_status add_node(tree *t, const shop_query *q) {
    desk_json *node, *parent = NULL;
    size_t n, depth = 0;
    if (t->n == t->max) return shop_fail(LLMCS_LIMIT, "%s: more than %lld values", t->what, (long long)t->max);
    SHOP_TRY(shop_arena_alloc(t->arena, 1, sizeof *node, &node));
    node->text = "";
    node->type = type_of(shop_query_text(q, 3, &n));
    if (!shop_query_is_null(q, 1)) {
        parent = find_node(t, shop_query_int(q, 1));
        if (!parent) return shop_fail(LLMCS_JSON, "%s: not JSON", t->what);
        for (const desk_json *up = parent; up; up = up->parent) depth++;
        if (depth > MAX_DEPTH) return shop_fail(LLMCS_LIMIT, "%s: more than %d levels", t->what, MAX_DEPTH);
        node->parent = parent;
        if (parent->type == DESK_JSON_OBJECT) {
            const char *key = shop_query_text(q, 2, &n);
            SHOP_TRY(copy_string(t, parent, key, n, &node->key));
        }
        SHOP_TRY(link_node(t, node, parent));
    }
    if (node->type == DESK_JSON_STRING || node->type == DESK_JSON_NUMBER) {
        const char *text = shop_query_text(q, 4, &n);
        SHOP_TRY(copy_string(t, node, text, n, &node->text));
        if (node->type == DESK_JSON_NUMBER) node->number = shop_query_double(q, 4);
    }
    if (node->type == DESK_JSON_BOOL) node->number = shop_query_text(q, 3, &n)[0] == 't';
    t->ids[t->n] = shop_query_int(q, 0);
    t->nodes[t->n++] = node;
    return LLMCS_OK;
}

static llmcs_status build(tree *t, shop_connection *c, const char *text, size_t n) {
    shop_query q;
    SHOP_TRY(shop_query_begin(c, &q, "SELECT id, parent, key, type, atom FROM json_tree(?1)", "t", text, n));
    llmcs_status status;
    while (!(status = shop_query_next(&q)) && q.has_row)
        if ((status = add_node(t, &q))) break;
    if (q.stmt) shop_query_end(&q);
    return status;
}

static llmcs_status not_json(const char *what, const char *text, size_t n) {
    const size_t at = desk_json_error_at(text, n);
    if (at == SIZE_MAX) return shop_fail(LLMCS_JSON, "%s: not JSON (RFC 8259)", what);
    size_t line = 1;
    for (size_t i = 0; i < at; i++) line += text[i] == '\n';
    return shop_fail(LLMCS_JSON, "%s: not JSON (RFC 8259) at byte %lld, line %lld", what, (long long)at,
                     (long long)line);
}

llmcs_status desk_json_parse(shop_connection *c, shop_arena *a, const char *what, const char *text, size_t n,
                             size_t max_nodes, const desk_json **root) {
    int64_t valid = 0, count;
    *root = NULL;
    c = shop_local(c);
    /* Not json_valid: in SQLite 3.40 it returns 0 when memory is exhausted. json_type fails then, as it does on
     * malformed JSON. */
    const llmcs_status typed = shop_lookup_int(c, 0, &valid, "SELECT json_type(?1) IS NOT NULL", "t", text, n);
    if (typed && typed != LLMCS_FORMAT) return typed;
    if (typed || !valid) return not_json(what, text, n);
    SHOP_TRY(shop_lookup_int(c, 0, &count, "SELECT count(*) FROM (SELECT 1 FROM json_tree(?1) LIMIT ?2)", "ti", text, n,
                             (int64_t)max_nodes + 1));
    if (count < 0 || (size_t)count > max_nodes)
        return shop_fail(LLMCS_LIMIT, "%s: more than %lld values", what, (long long)max_nodes);
    tree t = {.arena = a, .what = what, .max = (size_t)count};
    SHOP_TRY(shop_arena_alloc(a, t.max, sizeof(void *), &t.nodes));
    SHOP_TRY(shop_arena_alloc(a, t.max, sizeof *t.ids, &t.ids));
    SHOP_TRY(build(&t, c, text, n));
    if (!t.n) return not_json(what, text, n);
    *root = t.nodes[0];
    return LLMCS_OK;
}

/* ---- reading */

const desk_json *desk_json_get(const desk_json *object, const char *key) {
    if (!object || object->type != DESK_JSON_OBJECT) return NULL;
    for (const desk_json *child = object->first; child; child = child->next)
        if (!strcmp(child->key, key)) return child;
    return NULL;
}

const char *desk_json_text(const desk_json *object, const char *key, const char *fallback) {
    const desk_json *found = desk_json_get(object, key);
    return found && found->type == DESK_JSON_STRING ? found->text : fallback;
}

double desk_json_number(const desk_json *object, const char *key, double fallback) {
    const desk_json *found = desk_json_get(object, key);
    return found && (found->type == DESK_JSON_NUMBER || found->type == DESK_JSON_BOOL) ? found->number : fallback;
}

const char *desk_json_type_name(desk_json_type type) {
    static const char *const names[] = {"null", "true or false", "a number", "a string", "an array", "an object"};
    return names[type];
}

desk_json_path desk_json_where(const desk_json *node) {
    desk_json_path path = {""};
    char part[DESK_PATH_BYTES], joined[2 * DESK_PATH_BYTES];
    for (; node && node->parent; node = node->parent) {
        if (node->parent->type == DESK_JSON_ARRAY)
            sqlite3_snprintf(sizeof part, part, "[%d]", (int)node->index);
        else
            sqlite3_snprintf(sizeof part, part, "%s%.100s", node->parent->parent ? "." : "", node->key);
        sqlite3_snprintf(sizeof joined, joined, "%s%s", part, path.text);
        const size_t n = strlen(joined);
        memcpy(path.text, joined, shop_min(n, DESK_PATH_BYTES - 1));
        path.text[shop_min(n, DESK_PATH_BYTES - 1)] = 0;
    }
    if (!path.text[0]) memcpy(path.text, "the file", 9);
    return path;
}
