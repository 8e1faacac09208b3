/* The 256 tokens of byte fallback. */
#include "text/byte_tokens.h"

#include "base/status.h"
#include "formats/decimal.h"

int ll_byte_of_token(const char *token, size_t len) {
    if (len != 6 || token[0] != '<' || token[1] != '0' || token[2] != 'x' || token[5] != '>') return -1;
    const int high = ll_digit_value(token[3]), low = ll_digit_value(token[4]);
    return high >= 16 || low >= 16 ? -1 : high << 4 | low;
}

void ll_byte_tokens_find(ll_byte_tokens *b, const ll_vocab *vocab) {
    for (unsigned byte = 0; byte < 256; byte++) {
        char token[8];
        const int len = ll_format(token, sizeof token, "<0x%02X>", byte);
        b->id[byte] = ll_vocab_find(vocab, token, (size_t)len);
    }
}

llmcs_status ll_byte_tokens_append(const ll_byte_tokens *b, const llmcs_allocator *a, const ll_view *view, size_t begin,
                                   size_t end, ll_encoding *out, bool *done) {
    const llmcs_span span = ll_view_span(view, begin, end);
    *done = false;
    for (size_t i = begin; i < end; i++)
        if (b->id[(unsigned char)view->text[i]] < 0) return LLMCS_OK;
    LL_TRY(ll_encoding_reserve(out, a, end - begin));
    for (size_t i = begin; i < end; i++) {
        out->ids[out->n] = b->id[(unsigned char)view->text[i]];
        if (out->want_spans) out->spans[out->n] = span;
        out->n++;
    }
    *done = true;
    return LLMCS_OK;
}
