/*
 * What goods cost together: "how much would two of them be with shipping", 两个带包装一共多少钱. Adds up the price of
 * the product in focus, or of the two listed ones, the extras that the message names, and standard shipping
 * (flows.json, "totals"). Any other sum is left to the checkout.
 */
#include <string.h>

#include "shop/desk/browse.h"
#include "shop/desk/decide.h"

enum { MOST_PIECES = 99, MOST_GOODS = 2 };

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* Returns the length of a number of pieces at byte i, or 0: digits, "two", 两. */
static size_t number_at(const desk_words *w, size_t i, int *number) {
    static const char *const words[][3] = {
        {"one", "一", ""}, {"two", "两", "二"}, {"three", "三", ""}, {"four", "四", ""}, {"five", "五", ""},
        {"six", "六", ""}, {"seven", "七", ""}, {"eight", "八", ""}, {"nine", "九", ""}, {"ten", "十", ""}};
    size_t n = 0;
    *number = 0;
    for (; is_digit(w->folded[i + n]); n++) {
        *number = *number * 10 + (w->folded[i + n] - '0');
        if (*number > MOST_PIECES) return 0;
    }
    if (n) return i && (is_digit(w->folded[i - 1]) || w->folded[i - 1] == '.') ? 0 : n;
    for (size_t k = 0; k < sizeof words / sizeof *words; k++) {
        const char *const one[] = {words[k][0], words[k][1], *words[k][2] ? words[k][2] : NULL, NULL};
        n = desk_phrase_at(w, i, one);
        *number = (int)k + 1;
        if (n) return n;
    }
    return 0;
}

/* Reads how many pieces: "two of them", "how much for 3", 2个, 两件; 1 if the message does not say. */
static int read_pieces(const desk_words *w) {
    static const char *const after[] = {"of them", "of those", "of these", "of it", "of that", "of this", "pieces",
                                        "pcs",     "pairs",    "sets",     "packs", "boxes",   "units",   NULL};
    static const char *const measures[] = {"个", "件", "双", "条", "台", "把", "只", "盒", "包", "套", "张",
                                           "瓶", "份", "本", "支", "罐", "袋", "箱", "顶", "副", "块", NULL};
    static const char *const money[] = {"块钱", NULL};
    static const char *const before[] = {"how much for", "how much are", "how much would",
                                         "price for",    "price of",     NULL};
    size_t priced = SIZE_MAX; /* where a number after "how much for" begins */
    int number;
    for (size_t i = 0, len; i < w->folded_bytes; i += len) {
        (void)desk_char_at(w->folded, w->folded_bytes, i, &len);
        const size_t asks = desk_phrase_at(w, i, before), n = number_at(w, i, &number);
        if (asks) priced = i + asks + 1;
        if (!n || number < 2) continue;
        if (i == priced) return number;
        size_t next = i + n;
        while (w->folded[next] == ' ') next++;
        if (desk_phrase_at(w, next, after)) return number;
        if (desk_phrase_at(w, next, measures) && !desk_phrase_at(w, next, money)) return number;
        len = n;
    }
    return 1;
}

/* One line of the sum: title, colon, amount. */
static void put_line(desk_turn *t, desk_buffer *title, const char *currency, double amount) {
    const bool zh = !strncmp(t->flows->langs[t->lang], "zh", 2);
    desk_new_line(t);
    desk_puts(&t->reply, desk_buffer_text(title));
    desk_puts(&t->reply, zh ? "：" : ": ");
    desk_put_price(&t->reply, currency, amount);
    desk_buffer_cut(title, 0);
}

/* Finds the goods to add up: both of two listed, the one that the message points at, or the one in focus. */
static llmcs_status find_goods(desk_turn *t, desk_goods goods[MOST_GOODS], size_t *n) {
    static const char *const both[] = {"both", "together", "两个都", "都要", "一起", "俩", NULL};
    const desk_conversation *c = t->c;
    const bool all = c->n_listed == MOST_GOODS && desk_has_any(&t->read, both);
    const char *one = all ? NULL : desk_listed_product(t, &t->read);
    bool found, other = false;
    *n = 0;
    if (!all && !one) SHOP_TRY(desk_pointed_product(t, &one));
    if (!all && !one && c->about) SHOP_TRY(desk_names_other_kind(t, c->about, &other));
    if (!one && !other) one = c->about;
    for (size_t i = 0; i < (all ? (size_t)MOST_GOODS : 1); i++) {
        const char *id = all ? c->listed[i] : one;
        if (!id) return LLMCS_OK;
        SHOP_TRY(desk_read_goods(t, id, &goods[*n], &found));
        if (!found) return *n = 0, LLMCS_OK;
        ++*n;
    }
    if (all && strcmp(goods[0].currency, goods[1].currency) != 0) *n = 0; /* no sum of two currencies */
    return LLMCS_OK;
}

/* "How much" of several pieces, or with a word of the shop for a sum. */
static bool asks_sum(const desk_turn *t) {
    static const char *const money[] = {"how much", "what would", "what will", "price",  "cost",
                                        "costs",    "pay",        "come to",   "total",  "altogether",
                                        "多少",     "几钱",       "总价",      "到手价", NULL};
    const desk_totals *totals = &t->flows->totals;
    return desk_has_any(&t->read, money) &&
           (desk_has_one(&t->read, totals->words, totals->n_words) || read_pieces(&t->read) > 1);
}

static bool may_add_up(const desk_turn *t) {
    const desk_totals *totals = &t->flows->totals;
    static const char *const of_orders[] = {"my order", "i ordered", "i bought", "i paid", "refund",
                                            "订单",     "下的单",    "退",       NULL};
    /* Shipping elsewhere is another sum. */
    return totals->n_words && desk_products_are_near(t) && asks_sum(t) && !desk_has_any(&t->read, of_orders) &&
           !desk_has_one(&t->read, totals->elsewhere, totals->n_elsewhere);
}

/* Adds the extras that the message names, and shipping. *sum grows. */
static void put_extras(desk_turn *t, desk_values_in *v, const char *currency, int pieces, double *sum) {
    const desk_totals *totals = &t->flows->totals;
    desk_buffer title = {.allocator = &t->desk->allocator};
    const double goods = *sum;
    for (size_t i = 0; i < totals->n_extras; i++) {
        const desk_extra *extra = &totals->extras[i];
        if (!desk_has_one(&t->read, extra->words, extra->n_words)) continue;
        desk_text_say(extra->title, v, &title, NULL);
        put_line(t, &title, currency, extra->fee * pieces);
        *sum += extra->fee * pieces;
    }
    if (totals->shipping_title) {
        const double fee = goods >= totals->free_from ? 0 : totals->shipping;
        desk_text_say(totals->shipping_title, v, &title, NULL);
        put_line(t, &title, currency, fee);
        *sum += fee;
    }
    if (title.status) t->reply.status = title.status;
    desk_buffer_free(&title);
}

llmcs_status desk_answer_total(desk_turn *t, bool *handled) {
    desk_goods goods[MOST_GOODS];
    desk_buffer line = {.allocator = &t->desk->allocator};
    desk_values_in v;
    size_t n;
    double sum = 0;
    *handled = false;
    if (!may_add_up(t)) return LLMCS_OK;
    SHOP_TRY(find_goods(t, goods, &n));
    if (!n) return LLMCS_OK;
    const int pieces = read_pieces(&t->read);
    int slot;
    const int flow = desk_listed_flow(t, DESK_SLOT_PRODUCT, &slot);
    desk_set_route(t, LLMCS_DESK_FLOW);
    if (flow >= 0 && !*t->out.flow) t->out.flow = t->flows->flows[flow].name;
    t->wordable = false;
    *handled = true;
    t->out.probability = 1;
    t->c->unknown = 0;
    if (n == 1) t->c->about = goods[0].id;
    t->c->products_at = t->c->n_turns + 1;
    t->c->spoken = DESK_SPOKEN_PRODUCTS;
    SHOP_TRY(desk_values_of(t, NULL, &v));
    for (size_t i = 0; i < n; i++) {
        if (pieces > 1) desk_putf(&line, "%d x ", pieces);
        desk_puts(&line, goods[i].title);
        put_line(t, &line, goods[i].currency, goods[i].price * pieces);
        sum += goods[i].price * pieces;
    }
    if (line.status) t->reply.status = line.status;
    desk_buffer_free(&line);
    put_extras(t, &v, goods[0].currency, pieces * (int)n, &sum);
    desk_buffer amount = {.allocator = &t->desk->allocator};
    desk_put_price(&amount, goods[0].currency, sum);
    const desk_local locals[] = {{"a", desk_buffer_text(&amount)}};
    v.locals = locals;
    v.n_locals = 1;
    desk_new_line(t);
    const llmcs_status status = amount.status ? amount.status : desk_say_text(t, t->flows->sentences[DESK_TOTAL], &v);
    desk_buffer_free(&amount);
    return status ? status : t->reply.status;
}
