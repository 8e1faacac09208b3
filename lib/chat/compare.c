/* Equality, order and membership, as in Python. */
#include <string.h>

#include "chat/builtins.h"

#define MAX_COMPARED_DEPTH 64 /* levels of two values that are compared */

/* Two containers that are compared item by item. */
typedef struct pair {
    ll_value a, b;
    size_t i;
} pair;

/* Equality of what is no container; *deeper: they are two containers of one size, to be compared by their items. */
static bool equal_shallow(ll_value a, ll_value b, bool *deeper) {
    double x, y;
    int64_t i, j;
    *deeper = false;
    if (a.type == LL_V_STRING && b.type == LL_V_STRING)
        return a.string->n == b.string->n && memcmp(a.string->text, b.string->text, a.string->n) == 0;
    if (ll_as_int(a, &i) && ll_as_int(b, &j)) return i == j;
    if (ll_as_real(a, &x) && ll_as_real(b, &y)) return x == y;
    if (a.type != b.type) return false;
    if (a.type == LL_V_NONE || a.type == LL_V_UNDEFINED) return true;
    if (a.type == LL_V_FUNCTION) return a.function == b.function;
    if (a.type == LL_V_LIST || a.type == LL_V_TUPLE || a.type == LL_V_RANGE) {
        *deeper = a.list->n == b.list->n && a.list->n && a.list != b.list;
        return a.list->n == b.list->n;
    }
    if (a.type == LL_V_DICT) {
        *deeper = a.dict->n == b.dict->n && a.dict->n && a.dict != b.dict;
        return a.dict->n == b.dict->n;
    }
    if (a.type == LL_V_METHOD)
        return a.method->method == b.method->method && a.method->self.list == b.method->self.list;
    return a.list == b.list;
}

/* The next two items of the containers; NULL: there are none left, or a key is missing (*equal false). */
static llmcs_status next_items(ll_machine *m, pair *p, ll_value *a, ll_value *b, bool *more, bool *equal) {
    const bool dict = p->a.type == LL_V_DICT;
    const size_t i = p->i++, n = dict ? p->a.dict->n : p->a.list->n;
    const ll_value *other;
    *more = i < n;
    if (!*more) return LLMCS_OK;
    if (!dict) {
        *a = p->a.list->items[i];
        *b = p->b.list->items[i];
        return LLMCS_OK;
    }
    LL_TRY(ll_dict_get(m, p->b.dict, p->a.dict->keys[i], &other));
    *equal = other != NULL;
    *more = *equal;
    *a = p->a.dict->values[i];
    if (other) *b = *other;
    return LLMCS_OK;
}

llmcs_status ll_equal(ll_machine *m, ll_value a, ll_value b, bool *equal) {
    pair stack[MAX_COMPARED_DEPTH];
    size_t depth = 0;
    bool deeper, more;
    *equal = equal_shallow(a, b, &deeper);
    if (!*equal || !deeper) return a.type == LL_V_STRING ? ll_step_bytes(m, a.string->n) : ll_step(m, 1);
    stack[depth++] = (pair){a, b, 0};
    while (depth && *equal) {
        LL_TRY(ll_step(m, 1));
        LL_TRY(next_items(m, &stack[depth - 1], &a, &b, &more, equal));
        if (!more) {
            depth--;
            continue;
        }
        *equal = equal_shallow(a, b, &deeper);
        if (a.type == LL_V_STRING) LL_TRY(ll_step_bytes(m, a.string->n));
        if (!*equal || !deeper) continue;
        if (depth == sizeof stack / sizeof *stack) return ll_too_much(m, "levels of lists and dicts to compare");
        stack[depth++] = (pair){a, b, 0};
    }
    return LLMCS_OK;
}

/* ---- order */

static llmcs_status no_order(ll_machine *m, ll_value a, ll_value b, const char *op) {
    return ll_raise(m, "TypeError", "'%s' not supported between instances of '%s' and '%s'", op, ll_type_name(a),
                    ll_type_name(b));
}

static llmcs_status less_scalar(ll_machine *m, ll_value a, ll_value b, const char *op, bool *less) {
    double x, y;
    int64_t i, j;
    LL_TRY(ll_step(m, 1));
    if (a.type == LL_V_UNDEFINED) return ll_fail_undefined(m, a);
    if (b.type == LL_V_UNDEFINED) return ll_fail_undefined(m, b);
    if (ll_as_int(a, &i) && ll_as_int(b, &j)) {
        *less = i < j;
    } else if (ll_as_real(a, &x) && ll_as_real(b, &y)) {
        *less = x < y;
    } else if (a.type == LL_V_STRING && b.type == LL_V_STRING) {
        const size_t n = ll_min(a.string->n, b.string->n);
        LL_TRY(ll_step_bytes(m, n));
        const int order = n ? memcmp(a.string->text, b.string->text, n) : 0; /* UTF-8 sorts as its characters do */
        *less = order < 0 || (order == 0 && a.string->n < b.string->n);
    } else {
        return no_order(m, a, b, op);
    }
    return LLMCS_OK;
}

llmcs_status ll_less(ll_machine *m, ll_value a, ll_value b, const char *op, bool *less) {
    const bool lists = (a.type == LL_V_LIST || a.type == LL_V_TUPLE) && a.type == b.type;
    *less = false;
    if (!lists) return less_scalar(m, a, b, op, less);
    for (size_t i = 0; i < a.list->n && i < b.list->n; i++) {
        bool equal;
        LL_TRY(ll_equal(m, a.list->items[i], b.list->items[i], &equal));
        if (equal) continue;
        if (ll_is_listlike(a.list->items[i])) return ll_unsupported(m, "the order of lists of lists is not supported");
        return less_scalar(m, a.list->items[i], b.list->items[i], op, less);
    }
    *less = a.list->n < b.list->n;
    return LLMCS_OK;
}

/* a <= b: not b < a, except for NaN. */
static llmcs_status less_or_equal(ll_machine *m, ll_value a, ll_value b, const char *op, bool *result) {
    double x, y;
    if (ll_as_real(a, &x) && ll_as_real(b, &y) && (x != x || y != y)) {
        *result = false;
        return LLMCS_OK;
    }
    LL_TRY(ll_less(m, b, a, op, result));
    *result = !*result;
    return LLMCS_OK;
}

/* Checks the types from left to right, for the message. */
static llmcs_status check_order(ll_machine *m, ll_value a, ll_value b, const char *op) {
    double d;
    if (a.type == LL_V_UNDEFINED) return ll_fail_undefined(m, a);
    if (b.type == LL_V_UNDEFINED) return ll_fail_undefined(m, b);
    const bool numbers = ll_as_real(a, &d) && ll_as_real(b, &d);
    const bool same = a.type == b.type && (a.type == LL_V_STRING || a.type == LL_V_LIST || a.type == LL_V_TUPLE);
    return numbers || same ? LLMCS_OK : no_order(m, a, b, op);
}

/* ---- membership */

static llmcs_status string_contains(ll_machine *m, const ll_string *s, ll_value item, bool *result) {
    if (item.type != LL_V_STRING)
        return ll_raise(m, "TypeError", "'in <string>' requires string as left operand, not %s", ll_type_name(item));
    LL_TRY(ll_step_bytes(m, s->n));
    *result = ll_find_text(s->text, 0, s->n, item.string->text, item.string->n) != SIZE_MAX;
    return LLMCS_OK;
}

static llmcs_status contains(ll_machine *m, ll_value container, ll_value item, bool *result) {
    const ll_value *items, *found;
    size_t n;
    *result = false;
    if (container.type == LL_V_STRING) return string_contains(m, container.string, item, result);
    if (container.type == LL_V_DICT) {
        LL_TRY(ll_dict_get(m, container.dict, item, &found));
        *result = found != NULL;
        return LLMCS_OK;
    }
    if (!ll_is_iterable(container))
        return ll_raise(m, "TypeError", "argument of type '%s' is not iterable", ll_type_name(container));
    LL_TRY(ll_iterate(m, container, &items, &n));
    for (size_t i = 0; i < n && !*result; i++) LL_TRY(ll_equal(m, items[i], item, result));
    return LLMCS_OK;
}

llmcs_status ll_compare_values(ll_machine *m, ll_compare op, ll_value a, ll_value b, bool *result) {
    static const char *const written[] = {[LL_LT] = "<", [LL_LE] = "<=", [LL_GT] = ">", [LL_GE] = ">="};
    switch (op) {
        case LL_EQ:
            return ll_equal(m, a, b, result);
        case LL_NE:
            LL_TRY(ll_equal(m, a, b, result));
            *result = !*result;
            return LLMCS_OK;
        case LL_IN:
            return contains(m, b, a, result);
        case LL_NOT_IN:
            LL_TRY(contains(m, b, a, result));
            *result = !*result;
            return LLMCS_OK;
        default:
            break;
    }
    LL_TRY(check_order(m, a, b, written[op]));
    if (op == LL_LT) return ll_less(m, a, b, "<", result);
    if (op == LL_GT) return ll_less(m, b, a, ">", result);
    if (op == LL_LE) return less_or_equal(m, a, b, "<=", result);
    return less_or_equal(m, b, a, ">=", result);
}
