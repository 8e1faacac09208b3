/* Computes a text's features and multiplies them by the weights. */
#include <math.h>
#include <string.h>

#include "shop/classifier/corpus.h"
#include "shop/classifier/kernels.h"
#include "shop/classifier/predict.h"

/* N-gram values are rounded to multiples of 1/4096, vector elements to multiples of 1/32767. Sums of products with
 * 8-bit weights stay below 2^31: a block of length 1 with n features sums to at most 4096 * 127 * sqrt(n), and a text
 * has fewer than 2^21 features; a vector of length 1 with 65,536 elements sums to at most 32767 * 127 * 256. */
static const float VALUE_ONE = 4096.0f, ELEMENT_ONE = 32767.0f;

/* -------------------------------------------------------------------------------------------------- workspace */

void shop_scratch_free(const llmcs_allocator *a, shop_scratch *s) {
    if (!s) return;
    shop_text_grams_free(a, &s->grams);
    void *const owned[] = {s->position, s->features, s->counts,     s->blocks,       s->values,  s->rounded, s->sums,
                           s->logits,   s->scores,   s->dense_rows, s->dense_values, s->centred, s->vector};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) shop_free(a, owned[i]);
    shop_free(a, s);
}

static llmcs_status fill_scratch(const llmcs_shop_classifier *c, shop_scratch *s) {
    const llmcs_allocator *a = &c->a;
    SHOP_TRY(shop_alloc_zero(a, c->n_features, sizeof *s->position, "workspace", &s->position));
    SHOP_TRY(shop_alloc(a, c->stride, sizeof *s->sums, "workspace", &s->sums));
    SHOP_TRY(shop_alloc(a, c->stride, sizeof *s->logits, "workspace", &s->logits));
    SHOP_TRY(shop_alloc(a, c->stride, sizeof *s->scores, "workspace", &s->scores));
    SHOP_TRY(shop_alloc(a, c->n_dense, sizeof *s->dense_rows, "workspace", &s->dense_rows));
    SHOP_TRY(shop_alloc(a, c->n_dense, sizeof *s->dense_values, "workspace", &s->dense_values));
    SHOP_TRY(shop_alloc(a, c->n_dense, sizeof *s->centred, "workspace", &s->centred));
    SHOP_TRY(shop_alloc(a, c->n_dense, 1, "workspace", &s->vector));
    for (size_t x = 0; x < c->n_dense; x++) s->dense_rows[x] = (uint32_t)x;
    return LLMCS_OK;
}

llmcs_status shop_scratch_take(const llmcs_shop_classifier *classifier, shop_scratch **scratch) {
    llmcs_shop_classifier *c = (llmcs_shop_classifier *)(uintptr_t)classifier; /* only `spare` changes */
    shop_scratch *s = atomic_exchange(&c->spare, NULL);
    *scratch = s;
    if (s) return LLMCS_OK;
    SHOP_TRY(shop_alloc_zero(&c->a, 1, sizeof *s, "workspace", &s));
    const llmcs_status status = fill_scratch(c, s);
    if (status)
        shop_scratch_free(&c->a, s);
    else
        *scratch = s;
    return status;
}

void shop_scratch_return(const llmcs_shop_classifier *classifier, shop_scratch *s) {
    llmcs_shop_classifier *c = (llmcs_shop_classifier *)(uintptr_t)classifier;
    shop_scratch *none = NULL;
    if (s && !atomic_compare_exchange_strong(&c->spare, &none, s)) shop_scratch_free(&c->a, s);
}

/* --------------------------------------------------------------------------------------------------- features */

/* Grows the arrays to n features. */
static llmcs_status reserve(const llmcs_allocator *a, shop_scratch *s, size_t n) {
    if (n <= s->capacity) return LLMCS_OK;
    void **const arrays[] = {(void **)&s->features, (void **)&s->counts, (void **)&s->blocks, (void **)&s->values,
                             (void **)&s->rounded};
    static const size_t sizes[] = {sizeof *s->features, sizeof *s->counts, sizeof *s->blocks, sizeof *s->values,
                                   sizeof *s->rounded};
    size_t capacity = 0;
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        capacity = s->capacity;
        SHOP_TRY(shop_grow(a, arrays[i], 0, &capacity, n, sizes[i], "features of a text"));
    }
    s->capacity = capacity;
    return LLMCS_OK;
}

static uint32_t find_gram(const llmcs_shop_classifier *c, uint32_t hash) {
    size_t slot = hash & (c->n_slots - 1);
    while (c->slots[slot].feature != UINT32_MAX && c->slots[slot].hash != hash) slot = (slot + 1) & (c->n_slots - 1);
    return c->slots[slot].feature;
}

/* Counts the n-grams that are in the dictionary. *unseen: summed idf of the others; *unseen_words: that of words only.
 */
static void count_features(const llmcs_shop_classifier *c, shop_scratch *s, float *unseen, float *unseen_words) {
    const shop_text_grams *g = &s->grams;
    size_t n = 0, n_unseen = 0;
    *unseen_words = 0;
    for (size_t block = 0, i = 0; block < SHOP_N_BLOCKS; block++) {
        for (; i < g->block_end[block]; i++) {
            const uint32_t f = find_gram(c, g->items[i].hash);
            if (f == UINT32_MAX) {
                n_unseen++;
                continue;
            }
            if (!s->position[f]) {
                s->features[n] = f;
                s->counts[n] = 0;
                s->blocks[n] = (uint8_t)block;
                s->position[f] = (uint32_t)++n;
            }
            uint16_t *count = &s->counts[s->position[f] - 1];
            if (*count < UINT16_MAX) ++*count;
        }
        if (block == SHOP_WORDS) *unseen_words = (float)n_unseen * c->unseen_idf;
    }
    for (size_t i = 0; i < n; i++) s->position[s->features[i]] = 0;
    *unseen = (float)n_unseen * c->unseen_idf;
    s->n = n;
}

llmcs_status shop_find_features(const llmcs_shop_classifier *c, const llmcs_text *text, shop_scratch *s) {
    float squares[SHOP_N_BLOCKS] = {0}, scales[SHOP_N_BLOCKS], unseen, unseen_words, known = 0, known_words = 0;
    s->n = 0;
    if (!c->n_features) {
        s->known_words = s->known_grams = 0;
        return LLMCS_OK;
    }
    SHOP_TRY(shop_text_extract(&c->a, text->text, text->text_bytes, &s->grams));
    SHOP_TRY(reserve(&c->a, s, s->grams.block_end[SHOP_N_BLOCKS - 1]));
    count_features(c, s, &unseen, &unseen_words);
    for (size_t i = 0; i < s->n; i++) {
        const float weight = shop_term_weight(s->counts[i], c->idf[s->features[i]]);
        s->values[i] = weight;
        squares[s->blocks[i]] += weight * weight;
        known += weight;
        if (s->blocks[i] == SHOP_WORDS) known_words += weight;
    }
    for (size_t b = 0; b < SHOP_N_BLOCKS; b++) scales[b] = shop_block_scale(squares[b]);
    for (size_t i = 0; i < s->n; i++) {
        s->values[i] *= scales[s->blocks[i]];
        s->rounded[i] = (int16_t)(s->values[i] * VALUE_ONE + 0.5f);
    }
    s->known_words = known_words + unseen_words > 0 ? known_words / (known_words + unseen_words) : 0;
    s->known_grams = known + unseen > 0 ? known / (known + unseen) : 0;
    return LLMCS_OK;
}

void shop_set_vector(const llmcs_shop_classifier *c, const float *vector, shop_scratch *s) {
    for (size_t x = 0; x < c->n_dense; x++) {
        const float value = vector[x] * ELEMENT_ONE;
        s->dense_values[x] = (int16_t)(value < 0 ? value - 0.5f : value + 0.5f);
        s->centred[x] = vector[x] - c->center[x];
    }
    shop_vector_to_int8(s->centred, c->n_dense, s->vector);
}

void shop_compute_logits(const llmcs_shop_classifier *c, shop_scratch *s) {
    memset(s->sums, 0, c->stride * sizeof *s->sums);
    shop_sum_rows_int8(c->weights, c->stride, s->features, s->rounded, s->n, s->sums);
    for (size_t k = 0; k < c->stride; k++) s->logits[k] = c->bias[k] + (float)s->sums[k] * (c->scales[k] / VALUE_ONE);
    if (!c->n_dense) return;
    memset(s->sums, 0, c->stride * sizeof *s->sums);
    shop_sum_rows_int8(c->dense, c->stride, s->dense_rows, s->dense_values, c->n_dense, s->sums);
    for (size_t k = 0; k < c->stride; k++) s->logits[k] += (float)s->sums[k] * (c->dense_scales[k] / ELEMENT_ONE);
}
