/* Token ids to text, all at once or token by token, with the same state machine. */
#include <string.h>

#include "base/array.h"
#include "base/utf8.h"
#include "text/tokenizer_impl.h"

#define KNOWN_FLAGS (LLMCS_SKIP_SPECIAL | LLMCS_CLEAN_UP_SPACES)

/* Transformers' clean_up_tokenization, over the whole text, in this order. Each replaces text that begins with a
 * space by the same text without its outer spaces. */
static const char *const CLEAN_UP[] = {" .", " ?", " !", " ,", " ' ", " n't", " 'm", " 's", " 've", " 're"};
#define N_CLEAN_UP (sizeof CLEAN_UP / sizeof *CLEAN_UP)

/* The most bytes that the clean-up steps hold back. */
#define MAX_PENDING (4 * N_CLEAN_UP)

/* The most bytes of trailing white space that are held back. */
#define MAX_SPACES 256

/* The most byte-fallback tokens that are decoded together. */
#define MAX_RUN 4096

struct llmcs_decoder {
    uint32_t magic;
    llmcs_allocator allocator;
    const llmcs_tokenizer *tokenizer;
    uint32_t flags;
    bool any;     /* a token was written: the next one is not the first */
    char tail[4]; /* bytes of a character that is not complete yet */
    size_t n_tail;
    char *run; /* bytes of byte fallback in an unfinished run; their text depends on all of them */
    size_t n_run;
    char spaces[MAX_SPACES]; /* white space that is dropped if nothing follows it */
    size_t n_spaces;
    bool any_text;               /* something other than white space was written */
    size_t n_strip;              /* characters that may still be stripped from the beginning of the text */
    uint8_t matched[N_CLEAN_UP]; /* bytes of CLEAN_UP[i] that step i holds back */
    /* The piece. */
    char *out, *other; /* the clean-up's steps write from one to the other and back */
    size_t n;
};

/* ------------------------------------------------------------------------------------------------ clean-up */

/* Runs n bytes through one step: `out` gets the decided bytes, the rest is held back. Only a space begins a pattern,
 * and only " ' " has a second space, at its end, so after a mismatch no other match has begun inside the pattern. */
static size_t clean_up_step(const char *pattern, uint8_t *matched, const char *in, size_t n, char *out) {
    size_t m = 0, held = *matched, length = strlen(pattern);
    size_t kept_end = pattern[length - 1] == ' ' ? length - 1 : length;
    for (size_t i = 0; i < n; i++) {
        if (in[i] == pattern[held]) {
            if (++held < length) continue;
            memcpy(out + m, pattern + 1, kept_end - 1);
            m += kept_end - 1;
            held = 0;
            continue;
        }
        memcpy(out + m, pattern, held);
        m += held;
        held = in[i] == ' ';
        if (!held) out[m++] = in[i];
    }
    *matched = (uint8_t)held;
    return m;
}

/* Runs the piece through all steps, each on the output of the previous one. Nothing is held back at the end of the
 * text.
 */
static void clean_up(llmcs_decoder *d, bool last) {
    for (size_t step = 0; step < N_CLEAN_UP; step++) {
        size_t m = clean_up_step(CLEAN_UP[step], &d->matched[step], d->out, d->n, d->other);
        if (last) {
            memcpy(d->other + m, CLEAN_UP[step], d->matched[step]);
            m += d->matched[step];
            d->matched[step] = 0;
        }
        char *swapped = d->out;
        d->out = d->other;
        d->other = swapped;
        d->n = m;
    }
}

/* --------------------------------------------------------------------------------------------------- UTF-8 */

static void write_bytes(llmcs_decoder *d, const char *bytes, size_t n) {
    if (n) memcpy(d->out + d->n, bytes, n);
    d->n += n;
}

static const char REPLACEMENT[] = "\xef\xbf\xbd"; /* U+FFFD */

/* Writes bytes [0, n) as valid UTF-8; returns how many bytes of an incomplete character at the end it left out. */
static size_t write_valid(llmcs_decoder *d, const char *bytes, size_t n) {
    size_t wait = ll_utf8_incomplete_tail(bytes, n), good = 0;
    for (size_t i = 0, len; i < n - wait; i += len) {
        uint32_t cp;
        len = ll_utf8_decode(bytes + i, n - wait - i, &cp);
        if (cp != LL_UTF8_BAD) continue;
        write_bytes(d, bytes + good, i - good);
        write_bytes(d, REPLACEMENT, 3);
        good = i + len;
    }
    write_bytes(d, bytes + good, n - wait - good);
    return wait;
}

/* Completes the held-back character byte by byte, then writes the rest of the token at once. */
static void write_token_bytes(llmcs_decoder *d, const char *bytes, size_t n) {
    size_t used = 0;
    while (d->n_tail && used < n) {
        d->tail[d->n_tail++] = bytes[used++];
        size_t wait = write_valid(d, d->tail, d->n_tail);
        memmove(d->tail, d->tail + d->n_tail - wait, wait);
        d->n_tail = wait;
    }
    if (used == n) return;
    size_t wait = write_valid(d, bytes + used, n - used);
    memcpy(d->tail, bytes + n - wait, wait);
    d->n_tail = wait;
}

static void flush_spaces(llmcs_decoder *d) {
    if (d->any_text && d->n_spaces) write_token_bytes(d, d->spaces, d->n_spaces);
    d->n_spaces = 0;
}

/* Writes a text without the white space at its ends. */
static void write_trimmed(llmcs_decoder *d, const char *bytes, size_t n) {
    for (size_t i = 0, len; i < n; i += len) {
        uint32_t cp;
        len = ll_utf8_decode(bytes + i, n - i, &cp);
        if (cp != LL_UTF8_BAD && (ll_unicode_flags(d->tokenizer->unicode, cp) & LL_UC_SPACE)) {
            if (d->n_spaces + len > MAX_SPACES) flush_spaces(d);
            memcpy(d->spaces + d->n_spaces, bytes + i, len);
            d->n_spaces += len;
            continue;
        }
        flush_spaces(d);
        d->any_text = true;
        write_token_bytes(d, bytes + i, len);
    }
}

/* Marian writes special tokens as they are, with a space after each, and begins a new text there. */
static void write_apart(llmcs_decoder *d, int32_t id) {
    const ll_vocab *v = &d->tokenizer->vocab;
    write_trimmed(d, v->bytes + v->offset[id], v->length[id]);
    write_trimmed(d, " ", 1);
    d->any = false;
}

/* Strip after Fuse: removes up to n_strip of the step's character from the beginning of the text. */
static void write_stripped(llmcs_decoder *d, const char *bytes, size_t n) {
    const ll_step_text *character = &d->tokenizer->strip.from;
    for (; n && d->n_strip; d->n_strip--) {
        if (n < character->n || memcmp(bytes, character->at, character->n) != 0) {
            d->n_strip = 0;
            break;
        }
        bytes += character->n;
        n -= character->n;
    }
    if (n) write_token_bytes(d, bytes, n);
}

/* A run of byte tokens is text if all of it is valid UTF-8; else every byte of it becomes U+FFFD. */
static void write_run(llmcs_decoder *d) {
    const size_t n = d->n_run;
    d->n_run = 0;
    for (size_t i = 0; i < n;) {
        uint32_t cp;
        i += ll_utf8_decode(d->run + i, n - i, &cp);
        if (cp != LL_UTF8_BAD) continue;
        for (size_t k = 0; k < n; k++) write_stripped(d, REPLACEMENT, 3);
        return;
    }
    write_stripped(d, d->run, n);
}

static void write_token(llmcs_decoder *d, int32_t id) {
    const llmcs_tokenizer *t = d->tokenizer;
    if ((size_t)id >= t->vocab.n_ids || !(t->decode_flags[id] & LL_DECODE_KNOWN)) return;
    if ((d->flags & LLMCS_SKIP_SPECIAL) && (t->decode_flags[id] & LL_DECODE_SPECIAL)) return;
    const ll_decode_table *table = d->any || !t->has_first ? &t->inside : &t->first;
    const char *bytes = table->bytes + table->offset[id];
    const size_t n = table->offset[id + 1] - table->offset[id];
    d->any = true;
    if (t->decode_flags[id] & LL_DECODE_BYTE) {
        if (d->n_run == MAX_RUN) write_run(d);
        d->run[d->n_run++] = bytes[0];
        return;
    }
    if (d->n_run) write_run(d);
    if (t->trims_text && (t->decode_flags[id] & LL_DECODE_SPECIAL))
        write_apart(d, id);
    else if (t->trims_text)
        write_trimmed(d, bytes, n);
    else if (t->strip.n_left)
        write_stripped(d, bytes, n);
    else
        write_token_bytes(d, bytes, n);
}

/* ----------------------------------------------------------------------------------------------- all at once */

static llmcs_status check_id(int32_t id) {
    return id < 0 ? ll_fail(LLMCS_TOKEN_RANGE, "token id %d", (int)id) : LLMCS_OK;
}

/* Decodes token by token; counts all bytes and copies those that fit into the buffer. */
static llmcs_status decode_into(llmcs_decoder *d, const int32_t *ids, size_t n_ids, char *text, size_t capacity,
                                size_t *text_bytes) {
    size_t total = 0;
    for (size_t i = 0; i <= n_ids; i++) {
        const char *piece;
        size_t n;
        if (i < n_ids)
            LL_TRY(llmcs_decoder_push(d, ids[i], &piece, &n));
        else
            LL_TRY(llmcs_decoder_finish(d, &piece, &n));
        if (text && total <= capacity && n <= capacity - total && n) memcpy(text + total, piece, n);
        total += n;
    }
    *text_bytes = total;
    if (text && total > capacity)
        return ll_fail(LLMCS_BUFFER, "%zu bytes of text, but the buffer holds %zu", total, capacity);
    return LLMCS_OK;
}

llmcs_status llmcs_decode(const llmcs_tokenizer *tokenizer, const int32_t *ids, size_t n_ids, uint32_t flags,
                          char *text, size_t capacity, size_t *text_bytes) {
    if (!text_bytes) return ll_fail(LLMCS_ARG, "llmcs_decode: text_bytes is NULL");
    *text_bytes = 0;
    if (!ids && n_ids) return ll_fail(LLMCS_ARG, "llmcs_decode: ids is NULL");
    LL_TRY(ll_check_array("ids", n_ids, sizeof *ids));
    for (size_t i = 0; i < n_ids; i++) LL_TRY(check_id(ids[i]));
    llmcs_decoder *d;
    LL_TRY(llmcs_decoder_create(tokenizer, flags, &d));
    llmcs_status st = decode_into(d, ids, n_ids, text, capacity, text_bytes);
    llmcs_decoder_free(&d);
    return st;
}

/* ----------------------------------------------------------------------------------------- token by token */

llmcs_status llmcs_decoder_create(const llmcs_tokenizer *tokenizer, uint32_t flags, llmcs_decoder **decoder) {
    if (!decoder) return ll_fail(LLMCS_ARG, "llmcs_decoder_create: decoder is NULL");
    *decoder = NULL;
    LL_TRY(ll_tokenizer_check(tokenizer));
    if (flags & ~KNOWN_FLAGS) return ll_fail(LLMCS_ARG, "llmcs_decoder_create: unknown bits in flags 0x%x", flags);
    if (tokenizer->target) tokenizer = tokenizer->target;
    const llmcs_allocator *a = &tokenizer->allocator;
    llmcs_decoder *d;
    LL_TRY(ll_alloc_zero(a, 1, sizeof *d, "decoder", &d));
    d->magic = LL_DECODER_MAGIC;
    d->allocator = *a;
    d->tokenizer = tokenizer;
    d->flags = flags;
    /* At worst every byte of a token is bad and becomes three. */
    size_t capacity =
        3 * (tokenizer->longest_decoded + 4 + (tokenizer->has_bytes ? MAX_RUN : 0)) + MAX_SPACES + MAX_PENDING;
    d->n_strip = tokenizer->strip.n_left;
    llmcs_status st = tokenizer->has_bytes ? ll_alloc(a, MAX_RUN, 1, "decoder's run", &d->run) : LLMCS_OK;
    if (!st) st = ll_alloc(a, capacity, 1, "decoder's piece", &d->out);
    if (!st) st = ll_alloc(a, capacity, 1, "decoder's piece", &d->other);
    *decoder = d;
    if (st) llmcs_decoder_free(decoder);
    return st;
}

void llmcs_decoder_free(llmcs_decoder **decoder) {
    if (!decoder || !*decoder) return;
    llmcs_decoder *d = *decoder;
    *decoder = NULL;
    if (d->magic != LL_DECODER_MAGIC) return;
    llmcs_allocator a = d->allocator;
    d->magic = 0;
    ll_free(&a, d->run);
    ll_free(&a, d->out);
    ll_free(&a, d->other);
    ll_free(&a, d);
}

static llmcs_status check_decoder(const llmcs_decoder *d, const char **piece, size_t *piece_bytes) {
    if (piece) *piece = "";
    if (piece_bytes) *piece_bytes = 0;
    if (!d || !piece || !piece_bytes) return ll_fail(LLMCS_ARG, "decoder, piece or piece_bytes is NULL");
    if (d->magic != LL_DECODER_MAGIC) return ll_fail(LLMCS_STATE, "not a decoder, or one that was freed");
    return LLMCS_OK;
}

llmcs_status llmcs_decoder_push(llmcs_decoder *decoder, int32_t id, const char **piece, size_t *piece_bytes) {
    LL_TRY(check_decoder(decoder, piece, piece_bytes));
    LL_TRY(check_id(id));
    decoder->n = 0;
    write_token(decoder, id);
    if (decoder->flags & LLMCS_CLEAN_UP_SPACES) clean_up(decoder, false);
    *piece = decoder->out;
    *piece_bytes = decoder->n;
    return LLMCS_OK;
}

llmcs_status llmcs_decoder_finish(llmcs_decoder *decoder, const char **piece, size_t *piece_bytes) {
    LL_TRY(check_decoder(decoder, piece, piece_bytes));
    decoder->n = 0;
    if (decoder->n_run) write_run(decoder);
    if (decoder->n_tail) write_bytes(decoder, REPLACEMENT, 3);
    if (decoder->flags & LLMCS_CLEAN_UP_SPACES) clean_up(decoder, true);
    decoder->n_tail = decoder->n_spaces = 0;
    decoder->any = decoder->any_text = false;
    decoder->n_strip = decoder->tokenizer->strip.n_left;
    *piece = decoder->out;
    *piece_bytes = decoder->n;
    return LLMCS_OK;
}
