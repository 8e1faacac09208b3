/* Pre-tokenizers of tokenizer.json as a list of steps: each cuts every piece of the one before it, and some change the
 * text first (a space in front). The meaning is that of Hugging Face's tokenizers. */
#ifndef LL_TEXT_PRE_TOKENIZER_H
#define LL_TEXT_PRE_TOKENIZER_H

#include "formats/tokenizer_files.h"
#include "text/encoding.h"
#include "text/split.h"
#include "text/unicode.h"

/* What one step cuts, and how far it is. */
typedef struct ll_pre_level {
    ll_view view;
    size_t at;
    ll_split_cursor cursor; /* PATTERN */
    char *text;             /* the view's text where the step changed it, and where that came from */
    size_t text_capacity;
    ll_origin *origin;
    size_t origin_capacity;
} ll_pre_level;

/* Lives for one llmcs_encode; starts zeroed. */
typedef struct ll_pre_scratch {
    ll_pre_level level[LL_MAX_SPLIT_STEPS];
} ll_pre_scratch;

void ll_pre_scratch_free(ll_pre_scratch *s, const llmcs_allocator *a);

/* Receives the pieces in the order of the text; none is empty. */
typedef llmcs_status (*ll_piece_fn)(void *context, const ll_view *piece);

/* Cuts the view with n_steps steps (0: it is one piece). Linear in the text. want_origins: where a step changes text,
 * the pieces' origins are kept; LL_PREPEND_FIRST needs them. */
llmcs_status ll_pre_tokenize(const ll_split_step *steps, size_t n_steps, const ll_unicode *u, ll_pre_scratch *s,
                             const llmcs_allocator *a, const ll_view *view, bool want_origins, ll_piece_fn piece,
                             void *context);

/* *out: a copy of the view with a space in front, which has the span of the first character. */
llmcs_status ll_pre_prefix_space(ll_pre_scratch *s, const llmcs_allocator *a, const ll_view *view, bool want_origins,
                                 ll_view *out);

#endif
