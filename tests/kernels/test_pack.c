/* Blocks of Q8_0 to panels of Q8 on every kernel set, against the rule written plainly: every byte. */
#include <math.h>

#include "base/half.h"
#include "kernels/kernel_case.h"

#define UNTOUCHED 0x5a

typedef struct pack_case {
    const ll_kernels *k;
    size_t first, n_rows, n_blocks; /* rows [first, first + n_rows) of a panel */
    unsigned char *rows;
    float *inverses;
} pack_case;

static unsigned char *bytes_new(size_t n) {
    unsigned char *bytes = malloc(n);
    ck_assert_ptr_nonnull(bytes);
    return bytes;
}

static void put_block(unsigned char *block, float scale, const signed char values[LL_Q_BLOCK]) {
    const uint16_t half = ll_float_to_half(scale);
    block[0] = (unsigned char)half;
    block[1] = (unsigned char)(half >> 8);
    memcpy(block + 2, values, LL_Q_BLOCK);
}

/* Scales of all sizes that halves have, subnormal ones too; the largest number of a row becomes 127 or a bit less. */
static void fill(pack_case *c, uint64_t *seed) {
    c->rows = bytes_new(c->n_rows * c->n_blocks * LL_Q8_0_BYTES); /* exactly: what lies past the end is seen */
    c->inverses = floats(c->n_rows);
    for (size_t r = 0; r < c->n_rows; r++) {
        const int size = (int)random_below(seed, 36) - 22;
        float largest = 0;
        for (size_t b = 0; b < c->n_blocks; b++) {
            signed char values[LL_Q_BLOCK];
            const float wished = ldexpf(random_float(seed, 1.0f), size);
            const float scale = ll_half_to_float(ll_float_to_half(wished));
            for (size_t i = 0; i < LL_Q_BLOCK; i++) {
                values[i] = (signed char)((int)random_below(seed, 256) - 128);
                largest = fmaxf(largest, fabsf(scale * (float)values[i]));
            }
            put_block(c->rows + (r * c->n_blocks + b) * LL_Q8_0_BYTES, scale, values);
        }
        c->inverses[r] = largest > 0 ? (126.0f + fabsf(random_float(seed, 1.0f))) / largest : 0;
    }
}

/* The kernel's panel, with space for another row of quads behind it. */
static unsigned char *pack(const pack_case *c, size_t *n_bytes) {
    *n_bytes = (c->n_blocks * LL_Q_BLOCK / 4 + 1) * c->k->nr * 4;
    unsigned char *panel = bytes_new(*n_bytes);
    memset(panel, UNTOUCHED, *n_bytes);
    c->k->pack_q8_0(c->rows, c->n_rows, c->n_blocks, c->inverses, panel + c->first * 4);
    return panel;
}

/* Of the block's input: exact in double, and rounded where the header says so. */
static int expected_byte(const pack_case *c, size_t r, size_t k) {
    const unsigned char *block = c->rows + (r * c->n_blocks + k / LL_Q_BLOCK) * LL_Q8_0_BYTES;
    const double scale = (double)ll_half_to_float((uint16_t)(block[0] | block[1] << 8));
    const float product = (float)(scale * (signed char)block[2 + k % LL_Q_BLOCK]);
    return (int)rint((double)(float)((double)product * (double)c->inverses[r])) + 128;
}

static void check(const pack_case *c) {
    size_t n_bytes, n_wrong = 0;
    unsigned char *panel = pack(c, &n_bytes);
    for (size_t i = 0; i < n_bytes; i++) {
        const size_t row = i / 4 % c->k->nr, k = i / 4 / c->k->nr * 4 + i % 4;
        const bool ours = row >= c->first && row < c->first + c->n_rows && k < c->n_blocks * LL_Q_BLOCK;
        n_wrong += panel[i] != (ours ? expected_byte(c, row - c->first, k) : UNTOUCHED);
    }
    ck_assert_msg(n_wrong == 0, "%s: %zu rows from %zu, %zu blocks: %zu bytes are wrong", c->k->name, c->n_rows,
                  c->first, c->n_blocks, n_wrong);
    free(panel);
}

static void case_free(pack_case *c) {
    free(c->rows);
    free(c->inverses);
}

START_TEST(every_number_of_rows_and_any_blocks) {
    static const size_t n_blocks[] = {1, 2, 3, 15, 16, 17, 33};
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_kernels = all_kernels(sets);
    uint64_t seed = 81;
    printf("seed 81\n");
    for (size_t i = 0; i < n_kernels; i++) {
        for (size_t n = 1; n <= sets[i]->nr; n++) {
            const size_t first = random_below(&seed, sets[i]->nr - n + 1);
            pack_case c = {.k = sets[i], .first = first, .n_rows = n, .n_blocks = n_blocks[n % 7]};
            fill(&c, &seed);
            check(&c);
            case_free(&c);
        }
    }
}
END_TEST

/* Each value with each of some scales, and inverses by which many products lie between two integers. */
START_TEST(ties_go_to_even) {
    static const float inverses[] = {0.5f, 0.25f, 0.0f, 0.75f, 1.0f / 3};
    static const float scales[] = {1.0f, -1.0f, 0x1.8p0f, 0.0f, -0.5f, 0x1p-24f, 0x1.ffcp15f};
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_kernels = all_kernels(sets), n_scales = sizeof scales / sizeof *scales;
    for (size_t i = 0; i < n_kernels * 5; i++) {
        pack_case c = {.k = sets[i / 5], .n_rows = n_scales, .n_blocks = 8};
        c.rows = bytes_new(n_scales * 8 * LL_Q8_0_BYTES);
        c.inverses = floats(n_scales);
        for (size_t r = 0; r < n_scales; r++) {
            c.inverses[r] = scales[r] != 0 ? inverses[i % 5] / fabsf(scales[r]) : 1.0f;
            for (size_t b = 0; b < 8; b++) {
                signed char values[LL_Q_BLOCK];
                for (int v = 0; v < LL_Q_BLOCK; v++) values[v] = (signed char)((int)b * LL_Q_BLOCK + v - 128);
                put_block(c.rows + (r * 8 + b) * LL_Q8_0_BYTES, scales[r], values);
            }
        }
        check(&c);
        case_free(&c);
    }
}
END_TEST

START_TEST(every_kernel_set_of_this_build_runs_here) { name_kernel_sets_that_cannot_run(); }
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, every_kernel_set_of_this_build_runs_here);
    tcase_add_test(t, every_number_of_rows_and_any_blocks);
    tcase_add_test(t, ties_go_to_even);
}

SUITE_MAIN("kernels/pack", add)
