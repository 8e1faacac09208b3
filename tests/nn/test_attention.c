#include <math.h>
#include <string.h>

#include "base/half.h"
#include "nn/attention_internal.h"
#include "nn/nn_case.h"
#include "weights/pack.h"

/* Some sequences with their queries, keys and values, and blocks that hold the keys and values. */
typedef struct scene {
    ll_kv_layout layout;
    size_t n_seq, lengths[4], n_rows; /* rows of all sequences */
    float *qkv;                       /* [n_rows, 3 * n_embd] */
    void *blocks[4][16];
} scene;

static size_t n_embd(const scene *s) { return s->layout.n_kv_head * s->layout.head_dim; }

static scene scene_new(uint64_t *seed, ll_kv_layout layout, size_t n_seq, const size_t *lengths) {
    scene s = {.layout = layout, .n_seq = n_seq};
    for (size_t i = 0; i < n_seq; i++) {
        s.lengths[i] = lengths[i];
        s.n_rows += lengths[i];
        for (size_t b = 0; b * LL_KV_BLOCK < lengths[i]; b++) {
            s.blocks[i][b] = floats(ll_kv_block_bytes(&layout) / sizeof(float));
            memset(s.blocks[i][b], 0xff, ll_kv_block_bytes(&layout)); /* NaN until stored */
        }
    }
    s.qkv = random_floats(seed, 2.0f, s.n_rows * 3 * n_embd(&s));
    return s;
}

static void scene_free(scene *s) {
    for (size_t i = 0; i < 4; i++) {
        for (size_t b = 0; b < 16; b++) free(s->blocks[i][b]);
    }
    free(s->qkv);
}

/* Stores and attends; done[i] tokens of sequence i are already there when its rows begin. Threads that need not wait
 * for each other are played one after the other, in an order that `order` says: whole parts, or in two steps. */
static void attend_in_order(const scene *s, const ll_kernels *k, int team_size, int order, const size_t *done,
                            const size_t *now, float *qkv, bool causal, float *out) {
    ll_segment runs[4];
    size_t row = 0;
    for (size_t i = 0; i < s->n_seq; i++) {
        runs[i] =
            (ll_segment){.first_row = row, .n_rows = now[i], .first_position = done[i], .kv_blocks = s->blocks[i]};
        row += now[i];
    }
    float *scratch = floats(ll_attention_scratch_floats(&s->layout, 16 * LL_KV_BLOCK));
    ll_attention a = {.layout = &s->layout,
                      .layer = 1,
                      .n_head = s->layout.n_kv_head,
                      .segments = runs,
                      .n_segments = s->n_seq,
                      .causal = causal,
                      .scale = 1.0f / sqrtf((float)s->layout.head_dim),
                      .out = out,
                      .scratch = scratch};
    ll_attention_set_qkv(&a, qkv);
    const ll_exec any = {.team = &(ll_team){NULL, 0, team_size}, .kernels = k};
    const bool waits = ll_attention_waits(&any, &a);
    for (int step = 0; step < 2; step++) {
        for (int i = 0; i < team_size; i++) {
            ll_team team = {NULL, (i + order) % team_size, team_size};
            const ll_exec exec = {.team = &team, .kernels = k};
            ck_assert(ll_attention_waits(&exec, &a) == waits);
            if (!waits && step == 0) ll_attention_apply(&exec, &a);
            if (waits && step == 0) ll_attention_store(&exec, &a);
            if (waits && step == 1) ll_attention_attend(&exec, &a);
        }
    }
    free(scratch);
}

static void attend(const scene *s, const ll_kernels *k, int team_size, const size_t *done, const size_t *now,
                   float *qkv, bool causal, float *out) {
    attend_in_order(s, k, team_size, 0, done, now, qkv, causal, out);
}

/* Equation 1 in double, one row. */
static double kept(const scene *s, float x) {
    return s->layout.type == LL_KV_F16 ? (double)ll_half_to_float(ll_float_to_half(x)) : (double)x;
}

static void attend_row_exact(const scene *s, const float *seq_qkv, size_t row, size_t n, size_t head, double *out) {
    const size_t dim = s->layout.head_dim, ld = 3 * n_embd(s);
    const float *q = seq_qkv + row * ld + head * dim;
    double sum = 0;
    memset(out, 0, dim * sizeof *out);
    for (size_t t = 0; t < n; t++) {
        const float *key = seq_qkv + t * ld + n_embd(s) + head * dim, *value = key + n_embd(s);
        double score = 0;
        for (size_t d = 0; d < dim; d++) score += (double)q[d] * kept(s, key[d]);
        const double weight = exp(score / sqrt((double)dim));
        sum += weight;
        for (size_t d = 0; d < dim; d++) out[d] += weight * kept(s, value[d]);
    }
    for (size_t d = 0; d < dim; d++) out[d] /= sum;
}

static void check_exact(const scene *s, bool causal, const float *out) {
    double want[128];
    const size_t dim = s->layout.head_dim;
    for (size_t i = 0, first = 0; i < s->n_seq; first += s->lengths[i++]) {
        for (size_t r = 0; r < s->lengths[i]; r++) {
            for (size_t h = 0; h < s->layout.n_kv_head; h++) {
                attend_row_exact(s, s->qkv + first * 3 * n_embd(s), r, causal ? r + 1 : s->lengths[i], h, want);
                const float *got = out + (first + r) * n_embd(s) + h * dim;
                for (size_t d = 0; d < dim; d++) ck_assert_double_eq_tol(got[d], want[d], 4e-6);
            }
        }
    }
}

static const ll_kv_layout layouts[] = {
    {2, 3, 8, LL_KV_F32}, {2, 1, 5, LL_KV_F16}, {2, 2, 64, LL_KV_F32}, {2, 12, 64, LL_KV_F16}, {2, 1, 100, LL_KV_F32}};
#define N_LAYOUTS (sizeof layouts / sizeof *layouts)
static const size_t none[4] = {0};

START_TEST(equals_the_formula) {
    const size_t lengths[4] = {1, 45, 32, 67};
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_kernels = all_kernels(sets);
    uint64_t seed = 4;
    for (size_t c = 0; c < n_kernels * N_LAYOUTS * 2; c += suite_step(7)) {
        const bool causal = c / (n_kernels * N_LAYOUTS);
        scene s = scene_new(&seed, layouts[c / n_kernels % N_LAYOUTS], 4, lengths);
        float *out = floats(s.n_rows * n_embd(&s));
        attend(&s, sets[c % n_kernels], 1, none, lengths, s.qkv, causal, out);
        check_exact(&s, causal, out);
        free(out);
        scene_free(&s);
    }
}
END_TEST

/* Contract 4, for attention: threads, neighbours in the batch, and where a prompt is cut change no bit. */
START_TEST(bits_depend_on_nothing_else) {
    const size_t lengths[1] = {150};
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_kernels = all_kernels(sets);
    uint64_t seed = 5;
    for (size_t c = 0; c < n_kernels * N_LAYOUTS; c += suite_step(3)) {
        const ll_kernels *k = sets[c / N_LAYOUTS];
        scene s = scene_new(&seed, layouts[c % N_LAYOUTS], 1, lengths);
        const size_t width = n_embd(&s);
        float *whole = floats(s.n_rows * width), *pieces = floats(s.n_rows * width);
        attend(&s, k, 1, none, lengths, s.qkv, true, whole);
        for (int threads = 1; threads <= 8; threads += (int)suite_step(3)) {
            memset(pieces, 0xff, s.n_rows * width * sizeof *pieces);
            for (size_t done = 0, now; done < s.n_rows; done += now) {
                now = threads == 1 ? 1 : ll_min(1 + random_below(&seed, 60), s.n_rows - done);
                attend_in_order(&s, k, threads, (int)random_below(&seed, 8), &done, &now, s.qkv + done * 3 * width,
                                true, pieces + done * width);
            }
            ck_assert_mem_eq(whole, pieces, s.n_rows * width * sizeof *whole);
        }
        free(whole);
        free(pieces);
        scene_free(&s);
    }
}
END_TEST

START_TEST(a_bad_row_is_nan_and_alone) {
    const size_t lengths[1] = {50}, bad = 20;
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_kernels = all_kernels(sets);
    uint64_t seed = 6;
    for (size_t i = 0; i < n_kernels; i++) {
        scene s = scene_new(&seed, layouts[0], 1, lengths);
        const size_t width = n_embd(&s);
        float *good = floats(s.n_rows * width), *out = floats(s.n_rows * width);
        attend(&s, sets[i], 1, none, lengths, s.qkv, true, good);
        /* The value of a later token is no number: earlier rows do not change, later rows show it. */
        s.qkv[bad * 3 * width + 2 * width] = NAN;
        attend(&s, sets[i], 1, none, lengths, s.qkv, true, out);
        ck_assert_mem_eq(good, out, bad * width * sizeof *out);
        for (size_t r = bad; r < s.n_rows; r++) ck_assert(isnan(out[r * width]));
        /* A query that is no number: its row alone. */
        s.qkv[bad * 3 * width + 2 * width] = 0.5f;
        attend(&s, sets[i], 1, none, lengths, s.qkv, true, good);
        s.qkv[bad * 3 * width] = NAN;
        attend(&s, sets[i], 1, none, lengths, s.qkv, true, out);
        for (size_t r = 0; r < s.n_rows; r++) {
            const size_t head_dim = s.layout.head_dim;
            for (size_t d = 0; r == bad && d < head_dim; d++) ck_assert(isnan(out[r * width + d]));
            if (r != bad) ck_assert_mem_eq(good + r * width, out + r * width, width * sizeof *out);
        }
        free(good);
        free(out);
        scene_free(&s);
    }
}
END_TEST

/* Several sequences at once, of any lengths, on any number of threads: each has the bits it has alone. */
START_TEST(neighbours_change_no_bit) {
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_kernels = all_kernels(sets);
    uint64_t seed = 7;
    for (size_t c = 0; c < n_kernels * 40; c += suite_step(7)) {
        const size_t lengths[4] = {1 + random_below(&seed, 90), 1, 1 + random_below(&seed, 40), 33};
        scene s = scene_new(&seed, layouts[c % 5], 4, lengths);
        const size_t width = n_embd(&s);
        const bool causal = c / 5 % 2;
        float *together = floats(s.n_rows * width), *alone = floats(s.n_rows * width);
        memset(together, 0xff, s.n_rows * width * sizeof *together);
        attend_in_order(&s, sets[c / 40], 1 + (int)(c % 9), (int)random_below(&seed, 8), none, lengths, s.qkv, causal,
                        together);
        for (size_t i = 0, first = 0; i < 4; first += lengths[i++]) {
            scene one = s;
            one.n_seq = 1;
            memcpy(one.blocks[0], s.blocks[i], sizeof s.blocks[i]);
            attend(&one, sets[c / 40], 1, none, &lengths[i], s.qkv + first * 3 * width, causal, alone + first * width);
        }
        ck_assert_mem_eq(together, alone, s.n_rows * width * sizeof *together);
        free(together);
        free(alone);
        scene_free(&s);
    }
}
END_TEST

/* No thread has more than its share and one head's, or one tile's where heads are too few. */
START_TEST(work_is_divided_evenly) {
    static const struct {
        size_t n_head, n_segments, n_rows, first_position;
        int team_size;
        bool waits;
    } cases[] = {{12, 1, 1, 1000, 2, false}, {12, 1, 256, 0, 2, false},  {12, 16, 1, 100, 2, false},
                 {12, 1, 256, 0, 8, true},   {12, 1, 1, 1000, 8, false}, {16, 3, 20, 0, 5, false},
                 {1, 1, 256, 256, 2, true},  {12, 1, 128, 0, 3, false},  {3, 1, 128, 0, 2, true}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        ll_segment runs[16];
        const ll_kv_layout layout = {1, cases[c].n_head, 64, LL_KV_F32};
        for (size_t i = 0; i < cases[c].n_segments; i++)
            runs[i] = (ll_segment){
                .first_row = i * cases[c].n_rows, .n_rows = cases[c].n_rows, .first_position = cases[c].first_position};
        const ll_attention a = {.layout = &layout,
                                .n_head = layout.n_kv_head,
                                .segments = runs,
                                .n_segments = cases[c].n_segments,
                                .causal = true};
        ll_team team = {NULL, 0, cases[c].team_size};
        const ll_exec exec = {.team = &team};
        ck_assert_msg(ll_attention_waits(&exec, &a) == cases[c].waits, "case %zu", c);
        ll_outputs columns[3];
        const bool even = cases[c].n_head % (size_t)cases[c].team_size == 0;
        ck_assert_msg(ll_attention_columns(&exec, &a, 64, columns) == even, "case %zu", c);
        if (even)
            ck_assert(columns[0].begin == 0 && columns[0].end == 64 * cases[c].n_head / (size_t)cases[c].team_size);
    }
}
END_TEST

/* ---- with threads: the steps that may wait, and those that need not */

typedef struct layer {
    scene s;
    ll_linear linear;
    ll_norm norm;
    float *x, *normed, *qkv, *out, *scratch, *quantized;
    size_t scratch_floats;
    const ll_kernels *kernels;
} layer;

static void run_layer(ll_team *team, void *arg) {
    layer *l = arg;
    ll_segment runs[4];
    for (size_t i = 0, row = 0; i < l->s.n_seq; row += l->s.lengths[i++])
        runs[i] = (ll_segment){.first_row = row, .n_rows = l->s.lengths[i], .kv_blocks = l->s.blocks[i]};
    const ll_exec exec = {.team = team, .kernels = l->kernels, .quantized = l->quantized};
    ll_attention a = {.layout = &l->s.layout,
                      .n_head = l->s.layout.n_kv_head,
                      .segments = runs,
                      .n_segments = l->s.n_seq,
                      .causal = true,
                      .scale = 0.125f,
                      .out = l->out,
                      .scratch = l->scratch + (size_t)team->index * l->scratch_floats};
    ll_attention_set_qkv(&a, l->qkv);
    const ll_input in = ll_norm_input(&exec, &l->norm, &l->linear, l->x, l->s.n_rows, l->normed);
    ll_attention_project(&exec, &l->linear, &in, l->qkv, &a);
}

static void fill_linear(uint64_t *seed, ll_linear *linear, const llmcs_allocator *a, const ll_kernels *k,
                        ll_weight_type type, size_t n_in, size_t n_out) {
    float *values = random_floats(seed, 0.1f, n_in * n_out);
    const ll_rectangle all = {0, 0, n_out, n_in};
    ck_assert_int_eq(ll_linear_create(linear, a, k, type, n_in, n_out, true, "w"), LLMCS_OK);
    if (type == LL_Q8) ll_linear_measure(linear, LL_OUT_IN, &all, 0, values);
    ll_linear_put(linear, LL_OUT_IN, &all, 0, values);
    memset(linear->bias, 0, n_out * sizeof(float));
    free(values);
}

#define MOST_THREADS 4

/* norm, query, key and value, attention: few rows and many, float and integer weights, heads that are whole panels and
 * heads that are not. */
static void check_layer(uint64_t *seed, const ll_kernels *k, ll_weight_type type, ll_kv_layout layout, size_t n_seq,
                        const size_t *lengths) {
    const llmcs_allocator a = ll_allocator_default();
    layer l = {.s = scene_new(seed, layout, n_seq, lengths), .kernels = k};
    const size_t width = n_embd(&l.s), n = l.s.n_rows;
    fill_linear(seed, &l.linear, &a, k, type, width, 3 * width);
    float *weight = random_floats(seed, 1.0f, width), *bias = random_floats(seed, 1.0f, width);
    l.norm = (ll_norm){.n = width, .eps = 1e-5f, .weight = weight, .bias = bias};
    l.x = random_floats(seed, 2.0f, n * width);
    l.normed = floats(ll_normed_rows(n, MOST_THREADS) * width);
    l.qkv = floats(n * 3 * width);
    l.out = floats(n * width);
    l.scratch_floats = ll_attention_scratch_floats(&layout, 16 * LL_KV_BLOCK);
    l.scratch = floats(MOST_THREADS * l.scratch_floats);
    l.quantized = floats(ll_quantized_bytes(k, width, n, MOST_THREADS) / sizeof(float) + 1);
    float *want = floats(n * width);
    for (int n_threads = 1; n_threads <= MOST_THREADS; n_threads++) {
        ll_pool *pool;
        ck_assert_int_eq(ll_pool_create(&a, n_threads, &(ll_log){0}, &pool), LLMCS_OK);
        memset(l.out, 0xff, n * width * sizeof(float));
        ck_assert_int_eq(ll_pool_run(pool, run_layer, &l), LLMCS_OK);
        if (n_threads == 1) memcpy(want, l.out, n * width * sizeof(float));
        ck_assert(isfinite(want[n * width - 1]));
        ck_assert_mem_eq(l.out, want, n * width * sizeof(float));
        ll_pool_free(&pool);
    }
    ll_linear_free(&l.linear, &a);
    float *const parts[] = {weight, bias, l.x, l.normed, l.qkv, l.out, l.scratch, l.quantized, want};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) free(parts[i]);
    scene_free(&l.s);
}

START_TEST(threads_change_no_bit_of_a_layer) {
    static const ll_kv_layout shapes[] = {{1, 4, 64, LL_KV_F32}, {1, 12, 16, LL_KV_F16}, {1, 3, 24, LL_KV_F32}};
    static const size_t lengths[4][4] = {{1}, {2}, {70}, {40, 1, 3, 33}};
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_kernels = all_kernels(sets);
    uint64_t seed = 8;
    for (size_t c = 0; c < n_kernels * 24; c += suite_step(5)) {
        const size_t which = c / 6 % 4;
        check_layer(&seed, sets[c / 24], c / 3 % 2 ? LL_Q8 : LL_F32, shapes[c % 3], which == 3 ? 4 : 1, lengths[which]);
    }
}
END_TEST

START_TEST(every_kernel_set_of_this_build_runs_here) { name_kernel_sets_that_cannot_run(); }
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, every_kernel_set_of_this_build_runs_here);
    tcase_add_test(t, equals_the_formula);
    tcase_add_test(t, bits_depend_on_nothing_else);
    tcase_add_test(t, a_bad_row_is_nan_and_alone);
    tcase_add_test(t, neighbours_change_no_bit);
    tcase_add_test(t, work_is_divided_evenly);
    tcase_add_test(t, threads_change_no_bit_of_a_layer);
}

SUITE_MAIN("nn/attention", add)
