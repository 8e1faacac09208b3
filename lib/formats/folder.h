/* Checks of a model's folder, and messages for paths that are something else. */
#ifndef LL_FORMATS_FOLDER_H
#define LL_FORMATS_FOLDER_H

#include "base/alloc.h"

/* Sets *is_gguf. IO if the path does not exist or is neither a folder nor a GGUF file, ARG if it is empty. */
llmcs_status ll_folder_check(const char *path, bool *is_gguf);

/* For a folder with neither model.safetensors nor its index. Always fails; the message says which weights the folder
 * has instead and how to convert them. */
llmcs_status ll_folder_no_weights(const llmcs_allocator *a, const char *folder);

/* Sets *there to true if the folder has an entry with this name, even a dangling symbolic link. NOMEM. */
llmcs_status ll_folder_has(const llmcs_allocator *a, const char *folder, const char *name, bool *there);

/* True if `name` of len bytes is the plain name of a file: no separator, no NUL, not empty, not "." or "..". */
bool ll_folder_is_plain_name(const char *name, size_t len);

/* True if writing to `path` would replace `input`: both exist and are the same file, or one is a link to the other. */
bool ll_folder_would_replace(const char *path, const char *input);

/* Recognises common mistakes by a file's first bytes: "a git-lfs pointer (run `git lfs pull`)"; else NULL. */
const char *ll_folder_guess(const unsigned char *bytes, size_t n);

/* The end of a path, short enough that the rest of a message fits. */
const char *ll_folder_tail(const char *path);

#endif
