/* Who calls: keys of the configuration, and tokens that the host signs for its customers. */
#include <sodium.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "http.h"

bool auth_identify(const config *c, const char *authorization, caller *who, char customer[CUSTOMER_CAPACITY]) {
    static const char bearer[] = "Bearer ";
    unsigned char presented[crypto_hash_sha256_BYTES];
    *who = (caller){"nobody", 0, NULL};
    if (!authorization || strncasecmp(authorization, bearer, sizeof bearer - 1) != 0) return false;
    const char *key = authorization + sizeof bearer - 1;
    crypto_hash_sha256(presented, (const unsigned char *)key, strlen(key));
    const key_config *found = NULL;
    /* Compares all keys, each in constant time, so that the time reveals nothing about them. */
    for (size_t i = 0; i < c->n_keys; i++)
        if (!sodium_memcmp(presented, c->keys[i].sha256, sizeof presented)) found = &c->keys[i];
    if (found) {
        *who = (caller){found->name, found->roles, found->customer};
        return true;
    }
    if (!c->token_secret || !token_verify(c->token_secret, c->token_secret_bytes, key, (int64_t)time(NULL), customer))
        return false;
    *who = (caller){"token", ROLE_CUSTOMER, customer};
    return true;
}
