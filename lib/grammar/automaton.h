/*
 * Runs an ll_nfa: a configuration is the set of all (state, stack) that the bytes so far can be in, where a stack holds
 * the states to return to. Configurations are numbered when they are first met, and their steps are remembered, so that
 * it behaves like a deterministic automaton that is built as far as it is used. Exact: from every configuration that is
 * not DEAD the text can be completed. Not thread-safe.
 */
#ifndef LL_GRAMMAR_AUTOMATON_H
#define LL_GRAMMAR_AUTOMATON_H

#include "grammar/nfa.h"

#define LL_CONFIG_DEAD 0u
#define LL_AUTOMATON_MAX_BYTES ((size_t)192 << 20)

typedef struct ll_thread {
    uint32_t state, stack;
} ll_thread;

typedef struct ll_configuration {
    size_t first; /* of its threads */
    uint32_t n;
    bool accepts;  /* the text may end here */
    uint32_t *row; /* [256] configuration after each byte, UINT32_MAX: not known yet; or NULL */
} ll_configuration;

typedef struct ll_stack_node {
    uint32_t state, below, depth; /* returns to `state`; node 0 is the empty stack */
} ll_stack_node;

typedef struct ll_automaton {
    const ll_nfa *nfa;
    const llmcs_allocator *allocator;
    size_t bytes; /* in use */
    ll_configuration *configs;
    size_t n_configs, configs_capacity;
    uint32_t *config_table; /* [config_slots] hash table of numbers + 1 */
    size_t config_slots;
    ll_thread *threads;
    size_t n_threads, threads_capacity;
    ll_stack_node *stacks;
    size_t n_stacks, stacks_capacity;
    uint32_t *stack_table; /* [stack_slots] */
    size_t stack_slots;
    /* Of the configuration that is being built: */
    ll_thread *found, *todo;
    size_t n_found, found_capacity, n_todo, todo_capacity;
    uint64_t *seen; /* [seen_slots] hash set of (state, stack) + 1 */
    size_t seen_slots, n_seen;
    bool accepts;
    uint32_t start;
} ll_automaton;

/* The nfa is finished and outlives the automaton. LIMIT NOMEM: nothing to free. */
llmcs_status ll_automaton_init(ll_automaton *a, const ll_nfa *nfa);
/* Further calls have no effect. */
void ll_automaton_free(ll_automaton *a);

/* The configuration after one more byte. LIMIT: more than LL_AUTOMATON_MAX_BYTES. */
llmcs_status ll_automaton_step(ll_automaton *a, uint32_t config, uint8_t byte, uint32_t *next);
static inline bool ll_automaton_accepts(const ll_automaton *a, uint32_t config) { return a->configs[config].accepts; }
/* Drops the cached steps; they are computed again when needed. */
void ll_automaton_forget_rows(ll_automaton *a);

#endif
