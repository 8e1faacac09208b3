/* Which order a description means, and which messages may replace an open question. */
#include <stdlib.h>

#include "shop/desk/reader_case.h"

enum { DAY = 86400 };

static void add_order(llmcs_shop *shop, const char *id, const char *item, const char *status, int days_ago,
                      double total) {
    const llmcs_shop_order_item one = {item, 1, total};
    const llmcs_shop_order o = {.struct_size = sizeof o,
                                .id = id,
                                .customer = "cleo",
                                .status = status,
                                .time = DESK_NOW - days_ago * DAY,
                                .items = &one,
                                .n_items = 1,
                                .total = total,
                                .currency = "CNY",
                                .city = "Hangzhou"};
    const llmcs_shop_order *list[] = {&o};
    SHOP_OK(llmcs_shop_put_orders(shop, list, 1, NULL, NULL, NULL));
}

/* The clock is set to Monday, 2026-11-16. */
static void open_refer(desk_case *d) {
    static char text[16384];
    FILE *f = fopen("tests/data/desk/refer.json", "r");
    ck_assert_msg(f != NULL, "tests/data/desk/refer.json");
    const size_t n = fread(text, 1, sizeof text - 1, f);
    ck_assert_uint_lt(n, sizeof text - 1);
    text[n] = 0;
    fclose(f);
    desk_case_make(d);
    put_two_texts(d->shop, "soap", "Osmanthus Soap Set", "桂花手工皂套装", 79, 3);
    put_two_texts(d->shop, "sneakers", "Canvas Sneakers, navy", "帆布板鞋 藏青", 299, 3);
    put_two_texts(d->shop, "boots", "Leather Boots, wine red", "短靴 酒红", 399, 3);
    add_order(d->shop, "PL3001", "soap", "paid", 1, 79);
    add_order(d->shop, "PL3002", "sneakers", "paid", 2, 299);
    add_order(d->shop, "PL3003", "boots", "shipped", 5, 399);
    add_order(d->shop, "PL3004", "mug", "delivered", 30, 50);
    add_order(d->shop, "PL3005", "lamp", "delivered", 60, 129.5);
    d->options.flows_json = text;
    SHOP_OK(llmcs_shop_desk_open(d->shop, &d->options, &d->desk));
}

static const char *ask(desk_case *d, const char *text) { return say_as(d, "c", "cleo", text); }

START_TEST(orders_are_found_by_description) {
    static const struct {
        const char *text, *zh, *order;
    } rows[] = {
        {"the one on its way", "在路上的那个", "PL3003"},
        {"the soap", "香皂那个", "PL3001"},
        {"the 299 one", "299的那个", "PL3002"},
        {"the oldest one", "最早的那个", "PL3005"},
        {"the latest", "最新的", "PL3001"},
        {"the one from october", "十月的那个", "PL3004"},
        {"from 17 october", "10月17日的", "PL3004"},
        {"the navy one", "藏青的", "PL3002"},
        {"the second", "第二个", "PL3002"},
        {"the most expensive", "最贵的", "PL3003"},
    };
    desk_case d;
    open_refer(&d);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int zh = 0; zh < 2; zh++) {
            char conversation[20];
            snprintf(conversation, sizeof conversation, "c%zu%d", i, zh);
            HAS(say_as(&d, conversation, "cleo", zh ? "到哪了" : "where is it"), "PL3005");
            HAS(say_as(&d, conversation, "cleo", zh ? rows[i].zh : rows[i].text), rows[i].order);
            ck_assert_int_eq(d.turn->expects, LLMCS_EXPECTS_ANYTHING);
        }
    }
    desk_case_close(&d);
}
END_TEST

START_TEST(several_that_fit_are_listed_alone) {
    desk_case d;
    open_refer(&d);
    HAS(ask(&d, "where is it"), "PL3001");
    HAS(ask(&d, "the shoes"), "PL3002");
    HAS(d.turn->reply, "PL3003");
    LACKS(d.turn->reply, "PL3001");
    LACKS(d.turn->reply, "PL3004");
    HAS(ask(&d, "the second one"), "PL3003 is on its way");
    HAS(say_as(&d, "z", "cleo", "到哪了"), "PL3001");
    HAS(say_as(&d, "z", "cleo", "鞋子"), "PL3002");
    LACKS(d.turn->reply, "PL3001");
    HAS(say_as(&d, "z", "cleo", "酒红的那双"), "PL3003运输中");
    desk_case_close(&d);
}
END_TEST

START_TEST(what_fits_no_order_is_said) {
    desk_case d;
    open_refer(&d);
    HAS(ask(&d, "where is it"), "PL3001");
    HAS(ask(&d, "the kettle"), "no order of yours that fits");
    HAS(d.turn->reply, "Which of these?");
    LACKS(d.turn->reply, "PL3001");
    HAS(say_as(&d, "z", "cleo", "到哪了"), "PL3001");
    HAS(say_as(&d, "z", "cleo", "水壶"), "没有符合");
    desk_case_close(&d);
}
END_TEST

/* An order that the flow does not offer is found among all orders, and the flow says why it does not apply. */
START_TEST(what_is_not_offered_is_explained) {
    desk_case d;
    open_refer(&d);
    HAS(ask(&d, "cancel an order"), "PL3002");
    LACKS(d.turn->reply, "PL3003");
    HAS(ask(&d, "the boots"), "PL3003 is on its way and cannot be cancelled");
    HAS(say_as(&d, "z", "cleo", "取消订单"), "PL3002");
    HAS(say_as(&d, "z", "cleo", "短靴"), "PL3003运输中，无法取消");
    desk_case_close(&d);
}
END_TEST

START_TEST(other_one_and_both) {
    desk_case d;
    open_refer(&d);
    HAS(ask(&d, "cancel an order"), "PL3002");
    HAS(ask(&d, "the first one"), "PL3001");
    HAS(ask(&d, "no, the other one"), "cancel order PL3002");
    ORDER_IS("PL3001", "paid");
    HAS(say_as(&d, "z", "cleo", "取消订单"), "PL3002");
    HAS(say_as(&d, "z", "cleo", "两个都取消"), "确定取消订单PL3001");
    HAS(say_as(&d, "z", "cleo", "是的"), "PL3001已取消");
    HAS(d.turn->reply, "PL3002吗");
    HAS(say_as(&d, "z", "cleo", "是的"), "PL3002已取消");
    desk_case_close(&d);
}
END_TEST

/* During an open question, the label alone does not start a flow that acts. */
START_TEST(open_question_gives_way_to_cues_only) {
    static const char *const texts[] = {"不想要了的那个还没发货", "i want to send the thing, please"};
    desk_case d;
    open_refer(&d);
    for (size_t i = 0; i < 2; i++) {
        char conversation[20];
        snprintf(conversation, sizeof conversation, "c%zu", i);
        HAS(say_as(&d, conversation, "cleo", i ? "a new address for PL3001" : "PL3001改地址"), i ? "address" : "地址");
        (void)say_as(&d, conversation, "cleo", texts[i]);
        ck_assert_str_eq(d.turn->flow, "move");
        HAS(say_as(&d, conversation, "cleo", i ? "cancel it instead" : "还是取消吧"),
            i ? "cancel order PL3001" : "取消订单PL3001");
    }
    ORDER_IS("PL3001", "paid");
    desk_case_close(&d);
}
END_TEST

/* An address in reply to "shall I cancel it?" drops the confirmation: a later yes does not count. */
START_TEST(contradicted_confirmation_is_dropped) {
    desk_case d;
    open_refer(&d);
    HAS(ask(&d, "cancel PL3001"), "cancel order PL3001?");
    HAS(ask(&d, "12 Harbour Road, Flat 2, Leeds LS1 4AB"), "not changed anything");
    HAS(ask(&d, "yes"), "nothing waiting");
    HAS(say_as(&d, "z", "cleo", "取消PL3002"), "确定取消订单PL3002");
    HAS(say_as(&d, "z", "cleo", "杭州市西湖区文三路100号"), "没有做任何改动");
    (void)say_as(&d, "z", "cleo", "对");
    ORDER_IS("PL3001", "paid");
    ORDER_IS("PL3002", "paid");
    desk_case_close(&d);
}
END_TEST

START_TEST(list_is_printed_once) {
    desk_case d;
    open_refer(&d);
    HAS(ask(&d, "where is it"), "PL3001");
    ck_assert_str_eq(ask(&d, "dunno"), "Which of these?");
    HAS(ask(&d, "that thing there"), "Which of these?"); /* the second time, it offers a person */
    HAS(d.turn->reply, "agent");
    LACKS(d.turn->reply, "PL3001");
    (void)ask(&d, "well");
    ck_assert_str_eq(d.turn->handover_reason, "slot_missing");
    desk_case_close(&d);
}
END_TEST

START_TEST(confirmation_is_repeated_in_short) {
    desk_case d;
    open_refer(&d);
    HAS(ask(&d, "cancel PL3001"), "Really cancel order PL3001?");
    ck_assert_str_eq(ask(&d, "the soap"), "Cancel PL3001?");
    HAS(ask(&d, "yes"), "PL3001 is cancelled");
    desk_case_close(&d);
}
END_TEST

START_TEST(thanks_leave_open_questions) {
    desk_case d;
    open_refer(&d);
    HAS(ask(&d, "cancel PL3001"), "cancel order PL3001?");
    HAS(ask(&d, "thank you"), "left it as it is");
    HAS(d.turn->reply, "welcome");
    HAS(ask(&d, "yes"), "nothing waiting");
    HAS(say_as(&d, "z", "cleo", "PL3004换货"), "尺码");
    HAS(say_as(&d, "z", "cleo", "谢谢"), "先不办");
    ORDER_IS("PL3001", "paid");
    ck_assert_str_eq(shop_value(d.path, "SELECT count(*) FROM actions"), "0");
    desk_case_close(&d);
}
END_TEST

START_TEST(values_are_plausible) {
    desk_case d;
    open_refer(&d);
    HAS(ask(&d, "swap PL3002"), "Which item");
    HAS(ask(&d, "yes"), "Which size or colour?");
    ck_assert_str_eq(ask(&d, "the sneakers"), "Which size or colour?");
    HAS(ask(&d, "43"), "Swap PL3002 for: the sneakers: 43?");
    HAS(ask(&d, "rather 44"), "the sneakers: rather 44?");
    HAS(ask(&d, "yes"), "swap of PL3002 is recorded");
    HAS(say_as(&d, "z", "cleo", "PL3002换货"), "哪一件");
    HAS(say_as(&d, "z", "cleo", "板鞋"), "什么尺码颜色");
    HAS(say_as(&d, "z", "cleo", "红色"), "板鞋: 红色");
    desk_case_close(&d);
}
END_TEST

START_TEST(address_without_the_words_before_it) {
    desk_case d;
    open_refer(&d);
    HAS(ask(&d, "a new address for PL3001"), "To which address?");
    HAS(ask(&d, "change it to 12 Harbour Road, Leeds LS1 4AB"), "Send PL3001 to 12 Harbour Road, Leeds LS1 4AB?");
    HAS(say_as(&d, "z", "cleo", "PL3002改寄"), "改到哪个地址");
    HAS(say_as(&d, "z", "cleo", "改成杭州市西湖区文三路100号"), "PL3002改寄到杭州市西湖区文三路100号吗");
    /* An address in the message that starts the flow. */
    HAS(say_as(&d, "f", "cleo", "new address for PL3001, send it to 7 Mill Lane, York YO1 7HH"),
        "Send PL3001 to 7 Mill Lane, York YO1 7HH?");
    desk_case_close(&d);
}
END_TEST

START_TEST(only_an_address_is_an_address) {
    static const char *const others[] = {"就是今天拍的那个，跟雨靴一起的", "the one from today, with the boots",
                                         "不是 我说的是那个路由器", "no I mean the 2 of them"};
    desk_case d;
    open_refer(&d);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        char conversation[20];
        snprintf(conversation, sizeof conversation, "a%zu", i);
        (void)say_as(&d, conversation, "cleo", "a new address for PL3001");
        (void)say_as(&d, conversation, "cleo", others[i]);
        ck_assert_msg(d.turn->expects != LLMCS_EXPECTS_YES, "%s", d.turn->reply);
    }
    HAS(ask(&d, "a new address for PL3001"), "To which address?");
    HAS(ask(&d, "no, leave out the 'great'. send it to 12 Rose Lane, Oxford OX1 2AB"),
        "Send PL3001 to 12 Rose Lane, Oxford OX1 2AB?");
    HAS(say_as(&d, "g", "cleo", "a new address for PL3001"), "To which address?");
    HAS(say_as(&d, "g", "cleo", "great. 12 Rose Lane, Oxford OX1 2AB"), "Send PL3001 to 12 Rose Lane, Oxford OX1 2AB?");
    HAS(say_as(&d, "n", "cleo", "a new address for PL3001"), "To which address?");
    HAS(say_as(&d, "n", "cleo", "No 5 Rose Lane, Oxford OX1 2AB"), "Send PL3001 to No 5 Rose Lane, Oxford OX1 2AB?");
    HAS(say_as(&d, "z", "cleo", "PL3002改寄"), "改到哪个地址");
    HAS(say_as(&d, "z", "cleo", "不是，杭州市西湖区文三路100号"), "PL3002改寄到杭州市西湖区文三路100号吗");
    HAS(say_as(&d, "y", "cleo", "PL3002改寄"), "改到哪个地址");
    HAS(say_as(&d, "y", "cleo", "浙江大学玉泉 王芳收"), "PL3002改寄到浙江大学玉泉 王芳收吗");
    desk_case_close(&d);
}
END_TEST

/* The digits of an order number are no size. */
START_TEST(order_number_is_no_wish) {
    desk_case d;
    open_refer(&d);
    HAS(say_as(&d, "z", "cleo", "PL3001换货"), "什么尺码");
    HAS(say_as(&d, "z", "cleo", "单号是PL311200"), "什么尺码");
    HAS(ask(&d, "swap PL3001"), "Which item");
    HAS(ask(&d, "I'm not asking about that one, I meant the sneakers"), "Which");
    HAS(ask(&d, "red"), "Swap PL3001 for: red?");
    desk_case_close(&d);
}
END_TEST

START_TEST(yes_with_what_is_confirmed) {
    static const char *const unclear[] = {"对的 换42码", "行 就退板鞋 确认", "不是 退手工皂", "退手工皂要钱吗"};
    desk_case d;
    open_refer(&d);
    HAS(say_as(&d, "z", "cleo", "PL3002换货"), "什么尺码");
    HAS(say_as(&d, "z", "cleo", "换40码"), "PL3002换成");
    HAS(say_as(&d, "z", "cleo", "对的 换40码"), "已登记PL3002换货");
    HAS(ask(&d, "swap PL3001"), "Which item");
    HAS(ask(&d, "red"), "Swap PL3001 for: red?");
    HAS(ask(&d, "yes, red"), "swap of PL3001 is recorded");
    HAS(say_as(&d, "g", "cleo", "PL3001退货"), "退回PL3001吗");
    HAS(say_as(&d, "g", "cleo", "行 就退手工皂 确认"), "已登记PL3001退货");
    for (size_t i = 0; i < sizeof unclear / sizeof *unclear; i++) {
        char conversation[20];
        snprintf(conversation, sizeof conversation, "u%zu", i);
        HAS(say_as(&d, conversation, "cleo", i ? "PL3001退货" : "PL3002换货"), i ? "退回PL3001吗" : "什么尺码");
        if (!i) HAS(say_as(&d, conversation, "cleo", "换40码"), "PL3002换成");
        LACKS(say_as(&d, conversation, "cleo", unclear[i]), "已登记");
    }
    desk_case_close(&d);
}
END_TEST

/* The next request applies to the last order mentioned. */
START_TEST(focus_is_the_last_order) {
    desk_case d;
    open_refer(&d);
    HAS(ask(&d, "where is it"), "PL3001");
    HAS(ask(&d, "the second one"), "PL3002 is paid");
    HAS(ask(&d, "can i have a new address"), "address");
    HAS(ask(&d, "12 Harbour Road, Flat 2, Leeds LS1 4AB"), "Send PL3002 to");
    HAS(say_as(&d, "z", "cleo", "到哪了"), "PL3001");
    HAS(say_as(&d, "z", "cleo", "手工皂"), "PL3001已付款");
    HAS(say_as(&d, "z", "cleo", "取消"), "确定取消订单PL3001");
    desk_case_close(&d);
}
END_TEST

START_TEST(description_alone_starts_its_flow) {
    desk_case d;
    open_refer(&d);
    HAS(ask(&d, "what about the one on its way?"), "PL3003 is on its way");
    HAS(ask(&d, "and the soap?"), "PL3001 is paid");
    HAS(say_as(&d, "z", "cleo", "在路上的那个呢"), "PL3003运输中");
    desk_case_close(&d);
}
END_TEST

START_TEST(same_question_is_asked_once) {
    desk_case d;
    open_refer(&d);
    HAS(ask(&d, "cancel an order"), "Which order?");
    HAS(ask(&d, "no i mean swap one"), "Which order?");
    HAS(ask(&d, "the mug"), "Which item");
    HAS(ask(&d, "red"), "Swap PL3004 for: red?");
    HAS(ask(&d, "yes"), "PL3004 is recorded");
    LACKS(d.turn->reply, "Which");
    ck_assert_int_eq(d.turn->expects, LLMCS_EXPECTS_ANYTHING);
    desk_case_close(&d);
}
END_TEST

START_TEST(part_of_an_address_is_no_address) {
    desk_case d;
    open_refer(&d);
    HAS(ask(&d, "a new address for PL3001"), "To which address?");
    HAS(ask(&d, "12 Harbour Road, Flat 2, Leeds LS1 4AB"), "Send PL3001 to");
    HAS(ask(&d, "change it to 14"), "To which address?");
    LACKS(ask(&d, "yes"), "recorded");
    HAS(say_as(&d, "z", "cleo", "PL3002改寄"), "改到哪个地址");
    HAS(say_as(&d, "z", "cleo", "杭州市西湖区文三路100号"), "PL3002改寄到");
    HAS(say_as(&d, "z", "cleo", "改成105"), "改到哪个地址");
    LACKS(say_as(&d, "z", "cleo", "对"), "已记录");
    desk_case_close(&d);
}
END_TEST

/* "Don't cancel it" starts nothing; while a question is open it is a no. */
START_TEST(negated_wish_begins_nothing) {
    static const char *const texts[] = {"please don't cancel the soap", "香皂别取消"};
    desk_case d;
    open_refer(&d);
    for (size_t i = 0; i < 2; i++) {
        char conversation[20];
        snprintf(conversation, sizeof conversation, "c%zu", i);
        (void)say_as(&d, conversation, "cleo", texts[i]);
        ck_assert_int_eq(d.turn->expects, LLMCS_EXPECTS_ANYTHING);
        HAS(say_as(&d, conversation, "cleo", i ? "取消PL3001" : "cancel PL3001"), "PL3001");
        ck_assert_int_eq(d.turn->expects, LLMCS_EXPECTS_YES);
        (void)say_as(&d, conversation, "cleo", i ? "先别取消" : "hmm actually no, keep it");
        ck_assert_int_eq(d.turn->expects, LLMCS_EXPECTS_ANYTHING);
    }
    ORDER_IS("PL3001", "paid");
    desk_case_close(&d);
}
END_TEST

START_TEST(yes_after_a_glad_word) {
    static const char *const yes[] = {"great, then do it", "yes thats right", "那取消吧"};
    static const char *const no[] = {"great, but why", "good, what does it cost", "forget that then", "那不取消了"};
    desk_case d;
    open_refer(&d);
    for (size_t i = 0; i < 7; i++) {
        char conversation[20];
        snprintf(conversation, sizeof conversation, "c%zu", i);
        HAS(say_as(&d, conversation, "cleo", "cancel PL3001"), "PL3001");
        (void)say_as(&d, conversation, "cleo", i < 4 ? no[i] : yes[i - 4]);
        ck_assert_int_eq(d.turn->action_state == LLMCS_ACTION_DONE, i >= 4);
        if (i >= 4) add_order(d.shop, "PL3001", "soap", "paid", 1, 79);
    }
    desk_case_close(&d);
}
END_TEST

/* Another order number goes to the flow that was started, not to the one it continued in. */
START_TEST(flow_goes_on_as_it_began) {
    desk_case d;
    open_refer(&d);
    HAS(ask(&d, "refund"), "Which order?");
    HAS(ask(&d, "3"), "PL3003: nothing to refund");
    HAS(ask(&d, "no, 2"), "cancel order PL3002?");
    HAS(say_as(&d, "z", "cleo", "退款"), "哪个订单");
    HAS(say_as(&d, "z", "cleo", "第三个"), "PL3003：没有可退的");
    HAS(say_as(&d, "z", "cleo", "不对，是第一个"), "取消订单PL3001");
    desk_case_close(&d);
}
END_TEST

/* "How do I return it?" with goods of an order starts the return of that order. */
START_TEST(question_with_an_order_is_a_wish) {
    desk_case d;
    open_refer(&d);
    HAS(ask(&d, "can i swap things"), "Swaps are free");
    HAS(ask(&d, "can i swap my soap"), "Which item");
    HAS(say_as(&d, "z", "cleo", "我的香皂能换货吗"), "哪一件");
    /* Another flow asks which order: the order is taken for this flow. */
    HAS(say_as(&d, "o", "cleo", "cancel an order"), "Which order?");
    HAS(say_as(&d, "o", "cleo", "can i swap the first one"), "Which item");
    desk_case_close(&d);
}
END_TEST

/* Without rule or label: a cue of the flow plus goods of one order, or a complete address. */
START_TEST(cue_with_an_object_begins_its_flow) {
    desk_case d;
    open_refer(&d);
    HAS(ask(&d, "the soap smells odd so i cancel"), "cancel order PL3001?");
    HAS(say_as(&d, "a", "cleo", "where is PL3002"), "PL3002");
    HAS(say_as(&d, "a", "cleo", "send it to 12 Harbour Road, Flat 2, Leeds LS1 4AB"), "Send PL3002 to 12 Harbour Road");
    HAS(say_as(&d, "z", "cleo", "PL3001到哪了"), "PL3001");
    HAS(say_as(&d, "z", "cleo", "帮我改寄杭州市西湖区文三路100号"), "PL3001");
    /* A repeated value is no description. */
    HAS(say_as(&d, "v", "cleo", "swap PL3002"), "Which item");
    HAS(say_as(&d, "v", "cleo", "red"), "Swap PL3002 for: red?");
    HAS(say_as(&d, "v", "cleo", "blue please"), "Swap PL3002 for: blue please?");
    desk_case_close(&d);
}
END_TEST

/* A word that also occurs in a title does not change a known order. */
START_TEST(stray_word_changes_no_order) {
    desk_case d;
    open_refer(&d);
    HAS(ask(&d, "cancel PL3001"), "cancel order PL3001?");
    HAS(ask(&d, "it was red"), "PL3001");
    HAS(ask(&d, "yes"), "PL3001 is cancelled");
    ORDER_IS("PL3002", "paid");
    HAS(say_as(&d, "z", "cleo", "取消PL3002"), "PL3002");
    HAS(say_as(&d, "z", "cleo", "发的是酒红的"), "PL3002");
    LACKS(d.turn->reply, "PL3003");
    desk_case_close(&d);
}
END_TEST

START_TEST(unknown_goods_are_not_taken_for_the_only_order) {
    desk_case d;
    open_refer(&d);
    add_order(d.shop, "PL3002", "sneakers", "cancelled", 2, 299);
    HAS(ask(&d, "cancel the kettle"), "no order of yours that fits");
    HAS(say_as(&d, "z", "cleo", "取消水壶"), "没有符合");
    desk_case_close(&d);
}
END_TEST

/* Error messages of the file give the place. */
START_TEST(words_of_flows_are_checked) {
    static const struct {
        const char *from, *to, *error;
    } rows[] = {
        {"\"status\": \"status\", \"date\"", "\"status\": \"state\", \"date\"",
         "slots.order.described.status: find mine has no column \"state\""},
        {"\"all\": \"mine\"", "\"all\": \"everything\"", "slots.order.described.all: no find named \"everything\""},
        {"{\"is\": [\"paid\"], ", "{\"iz\": [\"paid\"], ", "iz"},
        {"\"lead\": {\"en\"", "\"lead\": {\"fr\"", "not one of \"languages\""},
        {"\"cues\": {\"en\": [\"swap\"]", "\"cues\": {\"en\": [7]", "expected a string"},
        {"\"like\": \"(?:size )", "\"like\": \"(?:size ", "not a pattern"},
        {"\"kinds\": [", "\"kinds\": [7, ", "kinds[0]: found a number"},
    };
    desk_case d;
    open_refer(&d);
    llmcs_shop_desk_free(&d.desk);
    const char *good = d.options.flows_json;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        static char text[16384];
        const char *at = strstr(good, rows[i].from);
        ck_assert_msg(at != NULL, "%s", rows[i].from);
        snprintf(text, sizeof text, "%.*s%s%s", (int)(at - good), good, rows[i].to, at + strlen(rows[i].from));
        d.options.flows_json = text;
        ck_assert_int_eq(llmcs_shop_desk_open(d.shop, &d.options, &d.desk), LLMCS_FORMAT);
        ck_assert_msg(strstr(llmcs_error_message(), rows[i].error) != NULL, "\"%s\" lacks \"%s\"",
                      llmcs_error_message(), rows[i].error);
    }
    desk_case_close(&d);
}
END_TEST

/* More kinds, or more words in a list, than there may be: of all languages together. */
START_TEST(lists_of_words_have_limits) {
    static const struct {
        const char *before, *one, *after, *error;
        int n;
    } rows[] = {
        {"\"kinds\": [", "{\"words\": {\"en\": [\"w\"], \"zh\": [\"w\"]}}, ", "", "kinds, expected at most 500", 500},
        {"\"kinds\": [", "\"w\", ", "\"w\"]}}, ", "more than 256 words", 256},
    };
    static char text[65536];
    desk_case d;
    open_refer(&d);
    llmcs_shop_desk_free(&d.desk);
    const char *good = d.options.flows_json;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *at = strstr(good, rows[i].before);
        ck_assert_msg(at != NULL, "%s", rows[i].before);
        at += strlen(rows[i].before);
        int used = snprintf(text, sizeof text, "%.*s%s", (int)(at - good), good,
                            *rows[i].after ? "{\"words\": {\"en\": [" : "");
        for (int n = 0; n < rows[i].n; n++)
            used += snprintf(text + used, sizeof text - (size_t)used, "%s", rows[i].one);
        snprintf(text + used, sizeof text - (size_t)used, "%s%s", rows[i].after, at);
        d.options.flows_json = text;
        ck_assert_int_eq(llmcs_shop_desk_open(d.shop, &d.options, &d.desk), LLMCS_FORMAT);
        ck_assert_msg(strstr(llmcs_error_message(), rows[i].error) != NULL, "\"%s\" lacks \"%s\"",
                      llmcs_error_message(), rows[i].error);
    }
    desk_case_close(&d);
}
END_TEST

/* An action on the whole order does not happen for a part of it, whatever else the message says. */
START_TEST(part_of_an_order_needs_a_person) {
    static const char *const texts[][4] = {
        {"stop PL3001", "yes, but only the soap", "keep the mug i said", "Stop PL3001?"},
        {"撤单PL3001", "对 只取消香皂", "杯子我要留着", "撤掉PL3001吗"}};
    desk_case d;
    open_refer(&d);
    for (size_t i = 0; i < 2; i++) {
        const char *const conversation = i ? "zh" : "en";
        const char *reply = say_as(&d, conversation, "cleo", texts[i][0]);
        HAS(reply, texts[i][3]);
        LACKS(reply, i ? "您写的是" : "You wrote");
        reply = say_as(&d, conversation, "cleo", texts[i][1]);
        HAS(reply, texts[i][1]);
        HAS(reply, texts[i][3]);
        (void)say_as(&d, conversation, "cleo", texts[i][2]);
        ck_assert_str_eq(llmcs_shop_desk_route_name(d.turn->route), "handover");
        ORDER_IS("PL3001", "paid");
    }
    /* Said at once, it is shown in the first question. */
    HAS(say_as(&d, "b", "cleo", "stop PL3001 but keep the mug"), "You wrote");
    HAS(say_as(&d, "b", "cleo", "yes"), "Stopped PL3001");
    desk_case_close(&d);
}
END_TEST

/* After the status of an order, "and the boots?" is the order of the boots, even if the reader takes it for a question
 * about products. */
START_TEST(goes_on_with_another_order) {
    static const char *const labels[] = {"flow:stock", "ask", "act:follow"};
    static const double p[] = {0.45, 0.05, 0.5};
    char folder[TEMP_PATH_BYTES];
    llmcs_model *reader = make_reader(folder, labels, p, 3);
    desk_case d;
    open_refer(&d);
    llmcs_shop_desk_free(&d.desk);
    d.options.reader = reader;
    SHOP_OK(llmcs_shop_desk_open(d.shop, &d.options, &d.desk));
    (void)ask(&d, "where is PL3001");
    HAS(d.turn->reply, "PL3001 is");
    HAS(ask(&d, "and the leather boots?"), "PL3003 is");
    HAS(ask(&d, "i meant the sneakers"), "PL3002 is");
    (void)say_as(&d, "zh", "cleo", "PL3001到哪了");
    HAS(say_as(&d, "zh", "cleo", "那短靴呢"), "PL3003");
    desk_case_close(&d);
    llmcs_model_free(&reader);
    temp_remove(folder);
}
END_TEST

static void add(TCase *t) {
    tcase_set_timeout(t, 120);
    tcase_add_test(t, orders_are_found_by_description);
    tcase_add_test(t, several_that_fit_are_listed_alone);
    tcase_add_test(t, what_fits_no_order_is_said);
    tcase_add_test(t, what_is_not_offered_is_explained);
    tcase_add_test(t, other_one_and_both);
    tcase_add_test(t, open_question_gives_way_to_cues_only);
    tcase_add_test(t, contradicted_confirmation_is_dropped);
    tcase_add_test(t, list_is_printed_once);
    tcase_add_test(t, confirmation_is_repeated_in_short);
    tcase_add_test(t, thanks_leave_open_questions);
    tcase_add_test(t, values_are_plausible);
    tcase_add_test(t, address_without_the_words_before_it);
    tcase_add_test(t, only_an_address_is_an_address);
    tcase_add_test(t, order_number_is_no_wish);
    tcase_add_test(t, yes_with_what_is_confirmed);
    tcase_add_test(t, focus_is_the_last_order);
    tcase_add_test(t, description_alone_starts_its_flow);
    tcase_add_test(t, same_question_is_asked_once);
    tcase_add_test(t, part_of_an_address_is_no_address);
    tcase_add_test(t, negated_wish_begins_nothing);
    tcase_add_test(t, yes_after_a_glad_word);
    tcase_add_test(t, flow_goes_on_as_it_began);
    tcase_add_test(t, question_with_an_order_is_a_wish);
    tcase_add_test(t, cue_with_an_object_begins_its_flow);
    tcase_add_test(t, stray_word_changes_no_order);
    tcase_add_test(t, unknown_goods_are_not_taken_for_the_only_order);
    tcase_add_test(t, words_of_flows_are_checked);
    tcase_add_test(t, lists_of_words_have_limits);
    tcase_add_test(t, part_of_an_order_needs_a_person);
    tcase_add_test(t, goes_on_with_another_order);
}

SUITE_MAIN("shop/desk/refer", add)
