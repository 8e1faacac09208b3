/* llmcs_shop_desk_say: one turn. */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "shop/base/clock.h"
#include "shop/base/hash.h"
#include "shop/base/options.h"
#include "shop/desk/desk.h"
#include "shop/spelling/spelling.h"
#include "shop/store/rows.h"

enum { MAX_ATTEMPTS = 6, MAX_BYTES = 1 << 30, SENTENCE_BYTES = 400 };

static const llmcs_shop_message default_message = {.struct_size = sizeof default_message, .text_bytes = LLMCS_NUL};

void llmcs_shop_message_init_sized(llmcs_shop_message *message, size_t struct_size) {
    shop_options_init(message, struct_size, &default_message, sizeof default_message);
}

const char *llmcs_shop_desk_route_name(llmcs_shop_desk_route route) {
    static const char *const names[] = {"none",      "flow",     "entry",    "filled",  "generated",   "recommend",
                                        "smalltalk", "ask_back", "handover", "blocked", "unavailable", "silent"};
    return (unsigned)route < sizeof names / sizeof *names ? names[route] : "?";
}

int64_t desk_time(const llmcs_shop_desk *desk) {
    if (!desk->now) return (int64_t)time(NULL);
    shop_call *call = shop_callback_begin();
    const int64_t now = desk->now(desk->now_user);
    shop_callback_end(call);
    return now;
}

/* ---- the result */

/* The turn and the arena with all its memory. */
typedef struct turn_block {
    llmcs_shop_turn turn; /* first member, so the caller's pointer is the block's */
    shop_arena arena;
} turn_block;

void llmcs_shop_turn_free(llmcs_shop_turn **turn) {
    if (!turn || !*turn) return;
    SHOP_PUBLIC_CALL;
    turn_block *block = (turn_block *)*turn;
    *turn = NULL;
    const llmcs_allocator a = block->arena.allocator;
    shop_arena arena = block->arena;
    shop_arena_free(&arena);
    shop_free(&a, block);
}

static const llmcs_shop_turn empty_turn = {.reply = "",
                                           .expected_slot = "",
                                           .lang = "",
                                           .intent = "",
                                           .flow = "",
                                           .action = "",
                                           .action_object = "",
                                           .action_key = "",
                                           .handover_reason = "",
                                           .handover_summary = "",
                                           .sentiment = "",
                                           .verdict = ""};

/* Copies everything on the stack or in a buffer into the arena. */
static llmcs_status finish_turn(desk_turn *t, turn_block *block) {
    llmcs_shop_turn *o = &t->out;
    const llmcs_shop_citation **citations;
    const char **products;
    SHOP_TRY(shop_arena_copy(t->arena, desk_buffer_text(&t->reply), t->reply.n, &o->reply));
    SHOP_TRY(t->reply.status);
    o->reply_bytes = strlen(o->reply);
    SHOP_TRY(shop_arena_alloc(t->arena, o->n_citations, sizeof(void *), &citations));
    for (size_t i = 0; i < o->n_citations; i++) citations[i] = t->citations[i];
    SHOP_TRY(shop_arena_alloc(t->arena, o->n_products, sizeof *products, &products));
    for (size_t i = 0; i < o->n_products; i++) products[i] = t->products[i];
    o->citations = citations;
    o->products = products;
    /* Names of flows, slots and actions belong to the desk; the turn may outlive it. */
    const char **names[] = {
        &o->flow,       &o->expected_slot,   &o->lang,      &o->intent,  &o->action,          &o->action_object,
        &o->action_key, &o->handover_reason, &o->sentiment, &o->verdict, &o->handover_summary};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        SHOP_TRY(shop_arena_copy(t->arena, *names[i], strlen(*names[i]), names[i]));
    llmcs_shop_slot *slots;
    SHOP_TRY(shop_arena_alloc(t->arena, o->n_slots, sizeof *slots, &slots));
    for (size_t i = 0; i < o->n_slots; i++) {
        SHOP_TRY(shop_arena_copy(t->arena, o->slots[i].name, strlen(o->slots[i].name), &slots[i].name));
        SHOP_TRY(shop_arena_copy(t->arena, o->slots[i].value, strlen(o->slots[i].value), &slots[i].value));
    }
    o->slots = slots;
    block->turn = *o;
    return LLMCS_OK;
}

/* ---- the text */

static int choose_language(const desk_turn *t) {
    int lang = t->message->lang ? desk_find_lang(t->flows, t->message->lang) : -1;
    if (lang < 0) {
        const char *own = desk_language(&t->words);
        lang = own ? desk_find_lang(t->flows, own) : -1;
    }
    if (lang < 0 && *t->c->lang) lang = desk_find_lang(t->flows, t->c->lang);
    return lang < 0 ? 0 : lang;
}

/* Makes valid UTF-8 without NUL: invalid bytes become U+FFFD, control characters spaces. */
static llmcs_status clean_text(desk_turn *t, const char *text, size_t n) {
    desk_buffer b = {.allocator = &t->desk->allocator};
    for (size_t i = 0, len; i < n; i += len) {
        const int32_t c = desk_char_at(text, n, i, &len);
        if (c == 0xfffd)
            desk_puts(&b, "\xef\xbf\xbd");
        else if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
            desk_puts(&b, " ");
        else
            desk_put(&b, text + i, len);
    }
    llmcs_status status = b.status;
    t->text_bytes = b.n;
    if (!status) status = shop_arena_copy(t->arena, desk_buffer_text(&b), b.n, &t->text);
    desk_buffer_free(&b);
    if (!status) status = desk_words_make(t->arena, t->text, t->text_bytes, &t->words);
    return status;
}

static llmcs_status correct_text(desk_turn *t) {
    llmcs_shop *shop = t->desk->shop;
    char *corrected;
    size_t n;
    t->read = t->words;
    SHOP_TRY(shop_spelling_correct(shop, t->words.plain, t->words.plain_bytes, &corrected, &n));
    if (!corrected) return LLMCS_OK;
    const llmcs_status status = desk_words_make(t->arena, corrected, n, &t->read);
    shop_free(&shop->allocator, corrected);
    return status;
}

/* ---- a turn */

/* Replaces the reply by one sentence. */
static llmcs_status say_only(desk_turn *t, desk_sentence sentence, llmcs_shop_desk_route route) {
    desk_buffer_cut(&t->reply, 0);
    t->out.route = route;
    t->route_set = true;
    t->out.expects = LLMCS_EXPECTS_ANYTHING;
    t->out.expected_slot = "";
    t->out.n_citations = t->out.n_products = 0;
    return desk_say_sentence(t, sentence);
}

static llmcs_status say_sorry(desk_turn *t) {
    desk_buffer sorry = {.allocator = &t->desk->allocator};
    desk_values_in v;
    const bool fits =
        t->out.route == LLMCS_DESK_FLOW || t->out.route == LLMCS_DESK_ENTRY || t->out.route == LLMCS_DESK_HANDOVER;
    if (t->c->priority < 1 || t->c->sorry || !fits || !t->reply.n || strcmp(t->out.sentiment, "negative") != 0)
        return LLMCS_OK;
    SHOP_TRY(desk_values_of(t, NULL, &v));
    desk_text_say(t->flows->sentences[DESK_SORRY], &v, &sorry, NULL);
    if (strncmp(t->flows->langs[t->lang], "zh", 2) != 0) desk_puts(&sorry, " ");
    const size_t n = sorry.n;
    desk_puts(&sorry, desk_buffer_text(&t->reply));
    if (sorry.status) {
        const llmcs_status status = sorry.status;
        desk_buffer_free(&sorry);
        return status;
    }
    desk_buffer_free(&t->reply);
    t->reply = sorry;
    t->c->sorry = true;
    for (size_t i = 0; i < t->out.n_citations; i++) {
        llmcs_shop_citation *c = (llmcs_shop_citation *)t->citations[i];
        c->reply_begin += n;
        c->reply_end += n;
    }
    return LLMCS_OK;
}

/* Declares the host action that an earlier turn left open UNKNOWN and hands over. */
static llmcs_status give_up_acting(desk_turn *t) {
    shop_connection *c;
    SHOP_TRY(shop_shared_write_begin(t->desk->shop, t->link, &c));
    llmcs_status status =
        shop_change(c, "UPDATE actions SET state = 'UNKNOWN' WHERE key = ?1 AND state = 'PENDING'", "s", t->c->acting);
    if (!status) status = desk_audit(c, "desk", "desk", "action UNKNOWN", t->c->acting, NULL);
    SHOP_TRY(shop_shared_write_end(t->desk->shop, c, status));
    t->out.action = "";
    return desk_hand_over(t, "action_unknown", 1, t->flows->sentences[DESK_ACTION_UNKNOWN], NULL);
}

static void show_action(desk_turn *t) {
    if (!t->act.key) return;
    t->out.action = t->flows->actions[t->act.action].name;
    t->out.action_object = t->act.object;
    t->out.action_key = t->act.key;
    t->out.action_state = t->act.state;
}

static void hide_refused_intent(desk_turn *t) {
    const int flow = *t->out.flow ? desk_find_flow(t->flows, t->out.flow) : -1;
    const int route = flow >= 0 ? t->flows->flows[flow].route : LLMCS_DESK_FLOW;
    if (route == LLMCS_DESK_NONE || route == LLMCS_DESK_BLOCKED) t->out.intent = "";
}

static llmcs_status answer(desk_turn *t) {
    bool busy, lost, stop;
    SHOP_TRY(correct_text(t));
    SHOP_TRY(desk_embed(t));
    SHOP_TRY(desk_guard_in(t, &stop));
    if (!strcmp(t->c->status, "person")) {
        t->out.route = LLMCS_DESK_SILENT;
        t->out.expects = LLMCS_EXPECTS_PERSON;
        return LLMCS_OK;
    }
    SHOP_TRY(desk_settle_acting(t, &busy, &lost));
    if (busy) {
        t->keep_state = true;
        return say_only(t, DESK_IN_PROGRESS, LLMCS_DESK_UNAVAILABLE);
    }
    if (lost) return give_up_acting(t);
    /* An interrupting rule of the shop gives the better answer. */
    if (stop && !desk_is_interrupted(t)) {
        t->out.probability = 1;
        if (t->danger) return desk_hand_over(t, t->verdict_label, 2, NULL, NULL);
        desk_set_route(t, LLMCS_DESK_BLOCKED);
        return desk_say_sentence(t, DESK_BLOCKED_TEXT);
    }
    t->wordable = true;
    SHOP_TRY(desk_decide(t));
    SHOP_TRY(desk_avoid_repetition(t));
    show_action(t);
    hide_refused_intent(t);
    SHOP_TRY(desk_word(t));
    SHOP_TRY(desk_mark_repetition(t));
    SHOP_TRY(say_sorry(t));
    SHOP_TRY(desk_guard_out(t, &stop));
    /* The outcome of an action is always reported. */
    return stop && !t->act.key ? say_only(t, DESK_UNAVAILABLE_TEXT, LLMCS_DESK_UNAVAILABLE) : LLMCS_OK;
}

/* Makes one attempt. CHANGED: another process answered in this conversation meanwhile. */
static llmcs_status make_turn(desk_turn *t) {
    bool answered;
    double begin = shop_now_ms();
    SHOP_TRY(desk_names_open(t));
    SHOP_TRY(desk_load(t, &answered));
    t->out.ms.load = shop_now_ms() - begin;
    if (answered) return LLMCS_OK;
    if (t->message->text_bytes > t->desk->max_text_bytes) {
        t->text = t->masked = "";
        t->keep_state = true;
        t->lang = choose_language(t);
        SHOP_TRY(say_only(t, DESK_TOO_LONG, LLMCS_DESK_BLOCKED));
    } else {
        SHOP_TRY(clean_text(t, t->message->text, t->message->text_bytes));
        t->lang = choose_language(t);
        SHOP_TRY(answer(t));
    }
    t->out.lang = t->flows->langs[t->lang];
    SHOP_TRY(t->reply.status);
    if (shop_is_cancelled(t->message->cancel) && !t->act.key)
        return shop_fail(LLMCS_CANCELLED, "cancelled before it was stored");
    begin = shop_now_ms();
    const llmcs_status status = desk_store(t);
    t->out.ms.store = shop_now_ms() - begin;
    return status;
}

static void abandon(desk_turn *t) {
    shop_connection *c = t->writer;
    t->writer = NULL;
    if (c) (void)shop_shared_write_end(t->desk->shop, c, LLMCS_CANCELLED);
    desk_names_close(t);
}

/* True for errors of the store. The reply is then kept only if it depends on no state. */
static bool is_store_trouble(llmcs_status status) {
    return status == LLMCS_BUSY || status == LLMCS_IO || status == LLMCS_NOSPACE || status == LLMCS_FORMAT ||
           status == LLMCS_JSON || status == LLMCS_LIMIT || status == LLMCS_PENDING || status == LLMCS_CHANGED ||
           status == LLMCS_CONFIG || status == LLMCS_STATE || status == LLMCS_UNSUPPORTED;
}

/* True if the reply depends on no state: an entry, small talk, products. */
static bool stands_alone(const desk_turn *t) {
    return t->reply.n && t->out.expects == LLMCS_EXPECTS_ANYTHING && !t->act.key && !t->handed_over &&
           (t->out.route == LLMCS_DESK_ENTRY || t->out.route == LLMCS_DESK_FILLED ||
            t->out.route == LLMCS_DESK_GENERATED || t->out.route == LLMCS_DESK_SMALLTALK ||
            t->out.route == LLMCS_DESK_RECOMMEND || t->out.route == LLMCS_DESK_BLOCKED);
}

static llmcs_status answer_without_store(desk_turn *t, bool stored_failed) {
    const desk_conversation none = {.customer = -1, .status = "open", .lang = "", .reason = "", .summary = ""};
    shop_log(t->desk->shop, LLMCS_LOG_WARN, "desk: a turn was not stored: %s", llmcs_error_message());
    t->out.number = 0;
    if (stored_failed && stands_alone(t)) return LLMCS_OK;
    if (!t->c) {
        SHOP_TRY(shop_arena_alloc(t->arena, 1, sizeof *t->c, &t->c));
        *t->c = none;
    }
    /* The conversation could not be read, so take the language of the message. */
    if (!t->text_bytes && t->message->text_bytes <= t->desk->max_text_bytes) {
        SHOP_TRY(clean_text(t, t->message->text, t->message->text_bytes));
        t->lang = choose_language(t);
    }
    t->out.lang = t->flows->langs[t->lang];
    t->names = NULL;
    t->out.handover_reason = "";
    /* An unsettled host action may have succeeded. */
    const bool unknown = t->host_acted || (t->doubtful && t->act.key);
    if (unknown) t->out.action_state = LLMCS_ACTION_UNKNOWN;
    if (!unknown) {
        t->out.action = t->out.action_object = t->out.action_key = "";
        t->out.action_state = LLMCS_ACTION_NONE;
    }
    return say_only(t, unknown ? DESK_ACTION_UNKNOWN : DESK_UNAVAILABLE_TEXT, LLMCS_DESK_UNAVAILABLE);
}

static void begin_turn(desk_turn *t, llmcs_shop_desk *desk, const llmcs_shop_message *m, shop_arena *arena,
                       double begin, shop_connection *link) {
    *t = (desk_turn){.desk = desk,
                     .flows = desk->flows,
                     .message = m,
                     .arena = arena,
                     .begin = begin,
                     .link = link,
                     .out = empty_turn};
    const double limit = m->deadline_ms > 0 ? m->deadline_ms : desk->deadline_ms;
    t->deadline = limit > 0 ? begin + limit : 0;
    t->now = desk_time(desk);
    t->reply.allocator = &desk->allocator;
    t->text = t->masked = "";
    t->act.action = -1;
}

/* Repeats the turn until no other process has interfered. */
static llmcs_status take_turn(llmcs_shop_desk *desk, const llmcs_shop_message *m, turn_block *block) {
    desk_turn *t;
    const double begin = shop_now_ms();
    llmcs_status status = LLMCS_OK;
    SHOP_TRY(shop_alloc(&desk->allocator, 1, sizeof *t, "turn", &t));
    shop_connection *link;
    const double limit = m->deadline_ms > 0 ? m->deadline_ms : desk->deadline_ms;
    const llmcs_status entered = shop_shared_enter(desk->shop, m->conversation, limit > 0 ? limit : -1, &link);
    for (int attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        begin_turn(t, desk, m, &block->arena, begin, link);
        status = entered ? entered : make_turn(t);
        abandon(t);
        if (status != LLMCS_CHANGED || t->host_acted || attempt + 1 == MAX_ATTEMPTS) break;
        desk_buffer_free(&t->reply);
    }
    shop_shared_leave(desk->shop, link);
    /* No reply for another customer's conversation, lack of memory or an invalid call. */
    if (is_store_trouble(status) && !t->foreign) status = answer_without_store(t, t->text_bytes > 0 && t->c != NULL);
    t->out.ms.total = shop_now_ms() - begin;
    if (!status) status = finish_turn(t, block);
    desk_buffer_free(&t->reply);
    shop_free(&desk->allocator, t);
    return status;
}

/* ---- versions of the intents */

enum { FOLLOW_MS = 1000 };

/* Picks up promotions by other processes within a second. A failure keeps the current versions. */
static void follow_versions(llmcs_shop_desk *desk) {
    if (!desk->rollout) return;
    const double now = shop_now_ms();
    pthread_mutex_lock(&desk->lock);
    const bool due = now - desk->followed >= FOLLOW_MS;
    if (due) desk->followed = now;
    pthread_mutex_unlock(&desk->lock);
    if (due && llmcs_shop_rollout_refresh(desk->rollout, NULL))
        shop_log(desk->shop, LLMCS_LOG_WARN, "desk: versions of the intents: %s", llmcs_error_message());
}

/* ---- order of turns */

static void enter(llmcs_shop_desk *desk, desk_place *place) {
    pthread_mutex_lock(&desk->lock);
    if (desk->last)
        desk->last->next = place;
    else
        desk->first = place;
    desk->last = place;
    for (;;) {
        const desk_place *before = desk->first;
        while (before != place && before->conversation != place->conversation) before = before->next;
        if (before == place) break;
        pthread_cond_wait(&desk->left, &desk->lock);
    }
    pthread_mutex_unlock(&desk->lock);
}

static void leave(llmcs_shop_desk *desk, const desk_place *place) {
    pthread_mutex_lock(&desk->lock);
    desk_place *before = NULL, *at = desk->first;
    while (at != place) before = at, at = at->next;
    if (before)
        before->next = at->next;
    else
        desk->first = at->next;
    if (desk->last == at) desk->last = before;
    pthread_cond_broadcast(&desk->left);
    pthread_mutex_unlock(&desk->lock);
}

/* ---- the call */

static llmcs_status check_message(const llmcs_shop_desk *desk, const llmcs_shop_message *in, llmcs_shop_message *m) {
    if (!in) return shop_fail(LLMCS_ARG, "message is NULL");
    *m = default_message;
    SHOP_TRY(shop_options_in(m, sizeof *m, SHOP_SIZE_UP_TO_POINTER(llmcs_shop_message, on_text_user), in,
                             "llmcs_shop_message"));
    SHOP_TRY(shop_check_id("conversation", m->conversation));
    if (m->customer) SHOP_TRY(shop_check_id("customer", m->customer));
    if (m->id) SHOP_TRY(shop_check_id("id", m->id));
    if (m->lang) SHOP_TRY(shop_check_lang(m->lang));
    if (!m->text) return shop_fail(LLMCS_ARG, "text is NULL");
    if (m->text_bytes == LLMCS_NUL) m->text_bytes = strlen(m->text);
    if (m->text_bytes > MAX_BYTES)
        return shop_fail(LLMCS_LIMIT, "text has %lld bytes, at most %d", (long long)m->text_bytes, MAX_BYTES);
    if (!(m->deadline_ms >= 0)) return shop_fail(LLMCS_ARG, "deadline_ms: %g is not valid (0 or more)", m->deadline_ms);
    if (shop_is_cancelled(m->cancel)) return shop_fail(LLMCS_CANCELLED, "cancelled before it began");
    (void)desk;
    return LLMCS_OK;
}

/* Passes the reply on sentence by sentence. */
static void stream(const llmcs_shop_message *m, const llmcs_shop_turn *turn) {
    if (!m->on_text) return;
    shop_call *call = shop_callback_begin();
    for (size_t at = 0; at < turn->reply_bytes;) {
        size_t n = shop_min(turn->reply_bytes - at, SENTENCE_BYTES);
        while (at + n < turn->reply_bytes && ((unsigned char)turn->reply[at + n] & 0xc0) == 0x80) n--;
        if (m->on_text(m->on_text_user, turn->reply + at, n)) break;
        at += n;
    }
    shop_callback_end(call);
}

llmcs_status llmcs_shop_desk_say(llmcs_shop_desk *desk, const llmcs_shop_message *message, llmcs_shop_turn **turn) {
    SHOP_PUBLIC_CALL;
    llmcs_shop_message m;
    turn_block *block;
    if (!turn) return shop_fail(LLMCS_ARG, "turn is NULL");
    *turn = NULL;
    if (!desk) return shop_fail(LLMCS_STATE, "the desk is NULL");
    SHOP_TRY(shop_check(desk->shop));
    SHOP_TRY(check_message(desk, message, &m));
    SHOP_TRY(shop_alloc_zero(&desk->allocator, 1, sizeof *block, "turn", &block));
    block->arena.allocator = desk->allocator;
    follow_versions(desk);
    desk_place place = {.conversation = shop_xxh64(m.conversation, strlen(m.conversation))};
    enter(desk, &place);
    const llmcs_status status = take_turn(desk, &m, block);
    leave(desk, &place);
    llmcs_shop_turn *made = &block->turn;
    if (status) {
        llmcs_shop_turn_free(&made);
        return status;
    }
    *turn = made; /* set first: the callback may throw an exception */
    stream(&m, made);
    return LLMCS_OK;
}
