/* llmcs classify: the class of each text. */
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "request.h"

typedef struct classify_job {
    llmcs_model *model;
    int32_t n_labels;
    float *scores; /* [n_labels] */
    bool all;
    cli_texts texts;
    llmcs_text_params params;
} classify_job;

static const cli_option options[] = {
    CLI_PLAIN("all", CLI_FLAG, offsetof(classify_job, all), "print every label's probability"),
    CLI_TEXTS_OPTIONS(classify_job),
};

static llmcs_status classify_request(void *user, const json_t *request, cli_answer *answer) {
    static const char *const keys[] = {"text", "pair", NULL};
    const classify_job *j = user;
    llmcs_text text = {0};
    llmcs_text_info info = {.struct_size = sizeof info};
    int32_t best;
    llmcs_status status;
    if ((status = request_check_keys(request, keys)) ||
        (status = request_text(request, "text", true, &text.text, &text.text_bytes)) ||
        (status = request_text(request, "pair", false, &text.pair, &text.pair_bytes)) ||
        (status = llmcs_classify(j->model, &text, 1, &j->params, j->scores, &best, &info)))
        return status;
    const char *label = llmcs_model_label(j->model, best);
    json_t *scores = json_object();
    for (int32_t i = 0; i < j->n_labels; i++)
        if (json_object_set_new(scores, llmcs_model_label(j->model, i), json_float((double)j->scores[i])))
            answer->failed = true;
    answer_set(answer, "label", json_text(label, strlen(label)));
    answer_set(answer, "label_id", json_integer(best));
    answer_set(answer, "score", json_float((double)j->scores[best]));
    answer_set(answer, "scores", scores);
    answer_add_text_info(answer, &info);
    return LLMCS_OK;
}

static void print_name(const char *name) { cli_print_escaped(stdout, name, strlen(name), true); }

static int classify_text(void *user, const char *bytes, size_t len) {
    const classify_job *j = user;
    llmcs_text text = {bytes, len, NULL, 0};
    llmcs_text_info info = {.struct_size = sizeof info};
    int32_t best;
    if (llmcs_classify(j->model, &text, 1, &j->params, j->scores, &best, &info)) return cli_failed("classify");
    cli_texts_warn(&info, bytes, len);
    print_name(llmcs_model_label(j->model, best));
    for (size_t n = strlen(llmcs_model_label(j->model, best)); n < 12; n++) putchar(' ');
    printf(" %.4f", (double)j->scores[best]);
    for (int32_t i = 0; j->all && i < j->n_labels; i++) {
        fputs("  ", stdout);
        print_name(llmcs_model_label(j->model, i));
        printf("=%.4f", (double)j->scores[i]);
    }
    fputs("  ", stdout);
    cli_print_escaped(stdout, bytes, len, false);
    putchar('\n');
    fflush(stdout);
    return EXIT_DONE;
}

static int classify_all(classify_job *j, const cli_common *common) {
    llmcs_model_info info;
    const int code = cli_need_head(common, j->model, LLMCS_HEAD_CLASSIFICATION, "classification", &info);
    if (code != EXIT_DONE) return code;
    j->n_labels = info.n_labels;
    j->scores = malloc((size_t)info.n_labels * sizeof *j->scores);
    if (!j->scores) return cli_error("no memory for %d labels", info.n_labels);
    return common->jsonl ? cli_jsonl(common, classify_request, j) : cli_each_text(common, classify_text, j);
}

static int classify_command(int argc, char **argv) {
    cli_common common;
    classify_job j = {.texts = CLI_TEXTS_DEFAULT};
    int code = cli_parse(&cmd_classify, argc, argv, &common, &j);
    if (code >= 0) return code;
    if (!cli_texts_read(&cmd_classify, &common, &j.texts, &j.params)) return EXIT_USAGE;
    if (cli_open(&common, NULL, &j.model)) return cli_failed("open");
    code = classify_all(&j, &common);
    free(j.scores);
    llmcs_model_free(&j.model);
    return code;
}

const cli_command cmd_classify = {
    .name = "classify",
    .arguments = "[text ...]",
    .summary = "The class of each text: each argument, or each line of stdin.",
    .notes = CLI_LINES_HELP,
    .jsonl_help =
        "{\"text\":\"...\", \"pair\":\"...\"?} -> {\"label\":\"...\", \"label_id\":n, \"score\":p,"
        "\"scores\":{\"label\":p,...}, \"tokens\":n, \"truncated\":false, \"windows\":1}; of labels of one name "
        "the second is \"name#2\".",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .takes = CLI_TAKES_JSONL | CLI_TAKES_TEXT | CLI_TAKES_MODEL,
    .max_texts = CLI_ANY_TEXTS,
    .execute = classify_command};
