/* Stores with customers, and a search for personal data where none may be. */
#ifndef TESTS_SHOP_GUARD_CANARY_CASE_H
#define TESTS_SHOP_GUARD_CANARY_CASE_H

#include <stdlib.h>

#include "shop/guard/audit.h"
#include "shop/guard/vault.h"
#include "shop/store/shop_case.h"

static char folder[TEMP_PATH_BYTES];
static char path[TEMP_PATH_BYTES + 16], key_path[TEMP_PATH_BYTES + 32];

static void setup(void) {
    temp_folder(folder);
    snprintf(path, sizeof path, "%s/shop.db", folder);
    snprintf(key_path, sizeof key_path, "%s.key", path);
}
static void teardown(void) { temp_remove(folder); }

/* Whether any file of the folder holds these bytes: the store, its write-ahead log, logs of a test. */
static inline bool folder_holds(const char *canary) {
    char command[3 * TEMP_PATH_BYTES];
    snprintf(command, sizeof command, "grep -rqaF -- '%s' '%s'", canary, folder);
    return system(command) == 0;
}

static inline llmcs_status vault_put(llmcs_shop *shop, const char *customer, const char *conversation, const char *name,
                                     const char *value) {
    shop_connection *c;
    SHOP_TRY(shop_write_begin(shop, &c));
    return shop_write_end(shop, c, shop_vault_put(shop, c, customer, conversation, name, value, strlen(value)));
}

static inline llmcs_status keep_value(void *user, const char *name, const char *value, size_t n) {
    char *out = user;
    sprintf(out + strlen(out), "%s=%.*s;", name, (int)n, value);
    return LLMCS_OK;
}

/* "PHONE_1=...;" of a conversation. */
static inline llmcs_status vault_load(llmcs_shop *shop, const char *customer, const char *conversation, char *out) {
    shop_connection *c;
    out[0] = 0;
    SHOP_TRY(shop_read_begin(shop, &c));
    const llmcs_status status = shop_vault_load(shop, c, customer, conversation, keep_value, out);
    shop_read_end(shop, c);
    return status;
}

static inline void put_customer(llmcs_shop *shop, const char *id, const char *name) {
    const llmcs_shop_customer one = {.struct_size = sizeof one, .id = id, .name = name, .lang = "zh", .since = 5};
    const llmcs_shop_customer *const list[] = {&one};
    SHOP_OK(llmcs_shop_put_customers(shop, list, 1, NULL, NULL, NULL));
}

static inline void put_order(llmcs_shop *shop, const char *id, const char *customer, const char *city, int64_t time) {
    const llmcs_shop_order_item item = {"P1", 2, 9.5};
    const llmcs_shop_order one = {.struct_size = sizeof one,
                                  .id = id,
                                  .customer = customer,
                                  .status = "paid",
                                  .time = time,
                                  .items = &item,
                                  .n_items = 1,
                                  .total = -1,
                                  .currency = "CNY",
                                  .tracking = "TRACK-CANARY-77",
                                  .city = city};
    const llmcs_shop_order *const list[] = {&one};
    SHOP_OK(llmcs_shop_put_orders(shop, list, 1, NULL, NULL, NULL));
}

static inline void put_event(llmcs_shop *shop, const char *customer, int64_t time) {
    const llmcs_shop_event one = {
        .struct_size = sizeof one, .customer = customer, .item = "P1", .type = "view", .time = time};
    const llmcs_shop_event *const list[] = {&one};
    size_t n;
    SHOP_OK(llmcs_shop_put_events(shop, list, 1, NULL, NULL, &n));
    ck_assert_uint_eq(n, 1);
}

static inline void put_lamp(llmcs_shop *shop) {
    static const llmcs_shop_product_text text = {"en", "Lamp", NULL, NULL};
    const llmcs_shop_product p = simple_product("P1", &text), *list[] = {&p};
    SHOP_OK(llmcs_shop_put_products(shop, list, 1, NULL, NULL, NULL));
}

static inline llmcs_shop_audit_report verified(llmcs_shop *shop) {
    llmcs_shop_audit_report r = {.struct_size = sizeof r};
    SHOP_OK(llmcs_shop_audit_verify(shop, NULL, &r));
    return r;
}

#endif
