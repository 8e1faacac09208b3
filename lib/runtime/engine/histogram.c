/* Histograms of durations: buckets of a quarter octave, from 0.01 ms. */
#include <math.h>

#include "base/call.h"
#include "runtime/engine/engine.h"

#define FIRST_MS 0.01
#define STEPS_PER_OCTAVE 4.0

void ll_histogram_add(llmcs_histogram *h, uint64_t ns) {
    double ms = (double)ns * 1e-6, at = ms > FIRST_MS ? floor(log2(ms / FIRST_MS) * STEPS_PER_OCTAVE) : 0;
    size_t i = at < LLMCS_HISTOGRAM_BUCKETS - 1 ? (size_t)at : LLMCS_HISTOGRAM_BUCKETS - 1;
    h->counts[i]++;
    h->n++;
    h->sum_ms += ms;
    if (ms > h->max_ms) h->max_ms = ms;
}

static double bound(size_t i) { return FIRST_MS * exp2((double)i / STEPS_PER_OCTAVE); }

double llmcs_histogram_quantile(const llmcs_histogram *histogram, double q) {
    LL_PUBLIC_CALL;
    if (!histogram || !histogram->n || !(q >= 0)) return 0;
    double rank = (q < 1 ? q : 1) * (double)histogram->n, before = 0;
    for (size_t i = 0; i < LLMCS_HISTOGRAM_BUCKETS; i++) {
        double count = (double)histogram->counts[i];
        if (count > 0 && before + count >= rank) {
            double low = i ? bound(i) : 0, inside = (rank - before) / count;
            double ms = low + (bound(i + 1) - low) * (inside > 0 ? inside : 0);
            return i + 1 < LLMCS_HISTOGRAM_BUCKETS && ms < histogram->max_ms ? ms : histogram->max_ms;
        }
        before += count;
    }
    return histogram->max_ms;
}
