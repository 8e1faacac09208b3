/* Byte-level BPE: the tables of merges, and the merging of short words. Long ones are in bpe_long.c, words with bytes
 * that have no token in bpe_gaps.c. */
#include "text/bpe.h"

#include <string.h>

#include "base/utf8.h"
#include "text/byte_level.h"

void ll_bpe_free(ll_bpe *b, const llmcs_allocator *a) {
    ll_free(a, b->joined);
    ll_free(a, b->byte_rank);
    ll_free(a, b->pair);
    ll_free(a, b->merged);
    ll_free(a, b->token_bytes);
    ll_string_set_free(&b->words, a);
    *b = (ll_bpe){0};
}

/* ------------------------------------------------------------------------------------------------- building */

/* The byte that a token stands for; -1: not one byte. */
static int byte_of(const char *token, size_t len) {
    char bytes[2]; /* no byte is written with more */
    return len <= 2 && ll_bytes_of_token(token, len, bytes) == 1 ? (unsigned char)bytes[0] : -1;
}

/* Bytes that only added tokens contain: the model has no token for them. */
static void find_added_bytes(const ll_tokenizer_spec *spec, bool added[256]) {
    int byte;
    for (size_t i = 0; i < spec->n_added; i++)
        if ((byte = byte_of(spec->added[i].content, spec->added[i].content_bytes)) >= 0) added[byte] = true;
    for (size_t i = 0; i < spec->n_vocab; i++)
        if ((byte = byte_of(spec->vocab[i].token, spec->vocab[i].token_bytes)) >= 0) added[byte] = false;
}

static llmcs_status find_bytes(ll_bpe *b, const ll_vocab *vocab, const ll_tokenizer_spec *spec) {
    bool added[256] = {false};
    find_added_bytes(spec, added);
    for (unsigned byte = 0; byte < 256; byte++) {
        char utf8[4];
        size_t len = ll_utf8_encode(ll_byte_to_char((unsigned char)byte), utf8);
        b->byte_id[byte] = added[byte] ? -1 : ll_vocab_find(vocab, utf8, len);
        b->n_missing += b->byte_id[byte] < 0;
    }
    b->fuse_unk = spec->fuse_unk;
    b->unk_id = -1;
    if (!spec->unk_token || !b->n_missing || b->chars) return LLMCS_OK;
    b->unk_id = ll_vocab_find(vocab, spec->unk_token, spec->unk_token_bytes);
    if (b->unk_id >= 0) return LLMCS_OK;
    return ll_fail(LLMCS_TOKENIZER,
                   "%s: %zu bytes have no token, and their unknown token \"%.*s\" is not in the vocabulary", spec->path,
                   b->n_missing, (int)ll_min(spec->unk_token_bytes, 60), spec->unk_token);
}

/* "merges.txt, line 7" or "tokenizer.json, merge 6". */
static llmcs_status fail_merge(const ll_tokenizer_spec *spec, size_t i, const char *problem, const char *token,
                               size_t len) {
    size_t number = i + spec->merges_line;
    return ll_fail(LLMCS_TOKENIZER, "%s, %s %zu: %s \"%.*s\" is not in the vocabulary", spec->merges_path,
                   spec->merges_line ? "line" : "merge", number, problem, (int)ll_min(len, 60), token);
}

/* Merges enter the tables in groups, in steps that each prefetch what the next one reads. One at a time, a merge would
 * wait for memory four times. */
#define MERGES_AT_ONCE 16
typedef struct merge_group {
    size_t first, n;                                      /* of spec->merges */
    uint64_t left[MERGES_AT_ONCE], right[MERGES_AT_ONCE]; /* hashes */
    uint64_t key[MERGES_AT_ONCE];
} merge_group;

static void hash_sides(const ll_vocab *vocab, const ll_tokenizer_spec *spec, merge_group *g) {
    for (size_t k = 0; k < g->n; k++) {
        const ll_merge *m = &spec->merges[g->first + k];
        g->left[k] = ll_vocab_hash(vocab, m->left, m->left_bytes);
        g->right[k] = ll_vocab_hash(vocab, m->right, m->right_bytes);
    }
}

/* Merge g->first + k: its key, and what it makes. whole: a buffer for both sides. */
static llmcs_status find_ids(ll_bpe *b, const ll_vocab *vocab, const ll_tokenizer_spec *spec, merge_group *g, size_t k,
                             char *whole) {
    const size_t i = g->first + k;
    const ll_merge *m = &spec->merges[i];
    const int32_t left = ll_vocab_find_hashed(vocab, m->left, m->left_bytes, g->left[k]);
    if (left < 0) return fail_merge(spec, i, "left side", m->left, m->left_bytes);
    const int32_t right = ll_vocab_find_hashed(vocab, m->right, m->right_bytes, g->right[k]);
    if (right < 0) return fail_merge(spec, i, "right side", m->right, m->right_bytes);
    if (b->unk_id >= 0 && (left == b->unk_id || right == b->unk_id))
        return ll_fail(LLMCS_UNSUPPORTED, "%s: a merge of the unknown token \"%.*s\" is not supported",
                       spec->merges_path, (int)ll_min(spec->unk_token_bytes, 60), spec->unk_token);
    const size_t len = (size_t)m->left_bytes + m->right_bytes;
    memcpy(whole, m->left, m->left_bytes);
    memcpy(whole + m->left_bytes, m->right, m->right_bytes);
    /* Ids of merges follow one another in what trainers write. */
    const int32_t next = i ? b->merged[i - 1] + 1 : -1;
    b->merged[i] = ll_vocab_is(vocab, next, whole, len) ? next : ll_vocab_find(vocab, whole, len);
    if (b->merged[i] < 0) return fail_merge(spec, i, "its result", whole, len);
    g->key[k] = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
    __builtin_prefetch(&b->pair[(size_t)ll_hash_u64(b->seed, g->key[k]) & (b->n_pairs - 1)], 1);
    return LLMCS_OK;
}

/* A pair that occurs twice has its last rank, as in Hugging Face's table. The ranks of two single bytes are also in a
 * table of their own. */
static void set_ranks(ll_bpe *b, const ll_tokenizer_spec *spec, const merge_group *g) {
    const size_t mask = b->n_pairs - 1;
    for (size_t k = 0; k < g->n; k++) {
        const ll_merge *m = &spec->merges[g->first + k];
        const int left = byte_of(m->left, m->left_bytes), right = byte_of(m->right, m->right_bytes);
        if (left >= 0 && right >= 0) b->byte_rank[(size_t)left << 8 | (size_t)right] = (uint32_t)(g->first + k);
        size_t i = (size_t)ll_hash_u64(b->seed, g->key[k]) & mask;
        while (b->pair[i].rank != LL_BPE_NO_RANK && b->pair[i].key != g->key[k]) i = (i + 1) & mask;
        b->pair[i] = (ll_bpe_pair){g->key[k], (uint32_t)(g->first + k)};
    }
}

static llmcs_status add_merges(ll_bpe *b, const llmcs_allocator *a, const ll_vocab *vocab,
                               const ll_tokenizer_spec *spec) {
    size_t longest = 0;
    for (size_t i = 0; i < spec->n_merges; i++)
        longest = ll_max(longest, (size_t)spec->merges[i].left_bytes + spec->merges[i].right_bytes);
    char *whole;
    LL_TRY(ll_alloc(a, longest, 1, "merge", &whole));
    llmcs_status st = LLMCS_OK;
    merge_group g;
    for (g.first = 0; g.first < spec->n_merges && !st; g.first += MERGES_AT_ONCE) {
        g.n = ll_min(MERGES_AT_ONCE, spec->n_merges - g.first);
        hash_sides(vocab, spec, &g);
        for (size_t k = 0; k < g.n && !st; k++) st = find_ids(b, vocab, spec, &g, k, whole);
        if (!st) set_ranks(b, spec, &g);
    }
    ll_free(a, whole);
    return st;
}

static void add_neighbours(ll_bpe *b, const char *text, size_t n) {
    const unsigned char *byte = (const unsigned char *)text;
    for (size_t i = 1; i < n; i++) b->joined[byte[i - 1]][byte[i] / 64] |= (uint64_t)1 << byte[i] % 64;
}

/* Records for each token its length in bytes and which bytes are adjacent in it, and adds short tokens to the table of
 * words. A token that is not written in the byte alphabet cannot come out of a merge. */
static llmcs_status measure_tokens(ll_bpe *b, const llmcs_allocator *a, const ll_vocab *vocab) {
    char *bytes;
    size_t longest = 0, len;
    for (size_t id = 0; id < b->n_ids; id++) {
        ll_vocab_token(vocab, (int32_t)id, &len);
        longest = ll_max(longest, len);
    }
    LL_TRY(ll_alloc(a, longest, 1, "token", &bytes));
    for (size_t id = 0; id < b->n_ids; id++) {
        const char *token = ll_vocab_token(vocab, (int32_t)id, &len);
        const size_t n = token && !b->chars ? ll_bytes_of_token(token, len, bytes) : len;
        if (token && b->chars) memcpy(bytes, token, len);
        b->token_bytes[id] = (uint32_t)(n == SIZE_MAX ? len : n);
        if (n != SIZE_MAX) add_neighbours(b, bytes, n);
        if (n > 0 && n <= LL_WORD_BYTES) ll_string_set_add(&b->words, bytes, n, (int32_t)id);
    }
    ll_string_set_finish(&b->words);
    ll_free(a, bytes);
    return LLMCS_OK;
}

llmcs_status ll_bpe_build(ll_bpe *b, const llmcs_allocator *a, const ll_vocab *vocab, const ll_tokenizer_spec *spec,
                          uint64_t seed) {
    *b = (ll_bpe){.chars = spec->model == LL_TOKEN_BPE_CHARS,
                  .n_merges = spec->n_merges,
                  .n_ids = vocab->n_ids,
                  .n_pairs = 16,
                  .seed = seed};
    while (b->n_pairs < 2 * spec->n_merges) b->n_pairs *= 2;
    llmcs_status st;
    LL_TRY_GOTO(st, find_bytes(b, vocab, spec), fail);
    LL_TRY_GOTO(st, ll_alloc(a, b->n_pairs, sizeof *b->pair, "merges", &b->pair), fail);
    LL_TRY_GOTO(st, ll_alloc(a, b->n_merges, sizeof *b->merged, "merges", &b->merged), fail);
    LL_TRY_GOTO(st, ll_alloc(a, b->n_ids, sizeof *b->token_bytes, "token lengths", &b->token_bytes), fail);
    LL_TRY_GOTO(st, ll_alloc_zero(a, 256, sizeof *b->joined, "pairs of bytes", &b->joined), fail);
    LL_TRY_GOTO(st, ll_alloc(a, 65536, sizeof *b->byte_rank, "byte pairs", &b->byte_rank), fail);
    LL_TRY_GOTO(st, ll_string_set_init(&b->words, a, vocab->n_tokens, seed), fail);
    for (size_t i = 0; i < b->n_pairs; i++) b->pair[i].rank = LL_BPE_NO_RANK;
    for (size_t i = 0; i < 65536; i++) b->byte_rank[i] = LL_BPE_NO_RANK;
    LL_TRY_GOTO(st, add_merges(b, a, vocab, spec), fail);
    LL_TRY_GOTO(st, measure_tokens(b, a, vocab), fail);
    return LLMCS_OK;
fail:
    ll_bpe_free(b, a);
    return st;
}

/* ------------------------------------------------------------------------------------------------ encoding */

static size_t index_of_lowest(const uint32_t *rank, size_t n) {
    size_t best = 0;
    for (size_t i = 1; i < n; i++)
        if (rank[i] < rank[best]) best = i;
    return best;
}

size_t ll_bpe_merge_short(const ll_bpe *b, const char *text, size_t n, int32_t *ids) {
    uint32_t rank[LL_BPE_SHORT]; /* of token i and the one behind it */
    const unsigned char *byte = (const unsigned char *)text;
    for (size_t i = 0; i < n; i++) ids[i] = b->byte_id[byte[i]];
    for (size_t i = 0; i + 1 < n; i++) rank[i] = b->byte_rank[(size_t)byte[i] << 8 | byte[i + 1]];
    while (n > 1) {
        size_t at = index_of_lowest(rank, n - 1);
        if (rank[at] == LL_BPE_NO_RANK) break;
        ids[at] = b->merged[rank[at]];
        n--;
        if (at > 0) ll_bpe_fetch(b, ids[at - 1], ids[at]); /* both ways at once */
        if (at + 1 < n) ll_bpe_fetch(b, ids[at], ids[at + 2]);
        memmove(ids + at + 1, ids + at + 2, (n - at - 1) * sizeof *ids);
        if (at + 1 < n) memmove(rank + at + 1, rank + at + 2, (n - at - 2) * sizeof *rank);
        if (at + 1 < n) rank[at] = ll_bpe_rank(b, ids[at], ids[at + 1]);
        if (at > 0) rank[at - 1] = ll_bpe_rank(b, ids[at - 1], ids[at]);
    }
    return n;
}

/* True if merging the bytes of a token's text gives that token. Nearly all tokens pass, but testing each at open would
 * take longer than everything else, so it happens on first use. All threads store the same result. */
enum { NOT_TRIED, IS_TOKEN, IS_OTHER };

static size_t merge_word(const ll_bpe *b, const char *text, size_t n, int32_t *ids) {
    ll_word *word = ll_string_set_find(&b->words, text, n);
    const unsigned state = word ? atomic_load_explicit(&word->state, memory_order_relaxed) : IS_OTHER;
    if (state == IS_TOKEN) {
        ids[0] = word->id;
        return 1;
    }
    const size_t n_ids = ll_bpe_merge_short(b, text, n, ids);
    if (state == NOT_TRIED) {
        const bool same = n_ids == 1 && ids[0] == word->id;
        atomic_store_explicit(&word->state, same ? IS_TOKEN : IS_OTHER, memory_order_relaxed);
    }
    return n_ids;
}

/* Adds n ids that were written after those of *out, and their spans; the first one starts at `begin`. */
static inline void add_written(const ll_bpe *b, const ll_view *view, size_t begin, size_t n, ll_encoding *out) {
    for (size_t i = out->n; i < out->n + n && out->want_spans; i++) {
        const size_t end = begin + b->token_bytes[out->ids[i]];
        out->spans[i] = ll_view_span(view, begin, end);
        begin = end;
    }
    out->n += n;
}

/* A chunk of at least two bytes. */
static llmcs_status encode_chunk(const ll_bpe *b, ll_bpe_scratch *s, const llmcs_allocator *a, const ll_view *view,
                                 size_t begin, size_t end, ll_encoding *out) {
    const char *text = view->text + begin;
    const size_t n = end - begin;
    const int32_t *ids;
    size_t n_ids;
    if (n <= LL_BPE_SHORT) {
        LL_TRY(ll_encoding_reserve(out, a, n));
        add_written(b, view, begin, ll_bpe_merge_short(b, text, n, out->ids + out->n), out);
        return LLMCS_OK;
    }
    LL_TRY(ll_bpe_merge_long(b, s, a, text, n, &ids, &n_ids));
    LL_TRY(ll_encoding_reserve(out, a, n_ids));
    memcpy(out->ids + out->n, ids, n_ids * sizeof *ids);
    add_written(b, view, begin, n_ids, out);
    return LLMCS_OK;
}

/* The end of the chunk that starts at `begin`: no merge crosses it. */
static inline size_t chunk_end(const ll_bpe *b, const char *text, size_t begin, size_t end) {
    const unsigned char *byte = (const unsigned char *)text;
    size_t i = begin + 1;
    while (i < end && ll_bpe_joins(b, byte[i - 1], byte[i])) i++;
    return i;
}

/* Most short words are one token, and are looked up whole. Longer ones are cut into chunks, often of a single byte. */
llmcs_status ll_bpe_encode(const ll_bpe *b, ll_bpe_scratch *s, const llmcs_allocator *a, const ll_view *view,
                           size_t begin, size_t end, ll_encoding *out) {
    if (end - begin <= LL_WORD_BYTES) {
        LL_TRY(ll_encoding_reserve(out, a, end - begin));
        add_written(b, view, begin, merge_word(b, view->text + begin, end - begin, out->ids + out->n), out);
        return LLMCS_OK;
    }
    for (size_t next; begin < end; begin = next) {
        next = chunk_end(b, view->text, begin, end);
        if (next - begin > 1) {
            LL_TRY(encode_chunk(b, s, a, view, begin, next, out));
            continue;
        }
        LL_TRY(ll_encoding_reserve(out, a, 1));
        out->ids[out->n] = b->byte_id[(unsigned char)view->text[begin]];
        add_written(b, view, begin, 1, out);
    }
    return LLMCS_OK;
}
