/*
 * Decides what a message means. In this order: interrupting rules, the answer to the desk's open question, references
 * to the conversation, the reader if there is one and it is sure, other rules, the classifier (for the whole message
 * and its parts), the knowledge base, a question back, a handover.
 */
#include "shop/desk/decide.h"

#include <string.h>

/* Lowest scores: offered_*: the two intents of "do you mean A or B?". sure_entry: an entry that answers one of several
 * questions. sure_alone: an intent that a follow-up question does not override. */
static const double offered_first = 0.3, offered_second = 0.12, sure_entry = 0.5, sure_alone = 0.9, likely_scope = 0.3;
static const double unlikely_flow = 0.7, likely_entry = 0.7;
enum {
    LEAST_QUESTION = 3,
    LEAST_DIGITS = 5,    /* of a number that may be an order number */
    MOST_BESIDE_KIND = 3 /* other words in a bare "desk lamp" message */
};

/* True if the rule's flow answers alone, leaving other parts of the message unanswered. */
static bool is_alone(const desk_turn *t, const desk_rule *rule) {
    return rule && rule->flow >= 0 && t->flows->flows[rule->flow].alone;
}

/* "My boots from October, can I return these" starts the return of that order instead of explaining returns. */
static llmcs_status follow_with_object(desk_turn *t, const desk_rule *rule, bool *handled) {
    const int follow = rule->flow >= 0 ? t->flows->flows[rule->flow].follow : -1;
    *handled = false;
    if (follow < 0 || !t->c->customer_id) return LLMCS_OK;
    return desk_answer_owned(t, follow, handled);
}

llmcs_status desk_apply_rule(desk_turn *t, const desk_rule *rule) {
    const double entry_first = rule->flow >= 0 ? t->flows->flows[rule->flow].entry_first : rule->entry_first;
    bool found = false;
    t->out.probability = 1;
    t->c->unknown = 0;
    t->request = (desk_request){.text = t->read.plain, .label = "", .flow = -1, .vector = t->vector};
    SHOP_TRY(follow_with_object(t, rule, &found));
    if (found) return LLMCS_OK;
    if (entry_first <= 1) SHOP_TRY(desk_say_knowledge(t, &t->request, entry_first, &found));
    if (found && rule->flow >= 0) desk_await_object(t, rule->flow, NULL);
    if (found) return LLMCS_OK;
    if (rule->flow >= 0) {
        SHOP_TRY(desk_start_flow(t, rule->flow, &t->read));
        return desk_run_new(t, t->done_before);
    }
    SHOP_TRY(desk_say_entry(t, rule->entry, &found));
    return found ? LLMCS_OK : desk_not_understood(t);
}

/* ---- requests */

desk_request desk_request_of(const desk_reading *r) {
    return (desk_request){.text = r->text,
                          .label = r->accepted ? r->label : "",
                          .score = r->score,
                          .out_of_scope = r->out_of_scope,
                          .flow = r->intent && r->intent->kind == DESK_INTENT_FLOW ? r->intent->flow : -1,
                          .entry = r->intent && r->intent->kind == DESK_INTENT_ENTRY ? r->intent->entry : NULL,
                          .vector = r->vector};
}

/* The request of a part that matches a rule. */
static desk_request rule_request(const desk_reading *r) {
    return (desk_request){
        .text = r->text, .label = "", .score = 1, .flow = r->rule->flow, .entry = r->rule->entry, .vector = r->vector};
}

static bool is_small_talk(const desk_turn *t, const desk_request *w) {
    return w->flow >= 0 && t->flows->flows[w->flow].small_talk;
}

/* True for a part that asks something nobody understood. */
static bool is_unsure(const desk_request *w) { return w->flow < 0 && !w->entry && !*w->label; }

static bool same_request(const desk_request *a, const desk_request *b) {
    if (a->flow >= 0 || b->flow >= 0) return a->flow == b->flow;
    if (a->entry || b->entry) return a->entry && b->entry && !strcmp(a->entry, b->entry);
    return !strcmp(a->label, b->label);
}

/* True for a question that the classifier does not know and that stands on its own, unlike "is it?" or "what else?". */
static bool asks_something_else(const desk_turn *t, const desk_reading *r) {
    const size_t words = desk_count_words(r->words.folded, r->words.folded_bytes);
    const desk_request w = desk_request_of(r);
    const size_t n = r->words.folded_bytes;
    const bool exclaims = n && r->words.folded[n - 1] == '!'; /* "three days already!" is no question */
    return !is_small_talk(t, &w) && !r->accepted && !exclaims && desk_is_question(&r->words) &&
           words >= LEAST_QUESTION && !desk_refers_back(&r->words);
}

/* "Where is the other one I ordered?" has no cue of the acting flow but one of a flow about orders: takes that flow. */
static void take_cued(const desk_turn *t, const desk_reading *r, desk_request *w) {
    if (w->flow < 0 || !t->flows->flows[w->flow].acts || !t->flows->flows[w->flow].n_cues) return;
    if (desk_flow_cued(&t->flows->flows[w->flow], &r->words)) return;
    for (size_t i = 0; i < t->flows->n_flows; i++) {
        const desk_flow *flow = &t->flows->flows[i];
        if (!flow->objects || !desk_flow_cued(flow, &r->words) || !desk_is_question(&r->words)) continue;
        *w = (desk_request){.text = r->text, .label = "", .score = 1, .flow = (int)i, .vector = r->vector};
        return;
    }
}

/* Collects the requests of the parts, in order. *n_known of them are known, the others are unsure. */
static size_t find_part_requests(const desk_turn *t, const desk_reading *r, size_t n,
                                 desk_request requests[DESK_MAX_PARTS], size_t *n_known) {
    size_t n_requests = 0;
    *n_known = 0;
    for (size_t i = 1; i < n; i++) {
        desk_request w = r[i].rule ? rule_request(&r[i]) : desk_request_of(&r[i]);
        bool known = false;
        if (is_small_talk(t, &w)) continue;
        if (!r[i].rule && (!*w.label || r[i].score < desk_part_score)) {
            if (!asks_something_else(t, &r[i])) continue;
            requests[n_requests++] = (desk_request){.text = r[i].text, .label = "", .flow = -1, .vector = r[i].vector};
            continue;
        }
        for (size_t k = 0; k < n_requests; k++)
            known = known || (!is_unsure(&requests[k]) && same_request(&requests[k], &w));
        if (known) continue;
        if (!r[i].rule) take_cued(t, &r[i], &w);
        requests[n_requests++] = w;
        ++*n_known;
    }
    return n_requests;
}

/* Collects the requests of the message in order: those of its parts if they differ, else that of the whole. */
static size_t find_requests(const desk_turn *t, const desk_reading *r, size_t n,
                            desk_request requests[DESK_MAX_PARTS]) {
    size_t n_known;
    const size_t n_requests = find_part_requests(t, r, n, requests, &n_known);
    desk_request whole = desk_request_of(&r[0]);
    if (!r[0].rule) take_cued(t, &r[0], &whole);
    if (n_known >= 2 || (n_known == 1 && n_requests > 1)) return n_requests;
    /* One known request among greetings, or in a message that is unclear as a whole. */
    if (n_known == 1 && *requests[0].label && (!*whole.label || is_small_talk(t, &whole))) {
        requests[0].text = r[0].text;
        return 1;
    }
    requests[0] = whole;
    return 1;
}

/* Returns the titled flow that the label starts, or -1. */
static int offered_flow(const desk_turn *t, const char *label) {
    const desk_intent *intent = label ? desk_find_intent(t->flows, label) : NULL;
    if (!intent || intent->kind != DESK_INTENT_FLOW || !t->flows->flows[intent->flow].title) return -1;
    if (t->flows->flows[intent->flow].small_talk) return -1;
    return intent->flow;
}

/* Asks "do you mean A or B?". *offered is false if there are no two flows to offer. */
static llmcs_status offer_two(desk_turn *t, const desk_reading *r, bool *offered) {
    const int first = offered_flow(t, r->label), second = offered_flow(t, r->second);
    *offered = false;
    if (first < 0 || second < 0 || first == second || r->out_of_scope >= 0.5 || r->score < offered_first ||
        r->second_score < offered_second)
        return LLMCS_OK;
    desk_buffer titles[2] = {{.allocator = &t->desk->allocator}, {.allocator = &t->desk->allocator}};
    desk_values_in v;
    llmcs_status status = desk_values_of(t, NULL, &v);
    if (!status) {
        desk_text_say(t->flows->flows[first].title, &v, &titles[0], NULL);
        desk_text_say(t->flows->flows[second].title, &v, &titles[1], NULL);
        const desk_local locals[] = {{"a", desk_buffer_text(&titles[0])}, {"b", desk_buffer_text(&titles[1])}};
        v.locals = locals;
        v.n_locals = 2;
        status = titles[0].status ? titles[0].status : titles[1].status;
        t->wordable = false;
        if (!status) status = desk_say_text(t, t->flows->sentences[DESK_WHICH_OF], &v);
    }
    desk_buffer_free(&titles[0]);
    desk_buffer_free(&titles[1]);
    SHOP_TRY(status);
    t->c->choices[0].flow = first;
    t->c->choices[1].flow = second;
    t->c->choices[0].entry = t->c->choices[1].entry = NULL;
    t->c->n_choices = 2;
    t->c->choice_text = r->text;
    t->out.expects = LLMCS_EXPECTS_CHOICE;
    t->out.probability = r->score;
    desk_set_route(t, LLMCS_DESK_ASK_BACK);
    *offered = true;
    return LLMCS_OK;
}

/* Last resort: starts the likely flow, which confirms before it acts. */
static llmcs_status start_likely(desk_turn *t, const desk_reading *r, bool *understood) {
    const int flow = offered_flow(t, r->label);
    if (!r->likely || flow < 0 || t->flows->flows[flow].small_talk || r->score < offered_first ||
        r->out_of_scope >= likely_scope)
        return LLMCS_OK;
    const desk_request request = {
        .text = r->text, .label = r->label, .score = r->score, .flow = flow, .vector = r->vector};
    t->out.intent = r->label;
    return desk_answer_request(t, &request, understood);
}

llmcs_status desk_not_understood(desk_turn *t) {
    if (t->asks_product) { /* understood, but the shop's data does not say */
        t->c->unknown = 0;
        desk_set_route(t, LLMCS_DESK_NONE);
        return desk_say_sentence(t, DESK_NOT_STATED);
    }
    t->c->unknown++;
    if (t->c->unknown >= DESK_MAX_UNCLEAR && strcmp(t->c->status, "waiting") != 0)
        return desk_hand_over(t, "not_understood", 0, t->flows->sentences[DESK_NOT_UNDERSTOOD], NULL);
    desk_set_route(t, t->out.out_of_scope >= 0.5 ? LLMCS_DESK_NONE : LLMCS_DESK_ASK_BACK);
    return desk_say_sentence(t, DESK_ASK_BACK);
}

static llmcs_status start_request(desk_turn *t, const desk_request *request, const desk_intent *intent,
                                  bool *understood) {
    double entry_first = intent ? intent->entry_first : 2;
    *understood = true;
    /* If the flow is not certain, a likely entry answers first. An order number in the next message then starts the
     * flow. */
    if (intent && entry_first > 1 && request->score < unlikely_flow) entry_first = likely_entry;
    if (entry_first <= 1 && !request->by_reader) {
        bool found;
        SHOP_TRY(desk_say_knowledge(t, request, entry_first, &found));
        if (found) desk_await_object(t, request->flow, NULL);
        if (found) return LLMCS_OK;
    }
    desk_words w;
    t->out.probability = intent ? request->score : 1;
    SHOP_TRY(desk_words_make(t->arena, request->text, strlen(request->text), &w));
    SHOP_TRY(desk_start_flow(t, request->flow, &w));
    const desk_flow *flow = &t->flows->flows[request->flow];
    desk_frame *frame = desk_top(t);
    frame->by_label = intent && flow->acts && request->score < sure_alone && !desk_flow_cued(flow, &w);
    SHOP_TRY(desk_run_new(t, t->done_before));
    if (desk_flow_cued(&t->flows->flows[frame->flow], &w)) frame->by_label = false; /* "refund" continues as a return */
    return LLMCS_OK;
}

/* Answers one of several questions, only by an entry that fits well. */
static llmcs_status answer_unsure(desk_turn *t, const desk_request *request) {
    bool found;
    t->request = *request;
    SHOP_TRY(desk_say_knowledge(t, request, sure_entry, &found));
    if (found) return LLMCS_OK;
    desk_new_line(t);
    /* The parts that have an answer decide the route. */
    if (!t->route_set && !t->c->n_queue) desk_set_route(t, LLMCS_DESK_NONE);
    return desk_say_sentence(t, DESK_PART_UNANSWERED);
}

llmcs_status desk_answer_request(desk_turn *t, const desk_request *request, bool *understood) {
    const desk_intent *intent = *request->label ? desk_find_intent(t->flows, request->label) : NULL;
    *understood = false;
    t->request = *request;
    if (request->flow >= 0) return start_request(t, request, intent, understood);
    if (request->entry) {
        const double first = intent ? intent->entry_first : 2;
        if (first <= 1) SHOP_TRY(desk_say_knowledge(t, request, first, understood));
        if (*understood) return LLMCS_OK;
        t->out.probability = request->score;
        return desk_say_entry(t, request->entry, understood);
    }
    if (intent && intent->kind == DESK_INTENT_UNKNOWN) return LLMCS_OK;
    if (intent && intent->kind == DESK_INTENT_RECOMMEND) {
        t->out.probability = request->score;
        return desk_say_products(t, DESK_BY_TEXT, NULL, 3, false, understood);
    }
    return desk_say_knowledge(t, request, -1, understood);
}

/* ---- follow-ups */

int desk_product_slot(const desk_turn *t, int flow) {
    for (size_t i = 0; flow >= 0 && i < t->flows->n_slots; i++)
        if (t->flows->flows[flow].uses[i] && t->flows->slots[i].type == DESK_SLOT_PRODUCT) return (int)i;
    return -1;
}

/* True if the message certainly starts a flow that acts on an order. */
static bool requests_action(const desk_turn *t, const desk_reading *r) {
    return r->intent && r->score >= sure_alone && r->intent->kind == DESK_INTENT_FLOW &&
           t->flows->flows[r->intent->flow].inherits;
}

/* Answers "is the second one in stock?". *handled is false if the message is not about the product. */
static llmcs_status answer_listed(desk_turn *t, const desk_reading *r, const char *about, bool *handled) {
    const char *product = desk_listed_product(t, &t->read);
    if (t->desk->reader && desk_asks_difference(&t->read)) return LLMCS_OK;
    const int meant = r->rule ? r->rule->flow : r->intent ? r->intent->flow : -1;
    /* An order flow (return, cancel) does not apply to a listed product. */
    bool other = (r->rule || r->accepted) && desk_product_slot(t, meant) < 0 &&
                 !(meant >= 0 && t->flows->flows[meant].inherits && desk_is_question(&t->words));
    if (!product && about && desk_is_question(&t->words) &&
        (desk_refers_back(&t->words) || (!other && desk_asks_attribute(&t->words)))) {
        bool elsewhere;
        SHOP_TRY(desk_names_other_kind(t, about, &elsewhere));
        if (!elsewhere) product = about;
        /* "Does it come in blue?" is about the product, "how do I order it?" is not. */
        other = other || (!r->rule && !r->accepted && r->score >= offered_first &&
                          desk_product_slot(t, offered_flow(t, r->label)) < 0);
    }
    if (product && !other) SHOP_TRY(desk_answer_further(t, product, handled));
    for (size_t i = 0; product && !other && i < t->flows->n_flows && !*handled; i++) {
        const int slot = t->flows->flows[i].listed ? desk_product_slot(t, (int)i) : -1;
        if (slot < 0) continue;
        *handled = true;
        t->c->unknown = 0;
        t->out.probability = 1;
        SHOP_TRY(desk_start_flow(t, (int)i, &t->read));
        desk_set_slot(desk_top(t), slot, product);
        SHOP_TRY(desk_run(t));
    }
    return LLMCS_OK;
}

/* *may: the previous entry may answer again, because the message means nothing alone ("and how much is that?") or
 * shares words with the reply. */
static llmcs_status may_repeat(const desk_turn *t, const desk_reading *r, bool *may) {
    const char *entry = t->c->last_reply;
    desk_words said;
    size_t n_common = 0;
    *may = false;
    if (r->rule || (r->accepted && r->score >= sure_entry)) return LLMCS_OK;
    *may = desk_names_nothing(&t->words);
    if (*may) return LLMCS_OK;
    SHOP_TRY(desk_words_make(t->arena, entry, strlen(entry), &said));
    (void)desk_overlap(t->arena, &said, t->words.plain, &n_common);
    *may = n_common > 0;
    return LLMCS_OK;
}

/* Applies a rule that matches the previous and the current message together: an entry, or a flow that refuses. */
static llmcs_status apply_joint_rule(desk_turn *t, bool *handled) {
    const desk_rule *rule = desk_find_rule(t, &t->read, false);
    if (!rule) return LLMCS_OK;
    if (rule->entry) return desk_say_entry(t, rule->entry, handled);
    if (t->flows->flows[rule->flow].route != LLMCS_DESK_NONE) return LLMCS_OK;
    *handled = true;
    SHOP_TRY(desk_start_flow(t, rule->flow, &t->read));
    return desk_run(t);
}

/* Answers a follow-up that is a complete question on its own: "and how do I pay?". */
static llmcs_status answer_alone(desk_turn *t, const desk_reading *r, bool *handled) {
    if (!r->accepted || r->score < sure_entry || desk_refers_back(&t->words) || desk_names_nothing(&t->words))
        return LLMCS_OK;
    t->request = (desk_request){.text = t->read.plain, .label = "", .flow = -1, .vector = t->vector};
    SHOP_TRY(desk_say_knowledge(t, &t->request, likely_entry, handled));
    if (*handled) t->c->unknown = 0;
    return LLMCS_OK;
}

/* "Is that safe?" after an entry that does not mention it: says that nothing is known. */
static llmcs_status answer_other_aspect(desk_turn *t, const desk_reading *r, bool *handled) {
    if (r->rule || (r->accepted && r->score >= sure_entry) || !desk_asks(&t->words)) return LLMCS_OK;
    t->c->unknown = 0;
    *handled = true;
    desk_set_route(t, LLMCS_DESK_NONE);
    return desk_say_sentence(t, DESK_NOT_STATED);
}

/* Answers "and how much is that?" after an entry: combines it with the previous question and looks that up. */
static llmcs_status answer_follow_up(desk_turn *t, const desk_reading *r, bool *handled) {
    const desk_words read = t->read;
    const float *vector = t->vector;
    const char *text;
    bool refers, may;
    SHOP_TRY(desk_follow_up_text(t, &text, &refers));
    if (!text || (!refers && (r->rule || (r->accepted && r->score >= sure_alone)))) return LLMCS_OK;
    SHOP_TRY(answer_alone(t, r, handled));
    if (*handled) return LLMCS_OK;
    SHOP_TRY(may_repeat(t, r, &may));
    SHOP_TRY(desk_words_make(t->arena, text, strlen(text), &t->read));
    SHOP_TRY(desk_embed(t));
    t->request = (desk_request){.text = text, .label = "", .flow = -1, .vector = t->vector};
    t->out.out_of_scope = 0; /* the score was for the message alone */
    t->not_entry = may ? NULL : t->c->entry;
    SHOP_TRY(desk_say_knowledge(t, &t->request, sure_entry, handled));
    if (!*handled) SHOP_TRY(apply_joint_rule(t, handled));
    t->not_entry = NULL;
    t->read = read;
    t->vector = vector;
    if (!*handled && t->excluded && refers) SHOP_TRY(answer_other_aspect(t, r, handled));
    if (*handled) t->c->unknown = 0, t->c->thread = text, t->c->thread_at = t->c->n_turns + 1;
    return LLMCS_OK;
}

/* ---- a message */

/* Answers queued requests, then resumes the flow that was interrupted. */
static llmcs_status continue_turn(desk_turn *t) {
    for (size_t guard = 0; guard < DESK_MAX_QUEUE + DESK_MAX_FRAMES; guard++) {
        desk_conversation *c = t->c;
        bool understood;
        if (t->handed_over || t->out.expects != LLMCS_EXPECTS_ANYTHING) return LLMCS_OK;
        if (c->n_queue) {
            const desk_request request = c->queue[0];
            memmove(c->queue, c->queue + 1, --c->n_queue * sizeof *c->queue);
            desk_new_line(t);
            SHOP_TRY(is_unsure(&request) ? answer_unsure(t, &request) : desk_answer_request(t, &request, &understood));
        } else if (desk_top(t)) {
            desk_new_line(t);
            SHOP_TRY(desk_run(t));
        } else {
            return LLMCS_OK;
        }
    }
    return LLMCS_OK;
}

static llmcs_status answer_requests(desk_turn *t, const desk_reading *r, size_t n) {
    desk_request requests[DESK_MAX_PARTS];
    const size_t n_requests = find_requests(t, r, n, requests);
    bool understood, offered = false;
    const bool several = n_requests > 1;
    if (!several && r[0].near_tie && r[0].accepted && requests[0].flow >= 0 && offered_flow(t, r[0].second) >= 0 &&
        offered_flow(t, r[0].second) != requests[0].flow) {
        SHOP_TRY(offer_two(t, &r[0], &offered));
        if (offered) return LLMCS_OK;
    }
    if (several) {
        t->out.intent = requests[0].label;
        t->out.intent_score = requests[0].score;
        t->c->n_queue = 0;
        for (size_t i = 1; i < n_requests; i++) t->c->queue[t->c->n_queue++] = requests[i];
    } else if (*requests[0].label) {
        t->out.intent = requests[0].label;
        t->out.intent_score = requests[0].score;
    }
    understood = several && is_unsure(&requests[0]);
    SHOP_TRY(understood ? answer_unsure(t, &requests[0]) : desk_answer_request(t, &requests[0], &understood));
    if (!understood && !several) SHOP_TRY(desk_answer_bare_kind(t, r[0].rule, MOST_BESIDE_KIND, &understood));
    if (!understood && !several && !*requests[0].label) SHOP_TRY(start_likely(t, &r[0], &understood));
    if (!understood && !t->c->n_queue && !*requests[0].label) SHOP_TRY(offer_two(t, &r[0], &offered));
    if (understood || offered) {
        t->c->unknown = 0;
        return LLMCS_OK;
    }
    return t->c->n_queue ? LLMCS_OK : desk_not_understood(t);
}

/* True for punctuation and a few digits: nothing a model could classify. */
static bool has_no_word(const desk_words *w) {
    size_t n_digits = 0;
    for (size_t i = 0; i < w->folded_bytes; i++) {
        const unsigned char c = (unsigned char)w->folded[i];
        if (c >= 0x80 || (c >= 'a' && c <= 'z')) return false;
        n_digits += c >= '0' && c <= '9';
    }
    return n_digits < LEAST_DIGITS;
}

/* True if the message names no subject, and is neither small talk nor certainly a known intent. Earlier turns can
 * supply the subject of small words, but not of a code. */
static bool is_too_little(const desk_turn *t, const desk_reading *r) {
    const desk_request w = desk_request_of(r);
    if (r->accepted && r->score >= (is_small_talk(t, &w) && !desk_is_question(&t->read) ? desk_part_score : sure_alone))
        return false;
    return *t->c->last_user ? desk_is_code(&t->words) : desk_names_nothing(&t->read);
}

static llmcs_status answer_new_message(desk_turn *t, const desk_reading *r, size_t n) {
    const size_t words = desk_count_words(t->words.folded, t->words.folded_bytes);
    if (!words || desk_is_only_ordinal(t) || has_no_word(&t->words)) return desk_not_understood(t);
    if (words <= DESK_LONG_ANSWER && !r[0].rule && desk_gives_up(&t->words)) {
        /* "Forget it" with nothing open. */
        desk_set_route(t, LLMCS_DESK_FLOW);
        return desk_say_sentence(t, DESK_NOTHING_DONE);
    }
    if (!desk_is_yes(&t->words) || words > DESK_SHORT_ANSWER)
        return is_too_little(t, &r[0]) ? desk_not_understood(t) : answer_requests(t, r, n);
    /* A yes with nothing to confirm. After earlier turns, "ok" is an acknowledgement. */
    if (desk_is_acknowledgement(&t->words) && t->c->n_turns) {
        desk_set_route(t, LLMCS_DESK_SMALLTALK);
        return desk_say_sentence(t, DESK_ACKNOWLEDGED);
    }
    desk_set_route(t, LLMCS_DESK_ASK_BACK);
    return desk_say_sentence(t, DESK_NOTHING_TO_CONFIRM);
}

/* "Ok then just cancel that, I'll think about it", 算了还是取消吧: a request that the reader takes for small talk, or
 * for nothing that it knows. It asks before it acts. */
static bool is_command(const desk_turn *t, int flow, const desk_meaning *m) {
    static const char *const done[] = {"already", "was", "been", "thanks for", "已经", "已", "了就好", "了谢谢", NULL};
    const bool of_nothing =
        m->kind == DESK_MEANS_SMALL_TALK || m->kind == DESK_MEANS_UNKNOWN || m->kind == DESK_MEANS_UNCLEAR;
    return of_nothing && t->flows->flows[flow].inherits && desk_names_action(&t->words) &&
           !desk_has_any(&t->words, done);
}

/* "I don't like the wallet, want to send it back": starts the one flow whose cue it has, if the message also names one
 * order or a whole address, or is a command. */
static llmcs_status start_by_cue(desk_turn *t, const desk_meaning *m, bool orders, bool *handled) {
    int found = -1;
    bool address = false;
    if (desk_is_question(&t->words)) return LLMCS_OK;
    for (size_t i = 0; i < t->flows->n_flows; i++) {
        const desk_flow *f = &t->flows->flows[i];
        if (!f->acts || !desk_has_cue(t, f)) continue;
        if (found >= 0 || desk_is_negated(t, (int)i)) return LLMCS_OK;
        found = (int)i;
    }
    for (size_t i = 0; found >= 0 && i < t->flows->n_slots; i++)
        address = address || (t->flows->flows[found].uses[i] && t->flows->slots[i].type == DESK_SLOT_ADDRESS);
    if (found < 0 || !t->c->customer_id) return LLMCS_OK;
    if (!address && orders) SHOP_TRY(desk_answer_owned(t, found, handled));
    if (*handled || !(is_command(t, found, m) || (orders && address && desk_is_whole_address(&t->words))))
        return LLMCS_OK;
    const desk_request request = {.text = t->read.plain, .label = "", .score = 1, .flow = found, .vector = t->vector};
    return desk_answer_request(t, &request, handled);
}

/* "Don't return the yoga mat" with nothing open: confirms that nothing is done. */
static llmcs_status decline_negated(desk_turn *t, const desk_reading *r, bool *handled) {
    const int flow = r->rule ? r->rule->flow : r->intent && r->intent->kind == DESK_INTENT_FLOW ? r->intent->flow : -1;
    if (flow < 0 || !t->flows->flows[flow].acts || desk_is_question(&t->words) || !desk_is_negated(t, flow))
        return LLMCS_OK;
    *handled = true;
    t->out.probability = 1;
    desk_set_route(t, LLMCS_DESK_FLOW);
    return desk_say_sentence(t, DESK_NOTHING_DONE);
}

/* True for the intent of a flow that interrupts everything: a wish for a person. */
static bool starts_at_once(const desk_turn *t, const desk_intent *intent) {
    return intent && intent->kind == DESK_INTENT_FLOW && t->flows->flows[intent->flow].always;
}

/* "asdfghjkl" means nothing, whatever the reader makes of it. */
static llmcs_status ask_what_is_meant(desk_turn *t) {
    t->asks_product = false;
    t->out.intent = "";
    t->out.out_of_scope = 0;
    return desk_not_understood(t);
}

/* Handles a message while the frame's question waits: small talk, another request, or an answer. *done: the turn ends
 * here. */
static llmcs_status answer_question(desk_turn *t, const desk_reading *r, desk_frame *frame, bool *handled, bool *done) {
    /* "Thanks, but get me a human" is thanks for the reader only. */
    const bool thanks = r->meaning.kind == DESK_MEANS_SMALL_TALK && !r->intent;
    const desk_intent *first = thanks && starts_at_once(t, r->classified) ? r->classified : r->intent;
    const bool waits = frame && frame->asked >= 0;
    /* A short yes or no answers the open question, whatever the classifier says. */
    bool answers = waits && (desk_is_yes(&t->words) || desk_is_no(&t->words));
    if (waits && !answers && t->flows->flows[frame->flow].ops[frame->asked].kind == DESK_OP_CONFIRM)
        SHOP_TRY(desk_repeats_with_yes(t, frame, &answers)); /* 好 换 */
    const bool interrupts = !answers && starts_at_once(t, first);
    *done = waits && !interrupts && !r->rule && !desk_consents(&t->words) && desk_may_be_aside(t, frame) &&
            desk_is_aside(&r->meaning, answers);
    if (*done) return desk_answer_aside(t, frame, &r->meaning);
    if (interrupts) {
        desk_request request = desk_request_of(r);
        if (thanks) request.label = first->label, request.flow = first->flow, request.score = 1;
        SHOP_TRY(desk_answer_request(t, &request, handled));
    } else if (waits && !answers && desk_leaves_question(frame, &r->meaning) &&
               !(r->meaning.intent->kind == DESK_INTENT_FLOW && desk_is_negated(t, r->meaning.intent->flow))) {
        SHOP_TRY(desk_answer_meaning(t, r, handled));
    }
    if (!*handled && !interrupts && waits && frame == desk_top(t)) {
        bool given_up;
        SHOP_TRY(desk_answer_pending(t, frame, r, &given_up));
        *handled = !given_up;
    }
    *done = !*handled && !r->rule && !desk_top(t) && desk_is_noise(&t->words);
    return *done ? ask_what_is_meant(t) : LLMCS_OK;
}

/* One message in between keeps the flow that ended last open. */
static void keep_resume(desk_turn *t, int resume, bool lacks, bool acted) {
    t->c->resume = resume;
    t->c->lacks_object = lacks;
    t->c->acted = acted;
    t->c->kept = true;
}

/* "Is anyone there?" while the conversation waits. It keeps its place in the queue. */
static llmcs_status say_waiting(desk_turn *t) {
    t->out.probability = 1;
    t->out.expects = LLMCS_EXPECTS_PERSON;
    desk_set_route(t, LLMCS_DESK_SMALLTALK);
    return desk_say_sentence(t, DESK_WAITING);
}

/* Goods that the message wants or asks about, whatever the reader takes it for. */
static llmcs_status answer_goods(desk_turn *t, const desk_meaning *m, bool products, bool *handled) {
    SHOP_TRY(desk_answer_wanted(t, m, handled));
    if (!*handled && !products) SHOP_TRY(desk_answer_stated(t, handled));
    return *handled ? LLMCS_OK : desk_say_not_sold(t, m, handled);
}

/* Says what was done, and that a person answers here. */
static llmcs_status say_progress(desk_turn *t) {
    if (!strcmp(t->c->status, "waiting")) return say_waiting(t);
    t->out.probability = 1;
    for (size_t i = 0; i < t->flows->n_flows; i++)
        for (size_t k = 0; k < t->flows->flows[i].n_ops; k++) {
            if (t->flows->flows[i].ops[k].kind != DESK_OP_LAST_ACTION) continue;
            SHOP_TRY(desk_start_flow(t, (int)i, &t->read));
            return desk_run(t);
        }
    return say_waiting(t);
}

llmcs_status desk_decide(desk_turn *t) {
    desk_reading r[DESK_MAX_PARTS + 1];
    size_t n;
    bool handled = false, done;
    desk_frame *frame = desk_top(t);
    /* Flow time excludes encoding and classification, which are reported separately. */
    const double begin = shop_now_ms(), counted = t->out.ms.encode + t->out.ms.classify;
    const int retry = t->c->retry, resume = t->c->resume;
    const desk_rule *rule = desk_find_rule_of_message(t, true);
    const bool lacks = t->c->lacks_object, acted = t->c->acted, kept = t->c->kept;
    t->c->kept = false;
    /* The product of the previous turn. */
    const char *about = t->c->products_at == t->c->n_turns && t->c->spoken == DESK_SPOKEN_PRODUCTS ? t->c->about : NULL;
    t->c->retry = t->c->resume = 0;
    if (rule) {
        SHOP_TRY(desk_apply_rule(t, rule));
        SHOP_TRY(continue_turn(t));
        t->out.ms.flow += shop_now_ms() - begin;
        return LLMCS_OK;
    }
    if (!frame && desk_asks_who_is_there(t)) return say_waiting(t);
    if (!frame && desk_asks_for_progress(t)) return say_progress(t);
    /* A yes to "shall I pass you on?" */
    if (!frame && t->c->repeats > 1 && desk_is_yes(&t->words)) return desk_hand_over(t, "wanted", 0, NULL, NULL);
    SHOP_TRY(desk_read_message(t, r, &n));
    if (t->desk->reader) SHOP_TRY(desk_keep_topic(t));
    SHOP_TRY(desk_read_parts(t));
    const desk_meaning *meaning = &r[0].meaning;
    t->next_entry = meaning->next ? meaning->next->entry : NULL;
    t->next_score = meaning->next_score;
    desk_weigh_rule(t, &r[0]);
    t->asks_product = desk_asks_product(t, meaning);
    const bool products = desk_may_mean_products(t, meaning), orders = desk_may_mean_orders(t, meaning);
    SHOP_TRY(answer_question(t, r, frame, &handled, &done));
    if (done) return LLMCS_OK;
    if (!handled && t->c->n_choices) SHOP_TRY(desk_answer_choice(t, &handled));
    if (!handled && retry) SHOP_TRY(desk_answer_not_found(t, retry - 1, &r[0], &handled));
    if (!handled && resume && !orders && !frame && !r[0].rule && t->c->spoken != DESK_SPOKEN_PRODUCTS &&
        desk_goes_on(&t->words)) /* "and the lunch boxes?" after the status of an order */
        SHOP_TRY(desk_answer_object(t, resume - 1, false, acted, kept, &handled));
    if (!handled && !frame) SHOP_TRY(desk_answer_total(t, &handled));
    if (!handled && (products || orders)) SHOP_TRY(desk_answer_in_context(t, r[0].rule, &handled));
    if (!handled && products) SHOP_TRY(answer_listed(t, &r[0], about, &handled));
    if (!handled && resume && orders)
        SHOP_TRY(desk_answer_object(t, resume - 1, lacks && !r[0].rule && !requests_action(t, &r[0]), acted, kept,
                                    &handled));
    /* A message that is a kind of product looks for it, whatever the reader makes of so few words. */
    if (!handled && (products || (meaning->intent && meaning->intent->kind == DESK_INTENT_FLOW && !orders)))
        SHOP_TRY(desk_answer_bare_kind(t, r[0].rule, 0, &handled));
    if (!handled && orders && !frame && (!r[0].rule || (r[0].rule->entry && desk_points(&t->words))))
        SHOP_TRY(desk_answer_described(t, &handled));
    if (!handled && !frame && !r[0].rule) SHOP_TRY(start_by_cue(t, meaning, orders, &handled));
    if (!handled && !frame && !r[0].rule) SHOP_TRY(answer_goods(t, meaning, products, &handled));
    if (!handled && !r[0].rule) SHOP_TRY(desk_answer_meaning(t, &r[0], &handled));
    if (!handled && !desk_is_sure(meaning)) SHOP_TRY(answer_follow_up(t, &r[0], &handled));
    if (!handled && !desk_top(t)) SHOP_TRY(decline_negated(t, &r[0], &handled));
    desk_request requests[DESK_MAX_PARTS];
    /* Parts with different intents are answered one by one. */
    rule = handled || (find_requests(t, r, n, requests) > 1 && !is_alone(t, r[0].rule)) ? NULL : r[0].rule;
    if (rule)
        SHOP_TRY(desk_apply_rule(t, rule));
    else if (!handled)
        SHOP_TRY(answer_new_message(t, r, n));
    SHOP_TRY(continue_turn(t));
    if (t->desk->reader) SHOP_TRY(desk_keep_named(t));
    SHOP_TRY(desk_answer_parts(t));
    if (resume && !kept && !t->c->resume && !desk_top(t)) keep_resume(t, resume, lacks, acted);
    while (t->reply.n && t->reply.text[t->reply.n - 1] == '\n') desk_buffer_cut(&t->reply, t->reply.n - 1);
    /* The flow produced no reply. */
    if (!t->reply.n && !t->handed_over && t->out.expects == LLMCS_EXPECTS_ANYTHING) SHOP_TRY(desk_not_understood(t));
    t->out.ms.flow += shop_now_ms() - begin - (t->out.ms.encode + t->out.ms.classify - counted);
    return LLMCS_OK;
}
