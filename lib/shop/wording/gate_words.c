/* The gate's word tables. Adding a word makes the gate stricter, except in the list of common words. */
#include "shop/wording/gate_words.h"

#include <stdlib.h>
#include <string.h>

static bool same(const char *word, size_t n, const char *with) { return strlen(with) == n && !memcmp(word, with, n); }

/* True if `word` is one of the space-separated words. */
static bool is_one_of(const char *words, const char *word, size_t n) {
    for (const char *at = words; *at;) {
        const size_t len = strcspn(at, " ");
        if (len == n && !memcmp(at, word, n)) return true;
        at += len + (at[len] == ' ');
    }
    return false;
}

/* ---- units */

/* Row i is unit GATE_UNIT_TABLE + i: English words, Chinese ones. */
static const struct {
    const char *latin, *han;
    bool counts_one;
} units[] = {
    {"day days", "天 日", true},
    {"workday workdays", "工作日 个工作日", true}, /* "working days" and "business days": the lexer joins them */
    {"hour hours hr hrs h", "小时 个小时 钟头 个钟头", true},
    {"minute minutes min mins", "分钟", true},
    {"second seconds sec", "秒 秒钟", true},
    {"week weeks", "周 星期 个星期 礼拜 个礼拜", true},
    {"month months", "个月", true},
    {"year years yr yrs", "年", true},
    {"yuan rmb cny", "元 块 块钱 元钱", true},
    {"dollar dollars usd bucks", "美元 美金", true},
    {"euro euros eur", "欧元", true},
    {"pound pounds gbp", "英镑", true},
    {"percent", "成", true},
    {"", "折", true},
    {"cm centimetre centimetres centimeter centimeters", "厘米 公分", false},
    {"mm millimetre millimetres millimeter millimeters", "毫米", false},
    {"m metre metres meter meters", "米", false},
    {"km", "公里 千米", false},
    {"inch inches", "寸 英寸", false},
    {"kg kilo kilos kilogram kilograms", "公斤 千克", false},
    {"g gram grams", "克", false},
    {"mg", "毫克", false},
    {"", "斤", false},
    {"l litre litres liter liters", "升", false},
    {"ml millilitre millilitres milliliter milliliters", "毫升", false},
    {"w watt watts", "瓦", false},
    {"kw", "千瓦", false},
    {"v volt volts", "伏", false},
    {"mah", "毫安时 毫安", false},
    {"hz", "赫兹", false},
    {"gb", "", false},
    {"mb", "", false},
    {"tb", "", false},
    {"k", "", false},
    {"points point", "积分", false},
    {"times", "次", false},
    {"", "倍", true},
    {"piece pieces pcs item items pair pairs", "件 个 只 条 双 套 包 盒 袋 支 本 张 把 台 部 瓶 片 罐 块儿 颗", false},
    {"people persons players person", "人 位", false},
    {"", "岁", false},
    {"am", "", true},
    {"pm", "", true},
};
enum { N_UNITS = sizeof units / sizeof *units, PERCENT = 12, YUAN = 8, DOLLAR, EURO, POUND };

uint32_t gate_unit_of_word(const char *word, size_t n) {
    for (uint32_t i = 0; i < N_UNITS; i++)
        if (is_one_of(units[i].latin, word, n)) return GATE_UNIT_TABLE + i;
    return GATE_UNIT_NONE;
}

/* Decodes one character; the tables are valid UTF-8. */
static int32_t next_character(const char **at) {
    const unsigned char *s = (const unsigned char *)*at;
    const int more = *s < 0x80 ? 0 : *s < 0xe0 ? 1 : *s < 0xf0 ? 2 : 3;
    int32_t c = more == 0 ? *s : more == 1 ? *s & 0x1f : more == 2 ? *s & 0x0f : *s & 0x07;
    for (int i = 1; i <= more; i++) c = (int32_t)((uint32_t)c << 6 | (s[i] & 0x3fu));
    *at += more + 1;
    return c;
}

uint32_t gate_unit_of_han(const int32_t *c, size_t n, size_t *used) {
    uint32_t found = GATE_UNIT_NONE;
    *used = 0;
    for (uint32_t i = 0; i < N_UNITS; i++)
        for (const char *at = units[i].han; *at; at += *at == ' ') {
            size_t len = 0;
            bool equal = true;
            while (*at && *at != ' ') {
                const int32_t wanted = next_character(&at);
                equal = equal && len < n && c[len] == wanted;
                len++;
            }
            if (equal && len > *used) *used = len, found = GATE_UNIT_TABLE + i;
        }
    return found;
}

uint32_t gate_unit_of_sign(int32_t c) {
    switch (c) {
        case '$':
            return GATE_UNIT_TABLE + DOLLAR;
        case 0x20ac:
            return GATE_UNIT_TABLE + EURO;
        case 0xa3:
            return GATE_UNIT_TABLE + POUND;
        case 0xa5:
            return GATE_UNIT_TABLE + YUAN;
        case '%':
            return GATE_UNIT_TABLE + PERCENT;
        default:
            return GATE_UNIT_NONE;
    }
}

bool gate_unit_counts_one(uint32_t unit) {
    return unit >= GATE_UNIT_TABLE ? units[unit - GATE_UNIT_TABLE].counts_one : unit != GATE_UNIT_NONE;
}

uint32_t gate_month(const char *word, size_t n, bool capital) {
    static const char *const months[] = {"january jan",   "february feb", "march mar",    "april apr",
                                         "may",           "june jun",     "july jul",     "august aug",
                                         "september sep", "october oct",  "november nov", "december dec"};
    if (!capital && (same(word, n, "may") || same(word, n, "march") || same(word, n, "mar") || same(word, n, "dec")))
        return 0;
    for (uint32_t i = 0; i < 12; i++)
        if (is_one_of(months[i], word, n)) return i + 1;
    return 0;
}

/* ---- promises, and claims that something was done. "!": bound to the number or condition in the fact */

const char *const gate_promises_en[] = {
    "!free",         "!complimentary",
    "!gratis",       "!no charge",
    "!no cost",      "!guarant*",
    "!warrant*",     "!promis*",
    "assur*",        "commit*",
    "!refund*",      "!reimburs*",
    "!compensat*",   "credit*",
    "!money back",   "!discount*",
    "!coupon*",      "!voucher*",
    "!rebate*",      "bonus*",
    "gift*",         "off",
    "cheapest",      "lowest",
    "best price",    "!price match*",
    "!replac*",      "!exchang*",
    "!return*",      "repair*",
    "!cancel*",      "lifetime",
    "forever",       "always",
    "never",         "any time",
    "anytime",       "immediately",
    "instantly",     "right away",
    "at once",       "today",
    "tomorrow",      "tonight",
    "yesterday",     "monday",
    "tuesday",       "wednesday",
    "thursday",      "friday",
    "saturday",      "sunday",
    "weekend*",      "genuine",
    "authentic",     "original*",
    "certif*",       "approv*",
    "safe",          "harmless",
    "cure*",         "heal*",
    "treat*",        "medical*",
    "doctor*",       "legal*",
    "lawyer*",       "sue",
    "liab*",         "insur*",
    "yes",           "certainly",
    "definitely",    "absolutely",
    "of course",     "sure",
    "no problem",    "unlimited",
    "double",        "twice",
    "triple",        "without question*",
    "every country", "worldwide",
    "everywhere",    "delivered",
    "ship*",         "sent",
    "arriv*",        "dispatch*",
    "processed",     "confirmed",
    "updated",       "changed",
    "booked",        "reserved",
    "accepted",      "rejected",
    "deleted",       "transferred",
    "paid",          "charged",
    "unsubscrib*",   "in stock",
    "available",     "sold out",
    "restock*",      "upgrade*",
    "priority",      "express",
    "vip",           "gold",
    "trial*",        "half price",
    "sale",          "deal*",
    "win",           "prize*",
    "password*",     "pin",
    "card number*",  "account number*",
    "bank*",         "cover*",
    "!waive*",       "on us",
    "match any",     "we match",
    "cost nothing",  "costs nothing",
    "nothing",       "throw in",
    "worn",          "used",
    "opened",        "washed",
    "deadline*",     "couple",
    "few days",      "few hours",
    "few weeks",     "few minutes",
    "several days",  "several hours",
    "several weeks", "half",
    "a half",        "everyone return*",
    "everyone get*", "everyone pay*",
    "everyone can",  "everybody",
    "all orders",    "all items",
    "any price",     "day after",
    "money",         "done",
    "perfectly",     "pregnan*",
    "bab*",
};
const size_t gate_n_promises_en = sizeof gate_promises_en / sizeof *gate_promises_en;

const char *const gate_promises_zh[] = {
    "!免费",    "!包邮",   "!免邮",  "!免运费", "!免单",  "白送",   "!不收费", "不要钱", "!保证",  "!承诺",  "保障",
    "担保",     "负责",    "!退款",  "!退货",   "!换货",  "!退换",  "!可退",   "!能退",  "!包退",  "!包换",  "!退还",
    "!退回",    "!返还",   "!返现",  "!赔",     "!补偿",  "!补发",  "补寄",    "!优惠",  "!折扣",  "!打折",  "红包",
    "!代金券",  "!优惠券", "赠",     "送您",    "礼品",   "礼物",   "特价",    "促销",   "秒杀",   "最低",   "最便宜",
    "全网",     "价保",    "保价",   "降价",    "差价",   "!质保",  "!保修",   "维修",   "终身",   "永久",   "永远",
    "立即",     "马上",    "立刻",   "即刻",    "今天",   "明天",   "后天",    "昨天",   "今晚",   "当天",   "当日",
    "次日",     "隔日",    "周一",   "周二",    "周三",   "周四",   "周五",    "周六",   "周日",   "周末",   "星期",
    "正品",     "原装",    "官方",   "授权",    "认证",   "假一",   "绝对",    "一定",   "肯定",   "必定",   "百分百",
    "百分之百", "没问题",  "当然",   "是的",    "可以的", "能的",   "无条件",  "!全额",  "双倍",   "翻倍",   "治疗",
    "治愈",     "疗效",    "药",     "医",      "安全",   "无害",   "无毒",    "律师",   "法律",   "起诉",   "责任",
    "保险",     "发货",    "送达",   "送到",    "到货",   "签收",   "寄出",    "派送",   "已取消", "已退",   "已改",
    "已修改",   "已更改",  "已更新", "已处理",  "已提交", "已确认", "已安排",  "已登记", "已为您", "已经",   "!取消",
    "到账",     "扣款",    "有货",   "现货",    "缺货",   "补货",   "库存",    "加急",   "优先",   "升级",   "会员",
    "积分",     "试用",    "抽奖",   "中奖",    "密码",   "验证码", "银行卡",  "账号",   "全国",   "全球",   "任何地区",
    "随时",     "我们出",  "本店出", "不花钱",  "花钱",   "治",     "期限",    "穿过",   "用过",   "拆封",   "拆开",
    "洗过",     "全部",    "退给",   "钱退",    "搞定",   "办好",   "几天",    "个半",   "几个",   "几小时", "数天",
    "数日",     "不久",    "很快",   "人人",    "所有",   "宝宝",   "孕妇",    "半价",   "倒贴",   "承担",
};
const size_t gate_n_promises_zh = sizeof gate_promises_zh / sizeof *gate_promises_zh;

const char *const gate_names_zh[] = {
    "顺丰",     "圆通",     "中通",     "申通",   "韵达",     "极兔",     "京东",   "邮政",   "德邦",   "百世",
    "淘宝",     "天猫",     "拼多多",   "抖音",   "快手",     "小红书",   "闲鱼",   "唯品会", "苏宁",   "亚马逊",
    "支付宝",   "微信",     "银联",     "花呗",   "借呗",     "白条",     "云闪付", "华为",   "小米",   "苹果",
    "三星",     "耐克",     "阿迪",     "北京",   "上海",     "广州",     "深圳",   "杭州",   "成都",   "南京",
    "武汉",     "西安",     "重庆",     "苏州",   "长沙",     "青岛",     "厦门",   "天津",   "郑州",   "宁波",
    "大连",     "沈阳",     "香港",     "澳门",   "台湾",     "浙江",     "江苏",   "广东",   "福建",   "四川",
    "山东",     "河南",     "新疆",     "西藏",   "内蒙古",   "中国",     "美国",   "日本",   "韩国",   "德国",
    "法国",     "英国",     "泰国",     "新加坡", "马来西亚", "澳大利亚", "加拿大", "俄罗斯", "意大利", "工商银行",
    "建设银行", "招商银行", "农业银行",
};
const size_t gate_n_names_zh = sizeof gate_names_zh / sizeof *gate_names_zh;

/* ---- words that are no names */

/* Sorted by strcmp, for bsearch. */
static const char *const common[] = {
    "a",           "about",       "according", "actually",   "after",     "again",     "age",        "all",
    "also",        "although",    "an",        "and",        "any",       "anything",  "apologies",  "are",
    "as",          "ask",         "at",        "back",       "battery",   "because",   "before",     "below",
    "between",     "both",        "bring",     "but",        "by",        "call",      "can",        "capacity",
    "care",        "check",       "choose",    "click",      "color",     "colour",    "comes",      "comfort",
    "comfortable", "contact",     "contents",  "could",      "current",   "currently", "customers",  "dear",
    "delicate",    "depending",   "designed",  "details",    "did",       "discover",  "do",         "does",
    "during",      "each",        "easy",      "either",     "enjoy",     "enter",     "everything", "features",
    "feel",        "few",         "fill",      "find",       "first",     "following", "for",        "from",
    "fun",         "furthermore", "gentle",    "give",       "go",        "good",      "great",      "grown",
    "had",         "happy",       "has",       "have",       "hello",     "help",      "her",        "here",
    "hers",        "hey",         "hi",        "highlights", "his",       "holds",     "how",        "however",
    "i",           "id",          "if",        "ill",        "im",        "in",        "includes",   "including",
    "is",          "it",          "its",       "ive",        "just",      "keep",      "key",        "kind",
    "layout",      "let",         "like",      "listed",     "log",       "look",      "looking",    "made",
    "make",        "many",        "material",  "may",        "meanwhile", "measures",  "meet",       "might",
    "more",        "most",        "much",      "must",       "my",        "neither",   "nice",       "no",
    "none",        "nor",         "not",       "note",       "nothing",   "now",       "of",         "often",
    "ok",          "on",          "once",      "one",        "only",      "open",      "or",         "order",
    "orders",      "other",       "otherwise", "our",        "ours",      "out",       "over",       "package",
    "packed",      "pages",       "parcel",    "per",        "perfect",   "perhaps",   "pieces",     "please",
    "pleased",     "pleasure",    "power",     "price",      "prices",    "product",   "products",   "question",
    "questions",   "quick",       "rated",     "rather",     "reach",     "ready",     "regarding",  "right",
    "roast",       "say",         "scent",     "see",        "select",    "shall",     "she",        "should",
    "simple",      "since",       "size",      "sizes",      "small",     "so",        "soft",       "some",
    "soon",        "sorry",       "speak",     "standard",   "status",    "still",     "suitable",   "sun",
    "talk",        "tell",        "thank",     "thanks",     "that",      "thats",     "the",        "their",
    "then",        "there",       "therefore", "these",      "they",      "this",      "those",      "though",
    "through",     "thus",        "to",        "together",   "total",     "try",       "under",      "unfortunately",
    "unless",      "until",       "up",        "us",         "use",       "usually",   "very",       "via",
    "want",        "was",         "we",        "weight",     "welcome",   "well",      "were",       "weve",
    "what",        "whats",       "when",      "where",      "whether",   "which",     "while",      "who",
    "whose",       "why",         "will",      "wish",       "with",      "within",    "without",    "would",
    "write",       "year",        "yet",       "you",        "your",      "youre",     "yours",
};

static int by_name(const void *key, const void *element) { return strcmp(key, *(const char *const *)element); }

bool gate_is_common_word(const char *word, size_t n) {
    char key[24];
    if (n >= sizeof key) return false;
    memcpy(key, word, n);
    key[n] = 0;
    return bsearch(key, common, sizeof common / sizeof *common, sizeof *common, by_name) != NULL;
}

bool gate_is_limit_before(const char *word, size_t n) {
    return is_one_of("from over above exceeding exceeds least minimum min threshold than", word, n);
}

bool gate_is_limit_after(const char *word, size_t n) { return is_one_of("more above up upwards", word, n); }

bool gate_is_han_limit(int32_t c) { /* 满 超 达 够 起 以上 门槛 */
    static const int32_t limits[] = {0x6ee1, 0x8d85, 0x8fbe, 0x591f, 0x8d77, 0x4e0a, 0x69db};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        if (limits[i] == c) return true;
    return false;
}

bool gate_unit_is_money(uint32_t unit) { return unit >= GATE_UNIT_TABLE + YUAN && unit <= GATE_UNIT_TABLE + POUND; }

enum { RETURNS, EXCHANGES, REFUNDS, SHIPPING, WARRANTY, REPAIRS, INVOICES, INSTALMENTS, GIFT_CARDS, COUPONS, PRICES };
enum { ENGRAVING = PRICES + 1, ASSEMBLY, PICKUP, CANCELLING, COMPLAINTS, REVIEWS, UNPAID };

const gate_topic gate_topics[] = {
    {"return*", RETURNS},
    {"send* back", RETURNS},
    {"sent back", RETURNS},
    {"send* it back", RETURNS},
    {"退货", RETURNS},
    {"退回", RETURNS},
    {"寄回", RETURNS},
    {"exchang*", EXCHANGES},
    {"swap*", EXCHANGES},
    {"换货", EXCHANGES},
    {"调换", EXCHANGES},
    {"refund*", REFUNDS},
    {"money back", REFUNDS},
    {"退款", REFUNDS},
    {"到账", REFUNDS},
    {"deliver*", SHIPPING},
    {"shipping", SHIPPING},
    {"shipped", SHIPPING},
    {"ships", SHIPPING},
    {"shipment*", SHIPPING},
    {"dispatch*", SHIPPING},
    {"postage", SHIPPING},
    {"配送", SHIPPING},
    {"送达", SHIPPING},
    {"送货", SHIPPING},
    {"送到", SHIPPING},
    {"到货", SHIPPING},
    {"发货", SHIPPING},
    {"发出", SHIPPING},
    {"运费", SHIPPING},
    {"邮费", SHIPPING},
    {"包邮", SHIPPING},
    {"免运费", SHIPPING},
    {"warrant*", WARRANTY},
    {"guarantee*", WARRANTY},
    {"保修", WARRANTY},
    {"质保", WARRANTY},
    {"repair*", REPAIRS},
    {"维修", REPAIRS},
    {"修理", REPAIRS},
    {"invoice*", INVOICES},
    {"receipt*", INVOICES},
    {"发票", INVOICES},
    {"instalment*", INSTALMENTS},
    {"installment*", INSTALMENTS},
    {"分期", INSTALMENTS},
    {"gift card*", GIFT_CARDS},
    {"礼品卡", GIFT_CARDS},
    {"coupon*", COUPONS},
    {"voucher*", COUPONS},
    {"优惠券", COUPONS},
    {"price protection", PRICES},
    {"价格保护", PRICES},
    {"价保", PRICES},
    {"差价", PRICES},
    {"engrav*", ENGRAVING},
    {"刻字", ENGRAVING},
    {"assembl*", ASSEMBLY},
    {"安装", ASSEMBLY},
    {"组装", ASSEMBLY},
    {"collect*", PICKUP},
    {"pickup", PICKUP},
    {"自提", PICKUP},
    {"cancel*", CANCELLING},
    {"取消", CANCELLING},
    {"complain*", COMPLAINTS},
    {"投诉", COMPLAINTS},
    {"review*", REVIEWS},
    {"评价", REVIEWS},
    {"unpaid", UNPAID},
    {"未付款", UNPAID},
};
const size_t gate_n_topics = sizeof gate_topics / sizeof *gate_topics;

bool gate_is_reference_before(const char *word, size_t n) {
    return is_one_of("after since from until till before upon following", word, n);
}

bool gate_is_han_reference_after(int32_t c) { /* 后 前 起 之 以 */
    static const int32_t marks[] = {0x540e, 0x524d, 0x8d77, 0x4e4b, 0x4ee5};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (marks[i] == c) return true;
    return false;
}

bool gate_joins_clauses(const char *word, size_t n) { return is_one_of("and but while whereas or", word, n); }

bool gate_is_negation(const char *word, size_t n) {
    return is_one_of(
        "not no never cannot cant without nor neither dont doesnt didnt wont isnt arent wasnt werent couldnt "
        "shouldnt wouldnt havent hasnt hadnt none nothing unable false non",
        word, n);
}

bool gate_is_han_negation(int32_t c) {
    static const int32_t negations[] = {0x4e0d, 0x6ca1, 0x65e0, 0x672a, 0x975e, 0x522b, 0x52ff, 0x5426};
    for (size_t i = 0; i < sizeof negations / sizeof *negations; i++)
        if (negations[i] == c) return true;
    return false;
}

bool gate_is_condition(const char *word, size_t n) {
    return is_one_of(
        "if unless only except until when where once provided depending within from above over under below "
        "between before after as long but excluding",
        word, n);
}

const char *const gate_conditions_zh[] = {"如果", "若", "如", "仅", "只", "除",   "须",   "需", "满",
                                          "未",   "前", "内", "后", "但", "以上", "以下", "限"};
const size_t gate_n_conditions_zh = sizeof gate_conditions_zh / sizeof *gate_conditions_zh;
