/* A conversation with a model folder that has a chat template: each line of stdin is a message.
 *     chat FOLDER ["SYSTEM TEXT"] */
#include <llmcs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_MESSAGES = 64 };

static int failed(const char *doing) {
    fprintf(stderr, "%s: %s\n", doing, llmcs_error_message());
    return 1;
}

static int print(void *user, const char *text, size_t n) {
    (void)user;
    fwrite(text, 1, n, stdout);
    return fflush(stdout);
}

/* Answers the conversation, and appends the answer to it. */
static int answer(llmcs_session *session, const llmcs_chat *chat, llmcs_chat_message *messages, size_t *n) {
    llmcs_chat_params params;
    llmcs_result *result = NULL;
    llmcs_chat_params_init(&params);
    params.messages = messages;
    params.n_messages = *n;
    if (llmcs_chat_generate(session, chat, &params, NULL, print, NULL, &result)) return failed("answer");
    char *text = strdup(result->sequences[0]->text);
    llmcs_result_free(&result);
    if (!text) return 1;
    messages[(*n)++] = (llmcs_chat_message){"assistant", text, LLMCS_NUL, NULL, 0};
    putchar('\n');
    return 0;
}

/* The conversation; the session evaluates only what is new in each turn. */
static int talk(llmcs_session *session, const llmcs_chat *chat, char *system) {
    llmcs_chat_message messages[MAX_MESSAGES];
    char line[4096];
    size_t n = 0, first;
    int code = 0;
    if (system) messages[n++] = (llmcs_chat_message){"system", system, LLMCS_NUL, NULL, 0};
    first = n;
    while (!code && n + 2 <= MAX_MESSAGES && fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = 0;
        messages[n++] = (llmcs_chat_message){"user", strdup(line), LLMCS_NUL, NULL, 0};
        code = messages[n - 1].content ? answer(session, chat, messages, &n) : 1;
    }
    while (n > first) free((void *)messages[--n].content);
    return code;
}

int main(int argc, char **argv) {
    llmcs_model *model = NULL;
    llmcs_session *session = NULL;
    llmcs_chat *chat = NULL;
    int code = 1;
    if (argc < 2) return fprintf(stderr, "usage: chat FOLDER [SYSTEM]\n"), 2;
    if (llmcs_chat_open(argv[1], NULL, &chat) || llmcs_model_open(argv[1], NULL, &model) ||
        llmcs_session_create(model, NULL, &session))
        failed("open");
    else
        code = talk(session, chat, argc > 2 ? argv[2] : NULL);
    llmcs_session_free(&session);
    llmcs_model_free(&model);
    llmcs_chat_free(&chat);
    return code;
}
