/*
 * Inside the engine: many requests over one model, evaluated together in steps (continuous batching).
 *
 * In each step engine_schedule.c admits requests and selects the rows to evaluate; engine_step.c runs the forward pass,
 * samples the next tokens and publishes them. request.c has the public calls on one request, engine_events.c waits for
 * events of all requests, engine.c creates, stops and frees an engine.
 *
 * Ownership. The nested struct a field is in says which thread may touch it:
 *
 * - At the top of a struct: immutable. Set before a second thread can see the struct.
 * - sched: only the scheduler thread, so it needs no lock. The scheduler thread is the engine's own or, with
 *   LLMCS_ENGINE_NO_THREAD, the one caller that runs a step (shared.stepping).
 * - shared: any thread that holds the engine's shared.mutex. Nothing is computed while it is held.
 * - reader (of a request): the thread that calls llmcs_request_read.
 *
 * The thread that submits a request fills all of it, and the queue hands `sched` to the scheduler thread. Once
 * shared.phase is FINISHED, sched.gen and the outcome do not change any more, and every thread may read them.
 */
#ifndef LL_RUNTIME_ENGINE_H
#define LL_RUNTIME_ENGINE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/arena.h"
#include "runtime/engine/prefix.h"
#include "runtime/generate/generation.h"

/* One sequence of a request: a sampled completion or a live beam. */
typedef struct ll_seq_state {
    ll_sequence kv; /* tokens and blocks; kv.n_tokens of them are evaluated */
    size_t n_known; /* tokens known, the next ones to evaluate included */
    bool computed;  /* some tokens were evaluated for this request; false: all came from the prefix cache */
} ll_seq_state;

typedef enum ll_request_phase { LL_REQUEST_WAITING, LL_REQUEST_RUNNING, LL_REQUEST_FINISHED } ll_request_phase;

struct llmcs_request {
    uint32_t magic;
    pid_t owner;
    llmcs_engine *engine;
    llmcs_model *model;
    llmcs_allocator allocator;
    ll_arena arena;   /* copies of what the parameters point to */
    int32_t priority; /* higher ones first */
    uint64_t submitted_ns, deadline_ns;
    void *user;
    llmcs_grammar *grammar; /* a reference, or NULL */
    size_t n_seqs;
    const int32_t *new_ids; /* of the first completion; readable up to shared.n_ids, as its log-probabilities are */
    const float *new_logprobs;
    const llmcs_top_token *new_top; /* n_top of each */
    size_t n_top;
    bool single;  /* one sequence: its text can be read while it grows */
    bool streams; /* its text is decoded by the scheduler thread, for stop strings or a callback */

    atomic_bool cancel; /* any thread, and signal handlers */

    struct {
        ll_generation gen;
        ll_beam_search beams;
        ll_seq_state *seqs; /* [n_seqs] completion i is sequence i; beams use the first n_beams */
        ll_sequence source; /* encoder-decoders: the source that all sequences attend to. Its ids are gen.source;
                               n_tokens is 0 until it is encoded, and again after a preemption */
        ll_sequence *spare; /* [n_seqs] for building reordered beams */
        size_t n_beams;     /* live beams */
        bool admitted;      /* it has been in a step */
        bool prefilled;     /* the prompt is evaluated, the first tokens are sampled */
        bool ended;         /* no more tokens are sampled; blocks are freed after the forward pass */
        bool beams_done;
        int32_t *draft_ids; /* [prompt_lookup_num_tokens] draft tokens of this step */
        size_t n_accepted;  /* how many of them were accepted */
        size_t n_counted;   /* new tokens already in the statistics */
        uint64_t last_token_ns;
        llmcs_request *next_running;
        llmcs_status status; /* the outcome */
        char message[256];   /* of a failure */
        uint64_t finished_ns;
    } sched;

    struct {
        uint64_t number;     /* in order of submission */
        unsigned references; /* the engine's (until the request is finished) and the caller's */
        ll_request_phase phase;
        size_t n_ids;      /* tokens that may be read */
        size_t text_bytes; /* bytes of their text that may be read; SIZE_MAX: all */
        pthread_cond_t finished;
        llmcs_request *next, *previous; /* in the queue */
        llmcs_request *next_event, *previous_event;
        bool has_event;
        bool detached; /* the caller has freed its handle: no more callbacks or events */
    } shared;

    struct {
        llmcs_decoder *decoder;
        size_t n_ids, n_bytes; /* decoded, read so far */
        const char *piece;     /* [piece_bytes] the decoder's last piece, not yet in `text` */
        size_t piece_bytes;
        char *text; /* [begin, end) is decoded and not read yet */
        size_t begin, end, capacity;
        bool drained;
    } reader;
};

/* What one request does in a step. A request that prefills several sequences is scheduled once for each. */
typedef struct ll_scheduled {
    llmcs_request *request;
    size_t first_logits; /* row of the step's logits */
    size_t n_logits;     /* 0: the prompt is not evaluated to its end yet */
    size_t n_draft_tokens;
    llmcs_status status; /* of sampling */
} ll_scheduled;

/* Sources that are encoded together. */
typedef struct ll_source_batch {
    size_t n_rows, n_sources;
    size_t n_done, end;    /* parts (ll_net_source_parts) that are evaluated, and up to where this step goes on */
    int32_t *ids;          /* [n_rows] */
    ll_segment *segments;  /* [n_sources] */
    ll_sequence **sources; /* [n_sources] whose rows they are */
    float *residual;       /* [n_rows, n_embd] between two steps; NULL: all parts are evaluated in one step */
} ll_source_batch;

typedef struct ll_step_counts {
    size_t rows, segments, logit_rows, scheduled, prompt_rows;
    size_t source_rows;  /* for the statistics: the steps that evaluate a source's parts count each row once together */
    size_t encoded_rows; /* rows of sources of which this step evaluates some parts */
    double source_work;  /* the same rows, each by the share of its parts that this step evaluates */
    size_t ended;        /* requests that were cancelled or past their deadline before the forward pass */
} ll_step_counts;

/* What a step may still spend on prompts and sources together: so many tokens of one kind, or of the other. */
typedef struct ll_step_budget {
    size_t prompts, sources;
} ll_step_budget;

/* The batch of one step. Arrays have the capacity that max_batch and max_chunk need. */
typedef struct ll_step {
    ll_step_counts n;
    uint64_t began_ns;
    int32_t *ids;            /* [n.rows] */
    ll_segment *segments;    /* [n.segments] */
    ll_seq_state **seqs;     /* [n.segments] the sequence of each segment */
    uint32_t *logit_rows;    /* [n.logit_rows] */
    ll_source_batch sources; /* short ones, which are encoded whole before the rows are evaluated */
    float *logits;           /* [n.logit_rows, vocab_size] */
    float *block_max;        /* [n.logit_rows, ll_row_blocks(vocab_size)] */
    ll_scheduled *scheduled; /* [n.scheduled] */
} ll_step;

struct llmcs_engine {
    uint32_t magic;
    pid_t owner;
    llmcs_allocator allocator;
    llmcs_model *model;
    llmcs_engine_options options; /* complete and checked */
    size_t n_ctx;
    bool threaded;
    pthread_t thread;
    int event_fd;

    atomic_bool abort_forward; /* read between layers */
    atomic_bool any_cancelled; /* a request was cancelled since the last walk through the queue */

    struct {
        ll_kv kv;
        ll_prefix_tree prefix;
        llmcs_request *running; /* by priority, then by age */
        size_t n_seqs;          /* of all running requests: at most max_batch */
        ll_step step;
        ll_source_batch sources; /* long ones, or one: a few parts a step */
        float *workspace;
        ll_sampler_workspace *samplers; /* [n_samplers] one for each thread of the model's pool */
        size_t n_samplers;
        double prompt_row_ns; /* estimate: evaluating one prompt token */
        double source_row_ns; /* estimate: encoding one token of a source */
        double step_ns;       /* estimate: a step without prompts */
    } sched;

    struct {
        pthread_mutex_t mutex;
        pthread_cond_t work;    /* for the engine's thread: a request was submitted */
        pthread_cond_t event;   /* for llmcs_engine_next, and without a thread for every waiter */
        bool stopping, stopped; /* no new step begins; all requests are finished */
        bool freeing, stepping;
        size_t n_callers;  /* threads inside a call that has no request: llmcs_engine_free waits for them */
        size_t references; /* the handle's and every request's */
        uint64_t next_number;
        llmcs_request *queue, *queue_end; /* waiting, by priority, then by age */
        size_t n_queued, n_unfinished;
        uint64_t next_deadline_ns; /* the earliest deadline in the queue, or earlier */
        size_t n_event_waiters;
        llmcs_request *calling; /* the request whose callbacks are running, on the thread `caller` */
        pthread_t caller;
        llmcs_request *events, *events_end;
        llmcs_engine_stats stats;
    } shared;
};

/* Encoder-decoders have no prefix cache: keys and values of the same tokens depend on the source. */
static inline bool ll_engine_caches_prefixes(const llmcs_engine *e) {
    return !(e->options.flags & LLMCS_ENGINE_NO_PREFIX_CACHE) && !e->model->net->has_source;
}

/* ---- engine_memory.c */

/* Fills in the defaults and checks the options. ARG. */
llmcs_status ll_engine_options_read(const llmcs_engine_options *options, size_t model_n_ctx, const ll_net *net,
                                    llmcs_engine_options *out);
/* Bytes of an engine with these options, and its blocks of keys and values. LIMIT. */
llmcs_status ll_engine_bytes(const ll_net *net, const llmcs_engine_options *o, size_t n_threads, uint64_t *bytes,
                             uint64_t *n_blocks);
/* Most bytes that a request of n_tokens tokens allocates per sequence, without its text stream. */
uint64_t ll_request_bytes(const ll_net *net, size_t n_tokens, size_t n_eos);
/* Allocates the memory for steps. After a failure call ll_engine_free_memory, too. */
llmcs_status ll_engine_alloc(llmcs_engine *e);
void ll_engine_free_memory(llmcs_engine *e);

/* ---- engine.c */

/* Enters a call on the engine: llmcs_engine_free waits until it leaves. when_stopped: also if the engine was stopped.
 * ARG, STATE (freed, being freed, or stopped), FORK: not entered. */
llmcs_status ll_engine_enter(llmcs_engine *e, bool when_stopped);
void ll_engine_leave(llmcs_engine *e);

void ll_engine_destroy(llmcs_engine *e); /* when no reference is left */
/* Adds the request to the queue, or removes it; under the mutex. */
void ll_engine_enqueue(llmcs_engine *e, llmcs_request *r);
void ll_engine_dequeue(llmcs_engine *e, llmcs_request *r);
/* Moves next_deadline_ns to this request's deadline if that is earlier; under the mutex. */
static inline void ll_engine_note_deadline(llmcs_engine *e, const llmcs_request *r) {
    if (r->deadline_ns) e->shared.next_deadline_ns = ll_min(e->shared.next_deadline_ns, r->deadline_ns);
}
/* The time timeout_ms from now, on ll_now_ns's clock; UINT64_MAX: never. */
uint64_t ll_engine_until(double timeout_ms);
/* Without an engine thread, runs a step on a waiting caller. Called under the mutex, which is released for the step.
 * False: there is a thread, another caller is running a step, or there was nothing to do. */
bool ll_engine_try_step(llmcs_engine *e);

/* ---- engine_schedule.c */

/* Ends requests that are cancelled or past their deadline, and selects the rows of the next step. */
void ll_engine_schedule(llmcs_engine *e);
/* Frees the blocks of a request's sequences; the prefix cache keeps its references. */
void ll_engine_free_blocks(llmcs_engine *e, llmcs_request *r);
void ll_engine_unlink(llmcs_engine *e, llmcs_request *r); /* from the running ones */
/* True if a is scheduled before b. */
bool ll_request_before(const llmcs_request *a, const llmcs_request *b);
/* True if this sequence gets further tokens. Before the prompt is evaluated only sequence 0 does. */
bool ll_request_is_live(const llmcs_request *r, size_t seq);
/* CANCELLED or DEADLINE if the request must stop now, else OK. */
llmcs_status ll_request_stop_reason(const llmcs_request *r, uint64_t now_ns);

/* ---- engine_source.c */

/* Is there a source that is not encoded, or not any more? */
static inline bool ll_request_needs_source(const llmcs_request *r) {
    return r->sched.source.n_tokens < r->sched.gen.source.n_ids;
}
void ll_sources_begin_step(llmcs_engine *e);
/* Can the request's source be added to those that are encoded? False: it waits for a later step. budget: rows that this
 * step may still encode whole. */
bool ll_sources_fits(const llmcs_engine *e, const llmcs_request *r, size_t budget);
/* Adds a source that fits and has its blocks. Returns how many rows of the budget it takes. */
size_t ll_sources_add(llmcs_engine *e, llmcs_request *r, size_t budget);
/* Is the source among those that are encoded in parts? */
bool ll_sources_has(const llmcs_engine *e, const llmcs_request *r);
/* Decides how many parts this step evaluates, with what is left of the budget. */
void ll_sources_plan(llmcs_engine *e, size_t budget);
/* The source's blocks are to be freed: its rows are removed, and those behind them move up. Not during a forward pass.
 */
void ll_sources_drop(llmcs_engine *e, const ll_sequence *source);
/* Evaluates this step's parts. */
llmcs_status ll_sources_forward(llmcs_engine *e, bool (*should_stop)(void *engine));

/* ---- engine_step.c */

/* Runs one step. False: there was nothing to do. */
bool ll_engine_step(llmcs_engine *e);
/* Finishes a request with the tokens it has: status OK, or the reason why it has no result. Scheduler thread. */
void ll_engine_end(llmcs_engine *e, llmcs_request *r, llmcs_status status, llmcs_finish_reason reason);
/* Frees a finished request's blocks and the engine's reference to it. Not during a forward pass. */
void ll_engine_release(llmcs_engine *e, llmcs_request *r);

/* ---- request.c */

static inline bool ll_has_callbacks(const ll_generation *gen) { return gen->on_text || gen->on_token; }
/* Removes a reference. Under the mutex, which it unlocks; may free the request and the engine. */
void ll_request_unref(llmcs_request *r);

/* ---- engine_events.c */

void ll_request_add_event(llmcs_engine *e, llmcs_request *r);
void ll_request_drop_event(llmcs_engine *e, llmcs_request *r);
/* Makes the descriptor permanently readable, once the engine has stopped. Under the mutex. */
void ll_engine_stay_readable(llmcs_engine *e);

/* ---- histogram.c */

void ll_histogram_add(llmcs_histogram *h, uint64_t ns);

#endif
