/* Checkpoints by way of ll_tensors: every element of the golden ones, and files made by hand. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/tensors.h"
#include "support/fail_alloc.h"
#include "support/suite.h"
#include "support/temp.h"

static const char *const golden[] = {"bert-cls", "bert-embed",    "bert-mlm",  "distilbert-cls", "gpt2-bf16",
                                     "gpt2-f16", "gpt2-odd-head", "gpt2-tiny", "gpt2-untied",    "roberta-cls"};
#define N_GOLDEN (sizeof golden / sizeof *golden)

static void golden_path(size_t i, char out[256]) { snprintf(out, 256, "tests/data/golden/%s", golden[i]); }

static void open_ok(const char *folder, llmcs_load_mode mode, ll_tensors **t) {
    llmcs_allocator a = ll_allocator_default();
    ll_log log = {NULL, NULL};
    ck_assert_msg(ll_tensors_open(&a, &(ll_source){.path = folder}, mode, &log, t) == LLMCS_OK, "%s: %s", folder,
                  llmcs_error_message());
}

START_TEST(golden_folders_open_and_every_tensor_reads) {
    for (size_t i = 0; i < N_GOLDEN; i++) {
        char path[256];
        ll_tensors *copy, *map;
        golden_path(i, path);
        open_ok(path, LLMCS_LOAD_COPY, &copy);
        open_ok(path, LLMCS_LOAD_MMAP, &map);
        ck_assert_uint_gt(ll_tensors_count(copy), 20);
        ck_assert_uint_eq(ll_tensors_count(copy), ll_tensors_count(map));
        for (size_t k = 0; k < ll_tensors_count(copy); k++) {
            static float a[100000], b[100000];
            const ll_tensor *t = ll_tensors_at(copy, k);
            ck_assert_ptr_eq(ll_tensors_find(copy, t->name), t);
            ck_assert_uint_eq(strlen(t->name), t->name_bytes);
            ck_assert_uint_le(t->n_elements, 100000);
            ck_assert_int_eq(ll_tensors_read_f32(copy, t, 0, t->n_elements, a), LLMCS_OK);
            ck_assert_int_eq(ll_tensors_read_f32(map, ll_tensors_find(map, t->name), 0, t->n_elements, b), LLMCS_OK);
            ck_assert_mem_eq(a, b, t->n_elements * sizeof(float));
            double sum = 0;
            for (size_t e = 0; e < t->n_elements; e++) {
                ck_assert(isfinite(a[e]) && fabsf(a[e]) < 10);
                sum += fabsf(a[e]);
            }
            ck_assert(sum > 0 || strstr(t->name, "bias"));
        }
        ck_assert_ptr_null(ll_tensors_at(copy, ll_tensors_count(copy)));
        ck_assert_ptr_null(ll_tensors_find(copy, "no.such.tensor"));
        ck_assert_ptr_null(ll_tensors_find(copy, ""));
        ck_assert_int_eq(ll_tensors_check_unchanged(copy), LLMCS_OK);
        ll_tensors_close(&copy);
        ck_assert_ptr_null(copy);
        ll_tensors_close(&copy);
        ll_tensors_close(&map);
    }
}
END_TEST

/* Any piece of a tensor reads as the same piece of the whole, for each type. */
START_TEST(pieces_equal_the_whole) {
    static const char *const folders[] = {"tests/data/golden/gpt2-tiny", "tests/data/golden/gpt2-f16",
                                          "tests/data/golden/gpt2-bf16"};
    for (size_t f = 0; f < 3; f++)
        for (int mode = 0; mode < 2; mode++) {
            static float whole[20000], piece[20000];
            ll_tensors *t;
            open_ok(folders[f], (llmcs_load_mode)mode, &t);
            const ll_tensor *wte = ll_tensors_find(t, "transformer.wte.weight");
            ck_assert_ptr_nonnull(wte);
            size_t n = wte->n_elements;
            ck_assert_int_eq(ll_tensors_read_f32(t, wte, 0, n, whole), LLMCS_OK);
            for (size_t first = 0; first <= n; first += 1379)
                for (size_t count = 0; count <= n - first; count = count * 3 + 1) {
                    piece[count] = 12345.0f;
                    ck_assert_int_eq(ll_tensors_read_f32(t, wte, first, count, piece), LLMCS_OK);
                    ck_assert_mem_eq(piece, whole + first, count * sizeof(float));
                    ck_assert(piece[count] == 12345.0f);
                }
            ck_assert_int_eq(ll_tensors_read_f32(t, wte, 1, n, piece), LLMCS_ARG);
            ck_assert_int_eq(ll_tensors_read_f32(t, wte, n + 1, 0, piece), LLMCS_ARG);
            ck_assert_int_eq(ll_tensors_read_f32(t, wte, UINT64_MAX, 1, piece), LLMCS_ARG);
            ck_assert_int_eq(ll_tensors_read_f32(t, wte, 1, SIZE_MAX, piece), LLMCS_ARG);
            ll_tensors_close(&t);
        }
}
END_TEST

START_TEST(shapes_are_written_in_brackets) {
    char text[LL_SHAPE_TEXT_BYTES];
    uint64_t shape[LL_MAX_RANK] = {2304, 768};
    ck_assert_str_eq(ll_shape_text(shape, 2, text), "[2304,768]");
    ck_assert_str_eq(ll_shape_text(shape, 1, text), "[2304]");
    ck_assert_str_eq(ll_shape_text(shape, 0, text), "[]");
    for (int i = 0; i < LL_MAX_RANK; i++) shape[i] = UINT64_MAX;
    ck_assert_uint_eq(strlen(ll_shape_text(shape, LL_MAX_RANK, text)), LL_MAX_RANK * 21 + 1);
}
END_TEST

START_TEST(every_failing_allocation_leaves_nothing) {
    for (int mode = 0; mode < 2; mode++)
        for (long n = 0;; n++) {
            fail_alloc f;
            fail_alloc_init(&f);
            f.fail_at = n;
            llmcs_allocator a = fail_alloc_get(&f);
            ll_log log = {NULL, NULL};
            ll_tensors *t;
            llmcs_status st = ll_tensors_open(&a, &(ll_source){.path = "tests/data/golden/gpt2-tiny"},
                                              (llmcs_load_mode)mode, &log, &t);
            bool reached = f.calls > n;
            ck_assert(reached || st == LLMCS_OK);
            ck_assert(st == LLMCS_OK || st == LLMCS_NOMEM);
            ll_tensors_close(&t);
            ck_assert_int_eq(f.live, 0);
            if (!reached) break;
        }
}
END_TEST

/* A safetensors file of this header and these bytes, in a new folder. */
static void write_file(char folder[TEMP_PATH_BYTES], const char *header, const void *data, size_t n_bytes) {
    const size_t n = strlen(header);
    unsigned char *all = temp_alloc(8 + n + n_bytes);
    temp_folder(folder);
    for (size_t i = 0; i < 8; i++) all[i] = (unsigned char)(n >> (8 * i));
    memcpy(all + 8, header, n);
    memcpy(all + 8 + n, data, n_bytes);
    temp_write(folder, "model.safetensors", all, 8 + n + n_bytes);
    free(all);
}

/* What save_model of safetensors.torch writes of tensors that share memory; names that the file has, names of nothing
 * and other metadata stay what they are. */
START_TEST(shared_tensors_of_the_metadata) {
    char folder[TEMP_PATH_BYTES];
    const float data[3] = {1, 2, 3};
    ll_tensors *t;
    float out[2];
    write_file(folder,
               "{\"__metadata__\":{\"format\":\"pt\",\"other\":\"a\",\"b\":\"a\",\"c\":\"none\",\"\":\"a\"},"
               "\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
               "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]}}",
               data, sizeof data);
    open_ok(folder, LLMCS_LOAD_COPY, &t);
    ck_assert_uint_eq(ll_tensors_count(t), 3);
    ck_assert_ptr_null(ll_tensors_find(t, "c"));
    ck_assert_uint_eq(ll_tensors_find(t, "b")->n_elements, 1);
    ck_assert_int_eq(ll_tensors_read_f32(t, ll_tensors_find(t, "other"), 0, 2, out), LLMCS_OK);
    ck_assert(out[0] == 1 && out[1] == 2);
    ll_tensors_close(&t);
    temp_remove(folder);
}
END_TEST

/* Any piece of float64, rounded to nearest; what no float32 is stays what it is. */
START_TEST(float64_is_cast) {
    char folder[TEMP_PATH_BYTES];
    enum { N = 700 };
    static double data[N];
    static float out[N];
    ll_tensors *t;
    for (int i = 0; i < N; i++) data[i] = 1.0 / (i + 3);
    data[0] = 1e300;
    data[1] = -1e300;
    data[2] = (double)NAN;
    data[3] = 1e-320;
    write_file(folder, "{\"a\":{\"dtype\":\"F64\",\"shape\":[700],\"data_offsets\":[0,5600]}}", data, sizeof data);
    for (int mode = 0; mode < 2; mode++) {
        open_ok(folder, (llmcs_load_mode)mode, &t);
        const ll_tensor *a = ll_tensors_find(t, "a");
        for (size_t first = 0; first < N; first += 97) {
            ck_assert_int_eq(ll_tensors_read_f32(t, a, first, N - first, out), LLMCS_OK);
            for (size_t i = first; i < N; i++)
                ck_assert(out[i - first] == (float)data[i] || (isnan(data[i]) && isnan(out[i - first])));
        }
        ll_tensors_close(&t);
    }
    temp_remove(folder);
}
END_TEST

/* "{}" is a checkpoint of nothing. */
START_TEST(no_tensors) {
    char folder[TEMP_PATH_BYTES];
    ll_tensors *t;
    write_file(folder, "{}", "", 0);
    open_ok(folder, LLMCS_LOAD_COPY, &t);
    ck_assert_uint_eq(ll_tensors_count(t), 0);
    ck_assert_ptr_null(ll_tensors_find(t, "a"));
    ll_tensors_close(&t);
    temp_remove(folder);
}
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, golden_folders_open_and_every_tensor_reads);
    tcase_add_test(t, pieces_equal_the_whole);
    tcase_add_test(t, shapes_are_written_in_brackets);
    tcase_add_test(t, every_failing_allocation_leaves_nothing);
    tcase_add_test(t, shared_tensors_of_the_metadata);
    tcase_add_test(t, float64_is_cast);
    tcase_add_test(t, no_tensors);
}

SUITE_MAIN("formats/tensors", add)
