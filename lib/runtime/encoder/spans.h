/* Collects spans of texts, and builds the result that owns copies of them. */
#ifndef LL_RUNTIME_ENCODER_SPANS_H
#define LL_RUNTIME_ENCODER_SPANS_H

#include "base/alloc.h"

/* Zero-initialised. The labels are not owned. */
typedef struct ll_span_list {
    llmcs_text_span *items;
    size_t n, capacity;
    uint32_t *order; /* [n] after ll_span_list_sort */
    size_t order_capacity;
} ll_span_list;

void ll_span_list_free(const llmcs_allocator *a, ll_span_list *list);
llmcs_status ll_span_list_push(const llmcs_allocator *a, ll_span_list *list, llmcs_text_span span);

/* True if span a comes before span b. Ties are kept in the order of pushing. */
typedef bool (*ll_span_less)(const llmcs_text_span *a, const llmcs_text_span *b);
/* Sets `order` to the indices of the items, sorted by `less`. */
llmcs_status ll_span_list_sort(const llmcs_allocator *a, ll_span_list *list, ll_span_less less);

/* A result of n_texts texts without spans. */
llmcs_status ll_span_result_create(const llmcs_allocator *a, size_t n_texts, llmcs_span_result **result);
/* Copies the first n of `order` as the spans of a text. */
llmcs_status ll_span_result_set(llmcs_span_result *result, size_t text, const ll_span_list *list, size_t n);

#endif
