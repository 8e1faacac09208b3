/* Byte-pair encoding over characters, as in SentencePiece (Llama 2, Gemma): a word starts as one token per character; a
 * character without a token starts as its bytes (<0xE4>) or as the unknown token. Merging is that of bpe.h. */
#ifndef LL_TEXT_BPE_CHARS_H
#define LL_TEXT_BPE_CHARS_H

#include "text/bpe.h"
#include "text/byte_tokens.h"

typedef struct ll_bpe_chars {
    const ll_bpe *bpe;
    const ll_vocab *vocab;
    int32_t *char_id; /* [0x10000]: token of a character; -1: none */
    int32_t unk_id;   /* -1: characters without a token are left out */
    bool fuse_unk, byte_fallback;
    bool merges_bytes; /* a merge has a token of byte fallback as a side */
    ll_byte_tokens bytes;
} ll_bpe_chars;

/* Lives for one llmcs_encode; starts zeroed. A word's symbols: the tokens it starts with. */
typedef struct ll_bpe_chars_scratch {
    int32_t *id;     /* [n] */
    uint32_t *begin; /* [n + 1]: bytes of the word; a symbol ends where the next one begins */
    size_t n, id_capacity, begin_capacity;
} ll_bpe_chars_scratch;

/* bpe: built from the same spec; it and vocab must outlive the result. */
llmcs_status ll_bpe_chars_build(ll_bpe_chars *b, const llmcs_allocator *a, const ll_bpe *bpe, const ll_vocab *vocab,
                                const ll_tokenizer_spec *spec);
void ll_bpe_chars_free(ll_bpe_chars *b, const llmcs_allocator *a);
void ll_bpe_chars_scratch_free(ll_bpe_chars_scratch *s, const llmcs_allocator *a);

/* Appends the tokens of [begin, end) of the view, one word. */
llmcs_status ll_bpe_chars_encode(const ll_bpe_chars *b, ll_bpe_chars_scratch *s, ll_bpe_scratch *merging,
                                 const llmcs_allocator *a, const ll_view *view, size_t begin, size_t end,
                                 ll_encoding *out);

#endif
