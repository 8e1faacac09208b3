/*
 * /v1/embeddings (OpenAI's), /v1/rerank (as Cohere's and Jina's), /v1/classify and /v1/tag: calls that compute at once,
 * on worker threads. Concurrent ones share forward passes.
 */
#include <math.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "gen_body.h"
#include "label_set.h"
#include "request.h"
#include "server.h"

/* ---- what they share */

/* One call: its model and texts. */
typedef struct call {
    exchange *exchange;
    served *model;
    llmcs_text *texts; /* [n] */
    llmcs_text_info *infos;
    size_t n;
    char **owned; /* [n] texts made of token ids, or NULL */
    gen_prompt *inputs;
    size_t n_inputs;
    llmcs_text_params params;
} call;

static void end_call(call *c) {
    for (size_t i = 0; c->owned && i < c->n; i++) free(c->owned[i]);
    free(c->owned);
    free(c->texts);
    free(c->infos);
    gen_prompts_free(c->inputs, c->n_inputs);
    if (c->model) models_release(c->model);
}

static bool alloc_texts(call *c, size_t n) {
    c->n = n;
    c->texts = calloc(n + 1, sizeof *c->texts);
    c->infos = calloc(n + 1, sizeof *c->infos);
    c->owned = calloc(n + 1, sizeof *c->owned);
    if (c->texts && c->infos && c->owned) {
        c->infos->struct_size = sizeof *c->infos;
        return true;
    }
    reply_json(c->exchange, 500, NULL);
    return false;
}

static bool fail_library(call *c, llmcs_status status) {
    reply_status(c->exchange, status, request_message());
    return false;
}

/* Parses one of `names`, which are in the order of an enum from `first`. */
static bool read_choice(exchange *x, const char *key, const char *const *names, int first, int *value) {
    const char *text;
    if (!x_name(x, key, false, &text)) return false;
    for (int i = 0; text && names[i]; i++)
        if (!strcmp(names[i], text)) {
            *value = first + i;
            return true;
        }
    if (!text) return true;
    reply_error(x, 400, "invalid_value", key, "\"%s\" has no value \"%.40s\"", key, text);
    return false;
}

/* Reads overflow, max_length and stride, and sets the deadline. */
static bool read_params(call *c) {
    exchange *x = c->exchange;
    int overflow = LLMCS_OVERFLOW_TRUNCATE;
    int64_t max_length, stride;
    llmcs_text_params_init(&c->params);
    if (!read_choice(x, "overflow", cli_overflow_names, 0, &overflow) ||
        !x_int(x, "max_length", 0, INT32_MAX, 0, &max_length) || !x_int(x, "stride", 0, INT32_MAX, 0, &stride))
        return false;
    c->params.overflow = (llmcs_overflow)overflow;
    c->params.max_length = (size_t)max_length;
    c->params.stride = (size_t)stride;
    c->params.cancel = &x->cancelled;
    c->params.deadline_ms = x_remaining_ms(x);
    return true;
}

/* The text of token ids, if the tokenizer encodes it to the same ids, so that the answer is the same. */
static bool decode_input(call *c, size_t i) {
    const llmcs_tokenizer *t = llmcs_model_tokenizer(c->model->model);
    const gen_prompt *p = &c->inputs[i];
    size_t n;
    bool same = false;
    llmcs_status status = cli_decode(t, p->ids, p->n_ids, LLMCS_SKIP_SPECIAL, &c->owned[i], &n);
    for (uint32_t special = 0; !status && !same && special < 2; special++) {
        cli_encoding e;
        status = cli_encode(t, c->owned[i], n, NULL, 0, special ? LLMCS_ADD_SPECIAL_TOKENS : 0, &e);
        same = !status && e.n == p->n_ids && !memcmp(e.ids, p->ids, e.n * sizeof *e.ids);
        cli_encoding_free(&e);
    }
    if (status) return fail_library(c, status);
    c->texts[i] = (llmcs_text){c->owned[i], n, NULL, 0};
    if (same) return true;
    reply_error(c->exchange, 400, "invalid_token", "input",
                "input %zu: these token ids are not those of a text with the tokenizer of \"%s\"; send the text", i,
                c->model->config->name);
    return false;
}

/* "input": a text or a list of them, with `ids` also token ids. */
static bool read_input(call *c, bool ids) {
    exchange *x = c->exchange;
    gen_fault fault;
    if (!gen_prompts_read(json_object_get(x->json, "input"), "input", (size_t)x->server->config.limits.max_texts,
                          &c->inputs, &c->n_inputs, &fault)) {
        reply_error(x, 400, fault.code, fault.param, "%s", fault.message);
        return false;
    }
    if (!alloc_texts(c, c->n_inputs)) return false;
    for (size_t i = 0; i < c->n; i++) {
        c->texts[i] = (llmcs_text){c->inputs[i].text, c->inputs[i].len, NULL, 0};
        if (c->inputs[i].text || (ids && llmcs_model_tokenizer(c->model->model) && decode_input(c, i))) continue;
        if (!ids || !llmcs_model_tokenizer(c->model->model))
            reply_error(x, 400, "invalid_type", "input", "\"input\" must be a string or a list of strings");
        return false;
    }
    return true;
}

/* Checks the keys, finds the model, reads the common parameters. */
static bool begin_call(call *c, exchange *x, uint32_t heads, const char *what, const char *const *keys) {
    *c = (call){.exchange = x};
    request_begin();
    return x_check_keys(x, keys) && (c->model = models_acquire_for(x, heads, what)) && read_params(c);
}

static json_t *usage_json(const call *c) {
    size_t n = 0;
    for (size_t i = 0; i < c->n; i++) n += c->infos[i].n_evaluated;
    c->exchange->log_prompt = (int64_t)n;
    return json_pack("{sIsI}", "prompt_tokens", (json_int_t)n, "total_tokens", (json_int_t)n);
}

/* Rows are as llmcs classify and tag --jsonl answer, with the text's number. */
static cli_answer begin_row(size_t index) {
    cli_answer row;
    answer_init(&row);
    answer_set(&row, "index", json_integer((json_int_t)index));
    return row;
}

/* Takes the row and the list; returns the list. NULL: no memory. */
static json_t *append_row(json_t *list, cli_answer *row, const llmcs_text_info *info) {
    answer_add_text_info(row, info);
    if (!json_array_append_new(list, row->json) && !row->failed) return list;
    json_decref(list);
    return NULL;
}

/* data NULL: no memory. */
static void reply_list(call *c, json_t *data) {
    reply_json(c->exchange, 200,
               json_pack("{sssossso}", "object", "list", "data", data, "model", c->model->config->name, "usage",
                         usage_json(c)));
}

/* ---- embeddings */

static void add_floats(buffer *b, const float *values, size_t n) {
    char text[32];
    buffer_add(b, "[", 1);
    for (size_t i = 0; i < n; i++) {
        const int len = snprintf(text, sizeof text, i ? ",%.9g" : "%.9g", (double)values[i]);
        buffer_add(b, text, (size_t)len);
    }
    buffer_add(b, "]", 1);
}

/* Little-endian float32, as OpenAI's. */
static void add_base64(buffer *b, const float *values, size_t n) {
    unsigned char *bytes = malloc(4 * n + 1);
    const size_t capacity = sodium_base64_ENCODED_LEN(4 * n, sodium_base64_VARIANT_ORIGINAL);
    char *text = malloc(capacity);
    if (!bytes || !text) {
        b->failed = true;
    } else {
        for (size_t i = 0; i < n; i++) {
            uint32_t bits;
            memcpy(&bits, &values[i], 4);
            for (size_t k = 0; k < 4; k++) bytes[4 * i + k] = (unsigned char)(bits >> (8 * k));
        }
        sodium_bin2base64(text, capacity, bytes, 4 * n, sodium_base64_VARIANT_ORIGINAL);
        buffer_add(b, "\"", 1);
        buffer_add(b, text, strlen(text));
        buffer_add(b, "\"", 1);
    }
    free(bytes);
    free(text);
}

/* Writes the JSON directly: as JSON values, vectors would take ten times the memory. */
static void reply_vectors(call *c, const float *vectors, size_t n_vector, bool base64) {
    buffer b = {0};
    json_t *name_json = json_string(c->model->config->name), *usage = usage_json(c);
    char *name = name_json ? json_dumps(name_json, JSON_ENCODE_ANY) : NULL;
    char *usage_text = usage ? json_dumps(usage, JSON_COMPACT) : NULL;
    json_decref(name_json);
    json_decref(usage);
    buffer_add(&b, "{\"object\":\"list\",\"data\":[", 25);
    for (size_t i = 0; i < c->n; i++) {
        char head[80];
        const int n =
            snprintf(head, sizeof head, "%s{\"object\":\"embedding\",\"index\":%zu,\"embedding\":", i ? "," : "", i);
        buffer_add(&b, head, (size_t)n);
        if (base64)
            add_base64(&b, vectors + i * n_vector, n_vector);
        else
            add_floats(&b, vectors + i * n_vector, n_vector);
        buffer_add(&b, "}", 1);
    }
    buffer_add(&b, "],\"model\":", 10);
    if (name) buffer_add(&b, name, strlen(name));
    buffer_add(&b, ",\"usage\":", 9);
    if (usage_text) buffer_add(&b, usage_text, strlen(usage_text));
    buffer_add(&b, "}", 1);
    if (!name || !usage_text || b.failed) {
        buffer_free(&b);
        reply_json(c->exchange, 500, NULL);
    } else {
        reply_json_text(c->exchange, 200, b.bytes, b.n); /* which frees the bytes */
    }
    free(name);
    free(usage_text);
}

static bool read_embedding_params(call *c, size_t *n_vector, bool *base64) {
    static const char *const formats[] = {"float", "base64", NULL};
    exchange *x = c->exchange;
    const int n_embedding = c->model->info.n_embedding;
    int format = 0;
    int64_t dimensions;
    if (!read_choice(x, "encoding_format", formats, 0, &format) ||
        !x_int(x, "dimensions", 1, n_embedding, n_embedding, &dimensions) ||
        !x_name(x, "prompt_name", false, &c->params.prompt_name) || !x_name(x, "prompt", false, &c->params.prompt))
        return false;
    *base64 = format == 1;
    *n_vector = (size_t)dimensions;
    if (dimensions < n_embedding) {
        c->params.truncate_dim = (size_t)dimensions;
        c->params.normalize = LLMCS_NORMALIZE_L2; /* as OpenAI's shortened vectors */
    }
    return true;
}

static void embed(exchange *x) {
    static const char *const keys[] = {"model",  "input",    "encoding_format", "dimensions", "user", "prompt_name",
                                       "prompt", "overflow", "max_length",      "stride",     NULL};
    call c;
    size_t n_vector;
    bool base64;
    if (begin_call(&c, x, LLMCS_HEAD_EMBEDDING, "embedding", keys) && read_embedding_params(&c, &n_vector, &base64) &&
        read_input(&c, true)) {
        float *vectors = malloc(c.n * n_vector * sizeof *vectors);
        const llmcs_status status = vectors ? llmcs_embed(c.model->model, c.texts, c.n, &c.params, vectors, c.infos)
                                            : llmcs_set_error(LLMCS_NOMEM, "no memory for the vectors");
        if (status)
            fail_library(&c, status);
        else
            reply_vectors(&c, vectors, n_vector, base64);
        free(vectors);
    }
    end_call(&c);
}

/* ---- rerank */

static bool read_documents(call *c) {
    exchange *x = c->exchange;
    const json_t *list = json_object_get(x->json, "documents");
    const size_t n = json_array_size(list), max = (size_t)x->server->config.limits.max_texts;
    if (!json_is_array(list) || !n || n > max) {
        reply_error(x, 400, "invalid_type", "documents", "\"documents\" must be a list of 1 to %zu texts", max);
        return false;
    }
    if (!alloc_texts(c, n)) return false;
    for (size_t i = 0; i < n; i++) {
        const json_t *d = json_array_get(list, i), *text = json_is_object(d) ? json_object_get(d, "text") : d;
        if (!json_is_string(text)) {
            reply_error(x, 400, "invalid_type", "documents",
                        "\"documents\"[%zu] must be a string or {\"text\": \"...\"}", i);
            return false;
        }
        c->texts[i] = (llmcs_text){json_string_value(text), json_string_length(text), NULL, 0};
    }
    return true;
}

static void reply_ranked(call *c, const float *scores, size_t top_n, bool documents) {
    cli_ranked *order = cli_rank(scores, c->n);
    json_t *list = order ? json_array() : NULL;
    for (size_t k = 0; list && k < top_n; k++) {
        const llmcs_text *text = &c->texts[order[k].item];
        json_t *row =
            json_pack("{sIsf}", "index", (json_int_t)order[k].item, "relevance_score", (double)order[k].score);
        if (c->infos[order[k].item].truncated) json_object_set_new(row, "truncated", json_true());
        if (documents)
            json_object_set_new(row, "document", json_pack("{so}", "text", json_text(text->text, text->text_bytes)));
        json_array_append_new(list, row);
    }
    free(order);
    reply_json(
        c->exchange, 200,
        list ? json_pack("{sssoso}", "model", c->model->config->name, "results", list, "usage", usage_json(c)) : NULL);
}

static void rerank(exchange *x) {
    static const char *const keys[] = {"model", "query", "documents", "top_n",      "return_documents", "instruction",
                                       "score", "user",  "overflow",  "max_length", "stride",           NULL};
    const char *query;
    size_t n_query;
    int64_t top_n;
    bool documents;
    int score = 0;
    call c;
    if (begin_call(&c, x, LLMCS_HEAD_CLASSIFICATION | LLMCS_HEAD_CAUSAL_LM, "classification", keys) &&
        x_text(x, "query", true, &query, &n_query) && x_bool(x, "return_documents", false, &documents) &&
        x_name(x, "instruction", false, &c.params.prompt) &&
        read_choice(x, "score", cli_rerank_score_names, 0, &score) && read_documents(&c) &&
        x_int(x, "top_n", 1, INT32_MAX, (int64_t)c.n, &top_n)) {
        float *scores = calloc(c.n, sizeof *scores);
        c.params.rerank_score = (llmcs_rerank_score)score;
        const llmcs_status status =
            scores ? llmcs_rerank(c.model->model, query, n_query, c.texts, c.n, &c.params, scores, c.infos)
                   : llmcs_set_error(LLMCS_NOMEM, "no memory for the scores");
        if (status)
            fail_library(&c, status);
        else
            reply_ranked(&c, scores, (size_t)top_n < c.n ? (size_t)top_n : c.n, documents);
        free(scores);
    }
    end_call(&c);
}

/* ---- classify */

static void classify_by_model(call *c) {
    const size_t n_labels = (size_t)c->model->info.n_labels;
    float *scores = calloc(c->n * n_labels, sizeof *scores);
    int32_t *best = calloc(c->n, sizeof *best);
    const char **names = calloc(n_labels + 1, sizeof *names);
    const llmcs_status status =
        scores && best && names ? llmcs_classify(c->model->model, c->texts, c->n, &c->params, scores, best, c->infos)
                                : llmcs_set_error(LLMCS_NOMEM, "no memory for the scores");
    for (size_t k = 0; !status && k < n_labels; k++) names[k] = llmcs_model_label(c->model->model, (int32_t)k);
    json_t *list = status ? NULL : json_array();
    for (size_t i = 0; list && i < c->n; i++) {
        cli_answer row = begin_row(i);
        answer_add_classes(&row, names, scores + i * n_labels, n_labels, (size_t)best[i]);
        answer_set(&row, "label_id", json_integer(best[i]));
        list = append_row(list, &row, &c->infos[i]);
    }
    if (status)
        fail_library(c, status);
    else
        reply_list(c, list);
    free(scores);
    free(best);
    free(names);
}

/* Appends the row of text i; *list is NULL if there is no memory. */
static llmcs_status classify_one_by_labels(call *c, label_set *set, size_t i, json_t **list) {
    const llmcs_status status =
        label_set_score(set, c->model->model, c->texts[i].text, c->texts[i].text_bytes, &c->params);
    if (status) return status;
    cli_answer row = begin_row(i);
    answer_add_classes(&row, (const char *const *)set->names, set->scores, set->n, set->best);
    c->infos[i].n_evaluated = 0;
    for (size_t k = 0; k < set->n; k++) c->infos[i].n_evaluated += set->infos[k].n_evaluated;
    *list = append_row(*list, &row, &set->info);
    return LLMCS_OK;
}

static void classify_by_labels(call *c, const json_t *labels) {
    label_set set = {0};
    llmcs_status status = label_set_read(&set, labels);
    if (status) {
        reply_error(c->exchange, 400, "invalid_value", "labels", "%s", request_message());
    } else if (set.n * c->n > (size_t)c->exchange->server->config.limits.max_texts) {
        reply_error(c->exchange, 400, "limit_exceeded", "labels", "texts times labels may be at most %d",
                    (int)c->exchange->server->config.limits.max_texts);
    } else {
        json_t *list = json_array();
        for (size_t i = 0; !status && list && i < c->n; i++) status = classify_one_by_labels(c, &set, i, &list);
        if (!status) {
            reply_list(c, list);
        } else {
            json_decref(list);
            fail_library(c, status);
        }
    }
    label_set_free(&set);
}

static void classify(exchange *x) {
    static const char *const keys[] = {"model", "input",    "labels",     "hypothesis", "multi_label",
                                       "user",  "overflow", "max_length", "stride",     NULL};
    const json_t *labels = json_object_get(x->json, "labels");
    bool multi_label;
    call c;
    if (begin_call(&c, x, LLMCS_HEAD_CLASSIFICATION, "classification", keys) &&
        x_name(x, "hypothesis", false, &c.params.hypothesis) && x_bool(x, "multi_label", false, &multi_label) &&
        read_input(&c, false)) {
        c.params.multi_label = multi_label;
        if (labels && !json_is_null(labels))
            classify_by_labels(&c, labels);
        else if (c.params.hypothesis || multi_label)
            reply_error(x, 400, "missing", "labels", "\"hypothesis\" and \"multi_label\" need \"labels\"");
        else
            classify_by_model(&c);
    }
    end_call(&c);
}

/* ---- tag */

static void tag(exchange *x) {
    static const char *const keys[] = {"model",    "input",      "aggregation", "user",
                                       "overflow", "max_length", "stride",      NULL};
    int aggregation = LLMCS_AGGREGATE_SIMPLE;
    llmcs_span_result *found = NULL;
    call c;
    if (begin_call(&c, x, LLMCS_HEAD_TOKEN_CLASSIFICATION, "token-classification", keys) &&
        read_choice(x, "aggregation", cli_aggregation_names, 0, &aggregation) && read_input(&c, false)) {
        c.params.aggregation = (llmcs_aggregation)aggregation;
        const llmcs_status status = llmcs_tag(c.model->model, c.texts, c.n, &c.params, c.infos, &found);
        if (status) {
            fail_library(&c, status);
        } else {
            json_t *list = json_array();
            for (size_t i = 0; list && i < c.n; i++) {
                cli_answer row = begin_row(i);
                answer_set(&row, "spans", json_text_spans(found->texts[i], c.texts[i].text));
                list = append_row(list, &row, &c.infos[i]);
            }
            reply_list(&c, list);
        }
    }
    llmcs_span_result_free(&found);
    end_call(&c);
}

static const route routes[] = {
    {"POST", "/v1/embeddings", ROLE_INFERENCE, RUN_WORKER, ROUTE_JSON, embed},
    {"POST", "/v1/rerank", ROLE_INFERENCE, RUN_WORKER, ROUTE_JSON, rerank},
    {"POST", "/v1/classify", ROLE_INFERENCE, RUN_WORKER, ROUTE_JSON, classify},
    {"POST", "/v1/tag", ROLE_INFERENCE, RUN_WORKER, ROUTE_JSON, tag},
};

const api api_encoders = {.name = "encoders", .routes = routes, .n_routes = sizeof routes / sizeof *routes};
