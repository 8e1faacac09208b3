/* Which characters the normal form C may change, so that text without them, nearly all there is, needs no work. */
#ifndef LL_TEXT_NFC_H
#define LL_TEXT_NFC_H

#include <stddef.h>

/* A range of a text (valid UTF-8) that NFC may change: characters that it changes, moves or joins with the one before
 * them, and that one. What lies outside of such ranges stays as it is, and ranges do not affect one another. */
typedef struct ll_nfc_range {
    size_t begin, end;
} ll_nfc_range;

/* The first range at or after `at`, which is 0 or the end of a range; {n, n}: there is none. */
ll_nfc_range ll_nfc_next(const char *text, size_t n, size_t at);

#endif
