/* llmcs-shop export: exports the feedback that may train models. */
#include <string.h>

#include "commands.h"
#include "guard.h"
#include "request.h"
#include "store.h"

typedef struct export_job {
    const char *actor, *model, *lang;
    int32_t role, purpose;
    uint64_t since;
    guard_choice guard;
} export_job;

static const char *const role_names[] = {"customer", "agent", "supervisor", "auditor", "trainer", NULL};
static const char *const purpose_names[] = {"service", "quality", "training", "audit", "statistics", "erasure", NULL};
static const cli_option options[] = {
    CLI_CHOICE("role", offsetof(export_job, role), "role of the person who exports [trainer]", role_names),
    CLI_CHOICE("purpose", offsetof(export_job, purpose), "purpose of the export [training]", purpose_names),
    CLI_PLAIN("actor", CLI_STRING, offsetof(export_job, actor), "person who exports, for the audit"),
    CLI_PLAIN("model", CLI_STRING, offsetof(export_job, model), "only rows for this classifier"),
    CLI_PLAIN("lang", CLI_STRING, offsetof(export_job, lang), "only texts in this language"),
    CLI_PLAIN("since", CLI_UINT64, offsetof(export_job, since), "only rows from this time on, seconds since 1970"),
};

static int print_row(void *user, const char *json, size_t n) {
    (void)user;
    return fwrite(json, 1, n, stdout) != n || putchar('\n') == EOF;
}

static int export_command(int argc, char **argv) {
    cli_common common;
    export_job j = {.role = LLMCS_SHOP_TRAINER, .purpose = LLMCS_SHOP_FOR_TRAINING};
    llmcs_shop_export_params params;
    llmcs_shop_guard *guard = NULL;
    store s;
    size_t n = 0;
    int code = cli_parse(&cmd_export, argc, argv, &common, &j);
    if (code >= 0) return code;
    if (!store_open(&s, &common, STORE_NO_ENCODER, NULL, 0)) return EXIT_FAILED;
    llmcs_shop_export_params_init(&params);
    params.role = (llmcs_shop_role)j.role;
    params.purpose = (llmcs_shop_purpose)j.purpose;
    params.actor = j.actor;
    params.model = j.model;
    params.lang = j.lang;
    params.since = (int64_t)j.since;
    code = EXIT_FAILED;
    if (guard_open(&j.guard, s.shop, &guard)) {
        params.guard = guard;
        code = llmcs_shop_export(s.shop, &params, print_row, NULL, &n) ? cli_failed("export") : EXIT_DONE;
    }
    if (fflush(stdout)) code = EXIT_FAILED;
    llmcs_shop_guard_free(&guard);
    store_close(&s);
    fprintf(stderr, "%zu rows\n", n);
    return code;
}

const cli_command cmd_export = {
    .name = "export",
    .target = "STORE",
    .arguments = "",
    .summary = "Prints feedback that customers consented to, masked, as JSON Lines; the audit records who exported it.",
    .notes =
        "A line: {\"id\", \"text\", \"lang\", \"model\"?, \"label\"?, \"predicted\"?, \"reply\"?, \"outcome\", "
        "\"rating\"?, \"time\"}. Customers and conversations are left out. train-classifier and retrain read "
        "such files.",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .execute = export_command};
