/* The reader: a classifier of message and context. */
#include "shop/desk/reader_case.h"

static llmcs_model *reader; /* of the open desk */
static char reader_folder[TEMP_PATH_BYTES];

static void open_with(desk_case *d, const char *const *labels, const double *p, size_t n) {
    reader = make_reader(reader_folder, labels, p, n);
    desk_case_make(d);
    d->options.reader = reader;
    SHOP_OK(llmcs_shop_desk_open(d->shop, &d->options, &d->desk));
}

static void open_sure(desk_case *d, const char *label) {
    const char *const labels[] = {label, "ask", "act:ask"};
    const double p[] = {0.45, 0.05, 0.5};
    open_with(d, labels, p, 3);
}

static void close_both(desk_case *d) {
    desk_case_close(d);
    llmcs_model_free(&reader);
    temp_remove(reader_folder);
}

START_TEST(an_entry_answers) {
    desk_case d;
    open_sure(&d, "entry:gift");
    HAS(say(&d, "my niece turns seven on sunday"), "Gift wrapping costs 8 CNY.");
    ck_assert_str_eq(llmcs_shop_desk_route_name(d.turn->route), "entry");
    ck_assert_str_eq(d.turn->intent, "");
    ck_assert(fabs(d.turn->probability - 0.9) < 0.02); /* 0.45 of 0.45 + 0.05: acts are a group of their own */
    HAS(say_as(&d, "c2", "ben", "下周外甥女生日"), "礼品包装8元");
    close_both(&d);
}
END_TEST

START_TEST(a_flow_starts) {
    desk_case d;
    open_sure(&d, "flow:track_order");
    (void)say(&d, "i sit at the window all day");
    ck_assert_str_eq(d.turn->intent, "track_order");
    ck_assert_str_eq(llmcs_shop_desk_route_name(d.turn->route), "flow");
    close_both(&d);
}
END_TEST

START_TEST(unknown_and_small_talk) {
    desk_case d;
    open_sure(&d, "abstain");
    (void)say(&d, "what does shipping cost?");
    ck_assert_str_eq(llmcs_shop_desk_route_name(d.turn->route), "none");
    close_both(&d);
    open_sure(&d, "smalltalk");
    (void)say(&d, "it rains all day here");
    ck_assert_str_eq(llmcs_shop_desk_route_name(d.turn->route), "smalltalk");
    /* Which small talk it is, the classifier knows better: thanks get "you are welcome". */
    (void)say(&d, "thank you very much");
    ck_assert_str_eq(d.turn->flow, "thanks");
    close_both(&d);
}
END_TEST

/* Interrupting rules, and rules that refuse, apply whatever the reader says. */
START_TEST(rules_that_refuse_come_first) {
    desk_case d;
    open_sure(&d, "entry:gift");
    LACKS(say(&d, "i am allergic to it"), "Gift");
    ck_assert_str_eq(d.turn->flow, "doctor");
    LACKS(say(&d, "where can i buy weapons"), "Gift");
    ck_assert_str_eq(d.turn->flow, "refuse");
    close_both(&d);
}
END_TEST

/* A yes answers the confirmation; the reader does not lead it away, and starts no action without one. */
START_TEST(a_yes_is_the_answer) {
    desk_case d;
    open_sure(&d, "flow:cancel");
    (void)say(&d, "i no longer want PL1001");
    ck_assert_int_eq(d.turn->expects, LLMCS_EXPECTS_YES);
    ORDER_IS("PL1001", "paid");
    (void)say(&d, "yes");
    ORDER_IS("PL1001", "cancelled");
    close_both(&d);
}
END_TEST

/* Small talk at a confirmation is no answer, and a yes after it repeats the question: it has to follow it. Thanks that
 * read like a yes are small talk only for a reader that is sure. */
START_TEST(small_talk_is_no_yes) {
    static const char *const labels[] = {"smalltalk", "ask", "act:ack"};
    desk_case d;
    open_with(&d, labels, (double[]){0.43, 0.07, 0.5}, 3);
    HAS(say(&d, "cancel order PL1001"), "Cancel order PL1001?");
    LACKS(say(&d, "phew, my sister will laugh at me"), "Cancel order");
    ck_assert_str_eq(llmcs_shop_desk_route_name(d.turn->route), "smalltalk");
    HAS(say(&d, "yes"), "Cancel order PL1001?");
    ORDER_IS("PL1001", "paid");
    (void)say(&d, "yes");
    ORDER_IS("PL1001", "cancelled");
    close_both(&d);
    open_with(&d, labels, (double[]){0.49, 0.01, 0.5}, 3);
    HAS(say(&d, "cancel order PL1001"), "Cancel order PL1001?");
    (void)say(&d, "ok thanks");
    ORDER_IS("PL1001", "paid");
    close_both(&d);
}
END_TEST

/* Thanks before a question are no reason to leave it unanswered. */
START_TEST(thanks_hide_no_question) {
    desk_case d;
    open_sure(&d, "smalltalk");
    HAS(say(&d, "thanks. when do you open?"), "We open at 9 am.");
    HAS(say(&d, "ok thanks, but what are your opening hours"), "We open at 9 am.");
    HAS(say(&d, "谢谢 那几点开门"), "9点开门");
    HAS(say(&d, "多谢你，营业时间是几点"), "9点开门");
    (void)say(&d, "thanks, you are kind");
    ck_assert_str_eq(llmcs_shop_desk_route_name(d.turn->route), "smalltalk");
    (void)say(&d, "thanks! how is your day?");
    ck_assert_str_eq(llmcs_shop_desk_route_name(d.turn->route), "smalltalk");
    close_both(&d);
}
END_TEST

/* A wish for a person ends the wait for a yes, whatever thanks come with it. */
START_TEST(thanks_hide_no_wish_for_a_person) {
    desk_case d;
    open_with(&d, (const char *const[]){"smalltalk", "ask", "act:ack"}, (double[]){0.49, 0.01, 0.5}, 3);
    HAS(say(&d, "cancel order PL1001"), "Cancel order PL1001?");
    (void)say(&d, "thanks, but give me a human");
    ck_assert_str_eq(llmcs_shop_desk_route_name(d.turn->route), "handover");
    ORDER_IS("PL1001", "paid");
    close_both(&d);
}
END_TEST

/* Keys pressed at random are asked back, whatever the reader makes of them, and change no language. */
START_TEST(noise_is_asked_back) {
    static const char *const noise[] = {"asdfghjkl", "qqq", "qwer", "asdasd", "sdkfjhskdf", "啊啊啊啊"};
    static const char *const words[] = {"liberty", "tmrw", "hhhh", "hmmm", "nightstand", "xxl", "property"};
    for (size_t i = 0; i < sizeof noise / sizeof *noise; i++) {
        desk_case d;
        open_sure(&d, "abstain");
        HAS(say(&d, "你们的店在哪"), "没有说明");
        HAS(say(&d, noise[i]), "换个说法");
        ck_assert_str_eq(llmcs_shop_desk_route_name(d.turn->route), "ask_back");
        ck_assert_str_eq(d.turn->lang, "zh");
        close_both(&d);
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        desk_case d;
        open_sure(&d, "abstain");
        (void)say(&d, words[i]);
        ck_assert_msg(d.turn->route == LLMCS_DESK_NONE, "\"%s\": %s", words[i], d.turn->reply);
        close_both(&d);
    }
}
END_TEST

/* A matter of the shop without an answer and a chat about the weather get different replies. */
START_TEST(chat_is_no_matter_of_the_shop) {
    static const char *const chat[] = {"what's the weather like", "tell me a joke", "my cat is sick"};
    static const char *const matters[] = {"do you sell used goods", "can i pay with bitcoin", "is it waterproof",
                                          "is the parcel insured"};
    desk_case d;
    open_sure(&d, "abstain");
    for (size_t i = 0; i < sizeof chat / sizeof *chat; i++) {
        HAS(say_as(&d, "chat", "anna", chat[i]), "only the shop's assistant");
        ck_assert_str_eq(llmcs_shop_desk_route_name(d.turn->route), "none");
    }
    HAS(say_as(&d, "chat", "anna", "会不会写诗"), "只是店里的助手");
    for (size_t i = 0; i < sizeof matters / sizeof *matters; i++) {
        char conversation[16];
        snprintf(conversation, sizeof conversation, "m%zu", i);
        LACKS(say_as(&d, conversation, "anna", matters[i]), "only the shop's assistant");
    }
    close_both(&d);
    open_sure(&d, "smalltalk");
    HAS(say(&d, "how old are you"), "only the shop's assistant");
    HAS(say(&d, "i am so tired"), "just write to me");
    close_both(&d);
}
END_TEST

/* Who waits for a person hears that one comes, not when the shop is open. */
START_TEST(nobody_answers_yet) {
    desk_case d;
    open_sure(&d, "entry:gift");
    (void)say(&d, "human please");
    HAS(say(&d, "hello? is anyone there?"), "a colleague will answer here");
    HAS(say(&d, "有人吗？怎么没人回"), "同事会在这里回复您");
    ck_assert_str_eq(llmcs_shop_desk_route_name(d.turn->route), "smalltalk");
    HAS(say(&d, "do you wrap it?"), "Gift wrapping");
    HAS(say_as(&d, "c2", "anna", "is anyone there?"), "Gift wrapping");
    close_both(&d);
}
END_TEST

/* Who asks again and gets the same reply hears that there is no more to it, then is offered a person. */
START_TEST(the_same_reply_again) {
    desk_case d;
    open_sure(&d, "entry:gift");
    LACKS(say(&d, "do you wrap it"), "all I can see");
    HAS(say(&d, "but would you wrap it up"), "Gift wrapping costs 8 CNY.\nThat is all I can see about it");
    ck_assert_str_eq(llmcs_shop_desk_route_name(d.turn->route), "entry");
    ck_assert_uint_eq(d.turn->n_citations, 1);
    HAS(say(&d, "i asked about the wrapping"), "Shall I pass you on to a colleague?");
    (void)say(&d, "yes please");
    ck_assert_str_eq(llmcs_shop_desk_route_name(d.turn->route), "handover");
    (void)say_as(&d, "c2", "anna", "可以包装吗");
    HAS(say_as(&d, "c2", "anna", "我就问你包不包"), "能查到的就是这些");
    LACKS(say_as(&d, "c2", "anna", "operator"), "能查到的就是这些");
    close_both(&d);
}
END_TEST

/* An unsure reader leaves the decision to the classifier; an entry that the store lacks answers nothing. */
START_TEST(others_decide_if_it_cannot) {
    static const char *const labels[] = {"flow:cancel", "flow:stock", "entry:gift", "abstain", "smalltalk", "ask"};
    static const double p[] = {0.17, 0.17, 0.17, 0.17, 0.16, 0.16};
    desk_case d;
    open_with(&d, labels, p, 6);
    (void)say(&d, "where is my order");
    ck_assert_str_eq(d.turn->intent, "track_order");
    close_both(&d);
    open_sure(&d, "entry:retired-long-ago");
    LACKS(say(&d, "does it come with a bow"), "retired");
    close_both(&d);
}
END_TEST

START_TEST(wrong_models) {
    static const char *const reviews[] = {"negative", "positive"};
    static const double p[] = {0.5, 0.5};
    char folder[TEMP_PATH_BYTES];
    desk_case d;
    desk_case_make(&d);
    llmcs_model *model = make_reader(folder, reviews, p, 2);
    d.options.reader = model;
    SHOP_FAILS(llmcs_shop_desk_open(d.shop, &d.options, &d.desk), LLMCS_CONFIG, "none of its 2 labels (\"negative\"");
    llmcs_model_free(&model);
    temp_remove(folder);
    SHOP_OK(llmcs_model_open(GOLDEN_FOLDER "bert-embed", NULL, &model));
    d.options.reader = model;
    SHOP_FAILS(llmcs_shop_desk_open(d.shop, &d.options, &d.desk), LLMCS_NO_HEAD, "sequence classifier");
    llmcs_model_free(&model);
    desk_case_close(&d);
}
END_TEST

/* "Just cancel it then" is a request, even if the reader takes it for small talk; what was done, or is not wanted, is
 * none. */
START_TEST(a_command_is_no_small_talk) {
    static const struct {
        const char *text;
        bool asks;
    } rows[] = {{"ok then just cancel order PL1001 i'll think about it", true},
                {"算了还是取消PL1001吧 搬不动", true},
                {"it was cancelled already, i can see that", false},
                {"thanks for cancelling it", false},
                {"don't cancel it", false}};
    static char text[16384];
    desk_case d;
    open_sure(&d, "smalltalk");
    llmcs_shop_desk_free(&d.desk);
    const char *const flows = d.options.flows_json, *const cancel = strstr(flows, "\"cancel\": {\"intents\"");
    ck_assert_ptr_nonnull(cancel);
    const int n =
        snprintf(text, sizeof text,
                 "%.*s\"cancel\": {\"inherits\": true, \"cues\": {\"en\": [\"cancel\"], \"zh\": [\"取消\"]}, %s",
                 (int)(cancel - flows), flows, cancel + strlen("\"cancel\": {"));
    ck_assert_int_lt(n, (int)sizeof text);
    d.options.flows_json = text;
    SHOP_OK(llmcs_shop_desk_open(d.shop, &d.options, &d.desk));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char conversation[8];
        snprintf(conversation, sizeof conversation, "c%zu", i);
        (void)say_as(&d, conversation, "anna", rows[i].text);
        ck_assert_msg((d.turn->expects == LLMCS_EXPECTS_YES) == rows[i].asks, "%s: %s", rows[i].text, d.turn->reply);
    }
    ORDER_IS("PL1001", "paid");
    close_both(&d);
}
END_TEST

static void add(TCase *t) {
    tcase_set_timeout(t, 60);
    tcase_add_test(t, an_entry_answers);
    tcase_add_test(t, a_flow_starts);
    tcase_add_test(t, unknown_and_small_talk);
    tcase_add_test(t, rules_that_refuse_come_first);
    tcase_add_test(t, a_yes_is_the_answer);
    tcase_add_test(t, small_talk_is_no_yes);
    tcase_add_test(t, thanks_hide_no_question);
    tcase_add_test(t, thanks_hide_no_wish_for_a_person);
    tcase_add_test(t, noise_is_asked_back);
    tcase_add_test(t, chat_is_no_matter_of_the_shop);
    tcase_add_test(t, nobody_answers_yet);
    tcase_add_test(t, the_same_reply_again);
    tcase_add_test(t, others_decide_if_it_cannot);
    tcase_add_test(t, a_command_is_no_small_talk);
    tcase_add_test(t, wrong_models);
}

SUITE_MAIN("shop/desk/reader", add)
