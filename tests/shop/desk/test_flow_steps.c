/* Steps and rules of flows.json: the login, candidates by flow, entries by tag, rules for parts, corrections, thanks.
 */
#include <stdlib.h>

#include "shop/desk/desk_case.h"

static const char flows[] =
    "{\"format\":1,\"languages\":[\"en\"],\"accept\":0.3,"
    "\"slots\":{\"order\":{\"type\":\"order\",\"pattern\":\"PL[ "
    "-]?[0-9]{4}\",\"from\":\"all\",\"ask\":{\"en\":\"Which? {choices}\"}}},"
    "\"finds\":{"
    "\"all\":{\"sql\":\"SELECT id, status FROM orders WHERE customer = :customer ORDER BY "
    "id\",\"tables\":[\"orders\"]},"
    "\"sent\":{\"sql\":\"SELECT id, status FROM orders WHERE customer = :customer AND status = "
    "'shipped'\",\"tables\":[\"orders\"]},"
    "\"gone\":{\"sql\":\"SELECT id, status FROM orders WHERE customer = :customer AND status = "
    "'lost'\",\"tables\":[\"orders\"]},"
    "\"o\":{\"sql\":\"SELECT id, status FROM orders WHERE customer = :customer AND id = "
    ":order\",\"tables\":[\"orders\"]}},"
    "\"actions\":{\"cancel\":{\"sql\":\"UPDATE orders SET status = 'cancelled' WHERE customer = :customer AND id = "
    ":order\","
    "\"tables\":[\"orders\"],\"object\":\"order\",\"destructive\":true}},"
    "\"flows\":{"
    "\"sent\":{\"steps\":[{\"if\":{\"login\":false},\"then\":[{\"say\":{\"en\":\"Log in for that.\"}},{\"end\":true}]},"
    "{\"slot\":\"order\",\"from\":\"sent\"},{\"find\":\"o\"},{\"say\":{\"en\":\"{order}: {o.status}.\"}}]},"
    "\"lost\":{\"steps\":[{\"slot\":\"order\",\"from\":\"gone\",\"none\":[{\"say\":{\"en\":\"Nothing is "
    "lost.\"}},{\"end\":true}]},"
    "{\"say\":{\"en\":\"{order} is lost.\"}}]},"
    "\"cancel\":{\"steps\":[{\"slot\":\"order\"},{\"find\":\"o\"},{\"confirm\":{\"en\":\"Cancel {order}?\"}},"
    "{\"do\":\"cancel\",\"done\":[{\"say\":{\"en\":\"{order} is cancelled.\"}}]}]},"
    "\"tagged\":{\"steps\":[{\"knowledge\":{\"tags\":[\"no such tag\"]},\"none\":[{\"say\":{\"en\":\"No entry.\"}}]}]},"
    "\"did\":{\"steps\":[{\"last_action\":true,\"none\":[{\"say\":{\"en\":\"Nothing yet.\"}}]}]},"
    "\"hours\":{\"steps\":[{\"say\":{\"en\":\"From nine.\"}}]}},"
    "\"rules\":[{\"words\":{\"en\":[\"sent order\"]},\"flow\":\"sent\"},{\"words\":{\"en\":[\"lost "
    "order\"]},\"flow\":\"lost\"},"
    "{\"words\":{\"en\":[\"go "
    "through\"]},\"flow\":\"did\"},{\"words\":{\"en\":[\"cancel\"]},\"flow\":\"cancel\"},{\"words\":{\"en\":["
    "\"tagged\"]},\"flow\":\"tagged\"},"
    "{\"words\":{\"en\":[\"opening hours\"]},\"flow\":\"hours\"},"
    "{\"words\":{\"en\":[\"sure first\"]},\"entry\":\"gift\",\"entry_first\":0.5},"
    "{\"words\":{\"en\":[\"wrap\"]},\"entry\":\"gift\"}]}";

static void open_case(desk_case *d) {
    desk_case_make(d);
    d->options.flows_json = flows;
    SHOP_OK(llmcs_shop_desk_open(d->shop, &d->options, &d->desk));
}

START_TEST(login_is_a_condition) {
    desk_case d;
    open_case(&d);
    ck_assert_str_eq(say_as(&d, "guest", NULL, "what of my sent order"), "Log in for that.");
    ck_assert_str_eq(say(&d, "what of my sent order"), "PL1002: shipped.");
    desk_case_close(&d);
}
END_TEST

START_TEST(the_last_action_is_said_again) {
    desk_case d;
    open_case(&d);
    ck_assert_str_eq(say(&d, "did that go through"), "Nothing yet.");
    say(&d, "cancel PL1001");
    ck_assert_str_eq(say(&d, "yes"), "PL1001 is cancelled.");
    ck_assert_str_eq(say(&d, "did that go through"), "This is done in our conversation: PL1001 is cancelled.");
    desk_case_close(&d);
}
END_TEST

START_TEST(a_step_lists_its_own_candidates) {
    desk_case d;
    open_case(&d);
    /* One of three orders was sent, so there is no question. None was lost, so the step's own branch runs. */
    ck_assert_str_eq(say(&d, "what of my sent order"), "PL1002: shipped.");
    ck_assert_str_eq(say(&d, "what of my lost order"), "Nothing is lost.");
    HAS(say(&d, "cancel"), "PL1003");
    ck_assert_int_eq(d.turn->expects, LLMCS_EXPECTS_SLOT);
    desk_case_close(&d);
}
END_TEST

START_TEST(entries_by_tag) {
    desk_case d;
    open_case(&d);
    ck_assert_str_eq(say(&d, "tagged: what does shipping cost?"), "No entry.");
    HAS(say(&d, "Do you wrap gifts?"), "Gift wrapping costs 8 CNY.");
    ck_assert_int_eq(d.turn->route, LLMCS_DESK_ENTRY);
    desk_case_close(&d);
}
END_TEST

START_TEST(numbers_are_read_as_they_are_typed) {
    desk_case d;
    open_case(&d);
    HAS(say(&d, "cancel pl 1001"), "Cancel PL1001?");
    ck_assert_str_eq(d.turn->slots[0].value, "PL1001");
    (void)say(&d, "no");
    HAS(say(&d, "cancel pl-1003"), "Cancel PL1003?");
    desk_case_close(&d);
}
END_TEST

START_TEST(number_that_was_not_found_is_corrected) {
    desk_case d;
    open_case(&d);
    (void)say(&d, "cancel PL1009");
    HAS(say(&d, "oops wrong number, I meant PL1001"), "Cancel PL1001?");
    HAS(say(&d, "yes"), "PL1001 is cancelled.");
    ORDER_IS("PL1001", "cancelled");
    /* Only the next message counts. */
    (void)say(&d, "cancel PL1009");
    (void)say(&d, "opening hours");
    (void)say(&d, "I meant PL1003");
    ck_assert_ptr_null(strstr(d.turn->reply, "Cancel PL1003?"));
    ORDER_IS("PL1003", "paid");
    desk_case_close(&d);
}
END_TEST

START_TEST(parts_obey_their_rules) {
    desk_case d;
    open_case(&d);
    const char *reply = say(&d, "what of my sent order and what are your opening hours");
    HAS(reply, "PL1002: shipped.");
    HAS(reply, "From nine.");
    /* A queued request is kept while the first one asks its question. */
    HAS(say(&d, "cancel PL1001. what are your opening hours?"), "Cancel PL1001?");
    reply = say(&d, "yes");
    HAS(reply, "PL1001 is cancelled.");
    HAS(reply, "From nine.");
    desk_case_close(&d);
}
END_TEST

START_TEST(thanks_and_farewells_are_no_yes) {
    static const char *const no_yes[] = {"ok thanks, bye", "ok bye", "okay thank you", "ok, cheers", "bye"};
    desk_case d;
    open_case(&d);
    for (size_t i = 0; i < sizeof no_yes / sizeof *no_yes; i++) {
        HAS(say(&d, "cancel PL1003"), "Cancel PL1003?");
        (void)say(&d, no_yes[i]);
        ORDER_IS("PL1003", "paid");
        (void)say(&d, "no");
    }
    desk_case_close(&d);
}
END_TEST

/* Replaces the first `from` in the flows, and expects an error message that contains `word`. */
static void expect_refused(const char *from, const char *to, const char *word) {
    desk_case d;
    char *text = malloc(sizeof flows + 400);
    const char *at = strstr(flows, from);
    ck_assert_ptr_nonnull(text);
    ck_assert_msg(at != NULL, "%s", from);
    snprintf(text, sizeof flows + 400, "%.*s%s%s", (int)(at - flows), flows, to, at + strlen(from));
    desk_case_make(&d);
    d.options.flows_json = text;
    ck_assert_int_eq(llmcs_shop_desk_open(d.shop, &d.options, &d.desk), LLMCS_FORMAT);
    ck_assert_msg(strstr(llmcs_error_message(), word) != NULL, "%s: %s", to, llmcs_error_message());
    desk_case_close(&d);
    free(text);
}

START_TEST(faults_are_named) {
    expect_refused("\"from\":\"sent\"", "\"from\":\"nothing\"", "name of a find");
    expect_refused("\"from\":\"sent\"", "\"from\":\"o\"", "uses slot");
    expect_refused("{\"tags\":[\"no such tag\"]}", "{\"tags\":[]}", "tags");
    expect_refused("{\"tags\":[\"no such tag\"]}", "{\"tag\":[\"a\"]}", "tag");
    expect_refused("{\"tags\":[\"no such tag\"]}", "{\"accept\":2}", "accept");
    expect_refused("{\"tags\":[\"no such tag\"]}", "3", "expected true");
    expect_refused("\"accept\":0.3", "\"accept\":1.5", "accept");
    expect_refused("\"entry_first\":0.5", "\"entry_first\":\"a\"", "entry_first");
}
END_TEST

/* The limit of a find is for each run: a service runs the same statement for days. */
START_TEST(many_short_runs_of_a_find) {
    static const char counting[] =
        "{\"format\":1,\"languages\":[\"en\"],\"slots\":{\"order\":{\"type\":\"order\",\"pattern\":\"PL[0-9]{4}\","
        "\"ask\":{\"en\":\"Which?\"}}},\"finds\":{\"all\":{\"sql\":\"SELECT count(*) AS pairs FROM orders a, orders b, "
        "orders c, orders d, orders e, orders f, orders g WHERE a.customer = :customer\",\"tables\":[\"orders\"]}},"
        "\"flows\":{\"count\":{\"steps\":[{\"find\":\"all\"},{\"say\":{\"en\":\"{all.pairs} pairs.\"}}]}},"
        "\"rules\":[{\"words\":{\"en\":[\"count\"]},\"flow\":\"count\"}]}";
    desk_case d;
    desk_case_make(&d);
    d.options.flows_json = counting;
    SHOP_OK(llmcs_shop_desk_open(d.shop, &d.options, &d.desk));
    for (int i = 0; i < 100; i++) HAS(say(&d, "count"), "12288 pairs."); /* 3 * 4^6 */
    desk_case_close(&d);
}
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, login_is_a_condition);
    tcase_add_test(t, the_last_action_is_said_again);
    tcase_add_test(t, a_step_lists_its_own_candidates);
    tcase_add_test(t, entries_by_tag);
    tcase_add_test(t, numbers_are_read_as_they_are_typed);
    tcase_add_test(t, number_that_was_not_found_is_corrected);
    tcase_add_test(t, parts_obey_their_rules);
    tcase_add_test(t, thanks_and_farewells_are_no_yes);
    tcase_add_test(t, faults_are_named);
    tcase_add_test(t, many_short_runs_of_a_find);
}

SUITE_MAIN("shop/desk/flow_steps", add)
