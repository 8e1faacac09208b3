/* The shop's calls for people at the desk: the queue, suggestions, conversations that a person has, actions. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "shop.h"

/* ---- suggestions and feedback */

void shop_assist(exchange *x) {
    cli_answer out;
    llmcs_shop_assist_params params;
    json_t *request = json_copy(x->json);
    request_begin();
    const char *actor = shop_actor(x, request, "agent");
    if (!actor) {
        json_decref(request);
        return;
    }
    json_object_del(request, "agent");
    json_object_del(request, "actor"); /* of `llmcs-shop assist`: here it is the key's */
    llmcs_shop_assist_params_init(&params);
    params.actor = actor;
    const double left = x_remaining_ms(x);
    if (left > 0 && left < params.deadline_ms) params.deadline_ms = left;
    answer_init(&out);
    const llmcs_status status = call_assist(shop_of(x)->assistant, &params, request, &out);
    shop_answer(x, status, &out);
    json_decref(request);
}

void shop_feedback(exchange *x) {
    llmcs_shop_feedback feedback = {.struct_size = sizeof feedback};
    const llmcs_shop_feedback *rows[] = {&feedback};
    import_row row = {.json = x->json, .item = &feedback};
    llmcs_status refused = LLMCS_OK;
    size_t n = 0;
    request_begin();
    const char *actor = shop_actor(x, x->json, "actor");
    if (!actor) return;
    llmcs_status status = request_check_keys(x->json, feedback_keys);
    if (!status) status = read_feedback(&row);
    feedback.actor = actor;
    if (!status)
        status = llmcs_shop_put_feedback(shop_of(x)->shop, llmcs_shop_service_guard(shop_of(x)->service), rows, 1,
                                         shop_keep_refusal, &refused, &n);
    for (size_t i = 0; i < row.n_arrays; i++) free(row.arrays[i]);
    if (!status) status = refused;
    if (status)
        shop_fail(x, status);
    else
        reply_json(x, 200, json_pack("{sssI}", "id", feedback.id, "stored", (json_int_t)n));
}

/* ---- the queue */

static int32_t add_conversation(void *list, const llmcs_shop_conversation *c) {
    json_t *row = json_pack("{sssssssssssisssosIsIsI}", "id", c->id, "status", c->status, "customer", c->customer,
                            "agent", c->agent, "lang", c->lang, "priority", (int)c->priority, "reason", c->reason,
                            "summary", json_text(c->summary, strlen(c->summary)), "since", (json_int_t)c->since, "time",
                            (json_int_t)c->time, "turns", (json_int_t)c->n_turns);
    return json_array_append_new(list, row);
}

static int32_t add_action(void *list, const llmcs_shop_action *a) {
    json_t *row = json_pack("{sssssossssssss?sI}", "key", a->key, "name", a->name, "object",
                            json_text(a->object, strlen(a->object)), "state", llmcs_shop_action_state_name(a->state),
                            "conversation", a->conversation, "customer", a->customer, "late", *a->late ? a->late : NULL,
                            "time", (json_int_t)a->time);
    return json_array_append_new(list, row);
}

void shop_queue(exchange *x) {
    const shop_state *state = shop_of(x);
    json_t *conversations = json_array(), *actions = json_array();
    request_begin();
    llmcs_status status = llmcs_shop_list_conversations(state->shop, NULL, add_conversation, conversations);
    if (!status) status = llmcs_shop_list_actions(state->shop, LLMCS_ACTION_UNKNOWN, 100, add_action, actions);
    if (status) {
        json_decref(conversations);
        json_decref(actions);
        shop_fail(x, status);
        return;
    }
    const int64_t now = state->now ? state->now : (int64_t)time(NULL);
    reply_json(x, 200,
               json_pack("{sosOsI}", "conversations", conversations, "actions", actions, "now", (json_int_t)now));
    json_decref(actions);
}

/* ---- a conversation */

/* False after 404: there is no such conversation. */
static bool exists(exchange *x) {
    llmcs_shop_history *h = NULL;
    request_begin();
    const llmcs_status status = llmcs_shop_desk_history(shop_of(x)->desk, x->params[0], -1, 1, 0, &h);
    const bool found = !status && *h->status;
    llmcs_shop_history_free(&h);
    if (status)
        shop_fail(x, status);
    else if (!found)
        reply_error(x, 404, "not_found", NULL, "there is no such conversation");
    return found;
}

static void answer_status(exchange *x, llmcs_status status, const char *name) {
    if (status)
        shop_fail(x, status);
    else
        reply_json(x, 200, json_pack("{ssss}", "id", x->params[0], "status", name));
}

/* The agent, if the request has no other keys and the conversation exists; else NULL after answering. */
static const char *begin(exchange *x, const char *const *keys) {
    if (!x_check_keys(x, keys)) return NULL;
    const char *actor = shop_actor(x, x->json, "agent");
    return actor && exists(x) ? actor : NULL;
}

static const char *const agent_keys[] = {"agent", NULL};

void shop_take_over(exchange *x) {
    const char *actor = begin(x, agent_keys);
    if (actor) answer_status(x, llmcs_shop_desk_take_over(shop_of(x)->desk, x->params[0], actor), "person");
}

void shop_reply(exchange *x) {
    static const char *const keys[] = {"agent", "text", NULL};
    const char *text, *actor = begin(x, keys);
    size_t n;
    if (actor && x_text(x, "text", true, &text, &n))
        answer_status(x, llmcs_shop_desk_reply(shop_of(x)->desk, x->params[0], actor, text, n), "person");
}

void shop_hand_back(exchange *x) {
    const char *actor = begin(x, agent_keys);
    if (actor) answer_status(x, llmcs_shop_desk_hand_back_by(shop_of(x)->desk, x->params[0], actor), "open");
}

void shop_close(exchange *x) {
    const char *actor = begin(x, agent_keys);
    if (actor) answer_status(x, llmcs_shop_desk_close_by(shop_of(x)->desk, x->params[0], actor), "closed");
}

/* ---- actions */

void shop_resolve(exchange *x) {
    static const char *const keys[] = {"agent", "state", NULL};
    const char *name, *actor;
    request_begin();
    if (!x_check_keys(x, keys) || !(actor = shop_actor(x, x->json, "agent")) || !x_name(x, "state", true, &name))
        return;
    const bool done = !strcmp(name, "DONE");
    if (!done && strcmp(name, "FAILED") != 0) {
        reply_error(x, 400, "invalid_value", "state", "\"state\" must be DONE or FAILED");
        return;
    }
    const llmcs_status status =
        llmcs_shop_desk_resolve(shop_of(x)->desk, x->params[0], actor, done ? LLMCS_ACTION_DONE : LLMCS_ACTION_FAILED);
    if (status)
        shop_fail(x, status);
    else
        reply_json(x, 200, json_pack("{ssss}", "key", x->params[0], "state", name));
}
