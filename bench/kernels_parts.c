/* What a pass does beside products: attention, and the kernels that go through elements and rows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "nn/nn.h"

#define WIDTH 768 /* of GPT-2 124M and BERT-base */
#define HEADS 12
#define HEAD_DIM (WIDTH / HEADS)

/* ---- attention of one layer */

#define MAX_BLOCKS 32
typedef struct attention {
    const ll_kernels *kernels;
    ll_kv_layout layout;
    float *qkv, *out, *scratch, *blocks[MAX_BLOCKS];
    ll_run run;
} attention;

static void attend(ll_team *team, void *arg) {
    const attention *t = arg;
    const ll_exec exec = {.team = team, .kernels = t->kernels};
    const size_t scratch_floats = ll_attention_scratch_floats(&t->layout, MAX_BLOCKS * LL_KV_BLOCK);
    ll_kv_store(&exec, &t->layout, 0, t->qkv, &t->run, 1);
    ll_team_wait(team);
    ll_attention(&exec, &t->layout, 0, t->qkv, &t->run, 1, true, 0.125f, t->out,
                 t->scratch + (size_t)team->index * scratch_floats);
}

static double attend_pass(const bench *b, void *arg) { return bench_run(b, attend, arg); }

static int measure_attention(const bench *b, attention *t, size_t first, size_t n_rows, const char *label) {
    const double pairs = (double)n_rows * ((double)first + 0.5 * (double)(n_rows + 1));
    const bench_cost cost = {1, 0, 4 * pairs * WIDTH, BENCH_F32};
    t->run = (ll_run){0, n_rows, first, t->blocks};
    const bench_row row = {.label = label,
                           .name = "attention",
                           .tokens = first + n_rows,
                           .batch = n_rows,
                           .amount = cost.operations,
                           .unit = "GFLOP/s",
                           .unit_scale = 1e9};
    return bench_measure(b, &row, attend_pass, t, &cost);
}

static int report_attention(const bench *b) {
    attention t = {.kernels = b->kernels, .layout = {1, HEADS, HEAD_DIM}};
    const size_t n_ctx = MAX_BLOCKS * LL_KV_BLOCK;
    t.qkv = bench_floats(n_ctx * 3 * WIDTH, 1.0f);
    t.out = bench_floats(n_ctx * WIDTH, 1.0f);
    t.scratch = bench_floats((size_t)b->n_threads * ll_attention_scratch_floats(&t.layout, n_ctx), 1.0f);
    for (size_t i = 0; i < MAX_BLOCKS; i++) t.blocks[i] = bench_floats(ll_kv_block_floats(&t.layout), 1.0f);
    int code = measure_attention(b, &t, 0, 128, "attention, prompt of 128");
    if (!code) code = measure_attention(b, &t, 0, n_ctx, "attention, prompt of 1024");
    if (!code) code = measure_attention(b, &t, n_ctx - 1, 1, "attention, one row after 1023, in cache");
    free(t.qkv);
    free(t.out);
    free(t.scratch);
    for (size_t i = 0; i < MAX_BLOCKS; i++) free(t.blocks[i]);
    return code;
}

/* ---- kernels of elements and of rows, 128 rows of 3072 */

#define N_ROWS ((size_t)128)
#define N_COLUMNS ((size_t)3072)

static const char *const element_names[] = {"gelu_tanh", "gelu_erf", "tanh", "softmax", "layer_norm", "add"};
#define N_ELEMENT_KERNELS (sizeof element_names / sizeof *element_names)

typedef struct elements {
    const ll_kernels *kernels;
    float *x, *y;
    size_t which;
} elements;

static void work_elements(ll_team *team, void *arg) {
    const elements *e = arg;
    const ll_kernels *k = e->kernels;
    size_t begin, end;
    ll_team_share(team, N_ROWS, 1, &begin, &end);
    for (size_t r = begin; r < end; r++) {
        const float *x = e->x + r * N_COLUMNS;
        float *y = e->y + r * N_COLUMNS;
        switch (e->which) {
            case 0:
                k->gelu_tanh(x, y, N_COLUMNS);
                break;
            case 1:
                k->gelu_erf(x, y, N_COLUMNS);
                break;
            case 2:
                k->tanh(x, y, N_COLUMNS);
                break;
            case 3:
                memcpy(y, x, N_COLUMNS * sizeof *x);
                (void)k->softmax(y, N_COLUMNS);
                break;
            case 4:
                k->layer_norm(x, x, x, 1e-5f, y, N_COLUMNS);
                break;
            default:
                k->add(x, x, y, N_COLUMNS);
                break;
        }
    }
}

static double elements_pass(const bench *b, void *arg) { return bench_run(b, work_elements, arg); }

static int report_elements(const bench *b) {
    const bench_cost none = {0};
    elements e = {.kernels = b->kernels, .x = bench_floats(N_ROWS * N_COLUMNS, 4.0f)};
    e.y = bench_floats(N_ROWS * N_COLUMNS, 4.0f);
    int code = 0;
    for (e.which = 0; e.which < N_ELEMENT_KERNELS && !code; e.which++) {
        const bench_row row = {.label = element_names[e.which],
                               .name = element_names[e.which],
                               .batch = N_ROWS,
                               .amount = (double)(N_ROWS * N_COLUMNS),
                               .unit = "Mfloat/s",
                               .unit_scale = 1e6};
        code = bench_measure(b, &row, elements_pass, &e, &none);
    }
    free(e.x);
    free(e.y);
    return code;
}

int bench_kernels_parts(const bench *b) {
    const int code = report_attention(b);
    return code ? code : report_elements(b);
}
