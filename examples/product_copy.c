/*
 * product_copy - writes the text of a product page from the product's attributes, printing it as it is written.
 *
 *     product_copy "Puma, men, blue, running shoes, lace-up, cushioned footbed"
 *     echo "类型#裤*版型#宽松*风格#性感" | product_copy --seed 7
 *
 * Without --seed the most probable text, which keeps closest to the attributes; with it a drawn one: another seed
 * gives another text, the same seed the same text.
 * --model takes any GPT-2 folder.
 */
#include <llmcs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_MODEL "examples/models/shop-gpt2"

static int failed(const char *doing) {
    fprintf(stderr, "product_copy: %s: %s\n", doing, llmcs_error_message());
    return 1;
}

static int print_piece(void *user, const char *text, size_t len) {
    int *begun = user; /* the prompt ends at "Copy:", so the text begins with a space: not worth printing */
    while (!*begun && len && *text == ' ') text++, len--;
    if (len) *begun = 1;
    fwrite(text, 1, len, stdout);
    fflush(stdout);
    return 0;
}

static int write_copy(llmcs_session *session, const llmcs_generate_params *params, const char *attributes) {
    char prompt[4096];
    int len = snprintf(prompt, sizeof prompt, "Product: %s\nCopy:", attributes);
    if (len < 0 || (size_t)len >= sizeof prompt) {
        fprintf(stderr, "product_copy: too many attributes\n");
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
    const char *folder = DEFAULT_MODEL, *seed = NULL;
    int first = 1;
    for (; first + 1 < argc && !strncmp(argv[first], "--", 2); first += 2) {
        if (!strcmp(argv[first], "--model"))
            folder = argv[first + 1];
        else if (!strcmp(argv[first], "--seed"))
            seed = argv[first + 1];
        else
            break;
    }

    llmcs_model *model = NULL;
    llmcs_session *session = NULL;
    if (llmcs_model_open(folder, NULL, &model)) return failed("open");
    if (llmcs_session_create(model, NULL, &session)) return failed("session");

    llmcs_generate_params params;
    llmcs_generate_params_init(&params, NULL);
    if (llmcs_generate_params_init(&params, model)) return failed("parameters");
    const char *stop[] = {"\nProduct:"};
    params.stop_strings = stop;
    params.n_stop_strings = 1;
    params.max_new_tokens = 160;
    params.do_sample = seed != NULL;
    params.temperature = 0.7f;
    params.top_p = 0.9f;
    params.seed = seed ? strtoull(seed, NULL, 10) : 0;

    int code = 0;
    char line[2048];
    if (first < argc) {
        for (int i = first; i < argc && !code; i++) code = write_copy(session, &params, argv[i]);
    } else {
        while (!code && fgets(line, sizeof line, stdin)) {
            line[strcspn(line, "\n")] = 0;
            if (line[0]) code = write_copy(session, &params, line);
        }
    }

    llmcs_session_free(&session);
    llmcs_model_free(&model);
    return code;
}
