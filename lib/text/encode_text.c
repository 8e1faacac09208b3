/* From a text to its tokens: repair of bytes that are not UTF-8, added tokens, normalizer, added tokens again, model.
 * The order is that of Hugging Face's tokenizers. */
#include <string.h>

#include "base/utf8.h"
#include "text/nfc.h"
#include "text/tokenizer_impl.h"

typedef struct encoder {
    const llmcs_tokenizer *t;
    const llmcs_allocator *a;
    uint32_t flags;
    ll_encoding *out;
    bool want_origins;              /* for spans, for a step, or for the two below */
    const ll_text_origins *origins; /* or NULL */
    bool *spelled;                  /* with origins: [plain.n + normalized.n] the literals spell that token */
    ll_matches matches[2];
    ll_normalizer_scratch normalizer;
    ll_bpe_scratch bpe;
    ll_bpe_chars_scratch chars;
    ll_unigram_scratch unigram;
    ll_pre_scratch pre;
    char *text; /* the normalizer's output */
    size_t text_capacity;
    ll_origin *origin;
    size_t origin_capacity;
} encoder;

static void encoder_free(encoder *e) {
    ll_free(e->a, e->matches[0].at);
    ll_free(e->a, e->matches[1].at);
    ll_normalizer_scratch_free(&e->normalizer, e->a);
    ll_bpe_scratch_free(&e->bpe, e->a);
    ll_bpe_chars_scratch_free(&e->chars, e->a);
    ll_unigram_scratch_free(&e->unigram, e->a);
    ll_pre_scratch_free(&e->pre, e->a);
    ll_free(e->a, e->text);
    ll_free(e->a, e->origin);
    ll_free(e->a, e->spelled);
}

/* ----------------------------------------------------------------------------------------------- the model */

/* Appends the tokens of a piece, one word. */
static llmcs_status encode_word(encoder *e, const ll_view *piece) {
    const llmcs_tokenizer *t = e->t;
    switch (t->model) {
        case LL_TOKEN_WORDPIECE:
            return ll_wordpiece_encode_word(&t->wordpiece, e->a, piece, 0, piece->n, e->out);
        case LL_TOKEN_UNIGRAM:
            return ll_unigram_encode(&t->unigram, &e->unigram, e->a, piece, e->out);
        case LL_TOKEN_WORDLEVEL:
            return ll_wordlevel_encode(&t->vocab, t->decode_flags, LL_DECODE_SPECIAL, t->unk_id, e->a, piece, e->out);
        case LL_TOKEN_BPE_CHARS:
            return ll_bpe_chars_encode(&t->bpe_chars, &e->chars, &e->bpe, e->a, piece, 0, piece->n, e->out);
        case LL_TOKEN_BPE:
            break;
    }
    if (t->bpe.n_missing) return ll_bpe_encode_gaps(&t->bpe, &e->bpe, e->a, piece, 0, piece->n, e->out);
    return ll_bpe_encode(&t->bpe, &e->bpe, e->a, piece, 0, piece->n, e->out);
}

static llmcs_status encode_piece(void *context, const ll_view *piece) {
    encoder *e = context;
    const size_t first = e->out->n;
    LL_TRY(encode_word(e, piece));
    ll_encoding_end_word(e->out, first);
    return LLMCS_OK;
}

/* Words, ByteLevel and BPE in one loop. */
static llmcs_status encode_byte_level(encoder *e, const ll_view *range) {
    ll_view view = *range;
    const llmcs_tokenizer *t = e->t;
    const bool has_gaps = t->bpe.n_missing, want_words = e->out->want_spans;
    const ll_word_fn word = t->cuts_words ? ll_word_scanner(t->words) : NULL;
    if (t->words_prefix_space && view.text[0] != ' ')
        LL_TRY(ll_pre_prefix_space(&e->pre, e->a, range, want_words, &view));
    for (size_t at = 0, n; at < view.n; at += n) {
        const size_t first = e->out->n;
        n = word ? word(t->unicode, view.text + at, view.n - at) : view.n;
        if (has_gaps)
            LL_TRY(ll_bpe_encode_gaps(&t->bpe, &e->bpe, e->a, &view, at, at + n, e->out));
        else
            LL_TRY(ll_bpe_encode(&t->bpe, &e->bpe, e->a, &view, at, at + n, e->out));
        if (want_words) ll_encoding_end_word(e->out, first);
    }
    return LLMCS_OK;
}

static llmcs_status encode_range(encoder *e, const ll_view *range) {
    const llmcs_tokenizer *t = e->t;
    if (range->n == 0) return LLMCS_OK;
    if (t->fast_path == LL_FAST_BYTE_LEVEL) return encode_byte_level(e, range);
    if (t->fast_path == LL_FAST_BERT)
        return ll_wordpiece_encode(&t->wordpiece, t->unicode, e->a, range, 0, range->n, e->out);
    return ll_pre_tokenize(t->split, t->n_split, t->unicode, &e->pre, e->a, range, e->want_origins, encode_piece, e);
}

/* -------------------------------------------------------------------------------------------- added tokens */

typedef llmcs_status (*range_fn)(encoder *e, const ll_view *range);

static unsigned flags_before(const ll_unicode *u, const char *text, size_t at, size_t *len) {
    size_t begin = at;
    uint32_t cp;
    do begin--;
    while (begin > 0 && ((unsigned char)text[begin] & 0xc0) == 0x80);
    *len = at - begin;
    ll_utf8_decode(text + begin, at - begin, &cp);
    return ll_unicode_flags(u, cp);
}

static bool is_single_word(const ll_unicode *u, const ll_view *v, size_t begin, size_t end) {
    size_t len;
    if (begin > 0 && (flags_before(u, v->text, begin, &len) & LL_UC_WORD)) return false;
    return end == v->n || !(ll_unicode_flags_at(u, v->text + end, v->n - end, &len) & LL_UC_WORD);
}

/* With trimmed offsets, a token's span excludes white space that it contains or absorbed, except a single space that
 * the post-processor takes for the prefix space. */
static llmcs_span added_span(const llmcs_tokenizer *t, const ll_view *v, size_t begin, size_t end, bool is_first) {
    llmcs_span whole = ll_view_span(v, begin, end);
    if (!t->trim_offsets) return whole;
    size_t n_leading = 0, len, from = begin, to = end;
    for (; from < end && (ll_unicode_flags_at(t->unicode, v->text + from, end - from, &len) & LL_UC_SPACE); from += len)
        n_leading++;
    bool prefix = n_leading == 1 && t->trim_prefix_space && (is_first || whole.begin == 0);
    if (prefix) from = begin;
    while (to > from && (flags_before(t->unicode, v->text, to, &len) & LL_UC_SPACE)) to -= len;
    if (from < to) return ll_view_span(v, from, to);
    size_t at = prefix ? whole.begin : whole.end;
    return (llmcs_span){at, at};
}

static llmcs_status push_added(encoder *e, const ll_view *v, size_t begin, size_t end, int32_t id) {
    ll_encoding *out = e->out;
    LL_TRY(ll_encoding_reserve(out, e->a, 1));
    out->ids[out->n] = id;
    if (out->want_spans) out->spans[out->n] = added_span(e->t, v, begin, end, out->n == 0);
    out->n++;
    ll_encoding_end_word(out, out->n - 1);
    return LLMCS_OK;
}

/* Control tokens are the special tokens and those that the literals spell; white space is text. */
static bool is_control(const encoder *e, const ll_added_set *set, size_t pattern) {
    return set->added[pattern].special ||
           (e->spelled && e->spelled[pattern + (set == &e->t->plain ? 0 : e->t->plain.n)]);
}

/* True if [begin, end) of the view may be a control token. With origins: only if all of it is trusted. */
static bool may_control(const encoder *e, const ll_view *v, size_t begin, size_t end) {
    if (!e->origins) return e->flags & LLMCS_PARSE_SPECIAL;
    const llmcs_span s = ll_view_span(v, begin, end);
    for (size_t i = s.begin; i < s.end; i++)
        if (!e->origins->trusted[i]) return false;
    return true;
}

static llmcs_status mark_spelled(encoder *e, const ll_added_set *set, bool *spelled) {
    const ll_text_origins *o = e->origins;
    e->matches[0].n = 0;
    if (set->n) LL_TRY(ll_matcher_find(&set->matcher, e->a, o->literals, o->n_literals, &e->matches[0]));
    for (size_t i = 0; i < e->matches[0].n; i++) {
        const ll_match *m = &e->matches[0].at[i];
        size_t at = m->begin, len;
        while (at < m->begin + m->length &&
               (ll_unicode_flags_at(e->t->unicode, o->literals + at, o->n_literals - at, &len) & LL_UC_SPACE))
            at += len;
        spelled[m->pattern] = at < m->begin + m->length;
    }
    return LLMCS_OK;
}

static llmcs_status find_spelled(encoder *e) {
    const llmcs_tokenizer *t = e->t;
    if (!e->origins) return LLMCS_OK;
    LL_TRY(ll_alloc_zero(e->a, t->plain.n + t->normalized.n, sizeof *e->spelled, "tokens of a template", &e->spelled));
    LL_TRY(mark_spelled(e, &t->plain, e->spelled));
    return mark_spelled(e, &t->normalized, e->spelled + t->plain.n);
}

/* Splits a view at the added tokens of one stage and passes on the text between them. A token that is not allowed here
 * (a special token in user text; single_word inside a word) is ordinary text. As in Hugging Face's tokenizers, a token
 * of white space without lstrip is found even if rstrip of the previous token absorbed it. */
static llmcs_status split_added(encoder *e, const ll_added_set *set, ll_matches *matches, const ll_view *v,
                                range_fn next) {
    const ll_unicode *u = e->t->unicode;
    const bool parse_special = e->origins || (e->flags & LLMCS_PARSE_SPECIAL);
    size_t done = 0, len, run_begin = 0,
           run_end = 0; /* white space that rstrip went over: of many tokens in it, once */
    matches->n = 0;
    if (set->n && (set->any_plain || parse_special))
        LL_TRY(ll_matcher_find(&set->matcher, e->a, v->text, v->n, matches));
    for (size_t i = 0; i < matches->n; i++) {
        const ll_added *token = &set->added[matches->at[i].pattern];
        size_t begin = matches->at[i].begin, end = begin + matches->at[i].length;
        if (is_control(e, set, (size_t)matches->at[i].pattern) && !may_control(e, v, begin, end)) continue;
        if (token->single_word && !is_single_word(u, v, begin, end)) continue;
        while (token->lstrip && begin > done && (flags_before(u, v->text, begin, &len) & LL_UC_SPACE)) begin -= len;
        if (token->rstrip && end >= run_begin && end < run_end) {
            end = run_end;
        } else if (token->rstrip) {
            run_begin = end;
            while (end < v->n && (ll_unicode_flags_at(u, v->text + end, v->n - end, &len) & LL_UC_SPACE)) end += len;
            run_end = end;
        }
        if (begin > done) {
            ll_view between = ll_view_part(v, done, begin);
            LL_TRY(next(e, &between));
        }
        if (token->lstrip && begin < done) begin = done;
        if (begin < end) LL_TRY(push_added(e, v, begin, end, token->id));
        done = end;
    }
    ll_view rest = ll_view_part(v, done, v->n);
    return rest.n ? next(e, &rest) : LLMCS_OK;
}

/* ---------------------------------------------------------------------------------------------- normalizer */

static llmcs_status to_chars(encoder *e, const ll_view *v) {
    ll_normalizer_scratch *s = &e->normalizer;
    LL_TRY(ll_normalizer_workspace(s, e->a, v->n));
    for (size_t i = 0, len; i < v->n; i += len) {
        ll_char x;
        len = ll_utf8_decode(v->text + i, v->n - i, &x.cp);
        x.begin = v->origin ? v->origin[i].begin : (uint32_t)(v->base + i);
        x.end = v->origin ? v->origin[i + len - 1].end : (uint32_t)(v->base + i + len);
        s->text.at[s->text.n++] = x;
    }
    return LLMCS_OK;
}

/* Maps ASCII text character by character. False: the text is not ASCII, or a character is removed. */
static bool map_ascii(const llmcs_tokenizer *t, const ll_view *v, char *out) {
    uint8_t any = 0;
    for (size_t i = 0; i < v->n; i++) any |= (uint8_t)v->text[i];
    if (any & 0x80) return false;
    for (size_t i = 0; i < v->n; i++) {
        uint8_t c = t->ascii[(uint8_t)v->text[i]];
        any |= c;
        out[i] = (char)c;
    }
    return !(any & LL_ASCII_GONE);
}

/* Appends text to e->text, and where it comes from: its own place in v, or those of the normalizer's characters. */
static llmcs_status append_text(encoder *e, size_t *n, const ll_view *v) {
    if (v->n == 0) return LLMCS_OK; /* there may be no buffer yet */
    LL_TRY(ll_grow(e->a, &e->text, *n, &e->text_capacity, *n + v->n, 1, "normalized text"));
    memcpy(e->text + *n, v->text, v->n);
    if (e->want_origins) {
        LL_TRY(ll_grow(e->a, &e->origin, *n, &e->origin_capacity, *n + v->n, sizeof *e->origin,
                       "offsets of normalized text"));
        for (size_t i = 0; i < v->n; i++) {
            const llmcs_span s = ll_view_span(v, i, i + 1);
            e->origin[*n + i] = (ll_origin){(uint32_t)s.begin, (uint32_t)s.end};
        }
    }
    *n += v->n;
    return LLMCS_OK;
}

static llmcs_status append_chars(encoder *e, size_t *n) {
    const ll_chars *c = &e->normalizer.text;
    LL_TRY(ll_grow(e->a, &e->text, *n, &e->text_capacity, *n + 4 * c->n, 1, "normalized text"));
    if (e->want_origins)
        LL_TRY(ll_grow(e->a, &e->origin, *n, &e->origin_capacity, *n + 4 * c->n, sizeof *e->origin,
                       "offsets of normalized text"));
    for (size_t i = 0; i < c->n; i++) {
        const size_t len = ll_utf8_encode(c->at[i].cp, e->text + *n);
        for (size_t k = 0; k < len && e->want_origins; k++)
            e->origin[*n + k] = (ll_origin){c->at[i].begin, c->at[i].end};
        *n += len;
    }
    return LLMCS_OK;
}

/* For NFC alone: only ranges that it may change run through the normalizer. */
static llmcs_status normalize_nfc(encoder *e, const ll_view *v) {
    size_t n = 0;
    ll_nfc_range range = ll_nfc_next(v->text, v->n, 0);
    if (range.begin == v->n) return split_added(e, &e->t->normalized, &e->matches[1], v, encode_range);
    for (size_t done = 0; done < v->n; range = ll_nfc_next(v->text, v->n, done)) {
        const ll_view same = ll_view_part(v, done, range.begin), change = ll_view_part(v, range.begin, range.end);
        LL_TRY(append_text(e, &n, &same));
        LL_TRY(to_chars(e, &change));
        LL_TRY(ll_normalize(e->t->unicode, e->t->normalizer, 1, &e->normalizer, e->a));
        LL_TRY(append_chars(e, &n));
        done = range.end;
    }
    const ll_view normal = {e->text, n, e->want_origins ? e->origin : NULL, 0};
    return split_added(e, &e->t->normalized, &e->matches[1], &normal, encode_range);
}

static llmcs_status normalize_block(encoder *e, const ll_view *v) {
    ll_view normal;
    LL_TRY(ll_grow(e->a, &e->text, 0, &e->text_capacity, v->n, 1, "normalized text"));
    if (e->t->maps_ascii && map_ascii(e->t, v, e->text)) {
        normal = (ll_view){e->text, v->n, v->origin, v->base};
    } else {
        LL_TRY(to_chars(e, v));
        LL_TRY(ll_normalize(e->t->unicode, e->t->normalizer, e->t->n_normalizer, &e->normalizer, e->a));
        size_t n = 0;
        LL_TRY(append_chars(e, &n));
        normal = (ll_view){e->text, n, e->want_origins ? e->origin : NULL, 0};
    }
    if (normal.n == 0) return LLMCS_OK;
    return split_added(e, &e->t->normalized, &e->matches[1], &normal, encode_range);
}

#define BLOCK_BYTES 1024

/* True if a block may end before text[i]. BERT: at a space or line feed, which no normalizer joins with the text before
 * and which ends a word. SentencePiece's kinds: at a space after a visible ASCII character, so that a run of spaces
 * stays whole; if white space is removed, also at a line feed. */
static inline bool may_end(const llmcs_tokenizer *t, const char *text, size_t i) {
    const char c = text[i];
    if (t->blocks == LL_BLOCKS_OF_BERT) return c == ' ' || c == '\n';
    if (c == '\n') return t->blocks == LL_BLOCKS_AT_LINES && text[i - 1] != '\r';
    return c == ' ' && text[i - 1] > ' ' && text[i - 1] < 0x7f;
}

static size_t block_end(const llmcs_tokenizer *t, const ll_view *v, size_t at) {
    if (v->n - at <= BLOCK_BYTES) return v->n;
    for (size_t i = at + BLOCK_BYTES; i < v->n; i++)
        if (may_end(t, v->text, i)) return i;
    return v->n;
}

/* Normalizes and tokenizes in blocks that stay in the cache, if the result is the same. */
static llmcs_status normalize_range(encoder *e, const ll_view *v) {
    const llmcs_tokenizer *t = e->t;
    if (t->n_normalizer == 0) return split_added(e, &t->normalized, &e->matches[1], v, encode_range);
    if (t->n_normalizer == 1 && t->normalizer[0].kind == LL_NORMALIZE_NFC) return normalize_nfc(e, v);
    for (size_t at = 0, end; at < v->n; at = end) {
        end = t->blocks ? block_end(t, v, at) : v->n;
        ll_view block = ll_view_part(v, at, end);
        LL_TRY(normalize_block(e, &block));
    }
    return LLMCS_OK;
}

/* --------------------------------------------------------------------------------------------- UTF-8 repair */

/* The position of the first invalid sequence, or n. */
static size_t first_bad(const char *text, size_t n) {
    size_t i = 0, len;
    while (i < n) {
        uint64_t eight;
        if (n - i >= 8 && (memcpy(&eight, text + i, 8), (eight & 0x8080808080808080u) == 0)) {
            i += 8;
            continue;
        }
        uint32_t cp;
        len = ll_utf8_decode(text + i, n - i, &cp);
        if (cp == LL_UTF8_BAD) return i;
        i += len;
    }
    return n;
}

/* The text with U+FFFD for each maximal bad part. */
typedef struct repaired {
    char *text;
    ll_origin *origin;
} repaired;

static llmcs_status repair_utf8(const encoder *e, const char *text, size_t n, repaired *r, ll_view *out) {
    size_t size = 0;
    for (size_t i = 0; i < n;) {
        uint32_t cp;
        size_t len = ll_utf8_decode(text + i, n - i, &cp);
        size += cp == LL_UTF8_BAD ? 3 : len;
        i += len;
    }
    LL_TRY(ll_alloc(e->a, size, 1, "repaired text", &r->text));
    if (e->want_origins) LL_TRY(ll_alloc(e->a, size, sizeof *r->origin, "offsets of repaired text", &r->origin));
    size_t k = 0;
    for (size_t i = 0; i < n;) {
        uint32_t cp;
        size_t len = ll_utf8_decode(text + i, n - i, &cp);
        size_t written = ll_utf8_encode(cp == LL_UTF8_BAD ? 0xfffd : cp, r->text + k);
        for (size_t b = 0; b < written && r->origin; b++)
            r->origin[k + b] = (ll_origin){(uint32_t)i, (uint32_t)(i + len)};
        k += written;
        i += len;
    }
    *out = (ll_view){r->text, k, r->origin, 0};
    return LLMCS_OK;
}

llmcs_status ll_encode_text(const llmcs_tokenizer *t, const char *text, size_t n, uint32_t flags,
                            const ll_text_origins *origins, ll_encoding *out) {
    encoder e = {.t = t,
                 .a = &t->allocator,
                 .flags = flags,
                 .out = out,
                 .want_origins = out->want_spans || t->needs_origins || origins,
                 .origins = origins};
    ll_view view = {text, n, NULL, 0};
    repaired r = {0};
    size_t bad = first_bad(text, n);
    if (bad < n && (flags & LLMCS_STRICT_UTF8))
        return ll_fail(LLMCS_UTF8, "the text is not UTF-8 at byte %zu (0x%02x)", bad, (unsigned char)text[bad]);
    llmcs_status st = bad < n ? repair_utf8(&e, text, n, &r, &view) : LLMCS_OK;
    if (!st) st = find_spelled(&e);
    if (!st && n) st = split_added(&e, &t->plain, &e.matches[0], &view, normalize_range);
    encoder_free(&e);
    ll_free(e.a, r.text);
    ll_free(e.a, r.origin);
    return st;
}
