/* Linears of several parts: query, key and value of different sizes, halves of fused tensors, gate and up interleaved.
 * Each part has the bits it has as a linear of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/half.h"
#include "nn/nn_case.h"
#include "support/gguf_bytes.h"
#include "support/temp.h"
#include "weights/loader.h"

#define GATED 83 /* not whole panels of any kernel set */
#define HEAD_DIM 10
static size_t n_in = 70; /* inputs of all of them */

/* Tensors of a checkpoint, float32 or 16-bit floats; each name.bias is float32. */
typedef struct named {
    const char *name;
    size_t n_out;
} named;
static const named tensors[] = {{"q", 40},       {"k", 20},       {"v", 20},
                                {"gate", GATED}, {"up", GATED},   {"fused", 2 * GATED},
                                {"paired", 40},  {"unpaired", 40}};
#define N_TENSORS (sizeof tensors / sizeof *tensors)

typedef struct checkpoint {
    char folder[TEMP_PATH_BYTES];
    ll_tensors *tensors;
    ll_weight_layout layout;
} checkpoint;

static float *values_of(uint64_t *seed, size_t t, float *const all[N_TENSORS], size_t width) {
    float *x = random_floats(seed, 1.0f, tensors[t].n_out * width);
    if (t == 5) { /* fused: up, then gate */
        memcpy(x, all[4], GATED * width * sizeof *x);
        memcpy(x + GATED * width, all[3], GATED * width * sizeof *x);
    }
    for (size_t i = 0; t == 7 && i < 40; i++) { /* the rows of "paired" in the order that a network has */
        const size_t head = i / HEAD_DIM, pair = i % HEAD_DIM / 2, second = i % 2;
        memcpy(x + (head * HEAD_DIM + second * HEAD_DIM / 2 + pair) * width, all[6] + i * width, width * sizeof *x);
    }
    return x;
}

static size_t put_floats(unsigned char *at, const char *dtype, const float *x, size_t n_out, size_t width,
                         bool transposed) {
    const size_t bytes = strcmp(dtype, "F32") ? 2 : 4;
    for (size_t i = 0; i < n_out * width; i++) {
        const float value = transposed ? x[i % n_out * width + i / n_out] : x[i];
        const uint16_t half = strcmp(dtype, "F16") ? ll_float_to_bfloat(value) : ll_float_to_half(value);
        if (bytes == 4)
            memcpy(at + i * 4, &value, 4);
        else
            memcpy(at + i * 2, &half, 2);
    }
    return n_out * width * bytes;
}

static checkpoint checkpoint_new(uint64_t *seed, const char *dtype, ll_weight_layout layout) {
    checkpoint c = {.layout = layout};
    float *weights[N_TENSORS], *biases[N_TENSORS];
    unsigned char *file = temp_alloc(1 << 20), *data = temp_alloc(1 << 20);
    char *header = temp_alloc(1 << 16);
    size_t n = 0, at = 0;
    for (size_t t = 0; t < N_TENSORS; t++) {
        weights[t] = values_of(seed, t, weights, n_in);
        biases[t] = values_of(seed, t, biases, 1);
        for (int bias = 0; bias < 2; bias++) {
            const size_t begin = at, n_out = tensors[t].n_out;
            char shape[64];
            snprintf(shape, sizeof shape, bias ? "[%zu]" : "[%zu,%zu]", layout == LL_OUT_IN || bias ? n_out : n_in,
                     layout == LL_OUT_IN ? n_in : n_out);
            at += put_floats(data + at, bias ? "F32" : dtype, bias ? biases[t] : weights[t], n_out, bias ? 1 : n_in,
                             layout == LL_IN_OUT && !bias);
            n += (size_t)sprintf(header + n, "%s\"%s.%s\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[%zu,%zu]}",
                                 n ? "," : "{", tensors[t].name, bias ? "bias" : "weight", bias ? "F32" : dtype, shape,
                                 begin, at);
        }
    }
    n += (size_t)sprintf(header + n, "}");
    for (int i = 0; i < 8; i++) file[i] = (unsigned char)(n >> 8 * i);
    memcpy(file + 8, header, n);
    memcpy(file + 8 + n, data, at);
    temp_folder(c.folder);
    temp_write(c.folder, "model.safetensors", file, 8 + n + at);
    for (size_t t = 0; t < N_TENSORS; t++) {
        free(weights[t]);
        free(biases[t]);
    }
    free(file);
    free(data);
    free(header);
    const llmcs_allocator a = ll_allocator_default();
    ck_assert_msg(!ll_tensors_open(&a, &(ll_source){.path = c.folder}, LLMCS_LOAD_COPY, &(ll_log){0}, &c.tensors), "%s",
                  llmcs_error_message());
    return c;
}

static void checkpoint_free(checkpoint *c) {
    ll_tensors_close(&c->tensors);
    temp_remove(c->folder);
}

/* ---- loading, as a network does it: checked and counted first */

typedef llmcs_status (*describe_fn)(ll_loader *l, ll_linear *linear, ll_weight_layout layout, const void *arg);

static ll_linear load(const checkpoint *c, const ll_kernels *k, llmcs_weights weights, describe_fn describe,
                      const void *arg) {
    const llmcs_allocator a = ll_allocator_default();
    ll_pool *pool;
    ck_assert_int_eq(ll_pool_create(&a, 2, &(ll_log){0}, &pool), LLMCS_OK);
    ll_loader l = {.tensors = c->tensors, .allocator = &a, .kernels = k, .wanted = weights, .check_finite = true};
    ll_linear linear;
    ck_assert_msg(describe(&l, &linear, c->layout, arg) == LLMCS_OK, "%s", llmcs_error_message());
    l.jobs = temp_alloc(l.n_jobs * sizeof *l.jobs);
    l.memory = &a;
    l.filling = true;
    ck_assert_msg(describe(&l, &linear, c->layout, arg) == LLMCS_OK, "%s", llmcs_error_message());
    ck_assert_uint_eq(l.n_added, l.n_jobs);
    ck_assert_uint_eq(l.bytes, ll_linear_bytes(k, linear.type, linear.n_in, linear.n_out, linear.bias != NULL));
    const ll_load_options options = {.weights = weights, .check_finite = true};
    ck_assert_msg(ll_load_jobs(&l, pool, &options) == LLMCS_OK, "%s", llmcs_error_message());
    free(l.jobs);
    ll_pool_free(&pool);
    return linear;
}

static llmcs_status describe_parts(ll_loader *l, ll_linear *linear, ll_weight_layout layout, const void *arg) {
    const ll_load_part *parts = arg;
    size_t n = 0;
    while (parts[n].name) n++;
    return ll_load_parts(l, linear, LL_LARGE, layout, n_in, parts, n);
}
static llmcs_status describe_gated(ll_loader *l, ll_linear *linear, ll_weight_layout layout, const void *arg) {
    const ll_load_part *parts = arg;
    return ll_load_gate_up(l, linear, layout, n_in, &parts[0], &parts[1]);
}
static llmcs_status describe_one(ll_loader *l, ll_linear *linear, ll_weight_layout layout, const void *arg) {
    return ll_load_linear(l, linear, LL_LARGE, layout, n_in, ((const ll_load_part *)arg)->n_out,
                          ((const ll_load_part *)arg)->name);
}

/* Output out of one is output other_out of the other. */
static void check_output(const ll_linear *one, size_t out, const ll_linear *other, size_t other_out, bool has_bias) {
    ck_assert_int_eq(one->type, other->type);
    for (size_t k = 0; k < n_in; k++)
        ck_assert_msg(ll_linear_code(one, out, k) == ll_linear_code(other, other_out, k), "output %zu, input %zu", out,
                      k);
    if (one->bias) ck_assert(one->bias[out] == (has_bias ? other->bias[other_out] : 0.0f));
    ck_assert(one->bias || !has_bias);
}

static const llmcs_weights wanted[] = {LLMCS_WEIGHTS_AUTO, LLMCS_WEIGHTS_F32, LLMCS_WEIGHTS_BF16, LLMCS_WEIGHTS_INT8,
                                       LLMCS_WEIGHTS_INT4};
#define N_WANTED 5
static const char *const dtypes[] = {"F32", "F16", "BF16"};

static void check_parts(const checkpoint *c, const ll_kernels *k, llmcs_weights weights, const ll_load_part *parts,
                        const char *const *same_as) {
    const llmcs_allocator a = ll_allocator_default();
    ll_linear linear = load(c, k, weights, describe_parts, parts);
    size_t first = 0;
    for (size_t i = 0; parts[i].name; first += parts[i++].n_out) {
        const ll_load_part one = {.name = same_as[i], .n_out = parts[i].n_out};
        ll_linear alone = load(c, k, weights, describe_one, &one);
        for (size_t j = 0; j < one.n_out; j++) check_output(&linear, first + j, &alone, j, parts[i].has_bias);
        ll_linear_free(&alone, &a);
    }
    ck_assert_uint_eq(linear.n_out, first);
    ll_linear_free(&linear, &a);
}

START_TEST(parts_of_different_sizes) {
    static const ll_load_part qkv[] = {{.name = "q", .n_out = 40, .has_bias = true},
                                       {.name = "k", .n_out = 20},
                                       {.name = "v", .n_out = 20, .has_bias = true},
                                       {0}};
    static const ll_load_part plain[] = {{.name = "k", .n_out = 20}, {.name = "q", .n_out = 40}, {0}};
    static const ll_load_part halves[] = {
        {.name = "fused", .n_out = GATED, .skipped = GATED, .n_stored = 2 * GATED, .has_bias = true},
        {.name = "fused", .n_out = GATED, .n_stored = 2 * GATED, .has_bias = true},
        {0}};
    static const ll_load_part paired[] = {
        {.name = "v", .n_out = 20}, {.name = "paired", .n_out = 40, .paired = HEAD_DIM, .has_bias = true}, {0}};
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_kernels = all_kernels(sets);
    uint64_t seed = 51;
    printf("seed 51\n");
    for (size_t c = 0; c < 3 * 2; c++) {
        checkpoint file = checkpoint_new(&seed, dtypes[c % 3], c / 3 ? LL_IN_OUT : LL_OUT_IN);
        for (size_t i = 0; i < n_kernels * N_WANTED; i++) {
            const ll_kernels *k = sets[i / N_WANTED];
            const llmcs_weights w = wanted[i % N_WANTED];
            check_parts(&file, k, w, qkv, (const char *const[]){"q", "k", "v"});
            check_parts(&file, k, w, plain, (const char *const[]){"k", "q"});
            check_parts(&file, k, w, halves, (const char *const[]){"gate", "up"});
            if (file.layout == LL_OUT_IN) check_parts(&file, k, w, paired, (const char *const[]){"v", "unpaired"});
        }
        checkpoint_free(&file);
    }
}
END_TEST

/* act(gate(x)) * up(x) has the bits of the two products apart, whatever the rows and threads. */
static void check_product(uint64_t *seed, const ll_kernels *k, const ll_linear *both, const ll_linear *gate,
                          const ll_linear *up, size_t n_rows) {
    static const int activations[] = {LL_ACT_SILU, LL_ACT_GELU, LL_ACT_GELU_NEW, LL_ACT_RELU};
    const int activation = activations[random_below(seed, 4)], team_size = 1 + (int)random_below(seed, 4);
    float *x = random_floats(seed, 1.0f, n_rows * n_in), *workspace = floats(LL_GATED_FLOATS);
    float *want = floats(n_rows * GATED), *other = floats(n_rows * GATED), *y = floats(n_rows * GATED + 1);
    float *quantized = floats(ll_quantized_bytes(k, n_in, n_rows, 4) / sizeof(float) + 1);
    ll_exec exec = {.team = &(ll_team){NULL, 0, 1}, .kernels = k, .quantized = quantized, .gated = workspace};
    ll_linear_apply(&exec, gate, x, n_rows, activation, NULL, want);
    ll_linear_apply(&exec, up, x, n_rows, LL_ACT_NONE, NULL, other);
    k->multiply(want, other, want, n_rows * GATED);
    y[n_rows * GATED] = 42.0f;
    const ll_input in = ll_linear_input(&exec, both, x, n_rows);
    for (int i = 0; i < team_size; i++) {
        exec.team = &(ll_team){NULL, i, team_size};
        ll_linear_apply_gated(&exec, both, &in, activation, y);
    }
    ck_assert_msg(memcmp(y, want, n_rows * GATED * sizeof *y) == 0, "%s: type %d, %zu rows, %d threads", k->name,
                  (int)both->type, n_rows, team_size);
    ck_assert(y[n_rows * GATED] == 42.0f);
    float *const all[] = {x, workspace, want, other, y, quantized};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

static void check_gated(uint64_t *seed, const checkpoint *c, const ll_kernels *k, llmcs_weights weights,
                        const ll_load_part parts[2]) {
    static const size_t rows[] = {1, 3, 97, 200};
    const llmcs_allocator a = ll_allocator_default();
    ll_linear both = load(c, k, weights, describe_gated, parts), each[2];
    ck_assert_uint_eq(both.n_gated, GATED);
    for (size_t i = 0; i < 2; i++) {
        const ll_load_part one = {.name = i ? "up" : "gate", .n_out = GATED};
        each[i] = load(c, k, weights, describe_one, &one);
        if (!parts[i].has_bias) memset(each[i].bias, 0, GATED * sizeof(float));
        for (size_t j = 0; j < GATED; j++)
            check_output(&both, (j / both.nr * 2 + i) * both.nr + j % both.nr, &each[i], j, parts[i].has_bias);
    }
    for (size_t r = 0; r < 4; r++) check_product(seed, k, &both, &each[0], &each[1], rows[r]);
    ll_linear_free(&both, &a);
    for (size_t i = 0; i < 2; i++) ll_linear_free(&each[i], &a);
}

START_TEST(gate_and_up_by_turns) {
    static const ll_load_part apart[2] = {{.name = "gate", .n_out = GATED}, {.name = "up", .n_out = GATED}};
    static const ll_load_part biased[2] = {{.name = "gate", .n_out = GATED, .has_bias = true},
                                           {.name = "up", .n_out = GATED, .has_bias = true}};
    static const ll_load_part fused[2] = {
        {.name = "fused", .n_out = GATED, .skipped = GATED, .n_stored = 2 * GATED, .has_bias = true},
        {.name = "fused", .n_out = GATED, .n_stored = 2 * GATED}};
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_kernels = all_kernels(sets);
    uint64_t seed = 52;
    printf("seed 52\n");
    for (size_t c = 0; c < 3 * 2; c++) {
        checkpoint file = checkpoint_new(&seed, dtypes[c % 3], c / 3 ? LL_IN_OUT : LL_OUT_IN);
        for (size_t i = 0; i < n_kernels * N_WANTED; i++) {
            check_gated(&seed, &file, sets[i / N_WANTED], wanted[i % N_WANTED], apart);
            check_gated(&seed, &file, sets[i / N_WANTED], wanted[i % N_WANTED], biased);
            check_gated(&seed, &file, sets[i / N_WANTED], wanted[i % N_WANTED], fused);
        }
        checkpoint_free(&file);
    }
}
END_TEST

/* A GGUF file with three tensors of Q8_0 or Q4_0, by the names of GPT-2: blocks are packed as they are stored. */
static checkpoint quantised_new(uint64_t *seed, ll_source *source, bool q4) {
    static const char *const names[] = {"blk.0.ffn_up.weight", "blk.0.attn_output.weight", "blk.0.attn_qkv.weight"};
    static gguf_bytes b;
    const llmcs_allocator a = ll_allocator_default();
    const size_t rows[3] = {GATED, GATED, 40}, block_bytes = q4 ? 18 : 34;
    checkpoint c = {.layout = LL_IN_OUT};
    size_t at = 0;
    gguf_begin(&b, 3, 3, 1);
    gguf_text(&b, "general.architecture", "gpt2");
    for (size_t i = 0; i < 3; at += ll_round_up(rows[i++] * n_in / 32 * block_bytes, 32))
        gguf_tensor(&b, names[i], n_in, rows[i], q4 ? 2 : 8, at);
    gguf_pad(&b, 32);
    for (size_t i = 0; i < 3; i++, gguf_pad(&b, 32)) {
        for (size_t j = 0; j < rows[i] * n_in / 32; j++) {
            gguf_int(&b, ll_float_to_half(1e-3f + random_float(seed, 9e-4f)), 2);
            for (size_t k = 2; k < block_bytes; k++) gguf_int(&b, random_below(seed, 256), 1);
        }
    }
    temp_folder(c.folder);
    temp_write(c.folder, "x.gguf", b.at, b.n);
    ck_assert_msg(!ll_source_open(source, &a, temp_path(c.folder, "x.gguf"), LLMCS_LOAD_COPY), "%s",
                  llmcs_error_message());
    ck_assert_msg(!ll_tensors_open(&a, source, LLMCS_LOAD_COPY, &(ll_log){0}, &c.tensors), "%s", llmcs_error_message());
    return c;
}

static void check_quantised(uint64_t *seed, const checkpoint *c, const ll_kernels *k, llmcs_weights weights) {
    const llmcs_allocator a = ll_allocator_default();
    static const ll_load_part parts[] = {{.name = "transformer.h.0.mlp.c_fc", .n_out = GATED},
                                         {.name = "transformer.h.0.attn.c_proj", .n_out = GATED},
                                         {.name = "transformer.h.0.attn.c_attn", .n_out = 40},
                                         {0}};
    const ll_load_part paired[] = {{.name = parts[2].name, .n_out = 40, .paired = HEAD_DIM}, {0}};
    ll_linear both = load(c, k, weights, describe_gated, parts), rotated = load(c, k, weights, describe_parts, paired);
    ll_linear each[3];
    for (size_t i = 0; i < 3; i++) each[i] = load(c, k, weights, describe_parts, (const ll_load_part[]){parts[i], {0}});
    for (size_t j = 0; j < 2 * GATED; j++)
        check_output(&both, (j % GATED / both.nr * 2 + j / GATED) * both.nr + j % GATED % both.nr, &each[j / GATED],
                     j % GATED, false);
    for (size_t j = 0; j < 40; j++) check_output(&rotated, j, &each[2], ll_paired_output(HEAD_DIM, j), false);
    check_product(seed, k, &both, &each[0], &each[1], 5);
    ll_linear_free(&both, &a);
    ll_linear_free(&rotated, &a);
    for (size_t i = 0; i < 3; i++) ll_linear_free(&each[i], &a);
}

START_TEST(blocks_of_gguf_files) {
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_kernels = all_kernels(sets);
    uint64_t seed = 54;
    printf("seed 54\n");
    n_in = 64;
    for (size_t q4 = 0; q4 < 2; q4++) {
        ll_source source;
        checkpoint file = quantised_new(&seed, &source, q4);
        for (size_t i = 0; i < n_kernels * N_WANTED; i++)
            check_quantised(&seed, &file, sets[i / N_WANTED], wanted[i % N_WANTED]);
        ll_tensors_close(&file.tensors);
        ll_source_close(&source);
        temp_remove(file.folder);
    }
    n_in = 70;
}
END_TEST

/* A table keeps 16-bit floats, and reads as the linear does that has the same type. */
START_TEST(tables_keep_their_type) {
    static const ll_weight_type types[] = {LL_F32, LL_F16, LL_BF16};
    const llmcs_allocator a = ll_allocator_default();
    const ll_kernels *sets[MAX_KERNEL_SETS];
    all_kernels(sets);
    uint64_t seed = 55;
    for (size_t c = 0; c < 3; c++) {
        checkpoint file = checkpoint_new(&seed, dtypes[c], LL_OUT_IN);
        const ll_load_part part = {.name = "gate", .n_out = GATED};
        ll_linear same = load(&file, sets[0], LLMCS_WEIGHTS_AUTO, describe_one, &part);
        ll_loader l = {
            .tensors = file.tensors, .allocator = &a, .memory = &a, .kernels = sets[0], .check_finite = true};
        ll_table table;
        float row[128], want[128];
        ck_assert_int_eq(ll_load_rows(&l, &table, GATED, n_in, "gate.weight"), LLMCS_OK);
        ck_assert_uint_eq(l.bytes, GATED * n_in * (c ? 2 : 4));
        l.filling = true;
        ck_assert_int_eq(ll_load_rows(&l, &table, GATED, n_in, "gate.weight"), LLMCS_OK);
        ck_assert_int_eq(table.type, types[c]);
        for (size_t r = 0; r < GATED; r++) {
            ll_table_row(&table, r, row);
            ll_linear_row(&same, r, want);
            ck_assert_mem_eq(row, want, n_in * sizeof *row);
        }
        ll_free(&a, table.rows);
        ll_linear_free(&same, &a);
        checkpoint_free(&file);
    }
}
END_TEST

/* A fused tensor of another size, or a missing bias, is named. */
START_TEST(what_does_not_fit_is_named) {
    const ll_kernels *sets[MAX_KERNEL_SETS];
    all_kernels(sets);
    uint64_t seed = 53;
    printf("seed 53\n");
    checkpoint file = checkpoint_new(&seed, "F32", LL_OUT_IN);
    ll_loader l = {.tensors = file.tensors, .kernels = sets[0]};
    ll_linear linear;
    const ll_load_part gate = {.name = "fused", .n_out = GATED + 1, .n_stored = 2 * GATED + 2};
    ck_assert_int_eq(ll_load_gate_up(&l, &linear, LL_OUT_IN, n_in, &gate, &gate), LLMCS_CONFIG);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "\"fused.weight\" is [166,70]"));
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "[168,70]"));
    const ll_load_part missing = {.name = "nothing", .n_out = 8};
    ck_assert_int_eq(ll_load_parts(&l, &linear, LL_LARGE, LL_OUT_IN, n_in, &missing, 1), LLMCS_FORMAT);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "\"nothing.weight\" is missing"));
    checkpoint_free(&file);
}
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, parts_of_different_sizes);
    tcase_add_test(t, gate_and_up_by_turns);
    tcase_add_test(t, blocks_of_gguf_files);
    tcase_add_test(t, tables_keep_their_type);
    tcase_add_test(t, what_does_not_fit_is_named);
}

SUITE_MAIN("weights/parts", add)
