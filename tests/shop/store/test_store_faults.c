/* The n-th read, write, sync or allocation of a store's life fails, for every 23rd n (211th of SQLite's memory), once
 * or from there on: a status that the header names, nothing leaks, and afterwards the store opens with everything that
 * was acknowledged. */
#include "shop/store/faults.h"

/* ---- a store's life */

/* What was acknowledged. */
typedef struct acknowledged {
    bool opened, setting, product, entry, second, retired, audited, forgotten;
} acknowledged;

static llmcs_status put_entry(llmcs_shop *shop, const char *id, const char *question, const char *answer) {
    const llmcs_shop_entry e = {
        .struct_size = sizeof e, .id = id, .lang = "zh", .questions = &question, .n_questions = 1, .answer = answer};
    const llmcs_shop_entry *list[] = {&e};
    return llmcs_shop_put_entries(shop, list, 1, NULL, NULL, NULL);
}

static llmcs_status ask(llmcs_shop *shop, const char *text) {
    llmcs_shop_answer *answer = NULL;
    const llmcs_status status = llmcs_shop_ask(shop, text, LLMCS_NUL, NULL, &answer);
    llmcs_shop_answer_free(&answer);
    return status;
}

static llmcs_status use(llmcs_shop *shop, acknowledged *a) {
    static const llmcs_shop_product_text text = {"en", "Lamp", NULL, "{\"colour\":\"red\"}"};
    const llmcs_shop_product p = simple_product("p1", &text), *products[] = {&p};
    SHOP_TRY(llmcs_shop_set_setting(shop, "a", "b"));
    a->setting = true;
    SHOP_TRY(llmcs_shop_put_products(shop, products, 1, NULL, NULL, NULL));
    a->product = true;
    SHOP_TRY(put_entry(shop, "e1", "可以退货吗？", "30天内可以。"));
    a->entry = true;
    SHOP_TRY(ask(shop, "怎么退货"));
    SHOP_TRY(put_entry(shop, "e1", "可以退货吗？", "60天内可以。"));
    a->second = true;
    SHOP_TRY(llmcs_shop_retire_entry(shop, "e1", NULL, NULL));
    a->retired = true;
    SHOP_TRY(ask(shop, "怎么退货"));
    SHOP_TRY(llmcs_shop_audit_append(shop, LLMCS_SHOP_AGENT, "agent", "read", "customer:c1", NULL));
    a->audited = true;
    llmcs_shop_forgotten *report = NULL;
    const llmcs_status status = llmcs_shop_forget(shop, "c1", NULL, &report);
    llmcs_shop_forgotten_free(&report);
    /* A failure of truncating the log comes after what was erased is on disk. */
    a->forgotten = !status;
    return status;
}

static llmcs_status live(const char *path, fail_alloc *counter, acknowledged *a) {
    llmcs_shop *shop = NULL;
    llmcs_shop_options o;
    const llmcs_allocator allocator = {take, give, counter};
    llmcs_shop_options_init(&o);
    o.flags = LLMCS_SHOP_CREATE;
    o.busy_ms = 0;
    o.allocator = &allocator;
    SHOP_TRY(llmcs_shop_open(path, &o, &shop));
    a->opened = true;
    const llmcs_status status = use(shop, a);
    llmcs_shop_free(&shop);
    return status;
}

static void check_acknowledged(const char *path, const acknowledged *a, const char *what) {
    char text[64];
    size_t n;
    llmcs_shop *shop = NULL;
    ck_assert_msg(!try_open_shop(path, LLMCS_SHOP_CREATE | LLMCS_SHOP_CHECK, &shop), "%s: %s", what,
                  llmcs_error_message());
    if (a->setting) {
        SHOP_OK(llmcs_shop_get_setting(shop, "a", text, sizeof text, &n));
        ck_assert_msg(!strcmp(text, "b"), "%s: the setting is lost", what);
    }
    const llmcs_shop_info info = shop_info(shop);
    ck_assert_msg(!a->product || info.n_products == 1, "%s: the product is lost", what);
    ck_assert_msg(!a->retired || info.n_entries == 0, "%s: the entry is back", what);
    if (a->entry) SHOP_OK(llmcs_shop_entry_text(shop, "e1", "zh", 1, 0, text, sizeof text, &n));
    if (a->second) SHOP_OK(llmcs_shop_entry_text(shop, "e1", "zh", 2, 0, text, sizeof text, &n));
    llmcs_shop_audit_report report = {.struct_size = sizeof report};
    SHOP_OK(llmcs_shop_audit_verify(shop, NULL, &report));
    ck_assert_msg(report.intact, "%s: the audit: %s", what, report.problem);
    ck_assert_msg(!a->audited || report.n_rows >= 1, "%s: a row of the audit is lost", what);
    ck_assert_msg(!a->forgotten || report.n_rows == 2, "%s: forgetting is not in the audit", what);
    llmcs_shop_free(&shop);
}

static void fail_each(fault_kind kind, bool after) {
    char folder[TEMP_PATH_BYTES];
    /* A prime step meets every kind of call: their number in a store's life is in the thousands, of SQLite's
     * memory in the tens of thousands. */
    const size_t step = (kind == FAULT_SQLITE_MEMORY ? 211 : 23) * suite_step(3);
    bool fired = true;
    long n = after ? 11 : 0;
    temp_folder(folder);
    install();
    for (; fired; n += (long)step) {
        char path[TEMP_PATH_BYTES + 32], what[64];
        acknowledged a = {false};
        fail_alloc counter;
        fail_alloc_init(&counter);
        snprintf(path, sizeof path, "%s/%ld.db", folder, n);
        snprintf(what, sizeof what, "%s, call %ld%s", kind_names[kind], n, after ? " and after" : "");
        fault.kind = kind, fault.calls = 0, fault.fail_at = n, fault.after = after;
        const llmcs_status status = live(path, &counter, &a);
        fired = fault.calls > n;
        fault.kind = FAULT_NONE;
        ck_assert_msg(!status || (fired && is_expected(status, kind)), "%s: %s %s", what, llmcs_status_name(status),
                      llmcs_error_message());
        ck_assert_msg(!status || llmcs_error_message()[0], "%s: no message", what);
        ck_assert_msg(counter.live == 0, "%s: %ld allocations leak", what, (long)counter.live);
        check_acknowledged(path, &a, what);
    }
    ck_assert_int_gt(n, 20);
    temp_remove(folder);
}

START_TEST(each_fault_once) { fail_each((fault_kind)(_i + 1), false); }
END_TEST
START_TEST(each_fault_from_there_on) { fail_each((fault_kind)(_i + 1), true); }
END_TEST

static void add(TCase *t) {
    tcase_add_loop_test(t, each_fault_once, 0, N_FAULTS - 1);
    tcase_add_loop_test(t, each_fault_from_there_on, 0, N_FAULTS - 1);
}

SUITE_MAIN("shop/store/store_faults", add)
