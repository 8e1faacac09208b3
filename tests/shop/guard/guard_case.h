/* What the guard's tests share: a text masked, as one string. */
#ifndef TESTS_SHOP_GUARD_GUARD_CASE_H
#define TESTS_SHOP_GUARD_GUARD_CASE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "llmcs_shop.h"
#include "support/suite.h"

static inline llmcs_shop_guard *guard_open(const char *order_pattern, const char *tagger) {
    llmcs_shop_guard_options o;
    llmcs_shop_guard *guard = NULL;
    llmcs_shop_guard_options_init(&o);
    o.order_pattern = order_pattern;
    o.tagger_path = tagger;
    ck_assert_msg(!llmcs_shop_guard_create(&o, &guard), "%s", llmcs_error_message());
    return guard;
}

/* Checks what every result must be: spans in order and inside the text, names that stand where they say, and the text
 * again when it is unmasked. */
static inline void check_masked(const char *text, size_t n, const llmcs_shop_masked *m, llmcs_shop_names *names) {
    size_t last = 0, last_masked = 0, n_back = 0;
    ck_assert(!m->text[m->text_bytes]);
    for (size_t i = 0; i < m->n_spans; i++) {
        const llmcs_shop_masked_span *s = m->spans[i];
        ck_assert(s->begin >= last && s->end > s->begin && s->end <= n);
        ck_assert(s->masked_begin >= last_masked && s->masked_end <= m->text_bytes);
        ck_assert_uint_eq(s->masked_end - s->masked_begin, strlen(s->name) + 2);
        ck_assert_mem_eq(m->text + s->masked_begin + 1, s->name, strlen(s->name));
        ck_assert(m->text[s->masked_begin] == '<' && m->text[s->masked_end - 1] == '>');
        last = s->end;
        last_masked = s->masked_end;
    }
    char *back = malloc(n + 1);
    ck_assert_ptr_nonnull(back);
    ck_assert_msg(!llmcs_shop_unmask(names, m->text, m->text_bytes, back, n + 1, &n_back), "%s", llmcs_error_message());
    ck_assert_uint_eq(n_back, n);
    ck_assert_mem_eq(back, text, n);
    free(back);
}

/* The masked text in a static buffer. */
static inline const char *masked_text(const llmcs_shop_guard *guard, const char *text) {
    static char out[4096];
    llmcs_shop_names *names = NULL;
    llmcs_shop_masked *m = NULL;
    ck_assert(!llmcs_shop_names_create(NULL, NULL, NULL, NULL, &names));
    ck_assert_msg(!llmcs_shop_mask(guard, names, text, LLMCS_NUL, NULL, &m), "%s", llmcs_error_message());
    snprintf(out, sizeof out, "%s", m->text);
    llmcs_shop_masked_free(&m);
    llmcs_shop_names_free(&names);
    return out;
}

typedef struct mask_case {
    const char *text, *masked;
} mask_case;

static inline void check_cases(const llmcs_shop_guard *guard, const mask_case *cases, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const char *found = masked_text(guard, cases[i].text);
        ck_assert_msg(!strcmp(found, cases[i].masked), "%s\n  found    %s\n  expected %s", cases[i].text, found,
                      cases[i].masked);
    }
}
#define CHECK_CASES(guard, ...)                                     \
    do {                                                            \
        static const mask_case cases_[] = {__VA_ARGS__};            \
        check_cases(guard, cases_, sizeof cases_ / sizeof *cases_); \
    } while (0)

#endif
