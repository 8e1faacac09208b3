/* The decoded text of each token, computed once at open. */
#include <string.h>

#include "text/byte_level.h"
#include "text/tokenizer_impl.h"

typedef struct replacement {
    const char *from, *to;
} replacement;

/* The WordPiece decoder's own clean-up, of each token by itself, in this order (Hugging Face's tokenizers). */
static const replacement CLEAN_UP[] = {{" .", "."},   {" ?", "?"},     {" !", "!"},    {" ,", ","},
                                       {" ' ", "'"},  {" n't", "n't"}, {" 'm", "'m"},  {" do not", " don't"},
                                       {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};

/* Replaces in place from left to right; no replacement is longer than what it replaces. */
static size_t replace_all(char *text, size_t n, const replacement *r) {
    size_t from = strlen(r->from), to = strlen(r->to), out = 0;
    for (size_t i = 0; i < n;) {
        if (n - i >= from && !memcmp(text + i, r->from, from)) {
            memcpy(text + out, r->to, to);
            out += to;
            i += from;
        } else {
            text[out++] = text[i++];
        }
    }
    return out;
}

/* True if the text has one of these characters or two spaces, as all replaced texts do; few tokens have. */
static bool may_change(const char *text, size_t n) {
    size_t n_spaces = 0;
    for (size_t i = 0; i < n; i++) {
        const char c = text[i];
        if (c == '.' || c == '?' || c == '!' || c == ',' || c == '\'') return true;
        n_spaces += c == ' ';
    }
    return n_spaces > 1;
}

static size_t write_byte_level(const char *token, size_t len, char *out) {
    size_t n = ll_bytes_of_token(token, len, out);
    if (n != SIZE_MAX) return n;
    if (len) memcpy(out, token, len);
    return len;
}

/* From token, which may be out itself, to out (capacity len + 1). */
static size_t write_wordpiece(const ll_decoder_step *step, const char *token, size_t len, bool first, char *out) {
    const size_t prefix = step->from.n;
    const bool joins = len >= prefix && !memcmp(token, step->from.at, prefix);
    size_t n = 0;
    if (!first && joins) {
        token += prefix;
        len -= prefix;
    } else if (!first) {
        n = 1;
    }
    if (len) memmove(out + n, token, len);
    if (n) out[0] = ' ';
    n += len;
    if (!step->cleanup || !may_change(out, n)) return n;
    for (size_t i = 0; i < sizeof CLEAN_UP / sizeof *CLEAN_UP; i++) n = replace_all(out, n, &CLEAN_UP[i]);
    return n;
}

/* Without a decoder, tokens are joined by spaces. */
static size_t write_joined(const char *token, size_t len, bool first, char *out) {
    size_t n = 0;
    if (!first) out[n++] = ' ';
    if (len) memcpy(out + n, token, len);
    return n + len;
}

/* Every occurrence of the step's text, from the left; what takes its place is no longer. */
static size_t write_replaced(const ll_step_text *from, const char *to, size_t n_to, const char *token, size_t len,
                             char *out) {
    size_t n = 0;
    for (size_t i = 0; i < len;) {
        if (from->n && len - i >= from->n && !memcmp(token + i, from->at, from->n)) {
            memcpy(out + n, to, n_to);
            n += n_to;
            i += from->n;
        } else {
            out[n++] = token[i++];
        }
    }
    return n;
}

/* Strips up to n_left and n_right of the step's character at the ends. */
static size_t write_stripped(const ll_decoder_step *step, const char *token, size_t len, char *out) {
    const size_t k = step->from.n;
    for (size_t i = 0; i < step->n_left && len >= k && !memcmp(token, step->from.at, k); i++) {
        token += k;
        len -= k;
    }
    for (size_t i = 0; i < step->n_right && len >= k && !memcmp(token + len - k, step->from.at, k); i++) len -= k;
    if (len) memmove(out, token, len);
    return len;
}

/* SentencePiece's character becomes a space; one at the beginning of a text is dropped. */
static size_t write_piece(const ll_decoder_step *step, const char *token, size_t len, bool first, char *out) {
    const size_t skip = first && len >= step->from.n && !memcmp(token, step->from.at, step->from.n) ? step->from.n : 0;
    return write_replaced(&step->from, " ", 1, token + skip, len - skip, out);
}

static size_t write_step(const ll_decoder_step *step, const char *token, size_t len, bool first, char *out) {
    switch (step->kind) {
        case LL_DECODE_BYTE_LEVEL:
            return write_byte_level(token, len, out);
        case LL_DECODE_WORDPIECE:
            return write_wordpiece(step, token, len, first, out);
        case LL_DECODE_METASPACE:
            return write_replaced(&step->from, " ", !first || step->prepend == LL_PREPEND_NEVER, token, len, out);
        case LL_DECODE_REPLACE:
            return write_replaced(&step->from, step->to.at, step->to.n, token, len, out);
        case LL_DECODE_SENTENCEPIECE:
            return write_piece(step, token, len, first, out);
        case LL_DECODE_STRIP:
            return write_stripped(step, token, len, out);
        case LL_DECODE_BYTE_FALLBACK:
        case LL_DECODE_FUSE:
            break;
    }
    return len;
}

/* The number of steps that work on each token; the others work on all tokens (decode.c). */
static size_t n_token_steps(const llmcs_tokenizer *t) {
    size_t n = 0;
    while (n < t->n_decoder && t->decoder[n].kind != LL_DECODE_BYTE_FALLBACK && t->decoder[n].kind != LL_DECODE_FUSE)
        n++;
    return n;
}

/* Writes the text of `token` to out (capacity len + 1); returns its length in bytes. */
static size_t write_token(const llmcs_tokenizer *t, const char *token, size_t len, bool first, char *out) {
    const size_t n_steps = n_token_steps(t);
    if (!t->n_decoder) return write_joined(token, len, first, out);
    for (size_t i = 0; i < n_steps; i++) {
        len = write_step(&t->decoder[i], token, len, first, out);
        token = out;
    }
    if (token != out && len) memcpy(out, token, len);
    const int byte =
        n_steps < t->n_decoder && t->decoder[n_steps].kind == LL_DECODE_BYTE_FALLBACK ? ll_byte_of_token(out, len) : -1;
    if (byte < 0) return len;
    out[0] = (char)byte;
    return 1;
}

static llmcs_status build_table(llmcs_tokenizer *t, const ll_tokenizer_spec *spec, bool first, ll_decode_table *d) {
    const llmcs_allocator *a = &t->allocator;
    size_t n_ids = t->vocab.n_ids, at = 0;
    /* A token takes its bytes and at most one space. */
    if (t->vocab.n_bytes > UINT32_MAX - n_ids)
        return ll_fail(LLMCS_LIMIT, "%s: the tokens have %zu bytes in all, at most %zu are allowed", spec->path,
                       t->vocab.n_bytes, (size_t)UINT32_MAX - n_ids);
    LL_TRY(ll_alloc(a, t->vocab.n_bytes + n_ids, 1, "decoding table", &d->bytes));
    LL_TRY(ll_alloc(a, n_ids + 1, sizeof *d->offset, "decoding table", &d->offset));
    for (size_t id = 0; id < n_ids; id++) {
        size_t len;
        const char *token = ll_vocab_token(&t->vocab, (int32_t)id, &len);
        d->offset[id] = (uint32_t)at;
        if (!token) continue;
        size_t n = write_token(t, token, len, first, d->bytes + at);
        if (t->has_bytes && ll_byte_of_token(token, len) >= 0 && n == 1) t->decode_flags[id] |= LL_DECODE_BYTE;
        t->longest_decoded = ll_max(t->longest_decoded, n);
        at += n;
    }
    d->offset[n_ids] = (uint32_t)at;
    return LLMCS_OK;
}

/* Finds the steps that decode.c applies to all tokens. */
static void find_joint_steps(llmcs_tokenizer *t) {
    bool fused = false;
    for (size_t i = 0; i < t->n_decoder; i++) {
        const ll_decoder_step *step = &t->decoder[i];
        if (step->kind == LL_DECODE_BYTE_FALLBACK) t->has_bytes = true;
        if (step->kind == LL_DECODE_STRIP && fused) t->strip = *step;
        if (step->kind == LL_DECODE_SENTENCEPIECE) t->trims_text = true;
        fused = fused || step->kind == LL_DECODE_FUSE;
    }
}

llmcs_status ll_decode_tables_build(llmcs_tokenizer *t, const ll_tokenizer_spec *spec) {
    size_t n_ids = t->vocab.n_ids;
    LL_TRY(ll_alloc_zero(&t->allocator, n_ids, 1, "decoding table", &t->decode_flags));
    for (size_t id = 0; id < n_ids; id++)
        if (t->vocab.length[id] != LL_VOCAB_NONE) t->decode_flags[id] = LL_DECODE_KNOWN;
    for (size_t i = 0; i < spec->n_added; i++) {
        const ll_added_token *e = &spec->added[i];
        if (e->id >= 0) t->decode_flags[e->id] |= LL_DECODE_ADDED | (e->special ? LL_DECODE_SPECIAL : 0);
    }
    find_joint_steps(t);
    LL_TRY(build_table(t, spec, false, &t->inside));
    t->has_first = !t->n_decoder;
    for (size_t i = 0; i < t->n_decoder; i++)
        t->has_first = t->has_first || t->decoder[i].kind == LL_DECODE_WORDPIECE ||
                       t->decoder[i].kind == LL_DECODE_SENTENCEPIECE ||
                       (t->decoder[i].kind == LL_DECODE_METASPACE && t->decoder[i].prepend != LL_PREPEND_NEVER);
    if (!t->has_first) return LLMCS_OK;
    return build_table(t, spec, true, &t->first);
}

void ll_decode_tables_free(llmcs_tokenizer *t) {
    ll_free(&t->allocator, t->decode_flags);
    ll_free(&t->allocator, t->inside.bytes);
    ll_free(&t->allocator, t->inside.offset);
    ll_free(&t->allocator, t->first.bytes);
    ll_free(&t->allocator, t->first.offset);
}

bool ll_tokenizer_first_differs(const llmcs_tokenizer *t) { return t->has_first || t->strip.n_left; }

const char *ll_tokenizer_token_bytes(const llmcs_tokenizer *t, int32_t id, bool first, size_t *n) {
    *n = 0;
    if (id < 0 || (size_t)id >= t->vocab.n_ids || !(t->decode_flags[id] & LL_DECODE_KNOWN) ||
        t->decode_flags[id] & LL_DECODE_SPECIAL)
        return NULL;
    const ll_decode_table *table = first && t->has_first ? &t->first : &t->inside;
    const char *bytes = table->bytes + table->offset[id];
    const ll_step_text *stripped = &t->strip.from;
    *n = table->offset[id + 1] - table->offset[id];
    for (size_t i = 0; first && i < t->strip.n_left && stripped->n; i++) {
        if (*n < stripped->n || memcmp(bytes, stripped->at, stripped->n) != 0) break;
        bytes += stripped->n;
        *n -= stripped->n;
    }
    return bytes;
}

llmcs_allocator ll_tokenizer_allocator(const llmcs_tokenizer *t) { return t->allocator; }
