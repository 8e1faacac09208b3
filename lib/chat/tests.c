/* The tests of jinja2: "x is defined". */
#include <string.h>

#include "chat/builtins.h"

typedef llmcs_status (*test_fn)(ll_machine *m, ll_value v, const ll_args *args, bool *result);

static llmcs_status one_argument(ll_machine *m, const char *test, const ll_args *args, ll_value *other) {
    static const char *const names[] = {"other"};
    return ll_bind(m, test, args, names, 1, 1, other);
}

/* ---- by type */

#define TYPE_TEST(name, condition)                                                                  \
    static llmcs_status test_##name(ll_machine *m, ll_value v, const ll_args *args, bool *result) { \
        LL_TRY(ll_bind_none(m, "test_" #name, args));                                               \
        *result = (condition);                                                                      \
        return LLMCS_OK;                                                                            \
    }

static bool is_callable(ll_value v) {
    return v.type == LL_V_MACRO || v.type == LL_V_FUNCTION || v.type == LL_V_METHOD || v.type == LL_V_UNDEFINED ||
           v.type == LL_V_LOOP;
}

static bool is_sequence(ll_value v) {
    return v.type == LL_V_STRING || v.type == LL_V_LIST || v.type == LL_V_TUPLE || v.type == LL_V_RANGE ||
           v.type == LL_V_DICT || v.type == LL_V_UNDEFINED;
}

TYPE_TEST(defined, v.type != LL_V_UNDEFINED)
TYPE_TEST(undefined, v.type == LL_V_UNDEFINED)
TYPE_TEST(none, v.type == LL_V_NONE)
TYPE_TEST(boolean, v.type == LL_V_BOOL)
TYPE_TEST(true, v.type == LL_V_BOOL && v.boolean)
TYPE_TEST(false, v.type == LL_V_BOOL && !v.boolean)
TYPE_TEST(integer, v.type == LL_V_INT)
TYPE_TEST(float, v.type == LL_V_FLOAT)
TYPE_TEST(number, v.type == LL_V_INT || v.type == LL_V_FLOAT || v.type == LL_V_BOOL)
TYPE_TEST(string, v.type == LL_V_STRING)
TYPE_TEST(mapping, v.type == LL_V_DICT)
TYPE_TEST(sequence, is_sequence(v))
TYPE_TEST(iterable, ll_is_iterable(v))
TYPE_TEST(callable, is_callable(v))
TYPE_TEST(escaped, v.type == LL_V_STRING && v.string->markup)

/* ---- by value */

static llmcs_status is_rest(ll_machine *m, ll_value v, int64_t by, int64_t rest, bool *result) {
    ll_value found;
    LL_TRY(ll_apply_binary(m, LL_MOD, v, ll_int(by), &found));
    return ll_equal(m, found, ll_int(rest), result);
}

static llmcs_status test_odd(ll_machine *m, ll_value v, const ll_args *args, bool *result) {
    LL_TRY(ll_bind_none(m, "test_odd", args));
    return is_rest(m, v, 2, 1, result);
}

static llmcs_status test_even(ll_machine *m, ll_value v, const ll_args *args, bool *result) {
    LL_TRY(ll_bind_none(m, "test_even", args));
    return is_rest(m, v, 2, 0, result);
}

static llmcs_status test_divisibleby(ll_machine *m, ll_value v, const ll_args *args, bool *result) {
    static const char *const names[] = {"num"};
    ll_value by, rest;
    LL_TRY(ll_bind(m, "test_divisibleby", args, names, 1, 1, &by));
    LL_TRY(ll_apply_binary(m, LL_MOD, v, by, &rest));
    return ll_equal(m, rest, ll_int(0), result);
}

/* str(v).islower() and so on: by the methods. */
static llmcs_status by_method(ll_machine *m, ll_value v, const ll_args *args, const char *method, bool *result) {
    const ll_string *s;
    bool known, unsafe;
    ll_value out;
    LL_TRY(ll_to_string(m, v, false, &s));
    const ll_method call = {ll_text_value(s),
                            ll_find_method(ll_text_value(s), method, strlen(method), &known, &unsafe)};
    LL_TRY(ll_call_method(m, &call, args, &out));
    *result = out.boolean;
    return LLMCS_OK;
}

static llmcs_status test_lower(ll_machine *m, ll_value v, const ll_args *args, bool *result) {
    return by_method(m, v, args, "islower", result);
}
static llmcs_status test_upper(ll_machine *m, ll_value v, const ll_args *args, bool *result) {
    return by_method(m, v, args, "isupper", result);
}

#define COMPARE_TEST(name, op)                                                                      \
    static llmcs_status test_##name(ll_machine *m, ll_value v, const ll_args *args, bool *result) { \
        ll_value other;                                                                             \
        LL_TRY(one_argument(m, #name, args, &other));                                               \
        return ll_compare_values(m, op, v, other, result);                                          \
    }
COMPARE_TEST(eq, LL_EQ)
COMPARE_TEST(ne, LL_NE)
COMPARE_TEST(lt, LL_LT)
COMPARE_TEST(le, LL_LE)
COMPARE_TEST(gt, LL_GT)
COMPARE_TEST(ge, LL_GE)
COMPARE_TEST(in, LL_IN)

/* Identity, where it does not depend on how Python keeps its objects. */
static llmcs_status test_sameas(ll_machine *m, ll_value v, const ll_args *args, bool *result) {
    ll_value other;
    LL_TRY(one_argument(m, "test_sameas", args, &other));
    const bool single =
        v.type == LL_V_NONE || v.type == LL_V_BOOL || other.type == LL_V_NONE || other.type == LL_V_BOOL;
    if (v.type == other.type && !single && v.type != LL_V_DICT && v.type != LL_V_LIST && v.type != LL_V_NAMESPACE)
        return ll_unsupported(m, "the test 'sameas' of %s is not supported", ll_type_name(v));
    *result = v.type == other.type &&
              (v.type == LL_V_NONE || (v.type == LL_V_BOOL ? v.boolean == other.boolean : v.list == other.list));
    return LLMCS_OK;
}

static llmcs_status test_filter(ll_machine *m, ll_value v, const ll_args *args, bool *result) {
    bool known;
    LL_TRY(ll_bind_none(m, "test_filter", args));
    if (!ll_is_hashable(v)) return ll_raise(m, "TypeError", "unhashable type: '%s'", ll_type_name(v));
    *result = v.type == LL_V_STRING && (ll_find_filter(v.string->text, v.string->n, &known) >= 0 || known);
    return LLMCS_OK;
}

static llmcs_status test_test(ll_machine *m, ll_value v, const ll_args *args, bool *result) {
    bool known;
    LL_TRY(ll_bind_none(m, "test_test", args));
    if (!ll_is_hashable(v)) return ll_raise(m, "TypeError", "unhashable type: '%s'", ll_type_name(v));
    *result = v.type == LL_V_STRING && (ll_find_test(v.string->text, v.string->n, &known) >= 0 || known);
    return LLMCS_OK;
}

static const struct {
    const char *name;
    test_fn apply;
} TESTS[] = {
    {"defined", test_defined},
    {"undefined", test_undefined},
    {"none", test_none},
    {"boolean", test_boolean},
    {"true", test_true},
    {"false", test_false},
    {"integer", test_integer},
    {"float", test_float},
    {"number", test_number},
    {"string", test_string},
    {"mapping", test_mapping},
    {"sequence", test_sequence},
    {"iterable", test_iterable},
    {"callable", test_callable},
    {"escaped", test_escaped},
    {"odd", test_odd},
    {"even", test_even},
    {"divisibleby", test_divisibleby},
    {"lower", test_lower},
    {"upper", test_upper},
    {"sameas", test_sameas},
    {"filter", test_filter},
    {"test", test_test},
    {"in", test_in},
    {"eq", test_eq},
    {"equalto", test_eq},
    {"==", test_eq},
    {"ne", test_ne},
    {"!=", test_ne},
    {"lt", test_lt},
    {"lessthan", test_lt},
    {"<", test_lt},
    {"le", test_le},
    {"<=", test_le},
    {"gt", test_gt},
    {"greaterthan", test_gt},
    {">", test_gt},
    {"ge", test_ge},
    {">=", test_ge},
};

int ll_find_test(const char *name, size_t n, bool *known) {
    *known = false;
    for (size_t i = 0; i < sizeof TESTS / sizeof *TESTS; i++)
        if (strlen(TESTS[i].name) == n && memcmp(TESTS[i].name, name, n) == 0) return (int)i;
    return -1;
}

llmcs_status ll_apply_test(ll_machine *m, int test, ll_value v, const ll_args *args, bool *result) {
    LL_TRY(ll_step(m, 1));
    return TESTS[test].apply(m, v, args, result);
}
