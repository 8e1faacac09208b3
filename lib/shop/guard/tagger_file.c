/*
 * The file of a tagger, little-endian:
 *
 *     "LLMCSTAG", u32 format version, u32 features version,
 *     u32 kinds, u32 features, u32 words, u32 characters (0 or 20,992),
 *     16 bytes of name for each kind,
 *     i16 transitions [labels + 1, labels],
 *     u32 hashes [features], ascending, i8 weights [features, labels],
 *     u32 hashes [words], ascending, u8 kinds [words], u8 weights [words],
 *     i8 scores [characters, 5],
 *     u64 XXH64 of all bytes before it
 *
 * A hostile file can claim any counts, so they are compared with the file's size before memory is allocated.
 */
#include <string.h>

#include "shop/base/hash.h"
#include "shop/classifier/disk.h"
#include "shop/guard/tagger.h"

enum { FORMAT_VERSION = 2, FEATURES_VERSION = 2, HEAD_BYTES = 32, CHECKSUM_BYTES = 8 };
static const char MAGIC[8] = {'L', 'L', 'M', 'C', 'S', 'T', 'A', 'G'};
static const uint64_t MAX_BYTES = (uint64_t)1 << 28;

static uint32_t get_u32(const unsigned char *at) {
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}
static uint64_t get_u64(const unsigned char *at) { return (uint64_t)get_u32(at) | (uint64_t)get_u32(at + 4) << 32; }
static void put_u32(unsigned char *at, uint32_t value) {
    for (int i = 0; i < 4; i++) at[i] = (unsigned char)(value >> 8 * i);
}

/* Size of a file with these counts. Counts are at most 2^28 features of 33 labels and 2^28 words, so it cannot
 * overflow.
 */
static size_t file_bytes(size_t n_kinds, size_t n_features, size_t n_words, size_t n_characters) {
    const size_t n_labels = 1 + 4 * n_kinds;
    return HEAD_BYTES + n_kinds * SHOP_TAG_KIND_BYTES + (n_labels + 1) * n_labels * 2 + n_features * (4 + n_labels) +
           n_words * 6 + n_characters * SHOP_TAG_ROLES + CHECKSUM_BYTES;
}

static llmcs_status check_frame(const char *path, const unsigned char *file, size_t bytes) {
    if (bytes < HEAD_BYTES + CHECKSUM_BYTES || memcmp(file, MAGIC, sizeof MAGIC) != 0)
        return shop_fail(LLMCS_FORMAT, "%s: offset 0: expected LLMCSTAG: not a tagger", path);
    if (get_u32(file + 8) != FORMAT_VERSION || get_u32(file + 12) != FEATURES_VERSION)
        return shop_fail(LLMCS_UNSUPPORTED,
                         "%s: offset 8: format %u, features %u, this library (%s) reads %d, %d: train the tagger again",
                         path, get_u32(file + 8), get_u32(file + 12), llmcs_shop_version(), FORMAT_VERSION,
                         FEATURES_VERSION);
    const uint32_t n_kinds = get_u32(file + 16), n_features = get_u32(file + 20), n_words = get_u32(file + 24),
                   n_characters = get_u32(file + 28);
    if (n_kinds < 1 || n_kinds > SHOP_TAG_MAX_KINDS)
        return shop_fail(LLMCS_FORMAT, "%s: offset 16: %u kinds, expected 1 to %d", path, n_kinds, SHOP_TAG_MAX_KINDS);
    if (n_features > MAX_BYTES || n_words > MAX_BYTES || n_characters % SHOP_TAG_CHARACTERS ||
        n_characters > SHOP_TAG_CHARACTERS || bytes != file_bytes(n_kinds, n_features, n_words, n_characters))
        return shop_fail(LLMCS_FORMAT,
                         "%s: offset 20: %u features and %u words do not fit %lld bytes: it is cut off "
                         "or damaged",
                         path, n_features, n_words, (long long)bytes);
    const uint64_t found = shop_xxh64(file, bytes - CHECKSUM_BYTES), expected = get_u64(file + bytes - CHECKSUM_BYTES);
    if (found != expected)
        return shop_fail(LLMCS_FORMAT, "%s: offset %lld: checksum %016llx, expected %016llx: the file is damaged", path,
                         (long long)bytes - CHECKSUM_BYTES, (unsigned long long)found, (unsigned long long)expected);
    return LLMCS_OK;
}

static llmcs_status read_kinds(const char *path, const unsigned char *at, shop_tagger *t) {
    for (size_t k = 0; k < t->n_kinds; k++, at += SHOP_TAG_KIND_BYTES) {
        if (!at[0] || at[SHOP_TAG_KIND_BYTES - 1])
            return shop_fail(LLMCS_FORMAT, "%s: offset %lld: name of kind %lld is empty or too long", path,
                             (long long)(HEAD_BYTES + k * SHOP_TAG_KIND_BYTES), (long long)k);
        memcpy(t->kinds[k], at, SHOP_TAG_KIND_BYTES);
    }
    return LLMCS_OK;
}

/* Reads n hashes in increasing order. */
static llmcs_status read_hashes(const char *path, const unsigned char *file, const unsigned char **at, size_t n,
                                uint32_t *hashes) {
    for (size_t i = 0; i < n; i++, *at += 4) {
        hashes[i] = get_u32(*at);
        if (!hashes[i] || (i && hashes[i] <= hashes[i - 1]))
            return shop_fail(LLMCS_FORMAT, "%s: offset %lld: hash %u is 0 or not ascending", path,
                             (long long)(*at - file), hashes[i]);
    }
    return LLMCS_OK;
}

static llmcs_status read_words(const llmcs_allocator *a, const char *path, const unsigned char *file,
                               const unsigned char *at, shop_tag_words *words) {
    const size_t n_scores = get_u32(file + 28) * (size_t)SHOP_TAG_ROLES;
    if (n_scores) {
        SHOP_TRY(shop_alloc(a, n_scores, 1, "scores", &words->scores));
        memcpy(words->scores, at + words->n * 6, n_scores);
    }
    if (!words->n) return LLMCS_OK;
    SHOP_TRY(shop_alloc(a, words->n, sizeof *words->hashes, "words", &words->hashes));
    SHOP_TRY(shop_alloc(a, words->n, 1, "words", &words->kinds));
    SHOP_TRY(shop_alloc(a, words->n, 1, "words", &words->weights));
    SHOP_TRY(read_hashes(path, file, &at, words->n, words->hashes));
    for (size_t i = 0; i < words->n; i++)
        if (at[i] >= SHOP_TAG_WORD_KINDS)
            return shop_fail(LLMCS_FORMAT, "%s: offset %lld: kind of word %d, expected 0 to %d", path,
                             (long long)(at + i - file), at[i], SHOP_TAG_WORD_KINDS - 1);
    memcpy(words->kinds, at, words->n);
    memcpy(words->weights, at + words->n, words->n);
    return shop_tag_words_index(a, words);
}

static llmcs_status read_body(const llmcs_allocator *a, const char *path, const unsigned char *file, shop_tagger *t) {
    const unsigned char *at = file + HEAD_BYTES;
    SHOP_TRY(read_kinds(path, at, t));
    at += t->n_kinds * SHOP_TAG_KIND_BYTES;
    for (size_t f = 0; f <= t->n_labels; f++)
        for (size_t to = 0; to < t->n_labels; to++, at += 2)
            t->transitions[f][to] = (int16_t)(uint16_t)(at[0] | at[1] << 8);
    SHOP_TRY(shop_alloc(a, t->n_features, sizeof *t->hashes, "tagger", &t->hashes));
    SHOP_TRY(shop_alloc(a, t->n_features, t->n_labels, "tagger", &t->weights));
    SHOP_TRY(read_hashes(path, file, &at, t->n_features, t->hashes));
    memcpy(t->weights, at, t->n_features * t->n_labels);
    SHOP_TRY(read_words(a, path, file, at + t->n_features * t->n_labels, &t->words));
    return shop_tagger_index(a, t);
}

llmcs_status shop_tagger_open(const llmcs_allocator *a, const char *path, shop_tagger **tagger) {
    unsigned char *file = NULL;
    size_t bytes = 0;
    shop_tagger *t = NULL;
    *tagger = NULL;
    SHOP_TRY(shop_file_read(a, path, MAX_BYTES, &file, &bytes));
    llmcs_status status = check_frame(path, file, bytes);
    if (!status) status = shop_alloc_zero(a, 1, sizeof *t, "tagger", &t);
    if (!status) {
        t->n_kinds = get_u32(file + 16);
        t->n_labels = 1 + 4 * t->n_kinds;
        t->n_features = get_u32(file + 20);
        t->words.n = get_u32(file + 24);
        status = read_body(a, path, file, t);
    }
    shop_free(a, file);
    if (status)
        shop_tagger_free(a, &t);
    else
        *tagger = t;
    return status;
}

llmcs_status shop_tagger_save(const llmcs_allocator *a, const shop_tagger *t, const char *path) {
    const size_t n_characters = t->words.scores ? SHOP_TAG_CHARACTERS : 0;
    const size_t bytes = file_bytes(t->n_kinds, t->n_features, t->words.n, n_characters);
    unsigned char *file;
    SHOP_TRY(shop_alloc_zero(a, bytes, 1, "tagger", &file));
    unsigned char *at = file;
    const uint32_t head[] = {FORMAT_VERSION,          FEATURES_VERSION,     (uint32_t)t->n_kinds,
                             (uint32_t)t->n_features, (uint32_t)t->words.n, (uint32_t)n_characters};
    memcpy(at, MAGIC, sizeof MAGIC);
    at += sizeof MAGIC;
    for (size_t i = 0; i < sizeof head / sizeof *head; i++, at += 4) put_u32(at, head[i]);
    for (size_t k = 0; k < t->n_kinds; k++, at += SHOP_TAG_KIND_BYTES) memcpy(at, t->kinds[k], SHOP_TAG_KIND_BYTES);
    for (size_t f = 0; f <= t->n_labels; f++)
        for (size_t to = 0; to < t->n_labels; to++, at += 2) {
            const uint16_t value = (uint16_t)t->transitions[f][to];
            at[0] = (unsigned char)value;
            at[1] = (unsigned char)(value >> 8);
        }
    for (size_t i = 0; i < t->n_features; i++, at += 4) put_u32(at, t->hashes[i]);
    memcpy(at, t->weights, t->n_features * t->n_labels);
    at += t->n_features * t->n_labels;
    for (size_t i = 0; i < t->words.n; i++, at += 4) put_u32(at, t->words.hashes[i]);
    if (t->words.n) {
        memcpy(at, t->words.kinds, t->words.n);
        memcpy(at + t->words.n, t->words.weights, t->words.n);
        at += 2 * t->words.n;
    }
    if (n_characters) memcpy(at, t->words.scores, n_characters * SHOP_TAG_ROLES);
    at += n_characters * SHOP_TAG_ROLES;
    const uint64_t checksum = shop_xxh64(file, bytes - CHECKSUM_BYTES);
    put_u32(at, (uint32_t)checksum);
    put_u32(at + 4, (uint32_t)(checksum >> 32));
    const llmcs_status status = shop_file_write(a, path, file, bytes);
    shop_free(a, file);
    return status;
}
