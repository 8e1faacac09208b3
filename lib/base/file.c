/* Reads regular files; error messages do not depend on the locale. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_BYTES ((size_t)1 << 30) /* of one pread; Linux reads at most 0x7ffff000 */

/* Instead of strerror, whose text depends on the host's locale. */
static const char *reason(int error) {
    switch (error) {
        case ENOENT:
            return "no such file or folder";
        case EACCES:
        case EPERM:
            return "permission denied";
        case ENOTDIR:
            return "a part of the path is not a folder";
        case EISDIR:
            return "is a folder";
        case ELOOP:
            return "too many symbolic links";
        case ENAMETOOLONG:
            return "the name is too long";
        case EMFILE:
            return "this process has too many open files";
        case ENFILE:
            return "the system has too many open files";
        case ENXIO:
        case ENODEV:
            return "no such device";
        case ENOMEM:
            return "no memory";
        case EIO:
            return "input/output error";
        case EROFS:
            return "read-only file system";
        case ESTALE:
            return "stale network file handle";
        default:
            return NULL;
    }
}

llmcs_status ll_file_failed(const char *path, const char *what, int error) {
    const char *why = reason(error);
    llmcs_status status = error == ENOMEM ? LLMCS_NOMEM : LLMCS_IO;
    if (why) return ll_fail(status, "%s: %s: %s", path, what, why);
    return ll_fail(status, "%s: %s: system error %d", path, what, error);
}

static const char *kind_of(mode_t mode) {
    if (S_ISDIR(mode)) return "a folder";
    if (S_ISFIFO(mode)) return "a FIFO";
    if (S_ISCHR(mode) || S_ISBLK(mode)) return "a device";
    return "not a regular file";
}

static void set_identity(ll_file *file, const struct stat *st) {
    file->size_bytes = (uint64_t)st->st_size;
    file->device = (uint64_t)st->st_dev;
    file->inode = (uint64_t)st->st_ino;
    file->mtime_s = (int64_t)st->st_mtim.tv_sec;
    file->mtime_ns = (int64_t)st->st_mtim.tv_nsec;
}

/* An empty file cannot be mapped: file->map stays NULL. */
static llmcs_status map_whole(ll_file *file) {
    if (file->size_bytes == 0) return LLMCS_OK;
    if (file->size_bytes > PTRDIFF_MAX)
        return ll_fail(LLMCS_LIMIT, "%s: %llu bytes are more than can be addressed", file->path,
                       (unsigned long long)file->size_bytes);
    void *map = mmap(NULL, (size_t)file->size_bytes, PROT_READ, MAP_PRIVATE, file->fd, 0);
    if (map == MAP_FAILED) return ll_file_failed(file->path, "cannot be mapped", errno);
    file->map = map;
    return LLMCS_OK;
}

static llmcs_status check_and_map(ll_file *file, bool use_map) {
    struct stat st;
    if (fstat(file->fd, &st)) return ll_file_failed(file->path, "cannot be examined", errno);
    if (!S_ISREG(st.st_mode))
        return ll_fail(LLMCS_IO, "%s: expected a regular file, found %s", file->path, kind_of(st.st_mode));
    set_identity(file, &st);
    return use_map ? map_whole(file) : LLMCS_OK;
}

llmcs_status ll_file_open(ll_file *file, const char *path, bool use_map) {
    *file = (ll_file){.fd = -1, .path = path};
    do file->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    while (file->fd < 0 && errno == EINTR);
    if (file->fd < 0) return ll_file_failed(path, "cannot be opened", errno);
    llmcs_status status = check_and_map(file, use_map);
    if (status) ll_file_close(file);
    return status;
}

llmcs_status ll_file_read(const ll_file *file, uint64_t offset, void *out, size_t n_bytes) {
    unsigned char *to = out;
    uint64_t end;
    if (!ll_add_u64(offset, n_bytes, &end) || end > file->size_bytes)
        return ll_fail(LLMCS_CHANGED, "%s: cannot read %zu bytes at offset %llu of a file of %llu", file->path, n_bytes,
                       (unsigned long long)offset, (unsigned long long)file->size_bytes);
    while (n_bytes > 0) {
        ssize_t n = pread(file->fd, to, ll_min(n_bytes, READ_BYTES), (off_t)offset);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return ll_file_failed(file->path, "cannot be read", errno);
        if (n == 0)
            return ll_fail(LLMCS_CHANGED, "%s: became shorter while it was read: ends at %llu, had %llu bytes",
                           file->path, (unsigned long long)offset, (unsigned long long)file->size_bytes);
        to += n;
        offset += (uint64_t)n;
        n_bytes -= (size_t)n;
    }
    return LLMCS_OK;
}

llmcs_status ll_file_check_unchanged(const ll_file *file) {
    struct stat st;
    ll_file now = {0};
    if (fstat(file->fd, &st)) return ll_file_failed(file->path, "cannot be examined", errno);
    set_identity(&now, &st);
    if (now.size_bytes != file->size_bytes)
        return ll_fail(LLMCS_CHANGED, "%s: changed while it was read: %llu bytes, had %llu", file->path,
                       (unsigned long long)now.size_bytes, (unsigned long long)file->size_bytes);
    if (now.mtime_s != file->mtime_s || now.mtime_ns != file->mtime_ns || now.inode != file->inode ||
        now.device != file->device)
        return ll_fail(LLMCS_CHANGED, "%s: changed while it was read", file->path);
    return LLMCS_OK;
}

void ll_file_close(ll_file *file) {
    if (file->map) munmap((void *)(uintptr_t)file->map, (size_t)file->size_bytes);
    if (file->fd >= 0) close(file->fd);
    file->map = NULL;
    file->fd = -1;
}

static llmcs_status read_all(const llmcs_allocator *a, const ll_file *file, size_t max_bytes, char **data,
                             size_t *len) {
    if (file->size_bytes > max_bytes)
        return ll_fail(LLMCS_LIMIT, "%s: found %llu bytes, expected at most %zu", file->path,
                       (unsigned long long)file->size_bytes, max_bytes);
    size_t n = (size_t)file->size_bytes;
    if (n == SIZE_MAX) return ll_fail(LLMCS_LIMIT, "%s: too large", file->path);
    LL_TRY(ll_alloc(a, n + 1, 1, file->path, data));
    llmcs_status status = ll_file_read(file, 0, *data, n);
    if (!status) status = ll_file_check_unchanged(file);
    if (status) {
        ll_free(a, *data);
        *data = NULL;
        return status;
    }
    (*data)[n] = 0;
    *len = n;
    return LLMCS_OK;
}

llmcs_status ll_file_read_all(const llmcs_allocator *a, const char *path, size_t max_bytes, char **data, size_t *len) {
    ll_file file;
    *data = NULL;
    *len = 0;
    LL_TRY(ll_file_open(&file, path, false));
    llmcs_status status = read_all(a, &file, max_bytes, data, len);
    ll_file_close(&file);
    return status;
}

int ll_path_examine(const char *path, bool follow, ll_path_kind *kind) {
    struct stat st;
    *kind = LL_PATH_ABSENT;
    if (follow ? stat(path, &st) : lstat(path, &st)) return errno == ENOENT || errno == ENOTDIR ? 0 : errno;
    *kind = S_ISDIR(st.st_mode) ? LL_PATH_FOLDER : LL_PATH_OTHER;
    return 0;
}

llmcs_status ll_path_join(const llmcs_allocator *a, const char *folder, const char *name, char **out) {
    size_t folder_len = strlen(folder), name_len = strlen(name), bytes;
    *out = NULL;
    if (folder_len == 0) return ll_fail(LLMCS_ARG, "the path of the folder is empty");
    if (!ll_add(folder_len, name_len, &bytes) || !ll_add(bytes, 2, &bytes))
        return ll_fail(LLMCS_NOMEM, "path too long");
    LL_TRY(ll_alloc(a, bytes, 1, "path", out));
    memcpy(*out, folder, folder_len);
    if (folder[folder_len - 1] != '/') (*out)[folder_len++] = '/';
    memcpy(*out + folder_len, name, name_len + 1);
    return LLMCS_OK;
}
