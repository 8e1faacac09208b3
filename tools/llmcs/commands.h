/* The subcommands of llmcs: one file each. */
#ifndef TOOLS_LLMCS_COMMANDS_H
#define TOOLS_LLMCS_COMMANDS_H

#include "cli.h"

extern const cli_command cmd_generate, cmd_chat, cmd_chat_template, cmd_classify, cmd_embed, cmd_fill_mask, cmd_score,
    cmd_tokenize, cmd_eval, cmd_info, cmd_check, cmd_quantize, cmd_merge, cmd_tag, cmd_span, cmd_index, cmd_index_build,
    cmd_index_search, cmd_index_add, cmd_index_remove, cmd_index_measure, cmd_rerank, cmd_translate;

#endif
