/* Shared by the readers of tokenizer files. */
#ifndef LL_FORMATS_TOKENIZER_READ_H
#define LL_FORMATS_TOKENIZER_READ_H

#include "formats/tokenizer_files.h"

#define LL_MAX_TOKENIZER_FILE ((size_t)512 << 20) /* bytes of one file */

/* Reads `name` of the source into spec->file; *file is NULL if it does not exist. */
llmcs_status ll_spec_read_file(ll_tokenizer_spec *spec, const ll_source *source, const char *name,
                               const ll_spec_file **file);

/* The same for JSON; *root is MISSING if the file does not exist. TOKENIZER if it does not hold an object. */
llmcs_status ll_spec_read_json(ll_tokenizer_spec *spec, const ll_source *source, const char *name, ll_json *root);

/* MISSING or null. */
bool ll_spec_absent(ll_json v);

/* A member that must not occur twice; `where` names the object in messages ("model"). */
llmcs_status ll_spec_member(ll_json object, const char *where, const char *key, ll_json *value);

/* A boolean member; MISSING or null leave *out unchanged. */
llmcs_status ll_spec_bool(ll_json object, const char *where, const char *key, bool *out);

/* A string member; MISSING or null leave *out unchanged. */
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

/* tokenizer_stages.c. The "type" of a stage; the list of a Sequence; UNSUPPORTED with stage and type. A Sequence inside
 * a Sequence is not supported, so no reader recurses. */
llmcs_status ll_spec_type(ll_json stage, const char *where, ll_json *type);
llmcs_status ll_spec_sequence(ll_json stage, const char *where, const char *key, ll_json *list);
llmcs_status ll_spec_fail_kind(ll_json stage, const char *where);

/* The character of a Metaspace pre-tokenizer or decoder, and when it is prepended. */
llmcs_status ll_read_metaspace(ll_json stage, const char *where, ll_step_text *character, ll_prepend *prepend);

/* Appends a step; the list must have capacity for it. */
void ll_add_normalizer(ll_tokenizer_spec *spec, ll_normalizer_step step);
void ll_add_split(ll_tokenizer_spec *spec, ll_split_step step);
void ll_add_decoder(ll_tokenizer_spec *spec, ll_decoder_step step);

/* split_read.c. A pre-tokenizer with a pattern; *known false: it is another kind, and *step is not set. */
llmcs_status ll_read_split(ll_json stage, ll_json type, ll_split_step *step, bool *known);

/* split_patterns.c. Values of tokenizer.ggml.pre: is the value known, does it add BOS; apply sets pre-tokenizer,
 * normalizer and ignore_merges of the spec. */
bool ll_gguf_pre_known(const char *name, size_t len);
bool ll_gguf_pre_adds_bos(const char *name, size_t len);
void ll_gguf_pre_apply(const char *name, size_t len, ll_tokenizer_spec *spec);

/* A value for the spec's pre-tokenizer: `preferred` (or NULL) if it fits; NULL: llama.cpp has none that fits. */
const char *ll_gguf_pre_name(const ll_tokenizer_spec *spec, const char *preferred);

/* The ByteLevel step of the pre-tokenizer; NULL: it has none. */
ll_split_step *ll_byte_level_step(ll_tokenizer_spec *spec);

/* BertNormalizer as steps. */
void ll_bert_steps(ll_tokenizer_spec *spec, bool clean_text, bool chinese, bool strip_accents, bool lowercase);

/* Appends to a template; false: it is full. id: of a special token, or -1 for sequence 0 (A) or 1 (B). */
bool ll_template_add(ll_template_item *items, size_t *n, int32_t id, uint8_t sequence, uint8_t type_id);

/* The template without special tokens: A, and A B with `pair_type` for B. */
void ll_template_plain(ll_tokenizer_spec *spec, uint8_t pair_type);

/* [CLS] A [SEP] B [SEP] with type ids 0 and 1. */
void ll_template_bert(ll_tokenizer_spec *spec, int32_t cls, int32_t sep);

/* <s> A </s></s> B </s>, type ids 0. */
void ll_template_roberta(ll_tokenizer_spec *spec, int32_t cls, int32_t sep);

/* Vocabulary files. */
llmcs_status ll_read_vocab_object(ll_tokenizer_spec *spec, ll_json vocab, const char *where);
llmcs_status ll_read_scored_vocab(ll_tokenizer_spec *spec, ll_json vocab);
llmcs_status ll_read_merge_list(ll_tokenizer_spec *spec, ll_json merges);
llmcs_status ll_read_vocab_txt(ll_tokenizer_spec *spec, const ll_spec_file *file);
llmcs_status ll_read_merges_txt(ll_tokenizer_spec *spec, const ll_spec_file *file);

/* ------------------------------------------------------------------------------------------------- settings */

/* Classes of Transformers' tokenizers with the same defaults. */
typedef enum ll_token_family {
    LL_TOKENS_OF_NO_CLASS, /* PreTrainedTokenizerFast or an unknown class: no defaults */
    LL_TOKENS_OF_BERT,
    LL_TOKENS_OF_GPT2,
    LL_TOKENS_OF_ROBERTA,
    LL_TOKENS_OF_MPNET,
    LL_TOKENS_OF_XLM_ROBERTA,
    LL_TOKENS_OF_CAMEMBERT,
    LL_TOKENS_OF_MBART,
    LL_TOKENS_OF_MBART50,
    LL_TOKENS_OF_T5,
    LL_TOKENS_OF_ALBERT,
    LL_TOKENS_OF_LLAMA,
    LL_TOKENS_OF_GEMMA,
    LL_TOKENS_OF_MARIAN
} ll_token_family;

/* The files next to a vocabulary. */
typedef struct ll_token_settings {
    ll_json config, map; /* tokenizer_config.json, special_tokens_map.json; MISSING where absent */
    bool legacy;         /* config has no added_tokens_decoder: map overrides it, and added_tokens.json is read */
    ll_token_family family;
    bool named;             /* the class is known, by its name or by the model's type */
    const char *class_name; /* tokenizer_config.json's; NULL: none */
    size_t class_bytes;
    const ll_log *log; /* or NULL */
} ll_token_settings;

/* tokenizer_settings.c. Reads the files and finds the class. */
llmcs_status ll_token_settings_read(ll_tokenizer_spec *spec, const ll_source *source, const char *model_type,
                                    const ll_log *log, ll_token_settings *s);

/* The setting from the files, or MISSING. */
ll_json ll_token_setting(const ll_token_settings *s, const char *key);
llmcs_status ll_token_setting_bool(const ll_token_settings *s, const char *key, bool *out);

/* The token of a role: the file's, else the class's default, else NULL. *v: the value in the file, MISSING for a
 * default. */
const char *ll_token_role(const ll_tokenizer_spec *spec, const ll_token_settings *s, size_t role, ll_json *v,
                          size_t *len);

/* A special token is a string, or an object with its "content"; NULL: neither. */
const char *ll_token_text(ll_json v, size_t *len);

/* Applies the settings of the files to those of tokenizer.json. */
llmcs_status ll_apply_token_settings(ll_tokenizer_spec *spec, const ll_token_settings *s);

/* Reads the special tokens' texts and model_max_length, for every kind of tokenizer; logs settings without effect here.
 */
llmcs_status ll_read_special_names(ll_tokenizer_spec *spec, const ll_token_settings *s);

/* tokenizer_spm.c. SentencePiece's file, as Transformers converts it; *found false: the folder has none. */
llmcs_status ll_read_sentencepiece_files(ll_tokenizer_spec *spec, const ll_source *source, const ll_token_settings *s,
                                         bool *found);
/* The language codes of an mBART class, which are special tokens; 0: another class. */
size_t ll_mbart_languages(ll_token_family family, const char *const **codes);

/* tokenizer_marian.c. source.spm or target.spm, and vocab.json. */
llmcs_status ll_read_marian_files(ll_tokenizer_spec *spec, const ll_source *source, const ll_token_settings *s);
llmcs_status ll_marian_template(ll_tokenizer_spec *spec, int32_t eos);

/* tokenizer_class.c. The template of a class that replaces tokenizer.json's; and of a SentencePiece file's class. */
llmcs_status ll_apply_class_template(ll_tokenizer_spec *spec, const ll_token_settings *s);
llmcs_status ll_spm_template(ll_tokenizer_spec *spec, const ll_token_settings *s);
/* The id of a role's token. TOKENIZER if neither the vocabulary nor the added tokens have it. */
llmcs_status ll_find_role_token(const ll_tokenizer_spec *spec, const ll_token_settings *s, llmcs_special role,
                                int32_t *id);

/* tokenizer_older.c. Steps that the older files leave to the class: normalizer, pre-tokenizer, post-processor, decoder.
 */
llmcs_status ll_read_older_settings(ll_tokenizer_spec *spec, const ll_token_settings *s);

/* tokenizer_added.c. Added tokens, after those of tokenizer.json if it was read. */
llmcs_status ll_read_added_tokens(ll_tokenizer_spec *spec, const ll_source *source, const ll_token_settings *s,
                                  bool has_json);

/* tokenizer_gguf.c. Model, vocabulary and merges of a GGUF file, before anything else is read. */
llmcs_status ll_read_gguf_vocab(ll_tokenizer_spec *spec, const struct ll_gguf *g);
/* Called last, for a file without embedded folder files: normalizer, added tokens and special tokens by its own keys.
 */
llmcs_status ll_read_gguf_settings(ll_tokenizer_spec *spec, const struct ll_gguf *g);

#endif
