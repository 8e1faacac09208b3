/* The folder's generation settings: generation_config.json, or in older folders the same keys of config.json
 * (GenerationConfig.from_model_config). Keys and defaults are those of Transformers' GenerationConfig
 * (generation/configuration_utils.py); null means the default. A setting that changes the generated text in
 * Transformers and is not applied here is logged. */
#include <float.h>
#include <math.h>

#include "families/family.h"
#include "formats/config_parts.h"

/* Transformers' default max_length. The default counts new tokens only; a max_length that is set includes the prompt
 * (_prepare_generated_length in generation/utils.py). */
#define DEFAULT_MAX_LENGTH 20

static llmcs_status read_early_stopping(ll_config *c, const ll_settings *f) {
    ll_json v;
    bool on = false;
    LL_TRY(ll_settings_find(f, "early_stopping", &v));
    if (ll_json_equals(v, "never")) {
        c->generation.early_stopping = LLMCS_EARLY_STOPPING_NEVER;
        return LLMCS_OK;
    }
    if (ll_json_get_type(v) == LL_JSON_STRING)
        return ll_settings_bad(f, "early_stopping", v, "true, false or \"never\"");
    LL_TRY(ll_settings_bool_or_null(f, "early_stopping", &on));
    c->generation.early_stopping = on ? LLMCS_EARLY_STOPPING_TRUE : LLMCS_EARLY_STOPPING_FALSE;
    return LLMCS_OK;
}

/* One string or a list of them. */
static llmcs_status read_stop_strings(ll_config *c, const ll_settings *f) {
    ll_json v;
    LL_TRY(ll_settings_find(f, "stop_strings", &v));
    if (ll_json_get_type(v) == LL_JSON_MISSING || ll_json_get_type(v) == LL_JSON_NULL) return LLMCS_OK;
    const bool list = ll_json_get_type(v) == LL_JSON_ARRAY;
    const char **strings;
    size_t n = 0;
    LL_TRY(ll_arena_alloc(&c->arena, list ? ll_json_count(v) : 1, sizeof *strings, f->name, &strings));
    for (ll_json s = list ? ll_json_first(v) : v; ll_json_get_type(s); s = ll_json_next(s)) {
        LL_TRY(ll_config_copy_text(c, f, "stop_strings", s, &strings[n]));
        if (!strings[n++][0]) return ll_settings_bad(f, "stop_strings", s, "strings that are not empty");
        if (!list) break;
    }
    c->generation.stop_strings = strings;
    c->generation.n_stop_strings = n;
    return LLMCS_OK;
}

static llmcs_status read_lengths(ll_config *c, const ll_settings *f) {
    int64_t max_length = 0;
    LL_TRY(ll_settings_int_or_null(f, "max_new_tokens", 1, INT32_MAX, &c->generation.max_new_tokens));
    LL_TRY(ll_settings_int_or_null(f, "min_new_tokens", 0, INT32_MAX, &c->generation.min_new_tokens));
    LL_TRY(ll_settings_int_or_null(f, "min_length", 0, INT32_MAX, &c->generation.min_length));
    LL_TRY(ll_settings_int_or_null(f, "max_length", 1, INT32_MAX, &max_length));
    if (c->generation.min_new_tokens) c->generation.min_length = 0;
    if (c->generation.max_new_tokens || !max_length) return LLMCS_OK;
    if (max_length == DEFAULT_MAX_LENGTH)
        c->generation.max_new_tokens = max_length;
    else
        c->generation.max_length = max_length;
    return LLMCS_OK;
}

static llmcs_status read_lists(ll_config *c, const ll_settings *f, const ll_log *log) {
    LL_TRY(
        ll_config_id_lists(c, f, "bad_words_ids", log, &c->generation.bad_words_ids, &c->generation.n_bad_words_ids));
    LL_TRY(ll_config_id_list(c, f, "suppress_tokens", log, &c->generation.suppress_tokens));
    LL_TRY(ll_config_id_list(c, f, "begin_suppress_tokens", log, &c->generation.begin_suppress_tokens));
    LL_TRY(ll_config_id_list(c, f, "forced_eos_token_id", log, &c->generation.forced_eos_token_id));
    LL_TRY(ll_config_token_id(c, f, "forced_bos_token_id", log, &c->generation.forced_bos_token_id));
    return read_stop_strings(c, f);
}

/* As in Transformers, typical_p applies below 1 only, and the cutoffs between 0 and 1 only. */
static llmcs_status read_filters(ll_config *c, const ll_settings *f) {
    LL_TRY(ll_settings_double_or_null(f, "typical_p", FLT_MIN, 1, &c->generation.typical_p));
    LL_TRY(ll_settings_double_or_null(f, "epsilon_cutoff", 0, 1, &c->generation.epsilon_cutoff));
    LL_TRY(ll_settings_double_or_null(f, "eta_cutoff", 0, 1, &c->generation.eta_cutoff));
    if (c->generation.epsilon_cutoff == 1) c->generation.epsilon_cutoff = 0;
    if (c->generation.eta_cutoff == 1) c->generation.eta_cutoff = 0;
    return LLMCS_OK;
}

/* [start, factor] */
static llmcs_status read_decay(ll_config *c, const ll_settings *f) {
    static const char key[] = "exponential_decay_length_penalty";
    ll_json v;
    LL_TRY(ll_settings_find(f, key, &v));
    if (ll_json_get_type(v) == LL_JSON_MISSING || ll_json_get_type(v) == LL_JSON_NULL) return LLMCS_OK;
    const ll_json start = ll_json_first(v), factor = ll_json_next(start);
    int64_t n;
    double x;
    if (ll_json_get_type(v) != LL_JSON_ARRAY || ll_json_count(v) != 2 || !ll_json_int64(start, &n) || n < 0 ||
        n > INT32_MAX || !ll_json_double(factor, &x) || x < 0 || x > (double)FLT_MAX)
        return ll_settings_bad(f, key, v, "[new tokens before it starts, factor of 0 or more]");
    c->generation.exponential_decay_start = n;
    c->generation.exponential_decay_factor = x;
    return LLMCS_OK;
}

/* [[[id, ...], bias], ...]. A sequence with an id outside the vocabulary never occurs. */
static llmcs_status read_sequence_bias(ll_config *c, const ll_settings *f, const ll_log *log) {
    static const char key[] = "sequence_bias", expected[] = "a list of pairs, [[id, ...], bias]";
    llmcs_sequence_bias *out;
    ll_json v;
    LL_TRY(ll_settings_find(f, key, &v));
    if (ll_json_get_type(v) == LL_JSON_MISSING || ll_json_get_type(v) == LL_JSON_NULL) return LLMCS_OK;
    if (ll_json_get_type(v) != LL_JSON_ARRAY) return ll_settings_bad(f, key, v, expected);
    LL_TRY(ll_arena_alloc(&c->arena, ll_json_count(v), sizeof *out, f->name, &out));
    size_t n = 0;
    for (ll_json pair = ll_json_first(v); ll_json_get_type(pair); pair = ll_json_next(pair)) {
        const ll_json ids = ll_json_first(pair);
        double bias;
        if (ll_json_get_type(pair) != LL_JSON_ARRAY || ll_json_count(pair) != 2 ||
            ll_json_get_type(ids) != LL_JSON_ARRAY || !ll_json_count(ids) ||
            !ll_json_double(ll_json_next(ids), &bias) || fabs(bias) > (double)FLT_MAX)
            return ll_settings_bad(f, key, pair, expected);
        LL_TRY(ll_config_ids_of(c, f, key, ids, log, &out[n].ids));
        out[n].bias = (float)bias;
        n += out[n].ids.n_ids == ll_json_count(ids);
    }
    c->generation.sequence_bias = out;
    c->generation.n_sequence_bias = n;
    return LLMCS_OK;
}

static llmcs_status read_values(ll_config *c, const ll_settings *f, const ll_log *log) {
    LL_TRY(ll_settings_bool_or_null(f, "do_sample", &c->generation.do_sample));
    LL_TRY(ll_settings_bool_or_null(f, "renormalize_logits", &c->generation.renormalize_logits));
    LL_TRY(ll_settings_double_or_null(f, "temperature", 0, FLT_MAX, &c->generation.temperature));
    LL_TRY(ll_settings_double_or_null(f, "top_p", 0, 1, &c->generation.top_p));
    LL_TRY(ll_settings_double_or_null(f, "min_p", 0, 1, &c->generation.min_p));
    LL_TRY(ll_settings_double_or_null(f, "repetition_penalty", FLT_MIN, FLT_MAX, &c->generation.repetition_penalty));
    LL_TRY(ll_settings_double_or_null(f, "encoder_repetition_penalty", FLT_MIN, FLT_MAX,
                                      &c->generation.encoder_repetition_penalty));
    LL_TRY(ll_settings_double_or_null(f, "length_penalty", -FLT_MAX, FLT_MAX, &c->generation.length_penalty));
    LL_TRY(ll_settings_int_or_null(f, "top_k", 0, INT32_MAX, &c->generation.top_k));
    LL_TRY(ll_settings_int_or_null(f, "no_repeat_ngram_size", 0, INT32_MAX, &c->generation.no_repeat_ngram_size));
    LL_TRY(ll_settings_int_or_null(f, "encoder_no_repeat_ngram_size", 0, INT32_MAX,
                                   &c->generation.encoder_no_repeat_ngram_size));
    LL_TRY(ll_settings_int_or_null(f, "num_beams", 1, LL_MAX_SEQUENCES, &c->generation.num_beams));
    LL_TRY(
        ll_settings_int_or_null(f, "num_return_sequences", 1, LL_MAX_SEQUENCES, &c->generation.num_return_sequences));
    LL_TRY(read_filters(c, f));
    LL_TRY(ll_settings_int_or_null(f, "num_beam_groups", 1, LL_MAX_SEQUENCES, &c->generation.num_beam_groups));
    LL_TRY(ll_settings_double_or_null(f, "diversity_penalty", 0, FLT_MAX, &c->generation.diversity_penalty));
    LL_TRY(ll_settings_double_or_null(f, "guidance_scale", -FLT_MAX, FLT_MAX, &c->generation.guidance_scale));
    LL_TRY(ll_settings_double_or_null(f, "max_time", 0, DBL_MAX, &c->generation.max_time));
    LL_TRY(read_decay(c, f));
    LL_TRY(read_sequence_bias(c, f, log));
    LL_TRY(read_lengths(c, f));
    LL_TRY(read_early_stopping(c, f));
    LL_TRY(read_lists(c, f, log));
    if (ll_family_has_source(c->family))
        LL_TRY(ll_config_token_id(c, f, "decoder_start_token_id", log, &c->decoder_start_token_id));
    return ll_config_eos_ids(c, f, log);
}

/* Settings of Transformers that change the generated text and are not applied here. */
static const ll_unapplied unapplied[] = {
    {"top_h", NAN, NULL},
    {"penalty_alpha", 0, "tokens are chosen without contrastive search"},
    {"force_words_ids", NAN, NULL},
    {"constraints", NAN, NULL},
    {"forced_decoder_ids", NAN, NULL},
    {"remove_invalid_values", NAN, "a NaN ends generation with an error"},
    {"watermarking_config", NAN, NULL},
    {"dola_layers", NAN, NULL},
    {"token_healing", NAN, NULL},
    {NULL, 0, NULL},
};

/* All keys of GenerationConfig: those of read_values, those that only affect how Transformers computes and what it
 * returns, and those above. */
static const char *const all_keys[] = {"do_sample",
                                       "temperature",
                                       "top_p",
                                       "min_p",
                                       "repetition_penalty",
                                       "encoder_repetition_penalty",
                                       "length_penalty",
                                       "top_k",
                                       "max_new_tokens",
                                       "min_new_tokens",
                                       "max_length",
                                       "min_length",
                                       "stop_strings",
                                       "no_repeat_ngram_size",
                                       "encoder_no_repeat_ngram_size",
                                       "num_beams",
                                       "num_return_sequences",
                                       "early_stopping",
                                       "eos_token_id",
                                       "bad_words_ids",
                                       "suppress_tokens",
                                       "begin_suppress_tokens",
                                       "forced_bos_token_id",
                                       "forced_eos_token_id",
                                       "renormalize_logits",
                                       "_from_model_config",
                                       "_commit_hash",
                                       "transformers_version",
                                       "bos_token_id",
                                       "pad_token_id",
                                       "decoder_start_token_id",
                                       "use_cache",
                                       "cache_implementation",
                                       "cache_config",
                                       "return_legacy_cache",
                                       "prefill_chunk_size",
                                       "low_memory",
                                       "output_attentions",
                                       "output_hidden_states",
                                       "output_scores",
                                       "output_logits",
                                       "return_dict_in_generate",
                                       "is_assistant",
                                       "num_assistant_tokens",
                                       "num_assistant_tokens_schedule",
                                       "assistant_confidence_threshold",
                                       "prompt_lookup_num_tokens",
                                       "max_matching_ngram_size",
                                       "assistant_early_exit",
                                       "assistant_lookbehind",
                                       "target_lookbehind",
                                       "compile_config",
                                       "disable_compile",
                                       "generation_kwargs",
                                       "typical_p",
                                       "epsilon_cutoff",
                                       "eta_cutoff",
                                       "top_h",
                                       "num_beam_groups",
                                       "diversity_penalty",
                                       "penalty_alpha",
                                       "guidance_scale",
                                       "sequence_bias",
                                       "exponential_decay_length_penalty",
                                       "force_words_ids",
                                       "constraints",
                                       "forced_decoder_ids",
                                       "remove_invalid_values",
                                       "watermarking_config",
                                       "dola_layers",
                                       "token_healing",
                                       "max_time",
                                       NULL};

const char *const *ll_config_generation_keys(void) { return all_keys; }

void ll_config_generation_defaults(ll_config *c) {
    c->generation.temperature = c->generation.top_p = 1;
    c->generation.repetition_penalty = c->generation.encoder_repetition_penalty = c->generation.length_penalty = 1;
    c->generation.top_k = 50;
    c->generation.num_beams = c->generation.num_return_sequences = c->generation.num_beam_groups = 1;
    c->generation.typical_p = c->generation.exponential_decay_factor = c->generation.guidance_scale = 1;
    c->generation.forced_bos_token_id = -1;
}

/* Defaults of the encoder-decoders' configuration classes (BartConfig, MarianConfig): forced_eos_token_id if the key is
 * absent, and forced_bos_token_id if an old file has that key's first name. */
static llmcs_status read_forced_defaults(ll_config *c, const ll_settings *config) {
    const int32_t eos = c->family->tokens.forced_eos;
    bool forces_bos = false;
    ll_json v;
    int32_t *id;
    if (!ll_family_has_source(c->family)) return LLMCS_OK;
    LL_TRY(ll_settings_bool_or_null(config, "force_bos_token_to_be_generated", &forces_bos));
    if (forces_bos && c->generation.forced_bos_token_id < 0) c->generation.forced_bos_token_id = c->bos_token_id;
    LL_TRY(ll_settings_find(config, "forced_eos_token_id", &v));
    if (ll_json_get_type(v) != LL_JSON_MISSING || eos < 0 || eos >= c->vocab_size) return LLMCS_OK;
    LL_TRY(ll_arena_alloc(&c->arena, 1, sizeof *id, config->name, &id));
    *id = eos;
    c->generation.forced_eos_token_id = (llmcs_ids){id, 1};
    return LLMCS_OK;
}

/* A folder from before generation_config.json. */
static llmcs_status read_config_json(ll_config *c, const ll_settings *config, const ll_log *log) {
    ll_json v;
    LL_TRY(read_values(c, config, log));
    LL_TRY(read_forced_defaults(c, config));
    ll_config_log_unapplied(config, unapplied, log);
    LL_TRY(ll_settings_find(config, "task_specific_params", &v));
    if (ll_json_count(v))
        ll_log_say(log, LLMCS_LOG_INFO, "%s: task_specific_params is not applied: only Transformers' pipelines use it",
                   config->name);
    return LLMCS_OK;
}

static llmcs_status read_own_file(ll_config *c, const ll_source *source, const ll_log *log) {
    const char *const *const known[] = {all_keys, NULL};
    ll_settings f;
    LL_TRY(ll_settings_open(&f, &c->arena.allocator, source, "generation_config.json", LL_JSON_OBJECT));
    llmcs_status status = read_values(c, &f, log);
    if (!status) {
        ll_config_log_unapplied(&f, unapplied, log);
        ll_config_log_unknown(&f, known, unapplied, log);
    }
    ll_settings_close(&f);
    return status;
}

llmcs_status ll_config_generation(ll_config *c, const ll_source *source, const ll_settings *config, const ll_log *log) {
    bool there;
    if (!c->family->decoder) return LLMCS_OK;
    /* Transformers reads no generation settings for a model that cannot generate, so BART's classifier pools the token
     * with config.json's eos_token_id, not generation_config.json's. */
    if (c->head == LL_HEAD_CLASSIFICATION || ll_config_tags_tokens(c)) return LLMCS_OK;
    LL_TRY(ll_source_has(source, &c->arena.allocator, "generation_config.json", &there));
    return there ? read_own_file(c, source, log) : read_config_json(c, config, log);
}
