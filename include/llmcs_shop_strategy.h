/*
 * llmcs_shop_strategy.h - bandits: choices that improve with rewards. Included by llmcs_shop.h, whose rules hold here.
 *
 * A strategy is a choice that is made repeatedly: how to open a reply, which offer to show, whether to ask back. Each
 * decision samples one of the candidates with probabilities (propensities) that are logged, and later gets a reward.
 * From the log, the library estimates the value of each candidate and of other policies:
 *
 *     const llmcs_shop_option options[] = {{"apologise", NULL}, {"explain", NULL}, {"coupon", NULL}};
 *     llmcs_shop_decide_params params;
 *     llmcs_shop_decision made = {.struct_size = sizeof made};
 *     llmcs_shop_decide_params_init(&params);
 *     params.context = "zh/angry";
 *     llmcs_shop_decide(shop, "complaint-opening", "turn-17", options, 3, &params, &made);
 *     use(options[made.chosen].id);
 *     llmcs_shop_reward(shop, "complaint-opening", "turn-17", 1.0);
 */
#include "llmcs_shop.h" /* which includes this file at its end, whichever of the two comes first */

#ifndef LLMCS_SHOP_STRATEGY_H
#define LLMCS_SHOP_STRATEGY_H

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------------------------------------ decide */

/* A candidate. Frozen. */
typedef struct llmcs_shop_option {
    const char *id;
    const char *text; /* its text for the language model; NULL: the id */
} llmcs_shop_option;

typedef enum llmcs_shop_policy {
    LLMCS_POLICY_THOMPSON_BETA = 0,  /* Thompson sampling for rewards of 0 to 1 */
    LLMCS_POLICY_THOMPSON_GAUSS = 1, /* Thompson sampling for rewards of any size */
    LLMCS_POLICY_GREEDY = 2          /* the best mean so far; with `explore`: epsilon-greedy */
} llmcs_shop_policy;

typedef struct llmcs_shop_decide_params {
    size_t struct_size;
    llmcs_shop_policy policy; /* [THOMPSON_BETA] */
    const char *context;      /* [""] the kind of situation; rewards are counted per context, and a new context starts
                                 from the means of the others */
    const char *conversation; /* [NULL] the conversation that the decision belongs to */
    double explore;           /* [0.1] share of decisions that are uniform over the candidates, 0 to 1: every propensity
                                 is at least explore / n, which bounds the weights of later estimates */
    double strength;          /* [4] weight of the other contexts, in rows of this context; 0.01 to 1000 */
    uint64_t seed;            /* [0] the choice is a function of seed, strategy, id and propensities */
    llmcs_session *writer;    /* [NULL] a decoder: adds log p(candidate | history) as a feature */
    const char *history;      /* [NULL] with writer: the conversation so far, placed after the logged decisions */
    int32_t n_history;        /* [16] with writer: number of logged decisions in the prompt, 0 to 100 */
    int64_t now;              /* [0] 0: the clock */
} llmcs_shop_decide_params;

LLMCS_SHOP_API void llmcs_shop_decide_params_init_sized(llmcs_shop_decide_params *params, size_t struct_size);
#define llmcs_shop_decide_params_init(params) llmcs_shop_decide_params_init_sized((params), sizeof *(params))

enum { LLMCS_SHOP_MAX_OPTIONS = 32 };

/* Set struct_size before the call. */
typedef struct llmcs_shop_decision {
    size_t struct_size;
    size_t chosen;                               /* index of the candidate */
    double propensity;                           /* probability with which it was chosen */
    size_t n;                                    /* of the arrays below */
    double propensities[LLMCS_SHOP_MAX_OPTIONS]; /* of all candidates */
    double means[LLMCS_SHOP_MAX_OPTIONS];        /* expected reward in this context; NaN if repeated */
    double features[LLMCS_SHOP_MAX_OPTIONS];     /* log p per token minus the candidates' mean; 0 without writer */
    int32_t repeated;                            /* 1: an earlier decision with this id is returned */
} llmcs_shop_decision;

/*
 * Decides among n candidates and logs it before it returns. Thompson sampling chooses each candidate with the
 * probability that a sample of its mean reward's posterior is the largest. That probability is integrated numerically
 * and the choice is sampled from it, so the propensity is exact, not an estimate. With `writer` the candidates are
 * scored as continuations of the rendered log (argmax over s of LM(s | historical data)). The score enters the expected
 * reward with a slope that is fitted to past rewards, so a useless model has no effect. Repeating an id returns the
 * same decision. params: NULL for the defaults. Errors: those of the store and of llmcs_choose, ARG (repeated
 * candidates, rewards outside 0..1 with THOMPSON_BETA, an id that was decided among other candidates).
 */
LLMCS_SHOP_API llmcs_status llmcs_shop_decide(llmcs_shop *shop, const char *strategy, const char *id,
                                              const llmcs_shop_option *options, size_t n,
                                              const llmcs_shop_decide_params *params, llmcs_shop_decision *decision);

/* Logs the reward of a decision. Repeating the same reward changes nothing; a different one is ARG. Errors: those of
 * the store, ARG (no such decision, a reward outside -1e9 to 1e9). */
LLMCS_SHOP_API llmcs_status llmcs_shop_reward(llmcs_shop *shop, const char *strategy, const char *id, double reward);

/* ---------------------------------------------------------------------------------- off-policy evaluation */

/* A past decision, and the target policy's probabilities for it. Frozen. */
typedef struct llmcs_shop_logged {
    const char *context;
    int32_t action;       /* the action chosen, 0 to n_actions - 1 */
    double propensity;    /* probability with which it was chosen, above 0 */
    double reward;        /* -1e15 to 1e15 */
    const double *target; /* [n_actions] the target policy's probabilities in this context; they sum to 1 */
} llmcs_shop_logged;

/* An estimate with its 95 % interval. Frozen. */
typedef struct llmcs_shop_estimate {
    double value, low, high;
} llmcs_shop_estimate;

/* Set struct_size before the call. */
typedef struct llmcs_shop_off_policy {
    size_t struct_size;
    uint64_t n;                /* rows */
    double effective_n;        /* (sum of w)^2 / sum of w^2: effective number of rows */
    double max_weight;         /* largest w = target(action) / propensity */
    llmcs_shop_estimate log;   /* mean reward of the log itself */
    llmcs_shop_estimate ips;   /* mean of w r (Horvitz and Thompson 1952) */
    llmcs_shop_estimate snips; /* sum of w r / sum of w (Swaminathan and Joachims 2015) */
    llmcs_shop_estimate dr; /* doubly robust: mean of q(x, target) + w (r - q(x, action)) (Dudik et al. 2011); q is the
                               mean reward of action and context in the other four folds */
} llmcs_shop_off_policy;

/*
 * Estimates the mean reward of the target policy from a log of another policy. Intervals use Hall's (1992) correction
 * of the t statistic for skewness, which a few large weights cause. They are valid if the logged propensities are the
 * true ones, and above 0 wherever the target's are. Errors: ARG (an invalid row; the message gives its index) STATE
 * (fewer than 20 rows) NOMEM.
 */
LLMCS_SHOP_API llmcs_status llmcs_shop_evaluate_policy(const llmcs_shop_logged *log, size_t n, size_t n_actions,
                                                       const llmcs_allocator *allocator, llmcs_shop_off_policy *result);

typedef struct llmcs_shop_target_params {
    size_t struct_size;
    const char *candidate; /* [NULL] always choose this one, or all candidates equally where it was not available. NULL:
                              choose the best mean in each context, learnt from the rows of the other four folds */
    double explore;        /* [0] share of uniform choices, 0 to 1 */
    double strength;       /* [4] as in llmcs_shop_decide_params */
    int64_t since;         /* [0] only decisions from this time on */
    uint64_t max_rows;     /* [100000] only the latest decisions; 20 to 1000000 */
} llmcs_shop_target_params;

LLMCS_SHOP_API void llmcs_shop_target_params_init_sized(llmcs_shop_target_params *params, size_t struct_size);
#define llmcs_shop_target_params_init(params) llmcs_shop_target_params_init_sized((params), sizeof *(params))

/* The same from the store's log of a strategy, to evaluate a policy before it goes live. params: NULL for the defaults.
 * Errors: those of the store and of llmcs_shop_evaluate_policy, LIMIT (more than 64 different candidates). */
LLMCS_SHOP_API llmcs_status llmcs_shop_evaluate_strategy(llmcs_shop *shop, const char *strategy,
                                                         const llmcs_shop_target_params *params,
                                                         llmcs_shop_off_policy *result);

#ifdef __cplusplus
}
#endif
#endif
