/* Which role may use which data for which purpose. */
#include "llmcs_shop.h"
#include "shop/base/call.h"
#include "shop/base/status.h"

enum { N_ROLES = 5, N_PURPOSES = 6, N_DATA = 6 };

static const char *const role_names[N_ROLES] = {"customer", "agent", "supervisor", "auditor", "trainer"};
static const char *const purpose_names[N_PURPOSES] = {"service", "quality",    "training",
                                                      "audit",   "statistics", "erasure"};
static const char *const data_names[N_DATA] = {"masked texts", "plain texts",  "orders",
                                               "audit rows",   "noisy counts", "forgetting"};

enum {
    SERVICE = 1 << LLMCS_SHOP_FOR_SERVICE,
    QUALITY = 1 << LLMCS_SHOP_FOR_QUALITY,
    TRAINING = 1 << LLMCS_SHOP_FOR_TRAINING,
    AUDIT = 1 << LLMCS_SHOP_FOR_AUDIT,
    STATISTICS = 1 << LLMCS_SHOP_FOR_STATISTICS,
    ERASURE = 1 << LLMCS_SHOP_FOR_ERASURE
};

/* [data][role]: bits of purposes, as in the table in llmcs_shop_privacy.h. */
static const unsigned char allowed[N_DATA][N_ROLES] = {
    [LLMCS_SHOP_MASKED_TEXTS] = {SERVICE, SERVICE, SERVICE | QUALITY, AUDIT, TRAINING},
    [LLMCS_SHOP_PLAIN_TEXTS] = {SERVICE, SERVICE, SERVICE, 0, 0},
    [LLMCS_SHOP_ORDER_DATA] = {SERVICE, SERVICE, SERVICE | QUALITY, AUDIT, 0},
    [LLMCS_SHOP_AUDIT_ROWS] = {0, 0, QUALITY, AUDIT, 0},
    [LLMCS_SHOP_NOISY_COUNTS] = {0, 0, STATISTICS | QUALITY, AUDIT | STATISTICS, STATISTICS},
    [LLMCS_SHOP_FORGETTING] = {ERASURE, 0, ERASURE, 0, 0},
};

const char *llmcs_shop_role_name(llmcs_shop_role role) { return (unsigned)role < N_ROLES ? role_names[role] : NULL; }

llmcs_status llmcs_shop_may(llmcs_shop_role role, llmcs_shop_purpose purpose, llmcs_shop_data data) {
    SHOP_PUBLIC_CALL;
    if ((unsigned)role >= N_ROLES)
        return shop_fail(LLMCS_ARG, "role: %d is not valid (0 to %d)", (int)role, N_ROLES - 1);
    if ((unsigned)purpose >= N_PURPOSES)
        return shop_fail(LLMCS_ARG, "purpose: %d is not valid (0 to %d)", (int)purpose, N_PURPOSES - 1);
    if ((unsigned)data >= N_DATA) return shop_fail(LLMCS_ARG, "data: %d is not valid (0 to %d)", (int)data, N_DATA - 1);
    if (allowed[data][role] & 1u << purpose) return LLMCS_OK;
    return shop_fail(LLMCS_STATE, "role %s may not use %s for %s", role_names[role], data_names[data],
                     purpose_names[purpose]);
}
