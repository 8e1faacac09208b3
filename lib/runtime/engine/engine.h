/*
 * Inside the engine. Who may touch what:
 *
 * - the stepper (the engine's thread, or whoever makes a step) owns everything marked so, without a lock: no other
 *   thread looks at it;
 * - everything else that changes is under `lock`: the queue, what requests say of themselves, counters.
 *
 * One step: engine_schedule.c takes requests in and decides which rows are worked, engine_step.c works them, lets every
 * request choose, and publishes what became of it. request.c is a request as its caller sees it, engine.c the engine.
 */
#ifndef LL_RUNTIME_ENGINE_H
#define LL_RUNTIME_ENGINE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/arena.h"
#include "runtime/engine/prefix.h"
#include "runtime/generate/generation.h"

/* One sequence of a request: a completion's, or a running beam's. */
typedef struct ll_seq_state {
    ll_sequence held; /* what has been worked; its tokens go on, up to */
    size_t n_known;   /* this many */
    bool began;       /* some of it was worked, not only found */
} ll_seq_state;

typedef enum ll_request_phase { LL_REQUEST_WAITING, LL_REQUEST_RUNNING, LL_REQUEST_FINISHED } ll_request_phase;

struct llmcs_request {
    uint32_t magic;
    llmcs_engine *engine;
    pid_t owner;
    llmcs_allocator allocator;
    uint64_t number;  /* in the order of submission */
    int32_t priority; /* higher ones first */
    uint64_t deadline_ns;
    atomic_bool cancel;
    ll_arena arena; /* copies of what params point to, the prompt */

    /* The stepper's, once submitted. */
    ll_generation g;
    ll_beam_search beams;
    ll_seq_state *lines; /* [n_lines] those in use first for beams; completion i is line i */
    ll_sequence *spare;  /* [n_lines] where beams change places */
    size_t n_lines;
    size_t n_beams;     /* running beams, in lines 0.. */
    bool scheduled;     /* it was in a step */
    bool began;         /* the first tokens are chosen: every completion that goes on has a line */
    bool ended;         /* nothing more will be chosen; memory is given back after the pass */
    size_t n_right;     /* guesses of this step that were right */
    bool over;          /* beam search found its end in this step */
    int32_t *draft_ids; /* [prompt_lookup_num_tokens] */
    uint64_t submitted_ns, last_token_ns, finished_ns;
    size_t n_counted; /* new tokens that are in the counters */
    llmcs_request *next_running;

    /* Under the engine's lock. */
    unsigned references; /* the engine, until it is finished, and the caller */
    ll_request_phase phase;
    llmcs_status status; /* once finished */
    char message[256];
    size_t n_ids;      /* tokens to be read: completion 0's first ones */
    size_t text_bytes; /* bytes of their text to be read; SIZE_MAX: all that tokens give */
    size_t n_waiters;
    pthread_cond_t finished;
    llmcs_request *next, *previous; /* in the queue, in order */
    llmcs_request *next_event, *previous_event;
    bool has_event, deaf; /* deaf: the caller has freed it, nothing is told of it */

    /* The reader's: llmcs_request_read. */
    llmcs_decoder *decoder;
    size_t n_ids_read, n_bytes_read;
    const char *piece; /* of the decoder, [piece_bytes] not handed out yet */
    size_t piece_bytes;
    bool drained;
    void *user;
};

/* What one request does in a step. */
typedef struct ll_unit {
    llmcs_request *request;
    size_t first_logits; /* row of the step's logits; n_logits of them, 0: more of the prompt is to come */
    size_t n_logits, n_draft_tokens;
    llmcs_status status; /* of choosing */
} ll_unit;

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

    /* The stepper's. */
    ll_kv kv;
    ll_prefix_tree prefix;
    llmcs_request *running; /* in order */
    size_t n_lines;         /* of all that run: at most max_batch */
    float *workspace;
    float *logits;               /* [max_batch, vocab_size] */
    float *block_max;            /* [max_batch, ll_row_blocks(vocab_size)] */
    int32_t *ids;                /* [max_rows] */
    ll_segment *segments;        /* [max_rows] */
    ll_seq_state **run_lines;    /* [max_rows] whose they are */
    uint32_t *logit_rows;        /* [max_batch] */
    ll_sampler_workspace *rooms; /* [n_rooms] one for each thread of the model's pool */
    size_t n_rooms;
    ll_unit *units; /* [max_batch] */
    size_t max_rows, n_rows, n_segments, n_logit_rows, n_units;
    size_t n_prompt_rows; /* of this step */
    double prompt_row_ns; /* about what one costs */
    double step_ns;       /* about what a step without prompts costs */
    ll_fpenv host;
    uint64_t step_began_ns;

    pthread_mutex_t lock;
    pthread_cond_t work; /* for the engine's thread: something to do */
    pthread_cond_t news; /* for llmcs_engine_next, and without a thread for who waits: something happened */
    bool stopping, stepping;
    atomic_bool abort_pass; /* stopping, for who looks between layers */
    size_t references;      /* the handle and every request */
    uint64_t next_number;
    llmcs_request *queue, *queue_end; /* waiting, in order */
    size_t n_queue, n_unfinished;
    size_t n_news_waiters;
    llmcs_request *calling; /* whose callbacks are running, on the thread `caller` */
    pthread_t caller;
    llmcs_request *events, *events_end;
    llmcs_engine_stats stats;
};

/* engine.c. Options complete and checked; the memory of an engine with such. */
llmcs_status ll_engine_options_read(const llmcs_engine_options *options, size_t model_n_ctx, const ll_net *net,
                                    llmcs_engine_options *out);
llmcs_status ll_engine_bytes(const ll_net *net, const llmcs_engine_options *o, size_t n_threads, uint64_t *bytes,
                             uint64_t *n_blocks);
llmcs_status ll_engine_check(const llmcs_engine *e);
void ll_engine_destroy(llmcs_engine *e); /* the last reference is gone */
/* Enters a request that is about to wait again or for the first time; under the lock. */
void ll_engine_enqueue(llmcs_engine *e, llmcs_request *r);
void ll_engine_dequeue(llmcs_engine *e, llmcs_request *r);
/* When a time to wait is over, as ll_now_ns; UINT64_MAX: never. */
uint64_t ll_engine_until(double timeout_ms);
/* Under the lock, which it lets go for a while: without a thread, makes a step for who waits. False: nothing was done,
 * or somebody else is making one. */
bool ll_engine_help(llmcs_engine *e);

/* engine_schedule.c: what the next step works, into units and runs. False: there is nothing to do. */
bool ll_engine_schedule(llmcs_engine *e);
/* Gives back the blocks of a request's lines, kept in the prefix cache as far as they are good. */
void ll_engine_free_blocks(llmcs_engine *e, llmcs_request *r);
void ll_engine_unlink(llmcs_engine *e, llmcs_request *r); /* from those that run */
/* Do a's tokens come before b's? */
bool ll_request_before(const llmcs_request *a, const llmcs_request *b);
/* Lines that are in use: the prompt's, then every completion's that goes on, or the running beams'. */
bool ll_request_is_live(const llmcs_request *r, size_t line);
/* Cancelled, or past its deadline? */
bool ll_request_is_over(const llmcs_request *r, uint64_t now_ns, llmcs_status *why);

/* engine_step.c: one step; false: there was nothing to do. */
bool ll_engine_step(llmcs_engine *e);
/* Ends a request that is not finished yet with what it has: status OK, or why it has nothing. The stepper's. */
void ll_engine_end(llmcs_engine *e, llmcs_request *r, llmcs_status status, llmcs_finish_reason reason);
/* After the pass: gives back what an ended request holds, and forgets it. */
void ll_engine_release(llmcs_engine *e, llmcs_request *r);

/* request.c */
void ll_request_unref(
    llmcs_request *r); /* a reference, under the lock, which this unlocks; may free it and the engine */
void ll_request_add_event(llmcs_engine *e, llmcs_request *r);
void ll_request_drop_event(llmcs_engine *e, llmcs_request *r);

/* histogram.c */
void ll_histogram_add(llmcs_histogram *h, uint64_t ns);

#endif
