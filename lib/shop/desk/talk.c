/* Small talk around a question: "thanks. when will you ship it?", 谢谢 那什么时候发货. The question is what counts. */
#include <string.h>

#include "shop/desk/decide.h"

/* Words before a question that are not part of it. */
static const char *const talk_words[] = {"thanks",
                                         "thank you",
                                         "thank you very much",
                                         "thank you so much",
                                         "many thanks",
                                         "thanks a lot",
                                         "thanks so much",
                                         "thx",
                                         "ty",
                                         "cheers",
                                         "great",
                                         "perfect",
                                         "good",
                                         "nice",
                                         "cool",
                                         "lovely",
                                         "awesome",
                                         "fine",
                                         "all right",
                                         "alright",
                                         "ok",
                                         "okay",
                                         "hi",
                                         "hello",
                                         "hey",
                                         "hi there",
                                         "hello there",
                                         "good morning",
                                         "good day",
                                         "good evening",
                                         "good afternoon",
                                         "oh",
                                         "ah",
                                         "so",
                                         "and",
                                         "but",
                                         "then",
                                         "also",
                                         "well",
                                         "phew",
                                         "haha",
                                         "lol",
                                         "谢谢",
                                         "谢谢你",
                                         "谢谢您",
                                         "谢谢啦",
                                         "谢谢了",
                                         "谢了",
                                         "谢啦",
                                         "多谢",
                                         "感谢",
                                         "辛苦了",
                                         "好的",
                                         "好",
                                         "好吧",
                                         "嗯",
                                         "嗯嗯",
                                         "哦",
                                         "噢",
                                         "行",
                                         "你好",
                                         "您好",
                                         "在吗",
                                         "亲",
                                         "哈哈",
                                         "哈哈哈",
                                         "太好了",
                                         "不错",
                                         "知道了",
                                         "明白了",
                                         "了解",
                                         "但是",
                                         "不过",
                                         "那么",
                                         "那",
                                         NULL};

/* Above these the message may be about a matter of the shop. */
static const double least_entry = 0.04, least_second = 0.1;

enum { LEAST_WORDS = 3, LEAST_HAN = 3, MOST_CALL = 10, MOST_PROGRESS = 18 };

/* Returns where the text begins after small talk. */
static size_t skip_talk(const desk_words *w) {
    size_t i = 0, len;
    while (i < w->folded_bytes) {
        const size_t step = desk_phrase_at(w, i, talk_words);
        if (!step && desk_is_letter(desk_char_at(w->folded, w->folded_bytes, i, &len))) return i;
        i += step ? step : len;
    }
    return i;
}

static bool is_whole(const char *text, size_t n) {
    bool han = false;
    for (size_t i = 0, len; i < n && !han; i += len) han = desk_is_han(desk_char_at(text, n, i, &len));
    return desk_count_words(text, n) >= (han ? LEAST_HAN : LEAST_WORDS);
}

/* True if a rule or the classifier accepts the part as a request. */
static bool is_request(const desk_turn *t, const desk_reading *r) {
    const int flow = r->intent && r->intent->kind == DESK_INTENT_FLOW ? r->intent->flow : -1;
    if (r->rule && r->rule->flow >= 0 && t->flows->flows[r->rule->flow].small_talk) return false;
    return r->rule || (r->accepted && r->score >= desk_part_score && !(flow >= 0 && t->flows->flows[flow].small_talk));
}

bool desk_asks(const desk_words *w) {
    static const char *const openings[] = {"is ",   "are ",   "can ",    "could ", "do ", "does ",
                                           "will ", "would ", "should ", "may ",   NULL};
    return desk_begins_with(w->folded, openings) || desk_is_question(w);
}

llmcs_status desk_find_question(desk_turn *t, const desk_reading *r, size_t n, desk_words *question, bool *found) {
    const desk_words *w = &t->words;
    const char *text = NULL;
    const size_t begin = skip_talk(w);
    *found = false;
    for (size_t i = 1; i < n && !text; i++) {
        desk_words part = r[i].words;
        if (!is_request(t, &r[i]) && !(desk_asks(&part) && is_whole(part.folded, part.folded_bytes))) continue;
        text = part.plain + (part.plain_bytes == part.folded_bytes ? skip_talk(&part) : 0);
    }
    if (!text && begin && w->plain_bytes == w->folded_bytes) {
        desk_words rest;
        SHOP_TRY(desk_words_make(t->arena, w->plain + begin, w->plain_bytes - begin, &rest));
        if (desk_asks(&rest) && is_whole(rest.folded, rest.folded_bytes)) text = rest.plain;
    }
    if (!text || !*text) return LLMCS_OK;
    *found = true;
    return desk_words_make(t->arena, text, strlen(text), question);
}

bool desk_asks_who_is_there(const desk_turn *t) {
    static const char *const words[] = {"anyone there",  "anybody there",
                                        "anyone here",   "anybody here",
                                        "someone there", "somebody there",
                                        "you there",     "still waiting",
                                        "nobody here",   "no one here",
                                        "hello?",        "有人吗",
                                        "有人在吗",      "有人没",
                                        "有没有人",      "人呢",
                                        "没人",          "还没人",
                                        "在不在",        "还在吗",
                                        "在吗",          NULL};
    if (strcmp(t->c->status, "waiting") != 0) return false;
    return desk_count_words(t->words.folded, t->words.folded_bytes) <= MOST_CALL && desk_has_any(&t->words, words);
}

/* True if the conversation is about something else than the answer that is due: "when will you refund me?". */
static bool names_matter(const desk_turn *t) {
    static const char *const words[] = {"refund", "money", "deliver", "delivery", "ship", "parcel",
                                        "arrive", "stock", "return",  "钱",       "款",   "货",
                                        "券",     "发票",  "快递",    "修",       NULL};
    return desk_has_any(&t->words, words);
}

bool desk_asks_for_progress(const desk_turn *t) {
    static const char *const answer[] = {"will you answer",  "will you reply",
                                         "will you respond", "will someone",
                                         "will somebody",    "will anyone",
                                         "will a colleague", "do i hear",
                                         "will i hear",      "get an answer",
                                         "get a reply",      "get back to me",
                                         "hear back",        "until someone",
                                         "till someone",     "什么时候回",
                                         "啥时候回",         "什么时候能给我回",
                                         "啥时候能给我回",   "什么时候给我回",
                                         "啥时候给我回",     "什么时候能回",
                                         "啥时候能回",       "几时回",
                                         "多久能回",         "多久回",
                                         "什么时候有人",     "啥时候有人",
                                         "什么时候联系我",   "啥时候联系我",
                                         "什么时候有结果",   "啥时候有结果",
                                         "什么时候处理",     "啥时候处理",
                                         "多久处理",         "什么时候答复",
                                         "啥时候答复",       NULL};
    static const char *const done[] = {"reported",   "go through", "gone through", "went through", "is it registered",
                                       "报了没",     "报了吗",     "报上去",       "报了是吧",     "提交了没",
                                       "提交了吗",   "登记了没",   "登记了吗",     "记下了吗",     "记下了没",
                                       "报给同事了", NULL};
    static const char *const waits[] = {"how long is that gonna",
                                        "how long is that going",
                                        "how long is this gonna",
                                        "how long is this going",
                                        "how long will that take",
                                        "how long will it take",
                                        "how long does it take",
                                        "how long does that take",
                                        "how much longer",
                                        "tell them",
                                        "let them know",
                                        "tell your colleague",
                                        "tell the colleague",
                                        "要多久",
                                        "还要等",
                                        "等多久",
                                        "告诉同事",
                                        "告诉他们",
                                        "跟同事说",
                                        "和同事说",
                                        "跟他们说",
                                        "转告",
                                        NULL};
    const bool waiting = !strcmp(t->c->status, "waiting");
    if ((!waiting && !t->c->did) || names_matter(t)) return false;
    if (desk_count_words(t->words.folded, t->words.folded_bytes) > MOST_PROGRESS) return false;
    if (desk_has_any(&t->words, answer)) return true;
    if (desk_has_any(&t->words, done)) return waiting || desk_is_question(&t->words) || desk_asks(&t->words);
    return waiting && desk_has_any(&t->words, waits) && !desk_named_kind(t, &t->words, NULL);
}

/* Words of a matter of the shop, even if it has no answer to it. */
static bool names_shop(const desk_words *w) {
    static const char *const words[] = {
        "shop",   "store",    "order",    "orders", "sell",     "buy",        "bought",   "price",    "cost",
        "costs",  "deliver",  "delivery", "ship",   "shipping", "parcel",     "package",  "return",   "refund",
        "pay",    "product",  "products", "item",   "items",    "stock",      "warranty", "brand",    "account",
        "coupon", "coupons",  "discount", "points", "member",   "membership", "invoice",  "gift",     "made",
        "size",   "material", "website",  "app",    "customer", "company",    "your",     "you guys", "你们",
        "贵店",   "店",       "买",       "卖",     "订",       "单",         "快递",     "发货",     "货",
        "退",     "换",       "付",       "价",     "钱",       "优惠",       "券",       "会员",     "积分",
        "发票",   "商品",     "账号",     "客服",   "仓",       "材质",       "质量",     "牌",       "尺码",
        "客户",   "公司",     "礼",       "包装",   "保修",     "下载",       "网站",     NULL};
    return desk_has_any(w, words);
}

llmcs_status desk_is_off_topic(desk_turn *t, const desk_meaning *m, bool *off) {
    shop_wish wish;
    *off = false;
    if (m->entry_score > least_entry || (m->second && m->second_score > least_second) || names_shop(&t->words) ||
        t->c->spoken != DESK_SPOKEN_NONE || t->c->entry || desk_products_are_near(t) || desk_refers_back(&t->words) ||
        desk_named_kind(t, &t->words, NULL))
        return LLMCS_OK;
    SHOP_TRY(desk_read_kind(t, t->read.plain, t->read.plain_bytes, &wish));
    *off = !wish.kind;
    return LLMCS_OK;
}
