/* The reason for a recommendation, in words. */
#include "shop/recommend/reason.h"

#include <math.h>
#include <string.h>

enum { QUOTE_BYTES = 90 };

/* ---- the strongest behaviours */

/* How much behaviour b contributes to both parts of the candidate's score. */
static double contribution(const shop_ranking *r, const shop_candidate *candidate, const float *vector, size_t b,
                           double most_together, double *by_others) {
    const shop_behaviour *behaviour = &r->history->items[b];
    const double weight = r->total > 0 ? behaviour->weight / r->total : 0;
    const double cosine = shop_dot(vector, r->behaviours + b * r->catalog->dim, r->catalog->dim);
    const double together = shop_cooccur_cosine(&r->catalog->together, behaviour->item, candidate->item);
    *by_others = most_together > 0 ? r->params->weight_together * weight * together / most_together : 0;
    return r->params->weight_content * weight * fmax(0, cosine) + *by_others;
}

static double most_together(const shop_ranking *r) {
    double most = 0;
    for (size_t i = 0; i < r->n; i++) most = fmax(most, r->candidates[i].together);
    return most;
}

static void insert_part(shop_reason *reason, size_t b, double share) {
    size_t at = reason->n;
    while (at && share > reason->shares[at - 1]) at--;
    if (at == SHOP_MAX_PARTS) return;
    if (reason->n < SHOP_MAX_PARTS) reason->n++;
    for (size_t i = reason->n - 1; i > at; i--) {
        reason->shares[i] = reason->shares[i - 1];
        reason->behaviours[i] = reason->behaviours[i - 1];
    }
    reason->shares[at] = share;
    reason->behaviours[at] = b;
}

static void find_parts(shop_reason *reason, const shop_ranking *r, const shop_candidate *candidate,
                       const float *vector) {
    const double most = most_together(r);
    double sum = 0, sum_by_others = 0;
    for (size_t b = 0; b < shop_history_profile(r->history); b++) {
        double by_others;
        const double share = contribution(r, candidate, vector, b, most, &by_others);
        if (!(share > 0)) continue;
        sum += share;
        sum_by_others += by_others;
        insert_part(reason, b, share);
    }
    for (size_t i = 0; i < reason->n; i++) reason->shares[i] /= sum;
    reason->by_others = sum_by_others > 0.5 * sum;
    /* Leave out a weak second behaviour. */
    if (reason->n == 2 && reason->shares[1] < 0.4 * reason->shares[0]) reason->n = 1;
}

/* ---- words */

/* Reads the title in the language, or a related one ("zh" for "zh-TW"), or any. Cuts it at a character boundary. */
static llmcs_status read_title(const shop_ranking *r, shop_connection *c, uint32_t item, const char *lang,
                               char title[SHOP_TITLE_BYTES]) {
    shop_query q;
    size_t n;
    SHOP_TRY(shop_query_begin(c, &q,
                              "SELECT title FROM product_texts WHERE product = ?1"
                              " ORDER BY lang = ?2 DESC, substr(lang, 1, 2) = substr(?2, 1, 2) DESC, lang LIMIT 1",
                              "is", r->catalog->items[item].row, lang));
    SHOP_TRY(shop_query_next(&q));
    const char *text = q.has_row ? shop_query_text(&q, 0, &n) : "";
    n = strlen(text);
    if (n >= SHOP_TITLE_BYTES) {
        n = SHOP_TITLE_BYTES - 1;
        while (n && ((unsigned char)text[n] & 0xc0) == 0x80) n--;
    }
    memcpy(title, text, n);
    title[n] = 0;
    shop_query_end(&q);
    return LLMCS_OK;
}

/* What the customer did, in both languages: the words before the products and, in English, after them. */
typedef struct verb {
    const char *event, *en, *en_behind, *zh;
} verb;

static const verb *verb_of(const char *event) {
    static const verb verbs[] = {{"buy", "bought ", "", "购买过"},
                                 {"purchase", "bought ", "", "购买过"},
                                 {"cart", "put ", " into the cart", "加购过"},
                                 {"like", "liked ", "", "收藏过"},
                                 {"", "looked at ", "", "看过"}}; /* all others */
    const size_t n = sizeof verbs / sizeof *verbs;
    size_t i = 0;
    while (i + 1 < n && strcmp(event, verbs[i].event) != 0) i++;
    return &verbs[i];
}

/* Writes "Because you bought A and B." or "Because you put A into the cart and liked B." */
static llmcs_status append_behaviours(sqlite3_str *s, const shop_reason *reason, const shop_ranking *r,
                                      shop_connection *c, const char *lang, bool chinese) {
    const verb *last = NULL;
    sqlite3_str_appendall(s, chinese ? "因为您" : "Because you ");
    for (size_t i = 0; i < reason->n; i++) {
        char title[SHOP_TITLE_BYTES];
        const shop_behaviour *b = &r->history->items[reason->behaviours[i]];
        const verb *v = verb_of(b->event);
        SHOP_TRY(read_title(r, c, b->item, lang, title));
        const bool same = last && !strcmp(v->en, last->en);
        if (chinese)
            sqlite3_str_appendf(s, "%s%s「%s」", !i ? "" : same ? "和" : "，", same ? "" : v->zh, title);
        else
            sqlite3_str_appendf(s, "%s%s%s%s", i && !same ? last->en_behind : "", i ? " and " : "", same ? "" : v->en,
                                title);
        last = v;
    }
    if (!chinese && last) sqlite3_str_appendall(s, last->en_behind);
    sqlite3_str_appendall(s, chinese ? "。" : ".");
    return LLMCS_OK;
}

/* Writes the reason for "products like this one". */
static llmcs_status append_similarity(sqlite3_str *s, const shop_reason *reason, const shop_ranking *r,
                                      shop_connection *c, const char *lang, bool chinese) {
    char title[SHOP_TITLE_BYTES];
    SHOP_TRY(read_title(r, c, r->history->items[0].item, lang, title));
    if (reason->by_others)
        sqlite3_str_appendf(s, chinese ? "顾客常与「%s」一起选购。" : "Often chosen together with %s.", title);
    else
        sqlite3_str_appendf(s, chinese ? "与「%s」相似。" : "Similar to %s.", title);
    return LLMCS_OK;
}

static void append_query(sqlite3_str *s, const shop_ranking *r, bool chinese) {
    const char *text = r->params->text;
    const size_t n = r->params->text_bytes == LLMCS_NUL ? strlen(text) : r->params->text_bytes;
    size_t cut = shop_min(n, QUOTE_BYTES);
    while (cut < n && cut && ((unsigned char)text[cut] & 0xc0) == 0x80) cut--;
    sqlite3_str_appendf(s, chinese ? "符合「%.*s%s」。" : "Matches \"%.*s%s\".", (int)cut, text, cut < n ? "..." : "");
}

llmcs_status shop_reason_make(shop_reason *reason, const shop_ranking *r, shop_connection *c,
                              const shop_candidate *candidate, const char *lang) {
    const bool chinese = !strncmp(lang, "zh", 2);
    float *vector;
    bool found = false;
    *reason = (shop_reason){.n = 0};
    SHOP_TRY(shop_alloc_zero(r->allocator, r->catalog->dim, sizeof *vector, "reason", &vector));
    llmcs_status status = shop_item_vector(r->catalog, candidate->item, vector, &found);
    if (!status) find_parts(reason, r, candidate, vector);
    if (!status) status = read_title(r, c, candidate->item, lang, reason->title);
    shop_free(r->allocator, vector);
    SHOP_TRY(status);
    sqlite3_str *s = sqlite3_str_new(NULL);
    if (r->params->text)
        append_query(s, r, chinese);
    else if (reason->n && r->params->item)
        status = append_similarity(s, reason, r, c, lang, chinese);
    else if (reason->n)
        status = append_behaviours(s, reason, r, c, lang, chinese);
    else
        sqlite3_str_appendall(s, chinese ? "很多顾客都喜欢。" : "Popular with other customers.");
    if (!status && sqlite3_str_errcode(s)) status = shop_fail(LLMCS_NOMEM, "reason: no memory");
    char *words = sqlite3_str_finish(s);
    if (!status) sqlite3_snprintf(sizeof reason->words, reason->words, "%s", words ? words : "");
    sqlite3_free(words);
    return status;
}
