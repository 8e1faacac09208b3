/* Settings of a store, and counts of its rows. */
#include <string.h>

#include "shop/base/options.h"
#include "shop/store/rows.h"
#include "shop/store/shared.h"

llmcs_status llmcs_shop_set_setting(llmcs_shop *shop, const char *key, const char *value) {
    SHOP_PUBLIC_CALL;
    shop_connection *c;
    SHOP_TRY(shop_check(shop));
    SHOP_TRY(shop_check_id("key", key));
    SHOP_TRY(shop_check_text("value", value, 0, SHOP_TEXT_BYTES));
    if (!strcmp(key, "llmcs.changes") || !strcmp(key, "llmcs.store") || !strcmp(key, "llmcs.audit_key"))
        return shop_fail(LLMCS_ARG, "key: \"%s\" can be set only by the library", key);
    SHOP_TRY(shop_write_begin(shop, &c));
    const llmcs_status status =
        value ? shop_change(c, "INSERT INTO settings VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE SET value = ?2", "ss",
                            key, value)
              : shop_change(c, "DELETE FROM settings WHERE key = ?1", "s", key);
    return shop_write_end(shop, c, status);
}

static llmcs_status copy_setting(shop_connection *c, const char *key, char *value, size_t capacity, size_t *n) {
    shop_query q;
    SHOP_TRY(shop_query_begin(c, &q, "SELECT value FROM settings WHERE key = ?1", "s", key));
    SHOP_TRY(shop_query_next(&q));
    const char *found = "";
    *n = 0;
    if (q.has_row) found = shop_query_text(&q, 0, n);
    const bool fits = value && capacity > *n;
    if (fits) memcpy(value, found, *n), value[*n] = 0;
    shop_query_end(&q);
    return fits ? LLMCS_OK
                : shop_fail(LLMCS_BUFFER, "setting %s needs %lld bytes with its NUL, the buffer has %lld", key,
                            (long long)*n + 1, (long long)(value ? capacity : 0));
}

llmcs_status llmcs_shop_get_setting(llmcs_shop *shop, const char *key, char *value, size_t capacity,
                                    size_t *value_bytes) {
    SHOP_PUBLIC_CALL;
    shop_connection *c;
    size_t n;
    SHOP_TRY(shop_check(shop));
    SHOP_TRY(shop_check_id("key", key));
    SHOP_TRY(shop_read_begin(shop, &c));
    const llmcs_status status = copy_setting(c, key, value, capacity, &n);
    shop_read_end(shop, c);
    if (value_bytes && (!status || status == LLMCS_BUFFER)) *value_bytes = n;
    return status;
}

static llmcs_status count(shop_connection *c, uint64_t *n, const char *sql) {
    int64_t found;
    SHOP_TRY(shop_lookup_int(c, 0, &found, sql, ""));
    *n = (uint64_t)found;
    return LLMCS_OK;
}

/* shared: the connection to customers and orders, which may be on a server. */
static llmcs_status count_all(llmcs_shop *shop, shop_connection *c, shop_connection *shared, llmcs_shop_info *info) {
    int64_t n;
    SHOP_TRY(shop_lookup_int(c, 0, &n, "PRAGMA user_version", ""));
    info->schema_version = (int32_t)n;
    SHOP_TRY(count(c, &info->n_entries, "SELECT count(*) FROM entries WHERE NOT retired"));
    SHOP_TRY(count(c, &info->n_questions, "SELECT count(*) FROM texts WHERE live AND position"));
    SHOP_TRY(count(c, &info->n_products, "SELECT count(*) FROM products"));
    SHOP_TRY(count(shared, &info->n_customers, "SELECT count(*) FROM customers"));
    SHOP_TRY(count(c, &info->n_events, "SELECT count(*) FROM events"));
    SHOP_TRY(count(shared, &info->n_orders, "SELECT count(*) FROM orders"));
    SHOP_TRY(shop_lookup_int(c, 0, &n, "SELECT count(*) FROM vectors WHERE fingerprint = ?1", "i",
                             (int64_t)shop->fingerprint));
    info->n_vectors = (uint64_t)n;
    return LLMCS_OK;
}

llmcs_status llmcs_shop_get_info(llmcs_shop *shop, llmcs_shop_info *info) {
    SHOP_PUBLIC_CALL;
    shop_connection *c;
    llmcs_shop_info found = {.struct_size = sizeof found};
    SHOP_TRY(shop_check(shop));
    if (!info) return shop_fail(LLMCS_ARG, "info is NULL");
    found.n_embedding = shop->n_embedding;
    found.fingerprint = shop->fingerprint;
    SHOP_TRY(shop_read_begin(shop, &c));
    shop_connection *shared = c;
    llmcs_status status = shop->shared ? shop_shared_read_begin(shop, NULL, &shared) : LLMCS_OK;
    if (!status) {
        status = count_all(shop, c, shared, &found);
        if (shop->shared) shop_shared_read_end(shop, shared);
    }
    shop_read_end(shop, c);
    if (status) return status;
    return shop_options_out(info, SHOP_SIZE_UP_TO(llmcs_shop_info, n_vectors), &found, sizeof found, "llmcs_shop_info");
}
