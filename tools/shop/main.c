/* llmcs-shop: runs one subcommand over a shop's store. */
#include "commands.h"

const char *const cli_program = "llmcs-shop";

static const cli_command *const commands[] = {
    /* in the order in which a shop uses them */
    &cmd_init,          &cmd_import_faq,    &cmd_import_products, &cmd_import_customers,
    &cmd_import_events, &cmd_import_orders, &cmd_update_vectors,  &cmd_retire,
    &cmd_ask,           &cmd_chat,          &cmd_calibrate,       &cmd_measure,
    &cmd_measure_desk,  &cmd_recommend,     &cmd_evaluate,        &cmd_train_classifier,
    &cmd_classify,      &cmd_mask,          &cmd_unmask,          &cmd_train_tagger,
    &cmd_check,         &cmd_strategy,      &cmd_audit,           &cmd_forget,
    &cmd_retention,     &cmd_feedback,      &cmd_export,          &cmd_retrain,
    &cmd_compare,       &cmd_promote,       &cmd_rollback,        &cmd_assist,
};

int main(int argc, char **argv) {
    return cli_main(argc, argv, commands, sizeof commands / sizeof *commands,
                    "llmcs-shop COMMAND --help (-h, or llmcs-shop help COMMAND) says more; llmcs-shop --version.\n"
                    "Exit codes: 0 done, 1 failed, 2 wrong usage.");
}
