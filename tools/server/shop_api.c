/*
 * The shop's calls: opens the store of --shop with all that its settings name. Without a store the routes below are not
 * there.
 *
 * Who may do what: a key with role customer, or a token, speaks for its own customer alone; role shop is the host's own
 * server, which has authenticated the customers and agents that it names; role agent is a person at the desk.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "shop.h"

/* ---- open and close */

static bool is_enabled(const server *s) { return s->shop != NULL; }

static void log_library(void *user, llmcs_log_level level, const char *message) {
    (void)user;
    if (level >= LLMCS_LOG_WARN) log_message(LOG_WARN, "shop", "%s", message);
}

/* A setting of the store, allocated; NULL: there is none. */
static char *setting(llmcs_shop *shop, const char *key) {
    size_t n = 0;
    if (llmcs_shop_get_setting(shop, key, NULL, 0, &n) != LLMCS_BUFFER || !n) return NULL;
    char *value = malloc(n + 1);
    if (value && !llmcs_shop_get_setting(shop, key, value, n + 1, &n)) return value;
    free(value);
    return NULL;
}

static bool open_assistant(shop_state *state) {
    llmcs_shop_assistant_options options;
    llmcs_shop_assistant_options_init(&options);
    char *wording = setting(state->shop, "llmcs.wording"), *now = setting(state->shop, "llmcs.now");
    options.guard = llmcs_shop_service_guard(state->service);
    options.wording = wording;
    if (now) state->now = strtoll(now, NULL, 10);
    const llmcs_status status = llmcs_shop_assistant_create(state->shop, &options, &state->assistant);
    free(wording);
    free(now);
    return !status;
}

static void free_state(shop_state *state) {
    llmcs_shop_assistant_free(&state->assistant);
    llmcs_shop_service_free(&state->service);
    free(state);
}

static bool open_shop(server *s) {
    llmcs_shop_service_options options;
    if (!s->config.shop) return true;
    shop_state *state = calloc(1, sizeof *state);
    if (!state) return false;
    llmcs_shop_service_options_init(&options);
    options.log = log_library;
    bool ok = !llmcs_shop_service_open(s->config.shop, &options, &state->service);
    if (ok) {
        state->shop = llmcs_shop_service_shop(state->service);
        state->desk = llmcs_shop_service_desk(state->service);
        ok = open_assistant(state);
    }
    if (!ok) {
        log_message(LOG_ERROR, "shop", "%s: %s", s->config.shop, llmcs_error_message());
        free_state(state);
        return false;
    }
    s->shop = state;
    return true;
}

static void close_shop(server *s) {
    if (s->shop) free_state(s->shop);
    s->shop = NULL;
}

/* ---- what the handlers share */

void shop_fail(exchange *x, llmcs_status status) {
    /* Of a conversation that is another customer's, of an action that is settled: not "not ready". */
    if (status == LLMCS_STATE)
        reply_error(x, 409, "conflict", NULL, "%s", request_message());
    else
        reply_status(x, status, request_message());
}

char *shop_text(llmcs_status *status, cli_answer *out) {
    const bool whole = !*status && !out->failed;
    char *text = whole ? json_dumps(out->json, JSON_COMPACT | JSON_REAL_PRECISION((size_t)out->digits)) : NULL;
    answer_free(out);
    if (!*status && !text) *status = request_error(LLMCS_NOMEM, "no memory for the answer");
    return text;
}

void shop_answer(exchange *x, llmcs_status status, cli_answer *out) {
    char *text = shop_text(&status, out);
    if (text)
        reply_json_text(x, 200, text, strlen(text));
    else
        shop_fail(x, status);
}

const char *shop_actor(exchange *x, const json_t *request, const char *key) {
    const json_t *named = json_object_get(request, key);
    if (!named || json_is_null(named)) return x->caller.name;
    const char *name = json_string_value(named);
    if (!name)
        reply_error(x, 400, "invalid_type", key, "\"%s\" must be a string", key);
    else if (strlen(name) != json_string_length(named) || !shop_is_name(name))
        reply_error(x, 400, "invalid_value", key, "\"%s\": " NAME_RULE, key);
    else if (shop_speaks_for_all(x) || !strcmp(name, x->caller.name))
        return name;
    else
        reply_error(x, 403, "agent_not_allowed", key,
                    "\"%s\": this key cannot name an agent: the agent is the key's name", key);
    return NULL;
}

bool shop_bind_customer(exchange *x, json_t *request) {
    if (shop_speaks_for_all(x)) return true;
    const json_t *named = json_object_get(request, "customer");
    const char *name = json_string_value(named), *own = x->caller.customer;
    if (named && !json_is_null(named) && (!name || !own || strcmp(name, own) != 0)) {
        reply_error(x, 403, "customer_not_allowed", "customer",
                    "this key cannot name a customer: who a customer is comes from the key or token");
        return false;
    }
    if (own ? !json_object_set_new(request, "customer", json_string(own)) : true) {
        if (!own) json_object_del(request, "customer");
        return true;
    }
    reply_error(x, 500, "no_memory", NULL, "no memory for the request");
    return false;
}

bool shop_query_int(exchange *x, const char *key, int64_t low, int64_t high, int64_t fallback, int64_t *value) {
    const char *text = x_query(x, key);
    char *end = NULL;
    *value = text && *text ? strtoll(text, &end, 10) : fallback;
    if (!text || !*text || (!*end && *value >= low && *value <= high)) return true;
    reply_error(x, 400, "invalid_value", key, "%s must be an integer from %" PRId64 " to %" PRId64, key, low, high);
    return false;
}

bool shop_audit(exchange *x, const char *actor, const char *action, const char *kind, const char *id) {
    enum { OBJECT_BYTES = 200 };
    char object[OBJECT_BYTES + 1];
    const int n = snprintf(object, sizeof object, "%s:%s", kind, id);
    if (n > OBJECT_BYTES) object[cli_cut_utf8(object, OBJECT_BYTES, OBJECT_BYTES - 4)] = 0;
    request_begin();
    const llmcs_status status =
        llmcs_shop_audit_append(shop_of(x)->shop, LLMCS_SHOP_AGENT, actor, action, object, NULL);
    if (status) shop_fail(x, status);
    return !status;
}

void shop_keep_refusal(void *user, size_t row, llmcs_status status, const char *reason) {
    (void)row;
    *(llmcs_status *)user = request_error(status, "%s", reason);
}

/* ---- routes */

enum { CUSTOMERS = ROLE_CUSTOMER | ROLE_SHOP, STAFF = ROLE_AGENT | ROLE_SHOP, ANY = CUSTOMERS | STAFF };

static const route routes[] = {
    {"POST", "/shop/turn", CUSTOMERS, RUN_WORKER, ROUTE_JSON, shop_turn},
    {"POST", "/shop/ask", ANY, RUN_WORKER, ROUTE_JSON, shop_ask},
    {"POST", "/shop/recommend", ANY, RUN_WORKER, ROUTE_JSON, shop_recommend},
    {"GET", "/shop/products", ANY, RUN_WORKER, 0, shop_products},
    {"GET", "/shop/conversations/{}", ANY, RUN_WORKER, 0, shop_history},
    {"POST", "/shop/assist", STAFF, RUN_WORKER, ROUTE_JSON, shop_assist},
    {"POST", "/shop/feedback", STAFF, RUN_WORKER, ROUTE_JSON, shop_feedback},
    {"GET", "/shop/queue", STAFF, RUN_WORKER, 0, shop_queue},
    {"POST", "/shop/conversations/{}/take-over", STAFF, RUN_WORKER, ROUTE_JSON, shop_take_over},
    {"POST", "/shop/conversations/{}/reply", STAFF, RUN_WORKER, ROUTE_JSON, shop_reply},
    {"POST", "/shop/conversations/{}/hand-back", STAFF, RUN_WORKER, ROUTE_JSON, shop_hand_back},
    {"POST", "/shop/conversations/{}/close", STAFF, RUN_WORKER, ROUTE_JSON, shop_close},
    {"POST", "/shop/actions/{}/resolve", STAFF, RUN_WORKER, ROUTE_JSON, shop_resolve},
    {"GET", "/shop/faq", STAFF, RUN_WORKER, 0, shop_list_faq},
    {"GET", "/shop/faq/{}", STAFF, RUN_WORKER, 0, shop_get_faq},
    {"PUT", "/shop/faq/{}", STAFF, RUN_WORKER, ROUTE_JSON, shop_put_faq},
    {"DELETE", "/shop/faq/{}", STAFF, RUN_WORKER, 0, shop_retire_faq},
    {"GET", "/shop/dashboard", STAFF, RUN_WORKER, 0, shop_dashboard},
};

static void write_metrics(server *s, FILE *out) {
    const shop_state *state = s->shop;
    if (!state) return;
    fputs("# HELP llmcs_shop_turns_total Replies of the desk by route.\n# TYPE llmcs_shop_turns_total counter\n", out);
    for (int i = 0; i < SHOP_N_ROUTES; i++)
        fprintf(out, "llmcs_shop_turns_total{route=\"%s\"} %lld\n",
                llmcs_shop_desk_route_name((llmcs_shop_desk_route)i),
                (long long)__atomic_load_n(&state->turns[i], __ATOMIC_RELAXED));
    fputs(
        "# HELP llmcs_shop_failed_turns_total Messages that got no reply.\n"
        "# TYPE llmcs_shop_failed_turns_total counter\n",
        out);
    fprintf(out, "llmcs_shop_failed_turns_total %lld\n",
            (long long)__atomic_load_n(&state->failed_turns, __ATOMIC_RELAXED));
}

const api api_shop = {.name = "shop",
                      .routes = routes,
                      .n_routes = sizeof routes / sizeof *routes,
                      .open = open_shop,
                      .close = close_shop,
                      .enabled = is_enabled,
                      .write_metrics = write_metrics};
