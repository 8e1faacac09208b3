/* The sizes and settings of the network in config.json, read with the lists of keys in lib/families. */
#include <math.h>
#include <string.h>

#include "families/family.h"
#include "formats/config_parts.h"

/* -------------------------------------------------------------------------------------------------- one key */

static void *field_of(ll_config *c, const ll_key *key) { return (char *)c + key->field; }

/* A size under its first name or, if that is absent, under the others. LIMIT above the maximum. */
static llmcs_status read_size(ll_config *c, const ll_settings *f, const ll_key *key) {
    int64_t n = 0;
    for (int i = 0; i < 3 && key->names[i] && n == 0; i++) LL_TRY(ll_settings_int(f, key->names[i], 1, INT32_MAX, &n));
    if (n == 0) n = (int64_t)key->by_default;
    if (n == 0) return ll_fail(LLMCS_CONFIG, "%s: %s is missing", f->name, key->names[0]);
    if (n > (int64_t)key->max)
        return ll_fail(LLMCS_LIMIT, "%s: %s: %lld, at most %lld are read", f->name, key->names[0], (long long)n,
                       (long long)key->max);
    *(int32_t *)field_of(c, key) = (int32_t)n;
    return LLMCS_OK;
}

static llmcs_status read_int(ll_config *c, const ll_settings *f, const ll_key *key) {
    int64_t n = (int64_t)key->by_default;
    for (int i = 0; i < 3 && key->names[i]; i++) {
        const int64_t min = (int64_t)key->min, max = (int64_t)key->max;
        LL_TRY(key->kind == LL_KEY_COUNT ? ll_settings_int(f, key->names[i], min, max, &n)
                                         : ll_settings_int_or_null(f, key->names[i], min, max, &n));
    }
    *(int32_t *)field_of(c, key) = (int32_t)n;
    return LLMCS_OK;
}

static llmcs_status read_bool(ll_config *c, const ll_settings *f, const ll_key *key) {
    bool *out = field_of(c, key);
    *out = key->by_default != 0;
    for (int i = 0; i < 3 && key->names[i]; i++) LL_TRY(ll_settings_bool_or_null(f, key->names[i], out));
    return LLMCS_OK;
}

static llmcs_status read_number(ll_config *c, const ll_settings *f, const ll_key *key) {
    double *out = field_of(c, key);
    *out = key->by_default;
    for (int i = 0; i < 3 && key->names[i]; i++)
        LL_TRY(ll_settings_double_or_null(f, key->names[i], key->min, key->max, out));
    return LLMCS_OK;
}

/* A number that is still positive as a float. */
static llmcs_status read_epsilon(ll_config *c, const ll_settings *f, const ll_key *key) {
    ll_json v;
    double d = key->by_default;
    for (int i = 0; i < 3 && key->names[i]; i++) {
        LL_TRY(ll_settings_find(f, key->names[i], &v));
        if (ll_json_get_type(v) != LL_JSON_MISSING && (!ll_json_double(v, &d) || !(d >= 1e-37 && d < 1)))
            return ll_settings_bad(f, key->names[i], v, "a number between 1e-37 and 1");
    }
    *(float *)field_of(c, key) = (float)d;
    return LLMCS_OK;
}

static const struct {
    const char *name;
    ll_activation activation;
} activations[] = {
    {"gelu", LL_ACT_GELU},
    {"gelu_python", LL_ACT_GELU},
    {"gelu_new", LL_ACT_GELU_NEW},
    {"gelu_fast", LL_ACT_GELU_NEW},
    {"gelu_pytorch_tanh", LL_ACT_GELU_NEW},
    {"gelu_accurate", LL_ACT_GELU_NEW},
    {"relu", LL_ACT_RELU},
    {"tanh", LL_ACT_TANH},
    {"silu", LL_ACT_SILU},
    {"swish", LL_ACT_SILU},
    {"quick_gelu", LL_ACT_QUICK_GELU},
};
#define ACTIVATION_NAMES "gelu, gelu_new, gelu_fast, gelu_pytorch_tanh, relu, tanh, silu, quick_gelu"

/* T5Config: "gated-gelu" is the tanh form of GELU. */
static bool find_gated_activation(ll_json v, ll_activation *out) {
    static const struct {
        const char *name;
        ll_activation activation;
    } gated[] = {{"gated-gelu", LL_ACT_GELU_NEW}, {"gated-silu", LL_ACT_SILU}, {"gated-relu", LL_ACT_RELU}};
    for (size_t i = 0; i < sizeof gated / sizeof *gated; i++)
        if (ll_json_equals(v, gated[i].name)) {
            *out = gated[i].activation;
            return true;
        }
    return false;
}

static llmcs_status read_activation(ll_config *c, const ll_settings *f, const ll_key *key) {
    ll_activation *out = field_of(c, key);
    *out = (ll_activation)key->by_default;
    for (int i = 0; i < 3 && key->names[i]; i++) {
        ll_json v;
        LL_TRY(ll_settings_find(f, key->names[i], &v));
        if (ll_json_get_type(v) == LL_JSON_MISSING) continue;
        if (ll_json_get_type(v) != LL_JSON_STRING)
            return ll_settings_bad(f, key->names[i], v, "the name of an activation function");
        bool known = key->kind == LL_KEY_GATED && i == 0 && find_gated_activation(v, out);
        c->gated |= known;
        for (size_t k = 0; k < sizeof activations / sizeof *activations && !known; k++)
            if (ll_json_equals(v, activations[k].name)) {
                *out = activations[k].activation;
                known = true;
            }
        if (!known) return ll_settings_unsupported(f, key->names[i], v, ACTIVATION_NAMES);
    }
    return LLMCS_OK;
}

static llmcs_status read_choice(ll_config *c, const ll_settings *f, const ll_key *key) {
    int32_t *out = field_of(c, key);
    char names[128];
    size_t used = 0;
    ll_json v;
    *out = (int32_t)key->by_default;
    LL_TRY(ll_settings_find(f, key->names[0], &v));
    if (ll_json_get_type(v) == LL_JSON_MISSING) return LLMCS_OK;
    if (ll_json_get_type(v) != LL_JSON_STRING) return ll_settings_bad(f, key->names[0], v, "a string");
    for (int32_t i = 0; key->choices[i]; i++) {
        if (ll_json_equals(v, key->choices[i])) {
            *out = i;
            return LLMCS_OK;
        }
        if (used < sizeof names)
            used += (size_t)ll_format(names + used, sizeof names - used, "%s%s", i ? ", " : "", key->choices[i]);
    }
    return ll_settings_unsupported(f, key->names[0], v, names);
}

static llmcs_status read_key(ll_config *c, const ll_settings *f, const ll_key *key) {
    switch (key->kind) {
        case LL_KEY_SIZE:
            return read_size(c, f, key);
        case LL_KEY_INT:
        case LL_KEY_COUNT:
            return read_int(c, f, key);
        case LL_KEY_BOOL:
            return read_bool(c, f, key);
        case LL_KEY_NUMBER:
            return read_number(c, f, key);
        case LL_KEY_EPS:
            return read_epsilon(c, f, key);
        case LL_KEY_ACTIVATION:
        case LL_KEY_GATED:
            return read_activation(c, f, key);
        case LL_KEY_CHOICE:
            return read_choice(c, f, key);
        case LL_KEYS_END:
            break;
    }
    return LLMCS_OK;
}

/* -------------------------------------------------------------------------------- unsupported settings */

/* Must be absent, null, false, {} or []. */
static llmcs_status must_be_off(const ll_settings *f, const char *key) {
    ll_json v;
    bool on = true;
    LL_TRY(ll_settings_find(f, key, &v));
    ll_json_type type = ll_json_get_type(v);
    if (type == LL_JSON_MISSING || type == LL_JSON_NULL || (ll_json_bool(v, &on) && !on)) return LLMCS_OK;
    if ((type == LL_JSON_OBJECT || type == LL_JSON_ARRAY) && ll_json_count(v) == 0) return LLMCS_OK;
    if (type == LL_JSON_STRING) return ll_settings_bad(f, key, v, "true or false");
    if (type == LL_JSON_NUMBER) return ll_settings_bad(f, key, v, "true or false");
    return ll_settings_unsupported(f, key, v, NULL);
}

static llmcs_status must_be_text(const ll_settings *f, const char *key, const char *text) {
    ll_json v;
    char quoted[64];
    LL_TRY(ll_settings_find(f, key, &v));
    if (ll_json_get_type(v) == LL_JSON_MISSING || ll_json_equals(v, text)) return LLMCS_OK;
    if (ll_json_get_type(v) != LL_JSON_STRING) return ll_settings_bad(f, key, v, "a string");
    ll_format(quoted, sizeof quoted, "\"%s\"", text);
    return ll_settings_unsupported(f, key, v, quoted);
}

/* Must be this number, true for 1, or absent. */
static llmcs_status must_be_number(const ll_settings *f, const char *key, double number) {
    ll_json v;
    double d;
    char text[32];
    LL_TRY(ll_settings_find(f, key, &v));
    bool on;
    if (ll_json_get_type(v) == LL_JSON_MISSING || ll_json_get_type(v) == LL_JSON_NULL) return LLMCS_OK;
    if (number == 1 && ll_json_bool(v, &on)) return on ? LLMCS_OK : ll_settings_unsupported(f, key, v, "true");
    if (isnan(number)) return ll_settings_unsupported(f, key, v, "null");
    ll_format(text, sizeof text, "%g", number);
    if (!ll_json_double(v, &d)) return ll_settings_bad(f, key, v, text);
    return d == number ? LLMCS_OK : ll_settings_unsupported(f, key, v, text);
}

/* For every family. */
static const ll_must_be common[] = {
    {"quantization_config", NULL, 0},
    {"is_encoder_decoder", NULL, 0},
    {"add_cross_attention", NULL, 0},
    {"scale_attn_by_inverse_layer_idx", NULL, 0},
    {"pruned_heads", NULL, 0},
    {"position_embedding_type", "absolute", 0},
    {0},
};

static bool is_in(const ll_must_be *list, const char *key) {
    for (; list && list->key; list++)
        if (strcmp(list->key, key) == 0) return true;
    return false;
}

/* Checks the keys of `list`, except those that are also in `but`. */
static llmcs_status check_must_be(const ll_settings *f, const ll_must_be *list, const ll_must_be *but) {
    for (const ll_must_be *m = list; m && m->key; m++) {
        if (is_in(but, m->key)) continue;
        if (m->text)
            LL_TRY(must_be_text(f, m->key, m->text));
        else if (m->number != 0)
            LL_TRY(must_be_number(f, m->key, m->number));
        else
            LL_TRY(must_be_off(f, m->key));
    }
    return LLMCS_OK;
}

/* ---------------------------------------------------------------------------------------------- token ids */

static llmcs_status read_token_ids(ll_config *c, const ll_settings *f, const ll_log *log) {
    const int32_t bos = c->family->tokens.bos, eos = c->family->tokens.eos, pad = c->family->tokens.pad;
    c->bos_token_id = bos < c->vocab_size ? bos : -1;
    c->pad_token_id = pad < c->vocab_size ? pad : -1;
    c->sep_token_id = -1;
    LL_TRY(ll_config_token_id(c, f, "bos_token_id", log, &c->bos_token_id));
    LL_TRY(ll_config_token_id(c, f, "pad_token_id", log, &c->pad_token_id));
    LL_TRY(ll_config_token_id(c, f, "sep_token_id", log, &c->sep_token_id));
    c->decoder_start_token_id = -1;
    if (ll_family_has_source(c->family)) {
        const int32_t start = c->family->tokens.start;
        c->decoder_start_token_id = start < c->vocab_size ? start : -1;
        LL_TRY(ll_config_token_id(c, f, "decoder_start_token_id", log, &c->decoder_start_token_id));
    }
    if (eos >= 0 && eos < c->vocab_size) {
        LL_TRY(ll_arena_alloc(&c->arena, 1, sizeof *c->eos_token_id, f->name, &c->eos_token_id));
        c->eos_token_id[0] = eos;
        c->n_eos_token_id = 1;
    }
    return ll_config_eos_ids(c, f, log);
}

/* RoBERTa counts positions from padding_idx + 1 (create_position_ids_from_input_ids). BART counts from 2, and its
 * tables have two rows more than max_position_embeddings (BartLearnedPositionalEmbedding). */
static llmcs_status read_position_offset(ll_config *c, const ll_settings *f) {
    const ll_positions_kind kind = c->family->stack[0].embed.positions;
    int64_t pad = c->family->tokens.pad;
    if (kind == LL_POSITIONS_FROM_TWO) {
        c->position_offset = 2;
        c->n_positions += 2; /* LL_MAX_POSITIONS leaves space for them */
    }
    if (kind != LL_POSITIONS_AFTER_PADDING) return LLMCS_OK;
    LL_TRY(ll_settings_int_or_null(f, "pad_token_id", 0, (int64_t)c->vocab_size - 1, &pad));
    if (pad + 1 >= c->n_positions)
        return ll_fail(LLMCS_CONFIG, "%s: max_position_embeddings: %d leaves no position after pad_token_id %lld",
                       f->name, c->n_positions, (long long)pad);
    c->position_offset = (int32_t)pad + 1;
    return LLMCS_OK;
}

/* ------------------------------------------------------------------------------------------------- network */

llmcs_status ll_config_complete(ll_config *c, const char *file, const char *const keys[3]) {
    if (c->n_inner == 0) c->n_inner = (int32_t)ll_min((size_t)4 * (size_t)c->n_embd, LL_MAX_INNER);
    if (c->n_kv_head == 0) c->n_kv_head = c->n_head;
    if (c->n_embd_in == 0) c->n_embd_in = c->n_embd;
    if (c->n_head % c->n_kv_head)
        return ll_fail(LLMCS_CONFIG, "%s: %s: %d is not a multiple of %s: %d", file, keys[1], (int)c->n_head, keys[2],
                       (int)c->n_kv_head);
    if (c->head_dim) return LLMCS_OK;
    if (c->n_embd % c->n_head)
        return ll_fail(LLMCS_CONFIG, "%s: %s: %d is not a multiple of %s: %d", file, keys[0], (int)c->n_embd, keys[1],
                       (int)c->n_head);
    c->head_dim = c->n_embd / c->n_head;
    return LLMCS_OK;
}

/* The first name of a field's key in the family's files, for messages. */
static const char *name_of_field(const ll_family *family, size_t field) {
    for (const ll_key *k = family->keys; k->kind; k++)
        if (k->field == field && k->names[0]) return k->names[0];
    return "";
}

/* The encoder of an encoder-decoder has the decoder's sizes if the family has no separate keys for them. */
static llmcs_status complete_encoder(ll_config *c, const char *file) {
    if (!ll_family_has_source(c->family)) return LLMCS_OK;
    if (!c->encoder.vocab_size) c->encoder.vocab_size = c->vocab_size;
    if (!c->encoder.n_inner) c->encoder.n_inner = c->n_inner;
    if (!c->encoder.n_head) c->encoder.n_head = c->n_head;
    c->encoder.head_dim = c->head_dim;
    if (c->n_buckets && c->max_distance <= c->n_buckets / 2)
        return ll_fail(LLMCS_CONFIG, "%s: %s: %d is not more than half of %s: %d", file,
                       name_of_field(c->family, offsetof(ll_config, max_distance)), (int)c->max_distance,
                       name_of_field(c->family, offsetof(ll_config, n_buckets)), (int)c->n_buckets);
    if (c->encoder.n_head == c->n_head) return LLMCS_OK;
    if (c->n_embd % c->encoder.n_head)
        return ll_fail(LLMCS_CONFIG, "%s: %s: %d is not a multiple of %s: %d", file,
                       name_of_field(c->family, offsetof(ll_config, n_embd)), (int)c->n_embd,
                       name_of_field(c->family, offsetof(ll_config, encoder.n_head)), (int)c->encoder.n_head);
    c->encoder.head_dim = c->n_embd / c->encoder.n_head;
    return LLMCS_OK;
}

llmcs_status ll_config_nested(const ll_config *c, const ll_settings *f, ll_settings *nested, bool *there) {
    const ll_family *family;
    const ll_model_type *m = ll_family_find(c->model_type, &family);
    *nested = *f;
    *there = false;
    if (!m || !m->nested) return LLMCS_OK;
    LL_TRY(ll_settings_find(f, m->nested, &nested->root));
    *there = ll_json_get_type(nested->root) == LL_JSON_OBJECT;
    if (*there) return LLMCS_OK;
    return ll_settings_bad(f, m->nested, nested->root, "an object with the text model's settings");
}

llmcs_status ll_config_network(ll_config *c, const ll_settings *file, const ll_log *log) {
    static const ll_key vocab = LL_SIZE(vocab_size, LL_MAX_VOCAB_SIZE, "vocab_size");
    const char *const names[3] = {name_of_field(c->family, offsetof(ll_config, n_embd)),
                                  name_of_field(c->family, offsetof(ll_config, n_head)),
                                  name_of_field(c->family, offsetof(ll_config, n_kv_head))};
    ll_settings nested;
    bool is_nested;
    LL_TRY(ll_config_nested(c, file, &nested, &is_nested));
    const ll_settings *f = &nested;
    if (is_nested) LL_TRY(check_must_be(file, common, c->family->must_be));
    LL_TRY(check_must_be(f, common, c->family->must_be));
    LL_TRY(check_must_be(f, c->family->must_be, NULL));
    if (!name_of_field(c->family, offsetof(ll_config, vocab_size))[0]) LL_TRY(read_size(c, f, &vocab));
    c->scale_attn_weights = true;
    for (const ll_key *k = c->family->keys; k->kind == LL_KEY_SIZE; k++) LL_TRY(read_key(c, f, k));
    for (const ll_key *k = c->family->keys; k->kind; k++)
        if (k->kind != LL_KEY_SIZE) LL_TRY(read_key(c, f, k));
    LL_TRY(ll_config_complete(c, f->name, names));
    LL_TRY(complete_encoder(c, f->name));
    LL_TRY(ll_config_rope(c, f));
    c->tie_word_embeddings = !c->family->untied;
    LL_TRY(ll_settings_bool_or_null(f, "tie_word_embeddings", &c->tie_word_embeddings));
    LL_TRY(read_position_offset(c, f));
    LL_TRY(read_token_ids(c, f, log));
    if (!is_nested) return LLMCS_OK; /* the outer object's token ids and tie_word_embeddings take precedence */
    LL_TRY(ll_settings_bool_or_null(file, "tie_word_embeddings", &c->tie_word_embeddings));
    LL_TRY(ll_config_token_id(c, file, "bos_token_id", log, &c->bos_token_id));
    LL_TRY(ll_config_token_id(c, file, "pad_token_id", log, &c->pad_token_id));
    return ll_config_eos_ids(c, file, log);
}

static size_t add_must_be(const ll_must_be *list, const char *out[LL_MAX_NETWORK_KEYS], size_t n) {
    for (; list && list->key && n + 1 < LL_MAX_NETWORK_KEYS; list++) out[n++] = list->key;
    return n;
}

const char *const *ll_config_network_keys(const ll_config *c, const char *out[LL_MAX_NETWORK_KEYS]) {
    size_t n = add_must_be(c->family->must_be, out, add_must_be(common, out, 0));
    for (const ll_key *k = c->family->keys; k->kind; k++)
        for (int i = 0; i < 3 && k->names[i] && n + 1 < LL_MAX_NETWORK_KEYS; i++) out[n++] = k->names[i];
    static const char *const rotary[] = {"rope_scaling", "rope_parameters", "no_rope_layers", NULL};
    static const char *const windows[] = {"layer_types", "use_sliding_window", NULL};
    const ll_stack_spec *s = &c->family->stack[0];
    for (const char *const *k = rotary; s->attn.rotary && *k && n + 1 < LL_MAX_NETWORK_KEYS; k++) out[n++] = *k;
    for (const char *const *k = windows; s->attn.window && *k && n + 1 < LL_MAX_NETWORK_KEYS; k++) out[n++] = *k;
    for (const char *const *k = c->family->harmless; k && *k && n + 1 < LL_MAX_NETWORK_KEYS; k++) out[n++] = *k;
    out[n] = NULL;
    return out;
}
