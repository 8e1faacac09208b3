/* GGUF files, good and bad: what the reader takes, what it refuses and how it says so, what types mean. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/half.h"
#include "families/family.h"
#include "formats/convert.h"
#include "formats/gguf.h"
#include "formats/gguf_names.h"
#include "formats/gguf_tokens.h"
#include "formats/hostile.h"
#include "support/gguf_bytes.h"

#define F32 0
#define F16 1
#define Q8_0 8
#define U32 4
#define STRING 8

static gguf_bytes b;

static const char *write_file(void) {
    temp_write(folder, "x.gguf", b.at, b.n);
    return temp_path(folder, "x.gguf");
}

/* The file must be answered so in both modes, and leave nothing. */
static void answered(const char *what, llmcs_status expected, const char *needle) {
    const char *path = write_file();
    for (int mode = 0; mode < 2; mode++) {
        fail_alloc f;
        fail_alloc_init(&f);
        llmcs_allocator a = fail_alloc_get(&f);
        ll_gguf *g = NULL;
        int descriptors = open_descriptors();
        double start = suite_cpu_seconds();
        llmcs_status st = ll_gguf_open(&a, path, (llmcs_load_mode)mode, &g);
        double took = suite_cpu_seconds() - start;
        ck_assert_msg(st == expected, "%s: %s (%s), expected %s", what, llmcs_status_name(st),
                      st ? llmcs_error_message() : "", llmcs_status_name(expected));
        ck_assert_msg(!st || strstr(llmcs_error_message(), needle), "%s: \"%s\" lacks \"%s\"", what,
                      llmcs_error_message(), needle);
        ck_assert_msg((st == LLMCS_OK) == (g != NULL), "%s: handle", what);
        ck_assert_msg(took < MOST_SECONDS, "%s: %.2f s", what, took);
        /* A reading buffer that doubles from nothing to the file, and tables that are a small multiple of it. */
        ck_assert_msg(f.bytes < (long long)(12 * b.n + SMALL_BYTES), "%s: %lld bytes for a file of %zu", what,
                      (long long)f.bytes, b.n);
        ll_gguf_close(&g);
        ck_assert_msg(f.live == 0, "%s: %ld allocations left", what, (long)f.live);
        ck_assert_msg(open_descriptors() == descriptors, "%s: descriptors left open", what);
    }
}

/* Two tensors, a name that is the architecture, and an array of strings. */
static void good_file(uint32_t version) {
    gguf_begin(&b, version, 2, 3);
    gguf_text(&b, "general.architecture", "gpt2");
    gguf_value(&b, "gpt2.block_count", U32, 3, 4);
    gguf_array(&b, "tokenizer.ggml.tokens", STRING, 2);
    gguf_string(&b, "one");
    gguf_string(&b, "");
    gguf_tensor(&b, "a.weight", 2, 3, F32, 0); /* 24 bytes, padded to 32 */
    gguf_tensor(&b, "b.weight", 32, 1, Q8_0, 32);
    gguf_pad(&b, 32);
    gguf_zeros(&b, 32 + 34);
}

START_TEST(a_good_file) {
    llmcs_allocator a = ll_allocator_default();
    for (uint32_t version = 2; version <= 3; version++)
        for (size_t padding = 0; padding < 2; padding++) {
            ll_gguf *g;
            int64_t n = 0;
            const ll_gguf_value *tokens;
            good_file(version);
            if (padding) gguf_pad(&b, 32);
            answered("good", LLMCS_OK, "");
            ck_assert_int_eq(ll_gguf_open(&a, write_file(), LLMCS_LOAD_COPY, &g), LLMCS_OK);
            ck_assert_int_eq(ll_gguf_int(g, "gpt2.block_count", 1, 10, &n), LLMCS_OK);
            ck_assert_int_eq(n, 3);
            ck_assert_int_eq(ll_gguf_array(g, "tokenizer.ggml.tokens", LL_GGUF_STRING, &tokens), LLMCS_OK);
            size_t at = tokens->at, len;
            ck_assert_uint_eq(tokens->n, 2);
            ck_assert(!memcmp(ll_gguf_next_string(g, &at, &len), "one", 3) && len == 3);
            ll_gguf_next_string(g, &at, &len);
            ck_assert_uint_eq(len, 0);
            const ll_tensor *t = ll_gguf_find_tensor(g, "a.weight");
            ck_assert(t && t->rank == 2 && t->shape[0] == 3 && t->shape[1] == 2 && t->n_bytes == 24 && t->out_in);
            ck_assert_ptr_null(ll_gguf_find(g, "gpt2.block_coun"));
            ck_assert_ptr_null(ll_gguf_find(g, "zzz"));
            ck_assert_ptr_null(ll_gguf_find_tensor(g, "a"));
            ll_gguf_close(&g);
        }
}
END_TEST

START_TEST(values_of_the_wrong_type) {
    llmcs_allocator a = ll_allocator_default();
    ll_gguf *g;
    int64_t n = 0;
    double d = 0;
    bool on;
    const char *text;
    size_t len;
    const ll_gguf_value *array;
    good_file(3);
    ck_assert_int_eq(ll_gguf_open(&a, write_file(), LLMCS_LOAD_COPY, &g), LLMCS_OK);
    ck_assert_int_eq(ll_gguf_int(g, "general.architecture", 0, 9, &n), LLMCS_CONFIG);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "found \"gpt2\""));
    ck_assert_int_eq(ll_gguf_int(g, "gpt2.block_count", 4, 9, &n), LLMCS_CONFIG);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "an integer from 4 to 9, found 3"));
    ck_assert_int_eq(ll_gguf_double(g, "gpt2.block_count", 0, 9, &d), LLMCS_CONFIG);
    ck_assert_int_eq(ll_gguf_bool(g, "gpt2.block_count", &on), LLMCS_CONFIG);
    ck_assert_int_eq(ll_gguf_text(g, "gpt2.block_count", &text, &len), LLMCS_CONFIG);
    ck_assert_int_eq(ll_gguf_int(g, "tokenizer.ggml.tokens", 0, 9, &n), LLMCS_TOKENIZER);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "an array of 2 string"));
    ck_assert_int_eq(ll_gguf_array(g, "tokenizer.ggml.tokens", LL_GGUF_I32, &array), LLMCS_TOKENIZER);
    ck_assert_int_eq(ll_gguf_array(g, "gpt2.block_count", LL_GGUF_I32, &array), LLMCS_CONFIG);
    n = 77;
    ck_assert_int_eq(ll_gguf_int(g, "nothing", 0, 9, &n), LLMCS_OK);
    ck_assert_int_eq(n, 77);
    ll_gguf_close(&g);
}
END_TEST

/* Every integer type at its ends, and both floats. */
START_TEST(numbers_of_every_type) {
    static const struct {
        uint32_t type;
        uint64_t bits;
        size_t n_bytes;
        int64_t value;
    } ints[] = {{0, 0xff, 1, 255},
                {1, 0x80, 1, -128},
                {2, 0xffff, 2, 65535},
                {3, 0x8000, 2, -32768},
                {4, 0xffffffff, 4, 4294967295},
                {5, 0x80000000, 4, INT32_MIN},
                {10, INT64_MAX, 8, INT64_MAX},
                {11, 1ull << 63, 8, INT64_MIN}};
    llmcs_allocator a = ll_allocator_default();
    for (size_t i = 0; i < sizeof ints / sizeof *ints; i++) {
        ll_gguf *g;
        int64_t n = 0;
        gguf_begin(&b, 3, 0, 1);
        gguf_value(&b, "n", ints[i].type, ints[i].bits, ints[i].n_bytes);
        ck_assert_int_eq(ll_gguf_open(&a, write_file(), LLMCS_LOAD_COPY, &g), LLMCS_OK);
        ck_assert_int_eq(ll_gguf_int(g, "n", INT64_MIN, INT64_MAX, &n), LLMCS_OK);
        ck_assert_int_eq(n, ints[i].value);
        ll_gguf_close(&g);
    }
    ll_gguf *g;
    double d = 0;
    int64_t n;
    gguf_begin(&b, 3, 0, 4);
    gguf_value(&b, "f", 6, 0xbf000000, 4);          /* -0.5 */
    gguf_value(&b, "d", 12, 0x3fe0000000000000, 8); /* 0.5 */
    gguf_value(&b, "nan", 6, 0x7fc00000, 4);
    gguf_value(&b, "large", 10, 1ull << 63, 8);
    ck_assert_int_eq(ll_gguf_open(&a, write_file(), LLMCS_LOAD_COPY, &g), LLMCS_OK);
    ck_assert_int_eq(ll_gguf_double(g, "f", -1, 1, &d), LLMCS_OK);
    ck_assert(d <= -0.5 && d >= -0.5);
    ck_assert_int_eq(ll_gguf_double(g, "d", -1, 1, &d), LLMCS_OK);
    ck_assert(d <= 0.5 && d >= 0.5);
    ck_assert_int_eq(ll_gguf_double(g, "nan", -1, 1, &d), LLMCS_CONFIG);
    ck_assert_int_eq(ll_gguf_int(g, "large", 0, INT64_MAX, &n), LLMCS_CONFIG);
    ll_gguf_close(&g);
}
END_TEST

/* --------------------------------------------------------------------------------------------- catalogue */

START_TEST(beginnings) {
    good_file(3);
    memcpy(b.at, "GGML", 4);
    answered("magic", LLMCS_FORMAT, "expected \"GGUF\"");
    good_file(1);
    answered("version 1", LLMCS_UNSUPPORTED, "version 1");
    good_file(4);
    answered("version 4", LLMCS_UNSUPPORTED, "version 4");
    good_file(3u << 24);
    answered("big-endian", LLMCS_UNSUPPORTED, "big-endian");
    gguf_begin(&b, 3, 0, 0);
    answered("nothing in it", LLMCS_OK, "");
    gguf_zeros(&b, 40);
    answered("bytes behind nothing", LLMCS_FORMAT, "after the last tensor");
    gguf_begin(&b, 3, 1ull << 40, 0);
    answered("tensors", LLMCS_LIMIT, "byte 8");
    gguf_begin(&b, 3, UINT64_MAX, 0);
    answered("tensors", LLMCS_LIMIT, "byte 8");
    gguf_begin(&b, 3, 0, UINT64_MAX);
    answered("keys", LLMCS_LIMIT, "byte 16");
    gguf_begin(&b, 3, 0, 60000);
    answered("keys that are not there", LLMCS_FORMAT, "is the download complete");
    gguf_begin(&b, 3, 60000, 0);
    answered("tensors that are not there", LLMCS_FORMAT, "is the download complete");
}
END_TEST

START_TEST(truncated_everywhere) {
    good_file(3);
    size_t whole = b.n;
    for (b.n = 0; b.n < whole; b.n++)
        answered("truncated", LLMCS_FORMAT, b.n < 4 ? "byte 0" : "is the download complete");
    b.n = whole;
    answered("whole", LLMCS_OK, "");
    b.n = (whole + 31) / 32 * 32;
    answered("with its padding", LLMCS_OK, "");
    b.n++;
    answered("and a byte", LLMCS_FORMAT, "after the last tensor");
}
END_TEST

START_TEST(keys_and_values) {
    gguf_begin(&b, 3, 0, 2);
    gguf_value(&b, "k", U32, 1, 4);
    gguf_value(&b, "k", U32, 2, 4);
    answered("twice", LLMCS_FORMAT, "occurs twice");
    gguf_begin(&b, 3, 0, 1);
    gguf_value(&b, "", U32, 1, 4);
    answered("empty key", LLMCS_FORMAT, "empty");
    gguf_begin(&b, 3, 0, 1);
    gguf_value(&b, "a\xff", U32, 1, 4);
    answered("key that is not UTF-8", LLMCS_FORMAT, "not UTF-8");
    gguf_begin(&b, 3, 0, 1);
    gguf_int(&b, 2, 8);
    gguf_raw(&b, "a\0", 2);
    gguf_int(&b, U32, 4);
    gguf_int(&b, 1, 4);
    answered("key with a NUL", LLMCS_FORMAT, "not UTF-8 or has a NUL");
    gguf_begin(&b, 3, 0, 1);
    gguf_value(&b, "k", 13, 1, 4);
    answered("type", LLMCS_FORMAT, "type 13");
    gguf_begin(&b, 3, 0, 1);
    gguf_value(&b, "k", UINT32_MAX, 1, 4);
    answered("type", LLMCS_FORMAT, "type 4294967295");
    gguf_begin(&b, 3, 0, 1);
    gguf_value(&b, "k", 7, 2, 1);
    answered("bool", LLMCS_FORMAT, "neither 0 nor 1");
    gguf_begin(&b, 3, 0, 1);
    gguf_array(&b, "k", 7, 3);
    gguf_raw(&b, "\0\1\2", 3);
    answered("bools", LLMCS_FORMAT, "neither 0 nor 1");
    gguf_begin(&b, 3, 0, 1);
    gguf_array(&b, "k", 9, 1);
    gguf_zeros(&b, 64);
    answered("array of arrays", LLMCS_UNSUPPORTED, "array of arrays");
    static const uint64_t lengths[] = {100, UINT64_MAX, UINT64_MAX / 8, UINT64_MAX / 8 + 1, 1ull << 61, 1ull << 32};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        for (uint32_t type = 0; type < 13; type++) {
            if (type == 9) continue;
            gguf_begin(&b, 3, 0, 1);
            gguf_array(&b, "k", type, lengths[i]);
            gguf_zeros(&b, 16);
            answered("array length", LLMCS_FORMAT, "is the download complete");
        }
    gguf_begin(&b, 3, 0, 1);
    gguf_int(&b, UINT64_MAX, 8);
    answered("key length", LLMCS_FORMAT, "is the download complete");
    gguf_begin(&b, 3, 0, 1);
    gguf_string(&b, "k");
    gguf_int(&b, STRING, 4);
    gguf_int(&b, UINT64_MAX - 3, 8);
    answered("text length", LLMCS_FORMAT, "is the download complete");
}
END_TEST

START_TEST(long_keys) {
    char key[LL_MAX_GGUF_NAME_BYTES + 2];
    memset(key, 'k', sizeof key - 1);
    key[sizeof key - 1] = 0;
    gguf_begin(&b, 3, 1, 0);
    gguf_tensor(&b, key, 1, 1, F32, 0);
    gguf_pad(&b, 32);
    gguf_zeros(&b, 4);
    answered("tensor's name", LLMCS_LIMIT, "65 bytes, at most 64");
    gguf_begin(&b, 3, 1, 0);
    gguf_tensor(&b, key + 1, 1, 1, F32, 0);
    gguf_pad(&b, 32);
    gguf_zeros(&b, 4);
    answered("tensor's name of 64", LLMCS_OK, "");
    gguf_begin(&b, 3, 0, 0);
    static unsigned char many[24 + 8 + 65536 + 8];
    memcpy(many, b.at, 24);
    many[16] = 1;
    many[26] = 1; /* length 65536 */
    memset(many + 32, 'k', 65536);
    many[32 + 65536] = U32;
    temp_write(folder, "x.gguf", many, sizeof many);
    llmcs_allocator a = ll_allocator_default();
    ll_gguf *g;
    ck_assert_int_eq(ll_gguf_open(&a, temp_path(folder, "x.gguf"), LLMCS_LOAD_COPY, &g), LLMCS_LIMIT);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "at most 65535"));
}
END_TEST

/* One tensor and an alignment. */
static void aligned(uint32_t type, uint64_t alignment, size_t n_bytes, uint64_t offset) {
    gguf_begin(&b, 3, 1, 1);
    gguf_value(&b, "general.alignment", type, alignment, n_bytes);
    gguf_tensor(&b, "t", 1, 1, F32, offset);
    if (alignment && alignment <= 4096) gguf_pad(&b, (size_t)alignment);
    gguf_zeros(&b, 4);
}

START_TEST(alignments) {
    static const uint64_t bad[] = {0, 1, 2, 4, 7, 12, 24, 33, 96};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        aligned(U32, bad[i], 4, 0);
        answered("alignment", LLMCS_FORMAT, "power of two");
    }
    aligned(U32, 8, 4, 0);
    answered("8", LLMCS_OK, "");
    aligned(U32, 4096, 4, 0);
    answered("4096", LLMCS_OK, "");
    aligned(U32, 1u << 31, 4, 0);
    answered("2^31", LLMCS_LIMIT, "general.alignment");
    aligned(10, 32, 8, 0);
    answered("u64", LLMCS_FORMAT, "u32");
    aligned(U32, 32, 4, 4);
    answered("misaligned", LLMCS_FORMAT, "multiple of alignment");
    aligned(U32, 32, 4, 32);
    answered("begins late", LLMCS_FORMAT, "expected 0");
    aligned(U32, 32, 4, 1ull << 63);
    answered("far away", LLMCS_FORMAT, "expected 0");
    aligned(U32, 32, 4, UINT64_MAX - 31);
    answered("wraps", LLMCS_FORMAT, "expected 0");
}
END_TEST

static void two_tensors(uint64_t second_offset, size_t data_bytes) {
    gguf_begin(&b, 3, 2, 0);
    gguf_tensor(&b, "first", 16, 1, F32, 0);
    gguf_tensor(&b, "second", 8, 1, F32, second_offset);
    gguf_pad(&b, 32);
    gguf_zeros(&b, data_bytes);
}

START_TEST(tensors_in_their_places) {
    two_tensors(64, 96);
    answered("side by side", LLMCS_OK, "");
    two_tensors(32, 96);
    answered("overlap", LLMCS_FORMAT, "\"first\" and \"second\" overlap");
    two_tensors(0, 96);
    answered("alias", LLMCS_FORMAT, "overlap");
    two_tensors(96, 128);
    answered("hole", LLMCS_FORMAT, "hole");
    two_tensors(64, 95);
    answered("short", LLMCS_FORMAT, "ends at byte 96 of the data, the file has 95");
    two_tensors(64, 97);
    answered("long", LLMCS_FORMAT, "1 bytes after");
    gguf_begin(&b, 3, 2, 0); /* in another order */
    gguf_tensor(&b, "second", 8, 1, F32, 64);
    gguf_tensor(&b, "first", 16, 1, F32, 0);
    gguf_pad(&b, 32);
    gguf_zeros(&b, 96);
    answered("another order", LLMCS_OK, "");
    gguf_begin(&b, 3, 2, 0);
    gguf_tensor(&b, "same", 8, 1, F32, 0);
    gguf_tensor(&b, "same", 8, 1, F32, 32);
    gguf_pad(&b, 32);
    gguf_zeros(&b, 64);
    answered("twice", LLMCS_FORMAT, "\"same\": the name occurs twice");
}
END_TEST

static void one_tensor(uint64_t inner, uint64_t outer, uint32_t type) {
    gguf_begin(&b, 3, 1, 0);
    gguf_tensor(&b, "t.weight", inner, outer, type, 0);
    gguf_pad(&b, 32);
    gguf_zeros(&b, 64);
}

START_TEST(shapes_and_types) {
    static const uint64_t huge[][2] = {
        {1ull << 32, 1ull << 32}, {1ull << 63, 2},          {(1ull << 42) + 1, 1ull << 22},
        {UINT64_MAX, 1},          {UINT64_MAX, UINT64_MAX}, {0, 1ull << 63},
        {1ull << 63, 0}};
    for (size_t i = 0; i < sizeof huge / sizeof *huge; i++) {
        one_tensor(huge[i][0], huge[i][1], F32);
        answered("huge", LLMCS_FORMAT, "more elements");
    }
    one_tensor(1ull << 30, 1ull << 20, F32);
    answered("larger than the file", LLMCS_FORMAT, "is the download complete");
    static const uint32_t gone[] = {4, 5, 31, 33, 36, 38, 1000, UINT32_MAX};
    for (size_t i = 0; i < sizeof gone / sizeof *gone; i++) {
        one_tensor(32, 1, gone[i]);
        answered("type", LLMCS_UNSUPPORTED, "unknown type");
    }
    one_tensor(33, 1, Q8_0);
    answered("blocks", LLMCS_FORMAT, "rows of 33 elements do not fill blocks of 32 (Q8_0)");
    one_tensor(16, 2, Q8_0); /* 32 elements, but not in a row */
    answered("blocks", LLMCS_FORMAT, "rows of 16");
    gguf_begin(&b, 3, 1, 0);
    gguf_string(&b, "t");
    gguf_int(&b, 5, 4);
    gguf_zeros(&b, 64);
    answered("rank", LLMCS_LIMIT, "4 dimensions");
    gguf_begin(&b, 3, 1, 0); /* a scalar */
    gguf_string(&b, "t");
    gguf_int(&b, 0, 4);
    gguf_int(&b, F32, 4);
    gguf_int(&b, 0, 8);
    gguf_pad(&b, 32);
    gguf_zeros(&b, 4);
    answered("scalar", LLMCS_OK, "");
    one_tensor(0, 5, F32); /* empty, and the data behind it belongs to nobody */
    answered("empty", LLMCS_FORMAT, "after the last tensor");
    b.n -= 64;
    answered("empty", LLMCS_OK, "");
}
END_TEST

/* Any byte of a file changed: accepted or refused, nothing worse. */
START_TEST(damaged) {
    uint64_t seed = 20261122;
    printf("formats/gguf: seed %llu\n", (unsigned long long)seed);
    llmcs_allocator a = ll_allocator_default();
    for (int i = 0; i < 3000; i++) {
        ll_gguf *g;
        good_file(3);
        for (size_t k = random_below(&seed, 3) + 1; k > 0; k--)
            b.at[random_below(&seed, b.n)] = (unsigned char)random_next(&seed);
        llmcs_status st = ll_gguf_open(&a, write_file(), (llmcs_load_mode)(i & 1), &g);
        ck_assert(st == LLMCS_OK || st == LLMCS_FORMAT || st == LLMCS_LIMIT || st == LLMCS_UNSUPPORTED);
        ll_gguf_close(&g);
    }
}
END_TEST

START_TEST(no_memory) {
    good_file(3);
    const char *path = write_file();
    for (long n = 0;; n++) {
        fail_alloc f;
        fail_alloc_init(&f);
        f.fail_at = n;
        llmcs_allocator a = fail_alloc_get(&f);
        ll_gguf *g;
        llmcs_status st = ll_gguf_open(&a, path, LLMCS_LOAD_COPY, &g);
        ll_gguf_close(&g);
        ck_assert_int_eq(f.live, 0);
        if (f.calls <= n) {
            ck_assert_int_eq(st, LLMCS_OK);
            ck_assert_int_gt(n, 5);
            return;
        }
        ck_assert_int_eq(st, LLMCS_NOMEM);
    }
}
END_TEST

/* A header larger than what is read at first; the sizes make the buffer grow at every kind of place. */
START_TEST(a_long_header) {
    llmcs_allocator a = ll_allocator_default();
    for (size_t n = 4000; n < 4030; n++) {
        size_t size = 24 + 8 + 1 + 16 + n * 40, at = 0;
        unsigned char *file = calloc(1, size);
        gguf_begin(&b, 3, 0, 1);
        gguf_array(&b, "k", STRING, n);
        memcpy(file, b.at, b.n);
        at = b.n;
        for (size_t i = 0; i < n; i++) {
            file[at] = 32;
            memset(file + at + 8, 'a' + (int)(i % 26), 32);
            at += 40;
        }
        temp_write(folder, "x.gguf", file, at);
        ll_gguf *g;
        const ll_gguf_value *v;
        ck_assert_int_eq(ll_gguf_open(&a, temp_path(folder, "x.gguf"), LLMCS_LOAD_COPY, &g), LLMCS_OK);
        ck_assert_int_eq(ll_gguf_array(g, "k", LL_GGUF_STRING, &v), LLMCS_OK);
        size_t p = v->at, len;
        for (size_t i = 0; i < n; i++) {
            const char *text = ll_gguf_next_string(g, &p, &len);
            ck_assert(len == 32 && text[0] == 'a' + (int)(i % 26) && text[31] == text[0]);
        }
        ll_gguf_close(&g);
        free(file);
    }
}
END_TEST

/* ------------------------------------------------------------------------------------------------- types */

static uint16_t half_of(float f) {
    unsigned char to[2];
    size_t bad;
    ck_assert(ll_convert_from_f32(LL_DTYPE_F16, &f, 1, to, &bad));
    return (uint16_t)(to[0] | to[1] << 8);
}

START_TEST(floats_there_and_back) {
    size_t bad;
    for (uint32_t h = 0; h < 65536; h++) { /* every finite float16 and bfloat16 comes back */
        unsigned char to[2];
        float f = ll_half_to_float((uint16_t)h);
        if ((h & 0x7c00) != 0x7c00) ck_assert_uint_eq(half_of(f), h);
        f = ll_bfloat_to_float((uint16_t)h);
        bool finite = (h & 0x7f80) != 0x7f80;
        ck_assert_int_eq(ll_convert_from_f32(LL_DTYPE_BF16, &f, 1, to, &bad), finite);
        if (finite) ck_assert_uint_eq((uint32_t)(to[0] | to[1] << 8), h);
    }
    /* To nearest, ties to even: 2049 lies between 2048 and 2050, 2051 between 2050 and 2052. */
    ck_assert_uint_eq(half_of(2049), half_of(2048));
    ck_assert_uint_eq(half_of(2051), half_of(2052));
    ck_assert_uint_eq(half_of(2049.01f), half_of(2050));
    ck_assert_uint_eq(half_of(0x1p-25f), 0);
    ck_assert_uint_eq(half_of(0x1.000002p-25f), 1);
    ck_assert_uint_eq(half_of(-0x1.8p-24f), 0x8002);
    ck_assert_uint_eq(half_of(65519.99f), 0x7bff);
    float large[3] = {1, 65520, 1}, nan[2] = {0, NAN};
    unsigned char to[64];
    ck_assert(!ll_convert_from_f32(LL_DTYPE_F16, large, 3, to, &bad) && bad == 1);
    ck_assert(!ll_convert_from_f32(LL_DTYPE_BF16, nan, 2, to, &bad) && bad == 1);
    ck_assert(!ll_convert_from_f32(LL_DTYPE_F32, nan, 2, to, &bad) && bad == 1);
}
END_TEST

/* The definitions, in double precision. */
START_TEST(blocks_there_and_back) {
    uint64_t seed = 5;
    for (int i = 0; i < 2000; i++) {
        float x[64], back[64];
        unsigned char raw[68];
        size_t bad;
        random_fill(&seed, powf(10, (float)(i % 9) - 6), x, 64);
        ck_assert(ll_convert_from_f32(LL_DTYPE_Q8_0, x, 64, raw, &bad));
        ll_convert_to_f32(LL_DTYPE_Q8_0, raw, 64, back);
        for (size_t k = 0; k < 64; k++) {
            float most = 0;
            for (size_t j = k / 32 * 32; j < k / 32 * 32 + 32; j++) most = fmaxf(most, fabsf(x[j]));
            ck_assert(fabsf(back[k] - x[k]) <= most / 127 * 0.5f + most * 0x1p-10f + 0x1p-18f);
        }
        ck_assert(ll_convert_from_f32(LL_DTYPE_Q4_0, x, 64, raw, &bad));
        ll_convert_to_f32(LL_DTYPE_Q4_0, raw, 64, back);
        for (size_t k = 0; k < 64; k++) {
            float most = 0;
            for (size_t j = k / 32 * 32; j < k / 32 * 32 + 32; j++) most = fmaxf(most, fabsf(x[j]));
            ck_assert(fabsf(back[k] - x[k]) <= most / 8 * 1.01f + 0x1p-15f); /* the other sign ends at 7 */
        }
    }
}
END_TEST

START_TEST(blocks_by_hand) {
    float x[32] = {0}, back[256];
    unsigned char raw[34];
    size_t bad;
    x[3] = -127;
    x[5] = 1.5f; /* rounds away from zero */
    x[6] = -0.5f;
    ck_assert(ll_convert_from_f32(LL_DTYPE_Q8_0, x, 32, raw, &bad));
    ck_assert(raw[0] == 0 && raw[1] == 0x3c && raw[2 + 3] == 0x81 && raw[2 + 5] == 2 && raw[2 + 6] == 0xff);
    memset(x, 0, sizeof x);
    x[0] = 4;
    x[16] = -8;
    x[1] = 8; /* the first of the largest is -8's rival: element 1 stands before 16 */
    ck_assert(ll_convert_from_f32(LL_DTYPE_Q4_0, x, 32, raw, &bad));
    ck_assert(raw[0] == 0 && raw[1] == 0xbc); /* d = 8 / -8 */
    ck_assert(raw[2] == (4 | 15 << 4) && raw[3] == (0 | 8 << 4) && raw[4] == (8 | 8 << 4));
    memset(x, 0, sizeof x);
    ck_assert(ll_convert_from_f32(LL_DTYPE_Q8_0, x, 32, raw, &bad));
    for (size_t i = 0; i < 34; i++) ck_assert_uint_eq(raw[i], 0);
    ck_assert(ll_convert_from_f32(LL_DTYPE_Q4_0, x, 32, raw, &bad));
    ck_assert(raw[0] == 0 && raw[2] == 0x88);
    for (size_t i = 0; i < 32; i++) x[i] = 1e-44f; /* too small for any scale: zeros */
    ck_assert(ll_convert_from_f32(LL_DTYPE_Q8_0, x, 32, raw, &bad) && raw[0] == 0 && raw[1] == 0 && raw[2] == 0);
    x[7] = INFINITY;
    ck_assert(!ll_convert_from_f32(LL_DTYPE_Q8_0, x, 32, raw, &bad) && bad == 7);
    x[7] = NAN;
    ck_assert(!ll_convert_from_f32(LL_DTYPE_Q4_0, x, 32, raw, &bad) && bad == 7);
    x[7] = 1e7f; /* 1e7 / 127 is no float16 */
    ck_assert(!ll_convert_from_f32(LL_DTYPE_Q8_0, x, 32, raw, &bad) && bad == 7);
    /* Q4_1: d = 2, m = -1. Q6_K: d = 1, scales 1 to 16, all bits of element 0 set. */
    unsigned char q41[20] = {0, 0x40, 0, 0xbc, 0x3f}, q6k[210] = {0};
    ll_convert_to_f32(LL_DTYPE_Q4_1, q41, 32, back);
    ck_assert(fabsf(back[0] - 29) < 1e-6f && fabsf(back[16] - 5) < 1e-6f && fabsf(back[1] + 1) < 1e-6f);
    q6k[0] = 0x0f;
    q6k[128] = 3;
    q6k[209] = 0x3c;
    for (int i = 0; i < 16; i++) q6k[192 + i] = (unsigned char)(i + 1);
    ll_convert_to_f32(LL_DTYPE_Q6_K, q6k, 256, back);
    ck_assert(fabsf(back[0] - 31) < 1e-6f && fabsf(back[1] + 32) < 1e-6f && fabsf(back[255] + 32 * 16) < 1e-3f);
    ck_assert(fabsf(back[16] + 64) < 1e-6f && fabsf(back[128] + 32 * 9) < 1e-3f);
}
END_TEST

/* Any range of a tensor in blocks is the same as that range of the whole. */
START_TEST(ranges_of_blocks) {
    uint64_t seed = 9;
    llmcs_allocator a = ll_allocator_default();
    ll_log log = {NULL, NULL};
    float x[5 * 64], whole[5 * 64], part[5 * 64];
    unsigned char raw[5 * 68], back[5 * 68];
    size_t bad;
    random_fill(&seed, 1, x, 320);
    ck_assert(ll_convert_from_f32(LL_DTYPE_Q8_0, x, 320, raw, &bad));
    gguf_begin(&b, 3, 1, 1);
    gguf_text(&b, "general.architecture", "gpt2");
    gguf_tensor(&b, "token_embd.weight", 64, 5, Q8_0, 0);
    gguf_pad(&b, 32);
    gguf_raw(&b, raw, sizeof raw);
    const char *path = write_file();
    for (int mode = 0; mode < 2; mode++) {
        ll_source source;
        ll_tensors *t;
        ck_assert_int_eq(ll_source_open(&source, &a, path, (llmcs_load_mode)mode), LLMCS_OK);
        ck_assert_int_eq(ll_tensors_open(&a, &source, (llmcs_load_mode)mode, &log, &t), LLMCS_OK);
        const ll_tensor *w = ll_tensors_find(t, "transformer.wte.weight");
        ck_assert_ptr_nonnull(w);
        ck_assert_int_eq(ll_tensors_read_f32(t, w, 0, 320, whole), LLMCS_OK);
        for (int i = 0; i < 500; i++) {
            size_t first = random_below(&seed, 321), n = random_below(&seed, 321 - first);
            memset(part, 0xff, sizeof part);
            ck_assert_int_eq(ll_tensors_read_f32(t, w, first, n, part), LLMCS_OK);
            ck_assert_int_eq(memcmp(part, whole + first, n * sizeof *part), 0);
        }
        ck_assert_int_eq(ll_tensors_read_f32(t, w, 300, 21, part), LLMCS_ARG);
        ck_assert_int_eq(ll_tensors_read_raw(t, w, 0, sizeof back, back), LLMCS_OK);
        ck_assert_int_eq(memcmp(back, raw, sizeof raw), 0);
        ck_assert_int_eq(ll_tensors_read_raw(t, w, 33, 35, back), LLMCS_OK);
        ck_assert_int_eq(memcmp(back, raw + 33, 35), 0);
        ck_assert_int_eq(ll_tensors_read_raw(t, w, 1, sizeof raw, back), LLMCS_ARG);
        ck_assert_int_eq(ll_tensors_read_raw(t, w, UINT64_MAX, 1, back), LLMCS_ARG);
        ll_tensors_close(&t);
        ll_source_close(&source);
    }
}
END_TEST

/* ------------------------------------------------------------------------------------------------- names */

START_TEST(names_both_ways) {
    static const struct {
        const ll_family *family;
        const char *gguf, *checkpoint;
    } cases[] = {
        {&ll_family_gpt2, "token_embd.weight", "transformer.wte.weight"},
        {&ll_family_gpt2, "blk.11.attn_qkv.bias", "transformer.h.11.attn.c_attn.bias"},
        {&ll_family_gpt2, "output.weight", "lm_head.weight"},
        {&ll_family_gpt2, "output_norm.bias", "transformer.ln_f.bias"},
        {&ll_family_bert, "blk.0.layer_output_norm.weight", "bert.encoder.layer.0.output.LayerNorm.weight"},
        {&ll_family_bert, "cls.weight", "bert.pooler.dense.weight"},
        {&ll_family_bert, "cls.output.bias", "classifier.bias"},
        {&ll_family_bert, "token_embd_norm.weight", "bert.embeddings.LayerNorm.weight"},
        {&ll_family_distilbert, "blk.3.ffn_up.weight", "distilbert.transformer.layer.3.ffn.lin1.weight"},
        {&ll_family_distilbert, "cls.weight", "pre_classifier.weight"},
        {&ll_family_roberta, "cls.output.weight", "classifier.out_proj.weight"},
        {&ll_family_roberta, "token_types.weight", "roberta.embeddings.token_type_embeddings.weight"},
    };
    char out[LL_MAX_NAME_TEXT], long_name[200];
    bool known;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert(ll_gguf_to_checkpoint(cases[i].family, cases[i].gguf, out));
        ck_assert_str_eq(out, cases[i].checkpoint);
        ck_assert(ll_checkpoint_to_gguf(cases[i].family, cases[i].checkpoint, out, &known) && known);
        ck_assert_str_eq(out, cases[i].gguf);
    }
    ck_assert(ll_checkpoint_to_gguf(&ll_family_gpt2, "h.0.ln_1.weight", out, &known) && known);
    ck_assert_str_eq(out, "blk.0.attn_norm.weight"); /* without the prefix */
    ck_assert(ll_checkpoint_to_gguf(&ll_family_bert, "pooler.dense.bias", out, &known) && known);
    ck_assert_str_eq(out, "cls.bias");
    ck_assert(ll_checkpoint_to_gguf(&ll_family_roberta, "pooler.dense.bias", out, &known) && !known);
    ck_assert_str_eq(out, "llmcs.pooler.bias");
    ck_assert(ll_gguf_to_checkpoint(&ll_family_roberta, "llmcs.pooler.bias", out));
    ck_assert_str_eq(out, "roberta.pooler.dense.bias");
    static const char *const strange[] = {
        "blk.weight",   "blk.x.ffn_up.weight", "blk.1.nothing.weight",         "weight",
        "blk.1.weight", "token_embd",          "blk.99999999999.ffn_up.weight"};
    for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) {
        ck_assert(ll_gguf_to_checkpoint(&ll_family_bert, strange[i], out));
        ck_assert_str_eq(out, strange[i]);
    }
    ck_assert(ll_checkpoint_to_gguf(&ll_family_bert, "cls.predictions.bias", out, &known) && !known);
    ck_assert_str_eq(out, "cls.predictions.bias");
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = 0;
    ck_assert(!ll_gguf_to_checkpoint(&ll_family_bert, long_name, out));
}
END_TEST

START_TEST(tokens_both_ways) {
    static const char *const tokens[] = {"the",       "##ing",        "##",           "#", "", "[", "[x", "]", "##]",
                                         "[unused7]", "\xe2\x96\x81", "\xe2\x96\x81x"};
    static const char *const literal[] = {"##[x]", "##\xe2\x96\x81", "##[]"};
    const char *prefix;
    size_t skip;
    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++) {
        char phantom[64], token[64];
        ll_vocab_entry e = {0};
        size_t len = strlen(tokens[i]);
        ck_assert(ll_token_to_phantom(tokens[i], len, &prefix, &skip));
        int n = snprintf(phantom, sizeof phantom, "%s%s", prefix, tokens[i] + skip);
        e.token = phantom;
        e.token_bytes = (uint32_t)n;
        ll_token_from_phantom(phantom, (size_t)n, token, &e);
        ck_assert_msg(e.token_bytes == len && !memcmp(e.token, tokens[i], len), "\"%s\"", tokens[i]);
    }
    for (size_t i = 0; i < sizeof literal / sizeof *literal; i++)
        ck_assert(!ll_token_to_phantom(literal[i], strlen(literal[i]), &prefix, &skip));
}
END_TEST

/* ggml drops trailing dimensions of 1: a matrix of one row comes as a vector. */
START_TEST(matrices_of_one_row) {
    static const struct {
        const char *name;
        int rank;
    } cases[] = {{"cls.output.weight", 2},
                 {"token_types.weight", 2},
                 {"llmcs.pooler.weight", 2},
                 {"cls.output.bias", 1},
                 {"blk.0.attn_norm.weight", 1},
                 {"lm_head.layer_norm.weight", 1},
                 {"cls.predictions.transform.LayerNorm.weight", 1}};
    const size_t n = sizeof cases / sizeof *cases;
    llmcs_allocator a = ll_allocator_default();
    ll_gguf *g;
    gguf_begin(&b, 3, n, 0);
    for (size_t i = 0; i < n; i++) {
        gguf_string(&b, cases[i].name);
        gguf_int(&b, 1, 4);
        gguf_int(&b, 8, 8);
        gguf_int(&b, F32, 4);
        gguf_int(&b, 32 * i, 8);
    }
    gguf_pad(&b, 32);
    gguf_zeros(&b, 32 * n);
    ck_assert_msg(ll_gguf_open(&a, write_file(), LLMCS_LOAD_COPY, &g) == LLMCS_OK, "%s", llmcs_error_message());
    for (size_t i = 0; i < n; i++) {
        const ll_tensor *t = ll_gguf_find_tensor(g, cases[i].name);
        ck_assert_int_eq(t->rank, cases[i].rank);
        ck_assert(t->shape[t->rank - 1] == 8 && (t->rank == 1 || t->shape[0] == 1) && t->n_elements == 8);
    }
    ll_gguf_close(&g);
}
END_TEST

static void add(TCase *t) {
    tcase_add_checked_fixture(t, make_folder, remove_folder);
    tcase_add_test(t, a_good_file);
    tcase_add_test(t, values_of_the_wrong_type);
    tcase_add_test(t, numbers_of_every_type);
    tcase_add_test(t, beginnings);
    tcase_add_test(t, truncated_everywhere);
    tcase_add_test(t, keys_and_values);
    tcase_add_test(t, long_keys);
    tcase_add_test(t, alignments);
    tcase_add_test(t, tensors_in_their_places);
    tcase_add_test(t, shapes_and_types);
    tcase_add_test(t, damaged);
    tcase_add_test(t, no_memory);
    tcase_add_test(t, a_long_header);
    tcase_add_test(t, floats_there_and_back);
    tcase_add_test(t, blocks_there_and_back);
    tcase_add_test(t, blocks_by_hand);
    tcase_add_test(t, ranges_of_blocks);
    tcase_add_test(t, names_both_ways);
    tcase_add_test(t, tokens_both_ways);
    tcase_add_test(t, matrices_of_one_row);
}

SUITE_MAIN("formats/gguf", add)
