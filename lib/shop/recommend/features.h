/*
 * A product as a vector without any model: hashed words of its texts, category, brand, tags and price.
 *
 * Each word adds its weight to two of SHOP_FEATURE_DIM elements, with signs, all chosen by its hash (feature hashing,
 * Weinberger et al. 2009), so the cosine of two vectors is near that of their weighted words. A price adds to the two
 * nearest of marks that are a factor of two apart: near prices are near vectors.
 */
#ifndef SHOP_RECOMMEND_FEATURES_H
#define SHOP_RECOMMEND_FEATURES_H

#include "shop/metrics/chars.h"

enum { SHOP_FEATURE_DIM = 256 };

/* What a word says; words of different kinds differ. */
typedef enum shop_feature_kind {
    SHOP_FEATURE_WORD,
    SHOP_FEATURE_CATEGORY,
    SHOP_FEATURE_BRAND,
    SHOP_FEATURE_TAG,
    SHOP_FEATURE_PRICE
} shop_feature_kind;

/* Adds one word as a whole. */
void shop_feature_add(float *features, shop_feature_kind kind, const char *word, size_t bytes, double weight);

/* One word of a text, as a hash. `whole`: of letters, or two Chinese characters; else a single Chinese character. */
typedef void (*shop_word_fn)(void *user, uint64_t hash, bool whole);

/* Calls `each` for the words of a text: letters and digits between other characters, pairs of Chinese characters and
 * each of them; English function words are left out. `chars` is workspace. */
llmcs_status shop_each_word(shop_chars *chars, const char *text, size_t bytes, shop_word_fn each, void *user);

/* Adds the whole words of a text. */
llmcs_status shop_feature_add_text(float *features, shop_chars *chars, const char *text, size_t bytes, double weight);

void shop_feature_add_price(float *features, const char *currency, double price, double weight);

/* Length 1, unless all is 0. Returns the length before. */
double shop_normalise_vector(float *vector, size_t n);

double shop_dot(const float *x, const float *y, size_t n);

#endif
