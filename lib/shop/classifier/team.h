/* The threads of a training call. They share the items of a job; an item's result does not depend on the thread. */
#ifndef SHOP_CLASSIFIER_TEAM_H
#define SHOP_CLASSIFIER_TEAM_H

#include "shop/base/alloc.h"

typedef struct shop_team shop_team;

/* Processes one item of a job. thread: 0 to n_threads - 1, to select a workspace. */
typedef void (*shop_item_fn)(void *job, size_t item, int32_t thread);

/* n_threads: 1 to 512, including the caller's; 0: as many as the process may use. Starts fewer if the system cannot
 * create them. */
llmcs_status shop_team_create(const llmcs_allocator *a, int32_t n_threads, shop_team **team);
int32_t shop_team_threads(const shop_team *team);
/* Processes items 0 to n_items - 1 and returns when all are done. */
void shop_team_each(shop_team *team, shop_item_fn function, void *job, size_t n_items);
void shop_team_free(const llmcs_allocator *a, shop_team **team);

#endif
