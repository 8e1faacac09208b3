/* Removes rows that are older than their table's retention. */
#include <string.h>
#include <time.h>

#include "shop/guard/audit.h"
#include "shop/guard/report.h"
#include "shop/recommend/recommender.h"
#include "shop/store/rows.h"
#include "shop/store/shared.h"

enum { MAX_DAYS = 36525, DAY = 86400 };
#define PREFIX "llmcs.retention."

const char *llmcs_shop_retention_table(size_t i) {
    for (size_t k = 0; k < shop_n_personal_tables; k++)
        if (shop_personal_tables[k].prune && !shop_personal_tables[k].days_of && !i--)
            return shop_personal_tables[k].table;
    return NULL;
}

/* The key of the setting with the table's days. */
static llmcs_status name_setting(const char *table, char *key, size_t capacity) {
    char tables[512] = "";
    size_t n = 0;
    for (size_t i = 0; llmcs_shop_retention_table(i); i++) {
        const char *known = llmcs_shop_retention_table(i);
        if (table && !strcmp(known, table)) {
            sqlite3_snprintf((int)capacity, key, PREFIX "%s", table);
            return LLMCS_OK;
        }
        sqlite3_snprintf((int)(sizeof tables - n), tables + n, "%s%s", i ? ", " : "", known);
        n = strlen(tables);
    }
    return shop_fail(LLMCS_ARG, "table: \"%.60s\" cannot have a retention, expected one of: %s", table ? table : "NULL",
                     tables);
}

llmcs_status llmcs_shop_set_retention(llmcs_shop *shop, const char *table, int32_t days) {
    SHOP_PUBLIC_CALL;
    char key[80], value[16];
    SHOP_TRY(shop_check(shop));
    SHOP_TRY(name_setting(table, key, sizeof key));
    if (days < 0 || days > MAX_DAYS) return shop_fail(LLMCS_ARG, "days: %d is not valid (0 to %d)", days, MAX_DAYS);
    sqlite3_snprintf(sizeof value, value, "%d", days);
    return llmcs_shop_set_setting(shop, key, days ? value : NULL);
}

static llmcs_status read_days(shop_connection *c, const char *table, int64_t *days) {
    char key[80];
    SHOP_TRY(name_setting(table, key, sizeof key));
    SHOP_TRY(shop_lookup_int(c, 0, days, "SELECT CAST(value AS INTEGER) FROM settings WHERE key = ?1", "s", key));
    if (*days < 0 || *days > MAX_DAYS)
        return shop_fail(LLMCS_FORMAT, "%s: setting %s: %lld is not valid (0 to %d)", c->path, key, (long long)*days,
                         MAX_DAYS);
    return LLMCS_OK;
}

llmcs_status llmcs_shop_get_retention(llmcs_shop *shop, const char *table, int32_t *days) {
    SHOP_PUBLIC_CALL;
    shop_connection *c;
    int64_t found;
    SHOP_TRY(shop_check(shop));
    if (!days) return shop_fail(LLMCS_ARG, "days is NULL");
    SHOP_TRY(shop_read_begin(shop, &c));
    const llmcs_status status = read_days(c, table, &found);
    shop_read_end(shop, c);
    if (!status) *days = (int32_t)found;
    return status;
}

/* settings: the connection to the store's file, which holds the settings. */
static llmcs_status prune_all(shop_connection *c, shop_connection *settings, const llmcs_shop_forget_params *params,
                              int64_t now, shop_report *report) {
    for (size_t i = 0; i < shop_n_personal_tables; i++) {
        const shop_personal_table *t = &shop_personal_tables[i];
        int64_t days;
        uint64_t n;
        if (!t->prune || (c->driver && !shop_personal_is_shared(t->table))) continue;
        SHOP_TRY(read_days(settings, t->days_of ? t->days_of : t->table, &days));
        if (!days) continue;
        const int64_t before = now - days * DAY;
        if (!strcmp(t->table, "audit")) {
            SHOP_TRY(shop_audit_prune(c, before, &n));
        } else {
            SHOP_TRY(shop_change(c, t->prune, "i", before));
            n = (uint64_t)shop_changes(c);
        }
        shop_report_add(report, t->table, "deleted", NULL, n);
    }
    report->shown.known = report->shown.n_items > 0;
    if (!report->shown.known) return LLMCS_OK;
    SHOP_TRY(shop_personal_tidy(c));
    char *detail = shop_report_json(report);
    if (!detail) return shop_fail(LLMCS_NOMEM, "report: no memory");
    const llmcs_status status =
        shop_audit_append(c, llmcs_shop_role_name(params->role), params->actor, "retention", "", detail);
    sqlite3_free(detail);
    return status;
}

static llmcs_status prune_server(llmcs_shop *shop, const llmcs_shop_forget_params *params, int64_t now,
                                 shop_report *report) {
    shop_connection *server, *settings;
    SHOP_TRY(shop_read_begin(shop, &settings));
    llmcs_status status = shop_shared_write_alone(shop, &server);
    if (!status) status = shop_shared_write_end(shop, server, prune_all(server, settings, params, now, report));
    shop_read_end(shop, settings);
    return status;
}

llmcs_status llmcs_shop_apply_retention(llmcs_shop *shop, int64_t now, const llmcs_shop_forget_params *params,
                                        llmcs_shop_forgotten **report) {
    SHOP_PUBLIC_CALL;
    llmcs_shop_forget_params p;
    shop_connection *c;
    shop_report *r;
    if (!report) return shop_fail(LLMCS_ARG, "report is NULL");
    *report = NULL;
    SHOP_TRY(shop_check(shop));
    SHOP_TRY(shop_forget_params(params, &p));
    if (p.role == LLMCS_SHOP_CUSTOMER)
        return shop_fail(LLMCS_STATE, "role customer: retention affects all customers: use the role supervisor");
    if (now < 0 || now > INT64_MAX / 2) return shop_fail(LLMCS_ARG, "now: %lld is not valid", (long long)now);
    SHOP_TRY(shop_report_create(&shop->allocator, &r));
    if (!now) now = (int64_t)time(NULL);
    llmcs_status status = shop_write_begin(shop, &c);
    if (!status) status = shop_write_end(shop, c, prune_all(c, c, &p, now, r));
    if (!status && shop->shared) status = prune_server(shop, &p, now, r);
    return shop_report_finish(shop, status, r, report);
}
