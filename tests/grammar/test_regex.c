/* Regular expressions as byte automata. */
#include <stdlib.h>

#include "grammar_case.h"

static void check(const char *pattern, const char *const *in, const char *const *out) {
    const llmcs_allocator a = ll_allocator_default();
    compiled c;
    ck_assert_msg(!compile_grammar(&c, &a, pattern, NULL), "%s: %s", pattern, llmcs_error_message());
    for (; *in; in++) ck_assert_msg(contains(&c, *in), "%s lacks %s", pattern, *in);
    for (; *out; out++) ck_assert_msg(!contains(&c, *out), "%s has %s", pattern, *out);
    free_grammar(&c);
}

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

START_TEST(expressions_match_what_they_say) {
    check("abc", LIST("abc"), LIST("ab", "abcd", ""));
    check("a|bc|", LIST("a", "bc", ""), LIST("b", "abc"));
    check("a*b+c?", LIST("b", "aabbc", "bc"), LIST("a", "ac", "bcc"));
    check("(ab){2}", LIST("abab"), LIST("ab", "ababab"));
    check("(a|bc){2,3}x", LIST("aax", "abcax", "bcbcbcx"), LIST("ax", "aaaax", "aa"));
    check("a{2,}", LIST("aa", "aaaaa"), LIST("a", ""));
    check("a{0}b", LIST("b"), LIST("ab"));
    check("x{0,2}", LIST("", "x", "xx"), LIST("xxx"));
    check("[a-c\\]-]+", LIST("a-c", "]b"), LIST("d", ""));
    check("[^a-c]", LIST("d", "é", "漢", "\xf0\x9f\x98\x80"), LIST("a", "\xe6\xbc", "dd"));
    check("\\d+\\.\\d\\s\\w", LIST("12.5 _"), LIST("12x5 _", "12.5_"));
    check("\\D", LIST("a", "é"), LIST("1"));
    check(".", LIST("x", "é"), LIST("\n", ""));
    check("[é-ü]", LIST("é", "ö", "ü"), LIST("è", "ý", "\xc3"));
    check("\\u00e9\\x41\\n", LIST("éA\n"), LIST("eA\n"));
    check("(?:a(b(c)?)?)*", LIST("", "a", "ababc"), LIST("b", "ac"));
    check("^a$", LIST("a"), LIST("^a$"));
    check("\\^\\$\\{\\}", LIST("^${}"), LIST(""));
    check("(a*)*b", LIST("b", "aaab"), LIST("a"));
    check("a+?b??", LIST("aab", "a"), LIST("b"));
}
END_TEST

START_TEST(other_things_are_refused_with_the_byte) {
    static const struct {
        const char *pattern;
        llmcs_status status;
        const char *part;
    } cases[] = {
        {"a(b", LLMCS_ARG, "without )"},
        {"a)b", LLMCS_ARG, "byte 2"},
        {"[a-", LLMCS_ARG, "without ]"},
        {"[z-a]", LLMCS_ARG, "range"},
        {"*a", LLMCS_ARG, "nothing to repeat"},
        {"a{3,2}", LLMCS_ARG, "repetition"},
        {"a{x}", LLMCS_ARG, "number"},
        {"a\\", LLMCS_ARG, "backslash"},
        {"\\xg1", LLMCS_ARG, "hexadecimal"},
        {"(?=a)", LLMCS_UNSUPPORTED, "(?"},
        {"(?<n>a)", LLMCS_UNSUPPORTED, "(?"},
        {"(a)\\1", LLMCS_UNSUPPORTED, "escape"},
        {"\\bx", LLMCS_UNSUPPORTED, "escape"},
        {"a^b", LLMCS_UNSUPPORTED, "^"},
        {"a++", LLMCS_UNSUPPORTED, "repetition"},
        {"a\xff", LLMCS_ARG, "UTF-8"},
        {"[\xff]", LLMCS_ARG, "UTF-8"},
        {"[^a\xff]", LLMCS_ARG, "UTF-8"},
        {"\\\xff", LLMCS_ARG, "UTF-8"},
        {"a{70000}", LLMCS_LIMIT, "repetitions"},
        {"((a{1000}){1000}){1000}", LLMCS_LIMIT, "states"},
    };
    const llmcs_allocator a = ll_allocator_default();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        compiled c;
        ck_assert_msg(compile_grammar(&c, &a, cases[i].pattern, NULL) == cases[i].status, "%s: %s", cases[i].pattern,
                      llmcs_error_message());
        ck_assert_msg(strstr(llmcs_error_message(), cases[i].part) != NULL, "%s: %s", cases[i].pattern,
                      llmcs_error_message());
    }
    char deep[200] = "";
    for (int i = 0; i < 100; i++) strcat(deep, "(");
    compiled c;
    ck_assert_int_eq(compile_grammar(&c, &a, deep, NULL), LLMCS_LIMIT);
}
END_TEST

/* A deterministic automaton of 2^20 states, built only as far as the text goes. */
START_TEST(an_expression_that_explodes_is_walked_all_the_same) {
    const llmcs_allocator a = ll_allocator_default();
    compiled c;
    char text[200];
    uint64_t seed = 5;
    ck_assert_int_eq(compile_grammar(&c, &a, "(a|b)*a(a|b){20}", NULL), LLMCS_OK);
    for (size_t i = 0; i < 199; i++) text[i] = (char)('a' + (int)random_below(&seed, 2));
    text[199] = 0;
    text[178] = 'a';
    ck_assert(contains(&c, text));
    text[178] = 'b';
    ck_assert(!contains(&c, text));
    free_grammar(&c);
}
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, expressions_match_what_they_say);
    tcase_add_test(t, other_things_are_refused_with_the_byte);
    tcase_add_test(t, an_expression_that_explodes_is_walked_all_the_same);
}

SUITE_MAIN("grammar/regex", add)
