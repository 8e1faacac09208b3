/* What is hashed and signed: shared by the code that writes the audit and the code that verifies it. */
#ifndef SHOP_GUARD_AUDIT_HASH_H
#define SHOP_GUARD_AUDIT_HASH_H

#include "shop/guard/audit.h"
#include "shop/guard/keys.h"

/* A field of a row; text NULL: SQL NULL. */
typedef struct shop_audit_field {
    const char *text;
    size_t n;
} shop_audit_field;

enum { SHOP_AUDIT_FIELDS = 5 }; /* role, actor, action, object, detail */

typedef struct shop_audit_entry {
    int64_t seq, time;
    shop_audit_field fields[SHOP_AUDIT_FIELDS];
} shop_audit_entry;

/* hash := BLAKE2b(label, hash, entry). */
void shop_audit_hash(const shop_audit_entry *entry, uint8_t hash[SHOP_AUDIT_HASH_BYTES]);

/* The hash before row 1. */
llmcs_status shop_audit_first_hash(shop_connection *c, uint8_t hash[SHOP_AUDIT_HASH_BYTES]);

/* The message that is signed for a head. */
enum { SHOP_AUDIT_HEAD_BYTES = 16 + 8 + 8 + 8 + SHOP_AUDIT_HASH_BYTES };
void shop_audit_head_message(int64_t seq, int64_t time, int64_t anchor, const uint8_t hash[SHOP_AUDIT_HASH_BYTES],
                             uint8_t message[SHOP_AUDIT_HEAD_BYTES]);

#endif
