/* Results of llmcs_tag and llmcs_answer_span: one object that owns all its memory. */
#include "runtime/encoder/spans.h"

#include <string.h>

#include "base/arena.h"
#include "base/sort.h"

/* ------------------------------------------------------------------------------------------------- collecting */

void ll_span_list_free(const llmcs_allocator *a, ll_span_list *list) {
    ll_free(a, list->items);
    ll_free(a, list->order);
    *list = (ll_span_list){0};
}

llmcs_status ll_span_list_push(const llmcs_allocator *a, ll_span_list *list, llmcs_text_span span) {
    if (list->n == UINT32_MAX) return ll_fail(LLMCS_LIMIT, "a text has more than %zu spans", list->n);
    LL_TRY(ll_grow(a, &list->items, list->n, &list->capacity, list->n + 1, sizeof *list->items, "spans"));
    list->items[list->n++] = span;
    return LLMCS_OK;
}

typedef struct span_order {
    const llmcs_text_span *items;
    ll_span_less less;
} span_order;

static bool span_before(const void *context, uint32_t a, uint32_t b) {
    const span_order *o = context;
    if (o->less(&o->items[a], &o->items[b])) return true;
    return a < b && !o->less(&o->items[b], &o->items[a]);
}

llmcs_status ll_span_list_sort(const llmcs_allocator *a, ll_span_list *list, ll_span_less less) {
    const span_order order = {list->items, less};
    LL_TRY(ll_grow(a, &list->order, 0, &list->order_capacity, list->n, sizeof *list->order, "order of spans"));
    for (size_t i = 0; i < list->n; i++) list->order[i] = (uint32_t)i;
    ll_sort_u32(list->order, list->n, span_before, &order);
    return LLMCS_OK;
}

/* ------------------------------------------------------------------------------------------------- the result */

typedef struct owned_spans {
    llmcs_span_result result; /* first: what the caller holds is its address */
    const llmcs_text_spans **texts;
    ll_arena arena; /* everything it points to */
    llmcs_allocator allocator;
} owned_spans;

void llmcs_span_result_free(llmcs_span_result **result) {
    if (!result || !*result) return;
    owned_spans *r = (owned_spans *)*result;
    *result = NULL;
    llmcs_allocator allocator = r->allocator;
    ll_arena_free(&r->arena);
    ll_free(&allocator, r);
}

llmcs_status ll_span_result_create(const llmcs_allocator *a, size_t n_texts, llmcs_span_result **result) {
    static const llmcs_text_spans none = {NULL, 0};
    owned_spans *r;
    LL_TRY(ll_alloc_zero(a, 1, sizeof *r, "result", &r));
    r->allocator = *a;
    ll_arena_init(&r->arena, &r->allocator);
    llmcs_span_result *handle = &r->result;
    const llmcs_status st = ll_arena_alloc(&r->arena, n_texts, sizeof(void *), "spans of texts", &r->texts);
    if (st) {
        llmcs_span_result_free(&handle);
        return st;
    }
    for (size_t i = 0; i < n_texts; i++) r->texts[i] = &none;
    r->result = (llmcs_span_result){r->texts, n_texts};
    *result = handle;
    return LLMCS_OK;
}

llmcs_status ll_span_result_set(llmcs_span_result *result, size_t text, const ll_span_list *list, size_t n) {
    owned_spans *r = (owned_spans *)result;
    llmcs_text_spans *spans;
    llmcs_text_span *items;
    const llmcs_text_span **pointers; /* a program built with an older header may know a shorter llmcs_text_span */
    LL_TRY(ll_arena_alloc(&r->arena, 1, sizeof *spans, "spans of a text", &spans));
    LL_TRY(ll_arena_alloc(&r->arena, n, sizeof *items, "spans of a text", &items));
    LL_TRY(ll_arena_alloc(&r->arena, n, sizeof(void *), "spans of a text", &pointers));
    for (size_t i = 0; i < n; i++) {
        items[i] = list->items[list->order[i]];
        const char *label = items[i].label;
        LL_TRY(ll_arena_copy_text(&r->arena, label, strlen(label), "label of a span", &items[i].label));
        pointers[i] = &items[i];
    }
    *spans = (llmcs_text_spans){pointers, n};
    r->texts[text] = spans;
    return LLMCS_OK;
}
