/* WordLevel: a word of the pre-tokenizer is a token, or the unknown token (Keras' word_index). */
#ifndef LL_TEXT_WORDLEVEL_H
#define LL_TEXT_WORDLEVEL_H

#include "formats/tokenizer_files.h"
#include "text/encoding.h"
#include "text/vocab.h"

/* The id of spec's unknown token; TOKENIZER without one. */
llmcs_status ll_wordlevel_unk(const ll_tokenizer_spec *spec, const ll_vocab *vocab, int32_t *unk_id);

/* Appends the token of the view, one word. special: by id, tokens that text does not produce; single characters are
 * exempt, as in wordpiece.h. */
llmcs_status ll_wordlevel_encode(const ll_vocab *vocab, const uint8_t *flags, uint8_t special, int32_t unk_id,
                                 const llmcs_allocator *a, const ll_view *word, ll_encoding *out);

#endif
