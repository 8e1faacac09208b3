/* Constrained output: every way of generating stays within the grammar, and ends where it may. */
#include "base/file.h"
#include "formats/json.h"
#include "runtime/generate_case.h"
#include "support/model_fixture.h"

static char folder[TEMP_PATH_BYTES];
static llmcs_model *model;
static llmcs_session *session;
static const int32_t prompt[] = {90, 56, 236};
enum { N_PROMPT = 3, N_NEW = TINY_CONTEXT - N_PROMPT };

static void setup(void) {
    make_text_folder(folder);
    model = open_model(folder, 2);
    session = new_session(model);
}

static void teardown(void) {
    llmcs_session_free(&session);
    llmcs_model_free(&model);
    temp_remove(folder);
}

static llmcs_grammar *of_schema(const char *schema) {
    llmcs_grammar *g = NULL;
    OK(llmcs_grammar_json_schema(llmcs_model_tokenizer(model), schema, LLMCS_NUL, &g));
    return g;
}

static llmcs_grammar *of_regex(const char *pattern) {
    llmcs_grammar *g = NULL;
    OK(llmcs_grammar_regex(llmcs_model_tokenizer(model), pattern, LLMCS_NUL, &g));
    return g;
}

static bool is_json(const llmcs_sequence *s) {
    const llmcs_allocator a = ll_allocator_default();
    ll_json_doc *doc = NULL;
    const bool parses = !ll_json_parse(&a, "answer", s->text, s->text_bytes, 0, &doc);
    ll_json_free(&doc);
    return parses;
}

/* Greedy, sampled, three samples, beams, sampled beams, groups of beams, prompt lookup, guidance. */
enum { N_WAYS = 8 };
static llmcs_generate_params way(int i, llmcs_grammar *g) {
    llmcs_generate_params p = defaults(N_NEW);
    p.grammar = g;
    p.seed = (uint64_t)i;
    p.do_sample = i == 1 || i == 2 || i == 4;
    p.temperature = 1.5f;
    p.top_k = 0;
    if (i == 2) p.num_return_sequences = 3;
    if (i >= 3 && i <= 5) p.num_beams = p.num_return_sequences = 4;
    if (i == 5) p.num_beam_groups = 2;
    if (i == 5) p.diversity_penalty = 1;
    if (i == 6) p.prompt_lookup_num_tokens = 5;
    if (i == 7) p.guidance_scale = 2;
    return p;
}

static void check_engine(const llmcs_generate_params *p, const llmcs_result *alone) {
    llmcs_engine *engine = NULL;
    llmcs_request *request = NULL;
    llmcs_result *result = NULL;
    OK(llmcs_engine_create(model, NULL, &engine));
    OK(llmcs_engine_submit_ids(engine, prompt, N_PROMPT, p, NULL, &request));
    OK(llmcs_request_wait(request, -1, &result));
    same_result(alone, result);
    llmcs_result_free(&result);
    llmcs_request_free(&request);
    llmcs_engine_free(&engine);
}

START_TEST(every_way_of_generating_gives_json) {
    llmcs_grammar *g = of_schema(
        "{\"type\":\"object\",\"properties\":{\"size\":{\"enum\":[\"S\",\"M\",\"L\"]},\"n\":{\"type\":\"integer\","
        "\"minimum\":1,\"maximum\":99},\"gift\":{\"type\":\"boolean\"}},\"required\":[\"size\",\"n\"]}");
    for (int i = 0; i < N_WAYS; i++) {
        const llmcs_generate_params p = way(i, g);
        llmcs_result *result = generate_ids(session, prompt, N_PROMPT, &p);
        for (size_t k = 0; k < result->n_sequences; k++) {
            const llmcs_sequence *s = result->sequences[k];
            ck_assert_msg(is_json(s), "way %d: %s", i, s->text);
            ck_assert_int_eq(s->finish_reason, LLMCS_FINISH_EOS);
            ck_assert(strstr(s->text, "\"size\":") != NULL && strstr(s->text, "\"n\":") != NULL);
        }
        check_engine(&p, result);
        llmcs_result_free(&result);
    }
    llmcs_grammar_free(&g);
    ck_assert_ptr_null(g);
}
END_TEST

START_TEST(choices_and_expressions) {
    static const char *const choices[] = {"yes", "no", "perhaps", "ye"};
    llmcs_grammar *g = NULL;
    OK(llmcs_grammar_choices(llmcs_model_tokenizer(model), choices, 4, &g));
    for (int i = 0; i < N_WAYS; i++) {
        const llmcs_generate_params p = way(i, g);
        llmcs_result *result = generate_ids(session, prompt, N_PROMPT, &p);
        for (size_t k = 0; k < result->n_sequences; k++) {
            bool found = false;
            for (int c = 0; c < 4; c++) found |= !strcmp(result->sequences[k]->text, choices[c]);
            ck_assert_msg(found, "way %d: %s", i, result->sequences[k]->text);
        }
        llmcs_result_free(&result);
    }
    llmcs_grammar_free(&g);
    g = of_regex("[A-C]{2}-\\d{3}(é|漢)");
    llmcs_generate_params p = way(1, g);
    for (p.seed = 0; p.seed < 10; p.seed++) {
        llmcs_result *result = generate_ids(session, prompt, N_PROMPT, &p);
        const char *text = result->sequences[0]->text;
        ck_assert_msg(
            text[0] >= 'A' && text[0] <= 'C' && text[2] == '-' && (!strcmp(text + 6, "é") || !strcmp(text + 6, "漢")),
            "%s", text);
        llmcs_result_free(&result);
    }
    llmcs_grammar_free(&g);
}
END_TEST

/* What max_new_tokens cuts off is the beginning of a text; without EOS the end of the grammar ends the answer. */
START_TEST(ends) {
    llmcs_grammar *g = of_regex("abcdefgh");
    llmcs_generate_params p = way(0, g);
    p.max_new_tokens = 5;
    llmcs_result *result = generate_ids(session, prompt, N_PROMPT, &p);
    ck_assert_str_eq(result->sequences[0]->text, "abcde");
    ck_assert_int_eq(result->sequences[0]->finish_reason, LLMCS_FINISH_LENGTH);
    llmcs_result_free(&result);
    p = way(0, g);
    p.eos_token_id = prompt;
    p.n_eos_token_id = 0;
    result = generate_ids(session, prompt, N_PROMPT, &p);
    ck_assert_str_eq(result->sequences[0]->text, "abcdefgh");
    ck_assert_int_eq(result->sequences[0]->finish_reason, LLMCS_FINISH_STOP);
    check_engine(&p, result);
    llmcs_result_free(&result);
    p.num_beams = 2;
    FAILS(LLMCS_ARG, "num_beams", llmcs_generate_ids(session, prompt, N_PROMPT, &p, NULL, NULL, &result));
    llmcs_grammar_free(&g);
}
END_TEST

START_TEST(the_distribution_is_that_of_the_allowed_tokens) {
    float probabilities[TINY_VOCAB];
    llmcs_grammar *g = of_regex("[ab]c");
    llmcs_generate_params p = way(1, g);
    OK(llmcs_session_rewind(session, 0));
    OK(llmcs_session_eval(session, prompt, N_PROMPT, LLMCS_LOGITS_LAST));
    OK(llmcs_next_distribution(session, &p, probabilities));
    for (int i = 0; i < TINY_VOCAB; i++) ck_assert((probabilities[i] > 0) == (i == 'a' + 1 || i == 'b' + 1));
    llmcs_grammar_free(&g);
}
END_TEST

START_TEST(misuse_is_refused) {
    static const char *const none[] = {"a", ""};
    const llmcs_tokenizer *t = llmcs_model_tokenizer(model);
    llmcs_result *result = NULL;
    llmcs_grammar *g = NULL, *other = of_regex("a");
    FAILS(LLMCS_ARG, "tokenizer", llmcs_grammar_regex(NULL, "a", LLMCS_NUL, &g));
    FAILS(LLMCS_ARG, "source", llmcs_grammar_regex(t, NULL, 0, &g));
    FAILS(LLMCS_ARG, "grammar is NULL", llmcs_grammar_json_schema(t, "{}", LLMCS_NUL, NULL));
    FAILS(LLMCS_ARG, "no choices", llmcs_grammar_choices(t, none, 0, &g));
    FAILS(LLMCS_ARG, "choices[1]", llmcs_grammar_choices(t, none, 2, &g));
    FAILS(LLMCS_ARG, "no token", llmcs_grammar_regex(t, "", LLMCS_NUL, &g));
    FAILS(LLMCS_ARG, "no text", llmcs_grammar_regex(t, "[^\\w\\W]", LLMCS_NUL, &g));
    char *large = calloc(1 << 20, 1);
    memset(large, '[', (1 << 20) - 1);
    FAILS(LLMCS_LIMIT, "bytes", llmcs_grammar_json_schema(t, large, LLMCS_NUL, &g));
    large[1000] = 0; /* a thousand levels */
    FAILS(LLMCS_LIMIT, "", llmcs_grammar_json_schema(t, large, LLMCS_NUL, &g));
    free(large);
    llmcs_generate_params p = way(0, other);
    p.forced_eos_token_id = (llmcs_ids){prompt, 1};
    FAILS(LLMCS_ARG, "forced_eos_token_id", llmcs_generate_ids(session, prompt, N_PROMPT, &p, NULL, NULL, &result));
    llmcs_model *second = open_model(folder, 1);
    llmcs_session *s = new_session(second);
    p = way(0, other);
    FAILS(LLMCS_ARG, "another tokenizer", llmcs_generate_ids(s, prompt, N_PROMPT, &p, NULL, NULL, &result));
    const int32_t a = 'a' + 1;
    p.suppress_tokens = (llmcs_ids){&a, 1};
    FAILS(LLMCS_NUMERIC, "forbidden", llmcs_generate_ids(session, prompt, N_PROMPT, &p, NULL, NULL, &result));
    llmcs_session_free(&s);
    llmcs_model_free(&second);
    llmcs_grammar_free(&other);
    llmcs_grammar_free(NULL);
}
END_TEST

static void add(TCase *t) {
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, every_way_of_generating_gives_json);
    tcase_add_test(t, choices_and_expressions);
    tcase_add_test(t, ends);
    tcase_add_test(t, the_distribution_is_that_of_the_allowed_tokens);
    tcase_add_test(t, misuse_is_refused);
}

SUITE_MAIN("runtime/grammar", add)
