/* Functions that the store calls when it opens and closes. */
#ifndef SHOP_KNOWLEDGE_KNOWLEDGE_H
#define SHOP_KNOWLEDGE_KNOWLEDGE_H

#include "shop/store/store.h"

llmcs_status shop_knowledge_create(llmcs_shop *shop);
void shop_knowledge_free(llmcs_shop *shop);

/* llmcs_shop_ask for a text whose spelling is already corrected. vector: [n_embedding] from the shop's encoder, or NULL
 * to compute it. */
llmcs_status shop_ask_corrected(llmcs_shop *shop, const char *text, size_t text_bytes,
                                const llmcs_shop_ask_params *params, const float *vector, llmcs_shop_answer **answer);

#endif
