/* The parts below llmcs_encode against plain versions of themselves: merging, added tokens, normal forms. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <utf8proc.h>

#include "base/utf8.h"
#include "support/random.h"
#include "support/suite.h"
#include "text/bpe.h"
#include "text/byte_level.h"
#include "text/matcher.h"
#include "text/normalize.h"

static uint64_t new_seed(void) {
    uint64_t seed = (uint64_t)time(NULL);
    printf("seed %llu\n", (unsigned long long)seed);
    return seed;
}

/* ------------------------------------------------------------------------------------------------- merging */

/* A random table over few letters: tokens made in two ways, merges before what they are made of, pairs that stand
 * twice. Nothing that a trainer would write, everything that a file may hold. */
typedef struct random_bpe {
    char text[2000][40];
    size_t n_tokens;
    ll_vocab_entry vocab[2000];
    ll_merge merges[1000];
    ll_tokenizer_spec spec;
    ll_vocab table;
    ll_bpe bpe;
} random_bpe;

static size_t find_or_add(random_bpe *r, const char *token) {
    for (size_t i = 0; i < r->n_tokens; i++)
        if (!strcmp(r->text[i], token)) return i;
    strcpy(r->text[r->n_tokens], token);
    return r->n_tokens++;
}

static void make_bpe(random_bpe *r, uint64_t *seed, const llmcs_allocator *a, size_t n_letters, bool shuffled) {
    memset(r, 0, sizeof *r);
    for (unsigned b = 0; b < 256; b++) {
        char utf8[5] = {0};
        ll_utf8_encode(ll_byte_to_char((unsigned char)b), utf8);
        find_or_add(r, utf8);
    }
    size_t made[400], n_made = 0, n_merges = 0, pairs[400][2];
    for (size_t i = 0; i < n_letters; i++) made[n_made++] = find_or_add(r, (char[]){(char)('a' + i), 0});
    while (n_merges < 60) {
        char whole[80];
        size_t left = made[random_below(seed, n_made)], right = made[random_below(seed, n_made)];
        snprintf(whole, sizeof whole, "%s%s", r->text[left], r->text[right]);
        if (strlen(whole) > 30) continue;
        made[n_made++] = find_or_add(r, whole);
        pairs[n_merges][0] = left;
        pairs[n_merges++][1] = right;
    }
    for (size_t i = 0; shuffled && i < n_merges; i++) {
        size_t k = random_below(seed, n_merges), swapped[2] = {pairs[i][0], pairs[i][1]};
        memcpy(pairs[i], pairs[k], sizeof swapped);
        memcpy(pairs[k], swapped, sizeof swapped);
    }
    for (size_t i = 0; i < n_merges; i++) {
        const char *left = r->text[pairs[i][0]], *right = r->text[pairs[i][1]];
        r->merges[i] = (ll_merge){left, right, (uint32_t)strlen(left), (uint32_t)strlen(right)};
    }
    size_t n_bytes = 0;
    for (size_t i = 0; i < r->n_tokens; i++) n_bytes += strlen(r->text[i]);
    ck_assert_int_eq(ll_vocab_init(&r->table, a, r->n_tokens, r->n_tokens, n_bytes, *seed), LLMCS_OK);
    for (size_t i = 0; i < r->n_tokens; i++)
        ck_assert(ll_vocab_add(&r->table, (int32_t)i, r->text[i], strlen(r->text[i])));
    r->spec.merges = r->merges;
    r->spec.n_merges = n_merges;
    r->spec.path = r->spec.merges_path = "random";
    ck_assert_msg(ll_bpe_build(&r->bpe, a, &r->table, &r->spec, *seed) == LLMCS_OK, "%s", llmcs_error_message());
    ck_assert_int_eq(ll_bpe_add_words(&r->bpe, a, &r->spec), LLMCS_OK);
}

/* The definition: of all pairs the lowest rank, of those the leftmost. */
static size_t merge_plainly(const ll_bpe *b, const char *piece, size_t n, int32_t *ids) {
    for (size_t i = 0; i < n; i++) ids[i] = b->byte_id[(unsigned char)piece[i]];
    for (;;) {
        uint32_t best = LL_BPE_NO_RANK;
        size_t at = 0;
        for (size_t i = 0; i + 1 < n; i++) {
            uint32_t rank = ll_bpe_rank(b, ids[i], ids[i + 1]);
            if (rank < best) {
                best = rank;
                at = i;
            }
        }
        if (best == LL_BPE_NO_RANK) return n;
        ids[at] = b->result[best];
        memmove(ids + at + 1, ids + at + 2, (n - at - 2) * sizeof *ids);
        n--;
    }
}

/* The same through ll_bpe_encode, which takes a text apart where it can. */
static void check_encode(const ll_bpe *b, ll_bpe_scratch *scratch, const llmcs_allocator *a, const char *piece,
                         size_t n, const int32_t *want, size_t n_want) {
    const ll_view view = {.text = piece, .n = n};
    ll_encoding e = {.want_spans = true};
    ck_assert_int_eq(ll_bpe_encode(b, scratch, a, &view, 0, n, &e), LLMCS_OK);
    ck_assert_uint_eq(e.n, n_want);
    ck_assert_mem_eq(e.ids, want, n_want * sizeof *want);
    for (size_t i = 0, at = 0; i < e.n; at += b->token_bytes[want[i++]]) {
        const llmcs_span span = ll_view_span(&view, at, at + b->token_bytes[want[i]]); /* in whole characters */
        ck_assert_uint_eq(e.spans[i].begin, span.begin);
        ck_assert_uint_eq(e.spans[i].end, span.end);
    }
    ll_encoding_free(&e, a);
}

/* Some texts hold letters that are in no merge, or in none with each other. */
START_TEST(both_ways_of_merging_follow_the_definition) {
    llmcs_allocator a = ll_allocator_default();
    uint64_t seed = new_seed();
    random_bpe *r = malloc(sizeof *r);
    for (int round = 0; round < 200; round++) {
        size_t n_letters = 1 + random_below(&seed, 4);
        ll_bpe_scratch scratch = {0};
        make_bpe(r, &seed, &a, n_letters, round % 2);
        for (int k = 0; k < 10; k++) {
            char piece[700];
            int32_t want[700], symbols[700], short_ids[LL_BPE_SHORT];
            uint32_t rank[LL_BPE_SHORT];
            const ll_bpe_symbol *merged;
            size_t n = 1 + random_below(&seed, k % 2 ? 700 : LL_BPE_SHORT), n_long;
            for (size_t i = 0; i < n; i++) piece[i] = (char)('a' + random_below(&seed, n_letters + (size_t)k % 3));
            size_t n_want = merge_plainly(&r->bpe, piece, n, want);
            for (size_t i = 0; i < n; i++) symbols[i] = r->bpe.byte_id[(unsigned char)piece[i]];
            ck_assert_int_eq(ll_bpe_merge_symbols(&r->bpe, &scratch, &a, symbols, n, &merged, &n_long), LLMCS_OK);
            ck_assert_uint_eq(n_long, n_want);
            for (size_t i = 0; i < n_want; i++) ck_assert_int_eq(merged[i].id, want[i]);
            check_encode(&r->bpe, &scratch, &a, piece, n, want, n_want);
            if (n > LL_BPE_SHORT) continue;
            ck_assert_uint_eq(ll_bpe_symbols(&r->bpe, piece, n, LL_BPE_SHORT, short_ids, rank), n);
            ck_assert_uint_eq(ll_bpe_merge(&r->bpe, short_ids, rank, n), n_want);
            ck_assert_mem_eq(short_ids, want, n_want * sizeof *want);
        }
        ll_bpe_scratch_free(&scratch, &a);
        ll_bpe_free(&r->bpe, &a);
        ll_vocab_free(&r->table, &a);
    }
    free(r);
}
END_TEST

/* Merges over the bytes of a few characters of 1 to 4 bytes: within them, across them and of whole ones, in the order
 * of a trainer or in any. */
static void make_char_bpe(random_bpe *r, uint64_t *seed, const llmcs_allocator *a, const char *const *chars, size_t n,
                          bool shuffled) {
    static char raw[400][40];
    static uint32_t raw_bytes[400];
    size_t n_raw = 0;
    memset(r, 0, sizeof *r);
    for (unsigned byte = 0; byte < 256; byte++) {
        char utf8[5] = {0};
        ll_utf8_encode(ll_byte_to_char((unsigned char)byte), utf8);
        find_or_add(r, utf8);
    }
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; chars[i][k]; k++) {
            raw[n_raw][0] = chars[i][k];
            raw_bytes[n_raw++] = 1;
        }
    for (size_t i = 0; r->spec.n_merges < 80 && i < 4000; i++) {
        size_t left = random_below(seed, n_raw), right = random_below(seed, n_raw), len = 0;
        char all[80], token[2][80] = {{0}}, whole[120] = {0};
        if (raw_bytes[left] + raw_bytes[right] > 12 || n_raw == 400) continue;
        memcpy(all, raw[left], raw_bytes[left]);
        memcpy(all + raw_bytes[left], raw[right], raw_bytes[right]);
        /* only what occurs in text: a character's rest follows its beginning */
        bool occurs = false;
        for (size_t x = 0; x < n * n * n && !occurs; x++) {
            char text[40];
            snprintf(text, sizeof text, "%s%s%s", chars[x % n], chars[x / n % n], chars[x / n / n]);
            occurs = memmem(text, strlen(text), all, raw_bytes[left] + raw_bytes[right]) != NULL;
        }
        if (!occurs) continue;
        for (size_t side = 0; side < 2; side++)
            for (size_t k = 0, at = 0; k < raw_bytes[side ? right : left]; k++)
                at += ll_utf8_encode(ll_byte_to_char((unsigned char)raw[side ? right : left][k]), token[side] + at);
        snprintf(whole, sizeof whole, "%.39s%.39s", token[0], token[1]);
        len = strlen(whole);
        if (len >= 40) continue;
        const size_t l = find_or_add(r, token[0]), g = find_or_add(r, token[1]);
        find_or_add(r, whole);
        memcpy(raw[n_raw], all, raw_bytes[left] + raw_bytes[right]);
        raw_bytes[n_raw++] = raw_bytes[left] + raw_bytes[right];
        r->merges[r->spec.n_merges++] =
            (ll_merge){r->text[l], r->text[g], (uint32_t)strlen(r->text[l]), (uint32_t)strlen(r->text[g])};
    }
    for (size_t i = 0; shuffled && i < r->spec.n_merges; i++) {
        const size_t k = random_below(seed, r->spec.n_merges);
        const ll_merge swapped = r->merges[i];
        r->merges[i] = r->merges[k];
        r->merges[k] = swapped;
    }
    size_t n_bytes = 0;
    for (size_t i = 0; i < r->n_tokens; i++) n_bytes += strlen(r->text[i]);
    ck_assert_int_eq(ll_vocab_init(&r->table, a, r->n_tokens, r->n_tokens, n_bytes, *seed), LLMCS_OK);
    for (size_t i = 0; i < r->n_tokens; i++)
        ck_assert(ll_vocab_add(&r->table, (int32_t)i, r->text[i], strlen(r->text[i])));
    r->spec.merges = r->merges;
    r->spec.path = r->spec.merges_path = "random";
    ck_assert_msg(ll_bpe_build(&r->bpe, a, &r->table, &r->spec, *seed) == LLMCS_OK, "%s", llmcs_error_message());
    ck_assert_int_eq(ll_bpe_add_words(&r->bpe, a, &r->spec), LLMCS_OK);
}

/* Merging may start from characters: same tokens as from bytes. */
START_TEST(characters_as_symbols_change_nothing) {
    static const char *const chars[] = {"a", " ", "\u4e2d", "\u4e2e", "\u4fad", "\u00e9", "\u00ad", "\U0001f600"};
    llmcs_allocator a = ll_allocator_default();
    uint64_t seed = new_seed();
    random_bpe *r = malloc(sizeof *r);
    size_t n_chars = 0;
    for (int round = 0; round < 400 / (int)suite_step(3); round++) {
        ll_bpe_scratch scratch = {0};
        const size_t first = random_below(&seed, 5), n = 2 + random_below(&seed, 2);
        make_char_bpe(r, &seed, &a, chars + first, n, round % 3 == 2);
        for (size_t cp = 0; cp < 65536; cp++) n_chars += r->bpe.whole_chars[cp].id >= 0;
        ck_assert(!r->bpe.begins_char[0xe4]); /* one or two known characters do not repay the search for them */
        if (round % 4) memset(r->bpe.begins_char + 0xc2, true, 0xf0 - 0xc2);
        for (int k = 0; k < 40; k++) {
            char piece[400];
            int32_t want[400];
            size_t len = 0;
            for (size_t m = 1 + random_below(&seed, k % 8 ? 12 : 90); m > 0; m--) {
                const char *c = chars[first + random_below(&seed, n)];
                memcpy(piece + len, c, strlen(c));
                len += strlen(c);
            }
            const size_t n_want = merge_plainly(&r->bpe, piece, len, want);
            check_encode(&r->bpe, &scratch, &a, piece, len, want, n_want);
        }
        ll_bpe_scratch_free(&scratch, &a);
        ll_bpe_free(&r->bpe, &a);
        ll_vocab_free(&r->table, &a);
    }
    ck_assert_uint_gt(n_chars, 50 / suite_step(3)); /* the tables above did hold such characters */
    free(r);
}
END_TEST

/* -------------------------------------------------------------------------------------------- added tokens */

/* At every place the longest pattern; the next search begins behind it. */
static size_t find_plainly(char patterns[][8], size_t n_patterns, const char *text, size_t len, ll_match *out) {
    size_t n = 0;
    for (size_t at = 0; at < len;) {
        int best = -1;
        for (size_t p = 0; p < n_patterns; p++) {
            size_t m = strlen(patterns[p]);
            if (m <= len - at && !memcmp(text + at, patterns[p], m) && (best < 0 || m > strlen(patterns[best])))
                best = (int)p;
        }
        if (best >= 0) out[n++] = (ll_match){at, (uint32_t)strlen(patterns[best]), best};
        at += best >= 0 ? strlen(patterns[best]) : 1;
    }
    return n;
}

START_TEST(the_matcher_finds_the_leftmost_longest) {
    llmcs_allocator a = ll_allocator_default();
    uint64_t seed = new_seed();
    ll_matches found = {0};
    for (int round = 0; round < 3000; round++) {
        char patterns[12][8], text[60];
        const char *list[12];
        uint32_t lengths[12];
        size_t n_patterns = random_below(&seed, 12), len = random_below(&seed, sizeof text);
        for (size_t p = 0; p < n_patterns; p++) {
            lengths[p] = (uint32_t)(1 + random_below(&seed, 7));
            for (size_t i = 0; i < lengths[p]; i++) patterns[p][i] = (char)('a' + random_below(&seed, 2));
            patterns[p][lengths[p]] = 0;
            list[p] = patterns[p];
        }
        for (size_t i = 0; i < len; i++) text[i] = (char)('a' + random_below(&seed, round % 2 ? 3 : 2));
        ll_matcher m;
        ll_match want[60];
        ck_assert_int_eq(ll_matcher_init(&m, &a, list, lengths, n_patterns, seed), LLMCS_OK);
        ck_assert_int_eq(ll_matcher_find(&m, &a, text, len, &found), LLMCS_OK);
        ck_assert_uint_eq(found.n, find_plainly(patterns, n_patterns, text, len, want));
        for (size_t i = 0; i < found.n; i++) {
            ck_assert_uint_eq(found.at[i].begin, want[i].begin);
            ck_assert_int_eq(found.at[i].pattern, want[i].pattern);
        }
        ll_matcher_free(&m, &a);
    }
    ll_free(&a, found.at);
}
END_TEST

/* -------------------------------------------------------------------------------------------- normal forms */

/* Check writes a line to a file for every assertion that holds: too much for a million of them. */
#define expect(condition, ...)                       \
    do {                                             \
        if (!(condition)) ck_abort_msg(__VA_ARGS__); \
    } while (0)

static void check_form(const ll_unicode *u, const llmcs_allocator *a, ll_normalizer_step step, int options,
                       const uint32_t *cp, size_t n) {
    ll_normalizer_scratch s = {0};
    char text[400] = "";
    size_t len = 0, n_got = 0;
    char got[4000];
    expect(ll_normalizer_workspace(&s, a, n) == LLMCS_OK, "%s", llmcs_error_message());
    for (size_t i = 0; i < n; i++) {
        s.text.at[s.text.n++] = (ll_char){cp[i], (uint32_t)i, (uint32_t)i + 1};
        len += ll_utf8_encode(cp[i], text + len);
    }
    expect(ll_normalize(u, &step, 1, &s, a) == LLMCS_OK, "%s", llmcs_error_message());
    for (size_t i = 0; i < s.text.n; i++) {
        n_got += ll_utf8_encode(s.text.at[i].cp, got + n_got);
        expect(s.text.at[i].begin < s.text.at[i].end, "empty span");
        expect(s.text.at[i].end <= n, "span beyond the text");
    }
    utf8proc_uint8_t *want = NULL;
    utf8proc_ssize_t n_want = utf8proc_map((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)len, &want,
                                           (utf8proc_option_t)(UTF8PROC_STABLE | options));
    expect(n_want == (utf8proc_ssize_t)n_got && !memcmp(want, got, n_got), "form %d of U+%04X ... (%zu)",
           (int)step.kind, cp[0], n);
    free(want);
    ll_normalizer_scratch_free(&s, a);
}

static const struct {
    ll_normalizer_step step;
    int options;
} FORMS[] = {{{.kind = LL_NORMALIZE_NFD}, UTF8PROC_DECOMPOSE},
             {{.kind = LL_NORMALIZE_NFC}, UTF8PROC_COMPOSE},
             {{.kind = LL_NORMALIZE_NFKD}, UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT},
             {{.kind = LL_NORMALIZE_NFKC}, UTF8PROC_COMPOSE | UTF8PROC_COMPAT}};

START_TEST(normal_forms_of_every_code_point_and_of_random_text) {
    llmcs_allocator a = ll_allocator_default();
    const ll_unicode *u = ll_unicode_table();
    uint64_t seed = new_seed();
    for (uint32_t cp = 1; cp < 0x30000; cp++) {
        if (cp >= 0xd800 && cp < 0xe000) continue;
        if (!(ll_unicode_flags(u, cp) & LL_UC_FOLDS) && cp % 32) continue; /* of those that stay as they are, some */
        uint32_t between[3] = {'a', cp, 0x301};
        check_form(u, &a, FORMS[_i].step, FORMS[_i].options, between, 3);
    }
    for (int round = 0; round < 20000; round++) {
        static const uint32_t marks[] = {0x300,  0x301,  0x316,  0x323,  0x327,  0x345, 0x5b0, 0x64b,
                                         0x1100, 0x1161, 0x11a8, 0xac00, 'a',    'e',   'o',   0xe9,
                                         0x1e69, 0x212b, 0x9c7,  0x9be,  0xfb01, 0x302a};
        uint32_t cp[12];
        size_t n = 1 + random_below(&seed, 12);
        for (size_t i = 0; i < n; i++) cp[i] = marks[random_below(&seed, sizeof marks / sizeof *marks)];
        check_form(u, &a, FORMS[_i].step, FORMS[_i].options, cp, n);
    }
}
END_TEST

/* The table says of every code point what utf8proc says of it, and knows the 4,924 letters and 80 digits that Unicode
 * 16 has beyond the 15 of utf8proc 2.8. */
START_TEST(the_table_of_classes_is_utf8procs) {
    const ll_unicode *u = ll_unicode_table();
    size_t n_letters = 0, n_numbers = 0;
    for (uint32_t cp = 0; cp < 0x110000; cp++) {
        const char *category = utf8proc_category_string((utf8proc_int32_t)cp);
        unsigned f = ll_unicode_flags(u, cp);
        n_letters += !!(f & LL_UC_LETTER);
        n_numbers += !!(f & LL_UC_NUMBER);
        if (category[0] == 'C' && category[1] == 'n' && (f & LL_UC_WORD)) continue;
        bool control = category[0] == 'C' && category[1] != 'n' && category[1] != 's';
        expect(!(f & LL_UC_LETTER) == (category[0] != 'L'), "U+%04X", cp);
        expect(!(f & LL_UC_NUMBER) == (category[0] != 'N'), "U+%04X", cp);
        expect(!(f & LL_UC_CONTROL) == !control, "U+%04X", cp);
        if (category[0] == 'P') expect(f & LL_UC_PUNCT, "U+%04X", cp);
        if (category[0] == 'Z') expect(f & LL_UC_SPACE, "U+%04X", cp);
        if (utf8proc_tolower((utf8proc_int32_t)cp) != (utf8proc_int32_t)cp) expect(f & LL_UC_FOLDS, "U+%04X", cp);
    }
    ck_assert_uint_ge(n_letters, 141028); /* Unicode 16: L* */
    ck_assert_uint_ge(n_numbers, 1911);   /* N* */
    ck_assert(ll_unicode_flags(u, 0x2ebf0) & LL_UC_LETTER && ll_unicode_flags(u, 0x10d40) & LL_UC_NUMBER);
    ck_assert_uint_eq(ll_unicode_case(0x1c89), LL_UC_UPPER);
    ck_assert_uint_eq(ll_unicode_case(0x1c8a), LL_UC_LOWER);
    ck_assert_uint_eq(ll_unicode_case(0x897), LL_UC_UPPER | LL_UC_LOWER);
}
END_TEST

/* Every byte has its character and no other has it. */
START_TEST(the_alphabet_of_bytes_is_one_to_one) {
    int seen[256] = {0};
    for (unsigned b = 0; b < 256; b++) {
        uint32_t cp = ll_byte_to_char((unsigned char)b);
        ck_assert_int_eq(ll_char_to_byte(cp), (int)b);
        ck_assert_uint_lt(cp, 0x144);
    }
    for (uint32_t cp = 0; cp < 0x300; cp++)
        if (ll_char_to_byte(cp) >= 0) seen[ll_char_to_byte(cp)]++;
    for (int b = 0; b < 256; b++) ck_assert_int_eq(seen[b], 1);
}
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, both_ways_of_merging_follow_the_definition);
    tcase_add_test(t, characters_as_symbols_change_nothing);
    tcase_add_test(t, the_matcher_finds_the_leftmost_longest);
    tcase_add_loop_test(t, normal_forms_of_every_code_point_and_of_random_text, 0, 4);
    tcase_add_test(t, the_table_of_classes_is_utf8procs);
    tcase_add_test(t, the_alphabet_of_bytes_is_one_to_one);
}

SUITE_MAIN("text/parts", add)
