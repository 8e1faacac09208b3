/* Spelling: slips are mended, numbers and names stay, the store's words are known. */
#include <stdlib.h>

#include "shop/spelling/correct.h"
#include "shop/spelling/foreign.h"
#include "shop/spelling/spelling.h"
#include "shop/store/shop_case.h"

static char path[TEMP_PATH_BYTES + 16];

static void put_answer(llmcs_shop *shop, const char *id, const char *question, const char *answer) {
    const llmcs_shop_entry e = {
        .struct_size = sizeof e, .id = id, .lang = "en", .questions = &question, .n_questions = 1, .answer = answer};
    const llmcs_shop_entry *list[] = {&e};
    SHOP_OK(llmcs_shop_put_entries(shop, list, 1, NULL, NULL, NULL));
}

static llmcs_shop *make_shop(void) {
    static char folder[TEMP_PATH_BYTES];
    temp_folder(folder);
    snprintf(path, sizeof path, "%s/shop.db", folder);
    llmcs_shop *shop = open_shop(path, LLMCS_SHOP_CREATE);
    put_answer(shop, "ship", "How long does delivery of a parcel take?", "Two days.");
    return shop;
}

/* The text as it is read. */
static const char *read_as(llmcs_shop *shop, const char *text) {
    static char copy[8192];
    char *out;
    size_t n;
    SHOP_OK(shop_spelling_correct(shop, text, strlen(text), &out, &n));
    if (!out) return text;
    ck_assert_uint_eq(strlen(out), n);
    snprintf(copy, sizeof copy, "%s", out);
    shop_free(&shop->allocator, out);
    return copy;
}

START_TEST(slips_are_mended) {
    static const char *const cases[][2] = {
        {"wheres my parcle", "where is my parcel"},           /* letters transposed */
        {"is it comming tommorow", "is it coming tomorrow"},  /* doubled, and not */
        {"the lamp arived brokn", "the lamp arrived broken"}, /* left out */
        {"how do i wahs it", "how do i wash it"},             /* "was" is more frequent, but farther */
        {"teh delivary is late", "the delivery is late"},     /* three letters, a vowel */
        {"parcelsaysdelivered", "parcel says delivered"},     /* spaces */
        {"how doi use it", "how do i use it"},
        {"WHERES MY PARCLE", "where is MY parcel"},         /* shouted */
        {"Recieved it. Strnage!", "received it. strange!"}, /* at the start of a sentence */
        {"dosn't work", "doesn't work"},
        {"i cannae find youse", "i cannot find you"}, /* dialects and short forms */
        {"wrong addy on my acct", "wrong address on my account"},
        {"📦 parcle😩", "parcel  parcel"},
        {"my cup 💔💔", "my cup broken"},
        {"花瓶💔了", "花瓶 坏了了"},
        {"💳❌", "card not"},
        {"🚚❓", "delivery ?"},
        {"我的parcle呢", "我的parcel呢"},
    };
    llmcs_shop *shop = make_shop();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_str_eq(read_as(shop, cases[i][0]), cases[i][1]);
        ck_assert_str_eq(read_as(shop, cases[i][1]), cases[i][1]); /* once is enough */
    }
    llmcs_shop_free(&shop);
}
END_TEST

START_TEST(terms_with_a_character_of_the_same_sound_are_mended) {
    static const char *const cases[][2] = {
        {"快弟好几天没动", "快递好几天没动"},
        {"瑜珈垫多厚", "瑜伽垫多厚"},
        {"28寸的行礼箱", "28寸的行李箱"},
        {"有斜跨包吗", "有斜挎包吗"},
        {"退宽什么时候道账", "退款什么时候到账"},
        {"密马忘了", "密码忘了"},
        {"我的定单呢", "我的订单呢"},
        {"优会劵用不了", "优惠券用不了"},
        {"学生有冇优惠", "学生有没有优惠"},
        {"恁们这退货咋弄", "你们这退货咋弄"},
        {"我的定单parcle呢💔", "我的订单parcel呢 坏了"},
    };
    static const char *const stays[] = {"退或换都行", "只付了一半",   "手机分期", "原地只有一家", "你们店在哪",
                                        "收获很多",   "坦然克服",     "几分钟",   "很快第二天就", "怎么报修",
                                        "不发火",     "不过其他都好", "部门电话", "PL26050124"};
    llmcs_shop *shop = make_shop();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_str_eq(read_as(shop, cases[i][0]), cases[i][1]);
        ck_assert_str_eq(read_as(shop, cases[i][1]), cases[i][1]);
    }
    for (size_t i = 0; i < sizeof stays / sizeof *stays; i++) ck_assert_str_eq(read_as(shop, stays[i]), stays[i]);
    llmcs_shop_free(&shop);
}
END_TEST

START_TEST(what_is_no_slip_stays) {
    static const char *const texts[] = {
        "is there parking near the store", /* not "packing" */
        "do you deliver by drone",
        "order PL26O5O124 and pl2605", /* codes */
        "write to annna@shopp.example or http://shopp.example/retrun",
        "it is for Anja Parcle from Oslooo", /* capitals: names */
        "you've, don't, shop's",
        "wie lange dauert die lieferung", /* another language */
        "blorp fizzle wug zzkk",          /* none */
        "1234567890",
        "😡😡😡", /* a mood, and nothing else */
        "<PHONE_1> <NAME_2>",
        "",
    };
    llmcs_shop *shop = make_shop();
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) ck_assert_str_eq(read_as(shop, texts[i]), texts[i]);
    llmcs_shop_free(&shop);
}
END_TEST

START_TEST(words_of_the_store_are_known_at_once) {
    llmcs_shop *shop = make_shop();
    ck_assert_str_eq(read_as(shop, "do you sell zorbles"), "do you sell zorbles"); /* nothing is like it */
    ck_assert_str_eq(read_as(shop, "do you sell zorblse"), "do you sell zorblse");
    put_answer(shop, "toy", "What are zorbles?", "Zorbles are toys. Every zorbles is blue.");
    ck_assert_str_eq(read_as(shop, "do you sell zorblse"), "do you sell zorbles");
    /* A slip in an entry's question is none less. */
    put_answer(shop, "late", "my delivrey is late", "Sorry.");
    ck_assert_str_eq(read_as(shop, "my delivrey"), "my delivery");
    llmcs_shop_free(&shop);
}
END_TEST

static void put_product(llmcs_shop *shop, const char *title, long long stock) {
    const llmcs_shop_product_text text = {"en", title, NULL, NULL};
    const llmcs_shop_product p = {
        .struct_size = sizeof p, .id = "p", .price = 9, .stock = stock, .texts = &text, .n_texts = 1};
    const llmcs_shop_product *list[] = {&p};
    SHOP_OK(llmcs_shop_put_products(shop, list, 1, NULL, NULL, NULL));
}

/* A product that is written again and again, with each sale, does not become a more probable word. */
START_TEST(the_number_of_writes_does_not_matter) {
    llmcs_shop *shop = make_shop();
    put_product(shop, "Ordar ordar ordar ordar", 400);
    ck_assert_str_eq(read_as(shop, "where is my ordr"), "where is my order");
    for (long long stock = 400; stock > 0; stock--) {
        put_product(shop, "Ordar ordar ordar ordar", stock);
        ck_assert_str_eq(read_as(shop, "where is my ordr"), "where is my order");
    }
    ck_assert_str_eq(shop_value(path, "SELECT count(*) || '/' || max(row) FROM product_texts"), "1/1");
    put_product(shop, "Zorbles", 3);
    ck_assert_str_eq(read_as(shop, "do you sell zorblse"), "do you sell zorbles");
    llmcs_shop_free(&shop);
}
END_TEST

START_TEST(a_question_finds_its_entry_in_spite_of_slips) {
    llmcs_shop *shop = make_shop();
    llmcs_shop_answer *answer;
    put_answer(shop, "gift", "Do you wrap presents?", "Yes.");
    SHOP_OK(llmcs_shop_ask(shop, "hwo long dose delivary of a parcle taek", LLMCS_NUL, NULL, &answer));
    ck_assert_uint_gt(answer->n_candidates, 0);
    ck_assert_str_eq(answer->candidates[0]->id, "ship");
    ck_assert_double_gt(answer->candidates[0]->probability, 0.2);
    llmcs_shop_answer_free(&answer);
    llmcs_shop_free(&shop);
}
END_TEST

START_TEST(other_languages_are_noticed) {
    static const char *const foreign[] = {"Wie lange dauert die Lieferung?",
                                          "Où est ma commande ?",
                                          "¿Dónde está mi pedido?",
                                          "Preciso de ajuda com meu pedido",
                                          "где мой заказ",
                                          "注文をキャンセルしたいです",
                                          "배송 조회",
                                          "هل تشحنون"};
    static const char *const not_foreign[] = {
        "how long does it take", "la lamp is nice", "运费多少", "café crème mug", "", "is it for my mum or my nan"};
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        ck_assert_msg(shop_is_foreign(foreign[i], strlen(foreign[i])), "%s", foreign[i]);
    for (size_t i = 0; i < sizeof not_foreign / sizeof *not_foreign; i++)
        ck_assert_msg(!shop_is_foreign(not_foreign[i], strlen(not_foreign[i])), "%s", not_foreign[i]);
}
END_TEST

/* Bytes of any kind: nothing is read past its end, and the result is read as itself. */
START_TEST(any_bytes) {
    llmcs_shop *shop = make_shop();
    uint64_t rng = 7;
    for (int round = 0; round < 3000; round++) {
        static const char alphabet[] =
            "aeinrtlpc  '.@\xe4\xbd\xa0\xf0\xff"
            "AZ09";
        char text[64];
        const size_t n = random_below(&rng, sizeof text);
        for (size_t i = 0; i < n; i++) text[i] = alphabet[random_below(&rng, sizeof alphabet - 1)];
        char *exact = malloc(n + !n), *out;
        size_t out_bytes;
        memcpy(exact, text, n);
        (void)shop_is_foreign(exact, n);
        SHOP_OK(shop_spelling_correct(shop, exact, n, &out, &out_bytes));
        if (out) ck_assert_uint_le(out_bytes, n * 12);
        shop_free(&shop->allocator, out);
        free(exact);
    }
    llmcs_shop_free(&shop);
}
END_TEST

START_TEST(every_allocation_may_fail) {
    fail_alloc counter;
    fail_alloc_init(&counter);
    const llmcs_allocator a = fail_alloc_get(&counter);
    for (long n = 0;; n++) {
        spell_words words;
        fail_alloc_init(&counter);
        counter.fail_at = n;
        const llmcs_status status = spell_words_init(&a, &words);
        if (!status) spell_words_free(&words);
        ck_assert_int_eq(counter.live, 0);
        if (!status) break;
        ck_assert_int_eq(status, LLMCS_NOMEM);
    }
}
END_TEST

static void add_tests(TCase *tests) {
    tcase_add_test(tests, slips_are_mended);
    tcase_add_test(tests, terms_with_a_character_of_the_same_sound_are_mended);
    tcase_add_test(tests, what_is_no_slip_stays);
    tcase_add_test(tests, words_of_the_store_are_known_at_once);
    tcase_add_test(tests, the_number_of_writes_does_not_matter);
    tcase_add_test(tests, a_question_finds_its_entry_in_spite_of_slips);
    tcase_add_test(tests, other_languages_are_noticed);
    tcase_add_test(tests, any_bytes);
    tcase_add_test(tests, every_allocation_may_fail);
}

SUITE_MAIN("shop/spelling", add_tests)
