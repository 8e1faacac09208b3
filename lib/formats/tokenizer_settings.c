/* tokenizer_config.json, special_tokens_map.json and added_tokens.json: the roles of special tokens, and what the
 * older files leave to Transformers' tokenizer classes (their defaults are those of Transformers 4). */
#include <string.h>

#include "formats/tokenizer_read.h"

static const char *const ROLE_KEY[LL_N_SPECIAL] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                                   "pad_token", "cls_token", "mask_token"};

typedef enum family { FAMILY_BERT, FAMILY_GPT2, FAMILY_ROBERTA } family;

static const char *const DEFAULT_ROLE[][LL_N_SPECIAL] = {
    [FAMILY_BERT] = {NULL, NULL, "[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"},
    [FAMILY_GPT2] = {"<|endoftext|>", "<|endoftext|>", "<|endoftext|>", NULL, NULL, NULL, NULL},
    [FAMILY_ROBERTA] = {"<s>", "</s>", "<unk>", "</s>", "<pad>", "<s>", "<mask>"}};

static bool is_null(ll_json v) {
    ll_json_type type = ll_json_get_type(v);
    return type == LL_JSON_MISSING || type == LL_JSON_NULL;
}

static bool equals(const char *text, size_t len, const char *other) {
    return len == strlen(other) && !memcmp(text, other, len);
}

/* ---------------------------------------------------------------------------------------------------- roles */

/* A special token is a string, or an object with its "content". */
static const char *special_text(ll_json v, size_t *len) {
    const char *text = ll_json_string(v, len);
    return text ? text : ll_json_string(ll_json_get(v, "content"), len);
}

static bool has_template_special(const ll_tokenizer_spec *spec) { return spec->n_single > 1; }

/* RoBERTa is byte-level BPE whose post-processor adds tokens. */
static family family_of(const ll_tokenizer_spec *spec) {
    if (spec->model == LL_TOKEN_WORDPIECE) return FAMILY_BERT;
    return has_template_special(spec) ? FAMILY_ROBERTA : FAMILY_GPT2;
}

/* The token of a role as the files name it; NULL: they do not. */
static const char *named_role(size_t role, ll_json config, ll_json map, size_t *len) {
    const char *text = special_text(ll_json_get(config, ROLE_KEY[role]), len);
    return text ? text : special_text(ll_json_get(map, ROLE_KEY[role]), len);
}

/* model_max_length is 1e30 where there is no limit. */
static void read_max_length(ll_tokenizer_spec *spec, ll_json config) {
    int64_t n;
    if (ll_json_int64(ll_json_get(config, "model_max_length"), &n) && n > 0 && n <= INT32_MAX)
        spec->model_max_length = (size_t)n;
}

llmcs_status ll_read_special_names(ll_tokenizer_spec *spec, ll_json config, ll_json map) {
    for (size_t role = 0; role < LL_N_SPECIAL; role++) {
        size_t len = 0;
        const char *text = named_role(role, config, map, &len);
        if (!text) {
            text = DEFAULT_ROLE[family_of(spec)][role];
            len = text ? strlen(text) : 0;
        }
        spec->special[role] = text;
        spec->special_bytes[role] = (uint32_t)len;
    }
    read_max_length(spec, config);
    return LLMCS_OK;
}

/* -------------------------------------------------------------------------------- what the older files leave out */

static const char *class_name(ll_json config, size_t *len) {
    return ll_json_string(ll_json_get(config, "tokenizer_class"), len);
}

static bool class_begins(const char *class, size_t len, const char *beginning) {
    size_t n = strlen(beginning);
    return len >= n && !memcmp(class, beginning, n);
}

/* Which class of Transformers the files are for. Without a class the model's type says it. */
static llmcs_status find_family(const ll_tokenizer_spec *spec, ll_json config, const char *model_type, family *out) {
    size_t len = 0;
    const char *class = class_name(config, &len);
    bool bpe = spec->model == LL_TOKEN_BPE;
    bool none = !class || equals(class, len, "PreTrainedTokenizerFast");
    bool bert = none || equals(class, len, "BertTokenizer") || equals(class, len, "BertTokenizerFast") ||
                class_begins(class, len, "DistilBertTokenizer") || class_begins(class, len, "ElectraTokenizer");
    bool roberta = class && class_begins(class, len, "RobertaTokenizer");
    bool gpt2 = class && class_begins(class, len, "GPT2Tokenizer");
    if (!bpe && bert) {
        *out = FAMILY_BERT;
        return LLMCS_OK;
    }
    if (bpe && (roberta || gpt2 || none)) {
        bool model_is_roberta = model_type && !strcmp(model_type, "roberta");
        *out = roberta || (none && model_is_roberta) ? FAMILY_ROBERTA : FAMILY_GPT2;
        return LLMCS_OK;
    }
    return ll_fail(LLMCS_UNSUPPORTED, "%s: tokenizer_class \"%.*s\" with these files is not supported", spec->path,
                   (int)(len < 60 ? len : 60), class ? class : "");
}

/* The id of a token of the vocabulary, the last if it stands twice; -1: none. Called for a handful of tokens. */
static int32_t find_id(const ll_tokenizer_spec *spec, const char *token, size_t len) {
    for (size_t i = spec->n_vocab; i-- > 0;) {
        const ll_vocab_entry *e = &spec->vocab[i];
        if (e->token_bytes == len && !memcmp(e->token, token, len)) return e->id;
    }
    return -1;
}

/* [CLS] and [SEP], or <s> and </s>: what BERT and RoBERTa put around a text. */
static llmcs_status find_ends(const ll_tokenizer_spec *spec, family f, ll_json config, ll_json map, int32_t *cls,
                              int32_t *sep) {
    static const llmcs_special roles[2] = {LLMCS_SPECIAL_CLS, LLMCS_SPECIAL_SEP};
    int32_t *ids[2] = {cls, sep};
    for (size_t i = 0; i < 2; i++) {
        size_t len;
        const char *text = named_role(roles[i], config, map, &len);
        if (!text) text = DEFAULT_ROLE[f][roles[i]], len = strlen(text);
        *ids[i] = find_id(spec, text, len);
        if (*ids[i] < 0)
            return ll_fail(LLMCS_TOKENIZER, "%s: no token \"%.*s\", which goes around every text", spec->path,
                           (int)(len < 60 ? len : 60), text);
    }
    return LLMCS_OK;
}

static llmcs_status bert_settings(ll_tokenizer_spec *spec, ll_json config, ll_json map) {
    bool lowercase = true, chinese = true, basic = true;
    int32_t cls, sep;
    LL_TRY(ll_spec_bool(config, "tokenizer_config.json", "do_lower_case", &lowercase));
    LL_TRY(ll_spec_bool(config, "tokenizer_config.json", "tokenize_chinese_chars", &chinese));
    LL_TRY(ll_spec_bool(config, "tokenizer_config.json", "do_basic_tokenize", &basic));
    bool strip_accents = lowercase;
    LL_TRY(ll_spec_bool(config, "tokenizer_config.json", "strip_accents", &strip_accents));
    if (!basic || ll_json_count(ll_json_get(config, "never_split")))
        return ll_fail(LLMCS_UNSUPPORTED, "%s: do_basic_tokenize false and never_split are not supported",
                       ll_json_name(config.doc));
    ll_bert_steps(spec, true, chinese, strip_accents, lowercase);
    size_t len;
    const char *unk = named_role(LLMCS_SPECIAL_UNK, config, map, &len);
    spec->unk_token = unk ? unk : "[UNK]";
    spec->unk_token_bytes = unk ? (uint32_t)len : 5;
    spec->continuing_prefix = spec->decoder_prefix = "##";
    spec->continuing_prefix_bytes = spec->decoder_prefix_bytes = 2;
    spec->decoder = LL_DECODE_WORDPIECE;
    spec->decode_cleanup = true;
    LL_TRY(find_ends(spec, FAMILY_BERT, config, map, &cls, &sep));
    ll_template_bert(spec, cls, sep);
    return LLMCS_OK;
}

static llmcs_status bpe_settings(ll_tokenizer_spec *spec, family f, ll_json config, ll_json map) {
    int32_t cls, sep;
    bool add_bos = false;
    LL_TRY(ll_spec_bool(config, "tokenizer_config.json", "add_prefix_space", &spec->add_prefix_space));
    LL_TRY(ll_spec_bool(config, "tokenizer_config.json", "add_bos_token", &add_bos));
    if (f == FAMILY_GPT2 && add_bos)
        return ll_fail(LLMCS_UNSUPPORTED, "%s: add_bos_token true is not supported", ll_json_name(config.doc));
    spec->decoder = LL_DECODE_BYTE_LEVEL;
    ll_template_plain(spec, 1);
    if (f != FAMILY_ROBERTA) return LLMCS_OK;
    spec->trim_offsets = true;
    spec->trim_prefix_space = spec->add_prefix_space;
    LL_TRY(find_ends(spec, f, config, map, &cls, &sep));
    ll_template_roberta(spec, cls, sep);
    return LLMCS_OK;
}

/* -------------------------------------------------------------------------------------------- added tokens */

static llmcs_status token_flags(ll_json v, ll_added_token *token) {
    LL_TRY(ll_spec_bool(v, "added token", "special", &token->special));
    LL_TRY(ll_spec_bool(v, "added token", "single_word", &token->single_word));
    LL_TRY(ll_spec_bool(v, "added token", "lstrip", &token->lstrip));
    LL_TRY(ll_spec_bool(v, "added token", "rstrip", &token->rstrip));
    return ll_spec_bool(v, "added token", "normalized", &token->normalized);
}

static void add_token(ll_tokenizer_spec *spec, ll_added_token token, const char *text, size_t len) {
    token.content = text;
    token.content_bytes = (uint32_t)len;
    if (len) spec->added[spec->n_added++] = token;
}

/* The digits of an added_tokens_decoder's key. */
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

static llmcs_status add_decoder_tokens(ll_tokenizer_spec *spec, ll_json list) {
    for (ll_json m = ll_json_first(list); ll_json_get_type(m) != LL_JSON_MISSING; m = ll_json_next(m)) {
        ll_added_token token = {.normalized = true};
        size_t len;
        const char *text = special_text(m, &len);
        if (!text) return ll_spec_fail(m, "added_tokens_decoder", "an object with \"content\" is expected");
        LL_TRY(parse_id(m, &token.id));
        LL_TRY(token_flags(m, &token));
        add_token(spec, token, text, len);
    }
    return LLMCS_OK;
}

static llmcs_status add_plain_tokens(ll_tokenizer_spec *spec, ll_json file) {
    for (ll_json m = ll_json_first(file); ll_json_get_type(m) != LL_JSON_MISSING; m = ll_json_next(m)) {
        ll_added_token token = {.normalized = true};
        size_t len;
        const char *text = ll_json_key(m, &len);
        LL_TRY(ll_spec_id(m, "added_tokens.json", &token.id));
        add_token(spec, token, text, len);
    }
    return LLMCS_OK;
}

static llmcs_status add_role_tokens(ll_tokenizer_spec *spec, family f, ll_json config, ll_json map) {
    for (size_t role = 0; role < LL_N_SPECIAL; role++) {
        size_t len = 0;
        const char *text = named_role(role, config, map, &len);
        ll_added_token token = {.id = text ? LL_ID_FIND : LL_ID_FIND_OR_SKIP, .special = true};
        ll_json v = ll_json_get(config, ROLE_KEY[role]);
        if (!special_text(v, &(size_t){0})) v = ll_json_get(map, ROLE_KEY[role]);
        if (!text) {
            text = DEFAULT_ROLE[f][role];
            len = text ? strlen(text) : 0;
            token.lstrip = f == FAMILY_ROBERTA && role == LLMCS_SPECIAL_MASK;
        } else if (ll_json_get_type(v) == LL_JSON_OBJECT) {
            LL_TRY(token_flags(v, &token));
            token.special = true;
        }
        if (text) add_token(spec, token, text, len);
    }
    return LLMCS_OK;
}

static llmcs_status add_additional_tokens(ll_tokenizer_spec *spec, ll_json list) {
    for (ll_json m = ll_json_first(list); ll_json_get_type(m) != LL_JSON_MISSING; m = ll_json_next(m)) {
        ll_added_token token = {.id = LL_ID_FIND, .special = true};
        size_t len;
        const char *text = special_text(m, &len);
        if (!text) return ll_spec_fail(m, "additional_special_tokens", "a string is expected");
        if (ll_json_get_type(m) == LL_JSON_OBJECT) LL_TRY(token_flags(m, &token));
        token.special = true;
        add_token(spec, token, text, len);
    }
    return LLMCS_OK;
}

/* In the order of their weight: of two entries for one token the first says how it is matched. */
static llmcs_status read_added_tokens(ll_tokenizer_spec *spec, family f, ll_json config, ll_json map, ll_json added) {
    ll_json decoder = ll_json_get(config, "added_tokens_decoder"),
            more = ll_json_get(config, "additional_special_tokens");
    if (is_null(more)) more = ll_json_get(map, "additional_special_tokens");
    size_t n = ll_json_count(decoder) + ll_json_count(added) + ll_json_count(more) + LL_N_SPECIAL;
    LL_TRY(ll_arena_alloc(&spec->arena, n, sizeof *spec->added, "added tokens", &spec->added));
    LL_TRY(add_decoder_tokens(spec, decoder));
    LL_TRY(add_plain_tokens(spec, added));
    LL_TRY(add_role_tokens(spec, f, config, map));
    return add_additional_tokens(spec, more);
}

/* config.json's model_type, for a caller that does not know it. */
static llmcs_status find_model_type(ll_tokenizer_spec *spec, const ll_source *source, const char **model_type) {
    ll_json config;
    size_t len;
    LL_TRY(ll_spec_read_json(spec, source, "config.json", &config));
    const char *type = ll_json_string(ll_json_get(config, "model_type"), &len);
    if (type) LL_TRY(ll_arena_copy_text(&spec->arena, type, len, "model_type", model_type));
    return LLMCS_OK;
}

llmcs_status ll_read_older_settings(ll_tokenizer_spec *spec, const ll_source *source, const char *model_type,
                                    ll_json config, ll_json map) {
    family f;
    ll_json added;
    if (!model_type && spec->model == LL_TOKEN_BPE) LL_TRY(find_model_type(spec, source, &model_type));
    LL_TRY(find_family(spec, config, model_type, &f));
    if (f == FAMILY_BERT)
        LL_TRY(bert_settings(spec, config, map));
    else
        LL_TRY(bpe_settings(spec, f, config, map));
    LL_TRY(ll_spec_read_json(spec, source, "added_tokens.json", &added));
    return read_added_tokens(spec, f, config, map, added);
}
