/* Phrases that make a shop's reply politer or shorter. None of them adds a number, a promise or a negation. */
#include "shop/assist/rules.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- politer, English */

/* A verb at the start of a sentence, followed by an object, is a request: "Send the item back." */
#define REQUEST(verb)                                                                                     \
    {verb " the", "please " verb " the", true, NULL}, {verb " your", "please " verb " your", true, NULL}, \
        {verb " us", "please " verb " us", true, NULL}, {verb " it", "please " verb " it", true, NULL},   \
        {verb " this", "please " verb " this", true, NULL}, {                                             \
        verb " them", "please " verb " them", true, NULL                                                  \
    }

static const shop_phrase politer_en[] = {
    {"you must not", "we kindly ask you not to", true, NULL},
    {"you must", "we kindly ask you to", true, NULL},
    {"you have to", "we kindly ask you to", true, NULL},
    {"you need to", "we kindly ask you to", true, NULL},
    {"what do you want", "how can we help you", true, NULL},
    {"what is your problem", "how can we help you", true, NULL},
    {"what's your problem", "how can we help you", true, NULL},
    {"you are wrong", "there seems to be a misunderstanding", true, NULL},
    {"calm down", "we understand that this is frustrating", true, NULL},
    {"we can't", "unfortunately, we cannot", true, NULL},
    {"we cannot", "unfortunately, we cannot", true, NULL},
    {"we don't", "unfortunately, we do not", true, NULL},
    {"we do not", "unfortunately, we do not", true, NULL},
    {"we are not able to", "unfortunately, we are not able to", true, NULL},
    {"it is not possible", "unfortunately, it is not possible", true, NULL},
    {"it's not possible", "unfortunately, it is not possible", true, NULL},
    {"that is not possible", "unfortunately, that is not possible", true, NULL},
    {"that's not possible", "unfortunately, that is not possible", true, NULL},
    {"you can't", "unfortunately, you cannot", true, NULL},
    {"you cannot", "unfortunately, you cannot", true, NULL},
    {"i can't", "unfortunately, I cannot", true, NULL},
    {"i cannot", "unfortunately, I cannot", true, NULL},
    {"impossible.", "unfortunately, that is not possible.", true, NULL},
    {"wait for", "please wait for", true, NULL},
    {"try again", "please try again", true, NULL},
    {"log in", "please log in", true, NULL},
    {"reply to", "please reply to", true, NULL},
    {"wait a moment", "please wait a moment", true, NULL},
    REQUEST("send"),
    REQUEST("give"),
    REQUEST("tell"),
    REQUEST("check"),
    REQUEST("open"),
    REQUEST("click"),
    REQUEST("contact"),
    REQUEST("call"),
    REQUEST("use"),
    REQUEST("read"),
    REQUEST("return"),
    REQUEST("pack"),
    REQUEST("keep"),
    REQUEST("enter"),
    REQUEST("choose"),
    REQUEST("upload"),
    REQUEST("attach"),
    REQUEST("print"),
    REQUEST("follow"),
    REQUEST("confirm"),
    REQUEST("show"),
    REQUEST("write"),
};
static const char *const greetings_en[] = {
    "hello",      "hi",        "dear",         "good morning", "good afternoon", "good evening",
    "thank you",  "thanks",    "welcome",      "sorry",        "we are sorry",   "we're sorry",
    "i am sorry", "i'm sorry", "we apologise", "we apologize", "apologies"};
static const char *const offers_en[] = {"let us know",    "let me know", "happy to help",
                                        "glad to help",   "feel free",   "do not hesitate",
                                        "don't hesitate", "contact us",  "regards"};

const shop_rules shop_rules_politer_en = {
    .phrases = politer_en,
    .n_phrases = COUNT(politer_en),
    .greetings = greetings_en,
    .n_greetings = COUNT(greetings_en),
    .offers = offers_en,
    .n_offers = COUNT(offers_en),
    .greeting = "Thank you for your message. ",
    .offer = "Please let us know if we can help with anything else.",
};

/* ---- politer, Chinese */

static const shop_phrase politer_zh[] = {
    {"你", "您", false, "们"},
    {"您必须", "请您", false, NULL},
    {"您到底想", "您想", false, NULL},
    {"您自己看", "您可以看", false, NULL},
    {"您搞错了", "这里可能有些误会", true, NULL},
    {"您弄错了", "这里可能有些误会", true, NULL},
    {"我们不能", "很抱歉，我们不能", true, NULL},
    {"我们不可以", "很抱歉，我们不可以", true, NULL},
    {"我们无法", "很抱歉，我们无法", true, NULL},
    {"我们没有", "很抱歉，我们没有", true, NULL},
    {"我们没办法", "很抱歉，我们没办法", true, NULL},
    {"您不能", "很抱歉，您不能", true, NULL},
    {"不能", "很抱歉，不能", true, NULL},
    {"不可以", "很抱歉，不可以", true, NULL},
    {"不行", "很抱歉，不行", true, NULL},
    {"无法", "很抱歉，无法", true, NULL},
    {"没办法", "很抱歉，没办法", true, NULL},
    {"没有货", "很抱歉，没有货", true, NULL},
    {"没货", "很抱歉，没货", true, NULL},
    {"缺货", "很抱歉，缺货", true, NULL},
    {"告诉我", "请告诉我", true, NULL},
    {"发给我", "请发给我", true, NULL},
    {"提供您", "请提供您", true, NULL},
    {"提供一下", "请提供一下", true, NULL},
    {"联系我们", "请联系我们", true, NULL},
    {"点击", "请点击", true, NULL},
    {"填写", "请填写", true, NULL},
    {"稍等", "请稍等", true, NULL},
    {"等一下", "请等一下", true, NULL},
    {"耐心等待", "请耐心等待", true, NULL},
    {"把您", "请把您", true, NULL},
    {"把商品", "请把商品", true, NULL},
    {"把包裹", "请把包裹", true, NULL},
    {"打开", "请打开", true, NULL},
    {"输入", "请输入", true, NULL},
    {"拍照", "请拍照", true, NULL},
    {"检查", "请检查", true, NULL},
};
static const char *const greetings_zh[] = {"您好",     "你好", "感谢", "谢谢",   "非常抱歉", "很抱歉", "抱歉",
                                           "不好意思", "亲",   "尊敬", "早上好", "下午好",   "晚上好", "欢迎"};
static const char *const offers_zh[] = {"随时", "其他问题", "祝您", "帮到您", "为您服务"};

const shop_rules shop_rules_politer_zh = {
    .phrases = politer_zh,
    .n_phrases = COUNT(politer_zh),
    .greetings = greetings_zh,
    .n_greetings = COUNT(greetings_zh),
    .offers = offers_zh,
    .n_offers = COUNT(offers_zh),
    .greeting = "您好，",
    .offer = "如有其他问题，请随时告诉我们。",
};

/* ---- shorter, English */

static const shop_phrase shorter_en[] = {
    {"please note that ", "", false, NULL},
    {"please be aware that ", "", false, NULL},
    {"please be advised that ", "", false, NULL},
    {"we would like to inform you that ", "", false, NULL},
    {"we would like to let you know that ", "", false, NULL},
    {"i would like to inform you that ", "", false, NULL},
    {"we are happy to inform you that ", "", false, NULL},
    {"as a matter of fact, ", "", false, NULL},
    {"needless to say, ", "", false, NULL},
    {"of course, ", "", true, NULL},
    {"basically, ", "", false, NULL},
    {"actually, ", "", false, NULL},
    {"actually ", "", false, NULL},
    {"really ", "", false, NULL},
    {"kindly ", "", false, NULL},
    {"we ask you to", "please", false, NULL},
    {"we would ask you to", "please", false, NULL},
    {"in order to", "to", false, NULL},
    {"for the purpose of", "for", false, NULL},
    {"due to the fact that", "because", false, NULL},
    {"in the event that", "if", false, NULL},
    {"at this point in time", "now", false, NULL},
    {"a large number of", "many", false, NULL},
    {"with regard to", "about", false, NULL},
    {"in regard to", "about", false, NULL},
    {"prior to", "before", false, NULL},
    {"is able to", "can", false, NULL},
    {"are able to", "can", false, NULL},
    {"do not hesitate to contact us", "contact us", false, NULL},
    {"don't hesitate to contact us", "contact us", false, NULL},
};
static const char *const formulas_en[] = {"thank you for",
                                          "thanks for",
                                          "thank you very much for",
                                          "we hope",
                                          "i hope",
                                          "please do not hesitate",
                                          "please don't hesitate",
                                          "do not hesitate",
                                          "please contact us if you have any",
                                          "should you have any",
                                          "if you have any other questions",
                                          "if you have any further questions",
                                          "if you have any more questions",
                                          "if you have any questions",
                                          "feel free to",
                                          "please feel free",
                                          "please let us know if we can help",
                                          "let us know if",
                                          "please let us know if there is anything",
                                          "have a nice",
                                          "have a great",
                                          "have a good",
                                          "we are happy to help",
                                          "we are always happy",
                                          "we appreciate your",
                                          "we value your",
                                          "it is our pleasure",
                                          "best regards",
                                          "kind regards"};

const shop_rules shop_rules_shorter_en = {
    .phrases = shorter_en, .n_phrases = COUNT(shorter_en), .formulas = formulas_en, .n_formulas = COUNT(formulas_en)};

/* ---- shorter, Chinese */

static const shop_phrase shorter_zh[] = {
    {"请您注意，", "", false, NULL},   {"请注意，", "", false, NULL},       {"温馨提示：", "", false, NULL},
    {"温馨提示，", "", false, NULL},   {"需要说明的是，", "", false, NULL}, {"需要提醒您的是，", "", false, NULL},
    {"目前来说，", "", false, NULL},   {"亲亲，", "", true, NULL},          {"亲，", "", true, NULL},
    {"亲爱的顾客，", "", true, NULL},  {"尊敬的顾客，", "", true, NULL},    {"您好，", "", true, NULL},
    {"您好！", "", true, NULL},        {"你好，", "", true, NULL},          {"麻烦您", "请您", false, NULL},
    {"我们这边", "我们", false, NULL}, {"非常", "", false, NULL},           {"的话，", "，", false, NULL},
};
static const char *const formulas_zh[] = {
    "感谢您",   "谢谢您",         "非常感谢您",     "如有其他问题",   "如果还有其他问题", "如有任何问题", "如果您还有",
    "如您还有", "您还有其他问题", "如有疑问",       "祝您",           "希望能帮到您",     "希望对您有",   "欢迎再次",
    "期待您的", "很高兴为您服务", "请随时告诉我们", "请随时联系我们", "有问题随时"};

const shop_rules shop_rules_shorter_zh = {
    .phrases = shorter_zh, .n_phrases = COUNT(shorter_zh), .formulas = formulas_zh, .n_formulas = COUNT(formulas_zh)};
