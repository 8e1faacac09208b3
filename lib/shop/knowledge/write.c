/* What a decoder adds: a* = argmax p(a|q) over the candidates, and a wording that invents no number. */
#include <math.h>
#include <string.h>

#include "shop/knowledge/reply_memory.h"

/* ---- a* = argmax p(a|q) */

/* "User: ...\nBot:", the form that the demo's decoder was trained on. */
static llmcs_status make_prompt(shop_reply *r, const char *facts, const char *question, size_t n, const char **prompt) {
    const char *const before = facts ? "Facts: " : "", *const between = facts ? "\nUser: " : "User: ",
                      *const after = "\nBot:";
    const size_t n_facts = facts ? strlen(facts) : 0;
    char *text;
    SHOP_TRY(shop_reply_alloc(r, strlen(before) + n_facts + strlen(between) + n + strlen(after) + 1, 1, &text));
    char *at = text;
    const struct {
        const char *bytes;
        size_t n;
    } parts[] = {
        {before, strlen(before)}, {facts, n_facts}, {between, strlen(between)}, {question, n}, {after, strlen(after)}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (parts[i].n) memcpy(at, parts[i].bytes, parts[i].n);
        at += parts[i].n;
    }
    *prompt = text;
    return LLMCS_OK;
}

/* " answer": the space belongs to the first word of the continuation. */
static llmcs_status make_continuations(shop_reply *r, const char **continuations) {
    for (size_t i = 0; i < r->answer.n_candidates; i++) {
        char *text;
        const size_t n = strlen(r->candidates[i].answer);
        SHOP_TRY(shop_reply_alloc(r, n + 2, 1, &text));
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
    SHOP_TRY(make_prompt(r, NULL, q->text, q->text_bytes, &prompt));
    SHOP_TRY(make_prompt(r, NULL, "", 0, &no_question));
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

/* Full-width digits count as digits, so that they do not escape the gate. */
static llmcs_status numbers_are_known(shop_reply *r, const char *reply, size_t reply_bytes, const char *facts,
                                      bool *known) {
    shop_words words, of_facts;
    *known = true;
    SHOP_TRY(shop_words_make(&r->allocator, reply, reply_bytes, &words));
    llmcs_status status = shop_words_make(&r->allocator, facts, strlen(facts), &of_facts);
    for (size_t i = 0; i < words.n && !status && *known; i++) {
        const shop_word *w = &words.items[i];
        if (w->kind != SHOP_WORD_NUMBER) continue;
        *known = false;
        for (size_t j = 0; j < of_facts.n && !*known; j++)
            *known = of_facts.items[j].kind == SHOP_WORD_NUMBER && of_facts.items[j].len == w->len &&
                     !memcmp(of_facts.joined + of_facts.items[j].begin, words.joined + w->begin, w->len);
    }
    shop_words_free(&words);
    if (!status) shop_words_free(&of_facts);
    return status;
}

static size_t trimmed(const char **text, size_t n) {
    while (n && (**text == ' ' || **text == '\n')) ++*text, n--;
    while (n && ((*text)[n - 1] == ' ' || (*text)[n - 1] == '\n')) n--;
    return n;
}

llmcs_status shop_reply_generate(shop_reply *r, const shop_question *q, llmcs_session *writer) {
    static const char *const stops[] = {"\nUser:", "\nFacts:", "\nBot:"};
    llmcs_generate_params params;
    llmcs_result *result = NULL;
    const char *prompt;
    bool known = false;
    const bool has_facts = r->answer.route == LLMCS_ROUTE_ENTRY || r->answer.route == LLMCS_ROUTE_FILLED;
    if (!has_facts) return LLMCS_OK;
    SHOP_TRY(make_prompt(r, r->answer.text, q->text, q->text_bytes, &prompt));
    SHOP_TRY(llmcs_generate_params_init(&params, NULL));
    params.max_new_tokens = 160;
    params.stop_strings = stops;
    params.n_stop_strings = sizeof stops / sizeof *stops;
    const llmcs_status generated = llmcs_generate(writer, prompt, LLMCS_NUL, &params, NULL, NULL, &result);
    if (generated == LLMCS_CONTEXT_FULL) return LLMCS_OK; /* too long an entry is given as it stands */
    if (generated) return generated;
    const char *text = result->sequences[0]->text;
    const size_t n = trimmed(&text, result->sequences[0]->text_bytes);
    llmcs_status status = n ? numbers_are_known(r, text, n, r->answer.text, &known) : LLMCS_OK;
    if (!status && known) status = shop_reply_set_generated(r, r->first, text, n);
    llmcs_result_free(&result);
    return status;
}
