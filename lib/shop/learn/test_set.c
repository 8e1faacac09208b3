/* Hashes test rows, and checks that a model is always compared on the same ones. */
#include "shop/learn/test_set.h"

#include <string.h>
#include <time.h>

#include "shop/base/hash.h"
#include "shop/base/sort.h"
#include "shop/knowledge/words.h"

/* Hashes the normalised text without spaces: "Where is it ?" and "where is it?" are equal. */
static llmcs_status text_key(const llmcs_allocator *a, const char *text, size_t n_bytes, uint64_t *key) {
    int32_t *c;
    size_t n, kept = 0;
    SHOP_TRY(shop_normalise(a, text, n_bytes, &c, &n));
    for (size_t i = 0; i < n; i++)
        if (c[i] > ' ') c[kept++] = c[i];
    *key = shop_xxh64(c, kept * sizeof *c);
    shop_free(a, c);
    return LLMCS_OK;
}

llmcs_status shop_test_keys_make(const llmcs_allocator *a, const llmcs_shop_example *tests, size_t n,
                                 shop_test_keys *keys) {
    *keys = (shop_test_keys){.a = a};
    llmcs_status status = shop_alloc(a, n, sizeof *keys->sorted, "test rows", &keys->sorted);
    for (size_t i = 0; i < n && !status; i++) {
        const llmcs_shop_example *e = &tests[i];
        if (!e->text || !e->label) {
            status = shop_fail(LLMCS_ARG, "tests[%lld]: text or label is NULL", (long long)i);
            break;
        }
        const size_t n_text = e->text_bytes == LLMCS_NUL ? strlen(e->text) : e->text_bytes;
        const uint64_t parts[] = {keys->checksum, shop_xxh64(e->text, n_text), shop_xxh64(e->label, strlen(e->label))};
        keys->checksum = shop_xxh64(parts, sizeof parts);
        status = text_key(a, e->text, n_text, &keys->sorted[i]);
    }
    if (status) {
        shop_test_keys_free(keys);
        return status;
    }
    keys->n = n;
    shop_sort_u64(keys->sorted, n);
    return LLMCS_OK;
}

void shop_test_keys_free(shop_test_keys *keys) {
    if (keys->a) shop_free(keys->a, keys->sorted);
    *keys = (shop_test_keys){0};
}

llmcs_status shop_test_keys_find(const shop_test_keys *keys, const char *text, size_t n, bool *found) {
    uint64_t key;
    size_t low = 0, high = keys->n;
    *found = false;
    if (!keys->n) return LLMCS_OK;
    SHOP_TRY(text_key(keys->a, text, n, &key));
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (keys->sorted[middle] < key)
            low = middle + 1;
        else
            high = middle;
    }
    *found = low < keys->n && keys->sorted[low] == key;
    return LLMCS_OK;
}

llmcs_status shop_test_set_check(shop_connection *c, const char *model, const shop_test_keys *keys, bool replace) {
    int64_t known, n;
    if (!keys->n || replace) return LLMCS_OK;
    SHOP_TRY(shop_lookup_int(c, 0, &n, "SELECT n FROM test_sets WHERE model = ?1", "s", model));
    SHOP_TRY(shop_lookup_int(c, (int64_t)keys->checksum, &known, "SELECT checksum FROM test_sets WHERE model = ?1", "s",
                             model));
    if ((uint64_t)known == keys->checksum) return LLMCS_OK;
    return shop_fail(LLMCS_ARG,
                     "%s: these %lld test rows differ from the model's %lld test rows: scores on different rows cannot"
                     " be compared; set new_tests to replace the test rows",
                     model, (long long)keys->n, (long long)n);
}

llmcs_status shop_test_set_keep(shop_connection *c, const char *model, const shop_test_keys *keys, bool replace) {
    if (!keys->n) return LLMCS_OK;
    SHOP_TRY(shop_test_set_check(c, model, keys, replace));
    return shop_change(c,
                       "INSERT INTO test_sets(model, checksum, n, time) VALUES(?1, ?2, ?3, ?4)"
                       " ON CONFLICT(model) DO UPDATE SET checksum = ?2, n = ?3, time = ?4 WHERE checksum <> ?2",
                       "siii", model, (int64_t)keys->checksum, (int64_t)keys->n, (int64_t)time(NULL));
}
