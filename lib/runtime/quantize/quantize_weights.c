/* Chooses the type of each tensor of a GGUF file, and converts the weights chunk by chunk. */
#include <string.h>

#include "base/call.h"
#include "families/family.h"
#include "formats/convert.h"
#include "runtime/quantize/quantize.h"
#include "weights/weights.h"

#define CHUNK_ELEMENTS ((size_t)1 << 18) /* converted at once; one row if that is longer */

/* ------------------------------------------------------------------------------------------------------- plan */

static bool has_prefix(const char *text, const char *with) { return strncmp(text, with, strlen(with)) == 0; }

/* True for matrices of the layers and of the vocabulary. */
static bool takes_type(const ll_stored *s, const ll_config *c) {
    if (s->rank != 2 || strcmp(s->name, "position_embd.weight") == 0) return false;
    return has_prefix(s->name, "blk.") || s->shape[0] == (uint64_t)c->vocab_size;
}

/* The oldest BERT checkpoints use TensorFlow's names gamma and beta. */
static void modern_name(const char *name, char out[LL_MAX_NAME_TEXT]) {
    static const char *const endings[2][2] = {{".gamma", ".weight"}, {".beta", ".bias"}};
    size_t len = strlen(name);
    ll_format(out, LL_MAX_NAME_TEXT, "%s", name);
    for (size_t i = 0; i < 2; i++) {
        size_t n = strlen(endings[i][0]);
        if (len >= n && strcmp(name + len - n, endings[i][0]) == 0)
            ll_format(out, LL_MAX_NAME_TEXT, "%.*s%s", (int)(len - n), name, endings[i][1]);
    }
}

static llmcs_status set_name(ll_stored *s, const char *name, const ll_config *c) {
    char modern[LL_MAX_NAME_TEXT];
    modern_name(name, modern);
    if (ll_checkpoint_to_gguf(c->family, modern, s->name, &s->known) && strlen(s->name) < LL_MAX_GGUF_NAME_BYTES)
        return LLMCS_OK;
    return ll_fail(LLMCS_LIMIT, "tensor \"%.80s\": GGUF has names of at most %d bytes", s->tensor->name,
                   LL_MAX_GGUF_NAME_BYTES - 1);
}

llmcs_status ll_stored_plan(ll_stored *s, const ll_tensor *tensor, const char *name, const ll_config *c, ll_dtype dtype,
                            bool *fallback) {
    *s = (ll_stored){.tensor = tensor, .rank = tensor->rank, .dtype = LL_DTYPE_F32};
    memcpy(s->shape, tensor->shape, sizeof s->shape);
    LL_TRY(set_name(s, name, c));
    s->transposed = c->family->stack[0].in_out && s->rank == 2 && has_prefix(s->name, "blk.") && !tensor->out_in;
    if (s->transposed) {
        s->shape[0] = tensor->shape[1];
        s->shape[1] = tensor->shape[0];
    }
    if (strcmp(s->name, "position_embd.weight") == 0) {
        s->first_row = (uint64_t)c->position_offset;
        s->shape[0] -= s->first_row;
    }
    *fallback = false;
    if (takes_type(s, c)) {
        s->dtype = dtype;
        *fallback = s->shape[1] % ll_dtype_block_of(dtype).elements != 0;
        if (*fallback) s->dtype = LL_DTYPE_F16;
    }
    ll_dtype_block block = ll_dtype_block_of(s->dtype);
    uint64_t n_elements = 1;
    for (int i = 0; i < s->rank; i++) n_elements *= s->shape[i];
    s->n_bytes = n_elements / block.elements * block.bytes;
    return LLMCS_OK;
}

/* True for the weights and biases of a role in a layer: "blk.3.attn_q.weight". */
static bool is_in_layer(const ll_stored *s, const ll_config *c, ll_role role) {
    const char *gguf = c->family->stack[0].names[role].gguf;
    const char *number = has_prefix(s->name, "blk.") ? s->name + 4 : "", *inner = strchr(number, '.');
    return gguf && inner && has_prefix(inner + 1, gguf) && inner[1 + strlen(gguf)] == '.';
}

void ll_stored_as_llama_cpp(ll_stored *s, const ll_config *c) {
    if (c->family->gguf_traits & LL_GGUF_PAIRED && (is_in_layer(s, c, LL_Q) || is_in_layer(s, c, LL_K)))
        s->paired = (size_t)c->head_dim;
    if (c->family->stack[0].norm.plus_one && s->rank == 1 && !strstr(s->name, ".bias")) s->added = 1;
}

void ll_stored_rotary_factors(ll_stored *s, const ll_config *c, const float *values) {
    const uint64_t n = (uint64_t)c->head_dim / 2;
    *s = (ll_stored){.dtype = LL_DTYPE_F32, .known = true, .values = values, .rank = 1, .shape = {n}, .n_bytes = 4 * n};
    ll_format(s->name, sizeof s->name, "%s.weight", c->family->stack[0].names[LL_ROTARY_FACTORS].gguf);
}

/* ------------------------------------------------------------------------------------------------------ write */

/* A tensor while it is written. */
typedef struct tensor_writer {
    const ll_stored *s;
    const ll_tensors *tensors;
    const llmcs_allocator *allocator;
    size_t n_rows, n_columns; /* of the file; a vector is one row */
    float *whole;             /* transposed: all of the checkpoint's matrix */
    float *rows;              /* [step, n_columns] */
    unsigned char *raw;       /* the same as they are stored */
    size_t step;
} tensor_writer;

static void free_buffers(tensor_writer *w) {
    ll_free(w->allocator, w->whole);
    ll_free(w->allocator, w->rows);
    ll_free(w->allocator, w->raw);
}

static llmcs_status alloc_tensor_buffers(tensor_writer *w) {
    const llmcs_allocator *a = w->allocator;
    const ll_tensor *t = w->s->tensor;
    ll_dtype_block block = ll_dtype_block_of(w->s->dtype);
    size_t n;
    w->step = ll_max(CHUNK_ELEMENTS / ll_max(w->n_columns, 1), 1);
    w->step = ll_min(w->step, w->n_rows);
    if (!ll_mul(w->step, w->n_columns, &n) || t->n_elements > SIZE_MAX)
        return ll_fail(LLMCS_LIMIT, "tensor \"%.80s\" is larger than memory", t->name);
    LL_TRY(ll_alloc(a, n, sizeof *w->rows, "rows of a matrix", &w->rows));
    LL_TRY(ll_alloc(a, n / block.elements, block.bytes, "rows of a matrix", &w->raw));
    if (!w->s->transposed) return LLMCS_OK;
    LL_TRY(ll_alloc(a, (size_t)t->n_elements, sizeof *w->whole, "a matrix", &w->whole));
    return ll_tensors_read_f32(w->tensors, t, 0, (size_t)t->n_elements, w->whole);
}

/* The row of the checkpoint that is written as `row` of the file. */
static size_t source_row(const ll_stored *s, size_t row) {
    if (!s->paired) return row;
    const size_t in_head = row % s->paired, half = s->paired / 2;
    return row - in_head + in_head % 2 * half + in_head / 2; /* the inverse of ll_paired_output */
}

/* Reads rows [first, first + n) of the file's tensor to w->rows. */
static llmcs_status read_rows(const tensor_writer *w, size_t first, size_t n) {
    const size_t width = w->n_columns;
    for (size_t i = 0; i < n && w->s->paired; i++)
        LL_TRY(ll_tensors_read_f32(w->tensors, w->s->tensor, source_row(w->s, first + i) * width, width,
                                   w->rows + i * width));
    if (w->s->paired) return LLMCS_OK;
    if (!w->s->transposed)
        return ll_tensors_read_f32(w->tensors, w->s->tensor, (w->s->first_row + first) * w->n_columns, n * w->n_columns,
                                   w->rows);
    for (size_t k = 0; k < w->n_columns; k++)
        for (size_t i = 0; i < n; i++) w->rows[i * w->n_columns + k] = w->whole[k * w->n_rows + first + i];
    return LLMCS_OK;
}

static llmcs_status read_stored_rows(const tensor_writer *w, size_t first, size_t n) {
    LL_TRY(read_rows(w, first, n));
    for (size_t i = 0; i < n * w->n_columns && w->s->added != 0.0f; i++) w->rows[i] += w->s->added;
    return LLMCS_OK;
}

static llmcs_status fail_stored_value(const tensor_writer *w, size_t first, size_t bad) {
    const ll_tensor *t = w->s->tensor;
    size_t row = source_row(w->s, first + bad / w->n_columns), column = bad % w->n_columns;
    uint64_t at =
        w->s->transposed ? (uint64_t)column * w->n_rows + row : (w->s->first_row + row) * w->n_columns + column;
    return ll_fail(LLMCS_NUMERIC, "%s: tensor \"%.80s\": element %llu is not finite or too large to be stored",
                   ll_tensors_path(w->tensors, t), t->name, (unsigned long long)at);
}

static llmcs_status write_rows(const tensor_writer *w, size_t first, size_t n, ll_output *out) {
    size_t bad, n_values = n * w->n_columns;
    ll_dtype_block block = ll_dtype_block_of(w->s->dtype);
    LL_TRY(read_stored_rows(w, first, n));
    if (!ll_convert_from_f32(w->s->dtype, w->rows, n_values, w->raw, &bad)) return fail_stored_value(w, first, bad);
    return ll_output_write(out, w->raw, n_values / block.elements * block.bytes);
}

static llmcs_status report_progress(ll_weights_progress *p, uint64_t n) {
    p->done += n;
    if (!p->fn) return LLMCS_OK;
    ll_call *call = ll_callback_begin();
    const int stop = p->fn(p->user, (float)((double)p->done / (double)p->total));
    ll_callback_end(call);
    if (!stop) return LLMCS_OK;
    return ll_fail(LLMCS_CANCELLED, "the progress callback stopped quantizing");
}

static llmcs_status write_padding(const ll_stored *s, ll_output *out) {
    static const unsigned char zeros[LL_GGUF_ALIGNMENT];
    return ll_output_write(out, zeros, (LL_GGUF_ALIGNMENT - s->n_bytes % LL_GGUF_ALIGNMENT) % LL_GGUF_ALIGNMENT);
}

static llmcs_status write_values(const ll_stored *s, ll_output *out) {
    for (uint64_t i = 0; i < s->n_bytes / 4; i++) {
        unsigned char raw[4];
        size_t bad;
        ll_convert_from_f32(LL_DTYPE_F32, s->values + i, 1, raw, &bad);
        LL_TRY(ll_output_write(out, raw, sizeof raw));
    }
    return write_padding(s, out);
}

static llmcs_status write_tensor(tensor_writer *w, ll_output *out, ll_weights_progress *progress) {
    LL_TRY(alloc_tensor_buffers(w));
    for (size_t first = 0; first < w->n_rows; first += w->step) {
        size_t n = ll_min(w->step, w->n_rows - first);
        LL_TRY(write_rows(w, first, n, out));
        LL_TRY(report_progress(progress, (uint64_t)n * w->n_columns));
    }
    return write_padding(w->s, out);
}

llmcs_status ll_stored_write(const ll_stored *s, const ll_tensors *tensors, const llmcs_allocator *a, ll_output *out,
                             ll_weights_progress *progress) {
    tensor_writer w LL_CLEANUP(free_buffers) = {
        .s = s, .tensors = tensors, .allocator = a, .n_rows = 1, .n_columns = 1};
    if (s->values) return write_values(s, out);
    if (s->rank > 0) w.n_columns = (size_t)s->shape[s->rank - 1];
    for (int i = 0; i + 1 < s->rank; i++) w.n_rows *= (size_t)s->shape[i];
    if (s->paired && s->rank == 1) { /* a bias: one a row */
        w.n_rows = w.n_columns;
        w.n_columns = 1;
    }
    return write_tensor(&w, out, progress);
}
