/* XXH64 against what its authors publish, and what finding damage asks of it. */
#include <stdlib.h>
#include <string.h>

#include "base/xxh64.h"
#include "support/suite.h"

#define N 2048
#define PRIME32 2654435761u

/* xxHash's own check, xsum_sanity_check.c: digests of the first n bytes of a generated buffer. */
static const struct {
    size_t n;
    uint64_t seed, digest;
} published[] = {
    {0, 0, 0xef46db3751d8e999u},         {0, PRIME32, 0xac75fda2929b17efu},  {1, 0, 0xe934a84adb052768u},
    {1, PRIME32, 0x5014607643a9b4c3u},   {2, 0, 0x5d48cd60a77e23ffu},        {3, 0, 0xff7e1959cb50794au},
    {4, 0, 0x9136a0dca57457eeu},         {8, 0, 0xcdbcf538e71d1348u},        {9, 0, 0x554b1ae991eda6b6u},
    {14, 0, 0x8282dcc4994e35c8u},        {14, PRIME32, 0xc3bd6bf63deb6df0u}, {17, 0, 0x0d39a2d051a30c2cu},
    {64, 0, 0xef558f8acac2b5cdu},        {129, 0, 0x41c280132d697abau},      {222, 0, 0xb641ae8cb691c174u},
    {222, PRIME32, 0x20cb8ab7ae10c14au}, {403, 0, 0xd99858fee82283dfu},      {2048, 0, 0x5940f2752bc04387u},
};

static unsigned char *sanity_buffer(void) {
    unsigned char *bytes = malloc(N + 8);
    uint64_t state = PRIME32;
    for (size_t i = 0; bytes && i < N; i++, state *= 11400714785074694797u) bytes[i] = (unsigned char)(state >> 56);
    ck_assert_ptr_nonnull(bytes);
    return bytes;
}

START_TEST(published_digests) {
    unsigned char *bytes = sanity_buffer();
    for (size_t i = 0; i < sizeof published / sizeof *published; i++) {
        uint64_t found = ll_xxh64(bytes, published[i].n, published[i].seed);
        ck_assert_msg(found == published[i].digest, "%zu bytes: %016llx", published[i].n, (unsigned long long)found);
    }
    ck_assert(ll_xxh64(NULL, 0, 0) == published[0].digest);
    free(bytes);
}
END_TEST

START_TEST(at_any_alignment) {
    unsigned char *bytes = sanity_buffer();
    uint64_t expected = ll_xxh64(bytes, 403, 7);
    for (size_t at = 1; at < 8; at++) {
        memmove(bytes + at, bytes + at - 1, 403);
        ck_assert(ll_xxh64(bytes + at, 403, 7) == expected);
    }
    free(bytes);
}
END_TEST

/* Also for bytes that end where their allocation does: a sanitizer sees reads behind it. */
START_TEST(every_bit_and_the_length_count) {
    for (size_t n = 0; n < 70; n++) {
        unsigned char *source = sanity_buffer(), *bytes = malloc(n + !n);
        ck_assert_ptr_nonnull(bytes);
        memcpy(bytes, source, n);
        uint64_t expected = ll_xxh64(bytes, n, 0);
        for (size_t bit = 0; bit < 8 * n; bit++) {
            bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
            ck_assert(ll_xxh64(bytes, n, 0) != expected);
            bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        }
        ck_assert(n == 0 || ll_xxh64(bytes, n - 1, 0) != expected);
        ck_assert(ll_xxh64(bytes, n, 1) != expected);
        free(bytes);
        free(source);
    }
}
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, published_digests);
    tcase_add_test(t, at_any_alignment);
    tcase_add_test(t, every_bit_and_the_length_count);
}

SUITE_MAIN("base/xxh64", add)
