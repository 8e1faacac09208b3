/* Questions about products that are no follow-ups by themselves, with a reader that takes every message for one. */
#include "shop/base/clock.h"
#include "shop/desk/reader_case.h"

static const char flows[] =
    "{\"format\":1,\"languages\":[\"en\",\"zh\"],"
    "\"kinds\":[{\"words\":{\"en\":[\"cup\",\"cups\"],\"zh\":[\"杯子\"]},\"titles\":{\"en\":[\"mug\"],\"zh\":["
    "\"马克杯\"]}},"
    "{\"words\":{\"en\":[\"bed\"],\"zh\":[\"床\"]},\"titles\":{\"en\":[\"bed frame\"],\"zh\":[\"床架\"]}}],"
    "\"slots\":{\"order\":{\"type\":\"order\",\"pattern\":\"PL[0-9]{4}\",\"ask\":{\"en\":\"Which "
    "order?\",\"zh\":\"哪个订单？\"}},"
    "\"product\":{\"type\":\"product\",\"ask\":{\"en\":\"Which product?\",\"zh\":\"哪款？\"}},"
    "\"aspect\":{\"type\":\"choice\",\"ask\":{\"en\":\"What?\",\"zh\":\"什么？\"},\"options\":["
    "{\"value\":\"price\",\"words\":{\"en\":[\"how much\",\"price\"],\"zh\":[\"多少钱\"]}},"
    "{\"value\":\"colour\",\"words\":{\"en\":[\"colour\"],\"zh\":[\"颜色\",\"啥色\"]}},"
    "{\"value\":\"weight\",\"words\":{\"en\":[\"weight\"],\"zh\":[\"重量\"]}}]}},"
    "\"finds\":{\"p\":{\"sql\":\"SELECT id, price FROM products WHERE id = :product\",\"tables\":[\"products\"]},"
    "\"o\":{\"sql\":\"SELECT id, status FROM orders WHERE customer = :customer AND id = "
    ":order\",\"tables\":[\"orders\"]}},"
    "\"flows\":{"
    "\"product\":{\"listed\":true,\"intents\":[\"product\"],\"steps\":[{\"if\":{\"product\":null},\"then\":["
    "{\"recommend\":{\"by\":\"text\",\"k\":4,\"have\":true}},{\"end\":true}]},{\"find\":\"p\"},"
    "{\"if\":{\"aspect\":\"price\"},\"then\":[{\"say\":{\"en\":\"{product} costs {p.price|money}.\","
    "\"zh\":\"{product}卖{p.price|money}。\"}}],\"else\":[{\"say\":{\"en\":\"About {product}.\","
    "\"zh\":\"关于{product}。\"}}]}]},"
    "\"gift\":{\"intents\":[\"gift\"],\"steps\":[{\"recommend\":{\"by\":\"text\",\"k\":3}}]},"
    "\"status\":{\"listed\":true,\"intents\":[\"status\"],\"steps\":[{\"slot\":\"order\"},{\"find\":\"o\"},"
    "{\"say\":{\"en\":\"{order} is {o.status}.\",\"zh\":\"{order}：{o.status}。\"}}]}},"
    "\"rules\":[{\"words\":{\"en\":[\"where is\"],\"zh\":[\"到哪了\"]},\"flow\":\"status\"},"
    "{\"words\":{\"en\":[\"gift wrap\"],\"zh\":[\"包装\"]},\"entry\":\"gift\"}]}";

/* At least two of each kind, so that the titles define it. */
static const struct goods {
    const char *id, *tag, *en, *zh, *en_attributes, *zh_attributes, *en_description, *zh_description;
    double price;
} goods[] = {
    {"m1", "mug", "Pebblefield Classic Mug, terracotta, 400 ml", "石野 经典马克杯 陶土红 400毫升",
     "{\"colour\":\"terracotta\",\"material\":\"bone china\"}", "{\"颜色\":\"陶土红\",\"材质\":\"骨瓷\"}",
     "A mug for hot drinks. Can go into the dishwasher.", "陪您喝热饮的杯子。可放入洗碗机。", 58},
    {"m2", "mug", "Ostra Harvest Mug, moss green, 320 ml", "欧拾 丰收马克杯 苔绿 320毫升",
     "{\"colour\":\"moss green\",\"material\":\"glass\"}", "{\"颜色\":\"苔绿\",\"材质\":\"玻璃\"}",
     "A mug for tea. Wash by hand.", "喝茶的杯子。请手洗。", 41},
    {"m3", "mug", "Maren Studio Mug, sand white, 750 ml", "马伦橡木 工坊马克杯 沙白 750毫升",
     "{\"colour\":\"sand white\",\"material\":\"stoneware\"}", "{\"颜色\":\"沙白\",\"材质\":\"粗陶\"}",
     "A large mug. Goes into dishwashers and microwaves.", "大号杯子。洗碗机和微波炉都能用。", 99},
    {"t1", "tent", "Otterfall Active Tent, pine green, 2 to 3 people", "獭瀑 活力帐篷 松绿 2至3人",
     "{\"colour\":\"pine green\",\"weight\":\"4.5 kg\"}", "{\"颜色\":\"松绿\",\"重量\":\"4.5公斤\"}",
     "Up in five minutes. The fly is waterproof.", "五分钟搭好。外帐防水。", 929},
    {"t2", "tent", "Ridgeline Allround Tent, sand, 4 people", "九脊 全能帐篷 沙色 4人",
     "{\"colour\":\"sand\",\"weight\":\"6 kg\"}", "{\"颜色\":\"沙色\",\"重量\":\"6公斤\"}",
     "With a porch. It stood 4.5 hours of storm in the Alps.", "带前庭。", 1259},
    {"b1", "bed", "Plankhouse Loft Bed Frame, oak, 180 x 200 cm", "木板屋 阁楼床架 橡木色 180×200厘米",
     "{\"colour\":\"oak\"}", "{\"颜色\":\"橡木色\"}", "It does not creak.", "不吱呀响。", 2429},
    {"b2", "bed", "Nordvik Studio Bed Frame, walnut, 120 x 200 cm", "北湾 工作室床架 胡桃木色 120×200厘米",
     "{\"colour\":\"walnut\"}", "{\"颜色\":\"胡桃木色\"}", "It carries 300 kg.", "承重300公斤。", 1539},
};

/* Its brand has another mug, and it is sold out. */
static const struct goods sold_out = {"m4",
                                      "mug",
                                      "Ostra Reserve Mug, black, 320 ml",
                                      "欧拾 珍藏马克杯 黑色 320毫升",
                                      "{\"colour\":\"black\"}",
                                      "{\"颜色\":\"黑色\"}",
                                      "A mug for coffee.",
                                      "喝咖啡的杯子。",
                                      88};

static const struct goods creams[] = {
    {"c1", "sunscreen", "Petra Daily Sunscreen, 40 ml", "石与梅 日常防晒霜 40毫升", "{\"protection\":\"SPF 30\"}",
     "{\"防晒指数\":\"SPF30\"}", "For each day.", "每天用。", 69},
    {"c2", "sunscreen", "Rainleaf Fresh Sunscreen, 60 ml", "雨叶 清爽防晒霜 60毫升", "{\"protection\":\"SPF 50\"}",
     "{\"防晒指数\":\"SPF50\"}", "For the beach.", "去海边用。", 179},
};

static llmcs_model *reader;
static char reader_folder[TEMP_PATH_BYTES];

static void put_goods(llmcs_shop *shop, const struct goods *g, int64_t stock) {
    const llmcs_shop_product_text texts[] = {{"en", g->en, g->en_description, g->en_attributes},
                                             {"zh", g->zh, g->zh_description, g->zh_attributes}};
    const llmcs_shop_product p = {.struct_size = sizeof p,
                                  .id = g->id,
                                  .texts = texts,
                                  .n_texts = 2,
                                  .tags = &g->tag,
                                  .n_tags = 1,
                                  .price = g->price,
                                  .currency = "CNY",
                                  .stock = stock};
    const llmcs_shop_product *list[] = {&p};
    SHOP_OK(llmcs_shop_put_products(shop, list, 1, NULL, NULL, NULL));
}

static void put_order_of(llmcs_shop *shop, const char *id, const char *customer, const char *item) {
    const llmcs_shop_order_item one = {item, 1, 929};
    const llmcs_shop_order o = {.struct_size = sizeof o,
                                .id = id,
                                .customer = customer,
                                .status = "shipped",
                                .time = DESK_NOW - 86400,
                                .items = &one,
                                .n_items = 1,
                                .total = 929,
                                .currency = "CNY",
                                .city = "Hangzhou"};
    const llmcs_shop_order *list[] = {&o};
    SHOP_OK(llmcs_shop_put_orders(shop, list, 1, NULL, NULL, NULL));
}

static void open_labels(desk_case *d, const char *first, const char *second, const double p[3]) {
    const char *const labels[] = {first, second, "act:follow"};
    reader = make_reader(reader_folder, labels, p, 3);
    desk_case_make(d);
    d->options.reader = reader;
    d->options.flows_json = flows;
    d->options.intents = NULL;
    for (size_t i = 0; i < sizeof goods / sizeof *goods; i++) put_goods(d->shop, &goods[i], 3);
    put_order_of(d->shop, "PL3001", "anna", "t1");
    put_order_of(d->shop, "PL3002", "ben", "t2");
    SHOP_OK(llmcs_shop_desk_open(d->shop, &d->options, &d->desk));
}

static void open_with(desk_case *d, const char *second, const double p[3]) {
    open_labels(d, "flow:product", second, p);
}

static void open_desk(desk_case *d) { open_with(d, "ask", (double[]){0.45, 0.05, 0.5}); }

static void close_desk(desk_case *d) {
    desk_case_close(d);
    llmcs_model_free(&reader);
    temp_remove(reader_folder);
}

START_TEST(words_and_numbers_narrow_the_subject) {
    desk_case d;
    open_desk(&d);
    HAS(say(&d, "mugs pls"), "Ostra");
    HAS(say(&d, "so the glass one would be the right one"), "About Ostra");
    HAS(say_as(&d, "2", NULL, "有马克杯吗"), "欧拾");
    HAS(say_as(&d, "2", NULL, "750毫升那个呗"), "关于马伦橡木");
    HAS(say_as(&d, "2", NULL, "粗陶的还是骨瓷的便宜"), "石野");
    HAS(d.turn->reply, "马伦橡木");
    LACKS(d.turn->reply, "欧拾");
    close_desk(&d);
}
END_TEST

/* A title means its product, sold out or not, and no other of its brand. */
START_TEST(a_title_names_its_product) {
    desk_case d;
    open_desk(&d);
    put_goods(d.shop, &sold_out, 0);
    HAS(say_as(&d, "1", NULL, "is the ostra reserve mug any good"), "About Ostra Reserve Mug");
    HAS(say_as(&d, "2", NULL, "欧拾珍藏马克杯好用吗"), "关于欧拾 珍藏马克杯");
    HAS(say_as(&d, "3", NULL, "the reserve mug of ostra, how much"), "costs 88");
    HAS(say_as(&d, "4", NULL, "is the ostra harvest mug any good"), "About Ostra Harvest Mug");
    /* Lists of a kind show what is in stock. */
    LACKS(say_as(&d, "5", NULL, "do you have any mugs"), "Reserve");
    close_desk(&d);
}
END_TEST

/* A number that follows a word without a space tells goods apart. */
START_TEST(numbers_in_codes_are_read) {
    desk_case d;
    open_desk(&d);
    for (size_t i = 0; i < 2; i++) put_goods(d.shop, &creams[i], 3);
    HAS(say_as(&d, "1", NULL, "防晒霜SPF50的哪个便宜"), "雨叶");
    LACKS(d.turn->reply, "石与梅");
    HAS(say_as(&d, "2", NULL, "which spf50 sunscreen do you have"), "Rainleaf");
    LACKS(d.turn->reply, "Petra");
    HAS(say_as(&d, "3", NULL, "防晒霜SPF30的哪个便宜"), "石与梅");
    close_desk(&d);
}
END_TEST

/* What the shop does not sell is not answered with goods that share its material. */
START_TEST(goods_of_no_kind_are_not_sold) {
    desk_case d;
    open_desk(&d);
    LACKS(say_as(&d, "1", NULL, "do you have a moss green glass vase"), "Ostra");
    HAS(say_as(&d, "2", NULL, "do you have anything in moss green glass"), "Ostra");
    close_desk(&d);
}
END_TEST

/* A number is a number on its own, with its unit if one follows. */
START_TEST(numbers_are_whole) {
    desk_case d;
    open_desk(&d);
    HAS(say(&d, "tents for three people"), "Otterfall");
    LACKS(d.turn->reply, "Ridgeline");
    HAS(say_as(&d, "2", NULL, "四个人睡的帐篷"), "九脊");
    LACKS(d.turn->reply, "獭瀑");
    HAS(say_as(&d, "4", NULL, "一米八的床有吗"), "阁楼床架");
    LACKS(d.turn->reply, "工作室床架");
    HAS(say_as(&d, "3", NULL, "mugs of 50 ml"), "Maren"); /* no mug has 50 ml; all are listed */
    HAS(d.turn->reply, "Ostra");
    close_desk(&d);
}
END_TEST

/* The sentence of the description that has the word is quoted. */
START_TEST(descriptions_answer) {
    desk_case d;
    open_desk(&d);
    HAS(say(&d, "mugs pls"), "Ostra");
    HAS(say(&d, "can any go in the dishwasher"), "Can go into the dishwasher");
    HAS(d.turn->reply, "Goes into dishwashers and microwaves");
    LACKS(d.turn->reply, "Ostra");
    HAS(say_as(&d, "2", NULL, "有马克杯吗"), "欧拾");
    HAS(say_as(&d, "2", NULL, "有没有洗碗机能洗的"), "可放入洗碗机");
    LACKS(d.turn->reply, "欧拾");
    HAS(say_as(&d, "2", NULL, "微波炉咧"), "关于马伦橡木");
    close_desk(&d);
}
END_TEST

START_TEST(the_product_in_focus_is_meant) {
    desk_case d;
    open_desk(&d);
    HAS(say(&d, "tents for three people"), "Otterfall");
    HAS(say(&d, "price please"), "costs 929");
    HAS(say(&d, "and is it waterproof at all"), "About Otterfall");
    HAS(say(&d, "does it come with solar panels"), "About Otterfall");
    close_desk(&d);
}
END_TEST

/* Words of "kinds" name goods that titles call otherwise; another kind than that of the product in focus is meant. */
START_TEST(other_words_for_a_kind) {
    desk_case d;
    open_desk(&d);
    HAS(say(&d, "is there a cup that can go in the microwave"), "About Maren");
    HAS(say(&d, "and a bed, does that carry 300 kg"), "About Nordvik");
    HAS(say_as(&d, "2", NULL, "一米八的床有吗"), "阁楼床架");
    LACKS(say_as(&d, "2", NULL, "杯子有啥色"), "床");
    close_desk(&d);
}
END_TEST

/* "Nothing is known of that" gives way to what the data says. */
START_TEST(the_data_decides_what_is_known) {
    desk_case d;
    open_with(&d, "abstain", (double[]){0.1, 0.4, 0.5});
    HAS(say(&d, "mugs pls"), "Ostra");
    HAS(say(&d, "can any go in the dishwasher"), "Can go into the dishwasher");
    LACKS(say(&d, "would they sing for me"), "Ostra");
    ck_assert_str_eq(llmcs_shop_desk_route_name(d.turn->route), "none");
    close_desk(&d);
}
END_TEST

/* "Have you got any" about what was ordered lists others of its kind. */
START_TEST(others_of_what_was_ordered) {
    desk_case d;
    open_desk(&d);
    HAS(say(&d, "where is PL3001"), "PL3001 is shipped.");
    HAS(say(&d, "have you got any with a porch"), "About Ridgeline");
    close_desk(&d);
}
END_TEST

/* Without a subject, attributes that few products have are enough; a word of a description is not. */
START_TEST(attributes_without_a_subject) {
    desk_case d;
    open_desk(&d);
    HAS(say(&d, "is the moss green thing out of glass 320 ml"), "About Ostra");
    LACKS(say_as(&d, "2", NULL, "is it waterproof"), "Otterfall");
    close_desk(&d);
}
END_TEST

/* The goods of an order that was looked up, if it is the customer's own. */
START_TEST(goods_of_the_order) {
    desk_case d;
    open_desk(&d);
    HAS(say(&d, "where is PL3001"), "PL3001 is shipped.");
    HAS(say(&d, "will rain get through, or is it waterproof"), "About Otterfall");
    (void)say_as(&d, "2", "anna", "where is PL3002");
    LACKS(say_as(&d, "2", "anna", "will rain get through, or is it waterproof"), "Ridgeline");
    close_desk(&d);
}
END_TEST

/* What was ordered is not what a request for recommendations is about. */
START_TEST(a_request_for_recommendations_is_about_no_order) {
    desk_case d;
    open_labels(&d, "flow:gift", "ask", (double[]){0.45, 0.05, 0.5});
    HAS(say(&d, "where is PL3001"), "PL3001 is shipped.");
    LACKS(say(&d, "can you recommend something for me"), "About");
    ck_assert_str_eq(llmcs_shop_desk_route_name(d.turn->route), "recommend");
    close_desk(&d);
}
END_TEST

/* An order of the customer says more than an entry on the same subject; without one the entry answers. */
START_TEST(a_look_up_is_preferred_to_an_entry) {
    desk_case d;
    open_labels(&d, "entry:gift", "flow:status", (double[]){0.4, 0.1, 0.5});
    HAS(say(&d, "is it coming along"), "Which order?");
    HAS(say_as(&d, "2", NULL, "is it coming along"), "Gift wrapping");
    close_desk(&d);
}
END_TEST

/* A kind named earlier in another sense is the subject of a later question; what nothing fits has no answer. */
START_TEST(a_kind_named_before) {
    desk_case d;
    open_with(&d, "ask", (double[]){0.27, 0.23, 0.5}); /* sure, but less than a rule */
    HAS(say(&d, "can you gift wrap a tent"), "Gift wrapping");
    HAS(say(&d, "the one for 4 people"), "About Ridgeline");
    LACKS(say_as(&d, "2", NULL, "does it have a lock"), "About");
    ck_assert_str_eq(llmcs_shop_desk_route_name(d.turn->route), "none");
    close_desk(&d);
}
END_TEST

START_TEST(the_subject_is_kept_with_the_conversation_and_masked) {
    desk_case d;
    open_with(&d, "ask", (double[]){0.27, 0.23, 0.5});
    HAS(say(&d, "can you gift wrap a tent, call 13800138000"), "Gift wrapping");
    llmcs_shop_desk_free(&d.desk);
    SHOP_OK(llmcs_shop_desk_open(d.shop, &d.options, &d.desk));
    HAS(say(&d, "the one for 4 people"), "About Ridgeline");
    ck_assert_str_eq(shop_value(d.path, "SELECT count(*) FROM conversations WHERE state LIKE '%13800138000%'"), "0");
    close_desk(&d);
}
END_TEST

/* Several products are compared by price and attributes, and the one that leads in an aspect is named. */
START_TEST(products_are_compared) {
    desk_case d;
    open_desk(&d);
    HAS(say(&d, "mugs pls"), "Ostra");
    HAS(say(&d, "what is the difference between the first two"), "¥41: moss green; glass");
    HAS(d.turn->reply, "¥58: terracotta; bone china");
    LACKS(d.turn->reply, "Maren");
    HAS(say(&d, "is the glass one cheaper than the bone china one"), "¥41: moss green; glass");
    HAS(d.turn->reply, "Pebblefield");
    LACKS(d.turn->reply, "Maren");
    HAS(say(&d, "so which would you recommend of these"), "may suit you");
    HAS(d.turn->reply, "Ostra");
    HAS(say_as(&d, "2", NULL, "有帐篷吗"), "九脊");
    HAS(say_as(&d, "2", NULL, "哪个重量最轻啊 背着走的那种"), "关于獭瀑");
    close_desk(&d);
}
END_TEST

/* A filter that no product passes is said; the search is that of the list, not of an earlier one. */
START_TEST(filters_and_searches_belong_to_the_list) {
    desk_case d;
    open_desk(&d);
    HAS(say(&d, "tents pls"), "Otterfall");
    HAS(say(&d, "have you got the mug for the microwave in pink"), "none that are pink");
    LACKS(d.turn->reply, "Tent");
    HAS(say(&d, "anything cheaper?"), "Mug");
    LACKS(d.turn->reply, "Tent");
    close_desk(&d);
}
END_TEST

/* "car" is no part of "carries"; 十分 and 二十 are no ten people and no two; a decimal point ends no sentence. */
START_TEST(whole_words_and_numbers) {
    desk_case d;
    open_desk(&d);
    HAS(say(&d, "bed frames pls"), "Nordvik");
    LACKS(say(&d, "can any of them go into a car"), "carries");
    LACKS(say_as(&d, "2", NULL, "二十人的帐篷有没有"), "关于");
    LACKS(say_as(&d, "3", NULL, "帐篷三百以内"), "关于獭瀑");
    HAS(say_as(&d, "4", NULL, "do any tents say how they stand 4.5 metres of wind, or a storm of any strength"),
        "Ridgeline");
    HAS(d.turn->reply, "It stood 4.5 hours of storm");
    close_desk(&d);
}
END_TEST

/* A product that is gone is not in focus; a message without text or of 16 KiB changes nothing. */
START_TEST(what_is_gone_or_too_long) {
    static char text[16384];
    desk_case d;
    open_desk(&d);
    HAS(say(&d, "tents for three people"), "Otterfall");
    sqlite3 *db = NULL;
    ck_assert_int_eq(sqlite3_open(d.path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, "DELETE FROM products WHERE id = 't1'", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    LACKS(say(&d, "and is it waterproof at all"), "About .");
    LACKS(d.turn->reply, "t1");
    (void)say(&d, "\342\200\213\342\200\213");
    ck_assert_str_ne(d.turn->reply, "");
    for (size_t i = 0; i + 4 < sizeof text; i += 3) memcpy(text + i, "防", 3);
    const double begin = shop_now_ms();
    (void)say(&d, text);
    ck_assert_double_lt(shop_now_ms() - begin, 20000);
    close_desk(&d);
}
END_TEST

/* What a message excludes is neither searched nor listed: a kind, a brand, a colour. */
START_TEST(what_is_excluded_is_left_out) {
    desk_case d;
    open_desk(&d);
    HAS(say(&d, "mugs pls"), "Ostra");
    HAS(say(&d, "not the ostra, which other mugs are there"), "Pebblefield");
    LACKS(d.turn->reply, "Ostra");
    HAS(say(&d, "a tent, not a mug"), "Otterfall");
    LACKS(d.turn->reply, "Mug");
    HAS(say_as(&d, "2", NULL, "mugs pls, not terracotta"), "Ostra");
    HAS(say_as(&d, "3", NULL, "have you got mugs, not green"), "Maren");
    LACKS(d.turn->reply, "Ostra");
    HAS(say_as(&d, "4", NULL, "有马克杯吗"), "欧拾");
    HAS(say_as(&d, "4", NULL, "除了欧拾 还有没有320毫升以上的马克杯"), "石野");
    LACKS(d.turn->reply, "欧拾");
    HAS(say_as(&d, "5", NULL, "想买帐篷 不要沙色的"), "獭瀑");
    LACKS(d.turn->reply, "九脊");
    close_desk(&d);
}
END_TEST

/* A correction of the list and a request to see a kind count, even if the reader takes them for small talk. */
START_TEST(a_named_kind_is_listed) {
    desk_case d;
    open_with(&d, "smalltalk", (double[]){0.1, 0.4, 0.5});
    HAS(say_as(&d, "1", NULL, "hello?? can you show me a tent for my dad please"), "Ridgeline");
    LACKS(d.turn->reply, "Mug");
    HAS(say_as(&d, "1", NULL, "i said no tents. mugs"), "Ostra");
    LACKS(d.turn->reply, "Tent");
    HAS(say_as(&d, "2", NULL, "给我看看床架"), "木板屋");
    HAS(say_as(&d, "2", NULL, "她不喜欢床架的 喜欢马克杯"), "石野");
    LACKS(d.turn->reply, "床");
    LACKS(say_as(&d, "3", NULL, "thanks, the mugs are lovely"), "Ostra");
    close_desk(&d);
}
END_TEST

/* "The ostra one", 99那个: the product of the list that its title, colour or price singles out. */
START_TEST(one_of_the_list_is_singled_out) {
    desk_case d;
    open_desk(&d);
    HAS(say(&d, "mugs pls"), "Ostra");
    HAS(say(&d, "is the maren one any good"), "About Maren");
    HAS(say(&d, "and the terracotta one then"), "About Pebblefield");
    HAS(say(&d, "is the maren one heavy then"), "About Maren");
    HAS(say(&d, "is it bone china"), "About Maren"); /* another is */
    HAS(say_as(&d, "2", NULL, "有马克杯吗"), "欧拾");
    HAS(say_as(&d, "2", NULL, "41那个能装帐篷里吗"), "关于欧拾");
    HAS(say_as(&d, "2", NULL, "我说的是石野那个 不是这些"), "关于石野");
    close_desk(&d);
}
END_TEST

/* What the reply before has described is not repeated: one sentence answers, or none states it. */
START_TEST(a_description_is_not_repeated) {
    static char text[8192];
    desk_case d;
    open_desk(&d);
    const char *about = strstr(flows, "\"About {product}.\""), *find = strstr(flows, "SELECT id, price");
    snprintf(
        text, sizeof text,
        "%.*sSELECT p.id AS id, p.price AS price, t.description AS description FROM products p"
        " JOIN product_texts t ON t.product = p.row AND t.lang = :lang WHERE p.id = :product\",\"tables\":[\"products"
        "\",\"product_texts\"]%.*s\"{product}: {p.description}\"%s",
        (int)(find - flows), flows, (int)(about - strchr(find, ']') - 1), strchr(find, ']') + 1,
        about + strlen("\"About {product}.\""));
    llmcs_shop_desk_free(&d.desk);
    d.options.flows_json = text;
    SHOP_OK(llmcs_shop_desk_open(d.shop, &d.options, &d.desk));
    HAS(say(&d, "tents for three people"), "Up in five minutes. The fly is waterproof.");
    HAS(say(&d, "is it ok in the rain?"), "people: The fly is waterproof.");
    LACKS(d.turn->reply, "five minutes");
    HAS(say(&d, "tents for three people"), "Up in five minutes.");
    HAS(say(&d, "is it noisy?"), "does not say that");
    HAS(d.turn->reply, "Otterfall");
    close_desk(&d);
}
END_TEST

/* What the product in focus is used with is not wanted: "can it stand on the bed". */
START_TEST(what_it_is_used_with) {
    desk_case d;
    open_desk(&d);
    HAS(say(&d, "tents for three people"), "Otterfall");
    HAS(say(&d, "is it ok on a wooden bed"), "About Otterfall");
    HAS(say(&d, "and the bed?"), "About Otterfall");
    HAS(say_as(&d, "2", NULL, "三个人的帐篷"), "獭瀑");
    HAS(say_as(&d, "2", NULL, "能放床上吗"), "獭瀑");
    close_desk(&d);
}
END_TEST

static void change_reader(desk_case *d, const char *first, const double p[3]) {
    const char *const labels[] = {first, "ask", "act:follow"};
    llmcs_shop_desk_free(&d->desk);
    llmcs_model_free(&reader);
    temp_remove(reader_folder);
    reader = make_reader(reader_folder, labels, p, 3);
    d->options.reader = reader;
    SHOP_OK(llmcs_shop_desk_open(d->shop, &d->options, &d->desk));
}

/* What the texts of the product in focus state comes before an entry, in other words, too; an entry for what they do
 * not state. A product named in a question that an entry answers is in focus. */
START_TEST(statements_come_before_entries) {
    desk_case d;
    open_desk(&d);
    HAS(say(&d, "tents for three people"), "Otterfall");
    HAS(say_as(&d, "2", NULL, "玻璃的马克杯"), "欧拾");
    change_reader(&d, "entry:gift", (double[]){0.45, 0.05, 0.5});
    HAS(say(&d, "what if it gets caught in the rain"), "About Otterfall");
    HAS(say(&d, "is there a present wrapping for it"), "Gift wrapping");
    HAS(say_as(&d, "2", NULL, "脏了能丢洗衣机洗吗"), "关于欧拾");
    HAS(say_as(&d, "3", NULL, "how do you pack the moss green glass mug"), "Gift wrapping");
    change_reader(&d, "flow:product", (double[]){0.45, 0.05, 0.5});
    HAS(say_as(&d, "3", NULL, "and is it pricey to ship and heavy"), "About Ostra");
    close_desk(&d);
}
END_TEST

/* A property that no text mentions is not answered by a list, and one that some state by these alone. */
START_TEST(properties_nobody_states) {
    desk_case d;
    open_desk(&d);
    LACKS(say_as(&d, "1", NULL, "which of your mugs has no gluten"), "Mug");
    ck_assert_str_eq(llmcs_shop_desk_route_name(d.turn->route), "none");
    LACKS(say_as(&d, "2", NULL, "哪款马克杯不含咖啡因"), "石野");
    ck_assert_str_eq(llmcs_shop_desk_route_name(d.turn->route), "none");
    HAS(say_as(&d, "3", NULL, "any mugs i can clean in a machine"), "About Ostra");
    HAS(say_as(&d, "4", NULL, "哪个床架安静"), "木板屋");
    LACKS(d.turn->reply, "北湾");
    close_desk(&d);
}
END_TEST

/* Goods that no text of the catalogue has a word for. */
START_TEST(goods_that_are_not_sold) {
    desk_case d;
    open_with(&d, "abstain", (double[]){0.1, 0.4, 0.5});
    HAS(say_as(&d, "1", NULL, "do you sell iphones"), "cannot find that in our range");
    HAS(say_as(&d, "2", NULL, "got any gluten free pasta"), "cannot find that in our range");
    HAS(say_as(&d, "3", NULL, "你们家有卖猫粮不"), "没有找到这样的商品");
    LACKS(say_as(&d, "4", NULL, "do you sell dishwashers"), "our range"); /* a description has the word */
    LACKS(say_as(&d, "5", NULL, "do you have mugs"), "our range");
    LACKS(say_as(&d, "6", NULL, "有没有防水的"), "没有找到这样的商品");
    close_desk(&d);
}
END_TEST

/* Equal ones are all named, and "which is heavier" wants no other product. */
START_TEST(ties_are_said) {
    static const struct goods third = {"t3",
                                       "tent",
                                       "Gobi Classic Tent, orange, 1 person",
                                       "戈壁 经典帐篷 橙色 1人",
                                       "{\"colour\":\"orange\",\"weight\":\"4.5 kg\"}",
                                       "{\"颜色\":\"橙色\",\"重量\":\"4.5公斤\"}",
                                       "A tent for one.",
                                       "一个人睡。",
                                       599};
    desk_case d;
    open_desk(&d);
    put_goods(d.shop, &third, 3);
    HAS(say(&d, "which tent is lightest by weight"), "Gobi");
    HAS(d.turn->reply, "Otterfall");
    LACKS(d.turn->reply, "Ridgeline");
    HAS(say(&d, "so which has the lower weight, which is lighter"), "Gobi");
    HAS(d.turn->reply, "Otterfall");
    LACKS(d.turn->reply, "nothing");
    close_desk(&d);
}
END_TEST

/* The words of a kind are no aspect of it. */
START_TEST(a_kind_is_no_aspect) {
    static const struct goods tags[] = {
        {"p1", "price-tag", "Alpha Price Tag, white", "阿尔法 标签 白色", "{}", "{}", "Sturdy.", "结实。", 9},
        {"p2", "price-tag", "Beta Price Tag, red", "贝塔 标签 红色", "{}", "{}", "Thin.", "薄。", 8}};
    desk_case d;
    open_desk(&d);
    for (size_t i = 0; i < 2; i++) put_goods(d.shop, &tags[i], 3);
    HAS(say(&d, "is the alpha price tag sturdy"), "About Alpha");
    HAS(say(&d, "how much is the alpha price tag"), "costs 9");
    close_desk(&d);
}
END_TEST

static void add(TCase *t) {
    tcase_set_timeout(t, 60);
    tcase_add_test(t, words_and_numbers_narrow_the_subject);
    tcase_add_test(t, a_title_names_its_product);
    tcase_add_test(t, numbers_in_codes_are_read);
    tcase_add_test(t, what_is_excluded_is_left_out);
    tcase_add_test(t, a_named_kind_is_listed);
    tcase_add_test(t, one_of_the_list_is_singled_out);
    tcase_add_test(t, a_description_is_not_repeated);
    tcase_add_test(t, what_it_is_used_with);
    tcase_add_test(t, statements_come_before_entries);
    tcase_add_test(t, properties_nobody_states);
    tcase_add_test(t, goods_that_are_not_sold);
    tcase_add_test(t, ties_are_said);
    tcase_add_test(t, a_kind_is_no_aspect);
    tcase_add_test(t, goods_of_no_kind_are_not_sold);
    tcase_add_test(t, numbers_are_whole);
    tcase_add_test(t, descriptions_answer);
    tcase_add_test(t, the_product_in_focus_is_meant);
    tcase_add_test(t, other_words_for_a_kind);
    tcase_add_test(t, the_data_decides_what_is_known);
    tcase_add_test(t, others_of_what_was_ordered);
    tcase_add_test(t, attributes_without_a_subject);
    tcase_add_test(t, products_are_compared);
    tcase_add_test(t, filters_and_searches_belong_to_the_list);
    tcase_add_test(t, whole_words_and_numbers);
    tcase_add_test(t, what_is_gone_or_too_long);
    tcase_add_test(t, goods_of_the_order);
    tcase_add_test(t, a_request_for_recommendations_is_about_no_order);
    tcase_add_test(t, a_look_up_is_preferred_to_an_entry);
    tcase_add_test(t, a_kind_named_before);
    tcase_add_test(t, the_subject_is_kept_with_the_conversation_and_masked);
}

SUITE_MAIN("shop/desk/products", add)
