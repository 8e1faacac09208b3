/* The n-th allocation, or the n-th write, fsync or rename of a scenario fails, for every n: a status and a message; the
 * index answers as before; the last good file stays; nothing leaks. The functions below stand before the C library's.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "search/search_case.h"

#define DIM 16
#define N 500
#define K 10

static long n_calls, fail_at = -1; /* of write, fsync and rename together */

bool injected(int error);
bool injected(int error) {
    if (n_calls++ != fail_at) return false;
    errno = error;
    return true;
}

ssize_t write(int fd, const void *data, size_t n_bytes) {
    return injected(ENOSPC) ? -1 : syscall(SYS_write, fd, data, n_bytes);
}
int fsync(int fd) { return injected(EIO) ? -1 : (int)syscall(SYS_fsync, fd); }
int rename(const char *from, const char *to) { return injected(EACCES) ? -1 : renameat(AT_FDCWD, from, AT_FDCWD, to); }

static llmcs_index *open_with(const char *path, const llmcs_allocator *a, llmcs_status *st) {
    llmcs_index *index = NULL;
    llmcs_index_options o;
    llmcs_index_options_init(&o);
    o.n_threads = 1;
    o.dim = DIM;
    o.allocator = a;
    *st = path ? llmcs_index_open(path, &o, &index) : llmcs_index_create(&o, &index);
    return index;
}

static void search_or_fail(llmcs_index *index, const float *query, llmcs_status expected, uint64_t ids[K]) {
    float scores[K];
    llmcs_search_params p;
    llmcs_search_params_init(&p);
    p.exclude = &(uint64_t){5};
    p.n_exclude = 1;
    p.tags_none = 64;
    ck_assert_int_eq(llmcs_index_search(index, query, 1, &p, ids, scores, NULL), expected);
}

/* A call may fail only with NOMEM, and then has changed nothing that a search sees. */
static void check_unchanged(llmcs_index *index, const collection *c, llmcs_status st, const uint64_t before[K],
                            fail_alloc *f) {
    uint64_t ids[K];
    if (!st) return;
    ck_assert_int_eq(st, LLMCS_NOMEM);
    f->fail_at = -1;
    search_or_fail(index, c->vectors, LLMCS_OK, ids);
    ck_assert(memcmp(ids, before, sizeof ids) == 0);
}

START_TEST(creating_and_filling_fail_whole) {
    uint64_t seed = 12, ids[N];
    collection c = make_collection(&seed, N, DIM, 12);
    llmcs_status st = LLMCS_NOMEM;
    for (size_t i = 0; i < N; i++) ids[i] = c.items[i].id;
    for (long n = 0; st; n++) {
        fail_alloc f;
        fail_alloc_init(&f);
        const llmcs_allocator a = fail_alloc_get(&f);
        f.fail_at = n;
        llmcs_index *index = open_with(NULL, &a, &st);
        if (!st) {
            llmcs_index_info info = {.struct_size = sizeof info};
            st = llmcs_index_put(index, ids, c.vectors, NULL, N);
            OK(llmcs_index_get_info(index, &info));
            ck_assert_uint_eq(info.n_vectors, st ? 0 : N);
        }
        ck_assert(st == LLMCS_OK || st == LLMCS_NOMEM);
        llmcs_index_free(&index);
        ck_assert_int_eq(f.live, 0);
    }
    free_collection(&c);
}
END_TEST

/* One operation on a full index, with the n-th of its allocations failing. */
typedef llmcs_status (*operation)(llmcs_index *index, const collection *c, const char *folder);

static llmcs_status op_put(llmcs_index *index, const collection *c, const char *folder) {
    uint64_t ids[N];
    (void)folder;
    for (size_t i = 0; i < N; i++) ids[i] = 1000000 + i;
    float *far = temp_alloc(N * DIM * sizeof *far); /* that no search returns */
    for (size_t i = 0; i < N * DIM; i++) far[i] = -c->vectors[i % DIM];
    const llmcs_status st = llmcs_index_put(index, ids, far, NULL, N);
    free(far);
    return st;
}
static llmcs_status op_build(llmcs_index *index, const collection *c, const char *folder) {
    llmcs_index_build_params build;
    (void)c;
    (void)folder;
    llmcs_index_build_params_init(&build);
    build.min_vectors = 1;
    build.n_lists = 7;
    return llmcs_index_build(index, &build);
}
static llmcs_status op_save(llmcs_index *index, const collection *c, const char *folder) {
    (void)c;
    return llmcs_index_save(index, temp_path(folder, "saved"));
}
static llmcs_status op_measure(llmcs_index *index, const collection *c, const char *folder) {
    llmcs_index_measurement m = {.struct_size = sizeof m};
    (void)folder;
    return llmcs_index_measure(index, c->vectors, 2, NULL, &m);
}
static llmcs_status op_search(llmcs_index *index, const collection *c, const char *folder) {
    uint64_t ids[3 * K];
    float scores[3 * K];
    llmcs_search_params p;
    (void)folder;
    llmcs_search_params_init(&p);
    p.exclude = &(uint64_t){5};
    p.n_exclude = 1;
    p.tags_none = 64;
    return llmcs_index_search(index, c->vectors, 3, &p, ids, scores, NULL);
}
static llmcs_status op_attach(llmcs_index *index, const collection *c, const char *folder) {
    (void)c;
    (void)folder;
    return llmcs_index_set_attachment(index, "text", 4);
}

START_TEST(operations_fail_whole) {
    static const operation operations[] = {op_put, op_build, op_save, op_measure, op_search, op_attach};
    uint64_t seed = 14, before[K], ids[N];
    char folder[TEMP_PATH_BYTES];
    collection c = make_collection(&seed, N, DIM, 12);
    for (size_t i = 0; i < N; i++) ids[i] = c.items[i].id;
    temp_folder(folder);
    for (int with_lists = 0; with_lists < 2; with_lists++) {
        llmcs_status st = LLMCS_NOMEM;
        long n = 0;
        for (; st; n++) {
            fail_alloc f;
            fail_alloc_init(&f);
            const llmcs_allocator a = fail_alloc_get(&f);
            llmcs_index *index = open_with(NULL, &a, &st);
            OK(st);
            OK(llmcs_index_put(index, ids, c.vectors, NULL, N));
            if (with_lists) OK(op_build(index, &c, folder));
            search_or_fail(index, c.vectors, LLMCS_OK, before);
            f.fail_at = f.calls + n;
            st = operations[_i](index, &c, folder);
            check_unchanged(index, &c, st, before, &f);
            f.fail_at = -1;
            if (!st) search_or_fail(index, c.vectors, LLMCS_OK, ids);
            if (!st && operations[_i] != op_build) ck_assert(memcmp(ids, before, sizeof before) == 0);
            for (size_t i = 0; i < N; i++) ids[i] = c.items[i].id;
            llmcs_index_free(&index);
            ck_assert_int_eq(f.live, 0);
        }
        ck_assert_int_gt(n, 1);
    }
    temp_remove(folder);
    free_collection(&c);
}
END_TEST

START_TEST(opening_fails_whole) {
    uint64_t seed = 15;
    char folder[TEMP_PATH_BYTES];
    collection c = make_collection(&seed, N, DIM, 12);
    llmcs_status st;
    llmcs_index *index = open_with(NULL, NULL, &st);
    temp_folder(folder);
    put_all(index, &c);
    OK(op_build(index, &c, folder));
    OK(llmcs_index_set_attachment(index, "text", 4));
    OK(op_save(index, &c, folder));
    llmcs_index_free(&index);
    st = LLMCS_NOMEM;
    for (long n = 0; st; n++) {
        fail_alloc f;
        fail_alloc_init(&f);
        const llmcs_allocator a = fail_alloc_get(&f);
        f.fail_at = n;
        index = open_with(temp_path(folder, "saved"), &a, &st);
        ck_assert(st == LLMCS_OK || (st == LLMCS_NOMEM && !index));
        llmcs_index_free(&index);
        ck_assert_int_eq(f.live, 0);
    }
    temp_remove(folder);
    free_collection(&c);
}
END_TEST

/* Whatever fails while a new version is written: the file is the old one or the new one, whole. */
START_TEST(a_save_that_fails_leaves_the_last_good_file) {
    uint64_t seed = 13;
    char folder[TEMP_PATH_BYTES];
    collection c = make_collection(&seed, N, DIM, 12);
    llmcs_status st;
    llmcs_index *index = open_with(NULL, NULL, &st), *opened;
    llmcs_index_info info = {.struct_size = sizeof info};
    temp_folder(folder);
    put_item(index, &c, 0);
    OK(op_save(index, &c, folder));
    put_all(index, &c);
    st = LLMCS_IO;
    long n = 0;
    for (; st; n++) {
        n_calls = 0;
        fail_at = n;
        st = op_save(index, &c, folder);
        fail_at = -1;
        ck_assert(st == LLMCS_OK || st == LLMCS_IO || st == LLMCS_NOSPACE);
        if (st) ck_assert(strstr(llmcs_error_message(), "saved") != NULL);
        llmcs_status opening;
        opened = open_with(temp_path(folder, "saved"), NULL, &opening);
        OK(opening);
        OK(llmcs_index_get_info(opened, &info));
        ck_assert_uint_eq(info.n_vectors, st ? 1 : N);
        llmcs_index_free(&opened);
        char command[2 * TEMP_PATH_BYTES];
        snprintf(command, sizeof command, "test $(ls '%s' | wc -l) = 1", folder); /* no temporary file stays */
        ck_assert_int_eq(system(command), 0);
    }
    ck_assert_int_ge(n, 4); /* write, fsync, rename */
    llmcs_index_free(&index);
    temp_remove(folder);
    free_collection(&c);
}
END_TEST

static void add(TCase *t) {
    printf("search/faults: seeds 12 to 15\n");
    tcase_add_loop_test(t, operations_fail_whole, 0, 6);
    tcase_add_test(t, creating_and_filling_fail_whole);
    tcase_add_test(t, opening_fails_whole);
    tcase_add_test(t, a_save_that_fails_leaves_the_last_good_file);
}

SUITE_MAIN("search/faults", add)
