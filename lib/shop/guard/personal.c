/* Lists all tables, and how forgetting a customer and retention affect each of them. */
#include "shop/guard/personal.h"

#include <string.h>

/* Includes what the customer said before logging in. */
#define CUSTOMERS_CONVERSATIONS " UNION SELECT id FROM conversations WHERE customer = ?1"
#define OF_THE_CUSTOMER                                                                                             \
    " WHERE customer = ?1 OR (customer IS NULL AND conversation IN (SELECT id FROM conversations WHERE customer = " \
    "?1))"
#define TAX_LAW "tax law requires orders to be kept"

const shop_personal_table shop_personal_tables[] = {
    /* Decisions in conversations of the customer, or with a name, suggestion or feedback of the customer. */
    {"decisions", "deleted", NULL, SHOP_ERASE_BY_ID,
     "DELETE FROM decisions WHERE conversation IN (SELECT conversation FROM names WHERE owner = 'customer/' || ?1)",
     "DELETE FROM decisions WHERE time < ?1", NULL},
    {"decisions", "deleted", NULL, SHOP_ERASE_BY_ROW,
     "DELETE FROM decisions WHERE conversation IN (SELECT conversation FROM suggestions WHERE customer = ?1"
     " UNION SELECT conversation FROM feedback WHERE customer = ?1" CUSTOMERS_CONVERSATIONS ")",
     NULL, NULL},
    {"suggestions", "deleted", NULL, SHOP_ERASE_BY_ROW, "DELETE FROM suggestions" OF_THE_CUSTOMER,
     "DELETE FROM suggestions WHERE time < ?1", NULL},
    {"vectors", "deleted", NULL, SHOP_ERASE_BY_ROW,
     "DELETE FROM vectors WHERE source = 'feedback' AND row IN (SELECT row FROM feedback" OF_THE_CUSTOMER ")",
     "DELETE FROM vectors WHERE source = 'feedback' AND row IN (SELECT row FROM feedback WHERE time < ?1)", "feedback"},
    {"reply_words", "deleted", NULL, SHOP_ERASE_BY_ROW,
     "DELETE FROM reply_words WHERE rowid IN (SELECT row FROM feedback" OF_THE_CUSTOMER ")",
     "DELETE FROM reply_words WHERE rowid IN (SELECT row FROM feedback WHERE time < ?1)", "feedback"},
    {"feedback", "deleted", NULL, SHOP_ERASE_BY_ROW, "DELETE FROM feedback" OF_THE_CUSTOMER,
     "DELETE FROM feedback WHERE time < ?1", NULL},
    {"turns", "deleted", NULL, SHOP_ERASE_BY_ROW,
     "DELETE FROM turns WHERE conversation IN (SELECT row FROM conversations WHERE customer = ?1)",
     "DELETE FROM turns WHERE time < ?1", NULL},
    {"actions", "deleted", NULL, SHOP_ERASE_BY_ROW,
     "DELETE FROM actions WHERE customer = ?1 OR conversation IN (SELECT row FROM conversations WHERE customer = ?1)",
     "DELETE FROM actions WHERE time < ?1", NULL},
    {"names", "deleted", NULL, SHOP_ERASE_BY_ROW,
     "DELETE FROM names WHERE conversation IN (SELECT id FROM conversations WHERE customer = ?1)", NULL, NULL},
    {"keys", "deleted", NULL, SHOP_ERASE_BY_ROW,
     "DELETE FROM keys WHERE owner IN (SELECT 'conversation/' || id FROM conversations WHERE customer = ?1)", NULL,
     NULL},
    {"conversations", "deleted", NULL, SHOP_ERASE_BY_ROW, "DELETE FROM conversations WHERE customer = ?1",
     "DELETE FROM conversations WHERE time < ?1", NULL},
    {"names", "deleted", NULL, SHOP_ERASE_BY_ID, "DELETE FROM names WHERE owner = 'customer/' || ?1",
     "DELETE FROM names WHERE time < ?1", NULL},
    {"keys", "deleted", NULL, SHOP_ERASE_BY_ID, "DELETE FROM keys WHERE owner = 'customer/' || ?1",
     /* keys of conversations without a customer, once they have no values */
     "DELETE FROM keys WHERE owner >= 'conversation/' AND owner < 'conversation0' AND created < ?1"
     " AND NOT EXISTS(SELECT 1 FROM names WHERE names.owner = keys.owner)",
     "names"},
    {"events", "deleted", NULL, SHOP_ERASE_BY_ROW, "DELETE FROM events WHERE customer = ?1",
     "DELETE FROM events WHERE time < ?1", NULL},
    {"order_items", "kept", TAX_LAW, SHOP_ERASE_BY_ROW,
     "SELECT count(*) FROM order_items WHERE order_row IN (SELECT row FROM orders WHERE customer = ?1)",
     "DELETE FROM order_items WHERE order_row IN (SELECT row FROM orders WHERE time < ?1)", "orders"},
    {"orders", "pseudonymised", TAX_LAW "; city and tracking number are erased", SHOP_ERASE_BY_ROW,
     "UPDATE orders SET city = NULL, tracking = NULL WHERE customer = ?1", "DELETE FROM orders WHERE time < ?1", NULL},
    {"customers", "deleted", NULL, SHOP_ERASE_BY_ROW,
     "DELETE FROM customers WHERE row = ?1 AND NOT EXISTS(SELECT 1 FROM orders WHERE orders.customer = customers.row)",
     NULL, NULL},
    {"customers", "pseudonymised", "orders refer to it; a random name takes the place of the id", SHOP_ERASE_RENAME,
     "UPDATE customers SET id = ?2, name = NULL, lang = NULL, since = NULL WHERE row = ?1", NULL, NULL},
    {.table = "audit", .prune = ""}, /* holds aliases; shop_audit_prune */
    {.table = "audit_heads"},
    {.table = "budgets"},
    {.table = "settings"},
    {.table = "products"},
    {.table = "product_texts"},
    {.table = "entries"},
    {.table = "texts"},
    {.table = "text_words"},
    {.table = "word_counts"},
    {.table = "models"},
    {.table = "deployments"},
    {.table = "test_sets"},
    {.table = "comparisons"},
    {.table = "arms"},
};
const size_t shop_n_personal_tables = sizeof shop_personal_tables / sizeof *shop_personal_tables;

static bool is_listed(const char *table) {
    if (!strncmp(table, "text_words_", 11) || !strncmp(table, "reply_words_", 12)) return true; /* FTS5's own */
    for (size_t i = 0; i < shop_n_personal_tables; i++)
        if (!strcmp(shop_personal_tables[i].table, table)) return true;
    return false;
}

llmcs_status shop_personal_tidy(shop_connection *c) {
    if (c->driver) return LLMCS_OK;
    return shop_change(c, "INSERT INTO reply_words(reply_words) VALUES('optimize')", "");
}

bool shop_personal_is_shared(const char *table) {
    static const char *const shared[] = {"customers", "orders", "order_items", "conversations", "turns", "actions",
                                         "keys",      "names",  "audit",       "audit_heads",   NULL};
    for (size_t i = 0; shared[i]; i++)
        if (!strcmp(shared[i], table)) return true;
    return false;
}

llmcs_status shop_personal_check(shop_connection *c) {
    shop_query q;
    llmcs_status status;
    SHOP_TRY(shop_query_begin(c, &q,
                              c->driver ? "SELECT tablename::text FROM pg_tables WHERE schemaname = 'llmcs'"
                                          " AND tablename <> 'migrations'"
                                        : "SELECT name FROM sqlite_schema WHERE type = 'table'"
                                          " AND name NOT LIKE 'sqlite!_%' ESCAPE '!'",
                              ""));
    while (!(status = shop_query_next(&q)) && q.has_row) {
        size_t n;
        const char *table = shop_query_text(&q, 0, &n);
        if (is_listed(table)) continue;
        status = shop_fail(LLMCS_INTERNAL,
                           "%s: table %s is not in lib/shop/guard/personal.c, which says how its rows are erased",
                           c->path, table);
        break;
    }
    shop_query_end(&q);
    return status;
}
