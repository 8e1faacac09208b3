/* llmcs index: a vector index of texts or vectors, in one file: build, add, remove, search, measure. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "index_names.h"
#include "request.h"

enum { ROWS_TOGETHER = 64, MAX_RESULTS = 10000 };

/* An item of the batch that is being collected. */
typedef struct waiting_row {
    char *text; /* to embed; NULL: it has a vector */
    size_t text_bytes, line;
} waiting_row;

typedef struct index_job {
    cli_common common;
    const char *model_path; /* --model */
    int32_t type, metric, n_lists, n_probe, k, exact, no_f16;
    llmcs_model *model; /* opened when a text comes, or NULL */
    llmcs_index *index;
    index_names names;
    size_t dim;
    uint64_t fingerprint;
    float *vectors; /* [ROWS_TOGETHER, dim] */
    size_t n_rows;  /* waiting to be put */
    waiting_row rows[ROWS_TOGETHER];
    float *embedded; /* [ROWS_TOGETHER, dim] */
    uint64_t ids[ROWS_TOGETHER];
    llmcs_item_tags tags[ROWS_TOGETHER];
    size_t n_refused;
} index_job;

static const char *const type_names[] = {"f32", "f16", "int8", NULL};    /* by llmcs_vector_type */
static const char *const metric_names[] = {"cosine", "dot", "l2", NULL}; /* by llmcs_metric */

#define MODEL_OPTION                                                \
    CLI_PLAIN("model", CLI_STRING, offsetof(index_job, model_path), \
              "folder of the model that embeds texts [for a "       \
              "built index: the one it was built with]")

/* ---- the model and the index */

/* Opens the model of --model, or that the index was built with. */
static llmcs_status open_index_model(index_job *j) {
    llmcs_model_info info = {.struct_size = sizeof info};
    cli_common common = j->common;
    if (j->model) return LLMCS_OK;
    common.folder = j->model_path ? j->model_path : j->names.model;
    if (!common.folder) return request_error(LLMCS_ARG, "a text needs --model; without it an item has a \"vector\"");
    llmcs_status st = cli_open(&common, NULL, &j->model);
    uint64_t fingerprint = 0;
    if (!st) st = llmcs_model_get_info(j->model, &info);
    if (!st) st = llmcs_model_fingerprint(j->model, &fingerprint);
    if (!st && j->fingerprint && j->fingerprint != fingerprint)
        st = request_error(LLMCS_STATE, "%s is not the model that made the vectors of the index", common.folder);
    if (!st && j->index && (size_t)info.n_embedding != j->dim)
        st = request_error(LLMCS_ARG, "%s makes vectors of %d elements, the index has %zu", common.folder,
                           (int)info.n_embedding, j->dim);
    if (st) {
        llmcs_model_free(&j->model);
        return st;
    }
    j->fingerprint = fingerprint;
    j->dim = (size_t)info.n_embedding;
    return LLMCS_OK;
}

/* The first item determines the dimension. */
static llmcs_status create_index(index_job *j) {
    llmcs_index_options o;
    if (j->index) return LLMCS_OK;
    llmcs_index_options_init(&o);
    o.dim = (int32_t)j->dim;
    o.type = (llmcs_vector_type)j->type;
    o.metric = (llmcs_metric)j->metric;
    o.flags = j->no_f16 ? LLMCS_INDEX_NO_F16 : 0;
    o.n_threads = j->common.n_threads;
    o.model_fingerprint = j->model ? j->fingerprint : 0;
    return llmcs_index_create(&o, &j->index);
}

static bool allocate_rows(index_job *j) {
    if (!j->vectors) j->vectors = malloc(ROWS_TOGETHER * j->dim * sizeof *j->vectors);
    if (!j->embedded) j->embedded = malloc(ROWS_TOGETHER * j->dim * sizeof *j->embedded);
    return j->vectors && j->embedded;
}

/* False after an error message. */
static bool open_index(index_job *j) {
    llmcs_index_options o;
    llmcs_index_info info = {.struct_size = sizeof info};
    llmcs_index_options_init(&o);
    o.n_threads = j->common.n_threads;
    if (llmcs_index_open(j->common.folder, &o, &j->index)) return cli_failed("open"), false;
    if (llmcs_index_get_info(j->index, &info)) return cli_failed("open"), false;
    j->dim = (size_t)info.dim;
    j->fingerprint = info.model_fingerprint;
    return names_load(&j->names, j->index, j->common.folder);
}

static void close_job(index_job *j) {
    llmcs_index_free(&j->index);
    llmcs_model_free(&j->model);
    names_free(&j->names);
    free(j->vectors);
    free(j->embedded);
}

static int save_index(index_job *j) {
    if (!names_store(&j->names, j->index)) return EXIT_FAILED;
    return llmcs_index_save(j->index, j->common.folder) ? cli_failed("save") : EXIT_DONE;
}

/* ---- items */

/* "text" or "vector" of an item or a query into `out` [dim]. */
static llmcs_status read_vector(index_job *j, const json_t *item, float *out) {
    const json_t *vector = json_object_get(item, "vector");
    llmcs_text text = {0};
    llmcs_status st = request_text(item, "text", false, &text.text, &text.text_bytes);
    if (st) return st;
    if (!text.text == !vector) return request_error(LLMCS_ARG, "expected either \"text\" or \"vector\"");
    if (text.text) {
        llmcs_text_info info = {.struct_size = sizeof info};
        return llmcs_embed(j->model, &text, 1, NULL, out, &info);
    }
    for (size_t i = 0; i < j->dim; i++) {
        const json_t *x = json_array_get(vector, i);
        if (!json_is_number(x)) return request_error(LLMCS_ARG, "vector[%zu]: expected a number", i);
        out[i] = (float)json_number_value(x);
    }
    return LLMCS_OK;
}

/* Opens model and index as the first item requires. */
static llmcs_status prepare_for(index_job *j, const json_t *item) {
    const json_t *vector = json_object_get(item, "vector");
    const size_t n = json_array_size(vector);
    llmcs_status st = LLMCS_OK;
    if (vector && !json_is_array(vector)) return request_error(LLMCS_ARG, "vector: expected a list of numbers");
    if (!vector) st = open_index_model(j);
    if (!st && !j->dim && n > 65536) return request_error(LLMCS_ARG, "vector: %zu elements, at most 65536", n);
    if (!st && !j->dim && n == 0) return request_error(LLMCS_ARG, "vector: is empty");
    if (!st && !j->dim) j->dim = n;
    if (!st && vector && n != j->dim) return request_error(LLMCS_ARG, "vector: %zu elements, expected %zu", n, j->dim);
    if (!st && !allocate_rows(j)) return request_error(LLMCS_NOMEM, "no memory for vectors");
    return st;
}

static llmcs_status read_tags(index_job *j, const json_t *item, llmcs_item_tags *tags) {
    const json_t *list = json_object_get(item, "tags"), *number = json_object_get(item, "number");
    *tags = (llmcs_item_tags){0, NAN};
    if (list && !json_is_array(list)) return request_error(LLMCS_ARG, "tags: expected a list of strings");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *tag = json_string_value(json_array_get(list, i));
        if (!tag) return request_error(LLMCS_ARG, "tags[%zu]: expected a string", i);
        const uint64_t bit = names_tag(&j->names, tag, true);
        if (!bit) return request_error(LLMCS_LIMIT, "tags: more than %d different tags in the index", NAMES_MAX_TAGS);
        tags->tags |= bit;
    }
    if (number && !json_is_null(number) && !json_is_number(number))
        return request_error(LLMCS_ARG, "number: expected a number");
    if (json_is_number(number)) tags->number = json_number_value(number);
    return LLMCS_OK;
}

static void refuse_line(index_job *j, size_t line) {
    fprintf(stderr, "%s: line %zu: %s\n", cli_program, line, request_message());
    j->n_refused++;
}

/* Embeds the batch's texts together; if that fails one by one, so that only those that fail are refused. */
static void embed_rows(index_job *j, bool refused[ROWS_TOGETHER]) {
    llmcs_text texts[ROWS_TOGETHER];
    size_t rows[ROWS_TOGETHER], n = 0;
    for (size_t i = 0; i < j->n_rows; i++) {
        if (!j->rows[i].text) continue;
        texts[n] = (llmcs_text){j->rows[i].text, j->rows[i].text_bytes, NULL, 0};
        rows[n++] = i;
    }
    const bool together = n && !llmcs_embed(j->model, texts, n, NULL, j->embedded, NULL);
    for (size_t i = 0; i < n; i++) {
        float *vector = j->embedded + i * j->dim;
        request_begin();
        if (!together && llmcs_embed(j->model, &texts[i], 1, NULL, vector, NULL)) {
            refuse_line(j, j->rows[rows[i]].line);
            refused[rows[i]] = true;
            continue;
        }
        memcpy(j->vectors + rows[i] * j->dim, vector, j->dim * sizeof *vector);
    }
}

/* Puts the batch. A failure here does not belong to one row. */
static llmcs_status flush_rows(index_job *j) {
    bool refused[ROWS_TOGETHER] = {false};
    size_t n = 0;
    embed_rows(j, refused);
    for (size_t i = 0; i < j->n_rows; i++) {
        free(j->rows[i].text);
        if (refused[i]) continue;
        j->ids[n] = j->ids[i];
        j->tags[n] = j->tags[i];
        memmove(j->vectors + n++ * j->dim, j->vectors + i * j->dim, j->dim * sizeof *j->vectors);
    }
    j->n_rows = 0;
    return n ? llmcs_index_put(j->index, j->ids, j->vectors, j->tags, n) : LLMCS_OK;
}

/* "text", to be embedded with the batch, or "vector" of an item. */
static llmcs_status take_content(index_job *j, const json_t *item, float *vector, waiting_row *row) {
    llmcs_text text = {0};
    llmcs_status st = request_text(item, "text", false, &text.text, &text.text_bytes);
    if (st) return st;
    if (!text.text || json_object_get(item, "vector")) {
        st = read_vector(j, item, vector);
        for (size_t i = 0; !st && i < j->dim; i++)
            if (!isfinite(vector[i])) st = request_error(LLMCS_NUMERIC, "vector[%zu]: is too large", i);
        return st;
    }
    row->text = malloc(text.text_bytes + 1);
    if (!row->text) return request_error(LLMCS_NOMEM, "no memory for the text");
    memcpy(row->text, text.text, text.text_bytes);
    row->text_bytes = text.text_bytes;
    return LLMCS_OK;
}

static llmcs_status take_item(index_job *j, const json_t *item, size_t line) {
    static const char *const keys[] = {"id", "text", "vector", "tags", "number", NULL};
    waiting_row row = {.line = line};
    llmcs_status st = request_check_keys(item, keys);
    if (!st) st = prepare_for(j, item);
    if (!st) st = create_index(j);
    if (!st) st = take_content(j, item, j->vectors + j->n_rows * j->dim, &row);
    if (!st) st = read_tags(j, item, &j->tags[j->n_rows]);
    char *name = st ? NULL : names_of(json_object_get(item, "id"));
    if (!st && !name) st = request_error(LLMCS_ARG, "id: expected a string or an integer");
    const json_int_t number = name ? names_number(&j->names, name) : -1;
    free(name);
    if (!st && number < 0) st = request_error(LLMCS_NOMEM, "no memory for the name");
    if (st) {
        free(row.text);
        return st;
    }
    j->rows[j->n_rows] = row;
    j->ids[j->n_rows++] = (uint64_t)number;
    return j->n_rows == ROWS_TOGETHER ? flush_rows(j) : LLMCS_OK;
}

/* Reads all lines of stdin; reports and skips invalid ones. EXIT_FAILED if there was one. */
static int take_items(index_job *j) {
    cli_lines lines = {.max_bytes = (size_t)j->common.max_line_bytes};
    while (cli_next_line(&lines)) {
        cli_request request = {0};
        if (!lines.too_long && cli_is_blank(lines.line, lines.len)) continue;
        llmcs_status st = lines.too_long ? request_too_long(&lines) : request_parse(lines.line, lines.len, &request);
        if (!st) st = take_item(j, request.json, lines.number);
        request_free(&request);
        if (st) refuse_line(j, lines.number);
    }
    const bool failed = lines.failed;
    cli_lines_free(&lines);
    request_begin();
    if (j->index && flush_rows(j)) return cli_failed("put");
    return failed || j->n_refused ? EXIT_FAILED : EXIT_DONE;
}

static int print_count(const index_job *j) {
    llmcs_index_info info = {.struct_size = sizeof info};
    if (llmcs_index_get_info(j->index, &info)) return cli_failed("info");
    printf("{\"vectors\":%llu,\"dim\":%d,\"lists\":%d,\"refused\":%zu}\n", (unsigned long long)info.n_vectors,
           (int)info.dim, (int)info.n_lists, j->n_refused);
    return EXIT_DONE;
}

/* ---- build, add, remove */

static int build_and_save(index_job *j) {
    llmcs_index_build_params build;
    llmcs_index_build_params_init(&build);
    build.n_lists = j->n_lists;
    if (j->n_lists) build.min_vectors = 1;
    if (llmcs_index_build(j->index, &build)) return cli_failed("build");
    const int code = save_index(j);
    return code ? code : print_count(j);
}

static int build_command(int argc, char **argv) {
    index_job j = {.type = LLMCS_VECTOR_INT8};
    int code = cli_parse(&cmd_index_build, argc, argv, &j.common, &j);
    if (code >= 0) return code;
    if (j.model_path) {
        j.names.model = realpath(j.model_path, NULL);
        request_begin();
        if (open_index_model(&j)) code = cli_error("build: %s", request_message());
    }
    if (code < 0) code = take_items(&j);
    if (code != EXIT_USAGE && !j.index)
        code = cli_error("build: no items on stdin");
    else {
        const int saved = build_and_save(&j);
        if (saved) code = saved;
    }
    close_job(&j);
    return code;
}

static int add_command(int argc, char **argv) {
    index_job j = {0};
    int code = cli_parse(&cmd_index_add, argc, argv, &j.common, &j);
    if (code >= 0) return code;
    if (!open_index(&j)) code = EXIT_FAILED;
    if (code < 0) {
        code = take_items(&j);
        const int saved = save_index(&j);
        if (saved || print_count(&j)) code = EXIT_FAILED;
    }
    close_job(&j);
    return code;
}

/* One id, as JSON. */
static bool remove_name(index_job *j, const char *name) {
    const json_int_t number = names_find(&j->names, name);
    const uint64_t id = (uint64_t)number;
    if (number < 0) return false;
    if (llmcs_index_remove(j->index, &id, 1, NULL)) return false;
    names_remove(&j->names, (size_t)number);
    return true;
}

/* An argument names a string, or an integer if there is no such string. */
static bool remove_argument(index_job *j, const char *argument) {
    json_t *string = json_string(argument);
    char *name = names_of(string);
    const bool removed = (name && remove_name(j, name)) || remove_name(j, argument);
    free(name);
    json_decref(string);
    if (!removed) fprintf(stderr, "%s: no item has the id %s\n", cli_program, argument);
    return removed;
}

static int remove_command(int argc, char **argv) {
    index_job j = {0};
    int code = cli_parse(&cmd_index_remove, argc, argv, &j.common, &j);
    if (code >= 0) return code;
    if (!open_index(&j)) code = EXIT_FAILED;
    if (code < 0) {
        for (int i = 0; i < j.common.n_texts; i++) j.n_refused += !remove_argument(&j, j.common.texts[i]);
        code = save_index(&j);
        if (!code) code = print_count(&j);
        if (j.n_refused) code = EXIT_FAILED;
    }
    close_job(&j);
    return code;
}

/* ---- search */

/* A request's search parameters, and the memory that they point to. */
typedef struct index_query {
    llmcs_search_params params;
    uint64_t *exclude;
    bool is_impossible; /* a tag that must be there is not in the index */
} index_query;

/* Tags of a list as bits; *known: how many of them the index has. */
static llmcs_status read_tag_list(index_job *j, const json_t *filter, const char *key, uint64_t *bits, size_t *n,
                                  size_t *known) {
    const json_t *list = json_object_get(filter, key);
    *n = json_array_size(list);
    *known = 0;
    *bits = 0;
    if (list && !json_is_array(list)) return request_error(LLMCS_ARG, "filter.%s: expected a list of strings", key);
    for (size_t i = 0; i < *n; i++) {
        const char *tag = json_string_value(json_array_get(list, i));
        if (!tag) return request_error(LLMCS_ARG, "filter.%s[%zu]: expected a string", key, i);
        const uint64_t bit = names_tag(&j->names, tag, false);
        *bits |= bit;
        *known += bit != 0;
    }
    return LLMCS_OK;
}

static llmcs_status read_exclude(index_job *j, const json_t *filter, index_query *q) {
    const json_t *list = json_object_get(filter, "exclude");
    if (list && !json_is_array(list)) return request_error(LLMCS_ARG, "filter.exclude: expected a list of ids");
    if (json_array_size(list) == 0) return LLMCS_OK;
    q->exclude = malloc(json_array_size(list) * sizeof *q->exclude);
    if (!q->exclude) return request_error(LLMCS_NOMEM, "no memory for the filter");
    for (size_t i = 0; i < json_array_size(list); i++) {
        char *name = names_of(json_array_get(list, i));
        if (!name) return request_error(LLMCS_ARG, "filter.exclude[%zu]: expected a string or an integer", i);
        const json_int_t number = names_find(&j->names, name);
        free(name);
        if (number >= 0) q->exclude[q->params.n_exclude++] = (uint64_t)number;
    }
    q->params.exclude = q->exclude;
    return LLMCS_OK;
}

static llmcs_status read_filter(index_job *j, const json_t *filter, index_query *q) {
    static const char *const keys[] = {"all", "any", "none", "min", "max", "exclude", NULL};
    const json_t *min = json_object_get(filter, "min"), *max = json_object_get(filter, "max");
    size_t n, known;
    llmcs_status st;
    if (!filter || json_is_null(filter)) return LLMCS_OK;
    if (!json_is_object(filter)) return request_error(LLMCS_ARG, "filter: expected an object");
    if ((st = request_check_keys(filter, keys)) ||
        (st = read_tag_list(j, filter, "all", &q->params.tags_all, &n, &known)))
        return st;
    q->is_impossible = known < n;
    if ((st = read_tag_list(j, filter, "any", &q->params.tags_any, &n, &known))) return st;
    q->is_impossible = q->is_impossible || (n > 0 && known == 0);
    if ((st = read_tag_list(j, filter, "none", &q->params.tags_none, &n, &known))) return st;
    if ((min && !json_is_number(min)) || (max && !json_is_number(max)))
        return request_error(LLMCS_ARG, "filter.%s: expected a number", min && !json_is_number(min) ? "min" : "max");
    if (min) q->params.number_min = json_number_value(min);
    if (max) q->params.number_max = json_number_value(max);
    return read_exclude(j, filter, q);
}

static llmcs_status read_query(index_job *j, const json_t *request, index_query *q) {
    static const char *const keys[] = {"text", "vector", "k", "filter", NULL};
    const json_t *k = json_object_get(request, "k");
    llmcs_search_params_init(&q->params);
    q->params.k = j->k > 0 ? (size_t)j->k : 10;
    q->params.exact = j->exact;
    q->params.n_probe = j->n_probe;
    llmcs_status st = request_check_keys(request, keys);
    if (!st && k && (!json_is_integer(k) || json_integer_value(k) < 1 || json_integer_value(k) > MAX_RESULTS))
        return request_error(LLMCS_ARG, "k: expected an integer from 1 to %d", MAX_RESULTS);
    if (!st && k) q->params.k = (size_t)json_integer_value(k);
    if (!st) st = read_filter(j, json_object_get(request, "filter"), q);
    return st ? st : prepare_for(j, request);
}

static llmcs_status answer_with(const index_job *j, cli_answer *answer, const uint64_t *ids, const float *scores,
                                size_t n) {
    json_t *names = json_array();
    for (size_t i = 0; i < n; i++) {
        const char *name = ids[i] < j->names.n ? j->names.items[ids[i]] : NULL;
        json_array_append_new(names, name ? json_loads(name, JSON_DECODE_ANY, NULL) : json_null());
    }
    answer_set(answer, "ids", names);
    answer_set(answer, "scores", json_floats(scores, n));
    return LLMCS_OK;
}

static llmcs_status search_request(void *user, const json_t *request, cli_answer *answer) {
    index_job *j = user;
    index_query q = {0};
    size_t n_found = 0;
    llmcs_status st = read_query(j, request, &q);
    uint64_t *ids = malloc(q.params.k * sizeof *ids + 1);
    float *scores = malloc(q.params.k * sizeof *scores + 1);
    if (!st && (!ids || !scores)) st = request_error(LLMCS_NOMEM, "no memory for %zu results", q.params.k);
    if (!st) st = read_vector(j, request, j->vectors);
    if (!st && !q.is_impossible) st = llmcs_index_search(j->index, j->vectors, 1, &q.params, ids, scores, &n_found);
    if (!st) st = answer_with(j, answer, ids, scores, n_found);
    free(ids);
    free(scores);
    free(q.exclude);
    return st;
}

/* A text as an argument or a line: its nearest items, a line each. */
static int search_text(void *user, const char *bytes, size_t len) {
    index_job *j = user;
    json_t *request = json_pack("{s:o}", "text", json_text(bytes, len));
    cli_answer answer;
    answer_init(&answer);
    request_begin();
    llmcs_status st = request ? search_request(j, request, &answer) : LLMCS_NOMEM;
    const json_t *ids = json_object_get(answer.json, "ids"), *scores = json_object_get(answer.json, "scores");
    for (size_t i = 0; !st && i < json_array_size(ids); i++) {
        char *name = names_of(json_array_get(ids, i));
        printf("%.4f\t%s\n", json_number_value(json_array_get(scores, i)), name ? name : "null");
        free(name);
    }
    answer_free(&answer);
    json_decref(request);
    return st ? cli_error("search: %s", request_message()) : EXIT_DONE;
}

static int search_command(int argc, char **argv) {
    index_job j = {0};
    int code = cli_parse(&cmd_index_search, argc, argv, &j.common, &j);
    if (code >= 0) return code;
    if (!open_index(&j)) code = EXIT_FAILED;
    if (code < 0)
        code = j.common.jsonl ? cli_jsonl(&j.common, search_request, &j) : cli_each_text(&j.common, search_text, &j);
    close_job(&j);
    return code;
}

/* ---- measure */

/* Reads all queries of stdin. False after an error message. */
static bool read_queries(index_job *j, float **queries, size_t *n) {
    cli_lines lines = {.max_bytes = (size_t)j->common.max_line_bytes};
    llmcs_status st = LLMCS_OK;
    while (!st && cli_next_line(&lines)) {
        cli_request request = {0};
        float *more = realloc(*queries, (*n + 1) * j->dim * sizeof *more);
        if (more) *queries = more;
        st = !more ? request_error(LLMCS_NOMEM, "no memory for queries")
                   : request_parse(lines.line, lines.len, &request);
        if (!st) st = prepare_for(j, request.json);
        if (!st) st = read_vector(j, request.json, *queries + *n * j->dim);
        if (!st) ++*n;
        request_free(&request);
    }
    if (st) cli_error("line %zu: %s", lines.number, request_message());
    cli_lines_free(&lines);
    return !st;
}

static int measure_queries(index_job *j) {
    llmcs_index_measurement m = {.struct_size = sizeof m};
    llmcs_search_params p;
    float *queries = NULL;
    size_t n = 0;
    llmcs_search_params_init(&p);
    if (j->k > 0) p.k = (size_t)j->k;
    p.n_probe = j->n_probe;
    int code = read_queries(j, &queries, &n) ? EXIT_DONE : EXIT_FAILED;
    if (!code && !n)
        code = cli_error("index measure: stdin has no query; expected {\"text\"} or {\"vector\"} on each line");
    if (!code && llmcs_index_measure(j->index, queries, n, &p, &m)) code = cli_failed("measure");
    if (!code)
        printf(
            "{\"queries\":%zu,\"k\":%zu,\"recall\":%.4f,\"worst_recall\":%.4f,\"ms\":%.4f,\"p99_ms\":%.4f,"
            "\"exact_ms\":%.4f,\"vectors_scored\":%.0f,\"lists_probed\":%.0f}\n",
            n, p.k, m.recall, m.worst_recall, m.ms, m.p99_ms, m.exact_ms, m.vectors_scored, m.lists_probed);
    free(queries);
    return code;
}

static int measure_command(int argc, char **argv) {
    index_job j = {0};
    int code = cli_parse(&cmd_index_measure, argc, argv, &j.common, &j);
    if (code >= 0) return code;
    code = open_index(&j) ? measure_queries(&j) : EXIT_FAILED;
    close_job(&j);
    return code;
}

/* ---- the commands */

#define ITEMS_HELP                                                                                                     \
    "A line of stdin is an item: {\"id\":..., \"text\":\"...\" or \"vector\":[...], \"tags\":[...]?, \"number\":n?}. " \
    "Ids are "                                                                                                         \
    "strings or integers; an id that is known is replaced. There are at most 64 different tags. Broken lines are "     \
    "named on stderr, the rest is taken, and the exit code is 1. Prints {\"vectors\":n, \"dim\":n, \"lists\":n, "      \
    "\"refused\":n}."
#define TAKES_ITEMS (CLI_TAKES_MODEL | CLI_TAKES_TEXT)

static const cli_option build_options[] = {
    MODEL_OPTION,
    CLI_CHOICE("type", offsetof(index_job, type), "how vectors are stored [int8]", type_names),
    CLI_CHOICE("metric", offsetof(index_job, metric), "[cosine]", metric_names),
    CLI_PLAIN("no_f16", CLI_SWITCH, offsetof(index_job, no_f16), "int8 without a float16 copy: a third of the memory"),
    CLI_BOUNDED("lists", offsetof(index_job, n_lists), "lists [0: none below 50,000 vectors, else about 2 sqrt(n)]", 0,
                65536),
};
const cli_command cmd_index_build = {.name = "index build",
                                     .arguments = "< ITEMS.jsonl",
                                     .target = "OUT",
                                     .summary = "Builds an index of the items on stdin, and writes it to OUT.",
                                     .notes = ITEMS_HELP,
                                     .options = build_options,
                                     .n_options = sizeof build_options / sizeof *build_options,
                                     .takes = TAKES_ITEMS,
                                     .execute = build_command};

static const cli_option model_options[] = {MODEL_OPTION};
const cli_command cmd_index_add = {.name = "index add",
                                   .arguments = "< ITEMS.jsonl",
                                   .target = "INDEX",
                                   .summary = "Adds the items on stdin to an index, or replaces them.",
                                   .notes = ITEMS_HELP,
                                   .options = model_options,
                                   .n_options = 1,
                                   .takes = TAKES_ITEMS,
                                   .execute = add_command};

const cli_command cmd_index_remove = {.name = "index remove",
                                      .arguments = "ID ...",
                                      .target = "INDEX",
                                      .summary = "Removes items from an index.",
                                      .min_texts = 1,
                                      .max_texts = CLI_ANY_TEXTS,
                                      .execute = remove_command};

static const cli_option search_options[] = {
    MODEL_OPTION,
    CLI_BOUNDED("k", offsetof(index_job, k), "results [10]", 1, MAX_RESULTS),
    CLI_BOUNDED("n_probe", offsetof(index_job, n_probe), "lists to read [0: what the index says]", 0, 65536),
    CLI_PLAIN("exact", CLI_SWITCH, offsetof(index_job, exact), "read all vectors even if there are lists"),
};
const cli_command cmd_index_search = {
    .name = "index search",
    .arguments = "[text ...]",
    .target = "INDEX",
    .summary = "The nearest items of each text: score and id, best first.",
    .jsonl_help =
        "{\"text\":\"...\" or \"vector\":[...], \"k\":n?, \"filter\":{\"all\":[tags], \"any\":[tags], \"none\":[tags], "
        "\"min\":number, \"max\":number, \"exclude\":[ids]}?} -> {\"ids\":[...], \"scores\":[...]}",
    .options = search_options,
    .n_options = sizeof search_options / sizeof *search_options,
    .takes = CLI_TAKES_JSONL | CLI_TAKES_TEXT | CLI_TAKES_MODEL,
    .max_texts = CLI_ANY_TEXTS,
    .execute = search_command};

const cli_command cmd_index_measure = {
    .name = "index measure",
    .arguments = "< QUERIES.jsonl",
    .target = "INDEX",
    .summary =
        "Recall and time of searches, against reading all vectors: of {\"text\"} or {\"vector\"} a line on stdin.",
    .options = search_options,
    .n_options = 3,
    .takes = CLI_TAKES_TEXT | CLI_TAKES_MODEL,
    .execute = measure_command};

static int index_command(int argc, char **argv) {
    static const cli_command *const commands[] = {&cmd_index_build, &cmd_index_search, &cmd_index_add,
                                                  &cmd_index_remove, &cmd_index_measure};
    enum { N = sizeof commands / sizeof *commands };
    for (int i = 0; argc > 1 && i < N; i++)
        if (!strcmp(argv[1], commands[i]->name + strlen("index "))) return commands[i]->execute(argc - 1, argv + 1);
    cli_common common;
    if (argc == 1 || argv[1][0] == '-') return cli_parse(&cmd_index, argc, argv, &common, NULL);
    return cli_usage_error(&cmd_index, "'%s' is not one of build, search, add, remove, measure", argv[1]);
}

const cli_command cmd_index = {.name = "index",
                               .arguments = "FILE",
                               .target = "build|search|add|remove|measure",
                               .summary =
                                   "A vector index of items with texts or vectors: the nearest ones of a query, "
                                   "with filters.",
                               .notes = "llmcs index build --help, and so on, says more.",
                               .execute = index_command};
