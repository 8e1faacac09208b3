/* What people behind the desk look at: who waits, what is unsettled, entries, products, figures. */
#include <math.h>

#include "shop/desk/desk_case.h"

/* Rows as text: members with spaces between, one row a line. */
typedef struct listing {
    char text[8192];
    int32_t stop_at; /* rows until the callback stops the list; 0: never */
    int32_t n;
} listing;

static int32_t add_line(listing *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int32_t add_line(listing *l, const char *fmt, ...) {
    const size_t n = strlen(l->text);
    va_list args;
    va_start(args, fmt);
    vsnprintf(l->text + n, sizeof l->text - n, fmt, args);
    va_end(args);
    return ++l->n == l->stop_at;
}

static int32_t conversation_line(void *user, const llmcs_shop_conversation *c) {
    return add_line(user, "%s %s %s %s %d %s %d\n", c->id, c->status, *c->customer ? c->customer : "-",
                    *c->agent ? c->agent : "-", (int)c->priority, *c->reason ? c->reason : "-", (int)c->n_turns);
}
static int32_t action_line(void *user, const llmcs_shop_action *a) {
    return add_line(user, "%s %s %s %s %s\n", a->name, a->object, llmcs_shop_action_state_name(a->state),
                    a->conversation, a->customer);
}
static int32_t entry_line(void *user, const llmcs_shop_listed_entry *e) {
    return add_line(user, "%s %s %d%s: %s (%zu) %s %s\n", e->id, e->lang, (int)e->version, e->retired ? " retired" : "",
                    e->n_questions ? e->questions[0] : "-", e->n_questions, e->answer, e->tags);
}
static int32_t product_line(void *user, const llmcs_shop_listed_product *p) {
    return add_line(user, "%s %s %s %.1f %s %d %s\n", p->id, p->lang, p->title, p->price, p->currency, (int)p->stock,
                    p->tags);
}

#define LISTS(call, expected)                  \
    do {                                       \
        listing l_ = {.n = 0}, *l = &l_;       \
        SHOP_OK(call);                         \
        ck_assert_str_eq(l_.text, (expected)); \
    } while (0)

START_TEST(conversations_that_wait) {
    desk_case d;
    desk_case_open(&d);
    llmcs_shop_conversations_params p;
    llmcs_shop_conversations_params_init(&p);
    LISTS(llmcs_shop_list_conversations(d.shop, NULL, conversation_line, l), "");
    (void)say_as(&d, "calm", "anna", "thanks");
    (void)say_as(&d, "first", "anna", "let me talk to a person");
    d.now += 60;
    (void)say_as(&d, "second", NULL, "human please");
    d.now += 60;
    (void)say_as(&d, "urgent", "ben", "I am allergic to it");
    d.now += 60;
    (void)say_as(&d, "first", "anna", "hello?"); /* waits as long as before */
    LISTS(llmcs_shop_list_conversations(d.shop, NULL, conversation_line, l),
          "urgent waiting ben - 2 medical 1\nfirst waiting anna - 0 wanted 2\nsecond waiting - - 0 wanted 1\n");
    p.k = 1;
    LISTS(llmcs_shop_list_conversations(d.shop, &p, conversation_line, l), "urgent waiting ben - 2 medical 1\n");
    p.k = 100;
    SHOP_OK(llmcs_shop_desk_take_over(d.desk, "urgent", "mia"));
    LISTS(llmcs_shop_list_conversations(d.shop, NULL, conversation_line, l),
          "first waiting anna - 0 wanted 2\nsecond waiting - - 0 wanted 1\nurgent person ben mia 2 medical 1\n");
    p.status = "person";
    LISTS(llmcs_shop_list_conversations(d.shop, &p, conversation_line, l), "urgent person ben mia 2 medical 1\n");
    p.status = "open";
    LISTS(llmcs_shop_list_conversations(d.shop, &p, conversation_line, l), "calm open anna - 0 - 1\n");
    p.status = "gone";
    SHOP_FAILS(llmcs_shop_list_conversations(d.shop, &p, conversation_line, NULL), LLMCS_ARG, "\"gone\"");
    p.status = NULL;
    p.k = 1001;
    SHOP_FAILS(llmcs_shop_list_conversations(d.shop, &p, conversation_line, NULL), LLMCS_ARG, "1 to 1000");
    SHOP_FAILS(llmcs_shop_list_conversations(d.shop, NULL, NULL, NULL), LLMCS_ARG, "each");
    listing two = {.stop_at = 2};
    SHOP_FAILS(llmcs_shop_list_conversations(d.shop, NULL, conversation_line, &two), LLMCS_CANCELLED, "stopped");
    ck_assert_int_eq(two.n, 2);
    desk_case_close(&d);
}
END_TEST

/* A host that never answers: the action's end is not known. */
static void keep_silent(void *user, const llmcs_shop_call_request *request, llmcs_shop_call *call) {
    (void)user;
    (void)request;
    (void)call;
}

START_TEST(actions_whose_end_nobody_knows) {
    desk_case d;
    static const char *const calls[] = {"cancel"};
    desk_case_make(&d);
    d.options.call = keep_silent;
    d.options.host_calls = calls;
    d.options.n_host_calls = 1;
    SHOP_OK(llmcs_shop_desk_open(d.shop, &d.options, &d.desk));
    LISTS(llmcs_shop_list_actions(d.shop, LLMCS_ACTION_UNKNOWN, 10, action_line, l), "");
    (void)say(&d, "cancel order PL1001");
    (void)say(&d, "yes");
    ck_assert_int_eq(d.turn->action_state, LLMCS_ACTION_UNKNOWN);
    LISTS(llmcs_shop_list_actions(d.shop, LLMCS_ACTION_UNKNOWN, 10, action_line, l), "cancel PL1001 UNKNOWN c1 anna\n");
    LISTS(llmcs_shop_list_actions(d.shop, LLMCS_ACTION_FAILED, 10, action_line, l), "");
    SHOP_OK(llmcs_shop_desk_resolve(d.desk, d.turn->action_key, "mia", LLMCS_ACTION_FAILED));
    LISTS(llmcs_shop_list_actions(d.shop, LLMCS_ACTION_UNKNOWN, 10, action_line, l), "");
    LISTS(llmcs_shop_list_actions(d.shop, LLMCS_ACTION_FAILED, 10, action_line, l), "cancel PL1001 FAILED c1 anna\n");
    SHOP_FAILS(llmcs_shop_list_actions(d.shop, LLMCS_ACTION_DONE, 10, action_line, NULL), LLMCS_ARG, "state: 1");
    SHOP_FAILS(llmcs_shop_list_actions(d.shop, LLMCS_ACTION_FAILED, 0, action_line, NULL), LLMCS_ARG, "k: 0");
    desk_case_close(&d);
}
END_TEST

START_TEST(entries_are_found_and_show_their_newest_version) {
    desk_case d;
    desk_case_make(&d);
    size_t n;
    llmcs_shop_entries_params p;
    llmcs_shop_entries_params_init(&p);
    LISTS(llmcs_shop_list_entries(d.shop, NULL, entry_line, l, &n),
          "gift en 1: Do you wrap gifts? (1) Gift wrapping costs 8 CNY. []\n"
          "gift zh 1: 可以礼品包装吗？ (1) 礼品包装8元。 []\n"
          "ship en 1: What does shipping cost? (1) Shipping costs 10 CNY. []\n"
          "ship zh 1: 运费多少？ (1) 运费10元。 []\n");
    ck_assert_uint_eq(n, 4);
    p.search = "WRAP";
    LISTS(llmcs_shop_list_entries(d.shop, &p, entry_line, l, NULL),
          "gift en 1: Do you wrap gifts? (1) Gift wrapping costs 8 CNY. []\n");
    p.search = "包装";
    LISTS(llmcs_shop_list_entries(d.shop, &p, entry_line, l, NULL),
          "gift zh 1: 可以礼品包装吗？ (1) 礼品包装8元。 []\n");
    p.search = "";
    p.lang = "en";
    p.k = 1;
    p.skip = 1;
    LISTS(llmcs_shop_list_entries(d.shop, &p, entry_line, l, &n),
          "ship en 1: What does shipping cost? (1) Shipping costs 10 CNY. []\n");
    ck_assert_uint_eq(n, 2);
    put_answer(d.shop, "ship", "en", "Shipping fee?", "Shipping costs 12 CNY.");
    p.skip = 0;
    p.k = 100;
    p.id = "ship";
    LISTS(llmcs_shop_list_entries(d.shop, &p, entry_line, l, &n),
          "ship en 2: Shipping fee? (1) Shipping costs 12 CNY. []\n");
    p.search = "10 CNY"; /* stands in an older version only */
    LISTS(llmcs_shop_list_entries(d.shop, &p, entry_line, l, &n), "");
    p.search = NULL;
    SHOP_OK(llmcs_shop_retire_entry(d.shop, "ship", "en", NULL));
    LISTS(llmcs_shop_list_entries(d.shop, &p, entry_line, l, &n), "");
    ck_assert_uint_eq(n, 0);
    p.retired = 1;
    LISTS(llmcs_shop_list_entries(d.shop, &p, entry_line, l, &n),
          "ship en 2 retired: Shipping fee? (1) Shipping costs 12 CNY. []\n");
    p.skip = SIZE_MAX;
    SHOP_FAILS(llmcs_shop_list_entries(d.shop, &p, entry_line, NULL, NULL), LLMCS_ARG, "skip");
    desk_case_close(&d);
}
END_TEST

START_TEST(products_in_the_order_of_their_ids) {
    desk_case d;
    desk_case_make(&d);
    static const char *const ids[] = {"lamp", "nothing", "mug"};
    LISTS(llmcs_shop_list_products(d.shop, ids, 3, "zh", product_line, l),
          "lamp zh 黄铜台灯 129.5 CNY 0 []\nmug zh 红色丰收马克杯 50.0 CNY 3 []\n");
    LISTS(llmcs_shop_list_products(d.shop, ids, 1, "fr", product_line, l), "lamp en Brass Desk Lamp 129.5 CNY 0 []\n");
    LISTS(llmcs_shop_list_products(d.shop, ids, 0, NULL, product_line, l), "");
    SHOP_FAILS(llmcs_shop_list_products(d.shop, NULL, 1, NULL, product_line, NULL), LLMCS_ARG, "ids");
    desk_case_close(&d);
}
END_TEST

/* ---- dashboard */

static int64_t figure(const llmcs_shop_dashboard *b, const char *group, const char *name) {
    for (size_t i = 0; i < b->n_figures; i++)
        if (!strcmp(b->figures[i]->group, group) && !strcmp(b->figures[i]->name, name)) return b->figures[i]->n;
    return 0;
}

START_TEST(figures_of_the_last_days) {
    desk_case d;
    llmcs_shop_dashboard *b = NULL;
    llmcs_shop_dashboard_params p;
    desk_case_open(&d);
    llmcs_shop_dashboard_params_init(&p);
    p.now = DESK_NOW;
    SHOP_OK(llmcs_shop_get_dashboard(d.shop, &p, &b));
    ck_assert_uint_eq(b->n_days, 7);
    ck_assert_uint_eq(b->n_figures, 0);
    ck_assert(isnan(b->p50_ms) && isnan(b->days[6]->p95_ms));
    llmcs_shop_dashboard_free(&b);
    ck_assert_ptr_null(b);

    d.now = DESK_NOW - 9 * 86400; /* before these days */
    (void)say_as(&d, "old", "anna", "thanks");
    d.now = DESK_NOW - 86400;
    (void)say_as(&d, "c1", "anna", "where is my order PL1002");
    (void)say_as(&d, "c1", "anna", "thanks");
    d.now = DESK_NOW;
    (void)say_as(&d, "c1", "anna", "运费多少");
    (void)say_as(&d, "c2", "ben", "human please");
    SHOP_OK(llmcs_shop_desk_take_over(d.desk, "c2", "mia"));
    SHOP_OK(llmcs_shop_desk_reply(d.desk, "c2", "mia", "I am here.", LLMCS_NUL)); /* is no turn of a customer */
    (void)say_as(&d, "c3", NULL, "operator");
    SHOP_OK(llmcs_shop_get_dashboard(d.shop, &p, &b));
    ck_assert_int_eq(b->n_turns, 5);
    ck_assert_int_eq(b->n_conversations, 3);
    ck_assert_int_eq(b->n_waiting, 1);
    ck_assert_int_eq(b->days[6]->begin, DESK_NOW - DESK_NOW % 86400);
    ck_assert_int_eq(b->days[5]->n_turns, 2);
    ck_assert_int_eq(b->days[5]->n_answered, 2);
    ck_assert_int_eq(b->days[5]->n_conversations, 1);
    ck_assert_int_eq(b->days[6]->n_turns, 3);
    ck_assert_int_eq(b->days[6]->n_answered, 1);
    ck_assert_int_eq(b->days[6]->n_handed_over, 2);
    ck_assert_int_eq(b->days[4]->n_turns, 0);
    ck_assert_int_eq(figure(b, "route", "flow"), 1);
    ck_assert_int_eq(figure(b, "route", "handover"), 2);
    ck_assert_int_eq(figure(b, "route", "person"), 0);
    ck_assert_int_eq(figure(b, "intent", "track_order"), 1);
    ck_assert_int_eq(figure(b, "handover", "wanted"), 2);
    ck_assert_int_eq(figure(b, "language", "zh"), 1);
    ck_assert(b->p50_ms > 0 && b->p50_ms <= b->p95_ms && b->p95_ms < 60000);
    ck_assert(b->days[6]->p50_ms > 0 && isnan(b->days[0]->p50_ms));
    llmcs_shop_dashboard_free(&b);

    /* In China 2026-11-16 12:00 UTC is the evening of the same day; with -13 hours it is still the 15th. */
    p.utc_offset_s = -13 * 3600;
    SHOP_OK(llmcs_shop_get_dashboard(d.shop, &p, &b));
    ck_assert_int_eq((b->days[6]->begin - 13 * 3600) % 86400, 0);
    ck_assert_int_eq(b->days[6]->n_turns, 3);
    llmcs_shop_dashboard_free(&b);
    desk_case_close(&d);
}
END_TEST

START_TEST(one_customer_counts_at_most_so_often) {
    desk_case d;
    llmcs_shop_dashboard *b = NULL;
    llmcs_shop_dashboard_params p;
    desk_case_open(&d);
    llmcs_shop_dashboard_params_init(&p);
    p.now = DESK_NOW;
    p.days = 1;
    p.per_customer = 2;
    for (int i = 0; i < 5; i++) (void)say_as(&d, i < 3 ? "c1" : "c2", "anna", "thanks");
    (void)say_as(&d, "c3", "ben", "thanks");
    (void)say_as(&d, "c4", NULL, "thanks"); /* without a customer a conversation is one */
    (void)say_as(&d, "c5", NULL, "thanks");
    SHOP_OK(llmcs_shop_get_dashboard(d.shop, &p, &b));
    ck_assert_int_eq(figure(b, "route", "smalltalk"), 5);
    ck_assert_int_eq(figure(b, "intent", "thanks"), 5);
    ck_assert_int_eq(b->days[0]->n_answered, 5);
    llmcs_shop_dashboard_free(&b);
    p.per_customer = 0;
    SHOP_OK(llmcs_shop_get_dashboard(d.shop, &p, &b));
    ck_assert_int_eq(figure(b, "route", "smalltalk"), 8);
    llmcs_shop_dashboard_free(&b);
    desk_case_close(&d);
}
END_TEST

START_TEST(percentiles_by_nearest_rank) {
    desk_case d;
    llmcs_shop_dashboard *b = NULL;
    llmcs_shop_dashboard_params p;
    desk_case_open(&d);
    (void)say(&d, "thanks");
    /* 1 to 100 ms, in no order; a turn of an older version has no time, and a damaged one no JSON */
    shop_sql(d.path,
             "UPDATE turns SET detail = '{}';"
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)"
             " INSERT INTO turns(conversation, number, time, lang, text, reply, route, intent, detail)"
             " SELECT c.row, i + 1, c.time, 'en', 'a', 'b', 'entry', '', '{\"ms\":' || (i * 37 % 101) || '.0}'"
             " FROM n, conversations c;"
             "INSERT INTO turns(conversation, number, time, lang, text, reply, route, intent, detail)"
             " SELECT row, 200, time, 'en', 'a', 'b', 'entry', '', '{' FROM conversations");
    llmcs_shop_dashboard_params_init(&p);
    p.now = DESK_NOW;
    SHOP_OK(llmcs_shop_get_dashboard(d.shop, &p, &b));
    ck_assert_double_eq(b->p50_ms, 50);
    ck_assert_double_eq(b->p95_ms, 95);
    ck_assert_double_eq(b->days[6]->p95_ms, 95);
    ck_assert_int_eq(b->n_turns, 102);
    llmcs_shop_dashboard_free(&b);
    desk_case_close(&d);
}
END_TEST

START_TEST(what_a_dashboard_refuses) {
    desk_case d;
    llmcs_shop_dashboard *b = NULL;
    desk_case_make(&d);
    const struct {
        llmcs_shop_dashboard_params params;
        const char *words;
    } cases[] = {{{.days = 0}, "days: 0"},
                 {{.days = 367}, "days: 367"},
                 {{.days = 1, .utc_offset_s = 50401}, "utc_offset_s"},
                 {{.days = 1, .now = -1}, "now"},
                 {{.days = 1, .per_customer = -1}, "per_customer"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        llmcs_shop_dashboard_params p = cases[i].params;
        p.struct_size = sizeof p;
        SHOP_FAILS(llmcs_shop_get_dashboard(d.shop, &p, &b), LLMCS_ARG, cases[i].words);
        ck_assert_ptr_null(b);
    }
    SHOP_FAILS(llmcs_shop_get_dashboard(d.shop, NULL, NULL), LLMCS_ARG, "dashboard");
    SHOP_FAILS(llmcs_shop_get_dashboard(NULL, NULL, &b), LLMCS_ARG, "shop is NULL");
    desk_case_close(&d);
}
END_TEST

/* Every allocation fails once: a status, nothing leaks, the store goes on. */
START_TEST(failed_allocations) {
    desk_case d;
    desk_case_open(&d);
    (void)say(&d, "human please");
    (void)say(&d, "hello");
    llmcs_shop_desk_free(&d.desk);
    llmcs_shop_free(&d.shop);
    fail_alloc f;
    fail_alloc_init(&f);
    const llmcs_allocator a = fail_alloc_get(&f);
    llmcs_shop_options o;
    llmcs_shop_options_init(&o);
    o.allocator = &a;
    SHOP_OK(llmcs_shop_open(d.path, &o, &d.shop));
    int n_failed = 0;
    for (long at = 0; at < 40; at++) {
        llmcs_shop_dashboard *b = NULL;
        listing l = {.n = 0};
        llmcs_shop_dashboard_params p;
        llmcs_shop_dashboard_params_init(&p);
        p.now = DESK_NOW;
        f.fail_at = f.calls + at;
        llmcs_status status = llmcs_shop_get_dashboard(d.shop, &p, &b);
        if (!status) status = llmcs_shop_list_entries(d.shop, NULL, entry_line, &l, NULL);
        if (status) ck_assert_int_eq(status, LLMCS_NOMEM);
        n_failed += status != LLMCS_OK;
        f.fail_at = -1;
        llmcs_shop_dashboard_free(&b);
    }
    ck_assert_int_gt(n_failed, 5);
    ck_assert_int_lt(n_failed, 40);
    llmcs_shop_free(&d.shop);
    ck_assert_int_eq(f.live, 0);
    desk_case_close(&d);
}
END_TEST

static void add(TCase *t) {
    tcase_set_timeout(t, 60);
    tcase_add_test(t, conversations_that_wait);
    tcase_add_test(t, actions_whose_end_nobody_knows);
    tcase_add_test(t, entries_are_found_and_show_their_newest_version);
    tcase_add_test(t, products_in_the_order_of_their_ids);
    tcase_add_test(t, figures_of_the_last_days);
    tcase_add_test(t, one_customer_counts_at_most_so_often);
    tcase_add_test(t, percentiles_by_nearest_rank);
    tcase_add_test(t, what_a_dashboard_refuses);
    tcase_add_test(t, failed_allocations);
}

SUITE_MAIN("shop/console/console", add)
