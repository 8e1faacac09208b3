/* Figures of the last days, exact or with noise. */
#include <stdlib.h>
#include <string.h>

#include "shop.h"

static json_t *figures_json(const llmcs_shop_dashboard *d) {
    json_t *groups = json_object();
    for (size_t i = 0; i < d->n_figures; i++) {
        const llmcs_shop_figure *f = d->figures[i];
        json_t *group = json_object_get(groups, f->group);
        if (!group) {
            json_object_set_new(groups, f->group, json_object());
            group = json_object_get(groups, f->group);
        }
        json_object_set_new(group, f->name, json_integer(f->n));
    }
    return groups;
}

static json_t *days_json(const llmcs_shop_dashboard *d) {
    json_t *days = json_array();
    for (size_t i = 0; i < d->n_days; i++) {
        const llmcs_shop_day *day = d->days[i];
        json_array_append_new(
            days, json_pack("{sIsIsIsIsIsIsIsoso}", "begin", (json_int_t)day->begin, "turns", (json_int_t)day->n_turns,
                            "answered", (json_int_t)day->n_answered, "asked_back", (json_int_t)day->n_asked_back,
                            "handed_over", (json_int_t)day->n_handed_over, "refused", (json_int_t)day->n_refused,
                            "conversations", (json_int_t)day->n_conversations, "p50_ms", json_float(day->p50_ms),
                            "p95_ms", json_float(day->p95_ms)));
    }
    return days;
}

static json_t *exact_json(const llmcs_shop_dashboard *d) {
    return json_pack("{sIsIsIsosososo}", "turns", (json_int_t)d->n_turns, "conversations",
                     (json_int_t)d->n_conversations, "waiting", (json_int_t)d->n_waiting, "p50_ms",
                     json_float(d->p50_ms), "p95_ms", json_float(d->p95_ms), "days", days_json(d), "figures",
                     figures_json(d));
}

/* Whether the budget has enough for n counts: one that ends in the middle would be paid and not shown. */
static llmcs_status check_budget(llmcs_shop *shop, int n, double epsilon) {
    double total, spent;
    const llmcs_status status = llmcs_shop_get_budget(shop, "dashboard", &total, &spent);
    if (status || n * epsilon <= total - spent + 5e-7) return status; /* it counts in millionths */
    return request_error(LLMCS_LIMIT, "budget dashboard: %g of %g are left, %g requested", total - spent, total,
                         n * epsilon);
}

/* Turns by route, each count with noise: which names there are says nothing about anybody, so all of them are shown. */
static llmcs_status add_noise(llmcs_shop *shop, const llmcs_shop_dashboard *d, double epsilon, int32_t per_customer,
                              json_t *routes) {
    llmcs_status status = check_budget(shop, SHOP_N_ROUTES, epsilon);
    for (int r = LLMCS_DESK_NONE; r < SHOP_N_ROUTES && !status; r++) {
        const char *name = llmcs_shop_desk_route_name((llmcs_shop_desk_route)r);
        int64_t n = 0, noisy;
        for (size_t i = 0; i < d->n_figures; i++)
            if (!strcmp(d->figures[i]->group, "route") && !strcmp(d->figures[i]->name, name)) n = d->figures[i]->n;
        status = llmcs_shop_private_count(shop, "dashboard", epsilon, n, per_customer, &noisy);
        if (!status) json_object_set_new(routes, name, json_integer(noisy));
    }
    return status;
}

/* ?days=7&offset=28800: exact figures. &epsilon=0.1: turns by route with noise, of the store's budget "dashboard", each
 * count with that privacy loss and at most 10 turns of one customer. */
void shop_dashboard(exchange *x) {
    enum { PER_CUSTOMER = 10 };
    const char *text = x_query(x, "epsilon");
    char *end = NULL;
    const double epsilon = text && *text ? strtod(text, &end) : 0;
    llmcs_shop_dashboard_params params;
    llmcs_shop_dashboard *d = NULL;
    int64_t days, offset;
    llmcs_shop_dashboard_params_init(&params);
    if (!shop_query_int(x, "days", 1, 366, 7, &days) || !shop_query_int(x, "offset", -50400, 50400, 0, &offset)) return;
    if (end && (*end || !(epsilon > 0))) {
        reply_error(x, 400, "invalid_value", "epsilon", "epsilon must be a number above 0");
        return;
    }
    params.days = (int32_t)days;
    params.utc_offset_s = (int32_t)offset;
    params.now = shop_of(x)->now;
    params.per_customer = epsilon > 0 ? PER_CUSTOMER : 0;
    request_begin();
    llmcs_status status = llmcs_shop_get_dashboard(shop_of(x)->shop, &params, &d);
    json_t *routes = json_object();
    if (!status && epsilon > 0) status = add_noise(shop_of(x)->shop, d, epsilon, PER_CUSTOMER, routes);
    if (status)
        shop_fail(x, status);
    else if (epsilon > 0)
        reply_json(x, 200, json_pack("{sfs{sO}}", "epsilon", epsilon, "figures", "route", routes));
    else
        reply_json(x, 200, exact_json(d));
    json_decref(routes);
    llmcs_shop_dashboard_free(&d);
}
