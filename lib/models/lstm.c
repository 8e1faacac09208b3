/*
 * A language model of LSTM layers (Hochreiter and Schmidhuber 1997; forget gates: Gers et al. 2000):
 *
 *     x = embedding[token]
 *     in each layer:   i, f, g, o = input(x) + recurrent(h)
 *                      c = sigmoid(f) * c + sigmoid(i) * tanh(g)
 *                      h = sigmoid(o) * tanh(c),        which is the next layer's x
 *     logits = lm_head(h)
 *
 * The KV cache holds the states: after each token, c of every layer as the token's key and h as its value. So sequences
 * share, rewind, save and copy states like keys and values.
 *
 * The input product of a layer is computed for all rows at once, the recurrent product step by step: step t computes
 * row t of every sequence that is long enough. Rows are ordered by step, and within a step by decreasing length of
 * their sequence, so that the sequences of a step are a prefix of those of the step before.
 *
 * With a window, a token's logits come from a state that starts from zero `window` tokens before it (Keras' models of
 * fixed input length). The cache then holds token ids, and each row of logits needs a sequence of `window` rows.
 */
#include <string.h>

#include "base/xxh64.h"
#include "families/family.h"
#include "models/model.h"
#include "weights/fingerprint.h"

typedef struct lstm_layer {
    ll_linear input;     /* n_in -> 4 n: gates i, f, g, o */
    ll_linear recurrent; /* n -> 4 n */
} lstm_layer;

typedef struct lstm {
    ll_net net;
    ll_table tokens; /* [vocab_size, n_embd_in]; none where tied */
    lstm_layer *layers;
    float *initial_h, *initial_c; /* [n_layers, n] the state before the first token; NULL: 0 */
    ll_linear out;                /* n -> vocab_size */
} lstm;

enum { GATE_I, GATE_F, GATE_G, GATE_O, N_GATES };

/* ------------------------------------------------------------------------------------------------ weights */

/* The names of a matrix and its bias in this checkpoint: Keras' or PyTorch's. */
typedef struct matrix_names {
    char weight[64], bias[64];
    ll_weight_layout layout;
} matrix_names;

static matrix_names names_of(const ll_loader *l, bool recurrent, size_t layer) {
    matrix_names n = {.layout = LL_IN_OUT};
    ll_format(n.weight, sizeof n.weight, "lstm.%zu.%s", layer, recurrent ? "recurrent_kernel" : "kernel");
    ll_format(n.bias, sizeof n.bias, "lstm.%zu.bias", layer);
    if (ll_loader_has(l, n.weight)) return n;
    n.layout = LL_OUT_IN;
    ll_format(n.weight, sizeof n.weight, "lstm.weight_%s_l%zu", recurrent ? "hh" : "ih", layer);
    ll_format(n.bias, sizeof n.bias, "lstm.bias_%s_l%zu", recurrent ? "hh" : "ih", layer);
    return n;
}

/* Reorders the gates to i, f, g, o. Keras has one bias, PyTorch one for each of the two matrices. */
static llmcs_status describe_gates(const lstm *m, ll_loader *l, ll_linear *linear, bool recurrent, size_t layer,
                                   size_t n_in) {
    static const size_t places[][N_GATES] = {
        [LL_GATES_IFGO] = {0, 1, 2, 3}, [LL_GATES_IFCO] = {0, 1, 2, 3}, [LL_GATES_IOFC] = {0, 2, 3, 1}};
    const ll_config *c = m->net.config;
    const size_t n = (size_t)c->n_embd;
    const matrix_names names = names_of(l, recurrent, layer);
    const bool has_bias = c->lstm.bias && !(recurrent && names.layout == LL_IN_OUT);
    ll_load_part parts[N_GATES];
    for (size_t gate = 0; gate < N_GATES; gate++)
        parts[gate] = (ll_load_part){.name = names.weight,
                                     .bias = names.bias,
                                     .whole_names = true,
                                     .n_out = n,
                                     .has_bias = has_bias,
                                     .skipped = places[c->lstm.gates][gate] * n,
                                     .n_stored = N_GATES * n};
    if (!c->lstm.bias && ll_loader_has(l, names.bias))
        return ll_fail(LLMCS_CONFIG, "tensor \"%s%s\" is in the file, but config.json says use_bias false", l->scope,
                       names.bias);
    return ll_load_parts(l, linear, LL_LARGE, names.layout, n_in, parts, N_GATES);
}

static llmcs_status describe_head(lstm *m, ll_loader *l) {
    const ll_config *c = m->net.config;
    const char *embedding = ll_loader_has(l, "embedding.embeddings") ? "embedding.embeddings" : "embedding.weight";
    const bool kernel = !c->tie_word_embeddings && ll_loader_has(l, "lm_head.kernel");
    const ll_load_part part = {.name = c->tie_word_embeddings ? embedding
                                       : kernel               ? "lm_head.kernel"
                                                              : "lm_head.weight",
                               .bias = "lm_head.bias",
                               .whole_names = true,
                               .n_out = (size_t)c->vocab_size,
                               .has_bias = c->decoder_bias};
    if (c->tie_word_embeddings && c->n_embd_in != c->n_embd)
        return ll_fail(LLMCS_CONFIG, "config.json: tie_word_embeddings needs embedding_size %d to be hidden_size %d",
                       (int)c->n_embd_in, (int)c->n_embd);
    if (!c->decoder_bias && ll_loader_has(l, part.bias))
        return ll_fail(LLMCS_CONFIG, "tensor \"%s%s\" is in the file, but config.json says head_bias false", l->scope,
                       part.bias);
    if (!c->tie_word_embeddings)
        LL_TRY(ll_load_rows(l, &m->tokens, (size_t)c->vocab_size, (size_t)c->n_embd_in, embedding));
    return ll_load_parts(l, &m->out, LL_LARGE, kernel ? LL_IN_OUT : LL_OUT_IN, (size_t)c->n_embd, &part, 1);
}

static llmcs_status describe_initial(lstm *m, ll_loader *l) {
    const size_t n_layers = (size_t)m->net.config->n_layer, n = (size_t)m->net.config->n_embd;
    if (!ll_loader_has(l, "initial.hidden") && !ll_loader_has(l, "initial.cell")) return LLMCS_OK;
    LL_TRY(ll_load_table(l, &m->initial_h, n_layers, n, "initial.hidden"));
    return ll_load_table(l, &m->initial_c, n_layers, n, "initial.cell");
}

/* What each linear prefetches: the order of a step of one token. */
static void link_layers(lstm *m) {
    for (size_t i = 0; i < m->net.n_layers; i++) {
        m->layers[i].input.next = &m->layers[i].recurrent;
        m->layers[i].recurrent.next = i + 1 < m->net.n_layers ? &m->layers[i + 1].input : &m->out;
    }
    m->out.next = &m->layers[0].input;
}

static llmcs_status describe(ll_net *net, ll_loader *l) {
    lstm *m = (lstm *)net;
    const ll_config *c = net->config;
    const size_t n_layers = (size_t)c->n_layer;
    if (!net->generates)
        return ll_fail(
            LLMCS_UNSUPPORTED,
            "model_type lstm generates text; it is not supported as an encoder of a sentence-transformers folder");
    if ((c->lstm.skips_padding || c->lstm.pads_window) && c->pad_token_id < 0)
        return ll_fail(LLMCS_CONFIG, "config.json: %s is true, but there is no pad_token_id",
                       c->lstm.skips_padding ? "skip_pad_token" : "window_padding");
    if (c->lstm.window) net->kv = (ll_kv_layout){.n_layer = 1, .n_kv_head = 1, .head_dim = 1}; /* ids */
    m->layers = net->layers;
    ll_format(l->scope, sizeof l->scope, "%s", ll_tensors_prefix(l->tensors));
    for (size_t i = 0; i < n_layers; i++) {
        lstm_layer counted = {0}; /* while counting, nothing is stored in it */
        lstm_layer *layer = l->filling ? &m->layers[i] : &counted;
        LL_TRY(describe_gates(m, l, &layer->input, false, i, (size_t)(i ? c->n_embd : c->n_embd_in)));
        LL_TRY(describe_gates(m, l, &layer->recurrent, true, i, (size_t)c->n_embd));
    }
    LL_TRY(describe_initial(m, l));
    LL_TRY(describe_head(m, l));
    if (l->filling) link_layers(m);
    return LLMCS_OK;
}

/* -------------------------------------------------------------------------------------- order of the rows */

typedef struct workspace {
    uint32_t *sequence; /* [n_segments] segments, those of more rows first */
    uint32_t *row;      /* [n_rows] place in the order above -> row of the batch */
    uint32_t *place;    /* [n_rows] row of the batch -> place */
    float *x;           /* [n_rows, n_embd_in] */
    float *gates;       /* [n_rows, 4 n] */
    float *h, *c;       /* [n_rows, n] the states after each row */
    float *h0, *c0;     /* [n_segments, n] the states before the first rows */
    float *logit_rows;  /* [n_logit_rows, n] */
    float *quantized;
    /* With a window: the sequences that some rows of logits are computed from. */
    int32_t *ids;         /* [n_rows] -1: no token, the state is unchanged */
    ll_segment *segments; /* [n_segments] */
} workspace;

/* Rows of windows that are evaluated together: at least one window. */
#define WINDOW_ROWS 1024

/* Rows of logits whose windows are evaluated together. */
static size_t windows_at_once(const ll_net *net, size_t n_logit_rows) {
    return ll_min(n_logit_rows, WINDOW_ROWS / (size_t)net->config->lstm.window);
}

static size_t lay_out(const ll_net *net, const ll_forward_size *of_batch, float *base, workspace *w) {
    const ll_config *c = net->config;
    const size_t n = (size_t)c->n_embd;
    ll_forward_size size = *of_batch;
    size_t used = 0;
    if (c->lstm.window) {
        size.n_segments = windows_at_once(net, size.n_logit_rows);
        size.n_rows = size.n_segments * (size_t)c->lstm.window;
        w->ids = (int32_t *)(void *)ll_carve(base, &used, size.n_rows);
        w->segments = (ll_segment *)(void *)ll_carve(base, &used, size.n_segments * sizeof(ll_segment) / sizeof(float));
    }
    const size_t n_rows = size.n_rows;
    w->sequence = (uint32_t *)(void *)ll_carve(base, &used, size.n_segments);
    w->row = (uint32_t *)(void *)ll_carve(base, &used, n_rows);
    w->place = (uint32_t *)(void *)ll_carve(base, &used, n_rows);
    w->x = ll_carve(base, &used, n_rows * (size_t)c->n_embd_in);
    w->gates = ll_carve(base, &used, n_rows * N_GATES * n);
    w->h = ll_carve(base, &used, n_rows * n);
    w->c = ll_carve(base, &used, n_rows * n);
    w->h0 = ll_carve(base, &used, size.n_segments * n);
    w->c0 = ll_carve(base, &used, size.n_segments * n);
    w->logit_rows = ll_carve(base, &used, size.n_logit_rows * n);
    w->quantized = ll_carve(base, &used, ll_quantized_floats(net, ll_max(n, (size_t)c->n_embd_in), &size));
    return used;
}

static size_t workspace_floats(const ll_net *net, const ll_forward_size *size) {
    workspace unused;
    return lay_out(net, size, NULL, &unused);
}

/* The sequences that have a row at step t are the first *n of w->sequence; *n is those of the step before. */
static void sequences_of_step(const ll_batch *batch, const workspace *w, size_t t, size_t *n) {
    while (*n && batch->segments[w->sequence[*n - 1]].n_rows <= t) --*n;
}

static void order_rows(const ll_batch *batch, workspace *w) {
    for (size_t i = 0; i < batch->n_segments; i++) {
        size_t at = i;
        for (; at && batch->segments[w->sequence[at - 1]].n_rows < batch->segments[i].n_rows; at--)
            w->sequence[at] = w->sequence[at - 1];
        w->sequence[at] = (uint32_t)i;
    }
    size_t n = batch->n_segments;
    for (size_t t = 0, place = 0; place < batch->n_rows; t++) {
        sequences_of_step(batch, w, t, &n);
        for (size_t i = 0; i < n; i++, place++) {
            w->row[place] = (uint32_t)(batch->segments[w->sequence[i]].first_row + t);
            w->place[w->row[place]] = (uint32_t)place;
        }
    }
}

/* -------------------------------------------------------------------------------------------------- states */

/* The state of a layer after a token, in the block of keys and values that holds the token. */
static void *state_at(const lstm *m, const ll_segment *s, size_t layer, size_t position) {
    return (char *)s->kv_blocks[position / LL_KV_BLOCK] + layer * ll_kv_head_bytes(m->net.kv.type, m->net.kv.head_dim);
}

static void copy_initial(const float *initial, size_t layer, size_t n, float *out) {
    if (initial)
        memcpy(out, initial + layer * n, n * sizeof *out);
    else
        memset(out, 0, n * sizeof *out);
}

/* h0, c0 of this thread's sequences. */
static void load_states(const lstm *m, const ll_exec *exec, const ll_batch *batch, size_t layer, workspace *w) {
    const size_t n = (size_t)m->net.config->n_embd;
    size_t begin, end;
    ll_team_share(exec->team, batch->n_segments, 1, &begin, &end);
    for (size_t i = begin; i < end; i++) {
        const ll_segment *s = &batch->segments[w->sequence[i]];
        if (s->first_position == 0) {
            copy_initial(m->initial_h, layer, n, w->h0 + i * n);
            copy_initial(m->initial_c, layer, n, w->c0 + i * n);
            continue;
        }
        const float *state = state_at(m, s, layer, s->first_position - 1);
        const size_t slot = (s->first_position - 1) % LL_KV_BLOCK;
        for (size_t d = 0; d < n; d++) w->c0[i * n + d] = state[d * LL_KV_BLOCK + slot];
        memcpy(w->h0 + i * n, state + n * LL_KV_BLOCK + slot * ll_kv_value_stride(n), n * sizeof(float));
    }
}

/* c as keys, h as values. */
static void store_states(const lstm *m, const ll_exec *exec, const ll_batch *batch, size_t layer, const workspace *w) {
    const size_t n = (size_t)m->net.config->n_embd;
    size_t begin, end;
    ll_team_share(exec->team, batch->n_rows, 1, &begin, &end);
    for (size_t i = 0; i < batch->n_segments; i++) {
        const ll_segment *s = &batch->segments[i];
        const size_t last = ll_min(end, s->first_row + s->n_rows);
        for (size_t row = ll_max(begin, s->first_row); row < last; row++) {
            const size_t place = w->place[row], position = s->first_position + row - s->first_row;
            exec->kernels->kv_store(&(ll_kv_rows){.key = w->c + place * n,
                                                  .value = w->h + place * n,
                                                  .n_tokens = 1,
                                                  .slot = position % LL_KV_BLOCK,
                                                  .head_dim = n,
                                                  .type = m->net.kv.type,
                                                  .head = state_at(m, s, layer, position)});
        }
    }
}

/* ------------------------------------------------------------------------------------------- forward pass */

static void apply_sigmoid(const ll_kernels *k, ll_sigmoid kind, float *x, size_t n) {
    const float slope = kind == LL_HARD_SIGMOID_FIFTH ? 0.2f : 1.0f / 6.0f;
    if (kind == LL_SIGMOID) { /* (1 + tanh(x / 2)) / 2 */
        for (size_t i = 0; i < n; i++) x[i] *= 0.5f;
        k->tanh(x, x, n);
        for (size_t i = 0; i < n; i++) x[i] = 0.5f * x[i] + 0.5f;
        return;
    }
    for (size_t i = 0; i < n; i++) {
        const float y = slope * x[i] + 0.5f;
        x[i] = y < 0.0f ? 0.0f : y > 1.0f ? 1.0f : y; /* NaN stays NaN */
    }
}

/* Computes units [begin, end) of c and h after one row from those before it. */
static void update_row(const lstm *m, const ll_kernels *k, float *gates, const float *c_before, size_t begin,
                       size_t end, float *h, float *c) {
    const size_t n = (size_t)m->net.config->n_embd;
    const ll_sigmoid sigmoid = (ll_sigmoid)m->net.config->lstm.sigmoid;
    float *input = gates + GATE_I * n, *forget = gates + GATE_F * n, *candidate = gates + GATE_G * n,
          *output = gates + GATE_O * n;
    apply_sigmoid(k, sigmoid, input + begin, end - begin);
    apply_sigmoid(k, sigmoid, forget + begin, end - begin);
    apply_sigmoid(k, sigmoid, output + begin, end - begin);
    k->tanh(candidate + begin, candidate + begin, end - begin);
    for (size_t j = begin; j < end; j++) c[j] = forget[j] * c_before[j] + input[j] * candidate[j];
    k->tanh(c + begin, h + begin, end - begin);
    for (size_t j = begin; j < end; j++) h[j] *= output[j];
}

/* True for a row that leaves the state unchanged. */
static bool is_skipped(const ll_config *c, int32_t id) {
    return c->lstm.window ? id < 0 : c->lstm.skips_padding && id == c->pad_token_id;
}

/* The states after one step: n_rows rows from place `first` on. Each thread computes some units of all of them. */
static void update_step(const lstm *m, const ll_exec *exec, const ll_batch *batch, size_t first, size_t n_rows,
                        const float *h_before, const float *c_before, workspace *w) {
    const ll_config *config = m->net.config;
    const size_t n = (size_t)config->n_embd;
    size_t begin, end;
    ll_team_share(exec->team, n, 16, &begin, &end);
    for (size_t i = 0; i < n_rows && begin < end; i++) {
        const size_t place = first + i;
        float *h = w->h + place * n, *c = w->c + place * n;
        if (is_skipped(config, batch->ids[w->row[place]])) {
            memcpy(h + begin, h_before + i * n + begin, (end - begin) * sizeof *h);
            memcpy(c + begin, c_before + i * n + begin, (end - begin) * sizeof *c);
        } else {
            update_row(m, exec->kernels, w->gates + place * N_GATES * n, c_before + i * n, begin, end, h, c);
        }
    }
}

/* w->h, w->c = the layer's states after each row of x; x may be w->h. */
static void forward_layer(const lstm *m, const ll_exec *exec, const ll_batch *batch, size_t layer, const float *x,
                          workspace *w) {
    const size_t n = (size_t)m->net.config->n_embd;
    const lstm_layer *l = &m->layers[layer];
    const float *h = w->h0, *c = w->c0;
    size_t n_rows = batch->n_segments;
    load_states(m, exec, batch, layer, w);
    ll_linear_apply(exec, &l->input, x, batch->n_rows, LL_ACT_NONE, NULL, w->gates);
    ll_team_wait(exec->team);
    for (size_t t = 0, first = 0; first < batch->n_rows; t++, first += n_rows) {
        float *gates = w->gates + first * N_GATES * n;
        sequences_of_step(batch, w, t, &n_rows);
        ll_linear_apply(exec, &l->recurrent, h, n_rows, LL_ACT_NONE, gates, gates);
        ll_team_wait(exec->team);
        update_step(m, exec, batch, first, n_rows, h, c, w);
        ll_team_wait(exec->team);
        h = w->h + first * n;
        c = w->c + first * n;
    }
}

static void embed(const lstm *m, const ll_exec *exec, const ll_batch *batch, workspace *w) {
    const size_t n = (size_t)m->net.config->n_embd_in;
    size_t begin, end;
    ll_team_share(exec->team, batch->n_rows, 1, &begin, &end);
    for (size_t place = begin; place < end; place++) {
        const int32_t token = batch->ids[w->row[place]];
        float *x = w->x + place * n;
        if (token < 0)
            memset(x, 0, n * sizeof *x);
        else if (m->tokens.rows)
            ll_table_row(&m->tokens, (size_t)token, x);
        else
            ll_linear_row(&m->out, (size_t)token, x);
    }
}

/* Runs all layers and, without a window, stores the rows' states. False: the forward pass was stopped. */
static bool forward_layers(const lstm *m, const ll_exec *exec, const ll_batch *batch, workspace *w,
                           atomic_bool *stopped) {
    if (exec->team->index == 0) order_rows(batch, w);
    ll_team_wait(exec->team);
    embed(m, exec, batch, w);
    for (size_t i = 0; i < m->net.n_layers; i++) {
        if (ll_forward_stopped(exec, batch, stopped)) return false; /* waits */
        forward_layer(m, exec, batch, i, i ? w->h : w->x, w);
        if (!m->net.config->lstm.window) store_states(m, exec, batch, i, w);
    }
    ll_team_wait(exec->team);
    return true;
}

/* out[i] = the state h after row rows[i]. Divided over the threads. */
static void gather(const lstm *m, const ll_exec *exec, const workspace *w, const uint32_t *rows, size_t n_rows,
                   float *out) {
    const size_t n = (size_t)m->net.config->n_embd;
    size_t begin, end;
    ll_team_share(exec->team, n_rows, 1, &begin, &end);
    for (size_t i = begin; i < end; i++) memcpy(out + i * n, w->h + w->place[rows[i]] * n, n * sizeof(float));
    ll_team_wait(exec->team);
}

static void forward_head(const lstm *m, const ll_exec *exec, const ll_batch *batch, workspace *w) {
    if (batch->n_logit_rows)
        ll_linear_apply_with_max(exec, &m->out, w->logit_rows, batch->n_logit_rows, batch->logits, batch->block_max);
}

/* -------------------------------------------------------------------------------------------------- windows */

/* Stores the ids of this thread's rows in the cache. */
static void store_ids(const lstm *m, const ll_exec *exec, const ll_batch *batch) {
    size_t begin, end;
    ll_team_share(exec->team, batch->n_rows, 1, &begin, &end);
    for (size_t i = 0; i < batch->n_segments; i++) {
        const ll_segment *s = &batch->segments[i];
        const size_t last = ll_min(end, s->first_row + s->n_rows);
        for (size_t row = ll_max(begin, s->first_row); row < last; row++) {
            const size_t position = s->first_position + row - s->first_row;
            const float id = (float)batch->ids[row]; /* below 2^24: exact */
            exec->kernels->kv_store(&(ll_kv_rows){.key = &id,
                                                  .value = &id,
                                                  .n_tokens = 1,
                                                  .slot = position % LL_KV_BLOCK,
                                                  .head_dim = 1,
                                                  .type = m->net.kv.type,
                                                  .head = state_at(m, s, 0, position)});
        }
    }
}

/* The token at a position; -1 (skipped) if the cache holds no valid id, since a saved session may contain anything. */
static int32_t id_at(const lstm *m, const ll_batch *batch, const ll_segment *s, size_t position) {
    if (position >= s->first_position) return batch->ids[s->first_row + position - s->first_position];
    const float id = ((const float *)state_at(m, s, 0, position))[position % LL_KV_BLOCK];
    return id >= 0 && id < (float)m->net.config->vocab_size ? (int32_t)id : -1;
}

/* Fills the window that ends with row `row` of the batch: padding, then the last tokens that are not skipped. */
static void fill_window(const lstm *m, const ll_batch *batch, size_t row, int32_t *window) {
    const ll_config *c = m->net.config;
    const ll_segment *s = batch->segments;
    size_t free = (size_t)c->lstm.window;
    while (row >= s->first_row + s->n_rows) s++;
    for (size_t left = s->first_position + row - s->first_row + 1; left && free; left--) {
        const int32_t id = id_at(m, batch, s, left - 1);
        if (id >= 0 && !(c->lstm.skips_padding && id == c->pad_token_id)) window[--free] = id;
    }
    while (free) window[--free] = c->lstm.pads_window ? c->pad_token_id : -1;
}

/* Computes w->logit_rows for all requested rows, some windows at a time. False: stopped. */
static bool forward_windows(const lstm *m, const ll_exec *exec, const ll_batch *batch, workspace *w,
                            atomic_bool *stopped) {
    const size_t length = (size_t)m->net.config->lstm.window, n = (size_t)m->net.config->n_embd;
    const size_t at_once = windows_at_once(&m->net, batch->n_logit_rows);
    store_ids(m, exec, batch);
    for (size_t done = 0, n_windows; done < batch->n_logit_rows; done += n_windows) {
        size_t begin, end;
        n_windows = ll_min(at_once, batch->n_logit_rows - done);
        ll_team_share(exec->team, n_windows, 1, &begin, &end);
        for (size_t i = begin; i < end; i++) {
            fill_window(m, batch, batch->logit_rows[done + i], w->ids + i * length);
            w->segments[i] = (ll_segment){.first_row = i * length, .n_rows = length};
        }
        const ll_batch windows = {.n_rows = n_windows * length,
                                  .ids = w->ids,
                                  .segments = w->segments,
                                  .n_segments = n_windows,
                                  .should_stop = batch->should_stop,
                                  .user = batch->user};
        ll_team_wait(exec->team);
        if (!forward_layers(m, exec, &windows, w, stopped)) return false;
        /* Windows are equally long, so their last rows are the last places. */
        for (size_t i = begin; i < end; i++)
            memcpy(w->logit_rows + (done + i) * n, w->h + ((length - 1) * n_windows + i) * n, n * sizeof(float));
        ll_team_wait(exec->team);
    }
    return true;
}

static void forward(const ll_net *net, const ll_exec *team_exec, const ll_batch *batch, float *memory,
                    atomic_bool *stopped) {
    const lstm *m = (const lstm *)net;
    const ll_forward_size size = ll_batch_size(batch, (size_t)team_exec->team->size);
    workspace w;
    lay_out(net, &size, memory, &w);
    ll_exec exec = *team_exec;
    exec.quantized = w.quantized;
    if (net->config->lstm.window) {
        if (!forward_windows(m, &exec, batch, &w, stopped)) return;
    } else {
        if (!forward_layers(m, &exec, batch, &w, stopped)) return;
        gather(m, &exec, &w, batch->logit_rows, batch->n_logit_rows, w.logit_rows);
    }
    forward_head(m, &exec, batch, &w);
}

/* ------------------------------------------------------------------------------------------- fingerprint */

static uint64_t fingerprint(const ll_net *net) {
    const lstm *m = (const lstm *)net;
    const ll_config *c = net->config;
    const size_t n_state = net->n_layers * (size_t)c->n_embd;
    const uint32_t numbers[] = {(uint32_t)c->n_embd_in, (uint32_t)c->lstm.sigmoid, (uint32_t)c->lstm.window,
                                c->lstm.pads_window, c->lstm.skips_padding ? (uint32_t)c->pad_token_id + 1 : 0};
    uint64_t hash = ll_xxh64(numbers, sizeof numbers, ll_fingerprint_config(0, c));
    for (size_t i = 0; i < net->n_layers; i++)
        hash = ll_fingerprint_linear(ll_fingerprint_linear(hash, &m->layers[i].input), &m->layers[i].recurrent);
    if (m->initial_h)
        hash = ll_fingerprint_floats(ll_fingerprint_floats(hash, m->initial_h, n_state), m->initial_c, n_state);
    if (m->tokens.rows) hash = ll_fingerprint_table(hash, &m->tokens, (size_t)c->vocab_size);
    return ll_fingerprint_linear(hash, &m->out);
}

const ll_net_ops ll_lstm_ops = {.net_bytes = sizeof(lstm),
                                .layer_bytes = sizeof(lstm_layer),
                                .describe = describe,
                                .workspace_floats = workspace_floats,
                                .forward = forward,
                                .fingerprint = fingerprint,
                                .caches_states = true};
