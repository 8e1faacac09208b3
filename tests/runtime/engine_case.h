/* What the tests of the engine share: a GPT-2 with a long context and a vocabulary, and requests of many kinds. */
#ifndef TESTS_RUNTIME_ENGINE_CASE_H
#define TESTS_RUNTIME_ENGINE_CASE_H

#include "runtime/generate_case.h"
#include "support/model_fixture.h"
#include "support/random.h"

#define CONTEXT 300

static inline void make_long_folder(char folder[TEMP_PATH_BYTES]) {
    temp_folder(folder);
    checkpoint *c = long_gpt2(CONTEXT);
    checkpoint_write(c, folder, 1);
    checkpoint_free(c);
    write_byte_vocabulary(folder);
}

static inline llmcs_engine_options engine_options(void) {
    llmcs_engine_options o;
    llmcs_engine_options_init(&o);
    return o;
}

static inline llmcs_engine *new_engine(llmcs_model *model, const llmcs_engine_options *options) {
    llmcs_engine *engine = NULL;
    OK(llmcs_engine_create(model, options, &engine));
    return engine;
}

static inline llmcs_engine_stats stats_of(llmcs_engine *engine) {
    llmcs_engine_stats stats = {.struct_size = sizeof stats};
    OK(llmcs_engine_get_stats(engine, &stats));
    return stats;
}

/* One request and the result it gets alone. */
typedef struct request_case {
    int32_t ids[CONTEXT];
    size_t n_ids;
    llmcs_generate_params params;
    llmcs_result *alone;
} request_case;

static const char *const case_stops[] = {"\x7f\x7f", "~", "zz"};

/* The `kind`-th of N_KINDS: greedy, sampled, three samples, beams, sampled beams, stop strings, prompt lookup, two
 * guided samples, groups of beams. */
enum { N_KINDS = 9 };
static inline void make_case(request_case *a, unsigned kind, const int32_t *common, size_t n_common, uint64_t *seed) {
    a->n_ids = n_common + 1 + random_below(seed, 40);
    memcpy(a->ids, common, n_common * sizeof *common);
    for (size_t i = n_common; i < a->n_ids; i++) a->ids[i] = (int32_t)(1 + random_below(seed, TINY_VOCAB - 1));
    llmcs_generate_params *p = &a->params;
    *p = defaults((int32_t)(1 + random_below(seed, 40)));
    p->logprobs = 1;
    p->seed = random_next(seed);
    p->eos_token_id = a->ids;
    p->n_eos_token_id = random_below(seed, 2);
    p->do_sample = kind == 1 || kind == 2 || kind == 4 || kind == 5 || kind == 7;
    p->temperature = kind == 5 ? 3.0f : 1.0f;
    p->repetition_penalty = random_below(seed, 2) ? 1.2f : 1.0f;
    if (kind == 2) p->num_return_sequences = 3;
    if (kind == 3 || kind == 4) p->num_beams = 4;
    if (kind == 3 || kind == 4) p->num_return_sequences = 2;
    if (kind == 5) p->stop_strings = case_stops;
    if (kind == 5) p->n_stop_strings = 3;
    if (kind == 6) p->prompt_lookup_num_tokens = 5;
    if (kind == 7) {
        p->num_return_sequences = 2;
        p->guidance_scale = 1.5f;
        p->negative_prompt_ids = (llmcs_ids){a->ids, random_below(seed, a->n_ids)};
    }
    if (kind == 8) {
        p->num_beams = p->num_return_sequences = 4;
        p->num_beam_groups = 2;
        p->diversity_penalty = 0.7f;
    }
}

/* For tests in which something else ends the request. */
static inline llmcs_generate_params endless(void) {
    static const int32_t none = 0;
    llmcs_generate_params p = defaults(280);
    p.eos_token_id = &none;
    p.n_eos_token_id = 0;
    return p;
}

static inline void run_alone(request_case *a, llmcs_model *model) {
    llmcs_session *session = new_session(model);
    a->alone = generate_ids(session, a->ids, a->n_ids, &a->params);
    llmcs_session_free(&session);
}

static inline llmcs_request *submit(llmcs_engine *engine, const request_case *a) {
    llmcs_request *request = NULL;
    OK(llmcs_engine_submit_ids(engine, a->ids, a->n_ids, &a->params, NULL, &request));
    return request;
}

/* Waits for the request, compares, and frees it. */
static inline void check_result(llmcs_request *request, const request_case *a) {
    llmcs_result *result = NULL;
    OK(llmcs_request_wait(request, -1, &result));
    same_result(a->alone, result);
    for (size_t i = 0; i < result->n_sequences; i++)
        ck_assert_mem_eq(result->sequences[i]->logprobs, a->alone->sequences[i]->logprobs,
                         result->sequences[i]->n_ids * sizeof(float));
    llmcs_result_free(&result);
    llmcs_request_free(&request);
}

#endif
