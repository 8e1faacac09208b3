/* The normalizer of tokenizer.json as a list of steps. */
#include <string.h>

#include "formats/base64.h"
#include "formats/tokenizer_read.h"

#define MAX_TEXT 1024 /* bytes of Replace's `from` and `to`: bounds the time and the growth per character */

void ll_add_normalizer(ll_tokenizer_spec *spec, ll_normalizer_step step) {
    spec->normalizer[spec->n_normalizer++] = step;
}

static void add_kind(ll_tokenizer_spec *spec, ll_normalizer_kind kind) {
    ll_add_normalizer(spec, (ll_normalizer_step){.kind = kind});
}

static llmcs_status read_text(ll_json stage, ll_json object, const char *key, ll_step_text *out) {
    char problem[100];
    LL_TRY(ll_spec_string(object, "normalizer", key, &out->at, &out->n));
    if (out->at && out->n <= MAX_TEXT) return LLMCS_OK;
    if (out->at)
        return ll_fail(LLMCS_LIMIT, "%s: normalizer, at byte %llu: \"%s\" has %u bytes, at most %d are allowed",
                       ll_json_name(stage.doc), (unsigned long long)ll_json_offset(stage), key, out->n, MAX_TEXT);
    ll_format(problem, sizeof problem, "\"%s\" is missing", key);
    return ll_spec_fail(stage, "normalizer", problem);
}

void ll_bert_steps(ll_tokenizer_spec *spec, bool clean_text, bool chinese, bool strip_accents, bool lowercase) {
    if (clean_text) add_kind(spec, LL_NORMALIZE_CLEAN_TEXT);
    if (chinese) add_kind(spec, LL_NORMALIZE_CHINESE);
    if (strip_accents) add_kind(spec, LL_NORMALIZE_NFD);
    if (strip_accents) add_kind(spec, LL_NORMALIZE_STRIP_NONSPACING);
    if (lowercase) add_kind(spec, LL_NORMALIZE_LOWERCASE);
}

static llmcs_status read_bert_normalizer(ll_tokenizer_spec *spec, ll_json stage) {
    bool clean_text = true, chinese = true, lowercase = true;
    LL_TRY(ll_spec_bool(stage, "normalizer", "clean_text", &clean_text));
    LL_TRY(ll_spec_bool(stage, "normalizer", "handle_chinese_chars", &chinese));
    LL_TRY(ll_spec_bool(stage, "normalizer", "lowercase", &lowercase));
    bool strip_accents = lowercase; /* what null means */
    LL_TRY(ll_spec_bool(stage, "normalizer", "strip_accents", &strip_accents));
    ll_bert_steps(spec, clean_text, chinese, strip_accents, lowercase);
    spec->json.clean_text = clean_text;
    spec->json.chinese = chinese;
    spec->json.strip_accents = strip_accents;
    spec->json.lowercase = lowercase;
    return LLMCS_OK;
}

/* {"String": "..."} or {"Regex": "..."}: of regular expressions the two that real files have. */
static llmcs_status read_pattern(ll_json stage, ll_normalizer_step *step) {
    ll_json pattern, regex;
    LL_TRY(ll_spec_member(stage, "normalizer", "pattern", &pattern));
    LL_TRY(ll_spec_member(pattern, "normalizer", "Regex", &regex));
    if (ll_spec_absent(regex)) return read_text(stage, pattern, "String", &step->from);
    size_t len = 0;
    const char *text = ll_json_string(regex, &len);
    step->replaced = ll_json_equals(regex, " {2,}") ? LL_REPLACE_SPACES : LL_REPLACE_WHITE_SPACE;
    if (step->replaced == LL_REPLACE_SPACES || ll_json_equals(regex, "\\s+")) return LLMCS_OK;
    return ll_fail(LLMCS_UNSUPPORTED,
                   "%s: normalizer Replace, at byte %llu: the regular expression \"%.*s\" is not supported, only "
                   "\" {2,}\" and \"\\s+\"",
                   ll_json_name(stage.doc), (unsigned long long)ll_json_offset(regex), (int)ll_min(len, 60),
                   text ? text : "");
}

static llmcs_status read_replace(ll_tokenizer_spec *spec, ll_json stage) {
    ll_normalizer_step step = {.kind = LL_NORMALIZE_REPLACE};
    LL_TRY(read_pattern(stage, &step));
    LL_TRY(read_text(stage, stage, "content", &step.to));
    ll_add_normalizer(spec, step);
    return LLMCS_OK;
}

static llmcs_status read_strip(ll_tokenizer_spec *spec, ll_json stage) {
    ll_normalizer_step step = {.kind = LL_NORMALIZE_STRIP};
    LL_TRY(ll_spec_bool(stage, "normalizer", "strip_left", &step.left));
    LL_TRY(ll_spec_bool(stage, "normalizer", "strip_right", &step.right));
    ll_add_normalizer(spec, step);
    return LLMCS_OK;
}

static llmcs_status read_prepend(ll_tokenizer_spec *spec, ll_json stage) {
    ll_normalizer_step step = {.kind = LL_NORMALIZE_PREPEND};
    LL_TRY(read_text(stage, stage, "prepend", &step.to));
    ll_add_normalizer(spec, step);
    return LLMCS_OK;
}

/* The map is Base64; null: there is none, and the step does nothing. */
static llmcs_status read_charsmap(ll_tokenizer_spec *spec, ll_json stage) {
    ll_normalizer_step step = {.kind = LL_NORMALIZE_CHARSMAP};
    const char *text = NULL;
    char *bytes;
    uint32_t len = 0;
    size_t n;
    if (ll_json_get_type(ll_json_get(stage, "precompiled_charsmap")) == LL_JSON_MISSING)
        return ll_spec_fail(stage, "normalizer", "\"precompiled_charsmap\" is missing");
    LL_TRY(ll_spec_string(stage, "normalizer", "precompiled_charsmap", &text, &len));
    if (!len) return LLMCS_OK;
    for (size_t i = 0; i < spec->n_normalizer; i++)
        if (spec->normalizer[i].kind == LL_NORMALIZE_CHARSMAP) return ll_spec_fail_kind(stage, "second normalizer");
    LL_TRY(ll_arena_alloc(&spec->arena, len, 1, "charsmap", &bytes));
    if (!ll_base64_decode(text, len, bytes, &n))
        return ll_spec_fail(stage, "normalizer", "\"precompiled_charsmap\" is not Base64");
    step.map = (ll_step_text){bytes, (uint32_t)n};
    ll_add_normalizer(spec, step);
    return LLMCS_OK;
}

static llmcs_status read_one_normalizer(ll_tokenizer_spec *spec, ll_json stage) {
    static const struct {
        const char *type;
        ll_normalizer_kind step;
    } simple[] = {{"NFD", LL_NORMALIZE_NFD},
                  {"NFC", LL_NORMALIZE_NFC},
                  {"NFKD", LL_NORMALIZE_NFKD},
                  {"NFKC", LL_NORMALIZE_NFKC},
                  {"Lowercase", LL_NORMALIZE_LOWERCASE},
                  {"StripAccents", LL_NORMALIZE_STRIP_MARKS}};
    ll_json type;
    LL_TRY(ll_spec_type(stage, "normalizer", &type));
    if (spec->n_normalizer + 5 > LL_MAX_NORMALIZER_STEPS)
        return ll_fail(LLMCS_LIMIT, "%s: more than %d normalizer steps", spec->path, LL_MAX_NORMALIZER_STEPS);
    if (ll_json_equals(type, "BertNormalizer")) return read_bert_normalizer(spec, stage);
    for (size_t i = 0; i < sizeof simple / sizeof *simple; i++) {
        if (!ll_json_equals(type, simple[i].type)) continue;
        add_kind(spec, simple[i].step);
        return LLMCS_OK;
    }
    if (ll_json_equals(type, "Replace")) return read_replace(spec, stage);
    if (ll_json_equals(type, "Strip")) return read_strip(spec, stage);
    if (ll_json_equals(type, "Prepend")) return read_prepend(spec, stage);
    if (ll_json_equals(type, "Precompiled")) return read_charsmap(spec, stage);
    return ll_spec_fail_kind(stage, "normalizer");
}

/* Replacements by longer texts multiply: "a" by "bb", then "b" by "cc", ... doubles a text with every step. All
 * together may grow a text as much as the longest single one. */
static llmcs_status check_growth(const ll_tokenizer_spec *spec) {
    size_t growth = 1;
    for (size_t i = 0; i < spec->n_normalizer; i++) {
        const ll_normalizer_step *step = &spec->normalizer[i];
        if (step->kind != LL_NORMALIZE_REPLACE) continue;
        const size_t from = step->from.n ? step->from.n : 1;
        if (step->to.n > from) growth *= ((size_t)step->to.n + from - 1) / from;
        if (growth > MAX_TEXT)
            return ll_fail(LLMCS_LIMIT,
                           "%s: normalizer: the Replace steps together can make a text more than %d times as "
                           "long",
                           spec->path, MAX_TEXT);
    }
    return LLMCS_OK;
}

llmcs_status ll_read_normalizer(ll_tokenizer_spec *spec, ll_json stage) {
    ll_json type, list;
    if (ll_spec_absent(stage)) return LLMCS_OK;
    LL_TRY(ll_spec_type(stage, "normalizer", &type));
    spec->json.bert_normalizer = ll_json_equals(type, "BertNormalizer");
    if (!ll_json_equals(type, "Sequence")) return read_one_normalizer(spec, stage);
    LL_TRY(ll_spec_sequence(stage, "normalizer", "normalizers", &list));
    for (ll_json m = ll_json_first(list); ll_json_get_type(m) != LL_JSON_MISSING; m = ll_json_next(m))
        LL_TRY(read_one_normalizer(spec, m));
    return check_growth(spec);
}
