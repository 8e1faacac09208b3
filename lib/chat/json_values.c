/* JSON documents as values, without recursion. */
#include "chat/machine.h"

/* A container whose items are being added. */
typedef struct filling {
    ll_json next; /* its next member; MISSING: it is complete */
    ll_value value;
    size_t n;
} filling;

static llmcs_status scalar(ll_machine *m, ll_json v, uint8_t origin, ll_value *out) {
    ll_string *s;
    int64_t i;
    double d;
    bool b = false;
    switch (ll_json_get_type(v)) {
        case LL_JSON_STRING:
            LL_TRY(ll_value_alloc(m, 1, sizeof *s, &s));
            *s = (ll_string){.origin = origin};
            s->text = ll_json_string(v, &s->n);
            *out = ll_text_value(s);
            return LLMCS_OK;
        case LL_JSON_BOOL:
            (void)ll_json_bool(v, &b);
            *out = ll_bool(b);
            return LLMCS_OK;
        case LL_JSON_NUMBER: {
            size_t len;
            const char *text = ll_json_source(v, &len);
            bool integer = true;
            for (size_t k = 0; k < len; k++) integer = integer && text[k] != '.' && text[k] != 'e' && text[k] != 'E';
            if (integer && !ll_json_int64(v, &i))
                return ll_fail(LLMCS_UNSUPPORTED, "chat template variables: the integer %.*s has more than 64 bits",
                               (int)ll_min(len, 60), text);
            if (!integer) (void)ll_json_double(v, &d);
            *out = integer ? ll_int(i) : ll_real(d);
            return LLMCS_OK;
        }
        default:
            *out = ll_none();
            return LLMCS_OK;
    }
}

/* The value of v; a container is still empty. */
static llmcs_status begin(ll_machine *m, ll_json v, uint8_t origin, ll_value *out, bool *container) {
    const ll_json_type type = ll_json_get_type(v);
    *container = type == LL_JSON_ARRAY || type == LL_JSON_OBJECT;
    if (type == LL_JSON_ARRAY) return ll_new_list(m, LL_V_LIST, ll_json_count(v), out);
    if (type == LL_JSON_OBJECT) return ll_new_dict(m, ll_json_count(v), LL_V_DICT, out);
    return scalar(m, v, origin, out);
}

static llmcs_status add(ll_machine *m, filling *f, ll_json member, ll_value v, uint8_t origin) {
    ll_string *key;
    if (f->value.type == LL_V_LIST) {
        f->value.list->items[f->n++] = v;
        return LLMCS_OK;
    }
    LL_TRY(ll_value_alloc(m, 1, sizeof *key, &key));
    *key = (ll_string){.origin = origin};
    key->text = ll_json_key(member, &key->n);
    return ll_dict_set(m, f->value.dict, ll_text_value(key), v);
}

llmcs_status ll_value_of_json(ll_machine *m, ll_json root, uint8_t origin, ll_value *out) {
    filling stack[LL_JSON_MAX_DEPTH + 1];
    ll_json member[LL_JSON_MAX_DEPTH + 1];
    size_t depth = 0;
    bool container;
    ll_value v;
    LL_TRY(begin(m, root, origin, out, &container));
    if (!container) return LLMCS_OK;
    stack[depth++] = (filling){ll_json_first(root), *out, 0};
    while (depth) {
        filling *f = &stack[depth - 1];
        if (!ll_json_get_type(f->next)) {
            if (f->value.type == LL_V_LIST) LL_TRY(ll_finish_list(m, f->value));
            depth--;
            if (depth) LL_TRY(add(m, &stack[depth - 1], member[depth - 1], f->value, origin));
            continue;
        }
        member[depth - 1] = f->next;
        LL_TRY(begin(m, f->next, origin, &v, &container));
        f->next = ll_json_next(f->next);
        if (!container) {
            LL_TRY(add(m, f, member[depth - 1], v, origin));
            continue;
        }
        if (depth == LL_JSON_MAX_DEPTH + 1) return ll_too_much(m, "lists and dicts inside each other");
        stack[depth] = (filling){ll_json_first(member[depth - 1]), v, 0};
        depth++;
    }
    return LLMCS_OK;
}
