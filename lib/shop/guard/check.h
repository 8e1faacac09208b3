/* The part of a guard that llmcs_shop_check uses. Immutable. */
#ifndef SHOP_GUARD_CHECK_H
#define SHOP_GUARD_CHECK_H

#include "shop/base/alloc.h"

typedef struct shop_checker shop_checker;

llmcs_status shop_checker_create(const llmcs_shop_guard_options *options, const llmcs_allocator *a,
                                 shop_checker **checker);
void shop_checker_free(shop_checker **checker);

llmcs_status shop_check_text_with(const shop_checker *checker, const char *text, size_t text_bytes,
                                  const llmcs_shop_check_params *params, llmcs_shop_verdict **verdict);

#endif
