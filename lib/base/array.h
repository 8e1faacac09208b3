/* Arrays that callers pass with their number of elements. */
#ifndef LL_BASE_ARRAY_H
#define LL_BASE_ARRAY_H

#include "base/status.h"

/* ARG if an array of n elements of `size` bytes cannot exist; checked before an element is read. */
llmcs_status ll_check_array(const char *what, size_t n, size_t size);

#endif
