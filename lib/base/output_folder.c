/* A temporary folder that is renamed to its target. */
#include "base/output_folder.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define MAX_TRIES 64
#define SUFFIX_BYTES 32 /* of the temporary name */
#define MAX_NAME_BYTES 64

static llmcs_status check_target(const char *target) {
    ll_path_kind kind;
    const int error = ll_path_examine(target, false, &kind);
    if (error) return ll_file_failed(target, "cannot be examined", error);
    return kind == LL_PATH_ABSENT ? LLMCS_OK : ll_fail(LLMCS_ARG, "%s: exists: write to another path", target);
}

static llmcs_status create_temporary(ll_output_folder *f) {
    const size_t size = strlen(f->target) + SUFFIX_BYTES;
    int made = -1;
    LL_TRY(ll_alloc(&f->allocator, size, 1, "path", &f->temporary));
    for (int i = 0; i < MAX_TRIES && made; i++) {
        ll_format(f->temporary, size, "%s.%d-%d.tmp", f->target, (int)getpid(), i);
        made = mkdir(f->temporary, 0777);
        if (made && errno != EEXIST) break;
    }
    return made ? ll_file_failed(f->temporary, "cannot be created", errno) : LLMCS_OK;
}

/* Sets f->path to the path of file `name`. False if the name is longer than MAX_NAME_BYTES. */
static bool set_path(ll_output_folder *f, const char *name) {
    if (strlen(name) > MAX_NAME_BYTES) return false;
    ll_format(f->path, strlen(f->temporary) + MAX_NAME_BYTES + 2, "%s/%s", f->temporary, name);
    return true;
}

static void free_folder(ll_output_folder *f) {
    ll_free(&f->allocator, f->path);
    ll_free(&f->allocator, f->target);
    ll_free(&f->allocator, f->temporary);
    f->target = f->temporary = f->path = NULL;
}

llmcs_status ll_output_folder_begin(ll_output_folder *f, const llmcs_allocator *a, const char *target) {
    size_t n = strlen(target);
    *f = (ll_output_folder){.allocator = *a};
    while (n > 1 && target[n - 1] == '/') n--;
    LL_TRY(ll_copy_text(a, target, n, "path", &f->target));
    llmcs_status status = check_target(f->target);
    if (!status) status = ll_alloc(a, n + SUFFIX_BYTES + MAX_NAME_BYTES + 2, 1, "path", &f->path);
    if (!status) status = create_temporary(f);
    if (status) free_folder(f);
    return status;
}

llmcs_status ll_output_folder_file(ll_output_folder *f, const char *name, ll_output *out) {
    if (f->n_names == LL_OUTPUT_FOLDER_FILES || !set_path(f, name))
        return ll_fail(LLMCS_LIMIT, "%s: more than %d files, or the name %s is too long", f->target,
                       LL_OUTPUT_FOLDER_FILES, name);
    LL_TRY(ll_output_begin(out, &f->allocator, f->path));
    f->names[f->n_names++] = name;
    return LLMCS_OK;
}

llmcs_status ll_output_folder_finish(ll_output_folder *f) {
    llmcs_status status = LLMCS_OK;
    if (rename(f->temporary, f->target))
        status = ll_file_failed(f->target, "cannot be renamed from its temporary name", errno);
    if (status)
        ll_output_folder_abandon(f);
    else
        free_folder(f);
    return status;
}

void ll_output_folder_abandon(ll_output_folder *f) {
    if (!f->temporary) return;
    for (size_t i = 0; i < f->n_names; i++)
        if (set_path(f, f->names[i])) (void)unlink(f->path);
    (void)rmdir(f->temporary);
    free_folder(f);
}
