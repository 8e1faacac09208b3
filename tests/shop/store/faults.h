/* Faults of a store: the n-th read, write, sync or allocation fails, once or from there on. install() before the first
 * store is opened; then set `fault`. */
#ifndef TESTS_SHOP_STORE_FAULTS_H
#define TESTS_SHOP_STORE_FAULTS_H

#include <stdatomic.h>
#include <stdlib.h>

#include "shop/store/shop_case.h"

typedef enum fault_kind { FAULT_NONE, FAULT_IO, FAULT_FULL, FAULT_SQLITE_MEMORY, FAULT_MEMORY, N_FAULTS } fault_kind;
static const char *const kind_names[] = {"none", "input/output", "disk full", "SQLite's memory", "memory"};

static struct {
    fault_kind kind;
    long calls, fail_at;
    bool after;
} fault;

static bool fails(fault_kind kind) {
    if (fault.kind != kind) return false;
    const long n = fault.calls++;
    return n == fault.fail_at || (fault.after && n > fault.fail_at);
}

/* ---- a VFS over the default one */

static sqlite3_vfs *real_vfs;
typedef struct faulty_file {
    sqlite3_file base;
    sqlite3_file *real;
} faulty_file;
#define REAL(f) (((faulty_file *)(f))->real)
#define CALL(f, method, ...) REAL(f)->pMethods->method(REAL(f), __VA_ARGS__)

static int f_close(sqlite3_file *f) {
    const int code = REAL(f)->pMethods->xClose(REAL(f));
    free(REAL(f));
    return code;
}
static int f_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at) {
    return fails(FAULT_IO) ? SQLITE_IOERR_READ : CALL(f, xRead, p, n, at);
}
static int f_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at) {
    if (fails(FAULT_FULL)) {
        CALL(f, xWrite, p, n / 2, at); /* torn */
        return SQLITE_FULL;
    }
    return fails(FAULT_IO) ? SQLITE_IOERR_WRITE : CALL(f, xWrite, p, n, at);
}
static int f_truncate(sqlite3_file *f, sqlite3_int64 n) {
    return fails(FAULT_IO) ? SQLITE_IOERR_TRUNCATE : CALL(f, xTruncate, n);
}
static int f_sync(sqlite3_file *f, int flags) { return fails(FAULT_IO) ? SQLITE_IOERR_FSYNC : CALL(f, xSync, flags); }
static int f_size(sqlite3_file *f, sqlite3_int64 *n) { return CALL(f, xFileSize, n); }
static int f_lock(sqlite3_file *f, int l) { return CALL(f, xLock, l); }
static int f_unlock(sqlite3_file *f, int l) { return CALL(f, xUnlock, l); }
static int f_reserved(sqlite3_file *f, int *l) { return CALL(f, xCheckReservedLock, l); }
static int f_control(sqlite3_file *f, int op, void *p) { return CALL(f, xFileControl, op, p); }
static int f_sector(sqlite3_file *f) { return REAL(f)->pMethods->xSectorSize(REAL(f)); }
static int f_device(sqlite3_file *f) { return REAL(f)->pMethods->xDeviceCharacteristics(REAL(f)); }
static int f_shm_map(sqlite3_file *f, int page, int n, int extend, void volatile **p) {
    return fails(FAULT_IO) ? SQLITE_IOERR_SHMMAP : CALL(f, xShmMap, page, n, extend, p);
}
static int f_shm_lock(sqlite3_file *f, int at, int n, int flags) { return CALL(f, xShmLock, at, n, flags); }
static void f_shm_barrier(sqlite3_file *f) { REAL(f)->pMethods->xShmBarrier(REAL(f)); }
static int f_shm_unmap(sqlite3_file *f, int remove) { return CALL(f, xShmUnmap, remove); }
static const sqlite3_io_methods methods = {
    2,         f_close,  f_read,   f_write,   f_truncate, f_sync,        f_size,      f_lock, f_unlock, f_reserved,
    f_control, f_sector, f_device, f_shm_map, f_shm_lock, f_shm_barrier, f_shm_unmap, NULL,   NULL};

static int v_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out) {
    faulty_file *file = (faulty_file *)f;
    (void)v;
    file->base.pMethods = NULL;
    if (fails(FAULT_IO)) return SQLITE_CANTOPEN;
    file->real = calloc(1, (size_t)real_vfs->szOsFile);
    const int code = real_vfs->xOpen(real_vfs, name, file->real, flags, out);
    if (code)
        free(file->real);
    else
        file->base.pMethods = &methods;
    return code;
}

/* ---- SQLite's allocator */

static sqlite3_mem_methods real_memory;
static void *m_alloc(int n) { return fails(FAULT_SQLITE_MEMORY) ? NULL : real_memory.xMalloc(n); }
static void *m_realloc(void *p, int n) { return fails(FAULT_SQLITE_MEMORY) ? NULL : real_memory.xRealloc(p, n); }

static void install(void) {
    static sqlite3_vfs faulty;
    sqlite3_mem_methods memory;
    if (real_vfs) return;
    ck_assert_int_eq(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory), SQLITE_OK);
    memory = real_memory;
    memory.xMalloc = m_alloc;
    memory.xRealloc = m_realloc;
    ck_assert_int_eq(sqlite3_config(SQLITE_CONFIG_MALLOC, &memory), SQLITE_OK);
    ck_assert_int_eq(sqlite3_initialize(), SQLITE_OK);
    real_vfs = sqlite3_vfs_find(NULL);
    faulty = *real_vfs;
    faulty.zName = "faulty";
    faulty.szOsFile = sizeof(faulty_file);
    faulty.xOpen = v_open;
    ck_assert_int_eq(sqlite3_vfs_register(&faulty, 1), SQLITE_OK);
}

/* ---- our allocator */

static void *take(void *user, size_t n, size_t alignment) {
    const llmcs_allocator a = fail_alloc_get(user);
    return fails(FAULT_MEMORY) ? NULL : a.alloc(a.user, n, alignment);
}
static void give(void *user, void *memory) {
    const llmcs_allocator a = fail_alloc_get(user);
    a.free(a.user, memory);
}

static bool is_expected(llmcs_status status, fault_kind kind) {
    if (kind == FAULT_MEMORY || kind == FAULT_SQLITE_MEMORY) return status == LLMCS_NOMEM;
    return status == LLMCS_IO || status == LLMCS_NOSPACE || status == LLMCS_BUSY;
}

#endif
