/*
 * reply - answers a customer, printing the answer as it is written.
 *
 *     reply "Where is my order?"
 *     echo "什么时候发货?" | reply --model path/to/any/gpt2-folder
 *
 * The whole of libllmcs in one page: open a model (once), make a session (one a conversation), generate.
 */
#include <llmcs.h>
#include <stdio.h>
#include <string.h>

#define DEFAULT_MODEL "examples/models/shop-gpt2"

static int failed(const char *doing) {
    fprintf(stderr, "reply: %s: %s\n", doing, llmcs_error_message());
    return 1;
}

/* Called with each new piece of text: valid UTF-8, but not NUL-terminated. */
static int print_piece(void *user, const char *text, size_t len) {
    int *begun = user; /* the prompt ends at "Bot:", so the reply begins with a space: not worth printing */
    while (!*begun && len && *text == ' ') text++, len--;
    if (len) *begun = 1;
    fwrite(text, 1, len, stdout);
    fflush(stdout);
    return 0; /* anything else would stop the generation */
}

static int answer(llmcs_session *session, const llmcs_generate_params *params, const char *question) {
    char prompt[4096];
    int len = snprintf(prompt, sizeof prompt, "User: %s\nBot:", question);
    if (len < 0 || (size_t)len >= sizeof prompt) {
        fprintf(stderr, "reply: the question is too long\n");
        return 1;
    }
    int begun = 0;
    llmcs_result *result = NULL;
    if (llmcs_generate(session, prompt, (size_t)len, params, print_piece, &begun, &result)) return failed("generate");
    printf("\n");
    llmcs_result_free(&result);
    return 0;
}

int main(int argc, char **argv) {
    const char *folder = DEFAULT_MODEL;
    int first = 1;
    if (argc > 2 && !strcmp(argv[1], "--model")) {
        folder = argv[2];
        first = 3;
    }

    llmcs_model *model = NULL;
    llmcs_session *session = NULL;
    if (llmcs_model_open(folder, NULL, &model)) return failed("open");
    if (llmcs_session_create(model, NULL, &session)) return failed("session");

    /* The folder's generation_config.json says how this model likes to be used; the rest is ours. */
    llmcs_generate_params params;
    llmcs_generate_params_init(&params, NULL);
    if (llmcs_generate_params_init(&params, model)) return failed("parameters");
    const char *stop[] = {"\nUser:"}; /* never speak for the customer */
    params.stop_strings = stop;
    params.n_stop_strings = 1;
    params.max_new_tokens = 160;

    int code = 0;
    char line[2048];
    if (first < argc) {
        for (int i = first; i < argc && !code; i++) code = answer(session, &params, argv[i]);
    } else {
        while (!code && fgets(line, sizeof line, stdin)) {
            line[strcspn(line, "\n")] = 0;
            if (line[0]) code = answer(session, &params, line);
        }
    }

    llmcs_session_free(&session);
    llmcs_model_free(&model);
    return code;
}
