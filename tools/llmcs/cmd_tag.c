/* llmcs tag: the parts of each text that have a label. */
#include <string.h>

#include "commands.h"
#include "request.h"

typedef struct tag_job {
    llmcs_model *model;
    int32_t aggregation;
    cli_texts texts;
    llmcs_text_params params;
} tag_job;

static const cli_option options[] = {
    CLI_CHOICE("aggregation", offsetof(tag_job, aggregation), "how tokens become spans [simple]",
               cli_aggregation_names),
    CLI_TEXTS_OPTIONS(tag_job),
};

static llmcs_status read_aggregation(const json_t *request, llmcs_aggregation *aggregation) {
    const json_t *value = json_object_get(request, "aggregation");
    if (!value || json_is_null(value)) return LLMCS_OK;
    for (int i = 0; json_is_string(value) && cli_aggregation_names[i]; i++)
        if (!strcmp(json_string_value(value), cli_aggregation_names[i])) {
            *aggregation = (llmcs_aggregation)i;
            return LLMCS_OK;
        }
    return request_error(LLMCS_ARG, "\"aggregation\" must be one of none, simple, first, max, average");
}

static llmcs_status tag_request(void *user, const json_t *request, cli_answer *answer) {
    static const char *const keys[] = {"text", "aggregation", NULL};
    const tag_job *j = user;
    llmcs_text text = {0};
    llmcs_text_params params = j->params;
    llmcs_text_info info = {.struct_size = sizeof info};
    llmcs_span_result *found = NULL;
    llmcs_status status;
    if ((status = request_check_keys(request, keys)) ||
        (status = request_text(request, "text", true, &text.text, &text.text_bytes)) ||
        (status = read_aggregation(request, &params.aggregation)) ||
        (status = llmcs_tag(j->model, &text, 1, &params, &info, &found)))
        return status;
    answer_set(answer, "spans", json_text_spans(found->texts[0], text.text));
    answer_add_text_info(answer, &info);
    llmcs_span_result_free(&found);
    return LLMCS_OK;
}

/* The text, and its spans a line each. */
static int tag_text(void *user, const char *bytes, size_t len) {
    const tag_job *j = user;
    const llmcs_text text = {bytes, len, NULL, 0};
    llmcs_text_info info = {.struct_size = sizeof info};
    llmcs_span_result *found = NULL;
    if (llmcs_tag(j->model, &text, 1, &j->params, &info, &found)) return cli_failed("tag");
    cli_texts_warn(&info, bytes, len);
    cli_print_escaped(stdout, bytes, len, false);
    putchar('\n');
    for (size_t i = 0; i < found->texts[0]->n_spans; i++) {
        const llmcs_text_span *s = found->texts[0]->spans[i];
        fputs("  ", stdout);
        cli_print_escaped(stdout, s->label, strlen(s->label), true);
        for (size_t n = strlen(s->label); n < 12; n++) putchar(' ');
        printf(" %.4f  ", (double)s->score);
        cli_print_escaped(stdout, bytes + s->begin, s->end - s->begin, true);
        putchar('\n');
    }
    llmcs_span_result_free(&found);
    fflush(stdout);
    return EXIT_DONE;
}

static int tag_all(tag_job *j, const cli_common *common) {
    llmcs_model_info info;
    const int code = cli_need_head(common, j->model, LLMCS_HEAD_TOKEN_CLASSIFICATION, "token-classification", &info);
    if (code != EXIT_DONE) return code;
    return common->jsonl ? cli_jsonl(common, tag_request, j) : cli_each_text(common, tag_text, j);
}

static int tag_command(int argc, char **argv) {
    cli_common common;
    tag_job j = {.texts = CLI_TEXTS_DEFAULT, .aggregation = LLMCS_AGGREGATE_SIMPLE};
    int code = cli_parse(&cmd_tag, argc, argv, &common, &j);
    if (code >= 0) return code;
    if (!cli_texts_read(&cmd_tag, &common, &j.texts, &j.params)) return EXIT_USAGE;
    j.params.aggregation = (llmcs_aggregation)j.aggregation;
    if (cli_open(&common, NULL, &j.model)) return cli_failed("open");
    code = tag_all(&j, &common);
    llmcs_model_free(&j.model);
    return code;
}

const cli_command cmd_tag = {
    .name = "tag",
    .arguments = "[text ...]",
    .summary = "The parts of each text that have a label: names, addresses, products (token classification).",
    .notes = CLI_LINES_HELP,
    .jsonl_help =
        "{\"text\":\"...\", \"aggregation\":\"simple\"?} -> {\"spans\":[{\"label\":\"...\", \"score\":p, \"begin\":n, "
        "\"end\":n, \"text\":\"...\"},...], \"tokens\":n, \"truncated\":false, \"windows\":1}; begin and end count "
        "bytes of UTF-8.",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .takes = CLI_TAKES_JSONL | CLI_TAKES_TEXT | CLI_TAKES_MODEL,
    .max_texts = CLI_ANY_TEXTS,
    .execute = tag_command};
