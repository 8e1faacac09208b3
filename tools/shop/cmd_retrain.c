/* llmcs-shop retrain: trains the next version of a classifier from base rows and feedback. */
#include <unistd.h>

#include "commands.h"
#include "examples.h"
#include "store.h"

typedef struct retrain_job {
    const char *encoder, *model, *oos_label, *metric, *actor;
    cli_strings base, tests;
    int32_t weight, min_feedback, n_folds;
    bool new_tests, promote;
    double l2;
} retrain_job;

#define AT(member) offsetof(retrain_job, member)
static const cli_option options[] = {
    CLI_PLAIN("model", CLI_STRING, AT(model), "name of the classifier [intents]"),
    CLI_PLAIN("base", CLI_STRINGS, AT(base), "file of rows that every version is trained on; several times"),
    CLI_PLAIN("test", CLI_STRINGS, AT(tests), "file of rows to compare on, never trained on; several times"),
    CLI_PLAIN("new_tests", CLI_FLAG, AT(new_tests), "replace the test rows of earlier versions by these"),
    CLI_PLAIN("encoder", CLI_STRING, AT(encoder), "folder of the encoder [the one of `llmcs-shop init`]"),
    CLI_BOUNDED("weight", AT(weight), "how often a row of feedback counts [1]", 1, 100),
    CLI_BOUNDED("min_feedback", AT(min_feedback), "minimum number of usable rows of feedback [1]", 0, INT32_MAX),
    CLI_PLAIN("oos_label", CLI_STRING, AT(oos_label), "rows of this class are examples of what is out of scope"),
    CLI_PLAIN("metric", CLI_STRING, AT(metric), "accuracy, f1_macro, f1_micro or mcc [accuracy]"),
    CLI_BOUNDED("folds", AT(n_folds), "folds of the cross-validation, 2 to 20 [0: 5, fewer for many rows]", 0, 20),
    CLI_PLAIN("l2", CLI_DOUBLE, AT(l2), "penalty on squared weights [0: chosen by cross-validation]"),
    CLI_PLAIN("actor", CLI_STRING, AT(actor), "person who trains, for the audit"),
    CLI_PLAIN("promote", CLI_FLAG, AT(promote),
              "make it live if it is better with 95 % certainty, or is the first version"),
};

static bool read_all(examples *e, const cli_strings *files) {
    for (size_t i = 0; i < files->n; i++)
        if (!examples_read(e, files->items[i])) return false;
    return true;
}

/* Promotes a version that is better, or the first one. */
static int promote(const retrain_job *j, llmcs_shop *shop, const llmcs_shop_retrained *made) {
    llmcs_shop_promote_params params;
    llmcs_shop_deployment d = {.struct_size = sizeof d};
    llmcs_shop_promote_params_init(&params);
    params.actor = j->actor;
    if (llmcs_shop_get_deployment(shop, j->model, &d)) return cli_failed("promote");
    if (d.live && !(made->compared_to && made->comparison.low > 0)) {
        printf("version %d stays live: version %d is not better with 95 %% confidence\n", d.live, made->version);
        return EXIT_DONE;
    }
    if (llmcs_shop_promote(shop, j->model, made->version, &params)) return cli_failed("promote");
    printf("version %d is live\n", made->version);
    return EXIT_DONE;
}

static int retrain(const retrain_job *j, const cli_common *common, llmcs_shop *shop, const examples *base,
                   const examples *tests) {
    llmcs_shop_retrain_params params;
    llmcs_shop_retrained made = {.struct_size = sizeof made};
    llmcs_shop_retrain_params_init(&params);
    params.model = j->model;
    params.base = base->items;
    params.n_base = base->n;
    params.tests = tests->items;
    params.n_tests = tests->n;
    params.new_tests = j->new_tests;
    params.weight = j->weight;
    params.min_feedback = j->min_feedback;
    params.oos_label = j->oos_label;
    params.n_threads = common->n_threads;
    params.n_folds = j->n_folds;
    params.l2 = j->l2;
    params.metric = j->metric;
    params.actor = j->actor;
    if (isatty(STDERR_FILENO)) params.progress = cli_show_progress, params.progress_user = "training";
    const llmcs_status status = llmcs_shop_retrain(shop, &params, &made);
    if (params.progress) fputc('\n', stderr);
    if (status) return cli_failed("retrain");
    printf("%s version %d: %llu base rows, %llu of feedback, %llu left out as test rows\n", j->model, made.version,
           (unsigned long long)made.n_base, (unsigned long long)made.n_feedback, (unsigned long long)made.n_left_out);
    if (made.compared_to)
        printf(
            "%s on %zu test rows: version %d %.4f, version %d %.4f: difference %+.4f, 95 %% interval %+.4f to %+.4f, "
            "p %.3f\n",
            j->metric, tests->n, made.compared_to, made.comparison.score_a, made.version, made.comparison.score_b,
            made.comparison.difference, made.comparison.low, made.comparison.high, made.comparison.p);
    return j->promote ? promote(j, shop, &made) : EXIT_DONE;
}

static int retrain_command(int argc, char **argv) {
    cli_common common;
    retrain_job j = {.model = "intents", .metric = "accuracy", .weight = 1, .min_feedback = 1};
    examples base = {0}, tests = {0};
    store s;
    int code = cli_parse(&cmd_retrain, argc, argv, &common, &j);
    if (code >= 0) return code;
    code = EXIT_FAILED;
    if (read_all(&base, &j.base) && read_all(&tests, &j.tests) &&
        store_open(&s, &common, STORE_ENCODER, j.encoder, 0)) {
        code = retrain(&j, &common, s.shop, &base, &tests);
        store_close(&s);
    }
    examples_free(&base);
    examples_free(&tests);
    return code;
}

const cli_command cmd_retrain = {
    .name = "retrain",
    .target = "STORE",
    .arguments = "--model NAME --base FILE --test FILE",
    .summary =
        "Trains the next version of a classifier from base rows and the store's feedback, and compares it with "
        "the live one on test rows that stay the same.",
    .notes =
        "Files have a {\"text\", \"label\"} per line. Only feedback with consent counts, with the last label of each "
        "text. The new version is not used until `llmcs-shop promote`.",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .takes = CLI_TAKES_MODEL,
    .execute = retrain_command};
