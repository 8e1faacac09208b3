/* Messages that depend on the previous turn: consent in other words, an object alone, a place in a list, a change of
 * subject. */
#include <stdlib.h>

#include "shop/desk/desk_case.h"

static void open_follow(desk_case *d) {
    static char text[8192];
    FILE *f = fopen("tests/data/desk/follow.json", "r");
    ck_assert_msg(f != NULL, "tests/data/desk/follow.json");
    const size_t n = fread(text, 1, sizeof text - 1, f);
    ck_assert_uint_lt(n, sizeof text - 1);
    text[n] = 0;
    fclose(f);
    desk_case_make(d);
    d->options.flows_json = text;
    SHOP_OK(llmcs_shop_desk_open(d->shop, &d->options, &d->desk));
}

START_TEST(action_in_other_words_is_a_yes) {
    static const char *const not_yes[] = {"cancel it?", "why cancel it", "return it", "cancel my order",
                                          "那退吧",     "先不取消",      "取消要钱吗"};
    desk_case d;
    open_follow(&d);
    for (size_t i = 0; i < sizeof not_yes / sizeof *not_yes; i++) {
        char conversation[20];
        snprintf(conversation, sizeof conversation, "n%zu", i);
        HAS(say_as(&d, conversation, "anna", "cancel order PL1001"), "Cancel order PL1001?");
        (void)say_as(&d, conversation, "anna", not_yes[i]);
        ORDER_IS("PL1001", "paid");
    }
    HAS(say(&d, "cancel order PL1001"), "Cancel order PL1001?");
    HAS(say(&d, "cancel it then"), "PL1001 is cancelled");
    ORDER_IS("PL1001", "cancelled");
    HAS(say(&d, "取消订单PL1003"), "确定取消订单PL1003吗");
    HAS(say(&d, "那取消吧"), "PL1003已取消");
    ORDER_IS("PL1003", "cancelled");
    desk_case_close(&d);
}
END_TEST

START_TEST(naming_the_object_asks_again) {
    desk_case d;
    open_follow(&d);
    HAS(say(&d, "cancel order PL1001"), "Cancel order PL1001?");
    for (int i = 0; i < 3; i++) { /* no answer, but not unclear either */
        HAS(say(&d, "PL1001"), "Cancel order PL1001?");
        ck_assert_int_eq(d.turn->expects, LLMCS_EXPECTS_YES);
    }
    ORDER_IS("PL1001", "paid");
    HAS(say(&d, "yes"), "PL1001 is cancelled");
    desk_case_close(&d);
}
END_TEST

START_TEST(number_alone_goes_on) {
    desk_case d;
    open_follow(&d);
    HAS(say(&d, "how do i cancel"), "give me the number");
    HAS(say(&d, "PL1003"), "Cancel order PL1003?");
    ORDER_IS("PL1003", "paid");
    HAS(say(&d, "no"), "not changed anything");
    /* "That" in a polite sentence refers to nothing. */
    HAS(say_as(&d, "b", "anna", "怎么取消"), "订单号");
    (void)say_as(&d, "b", "anna", "thanks, that is great");
    ck_assert_int_ne(d.turn->expects, LLMCS_EXPECTS_YES);
    /* A status that was listed; another customer's order stays unknown. */
    HAS(say_as(&d, "c", "anna", "where is my order"), "Yours: ");
    HAS(say_as(&d, "c", "anna", "PL1002"), "PL1002 is shipped.");
    HAS(say_as(&d, "c", "anna", "where is my order"), "Yours: ");
    ck_assert_ptr_null(strstr(say_as(&d, "c", "anna", "PL2001"), "paid"));
    /* A correction after the reply. */
    HAS(say_as(&d, "e", "anna", "where is my order PL1001"), "PL1001 is paid.");
    HAS(say_as(&d, "e", "anna", "no wait, PL1002"), "PL1002 is shipped.");
    desk_case_close(&d);
}
END_TEST

START_TEST(interrupted_object_is_inherited) {
    desk_case d;
    open_follow(&d);
    HAS(say(&d, "cancel order PL1001"), "Cancel order PL1001?");
    HAS(say(&d, "i want to return it"), "Return PL1001?");
    ORDER_IS("PL1001", "paid");
    desk_case_close(&d);
}
END_TEST

START_TEST(no_and_another_question) {
    desk_case d;
    open_follow(&d);
    HAS(say(&d, "cancel order PL1001"), "Cancel order PL1001?");
    HAS(say(&d, "never mind, do you do gift wrap"), "8 CNY");
    ck_assert_int_ne(d.turn->expects, LLMCS_EXPECTS_YES);
    HAS(say(&d, "yes"), "nothing");
    ORDER_IS("PL1001", "paid");
    desk_case_close(&d);
}
END_TEST

START_TEST(change_of_mind) {
    desk_case d;
    open_follow(&d);
    HAS(say(&d, "cancel order PL1001"), "Cancel order PL1001?");
    HAS(say(&d, "actually i want to return it"), "Return PL1001?");
    (void)say(&d, "no");
    ck_assert_int_ne(d.turn->expects, LLMCS_EXPECTS_YES); /* the cancellation is not resumed */
    ORDER_IS("PL1001", "paid");
    /* A question is not a change of mind. */
    HAS(say_as(&d, "q", "anna", "cancel order PL1001"), "Cancel order PL1001?");
    HAS(say_as(&d, "q", "anna", "wait, what does gift wrap cost?"), "Cancel order PL1001?");
    HAS(say_as(&d, "q", "anna", "yes"), "PL1001 is cancelled");
    desk_case_close(&d);
}
END_TEST

START_TEST(address_is_corrected_before_the_yes) {
    desk_case d;
    desk_case_open(&d);
    (void)say(&d, "change the delivery address of PL1001");
    HAS(say(&d, "12 Harbour Street, Flat 3, Bristol"), "Flat 3, Bristol?");
    HAS(say(&d, "12 Harbour Street, Flat 4, Bristol"), "Flat 4, Bristol?");
    HAS(say(&d, "it is flat 7, not 4"), "12 Harbour Street, Flat 7, Bristol?");
    HAS(say(&d, "sorry, 14 instead of 12"), "14 Harbour Street, Flat 7, Bristol?");
    HAS(say(&d, "wait, wrong flat"), "To which address?");
    HAS(say(&d, "12 Harbour Street, Flat 5, Bristol"), "Flat 5, Bristol?");
    HAS(say(&d, "yes"), "recorded");
    (void)say_as(&d, "zh", "anna", "改一下PL1003的收货地址");
    HAS(say_as(&d, "zh", "anna", "长沙市岳麓区麓山南路36号3栋502"), "36号3栋502");
    HAS(say_as(&d, "zh", "anna", "哎等下 门牌是38号不是36号"), "麓山南路38号3栋502");
    HAS(say_as(&d, "zh", "anna", "不对 应该是5栋"), "38号5栋502");
    desk_case_close(&d);
}
END_TEST

/* A yes and a question besides: both are answered. A condition is no yes. */
START_TEST(yes_and_a_question) {
    desk_case d;
    open_follow(&d);
    HAS(say(&d, "cancel order PL1001"), "Cancel order PL1001?");
    HAS(say(&d, "yes, but only if gift wrap is free?"), "Cancel order PL1001?");
    ORDER_IS("PL1001", "paid");
    const char *reply = say(&d, "yes please. what does gift wrap cost?");
    HAS(reply, "PL1001 is cancelled");
    HAS(reply, "8 CNY");
    desk_case_close(&d);
}
END_TEST

START_TEST(place_in_a_list_of_products) {
    desk_case d;
    open_follow(&d);
    HAS(say(&d, "show me your offers"), "We have: ");
    HAS(say(&d, "is the second one in stock"), "lamp costs 129.50.");
    HAS(say(&d, "第三个有货吗"), "coat");
    HAS(say(&d, "the first"), "mug costs 50.");
    HAS(say(&d, "is it in stock?"), "mug costs 50.");
    /* Another conversation has no list. */
    ck_assert_ptr_null(strstr(say_as(&d, "b", "anna", "the second"), "129.50"));
    desk_case_close(&d);
}
END_TEST

START_TEST(entry_is_said_once) {
    desk_case d;
    open_follow(&d);
    const char *reply = say(&d, "what is gift wrap for one mug? and how much is gift wrap for two?");
    const char *first = strstr(reply, "8 CNY");
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_null(strstr(first + 1, "8 CNY"));
    ck_assert_int_ne(reply[strlen(reply) - 1], '\n');
    ck_assert_uint_eq(d.turn->n_citations, 1);
    desk_case_close(&d);
}
END_TEST

START_TEST(unknown_follow_is_named) {
    desk_case d;
    desk_case_make(&d);
    d.options.flows_json = "{\"format\":1,\"languages\":[\"en\"],\"flows\":{\"f\":{\"follow\":\"g\",\"steps\":[]}}}";
    ck_assert_int_eq(llmcs_shop_desk_open(d.shop, &d.options, &d.desk), LLMCS_FORMAT);
    HAS(llmcs_error_message(), "flows.f.follow");
    desk_case_close(&d);
}
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, action_in_other_words_is_a_yes);
    tcase_add_test(t, naming_the_object_asks_again);
    tcase_add_test(t, number_alone_goes_on);
    tcase_add_test(t, interrupted_object_is_inherited);
    tcase_add_test(t, no_and_another_question);
    tcase_add_test(t, change_of_mind);
    tcase_add_test(t, address_is_corrected_before_the_yes);
    tcase_add_test(t, yes_and_a_question);
    tcase_add_test(t, place_in_a_list_of_products);
    tcase_add_test(t, entry_is_said_once);
    tcase_add_test(t, unknown_follow_is_named);
}

SUITE_MAIN("shop/desk/follow", add)
