/* llmcs-shop import-products. */
#include <stdlib.h>
#include <string.h>

#include "import.h"
#include "request.h"

static const char *const keys[] = {"id",    "title",    "description", "lang",       "category", "brand",
                                   "price", "currency", "stock",       "attributes", "tags",     NULL};

/* The value for one language: a member of an object with languages as keys, or the value itself. */
static const json_t *in_language(const json_t *value, const char *lang, bool by_language) {
    return by_language ? json_object_get(value, lang) : value;
}

/* True for {"en":{...},"zh":{...}}, where every member is an object; false for {"colour":"black"}. */
static bool attributes_by_language(const json_t *attributes) {
    for (void *at = json_object_iter((json_t *)attributes); at; at = json_object_iter_next((json_t *)attributes, at))
        if (!json_is_object(json_object_iter_value(at))) return false;
    return json_object_size(attributes) > 0;
}

static llmcs_status set_text(import_row *row, llmcs_shop_product_text *t, const char *lang, const json_t *title) {
    const json_t *description = json_object_get(row->json, "description");
    const json_t *attributes = json_object_get(row->json, "attributes");
    description = in_language(description, lang, json_is_object(description));
    attributes = in_language(attributes, lang, attributes_by_language(attributes));
    if ((json_is_string(title) && strlen(json_string_value(title)) < json_string_length(title)) ||
        (json_is_string(description) && strlen(json_string_value(description)) < json_string_length(description)))
        return request_error(LLMCS_ARG, "\"title\" or \"description\" holds a NUL character");
    if (!json_is_string(title)) return request_error(LLMCS_ARG, "\"title\" must be a string, or one for each language");
    if (description && !json_is_null(description) && !json_is_string(description))
        return request_error(LLMCS_ARG, "\"description\" must be a string, or one for each language");
    if (attributes && !json_is_null(attributes) && !json_is_object(attributes))
        return request_error(LLMCS_ARG, "\"attributes\" must be an object, or one for each language");
    t->lang = lang;
    t->title = json_string_value(title);
    t->description = json_string_value(description);
    if (!json_is_object(attributes)) return LLMCS_OK;
    char *text = json_dumps(attributes, JSON_COMPACT | JSON_REAL_PRECISION(15));
    if (!text) return request_error(LLMCS_NOMEM, "no memory for the row");
    /* As a member of the row the text lives as long as it. */
    json_t *kept = json_object_get(row->json, "attribute texts");
    if (!kept && json_object_set_new(row->json, "attribute texts", kept = json_array())) kept = NULL;
    json_t *string = json_string(text);
    free(text);
    if (!kept || json_array_append_new(kept, string)) return request_error(LLMCS_NOMEM, "no memory for the row");
    t->attributes = json_string_value(string);
    return LLMCS_OK;
}

static llmcs_status read_texts(import_row *row, llmcs_shop_product *p) {
    const json_t *title = json_object_get(row->json, "title");
    const char *lang = NULL;
    llmcs_status status = field_string(row->json, "lang", false, &lang);
    if (status) return status;
    const bool many = json_is_object(title);
    if (!title) return request_error(LLMCS_ARG, "\"title\" is missing");
    p->n_texts = many ? json_object_size(title) : 1;
    llmcs_shop_product_text *texts = row_alloc(row, p->n_texts, sizeof *texts);
    if (!texts) return request_error(LLMCS_NOMEM, "no memory for the row");
    p->texts = texts;
    if (!many) return set_text(row, texts, lang ? lang : "", title);
    size_t i = 0;
    for (void *at = json_object_iter((json_t *)title); at && !status; at = json_object_iter_next((json_t *)title, at))
        status = set_text(row, &texts[i++], json_object_iter_key(at), json_object_iter_value(at));
    return status;
}

static llmcs_status read_product(import_row *row) {
    llmcs_shop_product *p = row->item;
    llmcs_status status;
    if ((status = field_string(row->json, "id", true, &p->id)) || (status = read_texts(row, p)) ||
        (status = field_string(row->json, "category", false, &p->category)) ||
        (status = field_string(row->json, "brand", false, &p->brand)) ||
        (status = field_double(row->json, "price", true, 0, &p->price)) ||
        (status = field_string(row->json, "currency", false, &p->currency)) ||
        (status = field_int(row->json, "stock", -1, &p->stock)))
        return status;
    return field_strings(row, "tags", &p->tags, &p->n_tags);
}

static llmcs_status put(llmcs_shop *shop, const void *const *items, size_t n, llmcs_shop_refused_fn refused, void *user,
                        size_t *n_stored) {
    return llmcs_shop_put_products(shop, (const llmcs_shop_product *const *)items, n, refused, user, n_stored);
}

static int import_products(int argc, char **argv) {
    const import_kind kind = {&cmd_import_products, keys, sizeof(llmcs_shop_product), read_product, put};
    return import_command(&kind, argc, argv);
}

const cli_command cmd_import_products = IMPORT_COMMAND(
    "import-products", "Adds products, or replaces those with the same ids.",
    "A row: {\"id\", \"title\": \"...\" or {\"en\":\"...\",\"zh\":\"...\"}, \"description\"? likewise, "
    "\"lang\"?, \"category\"?, \"brand\"?, \"price\", \"currency\"?, \"stock\"?, \"attributes\"? {...} or "
    "{\"en\":{...},\"zh\":{...}}, \"tags\"? [...]}. FILE may be - for stdin. CSV: columns of these "
    "names, title.en for a member. Invalid rows are reported on stderr, with exit code 1; the others are stored.",
    import_products);
