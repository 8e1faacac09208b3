/* Collects candidates, scores them and chooses the list. */
#include "shop/recommend/rank.h"

#include <math.h>
#include <string.h>

enum {
    NEAREST = 150, /* candidates by content, at least */
    MOST_NEAREST = 10000,
    POPULAR = 100, /* candidates by popularity, at least */
    MAX_CANDIDATES = 20000,
    DIVERSE = 8, /* the list is chosen from the best DIVERSE * k */
    FEW = 2048,  /* products with a label that are rated one by one, which is faster than a search */
    LISTED = 8   /* reading so many neighbours takes as long as looking up one pair */
};

void shop_ranking_free(shop_ranking *r) {
    shop_free(r->allocator, r->profile);
    shop_free(r->allocator, r->behaviours);
    shop_free(r->allocator, r->candidates);
    shop_free(r->allocator, r->vectors);
    shop_free(r->allocator, r->chosen);
    shop_row_map_free(&r->known);
}

/* ---- profile */

llmcs_status shop_make_profile(shop_ranking *r) {
    const size_t n = shop_history_profile(r->history), dim = r->catalog->dim;
    if (!r->profile) SHOP_TRY(shop_alloc_zero(r->allocator, dim, sizeof *r->profile, "profile", &r->profile));
    SHOP_TRY(shop_alloc_zero(r->allocator, n * dim, sizeof *r->behaviours, "profile", &r->behaviours));
    for (size_t b = 0; b < n; b++) {
        const shop_behaviour *behaviour = &r->history->items[b];
        float *vector = r->behaviours + b * dim;
        bool found;
        SHOP_TRY(shop_item_vector(r->catalog, behaviour->item, vector, &found));
        if (!found) memset(vector, 0, dim * sizeof *vector);
        for (size_t i = 0; i < dim; i++) r->profile[i] += (float)(behaviour->weight * vector[i]);
        r->total += fabs(behaviour->weight);
    }
    r->has_profile = shop_normalise_vector(r->profile, dim) > 0;
    return LLMCS_OK;
}

/* ---- candidates */

static llmcs_status add_candidate(shop_ranking *r, uint32_t item) {
    if (r->n >= MAX_CANDIDATES || shop_row_map_find(&r->known, item) != SHOP_NO_NUMBER) return LLMCS_OK;
    if (!shop_filter_passes(r->filter, item)) return LLMCS_OK;
    SHOP_TRY(
        shop_grow(r->allocator, &r->candidates, r->n, &r->capacity, r->n + 1, sizeof *r->candidates, "candidates"));
    SHOP_TRY(shop_row_map_put(&r->known, item, (uint32_t)r->n));
    r->candidates[r->n++] = (shop_candidate){.item = item};
    return LLMCS_OK;
}

/* One search of the index. *exhausted: it returned all products that its filter accepts. */
static llmcs_status add_nearest(shop_ranking *r, size_t k, bool *exhausted) {
    llmcs_search_params search;
    uint64_t *rows = NULL;
    float *cosines = NULL;
    size_t n_found = 0;
    llmcs_search_params_init(&search);
    shop_filter_to_search(r->filter, &search);
    search.k = k;
    llmcs_status status = shop_alloc(r->allocator, k, sizeof *rows, "candidates", &rows);
    if (!status) status = shop_alloc(r->allocator, k, sizeof *cosines, "candidates", &cosines);
    if (!status) status = llmcs_index_search(r->catalog->index, r->profile, 1, &search, rows, cosines, &n_found);
    for (size_t i = 0; i < n_found && !status; i++)
        status = add_candidate(r, shop_row_map_find(&r->catalog->rows, (int64_t)rows[i]));
    shop_free(r->allocator, rows);
    shop_free(r->allocator, cosines);
    *exhausted = n_found < k;
    return status;
}

static bool comes_before(const shop_candidate *a, const shop_candidate *b) {
    if (a->score > b->score || a->score < b->score) return a->score > b->score;
    return a->item < b->item;
}

static void sort_candidates(shop_candidate *c, size_t n) {
    for (size_t gap = n / 2; gap; gap = gap > 2 ? gap * 5 / 11 : gap / 2) /* Shell sort */
        for (size_t i = gap; i < n; i++) {
            const shop_candidate candidate = c[i];
            size_t j = i;
            for (; j >= gap && comes_before(&candidate, &c[j - gap]); j -= gap) c[j] = c[j - gap];
            c[j] = candidate;
        }
}

/* Likeness to the profile, or popularity without one. */
static llmcs_status rate(const shop_ranking *r, shop_candidate *c, float *vector) {
    bool found = false;
    if (!r->has_profile) {
        c->score = shop_popularity(r->catalog, c->item);
        return LLMCS_OK;
    }
    SHOP_TRY(shop_item_vector(r->catalog, c->item, vector, &found));
    c->score = found ? shop_dot(r->profile, vector, r->catalog->dim) : 0;
    return LLMCS_OK;
}

/* The best of few products with labels that the filter requires: rates each. *exhausted: all that pass are added. */
static llmcs_status rate_labelled(shop_ranking *r, const shop_label_set *set, size_t most, uint32_t *items,
                                  shop_candidate *found, float *vector, bool *exhausted) {
    size_t n_items = 0, n = 0;
    for (size_t i = 0; i < set->n; i++) {
        shop_labelled_items(set->of, set->labels[i], items + n_items);
        n_items += shop_labelled_count(set->of, set->labels[i]);
    }
    for (size_t i = 0; i < n_items; i++) {
        if (!shop_filter_passes(r->filter, items[i])) continue;
        found[n] = (shop_candidate){.item = items[i]};
        SHOP_TRY(rate(r, &found[n++], vector));
    }
    sort_candidates(found, n);
    for (size_t i = 0; i < shop_min(n, most); i++) SHOP_TRY(add_candidate(r, found[i].item));
    *exhausted = n <= most;
    return LLMCS_OK;
}

static llmcs_status collect_labelled(shop_ranking *r, const shop_label_set *set, size_t most, bool *exhausted) {
    uint32_t *items = NULL;
    shop_candidate *found = NULL;
    float *vector = NULL;
    llmcs_status status = shop_alloc(r->allocator, set->n_items, sizeof *items, "candidates", &items);
    if (!status) status = shop_alloc(r->allocator, set->n_items, sizeof *found, "candidates", &found);
    if (!status) status = shop_alloc(r->allocator, r->catalog->dim, sizeof *vector, "candidates", &vector);
    if (!status) status = rate_labelled(r, set, most, items, found, vector, exhausted);
    shop_free(r->allocator, items);
    shop_free(r->allocator, found);
    shop_free(r->allocator, vector);
    return status;
}

/* Labels that share a bit of the index are checked again here. If too few products are left, searches for more. */
static llmcs_status search_nearest(shop_ranking *r, size_t k, bool *exhausted) {
    while (true) {
        k = shop_min(k, MOST_NEAREST);
        SHOP_TRY(add_nearest(r, k, exhausted));
        if (*exhausted || r->n >= r->params->k || k == MOST_NEAREST) return LLMCS_OK;
        k *= 4;
    }
}

static llmcs_status collect_nearest(shop_ranking *r, bool *exhausted) {
    const size_t k = shop_max(NEAREST, DIVERSE * r->params->k);
    const shop_label_set set = shop_filter_rarest(r->filter);
    *exhausted = r->filter->nothing_passes;
    if (*exhausted) return LLMCS_OK;
    if (set.of && set.n_items <= FEW) return collect_labelled(r, &set, k, exhausted);
    return r->has_profile ? search_nearest(r, k, exhausted) : LLMCS_OK;
}

static llmcs_status collect_neighbours(shop_ranking *r) {
    for (size_t b = 0; b < shop_history_profile(r->history); b++) {
        size_t n;
        if (!(r->history->items[b].weight > 0)) continue;
        const uint32_t *items = shop_cooccur_neighbours(&r->catalog->together, r->history->items[b].item, &n);
        for (size_t i = 0; i < n; i++) SHOP_TRY(add_candidate(r, items[i]));
    }
    return LLMCS_OK;
}

/* If the popular products are not enough, reads all products in the order of the store. */
static llmcs_status collect_popular(shop_ranking *r) {
    const shop_catalog *catalog = r->catalog;
    const size_t enough = r->n + shop_max(POPULAR, r->params->k);
    for (size_t i = 0; i < catalog->n_popular && r->n < enough; i++) SHOP_TRY(add_candidate(r, catalog->popular[i]));
    for (uint32_t i = 0; i < catalog->n_items && r->n < r->params->k; i++) SHOP_TRY(add_candidate(r, i));
    return LLMCS_OK;
}

llmcs_status shop_collect(shop_ranking *r) {
    bool exhausted;
    r->known.allocator = r->allocator;
    SHOP_TRY(collect_nearest(r, &exhausted));
    if (exhausted) return LLMCS_OK;
    SHOP_TRY(collect_neighbours(r));
    return collect_popular(r);
}

/* ---- scores */

/* The behaviours of the profile, to find those that share customers with a candidate. */
typedef struct companions {
    shop_row_map numbers; /* from an item to its behaviour */
    double *roots;        /* [n] weights enter as square roots, so that many items outweigh a single heavy one */
    bool *shares;         /* [n] may share a customer with the candidate */
    double total;
} companions;

static void free_companions(const shop_ranking *r, companions *c) {
    shop_row_map_free(&c->numbers);
    shop_free(r->allocator, c->roots);
    shop_free(r->allocator, c->shares);
}

static llmcs_status make_companions(const shop_ranking *r, companions *c) {
    const size_t n = shop_history_profile(r->history);
    *c = (companions){.numbers = {.allocator = r->allocator}};
    SHOP_TRY(shop_alloc(r->allocator, n, sizeof *c->roots, "profile", &c->roots));
    SHOP_TRY(shop_alloc(r->allocator, n, sizeof *c->shares, "profile", &c->shares));
    for (size_t b = 0; b < n; b++) {
        const double weight = r->history->items[b].weight;
        c->roots[b] = copysign(sqrt(fabs(weight)), weight);
        c->total += fabs(c->roots[b]);
        SHOP_TRY(shop_row_map_put(&c->numbers, r->history->items[b].item, (uint32_t)b));
    }
    return LLMCS_OK;
}

/* Most products of a large store share no customer with the history. Their neighbours say so sooner than the table of
 * pairs, which is larger than the caches. */
static void find_shares(const shop_ranking *r, companions *c, uint32_t item) {
    size_t n_neighbours;
    const size_t n = shop_history_profile(r->history);
    const uint32_t *neighbours = shop_cooccur_neighbours(&r->catalog->together, item, &n_neighbours);
    const bool look_up = n_neighbours == SHOP_MAX_NEIGHBOURS || n_neighbours > LISTED * n;
    for (size_t b = 0; b < n; b++) c->shares[b] = look_up;
    for (size_t i = 0; i < n_neighbours && !look_up; i++) {
        const uint32_t b = shop_row_map_find(&c->numbers, neighbours[i]);
        if (b != SHOP_NO_NUMBER) c->shares[b] = true;
    }
}

static double together_of(const shop_ranking *r, companions *c, uint32_t item) {
    double sum = 0;
    find_shares(r, c, item);
    for (size_t b = 0; b < shop_history_profile(r->history); b++)
        if (c->shares[b])
            sum += c->roots[b] * shop_cooccur_cosine(&r->catalog->together, r->history->items[b].item, item);
    return c->total > 0 ? sum / c->total : 0;
}

static llmcs_status score_together(shop_ranking *r, double *most) {
    companions c;
    const llmcs_status status = make_companions(r, &c);
    for (size_t i = 0; i < r->n && !status; i++) {
        r->candidates[i].together = together_of(r, &c, r->candidates[i].item);
        *most = fmax(*most, r->candidates[i].together);
    }
    free_companions(r, &c);
    return status;
}

static llmcs_status score_content(shop_ranking *r, float *vector) {
    const size_t dim = r->catalog->dim;
    for (size_t i = 0; i < r->n; i++) {
        bool found;
        SHOP_TRY(shop_item_vector(r->catalog, r->candidates[i].item, vector, &found));
        if (found) r->candidates[i].content = shop_dot(r->profile, vector, dim);
    }
    return LLMCS_OK;
}

/*
 * `together` and `popular` say little about a product that few customers have met. With n customers they count n / (n +
 * 1); the rest is the expectation for a new product: a share of its content, and medium popularity. The constants were
 * best in predicting the second-last product (tools/eval/recommend.py --holdout previous).
 */
/* Added to products of the kind that the text names, so that they come first. */
static const double of_kind = 2;
static const double new_customers = 1, new_together = 0.3, new_popular = 0.4;

static void blend(shop_ranking *r, double most_together) {
    const llmcs_shop_recommend_params *p = r->params;
    const shop_wanted *wanted = r->filter->wanted;
    double most_content = 0;
    for (size_t i = 0; i < r->n; i++) most_content = fmax(most_content, r->candidates[i].content);
    for (size_t i = 0; i < r->n; i++) {
        shop_candidate *c = &r->candidates[i];
        const double n = shop_popularity(r->catalog, c->item), known = n / (n + new_customers);
        const double content = most_content > 0 ? fmax(0, c->content) / most_content : 0;
        const double together = most_together > 0 ? c->together / most_together : 0;
        c->score = p->weight_content * c->content +
                   p->weight_together * (known * together + (1 - known) * new_together * content) +
                   p->weight_popular * (known * c->popular + (1 - known) * new_popular) +
                   shop_boost_of(r->catalog, p, c->item);
        if (wanted && shop_wanted_names_kind(wanted) &&
            shop_wanted_is_kind(wanted, r->catalog, &r->catalog->items[c->item]))
            c->score += of_kind;
    }
}

/* The vector of hashed words only approximates a text. Here its words are looked up in each candidate. */
static llmcs_status add_words(shop_ranking *r, shop_connection *c) {
    const double share = r->has_encoder ? 0.5 : 0.8;
    double *words;
    SHOP_TRY(shop_alloc(r->allocator, r->n, sizeof *words, "candidates", &words));
    const llmcs_status status = shop_lexical_scores(r, c, words);
    for (size_t i = 0; i < r->n && !status; i++)
        r->candidates[i].content = (1 - share) * r->candidates[i].content + share * words[i];
    shop_free(r->allocator, words);
    return status;
}

llmcs_status shop_score(shop_ranking *r, shop_connection *c) {
    double most = 0;
    if (r->has_profile) {
        float *vector;
        SHOP_TRY(shop_alloc(r->allocator, r->catalog->dim, sizeof *vector, "candidates", &vector));
        const llmcs_status status = score_content(r, vector);
        shop_free(r->allocator, vector);
        SHOP_TRY(status);
    }
    if (r->params->text) SHOP_TRY(add_words(r, c));
    SHOP_TRY(score_together(r, &most));
    for (size_t i = 0; i < r->n; i++)
        r->candidates[i].popular = shop_relative_popularity(r->catalog, r->candidates[i].item);
    blend(r, most);
    sort_candidates(r->candidates, r->n);
    return LLMCS_OK;
}

/* ---- choice */

size_t shop_choose_diverse(const double *scores, const float *vectors, size_t n, size_t dim, double diversity, size_t k,
                           double *nearest, uint32_t *chosen) {
    size_t n_chosen = 0;
    for (size_t i = 0; i < n; i++) nearest[i] = 0; /* largest cosine with a chosen item; infinity: chosen itself */
    while (n_chosen < k && n_chosen < n) {
        size_t best = n;
        double best_value = 0;
        for (size_t i = 0; i < n; i++) {
            if (isinf(nearest[i])) continue;
            const double value = (1 - diversity) * scores[i] - diversity * nearest[i];
            if (best == n || value > best_value) best = i, best_value = value;
        }
        chosen[n_chosen++] = (uint32_t)best;
        nearest[best] = INFINITY;
        if (!(diversity > 0)) continue;
        for (size_t i = 0; i < n; i++)
            if (!isinf(nearest[i]))
                nearest[i] = fmax(nearest[i], shop_dot(vectors + best * dim, vectors + i * dim, dim));
    }
    return n_chosen;
}

llmcs_status shop_choose(shop_ranking *r) {
    const size_t k = shop_min(r->params->k, r->n), dim = r->catalog->dim;
    const bool diverse = r->params->diversity > 0;
    const size_t n = diverse ? shop_min(r->n, DIVERSE * r->params->k) : k;
    double *numbers;
    SHOP_TRY(shop_alloc(r->allocator, k, sizeof *r->chosen, "list", &r->chosen));
    if (diverse) SHOP_TRY(shop_alloc_zero(r->allocator, n * dim, sizeof *r->vectors, "list", &r->vectors));
    for (size_t i = 0; i < n && diverse; i++) {
        bool found;
        SHOP_TRY(shop_item_vector(r->catalog, r->candidates[i].item, r->vectors + i * dim, &found));
    }
    SHOP_TRY(shop_alloc(r->allocator, 2 * n, sizeof *numbers, "list", &numbers));
    for (size_t i = 0; i < n; i++) numbers[i] = r->candidates[i].score;
    r->n_chosen = shop_choose_diverse(numbers, r->vectors, n, dim, r->params->diversity, k, numbers + n, r->chosen);
    shop_free(r->allocator, numbers);
    return LLMCS_OK;
}
