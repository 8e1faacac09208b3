/* Explains a prediction: the n-grams that contribute most to the class, and the nearest training example. */
#include <math.h>

#include "shop/classifier/predict.h"

/* The contribution of feature i to the logit of the class, less the mean over all classes. */
static float contribution(const llmcs_shop_classifier *c, const shop_scratch *s, size_t i, size_t label) {
    const int8_t *weights = c->weights + s->features[i] * c->stride;
    float mean = 0;
    for (size_t k = 0; k < c->n_classes; k++) mean += (float)weights[k] * c->scales[k];
    return s->values[i] * ((float)weights[label] * c->scales[label] - mean / (float)c->n_classes) / c->temperature;
}

/* Inserts into a list sorted by weight, heaviest first. Of overlapping spans only the heaviest is kept. */
static size_t insert(llmcs_shop_evidence *list, size_t n, llmcs_shop_evidence e) {
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (list[i].begin < e.end && e.begin < list[i].end && list[i].weight >= e.weight) return n;
    for (size_t i = 0; i < n; i++)
        if (!(list[i].begin < e.end && e.begin < list[i].end)) list[kept++] = list[i];
    size_t at = kept;
    while (at > 0 && list[at - 1].weight < e.weight) at--;
    if (at == SHOP_MAX_EVIDENCE) return kept;
    const size_t last = kept < SHOP_MAX_EVIDENCE ? kept : SHOP_MAX_EVIDENCE - 1;
    for (size_t i = last; i > at; i--) list[i] = list[i - 1];
    list[at] = e;
    return last + 1;
}

size_t shop_find_evidence(const llmcs_shop_classifier *c, const shop_scratch *s, size_t label,
                          llmcs_shop_evidence evidence[SHOP_MAX_EVIDENCE]) {
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++) {
        const float weight = contribution(c, s, i, label);
        if (!(weight > 0)) continue;
        const uint32_t hash = c->hashes[s->features[i]];
        const shop_gram *gram = s->grams.items;
        while (gram->hash != hash) gram++; /* found for certain: the feature comes from this text */
        n = insert(evidence, n, (llmcs_shop_evidence){gram->begin, gram->end, weight});
    }
    return n;
}

/* --------------------------------------------------------------------------------------------------- examples */

static llmcs_status find_by_vector(const llmcs_shop_classifier *c, const shop_scratch *s, size_t label,
                                   const shop_kept_example **example, float *similarity) {
    int64_t nearest = INT64_MIN;
    for (size_t i = c->example_start[label]; i < c->example_start[label + 1]; i++) {
        const int64_t dot = shop_dot_int8(s->vector, c->example_vectors + i * c->n_dense, c->n_dense);
        if (dot <= nearest) continue;
        nearest = dot;
        *example = &c->examples[i];
    }
    if (*example) *similarity = (float)nearest / (127.0f * 127.0f);
    return LLMCS_OK;
}

/* Cosine similarity of the n-grams of `s` and of an example. spread [n_features]: the values of `s` by feature. */
static float gram_cosine(const shop_scratch *s, const shop_scratch *example, const float *spread) {
    float dot = 0, squares = 0, example_squares = 0;
    for (size_t i = 0; i < s->n; i++) squares += s->values[i] * s->values[i];
    for (size_t i = 0; i < example->n; i++) {
        dot += example->values[i] * spread[example->features[i]];
        example_squares += example->values[i] * example->values[i];
    }
    const float product = squares * example_squares;
    return product > 0 ? dot / sqrtf(product) : 0;
}

static llmcs_status find_by_grams(const llmcs_shop_classifier *c, const shop_scratch *s, size_t label, float *spread,
                                  shop_scratch *other, const shop_kept_example **example, float *similarity) {
    float nearest = -1;
    for (size_t i = 0; i < s->n; i++) spread[s->features[i]] = s->values[i];
    for (size_t i = c->example_start[label]; i < c->example_start[label + 1]; i++) {
        const llmcs_text text = {.text = c->examples[i].text, .text_bytes = c->examples[i].bytes};
        SHOP_TRY(shop_find_features(c, &text, other));
        const float cosine = gram_cosine(s, other, spread);
        if (cosine <= nearest) continue;
        nearest = cosine;
        *example = &c->examples[i];
    }
    if (*example) *similarity = nearest;
    return LLMCS_OK;
}

llmcs_status shop_find_example(const llmcs_shop_classifier *c, shop_scratch *s, size_t label,
                               const shop_kept_example **example, float *similarity) {
    float *spread = NULL;
    shop_scratch *other = NULL;
    *example = NULL;
    *similarity = 0;
    if (!c->n_examples) return LLMCS_OK;
    if (c->n_dense) return find_by_vector(c, s, label, example, similarity);
    llmcs_status status = shop_alloc_zero(&c->a, c->n_features, sizeof *spread, "workspace", &spread);
    if (!status) status = shop_scratch_take(c, &other);
    if (!status) status = find_by_grams(c, s, label, spread, other, example, similarity);
    shop_scratch_return(c, other);
    shop_free(&c->a, spread);
    return status;
}
