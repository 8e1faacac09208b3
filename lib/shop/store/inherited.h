/*
 * SQLite keeps a file's lock state in process memory. A child inherits that memory but not the locks: if it opened a
 * file that its parent has open, the parent's last close would delete the log that the child writes. So every process
 * lists its open stores, and a child that finds its parent's entry for a file refuses to open it.
 */
#ifndef SHOP_STORE_INHERITED_H
#define SHOP_STORE_INHERITED_H

#include "shop/base/status.h"

/* Lists the file until shop_inherited_remove(*slot). FORK if the parent had it open when it forked; LIMIT if too many
 * files are open. */
llmcs_status shop_inherited_add(const char *path, int *slot);
/* Does nothing in a child, whose copy of SQLite's lock state remains. */
void shop_inherited_remove(int slot);

#endif
