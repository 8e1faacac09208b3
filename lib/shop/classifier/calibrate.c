/* Fits the temperature, the out-of-scope score and its threshold to predictions of held-out rows, and measures them. */
#include "shop/classifier/calibrate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------------------------------------ temperature */

static double row_loss(const float *logits, size_t n_labels, uint32_t label, double temperature) {
    double largest = (double)logits[0], sum = 0;
    for (size_t c = 1; c < n_labels; c++) largest = (double)logits[c] > largest ? (double)logits[c] : largest;
    for (size_t c = 0; c < n_labels; c++) sum += exp(((double)logits[c] - largest) / temperature);
    return log(sum) + (largest - (double)logits[label]) / temperature;
}

double shop_log_loss(const shop_plan *plan, const shop_held_out *h, const uint32_t *rows, size_t n,
                     double temperature) {
    double loss = 0;
    for (size_t i = 0; i < n; i++) {
        const uint32_t label = plan->corpus->label[rows[i]];
        if (label < plan->n_labels)
            loss += row_loss(h->logits + rows[i] * plan->n_classes, plan->n_labels, label, temperature);
    }
    return loss;
}

/* Golden-section search over log(temperature): the loss is convex in 1 / temperature, so it has one minimum. */
double shop_find_temperature(const shop_plan *plan, const shop_held_out *h, const uint32_t *rows, size_t n) {
    enum { STEPS = 20 };
    const double ratio = 0.6180339887498949;
    double low = log(0.05), high = log(20);
    double left = high - ratio * (high - low), right = low + ratio * (high - low);
    double at_left = shop_log_loss(plan, h, rows, n, exp(left)), at_right = shop_log_loss(plan, h, rows, n, exp(right));
    for (int i = 0; i < STEPS; i++) {
        if (at_left < at_right) {
            high = right;
            right = left;
            at_right = at_left;
            left = high - ratio * (high - low);
            at_left = shop_log_loss(plan, h, rows, n, exp(left));
        } else {
            low = left;
            left = right;
            at_left = at_right;
            right = low + ratio * (high - low);
            at_right = shop_log_loss(plan, h, rows, n, exp(right));
        }
    }
    return exp((low + high) / 2);
}

/* ---------------------------------------------------------------------------------------------------- samples */

/* A held-out row for the out-of-scope score. */
typedef struct sample {
    float features[SHOP_OOS_N];
    float score; /* out_of_scope */
    bool outside;
} sample;

enum { ECE_BINS = 15 };

typedef struct calibration {
    const shop_plan *plan;
    llmcs_shop_classifier *classifier;
    sample *samples; /* [2 * n_rows] */
    size_t n, n_outside;
    float *scores;                   /* [n_labels] */
    double *hits, *wrongly, *missed; /* [n_labels] true positives, false positives, false negatives */
    double bin_rows[ECE_BINS], bin_hits[ECE_BINS], bin_scores[ECE_BINS];
} calibration;

/* Adds a row's features. In-scope rows also count in the measured figures. */
static void add_sample(calibration *k, const shop_held_out *h, size_t row, bool outside) {
    const shop_plan *plan = k->plan;
    sample *s = &k->samples[k->n++];
    shop_evaluation e;
    shop_evaluate(h->logits + row * plan->n_classes, plan->n_labels, plan->n_classes, k->classifier->temperature,
                  k->scores, &e);
    memcpy(s->features, h->features[row], sizeof s->features);
    memcpy(s->features, e.features, SHOP_OOS_KNOWN_WORDS * sizeof *s->features);
    s->outside = outside;
    k->n_outside += outside;
    if (outside) return;
    const uint32_t label = plan->corpus->label[row];
    const float score = k->scores[e.best];
    const size_t bin = shop_min((size_t)(score * ECE_BINS), ECE_BINS - 1);
    k->bin_rows[bin]++;
    k->bin_scores[bin] += (double)score;
    if (e.best == label) {
        k->bin_hits[bin]++;
        k->hits[label]++;
    } else {
        k->wrongly[e.best]++;
        k->missed[label]++;
    }
}

static double ratio_or_nan(double part, double all) { return all > 0 ? part / all : (double)NAN; }

static void fill_figures(const calibration *k, shop_figures *figures) {
    double f1 = 0, hits = 0, ece = 0;
    const double n = (double)(k->n - k->n_outside);
    for (size_t c = 0; c < k->plan->n_labels; c++) {
        const double both = 2 * k->hits[c], all = both + k->wrongly[c] + k->missed[c];
        f1 += all > 0 ? both / all : 0;
        hits += k->hits[c];
    }
    for (size_t b = 0; b < ECE_BINS; b++) ece += fabs(k->bin_hits[b] - k->bin_scores[b]);
    figures->accuracy = ratio_or_nan(hits, n);
    figures->macro_f1 = ratio_or_nan(f1, (double)k->plan->n_labels);
    figures->ece = ratio_or_nan(ece, n);
}

/* ------------------------------------------------------------------------------------------ out-of-scope score */

static void standardise(const calibration *k, shop_oos *oos) {
    for (size_t f = 0; f < SHOP_OOS_N; f++) {
        double sum = 0, squares = 0;
        for (size_t i = 0; i < k->n; i++) sum += (double)k->samples[i].features[f];
        const double mean = sum / (double)k->n;
        for (size_t i = 0; i < k->n; i++) {
            const double d = (double)k->samples[i].features[f] - mean;
            squares += d * d;
        }
        const double deviation = sqrt(squares / (double)k->n);
        oos->mean[f] = (float)mean;
        oos->deviation[f] = deviation > 1e-6 ? (float)deviation : 1.0f;
    }
}

enum { N_UNKNOWNS = SHOP_OOS_N + 1 };

/* Solves a x = b for a symmetric positive definite a, by Cholesky decomposition. x replaces b. */
static void solve(double a[N_UNKNOWNS][N_UNKNOWNS], double b[N_UNKNOWNS]) {
    for (size_t i = 0; i < N_UNKNOWNS; i++) {
        for (size_t j = 0; j <= i; j++) {
            double sum = a[i][j];
            for (size_t k = 0; k < j; k++) sum -= a[i][k] * a[j][k];
            a[i][j] = i == j ? sqrt(sum > 1e-12 ? sum : 1e-12) : sum / a[j][j];
        }
    }
    for (size_t i = 0; i < N_UNKNOWNS; i++) {
        for (size_t k = 0; k < i; k++) b[i] -= a[i][k] * b[k];
        b[i] /= a[i][i];
    }
    for (size_t i = N_UNKNOWNS; i-- > 0;) {
        for (size_t k = i + 1; k < N_UNKNOWNS; k++) b[i] -= a[k][i] * b[k];
        b[i] /= a[i][i];
    }
}

/* One step of Newton's method for logistic regression. In-scope and out-of-scope rows have equal total weight. */
static void newton_step(const calibration *k, shop_oos *oos) {
    enum { PENALTY_PER_MILLE = 30 };
    double hessian[N_UNKNOWNS][N_UNKNOWNS] = {{0}}, gradient[N_UNKNOWNS] = {0};
    const double inside = 0.5 / (double)(k->n - k->n_outside), outside = 0.5 / (double)k->n_outside;
    for (size_t i = 0; i < k->n; i++) {
        const sample *s = &k->samples[i];
        double x[N_UNKNOWNS];
        for (size_t f = 0; f < SHOP_OOS_N; f++) x[f] = (double)((s->features[f] - oos->mean[f]) / oos->deviation[f]);
        x[SHOP_OOS_N] = 1;
        const double p = (double)shop_oos_score(oos, s->features), weight = s->outside ? outside : inside;
        for (size_t f = 0; f < N_UNKNOWNS; f++) {
            gradient[f] += weight * (p - (s->outside ? 1 : 0)) * x[f];
            for (size_t g = 0; g <= f; g++) hessian[f][g] += weight * (p * (1 - p) + 1e-6) * x[f] * x[g];
        }
    }
    for (size_t f = 0; f < SHOP_OOS_N; f++) {
        gradient[f] += PENALTY_PER_MILLE / 1000.0 * (double)oos->weight[f];
        hessian[f][f] += PENALTY_PER_MILLE / 1000.0;
    }
    for (size_t f = 0; f < N_UNKNOWNS; f++)
        for (size_t g = f + 1; g < N_UNKNOWNS; g++) hessian[f][g] = hessian[g][f];
    solve(hessian, gradient);
    for (size_t f = 0; f < SHOP_OOS_N; f++) oos->weight[f] -= (float)gradient[f];
    oos->bias -= (float)gradient[SHOP_OOS_N];
}

static int compare_scores(const void *left, const void *right) {
    const sample *l = left, *r = right;
    if (l->score != r->score) return l->score < r->score ? -1 : 1;
    return (int)l->outside - (int)r->outside;
}

/* Area under the ROC curve of samples sorted by score; ties count half. */
static double auroc(const calibration *k) {
    double inside_before = 0, pairs = 0;
    for (size_t i = 0, end; i < k->n; i = end) {
        double inside = 0, outside = 0;
        for (end = i; end < k->n && k->samples[end].score == k->samples[i].score; end++) {
            inside += !k->samples[end].outside;
            outside += k->samples[end].outside;
        }
        pairs += outside * (inside_before + inside / 2);
        inside_before += inside;
    }
    return ratio_or_nan(pairs, inside_before * (double)k->n_outside);
}

static float log_odds(float p) {
    const float bounded = p < 1e-6f ? 1e-6f : p > 1 - 1e-6f ? 1 - 1e-6f : p;
    return logf(bounded / (1 - bounded));
}

/* The score below which `share` of the samples of one kind lie; samples are sorted by score. */
static float quantile(const calibration *k, bool outside, double share) {
    const size_t all = outside ? k->n_outside : k->n - k->n_outside;
    const size_t wanted = shop_min((size_t)(share * (double)all + 0.5), all);
    size_t seen = 0, i = 0;
    for (; i < k->n && seen < wanted; i++) seen += k->samples[i].outside == outside;
    const float last = i ? k->samples[i - 1].score : 0, next = i < k->n ? k->samples[i].score : 1;
    return (log_odds(last) + log_odds(next)) / 2;
}

/* Moves the bias so that a share `keep` of the in-scope samples scores below 0.5. If the same share of the out-of-scope
 * samples scores higher still, the threshold goes halfway between: new in-scope texts vary more than training texts. */
static void place_threshold(calibration *k, double keep, shop_oos *oos, shop_figures *figures) {
    const float inside = quantile(k, false, keep), outside = quantile(k, true, 1 - keep);
    const float threshold = k->n_outside && outside > inside ? (inside + outside) / 2 : inside;
    size_t kept = 0, found = 0;
    for (size_t i = 0; i < k->n; i++) {
        const bool accepted = log_odds(k->samples[i].score) < threshold;
        kept += accepted && !k->samples[i].outside;
        found += !accepted && k->samples[i].outside;
    }
    oos->bias -= threshold;
    figures->in_scope_kept = ratio_or_nan((double)kept, (double)(k->n - k->n_outside));
    figures->oos_found = ratio_or_nan((double)found, (double)k->n_outside);
}

/* For training without out-of-scope rows: unknown words and n-grams, and weak evidence for every class, raise the
 * score.
 */
static void set_default_weights(shop_oos *oos) {
    oos->weight[SHOP_OOS_KNOWN_WORDS] = -1;
    oos->weight[SHOP_OOS_KNOWN_GRAMS] = -1;
    oos->weight[SHOP_OOS_ENERGY] = -0.5f;
    oos->weight[SHOP_OOS_MEAN_DISTANCE] = -1;
}

static void learn_oos(calibration *k, double keep) {
    enum { NEWTON_STEPS = 25 };
    shop_oos *oos = &k->classifier->oos;
    *oos = (shop_oos){.bias = 0};
    standardise(k, oos);
    if (k->n_outside)
        for (int i = 0; i < NEWTON_STEPS; i++) newton_step(k, oos);
    else
        set_default_weights(oos);
    for (size_t i = 0; i < k->n; i++) k->samples[i].score = shop_oos_score(oos, k->samples[i].features);
    qsort(k->samples, k->n, sizeof *k->samples, compare_scores);
    k->classifier->figures.oos_auroc = auroc(k);
    place_threshold(k, keep, oos, &k->classifier->figures);
}

/* -------------------------------------------------------------------------------------------------------- all */

static void find_temperature(const calibration *k, const shop_held_out *h, uint32_t *rows) {
    const size_t n = k->plan->corpus->n_rows;
    for (size_t i = 0; i < n; i++) rows[i] = (uint32_t)i;
    k->classifier->temperature = (float)shop_find_temperature(k->plan, h, rows, n);
}

static void add_samples(calibration *k, const shop_held_out *h, const shop_held_out *unknown, shop_oos_source source) {
    for (size_t i = 0; i < k->plan->corpus->n_rows; i++) {
        if (k->plan->corpus->label[i] < k->plan->n_labels) {
            add_sample(k, h, i, false);
            if (source == SHOP_OOS_CLASSES && k->plan->corpus->label[i] % SHOP_CLASS_GROUPS < k->plan->n_hidden_groups)
                add_sample(k, unknown, i, true);
        } else if (source == SHOP_OOS_GIVEN) {
            add_sample(k, h, i, true);
        }
    }
}

llmcs_status shop_calibrate(const shop_plan *plan, const shop_held_out *h, const shop_held_out *unknown,
                            shop_oos_source source, double keep, llmcs_shop_classifier *classifier) {
    calibration k = {.plan = plan, .classifier = classifier};
    const size_t n = plan->corpus->n_rows, n_labels = plan->n_labels;
    uint32_t *rows = NULL;
    llmcs_status status;
    SHOP_TRY_GOTO(status, shop_alloc(plan->a, n, sizeof *rows, "calibration", &rows), done);
    SHOP_TRY_GOTO(status, shop_alloc(plan->a, n, 2 * sizeof *k.samples, "calibration", &k.samples), done);
    SHOP_TRY_GOTO(status, shop_alloc(plan->a, n_labels, sizeof *k.scores, "calibration", &k.scores), done);
    SHOP_TRY_GOTO(status, shop_alloc_zero(plan->a, n_labels, 3 * sizeof *k.hits, "calibration", &k.hits), done);
    k.wrongly = k.hits + n_labels;
    k.missed = k.wrongly + n_labels;
    find_temperature(&k, h, rows);
    add_samples(&k, h, unknown, source);
    fill_figures(&k, &classifier->figures);
    learn_oos(&k, keep);
done:
    shop_free(plan->a, rows);
    shop_free(plan->a, k.samples);
    shop_free(plan->a, k.scores);
    shop_free(plan->a, k.hits);
    return status;
}
