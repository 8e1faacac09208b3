/*
 * Answers what the reader takes for a question about products where the message alone is no follow-up (context.c):
 * 云南的呢，500克的, "is the glass one dishwasher proof", "price please".
 *
 * The candidates are the products of the kind that the message names, else those of the subject: listed or described
 * by recent turns, of the order looked up last, or of the kind that the customer named last; without any, all. Words
 * and numbers that occur in the texts of some candidates narrow them. One that is left is described; several are
 * listed, each with the aspect, or with the sentence of its description that has the word.
 */
#include <string.h>

#include "shop/base/numeral.h"
#include "shop/desk/browse.h"
#include "shop/desk/decide.h"
#include "shop/recommend/recommender.h"

enum {
    MOST_TERMS = 12,
    MOST_OF_ORDER = 8,
    MOST_OF_KIND = 4, /* kinds that one word covers, as "cup" does */
    LISTED = 4,
    LEAST_WORD = 3,   /* letters of a Latin word */
    LEAST_BARE = 3,   /* a smaller number in words needs a unit: "one of the two" */
    MOST_ENDING = 4,  /* letters by which a word may be longer than its stem */
    MOST_HAN = 6,     /* characters of a Chinese term */
    SUBJECT_TURNS = 8 /* a subject older than this is over */
};

/* The score of a title or attribute that has a term. */
static const double sure_match = 2;

typedef enum source { OF_KIND, OF_LIST, OF_ORDER, OF_ALL } source;

/* A word or number of the message. */
typedef struct term {
    const char *text, *unit; /* unit: what follows a number, or "" */
    size_t n, unit_bytes;
    bool number, han;
} term;

typedef struct candidate {
    desk_goods goods;
    desk_words facts, told; /* title and attributes; description */
    double score;
    bool listed;
} candidate;

typedef struct candidates {
    candidate *all; /* [n] */
    size_t n;
    source from;
} candidates;

/* ---- terms */

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_latin(char c) { return (c >= 'a' && c <= 'z') || c == '\''; }

/* Returns the length of what follows a number at byte i: a Latin word or one Chinese character, after at most one
 * space. */
static size_t unit_at(const desk_words *w, size_t i, const char **unit) {
    size_t len = 0, n = 0;
    if (i < w->folded_bytes && w->folded[i] == ' ') i++;
    *unit = w->folded + i;
    while (i + n < w->folded_bytes && is_latin(w->folded[i + n])) n++;
    if (n || i >= w->folded_bytes) return n;
    return desk_is_han(desk_char_at(w->folded, w->folded_bytes, i, &len)) ? len : 0;
}

/* Reads a number in digits at byte i. Returns its length. */
static size_t number_at(const desk_words *w, size_t i) {
    size_t n = 0;
    while (i + n < w->folded_bytes &&
           (is_digit(w->folded[i + n]) ||
            (n && w->folded[i + n] == '.' && i + n + 1 < w->folded_bytes && is_digit(w->folded[i + n + 1]))))
        n++;
    return n;
}

/* Reads "three", 三 or 一米八 (180) before a unit as a number. Returns the bytes read; 0 if there is none. */
static size_t spelled_at(const desk_words *w, size_t i, unsigned int *value) {
    static const char *const words[] = {"two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", NULL};
    for (size_t k = 0; words[k]; k++) {
        const char *const one[] = {words[k], NULL};
        const size_t n = desk_phrase_at(w, i, one);
        if (n) return *value = (unsigned int)k + 2, n;
    }
    size_t len, next, last;
    unsigned int tens;
    const int32_t c = desk_char_at(w->folded, w->folded_bytes, i, &len);
    if (!shop_is_numeral(c) || !shop_read_numeral(&c, 1, value) || *value > 10) return 0;
    const size_t metre = i + len;
    if (metre + 3 < w->folded_bytes && !memcmp(w->folded + metre, "米", 3)) {
        next = metre + 3;
        const int32_t d = desk_char_at(w->folded, w->folded_bytes, next, &last);
        if (shop_is_numeral(d) && shop_read_numeral(&d, 1, &tens) && tens && tens < 10)
            return *value = *value * 100 + tens * 10, next + last - i;
    }
    return *value == 1 ? 0 : len;
}

/* True for the number of a size or price, which are filters. */
static bool is_filter(const desk_search *own, const char *number, size_t n) {
    double value = 0;
    if (own->size && strlen(own->size) == n && !memcmp(own->size, number, n)) return true;
    for (size_t i = 0; i < n && is_digit(number[i]); i++) value = value * 10 + (number[i] - '0');
    return own->most > 0 && value >= 1 && (value == own->most || value * DESK_ROUGH_SHARE == own->most);
}

static void add_number(const desk_words *w, size_t end, const char *text, size_t n, term *terms, size_t *n_terms) {
    term one = {.text = text, .n = n, .number = true};
    one.unit_bytes = unit_at(w, end, &one.unit);
    if (*n_terms < MOST_TERMS) terms[(*n_terms)++] = one;
}

/* True for a character that does not begin or end a Chinese term. */
static bool is_function_word(const desk_words *w, size_t i) {
    static const char *const words[] = {
        "的", "了", "吗", "呢", "吧", "啊", "呀", "哦", "嘛", "有", "没", "是", "不", "能", "可", "以", "要", "想",
        "我", "你", "您", "们", "哪", "个", "款", "种", "些", "这", "那", "什", "么", "啥", "多", "少", "就", "都",
        "也", "还", "再", "和", "跟", "给", "会", "在", "很", "太", "说", "看", "来", "去", "咧", "捏", "呗", NULL};
    return desk_phrase_at(w, i, words) > 0;
}

/* Returns the length of the Chinese term at byte i that occurs in the texts of a candidate, or 0. */
static size_t han_term_at(const desk_words *w, size_t i, size_t end, const candidates *c) {
    size_t ends[MOST_HAN], n = 0, best = 0;
    for (size_t at = i, len; at < end && n < MOST_HAN; at += len) {
        if (!desk_is_han(desk_char_at(w->folded, end, at, &len))) break;
        ends[n++] = at + len;
    }
    for (size_t k = n; k >= 2 && !best; k--) {
        if (is_function_word(w, ends[k - 2])) continue;
        char text[MOST_HAN * 4 + 1];
        memcpy(text, w->folded + i, ends[k - 1] - i);
        text[ends[k - 1] - i] = 0;
        for (size_t g = 0; g < c->n && !best; g++)
            if (strstr(c->all[g].facts.folded, text) || strstr(c->all[g].told.folded, text)) best = ends[k - 1] - i;
    }
    return best;
}

/* Collects the terms of the message outside its kind, its aspects and the words that name nothing. */
static llmcs_status find_terms(desk_turn *t, const desk_signals *s, const desk_search *own, const candidates *c,
                               term terms[MOST_TERMS], size_t *n_found) {
    const desk_words *w = &t->read;
    size_t n_terms = 0;
    for (size_t i = 0, len; i < w->folded_bytes; i += len) {
        unsigned int value;
        const bool begins = !i || !(is_latin(w->folded[i - 1]) || is_digit(w->folded[i - 1]));
        const int32_t code = desk_char_at(w->folded, w->folded_bytes, i, &len);
        if (i >= s->kind_begin && i < s->kind_end) {
            len = s->kind_end - i;
        } else if (is_digit(w->folded[i]) && begins) {
            len = number_at(w, i);
            if (!is_filter(own, w->folded + i, len)) add_number(w, i + len, w->folded + i, len, terms, &n_terms);
        } else if (begins && spelled_at(w, i, &value)) {
            char digits[16];
            const char *copy;
            const size_t before = n_terms;
            len = spelled_at(w, i, &value);
            sqlite3_snprintf(sizeof digits, digits, "%u", value);
            SHOP_TRY(shop_arena_copy(t->arena, digits, strlen(digits), &copy));
            add_number(w, i + len, copy, strlen(copy), terms, &n_terms);
            if (n_terms > before && !terms[before].unit_bytes && value < LEAST_BARE) n_terms = before;
        } else if (desk_known_at(t, s, i)) {
            len = desk_known_at(t, s, i);
        } else if (is_latin(w->folded[i]) && begins) {
            for (len = 0; i + len < w->folded_bytes && is_latin(w->folded[i + len]);) len++;
            if (len >= LEAST_WORD && n_terms < MOST_TERMS) terms[n_terms++] = (term){.text = w->folded + i, .n = len};
        } else if (desk_is_han(code) && !is_function_word(w, i)) {
            const size_t n = han_term_at(w, i, w->folded_bytes, c);
            if (n && n_terms < MOST_TERMS) terms[n_terms++] = (term){.text = w->folded + i, .n = n, .han = true};
            if (n) len = n;
        }
    }
    *n_found = n_terms;
    return LLMCS_OK;
}

/* ---- matches */

/* Returns the stem's length: without a plural, "-ed", "-ing", "-y". */
static size_t stem_of(const char *word, size_t n) {
    static const char *const endings[] = {"ing", "ed", "es", "s", "y", NULL};
    for (size_t i = 0; endings[i]; i++) {
        const size_t m = strlen(endings[i]);
        if (n >= m + LEAST_WORD && !memcmp(word + n - m, endings[i], m)) return n - m;
    }
    return n;
}

/* Returns where the text has the word, apart from its ending, or NULL. */
static const char *find_word(const desk_words *text, const term *m) {
    const size_t n = stem_of(m->text, m->n);
    for (size_t i = 0; i + n <= text->folded_bytes; i++) {
        const char *at = text->folded + i;
        if (memcmp(at, m->text, n) || (i && is_latin(at[-1]))) continue;
        size_t rest = 0;
        while (i + n + rest < text->folded_bytes && is_latin(at[n + rest])) rest++;
        if (rest <= MOST_ENDING) return at;
    }
    return NULL;
}

/* Returns 2 if the text has the number with the unit, 1 if it has the number alone, else 0. */
static int match_number(const desk_words *text, const term *m) {
    int best = 0;
    for (size_t i = 0; i + m->n <= text->folded_bytes && best < 2; i++) {
        const char *at = text->folded + i, *unit;
        if (memcmp(at, m->text, m->n) || (i && (is_digit(at[-1]) || at[-1] == '.'))) continue;
        if (is_digit(at[m->n]) || (at[m->n] == '.' && is_digit(at[m->n + 1]))) continue;
        best = 1;
        const size_t n = unit_at(text, i + m->n, &unit);
        if (n && m->unit_bytes && *unit == *m->unit && !memcmp(unit, m->unit, n < m->unit_bytes ? n : m->unit_bytes))
            best = 2;
    }
    return best;
}

/* Returns where the text has the term, or NULL. */
static const char *find_term(const desk_words *text, const term *m) {
    char copy[MOST_HAN * 4 + 1];
    if (!m->han) return find_word(text, m);
    memcpy(copy, m->text, m->n);
    copy[m->n] = 0;
    return strstr(text->folded, copy);
}

/* A title or attribute counts more than a sentence of the description. */
static double score_of(const candidate *one, const term *terms, size_t n_terms) {
    double score = 0;
    for (size_t i = 0; i < n_terms; i++) {
        const term *m = &terms[i];
        if (m->number)
            score += match_number(&one->facts, m);
        else
            score += find_term(&one->facts, m) ? sure_match : find_term(&one->told, m) ? 1 : 0;
    }
    return score;
}

/* True for "any waterproof ones?", 有没有, 哪个: not about the product in focus alone. */
static bool asks_any(const desk_words *w) {
    static const char *const words[] = {
        "any",  "ones", "which", "other", "others", "do you have", "have you", "you got",     "有没有", "哪",
        "别的", "其他", "的有",  "有几",  "有吗",   "有么",        "卖吗",     "do you sell", NULL};
    return desk_has_any(w, words);
}

/* ---- candidates */

static llmcs_status read_texts(desk_turn *t, shop_connection *c, candidate *one) {
    static const char sql[] =
        "SELECT t.title || ' ; ' || ifnull((SELECT group_concat(j.value, ' ; ') FROM json_each(t.attributes) j), ''),"
        " t.description FROM products p JOIN product_texts t ON t.product = p.row WHERE p.id = ?1"
        " ORDER BY t.lang = ?2 DESC, t.row LIMIT 1";
    shop_query q;
    size_t n;
    one->facts = one->told = (desk_words){.plain = "", .folded = ""};
    SHOP_TRY(shop_query_begin(c, &q, sql, "ss", one->goods.id, t->flows->langs[t->lang]));
    llmcs_status status = shop_query_next(&q);
    const char *text = NULL;
    if (!status && q.has_row) {
        text = shop_query_text(&q, 0, &n);
        status = desk_words_make(t->arena, text, n, &one->facts);
        text = shop_query_text(&q, 1, &n);
        if (!status) status = desk_words_make(t->arena, text, n, &one->told);
    }
    if (!status) shop_query_end(&q);
    return status;
}

static llmcs_status read_all_texts(desk_turn *t, candidates *c) {
    shop_connection *link;
    llmcs_status status = LLMCS_OK;
    SHOP_TRY(shop_read_begin(t->desk->shop, &link));
    for (size_t i = 0; i < c->n && !status; i++) status = read_texts(t, link, &c->all[i]);
    shop_read_end(t->desk->shop, link);
    return status;
}

static llmcs_status add_candidate(desk_turn *t, candidates *c, const char *id) {
    bool found = false;
    for (size_t i = 0; i < c->n; i++)
        if (!strcmp(c->all[i].goods.id, id)) return c->all[i].listed = true, LLMCS_OK;
    if (c->n == DESK_MOST_SEARCHED) return LLMCS_OK;
    c->all[c->n] = (candidate){.listed = true};
    SHOP_TRY(desk_read_goods(t, id, &c->all[c->n].goods, &found));
    c->n += found;
    return LLMCS_OK;
}

static llmcs_status add_of_kind(desk_turn *t, candidates *c, const char *text) {
    desk_goods *goods;
    size_t n;
    const desk_search search = {.text = text};
    SHOP_TRY(shop_arena_alloc(t->arena, DESK_MOST_SEARCHED, sizeof *goods, &goods));
    SHOP_TRY(desk_search_goods(t, &search, goods, &n));
    for (size_t i = 0; i < n && c->n < DESK_MOST_SEARCHED; i++) {
        bool known = false;
        for (size_t k = 0; k < c->n && !known; k++) known = !strcmp(c->all[k].goods.id, goods[i].id);
        if (!known) c->all[c->n++] = (candidate){.goods = goods[i]};
    }
    return LLMCS_OK;
}

/* Adds the products of the kind that the text names: by a title, or by a word of flows.json's "kinds" (饭盒: 便当盒).
 */
static llmcs_status add_of_named(desk_turn *t, candidates *c, const char *text) {
    shop_wish wish;
    const desk_kind *kind = NULL;
    desk_words w;
    size_t n_searches = 0;
    SHOP_TRY(shop_read_wish(t->desk->shop, text, strlen(text), &wish));
    if (wish.kind) return add_of_kind(t, c, text);
    SHOP_TRY(desk_words_make(t->arena, text, strlen(text), &w));
    kind = desk_named_kind(t, &w, NULL);
    for (size_t i = 0; kind && i < kind->n_titles && n_searches < MOST_OF_KIND; i++) {
        const bool han = (unsigned char)*kind->titles[i] >= 0x80;
        if (han != !strncmp(t->flows->langs[t->lang], "zh", 2)) continue;
        SHOP_TRY(shop_read_wish(t->desk->shop, kind->titles[i], strlen(kind->titles[i]), &wish));
        if (!wish.kind) continue;
        SHOP_TRY(add_of_kind(t, c, kind->titles[i]));
        n_searches++;
    }
    return LLMCS_OK;
}

/* Adds the goods of the order looked up last. Orders on a server are not read. */
static llmcs_status add_of_order(desk_turn *t, candidates *c) {
    static const char sql[] =
        "SELECT i.item FROM orders o JOIN order_items i ON i.order_row = o.row WHERE o.id = ?1 AND o.customer = ?2"
        " ORDER BY i.position";
    const char *ids[MOST_OF_ORDER], *order;
    size_t n = 0, bytes;
    int slot = -1;
    shop_connection *link;
    shop_query q;
    if (desk_listed_flow(t, DESK_SLOT_ORDER, &slot) < 0 || t->link || t->c->customer < 0) return LLMCS_OK;
    if (!(order = t->c->mentioned[slot])) return LLMCS_OK;
    SHOP_TRY(shop_read_begin(t->desk->shop, &link));
    llmcs_status status = shop_query_begin(link, &q, sql, "si", order, t->c->customer);
    while (!status && !(status = shop_query_next(&q)) && q.has_row && n < MOST_OF_ORDER) {
        const char *id = shop_query_text(&q, 0, &bytes);
        status = shop_arena_copy(t->arena, id, bytes, &ids[n++]);
    }
    shop_query_end(&q);
    shop_read_end(t->desk->shop, link);
    for (size_t i = 0; i < n && !status; i++) status = add_candidate(t, c, ids[i]);
    return status;
}

/* Adds the products listed last and the others of their kind. */
static llmcs_status add_listed(desk_turn *t, candidates *c) {
    const desk_conversation *now = t->c;
    const char *id = now->about ? now->about : now->n_listed ? now->listed[0] : NULL, *text = now->search.text;
    desk_goods g;
    bool found;
    if (!text && id) {
        SHOP_TRY(desk_read_goods(t, id, &g, &found));
        if (found) text = g.title;
    }
    if (text) SHOP_TRY(add_of_kind(t, c, text));
    for (size_t i = 0; i < now->n_listed; i++) SHOP_TRY(add_candidate(t, c, now->listed[i]));
    return now->about ? add_candidate(t, c, now->about) : LLMCS_OK;
}

static llmcs_status find_candidates(desk_turn *t, const desk_signals *s, candidates *c) {
    const desk_conversation *now = t->c;
    const int64_t oldest = now->n_turns + 1 - SUBJECT_TURNS;
    const bool listed = now->n_listed || now->about;
    const int64_t products = listed ? now->products_at : 0, topic = now->topic ? now->topic_at : 0;
    const int64_t orders = now->orders_at;
    SHOP_TRY(shop_arena_alloc(t->arena, DESK_MOST_SEARCHED, sizeof *c->all, &c->all));
    c->from = OF_KIND;
    if ((s->names && s->kind_end > s->kind_begin) || desk_named_kind(t, &t->read, NULL)) {
        SHOP_TRY(add_of_named(t, c, t->read.plain));
    } else if (orders >= oldest && orders > 0 && orders > products && orders >= topic) {
        c->from = OF_ORDER;
        SHOP_TRY(add_of_order(t, c));
        if (c->n == 1 && asks_any(&t->read)) { /* "have you got any in red?" about what was ordered */
            const char *title = c->all[0].goods.title;
            c->from = OF_KIND;
            c->n = 0;
            SHOP_TRY(add_of_kind(t, c, title));
        }
    } else if (products >= oldest && products > 0 && products >= topic) {
        c->from = OF_LIST;
        SHOP_TRY(add_listed(t, c));
    } else if (topic >= oldest && topic > 0) {
        SHOP_TRY(add_of_named(t, c, now->topic));
    }
    if (!c->n) {
        c->from = OF_ALL;
        SHOP_TRY(add_of_kind(t, c, t->read.plain));
    }
    return read_all_texts(t, c);
}

/* ---- the answer */

/* Keeps the candidates that pass the message's colour, size and price, if any does. */
static void keep_passing(candidates *c, const desk_search *own) {
    const desk_browse b = {.search = *own};
    size_t kept = 0;
    for (size_t i = 0; i < c->n; i++) kept += desk_goods_pass(&b, &c->all[i].goods);
    if (!kept) return;
    size_t n = 0;
    for (size_t i = 0; i < c->n; i++)
        if (desk_goods_pass(&b, &c->all[i].goods)) c->all[n++] = c->all[i];
    c->n = n;
}

/* Keeps the candidates with the best score; of these, if the message points at some ("the glass one"), the listed. */
static double keep_best(candidates *c, const term *terms, size_t n_terms, bool points) {
    double best = 0;
    size_t n = 0, n_listed = 0;
    for (size_t i = 0; i < c->n; i++) {
        c->all[i].score = score_of(&c->all[i], terms, n_terms);
        if (c->all[i].score > best) best = c->all[i].score;
    }
    for (size_t i = 0; i < c->n; i++) n_listed += c->all[i].listed && c->all[i].score >= best;
    for (size_t i = 0; i < c->n; i++)
        if (c->all[i].score >= best && (!points || !n_listed || c->all[i].listed)) c->all[n++] = c->all[i];
    c->n = n;
    return best;
}

/* Keeps the cheapest, dearest, biggest or smallest. */
static void keep_extreme(candidates *c, const desk_signals *s) {
    const bool by_price = s->cheapest || s->dearest || s->cheaper || s->dearer;
    const bool least = s->cheapest || s->smallest || s->cheaper || s->smaller;
    size_t best = c->n;
    for (size_t i = 0; i < c->n; i++) {
        const double value = by_price ? c->all[i].goods.price : c->all[i].goods.measure;
        if (!by_price && !(value > 0)) continue;
        const double so_far = best == c->n ? value : by_price ? c->all[best].goods.price : c->all[best].goods.measure;
        if (best == c->n || (least ? value < so_far : value > so_far)) best = i;
    }
    if (best == c->n) return;
    c->all[0] = c->all[best];
    c->n = 1;
}

/* Sets goods.says to the sentence of the description that has one of the terms, unless a title or attribute has it. */
static llmcs_status quote(desk_turn *t, candidate *one, const term *terms, size_t n_terms) {
    const desk_words *w = &one->told;
    const char *at = NULL;
    for (size_t i = 0; i < n_terms && !at; i++)
        if (!terms[i].number && !find_term(&one->facts, &terms[i])) at = find_term(w, &terms[i]);
    if (!at || w->plain_bytes != w->folded_bytes) return LLMCS_OK;
    size_t begin = (size_t)(at - w->folded), end = begin;
    while (begin && !strchr(".!?", w->plain[begin - 1]) && !(begin >= 3 && !memcmp(w->plain + begin - 3, "。", 3)))
        begin--;
    while (begin < end && w->plain[begin] == ' ') begin++;
    while (end < w->plain_bytes && !strchr(".!?", w->plain[end]) && strncmp(w->plain + end, "。", 3) != 0) end++;
    return shop_arena_copy(t->arena, w->plain + begin, end - begin, &one->goods.says);
}

static llmcs_status list_candidates(desk_turn *t, candidates *c, const desk_signals *s, const term *terms,
                                    size_t n_terms) {
    desk_goods *goods;
    SHOP_TRY(shop_arena_alloc(t->arena, c->n, sizeof *goods, &goods));
    for (size_t i = 0; i < c->n; i++) {
        SHOP_TRY(quote(t, &c->all[i], terms, n_terms));
        goods[i] = c->all[i].goods;
    }
    const desk_browse b = {.search = s->search,
                           .k = LISTED,
                           .sentence = DESK_HAVE_THESE,
                           .rank = s->dearer ? DESK_DEAR_FIRST : DESK_CHEAP_FIRST,
                           .show = s->second ? s->second : s->aspect}; /* the price is shown anyway */
    t->c->unknown = 0;
    t->out.probability = 1;
    return desk_list_goods(t, &b, goods, c->n);
}

llmcs_status desk_names_other_kind(desk_turn *t, const char *product, bool *other) {
    const desk_kind *kind = desk_named_kind(t, &t->read, NULL);
    desk_words title;
    desk_goods g;
    bool found;
    *other = false;
    if (!kind) return LLMCS_OK;
    SHOP_TRY(desk_read_goods(t, product, &g, &found));
    if (!found) return LLMCS_OK;
    SHOP_TRY(desk_words_make(t->arena, g.title, strlen(g.title), &title));
    *other = !desk_has_one(&title, kind->titles, kind->n_titles);
    return LLMCS_OK;
}

llmcs_status desk_keep_topic(desk_turn *t) {
    shop_wish wish;
    SHOP_TRY(desk_read_kind(t, t->read.plain, t->read.plain_bytes, &wish));
    const char *word = NULL;
    if (!wish.kind && !desk_named_kind(t, &t->read, &word)) return LLMCS_OK;
    t->c->topic_at = t->c->n_turns + 1;
    if (wish.kind) return shop_arena_copy(t->arena, t->read.plain + wish.begin, wish.end - wish.begin, &t->c->topic);
    t->c->topic = word;
    return LLMCS_OK;
}

/* True if the candidate has all terms that any candidate has: not for "the glass or the bone china one". */
static bool has_all_terms(const candidates *c, const candidate *one, const term *terms, size_t n_terms) {
    for (size_t k = 0; k < n_terms; k++)
        for (size_t i = 0; i < c->n; i++)
            if (score_of(&c->all[i], &terms[k], 1) > 0 && !(score_of(one, &terms[k], 1) > 0)) return false;
    return true;
}

/* Returns the product in focus if the message is about it rather than about the candidates that fit best, or NULL. */
static const char *in_focus(const desk_turn *t, const candidates *c, const term *terms, size_t n_terms, double best,
                            bool points) {
    const char *about = t->c->about ? t->c->about : t->c->n_listed == 1 ? t->c->listed[0] : NULL;
    bool fits = false, listed = false;
    if (c->from != OF_LIST || !about || asks_any(&t->read)) return NULL;
    for (size_t i = 0; i < c->n; i++) {
        fits = fits || (!strcmp(c->all[i].goods.id, about) && has_all_terms(c, &c->all[i], terms, n_terms));
        listed = listed || c->all[i].listed;
    }
    return fits || !(best > 0) || (points && !listed) ? about : NULL;
}

/* matched: answers only if a word or number of the message occurs in the texts of a candidate. */
static llmcs_status answer_about(desk_turn *t, bool of_kind, bool matched, bool *handled) {
    const char *product = desk_listed_product(t, &t->read), *named = NULL;
    desk_signals s;
    desk_search own = {.text = NULL};
    candidates c = {.n = 0};
    term terms[MOST_TERMS];
    size_t n_terms;
    bool names, filters;
    *handled = false;
    SHOP_TRY(desk_read_signals(t, false, &s));
    if (s.names && !of_kind) return LLMCS_OK;
    if (product && !s.names) return desk_answer_product(t, product, &s, NULL, handled);
    SHOP_TRY(desk_read_search(t, &t->read, &own, &names, &filters));
    if (s.names && !filters && !desk_compares(&s) && !desk_picks(&s)) SHOP_TRY(desk_named_product(t, &t->read, &named));
    if (named) return desk_answer_product(t, named, &s, NULL, handled);
    SHOP_TRY(find_candidates(t, &s, &c));
    if (!c.n) return LLMCS_OK;
    if (filters) keep_passing(&c, &own);
    SHOP_TRY(find_terms(t, &s, &own, &c, terms, &n_terms));
    const bool points = s.reference || desk_points(&t->read);
    const double best = keep_best(&c, terms, n_terms, points);
    const bool extreme = desk_picks(&s) || ((s.cheaper || s.dearer || s.bigger || s.smaller) && points);
    if (matched && !(best > 0) && !extreme) return LLMCS_OK;
    if (c.from == OF_ALL && (best < sure_match || c.n > LISTED)) return LLMCS_OK;
    if (extreme) keep_extreme(&c, &s);
    const char *about = extreme || filters ? NULL : in_focus(t, &c, terms, n_terms, best, points);
    if (about) return desk_answer_product(t, about, &s, NULL, handled);
    const bool any = c.from == OF_KIND && asks_any(&t->read);
    if (!(best > 0) && !extreme && !filters && !s.aspect && !any && c.n > 1) return LLMCS_OK; /* none stands out */
    if (c.n == 1) return desk_answer_product(t, c.all[0].goods.id, &s, NULL, handled);
    if (c.from == OF_ORDER) return LLMCS_OK;
    if (c.from != OF_LIST) s.search.text = c.all[0].goods.title;
    *handled = true;
    return list_candidates(t, &c, &s, terms, n_terms);
}

llmcs_status desk_answer_meant_products(desk_turn *t, bool of_kind, bool *handled) {
    return answer_about(t, of_kind, false, handled);
}

llmcs_status desk_answer_narrowed(desk_turn *t, bool *handled) { return answer_about(t, true, true, handled); }
