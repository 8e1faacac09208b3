/*
 * Stricter than the reference implementation (huggingface/safetensors, safetensors/src/tensor.rs) in this: duplicate
 * names, at most 8 dimensions, at most 65,536 tensors, names of 1 to 1,024 bytes without NUL, and a shape whose
 * elements overflow 2^63 bits is refused even if one of its dimensions is 0.
 */
#include "formats/safetensors.h"

#include <string.h>

#include "base/sort.h"
#include "formats/folder.h"
#include "formats/json.h"

#define SHOWN_NAME_BYTES 80 /* of a tensor in a message */
#define GUESS_BYTES 64

typedef struct reader {
    const char *name; /* of the file, for messages */
    uint32_t file;
    uint64_t data_begin, data_bytes;
} reader;

/* -------------------------------------------------------------------------------------------- one tensor */

static int shown_name_bytes(const ll_tensor *t) { return (int)ll_min(t->name_bytes, SHOWN_NAME_BYTES); }

static llmcs_status bad_tensor(const reader *r, const ll_tensor *t, llmcs_status status, const char *what) {
    return ll_fail(status, "%s: tensor \"%.*s\": %s", r->name, shown_name_bytes(t), t->name, what);
}

static llmcs_status read_name(const reader *r, ll_json member, ll_tensor *t) {
    t->name = ll_json_key(member, &t->name_bytes);
    if (t->name_bytes == 0) return bad_tensor(r, t, LLMCS_FORMAT, "a name must not be empty");
    if (t->name_bytes > LL_MAX_TENSOR_NAME_BYTES)
        return bad_tensor(r, t, LLMCS_LIMIT, "the name is longer than 1024 bytes");
    if (memchr(t->name, 0, t->name_bytes)) return bad_tensor(r, t, LLMCS_FORMAT, "a NUL byte in its name");
    return LLMCS_OK;
}

/* The types of the format, by their size in bits. */
static llmcs_status read_dtype(const reader *r, ll_json v, ll_tensor *t, uint64_t *bits) {
    static const struct {
        const char *name;
        ll_dtype dtype;
        uint8_t bits;
    } known[] = {
        {"F32", LL_DTYPE_F32, 32},          {"F16", LL_DTYPE_F16, 16},      {"BF16", LL_DTYPE_BF16, 16},
        {"F64", LL_DTYPE_F64, 64},          {"I64", LL_DTYPE_OTHER, 64},    {"U64", LL_DTYPE_OTHER, 64},
        {"I32", LL_DTYPE_OTHER, 32},        {"U32", LL_DTYPE_OTHER, 32},    {"I16", LL_DTYPE_OTHER, 16},
        {"U16", LL_DTYPE_OTHER, 16},        {"I8", LL_DTYPE_OTHER, 8},      {"U8", LL_DTYPE_OTHER, 8},
        {"BOOL", LL_DTYPE_OTHER, 8},        {"C64", LL_DTYPE_OTHER, 64},    {"F8_E5M2", LL_DTYPE_OTHER, 8},
        {"F8_E4M3", LL_DTYPE_OTHER, 8},     {"F8_E8M0", LL_DTYPE_OTHER, 8}, {"F8_E4M3FNUZ", LL_DTYPE_OTHER, 8},
        {"F8_E5M2FNUZ", LL_DTYPE_OTHER, 8}, {"F6_E2M3", LL_DTYPE_OTHER, 6}, {"F6_E3M2", LL_DTYPE_OTHER, 6},
        {"F4", LL_DTYPE_OTHER, 4},
    };
    size_t len;
    const char *found = ll_json_string(v, &len);
    if (!found) return bad_tensor(r, t, LLMCS_FORMAT, "dtype is missing or not a string");
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (ll_json_equals(v, known[i].name)) {
            t->dtype = known[i].dtype;
            t->dtype_name = known[i].name;
            *bits = known[i].bits;
            return LLMCS_OK;
        }
    return ll_fail(LLMCS_FORMAT, "%s: tensor \"%.*s\": unknown dtype \"%.*s\"", r->name, shown_name_bytes(t), t->name,
                   (int)ll_min(len, 20), found);
}

/* Dimensions and the number of elements; `elements_bits` counts with every 0 as a 1, so that what overflows does
 * not depend on the order of dimensions. */
static llmcs_status read_shape(const reader *r, ll_json v, uint64_t bits, ll_tensor *t) {
    uint64_t elements_bits = bits;
    t->n_elements = 1;
    if (ll_json_get_type(v) != LL_JSON_ARRAY) return bad_tensor(r, t, LLMCS_FORMAT, "shape is missing or not an array");
    if (ll_json_count(v) > LL_MAX_RANK)
        return ll_fail(LLMCS_LIMIT, "%s: tensor \"%.*s\": %zu dimensions, at most %d are read", r->name,
                       shown_name_bytes(t), t->name, ll_json_count(v), LL_MAX_RANK);
    for (ll_json d = ll_json_first(v); ll_json_get_type(d); d = ll_json_next(d)) {
        uint64_t size;
        if (!ll_json_uint64(d, &size))
            return bad_tensor(r, t, LLMCS_FORMAT, "a dimension of its shape is not an integer from 0 to 2^64-1");
        if (!ll_mul_u64(elements_bits, size ? size : 1, &elements_bits) || elements_bits > INT64_MAX)
            return bad_tensor(r, t, LLMCS_FORMAT, "its shape has more elements than can be addressed");
        t->n_elements *= size;
        t->shape[t->rank++] = size;
    }
    if (t->n_elements * bits % 8) return bad_tensor(r, t, LLMCS_FORMAT, "its elements do not fill whole bytes");
    t->n_bytes = t->n_elements * bits / 8;
    return LLMCS_OK;
}

static llmcs_status read_offsets(const reader *r, ll_json v, ll_tensor *t) {
    uint64_t begin, end;
    char shape[LL_SHAPE_TEXT_BYTES];
    if (ll_json_get_type(v) != LL_JSON_ARRAY || ll_json_count(v) != 2 || !ll_json_uint64(ll_json_first(v), &begin) ||
        !ll_json_uint64(ll_json_next(ll_json_first(v)), &end))
        return bad_tensor(r, t, LLMCS_FORMAT, "data_offsets must be two integers from 0 to 2^64-1");
    if (begin > end) return bad_tensor(r, t, LLMCS_FORMAT, "data_offsets end before they begin");
    if (end - begin != t->n_bytes)
        return ll_fail(LLMCS_FORMAT, "%s: tensor \"%.*s\": %s of %s is %llu bytes, its data_offsets hold %llu", r->name,
                       shown_name_bytes(t), t->name, t->dtype_name, ll_shape_text(t->shape, t->rank, shape),
                       (unsigned long long)t->n_bytes, (unsigned long long)(end - begin));
    if (end > r->data_bytes)
        return ll_fail(
            LLMCS_FORMAT,
            "%s: tensor \"%.*s\": ends at byte %llu of the data, the file has %llu: is the download complete?", r->name,
            shown_name_bytes(t), t->name, (unsigned long long)end, (unsigned long long)r->data_bytes);
    t->offset = r->data_begin + begin;
    return LLMCS_OK;
}

/* The member `key` of a tensor's entry. Other keys are ignored, as in the reference. */
static llmcs_status find_field(const reader *r, ll_json entry, const ll_tensor *t, const char *key, ll_json *value) {
    if (!ll_json_get_unique(entry, key, value)) return LLMCS_OK;
    return ll_fail(LLMCS_FORMAT, "%s: tensor \"%.*s\": %s occurs twice", r->name, shown_name_bytes(t), t->name, key);
}

static llmcs_status read_tensor_entry(const reader *r, ll_json member, ll_tensor *t) {
    ll_json dtype, shape, offsets;
    uint64_t bits = 0;
    *t = (ll_tensor){.file = r->file};
    LL_TRY(read_name(r, member, t));
    if (ll_json_get_type(member) != LL_JSON_OBJECT) return bad_tensor(r, t, LLMCS_FORMAT, "expected an object");
    LL_TRY(find_field(r, member, t, "dtype", &dtype));
    LL_TRY(find_field(r, member, t, "shape", &shape));
    LL_TRY(find_field(r, member, t, "data_offsets", &offsets));
    LL_TRY(read_dtype(r, dtype, t, &bits));
    LL_TRY(read_shape(r, shape, bits, t));
    return read_offsets(r, offsets, t);
}

/* -------------------------------------------------------------------------------------------- all tensors */

static bool is_metadata(ll_json member) {
    size_t len;
    const char *key = ll_json_key(member, &len);
    return len == 12 && memcmp(key, "__metadata__", 12) == 0;
}

static llmcs_status check_metadata(const reader *r, ll_json v) {
    if (ll_json_get_type(v) != LL_JSON_OBJECT)
        return ll_fail(LLMCS_FORMAT, "%s: __metadata__ must be an object of strings", r->name);
    if (ll_json_count(v) > LL_MAX_TENSORS)
        return ll_fail(LLMCS_LIMIT, "%s: __metadata__ has %zu members, at most %d are read", r->name, ll_json_count(v),
                       LL_MAX_TENSORS);
    for (ll_json m = ll_json_first(v); ll_json_get_type(m); m = ll_json_next(m)) {
        size_t len;
        const char *key = ll_json_key(m, &len);
        if (ll_json_get_type(m) != LL_JSON_STRING)
            return ll_fail(LLMCS_FORMAT, "%s: __metadata__ \"%.*s\" is not a string", r->name, (int)ll_min(len, 80),
                           key);
    }
    return LLMCS_OK;
}

/* Checks every entry before allocating anything; *n counts the tensors. */
static llmcs_status check_entries(const reader *r, ll_json root, size_t *n) {
    bool metadata = false;
    *n = 0;
    if (ll_json_get_type(root) != LL_JSON_OBJECT)
        return ll_fail(LLMCS_JSON, "%s: byte 8: the header must be a JSON object", r->name);
    if (ll_json_count(root) > LL_MAX_TENSORS)
        return ll_fail(LLMCS_LIMIT, "%s: %zu tensors, at most %d are read", r->name, ll_json_count(root),
                       LL_MAX_TENSORS);
    for (ll_json m = ll_json_first(root); ll_json_get_type(m); m = ll_json_next(m)) {
        ll_tensor t;
        if (!is_metadata(m)) {
            LL_TRY(read_tensor_entry(r, m, &t));
            ++*n;
            continue;
        }
        if (metadata) return ll_fail(LLMCS_FORMAT, "%s: __metadata__ occurs twice", r->name);
        metadata = true;
        LL_TRY(check_metadata(r, m));
    }
    return LLMCS_OK;
}

static llmcs_status append_tensors(const reader *r, ll_json root, size_t n, ll_tensor_list *list) {
    const llmcs_allocator *a = &list->names.allocator;
    if (n > LL_MAX_TENSORS - list->count)
        return ll_fail(LLMCS_LIMIT, "%s: more than %d tensors in all", r->name, LL_MAX_TENSORS);
    LL_TRY(ll_grow(a, &list->items, list->count, &list->capacity, list->count + n, sizeof *list->items, r->name));
    for (ll_json m = ll_json_first(root); ll_json_get_type(m); m = ll_json_next(m)) {
        if (is_metadata(m)) continue;
        ll_tensor *t = &list->items[list->count];
        LL_TRY(read_tensor_entry(r, m, t));
        LL_TRY(ll_arena_copy_text(&list->names, t->name, t->name_bytes, r->name, &t->name));
        list->count++;
    }
    return LLMCS_OK;
}

/* safetensors.torch.save_model keeps one of several tensors that share memory and writes the others' names into
 * __metadata__, each with the name of the tensor that the file has. */
static llmcs_status append_shared(const reader *r, ll_json metadata, const uint32_t *by_name, size_t first, size_t n,
                                  ll_tensor_list *list) {
    const llmcs_allocator *a = &list->names.allocator;
    for (ll_json m = ll_json_first(metadata); ll_json_get_type(m); m = ll_json_next(m)) {
        size_t name_bytes, kept_bytes;
        const char *name = ll_json_key(m, &name_bytes), *kept = ll_json_string(m, &kept_bytes);
        const ll_tensor *found = ll_tensors_search(list->items + first, by_name, n, kept, kept_bytes);
        if (!found || !name_bytes || name_bytes > LL_MAX_TENSOR_NAME_BYTES || memchr(name, 0, name_bytes)) continue;
        if (ll_tensors_search(list->items + first, by_name, n, name, name_bytes)) continue;
        if (list->count == LL_MAX_TENSORS)
            return ll_fail(LLMCS_LIMIT, "%s: more than %d tensors in all", r->name, LL_MAX_TENSORS);
        ll_tensor shared = *found; /* `found` moves with the list */
        LL_TRY(ll_grow(a, &list->items, list->count, &list->capacity, list->count + 1, sizeof *list->items, r->name));
        shared.name_bytes = name_bytes;
        LL_TRY(ll_arena_copy_text(&list->names, name, name_bytes, r->name, &shared.name));
        list->items[list->count++] = shared;
    }
    return LLMCS_OK;
}

static llmcs_status read_metadata(const reader *r, ll_json root, size_t first, ll_tensor_list *list) {
    const size_t n = list->count - first;
    uint32_t *by_name;
    ll_json metadata = {0};
    for (ll_json m = ll_json_first(root); ll_json_get_type(m); m = ll_json_next(m))
        if (is_metadata(m)) metadata = m;
    if (!ll_json_count(metadata)) return LLMCS_OK;
    LL_TRY(ll_tensors_sort(&list->names.allocator, list->items + first, n, &by_name));
    llmcs_status status = append_shared(r, metadata, by_name, first, n, list);
    ll_free(&list->names.allocator, by_name);
    return status;
}

static llmcs_status check_neighbours(const reader *r, const ll_tensor *before, const ll_tensor *t) {
    uint64_t end = before ? before->offset + before->n_bytes : r->data_begin;
    if (t->offset == end) return LLMCS_OK;
    if (!before)
        return ll_fail(LLMCS_FORMAT,
                       "%s: tensor \"%.*s\" is the first of the file but begins at byte %llu of the data, expected 0",
                       r->name, shown_name_bytes(t), t->name, (unsigned long long)(t->offset - r->data_begin));
    return ll_fail(LLMCS_FORMAT, "%s: tensors \"%.*s\" and \"%.*s\" %s (byte %llu of the data)", r->name,
                   (int)ll_min(before->name_bytes, 50), before->name, (int)ll_min(t->name_bytes, 50), t->name,
                   t->offset < end ? "overlap" : "have a hole between them",
                   (unsigned long long)(t->offset - r->data_begin));
}

/* The tensors must tile the data: no hole, no overlap, nothing after the last. */
static llmcs_status check_tiling(const reader *r, const ll_tensor *tensors, const uint32_t *order, size_t n) {
    const ll_tensor *before = NULL;
    for (size_t i = 0; i < n; i++) {
        LL_TRY(check_neighbours(r, before, &tensors[order[i]]));
        before = &tensors[order[i]];
    }
    uint64_t end = before ? before->offset + before->n_bytes : r->data_begin;
    uint64_t rest = r->data_begin + r->data_bytes - end;
    if (!rest) return LLMCS_OK;
    return ll_fail(LLMCS_FORMAT, "%s: %llu bytes after the last tensor, at byte %llu", r->name,
                   (unsigned long long)rest, (unsigned long long)end);
}

static llmcs_status sort_and_check_tiling(const reader *r, const llmcs_allocator *a, const ll_tensor *tensors,
                                          size_t n) {
    uint32_t *order;
    LL_TRY(ll_alloc(a, n, sizeof *order, r->name, &order));
    for (size_t i = 0; i < n; i++) order[i] = (uint32_t)i;
    ll_sort_u32(order, n, ll_tensor_offset_before, tensors);
    llmcs_status status = check_tiling(r, tensors, order, n);
    ll_free(a, order);
    return status;
}

/* ------------------------------------------------------------------------------------------------ header */

/* Fails for an impossible header length: too large, or larger than the file. */
static llmcs_status bad_length(const reader *r, const ll_file *file, uint64_t n) {
    unsigned char start[GUESS_BYTES] = {0};
    size_t n_start = file->size_bytes < GUESS_BYTES ? (size_t)file->size_bytes : GUESS_BYTES;
    LL_TRY(ll_file_read(file, 0, start, n_start));
    const char *what = ll_folder_guess(start, n_start);
    if (what) return ll_fail(LLMCS_FORMAT, "%s: not a safetensors file; it looks like %s", r->name, what);
    if (n > LL_MAX_HEADER_BYTES)
        return ll_fail(LLMCS_LIMIT, "%s: header of %llu bytes, at most %u are read; is it a safetensors file?", r->name,
                       (unsigned long long)n, LL_MAX_HEADER_BYTES);
    return ll_fail(LLMCS_FORMAT, "%s: header of %llu bytes in a file of %llu: is the download complete?", r->name,
                   (unsigned long long)n, (unsigned long long)file->size_bytes);
}

/* The length of the header: the first 8 bytes, little-endian. */
static llmcs_status read_length(reader *r, const ll_file *file, size_t *header_bytes) {
    unsigned char le[8];
    uint64_t n = 0;
    if (file->size_bytes < 8)
        return ll_fail(LLMCS_FORMAT, "%s: the 8 bytes of the header's length are missing: the file has %llu bytes",
                       r->name, (unsigned long long)file->size_bytes);
    LL_TRY(ll_file_read(file, 0, le, 8));
    for (int i = 7; i >= 0; i--) n = n << 8 | le[i];
    if (n == 0) return ll_fail(LLMCS_FORMAT, "%s: byte 0: the header's length is 0", r->name);
    if (n > LL_MAX_HEADER_BYTES || n > file->size_bytes - 8) return bad_length(r, file, n);
    *header_bytes = (size_t)n;
    r->data_begin = 8 + n;
    r->data_bytes = file->size_bytes - r->data_begin;
    return LLMCS_OK;
}

static llmcs_status read_document(const reader *r, ll_tensor_list *list, const ll_json_doc *doc) {
    size_t n, first = list->count;
    LL_TRY(check_entries(r, ll_json_root(doc), &n));
    if (n == 0) return check_tiling(r, NULL, NULL, 0);
    LL_TRY(append_tensors(r, ll_json_root(doc), n, list));
    LL_TRY(sort_and_check_tiling(r, &list->names.allocator, list->items + first, n));
    return read_metadata(r, ll_json_root(doc), first, list);
}

llmcs_status ll_safetensors_read(ll_tensor_list *list, const ll_file *file, uint32_t index, const char *name) {
    const llmcs_allocator *a = &list->names.allocator;
    reader r = {.name = name, .file = index};
    size_t header_bytes = 0;
    char *header;
    ll_json_doc *doc = NULL;
    LL_TRY(read_length(&r, file, &header_bytes));
    LL_TRY(ll_alloc(a, header_bytes, 1, name, &header));
    llmcs_status status = ll_file_read(file, 8, header, header_bytes);
    if (!status) status = ll_json_parse(a, name, header, header_bytes, 8, &doc);
    if (!status) status = read_document(&r, list, doc);
    ll_json_free(&doc);
    ll_free(a, header);
    return status;
}
