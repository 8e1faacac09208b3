/* Vectors of an encoder in the store: float16, little-endian, in table `vectors`, known by the table and row of their
 * text and by the encoder's fingerprint. */
#ifndef SHOP_STORE_VECTORS_H
#define SHOP_STORE_VECTORS_H

#include "shop/store/store.h"

/* Fresh vectors of n texts, [n, shop->n_embedding]; NULL without an encoder or texts. Not inside a transaction: it
 * takes the encoder's time. */
llmcs_status shop_embed(llmcs_shop *shop, const llmcs_text *texts, size_t n, float **vectors);

/* Inside a write. Does nothing if `vector` is NULL. */
llmcs_status shop_vector_put(llmcs_shop *shop, shop_connection *c, const char *source, int64_t row,
                             const float *vector);

/* Makes the vectors of entries, or of products, that are missing. progress: NULL, or called with the
 * share done. */
llmcs_status shop_vectors_make_missing(llmcs_shop *shop, bool products, llmcs_progress_fn progress, void *user);

/* Decodes a blob of the table to floats, [shop->n_embedding]. FORMAT if it has another size or is not finite. */
llmcs_status shop_vector_decode(const llmcs_shop *shop, const void *blob, size_t n_bytes, float *vector);

#endif
