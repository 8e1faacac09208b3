/* Files are written whole or not at all, whatever write() answers. */
#include <errno.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "base/output.h"
#include "support/suite.h"
#include "support/temp.h"

/* ------------------------------------------------------------------------------ write(), as these tests want it */

/* What the next calls answer; REAL: what the system answers. */
static enum { REAL, NOTHING, INTERRUPTED_AND_SHORT, NO_SPACE, FROM_THE_THIRD_ON_NO_SPACE } answer;
static int n_writes;

/* Stands before the C library's in this program. */
ssize_t write(int fd, const void *data, size_t n_bytes) {
    if (fd > 2 && answer != REAL) {
        n_writes++;
        if (answer == NOTHING) return 0;
        if (answer == NO_SPACE || (answer == FROM_THE_THIRD_ON_NO_SPACE && n_writes > 2)) {
            errno = ENOSPC;
            return -1;
        }
        if (answer == INTERRUPTED_AND_SHORT && n_writes % 2) {
            errno = EINTR;
            return -1;
        }
        if (answer == INTERRUPTED_AND_SHORT && n_bytes > 1000) n_bytes = 1000;
    }
    return syscall(SYS_write, fd, data, n_bytes);
}

/* ------------------------------------------------------------------------------------------------------ writing */

#define N_BYTES ((size_t)5 << 19) /* two buffers and a half */

static char folder[TEMP_PATH_BYTES], target[TEMP_PATH_BYTES + 16];
static unsigned char *bytes;

static void set_up(void) {
    temp_folder(folder);
    snprintf(target, sizeof target, "%s/out", folder);
    temp_write_text(folder, "out", "old");
    bytes = temp_alloc(N_BYTES);
    for (size_t i = 0; i < N_BYTES; i++) bytes[i] = (unsigned char)(i * 7 + (i >> 11));
    answer = REAL;
    n_writes = 0;
}

static void tear_down(void) {
    temp_remove(folder);
    free(bytes);
}

/* In chunks below and above the buffer's size. */
static llmcs_status write_file(size_t chunk) {
    const llmcs_allocator a = ll_allocator_default();
    ll_output out;
    llmcs_status status = ll_output_begin(&out, &a, target);
    if (status) return status;
    for (size_t at = 0; !status && at < N_BYTES; at += chunk)
        status = ll_output_write(&out, bytes + at, ll_min(chunk, N_BYTES - at));
    if (!status) return ll_output_finish(&out);
    ll_output_abandon(&out);
    return status;
}

static void check_whole(void) {
    const llmcs_allocator a = ll_allocator_default();
    char *data;
    size_t n;
    ck_assert_int_eq(ll_file_read_all(&a, target, SIZE_MAX, &data, &n), LLMCS_OK);
    ck_assert_uint_eq(n, N_BYTES);
    ck_assert_int_eq(memcmp(data, bytes, n), 0);
    ll_free(&a, data);
}

static void check_old(void) {
    const llmcs_allocator a = ll_allocator_default();
    char *data, pattern[TEMP_PATH_BYTES + 16];
    size_t n;
    glob_t found;
    ck_assert_int_eq(ll_file_read_all(&a, target, SIZE_MAX, &data, &n), LLMCS_OK);
    ck_assert_str_eq(data, "old");
    ll_free(&a, data);
    snprintf(pattern, sizeof pattern, "%s/*", folder);
    ck_assert_int_eq(glob(pattern, 0, NULL, &found), 0);
    ck_assert_uint_eq(found.gl_pathc, 1);
    globfree(&found);
}

START_TEST(short_and_interrupted_writes_are_continued) {
    static const size_t chunks[] = {1000, 70000, (size_t)1 << 20, N_BYTES};
    for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
        answer = INTERRUPTED_AND_SHORT;
        ck_assert_msg(!write_file(chunks[i]), "%s", llmcs_error_message());
        answer = REAL;
        check_whole();
    }
}
END_TEST

START_TEST(a_write_of_nothing_is_an_error) {
    answer = NOTHING;
    ck_assert_int_eq(write_file(4096), LLMCS_IO);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "the system takes no bytes"));
    ck_assert_int_eq(n_writes, 1);
    answer = REAL;
    check_old();
}
END_TEST

START_TEST(a_full_disk_leaves_the_old_file) {
    for (answer = NO_SPACE; answer <= FROM_THE_THIRD_ON_NO_SPACE; answer++) {
        ck_assert_int_eq(write_file(4096), LLMCS_NOSPACE);
        ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "no space left on the device"));
    }
    answer = REAL;
    check_old();
    ck_assert_int_eq(write_file(4096), LLMCS_OK);
    check_whole();
}
END_TEST

/* ------------------------------------------------------------------------------------------------------- SIGXFSZ */

static volatile sig_atomic_t n_signals;

static void count_signal(int signal_number) {
    (void)signal_number;
    n_signals++;
}

/* With a limit on the size of files, which is lifted before Check writes to its own. */
static llmcs_status write_file_limited_to(rlim_t n) {
    struct rlimit before, limit;
    if (getrlimit(RLIMIT_FSIZE, &before)) return LLMCS_INTERNAL;
    limit = (struct rlimit){n, before.rlim_max};
    if (setrlimit(RLIMIT_FSIZE, &limit)) return LLMCS_INTERNAL;
    llmcs_status status = write_file(4096);
    return setrlimit(RLIMIT_FSIZE, &before) ? LLMCS_INTERNAL : status;
}

static bool xfsz_is(int (*get)(sigset_t *)) {
    sigset_t set;
    sigemptyset(&set);
    get(&set);
    return sigismember(&set, SIGXFSZ) == 1;
}

static int blocked_signals(sigset_t *set) { return pthread_sigmask(SIG_BLOCK, NULL, set); }

/* With the default action this test's process would be killed. */
START_TEST(a_file_size_limit_kills_nobody) {
    signal(SIGXFSZ, _i ? count_signal : SIG_DFL);
    ck_assert_int_eq(write_file_limited_to(_i == 2 ? (1 << 20) + 12345 : 100), LLMCS_NOSPACE);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "larger than a file may become"));
    ck_assert(!xfsz_is(sigpending) && !xfsz_is(blocked_signals));
    ck_assert_int_eq(n_signals, 0);
    check_old();
    ck_assert_int_eq(write_file(4096), LLMCS_OK);
}
END_TEST

START_TEST(a_pending_signal_of_the_host_stays_pending) {
    sigset_t xfsz;
    sigemptyset(&xfsz);
    sigaddset(&xfsz, SIGXFSZ);
    signal(SIGXFSZ, count_signal);
    ck_assert_int_eq(pthread_sigmask(SIG_BLOCK, &xfsz, NULL), 0);
    ck_assert_int_eq(raise(SIGXFSZ), 0);
    ck_assert_int_eq(write_file_limited_to(100), LLMCS_NOSPACE);
    ck_assert(xfsz_is(sigpending) && xfsz_is(blocked_signals));
    ck_assert_int_eq(pthread_sigmask(SIG_UNBLOCK, &xfsz, NULL), 0);
    ck_assert_int_eq(n_signals, 1);
}
END_TEST

static void add(TCase *t) {
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, short_and_interrupted_writes_are_continued);
    tcase_add_test(t, a_write_of_nothing_is_an_error);
    tcase_add_test(t, a_full_disk_leaves_the_old_file);
    tcase_add_loop_test(t, a_file_size_limit_kills_nobody, 0, 3);
    tcase_add_test(t, a_pending_signal_of_the_host_stays_pending);
}

SUITE_MAIN("base/output", add)
