/* Handles answers to the desk's questions (a slot, a confirmation, a choice of two, a corrected number) and
 * digressions. */
#include <string.h>

#include "shop/desk/decide.h"

enum { VERB_WORDS = 2 }; /* of a yes with the verb of the request: 好 换 */

/* True if the message certainly has the intent of an entry or of another flow. */
static bool wants_other(const desk_frame *frame, const desk_reading *r, double least) {
    if (!r->intent || r->score < least) return false;
    return r->intent->kind != DESK_INTENT_FLOW || r->intent->flow != frame->flow;
}

bool desk_flow_cued(const desk_flow *flow, const desk_words *w) { return desk_has_one(w, flow->cues, flow->n_cues); }

bool desk_has_cue(const desk_turn *t, const desk_flow *flow) {
    return desk_flow_cued(flow, &t->words) || desk_flow_cued(flow, &t->read);
}

/* True if the flow may replace an open question. A flow with cues needs one of them in the message. A flow that acts
 * needs a rule or a verb; the label alone is not enough. */
static bool may_replace(const desk_turn *t, int flow, bool by_rule) {
    const desk_flow *f = &t->flows->flows[flow];
    return f->n_cues ? desk_has_cue(t, f)
                     : by_rule || !(f->acts || f->small_talk) || (f->acts && desk_names_action(&t->words));
}

/* Returns the acting flow if the message consists of its cues only ("ok refund please"), or -1. */
static int commanded_flow(const desk_turn *t, const desk_frame *frame) {
    for (size_t i = 0; i < t->flows->n_flows; i++) {
        const desk_flow *f = &t->flows->flows[i];
        if ((int)i == frame->flow || !f->acts || !f->n_cues || !desk_has_cue(t, f)) continue;
        if (!desk_words_beside(t, &t->words, f)) return (int)i;
    }
    return -1;
}

/* True for 先别换 and 先不退: the verb of a cue of the flow, not now. */
static bool negates_verb(const desk_turn *t, const desk_flow *f) {
    static const char *const verbs[][2] = {
        {"先别退", "先不退"}, {"先别换", "先不换"}, {"先别取消", "先不取消"}, {"先别改", "先不改"}};
    static const char *const stems[] = {"退", "换", "取消", "改"};
    for (size_t k = 0; k < sizeof stems / sizeof *stems; k++) {
        if (!desk_has_phrase(&t->words, verbs[k][0]) && !desk_has_phrase(&t->words, verbs[k][1])) continue;
        for (size_t i = 0; i < f->n_cues; i++)
            if (strstr(f->cues[i], stems[k])) return true;
    }
    return false;
}

bool desk_is_negated(const desk_turn *t, int flow) {
    static const char *const before[] = {
        "别给我",       "别帮我",       "别",   "不要",   "不想",          "不用",
        "不",           "don't",        "dont", "do not", "don't want to", "do not want to",
        "dont want to", "please don't", "never"};
    const desk_flow *f = &t->flows->flows[flow];
    const char *text = t->words.folded;
    for (size_t i = 0; i < f->n_cues; i++) {
        size_t at = desk_find_phrase(text, t->words.folded_bytes, f->cues[i], 0);
        if (at == SIZE_MAX) continue;
        while (at && text[at - 1] == ' ') at--;
        for (size_t k = 0; k < sizeof before / sizeof *before; k++) {
            const size_t n = strlen(before[k]);
            if (at >= n && !memcmp(text + at - n, before[k], n) &&
                desk_find_phrase(text, at, before[k], at - n) == at - n)
                return true;
        }
    }
    return negates_verb(t, f);
}

/* Returns the flow that the message starts if it may replace an open question, or -1. */
static int replacing_flow(const desk_turn *t, const desk_reading *r) {
    const int flow = r->rule ? r->rule->flow : r->intent && r->intent->kind == DESK_INTENT_FLOW ? r->intent->flow : -1;
    const bool certain = !r->rule && r->meaning.intent && r->meaning.score >= desk_digression_score;
    return flow >= 0 && (certain || may_replace(t, flow, r->rule != NULL)) ? flow : -1;
}

/* True for thanks or a goodbye and little else. */
static bool closes(const desk_turn *t, const desk_reading *r) {
    const int flow = replacing_flow(t, r);
    return flow >= 0 && t->flows->flows[flow].closes &&
           desk_count_words(t->words.folded, t->words.folded_bytes) <= DESK_LONG_ANSWER;
}

/* Drops all open flows and says that nothing was done. */
static llmcs_status leave_open(desk_turn *t, const desk_reading *r) {
    const int flow = replacing_flow(t, r);
    bool acted = false;
    while (t->c->n_frames) {
        acted = acted || desk_top(t)->n_acts;
        desk_pop(t);
    }
    t->c->n_queue = 0;
    t->out.probability = 1;
    desk_set_route(t, LLMCS_DESK_FLOW);
    if (!acted) SHOP_TRY(desk_say_sentence(t, DESK_LEFT_OPEN));
    SHOP_TRY(desk_start_flow(t, flow, &t->read));
    return desk_run(t);
}

/* "No, order 124": replaces the value of a filled slot. */
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

/* Runs the flow again, so that its question shows current data. After too many unclear answers the confirmation counts
 * as declined. */
static llmcs_status ask_or_decline(desk_turn *t, desk_frame *frame) {
    if (++frame->tries <= DESK_MAX_UNCLEAR) return desk_run(t);
    frame->refused = frame->asked;
    return desk_run(t);
}

/* True if the message certainly names the action being confirmed. */
static bool same_flow(const desk_frame *frame, const desk_reading *r) {
    if (r->rule) return r->rule->flow == frame->flow;
    return r->intent && r->intent->kind == DESK_INTENT_FLOW && r->intent->flow == frame->flow &&
           r->score >= desk_part_score;
}

/* True for "cancel it then" to "shall I cancel it?", and for "report it" to any question, since it names no other
 * action. */
static bool agrees(const desk_turn *t, const desk_frame *frame, const desk_reading *r) {
    if (!desk_agrees(&t->words)) return false;
    return same_flow(frame, r) || desk_has_cue(t, &t->flows->flows[frame->flow]) ||
           (!r->rule && !desk_names_action(&t->words) && !wants_other(frame, r, desk_part_score));
}

/* True if the message wants another action on an order than the frame's. */
static bool wants_other_action(const desk_turn *t, const desk_frame *frame, const desk_reading *r) {
    const int flow = r->rule || wants_other(frame, r, desk_part_score) ? replacing_flow(t, r) : -1;
    return flow >= 0 && flow != frame->flow && t->flows->flows[flow].inherits;
}

/* True for a no followed by a request: "no, I want to change the address". */
static bool wants_instead(const desk_turn *t, const desk_frame *frame, const desk_reading *r) {
    if (desk_is_negated(t, frame->flow) && !desk_is_question(&t->words)) return false; /* 那先不退了 */
    if (desk_count_words(t->words.folded, t->words.folded_bytes) <= DESK_SHORT_ANSWER) return false;
    return r->rule ? r->rule->flow != frame->flow : wants_other(frame, r, desk_part_score);
}

static bool is_free_text(const desk_turn *t, int slot) { return t->flows->slots[slot].type >= DESK_SLOT_ADDRESS; }

/* Returns the value of a free-text slot, with the part given earlier in front: "the yoga mat: in plum". */
static llmcs_status whole_text(desk_turn *t, const desk_frame *frame, int slot, const char **value) {
    SHOP_TRY(desk_value_find(t, slot, &t->words, true, value));
    if (!*value || !frame->part || !t->flows->slots[slot].like) return LLMCS_OK;
    desk_buffer b = {.allocator = &t->desk->allocator};
    desk_puts(&b, frame->part);
    desk_puts(&b, ": ");
    desk_puts(&b, *value);
    llmcs_status status = b.status;
    if (!status) status = shop_arena_copy(t->arena, desk_buffer_text(&b), b.n, value);
    desk_buffer_free(&b);
    return status;
}

/* "Can I have plum instead?" while an exchange is being confirmed: replaces the free text. */
static llmcs_status correct_text(desk_turn *t, desk_frame *frame, bool *corrected) {
    for (size_t i = 0; i < t->flows->n_slots; i++) {
        const desk_slot *slot = &t->flows->slots[i];
        const char *value = NULL;
        if (!frame->slots[i] || !slot->like || !t->flows->flows[frame->flow].uses[i]) continue;
        SHOP_TRY(whole_text(t, frame, (int)i, &value));
        if (!value) continue;
        desk_set_slot(frame, (int)i, value);
        *corrected = true;
    }
    return LLMCS_OK;
}

/* "Cancel" to "shall I return it?" declines the return. */
static bool calls_off(const desk_turn *t, const desk_frame *frame, const desk_reading *r) {
    static const char *const words[] = {"cancel", "cancel that", "取消"};
    return !same_flow(frame, r) && desk_is_only(&t->words, words, sizeof words / sizeof *words);
}

bool desk_is_only_ordinal(const desk_turn *t) { return desk_ordinal(&t->words, DESK_MAX_ORDINAL) > 0; }

/* True if the message asks something, by its words or by the reader. */
static bool asks_something(const desk_turn *t, const desk_reading *r) {
    return desk_is_question(&t->words) || desk_surely_asks(t, &r->meaning);
}

/* Returns the flow's slot for remarks if a confirmation is open, or -1. */
static int remark_slot(const desk_turn *t, const desk_frame *frame) {
    const desk_flow *flow = &t->flows->flows[frame->flow];
    if (frame->asked < 0 || flow->ops[frame->asked].kind != DESK_OP_CONFIRM) return -1;
    for (size_t i = 0; i < t->flows->n_slots; i++)
        if (flow->uses[i] && t->flows->slots[i].remark) return (int)i;
    return -1;
}

/* Adds "just one of them, it is too small" to the remark slot, for the staff. */
static llmcs_status add_remark(desk_turn *t, desk_frame *frame, const desk_reading *r, bool *kept) {
    const int slot = remark_slot(t, frame);
    const size_t words = desk_count_words(t->words.folded, t->words.folded_bytes);
    *kept = false;
    if (slot < 0 || frame->by_label || words < 2 || asks_something(t, r) || desk_is_only_ordinal(t) ||
        desk_is_code(&t->words))
        return LLMCS_OK;
    const char *old = frame->slots[slot] ? frame->slots[slot] : "";
    if ((double)(strlen(old) + t->words.plain_bytes + 2) > t->flows->slots[slot].max) return LLMCS_OK;
    desk_buffer b = {.allocator = &t->desk->allocator};
    desk_puts(&b, old);
    if (*old) desk_puts(&b, "; ");
    desk_put(&b, t->words.plain, t->words.plain_bytes);
    llmcs_status status = b.status;
    if (!status) status = shop_arena_copy(t->arena, desk_buffer_text(&b), b.n, &frame->slots[slot]);
    desk_buffer_free(&b);
    *kept = !status;
    return status;
}

/* Keeps a remark and repeats the confirmation with it. */
static llmcs_status keep_remark(desk_turn *t, desk_frame *frame, const desk_reading *r, bool *kept) {
    SHOP_TRY(add_remark(t, frame, r, kept));
    if (!*kept) return LLMCS_OK;
    frame->yes = 0;
    frame->tries = 0;
    return desk_run(t);
}

/* Returns the slot for the pieces of an order that the customer means, or -1. Its value is "" if the order has one
 * piece. */
static int parts_slot(const desk_turn *t, const desk_frame *frame) {
    for (size_t i = 0; i < t->flows->n_slots; i++)
        if (t->flows->flows[frame->flow].uses[i] && t->flows->slots[i].parts) return (int)i;
    return -1;
}

static bool has_one_piece(const desk_turn *t, const desk_frame *frame) {
    const int slot = parts_slot(t, frame);
    return slot < 0 || (frame->slots[slot] && !*frame->slots[slot]);
}

/* True for "just the tote bags", by the `like` of the slot for parts. */
static bool means_pieces(const desk_turn *t, const desk_frame *frame) {
    const int slot = parts_slot(t, frame);
    const desk_slot *s = slot < 0 ? NULL : &t->flows->slots[slot];
    return s && s->like && !has_one_piece(t, frame) && (double)t->words.plain_bytes <= s->max &&
           desk_is_like(s, &t->words);
}

/* "Just the tote bags" to "shall I cancel the order?", where the slot for parts says what such a message is like: keeps
 * it and repeats the question, then hands over. A yes in it ("yes, but only the mug") agrees to something else than was
 * asked. */
static llmcs_status keep_pieces(desk_turn *t, desk_frame *frame, bool *kept) {
    const int slot = parts_slot(t, frame);
    *kept = slot >= 0 && t->flows->slots[slot].like && !has_one_piece(t, frame) &&
            (double)t->words.plain_bytes <= t->flows->slots[slot].max &&
            desk_is_like(&t->flows->slots[slot], &t->words);
    if (!*kept) return LLMCS_OK;
    if (frame->slots[slot]) return desk_hand_over(t, "part_of_order", 0, NULL, NULL);
    frame->slots[slot] = t->words.plain;
    frame->yes = 0;
    frame->tries = 0;
    return desk_run(t);
}

/* True for a number of pieces: "just one of them", 只退一个. */
static bool says_how_many(const desk_words *w) {
    static const char *const words[] = {"one of",   "two of",   "three of",    "both of", "only one", "just one",
                                        "only two", "just two", "all of them", "只退",    "只换",     "只要",
                                        "退一",     "退两",     "换一件",      "换两"};
    return desk_has_one(w, words, sizeof words / sizeof *words);
}

/* Returns the last clause of a message that begins with a no: "not the tablecloth, send back the cushion", 算了不退了
 * 退抱枕. */
static llmcs_status rest_after_no(desk_turn *t, desk_words *rest) {
    const char *text = t->words.plain;
    size_t last = 0;
    *rest = (desk_words){.plain = "", .folded = ""};
    for (size_t i = 1, len; i < t->words.plain_bytes; i += len) {
        (void)desk_char_at(text, t->words.plain_bytes, i, &len);
        const bool han_before = (unsigned char)text[i - 1] >= 0x80;
        if (strchr(",.!;", text[i]) || (text[i] == ' ' && han_before) || (len == 3 && !memcmp(text + i, "。", 3)))
            if (i + len < t->words.plain_bytes) last = i + len;
    }
    while (last && text[last] == ' ') last++;
    return last ? desk_words_make(t->arena, text + last, t->words.plain_bytes - last, rest) : LLMCS_OK;
}

/* True if the words request what the flow does: by a cue, or by the verb of a cue. */
static bool asks_for(const desk_turn *t, const desk_words *w, int flow) {
    static const char *const verbs[] = {"退", "换", "取消", "return", "exchange", "cancel", NULL};
    const desk_flow *f = &t->flows->flows[flow];
    if (desk_flow_cued(f, w)) return true;
    for (size_t k = 0; verbs[k]; k++) {
        if (!desk_has_phrase(w, verbs[k])) continue;
        for (size_t i = 0; i < f->n_cues; i++)
            if (!strncmp(f->cues[i], verbs[k], strlen(verbs[k]))) return true;
    }
    return false;
}

/* "Not the tablecloth, return the cushion": repeats the confirmation for what is wanted now. */
static llmcs_status ask_for_rest(desk_turn *t, desk_frame *frame, bool *handled) {
    desk_words rest;
    SHOP_TRY(rest_after_no(t, &rest));
    if (!rest.folded_bytes || desk_is_no(&rest) || desk_gives_up(&rest) || !asks_for(t, &rest, frame->flow))
        return LLMCS_OK;
    const desk_words whole = t->words;
    t->words = rest;
    const bool negated = desk_is_negated(t, frame->flow);
    bool corrected = false;
    if (!negated) SHOP_TRY(correct_slots(t, frame, &corrected));
    t->words = whole;
    if (negated) return LLMCS_OK;
    *handled = true;
    frame->tries = 0;
    const int slot = parts_slot(t, frame);
    if (!corrected && slot >= 0 && !has_one_piece(t, frame)) frame->slots[slot] = rest.plain;
    return desk_run(t);
}

/* Blanks what the message says of the goods of the frame's order: 行 就退加湿器 确认 without 加湿器. *n_named: the
 * words found, 0 if the message cannot be blanked. */
static llmcs_status blank_goods(desk_turn *t, const desk_frame *frame, int slot, desk_words *rest, size_t *n_named) {
    const desk_described *d = t->flows->slots[slot].described;
    const int from = desk_from(t, frame, slot);
    const size_t n = t->words.plain_bytes;
    const desk_rows *rows = NULL;
    *n_named = 0;
    if (!d || !d->title || from < 0 || n != t->words.folded_bytes) return LLMCS_OK;
    SHOP_TRY(desk_choices(t, frame, slot, &rows));
    const desk_query *find = &t->flows->finds[from];
    size_t column = 0;
    while (column < find->n_columns && strcmp(find->columns[column], d->title) != 0) column++;
    for (size_t r = 0; rows && column < find->n_columns && r < rows->n; r++) {
        const desk_cell *row = rows->cells + r * rows->n_columns;
        desk_words title;
        bool *marks;
        char *text;
        if (!row->text || strcmp(row->text, frame->slots[slot]) != 0 || !row[column].text) continue;
        SHOP_TRY(desk_words_make(t->arena, row[column].text, strlen(row[column].text), &title));
        SHOP_TRY(shop_arena_alloc(t->arena, n + 1, sizeof *marks, &marks));
        SHOP_TRY(shop_arena_alloc(t->arena, n + 1, 1, &text));
        memcpy(text, t->words.plain, n);
        (void)desk_overlap_marked(&t->words, &title, n_named, marks);
        for (size_t i = 0; i < n; i++)
            if (marks[i]) text[i] = ' ';
        return desk_words_make(t->arena, text, n, rest);
    }
    return LLMCS_OK;
}

/* 好 换, 对 就退鞋: a yes that repeats the request. If it is longer, its pieces must be known already. */
static bool repeats_request(const desk_turn *t, const desk_frame *frame, const desk_words *rest) {
    const int parts = parts_slot(t, frame), remark = remark_slot(t, frame);
    const bool said = (parts >= 0 && frame->slots[parts] && *frame->slots[parts]) ||
                      (remark >= 0 && frame->slots[remark] && *frame->slots[remark]);
    const size_t words = desk_count_words(rest->folded, rest->folded_bytes);
    if (words > (said ? DESK_SHORT_ANSWER : VERB_WORDS) || (parts >= 0 && t->flows->slots[parts].like)) return false;
    return asks_for(t, rest, frame->flow) && !says_how_many(rest) && !desk_is_no(rest) &&
           !desk_is_negated(t, frame->flow);
}

/* 对的 换30码, 行 就退加湿器 确认: a yes that repeats the wish, or names the only piece of the order. */
llmcs_status desk_repeats_with_yes(desk_turn *t, desk_frame *frame, bool *yes) {
    const int order = desk_order_slot(t, frame->flow), parts = parts_slot(t, frame);
    const char *value = NULL;
    desk_words rest;
    size_t n_named;
    SHOP_TRY(desk_beside_yes(t->arena, &t->words, &rest));
    if (!rest.folded_bytes || desk_is_question(&t->words) || desk_gives_up(&t->words)) return LLMCS_OK;
    *yes = repeats_request(t, frame, &rest);
    for (size_t i = 0; i < t->flows->n_slots && !*yes; i++) {
        if (!t->flows->flows[frame->flow].uses[i] || !t->flows->slots[i].like || !frame->slots[i]) continue;
        SHOP_TRY(desk_value_find(t, (int)i, &rest, true, &value));
        *yes = value && !strcmp(value, frame->slots[i]);
    }
    if (*yes || order < 0 || !frame->slots[order] || parts < 0 || !has_one_piece(t, frame)) return LLMCS_OK;
    SHOP_TRY(blank_goods(t, frame, order, &rest, &n_named));
    *yes = n_named && desk_is_yes(&rest);
    return LLMCS_OK;
}

/* "Yes please. Do I have to send the green ones back?": agrees, and asks something besides. The question is answered
 * after the action: by the reader's entry, or by the knowledge base. */
static llmcs_status agrees_and_asks(desk_turn *t, const desk_frame *frame, const desk_reading *r, bool *yes) {
    static const char *const conditions[] = {"but", "if",   "unless", "only", "first", "instead", "before", "wait",
                                             "但",  "如果", "要是",   "除非", "先",    "等",      "不过",   NULL};
    desk_span parts[DESK_MAX_PARTS];
    desk_words first, rest;
    size_t end = 0;
    while (end < t->words.plain_bytes && !strchr(".!,", t->words.plain[end])) end++;
    if (end + 1 >= t->words.plain_bytes || t->c->n_queue == DESK_MAX_QUEUE) return LLMCS_OK;
    SHOP_TRY(desk_words_make(t->arena, t->words.plain, end, &first));
    SHOP_TRY(desk_words_make(t->arena, t->words.plain + end + 1, t->words.plain_bytes - end - 1, &rest));
    if (!desk_is_yes(&first) || !desk_is_question(&rest) || desk_is_question(&first) ||
        desk_has_any(&rest, conditions) || desk_split(&rest, parts) > 1 || wants_other_action(t, frame, r))
        return LLMCS_OK;
    *yes = true;
    static const double likely = 0.2;
    const desk_meaning *m = &r->meaning;
    const bool of_this = m->intent && (m->intent == m->entry || m->intent->flow == frame->flow);
    t->c->queue[t->c->n_queue++] = (desk_request){.text = rest.plain,
                                                  .label = "",
                                                  .score = m->entry_score,
                                                  .flow = -1,
                                                  .entry = of_this && m->entry_score >= likely ? m->entry->entry : NULL,
                                                  .vector = r->vector};
    return LLMCS_OK;
}

/* "Yes, it is the wooden one", 报吧 是木头那个: a yes whose detail is for the staff. A condition is no yes. */
static llmcs_status agrees_with_detail(desk_turn *t, desk_frame *frame, const desk_reading *r, bool *yes) {
    static const char *const conditions[] = {"but", "if", "unless", "only", "just", "first", "instead", "except", "not",
                                             "n't", "no", "other",  "但",   "如果", "要是",  "除非",    "先",     "等",
                                             "不",  "别", "只",     "另",   "换成", "改成",  NULL};
    desk_words rest;
    SHOP_TRY(desk_beside_yes(t->arena, &t->words, &rest));
    if (!rest.folded_bytes || desk_has_any(&t->words, conditions) || says_how_many(&t->words) || asks_something(t, r) ||
        desk_gives_up(&t->words) || wants_other_action(t, frame, r) || wants_other(frame, r, desk_digression_score))
        return LLMCS_OK;
    return add_remark(t, frame, r, yes);
}

static llmcs_status answer_confirm(desk_turn *t, desk_frame *frame, const desk_reading *r, bool *handled) {
    bool yes = desk_is_yes(&t->words) || agrees(t, frame, r);
    if (!yes) SHOP_TRY(desk_repeats_with_yes(t, frame, &yes));
    if (!yes) SHOP_TRY(agrees_and_asks(t, frame, r, &yes));
    const bool negated = desk_is_negated(t, frame->flow) && !desk_is_question(&t->words); /* "don't return it" */
    const bool no = !yes && (desk_is_no(&t->words) || negated || calls_off(t, frame, r));
    const size_t words = desk_count_words(t->words.folded, t->words.folded_bytes);
    bool corrected = false, names = false, part;
    *handled = true;
    if (negates_verb(t, &t->flows->flows[frame->flow])) { /* whatever else the message says */
        frame->refused = frame->asked;
        return desk_run(t);
    }
    SHOP_TRY(keep_pieces(t, frame, &part));
    if (part) return LLMCS_OK;
    /* "Return order PL2" to "cancel PL1?" must not cancel PL2. */
    const bool of_this = no || !wants_other_action(t, frame, r);
    if (of_this && (yes || no || words <= DESK_SHORT_ANSWER * 2 || !wants_other(frame, r, desk_part_score)))
        SHOP_TRY(correct_slots(t, frame, &corrected));
    if (!corrected && !yes) SHOP_TRY(desk_correct_address(t, frame, &corrected));
    if (!corrected && !yes) SHOP_TRY(correct_text(t, frame, &corrected));
    if (corrected) return desk_run(t);
    t->out.probability = 1;
    if (!yes && !no) SHOP_TRY(agrees_with_detail(t, frame, r, &yes));
    if (yes) {
        if ((double)(t->now - frame->asked_at) > t->desk->confirm_minutes * 60) return desk_run(t);
        frame->yes = desk_slots_hash(t, frame);
        return desk_run(t);
    }
    if (no && closes(t, r)) { /* "no thanks, bye" closes everything that is open */
        *handled = false;
        return LLMCS_OK;
    }
    /* "Never mind. Do you deliver to Singapore?", "actually, can I return them?" */
    const bool other_way = !yes && desk_changes_mind(&t->words) && wants_other_action(t, frame, r) &&
                           !(says_how_many(&t->words) && !has_one_piece(t, frame)); /* "actually only one of them" */
    if (other_way || (no && wants_instead(t, frame, r))) {
        desk_pop(t);
        *handled = false;
        return LLMCS_OK;
    }
    bool other_object = false;
    if (no) SHOP_TRY(ask_for_rest(t, frame, &other_object));
    if (other_object) return LLMCS_OK;
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

/* True for a yes or no and nothing else. */
static bool is_bare_answer(const desk_turn *t) {
    return (desk_is_yes(&t->words) || desk_is_no(&t->words)) &&
           desk_count_words(t->words.folded, t->words.folded_bytes) <= 2;
}

/* True if the message may be an address without a number or a word such as "street": capitals, 大学. */
static bool names_place(const desk_words *w) {
    static const char *const han[] = {"市",   "县",   "大学", "学院", "中学", "小学", "学校", "酒店", "宾馆", "医院",
                                      "公司", "园区", "大楼", "座",   "楼",   "村",   "苑",   "府",   "城",   NULL};
    size_t capitals = 0;
    for (size_t i = 0; han[i]; i++)
        if (strstr(w->folded, han[i])) return true;
    for (size_t i = 0; i + 1 < w->plain_bytes; i++)
        capitals += w->plain[i] >= 'A' && w->plain[i] <= 'Z' && w->plain[i + 1] >= 'a' && w->plain[i + 1] <= 'z' &&
                    (!i || w->plain[i - 1] == ' ');
    return capitals >= 3;
}

static bool fits_address(const desk_turn *t, const desk_frame *frame, const desk_reading *r) {
    const char *text = t->words.folded;
    const size_t gap = strncmp(text, "no", 2) ? 0 : strspn(text + 2, ". ");
    const bool number = gap && text[2 + gap] >= '0' && text[2 + gap] <= '9'; /* "no 5 Mill Lane" */
    const bool denies = desk_is_no(&t->words) && !number;
    const bool no = denies || desk_is_no_answer(&r->meaning);
    if (desk_is_whole_address(&t->words)) return !denies || desk_skip_preamble(&t->words);
    if (desk_is_address(&t->words)) return !no;
    return !no && !desk_is_question(&t->read) && !r->rule && !desk_is_yes(&t->words) && names_place(&t->words) &&
           !wants_other(frame, r, desk_part_score);
}

/* True if the message answers a free-text slot, rather than asks a question or changes the subject. */
static bool fits_free_text(const desk_turn *t, const desk_frame *frame, int slot, const desk_reading *r) {
    const desk_slot_type type = t->flows->slots[slot].type;
    const bool other = wants_other(frame, r, desk_digression_score), asks = desk_is_question(&t->read);
    if (type == DESK_SLOT_ADDRESS) return fits_address(t, frame, r);
    if (!t->flows->slots[slot].like && desk_surely_asks(t, &r->meaning)) return false;
    if (desk_changes_mind(&t->read) && wants_other(frame, r, desk_part_score)) return false;
    if (is_bare_answer(t) || closes(t, r)) return false; /* "yes" is no answer to "what would you like instead?" */
    if (t->flows->slots[slot].like && !desk_is_like(&t->flows->slots[slot], &t->words)) return false;
    const bool asks_how = r->rule && (r->rule->entry || t->flows->flows[r->rule->flow].follow >= 0);
    return !(asks && (other || asks_how));
}

/* "The yoga mat" to "what would you like instead?": keeps it as the first part of the answer. */
static llmcs_status keep_part(desk_turn *t, desk_frame *frame, int slot, bool *handled) {
    static const char *const denials[] = {"not", "meant", "wrong", "不是", "没问", "我说的", "我问的", "搞错", NULL};
    const int object = desk_order_slot(t, frame->flow);
    desk_reference ref;
    if (!t->flows->slots[slot].like || object < 0 || !frame->slots[object] || frame->part) return LLMCS_OK;
    if (desk_has_any(&t->words, denials)) return LLMCS_OK; /* "I'm not asking about that one" */
    SHOP_TRY(desk_refer(t, object, &t->words, true, &ref));
    for (size_t i = 0; i < ref.n && !*handled; i++) *handled = !strcmp(ref.ids[i], frame->slots[object]);
    if (!*handled) return LLMCS_OK;
    frame->part = t->words.plain;
    return desk_run(t);
}

static llmcs_status answer_slot(desk_turn *t, desk_frame *frame, int slot, const desk_reading *r, bool *handled) {
    const char *value = NULL;
    const size_t words = desk_count_words(t->words.folded, t->words.folded_bytes);
    const bool free_text = is_free_text(t, slot), yes_no = t->flows->slots[slot].type == DESK_SLOT_YES_NO;
    *handled = true;
    if (!yes_no && (desk_gives_up(&t->words) || negates_verb(t, &t->flows->flows[frame->flow]))) {
        desk_pop(t);
        desk_set_route(t, LLMCS_DESK_FLOW);
        t->out.probability = 1;
        return desk_say_sentence(t, DESK_NOTHING_DONE);
    }
    *handled = false;
    if (free_text && desk_points(&t->words))
        SHOP_TRY(keep_part(t, frame, slot, handled)); /* "the green one" says which */
    if (*handled) return LLMCS_OK;
    *handled = true;
    const bool digresses = free_text ? !fits_free_text(t, frame, slot, r)
                                     : wants_other(frame, r, desk_digression_score) && words > DESK_LONG_ANSWER;
    if (!digresses)
        SHOP_TRY(free_text ? whole_text(t, frame, slot, &value) : desk_value_find(t, slot, &t->words, true, &value));
    if (!digresses && !value && !frame->unfit && !frame->n_narrowed && !free_text)
        SHOP_TRY(desk_value_find(t, slot, &t->read, true, &value));
    if (value) {
        bool corrected;
        if (!free_text) SHOP_TRY(correct_slots(t, frame, &corrected));
        desk_set_slot(frame, slot, value);
        frame->answered = true;
        if (!free_text) SHOP_TRY(desk_fill_slots(t, frame, &t->words, false));
        t->out.probability = 1;
        return desk_run(t);
    }
    bool corrected = false;
    *handled = false;
    SHOP_TRY(keep_part(t, frame, slot, handled));
    if (*handled) return LLMCS_OK;
    if (!digresses) SHOP_TRY(correct_slots(t, frame, &corrected));
    /* If a description fits several objects, the question lists them. */
    *handled = corrected || (frame->n_narrowed && frame->shown < 0);
    return *handled ? desk_run(t) : LLMCS_OK;
}

/* Puts the flow's title before the question: "report something missing, do you need a photo". */
static llmcs_status name_flow(desk_turn *t, const desk_flow *flow) {
    desk_buffer b = {.allocator = &t->desk->allocator};
    desk_values_in v;
    const char *text;
    if (!flow->title) return LLMCS_OK;
    SHOP_TRY(desk_values_of(t, NULL, &v));
    desk_text_say(flow->title, &v, &b, NULL);
    desk_puts(&b, ", ");
    desk_put(&b, t->read.plain, t->read.plain_bytes);
    llmcs_status status = b.status;
    if (!status) status = shop_arena_copy(t->arena, desk_buffer_text(&b), b.n, &text);
    desk_buffer_free(&b);
    SHOP_TRY(status);
    t->request = (desk_request){.text = text, .label = "", .flow = -1};
    return LLMCS_OK;
}

/* Answers a question that nothing else answers by the flow's own entry, if it fits: "where do I send the photos". */
static llmcs_status say_own_entry(desk_turn *t, const desk_frame *frame) {
    const desk_flow *flow = &t->flows->flows[frame->flow];
    bool found = false;
    SHOP_TRY(name_flow(t, flow));
    for (size_t i = 0; i < flow->n_ops && !found; i++) {
        if (flow->ops[i].kind != DESK_OP_ENTRY) continue;
        SHOP_TRY(desk_say_entry_if_meant(t, flow->ops[i].id, &found));
    }
    return found ? LLMCS_OK : desk_say_sentence(t, DESK_NO_ANSWER);
}

/* The message is neither an answer nor another request. */
static llmcs_status missed_answer(desk_turn *t, desk_frame *frame, const desk_reading *r) {
    const desk_op *op = &t->flows->flows[frame->flow].ops[frame->asked];
    desk_set_route(t, LLMCS_DESK_FLOW);
    if (op->kind == DESK_OP_CONFIRM && asks_something(t, r)) { /* neither a yes nor a no */
        SHOP_TRY(say_own_entry(t, frame));
        return desk_run(t);
    }
    bool kept;
    SHOP_TRY(keep_remark(t, frame, r, &kept));
    if (kept) return LLMCS_OK;
    if (op->kind == DESK_OP_CONFIRM) return ask_or_decline(t, frame);
    if (++frame->tries >= t->flows->slots[op->index].tries) return desk_hand_over(t, "slot_missing", 0, NULL, NULL);
    return desk_ask_again(t, frame, true);
}

/* True if the intent leads to product recommendations. */
static bool is_suggestion(const desk_turn *t, const desk_intent *intent) {
    return intent->kind == DESK_INTENT_FLOW ? desk_lists_products(&t->flows->flows[intent->flow])
                                            : intent->kind == DESK_INTENT_RECOMMEND;
}

/* Answers a question in the middle of a flow. The flow resumes afterwards. */
static llmcs_status digress(desk_turn *t, desk_frame *frame, const desk_reading *r, bool *handled) {
    const bool replaces = replacing_flow(t, r) >= 0;
    *handled = false;
    if (desk_is_only_ordinal(t) || is_bare_answer(t) || frame->unfit) return LLMCS_OK;
    const int commanded = commanded_flow(t, frame);
    if (commanded >= 0 && !replaces) {
        const desk_request request = {.text = r->text, .label = "", .score = 1, .flow = commanded, .vector = r->vector};
        return desk_answer_request(t, &request, handled);
    }
    const int other = replaces ? replacing_flow(t, r) : -1;
    if (other >= 0 && other != frame->flow && desk_is_negated(t, other)) return LLMCS_OK; /* 要换新的 不想退 */
    const bool asks = asks_something(t, r);
    /* "Only one of them is broken" to whether to report something broken: it names what is open, and no other action.
     */
    const bool of_this = desk_has_cue(t, &t->flows->flows[frame->flow]) && !desk_names_action(&t->words);
    if (!asks && remark_slot(t, frame) >= 0 && !frame->by_label &&
        (of_this || (!r->rule && !replaces) || (!has_one_piece(t, frame) && says_how_many(&t->words))))
        return LLMCS_OK;                                          /* a remark */
    if (r->rule && r->rule->flow == frame->flow) return LLMCS_OK; /* it adds to the current request */
    if (r->rule && (r->rule->entry || replaces)) {
        *handled = true;
        return desk_apply_rule(t, r->rule);
    }
    /* A statement answers the open question, unless it has a cue of another flow. */
    const bool barred =
        r->intent && ((r->intent->kind == DESK_INTENT_FLOW && !replaces) || (!asks && is_suggestion(t, r->intent)));
    if (!barred && wants_other(frame, r, asks ? desk_part_score : desk_digression_score)) {
        const desk_request request = desk_request_of(r);
        return desk_answer_request(t, &request, handled);
    }
    if (!asks) return LLMCS_OK;
    const desk_request request = {.text = r->text, .label = "", .flow = -1, .vector = r->vector};
    return desk_say_knowledge(t, &request, 0.5, handled);
}

/* Answers a question by the entry that the reader finds likely. The flow resumes afterwards. */
static llmcs_status answer_by_entry(desk_turn *t, const desk_frame *frame, const desk_reading *r, bool *handled) {
    static const double likely = 0.2, needs_turn = 0.9;
    const desk_meaning *m = &r->meaning;
    const int flow = replacing_flow(t, r);
    const bool best = m->intent == m->entry, of_open = m->intent && m->intent->flow == frame->flow;
    if (r->rule || !m->entry || m->entry_score < likely || !(best || of_open) || !asks_something(t, r) ||
        is_bare_answer(t) || frame->unfit)
        return LLMCS_OK;
    /* Another request, or a question that needs nothing of this turn. */
    if (flow >= 0 && flow != frame->flow && (t->flows->flows[flow].acts || m->acts[DESK_ACT_FOLLOW] < needs_turn))
        return LLMCS_OK;
    return desk_say_entry(t, m->entry->entry, handled);
}

/* "Can I return the first one" to "which order has something missing?": starts the return with that order. */
static llmcs_status answer_with_other_flow(desk_turn *t, const desk_frame *frame, const desk_reading *r,
                                           bool *handled) {
    const desk_op *op = &t->flows->flows[frame->flow].ops[frame->asked];
    *handled = false;
    if (op->kind != DESK_OP_SLOT || t->flows->slots[op->index].type != DESK_SLOT_ORDER) return LLMCS_OK;
    int flow = replacing_flow(t, r);
    if (flow >= 0 && !t->flows->flows[flow].acts) flow = t->flows->flows[flow].follow;
    if (flow < 0 || flow == frame->flow || !t->flows->flows[flow].acts || !desk_has_cue(t, &t->flows->flows[flow]) ||
        desk_has_cue(t, &t->flows->flows[frame->flow]))
        return LLMCS_OK;
    const desk_request request = {.text = r->text, .label = "", .score = 1, .flow = flow, .vector = r->vector};
    return desk_answer_request(t, &request, handled);
}

/* "The navy one" when the order is already known: keeps it, changes it, or says that there is none. */
static llmcs_status refer_again(desk_turn *t, desk_frame *frame, const desk_reading *r, bool *handled) {
    const desk_op *op = &t->flows->flows[frame->flow].ops[frame->asked];
    const int slot = desk_order_slot(t, frame->flow);
    desk_reference ref;
    *handled = false;
    if (slot < 0 || !frame->slots[slot] || desk_is_yes(&t->words)) return LLMCS_OK;
    bool yes = op->kind == DESK_OP_CONFIRM && means_pieces(t, frame);
    if (op->kind == DESK_OP_CONFIRM && !yes) SHOP_TRY(desk_repeats_with_yes(t, frame, &yes));
    if (yes) return LLMCS_OK;
    if (op->kind == DESK_OP_SLOT && (op->index == slot || t->flows->slots[op->index].like)) return LLMCS_OK;
    for (size_t i = 0; i < t->flows->n_slots; i++) /* "plum, please" is the exchange wish */
        if (frame->slots[i] && t->flows->slots[i].like && desk_is_like(&t->flows->slots[i], &t->words)) return LLMCS_OK;
    SHOP_TRY(desk_refer(t, slot, &t->words, true, &ref));
    if (!ref.describes || !ref.pure || ref.all) return LLMCS_OK;
    *handled = true;
    t->out.probability = 1;
    for (size_t i = 0; i < ref.n; i++)
        if (!strcmp(ref.ids[i], frame->slots[slot])) {
            bool kept = false;
            if (!has_one_piece(t, frame) && !desk_is_no(&t->words)) SHOP_TRY(keep_remark(t, frame, r, &kept));
            return kept ? LLMCS_OK : desk_run(t);
        }
    if (!ref.strong) { /* "it was a white one that came": a title word alone does not change the order */
        *handled = false;
        return LLMCS_OK;
    }
    if (!ref.n) {
        desk_set_route(t, LLMCS_DESK_FLOW);
        SHOP_TRY(desk_say_sentence(t, DESK_NONE_FITS));
        return desk_run(t);
    }
    desk_set_slot(frame, slot, ref.n == 1 ? ref.ids[0] : NULL);
    if (ref.n > 1) {
        memcpy(frame->narrowed, ref.ids, sizeof frame->narrowed);
        frame->n_narrowed = ref.n;
    }
    return desk_run(t);
}

/* An address in reply to "shall I cancel it?" is neither yes nor no, so the confirmation is dropped: a later "yes" must
 * not count for it. If the flow below waits for an address, this is its answer. */
static llmcs_status drop_contradicted(desk_turn *t, const desk_frame *frame, const desk_reading *r, bool *handled) {
    const desk_flow *flow = &t->flows->flows[frame->flow];
    *handled = false;
    if (flow->ops[frame->asked].kind != DESK_OP_CONFIRM || !desk_is_whole_address(&t->words)) return LLMCS_OK;
    for (size_t i = 0; i < t->flows->n_slots; i++) /* a complaint may contain an address */
        if (flow->uses[i] && t->flows->slots[i].type >= DESK_SLOT_ADDRESS) return LLMCS_OK;
    desk_pop(t);
    desk_frame *below = desk_top(t);
    const desk_op *op = below && below->asked >= 0 ? &t->flows->flows[below->flow].ops[below->asked] : NULL;
    if (op && op->kind == DESK_OP_SLOT && t->flows->slots[op->index].type == DESK_SLOT_ADDRESS)
        return answer_slot(t, below, op->index, r, handled);
    *handled = true;
    desk_set_route(t, LLMCS_DESK_FLOW);
    return desk_say_sentence(t, DESK_NOTHING_DONE);
}

/* Drops a flow that only the classifier started when the customer asks something else. */
static void drop_frame(desk_turn *t, const desk_frame *frame) {
    for (size_t i = 0; i < t->c->n_frames; i++)
        if (t->c->frames[i] == frame) {
            memmove(t->c->frames + i, t->c->frames + i + 1, (t->c->n_frames - i - 1) * sizeof(void *));
            t->c->n_frames--;
            return;
        }
}

llmcs_status desk_answer_pending(desk_turn *t, desk_frame *frame, const desk_reading *r, bool *given_up) {
    const desk_op *op = &t->flows->flows[frame->flow].ops[frame->asked];
    const size_t n_frames = t->c->n_frames;
    bool handled;
    *given_up = false;
    t->request = (desk_request){.text = t->read.plain, .label = "", .flow = -1, .vector = r->vector};
    SHOP_TRY(answer_with_other_flow(t, frame, r, &handled));
    if (!handled) SHOP_TRY(refer_again(t, frame, r, &handled));
    if (!handled) SHOP_TRY(drop_contradicted(t, frame, r, &handled));
    if (desk_has_cue(t, &t->flows->flows[frame->flow])) frame->by_label = false;
    if (handled) {
        frame->by_label = false;
        return LLMCS_OK;
    }
    if (t->c->n_frames < n_frames) {
        *given_up = true;
        return LLMCS_OK;
    }
    SHOP_TRY(op->kind == DESK_OP_CONFIRM ? answer_confirm(t, frame, r, &handled)
                                         : answer_slot(t, frame, op->index, r, &handled));
    if (handled) frame->by_label = false;
    if (handled) return LLMCS_OK;
    *given_up = t->c->n_frames < n_frames;
    if (*given_up) return LLMCS_OK;
    if (closes(t, r)) return leave_open(t, r);
    SHOP_TRY(answer_by_entry(t, frame, r, &handled));
    if (!handled) SHOP_TRY(digress(t, frame, r, &handled));
    if (handled && frame->by_label) drop_frame(t, frame);
    return handled ? LLMCS_OK : missed_answer(t, frame, r);
}

/* Matches "the first", or words of one of the titles. */
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
        if (common == most) most = SIZE_MAX; /* a tie, or no match */
        if (common > most) chosen = i + 1, most = common;
    }
    c->n_choices = 0;
    if (!chosen) return LLMCS_OK;
    const desk_request request = {.text = c->choice_text ? c->choice_text : t->words.plain,
                                  .label = "",
                                  .score = 1,
                                  .flow = c->choices[chosen - 1].flow};
    c->unknown = 0;
    return desk_answer_request(t, &request, handled);
}

llmcs_status desk_answer_not_found(desk_turn *t, int flow, const desk_reading *r, bool *handled) {
    static const char *const cues[] = {"meant", "wrong number", "typo", "mistyped", "sorry", "oops",   "打错",
                                       "说错",  "写错",         "输错", "弄错",     "记错",  "应该是", NULL};
    const desk_frame other = {.flow = flow};
    const bool corrects = !wants_other(&other, r, desk_digression_score) || desk_has_any(&t->words, cues);
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
