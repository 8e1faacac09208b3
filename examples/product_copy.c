/*
 * product_copy - writes the text of a product page from the product's attributes, printing it as it is generated.
 *
 *     product_copy "Puma, men, blue, running shoes, lace-up, cushioned footbed"
 *     echo "类型#裤*版型#宽松*风格#性感" | product_copy --seed 7
 *
 * Without --seed the most probable text, which keeps closest to the attributes; with it a sampled one: another seed
 * gives another text, the same seed the same text. --model takes any GPT-2 folder.
 */
#include <errno.h>
#include <llmcs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"

static int failed(const char *doing) {
    fprintf(stderr, "product_copy: %s: %s\n", doing, llmcs_error_message());
    return 1;
}

static int print_chunk(void *user, const char *text, size_t len) {
    int *started = user; /* the prompt ends at "Copy:", so the text begins with a space: not worth printing */
    while (!*started && len && *text == ' ') text++, len--;
    if (len) *started = 1;
    fwrite(text, 1, len, stdout);
    fflush(stdout);
    return 0;
}

static int write_copy(llmcs_session *session, const llmcs_generate_params *params, const char *attributes) {
    int started = 0;
    char *prompt = NULL;
    llmcs_result *result = NULL;
    if (asprintf(&prompt, "Product: %s\nCopy:", attributes) < 0) {
        fprintf(stderr, "product_copy: no memory for the attributes\n");
        return 1;
    }
    const llmcs_status status = llmcs_generate(session, prompt, LLMCS_NUL, params, print_chunk, &started, &result);
    free(prompt);
    printf("\n");
    fflush(stdout);
    llmcs_result_free(&result);
    return status ? failed("generate") : 0;
}

/* Each argument, or each line of stdin that is not empty. */
static int write_all(llmcs_session *session, const llmcs_generate_params *params, char **products) {
    int code = 0;
    char *line = NULL;
    size_t capacity = 0;
    for (int i = 0; products[i]; i++) code |= write_copy(session, params, products[i]);
    while (!*products && getline(&line, &capacity, stdin) >= 0) {
        line[strcspn(line, "\r\n")] = 0;
        if (line[0]) code |= write_copy(session, params, line);
    }
    free(line);
    return code;
}

static int serve(const char *folder, const uint64_t *seed, char **products) {
    llmcs_model *model = NULL;
    llmcs_session *session = NULL;
    llmcs_generate_params params;
    int code = 1;
    if (llmcs_model_open(folder, NULL, &model) || llmcs_session_create(model, NULL, &session) ||
        llmcs_generate_params_init(&params, model)) {
        failed("open");
    } else {
        const char *stop[] = {"\nProduct:"};
        params.stop_strings = stop;
        params.n_stop_strings = 1;
        params.max_new_tokens = 160;
        params.do_sample = seed != NULL;
        params.temperature = 0.7f;
        params.top_p = 0.9f;
        params.seed = seed ? *seed : 0;
        code = write_all(session, &params, products);
    }
    llmcs_session_free(&session);
    llmcs_model_free(&model);
    return code;
}

static int read_seed(const char *text, uint64_t *seed) {
    char *end;
    errno = 0;
    *seed = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && !*end && !errno;
}

int main(int argc, char **argv) {
    static const struct option options[] = {{"model", required_argument, NULL, 'm'},
                                            {"seed", required_argument, NULL, 's'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    const char *folder = "examples/models/shop-gpt2";
    uint64_t seed;
    int seeded = 0;
    for (int c; (c = next_option(argc, argv, options)) != -1;) {
        if (c == 'm') {
            folder = optarg;
        } else if (c != 's' || !(seeded = read_seed(optarg, &seed))) {
            fprintf(c == 'h' ? stdout : stderr,
                    "usage: product_copy [--model FOLDER] [--seed N] [attributes ...]    (or products on stdin)\n");
            return c == 'h' ? 0 : 2;
        }
    }
    return serve(folder, seeded ? &seed : NULL, argv + optind);
}
