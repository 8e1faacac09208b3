/* Appends audit rows, signs the head, and removes the oldest rows. */
#include "shop/guard/audit.h"

#include <sodium.h>
#include <string.h>
#include <time.h>

#include "shop/guard/audit_hash.h"
#include "shop/guard/random.h"
#include "shop/guard/vault.h"
#include "shop/store/rows.h"
#include "shop/store/shared.h"

_Static_assert(SHOP_AUDIT_SIGNATURE_BYTES == crypto_sign_BYTES, "size of libsodium's signature");

/* ---- hashes */

static void put_u64(uint8_t out[8], uint64_t x) {
    for (int i = 0; i < 8; i++) out[i] = (uint8_t)(x >> (8 * i));
}

static void hash_u64(crypto_generichash_state *state, uint64_t x) {
    uint8_t bytes[8];
    put_u64(bytes, x);
    crypto_generichash_update(state, bytes, sizeof bytes);
}

void shop_audit_hash(const shop_audit_entry *entry, uint8_t hash[SHOP_AUDIT_HASH_BYTES]) {
    static const unsigned char label[16] = "llmcs audit row";
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, SHOP_AUDIT_HASH_BYTES);
    crypto_generichash_update(&state, label, sizeof label);
    crypto_generichash_update(&state, hash, SHOP_AUDIT_HASH_BYTES);
    hash_u64(&state, (uint64_t)entry->seq);
    hash_u64(&state, (uint64_t)entry->time);
    for (size_t i = 0; i < SHOP_AUDIT_FIELDS; i++) {
        const shop_audit_field *f = &entry->fields[i];
        /* The length comes first, so that different rows never hash the same bytes; NULL differs from "". */
        hash_u64(&state, f->text ? f->n : UINT64_MAX);
        if (f->text) crypto_generichash_update(&state, (const unsigned char *)f->text, f->n);
    }
    crypto_generichash_final(&state, hash, SHOP_AUDIT_HASH_BYTES);
}

llmcs_status shop_audit_first_hash(shop_connection *c, uint8_t hash[SHOP_AUDIT_HASH_BYTES]) {
    static const char label[] = "llmcs audit of store ";
    crypto_generichash_state state;
    shop_query q;
    size_t n;
    SHOP_TRY(shop_query_begin(c, &q, "SELECT value FROM settings WHERE key = 'llmcs.store'", ""));
    SHOP_TRY(shop_query_next(&q));
    const char *id = q.has_row ? shop_query_text(&q, 0, &n) : NULL;
    if (id) {
        crypto_generichash_init(&state, NULL, 0, SHOP_AUDIT_HASH_BYTES);
        crypto_generichash_update(&state, (const unsigned char *)label, sizeof label - 1);
        crypto_generichash_update(&state, (const unsigned char *)id, n);
        crypto_generichash_final(&state, hash, SHOP_AUDIT_HASH_BYTES);
    }
    shop_query_end(&q);
    return id ? LLMCS_OK : shop_fail(LLMCS_FORMAT, "%s: setting llmcs.store is missing", c->path);
}

void shop_audit_head_message(int64_t seq, int64_t time, int64_t anchor, const uint8_t hash[SHOP_AUDIT_HASH_BYTES],
                             uint8_t message[SHOP_AUDIT_HEAD_BYTES]) {
    static const uint8_t label[16] = {'l', 'l', 'm', 'c', 's', ' ', 'a', 'u', 'd', 'i', 't', ' ', 'h', 'e', 'a', 'd'};
    memcpy(message, label, sizeof label);
    put_u64(message + 16, (uint64_t)seq);
    put_u64(message + 24, (uint64_t)time);
    put_u64(message + 32, (uint64_t)anchor);
    memcpy(message + 40, hash, SHOP_AUDIT_HASH_BYTES);
}

/* ---- rows */

/* Number and hash of the last row; without rows those of the last anchor, else 0 and the first hash. */
static llmcs_status find_last(shop_connection *c, int64_t *seq, uint8_t hash[SHOP_AUDIT_HASH_BYTES]) {
    shop_query q;
    size_t n;
    SHOP_TRY(
        shop_query_begin(c, &q,
                         "SELECT seq, hash FROM (SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1) AS last"
                         " UNION ALL SELECT seq, hash FROM audit_heads WHERE anchor <> 0 ORDER BY seq DESC LIMIT 1",
                         ""));
    SHOP_TRY(shop_query_next(&q));
    *seq = 0;
    if (!q.has_row) {
        shop_query_end(&q);
        return shop_audit_first_hash(c, hash);
    }
    *seq = shop_query_int(&q, 0);
    const void *found = shop_query_blob(&q, 1, &n);
    const bool valid = n == SHOP_AUDIT_HASH_BYTES && *seq > 0 && *seq < INT64_MAX;
    if (valid) memcpy(hash, found, n);
    shop_query_end(&q);
    return valid ? LLMCS_OK
                 : shop_fail(LLMCS_FORMAT, "%s: audit row %lld: its hash is damaged: verify the audit", c->path,
                             (long long)*seq);
}

/* Turns "customer:ID" into "customer:ALIAS"; copies other ids. */
static llmcs_status replace_customer(shop_connection *c, const char *id, char out[SHOP_ID_BYTES + 16]) {
    static const char prefix[] = "customer:";
    char alias[SHOP_ALIAS_BYTES];
    if (strncmp(id, prefix, sizeof prefix - 1) != 0) {
        memcpy(out, id, strlen(id) + 1);
        return LLMCS_OK;
    }
    SHOP_TRY(shop_vault_alias(c, id + sizeof prefix - 1, alias));
    memcpy(out, prefix, sizeof prefix - 1);
    memcpy(out + sizeof prefix - 1, alias, sizeof alias);
    return LLMCS_OK;
}

static shop_audit_field field_of(const char *text) { return (shop_audit_field){text, text ? strlen(text) : 0}; }

llmcs_status shop_audit_append(shop_connection *c, const char *role, const char *actor, const char *action,
                               const char *object, const char *detail_json) {
    char who[SHOP_ID_BYTES + 16], what[SHOP_ID_BYTES + 16];
    uint8_t hash[SHOP_AUDIT_HASH_BYTES];
    shop_audit_entry e = {.time = (int64_t)time(NULL)};
    SHOP_TRY(shop_check_id("role", role));
    SHOP_TRY(shop_check_id("actor", actor));
    SHOP_TRY(shop_check_id("action", action));
    SHOP_TRY(shop_check_name("object", object ? object : "", 0));
    SHOP_TRY(shop_check_text("detail", detail_json, 0, SHOP_AUDIT_DETAIL_BYTES));
    const llmcs_status is_object = shop_check_json_object(c, "detail", detail_json);
    /* The message does not quote the text, which may hold personal data. */
    if (is_object) return is_object == LLMCS_ARG ? shop_fail(LLMCS_ARG, "detail: expected a JSON object") : is_object;
    SHOP_TRY(shop_crypto_ready());
    SHOP_TRY(replace_customer(c, actor, who));
    SHOP_TRY(replace_customer(c, object ? object : "", what));
    SHOP_TRY(shop_lock(c, SHOP_LOCK_AUDIT, "")); /* no other node appends until this row is committed */
    SHOP_TRY(find_last(c, &e.seq, hash));
    e.seq++;
    e.fields[0] = field_of(role);
    e.fields[1] = field_of(who);
    e.fields[2] = field_of(action);
    e.fields[3] = field_of(what);
    e.fields[4] = field_of(detail_json);
    shop_audit_hash(&e, hash);
    c->audit_grew = true;
    return shop_change(c,
                       "INSERT INTO audit(seq, time, role, actor, action, object, detail, hash)"
                       " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                       "iisssssb", e.seq, e.time, role, who, action, what, detail_json, hash, sizeof hash);
}

/* ---- heads */

static llmcs_status store_head(shop_connection *c, int64_t seq, int64_t anchor,
                               const uint8_t hash[SHOP_AUDIT_HASH_BYTES]) {
    uint8_t message[SHOP_AUDIT_HEAD_BYTES], signature[SHOP_AUDIT_SIGNATURE_BYTES];
    const int64_t now = (int64_t)time(NULL);
    const shop_keys *keys;
    SHOP_TRY(shop_keys_write(c, &keys));
    shop_audit_head_message(seq, now, anchor, hash, message);
    crypto_sign_detached(signature, NULL, message, sizeof message, keys->secret_key);
    return shop_change(c,
                       "INSERT INTO audit_heads(seq, time, hash, anchor, signature) VALUES(?1, ?2, ?3, ?4, ?5)"
                       " ON CONFLICT(seq) DO UPDATE SET time = ?2, hash = ?3, anchor = ?4, signature = ?5",
                       "iibib", seq, now, hash, (size_t)SHOP_AUDIT_HASH_BYTES, anchor, signature, sizeof signature);
}

llmcs_status shop_audit_sign(shop_connection *c) {
    uint8_t hash[SHOP_AUDIT_HASH_BYTES];
    int64_t seq;
    c->audit_grew = false;
    if (!c->keys) return LLMCS_OK;
    SHOP_TRY(find_last(c, &seq, hash));
    if (!seq) return LLMCS_OK;
    SHOP_TRY(store_head(c, seq, 0, hash));
    /* The last head covers all rows before it. Every 1024th head is kept, to locate damage. */
    return shop_change(
        c, "DELETE FROM audit_heads WHERE seq < ?1 AND seq > ?1 - 1024 AND seq % 1024 <> 0 AND anchor = 0", "i", seq);
}

llmcs_status shop_audit_prune(shop_connection *c, int64_t time, uint64_t *n) {
    uint8_t hash[SHOP_AUDIT_HASH_BYTES] = {0};
    int64_t first, last;
    size_t bytes = 0;
    shop_query q;
    *n = 0;
    /* The clock may have been set back, so times may not ascend: removes the rows before the first one that is not too
     * old. */
    SHOP_TRY(shop_lookup_int(c, 0, &first, "SELECT min(seq) FROM audit", ""));
    SHOP_TRY(shop_lookup_int(c, 0, &last,
                             "SELECT coalesce((SELECT seq FROM audit WHERE time >= ?1 ORDER BY seq LIMIT 1) - 1,"
                             " (SELECT max(seq) FROM audit))",
                             "i", time));
    if (!first || last < first) return LLMCS_OK;
    SHOP_TRY(shop_query_begin(c, &q, "SELECT hash FROM audit WHERE seq = ?1", "i", last));
    SHOP_TRY(shop_query_next(&q));
    const void *found = q.has_row ? shop_query_blob(&q, 0, &bytes) : NULL;
    if (bytes == sizeof hash) memcpy(hash, found, bytes);
    shop_query_end(&q);
    if (bytes != sizeof hash)
        return shop_fail(LLMCS_FORMAT, "%s: audit row %lld: its hash is damaged: verify the audit", c->path,
                         (long long)last);
    SHOP_TRY(shop_crypto_ready());
    SHOP_TRY(shop_change(c, "DELETE FROM audit_heads WHERE seq <= ?1", "i", last));
    SHOP_TRY(store_head(c, last, 1, hash));
    SHOP_TRY(shop_change(c, "DELETE FROM audit WHERE seq <= ?1", "i", last));
    *n = (uint64_t)(last - first + 1);
    return LLMCS_OK;
}
