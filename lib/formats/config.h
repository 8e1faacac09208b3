/* config.json and the files next to it as plain numbers with one meaning for all families. Keys and defaults are those
 * of Transformers' configuration classes (configuration_gpt2.py etc., listed in lib/families;
 * generation/configuration_utils.py). The sizes of a network have no default: a file must give them. A setting that
 * changes the network and is not supported is UNSUPPORTED; a key that is read and occurs twice is CONFIG. Settings that
 * change results in Transformers and are not applied here are logged (WARN), unknown keys too (INFO), so that results
 * never differ from Transformers without a log line. */
#ifndef LL_FORMATS_CONFIG_H
#define LL_FORMATS_CONFIG_H

#include "base/arena.h"
#include "base/log.h"
#include "formats/sentence.h"
#include "formats/source.h"
#include "kernels/activation.h"
#include "kernels/rope.h"

typedef struct ll_family ll_family; /* families/family.h */

typedef enum ll_head {
    LL_HEAD_NONE,
    LL_HEAD_CAUSAL_LM,
    LL_HEAD_CLASSIFICATION,
    LL_HEAD_MASKED_LM,
    LL_HEAD_TOKENS, /* a label for each token */
    LL_HEAD_SPAN    /* a start and an end logit for each token */
} ll_head;

/* Gates of an LSTM in the order of a file: input i, forget f, candidate g (Keras: c), output o. */
typedef enum ll_gate_order {
    LL_GATES_IFGO, /* PyTorch, and Keras, which calls it ifco */
    LL_GATES_IFCO,
    LL_GATES_IOFC /* ONNX */
} ll_gate_order;

typedef enum ll_sigmoid {
    LL_SIGMOID,
    LL_HARD_SIGMOID_FIFTH, /* min(max(x / 5 + 1/2, 0), 1): Keras 1 and 2, ONNX */
    LL_HARD_SIGMOID_SIXTH  /* the same of x / 6: Keras 3, PyTorch */
} ll_sigmoid;

/* problem_type selects the function of the logits: softmax, a sigmoid of each, or none. Without problem_type: sigmoid
 * for one label, else softmax, as in Transformers' text-classification pipeline. */
typedef enum ll_problem { LL_PROBLEM_SINGLE_LABEL, LL_PROBLEM_MULTI_LABEL, LL_PROBLEM_REGRESSION } ll_problem;

/* Upper bounds of sizes; a larger size is LIMIT. The product of any two fits 64 bits. */
#define LL_MAX_VOCAB_SIZE (1 << 24)
#define LL_MAX_POSITIONS (1 << 24)
#define LL_MAX_WIDTH (1 << 20) /* n_embd, n_head */
#define LL_MAX_INNER (1 << 22)
#define LL_MAX_LABELS 65536
#define LL_MAX_EOS 64
#define LL_MAX_SEQUENCES 4096 /* beams, or completions of one prompt */

/* Settings of a sentence-transformers folder's Transformer module: the file's names over time
 * (sentence_transformers/models/Transformer.py). The first that exists is read. */
extern const char *const ll_sentence_settings_files[];
#define LL_N_SENTENCE_SETTINGS_FILES 7
#define LL_SENTENCE_PROMPTS_FILE "config_sentence_transformers.json"

/* Rotary position embedding, in Transformers' names (modeling_rope_utils.py). */
typedef struct ll_rope_config {
    double theta, local_theta; /* local_theta: of layers with a window, never scaled; 0: theta */
    ll_rope_scaling scaling;
    double factor, low_freq_factor, high_freq_factor, original_positions, beta_fast, beta_slow,
        attention_factor; /* 0: not given, or the scaling's default */
    bool keep_fractions;  /* yarn: "truncate": false */
} ll_rope_config;

typedef struct ll_config {
    ll_arena arena; /* holds the strings and arrays below */
    const ll_family *family;
    const char *model_type;   /* as written: "xlm-roberta" and "camembert" are of the RoBERTa family */
    const char *architecture; /* the first of architectures, or "" */
    ll_head head;             /* from architectures; without architectures from model_type (GPT-2: causal LM) */
    const struct ll_head_spec *head_spec; /* NULL: LL_HEAD_NONE */
    int32_t vocab_size, n_positions /* rows of the position table */, n_embd, n_layer, n_head, n_inner;
    int32_t n_kv_head; /* KV heads, a divisor of n_head; n_head unless the file says otherwise */
    int32_t head_dim;  /* n_embd / n_head unless the file says otherwise */
    int32_t n_embd_in; /* width of the token table: n_embd, or less (ELECTRA, ALBERT) */
    /* The encoder of an encoder-decoder; the sizes above are the decoder's. All 0: there is no encoder. */
    struct {
        int32_t vocab_size, n_layer, n_head, head_dim, n_inner;
    } encoder;
    bool shares_tokens;            /* encoder and decoder have one token table */
    bool scale_embedding;          /* rows of the token table times sqrt(n_embd) */
    bool gated;                    /* of LL_GATE_BY_KEY */
    bool attention_bias, mlp_bias; /* of families whose config.json says so (LL_BIAS_BY_KEY) */
    double query_scalar;           /* attention scores are divided by its square root; 0: by that of head_dim */
    ll_rope_config rope;           /* of families with rotary embeddings */
    /* The layers with sliding-window attention, and those with rotary embeddings: ll_config_is_local, _rotates. */
    struct {
        int32_t window;                 /* causal: a token sees the last `window`, its own included; else
                                           `window` to either side; 0: all */
        int32_t global_every;           /* layers (i + 1) % global_every == 0 are global; 0: this rule is off */
        bool global_first;              /* layers i % global_every == 0 are global instead */
        int32_t first_local;            /* layers before it are global */
        int32_t unrotated_every;        /* layers (i + 1) % unrotated_every == 0 do not rotate; 0: all do */
        const uint8_t *local, *rotates; /* [n_layer] instead of the rules above, where the file lists them; or NULL */
    } layers;
    int32_t type_vocab_size; /* 0: no token types (GPT-2, DistilBERT) */
    int32_t task_vocab_size; /* rows of the table of tasks, used if use_task_id (ERNIE) */
    bool use_task_id;
    bool classifier_bias, decoder_bias; /* of heads with LL_BIAS_BY_KEY */
    int32_t classifier_pooling;         /* of heads with LL_ROWS_BY_KEY: 0 the first token, 1 the mean */
    int32_t n_buckets, max_distance;    /* of LL_DISTANCE_BUCKETS */
    struct {
        int32_t gates;      /* ll_gate_order: how the rows of its matrices are ordered */
        int32_t sigmoid;    /* ll_sigmoid: the function of its gates */
        bool bias;          /* its matrices have biases */
        int32_t window;     /* a token's logits depend on the last `window` tokens; 0: on all */
        bool pads_window;   /* fewer tokens are padded with pad_token_id at the front */
        bool skips_padding; /* pad_token_id leaves the state unchanged (Keras' mask_zero) */
    } lstm;
    int32_t n_groups; /* groups of layers that share weights (ALBERT) */
    /* RoBERTa: padding_idx + 1; BART: 2; else 0. A sequence holds n_positions - position_offset tokens. */
    int32_t position_offset;
    float layer_norm_eps;
    ll_activation activation;
    bool tie_word_embeddings;
    bool scale_attn_weights; /* GPT-2; default true */
    /* -1: none. An id outside the vocabulary is logged and becomes -1: Chinese GPT-2 checkpoints keep the English
     * model's 50256 with a vocabulary of 21128. */
    int32_t bos_token_id, pad_token_id, sep_token_id;
    int32_t decoder_start_token_id; /* of encoder-decoders */
    int32_t *eos_token_id;          /* from generation_config.json if that gives it, else from config.json */
    size_t n_eos_token_id;
    ll_problem problem;
    int32_t n_labels;      /* of LL_HEAD_CLASSIFICATION and LL_HEAD_TOKENS; else 0 */
    const char **id2label; /* [n_labels]; NULL where the file has no name */
    /* Generation settings: from generation_config.json, without that file from config.json, else Transformers'
     * defaults. */
    struct {
        bool do_sample, renormalize_logits;
        double temperature, top_p, min_p, repetition_penalty, encoder_repetition_penalty, length_penalty;
        int64_t top_k, min_new_tokens, min_length, no_repeat_ngram_size, encoder_no_repeat_ngram_size, num_beams,
            num_return_sequences;
        double typical_p, epsilon_cutoff, eta_cutoff, diversity_penalty, exponential_decay_factor, max_time,
            guidance_scale;
        int64_t num_beam_groups, exponential_decay_start;
        const llmcs_sequence_bias *sequence_bias;
        size_t n_sequence_bias;
        int64_t max_new_tokens, max_length; /* 0: not given. max_length and min_length include the prompt */
        int early_stopping;                 /* llmcs_early_stopping */
        int32_t forced_bos_token_id;        /* -1: none */
        llmcs_ids forced_eos_token_id, suppress_tokens, begin_suppress_tokens;
        const llmcs_ids *bad_words_ids;
        size_t n_bad_words_ids;
        const char *const *stop_strings;
        size_t n_stop_strings;
    } generation;
    ll_sentence sentence; /* of sentence-transformers folders */
    /* The function that sentence-transformers' CrossEncoder applies to a logit. If the folder names none: sigmoid for
     * one label, else identity. `name` is as in the folder, or "". */
    struct {
        ll_torch_activation activation;
        const char *name;
    } rerank;
} ll_config;

/* Reads config.json of `source` (of the Transformer module in a sentence-transformers folder), and where present
 * generation_config.json, modules.json and the modules' settings; for a GGUF file without these files, the GGUF keys.
 * Messages name file, key, found and expected value. IO JSON CONFIG UNSUPPORTED LIMIT NOMEM. On failure there is
 * nothing to free. */
llmcs_status ll_config_read(ll_config *config, const llmcs_allocator *a, const ll_source *source, const ll_log *log);
void ll_config_free(ll_config *config);

/* The folder's prompt with this name, or NULL. */
const char *ll_config_prompt(const ll_config *c, const char *name);

/* True if layer i has sliding-window attention. */
static inline bool ll_config_is_local(const ll_config *c, size_t i) {
    if (!c->layers.window) return false;
    if (c->layers.local) return c->layers.local[i] != 0;
    const size_t counted = c->layers.global_first ? i : i + 1;
    if (c->layers.global_every && counted % (size_t)c->layers.global_every == 0) return false;
    return i >= (size_t)c->layers.first_local;
}

/* True if layer i rotates queries and keys. */
static inline bool ll_config_rotates(const ll_config *c, size_t i) {
    if (c->layers.rotates) return c->layers.rotates[i] != 0;
    return !c->layers.unrotated_every || (i + 1) % (size_t)c->layers.unrotated_every != 0;
}

/* True if the head gives a row of logits for each token of an encoder's text and is not a masked LM's head. */
static inline bool ll_config_tags_tokens(const ll_config *c) {
    return c->head == LL_HEAD_TOKENS || c->head == LL_HEAD_SPAN;
}

/* Logits in one row of a classifier's output: one row per sequence, or per token. */
static inline size_t ll_config_n_logits(const ll_config *c) {
    return c->head == LL_HEAD_SPAN ? 2 : (size_t)c->n_labels;
}

#endif
