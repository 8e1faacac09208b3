/* Byte-level byte-pair encoding (Sennrich et al. 2016; Radford et al. 2019): a word starts as one token per byte. The
 * adjacent pair with the lowest rank in the table of merges, on ties the leftmost, becomes one token, until no pair is
 * in the table. */
#ifndef LL_TEXT_BPE_H
#define LL_TEXT_BPE_H

#include "formats/tokenizer_files.h"
#include "text/encoding.h"
#include "text/hash.h"
#include "text/string_set.h"
#include "text/vocab.h"

#define LL_BPE_NO_RANK UINT32_MAX

/* Merges by their left side: a small hash table for each token, so that those of the tokens of a text stay in the
 * cache.
 */
typedef struct ll_bpe_slot {
    int32_t right; /* -1: free */
    uint32_t rank;
} ll_bpe_slot;

typedef struct ll_bpe_side {
    uint32_t first, mask; /* its slots are slot[first] .. slot[first + mask], of which one at least is free */
} ll_bpe_side;

/* A character that merging may start with as one symbol, except next to a byte of these classes: bpe_symbols.c. */
typedef struct ll_bpe_char {
    int32_t id;                     /* its token; -1: it is always taken as bytes */
    uint16_t not_after, not_before; /* bit k: not directly after, or before, a byte of class k */
} ll_bpe_char;

#define LL_BPE_CLASSES 16
static inline unsigned ll_bpe_class(unsigned char byte) { return byte < 0x80 ? 15u : byte % 15u; }

typedef struct ll_bpe {
    int32_t byte_id[256];     /* -1: no token */
    size_t n_missing;         /* bytes without a token */
    int32_t unk_id;           /* their replacement; -1: they are dropped */
    bool fuse_unk;            /* one token for a run of them */
    uint64_t (*joined)[4];    /* [256]: bit y of [x]: some token has byte y after byte x */
    uint32_t *byte_rank;      /* [256][256]: rank of a pair of bytes, the most frequent lookup */
    ll_bpe_char *whole_chars; /* [65536]: characters of 2 and 3 bytes; NULL: none is known */
    bool begins_char[256];    /* enough of those that begin with this byte are known to look for them */
    ll_bpe_side *left;        /* [n_ids] */
    ll_bpe_slot *slot;        /* [n_slots] */
    size_t n_slots;
    int32_t *result; /* [n_merges]: the token that a merge of this rank makes */
    size_t n_merges;
    uint32_t *token_bytes; /* [n_ids]: length of a token's text in bytes */
    size_t n_ids;
    bool chars;           /* tokens are texts (bpe_chars.h), not written in the byte alphabet */
    ll_string_set words;  /* short tokens by their text */
    bool ignore_merges;   /* a word that is a token is not merged */
    uint8_t *whole;       /* [n_ids] with ignore_merges: the token may be a word by itself */
    size_t longest_whole; /* bytes of the longest of these */
    const ll_vocab *vocab;
    uint64_t seed;
} ll_bpe;

typedef struct ll_bpe_long ll_bpe_long;

/* Lives for one llmcs_encode; starts zeroed. */
typedef struct ll_bpe_scratch {
    ll_bpe_long *queue;
    int32_t *symbols; /* of a long word */
    size_t symbol_capacity;
    char *word; /* a word in the alphabet of bytes */
    size_t word_capacity;
    char *kept; /* bytes that have a token */
    size_t kept_capacity;
    ll_origin *origin; /* theirs */
    size_t origin_capacity;
} ll_bpe_scratch;

/* Builds in two steps: first merges, then words, which need only ids and flags of the spec. */
llmcs_status ll_bpe_build(ll_bpe *b, const llmcs_allocator *a, const ll_vocab *vocab, const ll_tokenizer_spec *spec,
                          uint64_t seed);
llmcs_status ll_bpe_add_words(ll_bpe *b, const llmcs_allocator *a, const ll_tokenizer_spec *spec);
void ll_bpe_free(ll_bpe *b, const llmcs_allocator *a);

void ll_bpe_scratch_free(ll_bpe_scratch *s, const llmcs_allocator *a);

/* Appends the tokens of [begin, end) of the view, whose bytes all have a token. */
llmcs_status ll_bpe_encode(const ll_bpe *b, ll_bpe_scratch *s, const llmcs_allocator *a, const ll_view *view,
                           size_t begin, size_t end, ll_encoding *out);

/* The same for any bytes. */
llmcs_status ll_bpe_encode_gaps(const ll_bpe *b, ll_bpe_scratch *s, const llmcs_allocator *a, const ll_view *view,
                                size_t begin, size_t end, ll_encoding *out);

/* With ignore_merges: the token with the text of a whole word of n bytes; -1: none. */
llmcs_status ll_bpe_find_whole(const ll_bpe *b, ll_bpe_scratch *s, const llmcs_allocator *a, const char *text, size_t n,
                               int32_t *id);

/* True if some merge may join a token that ends with byte x and one that begins with byte y. If not, the word is split
 * there into chunks that are merged independently. */
static inline bool ll_bpe_joins(const ll_bpe *b, unsigned char x, unsigned char y) {
    return b->joined[x][y / 64] >> y % 64 & 1;
}

/* Merging starts from symbols: the tokens of single bytes, or of characters that will be tokens anyway. Writes those of
 * n bytes to ids (capacity n), and the ranks of neighbours to rank (or NULL); returns their number, or SIZE_MAX if they
 * are more than `most`. */
size_t ll_bpe_symbols(const ll_bpe *b, const char *text, size_t n, size_t most, int32_t *ids, uint32_t *rank);

/* Merges up to LL_BPE_SHORT symbols in place and returns the number of tokens; scans all pairs after every merge. rank
 * has LL_BPE_SHORT elements (a multiple of four); those after the last pair are overwritten. */
#define LL_BPE_SHORT 96
size_t ll_bpe_merge(const ll_bpe *b, int32_t *ids, uint32_t *rank, size_t n);

/* A token of a word, and the number of the first of the symbols that it was made of. */
typedef struct ll_bpe_symbol {
    int32_t id;
    uint32_t first;
} ll_bpe_symbol;

/* The same for any number of symbols, with the pairs in a queue. *out is valid until the next call. */
llmcs_status ll_bpe_merge_symbols(const ll_bpe *b, ll_bpe_scratch *s, const llmcs_allocator *a, const int32_t *ids,
                                  size_t n, const ll_bpe_symbol **out, size_t *n_out);

/* bpe_symbols.c. Fills whole_chars once the other tables are there; a failure is that of an allocation. */
llmcs_status ll_bpe_find_chars(ll_bpe *b, const llmcs_allocator *a);

/* Prefetches the memory that ll_bpe_rank of this pair reads. */
static inline void ll_bpe_fetch(const ll_bpe *b, int32_t left, int32_t right) {
    const ll_bpe_side side = b->left[left];
    __builtin_prefetch(&b->slot[side.first + ((uint32_t)ll_hash_u64(b->seed, (uint32_t)right) & side.mask)]);
}

/* The rank of a pair; LL_BPE_NO_RANK: the pair has no merge. */
static inline uint32_t ll_bpe_rank(const ll_bpe *b, int32_t left, int32_t right) {
    const ll_bpe_side side = b->left[left];
    for (uint32_t i = (uint32_t)ll_hash_u64(b->seed, (uint32_t)right);; i++) {
        const ll_bpe_slot *slot = &b->slot[side.first + (i & side.mask)];
        if (slot->right == right) return slot->rank;
        if (slot->right < 0) return LL_BPE_NO_RANK;
    }
}

#endif
