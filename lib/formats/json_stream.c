/* Tokenizes JSON that is known to be valid. */
#include "formats/json_stream.h"

#include <string.h>

#include "base/utf8.h"
#include "formats/bytes.h"
#include "formats/decimal.h"

void ll_json_stream_begin(ll_json_stream *s, ll_json container) {
    const ll_json_type type = ll_json_get_type(container);
    size_t len;
    const bool is_container = type == LL_JSON_ARRAY || type == LL_JSON_OBJECT;
    *s = (ll_json_stream){.doc = container.doc, .depth = is_container};
    if (is_container) s->at = ll_json_source(container, &len) + 1;
}

/* Skips white space, commas and colons. */
static const char *skip_between(const char *at) {
    for (;;) {
        const char c = *at;
        if (c != ' ' && c != '\n' && c != ',' && c != ':' && c != '\r' && c != '\t') return at;
        at++;
    }
}

static ll_json_token read_string(ll_json_stream *s) {
    const char *start = s->at + 1, *end = start;
    bool escaped = false;
    for (; *end != '"'; end++) {
        if (*end != '\\') continue;
        escaped = true;
        end++;
    }
    s->at = end + 1;
    return (ll_json_token){'"', escaped, start, (size_t)(end - start)};
}

static ll_json_token read_scalar(ll_json_stream *s, char kind) {
    const char *start = s->at, *end = start + 1;
    while (*end != ',' && *end != ']' && *end != '}' && *end != ' ' && *end != '\n' && *end != '\r' && *end != '\t')
        end++;
    s->at = end;
    return (ll_json_token){kind, false, start, (size_t)(end - start)};
}

ll_json_token ll_json_stream_next(ll_json_stream *s) {
    if (s->depth == 0) return (ll_json_token){0};
    s->at = skip_between(s->at);
    const char c = *s->at;
    if (c == '"') return read_string(s);
    if (c == '[' || c == '{') s->depth++;
    if (c == ']' || c == '}') s->depth--;
    if (c == '[' || c == '{' || c == ']' || c == '}') {
        const ll_json_token token = {s->depth ? c : 0, false, s->at++, 1};
        return token;
    }
    return read_scalar(s, c == 't' || c == 'f' || c == 'n' ? c : '0');
}

void ll_json_stream_skip(ll_json_stream *s, const ll_json_token *first) {
    if (first->kind != '[' && first->kind != '{') return;
    for (const size_t outside = s->depth - 1; s->depth > outside;) ll_json_stream_next(s);
}

static uint32_t hex4(const char *text) {
    uint32_t unit = 0;
    for (int i = 0; i < 4; i++) {
        const char c = text[i];
        unit = unit << 4 | (uint32_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return unit;
}

size_t ll_json_unescape(const ll_json_token *string, char *out) {
    static const char letters[] = "bfnrt", meanings[] = "\b\f\n\r\t";
    const char *at = string->text, *end = at + string->n;
    size_t n = 0;
    while (at < end) {
        if (*at != '\\') {
            out[n++] = *at++;
            continue;
        }
        const char c = at[1];
        const char *letter = strchr(letters, c);
        at += 2;
        if (c != 'u') {
            out[n++] = letter ? meanings[letter - letters] : c;
            continue;
        }
        uint32_t cp = hex4(at);
        at += 4;
        if (cp >= 0xd800 && cp <= 0xdbff) {
            cp = 0x10000 + ((cp - 0xd800) << 10) + (hex4(at + 2) - 0xdc00);
            at += 6;
        }
        char utf8[4];
        const size_t len = ll_utf8_encode(cp, utf8);
        memcpy(out + n, utf8, len);
        n += len;
    }
    return n;
}

bool ll_json_token_int64(const ll_json_token *number, int64_t *out) {
    ll_decimal d;
    int64_t value = 0;
    bool digits = number->kind == '0' && number->n <= 18; /* ids are short: no need for all that a number may be */
    for (size_t i = 0; i < number->n && digits; i++) {
        digits = number->text[i] >= '0' && number->text[i] <= '9';
        value = 10 * value + (number->text[i] - '0');
    }
    *out = value;
    if (digits) return true;
    return number->kind == '0' && ll_decimal_scan(number->text, number->n, &d) && ll_decimal_int64(&d, out);
}

bool ll_json_token_double(const ll_json_token *number, double *out) {
    ll_decimal d;
    return number->kind == '0' && ll_decimal_scan(number->text, number->n, &d) && ll_decimal_double(&d, out);
}

uint64_t ll_json_token_offset(const ll_json_stream *s, const ll_json_token *token) {
    size_t len;
    const ll_json root = ll_json_root(s->doc);
    const char *first = ll_json_source(root, &len);
    return ll_json_offset(root) + (uint64_t)(token->text - first) - (token->kind == '"');
}
