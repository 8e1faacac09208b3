/* The subcommands of llmcs-shop: one file each (cmd_*.c). */
#ifndef TOOLS_SHOP_COMMANDS_H
#define TOOLS_SHOP_COMMANDS_H

#include "cli.h"
#include "llmcs_shop.h"

#endif
