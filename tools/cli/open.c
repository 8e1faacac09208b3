/* Opens a model with the common options; error messages. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static int show_loading(void *user, float done) {
    (void)user;
    fprintf(stderr, done < 1 ? "\rloading %3.0f %%" : "\r              \r", (double)done * 100);
    return 0;
}

int cli_show_progress(void *verb, float done) {
    fprintf(stderr, "\r%s %3.0f %%", (const char *)verb, (double)done * 100);
    return 0;
}

void cli_print_warning(void *user, llmcs_log_level level, const char *message) {
    (void)user;
    if (level >= LLMCS_LOG_WARN) fprintf(stderr, "%s: %s\n", cli_program, message);
}

/* A line for which there is no memory is lost. */
static void keep_line(void *user, llmcs_log_level level, const char *message) {
    cli_log *log = user;
    char **lines = realloc(log->lines, (log->n + 1) * sizeof *lines);
    if (!lines) return;
    log->lines = lines;
    llmcs_log_level *levels = realloc(log->levels, (log->n + 1) * sizeof *levels);
    if (!levels) return;
    log->levels = levels;
    log->levels[log->n] = level;
    log->lines[log->n] = strdup(message);
    if (log->lines[log->n]) log->n++;
}

void cli_log_free(cli_log *log) {
    for (size_t i = 0; i < log->n; i++) free(log->lines[i]);
    free(log->lines);
    free(log->levels);
}

void cli_model_options(const cli_common *common, llmcs_model_options *options) {
    llmcs_model_options_init(options);
    options->n_threads = common->n_threads;
    options->load_mode = common->mmap ? LLMCS_LOAD_MMAP : LLMCS_LOAD_COPY;
    options->backend = (llmcs_backend)common->backend;
    options->weights = (llmcs_weights)common->weights;
    options->kv_type = (llmcs_kv_type)common->kv_type;
    options->adapters = common->adapters.items;
    options->n_adapters = common->adapters.n;
    options->log = cli_print_warning;
    if (isatty(STDERR_FILENO)) options->progress = show_loading;
}

llmcs_status cli_open(const cli_common *common, cli_log *log, llmcs_model **model) {
    llmcs_model_options options;
    cli_model_options(common, &options);
    if (log) options.log = keep_line;
    options.log_user = log;
    const llmcs_status status = llmcs_model_open(common->folder, &options, model);
    if (options.progress) show_loading(NULL, 1);
    return status;
}

int cli_need_head(const cli_common *common, const llmcs_model *model, uint32_t heads, const char *what,
                  llmcs_model_info *info) {
    info->struct_size = sizeof *info;
    if (llmcs_model_get_info(model, info)) return cli_failed("open");
    if (info->heads & heads) return EXIT_DONE;
    return cli_error("%s: no %s head (%s); llmcs check says what the model can do", common->folder, what,
                     info->architecture);
}

int cli_failed(const char *doing) {
    fflush(stdout);
    fprintf(stderr, "%s: %s: %s\n", cli_program, doing, llmcs_error_message());
    return EXIT_FAILED;
}

int cli_error(const char *fmt, ...) {
    va_list args;
    fflush(stdout);
    fprintf(stderr, "%s: ", cli_program);
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
    return EXIT_FAILED;
}

const llmcs_tokenizer *cli_tokenizer(const llmcs_model *model) {
    const llmcs_tokenizer *tokenizer = llmcs_model_tokenizer(model);
    if (!tokenizer) cli_error("the folder has no tokenizer: use --jsonl with input_ids");
    return tokenizer;
}
