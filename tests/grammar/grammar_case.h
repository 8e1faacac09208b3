/* What the tests of grammars share: compiling one, and whether a text is in it. */
#ifndef TESTS_GRAMMAR_GRAMMAR_CASE_H
#define TESTS_GRAMMAR_GRAMMAR_CASE_H

#include <string.h>

#include "grammar/automaton.h"
#include "grammar/regex.h"
#include "grammar/schema.h"
#include "support/random.h"
#include "support/suite.h"

typedef struct compiled {
    llmcs_allocator allocator;
    ll_nfa nfa;
    ll_automaton automaton;
} compiled;

static inline llmcs_status compile_source(compiled *c, const char *regex, const char *schema) {
    ll_fragment body;
    uint32_t rule;
    llmcs_status status = LLMCS_ARG;
    if (schema) {
        status = ll_schema_compile(&c->nfa, schema, strlen(schema));
    } else if (regex) {
        status = ll_nfa_add_rule(&c->nfa, &rule);
        if (!status) status = ll_regex_compile(&c->nfa, regex, strlen(regex), LL_REGEX_TEXT, &body);
        if (!status) ll_nfa_set_rule(&c->nfa, rule, body);
    }
    if (!status) status = ll_nfa_finish(&c->nfa);
    return status ? status : ll_automaton_init(&c->automaton, &c->nfa);
}

/* On failure there is nothing to free. */
static inline llmcs_status compile_grammar(compiled *c, const llmcs_allocator *a, const char *regex,
                                           const char *schema) {
    memset(c, 0, sizeof *c);
    c->allocator = *a;
    c->nfa.allocator = &c->allocator;
    const llmcs_status status = compile_source(c, regex, schema);
    if (status) ll_nfa_free(&c->nfa);
    return status;
}

static inline void free_grammar(compiled *c) {
    ll_automaton_free(&c->automaton);
    ll_nfa_free(&c->nfa);
}

static inline bool contains(compiled *c, const char *text) {
    uint32_t at = c->automaton.start;
    for (; *text; text++) ck_assert_int_eq(ll_automaton_step(&c->automaton, at, (uint8_t)*text, &at), LLMCS_OK);
    return at != LL_CONFIG_DEAD && ll_automaton_accepts(&c->automaton, at);
}

/* A random text of the grammar in out [capacity]; false: it became too long. From every configuration that is not dead
 * the text can be completed, so that there always is a byte, or an end. */
static inline bool random_text(compiled *c, uint64_t *seed, char *out, size_t capacity) {
    uint32_t at = c->automaton.start;
    for (size_t n = 0; n + 1 < capacity;) {
        uint8_t bytes[256];
        uint32_t next[256];
        size_t n_next = 0, pick;
        for (unsigned b = 0; b < 256; b++) {
            ck_assert_int_eq(ll_automaton_step(&c->automaton, at, (uint8_t)b, &next[n_next]), LLMCS_OK);
            bytes[n_next] = (uint8_t)b;
            n_next += next[n_next] != LL_CONFIG_DEAD;
        }
        if (ll_automaton_accepts(&c->automaton, at) && (!n_next || random_below(seed, 3) == 0)) {
            out[n] = 0;
            return true;
        }
        ck_assert_uint_gt(n_next, 0);
        pick = random_below(seed, n_next);
        for (size_t i = 0; i < n_next; i++) /* towards an end */
            if (strchr("\"]}", bytes[i]) && bytes[i] && random_below(seed, 4) == 0) pick = i;
        out[n++] = (char)bytes[pick];
        at = next[pick];
    }
    return false;
}

#endif
