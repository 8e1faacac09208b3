/* Replaces emoji that stand for words. */
#include "shop/spelling/emoji.h"

#include <string.h>

#include "shop/base/utf8.h"

typedef struct picture {
    uint32_t code; /* Unicode 15 */
    const char *en, *zh;
} picture;

static const picture pictures[] = {{0x1f494, "broken", "坏了"},
                                   {0x1f4a5, "broken", "坏了"},
                                   {0x1f4e6, "parcel", "包裹"},
                                   {0x1f69a, "delivery", "快递"},
                                   {0x1f69b, "delivery", "快递"},
                                   {0x1f6f5, "courier", "快递员"},
                                   {0x1f4b0, "money", "钱"},
                                   {0x1f4b8, "money", "钱"},
                                   {0x1f4b5, "money", "钱"},
                                   {0x1f4b4, "money", "钱"},
                                   {0x1f4b3, "card", "银行卡"},
                                   {0x1f519, "back", "退回"},
                                   {0x21a9, "return", "退货"},
                                   {0x1f504, "exchange", "换货"},
                                   {0x1f501, "exchange", "换货"},
                                   {0x1f381, "gift", "礼物"},
                                   {0x1f380, "gift wrap", "礼品包装"},
                                   {0x1f382, "birthday", "生日"},
                                   {0x260e, "phone number", "电话"},
                                   {0x1f4de, "phone number", "电话"},
                                   {0x1f4f1, "phone", "手机"},
                                   {0x1f4e7, "e-mail", "邮箱"},
                                   {0x2709, "e-mail", "邮件"},
                                   {0x1f9fe, "invoice", "发票"},
                                   {0x1f511, "password", "密码"},
                                   {0x1f510, "password", "密码"},
                                   {0x1f3e0, "home address", "地址"},
                                   {0x1f3ea, "shop", "门店"},
                                   {0x23f0, "how long", "多久"},
                                   {0x231b, "how long", "多久"},
                                   {0x23f3, "how long", "多久"},
                                   {0x1f4c5, "which day", "哪天"},
                                   {0x274c, "not", "不行"},
                                   {0x1f6ab, "not", "不要"},
                                   {0x2753, "?", "？"},
                                   {0x2754, "?", "？"},
                                   {0x2049, "?", "？"},
                                   {0x1f457, "dress", "裙子"},
                                   {0x1f456, "trousers", "裤子"},
                                   {0x1f455, "t-shirt", "T恤"},
                                   {0x1f45f, "shoes", "鞋"},
                                   {0x1f460, "shoes", "鞋"},
                                   {0x1f97e, "boots", "靴子"},
                                   {0x1f45c, "bag", "包"},
                                   {0x1f392, "backpack", "背包"},
                                   {0x1f9e5, "coat", "外套"},
                                   {0x1f9e6, "socks", "袜子"},
                                   {0x1f3fa, "vase", "花瓶"},
                                   {0x2615, "coffee", "咖啡"},
                                   {0x1f375, "tea", "茶"},
                                   {0x1f3a7, "headphones", "耳机"},
                                   {0x1f50b, "battery", "电池"},
                                   {0x1f4a1, "lamp", "灯"},
                                   {0x1f6cb, "sofa", "沙发"},
                                   {0x1f6cf, "bed", "床"},
                                   {0x1fa91, "chair", "椅子"},
                                   {0x1f9f8, "toy", "玩具"},
                                   {0x1f64f, "thanks", "谢谢"},
                                   {0x1f44b, "hello", "你好"},
                                   {0x1f4a9, "rubbish", "垃圾"},
                                   {0x1f595, "idiots", "滚"},
                                   {0x1f4cf, "size", "尺码"},
                                   {0x1f3f7, "coupon", "优惠券"},
                                   {0x1f39f, "coupon", "优惠券"},
                                   {0x2b50, "review", "评价"}};

/* An emoji, or a character that modifies one: variation selectors, skin tones, joiners, flags. */
static bool is_picture(uint32_t c) {
    return (c >= 0x1f000 && c <= 0x1faff) || (c >= 0x2600 && c <= 0x27bf) || c == 0x2049 || c == 0x203c ||
           c == 0x21a9 || (c >= 0x231a && c <= 0x23ff) || (c >= 0x2b00 && c <= 0x2bff) || c == 0xfe0f || c == 0x200d;
}

static const picture *find_picture(uint32_t c) {
    for (size_t i = 0; i < sizeof pictures / sizeof *pictures; i++)
        if (pictures[i].code == c) return &pictures[i];
    return NULL;
}

/* What the text has besides emoji that show a mood. */
typedef struct contents {
    size_t pictures, things, letters;
    bool han;
} contents;

static contents look(const unsigned char *text, size_t n) {
    contents all = {0};
    for (size_t i = 0; i < n;) {
        uint32_t c;
        i += shop_utf8_decode(text + i, n - i, &c);
        all.pictures += is_picture(c);
        all.things += is_picture(c) && find_picture(c) != NULL;
        all.letters += (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
        if (c >= 0x3400 && c <= 0x9fff) all.letters++, all.han = true;
    }
    return all;
}

llmcs_status shop_emoji_to_words(const llmcs_allocator *a, const char *text, size_t n, char **out, size_t *out_bytes) {
    enum { MOST_GROWTH = 8 }; /* "how long" and spaces replace three bytes */
    const unsigned char *bytes = (const unsigned char *)text;
    const contents all = look(bytes, n);
    size_t used = 0, capacity;
    const picture *last = NULL;
    *out = NULL;
    *out_bytes = 0;
    if (!all.pictures || (!all.things && !all.letters)) return LLMCS_OK;
    if (!shop_mul(n, MOST_GROWTH, &capacity)) return shop_fail(LLMCS_NOMEM, "text: too long");
    SHOP_TRY(shop_alloc(a, capacity + 1, 1, "text", out));
    for (size_t i = 0; i < n;) {
        uint32_t c;
        const size_t len = shop_utf8_decode(bytes + i, n - i, &c);
        if (!is_picture(c)) {
            memcpy(*out + used, text + i, len);
            used += len;
            last = NULL;
        } else {
            const picture *p = find_picture(c);
            const char *word = !p || p == last ? "" : all.han ? p->zh : p->en;
            if (used && (*out)[used - 1] != ' ' && *word != '?') (*out)[used++] = ' ';
            memcpy(*out + used, word, strlen(word));
            used += strlen(word);
            if (*word && !all.han) (*out)[used++] = ' ';
            if (p) last = p;
        }
        i += len;
    }
    while (used && (*out)[used - 1] == ' ') used--;
    (*out)[used] = 0;
    *out_bytes = used;
    return LLMCS_OK;
}
