/* Models for tests: golden checkpoints, and changed ones with a little vocabulary of their own. */
#ifndef TESTS_SUPPORT_MODEL_FIXTURE_H
#define TESTS_SUPPORT_MODEL_FIXTURE_H

#include "llmcs.h"
#include "support/checkpoint.h"
#include "support/golden.h"

/* Opens with so many threads; fails the running test. */
llmcs_model *open_model(const char *folder, int32_t n_threads);
llmcs_model *open_model_with_kv(const char *folder, int32_t n_threads, llmcs_kv_type kv_type);
llmcs_model *open_model_kept(const char *folder, int32_t n_threads, llmcs_weights weights, llmcs_kv_type kv_type);
llmcs_model *open_golden(const char *name, int32_t n_threads);
llmcs_session *open_session(llmcs_model *m);

/* llmcs_embed with this pooling and normalisation; the rest from params, or NULL for the defaults. */
llmcs_status embed_pooled(llmcs_model *m, const llmcs_text *texts, size_t n_texts, llmcs_pooling pooling,
                          llmcs_normalize normalize, const llmcs_text_params *params, float *vectors,
                          llmcs_text_info *infos);

/* A golden GPT-2 whose position table is longer (n_positions = n_ctx), so that prompts take several passes. */
checkpoint *long_gpt2(size_t n_ctx);

/* vocab.json and merges.txt: the 256 bytes, "he", "hel" and <|endoftext|>; needs a vocabulary of 259. */
#define GPT2_VOCAB 259
void write_gpt2_vocabulary(const char *folder);
/* vocab.txt: [PAD] [UNK] [CLS] [SEP] [MASK], a..z, ##a..##z, and some words. 64 tokens. */
void write_bert_vocabulary(const char *folder);

/* Folders with both: the golden checkpoint `name` and a vocabulary. */
void text_gpt2_folder(char path[TEMP_PATH_BYTES]);
void text_bert_folder(const char *name, char path[TEMP_PATH_BYTES]);

#endif
