/* Converts tokens to text: the streaming decoder, stop strings, the callback. */
#include "runtime/generate/text_stream.h"

#include "base/call.h"

llmcs_status ll_text_stream_init(ll_text_stream *stream, const llmcs_tokenizer *tokenizer,
                                 const ll_stop_strings *stops) {
    *stream = (ll_text_stream){.stops = stops};
    return llmcs_decoder_create(tokenizer, LLMCS_SKIP_SPECIAL, &stream->decoder);
}

void ll_text_stream_free(ll_text_stream *stream) {
    llmcs_decoder_free(&stream->decoder);
    *stream = (ll_text_stream){0};
}

llmcs_status ll_text_stream_reset(ll_text_stream *stream) {
    const char *piece;
    size_t piece_bytes;
    stream->matched = 0;
    stream->n_sent = 0;
    return llmcs_decoder_finish(stream->decoder, &piece, &piece_bytes);
}

/* The bytes that are held back, possibly none. */
static const char *held_bytes(const ll_text_stream *stream) {
    return stream->matched ? stream->stops->strings[stream->stops->nodes[stream->matched].string] : "";
}

/* False: the callback requests to stop. */
static bool call_on_text(ll_text_stream *stream, const char *text, size_t n_bytes) {
    if (!n_bytes) return true;
    stream->n_sent += n_bytes;
    if (!stream->on_text) return true;
    ll_call *call = ll_callback_begin();
    int stop = stream->on_text(stream->user, text, n_bytes);
    ll_callback_end(call);
    return !stop;
}

static ll_stream_verdict read_piece(ll_text_stream *stream, const char *piece, size_t piece_bytes) {
    const ll_stop_strings *stops = stream->stops;
    const ll_stop_node *nodes = stops->nodes;
    const char *held = held_bytes(stream);
    const size_t n_held = nodes[stream->matched].depth;
    size_t n_matched = 0, read = 0;
    while (read < piece_bytes && !n_matched) {
        stream->matched = ll_stop_strings_step(stops, stream->matched, (unsigned char)piece[read++]);
        n_matched = nodes[stream->matched].longest;
    }
    const size_t n_bytes = n_held + read - (n_matched ? n_matched : nodes[stream->matched].depth);
    /* Both parts end where a character ends: pieces are whole characters, and the held bytes begin one. */
    if (!call_on_text(stream, held, ll_min(n_bytes, n_held))) return LL_STREAM_CALLBACK;
    if (n_bytes > n_held && !call_on_text(stream, piece, n_bytes - n_held)) return LL_STREAM_CALLBACK;
    return n_matched ? LL_STREAM_STOP_STRING : LL_STREAM_GOES_ON;
}

llmcs_status ll_text_stream_push(ll_text_stream *stream, int32_t id, ll_stream_verdict *verdict) {
    const char *piece;
    size_t piece_bytes;
    LL_TRY(llmcs_decoder_push(stream->decoder, id, &piece, &piece_bytes));
    *verdict = read_piece(stream, piece, piece_bytes);
    return LLMCS_OK;
}

llmcs_status ll_text_stream_finish(ll_text_stream *stream, ll_stream_verdict *verdict) {
    const char *piece;
    size_t piece_bytes;
    LL_TRY(llmcs_decoder_finish(stream->decoder, &piece, &piece_bytes));
    *verdict = read_piece(stream, piece, piece_bytes);
    const size_t n_held = stream->stops->nodes[stream->matched].depth;
    if (*verdict == LL_STREAM_GOES_ON && !call_on_text(stream, held_bytes(stream), n_held))
        *verdict = LL_STREAM_CALLBACK;
    stream->matched = 0;
    return LLMCS_OK;
}
