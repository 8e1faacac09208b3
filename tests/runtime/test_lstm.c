/* LSTM language models: states in sessions and engines, settings and tensors that are refused, failing allocations.
 * What they compute is in tests/data/golden (test_golden, test_generate_golden, test_decoders). */
#include <math.h>

#include "base/xxh64.h"
#include "runtime/generate_case.h"
#include "support/edit.h"
#include "support/fail_alloc.h"
#include "support/model_fixture.h"
#include "support/random.h"

#define TORCH "tests/data/golden/lstm-torch"
#define KERAS "tests/data/golden/lstm-keras"
#define ONNX "tests/data/golden/lstm-onnx"
#define WINDOW "tests/data/golden/lstm-window"
#define VOCAB 60 /* of the smallest */

static uint64_t printed_seed(void) {
    const uint64_t seed = 20261129;
    printf("seed %llu\n", (unsigned long long)seed);
    return seed;
}

static void random_ids(uint64_t *seed, int32_t *ids, size_t n) {
    for (size_t i = 0; i < n; i++) ids[i] = (int32_t)(3 + random_below(seed, VOCAB - 3));
}

static size_t last_logits(llmcs_session *s, const int32_t *ids, size_t n_ids, float *out) {
    const float *logits;
    size_t n_rows;
    OK(llmcs_session_eval(s, ids, n_ids, LLMCS_LOGITS_LAST));
    OK(llmcs_session_logits(s, &logits, &n_rows));
    memcpy(out, logits, VOCAB * sizeof *out);
    return VOCAB * sizeof *out;
}

/* ----------------------------------------------------------------------------------------------------- states */

/* The state after every token is kept: a session continues from any of them, and so does its copy. */
START_TEST(sessions_rewind_and_fork) {
    static const char *const folders[] = {TORCH, KERAS, ONNX, WINDOW};
    uint64_t seed = printed_seed();
    for (size_t f = 0; f < 4; f++) {
        int32_t ids[50], others[20];
        float expected[VOCAB], found[VOCAB];
        llmcs_model *m = open_with(folders[f], 2, NULL);
        llmcs_session *s = new_session(m), *copy = NULL;
        random_ids(&seed, ids, 50);
        random_ids(&seed, others, 20);
        last_logits(s, ids, 50, expected);
        for (size_t kept = 0; kept < 50; kept += 1 + random_below(&seed, 12)) {
            OK(llmcs_session_rewind(s, kept));
            last_logits(s, others, 50 - kept < 20 ? 50 - kept : 20, found);
            ck_assert_int_ne(memcmp(expected, found, sizeof found), 0);
            OK(llmcs_session_rewind(s, kept));
            OK(llmcs_session_fork(s, &copy));
            const size_t n = last_logits(copy, ids + kept, 50 - kept, found);
            ck_assert_msg(memcmp(expected, found, n) == 0, "a copy from token %zu", kept);
            llmcs_session_free(&copy);
            last_logits(s, ids + kept, 50 - kept, found);
            ck_assert_msg(memcmp(expected, found, n) == 0, "from token %zu", kept);
        }
        llmcs_session_free(&s);
        llmcs_model_free(&m);
    }
}
END_TEST

/* A pad token leaves the state as it was where config.json says so, and only there. */
START_TEST(pad_tokens_are_skipped) {
    static const int32_t plain[] = {7, 8, 9}, padded[] = {5, 7, 5, 5, 8, 9, 5};
    float expected[VOCAB], found[VOCAB];
    for (int skips = 0; skips < 2; skips++) {
        llmcs_model *m = open_with(skips ? ONNX : TORCH, 1, NULL);
        llmcs_session *s = new_session(m);
        const size_t n = last_logits(s, plain, 3, expected);
        OK(llmcs_session_rewind(s, 0));
        last_logits(s, padded, 7, found);
        ck_assert_int_eq(memcmp(expected, found, n) == 0, skips);
        llmcs_session_free(&s);
        llmcs_model_free(&m);
    }
}
END_TEST

/* Of a model with a window a session holds the ids of its tokens twice. Bytes that were changed and signed again are
 * safe: what is no id is passed over. */
START_TEST(restored_ids_are_checked) {
    static const int32_t ids[] = {7, 8, 9, 10};
    static const float bad[] = {-1, 61, 1e30f, NAN, INFINITY, 0.5f};
    unsigned char bytes[1024];
    float plain[VOCAB], found[VOCAB];
    size_t n_bytes;
    llmcs_model *m = open_with(WINDOW, 1, NULL);
    llmcs_session *s = new_session(m);
    OK(llmcs_session_eval(s, ids, 4, LLMCS_LOGITS_NONE));
    OK(llmcs_session_save(s, bytes, sizeof bytes, &n_bytes));
    ck_assert_uint_eq(n_bytes, 72 + 4 * (4 + 2 * 4));
    last_logits(s, ids, 1, plain);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const size_t at = n_bytes - 8 - 4 * 2 * sizeof(float); /* the first id among the states */
        memcpy(bytes + at, &bad[i], sizeof bad[i]);
        const uint64_t sum = ll_xxh64(bytes, n_bytes - 8, 0);
        memcpy(bytes + n_bytes - 8, &sum, sizeof sum);
        OK(llmcs_session_restore(s, bytes, n_bytes));
        last_logits(s, ids, 1, found);
        ck_assert_int_ne(memcmp(plain, found, sizeof found), 0);
    }
    llmcs_session_free(&s);
    llmcs_model_free(&m);
}
END_TEST

/* ----------------------------------------------------------------------------------------------------- engine */

enum { N_REQUESTS = 12 };

/* Prompts of different lengths in one step, shared prefixes, beams, samples, draft tokens: each as alone. */
START_TEST(requests_together_answer_as_alone) {
    static const llmcs_weights weights[] = {LLMCS_WEIGHTS_F32, LLMCS_WEIGHTS_INT8};
    static const char *const folders[] = {TORCH, KERAS, WINDOW};
    uint64_t seed = printed_seed();
    for (size_t w = 0; w < 2; w++) {
        llmcs_model *m = open_model_kept(folders[_i], 2, weights[w], LLMCS_KV_AUTO);
        int32_t ids[N_REQUESTS][40], common[40];
        llmcs_result *alone[N_REQUESTS], *together;
        llmcs_request *requests[N_REQUESTS];
        llmcs_engine_options o;
        llmcs_engine *engine = NULL;
        llmcs_engine_options_init(&o);
        OK(llmcs_engine_create(m, &o, &engine));
        random_ids(&seed, common, 40);
        for (size_t i = 0; i < N_REQUESTS; i++) {
            const size_t n = 1 + random_below(&seed, 40), n_common = random_below(&seed, n);
            llmcs_generate_params p = defaults(20);
            random_ids(&seed, ids[i], n);
            memcpy(ids[i], common, n_common * sizeof *common);
            p.seed = i;
            p.do_sample = i % 4 == 1;
            if (i % 4 == 1) p.num_return_sequences = 2;
            if (i % 4 == 2) p.num_beams = 3;
            if (i % 4 == 3) p.prompt_lookup_num_tokens = 4;
            llmcs_session *s = new_session(m);
            alone[i] = generate_ids(s, ids[i], n, &p);
            llmcs_session_free(&s);
            OK(llmcs_engine_submit_ids(engine, ids[i], n, &p, NULL, &requests[i]));
        }
        for (size_t i = 0; i < N_REQUESTS; i++) {
            OK(llmcs_request_wait(requests[i], -1, &together));
            same_result(alone[i], together);
            llmcs_result_free(&together);
            llmcs_result_free(&alone[i]);
            llmcs_request_free(&requests[i]);
        }
        llmcs_engine_free(&engine);
        llmcs_model_free(&m);
    }
}
END_TEST

/* ---------------------------------------------------------------------------------------------------- bad files */

/* A copy of a golden folder whose config.json has `to` for `from`. */
static void edited_folder(char folder[TEMP_PATH_BYTES], const char *source, const char *from, const char *to) {
    char path[256];
    size_t n = 0;
    temp_folder(folder);
    snprintf(path, sizeof path, "%s/model.safetensors", source);
    char *data = edit_read(path, &n);
    temp_write(folder, "model.safetensors", data, n);
    free(data);
    snprintf(path, sizeof path, "%s/config.json", source);
    data = edit_read(path, &n);
    ck_assert_msg(edit_write(temp_path(folder, "config.json"), data, n, from, to, strlen(to)), "%s", from);
    free(data);
}

START_TEST(bad_folders_are_named) {
    static const struct {
        const char *source, *from, *to;
        llmcs_status status;
        const char *says;
    } cases[] = {
        {TORCH, "\"hidden_size\": 24", "\"hidden_size\": 23", LLMCS_CONFIG, "weight_ih_l0"},
        {TORCH, "\"hidden_size\": 24", "\"hidden_size\": 0", LLMCS_CONFIG, "hidden_size"},
        {TORCH, "\"hidden_size\": 24", "\"hidden_size\": 1048577", LLMCS_LIMIT, "hidden_size"},
        {TORCH, "\"hidden_size\": 24,", "", LLMCS_CONFIG, "hidden_size is missing"},
        {TORCH, "\"embedding_size\": 20", "\"embedding_size\": 21", LLMCS_CONFIG, "weight_ih_l0"},
        {TORCH, "\"num_layers\": 3", "\"num_layers\": 4", LLMCS_FORMAT, "weight_ih_l3"},
        {TORCH, "\"num_layers\": 3", "\"num_layers\": 2147483647", LLMCS_FORMAT, "weight_ih_l3"},
        {TORCH, "\"vocab_size\": 70", "\"vocab_size\": 71", LLMCS_CONFIG, "embedding.weight"},
        {TORCH, "\"gate_order\": \"ifgo\"", "\"gate_order\": \"gifo\"", LLMCS_UNSUPPORTED, "gate_order"},
        {TORCH, "\"gate_order\": \"ifgo\"", "\"gate_order\": 1", LLMCS_CONFIG, "gate_order"},
        {TORCH, "\"gate_order\"", "\"bidirectional\": true, \"gate_order\"", LLMCS_UNSUPPORTED, "bidirectional"},
        {TORCH, "\"gate_order\"", "\"proj_size\": 5, \"gate_order\"", LLMCS_UNSUPPORTED, "proj_size"},
        {TORCH, "\"gate_order\"", "\"use_bias\": false, \"gate_order\"", LLMCS_CONFIG, "bias_ih_l0"},
        {TORCH, "\"gate_order\"", "\"head_bias\": false, \"gate_order\"", LLMCS_CONFIG, "lm_head.bias"},
        {TORCH, "\"gate_order\"", "\"tie_word_embeddings\": true, \"gate_order\"", LLMCS_CONFIG, "embedding_size"},
        {TORCH, "\"gate_order\"", "\"skip_pad_token\": true, \"gate_order\"", LLMCS_CONFIG, "pad_token_id"},
        {TORCH, "LSTMLMHeadModel", "LSTMForMaskedLM", LLMCS_UNSUPPORTED, "LSTMLMHeadModel"},
        {KERAS, "\"activation\": \"tanh\"", "\"activation\": \"relu\"", LLMCS_UNSUPPORTED, "activation"},
        {KERAS, "\"hard_sigmoid\"", "\"linear\"", LLMCS_UNSUPPORTED, "recurrent_activation"},
        {KERAS, "\"hidden_size\": 37", "\"hidden_size\": 36", LLMCS_CONFIG, "lstm.0.kernel"},
        {WINDOW, "\"window\": 7", "\"window\": 0", LLMCS_CONFIG, "window"},
        {WINDOW, "\"window\": 7", "\"window\": 1025", LLMCS_CONFIG, "window"},
        {WINDOW, "\"window\": 7", "\"window\": \"7\"", LLMCS_CONFIG, "window"},
        {WINDOW, "\"pad_token_id\": 12,\n \"skip_pad_token\": true", "\"skip_pad_token\": false", LLMCS_CONFIG,
         "window_padding"},
        {ONNX, "\"use_bias\": false", "\"use_bias\": true", LLMCS_FORMAT, "bias_ih_l0"},
        {ONNX, "\"head_bias\": false", "\"head_bias\": true", LLMCS_FORMAT, "lm_head.bias"},
        {ONNX, "\"tie_word_embeddings\": true", "\"tie_word_embeddings\": false", LLMCS_FORMAT, "lm_head.weight"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char folder[TEMP_PATH_BYTES];
        llmcs_model *m = NULL;
        edited_folder(folder, cases[i].source, cases[i].from, cases[i].to);
        FAILS(cases[i].status, cases[i].says, llmcs_model_open(folder, NULL, &m));
        temp_remove(folder);
    }
}
END_TEST

/* The longest sequence is the session's, whatever was trained; Keras' and ONNX' spellings of one order are one. */
START_TEST(settings_that_change_nothing) {
    static const char *const to[] = {"\"gate_order\": \"ifco\"", "\"dropout\": 0.5", "\"activation\": \"tanh\""};
    float expected[VOCAB], found[VOCAB];
    static const int32_t ids[] = {9, 8, 7};
    llmcs_model *m = open_with(TORCH, 1, NULL);
    llmcs_session *s = new_session(m);
    last_logits(s, ids, 3, expected);
    llmcs_session_free(&s);
    llmcs_model_free(&m);
    for (size_t i = 0; i < 3; i++) {
        char folder[TEMP_PATH_BYTES];
        edited_folder(folder, TORCH, "\"gate_order\": \"ifgo\"", to[i]);
        m = open_with(folder, 1, NULL);
        s = new_session(m);
        last_logits(s, ids, 3, found);
        ck_assert_mem_eq(expected, found, sizeof found);
        llmcs_session_free(&s);
        llmcs_model_free(&m);
        temp_remove(folder);
    }
}
END_TEST

/* ----------------------------------------------------------------------------------------------------- memory */

static llmcs_status open_and_generate(const llmcs_allocator *a) {
    static const int32_t ids[] = {9, 8, 7, 6, 5};
    llmcs_model_options o;
    llmcs_generate_params p = defaults(6);
    llmcs_model *m = NULL;
    llmcs_session *s = NULL;
    llmcs_result *r = NULL;
    llmcs_score_result score;
    llmcs_model_options_init(&o);
    o.allocator = a;
    o.n_threads = 1;
    p.num_beams = 2;
    llmcs_status st = llmcs_model_open(ONNX, &o, &m);
    if (!st) st = llmcs_session_create(m, NULL, &s);
    if (!st) st = llmcs_generate_ids(s, ids, 5, &p, NULL, NULL, &r);
    if (!st) st = llmcs_score_ids(s, ids, 2, ids + 2, 3, &score);
    llmcs_result_free(&r);
    llmcs_session_free(&s);
    llmcs_model_free(&m);
    return st;
}

START_TEST(every_failing_allocation_is_reported) {
    fail_alloc f;
    fail_alloc_init(&f);
    const llmcs_allocator a = fail_alloc_get(&f);
    long n = 0;
    llmcs_status st;
    do {
        f.fail_at = f.calls + n;
        st = open_and_generate(&a);
        const bool reached = f.calls > f.fail_at;
        ck_assert_msg(st == (reached ? LLMCS_NOMEM : LLMCS_OK), "allocation %ld: %s", n, llmcs_error_message());
        ck_assert_msg(f.live == 0, "allocation %ld: %ld are left", n, f.live);
    } while (st && ++n < 5000);
    ck_assert_int_ge(n, 30);
}
END_TEST

/* The plan says what is held. */
START_TEST(plans_are_what_is_held) {
    static const char *const folders[] = {TORCH, KERAS, ONNX, WINDOW};
    for (size_t i = 0; i < 4; i++) {
        fail_alloc f;
        fail_alloc_init(&f);
        const llmcs_allocator a = fail_alloc_get(&f);
        llmcs_plan_info plan = {.struct_size = sizeof plan};
        llmcs_model_options o;
        llmcs_model_options_init(&o);
        o.n_threads = 1;
        OK(llmcs_plan(folders[i], &o, NULL, &plan));
        llmcs_model *m = open_with(folders[i], 1, &a);
        const uint64_t of_model = (uint64_t)f.live_bytes;
        llmcs_session *s = new_session(m);
        const uint64_t of_session = (uint64_t)f.live_bytes - of_model;
        ck_assert_uint_eq(plan.session_bytes, of_session);
        ck_assert_uint_le(of_model, plan.model_bytes);
        ck_assert_uint_le(plan.model_bytes, of_model + 4096);
        llmcs_session_free(&s);
        llmcs_model_free(&m);
    }
}
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, sessions_rewind_and_fork);
    tcase_add_test(t, pad_tokens_are_skipped);
    tcase_add_test(t, restored_ids_are_checked);
    tcase_add_loop_test(t, requests_together_answer_as_alone, 0, 3);
    tcase_add_test(t, bad_folders_are_named);
    tcase_add_test(t, settings_that_change_nothing);
    tcase_add_test(t, every_failing_allocation_is_reported);
    tcase_add_test(t, plans_are_what_is_held);
}

SUITE_MAIN("runtime/lstm", add)
