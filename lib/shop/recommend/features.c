/* A product as a vector, without a model. */
#include "shop/recommend/features.h"

#include <math.h>
#include <sqlite3.h>
#include <string.h>

static uint64_t hash_bytes(uint64_t h, const void *bytes, size_t n) {
    const unsigned char *p = bytes;
    for (size_t i = 0; i < n; i++) h = (h ^ p[i]) * 0x100000001b3u; /* FNV-1a */
    return h;
}

/* Mixes a hash so that each bit depends on all input bits. */
static uint64_t mix(uint64_t h) {
    h = (h ^ h >> 30) * 0xbf58476d1ce4e5b9u;
    h = (h ^ h >> 27) * 0x94d049bb133111ebu;
    return h ^ h >> 31;
}

static void add_hash(float *features, uint64_t h, double weight) {
    h = mix(h);
    for (int i = 0; i < 2; i++, h >>= 16) features[h % SHOP_FEATURE_DIM] += (float)(h >> 15 & 1 ? -weight : weight);
}

static uint64_t start_hash(shop_feature_kind kind) {
    return 0xcbf29ce484222325u + (uint64_t)kind * 0x9e3779b97f4a7c15u;
}

void shop_feature_add(float *features, shop_feature_kind kind, const char *word, size_t bytes, double weight) {
    add_hash(features, hash_bytes(start_hash(kind), word, bytes), weight);
}

/* True for letters and digits: in ASCII, and beyond it everything except spaces and punctuation. */
static bool is_word_character(uint32_t c) {
    if (c < 0x80) return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
    return c >= 0xc0 && !shop_is_space(c) && !(c >= 0x2000 && c <= 0x206f) && !(c >= 0x3000 && c <= 0x303f) &&
           !(c >= 0xff00 && c <= 0xff20) && !(c >= 0xfe10 && c <= 0xfe6f) && c != 0xfffd && c != 0xd7 && c != 0xf7;
}

/* True for English function words. */
static bool is_function_word(const uint32_t *word, size_t n) {
    static const char *const words[] = {"a",  "an", "the",  "for",  "of",   "to",   "in",   "on",       "with", "and",
                                        "or", "my", "me",   "i",    "you",  "is",   "are",  "it",       "that", "this",
                                        "at", "by", "your", "from", "want", "need", "some", "something"};
    for (size_t w = 0; w < sizeof words / sizeof *words; w++) {
        size_t i = 0;
        while (i < n && words[w][i] && word[i] == (uint32_t)(unsigned char)words[w][i]) i++;
        if (i == n && !words[w][i]) return true;
    }
    return false;
}

llmcs_status shop_each_word(shop_chars *chars, const char *text, size_t bytes, shop_word_fn each, void *user) {
    SHOP_TRY(shop_chars_decode(chars, text, bytes));
    SHOP_TRY(shop_chars_lower(chars));
    const uint32_t *t = chars->at;
    const uint64_t start = start_hash(SHOP_FEATURE_WORD);
    for (size_t i = 0; i < chars->n;) {
        const size_t begin = i;
        if (shop_is_cjk(t[i])) {
            i++;
            each(user, hash_bytes(start, t + begin, sizeof *t), false);
            if (i < chars->n && shop_is_cjk(t[i])) each(user, hash_bytes(start, t + begin, 2 * sizeof *t), true);
            continue;
        }
        while (i < chars->n && is_word_character(t[i]) && !shop_is_cjk(t[i])) i++;
        /* An English plural counts as the same word. */
        const size_t n = i - begin - (i - begin > 3 && t[i - 1] == 's');
        if (i > begin && !is_function_word(t + begin, i - begin))
            each(user, hash_bytes(start, t + begin, n * sizeof *t), true);
        if (i == begin) i++;
    }
    return LLMCS_OK;
}

typedef struct sink {
    float *features;
    double weight;
} sink;

static void add_whole_word(void *user, uint64_t hash, bool whole) {
    const sink *to = user;
    if (whole) add_hash(to->features, hash, to->weight);
}

llmcs_status shop_feature_add_text(float *features, shop_chars *chars, const char *text, size_t bytes, double weight) {
    sink to = {features, weight};
    return shop_each_word(chars, text, bytes, add_whole_word, &to);
}

void shop_feature_add_price(float *features, const char *currency, double price, double weight) {
    if (!(price > 0)) return;
    char mark[32];
    const double position = log2(price);
    for (int i = 0; i < 2; i++) {
        const double at = floor(position) + i;
        sqlite3_snprintf(sizeof mark, mark, "%.8s %d", currency ? currency : "", (int)at);
        shop_feature_add(features, SHOP_FEATURE_PRICE, mark, strlen(mark), weight * (1 - fabs(position - at)));
    }
}

double shop_normalise_vector(float *vector, size_t n) {
    const double length = sqrt(shop_dot(vector, vector, n));
    if (!(length > 0)) return 0;
    for (size_t i = 0; i < n; i++) vector[i] = (float)(vector[i] / length);
    return length;
}

double shop_dot(const float *x, const float *y, size_t n) {
    double sums[4] = {0}; /* four independent sums, so the processor can overlap them */
    size_t i = 0;
    for (; i + 4 <= n; i += 4)
        for (size_t j = 0; j < 4; j++) sums[j] += (double)x[i + j] * y[i + j];
    for (; i < n; i++) sums[0] += (double)x[i] * y[i];
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}
