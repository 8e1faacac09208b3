/* Products that are searched and listed, and follow-up messages about a list or about orders. */
#include "desk_case.h"

static const char flows[] =
    "{\"format\":1,\"languages\":[\"en\",\"zh\"],"
    "\"slots\":{\"order\":{\"type\":\"order\",\"pattern\":\"PL[0-9]{4}\",\"ask\":{\"en\":\"Which "
    "order?\",\"zh\":\"哪个订单？\"}},"
    "\"product\":{\"type\":\"product\",\"ask\":{\"en\":\"Which product?\",\"zh\":\"哪款？\"}},"
    "\"aspect\":{\"type\":\"choice\",\"ask\":{\"en\":\"What?\",\"zh\":\"什么？\"},\"options\":["
    "{\"value\":\"price\",\"words\":{\"en\":[\"how much\",\"price\"],\"zh\":[\"多少钱\"]}},"
    "{\"value\":\"material\",\"words\":{\"en\":[\"material\",\"made of\"],\"zh\":[\"材质\"]}}]}},"
    "\"finds\":{\"p\":{\"sql\":\"SELECT p.id AS id, p.price AS price FROM products p WHERE p.id = :product\","
    "\"tables\":[\"products\"]},"
    "\"o\":{\"sql\":\"SELECT id, status FROM orders WHERE customer = :customer AND id = "
    ":order\",\"tables\":[\"orders\"]},"
    "\"all\":{\"sql\":\"SELECT id, status FROM orders WHERE customer = :customer ORDER BY id\",\"tables\":[\"orders\"],"
    "\"line\":{\"en\":\"{id}\",\"zh\":\"{id}\"}}},"
    "\"flows\":{"
    "\"product\":{\"listed\":true,\"steps\":[{\"if\":{\"product\":null},\"then\":[{\"recommend\":{\"by\":\"text\","
    "\"k\":4,"
    "\"have\":true}},{\"end\":true}]},{\"find\":\"p\"},{\"if\":{\"aspect\":\"price\"},\"then\":[{\"say\":{\"en\":"
    "\"{product} costs "
    "{p.price|money}.\",\"zh\":\"{product}卖{p.price|money}。\"}}],\"else\":[{\"say\":{\"en\":\"About "
    "{product}.\",\"zh\":\"关于{product}。\"}}]}]},"
    "\"range\":{\"steps\":[{\"recommend\":{\"by\":\"text\",\"k\":4,\"have\":true},\"none\":[{\"say\":{\"en\":\"Not "
    "ours.\",\"zh\":\"没有卖。\"}}]}]},"
    "\"gift\":{\"steps\":[{\"recommend\":{\"by\":\"text\",\"k\":3}}]},"
    "\"medical\":{\"route\":\"none\",\"steps\":[{\"say\":{\"en\":\"Ask a doctor.\",\"zh\":\"请问医生。\"}}]},"
    "\"status\":{\"listed\":true,\"steps\":[{\"if\":{\"order\":null},\"then\":[{\"find\":\"all\"},{\"say\":{\"en\":"
    "\"Yours: "
    "{all.list}\",\"zh\":\"您的：{all.list}\"}},{\"end\":true}]},{\"find\":\"o\"},{\"say\":{\"en\":\"{order} is "
    "{o.status}.\",\"zh\":\"{order}：{o.status}。\"}}]}},"
    "\"rules\":[{\"words\":{\"en\":[\"my orders\"],\"zh\":[\"我的订单\"]},\"flow\":\"status\"},"
    "{\"words\":{\"en\":[\"buy it\"],\"zh\":[\"怎么买\"]},\"entry\":\"gift\"},"
    "{\"words\":{\"en\":[\"pregnant\"],\"zh\":[\"怀孕\"]},\"flow\":\"medical\"},"
    "{\"words\":{\"en\":[\"present for\"],\"zh\":[\"的礼物\"]},\"flow\":\"gift\"},"
    "{\"words\":{\"en\":[\"do you have\"],\"zh\":[\"卖不卖\"]},\"flow\":\"range\"}]}";

/* Kind, name, colour, sizes or capacity. At least two of each kind, so that the titles define it. */
static const struct goods {
    const char *id, *tags[3], *category, *en, *zh, *en_attributes, *zh_attributes;
    double price;
    int64_t stock;
} goods[] = {
    {"s1",
     {"running-shoes", "men", NULL},
     "shoes",
     "Halvard Comfort Running Shoes, black, 36 to 45",
     "哈尔沃 舒适跑步鞋 黑色 36至45",
     "{\"colour\":\"black\",\"sizes\":\"36 to 45\",\"material\":\"mesh\"}",
     "{\"颜色\":\"黑色\",\"尺码\":\"36至45\",\"材质\":\"网布\"}",
     579,
     3},
    {"s2",
     {"running-shoes", "men", NULL},
     "shoes",
     "Pico Classic Running Shoes, dark green, 39 to 41",
     "小径 经典跑步鞋 墨绿 39至41",
     "{\"colour\":\"dark green\",\"sizes\":\"39 to 41\",\"material\":\"suede\"}",
     "{\"颜色\":\"墨绿\",\"尺码\":\"39至41\",\"材质\":\"绒面\"}",
     309,
     3},
    {"s3",
     {"running-shoes", "men", NULL},
     "shoes",
     "Striden Season Running Shoes, black, 40 to 46",
     "行登 当季跑步鞋 黑色 40至46",
     "{\"colour\":\"black\",\"sizes\":\"40 to 46\",\"material\":\"mesh\"}",
     "{\"颜色\":\"黑色\",\"尺码\":\"40至46\",\"材质\":\"网布\"}",
     429,
     3},
    {"t1",
     {"green-tea", "tea", NULL},
     "tea-coffee",
     "Third Kettle House Green Tea, white bag",
     "三壶 本店绿茶 白袋",
     "{\"pack\":\"white bag\"}",
     "{\"包装\":\"白袋\"}",
     99,
     3},
    {"t2",
     {"green-tea", "tea", NULL},
     "tea-coffee",
     "Cloud Hollow Morning Green Tea, red tin",
     "云坳 晨间绿茶 红罐",
     "{\"pack\":\"red tin\"}",
     "{\"包装\":\"红罐\"}",
     79,
     3},
    {"t3",
     {"green-tea", "tea", NULL},
     "tea-coffee",
     "Cloud Hollow Reserve Green Tea, black bag",
     "云坳 珍藏绿茶 黑袋",
     "{\"pack\":\"black bag\"}",
     "{\"包装\":\"黑袋\"}",
     149,
     0},
    {"l1",
     {"body-lotion", "gift", NULL},
     "beauty",
     "Mildly Fresh Body Lotion, green tea, 200 ml",
     "温和记 清爽身体乳 绿茶香 200毫升",
     "{\"scent\":\"green tea\",\"capacity\":\"200 ml\"}",
     "{\"香型\":\"绿茶香\",\"容量\":\"200毫升\"}",
     109,
     3},
    {"l2",
     {"body-lotion", "gift", NULL},
     "beauty",
     "Petra Daily Body Lotion, citrus, 300 ml",
     "石与梅 日常身体乳 柑橘香 300毫升",
     "{\"scent\":\"citrus\",\"capacity\":\"300 ml\"}",
     "{\"香型\":\"柑橘香\",\"容量\":\"300毫升\"}",
     139,
     3},
    {"k1",
     {"kite", "gift", "kids"},
     "toys",
     "Timberling Family Kite, blue",
     "小木林 家庭风筝 蓝色",
     "{\"colour\":\"blue\"}",
     "{\"颜色\":\"蓝色\"}",
     59,
     3},
    {"k2",
     {"kite", "gift", "kids"},
     "toys",
     "Puddle First Kite, red",
     "水坑狐 启蒙风筝 红色",
     "{\"colour\":\"red\",\"age\":\"from 5 years\"}",
     "{\"颜色\":\"红色\",\"适用年龄\":\"5岁以上\"}",
     69,
     3},
    {"b1",
     {"tote-bag", "women", NULL},
     "bags",
     "Carrow Classic Tote Bag, black",
     "卡罗 经典托特包 黑色",
     "{\"colour\":\"black\"}",
     "{\"颜色\":\"黑色\"}",
     209,
     3},
    {"b2",
     {"tote-bag", "women", NULL},
     "bags",
     "Velo Daily Tote Bag, olive",
     "威洛 日用托特包 橄榄绿",
     "{\"colour\":\"olive\"}",
     "{\"颜色\":\"橄榄绿\"}",
     249,
     3},
};

static void put_goods(llmcs_shop *shop, const struct goods *g) {
    const llmcs_shop_product_text texts[] = {{"en", g->en, NULL, g->en_attributes},
                                             {"zh", g->zh, NULL, g->zh_attributes}};
    size_t n_tags = 0;
    while (n_tags < 3 && g->tags[n_tags]) n_tags++;
    const llmcs_shop_product p = {.struct_size = sizeof p,
                                  .id = g->id,
                                  .texts = texts,
                                  .n_texts = 2,
                                  .category = g->category,
                                  .tags = g->tags,
                                  .n_tags = n_tags,
                                  .price = g->price,
                                  .currency = "CNY",
                                  .stock = g->stock};
    const llmcs_shop_product *list[] = {&p};
    SHOP_OK(llmcs_shop_put_products(shop, list, 1, NULL, NULL, NULL));
}

static void open_browse(desk_case *d) {
    desk_case_make(d);
    d->options.flows_json = flows;
    d->options.intents = NULL;
    for (size_t i = 0; i < sizeof goods / sizeof *goods; i++) put_goods(d->shop, &goods[i]);
    SHOP_OK(llmcs_shop_desk_open(d->shop, &d->options, &d->desk));
}

START_TEST(kind_colour_and_size_are_filters) {
    desk_case d;
    open_browse(&d);
    const char *reply = say(&d, "do you have black running shoes in 45?");
    HAS(reply, "Halvard");
    HAS(reply, "Striden");
    LACKS(reply, "Pico");
    LACKS(reply, "Tote");
    HAS(say_as(&d, "z", "ben", "有黑色的跑步鞋吗，39码"), "哈尔沃");
    LACKS(d.turn->reply, "行登");
    LACKS(d.turn->reply, "小径");
    /* None matches: the reply says so and lists the nearest. */
    HAS(say_as(&d, "n", NULL, "do you have pink running shoes?"), "none that are pink");
    HAS(d.turn->reply, "Pico");
    HAS(say_as(&d, "m", NULL, "有粉色的跑步鞋吗"), "没有粉色的");
    HAS(d.turn->reply, "小径");
    desk_case_close(&d);
}
END_TEST

START_TEST(bare_kind_is_sought) {
    desk_case d;
    open_browse(&d);
    HAS(say_as(&d, "1", NULL, "running shoes pls"), "Halvard");
    HAS(say_as(&d, "2", NULL, "一个包"), "卡罗");
    LACKS(d.turn->reply, "风筝");
    HAS(say_as(&d, "3", NULL, "有绿茶吗"), "三壶");
    LACKS(d.turn->reply, "身体乳"); /* its scent is not its kind */
    HAS(say_as(&d, "4", NULL, "green tea body lotion"), "Mildly");
    LACKS(d.turn->reply, "Third Kettle");
    LACKS(say_as(&d, "5", NULL, "包邮吗"), "卡罗");
    HAS(say_as(&d, "6", NULL, "green tea for pregnant"), "Ask a doctor.");
    desk_case_close(&d);
}
END_TEST

START_TEST(gift_is_for_whom_it_names) {
    desk_case d;
    open_browse(&d);
    const char *reply = say_as(&d, "1", NULL, "a present for my girlfriend, under 300");
    HAS(reply, "Lotion");
    LACKS(reply, "Kite");
    reply = say_as(&d, "2", NULL, "有没有送女朋友的礼物，300以内");
    HAS(reply, "身体乳");
    LACKS(reply, "风筝");
    HAS(say_as(&d, "3", NULL, "a present for a 5 year old"), "Kite");
    LACKS(d.turn->reply, "Lotion");
    HAS(say_as(&d, "4", NULL, "5岁男孩的礼物"), "风筝");
    desk_case_close(&d);
}
END_TEST

START_TEST(comparison_changes_a_filter_of_the_list) {
    desk_case d;
    open_browse(&d);
    HAS(say(&d, "do you have black running shoes?"), "¥429");
    HAS(say(&d, "how much is the second one"), "costs 579.");
    HAS(say(&d, "anything cheaper?"), "Striden");
    LACKS(d.turn->reply, "Halvard");
    LACKS(d.turn->reply, "Kite");
    HAS(say(&d, "any in green"), "Pico");
    HAS(say(&d, "what is it made of"), "About Pico");
    /* None matches: the reply says so and lists no other kind. */
    HAS(say(&d, "cheaper?"), "nothing cheaper");
    HAS(say_as(&d, "z", NULL, "有身体乳吗"), "¥109");
    HAS(say_as(&d, "z", NULL, "有大一点的吗"), "没有更大的");
    HAS(say_as(&d, "z", NULL, "第一个多少钱"), "卖139");
    HAS(say_as(&d, "z", NULL, "最便宜的多少钱"), "卖139");
    HAS(say_as(&d, "z", NULL, "有便宜点的吗"), "温和记");
    desk_case_close(&d);
}
END_TEST

START_TEST(what_is_about_something_else_is_left_alone) {
    desk_case d;
    open_browse(&d);
    HAS(say(&d, "do you have running shoes?"), "Halvard");
    HAS(say(&d, "what does shipping cost?"), "Shipping costs 10 CNY.");
    HAS(say(&d, "运费多少？"), "运费10元");
    HAS(say(&d, "do you wrap gifts?"), "Gift wrapping");
    HAS(say(&d, "the third one if pregnant"), "Ask a doctor.");
    desk_case_close(&d);
}
END_TEST

/* A question about a size is about the product in focus if it comes in it; the limit of a price is the number at
 * its word. */
START_TEST(sizes_of_the_product_in_focus) {
    desk_case d;
    open_browse(&d);
    HAS(say(&d, "do you have running shoes?"), "Halvard");
    HAS(say(&d, "how much is the first one"), "costs 309.");
    HAS(say(&d, "in size 40?"), "Pico");
    LACKS(d.turn->reply, "Halvard");
    HAS(say(&d, "in size 45?"), "Halvard");
    LACKS(d.turn->reply, "Pico");
    HAS(say_as(&d, "2", NULL, "do you have running shoes to run 10 km, under 450"), "Striden");
    LACKS(d.turn->reply, "Halvard");
    desk_case_close(&d);
}
END_TEST

START_TEST(list_is_kept_with_the_conversation_and_forgotten) {
    desk_case d;
    open_browse(&d);
    HAS(say(&d, "do you have black running shoes?"), "Halvard");
    llmcs_shop_desk_free(&d.desk);
    SHOP_OK(llmcs_shop_desk_open(d.shop, &d.options, &d.desk));
    HAS(say(&d, "how much are they"), "Striden");
    HAS(say(&d, "the first one, how much"), "costs 429.");
    for (int i = 0; i < 5; i++) (void)say(&d, "do you wrap gifts?");
    LACKS(say(&d, "anything cheaper?"), "Running");
    /* Another conversation has no list. */
    LACKS(say_as(&d, "other", "anna", "anything cheaper?"), "Running");
    desk_case_close(&d);
}
END_TEST

START_TEST(orders_are_spoken_of) {
    desk_case d;
    open_browse(&d);
    HAS(say(&d, "my orders"), "PL1002");
    HAS(say(&d, "the second one - when will it come?"), "PL1002 is shipped.");
    HAS(say(&d, "which courier has it"), "PL1002 is shipped.");
    HAS(say(&d, "and the last one?"), "PL1003 is paid.");
    LACKS(say(&d, "when do i get my money"), "PL1003 is paid."); /* not when the order comes */
    HAS(say(&d, "what does shipping cost?"), "Shipping costs 10 CNY.");
    HAS(say_as(&d, "z", "anna", "我的订单"), "PL1001");
    HAS(say_as(&d, "z", "anna", "第二个什么时候能到"), "PL1002：");
    HAS(say_as(&d, "z", "anna", "最后一个呢"), "PL1003：");
    HAS(say_as(&d, "z", "anna", "哪家快递"), "PL1003：");
    desk_case_close(&d);
}
END_TEST

START_TEST(short_question_goes_on_after_an_entry) {
    desk_case d;
    open_browse(&d);
    HAS(say(&d, "what does shipping cost?"), "Shipping costs 10 CNY.");
    HAS(say(&d, "how much is that?"), "Shipping costs 10 CNY.");
    HAS(say_as(&d, "z", NULL, "运费多少？"), "运费10元");
    HAS(say_as(&d, "z", NULL, "那要多少"), "运费10元");
    desk_case_close(&d);
}
END_TEST

/* The second message that is not understood ends all frames of the conversation, including that of its own flow. */
START_TEST(handover_inside_a_flow_ends_the_turn) {
    static const char *const asked[][2] = {{"zzz qqq", "when do you open"}, {"某某某", "几点开门"}};
    desk_case d;
    desk_case_make(&d);
    d.options.flows_json =
        "{\"format\":1,\"languages\":[\"en\",\"zh\"],\"flows\":{\"open\":{\"intents\":[\"hours\"],\"accept\":0.1,"
        "\"steps\":[{\"knowledge\":{\"accept\":0.99}}]}}}";
    SHOP_OK(llmcs_shop_desk_open(d.shop, &d.options, &d.desk));
    for (size_t i = 0; i < 2; i++) {
        (void)say_as(&d, asked[i][1], NULL, asked[i][0]);
        (void)say_as(&d, asked[i][1], NULL, asked[i][1]);
        ck_assert_int_eq(d.turn->route, LLMCS_DESK_HANDOVER);
        ck_assert_str_eq(d.turn->handover_reason, "not_understood");
        ck_assert_str_eq(d.turn->intent, "hours");
    }
    desk_case_close(&d);
}
END_TEST

START_TEST(place_and_pick_are_read_in_other_words) {
    desk_case d;
    open_browse(&d);
    HAS(say(&d, "whats your cheapest tote bag"), "Carrow");
    LACKS(d.turn->reply, "Velo");
    HAS(say(&d, "do you have running shoes?"), "Pico");
    HAS(say(&d, "hm pricey. whats the cheapest you got"),
        "Pico Classic Running Shoes, dark green, 39 to 41 costs 309.");
    HAS(say(&d, "is the second one leather"), "About Striden");
    HAS(say(&d, "and i would buy it how"), "Gift wrapping");
    HAS(say_as(&d, "z", NULL, "有跑步鞋吗"), "小径");
    HAS(say_as(&d, "z", NULL, "最后一个怎么买"), "礼品包装");
    LACKS(say_as(&d, "z", NULL, "第一个多大的"), "没有更大");
    /* An ordered product is not searched in the catalogue. */
    LACKS(say_as(&d, "o", "anna", "我那双跑步鞋寄出来了没"), "小径");
    desk_case_close(&d);
}
END_TEST

/* What the entry before says nothing of is not answered with it again. */
START_TEST(entry_is_not_repeated_for_another_aspect) {
    desk_case d;
    open_browse(&d);
    HAS(say(&d, "what does shipping cost?"), "Shipping costs 10 CNY.");
    HAS(say(&d, "is that safe?"), "no information");
    LACKS(d.turn->reply, "10 CNY");
    ck_assert_int_eq(d.turn->route, LLMCS_DESK_NONE);
    HAS(say_as(&d, "z", NULL, "运费多少？"), "运费10元");
    HAS(say_as(&d, "z", NULL, "这个安全吗"), "没有说明");
    LACKS(d.turn->reply, "10元");
    /* A rule of its own. */
    HAS(say_as(&d, "r", NULL, "what does shipping cost?"), "Shipping costs 10 CNY.");
    HAS(say_as(&d, "r", NULL, "ok so i buy it"), "Gift wrapping");
    LACKS(d.turn->reply, "10 CNY");
    HAS(say_as(&d, "y", NULL, "运费多少？"), "运费10元");
    HAS(say_as(&d, "y", NULL, "那这个怎么买"), "礼品包装");
    LACKS(d.turn->reply, "10元");
    desk_case_close(&d);
}
END_TEST

START_TEST(goods_that_the_customer_has_are_not_sought) {
    static const char *const asked[] = {"how do i wash the kite", "does my tote bag have a zipper", "我的风筝怎么收线",
                                        "这双跑步鞋透不透气"};
    static const char *const told[] = {"the strap of my tote bag squeaks", "我家风筝飞不动"};
    desk_case d;
    open_browse(&d);
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        const char *reply = say_as(&d, asked[i], NULL, asked[i]);
        LACKS(reply, "1. ");
        HAS(reply, i < 2 ? "no information" : "没有说明");
    }
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) LACKS(say_as(&d, told[i], NULL, told[i]), "1. ");
    /* Those of somebody else are for a gift, and "my" may be of something else. */
    HAS(say_as(&d, "g", NULL, "a kite for my son"), "Kite");
    HAS(say_as(&d, "h", NULL, "有轻便的跑步鞋吗"), "小径");
    desk_case_close(&d);
}
END_TEST

START_TEST(one_of_the_list_is_asked_for_two_aspects_or_another_one) {
    desk_case d;
    open_browse(&d);
    HAS(say(&d, "do you have running shoes?"), "Pico");
    HAS(say(&d, "does the second one come in another material?"), "About Striden");
    LACKS(d.turn->reply, "Halvard");
    HAS(say(&d, "what is the first one made of, and how much is it?"), "About Pico");
    HAS(d.turn->reply, "costs 309.");
    HAS(say_as(&d, "z", NULL, "有跑步鞋吗"), "小径");
    HAS(say_as(&d, "z", NULL, "第二个有别的材质吗"), "关于行登");
    HAS(say_as(&d, "z", NULL, "第一个什么材质，还有多少钱"), "关于小径");
    HAS(d.turn->reply, "卖309");
    desk_case_close(&d);
}
END_TEST

START_TEST(rough_budget_is_one) {
    desk_case d;
    open_browse(&d);
    HAS(say(&d, "do you have black running shoes?"), "Halvard");
    HAS(say(&d, "that is a lot of money. anything around 400?"), "Striden");
    LACKS(d.turn->reply, "Halvard");
    HAS(say_as(&d, "z", NULL, "有黑色跑步鞋吗"), "哈尔沃");
    HAS(say_as(&d, "z", NULL, "好贵，有400左右的吗"), "行登");
    LACKS(d.turn->reply, "哈尔沃");
    /* A number with a unit is no price. */
    HAS(say_as(&d, "u", NULL, "do you have body lotion of about 300 ml?"), "Lotion");
    desk_case_close(&d);
}
END_TEST

/* A title means its product, sold out or not, and no other of its brand. */
START_TEST(named_product_is_found_though_sold_out) {
    desk_case d;
    open_browse(&d);
    HAS(say_as(&d, "1", NULL, "how much is the cloud hollow reserve green tea"),
        "Cloud Hollow Reserve Green Tea, black bag costs 149");
    HAS(say_as(&d, "2", NULL, "云坳珍藏绿茶多少钱"), "云坳 珍藏绿茶 黑袋卖149");
    HAS(say_as(&d, "3", NULL, "how much is the reserve green tea of cloud hollow"), "costs 149");
    HAS(say_as(&d, "4", NULL, "how much is the cloud hollow morning green tea"), "costs 79");
    /* Lists of a kind show what is in stock. */
    HAS(say_as(&d, "5", NULL, "do you have green tea?"), "Morning");
    LACKS(d.turn->reply, "Reserve");
    desk_case_close(&d);
}
END_TEST

START_TEST(goods_for_older_children_are_not_listed) {
    static const char *const asked[] = {"a present for a 3 year old", "do you have a kite for my two year old?",
                                        "三岁小孩的礼物", "有没有三岁小孩玩的风筝"};
    desk_case d;
    open_browse(&d);
    for (size_t i = 0; i < 4; i++) {
        HAS(say_as(&d, asked[i], NULL, asked[i]), i < 2 ? "Timberling" : "小木林");
        LACKS(d.turn->reply, i < 2 ? "Puddle" : "水坑狐");
    }
    HAS(say_as(&d, "5", NULL, "a present for a 5 year old"), "Puddle");
    desk_case_close(&d);
}
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, named_product_is_found_though_sold_out);
    tcase_add_test(t, goods_for_older_children_are_not_listed);
    tcase_add_test(t, entry_is_not_repeated_for_another_aspect);
    tcase_add_test(t, goods_that_the_customer_has_are_not_sought);
    tcase_add_test(t, one_of_the_list_is_asked_for_two_aspects_or_another_one);
    tcase_add_test(t, rough_budget_is_one);
    tcase_add_test(t, handover_inside_a_flow_ends_the_turn);
    tcase_add_test(t, place_and_pick_are_read_in_other_words);
    tcase_add_test(t, kind_colour_and_size_are_filters);
    tcase_add_test(t, bare_kind_is_sought);
    tcase_add_test(t, gift_is_for_whom_it_names);
    tcase_add_test(t, comparison_changes_a_filter_of_the_list);
    tcase_add_test(t, what_is_about_something_else_is_left_alone);
    tcase_add_test(t, sizes_of_the_product_in_focus);
    tcase_add_test(t, list_is_kept_with_the_conversation_and_forgotten);
    tcase_add_test(t, orders_are_spoken_of);
    tcase_add_test(t, short_question_goes_on_after_an_entry);
}

SUITE_MAIN("shop/desk/browse", add)
