/*
 * SQLite keeps the locks of a file in memory of the process. A child gets a copy of that memory and none of the locks,
 * so if it opened a file that its parent had open, its parent's last close would delete the log it writes. The stores
 * that are open in this process are therefore listed, and a child that finds its parent's entry is refused.
 */
#ifndef SHOP_STORE_INHERITED_H
#define SHOP_STORE_INHERITED_H

#include "shop/base/status.h"

/* Lists the file `path` until shop_inherited_remove. *slot: where. FORK if the parent had it open when it forked; LIMIT
 * if too many are open. */
llmcs_status shop_inherited_add(const char *path, int *slot);
/* Does nothing in a child, where SQLite's memory of the file stays. */
void shop_inherited_remove(int slot);

#endif
