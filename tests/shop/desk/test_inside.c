/* Messages while a flow's question is open: consent, questions, remarks, a part of an order, another request. */
#include <stdlib.h>

#include "shop/desk/reader_case.h"

static void put_two_pieces(llmcs_shop *shop) {
    const llmcs_shop_order_item items[] = {{"mug", 1, 50}, {"lamp", 1, 129.5}};
    const llmcs_shop_order o = {.struct_size = sizeof o,
                                .id = "PL1009",
                                .customer = "anna",
                                .status = "delivered",
                                .time = DESK_NOW - 86400,
                                .items = items,
                                .n_items = 2,
                                .total = 179.5,
                                .currency = "CNY",
                                .city = "Hangzhou"};
    const llmcs_shop_order *list[] = {&o};
    SHOP_OK(llmcs_shop_put_orders(shop, list, 1, NULL, NULL, NULL));
}

/* model: the desk's reader, or NULL. */
static void open_with(desk_case *d, llmcs_model *model) {
    static char text[16384];
    FILE *f = fopen("tests/data/desk/inside.json", "r");
    ck_assert_msg(f != NULL, "tests/data/desk/inside.json");
    const size_t n = fread(text, 1, sizeof text - 1, f);
    ck_assert_uint_lt(n, sizeof text - 1);
    text[n] = 0;
    fclose(f);
    desk_case_make(d);
    put_two_pieces(d->shop);
    d->options.flows_json = text;
    d->options.reader = model;
    SHOP_OK(llmcs_shop_desk_open(d->shop, &d->options, &d->desk));
}

static void open_inside(desk_case *d) { open_with(d, NULL); }

START_TEST(consent_in_other_words) {
    static const char *const yes[] = {"ok a normal one then, go ahead",
                                      "hmm ok do it",
                                      "great then do it",
                                      "alright, please go ahead",
                                      "yes thats right",
                                      "要",
                                      "要的",
                                      "嗯 就这样吧 帮我登记",
                                      "行，帮我登记吧",
                                      "没问题，就这样吧"};
    static const char *const not_yes[] = {"hmm ok",
                                          "hmm",
                                          "do it tomorrow",
                                          "don't do it",
                                          "if it is free, go ahead",
                                          "change the address and go ahead",
                                          "要吗",
                                          "不要",
                                          "要是免费就这样吧",
                                          "就这样吧算了"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
        desk_case d;
        open_inside(&d);
        HAS(say(&d, "cancel order PL1001"), "Cancel order PL1001?");
        (void)say(&d, yes[i]);
        ORDER_IS("PL1001", "cancelled");
        desk_case_close(&d);
    }
    desk_case d;
    open_inside(&d);
    for (size_t i = 0; i < sizeof not_yes / sizeof *not_yes; i++) {
        char conversation[20];
        snprintf(conversation, sizeof conversation, "n%zu", i);
        HAS(say_as(&d, conversation, "anna", "cancel order PL1001"), "Cancel order PL1001?");
        (void)say_as(&d, conversation, "anna", not_yes[i]);
        ORDER_IS("PL1001", "paid");
    }
    desk_case_close(&d);
}
END_TEST

START_TEST(question_is_no_unclear_answer) {
    static const char *const questions[] = {"do you need a photo of it?", "who packs that up?", "要拍照吗", "谁来拿呢"};
    desk_case d;
    open_inside(&d);
    HAS(say(&d, "return order PL1003"), "Return PL1003?");
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
        const char *reply = say(&d, questions[i]);
        ck_assert_msg(strstr(reply, "Return PL1003?") || strstr(reply, "退回PL1003吗"), "%s", reply);
        ck_assert_int_eq(d.turn->expects, LLMCS_EXPECTS_YES);
    }
    HAS(say(&d, "yes"), "recorded");
    desk_case_close(&d);
}
END_TEST

START_TEST(ok_with_nothing_open_closes) {
    static const char *const ok[] = {"ok", "okay!", "好的", "好的，嗯"};
    desk_case d;
    open_inside(&d);
    for (size_t i = 0; i < sizeof ok / sizeof *ok; i++) {
        HAS(say(&d, "where is my order PL1002"), "PL1002 is shipped.");
        const char *reply = say(&d, ok[i]);
        LACKS(reply, "nothing");
        LACKS(reply, "没有需要");
        ck_assert_int_eq(d.turn->route, LLMCS_DESK_SMALLTALK);
    }
    HAS(say(&d, "yes"), "nothing waiting for your confirmation");
    desk_case_close(&d);
}
END_TEST

START_TEST(remark_goes_with_the_request) {
    desk_case d;
    open_inside(&d);
    HAS(say(&d, "return order PL1009"), "Return PL1009?");
    LACKS(d.turn->reply, "Request:");
    HAS(say(&d, "just one of them, it is a bit too small"), "Note: just one of them, it is a bit too small.");
    HAS(say(&d, "the red one i mean"), "Note: the red one i mean."); /* only the latest is read back */
    ck_assert_int_eq(d.turn->expects, LLMCS_EXPECTS_YES);
    HAS(say(&d, "yes"), "recorded");
    const char *detail = shop_value(d.path, "SELECT detail FROM actions WHERE object = 'PL1009'");
    HAS(detail, "just one of them");
    HAS(detail, "the red one");
    HAS(say_as(&d, "z", "anna", "PL1003想退货"), "退回PL1003吗");
    HAS(say_as(&d, "z", "anna", "用着太薄了 不喜欢"), "备注：用着太薄了 不喜欢。");
    HAS(say_as(&d, "z", "anna", "对 就退货"), "已登记"); /* repeats the request */
    HAS(say_as(&d, "y", "anna", "PL1001想退货"), "退回PL1001吗");
    (void)say_as(&d, "y", "anna", "先别退 我就问下要多少运费");
    ck_assert_int_ne(d.turn->expects, LLMCS_EXPECTS_YES);
    HAS(say_as(&d, "y", "anna", "PL1001想退货"), "退回PL1001吗");
    HAS(say_as(&d, "y", "anna", "好 退"), "已登记");
    /* A yes with a detail for the staff; a condition is none. */
    HAS(say_as(&d, "x", "anna", "return order PL1009"), "Return PL1009?");
    HAS(say_as(&d, "x", "anna", "yes but only one of them"), "Return PL1009?");
    HAS(say_as(&d, "x", "anna", "yes, it is far too small for me"), "recorded");
    HAS(shop_value(d.path, "SELECT detail FROM actions WHERE object = 'PL1009' ORDER BY rowid DESC LIMIT 1"),
        "too small");
    HAS(shop_value(d.path, "SELECT detail FROM actions WHERE object = 'PL1003'"), "太薄");
    desk_case_close(&d);
}
END_TEST

/* The reader knows a question without its mark: it is answered and is no note. */
START_TEST(question_is_no_note) {
    static const struct {
        const char *labels[4];
        double p[4];
        const char *reply;
    } rows[] = {{{"entry:gift", "ask", "act:follow", "act:remark"}, {0.3, 0.2, 0.49, 0.01}, "礼品包装8元"},
                {{"abstain", "ask", "act:follow", "act:remark"}, {0.3, 0.2, 0.49, 0.01}, "PL1003"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char folder[TEMP_PATH_BYTES];
        desk_case d;
        llmcs_model *model = make_reader(folder, rows[i].labels, rows[i].p, 4);
        open_with(&d, model);
        HAS(say(&d, "PL1003想退货"), "退回PL1003吗");
        HAS(say(&d, "我拆开用过一次 还能退不"), rows[i].reply);
        HAS(d.turn->reply, "退回PL1003吗");
        LACKS(d.turn->reply, "拆开");
        HAS(say(&d, "对"), "已登记");
        desk_case_close(&d);
        llmcs_model_free(&model);
        temp_remove(folder);
    }
}
END_TEST

/* Small talk, says the reader; but it tells the desk to act. */
START_TEST(request_to_act_is_no_small_talk) {
    static const char *const labels[] = {"smalltalk", "ask", "act:ack"};
    char folder[TEMP_PATH_BYTES];
    desk_case d;
    llmcs_model *model = make_reader(folder, labels, (double[]){0.49, 0.01, 0.5}, 3);
    open_with(&d, model);
    HAS(say(&d, "cancel order PL1001"), "Cancel order PL1001?");
    (void)say(&d, "ok do that");
    ORDER_IS("PL1001", "cancelled");
    desk_case_close(&d);
    llmcs_model_free(&model);
    temp_remove(folder);
}
END_TEST

START_TEST(denied_request_starts_nothing) {
    desk_case d;
    open_inside(&d);
    HAS(say(&d, "报修 PL1009"), "登记PL1009破损吗");
    LACKS(say(&d, "对 要换个新的 不要退货"), "退回");
    ck_assert_int_eq(d.turn->expects, LLMCS_EXPECTS_YES);
    HAS(say_as(&d, "e", "anna", "report a damage, PL1009"), "Report PL1009: broken?");
    LACKS(say_as(&d, "e", "anna", "i want a new one and don't want to return it"), "Return PL1009");
    desk_case_close(&d);
}
END_TEST

START_TEST(remark_of_this_flow_starts_no_other) {
    desk_case d;
    open_inside(&d);
    HAS(say(&d, "report a damage, PL1009"), "Report PL1009: broken?");
    HAS(say(&d, "only one is broken, the other is fine"), "Note: only one is broken, the other is fine.");
    LACKS(d.turn->reply, "missing");
    HAS(say_as(&d, "z", "anna", "报修 PL1009"), "登记PL1009破损吗");
    HAS(say_as(&d, "z", "anna", "只有一个坏了 另一个没事"), "备注：只有一个坏了 另一个没事。");
    LACKS(d.turn->reply, "少件");
    desk_case_close(&d);
}
END_TEST

START_TEST(part_of_an_order_is_named) {
    desk_case d;
    open_inside(&d);
    (void)say(&d, "i want to return one of the mugs");
    HAS(say(&d, "PL1009"), "Request: i want to return one of the mugs. Return PL1009?");
    HAS(say(&d, "no, PL1003"), "Return PL1003?"); /* of one piece: nothing to choose */
    LACKS(d.turn->reply, "Request:");
    desk_case_close(&d);
}
END_TEST

START_TEST(other_part_after_a_no) {
    desk_case d;
    open_inside(&d);
    HAS(say(&d, "return order PL1009"), "Return PL1009?");
    HAS(say(&d, "no not the mug, return the lamp"), "Request: return the lamp. Return PL1009?");
    HAS(say_as(&d, "z", "anna", "PL1009想退货"), "退回PL1009吗");
    HAS(say_as(&d, "z", "anna", "算了不退杯子了 退台灯吧"), "要求：退台灯吧。退回PL1009吗");
    HAS(say_as(&d, "z", "anna", "别退了"), "没有做任何改动");
    ck_assert_int_ne(d.turn->expects, LLMCS_EXPECTS_YES);
    ck_assert_str_eq(shop_value(d.path, "SELECT count(*) FROM actions"), "0");
    desk_case_close(&d);
}
END_TEST

START_TEST(what_is_done_settles_the_order) {
    desk_case d;
    open_inside(&d);
    HAS(say(&d, "cancel order PL1003"), "Cancel order PL1003?");
    HAS(say(&d, "i want to return it"), "Return PL1003?");
    HAS(say(&d, "yes"), "recorded");
    LACKS(d.turn->reply, "Cancel");
    ck_assert_int_ne(d.turn->expects, LLMCS_EXPECTS_YES);
    /* Of another order, the question stays. */
    HAS(say_as(&d, "b", "anna", "cancel order PL1001"), "Cancel order PL1001?");
    HAS(say_as(&d, "b", "anna", "return order PL1009"), "Return PL1009?");
    HAS(say_as(&d, "b", "anna", "yes"), "Cancel order PL1001?");
    desk_case_close(&d);
}
END_TEST

START_TEST(new_request_for_an_order_replaces_the_open_one) {
    static const char *const refusals[] = {"no", "不用了"};
    for (size_t i = 0; i < 2; i++) {
        desk_case d;
        open_inside(&d);
        HAS(say(&d, i ? "取消订单PL1003" : "cancel order PL1003"), "PL1003");
        HAS(say(&d, i ? "我要退货" : "i want to return it"), "PL1003");
        say(&d, refusals[i]);
        ck_assert_int_ne(d.turn->expects, LLMCS_EXPECTS_YES); /* the cancellation is not asked again */
        say(&d, i ? "对" : "yes");
        LACKS(d.turn->reply, "recorded");
        desk_case_close(&d);
    }
}
END_TEST

START_TEST(dislike_is_a_reason_and_no_refusal) {
    static const char *const reasons[] = {"not what i expected", "dont like the colour", "不喜欢这颜色",
                                          "不合适，太大了"};
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        desk_case d;
        open_inside(&d);
        HAS(say(&d, i < 2 ? "i want to return order PL1003" : "我要退货PL1003"), "PL1003");
        say(&d, reasons[i]);
        ck_assert_int_eq(d.turn->expects, LLMCS_EXPECTS_YES);
        HAS(d.turn->reply, "PL1003");
        desk_case_close(&d);
    }
}
END_TEST

START_TEST(keys_are_of_a_text) {
    desk_case d;
    desk_case_make(&d);
    d.options.flows_json =
        "{\"format\":1,\"languages\":[\"en\"],\"slots\":{\"s\":{\"type\":\"number\",\"remark\":true,"
        "\"ask\":{\"en\":\"?\"}}},\"flows\":{}}";
    ck_assert_int_eq(llmcs_shop_desk_open(d.shop, &d.options, &d.desk), LLMCS_FORMAT);
    HAS(llmcs_error_message(), "remark");
    desk_case_close(&d);
}
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, consent_in_other_words);
    tcase_add_test(t, question_is_no_unclear_answer);
    tcase_add_test(t, ok_with_nothing_open_closes);
    tcase_add_test(t, remark_goes_with_the_request);
    tcase_add_test(t, question_is_no_note);
    tcase_add_test(t, request_to_act_is_no_small_talk);
    tcase_add_test(t, denied_request_starts_nothing);
    tcase_add_test(t, remark_of_this_flow_starts_no_other);
    tcase_add_test(t, part_of_an_order_is_named);
    tcase_add_test(t, other_part_after_a_no);
    tcase_add_test(t, what_is_done_settles_the_order);
    tcase_add_test(t, new_request_for_an_order_replaces_the_open_one);
    tcase_add_test(t, dislike_is_a_reason_and_no_refusal);
    tcase_add_test(t, keys_are_of_a_text);
}

SUITE_MAIN("shop/desk/inside", add)
