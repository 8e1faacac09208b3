/* Builds the header of a GGUF file: first keys and values, then the tensors. `status` keeps the first failure and later
 * calls do nothing, so callers check it once, at the end. */
#ifndef LL_FORMATS_GGUF_WRITE_H
#define LL_FORMATS_GGUF_WRITE_H

#include "formats/gguf.h"

typedef struct ll_gguf_header {
    llmcs_allocator allocator;
    llmcs_status status;
    unsigned char *bytes;
    size_t n_bytes, capacity;
    uint64_t n_values, n_tensors;
    uint64_t data_bytes; /* of the tensors so far, padded */
} ll_gguf_header;

void ll_gguf_header_init(ll_gguf_header *h, const llmcs_allocator *a);
void ll_gguf_header_free(ll_gguf_header *h);

/* Call these for all values before adding the first tensor. */
void ll_gguf_put_u32(ll_gguf_header *h, const char *key, uint32_t value);
void ll_gguf_put_f32(ll_gguf_header *h, const char *key, float value);
void ll_gguf_put_bool(ll_gguf_header *h, const char *key, bool value);
void ll_gguf_put_text(ll_gguf_header *h, const char *key, const char *text, size_t len);

/* Begins an array; the caller must add its n elements next. */
void ll_gguf_begin_array(ll_gguf_header *h, const char *key, ll_gguf_type type, size_t n);
void ll_gguf_add_text(ll_gguf_header *h, const char *text, size_t len);
/* Begins a text; the caller must add its len bytes next, in one or more parts. */
void ll_gguf_begin_text(ll_gguf_header *h, size_t len);
void ll_gguf_add_bytes(ll_gguf_header *h, const void *data, size_t n);
void ll_gguf_add_i32(ll_gguf_header *h, int32_t value);

/* Adds a tensor: shape outermost first, n_bytes of data. The caller writes data in the order of these calls, each
 * tensor's padded to LL_GGUF_ALIGNMENT. */
void ll_gguf_put_tensor(ll_gguf_header *h, const char *name, uint32_t type, int rank, const uint64_t *shape,
                        uint64_t n_bytes);

/* Pads the header and fills in its counts. Returns status. */
llmcs_status ll_gguf_header_finish(ll_gguf_header *h);

#endif
