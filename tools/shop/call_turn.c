/* Reads a message for the desk from JSON and writes the reply as JSON. */
#include <stdlib.h>
#include <string.h>

#include "calls.h"

/* ---- reply */

static json_t *slots_json(const llmcs_shop_turn *t) {
    json_t *slots = json_object();
    for (size_t i = 0; i < t->n_slots; i++)
        json_object_set_new(slots, t->slots[i].name, json_text(t->slots[i].value, strlen(t->slots[i].value)));
    return slots;
}

static json_t *action_json(const llmcs_shop_turn *t) {
    if (!*t->action) return json_object();
    return json_pack("{sssossss}", "name", t->action, "object", json_text(t->action_object, strlen(t->action_object)),
                     "state", llmcs_shop_action_state_name(t->action_state), "key", t->action_key);
}

static json_t *citations_json(const llmcs_shop_turn *t) {
    json_t *citations = json_array();
    for (size_t i = 0; i < t->n_citations; i++) json_array_append_new(citations, citation_json(t->citations[i]));
    return citations;
}

static json_t *handover_json(const llmcs_shop_turn *t) {
    if (!*t->handover_reason) return json_null();
    return json_pack("{sssiso}", "reason", t->handover_reason, "priority", (int)t->handover_priority, "summary",
                     json_text(t->handover_summary, strlen(t->handover_summary)));
}

static json_t *sentiment_json(const llmcs_shop_turn *t) {
    if (!*t->sentiment) return json_null();
    return json_pack("{ssso}", "label", t->sentiment, "score", json_float(t->sentiment_score));
}

static json_t *times_json(const llmcs_shop_turn_ms *ms) {
    return json_pack("{sfsfsfsfsfsfsfsfsfsfsfsfsf}", "load", ms->load, "check_in", ms->check_in, "mask", ms->mask,
                     "encode", ms->encode, "classify", ms->classify, "knowledge", ms->knowledge, "recommend",
                     ms->recommend, "flow", ms->flow, "call", ms->call, "wording", ms->wording, "check_out",
                     ms->check_out, "store", ms->store, "total", ms->total);
}

static const char *const expected[] = {"anything", "slot", "yes", "choice", "person"};

static void add_turn(cli_answer *out, const llmcs_shop_turn *t) {
    json_t *products = json_array();
    for (size_t i = 0; i < t->n_products; i++) json_array_append_new(products, json_string(t->products[i]));
    out->digits = 6;
    answer_set(out, "reply", json_text(t->reply, t->reply_bytes));
    answer_set(out, "route", json_string(llmcs_shop_desk_route_name(t->route)));
    answer_set(out, "intent", json_string(t->intent));
    answer_set(out, "flow", json_string(t->flow));
    answer_set(out, "slots", slots_json(t));
    answer_set(out, "action", action_json(t));
    answer_set(out, "expects", json_string(expected[t->expects]));
    answer_set(out, "citations", citations_json(t));
    answer_set(out, "products", products);
    answer_set(out, "probability", json_float(t->probability));
    answer_set(out, "out_of_scope", json_float(t->out_of_scope));
    answer_set(out, "handover", handover_json(t));
    answer_set(out, "sentiment", sentiment_json(t));
    answer_set(out, "lang", json_string(t->lang));
    if (t->repeated) answer_set(out, "repeated", json_true());
    answer_set(out, "ms", times_json(&t->ms));
}

/* ---- message */

/* The id of a message may be any JSON value; its JSON text is the id for the desk. */
static llmcs_status message_id(const json_t *request, char **text) {
    const json_t *id = json_object_get(request, "id");
    const char *string = NULL;
    *text = NULL;
    if (!id || json_is_null(id)) return LLMCS_OK;
    if (json_is_string(id)) {
        const llmcs_status status = field_string(request, "id", true, &string);
        if (status) return status;
    }
    *text = string ? strdup(string) : json_dumps(id, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS);
    return *text ? LLMCS_OK : request_error(LLMCS_NOMEM, "no memory for \"id\"");
}

llmcs_status call_turn(const turn_call *c, const json_t *request, cli_answer *out) {
    static const char *const keys[] = {"conversation", "customer", "text", "lang", "deadline_ms", NULL};
    llmcs_shop_message m;
    llmcs_shop_turn *turn = NULL;
    const json_t *deadline = json_object_get(request, "deadline_ms");
    llmcs_shop_message_init(&m);
    llmcs_status status = request_check_keys(request, keys);
    if (!status) status = field_string(request, "conversation", true, &m.conversation);
    if (!status) status = field_string(request, "customer", false, &m.customer);
    if (!status) status = field_string(request, "lang", false, &m.lang);
    if (!status) status = request_text(request, "text", true, &m.text, &m.text_bytes);
    if (!status && deadline && !json_is_number(deadline))
        status = request_error(LLMCS_ARG, "\"deadline_ms\" must be a number");
    if (status) return status;
    if (deadline) m.deadline_ms = json_number_value(deadline);
    if (c->deadline_ms > 0 && (m.deadline_ms > c->deadline_ms || m.deadline_ms == 0)) m.deadline_ms = c->deadline_ms;
    if (!m.customer) m.customer = c->customer;
    if (!m.lang) m.lang = c->lang;
    m.cancel = c->cancel;
    m.on_text = c->on_text;
    m.on_text_user = c->on_text_user;
    char *id;
    status = message_id(request, &id);
    m.id = id;
    if (!status) status = llmcs_shop_desk_say(c->desk, &m, &turn);
    if (!status) add_turn(out, turn);
    llmcs_shop_turn_free(&turn);
    free(id);
    return status;
}
