#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "support/fail_alloc.h"
#include "support/suite.h"
#include "support/temp.h"

static char folder[TEMP_PATH_BYTES];

static void make_folder(void) { temp_folder(folder); }
static void remove_folder(void) { temp_remove(folder); }

static const char *at(const char *name) { return temp_path(folder, name); }

static const char *write_file(const char *name, const void *data, size_t len) {
    const char *path = at(name);
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(data, 1, len, f), len);
    ck_assert_int_eq(fclose(f), 0);
    return path;
}

static int open_descriptors(void) {
    int n = 0;
    for (int fd = 0; fd < 256; fd++) n += fcntl(fd, F_GETFD) != -1;
    return n;
}

static void check_refused(const char *path, llmcs_status status, const char *why) {
    int before = open_descriptors();
    for (int use_map = 0; use_map <= 1; use_map++) {
        ll_file file;
        alarm(5); /* a FIFO must not block */
        ck_assert_int_eq(ll_file_open(&file, path, use_map), status);
        alarm(0);
        ck_assert_msg(strstr(llmcs_error_message(), why) != NULL, "\"%s\" does not say \"%s\"", llmcs_error_message(),
                      why);
        ck_assert_int_eq(file.fd, -1);
        ck_assert_ptr_null(file.map);
    }
    ck_assert_int_eq(open_descriptors(), before);
}

START_TEST(a_file_is_read_in_every_piece) {
    char data[1000];
    for (size_t i = 0; i < sizeof data; i++) data[i] = (char)(i * 7);
    const char *path = write_file("plain", data, sizeof data);
    for (int use_map = 0; use_map <= 1; use_map++) {
        ll_file file;
        ck_assert_int_eq(ll_file_open(&file, path, use_map), LLMCS_OK);
        ck_assert_uint_eq(file.size_bytes, sizeof data);
        if (use_map) ck_assert_mem_eq(file.map, data, sizeof data);
        for (size_t begin = 0; begin <= sizeof data; begin += 13)
            for (size_t n = 0; begin + n <= sizeof data; n += 111) {
                char got[1001];
                memset(got, '#', sizeof got);
                ck_assert_int_eq(ll_file_read(&file, begin, got, n), LLMCS_OK);
                ck_assert(memcmp(got, data + begin, n) == 0 && got[n] == '#');
            }
        ck_assert_int_eq(ll_file_check_unchanged(&file), LLMCS_OK);
        ll_file_close(&file);
        ck_assert_int_eq(file.fd, -1);
    }
}
END_TEST

START_TEST(an_empty_file_is_a_file) {
    const char *path = write_file("empty", "", 0);
    llmcs_allocator a = ll_allocator_default();
    ll_file file;
    char *data;
    size_t len = 9;
    ck_assert_int_eq(ll_file_open(&file, path, true), LLMCS_OK);
    ck_assert_ptr_null(file.map);
    ck_assert_int_eq(ll_file_read(&file, 0, NULL, 0), LLMCS_OK);
    ll_file_close(&file);
    ck_assert_int_eq(ll_file_read_all(&a, path, 10, &data, &len), LLMCS_OK);
    ck_assert_str_eq(data, "");
    ck_assert_uint_eq(len, 0);
    ll_free(&a, data);
}
END_TEST

START_TEST(what_is_no_regular_file_is_refused) {
    ck_assert_int_eq(mkfifo(at("fifo"), 0600), 0);
    check_refused(folder, LLMCS_IO, "a folder");
    check_refused(at("fifo"), LLMCS_IO, "a FIFO");
    check_refused("/dev/zero", LLMCS_IO, "a device");
    check_refused("/dev/full", LLMCS_IO, "a device");
}
END_TEST

START_TEST(paths_that_lead_nowhere_are_refused) {
    char longer[PATH_MAX + 100];
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    ck_assert_int_eq(symlink(at("loop"), at("loop")), 0);
    ck_assert_int_eq(symlink("nowhere", at("dangling")), 0);
    write_file("plain", "x", 1);
    check_refused(at("absent"), LLMCS_IO, "no such file");
    check_refused("", LLMCS_IO, "no such file");
    check_refused(at("dangling"), LLMCS_IO, "no such file");
    check_refused(at("loop"), LLMCS_IO, "symbolic links");
    check_refused(at("plain/below"), LLMCS_IO, "not a folder");
    check_refused(longer, LLMCS_IO, "a");
    ll_file file;
    ck_assert_int_eq(ll_file_open(&file, at("bad\n\xffname"), false), LLMCS_IO);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "bad\\x0a\\xffname"));
}
END_TEST

START_TEST(a_symbolic_link_to_a_file_is_followed) {
    const char *path = write_file("target", "abc", 3);
    ll_file file;
    char got[3];
    ck_assert_int_eq(symlink(path, at("link")), 0);
    ck_assert_int_eq(ll_file_open(&file, at("link"), false), LLMCS_OK);
    ck_assert_int_eq(ll_file_read(&file, 0, got, 3), LLMCS_OK);
    ck_assert_mem_eq(got, "abc", 3);
    ll_file_close(&file);
}
END_TEST

/* Runs fn in a child that is nobody: for root nothing is forbidden. */
static int as_nobody(int (*fn)(const char *), const char *path) {
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        if (geteuid() == 0 && (setgid(65534) || setuid(65534))) _exit(99);
        _exit(fn(path));
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int open_forbidden(const char *path) {
    ll_file file;
    if (ll_file_open(&file, path, false) != LLMCS_IO) return 1;
    return strstr(llmcs_error_message(), "permission denied") ? 0 : 2;
}

START_TEST(a_file_that_may_not_be_read_is_refused) {
    const char *path = write_file("secret", "x", 1);
    ck_assert_int_eq(chmod(folder, 0755), 0);
    ck_assert_int_eq(chmod(path, 0000), 0);
    ck_assert_int_eq(as_nobody(open_forbidden, path), 0);
}
END_TEST

START_TEST(running_out_of_descriptors_is_said) {
    const char *path = write_file("plain", "x", 1);
    struct rlimit limit;
    ll_file file;
    int lowest_free = dup(0);
    ck_assert_int_ge(lowest_free, 0);
    close(lowest_free);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    rlim_t usual = limit.rlim_cur;
    limit.rlim_cur = (rlim_t)lowest_free;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    llmcs_status status = ll_file_open(&file, path, false);
    limit.rlim_cur = usual;
    setrlimit(RLIMIT_NOFILE, &limit);
    ck_assert_int_eq(status, LLMCS_IO);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "open files"));
}
END_TEST

START_TEST(a_file_that_changes_is_noticed) {
    struct timespec later[2] = {{1, 0}, {1, 0}};
    const char *path = write_file("changing", "0123456789", 10);
    ll_file file;
    char got[10];
    ck_assert_int_eq(ll_file_open(&file, path, false), LLMCS_OK);

    ck_assert_int_eq(utimensat(AT_FDCWD, path, later, 0), 0); /* rewritten: the same size, another time */
    ck_assert_int_eq(ll_file_check_unchanged(&file), LLMCS_CHANGED);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "changing"));
    ck_assert_int_eq(ll_file_read(&file, 0, got, 10), LLMCS_OK);

    ck_assert_int_eq(truncate(path, 4), 0);
    ck_assert_int_eq(ll_file_check_unchanged(&file), LLMCS_CHANGED);
    ck_assert_int_eq(ll_file_read(&file, 0, got, 4), LLMCS_OK);
    ck_assert_int_eq(ll_file_read(&file, 0, got, 10), LLMCS_CHANGED);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "shorter"));
    ll_file_close(&file);
}
END_TEST

START_TEST(a_replaced_file_is_read_as_it_was) {
    const char *path = write_file("model", "old", 3);
    ll_file file;
    char got[3];
    ck_assert_int_eq(ll_file_open(&file, path, false), LLMCS_OK);
    write_file("model.new", "new", 3);
    ck_assert_int_eq(rename(at("model.new"), path), 0);
    ck_assert_int_eq(ll_file_read(&file, 0, got, 3), LLMCS_OK);
    ck_assert_mem_eq(got, "old", 3);
    ll_file_close(&file);
}
END_TEST

START_TEST(ranges_outside_the_file_are_refused) {
    const char *path = write_file("plain", "0123456789", 10);
    static const struct {
        uint64_t offset;
        size_t n;
    } ranges[] = {{0, 11}, {10, 1}, {11, 0}, {5, 6}, {UINT64_MAX, 1}, {UINT64_MAX, SIZE_MAX}, {1, SIZE_MAX}};
    ll_file file;
    char got[16];
    ck_assert_int_eq(ll_file_open(&file, path, false), LLMCS_OK);
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        ck_assert_int_eq(ll_file_read(&file, ranges[i].offset, got, ranges[i].n), LLMCS_CHANGED);
    ll_file_close(&file);
}
END_TEST

START_TEST(reading_all_is_bounded_and_leaves_nothing_behind) {
    const char *path = write_file("plain", "a\0b", 3);
    fail_alloc f;
    fail_alloc_init(&f);
    llmcs_allocator a = fail_alloc_get(&f);
    char *data = (char *)&data;
    size_t len;
    int before = open_descriptors();
    ck_assert_int_eq(ll_file_read_all(&a, path, 2, &data, &len), LLMCS_LIMIT);
    ck_assert_ptr_null(data);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "found 3 bytes, expected at most 2"));
    ck_assert_int_eq(ll_file_read_all(&a, at("absent"), 2, &data, &len), LLMCS_IO);
    ck_assert_int_eq(f.calls, 0);
    ck_assert_int_eq(ll_file_read_all(&a, path, 3, &data, &len), LLMCS_OK);
    ck_assert_uint_eq(len, 3);
    ck_assert_mem_eq(data, "a\0b", 4);
    ll_free(&a, data);
    f.fail_at = f.calls;
    ck_assert_int_eq(ll_file_read_all(&a, path, 3, &data, &len), LLMCS_NOMEM);
    ck_assert_ptr_null(data);
    ck_assert_int_eq(f.live, 0);
    ck_assert_int_eq(open_descriptors(), before);
}
END_TEST

static void ignore(int signal_number) { (void)signal_number; }

/* A timer that interrupts all the time, without SA_RESTART. */
START_TEST(interrupted_calls_are_repeated) {
    static char data[1 << 22];
    const char *path = write_file("large", data, sizeof data);
    struct sigaction action = {.sa_handler = ignore};
    suseconds_t us = suite_emulated(NULL) ? 20000 : 200; /* an emulator would do nothing but handle signals */
    struct itimerval often = {{0, us}, {0, us}}, never = {{0, 0}, {0, 0}};
    llmcs_allocator a = ll_allocator_default();
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    llmcs_status status = LLMCS_OK;
    for (int i = 0; i < 30 && !status; i++) {
        char *all;
        size_t len;
        status = ll_file_read_all(&a, path, sizeof data, &all, &len);
        ll_free(&a, all);
    }
    setitimer(ITIMER_REAL, &never, NULL);
    ck_assert_int_eq(status, LLMCS_OK);
}
END_TEST

START_TEST(files_and_folders_are_told_apart) {
    char name[5000];
    ll_path_kind kind;
    const char *path = write_file("plain", "x", 1);
    ck_assert(ll_path_examine(path, true, &kind) == 0 && kind == LL_PATH_OTHER);
    ck_assert(ll_path_examine(folder, true, &kind) == 0 && kind == LL_PATH_FOLDER);
    ck_assert(ll_path_examine(at("absent"), true, &kind) == 0 && kind == LL_PATH_ABSENT);
    ck_assert(ll_path_examine(at("plain/below"), true, &kind) == 0 && kind == LL_PATH_ABSENT);
    ck_assert_int_eq(symlink("nowhere", at("dangling")), 0);
    ck_assert(ll_path_examine(at("dangling"), true, &kind) == 0 && kind == LL_PATH_ABSENT);
    ck_assert(ll_path_examine(at("dangling"), false, &kind) == 0 && kind == LL_PATH_OTHER);
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = 0;
    ck_assert(ll_path_examine(name, true, &kind) == ENAMETOOLONG && kind == LL_PATH_ABSENT);
}
END_TEST

START_TEST(paths_are_joined_with_one_slash) {
    static const char *const cases[][3] = {{"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"/", "b", "/b"}, {".", "b", "./b"}};
    llmcs_allocator a = ll_allocator_default();
    char *path;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_int_eq(ll_path_join(&a, cases[i][0], cases[i][1], &path), LLMCS_OK);
        ck_assert_str_eq(path, cases[i][2]);
        ll_free(&a, path);
    }
    ck_assert_int_eq(ll_path_join(&a, "", "b", &path), LLMCS_ARG); /* would be /b */
    ck_assert_ptr_null(path);
}
END_TEST

static void add(TCase *t) {
    tcase_add_checked_fixture(t, make_folder, remove_folder);
    tcase_add_test(t, a_file_is_read_in_every_piece);
    tcase_add_test(t, an_empty_file_is_a_file);
    tcase_add_test(t, what_is_no_regular_file_is_refused);
    tcase_add_test(t, paths_that_lead_nowhere_are_refused);
    tcase_add_test(t, a_symbolic_link_to_a_file_is_followed);
    tcase_add_test(t, a_file_that_may_not_be_read_is_refused);
    tcase_add_test(t, running_out_of_descriptors_is_said);
    tcase_add_test(t, a_file_that_changes_is_noticed);
    tcase_add_test(t, a_replaced_file_is_read_as_it_was);
    tcase_add_test(t, ranges_outside_the_file_are_refused);
    tcase_add_test(t, reading_all_is_bounded_and_leaves_nothing_behind);
    tcase_add_test(t, interrupted_calls_are_repeated);
    tcase_add_test(t, files_and_folders_are_told_apart);
    tcase_add_test(t, paths_are_joined_with_one_slash);
}

SUITE_MAIN("base/file", add)
