/* Tokens of one text while it is encoded. */
#ifndef LL_TEXT_ENCODING_H
#define LL_TEXT_ENCODING_H

#include "base/alloc.h"

typedef struct ll_encoding {
    int32_t *ids;
    llmcs_span *spans;    /* with want_spans */
    uint8_t *begins_word; /* with want_spans: 1 for the first token of a word of the pre-tokenizer, or an added token */
    size_t n, capacity;   /* tokens that every array holds, and can hold */
    size_t id_capacity, span_capacity, word_capacity;
    bool want_spans;
} ll_encoding;

static inline llmcs_status ll_encoding_grow(ll_encoding *e, const llmcs_allocator *a, size_t need) {
    LL_TRY(ll_grow(a, &e->ids, e->n, &e->id_capacity, need, sizeof *e->ids, "token ids"));
    if (e->want_spans) {
        LL_TRY(ll_grow(a, &e->spans, e->n, &e->span_capacity, need, sizeof *e->spans, "token offsets"));
        LL_TRY(ll_grow(a, &e->begins_word, e->n, &e->word_capacity, need, sizeof *e->begins_word, "words of tokens"));
    }
    e->capacity = e->want_spans ? ll_min(e->id_capacity, ll_min(e->span_capacity, e->word_capacity)) : e->id_capacity;
    return LLMCS_OK;
}

/* Reserves capacity for `more` tokens. Called for every word: one comparison if nothing grows. */
static inline llmcs_status ll_encoding_reserve(ll_encoding *e, const llmcs_allocator *a, size_t more) {
    return more <= e->capacity - e->n ? LLMCS_OK : ll_encoding_grow(e, a, e->n + more);
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

/* The bytes of the original text that a byte of changed text came from. */
typedef struct ll_origin {
    uint32_t begin, end;
} ll_origin;

/* A range of text to tokenize: valid UTF-8, with the position of its bytes in the original. */
typedef struct ll_view {
    const char *text;
    size_t n;
    const ll_origin *origin; /* [n], or NULL: byte i is byte base + i of the original */
    size_t base;
} ll_view;

/* [begin, end) of the view; both are boundaries of characters. */
static inline ll_view ll_view_part(const ll_view *v, size_t begin, size_t end) {
    return (ll_view){v->text + begin, end - begin, v->origin ? v->origin + begin : NULL, v->base + begin};
}

/* The bytes of the original that [begin, end) of the view came from, in whole characters. */
static inline llmcs_span ll_view_span(const ll_view *v, size_t begin, size_t end) {
    if (v->origin && end > begin) return (llmcs_span){v->origin[begin].begin, v->origin[end - 1].end};
    while (begin > 0 && ((unsigned char)v->text[begin] & 0xc0) == 0x80) begin--;
    while (end < v->n && ((unsigned char)v->text[end] & 0xc0) == 0x80) end++;
    return (llmcs_span){v->base + begin, v->base + end};
}

#endif
