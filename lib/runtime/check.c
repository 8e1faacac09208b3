/* Checks ids. */
#include "runtime/check.h"

llmcs_status ll_check_ids(llmcs_status status, const char *what, size_t first, const int32_t *ids, size_t n,
                          size_t bound) {
    for (size_t i = 0; i < n; i++) {
        if (ids[i] < 0 || (size_t)ids[i] >= bound)
            return ll_fail(status, "%s[%zu] is %d, expected 0 to %zu", what, first + i, (int)ids[i], bound - 1);
    }
    return LLMCS_OK;
}
