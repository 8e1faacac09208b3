#include "conversation.h"

#include <stdlib.h>
#include <string.h>

static llmcs_status no_memory(void) { return request_error(LLMCS_NOMEM, "no memory for the conversation"); }

static void turn_free(turn *t) {
    free(t->message);
    free(t->answer);
}

void conversation_reset(conversation *c) {
    for (size_t i = 0; i < c->n_turns; i++) turn_free(&c->turns[i]);
    c->n_turns = 0;
}

void conversation_free(conversation *c) {
    conversation_reset(c);
    free(c->turns);
    free(c->system);
    *c = (conversation){0};
}

/* NUL-terminated, with the NUL bytes of the text. */
static char *copy_text(const char *text, size_t len) {
    char *copy = malloc(len + 1);
    if (!copy) return NULL;
    if (len) memcpy(copy, text, len);
    copy[len] = 0;
    return copy;
}

llmcs_status conversation_set_system(conversation *c, const char *system, size_t len) {
    char *copy = copy_text(system, len);
    if (!copy) return no_memory();
    free(c->system);
    c->system = copy;
    c->system_len = len;
    return LLMCS_OK;
}

llmcs_status conversation_prompt(const conversation *c, size_t first, const char *message, size_t len, char **prompt,
                                 size_t *prompt_len) {
    *prompt = NULL;
    FILE *to = open_memstream(prompt, prompt_len);
    if (!to) return no_memory();
    if (c->system) template_write_system(c->template, to, c->system, c->system_len);
    for (size_t i = first; i < c->n_turns; i++) {
        const turn *t = &c->turns[i];
        template_write_prompt(c->template, to, t->message, t->message_len);
        template_write_answer(c->template, to, t->answer, t->answer_len);
    }
    template_write_prompt(c->template, to, message, len);
    if (!fclose(to)) return LLMCS_OK;
    free(*prompt);
    *prompt = NULL;
    return no_memory();
}

static llmcs_status count_tokens(const llmcs_tokenizer *tokenizer, uint32_t flags, const char *text, size_t len,
                                 size_t *n) {
    llmcs_encode_params params;
    llmcs_encode_params_init(&params);
    params.flags = flags;
    return llmcs_encode(tokenizer, text, len, NULL, 0, &params, NULL, NULL, NULL, 0, n);
}

llmcs_status conversation_fit(const conversation *c, const llmcs_tokenizer *tokenizer, uint32_t encode_flags,
                              size_t n_ctx, size_t n_answer, const char *message, size_t len, char **prompt,
                              size_t *prompt_len, size_t *first) {
    for (*first = 0;; ++*first) {
        size_t n = 0;
        llmcs_status status = conversation_prompt(c, *first, message, len, prompt, prompt_len);
        if (!status) status = count_tokens(tokenizer, encode_flags, *prompt, *prompt_len, &n);
        if (!status && n + n_answer <= n_ctx) return LLMCS_OK;
        free(*prompt);
        *prompt = NULL;
        if (status) return status;
        if (*first == c->n_turns)
            return request_error(LLMCS_CONTEXT_FULL,
                                 "the message makes a prompt of %zu tokens; with %zu for the answer the context of %zu "
                                 "is too small",
                                 n, n_answer, n_ctx);
    }
}

llmcs_status conversation_add(conversation *c, size_t first, const char *message, size_t message_len,
                              const char *answer, size_t answer_len) {
    if (c->n_turns == c->capacity) {
        const size_t capacity = 2 * c->capacity + 8;
        turn *larger = realloc(c->turns, capacity * sizeof *larger);
        if (!larger) return no_memory();
        c->turns = larger;
        c->capacity = capacity;
    }
    turn t = {copy_text(message, message_len), copy_text(answer, answer_len), message_len, answer_len};
    if (!t.message || !t.answer) {
        turn_free(&t);
        return no_memory();
    }
    for (size_t i = 0; i < first; i++) turn_free(&c->turns[i]);
    memmove(c->turns, c->turns + first, (c->n_turns - first) * sizeof *c->turns);
    c->n_turns -= first;
    c->turns[c->n_turns++] = t;
    return LLMCS_OK;
}

/* ---- "messages" of a request */

static llmcs_status messages_error(size_t i, const char *expected) {
    return request_error(LLMCS_ARG, "\"messages\"[%zu] must be %s", i, expected);
}

static llmcs_status read_message(const json_t *message, size_t i, const char **role, const char **content,
                                 size_t *len) {
    static const char *const keys[] = {"role", "content", NULL};
    size_t role_len;
    if (!json_is_object(message)) return messages_error(i, "an object, {\"role\": ..., \"content\": ...}");
    llmcs_status status = request_check_keys(message, keys);
    if (!status) status = request_text(message, "role", true, role, &role_len);
    if (!status) status = request_text(message, "content", true, content, len);
    return status;
}

/* system, user, assistant, user, ...: the last message is left to the caller. */
static llmcs_status add_messages(conversation *c, const json_t *messages, const char **last, size_t *last_len) {
    const char *role = NULL, *content = NULL, *asked = NULL;
    size_t len = 0, asked_len = 0, n = json_array_size(messages);
    llmcs_status status = LLMCS_OK;
    for (size_t i = 0; i < n && !status; i++) {
        if ((status = read_message(json_array_get(messages, i), i, &role, &content, &len))) return status;
        if (!strcmp(role, "system")) {
            if (i) return messages_error(i, "of role user or assistant: the system's comes first");
            status = conversation_set_system(c, content, len);
        } else if (!strcmp(role, "user")) {
            if (asked) return messages_error(i, "of role assistant, after one of role user");
            asked = content;
            asked_len = len;
        } else if (!strcmp(role, "assistant")) {
            if (!asked) return messages_error(i, "of role user");
            status = conversation_add(c, 0, asked, asked_len, content, len);
            asked = NULL;
        } else {
            return messages_error(i, "of role system, user or assistant");
        }
    }
    if (!status && !asked) return messages_error(n ? n - 1 : 0, "of role user: the last one is answered");
    *last = asked;
    *last_len = asked_len;
    return status;
}

llmcs_status conversation_from_messages(const prompt_template *t, const char *system, const json_t *messages,
                                        char **prompt, size_t *prompt_len) {
    const char *last = NULL;
    size_t last_len = 0;
    *prompt = NULL;
    if (!t)
        return request_error(LLMCS_ARG,
                             "\"messages\" need a prompt template: --template, or prompt_template.json in "
                             "the folder");
    if (!json_is_array(messages)) return request_error(LLMCS_ARG, "\"messages\" must be a list");
    conversation c = {.template = t};
    llmcs_status status = LLMCS_OK;
    if (system) status = conversation_set_system(&c, system, strlen(system));
    if (!status) status = add_messages(&c, messages, &last, &last_len);
    if (!status) status = conversation_prompt(&c, 0, last, last_len, prompt, prompt_len);
    conversation_free(&c);
    return status;
}
