#include "shop/desk/properties.h"

#include <string.h>

/* What customers say, and how descriptions state it. */
static const struct {
    const char *asks[16], *says[16];
} properties[] = {
    {{"wash", "washed", "washing", "washable", "washing machine", "shrink", "clean", "dirty", "洗", "缩水", "脏了",
      "清洁", "弄脏", NULL},
     {"wash", "washed", "washable", "machine-washable", "wipe", "rinse", "vacuum", "shrinks", "stains", "wipes",
      "cleaning", "洗", "擦", "清水", "吸尘", NULL}},
    {{"waterproof", "water resistant", "rain", "get wet", "swim", "swimming", "shower", "防水", "淋雨", "下雨", "进水",
      "沾水", "游泳", NULL},
     {"waterproof", "splash-proof", "sweat-proof", "keeps off", "resists water", "water-resistant", "防水", "防泼溅",
      "防汗", "小雨", "防雨", NULL}},
    {{"loud", "noise", "noisy", "quiet", "silent", "吵", "噪音", "静音", "声音大", "安静", NULL},
     {"quiet", "quietly", "quieter", "softly", "creak", "静音", "分贝", "没声音", "安静", "吱呀", NULL}},
    {{"slip", "slippery", "non-slip", "slide", "grip", "防滑", "打滑", "滑不滑", NULL},
     {"slip", "slipping", "grips", "grip", "rubber feet", "防滑", "打滑", "不滑", "抓地", NULL}},
    {{"pack small", "packs", "pack down", "fold", "folds", "foldable", "compact", "收纳", "折叠", "占地方", "便携",
      NULL},
     {"packs", "folds", "folded", "stack flat", "coat pocket", "收纳", "折", "便携", "叠放", NULL}},
    {{"stove", "hob", "induction", "gas", "flame", "明火", "电磁炉", "燃气", "炉子", "火上", NULL},
     {"stove", "stoves", "炉", NULL}},
    {{"plane", "planes", "airplane", "flight", "flights", "airport", "cabin", "飞机", "登机", "航班", NULL},
     {"cabin", "航班", "登机", NULL}},
    {{"caffeine", "caffeine-free", "decaf", "decaffeinated", "咖啡因", NULL}, {"caffeine", "decaf", "咖啡因", NULL}},
    {{"gluten", "gluten-free", "麸质", NULL}, {"gluten", "麸质", NULL}},
    {{"vegan", "vegetarian", "cruelty", "animals", "素食", "动物实验", NULL},
     {"vegan", "animals", "素食", "动物", NULL}},
    {{"sugar", "sweetened", "sugar-free", "糖", NULL}, {"sugar", "sweet", "糖", "甜", NULL}},
    {{"organic", "有机", NULL}, {"organic", "有机", NULL}},
    {{"warm", "warm enough", "cold", "minus", "freezing", "厚不厚", "厚吗", "保暖", "零下", "冷不冷", "暖和", NULL},
     {"warm", "warmth", "comfort", "保暖", "锁温", "舒适温度", "鸭绒", NULL}},
    {{"edible", "eat", "eaten", "swallow", "swallows", "toxic", "mouth", "能吃", "误食", "有毒", "毒", NULL},
     {"non-toxic", "flour", "safe for food", "small parts", "无毒", "面粉", "食品接触", "小零件", NULL}},
    {{"model", "模特", NULL}, {"model", "模特", NULL}},
    {{"assemble", "assembled", "assembly", "put together", "put up", "组装", "安装", "装好", NULL},
     {"put together", "put up", "tools", "fittings", "装好", "工具", "螺丝", "固定件", NULL}},
    {{"laptop", "computer", "macbook", "电脑", "寸笔记本", NULL}, {"laptop", "laptops", "电脑", NULL}},
    {{"leak", "leaks", "spill", "漏", "洒", NULL}, {"leak", "spill", "seal", "seals", "漏", "洒", "密封", NULL}},
    {{"allergic", "allergy", "allergies", "hypoallergenic", "sensitive", "过敏", "敏感", NULL},
     {"allergic", "sensitive", "敏感", "过敏", NULL}},
    {{"iphone", "android", "ios", "安卓", "苹果手机", NULL}, {"android", "ios", NULL}},
    {{"fade", "fades", "rub off", "掉色", "褪色", NULL}, {"rub off", "掉色", NULL}},
    {{"iron", "ironing", "wrinkle", "熨", "起皱", NULL}, {"iron", "ironing", "熨", NULL}},
    {{"itchy", "itch", "scratchy", "扎人", "扎不扎", NULL}, {"scratch", "scratches", "扎", NULL}},
    {{"see through", "see-through", "transparent", "透不透", "显透", NULL}, {"see-through", "不透", NULL}},
    {{"breathable", "sweaty", "透气", "闷", NULL}, {"breathable", "lets air through", "airy", "透气", NULL}},
};
enum { N_PROPERTIES = sizeof properties / sizeof *properties };

/* True if the words have the phrase outside [begin, end). */
static bool has_outside(const desk_words *w, const char *phrase, size_t begin, size_t end) {
    size_t at = desk_find_phrase(w->folded, w->folded_bytes, phrase, 0);
    while (at != SIZE_MAX && at >= begin && at < end) at = desk_find_phrase(w->folded, w->folded_bytes, phrase, at + 1);
    return at != SIZE_MAX;
}

uint64_t desk_properties_asked(const desk_words *w, size_t begin, size_t end) {
    uint64_t asked = 0;
    for (size_t i = 0; i < N_PROPERTIES; i++)
        for (size_t k = 0; properties[i].asks[k] && !(asked >> i & 1); k++)
            if (has_outside(w, properties[i].asks[k], begin, end)) asked |= (uint64_t)1 << i;
    return asked;
}

/* Returns where the text states one of the properties, or SIZE_MAX. */
static size_t find_statement(const desk_words *text, uint64_t asked) {
    for (size_t i = 0; i < N_PROPERTIES; i++)
        for (size_t k = 0; asked >> i & 1 && properties[i].says[k]; k++) {
            const size_t at = desk_find_phrase(text->folded, text->folded_bytes, properties[i].says[k], 0);
            if (at != SIZE_MAX) return at;
        }
    return SIZE_MAX;
}

bool desk_states_property(const desk_product_texts *texts, uint64_t asked) {
    return find_statement(&texts->description, asked) != SIZE_MAX || find_statement(&texts->details, asked) != SIZE_MAX;
}

static bool ends_sentence(const desk_words *w, size_t i) {
    const char *p = w->plain + i;
    const bool decimal = *p == '.' && p[1] >= '0' && p[1] <= '9';
    return (strchr(".!?;", *p) && !decimal) || !strncmp(p, "。", 3);
}

void desk_sentence_around(const desk_words *w, size_t at, size_t *begin, size_t *end) {
    *begin = *end = at;
    while (*begin && !ends_sentence(w, *begin - 1) && !(*begin >= 3 && !strncmp(w->plain + *begin - 3, "。", 3)))
        --*begin;
    while (*begin < *end && w->plain[*begin] == ' ') ++*begin;
    while (*end < w->plain_bytes && !ends_sentence(w, *end)) ++*end;
}

void desk_find_statement(const desk_product_texts *texts, uint64_t asked, size_t *begin, size_t *end) {
    const desk_words *w = &texts->description;
    const size_t at = find_statement(w, asked);
    *begin = *end = 0;
    if (at != SIZE_MAX && w->plain_bytes == w->folded_bytes) desk_sentence_around(w, at, begin, end);
}
