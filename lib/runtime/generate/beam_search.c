/* Beam search and beam sampling for one generation: takes rows of logits, gives the next step's tokens. */
#include <float.h>
#include <math.h>

#include "generate/beam.h"
#include "generate/softmax.h"
#include "runtime/generate/generation.h"

void ll_beam_search_free(ll_generation *g, ll_beam_search *search) {
    ll_beams_free(&search->beams, g->allocator);
    ll_free(g->allocator, search->held);
    ll_free(g->allocator, search->parents);
    ll_free(g->allocator, search->next_ids);
    ll_free(g->allocator, search->path);
    *search = (ll_beam_search){0};
}

static llmcs_status alloc_search(ll_generation *g, ll_beam_search *search) {
    size_t n = (size_t)g->params.num_beams;
    ll_beams_config config = {.num_beams = n,
                              .max_new_tokens = g->max_new,
                              .early_stopping = g->params.early_stopping,
                              .length_penalty = (double)g->params.length_penalty,
                              .eos = g->eos,
                              .n_eos = g->n_eos,
                              .do_sample = g->sampled,
                              .seed = g->params.seed};
    LL_TRY(ll_beams_init(&search->beams, g->allocator, &config));
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

/* Turns one beam's log-probabilities, processed and in beam sampling also filtered, into candidates. */
static llmcs_status offer_beam(ll_generation *g, ll_beam_search *search, size_t beam, const float *logits) {
    ll_beams *beams = &search->beams;
    ll_scores *scores = &g->workspace->scores;
    float *row = scores->copy; /* [vocab] */
    double log_sum;
    size_t n_left, step = beams->n_new;
    LL_TRY(ll_log_normaliser(logits, g->vocab, step, &log_sum));
    ll_log_probabilities(logits, g->vocab, log_sum, row);
    ll_processors_apply(&g->processors, row, search->held[beam].ids, search->held[beam].n_ids, step);
    ll_scores_scan(scores, row);
    if (scores->nan) return ll_fail(LLMCS_NUMERIC, "new token %zu: NaN among the processed scores", step);
    if (scores->max < -FLT_MAX) return LLMCS_OK; /* a dead end; other beams may continue */
    if (!g->sampled) {
        if (g->params.renormalize_logits) LL_TRY(normalize_row(row, g->vocab, step));
        ll_beams_offer(beams, beam, row, g->vocab, logits, log_sum);
        return LLMCS_OK;
    }
    LL_TRY(ll_filter_scores(&g->sampler.filter, scores, step, &g->sampler.workspace, &n_left));
    if (g->params.renormalize_logits && n_left) normalize_candidates(g->sampler.workspace.candidates, n_left);
    ll_beams_offer_filtered(beams, beam, g->sampler.workspace.candidates, n_left, g->vocab, logits, log_sum);
    return LLMCS_OK;
}

static llmcs_status check_stop(const ll_generation *g) {
    return g->check_stop ? g->check_stop(g->check_stop_user) : LLMCS_OK;
}

static llmcs_status offer_all(ll_generation *g, ll_beam_search *search, const float *logits) {
    ll_beams *beams = &search->beams;
    for (size_t i = 0; i < beams->n_running; i++) {
        if (i) LL_TRY(check_stop(g)); /* the forward pass has just checked */
        LL_TRY(offer_beam(g, search, i, logits + i * g->vocab));
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

static llmcs_status mark_stops(ll_generation *g, ll_beam_search *search) {
    ll_beams *beams = &search->beams;
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

llmcs_status ll_beam_search_step(ll_generation *g, ll_beam_search *search, const float *logits, bool *over) {
    ll_beams *beams = &search->beams;
    llmcs_status status = offer_all(g, search, logits);
    if (!status && g->streams) status = mark_stops(g, search);
    if (status) {
        beams->n_candidates = 0;
        return status;
    }
    *over = ll_beams_advance(beams);
    for (size_t i = 0; !*over && i < beams->n_running; i++) {
        search->parents[i] = beams->running[i].parent;
        search->next_ids[i] = beams->nodes[beams->running[i].node].id;
    }
    return LLMCS_OK;
}

/* ---- the end */

static llmcs_status fill_completion(ll_generation *g, const ll_beams *beams, const ll_hypothesis *h,
                                    ll_completion *completion, llmcs_finish_reason interrupted) {
    static const llmcs_finish_reason reasons[] = {
        [LL_BEAM_EOS] = LLMCS_FINISH_EOS, [LL_BEAM_STOP] = LLMCS_FINISH_STOP, [LL_BEAM_LENGTH] = LLMCS_FINISH_LENGTH};
    int32_t *new_ids = completion->ids + g->n_prompt;
    completion->n_new = ll_beams_path(beams, h->node, new_ids, completion->logprobs);
    completion->score = h->score;
    completion->ended = true;
    completion->reason = h->end == LL_BEAM_INTERRUPTED ? interrupted : reasons[h->end];
    bool found;
    if (h->end != LL_BEAM_STOP) return LLMCS_OK;
    return find_stop(&g->completions[0].stream, new_ids, completion->n_new, &found, &completion->text_bytes);
}

llmcs_status ll_beam_search_finish(ll_generation *g, ll_beam_search *search, llmcs_finish_reason interrupted) {
    ll_beams *beams = &search->beams;
    g->n_completions = ll_min(g->n_completions, beams->n_finished);
    for (size_t i = 0; i < g->n_completions; i++)
        LL_TRY(fill_completion(g, beams, &beams->finished[i], &g->completions[i], interrupted));
    return LLMCS_OK;
}
