/* The parser. One pass over the text checks it and counts nodes, a second one fills them. */
#include "formats/json.h"

#include <string.h>

#include "base/utf8.h"
#include "formats/bytes.h"
#include "formats/decimal.h"

#define MAX_TEXT ((size_t)INT32_MAX)

/* One value, or the key of a member, which directly precedes the member's value. The first byte of its text gives the
 * type; numbers are converted on access. A text of n bytes has at most n / 2 + 1 nodes. */
typedef struct node {
    uint32_t offset : 31;   /* of its first byte in the text */
    uint32_t last : 1;      /* of its container */
    uint32_t size : 31;     /* string: unescaped bytes; container: elements or members */
    uint32_t escaped : 1;   /* string: has escapes, its text is in `unescaped`; container: deferred */
    uint32_t link : 31;     /* string: offset in `unescaped`; container: the node after its content */
    uint32_t in_object : 1; /* a member's value: its key is the node before */
} node;

_Static_assert(sizeof(node) == 12, "[1,1,1... must stay under eight times its text");

struct ll_json_doc {
    llmcs_allocator allocator;
    const char *name, *text;
    size_t len;
    uint64_t base_offset;
    char *unescaped;
    node nodes[];
};

/* A container whose content is being parsed. */
typedef struct frame {
    uint32_t node, count, last;
    bool object;
} frame;

/* An array or object whose elements take no nodes. */
typedef struct deferred {
    size_t begin, end; /* its text */
    uint32_t count;
} deferred;

#define MAX_DEFERRED 4

/* The text is parsed twice by the same functions: first to check it and count nodes without allocating, then, known to
 * be valid, to fill arrays of exactly the right size. */
typedef struct parser {
    const char *name, *text;
    size_t len, at;
    uint64_t base_offset;
    node *nodes; /* NULL while counting */
    uint32_t n_nodes;
    char *unescaped;
    size_t n_unescaped;
    frame stack[LL_JSON_MAX_DEPTH];
    int depth;
    const char *const *keys; /* of the containers to defer; NULL: none */
    deferred deferred[MAX_DEFERRED];
    size_t n_deferred;
    int deferring; /* while counting: depth outside the deferred container that is being parsed, or -1 */
    uint32_t nodes_before;
    size_t unescaped_before;
} parser;

/* ------------------------------------------------------------------------------------------------ errors */

static llmcs_status fail_at(const parser *p, size_t at, llmcs_status status, const char *what) {
    unsigned long long offset = p->base_offset + at;
    if (at >= p->len) return ll_fail(status, "%s: byte %llu: %s, but the text ends", p->name, offset, what);
    uint32_t cp;
    int n = (int)ll_utf8_decode(p->text + at, p->len - at, &cp);
    return ll_fail(status, "%s: byte %llu: %s, found \"%.*s\"", p->name, offset, what, n, p->text + at);
}

static llmcs_status not_json(const parser *p, const char *what) { return fail_at(p, p->at, LLMCS_JSON, what); }

/* ----------------------------------------------------------------------------------------------- strings */

/* Four hexadecimal digits at p->at. */
static llmcs_status parse_hex4(parser *p, uint32_t *unit) {
    *unit = 0;
    for (int i = 0; i < 4; i++, p->at++) {
        const int d = p->at < p->len ? ll_digit_value(p->text[p->at]) : 99;
        if (d >= 16) return not_json(p, "expected four hexadecimal digits after \\u");
        *unit = *unit << 4 | (uint32_t)d;
    }
    return LLMCS_OK;
}

/* After \u: a code unit, or two as a surrogate pair. */
static llmcs_status parse_unicode_escape(parser *p, uint32_t *cp) {
    size_t start = p->at;
    LL_TRY(parse_hex4(p, cp));
    if (*cp < 0xd800 || *cp > 0xdfff) return LLMCS_OK;
    uint32_t low = 0;
    if (*cp <= 0xdbff && p->len - p->at >= 2 && p->text[p->at] == '\\' && p->text[p->at + 1] == 'u') {
        p->at += 2;
        LL_TRY(parse_hex4(p, &low));
    }
    if (low < 0xdc00 || low > 0xdfff) return fail_at(p, start, LLMCS_JSON, "half of a surrogate pair");
    *cp = 0x10000 + ((*cp - 0xd800) << 10) + (low - 0xdc00);
    return LLMCS_OK;
}

/* After a backslash. */
static llmcs_status parse_escape(parser *p, uint32_t *cp) {
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    if (p->at >= p->len) return not_json(p, "expected an escape after \\");
    char c = p->text[p->at];
    const char *found = c ? strchr(letters, c) : NULL;
    if (!found && c != 'u') return not_json(p, "expected one of \" \\ / b f n r t u after \\");
    p->at++;
    if (!found) return parse_unicode_escape(p, cp);
    *cp = (unsigned char)meanings[found - letters];
    return LLMCS_OK;
}

/* The number of plain ASCII characters, of eight, before the first that needs a check. A byte's highest bit is set if
 * the byte is below 0x20 (the subtraction borrows), a quote or a backslash (the difference is zero), or not ASCII. A
 * borrow can only set the bit of a later byte. */
static inline size_t count_plain(const char *text) {
    const uint64_t ones = 0x0101010101010101u, eight = ll_load_u64((const unsigned char *)text);
    const uint64_t quote = eight ^ ones * '"', backslash = eight ^ ones * '\\';
    const uint64_t below = (eight - ones * 0x20) & ~eight;
    const uint64_t equal = ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash);
    const uint64_t other = (below | equal | eight) & (ones << 7);
    return other ? (size_t)__builtin_ctzll(other) / 8 : 8;
}

/* Skips bytes that need no unescaping. */
static llmcs_status skip_plain(parser *p) {
    const char *text = p->text;
    const size_t len = p->len;
    for (size_t i = p->at, n; i < len; i += n) {
        if (len - i >= 8) {
            n = count_plain(text + i);
            if (n == 8) continue;
            i += n;
        }
        const unsigned char c = (unsigned char)text[i];
        uint32_t cp = c;
        n = 1;
        if (c >= 0x20 && c < 0x80 && c != '"' && c != '\\') continue;
        p->at = i;
        if (c == '"' || c == '\\') return LLMCS_OK;
        if (c < 0x20) return not_json(p, "a control character must be escaped in a string");
        n = ll_utf8_decode(text + i, len - i, &cp);
        if (cp == LL_UTF8_BAD) return not_json(p, "a string that is not UTF-8");
    }
    p->at = len;
    return not_json(p, "expected \" at the end of a string");
}

static node *add_node(parser *p, size_t offset) {
    uint32_t i = p->n_nodes++;
    if (!p->nodes) return NULL;
    p->nodes[i] = (node){.offset = (uint32_t)offset & INT32_MAX};
    return &p->nodes[i];
}

/* Appends to the unescaped bytes, or only counts them. */
static void put_unescaped(parser *p, const char *bytes, size_t n) {
    if (p->unescaped) memcpy(p->unescaped + p->n_unescaped, bytes, n);
    p->n_unescaped += n;
}

static llmcs_status parse_string(parser *p) {
    size_t start = p->at++, piece = p->at, first_unescaped = p->n_unescaped;
    bool escaped = false;
    for (;;) {
        LL_TRY(skip_plain(p));
        if (p->at - start > LL_JSON_MAX_STRING) return fail_at(p, start, LLMCS_LIMIT, "a string over 16 MiB");
        if (p->text[p->at] == '"' && !escaped) break;
        put_unescaped(p, p->text + piece, p->at - piece);
        if (p->text[p->at] == '"') break;
        escaped = true;
        uint32_t cp = 0;
        char utf8[4];
        p->at++;
        LL_TRY(parse_escape(p, &cp));
        put_unescaped(p, utf8, ll_utf8_encode(cp, utf8));
        piece = p->at;
    }
    size_t size = escaped ? p->n_unescaped - first_unescaped : p->at - start - 1;
    p->at++;
    node *n = add_node(p, start);
    if (!n) return LLMCS_OK;
    n->size = (uint32_t)size & INT32_MAX;
    n->escaped = escaped;
    n->link = (uint32_t)first_unescaped & INT32_MAX;
    return LLMCS_OK;
}

/* ------------------------------------------------------------------------------------------------ values */

static void skip_space(parser *p) {
    if (p->at < p->len && p->text[p->at] == '\n') { /* and indentation */
        p->at++;
        while (p->len - p->at >= 8 && ll_load_u64((const unsigned char *)p->text + p->at) == 0x2020202020202020u)
            p->at += 8;
    }
    while (p->at < p->len &&
           (p->text[p->at] == ' ' || p->text[p->at] == '\n' || p->text[p->at] == '\t' || p->text[p->at] == '\r'))
        p->at++;
}

static bool next_is(const parser *p, char c) { return p->at < p->len && p->text[p->at] == c; }

static llmcs_status parse_word(parser *p, const char *word) {
    size_t n = strlen(word);
    if (p->len - p->at < n || memcmp(p->text + p->at, word, n) != 0) return not_json(p, "expected a value");
    add_node(p, p->at);
    p->at += n;
    return LLMCS_OK;
}

static llmcs_status parse_number(parser *p) {
    ll_decimal n;
    if (!ll_decimal_scan(p->text + p->at, p->len - p->at, &n)) {
        p->at += n.len;
        return not_json(p, "expected a number as JSON writes it");
    }
    if (!n.zero && n.exponent && n.magnitude > 309)
        return fail_at(p, p->at, LLMCS_LIMIT, "a number too large for a double");
    add_node(p, p->at);
    p->at += n.len;
    return LLMCS_OK;
}

/* While filling: skips a deferred container, which is one node. */
static bool pass_deferred(parser *p) {
    for (size_t i = 0; i < p->n_deferred && p->nodes; i++) {
        const deferred *d = &p->deferred[i];
        if (d->begin != p->at) continue;
        node *n = add_node(p, p->at);
        n->size = d->count & INT32_MAX;
        n->escaped = 1;
        n->link = p->n_nodes & INT32_MAX;
        p->at = d->end;
        return true;
    }
    return false;
}

static llmcs_status open_container(parser *p, bool defer) {
    if (p->depth == LL_JSON_MAX_DEPTH) return fail_at(p, p->at, LLMCS_LIMIT, "more than 64 levels");
    if (pass_deferred(p)) return LLMCS_OK;
    if (defer && !p->nodes && p->deferring < 0 && p->n_deferred < MAX_DEFERRED) {
        p->deferring = p->depth;
        p->deferred[p->n_deferred].begin = p->at;
        p->nodes_before = p->n_nodes;
        p->unescaped_before = p->n_unescaped;
    }
    p->stack[p->depth++] = (frame){.node = p->n_nodes, .object = next_is(p, '{')};
    add_node(p, p->at++);
    return LLMCS_OK;
}

/* True if a value with this key, the raw bytes between its quotes, is to be deferred here. */
static bool is_deferred(const parser *p, const char *key, size_t n) {
    if (p->depth != 2 && !(p->depth == 0 && n == 0)) return false;
    for (const char *const *k = p->keys; k && *k; k++)
        if (strlen(*k) == n && memcmp(*k, key, n) == 0) return true;
    return false;
}

static llmcs_status parse_value(parser *p, bool defer) {
    switch (p->at < p->len ? p->text[p->at] : 0) {
        case '{':
        case '[':
            return open_container(p, defer);
        case '"':
            return parse_string(p);
        case 't':
            return parse_word(p, "true");
        case 'f':
            return parse_word(p, "false");
        case 'n':
            return parse_word(p, "null");
        case '-':
        case '0':
        case '1':
        case '2':
        case '3':
        case '4':
        case '5':
        case '6':
        case '7':
        case '8':
        case '9':
            return parse_number(p);
        default:
            return not_json(p, "expected a value");
    }
}

/* In an object a key and its colon; then the value. */
static llmcs_status parse_element(parser *p) {
    frame *f = p->depth ? &p->stack[p->depth - 1] : NULL;
    skip_space(p);
    bool defer = is_deferred(p, "", 0);
    if (f && f->object) {
        if (!next_is(p, '"')) return not_json(p, "expected a key in \"");
        const size_t start = p->at + 1;
        LL_TRY(parse_string(p));
        defer = is_deferred(p, p->text + start, p->at - 1 - start);
        skip_space(p);
        if (!next_is(p, ':')) return not_json(p, "expected \":\" after a key");
        p->at++;
        skip_space(p);
    }
    uint32_t value = p->n_nodes;
    LL_TRY(parse_value(p, defer));
    if (f) {
        f->last = value;
        f->count++;
        if (p->nodes) p->nodes[value].in_object = f->object;
    }
    return LLMCS_OK;
}

/* At the closing bracket of the innermost container. */
static void close_container(parser *p) {
    const frame *f = &p->stack[--p->depth];
    p->at++;
    if (p->deferring == p->depth) {
        deferred *d = &p->deferred[p->n_deferred++];
        d->end = p->at;
        d->count = f->count;
        p->n_nodes = p->nodes_before + 1;
        p->n_unescaped = p->unescaped_before;
        p->deferring = -1;
    }
    if (!p->nodes) return;
    p->nodes[f->node].size = f->count & INT32_MAX;
    p->nodes[f->node].link = p->n_nodes & INT32_MAX;
    if (f->count) p->nodes[f->last].last = 1;
}

/* Closes every container that ends here. *more: another element must follow. */
static llmcs_status parse_closings(parser *p, bool *more) {
    for (*more = false; p->depth; close_container(p)) {
        const frame *f = &p->stack[p->depth - 1];
        bool opened_just_now = f->node + 1 == p->n_nodes;
        skip_space(p);
        if (next_is(p, f->object ? '}' : ']')) continue;
        *more = true;
        if (opened_just_now) return LLMCS_OK;
        if (!next_is(p, ',')) return not_json(p, f->object ? "expected \",\" or \"}\"" : "expected \",\" or \"]\"");
        p->at++;
        return LLMCS_OK;
    }
    return LLMCS_OK;
}

static llmcs_status parse_text(parser *p) {
    p->at = p->n_unescaped = 0;
    p->n_nodes = 0;
    p->deferring = -1;
    if (p->len >= 3 && memcmp(p->text, "\xef\xbb\xbf", 3) == 0)
        return ll_fail(LLMCS_JSON, "%s: byte %llu: a byte order mark is not JSON", p->name,
                       (unsigned long long)p->base_offset);
    for (bool more = true; more;) {
        LL_TRY(parse_element(p));
        LL_TRY(parse_closings(p, &more));
    }
    skip_space(p);
    return p->at == p->len ? LLMCS_OK : not_json(p, "expected nothing after the value");
}

/* ---------------------------------------------------------------------------------------------- document */

/* Memory for the nodes and unescaped bytes that the first pass counted. */
static llmcs_status create_document(const llmcs_allocator *a, const parser *p, ll_json_doc **doc) {
    size_t nodes_bytes, bytes;
    if (!ll_mul(p->n_nodes, sizeof(node), &nodes_bytes) || !ll_add(nodes_bytes, sizeof(ll_json_doc), &bytes) ||
        !ll_add(bytes, p->n_unescaped, &bytes))
        return ll_fail(LLMCS_NOMEM, "%s: more than can be addressed", p->name);
    LL_TRY(ll_alloc(a, bytes, 1, p->name, doc));
    **doc = (ll_json_doc){*a, p->name, p->text, p->len, p->base_offset, (char *)(*doc)->nodes + nodes_bytes};
    return LLMCS_OK;
}

llmcs_status ll_json_parse_deferring(const llmcs_allocator *a, const char *name, const char *text, size_t len,
                                     uint64_t base_offset, const char *const *keys, ll_json_doc **doc) {
    parser p = {.name = name, .text = text, .len = len, .base_offset = base_offset, .keys = keys};
    *doc = NULL;
    if (len > MAX_TEXT) return ll_fail(LLMCS_LIMIT, "%s: %zu bytes of JSON, at most %zu are read", name, len, MAX_TEXT);
    LL_TRY(parse_text(&p));
    LL_TRY(create_document(a, &p, doc));
    p.nodes = (*doc)->nodes;
    p.unescaped = (*doc)->unescaped;
    llmcs_status status = parse_text(&p);
    if (status) ll_json_free(doc); /* cannot happen: the first pass accepted the same text */
    return status;
}

llmcs_status ll_json_parse(const llmcs_allocator *a, const char *name, const char *text, size_t len,
                           uint64_t base_offset, ll_json_doc **doc) {
    return ll_json_parse_deferring(a, name, text, len, base_offset, NULL, doc);
}

void ll_json_free(ll_json_doc **doc) {
    if (!*doc) return;
    llmcs_allocator a = (*doc)->allocator;
    ll_free(&a, *doc);
    *doc = NULL;
}

ll_json ll_json_root(const ll_json_doc *doc) { return (ll_json){doc, 0}; }

const char *ll_json_name(const ll_json_doc *doc) { return doc->name; }

/* ------------------------------------------------------------------------------------------------ values */

static const ll_json missing = {NULL, 0};

static const node *node_of(ll_json v) { return &v.doc->nodes[v.node]; }
static const char *text_of(ll_json v) { return v.doc->text + node_of(v)->offset; }

ll_json_type ll_json_get_type(ll_json v) {
    if (!v.doc) return LL_JSON_MISSING;
    switch (*text_of(v)) {
        case '{':
            return LL_JSON_OBJECT;
        case '[':
            return LL_JSON_ARRAY;
        case '"':
            return LL_JSON_STRING;
        case 't':
        case 'f':
            return LL_JSON_BOOL;
        case 'n':
            return LL_JSON_NULL;
        default:
            return LL_JSON_NUMBER;
    }
}

static bool is_container(ll_json v) {
    return ll_json_get_type(v) == LL_JSON_ARRAY || ll_json_get_type(v) == LL_JSON_OBJECT;
}

/* Converts the number; the parser checked it but stored no value. */
static bool number_of(ll_json v, ll_decimal *n) {
    if (ll_json_get_type(v) != LL_JSON_NUMBER) return false;
    return ll_decimal_scan(text_of(v), v.doc->len - node_of(v)->offset, n);
}

uint64_t ll_json_offset(ll_json v) { return v.doc ? v.doc->base_offset + node_of(v)->offset : 0; }

const char *ll_json_source(ll_json v, size_t *len) {
    ll_decimal n;
    *len = 0;
    switch (ll_json_get_type(v)) {
        case LL_JSON_MISSING:
            return "";
        case LL_JSON_ARRAY:
        case LL_JSON_OBJECT:
            *len = 1;
            break;
        case LL_JSON_NULL:
            *len = 4;
            break;
        case LL_JSON_BOOL:
            *len = *text_of(v) == 't' ? 4 : 5;
            break;
        case LL_JSON_NUMBER:
            if (number_of(v, &n)) *len = n.len;
            break;
        case LL_JSON_STRING:
            *len = 1;
            while (text_of(v)[*len] != '"') *len += text_of(v)[*len] == '\\' ? 2 : 1;
            ++*len;
            break;
    }
    return text_of(v);
}

size_t ll_json_count(ll_json v) { return is_container(v) ? node_of(v)->size : 0; }

ll_json ll_json_first(ll_json container) {
    if (!ll_json_count(container) || node_of(container)->escaped) return missing;
    bool object = ll_json_get_type(container) == LL_JSON_OBJECT;
    return (ll_json){container.doc, container.node + (object ? 2 : 1)};
}

ll_json ll_json_next(ll_json element) {
    if (!element.doc || element.node == 0 || node_of(element)->last) return missing;
    uint32_t after = is_container(element) ? node_of(element)->link : element.node + 1;
    return (ll_json){element.doc, after + node_of(element)->in_object};
}

/* The unescaped bytes of a string node. */
static const char *string_of(ll_json v, size_t *len) {
    const node *n = node_of(v);
    *len = n->size;
    return n->escaped ? v.doc->unescaped + n->link : text_of(v) + 1;
}

const char *ll_json_key(ll_json member, size_t *len) {
    *len = 0;
    if (!member.doc || !node_of(member)->in_object) return NULL;
    return string_of((ll_json){member.doc, member.node - 1}, len);
}

/* The first member from `member` on that has this key. */
static ll_json find_key(ll_json member, const char *key) {
    size_t n = strlen(key), len;
    for (; member.doc; member = ll_json_next(member)) {
        const char *k = ll_json_key(member, &len);
        if (k && len == n && memcmp(k, key, n) == 0) return member;
    }
    return missing;
}

ll_json ll_json_get(ll_json object, const char *key) { return find_key(ll_json_first(object), key); }

llmcs_status ll_json_get_unique(ll_json object, const char *key, ll_json *value) {
    *value = ll_json_get(object, key);
    ll_json again = find_key(ll_json_next(*value), key);
    if (!again.doc) return LLMCS_OK;
    return ll_fail(LLMCS_CONFIG, "%s: byte %llu: key \"%s\" occurs a second time here", again.doc->name,
                   (unsigned long long)ll_json_offset(again), key);
}

const char *ll_json_string(ll_json v, size_t *len) {
    *len = 0;
    return ll_json_get_type(v) == LL_JSON_STRING ? string_of(v, len) : NULL;
}

bool ll_json_equals(ll_json v, const char *text) {
    size_t len;
    const char *s = ll_json_string(v, &len);
    return s && len == strlen(text) && memcmp(s, text, len) == 0;
}

bool ll_json_bool(ll_json v, bool *out) {
    if (ll_json_get_type(v) != LL_JSON_BOOL) return false;
    *out = *text_of(v) == 't';
    return true;
}

bool ll_json_double(ll_json v, double *out) {
    ll_decimal n;
    return number_of(v, &n) && ll_decimal_double(&n, out);
}

bool ll_json_int64(ll_json v, int64_t *out) {
    ll_decimal n;
    return number_of(v, &n) && ll_decimal_int64(&n, out);
}

bool ll_json_uint64(ll_json v, uint64_t *out) {
    ll_decimal n;
    return number_of(v, &n) && ll_decimal_uint64(&n, out);
}
