/*
 * similar_products - finds the products with the most similar texts, by their vectors.
 *
 *     similar_products "something warm for the neck" < titles.txt
 *     similar_products --model any/bert-folder "Wool Scarf" < titles.txt
 *
 * titles.txt has one product per line. llmcs_index_save would keep the index in a file.
 */
#include <llmcs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"

enum { MAX_PRODUCTS = 100000, K = 5 };

static int failed(const char *doing) {
    fprintf(stderr, "similar_products: %s: %s\n", doing, llmcs_error_message());
    return 1;
}

/* Adds a product to the index, with its line number as id. llmcs_embed also accepts many texts at once. */
static int add_product(llmcs_model *encoder, llmcs_index *index, float *vector, const char *title, uint64_t id) {
    const llmcs_text text = {title, LLMCS_NUL, NULL, 0};
    if (llmcs_embed(encoder, &text, 1, NULL, vector, NULL)) return failed("embed");
    return llmcs_index_put(index, &id, vector, NULL, 1) ? failed("put") : 0;
}

static int print_similar(llmcs_model *encoder, llmcs_index *index, float *vector, char **titles, const char *query) {
    const llmcs_text text = {query, LLMCS_NUL, NULL, 0};
    llmcs_search_params params;
    uint64_t ids[K];
    float scores[K];
    size_t n_found;
    llmcs_search_params_init(&params);
    params.k = K;
    if (llmcs_embed(encoder, &text, 1, NULL, vector, NULL)) return failed("embed");
    if (llmcs_index_search(index, vector, 1, &params, ids, scores, &n_found)) return failed("search");
    printf("%s\n", query);
    for (size_t i = 0; i < n_found; i++) printf("  %.2f  %s\n", (double)scores[i], titles[ids[i]]);
    return 0;
}

int main(int argc, char **argv) {
    static const struct option options[] = {
        {"model", required_argument, NULL, 'm'}, {"help", no_argument, NULL, 'h'}, {0}};
    const char *folder = "examples/models/shop-encoder";
    for (int c; (c = next_option(argc, argv, options)) != -1;) {
        if (c == 'm') {
            folder = optarg;
            continue;
        }
        fprintf(c == 'h' ? stdout : stderr, "usage: similar_products [--model FOLDER] QUERY ... < TITLES\n");
        return c == 'h' ? 0 : 2;
    }
    llmcs_model *encoder = NULL;
    llmcs_index *index = NULL;
    llmcs_model_info info = {.struct_size = sizeof info};
    llmcs_index_options index_options;
    if (llmcs_model_open(folder, NULL, &encoder) || llmcs_model_get_info(encoder, &info)) return failed("open");
    llmcs_index_options_init(&index_options);
    index_options.dim = info.n_embedding;
    if (llmcs_index_create(&index_options, &index)) return failed("create");

    static char *titles[MAX_PRODUCTS + 1];
    size_t n_titles = 0, capacity = 0;
    float *vector = calloc((size_t)info.n_embedding, sizeof *vector);
    int code = !vector;
    for (; !code && n_titles < MAX_PRODUCTS && getline(&titles[n_titles], &capacity, stdin) >= 0; capacity = 0) {
        titles[n_titles][strcspn(titles[n_titles], "\r\n")] = 0;
        code = add_product(encoder, index, vector, titles[n_titles], n_titles);
        n_titles++;
    }
    for (int i = optind; i < argc && !code; i++) code = print_similar(encoder, index, vector, titles, argv[i]);
    for (size_t i = 0; i <= n_titles; i++) free(titles[i]); /* getline allocated one more at the end of the file */
    free(vector);
    llmcs_index_free(&index);
    llmcs_model_free(&encoder);
    return code;
}
