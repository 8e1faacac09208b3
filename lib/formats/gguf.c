/*
 * Stricter than ggml's reader (ggml/src/gguf.cpp): counts, lengths and alignments have bounds, keys and names are UTF-8
 * without NUL, a bool is 0 or 1, an alignment is a multiple of 8 as in the specification, and the file ends with the
 * last tensor (and its padding). More lenient: tensors may be in any order with only padding between them. Both refuse
 * arrays of arrays.
 */
#include "formats/gguf.h"

#include <string.h>

#include "base/sort.h"
#include "base/utf8.h"
#include "formats/bytes.h"
#include "formats/folder.h"

#define FIRST_READ_BYTES ((size_t)64 << 10)
#define SHOWN_BYTES 80 /* of a key or name in a message */
#define MAGIC "GGUF"

/* ------------------------------------------------------------------------------------------- bytes of the header */

/* The header while it is read; bytes [0, at) are parsed. */
typedef struct reader {
    ll_gguf *g;
    size_t at;
    size_t capacity; /* of g->owned */
    uint32_t version;
    uint64_t n_tensors, n_values;
} reader;

static llmcs_status fail_short(const reader *r, const char *what, uint64_t n) {
    return ll_fail(LLMCS_FORMAT, "%s: byte %zu: %s takes %llu bytes, the file has %llu: is the download complete?",
                   r->g->name, r->at, what, (unsigned long long)n, (unsigned long long)r->g->file.size_bytes);
}

/* Reads until the first `end` bytes of the header are in memory. */
static llmcs_status read_on(reader *r, size_t end) {
    ll_gguf *g = r->g;
    if (end > LL_MAX_GGUF_HEADER_BYTES)
        return ll_fail(LLMCS_LIMIT, "%s: byte %zu: the header is longer than %zu bytes", g->name, r->at,
                       LL_MAX_GGUF_HEADER_BYTES);
    size_t want = ll_max(end, ll_max(FIRST_READ_BYTES, 2 * g->data_bytes));
    if (want > g->file.size_bytes) want = (size_t)g->file.size_bytes;
    LL_TRY(ll_grow(&g->allocator, &g->owned, g->data_bytes, &r->capacity, want, 1, "header"));
    g->data = g->owned;
    LL_TRY(ll_file_read(&g->file, g->data_bytes, g->owned + g->data_bytes, want - g->data_bytes));
    g->data_bytes = want;
    return LLMCS_OK;
}

/* Reads more of the file unless the next n bytes of the header are in memory. */
static inline llmcs_status need_bytes(reader *r, uint64_t n, const char *what) {
    const ll_gguf *g = r->g;
    if (n <= g->data_bytes - r->at) return LLMCS_OK;
    if (n > g->file.size_bytes - r->at) return fail_short(r, what, n);
    if (n > LL_MAX_GGUF_HEADER_BYTES)
        return ll_fail(LLMCS_LIMIT, "%s: byte %zu: %s takes %llu bytes, more than are read of a header", g->name, r->at,
                       what, (unsigned long long)n);
    return read_on(r, r->at + (size_t)n);
}

static llmcs_status read_u32(reader *r, const char *what, uint32_t *out) {
    LL_TRY(need_bytes(r, 4, what));
    *out = ll_load_u32(r->g->data + r->at);
    r->at += 4;
    return LLMCS_OK;
}

static llmcs_status read_u64(reader *r, const char *what, uint64_t *out) {
    LL_TRY(need_bytes(r, 8, what));
    *out = ll_load_u64(r->g->data + r->at);
    r->at += 8;
    return LLMCS_OK;
}

/* A string of at most `max` bytes: its position and length. */
static llmcs_status read_string(reader *r, const char *what, uint64_t max, size_t *at, size_t *len) {
    uint64_t n;
    LL_TRY(read_u64(r, what, &n));
    if (n > max && n <= r->g->file.size_bytes - r->at)
        return ll_fail(LLMCS_LIMIT, "%s: byte %zu: %s has %llu bytes, at most %llu are read", r->g->name, r->at - 8,
                       what, (unsigned long long)n, (unsigned long long)max);
    LL_TRY(need_bytes(r, n, what));
    *at = r->at;
    *len = (size_t)n;
    r->at += (size_t)n;
    return LLMCS_OK;
}

/* Keys and names: not empty, UTF-8, no NUL. */
static llmcs_status read_name(reader *r, const char *what, uint64_t max, size_t *at, size_t *len) {
    LL_TRY(read_string(r, what, max, at, len));
    const char *text = (const char *)r->g->data + *at;
    if (*len == 0) return ll_fail(LLMCS_FORMAT, "%s: byte %zu: %s is empty", r->g->name, *at - 8, what);
    for (size_t i = 0; i < *len;) {
        uint32_t cp;
        i += ll_utf8_decode(text + i, *len - i, &cp);
        if (cp == LL_UTF8_BAD || cp == 0)
            return ll_fail(LLMCS_FORMAT, "%s: byte %zu: %s \"%.*s\" is not UTF-8 or has a NUL", r->g->name, *at, what,
                           (int)ll_min(*len, SHOWN_BYTES), text);
    }
    return LLMCS_OK;
}

/* ----------------------------------------------------------------------------------------------- keys and values */

static const uint8_t type_bytes[LL_N_GGUF_TYPES] = {
    [LL_GGUF_U8] = 1,  [LL_GGUF_I8] = 1,   [LL_GGUF_U16] = 2, [LL_GGUF_I16] = 2, [LL_GGUF_U32] = 4, [LL_GGUF_I32] = 4,
    [LL_GGUF_F32] = 4, [LL_GGUF_BOOL] = 1, [LL_GGUF_U64] = 8, [LL_GGUF_I64] = 8, [LL_GGUF_F64] = 8};

static llmcs_status fail_value(const reader *r, const ll_gguf_value *v, llmcs_status status, const char *what) {
    return ll_fail(status, "%s: key \"%.*s\" at byte %zu: %s", r->g->name, (int)ll_min(v->key_bytes, SHOWN_BYTES),
                   (const char *)r->g->data + v->key, v->key, what);
}

static llmcs_status read_type(reader *r, const ll_gguf_value *v, ll_gguf_type *type) {
    uint32_t number;
    LL_TRY(read_u32(r, "the type of a value", &number));
    if (number < LL_N_GGUF_TYPES) {
        *type = (ll_gguf_type)number;
        return LLMCS_OK;
    }
    char what[64];
    ll_format(what, sizeof what, "type %u, expected 0 to %d", number, LL_N_GGUF_TYPES - 1);
    return fail_value(r, v, LLMCS_FORMAT, what);
}

/* Skips n strings; checks only their lengths. */
static llmcs_status skip_strings(reader *r, uint64_t n) {
    for (uint64_t i = 0; i < n; i++) {
        size_t at, len;
        LL_TRY(read_string(r, "a string", UINT64_MAX, &at, &len));
    }
    return LLMCS_OK;
}

static llmcs_status check_bools(const reader *r, const ll_gguf_value *v) {
    for (size_t i = 0; i < v->n; i++)
        if (r->g->data[v->at + i] > 1) return fail_value(r, v, LLMCS_FORMAT, "a bool that is neither 0 nor 1");
    return LLMCS_OK;
}

/* Checks and skips the elements of a value; v->n comes from the file and is not trusted yet. */
static llmcs_status read_elements(reader *r, ll_gguf_value *v, uint64_t n) {
    uint64_t least = v->type == LL_GGUF_STRING ? 8 : type_bytes[v->type], bytes;
    if (!ll_mul_u64(n, least, &bytes)) bytes = UINT64_MAX;
    if (bytes > r->g->file.size_bytes - r->at) return fail_short(r, v->is_array ? "an array" : "a value", bytes);
    v->at = r->at;
    v->n = (size_t)n;
    if (v->type == LL_GGUF_STRING) return skip_strings(r, n);
    LL_TRY(need_bytes(r, bytes, "a value"));
    r->at += (size_t)bytes;
    return v->type == LL_GGUF_BOOL ? check_bools(r, v) : LLMCS_OK;
}

static llmcs_status read_value(reader *r, ll_gguf_value *v) {
    uint64_t n = 1;
    *v = (ll_gguf_value){0};
    LL_TRY(read_name(r, "a key", LL_MAX_GGUF_KEY_BYTES, &v->key, &v->key_bytes));
    LL_TRY(read_type(r, v, &v->type));
    v->is_array = v->type == LL_GGUF_ARRAY;
    if (v->is_array) {
        LL_TRY(read_type(r, v, &v->type));
        LL_TRY(read_u64(r, "the length of an array", &n));
    }
    if (v->type == LL_GGUF_ARRAY) return fail_value(r, v, LLMCS_UNSUPPORTED, "an array of arrays");
    return read_elements(r, v, n);
}

static int compare_keys(const ll_gguf *g, const ll_gguf_value *v, const char *key, size_t key_bytes) {
    int order = memcmp(g->data + v->key, key, ll_min(v->key_bytes, key_bytes));
    if (order) return order;
    return v->key_bytes < key_bytes ? -1 : v->key_bytes > key_bytes;
}

static bool key_before(const void *gguf, uint32_t a, uint32_t b) {
    const ll_gguf *g = gguf;
    const ll_gguf_value *other = &g->values[b];
    return compare_keys(g, &g->values[a], (const char *)g->data + other->key, other->key_bytes) < 0;
}

static llmcs_status sort_keys(const reader *r) {
    ll_gguf *g = r->g;
    LL_TRY(ll_alloc(&g->allocator, g->n_values, sizeof *g->by_key, "keys", &g->by_key));
    for (size_t i = 0; i < g->n_values; i++) g->by_key[i] = (uint32_t)i;
    ll_sort_u32(g->by_key, g->n_values, key_before, g);
    for (size_t i = 1; i < g->n_values; i++)
        if (!key_before(g, g->by_key[i - 1], g->by_key[i]))
            return fail_value(r, &g->values[g->by_key[i]], LLMCS_FORMAT, "the key occurs twice");
    return LLMCS_OK;
}

static llmcs_status read_values(reader *r) {
    ll_gguf *g = r->g;
    if (r->n_values > LL_MAX_GGUF_KEYS)
        return ll_fail(LLMCS_LIMIT, "%s: byte 16: %llu keys, at most %d are read", g->name,
                       (unsigned long long)r->n_values, LL_MAX_GGUF_KEYS);
    for (uint64_t i = 0; i < r->n_values; i++) {
        ll_gguf_value v;
        LL_TRY(read_value(r, &v));
        LL_TRY(ll_grow(&g->allocator, &g->values, g->n_values, &g->values_capacity, g->n_values + 1, sizeof v, "keys"));
        g->values[g->n_values++] = v;
    }
    return sort_keys(r);
}

const ll_gguf_value *ll_gguf_find(const ll_gguf *g, const char *key) {
    size_t low = 0, high = g->n_values, key_bytes = strlen(key);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const ll_gguf_value *v = &g->values[g->by_key[middle]];
        int order = compare_keys(g, v, key, key_bytes);
        if (order == 0) return v;
        if (order > 0) high = middle;
        if (order < 0) low = middle + 1;
    }
    return NULL;
}

/* ------------------------------------------------------------------------------------------------------ tensors */

static llmcs_status fail_tensor(const reader *r, const ll_tensor *t, llmcs_status status, const char *what) {
    return ll_fail(status, "%s: tensor \"%.*s\": %s", r->g->name, (int)ll_min(t->name_bytes, SHOWN_BYTES), t->name,
                   what);
}

/* Dimensions are innermost first in the file. For the overflow check a 0 counts as a 1, as in safetensors.c. */
static llmcs_status read_shape(reader *r, ll_tensor *t) {
    uint32_t rank;
    uint64_t most = 64; /* bits of the largest element, so that bytes and bits fit */
    LL_TRY(read_u32(r, "a number of dimensions", &rank));
    if (rank > LL_MAX_GGUF_RANK) return fail_tensor(r, t, LLMCS_LIMIT, "more than 4 dimensions");
    t->rank = (int)rank;
    t->n_elements = 1;
    for (uint32_t i = 0; i < rank; i++) {
        uint64_t size;
        LL_TRY(read_u64(r, "a dimension", &size));
        if (!ll_mul_u64(most, size ? size : 1, &most) || most > INT64_MAX)
            return fail_tensor(r, t, LLMCS_FORMAT, "its shape has more elements than can be addressed");
        t->shape[rank - 1 - i] = size;
        t->n_elements *= size;
    }
    return LLMCS_OK;
}

static llmcs_status read_tensor_type(reader *r, ll_tensor *t) {
    uint32_t number;
    LL_TRY(read_u32(r, "the type of a tensor", &number));
    const ll_gguf_tensor_type *type = ll_gguf_tensor_type_at(number);
    if (!type) {
        char what[40];
        ll_format(what, sizeof what, "unknown type %u", number);
        return fail_tensor(r, t, LLMCS_UNSUPPORTED, what);
    }
    uint64_t row = t->rank ? t->shape[t->rank - 1] : 1;
    if (row % type->block_elements) {
        char what[80];
        ll_format(what, sizeof what, "rows of %llu elements do not fill blocks of %u (%s)", (unsigned long long)row,
                  type->block_elements, type->name);
        return fail_tensor(r, t, LLMCS_FORMAT, what);
    }
    t->dtype = type->dtype;
    t->dtype_name = type->name;
    t->n_bytes = t->n_elements / type->block_elements * type->block_bytes;
    return LLMCS_OK;
}

static bool ends_with(const ll_tensor *t, const char *ending) {
    const size_t n = strlen(ending);
    return t->name_bytes >= n && strcmp(t->name + t->name_bytes - n, ending) == 0;
}

/* ggml writes no trailing dimensions of 1, so a matrix of one row looks like a vector. Vectors are biases, norms
 * (attn_norm.weight, LayerNorm.weight) and the factors of rotary frequencies. */
static void restore_matrix(ll_tensor *t) {
    if (t->rank != 1 || !ends_with(t, ".weight")) return;
    if (ends_with(t, "orm.weight") || ends_with(t, "rope_freqs.weight")) return;
    t->shape[1] = t->shape[0];
    t->shape[0] = 1;
    t->rank = 2;
}

/* The offset is relative to the start of the data, which is not known yet. */
static llmcs_status read_tensor_header(reader *r, ll_tensor *t) {
    size_t at, len;
    *t = (ll_tensor){.out_in = true};
    LL_TRY(read_name(r, "a tensor's name", LL_MAX_GGUF_NAME_BYTES, &at, &len));
    LL_TRY(ll_arena_copy_text(&r->g->tensors.names, (const char *)r->g->data + at, len, "tensor names", &t->name));
    t->name_bytes = len;
    LL_TRY(read_shape(r, t));
    LL_TRY(read_tensor_type(r, t));
    restore_matrix(t);
    return read_u64(r, "a tensor's offset", &t->offset);
}

static llmcs_status read_alignment(const reader *r, uint64_t *alignment) {
    const ll_gguf_value *v = ll_gguf_find(r->g, "general.alignment");
    *alignment = LL_GGUF_ALIGNMENT;
    if (!v) return LLMCS_OK;
    if (v->is_array || v->type != LL_GGUF_U32) return fail_value(r, v, LLMCS_FORMAT, "not an integer of type u32");
    *alignment = ll_load_u32(r->g->data + v->at);
    if (*alignment < 8 || (*alignment & (*alignment - 1)))
        return fail_value(r, v, LLMCS_FORMAT, "an alignment is a power of two, at least 8");
    if (*alignment > LL_MAX_GGUF_ALIGNMENT)
        return fail_value(r, v, LLMCS_LIMIT, "an alignment of more than 1048576 bytes");
    return LLMCS_OK;
}

static llmcs_status fail_place(const reader *r, const ll_tensor *before, const ll_tensor *t, uint64_t end) {
    if (!before)
        return ll_fail(LLMCS_FORMAT, "%s: tensor \"%.*s\" begins at byte %llu of the data, expected 0", r->g->name,
                       (int)ll_min(t->name_bytes, SHOWN_BYTES), t->name, (unsigned long long)t->offset);
    return ll_fail(LLMCS_FORMAT, "%s: tensors \"%.*s\" and \"%.*s\" %s: byte %llu of the data, expected %llu",
                   r->g->name, (int)ll_min(before->name_bytes, 50), before->name, (int)ll_min(t->name_bytes, 50),
                   t->name, t->offset < end ? "overlap" : "have a hole between them", (unsigned long long)t->offset,
                   (unsigned long long)end);
}

/* Tensors tile the data with nothing but padding between them; the file ends with the last one or its padding. */
static llmcs_status check_tiling(const reader *r, const uint32_t *order, uint64_t data_bytes, uint64_t alignment) {
    const ll_tensor *items = r->g->tensors.items, *before = NULL;
    uint64_t end = 0, padded = 0;
    for (size_t i = 0; i < r->g->tensors.count; i++) {
        const ll_tensor *t = &items[order[i]];
        if (t->offset % alignment) return fail_tensor(r, t, LLMCS_FORMAT, "its offset is not a multiple of alignment");
        if (t->offset != padded) return fail_place(r, before, t, padded);
        if (t->n_bytes > data_bytes || t->offset > data_bytes - t->n_bytes)
            return ll_fail(LLMCS_FORMAT,
                           "%s: tensor \"%.*s\": ends at byte %llu of the data, the file has %llu: is the download "
                           "complete?",
                           r->g->name, (int)ll_min(t->name_bytes, SHOWN_BYTES), t->name,
                           (unsigned long long)(t->offset + t->n_bytes), (unsigned long long)data_bytes);
        end = t->offset + t->n_bytes;
        padded = (end + alignment - 1) & ~(alignment - 1);
        before = t;
    }
    if (data_bytes <= padded) return LLMCS_OK;
    return ll_fail(LLMCS_FORMAT, "%s: %llu bytes after the last tensor", r->g->name,
                   (unsigned long long)(data_bytes - end));
}

static bool name_before(const void *tensors, uint32_t a, uint32_t b) {
    const ll_tensor *x = (const ll_tensor *)tensors + a, *y = (const ll_tensor *)tensors + b;
    return strcmp(x->name, y->name) < 0;
}

static llmcs_status check_names(const reader *r, uint32_t *order) {
    const ll_tensor *items = r->g->tensors.items;
    ll_sort_u32(order, r->g->tensors.count, name_before, items);
    for (size_t i = 1; i < r->g->tensors.count; i++)
        if (!name_before(items, order[i - 1], order[i]))
            return fail_tensor(r, &items[order[i]], LLMCS_FORMAT, "the name occurs twice");
    return LLMCS_OK;
}

/* Computes where the data begins, and checks the positions of the tensors. */
static llmcs_status place_tensors(const reader *r, uint32_t *order) {
    const ll_gguf *g = r->g;
    uint64_t alignment;
    LL_TRY(read_alignment(r, &alignment));
    uint64_t begin = (r->at + alignment - 1) & ~(alignment - 1);
    uint64_t data_bytes = g->file.size_bytes > begin ? g->file.size_bytes - begin : 0;
    for (size_t i = 0; i < g->tensors.count; i++) order[i] = (uint32_t)i;
    LL_TRY(check_names(r, order));
    ll_sort_u32(order, g->tensors.count, ll_tensor_offset_before, g->tensors.items);
    LL_TRY(check_tiling(r, order, data_bytes, alignment));
    for (size_t i = 0; i < g->tensors.count; i++) g->tensors.items[i].offset += begin;
    return LLMCS_OK;
}

static llmcs_status read_tensors(reader *r) {
    ll_tensor_list *list = &r->g->tensors;
    uint32_t *order;
    if (r->n_tensors > LL_MAX_TENSORS)
        return ll_fail(LLMCS_LIMIT, "%s: byte 8: %llu tensors, at most %d are read", r->g->name,
                       (unsigned long long)r->n_tensors, LL_MAX_TENSORS);
    for (uint64_t i = 0; i < r->n_tensors; i++) {
        ll_tensor t;
        LL_TRY(read_tensor_header(r, &t));
        LL_TRY(ll_grow(&r->g->allocator, &list->items, list->count, &list->capacity, list->count + 1, sizeof t,
                       "tensors"));
        list->items[list->count++] = t;
    }
    LL_TRY(ll_alloc(&r->g->allocator, list->count, sizeof *order, "tensors", &order));
    llmcs_status status = place_tensors(r, order);
    ll_free(&r->g->allocator, order);
    return status;
}

const ll_tensor *ll_gguf_find_tensor(const ll_gguf *g, const char *name) {
    for (size_t i = 0; i < g->tensors.count; i++)
        if (strcmp(g->tensors.items[i].name, name) == 0) return &g->tensors.items[i];
    return NULL;
}

/* --------------------------------------------------------------------------------------------------------- file */

static llmcs_status read_beginning(reader *r) {
    LL_TRY(need_bytes(r, 4, "the magic number"));
    if (memcmp(r->g->data, MAGIC, 4) != 0)
        return ll_fail(LLMCS_FORMAT, "%s: byte 0: expected \"GGUF\", found \"%.4s\"", r->g->name,
                       (const char *)r->g->data);
    r->at = 4;
    LL_TRY(read_u32(r, "the version", &r->version));
    if (r->version == 1u << 24 || r->version == 2u << 24 || r->version == 3u << 24)
        return ll_fail(LLMCS_UNSUPPORTED, "%s: byte 4: a big-endian GGUF file", r->g->name);
    if (r->version != 2 && r->version != 3)
        return ll_fail(LLMCS_UNSUPPORTED, "%s: byte 4: version %u of GGUF, expected 2 or 3", r->g->name, r->version);
    LL_TRY(read_u64(r, "the number of tensors", &r->n_tensors));
    return read_u64(r, "the number of keys", &r->n_values);
}

static llmcs_status read_file(ll_gguf *g) {
    reader r = {.g = g};
    if (g->file.map) {
        g->data = g->file.map;
        g->data_bytes = (size_t)g->file.size_bytes;
        if (g->file.size_bytes > LL_MAX_GGUF_HEADER_BYTES) g->data_bytes = LL_MAX_GGUF_HEADER_BYTES;
    }
    LL_TRY(read_beginning(&r));
    LL_TRY(read_values(&r));
    return read_tensors(&r);
}

llmcs_status ll_gguf_open(const llmcs_allocator *a, const char *path, llmcs_load_mode mode, ll_gguf **gguf) {
    ll_gguf *g;
    *gguf = NULL;
    LL_TRY(ll_alloc_zero(a, 1, sizeof *g, "GGUF file", &g));
    g->allocator = *a;
    g->file.fd = -1;
    ll_tensor_list_init(&g->tensors, a);
    llmcs_status status = ll_copy_text(a, path, strlen(path), "path", &g->path);
    if (!status) {
        g->name = ll_folder_tail(g->path);
        status = ll_file_open(&g->file, g->path, mode == LLMCS_LOAD_MMAP);
    }
    if (!status) status = read_file(g);
    if (status)
        ll_gguf_close(&g);
    else
        *gguf = g;
    return status;
}

void ll_gguf_close(ll_gguf **gguf) {
    ll_gguf *g = *gguf;
    if (!g) return;
    llmcs_allocator a = g->allocator;
    ll_file_close(&g->file);
    ll_tensor_list_free(&g->tensors);
    ll_free(&a, g->by_key);
    ll_free(&a, g->values);
    ll_free(&a, g->owned);
    ll_free(&a, g->path);
    ll_free(&a, g);
    *gguf = NULL;
}
