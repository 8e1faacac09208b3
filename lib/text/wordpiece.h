/* WordPiece (Schuster and Nakajima 2012, as in BERT): text is split at white space and punctuation, and each word into
 * the longest tokens from left to right. A word that cannot be split becomes [UNK]. */
#ifndef LL_TEXT_WORDPIECE_H
#define LL_TEXT_WORDPIECE_H

#include "formats/tokenizer_files.h"
#include "text/encoding.h"
#include "text/string_set.h"
#include "text/trie.h"
#include "text/unicode.h"
#include "text/vocab.h"

/* Most bytes of a token; a byte of the text is read at most this often. */
#define LL_WORDPIECE_MAX_TOKEN 4096

typedef struct ll_wordpiece {
    ll_trie trie;        /* root 0: whole tokens; root 1: tokens with the prefix, stored without it */
    ll_string_set words; /* short whole tokens, for one lookup per word */
    int32_t unk_id;
    size_t max_chars; /* a longer word is one [UNK] */
    bool has_prefix;  /* tokens inside a word are spelled with one */
} ll_wordpiece;

/* LIMIT for a vocabulary that is too large: n_bytes is the total of its tokens. */
llmcs_status ll_wordpiece_check_sizes(const ll_tokenizer_spec *spec, size_t n_bytes);

/* special: marks the special tokens, which text does not produce unless special tokens are requested. Single characters
 * are exempt: text contains them ("!" as padding). */
llmcs_status ll_wordpiece_build(ll_wordpiece *w, const llmcs_allocator *a, const ll_vocab *vocab,
                                const ll_tokenizer_spec *spec, const bool *special, uint64_t seed);
void ll_wordpiece_free(ll_wordpiece *w, const llmcs_allocator *a);

/* Appends the tokens of [begin, end) of the view, cut into words as BertPreTokenizer does. */
llmcs_status ll_wordpiece_encode(const ll_wordpiece *w, const ll_unicode *u, const llmcs_allocator *a,
                                 const ll_view *view, size_t begin, size_t end, ll_encoding *out);

/* Appends the tokens of [begin, end) of the view as one word, whatever it contains. */
llmcs_status ll_wordpiece_encode_word(const ll_wordpiece *w, const llmcs_allocator *a, const ll_view *view,
                                      size_t begin, size_t end, ll_encoding *out);

#endif
