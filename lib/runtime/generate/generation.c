/* Prepares a generation: parameters, prompt, memory. */
#include "runtime/generate/generation.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "runtime/check.h"
#include "text/tokenizer.h"

/* ---- processors and sampler */

static ll_processors processors_of(const ll_generation *g) {
    const llmcs_generate_params *p = &g->params;
    return (ll_processors){.source = g->source.n_ids ? g->source : (llmcs_ids){g->prompt, g->n_prompt},
                           .sequence_bias = p->sequence_bias,
                           .n_sequence_bias = p->n_sequence_bias,
                           .decay_start = (size_t)p->exponential_decay_start,
                           .decay_factor = p->exponential_decay_factor,
                           .diversity_penalty = p->diversity_penalty,
                           .encoder_repetition_penalty = p->encoder_repetition_penalty,
                           .encoder_no_repeat_ngram_size = (size_t)p->encoder_no_repeat_ngram_size,
                           .suppress = p->suppress_tokens,
                           .begin_suppress = p->begin_suppress_tokens,
                           .forced_bos = p->forced_bos_token_id,
                           .forced_eos = p->forced_eos_token_id,
                           .max_new_tokens = g->max_new,
                           .repetition_penalty = p->repetition_penalty,
                           .presence_penalty = p->presence_penalty,
                           .frequency_penalty = p->frequency_penalty,
                           .no_repeat_ngram_size = (size_t)p->no_repeat_ngram_size,
                           .min_new_tokens = g->min_new,
                           .eos = g->eos,
                           .n_eos = g->n_eos,
                           .bad_words = p->bad_words_ids,
                           .n_bad_words = p->n_bad_words_ids,
                           .logit_bias = p->logit_bias,
                           .n_logit_bias = p->n_logit_bias,
                           .counts = g->workspace->counts,
                           .vocab = g->vocab};
}

static ll_sampler sampler_of(const ll_generation *g) {
    const llmcs_generate_params *p = &g->params;
    return (ll_sampler){.greedy = !g->sampled,
                        .seed = p->seed,
                        .workspace = g->workspace->filter,
                        .filter = {.temperature = p->temperature,
                                   .top_k = (size_t)p->top_k,
                                   .top_p = p->top_p,
                                   .min_p = p->min_p,
                                   .typical_p = p->typical_p,
                                   .epsilon_cutoff = p->epsilon_cutoff,
                                   .eta_cutoff = p->eta_cutoff,
                                   /* Beams need a token other than EOS to continue: Transformers' rule. */
                                   .min_keep = g->beams ? ll_max(2, 1 + g->n_eos) : 1}};
}

void ll_generation_set_workspace(ll_generation *g, ll_sampler_workspace *workspace) {
    g->workspace = workspace;
    g->processors = processors_of(g);
    g->sampler = sampler_of(g);
}

void ll_generation_process(ll_generation *g, const int32_t *ids, size_t n_ids, size_t n_new) {
    if (!ll_processors_active(&g->processors)) return;
    ll_scores *scores = &g->workspace->scores;
    ll_processors_touch(&g->processors, scores, ids, n_ids, n_new);
    ll_processors_apply(&g->processors, scores->copy, ids, n_ids, n_new);
    ll_scores_finalize(scores);
}

/* Sets the bits of the tokens that the grammar allows, and of EOS where a text may end. */
static llmcs_status find_allowed(ll_generation *g, ll_grammar_state at, size_t n_new) {
    uint64_t *allowed = g->workspace->allowed;
    bool ends;
    LL_TRY(ll_grammar_mask(g->params.grammar, at, n_new == 0, allowed, ll_workspace_words(g->vocab), &ends));
    for (size_t i = 0; i < g->n_eos; i++) {
        const size_t id = (size_t)g->eos[i];
        if (g->eos[i] < 0 || id >= g->vocab) continue;
        allowed[id / 64] &= ~((uint64_t)1 << id % 64);
        allowed[id / 64] |= (uint64_t)ends << id % 64;
    }
    return LLMCS_OK;
}

llmcs_status ll_generation_restrict(ll_generation *g, ll_grammar_state at, size_t n_new) {
    LL_TRY(find_allowed(g, at, n_new));
    ll_scores_restrict(&g->workspace->scores, g->workspace->allowed);
    return LLMCS_OK;
}

llmcs_status ll_generation_restrict_row(ll_generation *g, ll_grammar_state at, size_t n_new, float *row) {
    const uint64_t *allowed = g->workspace->allowed;
    LL_TRY(find_allowed(g, at, n_new));
    for (size_t i = 0; i < g->vocab; i++)
        if (!(allowed[i / 64] >> i % 64 & 1)) row[i] = -INFINITY;
    return LLMCS_OK;
}

llmcs_status ll_generation_grammar_over(ll_generation *g, ll_grammar_state at, bool *over) {
    const size_t n_words = ll_workspace_words(g->vocab);
    bool ends;
    LL_TRY(ll_grammar_mask(g->params.grammar, at, false, g->workspace->allowed, n_words, &ends));
    *over = ends;
    for (size_t i = 0; i < n_words; i++) *over = *over && !g->workspace->allowed[i];
    return LLMCS_OK;
}

bool ll_generation_is_eos(const ll_generation *g, int32_t id) {
    for (size_t i = 0; i < g->n_eos; i++) {
        if (g->eos[i] == id) return true;
    }
    return false;
}

/* ---- memory */

static void free_completions(ll_generation *g) {
    for (size_t i = 0; g->completions && i < g->completion_capacity; i++) {
        ll_free(g->allocator, g->completions[i].ids);
        ll_free(g->allocator, g->completions[i].logprobs);
        ll_free(g->allocator, g->completions[i].top);
        ll_text_stream_free(&g->completions[i].stream);
    }
    ll_free(g->allocator, g->completions);
    g->completions = NULL;
}

static llmcs_status init_completion(ll_generation *g, ll_completion *completion) {
    const size_t n_ids = g->n_prompt + g->max_new; /* both at most n_ctx + 1 */
    completion->text_bytes = SIZE_MAX;
    if (g->params.grammar) completion->grammar = ll_grammar_start(g->params.grammar);
    LL_TRY(ll_alloc(g->allocator, n_ids, sizeof *completion->ids, "ids of a sequence", &completion->ids));
    memcpy(completion->ids, g->prompt, g->n_prompt * sizeof *completion->ids);
    LL_TRY(
        ll_alloc(g->allocator, g->max_new, sizeof *completion->logprobs, "log-probabilities", &completion->logprobs));
    const size_t n_top = (size_t)g->params.top_logprobs;
    if (n_top)
        LL_TRY(ll_alloc(g->allocator, g->max_new * n_top, sizeof *completion->top, "most probable tokens",
                        &completion->top));
    if (!g->streams) return LLMCS_OK;
    LL_TRY(ll_text_stream_init(&completion->stream, g->model->tokenizer, &g->stops));
    completion->stream.on_text = g->on_text;
    completion->stream.user = g->user;
    return LLMCS_OK;
}

static llmcs_status alloc_completions(ll_generation *g) {
    if (g->streams)
        LL_TRY(ll_stop_strings_init(&g->stops, g->allocator, g->params.stop_strings, g->params.n_stop_strings));
    LL_TRY(ll_alloc_zero(g->allocator, g->completion_capacity, sizeof *g->completions, "sequences", &g->completions));
    for (size_t i = 0; i < g->completion_capacity; i++) LL_TRY(init_completion(g, &g->completions[i]));
    return LLMCS_OK;
}

void ll_generation_free(ll_generation *g) {
    free_completions(g);
    ll_stop_strings_free(&g->stops, g->allocator);
}

uint64_t ll_generation_bytes(size_t n_tokens, size_t n_eos) {
    const uint64_t completion = sizeof(ll_completion) + n_tokens * (sizeof(int32_t) + sizeof(float));
    const uint64_t search =
        sizeof(ll_beams) + sizeof(llmcs_ids) + sizeof(size_t) + 2 * sizeof(int32_t) + n_tokens * sizeof(int32_t);
    return completion + search + ll_beams_bytes(n_tokens, n_eos);
}

llmcs_status ll_generation_alloc(ll_generation *g) {
    llmcs_status status = alloc_completions(g);
    if (status) ll_generation_free(g);
    return status;
}

static llmcs_status check_prompt(const ll_generation *g, size_t n_ctx) {
    if (!g->n_prompt) return ll_fail(LLMCS_ARG, "the prompt has no tokens");
    if (g->n_prompt > n_ctx)
        return ll_fail(LLMCS_CONTEXT_FULL, "the prompt has %zu tokens, n_ctx is %zu", g->n_prompt, n_ctx);
    return ll_check_ids(LLMCS_TOKEN_RANGE, "prompt", 0, g->prompt, g->n_prompt, g->vocab);
}

/* Encoder-decoders: makes the caller's prompt the source and decoder_input_ids the prompt. */
static llmcs_status split_source(ll_generation *g, size_t n_ctx) {
    const llmcs_ids given = g->params.decoder_input_ids;
    if (!g->model->net->has_source || g->source.n_ids) return LLMCS_OK;
    if (!g->n_prompt) return ll_fail(LLMCS_ARG, "the source has no tokens");
    if (g->n_prompt > n_ctx)
        return ll_fail(LLMCS_CONTEXT_FULL, "the source has %zu tokens, at most n_ctx %zu can be encoded", g->n_prompt,
                       n_ctx);
    LL_TRY(ll_check_ids(LLMCS_TOKEN_RANGE, "source", 0, g->prompt, g->n_prompt,
                        (size_t)g->model->config.encoder.vocab_size));
    g->source = (llmcs_ids){g->prompt, g->n_prompt};
    g->prompt = given.n_ids ? given.ids : &g->model->config.decoder_start_token_id;
    g->n_prompt = given.n_ids ? given.n_ids : 1;
    return LLMCS_OK;
}

static llmcs_status check_negative_prompt(const ll_generation *g, size_t n_ctx) {
    const size_t n = g->params.negative_prompt_ids.n_ids;
    if (n <= n_ctx) return LLMCS_OK;
    return ll_fail(LLMCS_CONTEXT_FULL, "the negative prompt has %zu tokens, n_ctx is %zu", n, n_ctx);
}

size_t ll_generation_min_new(const llmcs_generate_params *p, size_t n_prompt) {
    const size_t min_length = (size_t)p->min_length;
    if (p->min_new_tokens) return (size_t)p->min_new_tokens;
    return min_length > n_prompt ? min_length - n_prompt : 0;
}

llmcs_status ll_generation_prepare(ll_generation *g, size_t n_ctx) {
    const llmcs_generate_params *p = &g->params;
    LL_TRY(split_source(g, n_ctx));
    LL_TRY(check_prompt(g, n_ctx));
    if (g->guided) LL_TRY(check_negative_prompt(g, n_ctx));
    size_t max_new = (size_t)p->max_new_tokens;
    if (!max_new && g->n_prompt >= (size_t)p->max_length)
        return ll_fail(LLMCS_CONTEXT_FULL,
                       "the prompt has %zu tokens, and max_length is %d, prompt included: set max_new_tokens",
                       g->n_prompt, (int)p->max_length);
    if (!max_new) max_new = (size_t)p->max_length - g->n_prompt;
    /* The last token is not evaluated, so a full context still allows one more. */
    g->max_new = ll_min(max_new, n_ctx - ll_generation_longest_prompt(g) + 1);
    g->min_new = ll_generation_min_new(p, g->n_prompt);
    g->completion_capacity = g->n_completions = (size_t)p->num_return_sequences;
    if (p->n_stop_strings) LL_TRY(ll_model_check_tokenizer(g->model));
    g->streams = g->on_text || p->n_stop_strings;
    return LLMCS_OK;
}

llmcs_status ll_generation_init(ll_generation *g, llmcs_model *model, const llmcs_generate_params *params) {
    g->model = model;
    g->allocator = &g->model->allocator;
    g->vocab = (size_t)g->model->config.vocab_size;
    LL_TRY(ll_generate_params_read(g->model, params, &g->params));
    bool own_eos = !g->params.eos_token_id;
    g->eos = own_eos ? g->model->config.eos_token_id : g->params.eos_token_id;
    g->n_eos = own_eos ? g->model->config.n_eos_token_id : g->params.n_eos_token_id;
    g->beams = g->params.num_beams > 1;
    g->sampled = g->params.do_sample && g->params.temperature > 0;
    g->guided = g->params.guidance_scale != 1.0f;
    if (g->params.grammar) LL_TRY(ll_grammar_check(g->params.grammar, model->tokenizer));
    if (g->params.grammar && g->beams && !g->n_eos)
        return ll_fail(LLMCS_ARG, "grammar and num_beams = %d need an EOS token, which ends the beams",
                       (int)g->params.num_beams);
    if (g->params.exponential_decay_factor == 1.0f || g->n_eos) return LLMCS_OK;
    return ll_fail(LLMCS_ARG,
                   "exponential_decay_length_penalty needs an EOS token, and %s: set eos_token_id or "
                   "exponential_decay_factor = 1",
                   own_eos ? "the model has none" : "eos_token_id is empty");
}

llmcs_status ll_generation_check_callback(const ll_generation *g, bool wanted) {
    if (!wanted || (g->params.num_beams == 1 && g->params.num_return_sequences == 1)) return LLMCS_OK;
    return ll_fail(LLMCS_ARG, "a callback needs num_beams = 1 and num_return_sequences = 1, not %d and %d",
                   (int)g->params.num_beams, (int)g->params.num_return_sequences);
}

llmcs_status ll_generation_encode_prompt(const ll_generation *g, const char *prompt, size_t prompt_bytes, size_t n_ctx,
                                         int32_t **ids, size_t *n_ids) {
    const llmcs_tokenizer *t = g->model->tokenizer;
    /* Encoders are trained on texts with special tokens: EOS, a language. */
    const uint32_t flags = g->params.encode_flags | (g->model->net->has_source ? LLMCS_ADD_SPECIAL_TOKENS : 0);
    *ids = NULL;
    if (prompt_bytes == LLMCS_NUL) prompt_bytes = prompt ? strlen(prompt) : 0;
    const size_t n_least = ll_tokenizer_min_tokens(t, prompt_bytes, flags);
    if (n_least > n_ctx)
        return ll_fail(LLMCS_CONTEXT_FULL, "the prompt has %zu bytes, which are at least %zu tokens; n_ctx is %zu",
                       prompt_bytes, n_least, n_ctx);
    const ll_languages languages = ll_generation_languages(g);
    LL_TRY(ll_encode_ids(t, g->allocator, prompt, prompt_bytes, flags, &languages, ids, n_ids));
    if (*n_ids) return LLMCS_OK;
    const int32_t bos = g->model->config.bos_token_id;
    if (bos < 0) return ll_fail(LLMCS_ARG, "the prompt is empty and the model has no BOS token: give a prompt");
    (*ids)[0] = bos;
    *n_ids = 1;
    return LLMCS_OK;
}

/* Converts to nanoseconds, at most thirty years. */
static uint64_t span_ns(double ns) { return ns < 1e18 ? (uint64_t)ns : (uint64_t)1e18; }

bool ll_generation_is_late(const ll_generation *g) {
    return g->params.max_time > 0 && ll_now_ns() - g->start_ns > span_ns(g->params.max_time * 1e9);
}

uint64_t ll_generation_deadline_ns(const ll_generation *g) {
    double ns = g->params.deadline_ms * 1e6;
    if (!(ns > 0)) return 0;
    const uint64_t span = span_ns(ns);
    return g->start_ns + (span ? span : 1);
}
