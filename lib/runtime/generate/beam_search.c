/* Beam search and beam sampling for one generation: from rows of logits to the next step's tokens. */
#include <float.h>
#include <math.h>

#include "generate/beam.h"
#include "generate/softmax.h"
#include "runtime/generate/generation.h"

void ll_beam_search_free(ll_generation *g, ll_beam_search *search) {
    for (size_t i = 0; search->groups && i < search->n_groups; i++) ll_beams_free(&search->groups[i], g->allocator);
    ll_free(g->allocator, search->groups);
    ll_free(g->allocator, search->taken);
    ll_free(g->allocator, search->grammar);
    ll_free(g->allocator, search->next_grammar);
    ll_free(g->allocator, search->held);
    ll_free(g->allocator, search->parents);
    ll_free(g->allocator, search->next_ids);
    ll_free(g->allocator, search->path);
    *search = (ll_beam_search){0};
}

static llmcs_status alloc_search(ll_generation *g, ll_beam_search *search) {
    const size_t n = (size_t)g->params.num_beams, n_groups = (size_t)g->params.num_beam_groups;
    ll_beams_config config = {.num_beams = n / n_groups,
                              .group = n_groups > 1,
                              .max_new_tokens = g->max_new,
                              .early_stopping = g->params.early_stopping,
                              .length_penalty = (double)g->params.length_penalty,
                              .eos = g->eos,
                              .n_eos = g->n_eos,
                              .do_sample = g->sampled,
                              .seed = g->params.seed};
    LL_TRY(ll_alloc_zero(g->allocator, n_groups, sizeof *search->groups, "groups of beams", &search->groups));
    for (search->n_groups = 0; search->n_groups < n_groups; search->n_groups++)
        LL_TRY(ll_beams_init(&search->groups[search->n_groups], g->allocator, &config));
    search->n_running = 1;
    LL_TRY(ll_alloc(g->allocator, n, sizeof *search->taken, "tokens of beams", &search->taken));
    if (g->params.grammar) {
        LL_TRY(ll_alloc(g->allocator, n, sizeof *search->grammar, "beams", &search->grammar));
        LL_TRY(ll_alloc(g->allocator, n, sizeof *search->next_grammar, "beams", &search->next_grammar));
        search->grammar[0] = ll_grammar_start(g->params.grammar);
    }
    LL_TRY(ll_alloc(g->allocator, n, sizeof *search->held, "beams", &search->held));
    LL_TRY(ll_alloc(g->allocator, n, sizeof *search->parents, "parents of beams", &search->parents));
    LL_TRY(ll_alloc(g->allocator, n, sizeof *search->next_ids, "next tokens", &search->next_ids));
    return ll_alloc(g->allocator, g->max_new, sizeof *search->path, "tokens of a beam", &search->path);
}

llmcs_status ll_beam_search_init(ll_generation *g, ll_beam_search *search) {
    *search = (ll_beam_search){0};
    llmcs_status status = alloc_search(g, search);
    if (status) ll_beam_search_free(g, search);
    return status;
}

/* ---- a step */

/* Renormalises the scores that the processors left to log-probabilities. */
static llmcs_status normalize_row(float *row, size_t vocab, size_t step) {
    double log_sum;
    LL_TRY(ll_log_normaliser(row, vocab, step, &log_sum));
    ll_log_probabilities(row, vocab, log_sum, row);
    return LLMCS_OK;
}

static void normalize_candidates(ll_candidate *candidates, size_t n) {
    double sum = ll_total_weight(candidates, n);
    size_t most = 0;
    for (size_t i = 1; i < n; i++)
        if (candidates[i].score > candidates[most].score) most = i;
    const double log_sum = (double)candidates[most].score + log(sum / (double)candidates[most].weight);
    for (size_t i = 0; i < n; i++) candidates[i].score = (float)((double)candidates[i].score - log_sum);
}

/* Converts the workspace's scores from logits to processed log-probabilities of the whole row and offers them:
 * renormalised, or in beam sampling filtered. */
static llmcs_status offer_whole_row(ll_generation *g, ll_beams *beams, size_t beam, const ll_beam_search *search,
                                    size_t at, const float *logits, double log_sum) {
    const llmcs_ids held = search->held[at];
    ll_scores *scores = &g->workspace->scores;
    float *row = scores->copy; /* [vocab] */
    size_t n_left, step = beams->n_new;
    ll_log_probabilities(logits, g->vocab, log_sum, row);
    ll_processors_apply(&g->processors, row, held.ids, held.n_ids, step);
    if (g->params.grammar) LL_TRY(ll_generation_restrict_row(g, search->grammar[at], step, row));
    ll_scores_scan(scores, row);
    if (scores->nan) return ll_fail(LLMCS_NUMERIC, "new token %zu: NaN among the processed scores", step);
    if (scores->max < -FLT_MAX) return LLMCS_OK; /* this beam has no continuation; others may */
    if (!g->sampled) {
        if (g->params.renormalize_logits) {
            LL_TRY(normalize_row(row, g->vocab, step));
            ll_scores_scan(scores, row);
        }
        ll_beams_offer(beams, beam, scores, logits, log_sum);
        return LLMCS_OK;
    }
    LL_TRY(ll_filter_scores(&g->sampler.filter, scores, step, &g->sampler.workspace, &n_left));
    if (g->params.renormalize_logits && n_left) normalize_candidates(g->sampler.workspace.candidates, n_left);
    ll_beams_offer_filtered(beams, beam, g->sampler.workspace.candidates, n_left, g->vocab, logits, log_sum);
    return LLMCS_OK;
}

/* Turns the blocks of the workspace's scores that processors change into processed log-probabilities. */
static void process_blocks(ll_generation *g, llmcs_ids held, size_t step, double log_sum) {
    ll_scores *scores = &g->workspace->scores;
    if (!ll_processors_active(&g->processors)) return;
    ll_processors_touch(&g->processors, scores, held.ids, held.n_ids, step);
    for (size_t block = 0; block < scores->n_blocks; block++) {
        if (!scores->changed[block]) continue;
        float *copy = scores->copy + block * LL_ROW_BLOCK;
        ll_log_probabilities(copy, ll_min(LL_ROW_BLOCK, scores->vocab - block * LL_ROW_BLOCK), log_sum, copy);
    }
    ll_processors_apply(&g->processors, scores->copy, held.ids, held.n_ids, step);
    ll_scores_finalize(scores);
}

/* Offers the tokens of one of the group's beams; at: its index among all beams. Most blocks of the row have no
 * candidate and are read only for the sum. */
static llmcs_status offer_beam(ll_generation *g, ll_beams *beams, size_t beam, const ll_beam_search *search, size_t at,
                               ll_logits logits) {
    ll_scores *scores = &g->workspace->scores;
    LL_TRY(ll_generation_load(g, logits));
    const double log_sum = (double)scores->max + log(g->model->kernels->sum_of_exps(logits.row, g->vocab, scores->max));
    if (g->sampled || g->params.renormalize_logits || g->params.grammar)
        return offer_whole_row(g, beams, beam, search, at, logits.row, log_sum);
    process_blocks(g, search->held[at], beams->n_new, log_sum);
    if (scores->nan) return ll_fail(LLMCS_NUMERIC, "new token %zu: NaN among the processed scores", beams->n_new);
    ll_beams_offer(beams, beam, scores, logits.row, log_sum);
    return LLMCS_OK;
}

static llmcs_status check_stop(const ll_generation *g) {
    return g->check_stop ? g->check_stop(g->check_stop_user) : LLMCS_OK;
}

static ll_logits row_of(const ll_generation *g, ll_logits rows, size_t at) {
    const float *block_max = rows.block_max ? rows.block_max + at * ll_row_blocks(g->vocab) : NULL;
    return (ll_logits){.row = rows.row + at * g->vocab, .block_max = block_max};
}

/* first: index of the group's first running beam among all. Before the first step each group has one beam, the prompt.
 */
static llmcs_status offer_group(ll_generation *g, const ll_beam_search *search, ll_beams *beams, size_t first,
                                ll_logits logits) {
    for (size_t i = 0; i < beams->n_running; i++) {
        const size_t at = search->n_new ? first + i : 0;
        if (first + i) LL_TRY(check_stop(g)); /* the forward pass has just checked */
        LL_TRY(offer_beam(g, beams, i, search, at, row_of(g, logits, at)));
    }
    ll_beams_rank(beams);
    if (beams->n_candidates || beams->n_finished) return LLMCS_OK;
    return ll_fail(LLMCS_NUMERIC, "new token %zu: every token is forbidden", beams->n_new);
}

/* Finds a stop string in the text of ids [n], and where the text ends then. Every hypothesis is decoded from its first
 * token, because beams are reordered and a streaming decoder cannot follow. */
static llmcs_status find_stop(ll_text_stream *stream, const int32_t *ids, size_t n, bool *found, size_t *text_bytes) {
    ll_stream_verdict verdict = LL_STREAM_GOES_ON;
    LL_TRY(ll_text_stream_reset(stream));
    for (size_t i = 0; i < n && verdict == LL_STREAM_GOES_ON; i++)
        LL_TRY(ll_text_stream_push(stream, ids[i], &verdict));
    *found = verdict == LL_STREAM_STOP_STRING;
    *text_bytes = stream->n_sent;
    return LLMCS_OK;
}

static llmcs_status mark_stops(ll_generation *g, const ll_beam_search *search, ll_beams *beams) {
    for (size_t i = 0; i < beams->n_candidates; i++) {
        ll_beam_candidate *c = &beams->candidates[i];
        if (c->end != LL_BEAM_GOES_ON) continue;
        LL_TRY(check_stop(g));
        size_t n = ll_beams_path(beams, beams->running[c->beam].node, search->path, NULL), text_bytes;
        search->path[n] = c->id;
        bool found;
        LL_TRY(find_stop(&g->completions[0].stream, search->path, n + 1, &found, &text_bytes));
        if (found) c->end = LL_BEAM_STOP;
    }
    return LLMCS_OK;
}

/* In Transformers a group that has ended continues with padding, which counts as taken. */
static int32_t padding_of(const ll_generation *g) {
    const int32_t pad = g->model->config.pad_token_id;
    return pad >= 0 ? pad : g->n_eos ? g->eos[0] : -1;
}

/* The tokens that a group chose in this step, for the groups after it. */
static void take_tokens(const ll_generation *g, ll_beam_search *search, const ll_beams *beams, size_t n_beams,
                        size_t *n_taken) {
    const int32_t pad = padding_of(g);
    for (size_t i = 0; i < n_beams; i++) {
        if (beams->n_running && i == beams->n_running) return;
        const int32_t id = beams->n_running ? beams->nodes[beams->running[i].node].id : pad;
        if (id >= 0 && (size_t)id < g->vocab) search->taken[(*n_taken)++] = id;
    }
}

static llmcs_status step_group(ll_generation *g, ll_beam_search *search, ll_beams *beams, size_t first, bool late,
                               ll_logits logits, bool *over) {
    LL_TRY(offer_group(g, search, beams, first, logits));
    if (g->streams) LL_TRY(mark_stops(g, search, beams));
    if (late) ll_beams_end_all(beams, LL_BEAM_TIME);
    *over = ll_beams_advance(beams);
    return LLMCS_OK;
}

/* Appends the group's running beams to those of all groups. first: index of its first beam before the step. */
static llmcs_status append_running(const ll_generation *g, ll_beam_search *search, const ll_beams *beams,
                                   size_t first) {
    for (size_t i = 0; i < beams->n_running; i++) {
        const ll_running_beam *running = &beams->running[i];
        const size_t parent = (search->n_new ? first : 0) + running->parent;
        const int32_t id = beams->nodes[running->node].id;
        if (g->params.grammar)
            LL_TRY(ll_grammar_advance(g->params.grammar, search->grammar[parent], search->n_new == 0, id,
                                      &search->next_grammar[search->n_running]));
        search->parents[search->n_running] = parent;
        search->next_ids[search->n_running++] = id;
    }
    return LLMCS_OK;
}

llmcs_status ll_beam_search_step(ll_generation *g, ll_beam_search *search, ll_logits logits, bool *over) {
    const bool late = ll_generation_is_late(g);
    const size_t n_beams = (size_t)g->params.num_beams / search->n_groups;
    const size_t n_running = search->n_running;
    size_t first = 0, n_taken = 0;
    search->n_running = 0;
    for (size_t i = 0; i < search->n_groups; i++) {
        ll_beams *beams = &search->groups[i];
        const size_t n_before = beams->n_running;
        bool ended = true;
        g->processors.taken = (llmcs_ids){search->taken, n_taken};
        llmcs_status status = n_before ? step_group(g, search, beams, first, late, logits, &ended) : LLMCS_OK;
        if (status) {
            beams->n_candidates = 0;
            search->n_running = n_running;
            return status;
        }
        if (search->n_groups > 1) take_tokens(g, search, beams, n_beams, &n_taken);
        if (ended) beams->n_running = 0;
        LL_TRY(append_running(g, search, beams, first));
        first += n_before;
    }
    ll_grammar_state *before = search->grammar;
    search->grammar = search->next_grammar;
    search->next_grammar = before;
    search->n_new++;
    *over = !search->n_running;
    return LLMCS_OK;
}

/* ---- the end */

static llmcs_status fill_completion(ll_generation *g, const ll_beams *beams, const ll_hypothesis *h,
                                    ll_completion *completion, llmcs_finish_reason interrupted) {
    static const llmcs_finish_reason reasons[] = {[LL_BEAM_EOS] = LLMCS_FINISH_EOS,
                                                  [LL_BEAM_STOP] = LLMCS_FINISH_STOP,
                                                  [LL_BEAM_LENGTH] = LLMCS_FINISH_LENGTH,
                                                  [LL_BEAM_TIME] = LLMCS_FINISH_DEADLINE};
    int32_t *new_ids = completion->ids + g->n_prompt;
    completion->n_new = ll_beams_path(beams, h->node, new_ids, completion->logprobs);
    completion->score = h->score;
    completion->ended = true;
    completion->reason = h->end == LL_BEAM_INTERRUPTED ? interrupted : reasons[h->end];
    bool found;
    if (h->end != LL_BEAM_STOP) return LLMCS_OK;
    return find_stop(&g->completions[0].stream, new_ids, completion->n_new, &found, &completion->text_bytes);
}

void ll_beam_search_interrupt(ll_beam_search *search) {
    for (size_t i = 0; i < search->n_groups; i++) ll_beams_interrupt(&search->groups[i]);
    search->n_running = 0;
}

/* The group whose next hypothesis is best; on ties the last one, as in Transformers. n_used [n_groups]. */
static size_t best_group(const ll_beam_search *search, const size_t *n_used) {
    size_t best = search->n_groups;
    for (size_t i = 0; i < search->n_groups; i++) {
        const ll_beams *beams = &search->groups[i];
        if (n_used[i] == beams->n_finished) continue;
        if (best == search->n_groups ||
            beams->finished[n_used[i]].score >= search->groups[best].finished[n_used[best]].score)
            best = i;
    }
    return best;
}

llmcs_status ll_beam_search_finish(ll_generation *g, ll_beam_search *search, llmcs_finish_reason interrupted) {
    size_t *n_used = search->parents, n_finished = 0; /* parents are not needed any more */
    for (size_t i = 0; i < search->n_groups; i++) {
        n_used[i] = 0;
        n_finished += search->groups[i].n_finished;
    }
    g->n_completions = ll_min(g->n_completions, n_finished);
    for (size_t i = 0; i < g->n_completions; i++) {
        const size_t best = best_group(search, n_used);
        const ll_beams *beams = &search->groups[best];
        LL_TRY(fill_completion(g, beams, &beams->finished[n_used[best]++], &g->completions[i], interrupted));
    }
    return LLMCS_OK;
}
