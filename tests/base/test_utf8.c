#include <stdbool.h>
#include <string.h>

#include "base/utf8.h"
#include "support/suite.h"

/* The oracle follows the definition rather than the table: a sequence is right if it is what encoding its own value
 * gives, and the value is a scalar. */
static size_t plain_encode(uint32_t cp, unsigned char out[4]) {
    if (cp < 0x80) return out[0] = (unsigned char)cp, 1;
    size_t n = cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, cp >>= 6) out[i] = (unsigned char)(0x80 | (cp & 0x3f));
    out[0] = (unsigned char)((0xf00 >> n) | cp);
    return n;
}

static bool is_scalar(uint32_t cp) { return cp < 0xd800 || (cp > 0xdfff && cp <= 0x10ffff); }

static size_t announced_length(unsigned char lead) {
    return lead < 0x80 ? 1 : lead < 0xc0 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf8 ? 4 : 0;
}

/* Is there a scalar value whose encoding begins with these bytes? The least and the greatest completion tell: the
 * values between them are one range. */
static bool is_prefix(const unsigned char *s, size_t len) {
    size_t n = announced_length(s[0]);
    if (n == 0 || len > n) return false;
    uint32_t low = n == 1 ? s[0] : s[0] & (0x7fu >> n), high = low;
    for (size_t i = 1; i < n; i++) {
        if (i < len && (s[i] & 0xc0) != 0x80) return false;
        low = low << 6 | (i < len ? s[i] & 0x3f : 0);
        high = high << 6 | (i < len ? s[i] & 0x3f : 0x3f);
    }
    uint32_t least = n == 1 ? 0 : n == 2 ? 0x80 : n == 3 ? 0x800 : 0x10000; /* shorter forms are overlong */
    if (low < least) low = least;
    if (high > 0x10ffff) high = 0x10ffff;
    if (low > high) return false;
    return is_scalar(low) || is_scalar(high) || (low < 0xd800 && high > 0xdfff);
}

/* Maximal subpart: the longest beginning that could still become right, or one byte. */
static size_t plain_decode(const unsigned char *s, size_t len, uint32_t *cp) {
    size_t n = 0;
    while (n < len && is_prefix(s, n + 1)) n++;
    *cp = LL_UTF8_BAD;
    if (n == 0) return 1;
    if (n != announced_length(s[0])) return n;
    *cp = n == 1 ? s[0] : s[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) *cp = *cp << 6 | (s[i] & 0x3f);
    return n;
}

static void check_bytes(const unsigned char *s, size_t len) {
    uint32_t got_cp, want_cp;
    size_t got = ll_utf8_decode((const char *)s, len, &got_cp), want = plain_decode(s, len, &want_cp);
    if (got != want || got_cp != want_cp)
        ck_abort_msg("%02x %02x %02x %02x (%zu): took %zu for %x, expected %zu for %x", s[0], s[1], s[2], s[3], len,
                     got, got_cp, want, want_cp);
}

START_TEST(every_code_point_comes_back) {
    for (uint32_t cp = 0; cp <= 0x10ffff; cp++) {
        char got[4];
        unsigned char want[4];
        uint32_t back;
        if (!is_scalar(cp)) continue;
        size_t n = ll_utf8_encode(cp, got);
        bool right = n == plain_encode(cp, want) && memcmp(got, want, n) == 0;
        if (!right || ll_utf8_decode(got, n, &back) != n || back != cp) ck_abort_msg("U+%04X", cp);
    }
}
END_TEST

START_TEST(every_two_bytes_are_read_as_defined) {
    for (unsigned v = 0; v < 0x10000; v++) {
        const unsigned char s[4] = {(unsigned char)(v >> 8), (unsigned char)v};
        check_bytes(s, 1);
        check_bytes(s, 2);
    }
}
END_TEST

/* Every lead and second byte with third and fourth bytes at the edges of their ranges. */
START_TEST(three_and_four_bytes_are_read_as_defined) {
    static const unsigned char edges[] = {0x00, 0x41, 0x7f, 0x80, 0x81, 0x8f, 0x90, 0x9f,
                                          0xa0, 0xbe, 0xbf, 0xc0, 0xc2, 0xe0, 0xf4, 0xff};
    for (unsigned v = 0; v < 0x10000; v++)
        for (size_t i = 0; i < sizeof edges; i++)
            for (size_t k = 0; k < sizeof edges; k++) {
                const unsigned char s[4] = {(unsigned char)(v >> 8), (unsigned char)v, edges[i], edges[k]};
                if (k == 0) check_bytes(s, 3);
                if (s[0] >= 0xe0) check_bytes(s, 4);
            }
}
END_TEST

/* For texts cut anywhere: what is called incomplete is what the rest of a right character completes. */
START_TEST(a_text_is_valid_if_all_of_it_is) {
    static const char good[] = "a\0\xc3\xa9\xe4\xbd\xa0\xf0\x9f\x98\x80";
    const size_t n = sizeof good - 1;
    ck_assert(ll_utf8_valid("", 0));
    for (size_t i = 0; i <= n; i++) /* every prefix is, but those that end within a character */
        ck_assert_int_eq(ll_utf8_valid(good, i), i == 0 || i == 1 || i == 2 || i == 4 || i == 7 || i == n);
    ck_assert(!ll_utf8_valid("\xff", 1));
    ck_assert(!ll_utf8_valid("a\xed\xa0\x80z", 5)); /* a surrogate */
    ck_assert(!ll_utf8_valid("a\xc0\x80", 3));
}
END_TEST

START_TEST(incomplete_tails_are_found) {
    static const uint32_t points[] = {0x41,   0x7f,   0x80,    0x7ff,   0x800,   0xd7ff,
                                      0xe000, 0xffff, 0x10000, 0x1f600, 0x10ffff};
    for (size_t i = 0; i < sizeof points / sizeof *points; i++)
        for (size_t j = 0; j < sizeof points / sizeof *points; j++) {
            char text[8];
            size_t first = ll_utf8_encode(points[i], text), second = ll_utf8_encode(points[j], text + first);
            for (size_t cut = 0; cut <= first + second; cut++) {
                size_t want = cut < first ? cut : cut < first + second ? cut - first : 0;
                ck_assert_uint_eq(ll_utf8_incomplete_tail(text, cut), want);
            }
        }
}
END_TEST

START_TEST(a_broken_end_is_not_incomplete) {
    static const struct {
        const char *text;
        size_t tail;
    } cases[] = {{"", 0},
                 {"\x80", 0},
                 {"\x80\x80\x80\x80", 0},
                 {"\xff", 0},
                 {"\xc0", 0},
                 {"\xe0\x80", 0},
                 {"\xed\xa0", 0},
                 {"\xf4\x90", 0},
                 {"\xf5", 0},
                 {"a\xe6\xb1", 2},
                 {"\xe6\xb1\xe6", 1},
                 {"\xf0\x9f\x98", 3},
                 {"\xc3\xa9\x80", 0},
                 {"\xf0\x9f\x98\xf0\x9f\x98", 3}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(ll_utf8_incomplete_tail(cases[i].text, strlen(cases[i].text)) == cases[i].tail, "case %zu", i);
}
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, every_code_point_comes_back);
    tcase_add_test(t, every_two_bytes_are_read_as_defined);
    tcase_add_test(t, three_and_four_bytes_are_read_as_defined);
    tcase_add_test(t, a_text_is_valid_if_all_of_it_is);
    tcase_add_test(t, incomplete_tails_are_found);
    tcase_add_test(t, a_broken_end_is_not_incomplete);
}

SUITE_MAIN("base/utf8", add)
