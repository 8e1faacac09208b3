/* Checks that a path is a model's folder, and recognises what it is instead; hints for files whose content does not
 * match their name. */
#include "formats/folder.h"

#include <string.h>
#include <sys/stat.h>

#include "base/file.h"

#define TAIL_BYTES 90
#define GUESS_BYTES 64

const char *ll_folder_tail(const char *path) {
    size_t len = strlen(path);
    if (len <= TAIL_BYTES) return path;
    const char *tail = path + len - TAIL_BYTES;
    const char *slash = strchr(tail, '/');
    return slash ? slash + 1 : tail;
}

bool ll_folder_is_plain_name(const char *name, size_t len) {
    if (len == 0 || memchr(name, '/', len) || memchr(name, '\\', len) || memchr(name, 0, len)) return false;
    return !(name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.')));
}

llmcs_status ll_folder_has(const llmcs_allocator *a, const char *folder, const char *name, bool *there) {
    char *path;
    ll_path_kind kind;
    *there = false;
    LL_TRY(ll_path_join(a, folder, name, &path));
    const int error = ll_path_examine(path, false, &kind);
    const llmcs_status status = error ? ll_file_failed(path, "cannot be examined", error) : LLMCS_OK;
    *there = kind != LL_PATH_ABSENT;
    ll_free(a, path);
    return status;
}

static bool is_same(const struct stat *a, const struct stat *b) {
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

bool ll_folder_would_replace(const char *path, const char *input) {
    struct stat there, entry, file; /* a symbolic link as a target is itself replaced, so it is not followed */
    if (lstat(path, &there) || lstat(input, &entry)) return false;
    return is_same(&there, &entry) || (stat(input, &file) == 0 && is_same(&there, &file));
}

static bool begins_with(const unsigned char *bytes, size_t n, const char *magic, size_t magic_bytes) {
    return n >= magic_bytes && memcmp(bytes, magic, magic_bytes) == 0;
}

const char *ll_folder_guess(const unsigned char *bytes, size_t n) {
    static const struct {
        const char *magic;
        size_t bytes;
        const char *what;
    } known[] = {
        {"version https://git-lfs", 23, "a git-lfs pointer: run `git lfs pull` in the folder to get the file itself"},
        {"GGUF", 4, "a GGUF file: give its own path instead of a folder's"},
        {"PK\x03\x04", 4, "a zip archive, perhaps a pytorch_model.bin"},
        {"\x80\x02", 2, "a Python pickle, perhaps a pytorch_model.bin"},
        {"\x80\x03", 2, "a Python pickle"},
        {"\x80\x04", 2, "a Python pickle"},
        {"\x89HDF", 4, "an HDF5 file, perhaps a tf_model.h5"},
        {"<!DOCTYPE", 9, "a web page: the download failed"},
        {"<!doctype", 9, "a web page: the download failed"},
        {"<html", 5, "a web page: the download failed"},
        {"<?xml", 5, "an XML answer of a server: the download failed"},
        {"Entry not found", 15, "an answer of a server: the download failed"},
        {"Not Found", 9, "an answer of a server: the download failed"},
        {"Repository not found", 20, "an answer of a server: the download failed"},
        {"Invalid username or password", 28, "an answer of a server: the download failed"},
        {"Access to model", 15, "an answer of a server: ask for access to the model"},
        {"{\"", 2, "JSON, perhaps the error message of a server"},
        {"\x1f\x8b", 2, "a gzip archive: unpack it"},
    };
    size_t space = 0;
    while (space < n && (bytes[space] == ' ' || bytes[space] == '\n' || bytes[space] == '\r')) space++;
    if (space < n && bytes[space] == '<') bytes += space, n -= space; /* pages may begin with empty lines */
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (begins_with(bytes, n, known[i].magic, known[i].bytes)) return known[i].what;
    return NULL;
}

/* A file in place of a folder: a model in itself, or something to explain. */
static llmcs_status check_is_gguf_file(const char *path, bool *is_gguf) {
    ll_file file;
    unsigned char start[GUESS_BYTES] = {0};
    LL_TRY(ll_file_open(&file, path, false));
    size_t n = file.size_bytes < GUESS_BYTES ? (size_t)file.size_bytes : GUESS_BYTES;
    llmcs_status status = ll_file_read(&file, 0, start, n);
    ll_file_close(&file);
    if (status) return status;
    *is_gguf = begins_with(start, n, "GGUF", 4);
    if (*is_gguf) return LLMCS_OK;
    const char *name = ll_folder_tail(path), *what = ll_folder_guess(start, n);
    if (what) return ll_fail(LLMCS_IO, "%s: expected the folder of a model, found %s", name, what);
    return ll_fail(LLMCS_IO, "%s: expected the folder of a model, found a file: give the folder it is in", name);
}

llmcs_status ll_folder_check(const char *path, bool *is_gguf) {
    *is_gguf = false;
    if (!path[0]) return ll_fail(LLMCS_ARG, "the path of the model's folder is empty");
    ll_path_kind kind;
    const int error = ll_path_examine(path, true, &kind);
    if (error) return ll_file_failed(ll_folder_tail(path), "cannot be examined", error);
    if (kind == LL_PATH_FOLDER) return LLMCS_OK;
    if (kind == LL_PATH_OTHER) return check_is_gguf_file(path, is_gguf);
    return ll_fail(LLMCS_IO, "%s: no such folder", ll_folder_tail(path));
}

#define ONNX_ADVICE                                                                                                \
    "an exported graph, which is not read: get model.safetensors of the model it was made from, or save it again " \
    "with "                                                                                                        \
    "Transformers' save_pretrained"

/* What a folder without safetensors holds, and how to convert it. */
static const struct {
    const char *file, *advice;
} foreign_weights[] = {
    {"pytorch_model.bin", "convert once with Transformers: model.save_pretrained(folder, safe_serialization=True)"},
    {"pytorch_model.bin.index.json",
     "convert once with Transformers: model.save_pretrained(folder, safe_serialization=True)"},
    {"tf_model.h5", "convert with Transformers: from_pretrained(folder, from_tf=True), then save_pretrained"},
    {"flax_model.msgpack", "convert with Transformers: from_pretrained(folder, from_flax=True), then save_pretrained"},
    {"model.onnx", ONNX_ADVICE},
    {"onnx/model.onnx", ONNX_ADVICE},
    {"openvino_model.xml", ONNX_ADVICE},
    {"adapter_model.safetensors", "an adapter alone: merge it into its base model with PEFT's merge_and_unload"},
};

llmcs_status ll_folder_no_weights(const llmcs_allocator *a, const char *folder) {
    const char *name = ll_folder_tail(folder);
    bool there;
    for (size_t i = 0; i < sizeof foreign_weights / sizeof *foreign_weights; i++) {
        LL_TRY(ll_folder_has(a, folder, foreign_weights[i].file, &there));
        if (there)
            return ll_fail(LLMCS_UNSUPPORTED, "%s: has %s but no model.safetensors: %s", name, foreign_weights[i].file,
                           foreign_weights[i].advice);
    }
    LL_TRY(ll_folder_has(a, folder, "config.json", &there));
    if (!there)
        return ll_fail(LLMCS_IO, "%s: neither config.json nor model.safetensors: not the folder of a model", name);
    return ll_fail(LLMCS_IO, "%s: no weights: model.safetensors (or its shards and their index) is missing", name);
}
