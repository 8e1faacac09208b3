/* How a user's message becomes a prompt: the model folder's prompt_template.json, or --template. */
#ifndef TOOLS_LLMCS_PROMPT_TEMPLATE_H
#define TOOLS_LLMCS_PROMPT_TEMPLATE_H

#include "request.h"

/* A turn is `before` message `between` answer `after`. A prompt ends after `between`, whose trailing spaces are left
 * out there: the model's answer begins with its own. */
typedef struct prompt_template {
    char *before, *between, *after;
    char *system_before, *system_after;
    char **stop_strings;
    size_t n_stop_strings;
} prompt_template;

/* 1: there is one; 0: none; -1 after an error message. option: --template as it was given, or NULL; fallback: where
 * neither option nor folder has one, or NULL. */
int template_find(prompt_template *t, const char *folder, const char *option, const char *fallback);
void template_free(prompt_template *t);

/* False: the text has no {prompt}. */
bool template_is_valid_turn(const char *turn);

void template_write_system(const prompt_template *t, FILE *to, const char *system, size_t len);
/* Line ends in the message become spaces: with "\nBot:" in it, a message could write the bot's lines. */
void template_write_prompt(const prompt_template *t, FILE *to, const char *message, size_t len);
/* Writes the text after template_write_prompt's, once the answer is known. */
void template_write_answer(const prompt_template *t, FILE *to, const char *answer, size_t len);

#define TEMPLATE_HELP                                                                                                 \
    "A prompt template says how a message becomes a prompt: \"User: {prompt}\\nBot: {answer}\\n\". It comes from "    \
    "--template (\\n is a line end; none: no template) or from prompt_template.json in the model folder: {\"turn\": " \
    "\"...{prompt}...{answer}...\", \"system\": \"{system}\\n\", \"stop_strings\": [...]}, of which turn is needed. " \
    "Line ends in a message become spaces, so that a user cannot write the bot's lines with \"\\nBot:\"."

#endif
