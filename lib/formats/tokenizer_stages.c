/* The stages around the model in tokenizer.json: pre-tokenizer and post-processor. The normalizer is read in
 * tokenizer_normalizer.c, the decoder in tokenizer_decoder.c. */
#include <string.h>

#include "base/utf8.h"
#include "formats/tokenizer_read.h"

/* UNSUPPORTED naming stage and type. */
llmcs_status ll_spec_fail_kind(ll_json stage, const char *where) {
    ll_json type = ll_json_get(stage, "type");
    size_t len = 0;
    const char *name = ll_json_string(type, &len);
    return ll_fail(LLMCS_UNSUPPORTED, "%s: %s \"%.*s\", at byte %llu, is not supported", ll_json_name(stage.doc), where,
                   (int)(len < 60 ? len : 60), name ? name : "", (unsigned long long)ll_json_offset(stage));
}

llmcs_status ll_spec_type(ll_json stage, const char *where, ll_json *type) {
    if (ll_json_get_type(stage) != LL_JSON_OBJECT) return ll_spec_fail(stage, where, "an object or null is expected");
    LL_TRY(ll_spec_member(stage, where, "type", type));
    return ll_json_get_type(*type) == LL_JSON_STRING ? LLMCS_OK : ll_spec_fail(stage, where, "\"type\" is missing");
}

/* The list of a Sequence; a Sequence within one is not supported, so nothing here calls itself. */
llmcs_status ll_spec_sequence(ll_json stage, const char *where, const char *key, ll_json *list) {
    LL_TRY(ll_spec_member(stage, where, key, list));
    return ll_json_get_type(*list) == LL_JSON_ARRAY ? LLMCS_OK : ll_spec_fail(stage, where, "its list is missing");
}

/* ------------------------------------------------------------------------------------------- pre-tokenizer */

void ll_add_split(ll_tokenizer_spec *spec, ll_split_step step) { spec->split[spec->n_split++] = step; }

ll_split_step *ll_byte_level_step(ll_tokenizer_spec *spec) {
    for (size_t i = 0; i < spec->n_split; i++)
        if (spec->split[i].kind == LL_SPLIT_BYTE_LEVEL) return &spec->split[i];
    return NULL;
}

/* Metaspace's character and when it is prepended. Older files have add_prefix_space; it must agree with prepend_scheme.
 */
llmcs_status ll_read_metaspace(ll_json stage, const char *where, ll_step_text *character, ll_prepend *prepend) {
    static const char *const schemes[] = {"always", "first", "never"}; /* by ll_prepend */
    ll_json scheme;
    bool add_prefix = true;
    uint32_t cp;
    *character = (ll_step_text){"\xe2\x96\x81", 3};
    LL_TRY(ll_spec_string(stage, where, "replacement", &character->at, &character->n));
    if (!character->n || ll_utf8_decode(character->at, character->n, &cp) != character->n)
        return ll_spec_fail(stage, where, "\"replacement\" is not one character");
    LL_TRY(ll_spec_bool(stage, where, "add_prefix_space", &add_prefix));
    LL_TRY(ll_spec_member(stage, where, "prepend_scheme", &scheme));
    *prepend = add_prefix ? LL_PREPEND_ALWAYS : LL_PREPEND_NEVER;
    if (ll_spec_absent(scheme)) return LLMCS_OK;
    for (int i = 0; i < 3; i++) {
        if (!ll_json_equals(scheme, schemes[i])) continue;
        *prepend = (ll_prepend)i;
        if (!add_prefix && i != LL_PREPEND_NEVER)
            return ll_spec_fail(stage, where, "\"add_prefix_space\" is false and \"prepend_scheme\" is not \"never\"");
        return LLMCS_OK;
    }
    return ll_spec_fail(scheme, where, "\"prepend_scheme\" is \"always\", \"first\" or \"never\"");
}

static llmcs_status read_one_split(ll_tokenizer_spec *spec, ll_json stage) {
    static const char where[] = "pre_tokenizer";
    ll_json type;
    ll_split_step step = {0};
    bool known;
    LL_TRY(ll_spec_type(stage, where, &type));
    if (spec->n_split == LL_MAX_SPLIT_STEPS)
        return ll_fail(LLMCS_LIMIT, "%s: more than %d pre-tokenizer steps", spec->path, LL_MAX_SPLIT_STEPS);
    if (ll_json_equals(type, "ByteLevel") && spec->model == LL_TOKEN_BPE) {
        step = (ll_split_step){.kind = LL_SPLIT_BYTE_LEVEL, .add_prefix_space = true, .use_regex = true};
        LL_TRY(ll_spec_bool(stage, where, "add_prefix_space", &step.add_prefix_space));
        LL_TRY(ll_spec_bool(stage, where, "use_regex", &step.use_regex));
    } else if (ll_json_equals(type, "BertPreTokenizer")) {
        step.kind = LL_SPLIT_BERT;
    } else if (ll_json_equals(type, "WhitespaceSplit")) {
        step.kind = LL_SPLIT_WHITE_SPACE;
    } else if (ll_json_equals(type, "Metaspace")) {
        step = (ll_split_step){.kind = LL_SPLIT_METASPACE, .split = true};
        LL_TRY(ll_read_metaspace(stage, where, &step.text, &step.prepend));
        LL_TRY(ll_spec_bool(stage, where, "split", &step.split));
    } else {
        LL_TRY(ll_read_split(stage, type, &step, &known));
        if (!known) return ll_spec_fail_kind(stage, where);
    }
    ll_add_split(spec, step);
    return LLMCS_OK;
}

/* ByteLevel passes bytes to the model, so it must be the last step; without it BPE works on characters. */
static llmcs_status check_splits(ll_tokenizer_spec *spec, ll_json stage) {
    const bool byte_level = ll_byte_level_step(spec) != NULL;
    if (spec->model == LL_TOKEN_BPE && !byte_level) spec->model = LL_TOKEN_BPE_CHARS;
    if (byte_level && spec->byte_fallback)
        return ll_fail(LLMCS_UNSUPPORTED,
                       "%s: model.byte_fallback is true together with ByteLevel, which is not supported", spec->path);
    if (spec->model == LL_TOKEN_BPE_CHARS && spec->ignore_merges)
        return ll_fail(LLMCS_UNSUPPORTED, "%s: model.ignore_merges is true without ByteLevel, which is not supported",
                       spec->path);
    for (size_t i = 0; i + 1 < spec->n_split; i++)
        if (spec->split[i].kind == LL_SPLIT_BYTE_LEVEL)
            return ll_fail(LLMCS_UNSUPPORTED,
                           "%s: pre_tokenizer, at byte %llu: a step after ByteLevel is not supported", spec->path,
                           (unsigned long long)ll_json_offset(stage));
    return LLMCS_OK;
}

llmcs_status ll_read_pre_tokenizer(ll_tokenizer_spec *spec, ll_json stage) {
    ll_json type, list;
    if (ll_spec_absent(stage)) return check_splits(spec, stage);
    LL_TRY(ll_spec_type(stage, "pre_tokenizer", &type));
    spec->json.byte_level = ll_json_equals(type, "ByteLevel");
    if (!ll_json_equals(type, "Sequence")) {
        LL_TRY(read_one_split(spec, stage));
        return check_splits(spec, stage);
    }
    LL_TRY(ll_spec_sequence(stage, "pre_tokenizer", "pretokenizers", &list));
    for (ll_json m = ll_json_first(list); ll_json_get_type(m) != LL_JSON_MISSING; m = ll_json_next(m))
        LL_TRY(read_one_split(spec, m));
    return check_splits(spec, stage);
}

/* ------------------------------------------------------------------------------------------ post-processor */

/* ["[SEP]", 102] */
static llmcs_status read_token_pair(ll_json stage, const char *key, int32_t *id) {
    ll_json v;
    LL_TRY(ll_spec_member(stage, "post_processor", key, &v));
    if (ll_json_get_type(v) != LL_JSON_ARRAY || ll_json_count(v) != 2)
        return ll_spec_fail(stage, "post_processor", "\"sep\" and \"cls\" are a token and its id");
    return ll_spec_id(ll_json_next(ll_json_first(v)), "post_processor", id);
}

static llmcs_status read_type_id(ll_json item, uint8_t *type_id) {
    ll_json v;
    int64_t n = 0;
    LL_TRY(ll_spec_member(item, "post_processor", "type_id", &v));
    if (!ll_spec_absent(v) && (!ll_json_int64(v, &n) || n < 0 || n > 255))
        return ll_spec_fail(item, "post_processor", "a type_id is an integer from 0 to 255");
    *type_id = (uint8_t)n;
    return LLMCS_OK;
}

static llmcs_status add_special(ll_json item, ll_json tokens, uint8_t type_id, ll_template_item *out, size_t *n) {
    ll_json id, entry = {NULL, 0}, ids;
    size_t len;
    LL_TRY(ll_spec_member(item, "post_processor", "id", &id));
    const char *name = ll_json_string(id, &len);
    if (!name) return ll_spec_fail(item, "post_processor", "a special token without \"id\"");
    for (ll_json m = ll_json_first(tokens); ll_json_get_type(m) != LL_JSON_MISSING; m = ll_json_next(m)) {
        size_t key_len;
        const char *key = ll_json_key(m, &key_len);
        if (key_len == len && !memcmp(key, name, len)) entry = m;
    }
    LL_TRY(ll_spec_member(entry, "post_processor", "ids", &ids));
    if (ll_json_count(ids) == 0)
        return ll_spec_fail(item, "post_processor", "a special token that special_tokens does not list");
    for (ll_json m = ll_json_first(ids); ll_json_get_type(m) != LL_JSON_MISSING; m = ll_json_next(m)) {
        int32_t token;
        LL_TRY(ll_spec_id(m, "post_processor", &token));
        if (!ll_template_add(out, n, token, 0, type_id))
            return ll_fail(LLMCS_LIMIT, "%s: a template of more than %d items", ll_json_name(item.doc),
                           LL_MAX_TEMPLATE);
    }
    return LLMCS_OK;
}

/* One item: {"SpecialToken": {"id", "type_id"}} or {"Sequence": {"id": "A", "type_id"}}. uses: how often A and B. */
static llmcs_status read_item(ll_json item, ll_json tokens, ll_template_item *out, size_t *n, int uses[2]) {
    ll_json special, sequence, id;
    uint8_t type_id = 0;
    LL_TRY(ll_spec_member(item, "post_processor", "SpecialToken", &special));
    if (!ll_spec_absent(special)) {
        LL_TRY(read_type_id(special, &type_id));
        return add_special(special, tokens, type_id, out, n);
    }
    LL_TRY(ll_spec_member(item, "post_processor", "Sequence", &sequence));
    LL_TRY(ll_spec_member(sequence, "post_processor", "id", &id));
    bool second = ll_json_equals(id, "B");
    if (!second && !ll_json_equals(id, "A"))
        return ll_spec_fail(item, "post_processor", "neither a special token nor sequence A or B");
    LL_TRY(read_type_id(sequence, &type_id));
    uses[second]++;
    if (!ll_template_add(out, n, -1, second, type_id))
        return ll_fail(LLMCS_LIMIT, "%s: a template of more than %d items", ll_json_name(item.doc), LL_MAX_TEMPLATE);
    return LLMCS_OK;
}

static llmcs_status read_template(ll_json stage, const char *key, bool pair, ll_template_item *out, size_t *n) {
    ll_json list, tokens;
    int uses[2] = {0, 0};
    *n = 0;
    LL_TRY(ll_spec_member(stage, "post_processor", key, &list));
    LL_TRY(ll_spec_member(stage, "post_processor", "special_tokens", &tokens));
    for (ll_json m = ll_json_first(list); ll_json_get_type(m) != LL_JSON_MISSING; m = ll_json_next(m))
        LL_TRY(read_item(m, tokens, out, n, uses));
    if (uses[0] != 1 || uses[1] != (pair ? 1 : 0))
        return ll_spec_fail(stage, "post_processor",
                            pair ? "\"pair\" needs A and B once each" : "\"single\" needs A once and no B");
    return LLMCS_OK;
}

static llmcs_status read_one_post_processor(ll_tokenizer_spec *spec, ll_json stage, bool *has_template) {
    ll_json type;
    int32_t cls, sep;
    LL_TRY(ll_spec_type(stage, "post_processor", &type));
    bool roberta = ll_json_equals(type, "RobertaProcessing"), byte_level = ll_json_equals(type, "ByteLevel");
    if (roberta || byte_level) {
        spec->trim_offsets = spec->trim_prefix_space = true;
        LL_TRY(ll_spec_bool(stage, "post_processor", "trim_offsets", &spec->trim_offsets));
        LL_TRY(ll_spec_bool(stage, "post_processor", "add_prefix_space", &spec->trim_prefix_space));
    }
    if (byte_level) return LLMCS_OK;
    if (*has_template) return ll_spec_fail_kind(stage, "second post_processor");
    *has_template = true;
    if (ll_json_equals(type, "TemplateProcessing")) {
        LL_TRY(read_template(stage, "single", false, spec->single, &spec->n_single));
        return read_template(stage, "pair", true, spec->pair, &spec->n_pair);
    }
    if (!roberta && !ll_json_equals(type, "BertProcessing")) return ll_spec_fail_kind(stage, "post_processor");
    LL_TRY(read_token_pair(stage, "cls", &cls));
    LL_TRY(read_token_pair(stage, "sep", &sep));
    if (roberta)
        ll_template_roberta(spec, cls, sep);
    else
        ll_template_bert(spec, cls, sep);
    return LLMCS_OK;
}

llmcs_status ll_read_post_processor(ll_tokenizer_spec *spec, ll_json stage) {
    ll_json type, list;
    bool has_template = false;
    ll_template_plain(spec, 1);
    if (ll_spec_absent(stage)) return LLMCS_OK;
    LL_TRY(ll_spec_type(stage, "post_processor", &type));
    spec->json.trims = ll_json_equals(type, "RobertaProcessing") || ll_json_equals(type, "ByteLevel");
    if (!ll_json_equals(type, "Sequence")) return read_one_post_processor(spec, stage, &has_template);
    LL_TRY(ll_spec_sequence(stage, "post_processor", "processors", &list));
    for (ll_json m = ll_json_first(list); ll_json_get_type(m) != LL_JSON_MISSING; m = ll_json_next(m))
        LL_TRY(read_one_post_processor(spec, m, &has_template));
    return LLMCS_OK;
}
