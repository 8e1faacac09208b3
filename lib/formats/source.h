/* Where a model comes from: a Hugging Face folder, or a GGUF file, which may carry the folder's small files along. */
#ifndef LL_FORMATS_SOURCE_H
#define LL_FORMATS_SOURCE_H

#include "base/alloc.h"

struct ll_gguf; /* gguf.h */

/* A folder needs no more than its path here; ll_source_open finds out what a path is. */
typedef struct ll_source {
    const char *path;     /* belongs to the caller */
    const char *within;   /* "" or NULL; or a folder in it, in which all names are looked for */
    struct ll_gguf *gguf; /* NULL: a folder */
} ll_source;

/* IO if there is nothing at the path, or something that is neither; what ll_gguf_open gives. */
llmcs_status ll_source_open(ll_source *source, const llmcs_allocator *a, const char *path, llmcs_load_mode mode);
void ll_source_close(ll_source *source);

/* The same source seen from a folder in it. */
ll_source ll_source_in(const ll_source *source, const char *within);

/* *there: the file `name` is there, be it a symbolic link to nowhere. NOMEM. */
llmcs_status ll_source_has(const ll_source *source, const llmcs_allocator *a, const char *name, bool *there);

/* The path of the folder that names are looked for in, from `a`. */
llmcs_status ll_source_folder(const ll_source *source, const llmcs_allocator *a, char **folder);

/* The path of `name` for messages and for opening it in a folder, from `a`. */
llmcs_status ll_source_join(const ll_source *source, const llmcs_allocator *a, const char *name, char **path);

/* The whole file as NUL-terminated bytes from `a`; LIMIT over max_bytes, FORMAT for a git-lfs pointer, a web
 * page and the like. `path` is what ll_source_join gave. */
llmcs_status ll_source_read(const ll_source *source, const llmcs_allocator *a, const char *name, const char *path,
                            size_t max_bytes, char **data, size_t *len);

#endif
