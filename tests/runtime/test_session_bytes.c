/* Sessions as bytes: what is restored goes on with the same bits, and bytes that are not right change nothing. */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/xxh64.h"
#include "runtime/session/session.h"
#include "support/fail_alloc.h"
#include "support/kernel_sets.h"
#include "support/model_fixture.h"
#include "support/random.h"
#include "support/suite.h"

#define N_CTX 160
#define VOCAB 257 /* gpt2-tiny's */
#define N_MORE 40 /* tokens that a session goes on for */
#define HEADER 64

/* Where things are in the bytes, once more than in session_bytes.c. */
enum {
    VERSION = 8,
    FLAGS = 12,
    LENGTH = 16,
    FINGERPRINT = 24,
    VOCAB_SIZE = 32,
    N_LAYER = 36,
    N_HEAD = 40,
    HEAD_DIM = 44,
    NUMBER_BYTES = 48,
    BLOCK_TOKENS = 52,
    N_TOKENS = 56
};

static char folders[2][TEMP_PATH_BYTES]; /* gpt2-tiny with heads of 12, and of 16, which fill their vectors */
static int32_t text[N_CTX];

static void set_up(void) {
    static const char *const n_head[2] = {"4", "3"};
    uint64_t seed = 20261122;
    printf("seed %llu\n", (unsigned long long)seed);
    for (size_t i = 0; i < 2; i++) {
        temp_folder(folders[i]);
        checkpoint *c = long_gpt2(N_CTX);
        checkpoint_set(c, "n_head", n_head[i]);
        checkpoint_write(c, folders[i], 1);
        checkpoint_free(c);
    }
    for (size_t i = 0; i < N_CTX; i++) text[i] = (int32_t)random_below(&seed, VOCAB);
}

static void tear_down(void) {
    for (size_t i = 0; i < 2; i++) temp_remove(folders[i]);
}

#define IS(status, call)                                                                                        \
    do {                                                                                                        \
        llmcs_status found_ = (call);                                                                           \
        ck_assert_msg(found_ == (status), #call ": %s (%s)", llmcs_status_name(found_), llmcs_error_message()); \
    } while (0)

typedef struct blob {
    unsigned char *at;
    size_t n;
} blob;

static blob save(llmcs_session *s) {
    blob b;
    size_t n;
    IS(LLMCS_OK, llmcs_session_save(s, NULL, 0, &b.n));
    b.at = malloc(b.n);
    ck_assert_ptr_nonnull(b.at);
    IS(LLMCS_OK, llmcs_session_save(s, b.at, b.n, &n));
    ck_assert_uint_eq(n, b.n);
    return b;
}

static void is_saved_as(llmcs_session *s, blob expected) {
    blob b = save(s);
    ck_assert_uint_eq(b.n, expected.n);
    ck_assert_int_eq(memcmp(b.at, expected.at, b.n), 0);
    free(b.at);
}

static llmcs_session *session_with(llmcs_model *m, size_t n_tokens, llmcs_want_logits want) {
    llmcs_session *s = open_session(m);
    if (n_tokens) IS(LLMCS_OK, llmcs_session_eval(s, text, n_tokens, want));
    return s;
}

static size_t n_held(llmcs_session *s) {
    size_t n;
    IS(LLMCS_OK, llmcs_session_tokens(s, NULL, 0, &n));
    return n;
}

/* The last row of logits; NULL: none. */
static const float *last_logits(llmcs_session *s) {
    const float *logits;
    size_t n;
    return llmcs_session_logits(s, &logits, &n) ? NULL : logits + (n - 1) * VOCAB;
}

/* Both go on with the same tokens. */
static void same_bits_from_here(llmcs_session *a, llmcs_session *b) {
    static float rows[N_MORE * VOCAB];
    const float *logits;
    size_t n = n_held(a), n_rows, more = N_CTX - n < N_MORE ? N_CTX - n : N_MORE;
    int32_t ids[2][N_CTX];
    ck_assert_uint_eq(n_held(b), n);
    IS(LLMCS_OK, llmcs_session_tokens(a, ids[0], N_CTX, &n));
    IS(LLMCS_OK, llmcs_session_tokens(b, ids[1], N_CTX, &n));
    ck_assert_int_eq(memcmp(ids[0], ids[1], n * sizeof **ids), 0);
    const float *of_a = last_logits(a), *of_b = last_logits(b);
    ck_assert((of_a == NULL) == (of_b == NULL));
    if (of_a) ck_assert_int_eq(memcmp(of_a, of_b, VOCAB * sizeof *of_a), 0);
    IS(LLMCS_OK, llmcs_session_eval(a, text + n, more, LLMCS_LOGITS_ALL));
    IS(LLMCS_OK, llmcs_session_logits(a, &logits, &n_rows));
    memcpy(rows, logits, more * VOCAB * sizeof *rows);
    IS(LLMCS_OK, llmcs_session_eval(b, text + n, more, LLMCS_LOGITS_ALL));
    IS(LLMCS_OK, llmcs_session_logits(b, &logits, &n_rows));
    ck_assert_int_eq(memcmp(rows, logits, more * VOCAB * sizeof *rows), 0);
}

static const llmcs_kv_type kv_types[2] = {LLMCS_KV_F32, LLMCS_KV_F16};

/* ----------------------------------------------------------------------------------------------- the same bits */

/* _i: the folder and the kv_type. */
START_TEST(goes_on_as_the_other_would) {
    static const size_t lengths[] = {1, 2, 31, 32, 33, 64, 97, 120};
    llmcs_model *m = open_model_with_kv(folders[_i % 2], 2, kv_types[_i / 2]);
    llmcs_session *b = session_with(m, 70, LLMCS_LOGITS_LAST);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        llmcs_session *a = session_with(m, lengths[i], (llmcs_want_logits)(i % 3));
        blob bytes = save(a);
        const size_t number = _i / 2 ? 2 : 4, logits = i % 3 ? 4 * VOCAB : 0;
        ck_assert_uint_eq(bytes.n, 72 + lengths[i] * (4 + 2 * 3 * 48 * number) + logits); /* as the header has it */
        IS(LLMCS_OK, llmcs_session_restore(b, bytes.at, bytes.n));
        is_saved_as(b, bytes);
        same_bits_from_here(a, b);
        free(bytes.at);
        llmcs_session_free(&a);
    }
    llmcs_session_free(&b);
    llmcs_model_free(&m);
}
END_TEST

static llmcs_result *generate(llmcs_session *s, const llmcs_generate_params *p) {
    llmcs_result *r = NULL;
    IS(LLMCS_OK, llmcs_generate_ids(s, text, 50, p, NULL, NULL, &r));
    return r;
}

/* The restored session held something else, with beams at that, before. */
START_TEST(generates_as_the_other_would) {
    llmcs_model *m = open_model_with_kv(folders[0], 1, kv_types[_i % 2]);
    llmcs_generate_params p, beams;
    llmcs_generate_params_init(&p, NULL);
    p.n_eos_token_id = 0;
    p.eos_token_id = text; /* none */
    p.max_new_tokens = 30;
    p.logprobs = 1;
    beams = p;
    beams.num_beams = 3;
    for (int kind = 0; kind < 3; kind++) {
        llmcs_generate_params wanted = kind == 2 ? beams : p;
        wanted.do_sample = kind == 1;
        wanted.seed = 5;
        llmcs_session *a = session_with(m, 50, LLMCS_LOGITS_LAST), *b = open_session(m);
        llmcs_result *before = generate(b, &beams);
        blob bytes = save(a);
        IS(LLMCS_OK, llmcs_session_restore(b, bytes.at, bytes.n));
        llmcs_result *of_a = generate(a, &wanted), *of_b = generate(b, &wanted);
        const llmcs_sequence *x = of_a->sequences[0], *y = of_b->sequences[0];
        ck_assert_uint_eq(x->n_ids, 30);
        ck_assert_uint_eq(y->n_ids, 30);
        ck_assert_int_eq(memcmp(x->ids, y->ids, 30 * sizeof *x->ids), 0);
        ck_assert_int_eq(memcmp(x->logprobs, y->logprobs, 30 * sizeof *x->logprobs), 0);
        blob after = save(a); /* a generation, too, leaves what can be saved */
        is_saved_as(b, after);
        free(after.at);
        free(bytes.at);
        llmcs_result_free(&before);
        llmcs_result_free(&of_a);
        llmcs_result_free(&of_b);
        llmcs_session_free(&a);
        llmcs_session_free(&b);
    }
    llmcs_model_free(&m);
}
END_TEST

START_TEST(an_empty_session) {
    llmcs_model *m = open_model(folders[0], 1);
    llmcs_session *a = open_session(m), *b = session_with(m, 40, LLMCS_LOGITS_LAST);
    blob bytes = save(a);
    ck_assert_uint_eq(bytes.n, 72);
    IS(LLMCS_OK, llmcs_session_restore(b, bytes.at, bytes.n));
    ck_assert_uint_eq(n_held(b), 0);
    ck_assert_ptr_null(last_logits(b));
    same_bits_from_here(a, b);
    free(bytes.at);
    llmcs_session_free(&a);
    llmcs_session_free(&b);
    llmcs_model_free(&m);
}
END_TEST

/* Nothing of tokens that were forgotten, and nothing of how the prompt was cut, is in the bytes. */
START_TEST(equal_sessions_are_equal_bytes) {
    llmcs_model *m = open_model_with_kv(folders[_i % 2], 2, kv_types[_i / 2]);
    llmcs_session *plain = session_with(m, 37, LLMCS_LOGITS_NONE), *rewound = session_with(m, 100, LLMCS_LOGITS_ALL);
    llmcs_session *pieces = session_with(m, 20, LLMCS_LOGITS_LAST), *copy;
    IS(LLMCS_OK, llmcs_session_rewind(rewound, 37));
    IS(LLMCS_OK, llmcs_session_eval(pieces, text + 20, 17, LLMCS_LOGITS_NONE));
    blob bytes = save(plain);
    is_saved_as(plain, bytes);
    is_saved_as(rewound, bytes);
    is_saved_as(pieces, bytes);
    IS(LLMCS_OK, llmcs_session_restore(rewound, bytes.at, bytes.n));
    IS(LLMCS_OK, llmcs_session_fork(rewound, &copy));
    is_saved_as(copy, bytes);
    IS(LLMCS_OK, llmcs_session_rewind(copy, 33)); /* within the last block */
    IS(LLMCS_OK, llmcs_session_rewind(plain, 33));
    same_bits_from_here(plain, copy);
    free(bytes.at);
    llmcs_session_free(&copy);
    llmcs_session_free(&plain);
    llmcs_session_free(&rewound);
    llmcs_session_free(&pieces);
    llmcs_model_free(&m);
}
END_TEST

START_TEST(a_session_of_fewer_tokens) {
    llmcs_model *m = open_model(folders[0], 1);
    llmcs_session_options o;
    llmcs_session_options_init(&o);
    o.n_ctx = 50;
    llmcs_session *a = session_with(m, 50, LLMCS_LOGITS_LAST), *large = session_with(m, 51, LLMCS_LOGITS_LAST), *b;
    IS(LLMCS_OK, llmcs_session_create(m, &o, &b));
    IS(LLMCS_OK, llmcs_session_eval(b, text + 3, 4, LLMCS_LOGITS_LAST));
    blob fits = save(a), not = save(large), before = save(b);
    IS(LLMCS_CONTEXT_FULL, llmcs_session_restore(b, not .at, not .n));
    is_saved_as(b, before);
    IS(LLMCS_OK, llmcs_session_restore(b, fits.at, fits.n));
    is_saved_as(b, fits);
    IS(LLMCS_CONTEXT_FULL, llmcs_session_eval(b, text, 1, LLMCS_LOGITS_LAST));
    IS(LLMCS_OK, llmcs_session_rewind(b, 40));
    IS(LLMCS_OK, llmcs_session_rewind(a, 40));
    IS(LLMCS_OK, llmcs_session_eval(a, text + 40, 10, LLMCS_LOGITS_LAST));
    IS(LLMCS_OK, llmcs_session_eval(b, text + 40, 10, LLMCS_LOGITS_LAST));
    is_saved_as(b, fits);
    is_saved_as(a, fits);
    free(fits.at);
    free(not .at);
    free(before.at);
    llmcs_session_free(&a);
    llmcs_session_free(&large);
    llmcs_session_free(&b);
    llmcs_model_free(&m);
}
END_TEST

/* --------------------------------------------------------------------------------------------------- the calls */

START_TEST(what_the_caller_may_do_wrong) {
    llmcs_model *m = open_model(folders[0], 1);
    llmcs_session *s = session_with(m, 5, LLMCS_LOGITS_LAST);
    blob b = save(s);
    size_t n;
    IS(LLMCS_ARG, llmcs_session_save(NULL, NULL, 0, &n));
    IS(LLMCS_ARG, llmcs_session_save(s, b.at, b.n, NULL));
    IS(LLMCS_ARG, llmcs_session_restore(NULL, b.at, b.n));
    IS(LLMCS_ARG, llmcs_session_restore(s, NULL, b.n));
    unsigned char *small = malloc(b.n);
    ck_assert_ptr_nonnull(small);
    for (size_t capacity = 0; capacity < b.n; capacity += capacity < 80 || capacity > b.n - 9 ? 1 : 97) {
        memset(small, 0x5a, b.n);
        IS(LLMCS_BUFFER, llmcs_session_save(s, small, capacity, &n));
        ck_assert_uint_eq(n, b.n);
        for (size_t i = capacity; i < b.n; i++) ck_assert_uint_eq(small[i], 0x5a);
    }
    IS(LLMCS_OK, ll_session_enter(s));
    IS(LLMCS_BUSY, llmcs_session_save(s, b.at, b.n, &n));
    IS(LLMCS_BUSY, llmcs_session_restore(s, b.at, b.n));
    ll_session_leave(s);
    llmcs_session_cancel(s); /* is for the next call that works: these take no notice of it */
    IS(LLMCS_OK, llmcs_session_restore(s, b.at, b.n));
    is_saved_as(s, b);
    IS(LLMCS_CANCELLED, llmcs_session_eval(s, text, 1, LLMCS_LOGITS_LAST));
    free(small);
    free(b.at);
    llmcs_session_free(&s);
    llmcs_model_free(&m);
}
END_TEST

typedef struct inside {
    llmcs_session *session;
    blob bytes;
    llmcs_status save, restore;
} inside;

static int on_token(void *user, int32_t id) {
    inside *in = user;
    size_t n;
    in->save = llmcs_session_save(in->session, NULL, 0, &n);
    in->restore = llmcs_session_restore(in->session, in->bytes.at, in->bytes.n);
    return id < 0;
}

START_TEST(onto_a_session_that_is_generating) {
    llmcs_model *m = open_model(folders[0], 1);
    llmcs_session *s = session_with(m, 5, LLMCS_LOGITS_LAST);
    inside in = {s, save(s), LLMCS_OK, LLMCS_OK};
    llmcs_generate_params p;
    llmcs_generate_params_init(&p, NULL);
    p.max_new_tokens = 2;
    llmcs_result *r;
    IS(LLMCS_OK, llmcs_generate_ids(s, text, 5, &p, on_token, &in, &r));
    IS(LLMCS_BUSY, in.save);
    IS(LLMCS_BUSY, in.restore);
    llmcs_result_free(&r);
    free(in.bytes.at);
    llmcs_session_free(&s);
    llmcs_model_free(&m);
}
END_TEST

START_TEST(in_a_child_of_fork) {
    llmcs_model *m = open_model(folders[0], 1);
    llmcs_session *s = session_with(m, 5, LLMCS_LOGITS_LAST);
    blob b = save(s);
    int status;
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        size_t n;
        _exit(llmcs_session_save(s, b.at, b.n, &n) == LLMCS_FORK && llmcs_session_restore(s, b.at, b.n) == LLMCS_FORK
                  ? 0
                  : 1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    free(b.at);
    llmcs_session_free(&s);
    llmcs_model_free(&m);
}
END_TEST

/* With every allocation failing: neither call allocates any memory, the first of a model included. */
START_TEST(no_memory_is_taken) {
    fail_alloc faults;
    fail_alloc_init(&faults);
    llmcs_allocator failing = fail_alloc_get(&faults);
    llmcs_model_options o;
    llmcs_model_options_init(&o);
    o.allocator = &failing;
    o.n_threads = 1;
    llmcs_model *m;
    IS(LLMCS_OK, llmcs_model_open(folders[0], &o, &m));
    llmcs_session *a = session_with(m, 50, LLMCS_LOGITS_ALL), *b = session_with(m, 60, LLMCS_LOGITS_ALL);
    long calls = faults.calls;
    faults.fail_after = true;
    faults.fail_at = calls;
    blob bytes = save(a);
    IS(LLMCS_OK, llmcs_session_restore(b, bytes.at, bytes.n));
    is_saved_as(b, bytes);
    bytes.at[70] ^= 1;
    IS(LLMCS_FORMAT, llmcs_session_restore(b, bytes.at, bytes.n));
    ck_assert_int_eq(faults.calls, calls);
    free(bytes.at);
    llmcs_session_free(&a);
    llmcs_session_free(&b);
    llmcs_model_free(&m);
    ck_assert_int_eq(faults.live, 0);
}
END_TEST

typedef struct worker {
    llmcs_session *session;
    const unsigned char *expected;
    unsigned char *bytes;
    size_t n;
    bool right;
} worker;

static void *save_and_restore(void *user) {
    worker *w = user;
    size_t n;
    w->right = true;
    for (int i = 0; i < 20 && w->right; i++)
        w->right = !llmcs_session_save(w->session, w->bytes, w->n, &n) && n == w->n &&
                   memcmp(w->bytes, w->expected, n) == 0 && !llmcs_session_restore(w->session, w->expected, n);
    return NULL;
}

/* All at once on a model whose fingerprint was never computed. */
START_TEST(many_threads) {
    llmcs_model *m = open_model(folders[0], 1), *same = open_model(folders[0], 1);
    llmcs_session *s = session_with(same, 45, LLMCS_LOGITS_LAST);
    blob expected = save(s);
    worker workers[8];
    pthread_t threads[8];
    for (size_t i = 0; i < 8; i++) {
        workers[i] =
            (worker){session_with(m, 45, LLMCS_LOGITS_LAST), expected.at, malloc(expected.n), expected.n, false};
        ck_assert_ptr_nonnull(workers[i].bytes);
    }
    for (size_t i = 0; i < 8; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, save_and_restore, &workers[i]), 0);
    for (size_t i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
        ck_assert(workers[i].right);
        free(workers[i].bytes);
        llmcs_session_free(&workers[i].session);
    }
    free(expected.at);
    llmcs_session_free(&s);
    llmcs_model_free(&same);
    llmcs_model_free(&m);
}
END_TEST

/* ---------------------------------------------------------------------------------------------- of which model */

/* What restoring `b` into a new session of `m` says; with OK the session is what was saved. */
static llmcs_status offer(llmcs_model *m, blob b) {
    llmcs_session *s = session_with(m, 3, LLMCS_LOGITS_LAST);
    blob before = save(s);
    llmcs_status st = llmcs_session_restore(s, b.at, b.n);
    is_saved_as(s, st ? before : b);
    free(before.at);
    llmcs_session_free(&s);
    return st;
}

static blob bytes_of(llmcs_model *m) {
    llmcs_session *s = session_with(m, 20, LLMCS_LOGITS_LAST);
    blob b = save(s);
    llmcs_session_free(&s);
    return b;
}

START_TEST(the_same_model_however_it_runs) {
    static const llmcs_weights weights[] = {LLMCS_WEIGHTS_F32, LLMCS_WEIGHTS_F16, LLMCS_WEIGHTS_BF16,
                                            LLMCS_WEIGHTS_INT8, LLMCS_WEIGHTS_INT4};
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_rows = all_kernels(sets);
    llmcs_model *m = open_model_kept(folders[0], 1, weights[_i], LLMCS_KV_AUTO);
    blob b = bytes_of(m);
    for (int32_t n_threads = 1; n_threads <= 4; n_threads++) {
        llmcs_model *again = open_model_kept(folders[0], n_threads, weights[_i], LLMCS_KV_AUTO);
        IS(LLMCS_OK, offer(again, b));
        llmcs_model_free(&again);
    }
    for (size_t r = 0; r < n_rows; r++) {
        setenv("LLMCS_CPU", sets[r]->name, 1);
        llmcs_model *other = open_model_kept(folders[0], 1, weights[_i], LLMCS_KV_AUTO);
        IS(LLMCS_OK, offer(other, b));
        llmcs_model_free(&other);
    }
    free(b.at);
    llmcs_model_free(&m);
}
END_TEST

START_TEST(kept_as_another_type) {
    static const llmcs_weights weights[] = {LLMCS_WEIGHTS_F32, LLMCS_WEIGHTS_F16, LLMCS_WEIGHTS_BF16,
                                            LLMCS_WEIGHTS_INT8, LLMCS_WEIGHTS_INT4};
    for (size_t kv = 0; kv < 2; kv++) {
        llmcs_model *m = open_model_with_kv(folders[0], 1, kv_types[kv]);
        blob b = bytes_of(m);
        for (size_t i = 0; i < 10; i++) {
            llmcs_model *other = open_model_kept(folders[0], 1, weights[i / 2], kv_types[i % 2]);
            IS(i == kv ? LLMCS_OK : LLMCS_STATE, offer(other, b));
            llmcs_model_free(&other);
        }
        free(b.at);
        llmcs_model_free(&m);
    }
}
END_TEST

START_TEST(a_model_of_other_sizes) {
    static const char *const others[] = {"gpt2-odd-head", "gpt2-untied"};
    llmcs_model *m = open_model(folders[0], 1), *heads = open_model(folders[1], 1);
    blob b = bytes_of(m);
    IS(LLMCS_STATE, offer(heads, b));
    for (size_t i = 0; i < 2; i++) {
        llmcs_model *other = open_golden(others[i], 1);
        llmcs_session *s = open_session(other);
        IS(LLMCS_STATE, llmcs_session_restore(s, b.at, b.n));
        ck_assert_uint_eq(n_held(s), 0);
        llmcs_session_free(&s);
        llmcs_model_free(&other);
    }
    free(b.at);
    llmcs_model_free(&m);
    llmcs_model_free(&heads);
}
END_TEST

static llmcs_model *open_changed(const checkpoint *c) {
    char folder[TEMP_PATH_BYTES];
    temp_folder(folder);
    checkpoint_write(c, folder, 1);
    llmcs_model *m = open_model(folder, 1);
    temp_remove(folder);
    return m;
}

/* A number of the configuration that shows in no shape. */
START_TEST(another_configuration) {
    static const char *const changes[][2] = {
        {"layer_norm_epsilon", "1e-6"}, {"activation_function", "\"relu\""}, {"scale_attn_weights", "false"}};
    llmcs_model *m = open_model(folders[0], 1);
    blob b = bytes_of(m);
    for (size_t i = 0; i < 3; i++) {
        checkpoint *c = long_gpt2(N_CTX);
        checkpoint_set(c, changes[i][0], changes[i][1]);
        llmcs_model *other = open_changed(c);
        IS(LLMCS_STATE, offer(other, b));
        llmcs_model_free(&other);
        checkpoint_free(c);
    }
    free(b.at);
    llmcs_model_free(&m);
}
END_TEST

/* Every tensor, all of it a little changed; and of every matrix and table one row and one column alone. */
static void check_changes(checkpoint *c, blob b) {
    size_t n_tensors = c->n_tensors;
    for (size_t i = 0; i < n_tensors; i++) {
        stored_tensor *t = &c->tensors[i];
        size_t columns = (size_t)t->shape[t->rank - 1], n = t->n_bytes / 4, rows = n / columns;
        float *x = (float *)(void *)t->data, *kept = malloc(t->n_bytes);
        ck_assert_ptr_nonnull(kept);
        memcpy(kept, x, t->n_bytes);
        for (int what = 0; what < (t->rank == 2 ? 3 : 1); what++) {
            for (size_t k = 0; k < n; k++)
                if (what == 0 || (what == 1 && k / columns == rows / 2) || (what == 2 && k % columns == columns / 3))
                    x[k] += 1e-3f;
            llmcs_model *other = open_changed(c);
            llmcs_status st = offer(other, b);
            ck_assert_msg(st == LLMCS_STATE, "%s, change %d: %s", t->name, what, llmcs_status_name(st));
            llmcs_model_free(&other);
            memcpy(x, kept, t->n_bytes);
        }
        free(kept);
    }
}

START_TEST(other_weights) {
    checkpoint *c = _i ? checkpoint_read(GOLDEN_FOLDER "gpt2-untied") : checkpoint_read(GOLDEN_FOLDER "gpt2-tiny");
    for (size_t i = 0; i < N_CTX; i++) text[i] %= 97; /* gpt2-untied's vocabulary */
    llmcs_model *m = open_changed(c);
    blob b = bytes_of(m);
    check_changes(c, b);
    llmcs_model *same = open_changed(c);
    IS(LLMCS_OK, offer(same, b));
    free(b.at);
    llmcs_model_free(&same);
    llmcs_model_free(&m);
    checkpoint_free(c);
}
END_TEST

/* -------------------------------------------------------------------------------------------------- bad bytes */

static void put(blob b, size_t at, uint64_t value, size_t n_bytes) {
    for (size_t i = 0; i < n_bytes; i++) b.at[at + i] = (unsigned char)(value >> (8 * i));
}

static void sum_up(blob b) { put(b, b.n - 8, ll_xxh64(b.at, b.n - 8, 0), 8); }

/* `n` bytes at the end of an allocation of their own, so that a sanitizer sees any read behind them. */
static llmcs_status offer_exactly(llmcs_session *s, const unsigned char *bytes, size_t n) {
    unsigned char *exact = malloc(n + !n);
    ck_assert_ptr_nonnull(exact);
    memcpy(exact, bytes, n);
    llmcs_status st = llmcs_session_restore(s, exact, n);
    free(exact);
    return st;
}

typedef struct victim {
    llmcs_model *model;
    llmcs_session *session;
    blob before, good;
} victim;

static victim make_victim(void) {
    victim v = {.model = open_model(folders[0], 1)};
    v.session = session_with(v.model, 4, LLMCS_LOGITS_LAST);
    llmcs_session *s = session_with(v.model, 3, LLMCS_LOGITS_LAST);
    v.before = save(v.session);
    v.good = save(s);
    llmcs_session_free(&s);
    return v;
}

static void free_victim(victim *v) {
    is_saved_as(v->session, v->before);
    IS(LLMCS_OK, llmcs_session_restore(v->session, v->good.at, v->good.n));
    free(v->before.at);
    free(v->good.at);
    llmcs_session_free(&v->session);
    llmcs_model_free(&v->model);
}

static void refused(victim *v, const unsigned char *bytes, size_t n, llmcs_status expected, const char *what) {
    llmcs_status st = offer_exactly(v->session, bytes, n);
    ck_assert_msg(st == expected, "%s: %s (%s)", what, llmcs_status_name(st), llmcs_error_message());
    ck_assert_uint_gt(strlen(llmcs_error_message()), 20);
}

START_TEST(every_truncation) {
    victim v = make_victim();
    for (size_t n = 0; n < v.good.n; n += suite_step(7)) refused(&v, v.good.at, n, LLMCS_FORMAT, "cut");
    unsigned char *longer = calloc(1, v.good.n + 9);
    ck_assert_ptr_nonnull(longer);
    memcpy(longer, v.good.at, v.good.n);
    refused(&v, longer, v.good.n + 1, LLMCS_FORMAT, "longer");
    refused(&v, longer, v.good.n + 9, LLMCS_FORMAT, "longer");
    free(longer);
    free_victim(&v);
}
END_TEST

START_TEST(every_flipped_bit) {
    victim v = make_victim();
    for (size_t bit = 0; bit < 8 * v.good.n; bit += suite_step(7)) {
        v.good.at[bit / 8] ^= (unsigned char)(1 << bit % 8);
        IS(LLMCS_FORMAT, llmcs_session_restore(v.session, v.good.at, v.good.n));
        v.good.at[bit / 8] ^= (unsigned char)(1 << bit % 8);
        if (bit % 512 == 0) is_saved_as(v.session, v.before);
    }
    free_victim(&v);
}
END_TEST

/* Numbers set by somebody who knows how to make the checksum. */
START_TEST(lies_with_a_right_checksum) {
    static const struct {
        const char *what;
        size_t at, n_bytes;
        uint64_t value;
        llmcs_status expected;
        const char *word; /* of the message */
    } lies[] = {
        {"magic", 0, 1, 'L', LLMCS_FORMAT, "offset 0"},
        {"version 0", VERSION, 4, 0, LLMCS_FORMAT, "offset 8: the version is 0, expected 1"},
        {"version 2", VERSION, 4, 2, LLMCS_FORMAT, "version"},
        {"flags", FLAGS, 4, 5, LLMCS_FORMAT, "offset 12"},
        {"a source of a model without an encoder", FLAGS, 4, 3, LLMCS_FORMAT, "length"},
        {"a flag at the top", FLAGS, 4, 0x80000001u, LLMCS_FORMAT, "flags"},
        {"no logits", FLAGS, 4, 0, LLMCS_FORMAT, "offset 16: the length"},
        {"length 0", LENGTH, 8, 0, LLMCS_FORMAT, "length"},
        {"length of all", LENGTH, 8, UINT64_MAX, LLMCS_FORMAT, "length"},
        {"fingerprint", FINGERPRINT, 8, 1, LLMCS_STATE, "fingerprint 0000000000000001"},
        {"vocabulary", VOCAB_SIZE, 4, 256, LLMCS_FORMAT, "length"},
        {"no vocabulary", VOCAB_SIZE, 4, 0, LLMCS_FORMAT, "length"},
        {"layers", N_LAYER, 4, 2, LLMCS_FORMAT, "length"},
        {"no layers", N_LAYER, 4, 0, LLMCS_FORMAT, "length"},
        {"layers whose product wraps", N_LAYER, 4, 0x80000000u, LLMCS_FORMAT, "length"},
        {"heads", N_HEAD, 4, UINT32_MAX, LLMCS_FORMAT, "length"},
        {"head_dim", HEAD_DIM, 4, UINT32_MAX, LLMCS_FORMAT, "length"},
        {"float16", NUMBER_BYTES, 4, 2, LLMCS_FORMAT, "length"},
        {"numbers of 0 bytes", NUMBER_BYTES, 4, 0, LLMCS_FORMAT, "offset 48"},
        {"numbers of 8 bytes", NUMBER_BYTES, 4, 8, LLMCS_FORMAT, "offset 48"},
        {"blocks of 16", BLOCK_TOKENS, 4, 16, LLMCS_FORMAT, "offset 52"},
        {"no tokens", N_TOKENS, 8, 0, LLMCS_FORMAT, "no token"},
        {"more tokens", N_TOKENS, 8, 4, LLMCS_FORMAT, "length"},
        {"2^60 tokens", N_TOKENS, 8, (uint64_t)1 << 60, LLMCS_FORMAT, "offset 56"},
        {"all tokens there are", N_TOKENS, 8, UINT64_MAX, LLMCS_FORMAT, "offset 56"},
        {"a token of no vocabulary", HEADER + 4, 4, VOCAB, LLMCS_FORMAT, "offset 68: token 257, expected 0 to 256"},
        {"a negative token", HEADER + 8, 4, UINT32_MAX, LLMCS_FORMAT, "offset 72: token -1"},
        {"a logit that is no number", HEADER + 12, 4, 0x7fc00000u, LLMCS_FORMAT, "offset 76: logit 0"},
        {"an infinite logit", HEADER + 12 + 4 * 256, 4, 0xff800000u, LLMCS_FORMAT, "logit 256"},
    };
    victim v = make_victim();
    blob b = {malloc(v.good.n), v.good.n};
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        memcpy(b.at, v.good.at, b.n);
        put(b, lies[i].at, lies[i].value, lies[i].n_bytes);
        sum_up(b);
        refused(&v, b.at, b.n, lies[i].expected, lies[i].what);
        ck_assert_msg(strstr(llmcs_error_message(), lies[i].word) != NULL, "%s: %s", lies[i].what,
                      llmcs_error_message());
        is_saved_as(v.session, v.before);
    }
    free(b.at);
    free_victim(&v);
}
END_TEST

/* Sizes that belong together, of a model that is not this one, and one that wraps 64 bits to just this length. */
START_TEST(lies_that_add_up) {
    victim v = make_victim();
    blob b = {calloc(1, 72 + 8), 72 + 8};
    ck_assert_ptr_nonnull(b.at);
    memcpy(b.at, v.good.at, HEADER);
    put(b, LENGTH, b.n, 8);
    put(b, FLAGS, 0, 4);
    put(b, N_LAYER, 0, 4);
    put(b, N_TOKENS, 2, 8);
    sum_up(b);
    refused(&v, b.at, b.n, LLMCS_STATE, "no layers, two tokens");
    /* (2 * 2^30 * 2^30 * 2 * 4 + 4) * n: the product is 2^64 and wraps to 4 a token. */
    put(b, N_LAYER, 1u << 30, 4);
    put(b, N_HEAD, 1u << 30, 4);
    put(b, HEAD_DIM, 2, 4);
    sum_up(b);
    refused(&v, b.at, b.n, LLMCS_FORMAT, "a product that wraps");
    put(b, N_LAYER, 1u << 30, 4);
    put(b, HEAD_DIM, 1, 4);
    sum_up(b);
    refused(&v, b.at, b.n, LLMCS_FORMAT, "a product with the tokens that wraps");
    free(b.at);
    free_victim(&v);
}
END_TEST

/* Keys and values may be anything: what they come to is told by the pass. */
START_TEST(keys_that_are_no_numbers) {
    llmcs_model *m = open_model_with_kv(folders[0], 2, kv_types[_i]);
    llmcs_session *s = session_with(m, 40, LLMCS_LOGITS_NONE);
    blob good = save(s), bad = {malloc(good.n), good.n};
    ck_assert_ptr_nonnull(bad.at);
    for (int byte = 0; byte < 256; byte += 0x7f) {
        memcpy(bad.at, good.at, good.n);
        memset(bad.at + HEADER + 40 * 4, byte, bad.n - 8 - HEADER - 40 * 4);
        sum_up(bad);
        IS(LLMCS_OK, llmcs_session_restore(s, bad.at, bad.n));
        is_saved_as(s, bad);
        llmcs_status st = llmcs_session_eval(s, text + 40, 3, LLMCS_LOGITS_ALL);
        ck_assert_msg(st == LLMCS_NUMERIC || st == LLMCS_OK, "%s", llmcs_error_message());
    }
    IS(LLMCS_OK, llmcs_session_restore(s, good.at, good.n));
    is_saved_as(s, good);
    free(good.at);
    free(bad.at);
    llmcs_session_free(&s);
    llmcs_model_free(&m);
}
END_TEST

START_TEST(every_kernel_set_of_this_build_runs_here) { name_kernel_sets_that_cannot_run(); }
END_TEST

static void add(TCase *t) {
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, every_kernel_set_of_this_build_runs_here);
    tcase_add_loop_test(t, goes_on_as_the_other_would, 0, 4);
    tcase_add_loop_test(t, generates_as_the_other_would, 0, 2);
    tcase_add_test(t, an_empty_session);
    tcase_add_loop_test(t, equal_sessions_are_equal_bytes, 0, 4);
    tcase_add_test(t, a_session_of_fewer_tokens);
    tcase_add_test(t, what_the_caller_may_do_wrong);
    tcase_add_test(t, onto_a_session_that_is_generating);
    tcase_add_test(t, in_a_child_of_fork);
    tcase_add_test(t, no_memory_is_taken);
    tcase_add_test(t, many_threads);
    tcase_add_loop_test(t, the_same_model_however_it_runs, 0, 5);
    tcase_add_test(t, kept_as_another_type);
    tcase_add_test(t, a_model_of_other_sizes);
    tcase_add_test(t, another_configuration);
    tcase_add_loop_test(t, other_weights, 0, 2);
    tcase_add_test(t, every_truncation);
    tcase_add_test(t, every_flipped_bit);
    tcase_add_test(t, lies_with_a_right_checksum);
    tcase_add_test(t, lies_that_add_up);
    tcase_add_loop_test(t, keys_that_are_no_numbers, 0, 2);
}

SUITE_MAIN("runtime/session_bytes", add)
