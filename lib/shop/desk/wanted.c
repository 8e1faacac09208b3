/*
 * Requests for goods that neither reader nor classifier takes for one, and corrections of what the desk has listed:
 * "I said no tea. Show me teapots", 她不喝茶的 喜欢咖啡. And goods that the shop does not sell: "do you sell iphones".
 */
#include <string.h>

#include "shop/base/noun.h"
#include "shop/desk/browse.h"
#include "shop/desk/decide.h"
#include "shop/recommend/recommender.h"

enum {
    MOST_WORDS = 24,
    MOST_BOUGHT = 14, /* words of a question whether something is sold */
    LISTED = 4,
    LEAST_LETTERS = 4, /* of a noun that is looked up */
    HAN_BYTES = 3,
    LAST_HAN = 2 /* characters at the end of a Chinese noun that are looked up */
};
/* From here on the reader's label stands: it means something else than goods. */
static const double sure_label = 0.6, sure_entry = 0.5;

static bool asks_to_see(const desk_words *w) {
    static const char *const words[] = {
        "show me",     "show us",   "can i see", "let me see",   "looking for", "i want",   "i need",
        "do you have", "do u have", "got any",   "have you got", "do you sell", "cheapest", "most expensive",
        "想看",        "看看",      "想买",      "给我看",       "有没有",      "有卖",     "最便宜",
        "最贵",        "想要",      "要买",      "推荐",         NULL};
    return desk_has_any(w, words);
}

/* True if the message can only mean that, unless the reader is sure of something else. */
static bool surely_asks_to_see(const desk_words *w) {
    static const char *const words[] = {"show me", "can i see", "let me see", "给我看", "想看", NULL};
    return desk_has_any(w, words);
}

static bool corrects(const desk_words *w) {
    static const char *const words[] = {"i said", "i meant", "i mean",   "i asked", "rather",   "instead", "我说的",
                                        "我问的", "我要的",  "我想要的", "我是说",  "我的意思", "我指的",  NULL};
    return desk_has_any(w, words);
}

/* True for words about an order or a service of the shop. */
static bool is_of_orders(const desk_words *w) {
    static const char *const words[] = {
        "order",  "orders",   "ordered",  "bought",  "parcel", "package", "received", "arrived", "delivery", "deliver",
        "refund", "returned", "tracking", "invoice", "coupon", "订单",    "买的是",   "收到",    "来的是",   "来了",
        "发错",   "快递",     "包裹",     "退",      "换货",   "取消",    "发票",     "券",      "寄",       NULL};
    return desk_has_any(w, words) || desk_names_action(w);
}

/* True if the reader is sure that the message is about something else than goods to look at. */
static bool means_else(const desk_turn *t, const desk_meaning *m) {
    return m->kind == DESK_MEANS_INTENT && m->score >= sure_label && !desk_may_mean_products(t, m);
}

llmcs_status desk_answer_wanted(desk_turn *t, const desk_meaning *m, bool *handled) {
    const desk_words *w = &t->read;
    const char *pointed = NULL;
    shop_wish wish;
    desk_signals s;
    *handled = false;
    if (desk_count_words(w->folded, w->folded_bytes) > MOST_WORDS || is_of_orders(w) || means_else(t, m))
        return LLMCS_OK;
    if (corrects(w)) SHOP_TRY(desk_pointed_product(t, &pointed));
    SHOP_TRY(desk_read_signals(t, false, &s));
    if (pointed) return desk_answer_product(t, pointed, &s, NULL, handled);
    SHOP_TRY(desk_read_kind(t, w->plain, w->plain_bytes, &wish));
    if (!wish.kind && !(s.names && desk_named_kind(t, w, NULL))) return LLMCS_OK;
    const bool correction = desk_products_are_near(t) && (wish.excludes || corrects(w));
    const bool picks = desk_picks(&s);
    /* What the reader takes for a question about goods is answered as one. */
    if (!correction && (!asks_to_see(w) || (m->kind != DESK_MEANS_SMALL_TALK && desk_is_sure(m) && !picks &&
                                            (!surely_asks_to_see(w) || desk_may_mean_products(t, m)))))
        return LLMCS_OK;
    if (correction && !picks && desk_is_sure(m) && m->kind == DESK_MEANS_INTENT && desk_may_mean_products(t, m))
        return LLMCS_OK;
    SHOP_TRY(desk_answer_matching_products(t, handled));
    if (*handled) return LLMCS_OK;
    const desk_browse b = {.search = s.search,
                           .k = LISTED,
                           .sentence = DESK_HAVE_THESE,
                           .rank = s.dearest ? DESK_DEAR_FIRST : DESK_CHEAP_FIRST};
    SHOP_TRY(desk_browse_products(t, &b, handled));
    if (*handled) t->c->unknown = 0, t->out.probability = 1;
    return LLMCS_OK;
}

/* ---- goods that are not sold */

/* True if a text of the catalogue has the word. */
static llmcs_status is_in_catalogue(desk_turn *t, const char *word, bool *found) {
    static const char sql[] =
        "SELECT EXISTS (SELECT 1 FROM product_texts WHERE instr(lower(title), ?1) OR instr(lower(attributes), ?1) OR"
        " instr(lower(description), ?1)) OR EXISTS (SELECT 1 FROM products WHERE instr(lower(tags), ?1) OR"
        " instr(lower(category), ?1) OR instr(lower(brand), ?1))";
    shop_connection *c;
    int64_t has = 1;
    SHOP_TRY(shop_read_begin(t->desk->shop, &c));
    const llmcs_status status = shop_lookup_int(c, 0, &has, sql, "s", word);
    shop_read_end(t->desk->shop, c);
    *found = has != 0;
    return status;
}

/* Returns where the goods are named in an English question whether the shop sells it, or 0. */
static size_t english_begin(const desk_words *w) {
    static const char *const asks[] = {
        "do you sell",      "do u sell",   "do you have",  "do u have",     "have you got",
        "got any",          "you got",     "do you stock", "do you carry",  "you sell",
        "anything for the", "looking for", "sell any",     "are there any", NULL};
    size_t begin = 0;
    for (size_t i = 0; i < w->folded_bytes; i++) {
        const size_t n = desk_phrase_at(w, i, asks);
        if (n && i + n > begin) begin = i + n;
    }
    return begin;
}

static bool is_latin(char c) { return (c >= 'a' && c <= 'z') || c == '\''; }

/* Finds the head of the English noun phrase at byte i: its last word. *n: its length; 0 if there is none. */
static size_t english_noun(const desk_turn *t, const desk_signals *s, size_t i, size_t *n) {
    static const char *const stops[] = {"for",  "with", "that", "which", "in",   "from",  "under", "below", "at", "on",
                                        "here", "to",   "and",  "or",    "like", "about", "then",  "there", "by", NULL};
    const desk_words *w = &t->read;
    size_t noun = i, len;
    *n = 0;
    while (i < w->folded_bytes) {
        if (w->folded[i] == ' ') {
            i++;
            continue;
        }
        if (!is_latin(w->folded[i]) || (*n && desk_phrase_at(w, i, stops))) break;
        for (len = 0; i + len < w->folded_bytes && is_latin(w->folded[i + len]);) len++;
        if (!desk_known_at(t, s, i)) noun = i, *n = len;
        i += len;
    }
    return noun;
}

/* Finds the end of a Chinese noun that a question whether the shop sells it has. */
static size_t chinese_noun(const desk_turn *t, const desk_signals *s, size_t *n) {
    static const char *const asks[] = {"有卖", "卖", "有没有", "有吗", "买得到", "想买", NULL};
    static const char *const after[] = {"吗", "么", "不", "没", "嘛", "卖", "呢", "啊", "呀", NULL};
    const desk_words *w = &t->read;
    const bool any = desk_has_any(w, asks);
    *n = 0;
    if (!any || s->left > DESK_MOST_LEFT || !s->left) return 0;
    const size_t begin = s->rest_begin[s->left - 1], end = s->rest_end[s->left - 1];
    const bool last = end == w->folded_bytes || desk_phrase_at(w, end, after);
    if (!last || end - begin < LAST_HAN * HAN_BYTES || (unsigned char)w->folded[begin] < 0xe3) return 0;
    *n = LAST_HAN * HAN_BYTES;
    return end - *n;
}

/* Cuts a plural, so that "iphones" is found in "iPhone". */
static size_t singular(const char *word, size_t n) { return n > LEAST_LETTERS && word[n - 1] == 's' ? n - 1 : n; }

llmcs_status desk_say_not_sold(desk_turn *t, const desk_meaning *m, bool *handled) {
    const desk_words *w = &t->read;
    const char *word;
    desk_signals s;
    size_t begin, n = 0;
    bool known;
    *handled = false;
    if (desk_count_words(w->folded, w->folded_bytes) > MOST_BOUGHT || is_of_orders(w)) return LLMCS_OK;
    if (m->kind == DESK_MEANS_INTENT && m->score >= sure_entry && !desk_may_mean_products(t, m)) return LLMCS_OK;
    SHOP_TRY(desk_read_signals(t, false, &s));
    if (s.names || desk_named_kind(t, w, NULL)) return LLMCS_OK;
    begin = english_begin(w);
    begin = begin ? english_noun(t, &s, begin, &n) : chinese_noun(t, &s, &n);
    if (n < LEAST_LETTERS) return LLMCS_OK;
    SHOP_TRY(shop_arena_copy(t->arena, w->folded + begin, singular(w->folded + begin, n), &word));
    SHOP_TRY(is_in_catalogue(t, word, &known));
    if (known) return LLMCS_OK;
    *handled = true;
    t->c->unknown = 0;
    desk_set_route(t, LLMCS_DESK_NONE);
    return desk_say_sentence(t, DESK_NOT_SOLD);
}
