/*
 * Messages that depend on the previous turn: an object alone ("PL26111334", "the coat stand"), the place of a product
 * in the last list ("is the second one in stock?"), and a follow-up question after an entry ("and how much is that?").
 */
#include <string.h>

#include "shop/desk/desk.h"

enum {
    BARE_WORDS = 2,       /* of a message that is only an object */
    CORRECTION_WORDS = 8, /* of a message that begins with "no, " */
    DESCRIPTION_WORDS = 12,
    PLACE_WORDS = 14,
    FOLLOW_UP_WORDS = 10,
    ELLIPSIS_WORDS = 5, /* of a question that needs the previous one: "how long?", 要多久 */
    ATTRIBUTE_WORDS = 8,
    MOST_WORDS_BEFORE = 40,
    PRODUCT_TABLES = 3 /* bits of desk_query.tables: products and their texts */
};

static size_t count_words(const desk_words *w) { return desk_count_words(w->folded, w->folded_bytes); }

/* ---- an object alone */

int desk_order_slot(const desk_turn *t, int flow) {
    for (size_t i = 0; i < t->flows->n_slots; i++)
        if (t->flows->flows[flow].uses[i] && t->flows->slots[i].type == DESK_SLOT_ORDER) return (int)i;
    return -1;
}

void desk_await_object(desk_turn *t, int flow, const desk_frame *frame) {
    const desk_flow *f = &t->flows->flows[flow];
    const int next = f->follow >= 0 ? f->follow : flow;
    const int slot = desk_order_slot(t, next);
    if (slot < 0) return;
    t->c->acted = frame && frame->n_acts; /* acted: only another object may follow */
    t->c->resume = next + 1;
    t->c->lacks_object = !frame || !frame->slots[slot];
}

/* True for "no, PL26050124": the same request with another number. */
static bool corrects(const desk_words *w) {
    static const char *const cues[] = {"no",   "wait",   "sorry",   "oops",     "i mean", "i meant", "meant",
                                       "typo", "rather", "instead", "actually", "不对",   "不是",    "打错",
                                       "说错", "写错",   "弄错",    "应该是",   NULL};
    return count_words(w) <= CORRECTION_WORDS && desk_has_any(w, cues);
}

/* Starts a flow with no order, to see which one the message describes. */
static llmcs_status start_without_object(desk_turn *t, int flow, int slot) {
    SHOP_TRY(desk_start_flow(t, flow, &(desk_words){.plain = "", .folded = ""}));
    const desk_frame *frame = desk_top(t);
    if (frame->slots[slot] || frame->n_narrowed) desk_set_slot(desk_top(t), slot, NULL); /* else its rows stay valid */
    return LLMCS_OK;
}

/* "And the other one?", "the lunch box one": if the message only describes an order, runs the flow `resume` for it.
 * question_first: "has it arrived" first counts as a question about status. Only if no order is found does "arrived"
 * describe the order. */
static llmcs_status answer_reference(desk_turn *t, int resume, int slot, bool question_first, bool acted,
                                     bool *handled) {
    desk_reference ref;
    bool fits = false;
    if (count_words(&t->words) > DESCRIPTION_WORDS || desk_is_yes(&t->words)) return LLMCS_OK;
    const char *number;
    SHOP_TRY(desk_value_find(t, slot, &t->words, false, &number)); /* by the pattern alone, without a list */
    if (number) return LLMCS_OK;
    const int64_t focus = t->c->focus;
    SHOP_TRY(start_without_object(t, resume, slot));
    desk_frame *frame = desk_top(t);
    t->c->focus = focus;
    const char *known = t->c->mentioned[slot];
    for (int answers = !question_first; answers < 2 && !fits; answers++) {
        SHOP_TRY(desk_refer(t, slot, &t->words, answers, &ref));
        for (size_t i = 0; known && i < ref.n; i++) /* prefer the order mentioned last */
            if (!strcmp(ref.ids[i], known)) ref.ids[0] = known, ref.n = 1;
        fits = ref.describes && ref.pure && ref.n && !(acted && known && !strcmp(ref.ids[0], known));
    }
    if (!fits) {
        t->c->n_frames--;
        return LLMCS_OK;
    }
    t->request = (desk_request){.text = t->read.plain, .label = "", .flow = -1, .vector = t->vector};
    if (ref.n == 1) {
        desk_set_slot(frame, slot, ref.ids[0]);
    } else {
        memcpy(frame->narrowed, ref.ids, sizeof frame->narrowed);
        frame->n_narrowed = ref.n;
    }
    *handled = true;
    t->c->unknown = 0;
    t->out.probability = 1;
    return desk_run(t);
}

llmcs_status desk_answer_owned(desk_turn *t, int flow, bool *handled) {
    static const char *const owned[] = {"my",    "mine",      "the",  "these", "those", "this", "that", "i bought",
                                        "i got", "i ordered", "我的", "那",    "这",    "我买", "我那", NULL};
    const int slot = desk_order_slot(t, flow);
    desk_reference ref;
    if (slot < 0 || !desk_has_any(&t->words, owned)) return LLMCS_OK;
    SHOP_TRY(start_without_object(t, flow, slot));
    SHOP_TRY(desk_refer(t, slot, &t->words, false, &ref));
    if (!(ref.goods || (ref.strong && desk_points(&t->words))) || ref.n != 1) {
        t->c->n_frames--;
        return LLMCS_OK;
    }
    desk_set_slot(desk_top(t), slot, ref.ids[0]);
    SHOP_TRY(desk_fill_slots(t, desk_top(t), &t->read, false));
    *handled = true;
    return desk_run(t);
}

llmcs_status desk_answer_described(desk_turn *t, bool *handled) {
    *handled = false;
    for (size_t i = 0; i < t->flows->n_flows; i++) {
        const int slot = t->flows->flows[i].objects ? desk_order_slot(t, (int)i) : -1;
        if (slot >= 0) return answer_reference(t, (int)i, slot, true, false, handled);
    }
    return LLMCS_OK;
}

llmcs_status desk_answer_object(desk_turn *t, int resume, bool may_describe, bool acted, bool kept, bool *handled) {
    const size_t words = count_words(&t->words);
    const int slot = desk_order_slot(t, resume);
    const char *number = NULL;
    *handled = false;
    if (slot >= 0) SHOP_TRY(answer_reference(t, resume, slot, false, acted, handled));
    if (*handled || acted || kept || slot < 0 || desk_is_question(&t->words) || words > DESCRIPTION_WORDS)
        return LLMCS_OK;
    if (desk_is_yes(&t->words) || desk_is_no(&t->words) || desk_ordinal(&t->words, DESK_MAX_LISTED)) {
        if (!corrects(&t->words)) return LLMCS_OK;
    }
    SHOP_TRY(desk_value_find(t, slot, &t->words, false, &number)); /* by the pattern alone, without a list */
    const bool bare = number && (words <= BARE_WORDS || corrects(&t->words));
    if (!bare && (number || !may_describe)) return LLMCS_OK;
    SHOP_TRY(desk_start_flow(t, resume, &t->words));
    SHOP_TRY(desk_value_find(t, slot, &t->words, false, &number)); /* now with the candidates of the flow */
    if (!number) {
        t->c->n_frames--;
        return LLMCS_OK;
    }
    *handled = true;
    t->c->unknown = 0;
    t->out.probability = 1;
    return desk_run(t);
}

llmcs_status desk_names_object(desk_turn *t, const desk_frame *frame, bool *names) {
    const int slot = desk_order_slot(t, frame->flow);
    const char *value = NULL;
    *names = false;
    if (slot < 0 || !frame->slots[slot] || desk_is_question(&t->words)) return LLMCS_OK;
    SHOP_TRY(desk_value_find(t, slot, &t->words, false, &value));
    *names = value && !strcmp(value, frame->slots[slot]);
    return LLMCS_OK;
}

/* ---- listed products */

llmcs_status desk_keep_listed(desk_turn *t, const desk_frame *frame) {
    desk_conversation *c = t->c;
    if (t->out.n_products) return LLMCS_OK; /* browse.c has stored them */
    for (size_t i = 0; t->flows->flows[frame->flow].listed && i < t->flows->n_slots; i++)
        if (t->flows->slots[i].type == DESK_SLOT_PRODUCT && frame->slots[i])
            c->about = frame->slots[i], c->products_at = c->n_turns + 1, c->spoken = DESK_SPOKEN_PRODUCTS;
    for (size_t i = 0; i < t->flows->n_finds; i++) {
        const desk_query *q = &t->flows->finds[i];
        const desk_rows *rows = frame->finds[i];
        if (!rows || rows->n < 2 || q->tables & ~(uint32_t)PRODUCT_TABLES || !q->n_columns) continue;
        if (strcmp(q->columns[0], "id") != 0) continue;
        c->search = (desk_search){.text = NULL};
        c->products_at = c->n_turns + 1;
        c->spoken = DESK_SPOKEN_PRODUCTS;
        SHOP_TRY(desk_copy_ids(t, rows, c->listed, &c->n_listed));
    }
    return LLMCS_OK;
}

size_t desk_which_place(const desk_words *w, size_t n) {
    if (!n || count_words(w) > PLACE_WORDS) return 0;
    const size_t place = desk_place_named(w, n);
    return place ? place : desk_ordinal(w, n);
}

const char *desk_listed_product(const desk_turn *t, const desk_words *w) {
    const size_t place = desk_which_place(w, t->c->n_listed);
    return place ? t->c->listed[place - 1] : NULL;
}

bool desk_asks_attribute(const desk_words *w) {
    static const char *const words[] = {"colour", "colours",    "color", "colors", "material", "weight",
                                        "price",  "dimensions", "颜色",  "材质",   "重量",     "价格",
                                        "尺寸",   "多大",       "多重",  "多少钱", NULL};
    return desk_has_any(w, words) && count_words(w) <= ATTRIBUTE_WORDS;
}

/* ---- follow-up questions */

/* True if the message starts like a follow-up ("and ...", "what about ..."). */
static bool begins_as_follow_up(const desk_words *w) {
    static const char *const openings[] = {
        "and ",       "what about", "how about", "how much",  "how long",  "does that",    "does it",   "is that",
        "is it",      "would that", "would it",  "will that", "what if",   "and if",       "even if",   "for free",
        "so how",     "ok how",     "ok and",    "ok so",     "so do i",   "do i have to", "do i need", "do i pay",
        "which ones", "what else",  "who pays",  "at what",   "from when", "until when",   "by when",   "but ",
        "also for",   "same for",   "那",        "多少钱",    "要多少",    "要钱",         "收费",      "收钱",
        "多久",       "几天",       "要多久",    "需要多久",  "满多少",    "如果",         "要是",      "包括",
        "也",         "还",         "怎么弄",    "怎么办",    "在哪",      "谁出",         "要不要",    "需要",
        "from what",  "from how",   "it says",   "says",      "说",        "显示",         "提示",      "安全吗",
        "可靠吗",     NULL};
    return desk_begins_with(w->folded, openings);
}

bool desk_goes_on(const desk_words *w) {
    static const char *const openings[] = {"and ",      "what about", "how about", "i meant", "i mean",
                                           "no i mean", "那",         "我说的是",  "我是说",  NULL};
    return count_words(w) <= ELLIPSIS_WORDS + 1 && desk_begins_with(w->folded, openings);
}

/* True if it refers to the previous answer: "from there", "that", 那边. */
static bool refers_to_answer(const desk_words *w) {
    static const char *const words[] = {"there", "that", "it",          "this",      "they", "those",
                                        "them",  "那边", "那里",        "那儿",      "这个", "那个",
                                        "它",    "这种", "another one", "a new one", "再给", NULL};
    return desk_has_any(w, words) || (begins_as_follow_up(w) && count_words(w) <= ELLIPSIS_WORDS);
}

llmcs_status desk_follow_up_text(desk_turn *t, const char **text, bool *refers) {
    const char *before = t->c->thread;
    desk_words w;
    *text = NULL;
    *refers = refers_to_answer(&t->words);
    if (strcmp(t->c->last_route, "entry") != 0 || !*t->c->last_user) return LLMCS_OK;
    if (count_words(&t->words) > FOLLOW_UP_WORDS || !(*refers || begins_as_follow_up(&t->words))) return LLMCS_OK;
    if (!before) SHOP_TRY(desk_unmask(t, t->c->last_user, &before));
    SHOP_TRY(desk_words_make(t->arena, before, strlen(before), &w));
    if (strcmp(desk_language(&w) ? desk_language(&w) : "", t->flows->langs[t->lang]) != 0) return LLMCS_OK;
    if (count_words(&w) > MOST_WORDS_BEFORE) return LLMCS_OK;
    /* Join them into one sentence; sentence ends would split it into several questions. */
    desk_buffer b = {.allocator = &t->desk->allocator};
    for (size_t i = 0, len; i < w.plain_bytes; i += len) {
        (void)desk_char_at(w.plain, w.plain_bytes, i, &len);
        const bool ends = strchr(".?!;", w.plain[i]) != NULL || (len == 3 && !memcmp(w.plain + i, "。", 3));
        if (ends)
            desk_puts(&b, " ");
        else
            desk_put(&b, w.plain + i, len);
    }
    desk_puts(&b, ", ");
    desk_put(&b, t->read.plain, t->read.plain_bytes);
    llmcs_status status = b.status;
    if (!status) status = shop_arena_copy(t->arena, desk_buffer_text(&b), b.n, text);
    desk_buffer_free(&b);
    return status;
}
