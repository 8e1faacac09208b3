/*
 * llmcs_tokenizer.h - the part of llmcs.h for tokenizers: text to token ids and back. llmcs.h includes it.
 *
 *     llmcs_tokenizer *tokenizer = NULL;
 *     int32_t ids[64];
 *     char text[256];
 *     size_t n_ids = 0, n = 0;
 *     if (!llmcs_tokenizer_open("gpt2", NULL, &tokenizer) &&
 *         !llmcs_encode(tokenizer, "Hello, I am", LLMCS_NUL, NULL, 0, NULL, ids, NULL, NULL, 64, &n_ids) &&
 *         !llmcs_decode(tokenizer, ids, n_ids, LLMCS_SKIP_SPECIAL, text, sizeof text, &n))
 *         printf("%zu tokens: %.*s\n", n_ids, (int)n, text);
 *     llmcs_tokenizer_free(&tokenizer);
 */
#include "llmcs.h" /* which includes this file at its end, whichever of the two comes first */

#ifndef LLMCS_TOKENIZER_H
#define LLMCS_TOKENIZER_H

#ifdef __cplusplus
extern "C" {
#endif

/* Opens the tokenizer of a folder or GGUF file without its weights. Files take precedence over each other as in
 * Transformers 4's fast tokenizers. allocator: NULL for malloc. Errors: ARG NOMEM IO FORMAT JSON TOKENIZER UNSUPPORTED
 * LIMIT. */
LLMCS_API llmcs_status llmcs_tokenizer_open(const char *path, const llmcs_allocator *allocator,
                                            llmcs_tokenizer **tokenizer);
LLMCS_API void llmcs_tokenizer_free(llmcs_tokenizer **tokenizer);

typedef struct llmcs_encode_params {
    size_t struct_size;
    uint32_t flags;              /* [LLMCS_ADD_SPECIAL_TOKENS] and LLMCS_PARSE_SPECIAL, LLMCS_STRICT_UTF8 */
    llmcs_truncation truncation; /* [NONE] how a text over max_length is cut, on the tokenizer's truncation_side */
    size_t max_length;           /* [0] tokens, special ones included; required with truncation */
    /* Tokenizers for translation, whose texts name languages: mBART's "en_XX", Marian's "fra" for its >>fra<<. */
    const char *source_lang; /* [NULL: the folder's src_lang] language of the text */
    const char *target_lang; /* [NULL] language to translate into; with LLMCS_TARGET_TEXT that of the text */
} llmcs_encode_params;

LLMCS_API void llmcs_encode_params_init_sized(llmcs_encode_params *params, size_t struct_size);
#define llmcs_encode_params_init(params) llmcs_encode_params_init_sized((params), sizeof *(params))

/* The bytes [begin, end) of the text or pair that a token came from; 0, 0 for added special tokens. Frozen. */
typedef struct llmcs_span {
    size_t begin;
    size_t end;
} llmcs_span;

/* Encodes a text, or a pair of texts where pair is not NULL, to token ids. ids, type_ids, offsets: [capacity] each, or
 * NULL; with all three NULL only *n_tokens is set. params: NULL for the defaults. Time is linear in the text.
 * Errors: ARG (also a language the tokenizer does not know) NOMEM UTF8 LIMIT BUFFER. */
LLMCS_API llmcs_status llmcs_encode(const llmcs_tokenizer *tokenizer, const char *text, size_t text_bytes,
                                    const char *pair, size_t pair_bytes, const llmcs_encode_params *params,
                                    int32_t *ids, int32_t *type_ids, llmcs_span *offsets, size_t capacity,
                                    size_t *n_tokens);

/* Flags of decoding. */
#define LLMCS_SKIP_SPECIAL 0x1u    /* leave out special tokens */
#define LLMCS_CLEAN_UP_SPACES 0x2u /* Transformers' clean_up_tokenization_spaces: " ." becomes "." */

/* Decodes token ids to text, not NUL-terminated. Ids without a token (padding rows of the embedding) give ""; bytes
 * that are not UTF-8 give U+FFFD. text: [capacity] bytes; with NULL only *text_bytes is set. Errors: ARG NOMEM
 * TOKEN_RANGE (negative id) BUFFER. */
LLMCS_API llmcs_status llmcs_decode(const llmcs_tokenizer *tokenizer, const int32_t *ids, size_t n_ids, uint32_t flags,
                                    char *text, size_t capacity, size_t *text_bytes);

/* A streaming decoder: each piece is valid UTF-8, and all pieces together equal llmcs_decode of all ids. */
typedef struct llmcs_decoder llmcs_decoder;

/* The tokenizer must outlive the decoder. flags: LLMCS_SKIP_SPECIAL, LLMCS_CLEAN_UP_SPACES. Errors: ARG NOMEM. */
LLMCS_API llmcs_status llmcs_decoder_create(const llmcs_tokenizer *tokenizer, uint32_t flags, llmcs_decoder **decoder);
LLMCS_API void llmcs_decoder_free(llmcs_decoder **decoder);

/* Adds a token. *piece is valid until the next call with this decoder; empty while a character is incomplete. Allocates
 * nothing. Errors: ARG TOKEN_RANGE. */
LLMCS_API llmcs_status llmcs_decoder_push(llmcs_decoder *decoder, int32_t id, const char **piece, size_t *piece_bytes);

/* Returns what is left at the end (an incomplete character becomes U+FFFD) and resets the decoder. Errors: ARG. */
LLMCS_API llmcs_status llmcs_decoder_finish(llmcs_decoder *decoder, const char **piece, size_t *piece_bytes);

/* Describes the tokenizer for a human reader: lines "normalizer: ...", "pre-tokenizer: ...", "model: ...", "text: ..."
 * and "pair: ..." (the templates), "decoder: ...". text: [capacity] bytes, not NUL-terminated; with NULL only
 * *text_bytes is set. Errors: ARG BUFFER. */
LLMCS_API llmcs_status llmcs_tokenizer_describe(const llmcs_tokenizer *tokenizer, char *text, size_t capacity,
                                                size_t *text_bytes);

/* Largest id of a token, plus one. */
LLMCS_API size_t llmcs_tokenizer_n_vocab(const llmcs_tokenizer *tokenizer);

/* Id of the token that the vocabulary spells `token` ("Ġhello", "##ing", "[MASK]"); -1: no such token. */
LLMCS_API int32_t llmcs_token_to_id(const llmcs_tokenizer *tokenizer, const char *token, size_t token_bytes);

/* Spelling of a token; NULL and *token_bytes = 0 for an id without one. Valid as long as the tokenizer. */
LLMCS_API const char *llmcs_id_to_token(const llmcs_tokenizer *tokenizer, int32_t id, size_t *token_bytes);

typedef enum llmcs_special {
    LLMCS_SPECIAL_BOS = 0,
    LLMCS_SPECIAL_EOS = 1,
    LLMCS_SPECIAL_UNK = 2,
    LLMCS_SPECIAL_SEP = 3,
    LLMCS_SPECIAL_PAD = 4,
    LLMCS_SPECIAL_CLS = 5,
    LLMCS_SPECIAL_MASK = 6
} llmcs_special;

/* Id of a special token by its role; -1: the tokenizer has none. */
LLMCS_API int32_t llmcs_special_token(const llmcs_tokenizer *tokenizer, llmcs_special role);

/* The languages that a tokenizer for translation knows, in the order of their ids: llmcs_id_to_token spells them
 * ("en_XX"; Marian's ">>fra<<" is the code "fra"). Other tokenizers have 0. ids: [capacity]; with NULL only *n is set.
 * Errors: ARG BUFFER STATE. */
LLMCS_API llmcs_status llmcs_tokenizer_languages(const llmcs_tokenizer *tokenizer, int32_t *ids, size_t capacity,
                                                 size_t *n);

#ifdef __cplusplus
}
#endif

#endif
