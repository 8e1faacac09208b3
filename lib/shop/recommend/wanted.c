/* Reads what a text wants: kind, audience, gift. */
#include "shop/recommend/wanted.h"

#include <string.h>

#include "shop/base/utf8.h"
#include "shop/recommend/age.h"

enum { MONTHS_OF_CHILD = 14 * 12 };

static bool is_ascii_letter(char c) { return c >= 'a' && c <= 'z'; }

/* True if the phrase stands at byte i. A Latin one is whole there, apart from a plural or "'s". */
static bool says_at(const char *text, size_t n, size_t i, const char *phrase) {
    const size_t m = strlen(phrase);
    if (i + m > n || memcmp(text + i, phrase, m) != 0) return false;
    if (!is_ascii_letter(*phrase)) return true;
    const size_t end = i + m < n && text[i + m] == 's' ? i + m + 1 : i + m;
    return end >= n || !is_ascii_letter(text[end]);
}

static bool says_one_at(const char *text, size_t n, size_t i, const char *const *phrases) {
    for (; *phrases; phrases++)
        if (says_at(text, n, i, *phrases)) return true;
    return false;
}

/* True if the text has one of the phrases. */
static bool says(const char *text, size_t n, const char *const *phrases) {
    for (size_t i = 0; i < n; i++) {
        const bool inside = is_ascii_letter(text[i]) && i && is_ascii_letter(text[i - 1]);
        if (!inside && says_one_at(text, n, i, phrases)) return true;
    }
    return false;
}

static void find_tags(const shop_catalog *catalog, const char *const *names, uint32_t labels[SHOP_AUDIENCE_TAGS]) {
    for (size_t i = 0; i < SHOP_AUDIENCE_TAGS; i++)
        labels[i] = names[i] ? shop_catalog_label(catalog, SHOP_LABEL_TAG, names[i]) : SHOP_NO_LABEL;
}

static void read_audience(const char *text, size_t n, shop_wanted *w) {
    static const char *const children[] = {"kid",      "child",         "children", "baby", "babies", "toddler",
                                           "son",      "daughter",      "boy",      "girl", "nephew", "niece",
                                           "grandson", "granddaughter", "孩子",     "小孩", "儿童",   "宝宝",
                                           "儿子",     "女儿",          "小朋友",   "男孩", "女孩",   "娃",
                                           "侄",       "孙子",          "孙女",     NULL};
    static const char *const women[] = {"girlfriend",  "wife",   "gf",     "mum",  "mom",    "mother", "grandma",
                                        "grandmother", "aunt",   "sister", "lady", "ladies", "woman",  "women",
                                        "female",      "女朋友", "女友",   "老婆", "妻子",   "媳妇",   "妈",
                                        "奶奶",        "外婆",   "婆婆",   "姐姐", "阿姨",   "闺蜜",   "女士",
                                        "女生",        "女式",   "女款",   NULL};
    static const char *const men[] = {
        "boyfriend", "husband", "bf",   "dad",       "father", "grandpa", "grandfather", "granddad", "uncle", "brother",
        "man",       "men",     "male", "gentleman", "男朋友", "男友",    "老公",        "丈夫",     "爸",    "爷爷",
        "外公",      "公公",    "哥哥", "叔叔",      "男士",   "男生",    "男式",        "男款",     NULL};
    static const char *const adults[] = {"colleague", "boss",   "coworker", "co-worker", "teacher",   "friend",
                                         "parents",   "couple", "adult",    "flatmate",  "neighbour", "neighbor",
                                         "同事",      "老板",   "领导",     "老师",      "朋友",      "父母",
                                         "长辈",      "客户",   "大人",     "邻居",      "情侣",      NULL};
    /* 女朋友 contains 朋友, and 男孩 is not 男, so each list only has words of one meaning. */
    const bool says_child = says(text, n, children);
    w->has_age = shop_read_age(text, n, says_child, &w->age);
    const bool child = says_child || (w->has_age && w->age < MONTHS_OF_CHILD);
    w->woman = says(text, n, women);
    w->man = says(text, n, men);
    const bool adult = w->woman || w->man || says(text, n, adults);
    w->child = child && !adult;
    w->adult = adult && !child;
    if (w->woman && w->man) w->woman = w->man = false;
    if (!w->adult) w->woman = w->man = false;
}

/* Seasons and uses, and the tags of goods for them. */
static const struct {
    const char *tag, *words[8];
} uses[] = {{"winter", {"winter", "cold days", "冬天", "冬季", "过冬", "天冷", NULL}},
            {"summer", {"summer", "hot days", "夏天", "夏季", NULL}},
            {"camping", {"camping", "露营", NULL}},
            {"hiking", {"hiking", "徒步", "爬山", NULL}},
            {"travel", {"travel", "travelling", "traveling", "旅行", "旅游", "出差", NULL}},
            {"office", {"office", "办公", "上班", NULL}}};

/* Returns the tag of the use that the text names. */
static uint32_t read_use(const shop_catalog *catalog, const char *text, size_t n) {
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++)
        if (says(text, n, uses[i].words)) return shop_catalog_label(catalog, SHOP_LABEL_TAG, uses[i].tag);
    return SHOP_NO_LABEL;
}

void shop_wanted_read(const shop_catalog *catalog, const char *text, size_t bytes, const char *without,
                      shop_wanted *w) {
    static const char *const kids[SHOP_AUDIENCE_TAGS] = {"kids", "children", "family", "儿童"};
    static const char *const women[SHOP_AUDIENCE_TAGS] = {"women", "woman", "女", "女士"};
    static const char *const men[SHOP_AUDIENCE_TAGS] = {"men", "man", "男", "男士"};
    static const char *const gift[SHOP_AUDIENCE_TAGS] = {"gift", "gifts", "礼物", "礼品"};
    static const char *const gifts[] = {"gift", "present", "birthday", "礼物", "礼品", "送礼", "送给", "生日", NULL};
    char folded[SHOP_KIND_TEXT];
    const size_t n = bytes < SHOP_KIND_TEXT ? bytes : SHOP_KIND_TEXT;
    for (size_t i = 0; i < n; i++) folded[i] = shop_lower(text[i]);
    memset(w, 0, sizeof *w);
    shop_kinds_find(&catalog->kinds, text, bytes, without, &w->kinds);
    read_audience(folded, n, w);
    w->gift = !shop_wanted_names_kind(w) && (w->adult || says(folded, n, gifts));
    w->use =
        shop_wanted_names_kind(w) || w->gift || w->adult || w->child ? SHOP_NO_LABEL : read_use(catalog, folded, n);
    find_tags(catalog, kids, w->kids);
    find_tags(catalog, women, w->women);
    find_tags(catalog, men, w->men);
    find_tags(catalog, gift, w->gifts);
}

static bool has_label(const shop_catalog *catalog, const shop_item *item, const uint32_t *labels, size_t n) {
    for (uint32_t t = 0; t < item->n_tags; t++)
        for (size_t i = 0; i < n; i++)
            if (labels[i] != SHOP_NO_LABEL && catalog->tags[item->tags + t] == labels[i]) return true;
    return false;
}

bool shop_wanted_is_kind(const shop_wanted *w, const shop_catalog *catalog, const shop_item *item) {
    if (!shop_wanted_names_kind(w)) return true;
    return (w->kinds.has_category && item->category == w->kinds.category) ||
           has_label(catalog, item, w->kinds.labels, w->kinds.n);
}

static bool any_known(const uint32_t labels[SHOP_AUDIENCE_TAGS]) {
    for (size_t i = 0; i < SHOP_AUDIENCE_TAGS; i++)
        if (labels[i] != SHOP_NO_LABEL) return true;
    return false;
}

bool shop_wanted_suits(const shop_wanted *w, const shop_catalog *catalog, const shop_item *item) {
    const bool kids = has_label(catalog, item, w->kids, SHOP_AUDIENCE_TAGS);
    const bool women = has_label(catalog, item, w->women, SHOP_AUDIENCE_TAGS);
    const bool men = has_label(catalog, item, w->men, SHOP_AUDIENCE_TAGS);
    if (has_label(catalog, item, w->kinds.excluded, w->kinds.n_excluded)) return false;
    if (w->has_age && item->least_age > w->age) return false;
    if (shop_wanted_names_kind(w)) return (!w->woman || women || !men) && (!w->man || men || !women);
    if (w->use != SHOP_NO_LABEL && !has_label(catalog, item, &w->use, 1)) return false;
    if (w->adult && kids) return false;
    if ((w->woman && men && !women) || (w->man && women && !men)) return false;
    if (w->child && any_known(w->kids) && !kids) return false;
    return !w->gift || !any_known(w->gifts) || has_label(catalog, item, w->gifts, SHOP_AUDIENCE_TAGS);
}
