/* Which entry answers: by the order in focus, and when the one that fits best has just been given. */
#include "shop/desk/reader_case.h"

static llmcs_model *reader; /* of the open desk */
static char reader_folder[TEMP_PATH_BYTES];

/* Opens the desk with a reader that gives these probabilities to every message. */
static void open_with_reader(desk_case *d, const char *const *labels, const double *p, size_t n) {
    reader = make_reader(reader_folder, labels, p, n);
    desk_case_make(d);
    d->options.reader = reader;
    SHOP_OK(llmcs_shop_desk_open(d->shop, &d->options, &d->desk));
}

static void close_with_reader(desk_case *d) {
    desk_case_close(d);
    llmcs_model_free(&reader);
    temp_remove(reader_folder);
}

/* Opens the desk with this member of flows.json before the others. */
static void open_with_entries(desk_case *d, const char *entries) {
    static char text[20000];
    const char *flows = desk_flows_text();
    desk_case_make(d);
    snprintf(text, sizeof text, "{%s,%s", entries, strchr(flows, '{') + 1);
    d->options.flows_json = text;
    SHOP_OK(llmcs_shop_desk_open(d->shop, &d->options, &d->desk));
}

#define SHIP_OF_80 "\"entries\":{\"ship\":[{\"if\":{\"o.total\":{\"more\":75}},\"entry\":\"gift\"}]}"

/* The entry for the order in focus answers; without an order, or once it is long ago, the plain one. */
START_TEST(the_order_in_focus_chooses) {
    desk_case d;
    open_with_entries(&d, SHIP_OF_80);
    HAS(say(&d, "what does shipping cost?"), "Shipping costs 10 CNY.");
    (void)say(&d, "where is PL1001");
    HAS(say(&d, "what does shipping cost?"), "Shipping costs 10 CNY.");
    (void)say(&d, "where is PL1002");
    HAS(say(&d, "what does shipping cost?"), "Gift wrapping costs 8 CNY.");
    LACKS(d.turn->reply, "Shipping");
    ck_assert_uint_eq(d.turn->n_citations, 1);
    ck_assert_str_eq(d.turn->citations[0]->id, "gift");
    for (int i = 0; i < 4; i++) (void)say(&d, "thanks");
    HAS(say(&d, "what does shipping cost?"), "Shipping costs 10 CNY.");
    HAS(say_as(&d, "c2", "ben", "运费多少"), "运费10元");
    HAS(say_as(&d, "c3", NULL, "what does shipping cost?"), "Shipping costs 10 CNY.");
    desk_case_close(&d);
}
END_TEST

START_TEST(wrong_entries) {
    static const char *const faults[][2] = {
        {"\"entries\":[]", "expected an object of entries"},
        {"\"entries\":{\"ship\":\"gift\"}", "entries.ship: expected an array of 1 to 16 objects"},
        {"\"entries\":{\"ship\":[]}", "entries.ship: expected an array of 1 to 16 objects"},
        {"\"entries\":{\"ship\":[{\"if\":{\"o.total\":80}}]}", "\"entry\" is missing"},
        {"\"entries\":{\"ship\":[{\"entry\":\"gift\"}]}", "\"if\" is missing"},
        {"\"entries\":{\"ship\":[{\"if\":{},\"entry\":\"gift\"}]}", "expected an object of conditions"},
        {"\"entries\":{\"ship\":[{\"if\":{\"o.weight\":1},\"entry\":\"gift\"}]}", "find o has no column \"weight\""},
        {"\"entries\":{\"ship\":[{\"if\":{\"order\":\"PL1\"},\"entry\":\"gift\"}]}", "expected a column of a find"},
        {"\"entries\":{\"ship\":[{\"iff\":{\"o.total\":80},\"entry\":\"gift\"}]}", "unknown key"},
        {"\"entries\":{\"ship\":[5]}", "expected an object with \"if\" and \"entry\""},
    };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        static char text[20000];
        desk_case d;
        desk_case_make(&d);
        snprintf(text, sizeof text, "{%s,%s", faults[i][0], strchr(desk_flows_text(), '{') + 1);
        d.options.flows_json = text;
        SHOP_FAILS(llmcs_shop_desk_open(d.shop, &d.options, &d.desk), LLMCS_FORMAT, faults[i][1]);
        desk_case_close(&d);
    }
}
END_TEST

/* ---- the same entry again */

static const char *const two_entries[] = {"entry:gift", "entry:ship", "ask", "act:ask"};

/* A message about something else gets the entry that fits it next, not the same one again. */
START_TEST(the_next_entry_answers) {
    desk_case d;
    open_with_reader(&d, two_entries, (double[]){0.225, 0.21, 0.015, 0.55}, 4);
    HAS(say(&d, "do you wrap it"), "Gift wrapping costs 8 CNY.");
    HAS(say(&d, "and what if it is far away"), "Shipping costs 10 CNY.");
    LACKS(d.turn->reply, "Gift");
    LACKS(d.turn->reply, "all I can see");
    ck_assert_uint_eq(d.turn->n_citations, 1);
    ck_assert_str_eq(d.turn->citations[0]->id, "ship");
    ck_assert_uint_eq(d.turn->citations[0]->reply_begin, 0);
    ck_assert_uint_eq(d.turn->citations[0]->reply_end, strlen("Shipping costs 10 CNY."));
    (void)say_as(&d, "c2", "ben", "可以包装吗");
    HAS(say_as(&d, "c2", "ben", "那我住得很远呢"), "运费10元");
    close_with_reader(&d);
}
END_TEST

/* Without a likely one, who says that it did not help gets a person; who only insists, the same entry. */
START_TEST(a_person_if_it_did_not_help) {
    static const char *const failed[] = {"i can't find that. can you just do it for me?", "there's no such button",
                                         "already tried that, still nothing", "找不到这个按钮", "试过了还是不行"};
    for (size_t i = 0; i < sizeof failed / sizeof *failed; i++) {
        desk_case d;
        open_with_reader(&d, two_entries, (double[]){0.4, 0.01, 0.04, 0.55}, 4);
        LACKS(say(&d, failed[i]), "colleague");
        ck_assert_str_eq(llmcs_shop_desk_route_name(d.turn->route), "entry");
        (void)say(&d, failed[i]);
        ck_assert_msg(d.turn->route == LLMCS_DESK_HANDOVER, "\"%s\": %s", failed[i], d.turn->reply);
        ck_assert_str_eq(d.turn->handover_reason, "no_help");
        ck_assert_uint_eq(d.turn->n_citations, 0);
        LACKS(d.turn->reply, "Gift");
        close_with_reader(&d);
    }
    desk_case d;
    open_with_reader(&d, two_entries, (double[]){0.4, 0.01, 0.04, 0.55}, 4);
    (void)say(&d, "do you wrap it");
    HAS(say(&d, "but would you wrap it up"), "Gift wrapping costs 8 CNY.\nThat is all I can see about it");
    close_with_reader(&d);
}
END_TEST

/* The status that an order had a minute ago is no help to who contradicts it. */
START_TEST(a_person_if_a_flow_did_not_help) {
    desk_case d;
    desk_case_open(&d);
    HAS(say(&d, "where is PL1002"), "on its way");
    HAS(say(&d, "where is PL1002"), "on its way");
    (void)say(&d, "i know, you already said where is PL1002");
    ck_assert_str_eq(d.turn->handover_reason, "no_help");
    desk_case_close(&d);
}
END_TEST

/* ---- several questions */

/* A part that surely asks is answered after what the whole message means; a remark is not. */
START_TEST(every_question_is_answered) {
    static const char *const asks[] = {"entry:gift", "ask", "act:ask"}, *const remarks[] = {"entry:gift", "ask",
                                                                                            "act:remark"};
    static const double p[] = {0.45, 0.05, 0.5};
    desk_case d;
    open_with_reader(&d, asks, p, 3);
    HAS(say(&d, "where is PL1002? and please wrap the other one"), "on its way");
    HAS(d.turn->reply, "Gift wrapping costs 8 CNY.");
    ck_assert_uint_eq(d.turn->n_citations, 1);
    HAS(say_as(&d, "c2", "anna", "PL1002到哪了 另一个要包装"), "礼品包装8元");
    LACKS(say_as(&d, "c3", "anna", "where is PL1002"), "Gift");
    close_with_reader(&d);
    open_with_reader(&d, remarks, p, 3);
    LACKS(say(&d, "where is PL1002? and please wrap the other one"), "Gift");
    close_with_reader(&d);
}
END_TEST

/* ---- after an action, or while the conversation waits */

#define REGISTERED "\"flows\": {\"registered\": {\"steps\": [{\"last_action\": true}]}, "

static void open_with_progress(desk_case *d) {
    static char text[20000];
    const char *flows = desk_flows_text(), *at = strstr(flows, "\"flows\": {");
    desk_case_make(d);
    snprintf(text, sizeof text, "%.*s" REGISTERED "%s", (int)(at - flows), flows, at + strlen("\"flows\": {"));
    d->options.flows_json = text;
    SHOP_OK(llmcs_shop_desk_open(d->shop, &d->options, &d->desk));
}

START_TEST(what_was_done_is_said) {
    static const char *const asked[] = {"nvm. is it reported or not?", "when will you get back to me",
                                        "did it go through?", "算了 你们啥时候能给我回", "报上去了吗"};
    desk_case d;
    open_with_progress(&d);
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        char conversation[16];
        snprintf(conversation, sizeof conversation, "p%zu", i);
        LACKS(say_as(&d, conversation + 1, "anna", asked[i]), "Return of");
        (void)say_as(&d, conversation, "anna", "return order PL1003");
        (void)say_as(&d, conversation, "anna", "too small");
        (void)say_as(&d, conversation, "anna", "yes");
        ck_assert_int_eq(d.turn->action_state, LLMCS_ACTION_DONE);
        HAS(say_as(&d, conversation, "anna", asked[i]), "Return of PL1003 is recorded.");
        ck_assert_str_eq(d.turn->flow, "registered");
        ck_assert_str_eq(d.turn->action, "");
    }
    desk_case_close(&d);
}
END_TEST

START_TEST(who_waits_hears_that_a_person_answers) {
    static const char *const asked[] = {"how long is that gonna take, i been waiting since the 5th",
                                        "did the change go through", "can you tell them it is the small one",
                                        "when will somebody answer me"};
    desk_case d;
    open_with_progress(&d);
    (void)say(&d, "human please");
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        HAS(say(&d, asked[i]), "olleague will answer here");
        ck_assert_int_eq(d.turn->expects, LLMCS_EXPECTS_PERSON);
    }
    HAS(say(&d, "还要等多久"), "同事会在这里回复您");
    LACKS(say(&d, "how long will it take until you refund the money"), "olleague will answer here");
    LACKS(say_as(&d, "c2", "anna", "how long is that gonna take"), "olleague will answer here");
    desk_case_close(&d);
}
END_TEST

static void add(TCase *t) {
    tcase_set_timeout(t, 60);
    tcase_add_test(t, the_order_in_focus_chooses);
    tcase_add_test(t, wrong_entries);
    tcase_add_test(t, the_next_entry_answers);
    tcase_add_test(t, a_person_if_it_did_not_help);
    tcase_add_test(t, a_person_if_a_flow_did_not_help);
    tcase_add_test(t, every_question_is_answered);
    tcase_add_test(t, what_was_done_is_said);
    tcase_add_test(t, who_waits_hears_that_a_person_answers);
}

SUITE_MAIN("shop/desk/entries", add)
