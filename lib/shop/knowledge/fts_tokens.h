/* Cuts a text as FTS5's table text_words does (tokenizer unicode61, diacritics kept), by SQLite's own tokenizer. */
#ifndef SHOP_KNOWLEDGE_FTS_TOKENS_H
#define SHOP_KNOWLEDGE_FTS_TOKENS_H

#include "shop/store/connection.h"

typedef struct shop_fts_tokens shop_fts_tokens;

llmcs_status shop_fts_tokens_create(const llmcs_allocator *a, shop_connection *c, shop_fts_tokens **tokens);
void shop_fts_tokens_free(shop_fts_tokens **tokens);

/* Of a word of shop_words_make: letters, digits and common Han characters, which are one token as they stand. */
bool shop_fts_is_token(const char *word, size_t len);

typedef llmcs_status (*shop_fts_token)(void *user, const char *token, size_t len);

/* Calls for each token. Any number of threads. */
llmcs_status shop_fts_tokens_of(shop_fts_tokens *tokens, const char *text, size_t n, shop_fts_token each, void *user);

#endif
