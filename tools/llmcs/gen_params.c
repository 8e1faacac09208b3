#include "gen_params.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define AT(field) offsetof(gen_params, params.field)

const cli_option gen_options[] = {
    {"max_new_tokens", CLI_INT, AT(max_new_tokens), "at most that many new tokens"},
    {"min_new_tokens", CLI_INT, AT(min_new_tokens), "no end before that many"},
    {"do_sample", CLI_SWITCH, AT(do_sample), "draw instead of taking the most probable"},
    {"greedy", CLI_FLAG, offsetof(gen_params, greedy), "do not draw, whatever generation_config.json says"},
    {"temperature", CLI_FLOAT, AT(temperature), "below 1 sharper, above 1 flatter"},
    {"top_k", CLI_INT, AT(top_k), "draw among the k most probable (0: off)"},
    {"top_p", CLI_FLOAT, AT(top_p), "draw among the most probable that sum to p (1: off)"},
    {"min_p", CLI_FLOAT, AT(min_p), "drop what is less probable than that share of the best (0: off)"},
    {"repetition_penalty", CLI_FLOAT, AT(repetition_penalty), "above 1: tokens seen before become less probable"},
    {"presence_penalty", CLI_FLOAT, AT(presence_penalty), "taken once from the logit of every token generated"},
    {"frequency_penalty", CLI_FLOAT, AT(frequency_penalty), "taken for each time the token was generated"},
    {"no_repeat_ngram_size", CLI_INT, AT(no_repeat_ngram_size), "no sequence of n tokens twice (0: off)"},
    {"num_beams", CLI_INT, AT(num_beams), "beam search of that width"},
    {"num_return_sequences", CLI_INT, AT(num_return_sequences), "how many answers"},
    {"early_stopping", CLI_EARLY, AT(early_stopping), "when beam search ends"},
    {"length_penalty", CLI_FLOAT, AT(length_penalty), "beam scores are divided by length ** this"},
    {"seed", CLI_UINT64, AT(seed), "same seed, same text"},
    {"deadline_ms", CLI_DOUBLE, AT(deadline_ms), "stop after that long with what there is (0: off)"},
    {"logprobs", CLI_SWITCH, AT(logprobs), "log-probability of each token"},
    {"parse_special", CLI_FLAG, offsetof(gen_params, parse_special), "special tokens in the prompt's text are tokens"},
    {"prompt_lookup_num_tokens", CLI_INT, AT(prompt_lookup_num_tokens),
     "guess so many tokens from what was said before: same text, sooner (0: off)"},
    {"max_matching_ngram_size", CLI_INT, AT(max_matching_ngram_size), "for that, look for the last so many tokens (2)"},
    {"eos_token_id", CLI_STRING, offsetof(gen_params, eos), "end tokens instead of the model's: id[,id...]"},
    {"stop_strings", CLI_STRINGS, offsetof(gen_params, stop), "end before this text (may be repeated)"},
    {"max_batch", CLI_INT, offsetof(gen_params, max_batch), "with --jsonl: sequences that are worked together (64)"},
    {"kv_bytes", CLI_UINT64, offsetof(gen_params, kv_bytes),
     "with --jsonl: memory for keys and values (eight full contexts)"},
};
enum { N_MANY = 2 };
const size_t gen_n_many_options = sizeof gen_options / sizeof *gen_options;
const size_t gen_n_options = sizeof gen_options / sizeof *gen_options - N_MANY;

int gen_finish_options(gen_params *g) {
    if (g->parse_special) g->params.encode_flags |= LLMCS_PARSE_SPECIAL;
    if (g->greedy) g->params.do_sample = 0;
    g->params.stop_strings = g->stop.items;
    g->params.n_stop_strings = g->stop.n;
    if (!g->eos) return EXIT_OK;
    g->eos_ids = calloc(strlen(g->eos) + 1, sizeof *g->eos_ids);
    if (!g->eos_ids) return EXIT_FAILED;
    size_t n = 0;
    for (const char *p = g->eos; *p;) {
        char *end;
        long id = strtol(p, &end, 10);
        if (end == p || (*end && *end != ',') || id < 0 || id > INT32_MAX) {
            fprintf(stderr, "llmcs: --eos-token-id: '%s' is no list of ids\n", g->eos);
            return EXIT_USAGE;
        }
        g->eos_ids[n++] = (int32_t)id;
        p = *end ? end + 1 : end;
    }
    g->params.eos_token_id = g->eos_ids;
    g->params.n_eos_token_id = n;
    return EXIT_OK;
}

static llmcs_status wrong(const char *key, const char *expected) {
    return request_error(LLMCS_ARG, "\"%s\" must be %s", key, expected);
}

/* One plain value of a request into its place. */
static llmcs_status store(const cli_option *o, const json_t *v, gen_params *g) {
    char *at = (char *)g + o->offset;
    json_int_t i = json_is_integer(v) ? json_integer_value(v) : 0;
    double x = json_is_number(v) ? json_number_value(v) : 0;
    switch (o->kind) {
        case CLI_FLAG:
            if (!json_is_boolean(v)) return wrong(o->name, "true or false");
            *(bool *)(void *)at = json_is_true(v);
            return LLMCS_OK;
        case CLI_SWITCH:
            if (!json_is_boolean(v)) return wrong(o->name, "true or false");
            *(int32_t *)(void *)at = json_is_true(v);
            return LLMCS_OK;
        case CLI_INT:
            if (!json_is_integer(v) || i < INT32_MIN || i > INT32_MAX) return wrong(o->name, "a 32-bit integer");
            *(int32_t *)(void *)at = (int32_t)i;
            return LLMCS_OK;
        case CLI_UINT64:
            if (!json_is_integer(v) || i < 0) return wrong(o->name, "an integer, 0 or more");
            *(uint64_t *)(void *)at = (uint64_t)i;
            return LLMCS_OK;
        case CLI_FLOAT:
            if (!json_is_number(v)) return wrong(o->name, "a number");
            *(float *)(void *)at = (float)x;
            return LLMCS_OK;
        case CLI_DOUBLE:
            if (!json_is_number(v)) return wrong(o->name, "a number");
            *(double *)(void *)at = x;
            return LLMCS_OK;
        case CLI_EARLY:
            if (json_is_boolean(v))
                *(llmcs_early_stopping *)(void *)at =
                    json_is_true(v) ? LLMCS_EARLY_STOPPING_TRUE : LLMCS_EARLY_STOPPING_FALSE;
            else if (json_is_string(v) && !strcmp(json_string_value(v), "never"))
                *(llmcs_early_stopping *)(void *)at = LLMCS_EARLY_STOPPING_NEVER;
            else
                return wrong(o->name, "true, false or \"never\"");
            return LLMCS_OK;
        default:
            return LLMCS_OK; /* lists: below */
    }
}

static llmcs_status read_eos(gen_params *g, const json_t *request) {
    const json_t *v = json_object_get(request, "eos_token_id");
    size_t n = 1;
    if (!v || json_is_null(v)) return LLMCS_OK;
    if (json_is_array(v)) {
        llmcs_status status = request_ids(request, "eos_token_id", true, &g->eos_ids, &n);
        if (status) return status;
    } else {
        if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > INT32_MAX)
            return wrong("eos_token_id", "a token id or a list of them");
        g->eos_ids = malloc(sizeof *g->eos_ids);
        if (!g->eos_ids) return request_error(LLMCS_NOMEM, "no memory");
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
    size_t n = json_array_size(v);
    g->bad_words = calloc(n + 1, sizeof *g->bad_words);
    if (!g->bad_words) return request_error(LLMCS_NOMEM, "no memory");
    for (; g->n_bad_words < n; g->n_bad_words++) {
        json_t *one = json_pack("{sO}", "bad_words_ids", json_array_get(v, g->n_bad_words));
        int32_t *ids = NULL;
        size_t n_ids = 0;
        llmcs_status status = request_ids(one, "bad_words_ids", true, &ids, &n_ids);
        json_decref(one);
        if (status) return status;
        g->bad_words[g->n_bad_words] = (llmcs_ids){ids, n_ids};
    }
    g->params.bad_words_ids = g->bad_words;
    g->params.n_bad_words_ids = n;
    return LLMCS_OK;
}

/* {"id": bias, ...} */
static llmcs_status read_bias(gen_params *g, const json_t *request) {
    json_t *v = json_object_get(request, "logit_bias");
    if (!v || json_is_null(v)) return LLMCS_OK;
    if (!json_is_object(v)) return wrong("logit_bias", "an object, {\"token id\": bias, ...}");
    g->bias = calloc(json_object_size(v) + 1, sizeof *g->bias);
    if (!g->bias) return request_error(LLMCS_NOMEM, "no memory");
    size_t n = 0;
    for (void *at = json_object_iter(v); at; at = json_object_iter_next(v, at), n++) {
        const char *key = json_object_iter_key(at);
        char *end;
        long id = strtol(key, &end, 10);
        if (!*key || *end || id < 0 || id > INT32_MAX || !json_is_number(json_object_iter_value(at)))
            return wrong("logit_bias", "an object, {\"token id\": bias, ...}");
        g->bias[n] = (llmcs_logit_bias){(int32_t)id, (float)json_number_value(json_object_iter_value(at))};
    }
    g->params.logit_bias = g->bias;
    g->params.n_logit_bias = n;
    return LLMCS_OK;
}

static llmcs_status read_lookup_ids(gen_params *g, const json_t *request) {
    llmcs_status status =
        request_ids(request, "prompt_lookup_ids", false, &g->lookup_ids, &g->params.n_prompt_lookup_ids);
    g->params.prompt_lookup_ids = g->lookup_ids;
    return status;
}

static llmcs_status read_stop_strings(gen_params *g, const json_t *request) {
    const json_t *v = json_object_get(request, "stop_strings");
    if (!v || json_is_null(v)) return LLMCS_OK;
    size_t n = json_is_string(v) ? 1 : json_array_size(v);
    g->stop_strings = calloc(n + 1, sizeof *g->stop_strings);
    if (!g->stop_strings) return request_error(LLMCS_NOMEM, "no memory");
    for (size_t i = 0; i < n; i++) {
        const json_t *e = json_is_string(v) ? v : json_array_get(v, i);
        if (!json_is_string(e) || strlen(json_string_value(e)) != json_string_length(e))
            return wrong("stop_strings", "a string or a list of strings without NUL");
        g->stop_strings[i] = json_string_value(e);
    }
    if (!json_is_string(v) && !json_is_array(v)) return wrong("stop_strings", "a string or a list of strings");
    g->params.stop_strings = g->stop_strings;
    g->params.n_stop_strings = n;
    return LLMCS_OK;
}

static bool known_list(const char *key, const char *const *also) {
    static const char *const lists[] = {"eos_token_id", "bad_words_ids",     "logit_bias", "stop_strings",
                                        "pad_token_id", "prompt_lookup_ids", NULL};
    for (size_t i = 0; lists[i]; i++)
        if (!strcmp(key, lists[i])) return true;
    for (; *also; also++)
        if (!strcmp(key, *also)) return true;
    return false;
}

llmcs_status gen_from_request(gen_params *g, const llmcs_generate_params *base, const json_t *request,
                              const char *const *also) {
    memset(g, 0, sizeof *g);
    g->params = *base;
    for (void *at = json_object_iter((json_t *)request); at; at = json_object_iter_next((json_t *)request, at)) {
        const char *key = json_object_iter_key(at);
        const json_t *v = json_object_iter_value(at);
        size_t i = 0;
        while (i < gen_n_options && strcmp(gen_options[i].name, key)) i++;
        if (i == gen_n_options) {
            if (!known_list(key, also)) return request_error(LLMCS_ARG, "unknown key \"%.100s\"", key);
            continue;
        }
        llmcs_status status = json_is_null(v) ? LLMCS_OK : store(&gen_options[i], v, g);
        if (status) return status;
    }
    if (g->parse_special) g->params.encode_flags |= LLMCS_PARSE_SPECIAL;
    if (g->greedy) g->params.do_sample = 0;
    llmcs_status status;
    if ((status = read_eos(g, request)) || (status = read_bad_words(g, request)) || (status = read_bias(g, request)) ||
        (status = read_lookup_ids(g, request)))
        return status;
    return read_stop_strings(g, request);
}

void gen_free(gen_params *g) {
    for (size_t i = 0; i < g->n_bad_words; i++) free((void *)(uintptr_t)g->bad_words[i].ids);
    free(g->bad_words);
    free(g->eos_ids);
    free(g->bias);
    free(g->stop_strings);
    free(g->lookup_ids);
}
