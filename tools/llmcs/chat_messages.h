/* A conversation as the messages of a chat template. */
#ifndef TOOLS_LLMCS_CHAT_MESSAGES_H
#define TOOLS_LLMCS_CHAT_MESSAGES_H

#include "conversation.h"

/* The local time in the format of llmcs_chat_params.now. */
void chat_now(char now[32]);

/* The folder's chat template; *chat is NULL if it has none. False, after an error message, if it cannot be used. */
bool chat_find(const char *folder, llmcs_chat **chat);

/* params->messages for a message after as many of the last turns as leave n_answer of n_ctx tokens for the answer;
 * *first: how many of the oldest turns it does without. They point into the conversation and to `message`; the caller
 * frees the array. CONTEXT_FULL: the message alone is too long. */
llmcs_status chat_fit(const conversation *c, const llmcs_chat *chat, const llmcs_tokenizer *tokenizer, size_t n_ctx,
                      size_t n_answer, const char *message, size_t len, llmcs_chat_params *params,
                      llmcs_chat_message **messages, size_t *first);

#endif
