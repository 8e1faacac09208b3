/*
 * The texts of an entry as a question is compared with them: words, trigrams, vectors. A version's texts never change,
 * so they are cut into words once. Without the index of all texts (word_index.h) the entries that questions found stay
 * in memory, up to SHOP_ENTRY_TEXTS_BYTES.
 */
#ifndef SHOP_KNOWLEDGE_ENTRY_TEXTS_H
#define SHOP_KNOWLEDGE_ENTRY_TEXTS_H

#include <stdatomic.h>

#include "shop/knowledge/match.h"

enum { SHOP_ENTRY_TEXTS_BYTES = 32 << 20, SHOP_VECTOR_LANES = 16 };

/* A word, the first of its kind in the text. */
typedef struct shop_entry_word {
    uint64_t hash;  /* XXH64 */
    uint32_t begin; /* in the text's joined words */
    uint16_t len;
    bool function_word;
} shop_entry_word;

typedef struct shop_entry_text {
    int64_t row, position; /* of texts; position 0 is the answer */
    bool live, has_vector;
    size_t begin, n; /* of its bytes in `chars`, NUL-terminated */
    size_t joined;   /* its words begin here in `chars` */
    size_t first_word, n_words;
    size_t first_trigram, n_trigrams; /* of a question */
} shop_entry_text;

typedef struct shop_entry_texts {
    struct shop_entry_texts *next; /* in a table's bucket */
    int64_t entry;
    int32_t version;
    bool retired, odd_tags;          /* odd: not a JSON array */
    _Atomic int32_t n_users;         /* and one for the table */
    int64_t valid_from, valid_until; /* INT64_MIN, INT64_MAX: no limit */
    char *id, *lang;
    char *tags; /* each with a NUL */
    size_t tags_bytes, tags_capacity;
    shop_entry_text *items;
    size_t n, capacity, bytes;
    char *chars;
    size_t n_chars, chars_capacity;
    shop_entry_word *words;
    size_t n_words, words_capacity;
    uint16_t *trigrams; /* bits of the signature, in ascending order */
    size_t n_trigrams, trigrams_capacity;
    float *vectors; /* of items, [n / SHOP_VECTOR_LANES, n_embedding, SHOP_VECTOR_LANES], or NULL */
} shop_entry_texts;

/* most_bytes: SHOP_ENTRY_TEXTS_BYTES, less for tests. */
llmcs_status shop_entry_texts_create(llmcs_shop *shop, size_t most_bytes);
void shop_entry_texts_free(llmcs_shop *shop);

/* What reads an entry's texts also gets the words of each: those that `items` has, and the repeated ones. */
typedef llmcs_status (*shop_see_words)(void *user, const shop_entry_text *text, const shop_words *words);

/* A version's texts in the order of their positions, fresh and with one user. see: or NULL. After shop_follow. */
llmcs_status shop_entry_texts_read(llmcs_shop *shop, shop_connection *c, int64_t entry, int32_t version,
                                   shop_see_words see, void *user, shop_entry_texts **texts);

/* The same from memory, where they are. Any number of threads. */
llmcs_status shop_entry_texts_acquire(llmcs_shop *shop, shop_connection *c, int64_t entry, int32_t version,
                                      shop_entry_texts **texts);
void shop_entry_texts_release(llmcs_shop *shop, shop_entry_texts *texts);

/* Those kept of an entry are out of date. */
void shop_entry_texts_forget(llmcs_shop *shop, int64_t entry);

#endif
