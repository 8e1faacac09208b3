/* Records what an agent did with a suggestion. */
#include <string.h>
#include <time.h>

#include "shop/assist/assistant.h"
#include "shop/guard/audit.h"
#include "shop/learn/feedback.h"
#include "shop/store/rows.h"

/* A stored suggestion. */
typedef struct shown {
    int64_t position;
    const char *conversation, *customer, *lang, *question, *text, *outcome; /* of the query's row */
} shown;

#define SHOWN_SQL                                                                                       \
    "SELECT s.conversation, c.id, s.lang, s.question, s.text, s.outcome, s.position FROM suggestions s" \
    " LEFT JOIN customers c ON c.row = s.customer WHERE s.id = ?1"

static shown read_shown(const shop_query *q) {
    size_t n;
    return (shown){.conversation = shop_query_text(q, 0, &n),
                   .customer = shop_query_is_null(q, 1) ? NULL : shop_query_text(q, 1, &n),
                   .lang = shop_query_text(q, 2, &n),
                   .question = shop_query_text(q, 3, &n),
                   .text = shop_query_text(q, 4, &n),
                   .outcome = shop_query_text(q, 5, &n),
                   .position = shop_query_int(q, 6)};
}

static llmcs_status put_feedback(llmcs_shop *shop, shop_connection *c, const char *id, const shown *s,
                                 llmcs_shop_outcome outcome, const char *sent, const char *actor) {
    char key[64];
    sqlite3_snprintf(sizeof key, key, "suggestion:%.40s", id);
    const llmcs_shop_feedback f = {.struct_size = sizeof f,
                                   .id = key,
                                   .customer = s->customer,
                                   .conversation = s->conversation,
                                   .lang = s->lang,
                                   .text = s->question,
                                   .reply = sent ? sent : s->text,
                                   .outcome = outcome,
                                   .rating = -1,
                                   .actor = actor};
    return shop_feedback_insert(shop, c, &f);
}

static llmcs_status append_audit(shop_connection *c, const char *id, const char *outcome, const shown *s,
                                 const char *actor) {
    char object[64], detail[96];
    sqlite3_snprintf(sizeof object, object, "suggestion:%.40s", id);
    sqlite3_snprintf(sizeof detail, detail, "{\"outcome\":\"%s\",\"position\":%lld}", outcome, (long long)s->position);
    return shop_audit_append(c, "agent", actor ? actor : "llmcs", "suggestion", object, detail);
}

static llmcs_status decide_row(llmcs_shop *shop, shop_connection *c, const char *id, const shown *s,
                               llmcs_shop_outcome outcome, const char *sent, const char *actor) {
    const char *name = llmcs_shop_outcome_name(outcome);
    if (!strcmp(s->outcome, name)) return LLMCS_OK;
    if (strcmp(s->outcome, "shown") != 0) return shop_fail(LLMCS_STATE, "suggestion %s: already %s", id, s->outcome);
    if (outcome != LLMCS_OUTCOME_REJECTED) SHOP_TRY(put_feedback(shop, c, id, s, outcome, sent, actor));
    SHOP_TRY(append_audit(c, id, name, s, actor));
    return shop_change(c,
                       "UPDATE suggestions SET outcome = ?2, decided = ?3, actor = coalesce(?4, actor) WHERE id = ?1",
                       "ssis", id, name, (int64_t)time(NULL), actor);
}

static llmcs_status decide_in(llmcs_shop *shop, shop_connection *c, const char *id, llmcs_shop_outcome outcome,
                              const char *sent, const char *actor) {
    shop_query q;
    SHOP_TRY(shop_query_begin(c, &q, SHOWN_SQL, "s", id));
    llmcs_status status = shop_query_next(&q);
    if (!status && !q.has_row) status = shop_fail(LLMCS_ARG, "suggestion %s does not exist", id);
    if (!status) {
        const shown s = read_shown(&q);
        status = decide_row(shop, c, id, &s, outcome, sent, actor);
    }
    shop_query_end(&q);
    return status;
}

llmcs_status llmcs_shop_suggestion_decide(llmcs_shop_assistant *assistant, const char *id, llmcs_shop_outcome outcome,
                                          const char *sent, const char *actor) {
    SHOP_PUBLIC_CALL;
    llmcs_shop_masked *masked = NULL;
    shop_connection *c;
    if (!assistant || !assistant->shop) return shop_fail(LLMCS_ARG, "assistant is NULL, or was created without a shop");
    llmcs_shop *shop = assistant->shop;
    SHOP_TRY(shop_check(shop));
    SHOP_TRY(shop_check_id("id", id));
    SHOP_TRY(shop_check_text("sent", sent, 0, SHOP_TEXT_BYTES));
    SHOP_TRY(shop_check_name("actor", actor, 0));
    if (outcome < LLMCS_OUTCOME_ACCEPTED || outcome > LLMCS_OUTCOME_REJECTED)
        return shop_fail(LLMCS_ARG, "outcome: %d is not valid (2 to 4)", (int)outcome);
    if (outcome == LLMCS_OUTCOME_EDITED && (!sent || !sent[0]))
        return shop_fail(LLMCS_ARG, "sent: expected the text that was sent, for the outcome EDITED");
    if (outcome != LLMCS_OUTCOME_EDITED) sent = NULL;
    if (sent && assistant->guard) SHOP_TRY(llmcs_shop_mask(assistant->guard, NULL, sent, LLMCS_NUL, NULL, &masked));
    llmcs_status status = shop_write_begin(shop, &c);
    if (!status)
        status = shop_write_end(
            shop, c, decide_in(shop, c, id, outcome, masked && masked->n_spans ? masked->text : sent, actor));
    llmcs_shop_masked_free(&masked);
    return status ? status : shop_feedback_make_vectors(shop);
}
