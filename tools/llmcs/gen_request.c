/* Generation parameters of a line of JSON. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gen_params.h"

static llmcs_status wrong(const char *key, const char *expected) {
    return request_error(LLMCS_ARG, "\"%s\" must be %s", key, expected);
}

/* An integer, or one that only fits as a string of digits. */
static bool read_uint64(const json_t *v, uint64_t *out) {
    if (json_is_integer(v)) {
        *out = (uint64_t)json_integer_value(v);
        return json_integer_value(v) >= 0;
    }
    const char *digits = json_string_value(v);
    if (!digits || !*digits) return false;
    *out = 0;
    for (; *digits; digits++) {
        const uint64_t digit = (uint64_t)(*digits - '0');
        if (digit > 9 || *out > (UINT64_MAX - digit) / 10) return false;
        *out = 10 * *out + digit;
    }
    return true;
}

static llmcs_status store_name(const cli_option *o, const json_t *v, void *at) {
    const char *name = json_is_boolean(v) ? (json_is_true(v) ? "true" : "false") : json_string_value(v);
    for (int32_t i = 0; name && o->names[i]; i++)
        if (!strcmp(o->names[i], name)) {
            *(int32_t *)at = i;
            return LLMCS_OK;
        }
    return wrong(o->name, "true, false or \"never\"");
}

/* Stores one plain value in its option's member. */
static llmcs_status store(const cli_option *o, const json_t *v, gen_params *g) {
    void *at = (char *)g + o->offset;
    const json_int_t i = json_integer_value(v);
    switch (o->kind) {
        case CLI_FLAG:
            if (!json_is_boolean(v)) return wrong(o->name, "true or false");
            *(bool *)at = json_is_true(v);
            return LLMCS_OK;
        case CLI_SWITCH:
            if (!json_is_boolean(v)) return wrong(o->name, "true or false");
            *(int32_t *)at = json_is_true(v);
            return LLMCS_OK;
        case CLI_INT:
            if (!json_is_integer(v) || i < INT32_MIN || i > INT32_MAX) return wrong(o->name, "a 32-bit integer");
            *(int32_t *)at = (int32_t)i;
            return LLMCS_OK;
        case CLI_UINT64:
            return read_uint64(v, at) ? LLMCS_OK : wrong(o->name, "an integer from 0 to 2^64 - 1");
        case CLI_FLOAT:
            if (!json_is_number(v)) return wrong(o->name, "a number");
            *(float *)at = (float)json_number_value(v);
            return LLMCS_OK;
        case CLI_DOUBLE:
            if (!json_is_number(v)) return wrong(o->name, "a number");
            *(double *)at = json_number_value(v);
            return LLMCS_OK;
        case CLI_NAME:
            return store_name(o, v, at);
        case CLI_STRING:
            if (!json_is_string(v) || strlen(json_string_value(v)) != json_string_length(v))
                return wrong(o->name, "a string without NUL");
            *(const char **)at = json_string_value(v);
            return LLMCS_OK;
        default:
            return LLMCS_OK; /* lists are handled below */
    }
}

static llmcs_status read_eos(gen_params *g, const json_t *request) {
    const json_t *v = json_object_get(request, "eos_token_id");
    if (!v || json_is_null(v)) return LLMCS_OK;
    size_t n = 1;
    if (json_is_array(v)) {
        const llmcs_status status = request_id_list(v, "eos_token_id", &g->eos_ids, &n);
        if (status) return status;
    } else {
        if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > INT32_MAX)
            return wrong("eos_token_id", "a token id or a list of them");
        g->eos_ids = malloc(sizeof *g->eos_ids);
        if (!g->eos_ids) return request_error(LLMCS_NOMEM, "no memory for \"eos_token_id\"");
        *g->eos_ids = (int32_t)json_integer_value(v);
    }
    g->params.eos_token_id = g->eos_ids;
    g->params.n_eos_token_id = n;
    return LLMCS_OK;
}

static llmcs_status read_bad_words(gen_params *g, const json_t *request) {
    const json_t *v = json_object_get(request, "bad_words_ids");
    if (!v || json_is_null(v)) return LLMCS_OK;
    if (!json_is_array(v)) return wrong("bad_words_ids", "a list of lists of token ids");
    const size_t n = json_array_size(v);
    g->bad_words = calloc(n + 1, sizeof *g->bad_words);
    if (!g->bad_words) return request_error(LLMCS_NOMEM, "no memory for \"bad_words_ids\"");
    for (; g->n_bad_words < n; g->n_bad_words++) {
        int32_t *ids = NULL;
        size_t n_ids = 0;
        const llmcs_status status = request_id_list(json_array_get(v, g->n_bad_words), "bad_words_ids", &ids, &n_ids);
        if (status) return status;
        g->bad_words[g->n_bad_words] = (llmcs_ids){ids, n_ids};
    }
    g->params.bad_words_ids = g->bad_words;
    g->params.n_bad_words_ids = n;
    return LLMCS_OK;
}

/* A number; "-inf", "-Infinity", -1e999 (a string by now) or null forbid the token. */
static bool read_bias_value(const json_t *v, float *bias) {
    const char *text = json_string_value(v);
    char *end = NULL;
    const double x = json_is_null(v) ? -INFINITY : text ? strtod(text, &end) : json_number_value(v);
    *bias = (float)x;
    if (text) return end != text && !*end && x == -INFINITY;
    return json_is_null(v) || json_is_number(v);
}

static llmcs_status read_bias(gen_params *g, const json_t *request) {
    json_t *v = json_object_get(request, "logit_bias"), *value;
    const char *key;
    if (!v || json_is_null(v)) return LLMCS_OK;
    if (!json_is_object(v)) return wrong("logit_bias", "an object, {\"token id\": number or \"-inf\", ...}");
    g->bias = calloc(json_object_size(v) + 1, sizeof *g->bias);
    if (!g->bias) return request_error(LLMCS_NOMEM, "no memory for \"logit_bias\"");
    size_t n = 0;
    json_object_foreach(v, key, value) {
        char *end;
        const long id = strtol(key, &end, 10);
        if (*key < '0' || *key > '9' || *end || id > INT32_MAX || !read_bias_value(value, &g->bias[n].bias))
            return wrong("logit_bias", "an object, {\"token id\": number or \"-inf\", ...}");
        g->bias[n++].id = (int32_t)id;
    }
    g->params.logit_bias = g->bias;
    g->params.n_logit_bias = n;
    return LLMCS_OK;
}

/* [[[id, ...], bias], ...], as in generation_config.json. */
static llmcs_status read_sequence_bias(gen_params *g, const json_t *request) {
    static const char expected[] = "a list of pairs, [[[id, ...], number], ...]";
    const json_t *v = json_object_get(request, "sequence_bias");
    if (!v || json_is_null(v)) return LLMCS_OK;
    if (!json_is_array(v)) return wrong("sequence_bias", expected);
    const size_t n = json_array_size(v);
    g->sequence_bias = calloc(n + 1, sizeof *g->sequence_bias);
    if (!g->sequence_bias) return request_error(LLMCS_NOMEM, "no memory for \"sequence_bias\"");
    for (; g->n_sequence_bias < n; g->n_sequence_bias++) {
        const json_t *pair = json_array_get(v, g->n_sequence_bias);
        llmcs_sequence_bias *out = &g->sequence_bias[g->n_sequence_bias];
        int32_t *ids = NULL;
        if (json_array_size(pair) != 2 || !read_bias_value(json_array_get(pair, 1), &out->bias))
            return wrong("sequence_bias", expected);
        const llmcs_status status = request_id_list(json_array_get(pair, 0), "sequence_bias", &ids, &out->ids.n_ids);
        if (status) return status;
        out->ids.ids = ids;
    }
    g->params.sequence_bias = g->sequence_bias;
    g->params.n_sequence_bias = n;
    return LLMCS_OK;
}

/* [start, factor] */
static llmcs_status read_decay(gen_params *g, const json_t *request) {
    static const char key[] = "exponential_decay_length_penalty";
    const json_t *v = json_object_get(request, key), *start = json_array_get(v, 0), *factor = json_array_get(v, 1);
    if (!v || json_is_null(v)) return LLMCS_OK;
    if (json_array_size(v) != 2 || !json_is_integer(start) || json_integer_value(start) < 0 ||
        json_integer_value(start) > INT32_MAX || !json_is_number(factor))
        return wrong(key, "[start, factor], a number of tokens and a number");
    g->params.exponential_decay_start = (int32_t)json_integer_value(start);
    g->params.exponential_decay_factor = (float)json_number_value(factor);
    return LLMCS_OK;
}

/* A request's negative prompt replaces that of the command line. */
static llmcs_status read_negative_ids(gen_params *g, const json_t *request) {
    size_t n = 0;
    const llmcs_status status = request_ids(request, "negative_prompt_ids", false, &g->negative_ids, &n);
    if (!status && g->negative_ids) g->params.negative_prompt_ids = (llmcs_ids){g->negative_ids, n};
    return status;
}

static llmcs_status make_choices(gen_params *g, const llmcs_tokenizer *t, const json_t *list) {
    const size_t n = json_array_size(list);
    const char **choices = calloc(n + 1, sizeof *choices);
    llmcs_status status = choices ? LLMCS_OK : LLMCS_NOMEM;
    for (size_t i = 0; !status && i < n; i++) {
        const json_t *e = json_array_get(list, i);
        choices[i] = json_string_value(e);
        if (!choices[i] || strlen(choices[i]) != json_string_length(e))
            status = wrong("choices", "a list of strings without NUL");
    }
    if (!status && (status = llmcs_grammar_choices(t, choices, n, &g->grammar)))
        status = request_error(status, "%s", llmcs_error_message());
    free(choices);
    return status;
}

llmcs_status gen_set_grammar(gen_params *g, const llmcs_model *model, const json_t *request) {
    const json_t *schema = json_object_get(request, "json_schema"), *regex = json_object_get(request, "regex");
    const json_t *choices = json_object_get(request, "choices");
    const llmcs_tokenizer *t = llmcs_model_tokenizer(model);
    llmcs_status status = LLMCS_OK;
    if (!schema && !regex && !choices) return LLMCS_OK;
    if (!!schema + !!regex + !!choices > 1)
        return request_error(LLMCS_ARG, "give one of \"json_schema\", \"regex\" and \"choices\"");
    if (!t) return request_error(LLMCS_TOKENIZER, "a grammar needs the model's tokenizer");
    if (choices) {
        status = make_choices(g, t, choices);
    } else {
        char *text = schema ? json_dumps(schema, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
        const char *pattern = json_string_value(regex);
        if (schema ? !text : !pattern) return wrong(schema ? "json_schema" : "regex", schema ? "a schema" : "a string");
        status = schema ? llmcs_grammar_json_schema(t, text, LLMCS_NUL, &g->grammar)
                        : llmcs_grammar_regex(t, pattern, json_string_length(regex), &g->grammar);
        free(text);
        if (status) status = request_error(status, "%s", llmcs_error_message());
    }
    g->params.grammar = g->grammar;
    return status;
}

static llmcs_status read_lookup_ids(gen_params *g, const json_t *request) {
    const llmcs_status status =
        request_ids(request, "prompt_lookup_ids", false, &g->lookup_ids, &g->params.n_prompt_lookup_ids);
    g->params.prompt_lookup_ids = g->lookup_ids;
    return status;
}

/* Lists of ids; a number is a list of one. */
static const struct {
    const char *key;
    size_t offset;
} id_lists[GEN_N_ID_LISTS] = {
    {"suppress_tokens", offsetof(llmcs_generate_params, suppress_tokens)},
    {"begin_suppress_tokens", offsetof(llmcs_generate_params, begin_suppress_tokens)},
    {"forced_bos_token_id", offsetof(llmcs_generate_params, forced_bos_token_id)},
    {"forced_eos_token_id", offsetof(llmcs_generate_params, forced_eos_token_id)},
    {"decoder_input_ids", offsetof(llmcs_generate_params, decoder_input_ids)},
};

static llmcs_status read_id_lists(gen_params *g, const json_t *request) {
    for (size_t i = 0; i < GEN_N_ID_LISTS; i++) {
        json_t *v = json_object_get(request, id_lists[i].key), *list;
        size_t n;
        if (!v || json_is_null(v)) continue;
        list = json_is_integer(v) ? json_pack("[O]", v) : json_incref(v);
        const llmcs_status status = request_id_list(list, id_lists[i].key, &g->id_lists[i], &n);
        json_decref(list);
        if (status) return status;
        const llmcs_ids ids = {g->id_lists[i], n};
        memcpy((char *)&g->params + id_lists[i].offset, &ids, sizeof ids);
    }
    return LLMCS_OK;
}

static llmcs_status read_stop_strings(gen_params *g, const json_t *request, const char *key) {
    const json_t *v = json_object_get(request, key);
    if (!v || json_is_null(v)) return LLMCS_OK;
    if (!json_is_string(v) && !json_is_array(v)) return wrong(key, "a string or a list of strings");
    const size_t n = json_is_string(v) ? 1 : json_array_size(v);
    g->stop_strings = calloc(n + 1, sizeof *g->stop_strings);
    if (!g->stop_strings) return request_error(LLMCS_NOMEM, "no memory for \"%s\"", key);
    for (size_t i = 0; i < n; i++) {
        const json_t *e = json_is_string(v) ? v : json_array_get(v, i);
        if (!json_is_string(e) || strlen(json_string_value(e)) != json_string_length(e))
            return wrong(key, "a string or a list of strings without NUL");
        g->stop_strings[i] = json_string_value(e);
    }
    g->params.stop_strings = g->stop_strings;
    g->params.n_stop_strings = n;
    return LLMCS_OK;
}

/* OpenAI's names; of two names for one parameter a request gives one. */
static const char *const aliases[][2] = {{"max_tokens", "max_new_tokens"}, {"stop", "stop_strings"}};

static llmcs_status resolve_alias(const json_t *request, const char **key) {
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++) {
        if (strcmp(*key, aliases[i][0]) != 0) continue;
        *key = aliases[i][1];
        if (json_object_get(request, *key))
            return request_error(LLMCS_ARG, "\"%s\" and \"%s\" are the same parameter", aliases[i][0], *key);
    }
    return LLMCS_OK;
}

static const cli_option *find_option(const char *key) {
    for (size_t i = GEN_FIRST_KEY; i < GEN_KEYS; i++)
        if ((i < GEN_CHAT_KEYS || i >= GEN_CHAT) && !strcmp(gen_options[i].name, key)) return &gen_options[i];
    return NULL;
}

static bool is_list_key(const char *key, const char *const *also) {
    static const char *const lists[] = {"id",
                                        "eos_token_id",
                                        "bad_words_ids",
                                        "logit_bias",
                                        "pad_token_id",
                                        "sequence_bias",
                                        "negative_prompt_ids",
                                        "prompt_lookup_ids",
                                        "exponential_decay_length_penalty",
                                        NULL};
    for (size_t i = 0; lists[i]; i++)
        if (!strcmp(key, lists[i])) return true;
    for (size_t i = 0; i < GEN_N_ID_LISTS; i++)
        if (!strcmp(key, id_lists[i].key)) return true;
    for (; *also; also++)
        if (!strcmp(key, *also)) return true;
    return false;
}

static llmcs_status read_plain_values(gen_params *g, const json_t *request, const char *const *also) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)request, key, value) {
        const char *name = key;
        llmcs_status status = resolve_alias(request, &name);
        if (status) return status;
        const cli_option *o = find_option(name);
        if (!o && !is_list_key(name, also)) return request_unknown_key(key);
        if (!o || json_is_null(value)) continue;
        if ((status = store(o, value, g))) return status;
    }
    return LLMCS_OK;
}

static bool gives(const json_t *request, const char *key) {
    const json_t *value = json_object_get(request, key);
    return value && !json_is_null(value);
}

llmcs_status gen_from_request(gen_params *g, const gen_params *base, const json_t *request, const char *const *also) {
    memset(g, 0, sizeof *g);
    g->params = base->params;
    g->parse_special = base->parse_special;
    llmcs_status status = read_plain_values(g, request, also);
    if (status) return status;
    if (g->params.max_length > 0 && gives(request, "max_length") && !gives(request, "max_new_tokens") &&
        !gives(request, "max_tokens"))
        g->params.max_new_tokens = 0; /* else the default number of new tokens would go before */
    if (g->parse_special && !base->parse_special)
        return request_error(LLMCS_ARG,
                             "\"parse_special\" needs the option --parse-special: text of users must not "
                             "become control tokens");
    if (!g->parse_special) g->params.encode_flags &= ~LLMCS_PARSE_SPECIAL;
    if (g->greedy && json_is_true(json_object_get(request, "do_sample")))
        return request_error(LLMCS_ARG, "\"greedy\" and \"do_sample\" contradict each other");
    if (g->greedy) g->params.do_sample = 0;
    const char *stop = json_object_get(request, "stop") ? "stop" : "stop_strings";
    if ((status = read_eos(g, request)) || (status = read_bad_words(g, request)) || (status = read_bias(g, request)) ||
        (status = read_sequence_bias(g, request)) || (status = read_decay(g, request)) ||
        (status = read_negative_ids(g, request)) || (status = read_lookup_ids(g, request)) ||
        (status = read_id_lists(g, request)))
        return status;
    return read_stop_strings(g, request, stop);
}
