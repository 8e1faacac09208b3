/* A compiled grammar over a tokenizer's vocabulary: which tokens may come next. Threads and requests share
 * it, and the masks that one of them computed. */
#ifndef LL_GRAMMAR_GRAMMAR_H
#define LL_GRAMMAR_GRAMMAR_H

#include "base/alloc.h"

/* A text's position in the grammar. */
typedef uint32_t ll_grammar_state;

/* ARG (not a grammar of this tokenizer), STATE (freed). */
llmcs_status ll_grammar_check(const llmcs_grammar *g, const llmcs_tokenizer *t);
void ll_grammar_retain(llmcs_grammar *g);

ll_grammar_state ll_grammar_start(const llmcs_grammar *g);

/* The tokens that may come next: bit id of allowed [n_words]. first: no token came before. *ends: the text may end
 * here. LIMIT NOMEM. */
llmcs_status ll_grammar_mask(llmcs_grammar *g, ll_grammar_state at, bool first, uint64_t *allowed, size_t n_words,
                             bool *ends);
/* After an allowed token. LIMIT NOMEM. */
llmcs_status ll_grammar_advance(llmcs_grammar *g, ll_grammar_state at, bool first, int32_t id, ll_grammar_state *next);

#endif
