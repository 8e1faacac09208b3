/* llmcs-shop import-orders. */
#include "import.h"
#include "request.h"

static const char *const keys[] = {"id",       "customer", "status",   "time", "items", "total",
                                   "currency", "carrier",  "tracking", "city", NULL};
static const char *const item_keys[] = {"quantity", "price", NULL};

static llmcs_status read_items(import_row *row, llmcs_shop_order *o) {
    const json_t *list = json_object_get(row->json, "items");
    if (!json_is_array(list))
        return request_error(LLMCS_ARG, "\"items\" must be a list of {\"id\",\"quantity\",\"price\"}");
    o->n_items = json_array_size(list);
    llmcs_shop_order_item *items = row_alloc(row, o->n_items, sizeof *items);
    if (!items) return request_error(LLMCS_NOMEM, "no memory for \"items\"");
    o->items = items;
    llmcs_status status = LLMCS_OK;
    for (size_t i = 0; i < o->n_items && !status; i++) {
        const json_t *item = json_array_get(list, i);
        if (!json_is_object(item)) return request_error(LLMCS_ARG, "\"items\"[%zu] must be an object", i);
        if (!(status = request_check_keys(item, item_keys)) &&
            !(status = field_string(item, "id", true, &items[i].item)) &&
            !(status = field_int(item, "quantity", 1, &items[i].quantity)))
            status = field_double(item, "price", true, 0, &items[i].price);
    }
    return status;
}

static llmcs_status read_order(import_row *row) {
    llmcs_shop_order *o = row->item;
    llmcs_status status;
    if ((status = field_string(row->json, "id", true, &o->id)) ||
        (status = field_string(row->json, "customer", true, &o->customer)) ||
        (status = field_string(row->json, "status", true, &o->status)) ||
        (status = field_time(row->json, "time", true, &o->time)) || (status = read_items(row, o)) ||
        (status = field_double(row->json, "total", false, -1, &o->total)) ||
        (status = field_string(row->json, "currency", false, &o->currency)) ||
        (status = field_string(row->json, "carrier", false, &o->carrier)) ||
        (status = field_string(row->json, "tracking", false, &o->tracking)))
        return status;
    return field_string(row->json, "city", false, &o->city);
}

static llmcs_status put(llmcs_shop *shop, const void *const *items, size_t n, llmcs_shop_refused_fn refused, void *user,
                        size_t *n_stored) {
    return llmcs_shop_put_orders(shop, (const llmcs_shop_order *const *)items, n, refused, user, n_stored);
}

static int import_orders(int argc, char **argv) {
    const import_kind kind = {&cmd_import_orders, keys, sizeof(llmcs_shop_order), read_order, put};
    return import_command(&kind, argc, argv);
}

const cli_command cmd_import_orders =
    IMPORT_COMMAND("import-orders", "Adds orders, or replaces those with the same ids.",
                   "A row: {\"id\", \"customer\", \"status\", \"time\", \"items\": [{\"id\",\"quantity\"?,\"price\"}], "
                   "\"total\"? (their sum), \"currency\"?, \"carrier\"?, \"tracking\"?, \"city\"?}. CSV: the cell of "
                   "items holds that JSON. Otherwise as import-products.",
                   import_orders);
