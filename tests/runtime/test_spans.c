/* llmcs_tag and llmcs_answer_span: what Transformers' pipelines find in the same texts (tests/data/spans), and the
 * logits of shared checkpoints. */
#include <math.h>
#include <string.h>

#include "llmcs.h"
#include "support/json_lines.h"
#include "support/kernel_sets.h"
#include "support/model_fixture.h"
#include "support/shared.h"
#include "support/spans.h"
#include "support/suite.h"

/* The model of the case at hand, opened once for a run of cases. */
typedef struct spans_fixture {
    char name[64], folder[TEMP_PATH_BYTES];
    llmcs_model *model;
    size_t step, n_cases;
} spans_fixture;

static void close_fixture(spans_fixture *f) {
    if (!f->model) return;
    llmcs_model_free(&f->model);
    temp_remove(f->folder);
    f->name[0] = 0;
}

static const char *string_of(ll_json object, const char *key, size_t *n) {
    const char *text = ll_json_string(ll_json_get(object, key), n);
    ck_assert_msg(text != NULL, "no %s", key);
    return text;
}

static void open_for(spans_fixture *f, ll_json object) {
    size_t n, n_tokenizer;
    const char *name = string_of(object, "model", &n), *tokenizer = string_of(object, "tokenizer", &n_tokenizer);
    char tokenizer_name[64];
    if (strlen(f->name) == n && memcmp(f->name, name, n) == 0) return;
    close_fixture(f);
    snprintf(f->name, sizeof f->name, "%.*s", (int)n, name);
    snprintf(tokenizer_name, sizeof tokenizer_name, "%.*s", (int)n_tokenizer, tokenizer);
    spans_folder(f->name, tokenizer_name, f->folder);
    f->model = open_model(f->folder, 2);
}

static int64_t int_or(ll_json object, const char *key, int64_t fallback) {
    ll_json v = ll_json_get(object, key);
    bool on;
    if (ll_json_bool(v, &on)) return on;
    (void)ll_json_int64(v, &fallback);
    return fallback;
}

/* `expected`: [label?, score, begin, end]. */
static void check_span(const llmcs_text_span *s, ll_json expected, bool labelled, const char *where) {
    ll_json v = ll_json_first(expected);
    double score;
    int64_t begin, end;
    if (labelled) {
        ck_assert_msg(ll_json_equals(v, s->label), "%s: label %s", where, s->label);
        v = ll_json_next(v);
    } else {
        ck_assert_str_eq(s->label, "");
        ck_assert_int_eq(s->label_id, -1);
    }
    ck_assert(ll_json_double(v, &score));
    ck_assert(ll_json_int64(v = ll_json_next(v), &begin) && ll_json_int64(ll_json_next(v), &end));
    ck_assert_msg(fabs((double)s->score - score) <= 2e-5, "%s: score %g, expected %g", where, (double)s->score, score);
    ck_assert_msg(s->begin == (size_t)begin && s->end == (size_t)end, "%s: bytes %zu to %zu, expected %lld to %lld",
                  where, s->begin, s->end, (long long)begin, (long long)end);
}

static void check_spans(const llmcs_text_spans *found, ll_json expected, bool labelled, size_t line) {
    char where[64];
    size_t i = 0;
    for (ll_json e = ll_json_first(expected); ll_json_get_type(e); e = ll_json_next(e), i++) {
        snprintf(where, sizeof where, "line %zu, span %zu of %zu", line, i, found->n_spans);
        ck_assert_msg(i < found->n_spans, "%s is missing", where);
        check_span(found->spans[i], e, labelled, where);
    }
    ck_assert_msg(i == found->n_spans, "line %zu: %zu spans, expected %zu", line, found->n_spans, i);
}

/* ------------------------------------------------------------------------------------- equal to Transformers */

static void check_tags(spans_fixture *f, size_t line, ll_json c) {
    static const char *const names[] = {"none", "simple", "first", "max", "average"};
    llmcs_text text = {0};
    llmcs_text_params p;
    llmcs_span_result *found = NULL;
    text.text = string_of(c, "text", &text.text_bytes);
    llmcs_text_params_init(&p);
    ck_assert_int_eq(p.aggregation, LLMCS_AGGREGATE_SIMPLE);
    for (int i = 0; i < 5; i++)
        if (ll_json_equals(ll_json_get(c, "aggregation"), names[i])) p.aggregation = (llmcs_aggregation)i;
    const int64_t stride = int_or(c, "stride", -1);
    if (stride >= 0) {
        p.overflow = LLMCS_OVERFLOW_WINDOWS;
        p.stride = (size_t)stride;
    }
    ck_assert_msg(!llmcs_tag(f->model, &text, 1, &p, NULL, &found), "line %zu: %s", line, llmcs_error_message());
    ck_assert_uint_eq(found->n_texts, 1);
    check_spans(found->texts[0], ll_json_get(c, "spans"), true, line);
    llmcs_span_result_free(&found);
    ck_assert_ptr_null(found);
}

static void check_answers(spans_fixture *f, size_t line, ll_json c) {
    llmcs_text text = {0};
    llmcs_answer_params p;
    llmcs_span_result *found = NULL;
    text.text = string_of(c, "question", &text.text_bytes);
    text.pair = string_of(c, "context", &text.pair_bytes);
    llmcs_answer_params_init(&p);
    p.max_seq_len = (size_t)int_or(c, "max_seq_len", 0);
    p.doc_stride = (int32_t)int_or(c, "doc_stride", -1);
    p.max_answer_len = (int32_t)int_or(c, "max_answer_len", 15);
    p.top_k = (int32_t)int_or(c, "top_k", 1);
    p.handle_impossible_answer = (int32_t)int_or(c, "handle_impossible_answer", 0);
    p.align_to_words = (int32_t)int_or(c, "align_to_words", 1);
    ck_assert_msg(!llmcs_answer_span(f->model, &text, 1, &p, NULL, &found), "line %zu: %s", line,
                  llmcs_error_message());
    check_spans(found->texts[0], ll_json_get(c, "answers"), false, line);
    llmcs_span_result_free(&found);
}

static void check_case(void *user, size_t line, ll_json c) {
    spans_fixture *f = user;
    if (line % f->step) return;
    open_for(f, c);
    if (ll_json_get_type(ll_json_get(c, "spans")))
        check_tags(f, line, c);
    else
        check_answers(f, line, c);
    f->n_cases++;
}

START_TEST(spans_are_those_of_transformers) {
    spans_fixture f = {.step = suite_step(7)};
    golden_each(SPANS_CASES, check_case, &f);
    close_fixture(&f);
    ck_assert_uint_gt(f.n_cases, 50);
}
END_TEST

/* Other kernels differ in the last bits, which no score and no choice here depends on. */
START_TEST(every_kernel_set_finds_the_same) {
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n = all_kernels(sets);
    for (size_t i = 0; i < n; i++) {
        setenv("LLMCS_CPU", sets[i]->name, 1);
        spans_fixture f = {.step = suite_step(7) * 11};
        golden_each(SPANS_CASES, check_case, &f);
        close_fixture(&f);
    }
    unsetenv("LLMCS_CPU");
}
END_TEST

/* -------------------------------------------------------------------------------------------- shared fixtures */

static const char *const shared_names[] = {"bert-ner", "bert-qa", "distilbert-ner", "xlm-roberta-ner"};

/* Logits of question answering are stored as starts and ends. */
static void check_ends(const golden *g, ll_json c, const char *key, const float *logits, size_t n, size_t column) {
    size_t n_expected;
    float found[GOLDEN_MAX_IDS];
    const float *expected = golden_tensor(g, c, key, &n_expected);
    ck_assert_uint_eq(n_expected, n);
    for (size_t i = 0; i < n; i++) found[i] = logits[2 * i + column];
    golden_assert_close(found, expected, n, key);
}

static void check_logits(const golden *g, llmcs_model *m, ll_json c) {
    static float logits[GOLDEN_MAX_IDS * 8];
    int32_t ids[GOLDEN_MAX_IDS], types[GOLDEN_MAX_IDS];
    size_t n = golden_ids(c, "input_ids", ids), n_expected;
    golden_ids(c, "token_type_ids", types);
    llmcs_model_info info = {.struct_size = sizeof info};
    ck_assert_int_eq(llmcs_model_get_info(m, &info), LLMCS_OK);
    const llmcs_encoder_outputs o = {.struct_size = sizeof o, .logits = logits};
    ck_assert_msg(!llmcs_encoder_eval(m, ids, types, &n, 1, &o), "%s", llmcs_error_message());
    if (golden_is(c, "span")) {
        ck_assert_uint_eq(info.heads, LLMCS_HEAD_QUESTION_ANSWERING | LLMCS_HEAD_EMBEDDING);
        check_ends(g, c, "start", logits, n, 0);
        check_ends(g, c, "end", logits, n, 1);
        return;
    }
    const float *expected = golden_tensor(g, c, "logits", &n_expected);
    ck_assert_uint_eq(info.heads, LLMCS_HEAD_TOKEN_CLASSIFICATION | LLMCS_HEAD_EMBEDDING);
    ck_assert_int_eq(info.n_labels, 5);
    ck_assert_str_eq(llmcs_model_label(m, 3), "B-ADDR");
    ck_assert_uint_eq(n_expected, 5 * n);
    golden_assert_close(logits, expected, n_expected, "logits");
}

START_TEST(logits_of_shared_checkpoints) {
    char name[100], folder[400];
    size_t n_cases = 0;
    snprintf(name, sizeof name, "golden/%s", shared_names[_i]);
    if (!shared_path(folder, sizeof folder, name)) {
        suite_skip(shared_names[_i], "the shared checkpoints are not at hand");
        return;
    }
    golden *g = golden_open_folder(folder);
    llmcs_model *m = open_model(folder, 2);
    for (ll_json c = ll_json_first(golden_cases(g)); ll_json_get_type(c); c = ll_json_next(c), n_cases++)
        check_logits(g, m, c);
    ck_assert_uint_ge(n_cases, 3);
    llmcs_model_free(&m);
    golden_close(g);
}
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, spans_are_those_of_transformers);
    tcase_add_test(t, every_kernel_set_finds_the_same);
    tcase_add_loop_test(t, logits_of_shared_checkpoints, 0, sizeof shared_names / sizeof *shared_names);
}

SUITE_MAIN("runtime/spans", add)
