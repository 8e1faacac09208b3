/* Values of a GGUF file, checked for the type and range that a caller needs; the message shows what was found. */
#include <string.h>

#include "formats/bytes.h"
#include "formats/gguf.h"

static const char *const type_names[LL_N_GGUF_TYPES] = {"u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
                                                        "bool", "string", "array", "u64", "i64", "f64"};

/* An integer of any type; false for another type, or one above INT64_MAX. */
static bool as_int(const ll_gguf *g, const ll_gguf_value *v, int64_t *out) {
    const unsigned char *p = g->data + v->at;
    uint64_t u;
    if (v->is_array) return false;
    switch (v->type) {
        case LL_GGUF_U8:
            *out = p[0];
            return true;
        case LL_GGUF_I8:
            *out = p[0] < 128 ? p[0] : p[0] - 256; /* two's complement */
            return true;
        case LL_GGUF_U16:
            *out = (int64_t)ll_load_u16(p);
            return true;
        case LL_GGUF_I16:
            *out = (int16_t)ll_load_u16(p);
            return true;
        case LL_GGUF_U32:
            *out = (int64_t)ll_load_u32(p);
            return true;
        case LL_GGUF_I32:
            *out = (int32_t)ll_load_u32(p);
            return true;
        case LL_GGUF_U64:
            u = ll_load_u64(p);
            *out = (int64_t)u;
            return u <= INT64_MAX;
        case LL_GGUF_I64:
            *out = (int64_t)ll_load_u64(p);
            return true;
        default:
            return false;
    }
}

/* Formats the value for a message. */
static void describe_value(const ll_gguf *g, const ll_gguf_value *v, char *out, size_t size) {
    int64_t n;
    size_t at = v->at, len;
    if (v->is_array)
        ll_format(out, size, "an array of %zu %s", v->n, type_names[v->type]);
    else if (as_int(g, v, &n))
        ll_format(out, size, "%lld", (long long)n);
    else if (v->type == LL_GGUF_STRING) {
        const char *text = ll_gguf_next_string(g, &at, &len);
        ll_format(out, size, "\"%.*s\"", (int)ll_min(len, 40), text);
    } else
        ll_format(out, size, "a value of type %s", type_names[v->type]);
}

static llmcs_status status_of(const char *key, size_t key_bytes) {
    return key_bytes > 10 && memcmp(key, "tokenizer.", 10) == 0 ? LLMCS_TOKENIZER : LLMCS_CONFIG;
}

llmcs_status ll_gguf_bad(const ll_gguf *g, const ll_gguf_value *v, const char *expected) {
    const char *key = (const char *)g->data + v->key;
    char found[64];
    describe_value(g, v, found, sizeof found);
    llmcs_status status = status_of(key, v->key_bytes);
    return ll_fail(status, "%s: key \"%.*s\" at byte %zu: expected %s, found %s", g->name,
                   (int)ll_min(v->key_bytes, 60), key, v->key, expected, found);
}

llmcs_status ll_gguf_missing(const ll_gguf *g, const char *key) {
    llmcs_status status = status_of(key, strlen(key));
    return ll_fail(status, "%s: key \"%s\" is missing", g->name, key);
}

llmcs_status ll_gguf_int(const ll_gguf *g, const char *key, int64_t min, int64_t max, int64_t *out) {
    const ll_gguf_value *v = ll_gguf_find(g, key);
    int64_t n;
    char expected[80];
    if (!v) return LLMCS_OK;
    if (as_int(g, v, &n) && n >= min && n <= max) {
        *out = n;
        return LLMCS_OK;
    }
    ll_format(expected, sizeof expected, "an integer from %lld to %lld", (long long)min, (long long)max);
    return ll_gguf_bad(g, v, expected);
}

llmcs_status ll_gguf_double(const ll_gguf *g, const char *key, double min, double max, double *out) {
    const ll_gguf_value *v = ll_gguf_find(g, key);
    double d = 0;
    char expected[80];
    if (!v) return LLMCS_OK;
    bool right = !v->is_array && (v->type == LL_GGUF_F32 || v->type == LL_GGUF_F64);
    if (right && v->type == LL_GGUF_F64) {
        uint64_t bits = ll_load_u64(g->data + v->at);
        memcpy(&d, &bits, sizeof d);
    } else if (right) {
        uint32_t bits = ll_load_u32(g->data + v->at);
        float f;
        memcpy(&f, &bits, sizeof f);
        d = (double)f;
    }
    if (right && d >= min && d <= max) {
        *out = d;
        return LLMCS_OK;
    }
    ll_format(expected, sizeof expected, "a number from %g to %g", min, max);
    return ll_gguf_bad(g, v, expected);
}

llmcs_status ll_gguf_bool(const ll_gguf *g, const char *key, bool *out) {
    const ll_gguf_value *v = ll_gguf_find(g, key);
    if (!v) return LLMCS_OK;
    if (v->is_array || v->type != LL_GGUF_BOOL) return ll_gguf_bad(g, v, "true or false");
    *out = g->data[v->at] != 0;
    return LLMCS_OK;
}

llmcs_status ll_gguf_text(const ll_gguf *g, const char *key, const char **text, size_t *len) {
    const ll_gguf_value *v = ll_gguf_find(g, key);
    *text = NULL;
    *len = 0;
    if (!v) return LLMCS_OK;
    if (v->is_array || v->type != LL_GGUF_STRING) return ll_gguf_bad(g, v, "a string");
    size_t at = v->at;
    *text = ll_gguf_next_string(g, &at, len);
    return LLMCS_OK;
}

llmcs_status ll_gguf_array(const ll_gguf *g, const char *key, ll_gguf_type type, const ll_gguf_value **array) {
    char expected[40];
    *array = ll_gguf_find(g, key);
    if (!*array || ((*array)->is_array && (*array)->type == type)) return LLMCS_OK;
    ll_format(expected, sizeof expected, "an array of type %s", type_names[type]);
    return ll_gguf_bad(g, *array, expected);
}

const char *ll_gguf_next_string(const ll_gguf *g, size_t *at, size_t *len) {
    *len = (size_t)ll_load_u64(g->data + *at);
    const char *text = (const char *)g->data + *at + 8;
    *at += 8 + *len;
    return text;
}

int32_t ll_gguf_i32_at(const ll_gguf *g, const ll_gguf_value *array, size_t i) {
    return (int32_t)ll_load_u32(g->data + array->at + 4 * i);
}

const char *ll_gguf_carried(const ll_gguf *g, const char *name, size_t *len) {
    const ll_gguf_value *names = ll_gguf_find(g, LL_GGUF_FILE_NAMES), *texts = ll_gguf_find(g, LL_GGUF_FILE_TEXTS);
    size_t name_bytes = strlen(name);
    if (!names || !names->is_array || names->type != LL_GGUF_STRING) return NULL;
    if (!texts || !texts->is_array || texts->type != LL_GGUF_STRING) return NULL;
    size_t at_name = names->at, at_text = texts->at;
    for (size_t i = 0; i < ll_min(names->n, texts->n); i++) {
        size_t n;
        const char *found = ll_gguf_next_string(g, &at_name, &n), *text = ll_gguf_next_string(g, &at_text, len);
        if (n == name_bytes && memcmp(found, name, n) == 0) return text;
    }
    return NULL;
}
