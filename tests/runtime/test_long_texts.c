/* Encoders that take thousands of tokens: the workspace grows with the longest text, and a text has the same bits
 * whichever texts, of this thread or another one, came before it. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/edit.h"
#include "support/fail_alloc.h"
#include "support/model_fixture.h"
#include "support/suite.h"

#define DATA "tests/data/encoders/gte"
enum { WIDTH = 24, N_TEXTS = 5, LONGEST = 1500, N_THREADS = 4 };

static const size_t lengths[N_TEXTS] = {10, 700, 30, LONGEST, 513};
static char folder[TEMP_PATH_BYTES];
static int32_t ids[LONGEST];
static float expected[N_TEXTS][LONGEST * WIDTH];

/* Its rotations need no table of positions. */
static void set_up(void) {
    size_t n = 0;
    temp_folder(folder);
    char *config = edit_read(DATA "/config.json", &n), *weights = realpath(DATA "/model.safetensors", NULL);
    ck_assert(config && weights);
    ck_assert(edit_write(temp_path(folder, "config.json"), config, n, "\"max_position_embeddings\": 64",
                         "\"max_position_embeddings\": 4000", 31));
    ck_assert_int_eq(symlink(weights, temp_path(folder, "model.safetensors")), 0);
    free(config);
    free(weights);
    for (size_t i = 0; i < LONGEST; i++) ids[i] = 2 + (int32_t)(i * i % 59);
}

static void tear_down(void) { temp_remove(folder); }

static void eval(llmcs_model *m, size_t text, float *hidden) {
    llmcs_encoder_outputs o = {.struct_size = sizeof o, .hidden = hidden};
    ck_assert_msg(!llmcs_encoder_eval(m, ids, NULL, &lengths[text], 1, &o), "%s", llmcs_error_message());
}

typedef struct caller {
    llmcs_model *model;
    size_t first;
    bool same;
} caller;

static void *call_in_turn(void *arg) {
    caller *c = arg;
    float *hidden = malloc(LONGEST * WIDTH * sizeof *hidden);
    c->same = hidden != NULL;
    for (size_t i = 0; hidden && i < N_TEXTS; i++) {
        const size_t text = (c->first + 2 * i) % N_TEXTS;
        llmcs_encoder_outputs o = {.struct_size = sizeof o, .hidden = hidden};
        if (llmcs_encoder_eval(c->model, ids, NULL, &lengths[text], 1, &o) ||
            memcmp(hidden, expected[text], lengths[text] * WIDTH * sizeof *hidden) != 0)
            c->same = false;
    }
    free(hidden);
    return NULL;
}

START_TEST(any_order_gives_the_same_bits) {
    for (size_t i = 0; i < N_TEXTS; i++) {
        llmcs_model *alone = open_model(folder, 1);
        eval(alone, i, expected[i]);
        llmcs_model_free(&alone);
    }
    for (int32_t n_threads = 1; n_threads <= 2; n_threads++) {
        pthread_t threads[N_THREADS];
        caller callers[N_THREADS];
        llmcs_model *m = open_model(folder, n_threads);
        for (size_t i = 0; i < N_THREADS; i++) {
            callers[i] = (caller){m, i, false};
            ck_assert_int_eq(pthread_create(&threads[i], NULL, call_in_turn, &callers[i]), 0);
        }
        for (size_t i = 0; i < N_THREADS; i++) {
            pthread_join(threads[i], NULL);
            ck_assert_msg(callers[i].same, "thread %zu of a model with %d", i, (int)n_threads);
        }
        llmcs_model_free(&m);
    }
}
END_TEST

START_TEST(short_texts_take_little_memory) {
    static float hidden[LONGEST * WIDTH];
    fail_alloc f;
    fail_alloc_init(&f);
    f.fail_at = -1;
    llmcs_allocator a = fail_alloc_get(&f);
    llmcs_model_options o;
    llmcs_model *m = NULL;
    llmcs_plan_info plan = {.struct_size = sizeof plan};
    llmcs_model_options_init(&o);
    o.n_threads = 1;
    o.allocator = &a;
    ck_assert_int_eq(llmcs_plan(folder, &o, NULL, &plan), LLMCS_OK);
    ck_assert_int_eq(llmcs_model_open(folder, &o, &m), LLMCS_OK);
    const uint64_t of_model = (uint64_t)f.live_bytes;
    eval(m, 0, hidden);
    ck_assert_uint_lt((uint64_t)f.live_bytes - of_model, plan.encoder_bytes / 4);
    eval(m, 3, hidden);
    ck_assert_uint_gt((uint64_t)f.live_bytes - of_model, plan.encoder_bytes / 4);
    ck_assert_uint_le((uint64_t)f.live_bytes - of_model, plan.encoder_bytes);
    llmcs_model_free(&m);
    ck_assert_int_eq(f.live, 0);
}
END_TEST

static void add(TCase *t) {
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, any_order_gives_the_same_bits);
    tcase_add_test(t, short_texts_take_little_memory);
}

SUITE_MAIN("runtime/long_texts", add)
