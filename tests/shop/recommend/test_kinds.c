/* Kinds of products: learned from titles, found in texts. */
#include <string.h>

#include "shop/recommend/kinds.h"
#include "support/fail_alloc.h"
#include "support/suite.h"

enum { MUG, TEA, BAG, LOTION, SHOES, CLAY, GIFT, SHELF, KITCHEN = 100, DRINKS, BAGS, BEAUTY, SHOE, TOYS };

static void learn(shop_kinds *k, uint32_t label, uint32_t category, const char *en, const char *zh) {
    ck_assert_int_eq(LLMCS_OK, shop_kinds_add(k, label, category, "en", en, strlen(en)));
    ck_assert_int_eq(LLMCS_OK, shop_kinds_add(k, label, category, "zh", zh, strlen(zh)));
    ck_assert_int_eq(LLMCS_OK, shop_kinds_add(k, GIFT, category, "en", en, strlen(en)));
    ck_assert_int_eq(LLMCS_OK, shop_kinds_add(k, GIFT, category, "zh", zh, strlen(zh)));
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
                 {"彩泥", CLAY}};
    shop_kinds k;
    shop_kinds_found found;
    fail_alloc counter;
    llmcs_allocator a;
    learn_all(&k, &counter, &a);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        shop_kinds_find(&k, cases[i].text, strlen(cases[i].text), &found);
        ck_assert_msg(found.n == 1 && found.labels[0] == cases[i].label, "\"%s\": %zu kinds", cases[i].text, found.n);
        ck_assert_msg(found.begin < found.end && found.end <= strlen(cases[i].text), "\"%s\"", cases[i].text);
    }
    shop_kinds_find(&k, "a bag for work", 14, &found);
    ck_assert(found.has_category && found.category == BAGS && !found.n);
    shop_kinds_free(&k);
}
END_TEST

START_TEST(what_names_no_kind) {
    /* A part of a word, a brand, a colour, what all gifts share, what is not wanted. */
    static const char *const texts[] = {"包邮吗",          "面包",   "smug",     "how much are they",
                                        "which colours",   "水坑狐", "white",    "亮色系",
                                        "not tea, please", "不要茶", "shoehorn", ""};
    shop_kinds k;
    shop_kinds_found found;
    fail_alloc counter;
    llmcs_allocator a;
    learn_all(&k, &counter, &a);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        shop_kinds_find(&k, texts[i], strlen(texts[i]), &found);
        ck_assert_msg(!found.n && !found.has_category, "\"%s\" names a kind", texts[i]);
    }
    shop_kinds_find(&k, "not tea, a mug", 14, &found);
    ck_assert(found.n == 1 && found.labels[0] == MUG && found.n_excluded == 1 && found.excluded[0] == TEA);
    shop_kinds_free(&k);
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
    shop_kinds_find(&k, text, sizeof text - 1, &found);
    ck_assert(!found.n);
    for (size_t n = 0; n < sizeof text - 1; n++) text[n] = "mug 包"[n % 7];
    for (size_t n = 0; n < 700; n++) shop_kinds_find(&k, text, n, &found);
    ck_assert_int_eq(LLMCS_OK, shop_kinds_add(&k, MUG, KITCHEN, "en", text, sizeof text - 1));
    shop_kinds_free(&k);
}
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, nouns_are_found);
    tcase_add_test(t, what_names_no_kind);
    tcase_add_test(t, long_and_broken_texts_are_read);
}

SUITE_MAIN("shop/recommend/kinds", add)
