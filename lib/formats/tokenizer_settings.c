/* tokenizer_config.json and special_tokens_map.json: their precedence, the tokenizer class, the roles of special
 * tokens, and their changes of tokenizer.json; as in Transformers 4's fast tokenizers (tokenization_utils_base.py,
 * tokenization_utils_fast.py and the classes' own files). */
#include <string.h>

#include "formats/tokenizer_read.h"

static const char *const ROLE_KEY[LL_N_SPECIAL] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                                   "pad_token", "cls_token", "mask_token"};

static const char *const DEFAULT_ROLE[][LL_N_SPECIAL] = {
    [LL_TOKENS_OF_NO_CLASS] = {NULL},
    [LL_TOKENS_OF_BERT] = {NULL, NULL, "[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"},
    [LL_TOKENS_OF_GPT2] = {"<|endoftext|>", "<|endoftext|>", "<|endoftext|>", NULL, NULL, NULL, NULL},
    [LL_TOKENS_OF_ROBERTA] = {"<s>", "</s>", "<unk>", "</s>", "<pad>", "<s>", "<mask>"},
    [LL_TOKENS_OF_MPNET] = {"<s>", "</s>", "[UNK]", "</s>", "<pad>", "<s>", "<mask>"},
    [LL_TOKENS_OF_XLM_ROBERTA] = {"<s>", "</s>", "<unk>", "</s>", "<pad>", "<s>", "<mask>"},
    [LL_TOKENS_OF_CAMEMBERT] = {"<s>", "</s>", "<unk>", "</s>", "<pad>", "<s>", "<mask>"},
    [LL_TOKENS_OF_MBART] = {"<s>", "</s>", "<unk>", "</s>", "<pad>", "<s>", "<mask>"},
    [LL_TOKENS_OF_MBART50] = {"<s>", "</s>", "<unk>", "</s>", "<pad>", "<s>", "<mask>"},
    [LL_TOKENS_OF_T5] = {NULL, "</s>", "<unk>", NULL, "<pad>", NULL, NULL},
    [LL_TOKENS_OF_ALBERT] = {"[CLS]", "[SEP]", "<unk>", "[SEP]", "<pad>", "[CLS]", "[MASK]"},
    [LL_TOKENS_OF_LLAMA] = {"<s>", "</s>", "<unk>", NULL, NULL, NULL, NULL},
    [LL_TOKENS_OF_GEMMA] = {"<bos>", "<eos>", "<unk>", NULL, "<pad>", NULL, NULL},
    [LL_TOKENS_OF_MARIAN] = {NULL, "</s>", "<unk>", NULL, "<pad>", NULL, NULL}};

/* ---------------------------------------------------------------------------------------------------- class */

typedef struct named_family {
    const char *name;
    ll_token_family family;
} named_family;

/* "BertTokenizer" and "BertTokenizerFast". */
static const named_family BY_CLASS[] = {{"Bert", LL_TOKENS_OF_BERT},
                                        {"DistilBert", LL_TOKENS_OF_BERT},
                                        {"Electra", LL_TOKENS_OF_BERT},
                                        {"ConvBert", LL_TOKENS_OF_BERT},
                                        {"LayoutLM", LL_TOKENS_OF_BERT},
                                        {"Lxmert", LL_TOKENS_OF_BERT},
                                        {"MobileBert", LL_TOKENS_OF_BERT},
                                        {"SqueezeBert", LL_TOKENS_OF_BERT},
                                        {"GPT2", LL_TOKENS_OF_GPT2},
                                        {"Roberta", LL_TOKENS_OF_ROBERTA},
                                        {"Longformer", LL_TOKENS_OF_ROBERTA},
                                        {"LED", LL_TOKENS_OF_ROBERTA},
                                        {"Bart", LL_TOKENS_OF_ROBERTA},
                                        {"MPNet", LL_TOKENS_OF_MPNET},
                                        {"XLMRoberta", LL_TOKENS_OF_XLM_ROBERTA},
                                        {"Camembert", LL_TOKENS_OF_CAMEMBERT},
                                        {"MBart", LL_TOKENS_OF_MBART},
                                        {"MBart50", LL_TOKENS_OF_MBART50},
                                        {"T5", LL_TOKENS_OF_T5},
                                        {"MT5", LL_TOKENS_OF_T5},
                                        {"Albert", LL_TOKENS_OF_ALBERT},
                                        {"Llama", LL_TOKENS_OF_LLAMA},
                                        {"Gemma", LL_TOKENS_OF_GEMMA},
                                        {"Marian", LL_TOKENS_OF_MARIAN}};

static const named_family BY_MODEL_TYPE[] = {{"bert", LL_TOKENS_OF_BERT},
                                             {"distilbert", LL_TOKENS_OF_BERT},
                                             {"electra", LL_TOKENS_OF_BERT},
                                             {"convbert", LL_TOKENS_OF_BERT},
                                             {"layoutlm", LL_TOKENS_OF_BERT},
                                             {"lxmert", LL_TOKENS_OF_BERT},
                                             {"mobilebert", LL_TOKENS_OF_BERT},
                                             {"squeezebert", LL_TOKENS_OF_BERT},
                                             {"gpt2", LL_TOKENS_OF_GPT2},
                                             {"roberta", LL_TOKENS_OF_ROBERTA},
                                             {"longformer", LL_TOKENS_OF_ROBERTA},
                                             {"led", LL_TOKENS_OF_ROBERTA},
                                             {"bart", LL_TOKENS_OF_ROBERTA},
                                             {"mpnet", LL_TOKENS_OF_MPNET},
                                             {"xlm-roberta", LL_TOKENS_OF_XLM_ROBERTA},
                                             {"camembert", LL_TOKENS_OF_CAMEMBERT},
                                             {"mbart", LL_TOKENS_OF_MBART},
                                             {"t5", LL_TOKENS_OF_T5},
                                             {"mt5", LL_TOKENS_OF_T5},
                                             {"umt5", LL_TOKENS_OF_T5},
                                             {"albert", LL_TOKENS_OF_ALBERT},
                                             {"marian", LL_TOKENS_OF_MARIAN}};

#define COUNT(table) (sizeof(table) / sizeof *(table))

static ll_token_family find_family(const named_family *table, size_t n, const char *name, size_t len) {
    for (size_t i = 0; i < n; i++)
        if (strlen(table[i].name) == len && !memcmp(table[i].name, name, len)) return table[i].family;
    return LL_TOKENS_OF_NO_CLASS;
}

/* Removes the ending, if the text has it. */
static bool cut_end(const char *text, size_t *len, const char *end) {
    size_t n = strlen(end);
    if (*len < n || memcmp(text + *len - n, end, n) != 0) return false;
    *len -= n;
    return true;
}

/* The class comes from tokenizer_config.json, else config.json, else the model's type. */
static llmcs_status find_class(ll_tokenizer_spec *spec, const ll_source *source, const char *model_type,
                               ll_token_settings *s) {
    size_t len = 0, type_len = model_type ? strlen(model_type) : 0;
    const char *name = ll_json_string(ll_json_get(s->config, "tokenizer_class"), &len);
    ll_json config;
    if (!name && !source->gguf) {
        LL_TRY(ll_spec_read_json(spec, source, "config.json", &config));
        name = ll_json_string(ll_json_get(config, "tokenizer_class"), &len);
        if (!model_type) model_type = ll_json_string(ll_json_get(config, "model_type"), &type_len);
    }
    s->named = name || model_type;
    s->class_name = name;
    s->class_bytes = len;
    if (!name) {
        s->family = find_family(BY_MODEL_TYPE, COUNT(BY_MODEL_TYPE), model_type ? model_type : "", type_len);
        return LLMCS_OK;
    }
    cut_end(name, &len, "Fast");
    if (cut_end(name, &len, "Tokenizer")) s->family = find_family(BY_CLASS, COUNT(BY_CLASS), name, len);
    return LLMCS_OK;
}

llmcs_status ll_token_settings_read(ll_tokenizer_spec *spec, const ll_source *source, const char *model_type,
                                    const ll_log *log, ll_token_settings *s) {
    ll_json decoder;
    *s = (ll_token_settings){.log = log};
    LL_TRY(ll_spec_read_json(spec, source, "tokenizer_config.json", &s->config));
    LL_TRY(ll_spec_read_json(spec, source, "special_tokens_map.json", &s->map));
    LL_TRY(ll_spec_member(s->config, "tokenizer_config.json", "added_tokens_decoder", &decoder));
    s->legacy = ll_json_get_type(decoder) == LL_JSON_MISSING;
    return find_class(spec, source, model_type, s);
}

/* ------------------------------------------------------------------------------------------------- settings */

/* True if special_tokens_map.json has the key and takes precedence. */
static bool in_map(const ll_token_settings *s, const char *key) {
    return s->legacy && ll_json_get_type(ll_json_get(s->map, key)) != LL_JSON_MISSING;
}

ll_json ll_token_setting(const ll_token_settings *s, const char *key) {
    return ll_json_get(in_map(s, key) ? s->map : s->config, key);
}

llmcs_status ll_token_setting_bool(const ll_token_settings *s, const char *key, bool *out) {
    bool map = in_map(s, key);
    return ll_spec_bool(map ? s->map : s->config, map ? "special_tokens_map.json" : "tokenizer_config.json", key, out);
}

const char *ll_token_text(ll_json v, size_t *len) {
    const char *text = ll_json_string(v, len);
    return text ? text : ll_json_string(ll_json_get(v, "content"), len);
}

/* Without a class, the defaults follow from model and template; SentencePiece vocabularies have no defaults. */
static ll_token_family family_or_guess(const ll_tokenizer_spec *spec, const ll_token_settings *s) {
    if (s->family != LL_TOKENS_OF_NO_CLASS) return s->family;
    if (spec->model == LL_TOKEN_WORDPIECE) return LL_TOKENS_OF_BERT;
    if (spec->model != LL_TOKEN_BPE) return LL_TOKENS_OF_NO_CLASS;
    return spec->n_single > 1 ? LL_TOKENS_OF_ROBERTA : LL_TOKENS_OF_GPT2;
}

const char *ll_token_role(const ll_tokenizer_spec *spec, const ll_token_settings *s, size_t role, ll_json *v,
                          size_t *len) {
    *v = ll_token_setting(s, ROLE_KEY[role]);
    *len = 0;
    const char *text = ll_token_text(*v, len);
    if (text || ll_json_get_type(*v) == LL_JSON_NULL) return text;
    text = DEFAULT_ROLE[family_or_guess(spec, s)][role];
    *len = text ? strlen(text) : 0;
    *v = (ll_json){NULL, 0};
    return text;
}

/* ----------------------------------------------------------------------------------- overrides of tokenizer.json */

/* The BERT classes replace the normalizer if it differs from their arguments or the arguments' defaults. MPNet's class
 * keeps tokenizer.json's handling of Chinese characters. */
static llmcs_status apply_to_normalizer(ll_tokenizer_spec *spec, const ll_token_settings *s) {
    ll_token_family family = s->named ? s->family : family_or_guess(spec, s);
    if (!spec->json.bert_normalizer || (family != LL_TOKENS_OF_BERT && family != LL_TOKENS_OF_MPNET)) return LLMCS_OK;
    bool lowercase = s->named ? true : spec->json.lowercase;
    bool chinese = s->named && family == LL_TOKENS_OF_BERT ? true : spec->json.chinese;
    LL_TRY(ll_token_setting_bool(s, "do_lower_case", &lowercase));
    bool strip_accents = s->named || lowercase != spec->json.lowercase ? lowercase : spec->json.strip_accents;
    LL_TRY(ll_token_setting_bool(s, "strip_accents", &strip_accents));
    if (family == LL_TOKENS_OF_BERT) LL_TRY(ll_token_setting_bool(s, "tokenize_chinese_chars", &chinese));
    spec->n_normalizer = 0;
    ll_bert_steps(spec, spec->json.clean_text, chinese, strip_accents, lowercase);
    return LLMCS_OK;
}

llmcs_status ll_apply_token_settings(ll_tokenizer_spec *spec, const ll_token_settings *s) {
    bool prefix = false, trim = true;
    LL_TRY(apply_to_normalizer(spec, s));
    if (!s->named && !s->config.doc) return LLMCS_OK; /* tokenizer.json alone */
    LL_TRY(ll_apply_class_template(spec, s));
    LL_TRY(ll_token_setting_bool(s, "add_prefix_space", &prefix));
    LL_TRY(ll_token_setting_bool(s, "trim_offsets", &trim));
    if (spec->json.byte_level) ll_byte_level_step(spec)->add_prefix_space = prefix;
    if (s->family != LL_TOKENS_OF_ROBERTA || !spec->json.trims) return LLMCS_OK;
    spec->trim_offsets = trim;
    spec->trim_prefix_space = prefix;
    return LLMCS_OK;
}

/* ---------------------------------------------------------------------------------------------------- names */

/* model_max_length, or max_len in older files, is 1e30 where there is no limit. */
static size_t max_length(const ll_token_settings *s) {
    int64_t n;
    ll_json v = ll_token_setting(s, "model_max_length");
    if (ll_json_get_type(v) == LL_JSON_MISSING) v = ll_token_setting(s, "max_len");
    return ll_json_int64(v, &n) && n > 0 && n <= INT32_MAX ? (size_t)n : 0;
}

static void log_true(const ll_token_settings *s, const char *key, llmcs_log_level level, const char *says) {
    bool on = false;
    if (ll_json_bool(ll_token_setting(s, key), &on) && on)
        ll_log_say(s->log, level, "%s: %s", ll_json_name(s->config.doc), says);
}

/* Settings that Transformers reads and that have no effect here. */
static void log_ignored(const ll_token_settings *s) {
    if (!s->log || !s->config.doc) return;
    const char *name = ll_json_name(s->config.doc);
    if (!ll_spec_absent(ll_json_get(s->config, "auto_map")))
        ll_log_say(s->log, LLMCS_LOG_WARN, "%s: auto_map: the folder's own tokenizer code is not run", name);
    log_true(s, "clean_up_tokenization_spaces", LLMCS_LOG_INFO,
             "clean_up_tokenization_spaces has no effect by itself: decode with LLMCS_CLEAN_UP_SPACES");
}

llmcs_status ll_read_special_names(ll_tokenizer_spec *spec, const ll_token_settings *s) {
    for (size_t role = 0; role < LL_N_SPECIAL; role++) {
        ll_json v;
        size_t len;
        spec->special[role] = ll_token_role(spec, s, role, &v, &len);
        spec->special_bytes[role] = (uint32_t)len;
    }
    spec->model_max_length = max_length(s);
    ll_json side = ll_token_setting(s, "truncation_side");
    if (!ll_spec_absent(side)) spec->cut_left = ll_json_equals(side, "left");
    log_ignored(s);
    return LLMCS_OK;
}
