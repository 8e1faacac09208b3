/*
 * A stack of transformer layers of any family: the weights and the forward pass that ll_stack_spec (families/family.h)
 * describes. A network is a stack and a head; an encoder-decoder is two stacks and a head.
 */
#ifndef LL_MODELS_STACK_H
#define LL_MODELS_STACK_H

#include "families/family.h"
#include "models/model.h"

typedef struct ll_layer {
    ll_norm attn_norm;
    ll_linear qkv;          /* n_embd -> (n_head + 2 n_kv_head) head_dim: query, key, value */
    ll_norm q_norm, k_norm; /* over head_dim; n 0: none */
    ll_linear attn_out;     /* n_head head_dim -> n_embd */
    ll_norm attn_post_norm; /* n 0: none */
    ll_norm cross_norm;     /* decoders with an encoder only, like cross_q, cross_kv and cross_out */
    ll_linear cross_q;      /* n_embd -> n_head head_dim */
    ll_linear cross_kv;     /* n_embd -> 2 n_kv_head head_dim: key, value of the encoder's output */
    ll_linear cross_out;    /* n_head head_dim -> n_embd */
    ll_norm ffn_norm;
    ll_linear up;          /* n_embd -> n_inner; with a gate: gate and up, see ll_linear_apply_gated */
    ll_linear down;        /* n_inner -> n_embd */
    ll_norm ffn_post_norm; /* n 0: none */
} ll_layer;

/* Sizes that may differ between encoder and decoder. */
typedef struct ll_stack_sizes {
    size_t vocab, n_layer, n_head, n_kv_head, head_dim, n_inner;
} ll_stack_sizes;

typedef struct ll_stack {
    const ll_stack_spec *spec;
    const ll_config *config;
    ll_stack_sizes sizes;
    const ll_kv_layout *kv;
    ll_table tokens;       /* [vocab, n_embd_in]; none if tied */
    const ll_linear *tied; /* the head whose rows are the token table, or NULL; the caller describes it. Set before
                              the embeddings are described */
    const struct ll_stack *shared; /* the stack, described before, that this one shares the token table of; or NULL */
    float *positions;              /* [n_positions, n_embd_in]; NULL: none are added */
    float *types;                  /* [type_vocab_size, n_embd_in]; NULL: no token types */
    float *tasks;                  /* [task_vocab_size, n_embd_in]; row 0 is added to every token; NULL: none */
    float *buckets;  /* LL_DISTANCE_BUCKETS: [n_buckets, n_head], which `distance` is computed from; or NULL */
    float *distance; /* [n_head, 2 n_distance - 1] added to attention scores, see ll_attention; or NULL */
    size_t n_distance;
    ll_norm embed_norm;      /* n 0: none */
    ll_linear embed_project; /* n_embd_in -> n_embd; packed is NULL without one */
    ll_layer *layers;        /* [n_layers] */
    size_t n_layers;
    ll_norm final_norm; /* n 0: none */
    ll_rope rope[2]; /* [0]: of layers that attend to all tokens, n_dims 0: none; [1]: of layers with a window, n_dims
                        0: as [0] */
} ll_stack;

/* A workspace of a forward pass through a stack. */
typedef struct ll_stack_workspace {
    float *x;   /* [n_rows, n_embd] the residual stream */
    float *h;   /* [ll_normed_rows, n_embd] norm(x) unless applied in place; output of a sub-layer with a post norm */
    float *qkv; /* [n_rows, n_qkv] */
    float *attended;     /* [n_rows, n_head head_dim] output of attention, before its output layer */
    float *inner;        /* [n_rows, n_inner] */
    float *rotations[2]; /* [n_rows, head_dim] of stack.rope */
    float *gated;        /* [n_threads, LL_GATED_FLOATS] */
    float *embedded;     /* [n_rows, n_embd_in] before embed_project */
    float *scratch;      /* [n_threads, n_scratch] of attention */
    size_t n_scratch;
    float *quantized; /* activations in 8 bits, for integer weights */
} ll_stack_workspace;

/* The rotary embedding of layers that attend to all tokens. */
ll_rope_spec ll_stack_rope_spec(const ll_config *c);

/* The decoder's sizes, or those of the only stack. */
static inline ll_stack_sizes ll_stack_sizes_of(const ll_config *c) {
    return (ll_stack_sizes){.vocab = (size_t)c->vocab_size,
                            .n_layer = (size_t)c->n_layer,
                            .n_head = (size_t)c->n_head,
                            .n_kv_head = (size_t)c->n_kv_head,
                            .head_dim = (size_t)c->head_dim,
                            .n_inner = (size_t)c->n_inner};
}
/* Those of an encoder-decoder's encoder. */
static inline ll_stack_sizes ll_stack_source_sizes(const ll_config *c) {
    return (ll_stack_sizes){.vocab = (size_t)c->encoder.vocab_size,
                            .n_layer = (size_t)c->encoder.n_layer,
                            .n_head = (size_t)c->encoder.n_head,
                            .n_kv_head = (size_t)c->encoder.n_head,
                            .head_dim = (size_t)c->encoder.head_dim,
                            .n_inner = (size_t)c->encoder.n_inner};
}

/* Width of the rows of qkv, and of those of cross_kv. */
static inline size_t ll_stack_qkv_width(const ll_stack_sizes *s) {
    return (s->n_head + 2 * s->n_kv_head) * s->head_dim;
}
static inline size_t ll_stack_kv_width(const ll_stack_sizes *s) { return 2 * s->n_kv_head * s->head_dim; }

/* The factor of attention scores, usually 1 / sqrt(head_dim). */
float ll_stack_scale(const ll_stack *s);

/* The name of the token table in this checkpoint. l->scope must be the stack's prefix. */
const char *ll_stack_token_name(const ll_stack_spec *spec, const ll_config *c, const ll_loader *l);

/* Describe weights to the loader, with names after `prefix`: embeddings and final norm; layers. */
llmcs_status ll_stack_describe_embeddings(ll_stack *s, ll_loader *l, const char *prefix);
llmcs_status ll_stack_describe_layers(ll_stack *s, ll_loader *l, const char *prefix);
/* Sets ll_linear.next, the order in which the forward pass applies the linears, for prefetching. after: the linear that
 * follows the last layer. */
void ll_stack_link(ll_stack *s, ll_linear *after);

/* Divides a workspace into its parts; with base NULL only counts its floats. */
void ll_stack_lay_out(const ll_net *net, const ll_stack *s, const ll_forward_size *size, float *base, size_t *used,
                      ll_stack_workspace *w);
/* The two halves of ll_stack_forward: w->x = the embedded tokens, and layers [begin, end) on w->x. Between two ranges
 * of layers only w->x is kept. */
void ll_stack_embed(const ll_stack *s, const ll_exec *exec, const ll_batch *batch, ll_stack_workspace *w);
bool ll_stack_layers(const ll_stack *s, const ll_exec *exec, const ll_batch *batch, size_t begin, size_t end,
                     ll_stack_workspace *w, atomic_bool *stopped);
/* w->x = the last layer's result, without final_norm. Each layer of a decoder with an encoder also attends to its
 * segment's source (source.h). False if the forward pass was stopped. */
bool ll_stack_forward(const ll_stack *s, const ll_exec *exec, const ll_batch *batch, ll_stack_workspace *w,
                      atomic_bool *stopped);
/* out = the stack's output for row `row` of x. */
void ll_stack_output(const ll_stack *s, const ll_exec *exec, const float *x, size_t row, float *out);
/* y = the stack's outputs for all rows of x; y may be x. Rows are divided over the threads. */
void ll_stack_outputs(const ll_stack *s, const ll_exec *exec, const float *x, size_t n_rows, float *y);

/* The row of the position table for a token, or NULL. */
const float *ll_stack_position(const ll_stack *s, size_t position, bool is_padding);

#endif
