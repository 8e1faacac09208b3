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

/* Embeds the entries, or the products, that have no vector yet. progress: may be NULL. */
llmcs_status shop_vectors_make_missing(llmcs_shop *shop, bool products, llmcs_progress_fn progress, void *user);

/* Decodes a blob to floats, [shop->n_embedding]. FORMAT if its size is wrong or a value is not finite. */
llmcs_status shop_vector_decode(const llmcs_shop *shop, const void *blob, size_t n_bytes, float *vector);

#endif
