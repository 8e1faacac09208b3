#include "runtime/generate/text_stream.h"

#include <string.h>

#include "base/call.h"

/* ---- stop strings */

static void fill_failures(const char *string, size_t length, size_t *failures) {
    failures[0] = 0;
    failures[1] = 0;
    for (size_t i = 1, border = 0; i < length; i++) {
        while (border && string[i] != string[border]) border = failures[border];
        if (string[i] == string[border]) border++;
        failures[i + 1] = border;
    }
}

llmcs_status ll_stop_strings_init(ll_stop_strings *stops, const llmcs_allocator *a, const char *const *strings,
                                  size_t n) {
    *stops = (ll_stop_strings){.strings = strings, .n = n};
    llmcs_status status;
    LL_TRY_GOTO(status, ll_alloc(a, n, sizeof *stops->lengths, "stop strings", &stops->lengths), failed);
    LL_TRY_GOTO(status, ll_alloc_zero(a, n, sizeof *stops->failures, "stop strings", &stops->failures), failed);
    for (size_t i = 0; i < n; i++) {
        size_t length = strlen(strings[i]);
        stops->lengths[i] = length;
        LL_TRY_GOTO(status, ll_alloc(a, length + 1, sizeof **stops->failures, "stop string", &stops->failures[i]),
                    failed);
        fill_failures(strings[i], length, stops->failures[i]);
    }
    return LLMCS_OK;
failed:
    ll_stop_strings_free(stops, a);
    return status;
}

void ll_stop_strings_free(ll_stop_strings *stops, const llmcs_allocator *a) {
    for (size_t i = 0; stops->failures && i < stops->n; i++) ll_free(a, stops->failures[i]);
    ll_free(a, stops->failures);
    ll_free(a, stops->lengths);
    *stops = (ll_stop_strings){0};
}

/* Reads one byte; returns the length of the longest stop string that ends with it, or 0. */
static size_t match_byte(ll_text_stream *stream, char byte) {
    size_t longest = 0;
    for (size_t i = 0; i < stream->stops->n; i++) {
        const char *string = stream->stops->strings[i];
        const size_t *failures = stream->stops->failures[i];
        size_t at = stream->matched[i];
        while (at && string[at] != byte) at = failures[at];
        if (string[at] == byte) at++;
        stream->matched[i] = at;
        if (at == stream->stops->lengths[i] && at > longest) longest = at;
    }
    return longest;
}

/* The bytes at the end of the text that may begin a stop string: a beginning of the one that is furthest. */
static void hold_back(ll_text_stream *stream) {
    stream->n_held = 0;
    for (size_t i = 0; i < stream->stops->n; i++) {
        if (stream->matched[i] <= stream->n_held) continue;
        stream->n_held = stream->matched[i];
        stream->held = stream->stops->strings[i];
    }
}

/* ---- the stream */

llmcs_status ll_text_stream_init(ll_text_stream *stream, const llmcs_allocator *a, const llmcs_tokenizer *tokenizer,
                                 const ll_stop_strings *stops) {
    *stream = (ll_text_stream){.stops = stops};
    LL_TRY(ll_alloc_zero(a, stops->n, sizeof *stream->matched, "stop string states", &stream->matched));
    llmcs_status status = llmcs_decoder_create(tokenizer, LLMCS_SKIP_SPECIAL, &stream->decoder);
    if (status) ll_text_stream_free(stream, a);
    return status;
}

void ll_text_stream_free(ll_text_stream *stream, const llmcs_allocator *a) {
    llmcs_decoder_free(&stream->decoder);
    ll_free(a, stream->matched);
    *stream = (ll_text_stream){0};
}

llmcs_status ll_text_stream_reset(ll_text_stream *stream) {
    const char *piece;
    size_t piece_bytes;
    memset(stream->matched, 0, stream->stops->n * sizeof *stream->matched);
    stream->n_held = 0;
    stream->n_sent = 0;
    return llmcs_decoder_finish(stream->decoder, &piece, &piece_bytes);
}

/* False: the callback wants no more. */
static bool deliver(ll_text_stream *stream, const char *text, size_t n_bytes) {
    if (!n_bytes) return true;
    stream->n_sent += n_bytes;
    if (!stream->on_text) return true;
    ll_call *call = ll_callback_begin();
    int stop = stream->on_text(stream->user, text, n_bytes);
    ll_callback_end(call);
    return !stop;
}

/* Sends the first n_bytes of what is held followed by `piece`. Both ends are ends of characters: pieces are whole
 * characters, and what is held starts as a stop string does, with a first byte. */
static bool deliver_pending(ll_text_stream *stream, const char *held, size_t n_held, const char *piece,
                            size_t n_bytes) {
    if (n_bytes <= n_held) return deliver(stream, held, n_bytes);
    return deliver(stream, held, n_held) && deliver(stream, piece, n_bytes - n_held);
}

static ll_stream_verdict take_piece(ll_text_stream *stream, const char *piece, size_t piece_bytes) {
    const char *held = stream->held;
    size_t n_held = stream->n_held, matched = 0, read = 0;
    while (read < piece_bytes && !matched) matched = match_byte(stream, piece[read++]);
    hold_back(stream);
    size_t n_bytes = n_held + read - (matched ? matched : stream->n_held);
    if (!deliver_pending(stream, held, n_held, piece, n_bytes)) return LL_STREAM_CALLBACK;
    return matched ? LL_STREAM_STOP_STRING : LL_STREAM_GOES_ON;
}

llmcs_status ll_text_stream_push(ll_text_stream *stream, int32_t id, ll_stream_verdict *verdict) {
    const char *piece;
    size_t piece_bytes;
    LL_TRY(llmcs_decoder_push(stream->decoder, id, &piece, &piece_bytes));
    *verdict = take_piece(stream, piece, piece_bytes);
    return LLMCS_OK;
}

llmcs_status ll_text_stream_finish(ll_text_stream *stream, ll_stream_verdict *verdict) {
    const char *piece;
    size_t piece_bytes;
    LL_TRY(llmcs_decoder_finish(stream->decoder, &piece, &piece_bytes));
    *verdict = take_piece(stream, piece, piece_bytes);
    if (*verdict == LL_STREAM_GOES_ON && !deliver(stream, stream->held, stream->n_held)) *verdict = LL_STREAM_CALLBACK;
    stream->n_held = 0;
    return LLMCS_OK;
}
