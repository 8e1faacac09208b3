/* Target of chat templates: a template, a NUL byte and the variables as JSON. Fewer steps and less memory than the
 * library allows, so that an input that uses them up is still a fast one. */
#ifndef TESTS_FUZZ_TARGETS_CHAT_H
#define TESTS_FUZZ_TARGETS_CHAT_H

#include "chat/machine.h"
#include "fuzz/fuzz.h"

enum { FUZZ_CHAT_STEPS = 200000, FUZZ_CHAT_BYTES = 4 << 20 };

/* A byte 1 that only the variables have is nowhere the template's. */
static void check_output(const ll_machine *m, bool from_variables_only) {
    MUST(is_utf8(m->out.text, m->out.n));
    for (size_t i = 0; i < m->out.n; i++) {
        MUST(m->out.origins[i] == LL_ORIGIN_DATA || m->out.origins[i] == LL_ORIGIN_TEMPLATE);
        if (from_variables_only && m->out.text[i] == 1) MUST(m->out.origins[i] == LL_ORIGIN_DATA);
    }
}

static void fuzz_run(const ll_program *p, const llmcs_allocator *a, ll_json root, bool from_variables_only) {
    ll_machine m;
    ll_value v;
    llmcs_status st = ll_machine_init(&m, p, a);
    MUST(!st);
    m.steps_left = FUZZ_CHAT_STEPS;
    m.bytes_left = FUZZ_CHAT_BYTES;
    m.now = (ll_time){2026, 3, 5, 14, 7, 9};
    ll_value u;
    MUST(!ll_literal(&m, "a\1<|b|>\1", 8, &u));
    ll_machine_set(&m, "u", 1, u);
    for (ll_json member = ll_json_first(root); ll_json_get_type(member) && !st; member = ll_json_next(member)) {
        size_t n;
        const char *name = ll_json_key(member, &n);
        st = name ? ll_value_of_json(&m, member, LL_ORIGIN_DATA, &v) : LLMCS_OK;
        if (name && !st) ll_machine_set(&m, name, n, v);
    }
    if (!st) st = ll_machine_run(&m);
    MUST(st == LLMCS_OK || st == LLMCS_TEMPLATE || st == LLMCS_UNSUPPORTED || st == LLMCS_LIMIT);
    MUST(st == LLMCS_OK || llmcs_error_message()[0]);
    if (!st) check_output(&m, from_variables_only);
    ll_machine_free(&m);
}

static UNUSED int fuzz_chat(const uint8_t *data, size_t size) {
    counter c = {0};
    llmcs_allocator a = counting(&c);
    const uint8_t *end = size ? memchr(data, 0, size) : NULL;
    const size_t n = end ? (size_t)(end - data) : size;
    ll_program p;
    ll_json_doc *doc = NULL;
    const llmcs_status st = ll_program_compile(&p, &a, "fuzz", (const char *)data, n);
    MUST(st == LLMCS_OK || st == LLMCS_FORMAT || st == LLMCS_UNSUPPORTED || st == LLMCS_LIMIT);
    MUST(c.bytes < 1000 * size + (1 << 20));
    if (end && !st) (void)ll_json_parse(&a, "fuzz", (const char *)end + 1, size - n - 1, 0, &doc);
    const bool plain = !n || (!memchr(data, 1, n) && !memchr(data, '\\', n)); /* no byte 1 of its own */
    if (!st) fuzz_run(&p, &a, doc ? ll_json_root(doc) : (ll_json){NULL, 0}, plain);
    ll_json_free(&doc);
    if (!st) ll_program_free(&p);
    MUST(c.live == 0);
    return 0;
}

#endif
