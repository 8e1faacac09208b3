/* Words with bytes that have no token, which vocabularies trained without an initial alphabet lack. Hugging Face's
 * tokenizers replace such a byte by the unknown token, or drop it if the model has none; then its neighbours may merge.
 */
#include <string.h>

#include "text/bpe.h"

static bool has_token(const ll_bpe *b, const ll_view *view, size_t i) {
    return b->byte_id[(unsigned char)view->text[i]] >= 0;
}

/* One unknown token for each byte, or with fuse_unk for each run of them; no merge has the unknown token as a side. */
static llmcs_status encode_with_unknown(const ll_bpe *b, ll_bpe_scratch *s, const llmcs_allocator *a,
                                        const ll_view *view, size_t begin, size_t end, ll_encoding *out) {
    for (size_t next; begin < end; begin = next) {
        next = begin;
        while (next < end && has_token(b, view, next)) next++;
        if (next > begin) {
            LL_TRY(ll_bpe_encode(b, s, a, view, begin, next, out));
            continue;
        }
        do next++;
        while (b->fuse_unk && next < end && !has_token(b, view, next));
        LL_TRY(ll_encoding_reserve(out, a, 1));
        out->ids[out->n] = b->unk_id;
        if (out->want_spans) out->spans[out->n] = ll_view_span(view, begin, next);
        out->n++;
    }
    return LLMCS_OK;
}

/* The word without the bytes that have no token. */
static llmcs_status encode_without(const ll_bpe *b, ll_bpe_scratch *s, const llmcs_allocator *a, const ll_view *view,
                                   size_t begin, size_t end, ll_encoding *out) {
    size_t n = 0;
    LL_TRY(ll_grow(a, &s->kept, 0, &s->kept_capacity, end - begin, 1, "text without unknown bytes"));
    if (out->want_spans)
        LL_TRY(ll_grow(a, &s->origin, 0, &s->origin_capacity, end - begin, sizeof *s->origin,
                       "offsets of text without unknown bytes"));
    for (size_t i = begin; i < end; i++) {
        if (!has_token(b, view, i)) continue;
        s->kept[n] = view->text[i];
        if (out->want_spans) {
            llmcs_span span = ll_view_span(view, i, i + 1);
            s->origin[n] = (ll_origin){(uint32_t)span.begin, (uint32_t)span.end};
        }
        n++;
    }
    const ll_view kept = {s->kept, n, out->want_spans ? s->origin : NULL, 0};
    return n ? ll_bpe_encode(b, s, a, &kept, 0, n, out) : LLMCS_OK;
}

llmcs_status ll_bpe_encode_gaps(const ll_bpe *b, ll_bpe_scratch *s, const llmcs_allocator *a, const ll_view *view,
                                size_t begin, size_t end, ll_encoding *out) {
    size_t i = begin;
    while (i < end && has_token(b, view, i)) i++;
    if (i == end) return ll_bpe_encode(b, s, a, view, begin, end, out);
    int32_t whole;
    LL_TRY(ll_bpe_find_whole(b, s, a, view->text + begin, end - begin, &whole));
    if (whole >= 0) {
        LL_TRY(ll_encoding_reserve(out, a, 1));
        out->ids[out->n] = whole;
        if (out->want_spans) out->spans[out->n] = ll_view_span(view, begin, end);
        out->n++;
        return LLMCS_OK;
    }
    if (b->unk_id >= 0) return encode_with_unknown(b, s, a, view, begin, end, out);
    return encode_without(b, s, a, view, begin, end, out);
}
