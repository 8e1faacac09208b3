/* llmcs-shop calibrate: fits the probabilities of answers to labelled questions. */
#include <unistd.h>

#include "commands.h"
#include "questions.h"
#include "store.h"

typedef struct calibrate_job {
    const char *encoder;
    double precision;
    bool no_own;
} calibrate_job;

static const cli_option options[] = {
    CLI_PLAIN("encoder", CLI_STRING, offsetof(calibrate_job, encoder),
              "folder of the encoder [the one of `llmcs-shop init`]"),
    CLI_PLAIN("precision", CLI_DOUBLE, offsetof(calibrate_job, precision), "required share of right answers [0.95]"),
    CLI_PLAIN("no_own_questions", CLI_FLAG, offsetof(calibrate_job, no_own),
              "use only FILE; by default the entries' own questions are used too, left out one by one"),
};

static int calibrate(const cli_common *common, const calibrate_job *j, llmcs_shop *shop, questions *q) {
    llmcs_shop_calibrate_params params;
    llmcs_shop_calibration found = {.struct_size = sizeof found};
    for (int i = 0; i < common->n_texts; i++)
        if (!questions_read(q, common, common->texts[i])) return EXIT_FAILED;
    llmcs_shop_calibrate_params_init(&params);
    params.leave_one_out = !j->no_own;
    params.precision = j->precision;
    if (isatty(STDERR_FILENO)) params.progress = cli_show_progress, params.progress_user = "calibrating";
    if (llmcs_shop_calibrate(shop, q->items, q->n, &params, &found)) return cli_failed("calibrate");
    if (params.progress) fputc('\n', stderr);
    printf(
        "%zu questions, %zu of them answerable: first candidate right %.3f; threshold %.3f: coverage %.3f, precision "
        "%.3f\n",
        found.n_questions, found.n_answerable, found.accuracy, found.threshold, found.coverage, found.precision);
    return EXIT_DONE;
}

static int calibrate_command(int argc, char **argv) {
    cli_common common;
    calibrate_job j = {.precision = 0.95};
    store s;
    questions q = {0};
    int code = cli_parse(&cmd_calibrate, argc, argv, &common, &j);
    if (code >= 0) return code;
    if (!store_open(&s, &common, STORE_ENCODER, j.encoder, 0)) return EXIT_FAILED;
    code = calibrate(&common, &j, s.shop, &q);
    questions_free(&q);
    store_close(&s);
    return code;
}

const cli_command cmd_calibrate = {
    .name = "calibrate",
    .target = "STORE",
    .arguments = "[FILE ...]",
    .summary = "Fits the probabilities of answers to labelled questions and to the entries themselves.",
    .notes =
        "A row: {\"text\", \"id\" of the entry that answers it or null, \"lang\"?}. Keep other questions for "
        "`llmcs-shop measure`.",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .takes = CLI_TAKES_TEXT | CLI_TAKES_MODEL,
    .max_texts = CLI_ANY_TEXTS,
    .execute = calibrate_command};
