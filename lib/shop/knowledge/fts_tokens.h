/* Splits a text as FTS5 does for the table text_words (unicode61, diacritics kept), with SQLite's own tokenizer. */
#ifndef SHOP_KNOWLEDGE_FTS_TOKENS_H
#define SHOP_KNOWLEDGE_FTS_TOKENS_H

#include "shop/store/connection.h"

typedef struct shop_fts_tokens shop_fts_tokens;

llmcs_status shop_fts_tokens_create(const llmcs_allocator *a, shop_connection *c, shop_fts_tokens **tokens);
void shop_fts_tokens_free(shop_fts_tokens **tokens);

/* True if a word of shop_words_make is certainly one token: letters, digits and common Han characters. */
bool shop_fts_is_token(const char *word, size_t len);

typedef llmcs_status (*shop_fts_token)(void *user, const char *token, size_t len);

/* Calls `each` for every token. Thread-safe. */
llmcs_status shop_fts_tokens_of(shop_fts_tokens *tokens, const char *text, size_t n, shop_fts_token each, void *user);

#endif
