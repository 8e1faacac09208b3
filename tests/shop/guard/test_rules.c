/* What the rules find and what they leave alone, kind by kind, in both languages. */
#include "guard_case.h"

static llmcs_shop_guard *rules;

START_TEST(phones) {
    CHECK_CASES(
        rules, {"请打13800138000联系我", "请打<PHONE_1>联系我"}, {"电话：138-0013-8000，谢谢", "电话：<PHONE_1>，谢谢"},
        {"138 0013 8000", "<PHONE_1>"}, {"+86 138 0013 8000", "<PHONE_1>"}, {"+8613800138000。", "<PHONE_1>。"},
        {"0086-13800138000", "<PHONE_1>"}, {"８６-１３８００１３８０００", "<PHONE_1>"},
        {"一三八零零一三八零零零", "<PHONE_1>"}, {"我的号是壹叁捌零零壹叁捌零零零", "我的号是<PHONE_1>"},
        {"1三8零0一三八000", "<PHONE_1>"}, {"13800138000一直打不通", "<PHONE_1>一直打不通"},
        {"1\xe2\x80\x8b"
         "3800138000",
         "<PHONE_1>"},
        {"1️⃣3️⃣8️⃣0️⃣0️⃣1️⃣3️⃣8️⃣0️⃣0️⃣0️⃣", "<PHONE_1>"},
        {"1-3-8-0-0-1-3-8-0-0-0", "<PHONE_1>"}, {"座机010-62345678转8001", "座机<PHONE_1>"},
        {"(010)62345678", "<PHONE_1>"}, {"0571 8888 6666", "<PHONE_1>"}, {"075586543210", "<PHONE_1>"},
        {"客服热线 400-810-1234", "客服热线 <PHONE_1>"}, {"№13800138000", "№<PHONE_1>"}, {"℡13800138000", "℡<PHONE_1>"},
        {"拨打4008101234", "拨打<PHONE_1>"}, {"call me at (415) 555-2671 please", "call me at <PHONE_1> please"},
        {"415-555-2671", "<PHONE_1>"}, {"+44 20 7946 0958", "<PHONE_1>"}, {"+1 (415) 555-2671 ext. 22!", "<PHONE_1>!"},
        {"+41 (0)62 585 51 90", "<PHONE_1>"}, {"01.84.17.61.18", "<PHONE_1>"},
        {"my phone number is 9472 7916", "my phone number is <PHONE_1>"},
        {"13800138000,13900139000", "<PHONE_1>,<PHONE_2>"}, {"13800138000 or 13800138000", "<PHONE_1> or <PHONE_1>"},
        {"Phone:\n51 516 33 75\n", "Phone:\n<PHONE_1>\n"}, {"+41 (0)69 979 80 58-Fax", "<PHONE_1>-Fax"});
}
END_TEST

START_TEST(what_is_no_phone) {
    static const char *const texts[] = {"一共13800138000元",
                                        "¥13800138000",
                                        "price 1,380,013,800",
                                        "12345678901",
                                        "14200138000",
                                        "138001380001",
                                        "A13800138000",
                                        "13800138000a",
                                        "2024-05-12 13:45",
                                        "12.05.2024",
                                        "20240512",
                                        "192.168.100.200",
                                        "call before 12/05/2024",
                                        "199.99",
                                        "PL26061908",
                                        "123-456-7890",
                                        "+999 1234 5678",
                                        "010-12345678",
                                        "0260-12345678",
                                        "0.13800138000",
                                        "ISBN 9787111128069",
                                        "SKU-13800138000",
                                        "买2件共399元，满300减50",
                                        "it costs $1,299.00 for 2",
                                        "2 x 4 = 8, 1000000 pcs",
                                        "二零二四年五月十二日",
                                        "尺码170/92A",
                                        "高1.75米",
                                        "NL06 ABNA 0650 5404 67",
                                        "420111199413113024",
                                        "6101131954052387321"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) ck_assert_str_eq(masked_text(rules, texts[i]), texts[i]);
}
END_TEST

START_TEST(identity_numbers) {
    CHECK_CASES(rules, {"身份证11010519491231002X", "身份证<ID_1>"},
                {"身份证号：11010519491231002x。", "身份证号：<ID_1>。"}, {"110105 19491231 002X", "<ID_1>"},
                {"110105194912310021", "110105194912310021"}, {"990105194912310021", "990105194912310021"},
                {"1110105194912310021", "1110105194912310021"}, {"SSN 219-09-9999", "SSN <ID_1>"},
                {"000-12-3456", "000-12-3456"}, {"666-12-3456", "666-12-3456"}, {"A123456(3)", "<ID_1>"},
                {"A123456(4)", "A123456(4)"}, {"护照号码：E12345678", "护照号码：<ID_1>"},
                {"my passport number is C01X00T47", "my passport number is <ID_1>"});
}
END_TEST

START_TEST(cards_and_accounts) {
    CHECK_CASES(rules, {"卡号4111111111111111", "卡号<CARD_1>"}, {"4111 1111 1111 1111", "<CARD_1>"},
                {"4111-1111-1111-1111", "<CARD_1>"}, {"3782 822463 10005", "<CARD_1>"},
                {"4111111111111112", "4111111111111112"}, {"9111111111111111", "9111111111111111"},
                {"411111111111111", "411111111111111"}, {"GB82WEST12345698765432", "<IBAN_1>"},
                {"IBAN: DE89 3704 0044 0532 0130 00.", "IBAN: <IBAN_1>."}, {"gb82 west 1234 5698 7654 32", "<IBAN_1>"},
                {"GB83WEST12345698765432", "GB83WEST12345698765432"},
                {"XX82WEST12345698765432", "XX82WEST12345698765432"}, {"税号91350100M000100Y43", "税号<COMPANY_ID_1>"},
                {"91350100M000100Y44", "91350100M000100Y44"});
}
END_TEST

START_TEST(mail_and_links) {
    CHECK_CASES(
        rules, {"邮箱zhang.san@qq.com可以", "邮箱<EMAIL_1>可以"},
        {"write to Ann.Lee+shop@mail.example.org.", "write to <EMAIL_1>."}, {"ａｂｃ＠ｑｑ．ｃｏｍ", "<EMAIL_1>"},
        {"<a@b.co>", "<<EMAIL_1>>"}, {"a@b", "a@b"}, {"@shop hello", "@shop hello"}, {"价格@5元", "价格@5元"},
        {"see https://shop.example/p/12?color=red", "see https://shop.example/p/12?color=red"},
        {"https://shop.example/reset?token=abc123", "<LINK_1>"},
        {"打开https://shop.example/o?order_id=77，谢谢", "打开<LINK_1>，谢谢"},
        {"https://ann:secret@host.example/", "<LINK_1>"}, {"https://x.example/s/a8f3k29dk20fk38fj2kd83", "<LINK_1>"},
        {"http://www.example.com/a-long-title-of-an-article-2024",
         "http://www.example.com/a-long-title-of-an-article-2024"});
}
END_TEST

START_TEST(orders_and_plates) {
    llmcs_shop_guard *own = guard_open("PL[0-9]{8}", NULL);
    CHECK_CASES(rules, {"订单号：20240512123456", "订单号：<ORDER_1>"},
                {"订单20240512123456什么时候到", "订单<ORDER_1>什么时候到"},
                {"my order number is AB-12345", "my order number is <ORDER_1>"},
                {"order #123456 is late", "order #<ORDER_1> is late"}, {"快递单号SF1234567890123", "快递单号<ORDER_1>"},
                {"order 2 of them", "order 2 of them"}, {"订单里有3件", "订单里有3件"},
                {"车牌京A12345停在门口", "车牌<PLATE_1>停在门口"}, {"沪AD12345", "<PLATE_1>"},
                {"粤B·8K888", "<PLATE_1>"}, {"京A1234", "京A1234"},
                {"license plate 7ABC123", "license plate <PLATE_1>"});
    CHECK_CASES(own, {"PL26061908到哪了", "<ORDER_1>到哪了"}, {"ＰＬ２６０６１９０８", "<ORDER_1>"},
                {"XPL26061908", "XPL26061908"}, {"PL260619081", "PL260619081"},
                {"PL26061908, PL26062014, PL26061908", "<ORDER_1>, <ORDER_2>, <ORDER_1>"});
    llmcs_shop_guard_free(&own);
}
END_TEST

START_TEST(names_by_cues) {
    CHECK_CASES(rules, {"我叫王小明，想退货", "我叫<NAME_1>，想退货"}, {"我叫欧阳娜娜", "我叫<NAME_1>"},
                {"请找王先生", "请找<NAME_1>先生"}, {"李娜女士您好", "<NAME_1>女士您好"},
                {"收件人：张伟 电话13800138000", "收件人：<NAME_1> 电话<PHONE_1>"}, {"我是来退货的", "我是来退货的"},
                {"先生您好", "先生您好"}, {"my name is Ann Lee and I", "my name is <NAME_1> and I"},
                {"my name is olga krylova.", "my name is <NAME_1>."}, {"Dear Mr. Van der Berg,", "Dear Mr. <NAME_1>,"},
                {"my name is Repair. Click Repair", "my name is Repair. Click Repair"},
                {"call me, I am Anna. Click there", "call me, I am Anna. Click there"},
                {"my name is Anna Lee. Then I left", "my name is <NAME_1>. Then I left"},
                {"Dr. Sarah J. Miller called", "Dr. <NAME_1> called"}, {"this is great", "this is great"},
                {"Sarah Miller bought it", "<NAME_1> bought it"}, {"Dear customer service", "Dear customer service"});
}
END_TEST

START_TEST(addresses_by_parts) {
    CHECK_CASES(rules, {"寄到浙江省杭州市西湖区文三路100号3栋502室，谢谢", "寄到<ADDRESS_1>，谢谢"},
                {"地址：北京市海淀区中关村大街27号", "地址：<ADDRESS_1>"},
                {"上海市浦东新区世纪大道88号", "<ADDRESS_1>"}, {"能送到北京吗", "能送到北京吗"}, {"我住3楼", "我住3楼"},
                {"一路平安", "一路平安"},
                {"send it to 12 Baker Street, Flat 3, London please", "send it to <ADDRESS_1> please"},
                {"P.O. Box 149", "<ADDRESS_1>"}, {"深南大道9966号威盛科技大厦3楼302室，李雷收", "<ADDRESS_1>，李雷收"},
                {"to 1600 Amphitheatre Parkway, Mountain View, CA 94043.", "to <ADDRESS_1>."},
                {"742 Evergreen Terrace", "<ADDRESS_1>"}, {"3 days way too long", "3 days way too long"});
}
END_TEST

static void open_rules(void) { rules = guard_open(NULL, NULL); }
static void close_rules(void) { llmcs_shop_guard_free(&rules); }

static void add(TCase *t) {
    tcase_add_checked_fixture(t, open_rules, close_rules);
    tcase_add_test(t, phones);
    tcase_add_test(t, what_is_no_phone);
    tcase_add_test(t, identity_numbers);
    tcase_add_test(t, cards_and_accounts);
    tcase_add_test(t, mail_and_links);
    tcase_add_test(t, orders_and_plates);
    tcase_add_test(t, names_by_cues);
    tcase_add_test(t, addresses_by_parts);
}

SUITE_MAIN("shop/guard/rules", add)
