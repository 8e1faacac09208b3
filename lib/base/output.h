/* Writes a file completely or not at all: bytes go to a temporary file next to the target, which replaces the target by
 * rename once all of them are on disk. Until then the old target stays. On failure the temporary file is removed. */
#ifndef LL_BASE_OUTPUT_H
#define LL_BASE_OUTPUT_H

#include "base/alloc.h"

typedef struct ll_output {
    llmcs_allocator allocator;
    int fd;
    char *target, *temporary; /* temporary: target.<number>.tmp */
    unsigned char *buffer;
    size_t n_buffered;
    uint64_t n_bytes; /* written so far, including the buffer */
} ll_output;

/* Creates the temporary file. IO: the target exists and is no regular file, or its folder cannot be written to;
 * NOSPACE; NOMEM. On failure there is nothing to abandon. */
llmcs_status ll_output_begin(ll_output *out, const llmcs_allocator *a, const char *target);

/* IO, NOSPACE (disk full, quota, RLIMIT_FSIZE; SIGXFSZ is not delivered). */
llmcs_status ll_output_write(ll_output *out, const void *data, size_t n_bytes);

/* Syncs and renames. IO, NOSPACE: the temporary file is removed. Frees the output either way. */
llmcs_status ll_output_finish(ll_output *out);

/* Removes the temporary file and frees the output. No effect after finish. */
void ll_output_abandon(ll_output *out);

#endif
