/* JSON Lines: one request per line on stdin, one answer per line on stdout. */
#ifndef TOOLS_CLI_REQUEST_H
#define TOOLS_CLI_REQUEST_H

#include <jansson.h>

#include "cli.h"

/* ---- request.c: what a line requests */

typedef struct cli_request {
    json_t *json; /* an object */
    char *id;     /* the value of "id" as it was written, or NULL */
} cli_request;

/* Numbers that C cannot represent (2^64, -1e999) become strings, for keys that accept them. */
llmcs_status request_parse(const char *line, size_t len, cli_request *request);
void request_free(cli_request *request);

/* Sets the message of an error that this program finds in a request of this thread. */
llmcs_status request_error(llmcs_status status, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The message of the last error: request_error's, or else the library's. request_parse and request_begin clear the
 * errors before. */
const char *request_message(void);
void request_begin(void);

/* ARG that names the first key that is neither "id" nor in the NULL-terminated list. */
llmcs_status request_check_keys(const json_t *request, const char *const *known);
llmcs_status request_unknown_key(const char *key);
/* The value of a key; NULL if it is absent or null. */
const json_t *request_value(const json_t *request, const char *key);
/* required: ARG if absent. *text is NULL if absent or null. */
llmcs_status request_text(const json_t *request, const char *key, bool required, const char **text, size_t *len);
llmcs_status request_bool(const json_t *request, const char *key, bool fallback, bool *value);
/* *value stays if absent or null. */
llmcs_status request_int(const json_t *request, const char *key, int32_t low, int32_t high, int32_t *value);
/* Allocated; the caller frees. *ids is NULL if absent or null. */
llmcs_status request_ids(const json_t *request, const char *key, bool required, int32_t **ids, size_t *n);
llmcs_status request_id_list(const json_t *list, const char *key, int32_t **ids, size_t *n);

/* ---- answer.c: what it gets */

/* Float rows that are printed directly: as JSON values they would take ten times the memory. */
typedef struct cli_matrix {
    const char *name;
    const float *values;
    size_t n_rows, n_columns;
} cli_matrix;

enum { CLI_MAX_MATRICES = 2 };

typedef struct cli_answer {
    json_t *json; /* an object */
    cli_matrix matrices[CLI_MAX_MATRICES];
    size_t n_matrices;
    int digits;  /* of its numbers: 9, enough to restore every float32 */
    bool failed; /* no memory for a member */
} cli_answer;

void answer_init(cli_answer *answer);
void answer_free(cli_answer *answer);
/* Takes the reference to `value`; NULL: there was no memory for it. */
void answer_set(cli_answer *answer, const char *key, json_t *value);
/* One line; flushed. False: stdout takes no more. */
bool answer_print(const cli_answer *answer, const char *id);
bool answer_print_error(llmcs_status status, const char *message, size_t line, const char *id);

json_t *json_text(const char *text, size_t len);
json_t *json_float(double value); /* null if not finite */
json_t *json_floats(const float *values, size_t n);
json_t *json_ids(const int32_t *ids, size_t n);
/* A list of {"label", "score", "begin", "end", "text"}; NULL: no memory. */
json_t *json_text_spans(const llmcs_text_spans *found, const char *text);
/* "label", "score" and "scores": the score of each of the n names. */
void answer_add_classes(cli_answer *answer, const char *const *names, const float *scores, size_t n, size_t best);
void answer_add_text_info(cli_answer *answer, const llmcs_text_info *info);

/* ---- jsonl.c, jsonl_threads.c: all lines */

/* Adds members to answer->json, which is empty. */
typedef llmcs_status (*jsonl_handler)(void *user, const json_t *request, cli_answer *answer);
/* Answers every line. EXIT_FAILED if one could not be answered. */
int cli_jsonl(const cli_common *common, jsonl_handler handler, void *user);
/* The same on n_threads threads (1 or more), which call the handler at the same time. Lines that have the same string
 * under order_key are answered one after the other; the answers are printed in the order of the lines. */
int cli_jsonl_threads(const cli_common *common, const char *order_key, int n_threads, jsonl_handler handler,
                      void *user);
/* LIMIT: a line that is longer than --max-line-bytes. */
llmcs_status request_too_long(const cli_lines *lines);

#endif
