/* The subcommands of llmcs-shop, one per file (cmd_*.c). */
#ifndef TOOLS_SHOP_COMMANDS_H
#define TOOLS_SHOP_COMMANDS_H

#include "cli.h"
#include "llmcs_shop.h"

extern const cli_command cmd_init, cmd_import_faq, cmd_update_vectors, cmd_retire, cmd_ask, cmd_calibrate, cmd_measure;
extern const cli_command cmd_import_products, cmd_import_customers, cmd_import_events, cmd_import_orders;
extern const cli_command cmd_evaluate, cmd_recommend;
extern const cli_command cmd_train_classifier, cmd_classify;
extern const cli_command cmd_mask, cmd_unmask, cmd_train_tagger;
extern const cli_command cmd_strategy, cmd_measure_desk;
extern const cli_command cmd_audit, cmd_check, cmd_forget, cmd_retention;
extern const cli_command cmd_feedback, cmd_export, cmd_retrain, cmd_compare, cmd_promote, cmd_rollback;
extern const cli_command cmd_chat;
extern const cli_command cmd_assist;

#endif
