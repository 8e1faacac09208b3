/* Greedy search and sampling, one completion and one row of logits at a time. */
#include <math.h>
#include <string.h>

#include "base/call.h"
#include "generate/softmax.h"
#include "runtime/generate/generation.h"
#include "runtime/numbers.h"

void ll_completion_end(ll_completion *completion, llmcs_finish_reason reason) {
    completion->ended = true;
    completion->reason = reason;
}

llmcs_finish_reason ll_finish_reason_of(llmcs_status status) {
    return status == LLMCS_CANCELLED ? LLMCS_FINISH_CANCELLED : LLMCS_FINISH_DEADLINE;
}

static void apply_verdict(ll_completion *completion, ll_stream_verdict verdict) {
    if (verdict == LL_STREAM_GOES_ON) return;
    completion->text_bytes = completion->stream.n_sent;
    ll_completion_end(completion, verdict == LL_STREAM_CALLBACK ? LLMCS_FINISH_CALLBACK : LLMCS_FINISH_STOP);
}

/* Classifier-free guidance (Sanchez et al. 2023, "Stay on topic with Classifier-Free Guidance"), as Transformers'
 * UnbatchedClassifierFreeGuidanceLogitsProcessor: n + scale * (p - n), with the log-probabilities p of the prompt and n
 * of the negative prompt. */
static llmcs_status load_guided_scores(ll_generation *g, ll_logits logits) {
    ll_scores *scores = &g->workspace->scores;
    const double scale = (double)g->params.guidance_scale;
    double log_sum, negative_log_sum;
    LL_TRY(ll_log_normaliser(logits.row, g->vocab, 0, &log_sum));
    LL_TRY(ll_log_normaliser(logits.negative, g->vocab, 0, &negative_log_sum));
    for (size_t i = 0; i < g->vocab; i++) {
        const double negative = (double)logits.negative[i] - negative_log_sum;
        scores->copy[i] = (float)(negative + scale * ((double)logits.row[i] - log_sum - negative));
    }
    ll_scores_scan(scores, scores->copy);
    return LLMCS_OK;
}

llmcs_status ll_generation_load(ll_generation *g, ll_logits logits) {
    const ll_kernels *k = g->model->kernels;
    ll_scores *scores = &g->workspace->scores;
    bool finite = true;
    if (logits.block_max)
        memcpy(scores->block_max, logits.block_max, scores->n_blocks * sizeof *scores->block_max);
    else
        finite = k->block_max(logits.row, g->vocab, scores->block_max);
    if (finite) ll_scores_start(scores, logits.row);
    if (!finite || scores->nan) return ll_check_finite(k, logits.row, 1, g->vocab, "logits");
    return logits.negative ? load_guided_scores(g, logits) : LLMCS_OK;
}

/* log(sum of e^logit), which turns logits into log-probabilities; NaN unless requested: it reads the whole row. */
static double log_sum_of(const ll_generation *g, const float *logits) {
    if (!g->params.logprobs) return NAN;
    float max = g->workspace->scores.max;
    if (g->guided) (void)ll_row_scan(logits, g->vocab, &max);
    return (double)max + log(g->model->kernels->exp_sum(logits, g->vocab, max));
}

/* Puts the logit into the n best, which are sorted, if it belongs there; of equal ones the lower id comes first. */
static void insert_top(llmcs_top_token *best, size_t n, int32_t id, float logit) {
    if (!(logit > best[n - 1].logprob)) return;
    size_t at = n - 1;
    for (; at && logit > best[at - 1].logprob; at--) best[at] = best[at - 1];
    best[at] = (llmcs_top_token){id, logit};
}

/* The n most probable tokens of the row. Blocks without one of them are skipped. */
static void pick_top(ll_logits logits, size_t vocab, double log_sum, llmcs_top_token *best, size_t n) {
    for (size_t i = 0; i < n; i++) best[i] = (llmcs_top_token){-1, -INFINITY};
    for (size_t begin = 0; n && begin < vocab; begin += LL_ROW_BLOCK) {
        if (logits.block_max && logits.block_max[begin / LL_ROW_BLOCK] <= best[n - 1].logprob) continue;
        const size_t end = ll_min(begin + LL_ROW_BLOCK, vocab);
        for (size_t id = begin; id < end; id++) insert_top(best, n, (int32_t)id, logits.row[id]);
    }
    for (size_t i = 0; i < n; i++) best[i].logprob = ll_log_probability(best[i].logprob, log_sum);
}

llmcs_status ll_completion_sample(ll_generation *g, size_t index, ll_logits logits) {
    ll_completion *completion = &g->completions[index];
    size_t n_ids = g->n_prompt + completion->n_new;
    int32_t id = 0;
    LL_TRY(ll_generation_load(g, logits));
    const double log_sum = log_sum_of(g, logits.row); /* before the scores are processed */
    ll_generation_process(g, completion->ids, n_ids, completion->n_new);
    if (g->params.grammar) LL_TRY(ll_generation_restrict(g, completion->grammar, completion->n_new));
    LL_TRY(ll_sampler_sample(&g->sampler, &g->workspace->scores, (uint32_t)index, completion->n_new, &id));
    float logprob = ll_log_probability(logits.row[id], log_sum);
    if (g->params.grammar && !ll_generation_is_eos(g, id))
        LL_TRY(ll_grammar_advance(g->params.grammar, completion->grammar, completion->n_new == 0, id,
                                  &completion->grammar));
    completion->ids[n_ids] = id;
    completion->logprobs[completion->n_new] = logprob;
    const size_t n_top = (size_t)g->params.top_logprobs;
    if (n_top) pick_top(logits, g->vocab, log_sum, completion->top + completion->n_new * n_top, n_top);
    completion->score += (double)logprob;
    completion->n_new++;
    if (ll_generation_is_eos(g, id)) ll_completion_end(completion, LLMCS_FINISH_EOS);
    return LLMCS_OK;
}

static llmcs_status emit_token(ll_generation *g, ll_completion *completion, int32_t id) {
    if (g->streams) {
        ll_stream_verdict verdict;
        LL_TRY(ll_text_stream_push(&completion->stream, id, &verdict));
        apply_verdict(completion, verdict);
    }
    if (g->on_token) {
        ll_call *call = ll_callback_begin();
        int stop = g->on_token(g->user, id);
        ll_callback_end(call);
        if (stop && !completion->ended) ll_completion_end(completion, LLMCS_FINISH_CALLBACK);
    }
    return LLMCS_OK;
}

llmcs_status ll_completion_emit(ll_generation *g, size_t index) {
    ll_completion *completion = &g->completions[index];
    if (completion->ended) return LLMCS_OK; /* EOS is not emitted */
    LL_TRY(emit_token(g, completion, completion->ids[g->n_prompt + completion->n_new - 1]));
    if (!completion->ended && completion->n_new == g->max_new) ll_completion_end(completion, LLMCS_FINISH_LENGTH);
    if (!completion->ended && ll_generation_is_late(g)) ll_completion_end(completion, LLMCS_FINISH_DEADLINE);
    if (completion->ended || !g->params.grammar || g->n_eos) return LLMCS_OK;
    bool over; /* the grammar allows no further token */
    LL_TRY(ll_generation_grammar_over(g, completion->grammar, &over));
    if (over) ll_completion_end(completion, LLMCS_FINISH_STOP);
    return LLMCS_OK;
}

llmcs_status ll_completion_flush(ll_generation *g, size_t index) {
    ll_completion *completion = &g->completions[index];
    if (!g->streams || completion->text_bytes != SIZE_MAX) return LLMCS_OK;
    ll_stream_verdict verdict;
    LL_TRY(ll_text_stream_finish(&completion->stream, &verdict));
    apply_verdict(completion, verdict);
    return LLMCS_OK;
}

/* ---- prompt lookup */

/* Finds the last occurrence of tail [n_tail] in ids [n] that is followed by `after` ids, else the one followed by most.
 * Returns the index after it, or 0. */
static size_t find_last(const int32_t *ids, size_t n, const int32_t *tail, size_t n_tail, size_t after) {
    size_t found = 0;
    for (size_t end = n ? n - 1 : 0; end >= n_tail; end--) {
        size_t i = 0;
        while (i < n_tail && ids[end - 1 - i] == tail[n_tail - 1 - i]) i++;
        if (i == n_tail) found = end;
        if (found && n - found >= after) break;
    }
    return found;
}

size_t ll_prompt_lookup(const ll_generation *g, const ll_completion *completion, int32_t *draft_ids, size_t max) {
    const llmcs_generate_params *p = &g->params;
    const llmcs_ids sources[] = {{completion->ids, g->n_prompt + completion->n_new},
                                 {p->prompt_lookup_ids, p->n_prompt_lookup_ids}};
    size_t n_ids = sources[0].n_ids;
    for (size_t n = ll_min((size_t)p->max_matching_ngram_size, n_ids); max && n > 0; n--) {
        for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
            size_t end = find_last(sources[i].ids, sources[i].n_ids, completion->ids + n_ids - n, n, max);
            if (!end) continue;
            size_t n_draft = ll_min(max, sources[i].n_ids - end);
            for (size_t k = 0; k < n_draft; k++) draft_ids[k] = sources[i].ids[end + k];
            return n_draft;
        }
    }
    return 0;
}
