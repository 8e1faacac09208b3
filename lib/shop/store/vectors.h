/* Embedding vectors in the store: float16, little-endian, in table `vectors`, keyed by the table and row of the text
 * and by the encoder's fingerprint. */
#ifndef SHOP_STORE_VECTORS_H
#define SHOP_STORE_VECTORS_H

#include "shop/store/store.h"

/* Embeds n texts: *vectors [n, shop->n_embedding], allocated; NULL without an encoder or texts. Slow: do not call it
 * inside a transaction. */
llmcs_status shop_embed(llmcs_shop *shop, const llmcs_text *texts, size_t n, float **vectors);

/* Must be called inside a write. Does nothing if `vector` is NULL. */
llmcs_status shop_vector_put(llmcs_shop *shop, shop_connection *c, const char *source, int64_t row,
                             const float *vector);

/* A table of texts that are embedded. */
typedef struct shop_vector_source {
    const char *table;
    const char *missing; /* row and text of the next 64 after row ?2 that have no vector of fingerprint ?1 */
    const char *last;    /* the last row, for progress; NULL: none is reported */
    bool is_indexed;     /* `touch` needs the number of a change */
    /* Prepares a row for its vector. *there: false if the text was replaced or deleted meanwhile. */
    llmcs_status (*touch)(shop_connection *c, int64_t row, const char *text, int64_t change, bool *there);
} shop_vector_source;

/* Embeds the texts that have no vector yet. progress: may be NULL. */
llmcs_status shop_vectors_make(llmcs_shop *shop, const shop_vector_source *source, llmcs_progress_fn progress,
                               void *user);

/* Embeds the entries, or the products, that have no vector yet. */
llmcs_status shop_vectors_make_missing(llmcs_shop *shop, bool products, llmcs_progress_fn progress, void *user);

/* Decodes a blob to floats, [shop->n_embedding]. FORMAT if its size is wrong or a value is not finite. */
llmcs_status shop_vector_decode(const llmcs_shop *shop, const void *blob, size_t n_bytes, float *vector);

#endif
