/* The vault: values come back, only for their customer; the key file; damaged rows; every failing allocation. */
#include <sys/stat.h>
#include <unistd.h>

#include "shop/guard/canary_case.h"
#include "shop/guard/keys.h"

#define PHONE "138-0013-8000"
#define NAME "王小明-canary"

START_TEST(values_come_back_and_lie_encrypted) {
    char out[256];
    llmcs_shop *shop = open_shop(path, LLMCS_SHOP_CREATE);
    SHOP_OK(vault_put(shop, "c1", "conv1", "PHONE_1", PHONE));
    SHOP_OK(vault_put(shop, "c1", "conv1", "NAME_1", NAME));
    SHOP_OK(vault_put(shop, "c1", "conv1", "PHONE_1", PHONE)); /* the same again */
    SHOP_OK(vault_put(shop, NULL, "conv2", "NAME_1", NAME));
    SHOP_FAILS(vault_put(shop, "c1", "conv1", "PHONE_1", "another"), LLMCS_BUSY, "PHONE_1");
    SHOP_FAILS(vault_put(shop, "c2", "conv1", "PHONE_1", PHONE), LLMCS_STATE, "another customer");
    SHOP_OK(vault_load(shop, "c1", "conv1", out));
    ck_assert_str_eq(out, "NAME_1=" NAME ";PHONE_1=" PHONE ";");
    SHOP_OK(vault_load(shop, NULL, "conv2", out));
    ck_assert_str_eq(out, "NAME_1=" NAME ";");
    SHOP_OK(vault_load(shop, "c2", "conv1", out));
    ck_assert_str_eq(out, "");
    ck_assert(!folder_holds(PHONE) && !folder_holds(NAME));
    llmcs_shop_free(&shop);
    ck_assert(!folder_holds(PHONE) && !folder_holds(NAME));
    shop = open_shop(path, LLMCS_SHOP_READ_ONLY);
    SHOP_OK(vault_load(shop, "c1", "conv1", out));
    ck_assert_str_eq(out, "NAME_1=" NAME ";PHONE_1=" PHONE ";");
    llmcs_shop_free(&shop);
}
END_TEST

START_TEST(lengths_are_padded_and_bounded) {
    char long_value[SHOP_VALUE_BYTES + 2], out[SHOP_VALUE_BYTES + 64];
    memset(long_value, 'x', sizeof long_value);
    llmcs_shop *shop = open_shop(path, LLMCS_SHOP_CREATE);
    SHOP_OK(vault_put(shop, "c1", "a", "N_1", "1"));
    SHOP_OK(vault_put(shop, "c1", "a", "N_2", "1234567890123456789012345678"));
    ck_assert_str_eq(shop_value(path, "SELECT count(DISTINCT length(sealed)) FROM names"), "1");
    long_value[SHOP_VALUE_BYTES] = 0;
    SHOP_OK(vault_put(shop, "c1", "b", "N_1", long_value));
    SHOP_OK(vault_load(shop, "c1", "b", out));
    ck_assert_uint_eq(strlen(out), SHOP_VALUE_BYTES + strlen("N_1=;"));
    long_value[SHOP_VALUE_BYTES] = 'x';
    long_value[SHOP_VALUE_BYTES + 1] = 0;
    SHOP_FAILS(vault_put(shop, "c1", "b", "N_2", long_value), LLMCS_LIMIT, "4096");
    SHOP_FAILS(vault_put(shop, "c1", "b", "N_2", ""), LLMCS_LIMIT, "0 bytes");
    llmcs_shop_free(&shop);
}
END_TEST

START_TEST(moved_and_changed_rows_do_not_open) {
    char out[256];
    static const char *const harms[] = {
        "UPDATE names SET sealed = zeroblob(length(sealed))",
        "UPDATE names SET sealed = substr(sealed, 1, 40)",
        "UPDATE names SET conversation = 'conv9' WHERE name = 'PHONE_1'",
        "UPDATE names SET name = 'PHONE_2'",
        "UPDATE keys SET wrapped = zeroblob(72)",
        "UPDATE keys SET wrapped = x'00'",
        "UPDATE names SET name = printf('%.5000c', 'x')",
    };
    for (size_t i = 0; i < sizeof harms / sizeof *harms; i++) {
        llmcs_shop *shop = open_shop(path, LLMCS_SHOP_CREATE);
        SHOP_OK(vault_put(shop, "c1", "conv1", "PHONE_1", PHONE));
        llmcs_shop_free(&shop);
        shop_sql(path, harms[i]);
        shop = open_shop(path, 0);
        const llmcs_status status = vault_load(shop, "c1", i == 2 ? "conv9" : "conv1", out);
        ck_assert_msg(status == LLMCS_FORMAT || status == LLMCS_ARG, "%s: %s", harms[i], llmcs_error_message());
        ck_assert(!strstr(llmcs_error_message(), PHONE));
        llmcs_shop_free(&shop);
        unlink(path);
        unlink(key_path);
    }
}
END_TEST

START_TEST(the_key_file_is_for_its_owner_alone) {
    char out[256];
    struct stat st;
    llmcs_shop *shop = open_shop(path, LLMCS_SHOP_CREATE);
    ck_assert_int_ne(stat(key_path, &st), 0); /* none until it is needed */
    SHOP_OK(vault_put(shop, "c1", "conv1", "PHONE_1", PHONE));
    ck_assert_int_eq(stat(key_path, &st), 0);
    ck_assert_int_eq(st.st_mode & 0777, 0600);
    llmcs_shop_free(&shop);

    ck_assert_int_eq(chmod(key_path, 0644), 0);
    shop = open_shop(path, 0);
    SHOP_FAILS(vault_load(shop, "c1", "conv1", out), LLMCS_IO, "chmod 600");
    ck_assert_int_eq(chmod(key_path, 0600), 0);
    SHOP_OK(vault_load(shop, "c1", "conv1", out));
    llmcs_shop_free(&shop);

    char aside[sizeof key_path + 8];
    snprintf(aside, sizeof aside, "%s.aside", key_path);
    ck_assert_int_eq(rename(key_path, aside), 0);
    shop = open_shop(path, 0);
    SHOP_FAILS(vault_load(shop, "c1", "conv1", out), LLMCS_STATE, "restore it from a backup");
    /* No other key is made while values lie under this one. */
    SHOP_FAILS(vault_put(shop, "c1", "conv1", "PHONE_2", PHONE), LLMCS_STATE, "restore it from a backup");
    ck_assert_int_ne(stat(key_path, &st), 0);
    temp_write_text(folder, "shop.db.key", "llmcs-shop key 1\n");
    ck_assert_int_eq(chmod(key_path, 0600), 0);
    SHOP_FAILS(vault_load(shop, "c1", "conv1", out), LLMCS_FORMAT, "17 bytes");
    temp_write_text(folder, "shop.db.key",
                    "llmcs-shop key 1\n00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n");
    SHOP_FAILS(vault_load(shop, "c1", "conv1", out), LLMCS_STATE, "not the key");
    ck_assert_int_eq(rename(aside, key_path), 0);
    SHOP_OK(vault_load(shop, "c1", "conv1", out));
    llmcs_shop_free(&shop);
}
END_TEST

START_TEST(the_host_may_give_the_key) {
    char out[256];
    uint8_t master[32];
    struct stat st;
    llmcs_shop *shop = NULL;
    llmcs_shop_options o;
    for (size_t i = 0; i < sizeof master; i++) master[i] = (uint8_t)(7 * i);
    llmcs_shop_options_init(&o);
    o.flags = LLMCS_SHOP_CREATE;
    o.master_key = master;
    SHOP_OK(llmcs_shop_open(path, &o, &shop));
    SHOP_OK(vault_put(shop, "c1", "conv1", "PHONE_1", PHONE));
    llmcs_shop_free(&shop);
    ck_assert_int_ne(stat(key_path, &st), 0);
    SHOP_OK(llmcs_shop_open(path, &o, &shop));
    SHOP_OK(vault_load(shop, "c1", "conv1", out));
    ck_assert_str_eq(out, "PHONE_1=" PHONE ";");
    llmcs_shop_free(&shop);
    master[0] ^= 1;
    SHOP_OK(llmcs_shop_open(path, &o, &shop));
    SHOP_FAILS(vault_load(shop, "c1", "conv1", out), LLMCS_STATE, "master_key: not the key");
    llmcs_shop_free(&shop);
}
END_TEST

START_TEST(a_put_that_was_rolled_back_leaves_a_usable_key) {
    char out[256];
    shop_connection *c;
    llmcs_shop *shop = open_shop(path, LLMCS_SHOP_CREATE);
    SHOP_OK(shop_write_begin(shop, &c));
    SHOP_OK(shop_vault_put(shop, c, "c1", "conv1", "PHONE_1", PHONE, strlen(PHONE)));
    ck_assert_int_eq(shop_write_end(shop, c, LLMCS_CANCELLED), LLMCS_CANCELLED);
    SHOP_OK(vault_load(shop, "c1", "conv1", out));
    ck_assert_str_eq(out, "");
    SHOP_OK(vault_put(shop, "c1", "conv1", "PHONE_1", PHONE));
    llmcs_shop_free(&shop);
    shop = open_shop(path, 0);
    SHOP_OK(vault_load(shop, "c1", "conv1", out));
    ck_assert_str_eq(out, "PHONE_1=" PHONE ";");
    llmcs_shop_free(&shop);
}
END_TEST

START_TEST(every_allocation_can_fail) {
    bool fired = true;
    for (long n = 0; fired; n++) {
        char out[256];
        fail_alloc counter;
        llmcs_shop_options o;
        llmcs_shop *shop = NULL;
        fail_alloc_init(&counter);
        const llmcs_allocator a = fail_alloc_get(&counter);
        llmcs_shop_options_init(&o);
        o.flags = LLMCS_SHOP_CREATE;
        o.allocator = &a;
        counter.fail_at = n;
        llmcs_status status = llmcs_shop_open(path, &o, &shop);
        if (!status) status = vault_put(shop, "c1", "conv1", "PHONE_1", PHONE);
        if (!status) status = vault_load(shop, "c1", "conv1", out);
        llmcs_shop_forgotten *report = NULL;
        if (!status) status = llmcs_shop_forget(shop, "c1", NULL, &report);
        llmcs_shop_forgotten_free(&report);
        llmcs_shop_free(&shop);
        fired = counter.calls > n;
        ck_assert_msg(!status || (fired && status == LLMCS_NOMEM), "%ld: %s %s", n, llmcs_status_name(status),
                      llmcs_error_message());
        ck_assert_int_eq(counter.live, 0);
    }
}
END_TEST

static void add(TCase *t) {
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, values_come_back_and_lie_encrypted);
    tcase_add_test(t, lengths_are_padded_and_bounded);
    tcase_add_test(t, moved_and_changed_rows_do_not_open);
    tcase_add_test(t, the_key_file_is_for_its_owner_alone);
    tcase_add_test(t, the_host_may_give_the_key);
    tcase_add_test(t, a_put_that_was_rolled_back_leaves_a_usable_key);
    tcase_add_test(t, every_allocation_can_fail);
}

SUITE_MAIN("shop/guard/vault", add)
