/*
 * The texts of an entry as a question is compared with them: words and trigrams. A version's texts never change, so
 * they are cut into words once and kept in memory, the whole store's up to SHOP_ENTRY_TEXTS_BYTES.
 */
#ifndef SHOP_KNOWLEDGE_ENTRY_TEXTS_H
#define SHOP_KNOWLEDGE_ENTRY_TEXTS_H

#include "shop/knowledge/match.h"

enum { SHOP_ENTRY_TEXTS_BYTES = 32 << 20 };

typedef struct shop_entry_text {
    int64_t row, position; /* of texts; position 0 is the answer */
    char *text;
    size_t n;
    shop_words words;
    shop_signature signature;
} shop_entry_text;

typedef struct shop_entry_texts {
    struct shop_entry_texts *next; /* in the table's bucket */
    int64_t entry;
    int32_t version;
    int32_t n_users; /* and one for the table */
    shop_entry_text *items;
    size_t n, capacity, bytes;
} shop_entry_texts;

llmcs_status shop_entry_texts_create(llmcs_shop *shop);
void shop_entry_texts_free(llmcs_shop *shop);

/* Those of a version, in the order of their positions, until shop_entry_texts_release. Any number of threads. */
llmcs_status shop_entry_texts_acquire(llmcs_shop *shop, shop_connection *c, int64_t entry, int32_t version,
                                      shop_entry_texts **texts);
void shop_entry_texts_release(llmcs_shop *shop, shop_entry_texts *texts);

#endif
