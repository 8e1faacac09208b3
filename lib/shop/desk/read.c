/* Reads a message before anything is decided: rules, the classifier on it and its parts, sentiment. */
#include <string.h>

#include "shop/base/han.h"
#include "shop/desk/decide.h"
#include "shop/spelling/foreign.h"

static const double angry_score = 0.9, likely_score = 0.3;
enum { MATCH_LIMIT = 20000, HEAP_KIB = 256, LOUD_CAPITALS = 10 };

/* ---- rules */

/* Match data, shared by all rules. */
typedef struct matcher {
    pcre2_match_data *data;
    pcre2_match_context *limits;
    bool checked; /* the text is known to be UTF-8 */
} matcher;

static bool pattern_matches(const desk_rule *rule, const desk_words *w, matcher *m) {
    const uint32_t flags = m->checked ? PCRE2_NO_UTF_CHECK : 0;
    if (!m->data || !m->limits) return false;
    int n = pcre2_match(rule->pattern, (PCRE2_SPTR)w->folded, w->folded_bytes, 0, flags, m->data, m->limits);
    if (n == PCRE2_ERROR_JIT_STACKLIMIT) /* retry in the interpreter, whose memory the heap limit bounds */
        n = pcre2_match(rule->pattern, (PCRE2_SPTR)w->folded, w->folded_bytes, 0, flags | PCRE2_NO_JIT, m->data,
                        m->limits);
    m->checked = m->checked || n >= 0 || n == PCRE2_ERROR_NOMATCH;
    return n >= 0;
}

static bool matches(const desk_rule *rule, const desk_words *w, matcher *m) {
    if (rule->n_words && rule->whole) return desk_is_only(w, rule->words, rule->n_words);
    if (desk_has_one(w, rule->words, rule->n_words)) return true;
    if (rule->foreign && shop_is_foreign(w->folded, w->folded_bytes)) return true;
    return rule->pattern && pattern_matches(rule, w, m);
}

const desk_rule *desk_find_rule(const desk_turn *t, const desk_words *w, bool always) {
    matcher m = {pcre2_match_data_create(1, NULL), pcre2_match_context_create(NULL), false};
    const desk_rule *found = NULL;
    if (m.limits) {
        pcre2_set_match_limit(m.limits, MATCH_LIMIT);
        pcre2_set_heap_limit(m.limits, HEAP_KIB);
    }
    for (size_t i = 0; i < t->flows->n_rules && !found; i++)
        if (t->flows->rules[i].always == always && matches(&t->flows->rules[i], w, &m)) found = &t->flows->rules[i];
    pcre2_match_context_free(m.limits);
    pcre2_match_data_free(m.data);
    return found;
}

const desk_rule *desk_find_rule_of_message(const desk_turn *t, bool always) {
    const desk_rule *rule = desk_find_rule(t, &t->words, always);
    return rule || t->read.plain == t->words.plain ? rule : desk_find_rule(t, &t->read, always);
}

bool desk_is_interrupted(const desk_turn *t) { return desk_find_rule_of_message(t, true) != NULL; }

/* ---- the classifier */

static bool is_accepted(const desk_turn *t, const llmcs_shop_prediction *p) {
    const desk_intent *intent = desk_find_intent(t->flows, p->label);
    if (intent && intent->accept >= 0) return (double)p->score >= intent->accept && p->out_of_scope < 0.5f;
    return p->accepted;
}

/* Encodes n texts in one forward pass; NULL without an encoder. If it fails, n-grams and full-text search still run. */
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

/* Encodes the parts. All vectors of a message are contiguous, as the classifier expects. */
static llmcs_status embed_parts(desk_turn *t, desk_reading *r, size_t n) {
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

/* Passes the existing vectors if they come from this classifier's encoder. */
static llmcs_status predict_params(const desk_turn *t, const llmcs_shop_classifier *classifier, const desk_reading *r,
                                   llmcs_shop_predict_params *params) {
    llmcs_shop_classifier_info info = {.struct_size = sizeof info};
    llmcs_shop_predict_params_init(params);
    params->n_scores = 3;
    SHOP_TRY(llmcs_shop_classifier_get_info(classifier, &info));
    if (info.n_embedding && r->vector && info.encoder_fingerprint == t->desk->shop->fingerprint)
        params->vectors = r->vector;
    return LLMCS_OK;
}

static void texts_of(const desk_reading *r, size_t n, llmcs_text texts[DESK_MAX_PARTS + 1]) {
    for (size_t i = 0; i < n; i++) texts[i] = (llmcs_text){.text = r[i].text, .text_bytes = strlen(r[i].text)};
}

static llmcs_status predict(desk_turn *t, const llmcs_shop_classifier *classifier, const desk_reading *r, size_t n,
                            llmcs_shop_predictions **found) {
    llmcs_shop_predict_params params;
    llmcs_text texts[DESK_MAX_PARTS + 1];
    *found = NULL;
    SHOP_TRY(predict_params(t, classifier, r, &params));
    texts_of(r, n, texts);
    const llmcs_status status = llmcs_shop_classifier_predict(classifier, texts, n, &params, found);
    return status == LLMCS_STATE ? LLMCS_OK : status; /* its encoder is missing: continue without a classifier */
}

static llmcs_status keep_prediction(desk_turn *t, const llmcs_shop_prediction *p, desk_reading *r) {
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

/* Predicts with the version that serves this conversation; a shadow version runs too. */
static llmcs_status predict_by_rollout(desk_turn *t, llmcs_shop_classifier *first, const desk_reading *r, size_t n,
                                       llmcs_shop_predictions **found, llmcs_shop_classifier **used) {
    llmcs_shop_predict_params params;
    llmcs_text texts[DESK_MAX_PARTS + 1];
    SHOP_TRY(predict_params(t, first, r, &params));
    texts_of(r, n, texts);
    const llmcs_status status =
        llmcs_shop_rollout_predict(t->desk->rollout, t->message->conversation, texts, n, &params, found, used, NULL);
    return status == LLMCS_STATE ? LLMCS_OK : status;
}

static llmcs_status read_intents(desk_turn *t, desk_reading *r, size_t n) {
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

/* The sentiment classifier is trained on reviews and rates most requests negative. Anger also shows as "!!" and
 * CAPITALS. */
static bool is_loud(const desk_words *w) {
    size_t marks = 0, capitals = 0, small = 0;
    for (size_t i = 0; i < w->plain_bytes; i++) {
        marks += w->plain[i] == '!';
        capitals += w->plain[i] >= 'A' && w->plain[i] <= 'Z';
        small += w->plain[i] >= 'a' && w->plain[i] <= 'z';
    }
    return marks >= 2 || (capitals >= LOUD_CAPITALS && capitals > 3 * small);
}

static llmcs_status read_sentiment(desk_turn *t, const desk_reading *r) {
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

/* Accepts a likely intent of a part if the part has a cue of its flow. */
static void back_by_cue(const desk_turn *t, desk_reading *r) {
    const desk_intent *intent = desk_find_intent(t->flows, r->label);
    if (!intent || intent->kind != DESK_INTENT_FLOW || r->score < likely_score || r->score >= desk_part_score) return;
    if (!desk_flow_cued(&t->flows->flows[intent->flow], &r->words)) return;
    r->accepted = true;
    r->intent = intent;
    r->score = desk_part_score;
}

/* The reader's meaning replaces the classifier's if it is certain enough; otherwise the classifier decides, which also
 * reads the parts. */
static void prefer_meaning(desk_reading *r) {
    const desk_meaning *m = &r->meaning;
    if (!desk_is_sure(m)) return;
    const bool flow = m->intent && m->intent->kind == DESK_INTENT_FLOW;
    if (r->accepted && r->score >= desk_digression_score) r->classified = r->intent;
    r->intent = m->intent;
    r->label = m->intent ? m->intent->label : "";
    r->accepted = m->intent != NULL;
    r->score = m->score;
    r->second = m->second && m->second->kind == DESK_INTENT_FLOW ? m->second->label : NULL;
    r->second_score = m->second_score;
    r->near_tie = false;
    r->likely = flow;
    r->out_of_scope = m->unknown;
}

/* Returns the flow of small talk that the message is: a rule's, the classifier's, else the one with a cue in it; or -1.
 */
static int find_talk(const desk_turn *t, const desk_reading *r) {
    const desk_intent *intent = r->intent;
    if (r->rule && r->rule->flow >= 0 && t->flows->flows[r->rule->flow].small_talk) return r->rule->flow;
    if (intent && intent->kind == DESK_INTENT_FLOW && t->flows->flows[intent->flow].small_talk) return intent->flow;
    for (size_t i = 0; i < t->flows->n_flows; i++)
        if (t->flows->flows[i].small_talk && desk_has_cue(t, &t->flows->flows[i])) return (int)i;
    return -1;
}

static llmcs_status read_once(desk_turn *t, desk_reading r[DESK_MAX_PARTS + 1], size_t *n) {
    desk_span parts[DESK_MAX_PARTS];
    const size_t n_parts = desk_split(&t->read, parts);
    memset(r, 0, (DESK_MAX_PARTS + 1) * sizeof *r);
    r[0].text = t->read.plain;
    r[0].words = t->read;
    *n = 1;
    for (size_t i = 0; n_parts > 1 && i < n_parts; i++) {
        desk_reading *one = &r[(*n)++];
        SHOP_TRY(shop_arena_copy(t->arena, t->read.plain + parts[i].begin, parts[i].end - parts[i].begin, &one->text));
        SHOP_TRY(desk_words_make(t->arena, one->text, strlen(one->text), &one->words));
    }
    for (size_t i = 0; i < *n; i++) {
        r[i].label = "";
        r[i].talk = -1;
        r[i].rule = i ? desk_find_rule(t, &r[i].words, false) : desk_find_rule_of_message(t, false);
    }
    SHOP_TRY(embed_parts(t, r, *n));
    if (*n > 1 && t->vector && !r[1].vector) *n = 1;
    const double begin = shop_now_ms();
    SHOP_TRY(read_intents(t, r, *n));
    for (size_t i = 1; i < *n; i++) back_by_cue(t, &r[i]);
    SHOP_TRY(read_sentiment(t, r));
    t->out.ms.classify += shop_now_ms() - begin;
    r[0].talk = find_talk(t, &r[0]);
    SHOP_TRY(desk_read_meaning(t, &r[0].meaning));
    SHOP_TRY(desk_check_meaning(t, &r[0].meaning));
    prefer_meaning(&r[0]);
    return LLMCS_OK;
}

static bool is_talk(const desk_reading *r) {
    return r->meaning.kind == DESK_MEANS_SMALL_TALK && desk_is_sure(&r->meaning);
}

/* Takes the classifier's intent instead of the reader's small talk. False if it knows none, or small talk, too. */
static bool take_classified(const desk_turn *t, desk_reading *r) {
    const desk_intent *intent = r->classified;
    if (!intent || (intent->kind == DESK_INTENT_FLOW && t->flows->flows[intent->flow].small_talk)) return false;
    r->meaning = (desk_meaning){.kind = DESK_MEANS_NOTHING};
    r->intent = intent;
    r->label = intent->label;
    r->accepted = true;
    r->score = desk_digression_score;
    r->out_of_scope = 0;
    return true;
}

/* "Thanks. When will you ship it?" is small talk for the reader: reads the question alone. */
static llmcs_status read_question(desk_turn *t, desk_reading r[DESK_MAX_PARTS + 1], size_t *n) {
    desk_reading alone[DESK_MAX_PARTS + 1];
    const desk_words words = t->words, read = t->read;
    const float *vector = t->vector;
    desk_words question;
    size_t n_alone;
    bool found;
    SHOP_TRY(desk_find_question(t, r, *n, &question, &found));
    if (!found) return LLMCS_OK;
    t->words = t->read = question;
    SHOP_TRY(desk_embed(t));
    SHOP_TRY(read_once(t, alone, &n_alone));
    if (is_talk(&alone[0]) && !take_classified(t, &alone[0])) {
        t->words = words;
        t->read = read;
        t->vector = vector;
        return LLMCS_OK;
    }
    memcpy(r, alone, sizeof alone);
    *n = n_alone;
    return LLMCS_OK;
}

llmcs_status desk_read_message(desk_turn *t, desk_reading r[DESK_MAX_PARTS + 1], size_t *n) {
    SHOP_TRY(read_once(t, r, n));
    if (is_talk(&r[0])) SHOP_TRY(read_question(t, r, n));
    t->out.intent = r[0].accepted && (!r[0].intent || r[0].intent->kind != DESK_INTENT_ENTRY) ? r[0].label : "";
    t->out.intent_score = r[0].score;
    t->out.out_of_scope = r[0].out_of_scope;
    return LLMCS_OK;
}
