/* The ranges that NFC may change: normalizing them alone is normalizing the text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <utf8proc.h>

#include "base/utf8.h"
#include "support/random.h"
#include "support/suite.h"
#include "text/nfc.h"
#include "text/unicode.h"

static char *nfc(const char *text, size_t n, size_t *n_out) {
    utf8proc_uint8_t *out = NULL;
    utf8proc_ssize_t len = utf8proc_map((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)n, &out,
                                        (utf8proc_option_t)(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
    ck_assert_int_ge(len, 0);
    *n_out = (size_t)len;
    return (char *)out;
}

static size_t put(uint32_t cp, char *out) { return ll_utf8_encode(cp, out); }

/* Returns how many bytes lie in ranges. */
static size_t check_text(const char *text, size_t n) {
    char got[4000];
    size_t n_got = 0, n_want, done = 0, touched = 0;
    for (ll_nfc_range r = ll_nfc_next(text, n, 0); done < n; r = ll_nfc_next(text, n, done)) {
        size_t len;
        ck_assert(r.begin >= done && r.end >= r.begin && r.end <= n && (r.begin < r.end || r.end == n));
        memcpy(got + n_got, text + done, r.begin - done);
        n_got += r.begin - done;
        char *changed = nfc(text + r.begin, r.end - r.begin, &len);
        memcpy(got + n_got, changed, len);
        n_got += len;
        free(changed);
        touched += r.end - r.begin;
        done = r.end;
    }
    char *want = nfc(text, n, &n_want);
    ck_assert_msg(n_want == n_got && !memcmp(want, got, n_got), "\"%.*s\"", (int)n, text);
    free(want);
    return touched;
}

START_TEST(ranges_are_all_that_changes) {
    static const uint32_t some[] = {'a',    'e',    ' ',    0xe9,   0x301,  0x316,  0x323,   0x345,   0x1100,  0x1161,
                                    0x11a8, 0xac00, 0xac01, 0x9c7,  0x9be,  0x212b, 0x2126,  0x4e2d,  0xf900,  0x344,
                                    0x958,  0xfb1d, 0x1e69, 0x3099, 0x304b, 0x304c, 0x110b9, 0x110ba, 0x2f800, 0x1f600};
    uint64_t seed = (uint64_t)time(NULL);
    printf("seed %llu\n", (unsigned long long)seed);
    for (int round = 0; round < 40000 / (int)suite_step(7); round++) {
        char text[200];
        size_t n = 0;
        for (size_t k = random_below(&seed, 14); k > 0; k--) {
            uint32_t cp = some[random_below(&seed, sizeof some / sizeof *some)];
            if (random_below(&seed, 4) == 0) cp = (uint32_t)random_below(&seed, 0x30000);
            n += put(cp >= 0xd800 && cp < 0xe000 ? 'x' : cp, text + n);
        }
        check_text(text, n);
    }
}
END_TEST

/* Every character between two letters, and behind the first part of what it decomposes to. */
START_TEST(every_character_alone_and_composed) {
    for (uint32_t cp = 1; cp < 0x110000; cp++) {
        uint32_t parts[LL_UC_MAX_DECOMPOSED];
        char text[100];
        size_t n = 0;
        if (cp >= 0xd800 && cp < 0xe000) cp = 0xe000;
        const size_t n_parts = ll_unicode_decompose(cp, false, parts);
        n += put('a', text);
        n += put(cp, text + n);
        n += put('b', text + n);
        for (size_t i = 0; n_parts > 1 && i < n_parts; i++) n += put(parts[i], text + n);
        const size_t touched = check_text(text, n);
        if (n_parts == 1 && parts[0] == cp && !ll_unicode_ccc(cp)) ck_assert_uint_le(touched, 1 + 4);
    }
}
END_TEST

START_TEST(ordinary_text_has_no_ranges) {
    static const char text[] =
        "It's 12,50 \xe2\x82\xac: caf\xc3\xa9, \xe4\xb8\xad\xe6\x96\x87\xe3\x80\x82 "
        "\xed\x95\x9c\xea\xb5\xad\xec\x96\xb4";
    const ll_nfc_range r = ll_nfc_next(text, sizeof text - 1, 0);
    ck_assert(r.begin == sizeof text - 1 && r.end == r.begin);
}
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, ranges_are_all_that_changes);
    tcase_add_test(t, every_character_alone_and_composed);
    tcase_add_test(t, ordinary_text_has_no_ranges);
}

SUITE_MAIN("text/nfc", add)
