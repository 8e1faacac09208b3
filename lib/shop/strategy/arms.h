/*
 * What is known of each candidate (an arm of a bandit) as a distribution of its mean reward, and the probability that a
 * policy chooses it.
 */
#ifndef SHOP_STRATEGY_ARMS_H
#define SHOP_STRATEGY_ARMS_H

#include <stdbool.h>

#include "shop/base/alloc.h"

enum { SHOP_MAX_ARMS = 32 };

/* Sums over decisions for one candidate that have a reward r. z is the language model's feature. */
typedef struct shop_sums {
    double n, r, rr, z, zz, zr;
} shop_sums;

/* Where the mean reward of an arm is thought to be: Beta(a, b), or normal with mean a and standard deviation b. */
typedef struct shop_posterior {
    bool beta;
    double a, b;
} shop_posterior;

double shop_posterior_mean(const shop_posterior *p);
double shop_posterior_deviation(const shop_posterior *p);
/* P(mean reward <= x). */
double shop_posterior_cdf(const shop_posterior *p, double x);

/* The slope w of the reward on the feature: least squares over what the candidates' means leave, with a ridge of one
 * row. `all`: [n] sums over every context. */
double shop_feature_weight(const shop_sums *all, size_t n);

/*
 * Posteriors of n arms in one context. here: sums in this context; all: over every context, this one included.
 * Candidates of a new context start from what is known of them elsewhere:
 *     m(s)  = (r elsewhere + k g) / (n elsewhere + k) + w z(s),      g: mean reward of all rows
 *     Beta:   a = k m + r here, b = k (1 - m) + (n - r) here
 *     normal: mean (k m + r here) / (k + n here), variance sigma^2 / (k + n here)
 * strength k: how many rows of this context the others weigh. features: [n] z, or NULL. ARG if Beta is requested and
 * rewards lie outside 0..1.
 */
llmcs_status shop_posteriors_make(const shop_sums *here, const shop_sums *all, const double *features, size_t n,
                                  bool beta, double strength, shop_posterior *posteriors);

/*
 * Probabilities with which Thompson sampling chooses each of n arms: that its sample is the largest,
 *     p(s) = integral of f_s(x) * product over j != s of F_j(x) dx,
 * by quadrature on the union of grids of 8 standard deviations around each mean; they add up to 1.
 */
llmcs_status shop_thompson(const llmcs_allocator *a, const shop_posterior *posteriors, size_t n, double *probabilities);

/* All probability on the arms with the highest mean, in equal shares. */
void shop_greedy(const shop_posterior *posteriors, size_t n, double *probabilities);

/* Mixes in a uniform choice: p = (1 - share) p + share / n. */
void shop_explore(double share, size_t n, double *probabilities);

#endif
