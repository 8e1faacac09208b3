/* Byte fallback: tokens <0x00> to <0xFF>, which stand for characters that a vocabulary lacks. */
#ifndef LL_TEXT_BYTE_TOKENS_H
#define LL_TEXT_BYTE_TOKENS_H

#include "text/encoding.h"
#include "text/vocab.h"

typedef struct ll_byte_tokens {
    int32_t id[256]; /* -1: no such token */
} ll_byte_tokens;

void ll_byte_tokens_find(ll_byte_tokens *b, const ll_vocab *vocab);

/* The byte that a token of this form stands for; -1: not of this form. */
int ll_byte_of_token(const char *token, size_t len);

/* Appends the tokens of [begin, end) of the view, which all have its span. False in *done, and nothing is appended, if
 * a byte has no token. */
llmcs_status ll_byte_tokens_append(const ll_byte_tokens *b, const llmcs_allocator *a, const ll_view *view, size_t begin,
                                   size_t end, ll_encoding *out, bool *done);

#endif
