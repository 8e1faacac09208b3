/* Optional decoder: chooses a* = argmax p(a|q) among the candidates, and words a reply that the gate accepts. */
#include <math.h>
#include <string.h>

#include "shop/knowledge/reply_memory.h"
#include "shop/wording/gate.h"
#include "shop/wording/prompt.h"

/* ---- a* = argmax p(a|q) */

/* "User: ...\nBot:", the format that the demo's decoder was trained on. */
static llmcs_status make_prompt(shop_reply *r, const char *question, size_t n, const char **prompt) {
    shop_text text = {.allocator = &r->memory.allocator};
    llmcs_status status = shop_text_add(&text, "User: ", strlen("User: "));
    if (!status) status = shop_text_add_clean(&text, question, n);
    if (!status) status = shop_text_add(&text, "\nBot:", strlen("\nBot:"));
    if (!status) status = shop_arena_copy(&r->memory, text.bytes, text.n, prompt);
    shop_free(&r->memory.allocator, text.bytes);
    return status;
}

/* " answer": the space belongs to the first word of the continuation. */
static llmcs_status make_continuations(shop_reply *r, const char **continuations) {
    for (size_t i = 0; i < r->answer.n_candidates; i++) {
        char *text;
        const size_t n = strlen(r->candidates[i].answer);
        SHOP_TRY(shop_arena_alloc(&r->memory, n + 2, 1, &text));
        text[0] = ' ';
        memcpy(text + 1, r->candidates[i].answer, n);
        continuations[i] = text;
    }
    return LLMCS_OK;
}

llmcs_status shop_reply_choose(shop_reply *r, const shop_question *q, llmcs_session *writer, size_t *best) {
    const char *continuations[SHOP_MAX_CANDIDATES], *prompt, *no_question;
    llmcs_score_result with[SHOP_MAX_CANDIDATES], without[SHOP_MAX_CANDIDATES];
    const size_t n = r->answer.n_candidates;
    size_t most_likely;
    *best = 0;
    if (!n) return LLMCS_OK;
    SHOP_TRY(make_prompt(r, q->text, q->text_bytes, &prompt));
    SHOP_TRY(make_prompt(r, "", 0, &no_question));
    SHOP_TRY(make_continuations(r, continuations));
    SHOP_TRY(llmcs_choose(writer, prompt, LLMCS_NUL, continuations, n, 1, with, &most_likely));
    SHOP_TRY(llmcs_choose(writer, no_question, LLMCS_NUL, continuations, n, 1, without, &most_likely));
    for (size_t i = 0; i < n; i++) {
        const double tokens = (double)(with[i].n_tokens ? with[i].n_tokens : 1);
        r->candidates[i].logprob = with[i].logprob / tokens;
        r->candidates[i].information = (with[i].logprob - without[i].logprob) / tokens;
        if (r->candidates[i].information > r->candidates[*best].information) *best = i;
    }
    return LLMCS_OK;
}

/* ---- wording */

static size_t trimmed(const char **text, size_t n) {
    while (n && (**text == ' ' || **text == '\n')) ++*text, n--;
    while (n && ((*text)[n - 1] == ' ' || (*text)[n - 1] == '\n')) n--;
    return n;
}

/* Takes the new wording if the model ended it and the gate finds everything it says in the answer. */
static llmcs_status take_if_grounded(shop_reply *r, const llmcs_sequence *s) {
    const char *text = s->text, *lang = r->answer.candidates[r->first]->lang;
    const size_t n = trimmed(&text, s->text_bytes);
    const shop_gate_text known = {r->answer.text, r->answer.text_bytes};
    shop_gate_verdict verdict;
    if (s->finish_reason != LLMCS_FINISH_EOS && s->finish_reason != LLMCS_FINISH_STOP) return LLMCS_OK;
    SHOP_TRY(shop_gate(&r->memory.allocator, text, n, &known, 1, *lang ? lang : NULL, &verdict));
    return verdict.reason ? LLMCS_OK : shop_reply_set_generated(r, r->first, text, n);
}

static llmcs_status generate_from(shop_reply *r, llmcs_session *writer, const shop_prompt_form *form,
                                  const char *prompt) {
    llmcs_generate_params params;
    llmcs_result *result = NULL;
    SHOP_TRY(llmcs_generate_params_init(&params, NULL));
    params.max_new_tokens = SHOP_WORDING_TOKENS;
    params.stop_strings = (const char *const *)form->stop_strings;
    params.n_stop_strings = form->n_stop_strings;
    llmcs_status status = llmcs_generate(writer, prompt, LLMCS_NUL, &params, NULL, NULL, &result);
    if (status == LLMCS_CONTEXT_FULL) return LLMCS_OK; /* an entry that is too long is quoted as it is */
    if (!status) status = take_if_grounded(r, result->sequences[0]);
    llmcs_result_free(&result);
    return status;
}

llmcs_status shop_reply_generate(shop_reply *r, const shop_question *q, llmcs_session *writer) {
    shop_prompt_form form;
    shop_wording_request request;
    shop_text facts = {.allocator = &r->memory.allocator}, prompt = {.allocator = &r->memory.allocator};
    const bool has_facts = r->answer.route == LLMCS_ROUTE_ENTRY || r->answer.route == LLMCS_ROUTE_FILLED;
    if (!has_facts) return LLMCS_OK;
    shop_wording_request_init(&request);
    request.entry = r->answer.text;
    request.entry_bytes = r->answer.text_bytes;
    request.user = q->text;
    request.user_bytes = q->text_bytes;
    llmcs_status status = shop_prompt_form_read(&r->memory.allocator, NULL, &form);
    if (!status) status = shop_prompt_facts(&request, &facts);
    if (!status) status = shop_prompt_make(&form, &request, &facts, 0, &prompt);
    if (!status) status = generate_from(r, writer, &form, prompt.bytes);
    shop_free(&r->memory.allocator, facts.bytes);
    shop_free(&r->memory.allocator, prompt.bytes);
    shop_prompt_form_free(&r->memory.allocator, &form);
    return status;
}
