/* What llmcs-server reads of strangers: inputs of its fuzz targets, and a token that is valid. */
#include <sodium.h>

#include "fuzz/replay.h"
#include "fuzz/targets_server.h"
#include "support/suite.h"

START_TEST(bodies) { replay_inputs(fuzz_server_body, "server_body", 6, 400); }
END_TEST
START_TEST(tokens) { replay_inputs(fuzz_server_token, "server_token", 2, 400); }
END_TEST

/* Signs a header and claims as a host does. */
static void sign(const char *secret, const char *header, const char *claims, char token[1024]) {
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_state state;
    const int variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
    sodium_bin2base64(token, 300, (const unsigned char *)header, strlen(header), variant);
    strcat(token, ".");
    sodium_bin2base64(token + strlen(token), 500, (const unsigned char *)claims, strlen(claims), variant);
    crypto_auth_hmacsha256_init(&state, (const unsigned char *)secret, strlen(secret));
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)token, strlen(token));
    crypto_auth_hmacsha256_final(&state, mac);
    strcat(token, ".");
    sodium_bin2base64(token + strlen(token), 300, mac, sizeof mac, variant);
}

START_TEST(a_signed_token) {
    static const char secret[] = "0123456789abcdef", header[] = "{\"alg\":\"HS256\"}";
    static const struct {
        const char *header, *claims;
        bool valid;
    } cases[] = {
        {header, "{\"sub\":\"c001\",\"exp\":101}", true},
        {header, "{\"sub\":\"c001\",\"exp\":100}", false}, /* now is 100 */
        {header, "{\"sub\":\"c001\",\"exp\":101,\"nbf\":101}", false},
        {header, "{\"sub\":\"c001\",\"exp\":101.5}", false},
        {header, "{\"sub\":\"\",\"exp\":101}", false},
        {header, "{\"sub\":7,\"exp\":101}", false},
        {header, "{\"sub\":\"c001\\n\",\"exp\":101}", false},
        {header, "{\"sub\":\"c\\u2028\",\"exp\":101}", false},
        {header, "{\"exp\":101}", false},
        {header, "{\"sub\":\"a\",\"sub\":\"b\",\"exp\":101}", false},
        {header, "[]", false},
        {"{\"alg\":\"none\"}", "{\"sub\":\"c001\",\"exp\":101}", false},
        {"{\"alg\":\"HS256\",\"crit\":[\"x\"]}", "{\"sub\":\"c001\",\"exp\":101}", false},
    };
    char token[1024], customer[SHOP_ID_BYTES + 1];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sign(secret, cases[i].header, cases[i].claims, token);
        const bool valid = token_verify((const unsigned char *)secret, 16, token, 100, customer);
        ck_assert_msg(valid == cases[i].valid, "case %zu", i);
        if (valid) ck_assert_str_eq(customer, "c001");
        ck_assert(!token_verify((const unsigned char *)"another one, 16b", 16, token, 100, customer));
        token[strlen(token) - 2] ^= 1;
        ck_assert(!token_verify((const unsigned char *)secret, 16, token, 100, customer));
    }
}
END_TEST

/* A customer's name is one of the store: at most 200 bytes. */
START_TEST(a_long_customer) {
    static const char secret[] = "0123456789abcdef", header[] = "{\"alg\":\"HS256\"}";
    char token[1024], claims[300], customer[SHOP_ID_BYTES + 1];
    for (int n = 199; n <= 201; n++) {
        snprintf(claims, sizeof claims, "{\"sub\":\"%0*d\",\"exp\":101}", n, 7);
        sign(secret, header, claims, token);
        ck_assert_int_eq(token_verify((const unsigned char *)secret, 16, token, 100, customer), n <= 200);
        if (n <= 200) ck_assert_uint_eq(strlen(customer), (size_t)n);
    }
}
END_TEST

static void add_tests(TCase *tests) {
    tcase_add_test(tests, bodies);
    tcase_add_test(tests, tokens);
    tcase_add_test(tests, a_signed_token);
    tcase_add_test(tests, a_long_customer);
}

SUITE_MAIN("server/bodies", add_tests)
