/* How tokens are stored in a GGUF file: types, and llama.cpp's form of WordPiece. Shared by reader and writer. */
#ifndef LL_FORMATS_GGUF_TOKENS_H
#define LL_FORMATS_GGUF_TOKENS_H

#include "formats/tokenizer_files.h"

/* tokenizer.ggml.token_type (llama.cpp, include/llama.h, enum llama_token_type) */
typedef enum ll_token_type {
    LL_TOKEN_NORMAL = 1,
    LL_TOKEN_UNKNOWN = 2,
    LL_TOKEN_CONTROL = 3,
    LL_TOKEN_USER_DEFINED = 4,
    LL_TOKEN_UNUSED = 5,
    LL_TOKEN_BYTE = 6
} ll_token_type;

/* Default ids of tokenizer.ggml.model "llama" (llama.cpp, llama-vocab.cpp). */
#define LL_GGUF_LLAMA_UNK 0
#define LL_GGUF_LLAMA_BOS 1
#define LL_GGUF_LLAMA_EOS 2

/* Keys of this library: scores as f64, if f32 would round one; and two ascending arrays of i32, the ids of tokens that
 * are stored literally despite their kind, and of added tokens that are not in the model's vocabulary. */
#define LL_GGUF_EXACT_SCORES "llmcs.tokenizer.scores"
#define LL_GGUF_LITERAL_IDS "llmcs.tokenizer.literal_ids"
#define LL_GGUF_ADDED_ONLY_IDS "llmcs.tokenizer.added_only_ids"

/* "▁the" to "the", "ing" to "##ing", "[CLS]" to itself. The entry's text is in `token` or was written to `buffer`,
 * which has len + 2 bytes. */
void ll_token_from_phantom(const char *token, size_t len, char *buffer, ll_vocab_entry *entry);

/* The inverse: `prefix`, then the token from `skip` on. False: the result would not convert back to the token. */
bool ll_token_to_phantom(const char *token, size_t len, const char **prefix, size_t *skip);

#endif
