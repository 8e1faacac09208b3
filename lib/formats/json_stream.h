/* Reads an array or object of a document from its text, token by token, without nodes: for vocabularies, whose elements
 * are each read once. The document was checked when it was parsed, so nothing here can fail. */
#ifndef LL_FORMATS_JSON_STREAM_H
#define LL_FORMATS_JSON_STREAM_H

#include "formats/json.h"

typedef struct ll_json_token {
    char kind;        /* '"' string or key, '0' number, 't' true, 'f' false, 'n' null, '[' ']' '{' '}'; 0: the end */
    bool escaped;     /* string: holds escapes, see ll_json_unescape */
    const char *text; /* string: the text between its quotes; else the token's first byte */
    size_t n;
} ll_json_token;

typedef struct ll_json_stream {
    const ll_json_doc *doc;
    const char *at;
    size_t depth; /* open brackets */
} ll_json_stream;

/* Starts before the first element of the container. Other values have no tokens. */
void ll_json_stream_begin(ll_json_stream *s, ll_json container);

/* The next key or value; commas and colons are skipped. Kind 0 after the container's last element. */
ll_json_token ll_json_stream_next(ll_json_stream *s);

/* Skips the value that begins with this token. */
void ll_json_stream_skip(ll_json_stream *s, const ll_json_token *first);

/* The string in UTF-8, written to out (capacity n); returns its length. */
size_t ll_json_unescape(const ll_json_token *string, char *out);

/* The number as an integer; false if it is not written as one. */
bool ll_json_token_int64(const ll_json_token *number, int64_t *out);
bool ll_json_token_double(const ll_json_token *number, double *out);

/* The token's byte offset, for messages. */
uint64_t ll_json_token_offset(const ll_json_stream *s, const ll_json_token *token);

#endif
