/* Recommendations from a store: new products and customers, filters, reasons, faults, threads. */
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shop/store/shop_case.h"

static char folder[TEMP_PATH_BYTES];
static char path[TEMP_PATH_BYTES + 16];

static void setup(void) {
    temp_folder(folder);
    snprintf(path, sizeof path, "%s/shop.db", folder);
}
static void teardown(void) { temp_remove(folder); }

/* ---- a shop of two kinds of things */

static void put_product(llmcs_shop *shop, const char *id, const char *en, const char *zh, const char *category,
                        const char *tag, double price, int64_t stock) {
    const llmcs_shop_product_text texts[] = {{"en", en, NULL, NULL}, {"zh", zh, NULL, NULL}};
    const char *tags[] = {tag, "all"};
    const llmcs_shop_product p = {.struct_size = sizeof p,
                                  .id = id,
                                  .texts = texts,
                                  .n_texts = 2,
                                  .category = category,
                                  .brand = "Oak",
                                  .price = price,
                                  .currency = "CNY",
                                  .stock = stock,
                                  .tags = tags,
                                  .n_tags = 2};
    const llmcs_shop_product *const list[] = {&p};
    size_t n;
    SHOP_OK(llmcs_shop_put_products(shop, list, 1, NULL, NULL, &n));
    ck_assert_uint_eq(n, 1);
}

static void put_event(llmcs_shop *shop, const char *customer, const char *item, const char *type, int64_t time) {
    const llmcs_shop_event e = {
        .struct_size = sizeof e, .customer = customer, .item = item, .type = type, .time = time};
    const llmcs_shop_event *const list[] = {&e};
    size_t n;
    SHOP_OK(llmcs_shop_put_events(shop, list, 1, NULL, NULL, &n));
    ck_assert_uint_eq(n, 1);
}

enum { N_EACH = 12 };

/* mug-0 .. mug-11 and shoe-0 .. shoe-11; mugs of even number are out of stock. */
static llmcs_shop *make_shop(void) {
    llmcs_shop *shop = open_shop(path, LLMCS_SHOP_CREATE);
    for (int i = 0; i < N_EACH; i++) {
        char id[32], en[64], zh[64];
        snprintf(id, sizeof id, "mug-%d", i);
        snprintf(en, sizeof en, "Coffee mug number %d", i);
        snprintf(zh, sizeof zh, "咖啡马克杯 %d号", i);
        put_product(shop, id, en, zh, "kitchen", i < 6 ? "gift" : "daily", 20 + i, i % 2 ? 5 : 0);
        snprintf(id, sizeof id, "shoe-%d", i);
        snprintf(en, sizeof en, "Running shoe number %d", i);
        snprintf(zh, sizeof zh, "跑步鞋 %d号", i);
        put_product(shop, id, en, zh, "sport", i < 6 ? "gift" : "daily", 200 + 10 * i, -1);
    }
    return shop;
}

static llmcs_shop_recommendations *recommend(llmcs_shop *shop, const llmcs_shop_recommend_params *params) {
    llmcs_shop_recommendations *found = NULL;
    SHOP_OK(llmcs_shop_recommend(shop, params, &found));
    ck_assert_ptr_nonnull(found);
    for (size_t i = 0; i < found->n_items; i++) {
        ck_assert_ptr_nonnull(found->items[i]->item);
        ck_assert_uint_gt(strlen(found->items[i]->reason), 0);
        ck_assert(isfinite(found->items[i]->score));
        for (size_t j = 0; j < i; j++) ck_assert_str_ne(found->items[i]->item, found->items[j]->item);
    }
    return found;
}

static llmcs_shop_recommend_params for_customer(const char *customer, size_t k) {
    llmcs_shop_recommend_params p;
    llmcs_shop_recommend_params_init(&p);
    p.customer = customer;
    p.k = k;
    return p;
}

static size_t count_of(const llmcs_shop_recommendations *found, const char *prefix) {
    size_t n = 0;
    for (size_t i = 0; i < found->n_items; i++) n += !strncmp(found->items[i]->item, prefix, strlen(prefix));
    return n;
}

START_TEST(a_new_customer_after_one_click_and_a_new_product_at_once) {
    llmcs_shop *shop = make_shop();
    llmcs_shop_recommend_params p = for_customer("ann", 5);
    llmcs_shop_recommendations *found = recommend(shop, &p);
    ck_assert_uint_eq(found->n_items, 5);
    ck_assert_uint_eq(found->items[0]->n_parts, 0);
    ck_assert_str_eq(found->items[0]->reason, "Popular with other customers.");
    llmcs_shop_recommendations_free(&found);
    ck_assert_ptr_null(found);

    put_event(shop, "ann", "shoe-3", "view", 1000);
    found = recommend(shop, &p);
    ck_assert_uint_eq(found->n_items, 5);
    ck_assert_uint_eq(count_of(found, "shoe"), 5);
    ck_assert_str_eq(found->items[0]->reason, "Because you looked at Running shoe number 3.");
    ck_assert_uint_eq(found->items[0]->n_parts, 1);
    ck_assert_str_eq(found->items[0]->parts[0]->item, "shoe-3");
    ck_assert_str_eq(found->items[0]->parts[0]->event, "view");
    ck_assert_double_eq_tol(found->items[0]->parts[0]->share, 1, 1e-9);
    llmcs_shop_recommendations_free(&found);

    put_product(shop, "new", "Running shoe number 3, new colour", "跑步鞋 3号 新色", "sport", "gift", 230, 1);
    found = recommend(shop, &p);
    ck_assert_uint_eq(count_of(found, "new"), 1);
    ck_assert_str_eq(found->items[0]->item, "new");
    llmcs_shop_recommendations_free(&found);
    llmcs_shop_free(&shop);
}
END_TEST

START_TEST(what_others_chose_counts_without_any_likeness) {
    llmcs_shop *shop = make_shop();
    char name[16];
    for (int i = 0; i < 8; i++) {
        snprintf(name, sizeof name, "c%d", i);
        put_event(shop, name, "mug-1", "purchase", 100 + i);
        put_event(shop, name, "shoe-7", "purchase", 200 + i);
    }
    put_event(shop, "bob", "mug-1", "cart", 1000);
    llmcs_shop_recommend_params p = for_customer("bob", 4);
    p.weight_content = p.weight_popular = p.diversity = 0;
    llmcs_shop_recommendations *found = recommend(shop, &p);
    ck_assert_str_eq(found->items[0]->item, "shoe-7");
    ck_assert_str_eq(found->items[0]->reason, "Because you put Coffee mug number 1 into the cart.");
    ck_assert_double_eq_tol(found->items[0]->together, 8 / (sqrt(9 * 8) + 2), 1e-6);
    llmcs_shop_recommendations_free(&found);
    llmcs_shop_recommend_params_init(&p);
    p.item = "mug-1";
    p.weight_content = 0;
    p.lang = "zh-CN";
    found = recommend(shop, &p);
    ck_assert_str_eq(found->items[0]->item, "shoe-7");
    ck_assert_str_eq(found->items[0]->reason, "顾客常与「咖啡马克杯 1号」一起选购。");
    ck_assert_str_eq(found->items[0]->title, "跑步鞋 7号");
    llmcs_shop_recommendations_free(&found);
    llmcs_shop_free(&shop);
}
END_TEST

START_TEST(reasons_are_in_the_customers_language) {
    llmcs_shop *shop = make_shop();
    const llmcs_shop_customer c = {.struct_size = sizeof c, .id = "li", .name = "李", .lang = "zh"};
    const llmcs_shop_customer *const list[] = {&c};
    SHOP_OK(llmcs_shop_put_customers(shop, list, 1, NULL, NULL, NULL));
    put_event(shop, "li", "mug-1", "purchase", 1000);
    put_event(shop, "li", "mug-3", "purchase", 1001);
    llmcs_shop_recommend_params p = for_customer("li", 1);
    llmcs_shop_recommendations *found = recommend(shop, &p);
    ck_assert_ptr_nonnull(strstr(found->items[0]->reason, "因为您购买过「咖啡马克杯"));
    ck_assert_uint_eq(found->items[0]->n_parts, 2);
    ck_assert_ptr_nonnull(strstr(found->items[0]->reason, "」和「"));
    llmcs_shop_recommendations_free(&found);
    p.lang = "en";
    found = recommend(shop, &p);
    ck_assert_ptr_nonnull(strstr(found->items[0]->reason, "Because you bought Coffee mug number"));
    ck_assert_ptr_nonnull(strstr(found->items[0]->reason, " and Coffee mug number"));
    llmcs_shop_recommendations_free(&found);
    llmcs_shop_recommend_params_init(&p);
    p.text = "跑步";
    p.lang = "zh";
    found = recommend(shop, &p);
    ck_assert_str_eq(found->items[0]->reason, "符合「跑步」。");
    ck_assert_uint_eq(count_of(found, "shoe"), 10);
    llmcs_shop_recommendations_free(&found);
    llmcs_shop_free(&shop);
}
END_TEST

/* Every filter against its definition, over all products. */
START_TEST(filters_let_through_what_they_say) {
    llmcs_shop *shop = make_shop();
    put_event(shop, "ann", "mug-1", "purchase", 1000);
    put_event(shop, "ann", "shoe-1", "view", 1001);
    const char *kitchen = "kitchen", *gift = "gift", *daily = "daily", *unknown = "unknown", *shoe = "shoe-2";
    llmcs_shop_recommend_params p = for_customer("ann", 100);
    llmcs_shop_recommendations *found = recommend(shop, &p);
    ck_assert_uint_eq(found->n_items, 6 + 12 - 2);
    llmcs_shop_recommendations_free(&found);
    p.out_of_stock = 1;
    found = recommend(shop, &p);
    ck_assert_uint_eq(found->n_items, 24 - 2);
    llmcs_shop_recommendations_free(&found);
    p.seen = LLMCS_SHOP_SEEN_EXCLUDE_BOUGHT;
    found = recommend(shop, &p);
    ck_assert_uint_eq(found->n_items, 24 - 1);
    ck_assert_uint_eq(count_of(found, "mug-1"), 2); /* mug-10 and mug-11 */
    llmcs_shop_recommendations_free(&found);
    p.seen = LLMCS_SHOP_SEEN_INCLUDE;
    p.categories = &kitchen, p.n_categories = 1;
    p.price_min = 22, p.price_max = 25;
    found = recommend(shop, &p);
    ck_assert_uint_eq(found->n_items, 4);
    llmcs_shop_recommendations_free(&found);
    p.tags_none = &gift, p.n_tags_none = 1;
    found = recommend(shop, &p);
    ck_assert_uint_eq(found->n_items, 0);
    llmcs_shop_recommendations_free(&found);

    p = for_customer("ann", 100);
    p.out_of_stock = 1, p.seen = LLMCS_SHOP_SEEN_INCLUDE;
    const char *both[] = {"gift", "all"}, *either[] = {"daily", "unknown"};
    p.tags_all = both, p.n_tags_all = 2;
    found = recommend(shop, &p);
    ck_assert_uint_eq(found->n_items, 12);
    llmcs_shop_recommendations_free(&found);
    p.exclude = &shoe, p.n_exclude = 1;
    found = recommend(shop, &p);
    ck_assert_uint_eq(found->n_items, 11);
    llmcs_shop_recommendations_free(&found);
    p.tags_any = &daily, p.n_tags_any = 1;
    found = recommend(shop, &p);
    ck_assert_uint_eq(found->n_items, 0);
    llmcs_shop_recommendations_free(&found);
    p.n_tags_all = 0;
    p.tags_any = either, p.n_tags_any = 2;
    found = recommend(shop, &p);
    ck_assert_uint_eq(found->n_items, 12);
    llmcs_shop_recommendations_free(&found);
    p.tags_any = &unknown, p.n_tags_any = 1;
    found = recommend(shop, &p);
    ck_assert_uint_eq(found->n_items, 0);
    llmcs_shop_recommendations_free(&found);
    llmcs_shop_free(&shop);
}
END_TEST

/* More labels than the index has bits for: the filter still finds the one product of each. */
START_TEST(rare_labels_are_found) {
    llmcs_shop *shop = open_shop(path, LLMCS_SHOP_CREATE);
    char id[32], tag[32];
    for (int i = 0; i < 150; i++) {
        snprintf(id, sizeof id, "p%d", i);
        snprintf(tag, sizeof tag, "tag%d", i);
        put_product(shop, id, "Thing", "东西", "one", tag, 10, 1);
    }
    put_event(shop, "ann", "p0", "view", 1);
    llmcs_shop_recommend_params p = for_customer("ann", 3);
    const char *wanted = tag;
    p.tags_all = &wanted, p.n_tags_all = 1;
    for (int i = 1; i < 150; i += 7) {
        snprintf(id, sizeof id, "p%d", i);
        snprintf(tag, sizeof tag, "tag%d", i);
        llmcs_shop_recommendations *found = recommend(shop, &p);
        ck_assert_uint_eq(found->n_items, 1);
        ck_assert_str_eq(found->items[0]->item, id);
        llmcs_shop_recommendations_free(&found);
    }
    /* A product that moves leaves the old label's list. */
    put_product(shop, "p1", "Thing", "东西", "two", "tag2", 10, 1);
    for (int i = 1; i < 4; i++) {
        snprintf(tag, sizeof tag, "tag%d", i);
        llmcs_shop_recommendations *found = recommend(shop, &p);
        ck_assert_uint_eq(found->n_items, i == 1 ? 0 : i == 2 ? 2 : 1);
        llmcs_shop_recommendations_free(&found);
    }
    llmcs_shop_recommend_params other = for_customer("ann", 3);
    const char *category = "two";
    other.categories = &category, other.n_categories = 1;
    llmcs_shop_recommendations *moved = recommend(shop, &other);
    ck_assert_uint_eq(moved->n_items, 1);
    ck_assert_str_eq(moved->items[0]->item, "p1");
    llmcs_shop_recommendations_free(&moved);
    /* A label that shares its bit leaves out its own products only. */
    p = for_customer("ann", 200);
    p.tags_none = &wanted, p.n_tags_none = 1;
    for (int i = 1; i < 150; i += 7) {
        snprintf(tag, sizeof tag, "tag%d", i);
        llmcs_shop_recommendations *found = recommend(shop, &p);
        ck_assert_uint_eq(found->n_items, i == 1 ? 149 : 148); /* ann has seen p0; p1 has moved */
        llmcs_shop_recommendations_free(&found);
    }
    llmcs_shop_free(&shop);
}
END_TEST

START_TEST(boosts_and_returns) {
    llmcs_shop *shop = make_shop();
    put_event(shop, "ann", "shoe-3", "purchase", 1000);
    llmcs_shop_recommend_params p = for_customer("ann", 3);
    const llmcs_shop_boost boosts[] = {{.item = "mug-5", .add = 2}, {.category = "sport", .tag = "daily", .add = -2}};
    p.boosts = boosts, p.n_boosts = 2;
    llmcs_shop_recommendations *found = recommend(shop, &p);
    ck_assert_str_eq(found->items[0]->item, "mug-5");
    llmcs_shop_recommendations_free(&found);
    p.n_boosts = 0;
    /* What was sent back is not wanted again. */
    put_event(shop, "ann", "shoe-3", "return", 2000);
    const llmcs_shop_event_weight weights[] = {{"return", -9}};
    p.event_weights = weights, p.n_event_weights = 1;
    found = recommend(shop, &p);
    ck_assert_uint_eq(count_of(found, "mug"), 3);
    llmcs_shop_recommendations_free(&found);
    llmcs_shop_free(&shop);
}
END_TEST

START_TEST(orders_count_as_bought) {
    llmcs_shop *shop = make_shop();
    const llmcs_shop_order_item items[] = {{"mug-1", 1, 20}, {"gone", 1, 5}};
    const llmcs_shop_order o = {.struct_size = sizeof o,
                                .id = "o1",
                                .customer = "eve",
                                .status = "paid",
                                .time = 50,
                                .items = items,
                                .n_items = 2,
                                .total = -1};
    const llmcs_shop_order *const list[] = {&o};
    SHOP_OK(llmcs_shop_put_orders(shop, list, 1, NULL, NULL, NULL));
    llmcs_shop_recommend_params p = for_customer("eve", 3);
    llmcs_shop_recommendations *found = recommend(shop, &p);
    ck_assert_uint_eq(count_of(found, "mug"), 3);
    ck_assert_str_eq(found->items[0]->reason, "Because you bought Coffee mug number 1.");
    llmcs_shop_recommendations_free(&found);
    llmcs_shop_free(&shop);
}
END_TEST

START_TEST(bad_parameters_are_refused) {
    llmcs_shop *shop = make_shop();
    llmcs_shop_recommendations *found = NULL;
    llmcs_shop_recommend_params p;
    const char *null = NULL;
    llmcs_shop_recommend_params_init(&p);
    SHOP_FAILS(llmcs_shop_recommend(shop, NULL, &found), LLMCS_ARG, "params is NULL");
    SHOP_FAILS(llmcs_shop_recommend(NULL, &p, &found), LLMCS_ARG, "shop is NULL");
    SHOP_FAILS(llmcs_shop_recommend(shop, &p, &found), LLMCS_ARG, "exactly one");
    p.item = "x", p.text = "y";
    SHOP_FAILS(llmcs_shop_recommend(shop, &p, &found), LLMCS_ARG, "exactly one");
    p.text = NULL;
    SHOP_FAILS(llmcs_shop_recommend(shop, &p, &found), LLMCS_ARG, "the store has no product \"x\"");
    p = for_customer("ann", 0);
    SHOP_FAILS(llmcs_shop_recommend(shop, &p, &found), LLMCS_ARG, "k: 0");
    p = for_customer("ann", 1), p.half_life_days = 0;
    SHOP_FAILS(llmcs_shop_recommend(shop, &p, &found), LLMCS_ARG, "half_life_days");
    p = for_customer("ann", 1), p.diversity = 1.5;
    SHOP_FAILS(llmcs_shop_recommend(shop, &p, &found), LLMCS_ARG, "diversity: 1.5");
    p = for_customer("ann", 1), p.weight_together = (double)NAN;
    SHOP_FAILS(llmcs_shop_recommend(shop, &p, &found), LLMCS_ARG, "weight_together");
    p = for_customer("ann", 1), p.n_tags_any = 1;
    SHOP_FAILS(llmcs_shop_recommend(shop, &p, &found), LLMCS_ARG, "tags_any is NULL");
    p.tags_any = &null;
    SHOP_FAILS(llmcs_shop_recommend(shop, &p, &found), LLMCS_ARG, "tags_any[0] is NULL");
    p = for_customer("ann", 1), p.seen = (llmcs_shop_seen)7;
    SHOP_FAILS(llmcs_shop_recommend(shop, &p, &found), LLMCS_ARG, "seen: 7");
    p = for_customer("ann", 1), p.struct_size = 3;
    SHOP_FAILS(llmcs_shop_recommend(shop, &p, &found), LLMCS_ARG, "struct_size");
    llmcs_shop_recommend_params_init(&p), p.text = "";
    SHOP_FAILS(llmcs_shop_recommend(shop, &p, &found), LLMCS_ARG, "text is empty");
    ck_assert_ptr_null(found);
    llmcs_shop_recommendations_free(NULL);
    llmcs_shop_free(&shop);
}
END_TEST

/* Another handle, and so another process, writes; this one follows. */
START_TEST(writes_of_others_are_followed) {
    llmcs_shop *shop = make_shop(), *other = open_shop(path, 0);
    put_event(shop, "ann", "shoe-1", "view", 1);
    llmcs_shop_recommend_params p = for_customer("ann", 24);
    llmcs_shop_recommendations *found = recommend(shop, &p);
    ck_assert_uint_eq(found->n_items, 17);
    llmcs_shop_recommendations_free(&found);
    put_product(other, "late", "Running shoe, late", "跑步鞋", "sport", "gift", 250, 3);
    put_product(other, "mug-0", "Coffee mug, back in stock", "咖啡马克杯", "kitchen", "gift", 20, 9);
    found = recommend(shop, &p);
    ck_assert_uint_eq(found->n_items, 19);
    ck_assert_uint_eq(count_of(found, "late") + count_of(found, "mug-0"), 2);
    llmcs_shop_recommendations_free(&found);
    llmcs_shop_free(&other);
    const pid_t child = fork();
    if (!child) {
        const bool refused = llmcs_shop_recommend(shop, &p, &found) == LLMCS_FORK;
        llmcs_shop_free(&shop);
        _exit(refused ? 0 : 1);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && !WEXITSTATUS(status));
    found = recommend(shop, &p);
    llmcs_shop_recommendations_free(&found);
    llmcs_shop_free(&shop);
}
END_TEST

/* Words of a product are kept until it changes. */
START_TEST(a_text_finds_a_product_by_its_words_of_now) {
    llmcs_shop *shop = make_shop();
    put_product(shop, "thing", "Zebra lantern", "灯笼", "home", "gift", 30, 3);
    llmcs_shop_recommend_params p;
    llmcs_shop_recommend_params_init(&p);
    p.k = 1;
    p.lang = "en";
    for (int round = 0; round < 3; round++) {
        p.text = "zebra lantern";
        llmcs_shop_recommendations *found = recommend(shop, &p);
        ck_assert_str_eq(found->items[0]->item, "thing");
        llmcs_shop_recommendations_free(&found);
    }
    put_product(shop, "thing", "Walrus blanket", "毯子", "home", "gift", 30, 3);
    put_product(shop, "later", "Zebra lantern", "灯笼", "home", "gift", 30, 3);
    for (int round = 0; round < 2; round++) {
        llmcs_shop_recommendations *found = recommend(shop, &p);
        ck_assert_str_eq(found->items[0]->item, "later");
        llmcs_shop_recommendations_free(&found);
    }
    p.text = "walrus blanket";
    llmcs_shop_recommendations *found = recommend(shop, &p);
    ck_assert_str_eq(found->items[0]->item, "thing");
    llmcs_shop_recommendations_free(&found);
    llmcs_shop_free(&shop);
}
END_TEST

/* ---- failing allocations */

static llmcs_status recommend_once(const llmcs_allocator *a, char *first, size_t capacity) {
    llmcs_shop_options options;
    llmcs_shop *shop = NULL;
    llmcs_shop_recommendations *found = NULL;
    llmcs_shop_options_init(&options);
    options.allocator = a;
    options.flags = LLMCS_SHOP_READ_ONLY;
    const char *gift = "gift", *shoe = "shoe-2";
    llmcs_shop_recommend_params p = for_customer("ann", 4);
    p.tags_all = &gift, p.n_tags_all = 1;
    p.exclude = &shoe, p.n_exclude = 1;
    llmcs_status status = llmcs_shop_open(path, &options, &shop);
    if (!status) status = llmcs_shop_recommend(shop, &p, &found);
    if (!status) snprintf(first, capacity, "%s %s", found->items[0]->item, found->items[3]->reason);
    llmcs_shop_recommendations_free(&found);
    llmcs_shop_free(&shop);
    return status;
}

START_TEST(each_allocation_may_fail) {
    char expected[512], got[512];
    llmcs_shop *shop = make_shop();
    put_event(shop, "ann", "shoe-1", "view", 1);
    put_event(shop, "bob", "shoe-1", "view", 1);
    put_event(shop, "bob", "mug-1", "view", 1);
    llmcs_shop_free(&shop);
    fail_alloc counter;
    fail_alloc_init(&counter);
    const llmcs_allocator a = fail_alloc_get(&counter);
    SHOP_OK(recommend_once(&a, expected, sizeof expected));
    ck_assert_int_eq(counter.live, 0);
    const long n = counter.calls;
    ck_assert_int_gt(n, 40);
    for (long i = 0; i < n; i++) {
        fail_alloc_init(&counter);
        counter.fail_at = i;
        ck_assert_int_eq(recommend_once(&a, got, sizeof got), LLMCS_NOMEM);
        ck_assert_int_eq(counter.live, 0);
    }
    fail_alloc_init(&counter);
    SHOP_OK(recommend_once(&a, got, sizeof got));
    ck_assert_str_eq(got, expected);
}
END_TEST

/* ---- threads */

typedef struct worker {
    llmcs_shop *shop;
    int number;
    bool failed;
    char last[2048];
} worker;

static void *recommend_often(void *user) {
    worker *w = user;
    for (int i = 0; i < 60 && !w->failed; i++) {
        llmcs_shop_recommendations *found = NULL;
        const llmcs_shop_recommend_params p = for_customer("ann", 5);
        if (w->number == 0) {
            put_event(w->shop, "other", i % 2 ? "shoe-5" : "mug-7", "view", i);
            continue;
        }
        w->failed = llmcs_shop_recommend(w->shop, &p, &found) || found->n_items != 5;
        w->last[0] = 0;
        for (size_t k = 0; found && k < found->n_items; k++) {
            const size_t n = strlen(w->last);
            snprintf(w->last + n, sizeof w->last - n, "%s %.17g ", found->items[k]->item, found->items[k]->score);
        }
        llmcs_shop_recommendations_free(&found);
    }
    return NULL;
}

START_TEST(threads_recommend_while_events_arrive) {
    llmcs_shop *shop = make_shop();
    put_event(shop, "ann", "shoe-3", "purchase", 1000);
    worker workers[4];
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        workers[i] = (worker){.shop = shop, .number = i};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, recommend_often, &workers[i]), 0);
    }
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < 4; i++) ck_assert(!workers[i].failed);
    /* Event by event or read at once: the same bits. */
    llmcs_shop *fresh = open_shop(path, LLMCS_SHOP_READ_ONLY);
    worker old = {.shop = shop, .number = 1}, new = {.shop = fresh, .number = 1};
    recommend_often(&old);
    recommend_often(&new);
    ck_assert_str_eq(old.last, new.last);
    llmcs_shop_free(&fresh);
    llmcs_shop_free(&shop);
}
END_TEST

static void add_tests(TCase *tests) {
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_new_customer_after_one_click_and_a_new_product_at_once);
    tcase_add_test(tests, what_others_chose_counts_without_any_likeness);
    tcase_add_test(tests, reasons_are_in_the_customers_language);
    tcase_add_test(tests, filters_let_through_what_they_say);
    tcase_add_test(tests, rare_labels_are_found);
    tcase_add_test(tests, boosts_and_returns);
    tcase_add_test(tests, orders_count_as_bought);
    tcase_add_test(tests, bad_parameters_are_refused);
    tcase_add_test(tests, writes_of_others_are_followed);
    tcase_add_test(tests, a_text_finds_a_product_by_its_words_of_now);
    tcase_add_test(tests, each_allocation_may_fail);
    tcase_add_test(tests, threads_recommend_while_events_arrive);
}

SUITE_MAIN("shop/recommend", add_tests)
