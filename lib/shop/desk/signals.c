/*
 * Reads what a message says of products and orders: comparisons, references, filters, an aspect, and how many words
 * none of that accounts for.
 */
#include <string.h>

#include "shop/desk/browse.h"
#include "shop/recommend/recommender.h"

enum { MOST_ADDED = 6, LEAST_CODE = 6 /* bytes of an order number */ };

static const char *const cheaper[] = {
    "cheaper", "less expensive", "more affordable", "lower price", "lower priced", "too expensive", "too much",
    "pricey",  "便宜点",         "便宜一点",        "便宜些",      "更便宜",       "便宜的",        "太贵",
    "贵了",    "lot of money",   "a lot to pay",    "好贵",        "这么贵",       "有点贵",        "a bit expensive",
    NULL};
static const char *const dearer[] = {"more expensive", "pricier", "fancier", "higher end", "better one",
                                     "better ones",    "贵一点",  "贵点",    "更贵",       "好一点",
                                     "更好",           "高档",    NULL};
static const char *const bigger[] = {"bigger",        "larger", "thicker", "longer", "roomier", "heavier",
                                     "more capacity", "大一点", "大点",    "更大",   "大些",    "大的",
                                     "厚一点",        "更厚",   "长一点",  "更长",   NULL};
static const char *const smaller[] = {"smaller", "lighter", "thinner", "shorter", "小一点", "小点",   "更小", "小些",
                                      "小的",    "轻一点",  "更轻",    "薄一点",  "更薄",   "短一点", NULL};
static const char *const cheapest[] = {"cheapest", "least expensive", "lowest price", "最便宜", "最低价", NULL};
static const char *const dearest[] = {"most expensive", "dearest", "priciest", "best one", "最贵", "最好", NULL};
static const char *const biggest[] = {"biggest",
                                      "largest",
                                      "thickest",
                                      "longest",
                                      "heaviest",
                                      "roomiest",
                                      "holds the most",
                                      "hold the most",
                                      "fits the most",
                                      "最大",
                                      "最久",
                                      "最强",
                                      "last the longest",
                                      "lasts longest",
                                      "装得最多",
                                      "最能装",
                                      "最厚",
                                      "最长",
                                      "最重",
                                      NULL};
static const char *const smallest[] = {"smallest", "lightest", "thinnest", "shortest", "最小",
                                       "最轻",     "最薄",     "最短",     NULL};
static const char *const others[] = {"another", "other", "others", "else", "more",   "different", "any more",
                                     "别的",    "其他",  "其它",   "另外", "还有吗", "还有没有",  "还有",
                                     "换一个",  "换个",  "换一批", "再来", NULL};
static const char *const thick[] = {"thick", "thicker", "thickest", "thinner", "thinnest", "厚", "薄", NULL};
/* Words of questions about an order. */
static const char *const of_orders[] = {
    "when",       "come",      "coming",   "arrive",   "arriving",  "get here", "gets here", "be here",
    "deliver",    "delivered", "delivery", "courier",  "carrier",   "carries",  "tracking",  "track",
    "where",      "status",    "in it",    "whats in", "what's in", "inside",   "sent",      "shipped",
    "dispatched", "number",    "parcel",   "package",  "order",     "什么时候", "啥时候",    "几时",
    "多久",       "几号",      "哪天",     "送到",     "能到",      "会到",     "到",        "收到",
    "快递",       "物流",      "单号",     "状态",     "到哪",      "哪里",     "哪家",      "里面",
    "东西",       "发货",      "寄",       "发出",     "订单",      "单",       NULL};
static const char *const places[] = {"first",    "second",   "third", "fourth", "fifth", "last",
                                     "1st",      "2nd",      "3rd",   "4th",    "5th",   "number 1",
                                     "number 2", "number 3", "最后",  "头一个", NULL};
static const char *const references[] = {"it",   "they", "them", "these", "those", "this", "that", "one",  "ones",
                                         "it's", "its",  "它",   "它们",  "这",    "那",   "这个", "那个", "这些",
                                         "那些", "这款", "那款", "这件",  "那件",  "这单", "那单", NULL};
/* Words that mark a question but not its subject. */
static const char *const filler[] = {
    "a",     "an",       "the",    "of",       "in",       "on",       "at",        "to",     "for",     "with",
    "and",   "or",       "but",    "so",       "ok",       "okay",     "then",      "than",   "do",      "does",
    "did",   "is",       "are",    "was",      "be",       "been",     "there",     "have",   "has",     "having",
    "you",   "u",        "got",    "get",      "any",      "anything", "something", "some",   "i",       "me",
    "my",    "we",       "can",    "could",    "will",     "would",    "please",    "pls",    "plz",     "thanks",
    "hi",    "hey",      "well",   "also",     "still",    "what",     "what's",    "whats",  "which",   "how",
    "how's", "how many", "many",   "about",    "come",     "comes",    "ur",        "r",      "hmm",     "oh",
    "no",    "yes",      "too",    "really",   "just",     "maybe",    "like",      "want",   "need",    "looking",
    "looks", "look",     "show",   "see",      "right",    "now",      "much",      "bit",    "a bit",   "little",
    "who",   "not",      "tell",   "give",     "under",    "below",    "less",      "up",     "max",     "within",
    "most",  "size",     "that's", "thats",    "im",       "i'm",      "id",        "i'd",    "as",      "by",
    "made",  "kind",     "you've", "i'll",     "take",     "only",     "all",       "both",   "cheap",   "between",
    "use",   "uses",     "people", "your",     "our",      "hm",       "pieces",    "kids",   "men's",   "women's",
    "mens",  "womens",   "ppl",    "buy",      "purchase", "sell",     "pair",      "xs",     "s",       "m",
    "l",     "xl",       "xxl",    "suitable", "meant",    "good",     "nice",      "new",    "的",      "了",
    "吗",    "呢",       "么",     "吧",       "啊",       "呀",       "哦",        "嘛",     "有",      "没",
    "没有",  "有没有",   "是",     "不",       "能",       "可以",     "要",        "想",     "我",      "你",
    "你们",  "您",       "他",     "们",       "哪",       "哪个",     "哪款",      "哪些",   "什么",    "啥",
    "多少",  "多",       "几",     "个",       "款",       "种",       "些",        "件",     "双",      "条",
    "只",    "台",       "把",     "块",       "一",       "二",       "两",        "三",     "四",      "五",
    "第",    "下",       "还",     "也",       "都",       "再",       "就",        "请问",   "请",      "帮",
    "看",    "看看",     "给",     "来",       "换",       "点",       "怎么",      "怎样",   "样",      "卖",
    "在",    "和",       "跟",     "好",       "嗯",       "对",       "太",        "很",     "最",      "更",
    "比较",  "里",       "以内",   "以下",     "之内",     "左右",     "元",        "钱",     "码",      "号",
    "之前",  "说",       "话",     "适合",     "合适",     "用",       "人",        "色",     "买",      "购",
    "找",    "寸",       "升",     "片",       "本",       "支",       "盒",        "套",     "条",      "把",
    "顶",    "根",       "包",     "瓶",       "罐",       "会",       "多久",      "儿童",   "男士",    "女士",
    "得",    "其中",     "最后",   "现在",     "大概",     "估计",     "呗",        "around", "roughly", "预算",
    "上下",  "差不多",   NULL};

bool desk_is_filler_at(const desk_words *w, size_t i) { return desk_phrase_at(w, i, filler) > 0; }

bool desk_compares(const desk_signals *s) { return s->cheaper || s->dearer || s->bigger || s->smaller || s->other; }
bool desk_picks(const desk_signals *s) { return s->cheapest || s->dearest || s->biggest || s->smallest; }
int desk_listed_flow(const desk_turn *t, desk_slot_type type, int *slot) {
    for (size_t i = 0; i < t->flows->n_flows; i++)
        for (size_t k = 0; t->flows->flows[i].listed && k < t->flows->n_slots; k++)
            if (t->flows->flows[i].uses[k] && t->flows->slots[k].type == type) {
                *slot = (int)k;
                return (int)i;
            }
    return -1;
}
/* The longest word of an option that the words have; NULL: none. `but` is left out. */
static const desk_option *longest_option(const desk_words *w, const desk_slot *slot, const desk_option *but) {
    const desk_option *found = NULL;
    size_t best = 0;
    for (size_t o = 0; o < slot->n_options; o++)
        for (size_t k = 0; k < slot->options[o].n_words && &slot->options[o] != but; k++) {
            const size_t n = strlen(slot->options[o].words[k]);
            if (n <= best || !desk_has_phrase(w, slot->options[o].words[k])) continue;
            best = n;
            found = &slot->options[o];
        }
    return found;
}

/* True if the message has a second part: "What colour is it, and is it in stock?". */
static bool has_second_part(const desk_words *w) {
    static const char *const joins[] = {"and", "plus", "also", "还有", "另外", "以及", "和", NULL};
    return desk_has_any(w, joins) || strstr(w->folded, ", ") || strstr(w->folded, "? ");
}

/* Words of the kind are no aspect: "power bank". */
static llmcs_status find_aspect(desk_turn *t, desk_signals *s) {
    int product;
    const int flow = desk_listed_flow(t, DESK_SLOT_PRODUCT, &product);
    desk_words rest = t->read;
    char *text;
    SHOP_TRY(shop_arena_alloc(t->arena, rest.folded_bytes + 1, 1, &text));
    memcpy(text, rest.folded, rest.folded_bytes);
    for (size_t i = s->kind_begin; i < s->kind_end && i < rest.folded_bytes; i++) text[i] = ' ';
    rest.folded = text;
    s->aspect_slot = -1;
    for (size_t i = 0; flow >= 0 && i < t->flows->n_slots; i++) {
        const desk_slot *slot = &t->flows->slots[i];
        if (!t->flows->flows[flow].uses[i] || slot->type != DESK_SLOT_CHOICE) continue;
        s->aspect_slot = (int)i;
        s->aspect = longest_option(&rest, slot, NULL);
        if (s->aspect && has_second_part(&t->read)) s->second = longest_option(&rest, slot, s->aspect);
    }
    return LLMCS_OK;
}

size_t desk_known_at(const desk_turn *t, const desk_signals *s, size_t i) {
    const char *const *const lists[] = {cheaper,
                                        dearer,
                                        bigger,
                                        smaller,
                                        cheapest,
                                        dearest,
                                        biggest,
                                        smallest,
                                        others,
                                        places,
                                        references,
                                        filler,
                                        s->of_order ? of_orders : NULL};
    const desk_slot *aspects = s->aspect_slot >= 0 ? &t->flows->slots[s->aspect_slot] : NULL;
    const desk_words *w = &t->read;
    size_t best = desk_colour_at(w, i);
    for (size_t k = 0; k < sizeof lists / sizeof *lists; k++) {
        const size_t n = lists[k] ? desk_phrase_at(w, i, lists[k]) : 0;
        if (n > best) best = n;
    }
    for (size_t o = 0; aspects && o < aspects->n_options; o++)
        for (size_t k = 0; k < aspects->options[o].n_words; k++) {
            const char *const one[] = {aspects->options[o].words[k], NULL};
            const size_t n = desk_phrase_at(w, i, one);
            if (n > best) best = n;
        }
    return best;
}

/* Counts the words that no list contains. Numbers and colours count as filters. */
static size_t count_left(const desk_turn *t, desk_signals *s) {
    const desk_words *w = &t->read;
    size_t left = 0;
    bool run = false; /* inside a run of Chinese characters, which counts as one word */
    for (size_t i = 0, len; i < w->folded_bytes; i += len) {
        const int32_t c = desk_char_at(w->folded, w->folded_bytes, i, &len);
        if (!desk_is_letter(c)) {
            run = false;
            continue;
        }
        const size_t best = i >= s->kind_begin && i < s->kind_end ? s->kind_end - i : desk_known_at(t, s, i);
        if (best) {
            len = best;
            run = false;
            continue;
        }
        const bool han = desk_is_han(c);
        bool digit = c >= '0' && c <= '9';
        for (size_t step = 0; !han && i + len < w->folded_bytes; len += step) {
            const int32_t next = desk_char_at(w->folded, w->folded_bytes, i + len, &step);
            if (next != '\'' && (!desk_is_letter(next) || desk_is_han(next))) break;
            digit = digit || (next >= '0' && next <= '9');
        }
        if (digit && len < LEAST_CODE) continue; /* a longer number may be an order or tracking number */
        if (han && run && left <= DESK_MOST_LEFT) s->rest_end[left - 1] = i + len;
        if (han && run) continue;
        if (left < DESK_MOST_LEFT) s->rest_begin[left] = i, s->rest_end[left] = i + len;
        left++;
        run = han;
    }
    return left;
}

/* True for a phrase that only adds a description: "for the office", 上班用的. */
static bool describes_further(const desk_words *w) {
    static const char *const begins[] = {"for ", "with ", NULL};
    static const char *const ends[] = {"用的", "的", "用", NULL};
    const size_t words = desk_count_words(w->folded, w->folded_bytes);
    if (desk_begins_with(w->folded, begins)) return words <= MOST_ADDED;
    for (size_t i = 0; ends[i]; i++) {
        const size_t n = strlen(ends[i]);
        if (w->folded_bytes >= n && !memcmp(w->folded + w->folded_bytes - n, ends[i], n)) return words <= MOST_ADDED;
    }
    return false;
}

/* Finds the first number of the message. */
static llmcs_status find_number(desk_turn *t, const char **number) {
    const desk_words *w = &t->read;
    size_t i = 0, n = 0;
    while (i < w->folded_bytes && !(w->folded[i] >= '0' && w->folded[i] <= '9')) i++;
    while (i + n < w->folded_bytes && w->folded[i + n] >= '0' && w->folded[i + n] <= '9') n++;
    return n ? shop_arena_copy(t->arena, w->folded + i, n, number) : LLMCS_OK;
}

bool desk_asks_difference(const desk_words *w) {
    static const char *const words[] = {"difference", "differ", "compare", "compared", "versus", "vs",
                                        "than the",   "差别",   "区别",    "差在哪",   "对比",   "比呢",
                                        "比起来",     "相比",   "差多少",  NULL};
    return desk_has_any(w, words);
}

/* A kind in a word that no title has ("rucksack", 饭盒) is searched for by the title of flows.json's "kinds". */
static llmcs_status read_other_word(desk_turn *t, desk_signals *s) {
    const desk_words *w = &t->read;
    const char *word, *title = NULL;
    const desk_kind *kind = desk_named_kind(t, w, &word);
    for (size_t i = 0; kind && i < kind->n_titles && !title; i++) {
        shop_wish wish;
        SHOP_TRY(shop_read_wish(t->desk->shop, kind->titles[i], strlen(kind->titles[i]), &wish));
        const bool han = (unsigned char)*kind->titles[i] >= 0x80;
        if (wish.kind && han == !strncmp(t->flows->langs[t->lang], "zh", 2)) title = kind->titles[i];
    }
    if (!title) return LLMCS_OK;
    s->kind_begin = desk_find_phrase(w->folded, w->folded_bytes, word, 0);
    s->kind_end = s->kind_begin + strlen(word);
    s->names = true;
    s->search =
        (desk_search){.text = title, .colour = s->search.colour, .size = s->search.size, .most = s->search.most};
    return LLMCS_OK;
}

/* "Which has the longer battery?" picks one of what is there and wants no other. */
static void pick_among(const desk_words *w, desk_signals *s) {
    static const char *const which[] = {"which", "哪个", "哪款", "哪一个", NULL};
    if (!desk_has_any(w, which) || s->difference) return;
    s->cheapest = s->cheapest || s->cheaper;
    s->dearest = s->dearest || s->dearer;
    s->biggest = s->biggest || s->bigger;
    s->smallest = s->smallest || s->smaller;
    s->cheaper = s->dearer = s->bigger = s->smaller = false;
}

llmcs_status desk_read_signals(desk_turn *t, bool of_order, desk_signals *s) {
    shop_wish wish;
    const desk_words *w = &t->read;
    *s = (desk_signals){.cheaper = desk_has_any(w, cheaper),
                        .dearer = desk_has_any(w, dearer),
                        .bigger = desk_has_any(w, bigger) && !desk_has_phrase(w, "多大"),
                        .smaller = desk_has_any(w, smaller),
                        .other = desk_has_any(w, others) && !desk_has_phrase(w, "还有货"),
                        .reference = desk_has_any(w, references),
                        .cheapest = desk_has_any(w, cheapest),
                        .dearest = desk_has_any(w, dearest),
                        .biggest = desk_has_any(w, biggest),
                        .smallest = desk_has_any(w, smallest),
                        .thick = desk_has_any(w, thick),
                        .difference = desk_asks_difference(w),
                        .order = desk_has_any(w, of_orders),
                        .of_order = of_order,
                        .search = t->c->search};
    pick_among(w, s);
    SHOP_TRY(desk_read_kind(t, w->plain, w->plain_bytes, &wish));
    if (w->plain_bytes == w->folded_bytes && (wish.kind || wish.excludes)) {
        s->kind_begin = wish.kind ? wish.begin : wish.excluded_begin;
        s->kind_end = wish.kind ? wish.end : wish.excluded_end;
    }
    s->search.size = NULL;
    SHOP_TRY(find_aspect(t, s));
    SHOP_TRY(desk_read_search(t, w, &s->search, &s->names, &s->filters));
    s->sized = s->search.size != NULL;
    if (!s->sized && !s->names) s->search.size = t->c->search.size;
    if (!wish.kind && !wish.excludes) SHOP_TRY(read_other_word(t, s));
    s->budget = desk_names_budget(w);
    if (!s->filters) SHOP_TRY(find_number(t, &s->number));
    for (size_t i = 0; i < t->c->n_listed; i++) s->number_of_places += desk_names_place(w, i);
    s->adds = describes_further(w);
    s->left = count_left(t, s);
    return LLMCS_OK;
}
