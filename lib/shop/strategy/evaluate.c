/* Estimates the mean reward of a policy from the store's log of a strategy. */
#include <math.h>
#include <string.h>

#include "shop/base/options.h"
#include "shop/store/rows.h"
#include "shop/strategy/arms.h"
#include "shop/strategy/off_policy.h"

enum { MAX_CANDIDATES = 64 };

static const llmcs_shop_target_params default_params = {
    .struct_size = sizeof(llmcs_shop_target_params), .strength = 4, .max_rows = 100000};

void llmcs_shop_target_params_init_sized(llmcs_shop_target_params *params, size_t struct_size) {
    shop_options_init(params, struct_size, &default_params, sizeof default_params);
}

/* A strategy's log in memory. Candidates are numbered in order of first appearance. */
typedef struct strategy_log {
    const llmcs_allocator *a;
    char *candidates[MAX_CANDIDATES];
    size_t n_candidates;
    llmcs_shop_logged *rows;
    uint64_t *available; /* bit k: candidate k could be chosen */
    char **contexts;     /* [n] what rows point to */
    uint32_t *context_numbers;
    double *targets; /* [n, n_candidates] */
    size_t n, capacity, available_capacity, contexts_capacity;
} strategy_log;

static void free_log(strategy_log *l) {
    for (size_t i = 0; i < l->n_candidates; i++) shop_free(l->a, l->candidates[i]);
    for (size_t i = 0; i < l->n; i++) shop_free(l->a, l->contexts[i]);
    shop_free(l->a, l->rows);
    shop_free(l->a, l->available);
    shop_free(l->a, l->contexts);
    shop_free(l->a, l->context_numbers);
    shop_free(l->a, l->targets);
}

static llmcs_status number_of(strategy_log *l, const char *candidate, size_t *number) {
    for (*number = 0; *number < l->n_candidates; ++*number)
        if (!strcmp(l->candidates[*number], candidate)) return LLMCS_OK;
    if (l->n_candidates == MAX_CANDIDATES)
        return shop_fail(LLMCS_LIMIT, "the log has more than %d different candidates", MAX_CANDIDATES);
    SHOP_TRY(shop_copy_text(l->a, candidate, strlen(candidate), "candidate", &l->candidates[l->n_candidates]));
    l->n_candidates++;
    return LLMCS_OK;
}

static llmcs_status add_row(strategy_log *l, const char *context, size_t n_context, double propensity, double reward) {
    const size_t n = l->n;
    SHOP_TRY(shop_grow(l->a, &l->rows, n, &l->capacity, n + 1, sizeof *l->rows, "log"));
    SHOP_TRY(shop_grow(l->a, &l->available, n, &l->available_capacity, n + 1, sizeof *l->available, "log"));
    SHOP_TRY(shop_grow(l->a, &l->contexts, n, &l->contexts_capacity, n + 1, sizeof *l->contexts, "log"));
    SHOP_TRY(shop_copy_text(l->a, context, n_context, "context", &l->contexts[n]));
    l->rows[n] = (llmcs_shop_logged){.context = l->contexts[n], .propensity = propensity, .reward = reward};
    l->available[n] = 0;
    l->n++;
    return LLMCS_OK;
}

/* Each row of the query is a candidate of a decision: row, context, propensity, reward, chosen, candidate. */
static llmcs_status read_candidates(strategy_log *l, shop_query *q) {
    int64_t decision = -1;
    for (;;) {
        size_t len, number;
        SHOP_TRY(shop_query_next(q));
        if (!q->has_row) return LLMCS_OK;
        if (shop_query_int(q, 0) != decision) {
            const char *context = shop_query_text(q, 1, &len);
            SHOP_TRY(add_row(l, context, len, shop_query_double(q, 2), shop_query_double(q, 3)));
            decision = shop_query_int(q, 0);
        }
        SHOP_TRY(number_of(l, shop_query_text(q, 5, &len), &number));
        l->available[l->n - 1] |= (uint64_t)1 << number;
        if (shop_query_int(q, 4)) l->rows[l->n - 1].action = (int32_t)number;
    }
}

static llmcs_status read_log(strategy_log *l, shop_connection *c, const char *strategy,
                             const llmcs_shop_target_params *p) {
    shop_query q;
    SHOP_TRY(shop_query_begin(c, &q,
                              "SELECT d.row, d.context, d.propensity, d.reward, j.value = d.chosen, j.value FROM"
                              " (SELECT * FROM decisions WHERE strategy = ?1 AND reward IS NOT NULL AND time >= ?2 "
                              "ORDER BY row DESC LIMIT ?3)"
                              " d, json_each(d.candidates) j ORDER BY d.row",
                              "sii", strategy, p->since, (int64_t)p->max_rows));
    const llmcs_status status = read_candidates(l, &q);
    shop_query_end(&q);
    return status;
}

/* ---- target policies */

static void share_among(uint64_t available, size_t n, double *target) {
    const double share = 1.0 / (double)__builtin_popcountll(available);
    for (size_t k = 0; k < n; k++) target[k] = available >> k & 1 ? share : 0;
}

static void target_fixed(strategy_log *l, size_t number) {
    for (size_t i = 0; i < l->n; i++) {
        double *target = &l->targets[i * l->n_candidates];
        share_among(l->available[i], l->n_candidates, target);
        if (!(l->available[i] >> number & 1)) continue;
        for (size_t k = 0; k < l->n_candidates; k++) target[k] = k == number;
    }
}

static void add_to(shop_sums *s, double reward, double sign) {
    s->n += sign;
    s->r += sign * reward;
    s->rr += sign * reward * reward;
}

/* Workspace for the learnt target policy. */
typedef struct learnt {
    shop_sums *cells;                 /* [n_contexts, n_candidates] without a fold */
    shop_sums totals[MAX_CANDIDATES]; /* over all contexts */
    /* of the candidates that one row has, [n] */
    size_t numbers[MAX_CANDIDATES];
    shop_sums here[MAX_CANDIDATES], all[MAX_CANDIDATES];
    shop_posterior posteriors[MAX_CANDIDATES];
    double shares[MAX_CANDIDATES];
} learnt;

/* Adds (sign 1) or removes (sign -1) the rows of a fold; SHOP_N_FOLDS stands for all rows. */
static void count_fold(const strategy_log *l, learnt *s, size_t fold, double sign) {
    for (size_t i = 0; i < l->n; i++) {
        if (fold != SHOP_N_FOLDS && shop_fold_of(i) != fold) continue;
        const size_t action = (size_t)l->rows[i].action;
        add_to(&s->cells[l->context_numbers[i] * l->n_candidates + action], l->rows[i].reward, sign);
        add_to(&s->totals[action], l->rows[i].reward, sign);
    }
}

/* Sets row i's target to the candidate with the best mean among those available. */
static llmcs_status target_row(const strategy_log *l, learnt *s, size_t i, double strength) {
    double *target = &l->targets[i * l->n_candidates];
    size_t n = 0;
    for (size_t k = 0; k < l->n_candidates; k++) {
        target[k] = 0;
        if (!(l->available[i] >> k & 1)) continue;
        s->here[n] = s->cells[l->context_numbers[i] * l->n_candidates + k];
        s->all[n] = s->totals[k];
        s->numbers[n++] = k;
    }
    SHOP_TRY(shop_posteriors_make(s->here, s->all, NULL, n, false, strength, s->posteriors));
    shop_greedy(s->posteriors, n, s->shares);
    for (size_t k = 0; k < n; k++) target[s->numbers[k]] = s->shares[k];
    return LLMCS_OK;
}

/* Learns each row's target from the rows of the other folds. */
static llmcs_status target_learnt(strategy_log *l, size_t n_contexts, double strength) {
    learnt *s;
    SHOP_TRY(shop_alloc_zero(l->a, 1, sizeof *s, "sums", &s));
    llmcs_status status = shop_alloc_zero(l->a, n_contexts * l->n_candidates, sizeof *s->cells, "sums", &s->cells);
    if (!status) count_fold(l, s, SHOP_N_FOLDS, 1);
    for (size_t fold = 0; fold < SHOP_N_FOLDS && !status; fold++) {
        count_fold(l, s, fold, -1);
        for (size_t i = 0; i < l->n && !status; i++)
            if (shop_fold_of(i) == fold) status = target_row(l, s, i, strength);
        count_fold(l, s, fold, 1);
    }
    shop_free(l->a, s->cells);
    shop_free(l->a, s);
    return status;
}

static llmcs_status make_targets(strategy_log *l, const char *strategy, const llmcs_shop_target_params *p) {
    size_t n, n_contexts;
    if (!shop_mul(l->n, l->n_candidates, &n)) return shop_fail(LLMCS_NOMEM, "log: too long");
    SHOP_TRY(shop_alloc(l->a, n, sizeof *l->targets, "targets", &l->targets));
    SHOP_TRY(shop_alloc(l->a, l->n, sizeof *l->context_numbers, "contexts", &l->context_numbers));
    SHOP_TRY(shop_number_contexts(l->a, l->rows, l->n, l->context_numbers, &n_contexts));
    if (p->candidate) {
        size_t number = 0;
        while (number < l->n_candidates && strcmp(l->candidates[number], p->candidate) != 0) number++;
        if (number == l->n_candidates)
            return shop_fail(LLMCS_ARG, "%s: the log has no candidate \"%s\"", strategy, p->candidate);
        target_fixed(l, number);
    } else {
        SHOP_TRY(target_learnt(l, n_contexts, p->strength));
    }
    for (size_t i = 0; i < l->n; i++) {
        double *target = &l->targets[i * l->n_candidates];
        const double share = p->explore / (double)__builtin_popcountll(l->available[i]);
        for (size_t k = 0; k < l->n_candidates; k++)
            target[k] = (1 - p->explore) * target[k] + (l->available[i] >> k & 1 ? share : 0);
        l->rows[i].target = target;
    }
    return LLMCS_OK;
}

static llmcs_status evaluate_log(llmcs_shop *shop, const char *strategy, const llmcs_shop_target_params *p,
                                 strategy_log *l, llmcs_shop_off_policy *result) {
    shop_connection *c;
    SHOP_TRY(shop_read_begin(shop, &c));
    const llmcs_status status = read_log(l, c, strategy, p);
    shop_read_end(shop, c);
    SHOP_TRY(status);
    if (!l->n) return shop_fail(LLMCS_STATE, "%s: no decision with a reward in the log", strategy);
    for (size_t i = 0; i < l->n; i++)
        if (!l->available[i] || !(l->rows[i].propensity > 0))
            return shop_fail(LLMCS_FORMAT, "%s: decisions of %s: a row without candidates or propensity", shop->path,
                             strategy);
    SHOP_TRY(make_targets(l, strategy, p));
    return llmcs_shop_evaluate_policy(l->rows, l->n, l->n_candidates, &shop->allocator, result);
}

llmcs_status llmcs_shop_evaluate_strategy(llmcs_shop *shop, const char *strategy,
                                          const llmcs_shop_target_params *params, llmcs_shop_off_policy *result) {
    SHOP_PUBLIC_CALL;
    llmcs_shop_target_params p = default_params;
    strategy_log *l;
    SHOP_TRY(shop_check(shop));
    SHOP_TRY(shop_check_id("strategy", strategy));
    if (!result) return shop_fail(LLMCS_ARG, "result is NULL");
    if (params)
        SHOP_TRY(shop_options_in(&p, sizeof p, SHOP_SIZE_UP_TO(llmcs_shop_target_params, max_rows), params,
                                 "llmcs_shop_target_params"));
    if (!(p.explore >= 0 && p.explore <= 1))
        return shop_fail(LLMCS_ARG, "explore: %g is not valid (0 to 1)", p.explore);
    if (!(p.strength >= 0.01 && p.strength <= 1000))
        return shop_fail(LLMCS_ARG, "strength: %g is not valid (0.01 to 1000)", p.strength);
    if (p.max_rows < 20 || p.max_rows > 1000000)
        return shop_fail(LLMCS_ARG, "max_rows: %llu is not valid (20 to 1000000)", (unsigned long long)p.max_rows);
    SHOP_TRY(shop_alloc_zero(&shop->allocator, 1, sizeof *l, "log", &l));
    l->a = &shop->allocator;
    const llmcs_status status = evaluate_log(shop, strategy, &p, l, result);
    free_log(l);
    shop_free(&shop->allocator, l);
    return status;
}
