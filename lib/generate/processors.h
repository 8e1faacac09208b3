/*
 * Logits processors change the scores of a row before a token is sampled. Their order and meaning are those of Hugging
 * Face Transformers; each depends only on the row and the ids before it.
 */
#ifndef LL_GENERATE_PROCESSORS_H
#define LL_GENERATE_PROCESSORS_H

#include "generate/scores.h"

/* Parameters as in llmcs_generate_params, checked there: every id is inside the vocabulary. */
typedef struct ll_processors {
    float repetition_penalty; /* 1: off */
    float presence_penalty, frequency_penalty;
    size_t no_repeat_ngram_size;         /* 0: off */
    llmcs_ids source;                    /* an encoder's input, or a decoder's prompt; for the next two */
    float encoder_repetition_penalty;    /* above 1 makes tokens of `source` more likely; 1: off */
    size_t encoder_no_repeat_ngram_size; /* no n-gram of `source` again; 0: off */
    size_t min_new_tokens, max_new_tokens;
    const int32_t *eos; /* [n_eos] */
    size_t n_eos;
    const llmcs_ids *bad_words;
    size_t n_bad_words;
    const llmcs_logit_bias *logit_bias;
    size_t n_logit_bias;
    llmcs_ids suppress, begin_suppress; /* never generated; not as the first new token */
    llmcs_ids forced_bos, forced_eos;   /* one of them is the second token of the sequence; the last new token */
    const llmcs_sequence_bias *sequence_bias;
    size_t n_sequence_bias;
    size_t decay_start;      /* EOS becomes more likely after this many new tokens */
    float decay_factor;      /* 1: off */
    float diversity_penalty; /* subtracted from a token's score for each time it is in `taken` */
    llmcs_ids taken;         /* tokens that beams of earlier groups chose in this step */
    uint32_t *counts;        /* [vocab] workspace; all zero between calls */
    size_t vocab;
} ll_processors;

/* False if ll_processors_apply never changes a score. */
bool ll_processors_active(const ll_processors *p);

/* Touches every id whose score ll_processors_apply may change. */
void ll_processors_touch(const ll_processors *p, ll_scores *scores, const int32_t *ids, size_t n_ids, size_t n_new);

/* Changes scores [vocab] in place. ids: prompt and new tokens, n_ids in all, the last n_new of them new. */
void ll_processors_apply(ll_processors *p, float *scores, const int32_t *ids, size_t n_ids, size_t n_new);

#endif
