/* One step of the engine: a pass over everyone's rows, the choices, and what became of each request. */
#include <string.h>

#include "base/clock.h"
#include "runtime/engine/engine.h"
#include "runtime/numbers.h"

/* ----------------------------------------------------------------------------------------------- callbacks */

static bool calls_back(const ll_generation *g) { return g->on_text || g->on_token; }

/* Between these two the caller may be called; who frees the request waits for the second. Once it is freed nobody is
 * called any more. */
static void begin_calls(llmcs_engine *e, llmcs_request *r) {
    r->g.host = e->host;
    if (!calls_back(&r->g)) return;
    pthread_mutex_lock(&e->lock);
    if (r->deaf) {
        r->g.on_text = r->g.completions[0].stream.on_text = NULL;
        r->g.on_token = NULL;
    } else {
        e->calling = r;
        e->caller = pthread_self();
    }
    pthread_mutex_unlock(&e->lock);
}

static void end_calls(llmcs_engine *e, llmcs_request *r) {
    if (!calls_back(&r->g)) return;
    pthread_mutex_lock(&e->lock);
    e->calling = NULL;
    pthread_cond_broadcast(&r->finished);
    pthread_mutex_unlock(&e->lock);
}

/* ------------------------------------------------------------------------------------------------ the end */

/* With nothing chosen yet there is no result. */
static llmcs_status nothing_yet(llmcs_finish_reason reason) {
    return reason == LLMCS_FINISH_CANCELLED ? ll_fail(LLMCS_CANCELLED, "the request was cancelled")
                                            : ll_fail(LLMCS_DEADLINE, "the deadline passed");
}

static llmcs_status conclude(llmcs_request *r, llmcs_finish_reason reason) {
    ll_generation *g = &r->g;
    bool broken_off = reason == LLMCS_FINISH_CANCELLED || reason == LLMCS_FINISH_DEADLINE;
    if (!r->began && broken_off) return nothing_yet(reason);
    if (g->beams) {
        if (!r->over) ll_beams_break_off(&r->beams.beams);
        return ll_beam_search_finish(g, &r->beams, reason);
    }
    for (size_t i = 0; i < g->n_completions; i++) {
        if (!g->completions[i].ended) ll_completion_end(&g->completions[i], reason);
        LL_TRY(ll_completion_flush(g, i));
    }
    return LLMCS_OK;
}

static void count_end(llmcs_engine_stats *s, llmcs_status status, llmcs_finish_reason reason) {
    if (status && status != LLMCS_CANCELLED && status != LLMCS_DEADLINE)
        s->n_failed++;
    else if (reason == LLMCS_FINISH_CANCELLED)
        s->n_cancelled++;
    else if (reason == LLMCS_FINISH_DEADLINE)
        s->n_deadline++;
    else
        s->n_finished++;
}

/* What may be read of the one completion's tokens and text; under the lock. */
static void publish_tokens(llmcs_request *r) {
    const ll_completion *completion = &r->g.completions[0];
    if (r->g.beams || r->g.completion_capacity > 1) return;
    bool eos = completion->ended && completion->reason == LLMCS_FINISH_EOS && completion->n_new > 0;
    r->n_ids = completion->n_new - eos;
    r->text_bytes = r->g.streams ? completion->stream.n_sent : SIZE_MAX;
}

void ll_engine_end(llmcs_engine *e, llmcs_request *r, llmcs_status status, llmcs_finish_reason reason) {
    r->ended = true;
    begin_calls(e, r);
    if (!status) status = conclude(r, reason);
    end_calls(e, r);
    if (status) ll_format(r->message, sizeof r->message, "%s", llmcs_error_message());
    pthread_mutex_lock(&e->lock);
    r->phase = LL_REQUEST_FINISHED;
    r->status = status;
    e->n_unfinished--;
    r->finished_ns = ll_now_ns();
    publish_tokens(r);
    count_end(&e->stats, status, reason);
    ll_request_add_event(e, r);
    pthread_cond_broadcast(&r->finished);
    pthread_mutex_unlock(&e->lock);
}

void ll_engine_release(llmcs_engine *e, llmcs_request *r) {
    ll_engine_free_blocks(e, r);
    ll_engine_unlink(e, r);
    pthread_mutex_lock(&e->lock);
    ll_request_unref(r);
}

/* ------------------------------------------------------------------------------------------------ the pass */

/* Between layers, on the stepper: whoever is cancelled or late gets what it has at once, the others go on. */
static bool should_stop(void *user) {
    llmcs_engine *e = user;
    uint64_t now = ll_now_ns();
    bool any_left = false;
    llmcs_status why;
    for (size_t i = 0; i < e->n_units; i++) {
        llmcs_request *r = e->units[i].request;
        if (!r->ended && ll_request_is_over(r, now, &why)) ll_engine_end(e, r, LLMCS_OK, ll_finish_reason_of(why));
        any_left |= !r->ended;
    }
    return !any_left || atomic_load_explicit(&e->abort_pass, memory_order_relaxed);
}

static llmcs_status run_pass(llmcs_engine *e) {
    ll_batch batch = {.n_rows = e->n_rows,
                      .ids = e->ids,
                      .segments = e->segments,
                      .n_segments = e->n_segments,
                      .logit_rows = e->logit_rows,
                      .n_logit_rows = e->n_logit_rows,
                      .logits = e->logits,
                      .block_max = e->block_max,
                      .should_stop = should_stop,
                      .user = e};
    return ll_net_forward(e->model->net, e->model->pool, &batch, e->workspace);
}

/* -------------------------------------------------------------------------------------------------- choosing */

static ll_logits logits_of(const llmcs_engine *e, const ll_unit *unit, size_t row) {
    const size_t vocab = unit->request->g.vocab, at = unit->first_logits + row;
    return (ll_logits){e->logits + at * vocab, e->block_max + at * ll_row_blocks(vocab)};
}

/* Row k of the unit's logits is of its k-th live line. */
static llmcs_status sample_completions(const llmcs_engine *e, const ll_unit *unit) {
    const llmcs_request *r = unit->request;
    ll_generation *g = &unit->request->g;
    size_t row = 0;
    for (size_t i = 0; i < g->n_completions; i++) {
        if (!r->began) /* all from the prompt's */
            LL_TRY(ll_completion_sample(g, i, logits_of(e, unit, 0)));
        else if (!g->completions[i].ended)
            LL_TRY(ll_completion_sample(g, i, logits_of(e, unit, row++)));
    }
    return LLMCS_OK;
}

static llmcs_status search_beams(ll_generation *g, llmcs_request *r, const float *logits) {
    LL_TRY(ll_check_finite(g->model->kernels, logits, r->beams.beams.n_running, g->vocab, "logits"));
    for (size_t i = 0; i < r->beams.beams.n_running; i++)
        r->beams.held[i] = (llmcs_ids){r->lines[i].held.tokens, r->lines[i].n_known};
    return ll_beam_search_step(g, &r->beams, logits, &r->over);
}

/* Tells of what was chosen; then, as far as the guesses were right, chooses on from their rows. */
static llmcs_status tell(const llmcs_engine *e, const ll_unit *unit) {
    llmcs_request *r = unit->request;
    ll_generation *g = &r->g;
    for (size_t i = 0; i < g->n_completions; i++) LL_TRY(ll_completion_emit(g, i));
    const ll_completion *completion = &g->completions[0];
    while (r->n_right < unit->n_draft_tokens && !completion->ended &&
           completion->ids[g->n_prompt + completion->n_new - 1] == r->draft_ids[r->n_right]) {
        LL_TRY(ll_completion_sample(g, 0, logits_of(e, unit, ++r->n_right)));
        LL_TRY(ll_completion_emit(g, 0));
    }
    return LLMCS_OK;
}

static llmcs_status choose(const llmcs_engine *e, const ll_unit *unit, ll_sampler_workspace *workspace) {
    llmcs_request *r = unit->request;
    ll_generation *g = &r->g;
    ll_generation_set_workspace(g, workspace);
    r->n_right = 0;
    if (g->beams) return search_beams(g, r, logits_of(e, unit, 0).row);
    LL_TRY(sample_completions(e, unit));
    return calls_back(g) ? LLMCS_OK : tell(e, unit);
}

static void note(ll_unit *unit, llmcs_status status) {
    unit->status = status;
    if (status) ll_format(unit->request->message, sizeof unit->request->message, "%s", llmcs_error_message());
}

typedef struct choosing {
    llmcs_engine *e;
    atomic_size_t next;
} choosing;

static void choose_some(ll_team *team, void *arg) {
    choosing *c = arg;
    llmcs_engine *e = c->e;
    for (size_t i; (i = atomic_fetch_add(&c->next, 1)) < e->n_units;) {
        ll_unit *unit = &e->units[i];
        if (unit->n_logits && !unit->request->ended) note(unit, choose(e, unit, &e->rooms[team->index]));
    }
}

static void call_back(llmcs_engine *e) {
    for (size_t i = 0; i < e->n_units; i++) {
        ll_unit *unit = &e->units[i];
        llmcs_request *r = unit->request;
        if (!unit->n_logits || r->ended || unit->status || !calls_back(&r->g)) continue;
        ll_generation_set_workspace(&r->g, &e->rooms[0]);
        begin_calls(e, r);
        note(unit, tell(e, unit));
        end_calls(e, r);
    }
}

/* Every request for itself, on all threads; then, on this one, those that call back. */
static llmcs_status choose_all(llmcs_engine *e) {
    choosing c = {.e = e};
    atomic_init(&c.next, 0);
    if (e->n_logit_rows) LL_TRY(ll_pool_run(e->model->pool, choose_some, &c));
    call_back(e);
    return LLMCS_OK;
}

/* ------------------------------------------------------------------------------------- what became of it */

static void add_token(ll_seq_state *line, int32_t id) { line->held.tokens[line->n_known++] = id; }

static void drop_line(llmcs_engine *e, ll_seq_state *line) {
    ll_sequence_truncate(&e->kv, &line->held, 0);
    line->began = false;
}

static void share_line(llmcs_engine *e, ll_seq_state *dst, const ll_seq_state *src) {
    ll_sequence_share(&e->kv, &dst->held, &src->held);
    dst->n_known = dst->held.n_tokens;
    dst->began = true;
}

/* Every completion that goes on has a line with its tokens. */
static void settle_drafts(llmcs_engine *e, llmcs_request *r, const ll_unit *unit) {
    const ll_generation *g = &r->g;
    ll_seq_state *first = &r->lines[0];
    if (unit->n_draft_tokens)
        ll_sequence_truncate(&e->kv, &first->held, first->held.n_tokens - (unit->n_draft_tokens - r->n_right));
    for (size_t i = 1; !r->began && i < g->n_completions; i++)
        if (!g->completions[i].ended) share_line(e, &r->lines[i], first);
    for (size_t i = 0; i < g->n_completions; i++) {
        const ll_completion *completion = &g->completions[i];
        ll_seq_state *line = &r->lines[i];
        if (completion->ended && g->n_completions > 1) drop_line(e, line);
        while (!completion->ended && line->n_known < g->n_prompt + completion->n_new)
            add_token(line, completion->ids[line->n_known]);
    }
    r->began = true;
}

/* Lines change places as the beams did. */
static void settle_beams(llmcs_engine *e, llmcs_request *r) {
    size_t n = r->beams.beams.n_running;
    for (size_t i = 0; i < n; i++) ll_sequence_share(&e->kv, &r->spare[i], &r->lines[r->beams.parents[i]].held);
    for (size_t i = 0; i < r->n_lines; i++) {
        drop_line(e, &r->lines[i]);
        if (i >= n) continue;
        ll_sequence free_one = r->lines[i].held;
        r->lines[i] = (ll_seq_state){.held = r->spare[i], .n_known = r->spare[i].n_tokens, .began = true};
        r->spare[i] = free_one;
        add_token(&r->lines[i], r->beams.next_ids[i]);
    }
    r->n_beams = n;
    r->began = true;
}

static bool all_ended(const ll_generation *g) {
    for (size_t i = 0; i < g->n_completions; i++)
        if (!g->completions[i].ended) return false;
    return true;
}

/* True: the request is at its end. */
static bool settle(llmcs_engine *e, llmcs_request *r, const ll_unit *unit) {
    if (!r->began) r->g.prompt_end_ns = ll_now_ns();
    if (!r->g.beams) {
        settle_drafts(e, r, unit);
        return all_ended(&r->g);
    }
    if (!r->over) settle_beams(e, r);
    r->began = true;
    return r->over;
}

static void remember(llmcs_engine *e, const llmcs_request *r) {
    if (e->options.flags & LLMCS_ENGINE_NO_PREFIX_CACHE) return;
    for (size_t i = 0; i < r->n_lines; i++)
        if (ll_request_is_live(r, i)) ll_prefix_insert(&e->prefix, &r->lines[i].held);
}

static size_t n_tokens_of(const llmcs_request *r) {
    size_t n = 0;
    for (size_t i = 0; i < r->g.n_completions; i++) n += r->g.completions[i].n_new;
    return r->g.beams ? r->beams.beams.n_new : n;
}

/* Counters and readers; under the lock. */
static void publish(llmcs_engine *e, llmcs_request *r, const ll_unit *unit, uint64_t now_ns) {
    size_t n_new = n_tokens_of(r), n_fresh = n_new - r->n_counted;
    if (r->n_counted == 0) {
        e->stats.n_prompt_tokens += r->g.n_prompt;
        e->stats.n_cached_tokens += r->g.n_cached;
        ll_histogram_add(&e->stats.first_token_ms, now_ns - r->submitted_ns);
    } else {
        for (size_t i = 0; i < n_fresh; i++)
            ll_histogram_add(&e->stats.per_token_ms, (now_ns - r->last_token_ns) / n_fresh);
    }
    r->last_token_ns = now_ns;
    r->n_counted = n_new;
    r->g.n_draft += unit->n_draft_tokens;
    r->g.n_accepted += r->n_right;
    e->stats.n_new_tokens += n_fresh;
    e->stats.n_draft_tokens += unit->n_draft_tokens;
    e->stats.n_accepted_tokens += r->n_right;
    publish_tokens(r);
    ll_request_add_event(e, r);
}

/* After the pass, of one unit's request. */
static void finish_unit(llmcs_engine *e, ll_unit *unit, uint64_t now_ns) {
    llmcs_request *r = unit->request;
    if (r->ended || (!unit->n_logits && !unit->status)) return;
    if (unit->status) {
        (void)ll_fail(unit->status, "%s", r->message);
        ll_engine_end(e, r, unit->status, LLMCS_FINISH_EOS);
        return;
    }
    bool prompt_done = !r->began, at_end = settle(e, r, unit);
    if (prompt_done && !at_end) remember(e, r);
    pthread_mutex_lock(&e->lock);
    publish(e, r, unit, now_ns);
    pthread_mutex_unlock(&e->lock);
    if (at_end) ll_engine_end(e, r, LLMCS_OK, LLMCS_FINISH_EOS); /* completions know their reasons */
}

/* Requests whose end came in this step give back what they hold. A request may have several units. */
static void retire_ended(llmcs_engine *e) {
    for (llmcs_request *r = e->running, *next; r; r = next) {
        next = r->next_running;
        if (r->ended) ll_engine_release(e, r);
    }
}

/* The lines hold what the pass has written; several lines of a request find each other's beginnings in the cache. */
static void advance_lines(llmcs_engine *e) {
    for (size_t i = 0; i < e->n_segments; i++) e->run_lines[i]->held.n_tokens += e->segments[i].n_rows;
    for (size_t i = 0; i < e->n_units; i++)
        if (e->units[i].request->n_lines > 1 && !e->units[i].n_logits) remember(e, e->units[i].request);
}

static void fail_all(llmcs_engine *e, llmcs_status status) {
    for (size_t i = 0; i < e->n_units; i++)
        if (!e->units[i].request->ended) ll_engine_end(e, e->units[i].request, status, LLMCS_FINISH_EOS);
}

static double blend(double before, double now) { return before > 0 ? 0.5 * (before + now) : now; }

/* What tokens of prompts and a step without them cost, for the size of chunks. */
static void learn_costs(llmcs_engine *e, double forward_ns) {
    if (e->n_prompt_rows == 0)
        e->step_ns = blend(e->step_ns, forward_ns);
    else if (e->n_prompt_rows >= 16)
        e->prompt_row_ns =
            blend(e->prompt_row_ns,
                  (e->n_prompt_rows < e->n_rows && forward_ns > e->step_ns ? forward_ns - e->step_ns : forward_ns) /
                      (double)e->n_prompt_rows);
}

static void count_step(llmcs_engine *e, uint64_t forward_ns, uint64_t sample_ns) {
    pthread_mutex_lock(&e->lock);
    e->stats.n_steps++;
    e->stats.n_rows += e->n_rows;
    e->stats.forward_ns += forward_ns;
    e->stats.sample_ns += sample_ns;
    e->stats.step_ns += ll_now_ns() - e->step_began_ns;
    e->stats.n_evicted_blocks = e->prefix.n_evicted;
    e->stats.n_used_blocks = e->kv.own.n_blocks - e->kv.own.n_free;
    e->stats.n_cached_blocks = ll_prefix_n_blocks(&e->prefix);
    pthread_mutex_unlock(&e->lock);
}

static void work(llmcs_engine *e) {
    uint64_t before_ns = ll_now_ns();
    llmcs_status status = run_pass(e);
    uint64_t after_ns = ll_now_ns();
    if (!status) {
        learn_costs(e, (double)(after_ns - before_ns));
        advance_lines(e);
        status = choose_all(e);
    }
    uint64_t now_ns = ll_now_ns();
    if (!status)
        for (size_t i = 0; i < e->n_units; i++) finish_unit(e, &e->units[i], now_ns);
    else if (status != LLMCS_CANCELLED)
        fail_all(e, status);
    retire_ended(e);
    count_step(e, after_ns - before_ns, now_ns - after_ns);
}

bool ll_engine_step(llmcs_engine *e) {
    ll_fpenv_enter(&e->host);
    e->step_began_ns = ll_now_ns();
    bool any = ll_engine_schedule(e);
    if (any) work(e);
    ll_fpenv_leave(&e->host);
    return any;
}
