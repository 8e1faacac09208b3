/* Safetensors files that lie, by their headers: S01 to S29 and S45 of the catalogue in TESTING. */
#include <unistd.h>

#include "formats/hostile.h"

#define F32(name, shape, begin, end) \
    "\"" name "\":{\"dtype\":\"F32\",\"shape\":[" shape "],\"data_offsets\":[" #begin "," #end "]}"
#define ONE(dtype, shape, offsets) "{\"a\":{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":" offsets "}}"

/* Bytes as they are, for what is not even a header. */
static void check_bytes(const char *what, const void *bytes, size_t n, llmcs_status one, llmcs_status other,
                        const char *needle) {
    temp_write(folder, "model.safetensors", bytes, n);
    for (int mode = 0; mode < 2; mode++) check_open(what, folder, (llmcs_load_mode)mode, one, other, needle, n);
}

START_TEST(header_lengths) {
    for (size_t n = 0; n < 8; n++) check_bytes("S01, S02", "\1\2\3\4\5\6\7", n, LLMCS_FORMAT, LLMCS_FORMAT, "8 bytes");
    check_bytes("S03", "\0\0\0\0\0\0\0\0", 8, LLMCS_FORMAT, LLMCS_FORMAT, "length is 0");
    check_bytes("S03", "\0\0\0\0\0\0\0\0{}", 10, LLMCS_FORMAT, LLMCS_FORMAT, "length is 0");
    check_bytes("S04", "\1\0\0\0\0\0\0\0{", 9, LLMCS_JSON, LLMCS_JSON, "byte 9");
    static const struct {
        uint64_t length;
        llmcs_status status;
    } lengths[] = {
        {3, LLMCS_FORMAT},
        {100, LLMCS_FORMAT},
        {100000000, LLMCS_FORMAT},
        {100000001, LLMCS_LIMIT},
        {UINT32_MAX, LLMCS_LIMIT},
        {(uint64_t)1 << 32, LLMCS_LIMIT},
        {INT64_MAX, LLMCS_LIMIT},
        {(uint64_t)1 << 63, LLMCS_LIMIT},
        {UINT64_MAX, LLMCS_LIMIT},
        {UINT64_MAX - 1, LLMCS_LIMIT},
        {UINT64_MAX - 7, LLMCS_LIMIT},
        {UINT64_MAX - 8, LLMCS_LIMIT},
        {UINT64_MAX - 9, LLMCS_LIMIT},
        {UINT64_MAX - 15, LLMCS_LIMIT},
    };
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        write_safetensors("model.safetensors", lengths[i].length, "{}", 2, 0);
        for (int mode = 0; mode < 2; mode++)
            check_open("S05 to S07", folder, (llmcs_load_mode)mode, lengths[i].status, lengths[i].status, "header of",
                       2);
    }
    write_safetensors("model.safetensors", 2, "{}", 2, 0);
    check_open("an empty checkpoint is one", folder, LLMCS_LOAD_COPY, LLMCS_OK, LLMCS_OK, "", 2);
    check_header("{}      ", 0, LLMCS_OK, "");
    check_header(" \n\t{} ", 0, LLMCS_OK, "");
}
END_TEST

START_TEST(what_other_files_look_like) {
    static const struct {
        const char *bytes;
        size_t n;
        const char *needle;
    } cases[] = {
        {"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 4\n", 66, "git lfs pull"},
        {"PK\x03\x04\x14\0\0\0\x08\0\0\0archive/data.pkl", 28, "zip archive"},
        {"GGUF\3\0\0\0\0\0\0\0\0\0\0\0", 16, "GGUF"},
        {"<!DOCTYPE html><html><body>404", 30, "web page"},
        {"<html><body>Not Found</body></html>", 35, "web page"},
        {"\x80\x02\x8a\nl\xfc\x9c\x46\xf9 j\xa8P\x19.", 15, "pickle"},
        {"\x89HDF\r\n\x1a\n\0\0\0\0", 12, "HDF5"},
        {"{\"error\":\"Invalid credentials\"}", 31, "JSON"},
        {"\x1f\x8b\x08\0\0\0\0\0\0\3", 10, "gzip"},
        {"<?xml version=\"1.0\"?><Error/>", 29, "server"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_bytes("S45", cases[i].bytes, cases[i].n, LLMCS_FORMAT, LLMCS_FORMAT, cases[i].needle);
}
END_TEST

/* A good file of four tensors, among them an empty one and a scalar: 24 + 0 + 2 + 4 bytes of data. */
static const char good[] =
    "{\"__metadata__\":{\"format\":\"pt\"}," F32("h.0.w", "2,3", 0, 24) "," F32("none", "0,7", 24, 24) ","
    "\"half\":{\"dtype\":\"F16\",\"shape\":[],\"data_offsets\":[24,26]},\"ids\":{\"dtype\":\"I16\",\"shape\":[2],"
    "\"data_offsets\":[26,30]}}";
#define GOOD_DATA 30

START_TEST(truncated_anywhere) {
    check_header(good, GOOD_DATA, LLMCS_OK, "");
    char path[600];
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    size_t header_bytes = strlen(good), size = 8 + header_bytes + GOOD_DATA;
    for (size_t n = size; n-- > 0;) { /* S08, S09: at every byte */
        ck_assert_int_eq(truncate(path, (off_t)n), 0);
        check_open("truncated", folder, n % 2 ? LLMCS_LOAD_COPY : LLMCS_LOAD_MMAP, LLMCS_FORMAT, LLMCS_FORMAT,
                   n < 8 ? "8 bytes" : "download complete", header_bytes);
    }
    for (size_t n = 1; n < header_bytes; n++) { /* the length says so, too: JSON that ends too early */
        write_safetensors("model.safetensors", n, good, n, 0);
        check_open("cut header", folder, LLMCS_LOAD_COPY, LLMCS_JSON, LLMCS_JSON, "byte", n);
    }
}
END_TEST

START_TEST(golden_file_truncated_anywhere) {
    uint64_t seed = 20240607;
    printf("formats/hostile_headers: seed %llu\n", (unsigned long long)seed);
    FILE *f = fopen("tests/data/golden/gpt2-f16/model.safetensors", "rb");
    ck_assert_ptr_nonnull(f);
    static unsigned char bytes[300000];
    size_t size = fread(bytes, 1, sizeof bytes, f), header_bytes = bytes[0] + 256u * bytes[1];
    fclose(f);
    check_bytes("golden", bytes, size, LLMCS_OK, LLMCS_OK, "");
    char path[600];
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    for (int i = 0; i < 1000; i++) {
        size_t n = i < 100 ? size - 1 - (size_t)i : random_below(&seed, size);
        if (i >= 100) temp_write(folder, "model.safetensors", bytes, n);
        ck_assert_int_eq(truncate(path, (off_t)n), 0);
        check_open("truncated golden", folder, (llmcs_load_mode)(i % 2), LLMCS_FORMAT, LLMCS_FORMAT,
                   n < 8 ? "8 bytes" : "download complete", header_bytes);
    }
    /* one byte of the header changed: refused, or a file that is as good as another */
    for (int i = 0; i < 1000; i++) {
        size_t at = 8 + random_below(&seed, header_bytes);
        unsigned char kept = bytes[at];
        bytes[at] = (unsigned char)random_next(&seed);
        temp_write(folder, "model.safetensors", bytes, size);
        fail_alloc a;
        fail_alloc_init(&a);
        llmcs_allocator allocator = fail_alloc_get(&a);
        ll_log log = {NULL, NULL};
        ll_tensors *t;
        llmcs_status st = ll_tensors_open(&allocator, &(ll_source){.path = folder}, LLMCS_LOAD_COPY, &log, &t);
        ck_assert_msg(st == LLMCS_OK || st == LLMCS_FORMAT || st == LLMCS_JSON || st == LLMCS_LIMIT, "%zu", at);
        ll_tensors_close(&t);
        ck_assert_int_eq(a.live, 0);
        bytes[at] = kept;
    }
}
END_TEST

START_TEST(bytes_after_the_last_tensor) {
    static const size_t extra[] = {1, 2, 7, 8, 100, 4095, 4096};
    for (size_t i = 0; i < sizeof extra / sizeof *extra; i++) {
        check_header(good, GOOD_DATA + extra[i], LLMCS_FORMAT, "bytes after the last tensor");
        check_header("{}", extra[i], LLMCS_FORMAT, "bytes after the last tensor");
    }
}
END_TEST

START_TEST(holes_and_overlaps) {
    check_header("{" F32("a", "1", 4, 8) "}", 8, LLMCS_FORMAT, "\"a\"");
    check_header("{" F32("a", "1", 0, 4) "," F32("b", "1", 5, 9) "}", 9, LLMCS_FORMAT, "\"a\" and \"b\" have a hole");
    check_header("{" F32("b", "1", 8, 12) "," F32("a", "1", 0, 4) "}", 12, LLMCS_FORMAT, "\"a\" and \"b\" have a hole");
    check_header("{" F32("a", "1", 0, 4) "," F32("b", "1", 3, 7) "}", 7, LLMCS_FORMAT, "\"a\" and \"b\" overlap");
    check_header("{" F32("a", "2", 0, 8) "," F32("b", "1", 0, 4) "}", 8, LLMCS_FORMAT, "overlap");
    check_header("{" F32("a", "2", 0, 8) "," F32("b", "1", 4, 8) "}", 8, LLMCS_FORMAT, "overlap");
    check_header("{" F32("a", "1", 0, 4) "," F32("b", "1", 0, 4) "}", 4, LLMCS_FORMAT, "overlap"); /* S13 */
    check_header("{" F32("a", "0", 4, 4) "}", 4, LLMCS_FORMAT, "\"a\"");
    check_header("{" F32("a", "1", 0, 4) "," F32("b", "0", 2, 2) "}", 4, LLMCS_FORMAT, "\"b\"");
    /* in any order, and with empty tensors anywhere between */
    check_header("{" F32("b", "1", 4, 8) "," F32("e", "0", 4, 4) "," F32("a", "1", 0, 4) "," F32(
                     "z", "0", 8, 8) "," F32("y", "0", 0, 0) "}",
                 8, LLMCS_OK, "");
}
END_TEST

START_TEST(offsets) {
    static const struct {
        const char *offsets;
        const char *needle;
    } cases[] = {
        {"[4,0]", "end before they begin"},
        {"[8,4]", "end before they begin"},
        {"[-4,0]", "two integers"},
        {"[0,-4]", "two integers"},
        {"[-0,4]", "two integers"},
        {"[0.0,4]", "two integers"},
        {"[0,4.0]", "two integers"},
        {"[0,4e0]", "two integers"},
        {"[0,1e3]", "two integers"},
        {"[\"0\",\"4\"]", "two integers"},
        {"[null,4]", "two integers"},
        {"[0,null]", "two integers"},
        {"[true,4]", "two integers"},
        {"[0]", "two integers"},
        {"[]", "two integers"},
        {"[0,4,4]", "two integers"},
        {"null", "two integers"},
        {"4", "two integers"},
        {"\"0,4\"", "two integers"},
        {"{\"0\":0,\"1\":4}", "two integers"},
        {"[[0],[4]]", "two integers"},
        {"[0,18446744073709551615]", "hold 18446744073709551615"},
        {"[0,18446744073709551616]", "two integers"},
        {"[18446744073709551612,18446744073709551616]", "two integers"},
        {"[18446744073709551611,18446744073709551615]", "the file has 4"}, /* wraps with the base: S17 */
        {"[18446744073709551615,18446744073709551615]", "hold 0"},
        {"[4,8]", "the file has 4"},
        {"[9223372036854775808,9223372036854775812]", "the file has 4"},
        {"[4294967296,4294967300]", "the file has 4"},
        {"[0,3]", "is 4 bytes, its data_offsets hold 3"},
        {"[0,5]", "hold 5"},
        {"[0,0]", "hold 0"},
        {"[1,4]", "hold 3"},
        {"[1,5]", "the file has 4"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char header[300];
        snprintf(header, sizeof header, "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":%s}}",
                 cases[i].offsets);
        check_header(header, 4, LLMCS_FORMAT, cases[i].needle);
    }
    check_header(ONE("\"F32\"", "[1]", "[01,4]"), 4, LLMCS_JSON, "byte");
    check_header(ONE("\"F32\"", "[1]", "[0,1e400]"), 4, LLMCS_LIMIT, "byte");
    size_t n = 10000; /* S16: ten thousand digits */
    char *header = temp_alloc(n + 200);
    size_t at = (size_t)sprintf(header, "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,");
    memset(header + at, '9', n);
    strcpy(header + at + n, "]}}");
    check_header(header, 4, LLMCS_FORMAT, "two integers");
    free(header);
}
END_TEST

START_TEST(shapes) {
    static const struct {
        const char *dtype, *shape;
        llmcs_status status;
        const char *needle;
    } cases[] = {
        {"F32", "[2]", LLMCS_FORMAT, "F32 of [2] is 8 bytes"},
        {"F32", "[1,1,1,1,1,1,1,1]", LLMCS_OK, ""},
        {"F32", "[1,1,1,1,1,1,1,1,1]", LLMCS_LIMIT, "9 dimensions"},
        {"F32", "[]", LLMCS_OK, ""},
        {"U8", "[4]", LLMCS_OK, ""},
        {"U8", "[5]", LLMCS_FORMAT, "is 5 bytes"},
        {"F4", "[8]", LLMCS_OK, ""},
        {"F4", "[7]", LLMCS_FORMAT, "whole bytes"},
        {"F6_E2M3", "[5]", LLMCS_FORMAT, "whole bytes"},
        {"F32", "[4294967296,4294967296]", LLMCS_FORMAT, "more elements"}, /* product wraps to 0 */
        {"F32", "[4294967297,4294967297]", LLMCS_FORMAT, "more elements"},
        {"U8", "[4294967296,4294967296]", LLMCS_FORMAT, "more elements"},
        {"F32", "[4398046511105,4194304]", LLMCS_FORMAT, "more elements"}, /* wraps to 4 * 2^22 */
        {"F32", "[4611686018427387905]", LLMCS_FORMAT, "more elements"},   /* times 4 wraps to 4 */
        {"F32", "[0,9223372036854775808]", LLMCS_FORMAT, "more elements"}, /* S20, both ways round */
        {"F32", "[9223372036854775808,0]", LLMCS_FORMAT, "more elements"},
        {"U8", "[0,18446744073709551615]", LLMCS_FORMAT, "more elements"},
        {"F32", "[18446744073709551615]", LLMCS_FORMAT, "more elements"},
        {"F32", "[18446744073709551616]", LLMCS_FORMAT, "dimension"},
        {"F32", "[-1]", LLMCS_FORMAT, "dimension"},
        {"F32", "[-1,-1]", LLMCS_FORMAT, "dimension"},
        {"F32", "[1.0]", LLMCS_FORMAT, "dimension"},
        {"F32", "[1e0]", LLMCS_FORMAT, "dimension"},
        {"F32", "[\"1\"]", LLMCS_FORMAT, "dimension"},
        {"F32", "[null]", LLMCS_FORMAT, "dimension"},
        {"F32", "[true]", LLMCS_FORMAT, "dimension"},
        {"F32", "[[1]]", LLMCS_FORMAT, "dimension"},
        {"F32", "1", LLMCS_FORMAT, "shape"},
        {"F32", "null", LLMCS_FORMAT, "shape"},
        {"F32", "\"1\"", LLMCS_FORMAT, "shape"},
        {"F32", "{\"0\":1}", LLMCS_FORMAT, "shape"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char header[300];
        snprintf(header, sizeof header, "{\"a\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[0,4]}}",
                 cases[i].dtype, cases[i].shape);
        check_header(header, 4, cases[i].status, cases[i].needle);
    }
    size_t n = 1000000; /* S21: a million dimensions */
    char *header = temp_alloc(2 * n + 200);
    size_t at = (size_t)sprintf(header, "{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4],\"shape\":[1");
    for (size_t i = 1; i < n; i++) {
        header[at++] = ',';
        header[at++] = '1';
    }
    strcpy(header + at, "]}}");
    check_header(header, 4, LLMCS_LIMIT, "1000000 dimensions");
    free(header);
}
END_TEST

START_TEST(dtypes) {
    static const char *const unknown[] = {"F7", "f32", "", "F32 ", "float32", "F8", "I128", "BF32", "F32\\u0000"};
    static const char *const others[] = {"I64",     "U64",         "I32",         "U32",     "I16",     "U16",
                                         "I8",      "U8",          "BOOL",        "C64",     "F8_E5M2", "F8_E4M3",
                                         "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ", "F6_E2M3", "F6_E3M2", "F4"};
    char header[300];
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        snprintf(header, sizeof header, "{\"a\":{\"dtype\":\"%s\",\"shape\":[1],\"data_offsets\":[0,4]}}", unknown[i]);
        check_header(header, 4, LLMCS_FORMAT, "unknown dtype");
    }
    check_header(ONE("32", "[1]", "[0,4]"), 4, LLMCS_FORMAT, "dtype");
    check_header(ONE("null", "[1]", "[0,4]"), 4, LLMCS_FORMAT, "dtype");
    check_header(ONE("[\"F32\"]", "[1]", "[0,4]"), 4, LLMCS_FORMAT, "dtype");
    /* S22, S23: known types open, and only reading them fails, by name */
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        static const int bits[] = {64, 64, 32, 32, 16, 16, 8, 8, 8, 64, 8, 8, 8, 8, 8, 6, 6, 4};
        snprintf(header, sizeof header, "{\"attn.bias\":{\"dtype\":\"%s\",\"shape\":[4],\"data_offsets\":[0,%d]}}",
                 others[i], bits[i] / 2);
        check_header(header, (size_t)bits[i] / 2, LLMCS_OK, "");
        llmcs_allocator a = ll_allocator_default();
        ll_log log = {NULL, NULL};
        ll_tensors *t;
        float out[4];
        ck_assert_int_eq(ll_tensors_open(&a, &(ll_source){.path = folder}, LLMCS_LOAD_COPY, &log, &t), LLMCS_OK);
        ck_assert_int_eq(ll_tensors_read_f32(t, ll_tensors_at(t, 0), 0, 4, out), LLMCS_UNSUPPORTED);
        ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "attn.bias"));
        ck_assert_ptr_nonnull(strstr(llmcs_error_message(), others[i]));
        ll_tensors_close(&t);
    }
}
END_TEST

START_TEST(names_and_keys) {
    check_header("{" F32("a", "1", 0, 4) "," F32("a", "1", 4, 8) "}", 8, LLMCS_FORMAT, "\"a\" occurs twice");
    check_header("{" F32("a", "1", 0, 4) "," F32("\\u0061", "1", 4, 8) "}", 8, LLMCS_FORMAT, "occurs twice");
    check_header("{" F32("a", "0", 0, 0) "," F32("a", "0", 0, 0) "}", 0, LLMCS_FORMAT, "occurs twice");
    check_header("{" F32("", "1", 0, 4) "}", 4, LLMCS_FORMAT, "empty");
    check_header("{" F32("a\\u0000b", "1", 0, 4) "}", 4, LLMCS_FORMAT, "NUL");
    check_header("{" F32("\\ud800", "1", 0, 4) "}", 4, LLMCS_JSON, "surrogate");
    check_header("{" F32("\xff", "1", 0, 4) "}", 4, LLMCS_JSON, "UTF-8");
    check_header("{" F32("\xc0\xaf", "1", 0, 4) "}", 4, LLMCS_JSON, "UTF-8");
    check_header("{" F32("\\n\\u001b[31m", "2", 0, 4) "}", 4, LLMCS_FORMAT, "\\x0a\\x1b[31m"); /* printed escaped */
    check_header("{" F32("\xe6\x9d\x83\xe9\x87\x8d", "1", 0, 4) "}", 4, LLMCS_OK, "");
    check_header("{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, LLMCS_FORMAT,
                 "dtype occurs twice");
    check_header("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"sh\\u0061pe\":[1],\"data_offsets\":[0,4]}}", 4,
                 LLMCS_FORMAT, "shape occurs twice");
    check_header("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"data_offsets\":[0,4]}}", 4,
                 LLMCS_FORMAT, "data_offsets occurs twice");
    check_header("{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4, LLMCS_FORMAT, "dtype");
    check_header("{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, LLMCS_FORMAT, "shape");
    check_header("{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, LLMCS_FORMAT, "data_offsets");
    check_header("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"more\":[null]}}", 4, LLMCS_OK, "");
    static const char *const values[] = {"null", "1", "\"x\"", "[]", "true"};
    for (size_t i = 0; i < 5; i++) {
        char header[64];
        snprintf(header, sizeof header, "{\"tensor.name\":%s}", values[i]);
        check_header(header, 0, LLMCS_FORMAT, "\"tensor.name\": expected an object");
    }
    static const size_t lengths[] = {1024, 1025, 1000000};
    for (size_t i = 0; i < 3; i++) {
        char *header = temp_alloc(lengths[i] + 100);
        header[0] = '{';
        header[1] = '"';
        memset(header + 2, 'n', lengths[i]);
        strcpy(header + 2 + lengths[i], "\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}");
        check_header(header, 4, i ? LLMCS_LIMIT : LLMCS_OK, "1024");
        free(header);
    }
}
END_TEST

START_TEST(metadata) {
    check_header("{\"__metadata__\":{}}", 0, LLMCS_OK, "");
    check_header("{\"__metadata__\":{\"a\":\"b\",\"c\":\"\"}}", 0, LLMCS_OK, "");
    check_header("{\"__metadata__\":{\"step\":7}}", 0, LLMCS_FORMAT, "\"step\"");
    check_header("{\"__metadata__\":{\"a\":null}}", 0, LLMCS_FORMAT, "__metadata__");
    check_header("{\"__metadata__\":{\"a\":{}}}", 0, LLMCS_FORMAT, "__metadata__");
    check_header("{\"__metadata__\":[]}", 0, LLMCS_FORMAT, "__metadata__");
    check_header("{\"__metadata__\":\"x\"}", 0, LLMCS_FORMAT, "__metadata__");
    check_header("{\"__metadata__\":{},\"__metadata__\":{}}", 0, LLMCS_FORMAT, "twice");
    check_header("{\"__metadata__\":{},\"\\u005f_metadata__\":{}}", 0, LLMCS_FORMAT, "twice");
    check_header("{" F32("__metadata__", "1", 0, 4) "}", 4, LLMCS_FORMAT, "__metadata__");
}
END_TEST

START_TEST(headers_that_are_no_json_object) {
    static const struct {
        const char *header;
        llmcs_status status;
        const char *needle;
    } cases[] = {
        {"[]", LLMCS_JSON, "object"},
        {"\"a\"", LLMCS_JSON, "object"},
        {"null", LLMCS_JSON, "object"},
        {"7", LLMCS_JSON, "object"},
        {"true", LLMCS_JSON, "object"},
        {"        ", LLMCS_JSON, "byte 16"},
        {"\xef\xbb\xbf{}", LLMCS_JSON, "byte order mark"},
        {"\xff\xfe{", LLMCS_JSON, "byte 8"},
        {"{} {}", LLMCS_JSON, "byte 11"},
        {"{},", LLMCS_JSON, "byte 10"},
        {"{\"a\":1,}", LLMCS_JSON, "byte 15"},
        {"// no\n{}", LLMCS_JSON, "byte 8"},
        {"{/* no */}", LLMCS_JSON, "byte 9"},
        {"{\"a\":NaN}", LLMCS_JSON, "byte 13"},
        {"{\"a\":Infinity}", LLMCS_JSON, "byte 13"},
        {"{a:1}", LLMCS_JSON, "byte 9"},
        {"{'a':1}", LLMCS_JSON, "byte 9"},
        {"{\"a\":01}", LLMCS_JSON, "byte"},
        {"{\"a\":\"\t\"}", LLMCS_JSON, "control"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_header(cases[i].header, 0, cases[i].status, cases[i].needle);
    check_header_n("{\0\"\0a\0\"\0:\0", 10, 0, LLMCS_JSON, "byte 9"); /* UTF-16 */
    check_header_n("{}\0\0\0\0\0\0", 8, 0, LLMCS_JSON, "byte 10");    /* padded with NUL: spaces are the padding */
    static char deep[2000001];
    memset(deep, '[', 2000000);
    check_header(deep, 0, LLMCS_LIMIT, "64 levels");
    for (size_t i = 0; i + 5 <= 2000000; i += 5) memcpy(deep + i, "{\"a\":", 5);
    check_header(deep, 0, LLMCS_LIMIT, "64 levels");
}
END_TEST

/* S29 and the like: headers of millions of bytes are answered in time and memory of their size. */
START_TEST(large_headers) {
    size_t n = 100000, max = 20000000;
    char *header = temp_alloc(max);
    size_t at = 1;
    header[0] = '{';
    for (size_t i = 0; i < n; i++)
        at += (size_t)sprintf(header + at, "%s\"t%zu\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}",
                              i ? "," : "", i);
    header[at++] = '}';
    check_header_n(header, at, 0, LLMCS_LIMIT, "100000 tensors");
    at = 1; /* the most that is read */
    for (size_t i = 0; i < 65536; i++)
        at += (size_t)sprintf(header + at, "%s\"t%zu\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}",
                              i ? "," : "", i * 7919 % 65536);
    header[at++] = '}';
    check_header_n(header, at, 0, LLMCS_OK, "");
    at = (size_t)sprintf(header, "{\"__metadata__\":{\"k\":\"v\"");
    while (at + 20 < max) at += (size_t)sprintf(header + at, ",\"k\":\"v\"");
    at += (size_t)sprintf(header + at, "}}");
    check_header_n(header, at, 0, LLMCS_LIMIT, "__metadata__");
    at = (size_t)sprintf(header, "{\"a\":[1");
    while (at + 20 < max) {
        header[at++] = ',';
        header[at++] = '1';
    }
    at += (size_t)sprintf(header + at, "]}");
    check_header_n(header, at, 0, LLMCS_FORMAT, "\"a\": expected an object");
    at = (size_t)sprintf(header, "{\"__metadata__\":{\"k\":\"");
    memset(header + at, 'x', 17000000);
    at += 17000000;
    at += (size_t)sprintf(header + at, "\"}}");
    check_header_n(header, at, 0, LLMCS_LIMIT, "16 MiB");
    free(header);
}
END_TEST

static void add(TCase *t) {
    tcase_add_checked_fixture(t, make_folder, remove_folder);
    tcase_add_test(t, header_lengths);
    tcase_add_test(t, what_other_files_look_like);
    tcase_add_test(t, truncated_anywhere);
    tcase_add_test(t, golden_file_truncated_anywhere);
    tcase_add_test(t, bytes_after_the_last_tensor);
    tcase_add_test(t, holes_and_overlaps);
    tcase_add_test(t, offsets);
    tcase_add_test(t, shapes);
    tcase_add_test(t, dtypes);
    tcase_add_test(t, names_and_keys);
    tcase_add_test(t, metadata);
    tcase_add_test(t, headers_that_are_no_json_object);
    tcase_add_test(t, large_headers);
}

SUITE_MAIN("formats/hostile_headers", add)
