/* Invented customers' texts in both languages, by class: what tests of the classifier train on. */
#ifndef TESTS_SHOP_CLASSIFIER_SHOP_TEXTS_H
#define TESTS_SHOP_CLASSIFIER_SHOP_TEXTS_H

#include <stdio.h>
#include <string.h>

#include "llmcs_shop.h"

enum { TEXT_CLASSES = 6, TEXT_BYTES = 160, TEXTS_MAX = 6 * 2 * 48 };

typedef struct shop_texts {
    llmcs_shop_example items[TEXTS_MAX];
    char texts[TEXTS_MAX][TEXT_BYTES];
    size_t n;
} shop_texts;

static const char *const text_labels[TEXT_CLASSES] = {"track_order", "refund", "cancel", "invoice", "payment", "human"};

/* Frames with %s for the thing, and the things. Each class has four frames a language. */
static const char *const text_frames[TEXT_CLASSES][2][4] = {
    {{"where is my %s", "has the %s been shipped yet", "when will the %s arrive", "track the parcel with the %s"},
     {"我的%s到哪了", "%s发货了吗", "%s什么时候能到", "查一下%s的物流"}},
    {{"i want my money back for the %s", "refund the %s", "when do i get the refund of the %s", "pay me back the %s"},
     {"%s我要退款", "%s的退款多久到账", "把%s的钱退给我", "申请退款，%s不好用"}},
    {{"cancel my %s", "please cancel the order of the %s", "i do not want the %s any more, cancel it",
      "stop the %s order"},
     {"取消%s的订单", "%s不想要了，取消", "帮我取消%s", "%s订单可以取消吗"}},
    {{"send me the invoice of the %s", "i need an invoice for the %s", "where is the bill of the %s",
      "invoice for %s please"},
     {"%s的发票怎么开", "我需要%s的发票", "开%s的增值税发票", "%s发票抬头错了"}},
    {{"my card was declined for the %s", "can i pay the %s by card", "payment of the %s failed",
      "which cards pay the %s"},
     {"%s付款失败", "%s可以用信用卡支付吗", "支付%s的时候出错", "%s怎么付款"}},
    {{"let me talk to a person about the %s", "agent please, the %s", "a human for the %s",
      "i want to speak to someone about the %s"},
     {"%s的问题转人工", "我要找人工客服谈%s", "人工，%s", "让真人来处理%s"}}};

static const char *const text_things[2][12] = {
    {"kettle", "desk lamp", "red shoes", "tent", "headphones", "backpack", "mug", "blanket", "keyboard", "coat", "bike",
     "toy"},
    {"水壶", "台灯", "红鞋", "帐篷", "耳机", "背包", "杯子", "毯子", "键盘", "外套", "自行车", "玩具"}};

/* Of each class and language `per_frame` texts a frame, things `first` to first + per_frame - 1. */
static inline void fill_shop_texts(shop_texts *t, size_t first, size_t per_frame) {
    t->n = 0;
    for (size_t c = 0; c < TEXT_CLASSES; c++)
        for (size_t language = 0; language < 2; language++)
            for (size_t frame = 0; frame < 4; frame++)
                for (size_t k = 0; k < per_frame; k++) {
                    char *text = t->texts[t->n];
                    const char *format = text_frames[c][language][frame], *at = strstr(format, "%s");
                    snprintf(text, TEXT_BYTES, "%.*s%s%s", (int)(at - format), format,
                             text_things[language][(first + k) % 12], at + 2);
                    t->items[t->n++] = (llmcs_shop_example){text, LLMCS_NUL, text_labels[c]};
                }
}

/* Texts of no class. */
static const char *const outside_texts[] = {"what is the capital of france",
                                            "how tall is mount everest",
                                            "sing a song for the cat",
                                            "who won the chess game",
                                            "translate this into latin",
                                            "今天天气怎么样",
                                            "讲个笑话",
                                            "一加一等于几",
                                            "谁写了红楼梦",
                                            "write a poem on rain",
                                            "巴黎有多少人口",
                                            "solve this equation"};
enum { N_OUTSIDE = sizeof outside_texts / sizeof *outside_texts };

#endif
