/* What the commands (llmcs, llmcs-shop) share: options, help, input, JSON Lines. They use the public API only. */
#ifndef TOOLS_CLI_CLI_H
#define TOOLS_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "llmcs.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* "llmcs" or "llmcs-shop": the program's main.c defines it. */
extern const char *const cli_program;

/* ---- options.c, help.c */

typedef enum cli_kind {
    CLI_FLAG,   /* bool: no value */
    CLI_SWITCH, /* int32_t: no value, sets 1 */
    CLI_INT,    /* int32_t between low and high */
    CLI_FLOAT,
    CLI_DOUBLE,
    CLI_UINT64,
    CLI_NAME, /* int32_t or an enum: the position of the value in `names` */
    CLI_STRING,
    CLI_STRINGS /* may be given several times */
} cli_kind;

/* --max-new-tokens; --max_new_tokens is the same option, and "max_new_tokens" the key of JSON Lines. */
typedef struct cli_option {
    const char *name;
    cli_kind kind;
    size_t offset; /* of the value in the struct that cli_parse fills */
    const char *help;
    const char *const *names; /* CLI_NAME: ends with NULL */
    int32_t low, high;        /* CLI_INT: both 0 for no bounds */
} cli_option;

#define CLI_PLAIN(name, kind, offset, help) \
    { name, kind, offset, help, NULL, 0, 0 }
#define CLI_BOUNDED(name, offset, help, low, high) \
    { name, CLI_INT, offset, help, NULL, low, high }
#define CLI_CHOICE(name, offset, help, names) \
    { name, CLI_NAME, offset, help, names, 0, 0 }

enum { CLI_MAX_STRINGS = 64, CLI_MAX_GIVEN = 256, CLI_MAX_OPTIONS = 64 };

typedef struct cli_strings {
    const char *items[CLI_MAX_STRINGS];
    size_t n;
} cli_strings;

typedef struct cli_given {
    const cli_option *option;
    const char *value;
    bool common;
} cli_given;

/* The options that commands share. A command takes the groups it names. */
enum {
    CLI_TAKES_JSONL = 1, /* --jsonl */
    CLI_TAKES_TEXT = 2,  /* --strict-utf8, --max-line-bytes */
    CLI_TAKES_MODEL = 4, /* --adapter, --threads, --backend, --weights, --mmap */
    CLI_TAKES_KV = 8     /* --kv-type */
};

typedef struct cli_common {
    const char *folder; /* the first argument */
    char **texts;       /* the arguments after it */
    int n_texts;
    bool jsonl, strict_utf8, mmap, help;
    int32_t n_threads, backend, weights, kv_type;
    uint64_t max_line_bytes;
    cli_strings adapters;
    cli_given given[CLI_MAX_GIVEN];
    int n_given;
} cli_common;

typedef struct cli_command {
    const char *name, *arguments, *summary;
    const char *target;     /* what the first argument is; NULL: MODEL_FOLDER; "": none */
    const char *notes;      /* paragraphs after the options, or NULL */
    const char *jsonl_help; /* the format of requests and answers */
    const cli_option *options;
    size_t n_options;
    unsigned takes;           /* CLI_TAKES_* */
    int min_texts, max_texts; /* arguments after the folder, without --jsonl */
    int (*execute)(int argc, char **argv);
    bool optional_target; /* without a first argument, folder is NULL */
} cli_command;

#define CLI_ANY_TEXTS 1000000

/* Finds the subcommand argv[1] among the n commands and executes it; help and --version too. `notes` are printed after
 * the list of commands. Returns the exit code of the program. */
int cli_main(int argc, char **argv, const cli_command *const *commands, size_t n, const char *notes);

/* argv[0] is the subcommand. Writes the values of command->options into `own`. Returns -1 to continue, or the exit code
 * after printing help or what is wrong. */
int cli_parse(const cli_command *command, int argc, char **argv, cli_common *common, void *own);
/* Applies the given values again, over other defaults. */
void cli_apply_again(const cli_common *common, void *own);
bool cli_was_given(const cli_common *common, const char *name);
/* Prints a usage error and how to get help; returns EXIT_USAGE. */
int cli_usage_error(const cli_command *command, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void cli_print_help(const cli_command *command, FILE *to);
/* Breaks text into lines of at most CLI_WIDTH columns, each after `indent` spaces; the first line is already at column
 * `column`. */
enum { CLI_WIDTH = 92 };
void cli_print_wrapped(FILE *to, int column, int indent, const char *text);

/* ---- open.c */

/* Log lines of the library while a model opens. */
typedef struct cli_log {
    char **lines;
    llmcs_log_level *levels;
    size_t n;
} cli_log;

/* Opens with the common options. Shows progress where stderr is a terminal. Warnings go to stderr; with `log` not
 * NULL all lines go there instead, as long as the model lives. */
llmcs_status cli_open(const cli_common *common, cli_log *log, llmcs_model **model);
void cli_log_free(cli_log *log);
/* Fills *info (struct_size too). EXIT_FAILED, with a message, for a model with none of `heads`, LLMCS_HEAD_*, which
 * are called `what`. */
int cli_need_head(const cli_common *common, const llmcs_model *model, uint32_t heads, const char *what,
                  llmcs_model_info *info);
/* Of --weights and --kv-type, in the order of their enums, NULL-terminated. */
extern const char *const cli_weights_names[], *const cli_kv_type_names[];
/* Only the common options, for models that the library opens. */
void cli_model_options(const cli_common *common, llmcs_model_options *options);
/* An llmcs_progress_fn whose `user` is a string: prints "training  42 %" over itself, without a line end. */
int cli_show_progress(void *verb, float done);
/* An llmcs_log_fn: warnings and errors go to stderr. */
void cli_print_warning(void *user, llmcs_log_level level, const char *message);
/* Prints what failed and the library's message; returns EXIT_FAILED. */
int cli_failed(const char *doing);
/* Prints a message of this program; returns EXIT_FAILED. */
int cli_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The model's tokenizer, or NULL after printing that there is none. */
const llmcs_tokenizer *cli_tokenizer(const llmcs_model *model);

/* ---- input.c */

/* Lines of stdin, or of a file, without their line end (LF or CR LF); a byte order mark at the start of the input is
 * dropped. */
typedef struct cli_lines {
    FILE *from; /* NULL: stdin */
    size_t max_bytes;
    char *line; /* NUL-terminated */
    size_t len, capacity;
    size_t number; /* counted from 1 */
    bool too_long; /* the line has more than max_bytes; `line` holds its first bytes */
    bool failed;   /* reading failed, or no memory */
} cli_lines;

bool cli_next_line(cli_lines *lines);
void cli_lines_free(cli_lines *lines);
/* Only spaces and tabs. */
bool cli_is_blank(const char *text, size_t len);
/* False after an error message if the text is not UTF-8 and --strict-utf8 was given. Without it a warning is printed,
 * once. line: 0 for an argument or a text of several lines. */
bool cli_check_utf8(const cli_common *common, const char *text, size_t len, size_t line);
/* The text arguments joined by spaces, or all of stdin: without a byte order mark and the last line end, CR LF as LF.
 * The caller frees. NULL after an error message. */
char *cli_text(const cli_common *common, size_t *len);
#define CLI_LINES_HELP                                                                                              \
    "Blank lines of stdin are skipped; line ends of Windows and a byte order mark are removed. With --jsonl every " \
    "line is answered."
/* Calls each text argument, or each line of stdin that is not blank. Stops at the first result that is not
 * EXIT_DONE. */
int cli_each_text(const cli_common *common, int (*each)(void *user, const char *text, size_t len), void *user);

/* ---- terminal.c */

/* Control characters as \x1b, so that text of a model file or a review cannot steer a terminal; spaces_too: also line
 * ends and tabs. */
void cli_print_escaped(FILE *to, const char *text, size_t len, bool spaces_too);
/* Generated text: escaped where stdout is a terminal. */
void cli_print_generated(const char *text, size_t len);
/* The most bytes, up to max, that end at the end of a character. */
size_t cli_cut_utf8(const char *text, size_t len, size_t max);

/* ---- texts.c */

/* How to cut texts that are too long for an encoder. CLI_TEXTS_OPTIONS are options of a job whose member `texts` is a
 * cli_texts. */
typedef struct cli_texts {
    int32_t overflow, truncation, window_pooling, max_length, stride;
} cli_texts;
/* In the order of their enums, NULL-terminated. */
extern const char *const cli_overflow_names[], *const cli_truncation_names[], *const cli_window_pooling_names[];
extern const char *const cli_aggregation_names[], *const cli_rerank_score_names[];
#define CLI_TEXTS_DEFAULT \
    { .overflow = LLMCS_OVERFLOW_TRUNCATE }
#define CLI_TEXTS_OPTIONS(job)                                                                                    \
    CLI_CHOICE("overflow", offsetof(job, texts.overflow), "texts that are too long [truncate: stderr says so]",   \
               cli_overflow_names),                                                                               \
        CLI_BOUNDED("max_length", offsetof(job, texts.max_length), "tokens of a text or window [the model's]", 0, \
                    INT32_MAX),                                                                                   \
        CLI_BOUNDED("stride", offsetof(job, texts.stride), "tokens that neighbouring windows share [0]", 0,       \
                    INT32_MAX),                                                                                   \
        CLI_CHOICE("truncation", offsetof(job, texts.truncation), "which text of a pair is cut [longest_first]",  \
                   cli_truncation_names),                                                                         \
        CLI_CHOICE("window_pooling", offsetof(job, texts.window_pooling), "how windows become one answer [auto]", \
                   cli_window_pooling_names)
/* False, after an error message, if options contradict each other. */
bool cli_texts_read(const cli_command *command, const cli_common *common, const cli_texts *given,
                    llmcs_text_params *params);
typedef struct cli_ranked {
    float score;
    size_t item; /* its index */
} cli_ranked;
/* The n scores, best first, on ties the earlier. Allocated; NULL: no memory. */
cli_ranked *cli_rank(const float *scores, size_t n);
/* A line on stderr if the text was cut. */
void cli_texts_warn(const llmcs_text_info *info, const char *text, size_t len);

/* ---- encode.c */

typedef struct cli_encoding {
    int32_t *ids, *type_ids;
    llmcs_span *offsets;
    size_t n;
} cli_encoding;

/* All tokens of a text, in fresh arrays. */
llmcs_status cli_encode(const llmcs_tokenizer *tokenizer, const char *text, size_t len, const char *pair,
                        size_t pair_len, uint32_t flags, cli_encoding *encoding);
void cli_encoding_free(cli_encoding *encoding);
/* The text of token ids, allocated, NUL-terminated. */
llmcs_status cli_decode(const llmcs_tokenizer *tokenizer, const int32_t *ids, size_t n_ids, uint32_t flags, char **text,
                        size_t *len);

#endif
