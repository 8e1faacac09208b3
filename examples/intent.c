/*
 * intent - classifies what a customer wants, and recognises messages that are not about the shop.
 *
 *     intent "has my parcel been sent yet?" "我要退货" "who won the football match?"
 *     intent --head my-intent.head --encoder my-encoder "where is my parcel?"
 *
 * A head is a file of `llmcs-shop train-classifier`. If `accepted` is 0, a service asks the customer or hands over.
 */
#include <llmcs_shop.h>
#include <stdio.h>

#include "options.h"

static int failed(const char *doing) {
    fprintf(stderr, "intent: %s: %s\n", doing, llmcs_error_message());
    return 1;
}

static int print_intent(llmcs_shop_classifier *classifier, const char *message) {
    const llmcs_text text = {message, LLMCS_NUL, NULL, 0};
    llmcs_shop_predict_params params;
    llmcs_shop_predictions *found = NULL;
    llmcs_shop_predict_params_init(&params);
    params.flags = LLMCS_SHOP_PREDICT_REASON;
    if (llmcs_shop_classifier_predict(classifier, &text, 1, &params, &found)) return failed("predict");
    const llmcs_shop_prediction *p = found->items[0];
    printf("%s\n", message);
    if (p->accepted)
        printf("  %s, %.0f %%", p->label, 100 * (double)p->score);
    else if (p->near_tie && p->out_of_scope < 0.5f)
        printf("  %s or %s?", p->scores[0].label, p->scores[1].label);
    else
        printf("  not sure (%s %.0f %%, out of scope %.2f)", p->label, 100 * (double)p->score, (double)p->out_of_scope);
    if (p->accepted && p->example) printf("   as \"%.*s\"", (int)p->example_bytes, p->example);
    printf("\n");
    fflush(stdout);
    llmcs_shop_predictions_free(&found);
    return 0;
}

int main(int argc, char **argv) {
    static const struct option options[] = {{"encoder", required_argument, NULL, 'e'},
                                            {"head", required_argument, NULL, 'f'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    const char *folder = "examples/models/shop-encoder", *head = "examples/models/heads/intent.head";
    for (int c; (c = next_option(argc, argv, options)) != -1;) {
        if (c == 'e') folder = optarg;
        if (c == 'f') head = optarg;
        if (c == 'e' || c == 'f') continue;
        fprintf(c == 'h' ? stdout : stderr, "usage: intent [--encoder FOLDER] [--head FILE] MESSAGE ...\n");
        return c == 'h' ? 0 : 2;
    }
    llmcs_model *encoder = NULL;
    llmcs_shop_classifier *classifier = NULL;
    llmcs_shop_classifier_options classifier_options;
    if (llmcs_model_open(folder, NULL, &encoder)) return failed("open the encoder");
    llmcs_shop_classifier_options_init(&classifier_options);
    classifier_options.encoder = encoder;
    int code = llmcs_shop_classifier_open(head, &classifier_options, &classifier) ? failed("open the head") : 0;
    for (int i = optind; i < argc && !code; i++) code = print_intent(classifier, argv[i]);
    llmcs_shop_classifier_free(&classifier);
    llmcs_model_free(&encoder);
    return code;
}
