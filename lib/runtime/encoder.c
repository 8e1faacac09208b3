/* Passes of an encoder: their memory, and token ids through them. */
#include "runtime/encoder.h"

#include <string.h>
#include <unistd.h>

#include "runtime/numbers.h"
#include "runtime/options.h"

#define OUTPUTS_OLDEST sizeof(llmcs_encoder_outputs)

/* A pass takes up to this many rows (or one longer text): enough for the matrix products to run at their best,
 * small enough for the workspace to stay small. */
#define PASS_ROWS ((size_t)512)
#define PASS_TEXTS ((size_t)64)
/* Rooms kept for later calls: as many as callers are likely to come at once. */
#define MAX_IDLE 4

/* --------------------------------------------------------------------------------------------------- rooms */

static void room_free(ll_encoder_room *room, const llmcs_allocator *a) {
    void *const parts[] = {room->workspace, room->kv,     room->blocks,  room->runs,   room->rows,  room->ids,
                           room->type_ids,  room->hidden, room->lengths, room->pooled, room->logits};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) ll_free(a, parts[i]);
    ll_free(a, room);
}

/* Blocks of keys and values: every text may leave its last one half empty. */
static size_t max_blocks(const ll_encoder_room *room) { return room->max_rows / LL_KV_BLOCK + room->max_texts; }

static llmcs_status room_fill(ll_encoder_room *room, const llmcs_model *m) {
    const llmcs_allocator *a = &m->allocator;
    size_t n = (size_t)m->config.n_embd, n_labels = (size_t)m->config.n_labels, n_blocks = max_blocks(room);
    size_t row_bytes = n * sizeof(float), n_ids = room->max_rows + m->n_ctx;
    ll_pass_size size = {.n_rows = room->max_rows,
                         .n_runs = room->max_texts,
                         .n_logit_rows = m->heads & LLMCS_HEAD_MASKED_LM ? room->max_rows : 0,
                         .max_positions = m->n_ctx,
                         .n_threads = (size_t)ll_pool_size(m->pool)};
    size_t n_floats = m->net->ops->workspace_floats(m->net, &size), block_bytes = ll_kv_block_bytes(&m->net->kv);
    LL_TRY(ll_alloc(a, n_floats, sizeof(float), "workspace", &room->workspace));
    LL_TRY(ll_alloc(a, n_blocks, block_bytes, "keys and values", &room->kv));
    LL_TRY(ll_alloc(a, n_blocks, sizeof(void *), "block table", &room->blocks));
    LL_TRY(ll_alloc(a, room->max_texts, sizeof(ll_run), "runs", &room->runs));
    LL_TRY(ll_alloc(a, room->max_rows, sizeof(uint32_t), "rows", &room->rows));
    LL_TRY(ll_alloc(a, n_ids, sizeof(int32_t), "token ids", &room->ids));
    LL_TRY(ll_alloc(a, n_ids, sizeof(int32_t), "type ids", &room->type_ids));
    LL_TRY(ll_alloc(a, room->max_texts, sizeof(size_t), "lengths", &room->lengths));
    LL_TRY(ll_alloc(a, room->max_rows, row_bytes, "hidden states", &room->hidden));
    LL_TRY(ll_alloc(a, room->max_texts, row_bytes, "pooled states", &room->pooled));
    LL_TRY(ll_alloc(a, room->max_texts, n_labels * sizeof(float), "logits", &room->logits));
    for (size_t i = 0; i < n_blocks; i++) room->blocks[i] = room->kv + i * block_bytes;
    for (size_t i = 0; i < room->max_rows; i++) room->rows[i] = (uint32_t)i;
    return LLMCS_OK;
}

llmcs_status ll_encoder_room_take(llmcs_model *m, ll_encoder_room **room) {
    pthread_mutex_lock(&m->idle_lock);
    ll_encoder_room *r = m->idle;
    if (r) {
        m->idle = r->next;
        m->n_idle--;
    }
    pthread_mutex_unlock(&m->idle_lock);
    *room = r;
    if (r) return LLMCS_OK;
    LL_TRY(ll_alloc_zero(&m->allocator, 1, sizeof *r, "encoder workspace", &r));
    r->max_rows = ll_max(PASS_ROWS, m->n_ctx);
    r->max_texts = PASS_TEXTS;
    llmcs_status st = room_fill(r, m);
    if (st) {
        room_free(r, &m->allocator);
        return st;
    }
    *room = r;
    return LLMCS_OK;
}

void ll_encoder_room_give(llmcs_model *m, ll_encoder_room *room) {
    pthread_mutex_lock(&m->idle_lock);
    bool keep = m->n_idle < MAX_IDLE;
    if (keep) {
        room->next = m->idle;
        m->idle = room;
        m->n_idle++;
    }
    pthread_mutex_unlock(&m->idle_lock);
    if (!keep) room_free(room, &m->allocator);
}

void ll_encoder_rooms_free(llmcs_model *m) {
    while (m->idle) {
        ll_encoder_room *next = m->idle->next;
        room_free(m->idle, &m->allocator);
        m->idle = next;
    }
    m->n_idle = 0;
}

/* -------------------------------------------------------------------------------------------------- passes */

size_t ll_encoder_fit(const ll_encoder_room *room, const size_t *lengths, size_t n_texts, size_t *n_rows) {
    size_t n = 0;
    *n_rows = 0;
    while (n < n_texts && n < room->max_texts && lengths[n] <= room->max_rows - *n_rows) *n_rows += lengths[n++];
    return n;
}

llmcs_status ll_encoder_run(llmcs_model *m, ll_encoder_room *room, const ll_encoder_pass *pass) {
    size_t row = 0, block = 0;
    for (size_t i = 0; i < pass->n_texts; i++) {
        room->runs[i] = (ll_run){.first_row = row, .n_rows = pass->lengths[i], .kv_blocks = room->blocks + block};
        row += pass->lengths[i];
        block += (pass->lengths[i] + LL_KV_BLOCK - 1) / LL_KV_BLOCK;
    }
    ll_batch batch = {.n_rows = row,
                      .ids = pass->ids,
                      .type_ids = pass->type_ids,
                      .runs = room->runs,
                      .n_runs = pass->n_texts,
                      .logit_rows = pass->logit_rows,
                      .n_logit_rows = pass->n_logit_rows,
                      .logits = pass->logits,
                      .hidden = pass->hidden,
                      .pooled = pass->pooled};
    return ll_net_forward(m->net, m->pool, &batch, room->workspace);
}

/* ---------------------------------------------------------------------------------------- llmcs_encoder_eval */

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
    if (o->pooled && !m->net->has_pooler) return ll_fail(LLMCS_STATE, "the model's folder has no pooler");
    if (o->logits && !(m->heads & (LLMCS_HEAD_CLASSIFICATION | LLMCS_HEAD_MASKED_LM)))
        return ll_fail(LLMCS_STATE, "the model's folder has no classification or masked-LM head");
    return LLMCS_OK;
}

/* How far the passes have come, in texts and in tokens. */
typedef struct progress {
    size_t n_texts, n_tokens;
} progress;

static float *at(float *base, size_t row, size_t n) { return base ? base + row * n : NULL; }

/* The next pass's outputs go straight into the caller's arrays. */
static llmcs_status eval_pass(llmcs_model *m, ll_encoder_room *room, ll_encoder_pass *pass, size_t n_rows,
                              const llmcs_encoder_outputs *o, const progress *done) {
    bool words = (m->heads & LLMCS_HEAD_MASKED_LM) && o->logits;
    size_t n = (size_t)m->config.n_embd, n_logits = (size_t)(words ? m->config.vocab_size : m->config.n_labels);
    pass->hidden = at(o->hidden, done->n_tokens, n);
    pass->pooled = at(o->pooled, done->n_texts, n);
    pass->logits = at(o->logits, words ? done->n_tokens : done->n_texts, n_logits);
    pass->logit_rows = words ? room->rows : NULL;
    pass->n_logit_rows = words ? n_rows : 0;
    LL_TRY(ll_encoder_run(m, room, pass));
    if (o->hidden) LL_TRY(ll_check_finite(pass->hidden, n_rows, n, "hidden states"));
    if (o->pooled) LL_TRY(ll_check_finite(pass->pooled, pass->n_texts, n, "pooled states"));
    if (o->logits) LL_TRY(ll_check_finite(pass->logits, words ? n_rows : pass->n_texts, n_logits, "logits"));
    return LLMCS_OK;
}

static llmcs_status eval_all(llmcs_model *m, ll_encoder_room *room, const ll_encoder_pass *all,
                             const llmcs_encoder_outputs *o) {
    progress done = {0};
    while (done.n_texts < all->n_texts) {
        size_t n_rows;
        ll_encoder_pass pass = {.ids = all->ids + done.n_tokens,
                                .type_ids = all->type_ids ? all->type_ids + done.n_tokens : NULL,
                                .lengths = all->lengths + done.n_texts};
        pass.n_texts = ll_encoder_fit(room, pass.lengths, all->n_texts - done.n_texts, &n_rows);
        LL_TRY(eval_pass(m, room, &pass, n_rows, o, &done));
        done.n_texts += pass.n_texts;
        done.n_tokens += n_rows;
    }
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
    ll_encoder_room *room;
    LL_TRY(ll_encoder_room_take(model, &room));
    ll_encoder_pass all = {.ids = ids, .type_ids = type_ids, .lengths = lengths, .n_texts = n_texts};
    llmcs_status st = eval_all(model, room, &all, &o);
    ll_encoder_room_give(model, room);
    return st;
}
