/* Shared by the readers of tokenizer files. */
#ifndef LL_FORMATS_TOKENIZER_READ_H
#define LL_FORMATS_TOKENIZER_READ_H

#include "formats/tokenizer_files.h"

#define LL_MAX_TOKENIZER_FILE ((size_t)512 << 20) /* bytes of one file */

/* Reads `name` of the source into spec->file; *file is NULL if there is none. */
llmcs_status ll_spec_read_file(ll_tokenizer_spec *spec, const ll_source *source, const char *name,
                               const ll_spec_file **file);

/* The same for JSON; *root is MISSING if there is no such file, TOKENIZER if it does not hold an object. */
llmcs_status ll_spec_read_json(ll_tokenizer_spec *spec, const ll_source *source, const char *name, ll_json *root);

/* A member of an object that may stand there once; `where` names the object in messages ("model"). */
llmcs_status ll_spec_member(ll_json object, const char *where, const char *key, ll_json *value);

/* A boolean member; MISSING or null: *out stays as it is. */
llmcs_status ll_spec_bool(ll_json object, const char *where, const char *key, bool *out);

/* A string member; MISSING or null: *out stays as it is. */
llmcs_status ll_spec_string(ll_json object, const char *where, const char *key, const char **out, uint32_t *len);

/* A token's id: an integer from 0 to INT32_MAX - 1. */
llmcs_status ll_spec_id(ll_json value, const char *where, int32_t *id);

/* TOKENIZER "<file>: <where> at byte <offset>: <problem>". */
llmcs_status ll_spec_fail(ll_json value, const char *where, const char *problem);

/* tokenizer.json */
llmcs_status ll_read_tokenizer_json(ll_tokenizer_spec *spec, ll_json root);
llmcs_status ll_read_normalizer(ll_tokenizer_spec *spec, ll_json normalizer);
llmcs_status ll_read_pre_tokenizer(ll_tokenizer_spec *spec, ll_json pre_tokenizer);
llmcs_status ll_read_decoder(ll_tokenizer_spec *spec, ll_json decoder);
llmcs_status ll_read_post_processor(ll_tokenizer_spec *spec, ll_json post_processor);

/* BertNormalizer as steps. */
void ll_bert_steps(ll_tokenizer_spec *spec, bool clean_text, bool chinese, bool strip_accents, bool lowercase);

/* Appends to a template; false: it is full. id: of a special token, or -1 for sequence 0 (A) or 1 (B). */
bool ll_template_add(ll_template_piece *piece, size_t *n, int32_t id, uint8_t sequence, uint8_t type_id);

/* The template without special tokens: A, and A B with `pair_type` for B. */
void ll_template_plain(ll_tokenizer_spec *spec, uint8_t pair_type);

/* [CLS] A [SEP] B [SEP] with type ids 0 and 1. */
void ll_template_bert(ll_tokenizer_spec *spec, int32_t cls, int32_t sep);

/* <s> A </s></s> B </s>, type ids 0. */
void ll_template_roberta(ll_tokenizer_spec *spec, int32_t cls, int32_t sep);

/* Vocabulary files. */
llmcs_status ll_read_vocab_object(ll_tokenizer_spec *spec, ll_json vocab, const char *where);
llmcs_status ll_read_vocab_txt(ll_tokenizer_spec *spec, const ll_spec_file *file);
llmcs_status ll_read_merges_txt(ll_tokenizer_spec *spec, const ll_spec_file *file);

/* Names of special tokens and model_max_length, for every kind of tokenizer. `map`: special_tokens_map.json. */
llmcs_status ll_read_special_names(ll_tokenizer_spec *spec, ll_json config, ll_json map);

/* What else the older files need: normalizer, pre-tokenizer, post-processor, added tokens. */
llmcs_status ll_read_older_settings(ll_tokenizer_spec *spec, const ll_source *source, const char *model_type,
                                    ll_json config, ll_json map);

/* tokenizer_gguf.c. Model, vocabulary and merges of a GGUF file, before anything else is read. */
llmcs_status ll_read_gguf_vocab(ll_tokenizer_spec *spec, const struct ll_gguf *g);
/* Behind ll_read_older_settings and ll_read_special_names, for a file that carries none of the folder's: what its own
 * keys say of normalizer, added tokens and special tokens. */
llmcs_status ll_read_gguf_settings(ll_tokenizer_spec *spec, const struct ll_gguf *g);

#endif
