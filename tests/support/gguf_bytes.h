/* GGUF files put together byte by byte, right or wrong: an own writer, so that reader and writer are not held against
 * each other alone. */
#ifndef TESTS_SUPPORT_GGUF_BYTES_H
#define TESTS_SUPPORT_GGUF_BYTES_H

#include <stdint.h>
#include <string.h>

#define GGUF_ROOM (1 << 16)

typedef struct gguf_bytes {
    unsigned char at[GGUF_ROOM];
    size_t n;
} gguf_bytes;

static inline void gguf_int(gguf_bytes *b, uint64_t v, size_t n_bytes) {
    for (size_t i = 0; i < n_bytes; i++) b->at[b->n++] = (unsigned char)(v >> (8 * i));
}

static inline void gguf_raw(gguf_bytes *b, const void *data, size_t n) {
    memcpy(b->at + b->n, data, n);
    b->n += n;
}

static inline void gguf_string(gguf_bytes *b, const char *text) {
    gguf_int(b, strlen(text), 8);
    gguf_raw(b, text, strlen(text));
}

static inline void gguf_begin(gguf_bytes *b, uint32_t version, uint64_t n_tensors, uint64_t n_values) {
    b->n = 0;
    gguf_raw(b, "GGUF", 4);
    gguf_int(b, version, 4);
    gguf_int(b, n_tensors, 8);
    gguf_int(b, n_values, 8);
}

/* A value of a type whose elements have n_bytes. */
static inline void gguf_value(gguf_bytes *b, const char *key, uint32_t type, uint64_t v, size_t n_bytes) {
    gguf_string(b, key);
    gguf_int(b, type, 4);
    gguf_int(b, v, n_bytes);
}

static inline void gguf_text(gguf_bytes *b, const char *key, const char *text) {
    gguf_string(b, key);
    gguf_int(b, 8, 4);
    gguf_string(b, text);
}

/* The beginning of an array. */
static inline void gguf_array(gguf_bytes *b, const char *key, uint32_t type, uint64_t n) {
    gguf_string(b, key);
    gguf_int(b, 9, 4);
    gguf_int(b, type, 4);
    gguf_int(b, n, 8);
}

/* A tensor of two dimensions, innermost first. */
static inline void gguf_tensor(gguf_bytes *b, const char *name, uint64_t inner, uint64_t outer, uint32_t type,
                               uint64_t offset) {
    gguf_string(b, name);
    gguf_int(b, 2, 4);
    gguf_int(b, inner, 8);
    gguf_int(b, outer, 8);
    gguf_int(b, type, 4);
    gguf_int(b, offset, 8);
}

/* Zeros up to a multiple of `unit`. */
static inline void gguf_pad(gguf_bytes *b, size_t unit) {
    while (b->n % unit) b->at[b->n++] = 0;
}

static inline void gguf_zeros(gguf_bytes *b, size_t n) {
    memset(b->at + b->n, 0, n);
    b->n += n;
}

#endif
