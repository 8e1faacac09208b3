/* llmcs_shop_recommend: follows the store, ranks, and gives reasons. */
#include <math.h>
#include <pthread.h>
#include <string.h>

#include "shop/base/clock.h"
#include "shop/base/options.h"
#include "shop/recommend/reason.h"
#include "shop/recommend/recommender.h"
#include "shop/store/vectors.h"

enum { MAX_K = 1000, MAX_LIST = 10000 };

/* Popularity weighs less when the request names an item or a text. */
static const double popular_share_of_queries = 0.3;

struct shop_recommender {
    pthread_rwlock_t lock; /* write: the catalog follows the store; read: recommendations run */
    bool started;          /* the catalog has been read */
    shop_catalog catalog;
};

static const llmcs_shop_recommend_params default_params = {.struct_size = sizeof default_params,
                                                           .text_bytes = LLMCS_NUL,
                                                           .k = 10,
                                                           .price_max = INFINITY,
                                                           .weight_content = 0.5,
                                                           .weight_together = 0.3,
                                                           .weight_popular = 0.2,
                                                           .half_life_days = 60,
                                                           .diversity = 0.1};

void llmcs_shop_recommend_params_init_sized(llmcs_shop_recommend_params *params, size_t struct_size) {
    shop_options_init(params, struct_size, &default_params, sizeof default_params);
}

/* ---- the recommender of a store */

llmcs_status shop_recommender_create(llmcs_shop *shop) {
    struct shop_recommender *r;
    SHOP_TRY(shop_alloc_zero(&shop->allocator, 1, sizeof *r, "recommender", &r));
    if (pthread_rwlock_init(&r->lock, NULL)) {
        shop_free(&shop->allocator, r);
        return shop_fail(LLMCS_THREAD, "a lock could not be created");
    }
    shop->recommender = r;
    return LLMCS_OK;
}

void shop_recommender_free(llmcs_shop *shop) {
    struct shop_recommender *r = shop->recommender;
    if (!r) return;
    if (r->started) shop_catalog_free(&r->catalog);
    pthread_rwlock_destroy(&r->lock);
    shop_free(&shop->allocator, r);
    shop->recommender = NULL;
}

void shop_recommender_reset(llmcs_shop *shop) {
    struct shop_recommender *r = shop->recommender;
    pthread_rwlock_wrlock(&r->lock);
    if (r->started) shop_catalog_free(&r->catalog);
    r->started = false;
    pthread_rwlock_unlock(&r->lock);
}

static llmcs_status is_current(llmcs_shop *shop, bool *current) {
    struct shop_recommender *r = shop->recommender;
    shop_connection *c;
    int64_t change;
    SHOP_TRY(shop_read_begin(shop, &c));
    const llmcs_status status =
        shop_lookup_int(c, 0, &change, "SELECT value FROM settings WHERE key = 'llmcs.changes'", "");
    shop_read_end(shop, c);
    SHOP_TRY(status);
    pthread_rwlock_rdlock(&r->lock);
    *current = r->started && r->catalog.seen_change == change;
    pthread_rwlock_unlock(&r->lock);
    return LLMCS_OK;
}

/* Call under the write lock. */
static llmcs_status follow_locked(llmcs_shop *shop) {
    struct shop_recommender *r = shop->recommender;
    shop_connection *c;
    if (!r->started) {
        const llmcs_status status = shop_catalog_init(&r->catalog, &shop->allocator, shop->n_embedding);
        if (status) shop_catalog_free(&r->catalog);
        SHOP_TRY(status);
        r->started = true;
    }
    SHOP_TRY(shop_read_begin(shop, &c));
    const llmcs_status status = shop_catalog_follow(&r->catalog, shop, c);
    shop_read_end(shop, c);
    return status;
}

static llmcs_status follow(llmcs_shop *shop) {
    bool current;
    SHOP_TRY(is_current(shop, &current));
    if (current) return LLMCS_OK;
    if (shop->encoder && !shop->read_only) SHOP_TRY(shop_vectors_make_missing(shop, true, NULL, NULL));
    pthread_rwlock_wrlock(&shop->recommender->lock);
    const llmcs_status status = follow_locked(shop);
    pthread_rwlock_unlock(&shop->recommender->lock);
    return status;
}

/* ---- parameters */

static llmcs_status check_list(const char *name, const char *const *list, size_t n) {
    if (n > MAX_LIST) return shop_fail(LLMCS_ARG, "n_%s: %lld is not valid (0 to %d)", name, (long long)n, MAX_LIST);
    if (n && !list) return shop_fail(LLMCS_ARG, "%s is NULL and n_%s is not 0", name, name);
    for (size_t i = 0; i < n; i++)
        if (!list[i]) return shop_fail(LLMCS_ARG, "%s[%lld] is NULL", name, (long long)i);
    return LLMCS_OK;
}

static llmcs_status check_weights(const llmcs_shop_recommend_params *p) {
    const double weights[] = {p->weight_content, p->weight_together, p->weight_popular};
    for (size_t i = 0; i < 3; i++)
        if (!(weights[i] >= 0 && weights[i] <= 1e6))
            return shop_fail(LLMCS_ARG, "weight_%s: %g is not valid (0 to 1e6)",
                             i == 0   ? "content"
                             : i == 1 ? "together"
                                      : "popular",
                             weights[i]);
    if (!(p->half_life_days > 0 && p->half_life_days <= 1e6))
        return shop_fail(LLMCS_ARG, "half_life_days: %g is not valid (above 0, to 1e6)", p->half_life_days);
    if (!(p->diversity >= 0 && p->diversity <= 1))
        return shop_fail(LLMCS_ARG, "diversity: %g is not valid (0 to 1)", p->diversity);
    if (isnan(p->price_min) || isnan(p->price_max)) return shop_fail(LLMCS_ARG, "price_min, price_max: not a number");
    if ((p->n_event_weights && !p->event_weights) || (p->n_boosts && !p->boosts) || p->n_event_weights > MAX_LIST ||
        p->n_boosts > MAX_LIST)
        return shop_fail(LLMCS_ARG, "event_weights, boosts: NULL or more than %d", MAX_LIST);
    for (size_t i = 0; i < p->n_event_weights; i++)
        if (!p->event_weights[i].type || !(fabs(p->event_weights[i].weight) <= 1e6))
            return shop_fail(LLMCS_ARG, "event_weights[%lld] is not valid", (long long)i);
    for (size_t i = 0; i < p->n_boosts; i++)
        if (!(fabs(p->boosts[i].add) <= 1e6))
            return shop_fail(LLMCS_ARG, "boosts[%lld].add is not valid", (long long)i);
    return LLMCS_OK;
}

static llmcs_status read_params(llmcs_shop_recommend_params *p, const llmcs_shop_recommend_params *in) {
    *p = default_params;
    if (!in) return shop_fail(LLMCS_ARG, "params is NULL");
    SHOP_TRY(shop_options_in(p, sizeof *p, SHOP_SIZE_UP_TO(llmcs_shop_recommend_params, n_boosts), in,
                             "llmcs_shop_recommend_params"));
    if (!!p->customer + !!p->item + !!p->text != 1)
        return shop_fail(LLMCS_ARG, "exactly one of customer, item and text must be given");
    if (!p->k || p->k > MAX_K) return shop_fail(LLMCS_ARG, "k: %lld is not valid (1 to %d)", (long long)p->k, MAX_K);
    if ((unsigned)p->seen > LLMCS_SHOP_SEEN_INCLUDE)
        return shop_fail(LLMCS_ARG, "seen: %d is not valid (0 to 2)", (int)p->seen);
    SHOP_TRY(check_list("categories", p->categories, p->n_categories));
    SHOP_TRY(check_list("tags_all", p->tags_all, p->n_tags_all));
    SHOP_TRY(check_list("tags_any", p->tags_any, p->n_tags_any));
    SHOP_TRY(check_list("tags_none", p->tags_none, p->n_tags_none));
    SHOP_TRY(check_list("exclude", p->exclude, p->n_exclude));
    SHOP_TRY(check_weights(p));
    if (!p->customer) p->weight_popular *= popular_share_of_queries;
    if (p->text && p->text_bytes == LLMCS_NUL) p->text_bytes = strlen(p->text);
    if (p->text && !p->text_bytes) return shop_fail(LLMCS_ARG, "text is empty");
    return LLMCS_OK;
}

/* ---- results */

/* The result of one call, in one allocation per type. */
typedef struct result {
    llmcs_shop_recommendations shown; /* first member, so the caller's pointer is the block's */
    llmcs_allocator allocator;
    llmcs_shop_recommendation *items;
    const llmcs_shop_recommendation **item_pointers;
    llmcs_shop_reason_part *parts;
    const llmcs_shop_reason_part **part_pointers;
    char *texts;
    size_t texts_bytes, texts_capacity;
} result;

void llmcs_shop_recommendations_free(llmcs_shop_recommendations **recommendations) {
    if (!recommendations || !*recommendations) return;
    SHOP_PUBLIC_CALL;
    result *r = (result *)*recommendations;
    const llmcs_allocator a = r->allocator;
    shop_free(&a, r->items);
    shop_free(&a, r->item_pointers);
    shop_free(&a, r->parts);
    shop_free(&a, r->part_pointers);
    shop_free(&a, r->texts);
    shop_free(&a, r);
    *recommendations = NULL;
}

static llmcs_status allocate_result(const llmcs_allocator *a, size_t n, result **out) {
    result *r;
    SHOP_TRY(shop_alloc_zero(a, 1, sizeof *r, "recommendations", &r));
    *out = r;
    r->allocator = *a;
    r->shown.struct_size = sizeof r->shown;
    SHOP_TRY(shop_alloc_zero(a, n, sizeof *r->items, "recommendations", &r->items));
    SHOP_TRY(shop_alloc_zero(a, n, sizeof(void *), "recommendations", &r->item_pointers));
    SHOP_TRY(shop_alloc_zero(a, n * SHOP_MAX_PARTS, sizeof *r->parts, "recommendations", &r->parts));
    return shop_alloc_zero(a, n * SHOP_MAX_PARTS, sizeof(void *), "recommendations", &r->part_pointers);
}

/* Appends a text; *offset is its position, since the array may move as it grows. */
static llmcs_status keep_text(result *r, const char *text, size_t *offset) {
    const size_t n = strlen(text) + 1;
    SHOP_TRY(shop_grow(&r->allocator, &r->texts, r->texts_bytes, &r->texts_capacity, r->texts_bytes + n, 1, "texts"));
    memcpy(r->texts + r->texts_bytes, text, n);
    *offset = r->texts_bytes;
    r->texts_bytes += n;
    return LLMCS_OK;
}

/* Offsets of an item's texts: id, title, reason, and two per part. */
enum { TEXTS_OF_ITEM = 3 + 2 * SHOP_MAX_PARTS };

static llmcs_status fill_item(result *out, const shop_ranking *r, shop_connection *c, const char *lang, size_t i,
                              size_t offsets[TEXTS_OF_ITEM]) {
    shop_reason reason;
    const shop_candidate *candidate = &r->candidates[r->chosen[i]];
    llmcs_shop_recommendation *item = &out->items[i];
    SHOP_TRY(shop_reason_make(&reason, r, c, candidate, lang));
    *item = (llmcs_shop_recommendation){.struct_size = sizeof *item,
                                        .score = candidate->score,
                                        .content = candidate->content,
                                        .together = candidate->together,
                                        .popular = candidate->popular,
                                        .n_parts = reason.n};
    SHOP_TRY(keep_text(out, shop_item_id(r->catalog, candidate->item), &offsets[0]));
    SHOP_TRY(keep_text(out, reason.title, &offsets[1]));
    SHOP_TRY(keep_text(out, reason.words, &offsets[2]));
    for (size_t p = 0; p < reason.n; p++) {
        const shop_behaviour *b = &r->history->items[reason.behaviours[p]];
        llmcs_shop_reason_part *part = &out->parts[i * SHOP_MAX_PARTS + p];
        *part = (llmcs_shop_reason_part){.struct_size = sizeof *part, .share = reason.shares[p]};
        SHOP_TRY(keep_text(out, shop_item_id(r->catalog, b->item), &offsets[3 + 2 * p]));
        SHOP_TRY(keep_text(out, b->event, &offsets[4 + 2 * p]));
    }
    return LLMCS_OK;
}

/* Replaces offsets by pointers, after the last text was added. */
static void point_to_texts(result *out, size_t n, const size_t *offsets) {
    for (size_t i = 0; i < n; i++, offsets += TEXTS_OF_ITEM) {
        llmcs_shop_recommendation *item = &out->items[i];
        item->item = out->texts + offsets[0];
        item->title = out->texts + offsets[1];
        item->reason = out->texts + offsets[2];
        item->parts = out->part_pointers + i * SHOP_MAX_PARTS;
        out->item_pointers[i] = item;
        for (size_t p = 0; p < item->n_parts; p++) {
            llmcs_shop_reason_part *part = &out->parts[i * SHOP_MAX_PARTS + p];
            part->item = out->texts + offsets[3 + 2 * p];
            part->event = out->texts + offsets[4 + 2 * p];
            out->part_pointers[i * SHOP_MAX_PARTS + p] = part;
        }
    }
    out->shown.items = out->item_pointers;
    out->shown.n_items = n;
}

static llmcs_status fill_result(result *out, const shop_ranking *r, shop_connection *c, const char *lang) {
    size_t *offsets;
    llmcs_status status = LLMCS_OK;
    SHOP_TRY(shop_alloc(r->allocator, r->n_chosen * TEXTS_OF_ITEM, sizeof *offsets, "texts", &offsets));
    for (size_t i = 0; i < r->n_chosen && !status; i++)
        status = fill_item(out, r, c, lang, i, offsets + i * TEXTS_OF_ITEM);
    if (!status) point_to_texts(out, r->n_chosen, offsets);
    shop_free(r->allocator, offsets);
    out->shown.n_candidates = r->n;
    return status;
}

/* ---- the call */

/* Loads history and profile for the customer, item or text of the parameters. encoded: the text's vector, or NULL. */
static llmcs_status load_subject(shop_ranking *r, shop_history *history, shop_catalog *catalog, shop_connection *c,
                                 const float *encoded) {
    const llmcs_shop_recommend_params *p = r->params;
    if (p->customer) SHOP_TRY(shop_history_read(history, catalog, c, p));
    if (p->item) {
        uint32_t item;
        SHOP_TRY(shop_catalog_item(catalog, c, p->item, &item));
        if (item == SHOP_NO_NUMBER) return shop_fail(LLMCS_ARG, "item: the store has no product \"%.60s\"", p->item);
        SHOP_TRY(shop_history_of_item(history, item));
    }
    r->has_encoder = p->text && encoded;
    if (p->text) {
        shop_chars chars = {.allocator = r->allocator};
        SHOP_TRY(shop_alloc(r->allocator, catalog->dim, sizeof *r->profile, "profile", &r->profile));
        const llmcs_status status = shop_text_features(catalog, &chars, encoded, p->text, p->text_bytes, r->profile);
        shop_chars_free(&chars);
        SHOP_TRY(status);
    }
    return shop_make_profile(r);
}

/* How to interpret a text. */
typedef struct reading {
    bool strict;  /* drops products of other kinds than the named one; otherwise they come last */
    bool any_age; /* ignores an age in the text */
    const char *without;
    shop_wanted wanted;
} reading;

/* Products of the kind that the text names are collected first, then the others unless `strict` drops them. */
static llmcs_status collect(shop_ranking *r, shop_filter *filter, reading *how) {
    const llmcs_shop_recommend_params *p = r->params;
    if (p->text) {
        shop_wanted_read(r->catalog, p->text, p->text_bytes, how->without, &how->wanted);
        if (how->any_age) how->wanted.has_age = false;
        filter->wanted = &how->wanted;
        filter->of_kind = shop_wanted_names_kind(&how->wanted);
    }
    SHOP_TRY(shop_collect(r));
    if (!filter->of_kind || how->strict) return LLMCS_OK;
    filter->of_kind = false;
    return shop_collect(r);
}

static llmcs_status rank(shop_ranking *r, shop_history *history, shop_filter *filter, shop_catalog *catalog,
                         shop_connection *c, const float *encoded, reading *how, result **out) {
    SHOP_TRY(load_subject(r, history, catalog, c, encoded));
    SHOP_TRY(shop_filter_make(filter, catalog, c, r->params, history));
    SHOP_TRY(collect(r, filter, how));
    SHOP_TRY(shop_score(r, c));
    SHOP_TRY(shop_choose(r));
    SHOP_TRY(allocate_result(r->allocator, r->n_chosen, out));
    const char *lang = r->params->lang ? r->params->lang : *history->lang ? history->lang : "en";
    return fill_result(*out, r, c, lang);
}

/* Call under the read lock. */
static llmcs_status recommend_locked(llmcs_shop *shop, const llmcs_shop_recommend_params *params, const float *encoded,
                                     reading *how, result **out) {
    shop_catalog *catalog = &shop->recommender->catalog;
    shop_history history = {.allocator = &shop->allocator};
    shop_filter filter = {.allocator = &shop->allocator};
    shop_ranking r = {
        .allocator = &shop->allocator, .catalog = catalog, .params = params, .history = &history, .filter = &filter};
    shop_connection *c;
    SHOP_TRY(shop_read_begin(shop, &c));
    const llmcs_status status = rank(&r, &history, &filter, catalog, c, encoded, how, out);
    shop_read_end(shop, c);
    shop_ranking_free(&r);
    shop_filter_free(&filter);
    shop_history_free(&history);
    return status;
}

static llmcs_status recommend(llmcs_shop *shop, const llmcs_shop_recommend_params *params, const float *vector,
                              reading *how, llmcs_shop_recommendations **recommendations) {
    llmcs_shop_recommend_params p;
    float *encoded = NULL;
    result *out = NULL;
    if (!recommendations) return shop_fail(LLMCS_ARG, "recommendations is NULL");
    *recommendations = NULL;
    SHOP_TRY(shop_check(shop));
    SHOP_TRY(read_params(&p, params));
    const double start = shop_now_ms();
    SHOP_TRY(follow(shop));
    const double followed = shop_now_ms();
    if (p.text && !vector) {
        const llmcs_text text = {.text = p.text, .text_bytes = p.text_bytes};
        SHOP_TRY(shop_embed(shop, &text, 1, &encoded));
    }
    pthread_rwlock_rdlock(&shop->recommender->lock);
    llmcs_status status = recommend_locked(shop, &p, vector ? vector : encoded, how, &out);
    pthread_rwlock_unlock(&shop->recommender->lock);
    shop_free(&shop->allocator, encoded);
    if (status) {
        llmcs_shop_recommendations *failed = out ? &out->shown : NULL;
        llmcs_shop_recommendations_free(&failed);
        return status;
    }
    out->shown.follow_ms = followed - start;
    out->shown.ms = shop_now_ms() - followed;
    *recommendations = &out->shown;
    return LLMCS_OK;
}

llmcs_status shop_recommend_encoded(llmcs_shop *shop, const llmcs_shop_recommend_params *params, const float *vector,
                                    llmcs_shop_recommendations **recommendations) {
    reading how = {.strict = false};
    return recommend(shop, params, vector, &how, recommendations);
}

llmcs_status shop_recommend_kind(llmcs_shop *shop, const llmcs_shop_recommend_params *params, const float *vector,
                                 const char *without, llmcs_shop_recommendations **recommendations) {
    reading how = {.strict = true, .without = without};
    return recommend(shop, params, vector, &how, recommendations);
}

llmcs_status shop_recommend_named(llmcs_shop *shop, const llmcs_shop_recommend_params *params,
                                  llmcs_shop_recommendations **recommendations) {
    reading how = {.strict = true, .any_age = true};
    return recommend(shop, params, NULL, &how, recommendations);
}

llmcs_status shop_read_wish(llmcs_shop *shop, const char *text, size_t bytes, shop_wish *wish) {
    shop_wanted w;
    SHOP_TRY(follow(shop));
    pthread_rwlock_rdlock(&shop->recommender->lock);
    shop_wanted_read(&shop->recommender->catalog, text, bytes, NULL, &w);
    const bool known = shop_kinds_any(&shop->recommender->catalog.kinds);
    pthread_rwlock_unlock(&shop->recommender->lock);
    *wish = (shop_wish){.kind = shop_wanted_names_kind(&w),
                        .use = w.use != SHOP_NO_LABEL,
                        .audience = w.adult || w.child,
                        .gift = w.gift,
                        .knows_kinds = known,
                        .excludes = w.kinds.n_excluded > 0,
                        .begin = w.kinds.begin,
                        .end = w.kinds.end,
                        .excluded_begin = w.kinds.excluded_begin,
                        .excluded_end = w.kinds.excluded_end};
    return LLMCS_OK;
}

llmcs_status llmcs_shop_recommend(llmcs_shop *shop, const llmcs_shop_recommend_params *params,
                                  llmcs_shop_recommendations **recommendations) {
    SHOP_PUBLIC_CALL;
    return shop_recommend_encoded(shop, params, NULL, recommendations);
}
