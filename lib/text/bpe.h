/* Byte-level byte-pair encoding (Sennrich et al. 2016; Radford et al. 2019): a word starts as one token a
 * byte, and of all neighbours that the table of merges knows the pair of lowest rank, of those the leftmost, becomes
 * one token, until there is no such pair. */
#ifndef LL_TEXT_BPE_H
#define LL_TEXT_BPE_H

#include "formats/tokenizer_files.h"
#include "text/encoding.h"
#include "text/hash.h"
#include "text/string_set.h"
#include "text/vocab.h"

#define LL_BPE_NO_RANK UINT32_MAX

typedef struct ll_bpe_pair {
    uint64_t key;  /* left id << 32 | right id */
    uint32_t rank; /* LL_BPE_NO_RANK: a free slot */
} ll_bpe_pair;

typedef struct ll_bpe {
    int32_t byte_id[256];  /* -1: no token */
    size_t n_missing;      /* bytes without a token */
    int32_t unk_id;        /* their replacement; -1: they are dropped */
    bool fuse_unk;         /* one token for a run of them */
    uint64_t (*joined)[4]; /* [256]: bit y of [x]: some token has byte y behind byte x */
    uint32_t *byte_rank;   /* [256][256]: rank of a pair of bytes, the most frequent lookup */
    ll_bpe_pair *pair;     /* [n_pairs], a power of two */
    size_t n_pairs;
    int32_t *merged; /* [n_merges]: the token that a merge produces */
    size_t n_merges;
    uint32_t *token_bytes; /* [n_ids]: length of a token's text in bytes */
    size_t n_ids;
    bool chars;          /* tokens are texts (bpe_chars.h), not written in the byte alphabet */
    ll_string_set words; /* short tokens by their text */
    uint64_t seed;
} ll_bpe;

typedef struct ll_bpe_long ll_bpe_long;

/* Lives for one llmcs_encode; starts zeroed. */
typedef struct ll_bpe_scratch {
    ll_bpe_long *queue;
    char *kept; /* bytes that have a token */
    size_t kept_capacity;
    ll_origin *origin; /* theirs */
    size_t origin_capacity;
} ll_bpe_scratch;

llmcs_status ll_bpe_build(ll_bpe *b, const llmcs_allocator *a, const ll_vocab *vocab, const ll_tokenizer_spec *spec,
                          uint64_t seed);
void ll_bpe_free(ll_bpe *b, const llmcs_allocator *a);

void ll_bpe_scratch_free(ll_bpe_scratch *s, const llmcs_allocator *a);

/* Appends the tokens of [begin, end) of the view, whose bytes all have a token. */
llmcs_status ll_bpe_encode(const ll_bpe *b, ll_bpe_scratch *s, const llmcs_allocator *a, const ll_view *view,
                           size_t begin, size_t end, ll_encoding *out);

/* The same for any bytes. */
llmcs_status ll_bpe_encode_gaps(const ll_bpe *b, ll_bpe_scratch *s, const llmcs_allocator *a, const ll_view *view,
                                size_t begin, size_t end, ll_encoding *out);

/* True if some merge may join a token that ends with byte x and one that begins with byte y. Elsewhere a word falls
 * into chunks that are merged independently. */
static inline bool ll_bpe_joins(const ll_bpe *b, unsigned char x, unsigned char y) {
    return b->joined[x][y / 64] >> y % 64 & 1;
}

/* Two ways to merge, public for tests: the short one scans all pairs after every merge (n up to LL_BPE_SHORT), the long
 * one keeps them in a queue. ids: capacity n; returns the number of tokens. */
#define LL_BPE_SHORT 96
size_t ll_bpe_merge_short(const ll_bpe *b, const char *text, size_t n, int32_t *ids);
llmcs_status ll_bpe_merge_long(const ll_bpe *b, ll_bpe_scratch *s, const llmcs_allocator *a, const char *text, size_t n,
                               const int32_t **ids, size_t *n_ids);

/* A token of a word that started as other symbols than its bytes, and the number of the first of them. */
typedef struct ll_bpe_symbol {
    int32_t id;
    uint32_t first;
} ll_bpe_symbol;

/* The long way for n symbols of any kind. *out is valid until the next call. */
llmcs_status ll_bpe_merge_symbols(const ll_bpe *b, ll_bpe_scratch *s, const llmcs_allocator *a, const int32_t *ids,
                                  size_t n, const ll_bpe_symbol **out, size_t *n_out);

static inline uint64_t ll_bpe_key(int32_t left, int32_t right) {
    return (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
}

/* Prefetches what ll_bpe_rank of these reads. */
static inline void ll_bpe_fetch(const ll_bpe *b, int32_t left, int32_t right) {
    __builtin_prefetch(&b->pair[(size_t)ll_hash_u64(b->seed, ll_bpe_key(left, right)) & (b->n_pairs - 1)]);
}

static inline uint32_t ll_bpe_rank(const ll_bpe *b, int32_t left, int32_t right) {
    uint64_t key = ll_bpe_key(left, right);
    size_t mask = b->n_pairs - 1;
    for (size_t i = (size_t)ll_hash_u64(b->seed, key) & mask;; i = (i + 1) & mask) {
        if (b->pair[i].rank == LL_BPE_NO_RANK) return LL_BPE_NO_RANK;
        if (b->pair[i].key == key) return b->pair[i].rank;
    }
}

#endif
