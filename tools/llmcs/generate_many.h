/* Generation and translation of many lines. */
#ifndef TOOLS_LLMCS_GENERATE_MANY_H
#define TOOLS_LLMCS_GENERATE_MANY_H

#include "gen_params.h"

typedef struct many_options {
    bool translate;                  /* texts, to "translations"; else prompts, to "texts" */
    const prompt_template *template; /* for "messages", and with wrap_prompts also for "prompt"; NULL: none */
    bool wrap_prompts;
} many_options;

/* Answers the lines of stdin or of base->file, or the text arguments, each over the parameters of `base`. Without
 * --jsonl (translations only) a line is a text, and what is printed a text for each. Returns the exit code. */
int generate_many(const cli_common *common, llmcs_model *model, const gen_params *base, const many_options *how);

#endif
