/* Targets of the desk: any text is a flows.json or refused with a reason; any messages are a conversation. */
#ifndef TESTS_FUZZ_TARGETS_SHOP_DESK_H
#define TESTS_FUZZ_TARGETS_SHOP_DESK_H

#include "fuzz/fuzz.h"
#include "llmcs_shop.h"

static void desk_fuzz_fill(const char *name) {
    static const llmcs_shop_product_text text = {"en", "Red Harvest Mug", NULL, NULL};
    static const llmcs_shop_order_item item = {"mug", 1, 5};
    static const char *const ids[] = {"PL1001", "PL1002", "PL1003"}, *const states[] = {"paid", "shipped", "paid"};
    static const char *const question = "What does shipping cost? 运费多少？";
    const llmcs_shop_product p = {
        .struct_size = sizeof p, .id = "mug", .texts = &text, .n_texts = 1, .price = 5, .stock = 2};
    const llmcs_shop_product *products[] = {&p};
    const llmcs_shop_entry e = {.struct_size = sizeof e,
                                .id = "ship",
                                .lang = "en",
                                .questions = &question,
                                .n_questions = 1,
                                .answer = "10 CNY."};
    const llmcs_shop_entry *entries[] = {&e};
    llmcs_shop_options options;
    llmcs_shop *shop = NULL;
    llmcs_shop_options_init(&options);
    options.flags = LLMCS_SHOP_CREATE;
    MUST(!llmcs_shop_open(fuzz_path(name), &options, &shop));
    MUST(!llmcs_shop_put_products(shop, products, 1, NULL, NULL, NULL));
    MUST(!llmcs_shop_put_entries(shop, entries, 1, NULL, NULL, NULL));
    for (size_t i = 0; i < 3; i++) {
        const llmcs_shop_order o = {.struct_size = sizeof o,
                                    .id = ids[i],
                                    .customer = "anna",
                                    .status = states[i],
                                    .time = 1794830400,
                                    .items = &item,
                                    .n_items = 1,
                                    .total = 5};
        const llmcs_shop_order *orders[] = {&o};
        MUST(!llmcs_shop_put_orders(shop, orders, 1, NULL, NULL, NULL));
    }
    llmcs_shop_free(&shop);
}

static void desk_fuzz_say(llmcs_shop_desk *desk, const char *conversation, const char *text, size_t n) {
    llmcs_shop_message m;
    llmcs_shop_turn *turn = NULL;
    llmcs_shop_message_init(&m);
    m.conversation = conversation;
    m.customer = "anna";
    m.text = text;
    m.text_bytes = n;
    MUST(!llmcs_shop_desk_say(desk, &m, &turn));
    MUST(turn->reply && strlen(turn->reply) == turn->reply_bytes);
    MUST(turn->route == LLMCS_DESK_SILENT || turn->reply_bytes);
    for (size_t i = 0; i < turn->n_citations; i++)
        MUST(turn->citations[i]->reply_begin <= turn->citations[i]->reply_end &&
             turn->citations[i]->reply_end <= turn->reply_bytes);
    llmcs_shop_turn_free(&turn);
}

/* flows.json of these bytes; if they are one, a short dialogue with it. */
static UNUSED int fuzz_shop_flows(const uint8_t *data, size_t size) {
    static llmcs_shop *shop;
    static long n;
    llmcs_shop_options options;
    llmcs_shop_desk_options o;
    llmcs_shop_desk *desk = NULL;
    counter c = {0};
    const llmcs_allocator allocator = counting(&c);
    char conversation[40];
    if (!shop) {
        make_fuzz_folder();
        desk_fuzz_fill("flows.db");
        llmcs_shop_options_init(&options);
        MUST(!llmcs_shop_open(fuzz_path("flows.db"), &options, &shop));
    }
    char *text = exact_alloc(size + 1);
    if (size) memcpy(text, data, size);
    text[size] = 0;
    llmcs_shop_desk_options_init(&o);
    o.flows_json = text;
    o.allocator = &allocator;
    const llmcs_status status = llmcs_shop_desk_open(shop, &o, &desk);
    MUST((status == LLMCS_OK) == (desk != NULL));
    MUST(status == LLMCS_OK || status == LLMCS_FORMAT || status == LLMCS_JSON || status == LLMCS_LIMIT ||
         status == LLMCS_CONFIG);
    MUST(c.peak < 400 * size + (8 << 20));
    if (desk) {
        static const char *const texts[] = {"go", "A12 PL1001", "3", "yes", "red 2026-01-02"};
        snprintf(conversation, sizeof conversation, "f%ld", n++);
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
            desk_fuzz_say(desk, conversation, texts[i], strlen(texts[i]));
    }
    llmcs_shop_desk_free(&desk);
    MUST(c.live == 0);
    free(text);
    return 0;
}

/* Each line is a message, in a conversation of its own for each input. */
static UNUSED int fuzz_shop_turns(const uint8_t *data, size_t size) {
    static llmcs_shop *shop;
    static llmcs_shop_desk *desk;
    static llmcs_shop_guard *guard;
    static counter c;
    static long n;
    char conversation[40];
    if (!shop) {
        llmcs_shop_options options;
        llmcs_shop_guard_options guarded;
        llmcs_shop_desk_options o;
        const llmcs_allocator allocator = counting(&c);
        make_fuzz_folder();
        desk_fuzz_fill("turns.db");
        llmcs_shop_options_init(&options);
        MUST(!llmcs_shop_open(fuzz_path("turns.db"), &options, &shop));
        llmcs_shop_guard_options_init(&guarded);
        guarded.order_pattern = "PL[0-9]{4}";
        MUST(!llmcs_shop_guard_create(&guarded, &guard));
        llmcs_shop_desk_options_init(&o);
        o.flows_path = "tests/data/desk/flows.json";
        o.allocator = &allocator;
        o.guard = guard;
        MUST(!llmcs_shop_desk_open(shop, &o, &desk));
    }
    const long live = c.live;
    snprintf(conversation, sizeof conversation, "t%ld", n++);
    for (size_t at = 0, lines = 0; at < size && lines < 12; lines++) {
        const uint8_t *end = memchr(data + at, '\n', size - at);
        const size_t len = end ? (size_t)(end - data) - at : size - at;
        char *text = exact_copy(data + at, len);
        desk_fuzz_say(desk, conversation, text, len);
        free(text);
        at += len + 1;
    }
    MUST(c.live == live);
    return 0;
}

#endif
