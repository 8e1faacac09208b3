/* fields.c - see fields.h. Members of objects have the names of Transformers' and of the C structs. */
#include "fields.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -------------------------------------------------------------------------------------------------- memory */

void *arena_alloc(arena *a, size_t n, size_t size) {
    if (size && n > (SIZE_MAX - 64) / size) return NULL;
    void **block = calloc(1, n * size + 16); /* 16: the link, and alignment */
    if (!block) return NULL;
    *block = a->first;
    a->first = block;
    return (char *)block + 16;
}

void arena_free(arena *a) {
    while (a->first) {
        void *next = *(void **)a->first;
        free(a->first);
        a->first = next;
    }
}

static void *alloc(napi_env env, arena *a, size_t n, size_t size) {
    void *memory = arena_alloc(a, n, size);
    if (!memory) napi_throw_error(env, "LLMCS_NOMEM", "memory is exhausted");
    return memory;
}

/* -------------------------------------------------------------------------------------------------- values */

static int wrong(napi_env env, const char *what, const char *expected) {
    char message[256];
    snprintf(message, sizeof message, "%s: expected %s", what, expected);
    napi_throw_type_error(env, "LLMCS_ARG", message);
    return 0;
}

static napi_valuetype type_of(napi_env env, napi_value value) {
    napi_valuetype type = napi_undefined;
    napi_typeof(env, value, &type);
    return type;
}

const char *get_string(napi_env env, napi_value value, const char *what, size_t *n_bytes, arena *a) {
    size_t n = 0;
    if (napi_get_value_string_utf8(env, value, NULL, 0, &n) != napi_ok) return wrong(env, what, "a string"), NULL;
    char *text = alloc(env, a, n + 1, 1);
    if (!text || napi_get_value_string_utf8(env, value, text, n + 1, &n) != napi_ok) return NULL;
    if (n_bytes)
        *n_bytes = n;
    else if (strlen(text) != n) /* C would read it up to its NUL */
        return wrong(env, what, "a string without a NUL character"), NULL;
    return text;
}

/* Length of an array; 0 with an exception where it is none. */
static bool array_length(napi_env env, napi_value value, const char *what, const char *expected, uint32_t *n) {
    bool is = false;
    if (napi_is_array(env, value, &is) == napi_ok && is && napi_get_array_length(env, value, n) == napi_ok) return true;
    return wrong(env, what, expected);
}

static napi_value element(napi_env env, napi_value array, uint32_t i) {
    napi_value value = NULL;
    napi_get_element(env, array, i, &value);
    return value;
}

const char *const *get_strings(napi_env env, napi_value value, const char *what, size_t *n, arena *a) {
    uint32_t length = 1;
    bool one = type_of(env, value) == napi_string;
    if (!one && !array_length(env, value, what, "an array of strings", &length)) return NULL;
    const char **strings = alloc(env, a, length, sizeof *strings);
    if (!strings) return NULL;
    for (uint32_t i = 0; i < length; i++)
        if (!(strings[i] = get_string(env, one ? value : element(env, value, i), what, NULL, a))) return NULL;
    *n = length;
    return strings;
}

static bool get_text(napi_env env, napi_value value, llmcs_text *t, arena *a) {
    uint32_t length = 0;
    if (type_of(env, value) == napi_string) return (t->text = get_string(env, value, "text", &t->text_bytes, a)) != 0;
    if (!array_length(env, value, "texts", "a string, or [text, pair]", &length)) return false;
    if (length != 2) return wrong(env, "texts", "a string, or [text, pair]");
    return (t->text = get_string(env, element(env, value, 0), "text", &t->text_bytes, a)) &&
           (t->pair = get_string(env, element(env, value, 1), "pair", &t->pair_bytes, a));
}

llmcs_text *get_texts(napi_env env, napi_value value, size_t *n, arena *a) {
    uint32_t length = 0;
    if (!array_length(env, value, "texts", "an array", &length)) return NULL;
    llmcs_text *texts = alloc(env, a, length, sizeof *texts);
    for (uint32_t i = 0; texts && i < length; i++)
        if (!get_text(env, element(env, value, i), &texts[i], a)) return NULL;
    *n = length;
    return texts;
}

static bool get_integer(napi_env env, napi_value value, double least, double most, double *number) {
    bool truth;
    if (napi_get_value_bool(env, value, &truth) == napi_ok) return *number = truth, true;
    return napi_get_value_double(env, value, number) == napi_ok && *number == floor(*number) && *number >= least &&
           *number <= most;
}

int32_t *get_ids(napi_env env, napi_value value, size_t *n, arena *a) {
    bool typed = false;
    napi_typedarray_type type;
    void *data = NULL;
    uint32_t length = 1;
    double number = 0;
    if (napi_is_typedarray(env, value, &typed) == napi_ok && typed) {
        if (napi_get_typedarray_info(env, value, &type, n, &data, NULL, NULL) != napi_ok || type != napi_int32_array)
            return wrong(env, "ids", "an Int32Array, or an array of integers"), NULL;
        int32_t *copy = alloc(env, a, *n, sizeof *copy);
        if (copy && *n) memcpy(copy, data, *n * sizeof *copy);
        return copy;
    }
    bool one = type_of(env, value) == napi_number;
    if (!one && !array_length(env, value, "ids", "an Int32Array, or an array of integers", &length)) return NULL;
    int32_t *ids = alloc(env, a, length, sizeof *ids);
    for (uint32_t i = 0; ids && i < length; i++) {
        if (!get_integer(env, one ? value : element(env, value, i), INT32_MIN, INT32_MAX, &number))
            return wrong(env, "ids", "integers"), NULL;
        ids[i] = (int32_t)number;
    }
    *n = length;
    return ids;
}

/* -------------------------------------------------------------------------------------------------- fields */

static bool get_slots(napi_env env, napi_value object, llmcs_shop_slot **slots, size_t *n, arena *a) {
    napi_value keys;
    uint32_t length = 0;
    if (type_of(env, object) != napi_object || napi_get_property_names(env, object, &keys) != napi_ok ||
        napi_get_array_length(env, keys, &length) != napi_ok)
        return wrong(env, "slots", "an object of strings");
    if (!(*slots = alloc(env, a, length, sizeof **slots))) return false;
    for (uint32_t i = 0; i < length; i++) {
        napi_value key = element(env, keys, i), value = NULL;
        napi_get_property(env, object, key, &value);
        if (!((*slots)[i].name = get_string(env, key, "slots", NULL, a)) ||
            !((*slots)[i].value = get_string(env, value, "slots", NULL, a)))
            return false;
    }
    *n = length;
    return true;
}

static bool get_name(napi_env env, napi_value value, const field *f, int32_t *number, arena *a) {
    char expected[160] = "one of";
    const char *given = type_of(env, value) == napi_string ? get_string(env, value, f->name, NULL, a) : NULL;
    for (int32_t i = 0; f->names[i]; i++) {
        if (given && !strcmp(given, f->names[i])) return *number = i, true;
        snprintf(expected + strlen(expected), sizeof expected - strlen(expected), " \"%s\"", f->names[i]);
    }
    return wrong(env, f->name, expected);
}

static bool get_field(napi_env env, napi_value value, const field *f, void *into, arena *a) {
    char *at = (char *)into + f->at;
    size_t *count = (size_t *)((char *)into + f->count_at);
    double number = 0;
    bool lossless = false;
    switch (f->type) {
        case FIELD_INT32:
            if (!get_integer(env, value, INT32_MIN, INT32_MAX, &number)) return wrong(env, f->name, "an integer");
            return *(int32_t *)at = (int32_t)number, true;
        case FIELD_SIZE:
            if (!get_integer(env, value, 0, 9007199254740991.0, &number)) return wrong(env, f->name, "an integer >= 0");
            return *(size_t *)at = (size_t)number, true;
        case FIELD_UINT64:
            if (napi_get_value_bigint_uint64(env, value, (uint64_t *)at, &lossless) == napi_ok && lossless) return true;
            if (!get_integer(env, value, 0, 9007199254740991.0, &number))
                return wrong(env, f->name, "an integer >= 0, or a BigInt of 64 bits");
            return *(uint64_t *)at = (uint64_t)number, true;
        case FIELD_FLOAT:
        case FIELD_DOUBLE:
            if (napi_get_value_double(env, value, &number) != napi_ok) return wrong(env, f->name, "a number");
            if (f->type == FIELD_FLOAT)
                *(float *)at = (float)number;
            else
                *(double *)at = number;
            return true;
        case FIELD_STRING:
            return (*(const char **)at = get_string(env, value, f->name, NULL, a)) != NULL;
        case FIELD_STRINGS:
            return (*(const char *const **)at = get_strings(env, value, f->name, count, a)) != NULL;
        case FIELD_IDS:
            return (*(int32_t **)at = get_ids(env, value, count, a)) != NULL;
        case FIELD_NAME:
            return get_name(env, value, f, (int32_t *)at, a);
        case FIELD_SLOTS:
            return get_slots(env, value, (llmcs_shop_slot **)at, count, a);
    }
    return false;
}

int get_fields(napi_env env, napi_value object, const char *what, const field *table, void *into, arena *a) {
    napi_value keys;
    uint32_t n = 0;
    char message[200];
    if (type_of(env, object) == napi_undefined) return 1;
    if (type_of(env, object) != napi_object || napi_get_property_names(env, object, &keys) != napi_ok ||
        napi_get_array_length(env, keys, &n) != napi_ok)
        return wrong(env, "parameters", "an object");
    for (uint32_t i = 0; i < n; i++) {
        napi_value key = element(env, keys, i), value = NULL;
        const char *name = get_string(env, key, "a name", NULL, a);
        const field *f = table;
        if (!name || napi_get_property(env, object, key, &value) != napi_ok) return 0;
        while (f->name && strcmp(f->name, name)) f++;
        if (!f->name) {
            snprintf(message, sizeof message, "%.80s is not %s", name, what);
            return napi_throw_type_error(env, "LLMCS_ARG", message), 0;
        }
        napi_valuetype type = type_of(env, value);
        if (type != napi_undefined && type != napi_null && !get_field(env, value, f, into, a)) return 0;
    }
    return 1;
}

/* -------------------------------------------------------------------------------------------------- tables */

static const char *const weights[] = {"auto", "f32", "f16", "bf16", "int8", "int4", NULL};
static const char *const kv_types[] = {"auto", "f32", "f16", NULL};
static const char *const overflows[] = {"error", "truncate", "windows", NULL};
static const char *const poolings[] = {"auto",          "mean",          "cls",        "pooler", "max",
                                       "mean_sqrt_len", "weighted_mean", "last_token", NULL};
static const char *const normalizes[] = {"auto", "no", "l2", NULL};
static const char *const scores[] = {"auto", "logit", "sigmoid", NULL};

#define AT(type, member) offsetof(type, member), 0, NULL
#define LIST(type, member, count) offsetof(type, member), offsetof(type, count), NULL
#define NAME(type, member, names) offsetof(type, member), 0, names

const field model_fields[] = {{"n_threads", FIELD_INT32, AT(llmcs_model_options, n_threads)},
                              {"max_bytes", FIELD_UINT64, AT(llmcs_model_options, max_bytes)},
                              {"weights", FIELD_NAME, NAME(llmcs_model_options, weights, weights)},
                              {"kv_type", FIELD_NAME, NAME(llmcs_model_options, kv_type, kv_types)},
                              {"adapters", FIELD_STRINGS, LIST(llmcs_model_options, adapters, n_adapters)},
                              {0}};

const field engine_fields[] = {{"kv_bytes", FIELD_UINT64, AT(llmcs_engine_options, kv_bytes)},
                               {"n_ctx", FIELD_INT32, AT(llmcs_engine_options, n_ctx)},
                               {"max_batch", FIELD_INT32, AT(llmcs_engine_options, max_batch)},
                               {"max_queue", FIELD_INT32, AT(llmcs_engine_options, max_queue)},
                               {"max_chunk", FIELD_INT32, AT(llmcs_engine_options, max_chunk)},
                               {"step_ms", FIELD_DOUBLE, AT(llmcs_engine_options, step_ms)},
                               {0}};

const field text_fields[] = {{"max_length", FIELD_SIZE, AT(llmcs_text_params, max_length)},
                             {"stride", FIELD_SIZE, AT(llmcs_text_params, stride)},
                             {"max_windows", FIELD_SIZE, AT(llmcs_text_params, max_windows)},
                             {"overflow", FIELD_NAME, NAME(llmcs_text_params, overflow, overflows)},
                             {"pooling", FIELD_NAME, NAME(llmcs_text_params, pooling, poolings)},
                             {"normalize", FIELD_NAME, NAME(llmcs_text_params, normalize, normalizes)},
                             {"rerank_score", FIELD_NAME, NAME(llmcs_text_params, rerank_score, scores)},
                             {"prompt_name", FIELD_STRING, AT(llmcs_text_params, prompt_name)},
                             {"prompt", FIELD_STRING, AT(llmcs_text_params, prompt)},
                             {"truncate_dim", FIELD_SIZE, AT(llmcs_text_params, truncate_dim)},
                             {"deadline_ms", FIELD_DOUBLE, AT(llmcs_text_params, deadline_ms)},
                             {0}};

#define PARAM(member) AT(generate_input, params.member)
const field generate_fields[] = {
    {"max_new_tokens", FIELD_INT32, PARAM(max_new_tokens)},
    {"min_new_tokens", FIELD_INT32, PARAM(min_new_tokens)},
    {"do_sample", FIELD_INT32, PARAM(do_sample)},
    {"temperature", FIELD_FLOAT, PARAM(temperature)},
    {"top_k", FIELD_INT32, PARAM(top_k)},
    {"top_p", FIELD_FLOAT, PARAM(top_p)},
    {"min_p", FIELD_FLOAT, PARAM(min_p)},
    {"typical_p", FIELD_FLOAT, PARAM(typical_p)},
    {"repetition_penalty", FIELD_FLOAT, PARAM(repetition_penalty)},
    {"presence_penalty", FIELD_FLOAT, PARAM(presence_penalty)},
    {"frequency_penalty", FIELD_FLOAT, PARAM(frequency_penalty)},
    {"no_repeat_ngram_size", FIELD_INT32, PARAM(no_repeat_ngram_size)},
    {"num_beams", FIELD_INT32, PARAM(num_beams)},
    {"num_return_sequences", FIELD_INT32, PARAM(num_return_sequences)},
    {"length_penalty", FIELD_FLOAT, PARAM(length_penalty)},
    {"seed", FIELD_UINT64, PARAM(seed)},
    {"logprobs", FIELD_INT32, PARAM(logprobs)},
    {"top_logprobs", FIELD_INT32, PARAM(top_logprobs)},
    {"deadline_ms", FIELD_DOUBLE, PARAM(deadline_ms)},
    {"prompt_lookup_num_tokens", FIELD_INT32, PARAM(prompt_lookup_num_tokens)},
    {"guidance_scale", FIELD_FLOAT, PARAM(guidance_scale)},
    {"source_lang", FIELD_STRING, PARAM(source_lang)},
    {"target_lang", FIELD_STRING, PARAM(target_lang)},
    {"stop_strings", FIELD_STRINGS, LIST(generate_input, params.stop_strings, params.n_stop_strings)},
    {"eos_token_id", FIELD_IDS, LIST(generate_input, params.eos_token_id, params.n_eos_token_id)},
    {"json_schema", FIELD_STRING, AT(generate_input, json_schema)},
    {"regex", FIELD_STRING, AT(generate_input, regex)},
    {"choices", FIELD_STRINGS, LIST(generate_input, choices, n_choices)},
    {0}};

const field message_fields[] = {{"conversation", FIELD_STRING, AT(llmcs_shop_message, conversation)},
                                {"customer", FIELD_STRING, AT(llmcs_shop_message, customer)},
                                {"id", FIELD_STRING, AT(llmcs_shop_message, id)},
                                {"lang", FIELD_STRING, AT(llmcs_shop_message, lang)},
                                {"deadline_ms", FIELD_DOUBLE, AT(llmcs_shop_message, deadline_ms)},
                                {0}};

const field ask_fields[] = {{"lang", FIELD_STRING, AT(llmcs_shop_ask_params, lang)},
                            {"k", FIELD_SIZE, AT(llmcs_shop_ask_params, k)},
                            {"threshold", FIELD_DOUBLE, AT(llmcs_shop_ask_params, threshold)},
                            {"tags", FIELD_STRINGS, LIST(llmcs_shop_ask_params, tags, n_tags)},
                            {"slots", FIELD_SLOTS, LIST(llmcs_shop_ask_params, slots, n_slots)},
                            {0}};
