/* Converts tokens to text as they arrive: streaming decoder, stop strings, the caller's callback. */
#ifndef LL_RUNTIME_TEXT_STREAM_H
#define LL_RUNTIME_TEXT_STREAM_H

#include "runtime/generate/stop_strings.h"

/* What to do after a token's text. */
typedef enum ll_stream_verdict { LL_STREAM_GOES_ON, LL_STREAM_STOP_STRING, LL_STREAM_CALLBACK } ll_stream_verdict;

typedef struct ll_text_stream {
    llmcs_decoder *decoder;
    const ll_stop_strings *stops;
    uint32_t matched; /* node of the stop strings: the bytes at the end of the text that may begin one. They are held
                         back and need not be stored, since they are the prefix of the node's string */
    size_t n_sent;    /* bytes sent so far */
    llmcs_text_fn on_text; /* may be NULL */
    void *user;
} ll_text_stream;

llmcs_status ll_text_stream_init(ll_text_stream *stream, const llmcs_tokenizer *tokenizer,
                                 const ll_stop_strings *stops);
void ll_text_stream_free(ll_text_stream *stream);

/* Adds one token. After any verdict but GOES_ON the stream->n_sent bytes sent so far are the whole text: it ends before
 * the first stop string (of those that end at the same byte, the longest), or where the callback stopped it. Linear
 * time; allocates nothing. */
llmcs_status ll_text_stream_push(ll_text_stream *stream, int32_t id, ll_stream_verdict *verdict);

/* Ends the text: sends an incomplete character as U+FFFD and the bytes held back. Verdict as above; with GOES_ON the
 * whole text was sent. */
llmcs_status ll_text_stream_finish(ll_text_stream *stream, ll_stream_verdict *verdict);

/* Resets the stream for another text. */
llmcs_status ll_text_stream_reset(ll_text_stream *stream);

#endif
