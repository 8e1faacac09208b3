/* llmcs-shop import-events. */
#include "import.h"

static const char *const keys[] = {"customer", "item", "type", "time", NULL};

static llmcs_status read_event(import_row *row) {
    llmcs_shop_event *e = row->item;
    llmcs_status status;
    if ((status = field_string(row->json, "customer", true, &e->customer)) ||
        (status = field_string(row->json, "item", true, &e->item)) ||
        (status = field_string(row->json, "type", true, &e->type)))
        return status;
    return field_time(row->json, "time", true, &e->time);
}

static llmcs_status put(llmcs_shop *shop, const void *const *items, size_t n, llmcs_shop_refused_fn refused, void *user,
                        size_t *n_stored) {
    return llmcs_shop_put_events(shop, (const llmcs_shop_event *const *)items, n, refused, user, n_stored);
}

static int import_events(int argc, char **argv) {
    const import_kind kind = {&cmd_import_events, keys, sizeof(llmcs_shop_event), read_event, put};
    return import_command(&kind, argc, argv);
}

const cli_command cmd_import_events = IMPORT_COMMAND(
    "import-events", "Adds customers' events with products. A repeated event is stored once.",
    "A row: {\"customer\", \"item\", \"type\": \"view\", \"click\", \"cart\", \"purchase\" or another word, \"time\": "
    "ISO "
    "8601 or seconds since 1970}. Items must be products of the store; a new customer is added. Otherwise as "
    "import-products.",
    import_events);
