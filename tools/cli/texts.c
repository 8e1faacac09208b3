/* Shared by commands that run texts through an encoder: options, truncation, ranking by score. */
#include <stdlib.h>

#include "cli.h"

const char *const cli_overflow_names[] = {"error", "truncate", "windows", NULL};
const char *const cli_truncation_names[] = {"longest_first", "only_first", "only_second", NULL};
const char *const cli_window_pooling_names[] = {"auto", "mean", "max", NULL};
const char *const cli_aggregation_names[] = {"none", "simple", "first", "max", "average", NULL};
const char *const cli_rerank_score_names[] = {"auto", "logit", "sigmoid", NULL};

bool cli_texts_read(const cli_command *command, const cli_common *common, const cli_texts *given,
                    llmcs_text_params *params) {
    const char *of_windows = cli_was_given(common, "stride")           ? "stride"
                             : cli_was_given(common, "window_pooling") ? "window-pooling"
                                                                       : NULL;
    if (of_windows && given->overflow != LLMCS_OVERFLOW_WINDOWS) {
        cli_usage_error(command, "--%s needs --overflow windows", of_windows);
        return false;
    }
    llmcs_text_params_init(params);
    params->overflow = (llmcs_overflow)given->overflow;
    params->truncation = (llmcs_truncation)(LLMCS_TRUNCATE_LONGEST_FIRST + given->truncation);
    params->window_pooling = (llmcs_window_pooling)given->window_pooling;
    params->max_length = (size_t)given->max_length;
    params->stride = (size_t)given->stride;
    return true;
}

static int compare_ranked(const void *a, const void *b) {
    const cli_ranked *x = a, *y = b;
    if (x->score != y->score) return x->score < y->score ? 1 : -1;
    return x->item < y->item ? -1 : x->item > y->item;
}

cli_ranked *cli_rank(const float *scores, size_t n) {
    cli_ranked *ranked = malloc((n + 1) * sizeof *ranked);
    if (!ranked) return NULL;
    for (size_t i = 0; i < n; i++) ranked[i] = (cli_ranked){scores[i], i};
    qsort(ranked, n, sizeof *ranked, compare_ranked);
    return ranked;
}

void cli_texts_warn(const llmcs_text_info *info, const char *text, size_t len) {
    if (!info->truncated) return;
    fflush(stdout);
    fprintf(stderr, "%s: %zu of %zu tokens were read (--overflow) of: ", cli_program, info->n_evaluated,
            info->n_tokens);
    cli_print_escaped(stderr, text, cli_cut_utf8(text, len, 60), true);
    fputc('\n', stderr);
}
