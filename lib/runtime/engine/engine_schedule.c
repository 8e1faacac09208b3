/*
 * Selects what the next step evaluates.
 *
 * Requests have one order: by priority, then by age. Running requests are served in that order, and when blocks run
 * out the last one is preempted: it frees its blocks and waits again. So the first request always progresses, and since
 * a request that can never fit is refused at submission, every request gets its turn.
 */
#include <string.h>

#include "base/clock.h"
#include "runtime/engine/engine.h"

/* A step may have at least so many tokens of prompts or sources, whatever they cost. */
#define LEAST_CHUNK 16

bool ll_request_before(const llmcs_request *a, const llmcs_request *b) {
    return a->priority != b->priority ? a->priority > b->priority : a->shared.number < b->shared.number;
}

bool ll_request_is_live(const llmcs_request *r, size_t seq) {
    const ll_generation *gen = &r->sched.gen;
    if (!r->sched.prefilled) return seq == 0 || (gen->guided && seq == gen->n_completions);
    return gen->beams ? seq < r->sched.n_beams : !gen->completions[seq % gen->n_completions].ended;
}

static size_t n_pending(const ll_seq_state *seq) { return seq->n_known - seq->kv.n_tokens; }

/* -------------------------------------------------------------------------------------------------- blocks */

void ll_engine_free_blocks(llmcs_engine *e, llmcs_request *r) {
    for (size_t i = 0; i < r->n_seqs; i++) {
        ll_seq_state *seq = &r->sched.seqs[i];
        /* An aborted forward pass did not write the rows of the last extension. */
        ll_sequence_truncate(&e->sched.kv, &seq->kv, seq->kv.n_tokens);
        if (ll_engine_caches_prefixes(e) && seq->kv.n_tokens) ll_prefix_insert(&e->sched.prefix, &seq->kv);
        ll_sequence_truncate(&e->sched.kv, &seq->kv, 0);
        seq->computed = false;
    }
    ll_sources_drop(e, &r->sched.source);
    ll_sequence_truncate(&e->sched.kv, &r->sched.source, 0);
}

void ll_engine_unlink(llmcs_engine *e, llmcs_request *r) {
    llmcs_request **at = &e->sched.running;
    while (*at && *at != r) at = &(*at)->sched.next_running;
    if (!*at) return; /* it was waiting */
    *at = r->sched.next_running;
    e->sched.n_seqs -= r->n_seqs;
}

static llmcs_request *last_running(const llmcs_engine *e) {
    llmcs_request *last = e->sched.running;
    while (last && last->sched.next_running) last = last->sched.next_running;
    return last;
}

/* Frees the blocks of a running request and puts it back into the queue. */
static void preempt(llmcs_engine *e, llmcs_request *r) {
    bool had_computed = false;
    for (size_t i = 0; i < r->n_seqs; i++) had_computed |= r->sched.seqs[i].computed;
    ll_engine_free_blocks(e, r);
    ll_engine_unlink(e, r);
    pthread_mutex_lock(&e->shared.mutex);
    r->shared.phase = LL_REQUEST_WAITING;
    ll_engine_enqueue(e, r);
    e->shared.stats.n_preempted += had_computed;
    pthread_mutex_unlock(&e->shared.mutex);
}

/* Frees at least one block for r: the prefix cache's least recently used one, or else those of the last request after
 * r, which is not in this step yet, because requests are scheduled in order. */
static bool evict_or_preempt(llmcs_engine *e, const llmcs_request *r) {
    if (ll_prefix_evict(&e->sched.prefix)) return true;
    llmcs_request *last = last_running(e);
    if (!last || last == r || !ll_request_before(r, last)) return false;
    preempt(e, last);
    return true;
}

/* Allocates blocks for n more tokens of r's sequence. If only the prefix cache shares the last block, it is removed
 * from the cache rather than copied. */
static bool extend(llmcs_engine *e, const llmcs_request *r, ll_sequence *q, size_t n) {
    while (e->sched.kv.own.n_free < ll_sequence_needs(&e->sched.kv, q, n)) {
        bool inside = q->n_tokens % LL_KV_BLOCK;
        if (inside && ll_prefix_remove(&e->sched.prefix, q->blocks[q->n_tokens / LL_KV_BLOCK])) continue;
        if (!evict_or_preempt(e, r)) return false;
    }
    return ll_sequence_extend(&e->sched.kv, q, n) == LLMCS_OK;
}

/* ----------------------------------------------------------------------------------------------- the batch */

static void add_segment(ll_step *step, const llmcs_request *r, ll_seq_state *seq, size_t n_rows) {
    step->segments[step->n.segments] = (ll_segment){.first_row = step->n.rows,
                                                    .n_rows = n_rows,
                                                    .first_position = seq->kv.n_tokens,
                                                    .kv_blocks = seq->kv.blocks,
                                                    .source_blocks = r->sched.source.blocks,
                                                    .n_source = r->sched.source.n_tokens};
    step->seqs[step->n.segments++] = seq;
    for (size_t i = 0; i < n_rows; i++) step->ids[step->n.rows++] = seq->kv.tokens[seq->kv.n_tokens + i];
}

static ll_scheduled *add_scheduled(ll_step *step, llmcs_request *r) {
    ll_scheduled *s = &step->scheduled[step->n.scheduled++];
    *s = (ll_scheduled){.request = r, .first_logits = step->n.logit_rows};
    return s;
}

/* The logits of n rows go to the request. */
static void add_logit_rows(ll_step *step, ll_scheduled *s, size_t first_row, size_t n) {
    for (size_t i = 0; i < n; i++) step->logit_rows[step->n.logit_rows++] = (uint32_t)(first_row + i);
    s->n_logits += n;
}

/* The result of trying to schedule a request. */
typedef enum outcome {
    SCHEDULED,
    PREEMPTED, /* it was the last running one */
    STOPPED    /* it must stop; none of its rows are in the step */
} outcome;

/* Extending many sequences copies many blocks, so cancellation is checked in between. */
static bool must_stop(const llmcs_engine *e, const llmcs_request *r) {
    return atomic_load_explicit(&e->abort_forward, memory_order_relaxed) || ll_request_stop_reason(r, ll_now_ns());
}

/* -------------------------------------------------------------------------------------------------- source */

/* n tokens of one kind are spent; the budget of the other kind loses the same share. */
static void spend(size_t n, size_t *own, size_t *other) {
    if (!n) return;
    *other -= ll_min((n * *other + *own - 1) / *own, *other);
    *own -= n;
}

/* Adds the source to those that are encoded, or leaves it to a later step. The request's own rows follow in the step
 * after it is encoded. */
static outcome schedule_source(llmcs_engine *e, llmcs_request *r, ll_step_budget *budget) {
    if (!ll_sources_has(e, r)) {
        if (!ll_sources_fits(e, r, budget->sources)) return SCHEDULED;
        if (!extend(e, r, &r->sched.source, r->sched.gen.source.n_ids)) {
            preempt(e, r);
            return PREEMPTED;
        }
        spend(ll_sources_add(e, r, budget->sources), &budget->sources, &budget->prompts);
    }
    (void)add_scheduled(&e->sched.step, r);
    return SCHEDULED;
}

/* -------------------------------------------------------------------------------------------------- decode */

/* True if every live sequence has exactly one token to evaluate. With guidance, prompt and negative prompt also end in
 * this state. */
static bool is_decoding(const llmcs_request *r) {
    for (size_t i = 0; i < r->n_seqs; i++)
        if (ll_request_is_live(r, i) && n_pending(&r->sched.seqs[i]) != 1) return false;
    return r->sched.prefilled || r->sched.gen.guided;
}

/* Appends draft tokens to the first sequence, at most `most`. */
static size_t add_draft_tokens(llmcs_request *r, size_t most) {
    ll_generation *gen = &r->sched.gen;
    ll_seq_state *first = &r->sched.seqs[0];
    if (!ll_prompt_lookup_max(gen)) return 0;
    most = ll_min(most, ll_prompt_lookup_limit(gen, gen->completions));
    size_t n = ll_prompt_lookup(gen, &gen->completions[0], r->sched.draft_ids, most);
    for (size_t i = 0; i < n; i++) first->kv.tokens[first->n_known + i] = r->sched.draft_ids[i];
    return n;
}

/* One row for each live sequence, and draft tokens if *n_spare rows are free. */
static outcome schedule_decode(llmcs_engine *e, llmcs_request *r, size_t *n_spare) {
    ll_step *step = &e->sched.step;
    const size_t n_draft_tokens = add_draft_tokens(r, *n_spare), n_rows = 1 + n_draft_tokens;
    for (size_t i = 0; i < r->n_seqs; i++) {
        if (!ll_request_is_live(r, i)) continue;
        if (i && must_stop(e, r)) return STOPPED;
        if (extend(e, r, &r->sched.seqs[i].kv, n_rows)) continue;
        preempt(e, r); /* requests before it use all blocks */
        return PREEMPTED;
    }
    ll_scheduled *s = add_scheduled(step, r);
    s->n_draft_tokens = n_draft_tokens;
    *n_spare -= n_draft_tokens;
    for (size_t i = 0; i < r->n_seqs; i++) {
        if (!ll_request_is_live(r, i)) continue;
        r->sched.seqs[i].computed = true;
        add_logit_rows(step, s, step->n.rows, n_rows);
        add_segment(step, r, &r->sched.seqs[i], n_rows);
    }
    return SCHEDULED;
}

/* ------------------------------------------------------------------------------------------------- prefill */

/* Looks up a sequence's prompt in the prefix cache, unless tokens of it have already been evaluated. */
static void match_prefix(llmcs_engine *e, llmcs_request *r, ll_seq_state *seq) {
    if (seq->computed || !ll_engine_caches_prefixes(e)) return;
    ll_sequence_truncate(&e->sched.kv, &seq->kv, 0);
    ll_prefix_match(&e->sched.prefix, &seq->kv, seq->kv.tokens, seq->n_known - 1);
    if (!r->sched.prefilled && seq == r->sched.seqs) r->sched.gen.n_cached = seq->kv.n_tokens;
}

/* Called before is_decoding, because a match may leave one token per sequence, and the request then decodes. */
static void match_prefixes(llmcs_engine *e, llmcs_request *r) {
    for (size_t i = 0; i < r->n_seqs; i++)
        if (ll_request_is_live(r, i)) match_prefix(e, r, &r->sched.seqs[i]);
}

/* True if another sequence evaluates a longer prefix of this one in the same step. It is then cheaper to wait for the
 * prefix cache. */
static bool prefix_is_in_step(const llmcs_engine *e, const ll_seq_state *seq) {
    const ll_step *step = &e->sched.step;
    for (size_t i = 0; ll_engine_caches_prefixes(e) && i < step->n.segments; i++) {
        const ll_seq_state *other = step->seqs[i];
        if (step->segments[i].n_rows < 2) continue;
        size_t most = ll_min(seq->n_known - 1, other->n_known), n = 0;
        while (n < most && other->kv.tokens[n] == seq->kv.tokens[n]) n++;
        if (n >= seq->kv.n_tokens + LL_KV_BLOCK) return true;
    }
    return false;
}

/* Adds the next tokens of a sequence, as many as the budget allows. Its last token is left out unless wants_logits.
 * False: no blocks are free. */
static bool schedule_chunk(llmcs_engine *e, llmcs_request *r, ll_seq_state *seq, bool wants_logits,
                           ll_step_budget *budget) {
    ll_step *step = &e->sched.step;
    if (!seq->computed && prefix_is_in_step(e, seq)) return true;
    const size_t n_wanted = n_pending(seq) - (wants_logits ? 0 : 1), n = ll_min(n_wanted, budget->prompts);
    if (n == 0) return true;
    if (!extend(e, r, &seq->kv, n)) return false;
    seq->computed = true;
    ll_scheduled *s = add_scheduled(step, r);
    if (wants_logits && n == n_wanted) add_logit_rows(step, s, step->n.rows + n - 1, 1);
    add_segment(step, r, seq, n);
    step->n.prompt_rows += n;
    spend(n, &budget->prompts, &budget->sources);
    return true;
}

/*
 * Adds chunks of the request's sequences that are not evaluated yet: the prompt, or after a preemption all live
 * sequences. A single sequence's last token gives logits. If there are several sequences, their last tokens are left
 * out: once only those are pending, the request decodes, and one step evaluates them together.
 */
static outcome schedule_prefill(llmcs_engine *e, llmcs_request *r, ll_step_budget *budget) {
    const ll_step_counts before = e->sched.step.n;
    size_t n_live = 0;
    for (size_t i = 0; i < r->n_seqs; i++) n_live += ll_request_is_live(r, i);
    for (size_t i = 0; i < r->n_seqs && budget->prompts; i++) {
        ll_seq_state *seq = &r->sched.seqs[i];
        if (!ll_request_is_live(r, i) || (n_live > 1 && n_pending(seq) < 2)) continue;
        const bool stop = i && must_stop(e, r);
        if (!stop && schedule_chunk(e, r, seq, n_live == 1, budget)) continue;
        e->sched.step.n = before; /* the rows already added would write into blocks that are freed now */
        if (stop) return STOPPED;
        preempt(e, r);
        return PREEMPTED;
    }
    return SCHEDULED;
}

/* A step with prompts takes at most this many times as long as one without, so that no stream stalls. */
#define LONGEST_STEP 2.25

/* Most tokens of prompts in this step if it has no sources, or of sources if it has no prompts; one takes row_ns. */
static size_t budget_of(const llmcs_engine *e, double row_ns) {
    const size_t most = (size_t)e->options.max_chunk;
    const double decode_ns = e->sched.step_ns;
    const double allowed_ns = e->options.step_ms > 0 ? e->options.step_ms * 1e6 : LONGEST_STEP * decode_ns;
    bool any_decoding = false;
    for (const llmcs_request *r = e->sched.running; r && !any_decoding; r = r->sched.next_running)
        any_decoding = is_decoding(r);
    if (!any_decoding || !(allowed_ns > 0)) return most;
    if (!(row_ns > 0)) return LEAST_CHUNK; /* the first ones show what they cost */
    double n = (allowed_ns - decode_ns) / row_ns;
    return n < LEAST_CHUNK ? LEAST_CHUNK : n < (double)most ? (size_t)n : most;
}

/* ----------------------------------------------------------------------------------------------- admission */

static bool seqs_fit(const llmcs_engine *e, const llmcs_request *r) {
    return e->sched.n_seqs + r->n_seqs <= (size_t)e->options.max_batch;
}

/* Moves the first request of the queue to the running ones if its sequences fit. If not, requests behind it wait, too,
 * so that a large request is not overtaken forever. */
static llmcs_request *admit_first(llmcs_engine *e) {
    pthread_mutex_lock(&e->shared.mutex);
    llmcs_request *r = e->shared.queue;
    if (r && !seqs_fit(e, r)) r = NULL;
    if (r) {
        ll_engine_dequeue(e, r);
        r->shared.phase = LL_REQUEST_RUNNING;
        if (!r->sched.admitted) ll_histogram_add(&e->shared.stats.waiting_ms, e->sched.step.began_ns - r->submitted_ns);
        r->sched.admitted = true;
    }
    pthread_mutex_unlock(&e->shared.mutex);
    if (!r) return NULL;
    llmcs_request **at = &e->sched.running;
    while (*at && ll_request_before(*at, r)) at = &(*at)->sched.next_running;
    r->sched.next_running = *at;
    *at = r;
    e->sched.n_seqs += r->n_seqs;
    return r;
}

/* A request with a higher priority does not wait for the sequences of one with a lower priority. */
static void preempt_for_priority(llmcs_engine *e) {
    pthread_mutex_lock(&e->shared.mutex);
    const llmcs_request *first = e->shared.queue; /* only this thread removes it */
    pthread_mutex_unlock(&e->shared.mutex);
    llmcs_request *last = last_running(e);
    if (first && last && first->priority > last->priority && !seqs_fit(e, first)) preempt(e, last);
}

/* Prompt tokens still to evaluate. A source that never fits a step whole is encoded next to the steps' prompts. */
static size_t n_prompt_tokens(const llmcs_engine *e, const llmcs_request *r) {
    const size_t n_source = r->sched.gen.source.n_ids;
    size_t n = ll_request_needs_source(r) && n_source <= (size_t)e->options.max_chunk ? n_source : 0;
    for (size_t i = 0; i < r->n_seqs; i++)
        if (ll_request_is_live(r, i)) n += n_pending(&r->sched.seqs[i]) - 1;
    return n;
}

/* Blocks that the running requests will need: for their known tokens, and one more each. */
static size_t n_blocks_needed(const llmcs_engine *e) {
    size_t n = 0;
    for (const llmcs_request *r = e->sched.running; r; r = r->sched.next_running) {
        n += ll_kv_blocks_of(r->sched.gen.source.n_ids) - r->sched.source.n_blocks;
        for (size_t i = 0; i < r->n_seqs; i++) {
            const ll_seq_state *seq = &r->sched.seqs[i];
            size_t n_all = ll_kv_blocks_of(seq->n_known);
            if (ll_request_is_live(r, i)) n += 1 + n_all - ll_min(seq->kv.n_blocks, n_all);
        }
    }
    return ll_min(n, e->sched.kv.own.n_blocks);
}

/* Admits requests while their prompts fit into the step and there are blocks for all running requests. */
static void admit_requests(llmcs_engine *e) {
    preempt_for_priority(e);
    size_t n_tokens = 0;
    for (llmcs_request *r = e->sched.running; r; r = r->sched.next_running) n_tokens += n_prompt_tokens(e, r);
    while (n_tokens < (size_t)e->options.max_chunk) {
        llmcs_request *r = admit_first(e);
        if (!r) return;
        match_prefixes(e, r);
        const size_t n_blocks = n_blocks_needed(e);
        bool enough = true;
        while (enough && e->sched.kv.own.n_free < n_blocks) enough = evict_or_preempt(e, r);
        bool alone = e->sched.running == r && !r->sched.next_running;
        if (!enough && !alone) {
            preempt(e, r);
            return;
        }
        n_tokens += n_prompt_tokens(e, r);
    }
}

/* ------------------------------------------------------------------------------------- cancelled, or too late */

llmcs_status ll_request_stop_reason(const llmcs_request *r, uint64_t now_ns) {
    if (atomic_load(&r->cancel)) return LLMCS_CANCELLED;
    return r->deadline_ns && now_ns >= r->deadline_ns ? LLMCS_DEADLINE : LLMCS_OK;
}

static void end_stopped(llmcs_engine *e, llmcs_request *r, llmcs_status why) {
    ll_engine_end(e, r, LLMCS_OK, ll_finish_reason_of(why));
    ll_engine_release(e, r);
    e->sched.step.n.ended++;
}

static void end_stopped_running(llmcs_engine *e) {
    for (llmcs_request *r = e->sched.running, *next; r; r = next) {
        next = r->sched.next_running;
        const llmcs_status why = ll_request_stop_reason(r, e->sched.step.began_ns);
        if (why) end_stopped(e, r, why);
    }
}

/* Walks through the queue, which may be long, only if a request was cancelled or a deadline in it has passed. Requests
 * are added while the mutex is released, but only this thread removes them, so that `next` stays valid. */
static void end_stopped_waiting(llmcs_engine *e, bool any_cancelled) {
    const uint64_t now_ns = e->sched.step.began_ns;
    pthread_mutex_lock(&e->shared.mutex);
    llmcs_request *r = any_cancelled || now_ns >= e->shared.next_deadline_ns ? e->shared.queue : NULL;
    if (r) e->shared.next_deadline_ns = UINT64_MAX;
    for (llmcs_request *next; r; r = next) {
        const llmcs_status why = ll_request_stop_reason(r, now_ns);
        next = r->shared.next;
        if (!why) {
            ll_engine_note_deadline(e, r);
            continue;
        }
        ll_engine_dequeue(e, r);
        pthread_mutex_unlock(&e->shared.mutex);
        end_stopped(e, r, why);
        pthread_mutex_lock(&e->shared.mutex);
    }
    pthread_mutex_unlock(&e->shared.mutex);
}

/* ----------------------------------------------------------------------------------------------- the step */

void ll_engine_schedule(llmcs_engine *e) {
    ll_step *step = &e->sched.step;
    step->n = (ll_step_counts){0};
    ll_sources_begin_step(e);
    const bool any_cancelled = atomic_exchange(&e->any_cancelled, false);
    end_stopped_running(e);
    end_stopped_waiting(e, any_cancelled);
    admit_requests(e);
    ll_step_budget budget = {.prompts = budget_of(e, e->sched.prompt_row_ns),
                             .sources = budget_of(e, e->sched.source_row_ns)};
    size_t n_spare = (size_t)e->options.max_batch - e->sched.n_seqs;
    for (llmcs_request *r = e->sched.running, *next; r; r = next) {
        match_prefixes(e, r);
        const outcome o = ll_request_needs_source(r) ? schedule_source(e, r, &budget)
                          : is_decoding(r)           ? schedule_decode(e, r, &n_spare)
                                                     : schedule_prefill(e, r, &budget);
        if (o == PREEMPTED) break;
        next = r->sched.next_running;
        if (o == SCHEDULED) continue;
        const llmcs_status why = ll_request_stop_reason(r, ll_now_ns());
        if (!why) break; /* the engine is being freed, which ends everything */
        end_stopped(e, r, why);
    }
    ll_sources_plan(e, budget.sources);
}
