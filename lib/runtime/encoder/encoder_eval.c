/* llmcs_encoder_eval: token ids of the caller's own through an encoder. */
#include <string.h>

#include "base/options.h"
#include "runtime/encoder/encoder.h"

#define OUTPUTS_OLDEST LL_SIZE_UP_TO(llmcs_encoder_outputs, logits)

static llmcs_status check_ids(const char *what, const int32_t *ids, size_t n, int32_t bound) {
    for (size_t i = 0; i < n; i++)
        if (ids[i] < 0 || ids[i] >= bound)
            return ll_fail(LLMCS_TOKEN_RANGE, "%s %zu is %d, expected 0..%d", what, i, (int)ids[i], (int)bound - 1);
    return LLMCS_OK;
}

static llmcs_status check_input(const llmcs_model *m, const int32_t *ids, const int32_t *type_ids,
                                const size_t *lengths, size_t n_texts) {
    size_t n_tokens = 0;
    for (size_t i = 0; i < n_texts; i++) {
        if (lengths[i] == 0) return ll_fail(LLMCS_ARG, "text %zu has no tokens", i);
        if (lengths[i] > m->n_ctx)
            return ll_fail(LLMCS_CONTEXT_FULL, "text %zu has %zu tokens, n_ctx is %zu", i, lengths[i], m->n_ctx);
        if (!ll_add(n_tokens, lengths[i], &n_tokens)) return ll_fail(LLMCS_ARG, "lengths add up to no size");
    }
    LL_TRY(check_ids("token", ids, n_tokens, m->config.vocab_size));
    /* A model without token types takes any: they mean nothing to it. */
    bool typed = type_ids && m->config.type_vocab_size > 0;
    return typed ? check_ids("token type", type_ids, n_tokens, m->config.type_vocab_size) : LLMCS_OK;
}

static llmcs_status check_outputs(const llmcs_model *m, const llmcs_encoder_outputs *o) {
    if (o->pooled && !m->net->has_pooler) return ll_fail(LLMCS_NO_HEAD, "pooled: the model has no pooler");
    if (o->logits && !(m->heads & (LLMCS_HEAD_CLASSIFICATION | LLMCS_HEAD_MASKED_LM)))
        return ll_fail(LLMCS_NO_HEAD, "logits: the model has no classification or masked-LM head");
    return LLMCS_OK;
}

/* One call, and how far it has come. */
typedef struct eval {
    llmcs_model *model;
    const llmcs_encoder_outputs *outputs;
    uint32_t *rows; /* 0, 1, 2, ...: every row's words are wanted; NULL: none's */
    size_t n_texts, n_tokens;
    size_t n_piece_texts, n_piece_tokens; /* of the piece that is worked, as far as it has been answered */
} eval;

static void copy(float *to, size_t row, const float *from, size_t n_rows, size_t n) {
    if (from) memcpy(to + row * n, from, n_rows * n * sizeof *to);
}

static void sink(void *user, const ll_encoder_answer *a) {
    eval *e = user;
    size_t n = (size_t)e->model->config.n_embd, text = e->n_texts + e->n_piece_texts;
    copy(e->outputs->hidden, e->n_tokens + e->n_piece_tokens, a->hidden, a->n_rows, n);
    copy(e->outputs->pooled, text, a->pooled, a->n, n);
    copy(e->outputs->logits, text, a->logits, a->n, (size_t)e->model->config.n_labels);
    e->n_piece_texts += a->n;
    e->n_piece_tokens += a->n_rows;
}

static unsigned wanted(const eval *e) {
    return (e->outputs->hidden ? (unsigned)LL_WANT_HIDDEN : 0u) | (e->outputs->pooled ? (unsigned)LL_WANT_POOLED : 0u) |
           (e->outputs->logits && !e->rows ? (unsigned)LL_WANT_LOGITS : 0u);
}

static llmcs_status eval_all(eval *e, const int32_t *ids, const int32_t *type_ids, const size_t *lengths, size_t n) {
    size_t vocab = (size_t)e->model->config.vocab_size;
    while (e->n_texts < n) {
        ll_encoder_request r = {.ids = ids + e->n_tokens,
                                .type_ids = type_ids ? type_ids + e->n_tokens : NULL,
                                .lengths = lengths + e->n_texts,
                                .first_text = e->n_texts,
                                .want = wanted(e),
                                .sink = sink,
                                .user = e};
        r.n = ll_encoder_chunk(r.lengths, n - e->n_texts, &r.n_rows);
        if (e->rows) {
            r.word_rows = e->rows;
            r.n_word_rows = r.n_rows;
            r.words = e->outputs->logits + e->n_tokens * vocab;
        }
        e->n_piece_texts = e->n_piece_tokens = 0;
        LL_TRY(ll_encoder_submit(e->model, &r));
        e->n_texts += r.n;
        e->n_tokens += r.n_rows;
    }
    return LLMCS_OK;
}

/* Numbers of the rows of the largest piece. */
static llmcs_status number_rows(const llmcs_model *m, const size_t *lengths, size_t n_texts, uint32_t **rows) {
    size_t most = 0;
    for (size_t i = 0; i < n_texts;) {
        size_t n_rows;
        i += ll_encoder_chunk(lengths + i, n_texts - i, &n_rows);
        most = ll_max(most, n_rows);
    }
    LL_TRY(ll_alloc(&m->allocator, most, sizeof **rows, "rows", rows));
    for (size_t i = 0; i < most; i++) (*rows)[i] = (uint32_t)i;
    return LLMCS_OK;
}

llmcs_status llmcs_encoder_eval(llmcs_model *model, const int32_t *ids, const int32_t *type_ids, const size_t *lengths,
                                size_t n_texts, const llmcs_encoder_outputs *outputs) {
    llmcs_encoder_outputs o = {.struct_size = sizeof o};
    LL_TRY(ll_model_check_head(model, LLMCS_HEAD_EMBEDDING, "llmcs_encoder_eval"));
    if (!outputs || (n_texts && (!ids || !lengths)))
        return ll_fail(LLMCS_ARG, "llmcs_encoder_eval: ids, lengths or outputs is NULL");
    LL_TRY(ll_options_in(&o, sizeof o, OUTPUTS_OLDEST, outputs, "llmcs_encoder_outputs"));
    LL_TRY(check_outputs(model, &o));
    LL_TRY(check_input(model, ids, type_ids, lengths, n_texts));
    eval e = {.model = model, .outputs = &o};
    if (o.logits && (model->heads & LLMCS_HEAD_MASKED_LM)) LL_TRY(number_rows(model, lengths, n_texts, &e.rows));
    llmcs_status st = eval_all(&e, ids, type_ids, lengths, n_texts);
    ll_free(&model->allocator, e.rows);
    return st;
}
