/*
 * Texts through an encoder: cut into sequences, a piece of good size at a time, and every piece put to work. Cutting is
 * done by the caller's thread, beside the passes of others. It is not divided over the pool: one thread encodes tens of
 * megabytes a second, a thousand times what BERT-base reads.
 */
#include <string.h>

#include "base/options.h"
#include "runtime/encoder/encoder.h"

#define INFO_OLDEST LL_SIZE_UP_TO(llmcs_text_info, truncated)

/* A call, the sequences that wait for their piece, and what has been cut. */
typedef struct feed {
    const ll_text_call *call;
    ll_sequences sequences;
    size_t n_cut, first_cut, first_cut_tokens;
} feed;

/* All windows of a text are in one request, so its first and its last can be told. */
static void sink(void *user, const ll_encoder_answer *a) {
    const feed *f = user;
    const llmcs_model *m = f->call->model;
    const ll_sequences *s = &f->sequences;
    size_t n = (size_t)m->config.n_embd, row = 0;
    for (size_t i = 0; i < a->n; i++) {
        const size_t at = a->first + i;
        ll_window w = {.text = s->text_of[at],
                       .first = at == 0 || s->text_of[at - 1] != s->text_of[at],
                       .last = at + 1 == s->n || s->text_of[at + 1] != s->text_of[at],
                       .n_tokens = s->lengths[at]};
        if (a->hidden) w.hidden = a->hidden + row * n;
        if (a->pooled) w.pooled = a->pooled + i * n;
        if (a->logits) w.logits = a->logits + i * (size_t)m->config.n_labels;
        f->call->sink(f->call->user, &w);
        row += w.n_tokens;
    }
}

/* The first n sequences, [n_rows] of tokens; they are then forgotten. */
static llmcs_status work(feed *f, size_t n, size_t n_rows) {
    ll_sequences *s = &f->sequences;
    const size_t n_all = s->n, n_all_rows = s->n_rows;
    if (!n) return LLMCS_OK;
    s->n = n;
    /* RoBERTa knows one type, whatever the tokenizer says of pairs. */
    ll_encoder_request r = {.ids = s->ids,
                            .type_ids = f->call->model->config.type_vocab_size > 1 ? s->type_ids : NULL,
                            .lengths = s->lengths,
                            .n = n,
                            .n_rows = n_rows,
                            .text_of = s->text_of,
                            .want = f->call->want,
                            .sink = sink,
                            .user = f};
    LL_TRY(ll_encoder_submit(f->call->model, &r));
    s->n = n_all - n;
    s->n_rows = n_all_rows - n_rows;
    memmove(s->ids, s->ids + n_rows, s->n_rows * sizeof *s->ids);
    memmove(s->type_ids, s->type_ids + n_rows, s->n_rows * sizeof *s->type_ids);
    memmove(s->lengths, s->lengths + n, s->n * sizeof *s->lengths);
    memmove(s->text_of, s->text_of + n, s->n * sizeof *s->text_of);
    return LLMCS_OK;
}

/* Element i of the caller's array, whose elements may be longer or shorter than ours. */
static void write_info(llmcs_text_info *infos, size_t i, const llmcs_text_info *info) {
    const size_t size = infos->struct_size;
    ll_options_init((unsigned char *)infos + i * size, size, info, sizeof *info);
}

/* Cuts text i. Those before it are worked if it is too much for one piece with them. */
static llmcs_status add(feed *f, size_t i) {
    const ll_text_call *c = f->call;
    ll_sequences *s = &f->sequences;
    const size_t n = s->n, n_rows = s->n_rows;
    size_t piece_rows;
    llmcs_text_info info = {.struct_size = sizeof info};
    LL_TRY(ll_sequences_add(s, c->model, c->rules, &c->texts[i], i, &info));
    if (c->infos) write_info(c->infos, i, &info);
    if (info.truncated && !f->n_cut++) {
        f->first_cut = i;
        f->first_cut_tokens = info.n_tokens;
    }
    if (ll_encoder_chunk(s->lengths, s->n, &piece_rows) == s->n) return LLMCS_OK;
    return work(f, n, n_rows);
}

llmcs_status ll_encoder_texts(const ll_text_call *call) {
    feed f = {.call = call};
    if (call->infos && call->n_texts) LL_TRY(ll_options_check(call->infos, INFO_OLDEST, "llmcs_text_info"));
    llmcs_status st = LLMCS_OK;
    for (size_t i = 0; !st && i < call->n_texts; i++) st = add(&f, i);
    if (!st) st = work(&f, f.sequences.n, f.sequences.n_rows);
    ll_sequences_free(&f.sequences, &call->model->allocator);
    if (!st && f.n_cut && !call->infos)
        ll_log_say(&call->model->log, LLMCS_LOG_WARN, "%zu of %zu texts were cut to %zu tokens; text %zu had %zu",
                   f.n_cut, call->n_texts, call->rules->max_length, f.first_cut, f.first_cut_tokens);
    return st;
}
