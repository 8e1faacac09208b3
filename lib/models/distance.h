/* Biases of attention scores by the distance between key and query, in logarithmic buckets (Raffel et al. 2020, "T5",
 * section 2.1; Song et al. 2020, "MPNet"). */
#ifndef LL_MODELS_DISTANCE_H
#define LL_MODELS_DISTANCE_H

#include <stdbool.h>
#include <stddef.h>

typedef struct ll_buckets {
    size_t n_buckets;    /* at least 4 */
    size_t max_distance; /* from here on the last bucket applies; above n_buckets / 4, or n_buckets / 2 if causal */
    bool causal;         /* all buckets are for keys before the query; else half of them are for keys after it */
} ll_buckets;

/* The bucket of key - query. */
size_t ll_bucket_of(const ll_buckets *b, ptrdiff_t distance);

/* Number of distances with possibly different biases: ll_attention.n_distance. */
static inline size_t ll_buckets_n_distance(const ll_buckets *b) { return b->max_distance + 1; }

/* Fills distance [n_head, 2 n_distance - 1], for ll_attention.distance, from table [n_buckets, n_head]. */
void ll_buckets_expand(const ll_buckets *b, const float *table, size_t n_head, float *distance);

#endif
