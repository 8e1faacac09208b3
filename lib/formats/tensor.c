/* A growing list of tensors, and its order by name. */
#include "formats/tensor.h"

#include <string.h>

#include "base/sort.h"

const char *ll_shape_text(const uint64_t *shape, int rank, char out[LL_SHAPE_TEXT_BYTES]) {
    size_t at = 0;
    out[at++] = '[';
    for (int i = 0; i < rank; i++)
        at +=
            (size_t)ll_format(out + at, LL_SHAPE_TEXT_BYTES - at, "%s%llu", i ? "," : "", (unsigned long long)shape[i]);
    out[at++] = ']';
    out[at] = 0;
    return out;
}

void ll_tensor_list_init(ll_tensor_list *list, const llmcs_allocator *a) {
    *list = (ll_tensor_list){0};
    ll_arena_init(&list->names, a);
}

void ll_tensor_list_free(ll_tensor_list *list) {
    ll_free(&list->names.allocator, list->items);
    ll_arena_free(&list->names);
    *list = (ll_tensor_list){0};
}

static int compare_names(const char *a, size_t a_bytes, const char *b, size_t b_bytes) {
    int order = memcmp(a, b, ll_min(a_bytes, b_bytes));
    if (order) return order;
    return a_bytes < b_bytes ? -1 : a_bytes > b_bytes;
}

static bool named_before(const void *tensors, uint32_t a, uint32_t b) {
    const ll_tensor *x = (const ll_tensor *)tensors + a, *y = (const ll_tensor *)tensors + b;
    return compare_names(x->name, x->name_bytes, y->name, y->name_bytes) < 0;
}

llmcs_status ll_tensors_sort(const llmcs_allocator *a, const ll_tensor *tensors, size_t n, uint32_t **by_name) {
    LL_TRY(ll_alloc(a, n, sizeof **by_name, "tensor names", by_name));
    for (size_t i = 0; i < n; i++) (*by_name)[i] = (uint32_t)i;
    ll_sort_u32(*by_name, n, named_before, tensors);
    return LLMCS_OK;
}

const ll_tensor *ll_tensors_search(const ll_tensor *tensors, const uint32_t *by_name, size_t n, const char *name,
                                   size_t name_bytes) {
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const ll_tensor *at = &tensors[by_name[middle]];
        int order = compare_names(name, name_bytes, at->name, at->name_bytes);
        if (order == 0) return at;
        if (order < 0) high = middle;
        if (order > 0) low = middle + 1;
    }
    return NULL;
}

bool ll_tensor_offset_before(const void *tensors, uint32_t a, uint32_t b) {
    const ll_tensor *x = (const ll_tensor *)tensors + a, *y = (const ll_tensor *)tensors + b;
    return x->offset != y->offset ? x->offset < y->offset : x->n_bytes < y->n_bytes;
}
