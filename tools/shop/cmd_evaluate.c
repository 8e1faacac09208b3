/* llmcs-shop evaluate: computes metrics over JSON Lines with intervals, and compares two systems. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "request.h"

enum { MAX_METRICS = 64, MAX_SIGNATURE = 256 };

typedef struct evaluate_job {
    cli_strings metrics; /* each may be a comma-separated list */
    const char *value_key, *wordnet;
    bool jsonl, compare, rows;
    int32_t tokenizer, n_samples, n_bins;
    bool lowercase, stem;
    uint64_t seed;
    char *names[MAX_METRICS];
    size_t n;
} evaluate_job;

static const char *const tokenizer_names[] = {"auto", "13a", "zh", "char", NULL};

#define AT(member) offsetof(evaluate_job, member)
static const cli_option options[] = {
    CLI_PLAIN("metric", CLI_STRINGS, AT(metrics), "metrics, separated by commas; may be given several times"),
    CLI_PLAIN("jsonl", CLI_FLAG, AT(jsonl), "read the lines from stdin"),
    CLI_PLAIN("compare", CLI_FLAG, AT(compare), "compare two files, A and B, with the same rows"),
    CLI_PLAIN("rows", CLI_FLAG, AT(rows), "also the score of each row, for metrics that have one"),
    CLI_CHOICE("tokenize", AT(tokenizer), "words of BLEU [auto: zh where references are Chinese, else 13a]",
               tokenizer_names),
    CLI_PLAIN("lowercase", CLI_FLAG, AT(lowercase), "BLEU and chrF ignore case"),
    CLI_PLAIN("stem", CLI_FLAG, AT(stem), "ROUGE compares stems (Porter)"),
    CLI_PLAIN("wordnet", CLI_STRING, AT(wordnet),
              "folder of WordNet's index files for METEOR's synonyms [/usr/share/wordnet if it exists]; '' for none"),
    CLI_BOUNDED("bins", AT(n_bins), "bins of ECE [15]", 1, 1000),
    CLI_PLAIN("value_key", CLI_STRING, AT(value_key), "key of the number for mean, max and p1 to p99 [ms]"),
    CLI_BOUNDED("samples", AT(n_samples), "bootstrap samples [1000]", 1, 1000000),
    CLI_PLAIN("seed", CLI_UINT64, AT(seed), "seed of the samples [12345]"),
};

/* ---- a row */

static llmcs_status list_error(const char *key) {
    return request_error(LLMCS_ARG, "\"%s\" must be a string or a list of strings that is not empty", key);
}

/* Reads a string or a list of strings. The caller frees both arrays. */
typedef struct texts {
    const char **items;
    size_t *bytes, n;
} texts;

static llmcs_status read_texts(const json_t *value, const char *key, texts *t) {
    const bool single = json_is_string(value);
    t->n = single ? 1 : json_array_size(value);
    if (!t->n) return list_error(key);
    t->items = malloc(t->n * sizeof *t->items);
    t->bytes = malloc(t->n * sizeof *t->bytes);
    if (!t->items || !t->bytes) return request_error(LLMCS_NOMEM, "no memory for \"%s\"", key);
    for (size_t i = 0; i < t->n; i++) {
        const json_t *item = single ? value : json_array_get(value, i);
        if (!json_is_string(item)) return list_error(key);
        t->items[i] = json_string_value(item);
        t->bytes[i] = json_string_length(item);
    }
    return LLMCS_OK;
}

static llmcs_status add_text(llmcs_shop_measure *measure, const json_t *row) {
    const char *hypothesis;
    size_t bytes;
    texts references = {0};
    const json_t *value = json_object_get(row, "references");
    llmcs_status status = request_text(row, "hypothesis", true, &hypothesis, &bytes);
    if (!status) status = read_texts(value ? value : json_object_get(row, "reference"), "references", &references);
    if (!status)
        status =
            llmcs_shop_measure_add_text(measure, hypothesis, bytes, references.items, references.bytes, references.n);
    free(references.items);
    free(references.bytes);
    return status;
}

/* A label or an id: a string, or the JSON text of a number or boolean, which is kept in `store`. */
static llmcs_status read_name(const json_t *value, const char *key, char store[32], const char **name) {
    *name = store;
    if (json_is_string(value)) {
        *name = json_string_value(value);
        if (strlen(*name) == json_string_length(value)) return LLMCS_OK;
    } else if (json_is_integer(value)) {
        snprintf(store, 32, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        return LLMCS_OK;
    } else if (json_is_boolean(value)) {
        snprintf(store, 32, "%s", json_is_true(value) ? "true" : "false");
        return LLMCS_OK;
    }
    if (!value || json_is_null(value)) return request_error(LLMCS_ARG, "key \"%s\" is missing", key);
    return request_error(LLMCS_ARG, "\"%s\" must be a string without NUL, an integer, true or false", key);
}

/* Reads {"label": probability, ...}, or one number, the probability of "1" or true. */
static llmcs_status read_scores(const json_t *value, const char ***names, double **scores, size_t *n) {
    *names = NULL;
    *scores = NULL;
    *n = !value || json_is_null(value) ? 0 : json_is_object(value) ? json_object_size(value) : 1;
    if (!*n) return LLMCS_OK;
    *names = malloc(*n * sizeof **names);
    *scores = malloc(*n * sizeof **scores);
    if (!*names || !*scores) return request_error(LLMCS_NOMEM, "no memory for \"scores\"");
    if (json_is_number(value)) {
        free(*names);
        *names = NULL;
        **scores = json_number_value(value);
        return LLMCS_OK;
    }
    size_t i = 0;
    for (void *at = json_object_iter((json_t *)value); at; at = json_object_iter_next((json_t *)value, at), i++) {
        (*names)[i] = json_object_iter_key(at);
        (*scores)[i] = json_number_value(json_object_iter_value(at));
        if (!json_is_number(json_object_iter_value(at))) break;
    }
    if (i == *n) return LLMCS_OK;
    return request_error(LLMCS_ARG, "\"scores\" must be a number or an object of labels and their probabilities");
}

static llmcs_status add_label(llmcs_shop_measure *measure, const json_t *row) {
    char label_store[32], prediction_store[32];
    const char *label, *prediction, **names = NULL;
    double *scores = NULL;
    size_t n = 0;
    llmcs_status status = read_name(json_object_get(row, "label"), "label", label_store, &label);
    if (!status) status = read_name(json_object_get(row, "prediction"), "prediction", prediction_store, &prediction);
    if (!status) status = read_scores(json_object_get(row, "scores"), &names, &scores, &n);
    if (!status) status = llmcs_shop_measure_add_label(measure, label, prediction, names, scores, n);
    free(names);
    free(scores);
    return status;
}

typedef struct ids {
    char (*stores)[32];
    const char **items;
    double *gains; /* NULL: 1 each */
    size_t n;
} ids;

/* Reads a list of ids, or an object with ids and gains. */
static llmcs_status read_ids(const json_t *value, const char *key, ids *list) {
    const bool graded = json_is_object(value);
    if (!graded && !json_is_array(value)) return request_error(LLMCS_ARG, "\"%s\" must be a list of ids", key);
    list->n = graded ? json_object_size(value) : json_array_size(value);
    list->stores = malloc((list->n + 1) * sizeof *list->stores);
    list->items = malloc((list->n + 1) * sizeof *list->items);
    if (graded) list->gains = malloc((list->n + 1) * sizeof *list->gains);
    if (!list->stores || !list->items || (graded && !list->gains))
        return request_error(LLMCS_NOMEM, "no memory for \"%s\"", key);
    llmcs_status status = LLMCS_OK;
    if (!graded) {
        for (size_t i = 0; i < list->n && !status; i++)
            status = read_name(json_array_get(value, i), key, list->stores[i], &list->items[i]);
        return status;
    }
    size_t i = 0;
    for (void *at = json_object_iter((json_t *)value); at; at = json_object_iter_next((json_t *)value, at), i++) {
        list->items[i] = json_object_iter_key(at);
        list->gains[i] = json_number_value(json_object_iter_value(at));
        if (!json_is_number(json_object_iter_value(at)))
            return request_error(LLMCS_ARG, "\"%s\" must have numbers as gains", key);
    }
    return LLMCS_OK;
}

static void free_ids(ids *list) {
    free(list->stores);
    free(list->items);
    free(list->gains);
}

static llmcs_status add_ranking(llmcs_shop_measure *measure, const json_t *row) {
    ids relevant = {0}, ranked = {0};
    llmcs_status status = read_ids(json_object_get(row, "relevant"), "relevant", &relevant);
    if (!status) status = read_ids(json_object_get(row, "ranked"), "ranked", &ranked);
    if (!status && !relevant.n)
        status = request_error(LLMCS_ARG, "\"relevant\" is empty: a query without a right answer has no score");
    if (!status)
        status =
            llmcs_shop_measure_add_ranking(measure, relevant.items, relevant.gains, relevant.n, ranked.items, ranked.n);
    free_ids(&relevant);
    free_ids(&ranked);
    return status;
}

static llmcs_status add_value(llmcs_shop_measure *measure, const char *key, const json_t *row) {
    const json_t *value = json_object_get(row, key);
    if (!value) return request_error(LLMCS_ARG, "key \"%s\" is missing", key);
    if (!json_is_number(value) && !json_is_boolean(value))
        return request_error(LLMCS_ARG, "\"%s\" must be a number, true or false", key);
    return llmcs_shop_measure_add_value(measure,
                                        json_is_boolean(value) ? json_is_true(value) : json_number_value(value));
}

static llmcs_status add_row(const evaluate_job *j, llmcs_shop_measure **measures, const json_t *row) {
    llmcs_status status = LLMCS_OK;
    for (size_t i = 0; i < j->n && !status; i++) {
        switch (llmcs_shop_measure_row_kind(measures[i])) {
            case LLMCS_SHOP_ROW_TEXT:
                status = add_text(measures[i], row);
                break;
            case LLMCS_SHOP_ROW_LABEL:
                status = add_label(measures[i], row);
                break;
            case LLMCS_SHOP_ROW_RANKING:
                status = add_ranking(measures[i], row);
                break;
            default:
                status = add_value(measures[i], strcmp(j->names[i], "completion") ? j->value_key : "completed", row);
        }
    }
    return status;
}

/* ---- a file of rows */

static llmcs_status add_line(const evaluate_job *j, llmcs_shop_measure **measures, const cli_lines *lines) {
    cli_request request = {0};
    llmcs_status status = lines->too_long ? request_too_long(lines) : request_parse(lines->line, lines->len, &request);
    if (!status) status = add_row(j, measures, request.json);
    request_free(&request);
    return status;
}

/* Reads all lines of a file, or of stdin for NULL. An invalid line ends the evaluation, because a score without it
 * would look like a score of all lines. */
static int read_rows(const cli_common *common, const evaluate_job *j, const char *path, llmcs_shop_measure **measures) {
    cli_lines lines = {.max_bytes = (size_t)common->max_line_bytes};
    if (path && !(lines.from = fopen(path, "re"))) return cli_error("%s: cannot be opened", path);
    int code = EXIT_DONE;
    while (code == EXIT_DONE && cli_next_line(&lines)) {
        if (cli_is_blank(lines.line, lines.len)) continue;
        const llmcs_status status = add_line(j, measures, &lines);
        if (!status) continue;
        answer_print_error(status, request_message(), lines.number, NULL);
        code = cli_error("%s: line %zu: %s", path ? path : "stdin", lines.number, request_message());
    }
    if (lines.failed) code = EXIT_FAILED;
    if (code == EXIT_DONE && !llmcs_shop_measure_rows(measures[0]))
        code = cli_error("%s: there are no lines", path ? path : "stdin");
    cli_lines_free(&lines);
    if (lines.from) fclose(lines.from);
    return code;
}

static int create_measures(const evaluate_job *j, llmcs_shop_measure **measures) {
    llmcs_shop_measure_params params;
    llmcs_shop_measure_params_init(&params);
    params.tokenizer = (llmcs_shop_tokenizer)j->tokenizer;
    params.lowercase = j->lowercase;
    params.stem = j->stem;
    params.n_bins = j->n_bins;
    params.wordnet = j->wordnet;
    for (size_t i = 0; i < j->n; i++)
        if (llmcs_shop_measure_create(j->names[i], &params, &measures[i])) return cli_failed("evaluate");
    return EXIT_DONE;
}

static void free_measures(const evaluate_job *j, llmcs_shop_measure **measures) {
    for (size_t i = 0; i < j->n; i++) llmcs_shop_measure_free(&measures[i]);
}

/* ---- the answer */

static json_t *json_signature(const evaluate_job *j, const llmcs_shop_measure *measure) {
    char signature[MAX_SIGNATURE] = "", all[MAX_SIGNATURE + 64];
    size_t needed;
    llmcs_shop_measure_signature(measure, signature, sizeof signature, &needed);
    snprintf(all, sizeof all, "%s|bs:%d|seed:%llu", signature, j->n_samples, (unsigned long long)j->seed);
    return json_string(all);
}

static llmcs_shop_bootstrap bootstrap_of(const evaluate_job *j) {
    llmcs_shop_bootstrap b;
    llmcs_shop_bootstrap_init(&b);
    b.seed = j->seed;
    b.n_samples = j->n_samples;
    return b;
}

/* {"score","low","high"} */
static llmcs_status json_estimate(const evaluate_job *j, const llmcs_shop_measure *measure, json_t **estimate) {
    const llmcs_shop_bootstrap bootstrap = bootstrap_of(j);
    llmcs_shop_interval interval = {.struct_size = sizeof interval};
    double score;
    llmcs_status status = llmcs_shop_measure_score(measure, &score);
    if (!status) status = llmcs_shop_measure_interval(measure, &bootstrap, &interval);
    if (status) return status;
    *estimate = json_pack("{sfsfsf}", "score", score, "low", interval.low, "high", interval.high);
    return *estimate ? LLMCS_OK : request_error(LLMCS_NOMEM, "no memory for the answer");
}

static json_t *json_rows(const llmcs_shop_measure *measure) {
    json_t *rows = json_array();
    double score;
    for (size_t i = 0; i < llmcs_shop_measure_rows(measure); i++) {
        if (llmcs_shop_measure_row_score(measure, i, &score)) {
            json_decref(rows);
            return json_null();
        }
        json_array_append_new(rows, json_real(score));
    }
    return rows;
}

static int evaluate_one(const cli_common *common, const evaluate_job *j, const char *path) {
    llmcs_shop_measure *measures[MAX_METRICS] = {NULL};
    cli_answer answer;
    answer_init(&answer);
    answer.digits = 17;
    int code = create_measures(j, measures);
    if (code == EXIT_DONE) code = read_rows(common, j, path, measures);
    if (code == EXIT_DONE) answer_set(&answer, "n", json_integer((json_int_t)llmcs_shop_measure_rows(measures[0])));
    for (size_t i = 0; i < j->n && code == EXIT_DONE; i++) {
        json_t *estimate = NULL;
        if (json_estimate(j, measures[i], &estimate)) {
            code = cli_failed("evaluate");
            break;
        }
        json_object_set_new(estimate, "signature", json_signature(j, measures[i]));
        if (j->rows) json_object_set_new(estimate, "rows", json_rows(measures[i]));
        answer_set(&answer, j->names[i], estimate);
    }
    if (code == EXIT_DONE && (answer.failed || !answer_print(&answer, NULL)))
        code = cli_error("no memory for the answer");
    answer_free(&answer);
    free_measures(j, measures);
    return code;
}

static llmcs_status json_comparison(const evaluate_job *j, const llmcs_shop_measure *a, const llmcs_shop_measure *b,
                                    json_t **comparison) {
    const llmcs_shop_bootstrap bootstrap = bootstrap_of(j);
    llmcs_shop_comparison c = {.struct_size = sizeof c};
    json_t *of_a = NULL, *of_b = NULL;
    llmcs_status status = json_estimate(j, a, &of_a);
    if (!status) status = json_estimate(j, b, &of_b);
    if (!status) status = llmcs_shop_measure_compare(a, b, &bootstrap, &c);
    if (status) {
        json_decref(of_a);
        json_decref(of_b);
        return status;
    }
    *comparison = json_pack("{sososfsfsfsfso}", "a", of_a, "b", of_b, "difference", c.difference, "low", c.low, "high",
                            c.high, "p", c.p, "signature", json_signature(j, a));
    return *comparison ? LLMCS_OK : request_error(LLMCS_NOMEM, "no memory for the answer");
}

static int compare_two(const cli_common *common, const evaluate_job *j) {
    llmcs_shop_measure *a[MAX_METRICS] = {NULL}, *b[MAX_METRICS] = {NULL};
    cli_answer answer;
    answer_init(&answer);
    answer.digits = 17;
    int code = create_measures(j, a);
    if (code == EXIT_DONE) code = create_measures(j, b);
    if (code == EXIT_DONE) code = read_rows(common, j, common->texts[0], a);
    if (code == EXIT_DONE) code = read_rows(common, j, common->texts[1], b);
    if (code == EXIT_DONE) answer_set(&answer, "n", json_integer((json_int_t)llmcs_shop_measure_rows(a[0])));
    for (size_t i = 0; i < j->n && code == EXIT_DONE; i++) {
        json_t *comparison = NULL;
        if (json_comparison(j, a[i], b[i], &comparison))
            code = cli_failed("evaluate");
        else
            answer_set(&answer, j->names[i], comparison);
    }
    if (code == EXIT_DONE && (answer.failed || !answer_print(&answer, NULL)))
        code = cli_error("no memory for the answer");
    answer_free(&answer);
    free_measures(j, a);
    free_measures(j, b);
    return code;
}

/* ---- the command */

/* Splits the lists at commas. */
static bool split_metrics(evaluate_job *j) {
    for (size_t i = 0; i < j->metrics.n; i++)
        for (const char *at = j->metrics.items[i]; *at;) {
            const size_t n = strcspn(at, ",");
            if (n && (j->n == MAX_METRICS || !(j->names[j->n] = strndup(at, n)))) return false;
            if (n) j->n++;
            at += n + (at[n] == ',');
        }
    return true;
}

static int evaluate_command(int argc, char **argv) {
    cli_common common;
    evaluate_job j = {.n_samples = 1000, .n_bins = 15, .seed = 12345, .value_key = "ms"};
    int code = cli_parse(&cmd_evaluate, argc, argv, &common, &j);
    if (code >= 0) return code;
    if (!j.wordnet && !access("/usr/share/wordnet/index.noun", R_OK)) j.wordnet = "/usr/share/wordnet";
    if (j.wordnet && !*j.wordnet) j.wordnet = NULL;
    if (j.compare ? common.n_texts != 2 || j.jsonl : common.n_texts != !j.jsonl)
        code = cli_usage_error(&cmd_evaluate, "expected one of: --jsonl, with lines on stdin; FILE; --compare A B");
    else if (!split_metrics(&j))
        code = cli_error("--metric: more than %d metrics", MAX_METRICS);
    else if (!j.n)
        code = cli_usage_error(&cmd_evaluate, "--metric is missing");
    else
        code = j.compare ? compare_two(&common, &j) : evaluate_one(&common, &j, j.jsonl ? NULL : common.texts[0]);
    for (size_t i = 0; i < j.n; i++) free(j.names[i]);
    return code;
}

const cli_command cmd_evaluate = {
    .name = "evaluate",
    .arguments = "--metric LIST (--jsonl | FILE | --compare A B)",
    .target = "",
    .summary =
        "Scores answers, labels, rankings and dialogues: each metric with its 95 % bootstrap interval and a signature "
        "of "
        "how it was computed. Prints one JSON object.",
    .notes =
        "Metrics and their lines:\n"
        "bleu, chrf, chrf++, rouge1 to rouge9, rougeL, rougeLsum, meteor: {\"hypothesis\":\"...\", "
        "\"references\":[\"...\"]}\n"
        "accuracy, f1_micro, f1_macro, mcc, ece, auroc: {\"label\":\"a\", \"prediction\":\"b\", "
        "\"scores\":{\"a\":0.3,\"b\":0.7}?}; for a task of yes and no \"label\" and \"prediction\" are true, false, 1 "
        "or 0 and \"scores\" is the probability of yes\n"
        "recall@K, mrr, mrr@K, ndcg, ndcg@K: {\"relevant\":[\"id\"] or {\"id\":gain}, \"ranked\":[\"id\"]}\n"
        "completion: {\"completed\":true}; mean, max, p1 to p99: {\"ms\":12.5}\n\n"
        "{\"n\":N, \"bleu\":{\"score\",\"low\",\"high\",\"signature\"}, ...}; with --compare {\"a\":{\"score\",\"low\","
        "\"high\"}, \"b\":{...}, \"difference\",\"low\",\"high\",\"p\",\"signature\"}: difference is B - A, p is "
        "sacreBLEU's paired bootstrap. Corpus BLEU and chrF equal sacreBLEU's, ROUGE rouge-score's.",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .max_texts = 2,
    .execute = evaluate_command};
