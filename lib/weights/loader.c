/* Loads the tensors of a checkpoint into the linears, norms and tables that a family describes. */
#include "weights/loader.h"

#include <string.h>

#include "base/slab.h"

/* Elements of one read: few enough that they are still in the cache when they are checked. */
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
        return ll_fail(LLMCS_FORMAT, "%s: tensor \"%s%s\" is missing, config.json needs it", any_checkpoint_path(l),
                       l->scope, name);
    if (t->rank != rank || memcmp(t->shape, shape, (size_t)rank * sizeof *shape) != 0) {
        char found[LL_SHAPE_TEXT_BYTES], expected[LL_SHAPE_TEXT_BYTES];
        return ll_fail(LLMCS_CONFIG, "%s: tensor \"%s\" is %s, config.json needs %s", ll_tensors_path(l->tensors, t),
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

#define MAX_PARTS 3

/* The packed type of a stored type, unless the caller wants another one. */
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

/* The packed type of the linear of these tensors. Parts of different types become float32, which holds them all. */
static ll_weight_type packed_type_of(const ll_loader *l, ll_weight_use use, const ll_tensor *const *parts,
                                     size_t n_parts) {
    static const ll_weight_type wanted_type[] = {
        [LLMCS_WEIGHTS_F32] = LL_F32, [LLMCS_WEIGHTS_F16] = LL_F16, [LLMCS_WEIGHTS_BF16] = LL_BF16,
        [LLMCS_WEIGHTS_INT8] = LL_Q8, [LLMCS_WEIGHTS_INT4] = LL_Q4,
    };
    if (use == LL_SMALL) return LL_F32;
    if (l->wanted != LLMCS_WEIGHTS_AUTO) return wanted_type[l->wanted];
    for (size_t i = 1; i < n_parts; i++)
        if (packed_type_of_dtype(parts[i]->dtype) != packed_type_of_dtype(parts[0]->dtype)) return LL_F32;
    return packed_type_of_dtype(parts[0]->dtype);
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

llmcs_status ll_load_weights(ll_loader *l, ll_linear *linear, ll_weight_use use, ll_weight_layout layout, size_t n_in,
                             size_t n_out, const char *const *names, size_t n_parts, bool with_bias) {
    const ll_tensor *parts[MAX_PARTS] = {NULL};
    const size_t n = n_out / n_parts;
    for (size_t i = 0; i < n_parts; i++) {
        char name[128];
        ll_format(name, sizeof name, "%s.weight", names[i]);
        const ll_tensor *t = find_tensor(l, name);
        if (t && t->out_in) layout = LL_OUT_IN;
        const uint64_t shape[2] = {layout == LL_OUT_IN ? n : n_in, layout == LL_OUT_IN ? n_in : n};
        LL_TRY(find_checked(l, name, 2, shape, &parts[i]));
    }
    const ll_weight_type type = packed_type_of(l, use, parts, n_parts);
    if (l->filling) {
        LL_TRY(ll_linear_create(linear, l->memory, l->kernels, type, n_in, n_out, with_bias, names[0]));
    } else {
        *linear = (ll_linear){.nr = l->kernels->nr};
        const uint64_t bytes = ll_linear_bytes(l->kernels, type, n_in, n_out, false);
        count_bytes(l, bytes);
        if (with_bias) count_bytes(l, n_out * sizeof(float));
        if (use == LL_LARGE) l->bytes_of[type] += bytes;
    }
    for (size_t i = 0; i < n_parts; i++) {
        const ll_weight_source source = {l->kernels, l->tensors, parts[i], layout, i * n, l->check_finite};
        add_jobs(l, linear, &source, n);
    }
    return LLMCS_OK;
}

llmcs_status ll_load_bias(ll_loader *l, ll_linear *linear, size_t first_out, size_t n_out, const char *name) {
    const ll_tensor *t;
    LL_TRY(find_checked(l, name, 1, &(uint64_t){n_out}, &t));
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

static llmcs_status load_vector(ll_loader *l, float **vector, size_t n, const char *name) {
    const ll_tensor *t;
    LL_TRY(find_checked(l, name, 1, &(uint64_t){n}, &t));
    if (!l->filling) {
        count_bytes(l, n * sizeof(float));
        return LLMCS_OK;
    }
    LL_TRY(ll_alloc(l->memory, n, sizeof(float), name, vector));
    return read_plain(l, t, *vector);
}

llmcs_status ll_load_norm(ll_loader *l, ll_norm *norm, size_t n, float eps, const char *name) {
    char weight[128], bias[128];
    ll_format(weight, sizeof weight, "%s.gamma", name);
    ll_format(bias, sizeof bias, "%s.beta", name);
    if (!ll_loader_has(l, weight)) {
        ll_format(weight, sizeof weight, "%s.weight", name);
        ll_format(bias, sizeof bias, "%s.bias", name);
    }
    norm->n = n;
    norm->eps = eps;
    LL_TRY(load_vector(l, &norm->weight, n, weight));
    return load_vector(l, &norm->bias, n, bias);
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
