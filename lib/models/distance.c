#include "models/distance.h"

#include <math.h>

#include "base/size.h"

/* In single precision, as in Transformers (T5Attention._relative_position_bucket): the bucket boundaries depend on the
 * rounding. */
size_t ll_bucket_of(const ll_buckets *b, ptrdiff_t distance) {
    const size_t n = b->causal ? b->n_buckets : b->n_buckets / 2, exact = n / 2;
    const size_t first = !b->causal && distance > 0 ? n : 0;
    if (b->causal && distance > 0) distance = 0;
    const size_t d = distance < 0 ? (size_t)0 - (size_t)distance : (size_t)distance;
    if (d < exact) return first + d;
    const float ratio = logf((float)d / (float)exact) / (float)log((double)b->max_distance / (double)exact);
    return first + ll_min(exact + (size_t)(ratio * (float)(n - exact)), n - 1);
}

void ll_buckets_expand(const ll_buckets *b, const float *table, size_t n_head, float *distance) {
    const size_t n = ll_buckets_n_distance(b), width = 2 * n - 1;
    for (size_t i = 0; i < width; i++) {
        const size_t bucket = ll_bucket_of(b, (ptrdiff_t)i - (ptrdiff_t)(n - 1));
        for (size_t h = 0; h < n_head; h++) distance[h * width + i] = table[bucket * n_head + h];
    }
}
