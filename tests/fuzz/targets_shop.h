/* Targets of the store and the knowledge base: a store with damaged bytes is refused or used, never a crash; any text
 * is a question. */
#ifndef TESTS_FUZZ_TARGETS_SHOP_H
#define TESTS_FUZZ_TARGETS_SHOP_H

#include "fuzz/fuzz.h"
#include "llmcs_shop.h"

static llmcs_status shop_fuzz_open(const char *name, uint32_t flags, counter *c, llmcs_shop **shop) {
    llmcs_shop_options options;
    const llmcs_allocator allocator = counting(c);
    llmcs_shop_options_init(&options);
    options.flags = flags;
    options.allocator = &allocator;
    options.busy_ms = 0;
    return llmcs_shop_open(fuzz_path(name), &options, shop);
}

static llmcs_status shop_fuzz_put(llmcs_shop *shop, const char *id, const char *question, const char *answer) {
    const llmcs_shop_entry e = {
        .struct_size = sizeof e, .id = id, .lang = "zh", .questions = &question, .n_questions = 1, .answer = answer};
    const llmcs_shop_entry *list[] = {&e};
    return llmcs_shop_put_entries(shop, list, 1, NULL, NULL, NULL);
}

static void shop_fuzz_fill(const char *name) {
    static const llmcs_shop_product_text text = {"en", "Lamp", "A lamp.", "{\"colour\":\"red\"}"};
    const llmcs_shop_product p = {.struct_size = sizeof p, .id = "p1", .texts = &text, .n_texts = 1, .price = 5};
    const llmcs_shop_product *products[] = {&p};
    llmcs_shop *shop = NULL;
    counter c = {0};
    MUST(!shop_fuzz_open(name, LLMCS_SHOP_CREATE, &c, &shop));
    MUST(!llmcs_shop_put_products(shop, products, 1, NULL, NULL, NULL));
    MUST(!shop_fuzz_put(shop, "return", "可以退货吗？Can I return it?", "30天内可以。Within 30 days."));
    MUST(!shop_fuzz_put(shop, "cost", "运费多少？", "5元，{order}。"));
    MUST(!shop_fuzz_put(shop, "cost", "运费多少？", "6元，{order}。"));
    MUST(!llmcs_shop_audit_append(shop, LLMCS_SHOP_AGENT, "agent", "read", "customer:c1", "{\"n\":1}"));
    MUST(!llmcs_shop_audit_append(shop, LLMCS_SHOP_AGENT, "agent", "read", "order:1", NULL));
    llmcs_shop_free(&shop);
    MUST(c.live == 0);
}

static bool shop_fuzz_refused(llmcs_status status) {
    return status == LLMCS_FORMAT || status == LLMCS_UNSUPPORTED || status == LLMCS_IO || status == LLMCS_LIMIT ||
           status == LLMCS_BUSY || status == LLMCS_NOMEM || status == LLMCS_ARG || status == LLMCS_NOSPACE;
}

static void shop_fuzz_ask(llmcs_shop *shop, const char *text, size_t n, const llmcs_shop_ask_params *params) {
    llmcs_shop_answer *a = NULL;
    const llmcs_status status = llmcs_shop_ask(shop, text, n, params, &a);
    MUST(!status || shop_fuzz_refused(status));
    if (status) return;
    MUST(strlen(a->text) == a->text_bytes && a->probability >= 0 && a->probability <= 1 + 1e-9);
    for (size_t i = 0; i < a->n_citations; i++)
        MUST(a->citations[i]->reply_begin <= a->citations[i]->reply_end && a->citations[i]->reply_end <= a->text_bytes);
    llmcs_shop_answer_free(&a);
}

static int32_t shop_fuzz_row(void *user, const llmcs_shop_audit_row *row) {
    (void)user;
    return strlen(row->role) + strlen(row->actor) + strlen(row->action) + strlen(row->object) > 1 << 20;
}

/* The audit and the keys of a damaged store. The key itself is not there, as for somebody who has the file alone. */
static void shop_fuzz_privacy(llmcs_shop *shop) {
    llmcs_shop_audit_report r = {.struct_size = sizeof r};
    llmcs_shop_forgotten *report = NULL;
    const llmcs_status verified = llmcs_shop_audit_verify(shop, NULL, &r);
    MUST(!verified || shop_fuzz_refused(verified));
    MUST(verified || r.intact || r.problem[0]);
    const llmcs_status listed = llmcs_shop_audit_list(shop, 0, 0, shop_fuzz_row, NULL);
    MUST(!listed || shop_fuzz_refused(listed) || listed == LLMCS_CANCELLED);
    const llmcs_status forgotten = llmcs_shop_forget(shop, "c1", NULL, &report);
    MUST(!forgotten || shop_fuzz_refused(forgotten) || forgotten == LLMCS_STATE || forgotten == LLMCS_INTERNAL);
    llmcs_shop_forgotten_free(&report);
}

/* The bytes of a good store with those of the input written over them: each 5 bytes are a place and a value. */
static UNUSED int fuzz_shop_store(const uint8_t *data, size_t size) {
    static uint8_t good[1 << 20], bytes[1 << 20];
    static size_t n_good;
    reader in = {data, size};
    counter c = {0};
    llmcs_shop *shop = NULL;
    if (make_fuzz_folder()) {
        shop_fuzz_fill("good.db");
        FILE *f = fopen(fuzz_path("good.db"), "rb");
        MUST(f != NULL && (n_good = fread(good, 1, sizeof good, f)) > 4096 && n_good < sizeof good);
        fclose(f);
    }
    memcpy(bytes, good, n_good);
    const size_t n = in.left && *in.at == 255 ? read_u32(&in) % n_good : n_good;
    while (in.left >= 5) {
        const uint32_t at = read_u32(&in);
        bytes[at % n_good] = read_u8(&in);
    }
    (void)unlink(fuzz_path("s.db-wal"));
    (void)unlink(fuzz_path("s.db-shm"));
    (void)unlink(fuzz_path("s.db-journal"));
    (void)unlink(fuzz_path("s.db.key"));
    fuzz_write("s.db", bytes, n);
    const llmcs_status status = shop_fuzz_open("s.db", size % 2 ? LLMCS_SHOP_CHECK : 0, &c, &shop);
    MUST(!status || shop_fuzz_refused(status));
    if (!status) {
        llmcs_shop_info info = {.struct_size = sizeof info};
        const llmcs_status counted = llmcs_shop_get_info(shop, &info);
        MUST(!counted || shop_fuzz_refused(counted));
        shop_fuzz_ask(shop, "怎么退货 return cost", LLMCS_NUL, NULL);
        const llmcs_status put = shop_fuzz_put(shop, "return", "退吗？", "不。");
        MUST(!put || shop_fuzz_refused(put));
        shop_fuzz_ask(shop, "运费", LLMCS_NUL, NULL);
        const llmcs_status retired = llmcs_shop_retire_entry(shop, "cost", NULL, NULL);
        MUST(!retired || shop_fuzz_refused(retired));
        shop_fuzz_privacy(shop);
        llmcs_shop_free(&shop);
    }
    MUST(c.live == 0);
    return 0;
}

/* A question, and where it is text, an entry, too. */
static UNUSED int fuzz_shop_question(const uint8_t *data, size_t size) {
    static llmcs_shop *shop;
    static counter c;
    reader in = {data, size};
    llmcs_shop_ask_params params;
    llmcs_shop_ask_params_init(&params);
    if (make_fuzz_folder()) {
        shop_fuzz_fill("q.db");
        MUST(!shop_fuzz_open("q.db", 0, &c, &shop));
    }
    const llmcs_shop_slot slot = {"order", "A-1"};
    const uint8_t how = read_u8(&in);
    params.k = (size_t)how % 25;
    params.lang = how & 32 ? "en" : how & 64 ? "zh" : NULL;
    params.slots = &slot;
    params.n_slots = how & 128 ? 1 : 0;
    params.threshold = how & 16 ? 0 : -1;
    const long before = c.live;
    char *text = exact_copy(in.at, in.left);
    shop_fuzz_ask(shop, text, in.left, &params);
    MUST(c.live <= before + 64); /* a reader's connection may have been opened */
    free(text);
    if (how % 8 == 0 && in.left < 900) {
        char *string = exact_alloc(in.left + 1);
        if (in.left) memcpy(string, in.at, in.left);
        string[in.left] = 0;
        const llmcs_status status = shop_fuzz_put(shop, "fuzz", string, string);
        MUST(!status || shop_fuzz_refused(status));
        free(string);
    }
    return 0;
}

#endif
