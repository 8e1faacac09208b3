/* What a folder says of generating is what generates: each setting of generation_config.json or config.json gives the
 * tokens that the same setting gives as a parameter, or that its meaning in Transformers requires; on a session and on
 * an engine. */
#include <math.h>
#include <sys/stat.h>

#include "generate_case.h"
#include "support/model_fixture.h"

static char folder[TEMP_PATH_BYTES];
static const int32_t prompt[] = {5, 9, 100, 41};
enum { N_PROMPT = 4, N_NEW = 8, MAX_NEW = 64 };

static void make_folder(void) { text_gpt2_folder(folder); }
static void remove_folder(void) { temp_remove(folder); }

typedef struct answer {
    int32_t ids[MAX_NEW];
    size_t n;
    llmcs_finish_reason reason;
} answer;

static void keep(llmcs_result **result, answer *out) {
    const llmcs_sequence *s = (*result)->sequences[0];
    out->n = s->n_ids;
    out->reason = s->finish_reason;
    memcpy(out->ids, s->ids, s->n_ids * sizeof *s->ids);
    llmcs_result_free(result);
}

static void on_session(llmcs_model *m, const int32_t *ids, size_t n_ids, const llmcs_generate_params *p, answer *out) {
    llmcs_session *s = new_session(m);
    llmcs_result *result = NULL;
    OK(llmcs_generate_ids(s, ids, n_ids, p, NULL, NULL, &result));
    keep(&result, out);
    llmcs_session_free(&s);
}

static void on_engine(llmcs_model *m, const int32_t *ids, size_t n_ids, const llmcs_generate_params *p, answer *out) {
    llmcs_engine *engine = NULL;
    llmcs_request *request = NULL;
    llmcs_result *result = NULL;
    OK(llmcs_engine_create(m, NULL, &engine));
    OK(llmcs_engine_submit_ids(engine, ids, n_ids, p, NULL, &request));
    OK(llmcs_request_wait(request, -1, &result));
    keep(&result, out);
    llmcs_request_free(&request);
    llmcs_engine_free(&engine);
}

static bool same(const answer *a, const answer *b) {
    return a->n == b->n && a->reason == b->reason && !memcmp(a->ids, b->ids, a->n * sizeof *a->ids);
}

/* The folder's answer, whose generation_config.json is `text`, to ids; of max_new new tokens where that is not 0. */
static void ask(const char *text, const int32_t *ids, size_t n_ids, int32_t max_new, answer *out) {
    llmcs_generate_params p;
    answer other;
    temp_write_text(folder, "generation_config.json", text);
    llmcs_model *m = open_model(folder, 1);
    OK(llmcs_generate_params_init(&p, m));
    if (max_new) p.max_new_tokens = max_new;
    on_session(m, ids, n_ids, &p, out);
    on_engine(m, ids, n_ids, &p, &other);
    ck_assert_msg(same(out, &other), "%s: engine and session differ", text);
    if (!max_new) {
        on_session(m, ids, n_ids, NULL, &other);
        ck_assert_msg(same(out, &other), "%s: NULL and init differ", text);
    }
    llmcs_model_free(&m);
}

/* The answer to params that were set by hand. */
static void ask_with(const llmcs_generate_params *p, const int32_t *ids, size_t n_ids, answer *out) {
    temp_write_text(folder, "generation_config.json", "{}");
    llmcs_model *m = open_model(folder, 1);
    on_session(m, ids, n_ids, p, out);
    llmcs_model_free(&m);
}

static bool holds(const answer *a, int32_t id) {
    for (size_t i = 0; i < a->n; i++)
        if (a->ids[i] == id) return true;
    return false;
}

static const char *with_id(const char *format, int32_t a, int32_t b) {
    static char text[4][200];
    static int next;
    char *out = text[next++ % 4];
    snprintf(out, sizeof text[0], format, (int)a, (int)b);
    return out;
}

START_TEST(forbidden_tokens) {
    answer plain, folder_says, by_hand;
    llmcs_generate_params p = defaults(N_NEW);
    ask("{\"eos_token_id\":[]}", prompt, N_PROMPT, N_NEW, &plain);
    ck_assert_uint_eq(plain.n, N_NEW);
    const int32_t a = plain.ids[0], b = plain.ids[1];
    p.eos_token_id = prompt;
    p.n_eos_token_id = 0;
    /* bad words */
    const llmcs_ids words[] = {{&a, 1}, {plain.ids, 2}};
    p.bad_words_ids = words;
    p.n_bad_words_ids = 1;
    ask_with(&p, prompt, N_PROMPT, &by_hand);
    ask(with_id("{\"eos_token_id\":[],\"bad_words_ids\":[[%d]]}", a, 0), prompt, N_PROMPT, N_NEW, &folder_says);
    ck_assert(same(&folder_says, &by_hand) && !holds(&folder_says, a));
    p.bad_words_ids = words + 1;
    ask_with(&p, prompt, N_PROMPT, &by_hand);
    ask(with_id("{\"eos_token_id\":[],\"bad_words_ids\":[[%d,%d]]}", a, b), prompt, N_PROMPT, N_NEW, &folder_says);
    ck_assert(same(&folder_says, &by_hand) && folder_says.ids[0] == a && folder_says.ids[1] != b);
    /* suppressed ones are a bias of minus infinity */
    const llmcs_logit_bias bias[] = {{a, -INFINITY}, {b, -INFINITY}};
    p.n_bad_words_ids = 0;
    p.logit_bias = bias;
    p.n_logit_bias = 2;
    ask_with(&p, prompt, N_PROMPT, &by_hand);
    ask(with_id("{\"eos_token_id\":[],\"suppress_tokens\":[%d,%d]}", a, b), prompt, N_PROMPT, N_NEW, &folder_says);
    ck_assert(same(&folder_says, &by_hand) && !holds(&folder_says, a) && !holds(&folder_says, b));
    /* only the first token */
    ask(with_id("{\"eos_token_id\":[],\"begin_suppress_tokens\":[%d]}", a, 0), prompt, N_PROMPT, N_NEW, &folder_says);
    ck_assert_int_eq(folder_says.ids[0], by_hand.ids[0] == a ? -1 : folder_says.ids[0]);
    ck_assert_int_ne(folder_says.ids[0], a);
}
END_TEST

START_TEST(lengths) {
    answer plain, out;
    ask("{\"eos_token_id\":[]}", prompt, N_PROMPT, N_NEW, &plain);
    size_t n = 1; /* how many come before the first token that is another one */
    while (n < plain.n && plain.ids[n] == plain.ids[0]) n++;
    ck_assert_uint_lt(n, N_NEW - 1);
    const int32_t eos = plain.ids[n], before = N_PROMPT + (int32_t)n;
    ask(with_id("{\"eos_token_id\":%d}", eos, 0), prompt, N_PROMPT, N_NEW, &out);
    ck_assert(out.n == n && out.reason == LLMCS_FINISH_EOS);
    ask(with_id("{\"eos_token_id\":%d,\"min_length\":12}", eos, 0), prompt, N_PROMPT, N_NEW, &out); /* 4 and 8 */
    ck_assert(out.n == N_NEW && out.reason == LLMCS_FINISH_LENGTH && !holds(&out, eos));
    ask(with_id("{\"eos_token_id\":%d,\"min_length\":%d}", eos, before), prompt, N_PROMPT, N_NEW, &out);
    ck_assert(out.n == n && out.reason == LLMCS_FINISH_EOS);
    ask(with_id("{\"eos_token_id\":%d,\"min_length\":%d}", eos, before + 1), prompt, N_PROMPT, N_NEW, &out);
    ck_assert(out.n > n);
    ask(with_id("{\"eos_token_id\":%d,\"min_length\":12,\"min_new_tokens\":1}", eos, 0), prompt, N_PROMPT, N_NEW, &out);
    ck_assert(out.n == n && out.reason == LLMCS_FINISH_EOS);
    /* the prompt counts, unless max_new_tokens is given */
    ask("{\"eos_token_id\":[],\"max_length\":9}", prompt, N_PROMPT, 0, &out);
    ck_assert(out.n == 5 && out.reason == LLMCS_FINISH_LENGTH);
    ask("{\"eos_token_id\":[],\"max_length\":9}", prompt, N_PROMPT, N_NEW, &out);
    ck_assert_uint_eq(out.n, N_NEW);
    ask("{\"eos_token_id\":[],\"max_length\":20}", prompt, N_PROMPT, 0, &out);
    ck_assert_uint_eq(out.n, 20);
    /* a prompt that is too long for it is refused, as Transformers does */
    temp_write_text(folder, "generation_config.json", "{\"max_length\":4}");
    llmcs_model *m = open_model(folder, 1);
    llmcs_session *s = new_session(m);
    llmcs_result *result = NULL;
    FAILS(LLMCS_CONTEXT_FULL, "max_length is 4", llmcs_generate_ids(s, prompt, N_PROMPT, NULL, NULL, NULL, &result));
    llmcs_session_free(&s);
    llmcs_model_free(&m);
}
END_TEST

START_TEST(forced_tokens) {
    answer out;
    ask("{\"eos_token_id\":7,\"forced_eos_token_id\":7,\"suppress_tokens\":[]}", prompt, N_PROMPT, N_NEW, &out);
    ck_assert(out.n == N_NEW - 1 && out.reason == LLMCS_FINISH_EOS);
    ask("{\"eos_token_id\":[],\"forced_eos_token_id\":[7]}", prompt, N_PROMPT, N_NEW, &out);
    ck_assert(out.n == N_NEW && out.ids[N_NEW - 1] == 7);
    ask("{\"eos_token_id\":[],\"forced_bos_token_id\":33}", prompt, 1, N_NEW, &out);
    ck_assert_int_eq(out.ids[0], 33);
    ask("{\"eos_token_id\":[]}", prompt, N_PROMPT, N_NEW, &out);
    answer longer;
    ask("{\"eos_token_id\":[],\"forced_bos_token_id\":33}", prompt, N_PROMPT, N_NEW, &longer);
    ck_assert(same(&out, &longer));
}
END_TEST

/* The folder's strings end a text where the caller's would. */
START_TEST(stop_strings) {
    answer plain, out;
    char text[200];
    int32_t ids[N_PROMPT] = {0};
    size_t at = N_NEW;
    for (int32_t i = 0; i < 200 && at == N_NEW; i++) { /* a prompt whose answer has a printable character */
        ids[0] = i;
        ask("{\"eos_token_id\":[]}", ids, 1, N_NEW, &plain);
        for (at = 0; at < N_NEW; at++) /* the ids of write_gpt2_vocabulary are bytes */
            if (plain.ids[at] > ' ' && plain.ids[at] < 0x7f && plain.ids[at] != '"' && plain.ids[at] != '\\') break;
    }
    ck_assert_uint_lt(at, N_NEW);
    llmcs_generate_params p = defaults(N_NEW);
    const char stop[2] = {(char)plain.ids[at], 0};
    const char *const stops[] = {"no such text", stop};
    p.eos_token_id = ids;
    p.n_eos_token_id = 0;
    p.stop_strings = stops;
    p.n_stop_strings = 2;
    ask_with(&p, ids, 1, &plain);
    ck_assert_int_eq(plain.reason, LLMCS_FINISH_STOP);
    snprintf(text, sizeof text, "{\"eos_token_id\":[],\"stop_strings\":[\"no such text\",\"%s\"]}", stop);
    ask(text, ids, 1, N_NEW, &out);
    ck_assert(same(&plain, &out));
}
END_TEST

START_TEST(penalties_and_beams) {
    answer a, b;
    llmcs_generate_params p = defaults(N_NEW);
    p.eos_token_id = prompt;
    p.n_eos_token_id = 0;
    p.encoder_repetition_penalty = 3;
    p.encoder_no_repeat_ngram_size = 2;
    ask_with(&p, prompt, N_PROMPT, &a);
    ask("{\"eos_token_id\":[],\"encoder_repetition_penalty\":3,\"encoder_no_repeat_ngram_size\":2}", prompt, N_PROMPT,
        N_NEW, &b);
    ck_assert(same(&a, &b));
    for (int sample = 0; sample < 2; sample++) {
        char text[200];
        p = defaults(N_NEW);
        p.eos_token_id = prompt;
        p.n_eos_token_id = 0;
        p.num_beams = 3;
        p.do_sample = sample;
        p.repetition_penalty = 2;
        p.renormalize_logits = 1;
        ask_with(&p, prompt, N_PROMPT, &a);
        snprintf(text, sizeof text,
                 "{\"eos_token_id\":[],\"num_beams\":3,\"repetition_penalty\":2,\"renormalize_logits\":true,\"do_"
                 "sample\":%s}",
                 sample ? "true" : "false");
        ask(text, prompt, N_PROMPT, N_NEW, &b);
        ck_assert(same(&a, &b));
    }
}
END_TEST

/* Each of these settings of the folder is the parameter of that name. */
START_TEST(further_parameters) {
    static const int32_t biased[] = {9, 100, 41, 3};
    const llmcs_sequence_bias biases[] = {{{biased + 3, 1}, 4.5f}, {{biased, 4}, -3.0f}};
    for (int i = 0; i < 8; i++) {
        static const char *const texts[] = {"\"do_sample\":true,\"top_k\":0,\"typical_p\":0.05",
                                            "\"do_sample\":true,\"top_k\":0,\"epsilon_cutoff\":0.02",
                                            "\"do_sample\":true,\"top_k\":0,\"eta_cutoff\":0.6",
                                            "\"num_beams\":4,\"num_beam_groups\":2,\"diversity_penalty\":3.5",
                                            "\"exponential_decay_length_penalty\":[2,3.5]",
                                            "\"sequence_bias\":[[[3],4.5],[[9,100,41,3],-3.0],[[100000],9.0]]",
                                            "\"guidance_scale\":2.5",
                                            "\"max_time\":1e-9"};
        llmcs_generate_params p = defaults(N_NEW);
        answer a, b;
        char text[200];
        p.eos_token_id = prompt;
        p.n_eos_token_id = 1;
        p.do_sample = i < 3;
        if (i < 3) p.top_k = 0;
        if (i == 0) p.typical_p = 0.05f;
        if (i == 1) p.epsilon_cutoff = 0.02f;
        if (i == 2) p.eta_cutoff = 0.6f;
        if (i == 3) p.num_beams = 4;
        if (i == 3) p.num_beam_groups = 2;
        if (i == 3) p.diversity_penalty = 3.5f;
        if (i == 4) p.exponential_decay_start = 2;
        if (i == 4) p.exponential_decay_factor = 3.5f;
        if (i == 5) p.sequence_bias = biases;
        if (i == 5) p.n_sequence_bias = 2;
        if (i == 6) p.guidance_scale = 2.5f;
        if (i == 7) p.max_time = 1e-9;
        ask_with(&p, prompt, N_PROMPT, &a);
        snprintf(text, sizeof text, "{\"eos_token_id\":5,%s}", texts[i]);
        ask(text, prompt, N_PROMPT, N_NEW, &b);
        ck_assert_msg(same(&a, &b), "%s", texts[i]);
        p = defaults(N_NEW); /* and it matters */
        p.eos_token_id = prompt;
        p.n_eos_token_id = 1;
        p.do_sample = i < 3;
        if (i < 3) p.top_k = 0;
        if (i == 3) p.num_beams = 4;
        ask_with(&p, prompt, N_PROMPT, &b);
        ck_assert_msg(i == 3 || !same(&a, &b), "%s changes nothing", texts[i]);
    }
}
END_TEST

/* One step of two beams from one prompt: the score is the log-probability among what the processors left. */
START_TEST(renormalised_scores) {
    temp_write_text(folder, "generation_config.json", "{}");
    llmcs_model *m = open_model(folder, 1);
    llmcs_session *s = new_session(m);
    const float *logits;
    size_t n_rows;
    OK(llmcs_session_eval(s, prompt, N_PROMPT, LLMCS_LOGITS_LAST));
    OK(llmcs_session_logits(s, &logits, &n_rows));
    int32_t forbidden = 0;
    const int32_t vocab = GPT2_VOCAB;
    for (int32_t i = 1; i < vocab; i++)
        if (logits[i] > logits[forbidden]) forbidden = i;
    const float logit_of_forbidden = logits[forbidden];
    double sum = 0, best = -INFINITY;
    for (int32_t i = 0; i < vocab; i++) {
        if (i == forbidden) continue;
        sum += exp((double)logits[i]);
        best = fmax(best, (double)logits[i]);
    }
    llmcs_session_free(&s);
    s = new_session(m);
    for (int on = 0; on < 2; on++) {
        llmcs_generate_params p = defaults(1);
        llmcs_result *result = NULL;
        p.num_beams = 2;
        p.suppress_tokens = (llmcs_ids){&forbidden, 1};
        p.renormalize_logits = on;
        OK(llmcs_generate_ids(s, prompt, N_PROMPT, &p, NULL, NULL, &result));
        const double expected = best - log(on ? sum : sum + exp((double)logit_of_forbidden));
        const double score = (double)result->sequences[0]->score;
        ck_assert_msg(fabs(score - expected) < 1e-4, "%g, expected %g", score, expected);
        llmcs_result_free(&result);
    }
    llmcs_session_free(&s);
    llmcs_model_free(&m);
}
END_TEST

/* A folder from before generation_config.json. */
START_TEST(config_json) {
    answer a, b;
    llmcs_generate_params p = defaults(N_NEW);
    checkpoint *c = checkpoint_read(folder);
    checkpoint_set(c, "repetition_penalty", "5.0");
    checkpoint_set(c, "bad_words_ids", "[[9]]");
    checkpoint_write(c, folder, 1);
    checkpoint_free(c);
    remove(temp_path(folder, "generation_config.json"));
    llmcs_model *m = open_model(folder, 1);
    llmcs_generate_params folder_says;
    OK(llmcs_generate_params_init(&folder_says, m));
    folder_says.max_new_tokens = N_NEW;
    on_session(m, prompt, N_PROMPT, &folder_says, &a);
    const int32_t word = 9;
    const llmcs_ids words = {&word, 1};
    p.repetition_penalty = 5;
    p.bad_words_ids = &words;
    p.n_bad_words_ids = 1;
    on_session(m, prompt, N_PROMPT, &p, &b);
    ck_assert(same(&a, &b));
    llmcs_model_free(&m);
}
END_TEST

START_TEST(parameters_are_checked) {
    llmcs_model *m = open_model(folder, 1);
    llmcs_session *s = new_session(m);
    llmcs_result *result = NULL;
    const int32_t outside = GPT2_VOCAB;
    for (int i = 0; i < 8; i++) {
        static const char *const names[] = {"max_length",
                                            "min_length",
                                            "encoder_repetition_penalty",
                                            "encoder_no_repeat_ngram_size",
                                            "suppress_tokens",
                                            "begin_suppress_tokens",
                                            "forced_bos_token_id",
                                            "forced_eos_token_id"};
        llmcs_generate_params p = defaults(N_NEW);
        const llmcs_ids bad = {i % 2 ? &outside : NULL, 1};
        if (i == 0) p.max_length = -1;
        if (i == 1) p.min_length = -1;
        if (i == 2) p.encoder_repetition_penalty = 0;
        if (i == 3) p.encoder_no_repeat_ngram_size = -1;
        if (i == 4) p.suppress_tokens = bad;
        if (i == 5) p.begin_suppress_tokens = bad;
        if (i == 6) p.forced_bos_token_id = bad;
        if (i == 7) p.forced_eos_token_id = bad;
        FAILS(LLMCS_ARG, names[i], llmcs_generate_ids(s, prompt, N_PROMPT, &p, NULL, NULL, &result));
    }
    llmcs_generate_params p = defaults(0);
    FAILS(LLMCS_ARG, "max_new_tokens", llmcs_generate_ids(s, prompt, N_PROMPT, &p, NULL, NULL, &result));
    llmcs_session_free(&s);
    llmcs_model_free(&m);
}
END_TEST

static void add(TCase *t) {
    tcase_add_checked_fixture(t, make_folder, remove_folder);
    tcase_add_test(t, forbidden_tokens);
    tcase_add_test(t, lengths);
    tcase_add_test(t, forced_tokens);
    tcase_add_test(t, stop_strings);
    tcase_add_test(t, penalties_and_beams);
    tcase_add_test(t, further_parameters);
    tcase_add_test(t, renormalised_scores);
    tcase_add_test(t, config_json);
    tcase_add_test(t, parameters_are_checked);
}

SUITE_MAIN("runtime/generate_folder", add)
