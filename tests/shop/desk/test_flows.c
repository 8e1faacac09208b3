/* flows.json: every error message gives the place, what was found and what was expected. Also the small readers it
 * uses. */
#include "shop/desk/desk.h"
#include "shop/desk/desk_case.h"

#define HEAD "{\"format\":1,\"languages\":[\"en\",\"zh\"],"
#define ASK "\"ask\":{\"en\":\"a\",\"zh\":\"b\"}"
#define SAY "{\"say\":{\"en\":\"a\",\"zh\":\"b\"}}"
#define ORDER "\"slots\":{\"order\":{\"type\":\"order\",\"pattern\":\"PL[0-9]+\"," ASK "}},"
#define FIND(sql) HEAD ORDER "\"finds\":{\"o\":{\"sql\":\"" sql "\",\"tables\":[\"orders\"]}}}"
#define ACT(sql) HEAD ORDER "\"actions\":{\"a\":{\"sql\":\"" sql "\",\"tables\":[\"orders\"],\"object\":\"order\"}}}"
#define STEPS(steps) HEAD ORDER "\"flows\":{\"f\":{\"steps\":[" steps "]}}}"

static const struct {
    const char *json;
    llmcs_status status;
    const char *words;
} faults[] = {
    {"", LLMCS_JSON, "flows_json: not JSON (RFC 8259) at byte 0, line 1"},
    {"{", LLMCS_JSON, "not JSON (RFC 8259) at byte 1, line 1"},
    {"{\n \"format\": 1,\n}", LLMCS_JSON, "at byte 16, line 3"},
    {"{\"format\":1 \"languages\":[]}", LLMCS_JSON, "at byte 12"},
    {"{\"format\":01}", LLMCS_JSON, "at byte 11"},
    {"{\"a\":\"\\q\"}", LLMCS_JSON, "at byte 7"},
    {"{\"a\":[1,tru]}", LLMCS_JSON, "at byte 8"},
    {"{} x", LLMCS_JSON, "at byte 3"},
    {"[]", LLMCS_FORMAT, "the file: found an array, expected an object"},
    {"{\"format\":1,\"format\":1}", LLMCS_JSON, "format occurs twice"},
    {"{\"languages\":[\"en\"]}", LLMCS_FORMAT, "\"format\" is missing"},
    {"{\"format\":2,\"languages\":[\"en\"]}", LLMCS_FORMAT, "format: 2 is not valid (1 to 1)"},
    {"{\"format\":1,\"languages\":[]}", LLMCS_FORMAT, "languages: 0 languages"},
    {"{\"format\":1,\"languages\":[\"e n\"]}", LLMCS_FORMAT, "languages[0]: \"e n\" is not a language tag"},
    {HEAD "\"flwos\":{}}", LLMCS_FORMAT, "flwos: unknown key; check its spelling"},
    {HEAD "\"texts\":{\"ask_back\":{\"en\":\"a\"}}}", LLMCS_FORMAT, "texts.ask_back: \"zh\" is missing"},
    {HEAD "\"texts\":{\"ask_back\":{\"en\":\"a {b}\",\"zh\":\"b\"}}}", LLMCS_FORMAT, "no slot named {b}"},
    {HEAD "\"texts\":{\"ask_back\":{\"en\":\"a {\",\"zh\":\"b\"}}}", LLMCS_FORMAT, "unpaired or empty braces"},
    {HEAD "\"texts\":{\"ask_back\":{\"en\":\"a\",\"zh\":\"b\",\"fr\":\"c\"}}}", LLMCS_FORMAT,
     "\"fr\" is not one of \"languages\""},
    {HEAD "\"texts\":{\"ask_back\":{\"en\":\"{facts.x}\",\"zh\":\"b\"}}}", LLMCS_FORMAT, "{facts.x}: no such string"},
    {HEAD "\"facts\":{\"x\":5},\"texts\":{\"ask_back\":{\"en\":\"{facts.x|money}\",\"zh\":\"b\"}}}", LLMCS_FORMAT,
     "before |money"},
    {HEAD "\"slots\":{\"n\":{\"type\":\"number\"," ASK
          "}},\"texts\":{\"ask_back\":{\"en\":\"{n|date}\",\"zh\":\"b\"}}}",
     LLMCS_FORMAT, "{n|date}: expected a column"},
    {HEAD "\"values\":{\"s\":{\"a\":{\"en\":\"x\"}}}}", LLMCS_FORMAT, "values.s.a: \"zh\" is missing"},
    {HEAD "\"slots\":{\"a b\":{}}}", LLMCS_FORMAT, "not a name"},
    {HEAD "\"slots\":{\"a\":{\"type\":\"ordre\"," ASK "}}}", LLMCS_FORMAT, "\"ordre\" is not a type"},
    {HEAD "\"slots\":{\"a\":{\"type\":\"order\"," ASK "}}}", LLMCS_FORMAT, "an order needs \"pattern\" or \"from\""},
    {HEAD "\"slots\":{\"a\":{\"type\":\"code\",\"pattern\":\"((\"," ASK "}}}", LLMCS_FORMAT,
     "slots.a.pattern: not a pattern"},
    {HEAD "\"slots\":{\"a\":{\"type\":\"text\"}}}", LLMCS_FORMAT, "slots.a: \"ask\" is missing"},
    {HEAD "\"slots\":{\"a\":{\"type\":\"choice\",\"options\":[{\"value\":\"x\"}]," ASK "}}}", LLMCS_FORMAT,
     "\"words\" is missing"},
    {HEAD "\"slots\":{\"a\":{\"type\":\"text\",\"tries\":0," ASK "}}}", LLMCS_FORMAT,
     "tries: 0 is not valid (1 to 10)"},
    /* circles */
    {HEAD "\"flows\":{\"a\":{\"steps\":[" SAY ",{\"go\":\"b\"}]},\"b\":{\"steps\":[{\"go\":\"a\"}]}}}", LLMCS_FORMAT,
     "flows.a: \"go\" leads in a circle that never ends: a -> b -> a"},
    {HEAD "\"flows\":{\"x\":{\"steps\":[{\"go\":\"a\"}]},\"a\":{\"steps\":[{\"go\":\"a\"}]}}}", LLMCS_FORMAT,
     "ends: a -> a"},
    /* statements */
    {FIND("SELECT id FROM orders WHERE id = :order"), LLMCS_FORMAT,
     "finds.o.sql: the statement uses a table of customers' data"},
    {FIND("SELECT id FROM orders WHERE id = :ordre AND customer = :customer"), LLMCS_FORMAT, ":ordre: expected a slot"},
    {FIND("SELECT id FROM orders WHERE customer = ?1"), LLMCS_FORMAT, "parameter 1"},
    {FIND("SELECT value FROM settings WHERE 1 = :customer"), LLMCS_FORMAT, "reading table settings is not allowed"},
    {FIND("SELECT id FROM customers WHERE row = :customer"), LLMCS_FORMAT, "reading table customers is not allowed"},
    {FIND("SELECT load_extension('x') FROM orders WHERE customer = :customer"), LLMCS_FORMAT,
     "function: load_extension"},
    {FIND("SELECT id FROM orders WHERE customer = :customer; DELETE FROM orders"), LLMCS_FORMAT,
     "more than one statement"},
    {FIND("DELETE FROM orders WHERE customer = :customer"), LLMCS_FORMAT, "not allowed here"},
    {FIND("UPDATE orders SET status = 'x' WHERE customer = :customer"), LLMCS_FORMAT,
     "writing table orders is not allowed"},
    {FIND("PRAGMA user_version"), LLMCS_FORMAT, "not allowed here"},
    {FIND("ATTACH 'x' AS y"), LLMCS_FORMAT, "not allowed here"},
    {FIND("SELECT missing FROM orders WHERE customer = :customer"), LLMCS_FORMAT, "no such column: missing"},
    {FIND("SELECT id, id FROM orders WHERE customer = :customer"), LLMCS_FORMAT, "column id occurs twice"},
    {FIND(""), LLMCS_FORMAT, "no statement"},
    {FIND("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n, orders WHERE customer = "
          ":customer"),
     LLMCS_FORMAT, "not allowed here"},
    {ACT("SELECT id FROM orders WHERE customer = :customer"), LLMCS_FORMAT, "an action must be an UPDATE or INSERT"},
    {ACT("UPDATE orders SET customer = 1 WHERE customer = :customer"), LLMCS_FORMAT,
     "changing column customer is not allowed"},
    {ACT("UPDATE orders SET id = 'x' WHERE customer = :customer"), LLMCS_FORMAT, "changing column id is not allowed"},
    {ACT("DELETE FROM orders WHERE customer = :customer"), LLMCS_FORMAT, "not allowed here"},
    {ACT("UPDATE orders SET status = 'x' WHERE customer = :customer RETURNING id"), LLMCS_FORMAT,
     "an action returns no rows"},
    {ACT("UPDATE orders SET status = 'x' WHERE id = :order"), LLMCS_FORMAT, "expected :customer"},
    {HEAD ORDER "\"finds\":{\"o\":{\"sql\":\"SELECT 1 AS a\",\"tables\":[\"keys\"]}}}", LLMCS_FORMAT,
     "finds.o.tables[0]: \"keys\""},
    {HEAD ORDER "\"actions\":{\"a\":{}}}", LLMCS_FORMAT, "actions.a: \"object\" is missing"},
    {HEAD ORDER "\"actions\":{\"a\":{\"host\":true,\"object\":\"order\"}}}", LLMCS_CONFIG,
     "answered by the host, but options.call is NULL"},
    /* steps */
    {STEPS("1"), LLMCS_FORMAT, "flows.f.steps[0]: found a number, expected a step"},
    {STEPS("{}"), LLMCS_FORMAT, "no step: expected one of"},
    {STEPS("{\"last_action\":false}"), LLMCS_FORMAT, "steps[0].last_action: expected true"},
    {STEPS("{\"say\":\"nothing\"}"), LLMCS_FORMAT, "steps[0].say: no text named \"nothing\""},
    {STEPS("{\"slot\":\"ordre\"}"), LLMCS_FORMAT, "no slot named \"ordre\""},
    {STEPS("{\"slot\":\"order\",\"nine\":1}"), LLMCS_FORMAT, "nine: unknown key; check its spelling"},
    {STEPS("{\"find\":\"x\"}"), LLMCS_FORMAT, "no find named \"x\""},
    {STEPS("{\"do\":\"x\"}"), LLMCS_FORMAT, "no action named \"x\""},
    {STEPS("{\"go\":\"x\"}"), LLMCS_FORMAT, "no flow named \"x\""},
    {STEPS("{\"if\":{\"x.y\":1},\"then\":[]}"), LLMCS_FORMAT, "\"x.y\": no find has this name"},
    {STEPS("{\"if\":{\"order\":{\"less\":\"x\"}},\"then\":[]}"), LLMCS_FORMAT, "expected one of less"},
    {HEAD ORDER "\"flows\":{\"f\":{\"intents\":[\"a\"],\"steps\":[]},\"g\":{\"intents\":[\"a\"],\"steps\":[]}}}",
     LLMCS_FORMAT, "label \"a\" occurs twice"},
    {HEAD ORDER
     "\"actions\":{\"a\":{\"object\":\"order\",\"destructive\":true}},\"flows\":{\"f\":{\"steps\":[{\"do\":\"a\"}]}}}",
     LLMCS_FORMAT, "a is destructive: expected a \"confirm\" before it that shows {order}"},
    {HEAD ORDER "\"actions\":{\"a\":{\"object\":\"order\",\"destructive\":true}},\"flows\":{\"f\":{\"steps\":["
                "{\"confirm\":{\"en\":\"{order}?\",\"zh\":\"吗？\"}},{\"do\":\"a\"}]}}}",
     LLMCS_FORMAT, "in every language"},
    {HEAD ORDER "\"actions\":{\"a\":{\"object\":\"order\",\"destructive\":true}},\"flows\":{\"f\":{\"steps\":["
                "{\"confirm\":{\"en\":\"{order}?\",\"zh\":\"{order}？\"}},{\"do\":\"a\"},{\"do\":\"a\"}]}}}",
     LLMCS_FORMAT, "steps[2].do: a is destructive"},
    {HEAD "\"rules\":[{\"words\":[\"x\"]}]}", LLMCS_FORMAT, "rules[0]: expected one of \"flow\" and \"entry\""},
    {HEAD "\"intents\":{\"x\":{\"entry\":\"a\",\"unknown\":true}}}", LLMCS_FORMAT, "expected only one of entry"},
};

START_TEST(faults_are_named) {
    desk_case d;
    int n_wrong = 0;
    desk_case_make(&d);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        d.options.flows_json = faults[i].json;
        const llmcs_status status = llmcs_shop_desk_open(d.shop, &d.options, &d.desk);
        if (status == faults[i].status && strstr(llmcs_error_message(), faults[i].words) && !d.desk) continue;
        n_wrong++;
        fprintf(stderr, "%zu: %s\n %s: %s\n expected %s\n", i, faults[i].json, llmcs_status_name(status),
                llmcs_error_message(), faults[i].words);
        llmcs_shop_desk_free(&d.desk);
    }
    ck_assert_int_eq(n_wrong, 0);
    desk_case_close(&d);
}
END_TEST

START_TEST(deep_and_large_files_are_refused) {
    enum { DEEP = 400, MANY = 300000 };
    desk_case d;
    desk_case_make(&d);
    char *text = temp_alloc(4 * MANY + 200);
    size_t n = (size_t)sprintf(text, HEAD "\"facts\":{\"a\":");
    for (int i = 0; i < DEEP; i++) text[n++] = '[';
    for (int i = 0; i < DEEP; i++) text[n++] = ']';
    strcpy(text + n, "}}");
    d.options.flows_json = text;
    SHOP_FAILS(llmcs_shop_desk_open(d.shop, &d.options, &d.desk), LLMCS_LIMIT, "levels");
    n = (size_t)sprintf(text, HEAD "\"facts\":{\"a\":[1");
    for (int i = 0; i < MANY; i++) text[n++] = ',', text[n++] = '1';
    strcpy(text + n, "]}}");
    SHOP_FAILS(llmcs_shop_desk_open(d.shop, &d.options, &d.desk), LLMCS_LIMIT, "values");
    free(text);
    desk_case_close(&d);
}
END_TEST

/* ---- words */

static shop_arena arena;

static desk_words words_of(const char *text) {
    desk_words w;
    arena.allocator = shop_allocator_or_default(NULL);
    SHOP_OK(desk_words_make(&arena, text, strlen(text), &w));
    return w;
}

START_TEST(yes_and_no) {
    static const char *const yes[] = {"yes",
                                      "Yes, please!",
                                      "YES",
                                      "ok",
                                      "yes cancel it",
                                      "Sure, go ahead",
                                      "是的",
                                      "好的，取消吧",
                                      "确认",
                                      "嗯嗯",
                                      "没问题",
                                      "no problem",
                                      "yes, thank you",
                                      "可以",
                                      "对，就这样",
                                      "Yes please cancel order PL1001 now",
                                      "ｙｅｓ",
                                      "yes 👍"};
    static const char *const no[] = {"no",   "No thanks", "don't",      "不",         "不要",
                                     "算了", "别取消",    "never mind", "不用了谢谢", "nope"};
    static const char *const neither[] = {"yes?",
                                          "yes but wait",
                                          "if you refund me, yes",
                                          "maybe",
                                          "I guess not yet sure",
                                          "可以吗",
                                          "好不好",
                                          "等一下",
                                          "ok ok but the other one",
                                          "what",
                                          "取消",
                                          "cancel",
                                          "",
                                          "👍",
                                          "yes and also send me an invoice and tell me about shipping",
                                          "yesterday",
                                          "okra",
                                          "是不是",
                                          "对不起",
                                          "好像不是",
                                          "先不取消",
                                          "yes or no",
                                          "对了，运费多少",
                                          "好贵啊",
                                          "同意才怪",
                                          "do it tomorrow",
                                          "right, the other colour"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
        const desk_words w = words_of(yes[i]);
        ck_assert_msg(desk_is_yes(&w) && !desk_is_no(&w), "%s", yes[i]);
    }
    for (size_t i = 0; i < sizeof no / sizeof *no; i++) {
        const desk_words w = words_of(no[i]);
        ck_assert_msg(!desk_is_yes(&w) && desk_is_no(&w), "%s", no[i]);
    }
    for (size_t i = 0; i < sizeof neither / sizeof *neither; i++) {
        const desk_words w = words_of(neither[i]);
        ck_assert_msg(!desk_is_yes(&w), "%s", neither[i]);
    }
    shop_arena_free(&arena);
}
END_TEST

START_TEST(languages_and_parts) {
    static const struct {
        const char *text, *lang;
    } rows[] = {{"where is it", "en"},  {"包裹呢", "zh"}, {"PL1001", NULL},
                {"ok", NULL},           {"12345", NULL},  {"PL1001 到哪了", "zh"},
                {"¿dónde está?", "en"}, {"👍", NULL},      {"iphone多少钱", "zh"}};
    desk_span parts[DESK_MAX_PARTS];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const desk_words w = words_of(rows[i].text);
        const char *lang = desk_language(&w);
        ck_assert_msg(lang == rows[i].lang || (lang && rows[i].lang && !strcmp(lang, rows[i].lang)), "%s: %s",
                      rows[i].text, lang);
    }
    desk_words w = words_of("Where is my parcel? And what does shipping cost?");
    ck_assert_uint_eq(desk_split(&w, parts), 2);
    w = words_of("帮我取消订单。另外运费多少");
    ck_assert_uint_eq(desk_split(&w, parts), 2);
    w = words_of("It costs 3.5 yuan");
    ck_assert_uint_eq(desk_split(&w, parts), 1);
    ck_assert_uint_eq(desk_ordinal(&(desk_words){.folded = "the second one", .folded_bytes = 14}, 3), 2);
    w = words_of("第三个");
    ck_assert_uint_eq(desk_ordinal(&w, 3), 3);
    /* A day is no place in a list. */
    w = words_of("i have been waiting since the 5th");
    ck_assert_uint_eq(desk_place_named(&w, 5), 0);
    w = words_of("is the 5th one in stock");
    ck_assert_uint_eq(desk_place_named(&w, 5), 5);
    w = words_of("I bought two of the second kind yesterday");
    ck_assert_uint_eq(desk_ordinal(&w, 3), 0);
    shop_arena_free(&arena);
}
END_TEST

START_TEST(dates_are_days) {
    static const struct {
        int64_t seconds;
        const char *day;
    } rows[] = {{0, "1970-01-01"},
                {951782400, "2000-02-29"},
                {DESK_NOW, "2026-11-16"},
                {-1, "1969-12-31"},
                {4107542399, "2100-02-28"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char day[16];
        desk_date_say(rows[i].seconds, day);
        ck_assert_str_eq(day, rows[i].day);
    }
}
END_TEST

/* Flows that go in a circle are accepted if a set slot or an end can break it. */
START_TEST(circles_that_may_end_are_accepted) {
    static const char *const good[] = {
        HEAD ORDER
        "\"flows\":{\"a\":{\"steps\":[{\"slot\":\"order\"},{\"set\":{\"order\":null}},{\"go\":\"b\"}]},"
        "\"b\":{\"steps\":[{\"go\":\"a\"}]}}}",
        HEAD "\"flows\":{\"a\":{\"steps\":[" SAY ",{\"go\":\"b\"}]},\"b\":{\"steps\":[" SAY "]}}}"};
    desk_case d;
    desk_case_make(&d);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        d.options.flows_json = good[i];
        llmcs_shop_desk *desk = NULL;
        SHOP_OK(llmcs_shop_desk_open(d.shop, &d.options, &desk));
        llmcs_shop_desk_free(&desk);
    }
    desk_case_close(&d);
}
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, circles_that_may_end_are_accepted);
    tcase_add_test(t, faults_are_named);
    tcase_add_test(t, deep_and_large_files_are_refused);
    tcase_add_test(t, yes_and_no);
    tcase_add_test(t, languages_and_parts);
    tcase_add_test(t, dates_are_days);
}

SUITE_MAIN("shop/desk/flows", add)
