/* Replies without promises and facts. */
#include "shop/assist/templates.h"

const char *const shop_templates_en[SHOP_N_TEMPLATES] = {
    "Could you tell me a little more about it, please? If it is about an order, its number helps.",
    "I am looking into this for you. Please give me a moment.",
    "I am not sure about this. May I ask a colleague and get back to you here in the chat?",
    "I am sorry for the trouble. What would help you most right now?",
    "Did I understand you correctly? Please tell me if I got something wrong.",
};
const char *const shop_templates_zh[SHOP_N_TEMPLATES] = {
    "请您再详细说明一下，好吗？如果与订单有关，请提供订单号。",
    "我正在为您查询，请稍等。",
    "这个问题我不太清楚，可以让我向同事确认后在这里回复您吗？",
    "给您带来不便，非常抱歉。请问您现在最希望我们怎么处理？",
    "请问我理解得对吗？如有不对，请您指正。",
};
