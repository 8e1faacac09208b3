/*
 * The audit inside the library. The hash of a row covers the row and the hash of the row before; the first one's
 * predecessor is made of the store's random id, so rows of another store do not fit. shop_write_end signs the last
 * hash of a transaction that added rows.
 */
#ifndef SHOP_GUARD_AUDIT_H
#define SHOP_GUARD_AUDIT_H

#include "shop/store/connection.h"

enum { SHOP_AUDIT_HASH_BYTES = 32, SHOP_AUDIT_SIGNATURE_BYTES = 64, SHOP_AUDIT_DETAIL_BYTES = 4096 };

/* Adds a row inside a write. actor and object: ids, never texts; "customer:ID" is stored as "customer:ALIAS".
 * object may be ""; detail_json: a JSON object without personal data, or NULL. ARG if one is too long. */
llmcs_status shop_audit_append(shop_connection *c, const char *role, const char *actor, const char *action,
                               const char *object, const char *detail_json);

/* Signs the last row, if there is one that no head covers. shop_write_end calls it. */
llmcs_status shop_audit_sign(shop_connection *c);

/* Removes the rows before `time`, of which the last leaves a signed anchor. Inside a write, before other rows are
 * appended. *n: how many. */
llmcs_status shop_audit_prune(shop_connection *c, int64_t time, uint64_t *n);

#endif
