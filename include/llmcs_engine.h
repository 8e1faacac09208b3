/*
 * llmcs_engine.h - the part of llmcs.h for services: many conversations at once. llmcs.h includes it.
 *
 * An engine runs many requests over one model by continuous batching: requests join and leave between steps, long
 * prompts are evaluated in chunks so that other streams continue, and prompts with a common prefix (a system prompt, an
 * FAQ, the conversation so far) share its keys and values. Each request gets the result it would get alone, to the bit.
 *
 *     llmcs_engine *engine = NULL;
 *     llmcs_engine_create(model, NULL, &engine);
 *     llmcs_request *request = NULL;
 *     llmcs_engine_submit(engine, "Where is my parcel?", LLMCS_NUL, NULL, NULL, &request);
 *     llmcs_result *result = NULL;
 *     if (!llmcs_request_wait(request, -1, &result)) puts(result->sequences[0]->text);
 *     llmcs_result_free(&result);
 *     llmcs_request_free(&request);
 *     llmcs_engine_free(&engine);
 *
 * A thread per request calls llmcs_request_wait; an event loop polls llmcs_engine_fd, then calls llmcs_engine_next and
 * llmcs_request_read, or llmcs_request_tokens for ids and log-probabilities. Every engine function may be called from
 * any thread; a request is used by one thread at a time, except llmcs_request_cancel. Steps run on the engine's
 * scheduler thread, or with LLMCS_ENGINE_NO_THREAD on the thread that waits or calls llmcs_engine_step.
 */
#include "llmcs.h" /* which includes this file at its end, whichever of the two comes first */

#ifndef LLMCS_ENGINE_H
#define LLMCS_ENGINE_H

#ifdef __cplusplus
extern "C" {
#endif

typedef struct llmcs_engine llmcs_engine;
typedef struct llmcs_request llmcs_request;

/* Flags of llmcs_engine_options. */
#define LLMCS_ENGINE_NO_THREAD 0x1u       /* start no thread: the caller runs the steps */
#define LLMCS_ENGINE_NO_PREFIX_CACHE 0x2u /* share nothing between requests */

typedef struct llmcs_engine_options {
    size_t struct_size;
    uint64_t kv_bytes; /* [0] memory for keys and values, allocated at create; 0: eight sequences of n_ctx, at most
                          8,192 tokens, or one sequence if that is more */
    int32_t n_ctx;     /* [0] most tokens in one sequence, prompt and answer; 0: the model's, at most
                          LLMCS_DEFAULT_N_CTX */
    int32_t max_batch; /* [64] sequences that get a token in one step; 1 to 4096 */
    int32_t max_queue; /* [1024] requests that may wait; more get LLMCS_QUEUE_FULL */
    int32_t max_chunk; /* [256] most prompt tokens in one step; 16 to 4096 */
    double step_ms;    /* [0] while streams run, prompt chunks are as large as a step of this length allows, judged by
                          earlier steps; 0: 2.25 times a step without prompts; infinity: always max_chunk */
    uint32_t flags;    /* [0] LLMCS_ENGINE_* */
} llmcs_engine_options;

LLMCS_API void llmcs_engine_options_init_sized(llmcs_engine_options *options, size_t struct_size);
#define llmcs_engine_options_init(options) llmcs_engine_options_init_sized((options), sizeof *(options))

/* Allocates all memory that steps need and adds a reference to the model. options: NULL for the defaults.
 * Errors: ARG NOMEM LIMIT STATE NO_HEAD (not a decoder) THREAD FORK. */
LLMCS_API llmcs_status llmcs_engine_create(llmcs_model *model, const llmcs_engine_options *options,
                                           llmcs_engine **engine);

/* Stops the engine: every unfinished request ends with LLMCS_FINISH_CANCELLED and its text so far, or with
 * LLMCS_CANCELLED if it has none. From now on llmcs_engine_next reports the remaining events and then returns
 * LLMCS_STATE without waiting, also to threads that are waiting in it; the descriptor of llmcs_engine_fd stays
 * readable; llmcs_engine_submit and llmcs_engine_step return LLMCS_STATE. Requests can still be waited for, read and
 * freed. So threads that loop over llmcs_engine_next end by themselves, and once they are joined it is safe to free the
 * engine:
 *
 *     llmcs_engine_stop(engine);
 *     (join the threads that use the engine)
 *     llmcs_engine_free(&engine);
 *
 * Stopping it again does nothing. Errors: ARG FORK STATE (called from a callback of the engine, which then keeps
 * running; or freed). */
LLMCS_API llmcs_status llmcs_engine_stop(llmcs_engine *engine);

/* Ends every unfinished request with LLMCS_FINISH_CANCELLED and its text so far, or with LLMCS_CANCELLED if it has
 * none; their handles stay valid until they are freed. Waits for threads inside calls of this engine, which return
 * LLMCS_STATE; no new call of it may begin. Does nothing if called from one of its callbacks. */
LLMCS_API void llmcs_engine_free(llmcs_engine **engine);

typedef struct llmcs_submit_options {
    size_t struct_size;
    int32_t priority;        /* [0] higher first; equal ones in order of submission */
    llmcs_text_fn on_text;   /* [NULL] called with each piece of text on the thread that runs steps, see llmcs_generate.
                                It delays everyone's next step and must not wait for requests; without it use
                                llmcs_request_read */
    llmcs_token_fn on_token; /* [NULL] the same with ids */
    void *user;              /* for both callbacks and llmcs_engine_event */
} llmcs_submit_options;

LLMCS_API void llmcs_submit_options_init_sized(llmcs_submit_options *options, size_t struct_size);
#define llmcs_submit_options_init(options) llmcs_submit_options_init_sized((options), sizeof *(options))

/* Queues a request and returns at once. *request is set before any callback runs. params: as for llmcs_generate,
 * copied; deadline_ms counts from here. All memory of the request is allocated here. Errors: as llmcs_generate, LIMIT
 * (would never fit kv_bytes or max_batch) QUEUE_FULL STATE (the engine was stopped or is being freed). */
LLMCS_API llmcs_status llmcs_engine_submit(llmcs_engine *engine, const char *prompt, size_t prompt_bytes,
                                           const llmcs_generate_params *params, const llmcs_submit_options *options,
                                           llmcs_request **request);

/* The same from token ids; at least one. Errors: as llmcs_engine_submit, and TOKEN_RANGE. */
LLMCS_API llmcs_status llmcs_engine_submit_ids(llmcs_engine *engine, const int32_t *ids, size_t n_ids,
                                               const llmcs_generate_params *params, const llmcs_submit_options *options,
                                               llmcs_request **request);

/* From any thread or signal handler: the request ends with its text so far, within one layer of the model. */
LLMCS_API void llmcs_request_cancel(llmcs_request *request);

/* Waits until the request is finished, at most timeout_ms (negative: no limit; 0: returns at once), and returns its
 * result, each time a new one. Errors: PENDING (not finished) ARG NOMEM FORK, and the request's own failure: NUMERIC,
 * or CANCELLED or DEADLINE before its first token. */
LLMCS_API llmcs_status llmcs_request_wait(llmcs_request *request, double timeout_ms, llmcs_result **result);

/* Text that arrived since the last call, as much as `capacity` bytes hold, cut between characters; with text NULL,
 * *n_bytes is how much can be read. *finished (may be NULL) is 1 when no more will come. Never waits. Only with one
 * sequence and num_beams = 1. Errors: ARG NOMEM FORK STATE (several sequences) TOKENIZER BUFFER (capacity is smaller
 * than the next character, whose size is *n_bytes). */
LLMCS_API llmcs_status llmcs_request_read(llmcs_request *request, char *text, size_t capacity, size_t *n_bytes,
                                          int *finished);

/* New tokens of a request, from number `first` on: those that have been sampled, at most `capacity`. Fills ids
 * [capacity], with params.logprobs logprobs [capacity], with params.top_logprobs top_logprobs [capacity,
 * params.top_logprobs]; each may be NULL. *n_tokens: how many. A loop that streams an answer reads them like this:
 *
 *     int32_t id;
 *     float logprob;
 *     while (!llmcs_request_tokens(request, n_seen, 1, &id, &logprob, NULL, &n) && n) {
 *         printf("%d %g\n", (int)id, logprob);
 *         n_seen++;
 *     }
 *
 * EOS is not among them; the tokens of a stop string are, though text ends before it. Never waits. Only with one
 * sequence and num_beams = 1. Errors: ARG (also an array that params did not ask for) FORK STATE (several sequences).
 */
LLMCS_API llmcs_status llmcs_request_tokens(llmcs_request *request, size_t first, size_t capacity, int32_t *ids,
                                            float *logprobs, llmcs_top_token *top_logprobs, size_t *n_tokens);

/* Cancels the request if it is not finished, and frees the handle. When this returns, none of its callbacks is running
 * (except the one that called it) and none will be called. */
LLMCS_API void llmcs_request_free(llmcs_request **request);

typedef struct llmcs_engine_event {
    size_t struct_size;
    llmcs_request *request;
    void *user;   /* llmcs_submit_options.user */
    int finished; /* 1: this is the request's last event */
} llmcs_engine_event;

/* For event loops: a descriptor (Linux eventfd) that is readable while llmcs_engine_next has an event. Do not read from
 * it; only select, poll or epoll. Lives as long as the engine. Never fails. */
LLMCS_API int llmcs_engine_fd(const llmcs_engine *engine);

/* The next request with an event; several events of one request are reported once. Set event->struct_size first.
 * timeout_ms: as llmcs_request_wait. Errors: PENDING (no event) ARG FORK STATE (the engine was stopped and no event is
 * left, or is being freed). */
LLMCS_API llmcs_status llmcs_engine_next(llmcs_engine *engine, double timeout_ms, llmcs_engine_event *event);

/* With LLMCS_ENGINE_NO_THREAD: runs one step on this thread. *progressed is 0 if there was nothing to do. Errors: ARG
 * FORK STATE (the engine has a thread) BUSY (another thread is running a step). */
LLMCS_API llmcs_status llmcs_engine_step(llmcs_engine *engine, int *progressed);

/* Durations in buckets of a quarter octave: counts[i] counts those below 0.01 * 2^((i + 1) / 4) ms and not below the
 * bucket before; the last bucket counts all longer ones. Frozen. */
#define LLMCS_HISTOGRAM_BUCKETS 104
typedef struct llmcs_histogram {
    uint64_t counts[LLMCS_HISTOGRAM_BUCKETS];
    uint64_t n;
    double sum_ms;
    double max_ms;
} llmcs_histogram;

/* The q-quantile (0.5: the median) as precisely as the buckets allow; 0 for an empty histogram. */
LLMCS_API double llmcs_histogram_quantile(const llmcs_histogram *histogram, double q);

/* Counters since the engine was created, and its current state. */
typedef struct llmcs_engine_stats {
    size_t struct_size;
    uint64_t n_submitted, n_refused; /* requests accepted; refused with QUEUE_FULL */
    uint64_t n_finished;             /* EOS, length, stop string, callback */
    uint64_t n_cancelled, n_deadline, n_failed;
    uint64_t n_waiting, n_running;    /* now */
    uint64_t n_steps;                 /* forward passes */
    uint64_t n_rows;                  /* tokens evaluated in them */
    uint64_t n_prompt_tokens;         /* of all requests that started */
    uint64_t n_cached_tokens;         /* prompt tokens found in the prefix cache */
    uint64_t n_new_tokens;            /* generated */
    uint64_t n_draft_tokens;          /* proposed by prompt lookup */
    uint64_t n_accepted_tokens;       /* of those, accepted */
    uint64_t n_preempted;             /* times a request had to free its blocks and wait */
    uint64_t n_evicted_blocks;        /* evicted from the prefix cache */
    uint64_t n_blocks, n_used_blocks; /* blocks that fit into kv_bytes; in use by requests and prefix cache now */
    uint64_t n_cached_blocks;         /* in the prefix cache, shared with running requests or not */
    uint64_t step_ns;                 /* time spent in steps */
    uint64_t forward_ns, sample_ns;   /* parts of step_ns: in the network; in sampling, callbacks included */
    llmcs_histogram waiting_ms;       /* from submit to the first step */
    llmcs_histogram first_token_ms;   /* from submit to the first token */
    llmcs_histogram per_token_ms;     /* between tokens of one request */
} llmcs_engine_stats;

/* Set stats->struct_size = sizeof *stats first. Errors: ARG FORK STATE (the engine is being freed). */
LLMCS_API llmcs_status llmcs_engine_get_stats(llmcs_engine *engine, llmcs_engine_stats *stats);

/* ------------------------------------------------------------------------------------------- memory plan */
typedef struct llmcs_engine_plan_info {
    size_t struct_size;
    uint64_t engine_bytes;    /* allocated by llmcs_engine_create, keys and values included */
    uint64_t kv_block_tokens; /* keys and values are stored in blocks of this many tokens */
    uint64_t kv_block_bytes;  /* of this many bytes */
    uint64_t n_blocks;        /* blocks that fit into kv_bytes */
    uint64_t n_conversations; /* of n_tokens tokens each, prompt and answer, that fit at once without a common prefix */
    uint64_t request_bytes;   /* per beam or returned sequence of a request, at most; without blocks and parameters,
                                 and without params.top_logprobs: 8 bytes for each token and alternative */
} llmcs_engine_plan_info;

/* Computes how many conversations an engine will hold. The folder or GGUF file need not be open. Set plan->struct_size
 * = sizeof *plan first. Errors: as llmcs_plan, and NO_HEAD (not a decoder). */
LLMCS_API llmcs_status llmcs_engine_plan(const char *path, const llmcs_model_options *model_options,
                                         const llmcs_engine_options *engine_options, size_t n_tokens,
                                         llmcs_engine_plan_info *plan);
#ifdef __cplusplus
}
#endif
#endif
