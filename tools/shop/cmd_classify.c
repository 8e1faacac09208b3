/* llmcs-shop classify: the class of each text, with probability and reasons. */
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "request.h"
#include "store.h"

enum { MAX_BATCH = 4096 };

typedef struct classify_job {
    const char *encoder;
    bool no_reason;
    int32_t batch, n_scores;
    double accept_score, max_oos;
    llmcs_shop_classifier *classifier;
    llmcs_shop_predict_params params;
} classify_job;

#define AT(member) offsetof(classify_job, member)
static const cli_option options[] = {
    CLI_PLAIN("encoder", CLI_STRING, AT(encoder), "folder of the encoder [the one used in training]"),
    CLI_PLAIN("no_reason", CLI_FLAG, AT(no_reason), "omit \"reason\", which is faster"),
    CLI_BOUNDED("batch", AT(batch), "with --jsonl, lines that share forward passes of the encoder [1]", 1, MAX_BATCH),
    CLI_BOUNDED("n_scores", AT(n_scores), "best classes in \"scores\" [5]", 1, 65535),
    CLI_PLAIN("accept_score", CLI_DOUBLE, AT(accept_score), "minimum score of an accepted answer [as trained]"),
    CLI_PLAIN("max_oos", CLI_DOUBLE, AT(max_oos), "accept only answers with a smaller out_of_scope [0.5]"),
};

static json_t *scores_json(const llmcs_shop_prediction *p) {
    json_t *scores = json_object();
    for (size_t i = 0; i < p->n_scores; i++)
        json_object_set_new(scores, p->scores[i].label, json_float((double)p->scores[i].score));
    return scores;
}

static json_t *reason_json(const llmcs_shop_prediction *p, const llmcs_text *text) {
    json_t *reason = json_object(), *ngrams = json_array();
    for (size_t i = 0; i < p->n_evidence; i++) {
        const llmcs_shop_evidence *e = &p->evidence[i];
        json_t *item = json_object();
        json_object_set_new(item, "text", json_text(text->text + e->begin, e->end - e->begin));
        json_object_set_new(item, "begin", json_integer((json_int_t)e->begin));
        json_object_set_new(item, "end", json_integer((json_int_t)e->end));
        json_object_set_new(item, "weight", json_float((double)e->weight));
        json_array_append_new(ngrams, item);
    }
    json_object_set_new(reason, "ngrams", ngrams);
    if (!p->example) return reason;
    json_object_set_new(reason, "example", json_text(p->example, p->example_bytes));
    json_object_set_new(reason, "similarity", json_float((double)p->example_similarity));
    return reason;
}

static void fill_answer(const classify_job *j, const llmcs_shop_prediction *p, const llmcs_text *text,
                        cli_answer *answer) {
    answer_set(answer, "label", json_string(p->label));
    answer_set(answer, "score", json_float((double)p->score));
    answer_set(answer, "accepted", json_boolean(p->accepted));
    answer_set(answer, "out_of_scope", json_float((double)p->out_of_scope));
    answer_set(answer, "near_tie", json_boolean(p->near_tie));
    answer_set(answer, "scores", scores_json(p));
    if (!j->no_reason) answer_set(answer, "reason", reason_json(p, text));
}

/* ---- JSON Lines in batches */

typedef struct waiting_line {
    cli_request request;
    llmcs_status status; /* why it cannot be answered */
    char *message;
    size_t number;
} waiting_line;

static void read_line(const cli_lines *lines, waiting_line *w, llmcs_text *text) {
    static const char *const keys[] = {"text", NULL};
    *w = (waiting_line){.number = lines->number};
    *text = (llmcs_text){.text = "", .text_bytes = 0};
    request_begin();
    w->status = lines->too_long ? request_too_long(lines) : request_parse(lines->line, lines->len, &w->request);
    if (!w->status) w->status = request_check_keys(w->request.json, keys);
    if (!w->status) w->status = request_text(w->request.json, "text", true, &text->text, &text->text_bytes);
    if (!w->status) return;
    w->message = strdup(request_message());
    *text = (llmcs_text){.text = "", .text_bytes = 0};
}

static bool print_line(const classify_job *j, const waiting_line *w, const llmcs_text *text,
                       const llmcs_shop_prediction *p) {
    cli_answer answer;
    if (w->status) return answer_print_error(w->status, w->message ? w->message : "", w->number, w->request.id);
    answer_init(&answer);
    fill_answer(j, p, text, &answer);
    const bool printed = answer.failed
                             ? answer_print_error(LLMCS_NOMEM, "no memory for the answer", w->number, w->request.id)
                             : answer_print(&answer, w->request.id);
    answer_free(&answer);
    return printed;
}

/* Classifies n lines and prints the results. False: stdout cannot be written. */
static bool answer_batch(const classify_job *j, waiting_line *waiting, const llmcs_text *texts, size_t n,
                         bool *failed) {
    llmcs_shop_predictions *predictions = NULL;
    bool printed = true;
    const llmcs_status status = llmcs_shop_classifier_predict(j->classifier, texts, n, &j->params, &predictions);
    for (size_t i = 0; i < n; i++) {
        waiting_line *w = &waiting[i];
        if (status && !w->status) {
            w->status = status;
            w->message = strdup(llmcs_error_message());
        }
        *failed = *failed || w->status;
        printed = printed && print_line(j, w, &texts[i], predictions ? predictions->items[i] : NULL);
        request_free(&w->request);
        free(w->message);
    }
    llmcs_shop_predictions_free(&predictions);
    return printed;
}

static int classify_lines(const classify_job *j, const cli_common *common) {
    cli_lines lines = {.max_bytes = (size_t)common->max_line_bytes};
    waiting_line *waiting = calloc((size_t)j->batch, sizeof *waiting);
    llmcs_text *texts = calloc((size_t)j->batch, sizeof *texts);
    bool failed = !waiting || !texts, printed = true, more = true;
    if (failed) cli_error("no memory for %d lines", j->batch);
    while (waiting && texts && printed && more) {
        size_t n = 0;
        while (n < (size_t)j->batch && (more = cli_next_line(&lines))) {
            read_line(&lines, &waiting[n], &texts[n]);
            n++;
        }
        if (n) printed = answer_batch(j, waiting, texts, n, &failed);
    }
    failed = failed || lines.failed || !printed;
    cli_lines_free(&lines);
    free(waiting);
    free(texts);
    return failed ? EXIT_FAILED : EXIT_DONE;
}

static int classify_text(void *user, const char *bytes, size_t len) {
    const classify_job *j = user;
    const llmcs_text text = {.text = bytes, .text_bytes = len};
    llmcs_shop_predictions *predictions = NULL;
    if (llmcs_shop_classifier_predict(j->classifier, &text, 1, &j->params, &predictions)) return cli_failed("classify");
    const llmcs_shop_prediction *p = predictions->items[0];
    printf("%-28s %.3f  out of scope %.3f  %s%s", p->label, (double)p->score, (double)p->out_of_scope,
           p->accepted ? "accepted" : "not accepted", p->near_tie ? ", near tie with " : "");
    if (p->near_tie && p->n_scores > 1) fputs(p->scores[1].label, stdout);
    for (size_t i = 0; i < p->n_evidence; i++) {
        fputs(i ? ", " : "  because of ", stdout);
        cli_print_escaped(stdout, bytes + p->evidence[i].begin, p->evidence[i].end - p->evidence[i].begin, true);
    }
    putchar('\n');
    fflush(stdout);
    llmcs_shop_predictions_free(&predictions);
    return EXIT_DONE;
}

/* ---- the classifier and its encoder */

static llmcs_status open_classifier(classify_job *j, const char *path, llmcs_model *encoder) {
    llmcs_shop_classifier_options o;
    llmcs_shop_classifier_options_init(&o);
    o.encoder = encoder;
    return llmcs_shop_classifier_open(path, &o, &j->classifier);
}

/* Finds the encoder's folder: the one given, else the one in the file. *folder, which the caller frees, is NULL if no
 * encoder is needed. */
static int find_encoder(const classify_job *j, const char *path, char **folder) {
    llmcs_shop_classifier_info info = {.struct_size = sizeof info};
    classify_job alone = *j;
    *folder = NULL;
    if (open_classifier(&alone, path, NULL)) return cli_failed("open");
    int code = llmcs_shop_classifier_get_info(alone.classifier, &info) ? cli_failed("open") : EXIT_DONE;
    if (code == EXIT_DONE && info.n_embedding) {
        const char *name = j->encoder ? j->encoder : info.encoder_path;
        if (!name[0])
            code = cli_error("%s was trained with an encoder; name its folder by --encoder", path);
        else
            *folder = j->encoder ? strdup(name) : path_from_file(path, name);
    }
    llmcs_shop_classifier_free(&alone.classifier);
    return code;
}

static int classify_command(int argc, char **argv) {
    cli_common common;
    llmcs_model *encoder = NULL;
    char *folder;
    classify_job j = {.batch = 1, .n_scores = 5, .accept_score = -1, .max_oos = 0.5};
    int code = cli_parse(&cmd_classify, argc, argv, &common, &j);
    if (code >= 0) return code;
    const char *path = common.folder;
    if (find_encoder(&j, path, &folder)) return EXIT_FAILED;
    common.folder = folder;
    const bool opened = !folder || !cli_open(&common, NULL, &encoder);
    llmcs_shop_predict_params_init(&j.params);
    j.params.flags = j.no_reason ? 0 : LLMCS_SHOP_PREDICT_REASON;
    j.params.n_scores = j.n_scores;
    j.params.accept_score = j.accept_score;
    j.params.max_oos = j.max_oos;
    if (!opened || open_classifier(&j, path, encoder))
        code = cli_failed("open");
    else
        code = common.jsonl ? classify_lines(&j, &common) : cli_each_text(&common, classify_text, &j);
    llmcs_shop_classifier_free(&j.classifier);
    llmcs_model_free(&encoder);
    free(folder);
    return code;
}

const cli_command cmd_classify = {
    .name = "classify",
    .target = "CLASSIFIER",
    .arguments = "[text ...]",
    .summary = "Prints the class of each text, its probability, whether it is out of scope, and reasons.",
    .notes = CLI_LINES_HELP,
    .jsonl_help =
        "{\"text\":\"...\"} -> {\"label\":\"...\", \"score\":p, \"accepted\":true, \"out_of_scope\":0..1, "
        "\"near_tie\":false, \"scores\":{\"label\":p, ...}, \"reason\":{\"ngrams\":[{\"text\", \"begin\", \"end\", "
        "\"weight\"}], \"example\":\"...\", \"similarity\":c}}. begin and end are bytes of the text.",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .takes = CLI_TAKES_JSONL | CLI_TAKES_TEXT | CLI_TAKES_MODEL,
    .max_texts = CLI_ANY_TEXTS,
    .execute = classify_command};
