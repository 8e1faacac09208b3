/* Target of pre-tokenizers that look for a pattern, and of the ranges that NFC may change. */
#ifndef TESTS_FUZZ_TARGETS_SPLIT_H
#define TESTS_FUZZ_TARGETS_SPLIT_H

#include "base/utf8.h"
#include "fuzz/fuzz.h"
#include "text/nfc.h"
#include "text/split.h"

/* The text with what is not UTF-8 left out, in an allocation of its exact size. */
static UNUSED char *only_utf8(const uint8_t *data, size_t size, size_t *n) {
    char *out = exact_alloc(size);
    *n = 0;
    for (size_t i = 0, len; i < size; i += len) {
        uint32_t cp;
        len = ll_utf8_decode((const char *)data + i, size - i, &cp);
        if (cp != LL_UTF8_BAD) memcpy(out + *n, data + i, len);
        if (cp != LL_UTF8_BAD) *n += len;
    }
    char *exact = exact_copy(out, *n);
    free(out);
    return exact;
}

static UNUSED bool is_boundary(const char *text, size_t n, size_t at) {
    return at == n || ((unsigned char)text[at] & 0xc0) != 0x80;
}

static UNUSED void check_pieces(const ll_split_step *step, const char *text, size_t n) {
    ll_split_cursor c;
    size_t begin, end, done = 0;
    const bool all = step->behavior != LL_BEHAVIOR_REMOVED;
    ll_split_begin(&c, step, ll_unicode_table(), text, n);
    while (ll_split_next(&c, &begin, &end)) {
        MUST(begin < end && end <= n && (all ? begin == done : begin >= done));
        MUST(is_boundary(text, n, begin) && is_boundary(text, n, end));
        done = end;
    }
    MUST(!all || done == n);
}

/* Words and what is inverted, removed, are the same as isolated. */
static UNUSED void check_inverse(const ll_split_step *step, const char *text, size_t n) {
    ll_split_step kept = *step, inverse = *step;
    ll_split_cursor a, b;
    size_t a_begin, a_end, b_begin, b_end;
    kept.behavior = LL_BEHAVIOR_ISOLATED;
    inverse.behavior = LL_BEHAVIOR_REMOVED;
    inverse.invert = true;
    ll_split_begin(&a, &kept, ll_unicode_table(), text, n);
    ll_split_begin(&b, &inverse, ll_unicode_table(), text, n);
    while (ll_split_next(&a, &a_begin, &a_end))
        MUST(ll_split_next(&b, &b_begin, &b_end) && a_begin == b_begin && a_end == b_end);
    MUST(!ll_split_next(&b, &b_begin, &b_end));
}

static UNUSED void check_nfc(const char *text, size_t n) {
    size_t done = 0;
    while (done < n) {
        const ll_nfc_range r = ll_nfc_next(text, n, done);
        MUST(r.begin >= done && r.begin <= r.end && r.end <= n && (r.begin < r.end || r.end == n));
        MUST(is_boundary(text, n, r.begin) && is_boundary(text, n, r.end));
        done = r.end;
    }
}

/* Bytes: pattern; behaviour and inversion; length of the string to look for; that string; the text. */
static UNUSED int fuzz_split(const uint8_t *data, size_t size) {
    if (size < 4) return 0;
    reader in = {data + 3, size - 3};
    size_t n_string, n_rest, n;
    const uint8_t *string = read_bytes(&in, 1u + data[2] % 8, &n_string);
    const uint8_t *rest = read_bytes(&in, (size_t)1 << 20, &n_rest);
    char *text = only_utf8(rest, n_rest, &n), *exact = exact_copy(string, n_string);
    const ll_split_step step = {.kind = LL_SPLIT_PATTERN,
                                .pattern = (ll_pattern)(data[0] % (LL_PATTERN_WORDS_OR_REST + 1)),
                                .behavior = (ll_behavior)(data[1] % (LL_BEHAVIOR_CONTIGUOUS + 1)),
                                .invert = data[1] & 128,
                                .text = {exact, (uint32_t)n_string}};
    ll_pattern pattern;
    ll_behavior behavior;
    /* A string may be no UTF-8 here, as none of a file can be: then pieces may end inside a character. */
    if (step.pattern != LL_PATTERN_STRING || is_utf8(exact, n_string)) check_pieces(&step, text, n);
    if (ll_pattern_is_words(step.pattern)) check_inverse(&step, text, n);
    check_nfc(text, n);
    ll_pattern_find(text, n, &pattern);
    ll_behavior_find(text, n, &behavior);
    free(text);
    free(exact);
    return 0;
}

#endif
