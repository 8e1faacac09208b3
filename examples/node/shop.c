/* shop.c - the shop layer: a service with its desk, knowledge base and guard. */
#include "binding.h"

/* --------------------------------------------------------------------------------------------------- shop */

static void run_service(call *c) {
    llmcs_shop_service_options options;
    llmcs_shop_service_options_init(&options);
    options.model = &c->in_.model;
    c->status = llmcs_shop_service_open(c->path, &options, &c->out.service);
}

static void discard_service(call *c) { llmcs_shop_service_free(&c->out.service); }

static napi_value finish_service(napi_env env, call *c) {
    llmcs_shop_service *made = c->out.service;
    c->out.service = NULL;
    return wrap_object(env, KIND_SERVICE, made, NULL);
}

/* openService(store, modelOptions, flag) */
napi_value open_service(napi_env env, napi_callback_info info) {
    return start_open(env, info, "store", run_service, finish_service, discard_service);
}

static void run_turn(call *c) {
    c->in_.message.cancel = (const int32_t *)&c->cancel->set;
    c->status = llmcs_shop_desk_say(llmcs_shop_service_desk(c->on->object), &c->in_.message, &c->out.turn);
}

static void discard_turn(call *c) { llmcs_shop_turn_free(&c->out.turn); }

static napi_value citations(napi_env env, const llmcs_shop_citation *const *all, size_t n) {
    napi_value array;
    napi_create_array_with_length(env, n, &array);
    for (size_t i = 0; i < n; i++) {
        napi_value one;
        napi_create_object(env, &one);
        set_string(env, one, "id", all[i]->id);
        set_string(env, one, "lang", all[i]->lang);
        set_number(env, one, "version", all[i]->version);
        set_number(env, one, "textIndex", (double)all[i]->text_index);
        napi_set_element(env, array, (uint32_t)i, one);
    }
    return array;
}

static const char *const expects_names[] = {"anything", "slot", "yes", "choice", "person"};

static napi_value finish_turn(napi_env env, call *c) {
    const llmcs_shop_turn *t = c->out.turn;
    napi_value object, part;
    napi_create_object(env, &object);
    set_text(env, object, "reply", t->reply, t->reply_bytes);
    set_string(env, object, "route", llmcs_shop_desk_route_name(t->route));
    set_string(env, object, "expects", (size_t)t->expects < 5 ? expects_names[t->expects] : "unknown");
    set_string(env, object, "expectedSlot", t->expected_slot);
    set_string(env, object, "lang", t->lang);
    set_number(env, object, "number", (double)t->number);
    set_bool(env, object, "repeated", t->repeated);
    set_string(env, object, "intent", t->intent);
    set_number(env, object, "intentScore", t->intent_score);
    set_string(env, object, "flow", t->flow);
    set_number(env, object, "probability", t->probability);
    set_string(env, object, "sentiment", t->sentiment);
    set_string(env, object, "verdict", t->verdict);
    set_number(env, object, "totalMs", t->ms.total);
    napi_create_object(env, &part);
    for (size_t i = 0; i < t->n_slots; i++) set_string(env, part, t->slots[i].name, t->slots[i].value);
    napi_set_named_property(env, object, "slots", part);
    if (*t->action) {
        napi_create_object(env, &part);
        set_string(env, part, "name", t->action);
        set_string(env, part, "object", t->action_object);
        set_string(env, part, "key", t->action_key);
        set_string(env, part, "state", llmcs_shop_action_state_name(t->action_state));
        napi_set_named_property(env, object, "action", part);
    }
    if (*t->handover_reason) {
        napi_create_object(env, &part);
        set_string(env, part, "reason", t->handover_reason);
        set_number(env, part, "priority", t->handover_priority);
        set_string(env, part, "summary", t->handover_summary);
        napi_set_named_property(env, object, "handover", part);
    }
    napi_set_named_property(env, object, "citations", citations(env, t->citations, t->n_citations));
    napi_create_array_with_length(env, t->n_products, &part);
    for (size_t i = 0; i < t->n_products; i++) {
        napi_value id;
        if (napi_create_string_utf8(env, t->products[i], NAPI_AUTO_LENGTH, &id) == napi_ok)
            napi_set_element(env, part, (uint32_t)i, id);
    }
    napi_set_named_property(env, object, "products", part);
    return object;
}

/* turn(service, text, message, flag) */
napi_value turn(napi_env env, napi_callback_info info) {
    napi_value a[4];
    call *c = call_of(env, info, a, 4, KIND_SERVICE, run_turn, finish_turn);
    if (!c) return NULL;
    c->discard = discard_turn;
    llmcs_shop_message_init(&c->in_.message);
    c->in_.message.text = get_string(env, a[1], "text", &c->in_.message.text_bytes, &c->memory);
    if (c->in_.message.text) get_fields(env, a[2], "a part of a message", message_fields, &c->in_.message, &c->memory);
    return call_start(env, c);
}

static void run_ask(call *c) {
    c->status =
        llmcs_shop_ask(llmcs_shop_service_shop(c->on->object), c->text, c->text_bytes, &c->in_.ask, &c->out.answer);
}

static void discard_ask(call *c) { llmcs_shop_answer_free(&c->out.answer); }

static napi_value finish_ask(napi_env env, call *c) {
    const llmcs_shop_answer *found = c->out.answer;
    napi_value object, array;
    napi_create_object(env, &object);
    set_string(env, object, "route", llmcs_shop_route_name(found->route));
    set_text(env, object, "text", found->text, found->text_bytes);
    set_number(env, object, "probability", found->probability);
    set_number(env, object, "threshold", found->threshold);
    if (found->missing_slot) set_string(env, object, "missingSlot", found->missing_slot);
    napi_set_named_property(env, object, "citations", citations(env, found->citations, found->n_citations));
    napi_create_array_with_length(env, found->n_candidates, &array);
    for (size_t i = 0; i < found->n_candidates; i++) {
        napi_value one;
        napi_create_object(env, &one);
        set_string(env, one, "id", found->candidates[i]->id);
        set_string(env, one, "lang", found->candidates[i]->lang);
        set_string(env, one, "question", found->candidates[i]->question);
        set_string(env, one, "answer", found->candidates[i]->answer);
        set_number(env, one, "probability", found->candidates[i]->probability);
        napi_set_element(env, array, (uint32_t)i, one);
    }
    napi_set_named_property(env, object, "candidates", array);
    return object;
}

/* ask(service, text, params) */
napi_value ask(napi_env env, napi_callback_info info) {
    napi_value a[3];
    call *c = call_of(env, info, a, 3, KIND_SERVICE, run_ask, finish_ask);
    if (!c) return NULL;
    c->discard = discard_ask;
    llmcs_shop_ask_params_init(&c->in_.ask);
    c->text = get_string(env, a[1], "text", &c->text_bytes, &c->memory);
    if (c->text) get_fields(env, a[2], "a parameter of ask", ask_fields, &c->in_.ask, &c->memory);
    return call_start(env, c);
}

static void run_mask(call *c) {
    const llmcs_shop_guard *guard = llmcs_shop_service_guard(c->on->object);
    if (!guard)
        c->status = llmcs_set_error(LLMCS_STATE, "this service has no guard");
    else if (!(c->status = llmcs_shop_names_create(NULL, NULL, NULL, NULL, &c->names)))
        c->status = llmcs_shop_mask(guard, c->names, c->text, c->text_bytes, NULL, &c->out.masked);
}

static void discard_mask(call *c) {
    llmcs_shop_masked_free(&c->out.masked);
    llmcs_shop_names_free(&c->names);
}

static napi_value finish_mask(napi_env env, call *c) {
    const llmcs_shop_masked *m = c->out.masked;
    napi_value object, spans, names = wrap_object(env, KIND_NAMES, c->names, NULL);
    c->names = NULL;
    if (!names) return NULL;
    napi_create_object(env, &object);
    set_text(env, object, "text", m->text, m->text_bytes);
    napi_create_array_with_length(env, m->n_spans, &spans);
    for (size_t i = 0; i < m->n_spans; i++) {
        const llmcs_shop_masked_span *s = m->spans[i];
        napi_value one;
        napi_create_object(env, &one);
        set_string(env, one, "name", s->name);
        set_string(env, one, "kind", llmcs_shop_pii_name(s->kind));
        set_string(env, one, "rule", s->rule);
        set_text(env, one, "value", c->text + s->begin, s->end - s->begin);
        napi_set_element(env, spans, (uint32_t)i, one);
    }
    napi_set_named_property(env, object, "spans", spans);
    napi_set_named_property(env, object, "names", names);
    return object;
}

/* mask(service, text) */
napi_value mask(napi_env env, napi_callback_info info) {
    napi_value a[2];
    call *c = call_of(env, info, a, 2, KIND_SERVICE, run_mask, finish_mask);
    if (!c) return NULL;
    c->discard = discard_mask;
    c->text = get_string(env, a[1], "text", &c->text_bytes, &c->memory);
    return call_start(env, c);
}

/* unmask(names, text): on the loop's thread, the only one that uses names; a search for placeholders. */
napi_value unmask(napi_env env, napi_callback_info info) {
    napi_value a[2], text = NULL;
    handle *h;
    arena memory = {0};
    size_t n = 0, n_out = 0;
    if (!get_args(env, info, a, 2) || !(h = handle_of(env, a[0], KIND_NAMES))) return NULL;
    const char *masked = get_string(env, a[1], "text", &n, &memory);
    char *out = NULL;
    if (masked) {
        llmcs_status status = llmcs_shop_unmask(h->object, masked, n, NULL, 0, &n_out);
        if (status != LLMCS_BUFFER && status)
            throw_status(env, status);
        else if (!(out = arena_alloc(&memory, n_out + 1, 1)))
            no_memory(env);
        else if ((status = llmcs_shop_unmask(h->object, masked, n, out, n_out + 1, &n_out)))
            throw_status(env, status);
        else
            napi_create_string_utf8(env, out, n_out, &text);
    }
    arena_free(&memory);
    return text;
}
