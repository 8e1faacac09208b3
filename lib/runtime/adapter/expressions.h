/* Regular expressions over module names, as in adapter_config.json (Python's re). Constructs that need backtracking are
 * UNSUPPORTED, by name. */
#ifndef LL_RUNTIME_ADAPTER_EXPRESSIONS_H
#define LL_RUNTIME_ADAPTER_EXPRESSIONS_H

#include "grammar/automaton.h"

#define LL_MAX_EXPRESSIONS 64 /* of one list, besides plain names */

typedef struct ll_expression {
    const char *text; /* belongs to the caller */
    bool plain;       /* letters, digits, '_', '-' and '.': compared without an automaton */
    bool anywhere;    /* as below */
    ll_nfa nfa;       /* unless plain. The automaton is built per match, since a hostile one grows with its input */
} ll_expression;

/* anywhere: matches the name or its rest after any dot (rank_pattern, alpha_pattern: "(.*\.)?(text)$"); else the whole
 * name. key: for messages. UNSUPPORTED CONFIG LIMIT NOMEM. */
llmcs_status ll_expression_compile(ll_expression *e, const llmcs_allocator *a, const char *text, bool anywhere,
                                   const char *path, const char *key);
void ll_expression_free(ll_expression *e);
/* NOMEM LIMIT. */
llmcs_status ll_expression_matches(const ll_expression *e, const char *name, bool *matches);

#endif
