/*
 * A model family as data. Everything specific to GPT-2, BERT or Llama is one const struct in one file of this folder
 * and one row in LL_FAMILIES. lib/formats reads its keys and names, lib/models runs its layers; no other code lists
 * families. 0 or NULL is the usual value and may be left out.
 *
 * To add a family: copy the file of the most similar one, change its names, keys and layer description, add a row to
 * LL_FAMILIES. An operation that ll_stack_spec lacks is added to models/stack.c for all families.
 */
#ifndef LL_FAMILIES_FAMILY_H
#define LL_FAMILIES_FAMILY_H

#include <stddef.h>

#include "formats/config.h"

/* ---- names of tensors */

/* A tensor's name in checkpoints, without ".weight" and ".bias", and in llama.cpp (gguf-py/gguf/constants.py). A GGUF
 * name that begins with "llmcs." is our own: llama.cpp has no such tensor. */
typedef struct ll_name {
    const char *checkpoint, *gguf;
    const char *alternative; /* in other checkpoints of the family, or NULL */
} ll_name;

/* The tensors a stack may have. Those from LL_ATTN_NORM on exist once in each layer. */
typedef enum ll_role {
    LL_TOKENS,
    LL_POSITIONS,
    LL_TYPES,
    LL_TASKS, /* one row is added to every token (ERNIE) */
    LL_EMBED_NORM,
    LL_EMBED_PROJECT,  /* n_embed_in -> n_embd (ELECTRA, ALBERT) */
    LL_DISTANCE,       /* of LL_DISTANCE_BUCKETS: [n_buckets, n_head] */
    LL_ROTARY_FACTORS, /* [head_dim / 2], in GGUF files only: divisors of the rotary frequencies */
    LL_FINAL_NORM,
    LL_POOLER,
    LL_ATTN_NORM, /* before attention; LL_POST_NORM: after it */
    LL_QKV,       /* one tensor, or the next three */
    LL_Q,
    LL_K,
    LL_V,
    LL_Q_NORM, /* over head_dim */
    LL_K_NORM,
    LL_ATTN_OUT,
    LL_ATTN_POST_NORM, /* LL_SANDWICH_NORM */
    LL_CROSS_NORM,     /* cross attention of decoders with an encoder */
    LL_CROSS_Q,
    LL_CROSS_K,
    LL_CROSS_V,
    LL_CROSS_OUT,
    LL_FFN_NORM, /* before the feed-forward block; LL_POST_NORM: after it */
    LL_GATE_UP,  /* one tensor, or the next two; without a gate LL_UP alone */
    LL_GATE,
    LL_UP,
    LL_DOWN,
    LL_FFN_POST_NORM, /* LL_SANDWICH_NORM */
    LL_N_ROLES
} ll_role;
#define LL_FIRST_LAYER_ROLE LL_ATTN_NORM

/* ---- a stack of layers */

typedef enum ll_norm_place {
    LL_POST_NORM,    /* x = norm(x + f(x)) */
    LL_PRE_NORM,     /* x = x + f(norm(x)) */
    LL_SANDWICH_NORM /* x = x + post_norm(f(norm(x))) */
} ll_norm_place;

typedef enum ll_positions_kind {
    LL_NO_POSITIONS,            /* none are added */
    LL_POSITIONS_TABLE,         /* row p */
    LL_POSITIONS_AFTER_PADDING, /* row pad_token_id + 1 + p, counted over tokens that are not padding (RoBERTa) */
    LL_POSITIONS_FROM_TWO,      /* row p + 2; max_position_embeddings counts without the first two (BART) */
    LL_POSITIONS_SINES          /* the sines of all angles, then the cosines; files may leave them out (Marian) */
} ll_positions_kind;

typedef enum ll_bias_rule {
    LL_WITH_BIAS,
    LL_NO_BIAS,
    LL_BIAS_BY_KEY, /* as config.json says: ll_config.attention_bias, mlp_bias; heads: classifier_bias, decoder_bias */
    LL_BIAS_IF_STORED /* heads only: if the file has it */
} ll_bias_rule;

typedef enum ll_glu {
    LL_NO_GATE,      /* down(act(up(x))) */
    LL_GATE_AND_UP,  /* down(act(gate(x)) * up(x)), two tensors */
    LL_FUSED_FIRST,  /* one tensor, whose first half is the gate (ModernBERT, jina) */
    LL_FUSED_SECOND, /* ... second half (GTE) */
    LL_GATE_BY_KEY   /* LL_GATE_AND_UP or LL_NO_GATE, as ll_config.gated says (T5) */
} ll_glu;

typedef enum ll_window_rule {
    LL_NO_WINDOW,
    LL_WINDOW,         /* layers attend to ll_config.layers.window tokens, see ll_config_is_local */
    LL_WINDOW_IF_USED, /* only where use_sliding_window is true (Qwen) */
    LL_WINDOW_AROUND   /* layers.window / 2 tokens to either side (ModernBERT) */
} ll_window_rule;

typedef enum ll_distance_kind {
    LL_NO_DISTANCE,
    LL_DISTANCE_BUCKETS, /* T5, MPNet: a table of logarithmic buckets, one for all layers */
    LL_DISTANCE_ALIBI    /* -slope * |key - query| */
} ll_distance_kind;

typedef struct ll_stack_spec {
    const char *layers; /* prefix of a layer's tensor names: "h.%d." */
    /* Matrices are stored [n_in, n_out] as in GPT-2's Conv1D, not [n_out, n_in]. */
    bool in_out;
    bool causal;
    bool cross; /* each layer attends to the encoder's output, too */
    struct {
        ll_positions_kind positions;
        bool sqrt_scale; /* token embeddings are multiplied by sqrt(n_embd); also if ll_config.scale_embedding is set */
    } embed;
    struct {
        ll_norm_place place;
        bool rms, no_bias;
        bool plus_one;       /* weights are stored minus one (Gemma) */
        bool first_identity; /* the first layer has no LL_ATTN_NORM (ModernBERT) */
    } norm;
    struct {
        bool fused; /* LL_QKV is one tensor */
        ll_bias_rule qkv_bias, out_bias;
        bool qk_norm; /* LL_Q_NORM, LL_K_NORM; after the product, before the rotation */
        bool rotary;  /* rotary position embedding of halves (config_rope.c reads its keys) */
        ll_window_rule window;
        ll_distance_kind distance;
    } attn;
    struct {
        ll_glu glu;
        ll_bias_rule bias;
        bool no_gate_up_bias; /* LL_DOWN alone has a bias (GTE) */
    } ffn;
    /* The number in `layers` for a layer; NULL: the layer itself. Layers with the same number share weights (ALBERT).
     */
    int (*layer_number)(const ll_config *c, int layer);
    ll_name names[LL_N_ROLES];
} ll_stack_spec;

/* ---- heads */

typedef enum ll_head_rows {
    LL_ROWS_FIRST,  /* one result per sequence, from its first token */
    LL_ROWS_LAST,   /* ... from the last token */
    LL_ROWS_MEAN,   /* ... from the mean of all tokens */
    LL_ROWS_BY_KEY, /* ... FIRST or MEAN, as ll_config.classifier_pooling says */
    LL_ROWS_EOS,    /* ... from the last eos_token_id of the decoder's input; the call gives its row */
    LL_ROWS_EACH,   /* one result per token */
    LL_ROWS_LOGITS, /* one per token whose logits the call requests: language models */
} ll_head_rows;

/* out(norm(act(dense(rows of x)))), each but `out` optional. */
typedef struct ll_head_spec {
    ll_head head;
    ll_head_rows rows;
    bool pooler;   /* dense is LL_POOLER */
    ll_name dense; /* n_embd -> n_embd */
    ll_bias_rule dense_bias;
    ll_activation act;
    bool act_of_config; /* act is the stack's activation */
    ll_name norm;
    ll_name out; /* to labels or vocabulary; a tied vocabulary matrix is the token table */
    ll_bias_rule out_bias;
    const char *out_biases[2]; /* names under which the bias of `out` may be stored; NULL: out's own name */
    bool scaled_if_tied;       /* if the vocabulary matrix is tied, rows are divided by sqrt(n_embd) (T5) */
    const char *prefix;        /* of the stack's tensors in files with this head; NULL: the family's */
} ll_head_spec;

/* What follows a family's class prefix: "ForMaskedLM". */
typedef struct ll_class {
    const char *name;
    const ll_head_spec *head; /* NULL: none */
} ll_class;

/* ---- config.json */

typedef enum ll_key_kind {
    LL_KEYS_END,
    LL_KEY_SIZE,       /* int32_t, 1 to max; required, if the default is 0; more is LIMIT */
    LL_KEY_INT,        /* int32_t, min to max; absent or null: the default */
    LL_KEY_COUNT,      /* the same, but null is refused */
    LL_KEY_BOOL,       /* bool; absent or null: the default */
    LL_KEY_NUMBER,     /* double; absent or null: the default */
    LL_KEY_EPS,        /* float, 1e-37 to 1; absent: the default */
    LL_KEY_ACTIVATION, /* ll_activation by its name; absent: the default */
    LL_KEY_GATED,      /* the same; "gated-" before the name sets ll_config.gated */
    LL_KEY_CHOICE,     /* int32_t: index of the string in `choices`; absent: the default */
} ll_key_kind;

/* A key of config.json and the field of ll_config that it fills. Without names the field is a constant of the family.
 */
typedef struct ll_key {
    const char *names[3]; /* the family's own name, then aliases that Transformers accepts (attribute_map) */
    ll_key_kind kind;
    size_t field; /* offsetof(ll_config, ...) */
    double by_default, min, max;
    const char *const *choices; /* ends with a NULL */
} ll_key;

/* The end of a list. */
#define LL_NO_MORE_KEYS \
    { .kind = LL_KEYS_END }

#define LL_SIZE(field_, max_, ...) \
    { .names = {__VA_ARGS__}, .kind = LL_KEY_SIZE, .field = offsetof(ll_config, field_), .min = 1, .max = (max_) }
/* A size that files may leave out. */
#define LL_SIZE_OR(field_, default_, max_, ...)                                                                      \
    {                                                                                                                \
        .names = {__VA_ARGS__}, .kind = LL_KEY_SIZE, .field = offsetof(ll_config, field_), .by_default = (default_), \
        .min = 1, .max = (max_)                                                                                      \
    }
#define LL_INT(field_, default_, min_, max_, ...)                                                                   \
    {                                                                                                               \
        .names = {__VA_ARGS__}, .kind = LL_KEY_INT, .field = offsetof(ll_config, field_), .by_default = (default_), \
        .min = (min_), .max = (max_)                                                                                \
    }
#define LL_COUNT(field_, default_, min_, max_, ...)                                                                   \
    {                                                                                                                 \
        .names = {__VA_ARGS__}, .kind = LL_KEY_COUNT, .field = offsetof(ll_config, field_), .by_default = (default_), \
        .min = (min_), .max = (max_)                                                                                  \
    }
#define LL_BOOL(field_, default_, ...) \
    { .names = {__VA_ARGS__}, .kind = LL_KEY_BOOL, .field = offsetof(ll_config, field_), .by_default = (default_) }
#define LL_NUMBER(field_, default_, min_, max_, ...)                                                                   \
    {                                                                                                                  \
        .names = {__VA_ARGS__}, .kind = LL_KEY_NUMBER, .field = offsetof(ll_config, field_), .by_default = (default_), \
        .min = (min_), .max = (max_)                                                                                   \
    }
#define LL_CHOICE(field_, default_, choices_, ...)                                                                     \
    {                                                                                                                  \
        .names = {__VA_ARGS__}, .kind = LL_KEY_CHOICE, .field = offsetof(ll_config, field_), .by_default = (default_), \
        .choices = (choices_)                                                                                          \
    }
#define LL_EPS(default_, ...)                                                                     \
    {                                                                                             \
        .names = {__VA_ARGS__}, .kind = LL_KEY_EPS, .field = offsetof(ll_config, layer_norm_eps), \
        .by_default = (default_)                                                                  \
    }
#define LL_ACTIVATION(default_, ...)                                                                 \
    {                                                                                                \
        .names = {__VA_ARGS__}, .kind = LL_KEY_ACTIVATION, .field = offsetof(ll_config, activation), \
        .by_default = (default_)                                                                     \
    }

#define LL_GATED_ACTIVATION(default_, ...) \
    { .names = {__VA_ARGS__}, .kind = LL_KEY_GATED, .field = offsetof(ll_config, activation), .by_default = (default_) }

/* A key that must have this value, because other values describe networks that are not supported. */
typedef struct ll_must_be {
    const char *key;
    const char
        *text;     /* the required string; NULL: the key must be off (absent, null, false, {}, []) or equal `number` */
    double number; /* 0: off only; NAN: absent or null only */
} ll_must_be;

/* Tensors that identify a family if config.json has neither model_type nor architectures (files of 2019). Names are
 * compared from their ends. */
typedef struct ll_signature {
    const char *tensors[4]; /* all must exist */
    int rows;               /* rows of the first: 1, or -1 for more than one; 0: any */
    const char *architecture;
} ll_signature;
#define LL_NO_MORE_SIGNATURES \
    { .architecture = NULL }

typedef struct ll_model_type {
    const char *name, *class_prefix; /* "xlm-roberta", "XLMRoberta" */
    const char *nested;              /* the key of config.json whose object has the text model's keys, or NULL */
} ll_model_type;

#define LL_MAX_MODEL_TYPES 8

/* The implementation in lib/models. */
typedef enum ll_network_kind {
    LL_NETWORK_TRANSFORMER, /* stack and heads */
    LL_NETWORK_LSTM         /* uses only the tensor names of `stack` */
} ll_network_kind;

/* Properties of an architecture in llama.cpp (llama-model.cpp, src/models/). */
enum {
    LL_GGUF_PAIRED = 1,   /* queries and keys of a head are stored as pairs (i, i + head_dim / 2) */
    LL_GGUF_BIASES = 2,   /* biases that LL_BIAS_BY_KEY switches on are loaded */
    LL_GGUF_HEAD_DIM = 4, /* n_head * head_dim need not be n_embd */
    LL_GGUF_WINDOWS = 8,  /* layers may attend to a window */
};

struct ll_family {
    const char *name; /* llmcs.model_family of our GGUF files */
    ll_network_kind network;
    uint32_t number;                               /* in fingerprints of saved sessions; never reused */
    const char *gguf;                              /* general.architecture */
    const char *gguf_tokenizer;                    /* required tokenizer.ggml.model, where two families share an
                                                      architecture; NULL: any */
    const char *gguf_pre;                          /* tokenizer.ggml.pre of its byte-level BPE, or NULL */
    unsigned gguf_traits;                          /* LL_GGUF_PAIRED and the like */
    ll_model_type model_types[LL_MAX_MODEL_TYPES]; /* the first is the family's own */
    bool untied;                                   /* tie_word_embeddings defaults to false */
    const char *prefix;                            /* of the stack's tensor names: "transformer." */
    bool decoder;
    /* Lists end with an entry of zeros. */
    const ll_key *keys;
    const ll_must_be *must_be;
    const char *const *harmless;    /* keys that change no result, besides those of all families */
    const ll_class *classes;        /* the first is the default if config.json has no architectures */
    const ll_signature *signatures; /* by tensors that only it has */
    const ll_signature
        *bare_signatures;   /* by tensors without the family's prefix, tried after all families' signatures */
    ll_stack_spec stack[2]; /* an encoder or a decoder; both: encoder, decoder */
    struct {
        int32_t bos, eos, pad;     /* defaults of bos_token_id, ...; -1: none */
        int32_t start, forced_eos; /* encoder-decoders: defaults of decoder_start_token_id, forced_eos_token_id */
        bool starts_with_last;     /* a classifier's decoder input starts with the source's last token (mBART) */
    } tokens;
};

/* True for encoder-decoders. */
static inline bool ll_family_has_source(const ll_family *f) { return f->stack[1].layers != NULL; }
/* The stack whose output the heads read. */
static inline const ll_stack_spec *ll_family_last_stack(const ll_family *f) {
    return &f->stack[ll_family_has_source(f)];
}

/* All families; ends with NULL. */
extern const ll_family *const ll_families[];

/* The model type of this name, and its *family; or NULL. */
const ll_model_type *ll_family_find(const char *model_type, const ll_family **family);
/* The model type whose class prefix is the longest that `architecture` begins with; NULL: none. *class_name: the rest
 * of `architecture`. */
const ll_model_type *ll_family_of_class(const char *architecture, const ll_family **family, const char **class_name);
/* "gpt2, bert, distilbert, ...", for messages. */
#define LL_FAMILY_NAMES_BYTES 512
const char *ll_family_names(char out[LL_FAMILY_NAMES_BYTES]);

/* Prefix of the stack's tensor names in Transformers' files. */
static inline const char *ll_family_prefix(const ll_family *f, const ll_head_spec *head) {
    return head && head->prefix ? head->prefix : f->prefix;
}

/* The name of a role, or NULL if the stack has no such tensor. */
static inline const char *ll_role_name(const ll_stack_spec *s, ll_role role) { return s->names[role].checkpoint; }

/* The families, one row each. When tensors identify the family (ll_signature), earlier rows take precedence. */
#define LL_FAMILIES(ROW) \
    ROW(gpt2)            \
    ROW(bert)            \
    ROW(distilbert)      \
    ROW(roberta)         \
    ROW(electra)         \
    ROW(albert)          \
    ROW(ernie)           \
    ROW(mpnet)           \
    ROW(modernbert)      \
    ROW(gte)             \
    ROW(nomic)           \
    ROW(llama)           \
    ROW(mistral)         \
    ROW(smollm3)         \
    ROW(qwen2)           \
    ROW(qwen3)           \
    ROW(gemma3)          \
    ROW(lstm)            \
    ROW(bart)            \
    ROW(mbart)           \
    ROW(marian)          \
    ROW(t5)
#define LL_DECLARE_FAMILY(name) extern const ll_family ll_family_##name;
LL_FAMILIES(LL_DECLARE_FAMILY)

#endif
