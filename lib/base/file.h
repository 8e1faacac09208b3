/* Reads regular files. Never blocks on a FIFO, and detects a file that changes while it is read. */
#ifndef LL_BASE_FILE_H
#define LL_BASE_FILE_H

#include "base/alloc.h"

typedef struct ll_file {
    int fd;
    const char *path;         /* for messages; belongs to the caller of ll_file_open and must outlive the file */
    uint64_t size_bytes;      /* when it was opened */
    const unsigned char *map; /* with use_map: the whole file, else NULL */
    uint64_t device, inode;
    int64_t mtime_s, mtime_ns;
} ll_file;

/* Opens path (O_NONBLOCK | O_CLOEXEC, then it must be a regular file). use_map: map it whole.
 * IO: absent, a directory, a device, no permission, ELOOP ...; the message names path and reason. */
llmcs_status ll_file_open(ll_file *file, const char *path, bool use_map);

/* Reads exactly n_bytes at offset into out; EINTR is retried, a short file is CHANGED. Safe from several threads. */
llmcs_status ll_file_read(const ll_file *file, uint64_t offset, void *out, size_t n_bytes);

/* CHANGED if size, mtime, inode or device differ from when it was opened. */
llmcs_status ll_file_check_unchanged(const ll_file *file);

void ll_file_close(ll_file *file);

/* The whole file as NUL-terminated bytes from `a`; LIMIT over max_bytes. */
llmcs_status ll_file_read_all(const llmcs_allocator *a, const char *path, size_t max_bytes, char **data, size_t *len);

/* Fails with IO, or NOMEM: "<path>: <what>: permission denied". error: an errno. */
llmcs_status ll_file_failed(const char *path, const char *what, int error);

/* Sets *kind to what is at a path. With `follow`, symbolic links are followed. Returns 0, or if that cannot be found
 * out an errno for ll_file_failed. */
typedef enum ll_path_kind { LL_PATH_ABSENT, LL_PATH_FOLDER, LL_PATH_OTHER } ll_path_kind;
int ll_path_examine(const char *path, bool follow, ll_path_kind *kind);

/* folder + "/" + name, allocated. */
llmcs_status ll_path_join(const llmcs_allocator *a, const char *folder, const char *name, char **out);

#endif
