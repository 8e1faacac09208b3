/* llmcs-shop compare: compares two classifiers on test rows, with a confidence interval. */
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "examples.h"
#include "request.h"
#include "store.h"

typedef struct compare_job {
    const char *store, *model, *encoder, *oos_label, *metric;
    uint64_t seed;
    int32_t n_samples;
} compare_job;

#define AT(member) offsetof(compare_job, member)
static const cli_option options[] = {
    CLI_PLAIN("store", CLI_STRING, AT(store), "A and B are versions of a model in this store"),
    CLI_PLAIN("model", CLI_STRING, AT(model), "with --store: its name [intents]"),
    CLI_PLAIN("encoder", CLI_STRING, AT(encoder), "folder of the encoder [none, or the store's]"),
    CLI_PLAIN("oos_label", CLI_STRING, AT(oos_label),
              "rows of this class are right if not accepted, other rows only if accepted"),
    CLI_PLAIN("metric", CLI_STRING, AT(metric), "accuracy, f1_macro, f1_micro or mcc [accuracy]"),
    CLI_PLAIN("seed", CLI_UINT64, AT(seed), "of the bootstrap [12345]"),
    CLI_BOUNDED("samples", AT(n_samples), "of the bootstrap [1000]", 1, 1000000),
};

static llmcs_shop_contest_params params_of(const compare_job *j) {
    llmcs_shop_contest_params params;
    llmcs_shop_contest_params_init(&params);
    params.oos_label = j->oos_label;
    params.metric = j->metric;
    params.seed = j->seed;
    params.n_samples = j->n_samples;
    return params;
}

static int compare_files(const compare_job *j, const cli_common *common, const examples *tests,
                         llmcs_shop_comparison *found) {
    const llmcs_shop_contest_params params = params_of(j);
    llmcs_shop_classifier *c[2] = {NULL, NULL};
    llmcs_model *encoder = NULL;
    cli_common with_folder = *common;
    llmcs_shop_classifier_options o;
    llmcs_shop_classifier_options_init(&o);
    with_folder.folder = j->encoder;
    llmcs_status status = j->encoder ? cli_open(&with_folder, NULL, &encoder) : LLMCS_OK;
    o.encoder = encoder;
    if (!status) status = llmcs_shop_classifier_open(common->folder, &o, &c[0]);
    if (!status) status = llmcs_shop_classifier_open(common->texts[0], &o, &c[1]);
    if (!status) status = llmcs_shop_classifier_compare(c[0], c[1], tests->items, tests->n, &params, found);
    llmcs_shop_classifier_free(&c[0]);
    llmcs_shop_classifier_free(&c[1]);
    llmcs_model_free(&encoder);
    return status ? cli_failed("compare") : EXIT_DONE;
}

static int compare_versions(const compare_job *j, const cli_common *common, const examples *tests,
                            llmcs_shop_comparison *found) {
    const llmcs_shop_contest_params params = params_of(j);
    cli_common of_store = *common;
    store s;
    of_store.folder = j->store;
    if (!store_open(&s, &of_store, STORE_ENCODER, j->encoder, 0)) return EXIT_FAILED;
    const llmcs_status status = llmcs_shop_compare_models(
        s.shop, j->model, atoi(common->folder), atoi(common->texts[0]), tests->items, tests->n, &params, found);
    const int code = status ? cli_failed("compare") : EXIT_DONE;
    store_close(&s);
    return code;
}

static int compare_command(int argc, char **argv) {
    cli_common common;
    compare_job j = {.model = "intents", .metric = "accuracy", .seed = 12345, .n_samples = 1000};
    llmcs_shop_comparison c = {.struct_size = sizeof c};
    examples tests = {0};
    int code = cli_parse(&cmd_compare, argc, argv, &common, &j);
    if (code >= 0) return code;
    code = EXIT_FAILED;
    if (examples_read(&tests, common.texts[1]))
        code = (j.store ? compare_versions : compare_files)(&j, &common, &tests, &c);
    if (code == EXIT_DONE) {
        cli_answer answer;
        answer_init(&answer);
        answer_set(&answer, "metric", json_string(j.metric));
        answer_set(&answer, "n", json_integer((json_int_t)tests.n));
        answer_set(&answer, "a", json_float(c.score_a));
        answer_set(&answer, "b", json_float(c.score_b));
        answer_set(&answer, "difference", json_float(c.difference));
        answer_set(&answer, "low", json_float(c.low));
        answer_set(&answer, "high", json_float(c.high));
        answer_set(&answer, "p", json_float(c.p));
        if (answer.failed || !answer_print(&answer, NULL)) code = cli_error("no memory for the answer");
        answer_free(&answer);
    }
    examples_free(&tests);
    return code;
}

const cli_command cmd_compare = {
    .name = "compare",
    .target = "A",
    .arguments = "B TEST.jsonl",
    .summary =
        "Compares two classifiers on the same rows: the difference B - A, its 95 % interval and p by paired "
        "bootstrap, as one JSON object.",
    .notes =
        "A and B are files of train-classifier; with --store STORE they are version numbers, the result is kept, and "
        "TEST.jsonl must hold the rows that the model's versions are always compared on. A row: {\"text\", "
        "\"label\"}.",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .takes = CLI_TAKES_MODEL,
    .min_texts = 2,
    .max_texts = 2,
    .execute = compare_command};
