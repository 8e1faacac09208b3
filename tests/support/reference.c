#include "support/reference.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/suite.h"

#define PI 3.14159265358979323846

static const float *tensor(const reference *r, const char *name, const char *suffix) {
    char full[256];
    snprintf(full, sizeof full, "%s%s%s", r->prefix, name, suffix);
    return checkpoint_f32(r->checkpoint, full);
}

static double *doubles(size_t n) {
    double *p = calloc(n, sizeof *p);
    ck_assert_ptr_nonnull(p);
    return p;
}

/* Conv1D stores [n_in, n_out], Linear [n_out, n_in]. */
static void linear(const reference *r, const char *name, bool conv1d, const double *x, size_t n_rows, size_t n_in,
                   size_t n_out, double *y) {
    const float *w = tensor(r, name, ".weight"), *b = tensor(r, name, ".bias");
    for (size_t i = 0; i < n_rows; i++)
        for (size_t o = 0; o < n_out; o++) {
            double sum = (double)b[o];
            for (size_t k = 0; k < n_in; k++)
                sum += x[i * n_in + k] * (double)(conv1d ? w[k * n_out + o] : w[o * n_in + k]);
            y[i * n_out + o] = sum;
        }
}

void reference_linear(const reference *r, const char *name, const double *x, size_t n_rows, size_t n_in, size_t n_out,
                      double *y) {
    linear(r, name, false, x, n_rows, n_in, n_out, y);
}

void reference_norm(const reference *r, const char *name, double *x, size_t n_rows, size_t n) {
    const float *w = tensor(r, name, ".weight"), *b = tensor(r, name, ".bias");
    for (size_t i = 0; i < n_rows; i++) {
        double *row = x + i * n, mean = 0.0, var = 0.0;
        for (size_t d = 0; d < n; d++) mean += row[d] / (double)n;
        for (size_t d = 0; d < n; d++) var += (row[d] - mean) * (row[d] - mean) / (double)n;
        for (size_t d = 0; d < n; d++) row[d] = (row[d] - mean) / sqrt(var + r->eps) * (double)w[d] + (double)b[d];
    }
}

void reference_activate(ll_activation activation, double *x, size_t n) {
    for (size_t i = 0; i < n; i++) {
        double v = x[i];
        switch (activation) {
            case LL_ACT_NONE:
                break;
            case LL_ACT_GELU:
                x[i] = v / 2 * (1 + erf(v / sqrt(2)));
                break;
            case LL_ACT_GELU_NEW:
                x[i] = v / 2 * (1 + tanh(sqrt(2 / PI) * (v + 0.044715 * v * v * v)));
                break;
            case LL_ACT_RELU:
                x[i] = v > 0 ? v : 0;
                break;
            case LL_ACT_SILU:
                x[i] /= 1 + exp(-x[i]);
                break;
            case LL_ACT_QUICK_GELU:
                x[i] /= 1 + exp(-1.702 * x[i]);
                break;
            case LL_ACT_TANH:
                x[i] = tanh(v);
                break;
        }
    }
}

/* q, k, v, out: [n, n_embd]; every head apart. */
static void attention(const reference *r, const double *q, const double *k, const double *v, size_t n, bool causal,
                      double *out) {
    size_t e = r->n_embd, dim = e / r->n_head;
    double *p = doubles(n);
    for (size_t h = 0; h < r->n_head; h++)
        for (size_t i = 0; i < n; i++) {
            size_t seen = causal ? i + 1 : n;
            double top = -INFINITY, sum = 0.0;
            for (size_t j = 0; j < seen; j++) {
                p[j] = 0.0;
                for (size_t d = 0; d < dim; d++) p[j] += q[i * e + h * dim + d] * k[j * e + h * dim + d];
                if (r->scaled) p[j] /= sqrt((double)dim);
                top = fmax(top, p[j]);
            }
            for (size_t j = 0; j < seen; j++) sum += p[j] = exp(p[j] - top);
            for (size_t d = 0; d < dim; d++) {
                double mixed = 0.0;
                for (size_t j = 0; j < seen; j++) mixed += p[j] / sum * v[j * e + h * dim + d];
                out[i * e + h * dim + d] = mixed;
            }
        }
    free(p);
}

static void add(double *x, const double *y, size_t n) {
    for (size_t i = 0; i < n; i++) x[i] += y[i];
}

void reference_gpt2(const reference *r, const int32_t *ids, size_t n, double *x) {
    size_t e = r->n_embd;
    double *h = doubles(n * e), *qkv = doubles(n * 3 * e), *parts = doubles(3 * n * e), *out = doubles(n * e);
    double *inner = doubles(n * r->n_inner);
    const float *wte = tensor(r, "wte.weight", ""), *wpe = tensor(r, "wpe.weight", "");
    for (size_t i = 0; i < n; i++)
        for (size_t d = 0; d < e; d++) x[i * e + d] = (double)wte[(size_t)ids[i] * e + d] + (double)wpe[i * e + d];
    for (size_t layer = 0; layer < r->n_layer; layer++) {
        char prefix[64];
        snprintf(prefix, sizeof prefix, "%sh.%zu.", r->prefix, layer);
        reference block = *r;
        block.prefix = prefix;
        memcpy(h, x, n * e * sizeof *x);
        reference_norm(&block, "ln_1", h, n, e);
        linear(&block, "attn.c_attn", true, h, n, e, 3 * e, qkv);
        for (size_t part = 0; part < 3; part++)
            for (size_t i = 0; i < n; i++)
                memcpy(parts + (part * n + i) * e, qkv + (i * 3 + part) * e, e * sizeof *qkv);
        attention(r, parts, parts + n * e, parts + 2 * n * e, n, true, h);
        linear(&block, "attn.c_proj", true, h, n, e, e, out);
        add(x, out, n * e);
        memcpy(h, x, n * e * sizeof *x);
        reference_norm(&block, "ln_2", h, n, e);
        linear(&block, "mlp.c_fc", true, h, n, e, r->n_inner, inner);
        reference_activate(r->activation, inner, n * r->n_inner);
        linear(&block, "mlp.c_proj", true, inner, n, r->n_inner, e, out);
        add(x, out, n * e);
    }
    reference_norm(r, "ln_f", x, n, e);
    free(h), free(qkv), free(parts), free(out), free(inner);
}

void reference_bert(const reference *r, bool distil, const int32_t *ids, const int32_t *types, size_t n,
                    size_t position_offset, double *x) {
    size_t e = r->n_embd;
    double *q = doubles(n * e), *k = doubles(n * e), *v = doubles(n * e), *h = doubles(n * e), *out = doubles(n * e);
    double *inner = doubles(n * r->n_inner);
    const float *word = tensor(r, "embeddings.word_embeddings.weight", "");
    const float *position = tensor(r, "embeddings.position_embeddings.weight", "");
    const float *type = distil ? NULL : tensor(r, "embeddings.token_type_embeddings.weight", "");
    for (size_t i = 0; i < n; i++)
        for (size_t d = 0; d < e; d++)
            x[i * e + d] = (double)word[(size_t)ids[i] * e + d] + (double)position[(i + position_offset) * e + d] +
                           (type ? (double)type[(types ? (size_t)types[i] : 0) * e + d] : 0.0);
    reference_norm(r, "embeddings.LayerNorm", x, n, e);
    for (size_t layer = 0; layer < r->n_layer; layer++) {
        char prefix[64];
        snprintf(prefix, sizeof prefix, "%s%s.layer.%zu.", r->prefix, distil ? "transformer" : "encoder", layer);
        reference one = *r;
        one.prefix = prefix;
        reference_linear(&one, distil ? "attention.q_lin" : "attention.self.query", x, n, e, e, q);
        reference_linear(&one, distil ? "attention.k_lin" : "attention.self.key", x, n, e, e, k);
        reference_linear(&one, distil ? "attention.v_lin" : "attention.self.value", x, n, e, e, v);
        attention(r, q, k, v, n, false, h);
        reference_linear(&one, distil ? "attention.out_lin" : "attention.output.dense", h, n, e, e, out);
        add(x, out, n * e);
        reference_norm(&one, distil ? "sa_layer_norm" : "attention.output.LayerNorm", x, n, e);
        reference_linear(&one, distil ? "ffn.lin1" : "intermediate.dense", x, n, e, r->n_inner, inner);
        reference_activate(r->activation, inner, n * r->n_inner);
        reference_linear(&one, distil ? "ffn.lin2" : "output.dense", inner, n, r->n_inner, e, out);
        add(x, out, n * e);
        reference_norm(&one, distil ? "output_layer_norm" : "output.LayerNorm", x, n, e);
    }
    free(q), free(k), free(v), free(h), free(out), free(inner);
}
