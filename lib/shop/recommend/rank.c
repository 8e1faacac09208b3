/* Collects candidates, scores them and chooses the list. */
#include "shop/recommend/rank.h"

#include <math.h>
#include <string.h>

enum {
    NEAREST = 150, /* candidates by content, at least */
    MOST_NEAREST = 10000,
    POPULAR = 100, /* candidates by popularity, at least */
    MAX_CANDIDATES = 20000,
    DIVERSE = 8 /* the list is chosen from the best DIVERSE * k */
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

/* Labels that share a bit of the index are checked again here. If too few products are left, searches for more. */
static llmcs_status collect_nearest(shop_ranking *r) {
    bool exhausted = !r->has_profile || r->filter->nothing_passes;
    for (size_t k = shop_max(NEAREST, DIVERSE * r->params->k); !exhausted; k *= 4) {
        k = shop_min(k, MOST_NEAREST);
        SHOP_TRY(add_nearest(r, k, &exhausted));
        if (r->n >= r->params->k || k == MOST_NEAREST) break;
    }
    return LLMCS_OK;
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
    if (r->filter->nothing_passes) return LLMCS_OK;
    for (size_t i = 0; i < catalog->n_popular && r->n < enough; i++) SHOP_TRY(add_candidate(r, catalog->popular[i]));
    for (uint32_t i = 0; i < catalog->n_items && r->n < r->params->k; i++) SHOP_TRY(add_candidate(r, i));
    return LLMCS_OK;
}

llmcs_status shop_collect(shop_ranking *r) {
    r->known.allocator = r->allocator;
    SHOP_TRY(collect_nearest(r));
    SHOP_TRY(collect_neighbours(r));
    return collect_popular(r);
}

/* ---- scores */

/* Weights enter as square roots, so that many items outweigh a single heavy one. */
static double together_of(const shop_ranking *r, uint32_t item) {
    double sum = 0, total = 0;
    for (size_t b = 0; b < shop_history_profile(r->history); b++) {
        const double weight = r->history->items[b].weight, root = copysign(sqrt(fabs(weight)), weight);
        sum += root * shop_cooccur_cosine(&r->catalog->together, r->history->items[b].item, item);
        total += fabs(root);
    }
    return total > 0 ? sum / total : 0;
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
    for (size_t i = 0; i < r->n; i++) {
        shop_candidate *candidate = &r->candidates[i];
        candidate->together = together_of(r, candidate->item);
        candidate->popular = shop_relative_popularity(r->catalog, candidate->item);
        most = fmax(most, candidate->together);
    }
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
