/* config.json: the sizes and settings of the network, and the order in which its neighbours are read. */
#include "formats/config.h"

#include <math.h>
#include <string.h>

#include "formats/config_parts.h"
#include "formats/folder.h"

llmcs_status ll_config_copy_text(ll_config *c, const ll_settings *f, const char *key, ll_json v, const char **out) {
    size_t len;
    const char *text = ll_json_string(v, &len);
    if (!text) return ll_settings_bad(f, key, v, "a string");
    if (memchr(text, 0, len)) return ll_settings_bad(f, key, v, "a string without NUL characters");
    return ll_arena_copy_text(&c->arena, text, len, f->name, out);
}

/* ------------------------------------------------------------------------------------------------- sizes */

/* A size under its key or, if that is absent, under its other names; it must be there. Sizes above `max` are LIMIT. */
static llmcs_status read_size(const ll_settings *f, const char *const keys[3], int64_t max, int32_t *out) {
    int64_t n = 0;
    for (int i = 0; i < 3 && keys[i] && n == 0; i++) LL_TRY(ll_settings_int(f, keys[i], 1, INT32_MAX, &n));
    if (n == 0) return ll_fail(LLMCS_CONFIG, "%s: %s is missing", f->name, keys[0]);
    if (n > max)
        return ll_fail(LLMCS_LIMIT, "%s: %s: %lld, at most %lld are read", f->name, keys[0], (long long)n,
                       (long long)max);
    *out = (int32_t)n;
    return LLMCS_OK;
}

static llmcs_status read_sizes(ll_config *c, const ll_settings *f) {
    /* The name in the family's own files, then the names Transformers takes for the same (attribute_map). */
    static const char *const keys[3][5][3] = {
        {{"n_positions", "max_position_embeddings", "n_ctx"},
         {"n_embd", "hidden_size"},
         {"n_layer", "num_hidden_layers"},
         {"n_head", "num_attention_heads"}},
        {{"max_position_embeddings"},
         {"hidden_size"},
         {"num_hidden_layers"},
         {"num_attention_heads"},
         {"intermediate_size"}},
        {{"max_position_embeddings"},
         {"dim", "hidden_size"},
         {"n_layers", "num_hidden_layers"},
         {"n_heads", "num_attention_heads"},
         {"hidden_dim"}},
    };
    static const char *const vocab[3] = {"vocab_size"};
    const char *const(*k)[3] = keys[c->family == LL_FAMILY_GPT2 ? 0 : c->family == LL_FAMILY_DISTILBERT ? 2 : 1];
    LL_TRY(read_size(f, vocab, LL_MAX_VOCAB_SIZE, &c->vocab_size));
    LL_TRY(read_size(f, k[0], LL_MAX_POSITIONS, &c->n_positions));
    LL_TRY(read_size(f, k[1], LL_MAX_WIDTH, &c->n_embd));
    LL_TRY(read_size(f, k[2], INT32_MAX, &c->n_layer));
    LL_TRY(read_size(f, k[3], LL_MAX_WIDTH, &c->n_head));
    if (k[4][0]) LL_TRY(read_size(f, k[4], LL_MAX_INNER, &c->n_inner));
    if (c->n_embd % c->n_head)
        return ll_fail(LLMCS_CONFIG, "%s: %s: %d is not a multiple of %s: %d", f->name, k[1][0], c->n_embd, k[3][0],
                       c->n_head);
    return LLMCS_OK;
}

/* --------------------------------------------------------------------------------- settings of the network */

static llmcs_status read_activation(ll_config *c, const ll_settings *f, const char *key, ll_activation by_default) {
    static const struct {
        const char *name;
        ll_activation activation;
    } known[] = {
        {"gelu", LL_ACT_GELU},
        {"gelu_python", LL_ACT_GELU},
        {"gelu_new", LL_ACT_GELU_NEW},
        {"gelu_fast", LL_ACT_GELU_NEW},
        {"gelu_pytorch_tanh", LL_ACT_GELU_NEW},
        {"gelu_accurate", LL_ACT_GELU_NEW},
        {"relu", LL_ACT_RELU},
        {"tanh", LL_ACT_TANH},
    };
    ll_json v;
    LL_TRY(ll_settings_find(f, key, &v));
    c->activation = by_default;
    if (ll_json_get_type(v) == LL_JSON_MISSING) return LLMCS_OK;
    if (ll_json_get_type(v) != LL_JSON_STRING) return ll_settings_bad(f, key, v, "the name of an activation function");
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (ll_json_equals(v, known[i].name)) {
            c->activation = known[i].activation;
            return LLMCS_OK;
        }
    return ll_settings_unsupported(f, key, v, "gelu, gelu_new, gelu_fast, gelu_pytorch_tanh, relu, tanh");
}

/* A number that is positive as a float, too. */
static llmcs_status read_epsilon(ll_config *c, const ll_settings *f, const char *key, double by_default) {
    ll_json v;
    double d = by_default;
    LL_TRY(ll_settings_find(f, key, &v));
    if (ll_json_get_type(v) != LL_JSON_MISSING && (!ll_json_double(v, &d) || !(d >= 1e-37 && d < 1)))
        return ll_settings_bad(f, key, v, "a number between 1e-37 and 1");
    c->layer_norm_eps = (float)d;
    return LLMCS_OK;
}

/* A setting that must be off (absent, null, false, {}, []), as it would change the network. */
static llmcs_status must_be_off(const ll_settings *f, const char *key) {
    ll_json v;
    bool on = true;
    LL_TRY(ll_settings_find(f, key, &v));
    ll_json_type type = ll_json_get_type(v);
    if (type == LL_JSON_MISSING || type == LL_JSON_NULL || (ll_json_bool(v, &on) && !on)) return LLMCS_OK;
    if ((type == LL_JSON_OBJECT || type == LL_JSON_ARRAY) && ll_json_count(v) == 0) return LLMCS_OK;
    if (type != LL_JSON_BOOL && type != LL_JSON_OBJECT && type != LL_JSON_ARRAY)
        return ll_settings_bad(f, key, v, "true or false");
    return ll_settings_unsupported(f, key, v, NULL);
}

static llmcs_status check_position_type(const ll_settings *f) {
    ll_json v;
    LL_TRY(ll_settings_find(f, "position_embedding_type", &v));
    if (ll_json_get_type(v) == LL_JSON_MISSING || ll_json_equals(v, "absolute")) return LLMCS_OK;
    if (ll_json_get_type(v) != LL_JSON_STRING) return ll_settings_bad(f, "position_embedding_type", v, "a string");
    return ll_settings_unsupported(f, "position_embedding_type", v, "\"absolute\"");
}

/* Settings that no family here supports. */
static llmcs_status check_foreign_settings(const ll_config *c, const ll_settings *f) {
    static const char *const keys[] = {"quantization_config", "is_encoder_decoder", "add_cross_attention",
                                       "scale_attn_by_inverse_layer_idx", "pruned_heads"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) LL_TRY(must_be_off(f, keys[i]));
    if (c->family != LL_FAMILY_GPT2) LL_TRY(must_be_off(f, "is_decoder")); /* GPT-2 always is one */
    return check_position_type(f);
}

static llmcs_status read_gpt2(ll_config *c, const ll_settings *f) {
    int64_t n_inner = (int64_t)4 * c->n_embd;
    LL_TRY(ll_settings_int_or_null(f, "n_inner", 1, LL_MAX_INNER, &n_inner));
    c->n_inner = (int32_t)n_inner;
    LL_TRY(ll_settings_bool_or_null(f, "scale_attn_weights", &c->scale_attn_weights));
    LL_TRY(read_activation(c, f, "activation_function", LL_ACT_GELU_NEW));
    return read_epsilon(c, f, "layer_norm_epsilon", 1e-5);
}

static llmcs_status read_bert(ll_config *c, const ll_settings *f) {
    int64_t types = 2;
    LL_TRY(ll_settings_int(f, "type_vocab_size", 1, LL_MAX_WIDTH, &types));
    c->type_vocab_size = (int32_t)types;
    LL_TRY(read_activation(c, f, "hidden_act", LL_ACT_GELU));
    return read_epsilon(c, f, "layer_norm_eps", 1e-12);
}

/* sinusoidal_pos_embds only says how the table was filled before training: the table is in the weights. The epsilon
 * is written into the network (modeling_distilbert.py). */
static llmcs_status read_distilbert(ll_config *c, const ll_settings *f) {
    c->layer_norm_eps = 1e-12f;
    return read_activation(c, f, "activation", LL_ACT_GELU);
}

/* Positions are counted from padding_idx + 1 on (create_position_ids_from_input_ids). */
static llmcs_status read_roberta(ll_config *c, const ll_settings *f) {
    LL_TRY(read_bert(c, f));
    int64_t pad = 1;
    LL_TRY(ll_settings_int_or_null(f, "pad_token_id", 0, (int64_t)c->vocab_size - 1, &pad));
    if (pad + 1 >= c->n_positions)
        return ll_fail(LLMCS_CONFIG, "%s: max_position_embeddings: %d leaves no position after pad_token_id %lld",
                       f->name, c->n_positions, (long long)pad);
    c->position_offset = (int32_t)pad + 1;
    return LLMCS_OK;
}

static llmcs_status read_token_ids(ll_config *c, const ll_settings *f, const ll_log *log) {
    static const struct {
        int32_t bos, eos, pad;
    } by_default[] = {{50256, 50256, -1}, {-1, -1, 0}, {-1, -1, 0}, {0, 2, 1}}; /* by family */
    int32_t eos = by_default[c->family].eos;
    c->bos_token_id = by_default[c->family].bos < c->vocab_size ? by_default[c->family].bos : -1;
    c->pad_token_id = by_default[c->family].pad < c->vocab_size ? by_default[c->family].pad : -1;
    c->sep_token_id = -1;
    LL_TRY(ll_config_token_id(c, f, "bos_token_id", log, &c->bos_token_id));
    LL_TRY(ll_config_token_id(c, f, "pad_token_id", log, &c->pad_token_id));
    LL_TRY(ll_config_token_id(c, f, "sep_token_id", log, &c->sep_token_id));
    if (eos >= 0 && eos < c->vocab_size) {
        LL_TRY(ll_arena_alloc(&c->arena, 1, sizeof *c->eos_token_id, f->name, &c->eos_token_id));
        c->eos_token_id[0] = eos;
        c->n_eos_token_id = 1;
    }
    return ll_config_eos_ids(c, f, log);
}

/* -------------------------------------------------------------------------------------------------- files */

/* Keys of config.json that the library reads. */
static const char *const read_keys[] = {"model_type",
                                        "architectures",
                                        "vocab_size",
                                        "n_positions",
                                        "max_position_embeddings",
                                        "n_ctx",
                                        "n_embd",
                                        "hidden_size",
                                        "dim",
                                        "n_layer",
                                        "num_hidden_layers",
                                        "n_layers",
                                        "n_head",
                                        "num_attention_heads",
                                        "n_heads",
                                        "n_inner",
                                        "intermediate_size",
                                        "hidden_dim",
                                        "type_vocab_size",
                                        "activation_function",
                                        "hidden_act",
                                        "activation",
                                        "layer_norm_epsilon",
                                        "layer_norm_eps",
                                        "scale_attn_weights",
                                        "tie_word_embeddings",
                                        "bos_token_id",
                                        "eos_token_id",
                                        "pad_token_id",
                                        "sep_token_id",
                                        "problem_type",
                                        "id2label",
                                        "num_labels",
                                        "quantization_config",
                                        "is_encoder_decoder",
                                        "add_cross_attention",
                                        "scale_attn_by_inverse_layer_idx",
                                        "pruned_heads",
                                        "is_decoder",
                                        "position_embedding_type",
                                        "sentence_transformers",
                                        "sbert_ce_default_activation_function",
                                        NULL};

/* Keys that say how a network was made, trained or saved, or what Transformers returns: they change no result. */
static const char *const harmless[] = {"label2id",
                                       "task_specific_params",
                                       "transformers_version",
                                       "_name_or_path",
                                       "_commit_hash",
                                       "torch_dtype",
                                       "dtype",
                                       "initializer_range",
                                       "attn_pdrop",
                                       "embd_pdrop",
                                       "resid_pdrop",
                                       "attention_probs_dropout_prob",
                                       "hidden_dropout_prob",
                                       "classifier_dropout",
                                       "classifier_dropout_prob",
                                       "attention_dropout",
                                       "dropout",
                                       "qa_dropout",
                                       "seq_classif_dropout",
                                       "sinusoidal_pos_embds",
                                       "tie_weights_",
                                       "gradient_checkpointing",
                                       "use_cache",
                                       "output_past",
                                       "output_attentions",
                                       "output_hidden_states",
                                       "return_dict",
                                       "torchscript",
                                       "use_bfloat16",
                                       "tf_legacy_loss",
                                       "chunk_size_feed_forward",
                                       "cross_attention_hidden_size",
                                       "tie_encoder_decoder",
                                       "reorder_and_upcast_attn",
                                       "attn_implementation",
                                       "_attn_implementation",
                                       "_attn_implementation_autoset",
                                       "finetuning_task",
                                       "tokenizer_class",
                                       "decoder_start_token_id",
                                       "xla_device",
                                       "pooler_fc_size",
                                       "pooler_num_attention_heads",
                                       "pooler_num_fc_layers",
                                       "pooler_size_per_head",
                                       "pooler_type",
                                       "directionality",
                                       "n_special",
                                       "predict_special_tokens",
                                       "summary_activation",
                                       "summary_first_dropout",
                                       "summary_proj_to_labels",
                                       "summary_type",
                                       "summary_use_proj",
                                       "initial_dropout",
                                       "n_vocab",
                                       "onnx_export",
                                       "attention_window",
                                       "language",
                                       "name",
                                       "num_hidden_groups",
                                       "embedding_size",
                                       "eos_token_ids",
                                       NULL};

/* Settings that change results and are not applied here. */
static const ll_unapplied unapplied[] = {
    {"auto_map", NAN, "the folder's own code is not run"},
    {"custom_pipelines", NAN, "the folder's own code is not run"},
    {"prefix", NAN, "Transformers' pipelines put it before every prompt"},
    {NULL, 0, NULL},
};

static llmcs_status read_network_config(ll_config *c, const ll_settings *f, const ll_source *source,
                                        const ll_log *log) {
    static llmcs_status (*const read_family_settings[])(ll_config *, const ll_settings *) = {
        read_gpt2, read_bert, read_distilbert, read_roberta};
    LL_TRY(ll_config_family(c, f, source, log));
    LL_TRY(check_foreign_settings(c, f));
    LL_TRY(read_sizes(c, f));
    c->tie_word_embeddings = c->scale_attn_weights = true;
    LL_TRY(ll_settings_bool_or_null(f, "tie_word_embeddings", &c->tie_word_embeddings));
    LL_TRY(read_family_settings[c->family](c, f));
    LL_TRY(read_token_ids(c, f, log));
    LL_TRY(ll_config_labels(c, f, log));
    /* Transformers' generation keys are read elsewhere, or do not concern encoders. */
    const char *const *const known[] = {read_keys, harmless, ll_config_generation_keys(), NULL};
    ll_config_log_unapplied(f, unapplied, log);
    ll_config_log_unknown(f, known, unapplied, log);
    return ll_config_generation(c, source, f, log);
}

/* Reads config.json of the folder that holds the network, and generation_config.json next to it. */
static llmcs_status read_config_json(ll_config *c, const ll_source *source, const ll_log *log) {
    const llmcs_allocator *a = &c->arena.allocator;
    ll_settings f;
    bool there;
    LL_TRY(ll_source_has(source, a, "config.json", &there));
    if (!there && source->gguf) return ll_config_gguf(c, source->gguf, log);
    if (!there)
        return ll_fail(LLMCS_CONFIG, "%s: config.json is missing: is this the folder of a Hugging Face model?",
                       ll_folder_tail(source->within && source->within[0] ? source->within : source->path));
    LL_TRY(ll_settings_open(&f, a, source, "config.json", LL_JSON_OBJECT));
    llmcs_status status = read_network_config(c, &f, source, log);
    ll_settings_close(&f);
    return status;
}

static llmcs_status read_config_files(ll_config *c, const ll_source *source, const ll_log *log) {
    bool is_gguf;
    if (!source->gguf) LL_TRY(ll_folder_check(source->path, &is_gguf));
    ll_config_generation_defaults(c);
    LL_TRY(ll_config_sentence(c, source, log));
    ll_source inner = ll_source_in(source, c->sentence.transformer_path);
    LL_TRY(read_config_json(c, &inner, log));
    if (source->gguf) { /* its position table begins with the first position in use */
        c->n_positions -= c->position_offset;
        c->position_offset = 0;
    }
    return ll_config_sentence_pooling(c, source);
}

llmcs_status ll_config_read(ll_config *config, const llmcs_allocator *a, const ll_source *source, const ll_log *log) {
    *config = (ll_config){.architecture = "", .sentence.transformer_path = "", .sentence.prompt = ""};
    ll_arena_init(&config->arena, a);
    llmcs_status status = read_config_files(config, source, log);
    if (status) ll_config_free(config);
    return status;
}

void ll_config_free(ll_config *config) {
    ll_arena_free(&config->arena);
    *config = (ll_config){0};
}
