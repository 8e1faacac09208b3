/* llmcs: runs one subcommand over a model. */
#include "commands.h"

const char *const cli_program = "llmcs";

static const cli_command *const commands[] = {
    &cmd_generate, &cmd_chat, &cmd_chat_template, &cmd_translate, &cmd_classify, &cmd_embed,
    &cmd_rerank,   &cmd_tag,  &cmd_span,          &cmd_fill_mask, &cmd_score,    &cmd_tokenize,
    &cmd_eval,     &cmd_info, &cmd_check,         &cmd_quantize,  &cmd_merge,    &cmd_index};

int main(int argc, char **argv) {
    return cli_main(argc, argv, commands, sizeof commands / sizeof *commands,
                    "llmcs COMMAND --help (-h, or llmcs help COMMAND) says more; llmcs --version. MODEL_FOLDER is a "
                    "Hugging Face folder or a GGUF file. Text comes from the arguments or from stdin.\n"
                    "Environment: LLMCS_CPU names a kernel set to use instead of the best one for this processor.\n"
                    "Exit codes: 0 done, 1 failed, 2 wrong usage.");
}
