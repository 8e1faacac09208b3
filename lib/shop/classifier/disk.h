/* Whole files: bounded reads, atomic writes. */
#ifndef SHOP_CLASSIFIER_DISK_H
#define SHOP_CLASSIFIER_DISK_H

#include "shop/base/alloc.h"

/* Reads a regular file of at most max_bytes. IO, LIMIT, CHANGED (it shrank while it was read), NOMEM. */
llmcs_status shop_file_read(const llmcs_allocator *a, const char *path, uint64_t max_bytes, unsigned char **bytes,
                            size_t *n_bytes);

/* Writes a temporary file next to path, syncs it and renames it to path. On failure path is unchanged. IO, NOSPACE,
 * NOMEM. */
llmcs_status shop_file_write(const llmcs_allocator *a, const char *path, const unsigned char *bytes, size_t n_bytes);

#endif
