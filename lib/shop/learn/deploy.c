/* Records promotions and rollbacks of a model's versions, one row for each. */
#include <string.h>
#include <time.h>

#include "shop/base/hash.h"
#include "shop/base/options.h"
#include "shop/guard/audit.h"
#include "shop/learn/models.h"
#include "shop/store/rows.h"

static const char *const mode_names[] = {"live", "shadow", "canary"};

bool shop_in_canary(const char *model, int32_t challenger, double share, const char *conversation) {
    char text[2 * SHOP_ID_BYTES + 32];
    sqlite3_snprintf(sizeof text, text, "%s %d %s", model, challenger, conversation);
    return (double)(shop_xxh64(text, strlen(text)) >> 11) * 0x1p-53 < share;
}

/* ---- read */

static llmcs_shop_mode mode_of(const char *name) {
    return !strcmp(name, "shadow") ? LLMCS_MODE_SHADOW : !strcmp(name, "canary") ? LLMCS_MODE_CANARY : LLMCS_MODE_LIVE;
}

llmcs_status shop_deployment_read(shop_connection *c, const char *model, shop_deployment *d) {
    shop_query q;
    size_t n;
    *d = (shop_deployment){0};
    SHOP_TRY(
        shop_query_begin(c, &q,
                         "SELECT row, live, challenger, mode, share, previous, n_compared, n_differ FROM deployments"
                         " WHERE model = ?1 ORDER BY row DESC LIMIT 1",
                         "s", model));
    SHOP_TRY(shop_query_next(&q));
    if (q.has_row)
        *d = (shop_deployment){.row = shop_query_int(&q, 0),
                               .live = (int32_t)shop_query_int(&q, 1),
                               .challenger = (int32_t)shop_query_int(&q, 2),
                               .mode = mode_of(shop_query_text(&q, 3, &n)),
                               .share = shop_query_double(&q, 4),
                               .previous = shop_query_int(&q, 5),
                               .n_compared = shop_query_int(&q, 6),
                               .n_differ = shop_query_int(&q, 7)};
    shop_query_end(&q);
    return LLMCS_OK;
}

llmcs_status llmcs_shop_get_deployment(llmcs_shop *shop, const char *model, llmcs_shop_deployment *deployment) {
    SHOP_PUBLIC_CALL;
    shop_connection *c;
    shop_deployment d = {0};
    int64_t n_versions = 0;
    SHOP_TRY(shop_check(shop));
    SHOP_TRY(shop_check_id("model", model));
    if (!deployment) return shop_fail(LLMCS_ARG, "deployment is NULL");
    SHOP_TRY(shop_read_begin(shop, &c));
    llmcs_status status = shop_deployment_read(c, model, &d);
    if (!status)
        status = shop_lookup_int(c, 0, &n_versions,
                                 "SELECT count(*) FROM models WHERE name = ?1 AND kind = 'classifier'", "s", model);
    shop_read_end(shop, c);
    if (status) return status;
    const llmcs_shop_deployment found = {.struct_size = sizeof found,
                                         .live = d.live,
                                         .challenger = d.challenger,
                                         .mode = d.mode,
                                         .share = d.share,
                                         .n_versions = (int32_t)n_versions,
                                         .n_compared = (uint64_t)d.n_compared,
                                         .n_differ = (uint64_t)d.n_differ};
    return shop_options_out(deployment, SHOP_SIZE_UP_TO(llmcs_shop_deployment, n_differ), &found, sizeof found,
                            "llmcs_shop_deployment");
}

/* ---- write */

static llmcs_status insert(shop_connection *c, const char *model, const shop_deployment *d, const char *actor) {
    return shop_change(c,
                       "INSERT INTO deployments(model, live, challenger, mode, share, previous, n_compared, n_differ,"
                       " actor, time) VALUES(?1, ?2, nullif(?3, 0), ?4, ?5, nullif(?6, 0), 0, 0, ?7, ?8)",
                       "siisdisi", model, (int64_t)d->live, (int64_t)d->challenger, mode_names[d->mode], d->share,
                       d->previous, actor, (int64_t)time(NULL));
}

static llmcs_status append_audit(shop_connection *c, const char *action, const char *model, const shop_deployment *d,
                                 const char *actor) {
    char object[SHOP_ID_BYTES + 16], detail[160];
    sqlite3_snprintf(sizeof object, object, "model:%s", model);
    sqlite3_snprintf(sizeof detail, detail, "{\"live\":%d,\"challenger\":%d,\"mode\":\"%s\",\"share\":%!g}", d->live,
                     d->challenger, mode_names[d->mode], d->share);
    return shop_audit_append(c, "trainer", actor ? actor : "llmcs", action, object, detail);
}

/* STATE unless the version was compared with the live one and is not worse with 95 % confidence. */
static llmcs_status check_proven(shop_connection *c, const char *model, int32_t live, int32_t version) {
    shop_query q;
    SHOP_TRY(shop_query_begin(c, &q,
                              "SELECT high, metric FROM comparisons WHERE model = ?1 AND a = ?2 AND b = ?3"
                              " ORDER BY row DESC LIMIT 1",
                              "sii", model, (int64_t)live, (int64_t)version));
    SHOP_TRY(shop_query_next(&q));
    llmcs_status status = LLMCS_OK;
    size_t n;
    if (!q.has_row)
        status = shop_fail(LLMCS_STATE,
                           "%s: version %d was not compared with the live version %d: call"
                           " llmcs_shop_compare_models, or set unproven",
                           model, version, live);
    else if (shop_query_double(&q, 0) < 0)
        status = shop_fail(LLMCS_STATE,
                           "%s: version %d is worse than the live version %d in %s (95 %% interval of the difference"
                           " ends at %g): train again, or set unproven",
                           model, version, live, shop_query_text(&q, 1, &n), shop_query_double(&q, 0));
    shop_query_end(&q);
    return status;
}

static llmcs_status promote_in(shop_connection *c, const char *model, int32_t version,
                               const llmcs_shop_promote_params *p) {
    shop_deployment d;
    int64_t known;
    SHOP_TRY(shop_lookup_int(c, 0, &known,
                             "SELECT 1 FROM models WHERE name = ?1 AND version = ?2 AND kind = 'classifier'", "si",
                             model, (int64_t)version));
    if (!known) return shop_fail(LLMCS_ARG, "%s: version %d does not exist", model, version);
    SHOP_TRY(shop_deployment_read(c, model, &d));
    if (d.live == version && (p->mode != LLMCS_MODE_LIVE || !d.challenger))
        return shop_fail(LLMCS_STATE, "%s: version %d is already live", model, version);
    d.mode = p->mode;
    d.share = p->mode == LLMCS_MODE_CANARY ? p->share : 0;
    if (p->mode == LLMCS_MODE_LIVE) {
        if (d.live && d.live != version && !p->unproven) SHOP_TRY(check_proven(c, model, d.live, version));
        if (d.live != version) d.previous = d.row;
        d.live = version;
        d.challenger = 0;
    } else {
        if (!d.live)
            return shop_fail(LLMCS_STATE, "%s: no version is live: promote one before a %s", model,
                             mode_names[p->mode]);
        d.challenger = version;
    }
    SHOP_TRY(insert(c, model, &d, p->actor));
    return append_audit(c, "promote", model, &d, p->actor);
}

static const llmcs_shop_promote_params default_params = {.struct_size = sizeof(llmcs_shop_promote_params),
                                                         .share = 0.1};

void llmcs_shop_promote_params_init_sized(llmcs_shop_promote_params *params, size_t struct_size) {
    shop_options_init(params, struct_size, &default_params, sizeof default_params);
}

llmcs_status llmcs_shop_promote(llmcs_shop *shop, const char *model, int32_t version,
                                const llmcs_shop_promote_params *params) {
    SHOP_PUBLIC_CALL;
    llmcs_shop_promote_params p = default_params;
    shop_connection *c;
    SHOP_TRY(shop_check(shop));
    SHOP_TRY(shop_check_id("model", model));
    if (params)
        SHOP_TRY(shop_options_in(&p, sizeof p, SHOP_SIZE_UP_TO_POINTER(llmcs_shop_promote_params, actor), params,
                                 "llmcs_shop_promote_params"));
    if ((unsigned)p.mode > LLMCS_MODE_CANARY)
        return shop_fail(LLMCS_ARG, "mode: %d is not valid (0 to 2)", (int)p.mode);
    if (!(p.share >= 0 && p.share <= 1)) return shop_fail(LLMCS_ARG, "share: %g is not valid (0 to 1)", p.share);
    SHOP_TRY(shop_check_name("actor", p.actor, 0));
    SHOP_TRY(shop_write_begin(shop, &c));
    return shop_write_end(shop, c, promote_in(c, model, version, &p));
}

/* Sets d to the previous live version and the row before it. */
static llmcs_status read_previous(shop_connection *c, const char *model, shop_deployment *d) {
    shop_query q;
    if (!d->previous) return shop_fail(LLMCS_STATE, "%s: no version was live before version %d", model, d->live);
    SHOP_TRY(shop_query_begin(c, &q, "SELECT live, previous FROM deployments WHERE row = ?1 AND model = ?2", "is",
                              d->previous, model));
    SHOP_TRY(shop_query_next(&q));
    const bool found = q.has_row;
    if (found) {
        d->live = (int32_t)shop_query_int(&q, 0);
        d->previous = shop_query_int(&q, 1);
    }
    shop_query_end(&q);
    return found ? LLMCS_OK
                 : shop_fail(LLMCS_FORMAT, "%s: deployments: row %lld is missing", c->path, (long long)d->previous);
}

static llmcs_status roll_back(shop_connection *c, const char *model, const char *actor, int32_t *version) {
    shop_deployment d;
    SHOP_TRY(shop_deployment_read(c, model, &d));
    if (!d.row) return shop_fail(LLMCS_STATE, "%s: no version was ever promoted", model);
    if (!d.challenger) SHOP_TRY(read_previous(c, model, &d));
    d.challenger = 0;
    d.mode = LLMCS_MODE_LIVE;
    d.share = 0;
    *version = d.live;
    SHOP_TRY(insert(c, model, &d, actor));
    return append_audit(c, "rollback", model, &d, actor);
}

llmcs_status llmcs_shop_rollback(llmcs_shop *shop, const char *model, const char *actor, int32_t *version) {
    SHOP_PUBLIC_CALL;
    shop_connection *c;
    int32_t live = 0;
    SHOP_TRY(shop_check(shop));
    SHOP_TRY(shop_check_id("model", model));
    SHOP_TRY(shop_check_name("actor", actor, 0));
    SHOP_TRY(shop_write_begin(shop, &c));
    const llmcs_status status = shop_write_end(shop, c, roll_back(c, model, actor, &live));
    if (!status && version) *version = live;
    return status;
}
