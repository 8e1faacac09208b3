/* Encrypts, stores and decrypts the values of masked names. */
#include "shop/guard/vault.h"

#include <sodium.h>
#include <string.h>
#include <time.h>

#include "shop/guard/keys.h"
#include "shop/guard/random.h"
#include "shop/store/rows.h"

enum {
    NONCE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    TAG = crypto_aead_xchacha20poly1305_ietf_ABYTES,
    WRAPPED_BYTES = NONCE + SHOP_KEY_BYTES + TAG,
    PAD = 32, /* values are padded to a multiple of this, to hide their lengths */
    MAX_PLAIN = (4 + SHOP_VALUE_BYTES + PAD - 1) / PAD * PAD,
    WORKSPACE = MAX_PLAIN + NONCE + MAX_PLAIN + TAG,
    OWNER_BYTES = 16 + SHOP_ID_BYTES,
    LABEL_BYTES = OWNER_BYTES + 2 * (SHOP_ID_BYTES + 1)
};
_Static_assert(crypto_aead_xchacha20poly1305_ietf_KEYBYTES == SHOP_KEY_BYTES, "size of libsodium's key");

/* ---- encryption */

/* sealed: [NONCE + n + TAG] */
static llmcs_status seal(const uint8_t key[SHOP_KEY_BYTES], const char *label, size_t label_bytes, const uint8_t *plain,
                         size_t n, uint8_t *sealed) {
    SHOP_TRY(shop_random_bytes(sealed, NONCE));
    crypto_aead_xchacha20poly1305_ietf_encrypt(sealed + NONCE, NULL, plain, n, (const uint8_t *)label, label_bytes,
                                               NULL, sealed, key);
    return LLMCS_OK;
}

/* plain: [n - NONCE - TAG]. False if the bytes were not sealed with this key and label. */
static bool unseal(const uint8_t key[SHOP_KEY_BYTES], const char *label, size_t label_bytes, const uint8_t *sealed,
                   size_t n, uint8_t *plain) {
    return !crypto_aead_xchacha20poly1305_ietf_decrypt(plain, NULL, NULL, sealed + NONCE, n - NONCE,
                                                       (const uint8_t *)label, label_bytes, sealed, key);
}

/* ---- keys of owners */

/* "customer/c017", or "conversation/17" without a customer. */
static void name_owner(const char *customer, const char *conversation, char owner[OWNER_BYTES]) {
    sqlite3_snprintf(OWNER_BYTES, owner, "%s%s", customer ? "customer/" : "conversation/",
                     customer ? customer : conversation);
}

static llmcs_status find_key(shop_connection *c, const char *owner, bool *found, uint8_t key[SHOP_KEY_BYTES]) {
    const shop_keys *keys;
    shop_query q;
    size_t n;
    SHOP_TRY(shop_query_begin(c, &q, "SELECT wrapped FROM keys WHERE owner = ?1", "s", owner));
    SHOP_TRY(shop_query_next(&q));
    *found = q.has_row;
    if (!q.has_row) {
        shop_query_end(&q);
        return LLMCS_OK;
    }
    llmcs_status status = shop_keys_read(c, &keys);
    if (!status) {
        const uint8_t *wrapped = shop_query_blob(&q, 0, &n);
        if (n != WRAPPED_BYTES || !unseal(keys->wrap, owner, strlen(owner), wrapped, n, key))
            status =
                shop_fail(LLMCS_FORMAT,
                          "%s: table keys: a customer's key was changed, or wrapped with another master key", c->path);
    }
    shop_query_end(&q);
    return status;
}

static llmcs_status make_key(shop_connection *c, const char *owner, uint8_t key[SHOP_KEY_BYTES]) {
    uint8_t wrapped[WRAPPED_BYTES];
    char alias[SHOP_ALIAS_BYTES];
    const shop_keys *keys;
    SHOP_TRY(shop_keys_write(c, &keys));
    SHOP_TRY(shop_random_bytes(key, SHOP_KEY_BYTES));
    SHOP_TRY(shop_random_hex(alias, 12));
    SHOP_TRY(seal(keys->wrap, owner, strlen(owner), key, SHOP_KEY_BYTES, wrapped));
    return shop_change(c, "INSERT INTO keys(owner, alias, wrapped, created) VALUES(?1, ?2, ?3, ?4)", "ssbi", owner,
                       alias, wrapped, sizeof wrapped, (int64_t)time(NULL));
}

llmcs_status shop_vault_alias(shop_connection *c, const char *customer, char alias[SHOP_ALIAS_BYTES]) {
    char owner[OWNER_BYTES];
    uint8_t key[SHOP_KEY_BYTES];
    shop_query q;
    SHOP_TRY(shop_check_text("customer", customer, 1, SHOP_ID_BYTES));
    name_owner(customer, NULL, owner);
    for (int i = 0; i < 2; i++) {
        size_t n = 0;
        SHOP_TRY(shop_query_begin(c, &q, "SELECT alias FROM keys WHERE owner = ?1", "s", owner));
        SHOP_TRY(shop_query_next(&q));
        const char *found = q.has_row ? shop_query_text(&q, 0, &n) : NULL;
        if (n == SHOP_ALIAS_BYTES - 1) memcpy(alias, found, SHOP_ALIAS_BYTES);
        const bool has_row = q.has_row;
        shop_query_end(&q);
        if (n == SHOP_ALIAS_BYTES - 1) return LLMCS_OK;
        if (has_row) return shop_fail(LLMCS_FORMAT, "%s: table keys: an alias was changed", c->path);
        if (!i) SHOP_TRY(make_key(c, owner, key));
        sodium_memzero(key, sizeof key);
    }
    return shop_fail(LLMCS_INTERNAL, "%s: table keys: a new alias is missing", c->path);
}

/* ---- values */

typedef struct place {
    const char *owner, *conversation, *name;
} place;

/* The data that a sealed value is authenticated with: owner NUL conversation NUL name. */
static size_t label_of(const place *p, char label[LABEL_BYTES]) {
    const char *const parts[] = {p->owner, p->conversation, p->name};
    size_t n = 0;
    for (size_t i = 0; i < 3; i++) {
        const size_t len = strlen(parts[i]);
        memcpy(label + n, parts[i], len);
        n += len;
        label[n++] = 0;
    }
    return n;
}

static llmcs_status open_value(const shop_connection *c, const place *p, const uint8_t key[SHOP_KEY_BYTES],
                               const uint8_t *sealed, size_t n, uint8_t *plain, size_t *value_bytes) {
    char label[LABEL_BYTES];
    const size_t label_bytes = label_of(p, label);
    *value_bytes = 0;
    if (n >= NONCE + TAG + PAD && n <= NONCE + TAG + MAX_PLAIN && unseal(key, label, label_bytes, sealed, n, plain)) {
        *value_bytes = (size_t)plain[0] | (size_t)plain[1] << 8 | (size_t)plain[2] << 16 | (size_t)plain[3] << 24;
        if (*value_bytes && *value_bytes <= n - NONCE - TAG - 4) return LLMCS_OK;
    }
    return shop_fail(LLMCS_FORMAT, "%s: table names: the value of %s was changed, or belongs to another conversation",
                     c->path, p->name);
}

/* plain: [WORKSPACE], for the padded and the sealed value */
static llmcs_status store_value(shop_connection *c, const place *p, const uint8_t key[SHOP_KEY_BYTES], uint8_t *plain,
                                const char *value, size_t n) {
    uint8_t *sealed = plain + MAX_PLAIN;
    char label[LABEL_BYTES];
    const size_t label_bytes = label_of(p, label), padded = (4 + n + PAD - 1) / PAD * PAD;
    memset(plain, 0, padded);
    for (int i = 0; i < 4; i++) plain[i] = (uint8_t)(n >> (8 * i));
    memcpy(plain + 4, value, n);
    SHOP_TRY(seal(key, label, label_bytes, plain, padded, sealed));
    return shop_change(c, "INSERT INTO names(owner, conversation, name, sealed, time) VALUES(?1, ?2, ?3, ?4, ?5)",
                       "sssbi", p->owner, p->conversation, p->name, sealed, NONCE + padded + TAG, (int64_t)time(NULL));
}

/* BUSY if the name is stored with another value. *found: it is stored with this value. plain: [WORKSPACE] */
static llmcs_status compare_value(shop_connection *c, const place *p, const uint8_t key[SHOP_KEY_BYTES], uint8_t *plain,
                                  const char *value, size_t n, bool *found) {
    shop_query q;
    size_t sealed_bytes, bytes = 0, owner_bytes;
    llmcs_status status = LLMCS_OK;
    SHOP_TRY(shop_query_begin(c, &q, "SELECT sealed, owner FROM names WHERE conversation = ?1 AND name = ?2", "ss",
                              p->conversation, p->name));
    SHOP_TRY(shop_query_next(&q));
    *found = q.has_row;
    if (q.has_row) {
        const uint8_t *sealed = shop_query_blob(&q, 0, &sealed_bytes);
        if (strcmp(shop_query_text(&q, 1, &owner_bytes), p->owner) != 0)
            status = shop_fail(LLMCS_STATE, "conversation: it belongs to another customer");
        else
            status = open_value(c, p, key, sealed, sealed_bytes, plain, &bytes);
        if (!status && (bytes != n || memcmp(plain + 4, value, n) != 0))
            status =
                shop_fail(LLMCS_BUSY, "%s: another process has used %s for a different value: load the names again",
                          c->path, p->name);
    }
    shop_query_end(&q);
    return status;
}

llmcs_status shop_vault_put(llmcs_shop *shop, shop_connection *c, const char *customer, const char *conversation,
                            const char *name, const char *value, size_t value_bytes) {
    char owner[OWNER_BYTES];
    const place p = {owner, conversation, name};
    uint8_t key[SHOP_KEY_BYTES], *plain;
    bool found;
    if (customer) SHOP_TRY(shop_check_text("customer", customer, 1, SHOP_ID_BYTES));
    SHOP_TRY(shop_check_id("conversation", conversation));
    SHOP_TRY(shop_check_id("name", name));
    if (!value_bytes || value_bytes > SHOP_VALUE_BYTES)
        return shop_fail(LLMCS_LIMIT, "value of a name: %lld bytes, expected at most %d", (long long)value_bytes,
                         SHOP_VALUE_BYTES);
    SHOP_TRY(shop_crypto_ready());
    name_owner(customer, conversation, owner);
    SHOP_TRY(find_key(c, owner, &found, key));
    if (!found) SHOP_TRY(make_key(c, owner, key));
    llmcs_status status = shop_alloc(&shop->allocator, WORKSPACE, 1, "value of a name", &plain);
    if (!status) status = compare_value(c, &p, key, plain, value, value_bytes, &found);
    if (!status && !found) status = store_value(c, &p, key, plain, value, value_bytes);
    if (plain) sodium_memzero(plain, MAX_PLAIN);
    shop_free(&shop->allocator, plain);
    sodium_memzero(key, sizeof key);
    return status;
}

static llmcs_status load_values(shop_connection *c, const char *owner, const char *conversation,
                                const uint8_t key[SHOP_KEY_BYTES], uint8_t *plain, shop_vault_fn each, void *user) {
    shop_query q;
    llmcs_status status;
    SHOP_TRY(shop_query_begin(c, &q,
                              "SELECT name, sealed FROM names WHERE conversation = ?1 AND owner = ?2 ORDER BY name",
                              "ss", conversation, owner));
    while (!(status = shop_query_next(&q)) && q.has_row) {
        size_t name_bytes, sealed_bytes, n;
        const place p = {owner, conversation, shop_query_text(&q, 0, &name_bytes)};
        const uint8_t *sealed = shop_query_blob(&q, 1, &sealed_bytes);
        /* A hostile file may hold any text here, also one too long for label_of. */
        if ((status = shop_check_id("a name of the vault", p.name))) break;
        if ((status = open_value(c, &p, key, sealed, sealed_bytes, plain, &n))) break;
        if ((status = each(user, p.name, (const char *)plain + 4, n))) break;
    }
    shop_query_end(&q);
    return status;
}

llmcs_status shop_vault_load(llmcs_shop *shop, shop_connection *c, const char *customer, const char *conversation,
                             shop_vault_fn each, void *user) {
    char owner[OWNER_BYTES];
    uint8_t key[SHOP_KEY_BYTES], *plain;
    bool found;
    if (customer) SHOP_TRY(shop_check_text("customer", customer, 1, SHOP_ID_BYTES));
    SHOP_TRY(shop_check_id("conversation", conversation));
    SHOP_TRY(shop_crypto_ready());
    name_owner(customer, conversation, owner);
    SHOP_TRY(find_key(c, owner, &found, key));
    if (!found) return LLMCS_OK;
    llmcs_status status = shop_alloc(&shop->allocator, WORKSPACE, 1, "value of a name", &plain);
    if (!status) status = load_values(c, owner, conversation, key, plain, each, user);
    if (plain) sodium_memzero(plain, MAX_PLAIN);
    shop_free(&shop->allocator, plain);
    sodium_memzero(key, sizeof key);
    return status;
}
