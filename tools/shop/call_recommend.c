/* Recommendations as JSON: the request, and the products with their reasons. */
#include <math.h>
#include <string.h>

#include "calls.h"

const char *const recommend_seen_names[] = {"exclude", "exclude_bought", "include", NULL};

void recommend_call_init(recommend_call *j) {
    llmcs_shop_recommend_params defaults;
    llmcs_shop_recommend_params_init(&defaults);
    *j = (recommend_call){.k = (int32_t)defaults.k,
                          .price_max = defaults.price_max,
                          .diversity = defaults.diversity,
                          .half_life_days = defaults.half_life_days,
                          .weight_content = defaults.weight_content,
                          .weight_together = defaults.weight_together,
                          .weight_popular = defaults.weight_popular};
}

void recommend_params(const recommend_call *j, llmcs_shop_recommend_params *p) {
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

/* Without the key, *value does not change. */
static llmcs_status read_string(const json_t *object, const char *key, const char **value) {
    const char *text;
    const llmcs_status status = field_string(object, key, false, &text);
    if (text) *value = text;
    return status;
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

static llmcs_status read_filter(const json_t *filter, recommend_call *j) {
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
    for (int32_t i = 0; seen && recommend_seen_names[i]; i++)
        if (!strcmp(seen, recommend_seen_names[i])) j->seen = i, seen = NULL;
    return seen ? request_error(LLMCS_ARG, "\"seen\" must be exclude, exclude_bought or include") : LLMCS_OK;
}

static llmcs_status read_request(const json_t *request, recommend_call *j) {
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

llmcs_status call_recommend(llmcs_shop *shop, const recommend_call *defaults, const json_t *request, cli_answer *out) {
    recommend_call j = *defaults;
    llmcs_shop_recommend_params params;
    llmcs_shop_recommendations *found = NULL;
    llmcs_status status = read_request(request, &j);
    if (status) return status;
    recommend_params(&j, &params);
    if ((status = llmcs_shop_recommend(shop, &params, &found))) return status;
    answer_set(out, "items", json_items(found));
    answer_set(out, "ms", json_float(found->ms));
    llmcs_shop_recommendations_free(&found);
    return LLMCS_OK;
}
