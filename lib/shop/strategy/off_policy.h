/* Splits the rows of a log into folds, so that each row is evaluated by a model that was not fitted to it. */
#ifndef SHOP_STRATEGY_OFF_POLICY_H
#define SHOP_STRATEGY_OFF_POLICY_H

#include "shop/base/alloc.h"

enum { SHOP_N_FOLDS = 5 };

/* The fold of a row, 0 to SHOP_N_FOLDS - 1. */
size_t shop_fold_of(size_t row);

/* Numbers the contexts of n rows in order of first appearance. */
llmcs_status shop_number_contexts(const llmcs_allocator *a, const llmcs_shop_logged *log, size_t n, uint32_t *contexts,
                                  size_t *n_contexts);

#endif
