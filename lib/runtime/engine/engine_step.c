/* One step: runs the forward pass over the scheduled rows, samples, and commits, publishes or ends each request. */
#include <string.h>

#include "base/clock.h"
#include "runtime/engine/engine.h"
#include "runtime/numbers.h"

/* ----------------------------------------------------------------------------------------------- callbacks */

/* Between begin_callbacks and end_callbacks the request's callbacks may run, and llmcs_request_free waits. The
 * callbacks of a request that was already freed are removed here. */
static void begin_callbacks(llmcs_engine *e, llmcs_request *r) {
    ll_generation *gen = &r->sched.gen;
    if (!ll_has_callbacks(gen)) return;
    pthread_mutex_lock(&e->shared.mutex);
    if (r->shared.detached) {
        gen->on_text = gen->completions[0].stream.on_text = NULL;
        gen->on_token = NULL;
    } else {
        e->shared.calling = r;
        e->shared.caller = pthread_self();
    }
    pthread_mutex_unlock(&e->shared.mutex);
}

static void end_callbacks(llmcs_engine *e, llmcs_request *r) {
    if (!ll_has_callbacks(&r->sched.gen)) return;
    pthread_mutex_lock(&e->shared.mutex);
    e->shared.calling = NULL;
    pthread_cond_broadcast(&r->shared.finished);
    pthread_mutex_unlock(&e->shared.mutex);
}

/* ---------------------------------------------------------------------------------------- finished requests */

/* Completes the sequences of a request that ends now. An error if it was stopped before its first token. */
static llmcs_status complete(llmcs_request *r, llmcs_finish_reason reason) {
    ll_generation *gen = &r->sched.gen;
    if (!r->sched.prefilled && reason == LLMCS_FINISH_CANCELLED)
        return ll_fail(LLMCS_CANCELLED, "the request was cancelled");
    if (!r->sched.prefilled && reason == LLMCS_FINISH_DEADLINE) return ll_fail(LLMCS_DEADLINE, "the deadline passed");
    if (gen->beams) {
        if (!r->sched.beams_done) ll_beam_search_interrupt(&r->sched.beams);
        return ll_beam_search_finish(gen, &r->sched.beams, reason);
    }
    for (size_t i = 0; i < gen->n_completions; i++) {
        if (!gen->completions[i].ended) ll_completion_end(&gen->completions[i], reason);
        LL_TRY(ll_completion_flush(gen, i));
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

/* Sets how far llmcs_request_read may read, which excludes EOS. Under the mutex. */
static void publish_tokens(llmcs_request *r) {
    const ll_completion *first = &r->sched.gen.completions[0];
    if (!r->single) return;
    bool eos = first->ended && first->reason == LLMCS_FINISH_EOS && first->n_new > 0;
    r->shared.n_ids = first->n_new - eos;
    r->shared.text_bytes = r->streams ? first->stream.n_sent : SIZE_MAX;
}

void ll_engine_end(llmcs_engine *e, llmcs_request *r, llmcs_status status, llmcs_finish_reason reason) {
    r->sched.ended = true;
    begin_callbacks(e, r);
    if (!status) status = complete(r, reason);
    end_callbacks(e, r);
    if (status) ll_format(r->sched.message, sizeof r->sched.message, "%s", llmcs_error_message());
    r->sched.status = status;
    r->sched.finished_ns = ll_now_ns();
    pthread_mutex_lock(&e->shared.mutex);
    r->shared.phase = LL_REQUEST_FINISHED;
    publish_tokens(r);
    e->shared.n_unfinished--;
    count_end(&e->shared.stats, status, reason);
    ll_request_add_event(e, r);
    pthread_cond_broadcast(&r->shared.finished);
    pthread_mutex_unlock(&e->shared.mutex);
}

void ll_engine_release(llmcs_engine *e, llmcs_request *r) {
    ll_engine_free_blocks(e, r);
    ll_engine_unlink(e, r);
    pthread_mutex_lock(&e->shared.mutex);
    ll_request_unref(r);
}

/* A request may be scheduled several times in a step, so that ended ones are released after all of it. */
static void release_ended(llmcs_engine *e) {
    for (llmcs_request *r = e->sched.running, *next; r; r = next) {
        next = r->sched.next_running;
        if (r->sched.ended) ll_engine_release(e, r);
    }
}

/* -------------------------------------------------------------------------------------------- forward pass */

/* Between layers: requests that are cancelled or late end with what they have, the others go on. */
static bool should_stop(void *user) {
    llmcs_engine *e = user;
    const ll_step *step = &e->sched.step;
    const uint64_t now_ns = ll_now_ns();
    bool any_left = false;
    for (size_t i = 0; i < step->n.scheduled; i++) {
        llmcs_request *r = step->scheduled[i].request;
        llmcs_status why = r->sched.ended ? LLMCS_OK : ll_request_stop_reason(r, now_ns);
        if (why) ll_engine_end(e, r, LLMCS_OK, ll_finish_reason_of(why));
        any_left |= !r->sched.ended;
    }
    return !any_left || atomic_load_explicit(&e->abort_forward, memory_order_relaxed);
}

static llmcs_status forward(llmcs_engine *e) {
    const ll_step *step = &e->sched.step;
    if (!step->n.rows) return LLMCS_OK;
    ll_batch batch = {.n_rows = step->n.rows,
                      .ids = step->ids,
                      .segments = step->segments,
                      .n_segments = step->n.segments,
                      .logit_rows = step->logit_rows,
                      .n_logit_rows = step->n.logit_rows,
                      .logits = step->logits,
                      .block_max = step->block_max,
                      .should_stop = should_stop,
                      .user = e};
    return ll_net_forward(e->model->net, e->model->pool, &batch, e->sched.workspace);
}

static void insert_prefixes(llmcs_engine *e, const llmcs_request *r) {
    if (!ll_engine_caches_prefixes(e)) return;
    for (size_t i = 0; i < r->n_seqs; i++)
        if (ll_request_is_live(r, i)) ll_prefix_insert(&e->sched.prefix, &r->sched.seqs[i].kv);
}

/* Advances the sequences by the rows that the forward pass has written. Sequences of one request find each other's
 * prefixes in the cache. */
static void advance_seqs(llmcs_engine *e) {
    const ll_step *step = &e->sched.step;
    for (size_t i = 0; i < step->n.segments; i++) step->seqs[i]->kv.n_tokens += step->segments[i].n_rows;
    for (size_t i = 0; i < step->n.scheduled; i++) {
        const ll_scheduled *s = &step->scheduled[i];
        if (s->request->n_seqs > 1 && !s->n_logits) insert_prefixes(e, s->request);
    }
}

/* ------------------------------------------------------------------------------------------------ sampling */

static ll_logits logits_of(const llmcs_engine *e, const ll_scheduled *s, size_t row) {
    const size_t vocab = s->request->sched.gen.vocab, at = s->first_logits + row;
    return (ll_logits){.row = e->sched.step.logits + at * vocab,
                       .block_max = e->sched.step.block_max + at * ll_row_blocks(vocab)};
}

/* With guidance the second half of the rows are those of the negative prompts, in the same order. */
static llmcs_status sample_row(const llmcs_engine *e, const ll_scheduled *s, size_t index, size_t row) {
    ll_generation *gen = &s->request->sched.gen;
    ll_logits logits = logits_of(e, s, row);
    if (!gen->guided) return ll_completion_sample(gen, index, logits);
    logits.negative = logits_of(e, s, s->n_logits / 2 + row).row;
    LL_TRY(ll_check_finite(gen->model->kernels, logits.negative, 1, gen->vocab, "logits"));
    return ll_completion_sample(gen, index, logits);
}

/* Row k of the request's logits belongs to its k-th live sequence; after the prompt all completions start from row 0.
 */
static llmcs_status sample_completions(const llmcs_engine *e, const ll_scheduled *s) {
    ll_generation *gen = &s->request->sched.gen;
    const bool first_tokens = !s->request->sched.prefilled;
    size_t row = 0;
    for (size_t i = 0; i < gen->n_completions; i++)
        if (!gen->completions[i].ended) LL_TRY(sample_row(e, s, i, first_tokens ? 0 : row++));
    return LLMCS_OK;
}

static llmcs_status search_beams(const llmcs_engine *e, const ll_scheduled *s) {
    llmcs_request *r = s->request;
    ll_generation *gen = &r->sched.gen;
    ll_beam_search *beams = &r->sched.beams;
    for (size_t i = 0; i < beams->n_running; i++)
        beams->held[i] = (llmcs_ids){r->sched.seqs[i].kv.tokens, r->sched.seqs[i].n_known};
    return ll_beam_search_step(gen, beams, logits_of(e, s, 0), &r->sched.beams_done);
}

/* Emits the sampled tokens. While a sampled token equals the draft token, the next row of logits is valid as well, and
 * the next token is sampled from it. */
static llmcs_status emit_and_verify_draft(const llmcs_engine *e, const ll_scheduled *s) {
    llmcs_request *r = s->request;
    ll_generation *gen = &r->sched.gen;
    for (size_t i = 0; i < gen->n_completions; i++) LL_TRY(ll_completion_emit(gen, i));
    const ll_completion *first = &gen->completions[0];
    while (r->sched.n_accepted < s->n_draft_tokens && !first->ended &&
           first->ids[gen->n_prompt + first->n_new - 1] == r->sched.draft_ids[r->sched.n_accepted]) {
        LL_TRY(ll_completion_sample(gen, 0, logits_of(e, s, ++r->sched.n_accepted)));
        LL_TRY(ll_completion_emit(gen, 0));
    }
    return LLMCS_OK;
}

static void keep_status(ll_scheduled *s, llmcs_status status) {
    s->status = status;
    if (status) ll_format(s->request->sched.message, sizeof s->request->sched.message, "%s", llmcs_error_message());
}

typedef struct sample_job {
    llmcs_engine *e;
    atomic_size_t next;
} sample_job;

/* Pool threads take one request at a time. Callbacks wait for the scheduler thread. */
static void sample_requests(ll_team *team, void *arg) {
    sample_job *job = arg;
    llmcs_engine *e = job->e;
    for (size_t i; (i = atomic_fetch_add(&job->next, 1)) < e->sched.step.n.scheduled;) {
        ll_scheduled *s = &e->sched.step.scheduled[i];
        llmcs_request *r = s->request;
        if (!s->n_logits || r->sched.ended) continue;
        ll_generation_set_workspace(&r->sched.gen, &e->sched.samplers[team->index]);
        r->sched.n_accepted = 0;
        llmcs_status st = r->sched.gen.beams ? search_beams(e, s) : sample_completions(e, s);
        if (!st && !r->sched.gen.beams && !ll_has_callbacks(&r->sched.gen)) st = emit_and_verify_draft(e, s);
        keep_status(s, st);
    }
}

static void run_callbacks(llmcs_engine *e) {
    for (size_t i = 0; i < e->sched.step.n.scheduled; i++) {
        ll_scheduled *s = &e->sched.step.scheduled[i];
        llmcs_request *r = s->request;
        if (!s->n_logits || r->sched.ended || s->status || !ll_has_callbacks(&r->sched.gen)) continue;
        ll_generation_set_workspace(&r->sched.gen, &e->sched.samplers[0]);
        begin_callbacks(e, r);
        keep_status(s, emit_and_verify_draft(e, s));
        end_callbacks(e, r);
    }
}

static llmcs_status sample_all(llmcs_engine *e) {
    sample_job job = {.e = e};
    atomic_init(&job.next, 0);
    if (e->sched.step.n.logit_rows) LL_TRY(ll_pool_run(e->model->pool, sample_requests, &job));
    run_callbacks(e);
    return LLMCS_OK;
}

/* -------------------------------------------------------------------------------------------------- commit */

static void add_token(ll_seq_state *seq, int32_t id) { seq->kv.tokens[seq->n_known++] = id; }

static void clear_seq(llmcs_engine *e, ll_seq_state *seq) {
    ll_sequence_truncate(&e->sched.kv, &seq->kv, 0);
    seq->computed = false;
}

/* After the prompt completion i starts with the tokens and blocks of `first`. */
static void share_prompt(llmcs_engine *e, ll_seq_state *seq, const ll_seq_state *first) {
    ll_sequence_share(&e->sched.kv, &seq->kv, &first->kv);
    *seq = (ll_seq_state){.kv = seq->kv, .n_known = seq->kv.n_tokens, .computed = true};
}

/* The sequence, whose prompt has n_prompt tokens, gets the completion's new ones. */
static void follow(llmcs_engine *e, const ll_generation *gen, const ll_completion *completion, ll_seq_state *seq,
                   size_t n_prompt) {
    if (completion->ended && gen->n_completions > 1) clear_seq(e, seq);
    while (!completion->ended && seq->n_known < n_prompt + completion->n_new)
        add_token(seq, completion->ids[gen->n_prompt + seq->n_known - n_prompt]);
}

/* Each completion's sequence gets the tokens sampled for it; after the prompt they share its blocks. */
static void commit_completions(llmcs_engine *e, llmcs_request *r, const ll_scheduled *s) {
    const ll_generation *gen = &r->sched.gen;
    ll_seq_state *seqs = r->sched.seqs;
    const size_t n_rejected = s->n_draft_tokens - r->sched.n_accepted, n = gen->n_completions;
    if (n_rejected) ll_sequence_truncate(&e->sched.kv, &seqs[0].kv, seqs[0].kv.n_tokens - n_rejected);
    for (size_t i = 1; !r->sched.prefilled && i < n; i++) {
        if (gen->completions[i].ended) continue;
        share_prompt(e, &seqs[i], &seqs[0]);
        if (gen->guided) share_prompt(e, &seqs[n + i], &seqs[n]);
    }
    for (size_t i = 0; i < n; i++) {
        follow(e, gen, &gen->completions[i], &seqs[i], gen->n_prompt);
        if (gen->guided) follow(e, gen, &gen->completions[i], &seqs[n + i], ll_generation_negative(gen).n_ids);
    }
}

/* Sequence i becomes a copy of the parent of beam i, which shares its blocks, and gets the beam's token. */
static void commit_beams(llmcs_engine *e, llmcs_request *r) {
    const ll_beam_search *beams = &r->sched.beams;
    ll_seq_state *seqs = r->sched.seqs;
    ll_sequence *spare = r->sched.spare;
    const size_t n = beams->n_running;
    for (size_t i = 0; i < n; i++) ll_sequence_share(&e->sched.kv, &spare[i], &seqs[beams->parents[i]].kv);
    for (size_t i = 0; i < r->n_seqs; i++) clear_seq(e, &seqs[i]);
    for (size_t i = 0; i < n; i++) {
        ll_sequence empty = seqs[i].kv;
        seqs[i] = (ll_seq_state){.kv = spare[i], .n_known = spare[i].n_tokens, .computed = true};
        spare[i] = empty;
        add_token(&seqs[i], beams->next_ids[i]);
    }
    r->sched.n_beams = n;
}

/* True: the request is complete. */
static bool commit(llmcs_engine *e, llmcs_request *r, const ll_scheduled *s) {
    const ll_generation *gen = &r->sched.gen;
    if (!r->sched.prefilled) r->sched.gen.prompt_end_ns = ll_now_ns();
    bool done = r->sched.beams_done;
    if (!gen->beams) {
        commit_completions(e, r, s);
        done = true;
        for (size_t i = 0; i < gen->n_completions; i++) done &= gen->completions[i].ended;
    } else if (!done) {
        commit_beams(e, r);
    }
    r->sched.prefilled = true;
    return done;
}

static size_t n_new_tokens(const llmcs_request *r) {
    const ll_generation *gen = &r->sched.gen;
    if (gen->beams) return r->sched.beams.n_new;
    size_t n = 0;
    for (size_t i = 0; i < gen->n_completions; i++) n += gen->completions[i].n_new;
    return n;
}

/* Counters and readers. */
static void publish(llmcs_engine *e, llmcs_request *r, const ll_scheduled *s, uint64_t now_ns) {
    ll_generation *gen = &r->sched.gen;
    const size_t n_new = n_new_tokens(r), n_fresh = n_new - r->sched.n_counted;
    pthread_mutex_lock(&e->shared.mutex);
    llmcs_engine_stats *stats = &e->shared.stats;
    if (r->sched.n_counted == 0) {
        stats->n_prompt_tokens += ll_generation_n_prompt_tokens(gen);
        stats->n_cached_tokens += gen->n_cached;
        ll_histogram_add(&stats->first_token_ms, now_ns - r->submitted_ns);
    } else {
        for (size_t i = 0; i < n_fresh; i++)
            ll_histogram_add(&stats->per_token_ms, (now_ns - r->sched.last_token_ns) / n_fresh);
    }
    stats->n_new_tokens += n_fresh;
    stats->n_draft_tokens += s->n_draft_tokens;
    stats->n_accepted_tokens += r->sched.n_accepted;
    publish_tokens(r);
    ll_request_add_event(e, r);
    pthread_mutex_unlock(&e->shared.mutex);
    gen->n_draft += s->n_draft_tokens;
    gen->n_accepted += r->sched.n_accepted;
    r->sched.last_token_ns = now_ns;
    r->sched.n_counted = n_new;
}

/* Commits and publishes the step's result for one request, and ends it if it is complete. */
static void finish_scheduled(llmcs_engine *e, const ll_scheduled *s, uint64_t now_ns) {
    llmcs_request *r = s->request;
    if (r->sched.ended || (!s->n_logits && !s->status)) return;
    if (s->status == LLMCS_CANCELLED || s->status == LLMCS_DEADLINE) { /* in a step of many beams */
        ll_engine_end(e, r, LLMCS_OK, ll_finish_reason_of(s->status));
        return;
    }
    if (s->status) {
        (void)ll_fail(s->status, "%s", r->sched.message);
        ll_engine_end(e, r, s->status, LLMCS_FINISH_EOS);
        return;
    }
    const bool first_tokens = !r->sched.prefilled, done = commit(e, r, s);
    if (first_tokens && !done) insert_prefixes(e, r);
    publish(e, r, s, now_ns);
    if (done) ll_engine_end(e, r, LLMCS_OK, LLMCS_FINISH_EOS); /* completions have their own reasons */
}

/* ----------------------------------------------------------------------------------------------- the step */

static double blend(double before, double now) { return before > 0 ? 0.5 * (before + now) : now; }

/* Updates the estimated costs of a step without prompts, of a prompt token and of a source's token, which determine the
 * size of chunks. */
static void update_costs(llmcs_engine *e, double encode_ns, double forward_ns) {
    const ll_step_counts *n = &e->sched.step.n;
    /* A few rows cost more each than many do, but if nothing is known yet, they are better than nothing. */
    if (n->encoded_rows >= 16 || (n->encoded_rows && !(e->sched.source_row_ns > 0)))
        e->sched.source_row_ns = blend(e->sched.source_row_ns, encode_ns / n->source_work);
    if (n->rows == 0) return;
    if (n->prompt_rows == 0) {
        e->sched.step_ns = blend(e->sched.step_ns, forward_ns);
    } else if (n->prompt_rows >= 16) {
        bool mixed = n->prompt_rows < n->rows && forward_ns > e->sched.step_ns;
        double prompts_ns = mixed ? forward_ns - e->sched.step_ns : forward_ns;
        e->sched.prompt_row_ns = blend(e->sched.prompt_row_ns, prompts_ns / (double)n->prompt_rows);
    }
}

static void count_step(llmcs_engine *e, uint64_t forward_ns, uint64_t sample_ns) {
    pthread_mutex_lock(&e->shared.mutex);
    llmcs_engine_stats *stats = &e->shared.stats;
    stats->n_steps++;
    stats->n_rows += e->sched.step.n.rows + e->sched.step.n.source_rows;
    stats->forward_ns += forward_ns;
    stats->sample_ns += sample_ns;
    stats->step_ns += ll_now_ns() - e->sched.step.began_ns;
    stats->n_evicted_blocks = e->sched.prefix.n_evicted;
    stats->n_used_blocks = e->sched.kv.own.n_blocks - e->sched.kv.own.n_free;
    stats->n_cached_blocks = ll_prefix_n_blocks(&e->sched.prefix);
    pthread_mutex_unlock(&e->shared.mutex);
}

static void forward_and_sample(llmcs_engine *e) {
    const ll_step *step = &e->sched.step;
    const uint64_t before_ns = ll_now_ns();
    llmcs_status status = step->n.encoded_rows ? ll_sources_forward(e, should_stop) : LLMCS_OK;
    const uint64_t encoded_ns = ll_now_ns();
    if (!status) status = forward(e);
    const uint64_t after_ns = ll_now_ns();
    if (!status) {
        update_costs(e, (double)(encoded_ns - before_ns), (double)(after_ns - encoded_ns));
        advance_seqs(e);
        status = sample_all(e);
    }
    const uint64_t now_ns = ll_now_ns();
    for (size_t i = 0; i < step->n.scheduled; i++) {
        const ll_scheduled *s = &step->scheduled[i];
        if (!status)
            finish_scheduled(e, s, now_ns);
        else if (status != LLMCS_CANCELLED && !s->request->sched.ended)
            ll_engine_end(e, s->request, status, LLMCS_FINISH_EOS);
    }
    release_ended(e);
    count_step(e, after_ns - before_ns, now_ns - after_ns);
}

bool ll_engine_step(llmcs_engine *e) {
    e->sched.step.began_ns = ll_now_ns();
    ll_engine_schedule(e);
    const bool any_rows = e->sched.step.n.rows + e->sched.step.n.encoded_rows > 0,
               any_ended = e->sched.step.n.ended > 0;
    if (any_rows) forward_and_sample(e);
    return any_rows || any_ended;
}
