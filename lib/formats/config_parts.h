/* The parts config.c is made of. */
#ifndef LL_FORMATS_CONFIG_PARTS_H
#define LL_FORMATS_CONFIG_PARTS_H

#include "formats/config.h"
#include "formats/settings.h"

/* Strings of JSON as text that ends with a NUL, in the config's arena; CONFIG for one with a NUL inside. */
llmcs_status ll_config_copy_text(ll_config *c, const ll_settings *f, const char *key, ll_json v, const char **out);

/* config_ids.c. A token id: absent or null leaves *out; an id the vocabulary has not gives -1. */
llmcs_status ll_config_token_id(ll_config *c, const ll_settings *f, const char *key, const ll_log *log, int32_t *out);
/* One id or a list of them; absent leaves what the config has, null and ids outside the vocabulary give none. */
llmcs_status ll_config_eos_ids(ll_config *c, const ll_settings *f, const ll_log *log);

/* config_labels.c: problem_type, id2label, num_labels. */
llmcs_status ll_config_labels(ll_config *c, const ll_settings *f, const ll_log *log);

/* config_generation.c: Transformers' defaults, then generation_config.json of `source` if it has one. */
llmcs_status ll_config_generation(ll_config *c, const ll_source *source, const ll_log *log);

/* config_sentence.c: modules.json of `source` if it has one; then, when n_embd is known, what it says of pooling. */
llmcs_status ll_config_sentence(ll_config *c, const ll_source *source);
llmcs_status ll_config_sentence_pooling(ll_config *c, const ll_source *source);

/* config_gguf.c: a GGUF file that does not carry config.json: what its keys and tensors say. */
llmcs_status ll_config_gguf(ll_config *c, const struct ll_gguf *g, const ll_log *log);

#endif
