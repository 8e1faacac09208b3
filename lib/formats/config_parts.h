/* The parts config.c is made of. */
#ifndef LL_FORMATS_CONFIG_PARTS_H
#define LL_FORMATS_CONFIG_PARTS_H

#include "formats/config.h"
#include "formats/settings.h"

/* Strings of JSON as text that ends with a NUL, in the config's arena; CONFIG for one with a NUL inside. */
llmcs_status ll_config_copy_text(ll_config *c, const ll_settings *f, const char *key, ll_json v, const char **out);

/* config_family.c: model_type, architectures and head; of a file that has neither, what the tensors of `source` say. */
llmcs_status ll_config_family(ll_config *c, const ll_settings *f, const ll_source *source, const ll_log *log);

/* config_network.c: sizes and settings of the network, by the family's list of keys; token ids. */
llmcs_status ll_config_network(ll_config *c, const ll_settings *f, const ll_log *log);
/* The object that holds the text model's settings, where config.json has one inside of another; else *nested is *f. */
llmcs_status ll_config_nested(const ll_config *c, const ll_settings *f, ll_settings *nested, bool *there);

/* config_rope.c: rope_theta, rope_scaling and their like; which layers have a window, which rotate. */
llmcs_status ll_config_rope(ll_config *c, const ll_settings *f);
/* What follows from the sizes that were read: head_dim, n_kv_head, n_inner and n_embd_in if 0. CONFIG, naming `file`,
 * where they do not fit; `keys` are the names of n_embd, n_head and n_kv_head in it. */
llmcs_status ll_config_complete(ll_config *c, const char *file, const char *const keys[3]);
/* The names of all keys that are read for the family, up to a NULL. */
#define LL_MAX_NETWORK_KEYS 160
const char *const *ll_config_network_keys(const ll_config *c, const char *out[LL_MAX_NETWORK_KEYS]);

/* config_ids.c. An id outside the vocabulary counts as none and is logged. */

/* A token id: absent or null leaves *out, none is -1. */
llmcs_status ll_config_token_id(ll_config *c, const ll_settings *f, const char *key, const ll_log *log, int32_t *out);
/* One id or a list of them; absent leaves what the config has, null gives none. */
llmcs_status ll_config_eos_ids(ll_config *c, const ll_settings *f, const ll_log *log);
/* The ids of the value `v`, without those that the vocabulary lacks. */
llmcs_status ll_config_ids_of(ll_config *c, const ll_settings *f, const char *key, ll_json v, const ll_log *log,
                              llmcs_ids *out);
/* The same of any key; absent or null leaves *out. */
llmcs_status ll_config_id_list(ll_config *c, const ll_settings *f, const char *key, const ll_log *log, llmcs_ids *out);
/* A list of lists; a list with an id outside the vocabulary is left out. */
llmcs_status ll_config_id_lists(ll_config *c, const ll_settings *f, const char *key, const ll_log *log,
                                const llmcs_ids **lists, size_t *n_lists);

/* config_unapplied.c. A setting that changes results in Transformers and is not applied here. */
typedef struct ll_unapplied {
    const char *key;
    double neutral;          /* the number that switches it off; NAN: none */
    const char *consequence; /* for the log, or NULL */
} ll_unapplied;
/* Logs (WARN) the settings that are present and on; `settings` ends with a key of NULL. */
void ll_config_log_unapplied(const ll_settings *f, const ll_unapplied *settings, const ll_log *log);
/* Logs (INFO) members that are neither in `settings` nor in one of the lists of names `known`, which ends with NULL. */
void ll_config_log_unknown(const ll_settings *f, const char *const *const *known, const ll_unapplied *settings,
                           const ll_log *log);

/* config_labels.c: problem_type, id2label, num_labels. */
llmcs_status ll_config_labels(ll_config *c, const ll_settings *f, const ll_log *log);
/* Makes the labels of different classes different names; `file` for messages. */
llmcs_status ll_config_distinct_labels(ll_config *c, const char *file, const ll_log *log);

/* config_generation.c */

/* Transformers' defaults. */
void ll_config_generation_defaults(ll_config *c);
/* generation_config.json of a decoder's folder `source`; without one what its config.json says under the same keys. */
llmcs_status ll_config_generation(ll_config *c, const ll_source *source, const ll_settings *config, const ll_log *log);
/* The names of such keys, up to a NULL. */
const char *const *ll_config_generation_keys(void);

/* config_sentence.c: modules.json of `source` if it has one, and its settings. */
llmcs_status ll_config_sentence(ll_config *c, const ll_source *source, const ll_log *log);
/* Opens `name` of a module's folder if it exists. */
llmcs_status ll_config_open_in_module(const ll_config *c, const ll_source *source, const char *module, const char *name,
                                      ll_settings *f, bool *there);

/* config_modules.c: when n_embd is known, the settings of the pooling and of the modules after it. */
llmcs_status ll_config_sentence_modules(ll_config *c, const ll_source *source, const ll_log *log);
/* The activation of a CrossEncoder, from config.json. */
llmcs_status ll_config_rerank(ll_config *c, const ll_settings *f, const ll_log *log);

/* config_gguf.c: a GGUF file that does not carry config.json: what its keys and tensors say. */
llmcs_status ll_config_gguf(ll_config *c, const struct ll_gguf *g, const ll_log *log);
/* The architecture and the rest of a key: "llama.block_count". */
#define LL_GGUF_KEY_TEXT 80
const char *ll_config_gguf_key(char out[LL_GGUF_KEY_TEXT], const ll_config *c, const char *rest);
/* The architecture's class of this name, and its head. */
llmcs_status ll_config_gguf_class(ll_config *c, const char *name);

/* config_gguf_rotary.c: what networks with rotary embeddings have besides: heads of keys and values, their width; when
 * the sizes are known, frequencies, windows, biases, and settings of networks that are not run. */
llmcs_status ll_config_gguf_heads(ll_config *c, const struct ll_gguf *g);
llmcs_status ll_config_gguf_rotary(ll_config *c, const struct ll_gguf *g, const ll_log *log);
/* What llama.cpp has in its code: the scalar of Gemma 3's queries (of 62 layers: the 27B), and SmolLM3's layers. */
int32_t ll_gguf_query_scalar(const ll_config *c);
#define LL_GGUF_UNROTATED_EVERY 4

#endif
