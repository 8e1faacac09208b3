/* The history of a customer. */
#include "shop/recommend/history.h"

#include <math.h>
#include <string.h>

static const double seconds_a_day = 86400;

static double weight_of(const llmcs_shop_recommend_params *params, const char *type) {
    for (size_t i = 0; i < params->n_event_weights; i++)
        if (!strcmp(type, params->event_weights[i].type)) return params->event_weights[i].weight;
    return shop_event_weight(type);
}

/* Returns the behaviour with the item; adds it if there is none. */
static llmcs_status find_behaviour(shop_history *h, uint32_t item, shop_behaviour **found) {
    for (size_t i = 0; i < h->n; i++)
        if (h->items[i].item == item) {
            *found = &h->items[i];
            return LLMCS_OK;
        }
    SHOP_TRY(shop_grow(h->allocator, &h->items, h->n, &h->capacity, h->n + 1, sizeof *h->items, "history"));
    *found = &h->items[h->n++];
    **found = (shop_behaviour){.item = item, .strongest = -INFINITY};
    return LLMCS_OK;
}

/* Reads rows (product, type, time), newest first. latest: time of the newest event, set by the first row. */
static llmcs_status add_events(shop_history *h, const shop_catalog *catalog, shop_query *q,
                               const llmcs_shop_recommend_params *params, int64_t *latest) {
    llmcs_status status;
    while (!(status = shop_query_next(q)) && q->has_row) {
        size_t n;
        shop_behaviour *b;
        const uint32_t item = shop_row_map_find(&catalog->rows, shop_query_int(q, 0));
        const char *type = shop_query_text(q, 1, &n);
        const int64_t time = shop_query_int(q, 2);
        const double weight = weight_of(params, type);
        if (item == SHOP_NO_NUMBER) continue;
        if (*latest == INT64_MIN) *latest = time;
        if ((status = find_behaviour(h, item, &b))) break;
        const double days = fmax(0, ((double)*latest - (double)time) / seconds_a_day);
        b->weight += weight * exp2(-days / params->half_life_days);
        b->bought = b->bought || shop_event_buys(type);
        if (weight <= b->strongest) continue;
        b->strongest = weight;
        sqlite3_snprintf(sizeof b->event, b->event, "%s", type);
    }
    shop_query_end(q);
    return status;
}

/* Sorts by weight, descending; equal weights by item. */
static void sort_behaviours(shop_history *h) {
    for (size_t i = 1; i < h->n; i++) { /* at most SHOP_MAX_EVENTS */
        const shop_behaviour b = h->items[i];
        size_t j = i;
        for (; j && (fabs(h->items[j - 1].weight) < fabs(b.weight) ||
                     (!(fabs(h->items[j - 1].weight) > fabs(b.weight)) && h->items[j - 1].item > b.item));
             j--)
            h->items[j] = h->items[j - 1];
        h->items[j] = b;
    }
}

llmcs_status shop_history_read(shop_history *h, const shop_catalog *catalog, shop_connection *c,
                               const llmcs_shop_recommend_params *params) {
    shop_query q;
    size_t n;
    int64_t latest = INT64_MIN;
    SHOP_TRY(shop_query_begin(c, &q, "SELECT row, lang FROM customers WHERE id = ?1", "s", params->customer));
    SHOP_TRY(shop_query_next(&q));
    const int64_t customer = q.has_row ? shop_query_int(&q, 0) : -1;
    if (q.has_row) sqlite3_snprintf(sizeof h->lang, h->lang, "%s", shop_query_text(&q, 1, &n));
    shop_query_end(&q);
    if (customer < 0) return LLMCS_OK;
    SHOP_TRY(shop_query_begin(c, &q,
                              "SELECT product, type, time FROM events WHERE customer = ?1"
                              " ORDER BY time DESC, row DESC LIMIT ?2",
                              "ii", customer, (int64_t)SHOP_MAX_EVENTS));
    SHOP_TRY(add_events(h, catalog, &q, params, &latest));
    /* Orders without a purchase event. */
    SHOP_TRY(shop_query_begin(
        c, &q,
        "SELECT p.row, 'purchase', o.time FROM orders o JOIN order_items i ON i.order_row = o.row"
        " JOIN products p ON p.id = i.item WHERE o.customer = ?1 AND NOT EXISTS (SELECT 1 FROM events e"
        " WHERE e.customer = ?1 AND e.product = p.row AND e.type IN ('buy', 'purchase'))"
        " ORDER BY o.time DESC, o.row DESC, i.position LIMIT ?2",
        "ii", customer, (int64_t)SHOP_MAX_EVENTS));
    SHOP_TRY(add_events(h, catalog, &q, params, &latest));
    sort_behaviours(h);
    return LLMCS_OK;
}

llmcs_status shop_history_of_item(shop_history *h, uint32_t item) {
    shop_behaviour *b;
    SHOP_TRY(find_behaviour(h, item, &b));
    b->weight = b->strongest = 1;
    return LLMCS_OK;
}

void shop_history_free(shop_history *h) {
    shop_free(h->allocator, h->items);
    h->items = NULL;
    h->n = h->capacity = 0;
}
