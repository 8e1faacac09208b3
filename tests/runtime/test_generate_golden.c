/* Every `generate` and `sample_distribution` case of tests/data/golden and tests/data/generation, on every kernel set
 * that runs here and with one, two and three threads, in sessions and in an engine: what Transformers computed on the
 * same weights. */
#include <math.h>

#include "base/file.h"
#include "formats/json.h"
#include "runtime/generate_case.h"
#include "support/golden.h"
#include "support/kernel_sets.h"
#include "support/shared.h"

#define MAX_IDS 512
#define MAX_WORDS 16

/* Parameters of a case and the arrays they point to. */
typedef struct golden_case {
    llmcs_generate_params params;
    int32_t prompt[MAX_IDS], eos[MAX_IDS], word_ids[MAX_IDS];
    llmcs_ids words[MAX_WORDS];
    int32_t listed[5][MAX_IDS], bias_ids[MAX_IDS];
    llmcs_sequence_bias biases[MAX_WORDS];
    size_t n_prompt;
    bool float16; /* see check_result */
    bool seq2seq; /* the folder's settings apply, too: Transformers' cases of encoder-decoders were made with them */
} golden_case;

/* Of a list, or of one id in its place. */
static size_t read_ids(ll_json array, int32_t *ids) {
    size_t n = 0;
    int64_t single;
    if (ll_json_int64(array, &single)) {
        ids[0] = (int32_t)single;
        return 1;
    }
    for (ll_json v = ll_json_first(array); ll_json_get_type(v); v = ll_json_next(v)) {
        int64_t id;
        if (!ll_json_int64(v, &id)) ck_abort_msg("not an id");
        if (n == MAX_IDS) ck_abort_msg("more than %d ids", MAX_IDS);
        ids[n++] = (int32_t)id;
    }
    return n;
}

static void read_words(ll_json words, golden_case *c) {
    size_t used = 0;
    for (ll_json v = ll_json_first(words); ll_json_get_type(v); v = ll_json_next(v)) {
        ck_assert_uint_lt(c->params.n_bad_words_ids, MAX_WORDS);
        size_t n = read_ids(v, c->word_ids + used);
        c->words[c->params.n_bad_words_ids++] = (llmcs_ids){c->word_ids + used, n};
        used += n;
    }
    c->params.bad_words_ids = c->words;
}

static llmcs_early_stopping read_early_stopping(ll_json v) {
    bool flag;
    if (ll_json_equals(v, "never")) return LLMCS_EARLY_STOPPING_NEVER;
    ck_assert(ll_json_bool(v, &flag));
    return flag ? LLMCS_EARLY_STOPPING_TRUE : LLMCS_EARLY_STOPPING_FALSE;
}

static double number_of(ll_json v) {
    double value;
    ck_assert(ll_json_double(v, &value));
    return value;
}

static void read_sequence_bias(ll_json pairs, golden_case *c) {
    size_t used = 0;
    for (ll_json v = ll_json_first(pairs); ll_json_get_type(v); v = ll_json_next(v)) {
        ck_assert_uint_lt(c->params.n_sequence_bias, MAX_WORDS);
        const ll_json ids = ll_json_first(v);
        const size_t n = read_ids(ids, c->bias_ids + used);
        c->biases[c->params.n_sequence_bias++] =
            (llmcs_sequence_bias){{c->bias_ids + used, n}, (float)number_of(ll_json_next(ids))};
        used += n;
    }
    c->params.sequence_bias = c->biases;
}

static bool read_list_param(const char *name, size_t n, ll_json v, golden_case *c) {
    llmcs_generate_params *p = &c->params;
    const struct {
        const char *name;
        llmcs_ids *list;
    } lists[] = {{"suppress_tokens", &p->suppress_tokens},
                 {"begin_suppress_tokens", &p->begin_suppress_tokens},
                 {"forced_bos_token_id", &p->forced_bos_token_id},
                 {"forced_eos_token_id", &p->forced_eos_token_id},
                 {"negative_prompt_ids", &p->negative_prompt_ids}};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        if (strlen(lists[i].name) != n || memcmp(lists[i].name, name, n)) continue;
        *lists[i].list = (llmcs_ids){c->listed[i], read_ids(v, c->listed[i])};
        return true;
    }
    return false;
}

static bool is_name(const char *name, size_t n, const char *expected) {
    return n == strlen(expected) && !memcmp(name, expected, n);
}

/* A parameter that this test does not know must not be passed over. */
static void read_param(const char *name, size_t n, ll_json v, golden_case *c) {
    llmcs_generate_params *p = &c->params;
    const struct {
        const char *name;
        int32_t *integer;
        float *real;
    } numbers[] = {{"max_new_tokens", &p->max_new_tokens, NULL},
                   {"min_new_tokens", &p->min_new_tokens, NULL},
                   {"top_k", &p->top_k, NULL},
                   {"num_beams", &p->num_beams, NULL},
                   {"num_return_sequences", &p->num_return_sequences, NULL},
                   {"no_repeat_ngram_size", &p->no_repeat_ngram_size, NULL},
                   {"temperature", NULL, &p->temperature},
                   {"encoder_no_repeat_ngram_size", &p->encoder_no_repeat_ngram_size, NULL},
                   {"min_length", &p->min_length, NULL},
                   {"num_beam_groups", &p->num_beam_groups, NULL},
                   {"diversity_penalty", NULL, &p->diversity_penalty},
                   {"encoder_repetition_penalty", NULL, &p->encoder_repetition_penalty},
                   {"guidance_scale", NULL, &p->guidance_scale},
                   {"typical_p", NULL, &p->typical_p},
                   {"epsilon_cutoff", NULL, &p->epsilon_cutoff},
                   {"eta_cutoff", NULL, &p->eta_cutoff},
                   {"min_p", NULL, &p->min_p},
                   {"top_p", NULL, &p->top_p},
                   {"repetition_penalty", NULL, &p->repetition_penalty},
                   {"length_penalty", NULL, &p->length_penalty}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        double value;
        if (strlen(numbers[i].name) != n || memcmp(numbers[i].name, name, n)) continue;
        ck_assert(ll_json_double(v, &value));
        if (numbers[i].integer) *numbers[i].integer = (int32_t)value;
        if (numbers[i].real) *numbers[i].real = (float)value;
        return;
    }
    if (read_list_param(name, n, v, c)) return;
    if (is_name(name, n, "max_length")) {
        p->max_length = (int32_t)number_of(v);
        p->max_new_tokens = 0;
    } else if (is_name(name, n, "renormalize_logits")) {
        bool on;
        ck_assert(ll_json_bool(v, &on));
        p->renormalize_logits = on;
    } else if (is_name(name, n, "exponential_decay_length_penalty")) {
        p->exponential_decay_start = (int32_t)number_of(ll_json_first(v));
        p->exponential_decay_factor = (float)number_of(ll_json_next(ll_json_first(v)));
    } else if (is_name(name, n, "sequence_bias")) {
        read_sequence_bias(v, c);
    } else if (n == 12 && !memcmp(name, "eos_token_id", n)) {
        p->n_eos_token_id = read_ids(v, c->eos);
        p->eos_token_id = c->eos;
    } else if (n == 13 && !memcmp(name, "bad_words_ids", n)) {
        read_words(v, c);
    } else if (n == 14 && !memcmp(name, "early_stopping", n)) {
        p->early_stopping = read_early_stopping(v);
    } else {
        ck_abort_msg("unknown parameter %.*s", (int)n, name);
    }
}

static void read_case(ll_json v, const llmcs_model *model, golden_case *c) {
    llmcs_model_info info = {.struct_size = sizeof info};
    memset(c, 0, sizeof *c);
    OK(llmcs_model_get_info(model, &info));
    c->seq2seq = info.heads & LLMCS_HEAD_SEQ2SEQ_LM;
    c->float16 = c->seq2seq && strcmp(info.weights, "f16") == 0;
    llmcs_generate_params_init(&c->params, c->seq2seq ? model : NULL);
    c->n_prompt = read_ids(ll_json_get(v, "prompt"), c->prompt);
    for (ll_json m = ll_json_first(ll_json_get(v, "params")); ll_json_get_type(m); m = ll_json_next(m)) {
        size_t n;
        const char *name = ll_json_key(m, &n);
        read_param(name, n, m, c);
    }
}

static void check_result(const llmcs_result *result, ll_json v, const golden_case *c, size_t number) {
    /* mbart50's file has a float16 of final_logits_bias, and Transformers' had not been rounded. */
    const double allowed = c->float16 ? 5e-4 : 1e-4;
    ll_json lists = ll_json_get(v, "expect_ids"), scores = ll_json_get(v, "sequences_scores");
    ck_assert_uint_eq(result->n_sequences, ll_json_count(lists));
    ck_assert_uint_eq(result->n_prompt_tokens, c->n_prompt);
    ll_json list = ll_json_first(lists), score = ll_json_first(scores);
    for (size_t i = 0; i < result->n_sequences; i++) {
        const llmcs_sequence *s = result->sequences[i];
        int32_t expect[MAX_IDS];
        size_t n = read_ids(list, expect);
        ck_assert_msg(s->n_ids == n, "case %zu: %zu tokens, not %zu", number, s->n_ids, n);
        for (size_t t = 0; t < n; t++)
            if (s->ids[t] != expect[t])
                ck_abort_msg("case %zu: token %zu is %d, not %d", number, t, s->ids[t], expect[t]);
        const size_t n_before = c->seq2seq ? 1 : c->n_prompt; /* tokens that max_length counts besides */
        bool full = n == (c->params.max_new_tokens ? (size_t)c->params.max_new_tokens
                                                   : (size_t)c->params.max_length - n_before);
        ck_assert_int_eq(s->finish_reason, full ? LLMCS_FINISH_LENGTH : LLMCS_FINISH_EOS);
        double expected_score;
        if (ll_json_double(score, &expected_score)) {
            ck_assert_msg(fabs((double)s->score - expected_score) < allowed, "case %zu: score %.7f, not %.7f", number,
                          (double)s->score, expected_score);
            score = ll_json_next(score);
        }
        list = ll_json_next(list);
    }
}

/* Who generates. */
typedef struct generators {
    llmcs_session *session;
    llmcs_engine *engine; /* or NULL */
} generators;

static void check_generate(const generators *by, ll_json v, const golden_case *c, size_t number) {
    llmcs_result *result = generate_ids(by->session, c->prompt, c->n_prompt, &c->params);
    check_result(result, v, c, number);
    llmcs_result_free(&result);
    if (!by->engine) return;
    llmcs_request *request = NULL;
    OK(llmcs_engine_submit_ids(by->engine, c->prompt, c->n_prompt, &c->params, NULL, &request));
    OK(llmcs_request_wait(request, -1, &result));
    check_result(result, v, c, number);
    llmcs_result_free(&result);
    llmcs_request_free(&request);
}

static void check_distribution(llmcs_session *session, ll_json v, const golden_case *c, size_t number) {
    float got[512] = {0}, expect[512] = {0};
    ll_json map = ll_json_get(v, "expect");
    for (ll_json m = ll_json_first(map); ll_json_get_type(m); m = ll_json_next(m)) {
        size_t n;
        const char *key = ll_json_key(m, &n);
        char id[16] = {0};
        double p;
        if (n >= sizeof id || !ll_json_double(m, &p)) ck_abort_msg("not an id with its probability");
        memcpy(id, key, n);
        expect[atoi(id)] = (float)p;
    }
    OK(llmcs_session_rewind(session, 0));
    OK(llmcs_session_eval(session, c->prompt, c->n_prompt, LLMCS_LOGITS_LAST));
    OK(llmcs_next_distribution(session, &c->params, got));
    for (int i = 0; i < 512; i++) {
        bool both = (got[i] > 0) == (expect[i] > 0);
        if (!both || fabsf(got[i] - expect[i]) >= 1e-4f)
            ck_abort_msg("case %zu: token %d has %g, not %g", number, i, (double)got[i], (double)expect[i]);
    }
}

/* The cases of a file on the weights of a folder. */
static void run_cases_of(const char *folder, const char *cases, int n_threads, size_t *n_generate,
                         size_t *n_distribution) {
    char *text;
    size_t n_bytes;
    llmcs_allocator a = ll_allocator_default();
    ll_json_doc *doc;
    llmcs_model *model = open_with(folder, n_threads, NULL);
    llmcs_model_info info = {.struct_size = sizeof info};
    OK(llmcs_model_get_info(model, &info));
    ck_assert_int_le(info.vocab_size, TINY_VOCAB);
    generators by = {.session = new_session(model)};
    if (n_threads == 2) OK(llmcs_engine_create(model, NULL, &by.engine));
    OK(ll_file_read_all(&a, cases, 1 << 22, &text, &n_bytes));
    OK(ll_json_parse(&a, cases, text, n_bytes, 0, &doc));
    size_t number = 0;
    static golden_case c;
    for (ll_json v = ll_json_first(ll_json_root(doc)); ll_json_get_type(v); v = ll_json_next(v), number++) {
        ll_json kind = ll_json_get(v, "kind");
        if (ll_json_equals(kind, "generate")) {
            read_case(v, model, &c);
            check_generate(&by, v, &c, number);
            ++*n_generate;
        } else if (ll_json_equals(kind, "sample_distribution")) {
            read_case(v, model, &c);
            check_distribution(by.session, v, &c, number);
            ++*n_distribution;
        }
    }
    ll_json_free(&doc);
    ll_free(&a, text);
    llmcs_engine_free(&by.engine);
    llmcs_session_free(&by.session);
    llmcs_model_free(&model);
}

/* The cases of tests/data/`cases`/cases.json on the weights of golden/`folder`. */
static void run_cases(const char *folder, const char *cases, int n_threads, size_t *n_generate,
                      size_t *n_distribution) {
    char path[256], file[256];
    snprintf(path, sizeof path, "tests/data/golden/%s", folder);
    snprintf(file, sizeof file, "tests/data/%s/cases.json", cases);
    run_cases_of(path, file, n_threads, n_generate, n_distribution);
}

START_TEST(golden_cases_pass_on_every_kernel_and_thread_count) {
    /* Threads give the same bits; two folders, one with an odd head size, are enough to notice if not. */
    static const struct {
        const char *folder, *cases;
        int n_threads;
        size_t n_generate, n_distribution;
    } runs[] = {{"gpt2-tiny", "golden/gpt2-tiny", 1, 44, 6},
                {"gpt2-untied", "golden/gpt2-untied", 1, 44, 6},
                {"gpt2-odd-head", "golden/gpt2-odd-head", 1, 44, 6},
                {"gpt2-f16", "golden/gpt2-f16", 1, 44, 6},
                {"gpt2-bf16", "golden/gpt2-bf16", 1, 44, 6},
                {"gpt2-processors", "golden/gpt2-processors", 1, 32, 6},
                {"gpt2-tiny", "generation", 1, 165, 34},
                {"gpt2-tiny", "golden/gpt2-tiny", 2, 44, 6},
                {"gpt2-tiny", "generation", 2, 165, 34},
                {"gpt2-tiny", "golden/gpt2-tiny", 3, 44, 6},
                {"gpt2-odd-head", "golden/gpt2-odd-head", 2, 44, 6},
                {"gpt2-odd-head", "golden/gpt2-odd-head", 3, 44, 6}};
    const size_t n_runs = sizeof runs / sizeof *runs;
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_rows = all_kernels(sets);
    ck_assert_uint_ge(n_rows, 1);
    for (size_t c = 0; c < n_rows * n_runs; c += suite_step(5)) {
        ck_assert_int_eq(setenv("LLMCS_CPU", sets[c / n_runs]->name, 1), 0);
        size_t n_generate = 0, n_distribution = 0;
        run_cases(runs[c % n_runs].folder, runs[c % n_runs].cases, runs[c % n_runs].n_threads, &n_generate,
                  &n_distribution);
        ck_assert_uint_eq(n_generate, runs[c % n_runs].n_generate);
        ck_assert_uint_eq(n_distribution, runs[c % n_runs].n_distribution);
    }
}
END_TEST

/* Each checkpoint of the list on the kernel sets, with one, two or three threads in turn. */
static void run_all(const char *const *names, size_t least_generate) {
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_sets = all_kernels(sets);
    size_t number = 0;
    for (size_t i = 0; names[i]; i++)
        for (size_t k = 0; k < n_sets; k += suite_step(2), number++) {
            size_t n_generate = 0, n_distribution = 0;
            char cases[64];
            snprintf(cases, sizeof cases, "golden/%s", names[i]);
            ck_assert_int_eq(setenv("LLMCS_CPU", sets[k]->name, 1), 0);
            run_cases(names[i], cases, 1 + (int)(number % 3), &n_generate, &n_distribution);
            ck_assert_uint_ge(n_generate, least_generate);
        }
    unsetenv("LLMCS_CPU");
}

START_TEST(decoders_of_every_family_generate) { run_all(golden_decoder_names, 2); }
END_TEST

START_TEST(encoder_decoders_generate) { run_all(golden_seq2seq_names, 12); }
END_TEST

START_TEST(shared_encoder_decoders_generate) {
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_sets = all_kernels(sets);
    const char *name = golden_shared_decoder_names[5 + _i];
    char folder[512], cases[600], relative[64];
    snprintf(relative, sizeof relative, "golden/%s", name);
    if (!shared_path(folder, sizeof folder, relative)) {
        suite_skip(name, "the shared checkpoints are not at hand");
        return;
    }
    snprintf(cases, sizeof cases, "%s/cases.json", folder);
    for (size_t k = 0; k < n_sets; k += suite_step(2)) {
        size_t n_generate = 0, n_distribution = 0;
        ck_assert_int_eq(setenv("LLMCS_CPU", sets[k]->name, 1), 0);
        run_cases_of(folder, cases, 1 + (int)((k + (size_t)_i + 1) % 3), &n_generate, &n_distribution);
        ck_assert_uint_ge(n_generate, 40);
    }
    unsetenv("LLMCS_CPU");
}
END_TEST

START_TEST(every_kernel_set_of_this_build_runs_here) { name_kernel_sets_that_cannot_run(); }
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, every_kernel_set_of_this_build_runs_here);
    tcase_add_test(t, golden_cases_pass_on_every_kernel_and_thread_count);
    tcase_add_test(t, decoders_of_every_family_generate);
    tcase_add_test(t, encoder_decoders_generate);
    tcase_add_loop_test(t, shared_encoder_decoders_generate, 0, 6);
}

SUITE_MAIN("runtime/generate_golden", add)
