/* Templates of Transformers' classes: some replace tokenizer.json's (mBART's languages, Llama's add_bos_token), and all
 * SentencePiece classes have one if there is no tokenizer.json. */
#include <string.h>

#include "formats/tokenizer_read.h"

/* The id of a token among vocabulary and added tokens, the last one if the vocabulary has it twice. Linear: called for
 * a handful of tokens. */
static llmcs_status find_token(const ll_tokenizer_spec *spec, const char *text, size_t n, int32_t *id) {
    for (size_t i = spec->n_vocab; text && i-- > 0;) {
        const ll_vocab_entry *e = &spec->vocab[i];
        *id = e->id;
        if (e->token_bytes == n && !memcmp(e->token, text, n)) return LLMCS_OK;
    }
    for (size_t i = 0; text && i < spec->n_added; i++) {
        const ll_added_token *e = &spec->added[i];
        *id = e->id;
        if (e->id >= 0 && e->content_bytes == n && !memcmp(e->content, text, n)) return LLMCS_OK;
    }
    return ll_fail(LLMCS_TOKENIZER, "%s: no token \"%.*s\", which goes around every text", spec->path,
                   (int)ll_min(n, 60), text ? text : "");
}

llmcs_status ll_find_role_token(const ll_tokenizer_spec *spec, const ll_token_settings *s, llmcs_special role,
                                int32_t *id) {
    ll_json v;
    size_t len;
    const char *text = ll_token_role(spec, s, role, &v, &len);
    return find_token(spec, text, len, id);
}

static void add_both(ll_tokenizer_spec *spec, int32_t id, uint8_t slot) {
    const ll_template_item item = {.id = id, .slot = slot};
    spec->single[spec->n_single++] = item;
    spec->pair[spec->n_pair++] = item;
}

/* Adds the text to both templates, and to the second one the other text right after it. */
static void add_texts(ll_tokenizer_spec *spec, uint8_t pair_type) {
    ll_template_add(spec->single, &spec->n_single, -1, 0, 0);
    ll_template_add(spec->pair, &spec->n_pair, -1, 0, 0);
    ll_template_add(spec->pair, &spec->n_pair, -1, 1, pair_type);
}

/* mBART: A </s> en_XX; mBART-50: en_XX A </s>. The language is src_lang's unless a call names another. */
static llmcs_status mbart_template(ll_tokenizer_spec *spec, const ll_token_settings *s) {
    int32_t language, eos;
    size_t len = 5;
    const char *code = ll_token_text(ll_token_setting(s, "src_lang"), &len);
    LL_TRY(find_token(spec, code ? code : "en_XX", code ? len : 5, &language));
    LL_TRY(ll_find_role_token(spec, s, LLMCS_SPECIAL_EOS, &eos));
    const bool first = s->family == LL_TOKENS_OF_MBART50;
    spec->n_single = spec->n_pair = 0;
    if (first) add_both(spec, language, LL_SLOT_LANGUAGE);
    add_texts(spec, 0);
    add_both(spec, eos, LL_SLOT_NONE);
    if (!first) add_both(spec, language, LL_SLOT_LANGUAGE);
    return LLMCS_OK;
}

/* <s> A, and <s> A <s> B, if the settings add BOS; likewise EOS after each text. */
static llmcs_status llama_template(ll_tokenizer_spec *spec, const ll_token_settings *s) {
    bool add_bos = true, add_eos = false;
    int32_t bos = -1, eos = -1;
    LL_TRY(ll_token_setting_bool(s, "add_bos_token", &add_bos));
    LL_TRY(ll_token_setting_bool(s, "add_eos_token", &add_eos));
    if (add_bos) LL_TRY(ll_find_role_token(spec, s, LLMCS_SPECIAL_BOS, &bos));
    if (add_eos) LL_TRY(ll_find_role_token(spec, s, LLMCS_SPECIAL_EOS, &eos));
    spec->n_single = spec->n_pair = 0;
    if (add_bos) add_both(spec, bos, LL_SLOT_NONE);
    ll_template_add(spec->single, &spec->n_single, -1, 0, 0);
    ll_template_add(spec->pair, &spec->n_pair, -1, 0, 0);
    if (add_eos) add_both(spec, eos, LL_SLOT_NONE);
    if (add_bos) ll_template_add(spec->pair, &spec->n_pair, bos, 0, 1);
    ll_template_add(spec->pair, &spec->n_pair, -1, 1, 1);
    if (add_eos) ll_template_add(spec->pair, &spec->n_pair, eos, 0, 1);
    return LLMCS_OK;
}

llmcs_status ll_apply_class_template(ll_tokenizer_spec *spec, const ll_token_settings *s) {
    switch (s->family) {
        case LL_TOKENS_OF_MBART:
        case LL_TOKENS_OF_MBART50:
            return mbart_template(spec, s);
        case LL_TOKENS_OF_LLAMA:
        case LL_TOKENS_OF_GEMMA:
            return llama_template(spec, s);
        default:
            return LLMCS_OK;
    }
}

/* A </s>, and A </s> B </s>. */
static llmcs_status t5_template(ll_tokenizer_spec *spec, const ll_token_settings *s) {
    int32_t eos;
    LL_TRY(ll_find_role_token(spec, s, LLMCS_SPECIAL_EOS, &eos));
    spec->n_single = spec->n_pair = 0;
    ll_template_add(spec->single, &spec->n_single, -1, 0, 0);
    ll_template_add(spec->pair, &spec->n_pair, -1, 0, 0);
    add_both(spec, eos, LL_SLOT_NONE);
    ll_template_add(spec->pair, &spec->n_pair, -1, 1, 0);
    ll_template_add(spec->pair, &spec->n_pair, eos, 0, 0);
    return LLMCS_OK;
}

llmcs_status ll_spm_template(ll_tokenizer_spec *spec, const ll_token_settings *s) {
    int32_t cls, sep, eos;
    if (s->family == LL_TOKENS_OF_T5) return t5_template(spec, s);
    if (s->family == LL_TOKENS_OF_MARIAN) {
        LL_TRY(ll_find_role_token(spec, s, LLMCS_SPECIAL_EOS, &eos));
        return ll_marian_template(spec, eos);
    }
    if (s->family != LL_TOKENS_OF_XLM_ROBERTA && s->family != LL_TOKENS_OF_CAMEMBERT &&
        s->family != LL_TOKENS_OF_ALBERT)
        return ll_apply_class_template(spec, s);
    LL_TRY(ll_find_role_token(spec, s, LLMCS_SPECIAL_CLS, &cls));
    LL_TRY(ll_find_role_token(spec, s, LLMCS_SPECIAL_SEP, &sep));
    if (s->family == LL_TOKENS_OF_ALBERT)
        ll_template_bert(spec, cls, sep);
    else
        ll_template_roberta(spec, cls, sep);
    return LLMCS_OK;
}
