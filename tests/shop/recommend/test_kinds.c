/* Kinds of products: learned from titles, found in texts. */
#include <string.h>

#include "shop/recommend/kinds.h"
#include "support/fail_alloc.h"
#include "support/suite.h"

enum { MUG, TEA, BAG, LOTION, SHOES, CLAY, GIFT, SHELF, SOAP, KITCHEN = 100, DRINKS, BAGS, BEAUTY, SHOE, TOYS, CARE };

static uint32_t n_products;

static void learn_tags(shop_kinds *k, uint32_t item, uint32_t category, const uint32_t *tags, size_t n_tags,
                       const char *lang, const char *title) {
    const shop_kinds_product product = {item, category, tags, n_tags};
    ck_assert_int_eq(LLMCS_OK, shop_kinds_add(k, &product, lang, title, strlen(title)));
}

static void learn(shop_kinds *k, uint32_t label, uint32_t category, const char *en, const char *zh) {
    const uint32_t tags[] = {label, GIFT};
    learn_tags(k, n_products, category, tags, 2, "en", en);
    learn_tags(k, n_products++, category, tags, 2, "zh", zh);
}

static void learn_all(shop_kinds *k, fail_alloc *counter, llmcs_allocator *a) {
    fail_alloc_init(counter);
    *a = fail_alloc_get(counter);
    *k = (shop_kinds){.allocator = a};
    learn(k, MUG, KITCHEN, "Pebblefield Classic Mug, terracotta, 400 ml", "石野 经典马克杯 陶土红 400毫升");
    learn(k, MUG, KITCHEN, "Ostra Studio Mug, sand white, 320 ml", "欧拾 工坊马克杯 沙白 320毫升");
    learn(k, TEA, DRINKS, "Third Kettle House Green Tea, white bag", "三壶 本店绿茶 白袋");
    learn(k, TEA, DRINKS, "Cloud Hollow Morning Green Tea, white bag", "云坳 晨间绿茶 白袋");
    learn(k, BAG, BAGS, "Carrow Classic Tote Bag, black", "卡罗 经典托特包 黑色");
    learn(k, BAG, BAGS, "Velo Daily Tote Bag, olive", "威洛 日用托特包 橄榄绿");
    learn(k, LOTION, BEAUTY, "Mildly Fresh Body Lotion, green tea", "温和记 清爽身体乳 绿茶香");
    learn(k, LOTION, BEAUTY, "Petra Daily Body Lotion, citrus", "石与梅 日常身体乳 柑橘香");
    learn(k, SHOES, SHOE, "Halvard Comfort Running Shoes, black", "哈尔沃 舒适跑步鞋 黑色");
    learn(k, SHOES, SHOE, "Pico Classic Running Shoes, grey", "小径 经典跑步鞋 灰色");
    learn(k, CLAY, TOYS, "Puddle First Modelling Clay, bright colours", "水坑狐 启蒙彩泥 亮色系");
    learn(k, CLAY, TOYS, "Puddle Rainbow Modelling Clay, bright colours", "水坑狐 彩虹彩泥 亮色系");
    learn(k, SHELF, KITCHEN, "Plank Loft Shelf, oak", "木板屋 阁楼置物架 橡木");
    learn(k, SHELF, KITCHEN, "Nordvik Plain Shelf, walnut", "北湾 素雅置物架 胡桃木");
    learn(k, SOAP, CARE, "Mildly Daily Hand Soap Set, osmanthus", "温和记 日常手工皂套装 桂花香");
    learn(k, SOAP, CARE, "Petra Calm Hand Soap Set, green tea", "石与梅 舒缓手工皂套装 绿茶香");
    ck_assert_int_eq(LLMCS_OK, shop_kinds_add_category(k, BAGS, "bags", 4));
}

START_TEST(nouns_are_found) {
    static const struct {
        const char *text;
        uint32_t label;
    } cases[] = {{"mugs", MUG},
                 {"do you have a mug for tea", MUG},
                 {"running shoes in black", SHOES},
                 {"SHOES", SHOES},
                 {"body lotion with green tea", LOTION},
                 {"green tea body lotion", LOTION},
                 {"something for my dad who loves tea", TEA},
                 {"shelves", SHELF},
                 {"modelling clay", CLAY},
                 {"有马克杯吗", MUG},
                 {"黑色的鞋", SHOES},
                 {"鞋子", SHOES},
                 {"一个包", BAG},
                 {"送给爱喝茶的爸爸", TEA},
                 {"绿茶味的身体乳", LOTION},
                 {"彩泥", CLAY},
                 {"soaps", SOAP},           /* without the pack */
                 {"a hand soap set", SOAP}, /* and with it */
                 {"手工皂", SOAP},
                 {"手工皂套装", SOAP},
                 {"something for a friend with a bed under the roof from my town that has to have a mug", MUG}};
    shop_kinds k;
    shop_kinds_found found;
    fail_alloc counter;
    llmcs_allocator a;
    learn_all(&k, &counter, &a);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        shop_kinds_find(&k, cases[i].text, strlen(cases[i].text), NULL, &found);
        ck_assert_msg(found.n == 1 && found.labels[0] == cases[i].label, "\"%s\": %zu kinds", cases[i].text, found.n);
        ck_assert_msg(found.begin < found.end && found.end <= strlen(cases[i].text), "\"%s\"", cases[i].text);
    }
    shop_kinds_find(&k, "a bag for work", 14, NULL, &found);
    ck_assert(found.has_category && found.category == BAGS && !found.n);
    shop_kinds_free(&k);
}
END_TEST

START_TEST(what_names_no_kind) {
    /* A part of a word, a brand, a colour, what all gifts share, what is not wanted. */
    static const char *const texts[] = {"包邮吗",          "面包",   "smug",     "how much are they",
                                        "which colours",   "水坑狐", "white",    "亮色系",
                                        "not tea, please", "不要茶", "shoehorn", "",
                                        "a set",           "kit",    "套装",     "女装有吗", /* packs */
                                        "not green tea"};
    shop_kinds k;
    shop_kinds_found found;
    fail_alloc counter;
    llmcs_allocator a;
    learn_all(&k, &counter, &a);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        shop_kinds_find(&k, texts[i], strlen(texts[i]), NULL, &found);
        ck_assert_msg(!found.n && !found.has_category, "\"%s\" names a kind", texts[i]);
    }
    shop_kinds_find(&k, "not tea, a mug", 14, NULL, &found);
    ck_assert(found.n == 1 && found.labels[0] == MUG && found.n_excluded == 1 && found.excluded[0] == TEA);
    shop_kinds_free(&k);
}
END_TEST

/* What something holds only describes it. */
START_TEST(what_it_holds_is_not_wanted) {
    static const char *const texts[] = {"does the tote bag hold a mug", "will a mug fit in a tote bag",
                                        "托特包能装下马克杯吗", "托特包放得下马克杯不"};
    shop_kinds k;
    shop_kinds_found found;
    fail_alloc counter;
    llmcs_allocator a;
    learn_all(&k, &counter, &a);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        shop_kinds_find(&k, texts[i], strlen(texts[i]), NULL, &found);
        ck_assert_msg(found.n == 1 && found.labels[0] == (i == 1 ? MUG : BAG), "\"%s\"", texts[i]);
    }
    shop_kinds_free(&k);
}
END_TEST

START_TEST(kinds_are_excluded) {
    static const char *const texts[] = {"not tea",          "except tea",        "anything except green tea",
                                        "instead of tea",   "no more tea",       "不要茶",
                                        "不想要茶",         "我要的不是绿茶",    "除了茶还有什么",
                                        "除了茶以外都可以", "是不是不要茶",      "i said no tea",
                                        "no tea, please",   "he has enough tea", "forget the tea",
                                        "他不喜欢绿茶"};
    /* 是不是 and 要不要 ask; "knot" and "cannot" deny nothing. */
    static const char *const others[] = {"这是不是绿茶", "是不是茶", "要不要茶",       "你想不想要茶",
                                         "喝不喝茶",     "knot tea", "is there no tea"};
    shop_kinds k;
    shop_kinds_found found;
    fail_alloc counter;
    llmcs_allocator a;
    learn_all(&k, &counter, &a);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        shop_kinds_find(&k, texts[i], strlen(texts[i]), NULL, &found);
        ck_assert_msg(!found.n && found.n_excluded == 1 && found.excluded[0] == TEA, "\"%s\": %zu kinds, %zu excluded",
                      texts[i], found.n, found.n_excluded);
        ck_assert_uint_lt(found.excluded_begin, found.excluded_end);
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        shop_kinds_find(&k, others[i], strlen(others[i]), NULL, &found);
        ck_assert_msg(found.n == 1 && found.labels[0] == TEA && !found.n_excluded, "\"%s\": %zu kinds, %zu excluded",
                      others[i], found.n, found.n_excluded);
    }
    shop_kinds_find(&k, "he has enough tea, rather something like a mug", 46, NULL, &found);
    ck_assert(found.n == 1 && found.labels[0] == MUG && found.n_excluded == 1 && found.excluded[0] == TEA);
    /* Another text excludes, and only it. */
    shop_kinds_find(&k, "tea", 3, "not a mug", &found);
    ck_assert(found.n == 1 && found.labels[0] == TEA && found.n_excluded == 1 && found.excluded[0] == MUG);
    shop_kinds_find(&k, "a mug", 5, "not a mug", &found);
    ck_assert(!found.n && found.n_excluded == 1 && found.excluded[0] == MUG);
    shop_kinds_find(&k, "not tea", 7, "a mug", &found);
    ck_assert(!found.n && !found.n_excluded);
    shop_kinds_free(&k);
    ck_assert_int_eq(counter.live, 0);
}
END_TEST

START_TEST(a_product_that_is_read_again_counts_once) {
    static const uint32_t tags[] = {MUG, GIFT};
    shop_kinds_found found;
    fail_alloc counter;
    fail_alloc_init(&counter);
    const llmcs_allocator a = fail_alloc_get(&counter);
    shop_kinds k = {.allocator = &a};
    for (int again = 0; again < 3; again++) {
        learn_tags(&k, 7, KITCHEN, tags, 2, "en", "Ostra Studio Mug");
        shop_kinds_find(&k, "a mug", 5, NULL, &found);
        ck_assert(!shop_kinds_any(&k) && !found.n);
    }
    /* Its new title replaces the old one, and its new category too. */
    learn_tags(&k, 7, TOYS, tags, 2, "en", "Ostra Studio Cup");
    learn_tags(&k, 8, TOYS, tags, 2, "en", "Harvest Cup");
    learn_tags(&k, 8, TOYS, tags, 2, "en", "Harvest Cup");
    shop_kinds_find(&k, "cups", 4, NULL, &found);
    ck_assert(shop_kinds_any(&k) && found.n == 2 && found.labels[0] == MUG && found.labels[1] == GIFT);
    ck_assert_uint_eq(k.names[0].category, TOYS);
    shop_kinds_free(&k);
    ck_assert_int_eq(counter.live, 0);
}
END_TEST

/* A word in more than three categories, or of more than 16 kinds, names none: "classic", "for kids". */
START_TEST(vague_words_name_no_kind) {
    for (uint32_t n_categories = 2; n_categories <= 5; n_categories++) {
        for (uint32_t n_tags = n_categories; n_tags <= SHOP_MOST_KINDS + 1;
             n_tags += SHOP_MOST_KINDS + 1 - n_categories) {
            shop_kinds_found found;
            fail_alloc counter;
            fail_alloc_init(&counter);
            const llmcs_allocator a = fail_alloc_get(&counter);
            shop_kinds k = {.allocator = &a};
            for (uint32_t tag = 0; tag < n_tags; tag++) {
                learn_tags(&k, 2 * tag, tag % n_categories, &tag, 1, "en", "Red Lamp");
                learn_tags(&k, 2 * tag + 1, tag % n_categories, &tag, 1, "en", "Blue Lamp");
            }
            shop_kinds_find(&k, "a lamp", 6, NULL, &found);
            ck_assert_uint_eq(found.n, n_categories > 3 || n_tags > SHOP_MOST_KINDS ? 0 : n_tags);
            shop_kinds_free(&k);
        }
    }
}
END_TEST

START_TEST(long_and_broken_texts_are_read) {
    static char text[5000];
    shop_kinds k;
    shop_kinds_found found;
    fail_alloc counter;
    llmcs_allocator a;
    learn_all(&k, &counter, &a);
    memset(text, 0xe6, sizeof text - 1);
    shop_kinds_find(&k, text, sizeof text - 1, NULL, &found);
    ck_assert(!found.n);
    for (size_t n = 0; n < sizeof text - 1; n++) text[n] = "mug 包"[n % 7];
    for (size_t n = 0; n < 700; n++) shop_kinds_find(&k, text, n, NULL, &found);
    const uint32_t mug[] = {MUG};
    learn_tags(&k, n_products, KITCHEN, mug, 1, "en", text);
    shop_kinds_free(&k);
}
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, nouns_are_found);
    tcase_add_test(t, what_names_no_kind);
    tcase_add_test(t, kinds_are_excluded);
    tcase_add_test(t, what_it_holds_is_not_wanted);
    tcase_add_test(t, a_product_that_is_read_again_counts_once);
    tcase_add_test(t, vague_words_name_no_kind);
    tcase_add_test(t, long_and_broken_texts_are_read);
}

SUITE_MAIN("shop/recommend/kinds", add)
