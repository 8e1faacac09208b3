/*
 * GGUF (ggml, docs/gguf.md), versions 2 and 3, little-endian: typed keys and values, then the headers of tensors, then
 * their data. The reader is strict and bounded by the file; gguf.c lists where it is stricter than ggml's own reader.
 */
#ifndef LL_FORMATS_GGUF_H
#define LL_FORMATS_GGUF_H

#include "base/file.h"
#include "formats/tensor.h"

#define LL_MAX_GGUF_HEADER_BYTES ((size_t)256 << 20) /* keys, values and tensor headers together */
#define LL_MAX_GGUF_KEYS 65536
#define LL_MAX_GGUF_KEY_BYTES 65535
#define LL_MAX_GGUF_NAME_BYTES 64 /* of a tensor */
#define LL_MAX_GGUF_RANK 4
#define LL_GGUF_ALIGNMENT 32 /* unless general.alignment says otherwise */
#define LL_MAX_GGUF_ALIGNMENT (1u << 20)

/* Types of values by their numbers in the file. */
typedef enum ll_gguf_type {
    LL_GGUF_U8,
    LL_GGUF_I8,
    LL_GGUF_U16,
    LL_GGUF_I16,
    LL_GGUF_U32,
    LL_GGUF_I32,
    LL_GGUF_F32,
    LL_GGUF_BOOL,
    LL_GGUF_STRING,
    LL_GGUF_ARRAY,
    LL_GGUF_U64,
    LL_GGUF_I64,
    LL_GGUF_F64,
    LL_N_GGUF_TYPES
} ll_gguf_type;

typedef struct ll_gguf_value {
    size_t key, key_bytes; /* position of the key in the header */
    ll_gguf_type type;     /* of an array: the type of its elements */
    bool is_array;
    size_t n;  /* elements; 1 unless an array */
    size_t at; /* position of the first element */
} ll_gguf_value;

typedef struct ll_gguf {
    llmcs_allocator allocator;
    char *path;
    const char *name; /* the path's end, for messages */
    ll_file file;
    const unsigned char *data; /* the header: all before the tensors' data; fixed once the file is open */
    size_t data_bytes;
    unsigned char *owned; /* == data, unless the file is mapped */
    ll_gguf_value *values;
    uint32_t *by_key; /* [n_values] numbers of values, sorted by key */
    size_t n_values, values_capacity;
    ll_tensor_list tensors; /* by the file's own names, in the order of their headers; shapes outermost first */
} ll_gguf;

/* IO FORMAT LIMIT UNSUPPORTED NOMEM CHANGED. */
llmcs_status ll_gguf_open(const llmcs_allocator *a, const char *path, llmcs_load_mode mode, ll_gguf **gguf);
void ll_gguf_close(ll_gguf **gguf);

/* ---- values by key; NULL if there is none */
const ll_gguf_value *ll_gguf_find(const ll_gguf *g, const char *key);
const ll_tensor *ll_gguf_find_tensor(const ll_gguf *g, const char *name);

/* Fails with CONFIG (TOKENIZER for keys that begin with "tokenizer."): "x.gguf: key "gpt2.block_count" at byte 80:
 * expected an integer from 1 to 2147483647, found a string". */
llmcs_status ll_gguf_bad(const ll_gguf *g, const ll_gguf_value *v, const char *expected);
/* The same status for a missing key. */
llmcs_status ll_gguf_missing(const ll_gguf *g, const char *key);

/* These leave *out unchanged if the key is absent. An integer may have any of the eight integer types. */
llmcs_status ll_gguf_int(const ll_gguf *g, const char *key, int64_t min, int64_t max, int64_t *out);
llmcs_status ll_gguf_double(const ll_gguf *g, const char *key, double min, double max, double *out);
llmcs_status ll_gguf_bool(const ll_gguf *g, const char *key, bool *out);
/* Not NUL-terminated; *text is NULL if the key is absent. */
llmcs_status ll_gguf_text(const ll_gguf *g, const char *key, const char **text, size_t *len);
/* An array of this element type; NULL if the key is absent. */
llmcs_status ll_gguf_array(const ll_gguf *g, const char *key, ll_gguf_type type, const ll_gguf_value **array);

/* Iterates over the strings of an array; begin with *at = array->at. */
const char *ll_gguf_next_string(const ll_gguf *g, size_t *at, size_t *len);
/* Element i of an array of I32 or U32. */
int32_t ll_gguf_i32_at(const ll_gguf *g, const ll_gguf_value *array, size_t i);

/* ---- files of the model's folder that `llmcs quantize` embedded: llmcs.file_names and llmcs.file_texts, two parallel
 * arrays of strings. The text of one file, not NUL-terminated; NULL if it is not embedded. */
#define LL_GGUF_FILE_NAMES "llmcs.file_names"
#define LL_GGUF_FILE_TEXTS "llmcs.file_texts"
const char *ll_gguf_carried(const ll_gguf *g, const char *name, size_t *len);

/* ---- for gguf.c: the types of tensors (gguf_types.c) */
typedef struct ll_gguf_tensor_type {
    const char *name;
    ll_dtype dtype;
    uint16_t block_elements, block_bytes; /* 0: no type has this number, or none any more */
} ll_gguf_tensor_type;
/* NULL for an unknown number. */
const ll_gguf_tensor_type *ll_gguf_tensor_type_at(uint32_t number);

#endif
