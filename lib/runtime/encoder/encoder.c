/* Forward passes of an encoder: memory, combining requests, delivering outputs. */
#include "runtime/encoder/encoder.h"

#include <string.h>

#include "runtime/numbers.h"

/* The most rows of a forward pass, unless it is one longer sequence; a call with many texts makes requests of this
 * size. Measured with int8 weights on two cores: 192 to 256 rows are fastest, 64 and 1,024 up to 10 % slower (64 wait
 * more at barriers, 1,024 exceed the caches). Short forward passes also keep other threads from waiting long. */
#define FORWARD_ROWS ((size_t)256)
#define FORWARD_SEGMENTS ((size_t)64)
/* Masked LM: the workspace holds the logits of this many rows; a request for more is evaluated alone. */
#define FORWARD_MLM_ROWS ((size_t)32)

/* ------------------------------------------------------------------------------------------------- memory */

void ll_encoder_workspace_free(const llmcs_model *m, ll_encoder_workspace *workspace) {
    if (!workspace) return;
    const llmcs_allocator *a = &m->allocator;
    void *const parts[] = {workspace->workspace,   workspace->kv,       workspace->blocks,   workspace->segments,
                           workspace->ids,         workspace->type_ids, workspace->mlm_rows, workspace->hidden,
                           workspace->pooled,      workspace->slices,   workspace->logits,   workspace->mlm_logits,
                           workspace->decoder_ids, workspace->eos_rows};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) ll_free(a, parts[i]);
    ll_free(a, workspace);
}

/* Sizes of the buffers. */
typedef struct sizes {
    size_t max_rows, n_floats, n_blocks, block_bytes, row_bytes, n_logit_rows, n_logits, n_mlm_rows, vocab;
    size_t n_source_rows, n_sources; /* of encoder-decoders, else 0 */
} sizes;

static sizes sizes_of(const ll_net *net, size_t max_length, size_t n_threads) {
    const ll_config *c = net->config;
    const bool mlm = c->head == LL_HEAD_MASKED_LM;
    const size_t max_rows = ll_max(FORWARD_ROWS, max_length);
    const ll_forward_size size = {.n_rows = max_rows,
                                  .n_segments = FORWARD_SEGMENTS,
                                  .n_logit_rows = mlm ? max_rows : FORWARD_SEGMENTS,
                                  .max_positions = max_length,
                                  .n_source_rows = net->has_source ? max_rows : 0,
                                  .n_sources = net->has_source ? FORWARD_SEGMENTS : 0,
                                  .n_threads = n_threads};
    return (sizes){.max_rows = max_rows,
                   .n_floats = net->ops->workspace_floats(net, &size),
                   /* The last block of every sequence may be partly empty. */
                   .n_blocks = max_rows / LL_KV_BLOCK + FORWARD_SEGMENTS,
                   .block_bytes = ll_kv_block_bytes(&net->kv),
                   .row_bytes = (size_t)c->n_embd * sizeof(float),
                   .n_logit_rows = ll_config_tags_tokens(c) ? max_rows : FORWARD_SEGMENTS,
                   .n_logits = ll_config_n_logits(c),
                   .n_mlm_rows = mlm ? max_rows : 0,
                   .vocab = mlm ? (size_t)c->vocab_size : 0,
                   .n_source_rows = size.n_source_rows,
                   .n_sources = size.n_sources};
}

uint64_t ll_encoder_workspace_bytes(const ll_net *net, size_t n_ctx, size_t n_threads) {
    const sizes s = sizes_of(net, n_ctx, n_threads);
    const uint64_t n_stored = s.n_blocks * (net->has_source ? 2 : 1);
    const uint64_t of_segments =
        FORWARD_SEGMENTS * (sizeof(ll_segment) + sizeof(ll_encoder_slice) + (uint64_t)s.row_bytes);
    const uint64_t of_logits = (uint64_t)s.n_logit_rows * s.n_logits * sizeof(float);
    const uint64_t of_rows = s.max_rows * (2 * sizeof(int32_t) + (uint64_t)s.row_bytes);
    const uint64_t of_sources = s.n_source_rows * sizeof(int32_t) + s.n_sources * sizeof(uint32_t);
    const uint64_t of_mlm = s.n_mlm_rows * sizeof(uint32_t) + FORWARD_MLM_ROWS * (uint64_t)s.vocab * sizeof(float);
    return sizeof(ll_encoder_workspace) + (uint64_t)s.n_floats * sizeof(float) +
           n_stored * ((uint64_t)s.block_bytes + sizeof(void *)) + of_segments + of_logits + of_rows + of_sources +
           of_mlm + 16;
}

static llmcs_status alloc_buffers(ll_encoder_workspace *w, const llmcs_model *m) {
    const llmcs_allocator *a = &m->allocator;
    const sizes s = sizes_of(m->net, w->max_length, (size_t)ll_pool_size(m->pool));
    const size_t n_stored = s.n_blocks * (m->net->has_source ? 2 : 1); /* a source's, too */
    w->max_rows = s.max_rows;
    w->max_blocks = s.n_blocks;
    w->has_source = m->net->has_source;
    w->max_segments = FORWARD_SEGMENTS;
    w->max_mlm_rows = FORWARD_MLM_ROWS;
    LL_TRY(ll_alloc(a, s.n_floats, sizeof(float), "workspace", &w->workspace));
    LL_TRY(ll_alloc(a, n_stored, s.block_bytes, "keys and values", &w->kv));
    LL_TRY(ll_alloc(a, n_stored, sizeof(void *), "block table", &w->blocks));
    LL_TRY(ll_alloc(a, w->max_segments, sizeof(ll_segment), "segments", &w->segments));
    LL_TRY(ll_alloc(a, w->max_segments, sizeof *w->slices, "slices", &w->slices));
    LL_TRY(ll_alloc(a, w->max_rows, sizeof(int32_t), "token ids", &w->ids));
    LL_TRY(ll_alloc(a, w->max_rows, sizeof(int32_t), "type ids", &w->type_ids));
    LL_TRY(ll_alloc(a, s.n_mlm_rows, sizeof(uint32_t), "MLM rows", &w->mlm_rows));
    LL_TRY(ll_alloc(a, w->max_rows, s.row_bytes, "hidden states", &w->hidden));
    LL_TRY(ll_alloc(a, w->max_segments, s.row_bytes, "pooled states", &w->pooled));
    LL_TRY(ll_alloc(a, s.n_logit_rows, s.n_logits * sizeof(float), "logits", &w->logits));
    LL_TRY(ll_alloc(a, w->max_mlm_rows, s.vocab * sizeof(float), "MLM logits", &w->mlm_logits));
    LL_TRY(ll_alloc(a, s.n_source_rows, sizeof(int32_t), "decoder's token ids", &w->decoder_ids));
    LL_TRY(ll_alloc(a, s.n_sources, sizeof(uint32_t), "rows of eos", &w->eos_rows));
    for (size_t i = 0; i < n_stored; i++) w->blocks[i] = w->kv + i * s.block_bytes;
    return LLMCS_OK;
}

llmcs_status ll_encoder_workspace_create(const llmcs_model *m, size_t longest, ll_encoder_workspace **workspace) {
    ll_encoder_workspace *w;
    *workspace = NULL;
    LL_TRY(ll_alloc_zero(&m->allocator, 1, sizeof *w, "encoder workspace", &w));
    w->max_length = ll_min(m->n_ctx, ll_round_up(ll_max(longest, 2 * FORWARD_ROWS), 2 * FORWARD_ROWS));
    llmcs_status st = alloc_buffers(w, m);
    if (st)
        ll_encoder_workspace_free(m, w);
    else
        *workspace = w;
    return st;
}

/* ------------------------------------------------------------------------------------------- next forward pass */

size_t ll_encoder_chunk(const size_t *lengths, size_t n, size_t *n_rows) {
    size_t i = 0;
    *n_rows = 0;
    while (i < n && i < FORWARD_SEGMENTS && (i == 0 || *n_rows + lengths[i] <= FORWARD_ROWS)) *n_rows += lengths[i++];
    return i;
}

/* True if the request's MLM logits fit into the next forward pass. A request that exceeds the workspace gets its own
 * forward pass, which writes the logits directly to their destination. */
static bool mlm_rows_fit(const ll_encoder_workspace *workspace, const ll_encoder_request *r) {
    if (!workspace->n_slices) return true;
    if (workspace->n_mlm_rows > workspace->max_mlm_rows || r->n_mlm_rows > workspace->max_mlm_rows) return false;
    return r->n_mlm_rows <= workspace->max_mlm_rows - workspace->n_mlm_rows;
}

size_t ll_encoder_fit(const ll_encoder_workspace *workspace, const ll_encoder_request *r) {
    const size_t left_rows = workspace->n_rows < FORWARD_ROWS ? FORWARD_ROWS - workspace->n_rows : 0;
    const size_t left_segments = workspace->max_segments - workspace->n_segments;
    const size_t *lengths = r->lengths + r->n_taken, n = r->n - r->n_taken;
    size_t rows, fit = ll_encoder_chunk(lengths, n, &rows);
    if (!mlm_rows_fit(workspace, r)) return 0;
    if (!workspace->n_slices || (fit <= left_segments && rows <= left_rows)) return fit;
    if (fit == n) return 0;
    for (rows = fit = 0; fit < left_segments && lengths[fit] <= left_rows - rows; fit++) rows += lengths[fit];
    return fit;
}

/* Adds the rows of one sequence and blocks for its keys and values; for encoder-decoders it is also the source. */
static void add_segment(ll_encoder_workspace *workspace, size_t n_rows) {
    ll_segment *segment = &workspace->segments[workspace->n_segments++];
    *segment = (ll_segment){
        .first_row = workspace->n_rows, .n_rows = n_rows, .kv_blocks = workspace->blocks + workspace->n_blocks};
    if (workspace->has_source) {
        segment->source_blocks = segment->kv_blocks + workspace->max_blocks;
        segment->n_source = n_rows;
    }
    workspace->n_rows += n_rows;
    workspace->n_blocks += (n_rows + LL_KV_BLOCK - 1) / LL_KV_BLOCK;
}

void ll_encoder_add(ll_encoder_workspace *workspace, ll_encoder_request *r, size_t n) {
    ll_encoder_slice slice = {.request = r,
                              .first = r->n_taken,
                              .n = n,
                              .first_segment = workspace->n_segments,
                              .first_row = workspace->n_rows,
                              .first_mlm_row = workspace->n_mlm_rows};
    for (size_t i = 0; i < n; i++) add_segment(workspace, r->lengths[r->n_taken + i]);
    slice.n_rows = workspace->n_rows - slice.first_row;
    memcpy(workspace->ids + slice.first_row, r->ids + r->n_taken_rows, slice.n_rows * sizeof *workspace->ids);
    if (r->type_ids)
        memcpy(workspace->type_ids + slice.first_row, r->type_ids + r->n_taken_rows,
               slice.n_rows * sizeof *workspace->type_ids);
    else
        memset(workspace->type_ids + slice.first_row, 0, slice.n_rows * sizeof *workspace->type_ids);
    for (size_t i = 0; i < r->n_mlm_rows; i++)
        workspace->mlm_rows[workspace->n_mlm_rows++] = (uint32_t)slice.first_row + r->mlm_rows[i];
    workspace->typed |= r->type_ids != NULL;
    workspace->want |= r->want;
    r->n_taken += n;
    r->n_taken_rows += slice.n_rows;
    workspace->slices[workspace->n_slices++] = slice;
}

void ll_encoder_clear(ll_encoder_workspace *workspace) {
    workspace->n_slices = workspace->n_rows = workspace->n_segments = workspace->n_blocks = workspace->n_mlm_rows = 0;
    workspace->want = 0;
    workspace->typed = false;
}

/* ------------------------------------------------------------------------------------------------- outputs */

/* Stores the failure in the request; the request's own thread reports it. */
static void fail_numeric(ll_encoder_request *r, size_t sequence, const char *what) {
    r->status = LLMCS_NUMERIC;
    ll_format(r->message, sizeof r->message, "text %zu: the network computed NaN or infinity (%s)",
              r->text_of ? r->text_of[sequence] : r->first_text + sequence, what);
}

/* The outputs of sequence i of the slice, whose rows begin at `row` of the forward pass. */
static ll_encoder_output output_of(const llmcs_model *m, const ll_encoder_workspace *w, const ll_encoder_slice *slice,
                                   size_t i, size_t row) {
    const ll_encoder_request *r = slice->request;
    const size_t n = (size_t)m->config.n_embd, at = slice->first + i, segment = slice->first_segment + i;
    ll_encoder_output out = {.text = r->first_text + at, .first = true, .last = true, .n_tokens = r->lengths[at]};
    if (r->text_of) {
        out.text = r->text_of[at];
        out.first = at == 0 || r->text_of[at - 1] != out.text;
        out.last = at + 1 == r->n || r->text_of[at + 1] != out.text;
    }
    if (r->want & LL_WANT_HIDDEN) out.hidden = w->hidden + row * n;
    if (r->want & LL_WANT_POOLED) out.pooled = w->pooled + segment * n;
    const size_t logit_row = ll_config_tags_tokens(&m->config) ? row : segment;
    if (r->want & LL_WANT_LOGITS) out.logits = w->logits + logit_row * ll_config_n_logits(&m->config);
    return out;
}

/* The name of an output that is not finite, or NULL. */
static const char *find_not_finite(const llmcs_model *m, const ll_encoder_output *o) {
    const size_t n = (size_t)m->config.n_embd;
    if (o->hidden && !ll_all_finite(m->kernels, o->hidden, o->n_tokens * n)) return "hidden states";
    if (o->pooled && !ll_all_finite(m->kernels, o->pooled, n)) return "pooled states";
    const size_t logit_rows = ll_config_tags_tokens(&m->config) ? o->n_tokens : 1;
    if (o->logits && !ll_all_finite(m->kernels, o->logits, logit_rows * ll_config_n_logits(&m->config)))
        return "logits";
    return NULL;
}

/* mlm_logits: of the slice's first MLM row. */
static bool check_mlm_logits(const llmcs_model *m, ll_encoder_request *r, const float *mlm_logits) {
    size_t vocab = (size_t)m->config.vocab_size, sequence = 0, end = r->lengths[0];
    for (size_t i = 0; i < r->n_mlm_rows; i++) {
        while (r->mlm_rows[i] >= end) end += r->lengths[++sequence];
        if (ll_all_finite(m->kernels, mlm_logits + i * vocab, vocab)) continue;
        fail_numeric(r, sequence, "logits");
        return false;
    }
    return true;
}

/* Delivers the slice's outputs to its request: all of them, or none if one is not finite. mlm_logits: those of the
 * whole forward pass. */
static void hand_out(const llmcs_model *m, const ll_encoder_workspace *w, const ll_encoder_slice *slice,
                     const float *mlm_logits) {
    ll_encoder_request *r = slice->request;
    const size_t vocab = (size_t)m->config.vocab_size;
    for (size_t i = 0, row = slice->first_row; r->sink && i < slice->n; i++) {
        const ll_encoder_output out = output_of(m, w, slice, i, row);
        const char *bad = find_not_finite(m, &out);
        if (bad) {
            fail_numeric(r, slice->first + i, bad);
            return;
        }
        row += out.n_tokens;
    }
    if (r->n_mlm_rows) {
        const float *own = mlm_logits + slice->first_mlm_row * vocab;
        if (!check_mlm_logits(m, r, own)) return;
        if (own != r->mlm_logits) memcpy(r->mlm_logits, own, r->n_mlm_rows * vocab * sizeof *own);
    }
    for (size_t i = 0, row = slice->first_row; r->sink && i < slice->n; i++) {
        const ll_encoder_output out = output_of(m, w, slice, i, row);
        r->sink(r->user, &out);
        row += out.n_tokens;
    }
}

/* Encoder-decoders: encodes the sources and sets the decoder's input. */
static llmcs_status encode_sources(const llmcs_model *m, ll_encoder_workspace *w) {
    const ll_batch batch = {
        .n_rows = w->n_rows, .ids = w->ids, .segments = w->segments, .n_segments = w->n_segments, .encodes = true};
    ll_encoder_shift(m, w);
    return ll_net_forward(m->net, m->pool, &batch, w->workspace);
}

void ll_encoder_forward(llmcs_model *m, ll_encoder_workspace *workspace) {
    const ll_encoder_workspace *w = workspace;
    float *mlm_logits = w->n_mlm_rows > w->max_mlm_rows ? w->slices[0].request->mlm_logits : w->mlm_logits;
    float *class_logits = w->want & LL_WANT_LOGITS ? w->logits : NULL;
    const ll_batch batch = {.n_rows = w->n_rows,
                            .ids = w->has_source ? w->decoder_ids : w->ids,
                            .type_ids = w->typed ? w->type_ids : NULL,
                            .segments = w->segments,
                            .n_segments = w->n_segments,
                            .logit_rows = w->has_source ? w->eos_rows : w->mlm_rows,
                            .n_logit_rows = w->has_source ? w->n_segments : w->n_mlm_rows,
                            .logits = w->n_mlm_rows ? mlm_logits : class_logits,
                            .hidden = w->want & LL_WANT_HIDDEN ? w->hidden : NULL,
                            .pooled = w->want & LL_WANT_POOLED ? w->pooled : NULL};
    llmcs_status st = w->has_source ? encode_sources(m, workspace) : LLMCS_OK;
    if (!st) st = ll_net_forward(m->net, m->pool, &batch, w->workspace);
    for (size_t i = 0; i < w->n_slices; i++) {
        ll_encoder_request *r = w->slices[i].request;
        if (!st) {
            hand_out(m, w, &w->slices[i], mlm_logits);
        } else {
            r->status = st;
            ll_format(r->message, sizeof r->message, "%s", llmcs_error_message());
        }
    }
}
