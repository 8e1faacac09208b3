#include <stdlib.h>
#include <string.h>

#include "cli.h"

typedef struct job {
    llmcs_model *model;
    int32_t n_labels;
    float *scores; /* [n_labels] */
    bool all;
    cli_texts texts;
    llmcs_text_params params;
} job;

static const cli_option options[] = {
    {"all", CLI_FLAG, offsetof(job, all), "print every label's probability"},
    CLI_TEXTS_OPTIONS(job),
};
static const size_t n_options = sizeof options / sizeof *options;

static llmcs_status answer(void *user, const json_t *request) {
    static const char *const keys[] = {"text", "pair", NULL};
    const job *j = user;
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
    fputs("{\"label\":", stdout);
    out_string(label, strlen(label));
    fputs(",\"score\":", stdout);
    out_float((double)j->scores[best]);
    fputs(",\"scores\":{", stdout);
    for (int32_t i = 0; i < j->n_labels; i++) {
        if (i) putchar(',');
        label = llmcs_model_label(j->model, i);
        out_string(label, strlen(label));
        putchar(':');
        out_float((double)j->scores[i]);
    }
    putchar('}');
    out_text_info(&info);
    putchar('}');
    return LLMCS_OK;
}

static int print_text(void *user, const char *bytes, size_t len) {
    const job *j = user;
    llmcs_text text = {bytes, len, NULL, 0};
    llmcs_text_info info = {.struct_size = sizeof info};
    int32_t best;
    if (llmcs_classify(j->model, &text, 1, &j->params, j->scores, &best, &info)) return cli_failed("classify");
    cli_texts_warn(&info, bytes, len);
    printf("%-12s %.4f", llmcs_model_label(j->model, best), (double)j->scores[best]);
    for (int32_t i = 0; j->all && i < j->n_labels; i++)
        printf("  %s=%.4f", llmcs_model_label(j->model, i), (double)j->scores[i]);
    printf("  %.*s\n", (int)len, bytes);
    fflush(stdout);
    return EXIT_OK;
}

static int work(job *j, const cli_common *common) {
    llmcs_model_info info = {.struct_size = sizeof info};
    if (llmcs_model_get_info(j->model, &info)) return cli_failed("open");
    if (!(info.heads & LLMCS_HEAD_CLASSIFICATION)) {
        fprintf(stderr, "llmcs: %s: no classification head (%s)\n", common->folder, info.architecture);
        return EXIT_FAILED;
    }
    j->n_labels = info.n_labels;
    j->scores = malloc((size_t)info.n_labels * sizeof *j->scores);
    if (!j->scores) return cli_failed("no memory");
    return common->jsonl ? cli_jsonl(answer, j) : cli_each_text(common, print_text, j);
}

static int run(int argc, char **argv) {
    cli_common common;
    job j = {0};
    int code = cli_parse(&cmd_classify, argc, argv, &common, &j);
    if (code >= 0) return code;
    if (!cli_texts_read(&cmd_classify, &j.texts, &j.params)) return EXIT_USAGE;
    if (cli_open(&common, &j.model)) return cli_failed("open");
    code = work(&j, &common);
    free(j.scores);
    llmcs_model_free(&j.model);
    return code;
}

const cli_command cmd_classify = {
    "classify",
    "[text ...]",
    "The class of each text: each argument, or each line of stdin.",
    "{\"text\":\"...\",\"pair\":\"...\"?} -> {\"label\":\"...\",\"score\":p,\"scores\":{\"label\":p,...},"
    "\"tokens\":n,\"truncated\":false,\"windows\":1}",
    options,
    &n_options,
    run};
