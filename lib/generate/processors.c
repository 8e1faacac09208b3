/* Logits processors: penalties, forbidden tokens, biases. */
#include "generate/processors.h"

#include <math.h>
#include <string.h>

bool ll_processors_active(const ll_processors *p) {
    return p->repetition_penalty != 1.0f || p->presence_penalty != 0.0f || p->frequency_penalty != 0.0f ||
           p->no_repeat_ngram_size || (p->min_new_tokens && p->n_eos) || p->n_bad_words || p->n_logit_bias;
}

/* Transformers' sequence_bias for sequences of one token; it stands first in its list of processors. */
static void add_logit_bias(const ll_processors *p, float *scores) {
    for (size_t i = 0; i < p->n_logit_bias; i++) scores[p->logit_bias[i].id] += p->logit_bias[i].bias;
}

/* Keskar et al. 2019 (CTRL), section 4.1, as Transformers has it: towards less likely on both sides of zero, once for
 * each token however often it occurs. */
static void penalise_repetition(const ll_processors *p, float *scores, const int32_t *ids, size_t n_ids) {
    for (size_t i = 0; i < n_ids; i++) {
        size_t id = (size_t)ids[i];
        if (p->counts[id]) continue;
        p->counts[id] = 1;
        scores[id] = scores[id] < 0 ? scores[id] * p->repetition_penalty : scores[id] / p->repetition_penalty;
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

/* Forbids every token that would complete a sequence of no_repeat_ngram_size tokens that is in ids already. */
static void forbid_repeated_ngrams(const ll_processors *p, float *scores, const int32_t *ids, size_t n_ids) {
    size_t size = p->no_repeat_ngram_size;
    if (n_ids < size) return; /* no whole n-gram yet */
    const int32_t *tail = ids + n_ids - (size - 1);
    for (size_t i = 0; i + size <= n_ids; i++) {
        if (!memcmp(ids + i, tail, (size - 1) * sizeof *ids)) scores[ids[i + size - 1]] = -INFINITY;
    }
}

static bool is_eos(const ll_processors *p, int32_t id) {
    for (size_t i = 0; i < p->n_eos; i++) {
        if (p->eos[i] == id) return true;
    }
    return false;
}

/* As in Transformers: an EOS alone is not a bad word, and a bad word of n tokens is not searched for in fewer than n
 * tokens. */
static void forbid_bad_words(const ll_processors *p, float *scores, const int32_t *ids, size_t n_ids) {
    for (size_t i = 0; i < p->n_bad_words; i++) {
        const llmcs_ids *word = &p->bad_words[i];
        size_t prefix = word->n_ids - 1;
        int32_t last = word->ids[prefix];
        if (!prefix) {
            if (!is_eos(p, last)) scores[last] = -INFINITY;
        } else if (word->n_ids <= n_ids && !memcmp(ids + n_ids - prefix, word->ids, prefix * sizeof *ids)) {
            scores[last] = -INFINITY;
        }
    }
}

/* A folder's EOS id may lie outside its network's vocabulary. */
static bool in_vocabulary(const ll_processors *p, int32_t id) { return id >= 0 && (size_t)id < p->vocab; }

static void forbid_early_eos(const ll_processors *p, float *scores) {
    for (size_t i = 0; i < p->n_eos; i++) {
        if (in_vocabulary(p, p->eos[i])) scores[p->eos[i]] = -INFINITY;
    }
}

static void touch_all(ll_scores *scores, const int32_t *ids, size_t n) {
    for (size_t i = 0; i < n; i++) ll_scores_touch(scores, ids[i]);
}

void ll_processors_touch(const ll_processors *p, ll_scores *scores, const int32_t *ids, size_t n_ids, size_t n_new) {
    for (size_t i = 0; i < p->n_logit_bias; i++) ll_scores_touch(scores, p->logit_bias[i].id);
    if (p->repetition_penalty != 1.0f || p->no_repeat_ngram_size)
        touch_all(scores, ids, n_ids);
    else if (p->presence_penalty != 0.0f || p->frequency_penalty != 0.0f)
        touch_all(scores, ids + (n_ids - n_new), n_new);
    for (size_t i = 0; i < p->n_bad_words; i++) ll_scores_touch(scores, p->bad_words[i].ids[p->bad_words[i].n_ids - 1]);
    for (size_t i = 0; n_new < p->min_new_tokens && i < p->n_eos; i++)
        if (in_vocabulary(p, p->eos[i])) ll_scores_touch(scores, p->eos[i]);
}

void ll_processors_apply(ll_processors *p, float *scores, const int32_t *ids, size_t n_ids, size_t n_new) {
    add_logit_bias(p, scores);
    if (p->repetition_penalty != 1.0f) penalise_repetition(p, scores, ids, n_ids);
    if (p->presence_penalty != 0.0f || p->frequency_penalty != 0.0f)
        penalise_presence_and_frequency(p, scores, ids + (n_ids - n_new), n_new);
    if (p->no_repeat_ngram_size) forbid_repeated_ngrams(p, scores, ids, n_ids);
    forbid_bad_words(p, scores, ids, n_ids);
    if (n_new < p->min_new_tokens) forbid_early_eos(p, scores);
}
