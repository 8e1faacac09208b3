/* Reads a question for the knowledge base from JSON and writes the answer as JSON. */
#include <string.h>

#include "calls.h"

/* ---- answer */

json_t *citation_json(const llmcs_shop_citation *c) {
    return json_pack("{sssssisIs[II]s[II]}", "id", c->id, "lang", c->lang, "version", c->version, "text",
                     (json_int_t)c->text_index, "entry", (json_int_t)c->entry_begin, (json_int_t)c->entry_end, "reply",
                     (json_int_t)c->reply_begin, (json_int_t)c->reply_end);
}

static json_t *candidate_json(const llmcs_shop_candidate *c) {
    json_t *json = json_pack("{sssssisosososososo}", "id", c->id, "lang", c->lang, "version", c->version, "score",
                             json_float(c->probability), "question", json_text(c->question, strlen(c->question)),
                             "cosine", json_float((double)c->cosine), "bm25", json_float((double)c->bm25), "fused",
                             json_float((double)c->fused), "logit", json_float(c->score));
    if (json && c->logprob == c->logprob) { /* not NaN */
        json_object_set_new(json, "logprob", json_float(c->logprob));
        json_object_set_new(json, "information", json_float(c->information));
    }
    return json;
}

static void add_answer(cli_answer *out, const llmcs_shop_answer *a) {
    json_t *citations = json_array(), *candidates = json_array();
    for (size_t i = 0; i < a->n_citations; i++) json_array_append_new(citations, citation_json(a->citations[i]));
    for (size_t i = 0; i < a->n_candidates; i++) json_array_append_new(candidates, candidate_json(a->candidates[i]));
    answer_set(out, "route", json_string(llmcs_shop_route_name(a->route)));
    answer_set(out, "answer", json_text(a->text, a->text_bytes));
    answer_set(out, "probability", json_float(a->probability));
    if (a->missing_slot) answer_set(out, "missing_slot", json_string(a->missing_slot));
    answer_set(out, "citations", citations);
    answer_set(out, "candidates", candidates);
    answer_set(out, "ms",
               json_pack("{sfsfsfsfsfsf}", "embed", a->embed_ms, "words", a->words_ms, "vectors", a->vectors_ms, "rank",
                         a->rank_ms, "write", a->write_ms, "total", a->total_ms));
}

/* ---- question */

llmcs_status call_ask(llmcs_shop *shop, const llmcs_shop_ask_params *defaults, const json_t *request, cli_answer *out) {
    static const char *const keys[] = {"text", "lang", "k", NULL};
    llmcs_shop_ask_params params = *defaults;
    llmcs_shop_answer *answer = NULL;
    const char *text, *lang;
    size_t len;
    int32_t k = (int32_t)params.k;
    llmcs_status status;
    if ((status = request_check_keys(request, keys)) || (status = request_text(request, "text", true, &text, &len)) ||
        (status = field_string(request, "lang", false, &lang)) ||
        (status = request_int(request, "k", 1, CALL_MAX_ASK, &k)))
        return status;
    params.k = (size_t)k;
    if (lang) params.lang = lang;
    if ((status = llmcs_shop_ask(shop, text, len, &params, &answer))) return status;
    out->digits = 6;
    add_answer(out, answer);
    llmcs_shop_answer_free(&answer);
    return LLMCS_OK;
}
