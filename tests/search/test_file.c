/* The file of an index: what is saved is opened; damage and hostile files are refused by offset and reason, with
 * bounded memory; a save that fails leaves the last good file. */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/xxh64.h"
#include "search/file.h"
#include "search/search_case.h"

#define DIM 24
#define N 400
#define K 10

static llmcs_index *filled_index(const collection *c, llmcs_vector_type type, llmcs_metric metric, uint32_t flags,
                                 bool lists) {
    llmcs_index *index = make_index(c->dim, type, metric, flags, 1);
    llmcs_index_build_params p;
    llmcs_index_build_params_init(&p);
    p.min_vectors = 1;
    p.n_lists = 9;
    put_all(index, c);
    if (lists) OK(llmcs_index_build(index, &p));
    for (size_t i = 0; i < c->n; i += 5) OK(llmcs_index_remove(index, &c->items[i].id, 1, NULL));
    OK(llmcs_index_set_attachment(index, "names\0and more", 14));
    return index;
}

static void same_results(llmcs_index *a, llmcs_index *b, const float *queries, size_t n) {
    uint64_t ids[2][K];
    float scores[2][K];
    llmcs_search_params p;
    llmcs_search_params_init(&p);
    for (size_t i = 0; i < 3 * n; i++) {
        p.exact = i % 3 == 1;
        p.tags_any = i % 3 == 2 ? 6 : 0;
        OK(llmcs_index_search(a, queries + i % n * DIM, 1, &p, ids[0], scores[0], NULL));
        OK(llmcs_index_search(b, queries + i % n * DIM, 1, &p, ids[1], scores[1], NULL));
        ck_assert(memcmp(ids[0], ids[1], sizeof ids[0]) == 0 && memcmp(scores[0], scores[1], sizeof scores[0]) == 0);
    }
}

START_TEST(what_is_saved_is_opened) {
    static const llmcs_vector_type types[] = {LLMCS_VECTOR_F32, LLMCS_VECTOR_F16, LLMCS_VECTOR_INT8, LLMCS_VECTOR_INT8};
    const uint32_t flags = _i % 4 == 3 ? LLMCS_INDEX_NO_F16 : 0;
    const llmcs_metric metric = (llmcs_metric)(_i % 3);
    char folder[TEMP_PATH_BYTES], attachment[20];
    uint64_t seed = 91;
    size_t n;
    collection c = make_collection(&seed, N, DIM, 12);
    llmcs_index *index = filled_index(&c, types[_i % 4], metric, flags, _i / 4), *opened = NULL, *again = NULL;
    llmcs_index_info a = {.struct_size = sizeof a}, b = a;
    temp_folder(folder);
    OK(llmcs_index_save(index, temp_path(folder, "a")));
    OK(llmcs_index_open(temp_path(folder, "a"), NULL, &opened));
    OK(llmcs_index_get_info(index, &a));
    OK(llmcs_index_get_info(opened, &b));
    ck_assert(a.n_vectors == b.n_vectors && a.dim == b.dim && a.type == b.type && a.metric == b.metric);
    ck_assert(a.n_lists == b.n_lists && a.n_probe == b.n_probe && a.flags == b.flags && b.n_removed == 0);
    OK(llmcs_index_get_attachment(opened, attachment, sizeof attachment, &n));
    ck_assert(n == 14 && memcmp(attachment, "names\0and more", 14) == 0);
    same_results(index, opened, c.vectors, 20);
    put_item(opened, &c, 0); /* and it goes on */
    put_item(index, &c, 0);
    same_results(index, opened, c.vectors, 20);
    OK(llmcs_index_save(opened, temp_path(folder, "a")));
    OK(llmcs_index_open(temp_path(folder, "a"), NULL, &again));
    same_results(again, opened, c.vectors, 20);
    llmcs_index_free(&index);
    llmcs_index_free(&opened);
    llmcs_index_free(&again);
    temp_remove(folder);
    free_collection(&c);
}
END_TEST

/* ---- hostile files */

typedef struct bytes {
    unsigned char *at;
    size_t n;
} bytes;

static bytes read_bytes_of(const char *path) {
    FILE *f = fopen(path, "rb");
    ck_assert_ptr_nonnull(f);
    struct stat st;
    ck_assert(!fstat(fileno(f), &st));
    bytes b = {temp_alloc((size_t)st.st_size), (size_t)st.st_size};
    ck_assert_uint_eq(fread(b.at, 1, b.n, f), b.n);
    fclose(f);
    return b;
}

/* Makes the head's checksum right, so that what it says is read. */
static void sign_head(bytes b) {
    if (b.n >= LL_INDEX_HEAD_BYTES) ll_put_le(b.at + 72, ll_xxh64(b.at, 72, 0), 8);
}

/* Makes the checksum of every section right that lies where the head says. */
static void sign_sections(bytes b) {
    const ll_index_head h = {.type = (uint32_t)ll_get_le(b.at + 12, 4),
                             .metric = (uint32_t)ll_get_le(b.at + 16, 4),
                             .flags = (uint32_t)ll_get_le(b.at + 20, 4),
                             .dim = (uint32_t)ll_get_le(b.at + 24, 4),
                             .n_lists = (uint32_t)ll_get_le(b.at + 28, 4),
                             .n_vectors = ll_get_le(b.at + 40, 8),
                             .n_attachment = ll_get_le(b.at + 56, 8)};
    uint64_t at = LL_INDEX_HEAD_BYTES;
    for (int i = 0; i < LL_N_SECTIONS; i++) {
        const ll_section_size s = ll_index_section(&h, (ll_section)i);
        const uint64_t n = s.n * s.element_bytes;
        if (n > b.n || at + n + 8 > b.n || n > LL_INDEX_CHUNK) return;
        ll_put_le(b.at + at + n, n ? ll_xxh64(b.at + at, n, 0) : 0, 8);
        at += n + 8;
    }
}

/* Refused with a reason, or opened as an index that answers; memory in proportion to the file. */
static bool open_hostile(const char *folder, bytes b, const float *query) {
    fail_alloc f;
    llmcs_index *index = NULL;
    llmcs_index_options o;
    fail_alloc_init(&f);
    const llmcs_allocator a = fail_alloc_get(&f);
    llmcs_index_options_init(&o);
    o.allocator = &a;
    o.n_threads = 1;
    temp_write(folder, "hostile", b.at, b.n);
    const llmcs_status st = llmcs_index_open(temp_path(folder, "hostile"), &o, &index);
    ck_assert_msg(f.peak_bytes <= 64 * (long long)b.n + (32 << 20), "%lld bytes for a file of %zu",
                  (long long)f.peak_bytes, b.n);
    if (!st) {
        uint64_t ids[K];
        float scores[K];
        llmcs_index_info info = {.struct_size = sizeof info};
        OK(llmcs_index_get_info(index, &info));
        if (info.dim == DIM) OK(llmcs_index_search(index, query, 1, NULL, ids, scores, NULL));
        if (info.dim == DIM) OK(llmcs_index_put(index, &(uint64_t){1}, query, NULL, 1));
    } else {
        ck_assert_ptr_null(index);
        ck_assert_msg(st == LLMCS_FORMAT || st == LLMCS_UNSUPPORTED || st == LLMCS_CHANGED || st == LLMCS_LIMIT,
                      "%s: %s", llmcs_status_name(st), llmcs_error_message());
        ck_assert_msg(strstr(llmcs_error_message(), "hostile") != NULL, "%s", llmcs_error_message());
    }
    llmcs_index_free(&index);
    ck_assert_int_eq(f.live, 0);
    return st != LLMCS_OK;
}

/* Flipped bits, numbers of all sizes, files cut and lengthened; unsigned, with the head's checksum, or with all. */
START_TEST(hostile_files_are_refused) {
    static const uint64_t numbers[] = {0,     1,          2,          255,        65535,     65536,
                                       65537, 0x7fffffff, 0x80000000, 0xffffffff, UINT64_MAX};
    char folder[TEMP_PATH_BYTES];
    uint64_t seed = 95 + (uint64_t)_i;
    collection c = make_collection(&seed, 150, DIM, 12);
    llmcs_index *index = filled_index(&c, _i % 2 ? LLMCS_VECTOR_INT8 : LLMCS_VECTOR_F32, LLMCS_METRIC_L2,
                                      _i % 4 == 3 ? LLMCS_INDEX_NO_F16 : 0, _i / 2);
    size_t n_refused = 0, n_files = 0;
    temp_folder(folder);
    OK(llmcs_index_save(index, temp_path(folder, "good")));
    const bytes good = read_bytes_of(temp_path(folder, "good"));
    bytes b = {temp_alloc(good.n + 64), good.n};
    for (size_t i = 0; i < 300 / suite_step(4); i++) {
        memcpy(b.at, good.at, good.n);
        memset(b.at + good.n, 7, 64);
        b.n = good.n;
        if (i % 3 == 0) { /* a field of the head */
            const size_t wide = random_below(&seed, 2) ? 8 : 4, at = 8 + random_below(&seed, (80 - 8) / wide) * wide;
            ll_put_le(b.at + at, numbers[random_below(&seed, sizeof numbers / sizeof *numbers)], wide);
        }
        if (i % 3 == 1) b.at[random_below(&seed, b.n)] ^= (unsigned char)(1 << random_below(&seed, 8));
        if (i % 3 == 2) b.n = i % 2 ? random_below(&seed, b.n) : b.n + 1 + random_below(&seed, 63);
        if (i % 4 == 1) {
            const size_t at = random_below(&seed, b.n ? b.n : 1),
                         n = ll_min(1 + random_below(&seed, 16), b.n - ll_min(at, b.n));
            memset(b.at + at, i % 8 == 1 ? 0xff : 0x7f, n);
        }
        if (i % 2 && b.n >= LL_INDEX_HEAD_BYTES) sign_head(b);
        if (i % 4 == 3 && b.n >= LL_INDEX_HEAD_BYTES) sign_sections(b);
        n_refused += open_hostile(folder, b, c.vectors);
        n_files++;
    }
    ck_assert_uint_gt(n_refused, n_files / 2);
    ck_assert(!open_hostile(folder, good, c.vectors));
    free(b.at);
    free(good.at);
    llmcs_index_free(&index);
    temp_remove(folder);
    free_collection(&c);
}
END_TEST

static void put_at(bytes b, size_t at, uint64_t value, size_t n) {
    ll_put_le(b.at + at, value, n);
    sign_head(b);
    sign_sections(b);
}

START_TEST(refusals_name_the_reason) {
    static const struct {
        size_t at;
        uint64_t value;
        size_t n_bytes;
        const char *reason;
    } cases[] = {{0, 0, 1, "this is not an index"}, {8, 2, 4, "version 2"},
                 {12, 3, 4, "type is 3"},           {16, 3, 4, "metric is 3"},
                 {20, 2, 4, "flags is 2"},          {24, 0, 4, "dim is 0"},
                 {24, 70000, 4, "dim is 70000"},    {28, 70000, 4, "n_lists is 70000"},
                 {32, 77, 4, "n_probe is 77"},      {40, (uint64_t)1 << 40, 8, "n_vectors is"},
                 {40, 3, 8, "its sections need"},   {56, (uint64_t)1 << 40, 8, "attachment is"},
                 {64, 3, 8, "the file has"},        {80, UINT64_MAX, 8, "LLMCS_NO_ITEM"},
                 {88, 0, 8, "occurs twice"}};
    char folder[TEMP_PATH_BYTES];
    uint64_t seed = 3;
    collection c = make_collection(&seed, 50, DIM, 12);
    llmcs_index *index = make_index(DIM, LLMCS_VECTOR_F16, LLMCS_METRIC_DOT, 0, 1), *opened = NULL;
    c.items[0].id = 0;
    put_all(index, &c);
    temp_folder(folder);
    OK(llmcs_index_save(index, temp_path(folder, "good")));
    const bytes good = read_bytes_of(temp_path(folder, "good"));
    bytes b = {temp_alloc(good.n), good.n};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        memcpy(b.at, good.at, good.n);
        put_at(b, cases[i].at, cases[i].value, cases[i].n_bytes);
        temp_write(folder, "bad", b.at, b.n);
        const llmcs_status st = llmcs_index_open(temp_path(folder, "bad"), NULL, &opened);
        ck_assert_msg(st == LLMCS_FORMAT || st == LLMCS_UNSUPPORTED, "%zu: %s", i, llmcs_status_name(st));
        ck_assert_msg(strstr(llmcs_error_message(), cases[i].reason) != NULL, "%s", llmcs_error_message());
    }
    /* The first vector's first element: an infinity. */
    memcpy(b.at, good.at, good.n);
    put_at(b, LL_INDEX_HEAD_BYTES + 3 * (50 * 8 + 8) + 8 + 8, 0x7c00, 2);
    temp_write(folder, "bad", b.at, b.n);
    ck_assert_int_eq(llmcs_index_open(temp_path(folder, "bad"), NULL, &opened), LLMCS_FORMAT);
    ck_assert_msg(strstr(llmcs_error_message(), "vector 0 is not finite") != NULL, "%s", llmcs_error_message());
    free(b.at);
    free(good.at);
    llmcs_index_free(&index);
    temp_remove(folder);
    free_collection(&c);
}
END_TEST

START_TEST(another_model_or_dim_is_refused) {
    char folder[TEMP_PATH_BYTES];
    llmcs_index *index = NULL;
    llmcs_index_options o;
    llmcs_index_options_init(&o);
    o.dim = 4;
    o.model_fingerprint = 77;
    temp_folder(folder);
    OK(llmcs_index_create(&o, &index));
    OK(llmcs_index_save(index, temp_path(folder, "a")));
    llmcs_index_free(&index);
    OK(llmcs_index_open(temp_path(folder, "a"), &o, &index));
    llmcs_index_free(&index);
    o.model_fingerprint = 78;
    ck_assert_int_eq(llmcs_index_open(temp_path(folder, "a"), &o, &index), LLMCS_STATE);
    ck_assert(strstr(llmcs_error_message(), "0x4d") && strstr(llmcs_error_message(), "0x4e"));
    o.model_fingerprint = 0;
    o.dim = 5;
    ck_assert_int_eq(llmcs_index_open(temp_path(folder, "a"), &o, &index), LLMCS_ARG);
    o.dim = 0;
    o.max_bytes = 1000;
    ck_assert_int_eq(llmcs_index_open(temp_path(folder, "a"), &o, &index), LLMCS_LIMIT);
    ck_assert_int_eq(llmcs_index_open(temp_path(folder, "b"), NULL, &index), LLMCS_IO);
    ck_assert_int_eq(llmcs_index_open(folder, NULL, &index), LLMCS_IO);
    ck_assert_int_eq(llmcs_index_open(NULL, NULL, &index), LLMCS_ARG);
    ck_assert_int_eq(llmcs_index_open("", NULL, &index), LLMCS_ARG);
    temp_remove(folder);
}
END_TEST

static void add(TCase *t) {
    printf("search/file: seeds 91, 3, 95 to 98\n");
    tcase_add_loop_test(t, what_is_saved_is_opened, 0, 8);
    tcase_add_loop_test(t, hostile_files_are_refused, 0, 4);
    tcase_add_test(t, refusals_name_the_reason);
    tcase_add_test(t, another_model_or_dim_is_refused);
}

SUITE_MAIN("search/file", add)
