/* The desk's built-in sentences, in English and Chinese. They promise nothing that the desk does not do. */
#include <string.h>

#include "shop/desk/flows.h"

static const char *const locals_of_which[] = {"a", "b", NULL};
static const char *const locals_of_what[] = {"a", NULL};
static const char *const locals_of_list[] = {"list", NULL};

static const struct {
    const char *name, *en, *zh;
    const char *const *locals;
} sentences[DESK_N_SENTENCES] = {
    [DESK_ASK_BACK] = {"ask_back", "I am not sure what you mean. Could you say it in other words?",
                       "抱歉，我不太明白您的意思，能换个说法吗？", NULL},
    [DESK_NOT_UNDERSTOOD] = {"not_understood", "I cannot answer that. I am passing you on to a colleague.",
                             "抱歉，这个问题我答不了，我把您转给人工客服。", NULL},
    [DESK_WHICH_OF] = {"which_of", "Do you mean: 1. {a}, or 2. {b}?", "您是想：1. {a}，还是 2. {b}？", locals_of_which},
    [DESK_AGAIN] = {"again", "I did not find that in your message.", "我没有从您的话里找到这一项。", NULL},
    [DESK_HANDOVER_TEXT] = {"handover", "I am passing you on to a colleague, who will see what we have written here.",
                            "我把您转给人工客服，同事能看到我们的对话记录。", NULL},
    [DESK_WAITING] = {"waiting", "You are in the queue; a colleague will answer here.",
                      "您已在排队，同事会在这里回复您。", NULL},
    [DESK_LOGIN] = {"login", "For that I need to know who you are. Please log in first.",
                    "办理这项需要确认您的身份，请先登录。", NULL},
    [DESK_NOT_FOUND] = {"not_found", "I cannot find this order in your account. Please check the number.",
                        "在您的账户里没有找到这个订单，请核对一下订单号。", NULL},
    [DESK_ACTION_FAILED] = {"action_failed", "That did not work; nothing was changed.",
                            "操作没有成功，没有做任何改动。", NULL},
    [DESK_ACTION_UNKNOWN] =
        {"action_unknown",
         "I cannot tell whether that went through. A colleague will check it; please do not try again until "
         "then.",
         "我无法确认这项操作是否已经完成，同事会核实，在此之前请不要重复操作。", NULL},
    [DESK_IN_PROGRESS] = {"in_progress", "Your request is still being processed. Please ask again in a moment.",
                          "您的请求还在处理中，请稍后再问。", NULL},
    [DESK_UNAVAILABLE_TEXT] = {"unavailable", "I cannot look that up at the moment. Please try again a little later.",
                               "暂时无法查询，请稍后再试。", NULL},
    [DESK_BLOCKED_TEXT] = {"blocked", "I cannot help with that.", "抱歉，这个我不能帮忙。", NULL},
    [DESK_TOO_LONG] = {"too_long", "That message is too long for me, so I have not read it. Please write it shorter.",
                       "这条消息太长，我没有读取，请写短一些再发。", NULL},
    [DESK_NOTHING_DONE] = {"nothing_done", "All right, I have not changed anything.", "好的，没有做任何改动。", NULL},
    [DESK_ACKNOWLEDGED] = {"acknowledged", "All right. If there is anything else, just write to me.",
                           "好的，有需要随时找我。", NULL},
    [DESK_NO_ANSWER] = {"no_answer", "I have no answer to that question.", "这个问题我回答不了。", NULL},
    [DESK_NOTHING_TO_CONFIRM] = {"nothing_to_confirm",
                                 "There is nothing waiting for your confirmation. What can I do for you?",
                                 "目前没有需要您确认的事项，请问您需要什么帮助？", NULL},
    [DESK_SORRY] = {"sorry", "I am sorry for the trouble.", "很抱歉给您添麻烦了。", NULL},
    [DESK_NO_RECOMMENDATION] = {"no_recommendation", "I have found nothing that fits.", "没有找到合适的商品。", NULL},
    [DESK_RECOMMEND_TEXT] = {"recommend", "These may suit you:", "您可以看看这些：", NULL},
    [DESK_PART_UNANSWERED] = {"part_unanswered", "I have no answer to the other part of your message.",
                              "您消息里的另一个问题我答不了。", NULL},
    [DESK_NONE_FITS] = {"none_fits", "I see no order of yours that fits that.", "您的订单里没有符合这个说法的。", NULL},
    [DESK_STUCK] = {"stuck", "Or shall I pass you on to a colleague (\"agent\"), or leave it (\"stop\")?",
                    "也可以转人工（回复“人工”），或者先不办（回复“不用了”）。", NULL},
    [DESK_LEFT_OPEN] = {"left_open", "I have left it as it is.", "这件事就先不办了，没有做任何改动。", NULL},
    [DESK_ALREADY_DONE] = {"already_done",
                           "I have done that already. If there is more to it, write \"agent\" and a colleague reads it "
                           "here.",
                           "这个已经办好了。如果还要补充，回复“人工”，同事会看这里的对话。", NULL},
    [DESK_HAVE_THESE] = {"have", "In stock at the moment:", "目前有货的：", NULL},
    [DESK_NONE_SUCH] = {"none_such", "I have none that are {a}. The nearest:", "没有{a}的，相近的有：", locals_of_what},
    [DESK_NO_MORE] = {"no_more", "I have nothing {a} of that kind. There is:", "这一类没有{a}的了，现有的：",
                      locals_of_what},
    [DESK_NOT_STATED] = {"not_stated", "I have no information on that, so I cannot say. Write \"agent\" for a person.",
                         "这个我这里没有说明，不敢乱说。输入“人工”可以找同事。", NULL},
    [DESK_NOT_SOLD] = {"no_product", "I cannot find that in our range.", "我们店里没有找到这样的商品。", NULL},
    [DESK_NOT_SAID] = {"not_said", "What I have on {a} does not say that. Write \"agent\" and a colleague finds out.",
                       "{a}的资料里没有写这一点。输入“人工”由同事查一下。", locals_of_what},
    [DESK_DONE_HERE] = {"done_here", "This is done in our conversation: {a}", "这次对话里已经办了：{a}",
                        locals_of_what},
    [DESK_OFF_TOPIC] =
        {"off_topic",
         "I am only the shop's assistant, so I cannot say much about that. I can help with our goods and "
         "your orders; write \"agent\" for a person.",
         "我只是店里的助手，这个我不太懂。商品和订单的问题都可以问我，要找同事请输入“人工”。", NULL},
    [DESK_ALL_I_KNOW] = {"all_i_know",
                         "That is all I can see about it. Write \"agent\" and a colleague takes a closer look.",
                         "我这里能查到的就是这些，想再细问请输入“人工”，同事来帮您看。", NULL},
    [DESK_SAME_AGAIN] = {"same_again", "I know no more than that. Shall I pass you on to a colleague?",
                         "这件事我只知道这些了，要帮您转给同事吗？", NULL},
    [DESK_TOTAL] = {"total", "Together {a}, before coupons; the checkout shows the exact amount.",
                    "一共{a}，未计优惠券，以结算页为准。", locals_of_what},
    [DESK_CLOSED_LIST] = {"closed_list", "Please choose one:{list}", "请选择：{list}", locals_of_list},
};

/* Makes a built-in sentence: Chinese for "zh...", English for every other language. Its placeholders are {a}, {b} and
 * {list}. */
static llmcs_status own_template(desk_flows *f, const char *words, desk_template *t) {
    desk_part *parts;
    size_t n = 0;
    SHOP_TRY(shop_arena_alloc(&f->arena, 8, sizeof *parts, &parts));
    for (const char *p = words; *p;) {
        const char *brace = strchr(p, '{');
        const size_t len = brace ? (size_t)(brace - p) : strlen(p);
        if (len) {
            parts[n].kind = DESK_PART_LITERAL;
            SHOP_TRY(shop_arena_copy(&f->arena, p, len, &parts[n++].text));
        }
        if (!brace) break;
        const char *end = strchr(brace, '}');
        parts[n].kind = DESK_PART_LOCAL;
        SHOP_TRY(shop_arena_copy(&f->arena, brace + 1, (size_t)(end - brace - 1), &parts[n++].name));
        p = end + 1;
    }
    *t = (desk_template){parts, n};
    return LLMCS_OK;
}

static llmcs_status literal(desk_flows *f, const char *words, const desk_text **text, const char *zh) {
    desk_text *t;
    SHOP_TRY(shop_arena_alloc(&f->arena, 1, sizeof *t, &t));
    for (size_t i = 0; i < f->n_langs; i++) {
        desk_template *one;
        SHOP_TRY(shop_arena_alloc(&f->arena, 1, sizeof *one, &one));
        SHOP_TRY(own_template(f, strncmp(f->langs[i], "zh", 2) ? words : zh, one));
        t->variants[i] = one;
        t->n_variants[i] = 1;
    }
    *text = t;
    return LLMCS_OK;
}

llmcs_status desk_sentences_read(desk_flows *f) {
    for (size_t i = 0; i < DESK_N_SENTENCES; i++) {
        const desk_json *own = desk_json_get(f->texts, sentences[i].name);
        const desk_scope scope = {.own_find = -1, .locals = sentences[i].locals};
        if (own)
            SHOP_TRY(desk_text_read(f, own, &scope, &f->sentences[i]));
        else
            SHOP_TRY(literal(f, sentences[i].en, &f->sentences[i], sentences[i].zh));
    }
    return LLMCS_OK;
}
