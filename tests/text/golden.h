/* Golden files: one JSON object a line, {"text": ..., "<column>": [ids], ...}. */
#ifndef TESTS_TEXT_GOLDEN_H
#define TESTS_TEXT_GOLDEN_H

#include "support/json_lines.h"

/* An array of integers as int32_t; the caller frees. */
static inline int32_t *golden_ids(ll_json array, size_t *n) {
    int32_t *ids = malloc((ll_json_count(array) + 1) * sizeof *ids);
    *n = 0;
    for (ll_json m = ll_json_first(array); ll_json_get_type(m) != LL_JSON_MISSING; m = ll_json_next(m)) {
        int64_t id = -1;
        ck_assert(ll_json_int64(m, &id));
        ids[(*n)++] = (int32_t)id;
    }
    return ids;
}

#endif
