/*
 * Requests for an engine, and what customers see of it. The program makes the engine's steps itself, and looks at the
 * clock once a step: no thread of its own takes the cores from those that work.
 */
#ifndef LLMCS_BENCH_SERVE_H
#define LLMCS_BENCH_SERVE_H

#include "e2e.h"

typedef struct serve_times {
    double *ms; /* [n] */
    size_t n, capacity;
} serve_times;

void serve_times_add(serve_times *t, double ms);
/* Sorts. The time that a share q does not exceed; 0 without any. */
double serve_quantile(serve_times *t, double q);

typedef struct serve_talk {
    llmcs_request *request;
    uint64_t due_ns, last_ns; /* when the customer came; the last token, 0: none yet */
    struct serve_talk *next;
} serve_talk;

/* What one step did. */
typedef struct serve_step {
    bool progressed;
    double seconds; /* what was done with its news included */
    uint64_t n_new, step_ns, forward_ns, sample_ns;
} serve_step;

typedef struct serve {
    subject *s;
    llmcs_engine *engine;
    llmcs_engine_stats stats; /* after the last step */
    uint64_t random;
    size_t n_blocks; /* of keys and values, the most there were in use at a step's end */
    /* Since serve_reset: */
    serve_talk *talks;
    size_t n_talks, n_speaking; /* not ended; of these, with a first token */
    size_t n_new, n_ended;
    double longest_ms; /* from a token to the next one of its request */
    serve_times first_ms, token_ms;
} serve;

/* What is requested. */
typedef struct serve_ask {
    const int32_t *ids; /* NULL: random ones */
    size_t n_prompt, n_new;
    uint64_t due_ns; /* 0: now */
    int lookup;      /* prompt_lookup_num_tokens */
    bool sampled;    /* as shops do it: temperature, top_k, top_p, repetition_penalty; else greedy */
} serve_ask;

/* An engine for `most` conversations of `tokens` each. 0, or 1 after saying what failed; so all below. */
int serve_open(serve *v, subject *s, size_t most, size_t tokens);
void serve_close(serve *v);
/* Drops all requests, and forgets what was measured. */
int serve_reset(serve *v);
int serve_submit(serve *v, const serve_ask *ask);
int serve_work(serve *v, serve_step *step);
int serve_until_ended(serve *v); /* all requests */

/* Lengths from the distribution requested; fixed where none is and `usual` says so. */
serve_ask serve_draw(serve *v, bench_distribution usual);
double serve_uniform(serve *v); /* in [0, 1) */
void serve_fill(serve *v, int32_t *ids, size_t n);

/* `batch` conversations, with answers as long as it takes, until all have begun and have new_tokens more. */
typedef struct serve_decoding {
    double seconds;            /* of a step while no prompt was progressed */
    double overhead, sampling; /* shares of these steps: what was not the network's; of that, sampling tokens */
} serve_decoding;
int serve_decode(serve *v, size_t batch, bool sampled, serve_decoding *out);

/* `batch` conversations run all the time, a new one for each that ends. What counts begins when as many have ended, so
 * that all are at different places, and lasts until as many again have. */
typedef struct serve_closed {
    double tokens_per_s, requests_per_s;
} serve_closed;
int serve_closed_loop(serve *v, size_t batch, bench_distribution usual, serve_closed *out);

/* One figure from its values of several turns, which are sorted. */
void serve_report(const serve *v, const bench_row *row, double *values, size_t n);
void serve_report_times(const serve *v, const bench_row *row, serve_times *times);

int serve_open_loop(serve *v, size_t batch);
int serve_shop_text(serve *v);
int serve_long_prompt(serve *v);
int serve_lookup(serve *v);

#endif
