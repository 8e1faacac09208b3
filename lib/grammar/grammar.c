/* Grammars as objects: created from choices, an expression or a schema; masks over the vocabulary. */
#include "grammar/grammar.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/array.h"
#include "base/call.h"
#include "grammar/automaton.h"
#include "grammar/regex.h"
#include "grammar/schema.h"
#include "grammar/vocabulary.h"
#include "text/tokenizer.h"

#define MAGIC 0x4d415247u /* "GRAM" */
#define FREED 0xdeadu
#define MAX_MASK_BYTES ((size_t)64 << 20)
#define MAX_SOURCE_BYTES ((size_t)256 << 10)

struct llmcs_grammar {
    uint32_t magic;
    atomic_size_t references;
    llmcs_allocator allocator;
    const llmcs_tokenizer *tokenizer;
    ll_nfa nfa;
    ll_vocabulary vocabulary;
    size_t n_words; /* of a mask */
    pthread_mutex_t lock;
    /* Under the lock: */
    ll_automaton automaton;
    uint64_t **masks; /* [masks_capacity] by configuration; NULL: not computed */
    size_t masks_capacity, mask_bytes;
    uint64_t *first_mask; /* of the start, for the first token; NULL while it is not known */
    uint32_t *path;       /* [max_depth + 1] configurations on the way to a node of the trie */
};

/* ---- masks */

static void forget_masks(llmcs_grammar *g) {
    for (size_t i = 0; i < g->masks_capacity; i++) {
        ll_free(&g->allocator, g->masks[i]);
        g->masks[i] = NULL;
    }
    g->mask_bytes = 0;
}

/* Walks the trie of token texts and the automaton together. */
static llmcs_status fill_mask(llmcs_grammar *g, const ll_vocab_trie *t, uint32_t config, uint64_t *mask) {
    ll_automaton *a = &g->automaton;
    g->path[0] = config;
    for (size_t i = 0; i < t->n_nodes;) {
        const ll_vocab_node *node = &t->nodes[i];
        const uint32_t from = g->path[node->depth - 1], *row = a->configs[from].row;
        uint32_t to = row ? row[node->byte] : UINT32_MAX;
        if (to == UINT32_MAX) LL_TRY(ll_automaton_step(a, from, node->byte, &to));
        if (to == LL_CONFIG_DEAD) {
            i = node->after;
            continue;
        }
        g->path[node->depth] = to;
        for (size_t k = 0; k < node->n_tokens; k++) {
            const size_t id = (size_t)t->tokens[node->first_token + k];
            mask[id / 64] |= (uint64_t)1 << id % 64;
        }
        i++;
    }
    return LLMCS_OK;
}

static llmcs_status make_mask(llmcs_grammar *g, const ll_vocab_trie *t, uint32_t config, uint64_t **out) {
    uint64_t *mask;
    LL_TRY(ll_alloc_zero(&g->allocator, g->n_words, sizeof *mask, "mask of a grammar", &mask));
    const llmcs_status status = fill_mask(g, t, config, mask);
    if (status)
        ll_free(&g->allocator, mask);
    else
        *out = mask;
    return status;
}

static llmcs_status reserve_mask(llmcs_grammar *g, uint32_t config) {
    const size_t before = g->masks_capacity;
    if (g->mask_bytes > MAX_MASK_BYTES) forget_masks(g);
    LL_TRY(ll_grow(&g->allocator, &g->masks, before, &g->masks_capacity, (size_t)config + 1, sizeof *g->masks,
                   "masks of a grammar"));
    for (size_t i = before; i < g->masks_capacity; i++) g->masks[i] = NULL;
    return LLMCS_OK;
}

/* Under the lock. */
static llmcs_status find_mask(llmcs_grammar *g, uint32_t config, bool first, const uint64_t **out) {
    uint64_t **at = &g->first_mask;
    const bool own_first = first && !g->vocabulary.same;
    if (!own_first) {
        LL_TRY(reserve_mask(g, config));
        at = &g->masks[config];
    }
    if (!*at) {
        LL_TRY(make_mask(g, own_first ? &g->vocabulary.first : &g->vocabulary.later, config, at));
        if (!own_first) g->mask_bytes += g->n_words * sizeof **at;
    }
    *out = *at;
    return LLMCS_OK;
}

llmcs_status ll_grammar_mask(llmcs_grammar *g, ll_grammar_state at, bool first, uint64_t *allowed, size_t n_words,
                             bool *ends) {
    const uint64_t *mask = NULL;
    pthread_mutex_lock(&g->lock);
    const llmcs_status status = find_mask(g, at, first, &mask);
    if (!status) {
        const size_t n = ll_min(n_words, g->n_words);
        memcpy(allowed, mask, n * sizeof *allowed);
        if (n_words > n) memset(allowed + n, 0, (n_words - n) * sizeof *allowed);
        *ends = ll_automaton_accepts(&g->automaton, at);
    }
    pthread_mutex_unlock(&g->lock);
    return status;
}

llmcs_status ll_grammar_advance(llmcs_grammar *g, ll_grammar_state at, bool first, int32_t id, ll_grammar_state *next) {
    size_t n;
    const char *bytes = ll_tokenizer_token_bytes(g->tokenizer, id, first, &n);
    llmcs_status status = LLMCS_OK;
    pthread_mutex_lock(&g->lock);
    for (size_t i = 0; i < n && !status; i++) status = ll_automaton_step(&g->automaton, at, (uint8_t)bytes[i], &at);
    pthread_mutex_unlock(&g->lock);
    *next = at;
    return status;
}

ll_grammar_state ll_grammar_start(const llmcs_grammar *g) { return g->automaton.start; }

/* ---- objects */

llmcs_status ll_grammar_check(const llmcs_grammar *g, const llmcs_tokenizer *t) {
    if (g->magic != MAGIC) return ll_fail(LLMCS_STATE, "grammar: freed already, or not made by llmcs_grammar_*");
    if (g->tokenizer != t) return ll_fail(LLMCS_ARG, "grammar: made for another tokenizer, not the model's");
    return LLMCS_OK;
}

void ll_grammar_retain(llmcs_grammar *g) { atomic_fetch_add(&g->references, 1); }

static void destroy(llmcs_grammar *g) {
    llmcs_allocator a = g->allocator;
    forget_masks(g);
    ll_free(&a, g->masks);
    ll_free(&a, g->first_mask);
    ll_free(&a, g->path);
    ll_automaton_free(&g->automaton);
    ll_nfa_free(&g->nfa);
    ll_vocabulary_free(&g->vocabulary, &a);
    pthread_mutex_destroy(&g->lock);
    g->magic = FREED;
    ll_free(&a, g);
}

void llmcs_grammar_free(llmcs_grammar **grammar) {
    if (!grammar || !*grammar) return;
    llmcs_grammar *g = *grammar;
    *grammar = NULL;
    if (g->magic == MAGIC && atomic_fetch_sub(&g->references, 1) == 1) destroy(g);
}

/* What is compiled. */
typedef struct source {
    const char *const *choices;
    size_t n_choices;
    const char *regex, *schema;
    size_t n_bytes;
} source;

static llmcs_status compile_choices(ll_nfa *n, const source *s, ll_fragment *out) {
    for (size_t i = 0; i < s->n_choices; i++) {
        ll_fragment f;
        if (!s->choices[i] || !*s->choices[i])
            return ll_fail(LLMCS_ARG, "choices[%zu] is %s", i, s->choices[i] ? "empty" : "NULL");
        LL_TRY(ll_nfa_bytes(n, s->choices[i], strlen(s->choices[i]), &f));
        if (i)
            LL_TRY(ll_nfa_or(n, out, f));
        else
            *out = f;
    }
    return LLMCS_OK;
}

static llmcs_status compile(ll_nfa *n, const source *s) {
    uint32_t rule;
    ll_fragment body;
    if (s->schema) return ll_schema_compile(n, s->schema, s->n_bytes);
    LL_TRY(ll_nfa_add_rule(n, &rule));
    LL_TRY(s->regex ? ll_regex_compile(n, s->regex, s->n_bytes, LL_REGEX_TEXT, &body) : compile_choices(n, s, &body));
    ll_nfa_set_rule(n, rule, body);
    return LLMCS_OK;
}

/* Refused here instead of in every request: no token can be the first. */
static llmcs_status check_first_mask(llmcs_grammar *g) {
    const uint64_t *mask = NULL;
    LL_TRY(find_mask(g, g->automaton.start, true, &mask));
    for (size_t i = 0; mask && i < g->n_words; i++)
        if (mask[i]) return LLMCS_OK;
    return ll_fail(LLMCS_ARG, "no token of the vocabulary begins a text of the grammar");
}

static llmcs_status build(llmcs_grammar *g, const source *s) {
    LL_TRY(compile(&g->nfa, s));
    LL_TRY(ll_nfa_finish(&g->nfa));
    LL_TRY(ll_automaton_init(&g->automaton, &g->nfa));
    const size_t n_ids = llmcs_tokenizer_n_vocab(g->tokenizer);
    g->n_words = n_ids / 64 + 1;
    LL_TRY(ll_vocabulary_build(&g->vocabulary, &g->allocator, g->tokenizer, n_ids));
    const size_t depth = ll_max(g->vocabulary.first.max_depth, g->vocabulary.later.max_depth);
    LL_TRY(ll_alloc(&g->allocator, depth + 1, sizeof *g->path, "configurations of a grammar", &g->path));
    return check_first_mask(g);
}

static llmcs_status create(const llmcs_tokenizer *t, const source *s, llmcs_grammar **out) {
    llmcs_grammar *g;
    if (s->n_bytes > MAX_SOURCE_BYTES)
        return ll_fail(LLMCS_LIMIT, "the grammar has %zu bytes, at most %zu are allowed", s->n_bytes, MAX_SOURCE_BYTES);
    const llmcs_allocator a = ll_tokenizer_allocator(t);
    LL_TRY(ll_alloc_zero(&a, 1, sizeof *g, "grammar", &g));
    g->allocator = a;
    g->nfa.allocator = g->automaton.allocator = &g->allocator;
    if (pthread_mutex_init(&g->lock, NULL)) {
        ll_free(&a, g);
        return ll_fail(LLMCS_THREAD, "grammar: a lock could not be created");
    }
    g->magic = MAGIC;
    g->tokenizer = t;
    atomic_init(&g->references, 1);
    const llmcs_status status = build(g, s);
    if (status)
        destroy(g);
    else
        *out = g;
    return status;
}

static llmcs_status check_arguments(const char *call, const llmcs_tokenizer *t, const void *given,
                                    llmcs_grammar **grammar) {
    if (!grammar) return ll_fail(LLMCS_ARG, "%s: grammar is NULL", call);
    *grammar = NULL;
    if (!t || !given) return ll_fail(LLMCS_ARG, "%s: the %s is NULL", call, t ? "source" : "tokenizer");
    return LLMCS_OK;
}

llmcs_status llmcs_grammar_choices(const llmcs_tokenizer *tokenizer, const char *const *choices, size_t n_choices,
                                   llmcs_grammar **grammar) {
    LL_PUBLIC_CALL;
    LL_TRY(check_arguments("llmcs_grammar_choices", tokenizer, choices, grammar));
    if (!n_choices) return ll_fail(LLMCS_ARG, "llmcs_grammar_choices: no choices");
    LL_TRY(ll_check_array("choices", n_choices, sizeof *choices));
    const source s = {.choices = choices, .n_choices = n_choices};
    return create(tokenizer, &s, grammar);
}

llmcs_status llmcs_grammar_regex(const llmcs_tokenizer *tokenizer, const char *pattern, size_t pattern_bytes,
                                 llmcs_grammar **grammar) {
    LL_PUBLIC_CALL;
    LL_TRY(check_arguments("llmcs_grammar_regex", tokenizer, pattern, grammar));
    const source s = {.regex = pattern, .n_bytes = pattern_bytes == LLMCS_NUL ? strlen(pattern) : pattern_bytes};
    return create(tokenizer, &s, grammar);
}

llmcs_status llmcs_grammar_json_schema(const llmcs_tokenizer *tokenizer, const char *schema, size_t schema_bytes,
                                       llmcs_grammar **grammar) {
    LL_PUBLIC_CALL;
    LL_TRY(check_arguments("llmcs_grammar_json_schema", tokenizer, schema, grammar));
    const source s = {.schema = schema, .n_bytes = schema_bytes == LLMCS_NUL ? strlen(schema) : schema_bytes};
    return create(tokenizer, &s, grammar);
}
