/* llmcs_index_open. The head says how long every section is; the file must be exactly that long before anything is
 * allocated by it. A section is used when its checksum is right and its content makes sense. */
#include <math.h>
#include <string.h>

#include "base/call.h"
#include "base/file.h"
#include "base/half.h"
#include "base/xxh64.h"
#include "search/file.h"

typedef struct opening {
    const char *path;
    llmcs_index *x;
    ll_file file;
    ll_index_head head;
    uint64_t *ids, *tags, *lists; /* [n_vectors], [n_vectors], [n_lists] */
    double *numbers;              /* [n_vectors] */
    float *row, scale;            /* of the current vector */
    uint16_t *halves;
    unsigned char *chunk;
    uint64_t at; /* offset of the current section */
    size_t list; /* of the next vector */
    uint64_t left_in_list;
} opening;

/* ---- the head */

static llmcs_status bad_head(const opening *o, size_t offset, const char *what, uint64_t found, const char *expected) {
    return ll_fail(LLMCS_FORMAT, "%s: offset %zu: %s is %llu, expected %s", o->path, offset, what,
                   (unsigned long long)found, expected);
}

static llmcs_status check_head(const opening *o) {
    const ll_index_head *h = &o->head;
    if (h->type > LLMCS_VECTOR_INT8) return bad_head(o, 12, "type", h->type, "0 to 2");
    if (h->metric > LLMCS_METRIC_L2) return bad_head(o, 16, "metric", h->metric, "0 to 2");
    if (h->flags & ~LLMCS_INDEX_NO_F16) return bad_head(o, 20, "flags", h->flags, "0 or 1");
    if (h->dim == 0 || h->dim > LL_INDEX_MAX_DIM) return bad_head(o, 24, "dim", h->dim, "1 to 65536");
    if (h->n_lists > LL_INDEX_MAX_LISTS) return bad_head(o, 28, "n_lists", h->n_lists, "0 to 65536");
    if (h->n_probe > h->n_lists || (h->n_lists && !h->n_probe))
        return bad_head(o, 32, "n_probe", h->n_probe, "1 to n_lists, or 0 without lists");
    if (h->n_vectors > LL_INDEX_MAX_SLOTS) return bad_head(o, 40, "n_vectors", h->n_vectors, "at most 2^31");
    if (h->n_attachment > UINT32_MAX) return bad_head(o, 56, "attachment", h->n_attachment, "less than 2^32 bytes");
    const uint64_t bytes = ll_index_file_bytes(h);
    if (h->file_bytes != bytes || o->file.size_bytes != bytes)
        return ll_fail(LLMCS_FORMAT, "%s: offset 64: the file has %llu bytes and says %llu, its sections need %llu",
                       o->path, (unsigned long long)o->file.size_bytes, (unsigned long long)h->file_bytes,
                       (unsigned long long)bytes);
    return LLMCS_OK;
}

static llmcs_status read_head(opening *o) {
    unsigned char b[LL_INDEX_HEAD_BYTES];
    if (o->file.size_bytes < sizeof b)
        return ll_fail(LLMCS_FORMAT, "%s: %llu bytes are too few for an index (at least %zu)", o->path,
                       (unsigned long long)o->file.size_bytes, sizeof b);
    LL_TRY(ll_file_read(&o->file, 0, b, sizeof b));
    if (memcmp(b, LL_INDEX_MAGIC, 8) != 0)
        return ll_fail(LLMCS_FORMAT, "%s: offset 0: this is not an index of llmcs_index_save", o->path);
    const uint64_t version = ll_get_le(b + 8, 4), hash = ll_xxh64(b, 72, 0);
    if (version != LL_INDEX_VERSION)
        return ll_fail(LLMCS_UNSUPPORTED, "%s: offset 8: version %llu of the format, this library reads version %d",
                       o->path, (unsigned long long)version, LL_INDEX_VERSION);
    if (ll_get_le(b + 72, 8) != hash)
        return ll_fail(LLMCS_FORMAT, "%s: offset 72: the checksum of the head is 0x%llx, expected 0x%llx", o->path,
                       (unsigned long long)ll_get_le(b + 72, 8), (unsigned long long)hash);
    o->head = (ll_index_head){.type = (uint32_t)ll_get_le(b + 12, 4),
                              .metric = (uint32_t)ll_get_le(b + 16, 4),
                              .flags = (uint32_t)ll_get_le(b + 20, 4),
                              .dim = (uint32_t)ll_get_le(b + 24, 4),
                              .n_lists = (uint32_t)ll_get_le(b + 28, 4),
                              .n_probe = (uint32_t)ll_get_le(b + 32, 4),
                              .n_vectors = ll_get_le(b + 40, 8),
                              .model_fingerprint = ll_get_le(b + 48, 8),
                              .n_attachment = ll_get_le(b + 56, 8),
                              .file_bytes = ll_get_le(b + 64, 8)};
    return check_head(o);
}

/* ---- sections */

/* Takes the elements [first, first + n) of a section. */
typedef llmcs_status (*take_fn)(opening *o, const unsigned char *bytes, uint64_t first, size_t n);

static llmcs_status read_section(opening *o, ll_section section, take_fn take) {
    const ll_section_size s = ll_index_section(&o->head, section);
    const size_t element = (size_t)s.element_bytes, most = ll_max(LL_INDEX_CHUNK / element, 1);
    unsigned char found[8];
    uint64_t hash = 0;
    for (uint64_t first = 0; first < s.n;) {
        const size_t n = s.n - first < most ? (size_t)(s.n - first) : most;
        LL_TRY(ll_file_read(&o->file, o->at, o->chunk, n * element));
        hash = ll_xxh64(o->chunk, n * element, hash);
        LL_TRY(take(o, o->chunk, first, n));
        o->at += n * element;
        first += n;
    }
    LL_TRY(ll_file_read(&o->file, o->at, found, 8));
    if (ll_get_le(found, 8) != hash)
        return ll_fail(LLMCS_FORMAT, "%s: offset %llu: the checksum of section %d is 0x%llx, expected 0x%llx", o->path,
                       (unsigned long long)o->at, (int)section, (unsigned long long)ll_get_le(found, 8),
                       (unsigned long long)hash);
    o->at += 8;
    return LLMCS_OK;
}

static llmcs_status take_ids(opening *o, const unsigned char *bytes, uint64_t first, size_t n) {
    ll_copy_le(o->ids + first, bytes, n, 8);
    return LLMCS_OK;
}
static llmcs_status take_tags(opening *o, const unsigned char *bytes, uint64_t first, size_t n) {
    ll_copy_le(o->tags + first, bytes, n, 8);
    return LLMCS_OK;
}
static llmcs_status take_numbers(opening *o, const unsigned char *bytes, uint64_t first, size_t n) {
    ll_copy_le(o->numbers + first, bytes, n, 8);
    return LLMCS_OK;
}
static llmcs_status take_lists(opening *o, const unsigned char *bytes, uint64_t first, size_t n) {
    ll_copy_le(o->lists + first, bytes, n, 8);
    return LLMCS_OK;
}
static llmcs_status take_attachment(opening *o, const unsigned char *bytes, uint64_t first, size_t n) {
    memcpy(o->x->attachment + first, bytes, n);
    return LLMCS_OK;
}

static llmcs_status bad_element(const opening *o, const char *what, uint64_t i, size_t in_chunk, size_t element_bytes,
                                const char *why) {
    return ll_fail(LLMCS_FORMAT, "%s: offset %llu: %s %llu %s", o->path,
                   (unsigned long long)(o->at + in_chunk * element_bytes), what, (unsigned long long)i, why);
}

/* The row's norm is small enough, which NaN's and infinity's is not. */
static bool is_valid_row(const opening *o) {
    const float squares = o->x->kernels->dot_f32(o->row, o->row, o->x->format.row);
    return squares <= 2 * LL_INDEX_MAX_NORM; /* rounding to float16 may have increased it */
}

static llmcs_status take_centroids(opening *o, const unsigned char *bytes, uint64_t first, size_t n) {
    const ll_vector_format *f = &o->x->format;
    for (size_t i = 0; i < n; i++) {
        ll_copy_le(o->row, bytes + i * f->dim * 4, f->dim, 4);
        if (!is_valid_row(o)) return bad_element(o, "centroid", first + i, i, f->dim * 4, "is not finite or too long");
        ll_centroids_set(o->x, o->x->layout->centroids, (size_t)first + i, o->row);
    }
    return LLMCS_OK;
}

/* One vector's bytes into o->row and o->halves. False: they are no numbers that an index has. */
static bool decode_vector(opening *o, const unsigned char *bytes) {
    const ll_vector_format *f = &o->x->format;
    if (f->panel_type == LL_Q8 && !f->has_halves) {
        ll_copy_le(&o->scale, bytes, 1, 4);
        if (!(o->scale >= 0.0f)) return false;
        for (size_t k = 0; k < f->dim; k++) {
            const int8_t value = (int8_t)bytes[4 + k];
            if (value < -127) return false;
            o->row[k] = o->scale * (float)value;
        }
    } else if (f->type == LLMCS_VECTOR_F32) {
        ll_copy_le(o->row, bytes, f->dim, 4);
    } else {
        ll_copy_le(o->halves, bytes, f->dim, 2);
        for (size_t k = 0; k < f->dim; k++) o->row[k] = ll_half_to_float(o->halves[k]);
    }
    return is_valid_row(o);
}

static llmcs_status take_vectors(opening *o, const unsigned char *bytes, uint64_t first, size_t n) {
    llmcs_index *x = o->x;
    const ll_vector_format *f = &x->format;
    const size_t element = (size_t)ll_index_section(&o->head, LL_SECTION_VECTORS).element_bytes;
    for (size_t i = 0; i < n; i++, bytes += element, o->left_in_list--) {
        while (o->left_in_list == 0) o->left_in_list = o->lists[++o->list];
        if (!decode_vector(o, bytes))
            return bad_element(o, "vector", first + i, i, element, "is not finite or too long");
        const ll_item item = {o->ids[first + i], {o->tags[first + i], o->numbers[first + i]}};
        const ll_slot s = ll_layout_append(x->layout, o->list);
        if (f->panel_type == LL_Q8 && !f->has_halves)
            ll_row_set_q8(f, s, o->scale, (const int8_t *)bytes + 4);
        else
            ll_row_pack(f, s.block, s.at, o->row, o->halves);
        if (s.block->bias) s.block->bias[s.at] = -0.5f * x->kernels->dot_f32(o->row, o->row, f->row);
        ll_layout_publish(s, &item, 1);
        if (ll_ids_set(&x->ids, item.id, ll_slot_number(s)) != LL_NO_SLOT)
            return ll_fail(LLMCS_FORMAT, "%s: id %llu occurs twice, the second time as vector %llu", o->path,
                           (unsigned long long)item.id, (unsigned long long)(first + i));
    }
    return LLMCS_OK;
}

/* ---- the index */

/* Creates the lists in order, each with the blocks it needs. */
static llmcs_status create_lists(opening *o) {
    llmcs_index *x = o->x;
    const size_t n_lists = o->head.n_lists ? o->head.n_lists : 1;
    uint64_t total = 0;
    size_t n_blocks = 0;
    if (!o->head.n_lists) o->lists[0] = o->head.n_vectors;
    for (size_t i = 0; i < n_lists; i++) {
        if (!ll_add_u64(total, o->lists[i], &total) || total > o->head.n_vectors) break;
        n_blocks += (size_t)(o->lists[i] + LL_BLOCK - 1) / LL_BLOCK;
    }
    if (total != o->head.n_vectors)
        return ll_fail(LLMCS_FORMAT, "%s: the lists have %llu vectors, expected %llu", o->path,
                       (unsigned long long)total, (unsigned long long)o->head.n_vectors);
    ll_layout *layout;
    LL_TRY(ll_layout_create(x, n_lists, &layout));
    ll_layout_free(x, x->layout);
    x->layout = layout;
    if (o->head.n_lists) {
        layout->bytes += ll_centroids_bytes(x, n_lists);
        layout->n_probe = o->head.n_probe;
        LL_TRY(ll_index_reserve_bytes(x, layout->bytes));
        LL_TRY(ll_centroids_create(x, n_lists, &layout->centroids));
    }
    LL_TRY(ll_index_reserve_bytes(x, layout->bytes + ll_ids_bytes(&x->ids, (size_t)o->head.n_vectors)));
    LL_TRY(ll_ids_reserve(&x->ids, &x->allocator, (size_t)o->head.n_vectors));
    o->left_in_list = o->lists[0];
    return ll_layout_reserve(x, layout, n_blocks);
}

static llmcs_status allocate_opening(opening *o) {
    const llmcs_allocator *a = &o->x->allocator;
    const size_t n = (size_t)o->head.n_vectors, row = o->x->format.row;
    const size_t element = (size_t)ll_index_section(&o->head, LL_SECTION_VECTORS).element_bytes;
    LL_TRY(ll_alloc(a, n, sizeof *o->ids, "index file", &o->ids));
    LL_TRY(ll_alloc(a, n, sizeof *o->tags, "index file", &o->tags));
    LL_TRY(ll_alloc(a, n, sizeof *o->numbers, "index file", &o->numbers));
    LL_TRY(ll_alloc(a, ll_max(o->head.n_lists, 1), sizeof *o->lists, "index file", &o->lists));
    LL_TRY(ll_alloc_zero(a, row, sizeof *o->row, "index file", &o->row));
    LL_TRY(ll_alloc_zero(a, row, sizeof *o->halves, "index file", &o->halves));
    LL_TRY(ll_alloc(a, ll_max(ll_max(LL_INDEX_CHUNK, element), row * 4), 1, "index file", &o->chunk));
    if (!o->head.n_attachment) return LLMCS_OK;
    LL_TRY(ll_alloc(a, (size_t)o->head.n_attachment, 1, "attachment", &o->x->attachment));
    o->x->n_attachment = (size_t)o->head.n_attachment;
    return LLMCS_OK;
}

static void free_opening(opening *o) {
    const llmcs_allocator *a = &o->x->allocator;
    ll_free(a, o->ids);
    ll_free(a, o->tags);
    ll_free(a, o->numbers);
    ll_free(a, o->lists);
    ll_free(a, o->row);
    ll_free(a, o->halves);
    ll_free(a, o->chunk);
}

static llmcs_status read_sections(opening *o) {
    LL_TRY(allocate_opening(o));
    o->at = LL_INDEX_HEAD_BYTES;
    LL_TRY(read_section(o, LL_SECTION_IDS, take_ids));
    LL_TRY(read_section(o, LL_SECTION_TAGS, take_tags));
    LL_TRY(read_section(o, LL_SECTION_NUMBERS, take_numbers));
    LL_TRY(read_section(o, LL_SECTION_LISTS, take_lists));
    for (uint64_t i = 0; i < o->head.n_vectors; i++)
        if (o->ids[i] == LLMCS_NO_ITEM)
            return ll_fail(LLMCS_FORMAT, "%s: vector %llu has the id LLMCS_NO_ITEM", o->path, (unsigned long long)i);
    LL_TRY(create_lists(o));
    LL_TRY(read_section(o, LL_SECTION_CENTROIDS, take_centroids));
    LL_TRY(read_section(o, LL_SECTION_VECTORS, take_vectors));
    LL_TRY(read_section(o, LL_SECTION_ATTACHMENT, take_attachment));
    LL_TRY(ll_file_check_unchanged(&o->file));
    ll_index_publish(o->x, 1, o->head.n_vectors);
    return LLMCS_OK;
}

/* Checks the caller's expectations. */
static llmcs_status check_options(const opening *o, const llmcs_index_options *options) {
    const ll_index_head *h = &o->head;
    if (options->dim && (uint32_t)options->dim != h->dim)
        return ll_fail(LLMCS_ARG, "dim: %d, but vectors of %s have %u elements", (int)options->dim, o->path,
                       (unsigned)h->dim);
    if (options->model_fingerprint && h->model_fingerprint && options->model_fingerprint != h->model_fingerprint)
        return ll_fail(
            LLMCS_STATE, "%s: its vectors are from another model: fingerprint 0x%llx, expected 0x%llx; build it again",
            o->path, (unsigned long long)h->model_fingerprint, (unsigned long long)options->model_fingerprint);
    return LLMCS_OK;
}

static llmcs_status open_file(opening *o, llmcs_index_options *options) {
    LL_TRY(read_head(o));
    LL_TRY(check_options(o, options));
    options->dim = (int32_t)o->head.dim;
    options->type = (llmcs_vector_type)o->head.type;
    options->metric = (llmcs_metric)o->head.metric;
    options->flags = o->head.flags;
    if (o->head.model_fingerprint) options->model_fingerprint = o->head.model_fingerprint;
    LL_TRY(ll_index_create(options, &o->x));
    const llmcs_status st = read_sections(o);
    free_opening(o);
    return st;
}

llmcs_status llmcs_index_open(const char *path, const llmcs_index_options *options, llmcs_index **index) {
    LL_PUBLIC_CALL;
    opening o = {.path = path};
    llmcs_index_options own;
    if (!index) return ll_fail(LLMCS_ARG, "index: is NULL");
    *index = NULL;
    if (!path || !*path) return ll_fail(LLMCS_ARG, "path: is %s", path ? "empty" : "NULL");
    LL_TRY(ll_index_read_options(options, &own));
    LL_TRY(ll_file_open(&o.file, path, false));
    const llmcs_status st = open_file(&o, &own);
    ll_file_close(&o.file);
    if (st)
        llmcs_index_free(&o.x);
    else
        *index = o.x;
    return st;
}
