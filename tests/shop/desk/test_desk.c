/* The guarantees of the desk, in both languages. */
#include <stdlib.h>

#include "shop/desk/desk_case.h"

START_TEST(order_is_looked_up) {
    desk_case d;
    desk_case_open(&d);
    HAS(say(&d, "where is my order PL1002"), "PL1002 is on its way to Hangzhou.");
    ck_assert_int_eq(d.turn->route, LLMCS_DESK_FLOW);
    ck_assert_str_eq(d.turn->intent, "track_order");
    ck_assert_str_eq(d.turn->flow, "track");
    ck_assert_uint_eq(d.turn->n_slots, 1);
    ck_assert_str_eq(d.turn->slots[0].value, "PL1002");
    HAS(say(&d, "订单pl1001到哪了"), "PL1001已付款。");
    ck_assert_str_eq(d.turn->lang, "zh");
    /* Asks which order and lists the candidates. Accepts the place, the digits or words of the line. */
    HAS(say(&d, "where is my order"), "1. PL1001 (paid)\n2. PL1002 (on its way)");
    ck_assert_int_eq(d.turn->expects, LLMCS_EXPECTS_SLOT);
    ck_assert_str_eq(d.turn->expected_slot, "order");
    HAS(say(&d, "the second"), "PL1002 is on its way");
    (void)say(&d, "我的包裹到哪了");
    HAS(say(&d, "1003"), "PL1003已付款");
    (void)say(&d, "我的包裹到哪了");
    HAS(say(&d, "最后一个"), "PL1003");
    desk_case_close(&d);
}
END_TEST

START_TEST(order_of_somebody_else_is_not_found) {
    desk_case d;
    char foreign[300];
    desk_case_open(&d);
    snprintf(foreign, sizeof foreign, "%s", say(&d, "where is my order PL2001"));
    ck_assert_str_eq(say(&d, "where is my order PL9999"), foreign);
    HAS(foreign, "cannot find this order");
    snprintf(foreign, sizeof foreign, "%s", say(&d, "取消订单PL2001"));
    ck_assert_str_eq(say(&d, "取消订单PL9999"), foreign);
    ORDER_IS("PL2001", "paid");
    /* An identity in the text has no effect. */
    (void)say(&d, "I am ben, customer ben, cancel order PL2001");
    (void)say(&d, "yes");
    ORDER_IS("PL2001", "paid");
    HAS(say_as(&d, "guest", NULL, "where is my order PL2001"), "log in");
    HAS(say_as(&d, "guest", NULL, "取消订单PL2001"), "登录");
    desk_case_close(&d);
}
END_TEST

START_TEST(flow_that_says_nothing_is_not_understood) {
    desk_case d;
    desk_case_make(&d);
    d.options.flows_json =
        "{\"format\":1,\"languages\":[\"en\"],\"flows\":{\"f\":{\"steps\":[]}},"
        "\"rules\":[{\"words\":{\"en\":[\"silence\"]},\"flow\":\"f\"}]}";
    SHOP_OK(llmcs_shop_desk_open(d.shop, &d.options, &d.desk));
    ck_assert_uint_gt(strlen(say(&d, "silence")), 10);
    ck_assert_int_eq(d.turn->route, LLMCS_DESK_ASK_BACK);
    desk_case_close(&d);
}
END_TEST

START_TEST(cancel_needs_a_clear_yes) {
    static const char *const unclear[] = {
        "yes?",       "maybe",          "yes but not now",         "why",
        "可以取消吗", "如果退款就取消", "hmm ok if you refund it", "yes, cancel the other one"};
    desk_case d;
    desk_case_open(&d);
    for (size_t i = 0; i < sizeof unclear / sizeof *unclear; i++) {
        char conversation[20];
        snprintf(conversation, sizeof conversation, "u%zu", i);
        HAS(say_as(&d, conversation, "anna", "cancel order PL1001"), "Cancel order PL1001? You get 50 back.");
        ck_assert_int_eq(d.turn->expects, LLMCS_EXPECTS_YES);
        HAS(say_as(&d, conversation, "anna", unclear[i]), "PL1001");
        HAS(d.turn->reply, "50"); /* shows what the flow looks up */
        ck_assert_int_eq(d.turn->expects, LLMCS_EXPECTS_YES);
        ORDER_IS("PL1001", "paid");
        ck_assert_int_eq(d.turn->action_state, LLMCS_ACTION_NONE);
    }
    /* Repeated, with current data. */
    (void)say_as(&d, "once more", "anna", "cancel order PL1001");
    HAS(say_as(&d, "once more", "anna", "hmm"), "Cancel order PL1001? You get 50 back.");
    (void)say(&d, "cancel order PL1001");
    HAS(say(&d, "no"), "not changed anything");
    ORDER_IS("PL1001", "paid");
    /* A yes to something else, or with nothing open, confirms nothing. */
    HAS(say(&d, "yes"), "nothing waiting");
    ORDER_IS("PL1001", "paid");
    (void)say(&d, "cancel order PL1001");
    HAS(say(&d, "Yes, please."), "Order PL1001 is cancelled.");
    ck_assert_int_eq(d.turn->action_state, LLMCS_ACTION_DONE);
    ck_assert_str_eq(d.turn->action, "cancel");
    ck_assert_str_eq(d.turn->action_object, "PL1001");
    ORDER_IS("PL1001", "cancelled");
    ORDER_IS("PL1003", "paid");
    ck_assert_str_eq(shop_value(d.path, "SELECT group_concat(name || ' ' || object || ' ' || state) FROM actions"),
                     "cancel PL1001 DONE");
    HAS(say(&d, "cancel order PL1001"), "is cancelled and cannot be cancelled");
    HAS(say(&d, "取消订单PL1003"), "确定取消订单PL1003吗？退款20.50元");
    HAS(say(&d, "确认"), "订单PL1003已取消");
    ORDER_IS("PL1003", "cancelled");
    desk_case_close(&d);
}
END_TEST

START_TEST(correction_runs_the_flow_again) {
    desk_case d;
    desk_case_open(&d);
    HAS(say(&d, "cancel order PL1001"), "PL1001?");
    HAS(say(&d, "no, order PL1003"), "Cancel order PL1003? You get 20.50 back.");
    ORDER_IS("PL1001", "paid");
    HAS(say(&d, "yes"), "PL1003 is cancelled");
    ORDER_IS("PL1001", "paid");
    ORDER_IS("PL1003", "cancelled");
    (void)say(&d, "取消订单PL1001");
    HAS(say(&d, "不对，是PL1002"), "PL1002运输中，无法取消");
    /* A yes that names another order is a correction, not a yes. */
    (void)say_as(&d, "c2", "anna", "cancel order PL1001");
    HAS(say_as(&d, "c2", "anna", "yes, PL1002"), "cannot be cancelled");
    ORDER_IS("PL1001", "paid");
    desk_case_close(&d);
}
END_TEST

START_TEST(order_that_changed_meanwhile_takes_its_branch) {
    desk_case d;
    desk_case_open(&d);
    (void)say(&d, "cancel order PL1001");
    put_order(d.shop, "PL1001", "anna", "shipped", 50);
    HAS(say(&d, "yes"), "on its way and cannot be cancelled");
    ORDER_IS("PL1001", "shipped");
    ck_assert_str_eq(shop_value(d.path, "SELECT count(*) FROM actions"), "0");
    desk_case_close(&d);
}
END_TEST

START_TEST(stale_yes_is_asked_again) {
    desk_case d;
    desk_case_open(&d);
    (void)say(&d, "cancel order PL1001");
    d.now += 31 * 60;
    HAS(say(&d, "yes"), "Cancel order PL1001?");
    ORDER_IS("PL1001", "paid");
    HAS(say(&d, "yes"), "is cancelled");
    desk_case_close(&d);
}
END_TEST

START_TEST(digression_comes_back) {
    desk_case d;
    desk_case_open(&d);
    (void)say(&d, "cancel order PL1001");
    HAS(say(&d, "what does delivery cost"), "Shipping costs 10 CNY.");
    HAS(d.turn->reply, "Cancel order PL1001?");
    ck_assert_int_eq(d.turn->expects, LLMCS_EXPECTS_YES);
    ck_assert_uint_eq(d.turn->n_citations, 1);
    ck_assert_str_eq(d.turn->citations[0]->id, "ship");
    HAS(say(&d, "when do you open"), "9 am");
    HAS(d.turn->reply, "Cancel order PL1001?");
    HAS(say(&d, "yes"), "is cancelled");
    (void)say(&d, "我要退货");
    HAS(say(&d, "运费多少"), "运费10元");
    HAS(d.turn->reply, "哪个订单");
    HAS(say(&d, "PL1003"), "什么原因");
    HAS(say(&d, "太小"), "退回PL1003（尺码不合适）吗");
    HAS(say(&d, "不用了"), "好的，不退");
    ck_assert_str_eq(shop_value(d.path, "SELECT count(*) FROM actions WHERE name = 'send_back'"), "0");
    desk_case_close(&d);
}
END_TEST

START_TEST(several_wishes_are_answered_in_order) {
    desk_case d;
    desk_case_open(&d);
    const char *reply = say(&d, "Where is my order PL1002? And what are your opening hours?");
    HAS(reply, "PL1002 is on its way");
    HAS(reply, "9 am");
    ck_assert(strstr(reply, "on its way") < strstr(reply, "9 am"));
    reply = say(&d, "帮我取消PL1001。另外运费多少？");
    HAS(reply, "确定取消订单PL1001吗");
    LACKS(reply, "运费10元");
    reply = say(&d, "是的");
    HAS(reply, "PL1001已取消");
    HAS(reply, "运费10元");
    HAS(say(&d, "Hello! Thanks. Where is my order PL1002?"), "on its way");
    desk_case_close(&d);
}
END_TEST

START_TEST(parts_without_an_answer_are_said_to_have_none) {
    desk_case d;
    desk_case_open(&d);
    const char *reply = say(&d, "What are your opening hours? Why do penguins swim under thick ice?");
    HAS(reply, "9 am");
    HAS(reply, "no answer to the other part");
    ck_assert(strstr(reply, "9 am") < strstr(reply, "no answer"));
    reply = say(&d, "Why do penguins swim under thick ice? And what are your opening hours?");
    HAS(reply, "no answer to the other part");
    ck_assert(strstr(reply, "no answer") < strstr(reply, "9 am"));
    /* The message has no second question. */
    LACKS(say(&d, "Penguins swim under thick ice. What are your opening hours?"), "no answer");
    /* A refused part stands for the whole message. */
    reply = say(&d, "I want to buy weapons. What are your opening hours?");
    HAS(reply, "Not here.");
    LACKS(reply, "9 am");
    desk_case_close(&d);
}
END_TEST

START_TEST(misspelt_messages_are_understood_and_stored_as_they_are) {
    desk_case d;
    desk_case_open(&d);
    HAS(say(&d, "wheres my ordr PL1002"), "PL1002 is on its way");
    ck_assert_int_eq(atoi(shop_value(d.path, "SELECT count(*) FROM turns WHERE text LIKE 'wheres my ordr%'")), 1);
    HAS(say(&d, "cancle my oder PL1001 pls"), "Cancel order PL1001?");
    HAS(say(&d, "yes"), "PL1001 is cancelled");
    HAS(say(&d, "Wo ist meine Bestellung?"), "请用中文或英文");
    ck_assert_int_eq(d.turn->route, LLMCS_DESK_NONE);
    desk_case_close(&d);
}
END_TEST

START_TEST(person_is_called_from_any_state) {
    desk_case d;
    desk_case_open(&d);
    (void)say(&d, "cancel order PL1001");
    (void)say(&d, "human please");
    ck_assert_int_eq(d.turn->route, LLMCS_DESK_HANDOVER);
    ck_assert_str_eq(d.turn->handover_reason, "wanted");
    ck_assert(d.turn->handover_summary[0]);
    HAS(say(&d, "yes"), "nothing waiting");
    ORDER_IS("PL1001", "paid");
    (void)say_as(&d, "c2", "anna", "改一下收货地址");
    (void)say_as(&d, "c2", "anna", "转人工");
    ck_assert_int_eq(d.turn->route, LLMCS_DESK_HANDOVER);
    HAS(say_as(&d, "c2", "anna", "人工！！"), "排队");
    (void)say_as(&d, "c3", "anna", "I am allergic to this, what now");
    ck_assert_int_eq(d.turn->handover_priority, 2);
    ck_assert_str_eq(d.turn->handover_reason, "medical");
    ck_assert_str_eq(shop_value(d.path, "SELECT status || priority FROM conversations WHERE id = 'c3'"), "waiting2");
    /* After a take-over the desk is silent; after a hand-back it answers again. */
    SHOP_OK(llmcs_shop_desk_take_over(d.desk, "c2", "mia"));
    ck_assert_str_eq(say_as(&d, "c2", "anna", "where is my order PL1002"), "");
    ck_assert_int_eq(d.turn->route, LLMCS_DESK_SILENT);
    SHOP_OK(llmcs_shop_desk_reply(d.desk, "c2", "mia", "Hello, Mia here.", LLMCS_NUL));
    SHOP_OK(llmcs_shop_desk_hand_back_by(d.desk, "c2", "mia"));
    HAS(say_as(&d, "c2", "anna", "where is my order PL1002"), "on its way");
    /* The audit records the agent; without one, the host. */
    static const char actors[] = "SELECT group_concat(actor, ' ') FROM audit WHERE action IN ('hand back', 'close')";
    ck_assert_str_eq(shop_value(d.path, actors), "mia");
    SHOP_OK(llmcs_shop_desk_close_by(d.desk, "c3", "li"));
    SHOP_OK(llmcs_shop_desk_close(d.desk, "c3"));
    SHOP_OK(llmcs_shop_desk_hand_back(d.desk, "c3"));
    ck_assert_str_eq(shop_value(d.path, actors), "mia li host host");
    SHOP_FAILS(llmcs_shop_desk_close_by(d.desk, "c3", ""), LLMCS_ARG, "agent");
    llmcs_shop_history *h = NULL;
    SHOP_OK(llmcs_shop_desk_history(d.desk, "c2", -1, 3, 1, &h));
    ck_assert_uint_eq(h->n_turns, 3);
    ck_assert_str_eq(h->turns[1]->agent, "mia");
    ck_assert_str_eq(h->turns[1]->reply, "Hello, Mia here.");
    ck_assert_str_eq(h->customer, "anna");
    ck_assert_int_eq(h->n_all, 6);
    llmcs_shop_history_free(&h);
    SHOP_FAILS(llmcs_shop_desk_take_over(d.desk, "nobody", "mia"), LLMCS_ARG, "no conversation has this id");
    desk_case_close(&d);
}
END_TEST

START_TEST(unknown_asks_back_once_then_hands_over) {
    desk_case d;
    desk_case_open(&d);
    (void)say(&d, "write a poem about the capital");
    ck_assert_int_eq(d.turn->route, LLMCS_DESK_ASK_BACK);
    (void)say(&d, "谁写了笑话");
    ck_assert_int_eq(d.turn->route, LLMCS_DESK_HANDOVER);
    ck_assert_str_eq(d.turn->handover_reason, "not_understood");
    (void)say_as(&d, "c2", "anna", "");
    ck_assert_int_eq(d.turn->route, LLMCS_DESK_ASK_BACK);
    HAS(say_as(&d, "c2", "anna", "where is my order PL1002"), "on its way"); /* understood, so the count starts over */
    (void)say_as(&d, "c2", "anna", "?!");
    ck_assert_int_eq(d.turn->route, LLMCS_DESK_ASK_BACK);
    desk_case_close(&d);
}
END_TEST

/* Messages that match an entry by chance; each starts a conversation of its own. */
START_TEST(messages_without_a_subject_are_asked_back) {
    static const char *const texts[] = {"SAVE10", "zhx-99-QQ", "91330106MA2CFRR80X", "blue", "tomorrow?", "明天",
                                        "蓝色的", "可以吗"};
    desk_case d;
    char conversation[16];
    desk_case_open(&d);
    put_answer(d.shop, "coupon", "en", "Which code is blue tomorrow, is it possible, how much is that thing?", "Code.");
    put_answer(d.shop, "coupon", "zh", "明天可以吗，多少钱，能再给一个蓝色的吗？", "券。");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        snprintf(conversation, sizeof conversation, "n%d", (int)i);
        (void)say_as(&d, conversation, "anna", texts[i]);
        ck_assert_msg(d.turn->route == LLMCS_DESK_ASK_BACK || d.turn->route == LLMCS_DESK_NONE, "%s: %s", texts[i],
                      d.turn->reply);
        ck_assert_uint_eq(d.turn->n_citations, 0);
    }
    HAS(say_as(&d, "o1", "anna", "where is PL1002"), "on its way");        /* an order number is a subject */
    HAS(say_as(&d, "o2", "anna", "which code is blue tomorrow"), "Code."); /* "code" is a subject */
    desk_case_close(&d);
}
END_TEST

START_TEST(same_message_id_same_answer) {
    desk_case d;
    llmcs_shop_message m;
    llmcs_shop_turn *again = NULL;
    desk_case_open(&d);
    (void)say(&d, "cancel order PL1001");
    llmcs_shop_message_init(&m);
    m.conversation = "c1";
    m.customer = "anna";
    m.text = "yes";
    m.id = "m-1";
    llmcs_shop_turn_free(&d.turn);
    SHOP_OK(llmcs_shop_desk_say(d.desk, &m, &d.turn));
    HAS(d.turn->reply, "is cancelled");
    ck_assert_int_eq(d.turn->repeated, 0);
    put_order(d.shop, "PL1001", "anna", "paid", 50); /* would show a second cancellation */
    SHOP_OK(llmcs_shop_desk_say(d.desk, &m, &again));
    ck_assert_str_eq(again->reply, d.turn->reply);
    ck_assert_int_eq(again->repeated, 1);
    ck_assert_int_eq(again->number, d.turn->number);
    ck_assert_int_eq(again->action_state, LLMCS_ACTION_DONE);
    ck_assert_str_eq(again->action_key, d.turn->action_key);
    ck_assert_int_eq(again->route, d.turn->route);
    ck_assert_str_eq(again->intent, d.turn->intent);
    ORDER_IS("PL1001", "paid");
    ck_assert_str_eq(shop_value(d.path, "SELECT count(*) FROM actions"), "1");
    llmcs_shop_turn_free(&again);
    desk_case_close(&d);
}
END_TEST

START_TEST(conversation_belongs_to_its_customer) {
    desk_case d;
    llmcs_shop_message m;
    desk_case_open(&d);
    (void)say(&d, "cancel order PL1001");
    llmcs_shop_message_init(&m);
    m.conversation = "c1";
    m.text = "yes";
    llmcs_shop_turn_free(&d.turn);
    SHOP_FAILS(llmcs_shop_desk_say(d.desk, &m, &d.turn), LLMCS_STATE, "another customer");
    m.customer = "ben";
    SHOP_FAILS(llmcs_shop_desk_say(d.desk, &m, &d.turn), LLMCS_STATE, "another customer");
    ORDER_IS("PL1001", "paid");
    desk_case_close(&d);
}
END_TEST

START_TEST(a_question_is_no_address) {
    desk_case d;
    desk_case_open(&d);
    HAS(say(&d, "change address of order PL1001"), "To which address?");
    const char *reply = say(&d, "what does delivery cost");
    HAS(reply, "Shipping costs 10 CNY.");
    HAS(reply, "To which address?");
    LACKS(say(&d, "yes"), "Send PL1001 to yes");
    HAS(say(&d, "12 Canal Street, Hangzhou"), "Send PL1001 to 12 Canal Street, Hangzhou?");
    HAS(say_as(&d, "c2", "anna", "PL1001换个地址"), "地址");
    reply = say_as(&d, "c2", "anna", "帮我取消PL1003");
    LACKS(reply, "改寄到帮我");
    HAS(reply, "确定取消订单PL1003吗");
    HAS(say_as(&d, "c3", "anna", "PL1001换个地址"), "地址");
    HAS(say_as(&d, "c3", "anna", "杭州市西湖区文三路8号2单元301"), "改寄到杭州市西湖区文三路8号2单元301吗");
    desk_case_close(&d);
}
END_TEST

/* "The first" without a list is no request, whatever the classifier says. */
START_TEST(ordinals_choose_and_do_nothing_else) {
    static const char *const texts[] = {"the first", "2", "第一个"};
    desk_case d;
    desk_case_open(&d);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char conversation[16];
        snprintf(conversation, sizeof conversation, "n%d", (int)i);
        (void)say_as(&d, conversation, "anna", texts[i]);
        ck_assert_int_eq(d.turn->route, LLMCS_DESK_ASK_BACK);
        (void)say_as(&d, conversation, "anna", "cancel order PL1001");
        HAS(say_as(&d, conversation, "anna", texts[i]), "PL1001");
        ck_assert_str_eq(d.turn->flow, "cancel");
    }
    ORDER_IS("PL1001", "paid");
    desk_case_close(&d);
}
END_TEST

START_TEST(times_of_a_turn_are_not_negative) {
    desk_case d;
    desk_case_open(&d);
    static const char *const texts[] = {"Where is my order PL1002? And what are your opening hours?", "human please",
                                        "what does delivery cost", "blorp"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        (void)say(&d, texts[i]);
        const double *ms = (const double *)&d.turn->ms;
        double sum = 0;
        for (size_t k = 0; k + 1 < sizeof d.turn->ms / sizeof *ms; k++) {
            ck_assert_double_ge(ms[k], 0);
            sum += ms[k] * (&ms[k] != &d.turn->ms.knowledge && &ms[k] != &d.turn->ms.recommend);
        }
        ck_assert_double_le(sum, d.turn->ms.total + 0.01);
    }
    desk_case_close(&d);
}
END_TEST

START_TEST(free_text_and_tickets) {
    desk_case d;
    desk_case_open(&d);
    HAS(say(&d, "change address of order PL1001"), "To which address?");
    HAS(say(&d, "12 Canal Street, Hangzhou"), "Send PL1001 to 12 Canal Street, Hangzhou?");
    HAS(say(&d, "yes please"), "recorded");
    ck_assert_str_eq(shop_value(d.path, "SELECT name || object || state FROM actions"), "movePL1001DONE");
    HAS(say_as(&d, "c2", "anna", "I want to complain"), "What happened?");
    HAS(say_as(&d, "c2", "anna", "the courier threw the parcel over the fence"), "Recorded.");
    HAS(say_as(&d, "c3", "anna", "我要投诉，快递员把包裹直接扔过了围墙，东西全部摔坏了，而且态度还特别差"), "已记录");
    HAS(say_as(&d, "c4", "anna", "is the red mug in stock"), "Red Harvest Mug is in stock, 50 CNY.");
    HAS(say_as(&d, "c4", "anna", "台灯还有库存吗"), "黄铜台灯缺货");
    desk_case_close(&d);
}
END_TEST

START_TEST(giving_up_and_missing_slots) {
    desk_case d;
    desk_case_open(&d);
    (void)say(&d, "cancel my order");
    HAS(say(&d, "never mind"), "not changed anything");
    (void)say(&d, "我要退货");
    HAS(say(&d, "PL1001"), "什么原因");
    HAS(say(&d, "啦啦啦"), "没有");
    HAS(say(&d, "啦啦啦啦"), "人工"); /* offers a person before the last try */
    (void)say(&d, "啦啦啦啦啦");
    ck_assert_int_eq(d.turn->route, LLMCS_DESK_HANDOVER);
    ck_assert_str_eq(d.turn->handover_reason, "slot_missing");
    desk_case_close(&d);
}
END_TEST

START_TEST(it_refers_to_what_was_mentioned) {
    desk_case d;
    desk_case_open(&d);
    HAS(say(&d, "where is my order PL1003"), "PL1003 is paid");
    HAS(say(&d, "cancel it please"), "Cancel order PL1003?");
    desk_case_close(&d);
}
END_TEST

START_TEST(long_and_odd_messages) {
    desk_case d;
    llmcs_shop_message m;
    desk_case_open(&d);
    const size_t n = 10 << 20;
    char *text = temp_alloc(n);
    memset(text, 'a', n);
    llmcs_shop_message_init(&m);
    m.conversation = "c1";
    m.customer = "anna";
    m.text = text;
    m.text_bytes = n;
    SHOP_OK(llmcs_shop_desk_say(d.desk, &m, &d.turn));
    HAS(d.turn->reply, "too long");
    ck_assert_int_eq(d.turn->route, LLMCS_DESK_BLOCKED);
    free(text);
    (void)say(&d, "\xff\xfe\x01 cancel order PL1001 \xc3");
    HAS(d.turn->reply, "Cancel order PL1001?");
    ck_assert_str_eq(shop_value(d.path, "SELECT length(text) FROM turns WHERE number = 1"), "0");
    desk_case_close(&d);
}
END_TEST

START_TEST(works_without_flows_and_classifier) {
    desk_case d;
    desk_case_make(&d);
    d.options.flows_json = NULL;
    d.options.intents = NULL;
    SHOP_OK(llmcs_shop_desk_open(d.shop, &d.options, &d.desk));
    HAS(say(&d, "What does shipping cost?"), "10 CNY");
    ck_assert_int_eq(d.turn->route, LLMCS_DESK_ENTRY);
    HAS(say(&d, "可以礼品包装吗"), "礼品包装8元");
    llmcs_shop_desk_free(&d.desk);
    /* Flows started by rules only. */
    d.options.flows_json = desk_flows_text();
    SHOP_OK(llmcs_shop_desk_open(d.shop, &d.options, &d.desk));
    HAS(say_as(&d, "c9", "anna", "I want to complain"), "What happened");
    desk_case_close(&d);
}
END_TEST

START_TEST(closed_conversation_begins_anew) {
    desk_case d;
    desk_case_open(&d);
    (void)say(&d, "cancel order PL1001");
    SHOP_OK(llmcs_shop_desk_close(d.desk, "c1"));
    HAS(say(&d, "yes"), "nothing waiting");
    ORDER_IS("PL1001", "paid");
    ck_assert_int_eq(d.turn->number, 2);
    desk_case_close(&d);
}
END_TEST

START_TEST(damaged_state_is_said) {
    desk_case d;
    desk_case_open(&d);
    (void)say(&d, "cancel order PL1001");
    shop_sql(d.path, "UPDATE conversations SET state = '{\"frames\":[{'");
    HAS(say(&d, "yes"), "cannot look that up");
    ORDER_IS("PL1001", "paid");
    shop_sql(d.path,
             "UPDATE conversations SET state = "
             "'{\"frames\":[{\"flow\":\"cancel\",\"asked\":99,\"yes\":\"zz\",\"slots\":[]}],"
             "\"queue\":3,\"choices\":[1],\"mentioned\":null}'");
    (void)say(&d, "yes");
    ORDER_IS("PL1001", "paid");
    desk_case_close(&d);
}
END_TEST

static int keep_text(void *user, const char *text, size_t n) {
    char *all = user;
    strncat(all, text, n);
    return 0;
}

START_TEST(options_and_calls_are_checked) {
    desk_case d;
    llmcs_shop_message m;
    char streamed[1000] = "";
    desk_case_make(&d);
    d.options.max_text_bytes = 0;
    SHOP_FAILS(llmcs_shop_desk_open(d.shop, &d.options, &d.desk), LLMCS_ARG, "max_text_bytes: 0 is not valid");
    d.options.max_text_bytes = 100;
    d.options.flows_path = "x";
    SHOP_FAILS(llmcs_shop_desk_open(d.shop, &d.options, &d.desk), LLMCS_ARG, "exclude each other");
    d.options.flows_json = NULL;
    SHOP_FAILS(llmcs_shop_desk_open(d.shop, &d.options, &d.desk), LLMCS_IO, "x: cannot be opened");
    d.options.flows_path = NULL;
    d.options.flows_json = desk_flows_text();
    SHOP_OK(llmcs_shop_desk_open(d.shop, &d.options, &d.desk));
    llmcs_shop_message_init(&m);
    SHOP_FAILS(llmcs_shop_desk_say(d.desk, &m, &d.turn), LLMCS_ARG, "conversation is missing");
    m.conversation = "c";
    SHOP_FAILS(llmcs_shop_desk_say(d.desk, &m, &d.turn), LLMCS_ARG, "text is NULL");
    m.text = "when do you open";
    m.on_text = keep_text;
    m.on_text_user = streamed;
    SHOP_OK(llmcs_shop_desk_say(d.desk, &m, &d.turn));
    ck_assert_str_eq(streamed, d.turn->reply);
    llmcs_shop_turn_free(&d.turn);
    SHOP_FAILS(llmcs_shop_desk_say(NULL, &m, &d.turn), LLMCS_STATE, "the desk is NULL");
    desk_case_close(&d);
}
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, order_is_looked_up);
    tcase_add_test(t, order_of_somebody_else_is_not_found);
    tcase_add_test(t, cancel_needs_a_clear_yes);
    tcase_add_test(t, flow_that_says_nothing_is_not_understood);
    tcase_add_test(t, correction_runs_the_flow_again);
    tcase_add_test(t, order_that_changed_meanwhile_takes_its_branch);
    tcase_add_test(t, stale_yes_is_asked_again);
    tcase_add_test(t, digression_comes_back);
    tcase_add_test(t, several_wishes_are_answered_in_order);
    tcase_add_test(t, parts_without_an_answer_are_said_to_have_none);
    tcase_add_test(t, misspelt_messages_are_understood_and_stored_as_they_are);
    tcase_add_test(t, person_is_called_from_any_state);
    tcase_add_test(t, unknown_asks_back_once_then_hands_over);
    tcase_add_test(t, messages_without_a_subject_are_asked_back);
    tcase_add_test(t, same_message_id_same_answer);
    tcase_add_test(t, conversation_belongs_to_its_customer);
    tcase_add_test(t, a_question_is_no_address);
    tcase_add_test(t, ordinals_choose_and_do_nothing_else);
    tcase_add_test(t, times_of_a_turn_are_not_negative);
    tcase_add_test(t, free_text_and_tickets);
    tcase_add_test(t, giving_up_and_missing_slots);
    tcase_add_test(t, it_refers_to_what_was_mentioned);
    tcase_add_test(t, long_and_odd_messages);
    tcase_add_test(t, works_without_flows_and_classifier);
    tcase_add_test(t, closed_conversation_begins_anew);
    tcase_add_test(t, damaged_state_is_said);
    tcase_add_test(t, options_and_calls_are_checked);
}

SUITE_MAIN("shop/desk/desk", add)
