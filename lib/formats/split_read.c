/* Pre-tokenizers of tokenizer.json with a pattern: Split, Digits, Punctuation, Whitespace, CharDelimiterSplit. */
#include <string.h>

#include "formats/tokenizer_read.h"

#define WHERE "pre_tokenizer"

static llmcs_status read_behavior(ll_json stage, ll_behavior *out) {
    ll_json v;
    size_t len;
    LL_TRY(ll_spec_member(stage, WHERE, "behavior", &v));
    if (ll_spec_absent(v)) return LLMCS_OK;
    const char *name = ll_json_string(v, &len);
    if (name && ll_behavior_find(name, len, out)) return LLMCS_OK;
    return ll_spec_fail(v, WHERE,
                        "expected a behavior of Isolated, Removed, MergedWithPrevious, MergedWithNext or Contiguous");
}

/* True for a regular expression that matches only its own text. */
static bool is_plain(const char *regex, size_t len) {
    for (size_t i = 0; i < len; i++)
        if (!regex[i] || strchr("\\^$.|?*+()[]{}", regex[i])) return false;
    return true;
}

static llmcs_status set_string(ll_json v, const char *text, size_t len, ll_split_step *step) {
    if (len == 0) return ll_spec_fail(v, WHERE, "an empty pattern is not supported");
    step->pattern = LL_PATTERN_STRING;
    step->text = (ll_step_text){text, (uint32_t)len};
    return LLMCS_OK;
}

/* {"String": "..."} or {"Regex": "..."} */
static llmcs_status read_pattern(ll_json stage, ll_split_step *step) {
    ll_json pattern, v;
    size_t len;
    LL_TRY(ll_spec_member(stage, WHERE, "pattern", &pattern));
    LL_TRY(ll_spec_member(pattern, WHERE, "String", &v));
    const char *text = ll_json_string(v, &len);
    if (text) return set_string(v, text, len, step);
    LL_TRY(ll_spec_member(pattern, WHERE, "Regex", &v));
    text = ll_json_string(v, &len);
    if (!text) return ll_spec_fail(stage, WHERE, "\"pattern\" is {\"String\": \"...\"} or {\"Regex\": \"...\"}");
    if (ll_pattern_find(text, len, &step->pattern)) return LLMCS_OK;
    if (ll_pattern_set(text, len, step->set)) {
        step->pattern = LL_PATTERN_SET;
        return LLMCS_OK;
    }
    if (is_plain(text, len)) return set_string(v, text, len, step);
    return ll_fail(LLMCS_UNSUPPORTED,
                   "%s: pre_tokenizer Split, at byte %llu: the regular expression \"%.*s\" is not supported",
                   ll_json_name(v.doc), (unsigned long long)ll_json_offset(v), (int)ll_min(len, 120), text);
}

static llmcs_status read_split(ll_json stage, ll_split_step *step) {
    ll_json v;
    LL_TRY(read_pattern(stage, step));
    LL_TRY(ll_spec_member(stage, WHERE, "behavior", &v));
    if (ll_spec_absent(v)) return ll_spec_fail(stage, WHERE, "\"behavior\" is missing");
    LL_TRY(read_behavior(stage, &step->behavior));
    return ll_spec_bool(stage, WHERE, "invert", &step->invert);
}

static llmcs_status read_delimiter(ll_json stage, ll_split_step *step) {
    ll_json v;
    size_t len;
    LL_TRY(ll_spec_member(stage, WHERE, "delimiter", &v));
    const char *text = ll_json_string(v, &len);
    if (!text) return ll_spec_fail(stage, WHERE, "\"delimiter\" is missing");
    step->behavior = LL_BEHAVIOR_REMOVED;
    return set_string(v, text, len, step);
}

llmcs_status ll_read_split(ll_json stage, ll_json type, ll_split_step *step, bool *known) {
    bool individual = false;
    *known = true;
    *step = (ll_split_step){.kind = LL_SPLIT_PATTERN, .behavior = LL_BEHAVIOR_ISOLATED};
    if (ll_json_equals(type, "Split")) return read_split(stage, step);
    if (ll_json_equals(type, "CharDelimiterSplit")) return read_delimiter(stage, step);
    if (ll_json_equals(type, "Digits")) {
        LL_TRY(ll_spec_bool(stage, WHERE, "individual_digits", &individual));
        step->pattern = individual ? LL_PATTERN_NUMBER : LL_PATTERN_NUMBERS;
        return LLMCS_OK;
    }
    if (ll_json_equals(type, "Punctuation")) {
        step->pattern = LL_PATTERN_PUNCTUATION;
        return read_behavior(stage, &step->behavior);
    }
    *known = ll_json_equals(type, "Whitespace");
    step->pattern = LL_PATTERN_WORDS_OR_REST;
    step->behavior = LL_BEHAVIOR_REMOVED;
    step->invert = true;
    return LLMCS_OK;
}
