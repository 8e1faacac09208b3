/* From tokens to text while they come: streaming decoder, stop strings, the caller's callback. */
#ifndef LL_RUNTIME_TEXT_STREAM_H
#define LL_RUNTIME_TEXT_STREAM_H

#include "base/alloc.h"

/* Stop strings made ready for Knuth, Morris and Pratt's search (SIAM J. Comput. 6, 1977); shared by all streams. */
typedef struct ll_stop_strings {
    const char *const *strings; /* [n], the caller's */
    size_t n;
    size_t *lengths;   /* [n] bytes, at least 1 */
    size_t **failures; /* [n][length + 1] longest proper border of the first k bytes, k = 1.. */
} ll_stop_strings;

/* The strings are valid UTF-8 and not empty, and outlive this. n may be 0. */
llmcs_status ll_stop_strings_init(ll_stop_strings *stops, const llmcs_allocator *a, const char *const *strings,
                                  size_t n);
void ll_stop_strings_free(ll_stop_strings *stops, const llmcs_allocator *a);

/* What a piece of text did. */
typedef enum ll_stream_verdict { LL_STREAM_GOES_ON, LL_STREAM_STOP_STRING, LL_STREAM_CALLBACK } ll_stream_verdict;

typedef struct ll_text_stream {
    llmcs_decoder *decoder;
    const ll_stop_strings *stops;
    size_t *matched;       /* [stops->n] bytes of each string that the text ends with */
    size_t n_held;         /* bytes at the end of the text that may begin a stop string: not sent yet. They are */
    const char *held;      /*   the first n_held bytes of this stop string, so nothing needs to be stored */
    size_t n_sent;         /* bytes sent so far */
    llmcs_text_fn on_text; /* NULL: nobody listens */
    void *user;
} ll_text_stream;

llmcs_status ll_text_stream_init(ll_text_stream *stream, const llmcs_allocator *a, const llmcs_tokenizer *tokenizer,
                                 const ll_stop_strings *stops);
void ll_text_stream_free(ll_text_stream *stream, const llmcs_allocator *a);

/* One more token. After anything but GOES_ON the stream->n_sent bytes sent so far are the whole text: it ends before
 * the first stop string (of those that end at the same byte the longest), or where the callback said so. Time is
 * linear in the text; nothing is allocated. */
llmcs_status ll_text_stream_push(ll_text_stream *stream, int32_t id, ll_stream_verdict *verdict);

/* The end of the tokens: an incomplete character and held bytes are sent. Verdict as above; with GOES_ON the whole
 * text was sent. */
llmcs_status ll_text_stream_finish(ll_text_stream *stream, ll_stream_verdict *verdict);

/* As new, for another text. */
llmcs_status ll_text_stream_reset(ll_text_stream *stream);

#endif
