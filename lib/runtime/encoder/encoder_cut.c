/* One text as sequences that the model takes: whole, cut, or in windows. */
#include <string.h>

#include "base/options.h"
#include "runtime/encoder/encoder.h"
#include "text/tokenizer.h"

#define PARAMS_OLDEST LL_SIZE_UP_TO(llmcs_text_params, max_windows)

/* --------------------------------------------------------------------------------------------------- rules */

void llmcs_text_params_init_sized(llmcs_text_params *params, size_t struct_size) {
    const llmcs_text_params defaults = {.struct_size = sizeof defaults,
                                        .overflow = LLMCS_OVERFLOW_TRUNCATE,
                                        .truncation = LLMCS_TRUNCATE_LONGEST_FIRST};
    ll_options_init(params, struct_size, &defaults, sizeof defaults);
}

static llmcs_status check_names(const llmcs_text_params *p) {
    if ((unsigned)p->overflow > LLMCS_OVERFLOW_WINDOWS)
        return ll_fail(LLMCS_ARG, "overflow: %d is not valid (0 to %d)", (int)p->overflow, LLMCS_OVERFLOW_WINDOWS);
    if ((unsigned)p->truncation > LLMCS_TRUNCATE_ONLY_SECOND || p->truncation == LLMCS_TRUNCATE_NONE)
        return ll_fail(LLMCS_ARG, "truncation is %d, expected 1..%d", (int)p->truncation, LLMCS_TRUNCATE_ONLY_SECOND);
    if ((unsigned)p->window_pooling > LLMCS_WINDOW_MAX)
        return ll_fail(LLMCS_ARG, "window_pooling: %d is not valid (0 to %d)", (int)p->window_pooling,
                       LLMCS_WINDOW_MAX);
    if ((unsigned)p->pooling > LLMCS_POOL_POOLER)
        return ll_fail(LLMCS_ARG, "pooling: %d is not valid (0 to %d)", (int)p->pooling, LLMCS_POOL_POOLER);
    if ((unsigned)p->normalize > LLMCS_NORMALIZE_L2)
        return ll_fail(LLMCS_ARG, "normalize: %d is not valid (0 to %d)", (int)p->normalize, LLMCS_NORMALIZE_L2);
    if (!(p->deadline_ms >= 0)) return ll_fail(LLMCS_ARG, "deadline_ms: %g is not valid (0 or more)", p->deadline_ms);
    if (p->flags & ~LLMCS_STRICT_UTF8)
        return ll_fail(LLMCS_ARG, "flags are 0x%x, which has bits that mean nothing here", (unsigned)p->flags);
    return LLMCS_OK;
}

/* What windows need to get on, of a single text. */
static llmcs_status check_numbers(const llmcs_model *m, const ll_text_rules *r) {
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

llmcs_status ll_text_rules_read(const llmcs_model *m, const llmcs_text_params *params, size_t most_tokens,
                                llmcs_window_pooling pooling, ll_text_rules *rules) {
    llmcs_text_params p;
    llmcs_text_params_init(&p);
    if (params) LL_TRY(ll_options_in(&p, sizeof p, PARAMS_OLDEST, params, "llmcs_text_params"));
    LL_TRY(check_names(&p));
    if (p.window_pooling == LLMCS_WINDOW_AUTO) p.window_pooling = pooling;
    *rules = (ll_text_rules){.overflow = p.overflow,
                             .truncation = p.truncation,
                             .max_length = p.max_length ? p.max_length : most_tokens,
                             .stride = p.stride,
                             .max_of_windows = p.window_pooling == LLMCS_WINDOW_MAX,
                             .flags = LLMCS_ADD_SPECIAL_TOKENS | p.flags,
                             .pooling = p.pooling,
                             .normalize = p.normalize,
                             .max_windows = p.max_windows,
                             .deadline_ms = p.deadline_ms,
                             .cancel = p.cancel};
    return check_numbers(m, rules);
}

size_t ll_text_default_length(const llmcs_model *m) {
    size_t longest = ll_tokenizer_max_length(m->tokenizer);
    bool bounds = longest > ll_tokenizer_n_added(m->tokenizer, true);
    return bounds ? ll_min(longest, m->n_ctx) : m->n_ctx;
}

/* ----------------------------------------------------------------------------------------------- sequences */

void ll_sequences_free(ll_sequences *s, const llmcs_allocator *a) {
    ll_free(a, s->ids);
    ll_free(a, s->type_ids);
    ll_free(a, s->lengths);
    ll_free(a, s->text_of);
    *s = (ll_sequences){0};
}

static llmcs_status reserve(ll_sequences *s, const llmcs_allocator *a, size_t n_rows) {
    size_t rows = s->n_rows + n_rows, n = s->n + 1; /* tokens in memory already: sums that fit */
    LL_TRY(ll_grow(a, &s->ids, s->n_rows, &s->row_capacity, rows, sizeof *s->ids, "token ids"));
    LL_TRY(ll_grow(a, &s->type_ids, s->n_rows, &s->type_capacity, rows, sizeof *s->type_ids, "token types"));
    LL_TRY(ll_grow(a, &s->lengths, s->n, &s->capacity, n, sizeof *s->lengths, "lengths"));
    return ll_grow(a, &s->text_of, s->n, &s->text_capacity, n, sizeof *s->text_of, "numbers of texts");
}

/* Both index tables of the network. */
llmcs_status ll_encoder_check_tokens(const llmcs_model *m, const int32_t *ids, const int32_t *types, size_t n) {
    int32_t n_types = m->config.type_vocab_size, vocab = m->config.vocab_size;
    bool beyond = llmcs_tokenizer_n_vocab(m->tokenizer) > (size_t)vocab;
    for (size_t i = 0; beyond && i < n; i++)
        if (ids[i] >= vocab)
            return ll_fail(LLMCS_TOKEN_RANGE, "token %zu of the text is %d, the model has 0..%d", i, (int)ids[i],
                           (int)vocab - 1);
    for (size_t i = 0; n_types > 1 && i < n; i++)
        if (types[i] >= n_types)
            return ll_fail(LLMCS_TOKENIZER, "the tokenizer gives token type %d, the model has %d", (int)types[i],
                           (int)n_types);
    return LLMCS_OK;
}

/* One text on its way. */
typedef struct cutting {
    ll_sequences *out;
    const llmcs_model *model;
    const ll_text_rules *rules;
    ll_tokens tokens;
    size_t index;
    llmcs_text_info info;
} cutting;

/* A sequence of these parts of the two texts. */
static llmcs_status add_parts(cutting *c, const llmcs_span parts[2]) {
    ll_sequences *s = c->out;
    size_t n = c->tokens.n_special;
    for (size_t i = 0; i < 2; i++) n += parts[i].end - parts[i].begin;
    if (n == 0) return ll_fail(LLMCS_ARG, "text %zu has no tokens", c->index);
    LL_TRY(reserve(s, &c->model->allocator, n));
    ll_tokens_out to = {.ids = s->ids + s->n_rows, .type_ids = s->type_ids + s->n_rows};
    ll_tokens_write(c->model->tokenizer, &c->tokens, parts, &to);
    LL_TRY(ll_encoder_check_tokens(c->model, to.ids, to.type_ids, n));
    s->lengths[s->n] = n;
    s->text_of[s->n++] = c->index;
    s->n_rows += n;
    c->info.n_evaluated += n;
    c->info.n_windows++;
    return LLMCS_OK;
}

static llmcs_status add_cut(cutting *c) {
    size_t kept[2];
    LL_TRY(ll_tokens_cut(&c->tokens, c->rules->truncation, c->rules->max_length, kept));
    c->info.truncated = 1;
    return add_parts(c, (const llmcs_span[2]){{0, kept[0]}, {0, kept[1]}});
}

static size_t windowed_text(const cutting *c) {
    const ll_tokens *t = &c->tokens;
    if (!t->is_pair || c->rules->truncation == LLMCS_TRUNCATE_ONLY_FIRST) return 0;
    if (c->rules->truncation == LLMCS_TRUNCATE_ONLY_SECOND) return 1;
    return t->texts[1].n > t->texts[0].n;
}

static llmcs_status add_windows(cutting *c) {
    const size_t moving = windowed_text(c), n = c->tokens.texts[moving].n;
    const size_t whole = c->tokens.n_special + c->tokens.texts[1 - moving].n, stride = c->rules->stride;
    if (whole + stride >= c->rules->max_length)
        return ll_fail(
            LLMCS_CONTEXT_FULL,
            "text %zu: its other part and the special tokens are %zu tokens, which leaves no room for windows "
            "with stride %zu in max_length %zu",
            c->index, whole, stride, c->rules->max_length);
    const size_t room = c->rules->max_length - whole;
    if (c->rules->max_windows && n > room) {
        const size_t n_windows = 1 + (n - stride - 1) / (room - stride);
        if (n_windows > c->rules->max_windows)
            return ll_fail(LLMCS_CONTEXT_FULL, "text %zu needs %zu windows, max_windows is %zu", c->index, n_windows,
                           c->rules->max_windows);
    }
    llmcs_span parts[2] = {{0, c->tokens.texts[0].n}, {0, c->tokens.texts[1].n}};
    for (size_t begin = 0;; begin += room - stride) {
        parts[moving] = (llmcs_span){begin, ll_min(begin + room, n)};
        LL_TRY(add_parts(c, parts));
        if (parts[moving].end == n) return LLMCS_OK;
    }
}

static llmcs_status cut(cutting *c) {
    const ll_tokens *t = &c->tokens;
    c->info.n_tokens = t->texts[0].n + t->texts[1].n + t->n_special;
    if (c->info.n_tokens <= c->rules->max_length)
        return add_parts(c, (const llmcs_span[2]){{0, t->texts[0].n}, {0, t->texts[1].n}});
    if (c->rules->overflow == LLMCS_OVERFLOW_WINDOWS) return add_windows(c);
    if (c->rules->overflow == LLMCS_OVERFLOW_TRUNCATE) return add_cut(c);
    return ll_fail(LLMCS_CONTEXT_FULL, "text %zu has %zu tokens, at most %zu are taken (llmcs_text_params.overflow)",
                   c->index, c->info.n_tokens, c->rules->max_length);
}

llmcs_status ll_sequences_add(ll_sequences *s, const llmcs_model *m, const ll_text_rules *rules, const llmcs_text *text,
                              size_t index, llmcs_text_info *info) {
    cutting c = {.out = s, .model = m, .rules = rules, .index = index};
    LL_TRY(ll_tokens_create(m->tokenizer, text, rules->flags, false, &c.tokens));
    llmcs_status st = cut(&c);
    ll_tokens_free(m->tokenizer, &c.tokens);
    *info = c.info;
    return st;
}
