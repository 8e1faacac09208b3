/* What the tests of chat templates share. */
#ifndef TESTS_CHAT_CHAT_CASE_H
#define TESTS_CHAT_CHAT_CASE_H

#include <stdlib.h>
#include <string.h>

#include "llmcs.h"
#include "support/suite.h"

#define NOW "2026-03-05T14:07:09"

/* A template of `n` bytes with variables, a JSON object. The prompt is NULL after a failure. */
static inline llmcs_status render_with(const char *source, size_t n, const char *variables,
                                       const llmcs_allocator *allocator, llmcs_chat_prompt **prompt) {
    llmcs_chat_options options;
    llmcs_chat_params params;
    llmcs_chat *chat = NULL;
    llmcs_chat_options_init(&options);
    llmcs_chat_params_init(&params);
    options.allocator = allocator;
    params.variables = variables;
    params.now = NOW;
    *prompt = NULL;
    llmcs_status status = llmcs_chat_open_text(source, n, "t", &options, &chat);
    if (!status) status = llmcs_chat_render(chat, &params, prompt);
    llmcs_chat_free(&chat);
    return status;
}

static inline llmcs_status render(const char *source, const char *variables, llmcs_chat_prompt **prompt) {
    return render_with(source, strlen(source), variables, NULL, prompt);
}

/* The template gives this text. */
static inline void gives(const char *source, const char *variables, const char *text) {
    llmcs_chat_prompt *prompt;
    ck_assert_msg(!render(source, variables, &prompt), "%s: %s", source, llmcs_error_message());
    ck_assert_msg(!strcmp(prompt->text, text), "%s: \"%s\", expected \"%s\"", source, prompt->text, text);
    llmcs_chat_prompt_free(&prompt);
}

/* The template fails with this status, and the message has `part`. */
static inline void refuses(llmcs_status expected, const char *part, const char *source, const char *variables) {
    llmcs_chat_prompt *prompt;
    const llmcs_status status = render(source, variables, &prompt);
    ck_assert_msg(status == expected, "%.200s: %s, not %s: %s", source, llmcs_status_name(status),
                  llmcs_status_name(expected), llmcs_error_message());
    ck_assert_msg(strstr(llmcs_error_message(), part), "\"%s\" lacks \"%s\"", llmcs_error_message(), part);
    ck_assert_ptr_null(prompt);
}

#endif
