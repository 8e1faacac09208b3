/* Byte-level BPE: the tables of merges, and the merging of short words. Long ones are in bpe_long.c, words with bytes
 * that have no token in bpe_gaps.c. */
#include "text/bpe.h"

#include <string.h>

#include "base/utf8.h"
#include "text/byte_level.h"

void ll_bpe_free(ll_bpe *b, const llmcs_allocator *a) {
    ll_free(a, b->joined);
    ll_free(a, b->byte_rank);
    ll_free(a, b->whole_chars);
    ll_free(a, b->left);
    ll_free(a, b->slot);
    ll_free(a, b->result);
    ll_free(a, b->token_bytes);
    ll_free(a, b->whole);
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

/* Merges whose sides are looked up together, so that memory accesses overlap. */
#define MERGES_AT_ONCE 16
typedef struct merge_pair {
    int32_t left, right;
} merge_pair;

/* The ids of a merge's sides and of its result. whole: a buffer for both sides. */
static llmcs_status find_ids(ll_bpe *b, const ll_vocab *vocab, const ll_tokenizer_spec *spec, size_t i,
                             const uint64_t hashes[2], char *whole, merge_pair *pair) {
    const ll_merge *m = &spec->merges[i];
    const int32_t left = ll_vocab_find_hashed(vocab, m->left, m->left_bytes, hashes[0]);
    if (left < 0) return fail_merge(spec, i, "left side", m->left, m->left_bytes);
    const int32_t right = ll_vocab_find_hashed(vocab, m->right, m->right_bytes, hashes[1]);
    if (right < 0) return fail_merge(spec, i, "right side", m->right, m->right_bytes);
    if (b->unk_id >= 0 && (left == b->unk_id || right == b->unk_id))
        return ll_fail(LLMCS_UNSUPPORTED, "%s: a merge of the unknown token \"%.*s\" is not supported",
                       spec->merges_path, (int)ll_min(spec->unk_token_bytes, 60), spec->unk_token);
    const size_t len = (size_t)m->left_bytes + m->right_bytes;
    memcpy(whole, m->left, m->left_bytes);
    memcpy(whole + m->left_bytes, m->right, m->right_bytes);
    /* Trainers write merges with the same result, or with consecutive results, next to each other. */
    int32_t result = i ? b->result[i - 1] : -1;
    if (!ll_vocab_is(vocab, result, whole, len)) result++;
    if (!ll_vocab_is(vocab, result, whole, len)) result = ll_vocab_find(vocab, whole, len);
    if (result < 0) return fail_merge(spec, i, "its result", whole, len);
    b->result[i] = result;
    *pair = (merge_pair){left, right};
    return LLMCS_OK;
}

static llmcs_status resolve_merges(ll_bpe *b, const llmcs_allocator *a, const ll_vocab *vocab,
                                   const ll_tokenizer_spec *spec, merge_pair *pairs) {
    size_t longest = 0;
    uint64_t hashes[MERGES_AT_ONCE][2];
    char *whole;
    for (size_t i = 0; i < spec->n_merges; i++)
        longest = ll_max(longest, (size_t)spec->merges[i].left_bytes + spec->merges[i].right_bytes);
    LL_TRY(ll_alloc(a, longest, 1, "merge", &whole));
    llmcs_status st = LLMCS_OK;
    for (size_t first = 0; first < spec->n_merges && !st; first += MERGES_AT_ONCE) {
        const size_t n = ll_min(MERGES_AT_ONCE, spec->n_merges - first);
        for (size_t k = 0; k < n; k++) {
            const ll_merge *m = &spec->merges[first + k];
            hashes[k][0] = ll_vocab_hash(vocab, m->left, m->left_bytes);
            hashes[k][1] = ll_vocab_hash(vocab, m->right, m->right_bytes);
        }
        for (size_t k = 0; k < n && !st; k++)
            st = find_ids(b, vocab, spec, first + k, hashes[k], whole, &pairs[first + k]);
    }
    ll_free(a, whole);
    return st;
}

/* Gives each left side slots for its merges: a power of two, a quarter of them free. */
static llmcs_status divide_slots(ll_bpe *b, const llmcs_allocator *a, const merge_pair *pairs) {
    LL_TRY(ll_alloc_zero(a, b->n_ids, sizeof *b->left, "merges", &b->left));
    for (size_t i = 0; i < b->n_merges; i++) b->left[pairs[i].left].mask++; /* their number, at first */
    size_t n = 1;                                                           /* the slot of those that have none */
    for (size_t id = 0; id < b->n_ids; id++) {
        const size_t count = b->left[id].mask;
        size_t size = 2;
        if (!count) continue;
        while (3 * size < 4 * count || size == count) size *= 2;
        b->left[id] = (ll_bpe_side){(uint32_t)n, (uint32_t)size - 1};
        n += size;
    }
    if (n > UINT32_MAX / 2) return ll_fail(LLMCS_LIMIT, "a tokenizer of %zu merges is too large", b->n_merges);
    b->n_slots = n;
    LL_TRY(ll_alloc(a, n, sizeof *b->slot, "merges", &b->slot));
    memset(b->slot, 0xff, n * sizeof *b->slot);
    return LLMCS_OK;
}

/* A pair that occurs twice has its last rank, as in Hugging Face's table. The ranks of two single bytes are also in a
 * table of their own. */
static void set_ranks(ll_bpe *b, const ll_tokenizer_spec *spec, const merge_pair *pairs) {
    for (size_t rank = 0; rank < b->n_merges; rank++) {
        if (rank + MERGES_AT_ONCE < b->n_merges)
            ll_bpe_fetch(b, pairs[rank + MERGES_AT_ONCE].left, pairs[rank + MERGES_AT_ONCE].right);
        const ll_merge *m = &spec->merges[rank];
        const int left = byte_of(m->left, m->left_bytes), right = byte_of(m->right, m->right_bytes);
        if (left >= 0 && right >= 0) b->byte_rank[(size_t)left << 8 | (size_t)right] = (uint32_t)rank;
        const ll_bpe_side side = b->left[pairs[rank].left];
        uint32_t i = (uint32_t)ll_hash_u64(b->seed, (uint32_t)pairs[rank].right);
        ll_bpe_slot *slot;
        for (;; i++) {
            slot = &b->slot[side.first + (i & side.mask)];
            if (slot->right < 0 || slot->right == pairs[rank].right) break;
        }
        *slot = (ll_bpe_slot){pairs[rank].right, (uint32_t)rank};
    }
}

static llmcs_status add_merges(ll_bpe *b, const llmcs_allocator *a, const ll_vocab *vocab,
                               const ll_tokenizer_spec *spec) {
    merge_pair *pairs;
    LL_TRY(ll_alloc(a, spec->n_merges, sizeof *pairs, "merges", &pairs));
    llmcs_status st = resolve_merges(b, a, vocab, spec, pairs);
    if (!st) st = divide_slots(b, a, pairs);
    if (!st) set_ranks(b, spec, pairs);
    ll_free(a, pairs);
    return st;
}

static void add_neighbours(ll_bpe *b, const char *text, size_t n) {
    const unsigned char *byte = (const unsigned char *)text;
    for (size_t i = 1; i < n; i++) b->joined[byte[i - 1]][byte[i] / 64] |= (uint64_t)1 << byte[i] % 64;
}

/* Records for each token its length in bytes and which bytes are adjacent in it, and adds short tokens to the table of
 * words. A token that is not written in the byte alphabet cannot be the result of a merge. */
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

/* With ignore_merges: the tokens that may be a whole word. Not special tokens: user text never becomes those. */
static llmcs_status find_whole(ll_bpe *b, const llmcs_allocator *a, const ll_tokenizer_spec *spec) {
    if (!spec->ignore_merges) return LLMCS_OK;
    b->ignore_merges = true;
    LL_TRY(ll_alloc_zero(a, b->n_ids, 1, "tokens that are words", &b->whole));
    for (size_t i = 0; i < spec->n_vocab; i++)
        if (spec->vocab[i].id >= 0) b->whole[spec->vocab[i].id] = 1;
    for (size_t i = 0; i < spec->n_added; i++)
        if (spec->added[i].id >= 0 && spec->added[i].special) b->whole[spec->added[i].id] = 0;
    for (size_t id = 0; id < b->n_ids; id++)
        if (b->whole[id]) b->longest_whole = ll_max(b->longest_whole, b->token_bytes[id]);
    return LLMCS_OK;
}

llmcs_status ll_bpe_build(ll_bpe *b, const llmcs_allocator *a, const ll_vocab *vocab, const ll_tokenizer_spec *spec,
                          uint64_t seed) {
    *b = (ll_bpe){.chars = spec->model == LL_TOKEN_BPE_CHARS,
                  .n_merges = spec->n_merges,
                  .n_ids = vocab->n_ids,
                  .vocab = vocab,
                  .seed = seed};
    llmcs_status st;
    LL_TRY_GOTO(st, find_bytes(b, vocab, spec), fail);
    LL_TRY_GOTO(st, ll_alloc(a, b->n_merges, sizeof *b->result, "merges", &b->result), fail);
    LL_TRY_GOTO(st, ll_alloc(a, 65536, sizeof *b->byte_rank, "byte pairs", &b->byte_rank), fail);
    memset(b->byte_rank, 0xff, 65536 * sizeof *b->byte_rank);
    LL_TRY_GOTO(st, add_merges(b, a, vocab, spec), fail);
    return LLMCS_OK;
fail:
    ll_bpe_free(b, a);
    return st;
}

llmcs_status ll_bpe_add_words(ll_bpe *b, const llmcs_allocator *a, const ll_tokenizer_spec *spec) {
    LL_TRY(ll_alloc(a, b->n_ids, sizeof *b->token_bytes, "token lengths", &b->token_bytes));
    LL_TRY(ll_alloc_zero(a, 256, sizeof *b->joined, "pairs of bytes", &b->joined));
    LL_TRY(ll_string_set_init(&b->words, a, b->vocab->n_tokens, b->seed));
    LL_TRY(measure_tokens(b, a, b->vocab));
    LL_TRY(find_whole(b, a, spec));
    return ll_bpe_find_chars(b, a);
}

/* ------------------------------------------------------------------------------------------------ encoding */

static inline uint32_t lower_of(uint32_t a, uint32_t b) { return a < b ? a : b; }

/* The index of the first lowest rank of n >= 1; rank is padded with LL_BPE_NO_RANK to a multiple of four. The minimum
 * is computed first, without branches that depend on the ranks (they are unpredictable), in four independent chains. */
static inline size_t index_of_lowest(const uint32_t *rank, size_t n) {
    if (n <= 2) return n == 2 && rank[1] < rank[0];
    uint32_t a = rank[0], b = rank[1], c = rank[2], d = rank[3];
    for (size_t i = 4; i < n; i += 4) {
        a = lower_of(a, rank[i]);
        b = lower_of(b, rank[i + 1]);
        c = lower_of(c, rank[i + 2]);
        d = lower_of(d, rank[i + 3]);
    }
    a = lower_of(lower_of(a, b), lower_of(c, d));
    size_t i = 0;
    while (rank[i] != a) i++;
    return i;
}

/* The character of 2 or 3 bytes at text[i] as a symbol; -1: no such character, cut off, or next to the wrong bytes. */
static inline int32_t char_symbol(const ll_bpe *b, const unsigned char *text, size_t n, size_t i, size_t *len) {
    const unsigned char *c = text + i;
    *len = c[0] < 0xe0 ? 2 : 3;
    if (!b->begins_char[c[0]] || n - i < *len) return -1;
    const uint32_t cp =
        *len == 2 ? (c[0] & 0x1fu) << 6 | (c[1] & 0x3fu) : (c[0] & 0xfu) << 12 | (c[1] & 0x3fu) << 6 | (c[2] & 0x3fu);
    const ll_bpe_char *known = &b->whole_chars[cp];
    if (i > 0 && known->not_after >> ll_bpe_class(c[-1]) & 1) return -1;
    if (n - i > *len && known->not_before >> ll_bpe_class(c[*len]) & 1) return -1;
    return known->id;
}

#define TO_LOOK_UP (LL_BPE_NO_RANK - 1)

size_t ll_bpe_symbols(const ll_bpe *b, const char *text, size_t n, size_t most, int32_t *ids, uint32_t *rank) {
    const unsigned char *byte = (const unsigned char *)text;
    size_t n_ids = 0, n_lookups = 0;
    int before = -1; /* the previous symbol, if it is a byte */
    for (size_t i = 0; i < n;) {
        size_t len;
        const unsigned char c = byte[i];
        const int32_t whole = char_symbol(b, byte, n, i, &len);
        if (n_ids == most) return SIZE_MAX;
        if (n_ids && rank) {
            const bool two_bytes = whole < 0 && before >= 0;
            rank[n_ids - 1] = two_bytes ? b->byte_rank[(size_t)before << 8 | c] : TO_LOOK_UP;
            n_lookups += !two_bytes;
        }
        ids[n_ids++] = whole < 0 ? b->byte_id[c] : whole;
        before = whole < 0 ? c : -1;
        i += whole < 0 ? 1 : len;
    }
    for (size_t i = 0; n_lookups && i + 1 < n_ids; i++)
        if (rank[i] == TO_LOOK_UP) rank[i] = ll_bpe_rank(b, ids[i], ids[i + 1]);
    return n_ids;
}

static inline size_t merge(const ll_bpe *b, int32_t *ids, uint32_t *rank, size_t n) {
    for (size_t i = n ? n - 1 : 0; i % 4; i++) rank[i] = LL_BPE_NO_RANK;
    while (n > 1) {
        const size_t at = index_of_lowest(rank, n - 1);
        if (rank[at] == LL_BPE_NO_RANK) break;
        ids[at] = b->result[rank[at]];
        n--;
        if (at > 0) ll_bpe_fetch(b, ids[at - 1], ids[at]); /* while the other one is looked up */
        if (at + 1 < n) {
            const uint32_t next = ll_bpe_rank(b, ids[at], ids[at + 2]);
            memmove(ids + at + 1, ids + at + 2, (n - at - 1) * sizeof *ids);
            memmove(rank + at + 1, rank + at + 2, (n - at - 2) * sizeof *rank);
            rank[at] = next;
        }
        rank[n - 1] = LL_BPE_NO_RANK;
        if (at > 0) rank[at - 1] = ll_bpe_rank(b, ids[at - 1], ids[at]);
    }
    return n;
}

size_t ll_bpe_merge(const ll_bpe *b, int32_t *ids, uint32_t *rank, size_t n) { return merge(b, ids, rank, n); }

/* ll_bpe_symbols for n >= 1 bytes that are a symbol each, as in English; false: some characters may be symbols. */
static inline bool symbols_of_bytes(const ll_bpe *b, const char *text, size_t n, int32_t *ids, uint32_t *rank) {
    const unsigned char *byte = (const unsigned char *)text;
    for (size_t i = 0; i + 1 < n; i++) {
        if (b->begins_char[byte[i]]) return false;
        ids[i] = b->byte_id[byte[i]];
        rank[i] = b->byte_rank[(size_t)byte[i] << 8 | byte[i + 1]];
    }
    ids[n - 1] = b->byte_id[byte[n - 1]]; /* the last byte cannot begin a complete character */
    return true;
}

/* n bytes, 1 to LL_BPE_SHORT. */
static size_t merge_bytes(const ll_bpe *b, const char *text, size_t n, int32_t *ids) {
    uint32_t rank[LL_BPE_SHORT];
    const bool done = symbols_of_bytes(b, text, n, ids, rank);
    return merge(b, ids, rank, done ? n : ll_bpe_symbols(b, text, n, LL_BPE_SHORT, ids, rank));
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
    const size_t n_ids = merge_bytes(b, text, n, ids);
    if (state != NOT_TRIED) return n_ids;
    const bool whole = b->ignore_merges && b->whole[word->id], same = n_ids == 1 && ids[0] == word->id;
    atomic_store_explicit(&word->state, same || whole ? IS_TOKEN : IS_OTHER, memory_order_relaxed);
    if (!whole) return n_ids;
    ids[0] = word->id;
    return 1;
}

llmcs_status ll_bpe_find_whole(const ll_bpe *b, ll_bpe_scratch *s, const llmcs_allocator *a, const char *text, size_t n,
                               int32_t *id) {
    *id = -1;
    if (!b->ignore_merges || n > b->longest_whole) return LLMCS_OK;
    LL_TRY(ll_grow(a, &s->word, 0, &s->word_capacity, 2 * n, 1, "word"));
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        char utf8[4];
        const size_t k = ll_utf8_encode(ll_byte_to_char((unsigned char)text[i]), utf8);
        memcpy(s->word + len, utf8, k);
        len += k;
    }
    const int32_t found = ll_vocab_find(b->vocab, s->word, len);
    if (found >= 0 && b->whole[found]) *id = found;
    return LLMCS_OK;
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

/* A chunk of more than LL_BPE_SHORT bytes. */
static llmcs_status encode_long_chunk(const ll_bpe *b, ll_bpe_scratch *s, const llmcs_allocator *a, const ll_view *view,
                                      size_t begin, size_t end, ll_encoding *out) {
    const char *text = view->text + begin;
    const size_t n = end - begin;
    const ll_bpe_symbol *merged;
    size_t n_ids;
    if (n <= 3 * LL_BPE_SHORT) {
        uint32_t rank[LL_BPE_SHORT];
        LL_TRY(ll_encoding_reserve(out, a, n));
        n_ids = ll_bpe_symbols(b, text, n, LL_BPE_SHORT, out->ids + out->n, rank);
        if (n_ids != SIZE_MAX) {
            add_written(b, view, begin, ll_bpe_merge(b, out->ids + out->n, rank, n_ids), out);
            return LLMCS_OK;
        }
    }
    LL_TRY(ll_grow(a, &s->symbols, 0, &s->symbol_capacity, n, sizeof *s->symbols, "long word"));
    n_ids = ll_bpe_symbols(b, text, n, n, s->symbols, NULL);
    LL_TRY(ll_bpe_merge_symbols(b, s, a, s->symbols, n_ids, &merged, &n_ids));
    LL_TRY(ll_encoding_reserve(out, a, n_ids));
    for (size_t i = 0; i < n_ids; i++) out->ids[out->n + i] = merged[i].id;
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

/* Most short words are one token and are looked up whole. Longer ones are split into chunks, often of a single byte. */
llmcs_status ll_bpe_encode(const ll_bpe *b, ll_bpe_scratch *s, const llmcs_allocator *a, const ll_view *view,
                           size_t begin, size_t end, ll_encoding *out) {
    if (end - begin <= LL_WORD_BYTES) {
        LL_TRY(ll_encoding_reserve(out, a, end - begin));
        add_written(b, view, begin, merge_word(b, view->text + begin, end - begin, out->ids + out->n), out);
        return LLMCS_OK;
    }
    int32_t whole = -1;
    if (b->ignore_merges) LL_TRY(ll_bpe_find_whole(b, s, a, view->text + begin, end - begin, &whole));
    if (whole >= 0) {
        LL_TRY(ll_encoding_reserve(out, a, 1));
        out->ids[out->n] = whole;
        add_written(b, view, begin, 1, out);
        return LLMCS_OK;
    }
    for (size_t next; begin < end; begin = next) {
        next = chunk_end(b, view->text, begin, end);
        const size_t n = next - begin;
        if (n > LL_BPE_SHORT) {
            LL_TRY(encode_long_chunk(b, s, a, view, begin, next, out));
            continue;
        }
        LL_TRY(ll_encoding_reserve(out, a, n));
        int32_t *ids = out->ids + out->n;
        if (n == 1) ids[0] = b->byte_id[(unsigned char)view->text[begin]];
        add_written(b, view, begin, n == 1 ? 1 : merge_bytes(b, view->text + begin, n, ids), out);
    }
    return LLMCS_OK;
}
