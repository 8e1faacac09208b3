/* The parts config.c is made of. */
#ifndef LL_FORMATS_CONFIG_PARTS_H
#define LL_FORMATS_CONFIG_PARTS_H

#include "formats/config.h"
#include "formats/settings.h"

/* Copies a JSON string, NUL-terminated, to the config's arena. CONFIG if it contains a NUL. */
llmcs_status ll_config_copy_text(ll_config *c, const ll_settings *f, const char *key, ll_json v, const char **out);

/* config_family.c: family, class and head, by model_type and architectures; without these by the tensors of `source`.
 */
llmcs_status ll_config_family(ll_config *c, const ll_settings *f, const ll_source *source, const ll_log *log);

/* config_network.c: sizes and settings of the network, read with the family's list of keys; token ids. */
llmcs_status ll_config_network(ll_config *c, const ll_settings *f, const ll_log *log);
/* The object with the text model's settings if config.json nests them; else *nested is *f. */
llmcs_status ll_config_nested(const ll_config *c, const ll_settings *f, ll_settings *nested, bool *there);

/* config_rope.c: rope_theta, rope_scaling etc.; which layers have a window, and which rotate. */
llmcs_status ll_config_rope(ll_config *c, const ll_settings *f);
/* Derives head_dim, n_kv_head, n_inner and n_embd_in, where still 0, from the sizes that were read. CONFIG naming
 * `file` if the sizes contradict each other; `keys` are the file's names of n_embd, n_head and n_kv_head. */
llmcs_status ll_config_complete(ll_config *c, const char *file, const char *const keys[3]);
/* The names of all keys that are read for the family; NULL ends the list. */
#define LL_MAX_NETWORK_KEYS 160
const char *const *ll_config_network_keys(const ll_config *c, const char *out[LL_MAX_NETWORK_KEYS]);

/* config_ids.c. An id outside the vocabulary is logged and counts as none. */

/* A token id; -1 is none. An absent or null key leaves *out unchanged. */
llmcs_status ll_config_token_id(ll_config *c, const ll_settings *f, const char *key, const ll_log *log, int32_t *out);
/* One id or a list of ids. An absent key leaves the config unchanged, null clears the list. */
llmcs_status ll_config_eos_ids(ll_config *c, const ll_settings *f, const ll_log *log);
/* The ids of the value `v`, without those that the vocabulary lacks. */
llmcs_status ll_config_ids_of(ll_config *c, const ll_settings *f, const char *key, ll_json v, const ll_log *log,
                              llmcs_ids *out);
/* The same for a key; absent or null leaves *out unchanged. */
llmcs_status ll_config_id_list(ll_config *c, const ll_settings *f, const char *key, const ll_log *log, llmcs_ids *out);
/* A list of lists; a list with an id outside the vocabulary is left out. */
llmcs_status ll_config_id_lists(ll_config *c, const ll_settings *f, const char *key, const ll_log *log,
                                const llmcs_ids **lists, size_t *n_lists);

/* config_unapplied.c. A setting that changes results in Transformers but is not applied here. */
typedef struct ll_unapplied {
    const char *key;
    double neutral;          /* the number that switches it off; NAN: no number does */
    const char *consequence; /* the effect, for the log, or NULL */
} ll_unapplied;
/* Logs (WARN) the settings that are present and on; a NULL key ends `settings`. */
void ll_config_log_unapplied(const ll_settings *f, const ll_unapplied *settings, const ll_log *log);
/* Logs (INFO) members that are neither in `settings` nor in one of the lists of names in `known`, which NULL ends. */
void ll_config_log_unknown(const ll_settings *f, const char *const *const *known, const ll_unapplied *settings,
                           const ll_log *log);

/* config_labels.c: problem_type, id2label, num_labels. */
llmcs_status ll_config_labels(ll_config *c, const ll_settings *f, const ll_log *log);
/* Renames labels so that no two classes have the same; `file` is for messages. */
llmcs_status ll_config_distinct_labels(ll_config *c, const char *file, const ll_log *log);

/* config_generation.c */

/* Transformers' defaults. */
void ll_config_generation_defaults(ll_config *c);
/* Reads generation_config.json of a decoder's folder `source`; without that file, the same keys of config.json. */
llmcs_status ll_config_generation(ll_config *c, const ll_source *source, const ll_settings *config, const ll_log *log);
/* The names of these keys; NULL ends the list. */
const char *const *ll_config_generation_keys(void);

/* config_sentence.c: modules.json of `source`, if it exists, and the settings it refers to. */
llmcs_status ll_config_sentence(ll_config *c, const ll_source *source, const ll_log *log);
/* Opens `name` in a module's folder if it exists. */
llmcs_status ll_config_open_in_module(const ll_config *c, const ll_source *source, const char *module, const char *name,
                                      ll_settings *f, bool *there);

/* config_modules.c: the settings of the pooling and of the modules after it. Needs n_embd. */
llmcs_status ll_config_sentence_modules(ll_config *c, const ll_source *source, const ll_log *log);
/* The activation of a CrossEncoder, from config.json. */
llmcs_status ll_config_rerank(ll_config *c, const ll_settings *f, const ll_log *log);

/* config_gguf.c: the config of a GGUF file without an embedded config.json, from its keys and tensors. */
llmcs_status ll_config_gguf(ll_config *c, const struct ll_gguf *g, const ll_log *log);
/* Prepends the architecture to `rest`: "llama.block_count". */
#define LL_GGUF_KEY_TEXT 80
const char *ll_config_gguf_key(char out[LL_GGUF_KEY_TEXT], const ll_config *c, const char *rest);

/* config_gguf_rotary.c: keys that only networks with rotary embeddings have. First the number and width of KV heads;
 * then, with the sizes known, frequencies, windows, biases, and the check for unsupported settings. */
llmcs_status ll_config_gguf_heads(ll_config *c, const struct ll_gguf *g);
llmcs_status ll_config_gguf_rotary(ll_config *c, const struct ll_gguf *g, const ll_log *log);
/* Constants in llama.cpp's code: the scalar of Gemma 3's queries (the 27B has 62 layers), and SmolLM3's layers without
 * rotary embeddings. */
int32_t ll_gguf_query_scalar(const ll_config *c);
#define LL_GGUF_UNROTATED_EVERY 4

#endif
