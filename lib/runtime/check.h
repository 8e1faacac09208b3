/* Checks of arguments. */
#ifndef LL_RUNTIME_CHECK_H
#define LL_RUNTIME_CHECK_H

#include "base/array.h"
#include "base/size.h"
#include "base/status.h"

/* Fails with `status` unless all of ids [n] are in [0, bound); the message names what[first + i]. */
llmcs_status ll_check_ids(llmcs_status status, const char *what, size_t first, const int32_t *ids, size_t n,
                          size_t bound);

#endif
