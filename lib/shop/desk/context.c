/*
 * Follow-up messages about recent products ("anything cheaper?", "the second one in blue", 有大一点的吗) and recent
 * orders ("and the last one?", 什么时候能到).
 *
 * The focus is what recent turns listed or looked up. Each kind of focus expires after FOCUS_TURNS turns. A message is
 * a follow-up if references, comparisons, filters, aspects and function words account for all of it: "how much is the
 * second" is one, "how much is shipping" is not.
 */
#include <string.h>

#include "shop/desk/browse.h"
#include "shop/desk/properties.h"
#include "shop/recommend/recommender.h"

enum {
    FOCUS_TURNS = 4,
    MOST_WORDS = 16,
    LISTED = 4,
    OWN_WORDS = 3, /* words before a kind that can mark it as the customer's own */
    LEAST_DESCRIBED = 5 /* bytes of a word looked up in a description */,
    ORDERS_TABLE = 16 /* bit of desk_query.tables */
};

/* ---- the focus */

bool desk_products_are_near(const desk_turn *t) {
    const desk_conversation *c = t->c;
    return c->products_at && c->n_turns + 1 - c->products_at <= FOCUS_TURNS && (c->n_listed || c->about);
}

static bool orders_are_near(const desk_turn *t) {
    const desk_conversation *c = t->c;
    return c->orders_at && c->n_turns + 1 - c->orders_at <= FOCUS_TURNS;
}
/* ---- products */

llmcs_status desk_answer_product(desk_turn *t, const char *product, const desk_signals *s, const char *aspect,
                                 bool *handled) {
    int slot = -1;
    const int flow = desk_listed_flow(t, DESK_SLOT_PRODUCT, &slot);
    *handled = false;
    if (flow < 0) return LLMCS_OK;
    if (!s->aspect && !aspect &&
        (desk_is_question(&t->read) || desk_properties_asked(&t->read, s->kind_begin, s->kind_end)))
        SHOP_TRY(desk_answer_briefly(t, product, s, handled));
    if (*handled) return LLMCS_OK;
    *handled = true;
    t->c->unknown = 0;
    t->out.probability = 1;
    SHOP_TRY(desk_start_flow(t, flow, &t->read));
    desk_set_slot(desk_top(t), slot, product);
    if (s->aspect_slot >= 0) /* a word of the kind is no aspect: "power bank" */
        desk_set_slot(desk_top(t), s->aspect_slot, s->aspect ? s->aspect->value : aspect);
    SHOP_TRY(desk_run(t));
    if (s->aspect && !s->second && t->out.expects == LLMCS_EXPECTS_ANYTHING && !t->handed_over)
        SHOP_TRY(desk_add_statement(t, product));
    if (!s->second || t->out.expects != LLMCS_EXPECTS_ANYTHING || t->handed_over) return LLMCS_OK;
    desk_new_line(t);
    SHOP_TRY(desk_start_flow(t, flow, &t->read));
    desk_set_slot(desk_top(t), slot, product);
    desk_set_slot(desk_top(t), s->aspect_slot, s->second->value);
    return desk_run(t);
}

/* Completes the search. If the last product discussed came from no list, its title becomes the search text. */
static llmcs_status complete_search(desk_turn *t, desk_signals *s) {
    const desk_conversation *c = t->c;
    desk_goods g;
    bool found, listed = false;
    for (size_t i = 0; c->about && i < c->n_listed; i++) listed = listed || !strcmp(c->listed[i], c->about);
    if (s->search.text && (listed || !c->about)) return LLMCS_OK;
    const char *id = c->about ? c->about : c->n_listed ? c->listed[0] : NULL;
    if (!id) return LLMCS_OK;
    SHOP_TRY(desk_read_goods(t, id, &g, &found));
    if (found) s->search.text = g.title;
    return LLMCS_OK;
}

/* Returns the product to compare with: the one in focus, else the extreme of the list (for "cheaper", the cheapest). */
static llmcs_status compared_with(desk_turn *t, const desk_signals *s, desk_goods *with) {
    const desk_conversation *c = t->c;
    bool found, any = false;
    if (c->about) return desk_read_goods(t, c->about, with, &found);
    for (size_t i = 0; i < c->n_listed; i++) {
        desk_goods g;
        SHOP_TRY(desk_read_goods(t, c->listed[i], &g, &found));
        if (!found) continue;
        const bool farther = s->cheaper   ? g.price < with->price
                             : s->dearer  ? g.price > with->price
                             : s->smaller ? g.measure < with->measure
                                          : g.measure > with->measure;
        if (!any || farther) *with = g;
        any = true;
    }
    return LLMCS_OK;
}

static const char *missing_words(const desk_turn *t, const desk_signals *s) {
    const bool zh = !strncmp(t->flows->langs[t->lang], "zh", 2);
    if (s->cheaper) return zh ? "更便宜" : "cheaper";
    if (s->dearer) return zh ? "更贵" : "more expensive";
    if (s->bigger) return zh ? "更大" : "bigger";
    if (s->smaller) return zh ? "更小" : "smaller";
    return zh ? "别" : "else";
}

/* True for "one for 4 people", 有4人的吗. */
static bool asks_for_number(const desk_turn *t, const desk_signals *s) {
    static const char *const words[] = {"one", "ones", "any", "有", NULL};
    return s->number && desk_has_any(&t->read, words);
}

/* Searches again with another filter: cheaper, bigger, in blue, others. */
static llmcs_status browse_again(desk_turn *t, desk_signals *s, bool *handled) {
    desk_conversation *c = t->c;
    desk_goods with = {.price = 0};
    desk_browse b = {.k = LISTED, .sentence = DESK_HAVE_THESE};
    const char *exclude[DESK_MAX_LISTED];
    SHOP_TRY(complete_search(t, s));
    b.search = s->search;
    b.show = s->aspect;
    if (s->cheaper || s->dearer || s->bigger || s->smaller) SHOP_TRY(compared_with(t, s, &with));
    const double price = with.price;
    /* "Too expensive, under 100?" gives the limit itself. */
    if (s->cheaper && !s->budget) b.search.most = price - 0.01;
    if (s->cheaper) b.rank = DESK_CHEAP_FIRST;
    if (s->dearer) b.search.least = price + 0.01, b.search.most = 0, b.rank = DESK_CHEAP_FIRST;
    if (s->bigger) b.above = with.measure, b.rank = DESK_SMALL_FIRST;
    if (s->smaller) b.below = with.measure, b.rank = DESK_BIG_FIRST;
    if (asks_for_number(t, s) && !desk_compares(s)) b.number = s->number;
    b.strict = desk_compares(s);
    if (s->other && !s->filters && !s->cheaper && !s->dearer) {
        for (size_t i = 0; i < c->n_listed; i++) exclude[b.n_exclude++] = c->listed[i];
        b.exclude = exclude;
    }
    SHOP_TRY(desk_browse_products(t, &b, handled));
    b.number = NULL;
    if (!*handled && desk_compares(s) &&
        (b.search.colour || b.search.size)) { /* drop the colour and size rather than list nothing */
        b.search.colour = b.search.size = NULL;
        SHOP_TRY(desk_browse_products(t, &b, handled));
    }
    if (!*handled && (desk_compares(s) || s->number)) { /* no product matches: say so and list the nearest */
        b.search = t->c->search.text ? t->c->search : s->search;
        if (!b.search.text) b.search.text = s->search.text;
        if (s->cheaper && !s->budget) b.search.most = 0;
        b.above = b.below = 0;
        b.n_exclude = 0;
        b.rank = s->cheaper   ? DESK_CHEAP_FIRST
                 : s->dearer  ? DESK_DEAR_FIRST
                 : s->smaller ? DESK_SMALL_FIRST
                              : DESK_BIG_FIRST;
        b.k = s->other ? LISTED : 1;
        b.missing = missing_words(t, s);
        b.strict = false;
        SHOP_TRY(desk_browse_products(t, &b, handled));
    }
    if (*handled) t->c->unknown = 0, t->out.probability = 1;
    return LLMCS_OK;
}

/* Searches again by the previous text and this message together. */
static llmcs_status browse_further(desk_turn *t, desk_signals *s, bool *handled) {
    desk_browse b = {.k = LISTED, .sentence = DESK_HAVE_THESE};
    desk_buffer text = {.allocator = &t->desk->allocator};
    desk_puts(&text, t->c->search.text);
    desk_puts(&text, " ");
    desk_put(&text, t->read.plain, t->read.plain_bytes);
    llmcs_status status = text.status;
    b.search = s->search;
    if (!status) status = shop_arena_copy(t->arena, desk_buffer_text(&text), text.n, &b.search.text);
    desk_buffer_free(&text);
    SHOP_TRY(status);
    SHOP_TRY(desk_browse_products(t, &b, handled));
    if (*handled) t->c->unknown = 0, t->out.probability = 1;
    return LLMCS_OK;
}

/* Lists the same products again, with the aspect in each line. */
static llmcs_status repeat_list(desk_turn *t, desk_signals *s, bool *handled) {
    const desk_conversation *c = t->c;
    const char *among[DESK_MAX_LISTED];
    desk_browse b = {.k = DESK_MAX_LISTED, .sentence = DESK_HAVE_THESE, .show = s->aspect, .among = among};
    for (size_t i = 0; i < c->n_listed; i++)
        if (s->number_of_places < 2 || desk_names_place(&t->read, i)) among[b.n_among++] = c->listed[i];
    SHOP_TRY(complete_search(t, s));
    b.search = s->search;
    SHOP_TRY(desk_browse_products(t, &b, handled));
    if (*handled) t->c->unknown = 0, t->out.probability = 1;
    return LLMCS_OK;
}

/* Picks one of the listed products: "the cheapest one", 哪个最厚. Lists them all if they are equal. */
static llmcs_status pick_one(desk_turn *t, desk_signals *s, bool *handled) {
    const desk_conversation *c = t->c;
    const bool by_price = s->cheapest || s->dearest, least = s->cheapest || s->smallest;
    desk_goods best = {.id = NULL};
    double lowest = 0, highest = 0;
    size_t n = 0;
    for (size_t i = 0; i < c->n_listed; i++) {
        desk_goods g;
        bool found;
        double of_aspect = 0;
        SHOP_TRY(desk_read_goods(t, c->listed[i], &g, &found));
        if (s->thick && g.thickness > 0) g.measure = g.thickness;
        if (s->aspect) SHOP_TRY(desk_read_aspect_number(t, c->listed[i], s->aspect, &of_aspect));
        if (of_aspect > 0) g.measure = of_aspect; /* "the longest battery" */
        if (!found || (!by_price && !(g.measure > 0))) continue;
        const double value = by_price ? g.price : g.measure;
        if (!n || (least ? value < lowest : value > highest)) best = g;
        lowest = n && lowest < value ? lowest : value;
        highest = n && highest > value ? highest : value;
        n++;
    }
    *handled = false;
    if (n > 1 && lowest == highest && s->aspect) return repeat_list(t, s, handled);
    return best.id ? desk_answer_product(t, best.id, s, by_price ? "price" : "size", handled) : LLMCS_OK;
}

/* Returns the listed product with this colour if there is only one: "the green one", 绿色那个. */
static llmcs_status one_with_colour(desk_turn *t, const desk_signals *s, const char **product) {
    const desk_conversation *c = t->c;
    size_t n = 0;
    *product = NULL;
    for (size_t i = 0; s->search.colour && i < c->n_listed; i++) {
        desk_goods g;
        bool found;
        SHOP_TRY(desk_read_goods(t, c->listed[i], &g, &found));
        if (!found || !desk_goods_have_colour(&g, s->search.colour)) continue;
        *product = c->listed[i];
        n++;
    }
    if (n != 1) *product = NULL;
    return LLMCS_OK;
}

/* Clears *product if it does not come in the named colour: "the first one in mint?". */
static llmcs_status keep_if_coloured(desk_turn *t, const desk_signals *s, const char **product) {
    desk_goods g;
    bool found;
    SHOP_TRY(desk_read_goods(t, *product, &g, &found));
    if (!found || !desk_goods_have_colour(&g, s->search.colour)) *product = NULL;
    return LLMCS_OK;
}

/* "Can you make it cheaper" is bargaining; "have you got a cheaper one" looks for another product. */
static bool bargains(const desk_words *w) {
    static const char *const asks[] = {"can you",    "could you", "can i",    "能便宜", "可以便宜",
                                       "能不能便宜", "便宜点吧",  "给我便宜", NULL};
    static const char *const looks_for[] = {"有", "show", "something", "anything", "one", NULL};
    return desk_has_any(w, asks) && !desk_has_any(w, looks_for);
}

/* Sets *described if the product's description has one of the unknown words: "dishwasher", 防水. */
static llmcs_status is_described(desk_turn *t, const char *product, const desk_signals *s, bool *described) {
    static const char sql[] =
        "SELECT max(instr(lower(t.description), ?2)) > 0 FROM products p JOIN product_texts t"
        " ON t.product = p.row WHERE p.id = ?1 AND t.lang = ?3";
    shop_connection *c;
    llmcs_status status = LLMCS_OK;
    *described = false;
    SHOP_TRY(shop_read_begin(t->desk->shop, &c));
    for (size_t i = 0; i < s->left && i < DESK_MOST_LEFT && !*described && !status; i++) {
        const char *word;
        int64_t has = 0;
        const size_t n = s->rest_end[i] - s->rest_begin[i];
        if (n < LEAST_DESCRIBED) continue;
        status = shop_arena_copy(t->arena, t->read.folded + s->rest_begin[i], n, &word);
        if (!status) status = shop_lookup_int(c, 0, &has, sql, "sss", product, word, t->flows->langs[t->lang]);
        *described = has > 0;
    }
    shop_read_end(t->desk->shop, c);
    return status;
}

/* "Do you have it in XL?" of the product in focus, if its sizes include it. */
static llmcs_status answer_size(desk_turn *t, const desk_signals *s, bool *handled) {
    desk_goods g;
    bool found;
    if (s->names || s->other || desk_compares(s) || desk_picks(s) || s->left > 1) return LLMCS_OK;
    SHOP_TRY(desk_read_goods(t, t->c->about, &g, &found));
    if (!found || !desk_goods_come_in(&g, s->search.size)) return LLMCS_OK;
    return desk_answer_product(t, g.id, s, "stock", handled);
}

static llmcs_status answer_products(desk_turn *t, const desk_rule *rule, desk_signals *s, bool *handled) {
    const desk_conversation *c = t->c;
    const char *product = desk_listed_product(t, &t->read), *coloured = NULL;
    const bool definite = s->reference || s->aspect;
    if (!product && s->number_of_places < 2) SHOP_TRY(desk_pointed_product(t, &product));
    if (!product) SHOP_TRY(desk_is_used_with(t, s, &product));
    /* A new kind of product starts a new search; "not tea" narrows the old one. */
    if (s->names && !s->search.without && !product) return LLMCS_OK;
    if ((s->cheaper && bargains(&t->read)) || (s->difference && t->desk->reader)) return LLMCS_OK;
    if (!product && s->sized && c->about) SHOP_TRY(answer_size(t, s, handled));
    if (*handled) return LLMCS_OK;
    /* "How do I buy the last one?" is about buying, not about the product. */
    if (rule && rule->entry && !s->aspect && !desk_compares(s) && !s->filters && !desk_picks(s)) return LLMCS_OK;
    if (s->adds && s->left && c->search.text) return browse_further(t, s, handled);
    if (s->left) {
        bool described = false, elsewhere = false;
        if (!product) SHOP_TRY(desk_points_elsewhere(t, &elsewhere));
        const char *meant = product ? product : elsewhere ? NULL : c->about;
        if (meant && s->left <= DESK_MOST_LEFT) SHOP_TRY(is_described(t, meant, s, &described));
        if (product && !rule && s->left <= DESK_MOST_LEFT && !desk_names_action(&t->read)) described = true;
        return described ? desk_answer_product(t, meant, s, NULL, handled) : LLMCS_OK;
    }
    if (s->number_of_places > 1) return repeat_list(t, s, handled);
    /* "Does the second one come in another colour?" */
    if (s->other && s->aspect && !s->filters && (product || c->about))
        return desk_answer_product(t, product ? product : c->about, s, NULL, handled);
    if (product && s->search.colour && s->filters) SHOP_TRY(keep_if_coloured(t, s, &product));
    if (product && !desk_compares(s)) return desk_answer_product(t, product, s, NULL, handled);
    if (desk_picks(s)) return pick_one(t, s, handled);
    if (s->filters && definite) SHOP_TRY(one_with_colour(t, s, &coloured));
    if (coloured && s->aspect) return desk_answer_product(t, coloured, s, NULL, handled);
    if (desk_compares(s) || s->filters || asks_for_number(t, s) || s->search.without != c->search.without)
        return browse_again(t, s, handled);
    if (s->aspect && c->about) return desk_answer_product(t, c->about, s, NULL, handled);
    if (s->aspect && c->n_listed) return repeat_list(t, s, handled);
    return LLMCS_OK;
}

bool desk_refuses(const desk_turn *t, const desk_rule *rule) {
    return rule && rule->flow >= 0 &&
           (t->flows->flows[rule->flow].alone || t->flows->flows[rule->flow].route == LLMCS_DESK_NONE);
}

/* Starts the product flow if the message names a product; otherwise starts nothing. */
static llmcs_status answer_named(desk_turn *t, bool *handled) {
    int slot = -1;
    const int flow = desk_listed_flow(t, DESK_SLOT_PRODUCT, &slot);
    const char *product = NULL;
    if (flow < 0) return LLMCS_OK;
    SHOP_TRY(desk_value_find(t, slot, &t->read, false, &product));
    if (!product) return LLMCS_OK;
    *handled = true;
    SHOP_TRY(desk_start_flow(t, flow, &t->read));
    return desk_run(t);
}

/* True if the message is about goods that the customer has or looks at, not about buying some: "the drawer of my desk
 * sticks", 这衬衫透不透. */
static bool is_of_own(const desk_words *w, size_t kind_begin) {
    static const char *const bought[] = {"i bought", "i ordered", "i got",  "i've got",
                                         "i have",   "我买的",    "买回来", NULL};
    static const char *const owned[] = {"my",   "our",    "mine",     "this",     "these", "我的", "我家",
                                        "我这", "我家的", "我买的",   "这",       "这个",  "这款", "这件",
                                        "这双", "这条",   "这台",     "这把",     "这只",  "那件", "那双",
                                        "那台", "你们的", "你们这个", "你们这款", NULL};
    desk_words before = *w;
    size_t begin = 0;
    if (desk_has_any(w, bought)) return true;
    for (size_t i = 0, words = 0; i < kind_begin && words <= OWN_WORDS;
         i++) { /* find the last OWN_WORDS words before the kind */
        begin = i;
        words = desk_count_words(w->folded + i, kind_begin - i);
        if (words <= OWN_WORDS) break;
        words = 0;
    }
    while (begin < kind_begin && ((unsigned char)w->folded[begin] & 0xc0) == 0x80) begin++;
    before.folded = w->folded + begin;
    before.folded_bytes = kind_begin - begin;
    return desk_has_any(&before, owned);
}

/* True for a question about how something is used or why it behaves as it does. */
static bool asks_how(const desk_words *w) {
    static const char *const how[] = {"how do i", "how can i", "how to", "how do you", "how should i",
                                      "why does", "why is",    "怎么",   "如何",       "为什么",
                                      "为啥",     "咋",        NULL};
    static const char *const shopping[] = {"怎么样", "怎么卖", "怎么买", "buy", "order",
                                           "choose", "pick",   "find",   NULL};
    return desk_has_any(w, how) && !desk_has_any(w, shopping);
}

/* True for the form character, 不, same character: 透不透. */
static bool asks_either(const desk_words *w) {
    const size_t n = strlen("不");
    for (const char *at = strstr(w->folded, "不"); at; at = strstr(at + n, "不"))
        if (at - w->folded >= 3 && strlen(at) >= 2 * n && !memcmp(at - 3, at + n, 3)) return true;
    return false;
}

/* Says that nothing is known if the message is a question. Other messages are left to later steps. */
static llmcs_status say_not_stated(desk_turn *t, bool *handled) {
    static const char *const openings[] = {"is ", "are ", "can ", "could ", "do ", "does ", "will ", "would ", NULL};
    if (!desk_is_question(&t->read) && !asks_either(&t->read) && !asks_how(&t->read) &&
        !desk_begins_with(t->read.folded, openings))
        return LLMCS_OK;
    *handled = true;
    t->c->unknown = 0;
    desk_set_route(t, LLMCS_DESK_NONE);
    return desk_say_sentence(t, DESK_NOT_STATED);
}

/* Handles a message that is little more than a kind of product: "desk lamp", 有瑜伽垫吗, "wireless earphones pls",
 * 想买个行李箱. So few words mislead the classifier, and the customer is looking for that kind. */
llmcs_status desk_answer_bare_kind(desk_turn *t, const desk_rule *rule, size_t most_left, bool *handled) {
    desk_signals s;
    shop_wish wish;
    *handled = false;
    if (rule && (rule->flow < 0 || !desk_lists_products(&t->flows->flows[rule->flow]))) return LLMCS_OK;
    if (desk_count_words(t->read.folded, t->read.folded_bytes) > MOST_WORDS) return LLMCS_OK;
    SHOP_TRY(desk_read_kind(t, t->read.plain, t->read.plain_bytes, &wish));
    if (!wish.kind && !desk_named_kind(t, &t->read, NULL)) return LLMCS_OK; /* most messages name no kind */
    SHOP_TRY(desk_read_signals(t, false, &s));
    if (!s.names || s.kind_end == s.kind_begin || s.left > most_left) return LLMCS_OK;
    if (s.left && is_of_own(&t->read, s.kind_begin)) return say_not_stated(t, handled);
    if (s.left && asks_how(&t->read)) return say_not_stated(t, handled);
    if (s.left && s.order) return LLMCS_OK; /* "has my coffee grinder been sent" is about an order */
    if (s.left) SHOP_TRY(answer_named(t, handled));
    if (!*handled) SHOP_TRY(desk_answer_matching_products(t, handled));
    if (*handled) return LLMCS_OK;
    const desk_browse b = {.search = s.search,
                           .k = desk_picks(&s) ? 1 : LISTED,
                           .sentence = DESK_HAVE_THESE,
                           .rank = s.dearest    ? DESK_DEAR_FIRST
                                   : s.biggest  ? DESK_BIG_FIRST
                                   : s.smallest ? DESK_SMALL_FIRST
                                                : DESK_CHEAP_FIRST,
                           .show = s.aspect};
    SHOP_TRY(desk_browse_products(t, &b, handled));
    if (*handled) t->c->unknown = 0, t->out.probability = 1;
    return LLMCS_OK;
}

/* ---- orders */

/* Returns the order that the message means: the one at the place it names in the list, else the one looked up last. */
static const char *meant_order(const desk_turn *t, const desk_signals *s, int slot) {
    const desk_conversation *c = t->c;
    const size_t place = desk_which_place(&t->read, c->n_offered);
    if (place && c->n_offered) return c->offered[place - 1];
    return slot >= 0 && (s->order || s->reference) ? c->mentioned[slot] : NULL;
}

static llmcs_status answer_orders(desk_turn *t, const desk_signals *s, bool *handled) {
    int slot = -1;
    const int flow = desk_listed_flow(t, DESK_SLOT_ORDER, &slot);
    const desk_conversation *c = t->c;
    const char *order = meant_order(t, s, slot);
    if (flow < 0 || !order || s->left || desk_compares(s) || s->names ||
        (s->aspect && !desk_which_place(&t->read, c->n_offered)))
        return LLMCS_OK;
    *handled = true;
    t->c->unknown = 0;
    t->out.probability = 1;
    SHOP_TRY(desk_start_flow(t, flow, &t->read));
    desk_set_slot(desk_top(t), slot, order);
    return desk_run(t);
}

llmcs_status desk_answer_in_context(desk_turn *t, const desk_rule *rule, bool *handled) {
    const desk_conversation *c = t->c;
    const bool products = desk_products_are_near(t), orders = orders_are_near(t);
    desk_signals s;
    *handled = false;
    if ((!products && !orders) || desk_refuses(t, rule)) return LLMCS_OK;
    if (desk_count_words(t->read.folded, t->read.folded_bytes) > MOST_WORDS) return LLMCS_OK;
    SHOP_TRY(desk_read_signals(t, orders, &s));
    const bool orders_first =
        orders && (!products || c->spoken == DESK_SPOKEN_ORDERS || (s.order && !s.aspect && !s.filters));
    if (orders_first) SHOP_TRY(answer_orders(t, &s, handled));
    if (!*handled && products) SHOP_TRY(answer_products(t, rule, &s, handled));
    return LLMCS_OK;
}

/* ---- the focus */

void desk_keep_orders(desk_turn *t, const desk_frame *frame) {
    desk_conversation *c = t->c;
    const int slot = desk_order_slot(t, frame->flow);
    bool spoken = slot >= 0 && frame->slots[slot];
    for (size_t i = 0; i < t->flows->n_finds && !spoken; i++)
        spoken = frame->finds[i] && frame->finds[i]->n > 1 && t->flows->finds[i].tables & ORDERS_TABLE;
    if (!spoken) return;
    c->orders_at = c->n_turns + 1;
    c->spoken = DESK_SPOKEN_ORDERS;
}
