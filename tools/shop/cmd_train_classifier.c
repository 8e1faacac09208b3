/* llmcs-shop train-classifier: trains a classifier on labelled texts. */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "commands.h"

typedef struct train_job {
    const char *label_field, *text_field, *oos_label, *encoder, *remember;
    bool no_examples, no_ngrams, balanced;
    int32_t n_folds, max_iterations, max_features;
    double l2, accept_score, keep;
    uint64_t seed;
} train_job;

#define AT(member) offsetof(train_job, member)
static const cli_option options[] = {
    CLI_PLAIN("label_field", CLI_STRING, AT(label_field), "key of the class [label]"),
    CLI_PLAIN("text_field", CLI_STRING, AT(text_field), "key of the text [text]"),
    CLI_PLAIN("oos_label", CLI_STRING, AT(oos_label), "rows of this class are examples of what is out of scope"),
    CLI_PLAIN("encoder", CLI_STRING, AT(encoder), "folder of an encoder, to use its vectors too [none: only n-grams]"),
    CLI_PLAIN("remember", CLI_STRING, AT(remember),
              "the encoder's path to store in OUT; a relative path is relative to OUT's folder [the absolute path]"),
    CLI_PLAIN("no_examples", CLI_FLAG, AT(no_examples), "store no training texts in OUT"),
    CLI_PLAIN("no_ngrams", CLI_FLAG, AT(no_ngrams), "use only the encoder's vectors"),
    CLI_PLAIN("balanced", CLI_FLAG, AT(balanced), "rare classes count as much as frequent ones"),
    CLI_BOUNDED("folds", AT(n_folds), "folds of the cross-validation, 2 to 20 [0: 5, fewer for many rows]", 0, 20),
    CLI_BOUNDED("iterations", AT(max_iterations), "maximum number of iterations of a fit [40]", 1, 100000),
    CLI_BOUNDED("max_features", AT(max_features), "maximum number of n-grams [0: as many as 8 million weights allow]",
                0, 1 << 28),
    CLI_PLAIN("l2", CLI_DOUBLE, AT(l2), "penalty on squared weights [0: chosen by cross-validation]"),
    CLI_PLAIN("accept_score", CLI_DOUBLE, AT(accept_score), "minimum score of an accepted answer, 0 to 1 [0]"),
    CLI_PLAIN("keep", CLI_DOUBLE, AT(keep), "share of in-scope texts that the out-of-scope threshold accepts [0.97]"),
    CLI_PLAIN("seed", CLI_UINT64, AT(seed), "seed of the folds [0]"),
};

/* The rows. Strings belong to the JSON values. */
typedef struct rows {
    json_t **json;
    llmcs_shop_example *examples;
    size_t n, capacity;
} rows;

static void free_rows(rows *r) {
    for (size_t i = 0; i < r->n; i++) json_decref(r->json[i]);
    free(r->json);
    free(r->examples);
}

static bool grow_rows(rows *r) {
    if (r->n < r->capacity) return true;
    const size_t capacity = r->capacity ? 2 * r->capacity : 1024;
    json_t **json = realloc(r->json, capacity * sizeof *json);
    if (json) r->json = json;
    llmcs_shop_example *examples = realloc(r->examples, capacity * sizeof *examples);
    if (examples) r->examples = examples;
    if (!json || !examples) return false;
    r->capacity = capacity;
    return true;
}

/* Reports an invalid row and returns false. */
static bool bad_row(const char *file, size_t line, const char *key, const char *what) {
    fprintf(stderr, "%s: %s: line %zu: %s%s%s\n", cli_program, file, line, key, key[0] ? ": " : "", what);
    return false;
}

/* Takes the reference to json. */
static bool add_row(rows *r, const train_job *j, const char *file, size_t line, json_t *json) {
    const json_t *text = json_object_get(json, j->text_field), *label = json_object_get(json, j->label_field);
    const char *problem = NULL, *key = j->text_field;
    if (!json_is_string(text)) {
        problem = text ? "expected a string" : "is missing";
    } else if (!json_is_string(label) || !json_string_length(label)) {
        key = j->label_field;
        problem = label ? "expected a string that is not empty" : "is missing";
    } else if (strlen(json_string_value(label)) != json_string_length(label)) {
        key = j->label_field;
        problem = "expected a string without NUL";
    }
    if (problem || !grow_rows(r)) {
        json_decref(json);
        return bad_row(file, line, problem ? key : "", problem ? problem : "no memory for the rows");
    }
    r->json[r->n] = json;
    r->examples[r->n++] =
        (llmcs_shop_example){json_string_value(text), json_string_length(text), json_string_value(label)};
    return true;
}

/* Reads all lines of stdin. Reports invalid rows and counts them in *n_bad. False: reading failed. */
static bool read_rows(rows *r, const train_job *j, const char *file, size_t *n_bad) {
    cli_lines lines = {.max_bytes = (size_t)16 << 20};
    while (cli_next_line(&lines)) {
        json_error_t error = {.text = "the line is longer than 16 MiB"};
        if (cli_is_blank(lines.line, lines.len)) continue;
        json_t *json =
            lines.too_long ? NULL : json_loadb(lines.line, lines.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
        if (json_is_object(json)) {
            *n_bad += !add_row(r, j, file, lines.number, json);
            continue;
        }
        bad_row(file, lines.number, "", json ? "a row is a JSON object" : error.text);
        json_decref(json);
        ++*n_bad;
    }
    const bool failed = lines.failed;
    cli_lines_free(&lines);
    return !failed;
}

static void print_figure(const char *name, double value) {
    if (!isnan(value)) printf("  %-34s %.4f\n", name, value);
}

static int print_figures(const llmcs_shop_classifier *classifier, const char *out, double seconds) {
    llmcs_shop_classifier_info info = {.struct_size = sizeof info};
    if (llmcs_shop_classifier_get_info(classifier, &info)) return cli_failed("train-classifier");
    printf("%s: %d classes, %llu rows (%llu out of scope), %d n-grams, vector of %d, %llu examples kept, %.1f s\n", out,
           info.n_labels, (unsigned long long)info.n_rows, (unsigned long long)info.n_oos_rows, info.n_features,
           info.n_embedding, (unsigned long long)info.n_examples, seconds);
    printf("cross-validation (every row predicted by a model that was not trained on it):\n");
    print_figure("accuracy", info.accuracy);
    print_figure("macro-F1", info.macro_f1);
    print_figure("expected calibration error", info.ece);
    print_figure("in-scope rows kept", info.in_scope_kept);
    if (strcmp(info.oos_rows, "none") != 0) {
        printf("  out-of-scope rows: %s\n",
               strcmp(info.oos_rows, "given") ? "a third of the classes left out while training" : "the rows given");
        print_figure("out-of-scope rows found", info.oos_found);
        print_figure("AUROC of out_of_scope", info.oos_auroc);
    }
    printf("  l2 %g, temperature %.3f\n", info.l2, info.temperature);
    return EXIT_DONE;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int train_and_save(const train_job *j, const cli_common *common, const rows *r, llmcs_model *encoder,
                          const char *encoder_path) {
    llmcs_shop_train_params params;
    llmcs_shop_classifier *classifier = NULL;
    const double start = now();
    llmcs_shop_train_params_init(&params);
    params.encoder = encoder;
    params.encoder_path = encoder_path;
    params.oos_label = j->oos_label;
    params.flags = (j->no_examples ? LLMCS_SHOP_TRAIN_NO_EXAMPLES : 0) |
                   (j->no_ngrams ? LLMCS_SHOP_TRAIN_NO_NGRAMS : 0) | (j->balanced ? LLMCS_SHOP_TRAIN_BALANCED : 0);
    params.n_threads = common->n_threads;
    params.n_folds = j->n_folds;
    params.max_iterations = j->max_iterations;
    params.max_features = j->max_features;
    params.l2 = j->l2;
    params.accept_score = j->accept_score;
    params.keep = j->keep;
    params.seed = j->seed;
    if (isatty(STDERR_FILENO)) params.progress = cli_show_progress, params.progress_user = "training";
    const llmcs_status status = llmcs_shop_classifier_train(r->examples, r->n, &params, &classifier);
    if (params.progress) fputc('\n', stderr);
    if (status) return cli_failed("train-classifier");
    int code = llmcs_shop_classifier_save(classifier, common->texts[0]) ? cli_failed("train-classifier") : EXIT_DONE;
    if (code == EXIT_DONE) code = print_figures(classifier, common->texts[0], now() - start);
    llmcs_shop_classifier_free(&classifier);
    return code;
}

/* Stores the encoder's absolute path, since later commands may run in other folders. */
static int open_and_train(const train_job *j, cli_common *common, const rows *r) {
    llmcs_model *encoder = NULL;
    char *absolute = NULL;
    if (j->encoder) {
        common->folder = j->encoder; /* what cli_open opens */
        absolute = realpath(j->encoder, NULL);
        if (!absolute) return cli_error("%s: %s", j->encoder, strerror(errno));
        if (cli_open(common, NULL, &encoder)) {
            free(absolute);
            return cli_failed("open");
        }
    }
    const int code = train_and_save(j, common, r, encoder, j->remember ? j->remember : absolute);
    llmcs_model_free(&encoder);
    free(absolute);
    return code;
}

static int train_command(int argc, char **argv) {
    cli_common common;
    train_job j = {.label_field = "label", .text_field = "text", .max_iterations = 40, .keep = 0.97};
    rows r = {0};
    size_t n_bad = 0;
    int code = cli_parse(&cmd_train_classifier, argc, argv, &common, &j);
    if (code >= 0) return code;
    const char *file = common.folder;
    if (strcmp(file, "-") && !freopen(file, "r", stdin)) return cli_error("%s: %s", file, strerror(errno));
    if (!read_rows(&r, &j, file, &n_bad))
        code = cli_error("%s: could not be read", file);
    else if (!r.n)
        code = cli_error("%s: no row with \"%s\" and \"%s\"", file, j.text_field, j.label_field);
    else
        code = open_and_train(&j, &common, &r);
    free_rows(&r);
    if (n_bad) fprintf(stderr, "%s: %zu rows were left out\n", cli_program, n_bad);
    return n_bad && code == EXIT_DONE ? EXIT_FAILED : code;
}

const cli_command cmd_train_classifier = {
    .name = "train-classifier",
    .target = "TRAIN.jsonl",
    .arguments = "OUT",
    .summary = "Trains a classifier on labelled texts and prints its scores on held-out rows.",
    .notes =
        "TRAIN.jsonl has an object per line; - is stdin. OUT is one file, replaced once the new one is complete. "
        "Invalid rows are reported and left out, with exit code 1. The same rows give the same bytes "
        "on "
        "any number of threads.",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .takes = CLI_TAKES_MODEL,
    .min_texts = 1,
    .max_texts = 1,
    .execute = train_command};
