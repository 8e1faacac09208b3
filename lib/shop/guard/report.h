/* The report of forgetting and retention. */
#ifndef SHOP_GUARD_REPORT_H
#define SHOP_GUARD_REPORT_H

#include "shop/guard/personal.h"
#include "shop/store/store.h"

enum { SHOP_REPORT_ITEMS = 64 };

typedef struct shop_report {
    llmcs_shop_forgotten shown; /* first member: llmcs_shop_forgotten_free gets its address */
    llmcs_allocator allocator;
    llmcs_shop_forgotten_item items[SHOP_REPORT_ITEMS];
    const llmcs_shop_forgotten_item *pointers[SHOP_REPORT_ITEMS];
} shop_report;

llmcs_status shop_report_create(const llmcs_allocator *a, shop_report **report);
/* Adds n rows to a line of the report. The strings must be literals. */
void shop_report_add(shop_report *report, const char *table, const char *action, const char *why, uint64_t n);
/* {"events deleted":12,"orders pseudonymised":3} for the audit; free with sqlite3_free. NULL: no memory. */
char *shop_report_json(const shop_report *report);

/* Call after the transaction. On success, removes deleted rows from the recommender and the WAL and passes the report
 * to the caller. On failure, frees it and returns status. */
llmcs_status shop_report_finish(llmcs_shop *shop, llmcs_status status, shop_report *r, llmcs_shop_forgotten **report);

/* Applies defaults and checks the role. STATE if it may not erase. */
llmcs_status shop_forget_params(const llmcs_shop_forget_params *given, llmcs_shop_forget_params *params);

#endif
