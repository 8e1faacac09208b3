/* A model's folder, and messages for paths that are something else. */
#ifndef LL_FORMATS_FOLDER_H
#define LL_FORMATS_FOLDER_H

#include "base/alloc.h"

/* IO or ARG if path is neither a folder nor a GGUF file (*is_gguf): it does not exist, or is some other file. */
llmcs_status ll_folder_check(const char *path, bool *is_gguf);

/* For a folder without model.safetensors and its index. Always fails; the message says what the folder holds instead
 * and how to convert it. */
llmcs_status ll_folder_no_weights(const llmcs_allocator *a, const char *folder);

/* *there: the folder has an entry of this name, even a dangling symbolic link. NOMEM. */
llmcs_status ll_folder_has(const llmcs_allocator *a, const char *folder, const char *name, bool *there);

/* True if `name` of len bytes is the plain name of a file: no separator, no NUL, not empty, not "." or "..". */
bool ll_folder_is_plain_name(const char *name, size_t len);

/* True if writing to `path` would replace `input`: both exist and are the same file, or one is a link to the other. */
bool ll_folder_would_replace(const char *path, const char *input);

/* What a file with these first bytes is, if it is a common mistake: "a git-lfs pointer (run `git lfs pull`)"; else
 * NULL. */
const char *ll_folder_guess(const unsigned char *bytes, size_t n);

/* The end of a path, short enough that the rest of a message fits. */
const char *ll_folder_tail(const char *path);

#endif
