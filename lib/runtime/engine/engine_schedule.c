/*
 * What the next step works. Requests are in one order, by priority and then by age; those that run come first in
 * everything, and when memory is short the last one gives its memory back and waits again. So the first request always
 * gets on, and since one that could never fit was not taken in, all do.
 */
#include "base/clock.h"
#include "runtime/engine/engine.h"

/* Chunks of a prompt are not made smaller than this for the sake of running streams. */
#define LEAST_CHUNK 16

bool ll_request_before(const llmcs_request *a, const llmcs_request *b) {
    return a->priority != b->priority ? a->priority > b->priority : a->number < b->number;
}

static bool caching(const llmcs_engine *e) { return !(e->options.flags & LLMCS_ENGINE_NO_PREFIX_CACHE); }

bool ll_request_is_live(const llmcs_request *r, size_t line) {
    if (!r->began) return line == 0;
    return r->g.beams ? line < r->n_beams : !r->g.completions[line].ended;
}

static size_t n_pending(const ll_seq_state *line) { return line->n_known - line->held.n_tokens; }

/* --------------------------------------------------------------------------------------------------- memory */

void ll_engine_free_blocks(llmcs_engine *e, llmcs_request *r) {
    for (size_t i = 0; i < r->n_lines; i++) {
        ll_seq_state *line = &r->lines[i];
        /* What a pass that was broken off was to write is not there. */
        ll_sequence_truncate(&e->kv, &line->held, line->held.n_tokens);
        if (caching(e) && line->held.n_tokens) ll_prefix_insert(&e->prefix, &line->held);
        ll_sequence_truncate(&e->kv, &line->held, 0);
        line->began = false;
    }
}

void ll_engine_unlink(llmcs_engine *e, llmcs_request *r) {
    llmcs_request **at = &e->running;
    while (*at && *at != r) at = &(*at)->next_running;
    if (!*at) return; /* it was waiting */
    *at = r->next_running;
    e->n_lines -= r->n_lines;
}

/* The last in order of those that run, if that is behind r. */
static llmcs_request *find_victim(const llmcs_engine *e, const llmcs_request *r) {
    llmcs_request *last = NULL;
    for (llmcs_request *other = e->running; other; other = other->next_running) last = other;
    return last && last != r && ll_request_before(r, last) ? last : NULL;
}

/* Gives r's memory back; it waits again. */
static void preempt(llmcs_engine *e, llmcs_request *r) {
    bool had_begun = false;
    for (size_t i = 0; i < r->n_lines; i++) had_begun |= r->lines[i].began;
    ll_engine_free_blocks(e, r);
    ll_engine_unlink(e, r);
    pthread_mutex_lock(&e->lock);
    r->phase = LL_REQUEST_WAITING;
    ll_engine_enqueue(e, r);
    e->stats.n_preempted += had_begun;
    pthread_mutex_unlock(&e->lock);
}

/* A block more is free: from the prefix cache, or else from requests behind r in order, none of which is in this step
 * yet, since requests are looked at in order. */
static bool free_some(llmcs_engine *e, const llmcs_request *r) {
    if (ll_prefix_evict(&e->prefix)) return true;
    llmcs_request *victim = find_victim(e, r);
    if (victim) preempt(e, victim);
    return victim;
}

static bool make_room(llmcs_engine *e, const llmcs_request *r, size_t n_blocks) {
    while (e->kv.own.n_free < n_blocks)
        if (!free_some(e, r)) return false;
    return true;
}

/* Room for n more tokens of r's sequence. What it shares with nobody but the cache need not be copied. */
static bool extend(llmcs_engine *e, const llmcs_request *r, ll_sequence *q, size_t n) {
    while (e->kv.own.n_free < ll_sequence_needs(&e->kv, q, n)) {
        bool inside = q->n_tokens % LL_KV_BLOCK;
        if (inside && ll_prefix_forget(&e->prefix, q->blocks[q->n_tokens / LL_KV_BLOCK])) continue;
        if (!free_some(e, r)) return false;
    }
    return ll_sequence_extend(&e->kv, q, n) == LLMCS_OK;
}

/* Room for n more tokens on each of the request's live lines. */
static bool extend_lines(llmcs_engine *e, llmcs_request *r, size_t n) {
    for (size_t i = 0; i < r->n_lines; i++)
        if (ll_request_is_live(r, i) && !extend(e, r, &r->lines[i].held, n)) return false;
    return true;
}

/* ----------------------------------------------------------------------------------------------- the step */

static void add_run(llmcs_engine *e, ll_seq_state *line, size_t n_rows) {
    e->segments[e->n_segments] = (ll_segment){.first_row = e->n_rows,
                                              .n_rows = n_rows,
                                              .first_position = line->held.n_tokens,
                                              .kv_blocks = line->held.blocks};
    e->run_lines[e->n_segments++] = line;
    for (size_t i = 0; i < n_rows; i++) e->ids[e->n_rows++] = line->held.tokens[line->held.n_tokens + i];
}

static ll_unit *add_unit(llmcs_engine *e, llmcs_request *r) {
    ll_unit *unit = &e->units[e->n_units++];
    *unit = (ll_unit){.request = r, .first_logits = e->n_logit_rows};
    return unit;
}

static void want_logits(llmcs_engine *e, ll_unit *unit, size_t first_row, size_t n) {
    for (size_t i = 0; i < n; i++) e->logit_rows[e->n_logit_rows++] = (uint32_t)(first_row + i);
    unit->n_logits += n;
}

/* Does every live line wait for one token only? */
static bool is_decoding(const llmcs_request *r) {
    for (size_t i = 0; i < r->n_lines; i++)
        if (ll_request_is_live(r, i) && n_pending(&r->lines[i]) != 1) return false;
    return r->began;
}

/* A token for each line, and guesses as far as there are rows to spare. */
static void add_decoding(llmcs_engine *e, llmcs_request *r, size_t *n_spare) {
    ll_seq_state *first = &r->lines[0];
    size_t n_draft_tokens = 0;
    if (ll_prompt_lookup_max(&r->g)) {
        n_draft_tokens = ll_prompt_lookup(&r->g, &r->g.completions[0], r->draft_ids,
                                          ll_min(*n_spare, ll_prompt_lookup_limit(&r->g, r->g.completions)));
        for (size_t i = 0; i < n_draft_tokens; i++) first->held.tokens[first->n_known + i] = r->draft_ids[i];
    }
    if (!extend_lines(e, r, 1 + n_draft_tokens)) {
        preempt(e, r); /* somebody before it holds what it needs */
        return;
    }
    ll_unit *unit = add_unit(e, r);
    unit->n_draft_tokens = n_draft_tokens;
    *n_spare -= n_draft_tokens;
    for (size_t i = 0; i < r->n_lines; i++) {
        if (!ll_request_is_live(r, i)) continue;
        want_logits(e, unit, e->n_rows, 1 + n_draft_tokens);
        add_run(e, &r->lines[i], 1 + n_draft_tokens);
    }
}

/* Is another line working in this very step on a longer beginning of this one than it has? Then it is better to wait.
 */
static bool better_later(const llmcs_engine *e, const ll_seq_state *line) {
    for (size_t i = 0; caching(e) && i < e->n_segments; i++) {
        const ll_seq_state *other = e->run_lines[i];
        if (e->segments[i].n_rows < 2) continue;
        size_t most = ll_min(line->n_known - 1, other->n_known), n = 0;
        while (n < most && other->held.tokens[n] == line->held.tokens[n]) n++;
        if (n >= line->held.n_tokens + LL_KV_BLOCK) return true;
    }
    return false;
}

/* What is known of a line that did no work of its own yet. */
static void match(llmcs_engine *e, llmcs_request *r, ll_seq_state *line) {
    if (line->began || !caching(e)) return;
    ll_sequence_truncate(&e->kv, &line->held, 0);
    ll_prefix_match(&e->prefix, &line->held, line->held.tokens, line->n_known - 1);
    if (!r->began) r->g.n_cached = line->held.n_tokens;
}

/* The next n_wanted tokens of a line, or as many as fit the step. False: there is no memory. */
static bool add_piece(llmcs_engine *e, llmcs_request *r, ll_seq_state *line, bool last_too, size_t *budget) {
    match(e, r, line);
    if (!line->began && better_later(e, line)) return true;
    size_t n_wanted = n_pending(line) - (last_too ? 0 : 1), n = ll_min(n_wanted, *budget);
    if (n == 0) return true; /* a beam's last token waits for the others' */
    if (!extend(e, r, &line->held, n)) return false;
    line->began = true;
    ll_unit *unit = add_unit(e, r);
    if (last_too && n == n_wanted) want_logits(e, unit, e->n_rows + n - 1, 1);
    add_run(e, line, n);
    *budget -= n;
    e->n_prompt_rows += n;
    return true;
}

/* How much is in the step. */
typedef struct fill_level {
    size_t n_rows, n_segments, n_logit_rows, n_units, n_prompt_rows;
} fill_level;

static fill_level level_of(const llmcs_engine *e) {
    return (fill_level){e->n_rows, e->n_segments, e->n_logit_rows, e->n_units, e->n_prompt_rows};
}

static void go_back_to(llmcs_engine *e, fill_level before) {
    e->n_rows = before.n_rows;
    e->n_segments = before.n_segments;
    e->n_logit_rows = before.n_logit_rows;
    e->n_units = before.n_units;
    e->n_prompt_rows = before.n_prompt_rows;
}

/* The next pieces of a request that is not decoding. Its only line's last token gives logits; several lines' last
 * tokens are worked together, as decoding. */
static void add_pieces(llmcs_engine *e, llmcs_request *r, size_t *budget) {
    const fill_level before = level_of(e);
    size_t n_live = 0;
    for (size_t i = 0; i < r->n_lines; i++) n_live += ll_request_is_live(r, i);
    for (size_t i = 0; i < r->n_lines && *budget; i++) {
        ll_seq_state *line = &r->lines[i];
        if (!ll_request_is_live(r, i) || (n_live > 1 && n_pending(line) < 2)) continue;
        if (add_piece(e, r, line, n_live == 1, budget)) continue;
        go_back_to(e, before); /* what its other lines were to write into is not theirs any more */
        preempt(e, r);
        return;
    }
}

static bool any_decoding(const llmcs_engine *e) {
    for (const llmcs_request *r = e->running; r; r = r->next_running)
        if (is_decoding(r)) return true;
    return false;
}

/* Tokens of prompts in this step. Nobody who reads a stream shall see it stop: a step with prompts takes no more than
 * this many times one without. */
#define LONGEST_STEP 2.25

static size_t prompt_budget(const llmcs_engine *e) {
    size_t most = (size_t)e->options.max_chunk;
    double step_ns = e->options.step_ms > 0 ? e->options.step_ms * 1e6 : LONGEST_STEP * e->step_ns;
    if (!any_decoding(e) || !(step_ns > 0) || !(e->prompt_row_ns > 0)) return most;
    double n = (step_ns - e->step_ns) / e->prompt_row_ns;
    return n < LEAST_CHUNK ? LEAST_CHUNK : n < (double)most ? (size_t)n : most;
}

/* -------------------------------------------------------------------------------------------------- the queue */

static void link_running(llmcs_engine *e, llmcs_request *r) {
    llmcs_request **at = &e->running;
    while (*at && ll_request_before(*at, r)) at = &(*at)->next_running;
    r->next_running = *at;
    *at = r;
    e->n_lines += r->n_lines;
}

/* The first of the queue, if its lines fit; those behind it wait with it, so that no one is overtaken for ever. */
static llmcs_request *take_first(llmcs_engine *e) {
    pthread_mutex_lock(&e->lock);
    llmcs_request *r = e->queue;
    if (r && e->n_lines + r->n_lines > (size_t)e->options.max_batch) r = NULL;
    if (r) {
        ll_engine_dequeue(e, r);
        r->phase = LL_REQUEST_RUNNING;
        if (!r->scheduled) ll_histogram_add(&e->stats.waiting_ms, e->step_began_ns - r->submitted_ns);
        r->scheduled = true;
    }
    pthread_mutex_unlock(&e->lock);
    if (r) link_running(e, r);
    return r;
}

/* Blocks that a request is about to need. */
static size_t blocks_ahead(const llmcs_request *r) {
    size_t n = 0;
    for (size_t i = 0; i < r->n_lines; i++)
        if (ll_request_is_live(r, i))
            n += 1 + ll_kv_blocks_of(r->lines[i].n_known) -
                 ll_min(r->lines[i].held.n_blocks, ll_kv_blocks_of(r->lines[i].n_known));
    return n;
}

static size_t tokens_ahead(const llmcs_request *r) {
    size_t n = 0;
    for (size_t i = 0; i < r->n_lines; i++)
        if (ll_request_is_live(r, i)) n += n_pending(&r->lines[i]) - 1;
    return n;
}

/* One with a higher priority does not wait for those with a lower one. */
static void make_way(llmcs_engine *e) {
    pthread_mutex_lock(&e->lock);
    llmcs_request *first = e->queue, *last = e->running;
    pthread_mutex_unlock(&e->lock); /* it stays the first unless one of still higher priority comes */
    while (last && last->next_running) last = last->next_running;
    if (first && last && first->priority > last->priority && e->n_lines + first->n_lines > (size_t)e->options.max_batch)
        preempt(e, last);
}

/* Takes requests in as long as there is room for their tokens, in memory and in the step. */
static void take_in(llmcs_engine *e) {
    make_way(e);
    size_t n_tokens = 0;
    for (llmcs_request *r = e->running; r; r = r->next_running) n_tokens += tokens_ahead(r);
    while (n_tokens < (size_t)e->options.max_chunk) {
        llmcs_request *r = take_first(e);
        if (!r) return;
        for (size_t i = 0; i < r->n_lines; i++)
            if (ll_request_is_live(r, i)) match(e, r, &r->lines[i]);
        size_t n_blocks = 0;
        for (const llmcs_request *other = e->running; other; other = other->next_running)
            n_blocks += blocks_ahead(other);
        if (!make_room(e, r, ll_min(n_blocks, e->kv.own.n_blocks)) && (e->running != r || r->next_running)) {
            preempt(e, r);
            return;
        }
        n_tokens += tokens_ahead(r);
    }
}

/* ---- ends that come without a step */

bool ll_request_is_over(const llmcs_request *r, uint64_t now_ns, llmcs_status *why) {
    *why = atomic_load(&r->cancel) ? LLMCS_CANCELLED : LLMCS_DEADLINE;
    return *why == LLMCS_CANCELLED || (r->deadline_ns && now_ns >= r->deadline_ns);
}

static llmcs_request *find_over(llmcs_engine *e, llmcs_status *why) {
    for (llmcs_request *r = e->running; r; r = r->next_running)
        if (ll_request_is_over(r, e->step_began_ns, why)) return r;
    llmcs_request *found = NULL;
    pthread_mutex_lock(&e->lock);
    for (llmcs_request *r = e->queue; r && !found; r = r->next)
        if (ll_request_is_over(r, e->step_began_ns, why)) found = r;
    if (found) ll_engine_dequeue(e, found);
    pthread_mutex_unlock(&e->lock);
    return found;
}

static void remove_over(llmcs_engine *e) {
    llmcs_status why;
    for (llmcs_request *r = find_over(e, &why); r; r = find_over(e, &why)) {
        ll_engine_end(e, r, LLMCS_OK, ll_finish_reason_of(why));
        ll_engine_release(e, r);
    }
}

bool ll_engine_schedule(llmcs_engine *e) {
    e->n_rows = e->n_segments = e->n_logit_rows = e->n_units = e->n_prompt_rows = 0;
    remove_over(e);
    take_in(e);
    size_t budget = prompt_budget(e), n_spare = (size_t)e->options.max_batch - e->n_lines;
    /* One that gives its memory back is the last. */
    for (llmcs_request *r = e->running; r; r = r->phase == LL_REQUEST_RUNNING ? r->next_running : NULL) {
        if (is_decoding(r))
            add_decoding(e, r, &n_spare);
        else
            add_pieces(e, r, &budget);
    }
    return e->n_rows > 0;
}
