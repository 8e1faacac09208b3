/* What Transformers computes on the golden checkpoints, on every kernel row of this machine and several thread counts.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "llmcs.h"
#include "support/golden.h"
#include "support/kernel_sets.h"
#include "support/model_fixture.h"
#include "support/shared.h"
#include "support/suite.h"

#define MAX_LOGITS (GOLDEN_MAX_IDS * 512)

static float logits_out[MAX_LOGITS], hidden_out[MAX_LOGITS], pooled_out[512];

/* ------------------------------------------------------------------------------------------------- decoders */

static void check_logits(const golden *g, llmcs_session *s, ll_json c) {
    int32_t ids[GOLDEN_MAX_IDS];
    size_t n_ids = golden_ids(c, "input_ids", ids), n_expected, n_rows;
    const float *expected = golden_tensor(g, c, "expect", &n_expected), *logits;
    ck_assert_int_eq(llmcs_session_rewind(s, 0), LLMCS_OK);
    ck_assert_int_eq(llmcs_session_eval(s, ids, n_ids, LLMCS_LOGITS_ALL), LLMCS_OK);
    ck_assert_int_eq(llmcs_session_logits(s, &logits, &n_rows), LLMCS_OK);
    ck_assert_uint_eq(n_rows, n_ids);
    golden_assert_close(logits, expected, n_expected, "logits");
}

static void check_score(llmcs_session *s, ll_json c) {
    int32_t prompt[GOLDEN_MAX_IDS], continuation[GOLDEN_MAX_IDS];
    size_t n_prompt = golden_ids(c, "prompt", prompt), n = golden_ids(c, "continuation", continuation);
    double expected;
    llmcs_score_result r;
    ck_assert(ll_json_double(ll_json_get(c, "logprob"), &expected));
    ck_assert_int_eq(llmcs_score_ids(s, prompt, n_prompt, continuation, n, &r), LLMCS_OK);
    ck_assert_uint_eq(r.n_tokens, n);
    ck_assert_msg(fabs(r.logprob - expected) <= 1e-4 + 1e-4 * fabs(expected), "logprob %g, expected %g", r.logprob,
                  expected);
}

static void check_seq2seq(const golden *g, llmcs_session *s, ll_json c) {
    int32_t source[GOLDEN_MAX_IDS], ids[GOLDEN_MAX_IDS];
    const size_t n_source = golden_ids(c, "input_ids", source), n_ids = golden_ids(c, "decoder_input_ids", ids);
    size_t n_encoder, n_logits, n_rows;
    const float *encoder = golden_tensor(g, c, "encoder", &n_encoder),
                *expected = golden_tensor(g, c, "logits", &n_logits);
    const float *logits;
    ck_assert_msg(!llmcs_session_encode(s, source, n_source, hidden_out), "%s", llmcs_error_message());
    golden_assert_close(hidden_out, encoder, n_encoder, "encoder");
    ck_assert_int_eq(llmcs_session_eval(s, ids, n_ids, LLMCS_LOGITS_ALL), LLMCS_OK);
    ck_assert_int_eq(llmcs_session_logits(s, &logits, &n_rows), LLMCS_OK);
    ck_assert_uint_eq(n_rows, n_ids);
    /* mbart50's file has a float16 of final_logits_bias, which is below 1, and Transformers' had not been rounded. */
    const double rounded = strstr(golden_folder(g), "mbart50") ? 1.0 / 4096 : 0;
    for (size_t i = 0; i < n_logits; i++) {
        const double difference = fabs((double)logits[i] - (double)expected[i]);
        if (difference > 1e-4 + 1e-4 * fabs((double)expected[i]) + rounded)
            ck_abort_msg("logit %zu is %g, expected %g", i, (double)logits[i], (double)expected[i]);
    }
}

/* ------------------------------------------------------------------------------------------------- encoders */

static void check_normalized(const golden *g, ll_json c, const char *key, const float *v, size_t n) {
    size_t n_expected;
    const float *expected = golden_tensor(g, c, key, &n_expected);
    double sum = 0.0;
    float unit[512];
    ck_assert_uint_eq(n_expected, n);
    for (size_t d = 0; d < n; d++) sum += (double)v[d] * (double)v[d];
    for (size_t d = 0; d < n; d++) unit[d] = (float)((double)v[d] / sqrt(sum));
    golden_assert_close(unit, expected, n, key);
}

static void check_vectors(const golden *g, ll_json c, size_t n_tokens, size_t n) {
    float mean[512] = {0};
    for (size_t t = 0; t < n_tokens; t++)
        for (size_t d = 0; d < n; d++) mean[d] += hidden_out[t * n + d] / (float)n_tokens;
    check_normalized(g, c, "mean_normalized", mean, n);
    check_normalized(g, c, "cls_normalized", hidden_out, n);
}

static void check_probabilities(ll_json c, const float *logits, size_t n) {
    double sum = 0.0, expected;
    ll_json v = ll_json_first(ll_json_get(c, "probabilities"));
    for (size_t i = 0; i < n; i++) sum += exp((double)logits[i]);
    for (size_t i = 0; i < n; i++, v = ll_json_next(v)) {
        ck_assert(ll_json_double(v, &expected));
        ck_assert_double_le(fabs(exp((double)logits[i]) / sum - expected), 1e-4 + 1e-4 * expected);
    }
}

static void check_encoder(const golden *g, llmcs_model *m, ll_json c) {
    int32_t ids[GOLDEN_MAX_IDS], types[GOLDEN_MAX_IDS];
    size_t n_ids = golden_ids(c, "input_ids", ids), n_hidden, n_pooled, n_logits;
    bool typed = golden_ids(c, "token_type_ids", types) == n_ids;
    const float *hidden = golden_tensor(g, c, "hidden", &n_hidden), *pooled = golden_tensor(g, c, "pooled", &n_pooled);
    const float *logits = golden_tensor(g, c, "logits", &n_logits);
    llmcs_encoder_outputs o = {.struct_size = sizeof o,
                               .hidden = hidden_out,
                               .pooled = pooled ? pooled_out : NULL,
                               .logits = logits ? logits_out : NULL};
    ck_assert_msg(!llmcs_encoder_eval(m, ids, typed ? types : NULL, &n_ids, 1, &o), "%s", llmcs_error_message());
    golden_assert_close(hidden_out, hidden, n_hidden, "hidden");
    golden_assert_close(pooled_out, pooled, n_pooled, "pooled");
    golden_assert_close(logits_out, logits, n_logits, "logits");
    if (golden_is(c, "classify")) check_probabilities(c, logits_out, n_logits);
    if (golden_is(c, "embed")) check_vectors(g, c, n_ids, n_pooled);
}

/* ---------------------------------------------------------------------------------------------------- sweeps */

static size_t check_cases(const golden *g, llmcs_model *m, llmcs_session *s) {
    size_t n_checked = 0;
    for (ll_json c = ll_json_first(golden_cases(g)); ll_json_get_type(c); c = ll_json_next(c)) {
        if (golden_is(c, "generate") || golden_is(c, "sample_distribution")) continue; /* test_generate.c */
        if (golden_is(c, "logits"))
            check_logits(g, s, c);
        else if (golden_is(c, "score"))
            check_score(s, c);
        else if (golden_is(c, "seq2seq_logits"))
            check_seq2seq(g, s, c);
        else
            check_encoder(g, m, c);
        n_checked++;
    }
    return n_checked;
}

static void check_folder(const ll_kernels *row, const char *folder, int32_t n_threads) {
    golden *g = golden_open_folder(folder);
    llmcs_model *m = open_model_kept(golden_folder(g), n_threads, LLMCS_WEIGHTS_AUTO, LLMCS_KV_AUTO);
    llmcs_session *s = NULL;
    llmcs_model_info info = {.struct_size = sizeof info};
    ck_assert_int_eq(llmcs_model_get_info(m, &info), LLMCS_OK);
    ck_assert_str_eq(info.cpu, row->name);
    if (info.heads & LLMCS_HEAD_CAUSAL_LM) ck_assert_int_eq(llmcs_session_create(m, NULL, &s), LLMCS_OK);
    ck_assert_uint_gt(check_cases(g, m, s), 0);
    llmcs_session_free(&s);
    llmcs_model_free(&m);
    golden_close(g);
}

static void check_checkpoint(const ll_kernels *row, const char *name, int32_t n_threads) {
    char folder[128];
    snprintf(folder, sizeof folder, GOLDEN_FOLDER "%s", name);
    check_folder(row, folder, n_threads);
}

START_TEST(shared_decoders_on_every_kernel_set) {
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_sets = all_kernels(sets);
    char name[64], folder[512];
    snprintf(name, sizeof name, "golden/%s", golden_shared_decoder_names[_i]);
    if (!shared_path(folder, sizeof folder, name)) {
        suite_skip(golden_shared_decoder_names[_i], "the shared checkpoints are not at hand");
        return;
    }
    for (size_t i = 0; i < n_sets; i++) {
        setenv("LLMCS_CPU", sets[i]->name, 1);
        check_folder(sets[i], folder, 1 + (int32_t)(i % 3));
    }
    unsetenv("LLMCS_CPU");
}
END_TEST

START_TEST(every_golden_case_on_every_kernel_set) {
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_rows = all_kernels(sets);
    size_t n_names = 0;
    while (golden_names[n_names]) n_names++;
    for (size_t c = 0; c < n_rows * n_names * 3; c += suite_step(7)) {
        const ll_kernels *row = sets[c / (n_names * 3)];
        setenv("LLMCS_CPU", row->name, 1);
        check_checkpoint(row, golden_names[c % n_names], 1 + (int32_t)(c / n_names % 3));
    }
    unsetenv("LLMCS_CPU");
}
END_TEST

START_TEST(every_kernel_set_of_this_build_runs_here) { name_kernel_sets_that_cannot_run(); }
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, every_kernel_set_of_this_build_runs_here);
    tcase_add_test(t, every_golden_case_on_every_kernel_set);
    tcase_add_loop_test(t, shared_decoders_on_every_kernel_set, 0, 11);
}

SUITE_MAIN("runtime/golden", add)
