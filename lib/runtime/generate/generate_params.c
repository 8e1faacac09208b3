/* Parameters of generation: defaults, the folder's settings, and validation. */
#include <math.h>
#include <string.h>

#include "base/options.h"
#include "base/utf8.h"
#include "runtime/check.h"
#include "runtime/generate/generation.h"

#define STRUCT_NAME "llmcs_generate_params"
#define OLDEST_SIZE LL_SIZE_UP_TO(llmcs_generate_params, n_prompt_lookup_ids) /* version 0.2.0 */
#define MAX_DRAFT_TOKENS 64
#define MAX_TOP_LOGPROBS 20
#define MAX_NGRAM 16
#define KNOWN_ENCODE_FLAGS (LLMCS_ADD_SPECIAL_TOKENS | LLMCS_PARSE_SPECIAL | LLMCS_STRICT_UTF8)

static const llmcs_generate_params plain_defaults = {.struct_size = sizeof plain_defaults,
                                                     .max_new_tokens = 128,
                                                     .temperature = 1.0f,
                                                     .top_k = 50,
                                                     .top_p = 1.0f,
                                                     .repetition_penalty = 1.0f,
                                                     .num_beams = 1,
                                                     .num_return_sequences = 1,
                                                     .early_stopping = LLMCS_EARLY_STOPPING_FALSE,
                                                     .length_penalty = 1.0f,
                                                     .encoder_repetition_penalty = 1.0f,
                                                     .typical_p = 1.0f,
                                                     .num_beam_groups = 1,
                                                     .exponential_decay_factor = 1.0f,
                                                     .guidance_scale = 1.0f,
                                                     .max_matching_ngram_size = 2};

/* Converts a number of a file to the parameter's type. The checks below refuse a value out of range, by name. */
static int32_t to_int32(int64_t n) { return n > INT32_MAX ? INT32_MAX : n < -1 ? -1 : (int32_t)n; }

static void fill_from_model(const llmcs_model *model, llmcs_generate_params *params) {
    *params = plain_defaults;
    const ll_config *c = &model->config;
    if (c->generation.max_new_tokens) params->max_new_tokens = to_int32(c->generation.max_new_tokens);
    params->min_new_tokens = to_int32(c->generation.min_new_tokens);
    params->do_sample = c->generation.do_sample;
    params->temperature = (float)c->generation.temperature;
    params->top_k = to_int32(c->generation.top_k);
    params->top_p = (float)c->generation.top_p;
    params->min_p = (float)c->generation.min_p;
    params->repetition_penalty = (float)c->generation.repetition_penalty;
    params->no_repeat_ngram_size = to_int32(c->generation.no_repeat_ngram_size);
    params->num_beams = to_int32(c->generation.num_beams);
    params->num_return_sequences = to_int32(c->generation.num_return_sequences);
    params->early_stopping = (llmcs_early_stopping)c->generation.early_stopping;
    params->length_penalty = (float)c->generation.length_penalty;
    if (c->generation.max_length) {
        params->max_length = to_int32(c->generation.max_length);
        params->max_new_tokens = 0;
    }
    params->min_length = to_int32(c->generation.min_length);
    params->encoder_repetition_penalty = (float)c->generation.encoder_repetition_penalty;
    params->encoder_no_repeat_ngram_size = to_int32(c->generation.encoder_no_repeat_ngram_size);
    params->renormalize_logits = c->generation.renormalize_logits;
    params->suppress_tokens = c->generation.suppress_tokens;
    params->begin_suppress_tokens = c->generation.begin_suppress_tokens;
    if (c->generation.forced_bos_token_id >= 0)
        params->forced_bos_token_id = (llmcs_ids){&c->generation.forced_bos_token_id, 1};
    params->forced_eos_token_id = c->generation.forced_eos_token_id;
    params->typical_p = (float)c->generation.typical_p;
    params->epsilon_cutoff = (float)c->generation.epsilon_cutoff;
    params->eta_cutoff = (float)c->generation.eta_cutoff;
    params->num_beam_groups = to_int32(c->generation.num_beam_groups);
    params->diversity_penalty = (float)c->generation.diversity_penalty;
    params->exponential_decay_start = to_int32(c->generation.exponential_decay_start);
    params->exponential_decay_factor = (float)c->generation.exponential_decay_factor;
    params->sequence_bias = c->generation.sequence_bias;
    params->n_sequence_bias = c->generation.n_sequence_bias;
    params->max_time = c->generation.max_time;
    params->guidance_scale = (float)c->generation.guidance_scale;
    params->bad_words_ids = c->generation.bad_words_ids;
    params->n_bad_words_ids = c->generation.n_bad_words_ids;
    if (!model->tokenizer) return; /* without a tokenizer, text cannot be compared */
    params->stop_strings = c->generation.stop_strings;
    params->n_stop_strings = c->generation.n_stop_strings;
}

llmcs_status llmcs_generate_params_init_sized(llmcs_generate_params *params, size_t struct_size,
                                              const llmcs_model *model) {
    if (!params) return ll_fail(LLMCS_ARG, "llmcs_generate_params_init: params is NULL");
    llmcs_generate_params defaults = plain_defaults;
    llmcs_status status = model ? ll_model_check(model) : LLMCS_OK;
    if (model && !status) fill_from_model(model, &defaults);
    ll_options_init(params, struct_size, &defaults, sizeof defaults);
    return status;
}

/* ---- checks */

static llmcs_status check_int(const char *name, int32_t value, int32_t least) {
    if (value >= least) return LLMCS_OK;
    return ll_fail(LLMCS_ARG, "%s is %d, expected at least %d", name, (int)value, (int)least);
}

/* The bound keeps an accidental huge count from allocating memory. */
static llmcs_status check_count(const char *name, int32_t value) {
    if (value >= 1 && value <= LL_MAX_SEQUENCES) return LLMCS_OK;
    return ll_fail(LLMCS_ARG, "%s is %d, expected 1 to %d", name, (int)value, LL_MAX_SEQUENCES);
}

/* NaN fails, too. */
static llmcs_status check_float(const char *name, float value, float least, float most) {
    if (value >= least && value <= most) return LLMCS_OK;
    return ll_fail(LLMCS_ARG, "%s is %g, expected %g to %g", name, (double)value, (double)least, (double)most);
}

static llmcs_status check_param_finite(const char *name, float value) {
    if (isfinite(value)) return LLMCS_OK;
    return ll_fail(LLMCS_ARG, "%s is not a finite number", name);
}

static llmcs_status check_cutoff(const char *name, float value) {
    if (value >= 0.0f && value < 1.0f) return LLMCS_OK;
    return ll_fail(LLMCS_ARG, "%s is %g, expected 0 to less than 1", name, (double)value);
}

static llmcs_status check_filters(const llmcs_generate_params *p) {
    if (!(p->typical_p > 0.0f && p->typical_p <= 1.0f))
        return ll_fail(LLMCS_ARG, "typical_p is %g, expected more than 0, at most 1", (double)p->typical_p);
    LL_TRY(check_cutoff("epsilon_cutoff", p->epsilon_cutoff));
    return check_cutoff("eta_cutoff", p->eta_cutoff);
}

static llmcs_status check_numbers(const llmcs_generate_params *p) {
    LL_TRY(check_int("max_length", p->max_length, 0));
    LL_TRY(check_int("max_new_tokens", p->max_new_tokens, p->max_length ? 0 : 1));
    LL_TRY(check_int("min_length", p->min_length, 0));
    LL_TRY(check_int("min_new_tokens", p->min_new_tokens, 0));
    LL_TRY(check_param_finite("temperature", p->temperature));
    LL_TRY(check_float("temperature", p->temperature, 0.0f, INFINITY));
    LL_TRY(check_int("top_k", p->top_k, 0));
    LL_TRY(check_float("top_p", p->top_p, 0.0f, 1.0f));
    LL_TRY(check_float("min_p", p->min_p, 0.0f, 1.0f));
    LL_TRY(check_param_finite("repetition_penalty", p->repetition_penalty));
    if (p->repetition_penalty <= 0)
        return ll_fail(LLMCS_ARG, "repetition_penalty is %g, expected more than 0", (double)p->repetition_penalty);
    LL_TRY(check_param_finite("encoder_repetition_penalty", p->encoder_repetition_penalty));
    if (p->encoder_repetition_penalty <= 0)
        return ll_fail(LLMCS_ARG, "encoder_repetition_penalty is %g, expected more than 0",
                       (double)p->encoder_repetition_penalty);
    LL_TRY(check_int("encoder_no_repeat_ngram_size", p->encoder_no_repeat_ngram_size, 0));
    LL_TRY(check_param_finite("presence_penalty", p->presence_penalty));
    LL_TRY(check_param_finite("frequency_penalty", p->frequency_penalty));
    LL_TRY(check_int("no_repeat_ngram_size", p->no_repeat_ngram_size, 0));
    LL_TRY(check_param_finite("length_penalty", p->length_penalty));
    LL_TRY(check_filters(p));
    LL_TRY(check_int("exponential_decay_start", p->exponential_decay_start, 0));
    LL_TRY(check_param_finite("exponential_decay_factor", p->exponential_decay_factor));
    LL_TRY(check_float("exponential_decay_factor", p->exponential_decay_factor, 0.0f, INFINITY));
    LL_TRY(check_param_finite("guidance_scale", p->guidance_scale));
    if (!(p->max_time >= 0)) return ll_fail(LLMCS_ARG, "max_time is %g, expected 0 or more", p->max_time);
    if (!(p->deadline_ms >= 0)) return ll_fail(LLMCS_ARG, "deadline_ms is %g, expected 0 or more", p->deadline_ms);
    if (p->encode_flags & ~KNOWN_ENCODE_FLAGS)
        return ll_fail(LLMCS_ARG, "encode_flags: 0x%x has unknown bits", (unsigned)p->encode_flags);
    return LLMCS_OK;
}

static llmcs_status check_beams(const llmcs_generate_params *p) {
    LL_TRY(check_count("num_beams", p->num_beams));
    LL_TRY(check_count("num_return_sequences", p->num_return_sequences));
    if ((unsigned)p->early_stopping > LLMCS_EARLY_STOPPING_NEVER)
        return ll_fail(LLMCS_ARG, "early_stopping: %d is not valid (0 to 2)", (int)p->early_stopping);
    if (p->num_beams == 1 && p->num_return_sequences > 1 && !p->do_sample)
        return ll_fail(LLMCS_ARG,
                       "num_return_sequences is %d, expected 1: without do_sample and num_beams there is one",
                       (int)p->num_return_sequences);
    if (p->num_beams > 1 && p->num_return_sequences > p->num_beams)
        return ll_fail(LLMCS_ARG, "num_return_sequences is %d, expected at most num_beams = %d",
                       (int)p->num_return_sequences, (int)p->num_beams);
    return LLMCS_OK;
}

/* Transformers' rules of group beam search (GenerationConfig.validate, BeamSearchScorer, HammingDiversity...). */
static llmcs_status check_groups(const llmcs_generate_params *p) {
    LL_TRY(check_count("num_beam_groups", p->num_beam_groups));
    LL_TRY(check_param_finite("diversity_penalty", p->diversity_penalty));
    LL_TRY(check_float("diversity_penalty", p->diversity_penalty, 0.0f, INFINITY));
    if (p->num_beam_groups == 1) {
        if (p->diversity_penalty == 0) return LLMCS_OK;
        return ll_fail(LLMCS_ARG,
                       "diversity_penalty is %g and num_beam_groups is 1: a penalty needs two groups or more",
                       (double)p->diversity_penalty);
    }
    if (p->num_beams % p->num_beam_groups)
        return ll_fail(LLMCS_ARG, "num_beams is %d and num_beam_groups is %d: it must be a divisor of num_beams",
                       (int)p->num_beams, (int)p->num_beam_groups);
    if (p->do_sample)
        return ll_fail(LLMCS_ARG, "num_beam_groups is %d and do_sample is set: groups of beams are not sampled",
                       (int)p->num_beam_groups);
    if (p->diversity_penalty == 0)
        return ll_fail(
            LLMCS_ARG,
            "num_beam_groups is %d and diversity_penalty is 0: all groups would find the same; set it above 0",
            (int)p->num_beam_groups);
    return LLMCS_OK;
}

/* Checks that the ids are in the vocabulary and the array can exist. */
static llmcs_status check_list(const char *name, llmcs_ids list, size_t vocab) {
    if (!list.ids && list.n_ids) return ll_fail(LLMCS_ARG, "%s is NULL", name);
    LL_TRY(ll_check_array(name, list.n_ids, sizeof *list.ids));
    return ll_check_ids(LLMCS_ARG, name, 0, list.ids, list.n_ids, vocab);
}

/* Guidance excludes beams and prompt lookup: Transformers mixes up the negative prompt's keys and values with both. */
static llmcs_status check_guidance(const llmcs_generate_params *p, size_t vocab) {
    LL_TRY(check_list("negative_prompt_ids", p->negative_prompt_ids, vocab));
    if (p->guidance_scale == 1.0f) {
        if (!p->negative_prompt_ids.n_ids) return LLMCS_OK;
        return ll_fail(LLMCS_ARG,
                       "negative_prompt_ids are given and guidance_scale is 1: without guidance they are unused");
    }
    if (p->num_beams > 1)
        return ll_fail(LLMCS_ARG, "guidance_scale is %g and num_beams is %d: guidance needs num_beams = 1",
                       (double)p->guidance_scale, (int)p->num_beams);
    if (p->prompt_lookup_num_tokens)
        return ll_fail(LLMCS_ARG, "guidance_scale is %g and prompt_lookup_num_tokens is %d: guidance needs 0",
                       (double)p->guidance_scale, (int)p->prompt_lookup_num_tokens);
    return LLMCS_OK;
}

static llmcs_status check_sequence_bias(const llmcs_generate_params *p, size_t vocab) {
    if (!p->sequence_bias && p->n_sequence_bias) return ll_fail(LLMCS_ARG, "sequence_bias is NULL");
    LL_TRY(ll_check_array("n_sequence_bias", p->n_sequence_bias, sizeof *p->sequence_bias));
    for (size_t i = 0; i < p->n_sequence_bias; i++) {
        const llmcs_ids *ids = &p->sequence_bias[i].ids;
        if (!ids->ids || !ids->n_ids) return ll_fail(LLMCS_ARG, "sequence_bias[%zu] has no ids", i);
        LL_TRY(check_list("sequence_bias", *ids, vocab));
        if (!(p->sequence_bias[i].bias < INFINITY))
            return ll_fail(LLMCS_ARG, "sequence_bias[%zu]: the bias is %g", i, (double)p->sequence_bias[i].bias);
    }
    return LLMCS_OK;
}

static llmcs_status check_token_lists(const llmcs_generate_params *p, size_t vocab) {
    if (p->eos_token_id) {
        LL_TRY(ll_check_array("n_eos_token_id", p->n_eos_token_id, sizeof *p->eos_token_id));
        LL_TRY(ll_check_ids(LLMCS_ARG, "eos_token_id", 0, p->eos_token_id, p->n_eos_token_id, vocab));
    }
    LL_TRY(check_list("suppress_tokens", p->suppress_tokens, vocab));
    LL_TRY(check_list("begin_suppress_tokens", p->begin_suppress_tokens, vocab));
    LL_TRY(check_list("forced_bos_token_id", p->forced_bos_token_id, vocab));
    LL_TRY(check_list("forced_eos_token_id", p->forced_eos_token_id, vocab));
    LL_TRY(check_list("decoder_input_ids", p->decoder_input_ids, vocab));
    if (!p->bad_words_ids && p->n_bad_words_ids) return ll_fail(LLMCS_ARG, "bad_words_ids is NULL");
    LL_TRY(ll_check_array("n_bad_words_ids", p->n_bad_words_ids, sizeof *p->bad_words_ids));
    for (size_t i = 0; i < p->n_bad_words_ids; i++) {
        const llmcs_ids *word = &p->bad_words_ids[i];
        if (!word->ids || !word->n_ids) return ll_fail(LLMCS_ARG, "bad_words_ids[%zu] is empty", i);
        LL_TRY(ll_check_array("bad_words_ids: n_ids", word->n_ids, sizeof *word->ids));
        for (size_t t = 0; t < word->n_ids; t++)
            LL_TRY(ll_check_ids(LLMCS_ARG, "bad_words_ids", i, &word->ids[t], 1, vocab));
    }
    LL_TRY(check_sequence_bias(p, vocab));
    if (!p->logit_bias && p->n_logit_bias) return ll_fail(LLMCS_ARG, "logit_bias is NULL");
    LL_TRY(ll_check_array("n_logit_bias", p->n_logit_bias, sizeof *p->logit_bias));
    for (size_t i = 0; i < p->n_logit_bias; i++) {
        LL_TRY(ll_check_ids(LLMCS_ARG, "logit_bias", i, &p->logit_bias[i].id, 1, vocab));
        if (isnan(p->logit_bias[i].bias)) return ll_fail(LLMCS_ARG, "logit_bias[%zu]: the bias is NaN", i);
    }
    return LLMCS_OK;
}

static llmcs_status check_lookup(const llmcs_generate_params *p, size_t vocab) {
    if (p->prompt_lookup_num_tokens < 0 || p->prompt_lookup_num_tokens > MAX_DRAFT_TOKENS)
        return ll_fail(LLMCS_ARG, "prompt_lookup_num_tokens is %d, expected 0 to %d", (int)p->prompt_lookup_num_tokens,
                       MAX_DRAFT_TOKENS);
    if (p->max_matching_ngram_size < 1 || p->max_matching_ngram_size > MAX_NGRAM)
        return ll_fail(LLMCS_ARG, "max_matching_ngram_size is %d, expected 1 to %d", (int)p->max_matching_ngram_size,
                       MAX_NGRAM);
    if (p->top_logprobs < 0 || p->top_logprobs > MAX_TOP_LOGPROBS)
        return ll_fail(LLMCS_ARG, "top_logprobs is %d, expected 0 to %d", (int)p->top_logprobs, MAX_TOP_LOGPROBS);
    if (p->top_logprobs && (!p->logprobs || p->num_beams > 1))
        return ll_fail(LLMCS_ARG, "top_logprobs needs logprobs = 1 and num_beams = 1, not %d and %d", (int)p->logprobs,
                       (int)p->num_beams);
    if (p->prompt_lookup_num_tokens && (p->num_beams > 1 || p->num_return_sequences > 1))
        return ll_fail(LLMCS_ARG,
                       "prompt_lookup_num_tokens needs num_beams = 1 and num_return_sequences = 1, not %d and %d",
                       (int)p->num_beams, (int)p->num_return_sequences);
    if (!p->prompt_lookup_ids && p->n_prompt_lookup_ids) return ll_fail(LLMCS_ARG, "prompt_lookup_ids is NULL");
    LL_TRY(ll_check_array("n_prompt_lookup_ids", p->n_prompt_lookup_ids, sizeof *p->prompt_lookup_ids));
    return ll_check_ids(LLMCS_ARG, "prompt_lookup_ids", 0, p->prompt_lookup_ids, p->n_prompt_lookup_ids, vocab);
}

static llmcs_status check_stop_strings(const llmcs_generate_params *p) {
    if (!p->stop_strings && p->n_stop_strings) return ll_fail(LLMCS_ARG, "stop_strings is NULL");
    LL_TRY(ll_check_array("n_stop_strings", p->n_stop_strings, sizeof *p->stop_strings));
    for (size_t i = 0; i < p->n_stop_strings; i++) {
        const char *text = p->stop_strings[i];
        if (!text || !*text) return ll_fail(LLMCS_ARG, "stop_strings[%zu] is %s", i, text ? "empty" : "NULL");
        for (size_t at = 0, n = strlen(text); at < n;) {
            uint32_t cp;
            at += ll_utf8_decode(text + at, n - at, &cp);
            if (cp == LL_UTF8_BAD) return ll_fail(LLMCS_ARG, "stop_strings[%zu] is not UTF-8: %s", i, text);
        }
    }
    return LLMCS_OK;
}

/* Checks decoder_input_ids, and parameters that need the prompt in the decoder. */
static llmcs_status check_source(const llmcs_model *model, const llmcs_generate_params *p) {
    const ll_config *c = &model->config;
    if (!model->net->has_source) {
        if (!p->decoder_input_ids.n_ids) return LLMCS_OK;
        return ll_fail(LLMCS_ARG, "decoder_input_ids are given, and %s is no encoder-decoder: put them into the prompt",
                       c->model_type);
    }
    if (p->guidance_scale != 1.0f)
        return ll_fail(LLMCS_ARG, "guidance_scale is %g, and %s is an encoder-decoder: guidance needs a decoder",
                       (double)p->guidance_scale, c->model_type);
    const bool reads_source = p->encoder_repetition_penalty != 1.0f || p->encoder_no_repeat_ngram_size;
    if (reads_source && !c->shares_tokens)
        return ll_fail(LLMCS_ARG, "%s: source and answer have vocabularies of their own: set it to %d",
                       p->encoder_no_repeat_ngram_size ? "encoder_no_repeat_ngram_size" : "encoder_repetition_penalty",
                       p->encoder_no_repeat_ngram_size ? 0 : 1);
    if (p->decoder_input_ids.n_ids || p->target_lang || c->decoder_start_token_id >= 0) return LLMCS_OK;
    return ll_fail(LLMCS_ARG,
                   "the folder has no decoder_start_token_id: set decoder_input_ids, or for mBART target_lang");
}

static llmcs_status check_grammar(const llmcs_generate_params *p) {
    if (!p->grammar || (!p->forced_bos_token_id.n_ids && !p->forced_eos_token_id.n_ids)) return LLMCS_OK;
    return ll_fail(LLMCS_ARG, "grammar and %s: a forced token would not keep to the grammar",
                   p->forced_bos_token_id.n_ids ? "forced_bos_token_id" : "forced_eos_token_id");
}

llmcs_status ll_generate_params_read(const llmcs_model *model, const llmcs_generate_params *params,
                                     llmcs_generate_params *out) {
    if (params) {
        *out = plain_defaults;
        LL_TRY(ll_options_in(out, sizeof *out, OLDEST_SIZE, params, STRUCT_NAME));
    } else {
        fill_from_model(model, out);
    }
    LL_TRY(check_numbers(out));
    LL_TRY(check_beams(out));
    LL_TRY(check_groups(out));
    LL_TRY(check_token_lists(out, (size_t)model->config.vocab_size));
    LL_TRY(check_lookup(out, (size_t)model->config.vocab_size));
    LL_TRY(check_guidance(out, (size_t)model->config.vocab_size));
    LL_TRY(check_grammar(out));
    LL_TRY(check_source(model, out));
    return check_stop_strings(out);
}
