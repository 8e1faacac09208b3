/* Extractive question answering, as Transformers' QuestionAnsweringPipeline (4.51): in each window, a span's score is
 * the probability that its first token starts the answer times the probability that its last token ends it. */
#include <math.h>
#include <string.h>

#include "base/call.h"
#include "base/options.h"
#include "runtime/check.h"
#include "runtime/encoder/spans.h"
#include "runtime/encoder/texts.h"
#include "text/tokenizer.h"

#define PARAMS_OLDEST LL_SIZE_UP_TO(llmcs_answer_params, max_windows)
#define DEFAULT_SEQ_LEN ((size_t)384)
#define DEFAULT_STRIDE ((size_t)128)
#define MAX_TOP_K 4096
#define MASKED_LOGIT (-10000.0f) /* for tokens that cannot be in an answer: their probability becomes 0 */

/* -------------------------------------------------------------------------------------------------- params */

void llmcs_answer_params_init_sized(llmcs_answer_params *params, size_t struct_size) {
    const llmcs_answer_params defaults = {
        .struct_size = sizeof defaults, .doc_stride = -1, .max_answer_len = 15, .top_k = 1, .align_to_words = 1};
    ll_options_init(params, struct_size, &defaults, sizeof defaults);
}

static llmcs_status check_values(const llmcs_answer_params *p) {
    if (p->doc_stride < -1) return ll_fail(LLMCS_ARG, "doc_stride: %d is not valid (-1 or more)", (int)p->doc_stride);
    if (p->max_answer_len < 1)
        return ll_fail(LLMCS_ARG, "max_answer_len: %d is not valid (1 or more)", (int)p->max_answer_len);
    if (p->top_k < 1 || p->top_k > MAX_TOP_K)
        return ll_fail(LLMCS_ARG, "top_k: %d is not valid (1 to %d)", (int)p->top_k, MAX_TOP_K);
    return LLMCS_OK;
}

/* Converts them to parameters of texts: a context that is too long is split into windows, each with the whole question.
 */
static llmcs_status read_params(const llmcs_model *m, const llmcs_answer_params *params, llmcs_answer_params *p,
                                ll_text_rules *rules) {
    llmcs_text_params texts;
    llmcs_answer_params_init(p);
    if (params) LL_TRY(ll_options_in(p, sizeof *p, PARAMS_OLDEST, params, "llmcs_answer_params"));
    LL_TRY(check_values(p));
    llmcs_text_params_init(&texts);
    texts.overflow = LLMCS_OVERFLOW_WINDOWS;
    texts.truncation = LLMCS_TRUNCATE_ONLY_SECOND;
    texts.max_length = p->max_seq_len ? p->max_seq_len : ll_min(ll_text_default_length(m), DEFAULT_SEQ_LEN);
    texts.stride = p->doc_stride >= 0 ? (size_t)p->doc_stride : ll_min(texts.max_length / 2, DEFAULT_STRIDE);
    texts.flags = p->flags;
    texts.deadline_ms = p->deadline_ms;
    texts.cancel = p->cancel;
    texts.max_windows = p->max_windows;
    LL_TRY(ll_text_rules_read(m, &texts, texts.max_length, LLMCS_WINDOW_MEAN, rules));
    rules->narrow_stride = p->doc_stride < 0;
    return LLMCS_OK;
}

/* -------------------------------------------------------------------------------------------------- a window */

/* A span of tokens. */
typedef struct candidate {
    uint32_t start, end;
    float score;
} candidate;

typedef struct answerer {
    const llmcs_model *model;
    const llmcs_answer_params *params;
    llmcs_span_result *result;
    float *probabilities; /* [2, n] starts, then ends, of the window */
    size_t capacity;
    candidate *best; /* [top_k] of the window, best first */
    size_t n_best;
    float null_score;     /* the minimum over the text's windows */
    ll_span_list answers; /* of all windows of the text */
} answerer;

static bool is_context(uint8_t mark) { return (mark & (LL_MARK_SECOND | LL_MARK_SPECIAL)) == LL_MARK_SECOND; }

/* Softmax of column 0 (starts) or 1 (ends) of the logits, over the context and [CLS]. */
static void column_probabilities(const ll_token_rows *rows, int32_t cls, size_t column, float *out) {
    double sum = 0.0;
    float max = -INFINITY;
    for (size_t i = 0; i < rows->n; i++) {
        const bool possible = is_context(rows->marks[i]) || rows->ids[i] == cls;
        out[i] = possible ? rows->logits[2 * i + column] : MASKED_LOGIT;
        if (out[i] > max) max = out[i];
    }
    for (size_t i = 0; i < rows->n; i++) sum += exp((double)out[i] - (double)max);
    for (size_t i = 0; i < rows->n; i++) out[i] = (float)(exp((double)out[i] - (double)max) / sum);
}

/* Inserts a candidate in the order of scores; on ties the earlier one stays in front. */
static void insert_candidate(answerer *a, candidate c) {
    const size_t top_k = (size_t)a->params->top_k;
    if (a->n_best == top_k && c.score <= a->best[top_k - 1].score) return;
    size_t at = a->n_best < top_k ? a->n_best++ : top_k - 1;
    for (; at > 0 && c.score > a->best[at - 1].score; at--) a->best[at] = a->best[at - 1];
    a->best[at] = c;
}

/* The top_k spans of at most max_answer_len tokens. */
static void find_best_spans(answerer *a, const ll_token_rows *rows) {
    const float *start = a->probabilities, *end = a->probabilities + rows->n;
    a->n_best = 0;
    for (size_t i = 0; i < rows->n; i++) {
        if (!is_context(rows->marks[i])) continue;
        const size_t n = ll_min(rows->n - i, (size_t)a->params->max_answer_len);
        for (size_t k = i; k < i + n; k++) {
            const float score = start[i] * end[k];
            if (score > 0.0f && is_context(rows->marks[k]))
                insert_candidate(a, (candidate){(uint32_t)i, (uint32_t)k, score});
        }
    }
}

/* The bytes of the context from token c->start to c->end, with align_to_words extended to whole words of this window.
 */
static llmcs_text_span span_of(const answerer *a, const ll_token_rows *rows, const candidate *c) {
    size_t first = c->start, last = c->end;
    if (a->params->align_to_words) {
        while (first > 0 && !(rows->marks[first] & LL_MARK_WORD) && is_context(rows->marks[first - 1])) first--;
        while (last + 1 < rows->n && is_context(rows->marks[last + 1]) && !(rows->marks[last + 1] & LL_MARK_WORD))
            last++;
    }
    return (llmcs_text_span){.begin = rows->offsets[first].begin,
                             .end = rows->offsets[last].end,
                             .score = c->score,
                             .label_id = -1,
                             .label = ""};
}

static llmcs_status answer_window(answerer *a, const ll_token_rows *rows) {
    const llmcs_allocator *allocator = &a->model->allocator;
    const int32_t cls = llmcs_special_token(a->model->tokenizer, LLMCS_SPECIAL_CLS);
    LL_TRY(ll_grow(allocator, &a->probabilities, 0, &a->capacity, 2 * rows->n, sizeof(float), "probabilities"));
    float *start = a->probabilities, *end = start + rows->n;
    column_probabilities(rows, cls, 0, start);
    column_probabilities(rows, cls, 1, end);
    if (rows->first || start[0] * end[0] < a->null_score) a->null_score = start[0] * end[0];
    find_best_spans(a, rows);
    for (size_t i = 0; i < a->n_best; i++)
        LL_TRY(ll_span_list_push(allocator, &a->answers, span_of(a, rows, &a->best[i])));
    return LLMCS_OK;
}

/* --------------------------------------------------------------------------------------------------- a text */

static bool scores_higher(const llmcs_text_span *a, const llmcs_text_span *b) { return a->score > b->score; }

static llmcs_status answer_sink(void *user, const ll_token_rows *rows) {
    answerer *a = user;
    const llmcs_allocator *allocator = &a->model->allocator;
    const llmcs_text_span none = {.label_id = -1, .label = ""};
    if (rows->first) a->answers.n = 0;
    LL_TRY(answer_window(a, rows));
    if (!rows->last) return LLMCS_OK;
    if (a->params->handle_impossible_answer || !a->answers.n) {
        LL_TRY(ll_span_list_push(allocator, &a->answers, none));
        if (a->params->handle_impossible_answer) a->answers.items[a->answers.n - 1].score = a->null_score;
    }
    LL_TRY(ll_span_list_sort(allocator, &a->answers, scores_higher));
    return ll_span_result_set(a->result, rows->text, &a->answers, ll_min(a->answers.n, (size_t)a->params->top_k));
}

/* --------------------------------------------------------------------------------------------------- the call */

static llmcs_status check_questions(const llmcs_text *questions, size_t n_questions) {
    if (!questions && n_questions) return ll_fail(LLMCS_ARG, "llmcs_answer_span: questions is NULL");
    LL_TRY(ll_check_array("questions", n_questions, sizeof *questions));
    for (size_t i = 0; i < n_questions; i++)
        if (!questions[i].pair)
            return ll_fail(LLMCS_ARG, "question %zu has no context; llmcs_text.pair is the context", i);
    return LLMCS_OK;
}

static llmcs_status answer_questions(answerer *a, llmcs_model *m, const llmcs_text *questions, size_t n_questions,
                                     const ll_text_rules *rules, llmcs_text_info *infos) {
    const ll_text_call call = {.model = m,
                               .texts = questions,
                               .n_texts = n_questions,
                               .rules = rules,
                               .user = a,
                               .infos = infos,
                               .tokens = answer_sink};
    LL_TRY(ll_span_result_create(&m->allocator, n_questions, &a->result));
    LL_TRY(ll_alloc(&m->allocator, (size_t)a->params->top_k, sizeof *a->best, "best spans", &a->best));
    return ll_encoder_texts(&call);
}

llmcs_status llmcs_answer_span(llmcs_model *model, const llmcs_text *questions, size_t n_questions,
                               const llmcs_answer_params *params, llmcs_text_info *infos, llmcs_span_result **result) {
    LL_PUBLIC_CALL;
    llmcs_answer_params p;
    ll_text_rules rules;
    if (!result) return ll_fail(LLMCS_ARG, "llmcs_answer_span: result is NULL");
    *result = NULL;
    LL_TRY(ll_model_check_head(model, LLMCS_HEAD_QUESTION_ANSWERING, "llmcs_answer_span"));
    LL_TRY(ll_model_check_tokenizer(model));
    LL_TRY(check_questions(questions, n_questions));
    LL_TRY(read_params(model, params, &p, &rules));
    answerer a = {.model = model, .params = &p};
    const llmcs_status st = answer_questions(&a, model, questions, n_questions, &rules, infos);
    ll_free(&model->allocator, a.probabilities);
    ll_free(&model->allocator, a.best);
    ll_span_list_free(&model->allocator, &a.answers);
    if (st) llmcs_span_result_free(&a.result);
    *result = a.result;
    return st;
}
