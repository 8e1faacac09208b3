/* Prompt-lookup decoding: the same text as without, and fewer passes. */
#include "runtime/generate_case.h"
#include "support/model_fixture.h"
#include "support/random.h"

#define CONTEXT 200

static char folder[TEMP_PATH_BYTES];
static llmcs_model *model;
static llmcs_session *session;

static void set_up(void) {
    temp_folder(folder);
    checkpoint *c = long_gpt2(CONTEXT);
    checkpoint_write(c, folder, 1);
    checkpoint_free(c);
    write_byte_vocabulary(folder);
    model = open_model(folder, 2);
    session = new_session(model);
}

static void tear_down(void) {
    llmcs_session_free(&session);
    llmcs_model_free(&model);
    temp_remove(folder);
}

static size_t held(const llmcs_session *s) {
    size_t n;
    OK(llmcs_session_tokens((llmcs_session *)s, NULL, 0, &n));
    return n;
}

/* Random prompts of few different tokens, so that draft tokens are proposed, and any parameters. */
START_TEST(the_same_text) {
    uint64_t seed = 1000 + (uint64_t)_i;
    static const char *const stops[] = {"ab", "\x10"};
    int32_t ids[60], extra[30];
    size_t n_draft = 0, n_accepted = 0;
    printf("seed %llu\n", (unsigned long long)seed);
    for (size_t round = 0; round < 25; round += suite_step(3)) {
        size_t n = 1 + random_below(&seed, 60);
        for (size_t i = 0; i < n; i++) ids[i] = (int32_t)(97 + random_below(&seed, 6));
        for (size_t i = 0; i < 30; i++) extra[i] = (int32_t)(97 + random_below(&seed, 6));
        llmcs_generate_params p = defaults((int32_t)(1 + random_below(&seed, 250)));
        p.logprobs = 1;
        p.do_sample = random_below(&seed, 2) == 1;
        p.temperature = 0.3f;
        p.seed = random_next(&seed);
        p.repetition_penalty = random_below(&seed, 2) ? 1.3f : 1.0f;
        p.n_stop_strings = random_below(&seed, 2) ? 2 : 0;
        p.stop_strings = stops;
        p.eos_token_id = ids;
        p.n_eos_token_id = random_below(&seed, 2);
        llmcs_result *plain = generate_ids(session, ids, n, &p);
        size_t n_held = held(session);
        ck_assert_uint_eq(plain->n_draft_tokens, 0);
        OK(llmcs_session_rewind(session, 0));
        p.prompt_lookup_num_tokens = (int32_t)(1 + random_below(&seed, 20));
        p.max_matching_ngram_size = (int32_t)(1 + random_below(&seed, 4));
        p.prompt_lookup_ids = extra;
        p.n_prompt_lookup_ids = random_below(&seed, 2) ? 30 : 0;
        llmcs_result *drafted = generate_ids(session, ids, n, &p);
        same_result(plain, drafted);
        ck_assert_mem_eq(plain->sequences[0]->logprobs, drafted->sequences[0]->logprobs,
                         plain->sequences[0]->n_ids * sizeof(float));
        ck_assert_uint_eq(held(session), n_held);
        ck_assert_uint_le(drafted->n_accepted_tokens, drafted->n_draft_tokens);
        n_draft += drafted->n_draft_tokens;
        n_accepted += drafted->n_accepted_tokens;
        llmcs_result_free(&plain);
        llmcs_result_free(&drafted);
    }
    ck_assert_uint_gt(n_draft, 100 / suite_step(3));
    ck_assert_uint_gt(n_accepted, 10 / suite_step(3));
}
END_TEST

/* Draft tokens of a loop that the model is forced into: nearly every forward pass accepts all of them. */
START_TEST(what_repeats_is_drafted) {
    const llmcs_logit_bias bias = {65, 1000};
    const int32_t ids[] = {10, 65, 65, 65};
    llmcs_generate_params p = defaults(100);
    p.logit_bias = &bias;
    p.n_logit_bias = 1;
    p.prompt_lookup_num_tokens = 8;
    llmcs_result *r = generate_ids(session, ids, 4, &p);
    ck_assert_uint_eq(r->n_new_tokens, 100);
    ck_assert_uint_gt(r->n_accepted_tokens, 70);
    llmcs_result_free(&r);
}
END_TEST

/* What the conversation lacks, the FAQ may have. */
START_TEST(a_faq_is_looked_into) {
    const llmcs_logit_bias bias[] = {{65, 500}, {66, 500}};
    const int32_t faq[] = {10, 65, 65, 65, 65, 65}, ids[] = {7, 10};
    llmcs_generate_params p = defaults(3);
    p.logit_bias = bias;
    p.n_logit_bias = 1;
    p.prompt_lookup_num_tokens = 4;
    llmcs_result *r = generate_ids(session, ids, 2, &p);
    ck_assert_uint_eq(r->n_draft_tokens, 0); /* one token comes from the prompt's logits, two remain */
    llmcs_result_free(&r);
    OK(llmcs_session_rewind(session, 0));
    p.prompt_lookup_ids = faq;
    p.n_prompt_lookup_ids = 6;
    r = generate_ids(session, ids, 2, &p);
    ck_assert_uint_eq(r->n_draft_tokens, 1);
    ck_assert_uint_eq(r->n_accepted_tokens, 1);
    llmcs_result_free(&r);
}
END_TEST

START_TEST(refused) {
    const int32_t ids[] = {1, 2}, outside[] = {TINY_VOCAB};
    llmcs_result *result = NULL;
    llmcs_generate_params p = defaults(3);
#define REFUSED(field, value, part)                                                           \
    do {                                                                                      \
        llmcs_generate_params q = p;                                                          \
        q.field = (value);                                                                    \
        FAILS(LLMCS_ARG, part, llmcs_generate_ids(session, ids, 2, &q, NULL, NULL, &result)); \
    } while (0)
    REFUSED(prompt_lookup_num_tokens, -1, "prompt_lookup_num_tokens");
    REFUSED(prompt_lookup_num_tokens, 65, "prompt_lookup_num_tokens");
    REFUSED(max_matching_ngram_size, 0, "max_matching_ngram_size");
    REFUSED(max_matching_ngram_size, 17, "max_matching_ngram_size");
    REFUSED(n_prompt_lookup_ids, 3, "prompt_lookup_ids is NULL");
    p.prompt_lookup_ids = outside;
    REFUSED(n_prompt_lookup_ids, 1, "prompt_lookup_ids[0]");
    p.prompt_lookup_num_tokens = 2;
    REFUSED(num_beams, 2, "num_beams");
}
END_TEST

static void add_tests(TCase *tests) {
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, the_same_text, 0, 3);
    tcase_add_test(tests, what_repeats_is_drafted);
    tcase_add_test(tests, a_faq_is_looked_into);
    tcase_add_test(tests, refused);
}

SUITE_MAIN("runtime/generate_lookup", add_tests)
