/*
 * JSON Web Tokens (RFC 7519), as far as a shop needs them: its server signs {"sub": customer, "exp": seconds} by HS256
 * with a secret that it shares with this server, and its page sends the token. Nothing else is accepted: no other
 * algorithm, no token without an end.
 */
#include <jansson.h>
#include <sodium.h>
#include <string.h>

#include "http.h"

enum { MAX_TOKEN_BYTES = 4096 };

/* Without padding, without characters of another alphabet. */
static bool base64url_decode(const char *text, size_t n, unsigned char *out, size_t capacity, size_t *n_out) {
    return !sodium_base642bin(out, capacity, text, n, NULL, n_out, NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

/* A part of the token as a JSON object, or NULL. */
static json_t *decode_object(const char *part, size_t n) {
    unsigned char bytes[MAX_TOKEN_BYTES];
    size_t n_bytes;
    if (n > MAX_TOKEN_BYTES || !base64url_decode(part, n, bytes, sizeof bytes, &n_bytes)) return NULL;
    json_t *object = json_loadb((const char *)bytes, n_bytes, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(object)) return object;
    json_decref(object);
    return NULL;
}

static bool is_signed(const unsigned char *secret, size_t secret_bytes, const char *token, size_t n_signed,
                      const char *signature) {
    unsigned char expected[crypto_auth_hmacsha256_BYTES], given[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_state state;
    size_t n;
    if (!base64url_decode(signature, strlen(signature), given, sizeof given, &n) || n != sizeof given) return false;
    crypto_auth_hmacsha256_init(&state, secret, secret_bytes);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)token, n_signed);
    crypto_auth_hmacsha256_final(&state, expected);
    return !sodium_memcmp(expected, given, sizeof given);
}

static bool is_header(json_t *header) {
    const char *algorithm = json_string_value(json_object_get(header, "alg"));
    return algorithm && !strcmp(algorithm, "HS256") && !json_object_get(header, "crit");
}

static bool read_claims(json_t *claims, int64_t now_s, char customer[CUSTOMER_CAPACITY]) {
    const char *sub = json_string_value(json_object_get(claims, "sub"));
    const json_t *exp = json_object_get(claims, "exp"), *nbf = json_object_get(claims, "nbf");
    if (!sub || !shop_is_name(sub)) return false;
    if (!json_is_integer(exp) || json_integer_value(exp) <= now_s) return false;
    if (nbf && (!json_is_integer(nbf) || json_integer_value(nbf) > now_s)) return false;
    memcpy(customer, sub, strlen(sub) + 1);
    return true;
}

bool token_verify(const unsigned char *secret, size_t secret_bytes, const char *token, int64_t now_s,
                  char customer[CUSTOMER_CAPACITY]) {
    const char *first = strchr(token, '.'), *second = first ? strchr(first + 1, '.') : NULL;
    if (!second || strlen(token) > MAX_TOKEN_BYTES) return false;
    if (!is_signed(secret, secret_bytes, token, (size_t)(second - token), second + 1)) return false;
    json_t *header = decode_object(token, (size_t)(first - token));
    json_t *claims = decode_object(first + 1, (size_t)(second - first - 1));
    const bool valid = is_header(header) && read_claims(claims, now_s, customer);
    json_decref(header);
    json_decref(claims);
    return valid;
}
