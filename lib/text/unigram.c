/* Viterbi's algorithm as in Hugging Face's tokenizers (models/unigram/model.rs, encode_optimized) and, with other
 * arithmetic, SentencePiece (unigram_model.cc, EncodeOptimized): on ties the longest last token wins, a character
 * without a token has the lowest score minus 10, and adjacent unknown characters are one token.
 *
 * If no token reaches beyond a position, the segmentation up to it is final and written at once: the text is encoded in
 * chunks that stay in the cache. The sum continues across chunks, so its rounding is that of one pass. */
#include "text/unigram.h"

#include <math.h>
#include <string.h>

#include "base/utf8.h"
#include "text/hash.h"

#define UNK_PENALTY 10.0

void ll_unigram_free(ll_unigram *m, const llmcs_allocator *a) {
    ll_double_array_free(&m->trie, a);
    ll_free(a, m->score);
    ll_free(a, m->n_bytes);
    ll_free(a, m->hidden);
    *m = (ll_unigram){0};
}

void ll_unigram_scratch_free(ll_unigram_scratch *s, const llmcs_allocator *a) {
    ll_free(a, s->node);
    ll_free(a, s->word);
    *s = (ll_unigram_scratch){0};
}

/* ------------------------------------------------------------------------------------------------- building */

/* The tokens with scores: the vocabulary's, or those of Marian's model. */
typedef struct pieces {
    const ll_tokenizer_spec *spec;
    const ll_vocab_entry *at;
    size_t n;
} pieces;

static unsigned type_of(const pieces *p, size_t i) { return p->spec->types ? p->spec->types[i] : LL_PIECE_NORMAL; }

/* The lowest and the highest score: of all tokens, or in SentencePiece's library of normal ones. */
static llmcs_status find_range(const pieces *p, double *lowest, double *highest) {
    bool any = false;
    *lowest = *highest = 0;
    for (size_t i = 0; i < p->n; i++) {
        const double score = p->spec->scores[i];
        if (!isfinite(score))
            return ll_fail(LLMCS_TOKENIZER, "%s: the score of token %d \"%.*s\" is not a finite number", p->spec->path,
                           (int)p->at[i].id, (int)ll_min(p->at[i].token_bytes, 60), p->at[i].token);
        if (p->spec->sentencepiece && type_of(p, i) != LL_PIECE_NORMAL) continue;
        *lowest = any ? fmin(*lowest, score) : score;
        *highest = any ? fmax(*highest, score) : score;
        any = true;
    }
    return LLMCS_OK;
}

/* SentencePiece's library finds no control, unknown or byte tokens in a text, and prefers user-defined tokens to others
 * of the same length. */
static bool in_text(const pieces *p, size_t i, const bool *special) {
    const ll_vocab_entry *e = &p->at[i];
    uint32_t cp;
    if (e->id < 0 || !e->token_bytes) return false;
    if (p->spec->sentencepiece) {
        const unsigned type = type_of(p, i);
        return type == LL_PIECE_NORMAL || type == LL_PIECE_USER_DEFINED;
    }
    return !special[e->id] || ll_utf8_decode(e->token, e->token_bytes, &cp) == e->token_bytes;
}

static llmcs_status build_trie(ll_unigram *m, const llmcs_allocator *a, const pieces *p, const bool *special) {
    ll_double_array_key *keys;
    size_t n = 0;
    LL_TRY(ll_alloc(a, p->n, sizeof *keys, "tokens", &keys));
    llmcs_status st = LLMCS_OK;
    for (size_t i = 0; i < p->n && !st; i++) {
        const ll_vocab_entry *e = &p->at[i];
        if (!in_text(p, i, special)) continue;
        if (e->token_bytes > LL_UNIGRAM_MAX_TOKEN)
            st = ll_fail(LLMCS_LIMIT, "%s: token %d has %u bytes, at most %d are allowed", p->spec->path, (int)e->id,
                         e->token_bytes, LL_UNIGRAM_MAX_TOKEN);
        keys[n++] = (ll_double_array_key){e->token, e->token_bytes, e->id};
    }
    if (!st) st = ll_double_array_build(&m->trie, a, keys, n);
    ll_free(a, keys);
    return st;
}

static llmcs_status set_scores(ll_unigram *m, const llmcs_allocator *a, const pieces *p, size_t n_ids) {
    double lowest, highest;
    LL_TRY(find_range(p, &lowest, &highest));
    m->unk_score = lowest - UNK_PENALTY;
    if (m->single_precision) m->unk_score = (double)(float)m->unk_score;
    LL_TRY(ll_alloc_zero(a, n_ids, sizeof *m->score, "scores", &m->score));
    LL_TRY(ll_alloc_zero(a, n_ids, sizeof *m->n_bytes, "token lengths", &m->n_bytes));
    for (size_t i = 0; i < p->n; i++) {
        const ll_vocab_entry *e = &p->at[i];
        if (e->id < 0) continue;
        m->score[e->id] = p->spec->scores[i];
        m->n_bytes[e->id] = (uint8_t)ll_min(e->token_bytes, UINT8_MAX);
        if (p->spec->sentencepiece && type_of(p, i) == LL_PIECE_USER_DEFINED)
            m->score[e->id] = (double)((float)e->token_bytes * (float)highest) - 0.1;
    }
    return LLMCS_OK;
}

llmcs_status ll_unigram_build(ll_unigram *m, const llmcs_allocator *a, const ll_vocab *vocab,
                              const ll_tokenizer_spec *spec, const bool *special) {
    const pieces p = {spec, spec->n_pieces ? spec->pieces : spec->vocab,
                      spec->n_pieces ? spec->n_pieces : spec->n_vocab};
    *m = (ll_unigram){.byte_fallback = spec->byte_fallback, .single_precision = spec->sentencepiece};
    m->unk_id = spec->unk_token ? ll_vocab_find(vocab, spec->unk_token, spec->unk_token_bytes) : -1;
    if (m->unk_id < 0)
        return ll_fail(LLMCS_TOKENIZER, "%s: the vocabulary has no unknown token (model.unk_id)", spec->path);
    m->unk_mark = m->unk_id;
    m->seed = ll_hash_seed();
    ll_byte_tokens_find(&m->bytes, vocab);
    if (spec->n_pieces) {
        m->lookup = vocab;
        m->unk_mark = INT32_MAX;
        LL_TRY(ll_alloc(a, vocab->n_ids, sizeof *m->hidden, "special tokens", &m->hidden));
        memcpy(m->hidden, special, vocab->n_ids * sizeof *m->hidden);
    }
    LL_TRY(set_scores(m, a, &p, spec->n_pieces ? spec->n_pieces : vocab->n_ids));
    return build_trie(m, a, &p, special);
}

/* ------------------------------------------------------------------------------------------------- encoding */

typedef struct walker {
    const ll_unigram *m;
    ll_unigram_scratch *s;
    const llmcs_allocator *a;
    const ll_view *view;
    ll_encoding *out;
    size_t begin;              /* of the chunk: node[i] is of position begin + i */
    size_t reach;              /* the farthest position with a segmentation */
    size_t unk_begin, unk_end; /* unknown characters that are not written yet */
} walker;

static llmcs_status append_token(walker *w, size_t begin, size_t end, int32_t id) {
    ll_encoding *out = w->out;
    LL_TRY(ll_encoding_reserve(out, w->a, 1));
    if (w->m->lookup) {
        id = ll_vocab_find(w->m->lookup, w->view->text + begin, end - begin);
        if (id < 0 || w->m->hidden[id]) id = w->m->unk_id;
    }
    out->ids[out->n] = id;
    if (out->want_spans) out->spans[out->n] = ll_view_span(w->view, begin, end);
    out->n++;
    return LLMCS_OK;
}

/* Writes adjacent unknown characters as a token that the scores did not choose, as bytes, or as the unknown token. */
static llmcs_status flush_unknown(walker *w) {
    const ll_unigram *m = w->m;
    const size_t begin = w->unk_begin, end = w->unk_end;
    bool done = false;
    w->unk_begin = w->unk_end = 0;
    if (begin == end) return LLMCS_OK;
    const int32_t id = m->single_precision ? -1 : ll_double_array_find(&m->trie, w->view->text + begin, end - begin);
    if (id >= 0) return append_token(w, begin, end, id);
    if (m->byte_fallback) LL_TRY(ll_byte_tokens_append(&m->bytes, w->a, w->view, begin, end, w->out, &done));
    return done ? LLMCS_OK : append_token(w, begin, end, m->unk_id);
}

static llmcs_status take_token(walker *w, size_t begin, size_t end, int32_t id) {
    if (id == w->m->unk_mark) {
        if (w->unk_end != begin || w->unk_begin == w->unk_end) {
            LL_TRY(flush_unknown(w));
            w->unk_begin = begin;
        }
        w->unk_end = end;
        return LLMCS_OK;
    }
    LL_TRY(flush_unknown(w));
    return append_token(w, begin, end, id);
}

/* Writes the tokens of the chunk and begins the next one at its end. The links point backwards and are reversed first.
 */
static llmcs_status end_chunk(walker *w, size_t end) {
    ll_unigram_node *node = w->s->node;
    const double score = node[end - w->begin].score;
    size_t at = end - w->begin, next_length = 0;
    int32_t next_id = -1;
    while (at > 0) {
        const ll_unigram_node here = node[at];
        node[at].length = (uint32_t)next_length;
        node[at].id = next_id;
        next_length = here.length;
        next_id = here.id;
        at -= here.length;
    }
    node[0].length = (uint32_t)next_length;
    node[0].id = next_id;
    for (size_t i = 0; w->begin + i < end; i += next_length) {
        next_length = node[i].length;
        LL_TRY(take_token(w, w->begin + i, w->begin + i + next_length, node[i].id));
    }
    w->begin = end;
    node[0] = (ll_unigram_node){score, -1, 0};
    return LLMCS_OK;
}

/* Nodes up to position `end` exist. */
static llmcs_status reach_to(walker *w, size_t end) {
    ll_unigram_scratch *s = w->s;
    LL_TRY(ll_grow(w->a, &s->node, w->reach - w->begin + 1, &s->capacity, end - w->begin + 1, sizeof *s->node,
                   "ways through a text"));
    for (size_t i = w->reach - w->begin + 1; i <= end - w->begin; i++) s->node[i].id = -1;
    w->reach = end;
    return LLMCS_OK;
}

/* A token or an unknown character from `begin` to `end`. */
static inline void offer_way(walker *w, size_t end, double score, int32_t id, size_t length) {
    ll_unigram_node *to = &w->s->node[end - w->begin];
    if (to->id >= 0 && !(score > to->score)) return;
    *to = (ll_unigram_node){w->m->single_precision ? (double)(float)score : score, id, (uint32_t)length};
}

/* All tokens that begin at `at`, where a character of n bytes is. */
static llmcs_status extend_ways(walker *w, size_t at, size_t n) {
    const ll_unigram *m = w->m;
    const char *text = w->view->text;
    const double so_far = w->s->node[at - w->begin].score;
    bool has_single = false;
    uint32_t node = 0;
    for (size_t end = at; end < w->view->n;) {
        node = ll_double_array_step(&m->trie, node, (unsigned char)text[end++]);
        if (node == LL_DOUBLE_ARRAY_NONE) break;
        const int32_t id = m->trie.unit[node].value;
        if (id < 0) continue;
        if (end > w->reach) LL_TRY(reach_to(w, end));
        offer_way(w, end, m->score[id] + so_far, id, end - at);
        has_single = has_single || end - at == n;
    }
    if (has_single) return LLMCS_OK;
    if (at + n > w->reach) LL_TRY(reach_to(w, at + n));
    const double unknown = m->unk_score + so_far;
    offer_way(w, at + n, m->single_precision ? (double)(float)unknown : unknown, m->unk_mark, n);
    return LLMCS_OK;
}

static inline size_t character_length(unsigned char first) {
    return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

static llmcs_status encode_view(const ll_unigram *m, ll_unigram_scratch *s, const llmcs_allocator *a,
                                const ll_view *view, ll_encoding *out) {
    walker w = {.m = m, .s = s, .a = a, .view = view, .out = out};
    LL_TRY(ll_grow(a, &s->node, 0, &s->capacity, 64, sizeof *s->node, "ways through a text"));
    s->node[0] = (ll_unigram_node){0, -1, 0};
    for (size_t at = 0, n; at < view->n; at += n) {
        if (at == w.reach && at > w.begin) LL_TRY(end_chunk(&w, at));
        n = ll_min(character_length((unsigned char)view->text[at]), view->n - at);
        LL_TRY(extend_ways(&w, at, n));
    }
    if (view->n > w.begin) LL_TRY(end_chunk(&w, view->n));
    return flush_unknown(&w);
}

/* ------------------------------------------------------------------------------------------------ cached words */

#define MANY_BYTES 4096 /* shorter texts do not use the table of words */

static llmcs_status take_word(const ll_unigram_word *word, const llmcs_allocator *a, const ll_view *view,
                              ll_encoding *out) {
    LL_TRY(ll_encoding_reserve(out, a, word->n_tokens));
    for (size_t i = 0; i < word->n_tokens; i++) {
        out->ids[out->n] = word->id[i];
        if (out->want_spans) out->spans[out->n] = ll_view_span(view, i ? word->end[i - 1] : 0, word->end[i]);
        out->n++;
    }
    return LLMCS_OK;
}

/* Keeps a word whose tokens are all from the vocabulary: only then do their lengths follow from their ids. */
static void keep_word(const ll_unigram *m, ll_unigram_word *slot, const ll_view *view, const ll_encoding *out,
                      size_t first) {
    const size_t n = out->n - first;
    size_t end = 0;
    if (n == 0 || n > LL_UNIGRAM_TOKENS) return;
    slot->n_bytes = 0;
    for (size_t i = 0; i < n; i++) {
        const int32_t id = out->ids[first + i];
        if (id == m->unk_id) return;
        end += m->n_bytes[id];
        slot->id[i] = id;
        slot->end[i] = (uint8_t)end;
    }
    if (end != view->n) return; /* tokens of bytes */
    memcpy(slot->text, view->text, view->n);
    slot->n_tokens = (uint8_t)n;
    slot->n_bytes = (uint8_t)view->n;
}

llmcs_status ll_unigram_encode(const ll_unigram *m, ll_unigram_scratch *s, const llmcs_allocator *a,
                               const ll_view *view, ll_encoding *out) {
    const size_t first = out->n;
    s->n_bytes += view->n;
    if (view->n > LL_UNIGRAM_WORD || view->n == 0 || m->lookup || s->n_bytes < MANY_BYTES)
        return encode_view(m, s, a, view, out);
    if (!s->word) LL_TRY(ll_alloc_zero(a, LL_UNIGRAM_WORDS, sizeof *s->word, "table of words", &s->word));
    const uint64_t hash = ll_hash_bytes(m->seed, view->text, view->n);
    ll_unigram_word *slot = &s->word[(size_t)hash & (LL_UNIGRAM_WORDS - 1)];
    if (slot->n_bytes == view->n && !memcmp(slot->text, view->text, view->n)) return take_word(slot, a, view, out);
    LL_TRY(encode_view(m, s, a, view, out));
    keep_word(m, slot, view, out, first);
    return LLMCS_OK;
}
