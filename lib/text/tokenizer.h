/* What the runtime needs of the tokenizer besides the public calls. */
#ifndef LL_TEXT_TOKENIZER_H
#define LL_TEXT_TOKENIZER_H

#include "formats/tokenizer_files.h"
#include "text/encoding.h"

/* As llmcs_tokenizer_open, for a source whose model type is known ("gpt2", "bert", ...; NULL: not known). log (or
 * NULL): hears of settings that have no effect. */
llmcs_status ll_tokenizer_open(const ll_source *source, const char *model_type, const llmcs_allocator *a,
                               const ll_log *log, llmcs_tokenizer **out);

/* The same from what was read of it; afterwards the ids of spec's added tokens are those in use, and entries of its
 * vocabulary that another has replaced have id -1. */
llmcs_status ll_tokenizer_create(ll_tokenizer_spec *spec, const llmcs_allocator *a, llmcs_tokenizer **out);

/* tokenizer_config.json's model_max_length; 0: none. */
size_t ll_tokenizer_max_length(const llmcs_tokenizer *t);

/* The least number of tokens that any text of text_bytes bytes gives with these flags, without the special ones that
 * are added around it: a text that cannot fit is refused before it is encoded. 0 where there is no such bound:
 * WordPiece turns a word of any length into one [UNK], and tokens with lstrip or rstrip take in white space. */
size_t ll_tokenizer_min_tokens(const llmcs_tokenizer *t, size_t text_bytes, uint32_t flags);

/* True if tokens inside a word are spelled with a prefix ("##ing"), so that a token's spelling tells where words begin.
 */
bool ll_tokenizer_marks_continuations(const llmcs_tokenizer *t);

/* Largest number of special tokens llmcs_encode adds to a single text, or to a pair. */
size_t ll_tokenizer_n_added(const llmcs_tokenizer *t, bool pair);

/* One text, or a pair, in tokens: to be cut and put into the post-processor's template, as often as is wanted. */
typedef struct ll_tokens {
    ll_encoding texts[2]; /* the second of a pair */
    bool is_pair, add_special;
    bool cut_left;    /* truncation_side "left": a cut text keeps its end */
    size_t n_special; /* tokens that the template adds */
    int32_t slot[3];  /* by ll_template_slot: the caller's token for it; -1: the template's own, if it has one */
} ll_tokens;

/* Languages of a call: llmcs_encode_params. */
typedef struct ll_languages {
    const char *source, *target; /* NULL: not named */
} ll_languages;

/* How a model is told what to translate into, as the tokenizer's template says. */
typedef enum ll_target_place {
    LL_TARGET_NOWHERE,   /* texts name no languages */
    LL_TARGET_IN_SOURCE, /* a token before the source (Marian) */
    LL_TARGET_STARTS,    /* the decoder starts with the language (mBART) */
    LL_TARGET_IS_FORCED  /* it is the first new token (mBART-50) */
} ll_target_place;
ll_target_place ll_tokenizer_target_place(const llmcs_tokenizer *t);

/* The token of a language. ARG, with languages that the tokenizer knows; key: what the caller calls the code. */
llmcs_status ll_tokenizer_language(const llmcs_tokenizer *t, const char *key, const char *code, int32_t *id);

/* flags: LLMCS_* of llmcs_encode_params, known ones. On failure nothing is held. Errors: as llmcs_encode. */
llmcs_status ll_tokens_create(const llmcs_tokenizer *t, const llmcs_text *text, uint32_t flags, bool want_spans,
                              ll_tokens *out);
void ll_tokens_free(const llmcs_tokenizer *t, ll_tokens *tokens);

/* The number of tokens of each text to keep, so that with the special ones they are at most max_length. The kept ones
 * are then the first of the text's arrays. */
llmcs_status ll_tokens_cut(ll_tokens *tokens, llmcs_truncation truncation, size_t max_length, size_t kept[2]);

/* Where the bytes of a text come from: a chat template writes control tokens, what users wrote must not become one. */
typedef struct ll_text_origins {
    const uint8_t *trusted; /* a byte of the text: 1 if it may be part of a control token */
    const char *literals;   /* UTF-8; added tokens that it spells are control tokens, too, like the special ones */
    size_t n_literals;
} ll_text_origins;

/* All tokens of such a text, without those that a post-processor adds, from the tokenizer's allocator: t->allocator.
 * NULL for none. Errors: as llmcs_encode. */
llmcs_status ll_encode_mixed(const llmcs_tokenizer *t, const char *text, size_t n, const ll_text_origins *origins,
                             int32_t **ids, size_t *n_ids);
/* Frees them. */
void ll_encode_mixed_free(const llmcs_tokenizer *t, int32_t *ids);

/* Properties of a token. */
enum {
    LL_MARK_SPECIAL = 1, /* the template adds it */
    LL_MARK_SECOND = 2,  /* of the second text */
    LL_MARK_WORD = 4     /* the first token of a word of the pre-tokenizer */
};

/* Output arrays, appended after the first n tokens; NULL if not wanted. offsets and marks need want_spans. */
typedef struct ll_tokens_out {
    int32_t *ids, *type_ids;
    llmcs_span *offsets;
    size_t n;
    uint8_t *marks; /* LL_MARK_* */
} ll_tokens_out;

/* The template around tokens [begin, end) of each text: as many as these, and n_special. */
void ll_tokens_write(const llmcs_tokenizer *t, const ll_tokens *tokens, const llmcs_span parts[2], ll_tokens_out *out);

/* All ids of a text, as llmcs_encode gives them, in memory from `a` that holds one at least. Errors: as llmcs_encode.
 */
llmcs_status ll_encode_ids(const llmcs_tokenizer *t, const llmcs_allocator *a, const char *text, size_t n,
                           uint32_t flags, const ll_languages *languages, int32_t **ids, size_t *n_ids);

/* The *n bytes of a decoded token after others, or as the first of a text (before U+FFFD takes the
 * place of what is not UTF-8); none for control tokens and ids without a token. */
const char *ll_tokenizer_token_bytes(const llmcs_tokenizer *t, int32_t id, bool first, size_t *n);
/* True if some token decodes differently as the first of a text. */
bool ll_tokenizer_first_differs(const llmcs_tokenizer *t);

llmcs_allocator ll_tokenizer_allocator(const llmcs_tokenizer *t);

#endif
