/* The header of a GGUF file, value by value. */
#include "formats/gguf_write.h"

#include <string.h>

#define VERSION 3
#define COUNTS_AT 8 /* byte offset: after magic and version */

static unsigned char *extend_header(ll_gguf_header *h, size_t n) {
    size_t need;
    if (h->status) return NULL;
    if (!ll_add(h->n_bytes, n, &need))
        h->status = ll_fail(LLMCS_LIMIT, "the header of a GGUF file is larger than memory");
    else
        h->status = ll_grow(&h->allocator, &h->bytes, h->n_bytes, &h->capacity, need, 1, "GGUF header");
    if (h->status) return NULL;
    unsigned char *at = h->bytes + h->n_bytes;
    h->n_bytes = need;
    return at;
}

static void store_uint(unsigned char *to, uint64_t value, size_t n_bytes) {
    for (size_t i = 0; i < n_bytes; i++) to[i] = (unsigned char)(value >> (8 * i));
}

static void append_uint(ll_gguf_header *h, uint64_t value, size_t n_bytes) {
    unsigned char *to = extend_header(h, n_bytes);
    if (to) store_uint(to, value, n_bytes);
}

void ll_gguf_add_bytes(ll_gguf_header *h, const void *data, size_t n) {
    unsigned char *to = extend_header(h, n);
    if (to && n) memcpy(to, data, n);
}

void ll_gguf_header_init(ll_gguf_header *h, const llmcs_allocator *a) {
    *h = (ll_gguf_header){.allocator = *a};
    ll_gguf_add_bytes(h, "GGUF", 4);
    append_uint(h, VERSION, 4);
    append_uint(h, 0, 8);
    append_uint(h, 0, 8);
}

void ll_gguf_header_free(ll_gguf_header *h) {
    ll_free(&h->allocator, h->bytes);
    *h = (ll_gguf_header){0};
}

void ll_gguf_begin_text(ll_gguf_header *h, size_t len) { append_uint(h, len, 8); }

void ll_gguf_add_text(ll_gguf_header *h, const char *text, size_t len) {
    ll_gguf_begin_text(h, len);
    ll_gguf_add_bytes(h, text, len);
}

static void put_key(ll_gguf_header *h, const char *key, ll_gguf_type type) {
    ll_gguf_add_text(h, key, strlen(key));
    append_uint(h, type, 4);
    h->n_values++;
}

void ll_gguf_put_u32(ll_gguf_header *h, const char *key, uint32_t value) {
    put_key(h, key, LL_GGUF_U32);
    append_uint(h, value, 4);
}

void ll_gguf_put_f32(ll_gguf_header *h, const char *key, float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_key(h, key, LL_GGUF_F32);
    append_uint(h, bits, 4);
}

void ll_gguf_put_bool(ll_gguf_header *h, const char *key, bool value) {
    put_key(h, key, LL_GGUF_BOOL);
    append_uint(h, value, 1);
}

void ll_gguf_put_text(ll_gguf_header *h, const char *key, const char *text, size_t len) {
    put_key(h, key, LL_GGUF_STRING);
    ll_gguf_add_text(h, text, len);
}

void ll_gguf_begin_array(ll_gguf_header *h, const char *key, ll_gguf_type type, size_t n) {
    put_key(h, key, LL_GGUF_ARRAY);
    append_uint(h, type, 4);
    append_uint(h, n, 8);
}

void ll_gguf_add_i32(ll_gguf_header *h, int32_t value) { append_uint(h, (uint32_t)value, 4); }

void ll_gguf_put_tensor(ll_gguf_header *h, const char *name, uint32_t type, int rank, const uint64_t *shape,
                        uint64_t n_bytes) {
    ll_gguf_add_text(h, name, strlen(name));
    append_uint(h, (uint64_t)rank, 4);
    for (int i = rank; i-- > 0;) append_uint(h, shape[i], 8);
    append_uint(h, type, 4);
    append_uint(h, h->data_bytes, 8);
    h->data_bytes += (n_bytes + LL_GGUF_ALIGNMENT - 1) / LL_GGUF_ALIGNMENT * LL_GGUF_ALIGNMENT;
    h->n_tensors++;
}

llmcs_status ll_gguf_header_finish(ll_gguf_header *h) {
    while (!h->status && h->n_bytes % LL_GGUF_ALIGNMENT) append_uint(h, 0, 1);
    if (h->status) return h->status;
    store_uint(h->bytes + COUNTS_AT, h->n_tensors, 8);
    store_uint(h->bytes + COUNTS_AT + 8, h->n_values, 8);
    return LLMCS_OK;
}
