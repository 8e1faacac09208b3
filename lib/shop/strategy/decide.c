/* Chooses among candidates and logs the propensities; logs rewards. */
#include <math.h>
#include <string.h>
#include <time.h>

#include "shop/base/hash.h"
#include "shop/base/options.h"
#include "shop/store/rows.h"
#include "shop/strategy/arms.h"
#include "shop/strategy/history.h"

_Static_assert((int)SHOP_MAX_ARMS == (int)LLMCS_SHOP_MAX_OPTIONS, "arms");

static const llmcs_shop_decide_params default_params = {
    .struct_size = sizeof(llmcs_shop_decide_params), .context = "", .explore = 0.1, .strength = 4, .n_history = 16};

void llmcs_shop_decide_params_init_sized(llmcs_shop_decide_params *params, size_t struct_size) {
    shop_options_init(params, struct_size, &default_params, sizeof default_params);
}

/* ---- checks */

static llmcs_status check_params(const llmcs_shop_decide_params *p) {
    if ((unsigned)p->policy > LLMCS_POLICY_GREEDY)
        return shop_fail(LLMCS_ARG, "policy: %d is not valid (0 to 2)", (int)p->policy);
    if (!(p->explore >= 0 && p->explore <= 1))
        return shop_fail(LLMCS_ARG, "explore: %g is not valid (0 to 1)", p->explore);
    if (!(p->strength >= 0.01 && p->strength <= 1000))
        return shop_fail(LLMCS_ARG, "strength: %g is not valid (0.01 to 1000)", p->strength);
    if (p->n_history < 0 || p->n_history > 100)
        return shop_fail(LLMCS_ARG, "n_history: %d is not valid (0 to 100)", p->n_history);
    SHOP_TRY(shop_check_text("context", p->context ? p->context : "", 0, SHOP_WORD_BYTES));
    SHOP_TRY(shop_check_text("history", p->history, 0, SHOP_TEXT_BYTES));
    return shop_check_name("conversation", p->conversation, 0);
}

static llmcs_status check_options(const llmcs_shop_option *options, size_t n) {
    if (!options || !n || n > SHOP_MAX_ARMS)
        return shop_fail(LLMCS_ARG, "n: %lld candidates are not valid (1 to %d)", (long long)n, SHOP_MAX_ARMS);
    for (size_t i = 0; i < n; i++) {
        SHOP_TRY(shop_check_id("candidate", options[i].id));
        SHOP_TRY(shop_check_text("candidate's text", options[i].text, 0, SHOP_WORD_BYTES));
        for (size_t j = 0; j < i; j++)
            if (!strcmp(options[i].id, options[j].id))
                return shop_fail(LLMCS_ARG, "candidate: \"%s\" occurs twice", options[i].id);
    }
    return LLMCS_OK;
}

/* ---- one decision */

typedef struct deciding {
    llmcs_shop *shop;
    const char *strategy, *id;
    const llmcs_shop_option *options;
    size_t n;
    const llmcs_shop_decide_params *params;
    shop_sums here[SHOP_MAX_ARMS], all[SHOP_MAX_ARMS];
    llmcs_shop_decision made;
} deciding;

/* Loads an existing decision with this id into d->made. */
static llmcs_status find_decision(deciding *d, shop_connection *c) {
    shop_query q;
    SHOP_TRY(shop_query_begin(c, &q,
                              "SELECT p.key, c.value, p.value, d.chosen = c.value, d.propensity"
                              " FROM decisions d, json_each(d.candidates) c, json_each(d.propensities) p"
                              " WHERE d.strategy = ?1 AND d.id = ?2 AND c.key = p.key ORDER BY p.key",
                              "ss", d->strategy, d->id));
    llmcs_status status = LLMCS_OK;
    size_t n = 0;
    for (;; n++) {
        size_t len;
        SHOP_TRY(shop_query_next(&q));
        if (!q.has_row) break;
        const char *candidate = shop_query_text(&q, 1, &len);
        if (n == d->n || strcmp(candidate, d->options[n].id) != 0) {
            n = SHOP_MAX_ARMS + 1;
            break;
        }
        d->made.propensities[n] = shop_query_double(&q, 2);
        d->made.means[n] = NAN;
        if (shop_query_int(&q, 3)) {
            d->made.chosen = n;
            d->made.propensity = shop_query_double(&q, 4);
            d->made.repeated = 1;
        }
    }
    shop_query_end(&q);
    if (n && n != d->n)
        status = shop_fail(LLMCS_ARG, "%s: decision \"%s\" exists with other candidates", d->strategy, d->id);
    return status;
}

/* Sums of candidate i in the context (here), or over all contexts. */
static llmcs_status read_sums(const deciding *d, shop_connection *c, size_t i, bool here, shop_sums *sums) {
    shop_query q;
    SHOP_TRY(shop_query_begin(c, &q,
                              "SELECT total(n), total(r), total(rr), total(z), total(zz), total(zr) FROM arms"
                              " WHERE strategy = ?1 AND candidate = ?2 AND (?3 IS NULL OR context = ?3)",
                              "sss", d->strategy, d->options[i].id, here ? d->params->context : NULL));
    SHOP_TRY(shop_query_next(&q));
    *sums = (shop_sums){shop_query_double(&q, 0), shop_query_double(&q, 1), shop_query_double(&q, 2),
                        shop_query_double(&q, 3), shop_query_double(&q, 4), shop_query_double(&q, 5)};
    shop_query_end(&q);
    const double parts[] = {sums->n, sums->r, sums->rr, sums->z, sums->zz, sums->zr};
    for (size_t k = 0; k < sizeof parts / sizeof *parts; k++)
        if (!isfinite(parts[k]) || sums->n < 0)
            return shop_fail(LLMCS_FORMAT, "%s: arms of strategy %s: a sum is not valid", c->path, d->strategy);
    return LLMCS_OK;
}

static llmcs_status compute_propensities(deciding *d) {
    const llmcs_shop_decide_params *p = d->params;
    shop_posterior posteriors[SHOP_MAX_ARMS];
    bool fractions = true; /* all rewards are in 0..1, so GREEDY can use Beta means */
    for (size_t i = 0; i < d->n; i++) fractions = fractions && d->all[i].r >= 0 && d->all[i].r <= d->all[i].n;
    const bool beta = p->policy == LLMCS_POLICY_THOMPSON_BETA || (p->policy == LLMCS_POLICY_GREEDY && fractions);
    SHOP_TRY(shop_posteriors_make(d->here, d->all, p->writer ? d->made.features : NULL, d->n, beta, p->strength,
                                  posteriors));
    if (p->policy == LLMCS_POLICY_GREEDY)
        shop_greedy(posteriors, d->n, d->made.propensities);
    else
        SHOP_TRY(shop_thompson(&d->shop->allocator, posteriors, d->n, d->made.propensities));
    shop_explore(p->explore, d->n, d->made.propensities);
    for (size_t i = 0; i < d->n; i++) d->made.means[i] = shop_posterior_mean(&posteriors[i]);
    return LLMCS_OK;
}

/* A number in [0, 1) that depends only on seed, strategy and id. */
static llmcs_status hash_to_unit(const deciding *d, double *u) {
    char text[2 * SHOP_ID_BYTES + 32];
    sqlite3_snprintf(sizeof text, text, "%016llx %s %s", (unsigned long long)d->params->seed, d->strategy, d->id);
    *u = (double)(shop_xxh64(text, strlen(text)) >> 11) * 0x1p-53;
    return LLMCS_OK;
}

static llmcs_status sample(deciding *d) {
    double u;
    SHOP_TRY(hash_to_unit(d, &u));
    size_t i = 0, last = 0;
    for (; i < d->n; i++) {
        if (!(d->made.propensities[i] > 0)) continue;
        last = i; /* rounding may leave u above the sum: then the last one is taken */
        if (u < d->made.propensities[i]) break;
        u -= d->made.propensities[i];
    }
    d->made.chosen = last;
    d->made.propensity = d->made.propensities[last];
    return LLMCS_OK;
}

/* Makes a JSON array of n numbers. Free it with sqlite3_free. */
static llmcs_status numbers_json(const double *x, size_t n, char **json) {
    sqlite3_str *s = sqlite3_str_new(NULL);
    for (size_t i = 0; i < n; i++) sqlite3_str_appendf(s, "%c%!.17g", i ? ',' : '[', x[i]);
    sqlite3_str_appendchar(s, 1, ']');
    *json = sqlite3_str_finish(s);
    return *json ? LLMCS_OK : shop_fail(LLMCS_NOMEM, "decision: no memory");
}

static llmcs_status insert_decision(deciding *d, shop_connection *c, const char *candidates, const char *propensities,
                                    const char *features) {
    const llmcs_shop_decide_params *p = d->params;
    const char *const sql =
        "INSERT INTO decisions(strategy, id, conversation, context, candidates, propensities, features, chosen,"
        " propensity, feature, time) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, iif(?7 IS NULL, NULL, ?10), ?11)";
    return shop_change(c, sql, "ssssssssddi", d->strategy, d->id, p->conversation, p->context, candidates, propensities,
                       features, d->options[d->made.chosen].id, d->made.propensity, d->made.features[d->made.chosen],
                       p->now ? p->now : (int64_t)time(NULL));
}

static llmcs_status write_decision(deciding *d, shop_connection *c) {
    const char *ids[SHOP_MAX_ARMS];
    char *candidates = NULL, *propensities = NULL, *features = NULL;
    for (size_t i = 0; i < d->n; i++) ids[i] = d->options[i].id;
    llmcs_status status = shop_tags_json(&d->shop->allocator, ids, d->n, &candidates);
    if (!status) status = numbers_json(d->made.propensities, d->n, &propensities);
    if (!status && d->params->writer) status = numbers_json(d->made.features, d->n, &features);
    if (!status) status = insert_decision(d, c, candidates, propensities, features);
    shop_free(&d->shop->allocator, candidates);
    sqlite3_free(propensities);
    sqlite3_free(features);
    return status;
}

/* Runs inside the write, since another process may have decided the same id meanwhile. */
static llmcs_status decide_once(deciding *d, shop_connection *c) {
    SHOP_TRY(find_decision(d, c));
    if (d->made.repeated) return LLMCS_OK;
    for (size_t i = 0; i < d->n; i++) {
        SHOP_TRY(read_sums(d, c, i, true, &d->here[i]));
        SHOP_TRY(read_sums(d, c, i, false, &d->all[i]));
    }
    SHOP_TRY(compute_propensities(d));
    SHOP_TRY(sample(d));
    return write_decision(d, c);
}

static llmcs_status decide(deciding *d) {
    shop_connection *c;
    if (d->params->writer) { /* the model runs before the store is locked */
        SHOP_TRY(shop_read_begin(d->shop, &c));
        const llmcs_status found = find_decision(d, c);
        shop_read_end(d->shop, c);
        if (found || d->made.repeated) return found;
        SHOP_TRY(shop_score_candidates(d->shop, d->strategy, d->options, d->n, d->params, d->made.features));
    }
    SHOP_TRY(shop_write_begin(d->shop, &c));
    return shop_write_end(d->shop, c, decide_once(d, c));
}

llmcs_status llmcs_shop_decide(llmcs_shop *shop, const char *strategy, const char *id, const llmcs_shop_option *options,
                               size_t n, const llmcs_shop_decide_params *params, llmcs_shop_decision *decision) {
    SHOP_PUBLIC_CALL;
    llmcs_shop_decide_params p = default_params;
    deciding *d;
    SHOP_TRY(shop_check(shop));
    if (!decision) return shop_fail(LLMCS_ARG, "decision is NULL");
    if (params)
        SHOP_TRY(shop_options_in(&p, sizeof p, SHOP_SIZE_UP_TO(llmcs_shop_decide_params, now), params,
                                 "llmcs_shop_decide_params"));
    SHOP_TRY(check_params(&p));
    if (!p.context) p.context = "";
    SHOP_TRY(shop_check_id("strategy", strategy));
    SHOP_TRY(shop_check_id("id", id));
    SHOP_TRY(check_options(options, n));
    SHOP_TRY(shop_alloc_zero(&shop->allocator, 1, sizeof *d, "decision", &d));
    d->shop = shop, d->strategy = strategy, d->id = id, d->options = options, d->n = n, d->params = &p;
    d->made.struct_size = sizeof d->made;
    d->made.n = n;
    llmcs_status status = decide(d);
    if (!status)
        status = shop_options_out(decision, SHOP_SIZE_UP_TO(llmcs_shop_decision, repeated), &d->made, sizeof d->made,
                                  "llmcs_shop_decision");
    shop_free(&shop->allocator, d);
    return status;
}

/* ---- rewards */

static llmcs_status add_to_arms(shop_connection *c, const char *strategy, const char *id, double reward) {
    return shop_change(
        c,
        "INSERT INTO arms SELECT strategy, chosen, context, 1, ?3, ?3 * ?3, ifnull(feature, 0),"
        " ifnull(feature * feature, 0), ifnull(feature * ?3, 0) FROM decisions WHERE strategy = ?1 AND id = ?2"
        " ON CONFLICT(strategy, candidate, context) DO UPDATE SET n = n + 1, r = r + excluded.r,"
        " rr = rr + excluded.rr, z = z + excluded.z, zz = zz + excluded.zz, zr = zr + excluded.zr",
        "ssd", strategy, id, reward);
}

static llmcs_status put_reward(shop_connection *c, const char *strategy, const char *id, double reward) {
    shop_query q;
    SHOP_TRY(
        shop_query_begin(c, &q, "SELECT reward FROM decisions WHERE strategy = ?1 AND id = ?2", "ss", strategy, id));
    SHOP_TRY(shop_query_next(&q));
    const bool known = q.has_row, rewarded = known && !shop_query_is_null(&q, 0);
    const double before = rewarded ? shop_query_double(&q, 0) : 0;
    shop_query_end(&q);
    if (!known) return shop_fail(LLMCS_ARG, "%s: no decision \"%s\"", strategy, id);
    if (rewarded && !(before < reward) && !(before > reward)) return LLMCS_OK;
    if (rewarded) return shop_fail(LLMCS_ARG, "%s: \"%s\" already has the reward %g", strategy, id, before);
    SHOP_TRY(shop_change(c, "UPDATE decisions SET reward = ?3 WHERE strategy = ?1 AND id = ?2", "ssd", strategy, id,
                         reward));
    return add_to_arms(c, strategy, id, reward);
}

llmcs_status llmcs_shop_reward(llmcs_shop *shop, const char *strategy, const char *id, double reward) {
    SHOP_PUBLIC_CALL;
    shop_connection *c;
    SHOP_TRY(shop_check(shop));
    SHOP_TRY(shop_check_id("strategy", strategy));
    SHOP_TRY(shop_check_id("id", id));
    if (!(fabs(reward) <= 1e9)) return shop_fail(LLMCS_ARG, "reward: %g is not valid (-1e9 to 1e9)", reward);
    SHOP_TRY(shop_write_begin(shop, &c));
    return shop_write_end(shop, c, put_reward(c, strategy, id, reward));
}
