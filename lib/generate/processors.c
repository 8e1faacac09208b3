/* Logits processors: penalties, forbidden tokens, biases. */
#include "generate/processors.h"

#include <float.h>
#include <math.h>
#include <string.h>

bool ll_processors_active(const ll_processors *p) {
    return p->repetition_penalty != 1.0f || p->encoder_repetition_penalty != 1.0f || p->presence_penalty != 0.0f ||
           p->frequency_penalty != 0.0f || p->no_repeat_ngram_size || p->encoder_no_repeat_ngram_size ||
           (p->min_new_tokens && p->n_eos) || p->n_bad_words || p->n_logit_bias || p->suppress.n_ids ||
           p->begin_suppress.n_ids || p->forced_bos.n_ids || p->forced_eos.n_ids || p->n_sequence_bias ||
           p->decay_factor != 1.0f || p->taken.n_ids;
}

/* logit_bias is sequence_bias for sequences of one token. */
static void add_logit_bias(const ll_processors *p, float *scores) {
    for (size_t i = 0; i < p->n_logit_bias; i++) scores[p->logit_bias[i].id] += p->logit_bias[i].bias;
}

/* True if `ids` end with all tokens of the sequence but its last. As in Transformers, never true if there are fewer ids
 * than the sequence has. */
static bool may_complete(const llmcs_ids *sequence, const int32_t *ids, size_t n_ids) {
    const size_t prefix = sequence->n_ids - 1;
    if (!prefix) return true;
    return sequence->n_ids <= n_ids && !memcmp(ids + n_ids - prefix, sequence->ids, prefix * sizeof *ids);
}

static void add_sequence_bias(const ll_processors *p, float *scores, const int32_t *ids, size_t n_ids) {
    for (size_t i = 0; i < p->n_sequence_bias; i++) {
        const llmcs_ids *sequence = &p->sequence_bias[i].ids;
        if (may_complete(sequence, ids, n_ids)) scores[sequence->ids[sequence->n_ids - 1]] += p->sequence_bias[i].bias;
    }
}

/* Vijayakumar et al. 2016, "Diverse Beam Search", with the Hamming diversity. */
static void penalise_taken(const ll_processors *p, float *scores) {
    for (size_t i = 0; i < p->taken.n_ids; i++) p->counts[p->taken.ids[i]]++;
    for (size_t i = 0; i < p->taken.n_ids; i++) {
        uint32_t *count = &p->counts[p->taken.ids[i]];
        scores[p->taken.ids[i]] -= p->diversity_penalty * (float)*count;
        *count = 0;
    }
}

/* Keskar et al. 2019 (CTRL), section 4.1, as in Transformers: positive scores are divided, negative ones multiplied,
 * once per token however often it occurs. */
static void penalise_repetition(const ll_processors *p, float penalty, float *scores, const int32_t *ids,
                                size_t n_ids) {
    for (size_t i = 0; i < n_ids; i++) {
        size_t id = (size_t)ids[i];
        if (p->counts[id]) continue;
        p->counts[id] = 1;
        scores[id] = scores[id] < 0 ? scores[id] * penalty : scores[id] / penalty;
    }
    for (size_t i = 0; i < n_ids; i++) p->counts[ids[i]] = 0;
}

/* OpenAI's and vLLM's definition, over new tokens only: score - count * frequency_penalty - presence_penalty. */
static void penalise_presence_and_frequency(const ll_processors *p, float *scores, const int32_t *new_ids,
                                            size_t n_new) {
    for (size_t i = 0; i < n_new; i++) p->counts[new_ids[i]]++;
    for (size_t i = 0; i < n_new; i++) {
        uint32_t *count = &p->counts[new_ids[i]];
        if (!*count) continue;
        float *score = &scores[new_ids[i]];
        *score = *score - (float)*count * p->frequency_penalty - p->presence_penalty;
        *count = 0;
    }
}

/* Forbids every token that would complete an n-gram of `size` tokens that `of` already contains. */
static void forbid_repeated_ngrams(size_t size, float *scores, const int32_t *ids, size_t n_ids, const int32_t *of,
                                   size_t n_of) {
    if (n_ids + 1 < size) return; /* too few tokens for an n-gram */
    const int32_t *tail = ids + n_ids - (size - 1);
    for (size_t i = 0; i + size <= n_of; i++) {
        if (!memcmp(of + i, tail, (size - 1) * sizeof *of)) scores[of[i + size - 1]] = -INFINITY;
    }
}

static bool is_eos(const ll_processors *p, int32_t id) {
    for (size_t i = 0; i < p->n_eos; i++) {
        if (p->eos[i] == id) return true;
    }
    return false;
}

/* As in Transformers: an EOS alone is not a bad word. */
static void forbid_bad_words(const ll_processors *p, float *scores, const int32_t *ids, size_t n_ids) {
    for (size_t i = 0; i < p->n_bad_words; i++) {
        const llmcs_ids *word = &p->bad_words[i];
        const int32_t last = word->ids[word->n_ids - 1];
        if (word->n_ids == 1 && is_eos(p, last)) continue;
        if (may_complete(word, ids, n_ids)) scores[last] = -INFINITY;
    }
}

/* A folder's EOS id may lie outside its network's vocabulary. */
static bool in_vocabulary(const ll_processors *p, int32_t id) { return id >= 0 && (size_t)id < p->vocab; }

static void forbid_all(const ll_processors *p, float *scores, llmcs_ids ids) {
    for (size_t i = 0; i < ids.n_ids; i++) {
        if (in_vocabulary(p, ids.ids[i])) scores[ids.ids[i]] = -INFINITY;
    }
}

/* The tokens that the next one is restricted to; NULL: any. As in Transformers, a forced BOS follows a prompt of one
 * token, and a forced EOS is the last token. */
static const llmcs_ids *forced_ids(const ll_processors *p, size_t n_ids, size_t n_new) {
    if (p->forced_eos.n_ids && n_new + 1 == p->max_new_tokens) return &p->forced_eos;
    return p->forced_bos.n_ids && n_ids == 1 ? &p->forced_bos : NULL;
}

static void allow_only(const ll_processors *p, float *scores, const llmcs_ids *ids) {
    for (size_t i = 0; i < p->vocab; i++) scores[i] = -INFINITY;
    for (size_t i = 0; i < ids->n_ids; i++) scores[ids->ids[i]] = 0.0f;
}

/* exponential_decay_length_penalty. A forbidden EOS stays forbidden (Transformers' arithmetic would make it NaN), and
 * the result stays finite. */
static void favour_eos(const ll_processors *p, float *scores, size_t n_new) {
    const double gain = pow((double)p->decay_factor, (double)(n_new - p->decay_start)) - 1;
    for (size_t i = 0; i < p->n_eos; i++) {
        if (!in_vocabulary(p, p->eos[i])) continue;
        float *score = &scores[p->eos[i]];
        if (*score == 0 || *score < -FLT_MAX) continue;
        const double more = (double)*score + fabs((double)*score) * gain;
        *score = more < (double)FLT_MAX ? (float)more : FLT_MAX;
    }
}

static bool favours_eos(const ll_processors *p, size_t n_new) {
    return p->decay_factor != 1.0f && n_new > p->decay_start;
}

/* Transformers' begin_index: the first new token, or the one after a forced BOS. */
static bool is_first(const ll_processors *p, size_t n_ids, size_t n_new) {
    const bool after_bos = p->forced_bos.n_ids && n_ids - n_new == 1;
    return n_new == (after_bos ? 1 : 0);
}

static void touch_all(ll_scores *scores, const int32_t *ids, size_t n) {
    for (size_t i = 0; i < n; i++) ll_scores_touch(scores, ids[i]);
}

void ll_processors_touch(const ll_processors *p, ll_scores *scores, const int32_t *ids, size_t n_ids, size_t n_new) {
    if (forced_ids(p, n_ids, n_new))
        for (size_t id = 0; id < p->vocab; id += LL_ROW_BLOCK) ll_scores_touch(scores, (int32_t)id);
    for (size_t i = 0; i < p->n_logit_bias; i++) ll_scores_touch(scores, p->logit_bias[i].id);
    for (size_t i = 0; i < p->n_sequence_bias; i++) {
        const llmcs_ids *sequence = &p->sequence_bias[i].ids;
        ll_scores_touch(scores, sequence->ids[sequence->n_ids - 1]);
    }
    touch_all(scores, p->taken.ids, p->taken.n_ids);
    if (p->encoder_repetition_penalty != 1.0f || p->encoder_no_repeat_ngram_size)
        touch_all(scores, p->source.ids, p->source.n_ids);
    if (p->repetition_penalty != 1.0f || p->no_repeat_ngram_size)
        touch_all(scores, ids, n_ids);
    else if (p->presence_penalty != 0.0f || p->frequency_penalty != 0.0f)
        touch_all(scores, ids + (n_ids - n_new), n_new);
    for (size_t i = 0; i < p->n_bad_words; i++) ll_scores_touch(scores, p->bad_words[i].ids[p->bad_words[i].n_ids - 1]);
    for (size_t i = 0; (n_new < p->min_new_tokens || favours_eos(p, n_new)) && i < p->n_eos; i++)
        if (in_vocabulary(p, p->eos[i])) ll_scores_touch(scores, p->eos[i]);
    touch_all(scores, p->suppress.ids, p->suppress.n_ids);
    if (is_first(p, n_ids, n_new)) touch_all(scores, p->begin_suppress.ids, p->begin_suppress.n_ids);
}

void ll_processors_apply(ll_processors *p, float *scores, const int32_t *ids, size_t n_ids, size_t n_new) {
    add_logit_bias(p, scores);
    add_sequence_bias(p, scores, ids, n_ids);
    penalise_taken(p, scores);
    if (p->encoder_repetition_penalty != 1.0f)
        penalise_repetition(p, 1.0f / p->encoder_repetition_penalty, scores, p->source.ids, p->source.n_ids);
    if (p->repetition_penalty != 1.0f) penalise_repetition(p, p->repetition_penalty, scores, ids, n_ids);
    if (p->presence_penalty != 0.0f || p->frequency_penalty != 0.0f)
        penalise_presence_and_frequency(p, scores, ids + (n_ids - n_new), n_new);
    if (p->no_repeat_ngram_size) forbid_repeated_ngrams(p->no_repeat_ngram_size, scores, ids, n_ids, ids, n_ids);
    if (p->encoder_no_repeat_ngram_size)
        forbid_repeated_ngrams(p->encoder_no_repeat_ngram_size, scores, ids, n_ids, p->source.ids, p->source.n_ids);
    forbid_bad_words(p, scores, ids, n_ids);
    if (n_new < p->min_new_tokens) forbid_all(p, scores, (llmcs_ids){p->eos, p->n_eos});
    const llmcs_ids *only = forced_ids(p, n_ids, n_new);
    if (only) allow_only(p, scores, only);
    if (favours_eos(p, n_new)) favour_eos(p, scores, n_new);
    forbid_all(p, scores, p->suppress);
    if (is_first(p, n_ids, n_new)) forbid_all(p, scores, p->begin_suppress);
}
