/* Building and running WordPiece: whole short words by one lookup, others by the trie. */
#include "text/wordpiece.h"

#include <string.h>

#include "base/utf8.h"

void ll_wordpiece_free(ll_wordpiece *w, const llmcs_allocator *a) {
    ll_trie_free(&w->trie, a);
    ll_string_set_free(&w->words, a);
}

llmcs_status ll_wordpiece_check_sizes(const ll_tokenizer_spec *spec, size_t n_bytes) {
    for (size_t i = 0; i < spec->n_vocab; i++)
        if (spec->vocab[i].token_bytes > LL_WORDPIECE_MAX_TOKEN)
            return ll_fail(LLMCS_LIMIT, "%s: token %d has %u bytes, at most %d are allowed", spec->path,
                           (int)spec->vocab[i].id, spec->vocab[i].token_bytes, LL_WORDPIECE_MAX_TOKEN);
    const size_t most = LL_TRIE_MAX_NODES / 2 - 2; /* a token is stored at most twice */
    if (n_bytes <= most) return LLMCS_OK;
    return ll_fail(LLMCS_LIMIT, "%s: the tokens have %zu bytes in all, at most %zu are allowed", spec->path, n_bytes,
                   most);
}

llmcs_status ll_wordpiece_build(ll_wordpiece *w, const llmcs_allocator *a, const ll_vocab *vocab,
                                const ll_tokenizer_spec *spec, const bool *special, uint64_t seed) {
    uint32_t cp;
    *w = (ll_wordpiece){.max_chars = spec->max_input_chars_per_word, .has_prefix = spec->continuing_prefix_bytes > 0};
    w->unk_id = ll_vocab_find(vocab, spec->unk_token, spec->unk_token_bytes);
    if (w->unk_id < 0)
        return ll_fail(LLMCS_TOKENIZER, "%s: the unknown token \"%.*s\" is not in the vocabulary", spec->path,
                       (int)spec->unk_token_bytes, spec->unk_token);
    const char *prefix = spec->continuing_prefix;
    size_t n_prefix = spec->continuing_prefix_bytes;
    LL_TRY(ll_trie_init(&w->trie, a, 2, 2 * vocab->n_bytes, seed));
    LL_TRY(ll_string_set_init(&w->words, a, vocab->n_tokens, seed));
    for (size_t i = 0; i < spec->n_vocab; i++) {
        const ll_vocab_entry *e = &spec->vocab[i];
        if (e->id < 0 || (special[e->id] && ll_utf8_decode(e->token, e->token_bytes, &cp) < e->token_bytes)) continue;
        if (e->token_bytes) ll_trie_add(&w->trie, 0, e->token, e->token_bytes, e->id);
        if (e->token_bytes && e->token_bytes <= LL_WORD_BYTES)
            ll_string_set_add(&w->words, e->token, e->token_bytes, e->id);
        if (e->token_bytes > n_prefix && !memcmp(e->token, prefix, n_prefix))
            ll_trie_add(&w->trie, 1, e->token + n_prefix, e->token_bytes - n_prefix, e->id);
    }
    ll_string_set_finish(&w->words);
    return LLMCS_OK;
}

/* The longest token of the trie under `root` that [at, end) begins with: sets *id and returns its length, or 0. */
static size_t longest_token(const ll_trie *t, uint32_t root, const char *text, size_t at, size_t end, int32_t *id) {
    size_t best = 0;
    uint32_t node = root;
    for (size_t i = at; i < end; i++) {
        node = ll_trie_step(t, node, (unsigned char)text[i]);
        if (node == LL_TRIE_NONE) break;
        if (t->value[node] < 0) continue;
        *id = t->value[node];
        best = i + 1 - at;
    }
    return best;
}

static void append_token(const ll_view *view, size_t begin, size_t end, int32_t id, ll_encoding *out) {
    out->ids[out->n] = id;
    if (out->want_spans) out->spans[out->n] = ll_view_span(view, begin, end);
    out->n++;
}

static llmcs_status split_word(const ll_wordpiece *w, const llmcs_allocator *a, const ll_view *view, size_t begin,
                               size_t end, size_t n_chars, ll_encoding *out) {
    size_t before = out->n, at = begin;
    if (n_chars <= w->max_chars) {
        LL_TRY(ll_encoding_reserve(out, a, n_chars));
        const ll_word *whole =
            end - begin <= LL_WORD_BYTES ? ll_string_set_find(&w->words, view->text + begin, end - begin) : NULL;
        if (whole) {
            append_token(view, begin, end, whole->id, out);
            return LLMCS_OK;
        }
        while (at < end) {
            int32_t id = -1;
            size_t n = longest_token(&w->trie, at > begin, view->text, at, end, &id);
            if (n == 0) break;
            append_token(view, at, at + n, id, out);
            at += n;
        }
        if (at == end) return LLMCS_OK;
    }
    out->n = before;
    LL_TRY(ll_encoding_reserve(out, a, 1));
    append_token(view, begin, end, w->unk_id, out);
    return LLMCS_OK;
}

static llmcs_status encode_word(const ll_wordpiece *w, const llmcs_allocator *a, const ll_view *view, size_t begin,
                                size_t end, size_t n_chars, ll_encoding *out) {
    const size_t first = out->n;
    LL_TRY(split_word(w, a, view, begin, end, n_chars, out));
    ll_encoding_end_word(out, first);
    return LLMCS_OK;
}

llmcs_status ll_wordpiece_encode(const ll_wordpiece *w, const ll_unicode *u, const llmcs_allocator *a,
                                 const ll_view *view, size_t begin, size_t end, ll_encoding *out) {
    size_t word = begin, n_chars = 0, len;
    for (size_t i = begin; i < end; i += len) {
        unsigned f = ll_unicode_flags_at(u, view->text + i, end - i, &len);
        bool alone = f & LL_UC_PUNCT;
        if (!alone && !(f & LL_UC_SPACE)) {
            n_chars++;
            continue;
        }
        if (n_chars) LL_TRY(encode_word(w, a, view, word, i, n_chars, out));
        if (alone) LL_TRY(encode_word(w, a, view, i, i + len, 1, out));
        word = i + len;
        n_chars = 0;
    }
    return n_chars ? encode_word(w, a, view, word, end, n_chars, out) : LLMCS_OK;
}

llmcs_status ll_wordpiece_encode_word(const ll_wordpiece *w, const llmcs_allocator *a, const ll_view *view,
                                      size_t begin, size_t end, ll_encoding *out) {
    size_t n_chars = 0;
    for (size_t i = begin; i < end; i++) n_chars += ((unsigned char)view->text[i] & 0xc0) != 0x80;
    return split_word(w, a, view, begin, end, n_chars, out);
}
