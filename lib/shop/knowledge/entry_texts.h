/*
 * The texts of an entry in the form that questions are compared with: words, trigrams, vectors. The texts of a version
 * never change, so they are split into words once. Without the full index (word_index.h), entries found by earlier
 * questions stay in memory, up to SHOP_ENTRY_TEXTS_BYTES.
 */
#ifndef SHOP_KNOWLEDGE_ENTRY_TEXTS_H
#define SHOP_KNOWLEDGE_ENTRY_TEXTS_H

#include <stdatomic.h>

#include "shop/knowledge/match.h"

enum { SHOP_ENTRY_TEXTS_BYTES = 32 << 20, SHOP_VECTOR_LANES = 16 };

/* A word, at its first occurrence in the text. */
typedef struct shop_entry_word {
    uint64_t hash;  /* XXH64 */
    uint32_t begin; /* offset in the text's joined words */
    uint16_t len;
    bool function_word;
} shop_entry_word;

typedef struct shop_entry_text {
    int64_t row, position; /* of texts; position 0 is the answer */
    bool live, has_vector;
    size_t begin, n; /* of its bytes in `chars`; NUL-terminated */
    size_t joined;   /* offset of its words in `chars` */
    size_t first_word, n_words;
    size_t first_trigram, n_trigrams; /* questions only */
} shop_entry_text;

typedef struct shop_entry_texts {
    struct shop_entry_texts *next; /* chain of a table bucket */
    int64_t entry;
    int32_t version;
    bool retired, odd_tags;          /* odd: not a JSON array */
    _Atomic int32_t n_users;         /* references, including the table's */
    int64_t valid_from, valid_until; /* INT64_MIN, INT64_MAX: no limit */
    char *id, *lang;
    char *tags; /* each with its NUL */
    size_t tags_bytes, tags_capacity;
    shop_entry_text *items;
    size_t n, capacity, bytes;
    char *chars;
    size_t n_chars, chars_capacity;
    shop_entry_word *words;
    size_t n_words, words_capacity;
    uint16_t *trigrams; /* set bits of the signature, ascending */
    size_t n_trigrams, trigrams_capacity;
    float *vectors; /* of items: [n / SHOP_VECTOR_LANES, n_embedding, SHOP_VECTOR_LANES]; or NULL */
} shop_entry_texts;

/* most_bytes: SHOP_ENTRY_TEXTS_BYTES; tests use less. */
llmcs_status shop_entry_texts_create(llmcs_shop *shop, size_t most_bytes);
void shop_entry_texts_free(llmcs_shop *shop);

/* Called for each text that is read, with all its words: those in `items` and the repeated ones. */
typedef llmcs_status (*shop_see_words)(void *user, const shop_entry_text *text, const shop_words *words);

/* Reads a version's texts in order of position, with one reference for the caller. see: or NULL. Call after
 * shop_follow. */
llmcs_status shop_entry_texts_read(llmcs_shop *shop, shop_connection *c, int64_t entry, int32_t version,
                                   shop_see_words see, void *user, shop_entry_texts **texts);

/* Same, but from memory if they are there. Thread-safe. */
llmcs_status shop_entry_texts_acquire(llmcs_shop *shop, shop_connection *c, int64_t entry, int32_t version,
                                      shop_entry_texts **texts);
void shop_entry_texts_release(llmcs_shop *shop, shop_entry_texts *texts);

/* Drops the texts kept of an entry because they are out of date. */
void shop_entry_texts_forget(llmcs_shop *shop, int64_t entry);

#endif
