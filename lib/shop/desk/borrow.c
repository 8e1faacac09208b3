/* Copies the rows of one customer from the server and writes changed rows back. */
#include "shop/desk/borrow.h"

#include <string.h>

enum { MAX_ORDERS = 10000 };

llmcs_status desk_borrow_init(shop_connection *c) {
    return shop_execute(
        c,
        "CREATE TEMP TABLE customers(row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT, lang TEXT,"
        " since INTEGER);"
        "CREATE TEMP TABLE orders(row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, customer INTEGER NOT NULL,"
        " status TEXT NOT NULL, time INTEGER NOT NULL, total REAL NOT NULL, currency TEXT, carrier TEXT, tracking TEXT,"
        " city TEXT);"
        "CREATE TEMP TABLE order_items(order_row INTEGER NOT NULL, position INTEGER NOT NULL, item TEXT NOT NULL,"
        " quantity INTEGER NOT NULL, price REAL NOT NULL, PRIMARY KEY(order_row, position))",
        "tables for the server's rows cannot be made");
}

llmcs_status desk_borrow_end(shop_connection *c) {
    return shop_execute(c, "DELETE FROM temp.customers; DELETE FROM temp.orders; DELETE FROM temp.order_items",
                        "tables for the server's rows cannot be emptied");
}

/* ---- reading */

/* The text of a column, or NULL. */
typedef struct text {
    const char *bytes;
    size_t n;
} text;

static text text_of(const shop_query *q, int column) {
    text t = {NULL, 0};
    if (shop_query_is_null(q, column)) return t;
    t.bytes = shop_query_text(q, column, &t.n);
    return t;
}

static llmcs_status put_customer(shop_connection *c, const shop_query *q) {
    const text id = text_of(q, 1), name = text_of(q, 2), lang = text_of(q, 3);
    const int64_t row = shop_query_int(q, 0), since = shop_query_int(q, 4);
    return shop_query_is_null(q, 4) ? shop_change(c, "INSERT INTO temp.customers VALUES(?1, ?2, ?3, ?4, NULL)", "ittt",
                                                  row, id.bytes, id.n, name.bytes, name.n, lang.bytes, lang.n)
                                    : shop_change(c, "INSERT INTO temp.customers VALUES(?1, ?2, ?3, ?4, ?5)", "ittti",
                                                  row, id.bytes, id.n, name.bytes, name.n, lang.bytes, lang.n, since);
}

static llmcs_status put_order(shop_connection *c, const shop_query *q) {
    const text id = text_of(q, 1), state = text_of(q, 3), currency = text_of(q, 6), carrier = text_of(q, 7);
    const text tracking = text_of(q, 8), city = text_of(q, 9);
    return shop_change(c, "INSERT INTO temp.orders VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)", "ititidtttt",
                       shop_query_int(q, 0), id.bytes, id.n, shop_query_int(q, 2), state.bytes, state.n,
                       shop_query_int(q, 4), shop_query_double(q, 5), currency.bytes, currency.n, carrier.bytes,
                       carrier.n, tracking.bytes, tracking.n, city.bytes, city.n);
}

static llmcs_status put_item(shop_connection *c, const shop_query *q) {
    const text item = text_of(q, 2);
    return shop_change(c, "INSERT INTO temp.order_items VALUES(?1, ?2, ?3, ?4, ?5)", "iitid", shop_query_int(q, 0),
                       shop_query_int(q, 1), item.bytes, item.n, shop_query_int(q, 3), shop_query_double(q, 4));
}

static llmcs_status copy_rows(shop_connection *c, shop_connection *server, const char *sql, int64_t customer,
                              llmcs_status (*put)(shop_connection *, const shop_query *), size_t most) {
    shop_query q;
    size_t n = 0;
    llmcs_status status;
    SHOP_TRY(shop_query_begin(server, &q, sql, "i", customer));
    while (!(status = shop_query_next(&q)) && q.has_row) {
        status = n++ < most ? put(c, &q)
                            : shop_fail(LLMCS_LIMIT, "%s: the customer has more than %lld orders", server->path,
                                        (long long)most);
        if (status) break;
    }
    shop_query_end(&q);
    return status;
}

#define ORDERS                                                                                     \
    "SELECT row, id, customer, status, time, total, currency, carrier, tracking, city FROM orders" \
    " WHERE customer = ?1 ORDER BY row LIMIT 10001"
_Static_assert(MAX_ORDERS == 10000, "the limit above is one more");
#define CUSTOMER "SELECT row, id, name, lang, since FROM customers WHERE row = ?1"
#define ITEMS                                                                                                 \
    "SELECT i.order_row, i.position, i.item, i.quantity, i.price FROM order_items i JOIN orders o ON o.row =" \
    " i.order_row WHERE o.customer = ?1 ORDER BY i.order_row, i.position"

llmcs_status desk_borrow(shop_connection *c, shop_connection *server, unsigned tables, int64_t customer, bool lock) {
    SHOP_TRY(desk_borrow_end(c)); /* the previous call may have failed */
    if (customer < 0) return LLMCS_OK;
    if (tables & DESK_BORROW_CUSTOMERS)
        SHOP_TRY(copy_rows(c, server, lock ? CUSTOMER " FOR UPDATE" : CUSTOMER, customer, put_customer, 1));
    /* Lock the orders first: every writer of items locks their order. */
    if (tables & (DESK_BORROW_ORDERS | DESK_BORROW_ITEMS))
        SHOP_TRY(copy_rows(c, server, lock ? ORDERS " FOR UPDATE" : ORDERS, customer, put_order, MAX_ORDERS));
    if (tables & DESK_BORROW_ITEMS) SHOP_TRY(copy_rows(c, server, ITEMS, customer, put_item, SIZE_MAX));
    return LLMCS_OK;
}

/* ---- writing */

static void note(void *user, int operation, const char *schema, const char *table, sqlite3_int64 row) {
    desk_changes *changes = user;
    (void)schema;
    if (changes->n < DESK_MAX_CHANGES) {
        changes->rows[changes->n].table = strcmp(table, "order_items") ? table[0] : 'i';
        changes->rows[changes->n].inserted = operation == SQLITE_INSERT;
        changes->rows[changes->n].row = row;
    }
    changes->n++;
}

void desk_borrow_watch(shop_connection *c, desk_changes *changes) {
    if (changes) changes->n = 0;
    sqlite3_update_hook(c->db, changes ? note : NULL, changes);
}

static llmcs_status return_customer(shop_connection *server, const shop_query *q, int64_t customer, bool inserted) {
    const text name = text_of(q, 2), lang = text_of(q, 3);
    server->n_changed = 0;
    if (inserted || shop_query_int(q, 0) != customer) return LLMCS_OK;
    return shop_change(server, "UPDATE customers SET name = ?2, lang = ?3, since = nullif(?4, 0) WHERE row = ?1",
                       "itti", customer, name.bytes, name.n, lang.bytes, lang.n, shop_query_int(q, 4));
}

static llmcs_status return_order(shop_connection *server, const shop_query *q, int64_t customer, bool inserted) {
    const text id = text_of(q, 1), state = text_of(q, 3), currency = text_of(q, 6), carrier = text_of(q, 7);
    const text tracking = text_of(q, 8), city = text_of(q, 9);
    server->n_changed = 0;
    if (shop_query_int(q, 2) != customer) return LLMCS_OK;
    if (inserted)
        return shop_change(server,
                           "INSERT INTO orders(id, customer, status, time, total, currency, carrier, tracking, city)"
                           " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT(id) DO NOTHING",
                           "titidtttt", id.bytes, id.n, customer, state.bytes, state.n, shop_query_int(q, 4),
                           shop_query_double(q, 5), currency.bytes, currency.n, carrier.bytes, carrier.n,
                           tracking.bytes, tracking.n, city.bytes, city.n);
    return shop_change(server,
                       "UPDATE orders SET status = ?3, time = ?4, total = ?5, currency = ?6, carrier = ?7,"
                       " tracking = ?8, city = ?9 WHERE row = ?1 AND customer = ?2",
                       "iitidtttt", shop_query_int(q, 0), customer, state.bytes, state.n, shop_query_int(q, 4),
                       shop_query_double(q, 5), currency.bytes, currency.n, carrier.bytes, carrier.n, tracking.bytes,
                       tracking.n, city.bytes, city.n);
}

/* Items are identified by order and position, and an UPDATE may change the position. So all items of the order are
 * replaced. */
static llmcs_status return_items(shop_connection *c, shop_connection *server, const shop_query *q, int64_t customer) {
    shop_query items;
    int64_t own;
    llmcs_status status;
    const int64_t order = shop_query_int(q, 0);
    server->n_changed = 0;
    SHOP_TRY(shop_lookup_int(server, 0, &own, "SELECT count(*) FROM orders WHERE row = ?1 AND customer = ?2", "ii",
                             order, customer));
    server->n_changed = 0;
    if (!own) return LLMCS_OK;
    SHOP_TRY(shop_change(server, "DELETE FROM order_items WHERE order_row = ?1", "i", order));
    SHOP_TRY(shop_query_begin(
        c, &items, "SELECT position, item, quantity, price FROM temp.order_items WHERE order_row = ?1", "i", order));
    while (!(status = shop_query_next(&items)) && items.has_row) {
        const text item = text_of(&items, 1);
        status = shop_change(server,
                             "INSERT INTO order_items(order_row, position, item, quantity, price)"
                             " VALUES(?1, ?2, ?3, ?4, ?5)",
                             "iitid", order, shop_query_int(&items, 0), item.bytes, item.n, shop_query_int(&items, 2),
                             shop_query_double(&items, 3));
        if (status) break;
    }
    shop_query_end(&items);
    server->n_changed = !status;
    return status;
}

static llmcs_status return_row(shop_connection *c, shop_connection *server, int64_t customer, char table, bool inserted,
                               int64_t row, bool *done) {
    static const char customers[] = "SELECT row, id, name, lang, since FROM temp.customers WHERE row = ?1";
    static const char orders[] =
        "SELECT row, id, customer, status, time, total, currency, carrier, tracking, city"
        " FROM temp.orders WHERE row = ?1";
    static const char items[] = "SELECT order_row FROM temp.order_items WHERE rowid = ?1";
    shop_query q;
    SHOP_TRY(shop_query_begin(c, &q, table == 'c' ? customers : table == 'o' ? orders : items, "i", row));
    llmcs_status status = shop_query_next(&q);
    if (status) return status;
    server->n_changed = 0;
    if (q.has_row)
        status = table == 'c'   ? return_customer(server, &q, customer, inserted)
                 : table == 'o' ? return_order(server, &q, customer, inserted)
                                : return_items(c, server, &q, customer);
    *done = !status && server->n_changed == 1;
    shop_query_end(&q);
    return status;
}

llmcs_status desk_borrow_return(shop_connection *c, shop_connection *server, int64_t customer,
                                const desk_changes *changes, bool *done) {
    *done = changes->n > 0 && changes->n <= DESK_MAX_CHANGES;
    for (size_t i = 0; i < changes->n && *done; i++)
        SHOP_TRY(return_row(c, server, customer, changes->rows[i].table, changes->rows[i].inserted,
                            changes->rows[i].row, done));
    return LLMCS_OK;
}
