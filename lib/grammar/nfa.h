/*
 * A nondeterministic automaton over bytes whose states may call rules (a recursive transition network): what regular
 * expressions and JSON schemas are compiled to. Fragments are built bottom up (Thompson, "Regular Expression Search
 * Algorithm", CACM 1968); each is one range of states, so that a counted repetition can copy it.
 */
#ifndef LL_GRAMMAR_NFA_H
#define LL_GRAMMAR_NFA_H

#include "base/alloc.h"

#define LL_NFA_NONE UINT32_MAX
#define LL_NFA_MAX_STATES ((size_t)1 << 19)
#define LL_NFA_MAX_DEPTH 64 /* rules inside rules */
#define LL_NFA_NEVER 255    /* ll_nfa_state.need: the rule's end is unreachable */

typedef enum ll_nfa_kind {
    LL_NFA_BYTES, /* a byte from lo to hi, then next */
    LL_NFA_SPLIT, /* no byte; next or other; NONE: no such branch */
    LL_NFA_CALL,  /* rule `other`, then next */
    LL_NFA_RETURN /* the end of a rule */
} ll_nfa_kind;

typedef struct ll_nfa_state {
    uint8_t kind, lo, hi;
    uint8_t need; /* levels of calls that the rest of the rule needs at least; set by ll_nfa_finish */
    uint32_t next, other;
} ll_nfa_state;

typedef struct ll_nfa {
    const llmcs_allocator *allocator;
    ll_nfa_state *states;
    size_t n_states, states_capacity;
    uint32_t *rules; /* [n_rules] first state; rule 0 is the whole text */
    size_t n_rules, rules_capacity;
} ll_nfa;

/* States [first, n_states when it was complete); ends in `end`, a SPLIT that leads nowhere yet. */
typedef struct ll_fragment {
    uint32_t first, start, end;
} ll_fragment;

/* Inclusive code points. */
typedef struct ll_code_range {
    uint32_t lo, hi;
} ll_code_range;

void ll_nfa_free(ll_nfa *n);

/* All of these: LIMIT for more than LL_NFA_MAX_STATES states, NOMEM. */
llmcs_status ll_nfa_empty(ll_nfa *n, ll_fragment *out);
llmcs_status ll_nfa_bytes(ll_nfa *n, const char *bytes, size_t n_bytes, ll_fragment *out);
llmcs_status ll_nfa_call(ll_nfa *n, uint32_t rule, ll_fragment *out);
/* One character of the ranges as UTF-8. `in_string`: as JSON writes it inside a string, in its shortest form. */
llmcs_status ll_nfa_chars(ll_nfa *n, const ll_code_range *ranges, size_t n_ranges, bool in_string, ll_fragment *out);
/* *a becomes a b, or a|b. b was built after a. */
void ll_nfa_join(ll_nfa *n, ll_fragment *a, ll_fragment b);
llmcs_status ll_nfa_or(ll_nfa *n, ll_fragment *a, ll_fragment b);
/* *a, the last fragment built, becomes a{min,max}; max SIZE_MAX: any number. */
llmcs_status ll_nfa_repeat(ll_nfa *n, ll_fragment *a, size_t min, size_t max);

/* A new rule without states, and its body. */
llmcs_status ll_nfa_add_rule(ll_nfa *n, uint32_t *rule);
void ll_nfa_set_rule(ll_nfa *n, uint32_t rule, ll_fragment body);

/* Computes ll_nfa_state.need. ARG: the text has no end, or a rule begins with itself. */
llmcs_status ll_nfa_finish(ll_nfa *n);

#endif
