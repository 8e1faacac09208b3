/* Masking as a whole: the round trip of random texts, names, long texts, misuse, every allocation failing, threads. */
#include <pthread.h>

#include "guard_case.h"
#include "support/fail_alloc.h"
#include "support/random.h"

static llmcs_shop_guard *guard;

static void open_guard(void) { guard = guard_open("PL[0-9]{8}", NULL); }
static void close_guard(void) { llmcs_shop_guard_free(&guard); }

static llmcs_shop_names *new_names(void) {
    llmcs_shop_names *names = NULL;
    ck_assert(!llmcs_shop_names_create(NULL, NULL, NULL, NULL, &names));
    return names;
}

/* Pieces that texts are put together from: personal data, placeholders, halves of either, bytes of no character. */
static const char *const pieces[] = {"13800138000",
                                     "138-0013-8000",
                                     "一三八零零一三八零零零",
                                     "<PHONE_1>",
                                     "<TEXT_1>",
                                     "<NAME_12>",
                                     "<PHONE_",
                                     "1>",
                                     "<",
                                     ">",
                                     "_1",
                                     "PHONE_1",
                                     "我叫王小明",
                                     "北京市海淀区中关村大街27号",
                                     "11010519491231002X",
                                     "4111 1111 1111 1111",
                                     "a.b@c.org",
                                     "https://x.example/?token=abc",
                                     "PL26061908",
                                     "订单号：",
                                     "12345678",
                                     " ",
                                     "，",
                                     "。",
                                     "\n",
                                     "京A12345",
                                     "GB82WEST12345698765432",
                                     "my name is Ann Lee",
                                     "12 Baker Street",
                                     "\xff",
                                     "\xe4\xb8",
                                     "\xe2\x80\x8b",
                                     "㍿",
                                     "１３８",
                                     "<ORDER_999999999>",
                                     "<ORDER_1000000000>",
                                     "<ORDER_01>",
                                     "先生",
                                     "+86",
                                     "e\xcc\x81",
                                     "0",
                                     "x",
                                     "-",
                                     "."};

static size_t random_text(uint64_t *seed, char *out, size_t most) {
    size_t n = 0;
    const size_t count = random_below(seed, 14);
    for (size_t i = 0; i < count; i++) {
        const char *piece = pieces[random_below(seed, sizeof pieces / sizeof *pieces)];
        if (n + strlen(piece) > most) break;
        memcpy(out + n, piece, strlen(piece));
        n += strlen(piece);
    }
    return n;
}

START_TEST(round_trip_of_random_texts) {
    uint64_t seed = 20261130;
    llmcs_shop_names *names = new_names();
    for (int i = 0; i < 20000 / (int)suite_step(10); i++) {
        char text[400];
        const size_t n = random_text(&seed, text, sizeof text);
        llmcs_shop_masked *m = NULL;
        ck_assert_msg(!llmcs_shop_mask(guard, names, text, n, NULL, &m), "%s", llmcs_error_message());
        check_masked(text, n, m, names);
        /* What is masked once holds no personal data: masking it again changes the placeholders alone. */
        llmcs_shop_masked *again = NULL;
        ck_assert(!llmcs_shop_mask(guard, names, m->text, m->text_bytes, NULL, &again));
        check_masked(m->text, m->text_bytes, again, names);
        llmcs_shop_masked_free(&again);
        llmcs_shop_masked_free(&m);
        if (i % 500 == 0) {
            llmcs_shop_names_free(&names);
            names = new_names();
        }
    }
    llmcs_shop_names_free(&names);
}
END_TEST

START_TEST(one_name_for_one_value) {
    llmcs_shop_names *names = new_names();
    llmcs_shop_masked *m = NULL;
    char out[100];
    size_t n;
    ck_assert(!llmcs_shop_mask(guard, names, "13800138000 PL26061908", LLMCS_NUL, NULL, &m));
    ck_assert_str_eq(m->text, "<PHONE_1> <ORDER_1>");
    llmcs_shop_masked_free(&m);
    ck_assert(!llmcs_shop_mask(guard, names, "13900139000, 13800138000", LLMCS_NUL, NULL, &m));
    ck_assert_str_eq(m->text, "<PHONE_2>, <PHONE_1>");
    llmcs_shop_masked_free(&m);
    ck_assert(!llmcs_shop_unmask(names, "Shall I call <PHONE_2> or <PHONE_3>?", LLMCS_NUL, out, sizeof out, &n));
    ck_assert_str_eq(out, "Shall I call 13900139000 or <PHONE_3>?");
    ck_assert_uint_eq(llmcs_shop_names_count(names), 3);
    const char *value;
    ck_assert_str_eq(llmcs_shop_names_get(names, 1, &value, &n), "ORDER_1");
    ck_assert_str_eq(value, "PL26061908");
    ck_assert_ptr_null(llmcs_shop_names_get(names, 3, &value, &n));
    ck_assert_int_eq(llmcs_shop_unmask(names, "<PHONE_1>", LLMCS_NUL, out, 11, &n), LLMCS_BUFFER);
    ck_assert_uint_eq(n, 11);
    ck_assert_int_eq(llmcs_shop_unmask(names, "<PHONE_1>", LLMCS_NUL, NULL, 0, &n), LLMCS_BUFFER);
    ck_assert_int_eq(llmcs_shop_names_set(names, "PHONE_1", "x", 1), LLMCS_ARG);
    ck_assert_int_eq(llmcs_shop_names_set(names, "PHONE_1", "13800138000", LLMCS_NUL), LLMCS_OK);
    ck_assert_int_eq(llmcs_shop_names_set(names, "PHONE_01", "x", 1), LLMCS_ARG);
    ck_assert_int_eq(llmcs_shop_names_set(names, "PHONE_1x", "x", 1), LLMCS_ARG);
    ck_assert_int_eq(llmcs_shop_names_set(names, "FOO_1", "x", 1), LLMCS_ARG);
    ck_assert_int_eq(llmcs_shop_names_set(names, "PHONE_7", "77", 2), LLMCS_OK);
    ck_assert(!llmcs_shop_mask(guard, names, "15900159000", LLMCS_NUL, NULL, &m));
    ck_assert_str_eq(m->text, "<PHONE_8>");
    llmcs_shop_masked_free(&m);
    llmcs_shop_names_free(&names);
    llmcs_shop_names_free(&names);
}
END_TEST

START_TEST(kinds_and_places) {
    llmcs_shop_mask_params p;
    llmcs_shop_masked *m = NULL;
    llmcs_shop_mask_params_init(&p);
    p.kinds = 1u << LLMCS_PII_EMAIL;
    ck_assert(!llmcs_shop_mask(guard, NULL, "a@b.org 13800138000 <NAME_1>", LLMCS_NUL, &p, &m));
    ck_assert_str_eq(m->text, "<EMAIL_1> 13800138000 <TEXT_1>");
    ck_assert_uint_eq(m->n_spans, 1);
    ck_assert_int_eq(m->spans[0]->kind, LLMCS_PII_EMAIL);
    llmcs_shop_masked_free(&m);
    llmcs_shop_mask_params_init(&p);
    p.flags = LLMCS_SHOP_MASK_KEEP_PLACES;
    ck_assert(!llmcs_shop_mask(guard, NULL, "从浙江省杭州市寄到北京市海淀区学院路1号", LLMCS_NUL, &p, &m));
    ck_assert_str_eq(m->text, "从浙江省杭州市寄到<ADDRESS_1>");
    llmcs_shop_masked_free(&m);
    for (int k = 0; k <= LLMCS_PII_COMPANY_ID; k++) ck_assert_ptr_nonnull(llmcs_shop_pii_name((llmcs_shop_pii)k));
    ck_assert_ptr_null(llmcs_shop_pii_name((llmcs_shop_pii)11));
}
END_TEST

/* A text of several parts: nothing is lost or split where they meet. */
START_TEST(long_texts) {
    const size_t capacity = 1 << 20;
    char *text = malloc(capacity);
    ck_assert_ptr_nonnull(text);
    uint64_t seed = 20261131;
    static const char *const separators[] = {"\n", " ", "", "，"};
    for (size_t s = 0; s < 4; s++) {
        size_t n = 0, n_phones = 0;
        while (n < 300000) {
            const char *word = random_below(&seed, 3) ? "文字 text" : "13800138000";
            const bool phone = *word == '1' && n && (text[n - 1] < '0' || text[n - 1] > '9');
            if (*word == '1' && !phone) continue;
            n_phones += phone;
            n += (size_t)sprintf(text + n, "%s%s%s", word, *separators[s] || phone ? "" : "。", separators[s]);
            if (phone && !*separators[s]) n += (size_t)sprintf(text + n, "，");
        }
        llmcs_shop_names *names = new_names();
        llmcs_shop_masked *m = NULL;
        ck_assert(!llmcs_shop_mask(guard, names, text, n, NULL, &m));
        check_masked(text, n, m, names);
        /* A phone between a letter and its end is not one; all others are. */
        if (s < 2 || s == 3) ck_assert_uint_eq(m->n_spans, n_phones);
        llmcs_shop_masked_free(&m);
        llmcs_shop_names_free(&names);
    }
    /* One part without any place to cut, and one of placeholders alone. */
    memset(text, '1', 200000);
    llmcs_shop_masked *m = NULL;
    ck_assert(!llmcs_shop_mask(guard, NULL, text, 200000, NULL, &m));
    ck_assert_uint_eq(m->text_bytes, 200000);
    llmcs_shop_masked_free(&m);
    for (size_t i = 0; i < 200000; i += 9) memcpy(text + i, "<PHONE_1>", 9);
    llmcs_shop_names *names = new_names();
    ck_assert(!llmcs_shop_mask(guard, names, text, 199998, NULL, &m));
    check_masked(text, 199998, m, names);
    ck_assert_uint_eq(llmcs_shop_names_count(names), 1);
    llmcs_shop_masked_free(&m);
    llmcs_shop_names_free(&names);
    free(text);
}
END_TEST

START_TEST(misuse) {
    llmcs_shop_guard *g = NULL;
    llmcs_shop_guard_options o;
    llmcs_shop_masked *m = NULL;
    llmcs_shop_mask_params p;
    llmcs_shop_guard_options_init(&o);
    o.order_pattern = "PL[0-9";
    ck_assert_int_eq(llmcs_shop_guard_create(&o, &g), LLMCS_ARG);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "order_pattern: character 6"));
    o.order_pattern = "[0-9]*";
    ck_assert_int_eq(llmcs_shop_guard_create(&o, &g), LLMCS_ARG);
    o.order_pattern = "((a{1,1000}){1,1000}){1,100}";
    ck_assert_int_eq(llmcs_shop_guard_create(&o, &g), LLMCS_ARG);
    o.order_pattern = NULL;
    o.tagger_path = "/nonexistent";
    ck_assert_int_eq(llmcs_shop_guard_create(&o, &g), LLMCS_IO);
    ck_assert_ptr_null(g);
    ck_assert_int_eq(llmcs_shop_guard_create(NULL, NULL), LLMCS_ARG);
    ck_assert_int_eq(llmcs_shop_mask(NULL, NULL, "x", 1, NULL, &m), LLMCS_ARG);
    ck_assert_int_eq(llmcs_shop_mask(guard, NULL, NULL, 1, NULL, &m), LLMCS_ARG);
    ck_assert_int_eq(llmcs_shop_mask(guard, NULL, "x", 1, NULL, NULL), LLMCS_ARG);
    llmcs_shop_mask_params_init(&p);
    p.flags = 0x80;
    ck_assert_int_eq(llmcs_shop_mask(guard, NULL, "x", 1, &p, &m), LLMCS_ARG);
    ck_assert_int_eq(llmcs_shop_mask(guard, NULL, NULL, 0, NULL, &m), LLMCS_OK);
    ck_assert_str_eq(m->text, "");
    llmcs_shop_masked_free(&m);
    llmcs_shop_masked_free(NULL);
    llmcs_shop_guard_free(NULL);
    /* A pattern that takes too long is refused on that text, and no half of a result is returned. */
    g = guard_open("(a+)+[0-9]{2}", NULL);
    ck_assert_int_eq(
        llmcs_shop_mask(g, NULL, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1c", LLMCS_NUL, NULL, &m),
        LLMCS_LIMIT);
    ck_assert_ptr_null(m);
    llmcs_shop_guard_free(&g);
}
END_TEST

START_TEST(every_allocation_fails) {
    static const char text[] = "我叫王小明，PL26061908，13800138000，a@b.org <NAME_1> 北京市海淀区学院路1号";
    fail_alloc f;
    for (long at = 0;; at++) {
        llmcs_shop_guard *g = NULL;
        llmcs_shop_names *names = NULL;
        llmcs_shop_masked *m = NULL;
        llmcs_shop_guard_options o;
        char back[200];
        size_t n;
        fail_alloc_init(&f);
        const llmcs_allocator a = fail_alloc_get(&f);
        f.fail_at = at;
        llmcs_shop_guard_options_init(&o);
        o.allocator = &a;
        o.order_pattern = "PL[0-9]{8}";
        llmcs_status status = llmcs_shop_guard_create(&o, &g);
        if (!status) status = llmcs_shop_names_create(NULL, NULL, NULL, &a, &names);
        if (!status) status = llmcs_shop_mask(g, names, text, LLMCS_NUL, NULL, &m);
        if (status) {
            ck_assert_msg(status == LLMCS_NOMEM, "allocation %ld: %s", at, llmcs_error_message());
            ck_assert_ptr_null(m);
        } else {
            ck_assert(!llmcs_shop_unmask(names, m->text, m->text_bytes, back, sizeof back, &n));
            ck_assert_str_eq(back, text);
        }
        llmcs_shop_masked_free(&m);
        llmcs_shop_names_free(&names);
        llmcs_shop_guard_free(&g);
        ck_assert_int_eq(f.live, 0);
        if (!status) break;
    }
}
END_TEST

static void *mask_many(void *seed_of_thread) {
    uint64_t seed = *(uint64_t *)seed_of_thread;
    llmcs_shop_names *names = NULL;
    if (llmcs_shop_names_create(NULL, NULL, NULL, NULL, &names)) return "names_create";
    for (int i = 0; i < 300; i++) {
        char text[400], back[401];
        size_t n_back;
        const size_t n = random_text(&seed, text, sizeof text);
        llmcs_shop_masked *m = NULL;
        if (llmcs_shop_mask(guard, names, text, n, NULL, &m)) return "mask";
        if (llmcs_shop_unmask(names, m->text, m->text_bytes, back, sizeof back, &n_back) || n_back != n ||
            memcmp(back, text, n) != 0)
            return "unmask";
        llmcs_shop_masked_free(&m);
    }
    llmcs_shop_names_free(&names);
    return NULL;
}

START_TEST(threads_share_a_guard) {
    pthread_t threads[4];
    uint64_t seeds[4] = {1, 2, 3, 4};
    for (int i = 0; i < 4; i++) ck_assert(!pthread_create(&threads[i], NULL, mask_many, &seeds[i]));
    for (int i = 0; i < 4; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        ck_assert_msg(!failed, "%s", (const char *)failed);
    }
}
END_TEST

static void add(TCase *t) {
    printf("shop/guard/mask: seeds 20261130, 20261131\n");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, open_guard, close_guard);
    tcase_add_test(t, round_trip_of_random_texts);
    tcase_add_test(t, one_name_for_one_value);
    tcase_add_test(t, kinds_and_places);
    tcase_add_test(t, long_texts);
    tcase_add_test(t, misuse);
    tcase_add_test(t, every_allocation_fails);
    tcase_add_test(t, threads_share_a_guard);
}

SUITE_MAIN("shop/guard/mask", add)
