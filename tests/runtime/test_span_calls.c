/* llmcs_tag and llmcs_answer_span as calls: several texts and threads, long texts, limits, every failed allocation, and
 * arguments and folders that are refused. What they find is checked in test_spans.c. */
#include <pthread.h>
#include <string.h>

#include "llmcs.h"
#include "runtime/model/model.h"
#include "support/fail_alloc.h"
#include "support/model_fixture.h"
#include "support/spans.h"
#include "support/suite.h"

#define N_TEXTS 90 /* more than one forward pass takes */

static char tag_folder[TEMP_PATH_BYTES], answer_folder[TEMP_PATH_BYTES];
static llmcs_text texts[N_TEXTS], questions[N_TEXTS];

static void make_texts(void) {
    static const char *const words[] = {"Anna ",       "ordered ", "红色的",  "连衣裙, ",
                                        "in Berlin! ", "😀 ",       "#12345 ", "gone."};
    static char strings[N_TEXTS][400];
    for (size_t i = 0; i < N_TEXTS; i++) {
        strings[i][0] = 0;
        for (size_t k = 0; k < i % 19; k++) strcat(strings[i], words[(i * 7 + k * 3) % 8]);
        texts[i] = (llmcs_text){strings[i], i % 2 ? LLMCS_NUL : strlen(strings[i]), NULL, 0};
        questions[i] = (llmcs_text){"Where is it?", LLMCS_NUL, strings[i], strlen(strings[i])};
    }
}

static void set_up(void) {
    spans_folder("bert-tags", "tiny-bert-cased", tag_folder);
    spans_folder("roberta-answers", "tiny-roberta", answer_folder);
    make_texts();
}

static void tear_down(void) {
    temp_remove(tag_folder);
    temp_remove(answer_folder);
}

static bool same_spans(const llmcs_text_spans *a, const llmcs_text_spans *b) {
    if (a->n_spans != b->n_spans) return false;
    for (size_t i = 0; i < a->n_spans; i++) {
        const llmcs_text_span *x = a->spans[i], *y = b->spans[i];
        if (x->begin != y->begin || x->end != y->end || x->label_id != y->label_id || strcmp(x->label, y->label) != 0 ||
            memcmp(&x->score, &y->score, sizeof x->score) != 0)
            return false;
    }
    return true;
}

/* The same call for both. */
static llmcs_status find(bool answers, llmcs_model *m, size_t first, size_t n, llmcs_text_info *infos,
                         llmcs_span_result **found) {
    return answers ? llmcs_answer_span(m, questions + first, n, NULL, infos, found)
                   : llmcs_tag(m, texts + first, n, NULL, infos, found);
}

/* ----------------------------------------------------------------------------------- texts, threads, memory */

START_TEST(texts_together_are_as_alone_to_the_bit) {
    const bool answers = _i % 2;
    llmcs_model *m = open_model(answers ? answer_folder : tag_folder, 1 + _i / 2);
    llmcs_span_result *all = NULL, *one = NULL;
    llmcs_text_info infos[N_TEXTS] = {{.struct_size = sizeof *infos}};
    ck_assert_msg(!find(answers, m, 0, N_TEXTS, infos, &all), "%s", llmcs_error_message());
    ck_assert_uint_eq(all->n_texts, N_TEXTS);
    size_t n_spans = 0;
    for (size_t i = 0; i < N_TEXTS; i++) {
        ck_assert_int_eq(find(answers, m, i, 1, NULL, &one), LLMCS_OK);
        ck_assert_msg(same_spans(all->texts[i], one->texts[0]), "text %zu", i);
        ck_assert_uint_ge(infos[i].n_windows, 1);
        ck_assert_uint_ge(infos[i].n_evaluated, infos[i].n_windows > 1 ? infos[i].n_tokens : 2);
        n_spans += one->texts[0]->n_spans;
        llmcs_span_result_free(&one);
    }
    ck_assert_uint_gt(n_spans, N_TEXTS / 2);
    llmcs_span_result_free(&all);
    ck_assert_int_eq(find(answers, m, 0, 0, NULL, &all), LLMCS_OK);
    ck_assert_uint_eq(all->n_texts, 0);
    llmcs_span_result_free(&all);
    llmcs_span_result_free(&all); /* NULL is fine */
    llmcs_span_result_free(NULL);
    llmcs_model_free(&m);
}
END_TEST

typedef struct caller {
    llmcs_model *model;
    bool answers;
    const llmcs_span_result *expected;
} caller;

static void *call_often(void *arg) {
    const caller *c = arg;
    for (size_t i = 0; i < N_TEXTS; i += 7) {
        llmcs_span_result *found = NULL;
        const size_t n = i + 5 < N_TEXTS ? 5 : N_TEXTS - i;
        if (find(c->answers, c->model, i, n, NULL, &found)) return arg;
        for (size_t k = 0; k < n; k++)
            if (!same_spans(found->texts[k], c->expected->texts[i + k])) return arg;
        llmcs_span_result_free(&found);
    }
    return NULL;
}

START_TEST(calls_of_many_threads_find_what_one_finds) {
    llmcs_model *m = open_model(_i ? answer_folder : tag_folder, 2);
    llmcs_span_result *expected = NULL;
    pthread_t threads[4];
    void *wrong;
    ck_assert_int_eq(find(_i, m, 0, N_TEXTS, NULL, &expected), LLMCS_OK);
    caller c = {m, _i, expected};
    for (size_t i = 0; i < 4; i++) ck_assert_int_eq(pthread_create(&threads[i], NULL, call_often, &c), 0);
    for (size_t i = 0; i < 4; i++) {
        pthread_join(threads[i], &wrong);
        ck_assert_ptr_null(wrong);
    }
    llmcs_model_free(&m);
    ck_assert_uint_ge(expected->texts[17]->n_spans, 1); /* a result does not need the model */
    ck_assert(expected->texts[17]->spans[0]->score > 0);
    llmcs_span_result_free(&expected);
}
END_TEST

static fail_alloc faults;
static llmcs_allocator failing;

static llmcs_model *open_with_faults(const char *folder) {
    llmcs_model_options o;
    llmcs_model *m = NULL;
    fail_alloc_init(&faults);
    failing = fail_alloc_get(&faults);
    llmcs_model_options_init(&o);
    o.allocator = &failing;
    o.n_threads = 1;
    ck_assert_msg(!llmcs_model_open(folder, &o, &m), "%s", llmcs_error_message());
    return m;
}

/* Windows and many spans: every array grows. */
START_TEST(every_failed_allocation_is_reported_and_frees_all) {
    const bool answers = _i;
    llmcs_model *m = open_with_faults(answers ? answer_folder : tag_folder);
    llmcs_span_result *expected = NULL, *found = NULL;
    ck_assert_int_eq(find(answers, m, 10, 9, NULL, &expected), LLMCS_OK);
    const long live = faults.live;
    long n = 0;
    for (bool reached = true; reached; n++) {
        faults.fail_after = n % 2;
        faults.fail_at = faults.calls + n;
        const llmcs_status st = find(answers, m, 10, 9, NULL, &found);
        reached = faults.calls > faults.fail_at;
        faults.fail_at = -1;
        ck_assert_msg(st == (reached ? LLMCS_NOMEM : LLMCS_OK), "point %ld: %s", n, llmcs_error_message());
        ck_assert_msg(reached == !found, "point %ld", n);
        for (size_t i = 0; found && i < found->n_texts; i++) ck_assert(same_spans(found->texts[i], expected->texts[i]));
        llmcs_span_result_free(&found);
        ck_assert_int_eq(faults.live, live);
    }
    ck_assert_int_gt(n, 40);
    llmcs_span_result_free(&expected);
    llmcs_model_free(&m);
    ck_assert_int_eq(faults.live, 0);
}
END_TEST

START_TEST(the_plan_counts_the_logits_of_tokens) {
    llmcs_plan_info plan = {.struct_size = sizeof plan};
    llmcs_model_options o;
    llmcs_span_result *found = NULL;
    llmcs_model *m = open_with_faults(tag_folder);
    const uint64_t of_model = (uint64_t)faults.live_bytes;
    llmcs_model_options_init(&o);
    o.n_threads = 1;
    ck_assert_int_eq(llmcs_plan(tag_folder, &o, NULL, &plan), LLMCS_OK);
    ck_assert_uint_le(of_model, plan.model_bytes);
    ck_assert_int_eq(llmcs_tag(m, texts, 3, NULL, NULL, &found), LLMCS_OK);
    llmcs_span_result_free(&found);
    ck_assert_uint_le((uint64_t)faults.live_bytes - of_model, plan.encoder_bytes);
    ck_assert_uint_ge(((uint64_t)faults.live_bytes - of_model) * 51 / 50, plan.encoder_bytes);
    llmcs_model_free(&m);
}
END_TEST

/* -------------------------------------------------------------------------------------------- params and limits */

static char *long_text(size_t n_words) {
    char *text = temp_alloc(n_words * 8 + 1);
    text[0] = 0;
    for (size_t i = 0, at = 0; i < n_words; i++) at += (size_t)sprintf(text + at, i % 3 ? "Anna " : "红, ");
    return text;
}

START_TEST(long_texts_as_their_params_say) {
    llmcs_model *m = open_model(tag_folder, 2);
    char *text = long_text(300);
    const llmcs_text long_one = {text, LLMCS_NUL, NULL, 0};
    llmcs_text_info info = {.struct_size = sizeof info};
    llmcs_text_params p;
    llmcs_span_result *found = NULL;
    llmcs_text_params_init(&p);
    ck_assert_int_eq(llmcs_tag(m, &long_one, 1, &p, &info, &found), LLMCS_OK);
    ck_assert(info.truncated && info.n_windows == 1 && info.n_evaluated == 64);
    llmcs_span_result_free(&found);
    p.overflow = LLMCS_OVERFLOW_ERROR;
    ck_assert_int_eq(llmcs_tag(m, &long_one, 1, &p, &info, &found), LLMCS_CONTEXT_FULL);
    ck_assert_ptr_null(found);
    p.overflow = LLMCS_OVERFLOW_WINDOWS;
    p.stride = 8;
    for (int a = LLMCS_AGGREGATE_NONE; a <= LLMCS_AGGREGATE_AVERAGE; a++) {
        p.aggregation = (llmcs_aggregation)a;
        ck_assert_int_eq(llmcs_tag(m, &long_one, 1, &p, &info, &found), LLMCS_OK);
        ck_assert(info.n_windows > 5 && !info.truncated);
        const llmcs_text_spans *spans = found->texts[0];
        for (size_t i = 1; i < spans->n_spans; i++) ck_assert_uint_ge(spans->spans[i]->begin, spans->spans[i - 1]->end);
        ck_assert_uint_gt(spans->spans[spans->n_spans - 1]->end, strlen(text) - 60);
        llmcs_span_result_free(&found);
    }
    p.max_windows = 5;
    ck_assert_int_eq(llmcs_tag(m, &long_one, 1, &p, NULL, &found), LLMCS_CONTEXT_FULL);
    p.max_windows = 0;
    p.aggregation = (llmcs_aggregation)5;
    ck_assert_int_eq(llmcs_tag(m, &long_one, 1, &p, NULL, &found), LLMCS_ARG);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "aggregation: 5"));
    free(text);
    llmcs_model_free(&m);
}
END_TEST

START_TEST(long_contexts_as_their_params_say) {
    llmcs_model *m = open_model(answer_folder, 2);
    char *text = long_text(300);
    llmcs_text q = {"Where is it?", LLMCS_NUL, text, strlen(text)};
    llmcs_text_info info = {.struct_size = sizeof info};
    llmcs_answer_params p;
    llmcs_span_result *found = NULL;
    llmcs_answer_params_init(&p);
    ck_assert(p.max_answer_len == 15 && p.top_k == 1 && p.doc_stride == -1 && p.align_to_words == 1);
    p.top_k = 50;
    ck_assert_int_eq(llmcs_answer_span(m, &q, 1, &p, &info, &found), LLMCS_OK);
    ck_assert(info.n_windows > 5 && found->texts[0]->n_spans == 50);
    for (size_t i = 1; i < 50; i++) ck_assert(found->texts[0]->spans[i]->score <= found->texts[0]->spans[i - 1]->score);
    llmcs_span_result_free(&found);
    p.max_windows = 5;
    ck_assert_int_eq(llmcs_answer_span(m, &q, 1, &p, NULL, &found), LLMCS_CONTEXT_FULL);
    llmcs_answer_params_init(&p);
    /* A question that takes most of a window: the default stride is shortened, one that was set is refused. */
    q.text = "Where Where Where Where Where Where Where Where Where Where Where Where Where Where";
    ck_assert_msg(!llmcs_answer_span(m, &q, 1, &p, NULL, &found), "%s", llmcs_error_message());
    llmcs_span_result_free(&found);
    p.doc_stride = 40;
    ck_assert_int_eq(llmcs_answer_span(m, &q, 1, &p, NULL, &found), LLMCS_CONTEXT_FULL);
    llmcs_answer_params_init(&p);
    q.text = text; /* no window left */
    ck_assert_int_eq(llmcs_answer_span(m, &q, 1, &p, NULL, &found), LLMCS_CONTEXT_FULL);
    ck_assert_ptr_null(found);
    free(text);
    llmcs_model_free(&m);
}
END_TEST

START_TEST(deadlines_and_cancellation) {
    const int32_t no = 0, yes = 1;
    llmcs_model *tags = open_model(tag_folder, 2), *answers = open_model(answer_folder, 1);
    llmcs_span_result *found = NULL;
    llmcs_text_params p;
    llmcs_answer_params a;
    llmcs_text_params_init(&p);
    llmcs_answer_params_init(&a);
    p.deadline_ms = a.deadline_ms = 1e-6;
    ck_assert_int_eq(llmcs_tag(tags, texts, N_TEXTS, &p, NULL, &found), LLMCS_DEADLINE);
    ck_assert_int_eq(llmcs_answer_span(answers, questions, N_TEXTS, &a, NULL, &found), LLMCS_DEADLINE);
    p.deadline_ms = a.deadline_ms = 0;
    p.cancel = a.cancel = &yes;
    ck_assert_int_eq(llmcs_tag(tags, texts, N_TEXTS, &p, NULL, &found), LLMCS_CANCELLED);
    ck_assert_int_eq(llmcs_answer_span(answers, questions, N_TEXTS, &a, NULL, &found), LLMCS_CANCELLED);
    ck_assert_ptr_null(found);
    p.cancel = a.cancel = &no;
    ck_assert_int_eq(llmcs_tag(tags, texts, N_TEXTS, &p, NULL, &found), LLMCS_OK);
    llmcs_span_result_free(&found);
    ck_assert_int_eq(llmcs_answer_span(answers, questions, N_TEXTS, &a, NULL, &found), LLMCS_OK);
    llmcs_span_result_free(&found);
    llmcs_model_free(&tags);
    llmcs_model_free(&answers);
}
END_TEST

/* ------------------------------------------------------------------------------------------------------- texts */

/* Offsets are those of the caller's bytes, whatever they are; each ill-formed part is one U+FFFD. */
START_TEST(bytes_that_are_not_utf8) {
    static const char bad[] = "Anna \xff\xfe \xe4\xbd in\0 Berlin \xc0";
    llmcs_model *m = open_model(tag_folder, 1);
    const llmcs_text text = {bad, sizeof bad - 1, NULL, 0};
    llmcs_text_params p;
    llmcs_span_result *found = NULL;
    llmcs_text_params_init(&p);
    p.aggregation = LLMCS_AGGREGATE_NONE;
    ck_assert_int_eq(llmcs_tag(m, &text, 1, &p, NULL, &found), LLMCS_OK);
    for (size_t i = 0; i < found->texts[0]->n_spans; i++) {
        const llmcs_text_span *s = found->texts[0]->spans[i];
        ck_assert(s->begin < s->end && s->end <= sizeof bad - 1);
    }
    llmcs_span_result_free(&found);
    p.flags = LLMCS_STRICT_UTF8;
    ck_assert_int_eq(llmcs_tag(m, &text, 1, &p, NULL, &found), LLMCS_UTF8);
    p.flags = LLMCS_PARSE_SPECIAL;
    ck_assert_int_eq(llmcs_tag(m, &text, 1, &p, NULL, &found), LLMCS_ARG);
    llmcs_model_free(&m);
}
END_TEST

/* What users write does not become a special token, in a text or in a context. */
START_TEST(special_tokens_in_texts_are_text) {
    llmcs_model *m = open_model(tag_folder, 1);
    const llmcs_text text = {"[CLS] Anna [SEP]", LLMCS_NUL, NULL, 0};
    llmcs_text_info info = {.struct_size = sizeof info};
    llmcs_span_result *found = NULL;
    ck_assert_int_eq(llmcs_tag(m, &text, 1, NULL, &info, &found), LLMCS_OK);
    ck_assert_uint_gt(info.n_tokens, 8);
    llmcs_span_result_free(&found);
    llmcs_model_free(&m);
}
END_TEST

START_TEST(contexts_without_an_answer) {
    static const char *const contexts[] = {"", " ", "\t\n", "\xe2\x80\x8b"};
    char folder[TEMP_PATH_BYTES];
    spans_folder("bert-answers", "tiny-bert-uncased", folder);
    llmcs_model *m = open_model(folder, 1);
    for (size_t i = 0; i < sizeof contexts / sizeof *contexts; i++)
        for (int impossible = 0; impossible < 2; impossible++) {
            const llmcs_text q = {"Where?", LLMCS_NUL, contexts[i], LLMCS_NUL};
            llmcs_answer_params p;
            llmcs_span_result *found = NULL;
            llmcs_answer_params_init(&p);
            p.handle_impossible_answer = impossible;
            ck_assert_int_eq(llmcs_answer_span(m, &q, 1, &p, NULL, &found), LLMCS_OK);
            ck_assert_uint_eq(found->texts[0]->n_spans, 1);
            const llmcs_text_span *s = found->texts[0]->spans[0];
            ck_assert(s->begin == 0 && s->end == 0 && s->label_id == -1);
            ck_assert(impossible ? s->score > 0.9f : s->score == 0.0f); /* [CLS] has all of the probability */
            llmcs_span_result_free(&found);
        }
    llmcs_model_free(&m);
    temp_remove(folder);
}
END_TEST

/* ----------------------------------------------------------------------------------------------------- refusals */

START_TEST(wrong_arguments) {
    llmcs_model *tags = open_model(tag_folder, 1), *answers = open_model(answer_folder, 1);
    llmcs_span_result *found = (llmcs_span_result *)&tags;
    const llmcs_text no_text = {NULL, 3, NULL, 0}, pair = {"a", 1, "b", 1}, alone = {"a", 1, NULL, 0};
    ck_assert_int_eq(llmcs_tag(tags, texts, 1, NULL, NULL, NULL), LLMCS_ARG);
    ck_assert_int_eq(llmcs_tag(NULL, texts, 1, NULL, NULL, &found), LLMCS_ARG);
    ck_assert_ptr_null(found);
    ck_assert_int_eq(llmcs_tag(tags, NULL, 1, NULL, NULL, &found), LLMCS_ARG);
    ck_assert_int_eq(llmcs_tag(tags, texts, SIZE_MAX, NULL, NULL, &found), LLMCS_ARG);
    ck_assert_int_eq(llmcs_tag(tags, &no_text, 1, NULL, NULL, &found), LLMCS_ARG);
    ck_assert_int_eq(llmcs_tag(tags, &pair, 1, NULL, NULL, &found), LLMCS_ARG);
    ck_assert_int_eq(llmcs_tag(answers, texts, 1, NULL, NULL, &found), LLMCS_NO_HEAD);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "token-classification"));
    ck_assert_int_eq(llmcs_answer_span(answers, &pair, 1, NULL, NULL, NULL), LLMCS_ARG);
    ck_assert_int_eq(llmcs_answer_span(answers, NULL, 1, NULL, NULL, &found), LLMCS_ARG);
    ck_assert_int_eq(llmcs_answer_span(answers, &alone, 1, NULL, NULL, &found), LLMCS_ARG);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "context"));
    ck_assert_int_eq(llmcs_answer_span(tags, &pair, 1, NULL, NULL, &found), LLMCS_NO_HEAD);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "question-answering"));
    float scores[8];
    ck_assert_int_eq(llmcs_classify(tags, texts, 1, NULL, scores, NULL, NULL), LLMCS_NO_HEAD);
    ck_assert_ptr_null(llmcs_model_label(answers, 0));
    ck_assert_ptr_null(llmcs_model_label(tags, 7));
    llmcs_model_free(&tags);
    llmcs_model_free(&answers);
}
END_TEST

START_TEST(wrong_answer_params) {
    static const struct {
        size_t offset;
        int32_t value;
        const char *named;
    } wrong[] = {{offsetof(llmcs_answer_params, top_k), 0, "top_k: 0"},
                 {offsetof(llmcs_answer_params, top_k), 4097, "top_k: 4097"},
                 {offsetof(llmcs_answer_params, max_answer_len), 0, "max_answer_len: 0"},
                 {offsetof(llmcs_answer_params, doc_stride), -2, "doc_stride: -2"},
                 {offsetof(llmcs_answer_params, doc_stride), 64, "stride is 64"},
                 {offsetof(llmcs_answer_params, max_seq_len), 65, "max_length is 65"},
                 {offsetof(llmcs_answer_params, max_seq_len), 2, "max_length is 2"},
                 {offsetof(llmcs_answer_params, flags), 2, "flags"}};
    llmcs_model *m = open_model(answer_folder, 1);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        llmcs_span_result *found = NULL;
        llmcs_answer_params p;
        llmcs_answer_params_init(&p);
        memcpy((char *)&p + wrong[i].offset, &wrong[i].value, sizeof wrong[i].value);
        ck_assert_int_eq(llmcs_answer_span(m, questions, 1, &p, NULL, &found), LLMCS_ARG);
        ck_assert_msg(strstr(llmcs_error_message(), wrong[i].named), "%s", llmcs_error_message());
    }
    llmcs_model_free(&m);
}
END_TEST

/* A changed copy of a folder, opened: its status, and what the message names. */
static void expect_open(const char *name, const char *tokenizer, void (*change)(checkpoint *c), llmcs_status status,
                        const char *named) {
    char from[200], folder[TEMP_PATH_BYTES], vocabulary[TEMP_PATH_BYTES];
    llmcs_model *m = NULL;
    llmcs_span_result *found = NULL;
    snprintf(from, sizeof from, SPANS_FOLDER "%s", name);
    checkpoint *c = checkpoint_read(from);
    change(c);
    spans_folder(name, tokenizer, vocabulary);
    temp_folder(folder);
    checkpoint_write(c, folder, 1);
    spans_link(vocabulary, "vocab.txt", folder);
    spans_link(vocabulary, "tokenizer.json", folder);
    llmcs_status st = llmcs_model_open(folder, NULL, &m);
    const bool answers = strstr(name, "answers");
    if (!st)
        st = answers ? llmcs_answer_span(m, questions + 5, 1, NULL, NULL, &found)
                     : llmcs_tag(m, texts + 5, 1, NULL, NULL, &found);
    ck_assert_msg(st == status, "%s, expected %s: %s", llmcs_status_name(st), llmcs_status_name(status),
                  llmcs_error_message());
    if (st) ck_assert_msg(strstr(llmcs_error_message(), named), "%s", llmcs_error_message());
    if (!st) ck_assert_str_eq(llmcs_model_label(m, 6), named);
    llmcs_span_result_free(&found);
    llmcs_model_free(&m);
    checkpoint_free(c);
    temp_remove(folder);
    temp_remove(vocabulary);
}

static void no_classifier(checkpoint *c) { checkpoint_remove(c, "classifier.weight"); }
static void no_answers(checkpoint *c) { checkpoint_remove(c, "qa_outputs.bias"); }
static void one_row(checkpoint *c) {
    stored_tensor *t = checkpoint_find(c, "qa_outputs.weight");
    t->shape[0] = 1;
    t->n_bytes /= 2;
}
static void fewer_labels(checkpoint *c) { checkpoint_set(c, "id2label", "{\"0\": \"O\", \"1\": \"B-PER\"}"); }
static void no_labels(checkpoint *c) {
    checkpoint_set(c, "id2label", "null");
    checkpoint_set(c, "num_labels", "7");
}
static void not_a_number(checkpoint *c) {
    static const uint16_t nan16 = 0x7e00;
    memcpy(checkpoint_find(c, "classifier.bias")->data + 2, &nan16, sizeof nan16);
}
static void answers_not_a_number(checkpoint *c) {
    static const uint16_t infinity16 = 0x7c00;
    memcpy(checkpoint_find(c, "qa_outputs.bias")->data, &infinity16, sizeof infinity16);
}

START_TEST(wrong_heads_of_folders) {
    expect_open("bert-tags", "tiny-bert-cased", no_classifier, LLMCS_FORMAT, "classifier.weight");
    expect_open("bert-tags", "tiny-bert-cased", fewer_labels, LLMCS_CONFIG, "classifier.weight");
    expect_open("bert-tags", "tiny-bert-cased", no_labels, LLMCS_OK, "LABEL_6");
    expect_open("bert-tags", "tiny-bert-cased", not_a_number, LLMCS_NUMERIC, "logits");
    expect_open("bert-answers", "tiny-bert-uncased", no_answers, LLMCS_FORMAT, "qa_outputs.bias");
    expect_open("bert-answers", "tiny-bert-uncased", one_row, LLMCS_CONFIG, "qa_outputs.weight");
    expect_open("bert-answers", "tiny-bert-uncased", answers_not_a_number, LLMCS_NUMERIC, "logits");
}
END_TEST

START_TEST(without_a_tokenizer) {
    llmcs_span_result *found = NULL;
    llmcs_model *m = open_model(SPANS_FOLDER "bert-tags", 1);
    ck_assert_int_eq(llmcs_tag(m, texts, 1, NULL, NULL, &found), LLMCS_TOKENIZER);
    llmcs_model_free(&m);
}
END_TEST

/* GGUF files keep heads and labels; float32 matrices give the same bits. */
START_TEST(gguf_files_find_the_same) {
    const char *folder = _i ? answer_folder : tag_folder;
    char out[TEMP_PATH_BYTES];
    llmcs_quantize_params p;
    llmcs_span_result *expected = NULL, *found = NULL;
    temp_folder(out);
    llmcs_quantize_params_init(&p);
    p.type = LLMCS_GGUF_F16; /* as in the folder */
    ck_assert_msg(!llmcs_quantize(folder, temp_path(out, "x.gguf"), &p), "%s", llmcs_error_message());
    llmcs_model *a = open_model(folder, 1), *b = open_model(temp_path(out, "x.gguf"), 1);
    ck_assert_int_eq(find(_i, a, 0, N_TEXTS, NULL, &expected), LLMCS_OK);
    ck_assert_int_eq(find(_i, b, 0, N_TEXTS, NULL, &found), LLMCS_OK);
    for (size_t i = 0; i < N_TEXTS; i++) ck_assert(same_spans(expected->texts[i], found->texts[i]));
    llmcs_span_result_free(&expected);
    llmcs_span_result_free(&found);
    llmcs_model_free(&a);
    llmcs_model_free(&b);
    temp_remove(out);
}
END_TEST

static void add(TCase *t) {
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_loop_test(t, texts_together_are_as_alone_to_the_bit, 0, 4);
    tcase_add_loop_test(t, calls_of_many_threads_find_what_one_finds, 0, 2);
    tcase_add_loop_test(t, every_failed_allocation_is_reported_and_frees_all, 0, 2);
    tcase_add_test(t, the_plan_counts_the_logits_of_tokens);
    tcase_add_test(t, long_texts_as_their_params_say);
    tcase_add_test(t, long_contexts_as_their_params_say);
    tcase_add_test(t, deadlines_and_cancellation);
    tcase_add_test(t, bytes_that_are_not_utf8);
    tcase_add_test(t, special_tokens_in_texts_are_text);
    tcase_add_test(t, contexts_without_an_answer);
    tcase_add_test(t, wrong_arguments);
    tcase_add_test(t, wrong_answer_params);
    tcase_add_test(t, wrong_heads_of_folders);
    tcase_add_test(t, without_a_tokenizer);
    tcase_add_loop_test(t, gguf_files_find_the_same, 0, 2);
}

SUITE_MAIN("runtime/span_calls", add)
