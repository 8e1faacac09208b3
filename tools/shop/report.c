/* Prints what was erased. */
#include "report.h"

const char *const report_roles[] = {"supervisor", "customer", NULL};

void report_params(const report_job *j, llmcs_shop_forget_params *params) {
    llmcs_shop_forget_params_init(params);
    params->role = j->role ? LLMCS_SHOP_CUSTOMER : LLMCS_SHOP_SUPERVISOR;
    if (j->actor) params->actor = j->actor;
}

void report_print(const char *what, llmcs_shop_forgotten **report) {
    const llmcs_shop_forgotten *r = *report;
    for (size_t i = 0; i < r->n_items; i++)
        printf("%s: %s: %llu %s%s%s\n", what, r->items[i]->table, (unsigned long long)r->items[i]->n_rows,
               r->items[i]->action, r->items[i]->why ? ": " : "", r->items[i]->why ? r->items[i]->why : "");
    if (!r->known) printf("%s: nothing was in the store\n", what);
    if (!r->wal_truncated)
        printf("%s: the write-ahead log still holds old pages, since somebody reads the store: do this again later\n",
               what);
    llmcs_shop_forgotten_free(report);
}
