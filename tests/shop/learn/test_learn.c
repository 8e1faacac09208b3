/* Feedback to a new version to what answers: stored masked, trained, compared, promoted, rolled back, swapped. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "llmcs_shop_guard.h"
#include "shop/classifier/shop_texts.h"
#include "shop/learn/models.h"
#include "shop/store/shop_case.h"

typedef struct store_case {
    char folder[TEMP_PATH_BYTES];
    char path[TEMP_PATH_BYTES + 16];
    llmcs_shop *shop;
} store_case;

static void open_case(store_case *s) {
    temp_folder(s->folder);
    snprintf(s->path, sizeof s->path, "%s/s.db", s->folder);
    s->shop = open_shop(s->path, LLMCS_SHOP_CREATE);
}

static void close_case(store_case *s) {
    llmcs_shop_free(&s->shop);
    temp_remove(s->folder);
}

static llmcs_shop_feedback labelled(const char *id, const char *text, const char *label) {
    return (llmcs_shop_feedback){.struct_size = sizeof(llmcs_shop_feedback),
                                 .id = id,
                                 .text = text,
                                 .model = "intents",
                                 .label = label,
                                 .rating = -1,
                                 .consent = 1,
                                 .time = 1700000000};
}

static void put(llmcs_shop *shop, const llmcs_shop_guard *guard, const llmcs_shop_feedback *f) {
    const llmcs_shop_feedback *rows[] = {f};
    size_t n;
    refusal_text why = {""};
    SHOP_OK(llmcs_shop_put_feedback(shop, guard, rows, 1, keep_refusal, &why, &n));
    ck_assert_msg(n == 1, "%s", why.text);
}

/* ---- feedback */

START_TEST(feedback_is_masked_and_replaced) {
    store_case s;
    llmcs_shop_guard *guard = NULL;
    open_case(&s);
    SHOP_OK(llmcs_shop_guard_create(NULL, &guard));
    llmcs_shop_feedback f = labelled("f1", "打我电话13800138000，我的包裹没到", "track_order");
    f.customer = "c1";
    f.reply = "好的，我们会打13800138000";
    f.outcome = LLMCS_OUTCOME_EDITED;
    put(s.shop, guard, &f);
    ck_assert_str_eq(shop_value(s.path, "SELECT text || '|' || reply || '|' || lang || '|' || outcome FROM feedback"),
                     "打我电话<PHONE_1>，我的包裹没到|好的，我们会打<PHONE_1>|zh|edited");
    ck_assert_str_eq(shop_value(s.path, "SELECT count(*) FROM reply_words"), "1");
    /* A text that is masked already keeps its placeholders. */
    f.text = "call me at <PHONE_1>, the parcel is lost";
    f.reply = NULL;
    f.outcome = LLMCS_OUTCOME_NONE;
    put(s.shop, guard, &f);
    ck_assert_str_eq(shop_value(s.path, "SELECT group_concat(text || '|' || lang) FROM feedback"),
                     "call me at <PHONE_1>, the parcel is lost|en");
    ck_assert_str_eq(shop_value(s.path, "SELECT count(*) FROM reply_words"), "0");
    llmcs_shop_guard_free(&guard);
    close_case(&s);
}
END_TEST

START_TEST(bad_feedback_is_refused_row_by_row) {
    store_case s;
    refusal_text why = {""};
    size_t n;
    open_case(&s);
    llmcs_shop_feedback rows[6];
    for (int i = 0; i < 6; i++) rows[i] = labelled("f", "text", "label");
    rows[0].text = "";
    rows[1].model = NULL;
    rows[2].rating = 2;
    rows[3].outcome = (llmcs_shop_outcome)7;
    rows[4].id = NULL;
    const llmcs_shop_feedback *list[] = {&rows[0], &rows[1], &rows[2], &rows[3], &rows[4], &rows[5], NULL};
    SHOP_OK(llmcs_shop_put_feedback(s.shop, NULL, list, 7, keep_refusal, &why, &n));
    ck_assert_uint_eq(n, 1);
    static const char *const words[] = {"0 ARG text is empty", "1 ARG label",         "2 ARG rating: 2",
                                        "3 ARG outcome: 7",    "4 ARG id is missing", "6 ARG feedback is NULL"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        ck_assert_msg(strstr(why.text, words[i]) != NULL, "%s: %s", words[i], why.text);
    close_case(&s);
}
END_TEST

/* ---- export */

typedef struct lines {
    char text[8192];
    int n, stop_after;
} lines;

static int keep_line(void *user, const char *json, size_t n) {
    lines *l = user;
    ck_assert_uint_eq(strlen(json), n);
    const size_t at = strlen(l->text);
    snprintf(l->text + at, sizeof l->text - at, "%s\n", json);
    return ++l->n == l->stop_after;
}

START_TEST(export_needs_consent_and_a_role) {
    store_case s;
    llmcs_shop_guard *guard = NULL;
    lines l = {"", 0, 0};
    size_t n;
    open_case(&s);
    SHOP_OK(llmcs_shop_guard_create(NULL, &guard));
    llmcs_shop_feedback f = labelled("f1", "where is \"it\"?\nnow", "track_order");
    f.customer = "c1";
    f.conversation = "web-1";
    f.predicted = "refund";
    f.rating = 0.25;
    put(s.shop, NULL, &f);
    f = labelled("f2", "no consent", "refund");
    f.consent = 0;
    put(s.shop, NULL, &f);
    f = labelled("f3", "call 13800138000", "human"); /* stored before there was a guard */
    put(s.shop, NULL, &f);
    llmcs_shop_export_params p;
    llmcs_shop_export_params_init(&p);
    p.guard = guard;
    SHOP_OK(llmcs_shop_export(s.shop, &p, keep_line, &l, &n));
    ck_assert_uint_eq(n, 2);
    ck_assert_str_eq(
        l.text,
        "{\"id\":\"f1\",\"text\":\"where is \\\"it\\\"?\\nnow\",\"lang\":\"en\",\"model\":\"intents\","
        "\"label\":\"track_order\",\"predicted\":\"refund\",\"outcome\":\"none\",\"rating\":0.25,"
        "\"time\":1700000000}\n"
        "{\"id\":\"f3\",\"text\":\"call <PHONE_1>\",\"lang\":\"en\",\"model\":\"intents\",\"label\":\"human\","
        "\"outcome\":\"none\",\"time\":1700000000}\n");
    static const struct {
        llmcs_shop_role role;
        llmcs_shop_purpose purpose;
    } denied[] = {{LLMCS_SHOP_AGENT, LLMCS_SHOP_FOR_TRAINING},
                  {LLMCS_SHOP_CUSTOMER, LLMCS_SHOP_FOR_TRAINING},
                  {LLMCS_SHOP_TRAINER, LLMCS_SHOP_FOR_QUALITY}};
    for (size_t i = 0; i < sizeof denied / sizeof *denied; i++) {
        p.role = denied[i].role;
        p.purpose = denied[i].purpose;
        SHOP_FAILS(llmcs_shop_export(s.shop, &p, keep_line, &l, &n), LLMCS_STATE, "");
        ck_assert_uint_eq(n, 0);
    }
    ck_assert_int_eq(l.n, 2);
    llmcs_shop_export_params_init(&p);
    l.stop_after = 3;
    SHOP_FAILS(llmcs_shop_export(s.shop, &p, keep_line, &l, &n), LLMCS_CANCELLED, "after 1 rows");
    p.since = 1700000001;
    SHOP_OK(llmcs_shop_export(s.shop, &p, keep_line, &l, &n));
    ck_assert_uint_eq(n, 0);
    ck_assert_str_eq(shop_value(s.path, "SELECT count(*) FROM audit WHERE action = 'export'"), "3");
    ck_assert_str_eq(shop_value(s.path,
                                "SELECT group_concat(json_extract(detail, '$.rows')) FROM audit"
                                " WHERE action = 'export'"),
                     "2,2,0");
    llmcs_shop_guard_free(&guard);
    close_case(&s);
}
END_TEST

/* ---- training */

static shop_texts base, held_out;

static llmcs_shop_retrain_params quick(void) {
    llmcs_shop_retrain_params p;
    llmcs_shop_retrain_params_init(&p);
    fill_shop_texts(&base, 0, 2);
    fill_shop_texts(&held_out, 6, 2);
    p.model = "intents";
    p.base = base.items;
    p.n_base = base.n;
    p.tests = held_out.items;
    p.n_tests = held_out.n;
    p.n_folds = 2;
    p.l2 = 0.1;
    p.n_threads = 1;
    p.min_feedback = 0;
    return p;
}

static llmcs_shop_retrained retrain(llmcs_shop *shop, const llmcs_shop_retrain_params *p) {
    llmcs_shop_retrained made = {.struct_size = sizeof made};
    SHOP_OK(llmcs_shop_retrain(shop, p, &made));
    return made;
}

static llmcs_shop_deployment deployment(llmcs_shop *shop) {
    llmcs_shop_deployment d = {.struct_size = sizeof d};
    SHOP_OK(llmcs_shop_get_deployment(shop, "intents", &d));
    return d;
}

static const char *label_of(llmcs_shop *shop, int32_t version, const char *words, char out[64]) {
    llmcs_shop_classifier *c = NULL;
    llmcs_shop_predictions *p = NULL;
    const llmcs_text text = {words, LLMCS_NUL, NULL, 0};
    SHOP_OK(llmcs_shop_open_model(shop, "intents", version, &c));
    SHOP_OK(llmcs_shop_classifier_predict(c, &text, 1, NULL, &p));
    snprintf(out, 64, "%s", p->items[0]->label);
    llmcs_shop_predictions_free(&p);
    llmcs_shop_classifier_free(&c);
    return out;
}

START_TEST(feedback_teaches_the_next_version) {
    store_case s;
    char label[64], id[32], text[64];
    open_case(&s);
    llmcs_shop_retrain_params p = quick();
    p.min_feedback = 1;
    SHOP_FAILS(llmcs_shop_retrain(s.shop, &p, &(llmcs_shop_retrained){.struct_size = sizeof(llmcs_shop_retrained)}),
               LLMCS_STATE, "0 rows of feedback");
    p.min_feedback = 0;
    const llmcs_shop_retrained first = retrain(s.shop, &p);
    ck_assert_int_eq(first.version, 1);
    ck_assert_int_eq(first.compared_to, 0);
    ck_assert_uint_eq(first.n_base, base.n);
    SHOP_OK(llmcs_shop_promote(s.shop, "intents", 1, NULL));
    /* A new class that only feedback has; one row is a test row in other letters, one has no consent. */
    static const char *const things[] = {"gift card",      "voucher",  "bonus code",
                                         "premium coupon", "discount", "promo code"};
    for (int i = 0; i < 12; i++) {
        snprintf(id, sizeof id, "f%d", i);
        snprintf(text, sizeof text, i % 2 ? "my %s does not work" : "how can i redeem a %s", things[i / 2]);
        const llmcs_shop_feedback f = labelled(id, text, "coupon");
        put(s.shop, NULL, &f);
    }
    llmcs_shop_feedback f = labelled("wrong first", "how can i redeem a gift card", "refund");
    f.time--;
    put(s.shop, NULL, &f);
    f = labelled("wrong first", "how can i redeem a gift card", "coupon"); /* the last label of a text counts */
    put(s.shop, NULL, &f);
    f = labelled("no consent", "secret words", "coupon");
    f.consent = 0;
    put(s.shop, NULL, &f);
    f = labelled("leak", held_out.items[0].text, "coupon");
    put(s.shop, NULL, &f);
    p.weight = 2;
    const llmcs_shop_retrained second = retrain(s.shop, &p);
    ck_assert_int_eq(second.version, 2);
    ck_assert_int_eq(second.compared_to, 1);
    ck_assert_uint_eq(second.n_feedback, 12);
    ck_assert_uint_eq(second.n_left_out, 1);
    ck_assert(second.comparison.low <= second.comparison.difference &&
              second.comparison.difference <= second.comparison.high);
    ck_assert_str_eq(
        shop_value(s.path, "SELECT count(*) FROM models WHERE instr(bytes, CAST('redeem a gift' AS BLOB))"),
        "0"); /* a version holds no customer's text */
    ck_assert_str_ne(label_of(s.shop, 1, "can i redeem my voucher", label), "coupon");
    ck_assert_str_eq(label_of(s.shop, 2, "can i redeem my voucher", label), "coupon");
    ck_assert_str_ne(label_of(s.shop, 0, "can i redeem my voucher", label), "coupon"); /* 1 is live */
    ck_assert_str_eq(shop_value(s.path, "SELECT count(*) || ' ' || max(n) FROM comparisons"), "1 96");
    ck_assert_str_eq(shop_value(s.path, "SELECT group_concat(action, ' ') FROM audit"), "retrain promote retrain");
    close_case(&s);
}
END_TEST

START_TEST(leaks_are_found_in_other_letters) {
    store_case s;
    open_case(&s);
    llmcs_shop_retrain_params p = quick();
    llmcs_shop_example tests[] = {{"WHERE IS  my kettle ?", LLMCS_NUL, "track_order"},
                                  {"退款 ！", LLMCS_NUL, "refund"}};
    p.tests = tests;
    p.n_tests = 2;
    llmcs_shop_feedback f = labelled("f", "退款!", "refund");
    put(s.shop, NULL, &f);
    base.items[0].text = "where is my kettle?";
    const llmcs_shop_retrained made = retrain(s.shop, &p);
    ck_assert_uint_eq(made.n_left_out, 2);
    ck_assert_uint_eq(made.n_feedback, 0);
    close_case(&s);
}
END_TEST

START_TEST(test_rows_stay_the_same) {
    store_case s;
    llmcs_shop_retrained made = {.struct_size = sizeof made};
    llmcs_shop_comparison c = {.struct_size = sizeof c};
    open_case(&s);
    llmcs_shop_retrain_params p = quick();
    retrain(s.shop, &p);
    SHOP_OK(llmcs_shop_promote(s.shop, "intents", 1, NULL));
    p.n_tests--;
    SHOP_FAILS(llmcs_shop_retrain(s.shop, &p, &made), LLMCS_ARG, "these 95 test rows differ from the model's 96");
    SHOP_FAILS(llmcs_shop_compare_models(s.shop, "intents", 1, 1, p.tests, p.n_tests, NULL, &c), LLMCS_ARG,
               "test rows differ");
    p.new_tests = 1;
    retrain(s.shop, &p);
    SHOP_OK(llmcs_shop_compare_models(s.shop, "intents", 1, 2, p.tests, p.n_tests, NULL, &c));
    ck_assert_double_eq_tol(c.difference, 0, 1e-12); /* the same rows give the same version */
    close_case(&s);
}
END_TEST

/* Allocations of a retraining fail one after another: NOMEM, nothing leaks, and no half version is kept. */
START_TEST(each_allocation_of_retraining_can_fail) {
    store_case s;
    llmcs_status status = LLMCS_NOMEM;
    open_case(&s);
    llmcs_shop_retrain_params p = quick();
    fill_shop_texts(&base, 0, 1);
    p.base = base.items, p.n_base = base.n, p.n_tests = 10;
    const llmcs_shop_feedback f = labelled("f1", "how can i redeem a gift card", "refund");
    put(s.shop, NULL, &f);
    retrain(s.shop, &p);
    SHOP_OK(llmcs_shop_promote(s.shop, "intents", 1, NULL));
    llmcs_shop_free(&s.shop);
    for (long n = 0; status; n += n < 60 ? 1 : 29 * (long)suite_step(3)) {
        fail_alloc counter;
        llmcs_shop_options o;
        llmcs_shop_retrained made = {.struct_size = sizeof made};
        fail_alloc_init(&counter);
        const llmcs_allocator a = fail_alloc_get(&counter);
        llmcs_shop_options_init(&o);
        o.allocator = &a;
        SHOP_OK(llmcs_shop_open(s.path, &o, &s.shop));
        counter.fail_at = counter.calls + n;
        status = llmcs_shop_retrain(s.shop, &p, &made);
        ck_assert_msg(!status || status == LLMCS_NOMEM, "%s", llmcs_error_message());
        counter.fail_at = -1;
        if (status) ck_assert_int_eq(deployment(s.shop).n_versions, 1);
        llmcs_shop_free(&s.shop);
        ck_assert_int_eq(counter.live, 0);
        ck_assert_int_lt(n, 100000);
    }
    close_case(&s);
}
END_TEST

/* ---- compare */

START_TEST(better_is_told_from_worse) {
    llmcs_shop_classifier *good = NULL, *bad = NULL;
    llmcs_shop_train_params params;
    llmcs_shop_comparison c = {.struct_size = sizeof c};
    quick();
    llmcs_shop_train_params_init(&params);
    params.n_threads = 1, params.n_folds = 2, params.l2 = 0.1;
    SHOP_OK(llmcs_shop_classifier_train(base.items, base.n, &params, &good));
    for (size_t i = 0; i < base.n; i += 2) base.items[i].label = text_labels[i % TEXT_CLASSES]; /* half are wrong */
    SHOP_OK(llmcs_shop_classifier_train(base.items, base.n, &params, &bad));
    SHOP_OK(llmcs_shop_classifier_compare(bad, good, held_out.items, held_out.n, NULL, &c));
    ck_assert(c.score_b > c.score_a && c.low > 0 && c.p < 0.05);
    SHOP_OK(llmcs_shop_classifier_compare(good, good, held_out.items, held_out.n, NULL, &c));
    ck_assert(!(c.difference > 0) && !(c.difference < 0) && c.p > 0.5);
    llmcs_shop_contest_params p;
    llmcs_shop_contest_params_init(&p);
    p.metric = "bleu";
    SHOP_FAILS(llmcs_shop_classifier_compare(good, bad, held_out.items, held_out.n, &p, &c), LLMCS_ARG, "bleu");
    p.metric = "f1_macro";
    SHOP_OK(llmcs_shop_classifier_compare(good, bad, held_out.items, held_out.n, &p, &c));
    ck_assert(c.high < 0);
    SHOP_FAILS(llmcs_shop_classifier_compare(good, bad, held_out.items, 0, NULL, &c), LLMCS_ARG, "at least one row");
    llmcs_shop_classifier_free(&good);
    llmcs_shop_classifier_free(&bad);
}
END_TEST

/* ---- promote and roll back */

static void keep_version(llmcs_shop *shop, const char *odd_label, int32_t expected) {
    llmcs_shop_classifier *c = NULL;
    llmcs_shop_train_params params;
    int32_t version;
    const llmcs_shop_example rows[] = {{"where is it", LLMCS_NUL, odd_label},
                                       {"where is my parcel", LLMCS_NUL, odd_label},
                                       {"pay me back", LLMCS_NUL, "refund"},
                                       {"money back please", LLMCS_NUL, "refund"}};
    llmcs_shop_train_params_init(&params);
    params.n_threads = 1, params.n_folds = 2, params.l2 = 0.1;
    SHOP_OK(llmcs_shop_classifier_train(rows, 4, &params, &c));
    SHOP_OK(llmcs_shop_put_model(shop, "intents", c, &version));
    ck_assert_int_eq(version, expected);
    llmcs_shop_classifier_free(&c);
}

START_TEST(promotions_are_undone_one_by_one) {
    store_case s;
    int32_t live;
    llmcs_shop_promote_params p;
    open_case(&s);
    llmcs_shop_promote_params_init(&p);
    SHOP_FAILS(llmcs_shop_promote(s.shop, "intents", 1, NULL), LLMCS_ARG, "version 1 does not exist");
    SHOP_FAILS(llmcs_shop_rollback(s.shop, "intents", NULL, &live), LLMCS_STATE, "was ever promoted");
    for (int i = 1; i <= 3; i++) keep_version(s.shop, "order", i);
    p.mode = LLMCS_MODE_CANARY;
    SHOP_FAILS(llmcs_shop_promote(s.shop, "intents", 1, &p), LLMCS_STATE, "no version is live");
    SHOP_OK(llmcs_shop_promote(s.shop, "intents", 1, NULL));
    SHOP_FAILS(llmcs_shop_rollback(s.shop, "intents", NULL, &live), LLMCS_STATE, "before version 1");
    SHOP_FAILS(llmcs_shop_promote(s.shop, "intents", 2, NULL), LLMCS_STATE, "was not compared");
    p.mode = LLMCS_MODE_LIVE;
    p.unproven = 1;
    SHOP_OK(llmcs_shop_promote(s.shop, "intents", 2, &p));
    SHOP_OK(llmcs_shop_promote(s.shop, "intents", 3, &p));
    SHOP_FAILS(llmcs_shop_promote(s.shop, "intents", 3, &p), LLMCS_STATE, "already live");
    p.mode = LLMCS_MODE_SHADOW;
    SHOP_OK(llmcs_shop_promote(s.shop, "intents", 1, &p));
    ck_assert_int_eq(deployment(s.shop).challenger, 1);
    SHOP_OK(llmcs_shop_rollback(s.shop, "intents", "eva", &live)); /* ends the shadow */
    ck_assert_int_eq(live, 3);
    ck_assert_int_eq(deployment(s.shop).challenger, 0);
    SHOP_OK(llmcs_shop_rollback(s.shop, "intents", "eva", &live));
    ck_assert_int_eq(live, 2);
    SHOP_OK(llmcs_shop_rollback(s.shop, "intents", "eva", &live));
    ck_assert_int_eq(live, 1);
    SHOP_FAILS(llmcs_shop_rollback(s.shop, "intents", "eva", &live), LLMCS_STATE, "before version 1");
    SHOP_OK(llmcs_shop_promote(
        s.shop, "intents", 3,
        &(llmcs_shop_promote_params){sizeof(llmcs_shop_promote_params), LLMCS_MODE_LIVE, 0, 1, NULL}));
    SHOP_OK(llmcs_shop_rollback(s.shop, "intents", NULL, NULL));
    ck_assert_int_eq(deployment(s.shop).live, 1);
    ck_assert_int_eq(deployment(s.shop).n_versions, 3);
    close_case(&s);
}
END_TEST

START_TEST(a_worse_version_is_not_promoted) {
    store_case s;
    llmcs_shop_comparison c = {.struct_size = sizeof c};
    open_case(&s);
    llmcs_shop_retrain_params p = quick();
    retrain(s.shop, &p);
    SHOP_OK(llmcs_shop_promote(s.shop, "intents", 1, NULL));
    keep_version(s.shop, "order", 2);
    SHOP_OK(llmcs_shop_compare_models(s.shop, "intents", 1, 2, p.tests, p.n_tests, NULL, &c));
    ck_assert_double_lt(c.high, 0);
    SHOP_FAILS(llmcs_shop_promote(s.shop, "intents", 2, NULL), LLMCS_STATE, "is worse than the live version 1");
    const llmcs_shop_retrained same = retrain(s.shop, &p);
    SHOP_OK(llmcs_shop_promote(s.shop, "intents", same.version, NULL)); /* not better, but not worse */
    close_case(&s);
}
END_TEST

START_TEST(canaries_are_a_share_of_the_conversations) {
    const double shares[] = {0, 0.1, 0.5, 1};
    for (size_t k = 0; k < 4; k++) {
        int n = 0, moved = 0;
        for (int i = 0; i < 2000; i++) {
            char conversation[32];
            snprintf(conversation, sizeof conversation, "web-%d", i);
            const bool in = shop_in_canary("intents", 2, shares[k], conversation);
            n += in;
            /* a conversation of a small share stays when the share grows, and another version samples anew */
            if (in) ck_assert(shop_in_canary("intents", 2, shares[k] + 0.1, conversation));
            moved += in != shop_in_canary("intents", 3, shares[k], conversation);
        }
        ck_assert_double_eq_tol(n / 2000.0, shares[k], 0.05);
        if (k == 2) ck_assert_int_gt(moved, 800);
    }
}
END_TEST

/* ---- the rollout */

typedef struct load {
    llmcs_shop_rollout *rollout;
    atomic_bool stop;
    atomic_long n, n_failed, n_by_version[8];
} load;

static void *predict_on(void *user) {
    load *l = user;
    const llmcs_text text = {"where is my parcel", LLMCS_NUL, NULL, 0};
    for (long i = 0; !atomic_load(&l->stop); i++) {
        llmcs_shop_predictions *p = NULL;
        llmcs_shop_classifier *used = NULL;
        int32_t version = -1;
        char conversation[32];
        snprintf(conversation, sizeof conversation, "web-%ld", i % 50);
        const llmcs_status status =
            llmcs_shop_rollout_predict(l->rollout, conversation, &text, 1, NULL, &p, &used, &version);
        /* version v names its class "v" */
        const bool right = !status && version >= 1 && version <= 3 && atoi(p->items[0]->label) == version;
        atomic_fetch_add(&l->n, 1);
        atomic_fetch_add(&l->n_failed, !right);
        if (right) atomic_fetch_add(&l->n_by_version[version], 1);
        llmcs_shop_predictions_free(&p);
        llmcs_shop_classifier_free(&used);
    }
    return NULL;
}

static void wait_for(atomic_long *counter, long n) {
    const long start = atomic_load(counter);
    while (atomic_load(counter) < start + n) sched_yield();
}

START_TEST(versions_are_swapped_under_load_without_a_failed_request) {
    store_case s;
    load l = {.rollout = NULL};
    pthread_t threads[4];
    int32_t changed;
    llmcs_shop_promote_params p;
    open_case(&s);
    for (int i = 1; i <= 3; i++) {
        char label[2] = {(char)('0' + i), 0};
        keep_version(s.shop, label, i);
    }
    llmcs_shop_promote_params_init(&p);
    p.unproven = 1;
    SHOP_OK(llmcs_shop_promote(s.shop, "intents", 1, &p));
    SHOP_OK(llmcs_shop_rollout_create(s.shop, "intents", NULL, &l.rollout));
    for (int i = 0; i < 4; i++) ck_assert_int_eq(pthread_create(&threads[i], NULL, predict_on, &l), 0);
    int32_t live = 1;
    for (int i = 0; i < (int)(60 / suite_step(3)); i++) {
        if (i % 5 == 4) {
            p.mode = i % 2 ? LLMCS_MODE_CANARY : LLMCS_MODE_SHADOW;
            p.share = 0.5;
            SHOP_OK(llmcs_shop_promote(s.shop, "intents", live % 3 + 1, &p));
        } else if (i % 7 == 6) {
            SHOP_OK(llmcs_shop_rollback(s.shop, "intents", NULL, NULL));
        } else {
            p.mode = LLMCS_MODE_LIVE;
            const int32_t next = deployment(s.shop).live % 3 + 1;
            SHOP_OK(llmcs_shop_promote(s.shop, "intents", next, &p));
        }
        live = deployment(s.shop).live;
        SHOP_OK(llmcs_shop_rollout_refresh(l.rollout, &changed));
        ck_assert_int_eq(changed, 1);
        wait_for(&l.n, 40);
    }
    atomic_store(&l.stop, true);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    ck_assert_msg(!atomic_load(&l.n_failed), "%ld of %ld requests failed", (long)l.n_failed, (long)l.n);
    for (int v = 1; v <= 3; v++) ck_assert_int_gt(atomic_load(&l.n_by_version[v]), 0);
    SHOP_OK(llmcs_shop_rollout_refresh(l.rollout, &changed));
    ck_assert_int_eq(changed, 0);
    llmcs_shop_rollout_free(&l.rollout);
    printf("  %ld requests, 0 failed\n", (long)l.n);
    close_case(&s);
}
END_TEST

START_TEST(a_shadow_is_counted_and_answers_nobody) {
    store_case s;
    llmcs_shop_rollout *r = NULL;
    llmcs_shop_predictions *found = NULL;
    llmcs_shop_classifier *used = NULL;
    int32_t version;
    const llmcs_text texts[] = {{"where is my parcel", LLMCS_NUL, NULL, 0}, {"pay me back", LLMCS_NUL, NULL, 0}};
    open_case(&s);
    keep_version(s.shop, "1", 1);
    keep_version(s.shop, "2", 2);
    SHOP_OK(llmcs_shop_promote(s.shop, "intents", 1, NULL));
    llmcs_shop_promote_params p;
    llmcs_shop_promote_params_init(&p);
    p.mode = LLMCS_MODE_SHADOW;
    SHOP_OK(llmcs_shop_promote(s.shop, "intents", 2, &p));
    SHOP_OK(llmcs_shop_rollout_create(s.shop, "intents", NULL, &r));
    for (int i = 0; i < 3; i++) {
        SHOP_OK(llmcs_shop_rollout_predict(r, "web-1", texts, 2, NULL, &found, &used, &version));
        ck_assert_int_eq(version, 1);
        ck_assert_str_eq(found->items[0]->label, "1");
        llmcs_shop_predictions_free(&found);
        llmcs_shop_classifier_free(&used);
    }
    SHOP_OK(llmcs_shop_rollout_refresh(r, NULL));
    const llmcs_shop_deployment d = deployment(s.shop);
    ck_assert(d.mode == LLMCS_MODE_SHADOW && d.n_compared == 6 && d.n_differ == 3);
    llmcs_shop_rollout_free(&r);
    close_case(&s);
}
END_TEST

START_TEST(a_rollout_without_versions_uses_its_fallback) {
    store_case s;
    llmcs_shop_rollout *r = NULL;
    llmcs_shop_predictions *found = NULL;
    llmcs_shop_classifier *used = NULL, *fallback = NULL;
    int32_t version = 7;
    const llmcs_text text = {"where is my parcel", LLMCS_NUL, NULL, 0};
    open_case(&s);
    SHOP_OK(llmcs_shop_rollout_create(s.shop, "intents", NULL, &r));
    SHOP_FAILS(llmcs_shop_rollout_predict(r, "a", &text, 1, NULL, &found, &used, &version), LLMCS_STATE,
               "no version is live");
    ck_assert_ptr_null(llmcs_shop_rollout_get(r, "a", &version));
    llmcs_shop_rollout_free(&r);
    keep_version(s.shop, "1", 1);
    SHOP_OK(llmcs_shop_open_model(s.shop, "intents", 1, &fallback));
    SHOP_OK(llmcs_shop_rollout_create(s.shop, "intents", fallback, &r));
    llmcs_shop_classifier_free(&fallback);
    SHOP_OK(llmcs_shop_rollout_predict(r, NULL, &text, 1, NULL, &found, &used, &version));
    ck_assert_int_eq(version, 0);
    llmcs_shop_predictions_free(&found);
    llmcs_shop_classifier_free(&used);
    SHOP_OK(llmcs_shop_promote(s.shop, "intents", 1, NULL));
    SHOP_OK(llmcs_shop_rollout_refresh(r, NULL));
    used = llmcs_shop_rollout_get(r, "a", &version);
    ck_assert_int_eq(version, 1);
    llmcs_shop_classifier *of_slot = llmcs_shop_classifier_slot_get(llmcs_shop_rollout_slot(r));
    ck_assert_ptr_eq(of_slot, used);
    llmcs_shop_classifier_free(&of_slot);
    llmcs_shop_classifier_free(&used);
    llmcs_shop_rollout_free(&r);
    close_case(&s);
}
END_TEST

static void add(TCase *t) {
    tcase_set_timeout(t, 120);
    tcase_add_test(t, feedback_is_masked_and_replaced);
    tcase_add_test(t, bad_feedback_is_refused_row_by_row);
    tcase_add_test(t, export_needs_consent_and_a_role);
    tcase_add_test(t, feedback_teaches_the_next_version);
    tcase_add_test(t, leaks_are_found_in_other_letters);
    tcase_add_test(t, test_rows_stay_the_same);
    tcase_add_test(t, each_allocation_of_retraining_can_fail);
    tcase_add_test(t, better_is_told_from_worse);
    tcase_add_test(t, promotions_are_undone_one_by_one);
    tcase_add_test(t, a_worse_version_is_not_promoted);
    tcase_add_test(t, canaries_are_a_share_of_the_conversations);
    tcase_add_test(t, versions_are_swapped_under_load_without_a_failed_request);
    tcase_add_test(t, a_shadow_is_counted_and_answers_nobody);
    tcase_add_test(t, a_rollout_without_versions_uses_its_fallback);
}

SUITE_MAIN("shop/learn/learn", add)
