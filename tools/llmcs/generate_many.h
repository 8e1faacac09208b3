/* Generation from JSON Lines. */
#ifndef TOOLS_LLMCS_GENERATE_MANY_H
#define TOOLS_LLMCS_GENERATE_MANY_H

#include "gen_params.h"

/* Answers the lines of stdin, each over the parameters of `base`. t: for "messages", and with wrap_prompts also for
 * "prompt"; NULL: none. Returns the exit code. */
int generate_many(const cli_common *common, llmcs_model *model, const gen_params *base, const prompt_template *t,
                  bool wrap_prompts);

#endif
