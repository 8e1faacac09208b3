/* What the tests of the vector index share: vectors that lie in groups as titles do, and the definition of a search:
 * every vector, in double, one by one. */
#ifndef TESTS_SEARCH_SEARCH_CASE_H
#define TESTS_SEARCH_SEARCH_CASE_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/half.h"
#include "llmcs.h"
#include "support/fail_alloc.h"
#include "support/random.h"
#include "support/suite.h"
#include "support/temp.h"

#define OK(call) ck_assert_msg((call) == LLMCS_OK, "%s: %s", #call, llmcs_error_message())

typedef struct item {
    uint64_t id;
    llmcs_item_tags tags;
    bool present;
} item;

typedef struct collection {
    size_t n, dim;
    float *vectors; /* [n, dim] */
    item *items;
} collection;

/* n vectors around n_groups centres; tag t is had by every 2^t-th or so; number: 0 to 100. */
static inline collection make_collection(uint64_t *seed, size_t n, size_t dim, size_t n_groups) {
    collection c = {n, dim, temp_alloc(n * dim * sizeof *c.vectors), temp_alloc(n * sizeof *c.items)};
    float *centres = temp_alloc(n_groups * dim * sizeof *centres);
    random_fill(seed, 1.0f, centres, n_groups * dim);
    for (size_t i = 0; i < n; i++) {
        const float *centre = centres + random_below(seed, n_groups) * dim;
        for (size_t k = 0; k < dim; k++) c.vectors[i * dim + k] = centre[k] + random_float(seed, 0.7f);
        uint64_t tags = 0;
        for (size_t t = 0; t < 8; t++) tags |= (uint64_t)(random_below(seed, (size_t)1 << t) == 0) << t;
        c.items[i] = (item){.id = 1000 + i * 7,
                            .tags = {tags, random_below(seed, 10) ? (double)random_below(seed, 101) : NAN},
                            .present = true};
    }
    free(centres);
    return c;
}

static inline void free_collection(collection *c) {
    free(c->vectors);
    free(c->items);
}

static inline void put_item(llmcs_index *index, const collection *c, size_t i) {
    OK(llmcs_index_put(index, &c->items[i].id, c->vectors + i * c->dim, &c->items[i].tags, 1));
}

static inline void put_all(llmcs_index *index, const collection *c) {
    uint64_t *ids = temp_alloc(c->n * sizeof *ids);
    llmcs_item_tags *tags = temp_alloc(c->n * sizeof *tags);
    for (size_t i = 0; i < c->n; i++) {
        ids[i] = c->items[i].id;
        tags[i] = c->items[i].tags;
    }
    OK(llmcs_index_put(index, ids, c->vectors, tags, c->n));
    free(ids);
    free(tags);
}

static inline bool passes(const item *x, const llmcs_search_params *p) {
    if (!x->present) return false;
    if ((x->tags.tags & p->tags_all) != p->tags_all || (x->tags.tags & p->tags_none)) return false;
    if (p->tags_any && !(x->tags.tags & p->tags_any)) return false;
    const bool has_range = p->number_min > -INFINITY || p->number_max < INFINITY;
    if (has_range && !(x->tags.number >= p->number_min && x->tags.number <= p->number_max)) return false;
    for (size_t i = 0; i < p->n_exclude; i++)
        if (p->exclude[i] == x->id) return false;
    return true;
}

/* The score as the header defines it. */
static inline double score_of(const float *q, const float *v, size_t dim, llmcs_metric metric) {
    double dot = 0, qq = 0, vv = 0, distance = 0;
    for (size_t k = 0; k < dim; k++) {
        dot += (double)q[k] * (double)v[k];
        qq += (double)q[k] * (double)q[k];
        vv += (double)v[k] * (double)v[k];
        distance += ((double)q[k] - (double)v[k]) * ((double)q[k] - (double)v[k]);
    }
    if (metric == LLMCS_METRIC_L2) return distance;
    return metric == LLMCS_METRIC_DOT ? dot : qq > 0 && vv > 0 ? dot / sqrt(qq * vv) : 0;
}

typedef struct ranked {
    uint64_t id;
    double score;
} ranked;

static inline int by_rank(const void *a, const void *b) {
    const ranked *x = a, *y = b;
    if (x->score != y->score) return x->score > y->score ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

/* All that pass, best first (L2: scores negated). The caller frees. */
static inline ranked *rank_all(const collection *c, const float *q, llmcs_metric metric, const llmcs_search_params *p,
                               size_t *n) {
    ranked *all = temp_alloc(c->n * sizeof *all + 1);
    *n = 0;
    for (size_t i = 0; i < c->n; i++) {
        if (!passes(&c->items[i], p)) continue;
        const double score = score_of(q, c->vectors + i * c->dim, c->dim, metric);
        all[(*n)++] = (ranked){c->items[i].id, metric == LLMCS_METRIC_L2 ? -score : score};
    }
    qsort(all, *n, sizeof *all, by_rank);
    return all;
}

static inline size_t index_of(const collection *c, uint64_t id) {
    for (size_t i = 0; i < c->n; i++)
        if (c->items[i].id == id) return i;
    ck_abort_msg("id %llu is not in the collection", (unsigned long long)id);
    return 0;
}

/* How far a stored vector may be from what was put. */
static inline double tolerance_of(llmcs_vector_type type, uint32_t flags) {
    if (type == LLMCS_VECTOR_F32) return 1e-5;
    return flags & LLMCS_INDEX_NO_F16 ? 0.04 : 1e-3;
}

static inline llmcs_index *make_index(size_t dim, llmcs_vector_type type, llmcs_metric metric, uint32_t flags,
                                      int n_threads) {
    llmcs_index_options o;
    llmcs_index *index = NULL;
    llmcs_index_options_init(&o);
    o.dim = (int32_t)dim;
    o.type = type;
    o.metric = metric;
    o.flags = flags;
    o.n_threads = n_threads;
    OK(llmcs_index_create(&o, &index));
    return index;
}

#endif
