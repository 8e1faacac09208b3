/*
 * Actions.
 *
 * An SQL action or a ticket takes effect in the transaction that stores the turn: both commit or neither does.
 *
 * A host action is recorded as PENDING in its own transaction before the host is called, and settled in the transaction
 * that stores the turn. A row that stays PENDING longer than its timeout counts as UNKNOWN: the process died in
 * between, or the store could not be written.
 */
#include <string.h>
#include <time.h>

#include "shop/base/hash.h"
#include "shop/desk/desk.h"

/* Wall-clock time, for deadlines that other processes read. */
static int64_t wall_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void desk_bind(const desk_turn *t, const desk_frame *frame, const char *key, desk_binding *b) {
    *b = (desk_binding){.flows = t->flows,
                        .slots = frame->slots,
                        .customer_id = t->c->customer_id,
                        .customer = t->c->customer,
                        .now = t->now,
                        .lang = t->flows->langs[t->lang],
                        .conversation = t->message->conversation,
                        .key = key};
}

/* ---- the host */

static llmcs_status ask_host(desk_turn *t, const desk_frame *frame, const desk_query *q, const char *key,
                             desk_host_outcome *outcome, llmcs_shop_action_state *state, const desk_json **answer) {
    llmcs_shop_slot *slots;
    const char *json;
    size_t n = 0;
    const double begin = shop_now_ms();
    *answer = NULL;
    SHOP_TRY(shop_arena_alloc(t->arena, t->flows->n_slots, sizeof *slots, &slots));
    for (size_t i = 0; i < t->flows->n_slots; i++)
        if (frame->slots[i]) slots[n++] = (llmcs_shop_slot){t->flows->slots[i].name, frame->slots[i]};
    const llmcs_shop_call_request request = {.name = q->name,
                                             .is_action = q->is_action,
                                             .key = key,
                                             .customer = t->c->customer_id ? t->c->customer_id : "",
                                             .conversation = t->message->conversation,
                                             .lang = t->flows->langs[t->lang],
                                             .slots = slots,
                                             .n_slots = n};
    const llmcs_status status = desk_host_call(t->desk->host, &request, t->arena, outcome, state, &json);
    t->out.ms.call += shop_now_ms() - begin;
    if (status || !json) return status;
    shop_connection *c;
    SHOP_TRY(shop_read_begin(t->desk->shop, &c));
    const llmcs_status parsed = desk_json_parse(c, t->arena, q->name, json, strlen(json), 10000, answer);
    shop_read_end(t->desk->shop, c);
    return parsed;
}

static llmcs_status host_rows(desk_turn *t, const desk_frame *frame, const desk_query *q, const desk_rows **out) {
    desk_host_outcome outcome;
    llmcs_shop_action_state state;
    const desk_json *answer;
    desk_rows *rows;
    desk_cell *cells;
    SHOP_TRY(ask_host(t, frame, q, "", &outcome, &state, &answer));
    if (outcome != DESK_HOST_ANSWERED || state != LLMCS_ACTION_DONE)
        return shop_fail(LLMCS_PENDING, "find %s: the host gave no answer", q->name);
    SHOP_TRY(shop_arena_alloc(t->arena, 1, sizeof *rows, &rows));
    const size_t n = answer ? shop_min(answer->n, DESK_MAX_ROWS) : 0;
    SHOP_TRY(shop_arena_alloc(t->arena, n * q->n_columns, sizeof *cells, &cells));
    const desk_json *row = answer ? answer->first : NULL;
    for (size_t r = 0; r < n; r++, row = row->next)
        for (size_t i = 0; i < q->n_columns; i++) {
            const desk_json *value = desk_json_get(row, q->columns[i]);
            if (!value || (value->type != DESK_JSON_STRING && value->type != DESK_JSON_NUMBER)) continue;
            cells[r * q->n_columns + i] = (desk_cell){value->text, value->number};
        }
    *rows = (desk_rows){n, q->n_columns, cells};
    *out = rows;
    return LLMCS_OK;
}

llmcs_status desk_find(desk_turn *t, const desk_frame *frame, int find, const desk_rows **rows) {
    desk_binding b;
    if (t->desk->find_by_host[find]) return host_rows(t, frame, &t->flows->finds[find], rows);
    desk_bind(t, frame, "", &b);
    return desk_find_rows(t->desk->readers, t->link, t->writer, find, &b, t->arena, rows);
}

/* ---- keys */

/* The idempotency key: a hash of conversation, frame, action and slot values. A retry of the same request gives the
 * same key. */
static llmcs_status make_key(desk_turn *t, const desk_frame *frame, const desk_query *action, const char **key) {
    desk_buffer b = {.allocator = &t->desk->allocator};
    char text[120];
    desk_puts(&b, t->message->conversation);
    desk_putf(&b, "\n%lld\n", (long long)frame->serial);
    desk_puts(&b, action->name);
    for (size_t i = 0; i < t->flows->n_slots; i++) {
        if (!frame->slots[i]) continue;
        desk_putf(&b, "\n%d=", (int)i);
        desk_puts(&b, frame->slots[i]);
    }
    const uint64_t first = shop_xxh64(desk_buffer_text(&b), b.n);
    desk_puts(&b, "\nagain");
    const uint64_t second = shop_xxh64(desk_buffer_text(&b), b.n);
    const llmcs_status status = b.status;
    desk_buffer_free(&b);
    SHOP_TRY(status);
    sqlite3_snprintf(sizeof text, text, "%.60s-%016llx%016llx", action->name, (unsigned long long)first,
                     (unsigned long long)second);
    return shop_arena_copy(t->arena, text, strlen(text), key);
}

static const char *const state_names[] = {"NONE", "DONE", "FAILED", "UNKNOWN", "PENDING"};

const char *llmcs_shop_action_state_name(llmcs_shop_action_state state) {
    return (unsigned)state < sizeof state_names / sizeof *state_names ? state_names[state] : "?";
}

llmcs_shop_action_state desk_action_state(const char *name) {
    for (size_t i = 0; i < sizeof state_names / sizeof *state_names; i++)
        if (!strcmp(state_names[i], name)) return (llmcs_shop_action_state)i;
    return LLMCS_ACTION_UNKNOWN;
}

/* Looks up the state recorded for this key. Also finds the same action on the same object that is still PENDING or
 * UNKNOWN under another key, and reports UNKNOWN for it. NONE: nothing is recorded. Call inside a write transaction. */
static llmcs_status look_up(desk_turn *t, shop_connection *c, const desk_query *action, const char *key,
                            const char *object, llmcs_shop_action_state *state) {
    shop_query q;
    size_t n;
    *state = LLMCS_ACTION_NONE;
    SHOP_TRY(shop_query_begin(
        c, &q,
        "SELECT state FROM actions WHERE key = ?1 UNION ALL SELECT 'UNKNOWN' FROM actions"
        " WHERE name = ?2 AND object = ?3 AND customer = ?4 AND state IN ('PENDING', 'UNKNOWN') LIMIT 1",
        "sssi", key, action->name, object, t->c->customer));
    SHOP_TRY(shop_query_next(&q));
    if (q.has_row) *state = desk_action_state(shop_query_text(&q, 0, &n));
    if (*state == LLMCS_ACTION_PENDING) *state = LLMCS_ACTION_UNKNOWN;
    shop_query_end(&q);
    return LLMCS_OK;
}

/* Builds {"slot": "masked value"} from the slots that the action records. */
static llmcs_status make_detail(desk_turn *t, const desk_frame *frame, const desk_query *action, const char **detail) {
    desk_buffer b = {.allocator = &t->desk->allocator};
    llmcs_status status = LLMCS_OK;
    desk_puts(&b, "{");
    for (size_t i = 0; i < action->n_detail && !status; i++) {
        const char *value = frame->slots[action->detail[i]], *masked;
        if (!value) continue;
        status = desk_mask_slot(t, action->detail[i], value, &masked);
        if (status) break;
        if (b.n > 1) desk_puts(&b, ",");
        desk_put_json(&b, t->flows->slots[action->detail[i]].name);
        desk_puts(&b, ":");
        desk_put_json(&b, masked);
    }
    desk_puts(&b, "}");
    if (!status) status = b.status;
    if (!status) status = shop_arena_copy(t->arena, desk_buffer_text(&b), b.n, detail);
    desk_buffer_free(&b);
    return status;
}

static llmcs_status insert_action(desk_turn *t, shop_connection *c, const desk_query *action, const desk_act_record *r,
                                  const char *detail, int64_t deadline) {
    SHOP_TRY(desk_conversation_row(t, c));
    return shop_change(c,
                       "INSERT INTO actions(key, conversation, customer, name, object, detail, state, deadline, time)"
                       " VALUES(?1, ?2, nullif(?3, -1), ?4, ?5, ?6, ?7, nullif(?8, 0), ?9)",
                       "siissssii", r->key, t->c->row, t->c->customer, action->name, r->object, detail,
                       state_names[r->state], deadline, t->now);
}

static llmcs_status audit_action(shop_connection *c, const desk_query *action, const desk_act_record *r) {
    char what[128];
    sqlite3_snprintf(sizeof what, what, "%.80s %s", action->name, state_names[r->state]);
    return desk_audit(c, "desk", "desk", what, r->key, NULL);
}

/* ---- acting */

static llmcs_status act_in_store(desk_turn *t, const desk_frame *frame, const desk_query *action, desk_act_record *r,
                                 const char *detail) {
    int64_t changed = 1;
    SHOP_TRY(desk_write_begin(t));
    SHOP_TRY(look_up(t, t->writer, action, r->key, r->object, &r->state));
    if (r->state != LLMCS_ACTION_NONE) return LLMCS_OK;
    if (action->sql) {
        desk_binding b;
        desk_bind(t, frame, r->key, &b);
        SHOP_TRY(desk_act(t->desk->readers, t->writer, action, &b, &changed));
    }
    r->state = changed ? LLMCS_ACTION_DONE : LLMCS_ACTION_FAILED;
    SHOP_TRY(insert_action(t, t->writer, action, r, detail, 0));
    return audit_action(t->writer, action, r);
}

/* Records PENDING before the host is called. */
static llmcs_status record_pending(desk_turn *t, const desk_query *action, desk_act_record *r, const char *detail) {
    SHOP_TRY(desk_write_begin(t));
    shop_connection *c = t->writer;
    t->writer = NULL;
    llmcs_status status = look_up(t, c, action, r->key, r->object, &r->state);
    if (!status && r->state == LLMCS_ACTION_NONE) {
        r->state = LLMCS_ACTION_PENDING;
        const int64_t deadline = wall_ms() + (int64_t)t->desk->call_timeout_ms + t->desk->shop->busy_ms + 1000;
        status = insert_action(t, c, action, r, detail, deadline);
        if (!status)
            status = shop_change(c, "UPDATE conversations SET acting = ?2 WHERE row = ?1", "is", t->c->row, r->key);
        if (!status) status = audit_action(c, action, r);
    }
    return shop_shared_write_end(t->desk->shop, c, status);
}

static llmcs_status act_by_host(desk_turn *t, const desk_frame *frame, const desk_query *action, desk_act_record *r,
                                const char *detail) {
    desk_host_outcome outcome;
    llmcs_shop_action_state state;
    if (t->writer)
        return shop_fail(LLMCS_CONFIG, "%s: action %s of the host follows one of the store in the same turn",
                         t->flows->path, action->name);
    SHOP_TRY(record_pending(t, action, r, detail));
    if (r->state != LLMCS_ACTION_PENDING) return LLMCS_OK;
    t->c->acting = r->key;
    t->host_acted = true;
    /* If the facts of the answer cannot be allocated, the host's outcome still stands. */
    outcome = DESK_HOST_LATE;
    state = LLMCS_ACTION_NONE;
    const llmcs_status status = ask_host(t, frame, action, r->key, &outcome, &state, &r->answer);
    if (status) shop_log(t->desk->shop, LLMCS_LOG_WARN, "action %s: %s", action->name, llmcs_error_message());
    r->state = outcome == DESK_HOST_ANSWERED    ? state
               : outcome == DESK_HOST_NOT_BEGUN ? LLMCS_ACTION_FAILED
                                                : LLMCS_ACTION_UNKNOWN;
    return LLMCS_OK;
}

static desk_act_record *find_record(desk_frame *frame, int at, const char *key) {
    for (size_t i = 0; i < frame->n_acts; i++) {
        desk_act_record *r = &frame->acts[i];
        if (r->flow == frame->flow && r->op == at && !strcmp(r->key, key)) return r;
    }
    return NULL;
}

llmcs_status desk_do(desk_turn *t, desk_frame *frame, const desk_op *op, int at, desk_act_record **record) {
    const desk_query *action = &t->flows->actions[op->index];
    const char *object = frame->slots[action->object], *key, *detail;
    SHOP_TRY(make_key(t, frame, action, &key));
    *record = find_record(frame, at, key);
    if (*record) return LLMCS_OK;
    if (frame->n_acts == DESK_MAX_ACTS)
        return shop_fail(LLMCS_CONFIG, "%s: more than %d actions in one dialogue", t->flows->path, DESK_MAX_ACTS);
    /* Reading flows.json already checked that a confirmation precedes this; here the customer's yes is checked. */
    if (action->destructive && frame->yes != desk_slots_hash(t, frame))
        return shop_fail(LLMCS_CONFIG, "%s: action %s: these values lack a confirmation", t->flows->path, action->name);
    desk_act_record *r = &frame->acts[frame->n_acts];
    *r = (desk_act_record){
        .flow = frame->flow, .op = at, .action = op->index, .key = key, .object = object ? object : ""};
    SHOP_TRY(make_detail(t, frame, action, &detail));
    SHOP_TRY(t->desk->action_by_host[op->index] ? act_by_host(t, frame, action, r, detail)
                                                : act_in_store(t, frame, action, r, detail));
    frame->n_acts++;
    t->act = *r;
    *record = r;
    return LLMCS_OK;
}

/* ---- actions left open by earlier turns */

llmcs_status desk_settle_acting(desk_turn *t, bool *busy, bool *lost) {
    shop_connection *c;
    int64_t deadline, pending = 0;
    *busy = *lost = false;
    if (!t->c->acting) return LLMCS_OK;
    SHOP_TRY(shop_shared_read_begin(t->desk->shop, t->link, &c));
    llmcs_status status =
        shop_lookup_int(c, 0, &deadline, "SELECT deadline FROM actions WHERE key = ?1", "s", t->c->acting);
    if (!status)
        status =
            shop_lookup_int(c, 0, &pending, "SELECT state = 'PENDING' FROM actions WHERE key = ?1", "s", t->c->acting);
    shop_shared_read_end(t->desk->shop, c);
    SHOP_TRY(status);
    *busy = pending && wall_ms() <= deadline;
    *lost = pending && !*busy;
    return LLMCS_OK;
}
