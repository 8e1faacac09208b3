/* generation_config.json: how the folder's authors generate. Keys and defaults are those of Transformers'
 * GenerationConfig (generation/configuration_utils.py); null means the default. */
#include <float.h>

#include "formats/config_parts.h"

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

static llmcs_status read_values(ll_config *c, const ll_settings *f, const ll_log *log) {
    c->generation.present = true;
    LL_TRY(ll_settings_bool_or_null(f, "do_sample", &c->generation.do_sample));
    LL_TRY(ll_settings_double_or_null(f, "temperature", 0, FLT_MAX, &c->generation.temperature));
    LL_TRY(ll_settings_double_or_null(f, "top_p", 0, 1, &c->generation.top_p));
    LL_TRY(ll_settings_double_or_null(f, "min_p", 0, 1, &c->generation.min_p));
    LL_TRY(ll_settings_double_or_null(f, "repetition_penalty", FLT_MIN, FLT_MAX, &c->generation.repetition_penalty));
    LL_TRY(ll_settings_double_or_null(f, "length_penalty", -FLT_MAX, FLT_MAX, &c->generation.length_penalty));
    LL_TRY(ll_settings_int_or_null(f, "top_k", 0, INT32_MAX, &c->generation.top_k));
    LL_TRY(ll_settings_int_or_null(f, "max_new_tokens", 1, INT32_MAX, &c->generation.max_new_tokens));
    LL_TRY(ll_settings_int_or_null(f, "min_new_tokens", 0, INT32_MAX, &c->generation.min_new_tokens));
    LL_TRY(ll_settings_int_or_null(f, "no_repeat_ngram_size", 0, INT32_MAX, &c->generation.no_repeat_ngram_size));
    LL_TRY(ll_settings_int_or_null(f, "num_beams", 1, INT32_MAX, &c->generation.num_beams));
    LL_TRY(ll_settings_int_or_null(f, "num_return_sequences", 1, INT32_MAX, &c->generation.num_return_sequences));
    LL_TRY(read_early_stopping(c, f));
    return ll_config_eos_ids(c, f, log);
}

/* Transformers' defaults. */
static void set_defaults(ll_config *c) {
    c->generation.temperature = c->generation.top_p = 1;
    c->generation.repetition_penalty = c->generation.length_penalty = 1;
    c->generation.top_k = 50;
    c->generation.num_beams = c->generation.num_return_sequences = 1;
}

llmcs_status ll_config_generation(ll_config *c, const ll_source *source, const ll_log *log) {
    const llmcs_allocator *a = &c->arena.allocator;
    ll_settings f;
    bool there;
    set_defaults(c);
    LL_TRY(ll_source_has(source, a, "generation_config.json", &there));
    if (!there || c->family != LL_FAMILY_GPT2) return LLMCS_OK;
    LL_TRY(ll_settings_open(&f, a, source, "generation_config.json", LL_JSON_OBJECT));
    llmcs_status status = read_values(c, &f, log);
    ll_settings_close(&f);
    return status;
}
