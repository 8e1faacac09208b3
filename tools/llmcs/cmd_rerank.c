/* llmcs rerank: how well each document answers a query, the best first. */
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "request.h"

typedef struct rerank_job {
    llmcs_model *model;
    int32_t score, top_n;
    const char *prompt;
    cli_texts texts;
    llmcs_text_params params;
} rerank_job;

static const cli_option options[] = {
    CLI_CHOICE("rerank_score", offsetof(rerank_job, score), "[auto: as the folder says, else a probability]",
               cli_rerank_score_names),
    CLI_BOUNDED("top_n", offsetof(rerank_job, top_n), "only the best documents [0: all]", 0, INT32_MAX),
    CLI_PLAIN("prompt", CLI_STRING, offsetof(rerank_job, prompt),
              "the task of a language model [to find passages that answer a web search]"),
    CLI_TEXTS_OPTIONS(rerank_job),
};

/* Documents and their scores. */
typedef struct documents {
    llmcs_text *texts;
    float *scores;
    llmcs_text_info *infos;
    size_t n, capacity;
} documents;

static void free_documents(documents *d) {
    free(d->texts);
    free(d->scores);
    free(d->infos);
}

static bool alloc_results(documents *d) {
    d->scores = calloc(d->n + 1, sizeof *d->scores);
    d->infos = calloc(d->n + 1, sizeof *d->infos);
    if (d->infos) d->infos[0].struct_size = sizeof *d->infos;
    return d->scores && d->infos;
}

static llmcs_status read_documents(const json_t *request, documents *d) {
    const json_t *list = json_object_get(request, "docs");
    if (!json_is_array(list)) return request_error(LLMCS_ARG, "docs: expected an array of texts");
    d->texts = calloc(json_array_size(list) + 1, sizeof *d->texts);
    if (!d->texts) return request_error(LLMCS_NOMEM, "no memory for %zu documents", json_array_size(list));
    for (; d->n < json_array_size(list); d->n++) {
        const json_t *doc = json_array_get(list, d->n);
        if (!json_is_string(doc)) return request_error(LLMCS_ARG, "docs: element %zu is not a text", d->n);
        d->texts[d->n] = (llmcs_text){json_string_value(doc), json_string_length(doc), NULL, 0};
    }
    return alloc_results(d) ? LLMCS_OK : request_error(LLMCS_NOMEM, "no memory for %zu documents", d->n);
}

static llmcs_status rerank_request(void *user, const json_t *request, cli_answer *answer) {
    static const char *const keys[] = {"query", "docs", NULL};
    const rerank_job *j = user;
    documents d = {0};
    const char *query;
    size_t n_query;
    llmcs_status status = request_check_keys(request, keys);
    if (!status) status = request_text(request, "query", true, &query, &n_query);
    if (!status) status = read_documents(request, &d);
    if (!status) status = llmcs_rerank(j->model, query, n_query, d.texts, d.n, &j->params, d.scores, d.infos);
    if (!status) {
        json_t *truncated = json_array();
        for (size_t i = 0; i < d.n; i++)
            if (d.infos[i].truncated) json_array_append_new(truncated, json_integer((json_int_t)i));
        answer_set(answer, "scores", json_floats(d.scores, d.n));
        answer_set(answer, "truncated", truncated);
    }
    free_documents(&d);
    return status;
}

/* ---- the query is the first argument, the documents are the others or the lines of stdin */

static int add_document(void *user, const char *bytes, size_t len) {
    documents *d = user;
    if (d->n == d->capacity) {
        const size_t capacity = d->capacity ? 2 * d->capacity : 64;
        llmcs_text *grown = realloc(d->texts, capacity * sizeof *grown);
        if (!grown) return cli_error("no memory for %zu documents", capacity);
        d->texts = grown;
        d->capacity = capacity;
    }
    char *copy = malloc(len + 1);
    if (!copy) return cli_error("no memory for a document of %zu bytes", len);
    memcpy(copy, bytes, len);
    d->texts[d->n++] = (llmcs_text){copy, len, NULL, 0};
    return EXIT_DONE;
}

static int print_best(const rerank_job *j, const documents *d) {
    const size_t n_wanted = j->top_n && (size_t)j->top_n < d->n ? (size_t)j->top_n : d->n;
    cli_ranked *order = cli_rank(d->scores, d->n);
    if (!order) return cli_error("no memory for %zu documents", d->n);
    for (size_t k = 0; k < n_wanted; k++) {
        const size_t i = order[k].item;
        cli_texts_warn(&d->infos[i], d->texts[i].text, d->texts[i].text_bytes);
        printf("%.4f  ", (double)d->scores[i]);
        cli_print_escaped(stdout, d->texts[i].text, d->texts[i].text_bytes, true);
        putchar('\n');
    }
    free(order);
    return EXIT_DONE;
}

static int rerank_texts(const rerank_job *j, const cli_common *common) {
    cli_common rest = *common;
    documents d = {0};
    const char *query = common->texts[0];
    rest.texts++;
    rest.n_texts--;
    if (!cli_check_utf8(common, query, strlen(query), 0)) return EXIT_FAILED;
    int code = cli_each_text(&rest, add_document, &d);
    if (code == EXIT_DONE && !alloc_results(&d)) code = cli_error("no memory for %zu documents", d.n);
    if (code == EXIT_DONE && llmcs_rerank(j->model, query, LLMCS_NUL, d.texts, d.n, &j->params, d.scores, d.infos))
        code = cli_failed("rerank");
    if (code == EXIT_DONE) code = print_best(j, &d);
    for (size_t i = 0; i < d.n; i++) free((char *)(uintptr_t)d.texts[i].text);
    free_documents(&d);
    return code;
}

static int rerank_all(rerank_job *j, const cli_common *common) {
    llmcs_model_info info;
    const int code =
        cli_need_head(common, j->model, LLMCS_HEAD_CLASSIFICATION | LLMCS_HEAD_CAUSAL_LM, "classification", &info);
    if (code != EXIT_DONE) return code;
    return common->jsonl ? cli_jsonl(common, rerank_request, j) : rerank_texts(j, common);
}

static int rerank_command(int argc, char **argv) {
    cli_common common;
    rerank_job j = {.texts = CLI_TEXTS_DEFAULT};
    int code = cli_parse(&cmd_rerank, argc, argv, &common, &j);
    if (code >= 0) return code;
    if (!cli_texts_read(&cmd_rerank, &common, &j.texts, &j.params)) return EXIT_USAGE;
    j.params.rerank_score = (llmcs_rerank_score)j.score;
    j.params.prompt = j.prompt;
    if (cli_open(&common, NULL, &j.model)) return cli_failed("open");
    code = rerank_all(&j, &common);
    llmcs_model_free(&j.model);
    return code;
}

const cli_command cmd_rerank = {
    .name = "rerank",
    .arguments = "query [document ...]",
    .summary = "How well each document answers the query, best first: each argument after it, or each line of stdin.",
    .notes = CLI_LINES_HELP,
    .jsonl_help =
        "{\"query\":\"...\", \"docs\":[\"...\", ...]} -> {\"scores\":[p, ...], \"truncated\":[n, ...]}: scores "
        "in the order of docs, and the numbers of those whose end was cut off.",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .takes = CLI_TAKES_JSONL | CLI_TAKES_TEXT | CLI_TAKES_MODEL,
    .min_texts = 1,
    .max_texts = CLI_ANY_TEXTS,
    .execute = rerank_command};
