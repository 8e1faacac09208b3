/* Writes a folder of files completely or not at all: files go to a temporary folder next to the target, which is
 * renamed to the target once all of them are on disk. On failure the temporary folder is removed. */
#ifndef LL_BASE_OUTPUT_FOLDER_H
#define LL_BASE_OUTPUT_FOLDER_H

#include "base/output.h"

#define LL_OUTPUT_FOLDER_FILES 64

typedef struct ll_output_folder {
    llmcs_allocator allocator;
    char *target, *temporary;                  /* temporary: target.<number>.tmp */
    char *path;                                /* buffer for the path of one file in it */
    const char *names[LL_OUTPUT_FOLDER_FILES]; /* of the files created so far */
    size_t n_names;
} ll_output_folder;

/* ARG: the target exists. IO: no folder can be made there. NOMEM. On failure there is nothing to abandon. */
llmcs_status ll_output_folder_begin(ll_output_folder *f, const llmcs_allocator *a, const char *target);
/* Begins file `name` in it, for ll_output_write and ll_output_finish. The name outlives the folder. LIMIT. */
llmcs_status ll_output_folder_file(ll_output_folder *f, const char *name, ll_output *out);
/* Renames. IO: the temporary folder is removed. Frees the output either way. */
llmcs_status ll_output_folder_finish(ll_output_folder *f);
/* Removes the temporary folder and what is in it. No effect after finish. */
void ll_output_folder_abandon(ll_output_folder *f);

#endif
