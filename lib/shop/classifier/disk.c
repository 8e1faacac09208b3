/* Reads whole files, and writes them through a temporary file, fsync and rename. */
#include "shop/classifier/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* strerror depends on the locale. These are the errors that a user can act on. */
static const char *reason(int error) {
    switch (error) {
        case ENOENT:
            return "no such file or folder";
        case EACCES:
        case EPERM:
            return "permission denied";
        case ENOSPC:
        case EDQUOT:
        case EFBIG:
            return "no space left";
        case EISDIR:
            return "is a folder";
        case ENOTDIR:
            return "a part of the path is not a folder";
        case ELOOP:
            return "too many symbolic links";
        case EROFS:
            return "the file system is read-only";
        case ENAMETOOLONG:
            return "the name is too long";
        case EMFILE:
        case ENFILE:
            return "too many open files";
        default:
            return NULL;
    }
}

static llmcs_status failed(const char *path, const char *what, int error) {
    const llmcs_status status = error == ENOSPC || error == EDQUOT || error == EFBIG ? LLMCS_NOSPACE : LLMCS_IO;
    const char *why = reason(error);
    if (why) return shop_fail(status, "%s: cannot %s: %s", path, what, why);
    return shop_fail(status, "%s: cannot %s: errno %d", path, what, error);
}

/* ------------------------------------------------------------------------------------------------------- read */

static llmcs_status read_all(const char *path, int file, unsigned char *bytes, size_t n) {
    for (size_t at = 0; at < n;) {
        const ssize_t got = read(file, bytes + at, n - at);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return failed(path, "read", errno);
        if (got == 0)
            return shop_fail(LLMCS_CHANGED, "%s: changed while it was read: %lld bytes, expected %lld", path,
                             (long long)at, (long long)n);
        at += (size_t)got;
    }
    return LLMCS_OK;
}

static llmcs_status read_open_file(const llmcs_allocator *a, const char *path, int file, uint64_t max_bytes,
                                   unsigned char **bytes, size_t *n_bytes) {
    struct stat info;
    if (fstat(file, &info)) return failed(path, "stat", errno);
    if (!S_ISREG(info.st_mode)) return shop_fail(LLMCS_IO, "%s: not a regular file", path);
    if ((uint64_t)info.st_size > max_bytes)
        return shop_fail(LLMCS_LIMIT, "%s: %lld bytes, expected at most %lld", path, (long long)info.st_size,
                         (long long)max_bytes);
    *n_bytes = (size_t)info.st_size;
    SHOP_TRY(shop_alloc(a, *n_bytes, 1, path, bytes));
    const llmcs_status status = read_all(path, file, *bytes, *n_bytes);
    if (status) {
        shop_free(a, *bytes);
        *bytes = NULL;
    }
    return status;
}

llmcs_status shop_file_read(const llmcs_allocator *a, const char *path, uint64_t max_bytes, unsigned char **bytes,
                            size_t *n_bytes) {
    *bytes = NULL;
    const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file < 0) return failed(path, "open", errno);
    const llmcs_status status = read_open_file(a, path, file, max_bytes, bytes, n_bytes);
    close(file);
    return status;
}

/* ------------------------------------------------------------------------------------------------------ write */

/* A write past RLIMIT_FSIZE raises SIGXFSZ, which would kill the host: the signal is blocked during the write, and
 * consumed if the write raised it. */
static int write_all(int file, const unsigned char *bytes, size_t n) {
    sigset_t xfsz, before, pending;
    int error = 0;
    sigemptyset(&xfsz);
    sigaddset(&xfsz, SIGXFSZ);
    sigpending(&pending);
    const bool was_pending = sigismember(&pending, SIGXFSZ) == 1;
    pthread_sigmask(SIG_BLOCK, &xfsz, &before);
    for (size_t at = 0; at < n && !error;) {
        const ssize_t put = write(file, bytes + at, n - at);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0)
            error = errno;
        else
            at += (size_t)put;
    }
    if (error == EFBIG && !was_pending) sigtimedwait(&xfsz, NULL, &(struct timespec){0});
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

/* Makes the rename durable. Errors are ignored: some file systems cannot sync a folder, and the file itself is safe. */
static void sync_folder(const char *path) {
    const char *slash = strrchr(path, '/');
    char folder[2048]; /* a longer path is not synced */
    sqlite3_snprintf(sizeof folder, folder, "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
    const int file = open(folder, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
    if (file < 0) return;
    fsync(file);
    close(file);
}

static llmcs_status write_and_rename(const char *path, const char *temporary, int file, const unsigned char *bytes,
                                     size_t n) {
    const int error = write_all(file, bytes, n);
    if (error) {
        close(file);
        return failed(path, "write", error);
    }
    if (fsync(file)) {
        const int sync_error = errno;
        close(file);
        return failed(path, "sync", sync_error);
    }
    if (close(file)) return failed(path, "close", errno);
    if (rename(temporary, path)) return failed(path, "rename", errno);
    sync_folder(path);
    return LLMCS_OK;
}

llmcs_status shop_file_write(const llmcs_allocator *a, const char *path, const unsigned char *bytes, size_t n) {
    static atomic_uint counter;
    char *temporary;
    const size_t most = strlen(path) + 64;
    SHOP_TRY(shop_alloc(a, most, 1, path, &temporary));
    sqlite3_snprintf((int)shop_min(most, 1 << 30), temporary, "%s.%d-%u.tmp", path, (int)getpid(),
                     atomic_fetch_add(&counter, 1));
    const int file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
    const int error = errno;
    llmcs_status status = file < 0 ? failed(path, "create", error) : write_and_rename(path, temporary, file, bytes, n);
    if (status && file >= 0) unlink(temporary);
    shop_free(a, temporary);
    return status;
}
