/*
 * From logits to sequences: what llmcs_generate and the engine have in common. One request is one ll_generation: what
 * was asked, what it works in, and the completions of the sequences that become the result. It evaluates nothing:
 * whoever runs it (generate.c a session, engine_step.c an engine) feeds it rows of logits. Everything is taken before
 * the first token is chosen.
 */
#ifndef LL_RUNTIME_GENERATION_H
#define LL_RUNTIME_GENERATION_H

#include "generate/beam.h"
#include "generate/processors.h"
#include "generate/sampler.h"
#include "generate/workspace.h"
#include "runtime/generate/text_stream.h"
#include "runtime/model/model.h"

/* A sequence in the making. */
typedef struct ll_completion {
    int32_t *ids;    /* [n_prompt + max_new] the prompt and what follows, EOS included */
    float *logprobs; /* [max_new] */
    size_t n_new;    /* EOS included */
    double score;
    bool ended;
    llmcs_finish_reason reason; /* once ended */
    size_t text_bytes;          /* where the text ends; SIZE_MAX: with the last token */
    ll_text_stream stream;      /* where text is looked at or sent */
} ll_completion;

typedef struct ll_generation {
    llmcs_model *model;
    const llmcs_allocator *allocator; /* the model's */
    llmcs_generate_params params;     /* complete and checked */
    const int32_t *eos;               /* [n_eos] */
    size_t n_eos;
    size_t vocab;
    const int32_t *prompt; /* [n_prompt] */
    size_t n_prompt;
    size_t max_new; /* params.max_new_tokens, or what the context has room for */
    bool beams;     /* beam search or beam sampling */
    bool sampled;   /* tokens are drawn, not the most probable taken */
    ll_processors processors;
    ll_sampler_workspace *workspace; /* where tokens are chosen, of whoever runs this: ll_generation_set_workspace */
    ll_sampler sampler;
    ll_stop_strings stops;
    bool streams;               /* completions have a text stream */
    ll_completion *completions; /* [completion_capacity] */
    size_t completion_capacity; /* completions there is memory for */
    size_t n_completions;       /* those that count: beam search may find fewer */
    llmcs_text_fn on_text;
    llmcs_token_fn on_token;
    void *user;
    /* CANCELLED or DEADLINE if the request has to end: called now and then during a step of many beams. May be NULL. */
    llmcs_status (*check_stop)(void *user);
    void *check_stop_user;
    uint64_t start_ns, prompt_end_ns;
    size_t n_cached, n_draft, n_accepted; /* tokens: llmcs_result */
} ll_generation;

/* *out: the caller's parameters (NULL: the model's), complete and checked against the model. ARG names what is
 * wrong. */
llmcs_status ll_generate_params_read(const llmcs_model *model, const llmcs_generate_params *params,
                                     llmcs_generate_params *out);

/* Fills in what a model and parameters say. */
llmcs_status ll_generation_init(ll_generation *g, llmcs_model *model, const llmcs_generate_params *params);
/* ARG unless there is one sequence, or no callback `wanted`. */
llmcs_status ll_generation_check_callback(const ll_generation *g, bool wanted);
/* The prompt's text as tokens, allocated: *ids belongs to the caller, on failure too. A prompt without tokens becomes
 * the BOS token, as in Transformers. CONTEXT_FULL, without encoding it, for a text that cannot fit n_ctx tokens. */
llmcs_status ll_generation_encode_prompt(const ll_generation *g, const char *prompt, size_t prompt_bytes, size_t n_ctx,
                                         int32_t **ids, size_t *n_ids);
/* Everything that follows from the parameters, the prompt and the room for tokens. ARG CONTEXT_FULL TOKEN_RANGE. */
llmcs_status ll_generation_prepare(ll_generation *g, size_t n_ctx);
/* Allocates completions and all they need but a sampler workspace; sequences that are evaluated at once:
 * ll_generation_n_seqs. */
llmcs_status ll_generation_alloc(ll_generation *g);
void ll_generation_free(ll_generation *g);
static inline size_t ll_generation_n_seqs(const ll_generation *g) {
    return g->beams ? (size_t)g->params.num_beams : g->completion_capacity;
}
/* When params.deadline_ms after g->start_ns is over, as ll_now_ns; 0: never. */
uint64_t ll_generation_deadline_ns(const ll_generation *g);

/* From here on tokens are sampled in `workspace`, as g->params, g->eos and g->vocab say. No two generations use one
 * workspace at the same time. */
void ll_generation_set_workspace(ll_generation *g, ll_sampler_workspace *workspace);

/* Applies the processors to the workspace's scores. */
void ll_generation_process(ll_generation *g, const int32_t *ids, size_t n_ids, size_t n_new);

bool ll_generation_is_eos(const ll_generation *g, int32_t id);

/* ---- sampling and greedy search: every completion for itself */

/* The model's logits for one token, and where the pass has found them the largest of each block. */
typedef struct ll_logits {
    const float *row;       /* [vocab] */
    const float *block_max; /* [ll_row_blocks(vocab)], one of them NaN where a logit is no finite number; or NULL */
} ll_logits;

/* Chooses the next token of completion `index`; it ends with EOS. Drafts of different generations may choose at the
 * same time. NUMERIC. */
llmcs_status ll_completion_sample(ll_generation *g, size_t index, ll_logits logits);
/* Text and callbacks of the token just chosen, which may end the completion; so may its number. */
llmcs_status ll_completion_emit(ll_generation *g, size_t index);
/* Text that was held back goes out when nothing follows any more. */
llmcs_status ll_completion_flush(ll_generation *g, size_t index);
void ll_completion_end(ll_completion *completion, llmcs_finish_reason reason);
/* CANCELLED or DEADLINE as the reason a completion ends for. */
llmcs_finish_reason ll_finish_reason_of(llmcs_status status);

/* ---- prompt lookup */

/* What may follow the completion's tokens, by finding its last few in prompt, answer or prompt_lookup_ids: up to `max`
 * ids, into guess. Saxena 2023, "Prompt Lookup Decoding"; as Transformers' PromptLookupCandidateGenerator the longest
 * match counts; of several the latest that has enough after it. */
size_t ll_prompt_lookup(const ll_generation *g, const ll_completion *completion, int32_t *draft_ids, size_t max);
/* Most guesses this request ever makes at once; 0: it makes none. */
static inline size_t ll_prompt_lookup_max(const ll_generation *g) {
    return g->beams || g->completion_capacity > 1 ? 0 : (size_t)g->params.prompt_lookup_num_tokens;
}
/* The guesses worth making now: no more than there are tokens to come. */
static inline size_t ll_prompt_lookup_limit(const ll_generation *g, const ll_completion *completion) {
    return ll_min(ll_prompt_lookup_max(g), g->max_new - completion->n_new - 1);
}

/* ---- beam search: completions are filled at its end */

typedef struct ll_beam_search {
    ll_beams beams;
    llmcs_ids *held;   /* [num_beams] what each running beam's sequence holds, prompt included: set before a step */
    size_t *parents;   /* [num_beams] after a step: which beam each running one goes on from, */
    int32_t *next_ids; /* [num_beams]   and with which token */
    int32_t *path;     /* [max_new] tokens of one hypothesis */
} ll_beam_search;

llmcs_status ll_beam_search_init(ll_generation *g, ll_beam_search *search);
void ll_beam_search_free(ll_generation *g, ll_beam_search *search);
/* One step from the logits [n_running, vocab] of the running beams: *over, or the n_running that go on. With CANCELLED
 * or DEADLINE from check_stop the step has not happened. */
llmcs_status ll_beam_search_step(ll_generation *g, ll_beam_search *search, const float *logits, bool *over);
/* The hypotheses become completions; those that were broken off have that reason. */
llmcs_status ll_beam_search_finish(ll_generation *g, ll_beam_search *search, llmcs_finish_reason broken_off);

/* The completions as the caller gets them. */
llmcs_status ll_result_create(const ll_generation *g, llmcs_result **result);

#endif
