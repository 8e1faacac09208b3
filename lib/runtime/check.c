/* Checks ids and array sizes. */
#include "runtime/check.h"

llmcs_status ll_check_ids(llmcs_status status, const char *what, size_t first, const int32_t *ids, size_t n,
                          size_t bound) {
    for (size_t i = 0; i < n; i++) {
        if (ids[i] < 0 || (size_t)ids[i] >= bound)
            return ll_fail(status, "%s[%zu] is %d, expected 0 to %zu", what, first + i, (int)ids[i], bound - 1);
    }
    return LLMCS_OK;
}

llmcs_status ll_check_array(const char *what, size_t n, size_t size) {
    size_t n_bytes;
    if (ll_mul(n, size, &n_bytes) && n_bytes <= PTRDIFF_MAX) return LLMCS_OK;
    return ll_fail(LLMCS_ARG, "%s: %zu elements are more than memory can hold", what, n);
}
