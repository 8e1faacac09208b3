#include "chat_messages.h"

#include <stdlib.h>
#include <time.h>

void chat_now(char now[32]) {
    const time_t seconds = time(NULL);
    struct tm local;
    now[0] = 0;
    if (localtime_r(&seconds, &local)) strftime(now, 32, "%Y-%m-%dT%H:%M:%S", &local);
}

bool chat_find(const char *folder, llmcs_chat **chat) {
    const llmcs_status status = llmcs_chat_open(folder, NULL, chat);
    if (!status || status == LLMCS_TEMPLATE) return true;
    cli_failed("open the chat template of");
    return false;
}

/* Writes the system text, the turns from `first` on and the message. Returns their number. */
static size_t fill(const conversation *c, size_t first, const char *message, size_t len, llmcs_chat_message *out) {
    size_t n = 0;
    if (c->system) out[n++] = (llmcs_chat_message){"system", c->system, c->system_len, NULL, 0};
    for (size_t i = first; i < c->n_turns; i++) {
        const turn *t = &c->turns[i];
        out[n++] = (llmcs_chat_message){"user", t->message, t->message_len, NULL, 0};
        out[n++] = (llmcs_chat_message){"assistant", t->answer, t->answer_len, NULL, 0};
    }
    out[n++] = (llmcs_chat_message){"user", message, len, NULL, 0};
    return n;
}

static llmcs_status count_tokens(const llmcs_chat *chat, const llmcs_tokenizer *tokenizer,
                                 const llmcs_chat_params *params, size_t *n) {
    llmcs_chat_prompt *prompt = NULL;
    llmcs_status status = llmcs_chat_render(chat, params, &prompt);
    if (!status) status = llmcs_chat_encode(chat, tokenizer, prompt, NULL, 0, n);
    llmcs_chat_prompt_free(&prompt);
    return status;
}

llmcs_status chat_fit(const conversation *c, const llmcs_chat *chat, const llmcs_tokenizer *tokenizer, size_t n_ctx,
                      size_t n_answer, const char *message, size_t len, llmcs_chat_params *params,
                      llmcs_chat_message **messages, size_t *first) {
    llmcs_status status = LLMCS_OK;
    *messages = malloc((2 * c->n_turns + 2) * sizeof **messages);
    if (!*messages) return request_error(LLMCS_NOMEM, "no memory for the conversation");
    params->messages = *messages;
    for (*first = 0;; ++*first) {
        size_t n = 0;
        params->n_messages = fill(c, *first, message, len, *messages);
        status = count_tokens(chat, tokenizer, params, &n);
        if (!status && n + n_answer <= n_ctx) return LLMCS_OK;
        if (!status && *first == c->n_turns)
            status = request_error(LLMCS_CONTEXT_FULL,
                                   "the message makes a prompt of %zu tokens; with %zu for the answer the context of "
                                   "%zu is too small",
                                   n, n_answer, n_ctx);
        if (status) break;
    }
    free(*messages);
    *messages = NULL;
    return status;
}
