#include "base/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define BUFFER_BYTES ((size_t)1 << 20)
#define MAX_TRIES 64

static llmcs_status failed(const char *path, const char *what) {
    int error = errno;
    bool full = error == ENOSPC || error == EDQUOT || error == EFBIG;
    if (full) return ll_fail(LLMCS_NOSPACE, "%s: %s: no space for it", path, what);
    return ll_file_failed(path, what, error);
}

/* What rename would replace must be a file, too. */
static llmcs_status check_target(const char *target) {
    struct stat st;
    if (stat(target, &st)) return LLMCS_OK;
    if (S_ISREG(st.st_mode)) return LLMCS_OK;
    return ll_fail(LLMCS_IO, "%s: is there and is %s", target, S_ISDIR(st.st_mode) ? "a folder" : "not a regular file");
}

/* A file that nobody else has: the first free name. */
static llmcs_status create(ll_output *out) {
    size_t room = strlen(out->target) + 32;
    LL_TRY(ll_alloc(&out->allocator, room, 1, "path", &out->temporary));
    for (int i = 0; i < MAX_TRIES; i++) {
        ll_format(out->temporary, room, "%s.%d-%d.tmp", out->target, (int)getpid(), i);
        do out->fd = open(out->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        while (out->fd < 0 && errno == EINTR);
        if (out->fd >= 0 || errno != EEXIST) break;
    }
    return out->fd >= 0 ? LLMCS_OK : failed(out->temporary, "cannot be made");
}

static void release(ll_output *out) {
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
    if (!status) status = create(out);
    if (status) release(out);
    return status;
}

static llmcs_status write_all(const ll_output *out, const unsigned char *data, size_t n_bytes) {
    while (n_bytes > 0) {
        ssize_t n = write(out->fd, data, n_bytes);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return failed(out->target, "cannot be written");
        data += n;
        n_bytes -= (size_t)n;
    }
    return LLMCS_OK;
}

static llmcs_status flush(ll_output *out) {
    size_t n = out->n_buffered;
    out->n_buffered = 0;
    return write_all(out, out->buffer, n);
}

llmcs_status ll_output_write(ll_output *out, const void *data, size_t n_bytes) {
    out->n_bytes += n_bytes;
    if (n_bytes > BUFFER_BYTES - out->n_buffered) LL_TRY(flush(out));
    if (n_bytes >= BUFFER_BYTES) return write_all(out, data, n_bytes);
    if (n_bytes) memcpy(out->buffer + out->n_buffered, data, n_bytes);
    out->n_buffered += n_bytes;
    return LLMCS_OK;
}

/* The new name to the disk, too. A file system that cannot do that has done what it can. */
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

static llmcs_status to_disk(ll_output *out) {
    LL_TRY(flush(out));
    if (fsync(out->fd)) return failed(out->target, "cannot be written");
    int fd = out->fd;
    out->fd = -1;
    if (close(fd)) return failed(out->target, "cannot be written");
    if (rename(out->temporary, out->target)) return failed(out->target, "cannot take its name");
    sync_folder(out);
    return LLMCS_OK;
}

llmcs_status ll_output_finish(ll_output *out) {
    llmcs_status status = to_disk(out);
    if (status)
        ll_output_abandon(out);
    else
        release(out);
    return status;
}

void ll_output_abandon(ll_output *out) {
    if (!out->temporary) return;
    (void)unlink(out->temporary);
    release(out);
}
