/* A session's sequences: beam search and num_return_sequences use several, which share the prompt's keys and values. */
#include "runtime/session/session_internal.h"

ll_sequence *ll_session_sequence(llmcs_session *s, size_t seq) { return seq ? &s->reserved.more[seq - 1] : &s->first; }

void ll_session_forget_logits(llmcs_session *s) {
    s->last_logits = NULL;
    s->n_last_rows = 0;
}

/* --------------------------------------------------------------------------------------------- reservation */

static void clear_reserved(llmcs_session *s) {
    for (size_t i = 1; i < s->reserved.n_seqs; i++) ll_sequence_truncate(&s->kv, ll_session_sequence(s, i), 0);
}

static void free_sequences(ll_sequence *q, size_t n, const llmcs_allocator *a) {
    for (size_t i = 0; q && i < n; i++) ll_sequence_free(&q[i], a);
    ll_free(a, q);
}

static void free_reservation(ll_reservation *r, const llmcs_allocator *a) {
    if (!r->n_seqs) return;
    free_sequences(r->more, r->n_seqs - 1, a);
    free_sequences(r->spare, r->n_seqs, a);
    ll_free(a, r->logits);
    *r = (ll_reservation){0};
}

static llmcs_status create_sequences(ll_sequence **q, size_t n, size_t n_ctx, const llmcs_allocator *a) {
    LL_TRY(ll_alloc_zero(a, n, sizeof **q, "sequences", q));
    for (size_t i = 0; i < n; i++) LL_TRY(ll_sequence_create(&(*q)[i], a, n_ctx));
    return LLMCS_OK;
}

static llmcs_status alloc_reservation(llmcs_session *s, ll_reservation *r, ll_kv_chunk *blocks) {
    const llmcs_allocator *a = &s->model->allocator;
    size_t vocab = (size_t)s->model->config.vocab_size, n_blocks, row_bytes = vocab * sizeof(float);
    if (!ll_mul(r->n_seqs - 1, ll_kv_blocks_of(r->max_tokens), &n_blocks))
        return ll_fail(LLMCS_LIMIT, "%zu sequences of %zu tokens", r->n_seqs, r->max_tokens);
    LL_TRY(create_sequences(&r->more, r->n_seqs - 1, s->n_ctx, a));
    LL_TRY(create_sequences(&r->spare, r->n_seqs, s->n_ctx, a));
    LL_TRY(ll_alloc(a, r->n_seqs, row_bytes, "logits", &r->logits));
    return ll_kv_chunk_create(blocks, a, n_blocks, s->kv.block_bytes);
}

uint64_t ll_session_sequence_bytes(const ll_net *net, size_t n_ctx) {
    const uint64_t n_blocks = ll_kv_blocks_of(n_ctx), vocab = (uint64_t)net->config->vocab_size;
    const uint64_t of_blocks = n_blocks * (ll_kv_block_bytes(&net->kv) + 2 * sizeof(uint32_t));
    const uint64_t of_sequence = sizeof(ll_sequence) + n_ctx * sizeof(int32_t) + n_blocks * sizeof(void *);
    /* A completion's ids and log-probabilities, a beam's two nodes a token and its candidates. */
    const uint64_t of_generation = n_ctx * (sizeof(int32_t) + sizeof(float) + 24) + 1024;
    return of_blocks + 2 * of_sequence + vocab * sizeof(float) + of_generation;
}

llmcs_status ll_session_reserve(llmcs_session *s, size_t n_seqs, size_t max_tokens) {
    max_tokens = ll_min(max_tokens, s->n_ctx);
    if (n_seqs <= 1 || (n_seqs <= s->reserved.n_seqs && max_tokens <= s->reserved.max_tokens)) {
        clear_reserved(s);
        return LLMCS_OK;
    }
    ll_reservation fresh = {.n_seqs = n_seqs, .max_tokens = max_tokens};
    ll_kv_chunk blocks = {0};
    llmcs_status st = alloc_reservation(s, &fresh, &blocks);
    if (st) {
        free_reservation(&fresh, &s->model->allocator);
        return st;
    }
    ll_session_release(s);
    s->reserved = fresh;
    s->kv.reserved = blocks;
    return LLMCS_OK;
}

void ll_session_release(llmcs_session *s) {
    const llmcs_allocator *a = &s->model->allocator;
    clear_reserved(s);
    ll_sequence_move_home(&s->kv, &s->first);
    if (s->last_logits == s->reserved.logits) ll_session_forget_logits(s);
    free_reservation(&s->reserved, a);
    ll_kv_chunk_free(&s->kv.reserved, a);
}

/* ------------------------------------------------------------------------------------------ copies, rewind */

void ll_seq_copy(llmcs_session *s, size_t dst, size_t src) {
    if (dst == src) return;
    ll_sequence *to = ll_session_sequence(s, dst);
    ll_sequence_truncate(&s->kv, to, 0);
    ll_sequence_share(&s->kv, to, ll_session_sequence(s, src));
    if (dst == 0) ll_session_forget_logits(s);
}

void ll_seq_permute(llmcs_session *s, const size_t *parents, size_t n) {
    if (n > s->reserved.n_seqs) return; /* one sequence: nothing to reorder */
    for (size_t i = 0; i < n; i++) ll_sequence_share(&s->kv, &s->reserved.spare[i], ll_session_sequence(s, parents[i]));
    for (size_t i = 0; i < n; i++) {
        ll_sequence *q = ll_session_sequence(s, i), old = *q;
        *q = s->reserved.spare[i];
        s->reserved.spare[i] = old;
        ll_sequence_truncate(&s->kv, &s->reserved.spare[i], 0);
    }
    ll_session_forget_logits(s);
}

void ll_seq_rewind(llmcs_session *s, size_t seq, size_t n_tokens) {
    ll_sequence_truncate(&s->kv, ll_session_sequence(s, seq), n_tokens);
    if (seq == 0) ll_session_forget_logits(s);
}

size_t ll_seq_keep_prefix(llmcs_session *s, const int32_t *prompt, size_t n) {
    const size_t n_kept = ll_common_prefix(s->first.tokens, s->first.n_tokens, prompt, n - 1);
    ll_seq_rewind(s, 0, n_kept);
    return n_kept;
}

llmcs_ids ll_session_source(const llmcs_session *s) { return (llmcs_ids){s->source.tokens, s->source.n_tokens}; }

const int32_t *ll_seq_tokens(const llmcs_session *s, size_t seq, size_t *n_tokens) {
    const ll_sequence *q = seq ? &s->reserved.more[seq - 1] : &s->first;
    *n_tokens = q->n_tokens;
    return q->tokens;
}
