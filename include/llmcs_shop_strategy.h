/*
 * llmcs_shop_strategy.h - choices that are tried out and learnt from. Included by llmcs_shop.h, whose rules hold here.
 *
 * A strategy is a choice that is made again and again: how to open a reply, which offer to show, whether to ask back.
 * Each decision picks one of its candidates at random with probabilities (propensities) that are logged with it, and
 * later gets a reward. The log says what each candidate is worth, and what another policy would have earned:
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
    const char *text; /* what the language model reads for it; NULL: the id */
} llmcs_shop_option;

typedef enum llmcs_shop_policy {
    LLMCS_POLICY_THOMPSON_BETA = 0,  /* Thompson sampling for rewards of 0 to 1 */
    LLMCS_POLICY_THOMPSON_GAUSS = 1, /* and for rewards of any size */
    LLMCS_POLICY_GREEDY = 2          /* the best mean so far; with `explore`: epsilon-greedy */
} llmcs_shop_policy;

typedef struct llmcs_shop_decide_params {
    size_t struct_size;
    llmcs_shop_policy policy; /* [THOMPSON_BETA] */
    const char *context;      /* [""] the kind of situation; rewards are counted for each one, and a new one starts from
                                 the others' */
    const char *conversation; /* [NULL] that the decision belongs to */
    double explore;           /* [0.1] share of the decisions that are uniform over the candidates, 0 to 1: every
                                 propensity is at least explore / n, which bounds the weights of a later estimate */
    double strength;          /* [4] rows of this context that those of other contexts weigh, above 0 to 1000 */
    uint64_t seed;            /* [0] the choice is a function of seed, strategy, id and propensities */
    llmcs_session *writer;    /* [NULL] a decoder: log p(candidate | history) is one more feature */
    const char *history;      /* [NULL] with writer: the conversation so far, placed after the log's own history */
    int32_t n_history;        /* [16] with writer: decisions of this strategy in its prompt, 0 to 100 */
    int64_t now;              /* [0] 0: the clock */
} llmcs_shop_decide_params;

LLMCS_SHOP_API void llmcs_shop_decide_params_init_sized(llmcs_shop_decide_params *params, size_t struct_size);
#define llmcs_shop_decide_params_init(params) llmcs_shop_decide_params_init_sized((params), sizeof *(params))

enum { LLMCS_SHOP_MAX_OPTIONS = 32 };

/* Set struct_size before the call. */
typedef struct llmcs_shop_decision {
    size_t struct_size;
    size_t chosen;                               /* index of the candidate */
    double propensity;                           /* the probability that it was chosen with */
    size_t n;                                    /* of the arrays below */
    double propensities[LLMCS_SHOP_MAX_OPTIONS]; /* of all candidates */
    double means[LLMCS_SHOP_MAX_OPTIONS];        /* expected reward in this context; NaN if repeated */
    double features[LLMCS_SHOP_MAX_OPTIONS];     /* log p per token minus the candidates' mean; 0 without writer */
    int32_t repeated;                            /* 1: this id was decided before, and the same choice is returned */
} llmcs_shop_decision;

/*
 * Decides among n candidates and logs it before it returns. Thompson sampling chooses each candidate with the
 * probability that a sample of its mean reward's posterior is the largest. That probability is integrated numerically
 * and the choice is sampled from it, so the propensity is exact, not an estimate. With `writer` the candidates are
 * scored as continuations of the rendered log (argmax over s of LM(s | historical data)); the score enters the expected
 * reward by a slope that is fitted to past rewards, so a model that knows nothing changes nothing. The same id gives
 * the same decision again. params: NULL for the defaults. Errors: as the store's, ARG (candidates that repeat, rewards
 * outside 0..1 under THOMPSON_BETA, an id that was decided among other candidates), those of llmcs_choose.
 */
LLMCS_SHOP_API llmcs_status llmcs_shop_decide(llmcs_shop *shop, const char *strategy, const char *id,
                                              const llmcs_shop_option *options, size_t n,
                                              const llmcs_shop_decide_params *params, llmcs_shop_decision *decision);

/* Logs what a decision earned. The same reward again changes nothing; another one is ARG. Errors: as the store's, ARG
 * (no such decision, a reward that is not finite). */
LLMCS_SHOP_API llmcs_status llmcs_shop_reward(llmcs_shop *shop, const char *strategy, const char *id, double reward);

/* ---------------------------------------------------------------------------------- off-policy evaluation */

/* A decision of the past, and what another policy would do there. Frozen. */
typedef struct llmcs_shop_logged {
    const char *context;
    int32_t action;       /* what was chosen, 0 to n_actions - 1 */
    double propensity;    /* its probability then, above 0 */
    double reward;        /* what it earned */
    const double *target; /* [n_actions] the other policy's probabilities in this context, adding up to 1 */
} llmcs_shop_logged;

/* An estimate with its 95 % interval. Frozen. */
typedef struct llmcs_shop_estimate {
    double value, low, high;
} llmcs_shop_estimate;

/* Set struct_size before the call. */
typedef struct llmcs_shop_off_policy {
    size_t struct_size;
    uint64_t n;                /* rows */
    double effective_n;        /* (sum of w)^2 / sum of w^2: rows that the estimate really rests on */
    double max_weight;         /* largest w = target(action) / propensity */
    llmcs_shop_estimate log;   /* mean reward of the log itself */
    llmcs_shop_estimate ips;   /* mean of w r (Horvitz and Thompson 1952) */
    llmcs_shop_estimate snips; /* sum of w r / sum of w (Swaminathan and Joachims 2015) */
    llmcs_shop_estimate dr; /* doubly robust: mean of q(x, target) + w (r - q(x, action)) (Dudik et al. 2011); q is the
                               mean reward of action and context in the other four folds */
} llmcs_shop_off_policy;

/*
 * What the target policy would have earned on average, from a log of another one. Intervals are Hall's (1992): the t
 * statistic corrected for skewness, since few large weights make it skewed. They hold if propensities are those
 * that the choices were really made with, and above 0 wherever the target's are. Errors: ARG (a row out of range; its
 * index is named) STATE (fewer than 20 rows) NOMEM.
 */
LLMCS_SHOP_API llmcs_status llmcs_shop_evaluate_policy(const llmcs_shop_logged *log, size_t n, size_t n_actions,
                                                       const llmcs_allocator *allocator, llmcs_shop_off_policy *result);

typedef struct llmcs_shop_target_params {
    size_t struct_size;
    const char *candidate; /* [NULL] always this one; where it was no candidate, the others in equal shares. NULL: the
                              best mean in each context, learnt from the rows of the other four folds */
    double explore;        /* [0] share of uniform choices mixed in, 0 to 1 */
    double strength;       /* [4] as in llmcs_shop_decide_params */
    int64_t since;         /* [0] only decisions from this time on */
    uint64_t max_rows;     /* [100000] only the last ones; 20 to 1000000 */
} llmcs_shop_target_params;

LLMCS_SHOP_API void llmcs_shop_target_params_init_sized(llmcs_shop_target_params *params, size_t struct_size);
#define llmcs_shop_target_params_init(params) llmcs_shop_target_params_init_sized((params), sizeof *(params))

/* The same from the store's log of a strategy: what a policy would earn, before it goes live. params: NULL for the
 * defaults. Errors: as the store's and llmcs_shop_evaluate_policy, LIMIT (more than 64 different candidates). */
LLMCS_SHOP_API llmcs_status llmcs_shop_evaluate_strategy(llmcs_shop *shop, const char *strategy,
                                                         const llmcs_shop_target_params *params,
                                                         llmcs_shop_off_policy *result);

#ifdef __cplusplus
}
#endif
#endif
