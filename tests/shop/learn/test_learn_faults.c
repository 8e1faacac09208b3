/* The n-th read, write, sync or allocation fails while a store learns: a status that the header names, nothing leaks,
 * what was acknowledged is there, and what belongs together is there together. */
#include "shop/store/faults.h"

/* What was acknowledged. */
typedef struct acknowledged {
    bool feedback, decided, rewarded, kept, promoted, shown, accepted, exported;
} acknowledged;

static llmcs_shop_classifier *small; /* made once, without faults */

static void make_small(void) {
    static const llmcs_shop_example rows[] = {{"where is it", LLMCS_NUL, "track"},
                                              {"where is my parcel", LLMCS_NUL, "track"},
                                              {"pay me back", LLMCS_NUL, "refund"},
                                              {"money back please", LLMCS_NUL, "refund"}};
    llmcs_shop_train_params p;
    llmcs_shop_train_params_init(&p);
    p.n_threads = 1, p.n_folds = 2, p.l2 = 0.1, p.max_features = 40, p.max_iterations = 3;
    if (!small) SHOP_OK(llmcs_shop_classifier_train(rows, 4, &p, &small));
}

static int drop_line(void *user, const char *json, size_t n) {
    (void)user;
    return !json || !n;
}

static llmcs_status put_feedback(llmcs_shop *shop) {
    const llmcs_shop_feedback f = {.struct_size = sizeof f,
                                   .id = "f1",
                                   .customer = "c1",
                                   .text = "包裹没收到",
                                   .model = "intents",
                                   .label = "track",
                                   .reply = "马上查。",
                                   .outcome = LLMCS_OUTCOME_ACCEPTED,
                                   .rating = -1,
                                   .consent = 1};
    const llmcs_shop_feedback *rows[] = {&f};
    return llmcs_shop_put_feedback(shop, NULL, rows, 1, NULL, NULL, NULL);
}

static llmcs_status predict(llmcs_shop *shop) {
    llmcs_shop_rollout *rollout = NULL;
    llmcs_shop_predictions *found = NULL;
    llmcs_shop_classifier *used = NULL;
    const llmcs_text text = {"where is it", LLMCS_NUL, NULL, 0};
    SHOP_TRY(llmcs_shop_rollout_create(shop, "intents", NULL, &rollout));
    llmcs_status status = llmcs_shop_rollout_predict(rollout, "a", &text, 1, NULL, &found, &used, NULL);
    if (!status) status = llmcs_shop_rollout_refresh(rollout, NULL);
    llmcs_shop_predictions_free(&found);
    llmcs_shop_classifier_free(&used);
    llmcs_shop_rollout_free(&rollout);
    return status;
}

static llmcs_status assist(llmcs_shop *shop, acknowledged *a) {
    llmcs_shop_assistant *assistant = NULL;
    llmcs_shop_suggestions *found = NULL;
    llmcs_shop_assist_params p;
    llmcs_shop_assist_params_init(&p);
    p.text = "包裹没收到啊";
    SHOP_TRY(llmcs_shop_assistant_create(shop, NULL, &assistant));
    llmcs_status status = llmcs_shop_assist(assistant, "web-1", &p, &found);
    a->shown = !status;
    if (!status)
        status = llmcs_shop_suggestion_decide(assistant, found->items[0]->id, LLMCS_OUTCOME_ACCEPTED, NULL, "eva");
    a->accepted = !status;
    llmcs_shop_suggestions_free(&found);
    llmcs_shop_assistant_free(&assistant);
    return status;
}

static llmcs_status use(llmcs_shop *shop, acknowledged *a) {
    static const llmcs_shop_option options[] = {{"a", NULL}, {"b", NULL}};
    llmcs_shop_decision made = {.struct_size = sizeof made};
    int32_t version;
    SHOP_TRY(put_feedback(shop));
    a->feedback = true;
    SHOP_TRY(llmcs_shop_decide(shop, "s", "d1", options, 2, NULL, &made));
    a->decided = true;
    SHOP_TRY(llmcs_shop_reward(shop, "s", "d1", 1));
    a->rewarded = true;
    SHOP_TRY(llmcs_shop_put_model(shop, "intents", small, &version));
    a->kept = true;
    SHOP_TRY(llmcs_shop_promote(shop, "intents", version, NULL));
    a->promoted = true;
    SHOP_TRY(predict(shop));
    SHOP_TRY(assist(shop, a));
    SHOP_TRY(llmcs_shop_export(shop, NULL, drop_line, NULL, NULL));
    a->exported = true;
    return LLMCS_OK;
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
    const llmcs_status status = use(shop, a);
    llmcs_shop_free(&shop);
    return status;
}

/* What was acknowledged, and what one transaction writes. */
static void check_store(const char *path, const acknowledged *a, const char *what) {
    static const struct {
        size_t flag;
        const char *sql;
    } acknowledgements[] = {
        {offsetof(acknowledged, feedback), "SELECT count(*) FROM feedback WHERE id = 'f1'"},
        {offsetof(acknowledged, decided), "SELECT count(*) FROM decisions"},
        {offsetof(acknowledged, rewarded), "SELECT count(*) FROM decisions WHERE reward = 1"},
        {offsetof(acknowledged, kept), "SELECT count(*) FROM models"},
        {offsetof(acknowledged, promoted), "SELECT count(*) FROM deployments WHERE live = 1"},
        {offsetof(acknowledged, shown), "SELECT count(*) >= 3 FROM suggestions"},
        {offsetof(acknowledged, accepted), "SELECT count(*) FROM suggestions WHERE outcome = 'accepted'"},
        {offsetof(acknowledged, exported), "SELECT count(*) FROM audit WHERE action = 'export'"},
    };
    static const char *const together[] = {
        "SELECT (SELECT total(n) FROM arms) = (SELECT count(*) FROM decisions WHERE reward IS NOT NULL)",
        "SELECT (SELECT count(*) FROM reply_words) = (SELECT count(*) FROM feedback WHERE reply IS NOT NULL)",
        "SELECT (SELECT count(*) FROM deployments) = (SELECT count(*) FROM audit WHERE action = 'promote')",
        "SELECT count(*) = 0 FROM deployments WHERE live NOT IN (SELECT version FROM models)",
        "SELECT (SELECT count(*) FROM suggestions WHERE outcome = 'accepted') = (SELECT count(*) FROM feedback WHERE "
        "id LIKE"
        " 'suggestion:%')"};
    llmcs_shop *shop = NULL;
    llmcs_shop_audit_report report = {.struct_size = sizeof report};
    ck_assert_msg(!try_open_shop(path, LLMCS_SHOP_CREATE | LLMCS_SHOP_CHECK, &shop), "%s: %s", what,
                  llmcs_error_message());
    ck_assert_msg(!llmcs_shop_audit_verify(shop, NULL, &report) && report.intact, "%s: audit: %s", what,
                  report.problem);
    llmcs_shop_free(&shop);
    for (size_t i = 0; i < sizeof acknowledgements / sizeof *acknowledgements; i++)
        if (*((const bool *)a + acknowledgements[i].flag))
            ck_assert_msg(!strcmp(shop_value(path, acknowledgements[i].sql), "1"), "%s: lost: %s", what,
                          acknowledgements[i].sql);
    for (size_t i = 0; i < sizeof together / sizeof *together; i++)
        ck_assert_msg(!strcmp(shop_value(path, together[i]), "1"), "%s: apart: %s", what, together[i]);
}

static void fail_each(fault_kind kind, bool after) {
    char folder[TEMP_PATH_BYTES];
    const long step = (kind == FAULT_SQLITE_MEMORY ? 307 : 43) * (long)suite_step(3);
    bool fired = true;
    long n = after ? 17 : 3;
    temp_folder(folder);
    install();
    make_small();
    for (; fired; n += step) {
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
        check_store(path, &a, what);
    }
    ck_assert_int_gt(n, 100);
    llmcs_shop_classifier_free(&small);
    temp_remove(folder);
}

START_TEST(each_fault_once) { fail_each((fault_kind)(_i + 1), false); }
END_TEST
START_TEST(each_fault_from_there_on) { fail_each((fault_kind)(_i + 1), true); }
END_TEST

static void add(TCase *t) {
    tcase_set_timeout(t, 240);
    tcase_add_loop_test(t, each_fault_once, 0, N_FAULTS - 1);
    tcase_add_loop_test(t, each_fault_from_there_on, 0, N_FAULTS - 1);
}

SUITE_MAIN("shop/learn/learn_faults", add)
