/*
 * Reads and writes the file of a classifier. It is a safetensors file, so other programs can read its weights.
 *
 *     u64 n, JSON header of n bytes, tensors; the last one, "checksum", is XXH64 of all bytes before it
 *
 * The header's __metadata__ has format and version, and in "classifier" a JSON text with labels, sizes, encoder and
 * figures. Numbers that affect predictions are stored as tensors, bit for bit; those in the JSON are for people.
 * A hostile file can claim any size, so each is compared with the file's bytes before memory is allocated.
 */
#include <math.h>
#include <sqlite3.h>
#include <string.h>

#include "shop/base/call.h"
#include "shop/base/hash.h"
#include "shop/base/options.h"
#include "shop/classifier/disk.h"
#include "shop/classifier/quantize.h"

enum { FORMAT_VERSION = 1, MAX_TENSORS = 24, MAX_COUNT = 1 << 28 };
static const char FORMAT_NAME[] = "llmcs-shop-classifier";
static const uint64_t DEFAULT_MAX_BYTES = (uint64_t)1 << 30;

/* Order of the numbers in the tensor "calibration". */
enum {
    CAL_TEMPERATURE,
    CAL_ACCEPT,
    CAL_UNSEEN_IDF,
    CAL_L2,
    CAL_ACCURACY,
    CAL_MACRO_F1,
    CAL_ECE,
    CAL_AUROC,
    CAL_KEPT,
    CAL_FOUND,
    CAL_OOS_BIAS,
    CAL_OOS, /* mean, deviation, weight of each feature */
    CAL_N = CAL_OOS + 3 * SHOP_OOS_N
};

typedef enum element_type { TYPE_U8, TYPE_I8, TYPE_U32, TYPE_U64, TYPE_F32, TYPE_F64 } element_type;

static const struct {
    const char *name;
    size_t size;
} types[] = {{"U8", 1}, {"I8", 1}, {"U32", 4}, {"U64", 8}, {"F32", 4}, {"F64", 8}};

/* A tensor in memory. */
typedef struct tensor {
    const char *name;
    element_type type;
    void *data;
    int dimensions; /* 1 or 2 */
    size_t rows, columns;
    size_t stride; /* elements from row to row in memory; 0: columns, without padding */
} tensor;

static size_t tensor_bytes(const tensor *t) { return t->rows * t->columns * types[t->type].size; }

/* Copies a tensor between memory, where rows may be padded, and the file, where they are not. */
static void copy_rows(const tensor *t, unsigned char *file, bool to_file) {
    const size_t row = t->columns * types[t->type].size, stride = t->stride ? t->stride * types[t->type].size : row;
    for (size_t i = 0; i < t->rows; i++) {
        unsigned char *memory = (unsigned char *)t->data + i * stride;
        memcpy(to_file ? file + i * row : memory, to_file ? memory : file + i * row, row);
    }
}

/* Lists the tensors of a classifier whose arrays are allocated. Empty tensors are left out. */
static size_t list_tensors(const llmcs_shop_classifier *c, double *calibration, uint32_t *example_sizes,
                           tensor tensors[MAX_TENSORS]) {
    const tensor all[] = {
        {"calibration", TYPE_F64, calibration, 1, CAL_N, 1, 0},
        {"ngram.hashes", TYPE_U32, c->hashes, 1, c->n_features, 1, 0},
        {"ngram.idf", TYPE_F32, c->idf, 1, c->n_features, 1, 0},
        {"ngram.weight", TYPE_I8, c->weights, 2, c->n_features, c->n_classes, c->stride},
        {"ngram.scale", TYPE_F32, c->scales, 1, c->n_classes, 1, 0},
        {"bias", TYPE_F32, c->bias, 1, c->n_classes, 1, 0},
        {"vector.weight", TYPE_I8, c->dense, 2, c->n_dense, c->n_classes, c->stride},
        {"vector.scale", TYPE_F32, c->dense_scales, 1, c->n_classes, 1, 0},
        {"vector.center", TYPE_F32, c->center, 1, c->n_dense, 1, 0},
        {"vector.class_means", TYPE_I8, c->means, 2, c->n_labels, c->n_dense, 0},
        {"example.sizes", TYPE_U32, example_sizes, 2, c->n_examples, 2, 0}, /* label, bytes */
        {"example.texts", TYPE_U8, c->example_texts, 1, c->example_bytes, 1, 0},
        {"example.vectors", TYPE_I8, c->example_vectors, 2, c->n_examples, c->n_dense, 0},
    };
    size_t n = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (tensor_bytes(&all[i])) tensors[n++] = all[i];
    return n;
}

static void calibration_out(const llmcs_shop_classifier *c, double x[CAL_N]) {
    x[CAL_TEMPERATURE] = (double)c->temperature;
    x[CAL_ACCEPT] = (double)c->accept_score;
    x[CAL_UNSEEN_IDF] = (double)c->unseen_idf;
    x[CAL_L2] = c->l2;
    x[CAL_ACCURACY] = c->figures.accuracy;
    x[CAL_MACRO_F1] = c->figures.macro_f1;
    x[CAL_ECE] = c->figures.ece;
    x[CAL_AUROC] = c->figures.oos_auroc;
    x[CAL_KEPT] = c->figures.in_scope_kept;
    x[CAL_FOUND] = c->figures.oos_found;
    x[CAL_OOS_BIAS] = (double)c->oos.bias;
    for (size_t i = 0; i < SHOP_OOS_N; i++) {
        x[CAL_OOS + 3 * i] = (double)c->oos.mean[i];
        x[CAL_OOS + 3 * i + 1] = (double)c->oos.deviation[i];
        x[CAL_OOS + 3 * i + 2] = (double)c->oos.weight[i];
    }
}

static void calibration_in(llmcs_shop_classifier *c, const double x[CAL_N]) {
    c->temperature = (float)x[CAL_TEMPERATURE];
    c->accept_score = (float)x[CAL_ACCEPT];
    c->unseen_idf = (float)x[CAL_UNSEEN_IDF];
    c->l2 = x[CAL_L2];
    c->figures = (shop_figures){x[CAL_ACCURACY], x[CAL_MACRO_F1], x[CAL_ECE], x[CAL_AUROC], x[CAL_KEPT], x[CAL_FOUND]};
    c->oos.bias = (float)x[CAL_OOS_BIAS];
    for (size_t i = 0; i < SHOP_OOS_N; i++) {
        c->oos.mean[i] = (float)x[CAL_OOS + 3 * i];
        c->oos.deviation[i] = (float)x[CAL_OOS + 3 * i + 1];
        c->oos.weight[i] = (float)x[CAL_OOS + 3 * i + 2];
    }
}

/* ------------------------------------------------------------------------------------------------------- SQLite */

static llmcs_status sqlite_failed(sqlite3 *db, const char *path) {
    return shop_fail(sqlite3_errcode(db) == SQLITE_NOMEM ? LLMCS_NOMEM : LLMCS_JSON, "%s: header: %s", path,
                     sqlite3_errmsg(db));
}

static void close_database(sqlite3 **db) { sqlite3_close(*db); }
static void finish_statement(sqlite3_stmt **statement) { sqlite3_finalize(*statement); }

static llmcs_status open_json(const char *path, sqlite3 **db) {
    if (sqlite3_open_v2(":memory:", db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK)
        return LLMCS_OK;
    return shop_fail(LLMCS_NOMEM, "%s: out of memory for JSON", path);
}

/* -------------------------------------------------------------------------------------------------------- save */

/* Appends text as a JSON string. */
static llmcs_status append_quoted(sqlite3_stmt *quote, sqlite3_str *out, const char *text, const char *path) {
    sqlite3_reset(quote);
    if (sqlite3_bind_text(quote, 1, text, -1, SQLITE_STATIC) != SQLITE_OK || sqlite3_step(quote) != SQLITE_ROW)
        return sqlite_failed(sqlite3_db_handle(quote), path);
    sqlite3_str_appendall(out, (const char *)sqlite3_column_text(quote, 0));
    return LLMCS_OK;
}

static void append_figure(sqlite3_str *out, const char *name, double value) {
    if (isfinite(value)) sqlite3_str_appendf(out, ",\"%s\":%.6g", name, value);
}

static llmcs_status write_settings(const llmcs_shop_classifier *c, sqlite3_stmt *quote, sqlite3_str *out,
                                   const char *path) {
    sqlite3_str_appendf(out,
                        "{\"n_classes\":%lld,\"n_features\":%lld,\"n_dense\":%lld,\"n_examples\":%lld,"
                        "\"example_bytes\":%lld,\"n_rows\":%lld,\"n_oos_rows\":%lld,\"oos_rows\":\"%s\"",
                        (long long)c->n_classes, (long long)c->n_features, (long long)c->n_dense,
                        (long long)c->n_examples, (long long)c->example_bytes, (long long)c->n_rows,
                        (long long)c->n_oos_rows, c->oos_rows);
    append_figure(out, "l2", c->l2);
    append_figure(out, "temperature", (double)c->temperature);
    append_figure(out, "accuracy", c->figures.accuracy);
    append_figure(out, "macro_f1", c->figures.macro_f1);
    append_figure(out, "ece", c->figures.ece);
    append_figure(out, "oos_auroc", c->figures.oos_auroc);
    sqlite3_str_appendf(
        out, ",\"encoder_fingerprint\":\"%016llx\",\"encoder_path\":", (unsigned long long)c->encoder_fingerprint);
    SHOP_TRY(append_quoted(quote, out, c->encoder_path ? c->encoder_path : "", path));
    sqlite3_str_appendall(out, ",\"labels\":[");
    for (size_t i = 0; i < c->n_labels; i++) {
        if (i) sqlite3_str_appendchar(out, 1, ',');
        SHOP_TRY(append_quoted(quote, out, c->labels[i], path));
    }
    sqlite3_str_appendall(out, "]}");
    return LLMCS_OK;
}

static void append_tensor(sqlite3_str *out, const tensor *t, size_t *offset) {
    const size_t end = *offset + tensor_bytes(t);
    sqlite3_str_appendf(out, ",\"%s\":{\"dtype\":\"%s\",\"shape\":[%lld", t->name, types[t->type].name,
                        (long long)t->rows);
    if (t->dimensions == 2) sqlite3_str_appendf(out, ",%lld", (long long)t->columns);
    sqlite3_str_appendf(out, "],\"data_offsets\":[%lld,%lld]}", (long long)*offset, (long long)end);
    *offset = end;
}

/* Builds the header, padded with spaces to a multiple of 8 bytes as in safetensors. Free *text with sqlite3_free. */
static llmcs_status write_header(const llmcs_shop_classifier *c, const char *path, const tensor *tensors, size_t n,
                                 char **text, size_t *bytes, size_t *data_bytes) {
    sqlite3 *db SHOP_CLEANUP(close_database) = NULL;
    sqlite3_stmt *quote SHOP_CLEANUP(finish_statement) = NULL;
    SHOP_TRY(open_json(path, &db));
    if (sqlite3_prepare_v2(db, "SELECT json_quote(?1)", -1, &quote, NULL) != SQLITE_OK) return sqlite_failed(db, path);
    sqlite3_str *settings = sqlite3_str_new(db), *out = sqlite3_str_new(db);
    llmcs_status status = write_settings(c, quote, settings, path);
    char *settings_text = sqlite3_str_finish(settings);
    if (!status && !settings_text) status = shop_fail(LLMCS_NOMEM, "%s: no memory for the header", path);
    sqlite3_str_appendf(out, "{\"__metadata__\":{\"format\":\"%s\",\"version\":\"%d\",\"classifier\":", FORMAT_NAME,
                        FORMAT_VERSION);
    if (!status) status = append_quoted(quote, out, settings_text, path);
    sqlite3_free(settings_text);
    sqlite3_str_appendall(out, "}");
    *data_bytes = 0;
    for (size_t i = 0; i < n; i++) append_tensor(out, &tensors[i], data_bytes);
    append_tensor(out, &(tensor){"checksum", TYPE_U64, NULL, 1, 1, 1, 0}, data_bytes);
    sqlite3_str_appendall(out, "}");
    sqlite3_str_appendchar(out, (8 - sqlite3_str_length(out) % 8) % 8, ' ');
    *bytes = (size_t)sqlite3_str_length(out);
    const bool no_memory = sqlite3_str_errcode(out) != SQLITE_OK;
    *text = sqlite3_str_finish(out);
    if (!status && (no_memory || !*text)) status = shop_fail(LLMCS_NOMEM, "%s: no memory for the header", path);
    return status;
}

static void put_u64(unsigned char *at, uint64_t value) {
    for (int i = 0; i < 8; i++) at[i] = (unsigned char)(value >> (8 * i));
}

static uint64_t get_u64(const unsigned char *at) {
    uint64_t value = 0;
    for (int i = 7; i >= 0; i--) value = value << 8 | at[i];
    return value;
}

static llmcs_status write_bytes(const llmcs_shop_classifier *c, const char *name, uint32_t *example_sizes,
                                unsigned char **file, size_t *n_bytes) {
    double calibration[CAL_N];
    tensor tensors[MAX_TENSORS];
    size_t header_bytes = 0, data_bytes = 0;
    char *header = NULL;
    calibration_out(c, calibration);
    for (size_t i = 0; i < c->n_examples; i++) {
        example_sizes[2 * i] = c->examples[i].label;
        example_sizes[2 * i + 1] = c->examples[i].bytes;
    }
    const size_t n = list_tensors(c, calibration, example_sizes, tensors);
    llmcs_status status = write_header(c, name, tensors, n, &header, &header_bytes, &data_bytes);
    const size_t bytes = 8 + header_bytes + data_bytes;
    if (!status) status = shop_alloc(&c->a, bytes, 1, name, file);
    if (!status) {
        unsigned char *at = *file + 8 + header_bytes;
        put_u64(*file, header_bytes);
        memcpy(*file + 8, header, header_bytes);
        for (size_t i = 0; i < n; i++) {
            copy_rows(&tensors[i], at, true);
            at += tensor_bytes(&tensors[i]);
        }
        put_u64(at, shop_xxh64(*file, bytes - 8));
        *n_bytes = bytes;
    }
    sqlite3_free(header);
    return status;
}

llmcs_status shop_classifier_to_bytes(const llmcs_shop_classifier *c, const char *name, unsigned char **bytes,
                                      size_t *n_bytes) {
    uint32_t *example_sizes;
    *bytes = NULL;
    SHOP_TRY(shop_alloc(&c->a, c->n_examples, 2 * sizeof *example_sizes, name, &example_sizes));
    const llmcs_status status = write_bytes(c, name, example_sizes, bytes, n_bytes);
    shop_free(&c->a, example_sizes);
    return status;
}

llmcs_status llmcs_shop_classifier_save(const llmcs_shop_classifier *classifier, const char *path) {
    SHOP_PUBLIC_CALL;
    unsigned char *bytes;
    size_t n;
    if (!classifier || !path) return shop_fail(LLMCS_ARG, "classifier_save: classifier or path is NULL");
    SHOP_TRY(shop_classifier_to_bytes(classifier, path, &bytes, &n));
    const llmcs_status status = shop_file_write(&classifier->a, path, bytes, n);
    shop_free(&classifier->a, bytes);
    return status;
}

/* -------------------------------------------------------------------------------------------------------- open */

typedef struct opener {
    const llmcs_allocator *a;
    const char *path;
    const unsigned char *file;
    size_t bytes, header_bytes;
    sqlite3 *db;
    char *settings; /* JSON text */
    llmcs_shop_classifier *c;
} opener;

static llmcs_status check_frame(opener *o) {
    if (o->bytes < 24)
        return shop_fail(LLMCS_FORMAT, "%s: %lld bytes are too few for a classifier file", o->path,
                         (long long)o->bytes);
    const uint64_t header = get_u64(o->file);
    if (header > o->bytes - 16)
        return shop_fail(LLMCS_FORMAT, "%s: offset 0: header of %llu bytes in a file of %lld: truncated or damaged",
                         o->path, (unsigned long long)header, (long long)o->bytes);
    o->header_bytes = (size_t)header;
    const uint64_t found = shop_xxh64(o->file, o->bytes - 8), expected = get_u64(o->file + o->bytes - 8);
    if (found != expected)
        return shop_fail(LLMCS_FORMAT, "%s: offset %lld: checksum %016llx, expected %016llx: the file is damaged",
                         o->path, (long long)o->bytes - 8, (unsigned long long)found, (unsigned long long)expected);
    return LLMCS_OK;
}

static llmcs_status bind_json(const opener *o, const char *sql, const char *json, size_t bytes,
                              sqlite3_stmt **statement) {
    if (sqlite3_prepare_v2(o->db, sql, -1, statement, NULL) != SQLITE_OK ||
        sqlite3_bind_text64(*statement, 1, json, bytes, SQLITE_STATIC, SQLITE_UTF8) != SQLITE_OK)
        return sqlite_failed(o->db, o->path);
    return LLMCS_OK;
}

static const char *header_text(const opener *o) { return (const char *)o->file + 8; }

/* A text column without NUL bytes, or NULL. */
static const char *text_column(sqlite3_stmt *statement, int column) {
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return text && strlen(text) == (size_t)sqlite3_column_bytes(statement, column) ? text : NULL;
}

static llmcs_status read_metadata(opener *o) {
    sqlite3_stmt *s SHOP_CLEANUP(finish_statement) = NULL;
    SHOP_TRY(bind_json(o,
                       "SELECT json_extract(?1,'$.__metadata__.format'),json_extract(?1,'$.__metadata__.version'),"
                       "json_extract(?1,'$.__metadata__.classifier')",
                       header_text(o), o->header_bytes, &s));
    if (sqlite3_step(s) != SQLITE_ROW) return sqlite_failed(o->db, o->path);
    const char *format = text_column(s, 0), *version = text_column(s, 1), *settings = text_column(s, 2);
    if (!format || strcmp(format, FORMAT_NAME) != 0)
        return shop_fail(LLMCS_FORMAT, "%s: __metadata__.format is %s, expected %s: not a classifier", o->path,
                         format ? format : "absent", FORMAT_NAME);
    if (!version || strcmp(version, "1") != 0)
        return shop_fail(LLMCS_UNSUPPORTED, "%s: format version is %s, this library (%s) reads version %d", o->path,
                         version ? version : "absent", llmcs_shop_version(), FORMAT_VERSION);
    if (!settings) return shop_fail(LLMCS_FORMAT, "%s: __metadata__.classifier is absent", o->path);
    return shop_copy_text(o->a, settings, strlen(settings), "header", &o->settings);
}

/* Reads an integer from 0 to MAX_COUNT. */
static llmcs_status read_count(const opener *o, sqlite3_stmt *s, int column, const char *name, size_t *count) {
    const long long value = sqlite3_column_int64(s, column);
    if (sqlite3_column_type(s, column) != SQLITE_INTEGER || value < 0 || value > MAX_COUNT)
        return shop_fail(LLMCS_FORMAT, "%s: %s is %s, expected an integer from 0 to %d", o->path, name,
                         text_column(s, column) ? text_column(s, column) : "absent", MAX_COUNT);
    *count = (size_t)value;
    return LLMCS_OK;
}

static bool parse_hex(const char *text, uint64_t *value) {
    *value = 0;
    if (!text || strlen(text) != 16) return false;
    for (; *text; text++) {
        const char *digits = "0123456789abcdef", *digit = strchr(digits, *text);
        if (!digit) return false;
        *value = *value << 4 | (uint64_t)(digit - digits);
    }
    return true;
}

static llmcs_status read_encoder(opener *o, sqlite3_stmt *s) {
    const char *path = text_column(s, 9);
    if (!parse_hex(text_column(s, 8), &o->c->encoder_fingerprint) || !path)
        return shop_fail(LLMCS_FORMAT, "%s: encoder_fingerprint or encoder_path is absent or damaged", o->path);
    return path[0] ? shop_copy_text(o->a, path, strlen(path), "encoder_path", &o->c->encoder_path) : LLMCS_OK;
}

static llmcs_status read_sizes(opener *o) {
    sqlite3_stmt *s SHOP_CLEANUP(finish_statement) = NULL;
    static const char *const sources[] = {"none", "given", "classes"};
    llmcs_shop_classifier *c = o->c;
    size_t n_rows, n_oos_rows;
    SHOP_TRY(
        bind_json(o,
                  "SELECT json_extract(?1,'$.n_classes'),json_extract(?1,'$.n_features'),"
                  "json_extract(?1,'$.n_dense'),json_extract(?1,'$.n_examples'),json_extract(?1,'$.example_bytes'),"
                  "json_extract(?1,'$.n_rows'),json_extract(?1,'$.n_oos_rows'),json_extract(?1,'$.oos_rows'),"
                  "json_extract(?1,'$.encoder_fingerprint'),json_extract(?1,'$.encoder_path')",
                  o->settings, strlen(o->settings), &s));
    if (sqlite3_step(s) != SQLITE_ROW) return sqlite_failed(o->db, o->path);
    SHOP_TRY(read_count(o, s, 0, "n_classes", &c->n_classes));
    SHOP_TRY(read_count(o, s, 1, "n_features", &c->n_features));
    SHOP_TRY(read_count(o, s, 2, "n_dense", &c->n_dense));
    SHOP_TRY(read_count(o, s, 3, "n_examples", &c->n_examples));
    SHOP_TRY(read_count(o, s, 4, "example_bytes", &c->example_bytes));
    SHOP_TRY(read_count(o, s, 5, "n_rows", &n_rows));
    SHOP_TRY(read_count(o, s, 6, "n_oos_rows", &n_oos_rows));
    const char *source = text_column(s, 7);
    for (size_t i = 0; source && i < 3; i++)
        if (strcmp(source, sources[i]) == 0) c->oos_rows = sources[i];
    if (!c->oos_rows)
        return shop_fail(LLMCS_FORMAT, "%s: oos_rows is %s, expected none, given or classes", o->path,
                         source ? source : "absent");
    c->n_rows = n_rows;
    c->n_oos_rows = n_oos_rows;
    return read_encoder(o, s);
}

static llmcs_status read_labels(opener *o) {
    sqlite3_stmt *s SHOP_CLEANUP(finish_statement) = NULL;
    llmcs_shop_classifier *c = o->c;
    size_t capacity = 0;
    int step;
    SHOP_TRY(bind_json(o, "SELECT value FROM json_each(?1,'$.labels') WHERE type='text'", o->settings,
                       strlen(o->settings), &s));
    while ((step = sqlite3_step(s)) == SQLITE_ROW) {
        const char *label = text_column(s, 0);
        if (!label || !label[0])
            return shop_fail(LLMCS_FORMAT, "%s: label %lld is empty", o->path, (long long)c->n_labels);
        const size_t bytes = strlen(label) + 1;
        SHOP_TRY(shop_grow(o->a, &c->label_texts, c->label_bytes, &capacity, c->label_bytes + bytes, 1, "labels"));
        memcpy(c->label_texts + c->label_bytes, label, bytes);
        c->label_bytes += bytes;
        c->n_labels++;
    }
    if (step != SQLITE_DONE) return sqlite_failed(o->db, o->path);
    if (c->n_labels < 2 || c->n_classes < c->n_labels || c->n_classes > c->n_labels + 1)
        return shop_fail(LLMCS_FORMAT,
                         "%s: %lld labels and %lld classes, expected at least 2 labels and as many"
                         " classes or one more",
                         o->path, (long long)c->n_labels, (long long)c->n_classes);
    c->bytes += capacity;
    return LLMCS_OK;
}

/* Checks the sizes against the file's bytes, then allocates. In memory, columns are padded to SHOP_WEIGHT_LANES. */
static llmcs_status allocate_arrays(opener *o) {
    llmcs_shop_classifier *c = o->c;
    if (c->n_features > o->bytes / (c->n_classes + 8) || c->n_dense > o->bytes / c->n_classes ||
        c->n_examples > o->bytes / 8 || c->example_bytes > o->bytes ||
        (c->n_dense && c->n_labels > o->bytes / c->n_dense) || (c->n_dense && c->n_examples > o->bytes / c->n_dense))
        return shop_fail(
            LLMCS_FORMAT, "%s: %lld n-grams, vectors of %lld floats, %lld examples: more than fit in %lld bytes",
            o->path, (long long)c->n_features, (long long)c->n_dense, (long long)c->n_examples, (long long)o->bytes);
    SHOP_TRY(shop_classifier_alloc_weights(c));
    SHOP_TRY(shop_classifier_alloc(c, c->n_examples, sizeof *c->examples, "examples", &c->examples));
    SHOP_TRY(shop_classifier_alloc(c, c->example_bytes, 1, "examples", &c->example_texts));
    if (!c->n_dense) return LLMCS_OK;
    return shop_classifier_alloc(c, c->n_examples * c->n_dense, 1, "examples", &c->example_vectors);
}

static llmcs_status copy_tensor(const opener *o, sqlite3_stmt *s, const tensor *t) {
    const size_t data = 8 + o->header_bytes, data_bytes = o->bytes - data;
    const char *dtype = text_column(s, 1);
    const long long begin = sqlite3_column_int64(s, 2), end = sqlite3_column_int64(s, 3);
    if (!dtype || strcmp(dtype, types[t->type].name) != 0)
        return shop_fail(LLMCS_FORMAT, "%s: tensor %s: dtype %s, expected %s", o->path, t->name,
                         dtype ? dtype : "absent", types[t->type].name);
    if (begin < 0 || end < begin || (uint64_t)end > data_bytes || (uint64_t)(end - begin) != tensor_bytes(t))
        return shop_fail(LLMCS_FORMAT, "%s: tensor %s: bytes %lld to %lld of %lld, expected %lld", o->path, t->name,
                         begin, end, (long long)data_bytes, (long long)tensor_bytes(t));
    copy_rows(t, (unsigned char *)(uintptr_t)(o->file + data + (size_t)begin), false);
    return LLMCS_OK;
}

/* Every tensor that the sizes imply must occur once. Other tensors are ignored. */
static llmcs_status read_tensors(const opener *o, const tensor *tensors, size_t n) {
    sqlite3_stmt *s SHOP_CLEANUP(finish_statement) = NULL;
    bool found[MAX_TENSORS] = {false};
    int step;
    SHOP_TRY(bind_json(o,
                       "SELECT key,json_extract(value,'$.dtype'),json_extract(value,'$.data_offsets[0]'),"
                       "json_extract(value,'$.data_offsets[1]') FROM json_each(?1) WHERE type='object'",
                       header_text(o), o->header_bytes, &s));
    while ((step = sqlite3_step(s)) == SQLITE_ROW) {
        const char *name = text_column(s, 0);
        for (size_t i = 0; name && i < n; i++) {
            if (strcmp(name, tensors[i].name) != 0) continue;
            if (found[i]) return shop_fail(LLMCS_FORMAT, "%s: tensor %s occurs twice", o->path, name);
            SHOP_TRY(copy_tensor(o, s, &tensors[i]));
            found[i] = true;
        }
    }
    if (step != SQLITE_DONE) return sqlite_failed(o->db, o->path);
    for (size_t i = 0; i < n; i++)
        if (!found[i]) return shop_fail(LLMCS_FORMAT, "%s: tensor %s is missing", o->path, tensors[i].name);
    return LLMCS_OK;
}

static llmcs_status check_floats(const opener *o, const char *name, const float *values, size_t n, float low,
                                 float high) {
    for (size_t i = 0; i < n; i++)
        if (!(values[i] >= low && values[i] <= high))
            return shop_fail(LLMCS_FORMAT, "%s: %s[%lld] is %g, expected %g to %g", o->path, name, (long long)i,
                             (double)values[i], (double)low, (double)high);
    return LLMCS_OK;
}

/* Bounds that keep all results of predictions finite. */
static llmcs_status check_numbers(const opener *o) {
    const llmcs_shop_classifier *c = o->c;
    const float large = 1e6f;
    SHOP_TRY(check_floats(o, "ngram.idf", c->idf, c->n_features, 1e-3f, 1e3f));
    SHOP_TRY(check_floats(o, "ngram.scale", c->scales, c->stride, 0, large));
    SHOP_TRY(check_floats(o, "vector.scale", c->dense_scales, c->stride, 0, large));
    SHOP_TRY(check_floats(o, "vector.center", c->center, c->n_dense, -2, 2));
    SHOP_TRY(check_floats(o, "bias", c->bias, c->stride, -large, large));
    SHOP_TRY(check_floats(o, "temperature", &c->temperature, 1, 1e-3f, 1e3f));
    SHOP_TRY(check_floats(o, "accept_score", &c->accept_score, 1, 0, 1));
    SHOP_TRY(check_floats(o, "unseen_idf", &c->unseen_idf, 1, 1e-3f, 1e3f));
    SHOP_TRY(check_floats(o, "oos.bias", &c->oos.bias, 1, -large, large));
    SHOP_TRY(check_floats(o, "oos.mean", c->oos.mean, SHOP_OOS_N, -large, large));
    SHOP_TRY(check_floats(o, "oos.weight", c->oos.weight, SHOP_OOS_N, -large, large));
    return check_floats(o, "oos.deviation", c->oos.deviation, SHOP_OOS_N, 1e-9f, large);
}

static llmcs_status fill_classifier(opener *o) {
    llmcs_shop_classifier *c = o->c;
    double calibration[CAL_N];
    tensor tensors[MAX_TENSORS];
    uint32_t *sizes;
    SHOP_TRY(shop_alloc(o->a, c->n_examples, 2 * sizeof *sizes, "examples", &sizes));
    const size_t n = list_tensors(c, calibration, sizes, tensors);
    const llmcs_status status = read_tensors(o, tensors, n);
    for (size_t i = 0; !status && i < c->n_examples; i++)
        c->examples[i] = (shop_kept_example){.label = sizes[2 * i], .bytes = sizes[2 * i + 1]};
    shop_free(o->a, sizes);
    SHOP_TRY(status);
    calibration_in(c, calibration);
    return check_numbers(o);
}

static llmcs_status read_file(opener *o) {
    sqlite3 *db SHOP_CLEANUP(close_database) = NULL;
    SHOP_TRY(check_frame(o));
    SHOP_TRY(open_json(o->path, &db));
    o->db = db;
    SHOP_TRY(read_metadata(o));
    SHOP_TRY(shop_classifier_create(o->a, &o->c));
    SHOP_TRY(read_sizes(o));
    SHOP_TRY(read_labels(o));
    SHOP_TRY(allocate_arrays(o));
    SHOP_TRY(fill_classifier(o));
    return shop_classifier_index(o->c, o->path);
}

llmcs_status shop_classifier_from_bytes(const llmcs_allocator *a, const char *name, const unsigned char *bytes,
                                        size_t n_bytes, llmcs_model *encoder, llmcs_shop_classifier **classifier) {
    opener o = {.a = a, .path = name, .file = bytes, .bytes = n_bytes};
    llmcs_status status = read_file(&o);
    if (!status) status = shop_classifier_bind(o.c, encoder);
    shop_free(a, o.settings);
    if (status)
        llmcs_shop_classifier_free(&o.c);
    else
        *classifier = o.c;
    return status;
}

void llmcs_shop_classifier_options_init_sized(llmcs_shop_classifier_options *options, size_t struct_size) {
    const llmcs_shop_classifier_options defaults = {.struct_size = sizeof defaults};
    shop_options_init(options, struct_size, &defaults, sizeof defaults);
}

llmcs_status llmcs_shop_classifier_open(const char *path, const llmcs_shop_classifier_options *options,
                                        llmcs_shop_classifier **classifier) {
    SHOP_PUBLIC_CALL;
    llmcs_shop_classifier_options own;
    unsigned char *file = NULL;
    llmcs_shop_classifier_options_init(&own);
    if (!path || !classifier) return shop_fail(LLMCS_ARG, "classifier_open: path or classifier is NULL");
    *classifier = NULL;
    if (options)
        SHOP_TRY(shop_options_in(&own, sizeof own, SHOP_SIZE_UP_TO_POINTER(llmcs_shop_classifier_options, allocator),
                                 options, "llmcs_shop_classifier_options"));
    const llmcs_allocator a = shop_allocator_or_default(own.allocator);
    size_t n;
    SHOP_TRY(shop_file_read(&a, path, own.max_bytes ? own.max_bytes : DEFAULT_MAX_BYTES, &file, &n));
    const llmcs_status status = shop_classifier_from_bytes(&a, path, file, n, own.encoder, classifier);
    shop_free(&a, file);
    return status;
}
