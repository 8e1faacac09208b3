/*
 * Logits processors: they change the scores of a row before a token is sampled. Order and meaning are those of Hugging
 * Face Transformers' logits processors; each sees one row and the ids before it, nothing else.
 */
#ifndef LL_GENERATE_PROCESSORS_H
#define LL_GENERATE_PROCESSORS_H

#include "generate/scores.h"

/* Parameters as in llmcs_generate_params, checked there: every id is inside the vocabulary. */
typedef struct ll_processors {
    float repetition_penalty; /* 1: off */
    float presence_penalty, frequency_penalty;
    size_t no_repeat_ngram_size;         /* 0: off */
    llmcs_ids source;                    /* what an encoder reads; a decoder's prompt. For the next two: */
    float encoder_repetition_penalty;    /* over its tokens, towards them; 1: off */
    size_t encoder_no_repeat_ngram_size; /* its n-grams; 0: off */
    size_t min_new_tokens, max_new_tokens;
    const int32_t *eos; /* [n_eos] */
    size_t n_eos;
    const llmcs_ids *bad_words;
    size_t n_bad_words;
    const llmcs_logit_bias *logit_bias;
    size_t n_logit_bias;
    llmcs_ids suppress, begin_suppress; /* never, and not as the first new token */
    llmcs_ids forced_bos, forced_eos;   /* one of them as the second token of all, and as the last new one */
    const llmcs_sequence_bias *sequence_bias;
    size_t n_sequence_bias;
    size_t decay_start;      /* EOS becomes more likely after so many new tokens */
    float decay_factor;      /* 1: off */
    float diversity_penalty; /* subtracted for each of */
    llmcs_ids taken;         /* the tokens that beams of earlier groups chose in this step */
    uint32_t *counts;        /* [vocab] the caller's scratch memory; all zero between calls */
    size_t vocab;
} ll_processors;

/* False: ll_processors_apply would change nothing now or later. */
bool ll_processors_active(const ll_processors *p);

/* Touches every id whose score ll_processors_apply may change. */
void ll_processors_touch(const ll_processors *p, ll_scores *scores, const int32_t *ids, size_t n_ids, size_t n_new);

/* Changes scores [vocab] in place. ids: prompt and new tokens, n_ids in all, the last n_new of them new. */
void ll_processors_apply(ll_processors *p, float *scores, const int32_t *ids, size_t n_ids, size_t n_new);

#endif
