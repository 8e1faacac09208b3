/* Off-policy estimates of a policy's mean reward: inverse propensity, self-normalised, doubly robust, each with an
 * interval. */
#include "shop/strategy/off_policy.h"

#include <math.h>
#include <string.h>

#include "shop/base/call.h"
#include "shop/base/hash.h"
#include "shop/base/options.h"

enum { LEAST_ROWS = 20, MAX_ACTIONS = 1024 };

/* Hashes the index, because rows of a log may be periodic. */
size_t shop_fold_of(size_t row) { return (size_t)((uint64_t)row * 0x9e3779b97f4a7c15u >> 40) % SHOP_N_FOLDS; }

/* ---- intervals */

/* Student's t at 97.5 % (Cornish-Fisher expansion, Abramowitz and Stegun 26.7.5). */
static double t_quantile(double freedom) {
    const double z = 1.959963984540054, z3 = z * z * z, z5 = z3 * z * z;
    return z + (z3 + z) / (4 * freedom) + (5 * z5 + 16 * z3 + 3 * z) / (96 * freedom * freedom);
}

/*
 * The value of the studentised mean at quantile t, corrected for skewness: the inverse of Hall's (1992) transformation
 *     g(T) = T + s T^2 / 3 + s^2 T^3 / 27 + s / 6,    s = skewness / sqrt(n)
 * which makes T normal up to terms of order 1 / n.
 */
static double corrected(double t, double s) {
    if (fabs(s) < 1e-9) return t;
    return 3 / s * (cbrt(1 + s * (t - s / 6)) - 1);
}

/* influence: [n] values whose mean has the distribution of the estimate around its mean. */
static llmcs_shop_estimate make_interval(double value, const double *influence, size_t n) {
    double mean = 0, m2 = 0, m3 = 0;
    for (size_t i = 0; i < n; i++) mean += influence[i];
    mean /= (double)n;
    for (size_t i = 0; i < n; i++) {
        const double d = influence[i] - mean;
        m2 += d * d;
        m3 += d * d * d;
    }
    const double variance = m2 / (double)(n - 1), error = sqrt(variance / (double)n);
    if (!(error > 0)) return (llmcs_shop_estimate){value, value, value};
    const double skewness = m3 / (double)n / (variance * sqrt(variance));
    const double t = t_quantile((double)(n - 1)), s = skewness / sqrt((double)n);
    return (llmcs_shop_estimate){value, value - corrected(t, s) * error, value - corrected(-t, s) * error};
}

/* ---- contexts as numbers */

/* Open addressing; contexts with the same 64-bit hash count as the same one. */
llmcs_status shop_number_contexts(const llmcs_allocator *a, const llmcs_shop_logged *log, size_t n, uint32_t *contexts,
                                  size_t *n_contexts) {
    size_t n_slots = 64;
    struct {
        uint64_t hash;
        uint32_t number; /* plus one; 0: empty */
    } * slots;
    while (n_slots < 2 * n) n_slots *= 2;
    SHOP_TRY(shop_alloc_zero(a, n_slots, sizeof *slots, "contexts", &slots));
    *n_contexts = 0;
    for (size_t i = 0; i < n; i++) {
        const uint64_t hash = shop_xxh64(log[i].context, strlen(log[i].context));
        size_t at = (size_t)hash & (n_slots - 1);
        while (slots[at].number && slots[at].hash != hash) at = (at + 1) & (n_slots - 1);
        if (!slots[at].number) {
            slots[at].hash = hash;
            slots[at].number = (uint32_t)++ * n_contexts;
        }
        contexts[i] = slots[at].number - 1;
    }
    shop_free(a, slots);
    return LLMCS_OK;
}

/* ---- the model of rewards */

/* Counts and sums of rewards by context and action, by action, and in all; each for all rows and for each fold. */
typedef struct reward_model {
    size_t n_actions;
    double (*cells)[2];                /* [n_contexts, n_actions] count, sum */
    double (*fold_cells)[2];           /* [SHOP_N_FOLDS, n_contexts, n_actions] */
    double (*actions)[2];              /* [n_actions] */
    double (*fold_actions)[2];         /* [SHOP_N_FOLDS, n_actions] */
    double grand[SHOP_N_FOLDS + 1][2]; /* of each fold; the last: of all rows */
    size_t n_contexts;
} reward_model;

static void model_free(const llmcs_allocator *a, reward_model *m) {
    shop_free(a, m->cells);
    shop_free(a, m->fold_cells);
    shop_free(a, m->actions);
    shop_free(a, m->fold_actions);
}

static void count(double cell[2], double reward) {
    cell[0] += 1;
    cell[1] += reward;
}

static llmcs_status model_make(const llmcs_allocator *a, const llmcs_shop_logged *log, const uint32_t *contexts,
                               size_t n, reward_model *m) {
    size_t n_cells;
    if (!shop_mul(m->n_contexts, m->n_actions, &n_cells) || n_cells > SIZE_MAX / SHOP_N_FOLDS)
        return shop_fail(LLMCS_NOMEM, "log: too many contexts");
    SHOP_TRY(shop_alloc_zero(a, n_cells, sizeof *m->cells, "rewards", &m->cells));
    SHOP_TRY(shop_alloc_zero(a, n_cells * SHOP_N_FOLDS, sizeof *m->fold_cells, "rewards", &m->fold_cells));
    SHOP_TRY(shop_alloc_zero(a, m->n_actions, sizeof *m->actions, "rewards", &m->actions));
    SHOP_TRY(shop_alloc_zero(a, m->n_actions * SHOP_N_FOLDS, sizeof *m->fold_actions, "rewards", &m->fold_actions));
    for (size_t i = 0; i < n; i++) {
        const size_t action = (size_t)log[i].action, cell = contexts[i] * m->n_actions + action, fold = shop_fold_of(i);
        count(m->cells[cell], log[i].reward);
        count(m->fold_cells[fold * n_cells + cell], log[i].reward);
        count(m->actions[action], log[i].reward);
        count(m->fold_actions[fold * m->n_actions + action], log[i].reward);
        count(m->grand[fold], log[i].reward);
        count(m->grand[SHOP_N_FOLDS], log[i].reward);
    }
    return LLMCS_OK;
}

/* q: the mean reward of an action in a context, from the rows outside `fold`. It is shrunk towards the action's mean
 * over all contexts, which is shrunk towards the mean of all rows. */
static double predict_reward(const reward_model *m, size_t context, size_t action, size_t fold) {
    enum { STRENGTH = 4 };
    const size_t cell = context * m->n_actions + action, n_cells = m->n_contexts * m->n_actions;
    const double *of_cell = m->fold_cells[fold * n_cells + cell];
    const double *of_action = m->fold_actions[fold * m->n_actions + action], *of_all = m->grand[fold];
    const double n_all = m->grand[SHOP_N_FOLDS][0] - of_all[0];
    const double grand = n_all > 0 ? (m->grand[SHOP_N_FOLDS][1] - of_all[1]) / n_all : 0;
    const double mean =
        (m->actions[action][1] - of_action[1] + STRENGTH * grand) / (m->actions[action][0] - of_action[0] + STRENGTH);
    return (m->cells[cell][1] - of_cell[1] + STRENGTH * mean) / (m->cells[cell][0] - of_cell[0] + STRENGTH);
}

/* ---- estimates */

static double weight_of(const llmcs_shop_logged *row) { return row->target[row->action] / row->propensity; }

/* The mean of the values in `influence`, with its interval. */
static llmcs_shop_estimate mean_of(double *influence, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += influence[i];
    return make_interval(sum / (double)n, influence, n);
}

static void estimate_all(const llmcs_shop_logged *log, const uint32_t *contexts, size_t n, const reward_model *m,
                         double *influence, llmcs_shop_off_policy *out) {
    double sum = 0, squares = 0, weighted = 0;
    for (size_t i = 0; i < n; i++) {
        const double w = weight_of(&log[i]);
        sum += w;
        squares += w * w;
        weighted += w * log[i].reward;
        out->max_weight = fmax(out->max_weight, w);
        influence[i] = log[i].reward;
    }
    out->n = n;
    out->effective_n = squares > 0 ? sum * sum / squares : 0;
    out->log = mean_of(influence, n);
    for (size_t i = 0; i < n; i++) influence[i] = weight_of(&log[i]) * log[i].reward;
    out->ips = mean_of(influence, n);
    /* The ratio's error to first order: w (r - ratio) / mean w. */
    const double ratio = sum > 0 ? weighted / sum : NAN;
    for (size_t i = 0; i < n; i++)
        influence[i] = sum > 0 ? weight_of(&log[i]) * (log[i].reward - ratio) * (double)n / sum : 0;
    out->snips = make_interval(ratio, influence, n);
    for (size_t i = 0; i < n; i++) {
        const size_t fold = shop_fold_of(i), action = (size_t)log[i].action;
        double expected = 0;
        for (size_t k = 0; k < m->n_actions; k++)
            if (log[i].target[k] > 0) expected += log[i].target[k] * predict_reward(m, contexts[i], k, fold);
        influence[i] = expected + weight_of(&log[i]) * (log[i].reward - predict_reward(m, contexts[i], action, fold));
    }
    out->dr = mean_of(influence, n);
}

static llmcs_status check_row(const llmcs_shop_logged *row, size_t i, size_t n_actions) {
    const long long at = (long long)i;
    double sum = 0;
    if (!row->context || !row->target) return shop_fail(LLMCS_ARG, "log[%lld]: context or target is NULL", at);
    if (row->action < 0 || (size_t)row->action >= n_actions)
        return shop_fail(LLMCS_ARG, "log[%lld].action: %d is not valid (0 to %lld)", at, row->action,
                         (long long)n_actions - 1);
    if (!(row->propensity > 0 && row->propensity <= 1))
        return shop_fail(LLMCS_ARG, "log[%lld].propensity: %g is not valid (above 0 to 1)", at, row->propensity);
    if (!(fabs(row->reward) <= 1e15))
        return shop_fail(LLMCS_ARG, "log[%lld].reward: %g is not valid (-1e15 to 1e15)", at, row->reward);
    for (size_t k = 0; k < n_actions; k++) {
        if (!(row->target[k] >= 0 && row->target[k] <= 1 + 1e-9))
            return shop_fail(LLMCS_ARG, "log[%lld].target[%lld]: %g is not valid (0 to 1)", at, (long long)k,
                             row->target[k]);
        sum += row->target[k];
    }
    if (fabs(sum - 1) <= 1e-6) return LLMCS_OK;
    return shop_fail(LLMCS_ARG, "log[%lld].target: the probabilities add up to %g, expected 1", at, sum);
}

static llmcs_status evaluate(const llmcs_allocator *a, const llmcs_shop_logged *log, size_t n, uint32_t *contexts,
                             double *influence, reward_model *m, llmcs_shop_off_policy *out) {
    SHOP_TRY(shop_number_contexts(a, log, n, contexts, &m->n_contexts));
    SHOP_TRY(model_make(a, log, contexts, n, m));
    estimate_all(log, contexts, n, m, influence, out);
    return LLMCS_OK;
}

llmcs_status llmcs_shop_evaluate_policy(const llmcs_shop_logged *log, size_t n, size_t n_actions,
                                        const llmcs_allocator *allocator, llmcs_shop_off_policy *result) {
    SHOP_PUBLIC_CALL;
    const llmcs_allocator a = shop_allocator_or_default(allocator);
    llmcs_shop_off_policy found = {.struct_size = sizeof found};
    uint32_t *contexts;
    double *influence = NULL;
    if (!log || !result) return shop_fail(LLMCS_ARG, "log, result: NULL is not valid");
    if (n < LEAST_ROWS)
        return shop_fail(LLMCS_STATE, "log: %lld rows with a reward, expected at least %d", (long long)n, LEAST_ROWS);
    if (n > UINT32_MAX / 4) return shop_fail(LLMCS_LIMIT, "log: %lld rows are too many", (long long)n);
    if (!n_actions || n_actions > MAX_ACTIONS)
        return shop_fail(LLMCS_ARG, "n_actions: %lld is not valid (1 to %d)", (long long)n_actions, MAX_ACTIONS);
    for (size_t i = 0; i < n; i++) SHOP_TRY(check_row(&log[i], i, n_actions));
    reward_model m = {.n_actions = n_actions};
    SHOP_TRY(shop_alloc(&a, n, sizeof *contexts, "contexts", &contexts));
    llmcs_status status = shop_alloc(&a, n, sizeof *influence, "rows", &influence);
    if (!status) status = evaluate(&a, log, n, contexts, influence, &m, &found);
    model_free(&a, &m);
    shop_free(&a, influence);
    shop_free(&a, contexts);
    if (status) return status;
    return shop_options_out(result, SHOP_SIZE_UP_TO(llmcs_shop_off_policy, dr), &found, sizeof found,
                            "llmcs_shop_off_policy");
}
