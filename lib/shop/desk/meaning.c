/*
 * Acts on what the reader says (reader.c). Rules that refuse and the answers to the desk's own questions come first;
 * where the reader is not sure, the rules, cues and classifier of decide.c decide as they do without one.
 */
#include <string.h>

#include "shop/desk/decide.h"

/* over_rule: a rule gives way to a label from this probability on; none_over_rule: one that acts, to "no answer".
 * likely_entry: a flow that answers by entries gives the reader's best entry from here on. leaves: probability from
 * which a label interrupts an open question. is_answer: acts that answer it, summed. sure_aside, no_answer: the label
 * and the acts of thanks that read like a yes. sure_talk: small talk that is not about products. any_entry:
 * likely_entry for a flow without an object. surely_asks, surely_none: acts of a question, and of no answer, summed.
 * looks_up: a look-up that is preferred to an entry. */
static const double over_rule = 0.6, none_over_rule = 0.85, likely_entry = 0.15, any_entry = 0.03, leaves = 0.6,
                    is_answer = 0.5, sure_aside = 0.9, sure_talk = 0.5, no_answer = 0.15, surely_asks = 0.9,
                    surely_none = 0.85, looks_up = 0.05;

bool desk_is_sure(const desk_meaning *m) { return m->kind != DESK_MEANS_NOTHING && m->score >= desk_meaning_score; }

static int flow_of(const desk_intent *intent) { return intent && intent->kind == DESK_INTENT_FLOW ? intent->flow : -1; }

bool desk_may_mean_products(const desk_turn *t, const desk_meaning *m) {
    const int flow = flow_of(m->intent);
    if (m->kind == DESK_MEANS_SMALL_TALK && m->score >= sure_talk) return false;
    if (!desk_is_sure(m) || !m->intent || m->intent->kind == DESK_INTENT_RECOMMEND) return true;
    return flow >= 0 && (desk_product_slot(t, flow) >= 0 || desk_lists_products(&t->flows->flows[flow]));
}

bool desk_asks_product(const desk_turn *t, const desk_meaning *m) {
    const int flow = flow_of(m->intent);
    return desk_is_sure(m) && flow >= 0 && desk_product_slot(t, flow) >= 0;
}

bool desk_may_mean_orders(const desk_turn *t, const desk_meaning *m) {
    const int flow = flow_of(m->intent);
    return !desk_is_sure(m) || (flow >= 0 && desk_order_slot(t, flow) >= 0);
}

/* "Where is my parcel?" of a customer who is logged in: the order itself says more than the entry on tracking. */
static void prefer_look_up(const desk_turn *t, desk_meaning *m) {
    const int flow = flow_of(m->second);
    if (!t->c->customer_id || !m->intent || m->intent->kind != DESK_INTENT_ENTRY || m->second_score < looks_up) return;
    if (flow < 0 || t->flows->flows[flow].acts || !t->flows->flows[flow].listed || desk_order_slot(t, flow) < 0) return;
    m->intent = m->second;
    m->score += m->second_score; /* both are about this */
    m->second = m->entry = NULL;
    m->second_score = m->entry_score = 0;
}

/* An order number makes a message one about that order: "what's up with PL26111412, my rain boots". */
llmcs_status desk_check_meaning(desk_turn *t, desk_meaning *m) {
    prefer_look_up(t, m);
    const int flow = flow_of(m->intent);
    const char *number = NULL;
    if (m->kind == DESK_MEANS_NOTHING || (flow >= 0 && desk_order_slot(t, flow) >= 0)) return LLMCS_OK;
    for (size_t i = 0; i < t->flows->n_slots && !number; i++) {
        const desk_slot *slot = &t->flows->slots[i];
        if (slot->type == DESK_SLOT_ORDER && slot->pattern)
            SHOP_TRY(desk_value_find(t, (int)i, &t->words, false, &number));
    }
    if (number) *m = (desk_meaning){.kind = DESK_MEANS_NOTHING};
    return LLMCS_OK;
}

void desk_weigh_rule(const desk_turn *t, desk_reading *r) {
    const desk_meaning *m = &r->meaning;
    const bool acts = r->rule && r->rule->flow >= 0 && t->flows->flows[r->rule->flow].acts;
    const bool none = acts && (m->kind == DESK_MEANS_UNKNOWN || m->kind == DESK_MEANS_UNCLEAR);
    if (m->kind != DESK_MEANS_NOTHING && m->score >= (none ? none_over_rule : over_rule) && !desk_refuses(t, r->rule))
        r->rule = NULL;
}

bool desk_leaves_question(const desk_frame *frame, const desk_meaning *m) {
    const double *acts = m->acts;
    if (m->kind != DESK_MEANS_INTENT || m->score < leaves || flow_of(m->intent) == frame->flow) return false;
    return acts[DESK_ACT_ANSWER] + acts[DESK_ACT_YES] + acts[DESK_ACT_NO] + acts[DESK_ACT_REMARK] < is_answer;
}

bool desk_surely_asks(const desk_turn *t, const desk_meaning *m) {
    const int flow = flow_of(m->intent);
    if (m->kind != DESK_MEANS_UNKNOWN && m->kind != DESK_MEANS_INTENT) return false;
    return m->acts[DESK_ACT_ASK] + m->acts[DESK_ACT_FOLLOW] >= surely_asks && (flow < 0 || !t->flows->flows[flow].acts);
}

bool desk_is_no_answer(const desk_meaning *m) {
    const double *a = m->acts;
    return a[DESK_ACT_ASK] + a[DESK_ACT_FOLLOW] + a[DESK_ACT_NO] + a[DESK_ACT_STOP] + a[DESK_ACT_REPAIR] >= surely_none;
}

bool desk_may_be_aside(const desk_turn *t, const desk_frame *frame) {
    const desk_op *op = &t->flows->flows[frame->flow].ops[frame->asked];
    return op->kind == DESK_OP_CONFIRM ||
           (op->kind == DESK_OP_SLOT && t->flows->slots[op->index].type < DESK_SLOT_ADDRESS);
}

bool desk_is_aside(const desk_meaning *m, bool agrees) {
    const double *acts = m->acts, answer = acts[DESK_ACT_ANSWER] + acts[DESK_ACT_YES] + acts[DESK_ACT_NO];
    if (m->kind != DESK_MEANS_SMALL_TALK || m->score < (agrees ? sure_aside : leaves)) return false;
    return answer < (agrees ? no_answer : 1 - is_answer);
}

llmcs_status desk_answer_aside(desk_turn *t, desk_frame *frame, const desk_meaning *m) {
    frame->asked_at = 0;
    t->out.probability = m->score;
    desk_set_route(t, LLMCS_DESK_SMALLTALK);
    return desk_say_sentence(t, DESK_ACKNOWLEDGED);
}

/* True if the flow itself says the entry. */
static bool says_entry(const desk_flow *flow, const char *id) {
    for (size_t i = 0; i < flow->n_ops; i++)
        if (flow->ops[i].kind == DESK_OP_ENTRY && !strcmp(flow->ops[i].id, id)) return true;
    return false;
}

/* Flows such as "delivery options" answer by an entry: the reader knows which one. */
const char *desk_entry_of(const desk_turn *t, const desk_meaning *m) {
    const int flow = flow_of(m->intent);
    if (m->intent && m->intent->kind == DESK_INTENT_ENTRY) return m->intent->entry;
    if (m->entry && flow >= 0 && says_entry(&t->flows->flows[flow], m->entry->entry)) return NULL;
    if (!m->entry || flow < 0 || t->flows->flows[flow].entry_first > 1 || t->flows->flows[flow].acts) return NULL;
    const bool of_object = desk_order_slot(t, flow) >= 0 || desk_product_slot(t, flow) >= 0;
    return m->entry_score >= (of_object ? likely_entry : any_entry) ? m->entry->entry : NULL;
}

/* Greets, thanks or says goodbye as the message does; otherwise acknowledges it. */
static llmcs_status answer_talk(desk_turn *t, const desk_reading *r, bool *handled) {
    desk_set_route(t, LLMCS_DESK_SMALLTALK);
    *handled = true;
    if (r->talk < 0) return desk_say_sentence(t, desk_is_question(&t->words) ? DESK_OFF_TOPIC : DESK_ACKNOWLEDGED);
    SHOP_TRY(desk_start_flow(t, r->talk, &t->read));
    return desk_run(t);
}

static llmcs_status answer_meaning(desk_turn *t, const desk_reading *r, bool *handled) {
    const desk_meaning *m = &r->meaning;
    *handled = false;
    if (!desk_is_sure(m)) return LLMCS_OK;
    t->out.probability = m->score;
    if (m->kind == DESK_MEANS_INTENT) {
        const char *entry = desk_entry_of(t, m);
        if (entry) SHOP_TRY(desk_say_entry(t, entry, handled));
        desk_request request = desk_request_of(r);
        request.by_reader = true;
        if (!*handled && desk_may_mean_products(t, m))
            SHOP_TRY(desk_answer_product_question(t, desk_asks_product(t, m), handled));
        t->no_entry = desk_asks_product(t, m) && m->entry_score < likely_entry;
        if (!*handled && m->intent->kind != DESK_INTENT_ENTRY) SHOP_TRY(desk_answer_request(t, &request, handled));
        t->no_entry = false; /* of this request alone */
    } else if (m->kind == DESK_MEANS_SMALL_TALK) {
        SHOP_TRY(answer_talk(t, r, handled));
    } else if (m->kind == DESK_MEANS_UNKNOWN) {
        /* Whether the data of a product says it is for the data to decide. */
        if (desk_product_slot(t, flow_of(m->second)) >= 0) SHOP_TRY(desk_answer_matching_products(t, handled));
        if (*handled) return LLMCS_OK;
        desk_set_route(t, LLMCS_DESK_NONE);
        *handled = true;
        bool off;
        SHOP_TRY(desk_is_off_topic(t, m, &off));
        SHOP_TRY(desk_say_sentence(t, off ? DESK_OFF_TOPIC : DESK_NOT_STATED));
    }
    if (*handled) t->c->unknown = 0;
    return LLMCS_OK;
}

/* "I don't want to change it, just tell me when it comes": returns what the other part asks, or NULL. */
static const desk_meaning *not_negated(const desk_turn *t, const desk_meaning *m) {
    const int flow = flow_of(m->intent);
    const desk_meaning *best = NULL;
    if (flow < 0 || !t->flows->flows[flow].acts || !desk_is_negated(t, flow)) return NULL;
    for (size_t i = 0; i < t->n_parts; i++) {
        const desk_meaning *part = &t->meanings[i];
        const int other = flow_of(part->intent);
        const bool asks = part->acts[DESK_ACT_ASK] + part->acts[DESK_ACT_FOLLOW] >= is_answer;
        if (!asks || other == flow || (other >= 0 && t->flows->flows[other].acts)) continue;
        if (desk_is_sure(part) && (!best || part->score > best->score)) best = part;
    }
    return best;
}

llmcs_status desk_answer_meaning(desk_turn *t, const desk_reading *r, bool *handled) {
    const desk_meaning *apart = not_negated(t, &r->meaning);
    if (!apart) return answer_meaning(t, r, handled);
    desk_reading other = *r;
    other.meaning = *apart;
    other.intent = apart->intent;
    other.label = apart->intent ? apart->intent->label : "";
    return answer_meaning(t, &other, handled);
}
