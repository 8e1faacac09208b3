/* The shop's calls for customers: messages, questions, recommendations, their own conversation. */
#include <stdlib.h>
#include <string.h>

#include "shop.h"

/* ---- a message for the desk */

typedef struct turn_stream {
    exchange *x;
    bool begun;
} turn_stream;

static int send_piece(void *user, const char *text, size_t n) {
    turn_stream *s = user;
    if (!s->begun) reply_stream(s->x);
    s->begun = true;
    return !sse_send(s->x, json_pack("{so}", "delta", json_text(text, n)));
}

static void end_stream(turn_stream *s, llmcs_status status, cli_answer *out) {
    if (status && !s->begun) {
        shop_answer(s->x, status, out);
        return;
    }
    if (!s->begun) reply_stream(s->x); /* a reply without text */
    char *text = shop_text(&status, out);
    if (text)
        sse_send_text(s->x, text, strlen(text));
    else
        sse_send_status(s->x, status, request_message());
    sse_end(s->x, true);
    free(text);
}

static void count_turn(shop_state *state, llmcs_status status, const cli_answer *out) {
    const char *name = json_string_value(json_object_get(out->json, "route"));
    if (status || !name) __atomic_fetch_add(&state->failed_turns, 1, __ATOMIC_RELAXED);
    for (int i = 0; !status && name && i < SHOP_N_ROUTES; i++)
        if (!strcmp(name, llmcs_shop_desk_route_name((llmcs_shop_desk_route)i)))
            __atomic_fetch_add(&state->turns[i], 1, __ATOMIC_RELAXED);
}

void shop_turn(exchange *x) {
    cli_answer out;
    bool stream;
    json_t *request = json_copy(x->json);
    turn_stream s = {.x = x};
    request_begin();
    if (!x_bool(x, "stream", false, &stream) || !shop_bind_customer(x, request)) {
        json_decref(request);
        return;
    }
    json_object_del(request, "stream");
    const turn_call call = {.desk = shop_of(x)->desk,
                            .deadline_ms = x_remaining_ms(x),
                            .cancel = &x->cancelled,
                            .on_text = stream ? send_piece : NULL,
                            .on_text_user = &s};
    answer_init(&out);
    const llmcs_status status = call_turn(&call, request, &out);
    count_turn(shop_of(x), status, &out);
    json_t *id = json_object_get(request, "id");
    if (!status && id) answer_set(&out, "id", json_incref(id));
    json_decref(request);
    if (stream)
        end_stream(&s, status, &out);
    else
        shop_answer(x, status, &out);
}

/* ---- questions and products */

void shop_ask(exchange *x) {
    cli_answer out;
    llmcs_shop_ask_params params;
    llmcs_shop_ask_params_init(&params);
    params.now = shop_of(x)->now;
    answer_init(&out);
    request_begin();
    shop_answer(x, call_ask(shop_of(x)->shop, &params, x->json, &out), &out);
}

void shop_recommend(exchange *x) {
    cli_answer out;
    recommend_call defaults;
    recommend_call_init(&defaults);
    json_t *request = json_copy(x->json);
    const bool about_product = json_object_get(request, "item") || json_object_get(request, "text");
    request_begin();
    if (!(x->caller.roles & ROLE_AGENT) && !shop_bind_customer(x, request)) {
        json_decref(request);
        return;
    }
    if (about_product && !shop_is_staff(x)) json_object_del(request, "customer");
    answer_init(&out);
    const llmcs_status status = call_recommend(shop_of(x)->shop, &defaults, request, &out);
    json_decref(request);
    shop_answer(x, status, &out);
}

static int32_t add_product(void *list, const llmcs_shop_listed_product *p) {
    json_t *row = json_pack("{sssssssssssssssfsI}", "id", p->id, "title", p->title, "description", p->description,
                            "lang", p->lang, "category", p->category, "brand", p->brand, "currency", p->currency,
                            "price", p->price, "stock", (json_int_t)p->stock);
    return json_array_append_new(list, row);
}

/* ?ids=P1001,P1002&lang=zh; as many as a request line holds */
void shop_products(exchange *x) {
    const char *given = x_query(x, "ids"), *lang = x_query(x, "lang");
    char *copy = strdup(given ? given : ""), *state = NULL;
    const char **ids = copy ? calloc(strlen(copy) / 2 + 1, sizeof *ids) : NULL;
    size_t n = 0;
    for (char *id = ids ? strtok_r(copy, ",", &state) : NULL; id; id = strtok_r(NULL, ",", &state)) ids[n++] = id;
    json_t *list = json_array();
    request_begin();
    const llmcs_status status = ids ? llmcs_shop_list_products(shop_of(x)->shop, ids, n, lang, add_product, list)
                                    : request_error(LLMCS_NOMEM, "no memory for the ids");
    free(ids);
    free(copy);
    if (status) {
        json_decref(list);
        shop_fail(x, status);
        return;
    }
    reply_json(x, 200, json_pack("{so}", "products", list));
}

/* ---- a conversation */

static json_t *turn_json(const llmcs_shop_history_turn *t, bool whole) {
    json_t *row = json_pack("{sIsIsssosossssssss}", "number", (json_int_t)t->number, "time", (json_int_t)t->time, "id",
                            t->message_id, "text", json_text(t->text, strlen(t->text)), "reply",
                            json_text(t->reply, strlen(t->reply)), "lang", t->lang, "route", t->route, "intent",
                            t->intent, "agent", t->agent);
    json_t *detail = whole ? json_loads(t->detail_json, 0, NULL) : NULL;
    if (detail) json_object_set_new(row, "detail", detail);
    return row;
}

static json_t *history_json(const char *id, const llmcs_shop_history *h, bool whole) {
    json_t *turns = json_array();
    for (size_t i = 0; i < h->n_turns; i++) json_array_append_new(turns, turn_json(h->turns[i], whole));
    json_t *json = json_pack("{sssssssssIso}", "id", id, "status", h->status, "customer", h->customer, "lang", h->lang,
                             "all", (json_int_t)h->n_all, "turns", turns);
    if (json && whole) {
        json_object_set_new(json, "priority", json_integer(h->priority));
        json_object_set_new(json, "reason", json_string(h->reason));
        json_object_set_new(json, "summary", json_text(h->summary, strlen(h->summary)));
    }
    return json;
}

/* Whose conversation it is; for a customer, one of somebody else does not exist. */
static bool may_read(const exchange *x, const llmcs_shop_history *h) {
    if (!*h->status) return false;
    return shop_is_staff(x) || !strcmp(h->customer, x->caller.customer ? x->caller.customer : "");
}

/* ?after=N&k=100&plain=1: plain texts are for customers, who see their own, and for staff that wants them: the audit
 * says so. */
void shop_history(exchange *x) {
    llmcs_shop_history *h = NULL;
    const char *id = x->params[0], *plain_text = x_query(x, "plain");
    const bool staff = shop_is_staff(x), plain = !staff || (plain_text && !strcmp(plain_text, "1"));
    int64_t after, k;
    request_begin();
    if (!shop_query_int(x, "after", -1, INT64_MAX, -1, &after) || !shop_query_int(x, "k", 1, 1000, 100, &k)) return;
    if (staff && plain && !shop_audit(x, x->caller.name, "read plain texts", "conversation", id)) return;
    const llmcs_status status = llmcs_shop_desk_history(shop_of(x)->desk, id, after, (size_t)k, plain, &h);
    if (status)
        shop_fail(x, status);
    else if (!may_read(x, h))
        reply_error(x, 404, "not_found", NULL, "there is no such conversation");
    else
        reply_json(x, 200, history_json(id, h, staff));
    llmcs_shop_history_free(&h);
}
