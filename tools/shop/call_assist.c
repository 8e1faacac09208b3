/* Calls of the assistant as JSON: suggestions, their outcomes, rewriting. */
#include <string.h>

#include "calls.h"

typedef struct assist_call {
    llmcs_shop_assistant *assistant;
    const llmcs_shop_assist_params *defaults;
} assist_call;

/* ---- answers */

static json_t *suggestion_json(const llmcs_shop_suggestion *s) {
    json_t *citations = json_array(), *action = s->action[0] ? json_loads(s->action, 0, NULL) : json_null();
    for (size_t i = 0; i < s->n_citations; i++) {
        const llmcs_shop_citation *c = s->citations[i];
        json_array_append_new(citations, json_pack("{sssssi}", "id", c->id, "lang", c->lang, "version", c->version));
    }
    json_t *json =
        json_pack("{sssssososososososo}", "id", s->id, "kind", llmcs_shop_suggestion_kind_name(s->kind), "text",
                  json_text(s->text, s->text_bytes), "score", json_float(s->score), "citations", citations, "source",
                  s->source[0] ? json_string(s->source) : json_null(), "verdict",
                  s->verdict[0] ? json_string(s->verdict) : json_null(), "action", action, "ms", json_float(s->ms));
    return json;
}

static void add_suggestions(cli_answer *out, const llmcs_shop_suggestions *found) {
    json_t *list = json_array();
    for (size_t i = 0; i < found->n_items; i++) json_array_append_new(list, suggestion_json(found->items[i]));
    answer_set(out, "suggestions", list);
    answer_set(out, "question", json_string(found->question));
    answer_set(out, "lang", json_string(found->lang));
    answer_set(out, "ms", json_float(found->ms));
}

/* ---- requests */

static llmcs_status read_outcome(const char *name, llmcs_shop_outcome *outcome) {
    for (int i = LLMCS_OUTCOME_ACCEPTED; i <= LLMCS_OUTCOME_REJECTED; i++) {
        *outcome = (llmcs_shop_outcome)i;
        if (!strcmp(name, llmcs_shop_outcome_name(*outcome))) return LLMCS_OK;
    }
    return request_error(LLMCS_ARG, "\"outcome\" must be accepted, edited or rejected");
}

static llmcs_status decide_request(const assist_call *c, const json_t *request, const char *id, cli_answer *out) {
    const char *name, *sent, *actor;
    llmcs_shop_outcome outcome;
    llmcs_status status = field_string(request, "outcome", true, &name);
    if (!status) status = field_string(request, "sent", false, &sent);
    if (!status) status = field_string(request, "actor", false, &actor);
    if (!status) status = read_outcome(name, &outcome);
    if (!status)
        status = llmcs_shop_suggestion_decide(c->assistant, id, outcome, sent, actor ? actor : c->defaults->actor);
    if (!status) answer_set(out, "outcome", json_string(name));
    return status;
}

static llmcs_status rewrite_request(const assist_call *c, const json_t *request, const char *name, cli_answer *out) {
    const char *text, *lang;
    size_t n;
    llmcs_shop_rewritten *r = NULL;
    llmcs_status status = request_text(request, "text", true, &text, &n);
    if (!status) status = field_string(request, "lang", false, &lang);
    if (status) return status;
    if (strcmp(name, "politer") != 0 && strcmp(name, "shorter") != 0)
        return request_error(LLMCS_ARG, "\"rewrite\" must be politer or shorter");
    const llmcs_shop_style style = name[0] == 'p' ? LLMCS_STYLE_POLITER : LLMCS_STYLE_SHORTER;
    if ((status = llmcs_shop_rewrite(c->assistant, text, n, style, lang ? lang : c->defaults->lang, &r))) return status;
    answer_set(out, "text", json_text(r->text, r->text_bytes));
    answer_set(out, "changed", json_boolean(r->changed));
    answer_set(out, "by_model", json_boolean(r->by_model));
    llmcs_shop_rewritten_free(&r);
    return LLMCS_OK;
}

static llmcs_status suggest(const assist_call *c, const json_t *request, cli_answer *out) {
    llmcs_shop_assist_params params = *c->defaults;
    llmcs_shop_suggestions *found = NULL;
    const char *conversation, *text, *lang, *actor;
    int32_t k = (int32_t)params.k;
    llmcs_status status = field_string(request, "conversation", true, &conversation);
    if (!status) status = field_string(request, "text", false, &text);
    if (!status) status = field_string(request, "lang", false, &lang);
    if (!status) status = field_string(request, "actor", false, &actor);
    if (!status) status = request_int(request, "k", 1, 5, &k);
    if (status) return status;
    params.k = (size_t)k;
    if (text) params.text = text;
    if (lang) params.lang = lang;
    if (actor) params.actor = actor;
    if ((status = llmcs_shop_assist(c->assistant, conversation, &params, &found))) return status;
    add_suggestions(out, found);
    llmcs_shop_suggestions_free(&found);
    return LLMCS_OK;
}

llmcs_status call_assist(llmcs_shop_assistant *assistant, const llmcs_shop_assist_params *defaults,
                         const json_t *request, cli_answer *out) {
    static const char *const keys[] = {"conversation", "text",    "lang", "k",       "actor",
                                       "suggestion",   "outcome", "sent", "rewrite", NULL};
    const assist_call c = {assistant, defaults};
    const char *suggestion, *style;
    llmcs_status status = request_check_keys(request, keys);
    if (!status) status = field_string(request, "suggestion", false, &suggestion);
    if (!status) status = field_string(request, "rewrite", false, &style);
    if (status) return status;
    if (suggestion) return decide_request(&c, request, suggestion, out);
    if (style) return rewrite_request(&c, request, style, out);
    return suggest(&c, request, out);
}
