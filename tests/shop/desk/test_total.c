/* What goods cost together: pieces, extras and shipping of the product in focus, and what is no such sum. */
#include "desk_case.h"

static const char flows[] =
    "\"format\":1,\"languages\":[\"en\",\"zh\"],\"facts\":{\"fee\":10,\"free\":99,\"wrap\":8,\"open\":\"nine\"},"
    "\"slots\":{\"product\":{\"type\":\"product\",\"ask\":{\"en\":\"Which product?\",\"zh\":\"哪款？\"}},"
    "\"aspect\":{\"type\":\"choice\",\"ask\":{\"en\":\"What?\",\"zh\":\"什么？\"},\"options\":["
    "{\"value\":\"price\",\"words\":{\"en\":[\"how much\",\"price\"],\"zh\":[\"多少钱\"]}}]}},"
    "\"finds\":{\"p\":{\"sql\":\"SELECT id, price FROM products WHERE id = :product\",\"tables\":[\"products\"]}},"
    "\"flows\":{\"product\":{\"listed\":true,\"steps\":[{\"slot\":\"product\"},{\"find\":\"p\"},{\"if\":{\"aspect\":"
    "\"price\"},"
    "\"then\":[{\"say\":{\"en\":\"{product} costs {p.price|money}.\",\"zh\":\"{product}卖{p.price|money}。\"}}],"
    "\"else\":[{\"say\":{\"en\":\"About {product}.\",\"zh\":\"关于{product}。\"}}]}]},"
    "\"range\":{\"steps\":[{\"recommend\":{\"by\":\"text\",\"k\":4,\"have\":true}}]}},"
    "\"rules\":[{\"words\":{\"en\":[\"do you have\"],\"zh\":[\"有没有\"]},\"flow\":\"range\"},"
    "{\"words\":{\"en\":[\"gift wrap\"],\"zh\":[\"礼品包装\"]},\"entry\":\"gift\"}]}";

#define TITLE(en, zh) "\"title\":{\"en\":\"" en "\",\"zh\":\"" zh "\"}"
#define WORDS "\"words\":{\"en\":[\"in total\",\"with shipping\",\"altogether\"],\"zh\":[\"一共\",\"加运费\"]}"
#define SHIPPING \
    "\"shipping\":{\"fee\":\"fee\",\"free_from\":\"free\"," TITLE("Shipping", "运费") ",\"not\":{" \
                                                                                      "\"en\":[\"hong kong\"],\"zh\":[\"香港\"]}}"
#define EXTRAS \
    "\"extras\":[{\"fact\":\"wrap\"," TITLE("Wrapping", "包装") ",\"words\":{\"en\":[\"wrap\"],\"zh\":[\"包装\"]}}]"

static void put_kite(llmcs_shop *shop, const char *id, const char *en, const char *zh, double price,
                     const char *currency) {
    static const char *const tags[] = {"kite"};
    const llmcs_shop_product_text texts[] = {{"en", en, NULL, NULL}, {"zh", zh, NULL, NULL}};
    const llmcs_shop_product p = {.struct_size = sizeof p,
                                  .id = id,
                                  .texts = texts,
                                  .n_texts = 2,
                                  .category = "toys",
                                  .tags = tags,
                                  .n_tags = 1,
                                  .price = price,
                                  .currency = currency,
                                  .stock = 5};
    const llmcs_shop_product *list[] = {&p};
    SHOP_OK(llmcs_shop_put_products(shop, list, 1, NULL, NULL, NULL));
}

static void open_with_currency(desk_case *d, const char *totals, const char *second) {
    static char text[8192];
    desk_case_make(d);
    snprintf(text, sizeof text, "{%s%s%s", totals, *totals ? "," : "", flows);
    d->options.flows_json = text;
    d->options.intents = NULL;
    put_kite(d->shop, "k1", "Timberling Family Kite, blue", "小木林 家庭风筝 蓝色", 41, "CNY");
    put_kite(d->shop, "k2", "Puddle First Kite, red", "水坑狐 启蒙风筝 红色", 58.5, second);
    SHOP_OK(llmcs_shop_desk_open(d->shop, &d->options, &d->desk));
}

static void open_with(desk_case *d, const char *totals) { open_with_currency(d, totals, "CNY"); }

START_TEST(pieces_extras_and_shipping_are_added) {
    desk_case d;
    open_with(&d, "\"totals\":{" WORDS "," SHIPPING "," EXTRAS "}");
    HAS(say(&d, "do you have kites?"), "2. Puddle First Kite, red");
    HAS(say(&d, "how much is the second one"), "Puddle First Kite, red costs 58.50.");
    HAS(say(&d, "how much in total with shipping?"), "Puddle First Kite, red: ¥58.50\nShipping: ¥10\nTogether ¥68.50");
    ck_assert_str_eq(d.turn->flow, "product");
    HAS(say(&d, "and two of them, how much would that be"),
        "2 x Puddle First Kite, red: ¥117\nShipping: ¥0\nTogether ¥117");
    HAS(say(&d, "can you wrap them? how much altogether for 2 of those"), "Wrapping: ¥16");
    HAS(d.turn->reply, "Together ¥133");
    HAS(say(&d, "how much for two"), "2 x Puddle First Kite, red: ¥117");
    HAS(say(&d, "how much for 3 pieces"), "3 x Puddle First Kite, red: ¥175.50\nShipping: ¥0");
    (void)say_as(&d, "z", NULL, "有没有风筝");
    HAS(say_as(&d, "z", NULL, "第一个两个一共多少钱"), "2 x 小木林 家庭风筝 蓝色：¥82\n运费：¥10\n一共¥92");
    HAS(say_as(&d, "z", NULL, "3个带包装多少钱"), "3 x 小木林 家庭风筝 蓝色：¥123\n包装：¥24\n运费：¥0\n一共¥147");
    desk_case_close(&d);
}
END_TEST

START_TEST(both_of_two_listed_are_added) {
    desk_case d;
    open_with(&d, "\"totals\":{" WORDS "}");
    (void)say(&d, "do you have a kite?");
    HAS(say(&d, "how much would both be in total"), "Timberling Family Kite, blue: ¥41");
    HAS(d.turn->reply, "Puddle First Kite, red: ¥58.50");
    HAS(d.turn->reply, "Together ¥99.50");
    LACKS(d.turn->reply, "Shipping");
    desk_case_close(&d);
    open_with_currency(&d, "\"totals\":{" WORDS "}", "EUR");
    (void)say(&d, "do you have a kite?");
    LACKS(say(&d, "how much would both be in total"), "Together");
    desk_case_close(&d);
}
END_TEST

/* No product in focus, no question about money, another place, an order, or no "totals" at all. */
START_TEST(other_messages_are_no_sums) {
    desk_case d;
    open_with(&d, "\"totals\":{" WORDS "," SHIPPING "}");
    LACKS(say(&d, "how much in total with shipping?"), "Together");
    (void)say(&d, "do you have a kite?");
    (void)say(&d, "how much is the second one");
    LACKS(say(&d, "two of them are for my sister"), "Together");
    LACKS(say(&d, "how much in total to hong kong"), "Together");
    LACKS(say(&d, "how much was my order in total"), "Together");
    desk_case_close(&d);
    open_with(&d, "");
    (void)say(&d, "do you have a kite?");
    (void)say(&d, "how much is the second one");
    LACKS(say(&d, "how much in total with shipping?"), "Together");
    desk_case_close(&d);
}
END_TEST

START_TEST(wrong_totals) {
    static const char *const faults[][2] = {
        {"\"totals\":[]", "expected an object"},
        {"\"totals\":{}", "\"words\" is missing"},
        {"\"totals\":{" WORDS ",\"sum\":1}", "unknown key"},
        {"\"totals\":{" WORDS ",\"shipping\":{\"fee\":\"freight\"," TITLE("S", "运") "}}",
         "\"freight\": no such number"},
        {"\"totals\":{" WORDS ",\"shipping\":{\"fee\":\"open\"," TITLE("S", "运") "}}", "\"open\": no such number"},
        {"\"totals\":{" WORDS ",\"shipping\":{\"fee\":\"fee\"}}", "\"title\" is missing"},
        {"\"totals\":{" WORDS ",\"extras\":[5]}", "expected an object with \"fact\""},
        {"\"totals\":{" WORDS ",\"extras\":[{\"fact\":\"wrap\"}]}", "\"words\" is missing"},
    };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        static char text[8192];
        desk_case d;
        desk_case_make(&d);
        snprintf(text, sizeof text, "{%s,%s", faults[i][0], flows);
        d.options.flows_json = text;
        SHOP_FAILS(llmcs_shop_desk_open(d.shop, &d.options, &d.desk), LLMCS_FORMAT, faults[i][1]);
        desk_case_close(&d);
    }
}
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, pieces_extras_and_shipping_are_added);
    tcase_add_test(t, both_of_two_listed_are_added);
    tcase_add_test(t, other_messages_are_no_sums);
    tcase_add_test(t, wrong_totals);
}

SUITE_MAIN("shop/desk/total", add)
