/* llmcs-shop forget: erases a customer's data. */
#include "commands.h"
#include "report.h"
#include "store.h"

typedef struct forget_job {
    report_job by;
} forget_job;

static const cli_option options[] = {REPORT_OPTIONS(forget_job)};

static int forget_command(int argc, char **argv) {
    cli_common common;
    forget_job j = {.by = {0}};
    store s;
    llmcs_shop_forget_params params;
    int code = cli_parse(&cmd_forget, argc, argv, &common, &j);
    if (code >= 0) return code;
    report_params(&j.by, &params);
    if (!store_open(&s, &common, STORE_NO_ENCODER, NULL, 0)) return EXIT_FAILED;
    code = EXIT_DONE;
    for (int i = 0; i < common.n_texts && code == EXIT_DONE; i++) {
        llmcs_shop_forgotten *report;
        if (llmcs_shop_forget(s.shop, common.texts[i], &params, &report))
            code = cli_failed("forget");
        else
            report_print(common.texts[i], &report);
    }
    store_close(&s);
    return code;
}

const cli_command cmd_forget = {
    .name = "forget",
    .target = "STORE",
    .arguments = "CUSTOMER ...",
    .summary =
        "Erases customers: their key with all values that it encrypts, conversations, events and all other rows.",
    .notes =
        "Orders stay, as tax law requires, under a random name without city and tracking number. Copies of the store, "
        "such as backups, are not changed.",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .min_texts = 1,
    .max_texts = CLI_ANY_TEXTS,
    .execute = forget_command};
