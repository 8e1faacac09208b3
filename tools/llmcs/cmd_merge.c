/* llmcs merge: a folder with LoRA adapters applied, as another folder. */
#include <unistd.h>

#include "cli.h"
#include "commands.h"

typedef struct merge_options {
    cli_strings adapters;
} merge_options;

static const cli_option options[] = {CLI_PLAIN("adapter", CLI_STRINGS, offsetof(merge_options, adapters),
                                               "a LoRA adapter, a folder that PEFT saved; may be given again")};

static char merging[] = "merging";

static int merge_command(int argc, char **argv) {
    cli_common common;
    merge_options m = {0};
    llmcs_merge_params params;
    const int code = cli_parse(&cmd_merge, argc, argv, &common, &m);
    if (code >= 0) return code;
    if (!m.adapters.n) return cli_usage_error(&cmd_merge, "--adapter is missing");
    llmcs_merge_params_init(&params);
    params.log = cli_print_warning;
    if (isatty(STDERR_FILENO)) {
        params.progress = cli_show_progress;
        params.progress_user = merging;
    }
    const llmcs_status status = llmcs_merge(common.folder, m.adapters.items, m.adapters.n, common.texts[0], &params);
    if (params.progress) fputc('\n', stderr);
    return status ? cli_failed("merge") : EXIT_DONE;
}

const cli_command cmd_merge = {
    .name = "merge",
    .arguments = "OUT_FOLDER",
    .summary = "Writes the model with LoRA adapters applied as a Hugging Face folder.",
    .notes =
        "The weights keep the type that they have in the model's folder; tokenizer and settings are copied. "
        "OUT_FOLDER must not exist.",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .min_texts = 1,
    .max_texts = 1,
    .execute = merge_command};
