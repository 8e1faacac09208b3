/* llmcs-shop retention: sets and applies how long rows are kept. */
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "report.h"
#include "store.h"

typedef struct retention_job {
    report_job by;
    cli_strings set;
    bool apply;
} retention_job;

static const cli_option options[] = {
    CLI_PLAIN("set", CLI_STRINGS, offsetof(retention_job, set), "TABLE=DAYS; 0: keep for ever"),
    CLI_PLAIN("apply", CLI_FLAG, offsetof(retention_job, apply), "remove the rows that are too old"),
    REPORT_OPTIONS(retention_job),
};

static int set_days(const store *s, const char *text) {
    char table[64], *end = NULL;
    const char *equals = strchr(text, '=');
    const size_t n = equals ? (size_t)(equals - text) : 0;
    const long days = equals ? strtol(equals + 1, &end, 10) : -1;
    if (!n || n >= sizeof table || !equals[1] || *end || days < 0 || days > INT32_MAX)
        return cli_error("--set: expected TABLE=DAYS, found %s", text);
    memcpy(table, text, n);
    table[n] = 0;
    return llmcs_shop_set_retention(s->shop, table, (int32_t)days) ? cli_failed("retention") : EXIT_DONE;
}

static int print_days(const store *s) {
    const char *table;
    for (size_t i = 0; (table = llmcs_shop_retention_table(i)); i++) {
        int32_t days;
        if (llmcs_shop_get_retention(s->shop, table, &days)) return cli_failed("retention");
        if (days)
            printf("%-16s %d days\n", table, days);
        else
            printf("%-16s for ever\n", table);
    }
    return EXIT_DONE;
}

static int retention_command(int argc, char **argv) {
    cli_common common;
    retention_job j = {.apply = false};
    store s;
    llmcs_shop_forget_params params;
    int code = cli_parse(&cmd_retention, argc, argv, &common, &j);
    if (code >= 0) return code;
    report_params(&j.by, &params);
    if (!store_open(&s, &common, STORE_NO_ENCODER, NULL, 0)) return EXIT_FAILED;
    code = EXIT_DONE;
    for (size_t i = 0; i < j.set.n && code == EXIT_DONE; i++) code = set_days(&s, j.set.items[i]);
    llmcs_shop_forgotten *report;
    if (code == EXIT_DONE && j.apply) {
        if (llmcs_shop_apply_retention(s.shop, 0, &params, &report))
            code = cli_failed("retention");
        else
            report_print("retention", &report);
    }
    if (code == EXIT_DONE && !j.apply) code = print_days(&s);
    store_close(&s);
    return code;
}

const cli_command cmd_retention = {
    .name = "retention",
    .target = "STORE",
    .arguments = "",
    .summary = "Prints or sets the days that rows of each table are kept; --apply removes older rows.",
    .notes = "Removed rows of the audit leave a signed anchor, from which the remaining rows are verified.",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .execute = retention_command};
