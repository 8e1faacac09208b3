/* Imports a file: reads rows, stores them in batches, and reports refused ones. */
#include "import.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "request.h"

static const char *const format_names[] = {"auto", "jsonl", "csv", NULL};
const cli_option import_options[] = {
    CLI_PLAIN("encoder", CLI_STRING, offsetof(import_job, encoder),
              "folder of the encoder [the one of `llmcs-shop init --encoder`]"),
    CLI_CHOICE("format", offsetof(import_job, format), "format of FILE [auto: csv if its name ends in .csv]",
               format_names),
    CLI_BOUNDED("batch", offsetof(import_job, batch), "rows per transaction [1000]", 1, 100000),
    CLI_PLAIN("progress", CLI_SWITCH, offsetof(import_job, progress),
              "print the number of stored rows after each transaction"),
};
const size_t import_n_options = sizeof import_options / sizeof *import_options;

/* One import. */
typedef struct importer {
    const import_kind *kind;
    const import_job *job;
    const char *file;
    store store;
    import_row *rows; /* [batch] */
    size_t n;         /* rows in the batch */
    size_t *order;    /* [batch] row of each item that is stored */
    size_t n_stored, n_refused;
    bool failed;
} importer;

static void refuse(importer *i, size_t line, const char *reason) {
    i->n_refused++;
    fflush(stdout);
    fprintf(stderr, "%s: %s: line %zu: ", cli_program, i->file, line);
    cli_print_escaped(stderr, reason, strlen(reason), true);
    fputc('\n', stderr);
}

static void refused_by_store(void *user, size_t row, llmcs_status status, const char *reason) {
    importer *i = user;
    (void)status;
    refuse(i, i->rows[i->order[row]].line, reason);
}

static void free_rows(importer *i) {
    for (size_t r = 0; r < i->n; r++) {
        json_decref(i->rows[r].json);
        free(i->rows[r].item);
        for (size_t a = 0; a < i->rows[r].n_arrays; a++) free(i->rows[r].arrays[a]);
        i->rows[r] = (import_row){0};
    }
    i->n = 0;
}

static llmcs_status read_row(const import_kind *kind, import_row *row) {
    row->item = calloc(1, kind->item_size);
    if (!row->item) return request_error(LLMCS_NOMEM, "no memory for the row");
    memcpy(row->item, &kind->item_size, sizeof kind->item_size); /* struct_size comes first */
    request_begin();
    for (void *at = json_object_iter(row->json); at; at = json_object_iter_next(row->json, at)) {
        const char *key = json_object_iter_key(at);
        const char *const *k = kind->keys;
        while (*k && strcmp(*k, key)) k++;
        if (!*k) return request_unknown_key(key);
    }
    return kind->read(row);
}

/* Stores the batch in one transaction. */
static void put_batch(importer *i) {
    const void **items = malloc((i->n ? i->n : 1) * sizeof *items);
    size_t n = 0, stored = 0;
    i->failed = i->failed || !items;
    for (size_t r = 0; r < i->n && items; r++) {
        const llmcs_status status = read_row(i->kind, &i->rows[r]);
        if (status)
            refuse(i, i->rows[r].line, request_message());
        else
            i->order[n] = r, items[n++] = i->rows[r].item;
    }
    if (items && n && i->kind->put(i->store.shop, items, n, refused_by_store, i, &stored)) {
        cli_failed(i->kind->command->name);
        i->failed = true;
    }
    i->n_stored += stored;
    free(items);
    free_rows(i);
    if (i->job->progress && !i->failed) printf("%zu rows stored\n", i->n_stored), fflush(stdout);
}

static void add_row(importer *i, size_t line, json_t *json) {
    i->rows[i->n++] = (import_row){.line = line, .json = json};
    if (i->n == (size_t)i->job->batch) put_batch(i);
}

static void import_jsonl(importer *i, const cli_common *common) {
    cli_lines lines = {.max_bytes = (size_t)common->max_line_bytes};
    while (!i->failed && cli_next_line(&lines)) {
        json_error_t error = {.text = "the line is longer than --max-line-bytes"};
        if (cli_is_blank(lines.line, lines.len)) continue;
        json_t *json =
            lines.too_long ? NULL : json_loadb(lines.line, lines.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
        if (json_is_object(json)) {
            add_row(i, lines.number, json);
            continue;
        }
        refuse(i, lines.number, json ? "a row is a JSON object, {\"id\": ...}" : error.text);
        json_decref(json);
    }
    i->failed = i->failed || lines.failed;
    cli_lines_free(&lines);
}

static void import_csv(importer *i, const cli_common *common) {
    csv c;
    json_t *json;
    if (!csv_begin(&c, (size_t)common->max_line_bytes)) {
        i->failed = true;
        return;
    }
    while (!i->failed && csv_next(&c, &json)) {
        if (json)
            add_row(i, c.row_line, json);
        else
            refuse(i, c.row_line, c.why);
    }
    i->failed = i->failed || ferror(stdin);
    csv_end(&c);
}

static bool is_csv(const import_job *job, const char *file) {
    const size_t n = strlen(file);
    return job->format == 2 || (!job->format && n > 4 && !strcmp(file + n - 4, ".csv"));
}

static void import_file(importer *i, const cli_common *common) {
    i->rows = calloc((size_t)i->job->batch, sizeof *i->rows);
    i->order = calloc((size_t)i->job->batch, sizeof *i->order);
    if (!i->rows || !i->order) {
        cli_error("no memory for %d rows", i->job->batch);
        i->failed = true;
    } else if (is_csv(i->job, i->file)) {
        import_csv(i, common);
    } else {
        import_jsonl(i, common);
    }
    if (i->rows && i->order && !i->failed) put_batch(i);
    if (i->rows) free_rows(i);
    free(i->rows);
    free(i->order);
}

int import_command(const import_kind *kind, int argc, char **argv) {
    cli_common common;
    import_job job = {.batch = 1000};
    importer i = {.kind = kind, .job = &job};
    const int code = cli_parse(kind->command, argc, argv, &common, &job);
    if (code >= 0) return code;
    i.file = common.texts[0];
    if (strcmp(i.file, "-") && !freopen(i.file, "r", stdin)) return cli_error("%s: %s", i.file, strerror(errno));
    if (!store_open(&i.store, &common, STORE_ENCODER, job.encoder, 0)) return EXIT_FAILED;
    import_file(&i, &common);
    store_close(&i.store);
    printf("%zu rows stored, %zu refused\n", i.n_stored, i.n_refused);
    return i.failed || i.n_refused ? EXIT_FAILED : EXIT_DONE;
}
