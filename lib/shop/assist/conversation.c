/* Reads a conversation from the desk's tables. */
#include "shop/assist/assistant.h"

/* The pending action of a conversation: an action with an unknown outcome, or the flow that waits for a confirmation.
 * Plain statements read both, also on a server; local SQLite turns them into JSON. */
#define UNKNOWN_SQL \
    "SELECT name, object, state FROM actions WHERE conversation = ?1 AND state = 'UNKNOWN' ORDER BY row DESC LIMIT 1"
#define UNKNOWN_JSON "SELECT json_object('name', ?1, 'object', ?2, 'state', ?3)"
#define TURN_SQL "SELECT intent, detail FROM turns WHERE row = ?1"
#define TURN_JSON                                                                          \
    "SELECT json_object('name', t.name, 'slots', json(t.slots), 'state', 'proposed') FROM" \
    " (SELECT coalesce(nullif(json_extract(?2, '$.flow'), ''), nullif(?1, '')) name,"      \
    " ifnull(json_extract(?2, '$.slots'), '{}') slots WHERE json_valid(?2)) t WHERE t.name IS NOT NULL"

static llmcs_status copy_json(shop_query *json, shop_offer *offer) {
    size_t n;
    SHOP_TRY(shop_query_next(json));
    llmcs_status status = LLMCS_OK;
    if (json->has_row && !shop_query_is_null(json, 0)) {
        const char *text = shop_query_text(json, 0, &n);
        status = shop_arena_copy(&offer->memory, text, n, &offer->action);
    }
    shop_query_end(json);
    return status;
}

static llmcs_status load_action(shop_connection *c, int64_t conversation, shop_offer *offer) {
    shop_connection *local = shop_local(c);
    shop_query q, json;
    size_t n;
    SHOP_TRY(shop_query_begin(c, &q, UNKNOWN_SQL, "i", conversation));
    llmcs_status status = shop_query_next(&q);
    const bool unknown = !status && q.has_row;
    if (unknown) {
        status = shop_query_begin(local, &json, UNKNOWN_JSON, "sss", shop_query_text(&q, 0, &n),
                                  shop_query_text(&q, 1, &n), shop_query_text(&q, 2, &n));
        if (!status) status = copy_json(&json, offer);
    }
    shop_query_end(&q);
    if (status || unknown) return status;
    SHOP_TRY(shop_query_begin(c, &q, TURN_SQL, "i", offer->turn));
    status = shop_query_next(&q);
    if (!status && q.has_row) {
        status =
            shop_query_begin(local, &json, TURN_JSON, "ss", shop_query_text(&q, 0, &n), shop_query_text(&q, 1, &n));
        if (!status) status = copy_json(&json, offer);
    }
    shop_query_end(&q);
    return status;
}

/* Loads the last turn with a message of the customer. */
static llmcs_status load_question(shop_connection *c, int64_t conversation, shop_offer *offer, int64_t *number) {
    shop_query q;
    size_t n;
    SHOP_TRY(shop_query_begin(c, &q,
                              "SELECT row, number, text, lang FROM turns WHERE conversation = ?1 AND text <> ''"
                              " ORDER BY number DESC LIMIT 1",
                              "i", conversation));
    llmcs_status status = shop_query_next(&q);
    if (!status && q.has_row) {
        offer->turn = shop_query_int(&q, 0);
        *number = shop_query_int(&q, 1);
        const char *text = shop_query_text(&q, 2, &n);
        status = shop_arena_copy(&offer->memory, text, n, &offer->head.question);
        text = shop_query_text(&q, 3, &n);
        if (!status) status = shop_arena_copy(&offer->memory, text, n, &offer->head.lang);
    }
    shop_query_end(&q);
    return status;
}

/* Loads the turns before it, oldest first. */
static llmcs_status load_history(shop_connection *c, int64_t conversation, int64_t before, shop_offer *offer) {
    shop_query q;
    llmcs_status status;
    SHOP_TRY(
        shop_query_begin(c, &q,
                         "SELECT text, reply FROM (SELECT number, text, reply FROM turns WHERE conversation = ?1 AND"
                         " number < ?2 ORDER BY number DESC LIMIT 6) AS last ORDER BY number",
                         "ii", conversation, before));
    while (!(status = shop_query_next(&q)) && q.has_row && offer->n_history < SHOP_MAX_HISTORY) {
        shop_wording_turn *t = &offer->history[offer->n_history++];
        const char *text = shop_query_text(&q, 0, &t->user_bytes);
        if ((status = shop_arena_copy(&offer->memory, text, t->user_bytes, &t->user))) break;
        text = shop_query_text(&q, 1, &t->reply_bytes);
        if ((status = shop_arena_copy(&offer->memory, text, t->reply_bytes, &t->reply))) break;
    }
    shop_query_end(&q);
    return status;
}

llmcs_status shop_conversation_load(shop_connection *c, const char *conversation, shop_offer *offer) {
    shop_query q;
    int64_t row = 0, number = 0;
    size_t n;
    SHOP_TRY(shop_query_begin(c, &q,
                              "SELECT v.row, v.customer, u.id FROM conversations v"
                              " LEFT JOIN customers u ON u.row = v.customer WHERE v.id = ?1",
                              "s", conversation));
    SHOP_TRY(shop_query_next(&q));
    llmcs_status status = LLMCS_OK;
    if (q.has_row) {
        row = shop_query_int(&q, 0);
        offer->customer = shop_query_int(&q, 1);
        const char *id = shop_query_text(&q, 2, &n);
        status = shop_arena_copy(&offer->memory, id, n, &offer->customer_id);
    }
    shop_query_end(&q);
    if (status || !row) return status;
    SHOP_TRY(load_question(c, row, offer, &number));
    if (!offer->turn) return LLMCS_OK;
    SHOP_TRY(load_history(c, row, number, offer));
    return load_action(c, row, offer);
}
