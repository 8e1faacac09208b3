/*
 * Reads bodies of chat and text completions. OpenAI's names and meanings; top_k, min_p, repetition_penalty and
 * chat_template_kwargs as other servers have them. A key whose effect this server lacks is refused by its name, unless
 * its value has no effect.
 */
#include "gen_body.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_STOPS = 16, MAX_BIAS = 4096, MAX_SCHEMA_BYTES = 256 << 10 };

static bool refuse(gen_fault *f, const char *code, const char *param, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
static bool refuse(gen_fault *f, const char *code, const char *param, const char *fmt, ...) {
    va_list args;
    f->code = code;
    snprintf(f->param, sizeof f->param, "%s", param);
    va_start(args, fmt);
    vsnprintf(f->message, sizeof f->message, fmt, args);
    va_end(args);
    return false;
}

static bool no_memory(gen_fault *f, const char *param) {
    return refuse(f, "out_of_memory", param, "no memory for \"%s\"", param);
}

/* Null is the same as absent. */
static const json_t *find_value(const json_t *body, const char *key) {
    const json_t *v = json_object_get(body, key);
    return json_is_null(v) ? NULL : v;
}

/* A string without NUL; NULL: something else. */
static const char *plain_string(const json_t *v) {
    const char *text = json_string_value(v);
    return text && strlen(text) == json_string_length(v) ? text : NULL;
}

/* ---- single values */

static bool read_bool(const json_t *body, const char *key, bool *value, gen_fault *f) {
    const json_t *v = find_value(body, key);
    if (v && !json_is_boolean(v)) return refuse(f, "invalid_type", key, "\"%s\" must be true or false", key);
    if (v) *value = json_is_true(v);
    return true;
}

static bool read_number(const json_t *body, const char *key, double low, double high, gen_number *number,
                        gen_fault *f) {
    const json_t *v = find_value(body, key);
    if (!v) return true;
    if (!json_is_number(v)) return refuse(f, "invalid_type", key, "\"%s\" must be a number", key);
    *number = (gen_number){true, json_number_value(v)};
    if (number->value >= low && number->value <= high) return true;
    return refuse(f, "invalid_value", key, "\"%s\" must be from %g to %g", key, low, high);
}

/* If absent *value is unchanged. */
static bool read_integer(const json_t *body, const char *key, json_int_t low, json_int_t high, json_int_t *value,
                         gen_fault *f) {
    const json_t *v = find_value(body, key);
    if (!v) return true;
    if (!json_is_integer(v)) return refuse(f, "invalid_type", key, "\"%s\" must be an integer", key);
    *value = json_integer_value(v);
    if (*value >= low && *value <= high) return true;
    return refuse(f, "invalid_value", key, "\"%s\" must be from %lld to %lld", key, (long long)low, (long long)high);
}

static bool read_model(gen_body *b, const json_t *body, gen_fault *f) {
    const json_t *v = find_value(body, "model");
    if (!v) return refuse(f, "missing", "model", "\"model\" is missing; GET /v1/models lists them");
    b->model = plain_string(v);
    return b->model || refuse(f, "invalid_type", "model", "\"model\" must be a string");
}

static bool read_max_tokens(gen_body *b, const json_t *body, gen_fault *f) {
    json_int_t n = 0;
    if (find_value(body, "max_tokens") && find_value(body, "max_completion_tokens"))
        return refuse(f, "invalid_value", "max_tokens",
                      "\"max_tokens\" and \"max_completion_tokens\" are the same parameter");
    if (!read_integer(body, "max_tokens", 1, INT32_MAX, &n, f) ||
        !read_integer(body, "max_completion_tokens", 1, INT32_MAX, &n, f))
        return false;
    b->max_tokens = (int32_t)n;
    return true;
}

static bool read_sampling(gen_body *b, const json_t *body, gen_fault *f) {
    json_int_t top_k = 0, seed = 0;
    if (!read_number(body, "temperature", 0, 100, &b->temperature, f) ||
        !read_number(body, "top_p", 0, 1, &b->top_p, f) || !read_number(body, "min_p", 0, 1, &b->min_p, f) ||
        !read_number(body, "presence_penalty", -2, 2, &b->presence_penalty, f) ||
        !read_number(body, "frequency_penalty", -2, 2, &b->frequency_penalty, f) ||
        !read_number(body, "repetition_penalty", 0.01, 100, &b->repetition_penalty, f) ||
        !read_integer(body, "top_k", 0, INT32_MAX, &top_k, f) ||
        !read_integer(body, "seed", INT64_MIN, INT64_MAX, &seed, f))
        return false;
    b->top_k = (gen_number){find_value(body, "top_k") != NULL, (double)top_k};
    b->has_seed = find_value(body, "seed") != NULL;
    b->seed = (uint64_t)seed;
    return true;
}

static bool read_stream(gen_body *b, const json_t *body, gen_fault *f) {
    const json_t *options = find_value(body, "stream_options");
    const char *key;
    json_t *value;
    if (!read_bool(body, "stream", &b->stream, f)) return false;
    if (!options) return true;
    if (!json_is_object(options))
        return refuse(f, "invalid_type", "stream_options", "\"stream_options\" must be an object");
    if (!b->stream) return refuse(f, "invalid_value", "stream_options", "\"stream_options\" needs \"stream\": true");
    json_object_foreach((json_t *)(uintptr_t)options, key, value) if (strcmp(key, "include_usage") != 0) return refuse(
        f, "unknown_parameter", "stream_options", "\"stream_options\" has only include_usage");
    if (read_bool(options, "include_usage", &b->include_usage, f)) return true;
    snprintf(f->param, sizeof f->param, "stream_options.include_usage");
    return false;
}

static bool read_logprobs(gen_body *b, const json_t *body, bool chat, gen_fault *f) {
    json_int_t top = -1;
    if (!chat) {
        if (!read_integer(body, "logprobs", 0, GEN_MAX_TOP, &top, f)) return false;
        b->logprobs = top >= 0;
        b->top_logprobs = top > 0 ? (int32_t)top : 0;
        return true;
    }
    if (!read_bool(body, "logprobs", &b->logprobs, f) || !read_integer(body, "top_logprobs", 0, GEN_MAX_TOP, &top, f))
        return false;
    if (top > 0 && !b->logprobs)
        return refuse(f, "invalid_value", "top_logprobs", "\"top_logprobs\" needs \"logprobs\": true");
    b->top_logprobs = top > 0 ? (int32_t)top : 0;
    return true;
}

/* ---- lists */

static bool read_stop(gen_body *b, const json_t *body, gen_fault *f) {
    const json_t *v = find_value(body, "stop");
    if (!v) return true;
    if (!json_is_string(v) && !json_is_array(v))
        return refuse(f, "invalid_type", "stop", "\"stop\" must be a string or a list of strings");
    const size_t n = json_is_string(v) ? 1 : json_array_size(v);
    if (n > MAX_STOPS) return refuse(f, "invalid_value", "stop", "\"stop\" may have at most %d strings", MAX_STOPS);
    b->stop = calloc(n + 1, sizeof *b->stop);
    if (!b->stop) return no_memory(f, "stop");
    for (; b->n_stop < n; b->n_stop++) {
        const char *stop = plain_string(json_is_string(v) ? v : json_array_get(v, b->n_stop));
        if (!stop || !*stop)
            return refuse(f, "invalid_value", "stop", "\"stop\" must be strings that are not empty, without NUL");
        b->stop[b->n_stop] = stop;
    }
    return true;
}

static bool read_bias(gen_body *b, const json_t *body, gen_fault *f) {
    const json_t *v = find_value(body, "logit_bias");
    const char *key;
    json_t *value;
    if (!v) return true;
    if (!json_is_object(v) || json_object_size(v) > MAX_BIAS)
        return refuse(f, "invalid_type", "logit_bias", "\"logit_bias\" must be {\"token id\": number}, at most %d",
                      MAX_BIAS);
    b->bias = calloc(json_object_size(v) + 1, sizeof *b->bias);
    if (!b->bias) return no_memory(f, "logit_bias");
    json_object_foreach((json_t *)(uintptr_t)v, key, value) {
        char *end;
        const long id = *key >= '0' && *key <= '9' ? strtol(key, &end, 10) : -1;
        const double bias = json_number_value(value);
        if (id < 0 || *end || id > INT32_MAX || !json_is_number(value) || bias < -100 || bias > 100)
            return refuse(f, "invalid_value", "logit_bias", "\"logit_bias\" must be {\"token id\": -100 to 100}");
        b->bias[b->n_bias++] = (llmcs_logit_bias){(int32_t)id, (float)bias};
    }
    return true;
}

static bool read_ids(const json_t *list, const char *key, gen_prompt *p, gen_fault *f) {
    const size_t n = json_array_size(list);
    if (!n) return refuse(f, "invalid_value", key, "\"%s\": a list of token ids is empty", key);
    p->ids = malloc(n * sizeof *p->ids);
    if (!p->ids) return no_memory(f, key);
    for (; p->n_ids < n; p->n_ids++) {
        const json_t *e = json_array_get(list, p->n_ids);
        const json_int_t id = json_integer_value(e);
        if (!json_is_integer(e) || id < 0 || id > INT32_MAX)
            return refuse(f, "invalid_token", key, "\"%s\": element %zu of a list is not a token id", key, p->n_ids);
        p->ids[p->n_ids] = (int32_t)id;
    }
    return true;
}

static bool read_one(const json_t *v, const char *key, gen_prompt *p, gen_fault *f) {
    if (json_is_array(v)) return read_ids(v, key, p, f);
    if (!json_is_string(v))
        return refuse(f, "invalid_type", key, "\"%s\" must be a string, a list of strings, or lists of token ids", key);
    p->text = json_string_value(v);
    p->len = json_string_length(v);
    return true;
}

bool gen_prompts_read(const json_t *value, const char *key, size_t max, gen_prompt **prompts, size_t *n, gen_fault *f) {
    *n = 0;
    *prompts = NULL;
    if (!value || json_is_null(value)) return refuse(f, "missing", key, "\"%s\" is missing", key);
    const bool list = json_is_array(value) && !json_is_integer(json_array_get(value, 0));
    const size_t wanted = list ? json_array_size(value) : 1;
    if (!wanted) return refuse(f, "invalid_value", key, "\"%s\" is empty", key);
    if (wanted > max) return refuse(f, "limit_exceeded", key, "\"%s\" has %zu elements, at most %zu", key, wanted, max);
    *prompts = calloc(wanted, sizeof **prompts);
    if (!*prompts) return no_memory(f, key);
    for (; *n < wanted; ++*n)
        if (!read_one(list ? json_array_get(value, *n) : value, key, &(*prompts)[*n], f)) {
            ++*n; /* a partly read element is freed, too */
            return false;
        }
    return true;
}

void gen_prompts_free(gen_prompt *prompts, size_t n) {
    for (size_t i = 0; i < n; i++) free(prompts[i].ids);
    free(prompts);
}

/* ---- messages */

static bool bad_message(gen_fault *f, size_t i, const char *member, const char *says) {
    char param[40];
    snprintf(param, sizeof param, "messages[%zu]%s%s", i, *member ? "." : "", member);
    return refuse(f, "invalid_value", param, "\"%s\" %s", param, says);
}

/* A string, or the texts of parts one after the other. New, or NULL. */
static json_t *read_content(const json_t *content, size_t i, gen_fault *f) {
    if (json_is_string(content)) return json_incref((json_t *)(uintptr_t)content);
    size_t n = 0, at = 0;
    for (size_t k = 0; k < json_array_size(content); k++) {
        const json_t *part = json_array_get(content, k);
        const char *type = plain_string(json_object_get(part, "type"));
        const json_t *text = json_object_get(part, "text");
        if (!type || strcmp(type, "text") != 0 || !json_is_string(text)) {
            bad_message(f, i, "content", "may have parts of type text alone");
            return NULL;
        }
        n += json_string_length(text);
    }
    if (!json_is_array(content)) {
        bad_message(f, i, "content", "must be a string or a list of parts");
        return NULL;
    }
    char *joined = malloc(n + 1);
    for (size_t k = 0; joined && k < json_array_size(content); k++) {
        const json_t *text = json_object_get(json_array_get(content, k), "text");
        memcpy(joined + at, json_string_value(text), json_string_length(text));
        at += json_string_length(text);
    }
    json_t *string = joined ? json_stringn(joined, n) : NULL;
    free(joined);
    if (!string) no_memory(f, "messages");
    return string;
}

static bool add_message(gen_body *b, const json_t *message, size_t i, gen_fault *f) {
    const char *key;
    json_t *value;
    const char *role = plain_string(json_object_get(message, "role"));
    if (!json_is_object(message)) return bad_message(f, i, "", "must be an object");
    json_object_foreach((json_t *)(uintptr_t)message, key, value) {
        if (strcmp(key, "role") != 0 && strcmp(key, "content") != 0 && !json_is_null(value))
            return bad_message(f, i, "", "may have role and content; tools and names are not supported");
    }
    if (role && !strcmp(role, "developer")) role = "system"; /* OpenAI's newer name for it */
    if (!role || (strcmp(role, "system") != 0 && strcmp(role, "user") != 0 && strcmp(role, "assistant") != 0))
        return bad_message(f, i, "role", "must be system, developer, user or assistant");
    json_t *content = read_content(json_object_get(message, "content"), i, f);
    if (!content) return false;
    json_t *copy = json_pack("{ssso}", "role", role, "content", content);
    return (copy && !json_array_append_new(b->messages, copy)) || no_memory(f, "messages");
}

static bool read_messages(gen_body *b, const json_t *body, gen_fault *f) {
    const json_t *list = find_value(body, "messages");
    if (!list) return refuse(f, "missing", "messages", "\"messages\" is missing");
    if (!json_is_array(list) || !json_array_size(list))
        return refuse(f, "invalid_type", "messages", "\"messages\" must be a list of at least one message");
    if (!(b->messages = json_array())) return no_memory(f, "messages");
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!add_message(b, json_array_get(list, i), i, f)) return false;
    return true;
}

/* ---- response_format */

static bool read_response_format(gen_body *b, const json_t *body, gen_fault *f) {
    const json_t *format = find_value(body, "response_format"), *schema = NULL;
    const char *type = plain_string(json_object_get(format, "type"));
    if (!format) return true;
    if (!type) return refuse(f, "invalid_type", "response_format", "\"response_format\" must be {\"type\": ...}");
    if (!strcmp(type, "text")) return true;
    if (!strcmp(type, "json_object")) {
        b->schema = strdup("{\"type\":\"object\"}");
        return b->schema || no_memory(f, "response_format");
    }
    if (strcmp(type, "json_schema") != 0)
        return refuse(f, "invalid_value", "response_format.type",
                      "\"response_format.type\" must be text, json_object or json_schema");
    schema = json_object_get(json_object_get(format, "json_schema"), "schema");
    if (!json_is_object(schema))
        return refuse(f, "missing", "response_format.json_schema.schema",
                      "\"response_format\" needs {\"json_schema\": {\"schema\": {...}}}");
    b->schema = json_dumps(schema, JSON_COMPACT);
    if (!b->schema) return no_memory(f, "response_format");
    if (strlen(b->schema) <= MAX_SCHEMA_BYTES) return true;
    return refuse(f, "limit_exceeded", "response_format.json_schema.schema", "the schema is longer than 256 KiB");
}

static bool read_variables(gen_body *b, const json_t *body, gen_fault *f) {
    const json_t *v = find_value(body, "chat_template_kwargs");
    if (!v) return true;
    if (!json_is_object(v))
        return refuse(f, "invalid_type", "chat_template_kwargs", "\"chat_template_kwargs\" must be an object");
    b->variables = json_dumps(v, JSON_COMPACT);
    return b->variables || no_memory(f, "chat_template_kwargs");
}

/* ---- keys */

/* Keys whose one accepted value says what this server does anyway. */
static bool has_no_effect(const char *key, const json_t *v, size_t n) {
    const char *text = plain_string(v);
    if (!strcmp(key, "tools") || !strcmp(key, "functions")) return json_is_array(v) && !json_array_size(v);
    if (!strcmp(key, "tool_choice") || !strcmp(key, "function_call"))
        return text && (!strcmp(text, "none") || !strcmp(text, "auto"));
    if (!strcmp(key, "store")) return json_is_false(v);
    if (!strcmp(key, "service_tier")) return text && (!strcmp(text, "auto") || !strcmp(text, "default"));
    if (!strcmp(key, "modalities"))
        return json_array_size(v) == 1 && (text = plain_string(json_array_get(v, 0))) && !strcmp(text, "text");
    if (!strcmp(key, "best_of")) return json_is_integer(v) && json_integer_value(v) == (json_int_t)n;
    if (!strcmp(key, "suffix")) return text && !*text;
    return false;
}

static bool is_in(const char *key, const char *const *list) {
    while (*list && strcmp(*list, key) != 0) list++;
    return *list != NULL;
}

/* Keys for the host's statistics (end user, group of requests), which do not change the answer. */
static bool check_names(const json_t *body, gen_fault *f) {
    static const char *const names[] = {"user", "prompt_cache_key", "safety_identifier"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const json_t *v = find_value(body, names[i]);
        if (v && !json_is_string(v)) return refuse(f, "invalid_type", names[i], "\"%s\" must be a string", names[i]);
    }
    return true;
}

static bool check_keys(const json_t *body, bool chat, size_t n, gen_fault *f) {
    static const char *const both[] = {"model",
                                       "stream",
                                       "stream_options",
                                       "n",
                                       "max_tokens",
                                       "temperature",
                                       "top_p",
                                       "top_k",
                                       "min_p",
                                       "seed",
                                       "stop",
                                       "presence_penalty",
                                       "logit_bias",
                                       "frequency_penalty",
                                       "repetition_penalty",
                                       "response_format",
                                       "logprobs",
                                       "user",
                                       NULL};
    static const char *const of_chat[] = {"messages",
                                          "max_completion_tokens",
                                          "top_logprobs",
                                          "prompt_cache_key",
                                          "safety_identifier",
                                          "chat_template_kwargs",
                                          NULL};
    static const char *const of_text[] = {"prompt", "echo", NULL};
    static const char *const lacking[] = {"tools",        "tool_choice", "functions", "function_call", "store",
                                          "service_tier", "modalities",  "best_of",   "suffix",        NULL};
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)body, key, value) {
        if (is_in(key, both) || is_in(key, chat ? of_chat : of_text) || json_is_null(value)) continue;
        if (is_in(key, lacking) && has_no_effect(key, value, n)) continue;
        if (is_in(key, lacking)) return refuse(f, "unsupported_parameter", key, "\"%s\" is not supported", key);
        return refuse(f, "unknown_parameter", key, "\"%.100s\" is not a parameter of this call", key);
    }
    return true;
}

bool gen_body_read(gen_body *b, const json_t *body, bool chat, const gen_bounds *bounds, gen_fault *f) {
    json_int_t n = 1;
    *b = (gen_body){.n = 1};
    *f = (gen_fault){.code = "invalid_value"};
    if (!read_integer(body, "n", 1, (json_int_t)bounds->max_choices, &n, f)) return false;
    b->n = (size_t)n;
    if (!check_keys(body, chat, b->n, f) || !check_names(body, f) || !read_model(b, body, f)) return false;
    if (chat ? !read_messages(b, body, f)
             : !gen_prompts_read(json_object_get(body, "prompt"), "prompt", bounds->max_prompts, &b->prompts,
                                 &b->n_prompts, f))
        return false;
    if (!read_stream(b, body, f) || !read_max_tokens(b, body, f) || !read_sampling(b, body, f) ||
        !read_stop(b, body, f) || !read_bias(b, body, f) || !read_logprobs(b, body, chat, f) ||
        !read_response_format(b, body, f) || !read_variables(b, body, f) || !read_bool(body, "echo", &b->echo, f))
        return false;
    if (b->echo && b->logprobs)
        return refuse(f, "unsupported_parameter", "echo", "\"echo\" together with \"logprobs\" is not supported");
    if (b->n * (chat ? 1 : b->n_prompts) > bounds->max_choices)
        return refuse(f, "limit_exceeded", "n", "\"n\" times prompts may be at most %zu", bounds->max_choices);
    return true;
}

void gen_body_free(gen_body *b) {
    json_decref(b->messages);
    gen_prompts_free(b->prompts, b->n_prompts);
    free(b->stop);
    free(b->bias);
    free(b->schema);
    free(b->variables);
    *b = (gen_body){0};
}
