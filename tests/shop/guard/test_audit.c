/* The audit: every row that is changed, removed, put in, reordered or cut off is found; aliases; anchors. */
#include <unistd.h>

#include "shop/guard/canary_case.h"

static void append_rows(llmcs_shop *shop, int n) {
    for (int i = 0; i < n; i++) {
        char object[32];
        snprintf(object, sizeof object, "order:PL%d", i);
        SHOP_OK(llmcs_shop_audit_append(shop, LLMCS_SHOP_AGENT, "agent-7", i % 2 ? "read" : "cancel", object,
                                        i % 3 ? NULL : "{\"state\":\"paid\"}"));
    }
}

START_TEST(an_untouched_audit_is_intact) {
    llmcs_shop *shop = open_shop(path, LLMCS_SHOP_CREATE);
    llmcs_shop_audit_report r = verified(shop);
    ck_assert(r.intact && !r.n_rows && !r.last_seq);
    append_rows(shop, 1200);
    r = verified(shop);
    ck_assert_msg(r.intact, "%s", r.problem);
    ck_assert(r.key_checked);
    ck_assert_uint_eq(r.n_rows, 1200);
    ck_assert_int_eq(r.signed_seq, 1200);
    ck_assert_uint_eq(strlen(r.head), 64);
    /* One head for the last row and one at row 1024. */
    ck_assert_str_eq(shop_value(path, "SELECT group_concat(seq) FROM audit_heads"), "1024,1200");
    llmcs_shop_free(&shop);
    shop = open_shop(path, LLMCS_SHOP_READ_ONLY);
    ck_assert(verified(shop).intact);
    SHOP_FAILS(llmcs_shop_audit_append(shop, LLMCS_SHOP_AGENT, "a", "b", "", NULL), LLMCS_STATE, "READ_ONLY");
    llmcs_shop_free(&shop);
}
END_TEST

/* What somebody does to the file, and where it is found. */
static const struct {
    const char *sql;
    int64_t row;
} harms[] = {
    {"UPDATE audit SET action = 'write' WHERE seq = 5", 5},
    {"UPDATE audit SET actor = 'agent-8' WHERE seq = 20", 20},
    {"UPDATE audit SET time = time + 1 WHERE seq = 1", 1},
    {"UPDATE audit SET detail = NULL WHERE seq = 7", 7},
    {"UPDATE audit SET detail = '' WHERE seq = 8", 8},
    {"UPDATE audit SET role = 'supervisor' WHERE seq = 20", 20},
    {"UPDATE audit SET object = object || ' ' WHERE seq = 3", 3},
    {"UPDATE audit SET hash = zeroblob(32) WHERE seq = 11", 11},
    {"UPDATE audit SET hash = NULL WHERE 0; UPDATE audit SET hash = x'00' WHERE seq = 20", 20},
    {"DELETE FROM audit WHERE seq = 9", 9},
    {"DELETE FROM audit WHERE seq = 1", 1},
    {"DELETE FROM audit WHERE seq = 20", 20},
    {"DELETE FROM audit WHERE seq > 10", 11},
    {"DELETE FROM audit", 1},
    {"INSERT INTO audit SELECT 21, time, role, actor, action, object, detail, hash FROM audit WHERE seq = 20", 21},
    {"UPDATE audit SET seq = 99 WHERE seq = 4; UPDATE audit SET seq = 4 WHERE seq = 5;"
     "UPDATE audit SET seq = 5 WHERE seq = 99",
     4},
    {"UPDATE audit SET seq = seq + 1000; UPDATE audit SET seq = seq - 999", 1},
    {"DELETE FROM audit WHERE seq = 9; UPDATE audit SET seq = seq + 1000 WHERE seq > 9;"
     "UPDATE audit SET seq = seq - 1001 WHERE seq > 1000",
     9},
    {"UPDATE audit_heads SET signature = zeroblob(64)", 20},
    {"UPDATE audit_heads SET hash = zeroblob(32)", 20},
    {"UPDATE audit_heads SET seq = 19", 19},
    {"UPDATE audit_heads SET anchor = 1", 20},
    {"DELETE FROM audit_heads", 1},
    {"UPDATE settings SET value = 'another' WHERE key = 'llmcs.store'", 1},
};

START_TEST(every_change_is_found) {
    llmcs_shop *shop = open_shop(path, LLMCS_SHOP_CREATE);
    append_rows(shop, 20);
    llmcs_shop_free(&shop);
    shop_sql(path, harms[_i].sql);
    shop = open_shop(path, 0);
    const llmcs_shop_audit_report r = verified(shop);
    ck_assert_msg(!r.intact, "not found: %s", harms[_i].sql);
    ck_assert_msg(r.problem_seq == harms[_i].row, "%s: row %lld: %s", harms[_i].sql, (long long)r.problem_seq,
                  r.problem);
    ck_assert(r.problem[0]);
    llmcs_shop_free(&shop);
}
END_TEST

/* Somebody who knows the format hashes all rows anew: only the signature tells. Here: two stores of the same rows, and
 * one's audit is put into the other. */
START_TEST(rows_of_another_store_do_not_fit) {
    char other[sizeof path + 8], sql[1024];
    llmcs_shop *shop = open_shop(path, LLMCS_SHOP_CREATE);
    append_rows(shop, 3);
    llmcs_shop_free(&shop);
    snprintf(other, sizeof other, "%s2", path);
    shop = open_shop(other, LLMCS_SHOP_CREATE);
    append_rows(shop, 3);
    llmcs_shop_free(&shop);
    snprintf(sql, sizeof sql,
             "ATTACH '%s' AS other; DELETE FROM audit; INSERT INTO audit SELECT * FROM other.audit;"
             "UPDATE settings SET value = (SELECT value FROM other.settings WHERE key = 'llmcs.store')"
             " WHERE key = 'llmcs.store'",
             other);
    shop_sql(path, sql);
    shop = open_shop(path, 0);
    llmcs_shop_audit_report r = verified(shop);
    ck_assert(!r.intact);
    ck_assert_ptr_nonnull(strstr(r.problem, "signed head"));
    llmcs_shop_free(&shop);
    /* With that store's heads and its public key, too: the key of this store still says no. */
    snprintf(sql, sizeof sql,
             "ATTACH '%s' AS other; DELETE FROM audit_heads; INSERT INTO audit_heads SELECT * FROM other.audit_heads",
             other);
    shop_sql(path, sql);
    shop = open_shop(path, 0);
    r = verified(shop);
    ck_assert(!r.intact);
    llmcs_shop_free(&shop);
}
END_TEST

START_TEST(a_head_kept_elsewhere_finds_a_tail_cut_with_its_heads) {
    llmcs_shop_audit_params params;
    llmcs_shop_audit_report r = {.struct_size = sizeof r};
    llmcs_shop *shop = open_shop(path, LLMCS_SHOP_CREATE);
    append_rows(shop, 1030);
    const llmcs_shop_audit_report kept = verified(shop);
    llmcs_shop_free(&shop);
    shop_sql(path, "DELETE FROM audit WHERE seq > 1024; DELETE FROM audit_heads WHERE seq > 1024");
    shop = open_shop(path, 0);
    ck_assert(verified(shop).intact); /* from the file alone nobody can tell */
    llmcs_shop_audit_params_init(&params);
    params.head = kept.head;
    params.head_seq = kept.last_seq;
    SHOP_OK(llmcs_shop_audit_verify(shop, &params, &r));
    ck_assert(!r.intact);
    ck_assert_int_eq(r.problem_seq, 1030);
    params.head = NULL;
    params.public_key = kept.public_key;
    r.struct_size = sizeof r;
    SHOP_OK(llmcs_shop_audit_verify(shop, &params, &r));
    ck_assert(r.intact && r.key_checked);
    params.public_key = "00";
    SHOP_FAILS(llmcs_shop_audit_verify(shop, &params, &r), LLMCS_ARG, "64 hex digits");
    llmcs_shop_free(&shop);
}
END_TEST

typedef struct listed {
    char text[4096];
    int n;
} listed;

static int32_t keep_row(void *user, const llmcs_shop_audit_row *row) {
    listed *l = user;
    const size_t n = strlen(l->text);
    snprintf(l->text + n, sizeof l->text - n, "%lld %s %s %s %s %s\n", (long long)row->seq, row->role, row->action,
             row->detail ? row->detail : "-", row->customer ? row->customer : "-", row->object);
    return ++l->n == 3;
}

START_TEST(customers_stand_under_an_alias) {
    listed l = {{0}, 0};
    llmcs_shop *shop = open_shop(path, LLMCS_SHOP_CREATE);
    put_customer(shop, "canary-customer@example.org", "n");
    SHOP_OK(llmcs_shop_audit_append(shop, LLMCS_SHOP_AGENT, "agent-7", "unmask", "customer:canary-customer@example.org",
                                    NULL));
    SHOP_OK(llmcs_shop_audit_append(shop, LLMCS_SHOP_CUSTOMER, "customer:canary-customer@example.org", "cancel",
                                    "order:1", "{}"));
    ck_assert_str_eq(shop_value(path, "SELECT count(*) FROM audit WHERE actor || object LIKE '%canary%'"), "0");
    ck_assert_str_eq(shop_value(path,
                                "SELECT count(*) FROM keys WHERE 'customer:' || alias IN"
                                " (SELECT object FROM audit UNION SELECT actor FROM audit)"),
                     "1");
    SHOP_OK(llmcs_shop_audit_list(shop, 1, 0, keep_row, &l));
    ck_assert_ptr_nonnull(strstr(l.text, "1 agent unmask - canary-customer@example.org customer:"));
    ck_assert_ptr_nonnull(strstr(l.text, "2 customer cancel {} canary-customer@example.org order:1"));
    llmcs_shop_forgotten *report;
    SHOP_OK(llmcs_shop_forget(shop, "canary-customer@example.org", NULL, &report));
    llmcs_shop_forgotten_free(&report);
    l = (listed){{0}, 0};
    SHOP_FAILS(llmcs_shop_audit_list(shop, 1, 0, keep_row, &l), LLMCS_CANCELLED, "row 3");
    ck_assert_ptr_null(strstr(l.text, "canary"));
    ck_assert(verified(shop).intact);
    llmcs_shop_free(&shop);
}
END_TEST

START_TEST(only_short_ids_and_json_objects_are_taken) {
    char long_id[300];
    memset(long_id, 'x', sizeof long_id - 1);
    long_id[sizeof long_id - 1] = 0;
    llmcs_shop *shop = open_shop(path, LLMCS_SHOP_CREATE);
    SHOP_FAILS(llmcs_shop_audit_append(shop, (llmcs_shop_role)9, "a", "b", "", NULL), LLMCS_ARG, "role: 9");
    SHOP_FAILS(llmcs_shop_audit_append(shop, LLMCS_SHOP_AGENT, NULL, "b", "", NULL), LLMCS_ARG, "actor");
    SHOP_FAILS(llmcs_shop_audit_append(shop, LLMCS_SHOP_AGENT, "a", "", "", NULL), LLMCS_ARG, "action");
    SHOP_FAILS(llmcs_shop_audit_append(shop, LLMCS_SHOP_AGENT, "a", "b", long_id, NULL), LLMCS_ARG, "object");
    SHOP_FAILS(llmcs_shop_audit_append(shop, LLMCS_SHOP_AGENT, "a", "b", "", "[1]"), LLMCS_ARG, "JSON object");
    SHOP_FAILS(llmcs_shop_audit_append(shop, LLMCS_SHOP_AGENT, "a", "b", "", "{"), LLMCS_ARG, "JSON object");
    SHOP_FAILS(llmcs_shop_audit_append(NULL, LLMCS_SHOP_AGENT, "a", "b", "", NULL), LLMCS_ARG, "shop is NULL");
    const llmcs_shop_audit_report r = verified(shop);
    ck_assert(r.intact && !r.n_rows);
    llmcs_shop_free(&shop);
}
END_TEST

START_TEST(a_transaction_that_fails_leaves_no_row) {
    shop_connection *c;
    llmcs_shop *shop = open_shop(path, LLMCS_SHOP_CREATE);
    append_rows(shop, 2);
    SHOP_OK(shop_write_begin(shop, &c));
    SHOP_OK(shop_audit_append(c, "agent", "a", "lost", "", NULL));
    ck_assert_int_eq(shop_write_end(shop, c, LLMCS_IO), LLMCS_IO);
    SHOP_OK(shop_write_begin(shop, &c));
    SHOP_OK(shop_audit_append(c, "agent", "a", "one", "", NULL));
    SHOP_OK(shop_audit_append(c, "agent", "a", "two", "", NULL));
    SHOP_OK(shop_write_end(shop, c, LLMCS_OK));
    const llmcs_shop_audit_report r = verified(shop);
    ck_assert_msg(r.intact, "%s", r.problem);
    ck_assert_uint_eq(r.n_rows, 4);
    llmcs_shop_free(&shop);
}
END_TEST

START_TEST(old_rows_leave_a_signed_anchor) {
    llmcs_shop_forgotten *report;
    llmcs_shop *shop = open_shop(path, LLMCS_SHOP_CREATE);
    append_rows(shop, 10);
    SHOP_OK(llmcs_shop_set_retention(shop, "audit", 30));
    SHOP_OK(llmcs_shop_apply_retention(shop, 0, NULL, &report));
    ck_assert_uint_eq(report->n_items, 0);
    llmcs_shop_forgotten_free(&report);
    SHOP_OK(llmcs_shop_apply_retention(shop, (int64_t)4e9, NULL, &report));
    ck_assert_uint_eq(report->n_items, 1);
    ck_assert_str_eq(report->items[0]->table, "audit");
    ck_assert_uint_eq(report->items[0]->n_rows, 10);
    llmcs_shop_forgotten_free(&report);
    append_rows(shop, 3);
    llmcs_shop_audit_report r = verified(shop);
    ck_assert_msg(r.intact, "%s", r.problem);
    ck_assert_int_eq(r.first_seq, 11);
    ck_assert_int_eq(r.last_seq, 14);
    llmcs_shop_free(&shop);
    shop_sql(path, "DELETE FROM audit WHERE seq = 11");
    shop = open_shop(path, 0);
    r = verified(shop);
    ck_assert(!r.intact && r.problem_seq == 11);
    llmcs_shop_free(&shop);
    shop_sql(path, "DELETE FROM audit_heads WHERE anchor");
    shop = open_shop(path, 0);
    ck_assert(!verified(shop).intact);
    llmcs_shop_free(&shop);
}
END_TEST

static void add(TCase *t) {
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, an_untouched_audit_is_intact);
    tcase_add_loop_test(t, every_change_is_found, 0, sizeof harms / sizeof *harms);
    tcase_add_test(t, rows_of_another_store_do_not_fit);
    tcase_add_test(t, a_head_kept_elsewhere_finds_a_tail_cut_with_its_heads);
    tcase_add_test(t, customers_stand_under_an_alias);
    tcase_add_test(t, only_short_ids_and_json_objects_are_taken);
    tcase_add_test(t, a_transaction_that_fails_leaves_no_row);
    tcase_add_test(t, old_rows_leave_a_signed_anchor);
}

SUITE_MAIN("shop/guard/audit", add)
