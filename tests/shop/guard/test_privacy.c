/* Forgetting and retention, roles, differential privacy. */
#include <math.h>
#include <unistd.h>

#include "shop/guard/canary_case.h"
#include "shop/guard/laplace.h"
#include "shop/guard/personal.h"

/* ---- forgetting */

START_TEST(every_table_says_how_it_is_erased) {
    shop_connection c;
    SHOP_OK(shop_connection_open(&c, path, SHOP_ACCESS_CREATE, 0));
    SHOP_OK(shop_schema_migrate(&c, shop_migrations, shop_n_migrations));
    SHOP_OK(shop_personal_check(&c));
    SHOP_OK(shop_execute(&c, "CREATE TABLE secrets(x)", "test"));
    SHOP_FAILS(shop_personal_check(&c), LLMCS_INTERNAL, "secrets");
    shop_connection_close(&c);
}
END_TEST

/* Every statement of the list runs on the tables as they are. */
START_TEST(every_statement_of_the_list_runs) {
    shop_connection c;
    SHOP_OK(shop_connection_open(&c, path, SHOP_ACCESS_CREATE, 0));
    SHOP_OK(shop_schema_migrate(&c, shop_migrations, shop_n_migrations));
    for (size_t i = 0; i < shop_n_personal_tables; i++) {
        const shop_personal_table *t = &shop_personal_tables[i];
        const char *format = t->by == SHOP_ERASE_BY_ID ? "s" : t->by == SHOP_ERASE_BY_ROW ? "i" : "is";
        ck_assert((t->action != NULL) == (t->erase != NULL) && (t->action != NULL) == (t->by != SHOP_ERASE_NOTHING));
        if (t->by == SHOP_ERASE_BY_ID)
            SHOP_OK(shop_change(&c, t->erase, format, "c1"));
        else if (t->erase)
            SHOP_OK(shop_change(&c, t->erase, format, (int64_t)1, "forgotten"));
        if (t->prune && *t->prune) SHOP_OK(shop_change(&c, t->prune, "i", (int64_t)1));
    }
    shop_connection_close(&c);
}
END_TEST

static uint64_t rows_of(const llmcs_shop_forgotten *r, const char *table, const char *action) {
    for (size_t i = 0; i < r->n_items; i++)
        if (!strcmp(r->items[i]->table, table) && !strcmp(r->items[i]->action, action)) return r->items[i]->n_rows;
    return 0;
}

START_TEST(nothing_of_a_customer_is_left) {
    llmcs_shop_forgotten *report;
    llmcs_shop *shop = open_shop(path, LLMCS_SHOP_CREATE);
    put_lamp(shop);
    put_customer(shop, "canary-id", "Canary Name");
    put_customer(shop, "other", "Other Name");
    put_order(shop, "PL1", "canary-id", "Canaryville", 1000);
    put_order(shop, "PL2", "other", "Hangzhou", 1000);
    put_event(shop, "canary-id", 1);
    put_event(shop, "canary-id", 2);
    put_event(shop, "other", 3);
    SHOP_OK(vault_put(shop, "canary-id", "conv1", "PHONE_1", "138-0013-8000"));
    SHOP_OK(vault_put(shop, "other", "conv2", "PHONE_1", "138-0013-8111"));
    SHOP_OK(llmcs_shop_audit_append(shop, LLMCS_SHOP_AGENT, "agent-7", "unmask", "customer:canary-id", NULL));
    ck_assert(folder_holds("Canary") && folder_holds("TRACK-CANARY-77"));
    SHOP_OK(llmcs_shop_forget(shop, "canary-id", NULL, &report));
    ck_assert(report->known && report->wal_truncated);
    ck_assert_uint_eq(rows_of(report, "names", "deleted"), 1);
    ck_assert_uint_eq(rows_of(report, "keys", "deleted"), 1);
    ck_assert_uint_eq(rows_of(report, "events", "deleted"), 2);
    ck_assert_uint_eq(rows_of(report, "order_items", "kept"), 1);
    ck_assert_uint_eq(rows_of(report, "orders", "pseudonymised"), 1);
    ck_assert_uint_eq(rows_of(report, "customers", "pseudonymised"), 1);
    ck_assert_uint_eq(report->n_items, 6);
    llmcs_shop_forgotten_free(&report);
    /* Not in the pages that were freed, and not in the log, while the store is open. */
    ck_assert(!folder_holds("canary-id") && !folder_holds("Canary"));
    ck_assert_str_eq(shop_value(path, "SELECT count(*) FROM orders WHERE tracking IS NULL AND city IS NULL"), "1");
    ck_assert_str_eq(shop_value(path, "SELECT total FROM orders WHERE id = 'PL1'"), "19.0");
    ck_assert_str_eq(shop_value(path, "SELECT count(*) FROM customers WHERE id LIKE 'forgotten-%' AND name IS NULL"),
                     "1");
    ck_assert_str_eq(shop_value(path, "SELECT city FROM orders WHERE id = 'PL2'"), "Hangzhou");
    char out[128];
    SHOP_OK(vault_load(shop, "other", "conv2", out));
    ck_assert_str_eq(out, "PHONE_1=138-0013-8111;");
    SHOP_OK(vault_load(shop, "canary-id", "conv1", out));
    ck_assert_str_eq(out, "");
    const llmcs_shop_audit_report r = verified(shop);
    ck_assert_msg(r.intact, "%s", r.problem);
    ck_assert_str_eq(
        shop_value(path, "SELECT json_extract(detail, '$.\"events deleted\"') FROM audit WHERE action = 'forget'"),
        "2");
    SHOP_OK(llmcs_shop_forget(shop, "canary-id", NULL, &report));
    ck_assert(!report->known && !report->n_items);
    llmcs_shop_forgotten_free(&report);
    llmcs_shop_free(&shop);
}
END_TEST

/* Rows that the desk and learning write: every text and every reference to the customer. */
START_TEST(conversations_and_what_hangs_on_them_go) {
    static const char *const rows =
        "INSERT INTO customers(row, id) VALUES(7, 'c7'), (8, 'c8');"
        "INSERT INTO conversations(row, id, customer, status, lang, priority, reason, summary, state, turns, started, "
        "time)"
        " VALUES(1, 'conv-canary', 7, 'open', 'en', 0, '', 'canary summary', '{\"slot\":\"canary\"}', 1, 1, 1),"
        " (2, 'conv-other', 8, 'open', 'en', 0, '', 'other', '{}', 1, 1, 1);"
        "INSERT INTO suggestions(id, conversation, customer, position, kind, lang, question, text, citations, outcome, "
        "time)"
        " VALUES('s1', 'conv-canary', 7, 0, 'entry', 'en', 'canary question', 'canary text', '[]', 'shown', 1),"
        " ('s2', 'conv-canary', NULL, 0, 'entry', 'en', 'canary question', 'canary text', '[]', 'shown', 1),"
        " ('s3', 'conv-other', 8, 0, 'entry', 'en', 'q', 't', '[]', 'shown', 1);"
        "INSERT INTO feedback(row, id, customer, conversation, lang, text, reply, outcome, consent, time)"
        " VALUES(21, 'f1', 7, NULL, 'en', 'canary text', 'canary reply', 'accepted', 1, 1),"
        " (22, 'f2', NULL, 'conv-canary', 'en', 'canary text', NULL, 'accepted', 1, 1),"
        " (23, 'f3', 8, NULL, 'en', 't', 'r', 'accepted', 1, 1);"
        "INSERT INTO reply_words(rowid, words) VALUES(21, 'canary words of a reply'), (23, 'r');"
        "INSERT INTO vectors(source, row, fingerprint, vector) VALUES('feedback', 21, 1, 'canary vector'),"
        " ('feedback', 23, 1, 'v');"
        "INSERT INTO decisions(strategy, id, conversation, context, candidates, propensities, chosen, propensity, time)"
        " VALUES('s', 'd1', 'conv-canary', 'canary context', '[]', '[]', 'a', 1, 1),"
        " ('s', 'd2', 'conv-other', 'x', '[]', '[]', 'a', 1, 1);";
    llmcs_shop_forgotten *report;
    llmcs_shop *shop = open_shop(path, LLMCS_SHOP_CREATE);
    SHOP_OK(vault_put(shop, NULL, "conv-canary", "PHONE_1", "138-0013-8000"));
    llmcs_shop_free(&shop);
    shop_sql(path, rows);
    shop = open_shop(path, 0);
    ck_assert(folder_holds("canary"));
    SHOP_OK(llmcs_shop_forget(shop, "c7", NULL, &report));
    ck_assert(report->wal_truncated);
    ck_assert_uint_eq(rows_of(report, "suggestions", "deleted"), 2);
    ck_assert_uint_eq(rows_of(report, "feedback", "deleted"), 2);
    ck_assert_uint_eq(rows_of(report, "reply_words", "deleted"), 1);
    ck_assert_uint_eq(rows_of(report, "vectors", "deleted"), 1);
    ck_assert_uint_eq(rows_of(report, "decisions", "deleted"), 1);
    ck_assert_uint_eq(rows_of(report, "conversations", "deleted"), 1);
    ck_assert_uint_eq(rows_of(report, "names", "deleted"), 1);
    ck_assert_uint_eq(rows_of(report, "keys", "deleted"), 1);
    llmcs_shop_forgotten_free(&report);
    ck_assert(!folder_holds("canary"));
    static const char *const tables[] = {"suggestions", "feedback",  "reply_words",
                                         "vectors",     "decisions", "conversations"};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        char sql[64];
        snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", tables[i]);
        ck_assert_msg(!strcmp(shop_value(path, sql), "1"), "%s: %s rows", tables[i], shop_value(path, sql));
    }
    llmcs_shop_free(&shop);
}
END_TEST

START_TEST(a_customer_without_orders_goes_whole) {
    llmcs_shop_forgotten *report;
    llmcs_shop_forget_params params;
    llmcs_shop *shop = open_shop(path, LLMCS_SHOP_CREATE);
    put_customer(shop, "c1", "Canary Name");
    llmcs_shop_forget_params_init(&params);
    params.role = LLMCS_SHOP_AGENT;
    SHOP_FAILS(llmcs_shop_forget(shop, "c1", &params, &report), LLMCS_STATE, "role agent may not use forgetting");
    ck_assert_ptr_null(report);
    params.role = LLMCS_SHOP_CUSTOMER;
    SHOP_FAILS(llmcs_shop_forget(shop, "c1", &params, &report), LLMCS_STATE, "only their own data");
    params.actor = "c2";
    SHOP_FAILS(llmcs_shop_forget(shop, "c1", &params, &report), LLMCS_STATE, "only their own data");
    SHOP_FAILS(llmcs_shop_apply_retention(shop, 0, &params, &report), LLMCS_STATE, "supervisor");
    params.actor = "customer:c1";
    SHOP_OK(llmcs_shop_forget(shop, "c1", &params, &report));
    ck_assert_uint_eq(rows_of(report, "customers", "deleted"), 1);
    llmcs_shop_forgotten_free(&report);
    ck_assert_str_eq(shop_value(path, "SELECT count(*) FROM customers"), "0");
    ck_assert_str_eq(shop_value(path, "SELECT actor LIKE 'forgotten:%' FROM audit"), "1");
    SHOP_FAILS(llmcs_shop_forget(shop, "", NULL, &report), LLMCS_ARG, "customer is empty");
    SHOP_FAILS(llmcs_shop_forget(shop, NULL, NULL, &report), LLMCS_ARG, "customer is missing");
    llmcs_shop_free(&shop);
}
END_TEST

/* Two processes read a store, and a reader of the old state keeps the log: the report says so. */
START_TEST(a_reader_of_the_old_state_is_reported) {
    sqlite3 *db;
    llmcs_shop_forgotten *report;
    llmcs_shop *shop = open_shop(path, LLMCS_SHOP_CREATE);
    put_customer(shop, "c1", "Canary Name");
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, "BEGIN; SELECT count(*) FROM customers", NULL, NULL, NULL), SQLITE_OK);
    SHOP_OK(llmcs_shop_forget(shop, "c1", NULL, &report));
    ck_assert(report->known && !report->wal_truncated);
    llmcs_shop_forgotten_free(&report);
    sqlite3_close(db);
    SHOP_OK(llmcs_shop_forget(shop, "c1", NULL, &report));
    ck_assert(report->wal_truncated);
    llmcs_shop_forgotten_free(&report);
    ck_assert(!folder_holds("Canary"));
    llmcs_shop_free(&shop);
}
END_TEST

START_TEST(old_rows_go_after_their_days) {
    int32_t days;
    llmcs_shop_forgotten *report;
    llmcs_shop *shop = open_shop(path, LLMCS_SHOP_CREATE);
    put_lamp(shop);
    put_customer(shop, "c1", "n");
    put_event(shop, "c1", 100 * 86400);
    put_event(shop, "c1", 200 * 86400);
    put_order(shop, "PL1", "c1", "x", 100 * 86400);
    put_order(shop, "PL2", "c1", "x", 200 * 86400);
    SHOP_OK(llmcs_shop_get_retention(shop, "events", &days));
    ck_assert_int_eq(days, 0);
    SHOP_OK(llmcs_shop_apply_retention(shop, 210 * 86400, NULL, &report));
    ck_assert_uint_eq(report->n_items, 0);
    llmcs_shop_forgotten_free(&report);
    SHOP_OK(llmcs_shop_set_retention(shop, "events", 50));
    SHOP_OK(llmcs_shop_set_retention(shop, "orders", 20));
    SHOP_OK(llmcs_shop_get_retention(shop, "events", &days));
    ck_assert_int_eq(days, 50);
    SHOP_OK(llmcs_shop_apply_retention(shop, 210 * 86400, NULL, &report));
    ck_assert_uint_eq(rows_of(report, "events", "deleted"), 1);
    ck_assert_uint_eq(rows_of(report, "orders", "deleted"), 1);
    ck_assert_uint_eq(rows_of(report, "order_items", "deleted"), 1);
    llmcs_shop_forgotten_free(&report);
    ck_assert_str_eq(shop_value(path, "SELECT group_concat(id) FROM orders"), "PL2");
    SHOP_OK(llmcs_shop_set_retention(shop, "events", 0));
    SHOP_OK(llmcs_shop_get_retention(shop, "events", &days));
    ck_assert_int_eq(days, 0);
    SHOP_FAILS(llmcs_shop_set_retention(shop, "products", 5), LLMCS_ARG, "names, events, orders");
    SHOP_FAILS(llmcs_shop_set_retention(shop, NULL, 5), LLMCS_ARG, "NULL");
    SHOP_FAILS(llmcs_shop_set_retention(shop, "events", -1), LLMCS_ARG, "days: -1");
    llmcs_shop_free(&shop);
}
END_TEST

/* ---- roles */

START_TEST(roles_and_purposes) {
    SHOP_OK(llmcs_shop_may(LLMCS_SHOP_AGENT, LLMCS_SHOP_FOR_SERVICE, LLMCS_SHOP_PLAIN_TEXTS));
    SHOP_FAILS(llmcs_shop_may(LLMCS_SHOP_AGENT, LLMCS_SHOP_FOR_TRAINING, LLMCS_SHOP_PLAIN_TEXTS), LLMCS_STATE,
               "role agent may not use plain texts for training");
    SHOP_OK(llmcs_shop_may(LLMCS_SHOP_TRAINER, LLMCS_SHOP_FOR_TRAINING, LLMCS_SHOP_MASKED_TEXTS));
    /* Nobody reads plain texts but to answer the customer. */
    for (int role = 0; role < 5; role++)
        for (int purpose = 1; purpose < 6; purpose++)
            ck_assert_int_eq(llmcs_shop_may((llmcs_shop_role)role, (llmcs_shop_purpose)purpose, LLMCS_SHOP_PLAIN_TEXTS),
                             LLMCS_STATE);
    /* A trainer sees no orders, audit rows or values for whatever purpose. */
    for (int purpose = 0; purpose < 6; purpose++)
        for (int data = 1; data < 6; data++)
            if (data != LLMCS_SHOP_NOISY_COUNTS)
                ck_assert_int_eq(llmcs_shop_may(LLMCS_SHOP_TRAINER, (llmcs_shop_purpose)purpose, (llmcs_shop_data)data),
                                 LLMCS_STATE);
    SHOP_FAILS(llmcs_shop_may((llmcs_shop_role)5, LLMCS_SHOP_FOR_AUDIT, LLMCS_SHOP_AUDIT_ROWS), LLMCS_ARG, "role: 5");
    SHOP_FAILS(llmcs_shop_may(LLMCS_SHOP_AGENT, (llmcs_shop_purpose)-1, LLMCS_SHOP_AUDIT_ROWS), LLMCS_ARG, "purpose");
    SHOP_FAILS(llmcs_shop_may(LLMCS_SHOP_AGENT, LLMCS_SHOP_FOR_AUDIT, (llmcs_shop_data)6), LLMCS_ARG, "data: 6");
    ck_assert_str_eq(llmcs_shop_role_name(LLMCS_SHOP_AUDITOR), "auditor");
    ck_assert_ptr_null(llmcs_shop_role_name((llmcs_shop_role)5));
}
END_TEST

/* ---- differential privacy */

static llmcs_status fill_from_seed(void *user, uint64_t *words, size_t n) {
    for (size_t i = 0; i < n; i++) words[i] = random_next(user);
    return LLMCS_OK;
}

/* Chi-square over the values -K..K and both tails, at the scale t/s. */
static void check_distribution(uint64_t t, uint64_t s, uint64_t seed) {
    enum { N = 200000, K = 12 };
    static long counts[2 * K + 3];
    shop_bits bits = {.fill = fill_from_seed, .user = &seed};
    const double q = exp(-(double)s / (double)t), p0 = (1 - q) / (1 + q);
    double chi = 0, sum = 0;
    int cells = 0;
    memset(counts, 0, sizeof counts);
    for (long i = 0; i < N; i++) {
        int64_t z;
        SHOP_OK(shop_discrete_laplace(&bits, t, s, &z));
        counts[z < -K ? 0 : z > K ? 2 * K + 2 : z + K + 1]++;
    }
    for (int i = 0; i < 2 * K + 3; i++) {
        const int z = i - K - 1;
        const double p = abs(z) > K ? pow(q, K + 1) / (1 + q) : p0 * pow(q, abs(z)), expected = p * N;
        sum += p;
        if (expected < 5) continue;
        chi += ((double)counts[i] - expected) * ((double)counts[i] - expected) / expected;
        cells++;
    }
    ck_assert_double_eq_tol(sum, 1, 1e-9);
    /* Wilson and Hilferty: chi-square is nearly a cubed normal. 4.5 sigma: once in 300,000 for other seeds. */
    const double k = cells - 1, z = (cbrt(chi / k) - (1 - 2 / (9 * k))) / sqrt(2 / (9 * k));
    ck_assert_msg(z < 4.5, "t/s = %llu/%llu: chi-square %.1f for %d cells", (unsigned long long)t,
                  (unsigned long long)s, chi, cells);
}

START_TEST(noise_has_the_distribution_it_should) {
    static const uint64_t scales[][2] = {{1, 1}, {2, 1}, {1, 2}, {3, 2}, {1000000, 500000}, {1000000, 333333}, {5, 1}};
    const uint64_t seed = 20200401 + (uint64_t)_i;
    check_distribution(scales[_i][0], scales[_i][1], seed);
}
END_TEST

/* A test that cannot fail is none: the wrong scale is found. */
START_TEST(a_wrong_distribution_is_noticed) {
    uint64_t seed = 1;
    shop_bits bits = {.fill = fill_from_seed, .user = &seed};
    long zeros = 0;
    for (int i = 0; i < 100000; i++) {
        int64_t z;
        SHOP_OK(shop_discrete_laplace(&bits, 2, 1, &z));
        zeros += !z;
    }
    const double q1 = exp(-1.0), q2 = exp(-0.5);
    ck_assert_double_eq_tol((double)zeros / 1e5, (1 - q2) / (1 + q2), 0.006);
    ck_assert(fabs((double)zeros / 1e5 - (1 - q1) / (1 + q1)) > 0.1);
}
END_TEST

static llmcs_status fill_with_zeros(void *user, uint64_t *words, size_t n) {
    (void)user;
    memset(words, 0, n * sizeof *words);
    return LLMCS_OK;
}
static llmcs_status fill_fails(void *user, uint64_t *words, size_t n) {
    (void)user, (void)words, (void)n;
    return shop_fail(LLMCS_IO, "no random bytes");
}

START_TEST(a_broken_source_of_bits_ends) {
    int64_t z;
    shop_bits bits = {.fill = fill_with_zeros};
    SHOP_FAILS(shop_discrete_laplace(&bits, 2, 1, &z), LLMCS_INTERNAL, "repeats itself");
    bits = (shop_bits){.fill = fill_fails};
    SHOP_FAILS(shop_discrete_laplace(&bits, 2, 1, &z), LLMCS_IO, "no random bytes");
}
END_TEST

START_TEST(a_budget_is_spent_once) {
    double total, spent;
    int64_t noisy = 77;
    llmcs_shop *shop = open_shop(path, LLMCS_SHOP_CREATE);
    SHOP_FAILS(llmcs_shop_private_count(shop, "week", 0.5, 100, 1, &noisy), LLMCS_ARG, "\"week\" does not exist");
    SHOP_OK(llmcs_shop_set_budget(shop, "week", 1));
    SHOP_OK(llmcs_shop_private_count(shop, "week", 0.5, 100, 1, &noisy));
    ck_assert(noisy > 0 && noisy < 200); /* exp(-50) */
    llmcs_shop_free(&shop);
    shop = open_shop(path, 0);
    SHOP_OK(llmcs_shop_get_budget(shop, "week", &total, &spent));
    ck_assert_double_eq(total, 1);
    ck_assert_double_eq(spent, 0.5);
    SHOP_OK(llmcs_shop_private_count(shop, "week", 0.5, 100, 1, &noisy));
    noisy = 77;
    SHOP_FAILS(llmcs_shop_private_count(shop, "week", 1e-6, 100, 1, &noisy), LLMCS_LIMIT, "0 of 1 left");
    ck_assert_int_eq(noisy, 77);
    SHOP_OK(llmcs_shop_set_budget(shop, "week", 2));
    SHOP_OK(llmcs_shop_private_count(shop, "week", 1, 100, 1, &noisy));
    SHOP_FAILS(llmcs_shop_private_count(shop, "week", 0, 100, 1, &noisy), LLMCS_ARG, "epsilon: 0");
    SHOP_FAILS(llmcs_shop_private_count(shop, "week", NAN, 100, 1, &noisy), LLMCS_ARG, "epsilon");
    SHOP_FAILS(llmcs_shop_private_count(shop, "week", 0.1, 100, 0, &noisy), LLMCS_ARG, "per_customer: 0");
    SHOP_FAILS(llmcs_shop_set_budget(shop, "week", -1), LLMCS_ARG, "total: -1");
    llmcs_shop_free(&shop);
}
END_TEST

START_TEST(a_mean_lies_in_its_range) {
    double values[1000], noisy;
    llmcs_shop *shop = open_shop(path, LLMCS_SHOP_CREATE);
    SHOP_OK(llmcs_shop_set_budget(shop, "b", 1000));
    for (size_t i = 0; i < 1000; i++) values[i] = i % 2 ? 4 : 1e300;
    SHOP_OK(llmcs_shop_private_mean(shop, "b", 10, values, 1000, 1, 5, &noisy));
    ck_assert_double_eq_tol(noisy, 4.5, 0.05); /* 1e300 counts as 5 */
    for (int i = 0; i < 20; i++) {
        SHOP_OK(llmcs_shop_private_mean(shop, "b", 0.001, values, 3, 1, 5, &noisy));
        ck_assert(noisy >= 1 && noisy <= 5);
    }
    SHOP_OK(llmcs_shop_private_mean(shop, "b", 0.1, NULL, 0, 1, 5, &noisy));
    SHOP_FAILS(llmcs_shop_private_mean(shop, "b", 1, values, 3, 5, 5, &noisy), LLMCS_ARG, "low < high");
    SHOP_FAILS(llmcs_shop_private_mean(shop, "b", 1, values, 3, -INFINITY, 5, &noisy), LLMCS_ARG, "finite");
    llmcs_shop_free(&shop);
}
END_TEST

static void add(TCase *t) {
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, every_table_says_how_it_is_erased);
    tcase_add_test(t, every_statement_of_the_list_runs);
    tcase_add_test(t, nothing_of_a_customer_is_left);
    tcase_add_test(t, conversations_and_what_hangs_on_them_go);
    tcase_add_test(t, a_customer_without_orders_goes_whole);
    tcase_add_test(t, a_reader_of_the_old_state_is_reported);
    tcase_add_test(t, old_rows_go_after_their_days);
    tcase_add_test(t, roles_and_purposes);
    tcase_add_loop_test(t, noise_has_the_distribution_it_should, 0, 7);
    tcase_add_test(t, a_wrong_distribution_is_noticed);
    tcase_add_test(t, a_broken_source_of_bits_ends);
    tcase_add_test(t, a_budget_is_spent_once);
    tcase_add_test(t, a_mean_lies_in_its_range);
}

SUITE_MAIN("shop/guard/privacy", add)
