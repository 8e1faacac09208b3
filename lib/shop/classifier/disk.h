/* Whole files: read with bounds, written so that they appear complete or not at all. */
#ifndef SHOP_CLASSIFIER_DISK_H
#define SHOP_CLASSIFIER_DISK_H

#include "shop/base/alloc.h"

/* Reads a regular file of at most max_bytes. IO, LIMIT, CHANGED (it became shorter), NOMEM. */
llmcs_status shop_file_read(const llmcs_allocator *a, const char *path, uint64_t max_bytes, unsigned char **bytes,
                            size_t *n_bytes);

/* Writes a file next to path, syncs it and renames it. On failure path is as it was. IO, NOSPACE, NOMEM. */
llmcs_status shop_file_write(const llmcs_allocator *a, const char *path, const unsigned char *bytes, size_t n_bytes);

#endif
