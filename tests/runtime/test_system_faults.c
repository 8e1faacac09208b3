/* The n-th system call or allocation of a scenario fails, for every n, once or from there on: a status and a message,
 * or the same result as ever; nothing leaks; and the next try gives the same bits. The functions below stand before the
 * C library's in this program. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "support/fail_alloc.h"
#include "support/model_fixture.h"
#include "support/suite.h"
#include "support/temp.h"

/* ------------------------------------------------------------------------------------------------ faults */

typedef enum fault_kind {
    FAULT_NONE,
    FAULT_OPEN,
    FAULT_STAT,
    FAULT_FSTAT,
    FAULT_PREAD,
    FAULT_MMAP,
    FAULT_THREAD,
    FAULT_LOCK,
    FAULT_EVENTFD,
    FAULT_WRITE,
    FAULT_FSYNC,
    FAULT_RENAME,
    FAULT_ALLOC,
    N_FAULT_KINDS
} fault_kind;

static const char *const kind_names[] = {"none",       "open",    "stat",  "fstat", "pread",  "mmap", "pthread_create",
                                         "mutex_init", "eventfd", "write", "fsync", "rename", "alloc"};

static struct {
    _Atomic fault_kind kind;
    atomic_long calls; /* of that kind since it was armed */
    long fail_at;      /* 0, 1, ...; -1: none */
    bool after;        /* and every later one */
} fault;

/* Not static: fortified headers declare pread inline, and clang refuses static functions there. */
bool inject_fails(fault_kind kind) {
    if (atomic_load(&fault.kind) != kind) return false;
    const long n = atomic_fetch_add(&fault.calls, 1);
    return fault.fail_at >= 0 && (n == fault.fail_at || (fault.after && n > fault.fail_at));
}

int inject_failed(int error) {
    errno = error;
    return -1;
}

int open(const char *path, int flags, ...) {
    va_list args;
    va_start(args, flags);
    const unsigned mode = flags & O_CREAT ? va_arg(args, unsigned) : 0;
    va_end(args);
    return inject_fails(FAULT_OPEN) ? inject_failed(EMFILE) : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int stat(const char *restrict path, struct stat *restrict out) {
    return inject_fails(FAULT_STAT) ? inject_failed(EIO) : fstatat(AT_FDCWD, path, out, 0);
}

int lstat(const char *restrict path, struct stat *restrict out) {
    return inject_fails(FAULT_STAT) ? inject_failed(EIO) : fstatat(AT_FDCWD, path, out, AT_SYMLINK_NOFOLLOW);
}

int fstat(int fd, struct stat *out) {
    return inject_fails(FAULT_FSTAT) ? inject_failed(EIO) : fstatat(fd, "", out, AT_EMPTY_PATH);
}

ssize_t pread(int fd, void *data, size_t n_bytes, off_t offset) {
    return inject_fails(FAULT_PREAD) ? inject_failed(EIO) : syscall(SYS_pread64, fd, data, n_bytes, offset);
}

ssize_t write(int fd, const void *data, size_t n_bytes) {
    return inject_fails(FAULT_WRITE) ? inject_failed(ENOSPC) : syscall(SYS_write, fd, data, n_bytes);
}

int fsync(int fd) { return inject_fails(FAULT_FSYNC) ? inject_failed(EIO) : (int)syscall(SYS_fsync, fd); }

int rename(const char *from, const char *to) {
    return inject_fails(FAULT_RENAME) ? inject_failed(EACCES) : renameat(AT_FDCWD, from, AT_FDCWD, to);
}

int eventfd(unsigned count, int flags) {
    return inject_fails(FAULT_EVENTFD) ? inject_failed(EMFILE) : (int)syscall(SYS_eventfd2, count, flags);
}

void *mmap(void *address, size_t len, int protection, int flags, int fd, off_t offset) {
    if (fd >= 0 && inject_fails(FAULT_MMAP)) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    return (void *)syscall(SYS_mmap, address, len, protection, flags, fd,
                           offset); /* NOLINT(performance-no-int-to-ptr) */
}

/* The C library's own function, or a sanitizer's. */
static void find_next(const char *name, void *function) {
    void *found = dlsym(RTLD_NEXT, name);
    ck_assert_msg(found != NULL, "%s", name);
    memcpy(function, &found, sizeof found);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *arg) {
    static int (*next)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    if (inject_fails(FAULT_THREAD)) return EAGAIN;
    if (!next) find_next("pthread_create", &next);
    return next(thread, attr, start, arg);
}

int pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attr) {
    static int (*next)(pthread_mutex_t *, const pthread_mutexattr_t *);
    if (inject_fails(FAULT_LOCK)) return EAGAIN;
    if (!next) find_next("pthread_mutex_init", &next);
    return next(mutex, attr);
}

/* --------------------------------------------------------------------------------------------- scenarios */

static char gpt2_folder[TEMP_PATH_BYTES], bert_folder[TEMP_PATH_BYTES], out_folder[TEMP_PATH_BYTES];
static fail_alloc memory;
static llmcs_allocator allocator;

static void set_up(void) {
    text_gpt2_folder(gpt2_folder);
    temp_write_text(gpt2_folder, "generation_config.json",
                    "{\"max_new_tokens\": 7, \"do_sample\": true, \"top_k\": 20, \"eos_token_id\": 258}");
    temp_write_text(gpt2_folder, "tokenizer_config.json", "{\"add_prefix_space\": true}");
    text_bert_folder("bert-cls", bert_folder);
    temp_folder(out_folder);
    fail_alloc_init(&memory);
    allocator = fail_alloc_get(&memory);
}

static void tear_down(void) {
    temp_remove(gpt2_folder);
    temp_remove(bert_folder);
    temp_remove(out_folder);
}

/* What a scenario computed. */
typedef struct outcome {
    int32_t ids[64];
    size_t n_ids, n_tokens;
    float numbers[16];
} outcome;

typedef llmcs_status (*scenario)(outcome *out);

static llmcs_status open_model_as(const char *path, int32_t n_threads, llmcs_load_mode mode, llmcs_model **model) {
    llmcs_model_options options;
    llmcs_model_options_init(&options);
    options.allocator = &allocator;
    options.n_threads = n_threads;
    options.load_mode = mode;
    return llmcs_model_open(path, &options, model);
}

static int note_token(void *user, int32_t id) {
    outcome *out = user;
    if (out->n_ids < 64) out->ids[out->n_ids++] = id;
    return 0;
}

static const int32_t prompt[] = {72, 101, 108, 108, 111, 32, 119, 111, 114, 108, 100};
#define N_PROMPT (sizeof prompt / sizeof *prompt)

/* With the folder's settings and tokenizer, whose files must not be taken for absent when they cannot be read. */
static llmcs_status generate_on(llmcs_model *model, outcome *out) {
    llmcs_session *session = NULL;
    llmcs_result *result = NULL;
    llmcs_status status = llmcs_session_create(model, NULL, &session);
    if (!status) status = llmcs_generate_ids(session, prompt, N_PROMPT, NULL, note_token, out, &result);
    if (!status)
        status = llmcs_encode(llmcs_model_tokenizer(model), "hello", LLMCS_NUL, NULL, 0, NULL, NULL, NULL, NULL, 0,
                              &out->n_tokens);
    llmcs_result_free(&result);
    llmcs_session_free(&session);
    return status;
}

static llmcs_status open_and_generate(int32_t n_threads, llmcs_load_mode mode, outcome *out) {
    llmcs_model *model = NULL;
    llmcs_status status = open_model_as(gpt2_folder, n_threads, mode, &model);
    if (!status) status = generate_on(model, out);
    llmcs_model_free(&model);
    return status;
}

static llmcs_status read_alone(outcome *out) { return open_and_generate(1, LLMCS_LOAD_COPY, out); }
static llmcs_status mapped_alone(outcome *out) { return open_and_generate(1, LLMCS_LOAD_MMAP, out); }
static llmcs_status read_together(outcome *out) { return open_and_generate(3, LLMCS_LOAD_COPY, out); }

static llmcs_status serve_two(llmcs_engine *engine, outcome *out) {
    llmcs_request *requests[2] = {NULL, NULL};
    llmcs_result *result = NULL;
    llmcs_submit_options options;
    llmcs_status status = LLMCS_OK;
    llmcs_submit_options_init(&options);
    options.user = out;
    for (size_t i = 0; !status && i < 2; i++) {
        options.on_token = i == 0 ? note_token : NULL;
        status = llmcs_engine_submit_ids(engine, prompt, N_PROMPT - i, NULL, &options, &requests[i]);
    }
    for (size_t i = 0; !status && i < 2; i++) {
        status = llmcs_request_wait(requests[i], -1, &result);
        if (!status) out->n_tokens += result->n_new_tokens;
        llmcs_result_free(&result);
    }
    for (size_t i = 0; i < 2; i++) llmcs_request_free(&requests[i]);
    return status;
}

static llmcs_status engine(outcome *out) {
    llmcs_model *model = NULL;
    llmcs_engine *e = NULL;
    llmcs_status status = open_model_as(gpt2_folder, 2, LLMCS_LOAD_COPY, &model);
    if (!status) status = llmcs_engine_create(model, NULL, &e);
    if (!status) status = serve_two(e, out);
    llmcs_engine_free(&e);
    llmcs_model_free(&model);
    return status;
}

static llmcs_status encoder(outcome *out) {
    llmcs_model *model = NULL;
    const size_t lengths[] = {4, 3};
    llmcs_encoder_outputs outputs = {.struct_size = sizeof outputs, .logits = out->numbers};
    llmcs_status status = open_model_as(bert_folder, 2, LLMCS_LOAD_COPY, &model);
    if (!status) status = llmcs_encoder_eval(model, prompt, NULL, lengths, 2, &outputs);
    llmcs_model_free(&model);
    return status;
}

static llmcs_status quantized(outcome *out) {
    llmcs_quantize_params params;
    llmcs_model *model = NULL;
    llmcs_quantize_params_init(&params);
    params.allocator = &allocator;
    const char *path = temp_path(out_folder, "x.gguf");
    (void)unlink(path);
    llmcs_status status = llmcs_quantize(gpt2_folder, path, &params);
    ck_assert_msg((access(path, F_OK) == 0) == !status, "a file after %s", llmcs_status_name(status));
    if (!status) status = open_model_as(path, 1, LLMCS_LOAD_COPY, &model);
    if (!status) status = generate_on(model, out);
    llmcs_model_free(&model);
    return status;
}

static llmcs_status planned(outcome *out) {
    llmcs_model_options options;
    llmcs_plan_info plan = {.struct_size = sizeof plan};
    llmcs_tokenizer *tokenizer = NULL;
    llmcs_model_options_init(&options);
    options.allocator = &allocator;
    options.n_threads = 2;
    llmcs_status status = llmcs_plan(gpt2_folder, &options, NULL, &plan);
    if (!status) status = llmcs_tokenizer_open(gpt2_folder, &allocator, &tokenizer);
    out->n_tokens = (size_t)plan.model_bytes;
    if (!status) out->n_ids = llmcs_tokenizer_n_vocab(tokenizer);
    llmcs_tokenizer_free(&tokenizer);
    return status;
}

static const struct {
    const char *name;
    scenario run;
} scenarios[] = {
    {"open, one thread", read_alone},
    {"open mapped", mapped_alone},
    {"open, three threads", read_together},
    {"engine", engine},
    {"encoder", encoder},
    {"quantize", quantized},
    {"plan and tokenizer", planned},
};
#define N_SCENARIOS ((int)(sizeof scenarios / sizeof *scenarios))

/* ------------------------------------------------------------------------------------------------ sweeps */

static size_t count_entries(const char *folder) {
    DIR *d = opendir(folder);
    size_t n = 0;
    ck_assert_ptr_nonnull(d);
    while (readdir(d)) n++;
    closedir(d);
    return n;
}

/* A joined thread is seen in /proc for a moment more. */
static bool only_threads(size_t n) {
    for (int tries = 0; tries < 2000; tries++) {
        if (count_entries("/proc/self/task") <= n) return true; /* n may have counted one that was leaving */
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return false;
}

static bool may_answer(fault_kind kind, llmcs_status status) {
    switch (kind) {
        case FAULT_ALLOC:
            return status == LLMCS_NOMEM;
        case FAULT_MMAP:
            return status == LLMCS_NOMEM || status == LLMCS_IO;
        case FAULT_THREAD:
        case FAULT_LOCK:
        case FAULT_EVENTFD:
            return status == LLMCS_THREAD || status == LLMCS_IO;
        case FAULT_WRITE:
            return status == LLMCS_NOSPACE;
        default:
            return status == LLMCS_IO;
    }
}

static void disarm(void) {
    atomic_store(&fault.kind, FAULT_NONE);
    memory.fail_at = -1;
}

static void arm(fault_kind kind, long n, bool after) {
    fault.fail_at = n;
    fault.after = after;
    atomic_store(&fault.calls, 0);
    atomic_store(&fault.kind, kind);
    memory.fail_after = after;
    memory.fail_at = kind == FAULT_ALLOC ? memory.calls + n : -1;
}

/* Runs the scenario with fault n; false if it has no n-th call. Nothing may be left but what was there. */
static bool run_with_fault(int s, fault_kind kind, long n, bool after, const outcome *expected) {
    const size_t n_files = count_entries("/proc/self/fd"), n_threads = count_entries("/proc/self/task");
    outcome found = {0};
    arm(kind, n, after);
    const long fail_at = memory.fail_at;
    const llmcs_status status = scenarios[s].run(&found);
    const bool reached = kind == FAULT_ALLOC ? memory.calls > fail_at : fault.calls > n;
    disarm();
    char what[160];
    snprintf(what, sizeof what, "%s, %s %ld %s: %s: %.60s", scenarios[s].name, kind_names[kind], n,
             after ? "and later" : "alone", llmcs_status_name(status), status ? llmcs_error_message() : "");
    ck_assert_msg(!status || (reached && may_answer(kind, status) && *llmcs_error_message()), "%s", what);
    ck_assert_msg(status || memcmp(&found, expected, sizeof found) == 0, "%s: another result", what);
    ck_assert_msg(memory.live == 0, "%s: %ld allocations are left", what, memory.live);
    ck_assert_msg(count_entries("/proc/self/fd") == n_files, "%s: files are left open", what);
    ck_assert_msg(only_threads(n_threads), "%s: threads are left", what);
    ck_assert_msg(count_entries(out_folder) <= 3, "%s: temporary files are left", what);
    return reached;
}

/* Returns how many calls of the kind the scenario makes. */
static long sweep(int s, fault_kind kind, bool after, const outcome *expected) {
    const long step = (long)suite_step(7);
    for (long n = 0;; n += step) {
        if (!run_with_fault(s, kind, n, after, expected)) return n;
        if (n % (16 * step)) continue;
        outcome again = {0};
        ck_assert_msg(!scenarios[s].run(&again), "%s", llmcs_error_message());
        ck_assert_int_eq(memcmp(&again, expected, sizeof again), 0);
    }
}

static void sweep_scenario(int s, long n_calls[N_FAULT_KINDS]) {
    outcome expected = {0};
    disarm();
    ck_assert_msg(!scenarios[s].run(&expected), "%s", llmcs_error_message());
    ck_assert_uint_ne(expected.n_ids + (expected.numbers[0] != 0.0f), 0);
    for (fault_kind kind = FAULT_OPEN; kind < N_FAULT_KINDS; kind++) {
        n_calls[kind] = sweep(s, kind, false, &expected);
        sweep(s, kind, true, &expected);
    }
}

START_TEST(every_call_may_fail) {
    long n_calls[N_FAULT_KINDS];
    sweep_scenario(_i, n_calls);
    ck_assert(n_calls[FAULT_OPEN] > 0 && n_calls[FAULT_FSTAT] > 0 && n_calls[FAULT_PREAD] > 0);
    ck_assert(n_calls[FAULT_ALLOC] > 10 && n_calls[FAULT_STAT] > 0);
    if (scenarios[_i].run == mapped_alone) ck_assert_int_gt(n_calls[FAULT_MMAP], 0);
    if (scenarios[_i].run == read_together) ck_assert_int_gt(n_calls[FAULT_THREAD], 0);
    if (scenarios[_i].run == engine) ck_assert(n_calls[FAULT_EVENTFD] > 0 && n_calls[FAULT_LOCK] > 0);
    if (scenarios[_i].run == quantized)
        ck_assert(n_calls[FAULT_WRITE] > 0 && n_calls[FAULT_FSYNC] > 0 && n_calls[FAULT_RENAME] > 0);
}
END_TEST

static void add(TCase *t) {
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_loop_test(t, every_call_may_fail, 0, N_SCENARIOS);
}

SUITE_MAIN("runtime/system_faults", add)
