/* Submits requests, runs steps, and records times. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "serve.h"

#define SIGMA 0.6            /* of the logarithms of lengths */
#define DEFAULT_MAX_BATCH 64 /* as llmcs_engine_options_init has it */
#define LEAST_SECONDS 0.3    /* of a closed loop */

/* -------------------------------------------------------------------------------------------------- times */

void serve_times_add(serve_times *t, double ms) {
    if (t->n == t->capacity) {
        t->capacity = t->capacity ? 2 * t->capacity : 1024;
        t->ms = realloc(t->ms, t->capacity * sizeof *t->ms);
        if (!t->ms) {
            fprintf(stderr, "llmcs-bench: no memory for times\n");
            exit(1);
        }
    }
    t->ms[t->n++] = ms;
}

double serve_quantile(serve_times *t, double q) {
    if (!t->n) return 0;
    (void)bench_median(t->ms, t->n);
    const size_t at = (size_t)ceil(q * (double)t->n);
    return t->ms[at ? at - 1 : 0];
}

/* -------------------------------------------------------------------------------------------------- chance */

/* splitmix64 (Steele, Lea and Flood 2014). */
static uint64_t next_random(serve *v) {
    uint64_t x = v->random += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

double serve_uniform(serve *v) { return (double)(next_random(v) >> 11) * 0x1p-53; }

void serve_fill(serve *v, int32_t *ids, size_t n) {
    const uint64_t n_vocab = (uint64_t)v->s->info.vocab_size;
    for (size_t i = 0; i < n; i++) ids[i] = (int32_t)(next_random(v) % n_vocab);
}

static size_t draw_length(serve *v, int mean, int distribution, size_t most) {
    double n = mean;
    if (distribution == BENCH_UNIFORM) n = mean * (0.5 + serve_uniform(v));
    if (distribution == BENCH_LOGNORMAL) {
        const double radius = sqrt(-2 * log(1 - serve_uniform(v))); /* Box and Muller 1958 */
        n = mean * exp(SIGMA * radius * cos(6.283185307179586 * serve_uniform(v)) - SIGMA * SIGMA / 2);
    }
    const size_t whole = (size_t)lround(n);
    return whole < 1 ? 1 : whole > most ? most : whole;
}

serve_ask serve_draw(serve *v, bench_distribution usual) {
    const struct bench_serve_options *o = &v->s->b->options->serve;
    const int distribution = o->distribution == BENCH_AUTO ? (int)usual : o->distribution;
    const size_t n_ctx = (size_t)v->s->info.n_ctx;
    const size_t n_prompt = draw_length(v, o->prompt_tokens, distribution, n_ctx - 2);
    return (serve_ask){.n_prompt = n_prompt, .n_new = draw_length(v, o->new_tokens, distribution, n_ctx - n_prompt)};
}

/* -------------------------------------------------------------------------------------------------- engine */

int serve_open(serve *v, subject *s, size_t most, size_t tokens) {
    *v = (serve){.s = s, .random = 1};
    llmcs_engine_options options;
    llmcs_engine_options_init(&options);
    options.flags = LLMCS_ENGINE_NO_THREAD;
    options.max_queue = 1000000; /* no request is refused */
    options.max_batch = (int32_t)(most > DEFAULT_MAX_BATCH ? most : DEFAULT_MAX_BATCH);
    const double least = 8.0 * s->info.n_ctx, n = (double)most * (double)(tokens + 64);
    options.kv_bytes = (uint64_t)(e2e_context_bytes(s, n > least ? n : least));
    v->stats.struct_size = sizeof v->stats;
    if (llmcs_engine_create(s->model, &options, &v->engine)) return bench_failed("engine");
    return 0;
}

static void drop_talks(serve *v) {
    for (serve_talk *t; (t = v->talks);) {
        v->talks = t->next;
        llmcs_request_free(&t->request);
        free(t);
    }
    v->n_talks = v->n_speaking = 0;
}

void serve_close(serve *v) {
    drop_talks(v);
    llmcs_engine_free(&v->engine);
    free(v->first_ms.ms);
    free(v->token_ms.ms);
    *v = (serve){0};
}

int serve_reset(serve *v) {
    int progressed = 1;
    drop_talks(v);
    while (progressed)
        if (llmcs_engine_step(v->engine, &progressed)) return bench_failed("engine");
    if (llmcs_engine_get_stats(v->engine, &v->stats)) return bench_failed("engine");
    v->n_new = v->n_ended = 0;
    v->longest_ms = 0;
    return 0;
}

/* What a chat of a shop would ask for. */
static void sample_tokens(llmcs_generate_params *p, uint64_t seed) {
    p->do_sample = 1;
    p->temperature = 0.8f;
    p->top_k = 50;
    p->top_p = 0.95f;
    p->repetition_penalty = 1.1f;
    p->seed = seed;
}

int serve_submit(serve *v, const serve_ask *ask) {
    static const int32_t no_eos = 0;
    llmcs_generate_params p;
    llmcs_submit_options options;
    llmcs_generate_params_init(&p, NULL);
    llmcs_submit_options_init(&options);
    p.max_new_tokens = (int32_t)ask->n_new;
    p.eos_token_id = &no_eos; /* none of them */
    p.prompt_lookup_num_tokens = ask->lookup;
    if (ask->sampled) sample_tokens(&p, v->n_talks);
    serve_talk *t = bench_memory(sizeof *t);
    *t = (serve_talk){.due_ns = ask->due_ns ? ask->due_ns : ll_now_ns(), .next = v->talks};
    v->talks = t;
    v->n_talks++;
    options.user = t;
    int32_t *ids = bench_memory(ask->n_prompt * sizeof *ids);
    if (!ask->ids) serve_fill(v, ids, ask->n_prompt);
    const llmcs_status status =
        llmcs_engine_submit_ids(v->engine, ask->ids ? ask->ids : ids, ask->n_prompt, &p, &options, &t->request);
    free(ids);
    return status ? bench_failed("submit") : 0;
}

/* -------------------------------------------------------------------------------------------------- steps */

static int end_talk(serve *v, serve_talk *t) {
    serve_talk **at = &v->talks;
    while (*at != t) at = &(*at)->next;
    *at = t->next;
    llmcs_result *result = NULL;
    const llmcs_status status = llmcs_request_wait(t->request, 0, &result);
    llmcs_result_free(&result);
    llmcs_request_free(&t->request);
    free(t);
    v->n_talks--;
    v->n_speaking--;
    v->n_ended++;
    return status ? bench_failed("request") : 0;
}

/* A token arrived, or with accepted draft tokens several. */
static void note(serve *v, serve_talk *t, uint64_t now_ns) {
    if (!t->last_ns) {
        v->n_speaking++;
        serve_times_add(&v->first_ms, (double)(now_ns - t->due_ns) * 1e-6);
    } else {
        const double ms = (double)(now_ns - t->last_ns) * 1e-6;
        serve_times_add(&v->token_ms, ms);
        if (ms > v->longest_ms) v->longest_ms = ms;
    }
    t->last_ns = now_ns;
}

int serve_work(serve *v, serve_step *step) {
    const uint64_t start_ns = ll_now_ns();
    const llmcs_engine_stats before = v->stats;
    int progressed;
    if (llmcs_engine_step(v->engine, &progressed)) return bench_failed("step");
    const uint64_t now_ns = ll_now_ns();
    llmcs_engine_event event = {.struct_size = sizeof event};
    while (!llmcs_engine_next(v->engine, 0, &event)) {
        note(v, event.user, now_ns);
        if (event.finished && end_talk(v, event.user)) return 1;
    }
    if (llmcs_engine_get_stats(v->engine, &v->stats)) return bench_failed("step");
    if (v->stats.n_used_blocks > v->n_blocks) v->n_blocks = v->stats.n_used_blocks;
    *step = (serve_step){.progressed = progressed,
                         .n_new = v->stats.n_new_tokens - before.n_new_tokens,
                         .step_ns = v->stats.step_ns - before.step_ns,
                         .forward_ns = v->stats.forward_ns - before.forward_ns,
                         .sample_ns = v->stats.sample_ns - before.sample_ns,
                         .seconds = (double)(ll_now_ns() - start_ns) * 1e-9};
    v->n_new += step->n_new;
    return 0;
}

int serve_until_ended(serve *v) {
    serve_step step;
    int code = 0;
    while (v->n_talks && !code) code = serve_work(v, &step);
    return code;
}

/* ---------------------------------------------------------------------------------------------------- loops */

int serve_decode(serve *v, size_t batch, bool sampled, serve_decoding *out) {
    const struct bench_serve_options *o = &v->s->b->options->serve;
    const size_t n_prompt = (size_t)o->prompt_tokens;
    const serve_ask ask = {.n_prompt = n_prompt, .n_new = (size_t)v->s->info.n_ctx - n_prompt, .sampled = sampled};
    double seconds = 0, forward_ns = 0, sample_ns = 0, step_ns = 0;
    int n_steps = 0;
    serve_step step;
    if (serve_reset(v)) return 1;
    for (size_t i = 0; i < batch; i++)
        if (serve_submit(v, &ask)) return 1;
    while (v->n_speaking < batch && !v->n_ended)
        if (serve_work(v, &step)) return 1;
    for (; n_steps < o->new_tokens && !v->n_ended; n_steps++) {
        if (serve_work(v, &step)) return 1;
        seconds += step.seconds;
        forward_ns += (double)step.forward_ns;
        sample_ns += (double)step.sample_ns;
        step_ns += (double)step.step_ns;
    }
    if (n_steps) *out = (serve_decoding){seconds / n_steps, 1 - forward_ns / step_ns, sample_ns / step_ns};
    if (n_steps) return 0;
    fprintf(stderr, "llmcs-bench: the first of %zu conversations ends before the last one begins\n", batch);
    return 1;
}

int serve_closed_loop(serve *v, size_t batch, bench_distribution usual, serve_closed *out) {
    serve_step step;
    size_t n_new = 0, n_ended = 0;
    uint64_t start_ns = 0;
    double seconds = 0;
    if (serve_reset(v)) return 1;
    while (v->n_ended < 2 * batch || seconds < LEAST_SECONDS) {
        while (v->n_talks < batch) {
            const serve_ask ask = serve_draw(v, usual);
            if (serve_submit(v, &ask)) return 1;
        }
        if (serve_work(v, &step)) return 1;
        if (start_ns) seconds = (double)(ll_now_ns() - start_ns) * 1e-9;
        if (start_ns || v->n_ended < batch) continue;
        start_ns = ll_now_ns();
        n_new = v->n_new;
        n_ended = v->n_ended;
        v->first_ms.n = v->token_ms.n = 0;
    }
    *out = (serve_closed){(double)(v->n_new - n_new) / seconds, (double)(v->n_ended - n_ended) / seconds};
    return 0;
}
