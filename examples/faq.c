/*
 * faq - answers questions from a shop's own entries, with the entry and the probability that the answer is right.
 *
 *     llmcs-shop init shop.db --encoder examples/models/shop-encoder
 *     llmcs-shop import-faq shop.db examples/shop/faq.en.jsonl
 *     faq shop.db "What does shipping cost?" "Who founded your company?"
 */
#include <llmcs_shop.h>
#include <stdio.h>

#include "options.h"

static int failed(const char *doing) {
    fprintf(stderr, "faq: %s: %s\n", doing, llmcs_error_message());
    return 1;
}

static int print_answer(llmcs_shop *shop, const char *question) {
    llmcs_shop_answer *answer = NULL;
    if (llmcs_shop_ask(shop, question, LLMCS_NUL, NULL, &answer)) return failed("ask");
    printf("%s\n  ", question);
    if (answer->route == LLMCS_ROUTE_NONE)
        printf("(no answer)");
    else
        printf("%s", answer->text);
    printf("\n  %s, probability %.2f", llmcs_shop_route_name(answer->route), answer->probability);
    for (size_t i = 0; i < answer->n_citations; i++)
        printf(", %s version %d", answer->citations[i]->id, (int)answer->citations[i]->version);
    printf(", %.1f ms\n", answer->total_ms);
    fflush(stdout);
    llmcs_shop_answer_free(&answer);
    return 0;
}

int main(int argc, char **argv) {
    static const struct option options[] = {
        {"encoder", required_argument, NULL, 'e'}, {"help", no_argument, NULL, 'h'}, {0}};
    const char *folder = "examples/models/shop-encoder";
    for (int c; (c = next_option(argc, argv, options)) != -1;) {
        if (c == 'e') {
            folder = optarg;
            continue;
        }
        fprintf(c == 'h' ? stdout : stderr, "usage: faq [--encoder FOLDER] STORE QUESTION ...\n");
        return c == 'h' ? 0 : 2;
    }
    if (optind == argc) return fprintf(stderr, "faq: expected a STORE; see faq --help\n"), 2;

    llmcs_model *encoder = NULL;
    llmcs_shop *shop = NULL;
    llmcs_shop_options shop_options;
    if (llmcs_model_open(folder, NULL, &encoder)) return failed("open the encoder");
    llmcs_shop_options_init(&shop_options);
    shop_options.encoder = encoder; /* the model that made the store's vectors */
    int code = llmcs_shop_open(argv[optind], &shop_options, &shop) ? failed("open the store") : 0;
    for (int i = optind + 1; i < argc && !code; i++) code = print_answer(shop, argv[i]);
    llmcs_shop_free(&shop);
    llmcs_model_free(&encoder);
    return code;
}
