/*
 * Corrects Chinese typing errors. Input methods offer characters by their sound, so a misspelt term sounds like the
 * right one.
 *
 * A shop term has two characters, and one of them may be replaced by a character of (nearly) the same sound. Characters
 * that form a word with a neighbour are not listed: 退或 may be "return or", 只付 "pays only".
 */
#include "shop/spelling/chinese.h"

#include <string.h>

#include "shop/base/text.h"

enum { HAN_BYTES = 3 }; /* of a Han character in UTF-8 */

/* A term, and the characters that are typed instead of its first and its second one. */
typedef struct term {
    const char *term, *first, *second;
} term;

static const term terms[] = {
    {"快递", "块筷", "弟帝敌低"}, {"退款", "推腿蜕", "宽"},     {"退货", "推腿蜕", "祸获火"},
    {"换货", "患焕唤", "祸获火"}, {"发货", "法罚", "祸获"},     {"收货", "受首", "祸"},
    {"补货", "布", "祸获"},       {"订单", "定丁钉", "担蛋"},   {"包裹", "保", "果囊"},
    {"物流", "务误", "刘"},       {"付款", "负复副富府", "宽"}, {"支付", "之", "负府富副"},
    {"到账", "道倒", "帐障丈"},   {"运费", "云允孕", "废非肥"}, {"邮费", "由", "废非肥"},
    {"发票", "法罚", "漂飘"},     {"专票", "转砖", "漂飘"},     {"优惠", "忧", "会慧汇"},
    {"积分", "基极", "份"},       {"地址", "第", "指纸止"},     {"密码", "秘蜜", "马玛"},
    {"尺码", "吃齿迟", "马玛"},   {"客服", "课", "夫福"},       {"电话", "店", "化画"},
    {"签收", "牵迁", "守"},       {"现货", "线献限", "祸获"},   {"库存", "裤哭", "村"},
    {"保修", "宝", "休秀"},       {"维修", "围唯", "休秀"},     {"质保", "治", "宝饱"},
    {"会员", "汇", "园圆"},       {"账号", "帐丈", "浩"},       {"注册", "住祝", "测策"},
    {"登录", "灯等", "路陆"},     {"评价", "苹凭", "加架"},     {"投诉", "头偷", "素速宿"},
    {"配送", "陪佩", "宋"},       {"营业", "赢迎", "夜"},       {"正品", "", "拼频聘"},
    {"瑜伽", "愉渝", "珈枷茄"},   {"行李", "", "礼理"},         {"斜挎", "鞋", "跨垮"},
    {"羽绒", "雨", "容荣"},       {"帐篷", "账胀", "蓬棚"},     {"键盘", "健建", "盆"},
    {"衬衫", "趁称", "杉"},       {"茶壶", "查", "胡湖"},       {"水壶", "", "胡湖"},
    {"哑铃", "亚", "玲"},         {"风筝", "", "争铮"},         {"窗帘", "", "连联"},
    {"砧板", "占粘", ""},         {"保温", "宝", ""},           {"充电", "冲", ""},
    {"枕头", "忱", ""},           {"书桌", "", "卓"},           {"围巾", "维", "斤"},
    {"润唇", "", "纯"},           {"积木", "集", ""},           {"钢笔", "刚", ""},
    {"睡袋", "", "带代"},
};

/* Dialect and internet words, and their standard forms. */
static const char *const words[][2] = {
    {"辰光", "时候"},   {"甚么", "什么"}, {"几时", "什么时候"}, {"几多", "多少"},     {"啷个", "怎么"},
    {"搞么斯", "怎么"}, {"边度", "哪里"}, {"唔得", "不行"},     {"木有", "没有"},     {"木得", "没有"},
    {"啥子", "什么"},   {"撒子", "什么"}, {"么子", "什么"},     {"中不中", "可以吗"}, {"好伐", "好吗"},
    {"是伐", "是吗"},   {"阿拉", "我"},   {"埋单", "付款"},     {"劵", "券"},         {"代金卷", "代金券"},
    {"冇", "没有"},     {"俺", "我"},     {"恁们", "你们"},     {"恁", "你们"},       {"侬", "你"},
    {"畀", "给"},       {"嘅", "的"},     {"係", "是"},         {"嘞", "了"},         {"㗎", "的"},
};

static bool is_han(const char *text, size_t n) {
    const unsigned char *c = (const unsigned char *)text;
    return n >= HAN_BYTES && ((c[0] == 0xe3 && c[1] >= 0x90) || (c[0] >= 0xe4 && c[0] <= 0xe9));
}

static bool same(const char *a, const char *b) { return memcmp(a, b, HAN_BYTES) == 0; }

static bool is_one_of(const char *character, const char *list) {
    for (; *list; list += HAN_BYTES)
        if (same(character, list)) return true;
    return false;
}

/* The term that the two characters at `text` are, or are meant to be; else NULL. */
static const char *find_term(const char *text) {
    const char *meant = NULL;
    for (size_t i = 0; i < sizeof terms / sizeof *terms; i++) {
        const term *t = &terms[i];
        const bool first = same(text, t->term), second = same(text + HAN_BYTES, t->term + HAN_BYTES);
        if (first && second) return t->term;
        if ((first && is_one_of(text + HAN_BYTES, t->second)) || (second && is_one_of(text, t->first)))
            if (!meant) meant = t->term;
    }
    return meant;
}

/* The standard form of a word at the start of the text. *used: length of the word in bytes. */
static const char *find_word(const char *text, size_t n, size_t *used) {
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        *used = strlen(words[i][0]);
        if (*used <= n && !memcmp(text, words[i][0], *used)) return words[i][1];
    }
    return NULL;
}

static llmcs_status correct(shop_text *out, const char *text, size_t n) {
    size_t copied = 0;
    for (size_t i = 0; i < n;) {
        size_t used = 1;
        const char *meant = is_han(text + i, n - i) ? find_word(text + i, n - i, &used) : NULL;
        if (!meant && is_han(text + i, n - i)) {
            used = HAN_BYTES;
            if (is_han(text + i + HAN_BYTES, n - i - HAN_BYTES)) meant = find_term(text + i);
            if (meant) used = 2 * HAN_BYTES;
        } else if (!meant) {
            used = 1;
        }
        if (meant && (strlen(meant) != used || memcmp(meant, text + i, used) != 0)) {
            SHOP_TRY(shop_text_add(out, text + copied, i - copied));
            SHOP_TRY(shop_text_add(out, meant, strlen(meant)));
            copied = i + used;
        }
        i += used;
    }
    return copied ? shop_text_add(out, text + copied, n - copied) : LLMCS_OK;
}

llmcs_status shop_chinese_correct(const llmcs_allocator *a, const char *text, size_t n, char **out, size_t *out_bytes) {
    shop_text corrected = {.allocator = a};
    const llmcs_status status = correct(&corrected, text, n);
    if (status) {
        shop_free(a, corrected.bytes);
        corrected = (shop_text){0};
    }
    *out = corrected.bytes;
    *out_bytes = corrected.n;
    return status;
}
