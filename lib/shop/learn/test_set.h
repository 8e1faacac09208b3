/* The rows that versions of a model are compared on: never trained on, and the same for all versions. */
#ifndef SHOP_LEARN_TEST_SET_H
#define SHOP_LEARN_TEST_SET_H

#include "shop/store/store.h"

/* Hashes of the texts, so that training rows can be compared with them. */
typedef struct shop_test_keys {
    const llmcs_allocator *a;
    uint64_t *sorted; /* [n] of texts without spaces, case and width */
    size_t n;
    uint64_t checksum; /* of texts and labels in their order */
} shop_test_keys;

/* n may be 0. On failure nothing has to be freed. */
llmcs_status shop_test_keys_make(const llmcs_allocator *a, const llmcs_shop_example *tests, size_t n,
                                 shop_test_keys *keys);
void shop_test_keys_free(shop_test_keys *keys);

/* *found: the text is that of a test row. */
llmcs_status shop_test_keys_find(const shop_test_keys *keys, const char *text, size_t n, bool *found);

/* ARG if the model has other test rows, unless they are to be replaced. Without rows does nothing. */
llmcs_status shop_test_set_check(shop_connection *c, const char *model, const shop_test_keys *keys, bool replace);

/* The same inside a write, and remembers them. */
llmcs_status shop_test_set_keep(shop_connection *c, const char *model, const shop_test_keys *keys, bool replace);

#endif
