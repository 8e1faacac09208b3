/* What forgetting and retention report. */
#ifndef SHOP_GUARD_REPORT_H
#define SHOP_GUARD_REPORT_H

#include "shop/guard/personal.h"
#include "shop/store/store.h"

enum { SHOP_REPORT_ITEMS = 64 };

typedef struct shop_report {
    llmcs_shop_forgotten shown; /* first: llmcs_shop_forgotten_free gets its address */
    llmcs_allocator allocator;
    llmcs_shop_forgotten_item items[SHOP_REPORT_ITEMS];
    const llmcs_shop_forgotten_item *pointers[SHOP_REPORT_ITEMS];
} shop_report;

llmcs_status shop_report_create(const llmcs_allocator *a, shop_report **report);
/* Adds a line unless n is 0. The strings are literals. */
void shop_report_add(shop_report *report, const char *table, const char *action, const char *why, uint64_t n);
/* {"events":12,"orders":3}, for the audit; free with sqlite3_free. NULL: no memory. */
char *shop_report_json(const shop_report *report);

/* After the transaction: what was deleted leaves the recommender and the WAL, and the report is the caller's. With a
 * status it is freed, and the status returned. */
llmcs_status shop_report_finish(llmcs_shop *shop, llmcs_status status, shop_report *r, llmcs_shop_forgotten **report);

/* Defaults, and who may do it: STATE. */
llmcs_status shop_forget_params(const llmcs_shop_forget_params *given, llmcs_shop_forget_params *params);

#endif
