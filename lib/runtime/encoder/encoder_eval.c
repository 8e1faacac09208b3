/* llmcs_encoder_eval: evaluates the caller's token ids with an encoder. */
#include <string.h>

#include "base/call.h"
#include "base/options.h"
#include "runtime/check.h"
#include "runtime/encoder/texts.h"

#define OUTPUTS_OLDEST LL_SIZE_UP_TO(llmcs_encoder_outputs, logits)

static llmcs_status check_input(const llmcs_model *m, const int32_t *ids, const int32_t *type_ids,
                                const size_t *lengths, size_t n_texts) {
    size_t n_tokens = 0;
    for (size_t i = 0; i < n_texts; i++) {
        if (lengths[i] == 0) return ll_fail(LLMCS_ARG, "text %zu has no tokens", i);
        if (lengths[i] > m->n_ctx)
            return ll_fail(LLMCS_CONTEXT_FULL, "text %zu has %zu tokens, n_ctx is %zu", i, lengths[i], m->n_ctx);
        if (!ll_add(n_tokens, lengths[i], &n_tokens))
            return ll_fail(LLMCS_ARG, "lengths: their sum is more than memory can hold");
    }
    LL_TRY(ll_check_array("ids", n_tokens, sizeof *ids));
    LL_TRY(ll_check_ids(LLMCS_TOKEN_RANGE, "ids", 0, ids, n_tokens, (size_t)m->config.vocab_size));
    if (!type_ids || m->config.type_vocab_size <= 0) return LLMCS_OK; /* a model without token types ignores them */
    return ll_check_ids(LLMCS_TOKEN_RANGE, "type_ids", 0, type_ids, n_tokens, (size_t)m->config.type_vocab_size);
}

static llmcs_status check_outputs(const llmcs_model *m, const llmcs_encoder_outputs *o) {
    if (o->pooled && !m->net->has_pooler) return ll_fail(LLMCS_NO_HEAD, "pooled: the model has no pooler");
    if (o->logits && m->config.head == LL_HEAD_NONE)
        return ll_fail(LLMCS_NO_HEAD, "logits: the model has no head that gives them (\"%s\")", m->config.architecture);
    return LLMCS_OK;
}

/* One call, and its progress. */
typedef struct evaluation {
    llmcs_model *model;
    const llmcs_encoder_outputs *outputs;
    ll_limits limits;
    uint32_t *rows;           /* 0, 1, 2, ...: MLM logits of every row are requested; NULL: none are */
    size_t n_texts, n_tokens; /* in completed requests */
    size_t n_copied_tokens;   /* tokens whose outputs the sink has copied */
} evaluation;

static void copy_output_rows(float *to, size_t row, const float *from, size_t n_rows, size_t n) {
    if (from) memcpy(to + row * n, from, n_rows * n * sizeof *to);
}

static void copy_sink(void *user, const ll_encoder_output *o) {
    evaluation *e = user;
    const size_t n = (size_t)e->model->config.n_embd;
    copy_output_rows(e->outputs->hidden, e->n_copied_tokens, o->hidden, o->n_tokens, n);
    copy_output_rows(e->outputs->pooled, o->text, o->pooled, 1, n);
    const bool of_tokens = ll_config_tags_tokens(&e->model->config);
    copy_output_rows(e->outputs->logits, of_tokens ? e->n_copied_tokens : o->text, o->logits,
                     of_tokens ? o->n_tokens : 1, ll_config_n_logits(&e->model->config));
    e->n_copied_tokens += o->n_tokens;
}

static llmcs_status eval_all(evaluation *e, const int32_t *ids, const int32_t *type_ids, const size_t *lengths,
                             size_t n) {
    const size_t vocab = (size_t)e->model->config.vocab_size;
    const llmcs_encoder_outputs *out = e->outputs;
    const unsigned want = (out->hidden ? (unsigned)LL_WANT_HIDDEN : 0u) |
                          (out->pooled ? (unsigned)LL_WANT_POOLED : 0u) |
                          (out->logits && !e->rows ? (unsigned)LL_WANT_LOGITS : 0u);
    while (e->n_texts < n) {
        ll_encoder_request r = {.ids = ids + e->n_tokens,
                                .type_ids = type_ids ? type_ids + e->n_tokens : NULL,
                                .lengths = lengths + e->n_texts,
                                .first_text = e->n_texts,
                                .want = want,
                                .sink = copy_sink,
                                .user = e,
                                .limits = e->limits};
        r.n = ll_encoder_chunk(r.lengths, n - e->n_texts, &r.n_rows);
        if (e->rows) {
            r.mlm_rows = e->rows;
            r.n_mlm_rows = r.n_rows;
            r.mlm_logits = e->outputs->logits + e->n_tokens * vocab;
        }
        LL_TRY(ll_encoder_submit(e->model, &r));
        e->n_texts += r.n;
        e->n_tokens += r.n_rows;
    }
    return LLMCS_OK;
}

/* The numbers of the rows of the largest request. */
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

llmcs_status llmcs_encoder_eval_within(llmcs_model *model, const int32_t *ids, const int32_t *type_ids,
                                       const size_t *lengths, size_t n_texts, const llmcs_call_limits *limits,
                                       const llmcs_encoder_outputs *outputs) {
    LL_PUBLIC_CALL;
    llmcs_encoder_outputs o = {.struct_size = sizeof o};
    LL_TRY(ll_model_check_head(model, LLMCS_HEAD_EMBEDDING, "llmcs_encoder_eval"));
    if (!outputs || (n_texts && (!ids || !lengths)))
        return ll_fail(LLMCS_ARG, "llmcs_encoder_eval: ids, lengths or outputs is NULL");
    LL_TRY(ll_options_in(&o, sizeof o, OUTPUTS_OLDEST, outputs, "llmcs_encoder_outputs"));
    LL_TRY(ll_check_array("lengths", n_texts, sizeof *lengths));
    LL_TRY(check_outputs(model, &o));
    LL_TRY(check_input(model, ids, type_ids, lengths, n_texts));
    evaluation e = {.model = model, .outputs = &o};
    LL_TRY(ll_limits_read(limits, &e.limits));
    if (o.logits && (model->heads & LLMCS_HEAD_MASKED_LM)) LL_TRY(number_rows(model, lengths, n_texts, &e.rows));
    llmcs_status st = eval_all(&e, ids, type_ids, lengths, n_texts);
    ll_free(&model->allocator, e.rows);
    return st;
}

llmcs_status llmcs_encoder_eval(llmcs_model *model, const int32_t *ids, const int32_t *type_ids, const size_t *lengths,
                                size_t n_texts, const llmcs_encoder_outputs *outputs) {
    return llmcs_encoder_eval_within(model, ids, type_ids, lengths, n_texts, NULL, outputs);
}
