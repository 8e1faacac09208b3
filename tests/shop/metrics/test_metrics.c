/* Metrics through the API: Porter's stems, misuse, every allocation failing, threads, random texts. The numbers of
 * other libraries are compared in test_evaluate.py. */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/json.h"
#include "llmcs_shop.h"
#include "shop/metrics/words.h"
#include "support/edit.h"
#include "support/fail_alloc.h"
#include "support/random.h"
#include "support/suite.h"

#define EXPECTED "tests/data/metrics/expected.json"

static const char *const text_metrics[] = {"bleu", "chrf", "chrf++", "rouge2", "rougeL", "rougeLsum", "meteor"};
static const char *const label_metrics[] = {"accuracy", "f1_micro", "f1_macro", "mcc", "ece", "auroc"};
static const char *const other_metrics[] = {"recall@3", "mrr", "ndcg@3", "completion", "mean", "max", "p95"};
#define COUNT(list) (sizeof(list) / sizeof *(list))

static size_t to_letters(const char *word, size_t n, uint32_t *letters) {
    for (size_t i = 0; i < n; i++) letters[i] = (uint32_t)(unsigned char)word[i];
    return n;
}

START_TEST(stems_are_nltks) {
    size_t n_bytes, n_words = 0;
    char *text = edit_read(EXPECTED, &n_bytes);
    ck_assert_ptr_nonnull(text);
    fail_alloc counter;
    fail_alloc_init(&counter);
    const llmcs_allocator a = fail_alloc_get(&counter);
    ll_json_doc *doc = NULL;
    ck_assert_int_eq(ll_json_parse(&a, EXPECTED, text, n_bytes, 0, &doc), LLMCS_OK);
    const ll_json stems = ll_json_get(ll_json_root(doc), "stems");
    for (ll_json v = ll_json_first(stems); ll_json_get_type(v) != LL_JSON_MISSING; v = ll_json_next(v), n_words++) {
        uint32_t letters[128];
        size_t n, n_stem;
        const char *word = ll_json_key(v, &n), *stem = ll_json_string(v, &n_stem);
        const size_t found = shop_porter_stem(letters, to_letters(word, n, letters));
        bool same = found == n_stem;
        for (size_t i = 0; same && i < found; i++) same = letters[i] == (uint32_t)(unsigned char)stem[i];
        ck_assert_msg(same, "%.*s: expected %.*s", (int)n, word, (int)n_stem, stem);
    }
    ck_assert_uint_gt(n_words, 200);
    ll_json_free(&doc);
    free(text);
}
END_TEST

static llmcs_shop_measure *create(const char *metric, const llmcs_allocator *a) {
    llmcs_shop_measure_params p;
    llmcs_shop_measure *m = NULL;
    llmcs_shop_measure_params_init(&p);
    p.allocator = a;
    ck_assert_int_eq(llmcs_shop_measure_create(metric, &p, &m), LLMCS_OK);
    return m;
}

START_TEST(misuse_is_refused) {
    llmcs_shop_measure *m = NULL, *other = NULL;
    const char *reference = "a b c", *names[] = {"x", NULL};
    double score = 7;
    static const char *const bad[] = {"",
                                      "rouge",
                                      "rouge0",
                                      "rouge10",
                                      "bleu4",
                                      "recall",
                                      "recall@0",
                                      "recall@-1",
                                      "recall5",
                                      "ndcg@",
                                      "ndcg@99999999999999999999",
                                      "p0",
                                      "p100",
                                      "p",
                                      "mrr@1x",
                                      "rougeLsumx"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        ck_assert_int_eq(llmcs_shop_measure_create(bad[i], NULL, &m), LLMCS_ARG);
        ck_assert_ptr_null(m);
    }
    ck_assert_int_eq(llmcs_shop_measure_create(NULL, NULL, &m), LLMCS_ARG);
    llmcs_shop_measure_params p;
    llmcs_shop_measure_params_init(&p);
    p.n_bins = 0;
    ck_assert_int_eq(llmcs_shop_measure_create("ece", &p, &m), LLMCS_ARG);
    llmcs_shop_measure_params_init(&p);
    p.tokenizer = (llmcs_shop_tokenizer)9;
    ck_assert_int_eq(llmcs_shop_measure_create("bleu", &p, &m), LLMCS_ARG);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "tokenizer: 9"));
    llmcs_shop_measure_params_init(&p);
    p.wordnet = "/nonexistent";
    ck_assert_int_eq(llmcs_shop_measure_create("meteor", &p, &m), LLMCS_IO);

    m = create("bleu", NULL);
    ck_assert_int_eq(llmcs_shop_measure_score(m, &score), LLMCS_STATE);
    ck_assert_int_eq(llmcs_shop_measure_add_text(m, "a", LLMCS_NUL, &reference, NULL, 0), LLMCS_ARG);
    ck_assert_int_eq(llmcs_shop_measure_add_text(m, NULL, LLMCS_NUL, &reference, NULL, 1), LLMCS_ARG);
    ck_assert_int_eq(llmcs_shop_measure_add_text(m, "a", LLMCS_NUL, &names[1], NULL, 1), LLMCS_ARG);
    ck_assert_int_eq(llmcs_shop_measure_add_label(m, "a", "b", NULL, NULL, 0), LLMCS_ARG);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "llmcs_shop_measure_add_text"));
    ck_assert_uint_eq(llmcs_shop_measure_rows(m), 0);
    ck_assert_int_eq(llmcs_shop_measure_add_text(m, "a b", LLMCS_NUL, &reference, NULL, 1), LLMCS_OK);
    ck_assert_int_eq(llmcs_shop_measure_row_score(m, 1, &score), LLMCS_ARG);
    ck_assert_double_eq(score, 7);
    llmcs_shop_interval interval = {0};
    ck_assert_int_eq(llmcs_shop_measure_interval(m, NULL, &interval), LLMCS_ARG);
    llmcs_shop_bootstrap b;
    llmcs_shop_bootstrap_init(&b);
    b.n_samples = 0;
    interval.struct_size = sizeof interval;
    ck_assert_int_eq(llmcs_shop_measure_interval(m, &b, &interval), LLMCS_ARG);
    other = create("chrf", NULL);
    llmcs_shop_comparison comparison = {.struct_size = sizeof comparison};
    ck_assert_int_eq(llmcs_shop_measure_compare(m, other, NULL, &comparison), LLMCS_ARG);
    char buffer[8];
    size_t needed;
    ck_assert_int_eq(llmcs_shop_measure_signature(m, buffer, sizeof buffer, &needed), LLMCS_BUFFER);
    ck_assert_uint_gt(needed, sizeof buffer);
    llmcs_shop_measure_free(&m);
    llmcs_shop_measure_free(&m);
    llmcs_shop_measure_free(&other);

    m = create("ece", NULL);
    score = 0.5;
    ck_assert_int_eq(llmcs_shop_measure_add_label(m, "x", "y", names, &score, 1), LLMCS_ARG);
    score = 1.5;
    ck_assert_int_eq(llmcs_shop_measure_add_label(m, "x", "x", names, &score, 1), LLMCS_ARG);
    score = (double)NAN;
    ck_assert_int_eq(llmcs_shop_measure_add_label(m, "x", "x", names, &score, 1), LLMCS_NUMERIC);
    ck_assert_int_eq(llmcs_shop_measure_add_label(m, "", "x", NULL, NULL, 0), LLMCS_ARG);
    ck_assert_int_eq(llmcs_shop_measure_add_label(m, "x", "x", &names[1], &score, 1), LLMCS_ARG);
    llmcs_shop_measure_free(&m);
    m = create("mean", NULL);
    ck_assert_int_eq(llmcs_shop_measure_add_value(m, (double)INFINITY), LLMCS_ARG);
    llmcs_shop_measure_free(&m);
}
END_TEST

/* Memory is what it was before. */
static void *alloc_dirty(void *user, size_t size_bytes, size_t alignment) {
    void *p = NULL;
    (void)user;
    if (posix_memalign(&p, alignment, size_bytes)) return NULL;
    return memset(p, 0xa5, size_bytes);
}

static void free_dirty(void *user, void *p) {
    (void)user;
    free(p);
}

/* The empty id is an id: it once read counts that nobody had set. */
START_TEST(empty_ids_and_texts) {
    const llmcs_allocator dirty = {alloc_dirty, free_dirty, NULL};
    const char *relevant[] = {"", "b"}, *ranked[] = {"x", "", "b"};
    for (int round = 0; round < 3; round++) {
        llmcs_shop_measure *m = create("mrr", &dirty);
        double score;
        ck_assert_int_eq(llmcs_shop_measure_add_ranking(m, relevant, NULL, 2, ranked, 3), LLMCS_OK);
        ck_assert_int_eq(llmcs_shop_measure_add_ranking(m, relevant, NULL, 1, ranked, 3), LLMCS_OK);
        ck_assert_int_eq(llmcs_shop_measure_score(m, &score), LLMCS_OK);
        ck_assert_double_eq(score, 0.5);
        llmcs_shop_measure_free(&m);
    }
}
END_TEST

/* A refused row leaves the measure as it was. */
START_TEST(a_row_that_fails_does_not_count) {
    const char *names[] = {"a", "b"}, *bad_names[] = {"a", ""};
    const double scores[] = {0.9, 0.1}, other[] = {0.2, 0.8};
    llmcs_shop_measure *m = create("auroc", NULL), *clean = create("auroc", NULL);
    for (int i = 0; i < 4; i++) {
        const double *s = i % 2 ? other : scores;
        const char *label = i == 3 ? "a" : names[i % 2];
        ck_assert_int_eq(llmcs_shop_measure_add_label(m, label, label, names, s, 2), LLMCS_OK);
        ck_assert_int_eq(llmcs_shop_measure_add_label(clean, label, label, names, s, 2), LLMCS_OK);
        ck_assert_int_eq(llmcs_shop_measure_add_label(m, "b", "a", bad_names, scores, 2), LLMCS_ARG);
    }
    double x, y;
    ck_assert_int_eq(llmcs_shop_measure_score(m, &x), LLMCS_OK);
    ck_assert_int_eq(llmcs_shop_measure_score(clean, &y), LLMCS_OK);
    ck_assert_double_eq(x, y);
    llmcs_shop_measure_free(&m);
    llmcs_shop_measure_free(&clean);
}
END_TEST

/* ---- failing allocations */

static llmcs_status add_rows(llmcs_shop_measure *m, const char *metric) {
    static const char *const texts[] = {"The parcel came on Monday.\nThank you!", "您的订单已发货。", "",
                                        "returned goods"};
    static const char *const names[] = {"no", "yes", "未知"};
    static const double scores[] = {0.2, 0.5, 0.3};
    const bool binary = strcmp(metric, "completion") == 0;
    llmcs_status status = LLMCS_OK;
    for (size_t i = 0; i < 4 && !status; i++) {
        const char *references[] = {texts[(i + 1) % 4], texts[i]};
        switch (llmcs_shop_measure_row_kind(m)) {
            case LLMCS_SHOP_ROW_TEXT:
                status = llmcs_shop_measure_add_text(m, texts[i], LLMCS_NUL, references, NULL, 1 + i % 2);
                break;
            case LLMCS_SHOP_ROW_LABEL:
                status = llmcs_shop_measure_add_label(m, names[i % 3], names[(i * 2) % 3], names, scores, 3);
                break;
            case LLMCS_SHOP_ROW_RANKING:
                status = llmcs_shop_measure_add_ranking(m, names, scores, 2, texts, 4);
                break;
            default:
                status = llmcs_shop_measure_add_value(m, binary ? (double)(i % 2) : (double)i * 1.5);
        }
    }
    return status;
}

/* Score and interval of the rows above, or the status of what failed. */
static llmcs_status measure_all(const char *metric, const llmcs_allocator *a, double found[2]) {
    llmcs_shop_measure_params p;
    llmcs_shop_measure *m = NULL;
    llmcs_shop_interval interval = {.struct_size = sizeof interval};
    llmcs_shop_comparison comparison = {.struct_size = sizeof comparison};
    llmcs_shop_bootstrap b;
    llmcs_shop_measure_params_init(&p);
    llmcs_shop_bootstrap_init(&b);
    b.n_samples = 20;
    p.allocator = a;
    llmcs_status status = llmcs_shop_measure_create(metric, &p, &m);
    if (!status) status = add_rows(m, metric);
    if (!status) status = llmcs_shop_measure_score(m, &found[0]);
    if (!status) status = llmcs_shop_measure_interval(m, &b, &interval);
    if (!status) status = llmcs_shop_measure_compare(m, m, &b, &comparison);
    found[1] = interval.high;
    if (!status) ck_assert_double_eq(comparison.difference, 0);
    llmcs_shop_measure_free(&m);
    return status;
}

static void fail_each_allocation(const char *metric) {
    fail_alloc counter;
    double expected[2], found[2] = {0, 0};
    fail_alloc_init(&counter);
    const llmcs_allocator a = fail_alloc_get(&counter);
    ck_assert_int_eq(measure_all(metric, &a, expected), LLMCS_OK);
    ck_assert_int_eq(counter.live, 0);
    const long n = counter.calls;
    for (long i = 0; i < n; i++) {
        fail_alloc_init(&counter);
        counter.fail_at = i;
        ck_assert_msg(measure_all(metric, &a, found) == LLMCS_NOMEM, "%s: allocation %ld", metric, i);
        ck_assert_int_eq(counter.live, 0);
    }
    fail_alloc_init(&counter);
    ck_assert_int_eq(measure_all(metric, &a, found), LLMCS_OK);
    ck_assert_double_eq(found[0], expected[0]);
    ck_assert_double_eq(found[1], expected[1]);
}

START_TEST(each_allocation_may_fail) {
    for (size_t i = 0; i < COUNT(text_metrics); i++) fail_each_allocation(text_metrics[i]);
    for (size_t i = 0; i < COUNT(label_metrics); i++) fail_each_allocation(label_metrics[i]);
    for (size_t i = 0; i < COUNT(other_metrics); i++) fail_each_allocation(other_metrics[i]);
}
END_TEST

/* ---- random rows */

static size_t random_text(uint64_t *seed, char *text, size_t capacity) {
    static const char *const parts[] = {"a",
                                        "order ",
                                        "退",
                                        "货 ",
                                        ".",
                                        ",",
                                        "-",
                                        "1",
                                        "\n",
                                        "&amp;",
                                        "\xe9\x80",
                                        "\xff",
                                        "ing ",
                                        "É",
                                        " ",
                                        "<skipped>",
                                        "\xf0\x9f\x98\x80",
                                        "ies",
                                        "y",
                                        "'"};
    size_t n = 0;
    for (size_t i = random_below(seed, 40); i > 0; i--) {
        const char *part = parts[random_below(seed, COUNT(parts))];
        if (n + strlen(part) >= capacity) break;
        memcpy(text + n, part, strlen(part));
        n += strlen(part);
    }
    return n;
}

/* A text is as good as can be against itself; scores stay in their range; more references never make ROUGE, chrF and
 * METEOR worse. */
START_TEST(random_texts_keep_the_laws) {
    uint64_t seed = 20240917;
    printf("seed %llu\n", (unsigned long long)seed);
    for (size_t round = 0; round < 2000 / suite_step(5); round++) {
        char texts[3][512];
        const char *references[2] = {texts[1], texts[2]};
        size_t bytes[3];
        for (size_t i = 0; i < 3; i++) bytes[i] = random_text(&seed, texts[i], sizeof texts[i]);
        const char *metric = text_metrics[round % COUNT(text_metrics)];
        llmcs_shop_measure *m = create(metric, NULL);
        const char *itself = texts[0];
        double one, two, same;
        ck_assert_int_eq(llmcs_shop_measure_add_text(m, texts[0], bytes[0], references, bytes + 1, 1), LLMCS_OK);
        ck_assert_int_eq(llmcs_shop_measure_add_text(m, texts[0], bytes[0], references, bytes + 1, 2), LLMCS_OK);
        ck_assert_int_eq(llmcs_shop_measure_add_text(m, texts[0], bytes[0], &itself, bytes, 1), LLMCS_OK);
        ck_assert_int_eq(llmcs_shop_measure_row_score(m, 0, &one), LLMCS_OK);
        ck_assert_int_eq(llmcs_shop_measure_row_score(m, 1, &two), LLMCS_OK);
        ck_assert_int_eq(llmcs_shop_measure_row_score(m, 2, &same), LLMCS_OK);
        const double most = metric[0] == 'b' || metric[0] == 'c' ? 100 : 1;
        ck_assert(one >= 0 && one <= most + 1e-9 && two <= most + 1e-9);
        if (metric[0] != 'b') ck_assert_msg(two >= one - 1e-12, "%s: %g of two, %g of one", metric, two, one);
        ck_assert_msg(same >= one - 1e-9, "%s: %g against itself, %g against another", metric, same, one);
        llmcs_shop_measure_free(&m);
    }
}
END_TEST

/* ---- threads */

typedef struct reader {
    const llmcs_shop_measure *measure;
    double score;
    llmcs_shop_interval interval;
} reader;

static void *read_measure(void *user) {
    reader *r = user;
    r->interval.struct_size = sizeof r->interval;
    if (llmcs_shop_measure_score(r->measure, &r->score)) r->score = -1;
    if (llmcs_shop_measure_interval(r->measure, NULL, &r->interval)) r->score = -1;
    return NULL;
}

START_TEST(many_threads_read_one_measure) {
    const char *const metrics[] = {"bleu", "auroc", "p95"};
    for (size_t k = 0; k < COUNT(metrics); k++) {
        llmcs_shop_measure *m = create(metrics[k], NULL);
        ck_assert_int_eq(add_rows(m, metrics[k]), LLMCS_OK);
        reader readers[4];
        pthread_t threads[4];
        for (size_t i = 0; i < 4; i++) {
            readers[i] = (reader){.measure = m};
            ck_assert_int_eq(pthread_create(&threads[i], NULL, read_measure, &readers[i]), 0);
        }
        for (size_t i = 0; i < 4; i++) pthread_join(threads[i], NULL);
        for (size_t i = 0; i < 4; i++) {
            ck_assert_double_ge(readers[i].score, 0);
            ck_assert_double_eq(readers[i].score, readers[0].score);
            ck_assert_double_eq(readers[i].interval.low, readers[0].interval.low);
        }
        llmcs_shop_measure_free(&m);
    }
}
END_TEST

/* Words that a sentence's common subsequence has 2^30 pairs of are refused, not computed for hours. */
START_TEST(texts_that_are_too_long_are_refused) {
    const size_t n = 40000;
    char *text = malloc(2 * n + 1);
    for (size_t i = 0; i < n; i++) text[2 * i] = (char)('a' + i % 26), text[2 * i + 1] = ' ';
    text[2 * n] = 0;
    const char *reference = text;
    for (size_t i = 4; i < 6; i++) {
        llmcs_shop_measure *m = create(text_metrics[i], NULL);
        ck_assert_int_eq(llmcs_shop_measure_add_text(m, text, LLMCS_NUL, &reference, NULL, 1), LLMCS_LIMIT);
        ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "40000"));
        ck_assert_uint_eq(llmcs_shop_measure_rows(m), 0);
        llmcs_shop_measure_free(&m);
    }
    free(text);
    const size_t most = 16 << 20;
    char *huge = calloc(most + 1, 1);
    llmcs_shop_measure *m = create("bleu", NULL);
    reference = "a";
    ck_assert_int_eq(llmcs_shop_measure_add_text(m, huge, most + 1, &reference, NULL, 1), LLMCS_LIMIT);
    llmcs_shop_measure_free(&m);
    free(huge);
}
END_TEST

static void add_tests(TCase *tests) {
    tcase_add_test(tests, stems_are_nltks);
    tcase_add_test(tests, misuse_is_refused);
    tcase_add_test(tests, empty_ids_and_texts);
    tcase_add_test(tests, a_row_that_fails_does_not_count);
    tcase_add_test(tests, each_allocation_may_fail);
    tcase_add_test(tests, random_texts_keep_the_laws);
    tcase_add_test(tests, many_threads_read_one_measure);
    tcase_add_test(tests, texts_that_are_too_long_are_refused);
}

SUITE_MAIN("shop/metrics", add_tests)
