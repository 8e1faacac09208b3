/* Tokens of one text while it is encoded. */
#ifndef LL_TEXT_ENCODING_H
#define LL_TEXT_ENCODING_H

#include "base/alloc.h"

typedef struct ll_encoding {
    int32_t *ids;
    llmcs_span *spans;    /* with want_spans */
    uint8_t *begins_word; /* with want_spans: 1 for the first token of a word of the pre-tokenizer, or an added token */
    size_t n, capacity, span_capacity, word_capacity;
    bool want_spans;
} ll_encoding;

/* Capacity for `more` tokens behind those there are. */
static inline llmcs_status ll_encoding_reserve(ll_encoding *e, const llmcs_allocator *a, size_t more) {
    const size_t words = e->want_spans ? e->word_capacity : SIZE_MAX; /* the last one to grow */
    if (more <= e->capacity - e->n && more <= words - e->n) return LLMCS_OK;
    LL_TRY(ll_grow(a, &e->ids, e->n, &e->capacity, e->n + more, sizeof *e->ids, "token ids"));
    if (!e->want_spans) return LLMCS_OK;
    LL_TRY(ll_grow(a, &e->spans, e->n, &e->span_capacity, e->n + more, sizeof *e->spans, "token offsets"));
    return ll_grow(a, &e->begins_word, e->n, &e->word_capacity, e->n + more, sizeof *e->begins_word, "words of tokens");
}

/* The tokens from `first` on are one word. */
static inline void ll_encoding_end_word(ll_encoding *e, size_t first) {
    if (!e->want_spans) return;
    for (size_t i = first; i < e->n; i++) e->begins_word[i] = i == first;
}

static inline void ll_encoding_free(ll_encoding *e, const llmcs_allocator *a) {
    ll_free(a, e->ids);
    ll_free(a, e->spans);
    ll_free(a, e->begins_word);
    *e = (ll_encoding){0};
}

/* Which bytes of the original a byte of some changed text came from. */
typedef struct ll_origin {
    uint32_t begin, end;
} ll_origin;

/* A range of text to tokenize: valid UTF-8, and where its bytes come from in the original. */
typedef struct ll_view {
    const char *text;
    size_t n;
    const ll_origin *origin; /* [n], or NULL: byte i is byte base + i of the original */
    size_t base;
} ll_view;

/* The bytes of the original that [begin, end) of the view came from, in whole characters. */
static inline llmcs_span ll_view_span(const ll_view *v, size_t begin, size_t end) {
    if (v->origin && end > begin) return (llmcs_span){v->origin[begin].begin, v->origin[end - 1].end};
    while (begin > 0 && ((unsigned char)v->text[begin] & 0xc0) == 0x80) begin--;
    while (end < v->n && ((unsigned char)v->text[end] & 0xc0) == 0x80) end++;
    return (llmcs_span){v->base + begin, v->base + end};
}

#endif
