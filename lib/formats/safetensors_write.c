/* Header of a safetensors file: its length in 8 bytes, then JSON padded with spaces to a multiple of 8. */
#include "formats/safetensors_write.h"

#include <string.h>

#include "formats/safetensors.h"

/* JSON text that grows. */
typedef struct text {
    const llmcs_allocator *allocator;
    char *bytes;
    size_t n, capacity;
} text;

static llmcs_status append(text *t, const char *bytes, size_t n) {
    LL_TRY(ll_grow(t->allocator, &t->bytes, t->n, &t->capacity, t->n + n, 1, "header of tensors"));
    memcpy(t->bytes + t->n, bytes, n);
    t->n += n;
    return LLMCS_OK;
}

static llmcs_status append_text(text *t, const char *bytes) { return append(t, bytes, strlen(bytes)); }

static llmcs_status append_quoted(text *t, const char *bytes, size_t n) {
    LL_TRY(append_text(t, "\""));
    for (size_t i = 0; i < n; i++) {
        const unsigned char c = (unsigned char)bytes[i];
        char escaped[8];
        int len = 1;
        if (c == '"' || c == '\\')
            len = ll_format(escaped, sizeof escaped, "\\%c", c);
        else if (c < 0x20)
            len = ll_format(escaped, sizeof escaped, "\\u%04x", c);
        else
            escaped[0] = (char)c;
        LL_TRY(append(t, escaped, (size_t)len));
    }
    return append_text(t, "\"");
}

/* ,"name":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]} */
static llmcs_status append_tensor(text *t, const ll_tensor *tensor, uint64_t offset) {
    char shape[LL_SHAPE_TEXT_BYTES], offsets[80];
    ll_format(offsets, sizeof offsets, ",\"data_offsets\":[%llu,%llu]}", (unsigned long long)offset,
              (unsigned long long)offset + tensor->n_bytes);
    LL_TRY(append_text(t, ","));
    LL_TRY(append_quoted(t, tensor->name, tensor->name_bytes));
    LL_TRY(append_text(t, ":{\"dtype\":\""));
    LL_TRY(append_text(t, tensor->dtype_name));
    LL_TRY(append_text(t, "\",\"shape\":"));
    LL_TRY(append_text(t, ll_shape_text(tensor->shape, tensor->rank, shape)));
    return append_text(t, offsets);
}

static llmcs_status build(text *t, const ll_tensor *const *tensors, size_t n) {
    uint64_t offset = 0;
    LL_TRY(append_text(t, "{\"__metadata__\":{\"format\":\"pt\"}"));
    for (size_t i = 0; i < n; i++) {
        LL_TRY(append_tensor(t, tensors[i], offset));
        offset += tensors[i]->n_bytes;
    }
    LL_TRY(append_text(t, "}"));
    while (t->n % 8) LL_TRY(append_text(t, " "));
    if (t->n <= LL_MAX_HEADER_BYTES) return LLMCS_OK;
    return ll_fail(LLMCS_LIMIT, "%zu tensors have a header of %zu bytes, at most %u are read", n, t->n,
                   LL_MAX_HEADER_BYTES);
}

llmcs_status ll_safetensors_write_header(ll_output *out, const llmcs_allocator *a, const ll_tensor *const *tensors,
                                         size_t n) {
    text t = {.allocator = a};
    unsigned char length[8];
    llmcs_status status = build(&t, tensors, n);
    for (int i = 0; i < 8; i++) length[i] = (unsigned char)((uint64_t)t.n >> (8 * i));
    if (!status) status = ll_output_write(out, length, sizeof length);
    if (!status) status = ll_output_write(out, t.bytes, t.n);
    ll_free(a, t.bytes);
    return status;
}
