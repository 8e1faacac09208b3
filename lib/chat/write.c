/* Values as text: str, repr, JSON as Python's json.dumps writes it, HTML escapes. Containers are walked with a stack.
 */
#include <math.h>
#include <string.h>
#include <utf8proc.h>

#include "base/utf8.h"
#include "chat/builtins.h"

void ll_builder_free(const llmcs_allocator *a, ll_builder *b) {
    ll_free(a, b->text);
    ll_free(a, b->origins);
    *b = (ll_builder){0};
}

static llmcs_status reserve(ll_machine *m, ll_builder *b, size_t n) {
    if (n > LL_JINJA_MAX_OUTPUT - b->n) return ll_too_much(m, "bytes of text");
    LL_TRY(ll_step_bytes(m, n));
    LL_TRY(ll_grow(&m->allocator, &b->text, b->n, &b->text_capacity, b->n + n, 1, "chat text"));
    return ll_grow(&m->allocator, &b->origins, b->n, &b->origin_capacity, b->n + n, 1, "origins of chat text");
}

llmcs_status ll_put(ll_machine *m, ll_builder *b, const char *text, size_t n, uint8_t origin) {
    if (!n) return LLMCS_OK;
    LL_TRY(reserve(m, b, n));
    memcpy(b->text + b->n, text, n);
    memset(b->origins + b->n, origin, n);
    b->n += n;
    return LLMCS_OK;
}

llmcs_status ll_put_part(ll_machine *m, ll_builder *b, const ll_string *s, size_t begin, size_t end) {
    if (begin >= end) return LLMCS_OK;
    if (!s->origins) return ll_put(m, b, s->text + begin, end - begin, s->origin);
    LL_TRY(reserve(m, b, end - begin));
    memcpy(b->text + b->n, s->text + begin, end - begin);
    memcpy(b->origins + b->n, s->origins + begin, end - begin);
    b->n += end - begin;
    return LLMCS_OK;
}

llmcs_status ll_put_string(ll_machine *m, ll_builder *b, const ll_string *s) { return ll_put_part(m, b, s, 0, s->n); }

llmcs_status ll_take_from(ll_machine *m, ll_builder *b, size_t begin, ll_value *out) {
    const size_t n = b->n - begin;
    ll_string *s;
    uint8_t *origins;
    LL_TRY(ll_new_string(m, n ? b->text + begin : "", n, n ? b->origins[begin] : LL_ORIGIN_DATA, out));
    b->n = begin;
    size_t same = 0;
    while (same < n && b->origins[begin + same] == b->origins[begin]) same++;
    if (same == n) return LLMCS_OK;
    LL_TRY(ll_value_alloc(m, n, 1, &origins));
    memcpy(origins, b->origins + begin, n);
    LL_TRY(ll_value_alloc(m, 1, sizeof *s, &s));
    *s = *out->string;
    s->origins = origins;
    *out = ll_text_value(s);
    return LLMCS_OK;
}

llmcs_status ll_take(ll_machine *m, size_t begin, ll_value *out) { return ll_take_from(m, &m->scratch, begin, out); }

/* ---- strings */

static bool is_printable(uint32_t cp) {
    if (cp < 0x7f) return cp >= 0x20;
    switch (utf8proc_category((utf8proc_int32_t)cp)) {
        case UTF8PROC_CATEGORY_CN:
        case UTF8PROC_CATEGORY_CC:
        case UTF8PROC_CATEGORY_CF:
        case UTF8PROC_CATEGORY_CS:
        case UTF8PROC_CATEGORY_CO:
        case UTF8PROC_CATEGORY_ZL:
        case UTF8PROC_CATEGORY_ZP:
        case UTF8PROC_CATEGORY_ZS:
            return false;
        default:
            return true;
    }
}

/* Writes how cp is written and returns its length; 0: as it is. */
typedef size_t (*escape_fn)(uint32_t cp, int style, char out[16]);

/* An escape has the origin of its character. */
static llmcs_status put_with_escapes(ll_machine *m, ll_builder *b, const ll_string *s, escape_fn escape, int style) {
    char escaped[16];
    size_t plain = 0;
    for (size_t i = 0, len; i < s->n; i += len) {
        uint32_t cp;
        len = ll_utf8_decode(s->text + i, s->n - i, &cp);
        const size_t n = escape(cp, style, escaped);
        if (!n) continue;
        LL_TRY(ll_put_part(m, b, s, plain, i));
        LL_TRY(ll_put(m, b, escaped, n, ll_origin_at(s, i)));
        plain = i + len;
    }
    return ll_put_part(m, b, s, plain, s->n);
}

static size_t repr_escape(uint32_t cp, int quote, char out[16]) {
    if (cp == '\n' || cp == '\r' || cp == '\t' || cp == '\\' || cp == (uint32_t)quote) {
        out[0] = '\\';
        out[1] = cp == '\n' ? 'n' : cp == '\r' ? 'r' : cp == '\t' ? 't' : (char)cp;
        return 2;
    }
    if (is_printable(cp)) return 0;
    if (cp < 0x100) return (size_t)ll_format(out, 16, "\\x%02x", cp);
    return (size_t)(cp < 0x10000 ? ll_format(out, 16, "\\u%04x", cp) : ll_format(out, 16, "\\U%08x", cp));
}

static llmcs_status put_string_repr(ll_machine *m, ll_builder *b, const ll_string *s) {
    const bool single = s->n && memchr(s->text, '\'', s->n), both = s->n && memchr(s->text, '"', s->n);
    const char quote = single && !both ? '"' : '\'';
    if (s->markup) LL_TRY(ll_put(m, b, "Markup(", 7, LL_ORIGIN_DATA));
    LL_TRY(ll_put_c(m, b, quote));
    LL_TRY(put_with_escapes(m, b, s, repr_escape, quote));
    LL_TRY(ll_put_c(m, b, quote));
    return s->markup ? ll_put_c(m, b, ')') : LLMCS_OK;
}

static size_t json_escape(uint32_t cp, int ascii, char out[16]) {
    static const char letters[] = "\"\\\n\r\t\f\b", escapes[] = "\"\\nrtfb";
    const char *found = cp && cp < 0x80 ? strchr(letters, (int)cp) : NULL;
    if (found) {
        out[0] = '\\';
        out[1] = escapes[found - letters];
        return 2;
    }
    if (cp < 0x20 || (ascii && cp >= 0x7f && cp < 0x10000)) return (size_t)ll_format(out, 16, "\\u%04x", cp);
    if (!ascii || cp < 0x7f) return 0;
    cp -= 0x10000;
    return (size_t)ll_format(out, 16, "\\u%04x\\u%04x", 0xd800 + (cp >> 10), 0xdc00 + (cp & 0x3ff));
}

static llmcs_status put_json_string(ll_machine *m, ll_builder *b, const ll_string *s, bool ascii) {
    LL_TRY(ll_put_c(m, b, '"'));
    LL_TRY(put_with_escapes(m, b, s, json_escape, ascii));
    return ll_put_c(m, b, '"');
}

/* ---- scalars */

static llmcs_status put_text(ll_machine *m, ll_builder *b, const char *text) {
    return ll_put(m, b, text, strlen(text), LL_ORIGIN_DATA);
}

static llmcs_status put_int(ll_machine *m, ll_builder *b, int64_t i) {
    char text[32];
    const int n = ll_format(text, sizeof text, "%lld", (long long)i);
    return ll_put(m, b, text, (size_t)n, LL_ORIGIN_DATA);
}

static llmcs_status put_float(ll_machine *m, ll_builder *b, double d) {
    char text[LL_NUMBER_BYTES];
    LL_TRY(ll_step_float(m));
    return ll_put(m, b, text, ll_float_repr(d, text), LL_ORIGIN_DATA);
}

/* What is neither container nor string. */
static llmcs_status put_scalar(ll_machine *m, ll_builder *b, ll_value v, bool repr) {
    switch (v.type) {
        case LL_V_UNDEFINED:
            return repr ? put_text(m, b, "Undefined") : LLMCS_OK;
        case LL_V_NONE:
            return put_text(m, b, "None");
        case LL_V_BOOL:
            return put_text(m, b, v.boolean ? "True" : "False");
        case LL_V_INT:
            return put_int(m, b, v.integer);
        case LL_V_FLOAT:
            return put_float(m, b, v.real);
        case LL_V_MACRO:
            LL_TRY(put_text(m, b, "<Macro "));
            if (v.macro->macro->name == UINT32_MAX) return put_text(m, b, "anonymous>");
            LL_TRY(ll_put_c(m, b, '\''));
            LL_TRY(ll_put(m, b, m->p->names[v.macro->macro->name].text, m->p->names[v.macro->macro->name].n,
                          LL_ORIGIN_DATA));
            return put_text(m, b, "'>");
        case LL_V_LOOP:
            LL_TRY(put_text(m, b, "<LoopContext "));
            LL_TRY(put_int(m, b, (int64_t)v.loop->index + 1));
            LL_TRY(ll_put_c(m, b, '/'));
            LL_TRY(put_int(m, b, (int64_t)v.loop->n));
            return ll_put_c(m, b, '>');
        default: /* Python prints an address */
            return ll_unsupported(m, "printing a %s is not supported%s", ll_type_name(v),
                                  v.type == LL_V_GENERATOR ? ": make a list of it first" : "");
    }
}

/* ---- containers */

typedef struct open_value {
    ll_value v;
    size_t next; /* its next item */
} open_value;

static size_t items_of(ll_value v) { return v.type == LL_V_DICT ? v.dict->n : v.list->n; }

static bool is_container(ll_value v) { return v.type == LL_V_DICT || (ll_is_listlike(v) && v.type != LL_V_GENERATOR); }

static const char *opening(ll_value v) {
    switch (v.type) {
        case LL_V_DICT:
            return "{";
        case LL_V_TUPLE:
            return "(";
        case LL_V_KEYS:
            return "dict_keys([";
        case LL_V_VALUES:
            return "dict_values([";
        case LL_V_ITEMS:
            return "dict_items([";
        default:
            return "[";
    }
}

static const char *closing(ll_value v) {
    switch (v.type) {
        case LL_V_DICT:
            return "}";
        case LL_V_TUPLE:
            return v.list->n == 1 ? ",)" : ")";
        case LL_V_KEYS:
        case LL_V_VALUES:
        case LL_V_ITEMS:
            return "])";
        default:
            return "]";
    }
}

static llmcs_status put_range(ll_machine *m, ll_builder *b, const ll_list *l) {
    LL_TRY(put_text(m, b, "range("));
    LL_TRY(put_int(m, b, l->range[0]));
    LL_TRY(put_text(m, b, ", "));
    LL_TRY(put_int(m, b, l->range[1]));
    if (l->range[2] != 1) {
        LL_TRY(put_text(m, b, ", "));
        LL_TRY(put_int(m, b, l->range[2]));
    }
    return ll_put_c(m, b, ')');
}

/* A value inside a container, or the beginning of a container, which is pushed. */
static llmcs_status put_repr_item(ll_machine *m, ll_builder *b, ll_value v, open_value *stack, size_t *depth) {
    if (v.type == LL_V_STRING) return put_string_repr(m, b, v.string);
    if (v.type == LL_V_RANGE) return put_range(m, b, v.list);
    if (!is_container(v)) return put_scalar(m, b, v, true);
    if (*depth == LL_VALUE_MAX_DEPTH) return ll_too_much(m, "lists and dicts inside each other");
    stack[(*depth)++] = (open_value){v, 0};
    return put_text(m, b, opening(v));
}

llmcs_status ll_put_repr(ll_machine *m, ll_builder *b, ll_value v) {
    open_value stack[LL_VALUE_MAX_DEPTH];
    size_t depth = 0;
    LL_TRY(put_repr_item(m, b, v, stack, &depth));
    while (depth) {
        open_value *o = &stack[depth - 1];
        if (o->next == items_of(o->v)) {
            LL_TRY(put_text(m, b, closing(o->v)));
            depth--;
            continue;
        }
        const size_t i = o->next++;
        if (i) LL_TRY(put_text(m, b, ", "));
        if (o->v.type != LL_V_DICT) {
            LL_TRY(put_repr_item(m, b, o->v.list->items[i], stack, &depth));
            continue;
        }
        const ll_value value = o->v.dict->values[i];
        LL_TRY(put_repr_item(m, b, o->v.dict->keys[i], stack, &depth));
        LL_TRY(put_text(m, b, ": "));
        LL_TRY(put_repr_item(m, b, value, stack, &depth));
    }
    return LLMCS_OK;
}

llmcs_status ll_put_str(ll_machine *m, ll_builder *b, ll_value v) {
    if (v.type == LL_V_STRING) return ll_put_string(m, b, v.string);
    return is_container(v) ? ll_put_repr(m, b, v) : put_scalar(m, b, v, false);
}

llmcs_status ll_to_string(ll_machine *m, ll_value v, bool soft, const ll_string **out) {
    const size_t begin = m->scratch.n;
    ll_value text = v;
    if (v.type != LL_V_STRING) {
        LL_TRY(ll_put_str(m, &m->scratch, v));
        LL_TRY(ll_take(m, begin, &text));
    } else if (!soft) {
        LL_TRY(ll_with_markup(m, v, false, &text));
    }
    *out = text.string;
    return LLMCS_OK;
}

void ll_show(ll_machine *m, ll_value v, char *out, size_t size) {
    ll_value text;
    const size_t begin = m->scratch.n;
    out[0] = 0;
    if (ll_put_repr(m, &m->scratch, v) || ll_take(m, begin, &text)) {
        m->scratch.n = begin;
        return;
    }
    ll_format(out, size, "%.*s", (int)ll_min(text.string->n, size - 1), text.string->text);
}

static size_t html_escape(uint32_t cp, int style, char out[16]) {
    static const struct {
        char c;
        const char *by;
    } all[] = {{'&', "amp"}, {'<', "lt"}, {'>', "gt"}, {'\'', "#39"}, {'"', "#34"}};
    (void)style;
    for (size_t i = 0; cp < 0x80 && i < sizeof all / sizeof *all; i++)
        if ((char)cp == all[i].c) return (size_t)ll_format(out, 16, "&%s;", all[i].by);
    return 0;
}

llmcs_status ll_put_escaped(ll_machine *m, ll_builder *b, ll_value v) {
    const ll_string *s;
    LL_TRY(ll_to_string(m, v, true, &s));
    return s->markup ? ll_put_string(m, b, s) : put_with_escapes(m, b, s, html_escape, 0);
}

/* ---- JSON */

typedef struct json_writer {
    ll_machine *m;
    ll_builder *b;
    const ll_json_style *style;
    open_value stack[LL_VALUE_MAX_DEPTH];
    size_t depth;
} json_writer;

static llmcs_status put_line_break(json_writer *w, size_t depth) {
    if (!w->style->indent) return LLMCS_OK;
    LL_TRY(ll_put_c(w->m, w->b, '\n'));
    for (size_t i = 0; i < depth; i++) LL_TRY(ll_put_string(w->m, w->b, w->style->indent));
    return LLMCS_OK;
}

static llmcs_status put_json_scalar(json_writer *w, ll_value v) {
    switch (v.type) {
        case LL_V_NONE:
            return put_text(w->m, w->b, "null");
        case LL_V_BOOL:
            return put_text(w->m, w->b, v.boolean ? "true" : "false");
        case LL_V_INT:
            return put_int(w->m, w->b, v.integer);
        case LL_V_FLOAT:
            if (isnan(v.real)) return put_text(w->m, w->b, "NaN");
            if (isinf(v.real)) return put_text(w->m, w->b, v.real > 0 ? "Infinity" : "-Infinity");
            return put_float(w->m, w->b, v.real);
        default:
            return ll_raise(w->m, "TypeError", "Object of type %s is not JSON serializable", ll_type_name(v));
    }
}

/* A dict whose keys are sorted, if that is wanted. */
static llmcs_status sort_keys(json_writer *w, ll_value *v) {
    ll_value sorted;
    if (!w->style->sort_keys) return LLMCS_OK;
    ll_dict *d = v->dict;
    LL_TRY(ll_new_dict(w->m, d->n, LL_V_DICT, &sorted));
    for (size_t i = 0; i < d->n; i++) { /* insertion sort: such dicts are small, and steps are counted */
        size_t at = i;
        for (; at > 0; at--) {
            bool less;
            LL_TRY(ll_less(w->m, d->keys[i], sorted.dict->keys[at - 1], "<", &less));
            if (!less) break;
            sorted.dict->keys[at] = sorted.dict->keys[at - 1];
            sorted.dict->values[at] = sorted.dict->values[at - 1];
        }
        sorted.dict->keys[at] = d->keys[i];
        sorted.dict->values[at] = d->values[i];
    }
    sorted.dict->n = d->n;
    sorted.dict->depth = d->depth;
    *v = sorted;
    return LLMCS_OK;
}

static llmcs_status put_json_value(json_writer *w, ll_value v) {
    if (v.type == LL_V_STRING) return put_json_string(w->m, w->b, v.string, w->style->ascii);
    if (v.type != LL_V_DICT && v.type != LL_V_LIST && v.type != LL_V_TUPLE) return put_json_scalar(w, v);
    if (!items_of(v)) return put_text(w->m, w->b, v.type == LL_V_DICT ? "{}" : "[]");
    if (w->depth == LL_VALUE_MAX_DEPTH) return ll_too_much(w->m, "lists and dicts inside each other");
    if (v.type == LL_V_DICT) LL_TRY(sort_keys(w, &v));
    w->stack[w->depth++] = (open_value){v, 0};
    return ll_put_c(w->m, w->b, v.type == LL_V_DICT ? '{' : '[');
}

static llmcs_status put_json_key(json_writer *w, ll_value key) {
    double d;
    if (key.type == LL_V_STRING) {
        LL_TRY(put_json_string(w->m, w->b, key.string, w->style->ascii));
    } else if (key.type == LL_V_NONE || ll_as_real(key, &d)) {
        LL_TRY(ll_put_c(w->m, w->b, '"'));
        LL_TRY(put_json_scalar(w, key));
        LL_TRY(ll_put_c(w->m, w->b, '"'));
    } else {
        return ll_raise(w->m, "TypeError", "keys must be str, int, float, bool or None, not %s", ll_type_name(key));
    }
    if (w->style->key_separator) return ll_put_string(w->m, w->b, w->style->key_separator);
    return put_text(w->m, w->b, ": ");
}

static llmcs_status put_json_item(json_writer *w) {
    open_value *o = &w->stack[w->depth - 1];
    const size_t i = o->next++;
    const ll_value v = o->v;
    if (i && w->style->item_separator)
        LL_TRY(ll_put_string(w->m, w->b, w->style->item_separator));
    else if (i)
        LL_TRY(put_text(w->m, w->b, w->style->indent ? "," : ", "));
    LL_TRY(put_line_break(w, w->depth));
    if (v.type != LL_V_DICT) return put_json_value(w, v.list->items[i]);
    LL_TRY(put_json_key(w, v.dict->keys[i]));
    return put_json_value(w, v.dict->values[i]);
}

llmcs_status ll_put_json(ll_machine *m, ll_builder *b, ll_value v, const ll_json_style *style) {
    json_writer w = {.m = m, .b = b, .style = style};
    LL_TRY(put_json_value(&w, v));
    while (w.depth) {
        const ll_value open = w.stack[w.depth - 1].v;
        if (w.stack[w.depth - 1].next < items_of(open)) {
            LL_TRY(put_json_item(&w));
            continue;
        }
        w.depth--;
        LL_TRY(put_line_break(&w, w.depth));
        LL_TRY(ll_put_c(m, b, open.type == LL_V_DICT ? '}' : ']'));
    }
    return LLMCS_OK;
}
