/* Target of grammars: any schema or expression is compiled or refused, in bounded memory, and every text that is walked
 * can be completed. */
#ifndef TESTS_FUZZ_TARGETS_GRAMMAR_H
#define TESTS_FUZZ_TARGETS_GRAMMAR_H

#include "fuzz/fuzz.h"
#include "grammar/automaton.h"
#include "grammar/regex.h"
#include "grammar/schema.h"

/* Follows up to 200 bytes, at each step the first living byte from a place that the input chooses. */
static UNUSED void walk_grammar(ll_automaton *a, const uint8_t *data, size_t size) {
    uint32_t at = a->start;
    for (size_t i = 0; i < 200; i++) {
        uint32_t next = LL_CONFIG_DEAD;
        const unsigned from = size ? data[i % size] : 0;
        for (unsigned b = 0; b < 256 && next == LL_CONFIG_DEAD; b++) {
            const llmcs_status status = ll_automaton_step(a, at, (uint8_t)(from + b), &next);
            MUST(!status || status == LLMCS_LIMIT);
            if (status) return;
        }
        if (next == LL_CONFIG_DEAD) {
            MUST(ll_automaton_accepts(a, at));
            return;
        }
        at = next;
    }
}

/* '{' and the like: a JSON schema; after an R a regular expression. */
static UNUSED int fuzz_grammar(const uint8_t *data, size_t size) {
    counter c = {0};
    const llmcs_allocator a = counting(&c);
    ll_nfa nfa = {.allocator = &a};
    ll_automaton automaton;
    ll_fragment body;
    uint32_t rule;
    llmcs_status status;
    if (size > 4096) return 0; /* the time of one input */
    if (size && data[0] == 'R') {
        status = ll_nfa_add_rule(&nfa, &rule);
        if (!status) status = ll_regex_compile(&nfa, (const char *)data + 1, size - 1, LL_REGEX_TEXT, &body);
        if (!status) ll_nfa_set_rule(&nfa, rule, body);
    } else {
        status = ll_schema_compile(&nfa, (const char *)data, size);
    }
    if (!status) status = ll_nfa_finish(&nfa);
    if (!status) status = ll_automaton_init(&automaton, &nfa);
    MUST(status == LLMCS_OK || status == LLMCS_ARG || status == LLMCS_UNSUPPORTED || status == LLMCS_JSON ||
         status == LLMCS_LIMIT || status == LLMCS_CONFIG);
    if (!status) {
        walk_grammar(&automaton, data, size);
        ll_automaton_free(&automaton);
    }
    ll_nfa_free(&nfa);
    MUST(c.live == 0 && c.peak < (size_t)600 << 20);
    return 0;
}

#endif
