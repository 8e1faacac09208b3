/* The check of a caller's number of elements. */
#include "base/array.h"

#include "base/size.h"

llmcs_status ll_check_array(const char *what, size_t n, size_t size) {
    size_t n_bytes;
    if (ll_mul(n, size, &n_bytes) && n_bytes <= PTRDIFF_MAX) return LLMCS_OK;
    return ll_fail(LLMCS_ARG, "%s: %zu elements are more than memory can hold", what, n);
}
