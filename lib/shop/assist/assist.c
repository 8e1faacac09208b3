/* Suggests replies in a conversation and records them as shown. */
#include <math.h>
#include <string.h>
#include <time.h>

#include "shop/assist/assistant.h"
#include "shop/assist/templates.h"
#include "shop/base/options.h"
#include "shop/guard/audit.h"
#include "shop/knowledge/match.h"
#include "shop/knowledge/signature.h"
#include "shop/learn/feedback.h"
#include "shop/store/rows.h"
#include "shop/store/vectors.h"

static const char *const kind_names[] = {"entry", "past", "draft", "template"};

const char *llmcs_shop_suggestion_kind_name(llmcs_shop_suggestion_kind kind) {
    return (unsigned)kind <= LLMCS_SUGGESTION_TEMPLATE ? kind_names[kind] : NULL;
}

static const llmcs_shop_assist_params default_params = {
    .struct_size = sizeof(llmcs_shop_assist_params), .k = 3, .deadline_ms = 3000};

void llmcs_shop_assist_params_init_sized(llmcs_shop_assist_params *params, size_t struct_size) {
    shop_options_init(params, struct_size, &default_params, sizeof default_params);
}

/* State of one call. */
typedef struct assisting {
    llmcs_shop_assistant *assistant;
    const char *conversation;
    const llmcs_shop_assist_params *p;
    shop_offer *offer;
    const char *lang;
    bool chinese;
    double begin; /* milliseconds */
    bool stopped; /* by the callback */
    shop_signature signatures[SHOP_MAX_SUGGESTIONS];
    float *vector; /* of the question, or NULL */
    llmcs_shop_answer *answer;
    shop_past past[SHOP_MAX_PAST];
    size_t n_past;
} assisting;

/* ---- one suggestion */

static bool is_full(const assisting *s) { return s->stopped || s->offer->head.n_items == s->p->k; }

/* *repeated: the text is too similar to an earlier suggestion, by the Jaccard index of character trigrams. */
static llmcs_status is_repeated(assisting *s, const char *text, size_t n, bool *repeated) {
    shop_offer *o = s->offer;
    shop_signature *own = &s->signatures[o->head.n_items];
    SHOP_TRY(shop_signature_make(&o->memory.allocator, text, n, own));
    *repeated = false;
    for (size_t i = 0; i < o->head.n_items && !*repeated; i++) {
        int common = 0, all = 0;
        for (size_t w = 0; w < SHOP_SIGNATURE_WORDS; w++) {
            common += __builtin_popcountll(own->bits[w] & s->signatures[i].bits[w]);
            all += __builtin_popcountll(own->bits[w] | s->signatures[i].bits[w]);
        }
        *repeated = (all && common > 0.7 * all) || !strcmp(o->items[i].text, text);
    }
    return LLMCS_OK;
}

static llmcs_status check_text(assisting *s, llmcs_shop_suggestion *item, bool *blocked) {
    llmcs_shop_verdict *verdict = NULL;
    llmcs_shop_check_params params;
    *blocked = false;
    item->verdict = item->verdict_label = "";
    if (!s->assistant->guard) return LLMCS_OK;
    llmcs_shop_check_params_init(&params);
    params.direction = LLMCS_SHOP_OUT;
    SHOP_TRY(llmcs_shop_check(s->assistant->guard, item->text, item->text_bytes, &params, &verdict));
    *blocked = verdict->action == LLMCS_SHOP_BLOCK;
    item->verdict = llmcs_shop_check_action_name(verdict->action);
    const llmcs_status status =
        shop_arena_copy(&s->offer->memory, verdict->label, strlen(verdict->label), &item->verdict_label);
    llmcs_shop_verdict_free(&verdict);
    return status;
}

static llmcs_status set_citation(shop_offer *o, llmcs_shop_suggestion *item, const llmcs_shop_candidate *c) {
    llmcs_shop_citation *citation;
    const llmcs_shop_citation **list;
    SHOP_TRY(shop_arena_alloc(&o->memory, 1, sizeof *citation, &citation));
    SHOP_TRY(shop_arena_alloc(&o->memory, 1, sizeof(void *), &list));
    citation->version = c->version;
    citation->entry_end = strlen(c->answer);
    citation->reply_end = item->text_bytes;
    list[0] = citation;
    item->citations = list;
    item->n_citations = 1;
    SHOP_TRY(shop_arena_copy(&o->memory, c->id, strlen(c->id), &citation->id));
    return shop_arena_copy(&o->memory, c->lang, strlen(c->lang), &citation->lang);
}

/* Sets a random id of 16 hex digits. */
static llmcs_status set_id(shop_offer *o, llmcs_shop_suggestion *item) {
    uint64_t random;
    char id[24];
    sqlite3_randomness(sizeof random, &random);
    sqlite3_snprintf(sizeof id, id, "%016llx", (unsigned long long)random);
    return shop_arena_copy(&o->memory, id, strlen(id), &item->id);
}

/* Adds a suggestion unless it repeats another one or the guard blocks it. entry: its source, or NULL. */
static llmcs_status suggest(assisting *s, llmcs_shop_suggestion_kind kind, const char *text, double score,
                            const llmcs_shop_candidate *entry, const char *source) {
    shop_offer *o = s->offer;
    llmcs_shop_suggestion item = {.kind = kind, .score = score, .source = source, .action = o->action};
    bool skip;
    item.text_bytes = strlen(text);
    if (!item.text_bytes || is_full(s)) return LLMCS_OK;
    SHOP_TRY(is_repeated(s, text, item.text_bytes, &skip));
    if (skip) return LLMCS_OK;
    SHOP_TRY(shop_arena_copy(&o->memory, text, item.text_bytes, &item.text));
    SHOP_TRY(check_text(s, &item, &skip));
    if (skip) return LLMCS_OK;
    SHOP_TRY(set_id(o, &item));
    if (entry) SHOP_TRY(set_citation(o, &item, entry));
    item.ms = shop_now_ms() - s->begin;
    const size_t i = o->head.n_items++;
    o->items[i] = item;
    o->pointers[i] = &o->items[i];
    if (!s->p->on_suggestion) return LLMCS_OK;
    shop_call *call = shop_callback_begin();
    s->stopped = s->p->on_suggestion(s->p->on_suggestion_user, &o->items[i]) != 0;
    shop_callback_end(call);
    return LLMCS_OK;
}

/* ---- sources */

static const double LEAST_PROBABILITY = 0.1; /* less likely entries are suggested only after the templates */

static llmcs_status suggest_entry(assisting *s, size_t index, double least) {
    if (index >= s->answer->n_candidates) return LLMCS_OK;
    const llmcs_shop_candidate *c = s->answer->candidates[index];
    return c->probability >= least ? suggest(s, LLMCS_SUGGESTION_ENTRY, c->answer, c->probability, c, "") : LLMCS_OK;
}

static llmcs_status suggest_past(assisting *s, size_t index) {
    if (index >= s->n_past) return LLMCS_OK;
    return suggest(s, LLMCS_SUGGESTION_PAST, s->past[index].reply, s->past[index].likeness, NULL, s->past[index].id);
}

/* Suggests the model's wording of the best entry, unless the gate rejects it or it is late. */
static llmcs_status suggest_draft(assisting *s) {
    shop_wording_request r;
    shop_wording_reply *reply = NULL;
    const double left = s->p->deadline_ms - (shop_now_ms() - s->begin);
    if (!s->assistant->wording || !s->answer->n_candidates || is_full(s) || left < 1) return LLMCS_OK;
    const llmcs_shop_candidate *c = s->answer->candidates[0];
    if (c->probability < LEAST_PROBABILITY) return LLMCS_OK;
    shop_wording_request_init(&r);
    r.entry = c->answer;
    r.user = s->offer->head.question;
    r.history = s->offer->history;
    r.n_history = s->offer->n_history;
    r.lang = s->lang;
    r.deadline_ms = left;
    SHOP_TRY(shop_word(s->assistant->wording, &r, &reply));
    const llmcs_status status = reply->source == SHOP_WORDED
                                    ? suggest(s, LLMCS_SUGGESTION_DRAFT, reply->text, c->probability, c, "")
                                    : LLMCS_OK;
    shop_wording_reply_free(&reply);
    return status;
}

static llmcs_status suggest_templates(assisting *s) {
    for (size_t i = 0; i < SHOP_N_TEMPLATES && !is_full(s); i++)
        SHOP_TRY(suggest(s, LLMCS_SUGGESTION_TEMPLATE, s->chinese ? shop_templates_zh[i] : shop_templates_en[i], 0,
                         NULL, ""));
    return LLMCS_OK;
}

static llmcs_status suggest_all(assisting *s) {
    SHOP_TRY(suggest_entry(s, 0, LEAST_PROBABILITY));
    SHOP_TRY(suggest_past(s, 0));
    SHOP_TRY(suggest_draft(s));
    for (size_t i = 1; i < SHOP_MAX_PAST; i++) {
        SHOP_TRY(suggest_entry(s, i, LEAST_PROBABILITY));
        SHOP_TRY(suggest_past(s, i));
    }
    return suggest_templates(s);
}

/* ---- look-ups */

static llmcs_status set_question(assisting *s) {
    const llmcs_shop_guard *guard = s->assistant->guard;
    llmcs_shop_masked *masked = NULL;
    if (!s->p->text) return LLMCS_OK;
    SHOP_TRY(shop_check_text("text", s->p->text, 1, SHOP_TEXT_BYTES));
    if (guard) SHOP_TRY(llmcs_shop_mask(guard, NULL, s->p->text, LLMCS_NUL, NULL, &masked));
    const char *text = masked && masked->n_spans ? masked->text : s->p->text;
    const llmcs_status status = shop_arena_copy(&s->offer->memory, text, strlen(text), &s->offer->head.question);
    llmcs_shop_masked_free(&masked);
    return status;
}

static llmcs_status load(assisting *s, llmcs_shop *shop) {
    shop_connection *c;
    SHOP_TRY(shop_shared_read_begin(shop, NULL, &c));
    const llmcs_status status = shop_conversation_load(c, s->conversation, s->offer);
    shop_shared_read_end(shop, c);
    SHOP_TRY(status);
    SHOP_TRY(set_question(s));
    shop_offer *o = s->offer;
    if (!o->head.question)
        return shop_fail(LLMCS_ARG, "conversation %s has no message to reply to: set params.text", s->conversation);
    if (s->p->lang)
        SHOP_TRY(shop_arena_copy(&o->memory, s->p->lang, strlen(s->p->lang), &o->head.lang));
    else if (!o->head.lang[0] || s->p->text)
        o->head.lang = shop_lang_of(o->head.question, strlen(o->head.question));
    s->lang = o->head.lang;
    s->chinese = !strncmp(s->lang, "zh", 2);
    return LLMCS_OK;
}

static llmcs_status find_past(assisting *s, llmcs_shop *shop) {
    const llmcs_text text = {s->offer->head.question, LLMCS_NUL, NULL, 0};
    shop_connection *c;
    int64_t n_sent;
    SHOP_TRY(shop_read_begin(shop, &c));
    llmcs_status status = shop_lookup_int(c, 0, &n_sent, "SELECT 1 FROM reply_words LIMIT 1", "");
    shop_read_end(shop, c);
    if (status || !n_sent) return status;
    SHOP_TRY(shop_embed(shop, &text, 1, &s->vector));
    SHOP_TRY(shop_read_begin(shop, &c));
    status = shop_past_find(shop, c, s->offer, s->vector, s->lang, s->past, &s->n_past);
    shop_read_end(shop, c);
    return status;
}

static llmcs_status look_up(assisting *s, llmcs_shop *shop) {
    llmcs_shop_ask_params params;
    SHOP_TRY(load(s, shop));
    llmcs_shop_ask_params_init(&params);
    params.lang = s->lang;
    SHOP_TRY(llmcs_shop_ask(shop, s->offer->head.question, LLMCS_NUL, &params, &s->answer));
    return find_past(s, shop);
}

/* ---- what was shown is kept */

static llmcs_status citations_json(const llmcs_shop_suggestion *item, shop_connection *c, shop_query *q) {
    SHOP_TRY(shop_query_begin(c, q, "SELECT json_array(json_object('id', ?1, 'lang', ?2, 'version', ?3))", "ssi",
                              item->citations[0]->id, item->citations[0]->lang, (int64_t)item->citations[0]->version));
    return shop_query_next(q);
}

static llmcs_status insert_item(assisting *s, shop_connection *c, size_t i) {
    const shop_offer *o = s->offer;
    const llmcs_shop_suggestion *item = &o->items[i];
    shop_query json = {0};
    size_t n;
    if (item->n_citations) SHOP_TRY(citations_json(item, c, &json));
    const llmcs_status status = shop_change(
        c,
        "INSERT INTO suggestions(id, conversation, customer, turn, position, kind, lang, question, text, citations,"
        " verdict, action, outcome, actor, time) VALUES(?1, ?2, nullif(?3, 0), nullif(?4, 0), ?5, ?6, ?7, ?8, ?9, ?10,"
        " nullif(?11, ''), nullif(?12, ''), 'shown', ?13, ?14)",
        "ssiiissssssssi", item->id, s->conversation, o->customer, o->turn, (int64_t)i, kind_names[item->kind], s->lang,
        o->head.question, item->text, item->n_citations ? shop_query_text(&json, 0, &n) : "[]", item->verdict,
        item->action, s->p->actor, (int64_t)time(NULL));
    shop_query_end(&json);
    return status;
}

static llmcs_status keep_shown(assisting *s, llmcs_shop *shop) {
    shop_connection *c;
    llmcs_status status = LLMCS_OK;
    SHOP_TRY(shop_write_begin(shop, &c));
    /* Customers have different rows on the server and in this file. */
    if (shop->shared && s->offer->customer) status = shop_customer_row(c, s->offer->customer_id, &s->offer->customer);
    for (size_t i = 0; i < s->offer->head.n_items && !status; i++) status = insert_item(s, c, i);
    return shop_write_end(shop, c, status);
}

static llmcs_status assist(assisting *s) {
    llmcs_shop *shop = s->assistant->shop;
    SHOP_TRY(shop_offer_create(&s->assistant->a, &s->offer));
    SHOP_TRY(look_up(s, shop));
    SHOP_TRY(suggest_all(s));
    SHOP_TRY(keep_shown(s, shop));
    s->offer->head.ms = shop_now_ms() - s->begin;
    return LLMCS_OK;
}

static llmcs_status check_params(const llmcs_shop_assist_params *p) {
    if (p->k < 1 || p->k > SHOP_MAX_SUGGESTIONS)
        return shop_fail(LLMCS_ARG, "k: %lld is not valid (1 to %d)", (long long)p->k, SHOP_MAX_SUGGESTIONS);
    if (!(p->deadline_ms > 0 && p->deadline_ms <= 600000))
        return shop_fail(LLMCS_ARG, "deadline_ms: %g is not valid (above 0 to 600000)", p->deadline_ms);
    if (p->lang) SHOP_TRY(shop_check_lang(p->lang));
    return shop_check_name("actor", p->actor, 0);
}

llmcs_status llmcs_shop_assist(llmcs_shop_assistant *assistant, const char *conversation,
                               const llmcs_shop_assist_params *params, llmcs_shop_suggestions **suggestions) {
    SHOP_PUBLIC_CALL;
    llmcs_shop_assist_params p = default_params;
    assisting *s;
    if (!assistant || !suggestions) return shop_fail(LLMCS_ARG, "assistant, suggestions: NULL is not valid");
    *suggestions = NULL;
    if (!assistant->shop) return shop_fail(LLMCS_STATE, "the assistant was created without a shop");
    SHOP_TRY(shop_check(assistant->shop));
    SHOP_TRY(shop_check_id("conversation", conversation));
    if (params)
        SHOP_TRY(shop_options_in(&p, sizeof p, SHOP_SIZE_UP_TO_POINTER(llmcs_shop_assist_params, on_suggestion_user),
                                 params, "llmcs_shop_assist_params"));
    SHOP_TRY(check_params(&p));
    SHOP_TRY(shop_alloc_zero(&assistant->a, 1, sizeof *s, "suggestions", &s));
    s->assistant = assistant, s->conversation = conversation, s->p = &p, s->begin = shop_now_ms();
    const llmcs_status status = assist(s);
    if (status)
        shop_offer_free(&s->offer);
    else
        *suggestions = &s->offer->head;
    llmcs_shop_answer_free(&s->answer);
    shop_free(&assistant->shop->allocator, s->vector);
    shop_free(&assistant->a, s);
    return status;
}
