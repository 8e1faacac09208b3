/* "%s" % values and "{}".format(values): the conversions that templates use; others are refused by name. */
#include <math.h>
#include <string.h>

#include "base/utf8.h"
#include "chat/builtins.h"

#define MAX_WIDTH 1000

typedef struct directive {
    bool left, zero, plus, space, alternate;
    int64_t width, precision; /* -1: none */
    char conversion;
} directive;

/* Writes sign and digits with the width that is wanted. */
static llmcs_status put_number(ll_machine *m, const directive *d, const char *text, size_t n) {
    const bool negative = n && text[0] == '-';
    const char *sign = negative ? "-" : d->plus ? "+" : d->space ? " " : "";
    size_t width = d->width > 0 ? (size_t)d->width : 0;
    if (negative) text++, n--;
    const size_t used = n + strlen(sign), pad = width > used ? width - used : 0;
    for (size_t i = 0; i < pad && !d->left && !d->zero; i++) LL_TRY(ll_put_c(m, &m->scratch, ' '));
    LL_TRY(ll_put(m, &m->scratch, sign, strlen(sign), LL_ORIGIN_DATA));
    for (size_t i = 0; i < pad && !d->left && d->zero; i++) LL_TRY(ll_put_c(m, &m->scratch, '0'));
    LL_TRY(ll_put(m, &m->scratch, text, n, LL_ORIGIN_DATA));
    for (size_t i = 0; i < pad && d->left; i++) LL_TRY(ll_put_c(m, &m->scratch, ' '));
    return LLMCS_OK;
}

/* The text of a value, cut to the precision and padded to the width. */
static llmcs_status put_text(ll_machine *m, const directive *d, const ll_string *s, bool right) {
    size_t n = s->n;
    if (d->precision >= 0) n = ll_char_offset(s->text, s->n, (size_t)d->precision);
    const size_t chars = ll_count_chars(s->text, n), width = d->width > 0 ? (size_t)d->width : 0;
    const size_t pad = width > chars ? width - chars : 0;
    for (size_t i = 0; i < pad && right; i++) LL_TRY(ll_put_c(m, &m->scratch, ' '));
    LL_TRY(ll_put_part(m, &m->scratch, s, 0, n));
    for (size_t i = 0; i < pad && !right; i++) LL_TRY(ll_put_c(m, &m->scratch, ' '));
    return LLMCS_OK;
}

static llmcs_status put_integer(ll_machine *m, const directive *d, ll_value v) {
    char text[80];
    int64_t i = 0;
    int n;
    if (v.type == LL_V_FLOAT && strchr("diu", d->conversion)) {
        if (!(fabs(v.real) < 9e18)) return ll_unsupported(m, "integers of more than 64 bits are not supported");
        i = (int64_t)v.real;
    } else if (!ll_as_int(v, &i)) {
        const char *wanted = strchr("diu", d->conversion) ? "a real number" : "an integer";
        return ll_raise(m, "TypeError", "%%%c format: %s is required, not %s", d->conversion, wanted, ll_type_name(v));
    }
    if (d->precision >= 0) return ll_unsupported(m, "a precision in %%%c is not supported", d->conversion);
    const unsigned long long magnitude = i < 0 ? 0 - (unsigned long long)i : (unsigned long long)i;
    const char *minus = i < 0 ? "-" : "";
    switch (d->conversion) {
        case 'x':
            n = ll_format(text, sizeof text, "%s%s%llx", minus, d->alternate ? "0x" : "", magnitude);
            break;
        case 'X':
            n = ll_format(text, sizeof text, "%s%s%llX", minus, d->alternate ? "0X" : "", magnitude);
            break;
        case 'o':
            n = ll_format(text, sizeof text, "%s%s%llo", minus, d->alternate ? "0o" : "", magnitude);
            break;
        default:
            n = ll_format(text, sizeof text, "%s%llu", minus, magnitude);
            break;
    }
    return put_number(m, d, text, (size_t)n);
}

static llmcs_status put_fixed(ll_machine *m, const directive *d, ll_value v) {
    char text[LL_NUMBER_BYTES];
    double real;
    if (v.type == LL_V_UNDEFINED) return ll_fail_undefined(m, v);
    if (!ll_as_real(v, &real)) return ll_raise(m, "TypeError", "must be real number, not %s", ll_type_name(v));
    LL_TRY(ll_step_float(m));
    const size_t n = ll_float_fixed(real, d->precision < 0 ? 6 : (int)d->precision, text);
    return n ? put_number(m, d, text, n) : ll_too_much(m, "digits");
}

static llmcs_status put_character(ll_machine *m, const directive *d, ll_value v) {
    char utf8[4];
    ll_value text = v;
    int64_t i;
    if (ll_as_int(v, &i)) {
        if (i < 0 || i > 0x10ffff || (i >= 0xd800 && i <= 0xdfff))
            return ll_raise(m, "OverflowError", "%%c arg not in range(0x110000)");
        LL_TRY(ll_literal(m, utf8, ll_utf8_encode((uint32_t)i, utf8), &text));
    }
    if (text.type != LL_V_STRING || ll_count_chars(text.string->text, text.string->n) != 1)
        return ll_raise(m, "TypeError", "%%c requires int or char");
    return put_text(m, d, text.string, !d->left);
}

static llmcs_status put_converted(ll_machine *m, const directive *d, ll_value v) {
    const ll_string *s;
    ll_value text;
    const size_t begin = m->scratch.n;
    switch (d->conversion) {
        case 's':
            LL_TRY(ll_to_string(m, v, true, &s));
            return put_text(m, d, s, !d->left);
        case 'r':
            LL_TRY(ll_put_repr(m, &m->scratch, v));
            LL_TRY(ll_take(m, begin, &text));
            return put_text(m, d, text.string, !d->left);
        case 'd':
        case 'i':
        case 'u':
        case 'x':
        case 'X':
        case 'o':
            return put_integer(m, d, v);
        case 'f':
        case 'F':
            return put_fixed(m, d, v);
        case 'c':
            return put_character(m, d, v);
        default:
            return ll_unsupported(m, "the conversion %%%c is not supported", d->conversion);
    }
}

/* ---- percent */

typedef struct percent {
    ll_machine *m;
    const ll_string *f;
    size_t at;
    ll_value args;
    size_t next; /* of args */
    bool used;   /* by name */
} percent;

static llmcs_status next_argument(percent *p, ll_value *v) {
    const bool tuple = p->args.type == LL_V_TUPLE;
    if (p->next >= (tuple ? p->args.list->n : 1))
        return ll_raise(p->m, "TypeError", "not enough arguments for format string");
    *v = tuple ? p->args.list->items[p->next] : p->args;
    p->next++;
    return LLMCS_OK;
}

/* A number of a directive, or "*" for the next argument. */
static llmcs_status read_number(percent *p, int64_t *out) {
    ll_value v;
    if (p->at < p->f->n && p->f->text[p->at] == '*') {
        p->at++;
        LL_TRY(next_argument(p, &v));
        if (!ll_as_int(v, out)) return ll_raise(p->m, "TypeError", "* wants int");
    } else {
        for (*out = 0; p->at < p->f->n && p->f->text[p->at] >= '0' && p->f->text[p->at] <= '9'; p->at++)
            if (*out <= MAX_WIDTH) *out = *out * 10 + (p->f->text[p->at] - '0');
    }
    return *out > MAX_WIDTH || *out < -MAX_WIDTH ? ll_too_much(p->m, "columns in a format") : LLMCS_OK;
}

static llmcs_status read_directive(percent *p, directive *d) {
    const ll_string *f = p->f;
    *d = (directive){.width = -1, .precision = -1};
    for (;; p->at++) {
        const char c = p->at < f->n ? f->text[p->at] : 0;
        if (c == '-')
            d->left = true;
        else if (c == '0')
            d->zero = true;
        else if (c == '+')
            d->plus = true;
        else if (c == ' ')
            d->space = true;
        else if (c == '#')
            d->alternate = true;
        else
            break;
    }
    if (p->at < f->n && (f->text[p->at] == '*' || (f->text[p->at] >= '1' && f->text[p->at] <= '9')))
        LL_TRY(read_number(p, &d->width));
    if (d->width < -1) d->left = true, d->width = -d->width;
    if (p->at < f->n && f->text[p->at] == '.') {
        p->at++;
        LL_TRY(read_number(p, &d->precision));
        if (d->precision < 0) d->precision = 0;
    }
    while (p->at < f->n && (f->text[p->at] == 'l' || f->text[p->at] == 'h' || f->text[p->at] == 'L')) p->at++;
    if (p->at >= f->n) return ll_raise(p->m, "ValueError", "incomplete format");
    d->conversion = f->text[p->at++];
    return LLMCS_OK;
}

/* "%(name)s": the member of the dict. */
static llmcs_status named_argument(percent *p, ll_value *v) {
    const size_t begin = p->at + 1;
    size_t end = begin;
    if (p->args.type != LL_V_DICT) return ll_raise(p->m, "TypeError", "format requires a mapping");
    while (end < p->f->n && p->f->text[end] != ')') end++;
    if (end == p->f->n) return ll_raise(p->m, "ValueError", "incomplete format key");
    const ll_value *found = ll_dict_get_text(p->m, p->args.dict, p->f->text + begin, end - begin);
    if (!found) return ll_raise(p->m, "KeyError", "'%.*s'", (int)ll_min(end - begin, 80), p->f->text + begin);
    *v = *found;
    p->at = end + 1;
    p->used = true;
    return LLMCS_OK;
}

static llmcs_status put_directive(percent *p) {
    directive d;
    ll_value v = ll_none();
    const bool named = p->at < p->f->n && p->f->text[p->at] == '(';
    if (named) LL_TRY(named_argument(p, &v));
    LL_TRY(read_directive(p, &d));
    if (d.conversion == '%') return ll_put_c(p->m, &p->m->scratch, '%');
    if (!named) LL_TRY(next_argument(p, &v));
    return put_converted(p->m, &d, v);
}

llmcs_status ll_format_percent(ll_machine *m, const ll_string *format, ll_value args, ll_value *out) {
    percent p = {.m = m, .f = format, .args = args};
    const size_t begin = m->scratch.n;
    if (format->markup) return ll_unsupported(m, "formatting Markup is not supported");
    LL_TRY(ll_step_bytes(m, format->n));
    while (p.at < format->n) {
        size_t end = ll_find_text(format->text, p.at, format->n, "%", 1);
        if (end == SIZE_MAX) end = format->n;
        LL_TRY(ll_put_part(m, &m->scratch, format, p.at, end));
        p.at = end + 1;
        if (end < format->n) LL_TRY(put_directive(&p));
    }
    const bool spare = args.type == LL_V_TUPLE
                           ? p.next < args.list->n
                           : !p.next && !p.used && args.type != LL_V_DICT && args.type != LL_V_LIST &&
                                 args.type != LL_V_RANGE && args.type != LL_V_UNDEFINED;
    if (spare) return ll_raise(m, "TypeError", "not all arguments converted during string formatting");
    return ll_take(m, begin, out);
}

/* ---- braces */

/* The value of a field: "" the next one, "0", "name". */
static llmcs_status field_value(ll_machine *m, const ll_args *args, const char *name, size_t n, size_t *next,
                                ll_value *v) {
    size_t i = 0;
    if (!n) {
        i = (*next)++;
    } else if (name[0] >= '0' && name[0] <= '9') {
        for (size_t k = 0; k < n; k++) {
            if (name[k] < '0' || name[k] > '9' || i > LL_JINJA_MAX_ARGS)
                return ll_unsupported(m, "the format field '%.*s' is not supported", (int)ll_min(n, 60), name);
            i = i * 10 + (size_t)(name[k] - '0');
        }
    } else {
        for (i = 0; i < args->n_named; i++) {
            const ll_jinja_name *known = &m->p->names[args->names[i]];
            if (known->n == n && memcmp(known->text, name, n) == 0) return *v = args->named[i], LLMCS_OK;
        }
        if (memchr(name, '.', n) || memchr(name, '[', n))
            return ll_unsupported(m, "the format field '%.*s' is not supported", (int)ll_min(n, 60), name);
        return ll_raise(m, "KeyError", "'%.*s'", (int)ll_min(n, 80), name);
    }
    if (i >= args->n)
        return ll_raise(m, "IndexError", "Replacement index %zu out of range for positional args tuple", i);
    *v = args->values[i];
    return LLMCS_OK;
}

/* The format that follows a colon: width and precision of text, integers and fixed-point numbers. */
static llmcs_status put_field(ll_machine *m, ll_value v, const char *spec, size_t n) {
    directive d = {.width = -1, .precision = -1};
    const bool number = v.type == LL_V_INT || v.type == LL_V_FLOAT;
    size_t i = 0;
    if (!n) return ll_put_str(m, &m->scratch, v);
    if (v.type != LL_V_STRING && !number)
        return ll_unsupported(m, "the format '%.*s' of %s is not supported", (int)ll_min(n, 40), spec, ll_type_name(v));
    d.left = v.type == LL_V_STRING;
    if (i < n && (spec[i] == '<' || spec[i] == '>')) d.left = spec[i++] == '<';
    if (i < n && spec[i] == '0' && number) d.zero = true, i++;
    for (; i < n && spec[i] >= '0' && spec[i] <= '9' && d.width <= MAX_WIDTH; i++)
        d.width = (d.width < 0 ? 0 : d.width) * 10 + (spec[i] - '0');
    if (i < n && spec[i] == '.')
        for (i++, d.precision = 0; i < n && spec[i] >= '0' && spec[i] <= '9' && d.precision <= MAX_WIDTH; i++)
            d.precision = d.precision * 10 + (spec[i] - '0');
    if (d.width > MAX_WIDTH || d.precision > MAX_WIDTH) return ll_too_much(m, "columns in a format");
    const char conversion = i < n ? spec[i++] : v.type == LL_V_STRING ? 's' : v.type == LL_V_INT ? 'd' : 0;
    const bool fits = conversion && (v.type == LL_V_STRING ? conversion == 's'
                                     : v.type == LL_V_INT  ? strchr("dxXof", conversion) != NULL
                                                           : conversion == 'f');
    if (i < n || !fits || (conversion != 's' && conversion != 'f' && d.precision >= 0))
        return ll_unsupported(m, "the format '%.*s' is not supported", (int)ll_min(n, 40), spec);
    d.conversion = conversion;
    return put_converted(m, &d, v);
}

/* A field from after its "{" to its "}". */
static llmcs_status put_braces(ll_machine *m, const ll_string *f, size_t *at, const ll_args *args, size_t *next) {
    const char *text = f->text + *at;
    const char *end = memchr(text, '}', f->n - *at);
    if (!end) return ll_raise(m, "ValueError", "expected '}' before end of string");
    const size_t n = (size_t)(end - text);
    const char *colon = memchr(text, ':', n);
    size_t name = colon ? (size_t)(colon - text) : n;
    const char *spec = colon ? colon + 1 : end;
    ll_value v;
    if (memchr(text, '{', n)) return ll_unsupported(m, "fields inside format fields are not supported");
    const bool repr = name >= 2 && text[name - 2] == '!';
    if (repr) name -= 2;
    LL_TRY(field_value(m, args, text, name, next, &v));
    if (repr) {
        if (text[name + 1] != 'r' && text[name + 1] != 's')
            return ll_unsupported(m, "the conversion !%c is not supported", text[name + 1]);
        const size_t begin = m->scratch.n;
        LL_TRY(text[name + 1] == 'r' ? ll_put_repr(m, &m->scratch, v) : ll_put_str(m, &m->scratch, v));
        LL_TRY(ll_take(m, begin, &v));
    }
    *at += n + 1;
    return put_field(m, v, spec, (size_t)(end - spec));
}

llmcs_status ll_format_braces(ll_machine *m, const ll_string *f, const ll_args *args, ll_value *out) {
    const size_t begin = m->scratch.n;
    size_t next = 0;
    if (f->markup) return ll_unsupported(m, "formatting Markup is not supported");
    LL_TRY(ll_step_bytes(m, f->n));
    for (size_t at = 0; at < f->n;) {
        size_t plain = at;
        while (plain < f->n && f->text[plain] != '{' && f->text[plain] != '}') plain++;
        LL_TRY(ll_put_part(m, &m->scratch, f, at, plain));
        at = plain;
        if (at == f->n) break;
        if (at + 1 < f->n && f->text[at + 1] == f->text[at]) {
            LL_TRY(ll_put_part(m, &m->scratch, f, at, at + 1));
            at += 2;
            continue;
        }
        if (f->text[at++] == '}') return ll_raise(m, "ValueError", "Single '}' encountered in format string");
        LL_TRY(put_braces(m, f, &at, args, &next));
    }
    return ll_take(m, begin, out);
}
