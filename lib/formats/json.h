/*
 * A bounded JSON reader (RFC 8259) for files that may be hostile: iterative (constant stack), strict UTF-8, number
 * parsing independent of the locale, at most 64 levels. The text is checked before any memory is allocated; a document
 * is one allocation of at most 6 bytes per byte of text. An ll_json refers to a value of a document.
 *
 * Written by hand because the readers in Debian 12 recurse on input (jansson, cJSON), parse numbers through the locale
 * (cJSON, json-c), have one allocator for the whole process (all but libjsonparser-dev), crash on a failed allocation
 * (yajl), or accept what is not JSON (libjsonparser-dev, whose doubles are inexact as well, and libjsmn-dev).
 */
#ifndef LL_FORMATS_JSON_H
#define LL_FORMATS_JSON_H

#include "base/alloc.h"

typedef enum ll_json_type {
    LL_JSON_MISSING = 0, /* the member does not exist; every accessor accepts MISSING */
    LL_JSON_NULL,
    LL_JSON_BOOL,
    LL_JSON_NUMBER,
    LL_JSON_STRING,
    LL_JSON_ARRAY,
    LL_JSON_OBJECT
} ll_json_type;

typedef struct ll_json_doc ll_json_doc;

typedef struct ll_json {
    const ll_json_doc *doc;
    uint32_t node;
} ll_json;

#define LL_JSON_MAX_DEPTH 64
#define LL_JSON_MAX_STRING (16u << 20) /* bytes of one string */

/* Parses len bytes. `name` (a file's path) is for messages; it and `text` must outlive the document, because strings
 * without escapes point into the text. base_offset is added to the byte offsets in messages. JSON, with the byte
 * offset, for invalid text; LIMIT for depth, string length, 2^31 bytes or more, and numbers beyond a finite double
 * (1e400). */
llmcs_status ll_json_parse(const llmcs_allocator *a, const char *name, const char *text, size_t len,
                           uint64_t base_offset, ll_json_doc **doc);
void ll_json_free(ll_json_doc **doc);

/* The same with deferred containers, for long arrays and objects that are read once. A container is deferred if its key
 * is in `keys` (NULL ends the list) and it is a member of a member of the root, or if it is the root and `keys` has "".
 * Its elements are checked and counted but take no memory: ll_json_first gives MISSING; json_stream.h reads them. */
llmcs_status ll_json_parse_deferring(const llmcs_allocator *a, const char *name, const char *text, size_t len,
                                     uint64_t base_offset, const char *const *keys, ll_json_doc **doc);

ll_json ll_json_root(const ll_json_doc *doc);
const char *ll_json_name(const ll_json_doc *doc);

ll_json_type ll_json_get_type(ll_json v);
uint64_t ll_json_offset(ll_json v); /* byte offset of the value in its text, base_offset included */

/* The source text of the value, for messages: all of a scalar, the opening bracket of a container; "" for MISSING. */
const char *ll_json_source(ll_json v, size_t *len);

/* Members and elements. Duplicate keys are kept: ll_json_get finds the first, ll_json_get_unique fails. */
size_t ll_json_count(ll_json v);                      /* elements or members; 0 for anything else */
ll_json ll_json_first(ll_json container);             /* MISSING if empty */
ll_json ll_json_next(ll_json element);                /* MISSING after the last */
const char *ll_json_key(ll_json member, size_t *len); /* unescaped, NUL-terminated or not: use len */
ll_json ll_json_get(ll_json object, const char *key);
/* CONFIG if the key occurs twice; MISSING is not an error. */
llmcs_status ll_json_get_unique(ll_json object, const char *key, ll_json *value);

/* Values. NULL / false for other types. */
const char *ll_json_string(ll_json v, size_t *len); /* unescaped UTF-8, may hold NUL */
bool ll_json_equals(ll_json v, const char *text);   /* a string equal to text */
bool ll_json_bool(ll_json v, bool *out);
bool ll_json_double(ll_json v, double *out); /* correctly rounded; false if not finite */
bool ll_json_int64(ll_json v, int64_t *out); /* a number written as an integer ("1e3", "1.0" are not) */
bool ll_json_uint64(ll_json v, uint64_t *out);

#endif
