/*
 * The audit inside the library. The hash of a row covers the row and the hash of the previous row. The hash before the
 * first row is derived from the store's random id, so rows of another store do not verify. shop_write_end signs the
 * last hash of each transaction that appended rows.
 */
#ifndef SHOP_GUARD_AUDIT_H
#define SHOP_GUARD_AUDIT_H

#include "shop/store/connection.h"

enum { SHOP_AUDIT_HASH_BYTES = 32, SHOP_AUDIT_SIGNATURE_BYTES = 64, SHOP_AUDIT_DETAIL_BYTES = 4096 };

/* Appends a row. Must be called inside a write. actor and object: ids, never texts; "customer:ID" is stored as
 * "customer:ALIAS". object may be ""; detail_json: a JSON object without personal data, or NULL. ARG if one is too
 * long.
 */
llmcs_status shop_audit_append(shop_connection *c, const char *role, const char *actor, const char *action,
                               const char *object, const char *detail_json);

/* Signs the hash of the last row. shop_write_end calls it. */
llmcs_status shop_audit_sign(shop_connection *c);

/* Removes rows older than `time` and stores the last removed hash as a signed anchor. Must be called inside a write,
 * before rows are appended. *n: number of rows removed. */
llmcs_status shop_audit_prune(shop_connection *c, int64_t time, uint64_t *n);

#endif
