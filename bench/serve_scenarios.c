/* Scenarios of shops, each compared with a baseline: turns alternate, and the median of their ratios counts. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "serve.h"

static double seconds_since(uint64_t start_ns) { return (double)(ll_now_ns() - start_ns) * 1e-9; }

static void report(const serve *v, const char *label, const char *name, const char *unit, size_t batch,
                   double *values) {
    const bench_row row = e2e_row(v->s, label, name, 0, batch, 1, unit);
    serve_report(v, &row, values, (size_t)v->s->b->repeats);
}

static size_t at_most(size_t n, size_t most) { return n < most ? n : most; }

/* ---- a shop's text before every question */

#define SHOP_TOKENS 200
#define N_QUESTIONS 100
#define QUESTION_TOKENS 20 /* 15 to 25 */

/* All questions at once, with one token of answer each; the seconds until the last one has it. */
static int ask_questions(serve *v, size_t n_shop, double *seconds, double *n_evaluated) {
    int32_t ids[SHOP_TOKENS + QUESTION_TOKENS + 6];
    if (serve_reset(v)) return 1;
    const llmcs_engine_stats before = v->stats;
    serve_fill(v, ids, n_shop);
    const uint64_t start_ns = ll_now_ns();
    for (size_t q = 0; q < N_QUESTIONS; q++) {
        const serve_ask ask = {.ids = ids, .n_prompt = n_shop + QUESTION_TOKENS - 5 + q % 11, .n_new = 1};
        serve_fill(v, ids + n_shop, ask.n_prompt - n_shop);
        if (serve_submit(v, &ask)) return 1;
    }
    if (serve_until_ended(v)) return 1;
    *seconds = seconds_since(start_ns);
    *n_evaluated = (double)(v->stats.n_rows - before.n_rows);
    return 0;
}

/* Evaluates as many tokens as the shop's text and the questions have, in prompts of the text's length, in sequence. */
static int evaluate_without_engine(const serve *v, llmcs_session *session, size_t n_shop, double *seconds) {
    const uint64_t start_ns = ll_now_ns();
    for (size_t n_left = n_shop + N_QUESTIONS * QUESTION_TOKENS; n_left;) {
        const size_t n = at_most(n_left, n_shop);
        if (llmcs_session_rewind(session, 0) || llmcs_session_eval(session, v->s->ids, n, LLMCS_LOGITS_LAST))
            return bench_failed("shop-text");
        n_left -= n;
    }
    *seconds = seconds_since(start_ns);
    return 0;
}

static int measure_shop_text(serve *v, llmcs_session *session, size_t n_shop) {
    double plain[BENCH_MAX_REPEATS], shared[BENCH_MAX_REPEATS], ratios[BENCH_MAX_REPEATS],
        progressed[BENCH_MAX_REPEATS];
    const size_t n = (size_t)v->s->b->repeats;
    char label[96];
    for (size_t t = 0; t <= n; t++) { /* the first one is not counted */
        const size_t at = t ? t - 1 : 0;
        if (evaluate_without_engine(v, session, n_shop, &plain[at]) ||
            ask_questions(v, n_shop, &shared[at], &progressed[at]))
            return 1;
        ratios[at] = shared[at] / plain[at];
        plain[at] *= 1e3;
        shared[at] *= 1e3;
    }
    snprintf(label, sizeof label, "%d questions after a shop text of %zu", N_QUESTIONS, n_shop);
    report(v, label, "shop_text", "ms", N_QUESTIONS, shared);
    report(v, "  tokens evaluated for them", "shop_text_evaluated", "tokens", N_QUESTIONS, progressed);
    snprintf(label, sizeof label, "  %zu tokens evaluated without sharing", n_shop + N_QUESTIONS * QUESTION_TOKENS);
    report(v, label, "shop_text_plain", "ms", 1, plain);
    report(v, "  the questions' time over that", "shop_text_ratio", "x", N_QUESTIONS, ratios);
    return 0;
}

int serve_shop_text(serve *v) {
    llmcs_session *session = NULL;
    if (llmcs_session_create(v->s->model, NULL, &session)) return bench_failed("shop-text");
    const int code = measure_shop_text(v, session, at_most(SHOP_TOKENS, (size_t)v->s->info.n_ctx / 2));
    llmcs_session_free(&session);
    v->first_ms.n = v->token_ms.n = 0;
    return code;
}

/* ---- a long prompt among streams */

#define N_STREAMS 8
#define STREAM_PROMPT 32
#define LONG_PROMPT 900
#define STEPS_BEFORE 16

/* The streams run when the prompt comes, and until it has its first token. */
static int surprise(serve *v, size_t n_long, double *longest_ms, double *first_ms, double *calm_ms) {
    const size_t n_ctx = (size_t)v->s->info.n_ctx;
    const serve_ask stream = {.n_prompt = STREAM_PROMPT, .n_new = n_ctx - STREAM_PROMPT};
    const serve_ask late = {.n_prompt = n_long, .n_new = 2};
    serve_step step;
    if (serve_reset(v)) return 1;
    for (size_t i = 0; i < N_STREAMS; i++)
        if (serve_submit(v, &stream)) return 1;
    while (v->n_speaking < N_STREAMS)
        if (serve_work(v, &step)) return 1;
    v->longest_ms = 0;
    v->token_ms.n = 0;
    for (size_t i = 0; i < STEPS_BEFORE; i++)
        if (serve_work(v, &step)) return 1;
    *calm_ms = serve_quantile(&v->token_ms, 0.5);
    v->longest_ms = 0;
    if (serve_submit(v, &late)) return 1;
    while (v->n_speaking == N_STREAMS)
        if (serve_work(v, &step)) return 1;
    *longest_ms = v->longest_ms;
    *first_ms = v->first_ms.ms[v->first_ms.n - 1];
    return 0;
}

int serve_long_prompt(serve *v) {
    double longest[BENCH_MAX_REPEATS], first[BENCH_MAX_REPEATS], calm[BENCH_MAX_REPEATS];
    const size_t n = (size_t)v->s->b->repeats, n_long = at_most(LONG_PROMPT, (size_t)v->s->info.n_ctx - 2);
    char label[96];
    for (size_t t = 0; t <= n; t++) {
        const size_t at = t ? t - 1 : 0;
        v->first_ms.n = 0;
        if (surprise(v, n_long, &longest[at], &first[at], &calm[at])) return 1;
    }
    v->first_ms.n = v->token_ms.n = 0;
    snprintf(label, sizeof label, "%d streams, a prompt of %zu comes: longest gap", N_STREAMS, n_long);
    report(v, label, "long_prompt_gap", "ms", N_STREAMS, longest);
    report(v, "  time per token before it", "long_prompt_calm", "ms", N_STREAMS, calm);
    report(v, "  its first token", "long_prompt_first_token", "ms", N_STREAMS, first);
    return 0;
}

/* ---- prompt lookup */

#define LOOKUP_TOKENS 8
#define PHRASE_TOKENS 16

/* One answer; new tokens a second from the first one on. */
static int generate_answer(serve *v, const serve_ask *ask, double *rate) {
    serve_step step;
    if (serve_reset(v) || serve_submit(v, ask)) return 1;
    while (!v->n_speaking && v->n_talks)
        if (serve_work(v, &step)) return 1;
    const uint64_t start_ns = ll_now_ns();
    const size_t n_before = v->n_new;
    if (serve_until_ended(v)) return 1;
    *rate = (double)(v->n_new - n_before) / seconds_since(start_ns);
    return 0;
}

/* Prompts say a phrase four times. */
int serve_lookup(serve *v) {
    double plain[BENCH_MAX_REPEATS], drafted[BENCH_MAX_REPEATS], ratios[BENCH_MAX_REPEATS], right[BENCH_MAX_REPEATS];
    const size_t n = (size_t)v->s->b->repeats, n_ctx = (size_t)v->s->info.n_ctx;
    int32_t ids[4 * PHRASE_TOKENS];
    for (size_t t = 0; t <= n; t++) {
        const size_t at = t ? t - 1 : 0;
        serve_ask ask = {.ids = ids, .n_prompt = 4 * PHRASE_TOKENS, .n_new = at_most(64, n_ctx - 4 * PHRASE_TOKENS)};
        serve_fill(v, ids, PHRASE_TOKENS);
        for (size_t i = 1; i < 4; i++) memcpy(ids + i * PHRASE_TOKENS, ids, PHRASE_TOKENS * sizeof *ids);
        if (generate_answer(v, &ask, &plain[at])) return 1;
        const llmcs_engine_stats before = v->stats;
        ask.lookup = LOOKUP_TOKENS;
        if (generate_answer(v, &ask, &drafted[at])) return 1;
        const double n_draft = (double)(v->stats.n_draft_tokens - before.n_draft_tokens);
        right[at] = n_draft > 0 ? 100 * (double)(v->stats.n_accepted_tokens - before.n_accepted_tokens) / n_draft : 0;
        ratios[at] = drafted[at] / plain[at];
    }
    v->first_ms.n = v->token_ms.n = 0;
    report(v, "one conversation that repeats itself", "lookup_off", "tokens/s", 1, plain);
    report(v, "  with prompt lookup, 8 tokens", "lookup_on", "tokens/s", 1, drafted);
    report(v, "  accepted draft tokens", "lookup_accepted", "%", 1, right);
    report(v, "  speed-up", "lookup_ratio", "x", 1, ratios);
    return 0;
}
