/* Buckets of distances: those of Transformers (tests/data/encoders/make.py), and the table that attention reads. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/file.h"
#include "formats/json.h"
#include "models/distance.h"
#include "support/suite.h"

START_TEST(buckets_are_those_of_transformers) {
    llmcs_allocator a = ll_allocator_default();
    ll_json_doc *doc;
    char *text;
    size_t n, n_rows = 0;
    ck_assert_int_eq(ll_file_read_all(&a, "tests/data/encoders/buckets.json", (size_t)1 << 20, &text, &n), LLMCS_OK);
    ck_assert_int_eq(ll_json_parse(&a, "buckets.json", text, n, 0, &doc), LLMCS_OK);
    for (ll_json row = ll_json_first(ll_json_root(doc)); ll_json_get_type(row); row = ll_json_next(row), n_rows++) {
        int64_t n_buckets, most, wanted;
        bool causal;
        ck_assert(ll_json_int64(ll_json_get(row, "n_buckets"), &n_buckets));
        ck_assert(ll_json_int64(ll_json_get(row, "max_distance"), &most));
        ck_assert(ll_json_bool(ll_json_get(row, "causal"), &causal));
        const ll_buckets b = {(size_t)n_buckets, (size_t)most, causal};
        ptrdiff_t d = (ptrdiff_t)(-4 * most);
        const ll_json list = ll_json_get(row, "buckets");
        for (ll_json v = ll_json_first(list); ll_json_get_type(v); v = ll_json_next(v), d++) {
            ck_assert(ll_json_int64(v, &wanted));
            ck_assert_msg(ll_bucket_of(&b, d) == (size_t)wanted, "%d of %d, %s: distance %td is in bucket %zu, not %d",
                          (int)n_buckets, (int)most, causal ? "causal" : "both sides", d, ll_bucket_of(&b, d),
                          (int)wanted);
        }
        ck_assert_int_eq(d, 4 * most + 1);
    }
    ck_assert_uint_eq(n_rows, 6);
    ll_json_free(&doc);
    ll_free(&a, text);
}
END_TEST

START_TEST(table_by_head_and_distance) {
    enum { N_BUCKETS = 8, N_HEAD = 3, MOST = 20, WIDTH = 2 * (MOST + 1) - 1 };
    const ll_buckets b = {N_BUCKETS, MOST, false};
    float table[N_BUCKETS * N_HEAD], distance[N_HEAD * WIDTH];
    for (int i = 0; i < N_BUCKETS * N_HEAD; i++) table[i] = (float)i;
    ll_buckets_expand(&b, table, N_HEAD, distance);
    for (int h = 0; h < N_HEAD; h++)
        for (int d = -MOST; d <= MOST; d++)
            ck_assert_float_eq(distance[h * WIDTH + MOST + d], table[ll_bucket_of(&b, d) * N_HEAD + (size_t)h]);
}
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, buckets_are_those_of_transformers);
    tcase_add_test(t, table_by_head_and_distance);
}

SUITE_MAIN("models/distance", add)
