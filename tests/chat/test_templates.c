/* The language of chat templates: texts and errors equal to jinja2's, hostile templates in bounded time and memory. */

#include "chat/chat_case.h"
#include "chat/machine.h"
#include "support/fail_alloc.h"
#include "support/json_lines.h"
#include "support/shared.h"
#include "support/temp.h"

#define OWN "tests/data/chat/golden.jsonl" /* made by tests/data/make_chat.py */

/* ---- golden texts and errors */

typedef struct counts {
    size_t texts, errors, same_words, line;
    char *template; /* of another's file: the one that was read last */
    char name[256];
} counts;

/* `text` or `error` of a line, against what the library gives. */
static void compare(counts *c, size_t line, ll_json object, llmcs_status status, const llmcs_chat_prompt *prompt) {
    size_t n;
    const char *text = ll_json_string(ll_json_get(object, "text"), &n);
    if (text) {
        ck_assert_msg(!status, "line %zu: %s, expected a text", line, llmcs_error_message());
        ck_assert_msg(prompt->text_bytes == n && !memcmp(prompt->text, text, n), "line %zu: \"%s\", expected \"%.*s\"",
                      line, prompt->text, (int)n, text);
        c->texts++;
        return;
    }
    const char *error = ll_json_string(ll_json_get(object, "error"), &n);
    ck_assert_msg(error && status, "line %zu: a text, expected %.*s", line, (int)n, error ? error : "");
    char part[100] = "";
    memcpy(part, error, n < 80 ? n : 80);
    c->errors++;
    c->same_words += strstr(llmcs_error_message(), part) != NULL;
}

static char *copy(ll_json v) {
    size_t n;
    const char *text = ll_json_string(v, &n);
    char *out = temp_alloc(n + 1);
    memcpy(out, text, n);
    out[n] = 0;
    return out;
}

static void compare_own(void *user, size_t line, ll_json object) {
    llmcs_chat_prompt *prompt;
    char *source = copy(ll_json_get(object, "template")), *variables = copy(ll_json_get(object, "variables"));
    const llmcs_status status = render(source, variables, &prompt);
    compare(user, line, object, status, prompt);
    llmcs_chat_prompt_free(&prompt);
    free(source);
    free(variables);
}

START_TEST(texts_and_errors_are_those_of_jinja2) {
    counts c = {0};
    golden_each(OWN, compare_own, &c);
    ck_assert_uint_gt(c.texts, 110);
    ck_assert_uint_gt(c.errors, 200);
    ck_assert_uint_ge(100 * c.same_words, 95 * c.errors);
}
END_TEST

/* The object's text in its line: from its bracket to the one that closes it. */
static char *source_of(ll_json object) {
    size_t n, depth = 0;
    const char *text = ll_json_source(object, &n);
    bool quoted = false;
    for (n = 0;; n++) {
        if (quoted && text[n] == '\\') {
            n++;
        } else if (text[n] == '"') {
            quoted = !quoted;
        } else if (!quoted && text[n] == '{') {
            depth++;
        } else if (!quoted && text[n] == '}' && --depth == 0) {
            break;
        }
    }
    char *out = temp_alloc(n + 2);
    memcpy(out, text, n + 1);
    out[n + 1] = 0;
    return out;
}

static void read_template(counts *c, const char *name, size_t n) {
    char relative[300], path[600];
    llmcs_allocator a = ll_allocator_default();
    if (strlen(c->name) == n && !memcmp(c->name, name, n)) return;
    snprintf(relative, sizeof relative, "chat/%.*s", (int)n, name);
    ck_assert(shared_path(path, sizeof path, relative));
    ll_free(&a, c->template);
    ck_assert(!ll_file_read_all(&a, path, 1 << 20, &c->template, &c->line));
    snprintf(c->name, sizeof c->name, "%.*s", (int)n, name);
}

static void compare_shared(void *user, size_t line, ll_json object) {
    counts *c = user;
    llmcs_chat_prompt *prompt;
    size_t n;
    const char *name = ll_json_string(ll_json_get(object, "template"), &n);
    read_template(c, name, n);
    char *variables = source_of(ll_json_get(object, "kwargs"));
    const llmcs_status status = render_with(c->template, c->line, variables, NULL, &prompt);
    compare(c, line, object, status, prompt);
    llmcs_chat_prompt_free(&prompt);
    free(variables);
}

START_TEST(texts_and_errors_of_published_templates) {
    char path[600];
    counts c = {0};
    llmcs_allocator a = ll_allocator_default();
    if (!shared_path(path, sizeof path, "chat/golden.jsonl")) {
        suite_skip("published chat templates", "no ../shared/chat");
        return;
    }
    golden_each(path, compare_shared, &c);
    ck_assert_uint_ge(c.texts + c.errors, 168);
    ck_assert_uint_eq(c.same_words, c.errors);
    ll_free(&a, c.template);
}
END_TEST

/* ---- what is refused, and where */

START_TEST(what_is_not_supported_is_named_with_its_place) {
    refuses(LLMCS_UNSUPPORTED, "t: line 2, column 4: {% include %} is not supported", "a\n{% include 'x' %}", NULL);
    refuses(LLMCS_UNSUPPORTED, "line 1, column 4: {% extends %}", "{% extends 'x' %}", NULL);
    refuses(LLMCS_UNSUPPORTED, "{% import %}", "{% import 'x' as y %}", NULL);
    refuses(LLMCS_UNSUPPORTED, "{% block %}", "{% block x %}{% endblock %}", NULL);
    refuses(LLMCS_UNSUPPORTED, "column 9: the filter 'groupby'", "{{ [] | groupby('x') }}", NULL);
    refuses(LLMCS_UNSUPPORTED, "No filter named 'nope'", "{{ 1|nope }}", NULL);
    gives("{{ 'a' % x }}{{ 'b' % [1] }}", NULL, "ab"); /* what has items may be left unused */
    gives("{% if x %}{{ 1|nope }}{% if 1 is nope(2) %}{% endif %}{% else %}ok{% endif %}", NULL, "ok");
    refuses(LLMCS_TEMPLATE, "No filter named 'nope' found.", "{% if true %}{{ 1|nope }}{% endif %}", NULL);
    refuses(LLMCS_TEMPLATE, "No test named 'nope' found.", "{% if true %}{{ 1 is nope 2 }}{% endif %}", NULL);
    refuses(LLMCS_UNSUPPORTED, "the filter 'groupby'", "{% if true %}{{ []|groupby('x') }}{% endif %}", NULL);
    refuses(LLMCS_UNSUPPORTED, "column 17: recursive loops", "{% for x in [1] recursive %}{% endfor %}", NULL);
    refuses(LLMCS_UNSUPPORTED, "column 10: *args", "{{ range(*[1]) }}", NULL);
    refuses(LLMCS_UNSUPPORTED, "line 1, column 5: the attribute 'encode' of 'str'", "{{''.encode()}}", NULL);
    refuses(LLMCS_UNSUPPORTED, "64 bits", "{{ 9223372036854775807 + 1 }}", NULL);
    refuses(LLMCS_UNSUPPORTED, "the date format %Q", "{{ strftime_now('%Q') }}", NULL);
    refuses(LLMCS_TEMPLATE, "t: line 3, column 19: TemplateError: no", "a\nb\n{{ raise_exception('no') }}", NULL);
    refuses(LLMCS_FORMAT, "byte 3: not UTF-8", "ab\n\xff", NULL);
}
END_TEST

/* ---- hostile templates */

/* Refused with LIMIT within some seconds and a bounded memory, all of it freed. */
static void is_bounded(const char *source, const char *variables) {
    fail_alloc f;
    llmcs_chat_prompt *prompt;
    fail_alloc_init(&f);
    llmcs_allocator a = fail_alloc_get(&f);
    const double begin = suite_cpu_seconds();
    const llmcs_status status = render_with(source, strlen(source), variables, &a, &prompt);
    ck_assert_msg(status == LLMCS_LIMIT, "%.120s: %s: %s", source, llmcs_status_name(status), llmcs_error_message());
    ck_assert_msg(suite_cpu_seconds() - begin < (suite_emulated(NULL) || suite_sanitized() ? 120 : 5), "%.120s: %.1f s",
                  source, suite_cpu_seconds() - begin);
    ck_assert_msg(f.peak_bytes < 3 * (long long)(LL_JINJA_MAX_BYTES + 2 * LL_JINJA_MAX_OUTPUT), "%.120s: %lld bytes",
                  source, (long long)f.peak_bytes);
    ck_assert_int_eq(f.live, 0);
}

START_TEST(templates_that_run_or_grow_without_end_are_bounded) {
    static const char *const all[] = {
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% macro m(n) %}{{ m(n) }}{{ m(n) }}{% endmacro %}{{ m(1) }}",
        "{% set ns = namespace(s='xxxxxxxx') %}{% for i in range(60) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
        "{% set ns = namespace(s=[1]) %}{% for i in range(60) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
        "{% set ns = namespace(s=[1]) %}{% for i in range(9999) %}{% set ns.s = [ns.s] %}{% endfor %}{{ ns.s }}",
        "{% set n = namespace(s={}) %}{% for i in range(9999) %}{% set n.s = {1: n.s} %}{% endfor %}{{ n.s }}",
        "{{ 'x' * 999999999999 }}",
        "{{ [1] * 999999999999 }}",
        "{{ 'abc'.center(999999999) }}",
        "{{ ('a' * 9000000).replace('a', 'b' * 9000000) }}",
        "{{ ('a' * 9000000).replace('', 'b' * 9000) }}",
        "{% for a in range(99999) %}{{ ('a' * 999999).split('a')|length }}{% endfor %}",
        "{% for a in range(99999) %}{{ ('a' * 999999)|length }}{% endfor %}",
        "{% for a in range(99999) %}{{ ('a' * 999999).rfind('aaaaaaaaaaaaab') }}{% endfor %}",
        "{% for a in range(99999) %}{{ range(99999)|sort|length }}{% endfor %}",
        "{% for a in range(99999) %}{{ 5 in range(99999)|list }}{{ -1 in range(99999) }}{% endfor %}",
        "{% for a in range(99999) %}{{ ('a,' * 99999).split(',')|unique|list|length }}{% endfor %}",
        "{% for a in range(99999) %}{{ range(99999)|map('string')|join }}{% endfor %}",
        "{% for a in range(99999) %}{% set x = range(99999)|list|tojson %}{% endfor %}",
        "{% for a in range(99999) %}{% set x = range(99999)|list == range(1, 99999)|list %}{% endfor %}",
        "{{ '%99999999d' % 1 }}",
        "{{ range(99999)|list|tojson(indent=99999) }}",
        "{% for a in range(99999) %}{{ ('a' * 99999)|upper|lower|title|length }}{% endfor %}",
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) is_bounded(all[i], NULL);
}
END_TEST

/* `open` n times, `middle`, `close` n times. */
static char *nested(const char *open, const char *middle, const char *close, size_t n) {
    const size_t a = strlen(open), b = strlen(close), c = strlen(middle);
    char *text = temp_alloc(n * (a + b) + c + 1), *at = text;
    for (size_t i = 0; i < n; i++) memcpy(at, open, a), at += a;
    memcpy(at, middle, c);
    at += c;
    for (size_t i = 0; i < n; i++) memcpy(at, close, b), at += b;
    *at = 0;
    return text;
}

/* Steps whose cost depends on how long a string, a scope or the template is. */
START_TEST(work_is_charged_by_its_size) {
    static const char *const bodies[] = {"{{ d[k] }}",
                                         "{{ d.get(k) }}",
                                         "{{ k.removeprefix(k) }}",
                                         "{{ k|float }}",
                                         "{{ k|truncate(9, true, '') }}",
                                         "{{ [1]|map(attribute=k)|list|length }}",
                                         "{{ 1.7e-300 }}",
                                         "{{ '%f' % 1.7e-300 }}",
                                         "{{ 1.7e-300|round(9) }}",
                                         "{{ (['nan'|float] * 9999)|unique|list|length }}",
                                         "{{ (['a'] * 9999)|map(attribute='upper')|unique|list|length }}"};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        char text[600];
        snprintf(
            text, sizeof text,
            "{%% set d = {1: 1, 2: 1, 3: 1, 4: 1, 5: 1, 6: 1, 7: 1, 8: 1, 9: 1, 10: 1} %%}{%% set k = ' ' * 9000000 "
            "%%}{%% for a in range(99999) %%}{%% for b in range(999) %%}%s{%% endfor %%}{%% endfor %%}",
            bodies[i]);
        is_bounded(text, NULL);
    }
    const char *loop = "{% for a in range(99999) %}{% for b in range(99) %}{{ 'x' if false }}{% endfor %}{% endfor %}";
    char *text = nested("word ", loop, "", 80000);
    is_bounded(text, NULL);
    free(text);
    const size_t n = 900, size = 40 * n + 200;
    text = temp_alloc(size);
    size_t at = (size_t)snprintf(text, size, "{%% for x in [1] %%}");
    for (size_t i = 0; i < n; i++) at += (size_t)snprintf(text + at, size - at, "{%% set a%zu = '' %%}", i);
    snprintf(text + at, size - at,
             "{%% for a in range(99999) %%}{%% for b in range(99) %%}{{ a0 }}{%% endfor %%}"
             "{%% endfor %%}{%% endfor %%}");
    is_bounded(text, NULL);
    free(text);
}
END_TEST

START_TEST(deep_nesting_is_bounded) {
    static const char *const forms[][3] = {{"{% if true %}", "x", "{% endif %}"},
                                           {"{% for x in y %}", "x", "{% endfor %}"},
                                           {"{% set x %}", "x", "{% endset %}"},
                                           {"{{ (", "1", ") }}"},
                                           {"{% macro m() %}", "x", "{% endmacro %}"}};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        char *text = nested(forms[i][0], forms[i][1], forms[i][2], 10000);
        llmcs_chat_prompt *prompt;
        const llmcs_status status = render(text, NULL, &prompt);
        ck_assert_msg(status == LLMCS_LIMIT || status == LLMCS_FORMAT, "%zu: %s", i, llmcs_status_name(status));
        free(text);
    }
    static const char *const expressions[][2] = {{"(", ")"},      {"[", "]"},         {"{1:", "}"}, {"not ", ""},
                                                 {"-", ""},       {"range(", ")"},    {"x[", "]"},  {"1 if ", ""},
                                                 {"x or (", ")"}, {"1|default(", ")"}};
    for (size_t i = 0; i < sizeof expressions / sizeof *expressions; i++) {
        char *inner = nested(expressions[i][0], "1", expressions[i][1], 10000), *text = nested("{{ ", inner, " }}", 1);
        llmcs_chat_prompt *prompt;
        const llmcs_status status = render(text, NULL, &prompt);
        ck_assert_msg(status == LLMCS_LIMIT || status == LLMCS_FORMAT || status == LLMCS_TEMPLATE, "%zu: %s", i,
                      llmcs_status_name(status));
        llmcs_chat_prompt_free(&prompt);
        free(inner);
        free(text);
    }
}
END_TEST

START_TEST(long_templates_are_compiled_in_linear_time_or_refused) {
    static const char *const pieces[] = {"{{ x }}", "{{ 1 if 2 }}", "{% set a = [1, 2, 3] %}", "{# c #}",
                                         "{{ a.b.c[1:2]|upper }}"};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        char *text = nested(pieces[i], "", "", (LL_JINJA_MAX_SOURCE - 1) / strlen(pieces[i]));
        llmcs_chat_prompt *prompt;
        const double begin = suite_cpu_seconds();
        (void)render(text, NULL, &prompt);
        ck_assert(suite_cpu_seconds() - begin < (suite_emulated(NULL) || suite_sanitized() ? 60 : 3));
        llmcs_chat_prompt_free(&prompt);
        free(text);
    }
    char *inner = nested(" if 1", "", "", 70000), *text = nested("{{ 1", inner, " }}", 1);
    llmcs_chat_prompt *prompt;
    ck_assert_int_eq(render(text, NULL, &prompt), LLMCS_LIMIT);
    free(inner);
    free(text);
    text = nested("x", "", "", LL_JINJA_MAX_SOURCE + 1);
    ck_assert_int_eq(render(text, NULL, &prompt), LLMCS_LIMIT);
    free(text);
}
END_TEST

START_TEST(a_long_conversation_fits) {
    char *content = nested("word ", "", "", 200000), *variables = temp_alloc(strlen(content) * 4 + 400);
    llmcs_chat_prompt *prompt;
    sprintf(variables,
            "{\"messages\":[{\"role\":\"user\",\"content\":\"%s\"},{\"role\":\"assistant\",\"content\":\"%s\"},{"
            "\"role\":\"user\",\"content\":\"%s\"}]}",
            content, content, content);
    ck_assert_msg(!render("{% for m in messages %}{{ '<' + m.role + '>' + m.content|trim + '</s>' }}{% endfor %}",
                          variables, &prompt),
                  "%s", llmcs_error_message());
    ck_assert_uint_gt(prompt->text_bytes, 2990000);
    llmcs_chat_prompt_free(&prompt);
    free(content);
    free(variables);
}
END_TEST

/* ---- memory */

START_TEST(every_allocation_may_fail) {
    static const char source[] =
        "{% macro m(a, b=[1, 2]) %}{{ a }}{{ b|tojson(indent=2) }}{{ caller() }}{% endmacro %}{% set ns = "
        "namespace(x=1) %}"
        "{% for k, v in d|dictsort %}{% set ns.x = ns.x ~ k|upper %}{% call m(v) %}{{ loop.index }}{% endcall %}{% "
        "endfor %}"
        "{{ ns.x.split('A')|map('trim')|join('-') }}{{ {'z': (1, 2.5, none)} }}{% set y | trim %} q {% endset %}{{ y "
        "}}";
    for (long n = 0;; n++) {
        fail_alloc f;
        llmcs_chat_prompt *prompt;
        fail_alloc_init(&f);
        f.fail_at = n;
        llmcs_allocator a = fail_alloc_get(&f);
        const llmcs_status status = render_with(source, strlen(source), "{\"d\":{\"b\":[1],\"a\":\"x\"}}", &a, &prompt);
        if (!status) {
            llmcs_chat_prompt_free(&prompt);
            ck_assert_int_eq(f.live, 0);
            ck_assert_int_gt(n, 20);
            return;
        }
        ck_assert_msg(status == LLMCS_NOMEM, "%ld: %s", n, llmcs_error_message());
        ck_assert_int_eq(f.live, 0);
    }
}
END_TEST

/* ---- dates */

START_TEST(dates_are_those_of_the_calendar) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t seconds_now = 0;
    for (int year = 1970; year < 2105; year++)
        for (int month = 1; month <= 12; month++) {
            const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
            for (int day = 1; day <= days[month - 1] + (month == 2 && leap); day++, seconds_now += 86400) {
                const ll_time t = ll_time_of_unix(seconds_now + 3661);
                ck_assert(t.year == year && t.month == month && t.day == day && t.hour == 1 && t.minute == 1 &&
                          t.second == 1);
            }
        }
    ll_time t;
    ck_assert(ll_parse_time("2024-02-29", 10, &t) && !ll_parse_time("2023-02-29", 10, &t));
    ck_assert(!ll_parse_time("2026-13-01", 10, &t) && !ll_parse_time("2026-03-05T25:00", 16, &t));
    ck_assert(!ll_parse_time("yesterday", 9, &t) && !ll_parse_time("2026-03-05T14:07:09Z", 20, &t));
}
END_TEST

static void add_tests(TCase *tests) {
    tcase_add_test(tests, texts_and_errors_are_those_of_jinja2);
    tcase_add_test(tests, texts_and_errors_of_published_templates);
    tcase_add_test(tests, what_is_not_supported_is_named_with_its_place);
    tcase_add_test(tests, templates_that_run_or_grow_without_end_are_bounded);
    tcase_add_test(tests, work_is_charged_by_its_size);
    tcase_add_test(tests, deep_nesting_is_bounded);
    tcase_add_test(tests, long_templates_are_compiled_in_linear_time_or_refused);
    tcase_add_test(tests, a_long_conversation_fits);
    tcase_add_test(tests, every_allocation_may_fail);
    tcase_add_test(tests, dates_are_those_of_the_calendar);
}
SUITE_MAIN("chat/templates", add_tests)
