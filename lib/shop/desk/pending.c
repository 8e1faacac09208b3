/* Answers to the desk's questions: a slot, a confirmation, one of two, a corrected number; and digressions from them.
 */
#include <string.h>

#include "shop/desk/decide.h"

/* The intent of another flow, or of an entry, that this message certainly has. */
static bool wants_other(const desk_frame *frame, const desk_reading *r, double least) {
    if (!r->intent || r->score < least) return false;
    return r->intent->kind != DESK_INTENT_FLOW || r->intent->flow != frame->flow;
}

/* A new value for a slot that has one: "no, order 124". */
static llmcs_status correct_slots(desk_turn *t, desk_frame *frame, bool *corrected) {
    const desk_flow *flow = &t->flows->flows[frame->flow];
    *corrected = false;
    for (size_t i = 0; i < t->flows->n_slots; i++) {
        const desk_slot_type type = t->flows->slots[i].type;
        const char *value = NULL;
        if (!flow->uses[i] || !frame->slots[i] || type == DESK_SLOT_YES_NO || type == DESK_SLOT_PRODUCT ||
            type >= DESK_SLOT_ADDRESS)
            continue;
        SHOP_TRY(desk_value_find(t, (int)i, &t->words, false, &value));
        if (!value || !strcmp(value, frame->slots[i])) continue;
        desk_set_slot(frame, (int)i, value);
        *corrected = true;
    }
    return LLMCS_OK;
}

/* The flow runs again, so that its question shows what is looked up now. */
static llmcs_status ask_or_decline(desk_turn *t, desk_frame *frame) {
    if (++frame->tries <= DESK_MAX_UNCLEAR) return desk_run(t);
    frame->refused = frame->asked;
    return desk_run(t);
}

/* The message certainly names the action that is asked about. */
static bool same_flow(const desk_frame *frame, const desk_reading *r) {
    if (r->rule) return r->rule->flow == frame->flow;
    return r->intent && r->intent->kind == DESK_INTENT_FLOW && r->intent->flow == frame->flow &&
           r->score >= desk_part_score;
}

/* "Cancel it then" to whether to cancel; "report it" to any question, since it names no other action. */
static bool agrees(const desk_turn *t, const desk_frame *frame, const desk_reading *r) {
    if (!desk_agrees(&t->words)) return false;
    return same_flow(frame, r) ||
           (!r->rule && !desk_names_action(&t->words) && !wants_other(frame, r, desk_part_score));
}

/* Another thing is to be done with an order than the frame would. */
static bool wants_other_action(const desk_turn *t, const desk_frame *frame, const desk_reading *r) {
    const int flow = r->rule ? r->rule->flow : wants_other(frame, r, desk_part_score) ? r->intent->flow : -1;
    return flow >= 0 && flow != frame->flow && t->flows->flows[flow].inherits;
}

/* A no, and then something of its own. */
static bool wants_instead(const desk_turn *t, const desk_frame *frame, const desk_reading *r) {
    if (desk_count_words(t->words.folded, t->words.folded_bytes) <= DESK_SHORT_ANSWER) return false;
    return r->rule ? r->rule->flow != frame->flow : wants_other(frame, r, desk_part_score);
}

static llmcs_status answer_confirm(desk_turn *t, desk_frame *frame, const desk_reading *r, bool *handled) {
    const bool yes = desk_is_yes(&t->words) || agrees(t, frame, r);
    const bool no = !yes && desk_is_no(&t->words);
    const size_t words = desk_count_words(t->words.folded, t->words.folded_bytes);
    bool corrected = false, names = false;
    *handled = true;
    if (yes || no || words <= DESK_SHORT_ANSWER * 2 || !wants_other(frame, r, desk_part_score))
        SHOP_TRY(correct_slots(t, frame, &corrected));
    if (!corrected && !yes) SHOP_TRY(desk_correct_address(t, frame, &corrected));
    if (corrected) return desk_run(t);
    t->out.probability = 1;
    if (yes) {
        if ((double)(t->now - frame->asked_at) > t->desk->confirm_minutes * 60) return desk_run(t);
        frame->yes = desk_slots_hash(t, frame);
        return desk_run(t);
    }
    /* "Never mind. Do you deliver to Singapore?", "actually, can I return them?" */
    const bool other_way = !yes && desk_changes_mind(&t->words) && wants_other_action(t, frame, r);
    if (other_way || (no && wants_instead(t, frame, r))) {
        desk_pop(t);
        *handled = false;
        return LLMCS_OK;
    }
    if (no && !(wants_other(frame, r, desk_digression_score) && words > DESK_LONG_ANSWER)) {
        frame->refused = frame->asked;
        return desk_run(t);
    }
    if (words <= DESK_SHORT_ANSWER * 2 && !wants_other_action(t, frame, r))
        SHOP_TRY(desk_names_object(t, frame, &names));
    if (names) return desk_run(t);
    *handled = false;
    return LLMCS_OK;
}

static bool is_free_text(const desk_turn *t, int slot) { return t->flows->slots[slot].type >= DESK_SLOT_ADDRESS; }

/* A yes or no and nothing else. */
static bool is_bare_answer(const desk_turn *t) {
    return (desk_is_yes(&t->words) || desk_is_no(&t->words)) &&
           desk_count_words(t->words.folded, t->words.folded_bytes) <= 2;
}

/* Whether a message answers a slot of free text, rather than a question or a change of mind. */
static bool fits_free_text(const desk_turn *t, const desk_frame *frame, int slot, const desk_reading *r) {
    const desk_slot_type type = t->flows->slots[slot].type;
    const bool other = wants_other(frame, r, desk_digression_score), asks = desk_is_question(&t->read);
    if (type == DESK_SLOT_ADDRESS) {
        if (desk_is_address(&t->words)) return true;
        return !asks && !r->rule && !desk_is_yes(&t->words) && !desk_is_no(&t->words) &&
               !wants_other(frame, r, desk_part_score);
    }
    if (desk_changes_mind(&t->read) && wants_other(frame, r, desk_part_score)) return false;
    if (is_bare_answer(t)) return false; /* "yes" says nothing of what to exchange it for */
    const bool asks_how = r->rule && (r->rule->entry || t->flows->flows[r->rule->flow].follow >= 0);
    return !(asks && (other || asks_how));
}

static llmcs_status answer_slot(desk_turn *t, desk_frame *frame, int slot, const desk_reading *r, bool *handled) {
    const char *value = NULL;
    const size_t words = desk_count_words(t->words.folded, t->words.folded_bytes);
    const bool free_text = is_free_text(t, slot), yes_no = t->flows->slots[slot].type == DESK_SLOT_YES_NO;
    *handled = true;
    if (!yes_no && desk_gives_up(&t->words)) {
        desk_pop(t);
        desk_set_route(t, LLMCS_DESK_FLOW);
        t->out.probability = 1;
        return desk_say_sentence(t, DESK_NOTHING_DONE);
    }
    const bool digresses = free_text ? !fits_free_text(t, frame, slot, r)
                                     : wants_other(frame, r, desk_digression_score) && words > DESK_LONG_ANSWER;
    if (!digresses) SHOP_TRY(desk_value_find(t, slot, &t->words, true, &value));
    if (!digresses && !value && !free_text) SHOP_TRY(desk_value_find(t, slot, &t->read, true, &value));
    if (value) {
        bool corrected;
        if (!free_text) SHOP_TRY(correct_slots(t, frame, &corrected));
        desk_set_slot(frame, slot, value);
        if (!free_text) SHOP_TRY(desk_fill_slots(t, frame, &t->words, false));
        t->out.probability = 1;
        return desk_run(t);
    }
    bool corrected = false;
    if (!digresses) SHOP_TRY(correct_slots(t, frame, &corrected));
    *handled = corrected;
    return corrected ? desk_run(t) : LLMCS_OK;
}

/* Neither an answer nor another wish. */
static llmcs_status missed_answer(desk_turn *t, desk_frame *frame) {
    const desk_op *op = &t->flows->flows[frame->flow].ops[frame->asked];
    desk_set_route(t, LLMCS_DESK_FLOW);
    if (op->kind == DESK_OP_CONFIRM) return ask_or_decline(t, frame);
    if (++frame->tries >= t->flows->slots[op->index].tries) return desk_hand_over(t, "slot_missing", 0, NULL, NULL);
    return desk_ask_again(t, frame, true);
}

bool desk_is_only_ordinal(const desk_turn *t) { return desk_ordinal(&t->words, DESK_MAX_ORDINAL) > 0; }

/* A question in the middle of a flow; the flow goes on afterwards. */
static llmcs_status digress(desk_turn *t, desk_frame *frame, const desk_reading *r, bool *handled) {
    *handled = false;
    if (desk_is_only_ordinal(t) || is_bare_answer(t)) return LLMCS_OK;
    if (r->rule) {
        *handled = true;
        return desk_obey_rule(t, r->rule);
    }
    if (wants_other(frame, r, desk_is_question(&t->words) ? desk_part_score : desk_digression_score)) {
        const desk_wish wish = desk_wish_of(r);
        return desk_answer_wish(t, &wish, handled);
    }
    if (!desk_is_question(&t->words)) return LLMCS_OK;
    const desk_wish wish = {.text = r->text, .label = "", .flow = -1, .vector = r->vector};
    return desk_say_knowledge(t, &wish, 0.5, handled);
}

llmcs_status desk_answer_pending(desk_turn *t, desk_frame *frame, const desk_reading *r, bool *given_up) {
    const desk_op *op = &t->flows->flows[frame->flow].ops[frame->asked];
    const size_t n_frames = t->c->n_frames;
    bool handled;
    *given_up = false;
    t->wish = (desk_wish){.text = t->read.plain, .label = "", .flow = -1, .vector = r->vector};
    SHOP_TRY(op->kind == DESK_OP_CONFIRM ? answer_confirm(t, frame, r, &handled)
                                         : answer_slot(t, frame, op->index, r, &handled));
    if (handled) return LLMCS_OK;
    *given_up = t->c->n_frames < n_frames;
    if (*given_up) return LLMCS_OK;
    SHOP_TRY(digress(t, frame, r, &handled));
    return handled ? LLMCS_OK : missed_answer(t, frame);
}

/* "the first", or words of one of the titles. */
llmcs_status desk_answer_choice(desk_turn *t, bool *handled) {
    desk_conversation *c = t->c;
    size_t chosen = desk_ordinal(&t->words, c->n_choices);
    size_t most = 0;
    *handled = false;
    for (size_t i = 0;
         i < c->n_choices && desk_count_words(t->words.folded, t->words.folded_bytes) <= DESK_LONG_ANSWER && !chosen;
         i++) {
        desk_buffer title = {.allocator = &t->desk->allocator};
        desk_values_in v;
        size_t common;
        SHOP_TRY(desk_values_of(t, NULL, &v));
        desk_text_say(t->flows->flows[c->choices[i].flow].title, &v, &title, NULL);
        const llmcs_status status = title.status;
        (void)desk_overlap(t->arena, &t->words, desk_buffer_text(&title), &common);
        desk_buffer_free(&title);
        SHOP_TRY(status);
        if (common == most) most = SIZE_MAX; /* both fit, or none */
        if (common > most) chosen = i + 1, most = common;
    }
    c->n_choices = 0;
    if (!chosen) return LLMCS_OK;
    const desk_wish wish = {.text = c->choice_text ? c->choice_text : t->words.plain,
                            .label = "",
                            .score = 1,
                            .flow = c->choices[chosen - 1].flow};
    c->unknown = 0;
    return desk_answer_wish(t, &wish, handled);
}

llmcs_status desk_answer_not_found(desk_turn *t, int flow, const desk_reading *r, bool *handled) {
    static const char *const cues[] = {"meant", "wrong number", "typo", "mistyped", "sorry", "oops",   "打错",
                                       "说错",  "写错",         "输错", "弄错",     "记错",  "应该是", NULL};
    const desk_frame other = {.flow = flow};
    bool corrects = !wants_other(&other, r, desk_digression_score);
    for (size_t i = 0; cues[i] && !corrects; i++) corrects = desk_has_phrase(&t->words, cues[i]);
    if (!corrects || desk_count_words(t->words.folded, t->words.folded_bytes) > DESK_LONG_ANSWER) return LLMCS_OK;
    for (size_t i = 0; i < t->flows->n_slots; i++) {
        const desk_slot *slot = &t->flows->slots[i];
        const char *value = NULL;
        if (!t->flows->flows[flow].uses[i] || !slot->pattern) continue;
        SHOP_TRY(desk_value_find(t, (int)i, &t->words, false, &value));
        if (!value) continue;
        *handled = true;
        t->out.probability = 1;
        SHOP_TRY(desk_start_flow(t, flow, &t->words));
        return desk_run(t);
    }
    return LLMCS_OK;
}
