/* Where a model comes from: a Hugging Face folder, or a GGUF file, which may embed the folder's small files. */
#ifndef LL_FORMATS_SOURCE_H
#define LL_FORMATS_SOURCE_H

#include "base/alloc.h"

struct ll_gguf; /* gguf.h */

/* For a folder only the path is set. ll_source_open detects which of the two a path is. */
typedef struct ll_source {
    const char *path;     /* belongs to the caller */
    const char *within;   /* the folder inside the source that file names are relative to; "" or NULL: the top */
    struct ll_gguf *gguf; /* NULL: a folder */
} ll_source;

/* IO if the path does not exist or is neither, ARG if it is empty; else the errors of ll_gguf_open. */
llmcs_status ll_source_open(ll_source *source, const llmcs_allocator *a, const char *path, llmcs_load_mode mode);
void ll_source_close(ll_source *source);

/* The same source with names relative to a folder in it. */
ll_source ll_source_in(const ll_source *source, const char *within);

/* Sets *there to true if the file `name` exists, even as a dangling symbolic link. NOMEM. */
llmcs_status ll_source_has(const ll_source *source, const llmcs_allocator *a, const char *name, bool *there);

/* The path of the folder that names are relative to, allocated from `a`. */
llmcs_status ll_source_folder(const ll_source *source, const llmcs_allocator *a, char **folder);

/* The path of `name`, for messages and for opening it in a folder, allocated from `a`. */
llmcs_status ll_source_join(const ll_source *source, const llmcs_allocator *a, const char *name, char **path);

/* The whole file as NUL-terminated bytes, allocated from `a`. LIMIT above max_bytes, FORMAT for a git-lfs pointer, a
 * web page and the like. `path` is from ll_source_join. */
llmcs_status ll_source_read(const ll_source *source, const llmcs_allocator *a, const char *name, const char *path,
                            size_t max_bytes, char **data, size_t *len);

#endif
