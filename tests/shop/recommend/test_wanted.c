/* What a text wants: kind, audience, gift; over the catalogue of a store. */
#include "shop/recommend/wanted.h"
#include "shop/store/shop_case.h"

static char folder[TEMP_PATH_BYTES];
static llmcs_shop *shop;
static shop_catalog catalog;

static const char *attributes; /* of the next product, in English */

static void put_product(const char *id, const char *en, const char *zh, const char *category, const char *tag,
                        const char *other_tag) {
    const llmcs_shop_product_text texts[] = {{"en", en, NULL, attributes}, {"zh", zh, NULL, NULL}};
    const char *tags[] = {tag, other_tag};
    const llmcs_shop_product p = {.struct_size = sizeof p,
                                  .id = id,
                                  .texts = texts,
                                  .n_texts = 2,
                                  .category = category,
                                  .price = 10,
                                  .currency = "CNY",
                                  .stock = -1,
                                  .tags = tags,
                                  .n_tags = other_tag ? 2 : 1};
    const llmcs_shop_product *const list[] = {&p};
    size_t n;
    SHOP_OK(llmcs_shop_put_products(shop, list, 1, NULL, NULL, &n));
}

static void follow(void) {
    shop_connection *c;
    SHOP_OK(shop_read_begin(shop, &c));
    SHOP_OK(shop_catalog_follow(&catalog, shop, c));
    shop_read_end(shop, c);
}

static void setup(void) {
    char path[TEMP_PATH_BYTES + 16];
    temp_folder(folder);
    snprintf(path, sizeof path, "%s/shop.db", folder);
    shop = open_shop(path, LLMCS_SHOP_CREATE);
    SHOP_OK(shop_catalog_init(&catalog, &shop->allocator, 0));
    put_product("mug-1", "Ostra Studio Mug", "欧拾 工坊马克杯", "kitchen", "mug", "gift");
    put_product("mug-2", "Harvest Classic Mug", "石野 经典马克杯", "kitchen", "mug", NULL);
    put_product("tea-1", "Cloud Green Tea", "云坳 晨间绿茶", "drinks", "tea", "gift");
    put_product("tea-2", "Kettle House Tea", "三壶 本店绿茶", "drinks", "tea", NULL);
    put_product("bear-1", "Puddle Soft Bear", "水坑狐 毛绒小熊", "toys", "bear", "kids");
    put_product("scarf-1", "Wool Scarf", "羊毛围巾", "clothes", "scarf", "women");
    put_product("tie-1", "Silk Tie", "真丝领带", "clothes", "tie", "men");
    follow();
}

static void teardown(void) {
    shop_catalog_free(&catalog);
    llmcs_shop_free(&shop);
    temp_remove(folder);
}

static shop_wanted read_text(const char *text, const char *without) {
    shop_wanted w;
    shop_wanted_read(&catalog, text, strlen(text), without, &w);
    return w;
}

static const shop_item *item_of(const char *id) {
    for (uint32_t i = 0; i < catalog.n_items; i++)
        if (!strcmp(shop_item_id(&catalog, i), id)) return &catalog.items[i];
    ck_abort_msg("no %s", id);
    return NULL;
}

static bool suits(const char *text, const char *id) {
    const shop_wanted w = read_text(text, NULL);
    return shop_wanted_suits(&w, &catalog, item_of(id));
}

START_TEST(audiences_are_read) {
    enum { NOBODY = 0, CHILD = 1, ADULT = 2, WOMAN = 6, MAN = 10 };
    static const struct {
        const char *text;
        int audience;
    } cases[] = {{"something for my daughter", CHILD},
                 {"送给孩子", CHILD},
                 {"for kids", CHILD},
                 {"for the kid's bed", CHILD},
                 {"for my wife", WOMAN},
                 {"送女朋友", WOMAN}, /* 朋友 alone is an adult of either sex */
                 {"for my DAD", MAN},
                 {"送爸爸", MAN},
                 {"for my boss", ADULT},
                 {"for my mum and dad", ADULT},
                 {"for my wife and my son", NOBODY}, /* too different */
                 {"for a human", NOBODY},            /* "man" inside a word */
                 {"a kidney bowl", NOBODY},
                 {"", NOBODY}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const shop_wanted w = read_text(cases[i].text, NULL);
        const int audience = (w.child ? CHILD : 0) | (w.adult ? ADULT : 0) | (w.woman ? 4 : 0) | (w.man ? 8 : 0);
        ck_assert_msg(audience == cases[i].audience, "\"%s\": %d", cases[i].text, audience);
    }
}
END_TEST

START_TEST(ages_of_children_are_read) {
    static const char *const children[] = {"a present for a 5 year old",
                                           "3yo",
                                           "for 12-year-olds",
                                           "5岁",
                                           "五岁",
                                           "十二岁的",
                                           "两岁半",
                                           "1 yr old",
                                           "two year old"};
    static const char *const others[] = {"a 15 year old", "30 years old", "二十五岁", "105岁", "万岁",
                                         "2 yoga mats",   "5 yoghurts",   "五",       "岁",    "0 yo-yos"};
    for (size_t i = 0; i < sizeof children / sizeof *children; i++)
        ck_assert_msg(read_text(children[i], NULL).child, "\"%s\"", children[i]);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        ck_assert_msg(!read_text(others[i], NULL).child, "\"%s\"", others[i]);
}
END_TEST

START_TEST(gifts_are_read) {
    ck_assert(read_text("a birthday present", NULL).gift);
    ck_assert(read_text("生日礼物", NULL).gift);
    ck_assert(read_text("something for my boss", NULL).gift);
    ck_assert(!read_text("a mug as a present", NULL).gift); /* a kind is named */
    ck_assert(!read_text("something for my daughter", NULL).gift);
    ck_assert(!read_text("presently", NULL).gift);
}
END_TEST

START_TEST(products_suit_what_is_wanted) {
    ck_assert(suits("a gift for my boss", "mug-1") && !suits("a gift for my boss", "mug-2"));
    ck_assert(suits("for my daughter", "bear-1") && !suits("for my daughter", "tea-2"));
    ck_assert(!suits("for my boss", "bear-1"));
    ck_assert(!suits("for my wife", "tie-1") && !suits("for my husband", "scarf-1"));
    ck_assert(suits("a mug for my wife", "mug-2"));
    ck_assert(suits("hello", "mug-2") && suits("hello", "bear-1"));
    ck_assert(!suits("not tea", "tea-1") && suits("not tea", "mug-2"));
    ck_assert(suits("这是不是绿茶", "tea-2") && !suits("不要绿茶", "tea-2"));
}
END_TEST

START_TEST(kinds_of_products_are_told) {
    shop_wanted w = read_text("two mugs", NULL);
    ck_assert(shop_wanted_names_kind(&w) && shop_wanted_is_kind(&w, &catalog, item_of("mug-2")));
    ck_assert(!shop_wanted_is_kind(&w, &catalog, item_of("tea-1")));
    w = read_text("drinks", NULL);
    ck_assert(w.kinds.has_category && shop_wanted_is_kind(&w, &catalog, item_of("tea-1")));
    ck_assert(!shop_wanted_is_kind(&w, &catalog, item_of("mug-1")));
    w = read_text("hello", NULL);
    ck_assert(!shop_wanted_names_kind(&w) && shop_wanted_is_kind(&w, &catalog, item_of("tea-1")));
    /* What an earlier text excludes is not wanted. */
    w = read_text("green tea", "not tea");
    ck_assert(!shop_wanted_names_kind(&w) && !shop_wanted_suits(&w, &catalog, item_of("tea-1")));
    w = read_text("a mug", "not tea");
    ck_assert(shop_wanted_is_kind(&w, &catalog, item_of("mug-1")) && w.kinds.n_excluded == 1);
}
END_TEST

/* One product shows no common noun, however often it changes. */
START_TEST(a_changed_product_stays_one_product) {
    for (int i = 0; i < 3; i++) {
        put_product("lamp-1", "Brass Lantern", "黄铜灯笼", "lamps-and-more", "lantern", NULL);
        follow();
        const shop_wanted w = read_text("a lantern", NULL);
        ck_assert(!shop_wanted_names_kind(&w));
    }
    put_product("lamp-2", "Paper Lantern", "纸灯笼", "lamps-and-more", "lantern", NULL);
    follow();
    const shop_wanted w = read_text("a lantern", NULL);
    ck_assert(shop_wanted_names_kind(&w) && shop_wanted_is_kind(&w, &catalog, item_of("lamp-1")));
}
END_TEST

START_TEST(age_leaves_out_goods_for_older_children) {
    attributes = "{\"age\":\"from 5 years\"}";
    put_product("kite-1", "Puddle Kite", "水坑狐 风筝", "toys", "kite", "kids");
    attributes = "{\"age\":\"from 18 months\"}";
    put_product("kite-2", "Timber Kite", "小木林 风筝", "toys", "kite", "kids");
    attributes = NULL;
    follow();
    ck_assert(!suits("a toy for my 3 year old", "kite-1") && suits("a toy for my 3 year old", "kite-2"));
    ck_assert(!suits("适合三岁小孩玩的", "kite-1") && suits("适合三岁小孩玩的", "kite-2"));
    ck_assert(!suits("a kite for my 3 year old", "kite-1"));
    ck_assert(suits("a kite for my 5 year old", "kite-1"));
    ck_assert(!suits("给12个月宝宝玩的", "kite-2") && suits("给18个月宝宝玩的", "kite-2"));
    /* Goods without an age are for all, and a changed age counts. */
    ck_assert(suits("for my 1 year old", "bear-1"));
    put_product("kite-1", "Puddle Kite", "水坑狐 风筝", "toys", "kite", "kids");
    follow();
    ck_assert(suits("a kite for my 3 year old", "kite-1"));
}
END_TEST

static void add_tests(TCase *tests) {
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, audiences_are_read);
    tcase_add_test(tests, ages_of_children_are_read);
    tcase_add_test(tests, age_leaves_out_goods_for_older_children);
    tcase_add_test(tests, gifts_are_read);
    tcase_add_test(tests, products_suit_what_is_wanted);
    tcase_add_test(tests, kinds_of_products_are_told);
    tcase_add_test(tests, a_changed_product_stays_one_product);
}

SUITE_MAIN("shop/recommend/wanted", add_tests)
