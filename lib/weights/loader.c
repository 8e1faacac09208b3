/* Loads the tensors of a checkpoint into the linears, norms and tables that a family describes. */
#include "weights/loader.h"

#include <string.h>

#include "base/half.h"
#include "base/slab.h"
#include "formats/bytes.h"

/* Elements per read: few enough to be still in the cache when they are checked. */
#define READ_ELEMENTS ((size_t)1 << 20)

static const ll_tensor *find_tensor(const ll_loader *l, const char *name) {
    char full[256];
    int len = ll_format(full, sizeof full, "%s%s", l->scope, name);
    return len > 0 && (size_t)len < sizeof full ? ll_tensors_find(l->tensors, full) : NULL;
}

bool ll_loader_has(const ll_loader *l, const char *name) { return find_tensor(l, name) != NULL; }

/* A path for the message about a missing tensor; a checkpoint may have no tensors at all. */
static const char *any_checkpoint_path(const ll_loader *l) {
    return ll_tensors_count(l->tensors) ? ll_tensors_path(l->tensors, ll_tensors_at(l->tensors, 0)) : "checkpoint";
}

/* The tensor `name` if it has exactly this shape and a type we compute with. */
static llmcs_status find_checked(ll_loader *l, const char *name, int rank, const uint64_t *shape,
                                 const ll_tensor **tensor) {
    const ll_tensor *t = find_tensor(l, name);
    if (!t)
        return ll_fail(LLMCS_FORMAT, "%s: tensor \"%s%s\" is missing; config.json requires it", any_checkpoint_path(l),
                       l->scope, name);
    if (t->rank != rank || memcmp(t->shape, shape, (size_t)rank * sizeof *shape) != 0) {
        char found[LL_SHAPE_TEXT_BYTES], expected[LL_SHAPE_TEXT_BYTES];
        return ll_fail(LLMCS_CONFIG, "%s: tensor \"%s\" is %s, config.json requires %s", ll_tensors_path(l->tensors, t),
                       t->name, ll_shape_text(t->shape, t->rank, found), ll_shape_text(shape, rank, expected));
    }
    if (t->dtype == LL_DTYPE_OTHER)
        return ll_fail(LLMCS_UNSUPPORTED, "%s: tensor \"%s\" is of type %s; " LL_DTYPE_NAMES " are supported",
                       ll_tensors_path(l->tensors, t), t->name, t->dtype_name);
    if (!l->filling) l->n_parameters += t->n_elements;
    if (!l->filling && l->visit) l->visit(l->visit_user, t);
    *tensor = t;
    return LLMCS_OK;
}

static void count_bytes(ll_loader *l, uint64_t bytes) {
    l->bytes += bytes;
    l->slab_bytes += ll_slab_capacity(bytes);
}

/* Reads a whole tensor as float32, in its own order. */
static llmcs_status read_plain(ll_loader *l, const ll_tensor *t, float *out) {
    for (uint64_t first = 0; first < t->n_elements; first += READ_ELEMENTS) {
        uint64_t left = t->n_elements - first;
        size_t n = left < READ_ELEMENTS ? (size_t)left : READ_ELEMENTS;
        LL_TRY(ll_tensors_read_f32(l->tensors, t, first, n, out + first));
        if (l->check_finite) LL_TRY(ll_weights_check_finite(l->tensors, t, out + first, first, n));
    }
    l->n_read += t->n_elements;
    return LLMCS_OK;
}

/* ------------------------------------------------------------------------------------------------ linears */

#define MAX_PARTS 4

/* The packed type of a stored type. */
static ll_weight_type packed_type_of_dtype(ll_dtype dtype) {
    switch (dtype) {
        case LL_DTYPE_F16:
            return LL_F16;
        case LL_DTYPE_BF16:
            return LL_BF16;
        case LL_DTYPE_Q8_0:
        case LL_DTYPE_Q6_K:
            return LL_Q8;
        case LL_DTYPE_Q4_0:
        case LL_DTYPE_Q4_1:
            return LL_Q4;
        case LL_DTYPE_F32:
        case LL_DTYPE_F64:
        case LL_DTYPE_OTHER:
            break;
    }
    return LL_F32;
}

/* The packed type of a linear made of these tensors: float32 if it is small, else the type that the caller wants, else
 * that of its parts. Parts of different types are packed as Q8 if all are integers, else as float32. */
static ll_weight_type packed_type_of(const ll_loader *l, ll_weight_use use, const ll_tensor *const *parts,
                                     size_t n_parts) {
    bool all_integers = true, all_same = true;
    static const ll_weight_type wanted_type[] = {
        [LLMCS_WEIGHTS_F32] = LL_F32, [LLMCS_WEIGHTS_F16] = LL_F16, [LLMCS_WEIGHTS_BF16] = LL_BF16,
        [LLMCS_WEIGHTS_INT8] = LL_Q8, [LLMCS_WEIGHTS_INT4] = LL_Q4,
    };
    if (use == LL_SMALL || !n_parts) return LL_F32;
    if (l->wanted != LLMCS_WEIGHTS_AUTO) return wanted_type[l->wanted];
    const ll_weight_type first = packed_type_of_dtype(parts[0]->dtype);
    for (size_t i = 0; i < n_parts; i++) {
        const ll_weight_type type = packed_type_of_dtype(parts[i]->dtype);
        all_integers &= ll_is_integer_type(type);
        all_same &= type == first;
    }
    return all_same ? first : all_integers ? LL_Q8 : LL_F32;
}

/* Adds (or counts) the jobs of a tensor: several for a large one. */
static void add_jobs(ll_loader *l, ll_linear *linear, const ll_weight_source *source, size_t n_out) {
    const size_t step = ll_linear_load_step(linear, source->layout);
    for (size_t begin = 0; begin < n_out; begin += step ? step : n_out) {
        const size_t end = step ? ll_min(begin + step, n_out) : n_out;
        if (l->filling)
            l->jobs[l->n_added++] = (ll_load_job){linear, *source, begin, end};
        else
            l->n_jobs++;
    }
}

/* An adapter's rows are in Hugging Face's order, not in the paired order of GGUF files. */
static llmcs_status check_pairs(const ll_loader *l, const ll_load_part *part, const ll_tensor *t) {
    if (!part->paired || !t->change) return LLMCS_OK;
    return ll_fail(
        LLMCS_UNSUPPORTED,
        "%s: tensor \"%.80s\" has its rows in llama.cpp's paired order, which adapters do not have: apply the adapter "
        "to the Hugging Face folder",
        ll_tensors_path(l->tensors, t), t->name);
}

/* Finds the tensor of a part. A tensor that states its own layout overrides the caller's. */
static llmcs_status find_part(ll_loader *l, const ll_load_part *part, size_t n_in, ll_weight_layout *layout,
                              const ll_tensor **tensor) {
    char name[128];
    ll_format(name, sizeof name, part->whole_names ? "%s" : "%s.weight", part->name);
    const ll_tensor *t = find_tensor(l, name);
    if (t && t->out_in) *layout = LL_OUT_IN;
    const uint64_t n = part->n_stored ? part->n_stored : part->n_out;
    const uint64_t shape[2] = {*layout == LL_OUT_IN ? n : n_in, *layout == LL_OUT_IN ? n_in : n};
    LL_TRY(find_checked(l, name, 2, shape, tensor));
    LL_TRY(check_pairs(l, part, *tensor));
    if (!l->filling && part->skipped) l->n_parameters -= (*tensor)->n_elements; /* counted with the first part */
    return LLMCS_OK;
}

/* Allocates a linear, or counts its bytes. n_gated: of gate and up, else 0. */
static llmcs_status create_linear(ll_loader *l, ll_linear *linear, ll_weight_use use, ll_weight_type type, size_t n_in,
                                  size_t n_out, size_t n_gated, bool with_bias, const char *name) {
    if (l->filling && n_gated)
        return ll_linear_create_gated(linear, l->memory, l->kernels, type, n_in, n_gated, with_bias, name);
    if (l->filling) return ll_linear_create(linear, l->memory, l->kernels, type, n_in, n_out, with_bias, name);
    *linear = (ll_linear){.nr = l->kernels->nr};
    const uint64_t bytes = ll_linear_bytes(l->kernels, type, n_in, n_out, false);
    count_bytes(l, bytes);
    if (with_bias) count_bytes(l, n_out * sizeof(float));
    if (use == LL_LARGE) l->bytes_of[type] += bytes;
    return LLMCS_OK;
}

static ll_panels panels_of_part(bool gated, size_t part) {
    return !gated ? LL_PANELS_ALL : part ? LL_PANELS_UP : LL_PANELS_GATE;
}

/* gated: two parts whose panels alternate. */
static llmcs_status load_parts(ll_loader *l, ll_linear *linear, ll_weight_use use, ll_weight_layout layout, size_t n_in,
                               size_t n_out, const ll_load_part *parts, size_t n_parts, bool gated, bool with_bias) {
    const ll_tensor *tensors[MAX_PARTS] = {NULL};
    ll_weight_layout layouts[MAX_PARTS];
    for (size_t i = 0; i < n_parts; i++) {
        layouts[i] = layout;
        LL_TRY(find_part(l, &parts[i], n_in, &layouts[i], &tensors[i]));
    }
    const ll_weight_type type = packed_type_of(l, use, tensors, n_parts);
    const size_t n_gated = gated ? parts[0].n_out : 0;
    LL_TRY(create_linear(l, linear, use, type, n_in, n_out, n_gated, with_bias, parts[0].name));
    for (size_t i = 0, first_out = 0; i < n_parts; first_out += parts[i++].n_out) {
        const ll_weight_source source = {.kernels = l->kernels,
                                         .tensors = l->tensors,
                                         .tensor = tensors[i],
                                         .layout = layouts[i],
                                         .first_out = gated ? 0 : first_out,
                                         .check_finite = l->check_finite,
                                         .skipped = parts[i].skipped,
                                         .n_out = parts[i].n_out,
                                         .paired = parts[i].paired,
                                         .panels = panels_of_part(gated, i)};
        add_jobs(l, linear, &source, parts[i].n_out);
    }
    return LLMCS_OK;
}

llmcs_status ll_load_weights(ll_loader *l, ll_linear *linear, ll_weight_use use, ll_weight_layout layout, size_t n_in,
                             size_t n_out, const char *const *names, size_t n_parts, bool with_bias) {
    ll_load_part parts[MAX_PARTS];
    for (size_t i = 0; i < n_parts; i++) parts[i] = (ll_load_part){.name = names[i], .n_out = n_out / n_parts};
    return load_parts(l, linear, use, layout, n_in, n_out, parts, n_parts, false, with_bias);
}

/* Reads n contiguous biases. */
static llmcs_status read_bias(ll_loader *l, const ll_tensor *t, size_t first, size_t n, float *bias) {
    LL_TRY(ll_tensors_read_f32(l->tensors, t, first, n, bias));
    l->n_read += n;
    return l->check_finite ? ll_weights_check_finite(l->tensors, t, bias, first, n) : LLMCS_OK;
}

/* Loads the biases of a part, in the order of its outputs. */
static llmcs_status load_part_bias(ll_loader *l, const ll_linear *linear, const ll_load_part *part, size_t first_out,
                                   ll_panels panels) {
    char name[128];
    const ll_tensor *t;
    const uint64_t n_stored = part->n_stored ? part->n_stored : part->n_out;
    ll_format(name, sizeof name, part->whole_names ? "%s" : "%s.bias", part->whole_names ? part->bias : part->name);
    LL_TRY(find_checked(l, name, 1, &n_stored, &t));
    LL_TRY(check_pairs(l, part, t));
    if (!l->filling && part->skipped) l->n_parameters -= t->n_elements;
    if (!l->filling) return LLMCS_OK;
    const size_t nr = linear->nr, first_panel = panels == LL_PANELS_UP ? nr : 0;
    for (size_t i = 0, n; i < part->n_out; i += n) {
        n = part->paired ? 1 : panels == LL_PANELS_ALL ? part->n_out : ll_min(nr, part->n_out - i);
        const size_t from = part->skipped + (part->paired ? ll_paired_output(part->paired, i) : i);
        float *to = linear->bias + (panels == LL_PANELS_ALL ? first_out + i : 2 * i + first_panel);
        LL_TRY(read_bias(l, t, from, n, to));
    }
    return LLMCS_OK;
}

static llmcs_status load_biases(ll_loader *l, ll_linear *linear, const ll_load_part *parts, size_t n_parts,
                                bool gated) {
    if (l->filling && !gated) memset(linear->bias, 0, linear->n_out * sizeof *linear->bias);
    for (size_t i = 0, first_out = 0; i < n_parts; first_out += parts[i++].n_out)
        if (parts[i].has_bias) LL_TRY(load_part_bias(l, linear, &parts[i], first_out, panels_of_part(gated, i)));
    return LLMCS_OK;
}

llmcs_status ll_load_parts(ll_loader *l, ll_linear *linear, ll_weight_use use, ll_weight_layout layout, size_t n_in,
                           const ll_load_part *parts, size_t n_parts) {
    size_t n_out = 0;
    bool with_bias = false;
    for (size_t i = 0; i < n_parts; i++) {
        n_out += parts[i].n_out;
        with_bias |= parts[i].has_bias;
    }
    LL_TRY(load_parts(l, linear, use, layout, n_in, n_out, parts, n_parts, false, with_bias));
    return with_bias ? load_biases(l, linear, parts, n_parts, false) : LLMCS_OK;
}

llmcs_status ll_load_gate_up(ll_loader *l, ll_linear *linear, ll_weight_layout layout, size_t n_in,
                             const ll_load_part *gate, const ll_load_part *up) {
    const ll_load_part parts[2] = {*gate, *up};
    const bool with_bias = gate->has_bias || up->has_bias;
    const size_t n_out = ll_gated_outputs(l->kernels, gate->n_out);
    LL_TRY(load_parts(l, linear, LL_LARGE, layout, n_in, n_out, parts, 2, true, with_bias));
    return with_bias ? load_biases(l, linear, parts, 2, true) : LLMCS_OK;
}

llmcs_status ll_load_bias(ll_loader *l, ll_linear *linear, size_t first_out, size_t n_out, const char *name) {
    const ll_tensor *t = find_tensor(l, name);
    const uint64_t shape[2] = {1, n_out};
    const int rank = t && t->rank == 2 ? 2 : 1; /* BART's final_logits_bias is a row */
    LL_TRY(find_checked(l, name, rank, shape + 2 - rank, &t));
    return l->filling ? read_plain(l, t, linear->bias + first_out) : LLMCS_OK;
}

llmcs_status ll_load_linear(ll_loader *l, ll_linear *linear, ll_weight_use use, ll_weight_layout layout, size_t n_in,
                            size_t n_out, const char *name) {
    char bias[128];
    ll_format(bias, sizeof bias, "%s.bias", name);
    LL_TRY(ll_load_weights(l, linear, use, layout, n_in, n_out, &name, 1, true));
    return ll_load_bias(l, linear, 0, n_out, bias);
}

/* -------------------------------------------------------------------------------------------- plain numbers */

llmcs_status ll_load_vector(ll_loader *l, float **vector, size_t n, const char *name) {
    const ll_tensor *t;
    LL_TRY(find_checked(l, name, 1, &(uint64_t){n}, &t));
    if (!l->filling) {
        count_bytes(l, n * sizeof(float));
        return LLMCS_OK;
    }
    LL_TRY(ll_alloc(l->memory, n, sizeof(float), name, vector));
    return read_plain(l, t, *vector);
}

llmcs_status ll_load_norm_of(ll_loader *l, ll_norm *norm, ll_norm_kind kind, size_t n, float eps, const char *name,
                             bool has_bias, float add) {
    char weight[128], bias[128];
    ll_format(weight, sizeof weight, "%s.gamma", name);
    ll_format(bias, sizeof bias, "%s.beta", name);
    if (!ll_loader_has(l, weight)) {
        ll_format(weight, sizeof weight, "%s.weight", name);
        ll_format(bias, sizeof bias, "%s.bias", name);
    }
    *norm = (ll_norm){.n = n, .eps = eps, .kind = kind};
    LL_TRY(ll_load_vector(l, &norm->weight, n, weight));
    if (l->filling && add != 0.0f)
        for (size_t i = 0; i < n; i++) norm->weight[i] += add;
    return has_bias ? ll_load_vector(l, &norm->bias, n, bias) : LLMCS_OK;
}

llmcs_status ll_load_norm(ll_loader *l, ll_norm *norm, size_t n, float eps, const char *name) {
    return ll_load_norm_of(l, norm, LL_NORM_LAYER, n, eps, name, true, 0.0f);
}

llmcs_status ll_load_space(ll_loader *l, float **floats, size_t n, const char *name) {
    *floats = NULL;
    if (l->filling) return ll_alloc(l->memory, n, sizeof(float), name, floats);
    count_bytes(l, n * sizeof(float));
    return LLMCS_OK;
}

llmcs_status ll_load_table(ll_loader *l, float **table, size_t n_rows, size_t n, const char *name) {
    const ll_tensor *t;
    uint64_t shape[2] = {n_rows, n};
    LL_TRY(find_checked(l, name, 2, shape, &t));
    if (!l->filling) {
        count_bytes(l, t->n_elements * sizeof(float));
        return LLMCS_OK;
    }
    size_t n_floats;
    if (!ll_mul(n_rows, n, &n_floats)) return ll_fail(LLMCS_LIMIT, "tensor \"%s\" is too large", t->name);
    LL_TRY(ll_alloc(l->memory, n_floats, sizeof(float), name, table));
    return read_plain(l, t, *table);
}

/* Reads elements [first, first + n) as they are stored. */
static llmcs_status read_halves(ll_loader *l, const ll_tensor *t, uint64_t first, size_t n, ll_weight_type type,
                                uint16_t *out) {
    const unsigned exponent = type == LL_F16 ? 0x7c00u : 0x7f80u;
    size_t n_bad = 0;
    LL_TRY(ll_tensors_read_raw(l->tensors, t, first * 2, n * 2, out));
    for (size_t i = 0; i < n; i++) {
        out[i] = ll_load_u16((const unsigned char *)(out + i));
        n_bad += (out[i] & exponent) == exponent;
    }
    l->n_read += n;
    for (size_t i = 0; l->check_finite && n_bad && i < n; i++) {
        const float value = type == LL_F16 ? ll_half_to_float(out[i]) : ll_bfloat_to_float(out[i]);
        LL_TRY(ll_weights_check_finite(l->tensors, t, &value, first + i, 1));
    }
    return LLMCS_OK;
}

/* Reads elements [first, first + n), which an adapter changed, and rounds them. */
static llmcs_status round_to_halves(ll_loader *l, const ll_tensor *t, uint64_t first, size_t n, ll_weight_type type,
                                    uint16_t *out) {
    float values[512];
    for (size_t done = 0, part; done < n; done += part) {
        part = ll_min(sizeof values / sizeof *values, n - done);
        LL_TRY(ll_tensors_read_f32(l->tensors, t, first + done, part, values));
        LL_TRY(ll_weights_check_finite(l->tensors, t, values, first + done, part));
        for (size_t i = 0; i < part; i++) {
            out[done + i] = type == LL_F16 ? ll_float_to_half(values[i]) : ll_float_to_bfloat(values[i]);
            if (type == LL_F16 && (out[done + i] & 0x7c00u) == 0x7c00u)
                return ll_fail(LLMCS_UNSUPPORTED,
                               "%s: tensor \"%s\": with the adapter element %llu is too large for float16",
                               ll_tensors_path(l->tensors, t), t->name, (unsigned long long)(first + done + i));
        }
    }
    l->n_read += n;
    return LLMCS_OK;
}

llmcs_status ll_load_rows(ll_loader *l, ll_table *table, size_t n_rows, size_t n, const char *name) {
    const ll_tensor *t;
    const uint64_t shape[2] = {n_rows, n};
    LL_TRY(find_checked(l, name, 2, shape, &t));
    const bool exact = t->change && l->wanted == LLMCS_WEIGHTS_F32; /* values an adapter changed need float32 */
    const bool half = (t->dtype == LL_DTYPE_F16 || t->dtype == LL_DTYPE_BF16) && !exact;
    const size_t element = half ? 2 : sizeof(float);
    size_t n_elements;
    if (!ll_mul(n_rows, n, &n_elements)) return ll_fail(LLMCS_LIMIT, "tensor \"%s\" is too large", t->name);
    *table = (ll_table){.type = !half ? LL_F32 : t->dtype == LL_DTYPE_F16 ? LL_F16 : LL_BF16, .n = n};
    if (!l->filling) {
        count_bytes(l, t->n_elements * element);
        return LLMCS_OK;
    }
    LL_TRY(ll_alloc(l->memory, n_elements, element, name, &table->rows));
    if (!half) return read_plain(l, t, table->rows);
    for (uint64_t first = 0; first < t->n_elements; first += READ_ELEMENTS) {
        const size_t left = (size_t)(t->n_elements - first);
        LL_TRY((t->change ? round_to_halves : read_halves)(l, t, first, ll_min(left, READ_ELEMENTS), table->type,
                                                           (uint16_t *)table->rows + first));
    }
    return LLMCS_OK;
}
