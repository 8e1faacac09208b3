/* Stores classifiers as numbered versions of a model. */
#include "shop/learn/models.h"

#include <time.h>

#include "shop/store/rows.h"

enum { MAX_MODEL_BYTES = 60 << 20 }; /* below the 64 MiB that connection.c sets as SQLite's limit */

llmcs_status shop_model_insert(llmcs_shop *shop, shop_connection *c, const char *model, const unsigned char *bytes,
                               size_t n_bytes, uint64_t fingerprint, int32_t *version) {
    int64_t found;
    if (n_bytes > MAX_MODEL_BYTES)
        return shop_fail(LLMCS_LIMIT, "%s: model %s has %lld bytes, expected at most %d", shop->path, model,
                         (long long)n_bytes, MAX_MODEL_BYTES);
    SHOP_TRY(shop_lookup_int(c, 0, &found,
                             "INSERT INTO models(name, version, kind, fingerprint, bytes, created)"
                             " SELECT ?1, 1 + ifnull(max(version), 0), 'classifier', ?2, ?3, ?4 FROM models"
                             " WHERE name = ?1 RETURNING version",
                             "sibi", model, (int64_t)fingerprint, bytes, n_bytes, (int64_t)time(NULL)));
    *version = (int32_t)found;
    return LLMCS_OK;
}

llmcs_status llmcs_shop_put_model(llmcs_shop *shop, const char *model, const llmcs_shop_classifier *classifier,
                                  int32_t *version) {
    SHOP_PUBLIC_CALL;
    shop_connection *c;
    unsigned char *bytes;
    size_t n;
    int32_t found = 0;
    SHOP_TRY(shop_check(shop));
    SHOP_TRY(shop_check_id("model", model));
    if (!classifier || !version) return shop_fail(LLMCS_ARG, "classifier, version: NULL is not valid");
    SHOP_TRY(shop_classifier_to_bytes(classifier, model, &bytes, &n));
    llmcs_status status = shop_write_begin(shop, &c);
    if (!status)
        status = shop_write_end(shop, c,
                                shop_model_insert(shop, c, model, bytes, n, classifier->encoder_fingerprint, &found));
    shop_free(&classifier->a, bytes);
    if (!status) *version = found;
    return status;
}

llmcs_status shop_model_open(llmcs_shop *shop, shop_connection *c, const char *model, int32_t version,
                             llmcs_shop_classifier **classifier) {
    shop_query q;
    char name[256];
    sqlite3_snprintf(sizeof name, name, "%s: %s version %d", shop->path, model, version);
    SHOP_TRY(shop_query_begin(c, &q,
                              "SELECT bytes FROM models WHERE name = ?1 AND version = ?2 AND kind = 'classifier'", "si",
                              model, (int64_t)version));
    SHOP_TRY(shop_query_next(&q));
    llmcs_status status;
    if (q.has_row) {
        size_t n;
        const unsigned char *bytes = shop_query_blob(&q, 0, &n);
        status = shop_classifier_from_bytes(&shop->allocator, name, bytes, n, shop->encoder, classifier);
    } else {
        status = shop_fail(LLMCS_ARG, "%s does not exist", name);
    }
    shop_query_end(&q);
    return status;
}

static llmcs_status open_version(llmcs_shop *shop, shop_connection *c, const char *model, int32_t version,
                                 llmcs_shop_classifier **classifier) {
    shop_deployment d;
    if (!version) {
        SHOP_TRY(shop_deployment_read(c, model, &d));
        if (!d.live) return shop_fail(LLMCS_ARG, "%s: no version of %s is live: promote one", shop->path, model);
        version = d.live;
    }
    return shop_model_open(shop, c, model, version, classifier);
}

llmcs_status llmcs_shop_open_model(llmcs_shop *shop, const char *model, int32_t version,
                                   llmcs_shop_classifier **classifier) {
    SHOP_PUBLIC_CALL;
    shop_connection *c;
    SHOP_TRY(shop_check(shop));
    SHOP_TRY(shop_check_id("model", model));
    if (!classifier) return shop_fail(LLMCS_ARG, "classifier is NULL");
    *classifier = NULL;
    SHOP_TRY(shop_read_begin(shop, &c));
    const llmcs_status status = open_version(shop, c, model, version, classifier);
    shop_read_end(shop, c);
    return status;
}
