/* Every `generate` and `sample_distribution` case of tests/data/golden, on every kernel set that runs here and
 * with one, two and three threads: what Transformers computed on the same weights. */
#include <math.h>

#include "base/file.h"
#include "formats/json.h"
#include "runtime/generate_case.h"
#include "support/kernel_sets.h"

#define MAX_IDS 512
#define MAX_WORDS 16

/* Parameters of a case and the arrays they point to. */
typedef struct golden_case {
    llmcs_generate_params params;
    int32_t prompt[MAX_IDS], eos[MAX_IDS], word_ids[MAX_IDS];
    llmcs_ids words[MAX_WORDS];
    size_t n_prompt;
} golden_case;

static size_t read_ids(ll_json array, int32_t *ids) {
    size_t n = 0;
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
    if (n == 12 && !memcmp(name, "eos_token_id", n)) {
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

static void read_case(ll_json v, golden_case *c) {
    memset(c, 0, sizeof *c);
    llmcs_generate_params_init(&c->params, NULL);
    c->n_prompt = read_ids(ll_json_get(v, "prompt"), c->prompt);
    for (ll_json m = ll_json_first(ll_json_get(v, "params")); ll_json_get_type(m); m = ll_json_next(m)) {
        size_t n;
        const char *name = ll_json_key(m, &n);
        read_param(name, n, m, c);
    }
}

static void check_generate(llmcs_session *session, ll_json v, const golden_case *c, size_t number) {
    llmcs_result *result = generate_ids(session, c->prompt, c->n_prompt, &c->params);
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
        bool full = n == (size_t)c->params.max_new_tokens;
        ck_assert_int_eq(s->finish_reason, full ? LLMCS_FINISH_LENGTH : LLMCS_FINISH_EOS);
        double expected_score;
        if (ll_json_double(score, &expected_score)) {
            ck_assert_msg(fabs((double)s->score - expected_score) < 1e-4, "case %zu: score %.7f, not %.7f", number,
                          (double)s->score, expected_score);
            score = ll_json_next(score);
        }
        list = ll_json_next(list);
    }
    llmcs_result_free(&result);
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

static void run_folder(const char *folder, int n_threads, size_t *n_generate, size_t *n_distribution) {
    char path[256];
    char *text;
    size_t n_bytes;
    llmcs_allocator a = ll_allocator_default();
    ll_json_doc *doc;
    snprintf(path, sizeof path, "tests/data/golden/%s", folder);
    llmcs_model *model = open_with(path, n_threads, NULL);
    llmcs_model_info info = {.struct_size = sizeof info};
    OK(llmcs_model_get_info(model, &info));
    ck_assert_int_le(info.vocab_size, TINY_VOCAB);
    llmcs_session *session = new_session(model);
    snprintf(path, sizeof path, "tests/data/golden/%s/cases.json", folder);
    OK(ll_file_read_all(&a, path, 1 << 22, &text, &n_bytes));
    OK(ll_json_parse(&a, path, text, n_bytes, 0, &doc));
    size_t number = 0;
    static golden_case c;
    for (ll_json v = ll_json_first(ll_json_root(doc)); ll_json_get_type(v); v = ll_json_next(v), number++) {
        ll_json kind = ll_json_get(v, "kind");
        if (ll_json_equals(kind, "generate")) {
            read_case(v, &c);
            check_generate(session, v, &c, number);
            ++*n_generate;
        } else if (ll_json_equals(kind, "sample_distribution")) {
            read_case(v, &c);
            check_distribution(session, v, &c, number);
            ++*n_distribution;
        }
    }
    ll_json_free(&doc);
    ll_free(&a, text);
    llmcs_session_free(&session);
    llmcs_model_free(&model);
}

START_TEST(golden_cases_pass_on_every_kernel_and_thread_count) {
    /* Threads give the same bits; two folders, one with an odd head size, are enough to notice if not. */
    static const struct {
        const char *folder;
        int n_threads;
    } runs[] = {{"gpt2-tiny", 1}, {"gpt2-untied", 1}, {"gpt2-odd-head", 1}, {"gpt2-f16", 1},     {"gpt2-bf16", 1},
                {"gpt2-tiny", 2}, {"gpt2-tiny", 3},   {"gpt2-odd-head", 2}, {"gpt2-odd-head", 3}};
    const size_t n_runs = sizeof runs / sizeof *runs;
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_rows = all_kernels(sets);
    ck_assert_uint_ge(n_rows, 1);
    for (size_t c = 0; c < n_rows * n_runs; c += suite_step(5)) {
        ck_assert_int_eq(setenv("LLMCS_CPU", sets[c / n_runs]->name, 1), 0);
        size_t n_generate = 0, n_distribution = 0;
        run_folder(runs[c % n_runs].folder, runs[c % n_runs].n_threads, &n_generate, &n_distribution);
        ck_assert_uint_eq(n_generate, 44);
        ck_assert_uint_eq(n_distribution, 6);
    }
}
END_TEST

START_TEST(every_kernel_set_of_this_build_runs_here) { name_kernel_sets_that_cannot_run(); }
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, every_kernel_set_of_this_build_runs_here);
    tcase_add_test(t, golden_cases_pass_on_every_kernel_and_thread_count);
}

SUITE_MAIN("runtime/generate_golden", add)
