/* Allocations of grammars: each may fail while a grammar is made and while its masks and states are computed. Nothing
 * stays allocated, and the grammar gives the same masks afterwards. */
#include <string.h>

#include "grammar/grammar.h"
#include "support/fail_alloc.h"
#include "support/model_fixture.h"
#include "support/suite.h"
#include "support/temp.h"

enum { N_WORDS = 8 };

static char folder[TEMP_PATH_BYTES];
static fail_alloc counter;
static llmcs_allocator allocator;
static llmcs_tokenizer *tokenizer;
static int32_t ascii[128]; /* the token of each character */

static void setup(void) {
    text_gpt2_folder(folder);
    fail_alloc_init(&counter);
    allocator = fail_alloc_get(&counter);
    ck_assert_int_eq(llmcs_tokenizer_open(folder, &allocator, &tokenizer), LLMCS_OK);
    for (size_t i = 0, n; i < 128; i++) {
        const char text = (char)i;
        ck_assert_int_eq(llmcs_encode(tokenizer, &text, 1, NULL, 0, NULL, &ascii[i], NULL, NULL, 1, &n), LLMCS_OK);
    }
}

static void teardown(void) {
    llmcs_tokenizer_free(&tokenizer);
    ck_assert_int_eq(counter.live, 0);
    temp_remove(folder);
}

static llmcs_status make_choices(llmcs_grammar **g) {
    static const char *const choices[] = {"yes", "no", "hello", "helmet", "漢字"};
    return llmcs_grammar_choices(tokenizer, choices, 5, g);
}

static llmcs_status make_regex(llmcs_grammar **g) {
    return llmcs_grammar_regex(tokenizer, "(hel+o|[a-f]{2,40}|é+)(-\\d{3})*", LLMCS_NUL, g);
}

/* Rules, a recursion, counted repetitions, a string with a pattern, an integer of a range. */
static llmcs_status make_schema(llmcs_grammar **g) {
    return llmcs_grammar_json_schema(
        tokenizer,
        "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\",\"maxLength\":9},"
        "\"code\":{\"pattern\":\"^[A-Z]{2}$\"},\"n\":{\"type\":\"integer\",\"minimum\":3,\"maximum\":4711},"
        "\"parts\":{\"type\":\"array\",\"items\":{\"$ref\":\"#\"},\"maxItems\":3},\"more\":{}},"
        "\"required\":[\"name\",\"n\"]}",
        LLMCS_NUL, g);
}

static const struct {
    const char *name, *text; /* one of its texts */
    llmcs_status (*make)(llmcs_grammar **g);
} kinds[] = {{"choices", "hello", make_choices},
             {"regex", "abcdefabcdef-123-456", make_regex},
             {"schema", "{\"name\": \"a\",\"n\": 17,\"parts\": [{\"name\": \"hel\\n\",\"n\": 4711}]}", make_schema}};
#define N_KINDS (sizeof kinds / sizeof *kinds)

/* The n-th allocation fails, for every n until a grammar is made; with `after` all later ones fail, too. */
static long sweep_making(size_t kind, bool after) {
    for (long n = 0;; n++) {
        llmcs_grammar *g = NULL;
        const long live = counter.live;
        counter.fail_at = counter.calls + n;
        counter.fail_after = after;
        const llmcs_status status = kinds[kind].make(&g);
        counter.fail_at = -1;
        if (!status) {
            llmcs_grammar_free(&g);
            ck_assert_int_eq(counter.live, live);
            return n;
        }
        ck_assert_msg(status == LLMCS_NOMEM, "%s, allocation %ld: %s", kinds[kind].name, n, llmcs_error_message());
        ck_assert_ptr_null(g);
        ck_assert_msg(counter.live == live, "%s: allocation %ld left something behind", kinds[kind].name, n);
    }
}

START_TEST(every_allocation_may_fail_while_a_grammar_is_made) {
    for (size_t i = 0; i < N_KINDS; i++) {
        const long n_once = sweep_making(i, false), n_after = sweep_making(i, true);
        ck_assert_int_eq(n_once, n_after);
        ck_assert_int_ge(n_once, 8);
    }
}
END_TEST

/* Walks the text byte by byte: every step masks [strlen + 1][N_WORDS] and then advances. LLMCS_NOMEM leaves *done, the
 * steps made so far, and *at as they are. */
static llmcs_status walk(llmcs_grammar *g, const char *text, ll_grammar_state *at, size_t *done, uint64_t *masks) {
    for (; *done <= strlen(text); ++*done) {
        const bool first = !*done;
        ll_grammar_state next = *at;
        bool ends;
        llmcs_status status = ll_grammar_mask(g, *at, first, masks + *done * N_WORDS, N_WORDS, &ends);
        if (status) return status;
        if (*done == strlen(text)) {
            ck_assert(ends);
            continue;
        }
        const int32_t id = ascii[(size_t)text[*done]];
        ck_assert_msg(masks[*done * N_WORDS + (size_t)id / 64] >> id % 64 & 1, "byte %zu of %s", *done, text);
        if ((status = ll_grammar_advance(g, *at, first, id, &next))) return status;
        *at = next;
    }
    return LLMCS_OK;
}

/* The same grammar walks on from the step that failed, and its masks are those of one that never failed. */
static long sweep_walking(size_t kind, const uint64_t *expect, uint64_t *masks) {
    const char *text = kinds[kind].text;
    const size_t n_bytes = (strlen(text) + 1) * N_WORDS * sizeof *masks;
    for (long n = 0;; n++) {
        llmcs_grammar *g = NULL;
        size_t done = 0;
        ck_assert_int_eq(kinds[kind].make(&g), LLMCS_OK);
        ll_grammar_state at = ll_grammar_start(g);
        memset(masks, 0, n_bytes);
        counter.fail_at = counter.calls + n;
        counter.fail_after = true;
        llmcs_status status = walk(g, text, &at, &done, masks);
        counter.fail_at = -1;
        const bool failed = status != LLMCS_OK;
        ck_assert(!failed || status == LLMCS_NOMEM);
        ck_assert_msg(!walk(g, text, &at, &done, masks), "%s, allocation %ld: %s", kinds[kind].name, n,
                      llmcs_error_message());
        ck_assert_msg(!memcmp(masks, expect, n_bytes), "%s, allocation %ld: other masks", kinds[kind].name, n);
        llmcs_grammar_free(&g);
        if (!failed) return n;
    }
}

START_TEST(every_allocation_may_fail_while_a_text_is_walked) {
    static uint64_t expect[128 * N_WORDS], masks[128 * N_WORDS];
    for (size_t i = 0; i < N_KINDS; i++) {
        llmcs_grammar *g = NULL;
        size_t done = 0;
        ck_assert_uint_lt(strlen(kinds[i].text), 128);
        ck_assert_int_eq(kinds[i].make(&g), LLMCS_OK);
        ll_grammar_state at = ll_grammar_start(g);
        ck_assert_int_eq(walk(g, kinds[i].text, &at, &done, expect), LLMCS_OK);
        llmcs_grammar_free(&g);
        ck_assert_int_ge(sweep_walking(i, expect, masks), 4);
    }
}
END_TEST

static void add(TCase *t) {
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, every_allocation_may_fail_while_a_grammar_is_made);
    tcase_add_test(t, every_allocation_may_fail_while_a_text_is_walked);
}

SUITE_MAIN("grammar/grammar_faults", add)
