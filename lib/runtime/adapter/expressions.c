/* Expressions of an adapter's config as byte automata. */
#include "runtime/adapter/expressions.h"

#include <string.h>

#include "grammar/regex.h"

#define MAX_BYTES 2048
#define MAX_STATES 2048

static bool is_plain(const char *text) {
    for (; *text; text++) {
        const char lower = *text | 0x20;
        if (!((lower >= 'a' && lower <= 'z') || (*text >= '0' && *text <= '9') || strchr("_-.", *text))) return false;
    }
    return true;
}

/* Removes ^ and $: a match always ends with the name, and ^ sets *anywhere to false. */
static size_t without_anchors(const char **text, bool *anywhere) {
    size_t n = strlen(*text);
    const bool alternatives = strchr(*text, '|') != NULL; /* an anchor may belong to one alternative only */
    if (alternatives) return n;
    if (**text == '^') {
        *anywhere = false;
        ++*text;
        n--;
    }
    return n > 1 && (*text)[n - 1] == '$' && (*text)[n - 2] != '\\' ? n - 1 : n;
}

static llmcs_status compile(ll_expression *e, const char *text) {
    char whole[MAX_BYTES + 32];
    bool anywhere = e->anywhere;
    const size_t n = without_anchors(&text, &anywhere);
    ll_fragment body;
    uint32_t rule;
    const int len = ll_format(whole, sizeof whole, "%s(?:%.*s)", anywhere ? "(?:.*\\.)?" : "", (int)n, text);
    LL_TRY(ll_nfa_add_rule(&e->nfa, &rule));
    LL_TRY(ll_regex_compile(&e->nfa, whole, (size_t)len, LL_REGEX_TEXT, &body));
    ll_nfa_set_rule(&e->nfa, rule, body);
    if (e->nfa.n_states > MAX_STATES)
        return ll_fail(LLMCS_LIMIT, "regular expression: more than %d states", MAX_STATES);
    return ll_nfa_finish(&e->nfa);
}

llmcs_status ll_expression_compile(ll_expression *e, const llmcs_allocator *a, const char *text, bool anywhere,
                                   const char *path, const char *key) {
    char reason[160];
    *e = (ll_expression){.text = text, .anywhere = anywhere, .plain = is_plain(text), .nfa = {.allocator = a}};
    if (e->plain) return LLMCS_OK;
    if (strlen(text) > MAX_BYTES)
        return ll_fail(LLMCS_LIMIT, "%s: %s: an expression of more than %d bytes", path, key, MAX_BYTES);
    llmcs_status status = compile(e, text);
    if (!status) return LLMCS_OK;
    ll_expression_free(e);
    if (status == LLMCS_NOMEM) return status;
    if (status == LLMCS_ARG) status = LLMCS_CONFIG;
    ll_format(reason, sizeof reason, "%s", llmcs_error_message());
    return ll_fail(status, "%s: %s: \"%.60s\": %s; list the modules by name", path, key, text, reason);
}

void ll_expression_free(ll_expression *e) {
    if (e->text && !e->plain) ll_nfa_free(&e->nfa);
    *e = (ll_expression){0};
}

/* A dot of the expression is any character. */
static bool matches_plain(const ll_expression *e, const char *name) {
    const size_t n = strlen(e->text), len = strlen(name);
    if (len < n || (!e->anywhere && len != n)) return false;
    const char *at = name + (len - n);
    for (size_t i = 0; i < n; i++)
        if (e->text[i] != '.' && e->text[i] != at[i]) return false;
    return at == name || at[-1] == '.';
}

llmcs_status ll_expression_matches(const ll_expression *e, const char *name, bool *matches) {
    *matches = e->plain && matches_plain(e, name);
    if (e->plain) return LLMCS_OK;
    ll_automaton a;
    LL_TRY(ll_automaton_init(&a, &e->nfa));
    llmcs_status status = LLMCS_OK;
    uint32_t at = a.start;
    for (; *name && at != LL_CONFIG_DEAD && !status; name++) status = ll_automaton_step(&a, at, (uint8_t)*name, &at);
    *matches = !status && at != LL_CONFIG_DEAD && ll_automaton_accepts(&a, at);
    ll_automaton_free(&a);
    return status;
}
