/* The flat index against every vector one by one: all types, metrics and filters; after puts, replacements and removes.
 */
#include "search/search_case.h"

#define DIM 40
#define N 900
#define N_QUERIES 9
#define K 7

static const llmcs_vector_type types[] = {LLMCS_VECTOR_F32, LLMCS_VECTOR_F16, LLMCS_VECTOR_INT8, LLMCS_VECTOR_INT8};
static const uint32_t flags[] = {0, 0, 0, LLMCS_INDEX_NO_F16};
#define N_KINDS 4
#define N_METRICS 3

/* Results are in order, their scores right, nothing missing that is clearly better, and as many as there are. */
static void check_results(const collection *c, const float *q, llmcs_metric metric, const llmcs_search_params *p,
                          double tolerance, const uint64_t *ids, const float *scores, size_t n_found) {
    size_t n_all;
    ranked *all = rank_all(c, q, metric, p, &n_all);
    const double sign = metric == LLMCS_METRIC_L2 ? -1 : 1;
    double size = 1;
    for (size_t i = 0; i < n_all; i++) size = fmax(size, fabs(all[i].score));
    ck_assert_uint_eq(n_found, n_all < p->k ? n_all : p->k);
    for (size_t i = 0; i < p->k; i++) {
        if (i >= n_found) {
            ck_assert(ids[i] == LLMCS_NO_ITEM);
            ck_assert(sign * (double)scores[i] == -INFINITY);
            continue;
        }
        const size_t at = index_of(c, ids[i]);
        const double right = sign * score_of(q, c->vectors + at * c->dim, c->dim, metric);
        ck_assert(passes(&c->items[at], p));
        ck_assert_msg(fabs(sign * (double)scores[i] - right) <= tolerance * size, "score %g, right %g",
                      (double)scores[i], sign * right);
        ck_assert_msg(right >= all[i].score - 2 * tolerance * size, "place %zu: %g, best %g", i, right, all[i].score);
        if (i) {
            const ranked before = {ids[i - 1], sign * (double)scores[i - 1]}, this = {ids[i], sign * (double)scores[i]};
            ck_assert_int_lt(by_rank(&before, &this), 0);
        }
    }
    free(all);
}

static void search_and_check(llmcs_index *index, const collection *c, const float *queries, llmcs_metric metric,
                             const llmcs_search_params *p, double tolerance) {
    uint64_t ids[N_QUERIES * 64];
    float scores[N_QUERIES * 64];
    size_t n_found[N_QUERIES];
    OK(llmcs_index_search(index, queries, N_QUERIES, p, ids, scores, n_found));
    for (size_t i = 0; i < N_QUERIES; i++)
        check_results(c, queries + i * c->dim, metric, p, tolerance, ids + i * p->k, scores + i * p->k, n_found[i]);
}

/* Filters: none; tags of all kinds; ranges; excluded ids; nothing passes; more results than items. */
static void check_filters(llmcs_index *index, const collection *c, const float *queries, llmcs_metric metric,
                          double tolerance) {
    uint64_t exclude[40];
    llmcs_search_params p, all;
    llmcs_search_params_init(&all);
    all.k = K;
    search_and_check(index, c, queries, metric, &all, tolerance);
    p = all;
    p.tags_all = 6;
    search_and_check(index, c, queries, metric, &p, tolerance);
    p.tags_any = 0x88;
    search_and_check(index, c, queries, metric, &p, tolerance);
    p = all;
    p.tags_none = 2;
    p.number_min = 30;
    search_and_check(index, c, queries, metric, &p, tolerance);
    p.number_max = 30;
    p.k = 64;
    search_and_check(index, c, queries, metric, &p, tolerance);
    for (size_t i = 0; i < 40; i++) exclude[i] = c->items[i * 3].id;
    p = all;
    p.exclude = exclude;
    p.n_exclude = 40;
    search_and_check(index, c, queries, metric, &p, tolerance);
    p.tags_all = (uint64_t)1 << 63;
    search_and_check(index, c, queries, metric, &p, tolerance);
}

START_TEST(searches_are_right) {
    const llmcs_vector_type type = types[_i % N_KINDS];
    const uint32_t flag = flags[_i % N_KINDS];
    const llmcs_metric metric = (llmcs_metric)(_i / N_KINDS);
    const double tolerance = tolerance_of(type, flag);
    uint64_t seed = 5 + (uint64_t)_i;
    collection c = make_collection(&seed, N, DIM, 30);
    float queries[N_QUERIES * DIM];
    llmcs_index *index = make_index(DIM, type, metric, flag, 2);
    random_fill(&seed, 1.0f, queries, N_QUERIES * DIM);
    put_all(index, &c);
    check_filters(index, &c, queries, metric, tolerance);
    /* Half of them again, elsewhere and with other tags; a third removed; one by one and together. */
    for (size_t i = 0; i < N; i += 2) {
        random_fill(&seed, 1.5f, c.vectors + i * DIM, DIM);
        c.items[i].tags.tags ^= 3;
        put_item(index, &c, i);
    }
    uint64_t ids[N];
    size_t n = 0, n_removed;
    for (size_t i = 0; i < N; i += 3) {
        ids[n++] = c.items[i].id;
        c.items[i].present = false;
    }
    ids[n++] = 3; /* which never was there */
    OK(llmcs_index_remove(index, ids, n, &n_removed));
    ck_assert_uint_eq(n_removed, n - 1);
    check_filters(index, &c, queries, metric, tolerance);
    llmcs_index_info info = {.struct_size = sizeof info};
    OK(llmcs_index_get_info(index, &info));
    ck_assert_uint_eq(info.n_vectors, N - n_removed);
    ck_assert_int_eq(info.n_lists, 0);
    llmcs_index_free(&index);
    free_collection(&c);
}
END_TEST

/* Every vector is put again and again: memory stays bounded, and results right. */
START_TEST(slots_are_reused) {
    uint64_t seed = 77;
    collection c = make_collection(&seed, 300, DIM, 10);
    llmcs_index *index = make_index(DIM, LLMCS_VECTOR_INT8, LLMCS_METRIC_COSINE, 0, 1);
    llmcs_search_params p;
    float queries[N_QUERIES * DIM];
    llmcs_index_info first = {.struct_size = sizeof first}, info = first;
    random_fill(&seed, 1.0f, queries, N_QUERIES * DIM);
    llmcs_search_params_init(&p);
    put_all(index, &c);
    OK(llmcs_index_get_info(index, &first));
    for (size_t i = 0; i < 30000 / suite_step(10); i++) {
        const size_t at = random_below(&seed, c.n);
        c.vectors[at * DIM + random_below(&seed, DIM)] = random_float(&seed, 2.0f);
        put_item(index, &c, at);
        if (i % 1000 == 0) search_and_check(index, &c, queries, LLMCS_METRIC_COSINE, &p, 1e-3);
    }
    OK(llmcs_index_get_info(index, &info));
    ck_assert_uint_le(info.bytes, 4 * first.bytes);
    ck_assert_uint_le(info.n_removed, 3 * info.n_vectors + 1000);
    search_and_check(index, &c, queries, LLMCS_METRIC_COSINE, &p, 1e-3);
    llmcs_index_free(&index);
    free_collection(&c);
}
END_TEST

START_TEST(stored_vectors_are_those_that_were_put) {
    for (size_t kind = 0; kind < N_KINDS; kind++) {
        uint64_t seed = 3;
        collection c = make_collection(&seed, 70, 33, 5);
        llmcs_index *index = make_index(33, types[kind], LLMCS_METRIC_DOT, flags[kind], 1);
        float vector[33];
        llmcs_item_tags tags;
        int found;
        put_all(index, &c);
        for (size_t i = 0; i < c.n; i++) {
            OK(llmcs_index_get(index, c.items[i].id, vector, &tags, &found));
            ck_assert_int_eq(found, 1);
            ck_assert_uint_eq(tags.tags, c.items[i].tags.tags);
            for (size_t k = 0; k < 33; k++)
                ck_assert(fabs((double)(vector[k] - c.vectors[i * 33 + k])) <= tolerance_of(types[kind], flags[kind]));
        }
        OK(llmcs_index_get(index, 1, NULL, NULL, &found));
        ck_assert_int_eq(found, 0);
        llmcs_index_free(&index);
        free_collection(&c);
    }
}
END_TEST

/* Of equal vectors the lowest ids come, whatever the order they were put in. */
START_TEST(equal_scores_are_ordered_by_id) {
    float vectors[200 * 8];
    uint64_t ids[200], found[20];
    float scores[20];
    llmcs_search_params p;
    llmcs_search_params_init(&p);
    p.k = 20;
    for (size_t i = 0; i < 200 * 8; i++) vectors[i] = (float)(i % 8) - 3.0f;
    for (size_t i = 0; i < 200; i++) ids[i] = 5 + i * 77 % 200;
    for (size_t kind = 0; kind < N_KINDS; kind++) {
        llmcs_index *index = make_index(8, types[kind], LLMCS_METRIC_L2, flags[kind], 2);
        OK(llmcs_index_put(index, ids, vectors, NULL, 200));
        OK(llmcs_index_search(index, vectors, 1, &p, found, scores, NULL));
        for (size_t i = 0; i < 20; i++) ck_assert_uint_eq(found[i], 5 + i);
        llmcs_index_free(&index);
    }
}
END_TEST

START_TEST(an_empty_index_finds_nothing) {
    llmcs_index *index = make_index(4, LLMCS_VECTOR_INT8, LLMCS_METRIC_L2, 0, 0);
    const float q[4] = {1, 2, 3, 4};
    uint64_t ids[10];
    float scores[10];
    size_t n_found = 1;
    OK(llmcs_index_search(index, q, 1, NULL, ids, scores, &n_found));
    ck_assert_uint_eq(n_found, 0);
    ck_assert(ids[9] == LLMCS_NO_ITEM && scores[9] == INFINITY);
    OK(llmcs_index_search(index, q, 0, NULL, NULL, NULL, NULL));
    OK(llmcs_index_put(index, NULL, NULL, NULL, 0));
    OK(llmcs_index_remove(index, NULL, 0, NULL));
    llmcs_index_free(&index);
    llmcs_index_free(&index);
    llmcs_index_free(NULL);
}
END_TEST

static void refused(llmcs_status got, llmcs_status want, const char *part) {
    ck_assert_msg(got == want, "%s, %s", llmcs_status_name(got), llmcs_error_message());
    ck_assert_msg(strstr(llmcs_error_message(), part) != NULL, "%s", llmcs_error_message());
}

START_TEST(wrong_arguments_are_named) {
    llmcs_index *index = NULL;
    llmcs_index_options o;
    llmcs_search_params p;
    float v[8] = {1, 2, 3, 4, 1, 2, NAN, 4}, scores[20];
    uint64_t ids[20] = {7, 8};
    int found;
    llmcs_index_options_init(&o);
    refused(llmcs_index_create(NULL, &index), LLMCS_ARG, "dim");
    refused(llmcs_index_create(&o, &index), LLMCS_ARG, "dim");
    o.dim = 70000;
    refused(llmcs_index_create(&o, &index), LLMCS_ARG, "dim: 70000");
    o.dim = 4;
    o.type = (llmcs_vector_type)9;
    refused(llmcs_index_create(&o, &index), LLMCS_ARG, "type: 9");
    o.type = LLMCS_VECTOR_F16;
    o.metric = (llmcs_metric)9;
    refused(llmcs_index_create(&o, &index), LLMCS_ARG, "metric: 9");
    o.metric = LLMCS_METRIC_DOT;
    o.flags = 8;
    refused(llmcs_index_create(&o, &index), LLMCS_ARG, "flags");
    o.flags = 0;
    o.n_threads = 1000;
    refused(llmcs_index_create(&o, &index), LLMCS_ARG, "n_threads");
    o.n_threads = 1;
    refused(llmcs_index_create(&o, NULL), LLMCS_ARG, "index");
    OK(llmcs_index_create(&o, &index));
    refused(llmcs_index_put(index, ids, v, NULL, 2), LLMCS_NUMERIC, "row 1");
    v[6] = 70000;
    refused(llmcs_index_put(index, ids, v, NULL, 2), LLMCS_NUMERIC, "float16");
    v[6] = 3e20f;
    refused(llmcs_index_put(index, ids, v, NULL, 2), LLMCS_NUMERIC, "row 1");
    v[6] = 0;
    ids[1] = LLMCS_NO_ITEM;
    refused(llmcs_index_put(index, ids, v, NULL, 2), LLMCS_ARG, "ids[1]");
    refused(llmcs_index_put(index, NULL, v, NULL, 2), LLMCS_ARG, "ids");
    refused(llmcs_index_put(index, ids, NULL, NULL, 2), LLMCS_ARG, "vectors");
    refused(llmcs_index_put(NULL, ids, v, NULL, 2), LLMCS_ARG, "index");
    refused(llmcs_index_remove(index, NULL, 2, NULL), LLMCS_ARG, "ids");
    refused(llmcs_index_get(index, 1, v, NULL, NULL), LLMCS_ARG, "found");
    llmcs_search_params_init(&p);
    p.k = 0;
    refused(llmcs_index_search(index, v, 1, &p, ids, scores, NULL), LLMCS_ARG, "k: 0");
    p.k = 2;
    p.rescore = 0;
    refused(llmcs_index_search(index, v, 1, &p, ids, scores, NULL), LLMCS_ARG, "rescore: 0");
    p.rescore = 1;
    p.number_min = NAN;
    refused(llmcs_index_search(index, v, 1, &p, ids, scores, NULL), LLMCS_ARG, "number_min");
    p.number_min = 0;
    p.n_exclude = 1;
    refused(llmcs_index_search(index, v, 1, &p, ids, scores, NULL), LLMCS_ARG, "exclude");
    p.n_exclude = 0;
    refused(llmcs_index_search(index, NULL, 1, &p, ids, scores, NULL), LLMCS_ARG, "queries");
    v[0] = INFINITY;
    refused(llmcs_index_search(index, v, 1, &p, ids, scores, NULL), LLMCS_NUMERIC, "row 0");
    llmcs_index_info info = {.struct_size = sizeof info};
    OK(llmcs_index_get_info(index, &info));
    ck_assert_uint_eq(info.n_vectors, 0);
    OK(llmcs_index_get(index, 7, NULL, NULL, &found));
    ck_assert_int_eq(found, 0);
    llmcs_index_free(&index);
}
END_TEST

START_TEST(memory_is_bounded_by_max_bytes) {
    uint64_t seed = 9;
    collection c = make_collection(&seed, 2000, 64, 5);
    llmcs_index *index = NULL;
    llmcs_index_options o;
    llmcs_index_info info = {.struct_size = sizeof info};
    fail_alloc f;
    fail_alloc_init(&f);
    const llmcs_allocator a = fail_alloc_get(&f);
    llmcs_index_options_init(&o);
    o.dim = 64;
    o.max_bytes = 200000;
    o.allocator = &a;
    OK(llmcs_index_create(&o, &index));
    size_t n = 0;
    llmcs_status st = LLMCS_OK;
    while (n < c.n && !(st = llmcs_index_put(index, &c.items[n].id, c.vectors + n * 64, NULL, 1))) n++;
    refused(st, LLMCS_LIMIT, "max_bytes is 200000");
    ck_assert_uint_gt(n, 100);
    OK(llmcs_index_get_info(index, &info));
    ck_assert_uint_eq(info.n_vectors, n);
    ck_assert_uint_le(info.bytes, 200000);
    ck_assert_int_le(f.live_bytes, 200000 + 4096);
    llmcs_index_free(&index);
    ck_assert_int_eq(f.live, 0);
    free_collection(&c);
}
END_TEST

static void add(TCase *t) {
    printf("search/index: seeds 5 to 16, 77, 3, 9\n");
    tcase_add_loop_test(t, searches_are_right, 0, N_KINDS * N_METRICS);
    tcase_add_test(t, slots_are_reused);
    tcase_add_test(t, stored_vectors_are_those_that_were_put);
    tcase_add_test(t, equal_scores_are_ordered_by_id);
    tcase_add_test(t, an_empty_index_finds_nothing);
    tcase_add_test(t, wrong_arguments_are_named);
    tcase_add_test(t, memory_is_bounded_by_max_bytes);
}

SUITE_MAIN("search/index", add)
