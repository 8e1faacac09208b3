/* Generation from JSON Lines. */
#ifndef TOOLS_LLMCS_GENERATE_MANY_H
#define TOOLS_LLMCS_GENERATE_MANY_H

#include "gen_params.h"

/* What an answer has beside ids, texts and reasons. */
typedef struct answer_parts {
    bool scores, logprobs, lookup;
} answer_parts;

/* cmd_generate.c */
answer_parts answer_parts_of(const llmcs_generate_params *p);
void out_answer(const llmcs_result *result, const answer_parts *parts);

/* Answers the lines of stdin, each over the parameters of g, max_batch of them together. Returns the exit code. */
int generate_many(llmcs_model *model, const gen_params *g);

#endif
