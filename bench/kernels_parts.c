/* The other kernels of a forward pass: attention, and the kernels over elements and rows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "nn/attention_internal.h"

#define WIDTH 768 /* of GPT-2 124M and BERT-base */
#define HEADS 12
#define HEAD_DIM (WIDTH / HEADS)

/* ---- attention of N_LAYERS layers; a session's blocks lie one after the other, all layers of each together */

#define N_LAYERS 12
#define MAX_POSITIONS ((size_t)2048) /* of all runs together: more memory than caches hold */
#define MAX_BLOCKS (MAX_POSITIONS / LL_KV_BLOCK)
#define MAX_SEGMENTS 16
#define MAX_CONTEXT ((size_t)1024)

typedef struct attention {
    const ll_kernels *kernels;
    ll_kv_layout layout;
    float *qkv, *out, *scratch;
    char *memory;
    void *blocks[MAX_BLOCKS];
    ll_segment segments[MAX_SEGMENTS];
    size_t n_segments, n_layers; /* n_layers: that are gone through */
    bool causal;
} attention;

static void attend(ll_team *team, void *arg) {
    const attention *t = arg;
    const ll_exec exec = {.team = team, .kernels = t->kernels};
    const size_t scratch_floats = ll_attention_scratch_floats(&t->layout, MAX_CONTEXT);
    for (size_t layer = 0; layer < t->n_layers; layer++) {
        ll_attention a = {.layout = &t->layout,
                          .layer = layer,
                          .n_head = HEADS,
                          .segments = t->segments,
                          .n_segments = t->n_segments,
                          .causal = t->causal,
                          .scale = 0.125f,
                          .out = t->out,
                          .scratch = t->scratch + (size_t)team->index * scratch_floats};
        ll_attention_set_qkv(&a, t->qkv);
        ll_attention_apply(&exec, &a);
        ll_team_wait(team);
    }
}

static double attend_pass(const bench *b, void *arg) { return bench_run(b, attend, arg); }

/* n_segments runs of n_rows rows after `first` positions each. */
static int measure_attention(const bench *b, attention *t, size_t n_segments, size_t n_rows, size_t first,
                             bool causal) {
    const size_t n_positions = first + n_rows, n_blocks = (n_positions + LL_KV_BLOCK - 1) / LL_KV_BLOCK;
    const double rows = (double)n_rows, seen = causal ? (double)first + 0.5 * (rows + 1) : (double)n_positions;
    const double pairs = (double)t->n_layers * (double)n_segments * rows * seen;
    const double read_bytes = n_rows == 1 ? pairs * 2 * WIDTH * (double)ll_kv_element_bytes(t->layout.type) : 0;
    const bench_cost cost = {1, read_bytes, 4 * pairs * WIDTH, BENCH_F32};
    t->n_segments = n_segments;
    t->causal = causal;
    for (size_t i = 0; i < n_segments; i++)
        t->segments[i] = (ll_segment){
            .first_row = i * n_rows, .n_rows = n_rows, .first_position = first, .kv_blocks = t->blocks + i * n_blocks};
    char label[128], after[32] = "";
    if (first) snprintf(after, sizeof after, " after %zu", first);
    snprintf(label, sizeof label, "attention %s, %zu x %zu row%s%s%s", t->layout.type == LL_KV_F16 ? "f16" : "f32",
             n_segments, n_rows, n_rows > 1 ? "s" : "", after, causal ? "" : ", both ways");
    const bench_row row = {.label = label,
                           .name = "attention",
                           .kv_type = t->layout.type == LL_KV_F16 ? "f16" : "f32",
                           .tokens = n_positions,
                           .batch = n_segments * n_rows,
                           .amount = cost.operations,
                           .unit = "GFLOP/s",
                           .unit_scale = 1e9};
    return bench_measure(b, &row, attend_pass, t, &cost);
}

static int report_attention_of(const bench *b, ll_kv_type type) {
    static const struct {
        size_t n_segments, n_rows, first;
        bool causal, telling; /* telling: in the short set, too */
    } cases[] = {{1, 128, 0, true, false},  {1, 512, 0, true, true},   {1, 1024, 0, true, false},
                 {1, 128, 0, false, false}, {8, 128, 0, false, false}, {16, 16, 0, false, false},
                 {1, 1, 1023, true, true},  {16, 1, 127, true, false}};
    attention t = {.kernels = b->kernels, .layout = {N_LAYERS, HEADS, HEAD_DIM, type}};
    const size_t block_bytes = ll_kv_block_bytes(&t.layout);
    const bool is_scalar = !strcmp(b->kernels->name, "scalar"), few = b->is_short || is_scalar;
    t.n_layers = is_scalar ? 1 : N_LAYERS; /* plain C takes its time */
    t.qkv = bench_floats(MAX_CONTEXT * 3 * WIDTH, 1.0f);
    t.out = bench_floats(MAX_CONTEXT * WIDTH, 1.0f);
    t.scratch = bench_floats((size_t)b->n_threads * ll_attention_scratch_floats(&t.layout, MAX_CONTEXT), 1.0f);
    t.memory = bench_memory(MAX_BLOCKS * block_bytes);
    memset(t.memory, 0x11, MAX_BLOCKS * block_bytes); /* a small number in both types */
    for (size_t i = 0; i < MAX_BLOCKS; i++) t.blocks[i] = t.memory + i * block_bytes;
    int code = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases && !code; i++)
        if (cases[i].telling || !few)
            code = measure_attention(b, &t, cases[i].n_segments, cases[i].n_rows, cases[i].first, cases[i].causal);
    free(t.qkv);
    free(t.out);
    free(t.scratch);
    free(t.memory);
    return code;
}

static int report_attention(const bench *b) {
    const int code = report_attention_of(b, LL_KV_F32);
    return code ? code : report_attention_of(b, LL_KV_F16);
}

/* ---- kernels of elements and of rows, 128 rows of 3072 */

#define N_ROWS ((size_t)128)
#define N_COLUMNS ((size_t)3072)

static const char *const element_names[] = {"gelu_tanh", "gelu_erf", "tanh", "layer_norm", "add"};
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
