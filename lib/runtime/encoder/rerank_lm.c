/*
 * The prompt is that of Qwen3-Reranker's model card: a fixed prefix, the task, the query and the document, and a fixed
 * suffix. Prefix and suffix contain control tokens; what is between them is always plain text. A document that is too
 * long is truncated.
 *
 * One session evaluates all documents of a call; their common prefix up to the document is evaluated once.
 */
#include "runtime/encoder/rerank_lm.h"

#include <math.h>
#include <string.h>

#include "base/options.h"
#include "runtime/session/session.h"
#include "text/tokenizer.h"

#define DEFAULT_TASK "Given a web search query, retrieve relevant passages that answer the query"

static const char beginning[] =
    "<|im_start|>system\nJudge whether the Document meets the requirements based on the Query and the Instruct "
    "provided. "
    "Note that the answer can only be \"yes\" or \"no\".<|im_end|>\n<|im_start|>user\n";
static const char end[] = "<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n";

static int32_t token(const llmcs_model *m, const char *text) {
    return llmcs_token_to_id(m->tokenizer, text, strlen(text));
}

bool ll_rerank_lm_possible(const llmcs_model *m) {
    static const char *const needed[] = {"<|im_start|>", "<|im_end|>", "<think>", "</think>", "yes", "no"};
    if (!(m->heads & LLMCS_HEAD_CAUSAL_LM) || !m->tokenizer) return false;
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (token(m, needed[i]) < 0) return false;
    return true;
}

/* -------------------------------------------------------------------------------------------------- the tokens */

/* The prompts of all documents, concatenated. */
typedef struct questions {
    const llmcs_model *model;
    const ll_text_rules *rules;
    const char *task;
    llmcs_text query;
    ll_tokens beginning, end;
    int32_t *ids; /* [n_ids] */
    size_t *ends; /* [n_docs] in ids */
    size_t n_ids, capacity, longest;
} questions;

static llmcs_status encode(const llmcs_model *m, const char *text, size_t n, uint32_t flags, ll_tokens *tokens) {
    return ll_tokens_create(m->tokenizer, &(llmcs_text){text, n, NULL, 0}, flags, false, tokens);
}

/* "<Instruct>: ...\n<Query>: ...\n<Document>: ..." in *text, from the model's allocator. */
static llmcs_status compose(const questions *q, const llmcs_text *doc, char **text, size_t *n) {
    const struct {
        const char *bytes;
        size_t n;
    } parts[] = {
        {"<Instruct>: ", 12},   {q->task, strlen(q->task)},
        {"\n<Query>: ", 10},    {q->query.text, q->query.text_bytes},
        {"\n<Document>: ", 13}, {doc->text, doc->text_bytes == LLMCS_NUL ? strlen(doc->text) : doc->text_bytes}};
    const size_t n_parts = sizeof parts / sizeof *parts;
    size_t at = 0;
    *n = 0;
    for (size_t i = 0; i < n_parts; i++)
        if (!ll_add(*n, parts[i].n, n)) return ll_fail(LLMCS_LIMIT, "a document is too long");
    LL_TRY(ll_alloc(&q->model->allocator, *n, 1, "question", text));
    for (size_t i = 0; i < n_parts; at += parts[i++].n)
        if (parts[i].n) memcpy(*text + at, parts[i].bytes, parts[i].n);
    return LLMCS_OK;
}

/* Reserves n more ids. */
static llmcs_status reserve(questions *q, size_t n) {
    size_t need;
    if (!ll_add(q->n_ids, n, &need)) return ll_fail(LLMCS_LIMIT, "the documents are too long");
    return ll_grow(&q->model->allocator, &q->ids, q->n_ids, &q->capacity, need, sizeof *q->ids, "token ids");
}

static void append(questions *q, const ll_tokens *tokens, size_t n_text) {
    ll_tokens_out out = {.ids = q->ids + q->n_ids};
    ll_tokens_write(q->model->tokenizer, tokens, (const llmcs_span[2]){{0, n_text}, {0, 0}}, &out);
    q->n_ids += out.n;
}

/* Appends the prompt for one document, whose tokens are `body`, truncated to max_length. */
static llmcs_status append_question(questions *q, ll_tokens *body, size_t i, llmcs_text_info *info) {
    const size_t n_fixed = q->beginning.texts[0].n + q->end.texts[0].n, first = q->n_ids;
    size_t kept[2] = {body->texts[0].n, 0};
    info->n_tokens = n_fixed + body->texts[0].n + body->n_special;
    if (info->n_tokens > q->rules->max_length) {
        if (q->rules->overflow == LLMCS_OVERFLOW_ERROR)
            return ll_fail(LLMCS_CONTEXT_FULL, "document %zu has %zu tokens with its question, max_length is %zu", i,
                           info->n_tokens, q->rules->max_length);
        if (n_fixed + body->n_special >= q->rules->max_length)
            return ll_fail(LLMCS_ARG, "max_length is %zu, the question alone has %zu tokens", q->rules->max_length,
                           n_fixed);
        LL_TRY(ll_tokens_cut(body, LLMCS_TRUNCATE_LONGEST_FIRST, q->rules->max_length - n_fixed, kept));
        info->truncated = 1;
    }
    LL_TRY(reserve(q, n_fixed + kept[0] + body->n_special));
    append(q, &q->beginning, q->beginning.texts[0].n);
    append(q, body, kept[0]);
    append(q, &q->end, q->end.texts[0].n);
    info->n_evaluated = q->n_ids - first;
    info->n_windows = 1;
    q->longest = ll_max(q->longest, info->n_evaluated);
    q->ends[i] = q->n_ids;
    return ll_encoder_check_tokens(q->model, q->ids + first, NULL, info->n_evaluated);
}

static llmcs_status add_question(questions *q, const llmcs_text *doc, size_t i, llmcs_text_info *infos) {
    llmcs_text_info info = {.struct_size = sizeof info};
    ll_tokens body;
    char *text;
    size_t n;
    LL_TRY(compose(q, doc, &text, &n));
    llmcs_status status = encode(q->model, text, n, q->rules->flags, &body);
    ll_free(&q->model->allocator, text);
    LL_TRY(status);
    status = append_question(q, &body, i, &info);
    ll_tokens_free(q->model->tokenizer, &body);
    if (!status && infos) { /* the caller's elements may be longer or shorter than ours */
        const size_t size = infos->struct_size;
        ll_options_init((unsigned char *)infos + i * size, size, &info, sizeof info);
    }
    return status;
}

static void free_questions(questions *q) {
    ll_tokens_free(q->model->tokenizer, &q->beginning);
    ll_tokens_free(q->model->tokenizer, &q->end);
    ll_free(&q->model->allocator, q->ids);
    ll_free(&q->model->allocator, q->ends);
}

static llmcs_status make_questions(questions *q, const llmcs_text *docs, size_t n_docs, llmcs_text_info *infos) {
    const uint32_t fixed = LLMCS_PARSE_SPECIAL;
    LL_TRY(encode(q->model, beginning, sizeof beginning - 1, fixed, &q->beginning));
    LL_TRY(encode(q->model, end, sizeof end - 1, fixed, &q->end));
    LL_TRY(ll_alloc(&q->model->allocator, n_docs, sizeof *q->ends, "ends of questions", &q->ends));
    for (size_t i = 0; i < n_docs; i++) LL_TRY(add_question(q, &docs[i], i, infos));
    return LLMCS_OK;
}

/* ------------------------------------------------------------------------------------------------- the answers */

static size_t n_common(const int32_t *a, size_t n_a, const int32_t *b, size_t n_b) {
    size_t n = 0;
    while (n < n_a && n < n_b && a[n] == b[n]) n++;
    return n;
}

/* The difference of the logits of "yes" and "no" after each question. */
static llmcs_status answer(const questions *q, llmcs_session *session, size_t n_docs, float *differences) {
    const int32_t yes = token(q->model, "yes"), no = token(q->model, "no");
    for (size_t i = 0, first = 0, before = 0, n_before = 0; i < n_docs; before = first, first = q->ends[i++]) {
        const size_t n = q->ends[i] - first;
        const float *logits;
        /* the last token is read in any case, for its logits */
        const size_t kept = ll_min(n_common(q->ids + before, n_before, q->ids + first, n), n - 1);
        ll_seq_rewind(session, 0, kept);
        LL_TRY(ll_seq_eval(session, 0, q->ids + first + kept, n - kept, LLMCS_LOGITS_LAST, &logits));
        differences[i] = logits[yes] - logits[no];
        n_before = n;
    }
    return LLMCS_OK;
}

static llmcs_status answer_all(const questions *q, llmcs_model *m, size_t n_docs, float *differences) {
    llmcs_session_options options;
    llmcs_session *session;
    llmcs_session_options_init(&options);
    options.n_ctx = (int32_t)q->longest;
    LL_TRY(llmcs_session_create(m, &options, &session));
    llmcs_status status = ll_session_enter(session);
    if (!status) {
        ll_session_set_limits(session, q->rules->limits);
        status = answer(q, session, n_docs, differences);
        ll_session_leave(session);
    }
    llmcs_session_free(&session);
    return status;
}

llmcs_status ll_rerank_lm(llmcs_model *m, const llmcs_text *query, const llmcs_text *docs, size_t n_docs,
                          const ll_text_rules *rules, float *scores, llmcs_text_info *infos) {
    questions q = {.model = m, .rules = rules, .task = rules->prompt ? rules->prompt : DEFAULT_TASK, .query = *query};
    if (rules->overflow == LLMCS_OVERFLOW_WINDOWS)
        return ll_fail(LLMCS_ARG, "overflow: a language model reads a document in one piece; use TRUNCATE or ERROR");
    if (q.query.text_bytes == LLMCS_NUL) q.query.text_bytes = strlen(q.query.text);
    if (infos && n_docs) LL_TRY(ll_options_check(infos, LL_SIZE_UP_TO(llmcs_text_info, truncated), "llmcs_text_info"));
    if (!n_docs) return LLMCS_OK;
    llmcs_status status = make_questions(&q, docs, n_docs, infos);
    if (!status) status = answer_all(&q, m, n_docs, scores);
    free_questions(&q);
    for (size_t i = 0; !status && i < n_docs && rules->rerank_score != LLMCS_RERANK_LOGIT; i++)
        scores[i] = (float)(1.0 / (1.0 + exp(-(double)scores[i])));
    return status;
}
