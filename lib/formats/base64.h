/* Base64 (RFC 4648, section 4): how JSON files store bytes. */
#ifndef LL_FORMATS_BASE64_H
#define LL_FORMATS_BASE64_H

#include <stdbool.h>
#include <stddef.h>

/* Writes at most n / 4 * 3 bytes to out and sets *n_out; false: text is not Base64 with its padding. */
bool ll_base64_decode(const char *text, size_t n, char *out, size_t *n_out);

#endif
