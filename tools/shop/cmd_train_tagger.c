/* llmcs-shop train-tagger: trains a tagger of names and addresses on labelled texts. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "commands.h"
#include "request.h"

typedef struct train_job {
    const char *checkpoint, *words;
    int32_t n_epochs, max_features, min_count;
    double l2;
    uint64_t seed;
} train_job;

#define AT(member) offsetof(train_job, member)
static const cli_option options[] = {
    CLI_BOUNDED("epochs", AT(n_epochs), "passes over the rows [16]", 1, 1000),
    CLI_BOUNDED("max_features", AT(max_features), "features in OUT [80000]", 1000, 4000000),
    CLI_BOUNDED("min_count", AT(min_count), "minimum number of occurrences of a feature [2]", 1, 255),
    CLI_PLAIN("l2", CLI_DOUBLE, AT(l2), "penalty on squared weights [0.02]"),
    CLI_PLAIN("seed", CLI_UINT64, AT(seed), "seed of the order of the rows [0]"),
    CLI_PLAIN("words", CLI_STRING, AT(words), "file of known words: lines of word, kind and weight, separated by tabs"),
    CLI_PLAIN("checkpoint", CLI_STRING, AT(checkpoint),
              "file that stores each pass; an interrupted training resumes from it"),
};

typedef struct rows {
    json_t *json; /* an array of the lines: strings belong to it */
    llmcs_shop_tagged_text *texts;
    size_t n, capacity;
} rows;

static bool bad_row(size_t line, const char *what) {
    cli_error("line %zu: %s", line, what);
    return false;
}

static bool read_span(const json_t *from, llmcs_shop_tagged_span *to) {
    const json_t *begin = json_object_get(from, "begin"), *end = json_object_get(from, "end");
    const char *label = json_string_value(json_object_get(from, "label"));
    if (!json_is_integer(begin) || !json_is_integer(end) || !label || json_integer_value(begin) < 0 ||
        json_integer_value(end) < 0)
        return false;
    *to = (llmcs_shop_tagged_span){(size_t)json_integer_value(begin), (size_t)json_integer_value(end), label};
    return true;
}

/* Takes the reference to row. */
static bool add_row(rows *r, json_t *row, size_t line) {
    json_array_append_new(r->json, row);
    json_t *text = json_object_get(row, "text"), *spans = json_object_get(row, "spans");
    const size_t n_spans = json_array_size(spans);
    if (!json_is_string(text) || !json_is_array(spans))
        return bad_row(line, "expected {\"text\":\"...\", \"spans\":[{\"begin\", \"end\", \"label\"}]}");
    if (r->n == r->capacity) {
        const size_t capacity = r->capacity ? 2 * r->capacity : 1024;
        llmcs_shop_tagged_text *larger = realloc(r->texts, capacity * sizeof *larger);
        if (!larger) return bad_row(line, "no memory for the rows");
        r->texts = larger;
        r->capacity = capacity;
    }
    llmcs_shop_tagged_span *own = calloc(n_spans ? n_spans : 1, sizeof *own);
    if (!own) return bad_row(line, "no memory for the rows");
    r->texts[r->n++] = (llmcs_shop_tagged_text){json_string_value(text), json_string_length(text), own, n_spans};
    for (size_t i = 0; i < n_spans; i++)
        if (!read_span(json_array_get(spans, i), &own[i]))
            return bad_row(line, "a span is {\"begin\": bytes, \"end\": bytes, \"label\": \"...\"}");
    return true;
}

static bool read_rows(rows *r) {
    cli_lines lines = {.max_bytes = (size_t)16 << 20};
    bool good = true;
    while (good && cli_next_line(&lines)) {
        json_error_t error;
        if (cli_is_blank(lines.line, lines.len)) continue;
        json_t *row = lines.too_long ? NULL : json_loadb(lines.line, lines.len, JSON_ALLOW_NUL, &error);
        good = row ? add_row(r, row, lines.number)
                   : bad_row(lines.number, lines.too_long ? "it is longer than 16 MiB" : error.text);
    }
    good = good && !lines.failed;
    cli_lines_free(&lines);
    return good;
}

static void free_rows(rows *r) {
    for (size_t i = 0; i < r->n; i++) free((void *)(uintptr_t)r->texts[i].spans);
    free(r->texts);
    json_decref(r->json);
}

static int train_command(int argc, char **argv) {
    cli_common common;
    llmcs_shop_tagger_params params;
    rows r = {.json = json_array()};
    llmcs_shop_tagger_params_init(&params);
    train_job j = {.n_epochs = params.n_epochs,
                   .max_features = params.max_features,
                   .min_count = params.min_count,
                   .l2 = params.l2};
    int code = cli_parse(&cmd_train_tagger, argc, argv, &common, &j);
    if (code < 0) {
        const clock_t begin = clock();
        params.n_epochs = j.n_epochs;
        params.max_features = j.max_features;
        params.min_count = j.min_count;
        params.l2 = j.l2;
        params.seed = j.seed;
        params.checkpoint_path = j.checkpoint;
        params.words_path = j.words;
        if (isatty(STDERR_FILENO)) params.progress = cli_show_progress, params.progress_user = "training";
        code = EXIT_FAILED;
        if (strcmp(common.folder, "-") && !freopen(common.folder, "r", stdin))
            cli_error("%s: %s", common.folder, strerror(errno));
        else if (read_rows(&r)) {
            const llmcs_status status = llmcs_shop_tagger_train(r.texts, r.n, &params, common.texts[0]);
            if (params.progress) fputc('\n', stderr);
            code = status ? cli_failed("train-tagger") : EXIT_DONE;
        }
        if (code == EXIT_DONE)
            printf("%s: %zu rows, %.1f s of CPU\n", common.texts[0], r.n,
                   (double)(clock() - begin) / (double)CLOCKS_PER_SEC);
    }
    free_rows(&r);
    return code;
}

const cli_command cmd_train_tagger = {
    .name = "train-tagger",
    .target = "ROWS",
    .arguments = "OUT",
    .summary = "Trains the file that finds names and addresses, from JSON Lines (- for stdin).",
    .notes =
        "A row is {\"text\":\"...\", \"spans\":[{\"begin\", \"end\", \"label\"}]}; begin and end are bytes of the "
        "text. "
        "mask uses the labels NAME and ADDRESS; others (ORG, PLACE, ...) help to distinguish them.",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .min_texts = 1,
    .max_texts = 1,
    .execute = train_command};
