/* The store: open, refuse, migrate, put records, share between threads and processes. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

/* ---- open */

START_TEST(a_store_is_created_closed_and_opened) {
    llmcs_shop *shop = NULL;
    SHOP_FAILS(try_open_shop(path, 0, &shop), LLMCS_IO, "shop.db");
    ck_assert_ptr_null(shop);
    shop = open_shop(path, LLMCS_SHOP_CREATE);
    ck_assert_int_eq(shop_info(shop).schema_version, shop_n_migrations);
    llmcs_shop_free(&shop);
    ck_assert_ptr_null(shop);
    llmcs_shop_free(&shop);
    shop = open_shop(path, LLMCS_SHOP_CHECK);
    llmcs_shop_free(&shop);
    shop = open_shop(path, LLMCS_SHOP_READ_ONLY);
    SHOP_FAILS(llmcs_shop_set_setting(shop, "a", "b"), LLMCS_STATE, "READ_ONLY");
    llmcs_shop_free(&shop);
    ck_assert_str_eq(shop_value(path, "PRAGMA journal_mode"), "wal");
    ck_assert_str_eq(shop_value(path, "PRAGMA application_id"), "1280070472");
}
END_TEST

START_TEST(arguments_that_are_not_valid) {
    llmcs_shop *shop = NULL;
    llmcs_shop_options o;
    llmcs_shop_options_init(&o);
    SHOP_FAILS(llmcs_shop_open(NULL, NULL, &shop), LLMCS_ARG, "path is NULL");
    SHOP_FAILS(llmcs_shop_open("", NULL, &shop), LLMCS_ARG, "path is empty");
    SHOP_FAILS(llmcs_shop_open(path, NULL, NULL), LLMCS_ARG, "shop is NULL");
    o.flags = 0x80;
    SHOP_FAILS(llmcs_shop_open(path, &o, &shop), LLMCS_ARG, "flags: 0x80");
    o.flags = LLMCS_SHOP_CREATE | LLMCS_SHOP_READ_ONLY;
    SHOP_FAILS(llmcs_shop_open(path, &o, &shop), LLMCS_ARG, "exclude");
    o.flags = LLMCS_SHOP_CREATE, o.n_readers = 65;
    SHOP_FAILS(llmcs_shop_open(path, &o, &shop), LLMCS_ARG, "n_readers: 65 is not valid (1 to 64)");
    o.n_readers = 1, o.busy_ms = -1;
    SHOP_FAILS(llmcs_shop_open(path, &o, &shop), LLMCS_ARG, "busy_ms");
    o.busy_ms = 0, o.struct_size = 8;
    SHOP_FAILS(llmcs_shop_open(path, &o, &shop), LLMCS_ARG, "struct_size");
    SHOP_FAILS(llmcs_shop_get_info(NULL, NULL), LLMCS_ARG, "shop is NULL");
    SHOP_FAILS(llmcs_shop_put_products(NULL, NULL, 0, NULL, NULL, NULL), LLMCS_ARG, "shop is NULL");
    ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

static void write_sql(const char *sql) {
    unlink(path);
    shop_sql(path, sql);
}

START_TEST(files_that_are_no_stores_are_refused_with_the_offset) {
    llmcs_shop *shop = NULL;
    const uint32_t flags = LLMCS_SHOP_CREATE;
    temp_write_text(folder, "shop.db",
                    "id,question\n1,Where is my parcel? and so on, long enough to be a header of a "
                    "file...............................");
    SHOP_FAILS(try_open_shop(path, flags, &shop), LLMCS_FORMAT, "byte 0");
    temp_write_text(folder, "shop.db", "short");
    SHOP_FAILS(try_open_shop(path, flags, &shop), LLMCS_FORMAT, "byte 0");
    write_sql("CREATE TABLE t(x); INSERT INTO t VALUES(1)");
    SHOP_FAILS(try_open_shop(path, flags, &shop), LLMCS_FORMAT, "byte 68: application_id is 0x00000000");
    ck_assert_str_eq(shop_value(path, "SELECT x FROM t"), "1");
    write_sql("PRAGMA application_id = 1280070472; PRAGMA user_version = 99; CREATE TABLE t(x)");
    SHOP_FAILS(try_open_shop(path, flags, &shop), LLMCS_UNSUPPORTED, "byte 60: the store has version 99");
    write_sql("PRAGMA application_id = 1280070472; CREATE TABLE t(x)");
    SHOP_FAILS(try_open_shop(path, flags, &shop), LLMCS_FORMAT, "version 0");
    write_sql("PRAGMA application_id = 1280070472; PRAGMA user_version = 1; CREATE TABLE t(x)");
    SHOP_FAILS(try_open_shop(path, flags, &shop), LLMCS_FORMAT, "missing");
    temp_write_text(folder, "shop.db", "");
    SHOP_FAILS(try_open_shop(path, 0, &shop), LLMCS_FORMAT, "empty");
    SHOP_FAILS(try_open_shop(folder, flags, &shop), LLMCS_IO, folder);
}
END_TEST

START_TEST(a_schema_of_somebody_else_is_refused) {
    static const char *const hostile[] = {
        "CREATE TRIGGER t AFTER INSERT ON products BEGIN DELETE FROM orders; END",
        "CREATE VIEW v AS SELECT * FROM products",
        "CREATE TABLE extra(x)",
        "CREATE INDEX mine ON products(hex(id))",
        "DROP TABLE customers",
        "DROP INDEX events_product",
        "DROP TABLE customers; CREATE TABLE customers(row INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,"
        " name TEXT, lang TEXT, since INTEGER CHECK(since > 0))",
        "DROP TABLE text_words",
        "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = 'CREATE TABLE customers(x)' WHERE name = "
        "'customers'",
    };
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        llmcs_shop *shop;
        unlink(path);
        shop = open_shop(path, LLMCS_SHOP_CREATE);
        llmcs_shop_free(&shop);
        shop_sql(path, hostile[i]);
        ck_assert_msg(try_open_shop(path, 0, &shop) == LLMCS_FORMAT, "%s: %s", hostile[i], llmcs_error_message());
        ck_assert_msg(try_open_shop(path, LLMCS_SHOP_READ_ONLY, &shop) == LLMCS_FORMAT, "%s", hostile[i]);
    }
}
END_TEST

START_TEST(older_stores_are_migrated_with_what_they_hold) {
    for (int version = 1; version < shop_n_migrations; version++) {
        shop_connection c;
        llmcs_shop *shop = NULL;
        unlink(path);
        SHOP_OK(shop_connection_open(&c, path, SHOP_ACCESS_CREATE, 0));
        SHOP_OK(shop_schema_migrate(&c, shop_migrations, version));
        shop_connection_close(&c);
        shop_sql(path, "INSERT INTO customers(id, name) VALUES('c1', '王芳')");
        SHOP_FAILS(try_open_shop(path, LLMCS_SHOP_READ_ONLY, &shop), LLMCS_UNSUPPORTED, "open it once");
        shop = open_shop(path, 0);
        ck_assert_int_eq(shop_info(shop).schema_version, shop_n_migrations);
        ck_assert_uint_eq(shop_info(shop).n_customers, 1);
        llmcs_shop_free(&shop);
        ck_assert_str_eq(shop_value(path, "SELECT name FROM customers"), "王芳");
    }
}
END_TEST

START_TEST(a_migration_that_fails_leaves_the_old_store) {
    const shop_migration broken[] = {shop_migrations[0], {"broken", "CREATE TABLE later(x); CREATE TABLE later(y)"}};
    shop_connection c;
    SHOP_OK(shop_connection_open(&c, path, SHOP_ACCESS_CREATE, 0));
    SHOP_OK(shop_schema_migrate(&c, shop_migrations, 1));
    SHOP_FAILS(shop_schema_migrate(&c, broken, 2), LLMCS_FORMAT, "later");
    SHOP_OK(shop_schema_check(&c, shop_migrations, 1));
    shop_connection_close(&c);
    ck_assert_str_eq(shop_value(path, "PRAGMA user_version"), "1");
    llmcs_shop *shop = open_shop(path, 0);
    llmcs_shop_free(&shop);
}
END_TEST

/* ---- records */

START_TEST(products_in_two_languages) {
    const llmcs_shop_product_text texts[] = {{"en", "Rain jacket", "Keeps you dry.", "{\"colour\":\"black\"}"},
                                             {"zh", "雨衣", NULL, "{\"颜色\":\"黑色\"}"}};
    const char *const tags[] = {"new", "say \"hi\"\\"};
    llmcs_shop_product p = simple_product("p1", texts);
    p.n_texts = 2, p.tags = tags, p.n_tags = 2, p.category = "clothes";
    const llmcs_shop_product *list[] = {&p};
    size_t n = 0;
    llmcs_shop *shop = open_shop(path, LLMCS_SHOP_CREATE);
    SHOP_OK(llmcs_shop_put_products(shop, list, 1, NULL, NULL, &n));
    ck_assert_uint_eq(n, 1);
    p.price = 12.25, p.stock = -1, p.n_texts = 1;
    SHOP_OK(llmcs_shop_put_products(shop, list, 1, NULL, NULL, &n));
    ck_assert_uint_eq(shop_info(shop).n_products, 1);
    llmcs_shop_free(&shop);
    ck_assert_str_eq(
        shop_value(path, "SELECT price || ' ' || ifnull(stock, 'unknown') || ' ' || category FROM products"),
        "12.25 unknown clothes");
    ck_assert_str_eq(shop_value(path, "SELECT group_concat(lang || title) FROM product_texts"), "enRain jacket");
    ck_assert_str_eq(shop_value(path, "SELECT value FROM products, json_each(tags) WHERE key = 1"), "say \"hi\"\\");
    ck_assert_str_eq(shop_value(path, "SELECT changed FROM products"), "2");
}
END_TEST

START_TEST(refused_rows_are_named_and_the_others_stored) {
    const llmcs_shop_product_text good = {"en", "Lamp", NULL, NULL}, empty = {"en", "", NULL, NULL},
                                  no_json = {"en", "Lamp", NULL, "colour: black"},
                                  list_json = {"en", "Lamp", NULL, "[1]"}, no_lang = {"e n", "Lamp", NULL, NULL},
                                  no_utf8 = {"en", "L\xff", NULL, NULL},
                                  twice[] = {{"en", "Lamp", NULL, NULL}, {"en", "Lamp", NULL, NULL}};
    char long_id[300];
    memset(long_id, 'x', sizeof long_id);
    long_id[299] = 0;
    llmcs_shop_product rows[12];
    const llmcs_shop_product *list[13];
    for (size_t i = 0; i < 12; i++) rows[i] = simple_product("p", &good), list[i] = &rows[i];
    list[12] = NULL;
    rows[1].id = NULL, rows[2].id = long_id, rows[3].texts = &empty, rows[4].price = -1, rows[5].price = (double)NAN;
    rows[6].texts = &no_json, rows[7].texts = &list_json, rows[8].texts = &no_lang, rows[9].texts = &no_utf8;
    rows[10].texts = twice, rows[10].n_texts = 2, rows[11].struct_size = 0;
    refusal_text why = {""};
    size_t n = 9;
    llmcs_shop *shop = open_shop(path, LLMCS_SHOP_CREATE);
    SHOP_OK(llmcs_shop_put_products(shop, list, 13, keep_refusal, &why, &n));
    ck_assert_uint_eq(n, 1);
    ck_assert_str_eq(why.text,
                     "1 ARG id is missing\n"
                     "2 ARG id has more than 200 bytes\n"
                     "3 ARG title is empty\n"
                     "4 ARG price: -1 is not valid (0 to 1e15)\n"
                     "5 ARG price: NaN is not valid (0 to 1e15)\n"
                     "6 ARG attributes: \"colour: black\" is not a JSON object\n"
                     "7 ARG attributes: \"[1]\" is not a JSON object\n"
                     "8 ARG lang: \"e n\" is not a language tag such as \"en\", \"zh\" or \"pt-BR\"\n"
                     "9 ARG title: byte 1 is not UTF-8\n"
                     "10 ARG lang: \"en\" occurs twice\n"
                     "11 ARG llmcs_shop_product.struct_size is 0, expected sizeof(llmcs_shop_product), at least 88: "
                     "initialise it first\n"
                     "12 ARG product is NULL\n");
    llmcs_shop_free(&shop);
}
END_TEST

START_TEST(customers_events_and_orders) {
    const llmcs_shop_product_text text = {"", "灯", NULL, NULL};
    const llmcs_shop_product p = simple_product("p1", &text), *products[] = {&p};
    const llmcs_shop_customer c = {sizeof c, "c1", "李雷", "zh", 1700000000}, *customers[] = {&c};
    const llmcs_shop_event bought = {sizeof bought, "c1", "p1", "buy", 1700000001},
                           seen = {sizeof seen, "c2", "p1", "view", 1700000002},
                           unknown = {sizeof unknown, "c1", "p9", "view", 1700000003},
                           *events[] = {&bought, &seen, &bought, &unknown};
    const llmcs_shop_order_item items[] = {{"p1", 2, 9.5}, {"gone", 1, 1}};
    llmcs_shop_order o = {.struct_size = sizeof o,
                          .id = "o1",
                          .customer = "c3",
                          .status = "paid",
                          .time = 1700000004,
                          .items = items,
                          .n_items = 2,
                          .total = -1,
                          .city = "上海"};
    const llmcs_shop_order *orders[] = {&o};
    refusal_text why = {""};
    size_t n;
    llmcs_shop *shop = open_shop(path, LLMCS_SHOP_CREATE);
    SHOP_OK(llmcs_shop_put_products(shop, products, 1, NULL, NULL, NULL));
    SHOP_OK(llmcs_shop_put_customers(shop, customers, 1, NULL, NULL, &n));
    SHOP_OK(llmcs_shop_put_events(shop, events, 4, keep_refusal, &why, &n));
    ck_assert_uint_eq(n, 3);
    ck_assert_str_eq(why.text, "3 ARG item: \"p9\" is not a product in the store: add products first\n");
    SHOP_OK(llmcs_shop_put_orders(shop, orders, 1, NULL, NULL, &n));
    o.status = "shipped", o.n_items = 1;
    SHOP_OK(llmcs_shop_put_orders(shop, orders, 1, NULL, NULL, &n));
    const llmcs_shop_info info = shop_info(shop);
    ck_assert_uint_eq(info.n_customers, 3);
    ck_assert_uint_eq(info.n_events, 2);
    ck_assert_uint_eq(info.n_orders, 1);
    llmcs_shop_free(&shop);
    ck_assert_str_eq(shop_value(path, "SELECT status || total || city FROM orders"), "shipped19.0上海");
    ck_assert_str_eq(shop_value(path, "SELECT group_concat(item || quantity) FROM order_items"), "p12");
}
END_TEST

START_TEST(settings) {
    llmcs_shop *shop = open_shop(path, LLMCS_SHOP_CREATE);
    char value[8];
    size_t n;
    SHOP_OK(llmcs_shop_get_setting(shop, "greeting", value, sizeof value, &n));
    ck_assert_str_eq(value, "");
    SHOP_OK(llmcs_shop_set_setting(shop, "greeting", "你好"));
    SHOP_OK(llmcs_shop_get_setting(shop, "greeting", value, sizeof value, &n));
    ck_assert_str_eq(value, "你好");
    ck_assert_uint_eq(n, 6);
    ck_assert_int_eq(llmcs_shop_get_setting(shop, "greeting", value, 6, &n), LLMCS_BUFFER);
    ck_assert_int_eq(llmcs_shop_get_setting(shop, "greeting", NULL, 0, &n), LLMCS_BUFFER);
    ck_assert_uint_eq(n, 6);
    SHOP_OK(llmcs_shop_set_setting(shop, "greeting", NULL));
    SHOP_OK(llmcs_shop_get_setting(shop, "greeting", value, sizeof value, &n));
    ck_assert_uint_eq(n, 0);
    SHOP_FAILS(llmcs_shop_set_setting(shop, "llmcs.changes", "7"), LLMCS_ARG, "can be set only by the library");
    SHOP_FAILS(llmcs_shop_set_setting(shop, "a", "\x01"), LLMCS_ARG, "byte 0 is a control character");
    llmcs_shop_free(&shop);
}
END_TEST

/* A name stands in logs, audits and lists, where a line end would forge a line. Texts may have line ends. */
START_TEST(names_have_no_control_characters) {
    static const char *const bad[] = {"a\nb",  "a\r",         "\tb",           "a\x1b[2J",
                                      "a\x7f", "a\xc2\x85-b", "a\xe2\x80\xa8", "\xe2\x80\xa9"};
    static const char *const good[] = {"a b", "a\xc2\xa0-b", "\xe9\x99\x88 \xe4\xb8\xbd", "\xe2\x80\xa6", "\xc3\x85sa"};
    llmcs_shop *shop = open_shop(path, LLMCS_SHOP_CREATE);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        SHOP_FAILS(llmcs_shop_set_setting(shop, bad[i], "x"), LLMCS_ARG, "is a control character");
        const llmcs_shop_customer c = {.struct_size = sizeof c, .id = bad[i]};
        const llmcs_shop_customer *customers[] = {&c};
        refusal_text why = {""};
        size_t n;
        SHOP_OK(llmcs_shop_put_customers(shop, customers, 1, keep_refusal, &why, &n));
        ck_assert_uint_eq(n, 0);
        ck_assert_msg(strstr(why.text, "is a control character") != NULL, "%s", why.text);
    }
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        SHOP_OK(llmcs_shop_set_setting(shop, good[i], "two\nlines"));
    llmcs_shop_free(&shop);
}
END_TEST

/* ---- others write, too */

START_TEST(another_process_that_writes_makes_a_call_busy) {
    sqlite3 *other;
    llmcs_shop *shop = open_shop(path, LLMCS_SHOP_CREATE);
    ck_assert_int_eq(sqlite3_open(path, &other), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    SHOP_FAILS(llmcs_shop_set_setting(shop, "a", "b"), LLMCS_BUSY, "locked");
    shop_info(shop); /* readers go on */
    ck_assert_int_eq(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    SHOP_OK(llmcs_shop_set_setting(shop, "a", "b"));
    sqlite3_close(other);
    llmcs_shop_free(&shop);
}
END_TEST

START_TEST(a_thread_that_writes_makes_others_busy_and_readers_see_a_snapshot) {
    shop_connection *writer, *reader;
    int64_t n;
    llmcs_shop *shop = open_shop(path, LLMCS_SHOP_CREATE);
    SHOP_OK(shop_write_begin(shop, &writer));
    SHOP_FAILS(llmcs_shop_set_setting(shop, "a", "b"), LLMCS_BUSY, "another thread");
    SHOP_OK(shop_change(writer, "INSERT INTO customers(id) VALUES(?1)", "s", "c1"));
    SHOP_OK(shop_read_begin(shop, &reader));
    SHOP_OK(shop_lookup_int(reader, -1, &n, "SELECT count(*) FROM customers", ""));
    ck_assert_int_eq(n, 0);
    SHOP_OK(shop_write_end(shop, writer, LLMCS_OK));
    SHOP_OK(shop_lookup_int(reader, -1, &n, "SELECT count(*) FROM customers", ""));
    ck_assert_int_eq(n, 0);
    shop_read_end(shop, reader);
    ck_assert_uint_eq(shop_info(shop).n_customers, 1);
    SHOP_OK(shop_write_begin(shop, &writer));
    SHOP_OK(shop_change(writer, "INSERT INTO customers(id) VALUES(?1)", "s", "c2"));
    ck_assert_int_eq(shop_write_end(shop, writer, LLMCS_ARG), LLMCS_ARG);
    ck_assert_uint_eq(shop_info(shop).n_customers, 1);
    llmcs_shop_free(&shop);
}
END_TEST

START_TEST(readers_wait_for_each_other) {
    shop_connection *readers[8], *one_more;
    llmcs_shop *shop = open_shop(path, LLMCS_SHOP_CREATE);
    for (int i = 0; i < 8; i++) SHOP_OK(shop_read_begin(shop, &readers[i]));
    SHOP_FAILS(shop_read_begin(shop, &one_more), LLMCS_BUSY, "readers");
    shop_read_end(shop, readers[3]);
    SHOP_OK(shop_read_begin(shop, &one_more));
    ck_assert_ptr_eq(one_more, readers[3]);
    for (int i = 0; i < 8; i++) shop_read_end(shop, readers[i]);
    llmcs_shop_free(&shop);
}
END_TEST

START_TEST(a_store_that_is_open_is_not_used_by_children) {
    if (suite_emulated(NULL)) {
        suite_skip("a store that is open", "threads after fork are not those of the emulator");
        return;
    }
    llmcs_shop *shop = open_shop(path, LLMCS_SHOP_CREATE), *other = NULL;
    SHOP_OK(try_open_shop(path, 0, &other)); /* twice in a process is fine */
    const pid_t child = fork();
    if (!child) {
        char elsewhere[sizeof path + 8];
        llmcs_shop_info info = {.struct_size = sizeof info};
        llmcs_shop *own = NULL;
        bool good = llmcs_shop_get_info(shop, &info) == LLMCS_FORK &&
                    llmcs_shop_set_setting(shop, "a", "b") == LLMCS_FORK && try_open_shop(path, 0, &own) == LLMCS_FORK;
        llmcs_shop_free(&shop);
        good = good && try_open_shop(path, LLMCS_SHOP_READ_ONLY, &own) == LLMCS_FORK;
        snprintf(elsewhere, sizeof elsewhere, "%s.2", path);
        good = good && !try_open_shop(elsewhere, LLMCS_SHOP_CREATE, &own) && !llmcs_shop_set_setting(own, "a", "b");
        llmcs_shop_free(&own);
        if (!good) fprintf(stderr, "child: %s\n", llmcs_error_message());
        _exit(good ? 0 : 1);
    }
    int code;
    ck_assert_int_eq(waitpid(child, &code, 0), child);
    ck_assert_int_eq(code, 0);
    SHOP_OK(llmcs_shop_set_setting(shop, "a", "parent"));
    llmcs_shop_free(&other);
    llmcs_shop_free(&shop);
    const pid_t later = fork(); /* the parent has closed it */
    if (!later) {
        llmcs_shop *own = NULL;
        const bool good = !try_open_shop(path, 0, &own) && !llmcs_shop_set_setting(own, "a", "child");
        llmcs_shop_free(&own);
        _exit(good ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(later, &code, 0), later);
    ck_assert_int_eq(code, 0);
    ck_assert_str_eq(shop_value(path, "SELECT value FROM settings WHERE key = 'a'"), "child");
}
END_TEST

/* The header's page is in the log until a checkpoint. */
START_TEST(a_store_in_use_is_opened_by_another_process) {
    llmcs_shop *shop = open_shop(path, LLMCS_SHOP_CREATE);
    SHOP_OK(llmcs_shop_set_setting(shop, "a", "b"));
    ck_assert_str_eq(shop_value(path, "SELECT value FROM settings WHERE key = 'a'"), "b");
    char command[sizeof path + 64];
    snprintf(command, sizeof command, "test \"$(sqlite3 %s 'PRAGMA user_version')\" = %d", path, shop_n_migrations);
    if (!system("command -v sqlite3 >/dev/null")) ck_assert_int_eq(system(command), 0);
    llmcs_shop *again = open_shop(path, 0);
    llmcs_shop_free(&again);
    llmcs_shop_free(&shop);
}
END_TEST

START_TEST(a_connection_string_that_is_too_long_is_refused) {
    char file[TEMP_PATH_BYTES + 16], given[TEMP_PATH_BYTES + 32];
    snprintf(file, sizeof file, "%s/conninfo", folder);
    snprintf(given, sizeof given, "file:%s", file);
    FILE *f = fopen(file, "w");
    ck_assert_ptr_nonnull(f);
    fputs("host=127.0.0.1 port=1 application_name=", f);
    for (int i = 0; i < 1024; i++) fputc('x', f);
    ck_assert_int_eq(fclose(f), 0);
    ck_assert_int_eq(chmod(file, 0600), 0);
    llmcs_shop *shop = NULL;
    llmcs_shop_options o;
    llmcs_shop_options_init(&o);
    o.flags = LLMCS_SHOP_CREATE;
    o.postgres = given;
    SHOP_FAILS(llmcs_shop_open(path, &o, &shop), LLMCS_LIMIT, "more than 1024 bytes");
    ck_assert_ptr_null(shop);
}
END_TEST

static void add(TCase *t) {
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_store_is_created_closed_and_opened);
    tcase_add_test(t, arguments_that_are_not_valid);
    tcase_add_test(t, files_that_are_no_stores_are_refused_with_the_offset);
    tcase_add_test(t, a_schema_of_somebody_else_is_refused);
    tcase_add_test(t, older_stores_are_migrated_with_what_they_hold);
    tcase_add_test(t, a_migration_that_fails_leaves_the_old_store);
    tcase_add_test(t, products_in_two_languages);
    tcase_add_test(t, refused_rows_are_named_and_the_others_stored);
    tcase_add_test(t, customers_events_and_orders);
    tcase_add_test(t, settings);
    tcase_add_test(t, names_have_no_control_characters);
    tcase_add_test(t, another_process_that_writes_makes_a_call_busy);
    tcase_add_test(t, a_thread_that_writes_makes_others_busy_and_readers_see_a_snapshot);
    tcase_add_test(t, readers_wait_for_each_other);
    tcase_add_test(t, a_store_that_is_open_is_not_used_by_children);
    tcase_add_test(t, a_store_in_use_is_opened_by_another_process);
    tcase_add_test(t, a_connection_string_that_is_too_long_is_refused);
}

SUITE_MAIN("shop/store/store", add)
