/* Sessions: creation, destruction, exclusive use by one call at a time, and the calls that compute nothing. */
#include <string.h>
#include <unistd.h>

#include "base/call.h"
#include "base/options.h"
#include "runtime/session/session_internal.h"

#define MAGIC 0x53455353u /* "SESS" */
#define FREED 0xdeadu
#define OPTIONS_OLDEST LL_SIZE_UP_TO(llmcs_session_options, n_ctx)

/* ---------------------------------------------------------------------------------------------- memory */

/* Size of the largest forward pass: max_rows rows of one sequence or one row each of as many sequences, and a whole
 * source. */
static ll_forward_size full_forward(const ll_net *net, size_t max_rows, size_t n_ctx, size_t n_threads) {
    return (ll_forward_size){.n_rows = max_rows,
                             .n_segments = max_rows,
                             .n_logit_rows = max_rows,
                             .max_positions = n_ctx,
                             .n_source_rows = net->has_source ? n_ctx : 0,
                             .n_sources = net->has_source,
                             .n_threads = n_threads};
}

/* Blocks for the keys and values of n_ctx tokens, and of a source. */
static size_t n_blocks_of(const ll_net *net, size_t n_ctx) {
    return ll_kv_blocks_of(n_ctx) * (net->has_source ? 2 : 1);
}

static llmcs_status alloc_forward_memory(llmcs_session *s) {
    const llmcs_model *m = s->model;
    const llmcs_allocator *a = &m->allocator;
    s->max_rows = ll_min(s->n_ctx, LL_FORWARD_ROWS);
    ll_forward_size size = full_forward(m->net, s->max_rows, s->n_ctx, (size_t)ll_pool_size(m->pool));
    size_t n_floats = m->net->ops->workspace_floats(m->net, &size);
    LL_TRY(ll_alloc(a, n_floats, sizeof(float), "workspace", &s->workspace));
    LL_TRY(ll_alloc(a, (size_t)m->config.vocab_size, sizeof(float), "logits", &s->logits));
    LL_TRY(ll_alloc(a, s->max_rows, sizeof(ll_segment), "segments", &s->segments));
    LL_TRY(ll_alloc(a, s->max_rows, sizeof(uint32_t), "rows", &s->rows));
    for (size_t i = 0; i < s->max_rows; i++) s->rows[i] = (uint32_t)i;
    return LLMCS_OK;
}

llmcs_status ll_session_bytes(const ll_net *net, size_t n_ctx, size_t n_threads, uint64_t *bytes) {
    size_t n_blocks = n_blocks_of(net, n_ctx), max_rows = ll_min(n_ctx, LL_FORWARD_ROWS);
    ll_forward_size size = full_forward(net, max_rows, n_ctx, n_threads);
    uint64_t kv_bytes;
    if (!ll_mul_u64(n_blocks, ll_kv_block_bytes(&net->kv), &kv_bytes) || kv_bytes > UINT64_MAX / 4)
        return ll_fail(LLMCS_LIMIT, "keys and values of %zu tokens are more than can be addressed", n_ctx);
    uint64_t floats = net->ops->workspace_floats(net, &size) + (uint64_t)net->config->vocab_size;
    *bytes = kv_bytes + floats * sizeof(float) + n_blocks * (sizeof(void *) + 2 * sizeof(uint32_t)) +
             n_ctx * sizeof(int32_t) * (net->has_source ? 2 : 1) + max_rows * (sizeof(uint32_t) + sizeof(ll_segment)) +
             sizeof(llmcs_session);
    return LLMCS_OK;
}

/* ------------------------------------------------------------------------------------------- create, free */

void llmcs_session_options_init_sized(llmcs_session_options *options, size_t struct_size) {
    const llmcs_session_options defaults = {.struct_size = sizeof defaults};
    ll_options_init(options, struct_size, &defaults, sizeof defaults);
}

llmcs_status ll_session_options_read(const llmcs_session_options *options, size_t model_n_ctx, size_t *n_ctx) {
    llmcs_session_options o;
    llmcs_session_options_init(&o);
    if (options) LL_TRY(ll_options_in(&o, sizeof o, OPTIONS_OLDEST, options, "llmcs_session_options"));
    if (o.n_ctx < 0 || (size_t)o.n_ctx > model_n_ctx)
        return ll_fail(LLMCS_ARG, "n_ctx: %d is not valid (0 to %zu, the model's own)", (int)o.n_ctx, model_n_ctx);
    *n_ctx = o.n_ctx ? (size_t)o.n_ctx : ll_min(model_n_ctx, LLMCS_DEFAULT_N_CTX);
    return LLMCS_OK;
}

static void destroy_session(llmcs_session *s) {
    llmcs_model *m = s->model;
    llmcs_allocator a = m->allocator;
    ll_session_release(s);
    ll_sequence_free(&s->first, &a);
    ll_sequence_free(&s->source, &a);
    ll_kv_chunk_free(&s->kv.own, &a);
    ll_free(&a, s->workspace);
    ll_free(&a, s->logits);
    ll_free(&a, s->segments);
    ll_free(&a, s->rows);
    ll_free(&a, s->all_logits);
    s->magic = FREED;
    ll_free(&a, s);
    llmcs_model_free(&m);
}

static llmcs_status create_session(llmcs_model *m, size_t n_ctx, llmcs_session **out) {
    const llmcs_allocator *a = &m->allocator;
    llmcs_session *s;
    uint64_t bytes;
    LL_TRY(ll_session_bytes(m->net, n_ctx, (size_t)ll_pool_size(m->pool), &bytes));
    LL_TRY(ll_alloc_zero(a, 1, sizeof *s, "session", &s));
    ll_model_retain(m);
    s->model = m;
    s->magic = MAGIC;
    s->n_ctx = n_ctx;
    s->kv.block_bytes = ll_kv_block_bytes(&m->net->kv);
    atomic_init(&s->state, LL_SESSION_IDLE);
    atomic_init(&s->cancel, false);
    llmcs_status st = LLMCS_OK;
    LL_TRY_GOTO(st, ll_kv_chunk_create(&s->kv.own, a, n_blocks_of(m->net, n_ctx), s->kv.block_bytes), fail);
    LL_TRY_GOTO(st, ll_sequence_create(&s->first, a, n_ctx), fail);
    if (m->net->has_source) LL_TRY_GOTO(st, ll_sequence_create(&s->source, a, n_ctx), fail);
    LL_TRY_GOTO(st, alloc_forward_memory(s), fail);
    *out = s;
    return LLMCS_OK;
fail:
    destroy_session(s);
    return st;
}

llmcs_status llmcs_session_create(llmcs_model *model, const llmcs_session_options *options, llmcs_session **session) {
    LL_PUBLIC_CALL;
    if (!session) return ll_fail(LLMCS_ARG, "llmcs_session_create: session is NULL");
    *session = NULL;
    size_t n_ctx = 0;
    LL_TRY(ll_model_check_head(model, LLMCS_HEAD_CAUSAL_LM, "a session"));
    LL_TRY(ll_session_options_read(options, model->n_ctx, &n_ctx));
    return create_session(model, n_ctx, session);
}

void llmcs_session_free(llmcs_session **session) {
    LL_PUBLIC_CALL;
    if (!session || !*session) return;
    llmcs_session *s = *session;
    *session = NULL;
    if (s->magic != MAGIC) return;
    /* In a child of fork, a call in progress belongs to the parent and never ends here. */
    bool ours = s->model->owner == getpid();
    int idle = LL_SESSION_IDLE, busy = LL_SESSION_BUSY;
    atomic_store(&s->cancel, true);
    if (!ours || atomic_compare_exchange_strong(&s->state, &idle, LL_SESSION_DOOMED)) {
        destroy_session(s);
    } else if (!atomic_compare_exchange_strong(&s->state, &busy, LL_SESSION_DOOMED)) {
        destroy_session(s); /* the call ended between the two comparisons */
    }
}

/* ------------------------------------------------------------------------------------------- enter, leave */

llmcs_status ll_session_enter(llmcs_session *s) {
    if (!s) return ll_fail(LLMCS_ARG, "the session is NULL");
    if (s->magic != MAGIC) return ll_fail(LLMCS_STATE, "the session was freed, or this is not a session");
    LL_TRY(ll_model_check(s->model));
    int idle = LL_SESSION_IDLE;
    if (!atomic_compare_exchange_strong(&s->state, &idle, LL_SESSION_BUSY))
        return ll_fail(LLMCS_BUSY, "the session is busy with another call");
    s->cancel_read = false;
    s->limits = (ll_limits){0, NULL};
    return LLMCS_OK;
}

llmcs_status ll_session_enter_within(llmcs_session *s, const llmcs_call_limits *limits) {
    ll_limits read;
    LL_TRY(ll_limits_read(limits, &read));
    LL_TRY(ll_session_enter(s));
    ll_session_set_limits(s, read);
    return LLMCS_OK;
}

void ll_session_leave(llmcs_session *s) {
    if (s->cancel_read) atomic_store(&s->cancel, false);
    int busy = LL_SESSION_BUSY;
    if (!atomic_compare_exchange_strong(&s->state, &busy, LL_SESSION_IDLE)) destroy_session(s);
}

llmcs_model *ll_session_model(llmcs_session *s) { return s->model; }

size_t ll_session_n_ctx(const llmcs_session *s) { return s->n_ctx; }

void ll_session_set_limits(llmcs_session *s, ll_limits limits) { s->limits = limits; }

void llmcs_session_cancel(llmcs_session *session) {
    if (session && session->magic == MAGIC) atomic_store(&session->cancel, true);
}

/* ------------------------------------------------------------------------------------------- public calls */

llmcs_status llmcs_session_logits(llmcs_session *session, const float **logits, size_t *n_rows) {
    if (!logits || !n_rows) return ll_fail(LLMCS_ARG, "llmcs_session_logits: logits or n_rows is NULL");
    LL_TRY(ll_session_enter(session));
    llmcs_status st = ll_session_last_logits(session, logits, n_rows);
    ll_session_leave(session);
    return st;
}

llmcs_status ll_session_last_logits(llmcs_session *s, const float **logits, size_t *n_rows) {
    *logits = s->last_logits;
    *n_rows = s->n_last_rows;
    if (s->n_last_rows) return LLMCS_OK;
    return ll_fail(LLMCS_STATE, "no logits: evaluate with LLMCS_LOGITS_LAST or LLMCS_LOGITS_ALL first");
}

llmcs_status llmcs_session_tokens(llmcs_session *session, int32_t *ids, size_t capacity, size_t *n_tokens) {
    if (!n_tokens) return ll_fail(LLMCS_ARG, "llmcs_session_tokens: n_tokens is NULL");
    LL_TRY(ll_session_enter(session));
    const ll_sequence *q = &session->first;
    *n_tokens = q->n_tokens;
    if (ids) memcpy(ids, q->tokens, ll_min(capacity, q->n_tokens) * sizeof *ids);
    ll_session_leave(session);
    return LLMCS_OK;
}

llmcs_status llmcs_session_rewind(llmcs_session *session, size_t n_tokens) {
    LL_TRY(ll_session_enter(session));
    llmcs_status st = LLMCS_OK;
    if (n_tokens > session->first.n_tokens)
        st =
            ll_fail(LLMCS_ARG, "cannot rewind to %zu tokens: the session holds %zu", n_tokens, session->first.n_tokens);
    else
        ll_seq_rewind(session, 0, n_tokens);
    ll_session_leave(session);
    return st;
}

/* Copies the tokens of `from`, with their keys and values, to the empty `to` of another session. */
static llmcs_status copy_sequence(ll_kv *kv, ll_sequence *to, const ll_sequence *from) {
    LL_TRY(ll_sequence_extend(kv, to, from->n_tokens));
    for (size_t i = 0; i < from->n_blocks; i++) memcpy(to->blocks[i], from->blocks[i], kv->block_bytes);
    if (from->n_tokens) memcpy(to->tokens, from->tokens, from->n_tokens * sizeof *from->tokens);
    to->n_tokens = from->n_tokens;
    return LLMCS_OK;
}

/* Copies source and tokens, their keys and values, and the last token's logits if there are any. */
static llmcs_status copy_into(llmcs_session *to, const llmcs_session *from) {
    size_t vocab = (size_t)from->model->config.vocab_size;
    LL_TRY(copy_sequence(&to->kv, &to->source, &from->source));
    LL_TRY(copy_sequence(&to->kv, &to->first, &from->first));
    if (from->n_last_rows) {
        memcpy(to->logits, from->last_logits + (from->n_last_rows - 1) * vocab, vocab * sizeof(float));
        to->last_logits = to->logits;
        to->n_last_rows = 1;
    }
    return LLMCS_OK;
}

llmcs_status llmcs_session_fork(llmcs_session *session, llmcs_session **copy) {
    LL_PUBLIC_CALL;
    if (!copy) return ll_fail(LLMCS_ARG, "llmcs_session_fork: copy is NULL");
    *copy = NULL;
    LL_TRY(ll_session_enter(session));
    llmcs_session *s = NULL;
    llmcs_status st = create_session(session->model, session->n_ctx, &s);
    if (!st) st = copy_into(s, session);
    ll_session_leave(session);
    if (st)
        llmcs_session_free(&s);
    else
        *copy = s;
    return st;
}
