/*
 * The product that a message is about although it names none, or names it in passing: 169那个, "the sonda one", "and
 * the stove? gas" after "is it ok on the gas stove", 脏了能丢洗衣机洗吗.
 */
#include <string.h>

#include "shop/desk/browse.h"
#include "shop/desk/properties.h"
#include "shop/recommend/recommender.h"

enum {
    MOST_WORDS = 16,
    LEAST_LETTERS = 4, /* of a word of a title */
    LEAST_PRICE = 10,
    USE_WORDS = 3, /* between a preposition and the kind that something is used with */
    MOST_QUOTED = 300
};

static const double sure_entry = 0.5;

/* ---- pointing at one of the products seen */

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_latin(char c) { return c >= 'a' && c <= 'z'; }

/* True for words that single out a product: "the sonda one", 169那个. */
static bool points_at_one(const desk_words *w) {
    static const char *const han[] = {"那个", "那款", "那件", "那双", "那条", "那台", "那把", "那只",
                                      "那张", "这个", "这款", "这件", "这双", "这条", "这台", NULL};
    static const char *const definite[] = {"the", "that", NULL};
    static const char *const one[] = {"one", NULL};
    static const char *const others[] = {"which", "any",  "another", "other", "do you have", "have you", "or",   "哪个",
                                         "哪款",  "还是", "有没有",  "别的",  "其他",        "both",     "除了", NULL};
    if (desk_has_any(w, others)) return false;
    return desk_has_any(w, han) || (desk_has_any(w, definite) && desk_has_any(w, one));
}

static bool has_number(const char *text, double number) {
    for (const char *p = text; *p; p++) {
        double value = 0;
        if (!is_digit(*p) || (p > text && (is_digit(p[-1]) || p[-1] == '.'))) continue;
        for (; is_digit(*p); p++) value = value * 10 + (*p - '0');
        if (value == number) return true;
        if (!*p) return false;
    }
    return false;
}

/* Returns the bytes of the word, number, colour or pair of characters at byte i that tells the product from others, or
 * 0: none is there. *fits: the product has it. */
static size_t mark_at(const desk_words *w, size_t i, const desk_goods *g, const desk_words *title, bool *fits) {
    char word[48];
    size_t n = 0, len;
    double value = 0;
    *fits = false;
    if (is_digit(w->folded[i])) {
        for (; is_digit(w->folded[i + n]); n++) value = value * 10 + (w->folded[i + n] - '0');
        *fits = (value >= LEAST_PRICE && value == g->price) || has_number(title->folded, value);
        return n;
    }
    n = desk_colour_at(w, i);
    const bool colour = n > 0;
    if (!n && is_latin(w->folded[i])) {
        while (is_latin(w->folded[i + n])) n++;
        if (n < LEAST_LETTERS || desk_is_filler_at(w, i)) return 0;
    } else if (!n && desk_is_han(desk_char_at(w->folded, w->folded_bytes, i, &len))) {
        size_t next = 0;
        if (i + len >= w->folded_bytes || !desk_is_han(desk_char_at(w->folded, w->folded_bytes, i + len, &next)))
            return 0;
        n = len + next;
    }
    if (!n || n >= sizeof word) return 0;
    memcpy(word, w->folded + i, n);
    word[n] = 0;
    *fits = colour ? desk_goods_have_colour(g, word) : desk_has_phrase(title, word);
    return n;
}

/* Counts the marks of the message that the product has. A Chinese pair may overlap the next one. */
static size_t count_marks(const desk_turn *t, const desk_goods *g, const desk_words *title) {
    const desk_words *w = &t->read;
    desk_denied denied;
    size_t marks = 0;
    desk_find_denied(w, &denied);
    for (size_t i = 0, len; i < w->folded_bytes; i += len) {
        bool fits;
        (void)desk_char_at(w->folded, w->folded_bytes, i, &len);
        const bool inside = i && is_latin(w->folded[i]) && is_latin(w->folded[i - 1]);
        if (inside || desk_denies_at(&denied, i)) continue;
        const size_t n = mark_at(w, i, g, title, &fits);
        marks += fits;
        if (n && (unsigned char)w->folded[i] < 0x80) len = n;
    }
    return marks;
}

llmcs_status desk_pointed_product(desk_turn *t, const char **product) {
    const desk_conversation *c = t->c;
    size_t best = 0;
    *product = NULL;
    if (!desk_products_are_near(t) || !points_at_one(&t->read) || desk_asks_difference(&t->read)) return LLMCS_OK;
    for (size_t i = 0; i <= c->n_listed; i++) {
        const char *id = i < c->n_listed ? c->listed[i] : c->about;
        desk_goods g;
        desk_words title;
        bool found, seen = false;
        if (!id) continue;
        for (size_t k = 0; k < i && !seen; k++) seen = c->listed[k] && !strcmp(c->listed[k], id);
        if (seen) continue;
        SHOP_TRY(desk_read_goods(t, id, &g, &found));
        if (!found) continue;
        SHOP_TRY(desk_words_make(t->arena, g.title, strlen(g.title), &title));
        const size_t marks = count_marks(t, &g, &title);
        if (marks == best) *product = NULL; /* a tie */
        if (marks > best) best = marks, *product = id;
    }
    return LLMCS_OK;
}

llmcs_status desk_points_elsewhere(desk_turn *t, bool *elsewhere) {
    desk_words title;
    desk_goods g;
    bool found;
    *elsewhere = false;
    if (!t->c->about || !points_at_one(&t->read)) return LLMCS_OK;
    SHOP_TRY(desk_read_goods(t, t->c->about, &g, &found));
    if (!found) return LLMCS_OK;
    SHOP_TRY(desk_words_make(t->arena, g.title, strlen(g.title), &title));
    *elsewhere = !count_marks(t, &g, &title);
    return LLMCS_OK;
}

/* ---- a kind that something is used with */

/* True if the kind at byte `begin` follows a preposition: "on the gas stove", 放进背包. */
static bool is_used_with(const desk_words *w, size_t begin) {
    static const char *const before[] = {"on", "onto", "in", "into", "inside", "with", "over", NULL};
    static const char *const han[] = {"放", "放进", "放在", "装进", "配", "放到", "塞进", "用在", NULL};
    static const char *const subjects[] = {"it", "this", "that", "they", "them", "these", NULL};
    for (size_t i = 0; i < begin; i++) {
        const size_t n = desk_phrase_at(w, i, before), m = desk_phrase_at(w, i, han);
        if (m && i + m == begin) return true;
        if (n && desk_count_words(w->folded + i + n, begin - i - n) <= USE_WORDS && desk_has_any(w, subjects))
            return true;
    }
    return false;
}

llmcs_status desk_is_used_with(desk_turn *t, const desk_signals *s, const char **product) {
    const desk_conversation *c = t->c;
    const desk_words *w = &t->read;
    desk_words before;
    bool other;
    *product = NULL;
    if (!s->names || s->kind_end <= s->kind_begin || !c->about || !desk_products_are_near(t)) return LLMCS_OK;
    SHOP_TRY(desk_names_other_kind(t, c->about, &other));
    if (!other) return LLMCS_OK;
    if (is_used_with(w, s->kind_begin)) {
        *product = c->about;
        return LLMCS_OK;
    }
    /* "And the stove?" takes up a use that was asked before. */
    static const char *const openings[] = {"and the ", "what about the ", "and on ", "and with ", "那", NULL};
    const char *word;
    if (!*c->last_user || !desk_begins_with(w->folded, openings)) return LLMCS_OK;
    SHOP_TRY(shop_arena_copy(t->arena, w->folded + s->kind_begin, s->kind_end - s->kind_begin, &word));
    SHOP_TRY(desk_words_make(t->arena, c->last_user, strlen(c->last_user), &before));
    const size_t at = desk_find_phrase(before.folded, before.folded_bytes, word, 0);
    if (at != SIZE_MAX && is_used_with(&before, at)) *product = c->about;
    return LLMCS_OK;
}

/* ---- what its texts state */

llmcs_status desk_answer_stated(desk_turn *t, bool *handled) {
    const char *about = t->c->about;
    desk_product_texts texts;
    desk_signals s;
    bool other;
    const uint64_t asked = desk_properties_asked(&t->read, 0, 0);
    *handled = false;
    static const char *const of_orders[] = {"order", "ordered", "checkout", "add", "下单",
                                            "订单",  "结算",    "加上",     NULL};
    if (!asked || !about || !desk_products_are_near(t) || desk_names_action(&t->read)) return LLMCS_OK;
    if (desk_has_any(&t->read, of_orders)) return LLMCS_OK; /* "can assembly still be added to the order" */
    if (desk_count_words(t->read.folded, t->read.folded_bytes) > MOST_WORDS) return LLMCS_OK;
    SHOP_TRY(desk_names_other_kind(t, about, &other));
    if (other) return LLMCS_OK;
    SHOP_TRY(desk_read_texts(t, about, &texts));
    if (!desk_states_property(&texts, asked)) return LLMCS_OK;
    SHOP_TRY(desk_read_signals(t, false, &s));
    return desk_answer_product(t, about, &s, NULL, handled);
}

/* Finds the sentence of the description that states a property or has a word of the question. */
static void find_sentence(desk_turn *t, const desk_product_texts *texts, const desk_signals *s, size_t *begin,
                          size_t *end) {
    const desk_search none = {.text = NULL};
    const desk_words *w = &texts->description;
    desk_term terms[DESK_MOST_TERMS];
    desk_find_statement(texts, desk_properties_asked(&t->read, s->kind_begin, s->kind_end), begin, end);
    const size_t n = *end > *begin ? 0 : desk_find_terms(t, s, &none, texts, 1, terms);
    for (size_t i = 0; i < n && *end <= *begin && w->plain_bytes == w->folded_bytes; i++) {
        const char *at = desk_find_term(w, &terms[i]);
        if (at) desk_sentence_around(w, (size_t)(at - w->folded), begin, end);
    }
}

static llmcs_status say_not_said(desk_turn *t, const char *title) {
    desk_values_in v;
    SHOP_TRY(desk_values_of(t, NULL, &v));
    const desk_local locals[] = {{"a", title}};
    v.locals = locals;
    v.n_locals = 1;
    return desk_say_text(t, t->flows->sentences[DESK_NOT_SAID], &v);
}

llmcs_status desk_answer_briefly(desk_turn *t, const char *product, const desk_signals *s, bool *handled) {
    const bool zh = !strncmp(t->flows->langs[t->lang], "zh", 2);
    int slot;
    const int flow = desk_listed_flow(t, DESK_SLOT_PRODUCT, &slot);
    desk_product_texts texts;
    desk_words said;
    desk_goods g;
    size_t begin, end;
    bool found;
    *handled = false;
    SHOP_TRY(desk_read_goods(t, product, &g, &found));
    SHOP_TRY(desk_read_texts(t, product, &texts));
    SHOP_TRY(desk_words_make(t->arena, t->c->last_reply, strlen(t->c->last_reply), &said));
    if (!found || !texts.description.plain_bytes || !strstr(said.plain, texts.description.plain) || flow < 0)
        return LLMCS_OK;
    find_sentence(t, &texts, s, &begin, &end);
    desk_set_route(t, LLMCS_DESK_FLOW);
    desk_new_line(t);
    t->wordable = false;
    *handled = true;
    t->c->unknown = 0;
    t->c->about = product;
    t->c->products_at = t->c->n_turns + 1;
    t->c->spoken = DESK_SPOKEN_PRODUCTS;
    t->out.probability = 1;
    if (!*t->out.flow) t->out.flow = t->flows->flows[flow].name;
    if (end <= begin || end - begin > MOST_QUOTED) return say_not_said(t, g.title);
    desk_puts(&t->reply, g.title);
    desk_puts(&t->reply, zh ? "：" : ": ");
    desk_put(&t->reply, texts.description.plain + begin, end - begin);
    desk_puts(&t->reply, zh ? "。" : ".");
    return t->reply.status;
}

llmcs_status desk_answer_further(desk_turn *t, const char *product, bool *handled) {
    desk_signals s;
    SHOP_TRY(desk_read_signals(t, false, &s));
    return s.aspect ? LLMCS_OK : desk_answer_briefly(t, product, &s, handled);
}

/* "How big is it, and does it come assembled?": an entry that surely answers what follows the "and". */
static llmcs_status say_entry_for_rest(desk_turn *t) {
    static const char joint[] = " and ";
    const char *at = t->read.plain_bytes ? strstr(t->read.plain, joint) : NULL;
    bool found;
    if (!at) return LLMCS_OK;
    const desk_request rest = {.text = at + sizeof joint - 1, .label = "", .flow = -1};
    return desk_say_knowledge(t, &rest, sure_entry, &found);
}

llmcs_status desk_add_statement(desk_turn *t, const char *product) {
    const uint64_t asked = desk_properties_asked(&t->read, 0, 0);
    desk_product_texts texts;
    size_t begin, end;
    if (!asked) return LLMCS_OK;
    SHOP_TRY(desk_read_texts(t, product, &texts));
    desk_find_statement(&texts, asked, &begin, &end);
    if (end <= begin || end - begin > MOST_QUOTED) return say_entry_for_rest(t);
    desk_new_line(t);
    desk_put(&t->reply, texts.description.plain + begin, end - begin);
    desk_puts(&t->reply, strncmp(t->flows->langs[t->lang], "zh", 2) ? "." : "。");
    return t->reply.status;
}
