/* The tokenizer's internals, for the files of this folder only. Immutable after open, except the cached results for
 * words in bpe.c; used by many threads at once. */
#ifndef LL_TEXT_TOKENIZER_IMPL_H
#define LL_TEXT_TOKENIZER_IMPL_H

#include "formats/tokenizer_files.h"
#include "text/bpe_chars.h"
#include "text/charsmap.h"
#include "text/encoding.h"
#include "text/matcher.h"
#include "text/normalize.h"
#include "text/pre_tokenizer.h"
#include "text/tokenizer.h"
#include "text/unicode.h"
#include "text/unigram.h"
#include "text/vocab.h"
#include "text/wordlevel.h"
#include "text/wordpiece.h"

#define LL_TOKENIZER_MAGIC 0x6c6c746bu /* "lltk" */
#define LL_DECODER_MAGIC 0x6c6c6463u   /* "lldc" */

typedef struct ll_added {
    int32_t id;
    bool special, single_word, lstrip, rstrip;
} ll_added;

/* Added tokens that are searched for at one stage: before the normalizer, or after it. */
typedef struct ll_added_set {
    ll_matcher matcher;
    ll_added *added; /* by the matcher's pattern number */
    size_t n;
    bool any_plain;      /* one of them is not special: search every text for it */
    bool plain_strips;   /* one that is not special absorbs white space around it */
    bool special_strips; /* one that is special does */
} ll_added_set;

/* What the tokens write when decoded: bytes[offset[id]] .. offset[id + 1]. */
typedef struct ll_decode_table {
    char *bytes;
    uint32_t *offset; /* [n_ids + 1] */
} ll_decode_table;

#define LL_DECODE_SPECIAL 0x1u /* left out with LLMCS_SKIP_SPECIAL */
#define LL_DECODE_KNOWN 0x2u   /* a token has this id */
#define LL_DECODE_ADDED 0x4u   /* an added token */
#define LL_DECODE_BYTE 0x8u    /* a byte, whose character is decoded with its neighbours (byte fallback) */

#define LL_ASCII_GONE 0x80

/* Pairs of pre-tokenizer and model that encode in one pass; all others work piece by piece (pre_tokenizer.h). */
typedef enum ll_fast_path {
    LL_PIECE_BY_PIECE,
    LL_FAST_BYTE_LEVEL, /* words of one pattern, ByteLevel and BPE */
    LL_FAST_BERT        /* BertPreTokenizer and WordPiece */
} ll_fast_path;

/* Where a text may be divided into blocks that are normalized and tokenized one at a time (encode_text.c). */
typedef enum ll_blocks {
    LL_BLOCKS_NONE, /* a step or an added token may depend on text after the block */
    LL_BLOCKS_OF_BERT,
    LL_BLOCKS_AT_SPACES,
    LL_BLOCKS_AT_LINES /* and at spaces */
} ll_blocks;

struct llmcs_tokenizer {
    uint32_t magic;
    llmcs_allocator allocator;
    ll_token_model model;
    ll_vocab vocab;
    const ll_unicode *unicode;
    ll_bpe bpe;
    ll_bpe_chars bpe_chars;
    ll_wordpiece wordpiece;
    ll_unigram unigram;
    int32_t unk_id; /* WordLevel */
    ll_charsmap charsmap;
    ll_trie kept;                   /* user-defined tokens that SentencePiece's normalizer leaves alone */
    ll_added_set plain, normalized; /* non-normalized added tokens; normalized ones */
    ll_arena arena;                 /* what the steps' arguments point to */
    ll_normalizer_step normalizer[LL_MAX_NORMALIZER_STEPS];
    size_t n_normalizer;
    uint8_t ascii[128]; /* the normalizer's output for a single ASCII character; LL_ASCII_GONE: removed */
    bool maps_ascii;    /* that output does not depend on ASCII neighbours */
    ll_split_step split[LL_MAX_SPLIT_STEPS];
    size_t n_split;
    ll_fast_path fast_path;
    ll_blocks blocks;
    bool needs_origins; /* a step depends on its position in the text */
    bool cuts_words;    /* FAST_BYTE_LEVEL: splits by the pattern `words` */
    ll_pattern words;
    bool words_prefix_space; /* FAST_BYTE_LEVEL: a text that does not begin with a space gets one */
    bool trim_offsets, trim_prefix_space;
    llmcs_tokenizer *target; /* Marian: of texts that are translated into; NULL: the same */
    ll_template_item single[LL_MAX_TEMPLATE], pair[LL_MAX_TEMPLATE];
    size_t n_single, n_pair;
    ll_decoder_step decoder[LL_MAX_DECODER_STEPS];
    size_t n_decoder;
    ll_decode_table inside; /* a token after another one */
    ll_decode_table first;  /* the first token of a text; empty where it is the same */
    bool has_first;
    bool has_bytes;         /* the decoder has a ByteFallback */
    bool trims_text;        /* the decoder strips white space at both ends of the text */
    ll_decoder_step strip;  /* its Strip after Fuse; n_left 0: none */
    uint8_t *decode_flags;  /* [n_ids] LL_DECODE_* */
    size_t longest_decoded; /* bytes of the longest entry of the two */
    int32_t special[LL_N_SPECIAL];
    size_t longest_token; /* most bytes of text in one token; 0: no bound */
    size_t max_length;
    bool cut_left; /* truncation_side "left" */
};

/* decode_table.c */
llmcs_status ll_decode_tables_build(llmcs_tokenizer *t, const ll_tokenizer_spec *spec);
void ll_decode_tables_free(llmcs_tokenizer *t);

/* encode_text.c: the tokens of one text, without the post-processor's. origins: NULL, or which bytes may form control
 * tokens. */
llmcs_status ll_encode_text(const llmcs_tokenizer *t, const char *text, size_t n, uint32_t flags,
                            const ll_text_origins *origins, ll_encoding *out);

/* ARG for NULL, STATE for an object that was freed. */
llmcs_status ll_tokenizer_check(const llmcs_tokenizer *t);

#endif
