/* llmcs_index_save: a search's view of the index, section by section. */
#include <string.h>

#include "base/call.h"
#include "base/half.h"
#include "base/output.h"
#include "base/xxh64.h"
#include "search/file.h"
#include "search/scan.h"

ll_section_size ll_index_section(const ll_index_head *h, ll_section section) {
    const uint64_t n = h->n_vectors, dim = h->dim;
    const bool is_q8 = h->type == LLMCS_VECTOR_INT8 && (h->flags & LLMCS_INDEX_NO_F16);
    switch (section) {
        case LL_SECTION_IDS:
        case LL_SECTION_TAGS:
        case LL_SECTION_NUMBERS:
            return (ll_section_size){n, 8};
        case LL_SECTION_LISTS:
            return (ll_section_size){h->n_lists, 8};
        case LL_SECTION_CENTROIDS:
            return (ll_section_size){h->n_lists, dim * 4};
        case LL_SECTION_VECTORS:
            return (ll_section_size){n, is_q8 ? 4 + dim : dim * (h->type == LLMCS_VECTOR_F32 ? 4 : 2)};
        default:
            return (ll_section_size){h->n_attachment, 1};
    }
}

uint64_t ll_index_file_bytes(const ll_index_head *h) {
    uint64_t total = LL_INDEX_HEAD_BYTES;
    for (int i = 0; i < LL_N_SECTIONS; i++) {
        const ll_section_size s = ll_index_section(h, (ll_section)i);
        uint64_t bytes;
        if (!ll_mul_u64(s.n, s.element_bytes, &bytes) || !ll_add_u64(total, bytes, &total) ||
            !ll_add_u64(total, 8, &total))
            return UINT64_MAX;
    }
    return total;
}

typedef struct saving {
    const llmcs_index *x;
    ll_scan scan; /* all that is visible */
    ll_reader reader;
    ll_index_head head;
    unsigned char *attachment;
    ll_output out;
    float *row;
    /* The current section. */
    unsigned char *chunk;
    size_t capacity, used, chunk_bytes;
    uint64_t hash;
} saving;

/* ---- sections */

static void begin_section(saving *s, ll_section section) {
    const size_t element = (size_t)ll_index_section(&s->head, section).element_bytes;
    s->chunk_bytes = ll_max(LL_INDEX_CHUNK / element, 1) * element;
    s->used = 0;
    s->hash = 0;
}

static llmcs_status flush_chunk(saving *s) {
    if (!s->used) return LLMCS_OK;
    s->hash = ll_xxh64(s->chunk, s->used, s->hash);
    const size_t n = s->used;
    s->used = 0;
    return ll_output_write(&s->out, s->chunk, n);
}

/* Where the next element goes. */
static llmcs_status next_element(saving *s, size_t n_bytes, unsigned char **to) {
    if (s->used == s->chunk_bytes) LL_TRY(flush_chunk(s));
    *to = s->chunk + s->used;
    s->used += n_bytes;
    return LLMCS_OK;
}

static llmcs_status end_section(saving *s) {
    unsigned char hash[8];
    LL_TRY(flush_chunk(s));
    ll_put_le(hash, s->hash, 8);
    return ll_output_write(&s->out, hash, 8);
}

/* ---- the elements of a vector */

static llmcs_status save_number(saving *s, uint64_t bits) {
    unsigned char *to;
    LL_TRY(next_element(s, 8, &to));
    ll_put_le(to, bits, 8);
    return LLMCS_OK;
}

static llmcs_status save_vector(saving *s, ll_slot slot) {
    const ll_vector_format *f = &s->x->format;
    const size_t bytes = (size_t)ll_index_section(&s->head, LL_SECTION_VECTORS).element_bytes;
    unsigned char *to;
    LL_TRY(next_element(s, bytes, &to));
    if (f->panel_type == LL_Q8 && !f->has_halves) {
        ll_row_get_q8(f, slot, s->row, (int8_t *)to + 4);
        ll_copy_le(to, s->row, 1, 4);
        return LLMCS_OK;
    }
    if (f->has_halves) {
        ll_copy_le(to, slot.block->halves + slot.at * f->row, f->dim, 2);
        return LLMCS_OK;
    }
    ll_row_unpack(f, slot.block, slot.at, s->row);
    if (f->type == LLMCS_VECTOR_F32) {
        ll_copy_le(to, s->row, f->dim, 4);
        return LLMCS_OK;
    }
    for (size_t k = 0; k < f->dim; k++) ll_put_le(to + 2 * k, ll_float_to_half(s->row[k]), 2);
    return LLMCS_OK;
}

static llmcs_status save_slot(saving *s, ll_section section, ll_slot slot) {
    const ll_block *b = slot.block;
    uint64_t number;
    switch (section) {
        case LL_SECTION_IDS:
            return save_number(s, b->ids[slot.at]);
        case LL_SECTION_TAGS:
            return save_number(s, b->tags[slot.at]);
        case LL_SECTION_NUMBERS:
            memcpy(&number, &b->numbers[slot.at], sizeof number);
            return save_number(s, number);
        default:
            return save_vector(s, slot);
    }
}

/* A section of one element for each vector, list by list. */
static llmcs_status save_slots(saving *s, ll_section section) {
    for (size_t list = 0; list < s->scan.layout->n_lists; list++) {
        ll_block *b = atomic_load_explicit(&s->scan.layout->heads[list], memory_order_acquire);
        for (; b; b = atomic_load_explicit(&b->next, memory_order_acquire)) {
            for (uint64_t bits = ll_scan_mask(&s->scan, b); bits; bits &= bits - 1)
                LL_TRY(save_slot(s, section, (ll_slot){b, (size_t)__builtin_ctzll(bits)}));
        }
    }
    return LLMCS_OK;
}

static uint64_t count_list(const saving *s, size_t list) {
    uint64_t n = 0;
    const ll_block *b = atomic_load_explicit(&s->scan.layout->heads[list], memory_order_acquire);
    for (; b; b = atomic_load_explicit(&b->next, memory_order_acquire))
        n += (uint64_t)__builtin_popcountll(ll_scan_mask(&s->scan, b));
    return n;
}

static llmcs_status save_section(saving *s, ll_section section) {
    const ll_section_size size = ll_index_section(&s->head, section);
    const ll_vector_format *f = &s->x->format;
    unsigned char *to;
    if (section == LL_SECTION_LISTS) {
        for (size_t i = 0; i < size.n; i++) LL_TRY(save_number(s, count_list(s, i)));
        return LLMCS_OK;
    }
    if (section == LL_SECTION_CENTROIDS) {
        for (size_t i = 0; i < size.n; i++) {
            LL_TRY(next_element(s, (size_t)size.element_bytes, &to));
            ll_copy_le(to, s->scan.layout->centroids->rows + i * f->row, f->dim, 4);
        }
        return LLMCS_OK;
    }
    if (section == LL_SECTION_ATTACHMENT) {
        for (size_t i = 0; i < size.n; i++) {
            LL_TRY(next_element(s, 1, &to));
            *to = s->attachment[i];
        }
        return LLMCS_OK;
    }
    return save_slots(s, section);
}

/* ---- the file */

static llmcs_status save_head(saving *s) {
    const ll_index_head *h = &s->head;
    unsigned char bytes[LL_INDEX_HEAD_BYTES] = LL_INDEX_MAGIC;
    const uint32_t small[] = {LL_INDEX_VERSION, h->type, h->metric, h->flags, h->dim, h->n_lists, h->n_probe, 0};
    const uint64_t large[] = {h->n_vectors, h->model_fingerprint, h->n_attachment, h->file_bytes};
    for (size_t i = 0; i < 8; i++) ll_put_le(bytes + 8 + 4 * i, small[i], 4);
    for (size_t i = 0; i < 4; i++) ll_put_le(bytes + 40 + 8 * i, large[i], 8);
    ll_put_le(bytes + 72, ll_xxh64(bytes, 72, 0), 8);
    return ll_output_write(&s->out, bytes, sizeof bytes);
}

static llmcs_status write_file(saving *s, const char *path) {
    const llmcs_allocator *a = &s->x->allocator;
    const ll_section_size vectors = ll_index_section(&s->head, LL_SECTION_VECTORS);
    const size_t largest = (size_t)ll_max((size_t)vectors.element_bytes, (size_t)s->head.dim * 4);
    LL_TRY(ll_alloc(a, ll_max(largest, LL_INDEX_CHUNK), 1, "index file", &s->chunk));
    LL_TRY(ll_alloc(a, s->x->format.row, sizeof *s->row, "index file", &s->row));
    LL_TRY(ll_output_begin(&s->out, a, path));
    llmcs_status st = save_head(s);
    for (int i = 0; i < LL_N_SECTIONS && !st; i++) {
        begin_section(s, (ll_section)i);
        st = save_section(s, (ll_section)i);
        if (!st) st = end_section(s);
    }
    if (!st) return ll_output_finish(&s->out);
    ll_output_abandon(&s->out);
    return st;
}

/* The attachment and the vectors, both of one version. */
static llmcs_status take_view(saving *s, llmcs_index *x) {
    llmcs_status st = LLMCS_OK;
    pthread_mutex_lock(&x->writer);
    if (x->n_attachment) st = ll_alloc(&x->allocator, x->n_attachment, 1, "index file", &s->attachment);
    if (!st) {
        if (x->n_attachment) memcpy(s->attachment, x->attachment, x->n_attachment);
        s->head.n_attachment = x->n_attachment;
        ll_reader_begin(x, &s->reader);
    }
    pthread_mutex_unlock(&x->writer);
    return st;
}

static void describe_index(saving *s) {
    const llmcs_index *x = s->x;
    const ll_layout *layout = s->reader.layout;
    s->scan = (ll_scan){.x = x, .layout = layout, .version = s->reader.version};
    s->head.type = (uint32_t)x->format.type;
    s->head.metric = (uint32_t)x->format.metric;
    s->head.flags = x->flags;
    s->head.dim = (uint32_t)x->format.dim;
    s->head.n_lists = layout->centroids ? (uint32_t)layout->n_lists : 0;
    s->head.n_probe = layout->centroids ? (uint32_t)layout->n_probe : 0;
    s->head.n_vectors = s->reader.n_vectors;
    s->head.model_fingerprint = x->model_fingerprint;
    s->head.file_bytes = ll_index_file_bytes(&s->head);
}

llmcs_status llmcs_index_save(llmcs_index *x, const char *path) {
    LL_PUBLIC_CALL;
    saving s = {.x = x};
    LL_TRY(ll_index_check(x));
    if (!path || !*path) return ll_fail(LLMCS_ARG, "path: is %s", path ? "empty" : "NULL");
    LL_TRY(take_view(&s, x));
    describe_index(&s);
    const llmcs_status st = write_file(&s, path);
    ll_reader_end(x, &s.reader);
    ll_free(&x->allocator, s.chunk);
    ll_free(&x->allocator, s.row);
    ll_free(&x->allocator, s.attachment);
    return st;
}
