/* The llmcs command: one file a subcommand over these few shared pieces. Public API only. */
#ifndef TOOLS_LLMCS_CLI_H
#define TOOLS_LLMCS_CLI_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "llmcs.h"

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* A subcommand's own option: --name, by the name used in JSON too ("max_new_tokens"; dashes work as well). */
typedef enum cli_kind {
    CLI_FLAG /* bool */,
    CLI_SWITCH /* int32_t */,
    CLI_INT,
    CLI_FLOAT,
    CLI_DOUBLE,
    CLI_UINT64,
    CLI_STRING,
    CLI_STRINGS,
    CLI_EARLY
} cli_kind;

typedef struct cli_option {
    const char *name;
    cli_kind kind;
    size_t offset; /* of the value in the subcommand's struct */
    const char *help;
} cli_option;

typedef struct cli_strings {
    const char *items[64];
    size_t n;
} cli_strings;

/* What every subcommand takes. */
typedef struct cli_common {
    const char *folder;
    bool jsonl, mmap, help;
    int n_threads;
    const char *backend, *weights, *kv_type; /* NULL, or one of the names below */
    char **texts;                            /* the arguments after the folder */
    int n_texts;
} cli_common;

/* The names of an enum's values, in their order; they end with NULL. */
extern const char *const cli_backend_names[], *const cli_weights_names[], *const cli_kv_type_names[];

typedef struct cli_command {
    const char *name, *arguments, *summary;
    const char *jsonl_help; /* what a line asks and what it gets; NULL: --jsonl is not taken */
    const cli_option *options;
    const size_t *n_options;
    int (*run)(int argc, char **argv);
} cli_command;

extern const cli_command cmd_generate, cmd_chat, cmd_classify, cmd_embed, cmd_fill_mask, cmd_score, cmd_tokenize,
    cmd_eval, cmd_info, cmd_quantize;

/* options.c: argv[0] is the subcommand. Values of `command->options` are written into `own`. Returns -1 to go on,
 * else the exit code (help was printed, or a usage error was). May be called again with the same arguments, to lay
 * them over other defaults. */
int cli_parse(const cli_command *command, int argc, char **argv, cli_common *common, void *own);
void cli_print_help(const cli_command *command, FILE *to);
/* False, with a usage message, if found is neither NULL nor among the names, which end with NULL. */
bool cli_is_one_of(const cli_command *command, const char *option, const char *const *names, const char *found);
/* Where it is among them; 0 for NULL. */
int cli_position(const char *const *names, const char *found);

/* texts.c: how texts are cut that are too long for an encoder. CLI_TEXTS_OPTIONS are options of a job whose member
 * `texts` is a cli_texts. */
typedef struct cli_texts {
    const char *overflow, *truncation, *window_pooling;
    int32_t max_length, stride;
} cli_texts;
#define CLI_TEXTS_OPTIONS(job)                                                                                         \
    {"overflow", CLI_STRING, offsetof(job, texts.overflow),                                                            \
     "texts that are too long: error, truncate (default; stderr says so) or windows"},                                 \
        {"max_length", CLI_INT, offsetof(job, texts.max_length), "tokens of a text or window (default: the model's)"}, \
        {"stride", CLI_INT, offsetof(job, texts.stride), "tokens that neighbouring windows have in common (0)"},       \
        {"truncation", CLI_STRING, offsetof(job, texts.truncation),                                                    \
         "which text of a pair is cut: longest_first, only_first or only_second"},                                     \
    {                                                                                                                  \
        "window_pooling", CLI_STRING, offsetof(job, texts.window_pooling), "auto, mean or max"                         \
    }
/* False after saying what is wrong. */
bool cli_texts_read(const cli_command *command, const cli_texts *asked, llmcs_text_params *params);
/* A line on stderr if the text was cut. */
void cli_texts_warn(const llmcs_text_info *info, const char *text, size_t len);
/* Members of a JSON object, behind another. */
void out_text_info(const llmcs_text_info *info);

/* model.c: opens with the common options, with a progress line on stderr if that is a terminal. */
llmcs_status cli_open(const cli_common *common, llmcs_model **model);
/* Prints what failed; returns EXIT_FAILED. */
int cli_failed(const char *doing);
/* All of stdin, NUL-terminated, or NULL (message printed). */
char *cli_read_stdin(size_t *len);
/* The text arguments joined by spaces, or stdin without its last newline; the caller frees. */
char *cli_text(const cli_common *common, size_t *len);
/* Calls each text argument, or each line of stdin. Stops at the first result that is not EXIT_OK. */
int cli_each_text(const cli_common *common, int (*each)(void *user, const char *text, size_t len), void *user);

/* jsonl.c: one request a line on stdin, one answer a line on stdout, in order. A handler either prints one whole
 * JSON value and returns LLMCS_OK, or prints nothing and returns a status whose message is set by the library or
 * by request_error. */
typedef llmcs_status (*jsonl_handler)(void *user, const json_t *request);
int cli_jsonl(jsonl_handler handler, void *user);
/* A line's JSON object, or NULL or something else with a status; to be given to json_decref in any case. */
llmcs_status request_parse(const char *line, size_t len, json_t **request);
/* What the last status since request_parse had to say; of one thread only. */
const char *request_message(void);
/* The answer to a line, counted from 1, that cannot be answered. */
void out_error(llmcs_status status, const char *text, size_t line);
/* Sets the message of an error found in a request. */
llmcs_status request_error(llmcs_status status, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Fails with ARG naming the first key that is not in the NULL-terminated list. */
llmcs_status request_check_keys(const json_t *request, const char *const *known);
/* required: ARG if absent. *text is NULL if absent or null. */
llmcs_status request_text(const json_t *request, const char *key, bool required, const char **text, size_t *len);
llmcs_status request_bool(const json_t *request, const char *key, bool fallback, bool *value);
/* Allocated; the caller frees. *ids is NULL if absent or null. */
llmcs_status request_ids(const json_t *request, const char *key, bool required, int32_t **ids, size_t *n);

/* json_out.c: values on stdout. */
void out_string(const char *text, size_t len);
void out_float(double value); /* 9 digits: every float32 survives; null if not finite */
void out_floats(const float *values, size_t n);
void out_rows(const float *values, size_t n_rows, size_t n);
void out_ids(const int32_t *ids, size_t n);

/* encode.c: a text's ids in a fresh array. */
llmcs_status cli_encode(const llmcs_tokenizer *tokenizer, const char *text, size_t len, const char *pair,
                        size_t pair_len, uint32_t flags, int32_t **ids, int32_t **type_ids, llmcs_span **offsets,
                        size_t *n);
/* The model's tokenizer, or a failure that says there is none. */
llmcs_status cli_tokenizer(const llmcs_model *model, const llmcs_tokenizer **tokenizer);

#endif
