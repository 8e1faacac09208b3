/* What goes from a file to its places without becoming float32, against the way by float32: the same bits. */
#include <stdio.h>
#include <string.h>

#include "base/half.h"
#include "formats/convert.h"
#include "nn/nn_case.h"
#include "weights/pack.h"

typedef struct stored_case {
    ll_dtype dtype;
    ll_weight_type type;
    ll_weight_layout layout;
    size_t n_rows, n_columns; /* of the tensor */
} stored_case;

static void put_u16(unsigned char *at, uint16_t v) {
    at[0] = (unsigned char)v;
    at[1] = (unsigned char)(v >> 8);
}

/* Random elements as a file has them. Of a block of Q4_0 one code is 0: else float32 would give it another scale. */
static unsigned char *random_raw(uint64_t *seed, const stored_case *c, bool any_codes) {
    const ll_dtype_block block = ll_dtype_block_of(c->dtype);
    const size_t n_blocks = c->n_rows * c->n_columns / block.elements;
    unsigned char *raw = malloc(n_blocks * block.bytes);
    for (size_t b = 0; b < n_blocks; b++) {
        unsigned char *at = raw + b * block.bytes;
        for (size_t i = 0; i < block.bytes; i++) at[i] = (unsigned char)random_below(seed, 256);
        const float sign = random_below(seed, 2) ? -1.0f : 1.0f, size = 1.5f + random_float(seed, 0.5f);
        const float x = ldexpf(sign * size, -1 - (int)random_below(seed, 14)); /* a scale of zero would say nothing */
        const bool bf16 = c->dtype == LL_DTYPE_BF16;
        put_u16(at, bf16 ? ll_float_to_bfloat(x) : ll_float_to_half(x));
        if (c->dtype == LL_DTYPE_Q4_0 && !any_codes)
            at[2 + random_below(seed, 16)] &= random_below(seed, 2) ? 0xf0 : 15;
    }
    return raw;
}

/* Rows [begin, end) of the tensor, all columns. */
static void put_rows(ll_linear *linear, const ll_kernels *k, const stored_case *c, size_t first_out, size_t begin,
                     size_t end, const unsigned char *raw, bool stored) {
    const ll_dtype_block block = ll_dtype_block_of(c->dtype);
    const size_t n = (end - begin) * c->n_columns;
    const ll_rectangle part = {begin, 0, end - begin, c->n_columns};
    const unsigned char *from = raw + begin * c->n_columns / block.elements * block.bytes;
    if (stored) {
        ck_assert(ll_linear_put_stored(linear, k, c->layout, &part, first_out, true, from));
        return;
    }
    float *values = floats(n);
    ll_convert_to_f32(c->dtype, from, n, values);
    if (c->type == LL_Q8) ll_linear_measure(linear, c->layout, &part, first_out, values);
    ll_linear_put(linear, c->layout, &part, first_out, values);
    free(values);
}

/* The tensor's outputs from first_out on, in two pieces; nothing else is put. */
static ll_linear linear_of(const ll_kernels *k, const stored_case *c, size_t first_out, const unsigned char *raw,
                           bool stored) {
    const llmcs_allocator a = ll_allocator_default();
    const bool by_output = c->layout == LL_OUT_IN;
    const size_t n_in = by_output ? c->n_columns : c->n_rows, n_out = by_output ? c->n_rows : c->n_columns;
    const size_t cut = c->n_rows / 2 / LL_Q_BLOCK * LL_Q_BLOCK;
    ll_linear linear;
    ck_assert_int_eq(ll_linear_create(&linear, &a, k, c->type, n_in, first_out + n_out, false, "w"), LLMCS_OK);
    memset(linear.packed, 0x77, (first_out + n_out) / linear.nr * linear.panel_bytes);
    ck_assert(ll_linear_takes_stored(&linear, c->dtype, c->layout));
    put_rows(&linear, k, c, first_out, 0, cut, raw, stored);
    put_rows(&linear, k, c, first_out, cut, c->n_rows, raw, stored);
    return linear;
}

static void check_bits(const ll_kernels *k, const stored_case *c, size_t first_out, uint64_t *seed) {
    const llmcs_allocator a = ll_allocator_default();
    unsigned char *raw = random_raw(seed, c, false);
    ll_linear one = linear_of(k, c, first_out, raw, true), other = linear_of(k, c, first_out, raw, false);
    const size_t n_panels = (one.n_out + one.nr - 1) / one.nr;
    ck_assert_msg(memcmp(one.packed, other.packed, n_panels * one.panel_bytes) == 0, "%s, type %d, %zu x %zu from %zu",
                  k->name, (int)c->type, c->n_rows, c->n_columns, first_out);
    ll_linear_free(&one, &a);
    ll_linear_free(&other, &a);
    free(raw);
}

START_TEST(bits_are_those_by_way_of_float32) {
    static const stored_case kinds[] = {
        {LL_DTYPE_Q8_0, LL_Q8, LL_OUT_IN, 0, 0},   {LL_DTYPE_Q4_0, LL_Q4, LL_OUT_IN, 0, 0},
        {LL_DTYPE_F16, LL_F16, LL_OUT_IN, 0, 0},   {LL_DTYPE_F16, LL_F16, LL_IN_OUT, 0, 0},
        {LL_DTYPE_BF16, LL_BF16, LL_OUT_IN, 0, 0}, {LL_DTYPE_BF16, LL_BF16, LL_IN_OUT, 0, 0}};
    static const size_t shapes[][2] = {{1, 32}, {130, 96}, {77, 352}, {300, 64}, {64, 768}};
    const ll_kernels *kernels[MAX_KERNEL_SETS];
    const size_t n_kernels = all_kernels(kernels);
    uint64_t seed = 71;
    printf("seed 71\n");
    for (size_t i = 0; i < n_kernels * 6 * 5 * 2; i++) {
        stored_case c = kinds[i % 6];
        c.n_rows = shapes[i / 6 % 5][0];
        c.n_columns = shapes[i / 6 % 5][1] - (ll_is_integer_type(c.type) ? 0 : i % 3);
        check_bits(kernels[i / 60], &c, i / 30 % 2 ? 21 : 0, &seed);
    }
}
END_TEST

/* Whatever their codes: blocks of 4 bits are not rounded again. */
START_TEST(values_of_q4_0_are_the_files) {
    const ll_kernels *kernels[MAX_KERNEL_SETS];
    const size_t n_kernels = all_kernels(kernels);
    const stored_case c = {LL_DTYPE_Q4_0, LL_Q4, LL_OUT_IN, 70, 96};
    const llmcs_allocator a = ll_allocator_default();
    uint64_t seed = 72;
    printf("seed 72\n");
    float *values = floats(c.n_rows * c.n_columns), *row = floats(c.n_columns);
    for (size_t k = 0; k < n_kernels; k++) {
        unsigned char *raw = random_raw(&seed, &c, true);
        ll_linear linear = linear_of(kernels[k], &c, 0, raw, true);
        ll_convert_to_f32(c.dtype, raw, c.n_rows * c.n_columns, values);
        for (size_t r = 0; r < c.n_rows; r++) {
            ll_linear_row(&linear, r, row);
            ck_assert_mem_eq(row, values + r * c.n_columns, c.n_columns * sizeof *row);
        }
        ll_linear_free(&linear, &a);
        free(raw);
    }
    free(values);
    free(row);
}
END_TEST

/* Then the other way is gone, which names the element. */
START_TEST(what_is_not_finite_is_left_to_the_other_way) {
    static const stored_case kinds[] = {{LL_DTYPE_Q8_0, LL_Q8, LL_OUT_IN, 5, 64},
                                        {LL_DTYPE_Q4_0, LL_Q4, LL_OUT_IN, 5, 64},
                                        {LL_DTYPE_F16, LL_F16, LL_OUT_IN, 5, 64},
                                        {LL_DTYPE_BF16, LL_BF16, LL_IN_OUT, 5, 64}};
    const ll_kernels *kernels[MAX_KERNEL_SETS];
    all_kernels(kernels);
    const llmcs_allocator a = ll_allocator_default();
    uint64_t seed = 73;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const stored_case *c = &kinds[i];
        const ll_rectangle all = {0, 0, 5, 64};
        unsigned char *raw = random_raw(&seed, c, true);
        ll_linear linear = linear_of(kernels[0], c, 0, raw, true);
        put_u16(raw + 4 * 64 / ll_dtype_block_of(c->dtype).elements * ll_dtype_block_of(c->dtype).bytes,
                i % 2 ? 0xff80 : 0x7c00);
        ck_assert(!ll_linear_put_stored(&linear, kernels[0], c->layout, &all, 0, true, raw));
        if (!ll_is_integer_type(c->type))
            ck_assert(ll_linear_put_stored(&linear, kernels[0], c->layout, &all, 0, false, raw));
        ll_linear_free(&linear, &a);
        free(raw);
    }
}
END_TEST

START_TEST(every_kernel_set_of_this_build_runs_here) { name_kernel_sets_that_cannot_run(); }
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, every_kernel_set_of_this_build_runs_here);
    tcase_add_test(t, bits_are_those_by_way_of_float32);
    tcase_add_test(t, values_of_q4_0_are_the_files);
    tcase_add_test(t, what_is_not_finite_is_left_to_the_other_way);
}

SUITE_MAIN("weights/stored", add)
