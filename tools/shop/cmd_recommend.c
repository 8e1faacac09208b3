/* llmcs-shop recommend: recommends products for a customer, a product, or a text. */
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "commands.h"
#include "store.h"

typedef struct recommend_job {
    recommend_call call; /* what is recommended */
    const char *encoder;
    llmcs_shop *shop;
} recommend_job;

#define AT(member) offsetof(recommend_job, call.member)
static const cli_option options[] = {
    CLI_PLAIN("customer", CLI_STRING, AT(customer), "id of a customer"),
    CLI_PLAIN("item", CLI_STRING, AT(item), "id of a product: what is like it and chosen together with it"),
    CLI_PLAIN("text", CLI_STRING, AT(text), "words of a customer"),
    CLI_BOUNDED("k", AT(k), "products [10]", 1, 1000),
    CLI_PLAIN("lang", CLI_STRING, AT(lang), "language of the reasons: zh or en [the customer's, else en]"),
    CLI_PLAIN("category", CLI_STRINGS, AT(categories), "only products of this category, or of another that is given"),
    CLI_PLAIN("tag", CLI_STRINGS, AT(tags_all), "only products that have all of these tags"),
    CLI_PLAIN("tag_any", CLI_STRINGS, AT(tags_any), "only products that have one of these tags"),
    CLI_PLAIN("tag_none", CLI_STRINGS, AT(tags_none), "no products that have one of these tags"),
    CLI_PLAIN("price_min", CLI_DOUBLE, AT(price_min), "[0]"),
    CLI_PLAIN("price_max", CLI_DOUBLE, AT(price_max), "[any]"),
    CLI_PLAIN("out_of_stock", CLI_FLAG, AT(out_of_stock), "products without stock, too"),
    CLI_CHOICE("seen", AT(seen), "the customer's own products [exclude]", recommend_seen_names),
    CLI_PLAIN("exclude", CLI_STRINGS, AT(exclude), "ids that are left out"),
    CLI_PLAIN("diversity", CLI_DOUBLE, AT(diversity), "0 to 1 [0.1]: how different the products of a list are"),
    CLI_PLAIN("half_life_days", CLI_DOUBLE, AT(half_life_days), "[60] after which an event counts half"),
    CLI_PLAIN("weight_content", CLI_DOUBLE, AT(weight_content), "of likeness to the customer's products"),
    CLI_PLAIN("weight_together", CLI_DOUBLE, AT(weight_together), "of what the same customers chose"),
    CLI_PLAIN("weight_popular", CLI_DOUBLE, AT(weight_popular), "of popularity"),
    CLI_PLAIN("encoder", CLI_STRING, offsetof(recommend_job, encoder),
              "folder of the encoder [the one that init remembered]"),
};

static llmcs_status recommend_request(void *user, const json_t *request, cli_answer *answer) {
    const recommend_job *j = user;
    return call_recommend(j->shop, &j->call, request, answer);
}

/* ---- a table */

static int print_table(const recommend_job *j) {
    llmcs_shop_recommend_params params;
    llmcs_shop_recommendations *found = NULL;
    recommend_params(&j->call, &params);
    if (llmcs_shop_recommend(j->shop, &params, &found)) return cli_failed("recommend");
    for (size_t i = 0; i < found->n_items; i++) {
        const llmcs_shop_recommendation *item = found->items[i];
        const char *texts[] = {item->item, item->title, item->reason};
        printf("%8.4f", item->score);
        for (size_t t = 0; t < 3; t++) {
            fputs(t < 2 ? "  " : "\n          ", stdout);
            cli_print_escaped(stdout, texts[t], strlen(texts[t]), true);
        }
        putchar('\n');
    }
    fflush(stdout);
    fprintf(stderr, "%zu products of %zu candidates in %.1f ms (%.0f ms to read the store)\n", found->n_items,
            found->n_candidates, found->ms, found->follow_ms);
    llmcs_shop_recommendations_free(&found);
    return EXIT_DONE;
}

static int recommend_command(int argc, char **argv) {
    cli_common common;
    store s;
    recommend_job j = {.shop = NULL};
    recommend_call_init(&j.call);
    int code = cli_parse(&cmd_recommend, argc, argv, &common, &j);
    if (code >= 0) return code;
    const int n_subjects = !!j.call.customer + !!j.call.item + !!j.call.text;
    if (n_subjects != !common.jsonl)
        return cli_usage_error(&cmd_recommend, "expected one of --customer, --item, --text, --jsonl");
    if (!store_open(&s, &common, STORE_ENCODER, j.encoder, 0)) return EXIT_FAILED;
    j.shop = s.shop;
    code = common.jsonl ? cli_jsonl(&common, recommend_request, &j) : print_table(&j);
    store_close(&s);
    return code;
}

const cli_command cmd_recommend = {
    .name = "recommend",
    .target = "STORE",
    .arguments = "(--customer ID | --item ID | --text WORDS | --jsonl)",
    .summary = "Products for a customer, next to a product, or for a text, each with its reason in words.",
    .notes =
        "A score blends likeness to the products of a customer, what the same customers chose, and popularity. "
        "Nothing is trained: a new product is recommended once it is imported, a new customer after one event.",
    .jsonl_help =
        "{\"customer\"|\"item\"|\"text\":\"...\", \"k\":10?, \"lang\":\"zh\"?, \"filter\":{\"category\", "
        "\"tags\", \"tags_any\", \"tags_none\", \"exclude\": string or list, \"price_min\", \"price_max\", "
        "\"out_of_stock\":true, \"seen\":\"include\"}?} -> "
        "{\"items\":[{\"id\",\"title\",\"score\",\"reason\",\"because\":"
        "[{\"item\",\"event\",\"share\"}],\"content\",\"together\",\"popular\"}], \"ms\"}",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .takes = CLI_TAKES_JSONL | CLI_TAKES_TEXT | CLI_TAKES_MODEL,
    .execute = recommend_command};
