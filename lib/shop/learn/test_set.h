/* The test rows of a model: never trained on, and the same for all comparisons. */
#ifndef SHOP_LEARN_TEST_SET_H
#define SHOP_LEARN_TEST_SET_H

#include "shop/store/store.h"

/* Hashes of the test rows, to find training rows with the same text. */
typedef struct shop_test_keys {
    const llmcs_allocator *a;
    uint64_t *sorted; /* [n] hashes of the texts, ignoring spaces, case and width */
    size_t n;
    uint64_t checksum; /* of texts and labels in order */
} shop_test_keys;

/* n may be 0. On failure there is nothing to free. */
llmcs_status shop_test_keys_make(const llmcs_allocator *a, const llmcs_shop_example *tests, size_t n,
                                 shop_test_keys *keys);
void shop_test_keys_free(shop_test_keys *keys);

/* *found: true if a test row has this text. */
llmcs_status shop_test_keys_find(const shop_test_keys *keys, const char *text, size_t n, bool *found);

/* ARG if the model has different test rows and `replace` is false. Does nothing if keys is empty. */
llmcs_status shop_test_set_check(shop_connection *c, const char *model, const shop_test_keys *keys, bool replace);

/* The same, and stores the checksum. Must be called inside a write. */
llmcs_status shop_test_set_keep(shop_connection *c, const char *model, const shop_test_keys *keys, bool replace);

#endif
