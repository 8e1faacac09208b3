/* Files that are damaged, cut off, hostile or of another version are refused, by offset or name and reason. */
#define XXH_INLINE_ALL
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "llmcs_shop.h"
#include "shop_texts.h"
#include "support/fail_alloc.h"
#include "support/random.h"
#include "support/suite.h"
#include "support/temp.h"

typedef struct file {
    char folder[TEMP_PATH_BYTES];
    unsigned char *bytes;
    size_t n;
} file;

static shop_texts texts;

static void make_file(file *f) {
    llmcs_shop_train_params params;
    llmcs_shop_classifier *c = NULL;
    temp_folder(f->folder);
    fill_shop_texts(&texts, 0, 2);
    llmcs_shop_train_params_init(&params);
    params.n_threads = 1;
    params.n_folds = 2;
    params.l2 = 0.1;
    params.max_iterations = 5;
    params.max_features = 300;
    ck_assert_msg(!llmcs_shop_classifier_train(texts.items, texts.n, &params, &c), "%s", llmcs_error_message());
    ck_assert_int_eq(llmcs_shop_classifier_save(c, temp_path(f->folder, "good")), LLMCS_OK);
    llmcs_shop_classifier_free(&c);
    FILE *in = fopen(temp_path(f->folder, "good"), "rb");
    f->bytes = temp_alloc(1 << 20);
    f->n = fread(f->bytes, 1, 1 << 20, in);
    fclose(in);
}

static void free_file(file *f) {
    free(f->bytes);
    temp_remove(f->folder);
}

static void seal(unsigned char *bytes, size_t n) {
    const uint64_t sum = XXH64(bytes, n - 8, 0);
    memcpy(bytes + n - 8, &sum, 8);
}

/* Opens the bytes; what opens must predict without harm. */
static llmcs_status open_bytes(const file *f, const void *bytes, size_t n) {
    fail_alloc counter;
    fail_alloc_init(&counter);
    const llmcs_allocator a = fail_alloc_get(&counter);
    llmcs_shop_classifier_options options;
    llmcs_shop_classifier *c = NULL;
    llmcs_shop_predictions *p = NULL;
    const llmcs_text text = {.text = "cancel 订单 please", .text_bytes = LLMCS_NUL};
    llmcs_shop_predict_params params;
    temp_write(f->folder, "bad", bytes, n);
    llmcs_shop_classifier_options_init(&options);
    llmcs_shop_predict_params_init(&params);
    params.flags = LLMCS_SHOP_PREDICT_REASON;
    options.allocator = &a;
    const llmcs_status status = llmcs_shop_classifier_open(temp_path(f->folder, "bad"), &options, &c);
    ck_assert_int_eq(status != LLMCS_OK, c == NULL);
    if (status) {
        ck_assert_uint_gt(strlen(llmcs_error_message()), 10);
    } else if (!llmcs_shop_classifier_predict(c, &text, 1, &params, &p)) {
        ck_assert_ptr_nonnull(p->items[0]->label);
    }
    llmcs_shop_predictions_free(&p);
    llmcs_shop_classifier_free(&c);
    ck_assert_int_eq(counter.live, 0);
    ck_assert_int_lt(counter.peak_bytes, 64 * (long long)n + (1 << 20)); /* never much more than the file holds */
    return status;
}

START_TEST(any_damaged_byte_is_noticed) {
    file f;
    make_file(&f);
    ck_assert_int_eq(open_bytes(&f, f.bytes, f.n), LLMCS_OK);
    for (size_t i = 0; i < f.n; i += suite_step(97)) {
        f.bytes[i] ^= 0x10;
        const llmcs_status status = open_bytes(&f, f.bytes, f.n);
        f.bytes[i] ^= 0x10;
        ck_assert_int_eq(status, LLMCS_FORMAT);
    }
    f.bytes[f.n / 2] ^= 1;
    ck_assert_int_eq(open_bytes(&f, f.bytes, f.n), LLMCS_FORMAT);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "checksum"));
    free_file(&f);
}
END_TEST

START_TEST(a_file_that_is_cut_off_is_refused) {
    file f;
    make_file(&f);
    for (size_t n = 0; n < f.n; n += n < 64 ? 1 : suite_step(1009))
        ck_assert_int_eq(open_bytes(&f, f.bytes, n), LLMCS_FORMAT);
    free_file(&f);
}
END_TEST

/* What stands in for `from` in the header, padded so that offsets stay, with a right checksum. */
static llmcs_status open_edited(const file *f, const char *from, const char *to) {
    unsigned char *copy = temp_alloc(f->n);
    memcpy(copy, f->bytes, f->n);
    unsigned char *at = memmem(copy, f->n, from, strlen(from));
    ck_assert_msg(at != NULL, "%s is not in the file", from);
    ck_assert_uint_eq(strlen(from), strlen(to));
    memcpy(at, to, strlen(to));
    seal(copy, f->n);
    const llmcs_status status = open_bytes(f, copy, f->n);
    free(copy);
    return status;
}

START_TEST(hostile_headers_are_refused_by_name) {
    static const struct {
        const char *from, *to, *message;
        llmcs_status status;
    } cases[] = {
        {"\"format\":\"llmcs-shop", "\"format\":\"other-shop", "expected llmcs-shop-classifier", LLMCS_FORMAT},
        {"\"version\":\"1\"", "\"version\":\"2\"", "version is 2", LLMCS_UNSUPPORTED},
        {"\\\"n_classes\\\":6", "\\\"n_classes\\\":9", "expected at least 2 labels", LLMCS_FORMAT},
        {"\\\"n_classes\\\":6", "\\\"n_classes\\\":x", "", LLMCS_JSON},
        {"\\\"n_features\\\":300", "\\\"n_features\\\":-30", "n_features", LLMCS_FORMAT},
        {"\\\"n_features\\\":300", "\\\"n_features\\\":3e9", "n_features", LLMCS_FORMAT},
        {"\\\"n_features\\\":300", "\\\"n_features\\\":299", "tensor", LLMCS_FORMAT},
        {"\\\"n_dense\\\":0", "\\\"n_dense\\\":7", "missing", LLMCS_FORMAT},
        {"\\\"oos_rows\\\":\\\"classes", "\\\"oos_rows\\\":\\\"klasses", "oos_rows", LLMCS_FORMAT},
        {"\\\"encoder_path\\\"", "\\\"encoder_park\\\"", "encoder_path", LLMCS_FORMAT},
        {"\\\"labels\\\"", "\\\"lapels\\\"", "0 labels", LLMCS_FORMAT},
        {"\"ngram.hashes\":{\"dtype\":\"U32\"", "\"ngram.hashes\":{\"dtype\":\"F32\"", "dtype F32, expected U32",
         LLMCS_FORMAT},
        {"\"ngram.idf\"", "\"ngram.odf\"", "ngram.idf is missing", LLMCS_FORMAT},
        {"\"data_offsets\":[0,", "\"data_offsets\":[8,", "calibration", LLMCS_FORMAT},
        {"{\"__metadata__\"", "[\"__metadata__\"", "", LLMCS_JSON},
    };
    file f;
    make_file(&f);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const llmcs_status status = open_edited(&f, cases[i].from, cases[i].to);
        ck_assert_msg(status == cases[i].status, "%s -> %s: status %d: %s", cases[i].from, cases[i].to, (int)status,
                      llmcs_error_message());
        ck_assert_msg(strstr(llmcs_error_message(), cases[i].message) != NULL, "%s", llmcs_error_message());
    }
    free_file(&f);
}
END_TEST

/* Random changes with a right checksum: refused, or harmless. */
START_TEST(mutations_with_a_right_checksum_do_no_harm) {
    file f;
    uint64_t seed = 20261128;
    size_t refused = 0;
    make_file(&f);
    unsigned char *copy = temp_alloc(f.n);
    for (size_t round = 0; round < 1500; round += suite_step(7)) {
        memcpy(copy, f.bytes, f.n);
        const size_t limit = round % 2 ? f.n - 8 : 8 + 1600;
        for (size_t k = 0; k < 1 + round % 4; k++) copy[random_below(&seed, limit)] = (unsigned char)random_next(&seed);
        size_t n = f.n;
        if (round % 5 == 0) n = 24 + random_below(&seed, f.n - 24);
        seal(copy, n);
        refused += open_bytes(&f, copy, n) != LLMCS_OK;
    }
    ck_assert_uint_gt(refused, 20);
    free(copy);
    free_file(&f);
}
END_TEST

/* Huge numbers, NaN and hashes out of order behind a right checksum. */
START_TEST(numbers_out_of_bounds_are_refused) {
    static const float bad[] = {1e30f, -1e30f, 0.0f / 0.0f};
    static const char *const tensors[] = {"\"ngram.idf\"", "\"ngram.scale\"", "\"bias\"", "\"calibration\"",
                                          "\"ngram.hashes\""};
    file f;
    make_file(&f);
    uint64_t header;
    memcpy(&header, f.bytes, 8);
    for (size_t t = 0; t < 5; t++)
        for (size_t b = 0; b < 3; b++) {
            unsigned char *copy = temp_alloc(f.n);
            memcpy(copy, f.bytes, f.n);
            const char *at = memmem(copy, f.n, tensors[t], strlen(tensors[t]));
            const size_t offset = 8 + (size_t)header + strtoul(strstr(at, "data_offsets\":[") + 15, NULL, 10);
            const double wide = (double)bad[b];
            if (t == 3)
                memcpy(copy + offset, &wide, 8); /* the temperature */
            else
                memcpy(copy + offset + (t == 4 ? 4 : 0), t == 4 ? "\0\0\0\0" : (const char *)&bad[b], 4);
            seal(copy, f.n);
            ck_assert_int_eq(open_bytes(&f, copy, f.n), LLMCS_FORMAT);
            free(copy);
        }
    free_file(&f);
}
END_TEST

START_TEST(a_failed_save_leaves_the_last_good_file) {
    file f;
    llmcs_shop_classifier *c = NULL;
    llmcs_shop_classifier_options options;
    make_file(&f);
    ck_assert_int_eq(llmcs_shop_classifier_open(temp_path(f.folder, "good"), NULL, &c), LLMCS_OK);
    ck_assert_int_eq(llmcs_shop_classifier_save(c, temp_path(f.folder, "no/such/folder")), LLMCS_IO);
    mkdir(temp_path(f.folder, "folder"), 0700);
    ck_assert_int_eq(llmcs_shop_classifier_save(c, temp_path(f.folder, "folder")), LLMCS_IO);
    llmcs_shop_classifier_free(&c);
    ck_assert_int_eq(llmcs_shop_classifier_open(temp_path(f.folder, "folder"), NULL, &c), LLMCS_IO);
    ck_assert_ptr_null(c);
    ck_assert_int_eq(llmcs_shop_classifier_open(temp_path(f.folder, "good"), NULL, &c), LLMCS_OK);
    ck_assert_int_eq(llmcs_shop_classifier_save(c, temp_path(f.folder, "good")), LLMCS_OK); /* over itself */
    llmcs_shop_classifier_free(&c);
    llmcs_shop_classifier_options_init(&options);
    options.max_bytes = 1000;
    ck_assert_int_eq(llmcs_shop_classifier_open(temp_path(f.folder, "good"), &options, &c), LLMCS_LIMIT);
    free_file(&f);
}
END_TEST

static void add_tests(TCase *tests) {
    tcase_add_test(tests, any_damaged_byte_is_noticed);
    tcase_add_test(tests, a_file_that_is_cut_off_is_refused);
    tcase_add_test(tests, hostile_headers_are_refused_by_name);
    tcase_add_test(tests, mutations_with_a_right_checksum_do_no_harm);
    tcase_add_test(tests, numbers_out_of_bounds_are_refused);
    tcase_add_test(tests, a_failed_save_leaves_the_last_good_file);
}

SUITE_MAIN("shop/classifier/file", add_tests)
