/* A small shop with its own flows: two customers, four orders, three products, and a classifier trained on a few
 * rows. */
#ifndef TESTS_SHOP_DESK_DESK_CASE_H
#define TESTS_SHOP_DESK_DESK_CASE_H

#include <stdlib.h>

#include "shop/store/shop_case.h"

enum { DESK_NOW = 1794830400 }; /* 2026-11-16 12:00 UTC */

/* tests/data/desk/flows.json */
static inline const char *desk_flows_text(void) {
    static char text[16384];
    FILE *f = fopen("tests/data/desk/flows.json", "r");
    ck_assert_msg(f != NULL, "tests/data/desk/flows.json");
    const size_t n = fread(text, 1, sizeof text - 1, f);
    ck_assert_uint_lt(n, sizeof text - 1);
    text[n] = 0;
    fclose(f);
    return text;
}

/* Training rows of the intents: a few per label and language. */
static const llmcs_shop_example desk_rows_of_intents[] = {
#define ROW(text, label) \
    { text, LLMCS_NUL, label }
    ROW("where is my order", "track_order"),
    ROW("where is my parcel PL1001", "track_order"),
    ROW("track order PL1002", "track_order"),
    ROW("has my package been sent", "track_order"),
    ROW("我的包裹到哪了", "track_order"),
    ROW("查一下物流", "track_order"),
    ROW("订单PL1003到哪了", "track_order"),
    ROW("快递什么时候到", "track_order"),
    ROW("cancel my order", "cancel"),
    ROW("please cancel order PL1001", "cancel"),
    ROW("i want to cancel PL1002", "cancel"),
    ROW("cancel it please", "cancel"),
    ROW("取消订单", "cancel"),
    ROW("帮我取消PL1001", "cancel"),
    ROW("我要取消这个订单", "cancel"),
    ROW("不想要了，取消", "cancel"),
    ROW("change the delivery address", "change_address"),
    ROW("send it to another address", "change_address"),
    ROW("change address of order PL1001", "change_address"),
    ROW("改一下收货地址", "change_address"),
    ROW("地址填错了想改地址", "change_address"),
    ROW("PL1002换个地址", "change_address"),
    ROW("i want to return it", "refund"),
    ROW("return order PL1003", "refund"),
    ROW("send back my order", "refund"),
    ROW("我要退货", "refund"),
    ROW("PL1003想退货", "refund"),
    ROW("怎么把东西退回去", "refund"),
    ROW("is the red mug in stock", "stock"),
    ROW("do you have the desk lamp in stock", "stock"),
    ROW("is it sold out", "stock"),
    ROW("红色马克杯有货吗", "stock"),
    ROW("台灯还有库存吗", "stock"),
    ROW("有没有货", "stock"),
    ROW("let me talk to a person", "human"),
    ROW("i want an agent", "human"),
    ROW("give me a human", "human"),
    ROW("找真人客服", "human"),
    ROW("我要和人说话", "human"),
    ROW("客服在吗，人呢", "human"),
    ROW("thanks", "thanks"),
    ROW("thank you very much", "thanks"),
    ROW("great, thanks", "thanks"),
    ROW("谢谢", "thanks"),
    ROW("多谢你", "thanks"),
    ROW("感谢", "thanks"),
    ROW("when do you open", "hours"),
    ROW("what are your opening hours", "hours"),
    ROW("opening times", "hours"),
    ROW("几点开门", "hours"),
    ROW("营业时间是几点", "hours"),
    ROW("你们什么时候开门", "hours"),
    ROW("what does delivery cost", "delivery"),
    ROW("shipping fee", "delivery"),
    ROW("how much is shipping", "delivery"),
    ROW("运费多少", "delivery"),
    ROW("快递费怎么算", "delivery"),
    ROW("邮费多少钱", "delivery"),
#undef ROW
};

typedef struct desk_case {
    char folder[TEMP_PATH_BYTES], path[TEMP_PATH_BYTES + 16];
    llmcs_shop *shop;
    llmcs_shop_classifier_slot *intents;
    llmcs_shop_desk_options options;
    llmcs_shop_desk *desk;
    llmcs_shop_turn *turn; /* the last one */
    int64_t now;
} desk_case;

static int64_t case_now(void *user) { return ((desk_case *)user)->now; }

static inline void put_order(llmcs_shop *shop, const char *id, const char *customer, const char *status, double total) {
    const llmcs_shop_order_item item = {"mug", 1, total};
    const llmcs_shop_order o = {.struct_size = sizeof o,
                                .id = id,
                                .customer = customer,
                                .status = status,
                                .time = DESK_NOW - 86400,
                                .items = &item,
                                .n_items = 1,
                                .total = total,
                                .currency = "CNY",
                                .city = "Hangzhou"};
    const llmcs_shop_order *list[] = {&o};
    SHOP_OK(llmcs_shop_put_orders(shop, list, 1, NULL, NULL, NULL));
}

static inline void put_two_texts(llmcs_shop *shop, const char *id, const char *en, const char *zh, double price,
                                 int64_t stock) {
    const llmcs_shop_product_text texts[] = {{"en", en, NULL, NULL}, {"zh", zh, NULL, NULL}};
    const llmcs_shop_product p = {.struct_size = sizeof p,
                                  .id = id,
                                  .texts = texts,
                                  .n_texts = 2,
                                  .price = price,
                                  .currency = "CNY",
                                  .stock = stock};
    const llmcs_shop_product *list[] = {&p};
    SHOP_OK(llmcs_shop_put_products(shop, list, 1, NULL, NULL, NULL));
}

static inline void put_answer(llmcs_shop *shop, const char *id, const char *lang, const char *question,
                              const char *answer) {
    const llmcs_shop_entry e = {
        .struct_size = sizeof e, .id = id, .lang = lang, .questions = &question, .n_questions = 1, .answer = answer};
    const llmcs_shop_entry *list[] = {&e};
    SHOP_OK(llmcs_shop_put_entries(shop, list, 1, NULL, NULL, NULL));
}

static inline void fill_shop(llmcs_shop *shop) {
    put_two_texts(shop, "mug", "Red Harvest Mug", "红色丰收马克杯", 50, 3);
    put_two_texts(shop, "lamp", "Brass Desk Lamp", "黄铜台灯", 129.5, 0);
    put_two_texts(shop, "coat", "Winter Coat", "冬季外套", 399, 9);
    put_order(shop, "PL1001", "anna", "paid", 50);
    put_order(shop, "PL1002", "anna", "shipped", 80);
    put_order(shop, "PL1003", "anna", "paid", 20.5);
    put_order(shop, "PL2001", "ben", "paid", 70);
    put_answer(shop, "ship", "en", "What does shipping cost?", "Shipping costs 10 CNY.");
    put_answer(shop, "ship", "zh", "运费多少？", "运费10元。");
    put_answer(shop, "gift", "en", "Do you wrap gifts?", "Gift wrapping costs 8 CNY.");
    put_answer(shop, "gift", "zh", "可以礼品包装吗？", "礼品包装8元。");
}

static inline void case_log(void *user, llmcs_log_level level, const char *message) {
    (void)user;
    if (getenv("DESK_SHOW")) fprintf(stderr, "  log %d: %s\n", (int)level, message);
}

/* Creates and fills a store. The desk is opened later, so a test can change the options first. */
static inline void desk_case_make(desk_case *d) {
    *d = (desk_case){.now = DESK_NOW};
    temp_folder(d->folder);
    snprintf(d->path, sizeof d->path, "%s/shop.db", d->folder);
    llmcs_shop_options o;
    llmcs_shop_options_init(&o);
    o.flags = LLMCS_SHOP_CREATE;
    o.busy_ms = 200;
    o.log = case_log;
    SHOP_OK(llmcs_shop_open(d->path, &o, &d->shop));
    fill_shop(d->shop);
    llmcs_shop_classifier *classifier = NULL;
    llmcs_shop_train_params params;
    llmcs_shop_train_params_init(&params);
    params.n_threads = 1;
    params.l2 = 0.1;
    params.oos_label = "oos";
    params.accept_score = 0.5;
    SHOP_OK(llmcs_shop_classifier_train(
        desk_rows_of_intents, sizeof desk_rows_of_intents / sizeof *desk_rows_of_intents, &params, &classifier));
    SHOP_OK(llmcs_shop_classifier_slot_create(classifier, &d->intents));
    llmcs_shop_classifier_free(&classifier);
    llmcs_shop_desk_options_init(&d->options);
    d->options.flows_json = desk_flows_text();
    d->options.intents = d->intents;
    d->options.now = case_now;
    d->options.now_user = d;
}

static inline void desk_case_open(desk_case *d) {
    desk_case_make(d);
    SHOP_OK(llmcs_shop_desk_open(d->shop, &d->options, &d->desk));
}

static inline void desk_case_close(desk_case *d) {
    llmcs_shop_turn_free(&d->turn);
    llmcs_shop_desk_free(&d->desk);
    llmcs_shop_classifier_slot_free(&d->intents);
    llmcs_shop_free(&d->shop);
    temp_remove(d->folder);
}

/* Sends a message. The reply is valid until the next one. */
static inline const char *say_as(desk_case *d, const char *conversation, const char *customer, const char *text) {
    llmcs_shop_message m;
    llmcs_shop_message_init(&m);
    m.conversation = conversation;
    m.customer = customer;
    m.text = text;
    llmcs_shop_turn_free(&d->turn);
    SHOP_OK(llmcs_shop_desk_say(d->desk, &m, &d->turn));
    if (getenv("DESK_SHOW"))
        fprintf(stderr, "  %s: %s\n  -> [%s, %s %.2f, out of scope %.2f] %s\n", conversation, text,
                llmcs_shop_desk_route_name(d->turn->route), d->turn->intent, d->turn->intent_score,
                d->turn->out_of_scope, d->turn->reply);
    return d->turn->reply;
}

static inline const char *say(desk_case *d, const char *text) { return say_as(d, "c1", "anna", text); }

#define HAS(text_, words_) \
    ck_assert_msg(strstr((text_), (words_)) != NULL, "\"%s\" lacks \"%s\"", d.turn->reply, words_)
#define LACKS(text_, words_) \
    ck_assert_msg(strstr((text_), (words_)) == NULL, "\"%s\" has \"%s\"", d.turn->reply, words_)
#define ORDER_IS(id, expected) \
    ck_assert_str_eq(shop_value(d.path, "SELECT status FROM orders WHERE id = '" id "'"), expected)

#endif
