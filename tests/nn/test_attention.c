/* Attention: causal or not, with fewer heads of keys and values than of queries, norms and rotations of queries and
 * keys, windows, biases by distance, and to a source. Every kernel set against the formula in double. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "nn/attention_internal.h"
#include "nn/nn_case.h"
#include "support/attention.h"
#include "weights/pack.h"

#define MAX_BLOCKS 40
#define MAX_DIM 256

typedef struct shape {
    size_t n_head, n_kv_head, head_dim;
    ll_kv_type type;
    bool causal;
    size_t window;     /* or 0 */
    size_t n_rotated;  /* or 0 */
    bool normed;       /* queries and keys */
    size_t n_distance; /* or 0 */
} shape;

/* One sequence. */
typedef struct scene {
    shape s;
    ll_kv_layout layout;
    size_t n, ld;     /* rows; floats of a row of qkv */
    float *qkv;       /* [n, ld] */
    float *rope;      /* [n, n_rotated] */
    float *distance;  /* [n_head, 2 n_distance - 1] */
    float *weight[2]; /* [head_dim] of q_norm and k_norm */
    ll_norm norm[2];
    void *blocks[MAX_BLOCKS];
} scene;

static void new_blocks(const ll_kv_layout *layout, size_t n, void **blocks) {
    for (size_t b = 0; b * LL_KV_BLOCK < n; b++) {
        blocks[b] = floats(ll_kv_block_bytes(layout) / sizeof(float));
        memset(blocks[b], 0xff, ll_kv_block_bytes(layout)); /* NaN until stored */
    }
}

static void free_blocks(void **blocks) {
    for (size_t b = 0; b < MAX_BLOCKS; b++) free(blocks[b]);
}

static void fill_rope(scene *s) {
    float inverse[MAX_DIM / 2];
    const ll_rope_spec spec = {.n_dims = s->s.n_rotated, .theta = 10000};
    const ll_rope rope = {s->s.n_rotated, ll_rope_frequencies(&spec, inverse), inverse};
    const ll_segment all = {.n_rows = s->n};
    s->rope = floats(s->n * s->s.n_rotated);
    ll_rope_rows(&(ll_exec){.team = &(ll_team){NULL, 0, 1}}, &rope, &all, 1, s->rope);
}

static scene scene_new(uint64_t *seed, shape is, size_t n) {
    scene s = {.s = is, .n = n, .ld = (is.n_head + 2 * is.n_kv_head) * is.head_dim};
    s.layout = (ll_kv_layout){2, is.n_kv_head, is.head_dim, is.type};
    s.qkv = random_floats(seed, 2.0f, n * s.ld);
    new_blocks(&s.layout, n, s.blocks);
    for (size_t i = 0; i < 2; i++) {
        s.weight[i] = random_floats(seed, 1.5f, is.head_dim);
        s.norm[i] = (ll_norm){.n = is.head_dim, .eps = 1e-6f, .weight = s.weight[i], .kind = LL_NORM_RMS};
    }
    if (is.n_rotated) fill_rope(&s);
    if (is.n_distance) s.distance = random_floats(seed, 3.0f, is.n_head * (2 * is.n_distance - 1));
    return s;
}

static void scene_free(scene *s) {
    float *const parts[] = {s->qkv, s->rope, s->distance, s->weight[0], s->weight[1]};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) free(parts[i]);
    free_blocks(s->blocks);
}

static float scale_of(const shape *s) { return 1.0f / sqrtf((float)s->head_dim); }

static void fill_attention(const scene *s, ll_attention *a) {
    *a = (ll_attention){.layout = &s->layout,
                        .layer = 1,
                        .n_head = s->s.n_head,
                        .causal = s->s.causal,
                        .window = s->s.window,
                        .scale = scale_of(&s->s),
                        .q_norm = s->s.normed ? &s->norm[0] : NULL,
                        .k_norm = s->s.normed ? &s->norm[1] : NULL,
                        .n_rotated = s->s.n_rotated,
                        .distance = s->distance,
                        .n_distance = s->s.n_distance};
}

/* On a team whose threads are played one after the other from `order` on. */
static void play(const ll_attention *a, const ll_kernels *k, int team_size, int order) {
    const bool waits = ll_attention_waits(&(ll_exec){.team = &(ll_team){NULL, 0, team_size}}, a);
    for (int step = 0; step <= waits; step++) {
        for (int i = 0; i < team_size; i++) {
            ll_team team = {NULL, (i + order) % team_size, team_size};
            const ll_exec exec = {.team = &team, .kernels = k};
            ck_assert(ll_attention_waits(&exec, a) == waits);
            if (!waits) ll_attention_apply(&exec, a);
            if (waits && step == 0) ll_attention_store(&exec, a);
            if (waits && step == 1) ll_attention_attend(&exec, a);
        }
    }
}

/* Rows [done, done + now). */
static void attend(const scene *s, const ll_kernels *k, int team_size, int order, size_t done, size_t now, float *out) {
    float *scratch = floats(ll_attention_scratch_floats(&s->layout, done + now));
    float *qkv = floats(now * s->ld); /* a copy: it is normed and rotated in place */
    memcpy(qkv, s->qkv + done * s->ld, now * s->ld * sizeof *qkv);
    const ll_segment segment = {.n_rows = now, .first_position = done, .kv_blocks = s->blocks};
    ll_attention a;
    fill_attention(s, &a);
    a.segments = &segment;
    a.n_segments = 1;
    a.rope = s->rope ? s->rope + done * s->s.n_rotated : NULL;
    a.out = out + done * s->s.n_head * s->s.head_dim;
    a.scratch = scratch;
    ll_attention_set_qkv(&a, qkv);
    play(&a, k, team_size, order);
    free(qkv);
    free(scratch);
}

#define N_TOGETHER 5

/* All rows of some sequences, which share norms and biases, in one batch; out lies one behind the other. */
static void attend_together(const scene *scenes, const ll_kernels *k, int team_size, int order, float *out) {
    ll_segment segments[N_TOGETHER];
    size_t n = 0, longest = 0;
    for (size_t i = 0; i < N_TOGETHER; n += scenes[i++].n) {
        segments[i] = (ll_segment){.first_row = n, .n_rows = scenes[i].n, .kv_blocks = scenes[i].blocks};
        longest = ll_max(longest, scenes[i].n);
    }
    const size_t ld = scenes[0].ld, n_rotated = scenes[0].s.n_rotated;
    float *scratch = floats(ll_attention_scratch_floats(&scenes[0].layout, longest));
    float *qkv = floats(n * ld), *rope = floats(n * n_rotated);
    for (size_t i = 0; i < N_TOGETHER; i++) {
        memcpy(qkv + segments[i].first_row * ld, scenes[i].qkv, scenes[i].n * ld * sizeof *qkv);
        if (n_rotated)
            memcpy(rope + segments[i].first_row * n_rotated, scenes[i].rope, scenes[i].n * n_rotated * sizeof *rope);
    }
    ll_attention a;
    fill_attention(&scenes[0], &a);
    a.segments = segments;
    a.n_segments = N_TOGETHER;
    a.rope = n_rotated ? rope : NULL;
    a.out = out;
    a.scratch = scratch;
    ll_attention_set_qkv(&a, qkv);
    play(&a, k, team_size, order);
    free(qkv);
    free(rope);
    free(scratch);
}

/* ---- the formula */

/* A query or key of row r as it is multiplied. */
static void prepare_exactly(const scene *s, size_t r, const float *x, size_t which, double *out) {
    const size_t dim = s->s.head_dim, half = s->s.n_rotated / 2;
    double squares = 0;
    for (size_t d = 0; d < dim; d++) squares += (double)x[d] * x[d];
    for (size_t d = 0; d < dim; d++)
        out[d] = s->s.normed ? x[d] / sqrt(squares / (double)dim + (double)1e-6f) * s->weight[which][d] : (double)x[d];
    for (size_t d = 0; d < half; d++) {
        const double angle = (double)r / pow(10000, 2 * (double)d / (double)s->s.n_rotated), a = out[d],
                     b = out[half + d];
        out[d] = a * cos(angle) - b * sin(angle);
        out[half + d] = b * cos(angle) + a * sin(angle);
    }
}

static bool sees(const shape *s, size_t query, size_t key) {
    const size_t distance = query > key ? query - key : key - query;
    if (s->causal) return key <= query && (!s->window || distance < s->window);
    return !s->window || distance <= s->window;
}

static double bias_of(const scene *s, size_t head, size_t query, size_t key) {
    const ptrdiff_t last = (ptrdiff_t)s->s.n_distance - 1, d = (ptrdiff_t)key - (ptrdiff_t)query;
    if (!s->distance) return 0;
    const ptrdiff_t cut = d > last ? last : d < -last ? -last : d;
    return s->distance[head * (2 * s->s.n_distance - 1) + (size_t)(last + cut)];
}

static double *keys_exactly(const scene *s) {
    const size_t dim = s->s.head_dim, n_kv = s->s.n_kv_head;
    double *keys = malloc(s->n * n_kv * dim * sizeof *keys);
    for (size_t i = 0; i < s->n * n_kv; i++) {
        prepare_exactly(s, i / n_kv, s->qkv + i / n_kv * s->ld + (s->s.n_head + i % n_kv) * dim, 1, keys + i * dim);
        for (size_t d = 0; d < dim; d++) keys[i * dim + d] = stored_number(s->s.type, keys[i * dim + d]);
    }
    return keys;
}

static void attend_exactly(const scene *s, const double *keys, size_t row, size_t head, double *out) {
    const size_t dim = s->s.head_dim, kv = head / (s->s.n_head / s->s.n_kv_head);
    double q[MAX_DIM], *scores = malloc(s->n * sizeof *scores);
    prepare_exactly(s, row, s->qkv + row * s->ld + head * dim, 0, q);
    for (size_t t = 0; t < s->n; t++) {
        const double *key = keys + (t * s->s.n_kv_head + kv) * dim;
        double product = 0;
        for (size_t d = 0; d < dim; d++) product += q[d] * key[d];
        scores[t] = sees(&s->s, row, t) ? (double)scale_of(&s->s) * product + bias_of(s, head, row, t) : -INFINITY;
    }
    average_exactly(scores, s->n, s->qkv + (s->s.n_head + s->s.n_kv_head + kv) * dim, s->ld, dim, s->s.type, out);
    free(scores);
}

/* A key that was normed or rotated in float may round to the other neighbour of a half. */
static double tolerance(const shape *s) { return s->type == LL_KV_F16 && (s->normed || s->n_rotated) ? 2e-3 : 1e-5; }

static void check_exactly(const scene *s, const char *name, const float *out, size_t row_step) {
    double want[MAX_DIM], *keys = keys_exactly(s);
    for (size_t r = 0; r < s->n; r += row_step) {
        for (size_t h = 0; h < s->s.n_head; h++) {
            attend_exactly(s, keys, r, h, want);
            const float *got = out + (r * s->s.n_head + h) * s->s.head_dim;
            for (size_t d = 0; d < s->s.head_dim; d++)
                ck_assert_msg(fabs(got[d] - want[d]) <= tolerance(&s->s),
                              "%s: %zu/%zu heads of %zu, window %zu, row %zu of %zu, head %zu: %g, not %g", name,
                              s->s.n_head, s->s.n_kv_head, s->s.head_dim, s->s.window, r, s->n, h, (double)got[d],
                              want[d]);
        }
    }
    free(keys);
}

static const size_t head_counts[][2] = {{9, 3}, {14, 2}, {4, 1}, {5, 5}, {16, 8}, {40, 1}, {1, 1}, {12, 12}};
#define N_HEAD_COUNTS (sizeof head_counts / sizeof *head_counts)
static const size_t head_dims[] = {64, 80, 128, 256, 24, 8, 6, 100};
#define N_HEAD_DIMS (sizeof head_dims / sizeof *head_dims)
static const size_t windows[] = {0, 1, 5, 31, 32, 33, 64, 100};

static shape random_shape(uint64_t *seed) {
    const size_t heads = random_below(seed, N_HEAD_COUNTS), dim = head_dims[random_below(seed, N_HEAD_DIMS)];
    const size_t way = random_below(seed, 4);
    shape s = {.n_head = head_counts[heads][0],
               .n_kv_head = head_counts[heads][1],
               .head_dim = dim,
               .type = random_below(seed, 2) ? LL_KV_F16 : LL_KV_F32,
               .causal = random_below(seed, 2),
               .window = windows[random_below(seed, 8)],
               .normed = random_below(seed, 2)};
    if (way == 1) s.n_rotated = dim;
    if (way == 2) s.n_rotated = dim / 4 * 2;
    if (way == 3) s.n_distance = 1 + random_below(seed, 60);
    return s;
}

START_TEST(equals_the_formula) {
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_kernels = all_kernels(sets);
    uint64_t seed = 91;
    printf("seed 91\n");
    for (size_t c = 0; c < n_kernels * 40; c += suite_step(7)) {
        const size_t n = 1 + random_below(&seed, 150);
        scene s = scene_new(&seed, random_shape(&seed), n);
        float *out = floats(n * s.s.n_head * s.s.head_dim);
        attend(&s, sets[c % n_kernels], 1 + (int)random_below(&seed, 3), 0, 0, n, out);
        check_exactly(&s, sets[c % n_kernels]->name, out, 1 + n / 12);
        free(out);
        scene_free(&s);
    }
}
END_TEST

/* Contract 4: threads and cuts of a prompt, also into single tokens, whose heads are a tile. */
START_TEST(threads_and_cuts_change_no_bit) {
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_kernels = all_kernels(sets);
    uint64_t seed = 92;
    printf("seed 92\n");
    for (size_t c = 0; c < n_kernels * 40; c += suite_step(7)) {
        const ll_kernels *k = sets[c % n_kernels];
        const size_t n = 1 + random_below(&seed, 150);
        shape is = random_shape(&seed);
        is.causal = true;
        scene s = scene_new(&seed, is, n);
        const size_t width = s.s.n_head * s.s.head_dim;
        float *whole = floats(n * width), *pieces = floats(n * width);
        attend(&s, k, 1, 0, 0, n, whole);
        for (size_t done = 0, now; done < n; done += now) {
            const int team_size = 1 + (int)random_below(&seed, 8);
            now = c % 3 == 0 ? 1 : ll_min(1 + random_below(&seed, 60), n - done);
            attend(&s, k, team_size, (int)random_below(&seed, 8), done, now, pieces);
        }
        ck_assert_mem_eq(whole, pieces, n * width * sizeof *whole);
        free(whole);
        free(pieces);
        scene_free(&s);
    }
}
END_TEST

/* Contract 4: neighbours in the batch. */
START_TEST(neighbours_change_no_bit) {
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_kernels = all_kernels(sets);
    uint64_t seed = 96;
    printf("seed 96\n");
    for (size_t c = 0; c < n_kernels * 20; c += suite_step(7)) {
        const shape is = random_shape(&seed);
        const size_t lengths[N_TOGETHER] = {1 + random_below(&seed, 90), 1, 1 + random_below(&seed, 40), 1, 33};
        scene scenes[N_TOGETHER];
        size_t n = 0;
        for (size_t i = 0; i < N_TOGETHER; n += lengths[i++]) {
            scenes[i] = scene_new(&seed, is, lengths[i]);
            for (size_t w = 0; w < 2; w++)
                memcpy(scenes[i].weight[w], scenes[0].weight[w], is.head_dim * sizeof(float));
            if (is.n_distance)
                memcpy(scenes[i].distance, scenes[0].distance, is.n_head * (2 * is.n_distance - 1) * sizeof(float));
        }
        const size_t width = is.n_head * is.head_dim;
        float *together = floats(n * width), *alone = floats(n * width);
        memset(together, 0xff, n * width * sizeof *together);
        const int team_size = 1 + (int)random_below(&seed, 9);
        attend_together(scenes, sets[c % n_kernels], team_size, (int)random_below(&seed, 8), together);
        for (size_t i = 0, first = 0; i < N_TOGETHER; first += lengths[i++])
            attend(&scenes[i], sets[c % n_kernels], 1, 0, 0, lengths[i], alone + first * width);
        ck_assert_mem_eq(together, alone, n * width * sizeof *alone);
        free(together);
        free(alone);
        for (size_t i = 0; i < N_TOGETHER; i++) scene_free(&scenes[i]);
    }
}
END_TEST

/* With fewer heads of keys and values than threads, and a long context, the query heads of a token are divided. */
START_TEST(a_group_is_divided_in_a_long_context) {
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_kernels = all_kernels(sets), n = 1100;
    uint64_t seed = 94;
    printf("seed 94\n");
    for (size_t c = 0; c < n_kernels * 2; c += suite_step(3)) {
        const shape is = {.n_head = c % 2 ? 5 : 12, .n_kv_head = c % 2 ? 1 : 2, .head_dim = 24, .causal = true};
        scene s = scene_new(&seed, is, n);
        const size_t width = is.n_head * is.head_dim;
        float *whole = floats(n * width), *pieces = floats(n * width);
        attend(&s, sets[c / 2], 1, 0, 0, n, whole);
        for (int team_size = 1; team_size <= 5; team_size += (int)suite_step(3)) {
            const size_t done = n - 1 - random_below(&seed, 3);
            attend(&s, sets[c / 2], 1, 0, 0, done, pieces);
            attend(&s, sets[c / 2], team_size, 1, done, n - done, pieces);
            ck_assert_mem_eq(whole, pieces, n * width * sizeof *whole);
            memset(pieces, 0xff, n * width * sizeof *pieces);
        }
        check_exactly(&s, sets[c / 2]->name, whole, 300);
        free(whole);
        free(pieces);
        scene_free(&s);
    }
}
END_TEST

/* A value that is no number is seen by the rows that attend to it, a query that is none by its own row. */
START_TEST(a_bad_value_stays_where_it_is_seen) {
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_kernels = all_kernels(sets), n = 130, bad = 40;
    uint64_t seed = 95;
    printf("seed 95\n");
    for (size_t c = 0; c < n_kernels * 8; c += suite_step(5)) {
        const shape is = {.n_head = 4,
                          .n_kv_head = 2,
                          .head_dim = 40,
                          .causal = c % 2,
                          .type = c / 2 % 2 ? LL_KV_F16 : LL_KV_F32,
                          .window = c / 4 % 2 ? 7 : 0};
        scene s = scene_new(&seed, is, n);
        const size_t width = is.n_head * is.head_dim;
        float *good = floats(n * width), *out = floats(n * width), *row = s.qkv + bad * s.ld;
        float *const values = row + width + 2 * is.head_dim, value = *values;
        attend(&s, sets[c / 8], 1, 0, 0, n, good);
        for (size_t d = 0; d < 2 * is.head_dim; d++) values[d] = NAN;
        attend(&s, sets[c / 8], 1, 0, 0, n, out);
        for (size_t r = 0; r < n; r++) {
            if (!sees(&is, r, bad)) ck_assert_mem_eq(good + r * width, out + r * width, width * sizeof *out);
            for (size_t d = 0; d < width && sees(&is, r, bad); d++) ck_assert(isnan(out[r * width + d]));
        }
        for (size_t d = 0; d < 2 * is.head_dim; d++) values[d] = value;
        attend(&s, sets[c / 8], 1, 0, 0, n, good);
        for (size_t h = 0; h < is.n_head; h++) row[h * is.head_dim] = NAN;
        attend(&s, sets[c / 8], 1, 0, 0, n, out);
        for (size_t r = 0; r < n; r++) {
            if (r != bad) ck_assert_mem_eq(good + r * width, out + r * width, width * sizeof *out);
            for (size_t d = 0; d < width && r == bad; d++) ck_assert(isnan(out[r * width + d]));
        }
        free(good);
        free(out);
        scene_free(&s);
    }
}
END_TEST

/* Keys and values of a source are stored once; any rows attend to all of them, as without a mask. */
START_TEST(attention_to_a_source) {
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_kernels = all_kernels(sets);
    uint64_t seed = 93;
    printf("seed 93\n");
    for (size_t c = 0; c < n_kernels * 12; c += suite_step(5)) {
        const ll_kernels *k = sets[c % n_kernels];
        shape is = {.n_head = 6, .n_kv_head = c % 2 ? 6 : 3, .head_dim = 32, .type = c % 3 ? LL_KV_F32 : LL_KV_F16};
        const size_t n = 1 + random_below(&seed, 90), width = is.n_head * is.head_dim;
        const int team_size = 1 + (int)random_below(&seed, 4);
        scene s = scene_new(&seed, is, n);
        float *out = floats(n * width), *scratch = floats(ll_attention_scratch_floats(&s.layout, n));
        const ll_segment source = {.n_rows = n, .kv_blocks = s.blocks};
        void *copy[MAX_BLOCKS];
        memcpy(copy, s.blocks, sizeof copy);
        ll_segment rows[3] = {{.n_rows = n / 2}, {.n_rows = (n - n / 2) / 2}, {.n_rows = 0}};
        rows[2].n_rows = n - rows[0].n_rows - rows[1].n_rows;
        for (size_t i = 0; i < 3; i++) {
            rows[i].first_row = i ? rows[i - 1].first_row + rows[i - 1].n_rows : 0;
            rows[i].first_position = 7;
            rows[i].source_blocks = i == 1 && c % 4 == 0 ? copy : s.blocks; /* neighbours of one source are one tile */
            rows[i].n_source = n;
        }
        ll_attention store = {.layout = &s.layout, .layer = 1, .n_head = 6, .segments = &source, .n_segments = 1};
        ll_attention_set_qkv(&store, s.qkv);
        store.q = NULL;
        ll_attention a = {.layout = &s.layout,
                          .layer = 1,
                          .n_head = 6,
                          .segments = rows,
                          .n_segments = 3,
                          .scale = scale_of(&is),
                          .out = out,
                          .scratch = scratch};
        ll_attention_set_qkv(&a, s.qkv);
        a.k = a.v = NULL;
        for (int step = 0; step < 2; step++) {
            for (int i = 0; i < team_size; i++) {
                ll_team team = {NULL, i, team_size};
                const ll_exec exec = {.team = &team, .kernels = k};
                if (step == 0)
                    ll_attention_store(&exec, &store);
                else
                    ll_attention_cross(&exec, &a);
            }
        }
        check_exactly(&s, k->name, out, 1 + n / 12);
        free(out);
        free(scratch);
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
        ll_segment segments[16];
        const ll_kv_layout layout = {1, cases[c].n_head, 64, LL_KV_F32};
        for (size_t i = 0; i < cases[c].n_segments; i++)
            segments[i] = (ll_segment){
                .first_row = i * cases[c].n_rows, .n_rows = cases[c].n_rows, .first_position = cases[c].first_position};
        const ll_attention a = {.layout = &layout,
                                .n_head = layout.n_kv_head,
                                .segments = segments,
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

#define MAX_SEQUENCES 4
#define MAX_THREADS 4

typedef struct layer {
    ll_kv_layout layout;
    const size_t *lengths; /* [n_seq] */
    size_t n_seq, n_rows;
    void *blocks[MAX_SEQUENCES][MAX_BLOCKS];
    ll_linear linear;
    ll_norm norm;
    float *x, *normed, *qkv, *out, *scratch, *quantized;
    size_t scratch_floats;
    const ll_kernels *kernels;
} layer;

static void run_layer(ll_team *team, void *arg) {
    layer *l = arg;
    ll_segment segments[MAX_SEQUENCES];
    for (size_t i = 0, row = 0; i < l->n_seq; row += l->lengths[i++])
        segments[i] = (ll_segment){.first_row = row, .n_rows = l->lengths[i], .kv_blocks = l->blocks[i]};
    const ll_exec exec = {.team = team, .kernels = l->kernels, .quantized = l->quantized};
    ll_attention a = {.layout = &l->layout,
                      .n_head = l->layout.n_kv_head,
                      .segments = segments,
                      .n_segments = l->n_seq,
                      .causal = true,
                      .scale = 0.125f,
                      .out = l->out,
                      .scratch = l->scratch + (size_t)team->index * l->scratch_floats};
    ll_attention_set_qkv(&a, l->qkv);
    const ll_input in = ll_norm_input(&exec, &l->norm, &l->linear, l->x, l->n_rows, l->normed);
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

/* norm, query, key and value, attention: few rows and many, float and integer weights, heads that are whole panels and
 * heads that are not. */
static void check_layer(uint64_t *seed, const ll_kernels *k, ll_weight_type type, ll_kv_layout layout, size_t n_seq,
                        const size_t *lengths) {
    const llmcs_allocator a = ll_allocator_default();
    layer l = {.layout = layout, .n_seq = n_seq, .lengths = lengths, .kernels = k};
    const size_t width = layout.n_kv_head * layout.head_dim;
    for (size_t i = 0; i < n_seq; l.n_rows += lengths[i++]) new_blocks(&layout, lengths[i], l.blocks[i]);
    const size_t n = l.n_rows;
    fill_linear(seed, &l.linear, &a, k, type, width, 3 * width);
    float *weight = random_floats(seed, 1.0f, width), *bias = random_floats(seed, 1.0f, width);
    l.norm = (ll_norm){.n = width, .eps = 1e-5f, .weight = weight, .bias = bias};
    l.x = random_floats(seed, 2.0f, n * width);
    l.normed = floats(ll_normed_rows(n, MAX_THREADS) * width);
    l.qkv = floats(n * 3 * width);
    l.out = floats(n * width);
    l.scratch_floats = ll_attention_scratch_floats(&layout, 16 * LL_KV_BLOCK);
    l.scratch = floats(MAX_THREADS * l.scratch_floats);
    l.quantized = floats(ll_quantized_bytes(k, width, n, MAX_THREADS) / sizeof(float) + 1);
    float *want = floats(n * width);
    for (int n_threads = 1; n_threads <= MAX_THREADS; n_threads++) {
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
    for (size_t i = 0; i < n_seq; i++) free_blocks(l.blocks[i]);
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
    tcase_add_test(t, threads_and_cuts_change_no_bit);
    tcase_add_test(t, neighbours_change_no_bit);
    tcase_add_test(t, a_group_is_divided_in_a_long_context);
    tcase_add_test(t, a_bad_value_stays_where_it_is_seen);
    tcase_add_test(t, attention_to_a_source);
    tcase_add_test(t, work_is_divided_evenly);
    tcase_add_test(t, threads_change_no_bit_of_a_layer);
}

SUITE_MAIN("nn/attention", add)
