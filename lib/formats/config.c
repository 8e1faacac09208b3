/* config.json and the order in which its neighbours are read. */
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

/* -------------------------------------------------------------------------------------------------- files */

/* Keys of config.json that are read for all families, besides those of ll_family.keys. */
static const char *const read_keys[] = {"model_type",
                                        "architectures",
                                        "vocab_size",
                                        "tie_word_embeddings",
                                        "bos_token_id",
                                        "eos_token_id",
                                        "pad_token_id",
                                        "sep_token_id",
                                        "problem_type",
                                        "id2label",
                                        "num_labels",
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
    LL_TRY(ll_config_family(c, f, source, log));
    LL_TRY(ll_config_network(c, f, log));
    LL_TRY(ll_config_labels(c, f, log));
    if (c->sentence.present && c->head == LL_HEAD_CAUSAL_LM) {
        ll_log_say(log, LLMCS_LOG_INFO, "%s: %s of a sentence-transformers folder gives vectors and does not generate",
                   f->name, c->architecture[0] ? c->architecture : c->model_type);
        c->head = LL_HEAD_NONE;
        c->head_spec = NULL;
    }
    const char *of_network[LL_MAX_NETWORK_KEYS];
    ll_settings nested;
    bool is_nested;
    /* Transformers' generation keys are read elsewhere, or do not concern encoders. */
    const char *const *const known[] = {read_keys, harmless, ll_config_network_keys(c, of_network),
                                        ll_config_generation_keys(), NULL};
    ll_config_log_unapplied(f, unapplied, log);
    ll_config_log_unknown(f, known, unapplied, log);
    LL_TRY(ll_config_nested(c, f, &nested, &is_nested));
    if (is_nested) ll_config_log_unknown(&nested, known, unapplied, log);
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
    return ll_config_sentence_modules(c, source, log);
}

llmcs_status ll_config_read(ll_config *config, const llmcs_allocator *a, const ll_source *source, const ll_log *log) {
    *config = (ll_config){
        .architecture = "", .rerank.name = "", .sentence = {.transformer_path = "", .prompt = "", .similarity = ""}};
    ll_arena_init(&config->arena, a);
    llmcs_status status = read_config_files(config, source, log);
    if (status) ll_config_free(config);
    return status;
}

void ll_config_free(ll_config *config) {
    ll_arena_free(&config->arena);
    *config = (ll_config){0};
}
