/* Temporary file, fsync, rename, with every write error and SIGXFSZ handled. */
#include "base/output.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"

#define BUFFER_BYTES ((size_t)1 << 20)
#define MAX_TRIES 64

/* Fails with the reason in errno. */
static llmcs_status fail_errno(const char *path, const char *what) {
    int error = errno;
    if (error == ENOSPC) return ll_fail(LLMCS_NOSPACE, "%s: %s: no space left on the device", path, what);
    if (error == EDQUOT) return ll_fail(LLMCS_NOSPACE, "%s: %s: the disk quota is used up", path, what);
    if (error == EFBIG) return ll_fail(LLMCS_NOSPACE, "%s: %s: larger than a file may become", path, what);
    return ll_file_failed(path, what, error);
}

/* rename would replace anything with this name: only a regular file may be replaced. */
static llmcs_status check_target(const char *target) {
    struct stat st;
    if (stat(target, &st)) return errno == ENOENT ? LLMCS_OK : fail_errno(target, "cannot be examined");
    if (S_ISREG(st.st_mode)) return LLMCS_OK;
    return ll_fail(LLMCS_IO, "%s: cannot be replaced: it is %s", target,
                   S_ISDIR(st.st_mode) ? "a folder" : "not a regular file");
}

/* Creates the temporary file under the first free name. */
static llmcs_status create_temporary(ll_output *out) {
    size_t size = strlen(out->target) + 32;
    LL_TRY(ll_alloc(&out->allocator, size, 1, "path", &out->temporary));
    for (int i = 0; i < MAX_TRIES; i++) {
        ll_format(out->temporary, size, "%s.%d-%d.tmp", out->target, (int)getpid(), i);
        do out->fd = open(out->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        while (out->fd < 0 && errno == EINTR);
        if (out->fd >= 0 || errno != EEXIST) break;
    }
    return out->fd >= 0 ? LLMCS_OK : fail_errno(out->temporary, "cannot be created");
}

static void free_output(ll_output *out) {
    if (out->fd >= 0) close(out->fd);
    ll_free(&out->allocator, out->buffer);
    ll_free(&out->allocator, out->temporary);
    ll_free(&out->allocator, out->target);
    *out = (ll_output){.fd = -1};
}

llmcs_status ll_output_begin(ll_output *out, const llmcs_allocator *a, const char *target) {
    *out = (ll_output){.allocator = *a, .fd = -1};
    llmcs_status status = check_target(target);
    if (!status) status = ll_copy_text(a, target, strlen(target), "path", &out->target);
    if (!status) status = ll_alloc(a, BUFFER_BYTES, 1, "output buffer", &out->buffer);
    if (!status) status = create_temporary(out);
    if (status) free_output(out);
    return status;
}

/* write() that does not raise SIGXFSZ, whose default action ends the process at RLIMIT_FSIZE; EFBIG reports the same. A
 * SIGXFSZ that was already pending stays pending. */
static ssize_t write_without_signal(int fd, const void *data, size_t n_bytes) {
    const struct timespec at_once = {0};
    sigset_t xfsz, mask, pending;
    sigemptyset(&xfsz);
    sigaddset(&xfsz, SIGXFSZ);
    sigemptyset(&pending);
    sigpending(&pending);
    pthread_sigmask(SIG_BLOCK, &xfsz, &mask);
    ssize_t n = write(fd, data, n_bytes);
    int error = errno;
    if (n < 0 && error == EFBIG && !sigismember(&pending, SIGXFSZ)) (void)sigtimedwait(&xfsz, NULL, &at_once);
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    errno = error;
    return n;
}

static llmcs_status write_all(const ll_output *out, const unsigned char *data, size_t n_bytes) {
    while (n_bytes > 0) {
        ssize_t n = write_without_signal(out->fd, data, n_bytes);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fail_errno(out->target, "cannot be written");
        if (n == 0) return ll_fail(LLMCS_IO, "%s: cannot be written: the system takes no bytes", out->target);
        data += n;
        n_bytes -= (size_t)n;
    }
    return LLMCS_OK;
}

static llmcs_status flush_buffer(ll_output *out) {
    size_t n = out->n_buffered;
    out->n_buffered = 0;
    return write_all(out, out->buffer, n);
}

llmcs_status ll_output_write(ll_output *out, const void *data, size_t n_bytes) {
    out->n_bytes += n_bytes;
    if (n_bytes > BUFFER_BYTES - out->n_buffered) LL_TRY(flush_buffer(out));
    if (n_bytes >= BUFFER_BYTES) return write_all(out, data, n_bytes);
    if (n_bytes) memcpy(out->buffer + out->n_buffered, data, n_bytes);
    out->n_buffered += n_bytes;
    return LLMCS_OK;
}

/* Makes the new name durable. Failure is ignored: some file systems cannot sync a folder. */
static void sync_folder(ll_output *out) {
    char *slash = strrchr(out->target, '/');
    const char *folder = ".";
    if (slash) {
        slash[slash == out->target] = 0;
        folder = out->target;
    }
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    (void)fsync(fd);
    close(fd);
}

static llmcs_status sync_and_rename(ll_output *out) {
    LL_TRY(flush_buffer(out));
    if (fsync(out->fd)) return fail_errno(out->target, "cannot be written");
    int fd = out->fd;
    out->fd = -1;
    if (close(fd)) return fail_errno(out->target, "cannot be written");
    if (rename(out->temporary, out->target))
        return fail_errno(out->target, "cannot be renamed from its temporary name");
    sync_folder(out);
    return LLMCS_OK;
}

llmcs_status ll_output_finish(ll_output *out) {
    llmcs_status status = sync_and_rename(out);
    if (status)
        ll_output_abandon(out);
    else
        free_output(out);
    return status;
}

void ll_output_abandon(ll_output *out) {
    if (!out->temporary) return;
    (void)unlink(out->temporary);
    free_output(out);
}
