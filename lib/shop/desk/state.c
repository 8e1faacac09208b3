/*
 * Loads and stores a conversation. Every customer value is masked before it is written; the customer's vault maps the
 * names back to the values.
 */
#include <string.h>

#include "shop/base/clock.h"
#include "shop/desk/desk.h"
#include "shop/store/rows.h"

enum { MAX_NODES = 20000, SUMMARY_TEXT = 300 };

/* ---- writing the state */

static void put_comma(desk_buffer *b) {
    if (b->n && b->text[b->n - 1] != '{' && b->text[b->n - 1] != '[' && b->text[b->n - 1] != ',') desk_puts(b, ",");
}

static void put_key(desk_buffer *b, const char *key) {
    put_comma(b);
    desk_put_json(b, key);
    desk_puts(b, ":");
}

static llmcs_status put_masked(desk_turn *t, desk_buffer *b, const char *key, const char *value) {
    const char *masked;
    if (!value) return LLMCS_OK;
    SHOP_TRY(desk_mask(t, value, &masked));
    put_key(b, key);
    desk_put_json(b, masked);
    return LLMCS_OK;
}

static llmcs_status put_masked_list(desk_turn *t, desk_buffer *b, const char *key, const char *const *values,
                                    size_t n) {
    if (!n) return LLMCS_OK;
    put_key(b, key);
    desk_puts(b, "[");
    for (size_t i = 0; i < n; i++) {
        const char *masked;
        SHOP_TRY(desk_mask(t, values[i], &masked));
        put_comma(b);
        desk_put_json(b, masked);
    }
    desk_puts(b, "]");
    return LLMCS_OK;
}

static llmcs_status put_slots(desk_turn *t, desk_buffer *b, const char *key, const char *const *slots) {
    put_key(b, key);
    desk_puts(b, "{");
    for (size_t i = 0; i < t->flows->n_slots; i++) {
        const char *masked;
        if (!slots[i]) continue;
        SHOP_TRY(desk_mask_slot(t, (int)i, slots[i], &masked));
        put_key(b, t->flows->slots[i].name);
        desk_put_json(b, masked);
    }
    desk_puts(b, "}");
    return LLMCS_OK;
}

static llmcs_status put_acts(desk_turn *t, desk_buffer *b, const desk_frame *frame) {
    put_key(b, "acts");
    desk_puts(b, "[");
    for (size_t i = 0; i < frame->n_acts; i++) {
        const desk_act_record *r = &frame->acts[i];
        put_comma(b);
        desk_puts(b, "{\"flow\":");
        desk_put_json(b, t->flows->flows[r->flow].name);
        desk_putf(b, ",\"op\":%d,\"action\":", r->op);
        desk_put_json(b, t->flows->actions[r->action].name);
        desk_putf(b, ",\"state\":\"%s\",\"key\":\"%s\"", llmcs_shop_action_state_name(r->state), r->key);
        SHOP_TRY(put_masked(t, b, "object", r->object));
        desk_puts(b, ",\"answer\":{");
        for (const desk_json *one = r->answer ? r->answer->first : NULL; one; one = one->next)
            if (one->type == DESK_JSON_STRING || one->type == DESK_JSON_NUMBER)
                SHOP_TRY(put_masked(t, b, one->key, one->text));
        desk_puts(b, "}}");
    }
    desk_puts(b, "]");
    return LLMCS_OK;
}

static llmcs_status put_frame(desk_turn *t, desk_buffer *b, const desk_frame *frame) {
    put_comma(b);
    desk_puts(b, "{\"flow\":");
    desk_put_json(b, t->flows->flows[frame->flow].name);
    desk_putf(b, ",\"serial\":%lld,\"asked\":%d,\"tries\":%d,\"asked_at\":%lld,\"yes\":\"%016llx\",\"refused\":%d",
              (long long)frame->serial, frame->asked, frame->tries, (long long)frame->asked_at,
              (unsigned long long)frame->yes, frame->refused);
    put_key(b, "said");
    desk_puts(b, "[");
    for (int i = 0; i < DESK_MAX_OPS; i++)
        if (frame->said[i / 8] >> (i % 8) & 1) put_comma(b), desk_putf(b, "%d", i);
    desk_puts(b, "]");
    if (frame->origin != frame->flow) put_key(b, "origin"), desk_put_json(b, t->flows->flows[frame->origin].name);
    if (frame->shown >= 0) desk_putf(b, ",\"shown\":%d", frame->shown);
    SHOP_TRY(put_masked_list(t, b, "narrowed", frame->narrowed, frame->n_narrowed));
    SHOP_TRY(put_masked(t, b, "part", frame->part));
    if (frame->by_label) put_key(b, "by_label"), desk_puts(b, "true");
    SHOP_TRY(put_slots(t, b, "slots", frame->slots));
    SHOP_TRY(put_acts(t, b, frame));
    desk_puts(b, "}");
    return LLMCS_OK;
}

static llmcs_status put_queue(desk_turn *t, desk_buffer *b) {
    const desk_conversation *c = t->c;
    put_key(b, "queue");
    desk_puts(b, "[");
    for (size_t i = 0; i < c->n_queue; i++) {
        put_comma(b);
        desk_puts(b, "{\"label\":");
        desk_put_json(b, c->queue[i].label);
        if (c->queue[i].flow >= 0) put_key(b, "flow"), desk_put_json(b, t->flows->flows[c->queue[i].flow].name);
        if (c->queue[i].entry) put_key(b, "entry"), desk_put_json(b, c->queue[i].entry);
        SHOP_TRY(put_masked(t, b, "text", c->queue[i].text));
        desk_puts(b, "}");
    }
    desk_puts(b, "]");
    put_key(b, "choices");
    desk_puts(b, "[");
    for (size_t i = 0; i < c->n_choices; i++) {
        put_comma(b);
        desk_put_json(b, t->flows->flows[c->choices[i].flow].name);
    }
    desk_puts(b, "]");
    return put_masked(t, b, "choice_text", c->n_choices ? c->choice_text : NULL);
}

/* Writes the focus. The words of a search are the customer's, so they are masked. */
static llmcs_status put_focus(desk_turn *t, desk_buffer *b) {
    const desk_conversation *c = t->c;
    const char *entry = t->out.n_citations ? t->citations[t->out.n_citations - 1]->id : NULL;
    const char *given = entry ? entry : c->given;
    if (!c->products_at && !c->orders_at && !c->thread && !c->topic && !given) return LLMCS_OK;
    put_key(b, "spoken");
    desk_putf(b, "{\"kind\":%d,\"products_at\":%lld,\"orders_at\":%lld,\"least\":%g,\"most\":%g", (int)c->spoken,
              (long long)c->products_at, (long long)c->orders_at, c->search.least, c->search.most);
    if (c->topic) desk_putf(b, ",\"topic_at\":%lld", (long long)c->topic_at);
    SHOP_TRY(put_masked(t, b, "topic", c->topic));
    SHOP_TRY(put_masked(t, b, "text", c->search.text));
    SHOP_TRY(put_masked(t, b, "without", c->search.without));
    SHOP_TRY(put_masked(t, b, "colour", c->search.colour));
    SHOP_TRY(put_masked(t, b, "size", c->search.size));
    if (c->thread_at == c->n_turns + 1) SHOP_TRY(put_masked(t, b, "thread", c->thread));
    if (entry) put_key(b, "entry"), desk_put_json(b, entry);
    if (given) put_key(b, "given"), desk_put_json(b, given);
    if (given) desk_putf(b, ",\"given_at\":%lld", (long long)(entry ? c->n_turns + 1 : c->given_at));
    desk_puts(b, "}");
    return LLMCS_OK;
}

static llmcs_status write_state(desk_turn *t, desk_buffer *b) {
    const desk_conversation *c = t->c;
    desk_putf(b, "{\"flows\":\"%016llx\",\"serial\":%lld,\"unknown\":%d,\"sorry\":%d",
              (unsigned long long)t->flows->fingerprint, (long long)c->serial, c->unknown, (int)c->sorry);
    if (c->repeats) desk_putf(b, ",\"repeats\":%d", c->repeats);
    if (c->retry) put_key(b, "retry"), desk_put_json(b, t->flows->flows[c->retry - 1].name);
    if (c->resume) put_key(b, "resume"), desk_put_json(b, t->flows->flows[c->resume - 1].name);
    if (c->resume && c->lacks_object) put_key(b, "lacks_object"), desk_puts(b, "true");
    if (c->about) put_key(b, "about"), desk_put_json(b, c->about);
    SHOP_TRY(put_focus(t, b));
    if (c->n_listed) put_key(b, "listed"), desk_puts(b, "[");
    for (size_t i = 0; i < c->n_listed; i++) put_comma(b), desk_put_json(b, c->listed[i]);
    if (c->n_listed) desk_puts(b, "]");
    SHOP_TRY(put_masked_list(t, b, "offered", c->offered, c->n_offered));
    SHOP_TRY(put_masked(t, b, "did", c->did));
    if (c->done) put_key(b, "done"), desk_put_json(b, t->flows->flows[c->done - 1].name);
    if (c->resume && c->kept) put_key(b, "kept"), desk_puts(b, "true");
    if (c->resume && c->acted) put_key(b, "acted"), desk_puts(b, "true");
    if (c->focus) desk_putf(b, ",\"focus\":%lld", (long long)c->focus);
    SHOP_TRY(put_slots(t, b, "mentioned", c->mentioned));
    put_key(b, "frames");
    desk_puts(b, "[");
    for (size_t i = 0; i < c->n_frames; i++) SHOP_TRY(put_frame(t, b, c->frames[i]));
    desk_puts(b, "]");
    SHOP_TRY(put_queue(t, b));
    desk_puts(b, "}");
    return b->status;
}

/* ---- reading the state */

static llmcs_status get_unmasked(desk_turn *t, const desk_json *object, const char *key, const char **value) {
    const char *masked = desk_json_text(object, key, NULL);
    *value = NULL;
    return masked ? desk_unmask(t, masked, value) : LLMCS_OK;
}

static llmcs_status get_masked_list(desk_turn *t, const desk_json *list, const char **values, size_t *n) {
    for (const desk_json *one = list ? list->first : NULL; one && *n < DESK_MAX_LISTED; one = one->next) {
        if (one->type != DESK_JSON_STRING) continue;
        SHOP_TRY(desk_unmask(t, one->text, &values[*n]));
        ++*n;
    }
    return LLMCS_OK;
}

static llmcs_status get_slots(desk_turn *t, const desk_json *object, const char **slots) {
    for (size_t i = 0; i < t->flows->n_slots; i++)
        SHOP_TRY(get_unmasked(t, object, t->flows->slots[i].name, &slots[i]));
    return LLMCS_OK;
}

static int find_action(const desk_flows *f, const char *name) {
    for (size_t i = 0; i < f->n_actions; i++)
        if (!strcmp(f->actions[i].name, name)) return (int)i;
    return -1;
}

/* Skips an action that the current flows.json lacks. Its key stays in the table. */
static llmcs_status get_act(desk_turn *t, const desk_json *json, desk_frame *frame) {
    if (frame->n_acts == DESK_MAX_ACTS) return LLMCS_OK;
    desk_act_record *r = &frame->acts[frame->n_acts];
    const char *key = desk_json_text(json, "key", "");
    *r = (desk_act_record){.flow = desk_find_flow(t->flows, desk_json_text(json, "flow", "")),
                           .op = (int)desk_json_number(json, "op", -1),
                           .action = find_action(t->flows, desk_json_text(json, "action", "")),
                           .state = desk_action_state(desk_json_text(json, "state", "")),
                           .key = key,
                           .answer = desk_json_get(json, "answer")};
    if (r->flow < 0 || r->action < 0) return LLMCS_OK;
    SHOP_TRY(get_unmasked(t, json, "object", &r->object));
    if (!r->object) r->object = "";
    frame->n_acts++;
    return LLMCS_OK;
}

static uint64_t read_hex(const char *text) {
    uint64_t value = 0;
    for (; *text; text++) {
        const char *digits = "0123456789abcdef", *at = strchr(digits, *text);
        if (at) value = value << 4 | (uint64_t)(at - digits);
    }
    return value;
}

/* same: false if flows.json has changed. Operation numbers then differ, so progress starts over; slots are kept. */
static llmcs_status get_frame(desk_turn *t, const desk_json *json, bool same) {
    desk_conversation *c = t->c;
    desk_frame *frame;
    const int flow = desk_find_flow(t->flows, desk_json_text(json, "flow", ""));
    if (flow < 0 || c->n_frames == DESK_MAX_FRAMES) return LLMCS_OK;
    SHOP_TRY(shop_arena_alloc(t->arena, 1, sizeof *frame, &frame));
    *frame = (desk_frame){
        .flow = flow, .serial = (int64_t)desk_json_number(json, "serial", 0), .asked = -1, .refused = -1, .shown = -1};
    frame->origin = desk_find_flow(t->flows, desk_json_text(json, "origin", ""));
    if (frame->origin < 0) frame->origin = flow;
    SHOP_TRY(get_slots(t, desk_json_get(json, "slots"), frame->slots));
    c->frames[c->n_frames++] = frame;
    if (!same) return LLMCS_OK;
    const int n_ops = (int)t->flows->flows[flow].n_ops;
    frame->asked = (int)desk_json_number(json, "asked", -1);
    frame->refused = (int)desk_json_number(json, "refused", -1);
    frame->tries = (int)desk_json_number(json, "tries", 0);
    frame->asked_at = (int64_t)desk_json_number(json, "asked_at", 0);
    frame->yes = read_hex(desk_json_text(json, "yes", "0"));
    frame->shown = (int)desk_json_number(json, "shown", -1);
    SHOP_TRY(get_masked_list(t, desk_json_get(json, "narrowed"), frame->narrowed, &frame->n_narrowed));
    SHOP_TRY(get_unmasked(t, json, "part", &frame->part));
    frame->by_label = desk_json_number(json, "by_label", 0) != 0;
    const desk_op_kind kind =
        frame->asked >= 0 && frame->asked < n_ops ? t->flows->flows[flow].ops[frame->asked].kind : DESK_OP_END;
    if (kind != DESK_OP_SLOT && kind != DESK_OP_CONFIRM) frame->asked = -1;
    const desk_json *said = desk_json_get(json, "said"), *acts = desk_json_get(json, "acts");
    for (const desk_json *one = said ? said->first : NULL; one; one = one->next)
        if (one->number >= 0 && one->number < DESK_MAX_OPS)
            frame->said[(int)one->number / 8] |= (unsigned char)(1 << ((int)one->number % 8));
    for (const desk_json *one = acts ? acts->first : NULL; one; one = one->next) SHOP_TRY(get_act(t, one, frame));
    return LLMCS_OK;
}

static llmcs_status get_queue(desk_turn *t, const desk_json *root) {
    desk_conversation *c = t->c;
    const desk_json *queue = desk_json_get(root, "queue"), *choices = desk_json_get(root, "choices");
    for (const desk_json *one = queue ? queue->first : NULL; one && c->n_queue < DESK_MAX_QUEUE; one = one->next) {
        desk_request *w = &c->queue[c->n_queue];
        const char *label = desk_json_text(one, "label", "");
        const desk_intent *intent = desk_find_intent(t->flows, label);
        *w = (desk_request){.label = label, .score = 1, .flow = -1};
        if (intent && intent->kind == DESK_INTENT_FLOW) w->flow = intent->flow;
        if (intent && intent->kind == DESK_INTENT_ENTRY) w->entry = intent->entry;
        if (desk_json_get(one, "flow")) w->flow = desk_find_flow(t->flows, desk_json_text(one, "flow", ""));
        if (desk_json_get(one, "entry")) w->entry = desk_json_text(one, "entry", NULL);
        SHOP_TRY(get_unmasked(t, one, "text", &w->text));
        if (w->text) c->n_queue++;
    }
    for (const desk_json *one = choices ? choices->first : NULL; one && c->n_choices < DESK_MAX_CHOICES;
         one = one->next) {
        const int flow = desk_find_flow(t->flows, one->text);
        if (flow >= 0 && t->flows->flows[flow].title) c->choices[c->n_choices++].flow = flow;
    }
    return get_unmasked(t, root, "choice_text", &c->choice_text);
}

/* Reads the number of a turn; 0 if it is none of this conversation. */
static int64_t read_turn(const desk_conversation *c, const desk_json *focus, const char *key) {
    const double turn = desk_json_number(focus, key, 0);
    return turn >= 0 && turn <= (double)c->n_turns ? (int64_t)turn : 0;
}

static llmcs_status get_focus(desk_turn *t, const desk_json *focus) {
    desk_conversation *c = t->c;
    if (!focus) return LLMCS_OK;
    const int kind = (int)desk_json_number(focus, "kind", 0);
    c->spoken = kind == DESK_SPOKEN_PRODUCTS || kind == DESK_SPOKEN_ORDERS ? (desk_spoken)kind : DESK_SPOKEN_NONE;
    c->products_at = read_turn(c, focus, "products_at");
    c->orders_at = read_turn(c, focus, "orders_at");
    c->search.least = desk_json_number(focus, "least", 0);
    c->search.most = desk_json_number(focus, "most", 0);
    c->topic_at = read_turn(c, focus, "topic_at");
    SHOP_TRY(get_unmasked(t, focus, "topic", &c->topic));
    SHOP_TRY(get_unmasked(t, focus, "text", &c->search.text));
    SHOP_TRY(get_unmasked(t, focus, "without", &c->search.without));
    SHOP_TRY(get_unmasked(t, focus, "colour", &c->search.colour));
    SHOP_TRY(get_unmasked(t, focus, "size", &c->search.size));
    SHOP_TRY(get_unmasked(t, focus, "thread", &c->thread));
    c->entry = desk_json_text(focus, "entry", NULL);
    c->given = desk_json_text(focus, "given", NULL);
    c->given_at = read_turn(c, focus, "given_at");
    return LLMCS_OK;
}

static llmcs_status read_state(desk_turn *t, shop_connection *c, const char *text, size_t n) {
    const desk_json *root;
    if (!n) return LLMCS_OK;
    SHOP_TRY(desk_json_parse(c, t->arena, "conversation", text, n, MAX_NODES, &root));
    const bool same = read_hex(desk_json_text(root, "flows", "")) == t->flows->fingerprint;
    t->c->serial = (int64_t)desk_json_number(root, "serial", 0);
    t->c->unknown = (int)desk_json_number(root, "unknown", 0);
    t->c->repeats = (int)desk_json_number(root, "repeats", 0);
    t->c->retry = desk_find_flow(t->flows, desk_json_text(root, "retry", "")) + 1;
    t->c->resume = desk_find_flow(t->flows, desk_json_text(root, "resume", "")) + 1;
    t->c->lacks_object = desk_json_number(root, "lacks_object", 0) != 0;
    t->c->about = desk_json_text(root, "about", NULL);
    SHOP_TRY(get_focus(t, desk_json_get(root, "spoken")));
    const desk_json *listed = desk_json_get(root, "listed");
    for (const desk_json *one = listed ? listed->first : NULL; one && t->c->n_listed < DESK_MAX_LISTED; one = one->next)
        if (one->type == DESK_JSON_STRING) t->c->listed[t->c->n_listed++] = one->text;
    SHOP_TRY(get_masked_list(t, desk_json_get(root, "offered"), t->c->offered, &t->c->n_offered));
    SHOP_TRY(get_unmasked(t, root, "did", &t->c->did));
    t->done_before = desk_find_flow(t->flows, desk_json_text(root, "done", "")) + 1;
    t->c->acted = desk_json_number(root, "acted", 0) != 0;
    t->c->kept = desk_json_number(root, "kept", 0) != 0;
    t->c->focus = (int64_t)desk_json_number(root, "focus", 0);
    t->c->sorry = desk_json_number(root, "sorry", 0) != 0;
    SHOP_TRY(get_slots(t, desk_json_get(root, "mentioned"), t->c->mentioned));
    const desk_json *frames = desk_json_get(root, "frames");
    for (const desk_json *one = frames ? frames->first : NULL; one; one = one->next) SHOP_TRY(get_frame(t, one, same));
    return get_queue(t, root);
}

/* ---- loading */

static llmcs_status copy_column(desk_turn *t, const shop_query *q, int column, const char **out) {
    size_t n;
    const char *text = shop_query_text(q, column, &n);
    return shop_arena_copy(t->arena, text, n, out);
}

/* Reads the columns of the conversation; *state: its JSON. */
static llmcs_status load_row(desk_turn *t, shop_connection *c, int64_t *owner, const char **state) {
    desk_conversation *v = t->c;
    shop_query q;
    *owner = -1;
    *state = "";
    SHOP_TRY(shop_query_begin(c, &q,
                              "SELECT row, customer, status, lang, priority, reason, summary, acting, state, turns"
                              " FROM conversations WHERE id = ?1",
                              "s", t->message->conversation));
    SHOP_TRY(shop_query_next(&q));
    llmcs_status status = LLMCS_OK;
    if (q.has_row) {
        v->row = shop_query_int(&q, 0);
        *owner = shop_query_is_null(&q, 1) ? -1 : shop_query_int(&q, 1);
        v->priority = (int)shop_query_int(&q, 4);
        v->n_turns = shop_query_int(&q, 9);
        status = copy_column(t, &q, 2, &v->status);
        if (!status) status = copy_column(t, &q, 3, &v->lang);
        if (!status) status = copy_column(t, &q, 5, &v->reason);
        if (!status) status = copy_column(t, &q, 6, &v->summary);
        if (!status && !shop_query_is_null(&q, 7)) status = copy_column(t, &q, 7, &v->acting);
        if (!status) status = copy_column(t, &q, 8, state);
    }
    shop_query_end(&q);
    return status;
}

/* Finds the logged-in customer, who may have no row in the store. */
static llmcs_status load_customer(desk_turn *t, shop_connection *c) {
    shop_query q;
    t->c->customer = -1;
    t->c->customer_id = t->message->customer;
    if (!t->message->customer) return LLMCS_OK;
    SHOP_TRY(shop_query_begin(c, &q, "SELECT row, lang FROM customers WHERE id = ?1", "s", t->message->customer));
    SHOP_TRY(shop_query_next(&q));
    llmcs_status status = LLMCS_OK;
    if (q.has_row) {
        t->c->customer = shop_query_int(&q, 0);
        if (!*t->c->lang) status = copy_column(t, &q, 1, &t->c->lang);
    }
    shop_query_end(&q);
    return status;
}

static llmcs_shop_desk_route route_by_name(const char *name) {
    for (int i = 0; i <= LLMCS_DESK_SILENT; i++)
        if (!strcmp(llmcs_shop_desk_route_name((llmcs_shop_desk_route)i), name)) return (llmcs_shop_desk_route)i;
    return LLMCS_DESK_NONE;
}

static llmcs_status restore_citations(desk_turn *t, const desk_json *list) {
    for (const desk_json *one = list ? list->first : NULL; one && t->out.n_citations < DESK_MAX_CITATIONS;
         one = one->next) {
        llmcs_shop_citation *c;
        SHOP_TRY(shop_arena_alloc(t->arena, 1, sizeof *c, &c));
        *c = (llmcs_shop_citation){.id = desk_json_text(one, "id", ""),
                                   .lang = desk_json_text(one, "lang", ""),
                                   .version = (int32_t)desk_json_number(one, "version", 0),
                                   .entry_begin = (size_t)desk_json_number(one, "entry_begin", 0),
                                   .entry_end = (size_t)desk_json_number(one, "entry_end", 0),
                                   .reply_begin = (size_t)desk_json_number(one, "reply_begin", 0),
                                   .reply_end = (size_t)desk_json_number(one, "reply_end", 0)};
        t->citations[t->out.n_citations++] = c;
    }
    return LLMCS_OK;
}

/* Restores the answer to this message id from the columns of its turn. */
static llmcs_status restore_turn(desk_turn *t, shop_connection *c, const shop_query *q) {
    llmcs_shop_turn *o = &t->out;
    const char *masked, *route, *detail;
    const desk_json *root;
    SHOP_TRY(copy_column(t, q, 1, &masked));
    SHOP_TRY(copy_column(t, q, 2, &route));
    SHOP_TRY(copy_column(t, q, 3, &o->intent));
    SHOP_TRY(copy_column(t, q, 4, &o->lang));
    SHOP_TRY(copy_column(t, q, 5, &detail));
    o->number = shop_query_int(q, 0);
    o->repeated = 1;
    o->route = route_by_name(route);
    SHOP_TRY(desk_unmask(t, masked, &masked));
    desk_puts(&t->reply, masked);
    SHOP_TRY(desk_json_parse(c, t->arena, "turn", detail, strlen(detail), MAX_NODES, &root));
    o->flow = desk_json_text(root, "flow", "");
    o->expects = (llmcs_shop_expects)(int)desk_json_number(root, "expects", 0);
    o->expected_slot = desk_json_text(root, "expected_slot", "");
    o->intent_score = desk_json_number(root, "intent_score", 0);
    o->out_of_scope = desk_json_number(root, "out_of_scope", 0);
    o->probability = desk_json_number(root, "probability", 0);
    o->sentiment = desk_json_text(root, "sentiment", "");
    o->sentiment_score = desk_json_number(root, "sentiment_score", 0);
    o->verdict = desk_json_text(root, "verdict", "");
    const desk_json *action = desk_json_get(root, "action"), *handover = desk_json_get(root, "handover");
    const desk_json *slots = desk_json_get(root, "slots"), *products = desk_json_get(root, "products");
    o->action = desk_json_text(action, "name", "");
    o->action_object = desk_json_text(action, "object", "");
    o->action_key = desk_json_text(action, "key", "");
    if (action && action->type == DESK_JSON_OBJECT)
        o->action_state = desk_action_state(desk_json_text(action, "state", ""));
    o->handover_reason = desk_json_text(handover, "reason", "");
    o->handover_priority = (int32_t)desk_json_number(handover, "priority", 0);
    o->handover_summary = desk_json_text(handover, "summary", "");
    for (const desk_json *one = products ? products->first : NULL; one && o->n_products < DESK_MAX_PRODUCTS;
         one = one->next)
        t->products[o->n_products++] = one->text;
    llmcs_shop_slot *list;
    SHOP_TRY(shop_arena_alloc(t->arena, slots ? slots->n : 0, sizeof *list, &list));
    for (const desk_json *one = slots ? slots->first : NULL; one; one = one->next) {
        list[o->n_slots].name = one->key;
        SHOP_TRY(desk_unmask(t, one->text, &list[o->n_slots++].value));
    }
    o->slots = list;
    return restore_citations(t, desk_json_get(root, "citations"));
}

static llmcs_status find_answered(desk_turn *t, shop_connection *c, bool *answered) {
    shop_query q;
    *answered = false;
    if (!t->message->id || !t->c->row) return LLMCS_OK;
    SHOP_TRY(shop_query_begin(c, &q,
                              "SELECT number, reply, route, intent, lang, detail FROM turns"
                              " WHERE conversation = ?1 AND message_id = ?2",
                              "is", t->c->row, t->message->id));
    SHOP_TRY(shop_query_next(&q));
    *answered = q.has_row;
    const llmcs_status status = q.has_row ? restore_turn(t, c, &q) : LLMCS_OK;
    shop_query_end(&q);
    return status;
}

static llmcs_status load_last(desk_turn *t, shop_connection *c) {
    desk_conversation *v = t->c;
    const char **const columns[] = {&v->last_user, &v->last_reply, &v->last_route, &v->last_intent};
    shop_query q;
    llmcs_status status = LLMCS_OK;
    v->last_user = v->last_reply = v->last_route = v->last_intent = "";
    if (!v->n_turns) return LLMCS_OK;
    SHOP_TRY(shop_query_begin(c, &q,
                              "SELECT text, reply, route, intent FROM turns WHERE conversation = ?1 AND number = ?2",
                              "ii", v->row, v->n_turns));
    SHOP_TRY(shop_query_next(&q));
    for (int i = 0; q.has_row && i < 4 && !status; i++) status = copy_column(t, &q, i, columns[i]);
    shop_query_end(&q);
    return status;
}

static llmcs_status load_from(desk_turn *t, shop_connection *c, bool *answered) {
    int64_t owner;
    const char *state;
    desk_conversation *v = t->c;
    SHOP_TRY(load_row(t, c, &owner, &state));
    SHOP_TRY(load_customer(t, c));
    SHOP_TRY(desk_names_load(t, c));
    t->foreign = owner >= 0 && owner != v->customer;
    if (t->foreign)
        return shop_fail(LLMCS_STATE, "conversation: it belongs to another customer than the one logged in");
    SHOP_TRY(find_answered(t, c, answered));
    if (*answered) return LLMCS_OK;
    v->stored = v->status;
    if (!strcmp(v->status, "closed")) v->status = "open";
    SHOP_TRY(load_last(t, c));
    return read_state(t, c, state, strlen(state));
}

llmcs_status desk_load(desk_turn *t, bool *answered) {
    shop_connection *c;
    desk_conversation *v;
    SHOP_TRY(shop_arena_alloc(t->arena, 1, sizeof *v, &v));
    *v = (desk_conversation){.customer = -1,
                             .status = "open",
                             .stored = "open",
                             .lang = "",
                             .reason = "",
                             .summary = "",
                             .last_user = "",
                             .last_reply = "",
                             .last_route = "",
                             .last_intent = ""};
    t->c = v;
    v->customer_id = t->message->customer;
    SHOP_TRY(shop_shared_read_begin(t->desk->shop, t->link, &c));
    const llmcs_status status = load_from(t, c, answered);
    shop_shared_read_end(t->desk->shop, c);
    return status;
}

/* ---- storing */

/* SQLite locks the whole file; on a server, lock the row. */
llmcs_status desk_find_conversation(shop_connection *c, const char *conversation, int64_t none, int64_t *row) {
    return c->driver ? shop_lookup_int(c, none, row, "SELECT row FROM conversations WHERE id = ?1 FOR UPDATE", "s",
                                       conversation)
                     : shop_lookup_int(c, none, row, "SELECT row FROM conversations WHERE id = ?1", "s", conversation);
}

llmcs_status desk_write_begin(desk_turn *t) {
    shop_connection *c;
    int64_t turns = 0, row, same = 1;
    if (t->writer) return LLMCS_OK;
    SHOP_TRY(shop_shared_write_begin(t->desk->shop, t->link, &c));
    llmcs_status status = desk_find_conversation(c, t->message->conversation, 0, &row);
    /* Serialises with other nodes: the same request in another conversation, and new names of the customer. */
    if (!status && t->message->customer) status = shop_lock(c, SHOP_LOCK_CUSTOMER, t->message->customer);
    if (!status) status = shop_lookup_int(c, 0, &turns, "SELECT turns FROM conversations WHERE row = ?1", "i", row);
    /* A person may have taken it or handed it back meanwhile. */
    if (!status && t->c->row)
        status = shop_lookup_int(c, 0, &same, "SELECT status = ?2 FROM conversations WHERE row = ?1", "is", row,
                                 t->c->stored);
    if (!status && !t->host_acted && !same) status = shop_fail(LLMCS_CHANGED, "conversation: its status changed");
    /* While a host action runs, other turns can only have reported that. */
    if (!status && !t->host_acted && (turns != t->c->n_turns || row != t->c->row))
        status = shop_fail(LLMCS_CHANGED, "conversation: another process answered in it");
    if (status) return shop_shared_write_end(t->desk->shop, c, status);
    t->c->n_turns = turns;
    t->writer = c;
    return LLMCS_OK;
}

llmcs_status desk_conversation_row(desk_turn *t, shop_connection *c) {
    if (t->c->customer < 0 && t->message->customer) /* known to the host, new to the store */
        SHOP_TRY(shop_customer_row(c, t->message->customer, &t->c->customer));
    return shop_lookup_int(
        c, 0, &t->c->row,
        "INSERT INTO conversations(id, customer, status, lang, priority, reason, summary, state, turns, started,"
        " time) VALUES(?1, nullif(?2, -1), 'open', ?3, 0, '', '', '', 0, ?4, ?4)"
        " ON CONFLICT(id) DO UPDATE SET customer = coalesce(conversations.customer, excluded.customer) RETURNING row",
        "sisi", t->message->conversation, t->c->customer, t->flows->langs[t->lang], t->now);
}

static llmcs_status put_detail(desk_turn *t, desk_buffer *b) {
    const llmcs_shop_turn *o = &t->out;
    desk_putf(
        b, "{\"expects\":%d,\"intent_score\":%.6g,\"out_of_scope\":%.6g,\"probability\":%.6g,\"sentiment_score\":%.6g",
        (int)o->expects, o->intent_score, o->out_of_scope, o->probability, o->sentiment_score);
    desk_putf(b, ",\"ms\":%.3f", shop_now_ms() - t->begin); /* up to this point, before storing */
    const struct {
        const char *key, *value;
    } texts[] = {
        {"flow", o->flow}, {"expected_slot", o->expected_slot}, {"sentiment", o->sentiment}, {"verdict", o->verdict}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        put_key(b, texts[i].key), desk_put_json(b, texts[i].value);
    put_key(b, "slots");
    desk_puts(b, "{");
    for (size_t i = 0; i < o->n_slots; i++) {
        const char *masked;
        SHOP_TRY(desk_mask_slot(t, desk_find_slot(t->flows, o->slots[i].name), o->slots[i].value, &masked));
        put_key(b, o->slots[i].name);
        desk_put_json(b, masked);
    }
    desk_puts(b, "},\"products\":[");
    for (size_t i = 0; i < o->n_products; i++) put_comma(b), desk_put_json(b, t->products[i]);
    desk_puts(b, "],\"citations\":[");
    for (size_t i = 0; i < o->n_citations; i++) {
        const llmcs_shop_citation *c = t->citations[i];
        put_comma(b);
        desk_puts(b, "{\"id\":");
        desk_put_json(b, c->id);
        put_key(b, "lang");
        desk_put_json(b, c->lang);
        desk_putf(b, ",\"version\":%d,\"entry_begin\":%lld,\"entry_end\":%lld,\"reply_begin\":%lld,\"reply_end\":%lld}",
                  c->version, (long long)c->entry_begin, (long long)c->entry_end, (long long)c->reply_begin,
                  (long long)c->reply_end);
    }
    desk_puts(b, "]");
    if (o->action_state) {
        desk_puts(b, ",\"action\":{\"name\":");
        desk_put_json(b, o->action);
        put_key(b, "object");
        desk_put_json(b, o->action_object);
        desk_putf(b, ",\"key\":\"%s\",\"state\":\"%s\"}", o->action_key, llmcs_shop_action_state_name(o->action_state));
    }
    if (*o->handover_reason) {
        desk_puts(b, ",\"handover\":{\"reason\":");
        desk_put_json(b, o->handover_reason);
        desk_putf(b, ",\"priority\":%d,\"summary\":", o->handover_priority);
        desk_put_json(b, o->handover_summary);
        desk_puts(b, "}");
    }
    desk_puts(b, "}");
    return b->status;
}

/* Makes the masked summary for the person who takes over: reason, intent, action and last message. */
static llmcs_status make_summary(desk_turn *t) {
    desk_buffer b = {.allocator = &t->desk->allocator};
    if (!t->handed_over) return LLMCS_OK;
    desk_puts(&b, t->out.handover_reason);
    if (*t->out.intent) desk_puts(&b, "; intent "), desk_puts(&b, t->out.intent);
    if (*t->out.action) {
        desk_puts(&b, "; action ");
        desk_puts(&b, t->out.action);
        desk_puts(&b, " ");
        desk_puts(&b, llmcs_shop_action_state_name(t->out.action_state));
        desk_puts(&b, ", key ");
        desk_puts(&b, t->out.action_key);
    }
    size_t n = strlen(t->masked);
    if (n > SUMMARY_TEXT)
        for (n = SUMMARY_TEXT; n && ((unsigned char)t->masked[n] & 0xc0) == 0x80;) n--;
    desk_puts(&b, ": ");
    desk_put(&b, t->masked, n);
    llmcs_status status = b.status;
    if (!status) status = shop_arena_copy(t->arena, desk_buffer_text(&b), b.n, &t->out.handover_summary);
    desk_buffer_free(&b);
    t->c->summary = t->out.handover_summary;
    return status;
}

static llmcs_status settle_host_action(desk_turn *t, shop_connection *c) {
    int64_t settled;
    char what[128];
    if (!t->host_acted) return LLMCS_OK;
    SHOP_TRY(shop_change(c, "UPDATE actions SET state = ?2 WHERE key = ?1 AND state = 'PENDING'", "ss", t->act.key,
                         llmcs_shop_action_state_name(t->act.state)));
    SHOP_TRY(shop_lookup_int(c, 0, &settled, "SELECT state = ?2 FROM actions WHERE key = ?1", "ss", t->act.key,
                             llmcs_shop_action_state_name(t->act.state)));
    /* Another process gave up waiting and declared it UNKNOWN. That stands; a person checks it. */
    if (!settled) return shop_fail(LLMCS_CHANGED, "action: it was declared UNKNOWN meanwhile");
    sqlite3_snprintf(sizeof what, what, "%.80s %s", t->flows->actions[t->act.action].name,
                     llmcs_shop_action_state_name(t->act.state));
    return desk_audit(c, "desk", "desk", what, t->act.key, NULL);
}

static llmcs_status write_conversation(desk_turn *t, shop_connection *c, const char *state) {
    const desk_conversation *v = t->c;
    if (t->keep_state)
        return shop_change(c, "UPDATE conversations SET turns = ?2, time = ?3 WHERE row = ?1", "iii", v->row,
                           t->out.number, t->now);
    return shop_change(c,
                       "UPDATE conversations SET status = CASE WHEN status = ?10 THEN ?2 ELSE status END, lang = ?3, "
                       "priority = ?4, reason = ?5, summary = ?6, state = ?7,"
                       " turns = ?8, time = ?9, acting = NULL WHERE row = ?1",
                       "ississsiis", v->row, v->status, t->flows->langs[t->lang], (int64_t)v->priority, v->reason,
                       v->summary, state, t->out.number, t->now, v->stored);
}

static llmcs_status write_turn(desk_turn *t, shop_connection *c, const char *reply, const char *detail,
                               const char *state) {
    char object[300];
    SHOP_TRY(desk_conversation_row(t, c));
    t->out.number = t->c->n_turns + 1;
    SHOP_TRY(settle_host_action(t, c));
    SHOP_TRY(desk_names_store(t, c));
    SHOP_TRY(write_conversation(t, c, state));
    SHOP_TRY(shop_change(
        c,
        "INSERT INTO turns(conversation, number, message_id, time, lang, text, reply, route, intent, agent, detail)"
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, NULL, ?10)",
        "iisissssss", t->c->row, t->out.number, t->message->id, t->now, t->flows->langs[t->lang], t->masked, reply,
        llmcs_shop_desk_route_name(t->out.route), t->out.intent, detail));
    if (!t->handed_over) return LLMCS_OK;
    sqlite3_snprintf(sizeof object, object, "conversation:%lld", (long long)t->c->row);
    return desk_audit(c, "desk", "desk", "handover", object, NULL);
}

llmcs_status desk_store(desk_turn *t) {
    desk_buffer state = {.allocator = &t->desk->allocator}, detail = {.allocator = &t->desk->allocator};
    const char *reply = "";
    /* Values of personal slots get their names first, so that all later texts are masked with them. */
    llmcs_status status = write_state(t, &state);
    if (!status) status = desk_mask(t, desk_buffer_text(&t->reply), &reply);
    if (!status) status = desk_mask_values(t, reply, &reply);
    if (!status) status = desk_mask_values(t, t->masked, &t->masked);
    if (!status) status = make_summary(t);
    if (!status) status = put_detail(t, &detail);
    if (!status) status = desk_write_begin(t);
    if (!status) {
        shop_connection *c = t->writer;
        t->writer = NULL;
        status = write_turn(t, c, reply, desk_buffer_text(&detail), desk_buffer_text(&state));
        status = shop_shared_write_end(t->desk->shop, c, status);
        t->doubtful = status == LLMCS_PENDING;
    }
    desk_buffer_free(&state);
    desk_buffer_free(&detail);
    if (status) t->out.number = 0;
    return status;
}
