/* What the store calls when it opens and closes. */
#ifndef SHOP_KNOWLEDGE_KNOWLEDGE_H
#define SHOP_KNOWLEDGE_KNOWLEDGE_H

#include "shop/store/store.h"

llmcs_status shop_knowledge_create(llmcs_shop *shop);
void shop_knowledge_free(llmcs_shop *shop);

#endif
