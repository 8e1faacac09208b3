/*
 * Trains a tagger: stochastic gradient steps on the log-likelihood of one sequence after another (Sutton and McCallum
 * 2012, section 5), with AdaGrad's step sizes (Duchi, Hazan and Singer 2011).
 *
 * The first two thirds of the passes train all features that occur often enough. Then only the features with the
 * largest weights are kept, and the remaining passes train these to compensate for the dropped ones. The final weights
 * are the mean over those passes, rounded to 8 bits.
 */
#include "shop/guard/tagger_train.h"

#include <math.h>
#include <string.h>

#include "shop/base/call.h"
#include "shop/base/hash.h"
#include "shop/base/options.h"
#include "shop/base/sort.h"

static const float STEP = 0.12f;

void llmcs_shop_tagger_params_init_sized(llmcs_shop_tagger_params *params, size_t struct_size) {
    const llmcs_shop_tagger_params defaults = {
        .struct_size = sizeof defaults, .n_epochs = 16, .max_features = 80000, .min_count = 2, .l2 = 0.02};
    shop_options_init(params, struct_size, &defaults, sizeof defaults);
}

/* ------------------------------------------------------------------------------------------------------- rows */

static llmcs_status kind_of(tag_trainer *t, size_t row, const char *label, size_t *kind) {
    const size_t n = strnlen(label, SHOP_TAG_KIND_BYTES);
    if (!n || n == SHOP_TAG_KIND_BYTES)
        return shop_fail(LLMCS_ARG, "texts[%lld]: label '%.20s': expected 1 to %d bytes", (long long)row, label,
                         SHOP_TAG_KIND_BYTES - 1);
    for (*kind = 0; *kind < t->n_kinds; ++*kind)
        if (!strcmp(t->kinds[*kind], label)) return LLMCS_OK;
    if (t->n_kinds == SHOP_TAG_MAX_KINDS)
        return shop_fail(LLMCS_ARG, "texts[%lld]: label '%s': a tagger can have at most %d labels", (long long)row,
                         label, SHOP_TAG_MAX_KINDS);
    memcpy(t->kinds[t->n_kinds++], label, n);
    return LLMCS_OK;
}

/* Sets B, I, E or S on the tokens that touch the span. */
static llmcs_status label_span(tag_trainer *t, const tag_work *w, size_t row, size_t n, const llmcs_shop_tagged_span *s,
                               uint8_t *labels) {
    size_t kind = 0, begin = 0, end;
    SHOP_TRY(kind_of(t, row, s->label, &kind));
    /* A token that two spans touch belongs to the first. */
    while (begin < n && (labels[begin] || w->view.at[w->tokens.items[begin].end - 1].end <= s->begin)) begin++;
    for (end = begin; end < n && !labels[end] && w->view.at[w->tokens.items[end].begin].begin < s->end; end++)
        labels[end] = (uint8_t)(1 + 4 * kind + SHOP_TAG_I);
    if (end == begin) return LLMCS_OK; /* after the last token, or only spaces */
    labels[begin] = (uint8_t)(1 + 4 * kind + (end - begin == 1 ? SHOP_TAG_S : SHOP_TAG_B));
    if (end - begin > 1) labels[end - 1] = (uint8_t)(1 + 4 * kind + SHOP_TAG_E);
    return LLMCS_OK;
}

static llmcs_status check_spans(size_t row, const llmcs_shop_tagged_text *text, size_t bytes) {
    for (size_t i = 0; i < text->n_spans; i++) {
        const llmcs_shop_tagged_span *s = &text->spans[i];
        if (!s->label || s->begin >= s->end || s->end > bytes)
            return shop_fail(LLMCS_ARG,
                             "texts[%lld]: span [%lld, %lld) of %lld bytes is empty, too long or has no label",
                             (long long)row, (long long)s->begin, (long long)s->end, (long long)bytes);
        for (size_t k = 0; k < i; k++)
            if (s->begin < text->spans[k].end && text->spans[k].begin < s->end)
                return shop_fail(LLMCS_ARG, "texts[%lld]: span [%lld, %lld) overlaps another", (long long)row,
                                 (long long)s->begin, (long long)s->end);
    }
    return LLMCS_OK;
}

static llmcs_status add_row(tag_trainer *t, tag_work *w, size_t row, const llmcs_shop_tagged_text *text) {
    const llmcs_allocator *a = &t->allocator;
    const size_t bytes = text->text && text->text_bytes == LLMCS_NUL ? strlen(text->text) : text->text_bytes;
    if (!text->text || (!text->spans && text->n_spans))
        return shop_fail(LLMCS_ARG, "texts[%lld]: text or spans is NULL", (long long)row);
    SHOP_TRY(check_spans(row, text, bytes));
    SHOP_TRY(shop_text_view_fill(a, text->text, bytes, &w->view));
    SHOP_TRY(shop_find_hits(a, t->lexicon, &w->view, &w->hits));
    SHOP_TRY(shop_tokens_fill(a, &w->view, &w->hits, &t->words, &w->tokens));
    const size_t n = shop_min(w->tokens.n, SHOP_TAG_MAX_TOKENS), at = t->n_tokens;
    SHOP_TRY(shop_grow(a, &t->features, at * SHOP_TAG_FEATURES, &t->feature_capacity, (at + n) * SHOP_TAG_FEATURES,
                       sizeof *t->features, "features"));
    SHOP_TRY(shop_grow(a, &t->labels, at, &t->label_capacity, at + n, 1, "labels"));
    SHOP_TRY(shop_grow(a, &t->sequences, t->n_sequences, &t->sequence_capacity, t->n_sequences + 1,
                       sizeof *t->sequences, "rows"));
    memset(t->labels + at, 0, n);
    for (size_t i = 0; i < text->n_spans; i++) SHOP_TRY(label_span(t, w, row, n, &text->spans[i], t->labels + at));
    for (size_t i = 0; i < n; i++)
        shop_tag_features(&w->view, w->tokens.items, n, i, t->features + (at + i) * SHOP_TAG_FEATURES);
    if (n) t->sequences[t->n_sequences++] = (tag_sequence){at, n};
    t->n_tokens += n;
    return LLMCS_OK;
}

static llmcs_status add_rows(tag_trainer *t, const llmcs_shop_tagged_text *texts, size_t n_texts) {
    tag_work w = {0};
    llmcs_status status = LLMCS_OK;
    for (size_t i = 0; i < n_texts && !status; i++) status = add_row(t, &w, i, &texts[i]);
    shop_text_view_free(&t->allocator, &w.view);
    shop_free(&t->allocator, w.hits.items);
    shop_free(&t->allocator, w.tokens.items);
    SHOP_TRY(status);
    if (!t->n_kinds) return shop_fail(LLMCS_ARG, "tagger_train: no text has a span");
    t->n_labels = 1 + 4 * t->n_kinds;
    t->rows_hash = shop_xxh64(t->features, t->n_tokens * SHOP_TAG_FEATURES * sizeof *t->features) ^
                   shop_xxh64(t->labels, t->n_tokens);
    return LLMCS_OK;
}

/* -------------------------------------------------------------------------------------------------- features */

static size_t hash_slot(const tag_trainer *t, uint32_t hash) {
    size_t slot = hash & (t->n_slots - 1);
    while (t->slots[slot] && t->hashes[t->slots[slot] - 1] != hash) slot = (slot + 1) & (t->n_slots - 1);
    return slot;
}

llmcs_status tag_index_features(tag_trainer *t) {
    shop_free(&t->allocator, t->slots);
    t->slots = NULL;
    for (t->n_slots = 1024; t->n_slots < 2 * t->n_features;) t->n_slots *= 2;
    SHOP_TRY(shop_alloc_zero(&t->allocator, t->n_slots, sizeof *t->slots, "features", &t->slots));
    for (size_t i = 0; i < t->n_features; i++) t->slots[hash_slot(t, t->hashes[i])] = (uint32_t)i + 1;
    for (size_t i = 0; i < t->n_tokens * SHOP_TAG_FEATURES; i++)
        t->rows[i] = t->features[i] ? t->slots[hash_slot(t, t->features[i])] : 0;
    return LLMCS_OK;
}

/* Counts by the low 24 bits of the hash. Features that share these bits share a count, so a few rare ones are kept. */
static llmcs_status count_features(tag_trainer *t, uint8_t *counts) {
    const size_t n = t->n_tokens * SHOP_TAG_FEATURES;
    size_t capacity = 0;
    for (size_t i = 0; i < n; i++) {
        uint8_t *count = &counts[t->features[i] & 0xffffff];
        if (t->features[i] && *count < 255) ++*count;
    }
    size_t n_often = 0;
    for (size_t i = 0; i < n; i++)
        n_often += t->features[i] && counts[t->features[i] & 0xffffff] >= t->params.min_count;
    /* Enough slots if every kept feature occurs min_count times. */
    for (t->n_slots = 1024; t->n_slots < n_often;) t->n_slots *= 2;
    SHOP_TRY(shop_alloc_zero(&t->allocator, t->n_slots, sizeof *t->slots, "features", &t->slots));
    for (size_t i = 0; i < n; i++) {
        const uint32_t hash = t->features[i];
        if (!hash || counts[hash & 0xffffff] < t->params.min_count) continue;
        const size_t slot = hash_slot(t, hash);
        if (t->slots[slot]) continue;
        SHOP_TRY(shop_grow(&t->allocator, &t->hashes, t->n_features, &capacity, t->n_features + 1, sizeof *t->hashes,
                           "features"));
        t->hashes[t->n_features++] = hash;
        t->slots[slot] = (uint32_t)t->n_features;
        if (t->n_features + 1 >= t->n_slots) return shop_fail(LLMCS_LIMIT, "tagger_train: too many features");
    }
    return LLMCS_OK;
}

static llmcs_status choose_features(tag_trainer *t) {
    uint8_t *counts;
    SHOP_TRY(shop_alloc_zero(&t->allocator, (size_t)1 << 24, 1, "features", &counts));
    const llmcs_status status = count_features(t, counts);
    shop_free(&t->allocator, counts);
    return status;
}

llmcs_status tag_allocate_weights(tag_trainer *t) {
    const llmcs_allocator *a = &t->allocator;
    size_t n;
    if (!shop_mul(t->n_features, t->n_labels, &n)) return shop_fail(LLMCS_NOMEM, "weights: too many");
    SHOP_TRY(shop_alloc_zero(a, n, sizeof(float), "weights", &t->weights));
    SHOP_TRY(shop_alloc_zero(a, n, sizeof(float), "weights", &t->sums));
    return shop_alloc_zero(a, n, sizeof(float), "weights", &t->squares);
}

/* ------------------------------------------------------------------------------------------------------ a step */

static uint64_t next_random(uint64_t *state) { /* splitmix64 */
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* Bit k: feature k of the token is used in this step. A quarter of them is dropped at random (dropout: Srivastava et
 * al. 2014), so that weights do not rely on features that a new text may lack. */
typedef struct kept_features {
    uint64_t bits[(SHOP_TAG_FEATURES + 63) / 64];
} kept_features;

static kept_features keep_features(const tag_trainer *t, size_t token) {
    uint64_t state = t->params.seed ^ ((uint64_t)t->pass << 40) ^ token;
    kept_features kept;
    for (size_t i = 0; i < sizeof kept.bits / sizeof *kept.bits; i++) {
        const uint64_t half = next_random(&state), quarter = half & next_random(&state);
        kept.bits[i] = ~quarter;
    }
    return kept;
}

static bool is_kept(const kept_features *kept, size_t feature) { return kept->bits[feature / 64] >> feature % 64 & 1; }
static const float KEPT_SCALE = 4.0f / 3;

/* Scores of a token's labels, [n_labels]. */
static void score_token(const tag_trainer *t, size_t token, float *scores) {
    const kept_features kept = keep_features(t, token);
    const size_t n = t->n_labels;
    for (size_t i = 0; i < n; i++) scores[i] = 0;
    const uint32_t *rows = t->rows + token * SHOP_TAG_FEATURES;
    for (size_t k = 0; k < SHOP_TAG_FEATURES; k++) {
        if (!rows[k] || !is_kept(&kept, k)) continue;
        const float *w = t->weights + (size_t)(rows[k] - 1) * n;
        for (size_t i = 0; i < n; i++) scores[i] += w[i] * KEPT_SCALE;
    }
}

static void scale_to_one(float *x, size_t n) {
    float sum = 0;
    for (size_t i = 0; i < n; i++) sum += x[i];
    for (size_t i = 0; i < n; i++) x[i] /= sum;
}

/* exp of the scores [n_tokens, n_labels], scaled so that each token's largest is 1; exp of the transitions, 0 if not
 * allowed. */
static void exponentiate(const tag_trainer *t, const tag_sequence *s, tag_step *x) {
    const size_t n = t->n_labels;
    for (size_t i = 0; i < s->n; i++) {
        float *e = x->emit + i * n, most;
        score_token(t, s->first + i, e);
        most = e[0];
        for (size_t k = 1; k < n; k++) most = e[k] > most ? e[k] : most;
        for (size_t k = 0; k < n; k++) e[k] = expf(e[k] - most);
    }
    for (size_t from = 0; from <= n; from++)
        for (size_t to = 0; to < n; to++) {
            const bool allowed = from == n ? shop_tag_may_begin(to) : shop_tag_may_follow(from, to);
            x->follow[from * n + to] = allowed ? expf(t->transitions[from * n + to]) : 0;
        }
}

/* Forward and backward probabilities; those of each token sum to 1. */
static void forward_backward(const tag_trainer *t, const tag_sequence *s, tag_step *x) {
    const size_t n = t->n_labels;
    for (size_t i = 0; i < s->n; i++) {
        float *alpha = x->alpha + i * n;
        const float *emit = x->emit + i * n;
        for (size_t to = 0; to < n; to++) alpha[to] = i ? 0 : x->follow[n * n + to];
        for (size_t from = 0; i && from < n; from++)
            for (size_t to = 0; to < n; to++) alpha[to] += x->alpha[(i - 1) * n + from] * x->follow[from * n + to];
        for (size_t to = 0; to < n; to++) alpha[to] = alpha[to] * emit[to] + 1e-30f;
        scale_to_one(alpha, n);
    }
    for (size_t i = s->n; i-- > 0;) {
        float *beta = x->beta + i * n;
        if (i + 1 == s->n) {
            for (size_t k = 0; k < n; k++) beta[k] = shop_tag_may_end(k);
        } else {
            const float *emit = x->emit + (i + 1) * n, *next = x->beta + (i + 1) * n;
            for (size_t from = 0; from < n; from++) {
                float sum = 0;
                for (size_t to = 0; to < n; to++) sum += x->follow[from * n + to] * emit[to] * next[to];
                beta[from] = sum + 1e-30f;
            }
        }
        scale_to_one(beta, n);
    }
}

/* One AdaGrad step on a weight. */
static void descend(const tag_trainer *t, float *weight, float *square, float gradient) {
    const float g = gradient + t->l2 * *weight;
    *square += g * g;
    *weight -= STEP * g / (sqrtf(*square) + 1e-6f);
}

static void step_transitions(tag_trainer *t, const tag_sequence *s, const tag_step *x) {
    const size_t n = t->n_labels;
    float *gradient = x->gradient; /* [n_labels + 1, n_labels] expected minus observed counts */
    memset(gradient, 0, (n + 1) * n * sizeof *gradient);
    for (size_t i = 1; i < s->n; i++) {
        const float *alpha = x->alpha + (i - 1) * n, *emit = x->emit + i * n, *beta = x->beta + i * n;
        float sum = 0;
        for (size_t from = 0; from < n; from++)
            for (size_t to = 0; to < n; to++) sum += alpha[from] * x->follow[from * n + to] * emit[to] * beta[to];
        for (size_t from = 0; from < n; from++)
            for (size_t to = 0; to < n; to++)
                gradient[from * n + to] += alpha[from] * x->follow[from * n + to] * emit[to] * beta[to] / sum;
        gradient[(size_t)t->labels[s->first + i - 1] * n + t->labels[s->first + i]] -= 1;
    }
    for (size_t i = 0; i < n * n; i++)
        if (gradient[i] < -1e-7f || gradient[i] > 1e-7f)
            descend(t, &t->transitions[i], &t->transition_squares[i], gradient[i]);
}

static void step_features(tag_trainer *t, const tag_sequence *s, const tag_step *x) {
    const size_t n = t->n_labels;
    float p[SHOP_TAG_MAX_LABELS];
    for (size_t i = 0; i < s->n; i++) {
        for (size_t k = 0; k < n; k++) p[k] = x->alpha[i * n + k] * x->beta[i * n + k] + 1e-30f;
        scale_to_one(p, n);
        p[t->labels[s->first + i]] -= 1;
        float most = 0;
        for (size_t k = 0; k < n; k++) most = fabsf(p[k]) > most ? fabsf(p[k]) : most;
        if (most < 1e-3f) continue; /* already right, as most tokens are after the first pass */
        const uint32_t *rows = t->rows + (s->first + i) * SHOP_TAG_FEATURES;
        const kept_features kept = keep_features(t, s->first + i);
        for (size_t f = 0; f < SHOP_TAG_FEATURES; f++) {
            if (!rows[f] || !is_kept(&kept, f)) continue;
            float *w = t->weights + (size_t)(rows[f] - 1) * n, *q = t->squares + (size_t)(rows[f] - 1) * n;
            for (size_t k = 0; k < n; k++) descend(t, &w[k], &q[k], p[k]);
        }
    }
}

/* ----------------------------------------------------------------------------------------------------- passes */

/* The order depends only on the seed and the pass, so that training can continue from a checkpoint. */
static void shuffle(tag_trainer *t, int32_t pass) {
    uint64_t state = t->params.seed ^ (uint64_t)pass * UINT64_C(0xd1342543de82ef95);
    for (size_t i = 0; i < t->n_sequences; i++) t->order[i] = (uint32_t)i;
    for (size_t i = t->n_sequences; i > 1; i--) {
        const size_t k = (size_t)(next_random(&state) % i);
        const uint32_t swap = t->order[i - 1];
        t->order[i - 1] = t->order[k];
        t->order[k] = swap;
    }
}

static llmcs_status report(const tag_trainer *t, float done) {
    if (!t->params.progress) return LLMCS_OK;
    shop_call *call = shop_callback_begin();
    const int stop = t->params.progress(t->params.progress_user, done);
    shop_callback_end(call);
    return stop ? shop_fail(LLMCS_CANCELLED, "tagger_train: cancelled by the caller") : LLMCS_OK;
}

static llmcs_status train_pass(tag_trainer *t, tag_step *x, int32_t pass) {
    t->pass = pass;
    shuffle(t, pass);
    for (size_t i = 0; i < t->n_sequences; i++) {
        const tag_sequence *s = &t->sequences[t->order[i]];
        if (i % 256 == 0)
            SHOP_TRY(report(t, ((float)pass + (float)i / (float)t->n_sequences) / (float)t->params.n_epochs));
        exponentiate(t, s, x);
        forward_backward(t, s, x);
        step_features(t, s, x);
        step_transitions(t, s, x);
    }
    return LLMCS_OK;
}

/* The largest absolute weight of a row. */
static float row_weight(const tag_trainer *t, size_t row) {
    float most = 0;
    for (size_t k = 0; k < t->n_labels; k++) {
        const float w = fabsf(t->weights[row * t->n_labels + k]);
        most = w > most ? w : most;
    }
    return most;
}

/* Keeps the max_features rows with the largest weights; finds the threshold by bisection. */
static llmcs_status keep_heaviest(tag_trainer *t) {
    const size_t most = (size_t)t->params.max_features, n = t->n_labels;
    float low = 0, high = 64;
    size_t kept = 0;
    if (t->n_features <= most) return LLMCS_OK;
    for (int i = 0; i < 40; i++) {
        const float middle = (low + high) / 2;
        size_t above = 0;
        for (size_t row = 0; row < t->n_features; row++) above += row_weight(t, row) > middle;
        if (above > most)
            low = middle;
        else
            high = middle;
    }
    for (size_t row = 0; row < t->n_features; row++) {
        if (row_weight(t, row) <= high) continue;
        t->hashes[kept] = t->hashes[row];
        memmove(t->weights + kept * n, t->weights + row * n, n * sizeof(float));
        memmove(t->squares + kept * n, t->squares + row * n, n * sizeof(float));
        kept++;
    }
    t->n_features = kept;
    return tag_index_features(t);
}

/* Adds the weights after a pass to the sums. After the last pass the weights become their mean, which has smaller
 * errors than any single pass (Polyak and Juditsky 1992). */
static void average(tag_trainer *t, int32_t n_summed, bool last) {
    const size_t n = t->n_features * t->n_labels, m = (t->n_labels + 1) * t->n_labels;
    for (size_t i = 0; i < n; i++) t->sums[i] += t->weights[i];
    for (size_t i = 0; i < m; i++) t->transition_sums[i] += t->transitions[i];
    for (size_t i = 0; last && i < n; i++) t->weights[i] = t->sums[i] / (float)n_summed;
    for (size_t i = 0; last && i < m; i++) t->transitions[i] = t->transition_sums[i] / (float)n_summed;
}

static llmcs_status train_passes(tag_trainer *t, tag_step *x) {
    const int32_t prune = t->params.n_epochs * 2 / 3;
    for (int32_t pass = t->first_pass; pass < t->params.n_epochs; pass++) {
        SHOP_TRY(train_pass(t, x, pass));
        if (pass >= prune) average(t, pass + 1 - prune, pass + 1 == t->params.n_epochs);
        if (pass + 1 == prune || (!prune && pass + 1 == t->params.n_epochs)) SHOP_TRY(keep_heaviest(t));
        if (t->params.checkpoint_path) SHOP_TRY(tag_save_checkpoint(t, pass + 1));
    }
    return LLMCS_OK;
}

/* -------------------------------------------------------------------------------------------------------- result */

static int32_t rounded(float weight, float scale, int32_t most) {
    const float x = roundf(weight * scale);
    return x > (float)most ? most : x < (float)-most ? -most : (int32_t)x;
}

/* Scales so that one weight in 4,000 exceeds 127. */
static float find_scale(const tag_trainer *t) {
    float low = 1e-3f, high = 64;
    const size_t n = t->n_features * t->n_labels;
    for (int i = 0; i < 30; i++) {
        const float middle = (low + high) / 2;
        size_t above = 0;
        for (size_t k = 0; k < n; k++) above += fabsf(t->weights[k]) > middle;
        if (above > n / 4000)
            low = middle;
        else
            high = middle;
    }
    return 127 / high;
}

/* Subtracted from the score of label O: without it more names are missed than invented, and missing a name is worse
 * than masking a word. Chosen on a part of the training rows. */
static const float OUTSIDE_COST = 0.1f;

static llmcs_status fill_tagger(const tag_trainer *t, shop_tagger *out) {
    const llmcs_allocator *a = &t->allocator;
    const size_t n = t->n_labels;
    const float scale = find_scale(t);
    uint64_t *order; /* hash, row */
    out->n_kinds = t->n_kinds;
    out->n_labels = n;
    memcpy(out->kinds, t->kinds, sizeof out->kinds);
    for (size_t from = 0; from <= n; from++)
        for (size_t to = 0; to < n; to++)
            out->transitions[from][to] =
                (int16_t)rounded(t->transitions[from * n + to] - (to ? 0 : OUTSIDE_COST), scale, 32000);
    SHOP_TRY(shop_alloc(a, t->n_features, sizeof *out->hashes, "tagger", &out->hashes));
    SHOP_TRY(shop_alloc(a, t->n_features, n, "tagger", &out->weights));
    SHOP_TRY(shop_alloc(a, t->n_features, sizeof *order, "tagger", &order));
    for (size_t i = 0; i < t->n_features; i++) order[i] = (uint64_t)t->hashes[i] << 32 | i;
    shop_sort_u64(order, t->n_features);
    for (size_t i = 0; i < t->n_features; i++) {
        const float *w = t->weights + (uint32_t)order[i] * n;
        bool any = false;
        for (size_t k = 0; k < n; k++) {
            out->weights[out->n_features * n + k] = (int8_t)rounded(w[k], scale, 127);
            any = any || out->weights[out->n_features * n + k];
        }
        if (any) out->hashes[out->n_features++] = (uint32_t)(order[i] >> 32);
    }
    shop_free(a, order);
    return LLMCS_OK;
}

static llmcs_status save_tagger(tag_trainer *t, const char *path) {
    shop_tagger *out;
    SHOP_TRY(shop_alloc_zero(&t->allocator, 1, sizeof *out, "tagger", &out));
    llmcs_status status = fill_tagger(t, out);
    out->words = t->words; /* moved */
    memset(&t->words, 0, sizeof t->words);
    if (!status) status = shop_tagger_save(&t->allocator, out, path);
    shop_tagger_free(&t->allocator, &out);
    return status;
}

/* ----------------------------------------------------------------------------------------------------------- API */

static llmcs_status allocate_step(const tag_trainer *t, tag_step *x) {
    const llmcs_allocator *a = &t->allocator;
    const size_t n = t->n_labels, tokens = SHOP_TAG_MAX_TOKENS;
    SHOP_TRY(shop_alloc(a, tokens * n, sizeof(float), "training", &x->emit));
    SHOP_TRY(shop_alloc(a, tokens * n, sizeof(float), "training", &x->alpha));
    SHOP_TRY(shop_alloc(a, tokens * n, sizeof(float), "training", &x->beta));
    SHOP_TRY(shop_alloc(a, (n + 1) * n, sizeof(float), "training", &x->follow));
    return shop_alloc(a, (n + 1) * n, sizeof(float), "training", &x->gradient);
}

static void free_step(const llmcs_allocator *a, tag_step *x) {
    shop_free(a, x->emit);
    shop_free(a, x->alpha);
    shop_free(a, x->beta);
    shop_free(a, x->follow);
    shop_free(a, x->gradient);
}

static void free_trainer(tag_trainer *t) {
    const llmcs_allocator *a = &t->allocator;
    shop_lexicon_free(a, &t->lexicon);
    shop_tag_words_free(a, &t->words);
    shop_free(a, t->features);
    shop_free(a, t->labels);
    shop_free(a, t->sequences);
    shop_free(a, t->rows);
    shop_free(a, t->order);
    shop_free(a, t->hashes);
    shop_free(a, t->slots);
    shop_free(a, t->weights);
    shop_free(a, t->squares);
    shop_free(a, t->transitions);
    shop_free(a, t->transition_squares);
    shop_free(a, t->sums);
    shop_free(a, t->transition_sums);
}

static llmcs_status prepare(tag_trainer *t, const llmcs_shop_tagged_text *texts, size_t n_texts) {
    const llmcs_allocator *a = &t->allocator;
    SHOP_TRY(shop_lexicon_create(a, &t->lexicon));
    if (t->params.words_path) SHOP_TRY(shop_tag_words_read(a, t->params.words_path, &t->words));
    SHOP_TRY(add_rows(t, texts, n_texts));
    const size_t n = (t->n_labels + 1) * t->n_labels;
    SHOP_TRY(shop_alloc(a, t->n_tokens * SHOP_TAG_FEATURES, sizeof *t->rows, "features", &t->rows));
    SHOP_TRY(shop_alloc(a, t->n_sequences, sizeof *t->order, "rows", &t->order));
    SHOP_TRY(shop_alloc_zero(a, n, sizeof(float), "weights", &t->transitions));
    SHOP_TRY(shop_alloc_zero(a, n, sizeof(float), "weights", &t->transition_squares));
    SHOP_TRY(shop_alloc_zero(a, n, sizeof(float), "weights", &t->transition_sums));
    SHOP_TRY(tag_load_checkpoint(t));
    if (t->first_pass) return LLMCS_OK;
    SHOP_TRY(choose_features(t));
    SHOP_TRY(tag_index_features(t));
    return tag_allocate_weights(t);
}

static llmcs_status check_params(const llmcs_shop_tagger_params *p) {
    if (p->n_epochs < 1 || p->n_epochs > 1000)
        return shop_fail(LLMCS_ARG, "n_epochs: %d is not valid (1 to 1000)", p->n_epochs);
    if (p->max_features < 1000 || p->max_features > 4000000)
        return shop_fail(LLMCS_ARG, "max_features: %d is not valid (1000 to 4000000)", p->max_features);
    if (p->min_count < 1 || p->min_count > 255)
        return shop_fail(LLMCS_ARG, "min_count: %d is not valid (1 to 255)", p->min_count);
    if (!(p->l2 >= 0 && p->l2 <= 10)) return shop_fail(LLMCS_ARG, "l2: %g is not valid (0 to 10)", p->l2);
    return LLMCS_OK;
}

llmcs_status llmcs_shop_tagger_train(const llmcs_shop_tagged_text *texts, size_t n_texts,
                                     const llmcs_shop_tagger_params *params, const char *path) {
    SHOP_PUBLIC_CALL;
    tag_trainer t = {0};
    tag_step x = {0};
    llmcs_shop_tagger_params_init(&t.params);
    if (!texts || !n_texts || !path) return shop_fail(LLMCS_ARG, "tagger_train: texts or path is NULL, or no texts");
    if (params)
        SHOP_TRY(shop_options_in(&t.params, sizeof t.params,
                                 SHOP_SIZE_UP_TO_POINTER(llmcs_shop_tagger_params, progress_user), params,
                                 "llmcs_shop_tagger_params"));
    SHOP_TRY(check_params(&t.params));
    t.allocator = shop_allocator_or_default(t.params.allocator);
    t.l2 = (float)t.params.l2 * 1e-3f;
    llmcs_status status = prepare(&t, texts, n_texts);
    if (!status) status = allocate_step(&t, &x);
    if (!status) status = train_passes(&t, &x);
    if (!status) status = save_tagger(&t, path);
    if (!status) tag_remove_checkpoint(&t);
    free_step(&t.allocator, &x);
    free_trainer(&t);
    return status;
}
