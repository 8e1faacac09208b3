/* Reranking with a language model trained to answer "yes" or "no" (Qwen3-Reranker: Zhang et al. 2025). */
#ifndef LL_RUNTIME_RERANK_LM_H
#define LL_RUNTIME_RERANK_LM_H

#include "runtime/encoder/texts.h"

/* True if the model is a language model whose tokenizer has the control tokens of the prompt. */
bool ll_rerank_lm_possible(const llmcs_model *m);

/* scores [n_docs]: the probability of "yes" against "no" as the answer to whether the document meets the query, or the
 * difference of the two logits. Errors: as llmcs_rerank. */
llmcs_status ll_rerank_lm(llmcs_model *m, const llmcs_text *query, const llmcs_text *docs, size_t n_docs,
                          const ll_text_rules *rules, float *scores, llmcs_text_info *infos);

#endif
