/* Arithmetic, and what else Python's operators do: joining, repeating, formatting. */
#include <math.h>
#include <string.h>

#include "chat/builtins.h"

static const char *const WRITTEN[] = {[LL_ADD] = "+",       [LL_SUB] = "-", [LL_MUL] = "*",          [LL_DIV] = "/",
                                      [LL_FLOORDIV] = "//", [LL_MOD] = "%", [LL_POW] = "** or pow()"};

static llmcs_status overflow(ll_machine *m) {
    return ll_unsupported(m, "integers of more than 64 bits are not supported");
}

/* ---- numbers */

static llmcs_status int_power(ll_machine *m, int64_t base, int64_t power, ll_value *out) {
    int64_t result = 1;
    if (power < 0) {
        if (base == 0) return ll_raise(m, "ZeroDivisionError", "0.0 cannot be raised to a negative power");
        *out = ll_real(pow((double)base, (double)power));
        return LLMCS_OK;
    }
    if (base == 1 || base == 0 || base == -1) {
        *out = ll_int(power == 0 || base == 1 ? 1 : base == 0 ? 0 : power % 2 ? -1 : 1);
        return LLMCS_OK;
    }
    for (; power > 0; power--)
        if (__builtin_mul_overflow(result, base, &result)) return overflow(m);
    *out = ll_int(result);
    return LLMCS_OK;
}

/* Rounded toward minus infinity. */
static llmcs_status int_divide(ll_machine *m, ll_binary op, int64_t a, int64_t b, ll_value *out) {
    if (b == 0)
        return ll_raise(m, "ZeroDivisionError", "%s",
                        op == LL_DIV   ? "division by zero"
                        : op == LL_MOD ? "integer modulo by zero"
                                       : "integer division or modulo by zero");
    if (op == LL_DIV) {
        *out = ll_real((double)a / (double)b);
        return LLMCS_OK;
    }
    if (a == INT64_MIN && b == -1) {
        *out = ll_int(0);
        return op == LL_MOD ? LLMCS_OK : overflow(m);
    }
    int64_t quotient = a / b, rest = a % b;
    if (rest && (rest < 0) != (b < 0)) {
        quotient--;
        rest += b;
    }
    *out = ll_int(op == LL_MOD ? rest : quotient);
    return LLMCS_OK;
}

static llmcs_status int_binary(ll_machine *m, ll_binary op, int64_t a, int64_t b, ll_value *out) {
    int64_t result;
    bool fits = true;
    switch (op) {
        case LL_ADD:
            fits = !__builtin_add_overflow(a, b, &result);
            break;
        case LL_SUB:
            fits = !__builtin_sub_overflow(a, b, &result);
            break;
        case LL_MUL:
            fits = !__builtin_mul_overflow(a, b, &result);
            break;
        case LL_POW:
            return int_power(m, a, b, out);
        default:
            return int_divide(m, op, a, b, out);
    }
    *out = ll_int(result);
    return fits ? LLMCS_OK : overflow(m);
}

/* As CPython's float_divmod. */
static llmcs_status real_divide(ll_machine *m, ll_binary op, double a, double b, ll_value *out) {
    if (b == 0)
        return ll_raise(m, "ZeroDivisionError", "float %s",
                        op == LL_MOD   ? "modulo"
                        : op == LL_DIV ? "division by zero"
                                       : "floor division by zero");
    if (op == LL_DIV) {
        *out = ll_real(a / b);
        return LLMCS_OK;
    }
    double rest = fmod(a, b), quotient = (a - rest) / b;
    if (rest != 0 && (b < 0) != (rest < 0)) {
        rest += b;
        quotient -= 1;
    } else if (rest == 0) {
        rest = copysign(0.0, b);
    }
    if (op == LL_MOD) {
        *out = ll_real(rest);
        return LLMCS_OK;
    }
    double whole = floor(quotient);
    if (quotient != 0 && quotient - whole > 0.5) whole += 1;
    *out = ll_real(quotient != 0 ? whole : copysign(0.0, a / b));
    return LLMCS_OK;
}

static llmcs_status real_binary(ll_machine *m, ll_binary op, double a, double b, ll_value *out) {
    switch (op) {
        case LL_ADD:
            *out = ll_real(a + b);
            return LLMCS_OK;
        case LL_SUB:
            *out = ll_real(a - b);
            return LLMCS_OK;
        case LL_MUL:
            *out = ll_real(a * b);
            return LLMCS_OK;
        case LL_POW:
            if (a == 0 && b < 0) return ll_raise(m, "ZeroDivisionError", "0.0 cannot be raised to a negative power");
            if (a < 0 && b != floor(b)) return ll_unsupported(m, "complex numbers are not supported");
            *out = ll_real(pow(a, b));
            if (isinf(out->real) && isfinite(a) && isfinite(b))
                return ll_raise(m, "OverflowError", "(34, 'Numerical result out of range')");
            return LLMCS_OK;
        default:
            return real_divide(m, op, a, b, out);
    }
}

/* ---- sequences */

static llmcs_status join_lists(ll_machine *m, ll_value a, ll_value b, ll_value *out) {
    LL_TRY(ll_new_list(m, a.type, a.list->n + b.list->n, out));
    if (a.list->n) memcpy(out->list->items, a.list->items, a.list->n * sizeof *a.list->items);
    if (b.list->n) memcpy(out->list->items + a.list->n, b.list->items, b.list->n * sizeof *b.list->items);
    return ll_finish_list(m, *out);
}

/* Where one side is Markup, the other is escaped. */
static llmcs_status join_strings(ll_machine *m, ll_value a, ll_value b, ll_value *out) {
    const size_t begin = m->scratch.n;
    const bool markup = a.string->markup || b.string->markup;
    if (!markup && !b.string->n) return *out = a, LLMCS_OK;
    if (!markup && !a.string->n) return *out = b, LLMCS_OK;
    LL_TRY(markup ? ll_put_escaped(m, &m->scratch, a) : ll_put_string(m, &m->scratch, a.string));
    LL_TRY(markup ? ll_put_escaped(m, &m->scratch, b) : ll_put_string(m, &m->scratch, b.string));
    LL_TRY(ll_take(m, begin, out));
    return ll_with_markup(m, *out, markup, out);
}

static llmcs_status add(ll_machine *m, ll_value a, ll_value b, ll_value *out) {
    if (a.type == LL_V_STRING && b.type == LL_V_STRING) return join_strings(m, a, b, out);
    if ((a.type == LL_V_LIST || a.type == LL_V_TUPLE) && a.type == b.type) return join_lists(m, a, b, out);
    if (a.type == LL_V_STRING && !a.string->markup)
        return ll_raise(m, "TypeError", "can only concatenate str (not \"%s\") to str", ll_type_name(b));
    if (a.type == LL_V_LIST || a.type == LL_V_TUPLE)
        return ll_raise(m, "TypeError", "can only concatenate %s (not \"%s\") to %s", ll_type_name(a), ll_type_name(b),
                        ll_type_name(a));
    return ll_raise(m, "TypeError", "unsupported operand type(s) for +: '%s' and '%s'", ll_type_name(a),
                    ll_type_name(b));
}

static llmcs_status repeat_string(ll_machine *m, const ll_string *s, int64_t times, ll_value *out) {
    const size_t begin = m->scratch.n;
    if (times > 0 && s->n && (uint64_t)times > LL_JINJA_MAX_OUTPUT / s->n) return ll_too_much(m, "bytes in one string");
    for (int64_t i = 0; s->n && i < times; i++) LL_TRY(ll_put_string(m, &m->scratch, s));
    LL_TRY(ll_take(m, begin, out));
    return ll_with_markup(m, *out, s->markup, out);
}

static llmcs_status repeat_list(ll_machine *m, ll_value list, int64_t times, ll_value *out) {
    const size_t n = list.list->n;
    size_t total;
    if (times < 0) times = 0;
    if (!ll_mul(n, (size_t)times, &total) || total > m->steps_left) return ll_too_much(m, "items in a list");
    LL_TRY(ll_new_list(m, list.type, total, out));
    for (size_t i = 0; i < total; i++) out->list->items[i] = list.list->items[i % n];
    return ll_finish_list(m, *out);
}

static bool repeats(ll_value v) { return v.type == LL_V_STRING || v.type == LL_V_LIST || v.type == LL_V_TUPLE; }

static llmcs_status repeat(ll_machine *m, ll_value a, ll_value b, ll_value *out) {
    int64_t times;
    const ll_value what = repeats(a) ? a : b, by = repeats(a) ? b : a;
    if (!repeats(what))
        return ll_raise(m, "TypeError", "unsupported operand type(s) for *: '%s' and '%s'", ll_type_name(a),
                        ll_type_name(b));
    if (!ll_as_int(by, &times))
        return ll_raise(m, "TypeError", "can't multiply sequence by non-int of type '%s'", ll_type_name(by));
    return what.type == LL_V_STRING ? repeat_string(m, what.string, times, out) : repeat_list(m, what, times, out);
}

llmcs_status ll_apply_binary(ll_machine *m, ll_binary op, ll_value a, ll_value b, ll_value *out) {
    int64_t i, j;
    double x, y;
    if (op == LL_MOD && a.type == LL_V_STRING) return ll_format_percent(m, a.string, b, out);
    if (a.type == LL_V_UNDEFINED) return ll_fail_undefined(m, a);
    if (b.type == LL_V_UNDEFINED) return ll_fail_undefined(m, b);
    if (ll_as_int(a, &i) && ll_as_int(b, &j)) return int_binary(m, op, i, j, out);
    if (ll_as_real(a, &x) && ll_as_real(b, &y)) return real_binary(m, op, x, y, out);
    if (op == LL_ADD) return add(m, a, b, out);
    if (op == LL_MUL) return repeat(m, a, b, out);
    return ll_raise(m, "TypeError", "unsupported operand type(s) for %s: '%s' and '%s'", WRITTEN[op], ll_type_name(a),
                    ll_type_name(b));
}

llmcs_status ll_apply_sign(ll_machine *m, bool negate, ll_value v, ll_value *out) {
    int64_t i;
    if (v.type == LL_V_UNDEFINED) return ll_fail_undefined(m, v);
    if (ll_as_int(v, &i)) {
        if (negate && i == INT64_MIN) return overflow(m);
        *out = ll_int(negate ? -i : i);
        return LLMCS_OK;
    }
    if (v.type != LL_V_FLOAT)
        return ll_raise(m, "TypeError", "bad operand type for unary %s: '%s'", negate ? "-" : "+", ll_type_name(v));
    *out = ll_real(negate ? -v.real : v.real);
    return LLMCS_OK;
}
