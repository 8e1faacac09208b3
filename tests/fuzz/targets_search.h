/* The fuzz target of index files: any bytes are refused, or open as an index that answers, saves and opens again. */
#ifndef TESTS_FUZZ_TARGETS_SEARCH_H
#define TESTS_FUZZ_TARGETS_SEARCH_H

#include "base/xxh64.h"
#include "fuzz/fuzz.h"
#include "search/file.h"

/* By the bits of `how`, what a mutation can hardly hit: 1: the length and the head's checksum, 2: the sections'. */
static void repair_index(int how, uint8_t *bytes, size_t size) {
    if (size < LL_INDEX_HEAD_BYTES) return;
    if (how & 1) {
        ll_put_le(bytes + 64, size, 8);
        ll_put_le(bytes + 72, ll_xxh64(bytes, 72, 0), 8);
    }
    const ll_index_head h = {.type = (uint32_t)ll_get_le(bytes + 12, 4),
                             .flags = (uint32_t)ll_get_le(bytes + 20, 4),
                             .dim = (uint32_t)ll_get_le(bytes + 24, 4),
                             .n_lists = (uint32_t)ll_get_le(bytes + 28, 4),
                             .n_vectors = ll_get_le(bytes + 40, 8),
                             .n_attachment = ll_get_le(bytes + 56, 8)};
    size_t at = LL_INDEX_HEAD_BYTES;
    for (int i = 0; i < LL_N_SECTIONS && (how & 2); i++) {
        const ll_section_size s = ll_index_section(&h, (ll_section)i);
        uint64_t n;
        if (!ll_mul_u64(s.n, s.element_bytes, &n) || n > LL_INDEX_CHUNK || n + 8 > size - at) return;
        ll_put_le(bytes + at + n, n ? ll_xxh64(bytes + at, (size_t)n, 0) : 0, 8);
        at += (size_t)n + 8;
    }
}

static void use_index(llmcs_index *index, const llmcs_allocator *a) {
    llmcs_index_info info = {.struct_size = sizeof info};
    llmcs_index_options o;
    llmcs_search_params p;
    llmcs_index *again = NULL;
    uint64_t ids[2][5];
    float scores[2][5];
    MUST(!llmcs_index_get_info(index, &info));
    float *query = exact_alloc((size_t)info.dim * sizeof *query);
    for (int32_t i = 0; i < info.dim; i++) query[i] = (float)(i % 7) - 3.0f;
    llmcs_search_params_init(&p);
    p.k = 5;
    p.tags_none = 1;
    MUST(!llmcs_index_search(index, query, 1, &p, ids[0], scores[0], NULL));
    llmcs_index_options_init(&o);
    o.allocator = a;
    o.n_threads = 1;
    MUST(!llmcs_index_save(index, fuzz_path("again")));
    MUST(!llmcs_index_open(fuzz_path("again"), &o, &again));
    MUST(!llmcs_index_search(again, query, 1, &p, ids[1], scores[1], NULL));
    MUST(memcmp(ids[0], ids[1], sizeof ids[0]) == 0 && memcmp(scores[0], scores[1], sizeof scores[0]) == 0);
    MUST(!llmcs_index_put(index, &(uint64_t){7}, query, NULL, 1));
    MUST(!llmcs_index_remove(index, ids[0], 5, NULL));
    llmcs_index_free(&again);
    free(query);
}

/* The first byte is repair_index's; the rest is the file. */
static UNUSED int fuzz_vectors(const uint8_t *data, size_t size) {
    counter c = {0};
    const llmcs_allocator a = counting(&c);
    llmcs_index_options o;
    llmcs_index *index = NULL;
    if (size == 0) return 0;
    make_fuzz_folder();
    uint8_t *file = exact_copy(data + 1, size - 1);
    repair_index(data[0], file, size - 1);
    fuzz_write("file", file, size - 1);
    free(file);
    llmcs_index_options_init(&o);
    o.allocator = &a;
    o.n_threads = 1;
    const llmcs_status st = llmcs_index_open(fuzz_path("file"), &o, &index);
    MUST(st == LLMCS_OK || st == LLMCS_FORMAT || st == LLMCS_UNSUPPORTED || st == LLMCS_LIMIT);
    MUST(c.peak < 64 * size + (48 << 20)); /* a row and its scan of 65536 elements; blocks of 64 slots */
    if (!st) use_index(index, &a);
    llmcs_index_free(&index);
    MUST(c.live == 0);
    return 0;
}

#endif
