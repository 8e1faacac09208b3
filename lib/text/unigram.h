/* Unigram (Kudo 2018): Viterbi's algorithm, from left to right, finds the segmentation with the largest sum of scores,
 * which are logarithms of probabilities. */
#ifndef LL_TEXT_UNIGRAM_H
#define LL_TEXT_UNIGRAM_H

#include "formats/tokenizer_files.h"
#include "text/byte_tokens.h"
#include "text/double_array.h"
#include "text/encoding.h"
#include "text/vocab.h"

/* Most bytes of a token; a byte of the text is read at most this often. */
#define LL_UNIGRAM_MAX_TOKEN 1024

typedef struct ll_unigram {
    ll_double_array trie; /* token -> id; without special tokens, which text never becomes */
    double *score;        /* by the trie's ids */
    uint8_t *n_bytes;     /* the same: bytes of a token, 255 for longer ones */
    uint64_t seed;
    int32_t unk_id;
    double unk_score; /* of one character without a token of its own */
    bool byte_fallback;
    ll_byte_tokens bytes;
    bool single_precision;  /* sums are float as in SentencePiece's C++ library, else double */
    const ll_vocab *lookup; /* Marian: ids are looked up here by the token's text; NULL: they are the trie's */
    bool *hidden;           /* [lookup->n_ids]: special tokens, which text does not produce; with lookup */
    int32_t unk_mark;       /* what the trie's ids have for an unknown character */
} ll_unigram;

/* The best segmentation up to a position of the text. */
typedef struct ll_unigram_node {
    double score;
    int32_t id;      /* of its last token; -1: there is none yet */
    uint32_t length; /* of that token, in bytes */
} ll_unigram_node;

/* A cached word with its tokens: most words of a text occur again. */
#define LL_UNIGRAM_WORD 23  /* bytes at most */
#define LL_UNIGRAM_TOKENS 5 /* tokens at most */
typedef struct ll_unigram_word {
    char text[LL_UNIGRAM_WORD];
    uint8_t n_bytes; /* 0: a free slot */
    int32_t id[LL_UNIGRAM_TOKENS];
    uint8_t end[LL_UNIGRAM_TOKENS]; /* where each token ends */
    uint8_t n_tokens;
} ll_unigram_word;

/* Lives for one llmcs_encode; starts zeroed. */
typedef struct ll_unigram_scratch {
    ll_unigram_node *node;
    size_t capacity;
    ll_unigram_word *word; /* [LL_UNIGRAM_WORDS], once n_bytes says that the text is long */
    size_t n_bytes;        /* of the text so far */
} ll_unigram_scratch;

#define LL_UNIGRAM_WORDS 4096 /* a power of two */

/* special: marks the ids that text does not produce. Errors name spec->path: LIMIT for a token that is too long,
 * TOKENIZER for a score that is not a number and a missing unknown token. */
llmcs_status ll_unigram_build(ll_unigram *m, const llmcs_allocator *a, const ll_vocab *vocab,
                              const ll_tokenizer_spec *spec, const bool *special);
void ll_unigram_free(ll_unigram *m, const llmcs_allocator *a);
void ll_unigram_scratch_free(ll_unigram_scratch *s, const llmcs_allocator *a);

/* Appends the tokens of the view. Linear: each byte is read at most LL_UNIGRAM_MAX_TOKEN times. */
llmcs_status ll_unigram_encode(const ll_unigram *m, ll_unigram_scratch *s, const llmcs_allocator *a,
                               const ll_view *view, ll_encoding *out);

#endif
