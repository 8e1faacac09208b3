/* The steps that vocab.txt, or vocab.json with merges.txt, leave to Transformers' tokenizer classes: normalizer,
 * pre-tokenizer, post-processor and decoder, as convert_slow_tokenizer.py derives them from the classes' settings. */
#include <string.h>

#include "formats/tokenizer_read.h"

/* Without a known class, PreTrainedTokenizerFast's files are BERT's or GPT-2's; any other class is refused. */
static llmcs_status check_class(const ll_tokenizer_spec *spec, const ll_token_settings *s, ll_token_family *family) {
    bool wordpiece = spec->model == LL_TOKEN_WORDPIECE;
    ll_token_family f = s->family;
    bool anonymous = !s->class_name || (s->class_bytes == 23 && !memcmp(s->class_name, "PreTrainedTokenizerFast", 23));
    if (anonymous && (f == LL_TOKENS_OF_NO_CLASS || wordpiece != (f == LL_TOKENS_OF_BERT)))
        f = wordpiece ? LL_TOKENS_OF_BERT : LL_TOKENS_OF_GPT2;
    *family = f;
    if (wordpiece ? f == LL_TOKENS_OF_BERT : f == LL_TOKENS_OF_GPT2 || f == LL_TOKENS_OF_ROBERTA) return LLMCS_OK;
    return ll_fail(LLMCS_UNSUPPORTED, "%s: tokenizer_class \"%.*s\" with these files is not supported", spec->path,
                   (int)ll_min(s->class_bytes, 60), s->class_name ? s->class_name : "");
}

static void log_slow_only(const ll_token_settings *s) {
    bool basic = true;
    ll_json_bool(ll_token_setting(s, "do_basic_tokenize"), &basic);
    if (!s->log || (basic && !ll_json_count(ll_token_setting(s, "never_split")))) return;
    ll_log_say(s->log, LLMCS_LOG_WARN,
               "%s: do_basic_tokenize and never_split have no effect, as in Transformers' fast tokenizers",
               ll_json_name(s->config.doc));
}

static llmcs_status read_bert(ll_tokenizer_spec *spec, const ll_token_settings *s) {
    bool lowercase = true, chinese = true;
    int32_t cls, sep;
    ll_json v;
    size_t len;
    LL_TRY(ll_token_setting_bool(s, "do_lower_case", &lowercase));
    LL_TRY(ll_token_setting_bool(s, "tokenize_chinese_chars", &chinese));
    bool strip_accents = lowercase;
    LL_TRY(ll_token_setting_bool(s, "strip_accents", &strip_accents));
    ll_bert_steps(spec, true, chinese, strip_accents, lowercase);
    log_slow_only(s);
    const char *unk = ll_token_role(spec, s, LLMCS_SPECIAL_UNK, &v, &len);
    spec->unk_token = unk ? unk : "[UNK]";
    spec->unk_token_bytes = unk ? (uint32_t)len : 5;
    spec->continuing_prefix = "##";
    spec->continuing_prefix_bytes = 2;
    ll_add_split(spec, (ll_split_step){.kind = LL_SPLIT_BERT});
    ll_add_decoder(spec, (ll_decoder_step){.kind = LL_DECODE_WORDPIECE, .from = {"##", 2}, .cleanup = true});
    LL_TRY(ll_find_role_token(spec, s, LLMCS_SPECIAL_CLS, &cls));
    LL_TRY(ll_find_role_token(spec, s, LLMCS_SPECIAL_SEP, &sep));
    ll_template_bert(spec, cls, sep);
    return LLMCS_OK;
}

static llmcs_status read_byte_level(ll_tokenizer_spec *spec, const ll_token_settings *s) {
    ll_split_step step = {.kind = LL_SPLIT_BYTE_LEVEL, .use_regex = true};
    LL_TRY(ll_token_setting_bool(s, "add_prefix_space", &step.add_prefix_space));
    ll_add_split(spec, step);
    ll_add_decoder(spec, (ll_decoder_step){.kind = LL_DECODE_BYTE_LEVEL});
    return LLMCS_OK;
}

static llmcs_status read_gpt2(ll_tokenizer_spec *spec, const ll_token_settings *s) {
    bool add_bos = false;
    int32_t bos;
    LL_TRY(read_byte_level(spec, s));
    LL_TRY(ll_token_setting_bool(s, "add_bos_token", &add_bos));
    ll_template_plain(spec, 1);
    if (!add_bos) return LLMCS_OK;
    LL_TRY(ll_find_role_token(spec, s, LLMCS_SPECIAL_BOS, &bos));
    spec->n_single = spec->n_pair = 0;
    ll_template_add(spec->single, &spec->n_single, bos, 0, 0);
    ll_template_add(spec->single, &spec->n_single, -1, 0, 0);
    ll_template_add(spec->pair, &spec->n_pair, bos, 0, 0);
    ll_template_add(spec->pair, &spec->n_pair, -1, 0, 0);
    ll_template_add(spec->pair, &spec->n_pair, -1, 1, 1);
    return LLMCS_OK;
}

static llmcs_status read_roberta(ll_tokenizer_spec *spec, const ll_token_settings *s) {
    int32_t cls, sep;
    LL_TRY(read_byte_level(spec, s));
    spec->trim_offsets = true;
    LL_TRY(ll_token_setting_bool(s, "trim_offsets", &spec->trim_offsets));
    spec->trim_prefix_space = spec->split[0].add_prefix_space;
    LL_TRY(ll_find_role_token(spec, s, LLMCS_SPECIAL_CLS, &cls));
    LL_TRY(ll_find_role_token(spec, s, LLMCS_SPECIAL_SEP, &sep));
    ll_template_roberta(spec, cls, sep);
    return LLMCS_OK;
}

llmcs_status ll_read_older_settings(ll_tokenizer_spec *spec, const ll_token_settings *s) {
    ll_token_settings known = *s;
    LL_TRY(check_class(spec, s, &known.family));
    if (known.family == LL_TOKENS_OF_BERT) return read_bert(spec, &known);
    return known.family == LL_TOKENS_OF_GPT2 ? read_gpt2(spec, &known) : read_roberta(spec, &known);
}
