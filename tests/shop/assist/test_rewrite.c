/* Rewriting by rules: what changes, what must not, in both languages. */
#include <stdio.h>
#include <stdlib.h>

#include "shop/assist/protect.h"
#include "shop/store/shop_case.h"

static llmcs_shop_rewritten *rewrite(const char *text, llmcs_shop_style style, const char *lang) {
    llmcs_shop_rewritten *r = NULL;
    SHOP_OK(llmcs_shop_rewrite(NULL, text, LLMCS_NUL, style, lang, &r));
    ck_assert_uint_eq(strlen(r->text), r->text_bytes);
    ck_assert_int_eq(r->changed, strcmp(r->text, text) != 0);
    ck_assert_int_eq(r->by_model, 0);
    return r;
}

static const struct {
    llmcs_shop_style style;
    const char *text, *expected;
} cases[] = {
    {LLMCS_STYLE_POLITER, "You must send it back within 14 days. We can't refund the shipping of $5.90.",
     "Thank you for your message. We kindly ask you to send it back within 14 days. Unfortunately, we cannot refund "
     "the "
     "shipping of $5.90. Please let us know if we can help with anything else."},
    {LLMCS_STYLE_POLITER, "Send the parcel to \"Return centre, send us 3\" and wait for the refund",
     "Thank you for your message. Please send the parcel to \"Return centre, send us 3\" and wait for the refund. "
     "Please "
     "let us know if we can help with anything else."},
    {LLMCS_STYLE_POLITER, "Hello! Your order PL26050123 is on its way. Please contact us if it does not arrive.",
     "Hello! Your order PL26050123 is on its way. Please contact us if it does not arrive."},
    {LLMCS_STYLE_POLITER, "No refund after 30 days. Calm down.",
     "Thank you for your message. No refund after 30 days. We understand that this is frustrating. Please let us know "
     "if "
     "we "
     "can help with anything else."},
    {LLMCS_STYLE_POLITER, "你必须在7天内寄回。不能退运费12.5元。",
     "您好，请您在7天内寄回。很抱歉，不能退运费12.5元。如有其他问题，请随时告诉我们。"},
    {LLMCS_STYLE_POLITER, "告诉我订单号<ORDER_1>，你们的地址没写",
     "您好，请告诉我订单号<ORDER_1>，你们的地址没写。如有其他问题，请随时告诉我们。"},
    {LLMCS_STYLE_POLITER, "您好，已经发货，三天内到。有问题随时找我们。",
     "您好，已经发货，三天内到。有问题随时找我们。"},
    {LLMCS_STYLE_SHORTER,
     "Thank you for contacting us! Please note that your order PL26050123 was shipped on 2026-11-12. In order to track "
     "it, "
     "open https://track.example/a?id=7. We hope this helps. Please do not hesitate to ask. Have a nice day!",
     "Your order PL26050123 was shipped on 2026-11-12. To track it, open https://track.example/a?id=7."},
    {LLMCS_STYLE_SHORTER, "Thank you for your order of 2 mugs. The mugs are on their way. The mugs are on their way.",
     "Thank you for your order of 2 mugs. The mugs are on their way."},
    {LLMCS_STYLE_SHORTER, "Thank you for your message.", "Thank you for your message."},
    {LLMCS_STYLE_SHORTER, "亲，您好，请注意，退款会在3到5个工作日内到账，运费8元不退的话，请谅解。祝您购物愉快！",
     "退款会在3到5个工作日内到账，运费8元不退，请谅解。"},
    {LLMCS_STYLE_SHORTER, "非常抱歉，包裹丢了。麻烦您提供<ADDRESS_1>。包裹丢了。包裹丢了。如有其他问题请联系我们。",
     "抱歉，包裹丢了。请您提供<ADDRESS_1>。包裹丢了。"},
    {LLMCS_STYLE_SHORTER, "感谢您购买3件商品。", "感谢您购买3件商品。"},
    {LLMCS_STYLE_POLITER, "", ""},
    {LLMCS_STYLE_SHORTER, " \n", " \n"},
};

START_TEST(texts_become_politer_or_shorter) {
    llmcs_shop_rewritten *r = rewrite(cases[_i].text, cases[_i].style, NULL);
    ck_assert_str_eq(r->text, cases[_i].expected);
    llmcs_shop_rewritten *again = rewrite(r->text, cases[_i].style, NULL);
    ck_assert_str_eq(again->text, r->text); /* twice is once */
    llmcs_shop_rewritten_free(&again);
    llmcs_shop_rewritten_free(&r);
}
END_TEST

/* ---- what must stay */

static const char *const parts[] = {
    "14 days",         "$5.90",       "¥1,299.00",    "PL26050123", "https://a.example/x?y=1",
    "<PHONE_1>",       "a@b.example", "２０２６年",   "三天",       "12:30",
    "\"You must go\"", "「你必须」",  "50 %",         "two weeks",  "400-820-8820",
    "3.5kg",           "第二件半价",  "《退货说明》", "A-17",       "twice"};
static const char *const phrases[] = {"You must pay ",
                                      "Thank you for ",
                                      "we can't take ",
                                      "Please note that ",
                                      "really ",
                                      "你必须付",
                                      "感谢您",
                                      "不能用",
                                      "请注意，",
                                      "非常",
                                      "Send us ",
                                      "actually, ",
                                      "祝您",
                                      "I hope ",
                                      "如有疑问",
                                      "in order to get ",
                                      "If you have any questions "};
static const char *const ends[] = {". ", "。", "! ", "\n", ", ", "，", " "};

START_TEST(numbers_links_and_names_stay) {
    uint64_t seed = 20261129;
    for (int i = 0; i < 3000 / (int)suite_step(10); i++) {
        char text[2048] = "";
        const size_t n = 1 + random_below(&seed, 8);
        for (size_t k = 0; k < n; k++) {
            strcat(text, phrases[random_below(&seed, sizeof phrases / sizeof *phrases)]);
            if (random_below(&seed, 4)) strcat(text, parts[random_below(&seed, sizeof parts / sizeof *parts)]);
            strcat(text, ends[random_below(&seed, sizeof ends / sizeof *ends)]);
        }
        for (int style = 0; style < 2; style++) {
            const char *lang = i % 2 ? "zh" : "en";
            llmcs_shop_rewritten *r = rewrite(text, (llmcs_shop_style)style, lang);
            ck_assert_msg(shop_keeps_protected(text, strlen(text), r->text, r->text_bytes), "\"%s\" became \"%s\"",
                          text, r->text);
            if (style == LLMCS_STYLE_SHORTER) ck_assert_uint_le(r->text_bytes, strlen(text));
            llmcs_shop_rewritten *again = rewrite(r->text, (llmcs_shop_style)style, lang);
            ck_assert_msg(!strcmp(again->text, r->text), "\"%s\", \"%s\", \"%s\"", text, r->text, again->text);
            llmcs_shop_rewritten_free(&again);
            llmcs_shop_rewritten_free(&r);
        }
    }
}
END_TEST

START_TEST(changed_parts_are_seen) {
    static const char *const pairs[][2] = {{"14 days", "15 days"},
                                           {"$5.90", "$5.9"},
                                           {"within two weeks", "within three weeks"},
                                           {"三天内", "四天内"},
                                           {"see a@b.example", "see it"},
                                           {"<NAME_1> and <NAME_2>", "<NAME_2> and <NAME_1>"},
                                           {"https://a.example", "https://b.example"},
                                           {"\"so\"", "so"},
                                           {"２元", "３元"},
                                           {"no number", "1 number"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        const size_t n = strlen(pairs[i][0]);
        ck_assert_msg(!shop_keeps_protected(pairs[i][0], n, pairs[i][1], strlen(pairs[i][1])), "%s", pairs[i][0]);
        ck_assert(shop_keeps_protected(pairs[i][0], n, pairs[i][0], n));
    }
    ck_assert(!shop_has_protected("Thank you for your patience.", 28));
    ck_assert(shop_has_protected("Thank you for your 2 orders.", 28));
}
END_TEST

/* ---- hostile texts, memory */

START_TEST(any_bytes_take_linear_time) {
    static const char *const units[] = {"a. ", "you must ", "\"",     "<",    "<A_1>",          "1",
                                        "一",  "不能。",    "非常",   "\xff", "\xe4\xbd",       "you 1. ",
                                        "“",   "https://",  ". . . ", "\n\n", "Thank you for. "};
    char *text = temp_alloc(65538);
    for (size_t u = 0; u < sizeof units / sizeof *units; u++) {
        size_t n = 0;
        const size_t m = strlen(units[u]);
        for (; n + m <= 65536; n += m) memcpy(text + n, units[u], m);
        text[n] = 0;
        for (int style = 0; style < 2; style++) {
            llmcs_shop_rewritten *r = NULL;
            const double begin = suite_cpu_seconds();
            SHOP_OK(llmcs_shop_rewrite(NULL, text, n, (llmcs_shop_style)style, u % 2 ? "zh" : "en", &r));
            ck_assert_msg(suite_cpu_seconds() - begin < (suite_sanitized() ? 40 : 4), "%s", units[u]);
            llmcs_shop_rewritten_free(&r);
        }
    }
    llmcs_shop_rewritten *r = NULL;
    SHOP_FAILS(llmcs_shop_rewrite(NULL, text, 65537, LLMCS_STYLE_POLITER, NULL, &r), LLMCS_LIMIT, "65537 bytes");
    SHOP_FAILS(llmcs_shop_rewrite(NULL, NULL, 0, LLMCS_STYLE_POLITER, NULL, &r), LLMCS_ARG, "NULL");
    SHOP_FAILS(llmcs_shop_rewrite(NULL, "a", 1, (llmcs_shop_style)2, NULL, &r), LLMCS_ARG, "style: 2");
    SHOP_FAILS(llmcs_shop_rewrite(NULL, "a", 1, LLMCS_STYLE_POLITER, "!", &r), LLMCS_ARG, "lang");
    free(text);
}
END_TEST

START_TEST(each_allocation_can_fail) {
    llmcs_status status = LLMCS_NOMEM;
    for (long n = 0; status; n++) {
        fail_alloc counter;
        llmcs_shop_assistant_options o;
        llmcs_shop_assistant *assistant = NULL;
        llmcs_shop_rewritten *r = NULL;
        fail_alloc_init(&counter);
        const llmcs_allocator a = fail_alloc_get(&counter);
        counter.fail_at = n;
        llmcs_shop_assistant_options_init(&o);
        o.allocator = &a;
        status = llmcs_shop_assistant_create(NULL, &o, &assistant);
        if (!status) status = llmcs_shop_rewrite(assistant, cases[0].text, LLMCS_NUL, LLMCS_STYLE_POLITER, NULL, &r);
        ck_assert(!status || status == LLMCS_NOMEM);
        llmcs_shop_rewritten_free(&r);
        llmcs_shop_assistant_free(&assistant);
        ck_assert_int_eq(counter.live, 0);
        ck_assert_int_lt(n, 60);
    }
}
END_TEST

static void add(TCase *t) {
    printf("shop/assist/rewrite: seed 20261129\n");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, texts_become_politer_or_shorter, 0, (int)(sizeof cases / sizeof *cases));
    tcase_add_test(t, numbers_links_and_names_stay);
    tcase_add_test(t, changed_parts_are_seen);
    tcase_add_test(t, any_bytes_take_linear_time);
    tcase_add_test(t, each_allocation_can_fail);
}

SUITE_MAIN("shop/assist/rewrite", add)
