/* An index with lists: recall, filters, puts after the build; and that neither threads, nor the batch, nor the kernel
 * set changes a bit of a result. */
#include "search/search_case.h"
#include "support/kernel_sets.h"

#define DIM 64
#define N 6000
#define K 10
#define N_QUERIES 40

static void build(llmcs_index *index, int32_t n_lists) {
    llmcs_index_build_params p;
    llmcs_index_build_params_init(&p);
    p.min_vectors = 1;
    p.n_lists = n_lists;
    OK(llmcs_index_build(index, &p));
}

static float *make_queries(uint64_t *seed, const collection *c, size_t n) {
    float *queries = temp_alloc(n * c->dim * sizeof *queries);
    for (size_t i = 0; i < n; i++) {
        const float *near = c->vectors + random_below(seed, c->n) * c->dim;
        for (size_t k = 0; k < c->dim; k++) queries[i * c->dim + k] = near[k] + random_float(seed, 0.2f);
    }
    return queries;
}

/* The share of each query's k best, by every vector one by one, that was found. */
static double recall_of(llmcs_index *index, const collection *c, const float *queries, llmcs_metric metric,
                        const llmcs_search_params *p) {
    uint64_t ids[K];
    float scores[K];
    size_t hits = 0, all_hits = 0, n_all, n_found;
    for (size_t q = 0; q < N_QUERIES; q++) {
        OK(llmcs_index_search(index, queries + q * c->dim, 1, p, ids, scores, &n_found));
        ranked *all = rank_all(c, queries + q * c->dim, metric, p, &n_all);
        const size_t wanted = n_all < K ? n_all : K;
        ck_assert_uint_eq(n_found, wanted);
        for (size_t i = 0; i < wanted; i++)
            for (size_t j = 0; j < wanted; j++) hits += all[i].id == ids[j];
        all_hits += wanted;
        free(all);
    }
    return all_hits ? (double)hits / (double)all_hits : 1;
}

START_TEST(lists_find_what_a_scan_finds) {
    static const llmcs_vector_type types[] = {LLMCS_VECTOR_INT8, LLMCS_VECTOR_F16, LLMCS_VECTOR_F32};
    const llmcs_metric metric = (llmcs_metric)_i;
    uint64_t seed = 21 + (uint64_t)_i;
    collection c = make_collection(&seed, N, DIM, 60);
    float *queries = make_queries(&seed, &c, N_QUERIES);
    llmcs_index *index = make_index(DIM, types[_i], metric, 0, 2);
    llmcs_index_info info = {.struct_size = sizeof info};
    llmcs_search_stats stats = {.struct_size = sizeof stats};
    llmcs_search_params p;
    llmcs_search_params_init(&p);
    put_all(index, &c);
    build(index, 64);
    OK(llmcs_index_get_info(index, &info));
    ck_assert_int_eq(info.n_lists, 64);
    ck_assert_uint_eq(info.n_vectors, N);
    p.stats = &stats;
    ck_assert_double_ge(recall_of(index, &c, queries, metric, &p), metric == LLMCS_METRIC_DOT ? 0.8 : 0.95);
    ck_assert_uint_gt(stats.n_lists, 0);
    ck_assert_uint_lt(stats.n_scored, N / 2);
    p.n_probe = 64;
    ck_assert_double_ge(recall_of(index, &c, queries, metric, &p), 0.99);
    p.n_probe = 0;
    p.exact = 1;
    ck_assert_double_ge(recall_of(index, &c, queries, metric, &p), 0.99);
    ck_assert_uint_eq(stats.n_lists, 0);
    llmcs_index_free(&index);
    free(queries);
    free_collection(&c);
}
END_TEST

/* However few pass, as many as exist are found, and the best of them. */
START_TEST(filters_lose_nothing) {
    uint64_t seed = 31;
    collection c = make_collection(&seed, N, DIM, 60);
    float *queries = make_queries(&seed, &c, N_QUERIES);
    llmcs_index *index = make_index(DIM, LLMCS_VECTOR_INT8, LLMCS_METRIC_COSINE, 0, 2);
    llmcs_search_params p;
    put_all(index, &c);
    build(index, 128);
    for (uint64_t tag = 0; tag < 9; tag++) { /* every second, fourth, ... vector; none */
        llmcs_search_params_init(&p);
        p.tags_all = (uint64_t)1 << tag;
        p.n_probe = 2;
        ck_assert_double_ge(recall_of(index, &c, queries, LLMCS_METRIC_COSINE, &p), tag >= 4 ? 0.99 : 0.5);
        p.number_min = p.number_max = 17;
        ck_assert_double_ge(recall_of(index, &c, queries, LLMCS_METRIC_COSINE, &p), 0.99);
    }
    uint64_t *exclude = temp_alloc(N * sizeof *exclude);
    for (size_t i = 0; i < N - 5; i++) exclude[i] = c.items[i].id;
    llmcs_search_params_init(&p);
    p.exclude = exclude;
    p.n_exclude = N - 5; /* the five that are left are in any list */
    ck_assert_double_ge(recall_of(index, &c, queries, LLMCS_METRIC_COSINE, &p), 0.99);
    free(exclude);
    free(queries);
    llmcs_index_free(&index);
    free_collection(&c);
}
END_TEST

START_TEST(lists_go_on_after_puts_and_removes) {
    uint64_t seed = 41;
    collection c = make_collection(&seed, N, DIM, 60);
    float *queries = make_queries(&seed, &c, N_QUERIES);
    llmcs_index *index = make_index(DIM, LLMCS_VECTOR_INT8, LLMCS_METRIC_L2, 0, 2);
    llmcs_search_params p;
    llmcs_search_params_init(&p);
    collection half = c;
    half.n = N / 2;
    put_all(index, &half);
    build(index, 64);
    for (size_t i = N / 2; i < N; i++) put_item(index, &c, i);
    for (size_t i = 0; i < N; i += 2) {
        c.items[i].present = false;
        OK(llmcs_index_remove(index, &c.items[i].id, 1, NULL));
    }
    for (size_t i = 1; i < N; i += 4) put_item(index, &c, i);
    ck_assert_double_ge(recall_of(index, &c, queries, LLMCS_METRIC_L2, &p), 0.93);
    build(index, 32);
    ck_assert_double_ge(recall_of(index, &c, queries, LLMCS_METRIC_L2, &p), 0.93);
    p.exact = 1;
    ck_assert_double_ge(recall_of(index, &c, queries, LLMCS_METRIC_L2, &p), 0.99);
    llmcs_index_free(&index);
    free(queries);
    free_collection(&c);
}
END_TEST

START_TEST(measure_says_what_the_test_finds) {
    uint64_t seed = 51;
    collection c = make_collection(&seed, N, DIM, 60);
    float *queries = make_queries(&seed, &c, N_QUERIES);
    llmcs_index *index = make_index(DIM, LLMCS_VECTOR_INT8, LLMCS_METRIC_COSINE, 0, 2);
    llmcs_index_measurement m = {.struct_size = sizeof m};
    llmcs_search_params p;
    llmcs_search_params_init(&p);
    p.n_probe = 1;
    put_all(index, &c);
    build(index, 256);
    OK(llmcs_index_measure(index, queries, N_QUERIES, &p, &m));
    ck_assert_double_eq_tol(m.recall, recall_of(index, &c, queries, LLMCS_METRIC_COSINE, &p), 0.02);
    ck_assert(m.worst_recall <= m.recall && m.recall < 1 && m.lists_probed == 1 && m.ms <= m.p99_ms && m.ms > 0);
    ck_assert(llmcs_index_measure(index, queries, 0, &p, &m) == LLMCS_ARG);
    llmcs_index_free(&index);
    free(queries);
    free_collection(&c);
}
END_TEST

/* ---- bits */

typedef struct results {
    uint64_t ids[N_QUERIES * K];
    float scores[N_QUERIES * K];
} results;

/* Everything from puts to searches, with the kernel set of LLMCS_CPU. together: queries of a call. */
static results search_all(const collection *c, const float *queries, llmcs_vector_type type, bool lists, int n_threads,
                          size_t together) {
    llmcs_index *index = make_index(c->dim, type, LLMCS_METRIC_COSINE, 0, n_threads);
    llmcs_search_params p;
    results r;
    llmcs_search_params_init(&p);
    p.tags_none = 4;
    p.n_probe = 5;
    put_all(index, c);
    if (lists) build(index, 48);
    for (size_t q = 0; q < N_QUERIES; q += together)
        OK(llmcs_index_search(index, queries + q * c->dim, together, &p, r.ids + q * K, r.scores + q * K, NULL));
    llmcs_index_free(&index);
    return r;
}

START_TEST(bits_do_not_depend_on_threads_or_batch) {
    const llmcs_vector_type type = (llmcs_vector_type)(_i / 2);
    uint64_t seed = 61;
    collection c = make_collection(&seed, N / 2, 40, 60);
    float *queries = make_queries(&seed, &c, N_QUERIES);
    const results first = search_all(&c, queries, type, _i % 2, 1, 1);
    for (int n_threads = 1; n_threads <= 5; n_threads += suite_sanitized() || suite_emulated(NULL) ? 4 : 2) {
        for (size_t together = 1; together <= N_QUERIES; together = together * 4 + 1) {
            if (N_QUERIES % together) together = together > 20 ? N_QUERIES : 5;
            const results r = search_all(&c, queries, type, _i % 2, n_threads, together);
            ck_assert(memcmp(&r, &first, sizeof r) == 0);
        }
    }
    free(queries);
    free_collection(&c);
}
END_TEST

/* With 8 bits, of all sets; sums of float16 and float32 are rounded by each set's own instructions. */
START_TEST(bits_do_not_depend_on_the_kernel_set) {
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n = all_kernels(sets);
    uint64_t seed = 71;
    collection c = make_collection(&seed, N / 6, 72, 20);
    float *queries = make_queries(&seed, &c, N_QUERIES);
    for (int lists = suite_sanitized() || suite_emulated(NULL); lists < 2; lists++) {
        setenv("LLMCS_CPU", "scalar", 1);
        const results first = search_all(&c, queries, LLMCS_VECTOR_INT8, lists, 2, 8);
        for (size_t i = 0; i < n; i++) {
            setenv("LLMCS_CPU", sets[i]->name, 1);
            const results r = search_all(&c, queries, LLMCS_VECTOR_INT8, lists, 2, 8);
            ck_assert_msg(memcmp(&r, &first, sizeof r) == 0, "%s", sets[i]->name);
        }
    }
    unsetenv("LLMCS_CPU");
    free(queries);
    free_collection(&c);
}
END_TEST

static void add(TCase *t) {
    printf("search/lists: seeds 21 to 71\n");
    name_kernel_sets_that_cannot_run();
    tcase_add_loop_test(t, lists_find_what_a_scan_finds, 0, 3);
    tcase_add_test(t, filters_lose_nothing);
    tcase_add_test(t, lists_go_on_after_puts_and_removes);
    tcase_add_test(t, measure_says_what_the_test_finds);
    tcase_add_loop_test(t, bits_do_not_depend_on_threads_or_batch, 0, 6);
    tcase_add_test(t, bits_do_not_depend_on_the_kernel_set);
}

SUITE_MAIN("search/lists", add)
