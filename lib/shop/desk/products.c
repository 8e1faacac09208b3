/*
 * Answers what the reader takes for a question about products where the message alone is no follow-up (context.c):
 * 云南的呢，500克的, "is the glass one dishwasher proof", "price please", "what is the difference between the two".
 *
 * The candidates are the products of the kind that the message names, else those of the subject: listed or described
 * by recent turns, of the order looked up last, or of the kind that the customer named last; without any, all. Words
 * and numbers that occur in the texts of some candidates narrow them (terms.h). One that is left is described; several
 * are listed, each with the aspect, or with the sentence of its description that has the word.
 */
#include <string.h>

#include "shop/desk/browse.h"
#include "shop/desk/decide.h"
#include "shop/desk/properties.h"
#include "shop/recommend/recommender.h"

enum {
    MOST_MESSAGE = 400, /* bytes; a longer message is a story, not a question about a product */
    MOST_OF_ORDER = 8,
    MOST_OF_KIND = 4, /* kinds that one word covers, as "cup" does */
    LISTED = 4,
    MOST_QUOTED = 300, /* bytes of a sentence */
    SUBJECT_TURNS = 8  /* a subject older than this is over */
};

typedef enum source { OF_KIND, OF_LIST, OF_ORDER, OF_ALL } source;

typedef struct candidate {
    desk_goods goods;
    const desk_product_texts *texts;
    double score;
    bool listed;  /* the customer has seen it */
    bool earlier; /* of the subject before */
} candidate;

typedef struct candidates {
    candidate *all; /* [n] */
    size_t n;
    desk_product_texts *texts; /* of all candidates as they were found */
    size_t n_texts;
    source from;
    const char *text; /* the search that found them */
} candidates;

/* What the message says of them. */
typedef struct question {
    desk_signals signals;
    desk_search filters; /* colour, size and price of the message alone */
    bool filtered;
    bool points;   /* "the glass one", 那个 */
    bool any;      /* "any waterproof ones?", 有没有, 哪个: not about the product in focus alone */
    bool extreme;  /* picks the cheapest, biggest, lightest */
    bool suggests; /* the reader takes it for a request for recommendations */
    bool advice;   /* "which would you take?", or such a request */
    desk_term terms[DESK_MOST_TERMS];
    size_t n_terms;
    uint64_t stated; /* properties that the candidates kept state */
    double best;     /* the best score */
} question;

/* ---- the question */

static bool asks_any(const desk_words *w) {
    static const char *const words[] = {
        "any",  "ones", "which", "other", "others", "do you have", "have you", "you got",     "有没有", "哪",
        "别的", "其他", "的有",  "有几",  "有吗",   "有么",        "卖吗",     "do you sell", NULL};
    return desk_has_any(w, words);
}

static bool asks_advice(const desk_words *w) {
    static const char *const words[] = {"recommend", "which would you", "which one would you",
                                        "哪个好",    "哪款好",          "推荐哪",
                                        "买哪个",    "选哪个",          "拿哪个",
                                        NULL};
    return desk_has_any(w, words);
}

static llmcs_status read_question(desk_turn *t, question *q) {
    bool names;
    *q = (question){.best = 0};
    SHOP_TRY(desk_read_signals(t, false, &q->signals));
    SHOP_TRY(desk_read_search(t, &t->read, &q->filters, &names, &q->filtered));
    const desk_signals *s = &q->signals;
    q->points = s->reference || desk_points(&t->read);
    q->any = asks_any(&t->read);
    q->extreme = desk_picks(s) || ((s->cheaper || s->dearer || s->bigger || s->smaller) && (q->points || q->any) &&
                                   !q->signals.difference);
    return LLMCS_OK;
}

/* ---- candidates */

/* Long texts are cut: a product's texts are the shop's own, but a turn must stay short. */
static llmcs_status read_texts(desk_turn *t, shop_connection *c, const char *id, desk_product_texts *texts) {
    static const char sql[] =
        "SELECT substr(t.title, 1, 300), substr(coalesce((SELECT group_concat(j.value, '; ') FROM"
        " json_each(t.attributes) j), ''), 1, 1000), replace(substr(t.description, 1, 3000), '\342\200\231', '''')"
        " FROM products p JOIN product_texts t ON t.product = p.row WHERE p.id = ?1"
        " ORDER BY t.lang = ?2 DESC, t.row LIMIT 1";
    desk_buffer facts = {.allocator = &t->desk->allocator};
    shop_query q;
    size_t n;
    *texts =
        (desk_product_texts){{.plain = "", .folded = ""}, {.plain = "", .folded = ""}, {.plain = "", .folded = ""}};
    SHOP_TRY(shop_query_begin(c, &q, sql, "ss", id, t->flows->langs[t->lang]));
    llmcs_status status = shop_query_next(&q);
    if (!status && q.has_row) {
        const char *text = shop_query_text(&q, 0, &n);
        desk_put(&facts, text, n);
        desk_puts(&facts, "; ");
        text = shop_query_text(&q, 1, &n);
        desk_put(&facts, text, n);
        status = facts.status;
        if (!status) status = desk_words_make(t->arena, text, n, &texts->details);
        if (!status) status = desk_words_make(t->arena, desk_buffer_text(&facts), facts.n, &texts->facts);
        text = shop_query_text(&q, 2, &n);
        if (!status) status = desk_words_make(t->arena, text, n, &texts->description);
    }
    shop_query_end(&q);
    desk_buffer_free(&facts);
    return status;
}

llmcs_status desk_read_texts(desk_turn *t, const char *id, desk_product_texts *texts) {
    shop_connection *link;
    SHOP_TRY(shop_read_begin(t->desk->shop, &link));
    const llmcs_status status = read_texts(t, link, id, texts);
    shop_read_end(t->desk->shop, link);
    return status;
}

static llmcs_status read_all_texts(desk_turn *t, candidates *c) {
    shop_connection *link;
    llmcs_status status = LLMCS_OK;
    SHOP_TRY(shop_arena_alloc(t->arena, DESK_MOST_SEARCHED, sizeof *c->texts, &c->texts));
    SHOP_TRY(shop_read_begin(t->desk->shop, &link));
    for (; c->n_texts < c->n && !status; c->n_texts++) {
        status = read_texts(t, link, c->all[c->n_texts].goods.id, &c->texts[c->n_texts]);
        c->all[c->n_texts].texts = &c->texts[c->n_texts];
    }
    shop_read_end(t->desk->shop, link);
    return status;
}

static bool has_candidate(const candidates *c, const char *id) {
    for (size_t i = 0; i < c->n; i++)
        if (!strcmp(c->all[i].goods.id, id)) return true;
    return false;
}

/* Adds a product that the customer has seen; one that is gone is left out. */
static llmcs_status add_seen(desk_turn *t, candidates *c, const char *id) {
    bool found = false;
    if (has_candidate(c, id) || c->n == DESK_MOST_SEARCHED) return LLMCS_OK;
    c->all[c->n] = (candidate){.listed = true};
    SHOP_TRY(desk_read_goods(t, id, &c->all[c->n].goods, &found));
    c->n += found;
    return LLMCS_OK;
}

static llmcs_status add_of_kind(desk_turn *t, candidates *c, const char *text) {
    desk_goods *goods;
    size_t n;
    const desk_search search = {.text = text};
    const double begin = shop_now_ms();
    SHOP_TRY(shop_arena_alloc(t->arena, DESK_MOST_SEARCHED, sizeof *goods, &goods));
    SHOP_TRY(desk_search_goods(t, &search, goods, &n));
    for (size_t i = 0; i < n && c->n < DESK_MOST_SEARCHED; i++)
        if (!has_candidate(c, goods[i].id)) c->all[c->n++] = (candidate){.goods = goods[i]};
    if (!c->text) c->text = text;
    t->out.ms.recommend += shop_now_ms() - begin;
    return LLMCS_OK;
}

/* Adds the products of the kind that the text names: by a title, or by a word of flows.json's "kinds" (饭盒: 便当盒).
 */
static llmcs_status add_of_named(desk_turn *t, candidates *c, const char *text) {
    shop_wish wish;
    desk_words w;
    size_t n_searches = 0;
    SHOP_TRY(shop_read_wish(t->desk->shop, text, strlen(text), &wish));
    if (wish.kind) return add_of_kind(t, c, text);
    SHOP_TRY(desk_words_make(t->arena, text, strlen(text), &w));
    const desk_kind *kind = desk_named_kind(t, &w, NULL);
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
    for (size_t i = 0; i < n && !status; i++) status = add_seen(t, c, ids[i]);
    return status;
}

/* Adds the products listed last, and the others of their kind. */
static llmcs_status add_listed(desk_turn *t, candidates *c) {
    const desk_conversation *now = t->c;
    bool about_listed = !now->about;
    for (size_t i = 0; i < now->n_listed; i++) {
        about_listed = about_listed || !strcmp(now->about, now->listed[i]);
        SHOP_TRY(add_seen(t, c, now->listed[i]));
    }
    if (now->about) SHOP_TRY(add_seen(t, c, now->about));
    if (!c->n) return LLMCS_OK;
    /* A product in focus that came from no list is of its own kind. */
    c->text = now->search.text && about_listed ? now->search.text : c->all[c->n - 1].goods.title;
    return add_of_kind(t, c, c->text);
}

/* Adds the products listed before the customer named another kind: a message may come back to them. */
static llmcs_status add_earlier(desk_turn *t, candidates *c) {
    const size_t n = c->n;
    for (size_t i = 0; i < t->c->n_listed; i++) SHOP_TRY(add_seen(t, c, t->c->listed[i]));
    for (size_t i = n; i < c->n; i++) c->all[i].earlier = true;
    return LLMCS_OK;
}

static llmcs_status find_candidates(desk_turn *t, const question *q, candidates *c) {
    const desk_conversation *now = t->c;
    const desk_signals *s = &q->signals;
    const int64_t oldest = now->n_turns >= SUBJECT_TURNS ? now->n_turns + 1 - SUBJECT_TURNS : 1;
    const int64_t products = now->n_listed || now->about ? now->products_at : 0;
    const int64_t topic = now->topic ? now->topic_at : 0, orders = now->orders_at;
    SHOP_TRY(shop_arena_alloc(t->arena, DESK_MOST_SEARCHED, sizeof *c->all, &c->all));
    c->from = OF_KIND;
    if (s->names && s->kind_end > s->kind_begin) {
        SHOP_TRY(add_of_named(t, c, t->read.plain));
    } else if (orders >= oldest && orders > products && orders >= topic) {
        c->from = OF_ORDER;
        SHOP_TRY(add_of_order(t, c));
        if (c->n == 1 && q->any) { /* "have you got any in red?" about what was ordered */
            const char *title = c->all[0].goods.title;
            c->from = OF_KIND;
            c->n = 0;
            SHOP_TRY(add_of_kind(t, c, title));
        }
    } else if (products >= oldest && products >= topic) {
        c->from = OF_LIST;
        SHOP_TRY(add_listed(t, c));
    } else if (topic >= oldest) {
        SHOP_TRY(add_of_named(t, c, now->topic));
        if (products >= oldest) SHOP_TRY(add_earlier(t, c));
    }
    if (!c->n) {
        c->from = OF_ALL;
        SHOP_TRY(add_of_kind(t, c, t->read.plain));
    }
    return read_all_texts(t, c);
}

/* ---- narrowing */

static double score_of(const candidate *one, const desk_term *terms, size_t n_terms) {
    double score = 0;
    for (size_t i = 0; i < n_terms; i++) score += desk_match_term(one->texts, &terms[i]);
    return score;
}

/* Keeps the candidates that pass the message's colour, size and price. False, and keeps all, if none does. */
static bool keep_passing(candidates *c, const desk_search *filters) {
    const desk_browse b = {.search = *filters};
    size_t n = 0, passing = 0;
    for (size_t i = 0; i < c->n; i++) passing += desk_goods_pass(&b, &c->all[i].goods);
    if (!passing) return false;
    for (size_t i = 0; i < c->n; i++)
        if (desk_goods_pass(&b, &c->all[i].goods)) c->all[n++] = c->all[i];
    c->n = n;
    return true;
}

/* Keeps the candidates with the best score; of these, if the message points at some ("the glass one"), those seen. */
static void keep_best(candidates *c, question *q) {
    size_t n = 0, n_listed = 0;
    for (size_t i = 0; i < c->n; i++) {
        c->all[i].score = score_of(&c->all[i], q->terms, q->n_terms);
        if (c->all[i].score > q->best) q->best = c->all[i].score;
    }
    for (size_t i = 0; !(q->best > 0) && i < c->n; i++)
        if (c->all[i].earlier) c->all[i].score = -1; /* nothing leads back to it */
    for (size_t i = 0; i < c->n; i++) n_listed += c->all[i].listed && c->all[i].score >= q->best;
    for (size_t i = 0; i < c->n; i++)
        if (c->all[i].score >= q->best && (!q->points || !n_listed || c->all[i].listed)) c->all[n++] = c->all[i];
    c->n = n;
}

/* The value that an extreme is about: the price, the aspect named ("which has the longest battery"), the thickness, or
 * the measure. *known is false if the product has none. */
static llmcs_status extreme_value(desk_turn *t, const desk_goods *g, const desk_signals *s, double *value,
                                  bool *known) {
    const bool by_price = s->cheapest || s->dearest || s->cheaper || s->dearer;
    *value = by_price ? g->price : s->thick && g->thickness > 0 ? g->thickness : g->measure;
    if (!by_price && s->aspect) {
        double of_aspect;
        SHOP_TRY(desk_read_aspect_number(t, g->id, s->aspect, &of_aspect));
        if (of_aspect > 0) *value = of_aspect;
    }
    *known = by_price || *value > 0;
    return LLMCS_OK;
}

/* Keeps the cheapest, dearest, biggest or smallest ones. */
static llmcs_status keep_extreme(desk_turn *t, candidates *c, const desk_signals *s) {
    const bool by_price = s->cheapest || s->dearest || s->cheaper || s->dearer;
    const bool least = by_price ? s->cheapest || s->cheaper : s->smallest || s->smaller;
    size_t n = 0;
    double best_value = 0;
    for (size_t i = 0; i < c->n; i++) {
        double value;
        bool known;
        SHOP_TRY(extreme_value(t, &c->all[i].goods, s, &value, &known));
        if (!known || (n && (least ? value > best_value : value < best_value))) continue;
        if (n && value == best_value && !desk_picks(s)) continue;
        if (n && value != best_value) n = 0;
        c->all[n++] = c->all[i]; /* equal ones are all kept */
        best_value = value;
    }
    c->n = n ? n : c->n;
    return LLMCS_OK;
}

/* True if the candidate has all terms that any candidate has: not for "the glass or the bone china one". */
static bool has_all_terms(const candidates *c, const candidate *one, const question *q) {
    for (size_t k = 0; k < q->n_terms; k++)
        for (size_t i = 0; i < c->n; i++)
            if (score_of(&c->all[i], &q->terms[k], 1) > 0 && !(score_of(one, &q->terms[k], 1) > 0)) return false;
    return true;
}

/* True for "is it waterproof" and 防水不, which ask about the product of the turn before, not for one that is. */
static bool asks_of_it(const desk_turn *t) {
    static const char *const it[] = {"it", "its", "它", NULL};
    static const char *const choosing[] = {"one", "ones", "的", "那", NULL};
    static const char *const ends[] = {"吗", "不", "么", "没", "嘛", NULL};
    const desk_words *w = &t->read;
    bool ends_in = false;
    if (t->c->products_at != t->c->n_turns || desk_has_any(w, choosing)) return false;
    for (size_t i = 0; ends[i]; i++) {
        const size_t n = strlen(ends[i]);
        ends_in = ends_in || (w->folded_bytes > n && !memcmp(w->folded + w->folded_bytes - n, ends[i], n));
    }
    return desk_has_any(w, it) || ends_in;
}

/* Returns the product in focus if the message is about it rather than about the candidates that fit best, or NULL. */
static const char *in_focus(const desk_turn *t, const candidates *c, const question *q) {
    const char *about = t->c->about ? t->c->about : t->c->n_listed == 1 ? t->c->listed[0] : NULL;
    bool fits = false, listed = false;
    if (c->from != OF_LIST || !about || q->any || q->signals.difference || q->extreme || q->filtered) return NULL;
    for (size_t i = 0; i < c->n; i++) {
        fits = fits || (!strcmp(c->all[i].goods.id, about) && has_all_terms(c, &c->all[i], q));
        listed = listed || c->all[i].listed;
    }
    return fits || !(q->best > 0) || (q->points && !listed) || (t->c->about && asks_of_it(t)) ? about : NULL;
}

/* ---- the answer */

/* Sets goods.says to the sentence of the description that has one of the terms, unless a title or attribute has it. */
static llmcs_status quote_term(desk_turn *t, candidate *one, const question *q) {
    const desk_words *w = &one->texts->description;
    const char *at = NULL;
    for (size_t i = 0; i < q->n_terms && !at; i++)
        if (!desk_find_term(&one->texts->facts, &q->terms[i])) at = desk_find_term(w, &q->terms[i]);
    if (!at && q->stated) {
        size_t from, to;
        desk_find_statement(one->texts, q->stated, &from, &to);
        if (to > from) at = w->folded + from;
    }
    if (!at || w->plain_bytes != w->folded_bytes) return LLMCS_OK;
    size_t begin, end;
    desk_sentence_around(w, (size_t)(at - w->folded), &begin, &end);
    if (end - begin > MOST_QUOTED) return LLMCS_OK;
    return shop_arena_copy(t->arena, w->plain + begin, end - begin, &one->goods.says);
}

/* Lists the candidates: compared ones with their attributes, others with the aspect or a sentence. */
static llmcs_status list_candidates(desk_turn *t, candidates *c, const question *q) {
    const desk_signals *s = &q->signals;
    const bool with_details = s->difference || q->advice;
    desk_goods *goods;
    SHOP_TRY(shop_arena_alloc(t->arena, c->n, sizeof *goods, &goods));
    for (size_t i = 0; i < c->n; i++) {
        if (!with_details)
            SHOP_TRY(quote_term(t, &c->all[i], q));
        else if (c->all[i].texts->details.plain_bytes)
            c->all[i].goods.says = c->all[i].texts->details.plain;
        goods[i] = c->all[i].goods;
    }
    desk_browse b = {.search = c->from == OF_LIST ? s->search : q->filters,
                     .k = LISTED,
                     .sentence = q->advice ? DESK_RECOMMEND_TEXT : DESK_HAVE_THESE,
                     .rank = s->dearer ? DESK_DEAR_FIRST : DESK_CHEAP_FIRST,
                     .show = with_details ? NULL
                             : s->second  ? s->second
                                          : s->aspect}; /* the price is shown anyway */
    b.search.text = c->text;
    t->c->unknown = 0;
    t->out.probability = 1;
    return desk_list_goods(t, &b, goods, c->n);
}

/* Says that there is none with this colour, size or price, and lists the nearest. */
static llmcs_status say_none_passes(desk_turn *t, const candidates *c, const question *q, bool *handled) {
    desk_browse b = {.search = q->filters, .k = LISTED, .sentence = DESK_HAVE_THESE, .rank = DESK_CHEAP_FIRST};
    b.search.text = c->text;
    SHOP_TRY(desk_browse_products(t, &b, handled));
    if (*handled) t->c->unknown = 0, t->out.probability = 1;
    return LLMCS_OK;
}

/* True if the message has a colour of the product. */
static bool names_colour(const desk_turn *t, const desk_goods *g) {
    char word[32];
    for (size_t i = 0, n; i < t->read.folded_bytes; i += n ? n : 1) {
        n = desk_colour_at(&t->read, i);
        if (!n || n >= sizeof word) continue;
        memcpy(word, t->read.folded + i, n);
        word[n] = 0;
        if (desk_goods_have_colour(g, word)) return true;
    }
    return false;
}

/* Keeps what is compared: the places named, else the listed candidates that have one of the terms, and the product in
 * focus. */
static void keep_compared(const desk_turn *t, candidates *c, question *q) {
    size_t n = 0;
    static const char *const first_two[] = {"first two", "前两", "前面两", NULL};
    const bool two = desk_has_any(&t->read, first_two), places = two || q->signals.number_of_places > 1;
    for (size_t i = 0; i < c->n; i++) {
        const candidate *one = &c->all[i];
        bool named = false;
        for (size_t k = 0; places && k < t->c->n_listed; k++)
            named = named || (!strcmp(t->c->listed[k], one->goods.id) && (two ? k < 2 : desk_names_place(&t->read, k)));
        const bool focus = t->c->about && !strcmp(t->c->about, one->goods.id);
        const bool matches = score_of(one, q->terms, q->n_terms) >= DESK_SURE_MATCH || names_colour(t, &one->goods);
        if (places ? named : focus || (one->listed && matches)) c->all[n++] = *one;
    }
    if (n > 1) c->n = n;
    for (size_t i = n = 0; n < 2 && i < c->n; i++) n += c->all[i].listed;
    if (n < 2 || c->n <= DESK_MAX_LISTED) return;
    for (size_t i = n = 0; i < c->n; i++) /* "what's the difference" of the list */
        if (c->all[i].listed) c->all[n++] = c->all[i];
    c->n = n;
}

/* "Which would you take?" is about the products listed. False if the message is no such question. */
static bool keep_advised(candidates *c, const question *q) {
    size_t n = 0;
    if (!q->advice || c->from != OF_LIST || q->best > 0 || q->extreme || !(q->any || q->points)) return false;
    for (size_t i = 0; i < c->n; i++)
        if (c->all[i].listed) c->all[n++] = c->all[i];
    c->n = n ? n : c->n;
    return n > 1;
}

/* True if a request for goods ends in a word that the first candidate lacks: the belt in "do you have a brown leather
 * belt". It names what is wanted, so that the words before it do not suffice. */
static bool lacks_noun(const candidates *c, const question *q) {
    if (!q->n_terms || !q->any) return false;
    const desk_term *last = &q->terms[q->n_terms - 1];
    return last->kind == DESK_TERM_WORD && !(score_of(&c->all[0], last, 1) > 0);
}

/* True for "which of your teas has no caffeine" where no text has the word: a list would pass for an answer. */
static bool asks_unknown_word(const desk_turn *t, const candidates *c, const question *q) {
    static const char *const lacks[] = {"which of your", "without",  "has no",    "have no", "free of",
                                        "contain",       "contains", "free from", NULL};
    if (c->from != OF_KIND || !q->n_terms || !desk_has_any(&t->read, lacks)) return false;
    return !q->signals.aspect && !q->filtered && !q->extreme && !q->advice && !q->signals.difference;
}

/* Keeps the candidates that state the property in question, where no word of the message tells them apart; says so if
 * none does. */
static llmcs_status keep_stating(desk_turn *t, candidates *c, question *q, bool *handled) {
    const uint64_t asked = desk_properties_asked(&t->read, q->signals.kind_begin, q->signals.kind_end);
    size_t n = 0;
    if (c->from == OF_ALL || in_focus(t, c, q)) return LLMCS_OK;
    for (size_t i = 0; asked && i < c->n; i++) n += desk_states_property(c->all[i].texts, asked);
    if (n && q->best > 0) q->stated = asked;
    if (q->best > 0 && (!asked || n || q->any || q->filtered)) return LLMCS_OK;
    if (n) {
        q->stated = asked;
        q->best = 1;
        for (size_t i = n = 0; i < c->n; i++)
            if (desk_states_property(c->all[i].texts, asked)) c->all[n++] = c->all[i];
        c->n = n;
        return LLMCS_OK;
    }
    if (c->n < 2 || !(asked ? c->from == OF_KIND : asks_unknown_word(t, c, q))) return LLMCS_OK;
    *handled = true;
    t->c->unknown = 0;
    desk_set_route(t, LLMCS_DESK_NONE);
    return desk_say_sentence(t, DESK_NOT_STATED);
}

static llmcs_status choose(desk_turn *t, candidates *c, question *q, bool matched, bool *handled) {
    const bool compares = q->signals.difference && c->from == OF_LIST;
    if (q->filtered && !compares && !keep_passing(c, &q->filters))
        return matched ? LLMCS_OK : say_none_passes(t, c, q, handled);
    q->n_terms = desk_find_terms(t, &q->signals, &q->filters, c->texts, c->n_texts, q->terms);
    if (compares) {
        keep_compared(t, c, q);
    } else {
        keep_best(c, q);
        SHOP_TRY(keep_stating(t, c, q, handled));
        if (*handled) return LLMCS_OK;
        if (matched && !(q->best > 0) && !q->extreme) return LLMCS_OK;
        if (c->from == OF_ALL && (q->best < DESK_SURE_MATCH || c->n > LISTED || lacks_noun(c, q))) return LLMCS_OK;
        if (q->extreme) SHOP_TRY(keep_extreme(t, c, &q->signals));
        const bool advised = keep_advised(c, q);
        /* "Can you recommend something?" is about no product yet. */
        if (q->suggests && !advised && !(q->best > 0) && !q->extreme && !q->filtered) return LLMCS_OK;
        const char *about = in_focus(t, c, q);
        if (about) return desk_answer_product(t, about, &q->signals, NULL, handled);
        const bool any = (c->from == OF_KIND && q->any) || advised;
        if (!(q->best > 0) && !q->extreme && !q->filtered && !q->signals.aspect && !any && c->n > 1)
            return LLMCS_OK; /* none stands out */
    }
    if (c->n == 1) return desk_answer_product(t, c->all[0].goods.id, &q->signals, NULL, handled);
    if (c->from == OF_ORDER) return LLMCS_OK;
    *handled = true;
    return list_candidates(t, c, q);
}

/* matched: answers only if a word or number of the message occurs in the texts of a candidate. */
static llmcs_status answer_about(desk_turn *t, bool of_kind, bool matched, bool *handled) {
    const char *product = desk_listed_product(t, &t->read), *named = NULL;
    candidates c = {.n = 0};
    question q;
    desk_goods g;
    bool found = false;
    *handled = false;
    if (!t->read.plain_bytes || t->read.folded_bytes > MOST_MESSAGE) return LLMCS_OK;
    SHOP_TRY(read_question(t, &q));
    q.suggests = !of_kind;
    q.advice = q.suggests || asks_advice(&t->read);
    if (q.signals.names && !of_kind) return LLMCS_OK;
    if (q.signals.names && q.signals.kind_end == q.signals.kind_begin && !q.filtered && !q.signals.reference) {
        shop_wish wish;
        SHOP_TRY(desk_read_kind(t, t->read.plain, t->read.plain_bytes, &wish));
        if (wish.use) return LLMCS_OK; /* "anything for winter" is a search of its own */
    }
    if (product && !q.signals.names && q.signals.number_of_places < 2 && !q.signals.difference)
        SHOP_TRY(desk_read_goods(t, product, &g, &found));
    if (found) return desk_answer_product(t, product, &q.signals, NULL, handled);
    const bool chooses = q.filtered || q.extreme || q.signals.difference || desk_compares(&q.signals);
    if (q.signals.names && !chooses) SHOP_TRY(desk_named_product(t, &t->read, &named));
    if (named) return desk_answer_product(t, named, &q.signals, NULL, handled);
    if (!product) SHOP_TRY(desk_pointed_product(t, &named));
    if (!product && !named) SHOP_TRY(desk_is_used_with(t, &q.signals, &named));
    if (named) return desk_answer_product(t, named, &q.signals, NULL, handled);
    SHOP_TRY(find_candidates(t, &q, &c));
    return c.n ? choose(t, &c, &q, matched, handled) : LLMCS_OK;
}

llmcs_status desk_answer_product_question(desk_turn *t, bool of_kind, bool *handled) {
    return answer_about(t, of_kind, false, handled);
}

llmcs_status desk_answer_matching_products(desk_turn *t, bool *handled) { return answer_about(t, true, true, handled); }

/* ---- the subject */

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
    *other = !desk_has_one(&title, kind->titles, kind->n_titles) && !desk_has_one(&title, kind->words, kind->n_words);
    return LLMCS_OK;
}

llmcs_status desk_keep_topic(desk_turn *t) {
    shop_wish wish;
    const char *word = NULL;
    SHOP_TRY(desk_read_kind(t, t->read.plain, t->read.plain_bytes, &wish));
    if (!wish.kind && !desk_named_kind(t, &t->read, &word)) return LLMCS_OK;
    t->c->topic_at = t->c->n_turns + 1;
    if (wish.kind) return shop_arena_copy(t->arena, t->read.plain + wish.begin, wish.end - wish.begin, &t->c->topic);
    t->c->topic = word;
    return LLMCS_OK;
}

/* Narrows the kind that the message names to one product. */
static llmcs_status find_one(desk_turn *t, const char **product) {
    candidates c = {.n = 0};
    question q;
    SHOP_TRY(read_question(t, &q));
    if (!q.signals.names || q.signals.kind_end <= q.signals.kind_begin || q.any) return LLMCS_OK;
    SHOP_TRY(find_candidates(t, &q, &c));
    if (c.from != OF_KIND || !c.n || (q.filtered && !keep_passing(&c, &q.filters))) return LLMCS_OK;
    q.n_terms = desk_find_terms(t, &q.signals, &q.filters, c.texts, c.n_texts, q.terms);
    keep_best(&c, &q);
    if (c.n == 1) *product = c.all[0].goods.id;
    return LLMCS_OK;
}

llmcs_status desk_keep_named(desk_turn *t) {
    desk_conversation *c = t->c;
    const char *product = NULL;
    bool listed = false;
    if (t->out.n_products || t->out.route != LLMCS_DESK_ENTRY || t->read.folded_bytes > MOST_MESSAGE) return LLMCS_OK;
    if (c->topic_at != c->n_turns + 1 || c->products_at == c->n_turns + 1) return LLMCS_OK;
    SHOP_TRY(desk_named_product(t, &t->read, &product));
    if (!product) SHOP_TRY(find_one(t, &product));
    if (!product) return LLMCS_OK;
    for (size_t i = 0; i < c->n_listed; i++) listed = listed || !strcmp(c->listed[i], product);
    if (!listed) c->n_listed = 0, c->search = (desk_search){.text = NULL};
    c->about = product;
    c->products_at = c->n_turns + 1;
    return LLMCS_OK;
}
