/* The JSON reader against the grammar, numbers, hostile texts and failing allocations. */
#include <fenv.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "formats/json.h"
#include "support/fail_alloc.h"
#include "support/locale.h"
#include "support/random.h"
#include "support/suite.h"

static uint64_t seed = 20240607;
static uint64_t next_random(void) { return random_next(&seed); }

static llmcs_status parse(const char *text, size_t len, ll_json_doc **doc) {
    llmcs_allocator a = ll_allocator_default();
    return ll_json_parse(&a, "t.json", text, len, 0, doc);
}

static ll_json_doc *must_parse(const char *text) {
    ll_json_doc *doc;
    ck_assert_msg(parse(text, strlen(text), &doc) == LLMCS_OK, "%s: %s", text, llmcs_error_message());
    return doc;
}

static void must_fail(const char *text, size_t len, llmcs_status expected, size_t offset) {
    ll_json_doc *doc = (ll_json_doc *)&doc;
    llmcs_status st = parse(text, len, &doc);
    char where[40];
    snprintf(where, sizeof where, "t.json: byte %zu: ", offset);
    ck_assert_msg(st == expected, "%s: %s", text, st ? llmcs_error_message() : "accepted");
    ck_assert_ptr_null(doc);
    ck_assert_msg(strncmp(llmcs_error_message(), where, strlen(where)) == 0, "%s: %s, expected %s", text,
                  llmcs_error_message(), where);
}

START_TEST(what_is_not_json_is_refused_at_its_byte) {
    static const struct {
        const char *text;
        size_t offset;
    } bad[] = {
        {"", 0},
        {" ", 1},
        {"{", 1},
        {"[", 1},
        {"]", 0},
        {"}", 0},
        {"[1", 2},
        {"[1,", 3},
        {"[1,]", 3},
        {"[,1]", 1},
        {"[1 2]", 3},
        {"[1}", 2},
        {"{1:2}", 1},
        {"{\"a\"}", 4},
        {"{\"a\":}", 5},
        {"{\"a\":1,}", 7},
        {"{\"a\" 1}", 5},
        {"{\"a\":1]", 6},
        {"{,}", 1},
        {"{\"a\":1 \"b\":2}", 7},
        {"{a:1}", 1},
        {"{'a':1}", 1},
        {"nul", 0},
        {"nulL", 0},
        {"True", 0},
        {"NaN", 0},
        {"Infinity", 0},
        {"-Infinity", 1},
        {"+1", 0},
        {".5", 0},
        {"1.", 2},
        {"1.e3", 2},
        {"1e", 2},
        {"1e+", 3},
        {"01", 1},
        {"-01", 2},
        {"007", 1},
        {"-", 1},
        {"--1", 1},
        {"1.2.3", 3},
        {"0x10", 1},
        {"1e5.5", 3},
        {"1 1", 2},
        {"{}{}", 2},
        {"[] x", 3},
        {"// c\n1", 0},
        {"/* c */ 1", 0},
        {"[1] // c", 4},
        {"[1 /* c */]", 3},
        {"\"abc", 4},
        {"\"a\nb\"", 2},
        {"\"a\tb\"", 2},
        {"\"\\x41\"", 2},
        {"\"\\u12\"", 5},
        {"\"\\u12g4\"", 5},
        {"\"\\ud800\"", 3},
        {"\"\\ud800x\"", 3},
        {"\"\\ud800\\n\"", 3},
        {"\"\\udc00\"", 3},
        {"\"\\ud800\\ud800\"", 3},
        {"\"\\udc00\\ud800\"", 3},
        {"\"\\", 2},
        {"\"\\\"", 3},
        {"\"\\u", 3},
        {"'a'", 0},
        {"\"\x80\"", 1},
        {"\"\xc0\x80\"", 1},
        {"\"\xe0\x80\x80\"", 1},
        {"\"\xed\xa0\x80\"", 1},
        {"\"a\xf5\"", 2},
        {"\"\xf4\x90\x80\x80\"", 1},
        {"\"\xe6\xb1", 1},
        {"\xef\xbb\xbf{}", 0},
        {"\xff\xfe{", 0},
        {"\xfe\xff", 0},
        {"\v1", 0},
        {"\f1", 0},
        {"\xc2\xa0"
         "1",
         0},
        {"[\"a\",\n\"b\"\n\"c\"]", 10},
        {"undefined", 0},
        {"1,", 1},
        {"[[1,[2,{\"a\":[3,}]]]", 15},
        {"\"\\ud83d\\u0041\"", 3},
        {"\"\\ud83d\\ude0\"", 12},
        {"-a", 1},
        {"tru", 0},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        must_fail(bad[i].text, strlen(bad[i].text), LLMCS_JSON, bad[i].offset);
    must_fail("{\0}", 3, LLMCS_JSON, 1);
    must_fail("1\0", 2, LLMCS_JSON, 1);
    must_fail("\"\0\"", 3, LLMCS_JSON, 1);
    must_fail("{\0\"\0a\0", 6, LLMCS_JSON, 1); /* UTF-16 */
}
END_TEST

START_TEST(every_control_byte_must_be_escaped) {
    for (int c = 0; c < 0x20; c++) {
        char raw[] = {'"', (char)c, '"'}, escaped[16];
        must_fail(raw, 3, LLMCS_JSON, 1);
        snprintf(escaped, sizeof escaped, "\"\\u%04X\"", (unsigned)c);
        ll_json_doc *doc = must_parse(escaped);
        size_t len;
        const char *s = ll_json_string(ll_json_root(doc), &len);
        ck_assert_uint_eq(len, 1);
        ck_assert_int_eq(s[0], c);
        ll_json_free(&doc);
    }
}
END_TEST

/* Every scalar value, as itself and as an escape, is the same character; every surrogate alone is refused. */
/* Strings are read eight bytes at a time: whatever stands where in them, and however much follows. */
START_TEST(every_byte_is_seen_at_every_place) {
    for (size_t len = 1; len < 20; len++) {
        for (size_t at = 0; at < len; at++) {
            for (int c = 0; c < 256; c++) {
                char text[32];
                memset(text, 0x20 + (int)((len * 7 + at) % 2) * 0x5e, sizeof text); /* the ends of what is plain */
                text[0] = '"';
                text[at + 1] = (char)c;
                text[len + 1] = '"';
                char *exact = malloc(len + 2); /* what is read past the end is seen */
                memcpy(exact, text, len + 2);
                ll_json_doc *doc = NULL;
                const bool plain = c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
                const llmcs_status st = parse(exact, len + 2, &doc);
                ck_assert_msg((st == LLMCS_OK) == plain, "byte %d at %zu of %zu", c, at, len);
                size_t n = 0;
                const char *found = plain ? ll_json_string(ll_json_root(doc), &n) : NULL;
                if (plain) ck_assert(n == len && memcmp(found, text + 1, len) == 0);
                ll_json_free(&doc);
                free(exact);
            }
        }
    }
}
END_TEST

START_TEST(every_code_point_reads_the_same_raw_and_escaped) {
    for (uint32_t cp = 0x20; cp < 0x110000; cp += cp < 0x800 || cp >> 8 == 0xd8 ? 1 : 37) {
        char text[64], raw[4];
        if (cp >= 0xd800 && cp < 0xe000) {
            snprintf(text, sizeof text, "\"\\u%04x\"", (unsigned)cp);
            must_fail(text, strlen(text), LLMCS_JSON, 3);
            continue;
        }
        size_t n = ll_utf8_encode(cp, raw);
        bool plain = cp != '"' && cp != '\\';
        int at = snprintf(text, sizeof text, "[\"%.*s\",\"", plain ? (int)n : 0, raw);
        if (cp < 0x10000) {
            snprintf(text + at, sizeof text - (size_t)at, "\\u%04x\"]", (unsigned)cp);
        } else {
            unsigned v = cp - 0x10000;
            snprintf(text + at, sizeof text - (size_t)at, "\\u%04X\\u%04X\"]", 0xd800 + (v >> 10),
                     0xdc00 + (v & 0x3ff));
        }
        ll_json_doc *doc = must_parse(text);
        ll_json first = ll_json_first(ll_json_root(doc));
        size_t len;
        const char *s = ll_json_string(first, &len);
        ck_assert_uint_eq(len, plain ? n : 0);
        ck_assert_mem_eq(s, raw, len);
        s = ll_json_string(ll_json_next(first), &len);
        ck_assert_uint_eq(len, n);
        ck_assert_mem_eq(s, raw, n);
        ll_json_free(&doc);
    }
}
END_TEST

START_TEST(members_elements_and_scalars_are_found) {
    ll_json_doc *doc = must_parse(
        " {\"a\" : [1, -2.5, \"x\\ny\", true, false, null, {}, [], [[]]] ,\t\"b\":{\"c\":{\"d\":\"e\"},\"f\":7},"
        "\"\\u0061b\":3,\"ab\":4,\"\":5,\"n\\u0000l\":6} \r\n");
    ll_json root = ll_json_root(doc), a = ll_json_get(root, "a"), v;
    ck_assert_int_eq(ll_json_get_type(root), LL_JSON_OBJECT);
    ck_assert_uint_eq(ll_json_count(root), 6);
    ck_assert_uint_eq(ll_json_offset(root), 1);
    ck_assert_uint_eq(ll_json_offset(a), 8);
    ck_assert_uint_eq(ll_json_count(a), 9);
    static const ll_json_type types[] = {LL_JSON_NUMBER, LL_JSON_NUMBER, LL_JSON_STRING, LL_JSON_BOOL, LL_JSON_BOOL,
                                         LL_JSON_NULL,   LL_JSON_OBJECT, LL_JSON_ARRAY,  LL_JSON_ARRAY};
    size_t i = 0, len;
    for (v = ll_json_first(a); ll_json_get_type(v); v = ll_json_next(v)) {
        ck_assert_int_eq(ll_json_get_type(v), types[i++]);
        ck_assert_ptr_null(ll_json_key(v, &len));
    }
    ck_assert_uint_eq(i, 9);
    double d;
    int64_t n;
    bool b;
    v = ll_json_next(ll_json_first(a));
    ck_assert(ll_json_double(v, &d) && d == -2.5 && !ll_json_int64(v, &n));
    ck_assert(ll_json_equals(ll_json_next(v), "x\ny"));
    ck_assert(ll_json_bool(ll_json_next(ll_json_next(v)), &b) && b);
    v = ll_json_get(ll_json_get(ll_json_get(root, "b"), "c"), "d");
    ck_assert(ll_json_equals(v, "e") && !ll_json_equals(v, "e1") && !ll_json_equals(v, ""));
    ck_assert(ll_json_int64(ll_json_get(ll_json_get(root, "b"), "f"), &n) && n == 7);
    ck_assert(ll_json_int64(ll_json_get(root, ""), &n) && n == 5);
    ck_assert(ll_json_int64(ll_json_get(root, "ab"), &n) && n == 3); /* the first of two */
    ck_assert_int_eq(ll_json_get_unique(root, "ab", &v), LLMCS_CONFIG);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "\"ab\""));
    ck_assert_int_eq(ll_json_get_unique(root, "b", &v), LLMCS_OK);
    ck_assert_int_eq(ll_json_get_unique(root, "zz", &v), LLMCS_OK);
    ck_assert_int_eq(ll_json_get_type(v), LL_JSON_MISSING);
    ck_assert_int_eq(ll_json_get_type(ll_json_get(root, "n")), LL_JSON_MISSING);
    v = ll_json_next(ll_json_next(ll_json_next(ll_json_next(ll_json_next(ll_json_first(root))))));
    ck_assert_mem_eq(ll_json_key(v, &len), "n\0l", 3);
    ck_assert_uint_eq(len, 3);
    ck_assert_int_eq(ll_json_get_type(ll_json_next(v)), LL_JSON_MISSING);
    ck_assert_str_eq(ll_json_name(doc), "t.json");
    ll_json_free(&doc);
    ck_assert_ptr_null(doc);
    ll_json_free(&doc);
}
END_TEST

/* No accessor gives anything for a value of another type, or for none. */
START_TEST(accessors_refuse_other_types) {
    ll_json_doc *doc = must_parse("[null,true,1.5,\"s\",[9],{\"k\":9}]");
    ll_json none = ll_json_get(ll_json_root(doc), "x");
    for (ll_json v = ll_json_first(ll_json_root(doc));; v = ll_json_next(v)) {
        ll_json_type t = ll_json_get_type(v);
        bool b;
        double d;
        int64_t i;
        uint64_t u;
        size_t len = 7;
        ck_assert_int_eq(ll_json_bool(v, &b), t == LL_JSON_BOOL);
        ck_assert_int_eq(ll_json_double(v, &d), t == LL_JSON_NUMBER);
        ck_assert(!ll_json_int64(v, &i) && !ll_json_uint64(v, &u));
        ck_assert((ll_json_string(v, &len) != NULL) == (t == LL_JSON_STRING));
        ck_assert_uint_eq(len, t == LL_JSON_STRING);
        ck_assert_int_eq(ll_json_equals(v, "s"), t == LL_JSON_STRING);
        ck_assert_uint_eq(ll_json_count(v), t == LL_JSON_ARRAY || t == LL_JSON_OBJECT);
        ck_assert_int_eq(ll_json_get_type(ll_json_get(v, "k")) == LL_JSON_NUMBER, t == LL_JSON_OBJECT);
        if (t == LL_JSON_MISSING) break;
    }
    ck_assert_int_eq(ll_json_get_type(ll_json_next(none)), LL_JSON_MISSING);
    ck_assert_int_eq(ll_json_get_type(ll_json_first(none)), LL_JSON_MISSING);
    ck_assert_int_eq(ll_json_get_type(ll_json_next(ll_json_root(doc))), LL_JSON_MISSING);
    ck_assert_uint_eq(ll_json_offset(none), 0);
    ll_json_free(&doc);
}
END_TEST

START_TEST(integers_have_their_exact_range) {
    static const struct {
        const char *text;
        bool is_signed, is_unsigned;
        int64_t s;
        uint64_t u;
    } cases[] = {
        {"0", true, true, 0, 0},
        {"-0", true, false, 0, 0},
        {"-1", true, false, -1, 0},
        {"1.0", false, false, 0, 0},
        {"1e3", false, false, 0, 0},
        {"1E0", false, false, 0, 0},
        {"9223372036854775807", true, true, INT64_MAX, INT64_MAX},
        {"9223372036854775808", false, true, 0, (uint64_t)INT64_MAX + 1},
        {"-9223372036854775808", true, false, INT64_MIN, 0},
        {"-9223372036854775809", false, false, 0, 0},
        {"18446744073709551615", false, true, 0, UINT64_MAX},
        {"18446744073709551616", false, false, 0, 0},
        {"99999999999999999999999999", false, false, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ll_json_doc *doc = must_parse(cases[i].text);
        int64_t s = 0;
        uint64_t u = 0;
        ck_assert_int_eq(ll_json_int64(ll_json_root(doc), &s), cases[i].is_signed);
        ck_assert_int_eq(ll_json_uint64(ll_json_root(doc), &u), cases[i].is_unsigned);
        ck_assert(s == cases[i].s && u == cases[i].u);
        ll_json_free(&doc);
    }
}
END_TEST

/* strtod of the C library is the judge: glibc's rounds correctly. */
static void check_double(const char *text) {
    ll_json_doc *doc = must_parse(text);
    double expected = strtod(text, NULL), found = 0;
    bool finite = ll_json_double(ll_json_root(doc), &found);
    ck_assert_msg(finite == !isinf(expected), "%s", text);
    if (finite)
        ck_assert_msg(memcmp(&expected, &found, sizeof found) == 0, "%s: %a, expected %a", text, found, expected);
    ll_json_free(&doc);
}

START_TEST(doubles_at_the_edges_are_correctly_rounded) {
    static const char *const edges[] = {
        "0.0",
        "-0.0",
        "0e400",
        "-0",
        "1e-400",
        "-1e-999999999999999999999",
        "5e-324",
        "2.4703282292062327e-324",
        "2.4703282292062328e-324",
        "2.47032822920623272e-324",
        "2.2250738585072014e-308",
        "2.2250738585072011e-308",
        "2.225073858507201136e-308",
        "1.7976931348623157e308",
        "1.7976931348623158e308",
        "1.7976931348623159e308",
        "1.797693134862315807e308",
        "1.797693134862315808e308",
        "9007199254740993",
        "9007199254740992.5",
        "9007199254740993.00000000000000000000000000000000000001",
        "1e22",
        "1e23",
        "8.5e22",
        "6.02214076e23",
        "0.1",
        "0.3",
        "1e-5",
        "1e-12",
        "123456789012345678901234567890",
        "0.000000000000000000000000000001e30",
        "1000000000000000000000000000000e-30",
        "4.35",
        "7.2057594037927933e16",
        "1.0000000000000002220446049250313",
        "1.00000000000000011102230246251565",
        "1.00000000000000011102230246251565404236316680908203125",
        "1.00000000000000011102230246251565404236316680908203126",
        "9.9e308",
    };
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) check_double(edges[i]);
}
END_TEST

/* The middle between two neighbours, written out to its last digit, and a little above and below it. */
START_TEST(middles_between_doubles_go_to_even) {
    char text[2400];
    for (int round = 0; round < 200; round++) {
        int e2 = (int)(next_random() % 1100) - 1074;
        double low = ldexp((double)(1 + next_random() % ((uint64_t)1 << 53)), e2 - 52 < -1074 ? -1074 : e2 - 52);
        double high = nextafter(low, INFINITY);
        if (isinf(high) || e2 > 900) continue;
            /* printf of a long double is exact; the middle of two doubles fits its 64-bit significand on x86 */
#if __LDBL_MANT_DIG__ >= 64
        snprintf(text, sizeof text, "%.1100Lf", ((long double)low + (long double)high) / 2);
        check_double(text);
        strcat(text, "1");
        check_double(text);
        size_t n = strlen(text);
        while (n && (text[n - 1] == '0' || text[n - 1] == '.' || text[n - 1] == '1')) n--;
        if (n && text[n - 1] > '0') text[n - 1]--;
        check_double(text);
#endif
    }
}
END_TEST

START_TEST(random_doubles_equal_strtod) {
    char text[1400];
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = next_random();
        double d;
        memcpy(&d, &bits, sizeof d);
        if (!isfinite(d)) continue;
        snprintf(text, sizeof text, "%.*g", (int)(next_random() % 19) + 1, d);
        if (strtod(text, NULL) < INFINITY && strtod(text, NULL) > -INFINITY) check_double(text);
    }
    for (int i = 0; i < 1000; i++) {
        size_t n = 1 + next_random() % 1200, at = 0;
        text[at++] = (char)('1' + next_random() % 9);
        for (size_t k = 0; k < n; k++) text[at++] = (char)('0' + next_random() % 10);
        text[1 + next_random() % (at - 1)] = '.';
        if (text[at - 1] == '.') at--;
        snprintf(text + at, sizeof text - at, "e%d", (int)(next_random() % 700) - 690);
        if (strtod(text, NULL) < 1e308) check_double(text);
    }
}
END_TEST

START_TEST(numbers_ignore_the_rounding_mode) {
    static const int modes[] = {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO, FE_TONEAREST};
    ll_json_doc *doc = must_parse("[0.1,1e23,5e-324]");
    for (size_t i = 0; i < 4; i++) {
        double d[3];
        fesetround(modes[i]);
        ll_json v = ll_json_first(ll_json_root(doc));
        for (int k = 0; k < 3; k++, v = ll_json_next(v)) ck_assert(ll_json_double(v, &d[k]));
        fesetround(FE_TONEAREST);
        ck_assert(d[0] == 0.1 && d[1] == 1e23 && d[2] == 5e-324);
    }
    ll_json_free(&doc);
}
END_TEST

START_TEST(numbers_ignore_the_locale) {
    if (!enter_comma_locale()) {
        suite_skip("numbers under a locale with a decimal comma", "localedef or its sources are missing");
        return;
    }
    double d = 0;
    ll_json_doc *doc = must_parse("1.5");
    ck_assert(ll_json_double(ll_json_root(doc), &d) && d == 1.5);
    ll_json_free(&doc);
}
END_TEST

START_TEST(depth_strings_and_exponents_are_bounded) {
    static char text[1000001];
    ll_json_doc *doc;
    for (int object = 0; object < 2; object++)
        for (int depth = 63; depth <= 66; depth++) {
            size_t at = 0;
            for (int i = 0; i < depth; i++)
                at += (size_t)snprintf(text + at, sizeof text - at, "%s", object ? "{\"k\":" : "[");
            text[at++] = '1';
            for (int i = 0; i < depth; i++) text[at++] = object ? '}' : ']';
            if (depth > 64) {
                must_fail(text, at, LLMCS_LIMIT, object ? 64 * 5 : 64);
            } else {
                ck_assert_int_eq(parse(text, at, &doc), LLMCS_OK);
                ll_json_free(&doc);
            }
        }
    memset(text, '[', 1000000);
    must_fail(text, 1000000, LLMCS_LIMIT, 64);
    must_fail("[1,1e400]", 9, LLMCS_LIMIT, 3);
    must_fail("-1e999999999999999999999999", 27, LLMCS_LIMIT, 0);
    size_t n = LL_JSON_MAX_STRING;
    char *big = malloc(n + 4);
    memset(big, 'x', n + 4);
    big[0] = '"';
    big[n] = '"';
    ck_assert_int_eq(parse(big, n + 1, &doc), LLMCS_OK);
    size_t len;
    ck_assert_ptr_eq(ll_json_string(ll_json_root(doc), &len), big + 1);
    ll_json_free(&doc);
    big[n] = 'x';
    big[n + 1] = '"';
    must_fail(big, n + 2, LLMCS_LIMIT, 0);
    free(big);
}
END_TEST

/* The texts that need most: memory stays under eight times their length, in one allocation. */
START_TEST(memory_is_bounded_by_the_text) {
    static const char *const units[] = {"1,", "[],", "{},", "\"\",", "\"\\n\",", "{\"\":1},", "\"\\ud83d\\ude00\","};
    size_t max = 300000;
    char *text = malloc(max);
    for (size_t u = 0; u < sizeof units / sizeof *units; u++) {
        size_t at = 0, n = strlen(units[u]);
        text[at++] = '[';
        while (at + n < max) {
            memcpy(text + at, units[u], n);
            at += n;
        }
        text[at - 1] = ']';
        fail_alloc f;
        fail_alloc_init(&f);
        llmcs_allocator a = fail_alloc_get(&f);
        ll_json_doc *doc;
        ck_assert_int_eq(ll_json_parse(&a, "t", text, at, 0, &doc), LLMCS_OK);
        ck_assert_int_eq(f.calls, 1);
        ck_assert_int_lt(f.bytes, (long long)(8 * at));
        ll_json_free(&doc);
        ck_assert_int_eq(f.live, 0);
        text[at - 1] = ',';
        ck_assert_int_eq(ll_json_parse(&a, "t", text, at, 0, &doc), LLMCS_JSON);
        ck_assert_int_eq(f.calls, 1); /* a bad text takes none */
    }
    free(text);
}
END_TEST

START_TEST(a_failed_allocation_leaves_nothing) {
    for (long n = 0; n < 3; n++) {
        fail_alloc f;
        fail_alloc_init(&f);
        f.fail_at = n;
        llmcs_allocator a = fail_alloc_get(&f);
        ll_json_doc *doc;
        llmcs_status st = ll_json_parse(&a, "t.json", "[1,{\"a\":\"\\n\"}]", 14, 0, &doc);
        ck_assert_int_eq(st, n == 0 ? LLMCS_NOMEM : LLMCS_OK);
        ck_assert_int_eq(doc == NULL, n == 0);
        ll_json_free(&doc);
        ck_assert_int_eq(f.live, 0);
    }
}
END_TEST

START_TEST(offsets_count_from_the_base) {
    llmcs_allocator a = ll_allocator_default();
    ll_json_doc *doc;
    ck_assert_int_eq(ll_json_parse(&a, "m.safetensors", "[1,?]", 5, 8, &doc), LLMCS_JSON);
    ck_assert_str_eq(llmcs_error_message(), "m.safetensors: byte 11: expected a value, found \"?\"");
    ck_assert_int_eq(ll_json_parse(&a, "m.safetensors", "[1,\"\x01", 5, 8, &doc), LLMCS_JSON);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "byte 12"));
    ck_assert_int_eq(ll_json_parse(&a, "m", "[1, 2]", 6, 8, &doc), LLMCS_OK);
    ck_assert_uint_eq(ll_json_offset(ll_json_next(ll_json_first(ll_json_root(doc)))), 12);
    ll_json_free(&doc);
}
END_TEST

/* Walks a document by its accessors alone and counts what it sees, with a stack of our own. */
static size_t walk(ll_json v) {
    ll_json stack[LL_JSON_MAX_DEPTH + 1];
    size_t depth = 0, seen = 0;
    volatile char touched;
    stack[0] = v;
    for (;;) {
        ll_json at = stack[depth];
        size_t len, children = 0;
        seen++;
        const char *s = ll_json_string(at, &len);
        for (size_t i = 0; i < len; i++) touched = s[i]; /* every byte may be read */
        (void)touched;
        for (ll_json c = ll_json_first(at); ll_json_get_type(c); c = ll_json_next(c)) children++;
        ck_assert_uint_eq(children, ll_json_count(at));
        if (children) {
            stack[++depth] = ll_json_first(at);
            continue;
        }
        while (depth && !ll_json_get_type(ll_json_next(stack[depth]))) depth--;
        if (!depth) return seen;
        stack[depth] = ll_json_next(stack[depth]);
    }
}

/* Writes a random value and returns how many values it holds. */
static size_t write_random(char *out, size_t *at, int depth) {
    static const char *const scalars[] = {
        "null", "true", "false", "0", "-1.5e3", "12345", "\"\"", "\"a\\n\xc3\xa9\"", "\"\\ud83d\\ude00\""};
    unsigned kind = (unsigned)(next_random() % (depth > 5 ? 3 : 5));
    if (kind < 3) {
        *at += (size_t)snprintf(out + *at, 32, " %s", scalars[next_random() % 9]);
        return 1;
    }
    size_t n = next_random() % 5, seen = 1;
    out[(*at)++] = kind == 3 ? '[' : '{';
    for (size_t i = 0; i < n; i++) {
        if (i) out[(*at)++] = ',';
        if (kind == 4) *at += (size_t)snprintf(out + *at, 32, "\"k%zu\" :", i);
        seen += write_random(out, at, depth + 1);
    }
    *at += (size_t)snprintf(out + *at, 32, "\n%c", kind == 3 ? ']' : '}');
    return seen;
}

/* Random documents read back in full; random damage gives JSON, LIMIT or another good document, never a crash. */
START_TEST(random_documents_and_random_damage) {
    static char text[400000];
    for (int round = 0; round < 400; round++) {
        size_t at = 0;
        size_t values = write_random(text, &at, 0);
        ll_json_doc *doc;
        ck_assert_msg(parse(text, at, &doc) == LLMCS_OK, "%s", llmcs_error_message());
        ck_assert_uint_eq(walk(ll_json_root(doc)), values);
        ll_json_free(&doc);
        for (int damage = 0; damage < 20; damage++) {
            static const char bytes[] = "[]{}:,\"\\u019.-+eE \n\xff\x80tfn";
            size_t where = next_random() % at;
            char kept = text[where];
            text[where] = bytes[next_random() % (sizeof bytes - 1)];
            llmcs_status st = parse(text, at, &doc);
            ck_assert(st == LLMCS_OK || st == LLMCS_JSON || st == LLMCS_LIMIT);
            if (!st) walk(ll_json_root(doc));
            ck_assert_int_eq(st == LLMCS_OK, doc != NULL);
            ll_json_free(&doc);
            text[where] = kept;
        }
        char *exact = malloc(at); /* nothing is read past the end: the sanitizer watches */
        size_t cut = next_random() % at;
        memcpy(exact, text, cut);
        if (parse(exact, cut, &doc) == LLMCS_OK) walk(ll_json_root(doc));
        ll_json_free(&doc);
        free(exact);
    }
}
END_TEST

static void add(TCase *t) {
    const char *given = getenv("LLMCS_SEED");
    if (given) seed = strtoull(given, NULL, 10);
    printf("formats/json: seed %" PRIu64 "\n", seed);
    tcase_add_test(t, what_is_not_json_is_refused_at_its_byte);
    tcase_add_test(t, every_control_byte_must_be_escaped);
    tcase_add_test(t, every_byte_is_seen_at_every_place);
    tcase_add_test(t, every_code_point_reads_the_same_raw_and_escaped);
    tcase_add_test(t, members_elements_and_scalars_are_found);
    tcase_add_test(t, accessors_refuse_other_types);
    tcase_add_test(t, integers_have_their_exact_range);
    tcase_add_test(t, doubles_at_the_edges_are_correctly_rounded);
    tcase_add_test(t, middles_between_doubles_go_to_even);
    tcase_add_test(t, random_doubles_equal_strtod);
    tcase_add_test(t, numbers_ignore_the_rounding_mode);
    tcase_add_test(t, numbers_ignore_the_locale);
    tcase_add_test(t, depth_strings_and_exponents_are_bounded);
    tcase_add_test(t, memory_is_bounded_by_the_text);
    tcase_add_test(t, a_failed_allocation_leaves_nothing);
    tcase_add_test(t, offsets_count_from_the_base);
    tcase_add_test(t, random_documents_and_random_damage);
}

SUITE_MAIN("formats/json", add)
