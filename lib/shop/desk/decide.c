/*
 * What a message means, in this order: rules that interrupt everything; the answer to what the desk asked; other rules;
 * the classifier, for the message and for its parts; the knowledge base; a question back; a person.
 */
#include <math.h>
#include <string.h>

#include "shop/base/han.h"
#include "shop/desk/desk.h"
#include "shop/spelling/foreign.h"

/* Least score of a part of a message that is answered on its own; of an intent that interrupts the answer to a
 * question; of the two intents that the desk asks back between. */
static const double part_score = 0.6, digression_score = 0.8, offered_first = 0.3, offered_second = 0.12;
static const double angry_score = 0.9, sure_entry = 0.5, sure_alone = 0.9, likely_scope = 0.3;
enum {
    SHORT_ANSWER = 4,
    LONG_ANSWER = 8,
    MAX_UNCLEAR = 2,
    MATCH_LIMIT = 20000,
    LOUD_CAPITALS = 10,
    LEAST_QUESTION = 3,
    LEAST_DIGITS = 5, /* of a number that may be an order's */
    MAX_ORDINAL = 5
};

/* A text with what the classifier says of it. */
typedef struct reading {
    const char *text;
    desk_words words;
    const desk_intent *intent; /* accepted; NULL: none, or its label means nothing here */
    const desk_rule *rule;     /* of those that do not interrupt, or NULL */
    const char *label, *second;
    double score, second_score, out_of_scope;
    bool accepted, near_tie;
    bool likely; /* accepted by the classifier's own threshold, though not by the flow's, and no near tie */
    const float *vector;
} reading;

/* ---- rules */

/* What patterns are matched with: made once for all rules. */
typedef struct matcher {
    pcre2_match_data *data;
    pcre2_match_context *limits;
    bool checked; /* the text is UTF-8 */
} matcher;

static bool pattern_matches(const desk_rule *rule, const desk_words *w, matcher *m) {
    const uint32_t flags = m->checked ? PCRE2_NO_UTF_CHECK : 0;
    if (!m->data || !m->limits) return false;
    int n = pcre2_match(rule->pattern, (PCRE2_SPTR)w->folded, w->folded_bytes, 0, flags, m->data, m->limits);
    if (n == PCRE2_ERROR_JIT_STACKLIMIT) /* the interpreter's memory is bounded by the heap limit instead */
        n = pcre2_match(rule->pattern, (PCRE2_SPTR)w->folded, w->folded_bytes, 0, flags | PCRE2_NO_JIT, m->data,
                        m->limits);
    m->checked = m->checked || n >= 0 || n == PCRE2_ERROR_NOMATCH;
    return n >= 0;
}

static bool matches(const desk_rule *rule, const desk_words *w, matcher *m) {
    if (rule->n_words && rule->whole) return desk_is_only(w, rule->words, rule->n_words);
    for (size_t i = 0; i < rule->n_words; i++)
        if (desk_has_phrase(w, rule->words[i])) return true;
    if (rule->foreign && shop_is_foreign(w->folded, w->folded_bytes)) return true;
    return rule->pattern && pattern_matches(rule, w, m);
}

static const desk_rule *find_rule(const desk_turn *t, const desk_words *w, bool always) {
    matcher m = {pcre2_match_data_create(1, NULL), pcre2_match_context_create(NULL), false};
    const desk_rule *found = NULL;
    if (m.limits) {
        pcre2_set_match_limit(m.limits, MATCH_LIMIT);
        pcre2_set_heap_limit(m.limits, 256);
    }
    for (size_t i = 0; i < t->flows->n_rules && !found; i++)
        if (t->flows->rules[i].always == always && matches(&t->flows->rules[i], w, &m)) found = &t->flows->rules[i];
    pcre2_match_context_free(m.limits);
    pcre2_match_data_free(m.data);
    return found;
}

/* As it was written first: what is misspelt on purpose is a word, too. */
static const desk_rule *find_rule_of_message(const desk_turn *t, bool always) {
    const desk_rule *rule = find_rule(t, &t->words, always);
    return rule || t->read.plain == t->words.plain ? rule : find_rule(t, &t->read, always);
}

bool desk_is_interrupted(const desk_turn *t) { return find_rule_of_message(t, true) != NULL; }

/* What it refuses may be meant by the other parts of the message, too. */
static bool is_alone(const desk_turn *t, const desk_rule *rule) {
    return rule && rule->flow >= 0 && t->flows->flows[rule->flow].alone;
}

static llmcs_status obey_rule(desk_turn *t, const desk_rule *rule) {
    const double entry_first = rule->flow >= 0 ? t->flows->flows[rule->flow].entry_first : rule->entry_first;
    bool found = false;
    t->out.probability = 1;
    t->c->unknown = 0;
    t->wish = (desk_wish){.text = t->read.plain, .label = "", .flow = -1, .vector = t->vector};
    if (entry_first <= 1) SHOP_TRY(desk_say_knowledge(t, &t->wish, entry_first, &found));
    if (found && rule->flow >= 0) desk_await_object(t, rule->flow, NULL);
    if (found) return LLMCS_OK;
    if (rule->flow >= 0) {
        SHOP_TRY(desk_start_flow(t, rule->flow, &t->read));
        return desk_run(t);
    }
    SHOP_TRY(desk_say_entry(t, rule->entry, &found));
    return found ? LLMCS_OK : desk_not_understood(t);
}

/* ---- the classifier */

static bool is_accepted(const desk_turn *t, const llmcs_shop_prediction *p) {
    const desk_intent *intent = desk_find_intent(t->flows, p->label);
    if (intent && intent->accept >= 0) return (double)p->score >= intent->accept && p->out_of_scope < 0.5f;
    return p->accepted;
}

/* Vectors of n texts in one forward pass; NULL without an encoder. A failure of it leaves the n-grams and the full-text
 * search. */
static llmcs_status embed_texts(desk_turn *t, const llmcs_text *texts, size_t n, const float **vectors) {
    llmcs_shop *shop = t->desk->shop;
    float *made;
    *vectors = NULL;
    if (!shop->encoder || !n) return LLMCS_OK;
    const double begin = shop_now_ms();
    SHOP_TRY(shop_arena_alloc(t->arena, n * (size_t)shop->n_embedding, sizeof *made, &made));
    const llmcs_status status = shop_embed_simplified(shop->encoder, &shop->allocator, texts, n, NULL, made);
    t->out.ms.encode += shop_now_ms() - begin;
    if (status == LLMCS_NOMEM) return status;
    if (!status) *vectors = made;
    return LLMCS_OK;
}

llmcs_status desk_embed(desk_turn *t) {
    const llmcs_text text = {.text = t->read.plain, .text_bytes = t->read.plain_bytes};
    return embed_texts(t, &text, 1, &t->vector);
}

/* Those of the parts. All of a message's vectors lie one after the other, as the classifier takes them. */
static llmcs_status embed_parts(desk_turn *t, reading *r, size_t n) {
    llmcs_text texts[DESK_MAX_PARTS + 1];
    const float *parts;
    float *all;
    const size_t dim = (size_t)t->desk->shop->n_embedding;
    r[0].vector = t->vector;
    if (n < 2 || !t->vector) return LLMCS_OK;
    for (size_t i = 1; i < n; i++) texts[i] = (llmcs_text){.text = r[i].text, .text_bytes = strlen(r[i].text)};
    SHOP_TRY(embed_texts(t, texts + 1, n - 1, &parts));
    if (!parts) return LLMCS_OK;
    SHOP_TRY(shop_arena_alloc(t->arena, n * dim, sizeof *all, &all));
    memcpy(all, t->vector, dim * sizeof *all);
    memcpy(all + dim, parts, (n - 1) * dim * sizeof *all);
    for (size_t i = 0; i < n; i++) r[i].vector = all + i * dim;
    return LLMCS_OK;
}

/* Parameters with the vectors at hand where they are this classifier's. */
static llmcs_status predict_params(const desk_turn *t, const llmcs_shop_classifier *classifier, const reading *r,
                                   llmcs_shop_predict_params *params) {
    llmcs_shop_classifier_info info = {.struct_size = sizeof info};
    llmcs_shop_predict_params_init(params);
    params->n_scores = 3;
    SHOP_TRY(llmcs_shop_classifier_get_info(classifier, &info));
    if (info.n_embedding && r->vector && info.encoder_fingerprint == t->desk->shop->fingerprint)
        params->vectors = r->vector;
    return LLMCS_OK;
}

static void texts_of(const reading *r, size_t n, llmcs_text texts[DESK_MAX_PARTS + 1]) {
    for (size_t i = 0; i < n; i++) texts[i] = (llmcs_text){.text = r[i].text, .text_bytes = strlen(r[i].text)};
}

static llmcs_status predict(desk_turn *t, const llmcs_shop_classifier *classifier, const reading *r, size_t n,
                            llmcs_shop_predictions **found) {
    llmcs_shop_predict_params params;
    llmcs_text texts[DESK_MAX_PARTS + 1];
    *found = NULL;
    SHOP_TRY(predict_params(t, classifier, r, &params));
    texts_of(r, n, texts);
    const llmcs_status status = llmcs_shop_classifier_predict(classifier, texts, n, &params, found);
    return status == LLMCS_STATE ? LLMCS_OK : status; /* its encoder is missing: as if there were no classifier */
}

static llmcs_status keep_prediction(desk_turn *t, const llmcs_shop_prediction *p, reading *r) {
    SHOP_TRY(shop_arena_copy(t->arena, p->label, strlen(p->label), &r->label));
    r->score = (double)p->score;
    r->out_of_scope = (double)p->out_of_scope;
    r->accepted = is_accepted(t, p);
    r->near_tie = p->near_tie;
    r->likely = p->accepted && !p->near_tie;
    if (p->n_scores > 1) {
        SHOP_TRY(shop_arena_copy(t->arena, p->scores[1].label, strlen(p->scores[1].label), &r->second));
        r->second_score = (double)p->scores[1].score;
    }
    if (r->accepted) r->intent = desk_find_intent(t->flows, r->label);
    return LLMCS_OK;
}

/* By the version that answers this conversation; a shadow is asked, too. */
static llmcs_status predict_by_rollout(desk_turn *t, llmcs_shop_classifier *first, const reading *r, size_t n,
                                       llmcs_shop_predictions **found, llmcs_shop_classifier **used) {
    llmcs_shop_predict_params params;
    llmcs_text texts[DESK_MAX_PARTS + 1];
    SHOP_TRY(predict_params(t, first, r, &params));
    texts_of(r, n, texts);
    const llmcs_status status =
        llmcs_shop_rollout_predict(t->desk->rollout, t->message->conversation, texts, n, &params, found, used, NULL);
    return status == LLMCS_STATE ? LLMCS_OK : status;
}

static llmcs_status read_intents(desk_turn *t, reading *r, size_t n) {
    const llmcs_shop_desk *d = t->desk;
    llmcs_shop_classifier *used = NULL;
    llmcs_shop_classifier *classifier = d->rollout ? llmcs_shop_rollout_get(d->rollout, t->message->conversation, NULL)
                                        : d->intents ? llmcs_shop_classifier_slot_get(d->intents)
                                                     : NULL;
    llmcs_shop_predictions *found = NULL;
    if (!classifier) return LLMCS_OK;
    llmcs_status status =
        d->rollout ? predict_by_rollout(t, classifier, r, n, &found, &used) : predict(t, classifier, r, n, &found);
    for (size_t i = 0; found && i < n && !status; i++) status = keep_prediction(t, found->items[i], &r[i]);
    llmcs_shop_predictions_free(&found);
    llmcs_shop_classifier_free(&used);
    llmcs_shop_classifier_free(&classifier);
    return status;
}

/* A classifier of reviews finds most requests negative; anger also shows in how they are written: "!!", CAPITALS. */
static bool is_loud(const desk_words *w) {
    size_t marks = 0, capitals = 0, small = 0;
    for (size_t i = 0; i < w->plain_bytes; i++) {
        marks += w->plain[i] == '!';
        capitals += w->plain[i] >= 'A' && w->plain[i] <= 'Z';
        small += w->plain[i] >= 'a' && w->plain[i] <= 'z';
    }
    return marks >= 2 || (capitals >= LOUD_CAPITALS && capitals > 3 * small);
}

static llmcs_status read_sentiment(desk_turn *t, const reading *r) {
    llmcs_shop_classifier *classifier = t->desk->sentiment ? llmcs_shop_classifier_slot_get(t->desk->sentiment) : NULL;
    llmcs_shop_predictions *found = NULL;
    if (!classifier) return LLMCS_OK;
    llmcs_status status = predict(t, classifier, r, 1, &found);
    if (!status && found) {
        const llmcs_shop_prediction *p = found->items[0];
        status = shop_arena_copy(t->arena, p->label, strlen(p->label), &t->out.sentiment);
        t->out.sentiment_score = (double)p->score;
        if (!strcmp(p->label, "negative") && p->accepted && (double)p->score >= angry_score && t->c->priority < 1 &&
            is_loud(&t->words))
            t->c->priority = 1;
    }
    llmcs_shop_predictions_free(&found);
    llmcs_shop_classifier_free(&classifier);
    return status;
}

/* Reads the message (r[0]) and its parts (r[1] and on). */
static llmcs_status read_message(desk_turn *t, reading r[DESK_MAX_PARTS + 1], size_t *n) {
    desk_span parts[DESK_MAX_PARTS];
    const size_t n_parts = desk_split(&t->read, parts);
    memset(r, 0, (DESK_MAX_PARTS + 1) * sizeof *r);
    r[0].text = t->read.plain;
    r[0].words = t->read;
    *n = 1;
    for (size_t i = 0; n_parts > 1 && i < n_parts; i++) {
        reading *one = &r[(*n)++];
        SHOP_TRY(shop_arena_copy(t->arena, t->read.plain + parts[i].begin, parts[i].end - parts[i].begin, &one->text));
        SHOP_TRY(desk_words_make(t->arena, one->text, strlen(one->text), &one->words));
    }
    for (size_t i = 0; i < *n; i++) {
        r[i].label = "";
        r[i].rule = i ? find_rule(t, &r[i].words, false) : find_rule_of_message(t, false);
    }
    SHOP_TRY(embed_parts(t, r, *n));
    if (*n > 1 && t->vector && !r[1].vector) *n = 1;
    const double begin = shop_now_ms();
    SHOP_TRY(read_intents(t, r, *n));
    SHOP_TRY(read_sentiment(t, r));
    t->out.ms.classify += shop_now_ms() - begin;
    t->out.intent = r[0].accepted ? r[0].label : "";
    t->out.intent_score = r[0].score;
    t->out.out_of_scope = r[0].out_of_scope;
    return LLMCS_OK;
}

/* ---- wishes */

static desk_wish wish_of(const reading *r) {
    return (desk_wish){.text = r->text,
                       .label = r->accepted ? r->label : "",
                       .score = r->score,
                       .out_of_scope = r->out_of_scope,
                       .flow = r->intent && r->intent->kind == DESK_INTENT_FLOW ? r->intent->flow : -1,
                       .entry = r->intent && r->intent->kind == DESK_INTENT_ENTRY ? r->intent->entry : NULL,
                       .vector = r->vector};
}

/* What a rule says of a part of a message. */
static desk_wish rule_wish(const reading *r) {
    return (desk_wish){
        .text = r->text, .label = "", .score = 1, .flow = r->rule->flow, .entry = r->rule->entry, .vector = r->vector};
}

static bool is_small_talk(const desk_turn *t, const desk_wish *w) {
    return w->flow >= 0 && t->flows->flows[w->flow].small_talk;
}

/* A part that asks something, and nobody knows what. */
static bool is_unsure(const desk_wish *w) { return w->flow < 0 && !w->entry && !*w->label; }

static bool same_wish(const desk_wish *a, const desk_wish *b) {
    if (a->flow >= 0 || b->flow >= 0) return a->flow == b->flow;
    if (a->entry || b->entry) return a->entry && b->entry && !strcmp(a->entry, b->entry);
    return !strcmp(a->label, b->label);
}

/* A question of its own that the classifier does not know: more than "is it?" and "what else?". */
static bool asks_something_else(const desk_turn *t, const reading *r) {
    const size_t words = desk_count_words(r->words.folded, r->words.folded_bytes);
    const desk_wish w = wish_of(r);
    const size_t n = r->words.folded_bytes;
    const bool exclaims = n && r->words.folded[n - 1] == '!'; /* "three days already!" */
    return !is_small_talk(t, &w) && !r->accepted && !exclaims && desk_is_question(&r->words) &&
           words >= LEAST_QUESTION && !desk_refers_back(&r->words);
}

/* The wishes of the parts, in order; *n_known of them are known, the others unsure. */
static size_t find_part_wishes(const desk_turn *t, const reading *r, size_t n, desk_wish wishes[DESK_MAX_PARTS],
                               size_t *n_known) {
    size_t n_wishes = 0;
    *n_known = 0;
    for (size_t i = 1; i < n; i++) {
        desk_wish w = r[i].rule ? rule_wish(&r[i]) : wish_of(&r[i]);
        bool known = false;
        if (is_small_talk(t, &w)) continue;
        if (!r[i].rule && (!*w.label || r[i].score < part_score)) {
            if (!asks_something_else(t, &r[i])) continue;
            wishes[n_wishes++] = (desk_wish){.text = r[i].text, .label = "", .flow = -1, .vector = r[i].vector};
            continue;
        }
        for (size_t k = 0; k < n_wishes; k++) known = known || (!is_unsure(&wishes[k]) && same_wish(&wishes[k], &w));
        if (known) continue;
        wishes[n_wishes++] = w;
        ++*n_known;
    }
    return n_wishes;
}

/* What the message wants, in order: its parts, if they certainly want different things, else the whole. */
static size_t find_wishes(const desk_turn *t, const reading *r, size_t n, desk_wish wishes[DESK_MAX_PARTS]) {
    size_t n_known;
    const size_t n_wishes = find_part_wishes(t, r, n, wishes, &n_known);
    const desk_wish whole = wish_of(&r[0]);
    if (n_known >= 2 || (n_known == 1 && n_wishes > 1)) return n_wishes;
    /* One real wish among greetings, or in a message that is unclear as a whole. */
    if (n_known == 1 && *wishes[0].label && (!*whole.label || is_small_talk(t, &whole))) {
        wishes[0].text = r[0].text;
        return 1;
    }
    wishes[0] = whole;
    return 1;
}

/* The flow that a label starts and that has a title, or -1. */
static int offered_flow(const desk_turn *t, const char *label) {
    const desk_intent *intent = label ? desk_find_intent(t->flows, label) : NULL;
    if (!intent || intent->kind != DESK_INTENT_FLOW || !t->flows->flows[intent->flow].title) return -1;
    return intent->flow;
}

/* "Do you mean a or b?" *offered: false if there are no two to offer. */
static llmcs_status offer_two(desk_turn *t, const reading *r, bool *offered) {
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

/* What nothing else answers: the likely flow, which asks before it does anything. */
static llmcs_status start_likely(desk_turn *t, const reading *r, bool *understood) {
    const int flow = offered_flow(t, r->label);
    if (!r->likely || flow < 0 || t->flows->flows[flow].small_talk || r->score < offered_first ||
        r->out_of_scope >= likely_scope)
        return LLMCS_OK;
    const desk_wish wish = {.text = r->text, .label = r->label, .score = r->score, .flow = flow, .vector = r->vector};
    t->out.intent = r->label;
    return desk_answer_wish(t, &wish, understood);
}

llmcs_status desk_not_understood(desk_turn *t) {
    t->c->unknown++;
    if (t->c->unknown >= MAX_UNCLEAR && strcmp(t->c->status, "waiting") != 0)
        return desk_hand_over(t, "not_understood", 0, t->flows->sentences[DESK_NOT_UNDERSTOOD], NULL);
    desk_set_route(t, t->out.out_of_scope >= 0.5 ? LLMCS_DESK_NONE : LLMCS_DESK_ASK_BACK);
    return desk_say_sentence(t, DESK_ASK_BACK);
}

static llmcs_status start_wish(desk_turn *t, const desk_wish *wish, const desk_intent *intent, bool *understood) {
    const double entry_first = intent ? intent->entry_first : 2;
    *understood = true;
    if (entry_first <= 1) {
        bool found;
        SHOP_TRY(desk_say_knowledge(t, wish, entry_first, &found));
        if (found) desk_await_object(t, wish->flow, NULL);
        if (found) return LLMCS_OK;
    }
    desk_words w;
    t->out.probability = intent ? wish->score : 1;
    SHOP_TRY(desk_words_make(t->arena, wish->text, strlen(wish->text), &w));
    SHOP_TRY(desk_start_flow(t, wish->flow, &w));
    return desk_run(t);
}

/* One of several questions, of which only an entry that fits well is an answer. */
static llmcs_status answer_unsure(desk_turn *t, const desk_wish *wish) {
    bool found;
    t->wish = *wish;
    SHOP_TRY(desk_say_knowledge(t, wish, sure_entry, &found));
    if (found) return LLMCS_OK;
    desk_new_line(t);
    /* The parts with an answer say what the turn is. */
    if (!t->route_set && !t->c->n_queue) desk_set_route(t, LLMCS_DESK_NONE);
    return desk_say_sentence(t, DESK_PART_UNANSWERED);
}

llmcs_status desk_answer_wish(desk_turn *t, const desk_wish *wish, bool *understood) {
    const desk_intent *intent = *wish->label ? desk_find_intent(t->flows, wish->label) : NULL;
    *understood = false;
    t->wish = *wish;
    if (wish->flow >= 0) return start_wish(t, wish, intent, understood);
    if (wish->entry) {
        const double first = intent ? intent->entry_first : 2;
        if (first <= 1) SHOP_TRY(desk_say_knowledge(t, wish, first, understood));
        if (*understood) return LLMCS_OK;
        t->out.probability = wish->score;
        return desk_say_entry(t, wish->entry, understood);
    }
    if (intent && intent->kind == DESK_INTENT_UNKNOWN) return LLMCS_OK;
    if (intent && intent->kind == DESK_INTENT_RECOMMEND) {
        t->out.probability = wish->score;
        return desk_say_products(t, DESK_BY_TEXT, NULL, 3, understood);
    }
    return desk_say_knowledge(t, wish, -1, understood);
}

/* ---- answers to the desk's questions */

/* The intent of another flow, or of an entry, that this message certainly has. */
static bool wants_other(const desk_frame *frame, const reading *r, double least) {
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
    if (++frame->tries <= MAX_UNCLEAR) return desk_run(t);
    frame->refused = frame->asked;
    return desk_run(t);
}

/* The message certainly names the action that is asked about. */
static bool same_flow(const desk_frame *frame, const reading *r) {
    if (r->rule) return r->rule->flow == frame->flow;
    return r->intent && r->intent->kind == DESK_INTENT_FLOW && r->intent->flow == frame->flow && r->score >= part_score;
}

/* "Cancel it then" to whether to cancel; "report it" to any question, since it names no other action. */
static bool agrees(const desk_turn *t, const desk_frame *frame, const reading *r) {
    if (!desk_agrees(&t->words)) return false;
    return same_flow(frame, r) || (!r->rule && !desk_names_action(&t->words) && !wants_other(frame, r, part_score));
}

/* Another thing is to be done with an order than the frame would. */
static bool wants_other_action(const desk_turn *t, const desk_frame *frame, const reading *r) {
    const int flow = r->rule ? r->rule->flow : wants_other(frame, r, part_score) ? r->intent->flow : -1;
    return flow >= 0 && flow != frame->flow && t->flows->flows[flow].inherits;
}

/* A no, and then something of its own. */
static bool wants_instead(const desk_turn *t, const desk_frame *frame, const reading *r) {
    if (desk_count_words(t->words.folded, t->words.folded_bytes) <= SHORT_ANSWER) return false;
    return r->rule ? r->rule->flow != frame->flow : wants_other(frame, r, part_score);
}

static llmcs_status answer_confirm(desk_turn *t, desk_frame *frame, const reading *r, bool *handled) {
    const bool yes = desk_is_yes(&t->words) || agrees(t, frame, r);
    const bool no = !yes && desk_is_no(&t->words);
    const size_t words = desk_count_words(t->words.folded, t->words.folded_bytes);
    bool corrected = false, names = false;
    *handled = true;
    if (yes || no || words <= SHORT_ANSWER * 2 || !wants_other(frame, r, part_score))
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
    if (no && !(wants_other(frame, r, digression_score) && words > LONG_ANSWER)) {
        frame->refused = frame->asked;
        return desk_run(t);
    }
    if (words <= SHORT_ANSWER * 2 && !wants_other_action(t, frame, r)) SHOP_TRY(desk_names_object(t, frame, &names));
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
static bool fits_free_text(const desk_turn *t, const desk_frame *frame, int slot, const reading *r) {
    const desk_slot_type type = t->flows->slots[slot].type;
    const bool other = wants_other(frame, r, digression_score), asks = desk_is_question(&t->read);
    if (type == DESK_SLOT_ADDRESS) {
        if (desk_is_address(&t->words)) return true;
        return !asks && !r->rule && !desk_is_yes(&t->words) && !desk_is_no(&t->words) &&
               !wants_other(frame, r, part_score);
    }
    if (desk_changes_mind(&t->read) && wants_other(frame, r, part_score)) return false;
    if (is_bare_answer(t)) return false; /* "yes" says nothing of what to exchange it for */
    const bool asks_how = r->rule && (r->rule->entry || t->flows->flows[r->rule->flow].follow >= 0);
    return !(asks && (other || asks_how));
}

static llmcs_status answer_slot(desk_turn *t, desk_frame *frame, int slot, const reading *r, bool *handled) {
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
    const bool digresses =
        free_text ? !fits_free_text(t, frame, slot, r) : wants_other(frame, r, digression_score) && words > LONG_ANSWER;
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

/* "the first", "2": it chooses from a list, and is nothing else without one. */
static bool is_only_ordinal(const desk_turn *t) { return desk_ordinal(&t->words, MAX_ORDINAL) > 0; }

/* A question in the middle of a flow; the flow goes on afterwards. */
static llmcs_status digress(desk_turn *t, desk_frame *frame, const reading *r, bool *handled) {
    *handled = false;
    if (is_only_ordinal(t) || is_bare_answer(t)) return LLMCS_OK;
    if (r->rule) {
        *handled = true;
        return obey_rule(t, r->rule);
    }
    if (wants_other(frame, r, desk_is_question(&t->words) ? part_score : digression_score)) {
        const desk_wish wish = wish_of(r);
        return desk_answer_wish(t, &wish, handled);
    }
    if (!desk_is_question(&t->words)) return LLMCS_OK;
    const desk_wish wish = {.text = r->text, .label = "", .flow = -1, .vector = r->vector};
    return desk_say_knowledge(t, &wish, 0.5, handled);
}

/* *given_up: the flow, for something else that the message wants. */
static llmcs_status answer_pending(desk_turn *t, desk_frame *frame, const reading *r, bool *given_up) {
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
static llmcs_status answer_choice(desk_turn *t, bool *handled) {
    desk_conversation *c = t->c;
    size_t chosen = desk_ordinal(&t->words, c->n_choices);
    size_t most = 0;
    *handled = false;
    for (size_t i = 0;
         i < c->n_choices && desk_count_words(t->words.folded, t->words.folded_bytes) <= LONG_ANSWER && !chosen; i++) {
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

/* "Oops, I meant PL26050124" after an order that was not found: the same again with the other number. */
static llmcs_status answer_not_found(desk_turn *t, int flow, const reading *r, bool *handled) {
    static const char *const cues[] = {"meant", "wrong number", "typo", "mistyped", "sorry", "oops",   "打错",
                                       "说错",  "写错",         "输错", "弄错",     "记错",  "应该是", NULL};
    const desk_frame other = {.flow = flow};
    bool corrects = !wants_other(&other, r, digression_score);
    for (size_t i = 0; cues[i] && !corrects; i++) corrects = desk_has_phrase(&t->words, cues[i]);
    if (!corrects || desk_count_words(t->words.folded, t->words.folded_bytes) > LONG_ANSWER) return LLMCS_OK;
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

/* ---- what hangs on the message before */

static int product_slot(const desk_turn *t, int flow) {
    for (size_t i = 0; flow >= 0 && i < t->flows->n_slots; i++)
        if (t->flows->flows[flow].uses[i] && t->flows->slots[i].type == DESK_SLOT_PRODUCT) return (int)i;
    return -1;
}

/* It certainly begins a flow that acts. */
static bool is_wish_to_act(const desk_turn *t, const reading *r) {
    return r->intent && r->score >= sure_alone && r->intent->kind == DESK_INTENT_FLOW &&
           t->flows->flows[r->intent->flow].inherits;
}

/* "Is the second one in stock?" *handled: false if the message wants something else than to know of the product. */
static llmcs_status answer_listed(desk_turn *t, const reading *r, const char *about, bool *handled) {
    const char *product = desk_listed_product(t, &t->read);
    const int meant = r->rule ? r->rule->flow : r->intent ? r->intent->flow : -1;
    /* What is done with orders is not done with products that were shown. */
    bool other = (r->rule || r->accepted) && product_slot(t, meant) < 0 &&
                 !(meant >= 0 && t->flows->flows[meant].inherits && desk_is_question(&t->words));
    if (!product && about && desk_is_question(&t->words) &&
        (desk_refers_back(&t->words) || (!other && desk_asks_attribute(&t->words)))) {
        product = about;
        /* "Does it come in blue?", but not "how do I order it?" */
        other = other || (!r->rule && !r->accepted && r->score >= offered_first &&
                          product_slot(t, offered_flow(t, r->label)) < 0);
    }
    for (size_t i = 0; product && !other && i < t->flows->n_flows && !*handled; i++) {
        const int slot = t->flows->flows[i].listed ? product_slot(t, (int)i) : -1;
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

/* "And how much is that?" after an entry: with the question before it, if that makes a question with an answer. */
static llmcs_status answer_follow_up(desk_turn *t, const reading *r, bool *handled) {
    const desk_words read = t->read;
    const float *vector = t->vector;
    const char *text;
    if (r->rule || (r->accepted && r->score >= sure_alone)) return LLMCS_OK;
    SHOP_TRY(desk_follow_up_text(t, &text));
    if (!text) return LLMCS_OK;
    SHOP_TRY(desk_words_make(t->arena, text, strlen(text), &t->read));
    SHOP_TRY(desk_embed(t));
    const desk_rule *rule = find_rule(t, &t->read, false);
    t->wish = (desk_wish){.text = text, .label = "", .flow = -1, .vector = t->vector};
    t->out.out_of_scope = 0; /* that of the message alone */
    SHOP_TRY(desk_say_knowledge(t, &t->wish, sure_entry, handled));
    if (!*handled && rule && rule->entry) SHOP_TRY(desk_say_entry(t, rule->entry, handled));
    t->read = read;
    t->vector = vector;
    if (*handled) t->c->unknown = 0;
    return LLMCS_OK;
}

/* ---- a message */

/* Wishes that wait, then the flow that waited for an answer before. */
static llmcs_status go_on(desk_turn *t) {
    for (size_t guard = 0; guard < DESK_MAX_QUEUE + DESK_MAX_FRAMES; guard++) {
        desk_conversation *c = t->c;
        bool understood;
        if (t->handed_over || t->out.expects != LLMCS_EXPECTS_ANYTHING) return LLMCS_OK;
        if (c->n_queue) {
            const desk_wish wish = c->queue[0];
            memmove(c->queue, c->queue + 1, --c->n_queue * sizeof *c->queue);
            desk_new_line(t);
            SHOP_TRY(is_unsure(&wish) ? answer_unsure(t, &wish) : desk_answer_wish(t, &wish, &understood));
        } else if (desk_top(t)) {
            desk_new_line(t);
            SHOP_TRY(desk_run(t));
        } else {
            return LLMCS_OK;
        }
    }
    return LLMCS_OK;
}

static llmcs_status answer_wishes(desk_turn *t, const reading *r, size_t n) {
    desk_wish wishes[DESK_MAX_PARTS];
    const size_t n_wishes = find_wishes(t, r, n, wishes);
    bool understood, offered = false;
    const bool several = n_wishes > 1;
    if (!several && r[0].near_tie && r[0].accepted && wishes[0].flow >= 0 && offered_flow(t, r[0].second) >= 0 &&
        offered_flow(t, r[0].second) != wishes[0].flow) {
        SHOP_TRY(offer_two(t, &r[0], &offered));
        if (offered) return LLMCS_OK;
    }
    if (several) {
        t->out.intent = wishes[0].label;
        t->out.intent_score = wishes[0].score;
        t->c->n_queue = 0;
        for (size_t i = 1; i < n_wishes; i++) t->c->queue[t->c->n_queue++] = wishes[i];
    } else if (*wishes[0].label) {
        t->out.intent = wishes[0].label;
        t->out.intent_score = wishes[0].score;
    }
    understood = several && is_unsure(&wishes[0]);
    SHOP_TRY(understood ? answer_unsure(t, &wishes[0]) : desk_answer_wish(t, &wishes[0], &understood));
    if (!understood && !several && !*wishes[0].label) SHOP_TRY(start_likely(t, &r[0], &understood));
    if (!understood && !t->c->n_queue && !*wishes[0].label) SHOP_TRY(offer_two(t, &r[0], &offered));
    if (understood || offered) {
        t->c->unknown = 0;
        return LLMCS_OK;
    }
    return t->c->n_queue ? LLMCS_OK : desk_not_understood(t);
}

/* Marks and a few digits: no word that a model could go by. */
static bool has_no_word(const desk_words *w) {
    size_t n_digits = 0;
    for (size_t i = 0; i < w->folded_bytes; i++) {
        const unsigned char c = (unsigned char)w->folded[i];
        if (c >= 0x80 || (c >= 'a' && c <= 'z')) return false;
        n_digits += c >= '0' && c <= '9';
    }
    return n_digits < LEAST_DIGITS;
}

static llmcs_status answer_new_message(desk_turn *t, const reading *r, size_t n) {
    const size_t words = desk_count_words(t->words.folded, t->words.folded_bytes);
    if (!words || is_only_ordinal(t) || has_no_word(&t->words)) return desk_not_understood(t);
    if (!desk_is_yes(&t->words) || words > SHORT_ANSWER) return answer_wishes(t, r, n);
    /* A yes to nothing. */
    desk_set_route(t, LLMCS_DESK_ASK_BACK);
    return desk_say_sentence(t, DESK_NOTHING_TO_CONFIRM);
}

llmcs_status desk_decide(desk_turn *t) {
    reading r[DESK_MAX_PARTS + 1];
    size_t n;
    bool handled = false;
    desk_frame *frame = desk_top(t);
    /* The flow's own time: without what is counted elsewhere. */
    const double begin = shop_now_ms(), counted = t->out.ms.encode + t->out.ms.classify;
    const int retry = t->c->retry, resume = t->c->resume;
    const desk_rule *rule = find_rule_of_message(t, true);
    const bool lacks = t->c->lacks_object;
    const char *about = t->c->about;
    t->c->retry = t->c->resume = 0;
    t->c->about = NULL;
    if (rule) {
        SHOP_TRY(obey_rule(t, rule));
        SHOP_TRY(go_on(t));
        t->out.ms.flow += shop_now_ms() - begin;
        return LLMCS_OK;
    }
    SHOP_TRY(read_message(t, r, &n));
    const desk_intent *first = r[0].intent;
    /* A short answer means the question, whatever the classifier makes of it. */
    const bool answers = frame && frame->asked >= 0 && (desk_is_yes(&t->words) || desk_is_no(&t->words));
    const bool interrupts = !answers && first && first->kind == DESK_INTENT_FLOW && t->flows->flows[first->flow].always;
    if (interrupts) {
        const desk_wish wish = wish_of(&r[0]);
        SHOP_TRY(desk_answer_wish(t, &wish, &handled));
    } else if (frame && frame->asked >= 0) {
        bool given_up;
        SHOP_TRY(answer_pending(t, frame, &r[0], &given_up));
        handled = !given_up;
    }
    if (!handled && t->c->n_choices) SHOP_TRY(answer_choice(t, &handled));
    if (!handled && retry) SHOP_TRY(answer_not_found(t, retry - 1, &r[0], &handled));
    if (!handled) SHOP_TRY(answer_listed(t, &r[0], about, &handled));
    if (!handled && resume)
        SHOP_TRY(desk_answer_object(t, resume - 1, lacks && !r[0].rule && !is_wish_to_act(t, &r[0]), &handled));
    if (!handled) SHOP_TRY(answer_follow_up(t, &r[0], &handled));
    desk_wish wishes[DESK_MAX_PARTS];
    /* Parts that want different things are answered one by one. */
    rule = handled || (find_wishes(t, r, n, wishes) > 1 && !is_alone(t, r[0].rule)) ? NULL : r[0].rule;
    if (rule)
        SHOP_TRY(obey_rule(t, rule));
    else if (!handled)
        SHOP_TRY(answer_new_message(t, r, n));
    SHOP_TRY(go_on(t));
    while (t->reply.n && t->reply.text[t->reply.n - 1] == '\n') desk_buffer_cut(&t->reply, t->reply.n - 1);
    /* A flow that said nothing. */
    if (!t->reply.n && !t->handed_over && t->out.expects == LLMCS_EXPECTS_ANYTHING) SHOP_TRY(desk_not_understood(t));
    t->out.ms.flow += shop_now_ms() - begin - (t->out.ms.encode + t->out.ms.classify - counted);
    return LLMCS_OK;
}
