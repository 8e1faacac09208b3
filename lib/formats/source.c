/* Files of a folder, or embedded in a GGUF file, under the same names. */
#include "formats/source.h"

#include <string.h>

#include "base/file.h"
#include "formats/folder.h"
#include "formats/gguf.h"

llmcs_status ll_source_open(ll_source *source, const llmcs_allocator *a, const char *path, llmcs_load_mode mode) {
    bool is_gguf;
    *source = (ll_source){.path = path};
    LL_TRY(ll_folder_check(path, &is_gguf));
    return is_gguf ? ll_gguf_open(a, path, mode, &source->gguf) : LLMCS_OK;
}

void ll_source_close(ll_source *source) { ll_gguf_close(&source->gguf); }

ll_source ll_source_in(const ll_source *source, const char *within) {
    ll_source inner = *source;
    inner.within = within;
    return inner;
}

/* The name relative to the top of the source. */
static llmcs_status full_name(const ll_source *source, const llmcs_allocator *a, const char *name, char **out) {
    if (source->within && source->within[0]) return ll_path_join(a, source->within, name, out);
    return ll_copy_text(a, name, strlen(name), "file name", out);
}

llmcs_status ll_source_folder(const ll_source *source, const llmcs_allocator *a, char **folder) {
    if (source->within && source->within[0]) return ll_path_join(a, source->path, source->within, folder);
    return ll_copy_text(a, source->path, strlen(source->path), "path", folder);
}

llmcs_status ll_source_join(const ll_source *source, const llmcs_allocator *a, const char *name, char **path) {
    char *full;
    *path = NULL;
    LL_TRY(full_name(source, a, name, &full));
    llmcs_status status = ll_path_join(a, source->path, full, path);
    ll_free(a, full);
    return status;
}

llmcs_status ll_source_has(const ll_source *source, const llmcs_allocator *a, const char *name, bool *there) {
    char *full;
    size_t len;
    *there = false;
    LL_TRY(full_name(source, a, name, &full));
    llmcs_status status = LLMCS_OK;
    if (source->gguf)
        *there = ll_gguf_carried(source->gguf, full, &len) != NULL;
    else
        status = ll_folder_has(a, source->path, full, there);
    ll_free(a, full);
    return status;
}

static llmcs_status read_carried(const ll_source *source, const llmcs_allocator *a, const char *name, size_t max_bytes,
                                 char **data, size_t *len) {
    char *full;
    LL_TRY(full_name(source, a, name, &full));
    const char *text = ll_gguf_carried(source->gguf, full, len);
    ll_free(a, full);
    if (!text) return ll_fail(LLMCS_IO, "%s: does not carry %s", source->gguf->name, name);
    if (*len > max_bytes)
        return ll_fail(LLMCS_LIMIT, "%s: %s: %zu bytes, at most %zu are read", source->gguf->name, name, *len,
                       max_bytes);
    return ll_copy_text(a, text, *len, name, data);
}

/* Recognises failed downloads: the content is not what the file's name says. */
static llmcs_status check_content(const char *path, const char *data, size_t len) {
    const char *what = ll_folder_guess((const unsigned char *)data, len);
    if (!what || data[0] == '{') return LLMCS_OK;
    return ll_fail(LLMCS_FORMAT, "%s: byte 0: it looks like %s", ll_folder_tail(path), what);
}

llmcs_status ll_source_read(const ll_source *source, const llmcs_allocator *a, const char *name, const char *path,
                            size_t max_bytes, char **data, size_t *len) {
    *data = NULL;
    *len = 0;
    if (source->gguf) return read_carried(source, a, name, max_bytes, data, len);
    LL_TRY(ll_file_read_all(a, path, max_bytes, data, len));
    llmcs_status status = check_content(path, *data, *len);
    if (!status) return LLMCS_OK;
    ll_free(a, *data);
    *data = NULL;
    return status;
}
