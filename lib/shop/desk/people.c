/* The staff side: take a conversation, reply in it, hand it back, read its history. */
#include <string.h>

#include "shop/desk/desk.h"
#include "shop/store/rows.h"

enum { MAX_TURNS = 1000 };

static llmcs_status check_call(const llmcs_shop_desk *desk, const char *conversation) {
    if (!desk) return shop_fail(LLMCS_STATE, "the desk is NULL");
    SHOP_TRY(shop_check(desk->shop));
    return shop_check_id("conversation", conversation);
}

/* Finds the row of a conversation inside a write. */
static llmcs_status find_conversation(shop_connection *c, const char *conversation, int64_t *row) {
    SHOP_TRY(desk_find_conversation(c, conversation, -1, row));
    return *row >= 0 ? LLMCS_OK : shop_fail(LLMCS_ARG, "conversation: no conversation has this id");
}

static llmcs_status audit_conversation(shop_connection *c, const char *agent, const char *action, int64_t row) {
    char object[64];
    sqlite3_snprintf(sizeof object, object, "conversation:%lld", (long long)row);
    return desk_audit(c, "agent", agent, action, object, NULL);
}

/* Sets the status of a conversation. agent: NULL for the host. A turn in progress finds the new status and is
 * repeated. */
static llmcs_status set_status(llmcs_shop_desk *desk, const char *conversation, const char *status_name,
                               const char *agent, const char *action, bool clean) {
    shop_connection *c;
    int64_t row;
    SHOP_TRY(check_call(desk, conversation));
    if (agent) SHOP_TRY(shop_check_id("agent", agent));
    SHOP_TRY(shop_shared_write_begin(desk->shop, NULL, &c));
    llmcs_status status = find_conversation(c, conversation, &row);
    if (!status && clean)
        status =
            shop_change(c,
                        "UPDATE conversations SET status = ?2, agent = NULL, priority = 0, reason = '', summary = '',"
                        " state = '', time = ?3 WHERE row = ?1",
                        "isi", row, status_name, desk_time(desk));
    if (!status && !clean)
        status = shop_change(c, "UPDATE conversations SET status = ?2, agent = ?3, time = ?4 WHERE row = ?1", "issi",
                             row, status_name, agent, desk_time(desk));
    if (!status) status = audit_conversation(c, agent ? agent : "host", action, row);
    return shop_shared_write_end(desk->shop, c, status);
}

llmcs_status llmcs_shop_desk_take_over(llmcs_shop_desk *desk, const char *conversation, const char *agent) {
    SHOP_PUBLIC_CALL;
    SHOP_TRY(shop_check_id("agent", agent));
    return set_status(desk, conversation, "person", agent, "take over", false);
}

llmcs_status llmcs_shop_desk_hand_back_by(llmcs_shop_desk *desk, const char *conversation, const char *agent) {
    SHOP_PUBLIC_CALL;
    return set_status(desk, conversation, "open", agent, "hand back", true);
}

llmcs_status llmcs_shop_desk_hand_back(llmcs_shop_desk *desk, const char *conversation) {
    return llmcs_shop_desk_hand_back_by(desk, conversation, NULL);
}

llmcs_status llmcs_shop_desk_close_by(llmcs_shop_desk *desk, const char *conversation, const char *agent) {
    SHOP_PUBLIC_CALL;
    return set_status(desk, conversation, "closed", agent, "close", true);
}

llmcs_status llmcs_shop_desk_close(llmcs_shop_desk *desk, const char *conversation) {
    return llmcs_shop_desk_close_by(desk, conversation, NULL);
}

/* ---- a person's reply */

/* Opens a turn struct that is used for masking only. */
static llmcs_status open_masks(llmcs_shop_desk *desk, shop_arena *arena, llmcs_shop_message *m, desk_turn *t) {
    *t = (desk_turn){.desk = desk, .flows = desk->flows, .message = m, .arena = arena};
    return desk_names_open(t);
}

/* Reads the customer of a conversation into the arena; NULL if it has none. */
static llmcs_status read_customer(shop_connection *c, shop_arena *arena, const char *conversation,
                                  const char **customer) {
    shop_query q;
    size_t n;
    *customer = NULL;
    SHOP_TRY(shop_query_begin(c, &q,
                              "SELECT u.id FROM conversations v JOIN customers u ON u.row = v.customer WHERE v.id = ?1",
                              "s", conversation));
    SHOP_TRY(shop_query_next(&q));
    llmcs_status status = LLMCS_OK;
    if (q.has_row) {
        const char *text = shop_query_text(&q, 0, &n);
        status = shop_arena_copy(arena, text, n, customer);
    }
    shop_query_end(&q);
    return status;
}

static llmcs_status store_reply(desk_turn *t, shop_connection *c, const char *agent, const char *text) {
    int64_t row, number;
    const char *masked;
    SHOP_TRY(find_conversation(c, t->message->conversation, &row));
    SHOP_TRY(read_customer(c, t->arena, t->message->conversation, (const char **)&t->message->customer));
    if (t->message->customer) SHOP_TRY(shop_lock(c, SHOP_LOCK_CUSTOMER, t->message->customer));
    SHOP_TRY(desk_names_load(t, c));
    SHOP_TRY(desk_mask(t, text, &masked));
    SHOP_TRY(desk_names_store(t, c));
    SHOP_TRY(shop_lookup_int(
        c, 0, &number,
        "UPDATE conversations SET turns = turns + 1, status = 'person', agent = ?2, time = ?3 WHERE row = ?1"
        " RETURNING turns",
        "isi", row, agent, desk_time(t->desk)));
    SHOP_TRY(
        shop_change(c,
                    "INSERT INTO turns(conversation, number, time, lang, text, reply, route, intent, agent, detail)"
                    " SELECT ?1, ?2, ?3, lang, '', ?4, 'person', '', ?5, '{}' FROM conversations WHERE row = ?1",
                    "iiiss", row, number, desk_time(t->desk), masked, agent));
    return audit_conversation(c, agent, "reply", row);
}

llmcs_status llmcs_shop_desk_reply(llmcs_shop_desk *desk, const char *conversation, const char *agent, const char *text,
                                   size_t text_bytes) {
    SHOP_PUBLIC_CALL;
    shop_connection *c;
    desk_turn *t;
    const char *copy;
    llmcs_shop_message m = {.conversation = conversation};
    SHOP_TRY(check_call(desk, conversation));
    SHOP_TRY(shop_check_id("agent", agent));
    if (!text) return shop_fail(LLMCS_ARG, "text is NULL");
    if (text_bytes == LLMCS_NUL) text_bytes = strlen(text);
    if (text_bytes > SHOP_TEXT_BYTES)
        return shop_fail(LLMCS_LIMIT, "text has %lld bytes, at most %d", (long long)text_bytes, SHOP_TEXT_BYTES);
    shop_arena arena = {.allocator = desk->allocator};
    llmcs_status status = shop_arena_alloc(&arena, 1, sizeof *t, &t);
    if (!status) status = shop_arena_copy(&arena, text, text_bytes, &copy);
    if (!status) status = shop_check_text("text", copy, 1, SHOP_TEXT_BYTES);
    if (!status) {
        status = open_masks(desk, &arena, &m, t);
        if (!status) status = shop_shared_write_begin(desk->shop, NULL, &c);
        if (!status) status = shop_shared_write_end(desk->shop, c, store_reply(t, c, agent, copy));
        desk_names_close(t);
    }
    shop_arena_free(&arena);
    return status;
}

/* ---- resolve */

static llmcs_status resolve(shop_connection *c, const char *key, const char *agent, const char *state) {
    int64_t found;
    char what[64];
    SHOP_TRY(shop_lookup_int(c, -1, &found, "SELECT state = 'UNKNOWN' FROM actions WHERE key = ?1", "s", key));
    if (found < 0) return shop_fail(LLMCS_ARG, "key: no action has this key");
    if (!found) return shop_fail(LLMCS_STATE, "key: the action is not UNKNOWN");
    SHOP_TRY(shop_change(c, "UPDATE actions SET state = ?2 WHERE key = ?1", "ss", key, state));
    sqlite3_snprintf(sizeof what, what, "action %s", state);
    return desk_audit(c, "agent", agent, what, key, NULL);
}

llmcs_status llmcs_shop_desk_resolve(llmcs_shop_desk *desk, const char *key, const char *agent,
                                     llmcs_shop_action_state state) {
    SHOP_PUBLIC_CALL;
    shop_connection *c;
    if (!desk) return shop_fail(LLMCS_STATE, "the desk is NULL");
    SHOP_TRY(shop_check(desk->shop));
    SHOP_TRY(shop_check_id("key", key));
    SHOP_TRY(shop_check_id("agent", agent));
    if (state != LLMCS_ACTION_DONE && state != LLMCS_ACTION_FAILED)
        return shop_fail(LLMCS_ARG, "state: %d is not valid (DONE or FAILED)", (int)state);
    SHOP_TRY(shop_shared_write_begin(desk->shop, NULL, &c));
    return shop_shared_write_end(desk->shop, c, resolve(c, key, agent, llmcs_shop_action_state_name(state)));
}

/* ---- history */

typedef struct history_block {
    llmcs_shop_history shown; /* first member, so the caller's pointer is the block's */
    shop_arena arena;
} history_block;

void llmcs_shop_history_free(llmcs_shop_history **history) {
    if (!history || !*history) return;
    SHOP_PUBLIC_CALL;
    history_block *block = (history_block *)*history;
    *history = NULL;
    const llmcs_allocator a = block->arena.allocator;
    shop_arena arena = block->arena;
    shop_arena_free(&arena);
    shop_free(&a, block);
}

static llmcs_status copy_column(shop_arena *arena, const shop_query *q, int column, const char **out) {
    size_t n;
    const char *text = shop_query_text(q, column, &n);
    return shop_arena_copy(arena, text, n, out);
}

static llmcs_status read_conversation(shop_connection *c, shop_arena *arena, const char *conversation,
                                      llmcs_shop_history *h, int64_t *row) {
    shop_query q;
    SHOP_TRY(
        shop_query_begin(c, &q,
                         "SELECT v.row, v.status, coalesce(u.id, ''), v.lang, v.priority, v.reason, v.summary, v.turns"
                         " FROM conversations v LEFT JOIN customers u ON u.row = v.customer WHERE v.id = ?1",
                         "s", conversation));
    SHOP_TRY(shop_query_next(&q));
    llmcs_status status = LLMCS_OK;
    if (q.has_row) {
        *row = shop_query_int(&q, 0);
        h->priority = (int32_t)shop_query_int(&q, 4);
        h->n_all = shop_query_int(&q, 7);
        const char **columns[] = {&h->status, &h->customer, &h->lang, NULL, &h->reason, &h->summary};
        for (int i = 0; i < 6 && !status; i++)
            if (columns[i]) status = copy_column(arena, &q, i + 1, columns[i]);
    }
    shop_query_end(&q);
    return status;
}

static llmcs_status read_turn(desk_turn *t, const shop_query *q, bool unmask, llmcs_shop_history_turn *turn) {
    turn->number = shop_query_int(q, 0);
    turn->time = shop_query_int(q, 1);
    const char **columns[] = {&turn->message_id, &turn->text,   &turn->reply, &turn->lang,
                              &turn->route,      &turn->intent, &turn->agent, &turn->detail_json};
    for (int i = 0; i < 8; i++) SHOP_TRY(copy_column(t->arena, q, i + 2, columns[i]));
    if (!unmask) return LLMCS_OK;
    SHOP_TRY(desk_unmask(t, turn->text, &turn->text));
    return desk_unmask(t, turn->reply, &turn->reply);
}

static llmcs_status read_turns(desk_turn *t, shop_connection *c, int64_t row, int64_t after, size_t k, bool unmask,
                               llmcs_shop_history *h) {
    shop_query q;
    llmcs_shop_history_turn *turns;
    const llmcs_shop_history_turn **pointers;
    const int64_t from = after >= 0 ? after : h->n_all > (int64_t)k ? h->n_all - (int64_t)k : 0;
    SHOP_TRY(shop_arena_alloc(t->arena, k, sizeof *turns, &turns));
    SHOP_TRY(shop_arena_alloc(t->arena, k, sizeof(void *), &pointers));
    SHOP_TRY(
        shop_query_begin(c, &q,
                         "SELECT number, time, message_id, text, reply, lang, route, intent, agent, detail FROM turns"
                         " WHERE conversation = ?1 AND number > ?2 ORDER BY number LIMIT ?3",
                         "iii", row, from, (int64_t)k));
    llmcs_status status;
    while (!(status = shop_query_next(&q)) && q.has_row && h->n_turns < k) {
        status = read_turn(t, &q, unmask, &turns[h->n_turns]);
        if (status) break;
        pointers[h->n_turns] = &turns[h->n_turns];
        h->n_turns++;
    }
    shop_query_end(&q);
    h->turns = pointers;
    return status;
}

static llmcs_status read_history(llmcs_shop_desk *desk, shop_connection *c, const char *conversation, int64_t after,
                                 size_t k, bool unmask, history_block *block) {
    int64_t row = -1;
    desk_turn *t;
    llmcs_shop_message m = {.conversation = conversation};
    llmcs_shop_history *h = &block->shown;
    h->status = h->customer = h->lang = h->reason = h->summary = "";
    SHOP_TRY(read_conversation(c, &block->arena, conversation, h, &row));
    if (row < 0) return LLMCS_OK;
    SHOP_TRY(read_customer(c, &block->arena, conversation, &m.customer));
    SHOP_TRY(shop_arena_alloc(&block->arena, 1, sizeof *t, &t));
    llmcs_status status = open_masks(desk, &block->arena, &m, t);
    if (!status && unmask) status = desk_names_load(t, c);
    if (!status) status = read_turns(t, c, row, after, k, unmask, h);
    desk_names_close(t);
    return status;
}

llmcs_status llmcs_shop_desk_history(llmcs_shop_desk *desk, const char *conversation, int64_t after, size_t k,
                                     int32_t unmask, llmcs_shop_history **history) {
    SHOP_PUBLIC_CALL;
    shop_connection *c;
    history_block *block;
    if (!history) return shop_fail(LLMCS_ARG, "history is NULL");
    *history = NULL;
    SHOP_TRY(check_call(desk, conversation));
    if (!k || k > MAX_TURNS) return shop_fail(LLMCS_ARG, "k: %lld is not valid (1 to %d)", (long long)k, MAX_TURNS);
    SHOP_TRY(shop_alloc_zero(&desk->allocator, 1, sizeof *block, "history", &block));
    block->arena.allocator = desk->allocator;
    llmcs_shop_history *shown = &block->shown;
    llmcs_status status = shop_shared_read_begin(desk->shop, NULL, &c);
    if (!status) {
        status = read_history(desk, c, conversation, after, k, unmask != 0, block);
        shop_shared_read_end(desk->shop, c);
    }
    if (status)
        llmcs_shop_history_free(&shown);
    else
        *history = shown;
    return status;
}
