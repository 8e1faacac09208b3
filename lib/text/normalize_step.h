/* Shared by the files of the normalizer's steps. */
#ifndef LL_TEXT_NORMALIZE_STEP_H
#define LL_TEXT_NORMALIZE_STEP_H

#include "text/normalize.h"

/* Reserves capacity for `more` characters after those of c. */
static inline llmcs_status ll_reserve_chars(ll_chars *c, const llmcs_allocator *a, size_t more) {
    if (more <= c->capacity - c->n) return LLMCS_OK;
    return ll_grow(a, &c->at, c->n, &c->capacity, c->n + more, sizeof *c->at, "text of the normalizer");
}

/* What a step wrote to s->other becomes the text. */
static inline void ll_swap_chars(ll_normalizer_scratch *s) {
    ll_chars text = s->text;
    s->text = s->other;
    s->other = text;
}

/* normalize_charsmap.c */
llmcs_status ll_apply_charsmap(const ll_normalizer_step *step, ll_normalizer_scratch *s, const llmcs_allocator *a);
llmcs_status ll_apply_sentencepiece(const ll_normalizer_step *step, ll_normalizer_scratch *s, const llmcs_allocator *a);

#endif
