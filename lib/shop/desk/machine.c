/*
 * Runs the programs of flows.
 *
 * Each turn runs the flow from its first operation with the state of its frame: finds are repeated, sentences already
 * said are skipped, filled slots and given confirmations do not stop it. So a flow always decides on current data, and
 * a corrected slot needs no undo.
 */
#include <string.h>

#include "shop/base/hash.h"
#include "shop/desk/desk.h"

enum { FOCUS_TURNS = 2, LEAST_REPEATED = 20 };

typedef enum run_result { RUN_GOES_ON, RUN_WAITS, RUN_ENDS, RUN_HANDED_OVER } run_result;

/* ---- frames */

desk_frame *desk_top(const desk_turn *t) { return t->c->n_frames ? t->c->frames[t->c->n_frames - 1] : NULL; }

/* Remembers the values for later turns: "cancel it". */
static void keep_objects(desk_turn *t, const desk_frame *frame) {
    for (size_t i = 0; i < t->flows->n_slots; i++) {
        const desk_slot_type type = t->flows->slots[i].type;
        const bool object = type == DESK_SLOT_ORDER || type == DESK_SLOT_PRODUCT || type == DESK_SLOT_CODE;
        if (!object || !frame->slots[i]) continue;
        t->c->mentioned[i] = frame->slots[i];
        if (type == DESK_SLOT_ORDER) t->c->focus = t->c->n_turns + 1;
    }
}

void desk_pop(desk_turn *t) {
    keep_objects(t, desk_top(t));
    t->c->n_frames--;
}

void desk_set_slot(desk_frame *frame, int slot, const char *value) {
    const char *old = frame->slots[slot];
    if (old && value && !strcmp(old, value)) return;
    frame->slots[slot] = value;
    memset(frame->said, 0, sizeof frame->said);
    memset(frame->finds, 0, sizeof frame->finds);
    frame->all = NULL;
    frame->yes = 0;
    frame->refused = -1;
    frame->asked = frame->shown = -1;
    frame->tries = 0;
    frame->n_narrowed = 0;
}

uint64_t desk_slots_hash(const desk_turn *t, const desk_frame *frame) {
    uint64_t hash = 0x9e3779b97f4a7c15u + (uint64_t)frame->flow;
    for (size_t i = 0; i < t->flows->n_slots; i++) {
        const char *value = frame->slots[i];
        const uint64_t h = value ? shop_xxh64(value, strlen(value)) : 7;
        hash = (hash ^ h ^ i) * 0x100000001b3u;
        hash ^= hash >> 29;
    }
    return hash ? hash : 1;
}

llmcs_status desk_fill_slots(desk_turn *t, desk_frame *frame, const desk_words *w, bool refers_back) {
    const desk_flow *flow = &t->flows->flows[frame->flow];
    for (size_t i = 0; i < t->flows->n_slots; i++) {
        const desk_slot *slot = &t->flows->slots[i];
        const char *value = NULL;
        if (!flow->uses[i] || frame->slots[i] || slot->type == DESK_SLOT_YES_NO) continue;
        const bool first = slot->first && slot->type >= DESK_SLOT_ADDRESS &&
                           (double)w->plain_bytes >= slot->first_min &&
                           (!slot->parts || (!frame->answered && (slot->like || desk_says_part(t, w))));
        SHOP_TRY(desk_value_find(t, (int)i, w, first, &value));
        if (!value && refers_back) value = t->c->mentioned[i];
        if (value) desk_set_slot(frame, (int)i, value);
    }
    return LLMCS_OK;
}

/* "They are the wrong colour" while a return is being confirmed: takes the order of that return. */
static llmcs_status inherit_objects(desk_turn *t, desk_frame *frame) {
    const desk_flow *flow = &t->flows->flows[frame->flow];
    for (size_t i = 0; flow->inherits && i < t->flows->n_slots; i++) {
        if (!flow->uses[i] || frame->slots[i] || t->flows->slots[i].type != DESK_SLOT_ORDER) continue;
        for (size_t k = t->c->n_frames; k-- > 0 && !frame->slots[i];)
            if (t->c->frames[k] != frame && t->c->frames[k]->slots[i])
                desk_set_slot(frame, (int)i, t->c->frames[k]->slots[i]);
    }
    return LLMCS_OK;
}

/* Takes the order of recent turns, unless the message describes another: "send it to my office". If the message does
 * not refer back, the order must be among those the flow offers. */
static llmcs_status take_focus(desk_turn *t, desk_frame *frame, bool refers_back) {
    const int slot = desk_order_slot(t, frame->flow);
    const desk_rows *rows;
    if (slot < 0 || frame->slots[slot] || !t->flows->flows[frame->flow].inherits || frame->unfit || frame->n_narrowed ||
        !t->c->mentioned[slot] || t->c->focus + FOCUS_TURNS <= t->c->n_turns)
        return LLMCS_OK;
    SHOP_TRY(desk_choices(t, frame, slot, &rows));
    bool offered = refers_back || (rows && !rows->n); /* nothing is offered: the flow explains why for this one */
    for (size_t i = 0; rows && i < rows->n && !offered; i++)
        offered = rows->cells[i * rows->n_columns].text &&
                  !strcmp(rows->cells[i * rows->n_columns].text, t->c->mentioned[slot]);
    if (offered) desk_set_slot(frame, slot, t->c->mentioned[slot]);
    return LLMCS_OK;
}

/* Two open frames must not both ask which order is meant: the new one replaces the old. *dropped: the old frame, whose
 * list may have been narrowed, or NULL. */
static void drop_same_question(desk_turn *t, int flow, const desk_frame **dropped) {
    const desk_frame *top = desk_top(t);
    *dropped = NULL;
    if (!top || top->asked < 0 || !t->flows->flows[flow].acts || desk_order_slot(t, flow) < 0) return;
    const desk_op *op = &t->flows->flows[top->flow].ops[top->asked];
    const bool which = op->kind == DESK_OP_SLOT && t->flows->slots[op->index].type == DESK_SLOT_ORDER;
    if (!which || top->n_acts) return;
    t->c->n_frames--;
    *dropped = top;
}

/* Takes over the candidates that the dropped question was narrowed to, if this flow offers them. */
static llmcs_status take_narrowed(desk_turn *t, desk_frame *frame, const desk_frame *dropped) {
    const int slot = desk_order_slot(t, frame->flow);
    const desk_rows *rows;
    if (slot < 0 || frame->slots[slot] || frame->n_narrowed || frame->unfit) return LLMCS_OK;
    SHOP_TRY(desk_choices(t, frame, slot, &rows));
    for (size_t i = 0; rows && i < dropped->n_narrowed; i++)
        for (size_t r = 0; r < rows->n; r++) {
            const char *id = rows->cells[r * rows->n_columns].text;
            if (id && !strcmp(id, dropped->narrowed[i])) frame->narrowed[frame->n_narrowed++] = id;
        }
    if (frame->n_narrowed == 1) desk_set_slot(frame, slot, frame->narrowed[0]);
    return LLMCS_OK;
}

llmcs_status desk_start_flow(desk_turn *t, int flow, const desk_words *w) {
    desk_conversation *c = t->c;
    desk_frame *frame;
    const desk_frame *dropped;
    drop_same_question(t, flow, &dropped);
    const bool narrowed = dropped && dropped->n_narrowed;
    for (size_t i = 0; i < c->n_frames; i++)
        if (c->frames[i]->flow == flow) { /* a flow is open only once: restart it */
            memmove(c->frames + i, c->frames + i + 1, (c->n_frames - i - 1) * sizeof(void *));
            c->n_frames--;
            break;
        }
    if (c->n_frames == DESK_MAX_FRAMES) memmove(c->frames, c->frames + 1, --c->n_frames * sizeof(void *));
    SHOP_TRY(shop_arena_alloc(t->arena, 1, sizeof *frame, &frame));
    frame->flow = frame->origin = flow;
    frame->serial = ++c->serial;
    frame->asked = frame->refused = frame->shown = -1;
    c->frames[c->n_frames++] = frame;
    SHOP_TRY(desk_fill_slots(t, frame, w, !narrowed && desk_refers_back(w)));
    if (narrowed) return take_narrowed(t, frame, dropped);
    SHOP_TRY(inherit_objects(t, frame));
    return take_focus(t, frame, desk_refers_back(w));
}

/* ---- values */

llmcs_status desk_values_of(desk_turn *t, const desk_frame *frame, desk_values_in *v) {
    const char **shown;
    const desk_json **answers;
    *v = (desk_values_in){.flows = t->flows, .lang = t->lang, .turn = (uint64_t)t->c->n_turns};
    if (!frame) return LLMCS_OK;
    SHOP_TRY(shop_arena_alloc(t->arena, t->flows->n_slots, sizeof *shown, &shown));
    SHOP_TRY(shop_arena_alloc(t->arena, t->flows->n_actions, sizeof(void *), &answers));
    for (size_t i = 0; i < t->flows->n_slots; i++)
        if (frame->slots[i]) SHOP_TRY(desk_value_show(t, (int)i, frame->slots[i], &shown[i]));
    for (size_t i = 0; i < frame->n_acts; i++) answers[frame->acts[i].action] = frame->acts[i].answer;
    v->slots = shown;
    v->finds = frame->finds;
    v->answers = answers;
    return LLMCS_OK;
}

static const desk_cell *subject_cell(const desk_turn *t, const desk_frame *frame, const desk_subject *s,
                                     desk_cell *own) {
    if (s->slot == DESK_SUBJECT_LOGIN) {
        own->text = t->c->customer_id ? "yes" : "no";
        return own;
    }
    if (s->slot >= 0) {
        own->text = frame->slots[s->slot];
        own->number = 0;
        for (const char *p = own->text ? own->text : ""; *p >= '0' && *p <= '9'; p++)
            own->number = own->number * 10 + (*p - '0');
        return own;
    }
    const desk_rows *rows = frame->finds[s->find];
    if (s->column < 0) {
        own->text = !rows ? NULL : rows->n ? "some" : "none";
        own->number = rows ? (double)rows->n : 0;
        return own;
    }
    if (!rows || !rows->n) return own;
    return &rows->cells[s->column];
}

bool desk_holds(const desk_turn *t, const desk_frame *frame, const desk_condition *c) {
    desk_cell own = {NULL, 0};
    const desk_cell *cell = subject_cell(t, frame, &c->subject, &own);
    const bool rows = c->subject.find >= 0 && c->subject.column < 0;
    char number[32];
    const char *text = cell->text;
    if (rows && text) {
        sqlite3_snprintf(sizeof number, number, "%lld", (long long)cell->number);
        text = number;
    }
    switch (c->compare) {
        case DESK_IS_EMPTY:
            return !text || !*text;
        case DESK_LESS:
            return text && cell->number < c->number;
        case DESK_MORE:
            return text && cell->number > c->number;
        case DESK_OLDER:
            return text && (double)t->now - cell->number > c->number * 86400;
        case DESK_NEWER:
            return text && (double)t->now - cell->number <= c->number * 86400;
        default:
            for (size_t i = 0; text && i < c->n_values; i++)
                if (!strcmp(text, c->values[i])) return true;
            return false;
    }
}

/* ---- questions */

static bool was_said(const desk_frame *frame, size_t at) { return frame->said[at / 8] >> (at % 8) & 1; }
static void mark_said(desk_frame *frame, size_t at) { frame->said[at / 8] |= (unsigned char)(1 << (at % 8)); }

/* True if the text contains {choices} in this language. */
static bool shows_choices(const desk_turn *t, const desk_text *text) {
    for (size_t v = 0; v < text->n_variants[t->lang]; v++)
        for (size_t i = 0; i < text->variants[t->lang][v].n; i++)
            if (text->variants[t->lang][v].parts[i].kind == DESK_PART_LOCAL) return true;
    return false;
}

/* True if the text makes sense without the list. */
static bool says_without_list(const desk_turn *t, const desk_text *text, const desk_values_in *v) {
    desk_buffer trial = {.allocator = &t->desk->allocator};
    desk_values_in plain = *v;
    bool said;
    plain.n_locals = 0;
    desk_text_say(text, &plain, &trial, &said);
    desk_buffer_free(&trial);
    return said;
}

/* Says why a question is repeated. */
static llmcs_status say_why_again(desk_turn *t, const desk_frame *frame, const desk_slot *s) {
    if (frame->unfit) return desk_say_sentence(t, DESK_NONE_FITS);
    return frame->missed && !s->again ? desk_say_sentence(t, DESK_AGAIN) : LLMCS_OK;
}

/* Prints the list the first time. Repeated questions are one line. */
static llmcs_status ask_slot(desk_turn *t, desk_frame *frame, int slot, int at) {
    const desk_slot *s = &t->flows->slots[slot];
    const desk_rows *rows;
    desk_buffer choices = {.allocator = &t->desk->allocator};
    desk_values_in v;
    const bool again = frame->shown == at, missed = frame->missed;
    SHOP_TRY(say_why_again(t, frame, s));
    SHOP_TRY(desk_offers(t, frame, slot, &rows));
    SHOP_TRY(desk_values_of(t, frame, &v));
    const desk_text *text = (missed || again) && s->again ? s->again : s->ask;
    const bool short_one = again && says_without_list(t, text, &v);
    if (rows && rows->n > 1 && !short_one)
        desk_rows_say(&t->flows->finds[desk_from(t, frame, slot)], rows, &v, DESK_MAX_LISTED, true, &choices);
    const char *list = choices.n ? desk_buffer_text(&choices) : NULL;
    const desk_local locals[] = {{"choices", list}, {"list", list}};
    v.locals = locals;
    v.n_locals = 2;
    llmcs_status status = choices.status;
    if (!status) status = desk_say_text(t, text, &v);
    if (!status && list && !shows_choices(t, text))
        status = desk_say_text(t, t->flows->sentences[DESK_CLOSED_LIST], &v);
    if (!status && missed && frame->tries && frame->tries + 1 >= s->tries) status = desk_say_sentence(t, DESK_STUCK);
    desk_buffer_free(&choices);
    if (!status && list && s->type == DESK_SLOT_ORDER) status = desk_keep_offered(t, rows);
    frame->shown = at;
    t->out.expects = LLMCS_EXPECTS_SLOT;
    t->out.expected_slot = s->name;
    t->wordable = false;
    return status;
}

/* Drops the other open flows that would act on the order of `frame`: the customer changed their mind, or it is done. */
static void drop_rivals(desk_turn *t, const desk_frame *frame) {
    const int slot = desk_order_slot(t, frame->flow);
    size_t n = 0;
    if (slot < 0 || !frame->slots[slot]) return;
    for (size_t i = 0; i < t->c->n_frames; i++) {
        desk_frame *other = t->c->frames[i];
        const int own = desk_order_slot(t, other->flow);
        const bool rival = other != frame && own >= 0 && other->slots[own] && t->flows->flows[other->flow].acts &&
                           !strcmp(other->slots[own], frame->slots[slot]);
        if (!rival || other->n_acts) t->c->frames[n++] = other;
    }
    t->c->n_frames = n;
}

static llmcs_status ask_confirm(desk_turn *t, desk_frame *frame, const desk_op *op, int at) {
    desk_values_in v;
    SHOP_TRY(desk_values_of(t, frame, &v));
    const desk_text *text = op->again && frame->shown == at ? op->again : op->text;
    if (frame->shown != at) drop_rivals(t, frame); /* a new return replaces an open exchange */
    frame->asked_at = t->now;
    frame->shown = at;
    t->out.expects = LLMCS_EXPECTS_YES;
    t->wordable = false;
    return desk_say_text(t, text, &v);
}

/* Runs the flow again, so that the question uses current data. */
llmcs_status desk_ask_again(desk_turn *t, desk_frame *frame, bool missed) {
    if (frame->asked < 0) return LLMCS_OK;
    desk_new_line(t);
    frame->missed = missed;
    return desk_run(t);
}

/* ---- operations */

static llmcs_status end_with(desk_turn *t, desk_sentence sentence, run_result *result) {
    *result = RUN_ENDS;
    desk_set_route(t, LLMCS_DESK_FLOW);
    return desk_say_sentence(t, sentence);
}

/* True if the find or action needs a login and there is none. A customer missing from the store has no rows there, but
 * the host may know them. */
static bool needs_login(const desk_turn *t, const desk_query *q) { return q->personal && !t->c->customer_id; }

static llmcs_status run_slot(desk_turn *t, desk_frame *frame, const desk_op *op, int at, int *next,
                             run_result *result) {
    const desk_slot *slot = &t->flows->slots[op->index];
    const desk_rows *rows;
    if (frame->slots[op->index]) return LLMCS_OK;
    const int from = desk_from(t, frame, op->index);
    if (from >= 0 && needs_login(t, &t->flows->finds[from])) return end_with(t, DESK_LOGIN, result);
    SHOP_TRY(desk_offers(t, frame, op->index, &rows));
    if (rows && !rows->n && op->no >= 0) {
        *next = op->no;
        return LLMCS_OK;
    }
    if (rows && !rows->n && slot->none) {
        desk_values_in v;
        SHOP_TRY(desk_values_of(t, frame, &v));
        *result = RUN_ENDS;
        desk_set_route(t, LLMCS_DESK_FLOW);
        return desk_say_text(t, slot->none, &v);
    }
    if (rows && rows->n == 1 && slot->only && rows->cells[0].text) {
        if (frame->unfit) SHOP_TRY(desk_say_sentence(t, DESK_NONE_FITS));
        frame->slots[op->index] = rows->cells[0].text;
        return LLMCS_OK;
    }
    *result = RUN_WAITS;
    frame->asked = at;
    desk_set_route(t, LLMCS_DESK_FLOW);
    return ask_slot(t, frame, op->index, at);
}

static llmcs_status run_find(desk_turn *t, desk_frame *frame, const desk_op *op, int *next, run_result *result) {
    const desk_query *find = &t->flows->finds[op->index];
    if (needs_login(t, find)) return end_with(t, DESK_LOGIN, result);
    SHOP_TRY(desk_find(t, frame, op->index, &frame->finds[op->index]));
    if (frame->finds[op->index]->n) return LLMCS_OK;
    if (op->no < 0) {
        t->c->retry = frame->flow + 1;
        return end_with(t, DESK_NOT_FOUND, result);
    }
    *next = op->no;
    return LLMCS_OK;
}

/* Removes a sentence that another flow already said in this reply. */
static void cut_repeated(desk_turn *t, size_t before) {
    char *text = t->reply.text;
    size_t begin = before;
    if (t->reply.status || t->reply.n <= before) return;
    while (begin < t->reply.n && (text[begin] == ' ' || text[begin] == '\n')) begin++;
    const size_t n = t->reply.n - begin;
    for (size_t i = 0; n >= LEAST_REPEATED && i + n <= before; i++)
        if (!memcmp(text + i, text + begin, n)) {
            desk_buffer_cut(&t->reply, before);
            return;
        }
}

static llmcs_status say_once(desk_turn *t, desk_frame *frame, const desk_text *text, size_t at) {
    desk_values_in v;
    const size_t before = t->reply.n;
    if (was_said(frame, at)) return LLMCS_OK;
    mark_said(frame, at);
    desk_set_route(t, (llmcs_shop_desk_route)t->flows->flows[frame->flow].route);
    SHOP_TRY(desk_values_of(t, frame, &v));
    SHOP_TRY(desk_say_text(t, text, &v));
    cut_repeated(t, before);
    return LLMCS_OK;
}

static llmcs_status run_say_by(desk_turn *t, desk_frame *frame, const desk_op *op, size_t at) {
    desk_cell own = {NULL, 0};
    const desk_cell *cell = subject_cell(t, frame, &op->subject, &own);
    const desk_text *text = NULL;
    char number[32];
    const char *value = cell->text;
    if (value && op->subject.find >= 0 && op->subject.column < 0) {
        sqlite3_snprintf(sizeof number, number, "%lld", (long long)cell->number);
        value = number;
    }
    for (size_t i = 0; i < op->n_cases; i++) {
        if (!op->cases[i].value && !text) text = op->cases[i].text;
        if (op->cases[i].value && value && !strcmp(op->cases[i].value, value)) {
            text = op->cases[i].text;
            break;
        }
    }
    return text ? say_once(t, frame, text, at) : LLMCS_OK;
}

static llmcs_status run_confirm(desk_turn *t, desk_frame *frame, const desk_op *op, int at, int *next,
                                run_result *result) {
    if (frame->refused == at) {
        if (op->no < 0) return end_with(t, DESK_NOTHING_DONE, result);
        *next = op->no;
        return LLMCS_OK;
    }
    if (frame->yes && frame->yes == desk_slots_hash(t, frame)) return LLMCS_OK;
    /* A confirmation that this flow has already acted on stays given. */
    for (size_t i = 0; i < frame->n_acts; i++)
        if (frame->acts[i].flow == frame->flow && frame->acts[i].op > at) return LLMCS_OK;
    *result = RUN_WAITS;
    frame->asked = at;
    frame->yes = 0;
    desk_set_route(t, LLMCS_DESK_FLOW);
    return ask_confirm(t, frame, op, at);
}

static llmcs_status run_do(desk_turn *t, desk_frame *frame, const desk_op *op, int at, int *next, run_result *result) {
    const desk_query *action = &t->flows->actions[op->index];
    desk_act_record *record;
    if (needs_login(t, action)) return end_with(t, DESK_LOGIN, result);
    SHOP_TRY(desk_do(t, frame, op, at, &record));
    t->wordable = false;
    if (record->state == LLMCS_ACTION_DONE) {
        if (op->yes >= 0) *next = op->yes;
        return LLMCS_OK;
    }
    if (record->state == LLMCS_ACTION_FAILED) {
        if (op->no < 0) return end_with(t, DESK_ACTION_FAILED, result);
        *next = op->no;
        return LLMCS_OK;
    }
    *result = RUN_HANDED_OVER;
    return desk_hand_over(t, "action_unknown", 1, t->flows->sentences[DESK_ACTION_UNKNOWN], NULL);
}

static llmcs_status run_entry(desk_turn *t, desk_frame *frame, const desk_op *op, size_t at) {
    bool found;
    if (was_said(frame, at)) return LLMCS_OK;
    mark_said(frame, at);
    SHOP_TRY(desk_say_entry(t, op->id, &found));
    return found ? LLMCS_OK : desk_say_sentence(t, DESK_UNAVAILABLE_TEXT);
}

static llmcs_status run_knowledge(desk_turn *t, desk_frame *frame, const desk_op *op, size_t at, int *next,
                                  run_result *result) {
    bool found;
    if (was_said(frame, at)) return LLMCS_OK;
    mark_said(frame, at);
    found = false;
    if (!t->no_entry) SHOP_TRY(desk_say_tagged(t, &t->request, op->tags, op->n_tags, op->accept, &found));
    if (found) return LLMCS_OK;
    if (op->no >= 0) {
        *next = op->no;
        return LLMCS_OK;
    }
    *result = RUN_ENDS;
    return desk_not_understood(t);
}

static llmcs_status run_recommend(desk_turn *t, desk_frame *frame, const desk_op *op, size_t at, int *next) {
    bool found;
    if (was_said(frame, at)) return LLMCS_OK;
    mark_said(frame, at);
    const char *product = op->by == DESK_BY_PRODUCT ? frame->slots[op->index] : NULL;
    SHOP_TRY(desk_say_products(t, op->by, product, op->k, op->have, &found));
    if (!found && op->no >= 0) {
        *next = op->no;
        return LLMCS_OK;
    }
    return found ? LLMCS_OK : desk_say_sentence(t, DESK_NO_RECOMMENDATION);
}

/* Says what the last action of the conversation did. */
static llmcs_status run_last_action(desk_turn *t, desk_frame *frame, const desk_op *op, size_t at, int *next) {
    const desk_local locals[] = {{"a", t->c->did}};
    desk_values_in v;
    if (was_said(frame, at)) return LLMCS_OK;
    mark_said(frame, at);
    if (!t->c->did) {
        if (op->no >= 0) *next = op->no;
        return op->no >= 0 ? LLMCS_OK : desk_say_sentence(t, DESK_NOTHING_TO_CONFIRM);
    }
    SHOP_TRY(desk_values_of(t, NULL, &v));
    v.locals = locals;
    v.n_locals = 1;
    t->wordable = false;
    desk_set_route(t, LLMCS_DESK_FLOW);
    return desk_say_text(t, t->flows->sentences[DESK_DONE_HERE], &v);
}

static llmcs_status run_hand_over(desk_turn *t, desk_frame *frame, const desk_op *op, run_result *result) {
    desk_values_in v;
    SHOP_TRY(desk_values_of(t, frame, &v));
    *result = RUN_HANDED_OVER;
    return desk_hand_over(t, op->id, op->priority, op->text, &v);
}

static llmcs_status run_go(desk_turn *t, desk_frame *frame, int flow, int *next) {
    desk_words w;
    frame->flow = flow;
    memset(frame->said, 0, sizeof frame->said);
    frame->yes = 0;
    frame->refused = frame->shown = -1;
    t->out.flow = t->flows->flows[flow].name;
    *next = 0;
    if (!t->request.text || frame->answered) return LLMCS_OK;
    SHOP_TRY(desk_words_make(t->arena, t->request.text, strlen(t->request.text), &w));
    return desk_fill_slots(t, frame, &w, false); /* fill the slots that only this flow uses */
}

static llmcs_status run_op(desk_turn *t, desk_frame *frame, int at, int *next, run_result *result) {
    const desk_op *op = &t->flows->flows[frame->flow].ops[at];
    switch (op->kind) {
        case DESK_OP_SLOT:
            return run_slot(t, frame, op, at, next, result);
        case DESK_OP_FIND:
            return run_find(t, frame, op, next, result);
        case DESK_OP_IF: {
            bool all = true;
            for (size_t i = 0; i < op->n_conditions && all; i++) all = desk_holds(t, frame, &op->conditions[i]);
            if ((all ? op->yes : op->no) >= 0) *next = all ? op->yes : op->no;
            return LLMCS_OK;
        }
        case DESK_OP_SAY:
            return say_once(t, frame, op->text, (size_t)at);
        case DESK_OP_SAY_BY:
            return run_say_by(t, frame, op, (size_t)at);
        case DESK_OP_CONFIRM:
            return run_confirm(t, frame, op, at, next, result);
        case DESK_OP_DO:
            return run_do(t, frame, op, at, next, result);
        case DESK_OP_ENTRY:
            return run_entry(t, frame, op, (size_t)at);
        case DESK_OP_KNOWLEDGE:
            return run_knowledge(t, frame, op, (size_t)at, next, result);
        case DESK_OP_RECOMMEND:
            return run_recommend(t, frame, op, (size_t)at, next);
        case DESK_OP_LAST_ACTION:
            return run_last_action(t, frame, op, (size_t)at, next);
        case DESK_OP_HAND_OVER:
            return run_hand_over(t, frame, op, result);
        case DESK_OP_SET:
            for (size_t i = 0; i < op->n_set; i++) frame->slots[op->set_slots[i]] = op->set_values[i];
            return LLMCS_OK;
        case DESK_OP_GO:
            return run_go(t, frame, op->index, next);
        case DESK_OP_JUMP:
            *next = op->index;
            return LLMCS_OK;
        default:
            *result = RUN_ENDS;
            return LLMCS_OK;
    }
}

/* Returns the operation that asks which of the narrowed orders is meant, or -1. */
static int narrowed_question(const desk_turn *t, const desk_frame *frame) {
    const desk_flow *flow = &t->flows->flows[frame->flow];
    for (size_t i = 0; frame->n_narrowed && i < flow->n_ops; i++)
        if (flow->ops[i].kind == DESK_OP_SLOT && t->flows->slots[flow->ops[i].index].type == DESK_SLOT_ORDER &&
            !frame->slots[flow->ops[i].index])
            return (int)i;
    return -1;
}

static llmcs_status run_frame(desk_turn *t, desk_frame *frame, run_result *result) {
    int at = 0;
    *result = RUN_GOES_ON;
    frame->asked = -1;
    t->out.flow = t->flows->flows[frame->flow].name;
    if (!t->flows->flows[frame->flow].worded) t->wordable = false;
    if (frame->unfit && t->flows->flows[frame->flow].objects) {
        SHOP_TRY(desk_say_sentence(t, DESK_NONE_FITS));
        frame->unfit = false;
    }
    const int question = narrowed_question(t, frame);
    if (question >= 0) at = question;
    while (*result == RUN_GOES_ON) {
        if (++t->n_run > DESK_MAX_RUN)
            return shop_fail(LLMCS_CONFIG, "%s: flow %s does not end; check its \"go\" steps", t->flows->path,
                             t->flows->flows[frame->flow].name);
        int next = at + 1;
        SHOP_TRY(run_op(t, frame, at, &next, result));
        at = next;
    }
    return LLMCS_OK;
}

/* Sets the slots that the caller gets. */
static llmcs_status show_slots(desk_turn *t, const desk_frame *frame) {
    llmcs_shop_slot *slots;
    size_t n = 0;
    SHOP_TRY(shop_arena_alloc(t->arena, t->flows->n_slots, sizeof *slots, &slots));
    for (size_t i = 0; i < t->flows->n_slots; i++)
        if (frame->slots[i]) slots[n++] = (llmcs_shop_slot){t->flows->slots[i].name, frame->slots[i]};
    if (!n && t->out.n_slots) return LLMCS_OK;
    t->out.slots = slots;
    t->out.n_slots = n;
    return LLMCS_OK;
}

/* Remembers the orders that the flow listed without knowing which one is meant. */
static llmcs_status keep_orders(desk_turn *t, const desk_frame *frame) {
    const int slot = desk_order_slot(t, frame->flow);
    const desk_rows *rows = NULL;
    for (size_t i = 0; slot >= 0 && !frame->slots[slot] && i < t->flows->n_finds; i++)
        if (t->flows->finds[i].line && frame->finds[i] && frame->finds[i]->n > 1) rows = frame->finds[i];
    return rows ? desk_keep_offered(t, rows) : LLMCS_OK;
}

/* Remembers what the reply, from byte `before` on, says of an action that this turn did. */
static llmcs_status keep_did(desk_turn *t, const desk_frame *frame, size_t before) {
    const desk_act_record *last = frame->n_acts ? &frame->acts[frame->n_acts - 1] : NULL;
    if (!last || last->state != LLMCS_ACTION_DONE || !t->act.key || strcmp(last->key, t->act.key) != 0) return LLMCS_OK;
    if (t->reply.status || before >= t->reply.n) return LLMCS_OK;
    return shop_arena_copy(t->arena, t->reply.text + before, t->reply.n - before, &t->c->did);
}

/* Remembers that a ticket was opened. Other actions show in the flow's next lookup. */
static void keep_ticket(desk_turn *t, const desk_frame *frame) {
    const desk_act_record *last = frame->n_acts ? &frame->acts[frame->n_acts - 1] : NULL;
    if (!last || last->state != LLMCS_ACTION_DONE) return;
    if (!t->flows->actions[last->action].sql && !t->flows->actions[last->action].host) t->c->done = frame->flow + 1;
}

llmcs_status desk_run_new(desk_turn *t, int done) {
    const desk_frame *frame = desk_top(t);
    const int slot = desk_order_slot(t, frame->flow);
    const bool again = done == frame->flow + 1 && slot >= 0 && frame->slots[slot] && t->c->mentioned[slot] &&
                       !strcmp(frame->slots[slot], t->c->mentioned[slot]);
    if (!again) return desk_run(t);
    desk_pop(t);
    t->c->done = done;
    desk_set_route(t, LLMCS_DESK_FLOW);
    return desk_say_sentence(t, DESK_ALREADY_DONE);
}

/* An action on an order settles earlier questions about that order. */
static void drop_settled(desk_turn *t, const desk_frame *done) {
    if (done->n_acts && done->acts[done->n_acts - 1].state == LLMCS_ACTION_DONE) drop_rivals(t, done);
}

llmcs_status desk_run(desk_turn *t) {
    run_result result;
    desk_frame *frame = desk_top(t);
    if (!frame) return LLMCS_OK;
    const size_t before = t->reply.n;
    SHOP_TRY(run_frame(t, frame, &result));
    if (t->handed_over) result = RUN_HANDED_OVER; /* by an answer that was not understood; no frame is left */
    SHOP_TRY(show_slots(t, frame));
    frame->missed = frame->unfit = false;
    SHOP_TRY(desk_keep_listed(t, frame));
    if (result == RUN_ENDS) SHOP_TRY(keep_orders(t, frame));
    desk_keep_orders(t, frame);
    if (result == RUN_HANDED_OVER) {
        keep_objects(t, frame);
        desk_await_object(t, frame->origin, frame);
    }
    if (result != RUN_ENDS) return LLMCS_OK;
    keep_ticket(t, frame);
    SHOP_TRY(keep_did(t, frame, before));
    desk_await_object(t, frame->origin, frame);
    desk_pop(t);
    drop_settled(t, frame);
    return LLMCS_OK;
}
