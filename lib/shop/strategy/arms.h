/*
 * The candidates as arms of a bandit: the posterior distribution of each arm's mean reward, and the probability that a
 * policy chooses the arm.
 */
#ifndef SHOP_STRATEGY_ARMS_H
#define SHOP_STRATEGY_ARMS_H

#include <stdbool.h>

#include "shop/base/alloc.h"

enum { SHOP_MAX_ARMS = 32 };

/* Sums over the rewarded decisions for one candidate. r: reward, z: the language model's feature. */
typedef struct shop_sums {
    double n, r, rr, z, zz, zr;
} shop_sums;

/* Posterior of an arm's mean reward: Beta(a, b), or normal with mean a and standard deviation b. */
typedef struct shop_posterior {
    bool beta;
    double a, b;
} shop_posterior;

double shop_posterior_mean(const shop_posterior *p);
double shop_posterior_deviation(const shop_posterior *p);
/* P(mean reward <= x). */
double shop_posterior_cdf(const shop_posterior *p, double x);

/* The slope w of the reward on the feature, by least squares on the residuals after the candidates' means, with a ridge
 * of one row. all: [n] sums over all contexts. */
double shop_feature_weight(const shop_sums *all, size_t n);

/*
 * Posteriors of n arms in one context. here: sums in this context; all: sums over all contexts, including this one. In
 * a new context, the prior mean of a candidate comes from the other contexts: m(s)  = (r elsewhere + k g) / (n
 * elsewhere + k) + w z(s),      g: mean reward of all rows Beta:   a = k m + r here, b = k (1 - m) + (n - r) here
 *     normal: mean (k m + r here) / (k + n here), variance sigma^2 / (k + n here)
 * strength k: weight of the prior in rows. features: [n] z, or NULL. ARG if `beta` is set and rewards are outside 0..1.
 */
llmcs_status shop_posteriors_make(const shop_sums *here, const shop_sums *all, const double *features, size_t n,
                                  bool beta, double strength, shop_posterior *posteriors);

/*
 * The probability that Thompson sampling chooses each of n arms, i.e. that its sample is the largest,
 *     p(s) = integral of f_s(x) * product over j != s of F_j(x) dx,
 * by quadrature on the union of grids of 8 standard deviations around each mean; they add up to 1.
 */
llmcs_status shop_thompson(const llmcs_allocator *a, const shop_posterior *posteriors, size_t n, double *probabilities);

/* Divides the probability equally among the arms with the highest mean. */
void shop_greedy(const shop_posterior *posteriors, size_t n, double *probabilities);

/* Mixes in a uniform choice: p = (1 - share) p + share / n. */
void shop_explore(double share, size_t n, double *probabilities);

#endif
