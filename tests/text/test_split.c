/* Pieces of pre-tokenizers that look for a pattern, equal to those of Hugging Face's tokenizers
 * (tests/data/tokenizers/splits.py), and what must hold for any text: pieces in order, none empty, linear time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "support/json_lines.h"
#include "support/random.h"
#include "support/suite.h"
#include "text/split.h"

#define CASES "tests/data/tokenizers/splits.jsonl"

static void read_step(ll_json head, ll_split_step *step) {
    int64_t behavior = 0;
    size_t len;
    *step = (ll_split_step){.kind = LL_SPLIT_PATTERN};
    ll_json_int64(ll_json_get(head, "behavior"), &behavior);
    ll_json_bool(ll_json_get(head, "invert"), &step->invert);
    step->behavior = (ll_behavior)behavior;
    ll_json type = ll_json_get(head, "type");
    const char *regex = ll_json_string(ll_json_get(head, "regex"), &len);
    if (regex) {
        const bool is_set = ll_pattern_set(regex, len, step->set);
        if (is_set) step->pattern = LL_PATTERN_SET;
        ck_assert_msg(is_set || ll_pattern_find(regex, len, &step->pattern), "unknown: %.*s", (int)len, regex);
    } else if (ll_json_string(ll_json_get(head, "string"), &len)) {
        step->text.at = ll_json_string(ll_json_get(head, "string"), &len);
        step->text.n = (uint32_t)len;
        step->pattern = LL_PATTERN_STRING;
    } else if (ll_json_equals(type, "punctuation")) {
        step->pattern = LL_PATTERN_PUNCTUATION;
    } else if (ll_json_equals(type, "whitespace")) {
        *step = (ll_split_step){LL_SPLIT_PATTERN, .pattern = LL_PATTERN_WORDS_OR_REST, .behavior = LL_BEHAVIOR_REMOVED,
                                .invert = true};
    } else if (ll_json_equals(type, "whitespace_split")) {
        *step = (ll_split_step){LL_SPLIT_PATTERN, .pattern = LL_PATTERN_SPACE, .behavior = LL_BEHAVIOR_REMOVED};
    } else {
        step->pattern = ll_json_equals(type, "digit") ? LL_PATTERN_NUMBER : LL_PATTERN_NUMBERS;
        ck_assert(ll_json_equals(type, "digit") || ll_json_equals(type, "digits"));
    }
}

static void check_case(const ll_split_step *step, size_t line, ll_json list) {
    size_t n, n_want, begin, end;
    ll_json want = ll_json_first(list);
    const char *text = ll_json_string(want, &n);
    ll_split_cursor c;
    ll_split_begin(&c, step, ll_unicode_table(), text, n);
    while (ll_split_next(&c, &begin, &end)) {
        want = ll_json_next(want);
        const char *piece = ll_json_string(want, &n_want);
        ck_assert_msg(piece && n_want == end - begin && !memcmp(piece, text + begin, n_want),
                      "line %zu, \"%.*s\": found \"%.*s\", expected \"%.*s\"", line, (int)n, text, (int)(end - begin),
                      text + begin, (int)n_want, piece ? piece : "");
    }
    ck_assert_msg(ll_json_get_type(ll_json_next(want)) == LL_JSON_MISSING, "line %zu, \"%.*s\": too few pieces", line,
                  (int)n, text);
}

static void check_line(void *user, size_t line, ll_json head) {
    ll_split_step step;
    read_step(head, &step);
    for (ll_json c = ll_json_first(ll_json_get(head, "cases")); ll_json_get_type(c) != LL_JSON_MISSING;
         c = ll_json_next(c)) {
        check_case(&step, line, c);
        ++*(size_t *)user;
    }
}

START_TEST(pieces_are_those_of_the_reference) {
    size_t n_cases = 0;
    ck_assert_uint_gt(golden_each(CASES, check_line, &n_cases), 200);
    ck_assert_uint_gt(n_cases, 3000);
}
END_TEST

/* -------------------------------------------------------------------------------------------------- any text */

static size_t random_text(uint64_t *seed, char *out, size_t capacity) {
    static const char *const parts[] = {" ",      "  ",     "\n",     "\r\n", "\t",     "a",      "B",
                                        "'s",     "'LL",    "'",      "12",   "\u0663", "!",      "/",
                                        "\u4e2d", "\u0301", "\u01c5", "aa",   "\u2028", "\u3000", "\U0001F600"};
    size_t n = 0;
    for (size_t k = random_below(seed, 40); k > 0; k--) {
        char utf8[5] = {0};
        uint32_t cp = (uint32_t)random_below(seed, 0x110000);
        const char *part = parts[random_below(seed, sizeof parts / sizeof *parts)];
        if (random_below(seed, 10) == 0) {
            ll_utf8_encode(cp >= 0xd800 && cp < 0xe000 ? 'x' : cp, utf8);
            part = utf8;
        }
        if (n + strlen(part) > capacity) break;
        memcpy(out + n, part, strlen(part));
        n += strlen(part);
    }
    return n;
}

/* Pieces rise; with any behaviour but Removed they are the whole text. */
START_TEST(pieces_cover_any_text) {
    uint64_t seed = 11;
    for (int round = 0; round < 20000; round++) {
        char text[200];
        const size_t n = random_text(&seed, text, sizeof text);
        ll_split_step step = {LL_SPLIT_PATTERN,
                              .pattern = (ll_pattern)random_below(&seed, LL_PATTERN_WORDS_OR_REST + 1)};
        step.behavior = (ll_behavior)random_below(&seed, LL_BEHAVIOR_CONTIGUOUS + 1);
        step.invert = random_below(&seed, 2);
        step.text = (ll_step_text){random_below(&seed, 2) ? "a" : " ", 1};
        ll_split_cursor c;
        size_t begin, end, at = 0;
        ll_split_begin(&c, &step, ll_unicode_table(), text, n);
        while (ll_split_next(&c, &begin, &end)) {
            ck_assert_uint_lt(begin, end);
            ck_assert(step.behavior == LL_BEHAVIOR_REMOVED ? begin >= at : begin == at);
            at = end;
        }
        ck_assert(step.behavior == LL_BEHAVIOR_REMOVED ? at <= n : at == n);
    }
}
END_TEST

static double seconds_to_cut(const ll_split_step *step, const char *text, size_t n) {
    ll_split_cursor c;
    size_t begin, end;
    const uint64_t start = ll_now_ns();
    ll_split_begin(&c, step, ll_unicode_table(), text, n);
    while (ll_split_next(&c, &begin, &end)) {
    }
    return (double)(ll_now_ns() - start) / 1e9;
}

/* Text that makes a backtracking engine try every start again: a megabyte takes less than five seconds, where
 * quadratic time would be hours. */
START_TEST(hostile_text_takes_linear_time) {
    static const char *const units[] = {" ", "\n ", " \n", "\t", "\u0301",  "A", "\u0301A",
                                        "'", "' ",  "1",   "!",  "\u02b0A", "a"};
    const size_t n = 1000000;
    char *text = malloc(n + 8);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        const size_t len = strlen(units[i]);
        size_t used = 0;
        for (; used + len <= n; used += len) memcpy(text + used, units[i], len);
        text[used++] = 'x';
        for (unsigned pattern = 0; pattern <= LL_PATTERN_WORDS_OR_REST; pattern++) {
            const ll_split_step step = {LL_SPLIT_PATTERN, .pattern = (ll_pattern)pattern, .text = {"aaaaaaaab", 9}};
            const size_t part = ll_pattern_is_words(step.pattern) ? 0 : used / 10 * 9; /* the others: less is enough */
            ck_assert_msg(seconds_to_cut(&step, text + part, used - part) < 5, "pattern %u, unit %zu", pattern, i);
        }
    }
    free(text);
}
END_TEST

START_TEST(unknown_patterns_have_no_scanner) {
    ll_pattern pattern;
    ll_behavior behavior;
    ck_assert(!ll_pattern_find("\\p{N}{1,2}", 10, &pattern));
    ck_assert(!ll_pattern_find("", 0, &pattern));
    static const char *const not_sets[] = {"[]+",   "[a]",    "[a-z]+", "[^a]+", "[\\w]+", "[a&&b]+",
                                           "[[a]+", "[a\\]+", "[é]+",   "[a]]+", "a[b]+",  "[a]+b"};
    for (size_t i = 0; i < sizeof not_sets / sizeof *not_sets; i++) {
        uint64_t set[2];
        ck_assert_msg(!ll_pattern_set(not_sets[i], strlen(not_sets[i]), set), "%s", not_sets[i]);
    }
    ck_assert(!ll_behavior_find("isolated", 8, &behavior));
}
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, pieces_are_those_of_the_reference);
    tcase_add_test(t, pieces_cover_any_text);
    tcase_add_test(t, hostile_text_takes_linear_time);
    tcase_add_test(t, unknown_patterns_have_no_scanner);
}

SUITE_MAIN("text/split", add)
