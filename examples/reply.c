/*
 * reply - answers a customer, printing the answer as it is generated.
 *
 *     reply "Where is my order?"
 *     echo "什么时候发货?" | reply --model path/to/any/gpt2-folder
 *
 * The whole of libllmcs in one page: open a model (once), create a session (one a conversation), generate.
 */
#include <llmcs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"

static int failed(const char *doing) {
    fprintf(stderr, "reply: %s: %s\n", doing, llmcs_error_message());
    return 1;
}

/* Called with each new chunk of text: valid UTF-8, but not NUL-terminated. */
static int print_chunk(void *user, const char *text, size_t len) {
    int *started = user; /* the prompt ends at "Bot:", so the reply begins with a space: not worth printing */
    while (!*started && len && *text == ' ') text++, len--;
    if (len) *started = 1;
    fwrite(text, 1, len, stdout);
    fflush(stdout);
    return 0; /* any other value stops the generation */
}

/* Line ends become spaces: with "\nBot:" in the question, a customer could write the bot's lines. */
static char *make_prompt(const char *question) {
    char *prompt = NULL;
    if (asprintf(&prompt, "User: %s\nBot:", question) < 0) return NULL;
    for (char *c = prompt; c < prompt + strlen("User: ") + strlen(question); c++)
        if (*c == '\n' || *c == '\r') *c = ' ';
    return prompt;
}

static int answer(llmcs_session *session, const llmcs_generate_params *params, const char *question) {
    int started = 0;
    llmcs_result *result = NULL;
    char *prompt = make_prompt(question);
    if (!prompt) {
        fprintf(stderr, "reply: no memory for the question\n");
        return 1;
    }
    const llmcs_status status = llmcs_generate(session, prompt, LLMCS_NUL, params, print_chunk, &started, &result);
    free(prompt);
    printf("\n");
    fflush(stdout);
    llmcs_result_free(&result);
    return status ? failed("generate") : 0;
}

/* Each argument, or each line of stdin that is not empty. A question that fails does not keep the others waiting. */
static int answer_all(llmcs_session *session, const llmcs_generate_params *params, char **questions) {
    int code = 0;
    char *line = NULL;
    size_t capacity = 0;
    for (int i = 0; questions[i]; i++) code |= answer(session, params, questions[i]);
    while (!*questions && getline(&line, &capacity, stdin) >= 0) {
        line[strcspn(line, "\r\n")] = 0;
        if (line[0]) code |= answer(session, params, line);
    }
    free(line);
    return code;
}

static int serve(const char *folder, char **questions) {
    llmcs_model *model = NULL;
    llmcs_session *session = NULL;
    llmcs_generate_params params;
    int code = 1;
    if (llmcs_model_open(folder, NULL, &model) || llmcs_session_create(model, NULL, &session) ||
        llmcs_generate_params_init(&params, model)) { /* what the folder's generation_config.json says */
        failed("open");
    } else {
        const char *stop[] = {"\nUser:"}; /* never speak for the customer */
        params.stop_strings = stop;
        params.n_stop_strings = 1;
        params.max_new_tokens = 160;
        code = answer_all(session, &params, questions);
    }
    llmcs_session_free(&session);
    llmcs_model_free(&model);
    return code;
}

int main(int argc, char **argv) {
    static const struct option options[] = {
        {"model", required_argument, NULL, 'm'}, {"help", no_argument, NULL, 'h'}, {0}};
    const char *folder = "examples/models/shop-gpt2";
    for (int c; (c = next_option(argc, argv, options)) != -1;) {
        if (c == 'm') {
            folder = optarg;
            continue;
        }
        fprintf(c == 'h' ? stdout : stderr,
                "usage: reply [--model FOLDER] [question ...]    (or questions on stdin)\n");
        return c == 'h' ? 0 : 2;
    }
    return serve(folder, argv + optind);
}
