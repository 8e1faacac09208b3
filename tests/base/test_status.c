#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/status.h"
#include "base/utf8.h"
#include "support/locale.h"
#include "support/suite.h"

#define MOST_BYTES 255

START_TEST(failing_returns_the_status_and_keeps_the_words) {
    ck_assert_str_eq(llmcs_error_message(), "");
    ck_assert_int_eq(ll_fail(LLMCS_FORMAT, "%s: byte %zu: found %d, expected %s", "a.json", (size_t)7, -3, "{"),
                     LLMCS_FORMAT);
    ck_assert_str_eq(llmcs_error_message(), "a.json: byte 7: found -3, expected {");
    ck_assert_int_eq(ll_fail(LLMCS_IO, "%s", ""), LLMCS_IO);
    ck_assert_str_eq(llmcs_error_message(), "");
}
END_TEST

START_TEST(control_bytes_and_broken_utf8_are_escaped) {
    static const struct {
        const char *raw, *shown;
    } cases[] = {
        {"plain", "plain"},
        {"a\nb\tc\r", "a\\x0ab\\x09c\\x0d"},
        {"\x1b[31mred", "\\x1b[31mred"},
        {"\x7f", "\\x7f"},
        {"\xc2\x85", "\\xc2\\x85"}, /* NEL: a control character of two bytes */
        {"caf\xc3\xa9 \xe6\xb1\x89 \xf0\x9f\x98\x80", "caf\xc3\xa9 \xe6\xb1\x89 \xf0\x9f\x98\x80"},
        {"\xff\xfe", "\\xff\\xfe"},
        {"\xe6\xb1", "\\xe6\\xb1"},          /* cut short */
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"}, /* a surrogate */
        {"\xc0\xaf", "\\xc0\\xaf"},          /* overlong */
        {"%s %n", "%s %n"},                  /* what was formatted in is not formatted again */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ll_fail(LLMCS_ARG, "%s", cases[i].raw);
        ck_assert_str_eq(llmcs_error_message(), cases[i].shown);
    }
}
END_TEST

static bool is_valid_utf8(const char *s) {
    for (size_t len = strlen(s), i = 0; i < len;) {
        uint32_t cp;
        i += ll_utf8_decode(s + i, len - i, &cp);
        if (cp == LL_UTF8_BAD) return false;
    }
    return true;
}

/* n letters, then pieces of 1 to 4 bytes (or 4-byte escapes) over the edge. */
START_TEST(a_long_message_is_cut_between_characters) {
    static const char *const pieces[] = {"x", "\xc3\xa9", "\xe6\xb1\x89", "\xf0\x9f\x98\x80", "\n"};
    for (size_t n = 240; n < 260; n++)
        for (size_t k = 0; k < sizeof pieces / sizeof *pieces; k++) {
            char text[2000] = "";
            memset(text, 'a', n);
            for (size_t at = n; at < 1200; at += strlen(pieces[k])) strcpy(text + at, pieces[k]);
            ll_fail(LLMCS_ARG, "%s", text);
            size_t len = strlen(llmcs_error_message());
            ck_assert_uint_le(len, MOST_BYTES);
            ck_assert_uint_gt(len + 4, MOST_BYTES);
            ck_assert(is_valid_utf8(llmcs_error_message()));
            ck_assert_int_eq(strncmp(llmcs_error_message(), text, n < len ? n : len), 0);
        }
}
END_TEST

START_TEST(a_very_long_argument_is_no_problem) {
    static char text[1 << 20];
    memset(text, 'q', sizeof text - 1);
    ll_fail(LLMCS_ARG, "%s%s", text, text);
    ck_assert_uint_eq(strlen(llmcs_error_message()), MOST_BYTES);
}
END_TEST

static void *fail_elsewhere(void *arg) {
    (void)arg;
    if (*llmcs_error_message()) return (void *)"a new thread begins with a message";
    for (int i = 0; i < 1000; i++) ll_fail(LLMCS_IO, "from the other thread %d", i);
    return strcmp(llmcs_error_message(), "from the other thread 999") ? (void *)"lost" : NULL;
}

START_TEST(each_thread_has_its_own_message) {
    pthread_t threads[4];
    ll_fail(LLMCS_ARG, "mine");
    for (int i = 0; i < 4; i++) ck_assert_int_eq(pthread_create(&threads[i], NULL, fail_elsewhere, NULL), 0);
    for (int i = 0; i < 4; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        ck_assert_msg(!wrong, "%s", (const char *)wrong);
    }
    ck_assert_str_eq(llmcs_error_message(), "mine");
}
END_TEST

START_TEST(every_status_has_a_name) {
    ck_assert_str_eq(llmcs_status_name(LLMCS_OK), "OK");
    ck_assert_str_eq(llmcs_status_name(LLMCS_CONTEXT_FULL), "CONTEXT_FULL");
    ck_assert_str_eq(llmcs_status_name(LLMCS_PENDING), "PENDING");
    for (int i = 0; i <= LLMCS_TEMPLATE; i++)
        for (int j = 0; j < i; j++)
            ck_assert_str_ne(llmcs_status_name((llmcs_status)i), llmcs_status_name((llmcs_status)j));
    ck_assert_str_eq(llmcs_status_name((llmcs_status)(LLMCS_TEMPLATE + 1)), "UNKNOWN");
    ck_assert_str_eq(llmcs_status_name((llmcs_status)-1), "UNKNOWN");
    ck_assert_str_eq(llmcs_version(), "0.10.0");
}
END_TEST

START_TEST(formatting_ignores_the_locale) {
    if (!enter_comma_locale()) {
        suite_skip("formatting under a locale with a decimal comma", "localedef or its sources are missing");
        return;
    }
    char ours[32], hosts[32];
    ll_format(ours, sizeof ours, "%.2f", 1234.5);
    snprintf(hosts, sizeof hosts, "%.2f", 1234.5);
    ck_assert_str_eq(hosts, "1234,50");
    ck_assert_str_eq(ours, "1234.50");
}
END_TEST

START_TEST(formatting_stays_inside_its_buffer) {
    for (size_t size = 0; size < 12; size++) {
        char out[16];
        memset(out, '#', sizeof out);
        ck_assert_int_eq(ll_format(out + 2, size, "%s", "12345678"), 8);
        size_t kept = size == 0 ? 0 : size < 9 ? size - 1 : 8;
        ck_assert_int_eq(strncmp(out + 2, "12345678", kept), 0);
        ck_assert_int_eq(out[1], '#');
        if (size) ck_assert_int_eq(out[2 + kept], 0);
        ck_assert_int_eq(out[2 + (size ? kept + 1 : 0)], '#');
    }
    char out[64];
    ll_format(out, sizeof out, "%llu %lld %.3f %x %5d|%-5d|", 18446744073709551615ull, -9223372036854775807ll - 1, 0.5,
              255, 42, 42);
    ck_assert_str_eq(out, "18446744073709551615 -9223372036854775808 0.500 ff    42|42   |");
}
END_TEST

static void keep_line(void *user, llmcs_log_level level, const char *message) {
    snprintf(user, 600, "%d:%s", (int)level, message);
}

START_TEST(the_log_is_escaped_cut_and_silent_without_a_callback) {
    char line[600] = "untouched";
    char text[1000];
    ll_log log = {keep_line, line}, silent = {NULL, line};
    ll_log_say(&silent, LLMCS_LOG_WARN, "nothing");
    ll_log_say(NULL, LLMCS_LOG_WARN, "nothing");
    ck_assert_str_eq(line, "untouched");
    ll_log_say(&log, LLMCS_LOG_WARN, "tensor %s is ignored", "a\nb");
    ck_assert_str_eq(line, "2:tensor a\\x0ab is ignored");
    memset(text, 'z', sizeof text - 1);
    text[sizeof text - 1] = 0;
    ll_log_say(&log, LLMCS_LOG_INFO, "%s", text);
    ck_assert_uint_eq(strlen(line), 2 + 511);
    ck_assert_str_eq(llmcs_error_message(), ""); /* a log line is no error */
}
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, failing_returns_the_status_and_keeps_the_words);
    tcase_add_test(t, control_bytes_and_broken_utf8_are_escaped);
    tcase_add_test(t, a_long_message_is_cut_between_characters);
    tcase_add_test(t, a_very_long_argument_is_no_problem);
    tcase_add_test(t, each_thread_has_its_own_message);
    tcase_add_test(t, every_status_has_a_name);
    tcase_add_test(t, formatting_ignores_the_locale);
    tcase_add_test(t, formatting_stays_inside_its_buffer);
    tcase_add_test(t, the_log_is_escaped_cut_and_silent_without_a_callback);
}

SUITE_MAIN("base/status", add)
