/* Which entry answers: by the order in focus, and when the one that fits best has just been given. */
#include "shop/desk/desk_case.h"

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

static void add(TCase *t) {
    tcase_set_timeout(t, 60);
    tcase_add_test(t, the_order_in_focus_chooses);
    tcase_add_test(t, wrong_entries);
}

SUITE_MAIN("shop/desk/entries", add)
