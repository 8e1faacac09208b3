/* Parameters of generation: defaults, what the folder says, what is refused and how it is named. */
#include <math.h>

#include "runtime/generate_case.h"
#include "support/checkpoint.h"

static llmcs_model *model;
static llmcs_session *session;
static const int32_t prompt[] = {90, 56, 236, 12, 200};
#define N_PROMPT (sizeof prompt / sizeof *prompt)

static void setup(void) {
    model = open_with(TINY, 2, NULL);
    session = new_session(model);
}

static void teardown(void) {
    llmcs_session_free(&session);
    llmcs_model_free(&model);
}

static llmcs_result *run(const llmcs_generate_params *p) { return generate_ids(session, prompt, N_PROMPT, p); }

static void refuse(const llmcs_generate_params *p, const char *part) {
    llmcs_result *result = (llmcs_result *)&result;
    FAILS(LLMCS_ARG, part, llmcs_generate_ids(session, prompt, N_PROMPT, p, NULL, NULL, &result));
    ck_assert_ptr_null(result);
}

#define REFUSE(field, value)                   \
    do {                                       \
        llmcs_generate_params p = defaults(4); \
        p.field = (value);                     \
        refuse(&p, #field);                    \
    } while (0)

START_TEST(parameters_that_cannot_be_are_refused_by_name) {
    REFUSE(max_new_tokens, 0);
    REFUSE(max_new_tokens, -1);
    REFUSE(min_new_tokens, -1);
    REFUSE(temperature, -1.0f);
    REFUSE(temperature, NAN);
    REFUSE(temperature, INFINITY);
    REFUSE(top_k, -1);
    REFUSE(top_p, -0.1f);
    REFUSE(top_p, 1.1f);
    REFUSE(top_p, NAN);
    REFUSE(min_p, -0.1f);
    REFUSE(min_p, 1.1f);
    REFUSE(min_p, NAN);
    REFUSE(repetition_penalty, 0.0f);
    REFUSE(repetition_penalty, -1.0f);
    REFUSE(repetition_penalty, NAN);
    REFUSE(repetition_penalty, INFINITY);
    REFUSE(presence_penalty, NAN);
    REFUSE(frequency_penalty, INFINITY);
    REFUSE(no_repeat_ngram_size, -1);
    REFUSE(num_beams, 0);
    REFUSE(num_beams, -5);
    REFUSE(num_beams, 4097);
    REFUSE(num_beams, INT32_MAX);
    REFUSE(num_return_sequences, INT32_MAX);
    REFUSE(num_return_sequences, 0);
    REFUSE(num_return_sequences, 2); /* greedy */
    REFUSE(early_stopping, (llmcs_early_stopping)3);
    REFUSE(early_stopping, (llmcs_early_stopping)-1);
    REFUSE(length_penalty, NAN);
    REFUSE(deadline_ms, -1.0);
    REFUSE(deadline_ms, (double)NAN);
    REFUSE(encode_flags, 0x80u);
    REFUSE(typical_p, 0.0f);
    REFUSE(typical_p, 1.1f);
    REFUSE(typical_p, NAN);
    REFUSE(epsilon_cutoff, 1.0f);
    REFUSE(epsilon_cutoff, -0.1f);
    REFUSE(eta_cutoff, 1.0f);
    REFUSE(eta_cutoff, NAN);
    REFUSE(num_beam_groups, 0);
    REFUSE(num_beam_groups, 4097);
    REFUSE(diversity_penalty, -1.0f);
    REFUSE(diversity_penalty, INFINITY);
    REFUSE(exponential_decay_start, -1);
    REFUSE(exponential_decay_factor, -1.0f);
    REFUSE(exponential_decay_factor, NAN);
    REFUSE(guidance_scale, NAN);
    REFUSE(max_time, -1.0);
    REFUSE(max_time, (double)NAN);
    REFUSE(struct_size, 0);
    REFUSE(struct_size, 8);
    llmcs_generate_params p = defaults(4);
    p.n_bad_words_ids = 1;
    refuse(&p, "bad_words_ids is NULL");
    p = defaults(4);
    p.n_logit_bias = 1;
    refuse(&p, "logit_bias is NULL");
    p = defaults(4);
    p.n_stop_strings = 1;
    refuse(&p, "stop_strings is NULL");
    p = defaults(4);
    p.num_beams = 3;
    p.num_return_sequences = 4;
    refuse(&p, "num_return_sequences");
}
END_TEST

/* As in Transformers; the message names both. */
START_TEST(contradictions_are_refused) {
    for (int i = 0; i < 9; i++) {
        static const char *const names[][2] = {
            {"num_beam_groups", "do_sample"},          {"num_beam_groups", "num_beams"},
            {"num_beam_groups", "diversity_penalty"},  {"diversity_penalty", "num_beam_groups"},
            {"guidance_scale", "num_beams"},           {"guidance_scale", "prompt_lookup_num_tokens"},
            {"negative_prompt_ids", "guidance_scale"}, {"exponential_decay_length_penalty", "eos_token_id"},
            {"num_beam_groups", "num_beams"}};
        llmcs_generate_params p = defaults(4);
        if (i < 3) p.num_beam_groups = 2;
        if (i == 0 || i == 2) p.num_beams = 4;
        if (i == 0 || i == 1) p.diversity_penalty = 1;
        if (i == 0) p.do_sample = 1;
        if (i == 1) p.num_beams = 3;
        if (i == 3) p.diversity_penalty = 1;
        if (i == 3 || i == 4) p.num_beams = 2;
        if (i >= 4 && i <= 5) p.guidance_scale = 2;
        if (i == 5) p.prompt_lookup_num_tokens = 3;
        if (i == 6) p.negative_prompt_ids = (llmcs_ids){prompt, 2};
        if (i == 7) p.exponential_decay_factor = 2;
        if (i == 7) p.eos_token_id = prompt;
        if (i == 8) p.num_beam_groups = 2; /* of one beam */
        refuse(&p, names[i][0]);
        ck_assert_msg(strstr(llmcs_error_message(), names[i][1]) != NULL, "%s", llmcs_error_message());
    }
}
END_TEST

/* llmcs_next_distribution has no sequence behind the negative prompt; a negative prompt may be too long. */
START_TEST(guidance_needs_its_sequence) {
    static int32_t many[TINY_CONTEXT + 1];
    llmcs_generate_params p = defaults(4);
    llmcs_result *result = NULL;
    float probabilities[TINY_VOCAB];
    p.guidance_scale = 1.5f;
    OK(llmcs_session_eval(session, prompt, N_PROMPT, LLMCS_LOGITS_LAST));
    FAILS(LLMCS_ARG, "guidance_scale", llmcs_next_distribution(session, &p, probabilities));
    p.negative_prompt_ids = (llmcs_ids){many, TINY_CONTEXT + 1};
    FAILS(LLMCS_CONTEXT_FULL, "negative prompt",
          llmcs_generate_ids(session, prompt, N_PROMPT, &p, NULL, NULL, &result));
    p.negative_prompt_ids.n_ids = TINY_CONTEXT - 1; /* then the context ends the answer */
    result = run(&p);
    ck_assert_uint_eq(result->n_new_tokens, 2);
    llmcs_result_free(&result);
}
END_TEST

/* At least one token, as in Transformers; each way of generating. */
START_TEST(max_time_ends_with_the_token_of_that_moment) {
    for (int i = 0; i < 4; i++) {
        llmcs_generate_params p = defaults(50);
        p.max_time = 1e-12;
        p.eos_token_id = prompt;
        if (i == 1) p.num_beams = 3;
        if (i == 2) p.num_beams = p.num_return_sequences = 4;
        if (i == 2) p.num_beam_groups = 2;
        if (i == 2) p.diversity_penalty = 1;
        if (i == 3) p.guidance_scale = 2;
        llmcs_result *result = run(&p);
        for (size_t k = 0; k < result->n_sequences; k++) {
            ck_assert_uint_eq(result->sequences[k]->n_ids, 1);
            ck_assert_int_eq(result->sequences[k]->finish_reason, LLMCS_FINISH_DEADLINE);
        }
        llmcs_result_free(&result);
    }
}
END_TEST

START_TEST(lists_that_cannot_be_are_refused_by_name_and_index) {
    const int32_t outside[] = {3, TINY_VOCAB}, negative[] = {-1};
    llmcs_generate_params p = defaults(4);
    p.eos_token_id = outside;
    p.n_eos_token_id = 2;
    refuse(&p, "eos_token_id[1]");
    p = defaults(4);
    const llmcs_ids words[] = {{outside, 1}, {negative, 1}}, empty[] = {{outside, 0}}, null[] = {{NULL, 1}};
    p.bad_words_ids = words;
    p.n_bad_words_ids = 2;
    refuse(&p, "bad_words_ids[1]");
    p.bad_words_ids = empty;
    p.n_bad_words_ids = 1;
    refuse(&p, "bad_words_ids[0]");
    p.bad_words_ids = null;
    refuse(&p, "bad_words_ids[0]");
    p = defaults(4);
    const llmcs_logit_bias nan[] = {{1, 0}, {2, NAN}}, far[] = {{TINY_VOCAB, 0}};
    p.logit_bias = nan;
    p.n_logit_bias = 2;
    refuse(&p, "logit_bias[1]");
    p.logit_bias = far;
    p.n_logit_bias = 1;
    refuse(&p, "logit_bias[0]");
    p = defaults(4);
    const llmcs_sequence_bias biases[] = {{{prompt, 2}, 1}, {{outside, 2}, 1}}, none_at_all[] = {{{NULL, 0}, 1}},
                              infinite[] = {{{prompt, 1}, INFINITY}};
    p.sequence_bias = biases;
    p.n_sequence_bias = 2;
    refuse(&p, "sequence_bias");
    p.sequence_bias = none_at_all;
    p.n_sequence_bias = 1;
    refuse(&p, "sequence_bias[0]");
    p.sequence_bias = infinite;
    refuse(&p, "sequence_bias[0]");
    p.sequence_bias = NULL;
    refuse(&p, "sequence_bias is NULL");
    p = defaults(4);
    const char *const strings[] = {"fine", ""}, *const not_utf8[] = {"a\xff"}, *const none[] = {NULL};
    p.stop_strings = strings;
    p.n_stop_strings = 2;
    refuse(&p, "stop_strings[1]");
    p.n_stop_strings = 1;
    p.stop_strings = not_utf8;
    refuse(&p, "stop_strings[0]");
    p.stop_strings = none;
    refuse(&p, "stop_strings[0]");
}
END_TEST

static int never(void *user, int32_t id) {
    (void)user;
    (void)id;
    return 0;
}

START_TEST(misuse_is_refused) {
    llmcs_result *result;
    llmcs_generate_params p = defaults(4);
    FAILS(LLMCS_ARG, "result", llmcs_generate_ids(session, prompt, N_PROMPT, &p, NULL, NULL, NULL));
    FAILS(LLMCS_ARG, "ids", llmcs_generate_ids(session, NULL, 3, &p, NULL, NULL, &result));
    FAILS(LLMCS_ARG, "ids", llmcs_generate_ids(session, prompt, 0, &p, NULL, NULL, &result));
    FAILS(LLMCS_ARG, "session", llmcs_generate_ids(NULL, prompt, N_PROMPT, &p, NULL, NULL, &result));
    FAILS(LLMCS_TOKENIZER, "", llmcs_generate(session, "hello", LLMCS_NUL, &p, NULL, NULL, &result));
    FAILS(LLMCS_ARG, "prompt", llmcs_generate(session, NULL, 5, &p, NULL, NULL, &result));
    const char *const strings[] = {"stop"};
    p.stop_strings = strings; /* text, and no tokenizer in the folder */
    p.n_stop_strings = 1;
    FAILS(LLMCS_TOKENIZER, "", llmcs_generate_ids(session, prompt, N_PROMPT, &p, NULL, NULL, &result));
    p = defaults(4);
    p.num_beams = 2;
    FAILS(LLMCS_ARG, "num_beams", llmcs_generate_ids(session, prompt, N_PROMPT, &p, never, NULL, &result));
    const int32_t outside[] = {1, TINY_VOCAB}, negative[] = {-1};
    p = defaults(4);
    FAILS(LLMCS_TOKEN_RANGE, "257", llmcs_generate_ids(session, outside, 2, &p, NULL, NULL, &result));
    FAILS(LLMCS_TOKEN_RANGE, "-1", llmcs_generate_ids(session, negative, 1, &p, NULL, NULL, &result));
    FAILS(LLMCS_ARG, "probabilities", llmcs_next_distribution(session, &p, NULL));
    float probabilities[TINY_VOCAB];
    FAILS(LLMCS_STATE, "", llmcs_next_distribution(session, &p, probabilities));
    result = NULL;
    llmcs_result_free(&result);
    llmcs_result_free(NULL);
}
END_TEST

/* A newer caller's struct is longer; what we do not know must be zero. */
START_TEST(a_longer_struct_is_read_as_far_as_it_is_known) {
    struct {
        llmcs_generate_params known;
        int64_t unknown;
    } newer = {defaults(6), 0};
    newer.known.struct_size = sizeof newer;
    llmcs_result *a = run(&newer.known), *b;
    llmcs_generate_params p = defaults(6);
    b = run(&p);
    same_result(a, b);
    llmcs_result_free(&a);
    llmcs_result_free(&b);
    newer.unknown = 1;
    refuse(&newer.known, "llmcs_generate_params");
}
END_TEST

START_TEST(no_parameters_are_the_models) {
    llmcs_generate_params p = {.struct_size = sizeof p};
    OK(llmcs_generate_params_init(&p, model));
    ck_assert_int_eq(p.max_new_tokens, 128);
    ck_assert_int_eq(p.top_k, 50);
    llmcs_result *a = run(NULL), *b = run(&p);
    same_result(a, b);
    llmcs_result_free(&a);
    llmcs_result_free(&b);
    FAILS(LLMCS_ARG, "params", llmcs_generate_params_init_sized(NULL, sizeof p, model));
}
END_TEST

static llmcs_model *open_with_generation_config(char folder[TEMP_PATH_BYTES], const char *json) {
    temp_folder(folder);
    checkpoint *c = checkpoint_read(TINY);
    checkpoint_write(c, folder, 1);
    checkpoint_free(c);
    temp_write_text(folder, "generation_config.json", json);
    return open_with(folder, 1, NULL);
}

START_TEST(generation_config_gives_the_defaults) {
    char folder[TEMP_PATH_BYTES];
    llmcs_model *m = open_with_generation_config(
        folder,
        "{\"do_sample\": true, \"temperature\": 0.5, \"top_k\": 7, \"top_p\": 0.75, \"max_new_tokens\": 9,"
        "\"repetition_penalty\": 1.25, \"no_repeat_ngram_size\": 3, \"num_beams\": 2, \"length_penalty\": 2.0,"
        "\"num_return_sequences\": 2, \"min_new_tokens\": 4, \"early_stopping\": \"never\", \"min_p\": 0.125,"
        "\"eos_token_id\": [187, 134]}");
    llmcs_generate_params p = {.struct_size = sizeof p};
    OK(llmcs_generate_params_init(&p, m));
    ck_assert_int_eq(p.do_sample, 1);
    ck_assert(p.temperature == 0.5f && p.top_p == 0.75f && p.repetition_penalty == 1.25f && p.min_p == 0.125f);
    ck_assert(p.length_penalty == 2.0f && p.presence_penalty == 0 && p.frequency_penalty == 0);
    ck_assert_int_eq(p.top_k, 7);
    ck_assert_int_eq(p.max_new_tokens, 9);
    ck_assert_int_eq(p.min_new_tokens, 4);
    ck_assert_int_eq(p.no_repeat_ngram_size, 3);
    ck_assert_int_eq(p.num_beams, 2);
    ck_assert_int_eq(p.num_return_sequences, 2);
    ck_assert_int_eq(p.early_stopping, LLMCS_EARLY_STOPPING_NEVER);
    ck_assert_ptr_null(p.eos_token_id);
    llmcs_session *s = new_session(m);
    llmcs_result *a = generate_ids(s, prompt, N_PROMPT, NULL), *b;
    const int32_t eos[] = {187, 134}; /* the model's own are the file's */
    p.eos_token_id = eos;
    p.n_eos_token_id = 2;
    b = generate_ids(session, prompt, N_PROMPT, &p);
    same_result(a, b);
    ck_assert_uint_eq(a->n_sequences, 2);
    llmcs_result_free(&a);
    llmcs_result_free(&b);
    llmcs_session_free(&s);
    llmcs_model_free(&m);
    temp_remove(folder);
}
END_TEST

START_TEST(reasons_have_names) {
    static const char *const names[] = {"stop", "length", "stop_string", "callback", "cancelled", "deadline"};
    for (int i = 0; i < 6; i++) ck_assert_str_eq(llmcs_finish_reason_name((llmcs_finish_reason)i), names[i]);
    ck_assert_str_eq(llmcs_finish_reason_name((llmcs_finish_reason)6), "unknown");
    ck_assert_str_eq(llmcs_finish_reason_name((llmcs_finish_reason)-1), "unknown");
}
END_TEST

static void add(TCase *t) {
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, parameters_that_cannot_be_are_refused_by_name);
    tcase_add_test(t, contradictions_are_refused);
    tcase_add_test(t, guidance_needs_its_sequence);
    tcase_add_test(t, max_time_ends_with_the_token_of_that_moment);
    tcase_add_test(t, lists_that_cannot_be_are_refused_by_name_and_index);
    tcase_add_test(t, misuse_is_refused);
    tcase_add_test(t, a_longer_struct_is_read_as_far_as_it_is_known);
    tcase_add_test(t, no_parameters_are_the_models);
    tcase_add_test(t, generation_config_gives_the_defaults);
    tcase_add_test(t, reasons_have_names);
}

SUITE_MAIN("runtime/generate_params", add)
