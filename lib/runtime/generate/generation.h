/*
 * From logits to sequences: shared by llmcs_generate and the engine. A request is an ll_generation: its parameters, its
 * prompt, and the completions that become the result. It does not run the network: generate.c (on a session) and
 * engine_step.c (in an engine) pass it rows of logits. All memory is allocated before the first token is sampled.
 */
#ifndef LL_RUNTIME_GENERATION_H
#define LL_RUNTIME_GENERATION_H

#include "generate/beam.h"
#include "generate/processors.h"
#include "generate/sampler.h"
#include "generate/workspace.h"
#include "grammar/grammar.h"
#include "runtime/generate/text_stream.h"
#include "runtime/model/model.h"
#include "text/tokenizer.h"

/* One sequence that is being generated. */
typedef struct ll_completion {
    int32_t *ids;             /* [n_prompt + max_new] prompt and new tokens, EOS included */
    float *logprobs;          /* [max_new] */
    llmcs_top_token *top;     /* [max_new, params.top_logprobs], or NULL */
    size_t n_new;             /* EOS included */
    ll_grammar_state grammar; /* state after the new tokens */
    double score;
    bool ended;
    llmcs_finish_reason reason; /* once ended */
    size_t text_bytes;          /* where the text ends; SIZE_MAX: with the last token */
    ll_text_stream stream;      /* if g->streams */
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
    int32_t target_id; /* of params.target_lang */
    llmcs_ids source;  /* the encoder's input; empty for decoders */
    bool guided; /* classifier-free guidance: a second sequence per completion, negative prompt and the same answer */
    size_t max_new; /* most new tokens, limited by params and the context */
    size_t min_new; /* no EOS before */
    bool beams;     /* beam search or beam sampling */
    bool sampled;   /* sample tokens; false: take the most probable one */
    ll_processors processors;
    ll_sampler_workspace *workspace; /* of the thread that samples: ll_generation_set_workspace */
    ll_sampler sampler;
    ll_stop_strings stops;
    bool streams;               /* completions have a text stream */
    ll_completion *completions; /* [completion_capacity] */
    size_t completion_capacity; /* completions that memory is allocated for */
    size_t n_completions;       /* of the result: beam search may find fewer */
    llmcs_text_fn on_text;
    llmcs_token_fn on_token;
    void *user;
    /* CANCELLED or DEADLINE if the request must end; called repeatedly during a step of many beams. May be NULL. */
    llmcs_status (*check_stop)(void *user);
    void *check_stop_user;
    uint64_t start_ns, prompt_end_ns;
    size_t n_cached, n_draft, n_accepted; /* tokens, see llmcs_result */
} ll_generation;

/* Copies the caller's parameters (NULL: the model's defaults) to *out, completed and checked against the model. ARG
 * names the parameter. */
llmcs_status ll_generate_params_read(const llmcs_model *model, const llmcs_generate_params *params,
                                     llmcs_generate_params *out);

/* Reads the parameters and derives the fields that depend on them and the model. */
llmcs_status ll_generation_init(ll_generation *g, llmcs_model *model, const llmcs_generate_params *params);
/* Converts source_lang and target_lang to ids of the parameters. is_text: the prompt is text, which is encoded with
 * ll_generation_languages. ARG for a language that the model does not know or cannot use, and for a missing target
 * language where one is required. */
llmcs_status ll_generation_use_languages(ll_generation *g, bool is_text);
ll_languages ll_generation_languages(const ll_generation *g);
/* ARG if a callback is given and there are several sequences. */
llmcs_status ll_generation_check_callback(const ll_generation *g, bool wanted);
/* Encodes the prompt. *ids is allocated and belongs to the caller, on failure too. An empty prompt becomes the BOS
 * token, as in Transformers. CONTEXT_FULL, without encoding, for a text that cannot fit into n_ctx tokens. */
llmcs_status ll_generation_encode_prompt(const ll_generation *g, const char *prompt, size_t prompt_bytes, size_t n_ctx,
                                         int32_t **ids, size_t *n_ids);
/* The minimum number of new tokens before EOS, after a prompt of n_prompt tokens. */
size_t ll_generation_min_new(const llmcs_generate_params *p, size_t n_prompt);
/* Checks the prompt and computes the number of tokens and sequences. For an encoder-decoder the prompt becomes the
 * source, and the decoder's first tokens become the prompt. ARG CONTEXT_FULL TOKEN_RANGE. */
llmcs_status ll_generation_prepare(ll_generation *g, size_t n_ctx);
/* Allocates the completions, without a sampler workspace. */
llmcs_status ll_generation_alloc(ll_generation *g);
void ll_generation_free(ll_generation *g);
/* Most bytes that a generation allocates per beam or completion, with prompt and answer of n_tokens, without the text
 * stream and top_logprobs. */
uint64_t ll_generation_bytes(size_t n_tokens, size_t n_eos);
/* Number of sequences evaluated together. With guidance the second half belongs to the negative prompt. */
static inline size_t ll_generation_n_seqs(const ll_generation *g) {
    return g->beams ? (size_t)g->params.num_beams : g->completion_capacity * (g->guided ? 2 : 1);
}
/* Tokens of the caller's prompt: of the source, if there is one. */
static inline size_t ll_generation_n_prompt_tokens(const ll_generation *g) {
    return g->source.n_ids ? g->source.n_ids : g->n_prompt;
}
/* The negative prompt; by default the prompt's last token, as in Transformers. */
static inline llmcs_ids ll_generation_negative(const ll_generation *g) {
    const llmcs_ids given = g->params.negative_prompt_ids;
    return given.n_ids ? given : (llmcs_ids){g->prompt + g->n_prompt - 1, 1};
}
/* Tokens before the answer in the longest sequence. */
static inline size_t ll_generation_longest_prompt(const ll_generation *g) {
    return g->guided ? ll_max(g->n_prompt, ll_generation_negative(g).n_ids) : g->n_prompt;
}
/* True if max_time is over: the token just sampled is the last. */
bool ll_generation_is_late(const ll_generation *g);
/* g->start_ns + params.deadline_ms, on ll_now_ns's clock; 0: no deadline. */
uint64_t ll_generation_deadline_ns(const ll_generation *g);

/* Sets the workspace that sampling uses. Two generations must not use one workspace at the same time. */
void ll_generation_set_workspace(ll_generation *g, ll_sampler_workspace *workspace);

/* Applies the processors to the workspace's scores. */
void ll_generation_process(ll_generation *g, const int32_t *ids, size_t n_ids, size_t n_new);

/* Restricts the workspace's scores to the tokens that the grammar allows in state `at`, after n_new tokens. */
llmcs_status ll_generation_restrict(ll_generation *g, ll_grammar_state at, size_t n_new);

/* The same for a row [vocab] that is not scanned yet. */
llmcs_status ll_generation_restrict_row(ll_generation *g, ll_grammar_state at, size_t n_new, float *row);
/* *over: no token may follow. */
llmcs_status ll_generation_grammar_over(ll_generation *g, ll_grammar_state at, bool *over);

bool ll_generation_is_eos(const ll_generation *g, int32_t id);

/* ---- sampling and greedy search, independently for each completion */

/* The model's logits for one token, with their block maxima if the forward pass has found them. */
typedef struct ll_logits {
    const float *row;       /* [vocab] */
    const float *block_max; /* [ll_row_blocks(vocab)], NaN for a block with a logit that is not finite; or NULL */
    const float *negative;  /* [vocab] after the negative prompt, finite; NULL unless guided */
} ll_logits;

/* Loads the row into the workspace's scores; without guidance no block is changed. NUMERIC unless it is finite. */
llmcs_status ll_generation_load(ll_generation *g, ll_logits logits);
/* Samples the next token of completion `index`; EOS ends the completion. Different generations may sample concurrently.
 * NUMERIC. */
llmcs_status ll_completion_sample(ll_generation *g, size_t index, ll_logits logits);
/* Emits the text of the token just sampled and calls the callbacks. A stop string, a callback or max_new ends the
 * completion. */
llmcs_status ll_completion_emit(ll_generation *g, size_t index);
/* Emits the text that is still held back, after the last token. */
llmcs_status ll_completion_flush(ll_generation *g, size_t index);
void ll_completion_end(ll_completion *completion, llmcs_finish_reason reason);
/* The finish reason for CANCELLED or DEADLINE. */
llmcs_finish_reason ll_finish_reason_of(llmcs_status status);

/* ---- generate.c */

/* llmcs_generate_ids with a callback for the answer's text. At least one id. */
llmcs_status ll_generate_text(llmcs_session *session, const int32_t *ids, size_t n_ids,
                              const llmcs_generate_params *params, llmcs_text_fn on_text, void *user,
                              llmcs_result **result);

/* ---- prompt lookup */

/* Proposes up to `max` draft tokens: the tokens that followed an earlier occurrence of the completion's last few tokens
 * in prompt, answer or prompt_lookup_ids (Saxena 2023, "Prompt Lookup Decoding"). As in Transformers'
 * PromptLookupCandidateGenerator the longest match is used; of several, the latest that is followed by enough tokens.
 */
size_t ll_prompt_lookup(const ll_generation *g, const ll_completion *completion, int32_t *draft_ids, size_t max);
/* Most draft tokens of one step; 0: no prompt lookup. */
static inline size_t ll_prompt_lookup_max(const ll_generation *g) {
    return g->beams || g->guided || g->completion_capacity > 1 ? 0 : (size_t)g->params.prompt_lookup_num_tokens;
}
/* Most draft tokens of the next step: fewer than the tokens that are left to sample. */
static inline size_t ll_prompt_lookup_limit(const ll_generation *g, const ll_completion *completion) {
    return ll_min(ll_prompt_lookup_max(g), g->max_new - completion->n_new - 1);
}

/* ---- beam search: completions are filled at its end */

typedef struct ll_beam_search {
    ll_beams *groups; /* [n_groups] of equally many beams; a group without running beams has ended */
    size_t n_groups;
    size_t n_new;      /* tokens of every running beam */
    size_t n_running;  /* running beams of all groups, the first group's first; before the first step 1: the prompt */
    int32_t *taken;    /* [num_beams] tokens that groups have chosen so far in this step */
    llmcs_ids *held;   /* [num_beams] tokens of each running beam, prompt included; set before a step */
    size_t *parents;   /* [num_beams] after a step: the beam that each running beam continues */
    int32_t *next_ids; /* [num_beams] after a step: its new token */
    ll_grammar_state *grammar, *next_grammar; /* [num_beams] of the running beams; of the next step's */
    int32_t *path;                            /* [max_new] tokens of one hypothesis */
} ll_beam_search;

llmcs_status ll_beam_search_init(ll_generation *g, ll_beam_search *search);
void ll_beam_search_free(ll_generation *g, ll_beam_search *search);
/* One step from the logits [n_running, vocab] of the running beams: either *over, or n_running beams continue. On
 * CANCELLED or DEADLINE from check_stop nothing has changed. */
llmcs_status ll_beam_search_step(ll_generation *g, ll_beam_search *search, ll_logits logits, bool *over);
/* Ends the search early, with the hypotheses so far and the running beams. */
void ll_beam_search_interrupt(ll_beam_search *search);
/* Converts hypotheses to completions. interrupted: the finish reason of interrupted ones. */
llmcs_status ll_beam_search_finish(ll_generation *g, ll_beam_search *search, llmcs_finish_reason interrupted);

/* Copies the completions into the caller's result. */
llmcs_status ll_result_create(const ll_generation *g, llmcs_result **result);

#endif
