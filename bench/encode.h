/* llmcs-bench encode: the texts, and what is done with them. */
#ifndef LLMCS_BENCH_ENCODE_H
#define LLMCS_BENCH_ENCODE_H

#include "e2e.h"

/* ---- encode_texts.c */
typedef struct encode_texts {
    char *file; /* the whole file; texts without escapes point into it */
    struct ll_json_doc **docs;
    llmcs_text *texts; /* [n] */
    size_t n, n_docs;
} encode_texts;

/* Reads a file of texts, one a line, or of JSON Lines with a field "text", and keeps up to n of them from all over it,
 * the same each time. False after saying what is wrong. */
bool encode_texts_read(encode_texts *t, const char *path, size_t n);
void encode_texts_free(encode_texts *t);

#endif
