/*
 * A product as a vector, without a model: hashed words of its texts, category, brand, tags and price.
 *
 * Each word adds its weight, signed, to two of SHOP_FEATURE_DIM elements; the hash chooses elements and signs (feature
 * hashing, Weinberger et al. 2009). So the cosine of two vectors approximates that of their weighted words. A price
 * adds to the two nearest of a series of marks, each twice the one before, so that similar prices give similar vectors.
 */
#ifndef SHOP_RECOMMEND_FEATURES_H
#define SHOP_RECOMMEND_FEATURES_H

#include "shop/metrics/chars.h"

enum { SHOP_FEATURE_DIM = 256 };

/* The source of a word; the same word from two sources differs. */
typedef enum shop_feature_kind {
    SHOP_FEATURE_WORD,
    SHOP_FEATURE_CATEGORY,
    SHOP_FEATURE_BRAND,
    SHOP_FEATURE_TAG,
    SHOP_FEATURE_PRICE
} shop_feature_kind;

/* Adds one whole word. */
void shop_feature_add(float *features, shop_feature_kind kind, const char *word, size_t bytes, double weight);

/* A word of a text, as a hash. whole: letters, or two Chinese characters; else a single Chinese character. */
typedef void (*shop_word_fn)(void *user, uint64_t hash, bool whole);

/* Calls `each` for the words of a text: runs of letters and digits, Chinese characters and pairs of them; without
 * English function words. chars: workspace. */
llmcs_status shop_each_word(shop_chars *chars, const char *text, size_t bytes, shop_word_fn each, void *user);

/* Adds the whole words of a text. */
llmcs_status shop_feature_add_text(float *features, shop_chars *chars, const char *text, size_t bytes, double weight);

void shop_feature_add_price(float *features, const char *currency, double price, double weight);

/* Scales to length 1, unless all elements are 0. Returns the length before. */
double shop_normalise_vector(float *vector, size_t n);

double shop_dot(const float *x, const float *y, size_t n);

#endif
