/* A conversation of whole turns, of which the oldest are forgotten when the context is full. */
#ifndef TOOLS_LLMCS_CONVERSATION_H
#define TOOLS_LLMCS_CONVERSATION_H

#include "prompt_template.h"

typedef struct turn {
    char *message, *answer; /* may hold NUL bytes */
    size_t message_len, answer_len;
} turn;

typedef struct conversation {
    const prompt_template *template;
    char *system; /* NULL: none */
    size_t system_len;
    turn *turns;
    size_t n_turns, capacity;
} conversation;

void conversation_free(conversation *c);
/* Forgets all turns; the system text stays. */
void conversation_reset(conversation *c);
llmcs_status conversation_set_system(conversation *c, const char *system, size_t len);
/* Allocated: the prompt for a message after the turns from `first` on. */
llmcs_status conversation_prompt(const conversation *c, size_t first, const char *message, size_t len, char **prompt,
                                 size_t *prompt_len);
/* The prompt with as many of the last turns as leave n_answer of n_ctx tokens for the answer; *first: how many of the
 * oldest turns it does without. CONTEXT_FULL: the message alone is too long. Changes nothing. */
llmcs_status conversation_fit(const conversation *c, const llmcs_tokenizer *tokenizer, uint32_t encode_flags,
                              size_t n_ctx, size_t n_answer, const char *message, size_t len, char **prompt,
                              size_t *prompt_len, size_t *first);
/* Forgets the `first` oldest turns and adds one. On failure the conversation is as before. */
llmcs_status conversation_add(conversation *c, size_t first, const char *message, size_t message_len,
                              const char *answer, size_t answer_len);

/* "messages" of a request: [{"role":"system"|"user"|"assistant","content":"..."}, ...], which end with the user's.
 * system: where there is no message of that role; NULL: none. Allocated: the prompt. */
llmcs_status conversation_from_messages(const prompt_template *t, const char *system, const json_t *messages,
                                        char **prompt, size_t *prompt_len);

#endif
