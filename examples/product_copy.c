/*
 * product_copy - writes the text of a product page from the product's title and attributes.
 *
 *     product_copy "Ostra Classic Mug, moss green, 400 ml; material: bone china"
 *     echo "类型#裤*版型#宽松*风格#性感" | product_copy
 *
 * What the model writes is printed only if llmcs_shop_gate finds each of its numbers, names and promises in what was
 * given, and if every value that was given is in it. Otherwise other samples are tried, always the same ones, and if
 * none is fit to print, the attributes themselves are (--explain says why). --seed N begins with a sample; --model
 * takes any GPT-2 folder that was trained on "Product: ...\nCopy:".
 */
#include <errno.h>
#include <llmcs_shop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"

enum { TRIES = 6 };

typedef struct writer {
    llmcs_session *session;
    llmcs_generate_params params;
    int seeded, explain;
} writer;

static int failed(const char *doing) {
    fprintf(stderr, "product_copy: %s: %s\n", doing, llmcs_error_message());
    return 1;
}

/* The text without spaces and in lower case, so that "400 ml" is found in "400ml". */
static char *squeezed(const char *text, size_t n) {
    char *copy = malloc(n + 1), *to = copy;
    for (size_t i = 0; copy && i < n; i++)
        if (text[i] != ' ') *to++ = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] + 32 : text[i]);
    if (copy) *to = 0;
    return copy;
}

/* Where a value ends: at a comma, semicolon, | or *, also a full-width one, and in Chinese at a space. */
static const char *separator(const char *at, int chinese, size_t *len) {
    static const char *const marks[] = {", ", ";", "|", "*", "，", "；", "、", " "};
    const char *first = at + strlen(at);
    *len = 0;
    for (size_t i = 0; i < sizeof marks / sizeof *marks - !chinese; i++) {
        const char *found = strstr(at, marks[i]);
        if (found && found < first) first = found, *len = strlen(marks[i]);
    }
    return first;
}

/* The first given value that the text lacks, its key left out: "material: bone china" is "bone china". */
static const char *missing_value(const char *attributes, const char *text, int chinese, int *n) {
    char *in = squeezed(text, strlen(text));
    const char *missing = NULL;
    size_t len;
    for (const char *at = attributes; *at && !missing; at += len) {
        const char *end = separator(at, chinese, &len);
        for (const char *c = at; c < end; c++) { /* behind a key */
            const size_t colon = *c == ':' || *c == '#' ? 1 : strncmp(c, "：", 3) ? 0 : 3;
            if (colon) at = c + colon;
        }
        char *value = squeezed(at, (size_t)(end - at));
        if (!in || !value || !strstr(in, value)) missing = at, *n = (int)(end - at);
        free(value);
        at = end;
    }
    free(in);
    return missing;
}

/* One text: printed and 1, or 0 where it is not fit to print. -1: an error. */
static int try_copy(writer *w, const char *prompt, const char *attributes) {
    llmcs_result *result = NULL;
    llmcs_shop_gate_verdict verdict = {.struct_size = sizeof verdict};
    const llmcs_shop_fact given = {NULL, attributes};
    const int chinese = attributes[strcspn(attributes, "\xe4\xe5\xe6\xe7\xe8\xe9")] != 0;
    int n = 0, fit = 0;
    if (llmcs_generate(w->session, prompt, LLMCS_NUL, &w->params, NULL, NULL, &result)) return failed("generate"), -1;
    const char *text = result->sequences[0]->text + strspn(result->sequences[0]->text, " ");
    const llmcs_status status = llmcs_shop_gate(text, LLMCS_NUL, &given, 1, chinese ? "zh" : "en", &verdict);
    const char *missing = missing_value(attributes, text, chinese, &n);
    fit = status ? (failed("gate"), -1) : verdict.passed && !missing;
    if (fit > 0) puts(text), fflush(stdout);
    if (!fit && w->explain)
        fprintf(stderr, "product_copy: refused (%s %s%s%.*s): %s\n", verdict.passed ? "it lacks" : verdict.reason,
                verdict.found, verdict.passed ? "" : ", ", verdict.passed ? n : 0, missing ? missing : "", text);
    llmcs_result_free(&result);
    return fit;
}

static int write_copy(writer *w, const char *attributes) {
    char *prompt = NULL;
    if (asprintf(&prompt, "Product: %s\nCopy:", attributes) < 0)
        return fprintf(stderr, "product_copy: no memory for the attributes\n"), 1;
    for (char *c = prompt + strlen("Product: "); c < prompt + strlen(prompt) - strlen("\nCopy:"); c++)
        if (*c == '\n' || *c == '\r') *c = ' ';
    const uint64_t seed = w->params.seed;
    int fit = 0;
    for (int i = 0; i < TRIES && !fit; i++, w->params.seed++) {
        w->params.do_sample =
            w->seeded || i > 0; /* first the most probable text, which keeps closest to what was given */
        fit = try_copy(w, prompt, attributes);
    }
    w->params.seed = seed;
    if (!fit) puts(attributes), fflush(stdout);
    free(prompt);
    return fit < 0;
}

/* Each argument, or each line of stdin that is not empty. */
static int write_all(writer *w, char **products) {
    int code = 0;
    char *line = NULL;
    size_t capacity = 0;
    for (int i = 0; products[i]; i++) code |= write_copy(w, products[i]);
    while (!*products && getline(&line, &capacity, stdin) >= 0) {
        line[strcspn(line, "\r\n")] = 0;
        if (line[0]) code |= write_copy(w, line);
    }
    free(line);
    return code;
}

static int serve(const char *folder, uint64_t seed, writer *w, char **products) {
    static const char *const stop[] = {"\n"};
    llmcs_model *model = NULL;
    int code = 1;
    if (llmcs_model_open(folder, NULL, &model) || llmcs_session_create(model, NULL, &w->session) ||
        llmcs_generate_params_init(&w->params, model)) {
        failed("open");
    } else {
        w->params.stop_strings = stop;
        w->params.n_stop_strings = 1;
        w->params.max_new_tokens = 160;
        w->params.temperature = 0.7f;
        w->params.top_p = 0.9f;
        w->params.seed = seed;
        code = write_all(w, products);
    }
    llmcs_session_free(&w->session);
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
                                            {"explain", no_argument, NULL, 'x'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    const char *folder = "examples/models/shop-gpt2";
    uint64_t seed = 0;
    static writer w;
    for (int c; (c = next_option(argc, argv, options)) != -1;) {
        if (c == 'm') {
            folder = optarg;
        } else if (c == 'x') {
            w.explain = 1;
        } else if (c != 's' || !(w.seeded = read_seed(optarg, &seed))) {
            fprintf(c == 'h' ? stdout : stderr,
                    "usage: product_copy [--model FOLDER] [--seed N] [--explain] [attributes ...]    (or products on "
                    "stdin)\n");
            return c == 'h' ? 0 : 2;
        }
    }
    return serve(folder, seed, &w, argv + optind);
}
