/* Evaluates texts with an encoder. The caller's thread tokenizes each text and splits it into sequences, concurrently
 * with other threads' forward passes; sequences that fill about one forward pass make a request. Tokenizing does not
 * use the pool: one thread tokenizes tens of megabytes a second, a thousand times what BERT-base evaluates. */
#include "runtime/encoder/texts.h"

#include <string.h>

#include "base/options.h"
#include "runtime/check.h"
#include "runtime/encoder/sentence_text.h"
#include "text/tokenizer.h"

#define PARAMS_OLDEST LL_SIZE_UP_TO(llmcs_text_params, max_windows)
#define INFO_OLDEST LL_SIZE_UP_TO(llmcs_text_info, truncated)

/* -------------------------------------------------------------------------------------------------- params */

void llmcs_text_params_init_sized(llmcs_text_params *params, size_t struct_size) {
    const llmcs_text_params defaults = {.struct_size = sizeof defaults,
                                        .overflow = LLMCS_OVERFLOW_TRUNCATE,
                                        .truncation = LLMCS_TRUNCATE_LONGEST_FIRST,
                                        .aggregation = LLMCS_AGGREGATE_SIMPLE};
    ll_options_init(params, struct_size, &defaults, sizeof defaults);
}

static llmcs_status check_enums(const llmcs_text_params *p) {
    if ((unsigned)p->overflow > LLMCS_OVERFLOW_WINDOWS)
        return ll_fail(LLMCS_ARG, "overflow: %d is not valid (0 to %d)", (int)p->overflow, LLMCS_OVERFLOW_WINDOWS);
    if ((unsigned)p->truncation > LLMCS_TRUNCATE_ONLY_SECOND || p->truncation == LLMCS_TRUNCATE_NONE)
        return ll_fail(LLMCS_ARG, "truncation: %d is not valid (1 to %d)", (int)p->truncation,
                       LLMCS_TRUNCATE_ONLY_SECOND);
    if ((unsigned)p->window_pooling > LLMCS_WINDOW_MAX)
        return ll_fail(LLMCS_ARG, "window_pooling: %d is not valid (0 to %d)", (int)p->window_pooling,
                       LLMCS_WINDOW_MAX);
    if ((unsigned)p->pooling > LLMCS_POOL_LAST_TOKEN)
        return ll_fail(LLMCS_ARG, "pooling: %d is not valid (0 to %d)", (int)p->pooling, LLMCS_POOL_LAST_TOKEN);
    if ((unsigned)p->normalize > LLMCS_NORMALIZE_L2)
        return ll_fail(LLMCS_ARG, "normalize: %d is not valid (0 to %d)", (int)p->normalize, LLMCS_NORMALIZE_L2);
    if ((unsigned)p->aggregation > LLMCS_AGGREGATE_AVERAGE)
        return ll_fail(LLMCS_ARG, "aggregation: %d is not valid (0 to %d)", (int)p->aggregation,
                       LLMCS_AGGREGATE_AVERAGE);
    if ((unsigned)p->rerank_score > LLMCS_RERANK_SIGMOID)
        return ll_fail(LLMCS_ARG, "rerank_score: %d is not valid (0 to %d)", (int)p->rerank_score,
                       LLMCS_RERANK_SIGMOID);
    if (p->flags & ~LLMCS_STRICT_UTF8)
        return ll_fail(LLMCS_ARG, "flags: 0x%x has bits other than LLMCS_STRICT_UTF8", (unsigned)p->flags);
    if (!(p->deadline_ms >= 0)) return ll_fail(LLMCS_ARG, "deadline_ms: %g is not valid (0 or more)", p->deadline_ms);
    return LLMCS_OK;
}

/* Windows advance only if they are longer than the special tokens and the stride. */
static llmcs_status check_lengths(const llmcs_model *m, const ll_text_rules *r) {
    size_t n_special = ll_tokenizer_n_added(m->tokenizer, false);
    if (r->max_length > m->n_ctx)
        return ll_fail(LLMCS_ARG, "max_length is %zu, the model's n_ctx is %zu", r->max_length, m->n_ctx);
    if (r->max_length <= n_special)
        return ll_fail(LLMCS_ARG, "max_length is %zu, the special tokens alone are %zu", r->max_length, n_special);
    if (r->stride && r->overflow != LLMCS_OVERFLOW_WINDOWS)
        return ll_fail(LLMCS_ARG, "stride is %zu, which needs overflow = LLMCS_OVERFLOW_WINDOWS", r->stride);
    if (r->stride >= r->max_length - n_special)
        return ll_fail(LLMCS_ARG, "stride is %zu, and a window has %zu tokens of text", r->stride,
                       r->max_length - n_special);
    return LLMCS_OK;
}

size_t ll_text_default_length(const llmcs_model *m) {
    size_t longest = ll_tokenizer_max_length(m->tokenizer);
    bool bounds = longest > ll_tokenizer_n_added(m->tokenizer, true);
    return bounds ? ll_min(longest, m->n_ctx) : m->n_ctx;
}

llmcs_status ll_text_rules_read(const llmcs_model *m, const llmcs_text_params *params, size_t default_length,
                                llmcs_window_pooling pooling, ll_text_rules *rules) {
    llmcs_text_params p;
    llmcs_text_params_init(&p);
    if (params) LL_TRY(ll_options_in(&p, sizeof p, PARAMS_OLDEST, params, "llmcs_text_params"));
    LL_TRY(check_enums(&p));
    if (p.window_pooling == LLMCS_WINDOW_AUTO) p.window_pooling = pooling;
    *rules = (ll_text_rules){.overflow = p.overflow,
                             .truncation = p.truncation,
                             .max_length = p.max_length ? p.max_length : default_length,
                             .stride = p.stride,
                             .max_of_windows = p.window_pooling == LLMCS_WINDOW_MAX,
                             .flags = LLMCS_ADD_SPECIAL_TOKENS | p.flags,
                             .pooling = p.pooling,
                             .normalize = p.normalize,
                             .aggregation = p.aggregation,
                             .rerank_score = p.rerank_score,
                             .prompt_name = p.prompt_name,
                             .prompt = p.prompt,
                             .truncate_dim = p.truncate_dim,
                             .hypothesis = p.hypothesis,
                             .multi_label = p.multi_label != 0,
                             .max_windows = p.max_windows,
                             .limits = {ll_deadline_after(p.deadline_ms), p.cancel}};
    return check_lengths(m, rules);
}

/* ----------------------------------------------------------------------------------------------- sequences */

/* Concatenated sequences that are not in a request yet. */
typedef struct sequences {
    int32_t *ids, *type_ids; /* [n_rows] */
    size_t *lengths;         /* [n] */
    size_t *text_of;         /* [n] */
    llmcs_span *offsets;     /* [n_rows]; offsets and marks are filled only for token and span heads */
    uint8_t *marks;          /* [n_rows] */
    bool of_tokens;
    size_t n, n_rows;
    size_t row_capacity, type_capacity, capacity, text_capacity, offset_capacity, mark_capacity;
} sequences;

static void free_sequences(sequences *s, const llmcs_allocator *a) {
    ll_free(a, s->ids);
    ll_free(a, s->type_ids);
    ll_free(a, s->lengths);
    ll_free(a, s->text_of);
    ll_free(a, s->offsets);
    ll_free(a, s->marks);
}

/* Memory for one more sequence, of n_rows tokens. */
static llmcs_status reserve_window(sequences *s, const llmcs_allocator *a, size_t n_rows) {
    size_t rows = s->n_rows + n_rows, n = s->n + 1; /* no overflow: these tokens are already in memory */
    LL_TRY(ll_grow(a, &s->ids, s->n_rows, &s->row_capacity, rows, sizeof *s->ids, "token ids"));
    LL_TRY(ll_grow(a, &s->type_ids, s->n_rows, &s->type_capacity, rows, sizeof *s->type_ids, "token types"));
    if (s->of_tokens) {
        LL_TRY(ll_grow(a, &s->offsets, s->n_rows, &s->offset_capacity, rows, sizeof *s->offsets, "token offsets"));
        LL_TRY(ll_grow(a, &s->marks, s->n_rows, &s->mark_capacity, rows, sizeof *s->marks, "marks of tokens"));
    }
    LL_TRY(ll_grow(a, &s->lengths, s->n, &s->capacity, n, sizeof *s->lengths, "lengths"));
    return ll_grow(a, &s->text_of, s->n, &s->text_capacity, n, sizeof *s->text_of, "numbers of texts");
}

static void remove_first(sequences *s, size_t n, size_t n_rows) {
    s->n -= n;
    s->n_rows -= n_rows;
    memmove(s->ids, s->ids + n_rows, s->n_rows * sizeof *s->ids);
    memmove(s->type_ids, s->type_ids + n_rows, s->n_rows * sizeof *s->type_ids);
    if (s->of_tokens) {
        memmove(s->offsets, s->offsets + n_rows, s->n_rows * sizeof *s->offsets);
        memmove(s->marks, s->marks + n_rows, s->n_rows * sizeof *s->marks);
    }
    memmove(s->lengths, s->lengths + n, s->n * sizeof *s->lengths);
    memmove(s->text_of, s->text_of + n, s->n * sizeof *s->text_of);
}

/* Checks the ids and the types, because both index tables of the network. */
llmcs_status ll_encoder_check_tokens(const llmcs_model *m, const int32_t *ids, const int32_t *types, size_t n) {
    const size_t vocab = (size_t)m->config.vocab_size;
    const int32_t n_types = m->config.type_vocab_size;
    if (llmcs_tokenizer_n_vocab(m->tokenizer) > vocab)
        LL_TRY(ll_check_ids(LLMCS_TOKEN_RANGE, "token of the text", 0, ids, n, vocab));
    for (size_t i = 0; n_types > 1 && i < n; i++)
        if (types[i] >= n_types)
            return ll_fail(LLMCS_TOKENIZER, "the tokenizer gives token type %d, the model has %d", (int)types[i],
                           (int)n_types);
    return LLMCS_OK;
}

/* -------------------------------------------------------------------------------------- one text to sequences */

typedef struct cutting {
    sequences *out;
    const llmcs_model *model;
    const ll_text_rules *rules;
    ll_tokens tokens;
    size_t text; /* its index */
    llmcs_text_info info;
} cutting;

/* Adds a sequence: these ranges of the tokens of the text and its pair. */
static llmcs_status add_sequence(cutting *c, const llmcs_span ranges[2]) {
    sequences *s = c->out;
    size_t n = c->tokens.n_special;
    for (size_t i = 0; i < 2; i++) n += ranges[i].end - ranges[i].begin;
    if (n == 0) return ll_fail(LLMCS_ARG, "text %zu has no tokens", c->text);
    LL_TRY(reserve_window(s, &c->model->allocator, n));
    ll_tokens_out to = {.ids = s->ids + s->n_rows, .type_ids = s->type_ids + s->n_rows};
    if (s->of_tokens) {
        to.offsets = s->offsets + s->n_rows;
        to.marks = s->marks + s->n_rows;
    }
    ll_tokens_write(c->model->tokenizer, &c->tokens, ranges, &to);
    LL_TRY(ll_encoder_check_tokens(c->model, to.ids, to.type_ids, n));
    s->lengths[s->n] = n;
    s->text_of[s->n++] = c->text;
    s->n_rows += n;
    c->info.n_evaluated += n;
    c->info.n_windows++;
    return LLMCS_OK;
}

static llmcs_status add_truncated(cutting *c) {
    size_t kept[2];
    LL_TRY(ll_tokens_cut(&c->tokens, c->rules->truncation, c->rules->max_length, kept));
    c->info.truncated = 1;
    return add_sequence(c, (const llmcs_span[2]){{0, kept[0]}, {0, kept[1]}});
}

/* The text of a pair that is split into windows; the other one is whole in each. */
static size_t windowed_text(const cutting *c) {
    const ll_tokens *t = &c->tokens;
    if (!t->is_pair || c->rules->truncation == LLMCS_TRUNCATE_ONLY_FIRST) return 0;
    if (c->rules->truncation == LLMCS_TRUNCATE_ONLY_SECOND) return 1;
    return t->texts[1].n > t->texts[0].n;
}

static llmcs_status add_windows(cutting *c) {
    const size_t moving = windowed_text(c), n = c->tokens.texts[moving].n;
    const size_t fixed = c->tokens.n_special + c->tokens.texts[1 - moving].n;
    size_t stride = c->rules->stride;
    const bool too_wide = fixed < c->rules->max_length && fixed + stride >= c->rules->max_length;
    if (too_wide && c->rules->narrow_stride) stride = (c->rules->max_length - fixed) / 2;
    if (fixed + stride >= c->rules->max_length)
        return ll_fail(LLMCS_CONTEXT_FULL,
                       "text %zu: the other text of the pair and the special tokens are %zu tokens, which leaves no "
                       "windows with stride %zu in max_length %zu",
                       c->text, fixed, stride, c->rules->max_length);
    const size_t length = c->rules->max_length - fixed;
    if (c->rules->max_windows && n > length) {
        const size_t n_windows = 1 + (n - stride - 1) / (length - stride);
        if (n_windows > c->rules->max_windows)
            return ll_fail(LLMCS_CONTEXT_FULL, "text %zu needs %zu windows, max_windows is %zu", c->text, n_windows,
                           c->rules->max_windows);
    }
    llmcs_span ranges[2] = {{0, c->tokens.texts[0].n}, {0, c->tokens.texts[1].n}};
    for (size_t begin = 0;; begin += length - stride) {
        ranges[moving] = (llmcs_span){begin, ll_min(begin + length, n)};
        LL_TRY(add_sequence(c, ranges));
        if (ranges[moving].end == n) return LLMCS_OK;
    }
}

static llmcs_status add_text(cutting *c) {
    const ll_tokens *t = &c->tokens;
    c->info.n_tokens = t->texts[0].n + t->texts[1].n + t->n_special;
    if (c->info.n_tokens <= c->rules->max_length)
        return add_sequence(c, (const llmcs_span[2]){{0, t->texts[0].n}, {0, t->texts[1].n}});
    if (c->rules->overflow == LLMCS_OVERFLOW_WINDOWS) return add_windows(c);
    if (c->rules->overflow == LLMCS_OVERFLOW_TRUNCATE) return add_truncated(c);
    return ll_fail(LLMCS_CONTEXT_FULL, "text %zu has %zu tokens, max_length is %zu (see llmcs_text_params.overflow)",
                   c->text, c->info.n_tokens, c->rules->max_length);
}

/* ---------------------------------------------------------------------------------------------------- a call */

/* A call, the sequences that are not in a request yet, and the number of truncated texts. */
typedef struct feed {
    const ll_text_call *call;
    sequences sequences;
    float *logits; /* [n_logit_rows, ll_config_n_logits] of a request, for token and span heads */
    size_t n_logit_rows, logits_capacity;
    size_t n_truncated, first_truncated, first_truncated_tokens;
} feed;

/* Receives the logits of a token or span head. It runs on the leader's thread, so it only copies. */
static void copy_token_logits(void *user, const ll_encoder_output *w) {
    feed *f = user;
    const size_t width = ll_config_n_logits(&f->call->model->config);
    memcpy(f->logits + f->n_logit_rows * width, w->logits, w->n_tokens * width * sizeof *f->logits);
    f->n_logit_rows += w->n_tokens;
}

static llmcs_status reserve_token_logits(feed *f, size_t n_rows) {
    const llmcs_model *m = f->call->model;
    f->n_logit_rows = 0;
    return ll_grow(&m->allocator, &f->logits, 0, &f->logits_capacity, n_rows,
                   ll_config_n_logits(&m->config) * sizeof *f->logits, "logits of tokens");
}

/* Passes the first n sequences to the call's own sink. */
static llmcs_status deliver_tokens(const feed *f, size_t n) {
    const ll_text_call *c = f->call;
    const sequences *s = &f->sequences;
    const size_t width = ll_config_n_logits(&c->model->config);
    for (size_t i = 0, row = 0; i < n; row += s->lengths[i++]) {
        const ll_token_rows rows = {.text = s->text_of[i],
                                    .first = i == 0 || s->text_of[i - 1] != s->text_of[i],
                                    .last = i + 1 == n || s->text_of[i + 1] != s->text_of[i],
                                    .n = s->lengths[i],
                                    .ids = s->ids + row,
                                    .offsets = s->offsets + row,
                                    .marks = s->marks + row,
                                    .logits = f->logits + row * width};
        LL_TRY(c->tokens(c->user, &rows));
    }
    return LLMCS_OK;
}

/* Evaluates the first n sequences, of n_rows tokens. All windows of a text are in one request. */
static llmcs_status evaluate_windows(feed *f, size_t n, size_t n_rows) {
    const ll_text_call *c = f->call;
    const sequences *s = &f->sequences;
    if (!n) return LLMCS_OK;
    if (c->tokens) LL_TRY(reserve_token_logits(f, n_rows));
    ll_encoder_request r = {.ids = s->ids,
                            /* RoBERTa has one token type, whatever types the tokenizer assigns to pairs. */
                            .type_ids = c->model->config.type_vocab_size > 1 ? s->type_ids : NULL,
                            .lengths = s->lengths,
                            .n = n,
                            .n_rows = n_rows,
                            .text_of = s->text_of,
                            .want = c->tokens ? (unsigned)LL_WANT_LOGITS : c->want,
                            .sink = c->tokens ? copy_token_logits : c->sink,
                            .user = c->tokens ? f : c->user,
                            .limits = c->rules->limits};
    LL_TRY(ll_encoder_submit(c->model, &r));
    if (c->tokens) LL_TRY(deliver_tokens(f, n));
    remove_first(&f->sequences, n, n_rows);
    return LLMCS_OK;
}

/* Encodes and cuts text i. The sequences before it are evaluated first if one request cannot hold both. */
static llmcs_status feed_text(feed *f, size_t i) {
    const ll_text_call *call = f->call;
    const llmcs_tokenizer *t = call->model->tokenizer;
    sequences *s = &f->sequences;
    const size_t n = s->n, n_rows = s->n_rows;
    size_t chunk_rows;
    cutting c = {
        .out = s, .model = call->model, .rules = call->rules, .text = i, .info = {.struct_size = sizeof c.info}};
    llmcs_text text = call->texts[i];
    char *owned = NULL;
    if (call->rules->as_sentence)
        LL_TRY(ll_sentence_text(call->model, call->rules->as_sentence, &call->texts[i], &text, &owned));
    llmcs_status st = ll_tokens_create(t, &text, call->rules->flags, s->of_tokens, &c.tokens);
    ll_free(&call->model->allocator, owned);
    LL_TRY(st);
    st = add_text(&c);
    ll_tokens_free(t, &c.tokens);
    LL_TRY(st);
    if (call->infos) { /* the caller's struct_size may differ from ours */
        const size_t size = call->infos->struct_size;
        ll_options_init((unsigned char *)call->infos + i * size, size, &c.info, sizeof c.info);
    }
    if (c.info.truncated && !f->n_truncated++) {
        f->first_truncated = i;
        f->first_truncated_tokens = c.info.n_tokens;
    }
    if (ll_encoder_chunk(s->lengths, s->n, &chunk_rows) == s->n) return LLMCS_OK;
    return evaluate_windows(f, n, n_rows);
}

llmcs_status ll_encoder_texts(const ll_text_call *call) {
    feed f = {.call = call, .sequences = {.of_tokens = call->tokens != NULL}};
    llmcs_status st = LLMCS_OK;
    LL_TRY(ll_check_array("texts", call->n_texts, sizeof *call->texts));
    if (call->infos && call->n_texts) LL_TRY(ll_options_check(call->infos, INFO_OLDEST, "llmcs_text_info"));
    for (size_t i = 0; !st && i < call->n_texts; i++) st = feed_text(&f, i);
    if (!st) st = evaluate_windows(&f, f.sequences.n, f.sequences.n_rows);
    free_sequences(&f.sequences, &call->model->allocator);
    ll_free(&call->model->allocator, f.logits);
    if (!st && f.n_truncated && !call->infos)
        ll_log_say(&call->model->log, LLMCS_LOG_WARN, "%zu of %zu texts were cut to %zu tokens; text %zu had %zu",
                   f.n_truncated, call->n_texts, call->rules->max_length, f.first_truncated, f.first_truncated_tokens);
    return st;
}

/* --------------------------------------------------------------------------------------------------- windows */

llmcs_status ll_window_pool_create(const llmcs_allocator *a, size_t n, bool max, ll_window_pool *pool) {
    *pool = (ll_window_pool){.n = n, .max = max};
    LL_TRY(ll_alloc(a, n, sizeof *pool->sums + sizeof *pool->values, "windows", &pool->sums));
    pool->values = (float *)(void *)(pool->sums + n);
    return LLMCS_OK;
}

void ll_window_pool_free(const llmcs_allocator *a, ll_window_pool *pool) {
    ll_free(a, pool->sums);
    *pool = (ll_window_pool){0};
}

/* In double precision, so that a mean of finite numbers is finite. */
static void accumulate_window(ll_window_pool *pool, const ll_encoder_output *window, const float *x) {
    const double weight = pool->max ? 1.0 : (double)window->n_tokens;
    for (size_t i = 0; i < pool->n; i++) {
        const double value = weight * (double)x[i];
        if (window->first)
            pool->sums[i] = value;
        else if (!pool->max)
            pool->sums[i] += value;
        else if (value > pool->sums[i])
            pool->sums[i] = value;
    }
}

const float *ll_window_pool_add(ll_window_pool *pool, const ll_encoder_output *window, const float *x) {
    if (window->first && window->last) return x;
    if (window->first) pool->n_tokens = 0;
    pool->n_tokens += window->n_tokens;
    accumulate_window(pool, window, x);
    if (!window->last) return NULL;
    const double total = pool->max ? 1.0 : (double)pool->n_tokens;
    for (size_t i = 0; i < pool->n; i++) pool->values[i] = (float)(pool->sums[i] / total);
    return pool->values;
}
