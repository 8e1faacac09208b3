/* Options of commands that put texts through an encoder: how those are cut that are too long, and what was done. */
#include <string.h>

#include "cli.h"

static const char *const overflow_names[] = {"error", "truncate", "windows", NULL};
static const char *const truncation_names[] = {"longest_first", "only_first", "only_second", NULL};
static const char *const pooling_names[] = {"auto", "mean", "max", NULL};

bool cli_texts_read(const cli_command *command, const cli_texts *asked, llmcs_text_params *params) {
    const char *overflow = asked->overflow ? asked->overflow : "truncate";
    if (!cli_is_one_of(command, "overflow", overflow_names, overflow) ||
        !cli_is_one_of(command, "truncation", truncation_names, asked->truncation) ||
        !cli_is_one_of(command, "window-pooling", pooling_names, asked->window_pooling))
        return false;
    if (asked->max_length < 0 || asked->stride < 0) {
        fprintf(stderr, "llmcs %s: --max-length and --stride are not negative\n", command->name);
        return false;
    }
    llmcs_text_params_init(params);
    params->overflow = (llmcs_overflow)cli_position(overflow_names, overflow);
    params->truncation = (llmcs_truncation)(1 + cli_position(truncation_names, asked->truncation));
    params->window_pooling = (llmcs_window_pooling)cli_position(pooling_names, asked->window_pooling);
    params->max_length = (size_t)asked->max_length;
    params->stride = (size_t)asked->stride;
    return true;
}

void cli_texts_warn(const llmcs_text_info *info, const char *text, size_t len) {
    if (!info->truncated) return;
    fflush(stdout);
    fprintf(stderr, "llmcs: %zu of %zu tokens were read (--overflow) of: %.*s\n", info->n_evaluated, info->n_tokens,
            (int)(len < 60 ? len : 60), text);
}

void out_text_info(const llmcs_text_info *info) {
    printf(",\"tokens\":%zu,\"truncated\":%s,\"windows\":%zu", info->n_tokens, info->truncated ? "true" : "false",
           info->n_windows);
}
