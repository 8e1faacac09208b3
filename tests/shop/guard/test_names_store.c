/* Names that lie in a store's vault: they last, belong to their customer, and two that mask in one conversation agree.
 */
#include "guard_case.h"
#include "shop/guard/canary_case.h"

static llmcs_shop_guard *guard;

static void open_all(void) {
    setup();
    guard = guard_open(NULL, NULL);
}
static void close_all(void) {
    llmcs_shop_guard_free(&guard);
    teardown();
}

static llmcs_shop_names *names_of(llmcs_shop *shop, const char *customer, const char *conversation) {
    llmcs_shop_names *names = NULL;
    SHOP_OK(llmcs_shop_names_create(shop, customer, conversation, NULL, &names));
    return names;
}

static void check_mask(llmcs_shop_names *names, const char *text, const char *masked) {
    llmcs_shop_masked *m = NULL;
    SHOP_OK(llmcs_shop_mask(guard, names, text, LLMCS_NUL, NULL, &m));
    ck_assert_str_eq(m->text, masked);
    llmcs_shop_masked_free(&m);
}

static void check_unmask(llmcs_shop_names *names, const char *text, const char *unmasked) {
    char out[400];
    size_t n;
    SHOP_OK(llmcs_shop_unmask(names, text, LLMCS_NUL, out, sizeof out, &n));
    ck_assert_str_eq(out, unmasked);
}

START_TEST(names_last) {
    llmcs_shop *shop = open_shop(path, LLMCS_SHOP_CREATE);
    llmcs_shop_names *names = names_of(shop, "c1", "talk");
    check_mask(names, "13800138000, a@b.org <PHONE_9>", "<PHONE_1>, <EMAIL_1> <TEXT_1>");
    SHOP_OK(llmcs_shop_names_set(names, "NAME_4", "周雅琴", LLMCS_NUL));
    llmcs_shop_names_free(&names);
    llmcs_shop_free(&shop);
    ck_assert(!folder_holds("13800138000") && !folder_holds("a@b.org") && !folder_holds("周雅琴"));
    shop = open_shop(path, 0);
    names = names_of(shop, "c1", "talk");
    check_unmask(names, "<PHONE_1> <EMAIL_1> <TEXT_1> <NAME_4> <NAME_5>",
                 "13800138000 a@b.org <PHONE_9> 周雅琴 <NAME_5>");
    check_mask(names, "13900139000 and 13800138000", "<PHONE_2> and <PHONE_1>");
    llmcs_shop_names_free(&names);
    names = names_of(shop, "c1", "another talk");
    check_unmask(names, "<PHONE_1>", "<PHONE_1>");
    llmcs_shop_names_free(&names);
    names = names_of(shop, NULL, NULL);
    check_mask(names, "15900159000", "<PHONE_1>");
    llmcs_shop_names_free(&names);
    llmcs_shop_free(&shop);
}
END_TEST

/* Each has its own copy of the names; the second that masks finds its number taken and takes the next. */
START_TEST(two_mask_in_one_conversation) {
    llmcs_shop *one = open_shop(path, LLMCS_SHOP_CREATE), *two = open_shop(path, 0);
    llmcs_shop_names *a = names_of(one, "c1", "talk"), *b = names_of(two, "c1", "talk");
    check_mask(a, "13800138000", "<PHONE_1>");
    check_mask(b, "13900139000 13800138000", "<PHONE_2> <PHONE_1>");
    check_unmask(a, "<PHONE_1> <PHONE_2>", "13800138000 13900139000");
    SHOP_FAILS(llmcs_shop_names_set(a, "PHONE_2", "x", 1), LLMCS_ARG, "another value");
    check_mask(b, "a@b.org", "<EMAIL_1>");
    SHOP_FAILS(llmcs_shop_names_set(a, "EMAIL_1", "x@y.z", LLMCS_NUL), LLMCS_BUSY, "another process");
    check_unmask(a, "<EMAIL_1>", "a@b.org");
    llmcs_shop_names_free(&a);
    llmcs_shop_names_free(&b);
    llmcs_shop_free(&one);
    llmcs_shop_free(&two);
}
END_TEST

START_TEST(values_that_are_too_long_become_several) {
    enum { N = 10000 };
    char *text = malloc(N + 1);
    llmcs_shop *shop = open_shop(path, LLMCS_SHOP_CREATE);
    llmcs_shop_names *names = names_of(shop, "c1", "talk");
    llmcs_shop_masked *m = NULL;
    ck_assert_ptr_nonnull(text);
    memset(text, 'a', N);
    memcpy(text, "https://shop.example/?token=", 28);
    SHOP_OK(llmcs_shop_mask(guard, names, text, N, NULL, &m));
    ck_assert_str_eq(m->text, "<LINK_1><LINK_2><LINK_3>");
    check_masked(text, N, m, names);
    llmcs_shop_masked_free(&m);
    llmcs_shop_names_free(&names);
    llmcs_shop_free(&shop);
    free(text);
}
END_TEST

START_TEST(a_store_that_cannot_keep_names) {
    llmcs_shop *shop = open_shop(path, LLMCS_SHOP_CREATE);
    llmcs_shop_names *names = NULL;
    llmcs_shop_masked *m = NULL;
    llmcs_shop_free(&shop);
    shop = open_shop(path, LLMCS_SHOP_READ_ONLY);
    names = names_of(shop, "c1", "talk");
    SHOP_FAILS(llmcs_shop_mask(guard, names, "13800138000", LLMCS_NUL, NULL, &m), LLMCS_STATE, "READ_ONLY");
    ck_assert_ptr_null(m);
    check_mask(names, "nothing to hide", "nothing to hide");
    llmcs_shop_names_free(&names);
    SHOP_FAILS(llmcs_shop_names_create(shop, "", "talk", NULL, &names), LLMCS_ARG, "customer");
    llmcs_shop_free(&shop);
}
END_TEST

static void add(TCase *t) {
    tcase_add_checked_fixture(t, open_all, close_all);
    tcase_add_test(t, names_last);
    tcase_add_test(t, two_mask_in_one_conversation);
    tcase_add_test(t, values_that_are_too_long_become_several);
    tcase_add_test(t, a_store_that_cannot_keep_names);
}

SUITE_MAIN("shop/guard/names_store", add)
