/* Stores products, customers, events and orders. Each row is fully checked before its first statement, so a refused row
 * leaves no trace. */
#include <math.h>
#include <string.h>

#include "shop/base/options.h"
#include "shop/store/rows.h"
#include "shop/store/vectors.h"

enum { MAX_LANGS = 64, MAX_ORDER_ITEMS = 1000 };

static llmcs_status check_amount(const char *what, double x) {
    return x >= 0 && x <= 1e15 ? LLMCS_OK : shop_fail(LLMCS_ARG, "%s: %g is not valid (0 to 1e15)", what, x);
}

static llmcs_status check_word(const char *what, const char *word) {
    return shop_check_text(what, word, 0, SHOP_WORD_BYTES);
}

/* ---- products */

static llmcs_status check_product_text(shop_connection *c, const llmcs_shop_product *p, size_t i) {
    const llmcs_shop_product_text *t = &p->texts[i];
    SHOP_TRY(shop_check_lang(t->lang));
    for (size_t j = 0; j < i; j++)
        if (!strcmp(t->lang, p->texts[j].lang)) return shop_fail(LLMCS_ARG, "lang: \"%s\" occurs twice", t->lang);
    SHOP_TRY(shop_check_text("title", t->title, 1, SHOP_WORD_BYTES));
    SHOP_TRY(shop_check_text("description", t->description, 0, SHOP_TEXT_BYTES));
    SHOP_TRY(shop_check_text("attributes", t->attributes, 0, SHOP_TEXT_BYTES));
    return shop_check_json_object(c, "attributes", t->attributes);
}

static llmcs_status check_product(shop_connection *c, const llmcs_shop_product *p) {
    SHOP_TRY(shop_check_id("id", p->id));
    if (!p->n_texts || p->n_texts > MAX_LANGS || !p->texts)
        return shop_fail(LLMCS_ARG, "n_texts: %lld is not valid (1 to %d)", (long long)p->n_texts, MAX_LANGS);
    for (size_t i = 0; i < p->n_texts; i++) SHOP_TRY(check_product_text(c, p, i));
    SHOP_TRY(check_word("category", p->category));
    SHOP_TRY(check_word("brand", p->brand));
    SHOP_TRY(check_amount("price", p->price));
    return shop_check_text("currency", p->currency, 0, 10);
}

/* Whether the product has exactly these texts. */
static llmcs_status has_texts(shop_connection *c, const llmcs_shop_product *p, int64_t row, bool *same) {
    int64_t n;
    SHOP_TRY(shop_lookup_int(c, 0, &n, "SELECT count(*) FROM product_texts WHERE product = ?1", "i", row));
    *same = (size_t)n == p->n_texts;
    for (size_t i = 0; *same && i < p->n_texts; i++) {
        const llmcs_shop_product_text *t = &p->texts[i];
        SHOP_TRY(shop_lookup_int(c, 0, &n,
                                 "SELECT title = ?3 AND description IS ?4 AND attributes IS ?5 FROM product_texts"
                                 " WHERE product = ?1 AND lang = ?2",
                                 "issss", row, t->lang, t->title, t->description, t->attributes));
        *same = n;
    }
    return LLMCS_OK;
}

static llmcs_status store_product_texts(shop_connection *c, const llmcs_shop_product *p, int64_t row) {
    SHOP_TRY(shop_change(c,
                         "DELETE FROM vectors WHERE source = 'product_texts'"
                         " AND row IN (SELECT row FROM product_texts WHERE product = ?1)",
                         "i", row));
    SHOP_TRY(shop_change(c, "DELETE FROM product_texts WHERE product = ?1", "i", row));
    for (size_t i = 0; i < p->n_texts; i++)
        SHOP_TRY(shop_change(c,
                             "INSERT INTO product_texts(product, lang, title, description, attributes)"
                             " VALUES(?1, ?2, ?3, ?4, ?5)",
                             "issss", row, p->texts[i].lang, p->texts[i].title, p->texts[i].description,
                             p->texts[i].attributes));
    return LLMCS_OK;
}

static llmcs_status store_product(shop_connection *c, const llmcs_shop_product *p, const char *tags, int64_t change) {
    int64_t row;
    bool same;
    SHOP_TRY(shop_lookup_int(c, 0, &row,
                             "INSERT INTO products(id, category, brand, price, currency, stock, tags, changed)"
                             " VALUES(?1, ?2, ?3, ?4, ?5, CASE WHEN ?6 < 0 THEN NULL ELSE ?6 END, ?7, ?8)"
                             " ON CONFLICT(id) DO UPDATE SET category = ?2, brand = ?3, price = ?4, currency = ?5,"
                             " stock = excluded.stock, tags = ?7, changed = ?8 RETURNING row",
                             "sssdsisi", p->id, p->category, p->brand, p->price, p->currency, p->stock, tags, change));
    /* If only price or stock changed, keep the texts' rows and vectors: nothing is embedded again. */
    SHOP_TRY(has_texts(c, p, row, &same));
    return same ? LLMCS_OK : store_product_texts(c, p, row);
}

static llmcs_status put_product(llmcs_shop *shop, shop_connection *c, const void *item, int64_t change) {
    llmcs_shop_product p = {.struct_size = sizeof p};
    char *tags;
    SHOP_TRY(shop_options_in(&p, sizeof p, SHOP_SIZE_UP_TO(llmcs_shop_product, n_tags), item, "llmcs_shop_product"));
    SHOP_TRY(check_product(c, &p));
    SHOP_TRY(shop_tags_json(&shop->allocator, p.tags, p.n_tags, &tags));
    const llmcs_status status = store_product(c, &p, tags, change);
    shop_free(&shop->allocator, tags);
    return status;
}

llmcs_status llmcs_shop_put_products(llmcs_shop *shop, const llmcs_shop_product *const *products, size_t n,
                                     llmcs_shop_refused_fn refused, void *user, size_t *n_stored) {
    SHOP_PUBLIC_CALL;
    SHOP_TRY(shop_put_rows(shop, "product", (const void *const *)products, n, put_product, refused, user, n_stored));
    return shop_vectors_make_missing(shop, true, NULL, NULL);
}

/* ---- customers */

static llmcs_status put_customer(llmcs_shop *shop, shop_connection *c, const void *item, int64_t change) {
    llmcs_shop_customer p = {.struct_size = sizeof p};
    (void)shop;
    (void)change;
    SHOP_TRY(shop_options_in(&p, sizeof p, SHOP_SIZE_UP_TO(llmcs_shop_customer, since), item, "llmcs_shop_customer"));
    SHOP_TRY(shop_check_id("id", p.id));
    SHOP_TRY(check_word("name", p.name));
    if (p.lang) SHOP_TRY(shop_check_lang(p.lang));
    return shop_change(c,
                       "INSERT INTO customers(id, name, lang, since) VALUES(?1, ?2, ?3, nullif(?4, 0))"
                       " ON CONFLICT(id) DO UPDATE SET name = ?2, lang = ?3, since = nullif(?4, 0)",
                       "sssi", p.id, p.name, p.lang, p.since);
}

llmcs_status llmcs_shop_put_customers(llmcs_shop *shop, const llmcs_shop_customer *const *customers, size_t n,
                                      llmcs_shop_refused_fn refused, void *user, size_t *n_stored) {
    SHOP_PUBLIC_CALL;
    return shop_put_shared_rows(shop, "customer", (const void *const *)customers, n, put_customer, refused, user,
                                n_stored);
}

/* ---- events */

static llmcs_status put_event(llmcs_shop *shop, shop_connection *c, const void *item, int64_t change) {
    llmcs_shop_event e = {.struct_size = sizeof e};
    int64_t customer, product;
    (void)shop;
    (void)change;
    SHOP_TRY(shop_options_in(&e, sizeof e, SHOP_SIZE_UP_TO(llmcs_shop_event, time), item, "llmcs_shop_event"));
    SHOP_TRY(shop_check_id("customer", e.customer));
    SHOP_TRY(shop_check_id("item", e.item));
    SHOP_TRY(shop_check_name("type", e.type, 1));
    SHOP_TRY(shop_lookup_int(c, -1, &product, "SELECT row FROM products WHERE id = ?1", "s", e.item));
    if (product < 0)
        return shop_fail(LLMCS_ARG, "item: \"%.60s\" is not a product in the store: add products first", e.item);
    SHOP_TRY(shop_customer_row(c, e.customer, &customer));
    return shop_change(c, "INSERT OR IGNORE INTO events(customer, product, type, time) VALUES(?1, ?2, ?3, ?4)", "iisi",
                       customer, product, e.type, e.time);
}

llmcs_status llmcs_shop_put_events(llmcs_shop *shop, const llmcs_shop_event *const *events, size_t n,
                                   llmcs_shop_refused_fn refused, void *user, size_t *n_stored) {
    SHOP_PUBLIC_CALL;
    return shop_put_rows(shop, "event", (const void *const *)events, n, put_event, refused, user, n_stored);
}

/* ---- orders */

static llmcs_status check_order(const llmcs_shop_order *o, double *total) {
    double sum = 0;
    SHOP_TRY(shop_check_id("id", o->id));
    SHOP_TRY(shop_check_id("customer", o->customer));
    SHOP_TRY(shop_check_name("status", o->status, 1));
    if (!o->n_items || o->n_items > MAX_ORDER_ITEMS || !o->items)
        return shop_fail(LLMCS_ARG, "n_items: %lld is not valid (1 to %d)", (long long)o->n_items, MAX_ORDER_ITEMS);
    for (size_t i = 0; i < o->n_items; i++) {
        const llmcs_shop_order_item *item = &o->items[i];
        SHOP_TRY(shop_check_id("item", item->item));
        SHOP_TRY(check_amount("price", item->price));
        if (item->quantity < 1 || item->quantity > 1000000)
            return shop_fail(LLMCS_ARG, "quantity: %lld is not valid (1 to 1000000)", (long long)item->quantity);
        sum += (double)item->quantity * item->price;
    }
    if (isnan(o->total)) return shop_fail(LLMCS_ARG, "total is not a number");
    *total = o->total < 0 ? sum : o->total;
    SHOP_TRY(check_amount("total", *total));
    SHOP_TRY(shop_check_text("currency", o->currency, 0, 10));
    SHOP_TRY(check_word("carrier", o->carrier));
    SHOP_TRY(check_word("tracking", o->tracking));
    return check_word("city", o->city);
}

static llmcs_status put_order(llmcs_shop *shop, shop_connection *c, const void *item, int64_t change) {
    llmcs_shop_order o = {.struct_size = sizeof o};
    int64_t customer, row;
    double total;
    (void)shop;
    (void)change;
    SHOP_TRY(shop_options_in(&o, sizeof o, SHOP_SIZE_UP_TO(llmcs_shop_order, city), item, "llmcs_shop_order"));
    SHOP_TRY(check_order(&o, &total));
    SHOP_TRY(shop_customer_row(c, o.customer, &customer));
    SHOP_TRY(shop_lookup_int(
        c, 0, &row,
        "INSERT INTO orders(id, customer, status, time, total, currency, carrier, tracking, city)"
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT(id) DO UPDATE SET customer = ?2, status = ?3,"
        " time = ?4, total = ?5, currency = ?6, carrier = ?7, tracking = ?8, city = ?9 RETURNING row",
        "sisidssss", o.id, customer, o.status, o.time, total, o.currency, o.carrier, o.tracking, o.city));
    SHOP_TRY(shop_change(c, "DELETE FROM order_items WHERE order_row = ?1", "i", row));
    for (size_t i = 0; i < o.n_items; i++)
        SHOP_TRY(shop_change(c,
                             "INSERT INTO order_items(order_row, position, item, quantity, price)"
                             " VALUES(?1, ?2, ?3, ?4, ?5)",
                             "iisid", row, (int64_t)i, o.items[i].item, o.items[i].quantity, o.items[i].price));
    return LLMCS_OK;
}

llmcs_status llmcs_shop_put_orders(llmcs_shop *shop, const llmcs_shop_order *const *orders, size_t n,
                                   llmcs_shop_refused_fn refused, void *user, size_t *n_stored) {
    SHOP_PUBLIC_CALL;
    return shop_put_shared_rows(shop, "order", (const void *const *)orders, n, put_order, refused, user, n_stored);
}
