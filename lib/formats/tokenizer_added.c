/* Added tokens. Sources: tokenizer.json; added_tokens_decoder in tokenizer_config.json, or without it
 * added_tokens.json; and special tokens that a setting names. If a token has several entries, precedence is as in
 * Transformers 4 (tokenization_utils_base.py, _from_pretrained, and tokenization_utils_fast.py, __init__). */
#include <string.h>

#include "formats/tokenizer_read.h"

typedef struct token_list {
    ll_tokenizer_spec *spec;
    const ll_token_settings *settings;
    bool has_json; /* tokenizer.json was read: ids are the vocabulary's, or new ones */
    size_t first_role;
} token_list;

static void add_token(token_list *l, ll_added_token token, const char *text, size_t len) {
    ll_tokenizer_spec *spec = l->spec;
    token.content = text;
    token.content_bytes = (uint32_t)len;
    if (len) spec->added[spec->n_added++] = token;
}

static llmcs_status read_flags(ll_json v, ll_added_token *token) {
    LL_TRY(ll_spec_bool(v, "added token", "single_word", &token->single_word));
    LL_TRY(ll_spec_bool(v, "added token", "lstrip", &token->lstrip));
    LL_TRY(ll_spec_bool(v, "added token", "rstrip", &token->rstrip));
    LL_TRY(ll_spec_bool(v, "added token", "special", &token->special));
    token->normalized = !token->special;
    return ll_spec_bool(v, "added token", "normalized", &token->normalized);
}

/* ---------------------------------------------------------------------------------------------------- lists */

/* The id in a key of added_tokens_decoder. */
static llmcs_status parse_id(ll_json member, int32_t *id) {
    size_t len;
    const char *key = ll_json_key(member, &len);
    int64_t n = len && len <= 10 ? 0 : -1;
    for (size_t i = 0; i < len && n >= 0; i++) n = key[i] >= '0' && key[i] <= '9' ? n * 10 + (key[i] - '0') : -1;
    if (n < 0 || n >= INT32_MAX)
        return ll_spec_fail(member, "added_tokens_decoder", "its keys are ids from 0 to 2147483646");
    *id = (int32_t)n;
    return LLMCS_OK;
}

static llmcs_status add_decoder(token_list *l, ll_json list) {
    for (ll_json m = ll_json_first(list); ll_json_get_type(m) != LL_JSON_MISSING; m = ll_json_next(m)) {
        ll_added_token token = {.source = LL_ADDED_LISTED};
        size_t len;
        const char *text = ll_token_text(m, &len);
        if (!text) return ll_spec_fail(m, "added_tokens_decoder", "an object with \"content\" is expected");
        LL_TRY(parse_id(m, &token.id));
        LL_TRY(read_flags(m, &token));
        if (l->has_json) token.id = LL_ID_FIND;
        add_token(l, token, text, len);
    }
    return LLMCS_OK;
}

static llmcs_status add_file(token_list *l, ll_json file) {
    for (ll_json m = ll_json_first(file); ll_json_get_type(m) != LL_JSON_MISSING; m = ll_json_next(m)) {
        ll_added_token token = {.normalized = true, .source = LL_ADDED_PLAIN};
        size_t len;
        const char *text = ll_json_key(m, &len);
        LL_TRY(ll_spec_id(m, "added_tokens.json", &token.id));
        if (l->has_json) { /* tokenizer.json takes precedence */
            token.id = LL_ID_FIND;
            token.source = LL_ADDED_NAMED;
        }
        add_token(l, token, text, len);
    }
    return LLMCS_OK;
}

/* ---------------------------------------------------------------------------------------------------- names */

/* If several roles share a token, the first decides how it is matched. */
static bool is_role(const token_list *l, size_t end, const char *text, size_t len) {
    for (size_t i = l->first_role; i < end; i++) {
        const ll_added_token *e = &l->spec->added[i];
        if (e->content_bytes == len && !memcmp(e->content, text, len)) return true;
    }
    return false;
}

/* A special token named in a setting. An object has the flags for matching; a string leaves them to the list with the
 * token. */
static llmcs_status add_named(token_list *l, ll_json v, const char *key, bool object_counts) {
    ll_added_token token = {.id = LL_ID_FIND, .special = true, .source = LL_ADDED_NAMED};
    size_t len;
    const char *text = ll_token_text(v, &len);
    if (!text) return ll_spec_fail(v, key, "a string is expected");
    if (ll_json_get_type(v) == LL_JSON_OBJECT) {
        LL_TRY(read_flags(v, &token));
        token.special = true;
        if (ll_spec_absent(ll_json_get(v, "normalized"))) token.normalized = false;
        if (object_counts) token.source = LL_ADDED_LISTED;
    }
    add_token(l, token, text, len);
    return LLMCS_OK;
}

/* True if the class's <mask> also matches the white space before it. */
static bool takes_space(ll_token_family family) {
    switch (family) {
        case LL_TOKENS_OF_ROBERTA:
        case LL_TOKENS_OF_MPNET:
        case LL_TOKENS_OF_XLM_ROBERTA:
        case LL_TOKENS_OF_CAMEMBERT:
        case LL_TOKENS_OF_MBART:
        case LL_TOKENS_OF_MBART50:
        case LL_TOKENS_OF_ALBERT:
            return true;
        default:
            return false;
    }
}

/* With the older files, byte-level BPE classes create the special tokens from their arguments, with their own flags for
 * matching; in some classes <mask> also matches the white space before it. */
static llmcs_status add_roles(token_list *l) {
    l->first_role = l->spec->n_added;
    const ll_token_settings *s = l->settings;
    ll_token_family family = s->family;
    bool own_flags = s->legacy && !l->has_json; /* no list has flags for the token of a role */
    bool bpe_class = !l->has_json && (family == LL_TOKENS_OF_GPT2 || family == LL_TOKENS_OF_ROBERTA);
    for (size_t role = 0; role < LL_N_SPECIAL; role++) {
        ll_json v;
        size_t len;
        const char *text = ll_token_role(l->spec, s, role, &v, &len);
        if (!text || is_role(l, l->spec->n_added, text, len)) continue;
        if (ll_json_get_type(v) == LL_JSON_OBJECT) {
            LL_TRY(add_named(l, v, "a special token", own_flags));
            continue;
        }
        bool named = ll_json_get_type(v) == LL_JSON_STRING;
        ll_added_token token = {.id = named ? LL_ID_FIND : LL_ID_FIND_OR_SKIP,
                                .special = true,
                                .source = named ? LL_ADDED_NAMED : LL_ADDED_BY_DEFAULT};
        if (role == LLMCS_SPECIAL_MASK && takes_space(family)) {
            token.lstrip = true;
            token.normalized = family == LL_TOKENS_OF_MPNET;
            if (own_flags || !named) token.source = LL_ADDED_LISTED;
        } else if (bpe_class && (own_flags || !named)) {
            token.normalized = true;
            token.source = LL_ADDED_LISTED;
        }
        add_token(l, token, text, len);
    }
    return LLMCS_OK;
}

/* Adds a list after the roles, which are l->spec->added[l->first_role .. roles_end). */
static llmcs_status add_list(token_list *l, size_t roles_end, ll_json list, const char *key) {
    for (ll_json m = ll_json_first(list); ll_json_get_type(m) != LL_JSON_MISSING; m = ll_json_next(m)) {
        size_t len;
        const char *text = ll_token_text(m, &len);
        if (text && is_role(l, roles_end, text, len)) continue;
        LL_TRY(add_named(l, m, key, true));
    }
    return LLMCS_OK;
}

/* The languages of mBART's classes are special tokens. */
static void add_languages(token_list *l, const char *const *codes, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const ll_added_token token = {.id = LL_ID_FIND_OR_SKIP, .special = true, .source = LL_ADDED_BY_DEFAULT};
        add_token(l, token, codes[i], strlen(codes[i]));
    }
}

llmcs_status ll_read_added_tokens(ll_tokenizer_spec *spec, const ll_source *source, const ll_token_settings *s,
                                  bool has_json) {
    token_list l = {spec, s, has_json, 0};
    ll_json decoder = ll_json_get(s->config, "added_tokens_decoder"), file = {NULL, 0};
    /* additional_special_tokens of both files count together where the map does; Transformers 5 has a list of them in
     * extra_special_tokens, where version 4 has an object of further roles. */
    ll_json config_list = ll_json_get(s->config, "additional_special_tokens");
    ll_json map_list = s->legacy ? ll_json_get(s->map, "additional_special_tokens") : file;
    ll_json extra = ll_token_setting(s, "extra_special_tokens");
    if (s->legacy) LL_TRY(ll_spec_read_json(spec, source, "added_tokens.json", &file));
    const ll_added_token *json = spec->added;
    const char *const *languages;
    const size_t n_languages = ll_mbart_languages(s->family, &languages);
    size_t n_json = spec->n_added;
    size_t n = n_languages + n_json + ll_json_count(decoder) + ll_json_count(file) + LL_N_SPECIAL +
               ll_json_count(config_list) + ll_json_count(map_list) + ll_json_count(extra);
    LL_TRY(ll_arena_alloc(&spec->arena, n, sizeof *spec->added, "added tokens", &spec->added));
    if (n_json) memcpy(spec->added, json, n_json * sizeof *json);
    LL_TRY(add_decoder(&l, decoder));
    LL_TRY(add_file(&l, file));
    LL_TRY(add_roles(&l));
    add_languages(&l, languages, n_languages);
    size_t end = spec->n_added;
    LL_TRY(add_list(&l, end, config_list, "additional_special_tokens"));
    LL_TRY(add_list(&l, end, map_list, "additional_special_tokens"));
    return add_list(&l, end, extra, "extra_special_tokens");
}
