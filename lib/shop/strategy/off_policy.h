/* How rows of a log are split, so that nothing is judged by what it was fitted to. */
#ifndef SHOP_STRATEGY_OFF_POLICY_H
#define SHOP_STRATEGY_OFF_POLICY_H

#include "shop/base/alloc.h"

enum { SHOP_N_FOLDS = 5 };

/* 0 to SHOP_N_FOLDS - 1. */
size_t shop_fold_of(size_t row);

/* Numbers the contexts of n rows in order of first appearance. */
llmcs_status shop_number_contexts(const llmcs_allocator *a, const llmcs_shop_logged *log, size_t n, uint32_t *contexts,
                                  size_t *n_contexts);

#endif
