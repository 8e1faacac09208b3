/* llmcs-shop import-customers. */
#include "import.h"

static const char *const keys[] = {"id", "name", "lang", "since", NULL};

static llmcs_status read_customer(import_row *row) {
    llmcs_shop_customer *c = row->item;
    llmcs_status status;
    if ((status = field_string(row->json, "id", true, &c->id)) ||
        (status = field_string(row->json, "name", false, &c->name)) ||
        (status = field_string(row->json, "lang", false, &c->lang)))
        return status;
    return field_time(row->json, "since", false, &c->since);
}

static llmcs_status put(llmcs_shop *shop, const void *const *items, size_t n, llmcs_shop_refused_fn refused, void *user,
                        size_t *n_stored) {
    return llmcs_shop_put_customers(shop, (const llmcs_shop_customer *const *)items, n, refused, user, n_stored);
}

static int import_customers(int argc, char **argv) {
    const import_kind kind = {&cmd_import_customers, keys, sizeof(llmcs_shop_customer), read_customer, put};
    return import_command(&kind, argc, argv);
}

const cli_command cmd_import_customers = IMPORT_COMMAND(
    "import-customers", "Adds customers, or replaces those with the same ids.",
    "A row: {\"id\", \"name\"?, \"lang\"?, \"since\"?}. Otherwise as import-products.", import_customers);
