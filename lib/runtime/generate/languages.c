/* Languages of a translation. The source language is a token of the source. Depending on the tokenizer's template, the
 * target language is also a token of the source (Marian), the decoder's first token (mBART), or the first new token
 * (mBART-50): Transformers 4.51, docs of MBart, MBart50 and Marian. */
#include "runtime/check.h"
#include "runtime/generate/generation.h"

static bool is_the_folders(const ll_generation *g, llmcs_ids forced) {
    return forced.ids == &g->model->config.generation.forced_bos_token_id;
}

/* Fails, naming the two parameters that both set the target language. */
static llmcs_status twice(const ll_generation *g, const char *other, const char *place) {
    return ll_fail(LLMCS_ARG, "%s and target_lang = \"%.40s\" are both given, and %s: give one of them", other,
                   g->params.target_lang, place);
}

static llmcs_status start_with_target(ll_generation *g) {
    if (g->params.decoder_input_ids.n_ids)
        return twice(g, "decoder_input_ids", "the decoder starts with the target language");
    g->params.decoder_input_ids = (llmcs_ids){&g->target_id, 1};
    return LLMCS_OK;
}

static llmcs_status force_target(ll_generation *g) {
    const llmcs_ids forced = g->params.forced_bos_token_id;
    if (forced.n_ids && !is_the_folders(g, forced))
        return twice(g, "forced_bos_token_id", "the answer begins with the target language");
    if (g->params.decoder_input_ids.n_ids > 1)
        return twice(g, "decoder_input_ids of several tokens", "the target language comes after a start of one token");
    if (g->params.grammar)
        return ll_fail(LLMCS_ARG,
                       "grammar and target_lang: the answer begins with the target language, which would not "
                       "keep to the grammar");
    g->params.forced_bos_token_id = (llmcs_ids){&g->target_id, 1};
    return LLMCS_OK;
}

static llmcs_status use_target(ll_generation *g, ll_target_place place, bool is_text) {
    LL_TRY(ll_tokenizer_language(g->model->tokenizer, "target_lang", g->params.target_lang, &g->target_id));
    LL_TRY(ll_check_ids(LLMCS_ARG, "target_lang", 0, &g->target_id, 1, g->vocab));
    if (place == LL_TARGET_STARTS) return start_with_target(g);
    if (place == LL_TARGET_IS_FORCED) return force_target(g);
    if (!g->params.decoder_input_ids.n_ids && g->model->config.decoder_start_token_id < 0)
        return ll_fail(LLMCS_ARG, "the folder has no decoder_start_token_id: set decoder_input_ids");
    if (is_text) return LLMCS_OK; /* encoding the source adds its token */
    return ll_fail(LLMCS_ARG,
                   "target_lang is given, and the source is token ids: the first of them names the language");
}

/* Without a target language the model would translate into an arbitrary one. */
static llmcs_status check_target_named(const ll_generation *g, ll_target_place place) {
    const llmcs_generate_params *p = &g->params;
    if (p->target_lang || p->decoder_input_ids.n_ids) return LLMCS_OK;
    if (place == LL_TARGET_STARTS && g->model->config.decoder_start_token_id < 0)
        return ll_fail(LLMCS_ARG,
                       "target_lang is not given, and the folder names no language to translate into "
                       "(decoder_start_token_id): set target_lang, to \"en_XX\" for example");
    if (place == LL_TARGET_IS_FORCED && !p->forced_bos_token_id.n_ids)
        return ll_fail(LLMCS_ARG,
                       "target_lang is not given, and the folder names no language to translate into "
                       "(forced_bos_token_id): set target_lang, to \"en_XX\" for example");
    return LLMCS_OK;
}

llmcs_status ll_generation_use_languages(ll_generation *g, bool is_text) {
    const llmcs_generate_params *p = &g->params;
    const char *given = p->source_lang ? "source_lang" : "target_lang";
    if (!g->model->net->has_source) {
        if (!p->source_lang && !p->target_lang) return LLMCS_OK;
        return ll_fail(LLMCS_ARG, "%s is given, and %s is no encoder-decoder: put the task into the prompt", given,
                       g->model->config.model_type);
    }
    if (p->source_lang && !is_text)
        return ll_fail(LLMCS_ARG, "source_lang is given, and the source is token ids: they name their language");
    if (!p->source_lang && !p->target_lang && (!is_text || !g->model->tokenizer)) return LLMCS_OK;
    LL_TRY(ll_model_check_tokenizer(g->model));
    const ll_target_place place = ll_tokenizer_target_place(g->model->tokenizer);
    if (place == LL_TARGET_NOWHERE && (p->source_lang || p->target_lang))
        return ll_fail(LLMCS_ARG,
                       "%s is given, and this tokenizer's texts name no language: a T5 is told in words, "
                       "\"translate English to German: ...\"",
                       given);
    if (p->target_lang) LL_TRY(use_target(g, place, is_text));
    return is_text ? check_target_named(g, place) : LLMCS_OK;
}

ll_languages ll_generation_languages(const ll_generation *g) {
    const bool in_source = ll_tokenizer_target_place(g->model->tokenizer) == LL_TARGET_IN_SOURCE;
    return (ll_languages){g->params.source_lang, in_source ? g->params.target_lang : NULL};
}
