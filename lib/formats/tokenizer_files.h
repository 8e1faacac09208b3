/* Reads tokenizer.json, vocab.json + merges.txt, vocab.txt, a SentencePiece model or the keys of a GGUF file into plain
 * lists: tokens, and steps with their arguments. text/ builds the tokenizer from them. */
#ifndef LL_FORMATS_TOKENIZER_FILES_H
#define LL_FORMATS_TOKENIZER_FILES_H

#include "base/arena.h"
#include "base/log.h"
#include "formats/json.h"
#include "formats/source.h"
#include "formats/split_patterns.h"

typedef enum ll_token_model {
    LL_TOKEN_BPE,       /* over bytes */
    LL_TOKEN_BPE_CHARS, /* over characters, as in SentencePiece */
    LL_TOKEN_WORDPIECE,
    LL_TOKEN_UNIGRAM,
    LL_TOKEN_WORDLEVEL /* one token per word */
} ll_token_model;

typedef struct ll_vocab_entry {
    const char *token; /* as written, not NUL-terminated */
    uint32_t token_bytes;
    int32_t id;
} ll_vocab_entry;

/* The type of a piece of a SentencePiece model (sentencepiece_model.proto). */
typedef enum ll_piece_type {
    LL_PIECE_NORMAL = 1,
    LL_PIECE_UNKNOWN,
    LL_PIECE_CONTROL,
    LL_PIECE_USER_DEFINED,
    LL_PIECE_UNUSED,
    LL_PIECE_BYTE
} ll_piece_type;

typedef struct ll_merge {
    const char *left, *right;
    uint32_t left_bytes, right_bytes;
} ll_merge;

/* In place of an id: look the text up in the vocabulary. If it is not there, LL_ID_FIND appends a new id and
 * LL_ID_FIND_OR_SKIP drops the token. */
#define LL_ID_FIND (-1)
#define LL_ID_FIND_OR_SKIP (-2)

/* The origin of an entry decides how it changes an earlier entry of the same token. */
typedef enum ll_added_source {
    LL_ADDED_LISTED,    /* replaces it; a special token stays special */
    LL_ADDED_PLAIN,     /* a line of added_tokens.json, which has no flags: replaces it as LISTED does */
    LL_ADDED_NAMED,     /* keeps it but makes it special, and a PLAIN one also not normalized */
    LL_ADDED_BY_DEFAULT /* keeps it but makes it special */
} ll_added_source;

typedef struct ll_added_token {
    const char *content;
    uint32_t content_bytes;
    int32_t id;
    bool special, single_word, lstrip, rstrip, normalized;
    ll_added_source source;
} ll_added_token;

/* An argument of a step, not NUL-terminated, in the spec's files or arena. */
typedef struct ll_step_text {
    const char *at; /* may be NULL if n is 0 */
    uint32_t n;     /* bytes */
} ll_step_text;

/* One step of the normalizer. BertNormalizer is up to five of them. */
typedef enum ll_normalizer_kind {
    LL_NORMALIZE_CLEAN_TEXT,       /* BERT: removes control characters, turns white space into spaces */
    LL_NORMALIZE_CHINESE,          /* BERT: spaces around Chinese characters */
    LL_NORMALIZE_STRIP_NONSPACING, /* BERT: removes category Mn */
    LL_NORMALIZE_STRIP_MARKS,      /* StripAccents: removes category M* */
    LL_NORMALIZE_LOWERCASE,
    LL_NORMALIZE_NFD,
    LL_NORMALIZE_NFC,
    LL_NORMALIZE_NFKD,
    LL_NORMALIZE_NFKC,
    LL_NORMALIZE_REPLACE,      /* Replace: replaces matches by `to` */
    LL_NORMALIZE_STRIP,        /* Strip: removes white space at the ends */
    LL_NORMALIZE_PREPEND,      /* Prepend: puts `to` before a text that is not empty */
    LL_NORMALIZE_CHARSMAP,     /* Precompiled: as Hugging Face's tokenizers apply it */
    LL_NORMALIZE_SENTENCEPIECE /* the whole normalizer of SentencePiece's C++ library: charsmap, spaces, prefix */
} ll_normalizer_kind;

/* What Replace searches for. */
typedef enum ll_replaced {
    LL_REPLACE_TEXT,       /* `from` */
    LL_REPLACE_SPACES,     /* the regular expression " {2,}" */
    LL_REPLACE_WHITE_SPACE /* \s+ */
} ll_replaced;

typedef struct ll_normalizer_step {
    ll_normalizer_kind kind;
    ll_replaced replaced;  /* REPLACE */
    ll_step_text from, to; /* REPLACE, PREPEND */
    bool left, right;      /* STRIP: which ends */
    ll_step_text map;      /* CHARSMAP, SENTENCEPIECE: the compiled map; n 0: none */
    /* SENTENCEPIECE. escape: spaces become U+2581. remove_extra: removes spaces at the ends and repeated ones.
     * dummy_prefix: adds a space before the text, with as_suffix after it. */
    bool escape, remove_extra, dummy_prefix, as_suffix;
    const struct ll_charsmap *charsmap; /* text/ reads the map */
    const struct ll_trie *kept;         /* SENTENCEPIECE: user-defined tokens, which stay as they are; NULL: none */
} ll_normalizer_step;

#define LL_MAX_NORMALIZER_STEPS 16

/* One step of the pre-tokenizer. Each step splits the pieces of the previous one. */
typedef enum ll_split_kind {
    LL_SPLIT_BYTE_LEVEL,  /* ByteLevel: splits into GPT-2's words; the model sees their bytes */
    LL_SPLIT_BERT,        /* BertPreTokenizer: removes white space, isolates punctuation */
    LL_SPLIT_WHITE_SPACE, /* WhitespaceSplit: removes white space */
    LL_SPLIT_METASPACE,   /* Metaspace: spaces become U+2581, which begins a piece */
    LL_SPLIT_PATTERN      /* Split, Digits, Punctuation, Whitespace */
} ll_split_kind;

/* When Metaspace prepends its character to a piece that does not begin with it. */
typedef enum ll_prepend {
    LL_PREPEND_ALWAYS,
    LL_PREPEND_FIRST, /* only to the piece at the beginning of the text */
    LL_PREPEND_NEVER
} ll_prepend;

typedef struct ll_split_step {
    ll_split_kind kind;
    bool add_prefix_space, use_regex; /* BYTE_LEVEL; without use_regex it does not split */
    ll_step_text text;                /* METASPACE: its character; LL_PATTERN_STRING: the string */
    uint64_t set[2];                  /* LL_PATTERN_SET: a bit for each ASCII character */
    ll_prepend prepend;               /* METASPACE */
    bool split;                       /* METASPACE: false: it does not split */
    ll_pattern pattern;               /* PATTERN */
    ll_behavior behavior;             /* PATTERN: what happens to the matches, or with `invert` to the text between */
    bool invert;
} ll_split_step;

#define LL_MAX_SPLIT_STEPS 8

/* True for a PATTERN step whose pieces are exactly the matches of a pattern of words. */
static inline bool ll_split_isolates_words(const ll_split_step *s) {
    const bool kept = s->behavior == LL_BEHAVIOR_ISOLATED || (s->behavior == LL_BEHAVIOR_REMOVED && s->invert);
    return s->kind == LL_SPLIT_PATTERN && ll_pattern_is_words(s->pattern) && kept;
}

/* One item of a post-processor template. */
typedef struct ll_template_item {
    int32_t id;       /* a special token, or -1: a sequence */
    uint8_t sequence; /* with id -1: 0 is A, 1 is B */
    uint8_t type_id;
    uint8_t slot; /* ll_template_slot: a caller may replace the token */
} ll_template_item;

typedef enum ll_template_slot {
    LL_SLOT_NONE,
    LL_SLOT_LANGUAGE, /* the language of the text (mBART) */
    LL_SLOT_TARGET    /* the language to translate into (Marian); empty unless the caller names one */
} ll_template_slot;

#define LL_MAX_TEMPLATE 64
#define LL_N_SPECIAL 7

/* One step of the decoder. Without any step, tokens are joined by spaces. */
typedef enum ll_decoder_kind {
    LL_DECODE_BYTE_LEVEL,    /* maps each character back to its byte; the only step */
    LL_DECODE_WORDPIECE,     /* puts a space before each token that does not begin with the prefix */
    LL_DECODE_METASPACE,     /* replaces the character by a space; in the first token it is removed */
    LL_DECODE_REPLACE,       /* replaces `from` by `to` */
    LL_DECODE_STRIP,         /* removes characters at the ends of each token; after FUSE, of the text */
    LL_DECODE_BYTE_FALLBACK, /* turns tokens <0x00> to <0xFF> into bytes */
    LL_DECODE_FUSE,          /* joins the tokens */
    LL_DECODE_SENTENCEPIECE  /* decodes as the C++ library does, then strips white space at the ends (Marian) */
} ll_decoder_kind;

typedef struct ll_decoder_step {
    ll_decoder_kind kind;
    ll_step_text from;      /* WORDPIECE: the prefix; METASPACE, STRIP: the character; REPLACE */
    ll_step_text to;        /* REPLACE; SENTENCEPIECE: the text of the unknown token */
    bool cleanup;           /* WORDPIECE */
    ll_prepend prepend;     /* METASPACE */
    size_t n_left, n_right; /* STRIP: most characters at either end */
} ll_decoder_step;

#define LL_MAX_DECODER_STEPS 8

/* A file in memory. The lists below point into it, or into an open GGUF file. */
typedef struct ll_spec_file {
    char *path, *data;
    size_t data_bytes;
    ll_json_doc *doc; /* NULL: not JSON */
} ll_spec_file;

#define LL_MAX_SPEC_FILES 12

typedef struct ll_tokenizer_spec {
    ll_arena arena; /* holds the arrays below */
    ll_spec_file file[LL_MAX_SPEC_FILES];
    size_t n_files;
    const char *path; /* the file with the vocabulary, for messages */
    const char *merges_path;
    uint32_t merges_line; /* line of merges_path that holds merge 0; 0: merges are counted from 0 */
    ll_token_model model;
    ll_vocab_entry *vocab;
    size_t n_vocab;
    ll_vocab_entry *pieces; /* Marian: the tokens of scores and types; vocab gives their ids by text */
    size_t n_pieces;        /* 0: scores and types are those of vocab */
    double *scores;         /* [n_pieces or n_vocab]; Unigram */
    uint8_t *types;         /* [n_pieces or n_vocab] ll_piece_type of a SentencePiece model; NULL: all normal */
    bool target_side;       /* Marian: tokenizes target texts, not source texts */
    bool has_target;        /* the folder has another tokenizer for target texts */
    bool last_of_equals;    /* a token may occur twice; its last id is used (vocab.txt) */
    ll_merge *merges;
    size_t n_merges;
    bool merges_from_scores; /* no merges: they follow from the tokens' scores (SentencePiece's BPE) */
    ll_added_token *added;
    size_t n_added;
    ll_normalizer_step *normalizer; /* [LL_MAX_NORMALIZER_STEPS] */
    size_t n_normalizer;
    ll_split_step *split; /* the pre-tokenizer, [LL_MAX_SPLIT_STEPS] */
    size_t n_split;
    ll_decoder_step *decoder; /* [LL_MAX_DECODER_STEPS] */
    size_t n_decoder;
    bool ignore_merges;    /* BPE: a word that is a token is not merged */
    bool fuse_unk;         /* BPE: adjacent bytes without a token become one unk_token */
    const char *unk_token; /* NULL: none */
    uint32_t unk_token_bytes;
    bool byte_fallback; /* BPE_CHARS, Unigram: a character without a token becomes tokens <0x00> to <0xFF> */
    bool sentencepiece; /* Unigram: scores, ties and token types as in SentencePiece's C++ library */
    /* WordPiece */
    const char *continuing_prefix;
    uint32_t continuing_prefix_bytes;
    size_t max_input_chars_per_word;
    /* post-processor */
    bool trim_offsets, trim_prefix_space; /* RobertaProcessing, ByteLevel */
    ll_template_item single[LL_MAX_TEMPLATE], pair[LL_MAX_TEMPLATE];
    size_t n_single, n_pair;
    const char *special[LL_N_SPECIAL]; /* by llmcs_special: the token's text; NULL: none */
    uint32_t special_bytes[LL_N_SPECIAL];
    size_t model_max_length; /* tokenizer_config.json; 0: none */
    bool cut_left;           /* truncation_side "left": a text that is too long keeps its end */
    /* Facts of tokenizer.json that decide whether the other files change it. */
    struct {
        bool bert_normalizer; /* the normalizer is one BertNormalizer, with these settings */
        bool clean_text, chinese, strip_accents, lowercase;
        bool byte_level; /* the pre-tokenizer is one ByteLevel */
        bool trims;      /* the post-processor trims offsets */
    } json;
} ll_tokenizer_spec;

/* The most ids that a vocabulary may leave unused. It bounds tables by id to a multiple of the file's size. */
#define LL_MAX_ID_GAP 65536

/* The file name of the folder's SentencePiece model; NULL: it has none. */
llmcs_status ll_sentencepiece_name(const llmcs_allocator *a, const ll_source *source, const char **name);

/* Sets *present to true if the source has any tokenizer file, or the GGUF file a vocabulary. */
llmcs_status ll_tokenizer_files_present(const llmcs_allocator *a, const ll_source *source, bool *present);

/* model_type: from config.json ("gpt2", "bert", "roberta", ...), or NULL; selects the tokenizer class if
 * tokenizer_config.json names none.
 * If tokenizer.json exists, the older files next to it are not read; tokenizer_config.json and special_tokens_map.json
 * override it as in Transformers 4's fast tokenizers. UNSUPPORTED names what is not supported; TOKENIZER names file and
 * position of an error; JSON for invalid JSON. Settings without effect here are logged; log may be NULL. target_side:
 * read the tokenizer of target texts, if has_target of the other one is set. */
llmcs_status ll_tokenizer_files_read(ll_tokenizer_spec *spec, const llmcs_allocator *a, const ll_source *source,
                                     const char *model_type, bool target_side, const ll_log *log);
void ll_tokenizer_spec_free(ll_tokenizer_spec *spec);

/* Frees the text of the files before the tokenizer's tables are allocated. Afterwards only ids, flags, lengths and
 * paths of the spec may be read, no tokens, merges or names. */
void ll_tokenizer_spec_drop_text(ll_tokenizer_spec *spec);

#endif
