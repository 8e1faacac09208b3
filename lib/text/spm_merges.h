/* The merges of a SentencePiece BPE model, which has scores instead. */
#ifndef LL_TEXT_SPM_MERGES_H
#define LL_TEXT_SPM_MERGES_H

#include "formats/tokenizer_files.h"
#include "text/vocab.h"

/* Fills spec->merges, in spec's arena, as Transformers does (convert_slow_tokenizer.py, generate_merges): every way to
 * cut a token into two tokens is a merge; they are ordered by the token's score, the characters of the left and of the
 * right side, all descending, then by the token's and its sides' ids. */
llmcs_status ll_spm_merges(ll_tokenizer_spec *spec, const ll_vocab *vocab);

#endif
