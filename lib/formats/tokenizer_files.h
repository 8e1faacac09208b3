/* tokenizer.json, or vocab.json + merges.txt, or vocab.txt, or what a GGUF file holds of them: as plain lists of tokens
 * and of steps with their arguments, for text/ to build from. */
#ifndef LL_FORMATS_TOKENIZER_FILES_H
#define LL_FORMATS_TOKENIZER_FILES_H

#include "base/arena.h"
#include "base/log.h"
#include "formats/json.h"
#include "formats/source.h"
#include "formats/split_patterns.h"

typedef enum ll_token_model {
    LL_TOKEN_BPE,       /* over bytes */
    LL_TOKEN_BPE_CHARS, /* over characters, as SentencePiece trains it */
    LL_TOKEN_WORDPIECE,
    LL_TOKEN_UNIGRAM,
    LL_TOKEN_WORDLEVEL /* a word is a token */
} ll_token_model;

typedef struct ll_vocab_entry {
    const char *token; /* as written, not NUL-terminated */
    uint32_t token_bytes;
    int32_t id;
} ll_vocab_entry;

/* What a piece of a SentencePiece model is (sentencepiece_model.proto). */
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

/* In place of an id: the id that the vocabulary has for the text, else a new one at its end, else no token at all. */
#define LL_ID_FIND (-1)
#define LL_ID_FIND_OR_SKIP (-2)

/* The origin of an entry, which decides how it changes an earlier entry for the same token. */
typedef enum ll_added_source {
    LL_ADDED_LISTED,    /* replaces it; a special token stays special */
    LL_ADDED_PLAIN,     /* the same; the entry, a line of added_tokens.json, does not say how the token is matched */
    LL_ADDED_NAMED,     /* keeps it, but makes it special, and a PLAIN one also not normalized */
    LL_ADDED_BY_DEFAULT /* keeps it, but makes it special */
} ll_added_source;

typedef struct ll_added_token {
    const char *content;
    uint32_t content_bytes;
    int32_t id;
    bool special, single_word, lstrip, rstrip, normalized;
    ll_added_source source;
} ll_added_token;

/* An argument of a step, not NUL-terminated; it lies in the spec's files or arena. */
typedef struct ll_step_text {
    const char *at; /* may be NULL if n is 0 */
    uint32_t n;     /* bytes */
} ll_step_text;

/* What a normalizer does, in order. BertNormalizer is up to five of these. */
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
    LL_NORMALIZE_REPLACE,      /* Replace: what matches becomes `to` */
    LL_NORMALIZE_STRIP,        /* Strip: white space at the ends goes */
    LL_NORMALIZE_PREPEND,      /* Prepend: `to` before a text that is not empty */
    LL_NORMALIZE_CHARSMAP,     /* Precompiled: as Hugging Face's tokenizers apply it */
    LL_NORMALIZE_SENTENCEPIECE /* all that SentencePiece's C++ library does: charsmap, spaces, prefix */
} ll_normalizer_kind;

/* What Replace looks for. */
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
    /* SENTENCEPIECE: U+2581 for spaces; none at the ends and not two together; one before (or behind) the text */
    bool escape, remove_extra, dummy_prefix, as_suffix;
    const struct ll_charsmap *charsmap; /* text/ reads the map */
    const struct ll_trie *kept;         /* SENTENCEPIECE: user-defined tokens, which stay as they are; NULL: none */
} ll_normalizer_step;

#define LL_MAX_NORMALIZER_STEPS 16

/* What a pre-tokenizer does, in order: each step cuts every piece of the one before it. */
typedef enum ll_split_kind {
    LL_SPLIT_BYTE_LEVEL,  /* ByteLevel: GPT-2's words, of which the model sees the bytes */
    LL_SPLIT_BERT,        /* BertPreTokenizer: white space goes, punctuation stands alone */
    LL_SPLIT_WHITE_SPACE, /* WhitespaceSplit: white space goes */
    LL_SPLIT_METASPACE,   /* Metaspace: spaces become U+2581, which begins a piece */
    LL_SPLIT_PATTERN      /* Split, Digits, Punctuation, Whitespace */
} ll_split_kind;

/* Whether Metaspace puts its character in front of a piece that does not begin with it. */
typedef enum ll_prepend {
    LL_PREPEND_ALWAYS,
    LL_PREPEND_FIRST, /* of the piece at the beginning of the text only */
    LL_PREPEND_NEVER
} ll_prepend;

typedef struct ll_split_step {
    ll_split_kind kind;
    bool add_prefix_space, use_regex; /* BYTE_LEVEL; without use_regex it does not cut */
    ll_step_text text;                /* METASPACE: its character; LL_PATTERN_STRING: the string */
    uint64_t set[2];                  /* LL_PATTERN_SET: a bit for each ASCII character */
    ll_prepend prepend;               /* METASPACE */
    bool split;                       /* METASPACE: false: it does not cut */
    ll_pattern pattern;               /* PATTERN: what it looks for, */
    ll_behavior behavior;             /* and what becomes of the matches, */
    bool invert;                      /* or, inverted, of what is between them */
} ll_split_step;

#define LL_MAX_SPLIT_STEPS 8

/* True for a PATTERN step whose pieces are the matches of a pattern of words, which are the whole text. */
static inline bool ll_split_isolates_words(const ll_split_step *s) {
    const bool kept = s->behavior == LL_BEHAVIOR_ISOLATED || (s->behavior == LL_BEHAVIOR_REMOVED && s->invert);
    return s->kind == LL_SPLIT_PATTERN && ll_pattern_is_words(s->pattern) && kept;
}

/* One item of a post-processor template. */
typedef struct ll_template_item {
    int32_t id;       /* a special token, or -1: a sequence */
    uint8_t sequence; /* with id -1: 0 is A, 1 is B */
    uint8_t type_id;
    uint8_t slot; /* ll_template_slot: a call may put another token here */
} ll_template_item;

typedef enum ll_template_slot {
    LL_SLOT_NONE,
    LL_SLOT_LANGUAGE, /* the language of the text (mBART) */
    LL_SLOT_TARGET    /* the language to translate into (Marian); nothing unless a call names one */
} ll_template_slot;

#define LL_MAX_TEMPLATE 64
#define LL_N_SPECIAL 7

/* What a decoder does, in order. Without any step the tokens are joined by spaces. */
typedef enum ll_decoder_kind {
    LL_DECODE_BYTE_LEVEL,    /* each character back to its byte; stands alone */
    LL_DECODE_WORDPIECE,     /* a space before each token that does not begin with the prefix */
    LL_DECODE_METASPACE,     /* the character becomes a space, in the first token nothing */
    LL_DECODE_REPLACE,       /* `from` becomes `to` */
    LL_DECODE_STRIP,         /* characters at the ends of a token go; behind FUSE: of the text */
    LL_DECODE_BYTE_FALLBACK, /* tokens <0x00> to <0xFF> become bytes */
    LL_DECODE_FUSE,          /* the tokens become one */
    LL_DECODE_SENTENCEPIECE  /* as the C++ library decodes, then white space at the ends goes (Marian) */
} ll_decoder_kind;

typedef struct ll_decoder_step {
    ll_decoder_kind kind;
    ll_step_text from;      /* WORDPIECE: the prefix; METASPACE, STRIP: the character; REPLACE */
    ll_step_text to;        /* REPLACE; SENTENCEPIECE: what the unknown token writes */
    bool cleanup;           /* WORDPIECE */
    ll_prepend prepend;     /* METASPACE */
    size_t n_left, n_right; /* STRIP: characters at most */
} ll_decoder_step;

#define LL_MAX_DECODER_STEPS 8

/* A file that was read; the lists below point into it, or into an open GGUF file. */
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
    ll_vocab_entry *pieces; /* Marian: the tokens that scores and types are of; their ids in vocab are by text */
    size_t n_pieces;        /* 0: they are of vocab */
    double *scores;         /* [n_pieces or n_vocab]; Unigram */
    uint8_t *types;         /* [n_pieces or n_vocab] ll_piece_type of a SentencePiece model; NULL: all normal */
    bool target_side;       /* Marian: of the texts that are translated into, not from */
    bool has_target;        /* a folder that has another tokenizer for these */
    bool last_of_equals;    /* a token may occur twice and then has its last id (vocab.txt) */
    ll_merge *merges;
    size_t n_merges;
    bool merges_from_scores; /* instead, they follow from the tokens' scores (SentencePiece's BPE) */
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
    const char *special[LL_N_SPECIAL]; /* by llmcs_special: how the token is written; NULL: none */
    uint32_t special_bytes[LL_N_SPECIAL];
    size_t model_max_length; /* tokenizer_config.json; 0: none */
    bool cut_left;           /* truncation_side "left": texts that are too long keep their end */
    /* The parts of tokenizer.json that the other files may change. */
    struct {
        bool bert_normalizer; /* its normalizer is one BertNormalizer, with these settings */
        bool clean_text, chinese, strip_accents, lowercase;
        bool byte_level; /* its pre-tokenizer is one ByteLevel */
        bool trims;      /* its post-processor is one that trims offsets */
    } json;
} ll_tokenizer_spec;

/* The most ids that a vocabulary of n tokens may leave unused, which bounds tables by id by a multiple of the file's
 * size. */
#define LL_MAX_ID_GAP 65536

/* The name of the folder's SentencePiece model; NULL: it has none. */
llmcs_status ll_sentencepiece_name(const llmcs_allocator *a, const ll_source *source, const char **name);

/* True if the source holds any tokenizer file, or a GGUF file a vocabulary. */
llmcs_status ll_tokenizer_files_present(const llmcs_allocator *a, const ll_source *source, bool *present);

/* model_type: config.json's where known ("gpt2", "bert", "roberta", ...), else NULL: says which class of Transformers
 * the files are for where tokenizer_config.json does not.
 * tokenizer.json is read where it is there, and not the older files next to it; tokenizer_config.json and
 * special_tokens_map.json outrank it as far as they do in Transformers 4's fast tokenizers. What is not supported is
 * UNSUPPORTED and named, what is wrong is TOKENIZER with file and place; text that is not JSON is JSON. Settings that
 * have no effect here are logged; log may be NULL. target_side: what has_target promised. */
llmcs_status ll_tokenizer_files_read(ll_tokenizer_spec *spec, const llmcs_allocator *a, const ll_source *source,
                                     const char *model_type, bool target_side, const ll_log *log);
void ll_tokenizer_spec_free(ll_tokenizer_spec *spec);

/* Frees the text of the files, so that tables can be made in its place. Then tokens, merges and names of the spec must
 * not be read any more, only ids, flags and lengths, and paths for messages. */
void ll_tokenizer_spec_drop_text(ll_tokenizer_spec *spec);

#endif
