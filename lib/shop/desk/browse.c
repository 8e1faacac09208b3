/* Reads what product a message looks for, and lists the matches. */
#include "shop/desk/browse.h"

#include <math.h>
#include <string.h>

#include "shop/base/clock.h"
#include "shop/base/numeral.h"
#include "shop/recommend/recommender.h"

enum { LINE_BYTES = 2000, MOST_NUMBERS = 8, LEAST_ROUGH = 50 /* less is a size or a count */ };

/* ---- price */

/* Returns the first Chinese numeral of two or more characters, or 0. A single character is usually part of a word
 * (十分, 一个). */
static double find_numeral(const desk_words *w) {
    int32_t c[SHOP_NUMERAL_CHARS];
    for (size_t i = 0, len; i < w->plain_bytes; i += len) {
        size_t n = 0, taken;
        unsigned int value;
        for (size_t at = i; n < SHOP_NUMERAL_CHARS && at < w->plain_bytes; at += len)
            c[n++] = desk_char_at(w->plain, w->plain_bytes, at, &len);
        taken = shop_read_numeral(c, n, &value);
        if (taken >= 2) return value;
        (void)desk_char_at(w->plain, w->plain_bytes, i, &len);
    }
    return 0;
}

static bool ends_with_any(const char *text, size_t n, const char *const *words) {
    for (; *words; words++) {
        const size_t m = strlen(*words);
        if (n >= m && !memcmp(text + n - m, *words, m)) return true;
    }
    return false;
}

/* Returns the price limit of "around 200" or 200左右, which allows somewhat more; 0 without one, or with a unit. */
static double find_rough_budget(const desk_words *w) {
    static const char *const before[] = {"around ", "about ", "roughly ", "大概", "差不多", NULL};
    static const char *const after[] = {"左右", "上下", "元左右", "块左右", "块钱左右", NULL};
    static const char *const money[] = {"yuan", "rmb", "cny", "bucks", "元", "块", NULL};
    for (size_t i = 0, n; i < w->folded_bytes; i += n) {
        double number = 0;
        for (n = 0; n < 7 && i + n < w->folded_bytes && w->folded[i + n] >= '0' && w->folded[i + n] <= '9'; n++)
            number = number * 10 + (w->folded[i + n] - '0');
        if (!n) {
            (void)desk_char_at(w->folded, w->folded_bytes, i, &n);
            continue;
        }
        const char *end = w->folded + i + n + (w->folded[i + n] == ' ');
        size_t len;
        const bool unit = i + n < w->folded_bytes && *end && desk_is_letter(desk_char_at(end, strlen(end), 0, &len)) &&
                          !desk_begins_with(end, money);
        if (number < LEAST_ROUGH) continue;
        if (desk_begins_with(end, after) || (!unit && ends_with_any(w->folded, i, before)))
            return number * DESK_ROUGH_SHARE;
    }
    return 0;
}

/* Reads the digits at byte i. */
static double digits_at(const desk_words *w, size_t i) {
    double number = 0;
    for (size_t n = 0; n < 7 && i + n < w->folded_bytes && w->folded[i + n] >= '0' && w->folded[i + n] <= '9'; n++)
        number = number * 10 + (w->folded[i + n] - '0');
    return number;
}

/* Returns the price limit of "under 170", 200以内 or 三百以内; 0 if there is none. "A 6 year old boy, under 100" has
 * one of 100: the number after the word counts, or the last one before it. */
static double find_budget(const desk_words *w) {
    static const char *const words[] = {"under",        "below",        "less than", "up to",  "at most", "within",
                                        "cheaper than", "no more than", "max",       "budget", "以内",    "以下",
                                        "不超过",       "低于",         "之内",      "预算",   NULL};
    double before = 0, after = 0;
    bool limited = false, inside = false;
    for (size_t i = 0; i < w->folded_bytes && !(after > 0); i++) {
        const bool digit = w->folded[i] >= '0' && w->folded[i] <= '9';
        if (digit && !inside && limited) after = digits_at(w, i);
        if (digit && !inside && !limited) before = digits_at(w, i);
        inside = digit;
        limited = limited || desk_phrase_at(w, i, words);
    }
    static const char *const trailing[] = {"以内", "以下", "之内", NULL};
    if (before > 0 && (!(after > 0) || desk_has_any(w, trailing))) after = before;
    if (!limited) return find_rough_budget(w);
    return after > 0 ? after : find_numeral(w);
}

bool desk_names_budget(const desk_words *w) { return find_budget(w) > 0; }

/* ---- colour */

/* Words of each colour. A Chinese word also matches inside longer ones: 绿 in 苔绿. */
static const char *const colours[][7] = {
    {"black", "黑"},        {"white", "白"},        {"red", "红"},
    {"blue", "navy", "蓝"}, {"green", "绿"},        {"grey", "gray", "灰"},
    {"brown", "棕", "褐"},  {"pink", "粉"},         {"purple", "violet", "紫"},
    {"yellow", "黄"},       {"orange", "橙", "橘"}, {"beige", "cream", "米色", "米白"},
    {"silver", "银"},       {"golden", "金色"},     {"mint", "薄荷"},
    {"olive", "橄榄"},      {"burgundy", "酒红"},   {"walnut", "胡桃"},
    {"oak", "橡木"},        {"charcoal", "炭"},     {"natural", "原木", "本色"},
    {"turquoise", "青色"},  {"khaki", "卡其"},      {"lilac", "丁香"}};
enum { N_COLOURS = sizeof colours / sizeof *colours };

static bool is_han_word(const char *word) { return (unsigned char)*word >= 0xe3; }

/* Matches 红色, 红的, 大红. The character alone is usually part of another word (红茶, 白板). */
static bool has_han_colour(const desk_words *w, const char *word) {
    static const char *const endings[] = {"色", "的", NULL};
    for (const char *at = strstr(w->folded, word); at; at = strstr(at + 1, word))
        if (desk_begins_with(at + strlen(word), endings) || strlen(word) > 3) return true;
    return false;
}

/* Returns the index of the colour named in the text + 1, or 0. */
static size_t find_colour(const desk_words *w) {
    for (size_t i = 0; i < N_COLOURS; i++)
        for (size_t k = 0; k < 6 && colours[i][k]; k++)
            if (is_han_word(colours[i][k]) ? has_han_colour(w, colours[i][k]) : desk_has_phrase(w, colours[i][k]))
                return i + 1;
    return 0;
}

size_t desk_colour_at(const desk_words *w, size_t i) {
    size_t best = 0;
    for (size_t c = 0; c < N_COLOURS; c++) {
        const size_t n = desk_phrase_at(w, i, colours[c]);
        if (n > best) best = n;
    }
    return best;
}

bool desk_goods_have_colour(const desk_goods *g, const char *colour) {
    desk_words w = {.folded = g->colours, .folded_bytes = strlen(g->colours)};
    for (size_t i = 0; i < N_COLOURS; i++) {
        bool same = false, any = false;
        for (size_t k = 0; k < 6 && colours[i][k]; k++) {
            same = same || !strcmp(colours[i][k], colour);
            any = any || (is_han_word(colours[i][k]) ? strstr(g->colours, colours[i][k]) != NULL
                                                     : desk_has_phrase(&w, colours[i][k]));
        }
        if (same) return any;
    }
    return desk_has_phrase(&w, colour);
}

/* ---- size */

static const char *const letters[] = {"xxs", "xs", "s", "m", "l", "xl", "xxl", "xxxl", NULL};

/* Returns the value of a clothing size: the index of a letter size, or the number itself; -1 if it is neither. */
static double size_value(const char *text, size_t n) {
    double number = 0;
    size_t digits = 0;
    for (size_t i = 0; letters[i]; i++)
        if (strlen(letters[i]) == n && !memcmp(letters[i], text, n)) return (double)i;
    for (; digits < n && text[digits] >= '0' && text[digits] <= '9'; digits++)
        number = number * 10 + (text[digits] - '0');
    return digits && digits == n ? number : -1;
}

/* True for a letter in a Chinese sentence that follows no number: L有没有货, but not 2 L. */
static bool stands_in_chinese(const desk_words *w, size_t i, size_t n) {
    size_t len, before = i;
    while (before && w->folded[before - 1] == ' ') before--;
    if (before && w->folded[before - 1] >= '0' && w->folded[before - 1] <= '9') return false;
    const bool follows = before >= 3 && desk_is_han(desk_char_at(w->folded, w->folded_bytes, before - 3, &len));
    return follows || (i + n < w->folded_bytes && desk_is_han(desk_char_at(w->folded, w->folded_bytes, i + n, &len)));
}

/* Finds the size in "size 42", "in an L", 42码, L有货吗. */
static bool find_size(const desk_words *w, const char **at, size_t *n) {
    static const char *const alone[] = {"xs", "xl", "xxl", "xxxl", "xxs", NULL};
    static const char *const before[] = {"size ", "in ", "in a ", "in an ", "eu ", "uk ", NULL};
    static const char *const after[] = {"码", "号", " 码", NULL};
    for (size_t i = 0; i < w->folded_bytes; i++) {
        const char *p = w->folded + i;
        size_t end = 0;
        if (i && ((p[-1] >= 'a' && p[-1] <= 'z') || (p[-1] >= '0' && p[-1] <= '9'))) continue;
        while (i + end < w->folded_bytes && ((p[end] >= 'a' && p[end] <= 'z') || (p[end] >= '0' && p[end] <= '9')))
            end++;
        const double value = end && end <= 4 ? size_value(p, end) : -1;
        if (value < 0 || value > 60) continue;
        const bool letter = *p > '9' && (desk_phrase_at(w, i, alone) == end || stands_in_chinese(w, i, end));
        if (!letter && !desk_begins_with(p + end, after) && !ends_with_any(w->folded, i, before)) continue;
        *at = p;
        *n = end;
        return true;
    }
    return false;
}

/* False only if the product has a size range ("36 to 45", XS至XL) that excludes the size. */
static bool has_size(const desk_goods *g, const char *size) {
    static const char *const to[] = {" to ", "至", "-", NULL};
    const double wanted = size_value(size, strlen(size));
    const bool letter = *size > '9';
    for (size_t k = 0; to[k]; k++) {
        const char *middle = strstr(g->sizes, to[k]);
        if (!middle) continue;
        const char *low = middle, *high = middle + strlen(to[k]);
        while (low > g->sizes && low[-1] != ' ' && (unsigned char)low[-1] < 0x80) low--;
        size_t n = 0;
        while ((high[n] >= 'a' && high[n] <= 'z') || (high[n] >= '0' && high[n] <= '9')) n++;
        const double from = size_value(low, (size_t)(middle - low)), until = size_value(high, n);
        if (from < 0 || until < 0 || letter != (*low > '9')) continue;
        return wanted >= from && wanted <= until;
    }
    return true;
}

bool desk_goods_come_in(const desk_goods *g, const char *size) {
    static const char *const to[] = {" to ", "至", NULL};
    bool range = false;
    for (size_t i = 0; to[i]; i++) range = range || strstr(g->sizes, to[i]);
    return range && has_size(g, size);
}

/* ---- filters */

llmcs_status desk_read_kind(desk_turn *t, const char *text, size_t n, shop_wish *wish) {
    if (t->kind_text != text) SHOP_TRY(shop_read_wish(t->desk->shop, text, n, &t->kind));
    t->kind_text = text; /* texts of a turn stay valid until it ends */
    *wish = t->kind;
    return LLMCS_OK;
}

/* Sets search->text to the text without the excluded kind ("not tea"). */
static llmcs_status cut_kind(desk_turn *t, desk_search *search) {
    shop_wish wish;
    char *rest;
    if (!search->text) return LLMCS_OK;
    const size_t n = strlen(search->text);
    SHOP_TRY(shop_read_wish(t->desk->shop, search->text, n, &wish));
    if (!wish.kind) return LLMCS_OK;
    SHOP_TRY(shop_arena_alloc(t->arena, n + 1, 1, &rest));
    memcpy(rest, search->text, n);
    for (size_t i = wish.begin; i < wish.end && i < n; i++) rest[i] = ' ';
    search->text = rest;
    return LLMCS_OK;
}

/* The folded text without the named kind ("black tea" names no colour) and without what is excluded. */
static llmcs_status without_names(desk_turn *t, const desk_words *w, const shop_wish *wish, const desk_denied *denied,
                                  desk_words *rest) {
    char *text;
    *rest = *w;
    SHOP_TRY(shop_arena_alloc(t->arena, w->folded_bytes + 1, 1, &text));
    memcpy(text, w->folded, w->folded_bytes);
    const bool kind = wish->kind && w->plain_bytes == w->folded_bytes;
    for (size_t i = 0; i < w->folded_bytes; i++)
        if ((kind && i >= wish->begin && i < wish->end) || desk_denies_at(denied, i)) text[i] = ' ';
    rest->folded = text;
    return LLMCS_OK;
}

/* True for a request for goods that names none: "anything for winter", 有没有适合冬天用的. */
static bool asks_for_things(const desk_words *w) {
    static const char *const words[] = {"something", "anything", "things", "stuff", "recommend", "suggest", "有没有",
                                        "有什么",    "有啥",     "推荐",   "东西",  "有哪些",    NULL};
    static const char *const pointing[] = {"it", "this", "that", "one", "them", "它", "这个", "那个", NULL};
    return desk_has_any(w, words) && !desk_has_any(w, pointing);
}

/* True if the message excludes a colour, or a product of the list by its title. */
static llmcs_status excludes_some(desk_turn *t, const desk_words *w, const desk_denied *denied, bool kind, bool *some) {
    *some = denied->n && (kind || desk_products_are_near(t)) && desk_denies_colour(w, denied);
    for (size_t i = 0; denied->n && !*some && i < t->c->n_listed; i++) {
        desk_goods g;
        bool found;
        SHOP_TRY(desk_read_goods(t, t->c->listed[i], &g, &found));
        *some = found && desk_is_excluded(w->plain, &g);
    }
    return LLMCS_OK;
}

llmcs_status desk_read_search(desk_turn *t, const desk_words *w, desk_search *search, bool *names, bool *filters) {
    shop_wish wish;
    const char *size;
    size_t n;
    desk_words rest;
    desk_denied denied;
    bool some;
    SHOP_TRY(desk_read_kind(t, w->plain, w->plain_bytes, &wish));
    *names = wish.kind || wish.gift || wish.audience || (wish.use && asks_for_things(w));
    const double least = search->least, spent = search->most;
    if (*names) *search = (desk_search){.text = w->plain};
    if (*names && wish.excludes) search->least = least, search->most = spent; /* "not tea, coffee" keeps the price */
    desk_find_denied(w, &denied);
    SHOP_TRY(excludes_some(t, w, &denied, wish.kind, &some));
    if (wish.excludes || some || (wish.kind && denied.n)) search->without = w->plain;
    if (wish.excludes && !wish.kind) SHOP_TRY(cut_kind(t, search));
    SHOP_TRY(without_names(t, w, &wish, &denied, &rest));
    const size_t colour = find_colour(&rest);
    const double most = find_budget(w);
    const bool sized = find_size(&rest, &size, &n);
    if (some) search->colour = NULL;
    if (colour) search->colour = colours[colour - 1][0];
    if (sized) SHOP_TRY(shop_arena_copy(t->arena, size, n, &search->size));
    if (most > 0) search->most = most, search->least = 0;
    *filters = colour || sized || most > 0 || some;
    return LLMCS_OK;
}

/* ---- products */

static double first_number(const char *text) {
    double number = 0;
    bool any = false, fraction = false;
    double unit = 1;
    for (; *text; text++) {
        if (*text >= '0' && *text <= '9') {
            any = true;
            if (fraction) unit /= 10;
            number = fraction ? number + unit * (*text - '0') : number * 10 + (*text - '0');
        } else if (any && *text == '.' && !fraction) {
            fraction = true;
        } else if (any && *text == ',' && text[1] >= '0' && text[1] <= '9') {
            continue; /* 10,000 */
        } else if (any) {
            break;
        }
    }
    return number;
}

/* Returns the number before "mm" or 毫米, or 0. */
static double millimetres(const char *text) {
    for (const char *p = text; *p; p++) {
        if (*p < '0' || *p > '9' || (p > text && p[-1] >= '0' && p[-1] <= '9')) continue;
        const char *end = p;
        while ((*end >= '0' && *end <= '9') || *end == '.') end++;
        while (*end == ' ') end++;
        if (!strncmp(end, "mm", 2) || !strncmp(end, "毫米", 6)) return first_number(p);
    }
    return 0;
}

static llmcs_status lower_copy(desk_turn *t, const shop_query *q, int column, const char **out) {
    size_t n;
    char *copy;
    const char *text = shop_query_text(q, column, &n);
    SHOP_TRY(shop_arena_alloc(t->arena, n + 1, 1, &copy));
    for (size_t i = 0; i < n; i++) copy[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] + 'a' - 'A') : text[i];
    *out = copy;
    return LLMCS_OK;
}

static llmcs_status keep_goods(desk_turn *t, const shop_query *q, const char *id, desk_goods *g) {
    size_t n;
    const char *text = shop_query_text(q, 0, &n);
    SHOP_TRY(shop_arena_copy(t->arena, id, strlen(id), &g->id));
    SHOP_TRY(shop_arena_copy(t->arena, text, n, &g->title));
    g->price = shop_query_double(q, 1);
    text = shop_query_text(q, 2, &n);
    SHOP_TRY(shop_arena_copy(t->arena, text, n, &g->currency));
    SHOP_TRY(lower_copy(t, q, 3, &g->colours));
    SHOP_TRY(lower_copy(t, q, 4, &g->sizes));
    g->measure = first_number(shop_query_text(q, 5, &n));
    g->thickness = millimetres(shop_query_text(q, 6, &n));
    return LLMCS_OK;
}

#define ATTRIBUTES(keys)                                                                         \
    "(SELECT group_concat(j.value, ' ; ') FROM product_texts x, json_each(x.attributes) j WHERE" \
    " x.product = p.row AND j.key IN (" keys "))"
static const char goods_sql[] =
    "SELECT t.title, p.price, p.currency, " ATTRIBUTES("'colour', 'colours', 'color', 'colors', '颜色'") ", " ATTRIBUTES(
        "'sizes', 'size', '尺码', '尺寸'") ", " ATTRIBUTES("'capacity', '容量'") ", " ATTRIBUTES(
        "'size', 'sizes', 'weight', '规格', '尺寸', '重量'") " FROM products p JOIN product_texts t ON t.product = p.row"
    " WHERE p.id = ?1 ORDER BY t.lang = ?2 DESC, t.row LIMIT 1";

static llmcs_status read_goods(desk_turn *t, shop_connection *c, const char *id, desk_goods *g, bool *found) {
    shop_query q;
    size_t n;
    *g = (desk_goods){.id = id};
    *found = false;
    SHOP_TRY(shop_query_begin(c, &q, goods_sql, "ss", id, t->flows->langs[t->lang]));
    llmcs_status status = shop_query_next(&q);
    if (!status && q.has_row) {
        *found = true;
        status = keep_goods(t, &q, id, g);
        if (!(g->measure > 0)) g->measure = first_number(shop_query_text(&q, 6, &n));
    }
    shop_query_end(&q);
    return status;
}

llmcs_status desk_read_goods(desk_turn *t, const char *id, desk_goods *g, bool *found) {
    shop_connection *c;
    SHOP_TRY(shop_read_begin(t->desk->shop, &c));
    const llmcs_status status = read_goods(t, c, id, g, found);
    shop_read_end(t->desk->shop, c);
    return status;
}

static bool is_one_of(const char *id, const char *const *ids, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!strcmp(ids[i], id)) return true;
    return false;
}

/* True if the title has these digits as a number on their own. */
static bool has_number(const char *title, const char *number) {
    const size_t n = strlen(number);
    for (const char *at = strstr(title, number); at; at = strstr(at + 1, number)) {
        const bool before = at > title && at[-1] >= '0' && at[-1] <= '9';
        if (!before && !(at[n] >= '0' && at[n] <= '9')) return true;
    }
    return false;
}

static bool passes(const desk_browse *b, const desk_goods *g, bool colour) {
    if (b->among && !is_one_of(g->id, b->among, b->n_among)) return false;
    const double measure = b->thick ? g->thickness : g->measure;
    if (b->above > 0 && !(measure > b->above)) return false;
    if (b->below > 0 && !(measure > 0 && measure < b->below)) return false;
    if (b->number && !has_number(g->title, b->number)) return false;
    if (b->search.without && desk_is_excluded(b->search.without, g)) return false;
    if (colour && b->search.colour && !desk_goods_have_colour(g, b->search.colour)) return false;
    return !colour || !b->search.size || has_size(g, b->search.size);
}

bool desk_goods_pass(const desk_browse *b, const desk_goods *g) {
    const desk_search *s = &b->search;
    return passes(b, g, true) && !(s->most > 0 && g->price > s->most) && g->price >= s->least;
}

static double rank_value(const desk_goods *g, desk_rank rank) {
    switch (rank) {
        case DESK_CHEAP_FIRST:
            return g->price;
        case DESK_DEAR_FIRST:
            return -g->price;
        case DESK_BIG_FIRST:
            return -g->measure;
        case DESK_SMALL_FIRST:
            return g->measure;
        default:
            return 0;
    }
}

/* A stable sort of at most DESK_MOST_SEARCHED products. */
static void sort_goods(desk_goods *goods, size_t n, desk_rank rank) {
    for (size_t i = 1; i < n; i++) {
        const desk_goods one = goods[i];
        size_t k = i;
        for (; k && rank_value(&one, rank) < rank_value(&goods[k - 1], rank); k--) goods[k] = goods[k - 1];
        goods[k] = one;
    }
}

/* ---- the list */

/* Reads the product's value for the aspect: the attribute whose key is one of the aspect's words. "" if it has none. */
static llmcs_status read_aspect(desk_turn *t, shop_connection *c, const char *id, const desk_option *aspect,
                                const char **value) {
    shop_query q;
    *value = "";
    SHOP_TRY(shop_query_begin(c, &q,
                              "SELECT j.key, j.value FROM products p JOIN product_texts t ON t.product = p.row,"
                              " json_each(t.attributes) j WHERE p.id = ?1 AND t.lang = ?2",
                              "ss", id, t->flows->langs[t->lang]));
    llmcs_status status;
    while (!(status = shop_query_next(&q)) && q.has_row && !**value) {
        size_t n, m;
        const char *key = shop_query_text(&q, 0, &n);
        if (!is_one_of(key, aspect->words, aspect->n_words)) continue;
        const char *text = shop_query_text(&q, 1, &m);
        if ((status = shop_arena_copy(t->arena, text, m, value))) break;
    }
    shop_query_end(&q);
    return status;
}

llmcs_status desk_read_aspect_number(desk_turn *t, const char *id, const desk_option *aspect, double *number) {
    shop_connection *c;
    const char *value = "";
    SHOP_TRY(shop_read_begin(t->desk->shop, &c));
    const llmcs_status status = read_aspect(t, c, id, aspect, &value);
    shop_read_end(t->desk->shop, c);
    *number = first_number(value);
    return status;
}

void desk_put_price(desk_buffer *out, const char *currency, double price) {
    const bool yuan = !strcmp(currency, "CNY"), even = price == (double)(int64_t)price;
    char number[32];
    if (even)
        sqlite3_snprintf(sizeof number, number, "%lld", (long long)price);
    else
        sqlite3_snprintf(sizeof number, number, "%.2f", price);
    if (yuan)
        desk_putf(out, "\302\245%s", number); /* without the sign, 46，399元 would read as one number */
    else
        desk_putf(out, "%s %.10s", number, currency);
}

/* Prints "1. title, ¥79" in the reply's language. */
static llmcs_status say_goods(desk_turn *t, const desk_goods *g, const desk_option *show) {
    const bool zh = !strncmp(t->flows->langs[t->lang], "zh", 2);
    const char *value = "";
    if (show) {
        shop_connection *c;
        SHOP_TRY(shop_read_begin(t->desk->shop, &c));
        const llmcs_status status = read_aspect(t, c, g->id, show, &value);
        shop_read_end(t->desk->shop, c);
        SHOP_TRY(status);
    }
    desk_putf(&t->reply, "\n%d. ", (int)t->out.n_products + 1);
    desk_puts(&t->reply, g->title);
    if (*value && !strstr(g->title, value)) desk_puts(&t->reply, zh ? "，" : ", "), desk_puts(&t->reply, value);
    desk_puts(&t->reply, zh ? "，" : ", ");
    desk_put_price(&t->reply, g->currency, g->price);
    if (g->says) desk_puts(&t->reply, zh ? "：" : ": "), desk_puts(&t->reply, g->says);
    t->products[t->out.n_products++] = g->id;
    return t->reply.status;
}

static llmcs_status say_with(desk_turn *t, desk_sentence sentence, const char *what) {
    desk_values_in v;
    SHOP_TRY(desk_values_of(t, NULL, &v));
    const desk_local locals[] = {{"a", what}};
    v.locals = locals;
    v.n_locals = 1;
    return desk_say_text(t, t->flows->sentences[sentence], &v);
}

/* Returns the filters that no product meets, such as "black, size 42", in the reply's language. */
static const char *name_filters(desk_turn *t, const desk_search *s) {
    const bool zh = !strncmp(t->flows->langs[t->lang], "zh", 2);
    const char *colour = s->colour, *text = "";
    char line[96];
    for (size_t i = 0; zh && colour && i < N_COLOURS; i++)
        if (!strcmp(colours[i][0], s->colour))
            for (size_t k = 0; k < 6 && colours[i][k]; k++)
                if (is_han_word(colours[i][k])) colour = colours[i][k];
    const bool suffix = zh && colour && is_han_word(colour) && !strstr(colour, "色");
    char size[8] = "";
    for (size_t i = 0; s->size && s->size[i] && i + 1 < sizeof size; i++) {
        size[i] = s->size[i] >= 'a' && s->size[i] <= 'z' ? (char)(s->size[i] - 'a' + 'A') : s->size[i];
        size[i + 1] = 0;
    }
    sqlite3_snprintf(sizeof line, line, "%.40s%s%s%s%s%s", colour ? colour : "", suffix ? "色" : "",
                     colour && s->size ? (zh ? "、" : ", ") : "", s->size && !zh ? "size " : "", size,
                     s->size && zh ? "码" : "");
    (void)shop_arena_copy(t->arena, line, strlen(line), &text);
    return text;
}

/* Puts the products in the order of `among`, so that a list shown again keeps its numbers. */
static void sort_as_listed(desk_goods *goods, size_t n, const desk_browse *b) {
    size_t to = 0;
    for (size_t k = 0; k < b->n_among; k++)
        for (size_t i = to; i < n; i++)
            if (!strcmp(goods[i].id, b->among[k])) {
                const desk_goods one = goods[i];
                goods[i] = goods[to];
                goods[to++] = one;
            }
}

/* Returns the name of the flow that answers "do you have ...?", which the turn reports. */
static const char *listing_flow(const desk_turn *t) {
    for (size_t i = 0; i < t->flows->n_flows; i++)
        for (size_t k = 0; k < t->flows->flows[i].n_ops && !t->flows->flows[i].listed; k++)
            if (t->flows->flows[i].ops[k].kind == DESK_OP_RECOMMEND && t->flows->flows[i].ops[k].have)
                return t->flows->flows[i].name;
    return "";
}

static llmcs_status say_list(desk_turn *t, const desk_browse *b, desk_goods *goods, size_t n, const char *none_such) {
    desk_conversation *c = t->c;
    if (b->among)
        sort_as_listed(goods, n, b);
    else
        sort_goods(goods, n, b->rank);
    desk_new_line(t);
    desk_set_route(t, b->sentence == DESK_RECOMMEND_TEXT ? LLMCS_DESK_RECOMMEND : LLMCS_DESK_FLOW);
    t->wordable = false;
    t->out.n_products = 0;
    if (!*t->out.flow) t->out.flow = listing_flow(t);
    SHOP_TRY(none_such    ? say_with(t, DESK_NONE_SUCH, none_such)
             : b->missing ? say_with(t, DESK_NO_MORE, b->missing)
                          : desk_say_sentence(t, b->sentence));
    for (size_t i = 0; i < n && i < b->k && t->out.n_products < DESK_MAX_PRODUCTS; i++)
        SHOP_TRY(say_goods(t, &goods[i], b->show));
    c->search = b->search;
    c->n_listed = c->n_offered = 0;
    for (size_t i = 0; i < t->out.n_products && i < DESK_MAX_LISTED; i++) c->listed[c->n_listed++] = t->products[i];
    c->about = c->n_listed == 1 ? c->listed[0] : NULL;
    c->products_at = c->n_turns + 1;
    c->spoken = DESK_SPOKEN_PRODUCTS;
    return t->reply.status;
}

llmcs_status desk_list_goods(desk_turn *t, const desk_browse *b, desk_goods *goods, size_t n) {
    return say_list(t, b, goods, n, NULL);
}

/* True if the products found are filtered or sorted afterwards, so that more of them are needed than are listed. */
static bool needs_all(const desk_browse *b) {
    return b->rank != DESK_BEST_FIRST || b->among || b->above > 0 || b->below > 0 || b->number || b->search.colour ||
           b->search.size || b->search.without;
}

static llmcs_status run_search(desk_turn *t, const desk_browse *b, const desk_search *s,
                               llmcs_shop_recommendations **list) {
    llmcs_shop_recommend_params params;
    llmcs_shop_recommend_params_init(&params);
    params.k = needs_all(b) ? DESK_MOST_SEARCHED : shop_min(b->k, DESK_MOST_SEARCHED);
    params.lang = t->flows->langs[t->lang];
    params.text = s->text;
    params.diversity = 0;
    params.exclude = b->exclude;
    params.n_exclude = b->n_exclude;
    if (s->most > 0) params.price_max = s->most;
    params.price_min = s->least;
    /* Reuse the vector of the whole message. */
    const bool encoded = !strcmp(s->text, t->read.plain);
    return shop_recommend_kind(t->desk->shop, &params, encoded ? t->vector : NULL, s->without, list);
}

static llmcs_status read_list(desk_turn *t, const llmcs_shop_recommendations *list, desk_goods *goods, size_t *n) {
    shop_connection *c;
    llmcs_status status = LLMCS_OK;
    *n = 0;
    SHOP_TRY(shop_read_begin(t->desk->shop, &c));
    for (size_t i = 0; i < list->n_items && !status; i++) {
        bool found;
        status = read_goods(t, c, list->items[i]->item, &goods[*n], &found);
        *n += !status && found;
    }
    shop_read_end(t->desk->shop, c);
    return status;
}

llmcs_status desk_search_goods(desk_turn *t, const desk_search *search, desk_goods *goods, size_t *n) {
    llmcs_shop_recommendations *list = NULL;
    const desk_browse b = {.search = *search, .rank = DESK_CHEAP_FIRST};
    SHOP_TRY(run_search(t, &b, search, &list));
    const llmcs_status status = read_list(t, list, goods, n);
    llmcs_shop_recommendations_free(&list);
    return status;
}

llmcs_status desk_browse_products(desk_turn *t, const desk_browse *b, bool *found) {
    llmcs_shop_recommendations *list = NULL;
    desk_goods *goods;
    size_t n, kept = 0;
    const double begin = shop_now_ms();
    desk_browse how = *b;
    *found = false;
    if (!b->search.text) return LLMCS_OK;
    SHOP_TRY(shop_arena_alloc(t->arena, 2 * DESK_MOST_SEARCHED, sizeof *goods, &goods));
    SHOP_TRY(run_search(t, b, &b->search, &list));
    llmcs_status status = read_list(t, list, goods, &n);
    llmcs_shop_recommendations_free(&list);
    SHOP_TRY(status);
    for (size_t i = 0; i < n; i++)
        if (passes(b, &goods[i], true)) goods[DESK_MOST_SEARCHED + kept++] = goods[i];
    const char *none_such = NULL;
    if (!kept && !b->strict && n && (b->search.colour || b->search.size)) {
        none_such = name_filters(t, &b->search);
        for (size_t i = 0; i < n; i++)
            if (passes(b, &goods[i], false)) goods[DESK_MOST_SEARCHED + kept++] = goods[i];
        how.search.colour = how.search.size = NULL;
    }
    *found = kept > 0;
    if (kept) status = say_list(t, &how, goods + DESK_MOST_SEARCHED, kept, none_such);
    t->out.ms.recommend += shop_now_ms() - begin;
    return status;
}

/* ---- recommendations */

bool desk_lists_products(const desk_flow *flow) {
    for (size_t i = 0; i < flow->n_ops; i++)
        if (flow->ops[i].kind == DESK_OP_RECOMMEND) return true;
    return false;
}

/* True if a recommended title shares a word with the text. */
static bool fits_text(desk_turn *t, const desk_words *w, const llmcs_shop_recommendations *found) {
    size_t common = 0;
    char *text;
    desk_words words;
    /* Replace digits: in "below 300" the number is a price, in a title it is a size. */
    if (shop_arena_alloc(t->arena, w->plain_bytes + 1, 1, &text)) return false;
    for (size_t i = 0; i < w->plain_bytes; i++) text[i] = w->plain[i] >= '0' && w->plain[i] <= '9' ? ' ' : w->plain[i];
    if (desk_words_make(t->arena, text, w->plain_bytes, &words)) return false;
    for (size_t i = 0; i < found->n_items && !common; i++)
        (void)desk_overlap(t->arena, &words, found->items[i]->title, &common);
    return common > 0;
}

/* Searches by what the message names; if it names nothing, by the previous search: "something under 500". */
static llmcs_status recommend_by_search(desk_turn *t, size_t k, bool have, bool *found) {
    bool names, filters;
    desk_browse b = {.k = k, .sentence = have ? DESK_HAVE_THESE : DESK_RECOMMEND_TEXT};
    if (desk_products_are_near(t)) b.search = t->c->search;
    SHOP_TRY(desk_read_search(t, &t->request_words, &b.search, &names, &filters));
    *found = false;
    if (!names && (!filters || !b.search.text)) return LLMCS_OK;
    if (have) b.rank = DESK_CHEAP_FIRST;
    return desk_browse_products(t, &b, found);
}

static llmcs_status recommend(desk_turn *t, desk_recommend_by by, const char *product, size_t k,
                              llmcs_shop_recommendations **list) {
    llmcs_shop_recommend_params params;
    const double budget = find_budget(&t->words);
    llmcs_shop_recommend_params_init(&params);
    params.k = k;
    params.lang = t->flows->langs[t->lang];
    if (budget > 0) params.price_max = budget;
    if (by == DESK_BY_PRODUCT && product)
        params.item = product;
    else if (by == DESK_BY_CUSTOMER && t->c->customer_id)
        params.customer = t->c->customer_id;
    else
        params.text = t->request.text && *t->request.text ? t->request.text : "?";
    const bool encoded = params.text && !strcmp(params.text, t->read.plain);
    SHOP_TRY(shop_recommend_encoded(t->desk->shop, &params, encoded ? t->vector : NULL, list));
    if (!params.text || !t->c->customer_id || fits_text(t, &t->words, *list)) return LLMCS_OK;
    llmcs_shop_recommendations_free(list);
    params.text = NULL;
    params.customer = t->c->customer_id;
    return llmcs_shop_recommend(t->desk->shop, &params, list);
}

llmcs_status desk_say_products(desk_turn *t, desk_recommend_by by, const char *product, size_t k, bool have,
                               bool *found) {
    llmcs_shop_recommendations *list = NULL;
    const double begin = shop_now_ms();
    desk_goods *goods;
    size_t n = 0;
    const char *text = t->request.text ? t->request.text : "";
    *found = false;
    SHOP_TRY(desk_words_make(t->arena, text, strlen(text), &t->request_words));
    if (by == DESK_BY_TEXT) SHOP_TRY(recommend_by_search(t, k, have, found));
    if (*found || have) return LLMCS_OK;
    SHOP_TRY(shop_arena_alloc(t->arena, k, sizeof *goods, &goods));
    llmcs_status status = recommend(t, by, product, k, &list);
    if (!status) status = read_list(t, list, goods, &n);
    llmcs_shop_recommendations_free(&list);
    const desk_browse b = {
        .k = k, .sentence = DESK_RECOMMEND_TEXT, .search = {.text = by == DESK_BY_TEXT ? text : NULL}};
    if (!status && n) status = say_list(t, &b, goods, n, NULL);
    *found = n > 0;
    t->out.ms.recommend += shop_now_ms() - begin;
    return status;
}
