/* The desk's replies: built-in sentences, knowledge base entries and the handover. */
#include <math.h>
#include <string.h>

#include "shop/desk/desk.h"
#include "shop/knowledge/knowledge.h"

/* least_offer: the lowest probability at which the desk asks "do you mean A or B?". strange_scope: from this
 * out-of-scope probability on, an entry must reach least_if_strange. */
static const double least_offer = 0.3, strange_scope = 0.65, least_if_strange = 0.32;
enum { FOCUS_TURNS = 4 }; /* turns that an order stays in focus for entries about it */

void desk_set_route(desk_turn *t, llmcs_shop_desk_route route) {
    const bool replaces = t->out.route == LLMCS_DESK_SMALLTALK || route == LLMCS_DESK_HANDOVER ||
                          (t->out.route == LLMCS_DESK_ASK_BACK && route != LLMCS_DESK_SMALLTALK);
    if (!t->route_set || replaces) t->out.route = route;
    t->route_set = true;
}

void desk_new_line(desk_turn *t) {
    if (t->reply.n && t->reply.text[t->reply.n - 1] != '\n') desk_puts(&t->reply, "\n");
}

llmcs_status desk_say_text(desk_turn *t, const desk_text *text, const desk_values_in *v) {
    desk_values_in own;
    bool said;
    if (!v) {
        SHOP_TRY(desk_values_of(t, NULL, &own));
        v = &own;
    }
    const bool zh = !strncmp(t->flows->langs[t->lang], "zh", 2);
    if (t->reply.n && t->reply.text[t->reply.n - 1] != '\n' && !zh) desk_puts(&t->reply, " ");
    const size_t before = t->reply.n;
    desk_text_say(text, v, &t->reply, &said);
    if (said) return t->reply.status;
    desk_buffer_cut(&t->reply, before);
    desk_text_say(t->flows->sentences[DESK_UNAVAILABLE_TEXT], v, &t->reply, NULL);
    t->wordable = false;
    return t->reply.status;
}

llmcs_status desk_say_sentence(desk_turn *t, desk_sentence sentence) {
    t->wordable = false;
    return desk_say_text(t, t->flows->sentences[sentence], NULL);
}

/* ---- entries */

static llmcs_status cite(desk_turn *t, const char *id, const char *lang, int32_t version, size_t entry_begin,
                         size_t entry_end, size_t begin, size_t end) {
    llmcs_shop_citation *c;
    if (t->out.n_citations == DESK_MAX_CITATIONS) return LLMCS_OK;
    SHOP_TRY(shop_arena_alloc(t->arena, 1, sizeof *c, &c));
    *c = (llmcs_shop_citation){
        .version = version, .entry_begin = entry_begin, .entry_end = entry_end, .reply_begin = begin, .reply_end = end};
    SHOP_TRY(shop_arena_copy(t->arena, id, strlen(id), &c->id));
    SHOP_TRY(shop_arena_copy(t->arena, lang, strlen(lang), &c->lang));
    t->citations[t->out.n_citations++] = c;
    return LLMCS_OK;
}

static llmcs_status read_entry(desk_turn *t, const char *id, const char **text, const char **lang, int32_t *version) {
    shop_connection *own = t->writer && !t->writer->driver ? t->writer : NULL, *c = own;
    shop_query q;
    size_t n;
    *text = NULL;
    if (!c) SHOP_TRY(shop_read_begin(t->desk->shop, &c));
    llmcs_status status = shop_query_begin(
        c, &q,
        "SELECT t.text, e.lang, e.version FROM entries e JOIN texts t ON t.entry = e.row AND t.version = e.version AND"
        " t.position = 0 WHERE e.id = ?1 AND NOT e.retired AND coalesce(e.valid_from, ?3) <= ?3"
        " AND coalesce(e.valid_until, ?3 + 1) > ?3 ORDER BY e.lang = ?2 DESC, e.lang = '' DESC, e.row LIMIT 1",
        "ssi", id, t->flows->langs[t->lang], t->now);
    if (!status) status = shop_query_next(&q);
    if (!status && q.has_row) {
        const char *found = shop_query_text(&q, 0, &n);
        status = shop_arena_copy(t->arena, found, n, text);
        found = shop_query_text(&q, 1, &n);
        if (!status) status = shop_arena_copy(t->arena, found, n, lang);
        *version = (int32_t)shop_query_int(&q, 2);
    }
    if (!status) shop_query_end(&q);
    if (!own) shop_read_end(t->desk->shop, c);
    return status;
}

/* Returns the order that was spoken of last, or NULL. */
static const char *order_in_focus(const desk_turn *t, size_t *slot) {
    const desk_conversation *c = t->c;
    const desk_frame *frame = desk_top(t);
    for (size_t i = 0; i < t->flows->n_slots; i++) {
        if (t->flows->slots[i].type != DESK_SLOT_ORDER) continue;
        *slot = i;
        if (frame && frame->slots[i]) return frame->slots[i];
        if (c->mentioned[i] && c->focus && c->n_turns < c->focus + FOCUS_TURNS) return c->mentioned[i];
    }
    return NULL;
}

static llmcs_status choice_holds(desk_turn *t, desk_frame *frame, const desk_entry_choice *choice, bool *holds) {
    *holds = true;
    for (size_t i = 0; i < choice->n_conditions && *holds; i++) {
        const int find = choice->conditions[i].subject.find;
        if (!frame->finds[find]) SHOP_TRY(desk_find(t, frame, find, &frame->finds[find]));
        *holds = desk_holds(t, frame, &choice->conditions[i]);
    }
    return LLMCS_OK;
}

/* An order that goes abroad is returned in another way: replaces the entry by the one for the order in focus. */
static llmcs_status choose_entry(desk_turn *t, const char **id) {
    const desk_entry_rule *rule = NULL;
    size_t slot = 0;
    for (size_t i = 0; i < t->flows->n_entries && !rule; i++)
        if (!strcmp(t->flows->entries[i].entry, *id)) rule = &t->flows->entries[i];
    const char *order = rule && t->c->customer_id ? order_in_focus(t, &slot) : NULL;
    desk_frame *frame;
    if (!order) return LLMCS_OK;
    SHOP_TRY(shop_arena_alloc(t->arena, 1, sizeof *frame, &frame));
    frame->slots[slot] = order;
    for (size_t i = 0; i < rule->n_choices; i++) {
        bool holds;
        SHOP_TRY(choice_holds(t, frame, &rule->choices[i], &holds));
        if (!holds) continue;
        *id = rule->choices[i].entry;
        return LLMCS_OK;
    }
    return LLMCS_OK;
}

static bool was_cited(const desk_turn *t, const char *id) {
    for (size_t i = 0; i < t->out.n_citations; i++)
        if (!strcmp(t->citations[i]->id, id)) return true;
    return false;
}

llmcs_status desk_say_entry(desk_turn *t, const char *id, bool *found) {
    const char *text, *lang;
    int32_t version = 0;
    SHOP_TRY(choose_entry(t, &id));
    *found = was_cited(t, id); /* an entry is cited once per reply */
    if (*found || (t->not_entry && !strcmp(id, t->not_entry))) return LLMCS_OK;
    SHOP_TRY(read_entry(t, id, &text, &lang, &version));
    if (!text || strchr(text, '{')) return LLMCS_OK; /* an answer with slots needs its question */
    desk_new_line(t);
    const size_t begin = t->reply.n;
    desk_puts(&t->reply, text);
    t->entry_text = text;
    t->out.probability = t->out.probability < 1 && t->out.probability > 0 ? t->out.probability : 1;
    desk_set_route(t, LLMCS_DESK_ENTRY);
    *found = true;
    SHOP_TRY(t->reply.status);
    return cite(t, id, lang, version, 0, strlen(text), begin, t->reply.n);
}

static llmcs_status say_answer(desk_turn *t, const llmcs_shop_answer *a, bool *found) {
    const size_t n = t->reply.n;
    if (a->route == LLMCS_ROUTE_ENTRY && a->n_citations && was_cited(t, a->citations[0]->id)) {
        *found = true;
        return LLMCS_OK;
    }
    if (a->route != LLMCS_ROUTE_ASK_BACK && a->n_citations) {
        const char *id = a->citations[0]->id, *chosen = id;
        SHOP_TRY(choose_entry(t, &chosen));
        if (chosen != id) return desk_say_entry(t, id, found); /* which chooses again */
    }
    if (a->route != LLMCS_ROUTE_ASK_BACK && a->n_candidates && a->n_citations) {
        /* Prefer the same entry in the language of the reply. */
        const llmcs_shop_candidate *first = a->candidates[0];
        if (strcmp(first->lang, t->flows->langs[t->lang]) != 0 && *first->lang) {
            SHOP_TRY(desk_say_entry(t, first->id, found));
            if (*found) return LLMCS_OK;
        }
    }
    desk_new_line(t);
    const size_t begin = t->reply.n;
    desk_puts(&t->reply, a->text);
    desk_set_route(t, a->route == LLMCS_ROUTE_ASK_BACK ? LLMCS_DESK_ASK_BACK
                      : a->route == LLMCS_ROUTE_FILLED ? LLMCS_DESK_FILLED
                                                       : LLMCS_DESK_ENTRY);
    if (a->route == LLMCS_ROUTE_ASK_BACK) t->wordable = false;
    SHOP_TRY(shop_arena_copy(t->arena, a->text, a->text_bytes, &t->entry_text));
    for (size_t i = 0; i < a->n_citations; i++) {
        const llmcs_shop_citation *c = a->citations[i];
        SHOP_TRY(cite(t, c->id, c->lang, c->version, c->entry_begin, c->entry_end, begin + c->reply_begin,
                      begin + c->reply_end));
    }
    *found = t->reply.n > n;
    return t->reply.status;
}

/* True if the desk should ask back: the answer lacks a slot, or the best entry is probable enough and the best two are
 * in the reply's language. */
static bool is_worth_asking(const desk_turn *t, const llmcs_shop_answer *a) {
    const char *lang = t->flows->langs[t->lang];
    if (a->missing_slot) return true;
    if (t->out.out_of_scope >= 0.5 || a->probability < least_offer) return false;
    for (size_t i = 0; i < 2 && i < a->n_candidates; i++)
        if (*a->candidates[i]->lang && strcmp(a->candidates[i]->lang, lang) != 0) return false;
    return true;
}

/* If the desk would offer two entries and one of them is excluded (t->not_entry), returns the other; else NULL. */
static const llmcs_shop_candidate *other_of_two(const desk_turn *t, const llmcs_shop_answer *a) {
    if (!t->not_entry || a->route != LLMCS_ROUTE_ASK_BACK || a->missing_slot || a->n_candidates < 2) return NULL;
    for (size_t i = 0; i < 2; i++)
        if (!strcmp(a->candidates[i]->id, t->not_entry)) return a->candidates[1 - i];
    return NULL;
}

static llmcs_status say_knowledge(desk_turn *t, const desk_request *request, double at_least, const char *const *tags,
                                  size_t n_tags, double accept, bool *found) {
    llmcs_shop_ask_params params;
    llmcs_shop_answer *answer = NULL;
    const double begin = shop_now_ms();
    *found = false;
    llmcs_shop_ask_params_init(&params);
    params.lang = t->flows->langs[t->lang];
    params.k = 3;
    params.now = t->now;
    params.tags = tags;
    params.n_tags = n_tags;
    params.threshold = accept < 0 ? t->flows->accept : accept;
    /* A message that the classifier rates as out of scope needs a better match. */
    if (accept < 0 && t->out.out_of_scope >= strange_scope) params.threshold = fmax(params.threshold, least_if_strange);
    SHOP_TRY(
        shop_ask_corrected(t->desk->shop, request->text, strlen(request->text), &params, request->vector, &answer));
    llmcs_status status = LLMCS_OK;
    const bool certain = answer->route == LLMCS_ROUTE_ENTRY || answer->route == LLMCS_ROUTE_FILLED;
    const bool offers = answer->route == LLMCS_ROUTE_ASK_BACK && is_worth_asking(t, answer);
    const bool excluded =
        t->not_entry && certain && answer->n_citations && !strcmp(answer->citations[0]->id, t->not_entry);
    t->excluded = t->excluded || excluded;
    const llmcs_shop_candidate *other = other_of_two(t, answer);
    if (!excluded && (at_least >= 0 ? (certain || other) && answer->probability >= at_least : certain || offers)) {
        t->out.probability = answer->probability;
        status = other ? desk_say_entry(t, other->id, found) : say_answer(t, answer, found);
    } else if (!t->out.n_citations && t->out.route == LLMCS_DESK_NONE) {
        t->out.probability = answer->probability;
    }
    llmcs_shop_answer_free(&answer);
    t->out.ms.knowledge += shop_now_ms() - begin;
    return status;
}

llmcs_status desk_say_knowledge(desk_turn *t, const desk_request *request, double at_least, bool *found) {
    return say_knowledge(t, request, at_least, NULL, 0, -1, found);
}

llmcs_status desk_say_tagged(desk_turn *t, const desk_request *request, const char *const *tags, size_t n_tags,
                             double accept, bool *found) {
    return say_knowledge(t, request, -1, tags, n_tags, accept, found);
}

llmcs_status desk_say_entry_if_meant(desk_turn *t, const char *id, bool *found) {
    llmcs_shop_ask_params params;
    llmcs_shop_answer *answer = NULL;
    const char *text, *lang;
    int32_t version;
    size_t common = 0;
    *found = false;
    SHOP_TRY(read_entry(t, id, &text, &lang, &version));
    if (text) (void)desk_overlap(t->arena, &t->words, text, &common);
    if (!common) {
        llmcs_shop_ask_params_init(&params);
        params.lang = t->flows->langs[t->lang];
        params.k = 3;
        params.now = t->now;
        SHOP_TRY(shop_ask_corrected(t->desk->shop, t->request.text, strlen(t->request.text), &params, t->request.vector,
                                    &answer));
        for (size_t i = 0; i < answer->n_candidates; i++) common += !strcmp(answer->candidates[i]->id, id);
        llmcs_shop_answer_free(&answer);
    }
    return common ? desk_say_entry(t, id, found) : LLMCS_OK;
}

/* ---- handover */

llmcs_status desk_hand_over(desk_turn *t, const char *reason, int priority, const desk_text *text,
                            const desk_values_in *v) {
    desk_conversation *c = t->c;
    const bool waits = !strcmp(c->status, "waiting") && strcmp(reason, "action_unknown") != 0;
    desk_set_route(t, LLMCS_DESK_HANDOVER);
    t->handed_over = true;
    t->wordable = false;
    t->out.handover_reason = reason;
    t->out.handover_priority = priority > c->priority ? priority : c->priority;
    t->out.expects = LLMCS_EXPECTS_PERSON;
    t->out.expected_slot = "";
    c->priority = t->out.handover_priority;
    c->status = "waiting";
    c->reason = reason;
    c->n_frames = c->n_queue = c->n_choices = 0;
    if (waits && priority < 2) return desk_say_sentence(t, DESK_WAITING);
    return desk_say_text(t, text ? text : t->flows->sentences[DESK_HANDOVER_TEXT], text ? v : NULL);
}
