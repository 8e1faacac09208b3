/*
 * The alternatives of each token of a beam's answer. The engine keeps none; a session evaluates prompt and answer once
 * more, which gives the same bits, and the k largest logits of each row are picked. It costs about a prefill of the
 * answer.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "generation.h"

enum { ROWS = 32 }; /* tokens of an answer in one call: their logits are in memory at the same time */

/* The k best of a row, best first, with the logarithms of their probabilities. */
static void pick(const float *logits, size_t n, size_t k, llmcs_top_token *best) {
    float highest = -INFINITY;
    double sum = 0;
    size_t n_best = 0;
    for (size_t i = 0; i < n; i++) {
        const float x = logits[i];
        if (x > highest) highest = x;
        if (n_best == k && !(x > best[k - 1].logprob)) continue;
        size_t at = n_best < k ? n_best++ : k - 1;
        for (; at && x > best[at - 1].logprob; at--) best[at] = best[at - 1];
        best[at] = (llmcs_top_token){(int32_t)i, x};
    }
    for (size_t i = 0; i < n; i++) sum += exp((double)logits[i] - (double)highest);
    const double normalizer = (double)highest + log(sum);
    for (size_t j = 0; j < n_best; j++) best[j].logprob = (float)((double)best[j].logprob - normalizer);
}

static llmcs_status pick_rows(llmcs_session *session, size_t n_vocab, size_t k, llmcs_top_token *best) {
    const float *logits;
    size_t n_rows;
    const llmcs_status status = llmcs_session_logits(session, &logits, &n_rows);
    for (size_t i = 0; !status && i < n_rows; i++) pick(logits + i * n_vocab, n_vocab, k, best + i * k);
    return status;
}

static llmcs_status compute_choice(llmcs_session *session, choice *c, const int32_t *prompt, size_t n_prompt) {
    const generation *g = c->generation;
    const llmcs_sequence *s = c->result->sequences[0];
    const size_t n_vocab = (size_t)g->model->info.vocab_size, k = (size_t)g->body.top_logprobs;
    if (!s->n_ids) return LLMCS_OK;
    c->top = malloc(s->n_ids * k * sizeof *c->top);
    if (!c->top) return llmcs_set_error(LLMCS_NOMEM, "no memory for top_logprobs");
    for (size_t i = 0; i < s->n_ids * k; i++) c->top[i] = (llmcs_top_token){-1, -INFINITY};
    llmcs_status status = llmcs_session_rewind(session, 0);
    if (!status) status = llmcs_session_eval(session, prompt, n_prompt, LLMCS_LOGITS_LAST);
    if (!status) status = pick_rows(session, n_vocab, k, c->top);
    for (size_t i = 0; !status && i + 1 < s->n_ids; i += ROWS) {
        const size_t n = s->n_ids - 1 - i < ROWS ? s->n_ids - 1 - i : ROWS;
        if (x_is_gone(g->exchange)) return llmcs_set_error(LLMCS_CANCELLED, "the client is gone");
        if (x_expired(g->exchange)) return llmcs_set_error(LLMCS_DEADLINE, "the deadline passed during top_logprobs");
        status = llmcs_session_eval(session, s->ids + i, n, LLMCS_LOGITS_ALL);
        if (!status) status = pick_rows(session, n_vocab, k, c->top + (i + 1) * k);
    }
    return status;
}

llmcs_status top_logprobs_compute(generation *g) {
    const llmcs_tokenizer *tokenizer = llmcs_model_tokenizer(g->model->model);
    llmcs_session *session = NULL;
    llmcs_session_options options;
    size_t n_ctx = 1;
    for (size_t i = 0; i < g->n_choices; i++) {
        const llmcs_result *r = g->choices[i].result;
        if (r && r->n_prompt_tokens + r->n_new_tokens > n_ctx) n_ctx = r->n_prompt_tokens + r->n_new_tokens;
    }
    llmcs_session_options_init(&options);
    options.n_ctx = (int32_t)(n_ctx < (size_t)g->model->info.n_ctx ? n_ctx : (size_t)g->model->info.n_ctx);
    llmcs_status status = llmcs_session_create(g->model->model, &options, &session);
    for (size_t i = 0; !status && i < g->n_choices; i++) {
        const gen_input *p = &g->inputs[g->choices[i].prompt];
        cli_encoding e = {0}; /* of a text: as the engine has encoded it */
        if (!g->choices[i].result) continue;
        if (p->text) status = cli_encode(tokenizer, p->text, p->len, NULL, 0, g->params.encode_flags, &e);
        if (!status)
            status = compute_choice(session, &g->choices[i], p->text ? e.ids : p->ids, p->text ? e.n : p->n_ids);
        cli_encoding_free(&e);
    }
    llmcs_session_free(&session);
    return status;
}
