/* What the tests of LoRA adapters share: the folders of tests/data/adapters, opened and evaluated. */
#ifndef TESTS_SUPPORT_ADAPTER_CASE_H
#define TESTS_SUPPORT_ADAPTER_CASE_H

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "support/golden.h"
#include "support/model_fixture.h"
#include "support/suite.h"

#define ADAPTER_DATA "tests/data/adapters/"
#define ADAPTER_MAX_FLOATS (64 * 128)

/* second may be NULL, as may the allocator. */
static inline llmcs_status open_with_adapters(const char *base, const char *first, const char *second,
                                              int32_t n_threads, llmcs_weights weights, const llmcs_allocator *a,
                                              llmcs_model **m) {
    const char *const adapters[] = {first, second};
    llmcs_model_options o;
    llmcs_model_options_init(&o);
    o.n_threads = n_threads;
    o.weights = weights;
    o.allocator = a;
    o.adapters = adapters;
    o.n_adapters = second ? 2 : 1;
    return llmcs_model_open(base, &o, m);
}

/* The base of this name with its adapters. */
static inline llmcs_model *open_adapted(const char *name, int32_t n_threads, llmcs_weights weights) {
    char base[200], first[200], second[200];
    llmcs_model *m = NULL;
    snprintf(base, sizeof base, ADAPTER_DATA "%s/base", name);
    snprintf(first, sizeof first, ADAPTER_DATA "%s/adapter", name);
    snprintf(second, sizeof second, ADAPTER_DATA "%s/second", name);
    const char *other = access(second, R_OK) == 0 ? second : NULL;
    ck_assert_msg(!open_with_adapters(base, first, other, n_threads, weights, NULL, &m), "%s: %s", name,
                  llmcs_error_message());
    return m;
}

/* The logits of a case's ids; returns their number. */
static inline size_t adapted_logits(llmcs_model *m, ll_json c, float *out) {
    int32_t ids[GOLDEN_MAX_IDS], types[GOLDEN_MAX_IDS];
    llmcs_model_info info = {.struct_size = sizeof info};
    const size_t n_ids = golden_ids(c, "input_ids", ids), n_types = golden_ids(c, "token_type_ids", types);
    ck_assert_int_eq(llmcs_model_get_info(m, &info), LLMCS_OK);
    if (!(info.heads & LLMCS_HEAD_CAUSAL_LM)) {
        llmcs_encoder_outputs o = {.struct_size = sizeof o, .logits = out};
        ck_assert_int_eq(llmcs_encoder_eval(m, ids, n_types ? types : NULL, &n_ids, 1, &o), LLMCS_OK);
        return (size_t)info.n_labels;
    }
    const float *logits;
    size_t n_rows;
    llmcs_session *s = open_session(m);
    ck_assert_int_eq(llmcs_session_eval(s, ids, n_ids, LLMCS_LOGITS_ALL), LLMCS_OK);
    ck_assert_int_eq(llmcs_session_logits(s, &logits, &n_rows), LLMCS_OK);
    const size_t n = n_rows * (size_t)info.vocab_size;
    ck_assert_uint_le(n, ADAPTER_MAX_FLOATS);
    memcpy(out, logits, n * sizeof *out);
    llmcs_session_free(&s);
    return n;
}

/* Greedy decoding gives the case's ids, up to the end of the text. */
static inline void check_generated(llmcs_model *m, ll_json c) {
    int32_t prompt[GOLDEN_MAX_IDS], expected[GOLDEN_MAX_IDS];
    const size_t n_prompt = golden_ids(c, "prompt", prompt);
    size_t n = golden_ids(c, "expect_ids", expected);
    if (n && expected[n - 1] == 2) n--; /* </s> */
    llmcs_session *s = open_session(m);
    llmcs_generate_params p;
    llmcs_result *r = NULL;
    ck_assert_int_eq(llmcs_generate_params_init(&p, NULL), LLMCS_OK);
    p.max_new_tokens = 8;
    ck_assert_msg(!llmcs_generate_ids(s, prompt, n_prompt, &p, NULL, NULL, &r), "%s", llmcs_error_message());
    ck_assert_uint_eq(r->sequences[0]->n_ids, n);
    ck_assert(memcmp(r->sequences[0]->ids, expected, n * sizeof *expected) == 0);
    llmcs_result_free(&r);
    llmcs_session_free(&s);
}

#endif
