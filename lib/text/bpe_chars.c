/* From characters to symbols, and from symbols to merged tokens: short words by a table of whole tokens, others in
 * chunks that no merge crosses. */
#include "text/bpe_chars.h"

#include <string.h>

#include "base/utf8.h"

#define N_CHARS 0x10000u

void ll_bpe_chars_free(ll_bpe_chars *b, const llmcs_allocator *a) {
    ll_free(a, b->char_id);
    *b = (ll_bpe_chars){0};
}

void ll_bpe_chars_scratch_free(ll_bpe_chars_scratch *s, const llmcs_allocator *a) {
    ll_free(a, s->id);
    ll_free(a, s->begin);
    *s = (ll_bpe_chars_scratch){0};
}

/* ------------------------------------------------------------------------------------------------- building */

static void find_chars(ll_bpe_chars *b, const ll_tokenizer_spec *spec) {
    memset(b->char_id, 0xff, N_CHARS * sizeof *b->char_id);
    for (size_t i = 0; i < spec->n_vocab; i++) {
        const ll_vocab_entry *e = &spec->vocab[i];
        uint32_t cp;
        if (e->id < 0 || !e->token_bytes || e->token_bytes > 3) continue;
        if (ll_utf8_decode(e->token, e->token_bytes, &cp) == e->token_bytes && cp < N_CHARS) b->char_id[cp] = e->id;
    }
}

static bool merges_bytes(const ll_tokenizer_spec *spec) {
    for (size_t i = 0; i < spec->n_merges; i++) {
        const ll_merge *m = &spec->merges[i];
        if (ll_byte_of_token(m->left, m->left_bytes) >= 0 || ll_byte_of_token(m->right, m->right_bytes) >= 0)
            return true;
    }
    return false;
}

llmcs_status ll_bpe_chars_build(ll_bpe_chars *b, const llmcs_allocator *a, const ll_bpe *bpe, const ll_vocab *vocab,
                                const ll_tokenizer_spec *spec) {
    *b = (ll_bpe_chars){.bpe = bpe,
                        .vocab = vocab,
                        .unk_id = -1,
                        .fuse_unk = spec->fuse_unk,
                        .byte_fallback = spec->byte_fallback,
                        .merges_bytes = merges_bytes(spec)};
    if (spec->unk_token) {
        b->unk_id = ll_vocab_find(vocab, spec->unk_token, spec->unk_token_bytes);
        if (b->unk_id < 0)
            return ll_fail(LLMCS_TOKENIZER, "%s: the unknown token \"%.*s\" is not in the vocabulary", spec->path,
                           (int)ll_min(spec->unk_token_bytes, 60), spec->unk_token);
    }
    ll_byte_tokens_find(&b->bytes, vocab);
    LL_TRY(ll_alloc(a, N_CHARS, sizeof *b->char_id, "tokens of characters", &b->char_id));
    find_chars(b, spec);
    return LLMCS_OK;
}

/* -------------------------------------------------------------------------------------------------- symbols */

static int32_t find_char(const ll_bpe_chars *b, uint32_t cp, const char *text, size_t n) {
    return cp < N_CHARS ? b->char_id[cp] : ll_vocab_find(b->vocab, text, n);
}

static bool has_bytes(const ll_bpe_chars *b, const char *text, size_t n) {
    if (!b->byte_fallback) return false;
    for (size_t i = 0; i < n; i++)
        if (b->bytes.id[(unsigned char)text[i]] < 0) return false;
    return true;
}

static void push_symbol(ll_bpe_chars_scratch *s, int32_t id, size_t begin) {
    s->id[s->n] = id;
    s->begin[s->n++] = (uint32_t)begin;
}

/* The symbols of a word of n bytes. A character that is left out belongs to the symbol before it. */
static llmcs_status find_symbols(const ll_bpe_chars *b, ll_bpe_chars_scratch *s, const llmcs_allocator *a,
                                 const char *text, size_t n) {
    bool after_unk = false;
    s->n = 0;
    LL_TRY(ll_grow(a, &s->id, 0, &s->id_capacity, n, sizeof *s->id, "characters of a word"));
    LL_TRY(ll_grow(a, &s->begin, 0, &s->begin_capacity, n + 1, sizeof *s->begin, "characters of a word"));
    for (size_t i = 0, len; i < n; i += len) {
        uint32_t cp;
        len = ll_utf8_decode(text + i, n - i, &cp);
        const int32_t id = find_char(b, cp, text + i, len);
        const bool bytes = id < 0 && has_bytes(b, text + i, len), unk = id < 0 && !bytes && b->unk_id >= 0;
        if (id >= 0) push_symbol(s, id, i);
        for (size_t k = 0; bytes && k < len; k++) push_symbol(s, b->bytes.id[(unsigned char)text[i + k]], i + k);
        if (unk && !(after_unk && b->fuse_unk)) push_symbol(s, b->unk_id, i);
        after_unk = unk;
    }
    s->begin[s->n] = (uint32_t)n;
    return LLMCS_OK;
}

/* -------------------------------------------------------------------------------------------------- merging */

typedef struct word {
    const ll_bpe_chars *b;
    const ll_view *view;
    size_t begin; /* of the word in the view */
    ll_encoding *out;
} word;

static void append_token(const word *w, int32_t id, size_t begin, size_t end) {
    ll_encoding *out = w->out;
    out->ids[out->n] = id;
    if (out->want_spans) out->spans[out->n] = ll_view_span(w->view, w->begin + begin, w->begin + end);
    out->n++;
}

/* Merges symbols [first, last), at most LL_BPE_SHORT of them, in place: the lowest rank, of those the leftmost. */
static size_t merge_short(const ll_bpe *b, int32_t *id, uint32_t *begin, size_t n) {
    uint32_t rank[LL_BPE_SHORT];
    for (size_t i = 0; i + 1 < n; i++) rank[i] = ll_bpe_rank(b, id[i], id[i + 1]);
    while (n > 1) {
        size_t at = 0;
        for (size_t i = 1; i + 1 < n; i++)
            if (rank[i] < rank[at]) at = i;
        if (rank[at] == LL_BPE_NO_RANK) break;
        id[at] = b->result[rank[at]];
        n--;
        memmove(id + at + 1, id + at + 2, (n - at - 1) * sizeof *id);
        memmove(begin + at + 1, begin + at + 2, (n - at - 1) * sizeof *begin);
        if (at + 1 < n) memmove(rank + at + 1, rank + at + 2, (n - at - 2) * sizeof *rank);
        if (at + 1 < n) rank[at] = ll_bpe_rank(b, id[at], id[at + 1]);
        if (at > 0) rank[at - 1] = ll_bpe_rank(b, id[at - 1], id[at]);
    }
    return n;
}

/* Merges symbols [first, last) and appends the tokens; `end` is the end of the last symbol. */
static llmcs_status merge_chunk(const word *w, ll_bpe_chars_scratch *s, ll_bpe_scratch *merging,
                                const llmcs_allocator *a, size_t first, size_t last) {
    const ll_bpe *b = w->b->bpe;
    const size_t end = s->begin[last];
    size_t n = last - first;
    LL_TRY(ll_encoding_reserve(w->out, a, n));
    if (n <= LL_BPE_SHORT) {
        const uint32_t next = s->begin[last];
        n = merge_short(b, s->id + first, s->begin + first, n);
        for (size_t i = 0; i < n; i++)
            append_token(w, s->id[first + i], s->begin[first + i], i + 1 < n ? s->begin[first + i + 1] : next);
        return LLMCS_OK;
    }
    const ll_bpe_symbol *merged;
    LL_TRY(ll_bpe_merge_symbols(b, merging, a, s->id + first, n, &merged, &n));
    for (size_t i = 0; i < n; i++)
        append_token(w, merged[i].id, s->begin[first + merged[i].first],
                     i + 1 < n ? s->begin[first + merged[i + 1].first] : end);
    return LLMCS_OK;
}

/* True if a merge may cross the boundary before symbol i. */
static bool may_cross(const word *w, const ll_bpe_chars_scratch *s, size_t i) {
    const unsigned char *byte = (const unsigned char *)w->view->text + w->begin + s->begin[i];
    return w->b->merges_bytes || ll_bpe_joins(w->b->bpe, byte[-1], byte[0]);
}

static llmcs_status merge_word(const word *w, ll_bpe_chars_scratch *s, ll_bpe_scratch *merging,
                               const llmcs_allocator *a) {
    for (size_t first = 0, last; first < s->n; first = last) {
        last = first + 1;
        while (last < s->n && may_cross(w, s, last)) last++;
        LL_TRY(merge_chunk(w, s, merging, a, first, last));
    }
    return LLMCS_OK;
}

/* Cached as in bpe.c: does merging the word's characters give the token with the word's text? */
enum { NOT_TRIED, IS_TOKEN, IS_OTHER };

llmcs_status ll_bpe_chars_encode(const ll_bpe_chars *b, ll_bpe_chars_scratch *s, ll_bpe_scratch *merging,
                                 const llmcs_allocator *a, const ll_view *view, size_t begin, size_t end,
                                 ll_encoding *out) {
    const char *text = view->text + begin;
    const size_t n = end - begin, before = out->n;
    const word w = {b, view, begin, out};
    ll_word *known = n <= LL_WORD_BYTES ? ll_string_set_find(&b->bpe->words, text, n) : NULL;
    const unsigned state = known ? atomic_load_explicit(&known->state, memory_order_relaxed) : IS_OTHER;
    if (state == IS_TOKEN) {
        LL_TRY(ll_encoding_reserve(out, a, 1));
        append_token(&w, known->id, 0, n);
        return LLMCS_OK;
    }
    LL_TRY(find_symbols(b, s, a, text, n));
    LL_TRY(merge_word(&w, s, merging, a));
    if (state == NOT_TRIED) {
        const bool same = out->n == before + 1 && out->ids[before] == known->id;
        atomic_store_explicit(&known->state, same ? IS_TOKEN : IS_OTHER, memory_order_relaxed);
    }
    return LLMCS_OK;
}
