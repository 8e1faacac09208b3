/* Noisy counts and means, and the privacy budgets that they spend. */
#include <math.h>

#include "shop/guard/laplace.h"
#include "shop/store/rows.h"

enum { MICRO = 1000000, MAX_PER_CUSTOMER = 1000000, STEPS = 1000 };

/* ---- ledger */

static llmcs_status to_micro(const char *what, double x, double low, double high, int64_t *micro) {
    if (!(x >= low && x <= high)) return shop_fail(LLMCS_ARG, "%s: %g is not valid (%g to %g)", what, x, low, high);
    *micro = (int64_t)llround(x * MICRO);
    return LLMCS_OK;
}

llmcs_status llmcs_shop_set_budget(llmcs_shop *shop, const char *budget, double total) {
    SHOP_PUBLIC_CALL;
    shop_connection *c;
    int64_t micro;
    SHOP_TRY(shop_check(shop));
    SHOP_TRY(shop_check_id("budget", budget));
    SHOP_TRY(to_micro("total", total, 0, 1000, &micro));
    SHOP_TRY(shop_write_begin(shop, &c));
    return shop_write_end(shop, c,
                          shop_change(c,
                                      "INSERT INTO budgets(name, total, spent) VALUES(?1, ?2, 0)"
                                      " ON CONFLICT(name) DO UPDATE SET total = ?2",
                                      "si", budget, micro));
}

static llmcs_status read_budget(shop_connection *c, const char *budget, int64_t *total, int64_t *spent) {
    shop_query q;
    SHOP_TRY(shop_query_begin(c, &q, "SELECT total, spent FROM budgets WHERE name = ?1", "s", budget));
    SHOP_TRY(shop_query_next(&q));
    const bool found = q.has_row;
    if (found) *total = shop_query_int(&q, 0), *spent = shop_query_int(&q, 1);
    shop_query_end(&q);
    return found ? LLMCS_OK : shop_fail(LLMCS_ARG, "budget: \"%.60s\" does not exist: set its total first", budget);
}

llmcs_status llmcs_shop_get_budget(llmcs_shop *shop, const char *budget, double *total, double *spent) {
    SHOP_PUBLIC_CALL;
    shop_connection *c;
    int64_t of_total, of_spent;
    SHOP_TRY(shop_check(shop));
    SHOP_TRY(shop_check_id("budget", budget));
    SHOP_TRY(shop_read_begin(shop, &c));
    const llmcs_status status = read_budget(c, budget, &of_total, &of_spent);
    shop_read_end(shop, c);
    if (status) return status;
    if (total) *total = (double)of_total / MICRO;
    if (spent) *spent = (double)of_spent / MICRO;
    return LLMCS_OK;
}

static llmcs_status spend_in(shop_connection *c, const char *budget, int64_t micro) {
    int64_t total, spent;
    SHOP_TRY(read_budget(c, budget, &total, &spent));
    if (spent < 0 || total < spent || total - spent < micro)
        return shop_fail(LLMCS_LIMIT, "budget %.60s: %g of %g left, %g requested", budget,
                         (double)(total - spent) / MICRO, (double)total / MICRO, (double)micro / MICRO);
    return shop_change(c, "UPDATE budgets SET spent = spent + ?2 WHERE name = ?1", "si", budget, micro);
}

/* Must be committed before the noise is sampled, so that no result exists without its cost. */
static llmcs_status spend(llmcs_shop *shop, const char *budget, double epsilon, int64_t least, int64_t *micro) {
    shop_connection *c;
    SHOP_TRY(shop_check(shop));
    SHOP_TRY(shop_check_id("budget", budget));
    SHOP_TRY(to_micro("epsilon", epsilon, (double)least / MICRO, 10, micro));
    SHOP_TRY(shop_write_begin(shop, &c));
    return shop_write_end(shop, c, spend_in(c, budget, *micro));
}

/* ---- noise */

/* Adds noise of scale sensitivity / epsilon. micro: epsilon in millionths. */
static llmcs_status add_noise(int64_t count, int64_t sensitivity, int64_t micro, int64_t *noisy) {
    shop_bits bits;
    int64_t z;
    shop_bits_init(&bits);
    const llmcs_status status = shop_discrete_laplace(&bits, (uint64_t)sensitivity * MICRO, (uint64_t)micro, &z);
    shop_bits_clear(&bits);
    if (status) return status;
    if (__builtin_add_overflow(count, z, noisy)) *noisy = z < 0 ? INT64_MIN : INT64_MAX;
    return LLMCS_OK;
}

llmcs_status llmcs_shop_private_count(llmcs_shop *shop, const char *budget, double epsilon, int64_t count,
                                      int64_t per_customer, int64_t *noisy) {
    SHOP_PUBLIC_CALL;
    int64_t micro;
    if (!noisy) return shop_fail(LLMCS_ARG, "noisy is NULL");
    if (per_customer < 1 || per_customer > MAX_PER_CUSTOMER)
        return shop_fail(LLMCS_ARG, "per_customer: %lld is not valid (1 to %d)", (long long)per_customer,
                         MAX_PER_CUSTOMER);
    SHOP_TRY(spend(shop, budget, epsilon, 1, &micro));
    return add_noise(count, per_customer, micro, noisy);
}

llmcs_status llmcs_shop_private_mean(llmcs_shop *shop, const char *budget, double epsilon, const double *values,
                                     size_t n, double low, double high, double *noisy) {
    SHOP_PUBLIC_CALL;
    int64_t micro, sum = 0, noisy_sum, noisy_n;
    if (!noisy) return shop_fail(LLMCS_ARG, "noisy is NULL");
    if (n && !values) return shop_fail(LLMCS_ARG, "values is NULL");
    if (!isfinite(low) || !isfinite(high) || !(low < high) || !isfinite(high - low))
        return shop_fail(LLMCS_ARG, "low, high: %g, %g are not valid: low < high, both finite", low, high);
    if (n > INT64_MAX / STEPS) return shop_fail(LLMCS_ARG, "n: too many values");
    /* Steps from the middle of the range: one customer changes the sum by at most half the range. */
    for (size_t i = 0; i < n; i++) {
        const double share = (values[i] - low) / (high - low);
        sum += isnan(share) ? 0 : llround(fmin(fmax(share, 0), 1) * STEPS) - STEPS / 2;
    }
    SHOP_TRY(spend(shop, budget, epsilon, 2, &micro));
    SHOP_TRY(add_noise(sum, STEPS / 2, micro / 2, &noisy_sum));
    SHOP_TRY(add_noise((int64_t)n, 1, micro - micro / 2, &noisy_n));
    const double mean = (double)noisy_sum / (noisy_n > 1 ? (double)noisy_n : 1) / STEPS + 0.5;
    *noisy = low + (high - low) * fmin(fmax(mean, 0), 1);
    return LLMCS_OK;
}
