/* Writing a file whole or not at all: bytes go to a new file beside the target, which takes the target's name only when
 * all of them are on the disk. What stood there before stays until then, and whatever happens nothing else is left. */
#ifndef LL_BASE_OUTPUT_H
#define LL_BASE_OUTPUT_H

#include "base/alloc.h"

typedef struct ll_output {
    llmcs_allocator allocator;
    int fd;
    char *target, *temporary; /* temporary: target.<number>.tmp */
    unsigned char *buffer;
    size_t n_buffered;
    uint64_t n_bytes; /* written so far, those in the buffer included */
} ll_output;

/* Opens the new file. IO: the target is there and no regular file, or its folder cannot be written to; NOSPACE; NOMEM.
 * On failure there is nothing to end. */
llmcs_status ll_output_begin(ll_output *out, const llmcs_allocator *a, const char *target);

/* IO, NOSPACE. */
llmcs_status ll_output_write(ll_output *out, const void *data, size_t n_bytes);

/* After the last byte: to the disk, and to its name. IO, NOSPACE. In every case the output is ended. */
llmcs_status ll_output_finish(ll_output *out);

/* Instead: the new file is removed. After a finish it does nothing. */
void ll_output_abandon(ll_output *out);

#endif
