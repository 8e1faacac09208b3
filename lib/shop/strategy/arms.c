/* Posteriors of mean rewards, and the probabilities with which policies choose candidates. */
#include "shop/strategy/arms.h"

#include <math.h>

#include "shop/base/sort.h"

/* ---- distributions */

/*
 * Continued fraction of the incomplete beta function by Lentz' method (DLMF 8.17.22):
 *     I_x(a, b) = x^a (1-x)^b / (a B(a, b)) * 1/(1 + d1/(1 + d2/(1 + ...)))
 * Converges fast for x < (a + 1) / (a + b + 2).
 */
static double beta_fraction(double a, double b, double x) {
    enum { MAX_TERMS = 300 };
    const double tiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < tiny ? tiny : d);
    double product = d;
    for (int m = 1; m <= MAX_TERMS; m++) {
        const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        d = 1 + even * d;
        c = 1 + even / c;
        d = 1 / (fabs(d) < tiny ? tiny : d);
        c = fabs(c) < tiny ? tiny : c;
        product *= d * c;
        const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 + odd * d;
        c = 1 + odd / c;
        d = 1 / (fabs(d) < tiny ? tiny : d);
        c = fabs(c) < tiny ? tiny : c;
        product *= d * c;
        if (fabs(d * c - 1) < 1e-12) break;
    }
    return product;
}

static double log_gamma(double x) {
    int sign; /* lgamma would store it in a global variable */
    return lgamma_r(x, &sign);
}

static double beta_cdf(double a, double b, double x) {
    if (x <= 0) return 0;
    if (x >= 1) return 1;
    const double front = exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log(x) + b * log1p(-x));
    if (x < (a + 1) / (a + b + 2)) return fmin(1, front * beta_fraction(a, b, x) / a);
    return fmax(0, 1 - front * beta_fraction(b, a, 1 - x) / b);
}

double shop_posterior_mean(const shop_posterior *p) { return p->beta ? p->a / (p->a + p->b) : p->a; }

double shop_posterior_deviation(const shop_posterior *p) {
    const double n = p->a + p->b;
    return p->beta ? sqrt(p->a * p->b / (n * n * (n + 1))) : p->b;
}

double shop_posterior_cdf(const shop_posterior *p, double x) {
    return p->beta ? beta_cdf(p->a, p->b, x) : 0.5 * erfc((p->a - x) / (p->b * sqrt(2)));
}

/* ---- posteriors */

double shop_feature_weight(const shop_sums *all, size_t n) {
    double zr = 0, zz = 1;
    for (size_t i = 0; i < n; i++) {
        const shop_sums *s = &all[i];
        if (!(s->n > 0)) continue;
        zr += s->zr - s->z * s->r / s->n;
        zz += s->zz;
    }
    return zr / zz;
}

static shop_sums add_up(const shop_sums *sums, size_t n) {
    shop_sums total = {0};
    for (size_t i = 0; i < n; i++) {
        total.n += sums[i].n;
        total.r += sums[i].r;
        total.rr += sums[i].rr;
    }
    return total;
}

/* Pooled standard deviation of rewards around their candidates' means; 1 until a candidate has two rows. */
static double reward_deviation(const shop_sums *all, size_t n) {
    double squares = 0, freedom = 0;
    for (size_t i = 0; i < n; i++) {
        if (!(all[i].n >= 2)) continue;
        squares += fmax(0, all[i].rr - all[i].r * all[i].r / all[i].n);
        freedom += all[i].n - 1;
    }
    if (!(freedom > 0)) return 1;
    const double mean = add_up(all, n).r / add_up(all, n).n;
    return fmax(sqrt(squares / freedom), 1e-6 * fmax(1e-3, fabs(mean))); /* never 0, even if all rewards are equal */
}

llmcs_status shop_posteriors_make(const shop_sums *here, const shop_sums *all, const double *features, size_t n,
                                  bool beta, double strength, shop_posterior *posteriors) {
    const shop_sums total = add_up(all, n);
    const double grand = total.n > 0 ? total.r / total.n : beta ? 0.5 : 0;
    const double weight = features ? shop_feature_weight(all, n) : 0;
    const double deviation = reward_deviation(all, n);
    for (size_t i = 0; i < n; i++) {
        if (beta && !(all[i].r >= 0 && all[i].r <= all[i].n))
            return shop_fail(LLMCS_ARG, "rewards are outside 0 to 1: use LLMCS_POLICY_THOMPSON_GAUSS");
        double mean = (all[i].r - here[i].r + strength * grand) / (all[i].n - here[i].n + strength);
        if (features) mean += weight * features[i];
        if (beta) {
            mean = fmin(fmax(mean, 0.01), 0.99);
            posteriors[i] = (shop_posterior){true, strength * mean + here[i].r,
                                             strength * (1 - mean) + fmax(0, here[i].n - here[i].r)};
        } else {
            const double rows = strength + here[i].n;
            posteriors[i] = (shop_posterior){false, (strength * mean + here[i].r) / rows, deviation / sqrt(rows)};
        }
    }
    return LLMCS_OK;
}

/* ---- policies */

/* Fills grid [n * per_arm] with points around each arm's mean, ascending. */
static void make_grid(const shop_posterior *posteriors, size_t n, size_t per_arm, double *grid) {
    for (size_t i = 0; i < n; i++) {
        const double mean = shop_posterior_mean(&posteriors[i]), deviation = shop_posterior_deviation(&posteriors[i]);
        for (size_t k = 0; k < per_arm; k++) {
            const double x = mean + deviation * (16.0 * (double)k / (double)(per_arm - 1) - 8);
            grid[i * per_arm + k] = posteriors[i].beta ? fmin(fmax(x, 0), 1) : x;
        }
    }
    shop_sort_doubles(grid, n * per_arm);
}

/* Adds to each arm the probability that its sample lies between two grid points and is the largest. low, high [n]:
 * distribution functions at these points, taken as linear between them. */
static void add_interval(const double *low, const double *high, size_t n, double *probabilities) {
    double below[SHOP_MAX_ARMS + 1] = {1},
                                 above = 1; /* products of the midpoints of all arms before and after an arm */
    for (size_t i = 0; i < n; i++) below[i + 1] = below[i] * 0.5 * (low[i] + high[i]);
    for (size_t i = n; i-- > 0;) {
        probabilities[i] += (high[i] - low[i]) * below[i] * above;
        above *= 0.5 * (low[i] + high[i]);
    }
}

llmcs_status shop_thompson(const llmcs_allocator *a, const shop_posterior *posteriors, size_t n,
                           double *probabilities) {
    const size_t per_arm = n <= 8 ? 161 : 65;
    double low[SHOP_MAX_ARMS] = {0}, high[SHOP_MAX_ARMS], sum = 0, *grid;
    SHOP_TRY(shop_alloc(a, n * per_arm, sizeof *grid, "grid", &grid));
    make_grid(posteriors, n, per_arm, grid);
    for (size_t i = 0; i < n; i++) probabilities[i] = 0;
    for (size_t k = 0; k < n * per_arm; k++) {
        if (k && grid[k] <= grid[k - 1]) continue;
        for (size_t i = 0; i < n; i++) high[i] = shop_posterior_cdf(&posteriors[i], grid[k]);
        add_interval(low, high, n, probabilities);
        for (size_t i = 0; i < n; i++) low[i] = high[i];
    }
    for (size_t i = 0; i < n; i++) sum += probabilities[i];
    for (size_t i = 0; i < n; i++) probabilities[i] /= sum;
    shop_free(a, grid);
    return LLMCS_OK;
}

void shop_greedy(const shop_posterior *posteriors, size_t n, double *probabilities) {
    double best = -INFINITY;
    size_t n_best = 0;
    for (size_t i = 0; i < n; i++) best = fmax(best, shop_posterior_mean(&posteriors[i]));
    for (size_t i = 0; i < n; i++) n_best += shop_posterior_mean(&posteriors[i]) >= best;
    for (size_t i = 0; i < n; i++)
        probabilities[i] = shop_posterior_mean(&posteriors[i]) >= best ? 1.0 / (double)n_best : 0;
}

void shop_explore(double share, size_t n, double *probabilities) {
    for (size_t i = 0; i < n; i++) probabilities[i] = (1 - share) * probabilities[i] + share / (double)n;
}
