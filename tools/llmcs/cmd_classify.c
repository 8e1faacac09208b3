/* llmcs classify: the class of each text, the model's own or one of --labels. */
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "label_set.h"

typedef struct classify_job {
    llmcs_model *model;
    int32_t n_labels;
    float *scores;      /* [n_labels] */
    const char **names; /* [n_labels] the model's */
    bool all, multi_label;
    const char *labels, *hypothesis;
    label_set set; /* of --labels; n is 0 without */
    cli_texts texts;
    llmcs_text_params params;
} classify_job;

static const cli_option options[] = {
    CLI_PLAIN("all", CLI_FLAG, offsetof(classify_job, all), "print every label's probability"),
    CLI_PLAIN("labels", CLI_STRING, offsetof(classify_job, labels),
              "\"a,b,c\": the class of each text among these, with a model of natural language inference"),
    CLI_PLAIN("hypothesis", CLI_STRING, offsetof(classify_job, hypothesis),
              "sentence for the NLI model, {} is the label [This example is {}.]"),
    CLI_PLAIN("multi_label", CLI_FLAG, offsetof(classify_job, multi_label),
              "several of --labels may hold: the probability of each alone"),
    CLI_TEXTS_OPTIONS(classify_job),
};

/* A request with labels of its own, or those of --labels. */
static llmcs_status zero_shot_request(const classify_job *j, const json_t *request, label_set *set,
                                      cli_answer *answer) {
    static const char *const keys[] = {"text", "labels", "hypothesis", "multi_label", NULL};
    llmcs_text_params params = j->params;
    const char *text, *hypothesis;
    size_t len, unused;
    bool multi_label;
    llmcs_status status;
    if ((status = request_check_keys(request, keys)) || (status = request_text(request, "text", true, &text, &len)) ||
        (status = request_text(request, "hypothesis", false, &hypothesis, &unused)) ||
        (status = request_bool(request, "multi_label", j->multi_label, &multi_label)))
        return status;
    if (hypothesis) params.hypothesis = hypothesis;
    params.multi_label = multi_label;
    if ((status = label_set_score(set, j->model, text, len, &params))) return status;
    answer_add_classes(answer, (const char *const *)set->names, set->scores, set->n, set->best);
    answer_add_text_info(answer, &set->info);
    return LLMCS_OK;
}

static llmcs_status own_labels_request(const classify_job *j, const json_t *request, const json_t *labels,
                                       cli_answer *answer) {
    label_set set = {0};
    llmcs_status status = label_set_read(&set, labels);
    if (!status) status = zero_shot_request(j, request, &set, answer);
    label_set_free(&set);
    return status;
}

static llmcs_status classify_request(void *user, const json_t *request, cli_answer *answer) {
    static const char *const keys[] = {"text", "pair", NULL};
    classify_job *j = user;
    const json_t *labels = json_object_get(request, "labels");
    llmcs_text text = {0};
    llmcs_text_info info = {.struct_size = sizeof info};
    int32_t best;
    llmcs_status status;
    if (labels && !json_is_null(labels)) return own_labels_request(j, request, labels, answer);
    if (j->set.n) return zero_shot_request(j, request, &j->set, answer);
    if ((status = request_check_keys(request, keys)) ||
        (status = request_text(request, "text", true, &text.text, &text.text_bytes)) ||
        (status = request_text(request, "pair", false, &text.pair, &text.pair_bytes)) ||
        (status = llmcs_classify(j->model, &text, 1, &j->params, j->scores, &best, &info)))
        return status;
    answer_add_classes(answer, j->names, j->scores, (size_t)j->n_labels, (size_t)best);
    answer_set(answer, "label_id", json_integer(best));
    answer_add_text_info(answer, &info);
    return LLMCS_OK;
}

static void print_name(const char *name) { cli_print_escaped(stdout, name, strlen(name), true); }

/* Prints the best label, with `all` the others too, and the text. */
static void print_scores(const classify_job *j, const char *const *names, size_t n, size_t best, const float *scores,
                         const char *bytes, size_t len) {
    print_name(names[best]);
    for (size_t width = strlen(names[best]); width < 12; width++) putchar(' ');
    printf(" %.4f", (double)scores[best]);
    for (size_t i = 0; j->all && i < n; i++) {
        fputs("  ", stdout);
        print_name(names[i]);
        printf("=%.4f", (double)scores[i]);
    }
    fputs("  ", stdout);
    cli_print_escaped(stdout, bytes, len, false);
    putchar('\n');
    fflush(stdout);
}

static int classify_text(void *user, const char *bytes, size_t len) {
    const classify_job *j = user;
    llmcs_text text = {bytes, len, NULL, 0};
    llmcs_text_info info = {.struct_size = sizeof info};
    int32_t best;
    if (llmcs_classify(j->model, &text, 1, &j->params, j->scores, &best, &info)) return cli_failed("classify");
    cli_texts_warn(&info, bytes, len);
    print_scores(j, j->names, (size_t)j->n_labels, (size_t)best, j->scores, bytes, len);
    return EXIT_DONE;
}

static int zero_shot_text(void *user, const char *bytes, size_t len) {
    classify_job *j = user;
    label_set *set = &j->set;
    if (label_set_score(set, j->model, bytes, len, &j->params)) return cli_failed("classify");
    cli_texts_warn(&set->info, bytes, len);
    print_scores(j, (const char *const *)set->names, set->n, set->best, set->scores, bytes, len);
    return EXIT_DONE;
}

static int classify_all(classify_job *j, const cli_common *common) {
    llmcs_model_info info;
    const int code = cli_need_head(common, j->model, LLMCS_HEAD_CLASSIFICATION, "classification", &info);
    if (code != EXIT_DONE) return code;
    j->n_labels = info.n_labels;
    j->scores = malloc((size_t)info.n_labels * sizeof *j->scores);
    j->names = malloc((size_t)info.n_labels * sizeof *j->names);
    if (!j->scores || !j->names) return cli_error("no memory for %d labels", info.n_labels);
    for (int32_t i = 0; i < info.n_labels; i++) j->names[i] = llmcs_model_label(j->model, i);
    if (common->jsonl) return cli_jsonl(common, classify_request, j);
    return cli_each_text(common, j->set.n ? zero_shot_text : classify_text, j);
}

/* EXIT_DONE, or EXIT_USAGE after an error message. */
static int read_labels(const cli_common *common, classify_job *j) {
    request_begin();
    if (j->labels && label_set_split(&j->set, j->labels))
        return cli_usage_error(&cmd_classify, "--labels: %s", request_message());
    if (!j->labels && !common->jsonl && (j->hypothesis || j->multi_label))
        return cli_usage_error(&cmd_classify, "%s needs --labels", j->hypothesis ? "--hypothesis" : "--multi-label");
    j->params.hypothesis = j->hypothesis;
    j->params.multi_label = j->multi_label;
    return EXIT_DONE;
}

static int classify_command(int argc, char **argv) {
    cli_common common;
    classify_job j = {.texts = CLI_TEXTS_DEFAULT};
    int code = cli_parse(&cmd_classify, argc, argv, &common, &j);
    if (code >= 0) return code;
    if (!cli_texts_read(&cmd_classify, &common, &j.texts, &j.params)) return EXIT_USAGE;
    code = read_labels(&common, &j);
    if (code == EXIT_DONE) code = cli_open(&common, NULL, &j.model) ? cli_failed("open") : classify_all(&j, &common);
    free(j.scores);
    free(j.names);
    label_set_free(&j.set);
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
        "the second is \"name#2\". Also {\"text\":\"...\", \"labels\":[\"...\"]?, \"hypothesis\":\"...\"?, "
        "\"multi_label\":true?} with these or --labels: the same, without label_id.",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .takes = CLI_TAKES_JSONL | CLI_TAKES_TEXT | CLI_TAKES_MODEL,
    .max_texts = CLI_ANY_TEXTS,
    .execute = classify_command};
