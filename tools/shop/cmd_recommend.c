/* llmcs-shop recommend: products for a customer, next to a product, or for a text. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "request.h"
#include "store.h"

typedef struct recommend_job {
    llmcs_shop *shop;
    const char *encoder, *customer, *item, *text, *lang;
    cli_strings categories, tags_all, tags_any, tags_none, exclude;
    double price_min, price_max, diversity, half_life_days, weight_content, weight_together, weight_popular;
    int32_t k, seen;
    bool out_of_stock;
} recommend_job;

static const char *const seen_names[] = {"exclude", "exclude_bought", "include", NULL};

#define AT(member) offsetof(recommend_job, member)
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
    CLI_CHOICE("seen", AT(seen), "the customer's own products [exclude]", seen_names),
    CLI_PLAIN("exclude", CLI_STRINGS, AT(exclude), "ids that are left out"),
    CLI_PLAIN("diversity", CLI_DOUBLE, AT(diversity), "0 to 1 [0.1]: how different the products of a list are"),
    CLI_PLAIN("half_life_days", CLI_DOUBLE, AT(half_life_days), "[60] after which an event counts half"),
    CLI_PLAIN("weight_content", CLI_DOUBLE, AT(weight_content), "of likeness to the customer's products"),
    CLI_PLAIN("weight_together", CLI_DOUBLE, AT(weight_together), "of what the same customers chose"),
    CLI_PLAIN("weight_popular", CLI_DOUBLE, AT(weight_popular), "of popularity"),
    CLI_PLAIN("encoder", CLI_STRING, AT(encoder), "folder of the encoder [the one that init remembered]"),
};

static void params_of(const recommend_job *j, llmcs_shop_recommend_params *p) {
    llmcs_shop_recommend_params_init(p);
    p->customer = j->customer;
    p->item = j->item;
    p->text = j->text;
    p->k = (size_t)j->k;
    p->lang = j->lang;
    p->categories = j->categories.items, p->n_categories = j->categories.n;
    p->tags_all = j->tags_all.items, p->n_tags_all = j->tags_all.n;
    p->tags_any = j->tags_any.items, p->n_tags_any = j->tags_any.n;
    p->tags_none = j->tags_none.items, p->n_tags_none = j->tags_none.n;
    p->exclude = j->exclude.items, p->n_exclude = j->exclude.n;
    p->price_min = j->price_min;
    p->price_max = j->price_max;
    p->out_of_stock = j->out_of_stock;
    p->seen = (llmcs_shop_seen)j->seen;
    p->diversity = j->diversity;
    p->half_life_days = j->half_life_days;
    p->weight_content = j->weight_content;
    p->weight_together = j->weight_together;
    p->weight_popular = j->weight_popular;
}

/* ---- JSON Lines */

static llmcs_status read_string(const json_t *object, const char *key, const char **value) {
    size_t n;
    const char *text;
    const llmcs_status status = request_text(object, key, false, &text, &n);
    if (status || !text) return status;
    if (strlen(text) != n) return request_error(LLMCS_ARG, "\"%s\" holds a NUL character", key);
    *value = text;
    return LLMCS_OK;
}

/* A string or a list of strings. */
static llmcs_status read_strings(const json_t *object, const char *key, cli_strings *list) {
    const json_t *value = json_object_get(object, key);
    if (!value || json_is_null(value)) return LLMCS_OK;
    const bool single = json_is_string(value);
    const size_t n = single ? 1 : json_array_size(value);
    if (n > CLI_MAX_STRINGS) return request_error(LLMCS_ARG, "\"%s\" has more than %d items", key, CLI_MAX_STRINGS);
    list->n = 0;
    for (size_t i = 0; i < n; i++) {
        const json_t *item = single ? value : json_array_get(value, i);
        const char *text = json_string_value(item);
        if (!text || strlen(text) != json_string_length(item)) break;
        list->items[list->n++] = text;
    }
    if ((single || json_is_array(value)) && list->n == n) return LLMCS_OK;
    return request_error(LLMCS_ARG, "\"%s\" must be a string or a list of strings", key);
}

static llmcs_status read_number(const json_t *object, const char *key, double *value) {
    const json_t *number = json_object_get(object, key);
    if (!number || json_is_null(number)) return LLMCS_OK;
    if (!json_is_number(number)) return request_error(LLMCS_ARG, "\"%s\" must be a number", key);
    *value = json_number_value(number);
    return LLMCS_OK;
}

static llmcs_status read_filter(const json_t *filter, recommend_job *j) {
    static const char *const keys[] = {"category",  "tags",         "tags_any", "tags_none", "price_min",
                                       "price_max", "out_of_stock", "seen",     "exclude",   NULL};
    const char *seen = NULL;
    llmcs_status status;
    if (!filter || json_is_null(filter)) return LLMCS_OK;
    if (!json_is_object(filter)) return request_error(LLMCS_ARG, "\"filter\" must be an object");
    if (json_object_get(filter, "id")) return request_unknown_key("id");
    if ((status = request_check_keys(filter, keys)) || (status = read_strings(filter, "category", &j->categories)) ||
        (status = read_strings(filter, "tags", &j->tags_all)) ||
        (status = read_strings(filter, "tags_any", &j->tags_any)) ||
        (status = read_strings(filter, "tags_none", &j->tags_none)) ||
        (status = read_strings(filter, "exclude", &j->exclude)) ||
        (status = read_number(filter, "price_min", &j->price_min)) ||
        (status = read_number(filter, "price_max", &j->price_max)) ||
        (status = request_bool(filter, "out_of_stock", j->out_of_stock, &j->out_of_stock)) ||
        (status = read_string(filter, "seen", &seen)))
        return status;
    for (int32_t i = 0; seen && seen_names[i]; i++)
        if (!strcmp(seen, seen_names[i])) j->seen = i, seen = NULL;
    return seen ? request_error(LLMCS_ARG, "\"seen\" must be exclude, exclude_bought or include") : LLMCS_OK;
}

static llmcs_status read_request(const json_t *request, recommend_job *j) {
    static const char *const keys[] = {"customer", "item", "text", "k", "lang", "filter", NULL};
    double k = j->k;
    llmcs_status status;
    if ((status = request_check_keys(request, keys)) || (status = read_string(request, "customer", &j->customer)) ||
        (status = read_string(request, "item", &j->item)) || (status = read_string(request, "text", &j->text)) ||
        (status = read_string(request, "lang", &j->lang)) || (status = read_number(request, "k", &k)))
        return status;
    if (!(k >= 1 && k <= 1000 && k <= floor(k))) return request_error(LLMCS_ARG, "\"k\" must be 1 to 1000");
    j->k = (int32_t)k;
    return read_filter(json_object_get(request, "filter"), j);
}

static json_t *json_parts(const llmcs_shop_recommendation *item) {
    json_t *list = json_array();
    for (size_t i = 0; i < item->n_parts; i++)
        json_array_append_new(list, json_pack("{sssssf}", "item", item->parts[i]->item, "event", item->parts[i]->event,
                                              "share", item->parts[i]->share));
    return list;
}

static json_t *json_items(const llmcs_shop_recommendations *found) {
    json_t *list = json_array();
    for (size_t i = 0; i < found->n_items; i++) {
        const llmcs_shop_recommendation *item = found->items[i];
        json_array_append_new(
            list, json_pack("{sssssfsssosfsfsf}", "id", item->item, "title", item->title, "score", item->score,
                            "reason", item->reason, "because", json_parts(item), "content", item->content, "together",
                            item->together, "popular", item->popular));
    }
    if (json_array_size(list) == found->n_items) return list;
    json_decref(list);
    return NULL;
}

static llmcs_status recommend_request(void *user, const json_t *request, cli_answer *answer) {
    recommend_job j = *(const recommend_job *)user;
    llmcs_shop_recommend_params params;
    llmcs_shop_recommendations *found = NULL;
    llmcs_status status = read_request(request, &j);
    if (status) return status;
    params_of(&j, &params);
    if ((status = llmcs_shop_recommend(j.shop, &params, &found))) return status;
    answer_set(answer, "items", json_items(found));
    answer_set(answer, "ms", json_float(found->ms));
    llmcs_shop_recommendations_free(&found);
    return LLMCS_OK;
}

/* ---- a table */

static int print_table(const recommend_job *j) {
    llmcs_shop_recommend_params params;
    llmcs_shop_recommendations *found = NULL;
    params_of(j, &params);
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
    llmcs_shop_recommend_params defaults;
    store s;
    llmcs_shop_recommend_params_init(&defaults);
    recommend_job j = {.k = (int32_t)defaults.k,
                       .price_max = defaults.price_max,
                       .diversity = defaults.diversity,
                       .half_life_days = defaults.half_life_days,
                       .weight_content = defaults.weight_content,
                       .weight_together = defaults.weight_together,
                       .weight_popular = defaults.weight_popular};
    int code = cli_parse(&cmd_recommend, argc, argv, &common, &j);
    if (code >= 0) return code;
    const int n_subjects = !!j.customer + !!j.item + !!j.text;
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
