/* Threads of one training call: they share the items of a job, and each item's result does not depend on who takes it.
 */
#ifndef SHOP_CLASSIFIER_TEAM_H
#define SHOP_CLASSIFIER_TEAM_H

#include "shop/base/alloc.h"

typedef struct shop_team shop_team;

/* Does item `item` of a job; `thread` is 0 to n_threads - 1, for workspaces. */
typedef void (*shop_item_fn)(void *job, size_t item, int32_t thread);

/* n_threads: 1 to 512, the caller's included; 0: as many as the process may use. Starts fewer where threads cannot be
 * created. */
llmcs_status shop_team_create(const llmcs_allocator *a, int32_t n_threads, shop_team **team);
int32_t shop_team_threads(const shop_team *team);
/* Returns when all items are done. */
void shop_team_each(shop_team *team, shop_item_fn function, void *job, size_t n_items);
void shop_team_free(const llmcs_allocator *a, shop_team **team);

#endif
