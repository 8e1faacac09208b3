#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/half.h"
#include "formats/quantize_columns.h"
#include "nn/nn_case.h"
#include "support/fail_alloc.h"
#include "support/temp.h"

/* A checkpoint of one tensor "w" [n_rows, n_columns], opened. */
typedef struct one_tensor {
    char folder[TEMP_PATH_BYTES];
    size_t n_rows, n_columns;
    float *values;
    ll_tensors *tensors;
    const ll_tensor *tensor;
} one_tensor;

static void write_values(one_tensor *t) {
    const size_t n_bytes = t->n_rows * t->n_columns * sizeof(float);
    unsigned char *file = malloc(8 + 128 + n_bytes);
    char header[129];
    snprintf(header, sizeof header, "{\"w\":{\"dtype\":\"F32\",\"shape\":[%zu,%zu],\"data_offsets\":[0,%zu]}}%64s",
             t->n_rows, t->n_columns, n_bytes, "");
    const uint64_t header_bytes = 128 - 16;
    for (int i = 0; i < 8; i++) file[i] = (unsigned char)(header_bytes >> 8 * i);
    memcpy(file + 8, header, header_bytes);
    memcpy(file + 8 + header_bytes, t->values, n_bytes);
    temp_write(t->folder, "model.safetensors", file, 8 + header_bytes + n_bytes);
    free(file);
}

static one_tensor tensor_new(uint64_t *seed, size_t n_rows, size_t n_columns, size_t bad) {
    one_tensor t = {.n_rows = n_rows, .n_columns = n_columns};
    t.values = random_floats(seed, 1.0f, n_rows * n_columns);
    if (bad < n_rows * n_columns) t.values[bad] = bad % 2 ? NAN : -INFINITY;
    temp_folder(t.folder);
    write_values(&t);
    const llmcs_allocator a = ll_allocator_default();
    const ll_log log = {0};
    ck_assert_msg(!ll_tensors_open(&a, &(ll_source){.path = t.folder}, LLMCS_LOAD_COPY, &log, &t.tensors), "%s",
                  llmcs_error_message());
    t.tensor = ll_tensors_find(t.tensors, "w");
    ck_assert_ptr_nonnull(t.tensor);
    return t;
}

static void tensor_free(one_tensor *t) {
    ll_tensors_close(&t->tensors);
    temp_remove(t->folder);
    free(t->values);
}

/* All of it, as several threads would share it. */
static void load_in_steps(ll_linear *linear, const ll_kernels *k, const one_tensor *t, ll_weight_layout layout,
                          size_t first_out) {
    const ll_weight_source source = {.kernels = k,
                                     .tensors = t->tensors,
                                     .tensor = t->tensor,
                                     .layout = layout,
                                     .first_out = first_out,
                                     .check_finite = true};
    const size_t n_out = layout == LL_OUT_IN ? t->n_rows : t->n_columns;
    const size_t step = ll_linear_load_step(linear, layout) ? 192 : n_out;
    float *stage = floats(LL_STAGE_FLOATS);
    for (size_t begin = 0; begin < n_out; begin += step)
        ck_assert_int_eq(ll_linear_load(linear, &source, begin, ll_min(begin + step, n_out), stage), LLMCS_OK);
    free(stage);
}

/* One output's weights as this type keeps them, by the rules of kernels/panels.h. */
static void keep(ll_weight_type type, float *row, size_t n) {
    float largest = 0, block[LL_Q_BLOCK];
    uint32_t units[LL_Q_BLOCK / 8];
    uint8_t packed[LL_Q_BLOCK / 2];
    uint16_t half;
    for (size_t i = 0; i < n; i++) largest = fmaxf(largest, fabsf(row[i]));
    const float scale = largest * (1.0f / 127.0f);
    for (size_t i = 0; i < n; i++) {
        if (type == LL_F16) row[i] = ll_half_to_float(ll_float_to_half(row[i]));
        if (type == LL_BF16) row[i] = ll_bfloat_to_float(ll_float_to_bfloat(row[i]));
        if (type == LL_Q8) row[i] = scale * rintf(fminf(fmaxf(row[i] * (1.0f / scale), -127.0f), 127.0f));
    }
    for (size_t at = 0; type == LL_Q4 && at < n; at += LL_Q_BLOCK) {
        const size_t part = ll_min(LL_Q_BLOCK, n - at);
        memset(block, 0, sizeof block);
        memcpy(block, row + at, part * sizeof *row);
        ll_quantize_q4_columns(block, 1, LL_Q_BLOCK, 1, &half, units, 1);
        memcpy(packed, units, sizeof packed);
        const float d = ll_half_to_float(half);
        for (size_t i = 0; i < part; i++)
            row[at + i] = d * (float)((i < 16 ? packed[i] & 15 : packed[i - 16] >> 4) - LL_Q4_ZERO);
    }
}

/* What the bits of a weight and its scale's mean. */
static float value_of(ll_weight_type type, uint64_t code) {
    switch (type) {
        case LL_F16:
            return ll_half_to_float((uint16_t)code);
        case LL_BF16:
            return ll_bfloat_to_float((uint16_t)code);
        case LL_Q8:
            return ll_float_from_bits((uint32_t)(code >> 8)) * (float)((int)(code & 255) - LL_Q8_ZERO);
        case LL_Q4:
            return ll_half_to_float((uint16_t)(code >> 8)) * (float)((int)(code & 255) - LL_Q4_ZERO);
        case LL_F32:
            break;
    }
    return ll_float_from_bits((uint32_t)code);
}

/* The tensor as outputs [first_out, ...) of a linear with outputs around it. */
static void check_load(const ll_kernels *k, ll_weight_type type, const one_tensor *t, ll_weight_layout layout,
                       size_t first_out) {
    const bool by_output = layout == LL_OUT_IN;
    const size_t n_in = by_output ? t->n_columns : t->n_rows, n_out = by_output ? t->n_rows : t->n_columns;
    fail_alloc f;
    fail_alloc_init(&f);
    const llmcs_allocator a = fail_alloc_get(&f);
    ll_linear linear;
    ck_assert_int_eq(ll_linear_create(&linear, &a, k, type, n_in, first_out + n_out + 3, false, "w"), LLMCS_OK);
    load_in_steps(&linear, k, t, layout, first_out);
    float *row = floats(n_in), *expected = floats(n_in);
    size_t n_wrong = 0;
    for (size_t o = 0; o < n_out; o++) {
        ll_linear_row(&linear, first_out + o, row);
        for (size_t i = 0; i < n_in; i++)
            expected[i] = t->values[by_output ? o * t->n_columns + i : i * t->n_columns + o];
        keep(type, expected, n_in);
        for (size_t i = 0; i < n_in; i++) {
            n_wrong += row[i] != expected[i];
            n_wrong += value_of(type, ll_linear_code(&linear, first_out + o, i)) != expected[i];
        }
    }
    free(row);
    free(expected);
    ck_assert_uint_eq(n_wrong, 0);
    ll_linear_free(&linear, &a);
    ck_assert_int_eq(f.live, 0);
}

START_TEST(every_weight_arrives_in_its_place) {
    static const size_t shapes[][2] = {{1, 1}, {45, 131}, {300, 500}, {3, 70000}, {70000, 3}};
    const ll_kernels *kernels[MAX_KERNEL_SETS];
    const size_t n_kernels = all_kernels(kernels);
    uint64_t seed = 41;
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        one_tensor t = tensor_new(&seed, shapes[s][0], shapes[s][1], SIZE_MAX);
        for (size_t c = 0; c < n_kernels * LL_N_WEIGHT_TYPES * 4; c++) {
            const ll_weight_type type = (ll_weight_type)(c / 4 % LL_N_WEIGHT_TYPES);
            const ll_weight_layout layout = c % 2 ? LL_IN_OUT : LL_OUT_IN;
            const size_t n_in = shapes[s][layout == LL_OUT_IN];
            if (ll_is_integer_type(type) && n_in > LL_Q_MAX_INPUTS) continue;
            check_load(kernels[c / 4 / LL_N_WEIGHT_TYPES], type, &t, layout, c / 2 % 2 ? 21 : 0);
        }
        tensor_free(&t);
    }
}
END_TEST

/* Sums of products by integers are of 32 bits. */
START_TEST(integers_have_a_most_of_inputs) {
    const ll_kernels *kernels[MAX_KERNEL_SETS];
    all_kernels(kernels);
    for (int i = 0; i < 4; i++) {
        fail_alloc f;
        fail_alloc_init(&f);
        const llmcs_allocator a = fail_alloc_get(&f);
        ll_linear linear;
        const size_t n_in = (size_t)LL_Q_MAX_INPUTS + (size_t)i % 2;
        ck_assert_int_eq(ll_linear_create(&linear, &a, kernels[0], i < 2 ? LL_Q8 : LL_Q4, n_in, 5, true, "some.w"),
                         i % 2 ? LLMCS_LIMIT : LLMCS_OK);
        if (i % 2) ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "some.w"));
        if (i % 2 == 0) ll_linear_free(&linear, &a);
        ck_assert_int_eq(f.live, 0);
    }
}
END_TEST

START_TEST(what_is_not_finite_is_named) {
    static const size_t bad[] = {0, 65535, 65536, 149999, 77777};
    const ll_kernels *kernels[MAX_KERNEL_SETS];
    all_kernels(kernels);
    const llmcs_allocator a = ll_allocator_default();
    uint64_t seed = 42;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        one_tensor t = tensor_new(&seed, 300, 500, bad[i]);
        ll_linear linear;
        ck_assert_int_eq(ll_linear_create(&linear, &a, kernels[0], LL_F32, 500, 300, false, "w"), LLMCS_OK);
        ll_weight_source source = {
            .kernels = kernels[0], .tensors = t.tensors, .tensor = t.tensor, .layout = LL_OUT_IN};
        float *stage = floats(LL_STAGE_FLOATS);
        ck_assert_int_eq(ll_linear_load(&linear, &source, 0, 300, stage), LLMCS_OK);
        source.check_finite = true;
        ck_assert_int_eq(ll_linear_load(&linear, &source, 0, 300, stage), LLMCS_FORMAT);
        free(stage);
        char index[32];
        snprintf(index, sizeof index, "element %zu is", bad[i]);
        ck_assert_msg(strstr(llmcs_error_message(), index) != NULL, "%s", llmcs_error_message());
        ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "\"w\""));
        ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "model.safetensors"));
        ll_linear_free(&linear, &a);
        tensor_free(&t);
    }
}
END_TEST

START_TEST(every_kernel_set_of_this_build_runs_here) { name_kernel_sets_that_cannot_run(); }
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, every_kernel_set_of_this_build_runs_here);
    tcase_add_test(t, every_weight_arrives_in_its_place);
    tcase_add_test(t, integers_have_a_most_of_inputs);
    tcase_add_test(t, what_is_not_finite_is_named);
}

SUITE_MAIN("weights/load", add)
